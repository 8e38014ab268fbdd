use burn::tensor::Tensor;

use super::super::latent_diffusion::{Side, TextEncoder, Words};
use crate::{
    Result,
    components::denoisers::{UNet, UNetConfig, VectorInput},
    model::{Settings, Slots},
    progress::OnEvent,
    weights::ModelFolder,
};

pub(super) const FIRST: &str = "text_encoder";
pub(super) const SECOND: &str = "text_encoder_2";

/// Two text encoders, whose tokens lie side by side.
struct TwoEncoders {
    first: TextEncoder,
    second: TextEncoder,
    unet: UNetConfig,
    /// Whether a negative prompt that nobody gave is nothing but zeros.
    zeros_for_none: bool,
}

/// # Errors
/// [`Error::NotAModel`](crate::Error::NotAModel) for encoders that do not fit the U-Net; those of reading the configs.
pub(super) fn open(root: &ModelFolder, unet: &UNetConfig) -> Result<Box<dyn Words>> {
    #[derive(serde::Deserialize)]
    struct Index {
        #[serde(default = "yes")]
        force_zeros_for_empty_prompt: bool,
    }
    fn yes() -> bool {
        true
    }

    let first = TextEncoder::open(root, [FIRST, "tokenizer"])?.called("clip_l");
    let second = TextEncoder::open(root, [SECOND, "tokenizer_2"])?.called("clip_g");
    let width = first.config.hidden_size + second.config.hidden_size;
    if width != unet.cross_attention_dim {
        let reason =
            "the text encoders' tokens together are not as wide as those that the U-Net takes";
        return Err(second.misfit(reason));
    }
    let n_numbers = MicroConditioning::N_NUMBERS;
    let fits = matches!(unet.vector_input, Some(VectorInput::TextTime { width, number_width })
        if width == second.config.projection_dim + n_numbers * number_width);
    if !fits {
        let reason = "the second text encoder's embedding and the numbers about the picture are not as wide as what the U-Net takes beside the timestep";
        return Err(second.misfit(reason));
    }
    let Index {
        force_zeros_for_empty_prompt,
    } = root.read_json("model_index.json")?;
    Ok(Box::new(TwoEncoders {
        first,
        second,
        unet: unet.clone(),
        zeros_for_none: force_zeros_for_empty_prompt,
    }))
}

/// What the U-Net is told of a picture's size, in pixels: Podell et al. 2023, section 2.2.
struct MicroConditioning {
    /// Of the picture that it could have been trained with. Height and width.
    original: [u32; 2],
    /// How much of that picture's top and left was cut off.
    crop: [u32; 2],
    target: [u32; 2],
}

impl MicroConditioning {
    const N_NUMBERS: usize = 6;

    /// A picture of its own size, with nothing cut off.
    fn whole((width, height): (u32, u32)) -> Self {
        Self {
            original: [height, width],
            crop: [0, 0],
            target: [height, width],
        }
    }

    /// diffusers' `time_ids`.
    fn numbers(&self) -> [f32; Self::N_NUMBERS] {
        let [original, crop, target] = [self.original, self.crop, self.target];
        [
            original[0],
            original[1],
            crop[0],
            crop[1],
            target[0],
            target[1],
        ]
        .map(|n| n as f32)
    }
}

impl Words for TwoEncoders {
    fn unread(&self, text: &str) -> Result<Option<String>> {
        self.first.unread(text)
    }

    /// The first layer at least is read.
    fn most_clip_skip(&self) -> u32 {
        let layers = |encoder: &TextEncoder| encoder.config.num_hidden_layers as u32;
        layers(&self.first)
            .min(layers(&self.second))
            .saturating_sub(2)
    }

    fn preload(&self, slots: &mut Slots, on_event: &mut OnEvent) -> Result<bool> {
        Ok(self.first.preload(slots, on_event)? && self.second.preload(slots, on_event)?)
    }

    fn say(
        &self,
        slots: &mut Slots,
        texts: &[Option<&str>],
        settings: &Settings,
        on_event: &mut OnEvent,
    ) -> Result<Vec<Side>> {
        let words: Vec<&str> = texts.iter().map(|text| text.unwrap_or_default()).collect();
        // The penultimate layer is the one that is meant; what is skipped comes on top.
        let n_before = 1 + settings.clip_skip.unwrap_or_default() as usize;
        let first = self
            .first
            .run(slots, &words, on_event)?
            .before_last(n_before);
        let encoded = self.second.run(slots, &words, on_event)?;
        let second = encoded.before_last(n_before);
        let Some(pooled) = encoded.text_embeds() else {
            return Err(self.second.without_projection());
        };
        let tokens = Tensor::cat(vec![first, second], 2);
        let numbers = MicroConditioning::whole(settings.size).numbers();
        let side = |(row, text): (usize, Option<&str>)| {
            let tokens = tokens.clone().narrow(0, row, 1);
            let pooled = pooled.clone().narrow(0, row, 1);
            let (tokens, pooled) = if text.is_none() && self.zeros_for_none {
                (tokens.zeros_like(), pooled.zeros_like())
            } else {
                (tokens, pooled)
            };
            Side {
                tokens,
                vector: Some(UNet::text_time(&self.unet, pooled, &numbers)),
            }
        };
        Ok(texts.iter().copied().enumerate().map(side).collect())
    }
}
