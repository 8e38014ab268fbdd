//! `ComfyUI`'s graphs: `prompt` is the graph as it ran, `workflow` as it lay on the canvas.
//!
//! A graph is a program, not a recipe. What can be said in a recipe's words is found by walking backwards from the
//! node that samples: to its texts, its model, its size. Nodes are told by the names of their inputs rather than
//! by their class, since every extension brings its own classes.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::{ForeignRecipe, Program};
use super::{count, field, model_name, size, small_number, some_field, whole_number};

/// Nodes of a graph; larger ones are left unread.
const LIMIT_NODES: usize = 5_000;
/// How far a link is followed, and how many nodes one question may look at.
const LIMIT_DEPTH: usize = 50;
const LIMIT_VISITS: usize = 2_000;

/// Reads a graph of either kind. `None` if it is none, or nothing in it samples.
pub fn read(json: &Value) -> Option<ForeignRecipe> {
    let nodes = json.as_object()?;
    if let Some(list) = nodes.get("nodes").and_then(Value::as_array) {
        let links = nodes.get("links").and_then(Value::as_array);
        return read_canvas(list, links.map(Vec::as_slice).unwrap_or_default());
    }
    if nodes.len() > LIMIT_NODES {
        return None;
    }
    let graph = Graph { nodes };
    let (_, sampler) = graph
        .nodes
        .iter()
        .filter_map(|(id, _)| Some((id, graph.inputs(id)?)))
        .filter(|(_, inputs)| samples(inputs))
        // The last node to sample, by number, is the one whose picture is saved; earlier ones made its draft.
        .max_by_key(|(id, _)| id.parse::<u64>().unwrap_or(0))?;
    Some(graph.recipe(sampler))
}

/// Nodes that only hold a value call it by a name of their own.
const HOLDERS: [&str; 7] = [
    "value",
    "text",
    "string",
    "int",
    "float",
    "seed",
    "noise_seed",
];

/// Inputs of nodes that turn words into conditions.
const TEXT_FIELDS: [&str; 6] = ["text", "text_g", "text_l", "clip_l", "t5xxl", "prompt"];

struct Graph<'a> {
    nodes: &'a Map<String, Value>,
}

type Inputs = Map<String, Value>;

/// Whether a node draws a picture: it has a seed and goes by steps, or is given a noise to start from.
fn samples(inputs: &Inputs) -> bool {
    let has = |name: &str| inputs.contains_key(name);
    let is_classic = (has("seed") || has("noise_seed")) && has("steps") && has("positive");
    is_classic || has("sigmas") && (has("guider") || has("positive"))
}

impl<'a> Graph<'a> {
    fn inputs(&self, id: &str) -> Option<&'a Inputs> {
        self.nodes.get(id)?.get("inputs")?.as_object()
    }

    /// The node that a link leads to.
    fn linked(&self, value: &Value) -> Option<&'a Inputs> {
        let link = value.as_array()?;
        match link.first()? {
            Value::String(id) => self.inputs(id),
            Value::Number(id) => self.inputs(&id.to_string()),
            _ => None,
        }
    }

    /// Looks backwards from a node for the first input of one of these names that holds a value.
    fn find(&self, from: &'a Inputs, names: &[&str]) -> Option<&'a Value> {
        let mut n_visits = 0;
        self.find_within(from, names, LIMIT_DEPTH, &mut n_visits)
    }

    fn find_within(
        &self,
        from: &'a Inputs,
        names: &[&str],
        depth: usize,
        n_visits: &mut usize,
    ) -> Option<&'a Value> {
        *n_visits += 1;
        if depth == 0 || *n_visits > LIMIT_VISITS {
            return None;
        }
        let own = names.iter().find_map(|name| from.get(*name));
        if let Some(value) = own.filter(|value| !value.is_array() && !value.is_null()) {
            return Some(value);
        }
        let (links, names) = match own {
            Some(link) => (vec![link], &HOLDERS[..]),
            None => (from.values().collect(), names),
        };
        let nodes = links.into_iter().filter_map(|link| self.linked(link));
        for inputs in nodes {
            if let Some(value) = self.find_within(inputs, names, depth - 1, n_visits) {
                return Some(value);
            }
        }
        None
    }

    fn recipe(&self, sampler: &'a Inputs) -> ForeignRecipe {
        let find = |names: &[&str]| self.find(sampler, names);
        let text = |value: &Value| value.as_str().and_then(some_field);
        let guider = sampler.get("guider").and_then(|link| self.linked(link));
        let side = |name: &str| {
            let side = sampler.get(name).or_else(|| guider?.get(name));
            side.and_then(|link| self.linked(link))
                .and_then(|node| self.prompt(node))
        };
        let mut recipe = ForeignRecipe {
            program: Program::ComfyUi,
            prompt: side("positive")
                .or_else(|| side("conditioning"))
                .unwrap_or_default(),
            negative_prompt: side("negative").filter(|text| !text.is_empty()),
            model: find(&["ckpt_name", "unet_name", "model_name"])
                .and_then(|name| model_name(name.as_str()?)),
            sampler: find(&["sampler_name"]).and_then(text),
            scheduler: find(&["scheduler"]).and_then(text),
            seed: find(&["seed", "noise_seed"]).and_then(whole_number),
            n_steps: find(&["steps"]).and_then(count),
            guidance_scale: find(&["cfg"])
                .or_else(|| find(&["guidance"]))
                .and_then(small_number),
            strength: find(&["denoise"])
                .and_then(small_number)
                .filter(|strength| *strength < 1.0),
            ..ForeignRecipe::default()
        };
        let latent = ["latent_image", "latent"]
            .iter()
            .find_map(|name| sampler.get(*name));
        if let Some(latent) = latent.and_then(|link| self.linked(link)) {
            let side = |name: &str| self.find(latent, &[name]).unwrap_or(&Value::Null);
            recipe.size = size(side("width"), side("height"));
        }
        self.add_loras(&mut recipe);
        recipe
    }

    /// The words that a node was given, or else the first of the nodes before it that has any.
    fn prompt(&self, node: &'a Inputs) -> Option<String> {
        let mut nodes = VecDeque::from([node]);
        for _ in 0..LIMIT_VISITS {
            let node = nodes.pop_front()?;
            // Encoders with two or more fields: one after the other, each different text once.
            let mut texts: Vec<String> = Vec::new();
            for name in TEXT_FIELDS.iter().filter(|name| node.contains_key(**name)) {
                let text = self.find(node, &[name]).and_then(Value::as_str).map(field);
                texts.extend(text.filter(|text| !texts.contains(text)));
            }
            if !texts.is_empty() {
                return Some(texts.join("\n"));
            }
            let nearer = node.values().filter_map(|value| self.linked(value));
            nodes.extend(nearer.take(LIMIT_VISITS));
        }
        None
    }

    fn add_loras(&self, recipe: &mut ForeignRecipe) {
        for inputs in self.nodes.keys().filter_map(|id| self.inputs(id)) {
            let name = inputs.get("lora_name").and_then(Value::as_str);
            let weight = inputs.get("strength_model").and_then(small_number);
            if let Some(name) = name.and_then(model_name) {
                recipe.add_lora(&name, weight.unwrap_or(1.0));
            }
        }
    }
}

