//! Words that the model does not know, looked up once and not every frame.

use std::sync::Arc;

use limn_engine::protocol::ModelInfo;

use crate::session::{UnknownWord, unknown_words};

/// What was found in the texts that are being written.
#[derive(Default)]
pub(super) struct Lookup {
    /// Of the vocabulary; 0 without one.
    size: usize,
    found: Vec<(String, Arc<[UnknownWord]>)>,
}

impl Lookup {
    pub(super) fn unknown(&mut self, text: &str, model: Option<&ModelInfo>) -> Arc<[UnknownWord]> {
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
            return Arc::clone(found);
        }
        let found = vocabulary.map_or_else(Vec::new, |vocabulary| unknown_words(text, vocabulary));
        let found: Arc<[UnknownWord]> = found.into();
        if self.found.len() == MOST {
            self.found.remove(0);
        }
        self.found.push((text.to_owned(), Arc::clone(&found)));
        found
    }
}
