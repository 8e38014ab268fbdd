//! Which node drew the picture that was saved.
//!
//! The way leads back from the node that saves. What repairs a finished picture (detailers, upscalers by tiles) and what
//! only goes on with a latent (refiners, second passes) is passed by: the recipe is that of the node where the picture
//! began.

use std::collections::HashSet;

use serde_json::Value;

use super::graph::{Graph, Input, Node};
use crate::gallery::foreign::fields::number;

/// Inputs through which a picture or a latent comes, the likeliest first.
const PICTURES: [&str; 14] = [
    "images",
    "image",
    "samples",
    "latent_image",
    "latent",
    "latents",
    "pixels",
    "upscaled_image",
    "frames",
    "video",
    "destination",
    "background",
    "image1",
    "image_1",
];
/// Inputs through which none comes.
const NO_PICTURES: [&str; 12] = [
    "model",
    "clip",
    "vae",
    "positive",
    "negative",
    "conditioning",
    "control",
    "mask",
    "guider",
    "sigmas",
    "noise",
    "embeds",
];

/// Under which names steps and guidance stand, beside `cfg`.
pub const STEPS: [&str; 3] = ["steps", "steps_total", "num_inference_steps"];
pub const GUIDANCE: [&str; 3] = ["guidance", "guidance_scale", "true_gs"];

/// The nodes that sampled, from where the picture began to where it was finished. Empty if none did.
pub fn samplers(graph: &Graph<'_>) -> Vec<usize> {
    let mut is_used = vec![false; graph.nodes.len()];
    for link in graph.nodes.iter().flat_map(Node::links) {
        is_used[link.1.node] = true;
    }
    // Nodes that save, other ends, previews; the last by number first.
    let rank = |place: usize| {
        let node = &graph.nodes[place];
        match () {
            () if node.is_of(&["save", "export", "writer"]) => Some(0),
            () if is_used[place] => None,
            () if node.is_of(&["preview", "compare", "show"]) => Some(2),
            () => Some(1),
        }
    };
    let places = 0..graph.nodes.len();
    let mut ends: Vec<_> = places
        .filter_map(|place| Some((rank(place)?, place)))
        .collect();
    ends.sort_by_key(|(rank, place)| (*rank, std::cmp::Reverse(graph.nodes[*place].id)));
    let mut last = ends
        .into_iter()
        .find_map(|(_, place)| sampler_from(graph, place));
    let mut samplers = Vec::new();
    while let Some(place) = last
        && !samplers.contains(&place)
    {
        samplers.insert(0, place);
        last = goes_on(graph, place);
    }
    samplers
}

/// The node that a sampler goes on from.
fn goes_on(graph: &Graph<'_>, place: usize) -> Option<usize> {
    let sampler = &graph.nodes[place];
    // Stable Cascade: the second stage is given the first one's latent as a condition.
    let condition = graph
        .source(sampler, &["positive"])
        .map(|link| graph.node(link));
    if let Some(stage) = condition.and_then(|node| node.link("stage_c")) {
        return sampler_from(graph, stage.node);
    }
    is_partial(graph, sampler).then(|| sampler_before(graph, place))?
}

/// Whether a node has what sampling takes.
pub fn is_sampler(node: &Node<'_>) -> bool {
    let has = |names: &[&str]| node.has(names);
    let is_seeded = has(&["seed", "noise_seed"]) && has(&STEPS);
    let is_conditioned = has(&["positive", "conditioning", "text_embeds"]);
    // Some take the prompt itself, or all in a pipe.
    let may_be = has(&["model", "prompt"]) || Graph::is_piped(node);
    let is_set = has(&["cfg", "sampler_name", "scheduler"]) || has(&GUIDANCE);
    let is_classic = is_seeded && (is_conditioned || may_be && is_set);
    is_classic || has(&["sigmas"]) && has(&["guider", "positive"])
}

/// Whether it changes what is there instead of beginning anew.
fn is_partial(graph: &Graph<'_>, node: &Node<'_>) -> bool {
    let repairs = ["image", "images", "pixels", "upscaled_image"];
    if repairs.iter().any(|name| node.link(name).is_some()) {
        return true;
    }
    let value = |names: &[&str]| graph.value(node, names);
    let adds_noise = match value(&["add_noise"]) {
        Some(Value::String(text)) => text != "disable",
        Some(Value::Bool(adds_noise)) => *adds_noise,
        _ => true,
    };
    let starts_late = value(&["start_at_step"])
        .and_then(number)
        .is_some_and(|step| step > 0.0);
    let noise = node.link("noise").map(|link| graph.node(link));
    let has_no_noise = noise.is_some_and(|node| node.is_of(&["disablenoise"]));
    let is_weak = denoise(graph, node).is_some_and(|denoise| denoise < 1.0);
    !adds_noise || starts_late || has_no_noise || is_weak || is_second_half(graph, node)
}

/// How much a node makes anew, from 0 to 1.
pub fn denoise(graph: &Graph<'_>, sampler: &Node<'_>) -> Option<f64> {
    let own = graph.value(sampler, &["denoise"]);
    own.or_else(|| of_sigmas(graph, sampler, &["denoise"]))
        .and_then(number)
}

/// A value of the node that lays out the noise levels.
pub fn of_sigmas<'a>(graph: &Graph<'a>, sampler: &Node<'a>, names: &[&str]) -> Option<&'a Value> {
    let mut node = graph.node(sampler.link("sigmas")?);
    while graph.visit() {
        if let Some(value) = graph.value(node, names) {
            return Some(value);
        }
        node = graph.node(
            node.link("sigmas")
                .or_else(|| node.links().next().map(|l| l.1))?,
        );
    }
    None
}

fn is_second_half(graph: &Graph<'_>, sampler: &Node<'_>) -> bool {
    let Some(link) = sampler.link("sigmas") else {
        return false;
    };
    link.slot == 1 && graph.node(link).is_of(&["split"])
}

fn sampler_from(graph: &Graph<'_>, place: usize) -> Option<usize> {
    if is_sampler(&graph.nodes[place]) {
        Some(place)
    } else {
        sampler_before(graph, place)
    }
}

/// The nearest node that sampled, on the way of the picture back from a node.
fn sampler_before(graph: &Graph<'_>, from: usize) -> Option<usize> {
    let mut seen = HashSet::from([from]);
    let mut places = vec![from];
    while let Some(place) = places.pop() {
        if !graph.visit() {
            return None;
        }
        if place != from && is_sampler(&graph.nodes[place]) {
            return Some(place);
        }
        // The likeliest last, to be taken first.
        for next in pictures(&graph.nodes[place]).into_iter().rev() {
            if seen.insert(next) {
                places.push(next);
            }
        }
    }
    None
}

/// The nodes from which a picture or latent comes into one.
fn pictures(node: &Node<'_>) -> Vec<usize> {
    let mut links: Vec<(usize, usize)> = Vec::new();
    for (name, input) in &node.inputs {
        let Input::Link(link) = input else {
            continue;
        };
        let rank = PICTURES.iter().position(|picture| picture == name);
        let is_none = NO_PICTURES.iter().any(|other| name.contains(other));
        match rank {
            Some(rank) => links.push((rank, link.node)),
            None if !is_none => links.push((PICTURES.len(), link.node)),
            None => {}
        }
    }
    links.sort_unstable();
    links.into_iter().map(|(_, node)| node).collect()
}