/// The graph on the canvas: values stand in their node's order, without names.
struct Canvas<'a> {
    nodes: &'a [Value],
    links: &'a [Value],
}

impl<'a> Canvas<'a> {
    fn node(&self, id: u64) -> Option<&'a Value> {
        let has_id = |node: &&Value| node.get("id").and_then(Value::as_u64) == Some(id);
        self.nodes.iter().find(has_id)
    }

    /// The nodes that feed one, through inputs that `is_wanted` by name and type.
    fn sources(&self, node: &'a Value, is_wanted: impl Fn(&str, &str) -> bool) -> Vec<&'a Value> {
        let inputs = node.get("inputs").and_then(Value::as_array);
        let is_wanted = |input: &&Value| {
            let text = |key| input.get(key).and_then(Value::as_str).unwrap_or_default();
            is_wanted(text("name"), text("type"))
        };
        let links = inputs.into_iter().flatten().filter(is_wanted);
        let links = links.filter_map(|input| input.get("link")?.as_u64());
        links
            .filter_map(|link| self.node(self.source_id(link)?))
            .collect()
    }

    /// A link is a list: its id, the node that it comes from, …
    fn source_id(&self, link: u64) -> Option<u64> {
        let parts = self.links.iter().filter_map(Value::as_array);
        let mut parts = parts.filter(|parts| parts.first().and_then(Value::as_u64) == Some(link));
        parts.next()?.get(1)?.as_u64()
    }

    /// The first words on the way back from a sampler's input.
    fn text(&self, sampler: &'a Value, input: &str) -> Option<String> {
        let mut nodes = self.sources(sampler, |name, _| name == input);
        for _ in 0..LIMIT_DEPTH {
            let node = *nodes.first()?;
            if kind(node).contains("TextEncode") {
                return values(node).iter().find_map(Value::as_str).map(field);
            }
            nodes = self.sources(node, |_, kind| kind == "CONDITIONING");
        }
        None
    }
}

fn kind(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn values(node: &Value) -> &[Value] {
    let values = node.get("widgets_values").and_then(Value::as_array);
    values.map(Vec::as_slice).unwrap_or_default()
}

fn read_canvas(nodes: &[Value], links: &[Value]) -> Option<ForeignRecipe> {
    if nodes.len() > LIMIT_NODES || links.len() > LIMIT_NODES {
        return None;
    }
    let canvas = Canvas { nodes, links };
    let mut recipe = ForeignRecipe {
        program: Program::ComfyUi,
        ..ForeignRecipe::default()
    };
    for node in nodes {
        match (kind(node), values(node)) {
            ("KSampler", [seed, _, steps, guidance, sampler, scheduler, ..]) => {
                recipe.prompt = canvas.text(node, "positive").unwrap_or_default();
                recipe.negative_prompt = canvas
                    .text(node, "negative")
                    .filter(|text| !text.is_empty());
                recipe.seed = whole_number(seed);
                recipe.n_steps = count(steps);
                recipe.guidance_scale = small_number(guidance);
                recipe.sampler = sampler.as_str().and_then(some_field);
                recipe.scheduler = scheduler.as_str().and_then(some_field);
            }
            ("CheckpointLoaderSimple" | "UNETLoader", [name, ..]) => {
                recipe.model = name.as_str().and_then(model_name);
            }
            ("EmptyLatentImage" | "EmptySD3LatentImage", [width, height, ..]) => {
                recipe.size = size(width, height);
            }
            ("LoraLoader", [name, weight, ..]) => {
                if let Some(name) = name.as_str().and_then(model_name) {
                    recipe.add_lora(&name, small_number(weight).unwrap_or(1.0));
                }
            }
            _ => {}
        }
    }
    Some(recipe)
}
