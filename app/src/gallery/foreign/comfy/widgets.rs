//! The values of a node on the canvas, which stand in its order: newer files name them among its inputs, for the rest the
//! commonest nodes are known.

use std::borrow::Cow;

use serde_json::Value;

use super::graph::LIMIT_INPUTS;

/// What stands after a seed's value: what happens to it before the next run.
const AFTER_SEED: [&str; 5] = [
    "fixed",
    "increment",
    "decrement",
    "randomize",
    "increment-wrap",
];

/// The names of values, for nodes of files that do not name them.
const NAMES: [(&str, &[&str]); 23] = [
    (
        "KSampler",
        &[
            "seed",
            "steps",
            "cfg",
            "sampler_name",
            "scheduler",
            "denoise",
        ],
    ),
    (
        "KSamplerAdvanced",
        &[
            "add_noise",
            "noise_seed",
            "steps",
            "cfg",
            "sampler_name",
            "scheduler",
            "start_at_step",
            "end_at_step",
        ],
    ),
    ("SamplerCustom", &["add_noise", "noise_seed", "cfg"]),
    ("RandomNoise", &["noise_seed"]),
    ("KSamplerSelect", &["sampler_name"]),
    ("BasicScheduler", &["scheduler", "steps", "denoise"]),
    (
        "KarrasScheduler",
        &["steps", "sigma_max", "sigma_min", "rho"],
    ),
    ("CFGGuider", &["cfg"]),
    ("CheckpointLoaderSimple", &["ckpt_name"]),
    ("CheckpointLoader", &["config_name", "ckpt_name"]),
    ("UNETLoader", &["unet_name", "weight_dtype"]),
    ("UnetLoaderGGUF", &["unet_name"]),
    (
        "LoraLoader",
        &["lora_name", "strength_model", "strength_clip"],
    ),
    ("LoraLoaderModelOnly", &["lora_name", "strength_model"]),
    ("CLIPTextEncode", &["text"]),
    (
        "CLIPTextEncodeSDXL",
        &[
            "width",
            "height",
            "crop_w",
            "crop_h",
            "target_width",
            "target_height",
            "text_g",
            "text_l",
        ],
    ),
    (
        "CLIPTextEncodeSDXLRefiner",
        &["ascore", "width", "height", "text"],
    ),
    ("CLIPTextEncodeFlux", &["clip_l", "t5xxl", "guidance"]),
    ("FluxGuidance", &["guidance"]),
    (
        "LatentUpscale",
        &["upscale_method", "width", "height", "crop"],
    ),
    ("ImageScale", &["upscale_method", "width", "height", "crop"]),
    ("StringConcatenate", &["string_a", "string_b", "delimiter"]),
    ("PrimitiveNode", &["value"]),
];

pub fn kind(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

pub fn inputs(node: &Value) -> &[Value] {
    let inputs = node.get("inputs").and_then(Value::as_array);
    let inputs = inputs.map(Vec::as_slice).unwrap_or_default();
    &inputs[..inputs.len().min(LIMIT_INPUTS)]
}

pub fn name(input: &Value) -> &str {
    input
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A node's values with the names that the file or [`NAMES`] gives them.
pub fn named_values(node: &Value) -> Vec<(Cow<'_, str>, &Value)> {
    let values = match node.get("widgets_values") {
        Some(Value::Array(values)) => values,
        Some(Value::Object(values)) => {
            return values
                .iter()
                .map(|(name, value)| (name.into(), value))
                .collect();
        }
        _ => return Vec::new(),
    };
    let widgets = inputs(node).iter().filter_map(|input| input.get("widget"));
    let mut names: Vec<&str> = widgets.map(name).collect();
    let class = kind(node);
    let known = NAMES.iter().find(|(known, _)| *known == class);
    if let Some((_, known)) = known {
        names = known.to_vec();
    }
    let mut values = values.iter().take(LIMIT_INPUTS).peekable();
    let mut named: Vec<(Cow<'_, str>, &Value)> = Vec::new();
    for name in names {
        let Some(value) = values.next() else {
            break;
        };
        named.push((name.into(), value));
        let is_after_seed =
            |value: &&Value| value.as_str().is_some_and(|v| AFTER_SEED.contains(&v));
        if name.contains("seed") || class == "PrimitiveNode" {
            values.next_if(is_after_seed);
        }
    }
    // What has no name: an encoder's first text is its prompt, a size stands in its order.
    let rest: Vec<&Value> = values.collect();
    let is_unnamed = named.is_empty();
    for (i, value) in rest.into_iter().enumerate() {
        let name = match (i, value) {
            (0, Value::String(_)) if is_unnamed && class.contains("TextEncode") => "text".into(),
            (0, _) if is_unnamed && class.starts_with("Primitive") => "value".into(),
            (0, Value::Number(_)) if is_unnamed && class.contains("Latent") => "width".into(),
            (1, Value::Number(_)) if is_unnamed && class.contains("Latent") => "height".into(),
            _ => format!("value {i}").into(),
        };
        named.push((name, value));
    }
    named
}
