use crate::weights::{TensorFiles, lora::LoraFile};

/// What a LoRA was made for, by the width of the words that its U-Net reads, or by names that no U-Net has.
pub(in crate::families) fn describe_lora(file: &LoraFile) -> Option<&'static str> {
    let files = file.tensors();
    let has = |part: &str| files.names().any(|name| name.contains(part));
    if has("double_blocks") || has("single_transformer_blocks") {
        return Some("FLUX");
    }
    if has("joint_blocks") {
        return Some("Stable Diffusion 3");
    }
    Some(match context_width(files)? {
        768 => "Stable Diffusion 1",
        1_024 => "Stable Diffusion 2",
        2_048 => "Stable Diffusion XL",
        1_280 => "Stable Diffusion XL's refiner",
        _ => return None,
    })
}

/// Inputs of a layer that makes keys of context tokens.
fn context_width(files: &TensorFiles) -> Option<usize> {
    const DOWN: [&str; 4] = ["lora_down", "lora_A", "lora.down", "hada_w1_b"];
    let name = files.names().find(|name| {
        let is_key = name.contains("attn2_to_k")
            || name.contains("attn2.to_k")
            || name.contains("attn2.processor.to_k");
        is_key && DOWN.iter().any(|down| name.contains(down))
    })?;
    files.shape(name)?.get(1).copied()
}
