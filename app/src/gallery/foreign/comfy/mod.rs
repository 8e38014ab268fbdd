//! `ComfyUI`'s graphs: `prompt` is the graph as it ran, `workflow` as it lay on the canvas.
//!
//! A graph is a program, not a recipe. What can be said in a recipe's words is found by walking backwards from the
//! node that saved the picture: to the node that sampled it, and from there to its texts, its model, its size. Nodes are
//! told by the names of their inputs rather than by their class, since every extension brings its own classes.

mod canvas;
mod graph;
mod model;
mod sampling;
mod widgets;
mod words;

use serde_json::Value;

use super::fields::{count, number, size, size_in, small_number, some_field, whole_number};
use super::{ForeignRecipe, Program, named};
use graph::{Graph, Link, Node};
use sampling::{GUIDANCE, STEPS};
use words::Side;

/// Reads a graph of either kind. `None` if it is none, or nothing in it samples.
pub fn read(json: &Value) -> Option<ForeignRecipe> {
    let nodes = json.as_object()?;
    if nodes.get("nodes").is_some_and(Value::is_array) {
        return read_graph(&canvas::graph(json)?);
    }
    let graph = Graph::of_prompt(nodes)?;
    let recipe = read_graph(&graph);
    // Civitai says the same once more in its own words.
    let extra = nodes.get("extraMetadata").and_then(Value::as_str);
    let extra = extra.and_then(|text| serde_json::from_str(text).ok());
    recipe.or_else(|| {
        let recipe = named::read_json(&extra?)?;
        Some(ForeignRecipe {
            program: Program::ComfyUi,
            ..recipe
        })
    })
}

fn read_graph(graph: &Graph<'_>) -> Option<ForeignRecipe> {
    let samplers = sampling::samplers(graph);
    let [first, later @ ..] = samplers.as_slice() else {
        return None;
    };
    let sampler = &graph.nodes[*first];
    let mut recipe = ForeignRecipe {
        program: Program::ComfyUi,
        size: picture_size(graph, sampler),
        ..ForeignRecipe::default()
    };
    read_words(graph, sampler, &mut recipe);
    read_sampling(graph, sampler, &mut recipe);
    model::read(graph, sampler, &mut recipe);
    for place in later {
        note_later(graph, &graph.nodes[*place], &mut recipe);
    }
    Some(recipe)
}

fn read_words(graph: &Graph<'_>, sampler: &Node<'_>, recipe: &mut ForeignRecipe) {
    let guider = sampler.link("guider").map(|link| graph.node(link));
    let condition = |names: &[&str]| -> Option<Link> {
        let own = graph.source(sampler, names);
        own.or_else(|| graph.source(guider?, names))
    };
    let side = |names: &[&str], side: Side| match condition(names) {
        Some(link) => words::words(graph, link, side),
        // The node or its pipe may hold the text itself.
        None => {
            let text = graph.value(sampler, names).and_then(Value::as_str);
            text.and_then(some_field)
        }
    };
    let positive = [
        "positive",
        "conditioning",
        "cond1",
        "text_embeds",
        "positive_prompt",
        "prompt",
    ];
    let negative = [
        "negative",
        "neg_conditioning",
        "text_embeds",
        "negative_prompt",
    ];
    recipe.prompt = side(&positive, Side::Positive).unwrap_or_default();
    recipe.negative_prompt = side(&negative, Side::Negative);
}

fn read_sampling<'a>(graph: &Graph<'a>, sampler: &Node<'a>, recipe: &mut ForeignRecipe) {
    let node = |name: &str| sampler.link(name).map(|link| graph.node(link));
    let own = |names: &[&str]| graph.value(sampler, names);
    let of = |name: &str, names: &[&str]| graph.value(node(name)?, names);
    let sigmas = |names: &[&str]| sampling::of_sigmas(graph, sampler, names);
    let text = |value: &Value| value.as_str().and_then(some_field);
    let seeds = ["seed", "noise_seed"];

    recipe.seed = own(&seeds)
        .or_else(|| of("noise", &seeds))
        .and_then(whole_number);
    recipe.n_steps = own(&STEPS).or_else(|| sigmas(&STEPS)).and_then(count);
    let name = own(&["sampler_name"]).or_else(|| of("sampler", &["sampler_name"]));
    let by_class = || class_name(node("sampler")?, "sampler");
    recipe.sampler = name.and_then(text).or_else(by_class);
    let name = own(&["scheduler"]).or_else(|| sigmas(&["scheduler"]));
    let by_class = || class_name(node("sigmas")?, "scheduler");
    recipe.scheduler = name.and_then(text).or_else(by_class);
    let scale = own(&["cfg"]).or_else(|| of("guider", &["cfg", "cfg_conds"]));
    recipe.guidance_scale = scale
        .or_else(|| own(&GUIDANCE))
        .or_else(|| distilled_guidance(graph, sampler))
        .and_then(small_number);
    recipe.strength = sampling::denoise(graph, sampler)
        .map(|denoise| denoise as f32)
        .filter(|strength| *strength < 1.0);
}

