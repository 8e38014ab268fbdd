use burn::tensor::Tensor;

use crate::{
    Error, Result,
    components::text_encoders::{ClipTextConfig, ClipTextEncoder, ClipTextOutput},
    model::{ComponentFiles, Loader, Slots},
    progress::OnEvent,
    tokenizer::Tokenizer,
    weights::ModelFolder,
};

/// A text encoder with its tokenizer.
pub(in crate::families) struct TextEncoder {
    files: ComponentFiles,
    tokenizer: Tokenizer,
    pub config: ClipTextConfig,
}

/// What a text encoder makes of texts, and the encoder.
pub(in crate::families) struct Encoded<'s> {
    pub encoder: &'s ClipTextEncoder,
    pub output: ClipTextOutput,
}

impl TextEncoder {
    /// # Errors
    /// [`Error::NotAModel`] when the two do not go together; those of reading the configs and the vocabulary.
    pub fn open(root: &ModelFolder, [name, tokenizer]: [&'static str; 2]) -> Result<Self> {
        let files = Self::files(root, name);
        let tokenizer = Tokenizer::load(&root.subfolder(tokenizer))?;
        let config = ClipTextConfig::read(&files.folder)?;
        let opened = Self {
            files,
            tokenizer,
            config,
        };
        if opened.tokenizer.n_ids() as usize > opened.config.vocab_size {
            return Err(opened.misfit("the tokenizer has more tokens than the text encoder"));
        }
        if opened.tokenizer.max_length() > opened.config.max_position_embeddings {
            let reason = "the tokenizer makes longer prompts than the text encoder reads";
            return Err(opened.misfit(reason));
        }
        Ok(opened)
    }

    /// The component, known without opening it.
    pub fn files(root: &ModelFolder, name: &'static str) -> ComponentFiles {
        ComponentFiles::in_folder(root, name, 0, ClipTextEncoder::inspect)
    }

    /// Components that may each be sound, and are not of one model.
    pub fn misfit(&self, reason: &str) -> Error {
        Error::NotAModel {
            path: self.files.folder.path("config.json"),
            reason: format!("its components are from different models: {reason}"),
        }
    }

    pub fn without_projection(&self) -> Error {
        Error::NotAModel {
            path: self.files.folder.path("config.json"),
            reason: "its text encoder has no projection".to_owned(),
        }
    }

    pub fn unread(&self, text: &str) -> Result<Option<String>> {
        Ok(self.tokenizer.encode(text)?.cut_off)
    }

    pub fn preload(&self, slots: &mut Slots, on_event: &mut OnEvent) -> Result<bool> {
        slots.preload(&self.loader(), on_event)
    }

    /// Encodes texts in one batch.
    ///
    /// # Errors
    /// Those of loading the encoder; what `on_event` returns.
    pub fn run<'s>(
        &self,
        slots: &'s mut Slots,
        texts: &[&str],
        on_event: &mut OnEvent,
    ) -> Result<Encoded<'s>> {
        let ids = texts
            .iter()
            .map(|text| Ok(self.tokenizer.encode(text)?.ids));
        let ids = ids.collect::<Result<Vec<_>>>()?;
        let encoder = slots.get(&self.loader(), on_event)?;
        Ok(Encoded {
            output: encoder.forward(&ids),
            encoder,
        })
    }

    fn loader(&self) -> Loader<'_, ClipTextEncoder> {
        Loader::whole(&self.files, &ClipTextEncoder::load)
    }
}

impl Encoded<'_> {
    /// What left the layer that is so many before the last. `[texts, tokens, width]`
    pub fn before_last(&self, n_layers: usize) -> Tensor<3> {
        let states = &self.output.hidden_states;
        states[states.len() - 1 - n_layers].clone()
    }
}
