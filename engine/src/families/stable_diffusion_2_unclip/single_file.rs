//! Stable Diffusion 2.1 unCLIP in one file.

use serde_json::json;

use super::sight;
use crate::{
    families::{
        FileProbe,
        latent_diffusion::single_file::{
            Layers, Layout, More, Naming, Part, Prediction, Recipe, TextPart, UNetShape,
            open_clip_vision, told_prediction,
        },
    },
    samplers::Sampler,
    weights::{Target, TensorFiles},
};

/// What looks at pictures.
const VISION: &str = "embedder.model.visual.";
/// Of embeddings, where the file has them.
const STATISTICS: [(&str, &str); 2] = [
    ("noise_augmentor.data_mean", "mean"),
    ("noise_augmentor.data_std", "std"),
];

pub(super) static LAYOUT: Layout = Layout {
    pipeline: "StableUnCLIPImg2ImgPipeline",
    is_own: |file, unet| unet.is_linear && unet.label_width.is_some() && is_own(file, unet),
    variant: "2.1 unCLIP",
    text_encoders: &[TextPart {
        component: "text_encoder",
        tokenizer: "tokenizer",
        pad_token: "!",
        naming: Naming::OpenClip(Layers::AllButLast),
        prefixes: &["cond_stage_model.model."],
    }],
    more,
    heads: |width| (width / 64).max(1),
    unet_entries: |unet| {
        json!({
            "class_embed_type": "projection",
            "projection_class_embeddings_input_dim": unet.label_width,
        })
    },
    scaling_factor: 0.18215,
    prediction: |file, _| {
        // All that were published predict velocity.
        Ok(told_prediction(file).unwrap_or(Prediction {
            is_velocity: true,
            ends_in_noise: false,
            reason: None,
        }))
    },
    recipe: |_| Recipe {
        side_px: 768,
        n_steps: 25,
        guidance_scale: 10.0,
        sampler: Sampler::Dpmpp2mKarras,
    },
};

/// By what looks at pictures; a U-Net alone by the width of its words, which is not that of the XL.
fn is_own(file: &FileProbe, unet: &UNetShape) -> bool {
    const CONTEXT_WIDTH: usize = 1_024;
    file.has_prefix(VISION) || unet.context_width == CONTEXT_WIDTH
}

fn more(files: &TensorFiles) -> More {
    let image_encoder = open_clip_vision(files, &[VISION]);
    let size = |part: &Part| part.config.get("image_size").cloned();
    let image_size = image_encoder.as_ref().and_then(size);
    let width = image_encoder
        .as_ref()
        .and_then(|part| part.config.get("projection_dim").cloned());
    let mut more = More {
        parts: vec![(sight::IMAGE_ENCODER, image_encoder)],
        texts: vec![
            (
                "feature_extractor/preprocessor_config.json",
                json!({"size": image_size, "crop_size": image_size}),
            ),
            (
                "image_noising_scheduler/scheduler_config.json",
                json!({
                    "_class_name": "DDPMScheduler",
                    "beta_schedule": "squaredcos_cap_v2",
                    "num_train_timesteps": 1000,
                }),
            ),
        ],
        notes: Vec::new(),
    };
    if STATISTICS
        .iter()
        .all(|(name, _)| files.shape(name).is_some())
    {
        let views = STATISTICS.map(|(old, new)| (old.to_owned(), vec![Target::whole(new)]));
        let normalizer = Part {
            config: json!({"embedding_dim": width}),
            views: views.into_iter().collect(),
        };
        more.parts.push((sight::NORMALIZER, Some(normalizer)));
    } else {
        more.notes.push("The file has no statistics of pictures' embeddings, as the published ones have not: the little noise that is put on embeddings is not measured by them.".to_owned());
    }
    more
}
