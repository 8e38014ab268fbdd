//! Stable Diffusion 2 in one file.

use serde_json::json;

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

pub(super) static LAYOUT: Layout = Layout {
    pipeline: "StableDiffusionPipeline",
    is_own: |_, unet| unet.label_width.is_none() && unet.is_linear,
    variant: "2",
    text_encoders: &[TextPart {
        component: "text_encoder",
        tokenizer: "tokenizer",
        pad_token: "!",
        naming: Naming::OpenClip(Layers::AllButLast),
        prefixes: &[
            "cond_stage_model.model.",
            "conditioner.embedders.0.model.",
            "",
        ],
    }],
    more: nothing_more,
    heads: |width| (width / 64).max(1),
    unet_entries: |_| json!({}),
    scaling_factor: 0.18215,
    prediction: |file, unet| Ok(prediction(file, unet)),
    recipe: |prediction| Recipe {
        side_px: if prediction.is_velocity { 768 } else { 512 },
        n_steps: 25,
        guidance_scale: 7.5,
        sampler: Sampler::Dpmpp2mKarras,
    },
};

/// What the file says of itself, else what `ComfyUI` tells it by: the models that predict velocity have larger biases
/// there.
fn prediction(file: &FileProbe, unet: &UNetShape) -> Prediction {
    const SIGN: &str = "output_blocks.11.1.transformer_blocks.0.norm1.bias";
    const LEAST_DEVIATION: f32 = 0.09;
    if let Some(told) = told_prediction(file) {
        return told;
    }
    let prefixes = UNetShape::PREFIXES.into_iter();
    let bias = prefixes.filter_map(|prefix| file.numbers(&format!("{prefix}{SIGN}")));
    let bias: Vec<f32> = bias.flatten().collect();
    if unet.in_channels != 4 || bias.is_empty() {
        return epsilon();
    }
    let mean = bias.iter().sum::<f32>() / bias.len() as f32;
    let squares = bias.iter().map(|value| (value - mean).powi(2)).sum::<f32>();
    let is_velocity = squares / bias.len() as f32 > LEAST_DEVIATION * LEAST_DEVIATION;
    Prediction {
        is_velocity,
        reason: is_velocity.then(|| {
            "It seems to predict velocity, by how far the biases of its last transformer spread; no tensor says so.".to_owned()
        }),
        ..epsilon()
    }
}
