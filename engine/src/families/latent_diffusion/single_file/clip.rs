use serde_json::json;

use super::{Part, Scope};
use crate::weights::{Target, TensorFiles};

/// In any file that has one.
pub(super) const SIGN: &str = "embeddings.token_embedding.weight";
/// The width of a head in every CLIP of these families.
pub(super) const HEAD_WIDTH: usize = 64;

/// transformers' `CLIPTextModel`, as Stable Diffusion 1 and Stable Diffusion XL's first encoder have it.
///
/// A file may hold a copy under an older name: that under the first prefix counts.
pub(super) fn clip(files: &TensorFiles, prefixes: &[&str]) -> Option<Part> {
    let scope = Scope::find(files, prefixes, SIGN)?;
    let width = scope.size(SIGN, 1)?;
    let n_layers = scope.count(|layer| format!("encoder.layers.{layer}.self_attn.q_proj.weight"));
    let config = json!({
        "vocab_size": scope.size(SIGN, 0)?,
        "hidden_size": width,
        "intermediate_size": scope.size("encoder.layers.0.mlp.fc1.weight", 0)?,
        "projection_dim": width,
        "num_hidden_layers": n_layers,
        "num_attention_heads": (width / HEAD_WIDTH).max(1),
        "max_position_embeddings": scope.size("embeddings.position_embedding.weight", 0)?,
        "hidden_act": "quick_gelu",
        "eos_token_id": 49_407,
    });
    let is_own = |name: &str| {
        let parts = ["embeddings.", "encoder.layers.", "final_layer_norm."];
        parts.iter().any(|part| name.starts_with(part)) && !name.ends_with("position_ids")
    };
    Some(Part {
        config,
        views: scope.views(|name| {
            is_own(name)
                .then(|| Target::whole(name))
                .into_iter()
                .collect()
        }),
    })
}
