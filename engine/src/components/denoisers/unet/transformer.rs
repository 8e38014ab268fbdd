//! Attention from pixels to each other and then to the context: the transformer of latent diffusion, Rombach et al. 2022.

use burn::tensor::Tensor;

use super::attention::{ContextKv, PictureContext};
use crate::{
    Result,
    components::layers::{Conv2d, GroupNorm, LayerNorm, Linear, attention, gated_gelu},
    weights::Parameters,
};

/// diffusers' `Transformer2DModel` over pixels.
#[derive(Debug, Clone)]
pub(super) struct Transformer {
    norm: GroupNorm,
    proj_in: Projection,
    blocks: Vec<Block>,
    proj_out: Projection,
}

/// What a transformer is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub channels: usize,
    pub n_heads: usize,
    pub n_blocks: usize,
    /// The width of a context token.
    pub context_width: usize,
    pub n_groups: usize,
    /// Whether it is entered and left by linear layers, and not by 1×1 convolutions.
    pub is_linear: bool,
}

/// Entering or leaving a transformer: on pixels in a row, or on the picture.
#[derive(Debug, Clone)]
enum Projection {
    Linear(Linear),
    Conv(Conv2d),
}

/// diffusers' `BasicTransformerBlock`.
#[derive(Debug, Clone)]
struct Block {
    norm1: LayerNorm,
    /// Of pixels to pixels.
    attn1: Attention,
    norm2: LayerNorm,
    /// Of pixels to context tokens.
    attn2: Attention,
    norm3: LayerNorm,
    /// To the values and, behind them, their gates.
    ff_in: Linear,
    ff_out: Linear,
}

#[derive(Debug, Clone)]
struct Attention {
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    n_heads: usize,
}

impl Projection {
    fn init(parameters: &Parameters, channels: usize, is_linear: bool) -> Result<Self> {
        Ok(if is_linear {
            Self::Linear(Linear::init(parameters, channels, channels)?)
        } else {
            Self::Conv(Conv2d::init(parameters, [channels; 2], 1, 1, 0)?)
        })
    }
}

impl Transformer {
    pub fn init(parameters: &Parameters, shape: Shape) -> Result<Self> {
        /// diffusers leaves this one at its default, whatever `norm_eps` says.
        const EPSILON: f64 = 1e-6;
        let Shape {
            channels,
            is_linear,
            ..
        } = shape;
        let projection =
            |name: &str| Projection::init(&parameters.scope(name), channels, is_linear);
        let blocks = parameters.scope("transformer_blocks");
        Ok(Self {
            norm: GroupNorm::init(&parameters.scope("norm"), shape.n_groups, channels, EPSILON)?,
            proj_in: projection("proj_in")?,
            blocks: (0..shape.n_blocks)
                .map(|i| Block::init(&blocks.scope(i), shape))
                .collect::<Result<_>>()?,
            proj_out: projection("proj_out")?,
        })
    }

    /// The context's part, which is the same at every step: one for each block.
    ///
    /// # Shapes: tokens `[batch, n_tokens, context_width]`
    pub fn project(&self, tokens: &Tensor<3>) -> Vec<ContextKv> {
        self.blocks
            .iter()
            .map(|block| ContextKv {
                key: block.attn2.to_k.forward(tokens.clone()),
                value: block.attn2.to_v.forward(tokens.clone()),
                bias: None,
                pictures: None,
            })
            .collect()
    }

    /// # Shapes: x `[batch, channels, height, width]`
    pub fn forward(&self, x: Tensor<4>, context: &[ContextKv]) -> Tensor<4> {
        let [batch, channels, height, width] = x.dims();
        let in_row = |x: Tensor<4>| x.reshape([batch, channels, height * width]).swap_dims(1, 2);
        let as_picture = |x: Tensor<3>| x.swap_dims(1, 2).reshape([batch, channels, height, width]);
        let hidden = self.norm.forward(x.clone());
        let mut pixels = match &self.proj_in {
            Projection::Linear(linear) => linear.forward(in_row(hidden)),
            Projection::Conv(conv) => in_row(conv.forward(hidden)),
        };
        for (block, context) in self.blocks.iter().zip(context) {
            pixels = block.forward(pixels, context);
        }
        let hidden = match &self.proj_out {
            Projection::Linear(linear) => as_picture(linear.forward(pixels)),
            Projection::Conv(conv) => conv.forward(as_picture(pixels)),
        };
        hidden + x
    }
}

impl Block {
    fn init(parameters: &Parameters, shape: Shape) -> Result<Self> {
        const EPSILON: f64 = 1e-5;
        /// Of the hidden layer, before gating.
        const WIDENING: usize = 4;
        let channels = shape.channels;
        let scope = |name: &str| parameters.scope(name);
        let norm = |name: &str| LayerNorm::init(&scope(name), channels, EPSILON);
        let inner = WIDENING * channels;
        Ok(Self {
            norm1: norm("norm1")?,
            attn1: Attention::init(&scope("attn1"), shape, channels)?,
            norm2: norm("norm2")?,
            attn2: Attention::init(&scope("attn2"), shape, shape.context_width)?,
            norm3: norm("norm3")?,
            ff_in: Linear::init(&scope("ff.net.0.proj"), channels, 2 * inner)?,
            ff_out: Linear::init(&scope("ff.net.2"), inner, channels)?,
        })
    }

    /// # Shapes: x `[batch, pixels, channels]`
    fn forward(&self, x: Tensor<3>, context: &ContextKv) -> Tensor<3> {
        let normed = self.norm1.forward(x.clone());
        let (key, value) = (
            self.attn1.to_k.forward(normed.clone()),
            self.attn1.to_v.forward(normed.clone()),
        );
        let x = x + self.attn1.forward(normed, [key, value], None);
        let normed = self.norm2.forward(x.clone());
        let words = [context.key.clone(), context.value.clone()];
        let x = x + self.attn2.forward(normed, words, context.pictures.as_ref());
        let gated = self.ff_in.forward(self.norm3.forward(x.clone()));
        x + self.ff_out.forward(gated_gelu(gated))
    }
}

impl Attention {
    fn init(parameters: &Parameters, shape: Shape, d_context: usize) -> Result<Self> {
        let channels = shape.channels;
        let linear = |name: &str, d_input| {
            Linear::init_without_bias(&parameters.scope(name), d_input, channels)
        };
        Ok(Self {
            to_q: linear("to_q", channels)?,
            to_k: linear("to_k", d_context)?,
            to_v: linear("to_v", d_context)?,
            to_out: Linear::init(&parameters.scope("to_out.0"), channels, channels)?,
            n_heads: shape.n_heads,
        })
    }

    fn forward(
        &self,
        x: Tensor<3>,
        [key, value]: [Tensor<3>; 2],
        pictures: Option<&PictureContext>,
    ) -> Tensor<3> {
        let query = self.to_q.forward(x);
        let attended = attention(query.clone(), key, value, None, self.n_heads);
        self.to_out.forward(match pictures {
            Some(pictures) => attended + pictures.attend(query, self.n_heads),
            None => attended,
        })
    }
}
