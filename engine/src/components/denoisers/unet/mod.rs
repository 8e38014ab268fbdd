//! diffusers' `UNet2DConditionModel`: steered by context tokens and a vector beside the timestep, or by an image embedding
//! that becomes both.

mod attention;
mod blocks;
mod config;
mod resnet;
mod transformer;

pub use attention::PictureContext;
use blocks::{Context, DownBlock, MidBlock, UpBlock};
use burn::tensor::{DType, Device, Tensor, activation};
pub use config::{BlockKind, UNetConfig, VectorInput};

use crate::{
    Result,
    components::layers::{Conv2d, GroupNorm, LayerNorm, Linear, Then, TimestepEmbedding},
    heartbeat,
    weights::{
        LoadOptions, LoadReport, ModelFolder, NameRules, Parameters, inspect_component,
        load_component,
    },
};

/// The network that predicts the noise in latents.
#[derive(Debug, Clone)]
pub struct UNet {
    conv_in: Conv2d,
    time_embedding: [Linear; 2],
    /// Where an image embedding steers.
    image_input: Option<ImageInput>,
    /// What a vector goes through before it is added to the time embedding.
    vector_embedding: Option<[Linear; 2]>,
    down_blocks: Vec<DownBlock>,
    mid_block: MidBlock,
    up_blocks: Vec<UpBlock>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    config: UNetConfig,
    dtype: DType,
}

/// What the network makes of what steers it, once for all steps.
#[derive(Debug, Clone)]
pub struct UNetConditioning {
    /// What every attention makes of the context tokens, by level on the way down and up.
    down: Vec<Vec<Context>>,
    mid: Context,
    up: Vec<Vec<Context>>,
    /// `[batch, time_embedding_dim]`, added to the time embedding.
    time_shift: Option<Tensor<2>>,
}

impl UNetConditioning {
    /// Adds to the scores of the context tokens, where attention is to context and pixels at once.
    ///
    /// # Shapes: `[batch, 1, 1, n_tokens]`
    #[must_use]
    pub fn with_token_bias(mut self, bias: &Tensor<4>) -> Self {
        let levels = self.down.iter_mut().chain(&mut self.up).flatten();
        for context in levels.chain([&mut self.mid]).flatten() {
            context.bias = Some(bias.clone());
        }
        self
    }
}

impl UNetConditioning {
    /// Lets every layer that looks at words look at pictures as well: one of `pictures` each, down, up and in the middle.
    ///
    /// # Panics
    /// Where there are not as many as there are layers: see [`UNetConfig::crossing_widths`].
    #[must_use]
    pub fn with_pictures(mut self, pictures: Vec<PictureContext>) -> Self {
        let levels = self.down.iter_mut().chain(&mut self.up).flatten();
        let layers: Vec<_> = levels.chain([&mut self.mid]).flatten().collect();
        assert_eq!(layers.len(), pictures.len(), "pictures for every layer");
        for (layer, pictures) in layers.into_iter().zip(pictures) {
            layer.pictures = Some(pictures);
        }
        self
    }
}

/// diffusers' `ImageProjection` to context tokens and `ImageTimeEmbedding`.
#[derive(Debug, Clone)]
struct ImageInput {
    image_embeds: Linear,
    norm: LayerNorm,
    image_proj: Linear,
    image_norm: LayerNorm,
}

impl ImageInput {
    /// Not in the config: diffusers' default, and the only number in use.
    const N_TOKENS: usize = 32;
    const EPSILON: f64 = 1e-5;

    fn init(parameters: &Parameters, config: &UNetConfig, embed_width: usize) -> Result<Self> {
        let (context_width, time_width) = (config.cross_attention_dim, config.time_embedding_dim);
        let scope = |name: &str| parameters.scope(name);
        Ok(Self {
            image_embeds: Linear::init(
                &scope("encoder_hid_proj.image_embeds"),
                embed_width,
                Self::N_TOKENS * context_width,
            )?,
            norm: LayerNorm::init(
                &scope("encoder_hid_proj.norm"),
                context_width,
                Self::EPSILON,
            )?,
            image_proj: Linear::init(&scope("add_embedding.image_proj"), embed_width, time_width)?,
            image_norm: LayerNorm::init(
                &scope("add_embedding.image_norm"),
                time_width,
                Self::EPSILON,
            )?,
        })
    }
}

