//! Parts of models in files of their own, and what else lies in files of that ending: named, so that nobody has to guess.

use super::{UNetShape, autoencoder, clip, diffusers_names, open_clip};
use crate::{components::ip_adapter::IpAdapterConfig, weights::TensorFiles};

/// How parts become a model.
pub(super) const PAIRING: &str = "a folder with the files of a whole model and a `limn.json` that names them, as {\"parts\": [\"unet.safetensors\", \"vae.safetensors\", \"clip.safetensors\"]}, opens as one";

/// What a file is that holds no model and no upscaler, where that can be told.
pub(in crate::families) fn describe_lone_part(files: &TensorFiles) -> Option<String> {
    let has = |name: &str| files.kind(name).is_some();
    let any = |is_it: &dyn Fn(&str) -> bool| files.names().any(is_it);
    let columns = |name: &str, axis: usize| files.shape(name)?.get(axis).copied();
    if any(&|name| name.starts_with("lora_") || name.contains(".lora_") || name.contains("lora_A."))
    {
        return Some("it is a LoRA, which changes a model and is none: put it into the folder `loras` beside the models and name it with `--lora`".to_owned());
    }
    if IpAdapterConfig::is_in(files) {
        return Some("it is an IP-Adapter, through which a model looks at pictures, and is none: put it into the folder `ip_adapters` beside the models, with the image encoder that it needs".to_owned());
    }
    if any(&|name| name.contains("controlnet_cond_embedding") || name.contains("input_hint_block"))
    {
        return Some("it is a ControlNet, which Limn does not read yet".to_owned());
    }
    if has("emb_params")
        || has("clip_l")
        || has("clip_g")
        || any(&|name| name.starts_with("string_to_param"))
    {
        return Some("it is a textual inversion (an embedding), which is no model".to_owned());
    }
    let pixel_channels = autoencoder::PREFIXES
        .iter()
        .find_map(|prefix| columns(&format!("{prefix}{}", autoencoder::SIGN), 1));
    let has_unet = UNetShape::PREFIXES
        .iter()
        .any(|prefix| has(&format!("{prefix}{}", UNetShape::SIGN)))
        || has(diffusers_names::UNET_SIGN);
    if let (Some(channels), false) = (pixel_channels, has_unet) {
        let of = match channels {
            4 => {
                "of Stable Diffusion or Stable Diffusion XL (their shapes are the same)".to_owned()
            }
            16 => "of 16 channels, as FLUX.1 and Stable Diffusion 3 have".to_owned(),
            channels => format!("of {channels} channels"),
        };
        return Some(format!("it is an autoencoder alone, {of}: {PAIRING}"));
    }
    let text_width = [
        columns(&format!("text_model.{}", clip::SIGN), 1),
        columns("token_embedding.weight", 1).filter(|_| has(open_clip::SIGN)),
    ];
    if let Some(width) = text_width.into_iter().flatten().next()
        && !has_unet
    {
        let kind = match width {
            768 => "CLIP-L",
            1_024 => "CLIP-H",
            1_280 => "CLIP-bigG",
            _ => "CLIP",
        };
        return Some(format!("it is a text encoder alone ({kind}): {PAIRING}"));
    }
    if ["vision_model.", "visual.", "embedder.model.visual."]
        .iter()
        .any(|prefix| any(&|name| name.starts_with(prefix)))
    {
        return Some("it is an image encoder alone (CLIP), as IP-Adapters look at pictures with: put it into the folder `ip_adapters` beside the models".to_owned());
    }
    if has("down_blocks.0.resnets.0.norm1.weight") {
        return Some("it is a U-Net alone in diffusers' names, of none of the families that Limn reads: put it with its `config.json` into the folder `unet` of its model".to_owned());
    }
    let sign = [
        ("double_stream_modulation_img.lin.weight", "FLUX.2"),
        ("double_stream_modulation_img.linear.weight", "FLUX.2"),
        ("double_blocks.0.img_attn.norm.key_norm.scale", "FLUX.1"),
        ("cap_embedder.1.weight", "Z-Image or Lumina"),
        (
            "joint_blocks.0.context_block.attn.qkv.weight",
            "Stable Diffusion 3",
        ),
        ("txt_norm.weight", "Qwen-Image"),
    ];
    let denoiser = sign
        .into_iter()
        .find(|(name, _)| has(name) || has(&format!("model.diffusion_model.{name}")));
    denoiser
        .map(|(_, model)| format!("it is a transformer of {model}, which Limn does not read yet"))
}
