use burn::tensor::Tensor;

use crate::{
    Error, Result,
    components::text_encoders::{
        ClipTextConfig, ClipTextEncoder, ClipTextOutput, EncoderSlot, LearnedEmbeddings,
        WeightedTexts, unread,
    },
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
    /// As files with learned embeddings call it, where a model has two.
    learned_key: Option<&'static str>,
}

/// What a text encoder makes of texts. A text may take several runs of the encoder: its chunks.
pub(in crate::families) struct Encoded<'s> {
    encoder: &'s ClipTextEncoder,
    output: ClipTextOutput,
    texts: WeightedTexts,
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
            learned_key: None,
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

    /// One of two, which files with learned embeddings for both call so.
    #[must_use]
    pub fn called(self, learned_key: &'static str) -> Self {
        Self {
            learned_key: Some(learned_key),
            ..self
        }
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
        unread(&self.tokenizer, text)
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
        let slot = EncoderSlot {
            key: self.learned_key,
            width: self.config.hidden_size,
        };
        let folder = slots.runtime().prompt_folders.embeddings.as_deref();
        let embeddings = folder.map(|folder| LearnedEmbeddings::read(folder, texts, slot));
        let embeddings = embeddings.transpose()?.unwrap_or_default();
        let texts = WeightedTexts::new(&self.tokenizer, texts, &embeddings)?;
        let encoder = slots.get(&self.loader(), on_event)?;
        Ok(Encoded {
            output: texts.run(encoder, &embeddings),
            encoder,
            texts,
        })
    }

    fn loader(&self) -> Loader<'_, ClipTextEncoder> {
        Loader::whole(&self.files, &ClipTextEncoder::load)
    }
}

impl Encoded<'_> {
    /// What left the last layer and the norm behind it. `[texts, tokens, width]`
    pub fn last(&self) -> Tensor<3> {
        self.texts.weigh(self.output.last_hidden_state.clone())
    }

    /// What left the layer that is so many before the last. `[texts, tokens, width]`
    pub fn before_last(&self, n_layers: usize) -> Tensor<3> {
        self.texts.weigh(self.state(n_layers))
    }

    /// The same with the norm behind the last layer. `[texts, tokens, width]`
    pub fn normed_before_last(&self, n_layers: usize) -> Tensor<3> {
        self.texts
            .weigh(self.encoder.final_norm(self.state(n_layers)))
    }

    /// What each text says as a whole, by its first chunk; `None` without a projection. `[texts, width]`
    pub fn text_embeds(&self) -> Option<Tensor<2>> {
        let embeds = self.output.text_embeds.clone()?;
        Some(self.texts.first_of_each(&embeds))
    }

    fn state(&self, n_layers_before_last: usize) -> Tensor<3> {
        let states = &self.output.hidden_states;
        states[states.len() - 1 - n_layers_before_last].clone()
    }
}
