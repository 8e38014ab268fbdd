//! Stable Diffusion XL in one file.

use serde_json::json;

use super::{REFINER, words};
use crate::{
    families::{
        FileProbe,
        latent_diffusion::single_file::{
            Layers, Layout, Naming, Prediction, Recipe, TextPart, UNetShape, epsilon, nothing_more,
            told_prediction,
        },
    },
    samplers::Sampler,
};

/// Numbers that tell of one fact about the picture, as its size.
const NUMBER_WIDTH: usize = 256;

pub(super) static LAYOUT: Layout = Layout {
    pipeline: "StableDiffusionXLPipeline",
    is_own: |_, unet| unet.label_width.is_some() && unet.is_linear && !reads_pictures(unet),
    variant: "base",
    text_encoders: &[
        TextPart {
            component: words::FIRST,
            tokenizer: "tokenizer",
            pad_token: "<|endoftext|>",
            naming: Naming::Clip,
            prefixes: &[
                "conditioner.embedders.0.transformer.text_model.",
                "conditioner.embedders.0.transformer.",
                "text_model.",
            ],
        },
        TextPart {
            component: words::SECOND,
            tokenizer: "tokenizer_2",
            pad_token: "!",
            naming: Naming::OpenClip(Layers::All),
            prefixes: &["conditioner.embedders.1.model.", ""],
        },
    ],
    more: nothing_more,
    heads: |width| (width / 64).max(1),
    unet_entries: |unet| {
        json!({
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": NUMBER_WIDTH,
            "projection_class_embeddings_input_dim": unet.label_width,
        })
    },
    scaling_factor: 0.13025,
    prediction,
    recipe: |prediction| Recipe {
        side_px: 1024,
        n_steps: if prediction.is_velocity { 28 } else { 25 },
        guidance_scale: 5.0,
        sampler: if prediction.is_velocity {
            Sampler::Euler
        } else {
            Sampler::Dpmpp2mKarras
        },
    },
};

/// Stable Diffusion 2.1 for pictures as words has a label too: of twice an image embedding's width.
fn reads_pictures(unet: &UNetShape) -> bool {
    const CONTEXT_WIDTH: usize = 1_024;
    unet.context_width == CONTEXT_WIDTH
}

/// Beside an embedding as wide as its words it is told five numbers, where the base model is told six.
fn is_refiner(unet: &UNetShape) -> bool {
    unet.label_width == Some(unet.context_width + 5 * NUMBER_WIDTH)
}

/// Tensors that say nothing but what the model predicts, else the words of the file.
fn prediction(file: &FileProbe, unet: &UNetShape) -> Result<Prediction, String> {
    if is_refiner(unet) {
        return Err(REFINER.to_owned());
    }
    let has = |name: &str| file.shape(name).is_some();
    if has("edm_vpred.sigma_max") || has("edm_mean") {
        return Err("it is trained on noise by EDM's own schedule (CosXL, Playground), which Limn does not have".to_owned());
    }
    if has("v_pred") {
        let ends_in_noise = has("ztsnr");
        return Ok(Prediction {
            is_velocity: true,
            ends_in_noise,
            reason: Some(format!(
                "It predicts velocity{}, as a tensor of the file says.",
                if ends_in_noise {
                    " on a schedule that ends in pure noise"
                } else {
                    ""
                }
            )),
        });
    }
    Ok(told_prediction(file).unwrap_or_else(epsilon))
}
