//! What LoRAs call the layers that they change.

use std::collections::BTreeMap;

use super::sgm_names;

/// What stands before a component's layers, by the component's name in diffusers.
const PREFIXES: [(&str, &[&str]); 3] = [
    (
        "unet",
        &[
            "lora_unet_",
            "lycoris_unet_",
            "lycoris_",
            "unet.",
            "diffusion_model.",
            "base_model.model.unet.",
        ],
    ),
    (
        "text_encoder",
        &[
            "lora_te_",
            "lora_te1_",
            "text_encoder.",
            "base_model.model.text_encoder.",
        ],
    ),
    (
        "text_encoder_2",
        &[
            "lora_te2_",
            "text_encoder_2.",
            "base_model.model.text_encoder_2.",
        ],
    ),
];

/// The component that a layer of a file is in, and its name there with `_` for each dot.
pub(super) fn flattened(name: &str) -> Option<(&'static str, String)> {
    let (component, rest) = PREFIXES
        .iter()
        .flat_map(|(component, prefixes)| prefixes.iter().map(move |prefix| (*component, *prefix)))
        .filter_map(|(component, prefix)| Some((component, name.strip_prefix(prefix)?)))
        .min_by_key(|(_, rest)| rest.len())?;
    // What diffusers at first put between an attention and its layers.
    let flat = rest.replace(".processor.", ".").replace('.', "_");
    let flat = flat.strip_prefix("text_model_").unwrap_or(&flat);
    Some((component, flat.to_owned()))
}

/// Every spelling of the layers' names, each to the layer's own.
pub(super) fn spellings<'a>(
    layers: &(impl Iterator<Item = &'a str> + Clone),
) -> BTreeMap<String, String> {
    let own = |name: &str| (name.replace('.', "_"), name.to_owned());
    // Before the list of which it is the first had a name.
    let short = |name: &str| {
        let outer = name.strip_suffix(".to_out.0")?;
        Some((
            format!("{}_to_out", outer.replace('.', "_")),
            name.to_owned(),
        ))
    };
    let sgm = sgm_names::of(layers);
    let sgm = sgm
        .into_iter()
        .map(|(sgm, name)| (sgm.replace('.', "_"), name));
    layers
        .clone()
        .map(own)
        .chain(layers.clone().filter_map(short))
        .chain(sgm)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_found_under_every_spelling() {
        let layers = [
            "conv_in",
            "down_blocks.0.resnets.0.conv1",
            "down_blocks.0.resnets.1.conv1",
            "down_blocks.0.downsamplers.0.conv",
            "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0",
            "up_blocks.0.attentions.0.proj_in",
            "up_blocks.0.upsamplers.0.conv",
            "mid_block.resnets.1.time_emb_proj",
            "encoder.layers.0.self_attn.q_proj",
        ];
        let spellings = spellings(&layers.into_iter());
        for (name, component, index) in [
            ("lora_unet_down_blocks_0_resnets_0_conv1", "unet", 1),
            ("lora_unet_input_blocks_2_0_in_layers_2", "unet", 2),
            ("lora_unet_input_blocks_3_0_op", "unet", 3),
            ("unet.down_blocks.0.downsamplers.0.conv", "unet", 3),
            (
                "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_out",
                "unet",
                4,
            ),
            (
                "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_out_0",
                "unet",
                4,
            ),
            ("lora_unet_output_blocks_0_1_proj_in", "unet", 5),
            ("lora_unet_output_blocks_2_2_conv", "unet", 6),
            ("lora_unet_middle_block_2_emb_layers_1", "unet", 7),
            (
                "lora_te_text_model_encoder_layers_0_self_attn_q_proj",
                "text_encoder",
                8,
            ),
            (
                "text_encoder_2.text_model.encoder.layers.0.self_attn.q_proj",
                "text_encoder_2",
                8,
            ),
            (
                "lora_te2_text_model_encoder_layers_0_self_attn_q_proj",
                "text_encoder_2",
                8,
            ),
        ] {
            let (own, flat) = flattened(name).expect(name);
            assert_eq!(own, component, "{name}");
            assert_eq!(
                spellings.get(&flat).map(String::as_str),
                Some(layers[index]),
                "{name}"
            );
        }
        assert_eq!(flattened("lora_transformer_blocks_0"), None);
    }
}
