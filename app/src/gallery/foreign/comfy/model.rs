//! The model that denoised, and the `LoRA`s on its way: from a sampler's input back to the node that loads it.

use std::collections::HashSet;

use serde_json::Value;

use super::graph::{Graph, Node, named};
use crate::gallery::foreign::fields::{is_none, is_weights_file, model_name, small_number};
use crate::gallery::foreign::{ForeignRecipe, Lora};

/// Fields of nodes that load a model.
const FILES: [&str; 13] = [
    "ckpt_name",
    "unet_name",
    "base_ckpt_name",
    "gguf_name",
    "model_path",
    "ckpt_path",
    "checkpoint",
    "diffusion_model",
    "unet",
    "model_name",
    "model",
    "base_model",
    "high_noise_model",
];
/// Words in the names of other files.
const OTHER_FILES: [&str; 8] = [
    "lora", "vae", "clip", "control", "upscale", "embed", "encoder", "refiner",
];
/// Inputs through which a model comes.
const MODELS: [&str; 7] = [
    "model",
    "model1",
    "model_a",
    "MODEL",
    "unet",
    "base_model",
    "*",
];
/// Inputs through which lists of `LoRA`s come.
const STACKS: [&str; 6] = [
    "lora_stack",
    "optional_lora_stack",
    "lora",
    "prev_lora",
    "loras",
    "optional_lora",
];
/// Numbered `LoRA`s of one node.
const LIMIT_NUMBERED: usize = 50;

/// Fills in the model and its `LoRA`s, in the order in which they were applied.
pub fn read(graph: &Graph<'_>, sampler: &Node<'_>, recipe: &mut ForeignRecipe) {
    let guider = sampler.link("guider").map(|link| graph.node(link));
    let start = graph.source(sampler, &MODELS);
    let start = start.or_else(|| graph.source(guider?, &MODELS));
    let mut seen = HashSet::new();
    let mut loras = Vec::new();
    let mut next = start;
    while let Some(link) = next
        && seen.insert(link.node)
        && graph.visit()
    {
        let node = graph.node(link);
        loras.extend(of_node(graph, node));
        let file = FILES.iter().find_map(|name| file(graph, node, name));
        if let Some(file) = file.or_else(|| other_file(node)) {
            recipe.model = model_name(file);
            break;
        }
        let source = graph.source(node, &MODELS);
        let named = || {
            node.links()
                .find(|(name, _)| name.contains("model"))
                .map(|(_, link)| link)
        };
        next = source.or_else(named).or_else(|| graph.passed_on(link));
    }
    // A pipe holds the name itself.
    if recipe.model.is_none() && start.is_none() {
        let file = graph.value(sampler, &FILES[..4]).and_then(named);
        recipe.model = file.and_then(model_name);
    }
    for Lora { name, weight } in loras.into_iter().rev() {
        recipe.add_lora(&name, weight);
    }
}

fn file<'a>(graph: &Graph<'a>, node: &Node<'a>, name: &str) -> Option<&'a str> {
    if let Some(value) = node.literal(name) {
        return named(value);
    }
    // A name may come from another node, a model may not.
    let is_name = name.ends_with("_name") || name.ends_with("_path");
    node.link(name).filter(|_| is_name)?;
    graph.value(node, &[name]).and_then(named)
}

/// A loader whose fields have names of their own.
fn other_file<'a>(node: &Node<'a>) -> Option<&'a str> {
    let mut values = node.literals().filter(|(name, _)| {
        let name = name.to_lowercase();
        !OTHER_FILES.iter().any(|word| name.contains(word))
    });
    values.find_map(|(_, value)| named(value).filter(|name| is_weights_file(name)))
}

/// The `LoRA`s of a node and of the lists that come into it, the last first.
fn of_node(graph: &Graph<'_>, node: &Node<'_>) -> Vec<Lora> {
    let mut loras = own(graph, node);
    loras.reverse();
    let mut seen = HashSet::new();
    let stack = |node: &Node<'_>| STACKS.iter().find_map(|name| node.link(name));
    let mut next = stack(node);
    while let Some(link) = next
        && seen.insert(link.node)
        && graph.visit()
    {
        let node = graph.node(link);
        loras.extend(own(graph, node).into_iter().rev());
        next = stack(node);
    }
    loras
}

fn own(graph: &Graph<'_>, node: &Node<'_>) -> Vec<Lora> {
    let mut loras = Vec::new();
    let mut add = |name: Option<&str>, weight: Option<&Value>| {
        let weight = weight.and_then(small_number).unwrap_or(1.0);
        let name = name.filter(|name| !is_none(name)).and_then(model_name);
        loras.extend(name.map(|name| Lora { name, weight }));
    };
    let weight = |names: &[&str]| graph.value(node, names);
    let name = file(graph, node, "lora_name").or_else(|| node.text("lora"));
    add(
        name,
        weight(&[
            "strength_model",
            "strength",
            "lora_strength",
            "lora_model_strength",
        ]),
    );
    let count = node.literal("lora_count").and_then(Value::as_u64);
    let n_numbered = count.map_or(LIMIT_NUMBERED, |n| (n as usize).min(LIMIT_NUMBERED));
    for n in 1..=n_numbered {
        let numbered = |name: &str| node.literal(&format!("{name}_{n}"));
        let is_off = numbered("switch").and_then(Value::as_str) == Some("Off");
        let name = numbered("lora_name").or_else(|| node.literal(&format!("lora_0{n}")));
        let weights = [
            "model_weight",
            "model_str",
            "lora_wt",
            "strength",
            "strength_0",
        ];
        let mut weights = weights.iter().filter_map(|name| numbered(name));
        let old = node.literal(&format!("strength_0{n}"));
        let weight = weights.next().or(old);
        add(name.and_then(Value::as_str).filter(|_| !is_off), weight);
    }
    // Lists whose items are objects.
    for (_, value) in node.literals() {
        let is_on = value.get("on").and_then(Value::as_bool) != Some(false);
        let name = value.get("lora").and_then(Value::as_str).filter(|_| is_on);
        add(name, value.get("strength"));
    }
    loras
}
