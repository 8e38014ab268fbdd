//! What the model does not know or does not read, looked up once and not every frame.

use std::sync::Arc;

use limn_engine::protocol::ModelInfo;

use crate::session::{PromptNote, UnknownWord, prompt_note, unknown_words};

/// What was found in one text.
#[derive(Clone)]
pub(super) struct Found {
    pub unknown: Arc<[UnknownWord]>,
    /// What is to be said of the whole text.
    pub note: Option<PromptNote>,
}

/// What was found in the texts that are being written.
#[derive(Default)]
pub(super) struct Lookup {
    /// Of the vocabulary; 0 without one.
    size: usize,
    found: Vec<(String, Found)>,
}

impl Lookup {
    pub(super) fn look_up(&mut self, text: &str, model: Option<&ModelInfo>) -> Found {
        const MOST: usize = 8;
        let vocabulary = model.and_then(|model| model.vocabulary.as_ref());
        let size = vocabulary.map_or(0, |vocabulary| {
            1 + vocabulary.objects.len() + vocabulary.words.len() + vocabulary.synonyms.len()
        });
        if self.size != size {
            self.size = size;
            self.found.clear();
        }
        if let Some((_, found)) = self.found.iter().find(|(known, _)| known == text) {
            return found.clone();
        }
        let note = prompt_note(text);
        // In another language hardly any word is known: it is enough to say so once.
        let vocabulary = vocabulary.filter(|_| note != Some(PromptNote::NotEnglish));
        let unknown = vocabulary.map_or_else(Vec::new, |known| unknown_words(text, known));
        let found = Found {
            unknown: unknown.into(),
            note,
        };
        if self.found.len() == MOST {
            self.found.remove(0);
        }
        self.found.push((text.to_owned(), found.clone()));
        found
    }
}