/// The guidance that a distilled model takes as a part of its condition.
fn distilled_guidance<'a>(graph: &Graph<'a>, sampler: &Node<'a>) -> Option<&'a Value> {
    let guider = sampler.link("guider").map(|link| graph.node(link));
    let names = ["positive", "conditioning"];
    let mut link = graph
        .source(sampler, &names)
        .or_else(|| graph.source(guider?, &names))?;
    while graph.visit() {
        let node = graph.node(link);
        if let Some(value) = graph.value(node, &["guidance"]) {
            return Some(value);
        }
        let conditions = [
            "conditioning",
            "positive",
            "conditioning_1",
            "conditioning_to",
        ];
        link = conditions.iter().find_map(|name| node.link(name))?;
    }
    None
}

/// What a node is called that is the sampler or the schedule itself: `SamplerEulerAncestral`, `KarrasScheduler`.
fn class_name(node: &Node<'_>, what: &str) -> Option<String> {
    let mut words = String::new();
    for c in node.class.chars() {
        let is_start = c.is_uppercase() && words.ends_with(|c: char| c.is_lowercase());
        words.extend(is_start.then_some('_'));
        words.extend(c.to_lowercase());
    }
    let name = match what {
        "sampler" => words.strip_prefix("sampler")?,
        _ => words.strip_suffix("scheduler")?,
    };
    some_field(name.trim_matches('_'))
}

/// The size of the latent or picture that sampling began with, where a node says it.
fn picture_size(graph: &Graph<'_>, sampler: &Node<'_>) -> Option<(u32, u32)> {
    let latents = [
        "latent_image",
        "latent",
        "latents",
        "samples",
        "image_embeds",
        "optional_latent",
    ];
    let sides = |node: &Node<'_>| {
        let side = |names: &[&str]| graph.value(node, names).unwrap_or(&Value::Null);
        let width = side(&["width", "empty_latent_width"]);
        size(width, side(&["height", "empty_latent_height"]))
    };
    let Some(mut link) = graph.source(sampler, &latents) else {
        // A pipe may hold it.
        return sides(sampler);
    };
    while graph.visit() {
        let node = graph.node(link);
        let in_text = || {
            let names = ["resolution", "dimensions", "aspect_ratio", "size", "ratio"];
            let mut texts = names.iter().filter_map(|name| node.text(name));
            texts.find_map(size_in)
        };
        if let Some(size) = sides(node).or_else(in_text) {
            return Some(size);
        }
        // What is made larger by a factor has no size that is known.
        if sampling::is_sampler(node) || node.is_of(&["upscale", "scaleby"]) {
            return None;
        }
        let pictures = [
            "samples",
            "latent",
            "latent_image",
            "pixels",
            "image",
            "images",
        ];
        let next = pictures.iter().find_map(|name| node.link(name));
        link = next.or_else(|| graph.passed_on(link))?;
    }
    None
}

/// A pass over the finished picture, or the second half of sampling.
fn note_later(graph: &Graph<'_>, node: &Node<'_>, recipe: &mut ForeignRecipe) {
    let value = |names: &[&str]| graph.value(node, names).and_then(number);
    let mut words = vec![node.class.to_owned()];
    words.extend(value(&["steps"]).map(|n| format!("{n} steps")));
    let denoise = sampling::denoise(graph, node).filter(|denoise| *denoise < 1.0);
    words.extend(denoise.map(|denoise| format!("strength {denoise}")));
    recipe.note("Later pass", &words.join(", "));
}