impl UNet {
    /// Loads the U-Net in `folder`: `config.json` and weights.
    ///
    /// # Errors
    /// [`crate::Error::NotAModel`] naming what its config has and this U-Net does not; those of
    /// [`ModelFolder::weights`] and [`load_component`].
    pub fn load(folder: &ModelFolder, options: &LoadOptions) -> Result<(Self, LoadReport)> {
        let config: UNetConfig = folder.read_json("config.json")?;
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
        let config: UNetConfig = folder.read_json("config.json")?;
        let files = folder.weights(false)?;
        inspect_component(&files, &NameRules::EXACT, DType::F32, |parameters| {
            config.init(parameters)
        })
    }

    fn init(parameters: &Parameters, config: &UNetConfig) -> Result<Self> {
        let channels = &config.block_out_channels;
        let outermost = channels[0];
        let time_width = config.time_embedding_dim;
        let scope = |name: &str| parameters.scope(name);
        let image_input = config
            .image_embed_width
            .map(|width| ImageInput::init(parameters, config, width))
            .transpose()?;
        let vector_embedding = config
            .vector_input
            .and_then(|vector| Some((vector, vector.input_width()?)))
            .map(|(vector, width)| {
                let name = match vector {
                    VectorInput::TextTime { .. } => "add_embedding",
                    _ => "class_embedding",
                };
                let scope = parameters.scope(name);
                Ok([
                    Linear::init(&scope.scope("linear_1"), width, time_width)?,
                    Linear::init(&scope.scope("linear_2"), time_width, time_width)?,
                ])
            })
            .transpose()?;
        let block = |folder, i| parameters.scope(format_args!("{folder}.{i}"));
        Ok(Self {
            conv_in: Conv2d::init(&scope("conv_in"), [config.in_channels, outermost], 3, 1, 1)?,
            time_embedding: [
                Linear::init(&scope("time_embedding.linear_1"), outermost, time_width)?,
                Linear::init(&scope("time_embedding.linear_2"), time_width, time_width)?,
            ],
            image_input,
            vector_embedding,
            down_blocks: (0..channels.len())
                .map(|i| DownBlock::init(&block("down_blocks", i), config, i))
                .collect::<Result<_>>()?,
            mid_block: MidBlock::init(&scope("mid_block"), config)?,
            up_blocks: (0..channels.len())
                .map(|i| UpBlock::init(&block("up_blocks", i), config, i))
                .collect::<Result<_>>()?,
            conv_norm_out: GroupNorm::init(
                &scope("conv_norm_out"),
                config.norm_num_groups,
                outermost,
                config.norm_eps,
            )?,
            conv_out: Conv2d::init(
                &scope("conv_out"),
                [outermost, config.out_channels],
                3,
                1,
                1,
            )?,
            config: config.clone(),
            dtype: parameters.dtype(),
        })
    }

    pub fn config(&self) -> &UNetConfig {
        &self.config
    }

    /// Projects image embeddings, once for all steps.
    ///
    /// # Shapes: `image_embeds` `[batch, image_embed_width]`
    ///
    /// # Panics
    /// For a network that no image embedding steers.
    pub fn condition(&self, image_embeds: Tensor<2>) -> UNetConditioning {
        let [batch, _] = image_embeds.dims();
        let image_embeds = image_embeds.cast(self.dtype);
        let input = self
            .image_input
            .as_ref()
            .expect("a network that an image embedding steers");
        let tokens = input.image_embeds.forward(image_embeds.clone()).reshape([
            batch,
            ImageInput::N_TOKENS,
            self.config.cross_attention_dim,
        ]);
        let time_shift = input.image_proj.forward(image_embeds);
        UNetConditioning {
            time_shift: Some(input.image_norm.forward(time_shift)),
            ..self.condition_on_tokens(input.norm.forward(tokens), None)
        }
    }

    /// Projects context tokens, once for all steps, and what is added to the time embedding.
    ///
    /// # Shapes: tokens `[batch, n_tokens, cross_attention_dim]`; vector `[batch, width]`, as the config's
    /// [`VectorInput`] says
    pub fn condition_on_tokens(
        &self,
        tokens: Tensor<3>,
        vector: Option<Tensor<2>>,
    ) -> UNetConditioning {
        let tokens = tokens.cast(self.dtype);
        let time_shift = vector.map(|vector| {
            let vector = vector.cast(self.dtype);
            match &self.vector_embedding {
                Some([linear_1, linear_2]) => {
                    linear_2.forward(activation::silu(linear_1.forward(vector)))
                }
                None => vector,
            }
        });
        UNetConditioning {
            down: (self.down_blocks.iter().map(|block| block.project(&tokens))).collect(),
            mid: self.mid_block.project(&tokens),
            up: (self.up_blocks.iter().map(|block| block.project(&tokens))).collect(),
            time_shift,
        }
    }

