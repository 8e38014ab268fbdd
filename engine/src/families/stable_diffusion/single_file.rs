//! Stable Diffusion 1 in one file.

use serde_json::json;

use crate::{
    families::latent_diffusion::single_file::{
        Layout, Naming, Recipe, TextPart, epsilon, nothing_more, told_prediction,
    },
    samplers::Sampler,
};

pub(in crate::families) static LAYOUT: Layout = Layout {
    pipeline: "StableDiffusionPipeline",
    is_own: |_, unet| unet.label_width.is_none() && !unet.is_linear,
    variant: "1.5",
    text_encoders: &[TextPart {
        component: "text_encoder",
        tokenizer: "tokenizer",
        pad_token: "<|endoftext|>",
        naming: Naming::Clip,
        prefixes: &[
            "cond_stage_model.transformer.text_model.",
            "cond_stage_model.transformer.",
            "text_model.",
            "",
        ],
    }],
    more: nothing_more,
    heads: |_| 8,
    unet_entries: |_| json!({}),
    scaling_factor: 0.18215,
    prediction: |file, _| Ok(told_prediction(file).unwrap_or_else(epsilon)),
    recipe: |_| Recipe {
        side_px: 512,
        n_steps: 25,
        guidance_scale: 7.5,
        sampler: Sampler::Dpmpp2mKarras,
    },
};
