//! Attention from pixels to the context and to each other at once.

use burn::tensor::Tensor;

use super::UNetConfig;
use crate::{
    Result,
    components::layers::{GroupNorm, Linear, attention},
    weights::Parameters,
};

/// diffusers' `Attention` with `AttnAddedKVProcessor2_0`: keys and values are those of the context tokens
/// followed by those of the pixels.
#[derive(Debug, Clone)]
pub(super) struct AddedKvAttention {
    group_norm: GroupNorm,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    add_k_proj: Linear,
    add_v_proj: Linear,
    to_out: Linear,
    n_heads: usize,
}

/// Keys and values of the context tokens. Each `[batch, n_tokens, channels]`
#[derive(Debug, Clone)]
pub(super) struct ContextKv {
    pub key: Tensor<3>,
    pub value: Tensor<3>,
    /// Added to the scores of the tokens, by layers that take it. `[batch, 1, 1, n_tokens]`
    pub bias: Option<Tensor<4>>,
    /// Looked at beside the tokens, by layers that take it.
    pub pictures: Option<PictureContext>,
}

/// Pictures that a layer of attention looks at beside the words (Ye et al. 2023, section 3.2.2).
#[derive(Debug, Clone)]
pub struct PictureContext {
    /// Keys and values of the pictures' tokens. Each `[batch, n_tokens, channels]`
    pub key: Tensor<3>,
    pub value: Tensor<3>,
    /// Added to the scores of the tokens. `[1, 1, 1, n_tokens]`
    pub bias: Option<Tensor<4>>,
    /// What is seen in the pictures is multiplied with this before it is added.
    pub scale: f32,
}

impl PictureContext {
    /// What a query sees in the pictures.
    ///
    /// # Shapes: query `[batch, n_query, channels]` → as the query
    pub(super) fn attend(&self, query: Tensor<3>, n_heads: usize) -> Tensor<3> {
        let [_, n_query, _] = query.dims();
        let bias = self.bias.clone();
        let bias = bias.map(|bias| bias.cast(query.dtype()).repeat_dim(2, n_query));
        attention(query, self.key.clone(), self.value.clone(), bias, n_heads) * self.scale
    }
}

impl AddedKvAttention {
    pub fn init(
        parameters: &Parameters,
        config: &UNetConfig,
        channels: usize,
        n_heads: usize,
    ) -> Result<Self> {
        /// diffusers leaves this one at its default, whatever `norm_eps` says.
        const EPSILON: f64 = 1e-5;
        let linear = |name: &str, d_input| Linear::init(&parameters.scope(name), d_input, channels);
        Ok(Self {
            group_norm: GroupNorm::init(
                &parameters.scope("group_norm"),
                config.norm_num_groups,
                channels,
                EPSILON,
            )?,
            to_q: linear("to_q", channels)?,
            to_k: linear("to_k", channels)?,
            to_v: linear("to_v", channels)?,
            add_k_proj: linear("add_k_proj", config.cross_attention_dim)?,
            add_v_proj: linear("add_v_proj", config.cross_attention_dim)?,
            to_out: linear("to_out.0", channels)?,
            n_heads,
        })
    }

    /// The context's part, which is the same at every step.
    ///
    /// # Shapes: tokens `[batch, n_tokens, cross_attention_dim]`
    pub fn project(&self, tokens: &Tensor<3>) -> ContextKv {
        ContextKv {
            key: self.add_k_proj.forward(tokens.clone()),
            value: self.add_v_proj.forward(tokens.clone()),
            bias: None,
            pictures: None,
        }
    }

    /// # Shapes: x `[batch, channels, height, width]`
    pub fn forward(&self, x: Tensor<4>, context: &ContextKv) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let pixels = self
            .group_norm
            .forward(x.clone())
            .reshape([batch, channels, height * width])
            .swap_dims(1, 2);
        let join = |added: &Tensor<3>, own: &Linear| {
            Tensor::cat(vec![added.clone(), own.forward(pixels.clone())], 1)
        };
        let attended = attention(
            self.to_q.forward(pixels.clone()),
            join(&context.key, &self.to_k),
            join(&context.value, &self.to_v),
            context.bias.as_ref().map(|bias| {
                // Pixels look at all pixels.
                let [batch, _, _, _] = bias.dims();
                let n_pixels = height * width;
                let of_pixels = Tensor::zeros(
                    [batch, 1, n_pixels, n_pixels],
                    (&bias.device(), bias.dtype()),
                );
                Tensor::cat(vec![bias.clone().repeat_dim(2, n_pixels), of_pixels], 3)
            }),
            self.n_heads,
        );
        let attended = self
            .to_out
            .forward(attended)
            .swap_dims(1, 2)
            .reshape([batch, channels, height, width]);
        x + attended
    }
}
