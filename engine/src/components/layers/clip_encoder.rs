use burn::tensor::Tensor;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Activation, LayerNorm, Linear, exact_attention};
use crate::{
    Error, Result,
    components::diffusers_config::{EPSILONS, check_float, check_widths},
    weights::{ModelFolder, Parameters},
};

/// Sizes of a [`ClipEncoder`], which CLIP's text and vision towers share.
#[derive(Debug, Clone, Copy)]
pub struct ClipEncoderConfig {
    pub width: usize,
    pub mlp_width: usize,
    pub n_layers: usize,
    pub n_heads: usize,
    pub activation: Activation,
    pub norm_epsilon: f64,
}

impl ClipEncoderConfig {
    /// Refuses sizes that no encoder can have.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self) -> Result<(), String> {
        check_widths(&[
            ("hidden_size", self.width),
            ("intermediate_size", self.mlp_width),
            ("num_hidden_layers", self.n_layers),
        ])?;
        check_float("layer_norm_eps", self.norm_epsilon, EPSILONS)?;
        if self.n_heads == 0 || self.n_layers == 0 || !self.width.is_multiple_of(self.n_heads) {
            return Err(format!(
                "{} layers of width {} cannot have {} heads",
                self.n_layers, self.width, self.n_heads
            ));
        }
        Ok(())
    }

    /// The layers under `encoder.layers.*`.
    pub fn init(&self, parameters: &Parameters) -> Result<ClipEncoder> {
        let layers = parameters.scope("encoder.layers");
        Ok(ClipEncoder {
            blocks: (0..self.n_layers)
                .map(|i_layer| ClipBlock::init(&layers.scope(i_layer), self))
                .collect::<Result<_>>()?,
        })
    }
}

/// CLIP's transformer with the norms before each half, Radford et al. 2021.
#[derive(Debug)]
pub struct ClipEncoder {
    blocks: Vec<ClipBlock>,
}

impl ClipEncoder {
    /// The input and every layer's output: `hidden_states` as transformers numbers them.
    ///
    /// # Shapes
    /// - x `[batch, length, width]`, bias `[1, 1, length, length]`
    /// - result: one more than there are layers, each as x
    pub fn forward(&self, x: Tensor<3>, bias: Option<&Tensor<4>>) -> Vec<Tensor<3>> {
        let mut hidden_states = vec![x];
        for block in &self.blocks {
            let x = hidden_states[hidden_states.len() - 1].clone();
            hidden_states.push(block.forward(x, bias.cloned()));
        }
        hidden_states
    }
}

#[derive(Debug)]
struct ClipBlock {
    attention_norm: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    attention_out: Linear,
    mlp_norm: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
    activation: Activation,
    n_heads: usize,
}

impl ClipBlock {
    fn init(parameters: &Parameters, config: &ClipEncoderConfig) -> Result<Self> {
        let ClipEncoderConfig {
            width,
            mlp_width,
            norm_epsilon,
            ..
        } = *config;
        let norm = |name| LayerNorm::init(&parameters.scope(name), width, norm_epsilon);
        let attention = parameters.scope("self_attn");
        let projection = |name| Linear::init(&attention.scope(name), width, width);
        let mlp = parameters.scope("mlp");
        Ok(Self {
            attention_norm: norm("layer_norm1")?,
            query: projection("q_proj")?,
            key: projection("k_proj")?,
            value: projection("v_proj")?,
            attention_out: projection("out_proj")?,
            mlp_norm: norm("layer_norm2")?,
            mlp_in: Linear::init(&mlp.scope("fc1"), width, mlp_width)?,
            mlp_out: Linear::init(&mlp.scope("fc2"), mlp_width, width)?,
            activation: config.activation,
            n_heads: config.n_heads,
        })
    }

    fn forward(&self, x: Tensor<3>, bias: Option<Tensor<4>>) -> Tensor<3> {
        let normed = self.attention_norm.forward(x.clone());
        let attended = exact_attention(
            self.query.forward(normed.clone()),
            self.key.forward(normed.clone()),
            self.value.forward(normed),
            bias,
            self.n_heads,
        );
        let x = x + self.attention_out.forward(attended);
        let hidden = self.mlp_in.forward(self.mlp_norm.forward(x.clone()));
        x + self.mlp_out.forward(self.activation.forward(hidden))
    }
}

/// Reads `config.json` of one of CLIP's towers as `T`, whose [`Default`] is transformers'.
///
/// The file holds the tower's own values or, from a whole CLIP, nests them under `nested_key` and keeps
/// `projection_dim` outside. A `null` stands for the default.
///
/// # Errors
/// [`Error::Io`]; [`Error::NotAModel`] when a value is of another kind.
pub fn read_clip_config<T: DeserializeOwned>(folder: &ModelFolder, nested_key: &str) -> Result<T> {
    let mut values: Map<String, Value> = folder.read_json("config.json")?;
    if let Some(Value::Object(mut nested)) = values.remove(nested_key) {
        if let Some(projection_dim) = values.remove("projection_dim") {
            nested.insert("projection_dim".to_owned(), projection_dim);
        }
        values = nested;
    }
    values.retain(|_, value| !value.is_null());
    serde_json::from_value(Value::Object(values)).map_err(|error| Error::NotAModel {
        path: folder.path("config.json"),
        reason: error.to_string(),
    })
}
