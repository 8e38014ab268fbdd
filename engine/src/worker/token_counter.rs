use crate::{
    Result,
    catalogue::Catalogue,
    prompt_language::{TokenChunks, parse},
    protocol::{Event, ModelId, TokenCount},
    tokenizer::Tokenizer,
};

/// Counts the tokens of prompts that are being written, beside any running job.
#[derive(Default)]
pub(super) struct TokenCounter {
    /// The last model's; `None` inside for one that has no chunks.
    last: Option<(ModelId, Option<Tokenizer>)>,
}

impl TokenCounter {
    /// What cannot be counted is no fault of the prompt: whoever draws with the model is told why.
    pub fn count(&mut self, catalogue: &Catalogue, model: &ModelId, prompt: &str) -> Event {
        if self.last.as_ref().is_none_or(|(last, _)| last != model) {
            let tokenizer = open(catalogue, model).unwrap_or_default();
            self.last = Some((model.clone(), tokenizer));
        }
        let tokenizer = self
            .last
            .as_ref()
            .and_then(|(_, tokenizer)| tokenizer.as_ref());
        Event::TokenCount(tokenizer.and_then(|tokenizer| {
            let chunks = TokenChunks::new(tokenizer, &parse(prompt), &[]).ok()?;
            Some(TokenCount {
                n_tokens: chunks.n_tokens as u32,
                n_chunks: chunks.chunks.len() as u32,
                chunk_tokens: tokenizer.max_length() as u32 - 2,
            })
        }))
    }
}

fn open(catalogue: &Catalogue, model: &ModelId) -> Result<Option<Tokenizer>> {
    let folder = catalogue.open(model)?.tokenizer();
    folder.map(|folder| Tokenizer::load(&folder)).transpose()
}
