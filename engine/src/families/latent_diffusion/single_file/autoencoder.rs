use serde_json::json;

use super::{Part, Scope, diffusers_names};
use crate::weights::{Target, View};

/// In any file that has one.
pub(super) const SIGN: &str = "decoder.conv_in.weight";
pub(super) const PREFIXES: [&str; 3] = ["", "first_stage_model.", "vae."];

/// The attention in the middle, whose linear layers are 1×1 convolutions in the file.
const ATTENTION: [(&str, &str); 5] = [
    ("norm", "group_norm"),
    ("q", "to_q"),
    ("k", "to_k"),
    ("v", "to_v"),
    ("proj_out", "to_out.0"),
];

/// diffusers' `AutoencoderKL`; latents are multiplied with `scaling_factor`.
pub(super) fn autoencoder(
    files: &crate::weights::TensorFiles,
    scaling_factor: f64,
) -> Option<Part> {
    let scope = Scope::find(files, &PREFIXES, SIGN)?;
    if let Some(part) = diffusers_names::autoencoder(&scope, scaling_factor) {
        return Some(part);
    }
    let n_levels = scope.count(|level| format!("encoder.down.{level}.block.0.conv1.weight"));
    let width = |level: usize| scope.size(&format!("encoder.down.{level}.block.0.conv1.weight"), 0);
    let n_layers = scope.count(|layer| format!("encoder.down.0.block.{layer}.conv1.weight"));
    let config = json!({
        "in_channels": scope.size("encoder.conv_in.weight", 1)?,
        "out_channels": scope.size("decoder.conv_out.weight", 0)?,
        "latent_channels": scope.size(SIGN, 1)?,
        "block_out_channels": (0..n_levels).map(width).collect::<Option<Vec<_>>>()?,
        "layers_per_block": n_layers,
        "down_block_types": vec!["DownEncoderBlock2D"; n_levels],
        "up_block_types": vec!["UpDecoderBlock2D"; n_levels],
        "mid_block_add_attention": scope.has("decoder.mid.attn_1.q.weight"),
        "use_quant_conv": scope.has("quant_conv.weight"),
        "use_post_quant_conv": scope.has("post_quant_conv.weight"),
        "scaling_factor": scaling_factor,
    });
    let target = |name: &str| new_name(name, n_levels).into_iter().collect();
    Some(Part {
        config,
        views: scope.views(target),
    })
}

fn new_name(name: &str, n_levels: usize) -> Option<Target> {
    if name.starts_with("quant_conv.") || name.starts_with("post_quant_conv.") {
        return Some(Target::whole(name));
    }
    let (side, rest) = name.split_once('.')?;
    // The layers are a text encoder's beside it.
    if !["encoder", "decoder"].contains(&side) || rest.starts_with("layers.") {
        return None;
    }
    if let Some(rest) = rest.strip_prefix("mid.attn_1.") {
        let (part, last) = rest.rsplit_once('.')?;
        let (_, new) = ATTENTION.iter().find(|(old, _)| *old == part)?;
        let view = if part == "norm" || last != "weight" {
            View::Whole
        } else {
            View::Squeezed
        };
        let name = format!("{side}.mid_block.attentions.0.{new}.{last}");
        return Some(Target::seen(name, view));
    }
    let new = if let Some(rest) = rest.strip_prefix("norm_out.") {
        format!("conv_norm_out.{rest}")
    } else if let Some(rest) = rest.strip_prefix("mid.block_") {
        let (block, rest) = rest.split_once('.')?;
        let block = block.parse::<usize>().ok()?.checked_sub(1)?;
        format!("mid_block.resnets.{block}.{}", resnet_part(rest))
    } else if rest.starts_with("down.") || rest.starts_with("up.") {
        level_part(rest, n_levels)?
    } else {
        rest.to_owned()
    };
    Some(Target::whole(format!("{side}.{new}")))
}

/// `down.0.block.1.conv1.weight`; on the way up the file counts levels from the outside, diffusers from the inside.
fn level_part(name: &str, n_levels: usize) -> Option<String> {
    let (way, rest) = name.split_once('.')?;
    let (level, rest) = rest.split_once('.')?;
    let level: usize = level.parse().ok()?;
    let level = match way {
        "down" => format!("down_blocks.{level}"),
        _ => format!("up_blocks.{}", n_levels.checked_sub(level + 1)?),
    };
    if let Some(rest) = rest.strip_prefix("block.") {
        let (block, rest) = rest.split_once('.')?;
        return Some(format!("{level}.resnets.{block}.{}", resnet_part(rest)));
    }
    for (old, new) in [
        ("downsample.conv.", "downsamplers"),
        ("upsample.conv.", "upsamplers"),
    ] {
        if let Some(rest) = rest.strip_prefix(old) {
            return Some(format!("{level}.{new}.0.conv.{rest}"));
        }
    }
    None
}

fn resnet_part(name: &str) -> String {
    name.replace("nin_shortcut.", "conv_shortcut.")
}
