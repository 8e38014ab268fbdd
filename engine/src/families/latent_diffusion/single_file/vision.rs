//! CLIP's vision encoders in files of their own or within a checkpoint.

use std::path::Path;

use serde_json::{Value, json};

use super::{Part, Scope, open_clip};
use crate::weights::{ModelFolder, SeenFolder, Target, TensorFile, TensorFiles, View};

/// In transformers' names.
const SIGN: &str = "embeddings.patch_embedding.weight";
/// In `OpenCLIP`'s, and in those of the first CLIP.
const OPEN_CLIP_SIGN: &str = "conv1.weight";

const OUTER: [(&str, &str); 7] = [
    ("class_embedding", "embeddings.class_embedding"),
    ("conv1.weight", "embeddings.patch_embedding.weight"),
    (
        "positional_embedding",
        "embeddings.position_embedding.weight",
    ),
    ("ln_pre.weight", "pre_layrnorm.weight"),
    ("ln_pre.bias", "pre_layrnorm.bias"),
    ("ln_post.weight", "post_layernorm.weight"),
    ("ln_post.bias", "post_layernorm.bias"),
];

/// A file with such an encoder, as the folder that transformers would have saved of it.
pub(in crate::families) fn vision_encoder_file(path: &Path) -> Option<ModelFolder> {
    let files = TensorFiles::open(&[TensorFile::Disk(path.to_owned())]).ok()?;
    let part =
        transformers_vision(&files).or_else(|| open_clip_vision(&files, &["visual.", ""]))?;
    let mut folder = SeenFolder::new(vec![path.to_owned()]);
    folder.add_text("config.json", part.config.to_string().into_bytes());
    folder.add_weights("", part.views);
    Some(folder.into_folder())
}

/// transformers' `CLIPVisionModelWithProjection`, alone or within a whole CLIP.
fn transformers_vision(files: &TensorFiles) -> Option<Part> {
    const PROJECTION: &str = "visual_projection.weight";
    let scope = Scope::find(files, &["vision_model.", ""], SIGN)?;
    let config = config(
        scope.shape(SIGN)?,
        scope.size("embeddings.position_embedding.weight", 0)?,
        scope.count(|layer| format!("encoder.layers.{layer}.self_attn.q_proj.weight")),
        scope.size("encoder.layers.0.mlp.fc1.weight", 0)?,
        *files.shape(PROJECTION)?.first()?,
    )?;
    let is_own = |name: &str| {
        let parts = [
            "embeddings.",
            "encoder.",
            "pre_layrnorm.",
            "post_layernorm.",
        ];
        parts.iter().any(|part| name.starts_with(part)) && !name.ends_with("position_ids")
    };
    let mut views = scope.views(|name| {
        let own = is_own(name).then(|| Target::whole(name));
        own.into_iter().collect()
    });
    views.insert(PROJECTION.to_owned(), vec![Target::whole(PROJECTION)]);
    Some(Part { config, views })
}

/// The vision encoder of an `OpenCLIP` (Ilharco et al. 2021) or of the first CLIP under one of `prefixes`.
pub(in crate::families) fn open_clip_vision(
    files: &TensorFiles,
    prefixes: &[&str],
) -> Option<Part> {
    let scope = Scope::find(files, prefixes, OPEN_CLIP_SIGN)?;
    let config = config(
        scope.shape(OPEN_CLIP_SIGN)?,
        scope.size("positional_embedding", 0)?,
        scope.count(|layer| format!("transformer.resblocks.{layer}.attn.in_proj_weight")),
        scope.size("transformer.resblocks.0.mlp.c_fc.weight", 0)?,
        scope.size("proj", 1)?,
    )?;
    let views = scope.views(|name| {
        if name == "proj" {
            return vec![Target::seen("visual_projection.weight", View::Transposed)];
        }
        match OUTER.iter().find(|(old, _)| *old == name) {
            Some((_, new)) => vec![Target::whole(*new)],
            None => open_clip::layer_targets(name, usize::MAX),
        }
    });
    Some(Part { config, views })
}

/// What shapes tell, and what goes with a width: heads and activation are in no shape.
fn config(
    patches: &[usize],
    n_positions: usize,
    n_layers: usize,
    mlp_width: usize,
    projection_width: usize,
) -> Option<Value> {
    let [width, _, patch_size, _] = *patches else {
        return None;
    };
    let n_per_side = n_positions.checked_sub(1)?.isqrt();
    // B and L are OpenAI's, H and bigG are OpenCLIP's.
    let is_first_clip = [768, 1024].contains(&width);
    Some(json!({
        "hidden_size": width,
        "intermediate_size": mlp_width,
        "projection_dim": projection_width,
        "num_hidden_layers": n_layers,
        "num_attention_heads": if width == 768 { 12 } else { 16 },
        "image_size": n_per_side * patch_size,
        "patch_size": patch_size,
        "hidden_act": if is_first_clip { "quick_gelu" } else { "gelu" },
    }))
}
