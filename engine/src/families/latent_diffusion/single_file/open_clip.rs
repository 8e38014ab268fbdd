use serde_json::json;

use super::{Part, Scope, clip::HEAD_WIDTH};
use crate::weights::{Target, TensorFiles, View};

/// Which of the layers in the file the family runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::families) enum Layers {
    /// Also the projection behind them.
    All,
    /// What the family reads is there before the last, which diffusers leaves out, as it does the projection.
    AllButLast,
}

pub(super) const SIGN: &str = "transformer.resblocks.0.attn.in_proj_weight";

const OUTER: [(&str, &str); 4] = [
    (
        "token_embedding.weight",
        "embeddings.token_embedding.weight",
    ),
    (
        "positional_embedding",
        "embeddings.position_embedding.weight",
    ),
    ("ln_final.weight", "final_layer_norm.weight"),
    ("ln_final.bias", "final_layer_norm.bias"),
];

const INNER: [(&str, &str); 5] = [
    ("ln_1", "layer_norm1"),
    ("ln_2", "layer_norm2"),
    ("mlp.c_fc", "mlp.fc1"),
    ("mlp.c_proj", "mlp.fc2"),
    ("attn.out_proj", "self_attn.out_proj"),
];

/// A text encoder in OpenCLIP's names (Ilharco et al. 2021), as transformers has it: query, key and value apart.
pub(super) fn open_clip(files: &TensorFiles, prefixes: &[&str], layers: Layers) -> Option<Part> {
    let scope = Scope::find(files, prefixes, SIGN)?;
    let [vocabulary, width] = *scope.shape("token_embedding.weight")? else {
        return None;
    };
    let in_file = scope.count(|layer| format!("transformer.resblocks.{layer}.attn.in_proj_weight"));
    let n_layers = match layers {
        Layers::All => in_file,
        Layers::AllButLast => in_file.saturating_sub(1),
    };
    let projection_width = match scope.shape("text_projection") {
        Some([_, projection_width]) => *projection_width,
        _ => scope.size("text_projection.weight", 0).unwrap_or(width),
    };
    let config = json!({
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": scope.size("transformer.resblocks.0.mlp.c_fc.weight", 0)?,
        "projection_dim": projection_width,
        "num_hidden_layers": n_layers,
        "num_attention_heads": (width / HEAD_WIDTH).max(1),
        "max_position_embeddings": scope.size("positional_embedding", 0)?,
        "hidden_act": "gelu",
        "eos_token_id": 49_407,
    });
    Some(Part {
        config,
        views: scope.views(|name| targets(name, n_layers, layers)),
    })
}

fn targets(name: &str, n_layers: usize, layers: Layers) -> Vec<Target> {
    if let Some((_, new)) = OUTER.iter().find(|(old, _)| *old == name) {
        return vec![Target::whole(*new)];
    }
    if layers == Layers::All {
        match name {
            "text_projection" => {
                return vec![Target::seen("text_projection.weight", View::Transposed)];
            }
            // Already as transformers has it.
            "text_projection.weight" => return vec![Target::whole(name)],
            _ => {}
        }
    }
    layer_targets(name, n_layers)
}

/// What a tensor of one of the first layers is to transformers, in text encoders as in those of pictures.
pub(super) fn layer_targets(name: &str, n_layers: usize) -> Vec<Target> {
    let layer = name.strip_prefix("transformer.resblocks.");
    let Some((layer, rest)) = layer.and_then(|layer| layer.split_once('.')) else {
        return Vec::new();
    };
    if !layer.parse().is_ok_and(|layer: usize| layer < n_layers) {
        return Vec::new();
    }
    let layer = format!("encoder.layers.{layer}");
    if let Some(last) = rest.strip_prefix("attn.in_proj_") {
        let part = |(index, letter)| {
            let name = format!("{layer}.self_attn.{letter}_proj.{last}");
            Target::seen(name, View::Part { index, of: 3 })
        };
        return ["q", "k", "v"].into_iter().enumerate().map(part).collect();
    }
    let inner = INNER.iter().find_map(|(old, new)| {
        let last = rest.strip_prefix(old)?.strip_prefix('.')?;
        Some(Target::whole(format!("{layer}.{new}.{last}")))
    });
    inner.into_iter().collect()
}
