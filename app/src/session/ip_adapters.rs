//! Through which IP-Adapters the chosen model can look at pictures.

use limn_engine::protocol::{GenerateRequest, IpAdapterChoice, ModelId};

use super::Session;

/// How much of what it sees can be added.
pub const IP_ADAPTER_SCALES: std::ops::RangeInclusive<f32> = 0.0..=2.0;

/// An IP-Adapter in their folder, with an image encoder that fits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledIpAdapter {
    /// As requests name it.
    pub name: String,
    /// Kind, models and size, for people.
    pub facts: String,
}

/// Those that fit a model.
#[derive(Debug, Default)]
pub struct IpAdapters {
    fitting: Option<(ModelId, Vec<InstalledIpAdapter>)>,
    /// The model for which they are being looked for.
    asked: Option<ModelId>,
}

impl IpAdapters {
    /// Whether they are to be looked for now; true once for each model.
    pub fn ask(&mut self, model: &ModelId) -> bool {
        let is_new = self.asked.as_ref() != Some(model);
        if is_new {
            self.asked = Some(model.clone());
        }
        is_new
    }

    /// The folder may have changed.
    pub fn ask_again(&mut self) {
        self.asked = None;
    }

    pub fn set_fitting(&mut self, model: ModelId, fitting: Vec<InstalledIpAdapter>) {
        if self.asked.as_ref() == Some(&model) {
            self.fitting = Some((model, fitting));
        }
    }

    /// By name; none until they were looked for. Without a choice the first is used.
    pub fn fitting(&self, model: &ModelId) -> &[InstalledIpAdapter] {
        let fitting = self.fitting.as_ref().filter(|(of, _)| of == model);
        fitting.map_or(&[], |(_, fitting)| fitting)
    }
}

impl Session {
    /// Leaves the choice to the engine where what was chosen does not fit the request's model, as the prompt bar says.
    pub fn sift_ip_adapter(&self, request: &mut GenerateRequest) {
        let fitting = self.ip_adapters.fitting(&request.model);
        let fits = |choice: &IpAdapterChoice| fitting.iter().any(|one| one.name == choice.name);
        request.ip_adapter = request.ip_adapter.take().filter(fits);
    }
}

/// As it was written down, within its bounds.
pub(super) fn within_bounds(choice: Option<IpAdapterChoice>) -> Option<IpAdapterChoice> {
    const MOST_CHARS: usize = 255;
    let IpAdapterChoice { name, scale } = choice?;
    let is_named = (1..=MOST_CHARS).contains(&name.chars().count());
    (is_named && scale.is_finite()).then(|| IpAdapterChoice {
        name,
        scale: scale.clamp(*IP_ADAPTER_SCALES.start(), *IP_ADAPTER_SCALES.end()),
    })
}

#[cfg(test)]
mod tests {
    use limn_engine::protocol::Compute;

    use super::*;

    fn model(name: &str) -> ModelId {
        ModelId(name.to_owned())
    }

    #[test]
    fn a_choice_is_made_of_what_fits_the_model() {
        let mut session = Session::default();
        assert!(session.ip_adapters.ask(&model("photo")));
        assert!(!session.ip_adapters.ask(&model("photo")), "once");
        let plus = InstalledIpAdapter {
            name: "plus".to_owned(),
            facts: String::new(),
        };
        let fitting = vec![plus.clone()];
        session
            .ip_adapters
            .set_fitting(model("other"), vec![plus.clone()]);
        assert!(session.ip_adapters.fitting(&model("other")).is_empty());
        session.ip_adapters.set_fitting(model("photo"), fitting);
        assert_eq!(session.ip_adapters.fitting(&model("photo")), [plus]);
        for (of, name, stays) in [
            ("photo", "plus", true),
            ("photo", "faces", false),
            ("other", "plus", false),
        ] {
            let mut request = GenerateRequest::blank(model(of), Compute::default());
            let name = name.to_owned();
            request.ip_adapter = Some(IpAdapterChoice { name, scale: 0.5 });
            session.sift_ip_adapter(&mut request);
            assert_eq!(request.ip_adapter.is_some(), stays, "{of}");
        }
        session.ip_adapters.ask_again();
        assert!(session.ip_adapters.ask(&model("photo")));
    }

    #[test]
    fn what_was_written_down_is_taken_up_within_bounds() {
        let read = |name: &str, scale| {
            let name = name.to_owned();
            within_bounds(Some(IpAdapterChoice { name, scale }))
        };
        assert_eq!(read("", 1.0), None);
        assert_eq!(read("plus", f32::NAN), None);
        let scale = |choice: Option<IpAdapterChoice>| choice.map(|choice| choice.scale);
        assert_eq!(scale(read("plus", 0.5)), Some(0.5));
        assert_eq!(scale(read("plus", 900.0)), Some(2.0));
    }
}
