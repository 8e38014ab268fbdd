//! Text embedding to image embedding: the diffusion prior of unCLIP.

use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::Deserialize;

use crate::{
    Error, Result,
    components::diffusers_config::{MAX_WIDTH, check_widths},
    components::layers::{
        Activation, LayerNorm, Linear, MASKED_SCORE, TimestepEmbedding, exact_attention,
    },
    weights::{
        LoadOptions, LoadReport, ModelFolder, NameRules, Parameters, inspect_component,
        load_component,
    },
};

const NORM_EPSILON: f64 = 1e-5;

/// `config.json` of diffusers' `PriorTransformer`. Defaults are diffusers'.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct PriorConfig {
    pub num_attention_heads: usize,
    pub attention_head_dim: usize,
    pub num_layers: usize,
    /// Width of the image embedding, and of the text encoder's hidden states.
    pub embedding_dim: usize,
    /// Text tokens.
    pub num_embeddings: usize,
    /// Tokens after the text's: its projected embedding, the time, the noisy image embedding, the
    /// learned one.
    pub additional_embeddings: usize,
    pub time_embed_act_fn: Activation,
    pub norm_in_type: Option<NormType>,
    pub embedding_proj_norm_type: Option<NormType>,
    pub encoder_hid_proj_type: Option<ProjectionType>,
    pub added_emb_type: Option<AddedEmbeddingType>,
    /// `None` means the inner width.
    pub time_embed_dim: Option<usize>,
    /// Width of the projected text embedding; `None` means `embedding_dim`.
    pub embedding_proj_dim: Option<usize>,
    /// Width of the prediction; `None` means `embedding_dim`.
    pub clip_embed_dim: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormType {
    Layer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectionType {
    Linear,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddedEmbeddingType {
    /// A learned last token, in whose place the prediction comes out.
    Prd,
}

impl Default for PriorConfig {
    fn default() -> Self {
        Self {
            num_attention_heads: 32,
            attention_head_dim: 64,
            num_layers: 20,
            embedding_dim: 768,
            num_embeddings: 77,
            additional_embeddings: 4,
            time_embed_act_fn: Activation::Silu,
            norm_in_type: None,
            embedding_proj_norm_type: None,
            encoder_hid_proj_type: Some(ProjectionType::Linear),
            added_emb_type: Some(AddedEmbeddingType::Prd),
            time_embed_dim: None,
            embedding_proj_dim: None,
            clip_embed_dim: None,
        }
    }
}

impl PriorConfig {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotAModel`] when a value is of another kind, or describes a prior that
    /// takes no text or does not predict one image embedding.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        let config: Self = folder.read_json("config.json")?;
        config.check().map_err(|reason| Error::NotAModel {
            path: folder.path("config.json"),
            reason,
        })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        const N_ADDED_TOKENS: usize = 4;
        if self.encoder_hid_proj_type.is_none() || self.added_emb_type.is_none() {
            return Err(
                "this prior is not the kind that reads text and ends in a token of its own".into(),
            );
        }
        if self.additional_embeddings != N_ADDED_TOKENS {
            return Err(format!(
                "the prior has {} additional tokens and should have {N_ADDED_TOKENS}",
                self.additional_embeddings
            ));
        }
        if self.clip_embed_dim() != self.embedding_dim {
            return Err(format!(
                "the prior predicts {} values of {}",
                self.clip_embed_dim(),
                self.embedding_dim
            ));
        }
        check_widths(&[
            ("attention_head_dim", self.attention_head_dim),
            ("embedding_dim", self.embedding_dim),
            ("num_embeddings", self.num_embeddings),
            ("num_layers", self.num_layers),
            ("time_embed_dim", self.time_embed_dim.unwrap_or(1)),
            ("embedding_proj_dim", self.embedding_proj_dim.unwrap_or(1)),
        ])?;
        let inner_width = self
            .num_attention_heads
            .checked_mul(self.attention_head_dim);
        if inner_width
            .is_none_or(|width| !(1..=MAX_WIDTH).contains(&width) || !width.is_multiple_of(2))
        {
            return Err("the prior's heads have no width".to_owned());
        }
        Ok(())
    }

    fn inner_width(&self) -> usize {
        self.num_attention_heads * self.attention_head_dim
    }

    fn clip_embed_dim(&self) -> usize {
        self.clip_embed_dim.unwrap_or(self.embedding_dim)
    }

    /// # Errors
    /// Those of [`Parameters::tensor`].
    pub fn init(&self, parameters: &Parameters) -> Result<Prior> {
        let width = self.inner_width();
        let time_width = self.time_embed_dim.unwrap_or(width);
        let proj_width = self.embedding_proj_dim.unwrap_or(self.embedding_dim);
        let clip_width = self.clip_embed_dim();
        let linear = |name, input, output| Linear::init(&parameters.scope(name), input, output);
        let optional_norm = |norm_type: Option<NormType>, name, width| {
            norm_type
                .map(|NormType::Layer| {
                    LayerNorm::init(&parameters.scope(name), width, NORM_EPSILON)
                })
                .transpose()
        };
        let blocks = parameters.scope("transformer_blocks");
        Ok(Prior {
            time_in: linear("time_embedding.linear_1", width, time_width)?,
            time_out: linear("time_embedding.linear_2", time_width, width)?,
            proj_in: linear("proj_in", self.embedding_dim, width)?,
            embedding_proj_norm: optional_norm(
                self.embedding_proj_norm_type,
                "embedding_proj_norm",
                proj_width,
            )?,
            embedding_proj: linear("embedding_proj", proj_width, width)?,
            text_proj: linear("encoder_hidden_states_proj", self.embedding_dim, width)?,
            positional_embedding: parameters.tensor(
                "positional_embedding",
                [1, self.num_embeddings + self.additional_embeddings, width],
            )?,
            prd_embedding: parameters.tensor("prd_embedding", [1, 1, width])?,
            norm_in: optional_norm(self.norm_in_type, "norm_in", width)?,
            blocks: (0..self.num_layers)
                .map(|i_layer| PriorBlock::init(&blocks.scope(i_layer), self))
                .collect::<Result<_>>()?,
            norm_out: LayerNorm::init(&parameters.scope("norm_out"), width, NORM_EPSILON)?,
            proj_to_clip_embeddings: linear("proj_to_clip_embeddings", width, clip_width)?,
            clip_mean: parameters.tensor("clip_mean", [1, clip_width])?,
            clip_std: parameters.tensor("clip_std", [1, clip_width])?,
            device: parameters.device().clone(),
            dtype: parameters.dtype(),
            config: self.clone(),
        })
    }
}

/// The prior transformer, Ramesh et al. 2022 (section 2.2), as diffusers and Kandinsky have it.
///
/// One token sequence: the text's states, its projected embedding, the time, the noisy image embedding
/// and a learned token, in whose place the image embedding without noise is predicted.
#[derive(Debug)]
pub struct Prior {
    config: PriorConfig,
    time_in: Linear,
    time_out: Linear,
    proj_in: Linear,
    embedding_proj_norm: Option<LayerNorm>,
    embedding_proj: Linear,
    text_proj: Linear,
    /// `[1, tokens, width]`
    positional_embedding: Tensor<3>,
    /// `[1, 1, width]`
    prd_embedding: Tensor<3>,
    norm_in: Option<LayerNorm>,
    blocks: Vec<PriorBlock>,
    norm_out: LayerNorm,
    proj_to_clip_embeddings: Linear,
    /// `[1, embedding_dim]`
    clip_mean: Tensor<2>,
    /// `[1, embedding_dim]`
    clip_std: Tensor<2>,
    device: Device,
    dtype: DType,
}

/// The text that a prior is conditioned on.
///
/// # Shapes
/// - `text_embeds` `[batch, embedding_proj_dim]`: the text encoder's projected embedding
/// - `hidden_states` `[batch, num_embeddings, embedding_dim]`: its states after the final norm
/// - `attention_mask`: `batch` rows of `num_embeddings`, false where a token is padding
#[derive(Debug, Clone)]
pub struct PriorConditioning {
    pub text_embeds: Tensor<2>,
    pub hidden_states: Tensor<3>,
    pub attention_mask: Vec<Vec<bool>>,
}

impl Prior {
    /// Loads the prior in `folder`: `config.json` and weights.
    ///
    /// # Errors
    /// Those of [`PriorConfig::read`], [`ModelFolder::weights`] and [`load_component`].
    pub fn load(folder: &ModelFolder, options: &LoadOptions) -> Result<(Self, LoadReport)> {
        let config = PriorConfig::read(folder)?;
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
        let config = PriorConfig::read(folder)?;
        let files = folder.weights(false)?;
        inspect_component(&files, &NameRules::EXACT, DType::F32, |parameters| {
            config.init(parameters)
        })
    }

    pub fn config(&self) -> &PriorConfig {
        &self.config
    }

    /// Predicts the image embedding without noise, normalised: see [`Self::post_process_latents`].
    ///
    /// # Shapes: latents `[batch, embedding_dim]` → the same
    pub fn forward(
        &self,
        latents: Tensor<2>,
        timestep: f32,
        conditioning: &PriorConditioning,
    ) -> Tensor<2> {
        let [batch, _] = latents.dims();
        let width = self.config.inner_width();
        let text_embeds = match &self.embedding_proj_norm {
            Some(norm) => norm.forward(conditioning.text_embeds.clone()),
            None => conditioning.text_embeds.clone(),
        };
        let as_token = |x: Tensor<2>| x.unsqueeze_dim::<3>(1);
        let tokens = Tensor::cat(
            vec![
                self.text_proj.forward(conditioning.hidden_states.clone()),
                as_token(self.embedding_proj.forward(text_embeds)),
                self.embed_time(timestep).expand([batch, 1, width]),
                as_token(self.proj_in.forward(latents)),
                self.prd_embedding.clone().expand([batch, 1, width]),
            ],
            1,
        );
        let mut x = tokens + self.positional_embedding.clone();
        if let Some(norm) = &self.norm_in {
            x = norm.forward(x);
        }
        let bias = self.attention_bias(&conditioning.attention_mask);
        for block in &self.blocks {
            x = block.forward(x, bias.clone());
        }
        let [_, n_tokens, _] = x.dims();
        let last_token = x
            .slice([0..batch, n_tokens - 1..n_tokens])
            .squeeze_dim::<2>(1);
        self.proj_to_clip_embeddings
            .forward(self.norm_out.forward(last_token))
    }

    /// From the prior's normalised space to image embeddings as the vision encoder makes them.
    ///
    /// # Shapes: `[batch, embedding_dim]` → the same
    pub fn post_process_latents(&self, latents: Tensor<2>) -> Tensor<2> {
        latents * self.clip_std.clone() + self.clip_mean.clone()
    }

    /// # Shapes: `[1, 1, width]`
    fn embed_time(&self, timestep: f32) -> Tensor<3> {
        let sinusoid = TimestepEmbedding::new(self.config.inner_width())
            .forward(&[timestep], &self.device)
            .cast(self.dtype);
        let hidden = self.time_in.forward(sinusoid);
        let hidden = self.config.time_embed_act_fn.forward(hidden);
        self.time_out.forward(hidden).unsqueeze_dim(1)
    }

    /// Every token sees those before it, and no padding.
    ///
    /// # Shapes: `[batch, 1, tokens, tokens]`
    fn attention_bias(&self, attention_mask: &[Vec<bool>]) -> Tensor<4> {
        let n_text = self.config.num_embeddings;
        let n_tokens = n_text + self.config.additional_embeddings;
        let mut scores = Vec::with_capacity(attention_mask.len() * n_tokens * n_tokens);
        for is_text in attention_mask {
            assert_eq!(is_text.len(), n_text, "tokens in the mask");
            for i_query in 0..n_tokens {
                scores.extend((0..n_tokens).map(|i_key| {
                    let is_padding = i_key < n_text && !is_text[i_key];
                    let is_later = i_key > i_query;
                    // Added up as in the reference: padding before a query is not alone in being masked.
                    MASKED_SCORE * (f32::from(u8::from(is_padding)) + f32::from(u8::from(is_later)))
                }));
            }
        }
        Tensor::from_data(
            TensorData::new(scores, [attention_mask.len(), 1, n_tokens, n_tokens]),
            (&self.device, self.dtype),
        )
    }
}

/// diffusers' `BasicTransformerBlock` without cross-attention.
#[derive(Debug)]
struct PriorBlock {
    attention_norm: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    attention_out: Linear,
    mlp_norm: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
    n_heads: usize,
}

impl PriorBlock {
    fn init(parameters: &Parameters, config: &PriorConfig) -> Result<Self> {
        const MLP_FACTOR: usize = 4;
        let width = config.inner_width();
        let norm = |name| LayerNorm::init(&parameters.scope(name), width, NORM_EPSILON);
        let linear = |name, input, output| Linear::init(&parameters.scope(name), input, output);
        Ok(Self {
            attention_norm: norm("norm1")?,
            query: linear("attn1.to_q", width, width)?,
            key: linear("attn1.to_k", width, width)?,
            value: linear("attn1.to_v", width, width)?,
            attention_out: linear("attn1.to_out.0", width, width)?,
            mlp_norm: norm("norm3")?,
            mlp_in: linear("ff.net.0.proj", width, width * MLP_FACTOR)?,
            mlp_out: linear("ff.net.2", width * MLP_FACTOR, width)?,
            n_heads: config.num_attention_heads,
        })
    }

    fn forward(&self, x: Tensor<3>, bias: Tensor<4>) -> Tensor<3> {
        let normed = self.attention_norm.forward(x.clone());
        let attended = exact_attention(
            self.query.forward(normed.clone()),
            self.key.forward(normed.clone()),
            self.value.forward(normed),
            Some(bias),
            self.n_heads,
        );
        let x = x + self.attention_out.forward(attended);
        let hidden = self.mlp_in.forward(self.mlp_norm.forward(x.clone()));
        x + self.mlp_out.forward(Activation::Gelu.forward(hidden))
    }
}
