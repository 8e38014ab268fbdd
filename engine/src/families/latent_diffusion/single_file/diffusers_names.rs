//! U-Nets and autoencoders alone in diffusers' own names, as `unet/diffusion_pytorch_model.safetensors` is when it has left
//! its folder: what their configs said is read from the shapes.

use serde_json::{Value, json};

use super::{
    Part, Scope,
    unet::{Level, UNetShape},
};
use crate::weights::Target;

/// In any U-Net, and in no autoencoder.
pub(super) const UNET_SIGN: &str = "time_embedding.linear_1.weight";
const UNET_PARTS: [&str; 9] = [
    "conv_in.",
    "time_embedding.",
    "add_embedding.",
    "class_embedding.",
    "down_blocks.",
    "mid_block.",
    "up_blocks.",
    "conv_norm_out.",
    "conv_out.",
];
const VAE_PARTS: [&str; 4] = ["encoder.", "decoder.", "quant_conv.", "post_quant_conv."];

pub(super) fn unet_shape(scope: &Scope) -> Option<UNetShape> {
    let attention = scope.names().find_map(|name| {
        let place = name.strip_suffix(".transformer_blocks.0.attn2.to_k.weight")?;
        place.contains("_block").then_some(place)
    })?;
    let depth = |transformer: String| {
        scope.count(|block| format!("{transformer}.transformer_blocks.{block}.norm1.weight"))
    };
    let n_levels = scope.count(|level| format!("down_blocks.{level}.resnets.0.conv2.weight"));
    let level = |level: usize| {
        let level = format!("down_blocks.{level}");
        Some(Level {
            width: scope.size(&format!("{level}.resnets.0.conv2.weight"), 0)?,
            n_resnets: scope.count(|resnet| format!("{level}.resnets.{resnet}.conv2.weight")),
            depth: depth(format!("{level}.attentions.0")),
        })
    };
    let levels: Vec<Level> = (0..n_levels).map(level).collect::<Option<_>>()?;
    let first = levels.first()?.n_resnets;
    let mut label = ["add_embedding", "class_embedding"].into_iter();
    Some(UNetShape {
        in_channels: scope.size("conv_in.weight", 1)?,
        out_channels: scope.size("conv_out.weight", 0)?,
        mid_depth: depth("mid_block.attentions.0".to_owned()),
        time_width: scope.size(UNET_SIGN, 0)?,
        context_width: scope.size(
            &format!("{attention}.transformer_blocks.0.attn2.to_k.weight"),
            1,
        )?,
        is_linear: scope.shape(&format!("{attention}.proj_in.weight"))?.len() == 2,
        label_width: label.find_map(|label| scope.size(&format!("{label}.linear_1.weight"), 1)),
        is_in_diffusers_names: true,
        // As many everywhere, or it is none of these families'.
        levels: levels
            .iter()
            .all(|level| level.n_resnets == first)
            .then_some(levels)?,
    })
}

pub(super) fn unet_target(name: &str) -> Option<Target> {
    let is_own = UNET_PARTS.iter().any(|part| name.starts_with(part));
    is_own.then(|| Target::whole(name))
}

/// `None` for one in other names.
pub(super) fn autoencoder(scope: &Scope, scaling_factor: f64) -> Option<Part> {
    const MIDDLE: &str = "decoder.mid_block.attentions.0";
    let width = |level: usize| {
        scope.size(
            &format!("encoder.down_blocks.{level}.resnets.0.conv1.weight"),
            0,
        )
    };
    let widths: Vec<usize> = (0..).map_while(width).collect();
    if widths.is_empty() {
        return None;
    }
    let n_levels = widths.len();
    let config: Value = json!({
        "in_channels": scope.size("encoder.conv_in.weight", 1)?,
        "out_channels": scope.size("decoder.conv_out.weight", 0)?,
        "latent_channels": scope.size("decoder.conv_in.weight", 1)?,
        "block_out_channels": widths,
        "layers_per_block": scope.count(|layer| format!("encoder.down_blocks.0.resnets.{layer}.conv1.weight")),
        "down_block_types": vec!["DownEncoderBlock2D"; n_levels],
        "up_block_types": vec!["UpDecoderBlock2D"; n_levels],
        "mid_block_add_attention": scope.has(&format!("{MIDDLE}.to_q.weight")) || scope.has(&format!("{MIDDLE}.query.weight")),
        "use_quant_conv": scope.has("quant_conv.weight"),
        "use_post_quant_conv": scope.has("post_quant_conv.weight"),
        "scaling_factor": scaling_factor,
    });
    let target = |name: &str| {
        let is_own = VAE_PARTS.iter().any(|part| name.starts_with(part))
            && !name.starts_with("encoder.layers.");
        is_own.then(|| Target::whole(name)).into_iter().collect()
    };
    Some(Part {
        config,
        views: scope.views(target),
    })
}
