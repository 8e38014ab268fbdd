//! What the model does not know or does not read, looked up once and not every frame.

use std::sync::Arc;

use limn_engine::prompt_language::marks::{Mark, MarkKind, marks};
use limn_engine::protocol::{Feature, ModelInfo};

use crate::session::{PromptNote, UnknownWord, prompt_note, unknown_words};

/// What was found in one text.
#[derive(Clone)]
pub(super) struct Found {
    pub unknown: Arc<[UnknownWord]>,
    /// What weighs what, for a model that knows weights.
    pub marks: Arc<[Mark]>,
    /// What is to be said of the whole text.
    pub note: Option<PromptNote>,
}

/// What was found in the texts that are being written.
#[derive(Default)]
pub(super) struct Lookup {
    /// Of the vocabulary, 0 without one; and whether the model knows weights.
    of_model: (usize, bool),
    found: Vec<(String, Found)>,
}

impl Lookup {
    pub(super) fn look_up(&mut self, text: &str, model: Option<&ModelInfo>) -> Found {
        const MOST: usize = 8;
        let vocabulary = model.and_then(|model| model.vocabulary.as_ref());
        let size = vocabulary.map_or(0, |vocabulary| {
            1 + vocabulary.objects.len() + vocabulary.words.len() + vocabulary.synonyms.len()
        });
        let knows_weights = model.is_none_or(|model| model.has(Feature::PromptWeights));
        if self.of_model != (size, knows_weights) {
            self.of_model = (size, knows_weights);
            self.found.clear();
        }
        if let Some((_, found)) = self.found.iter().find(|(known, _)| known == text) {
            return found.clone();
        }
        let marks = marks(text);
        let note = match prompt_note(text) {
            // It is read in as many chunks as it takes.
            Some(PromptNote::TooLong { .. }) if knows_weights => None,
            None if !knows_weights && marks.iter().any(is_meant) => Some(PromptNote::Literal),
            note => note,
        };
        // In another language hardly any word is known: it is enough to say so once.
        let vocabulary = vocabulary.filter(|_| note != Some(PromptNote::NotEnglish));
        let unknown = vocabulary.map_or_else(Vec::new, |known| unknown_words(text, known));
        let found = Found {
            unknown: unknown.into(),
            marks: if knows_weights {
                marks.into()
            } else {
                Arc::default()
            },
            note,
        };
        if self.found.len() == MOST {
            self.found.remove(0);
        }
        self.found.push((text.to_owned(), found.clone()));
        found
    }
}

/// Whether someone who writes so means the language of prompts; a pair of brackets may be mere prose.
fn is_meant(mark: &Mark) -> bool {
    match mark.kind {
        MarkKind::Weighted(weight) => (weight - 1.1).abs() > 1e-3,
        MarkKind::Break | MarkKind::Lora | MarkKind::Wildcard => true,
        MarkKind::Syntax => false,
    }
}

#[cfg(test)]
mod tests {
    use limn_engine::protocol::{ModelId, Sampling};

    use super::*;

    fn model(features: &[Feature]) -> ModelInfo {
        ModelInfo {
            id: ModelId("any".into()),
            name: "Any".into(),
            family: "any".into(),
            description: String::new(),
            bytes: 1,
            stride: 8,
            default_size: (64, 64),
            defaults: Sampling::default(),
            vocabulary: None,
            examples: Vec::new(),
            operations: Vec::new(),
            features: features.to_vec(),
            settings: Vec::new(),
            native_sizes: Vec::new(),
        }
    }

    #[test]
    fn a_model_without_weights_says_so_and_one_with_them_shows_them() {
        let mut lookup = Lookup::default();
        let text = "a (red:1.4) boat";
        let without = lookup.look_up(text, Some(&model(&[])));
        assert_eq!(without.note, Some(PromptNote::Literal));
        assert!(without.marks.is_empty());
        let with = lookup.look_up(text, Some(&model(&[Feature::PromptWeights])));
        assert_eq!((with.note, with.marks.len()), (None, 3));
        let plain = lookup.look_up("a boat (red)", Some(&model(&[])));
        assert_eq!(plain.note, None);
    }
}
