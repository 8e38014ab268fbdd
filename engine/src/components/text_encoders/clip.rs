use std::borrow::Cow;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use serde::Deserialize;
use serde_json::json;

use crate::{
    Error, Result,
    components::diffusers_config::{check_widths, unsupported},
    components::layers::{
        Activation, ClipEncoder, ClipEncoderConfig, Embedding, LayerNorm, Linear, MASKED_SCORE,
        read_clip_config,
    },
    weights::{
        LoadOptions, LoadReport, ModelFolder, NameRules, Parameters, inspect_component,
        load_component,
    },
};

/// `config.json` of a CLIP text encoder. Defaults are transformers'.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct ClipTextConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    /// Width of `text_embeds`, where the model has a projection.
    pub projection_dim: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub max_position_embeddings: usize,
    pub hidden_act: Activation,
    pub layer_norm_eps: f64,
    pub eos_token_id: u32,
}

impl Default for ClipTextConfig {
    fn default() -> Self {
        Self {
            vocab_size: 49_408,
            hidden_size: 512,
            intermediate_size: 2_048,
            projection_dim: 512,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 77,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
            eos_token_id: 49_407,
        }
    }
}

impl ClipTextConfig {
    /// Reads `config.json`, which holds the text encoder's config or, from a whole CLIP, nests it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotAModel`] when a value is missing, of another kind or impossible.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        let config: Self = read_clip_config(folder, "text_config")?;
        config.check().map_err(|reason| Error::NotAModel {
            path: folder.path("config.json"),
            reason,
        })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        const MAX_TOKENS: usize = 1 << 20;
        if !(1..=MAX_TOKENS).contains(&self.vocab_size) {
            return Err(unsupported("vocab_size", &json!(self.vocab_size)));
        }
        check_widths(&[
            ("projection_dim", self.projection_dim),
            ("max_position_embeddings", self.max_position_embeddings),
        ])?;
        self.encoder().check()
    }

    /// The encoder, with its projection to `text_embeds` where the file has one.
    ///
    /// # Errors
    /// Those of [`Parameters::tensor`].
    pub fn init(&self, parameters: &Parameters, has_projection: bool) -> Result<ClipTextEncoder> {
        let width = self.hidden_size;
        let embeddings = parameters.scope("embeddings");
        Ok(ClipTextEncoder {
            token_embedding: Embedding::init(
                &embeddings.scope("token_embedding"),
                self.vocab_size,
                width,
            )?,
            position_embedding: embeddings.tensor(
                "position_embedding.weight",
                [self.max_position_embeddings, width],
            )?,
            encoder: self.encoder().init(parameters)?,
            final_layer_norm: LayerNorm::init(
                &parameters.scope("final_layer_norm"),
                width,
                self.layer_norm_eps,
            )?,
            text_projection: has_projection
                .then(|| {
                    let scope = parameters.scope("text_projection");
                    Linear::init_without_bias(&scope, width, self.projection_dim)
                })
                .transpose()?,
            device: parameters.device().clone(),
            dtype: parameters.dtype(),
            config: self.clone(),
        })
    }

    fn encoder(&self) -> ClipEncoderConfig {
        ClipEncoderConfig {
            width: self.hidden_size,
            mlp_width: self.intermediate_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            activation: self.hidden_act,
            norm_epsilon: self.layer_norm_eps,
        }
    }
}

/// CLIP's text encoder, Radford et al. 2021, with or without the projection.
#[derive(Debug)]
pub struct ClipTextEncoder {
    config: ClipTextConfig,
    token_embedding: Embedding,
    /// `[max_position_embeddings, hidden_size]`
    position_embedding: Tensor<2>,
    encoder: ClipEncoder,
    final_layer_norm: LayerNorm,
    text_projection: Option<Linear>,
    device: Device,
    dtype: DType,
}

/// What a [`ClipTextEncoder`] makes of a batch of prompts.
#[derive(Debug, Clone)]
pub struct ClipTextOutput {
    /// Before each layer and after the last, all before the final norm:
    /// `num_hidden_layers + 1` times `[batch, length, hidden_size]`.
    pub hidden_states: Vec<Tensor<3>>,
    /// After the final norm. `[batch, length, hidden_size]`
    pub last_hidden_state: Tensor<3>,
    /// Where each prompt ends, of [`Self::last_hidden_state`]. `[batch, hidden_size]`
    pub pooled: Tensor<2>,
    /// [`Self::pooled`] projected into the space that CLIP shares with pictures. `[batch, projection_dim]`
    pub text_embeds: Option<Tensor<2>>,
}

/// transformers up to 5.5 and every public file put `text_model.` before the names.
const NAME_RULES: NameRules = NameRules {
    remap: |name| Cow::Borrowed(name.strip_prefix("text_model.").unwrap_or(name)),
    allow_unused: &["position_ids"],
};

impl ClipTextEncoder {
    /// Loads the encoder in `folder`: `config.json` and weights.
    ///
    /// # Errors
    /// Those of [`ClipTextConfig::read`], [`ModelFolder::weights`] and [`load_component`].
    pub fn load(folder: &ModelFolder, options: &LoadOptions) -> Result<(Self, LoadReport)> {
        let config = ClipTextConfig::read(folder)?;
        let files = folder.weights(options.dtype != DType::F32)?;
        let has_projection = files.names().any(|name| name == "text_projection.weight");
        load_component(&files, &NAME_RULES, options, |parameters| {
            config.init(parameters, has_projection)
        })
    }

