//! What the first code of latent diffusion calls the layers of a U-Net, from what diffusers calls them.

const RESNET: [(&str, &str); 5] = [
    ("conv1", "in_layers.2"),
    ("time_emb_proj", "emb_layers.1"),
    ("conv2", "out_layers.3"),
    ("conv_shortcut", "skip_connection"),
    ("norm1", "in_layers.0"),
];

const OUTER: [(&str, &str); 7] = [
    ("conv_in", "input_blocks.0.0"),
    ("conv_out", "out.2"),
    ("time_embedding.linear_1", "time_embed.0"),
    ("time_embedding.linear_2", "time_embed.2"),
    ("add_embedding.linear_1", "label_emb.0.0"),
    ("add_embedding.linear_2", "label_emb.0.2"),
    ("mid_block.attentions.0", "middle_block.1"),
];

/// Each of diffusers' names with the other one before it, for those that are of a U-Net.
pub(super) fn of<'a>(layers: &(impl Iterator<Item = &'a str> + Clone)) -> Vec<(String, String)> {
    let first = "down_blocks.0.resnets.";
    let indices = layers.clone().filter_map(|name| {
        let (index, _) = name.strip_prefix(first)?.split_once('.')?;
        index.parse::<usize>().ok()
    });
    let Some(last) = indices.max() else {
        return Vec::new();
    };
    let n_resnets = last + 1;
    let attends = |level: &str| {
        let transformers = format!("up_blocks.{level}.attentions.");
        layers.clone().any(|name| name.starts_with(&transformers))
    };
    let names = layers.clone();
    names
        .filter_map(|name| Some((old_name(name, n_resnets, &attends)?, name.to_owned())))
        .collect()
}

fn old_name(name: &str, n_resnets: usize, attends: &dyn Fn(&str) -> bool) -> Option<String> {
    for (new, old) in OUTER {
        if let Some(rest) = name.strip_prefix(new)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            return Some(format!("{old}{rest}"));
        }
    }
    if let Some(rest) = name.strip_prefix("mid_block.resnets.") {
        let (index, rest) = rest.split_once('.')?;
        let index = 2 * index.parse::<usize>().ok()?;
        return Some(format!("middle_block.{index}.{}", resnet(rest)?));
    }
    let (side, rest) = name.split_once('.')?;
    let (level, rest) = rest.split_once('.')?;
    let (module, rest) = rest.split_once('.')?;
    let (layer, rest) = rest.split_once('.')?;
    let (level_index, layer): (usize, usize) = (level.parse().ok()?, layer.parse().ok()?);
    let first = level_index * (n_resnets + 1);
    let (side, first) = match side {
        // The first block leads in.
        "down_blocks" => ("input_blocks", first + 1),
        "up_blocks" => ("output_blocks", first),
        _ => return None,
    };
    Some(match module {
        "resnets" => format!("{side}.{}.0.{}", first + layer, resnet(rest)?),
        "attentions" => format!("{side}.{}.1.{rest}", first + layer),
        "downsamplers" => format!("{side}.{}.0.op", first + n_resnets),
        "upsamplers" => {
            let place = if attends(level) { 2 } else { 1 };
            format!("{side}.{}.{place}.{rest}", first + n_resnets)
        }
        _ => return None,
    })
}

fn resnet(name: &str) -> Option<&'static str> {
    RESNET
        .iter()
        .find(|(new, _)| *new == name)
        .map(|(_, old)| *old)
}
