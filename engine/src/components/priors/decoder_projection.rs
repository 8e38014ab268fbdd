//! What a decoder in pixels is told of a text and an image embedding: diffusers' `UnCLIPTextProjModel`, Ramesh et al. 2022,
//! section 2.1.

use burn::tensor::{DType, Tensor, TensorData};
use serde::Deserialize;
use serde_json::json;

use crate::{
    Error, Result,
    components::{
        diffusers_config::{check_widths, unsupported},
        layers::{LayerNorm, Linear, MASKED_SCORE},
    },
    weights::{
        LoadOptions, LoadReport, ModelFolder, NameRules, Parameters, inspect_component,
        load_component,
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct DecoderProjectionConfig {
    /// Context tokens that an image embedding becomes.
    #[serde(default = "four")]
    pub clip_extra_context_tokens: usize,
    #[serde(default = "clip_width")]
    pub clip_embeddings_dim: usize,
    pub time_embed_dim: usize,
    pub cross_attention_dim: usize,
}

fn four() -> usize {
    4
}

fn clip_width() -> usize {
    768
}

/// Text and image embeddings to context tokens and to a part of the time embedding.
#[derive(Debug)]
pub struct DecoderProjection {
    /// Stands for the image embedding on the unconditional side. `[clip_embeddings_dim]`
    no_image: Tensor<1>,
    text_to_time: Linear,
    image_to_time: Linear,
    image_to_tokens: Linear,
    states_to_tokens: Linear,
    token_norm: LayerNorm,
    config: DecoderProjectionConfig,
    dtype: DType,
}

/// What the decoder is told.
#[derive(Debug, Clone)]
pub struct DecoderInput {
    /// `[batch, tokens, cross_attention_dim]`
    pub tokens: Tensor<3>,
    /// `[batch, time_embed_dim]`
    pub time_shift: Tensor<2>,
    /// Added to the scores of the tokens: those of padding do not count. `[batch, 1, 1, tokens]`
    pub token_bias: Tensor<4>,
}

impl DecoderProjectionConfig {
    /// # Errors
    /// [`Error::NotAModel`] for widths that no network can have; [`Error::Io`].
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        const MAX_TOKENS: usize = 256;
        let config: Self = folder.read_json("config.json")?;
        let mut checked = check_widths(&[
            ("clip_embeddings_dim", config.clip_embeddings_dim),
            ("time_embed_dim", config.time_embed_dim),
            ("cross_attention_dim", config.cross_attention_dim),
        ]);
        let n_tokens = config.clip_extra_context_tokens;
        if !(1..=MAX_TOKENS).contains(&n_tokens) {
            checked = Err(unsupported("clip_extra_context_tokens", &json!(n_tokens)));
        }
        checked.map_err(|reason| Error::NotAModel {
            path: folder.path("config.json"),
            reason,
        })?;
        Ok(config)
    }

    fn init(self, parameters: &Parameters) -> Result<DecoderProjection> {
        const EPSILON: f64 = 1e-5;
        let Self {
            clip_extra_context_tokens: n_tokens,
            clip_embeddings_dim: width,
            time_embed_dim,
            cross_attention_dim,
        } = self;
        let linear = |name: &str, output| Linear::init(&parameters.scope(name), width, output);
        let norm = parameters.scope("text_encoder_hidden_states_norm");
        Ok(DecoderProjection {
            no_image: parameters.tensor("learned_classifier_free_guidance_embeddings", [width])?,
            text_to_time: linear("embedding_proj", time_embed_dim)?,
            image_to_time: linear(
                "clip_image_embeddings_project_to_time_embeddings",
                time_embed_dim,
            )?,
            image_to_tokens: linear(
                "clip_extra_context_tokens_proj",
                n_tokens * cross_attention_dim,
            )?,
            states_to_tokens: linear("encoder_hidden_states_proj", cross_attention_dim)?,
            token_norm: LayerNorm::init(&norm, cross_attention_dim, EPSILON)?,
            config: self,
            dtype: parameters.dtype(),
        })
    }
}

impl DecoderProjection {
    /// # Errors
    /// Those of [`DecoderProjectionConfig::read`], [`ModelFolder::weights`] and [`load_component`].
    pub fn load(folder: &ModelFolder, options: &LoadOptions) -> Result<(Self, LoadReport)> {
        let config = DecoderProjectionConfig::read(folder)?;
        let files = folder.weights(options.dtype != DType::F32)?;
        load_component(&files, &NameRules::EXACT, options, |parameters| {
            config.init(parameters)
        })
    }

    /// Compares the files in `folder` with what its config asks for, by names and shapes alone.
    ///
    /// # Errors
    /// Those of [`Self::load`], but for tensors that do not fit: they are in the report.
    pub fn inspect(folder: &ModelFolder) -> Result<LoadReport> {
        let config = DecoderProjectionConfig::read(folder)?;
        let files = folder.weights(false)?;
        inspect_component(&files, &NameRules::EXACT, DType::F32, |parameters| {
            config.init(parameters)
        })
    }

    /// `image_embed` is `None` on the unconditional side.
    ///
    /// # Shapes: `text_embed` and `image_embed` `[1, clip_embeddings_dim]`, `text_states`
    /// `[1, tokens, clip_embeddings_dim]`; `is_text` one for each token
    pub fn forward(
        &self,
        image_embed: Option<Tensor<2>>,
        text_embed: Tensor<2>,
        text_states: Tensor<3>,
        is_text: &[bool],
    ) -> DecoderInput {
        let n_tokens = self.config.clip_extra_context_tokens;
        let image_embed = match image_embed {
            Some(embed) => embed.cast(self.dtype),
            None => self.no_image.clone().unsqueeze(),
        };
        // In the file the tokens lie side by side, number by number.
        let image_tokens = self
            .image_to_tokens
            .forward(image_embed.clone())
            .reshape([1, self.config.cross_attention_dim, n_tokens])
            .swap_dims(1, 2);
        let states = self.states_to_tokens.forward(text_states.cast(self.dtype));
        let text_tokens = self.token_norm.forward(states);
        let text_to_time = self.text_to_time.forward(text_embed.cast(self.dtype));
        let device = image_tokens.device();
        let of_text = is_text
            .iter()
            .map(|is_text| if *is_text { 0.0 } else { MASKED_SCORE });
        let bias: Vec<f32> = std::iter::repeat_n(0.0, n_tokens).chain(of_text).collect();
        let bias = TensorData::new(bias, [1, 1, 1, n_tokens + is_text.len()]);
        DecoderInput {
            tokens: Tensor::cat(vec![image_tokens, text_tokens], 1),
            time_shift: self.image_to_time.forward(image_embed) + text_to_time,
            token_bias: Tensor::from_data(bias, (&device, self.dtype)),
        }
    }
}

impl DecoderInput {
    /// Both as one batch, this one first.
    #[must_use]
    pub fn before(self, other: Self) -> Self {
        Self {
            tokens: Tensor::cat(vec![self.tokens, other.tokens], 0),
            time_shift: Tensor::cat(vec![self.time_shift, other.time_shift], 0),
            token_bias: Tensor::cat(vec![self.token_bias, other.token_bias], 0),
        }
    }
}