    /// Compares the files in `folder` with what its config asks for, by names and shapes alone.
    ///
    /// # Errors
    /// Those of [`Self::load`], but for tensors that do not fit: they are in the report.
    pub fn inspect(folder: &ModelFolder) -> Result<LoadReport> {
        let config = ClipTextConfig::read(folder)?;
        let files = folder.weights(false)?;
        let has_projection = files.names().any(|name| name == "text_projection.weight");
        inspect_component(&files, &NAME_RULES, DType::F32, |parameters| {
            config.init(parameters, has_projection)
        })
    }

    pub fn config(&self) -> &ClipTextConfig {
        &self.config
    }

    /// Encodes prompts of one length.
    ///
    /// # Panics
    /// When an id is not in the vocabulary, or the prompts are empty, longer than the model knows or of
    /// different lengths: the model's own tokenizer makes none of these.
    pub fn forward(&self, ids: &[Vec<u32>]) -> ClipTextOutput {
        self.forward_with(ids, &[])
    }

    /// As [`Self::forward`], with learned embeddings at some places: prompt, token, and the token's numbers.
    ///
    /// # Panics
    /// As [`Self::forward`], and for embeddings of another width.
    pub fn forward_with(
        &self,
        ids: &[Vec<u32>],
        learned: &[([usize; 2], &[f32])],
    ) -> ClipTextOutput {
        let length = ids[0].len();
        assert!(
            (1..=self.config.max_position_embeddings).contains(&length),
            "{length} tokens"
        );
        let flat_ids: Vec<i64> = ids.iter().flatten().map(|&id| i64::from(id)).collect();
        assert!(
            flat_ids
                .iter()
                .all(|&id| id < self.config.vocab_size as i64),
            "an id outside the vocabulary"
        );
        let id_tensor = Tensor::<2, Int>::from_data(
            TensorData::new(flat_ids, [ids.len(), length]),
            &self.device,
        );
        let positions = self.position_embedding.clone().narrow(0, 0, length);
        let mut embedded = self.token_embedding.forward(id_tensor);
        for ([prompt, token], numbers) in learned {
            let data = TensorData::new(numbers.to_vec(), [1, 1, numbers.len()]);
            let row = Tensor::<3>::from_data(data, (&self.device, DType::F32)).cast(self.dtype);
            let place = [*prompt..prompt + 1, *token..token + 1, 0..numbers.len()];
            embedded = embedded.slice_assign(place, row);
        }
        let embedded = embedded + positions.unsqueeze();
        let causal_bias = causal_bias(length, &self.device, self.dtype);
        let hidden_states = self.encoder.forward(embedded, Some(&causal_bias));
        let last_hidden_state = self.final_norm(hidden_states[hidden_states.len() - 1].clone());
        let pooled = self.pool(&last_hidden_state, ids);
        ClipTextOutput {
            text_embeds: self
                .text_projection
                .as_ref()
                .map(|projection| projection.forward(pooled.clone())),
            hidden_states,
            last_hidden_state,
            pooled,
        }
    }

    /// The norm after the last layer, which some families also apply to an earlier hidden state.
    ///
    /// # Shapes: `[batch, length, hidden_size]` → the same
    pub fn final_norm(&self, hidden_state: Tensor<3>) -> Tensor<3> {
        self.final_layer_norm.forward(hidden_state)
    }

    /// The states at the prompts' ends.
    ///
    /// # Shapes: `[batch, length, hidden_size]` → `[batch, hidden_size]`
    fn pool(&self, last_hidden_state: &Tensor<3>, ids: &[Vec<u32>]) -> Tensor<2> {
        let rows = ids.iter().enumerate().map(|(i_prompt, ids)| {
            let i_end = end_of_prompt(ids, self.config.eos_token_id);
            last_hidden_state
                .clone()
                .slice([i_prompt..i_prompt + 1, i_end..i_end + 1])
                .squeeze_dim::<2>(1)
        });
        Tensor::cat(rows.collect(), 0)
    }
}

/// Where a prompt ends: at its first end token.
///
/// Configs written before transformers 4.31 say 2 whatever the vocabulary; there the end token has the
/// highest id, and its first occurrence is taken.
fn end_of_prompt(ids: &[u32], eos_token_id: u32) -> usize {
    const WRONG_EOS_TOKEN_ID: u32 = 2;
    let end_id = if eos_token_id == WRONG_EOS_TOKEN_ID {
        ids.iter().copied().max().unwrap_or(eos_token_id)
    } else {
        eos_token_id
    };
    // As the reference: without an end token, the beginning.
    ids.iter().position(|&id| id == end_id).unwrap_or(0)
}

/// # Shapes: `[1, 1, length, length]`, with [`MASKED_SCORE`] where a key comes after its query.
fn causal_bias(length: usize, device: &Device, dtype: DType) -> Tensor<4> {
    let scores: Vec<f32> = (0..length * length)
        .map(|i| {
            if i % length > i / length {
                MASKED_SCORE
            } else {
                0.0
            }
        })
        .collect();
    Tensor::from_data(
        TensorData::new(scores, [1, 1, length, length]),
        (device, dtype),
    )
}

#[cfg(test)]
mod tests {
    use burn::tensor::f16;

    use super::*;

    #[test]
    fn prompts_end_at_the_first_end_token() {
        // Padded with the end token, as CLIP-L is, and with 0, as SDXL's second encoder is.
        assert_eq!(end_of_prompt(&[8, 1, 3, 9, 9, 9], 9), 3);
        assert_eq!(end_of_prompt(&[8, 1, 3, 9, 0, 0], 9), 3);
        // The wrong id of old configs: the highest id counts.
        assert_eq!(end_of_prompt(&[8, 2, 3, 9, 9, 0], 2), 3);
        assert_eq!(end_of_prompt(&[8, 1, 3], 9), 0);
    }

    #[test]
    fn the_mask_fits_half_precision() {
        assert!(f16::from_f32(2.0 * MASKED_SCORE).is_finite());
    }
}
