//! What this machine can do with a model, as far as memory says it.

use limn_engine::protocol::DeviceInfo;

use crate::model_library::KnownModel;
use crate::widgets;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    Well(String),
    Slowly(String),
    Not(String),
}

impl Fit {
    pub fn words(&self) -> &str {
        match self {
            Self::Well(words) | Self::Slowly(words) | Self::Not(words) => words,
        }
    }
}

/// Of the larger part of memory that pictures need too; parts of a model can be held one at a time.
const LEAST_SHARE: f64 = 0.75;

/// `None` as long as no device is known.
pub(super) fn fit(model: &KnownModel, devices: &[DeviceInfo]) -> Option<Fit> {
    let needed = model.memory_mb * 1_000_000;
    let memory = |device: &&DeviceInfo| device.memory_bytes.unwrap_or_default();
    let gpus = devices
        .iter()
        .filter(|device| device.is_gpu && !device.is_software);
    let processor = devices.iter().find(|device| !device.is_gpu)?;
    if let Some(gpu) = gpus.max_by_key(memory) {
        let (name, has) = (widgets::shown(&gpu.name), memory(&gpu));
        if has >= needed {
            return Some(Fit::Well(format!("Runs well here, on {name}")));
        }
        if has as f64 >= LEAST_SHARE * needed as f64 {
            let has = widgets::bytes(has);
            return Some(Fit::Slowly(format!(
                "Runs slowly here: {name} has {has}, so parts of it are read anew for each picture"
            )));
        }
    }
    let has = memory(&processor);
    // The processor keeps half precision as it is where memory is short.
    if has as f64 >= LEAST_SHARE * needed as f64 {
        return Some(Fit::Slowly(
            "Runs slowly here: on the processor a picture takes minutes".to_owned(),
        ));
    }
    let (needed, has) = (widgets::bytes(needed), widgets::bytes(has));
    Some(Fit::Not(format!(
        "Does not run here: it needs about {needed}, and there are {has}"
    )))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use limn_engine::protocol::SelfTest;

    use super::*;
    use crate::model_library::known_models;

    fn device(is_gpu: bool, gigabytes: u64) -> DeviceInfo {
        DeviceInfo {
            name: "a device".to_owned(),
            backend: String::new(),
            driver: String::new(),
            is_gpu,
            is_software: false,
            memory_bytes: Some(gigabytes << 30),
            dtypes: Vec::new(),
            self_test: SelfTest::NotRun,
        }
    }

    #[test]
    fn memory_says_what_runs() {
        let xl = known_models()
            .iter()
            .find(|model| model.name == "sdxl")
            .unwrap();
        let fit = |devices: &[DeviceInfo]| fit(xl, devices);
        assert_eq!(fit(&[]), None);
        assert!(matches!(fit(&[device(false, 16)]), Some(Fit::Slowly(_))));
        assert!(matches!(fit(&[device(false, 4)]), Some(Fit::Not(_))));
        assert!(matches!(
            fit(&[device(false, 16), device(true, 12)]),
            Some(Fit::Well(_))
        ));
        assert!(
            matches!(fit(&[device(false, 16), device(true, 6)]), Some(Fit::Slowly(words)) if words.contains("a device"))
        );
        assert!(
            matches!(fit(&[device(false, 16), device(true, 2)]), Some(Fit::Slowly(words)) if words.contains("processor"))
        );
        // One that software plays is none.
        let mut played = device(true, 64);
        played.is_software = true;
        assert!(matches!(
            fit(&[device(false, 4), played]),
            Some(Fit::Not(_))
        ));
    }
}
