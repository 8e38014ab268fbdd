//! From what an image encoder says of a picture to context tokens.

use burn::tensor::{Tensor, activation};

use super::config::{IpAdapterConfig, ProjectionConfig, ResamplerConfig};
use crate::{
    Result,
    components::layers::{LayerNorm, Linear, exact_attention},
    weights::Parameters,
};

const EPSILON: f64 = 1e-5;

/// What lies under `image_proj`.
#[derive(Debug)]
pub(super) enum Projection {
    Linear(Box<LinearProjection>),
    Resampler(Box<Resampler>),
}

/// The plain adapter's: one embedding becomes a few tokens at once.
#[derive(Debug)]
pub(super) struct LinearProjection {
    proj: Linear,
    norm: LayerNorm,
    n_tokens: usize,
}

impl Projection {
    pub fn init(parameters: &Parameters, config: &IpAdapterConfig) -> Result<Self> {
        let context_width = config.context_width;
        Ok(match config.projection {
            ProjectionConfig::Linear {
                embed_width,
                n_tokens,
            } => {
                let width = n_tokens * context_width;
                Self::Linear(Box::new(LinearProjection {
                    proj: Linear::init(&parameters.scope("proj"), embed_width, width)?,
                    norm: LayerNorm::init(&parameters.scope("norm"), context_width, EPSILON)?,
                    n_tokens,
                }))
            }
            ProjectionConfig::Resampler(resampler) => {
                let resampler = Resampler::init(parameters, resampler, context_width)?;
                Self::Resampler(Box::new(resampler))
            }
        })
    }

    /// # Shapes: `[batch, n, feature width]`, n being 1 for an embedding → `[batch, n_tokens, context_width]`
    pub fn forward(&self, features: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Linear(linear) => {
                let [batch, _, _] = features.dims();
                let tokens = linear.proj.forward(features);
                let width = tokens.dims()[2] / linear.n_tokens;
                let tokens = tokens.reshape([batch, linear.n_tokens, width]);
                linear.norm.forward(tokens)
            }
            Self::Resampler(resampler) => resampler.forward(features),
        }
    }
}

/// Queries of its own ask what there is in the picture (the Perceiver resampler of Alayrac et al. 2022).
#[derive(Debug)]
pub(super) struct Resampler {
    /// `[1, n_tokens, width]`
    latents: Tensor<3>,
    proj_in: Linear,
    layers: Vec<ResamplerLayer>,
    proj_out: Linear,
    norm_out: LayerNorm,
}

#[derive(Debug)]
struct ResamplerLayer {
    features_norm: LayerNorm,
    latents_norm: LayerNorm,
    to_q: Linear,
    /// Keys and, behind them, values.
    to_kv: Linear,
    to_out: Linear,
    n_heads: usize,
    mlp_norm: LayerNorm,
    mlp_in: Linear,
    mlp_out: Linear,
}

impl Resampler {
    fn init(
        parameters: &Parameters,
        config: ResamplerConfig,
        context_width: usize,
    ) -> Result<Self> {
        let ResamplerConfig {
            input_width, width, ..
        } = config;
        let scope = |name: &str| parameters.scope(name);
        let layers = scope("layers");
        Ok(Self {
            latents: parameters.tensor("latents", [1, config.n_tokens, width])?,
            proj_in: Linear::init(&scope("proj_in"), input_width, width)?,
            layers: (0..config.n_layers)
                .map(|i| ResamplerLayer::init(&layers.scope(i), config))
                .collect::<Result<_>>()?,
            proj_out: Linear::init(&scope("proj_out"), width, context_width)?,
            norm_out: LayerNorm::init(&scope("norm_out"), context_width, EPSILON)?,
        })
    }

    fn forward(&self, features: Tensor<3>) -> Tensor<3> {
        let [batch, _, _] = features.dims();
        let features = self.proj_in.forward(features);
        let mut latents = self.latents.clone().repeat_dim(0, batch);
        for layer in &self.layers {
            latents = layer.forward(&features, latents);
        }
        self.norm_out.forward(self.proj_out.forward(latents))
    }
}

impl ResamplerLayer {
    fn init(parameters: &Parameters, config: ResamplerConfig) -> Result<Self> {
        let ResamplerConfig {
            width,
            n_heads,
            mlp_width,
            ..
        } = config;
        let inner = n_heads * ResamplerConfig::HEAD_WIDTH;
        let norm = |name: &str| LayerNorm::init(&parameters.scope(name), width, EPSILON);
        let linear = |name: &str, d_input, d_output| {
            Linear::init_without_bias(&parameters.scope(name), d_input, d_output)
        };
        Ok(Self {
            features_norm: norm("0.norm1")?,
            latents_norm: norm("0.norm2")?,
            to_q: linear("0.to_q", width, inner)?,
            to_kv: linear("0.to_kv", width, 2 * inner)?,
            to_out: linear("0.to_out", inner, width)?,
            n_heads,
            mlp_norm: norm("1.0")?,
            mlp_in: linear("1.1", width, mlp_width)?,
            mlp_out: linear("1.3", mlp_width, width)?,
        })
    }

    /// # Shapes: features `[batch, n, width]`, latents `[batch, n_tokens, width]`
    fn forward(&self, features: &Tensor<3>, latents: Tensor<3>) -> Tensor<3> {
        let normed = self.latents_norm.forward(latents.clone());
        let seen = self.features_norm.forward(features.clone());
        let context = Tensor::cat(vec![seen, normed.clone()], 1);
        let [key, value] = self
            .to_kv
            .forward(context)
            .chunk(2, 2)
            .try_into()
            .unwrap_or_else(|_| unreachable!("two halves"));
        let attended = exact_attention(self.to_q.forward(normed), key, value, None, self.n_heads);
        let latents = latents + self.to_out.forward(attended);
        let hidden = self.mlp_in.forward(self.mlp_norm.forward(latents.clone()));
        latents + self.mlp_out.forward(activation::gelu(hidden))
    }
}
