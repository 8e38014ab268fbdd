//! What comes over the wire is checked where it is read: an engine may be far away, and anyone's.
//!
//! Text becomes what may be shown, and numbers that a division or a picture's size depends on become the nearest that
//! are possible.

use serde::{Deserialize, Deserializer};

use crate::{foreign_text, model::MAX_SIDE_PX};

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

pub(super) fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    Ok(u32::deserialize(deserializer)?.clamp(1, MAX_SIDE_PX))
}

pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(u32, u32), D::Error> {
    let (width, height) = <(u32, u32)>::deserialize(deserializer)?;
    Ok((width.clamp(1, MAX_SIDE_PX), height.clamp(1, MAX_SIDE_PX)))
}

pub(super) fn sizes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(u32, u32)>, D::Error> {
    let sizes = Vec::<(u32, u32)>::deserialize(deserializer)?.into_iter();
    let within = |side: u32| side.clamp(1, MAX_SIDE_PX);
    Ok(sizes
        .map(|(width, height)| (within(width), within(height)))
        .collect())
}

/// A slider's end: zero for what is no number.
pub(super) fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    let number = f32::deserialize(deserializer)?;
    Ok(if number.is_finite() { number } else { 0.0 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::{
        error::ErrorKind,
        protocol::{Event, Failure, ModelId, ModelInfo, Sampling, framing},
    };

    #[test]
    fn a_far_engine_s_words_and_numbers_are_possible_when_they_are_read() {
        let text = || "\u{1b}]0;x\u{7}".repeat(1_000);
        for (number, expected) in [(0, 1), (64, 64), (u32::MAX, 8_192)] {
            let told = Event::Models(vec![ModelInfo {
                id: ModelId("far".to_owned()),
                name: text(),
                family: text(),
                description: text(),
                bytes: 0,
                stride: number,
                default_size: (number, number),
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
            assert_eq!(model.stride, expected);
            assert_eq!(model.default_size, (expected, expected));
            for shown in [&model.name, &model.family, &model.description] {
                assert!(shown.len() <= 1_024 && !shown.contains('\u{1b}'), "{shown}");
            }
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
