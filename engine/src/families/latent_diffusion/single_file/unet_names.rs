//! The U-Net's names: blocks in one row in the file, by levels in diffusers.

use super::Scope;

/// The parts of a residual block.
const RESNET: [(&str, &str); 6] = [
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
    ("skip_connection", "conv_shortcut"),
];

const OUTER: [(&str, &str); 6] = [
    ("input_blocks.0.0", "conv_in"),
    ("time_embed.0", "time_embedding.linear_1"),
    ("time_embed.2", "time_embedding.linear_2"),
    ("out.0", "conv_norm_out"),
    ("out.2", "conv_out"),
    ("middle_block.1", "mid_block.attentions.0"),
];

/// What diffusers calls a tensor of a U-Net with so many residual blocks a level; `label` is what it calls the file's
/// `label_emb`. `None` for one that no such network has.
pub(super) fn new_name(scope: &Scope, name: &str, n_resnets: usize, label: &str) -> Option<String> {
    let under = |place: &str| {
        let rest = name.strip_prefix(place)?;
        rest.starts_with('.').then_some(rest)
    };
    if let Some((new, rest)) = OUTER.iter().find_map(|(old, new)| Some((new, under(old)?))) {
        return Some(format!("{new}{rest}"));
    }
    for (old, new) in [("label_emb.0.0", "linear_1"), ("label_emb.0.2", "linear_2")] {
        if let Some(rest) = under(old) {
            return Some(format!("{label}.{new}{rest}"));
        }
    }
    for (old, new) in [("middle_block.0", 0), ("middle_block.2", 1)] {
        if let Some(rest) = under(old) {
            return resnet(&format!("mid_block.resnets.{new}"), &rest[1..]);
        }
    }
    let (side, rest) = name.split_once('.')?;
    let (block, rest) = rest.split_once('.')?;
    let (module, rest) = rest.split_once('.')?;
    let (block, module): (usize, usize) = (block.parse().ok()?, module.parse().ok()?);
    match side {
        // The first is the convolution that leads in; what halves the size counts as one more.
        "input_blocks" => {
            let block = block.checked_sub(1)?;
            let (level, layer) = (block / (n_resnets + 1), block % (n_resnets + 1));
            let level = format!("down_blocks.{level}");
            if let Some(rest) = rest.strip_prefix("op.") {
                return Some(format!("{level}.downsamplers.0.conv.{rest}"));
            }
            layer_name(&level, layer, module, rest)
        }
        "output_blocks" => {
            let (level, layer) = (block / (n_resnets + 1), block % (n_resnets + 1));
            let level = format!("up_blocks.{level}");
            // What doubles the size comes last, behind a transformer or straight behind the residual block.
            let is_upsampler = scope.has(&format!("output_blocks.{block}.{module}.conv.weight"));
            match rest.strip_prefix("conv.") {
                Some(rest) if is_upsampler => Some(format!("{level}.upsamplers.0.conv.{rest}")),
                _ => layer_name(&level, layer, module, rest),
            }
        }
        _ => None,
    }
}

fn layer_name(level: &str, layer: usize, module: usize, rest: &str) -> Option<String> {
    match module {
        0 => resnet(&format!("{level}.resnets.{layer}"), rest),
        1 => Some(format!("{level}.attentions.{layer}.{rest}")),
        _ => None,
    }
}

fn resnet(place: &str, name: &str) -> Option<String> {
    RESNET.iter().find_map(|(old, new)| {
        let rest = name.strip_prefix(old)?;
        rest.starts_with('.')
            .then(|| format!("{place}.{new}{rest}"))
    })
}