    /// For a network that nothing steers but the timestep.
    pub fn unconditioned(&self) -> UNetConditioning {
        UNetConditioning {
            down: self.down_blocks.iter().map(|_| Vec::new()).collect(),
            mid: Vec::new(),
            up: self.up_blocks.iter().map(|_| Vec::new()).collect(),
            time_shift: None,
        }
    }

    /// A text's embedding and numbers about the picture as the vector that `text_time` takes.
    ///
    /// # Shapes: embed `[1, embedding width]` → `[1, width]`
    ///
    /// # Panics
    /// For a network without [`VectorInput::TextTime`].
    pub fn text_time(config: &UNetConfig, embed: Tensor<2>, numbers: &[f32]) -> Tensor<2> {
        let Some(VectorInput::TextTime { number_width, .. }) = config.vector_input else {
            panic!("a network that takes numbers beside a text's embedding");
        };
        let waves = TimestepEmbedding {
            width: number_width,
            cosines_first: config.flip_sin_to_cos,
            freq_shift: config.freq_shift,
        }
        .forward(numbers, &embed.device());
        let waves = waves.reshape([1, numbers.len() * number_width]);
        Tensor::cat(vec![embed.cast(DType::F32), waves], 1)
    }

    /// Predicts noise, and behind it the variance where the model learned one.
    ///
    /// `timesteps` holds one number for all, or one per batch entry.
    ///
    /// # Shapes
    /// latents `[batch, in_channels, height, width]` → `[batch, out_channels, height, width]`, in the dtype
    /// of the latents. Height and width are multiples of [`UNetConfig::latent_multiple`].
    pub fn forward(
        &self,
        latents: Tensor<4>,
        timesteps: &[f32],
        conditioning: &UNetConditioning,
    ) -> Tensor<4> {
        let [batch, channels, height, width] = latents.dims();
        let multiple = self.config.latent_multiple();
        assert!(
            height % multiple == 0 && width % multiple == 0,
            "{height}×{width} latents are no multiples of {multiple}"
        );
        assert_eq!(channels, self.config.in_channels, "channels of the latents");
        let dtype = latents.dtype();
        let time = self.embed_time(timesteps, batch, conditioning, &latents.device());
        let mut x = self.conv_in.forward(latents.cast(self.dtype));
        let mut skips = vec![x.clone()];
        for (block, context) in self.down_blocks.iter().zip(&conditioning.down) {
            x = block.forward(x, &time, context, &mut skips);
            heartbeat::beat();
        }
        x = self.mid_block.forward(x, &time, &conditioning.mid);
        for (block, context) in self.up_blocks.iter().zip(&conditioning.up) {
            x = block.forward(x, &time, context, &mut skips);
            heartbeat::beat();
        }
        let x = self.conv_norm_out.forward_fused(x, None, Then::Silu);
        self.conv_out.forward(x).cast(dtype)
    }

    /// # Shapes: result `[batch, time_embedding_dim]`, activated unless the blocks take it as it is
    fn embed_time(
        &self,
        timesteps: &[f32],
        batch: usize,
        conditioning: &UNetConditioning,
        device: &Device,
    ) -> Tensor<2> {
        let waves = TimestepEmbedding {
            width: self.config.block_out_channels[0],
            cosines_first: self.config.flip_sin_to_cos,
            freq_shift: self.config.freq_shift,
        }
        .forward(timesteps, device)
        .cast(self.dtype);
        let [linear_1, linear_2] = &self.time_embedding;
        let time = linear_2.forward(activation::silu(linear_1.forward(waves)));
        let [_, time_width] = time.dims();
        let mut time = time.expand([batch, time_width]);
        if let Some(shift) = &conditioning.time_shift {
            time = time + shift.clone();
        }
        if self.config.resnet_skip_time_act {
            time
        } else {
            activation::silu(time)
        }
    }
}
