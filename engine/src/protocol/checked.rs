//! Words that come over the wire become what may be shown where they are read: an engine may be far away, and anyone's.
//!
//! Which numbers are possible, whoever asked decides, who knows what was asked.

use serde::{Deserialize, Deserializer};

use crate::foreign_text;

pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(foreign_text::name(text).to_string())
}

pub(super) fn some_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| foreign_text::name(text).to_string()))
}

pub(super) fn message<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(foreign_text::message(text).to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::{
        error::ErrorKind,
        protocol::{Event, Failure, ModelId, ModelInfo, Sampling, framing},
    };

    #[test]
    fn a_far_engine_s_words_may_be_shown_when_they_are_read() {
        let text = || "\u{1b}]0;x\u{7}".repeat(1_000);
        let told = Event::Models(vec![ModelInfo {
            id: ModelId("far".to_owned()),
            name: text(),
            family: text(),
            description: text(),
            bytes: 0,
            stride: 64,
            default_size: (64, 64),
            defaults: Sampling::default(),
            vocabulary: None,
            examples: Vec::new(),
            operations: Vec::new(),
            features: Vec::new(),
            settings: Vec::new(),
            native_sizes: Vec::new(),
        }]);
        let frame = framing::encode_frame(&told).unwrap();
        let Some(Event::Models(models)) = framing::read_frame(&mut frame.as_slice()).unwrap()
        else {
            panic!("no models");
        };
        let [model] = &models[..] else {
            panic!("{models:?}");
        };
        for shown in [&model.name, &model.family, &model.description] {
            assert!(shown.len() <= 1_024 && !shown.contains('\u{1b}'), "{shown}");
        }
        let told = Event::Failed {
            job: None,
            failure: Failure {
                kind: ErrorKind::Bug,
                message: text(),
            },
        };
        let frame = framing::encode_frame(&told).unwrap();
        match framing::read_frame(&mut frame.as_slice()).unwrap() {
            Some(Event::Failed { failure, .. }) => {
                assert!(failure.message.len() <= 1_024, "{}", failure.message);
                assert!(!failure.message.contains('\u{1b}'), "{}", failure.message);
            }
            other => panic!("{other:?}"),
        }
    }
}
