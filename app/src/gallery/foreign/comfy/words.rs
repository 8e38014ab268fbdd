//! The words of a condition: from a sampler's input back to the texts that were typed, joined as the nodes on the way
//! join them.

use serde_json::Value;

use super::graph::{Graph, Input, LIMIT_DEPTH, Link, Node};
use crate::gallery::foreign::fields::field;

/// Fields of nodes that turn words into conditions.
const FIELDS: [&str; 17] = [
    "populated_text",
    "text",
    "text_g",
    "text_l",
    "clip_g",
    "clip_l",
    "t5xxl",
    "t5",
    "llama",
    "prompt",
    "qwen25_7b",
    "string",
    "wildcard_text",
    "caption",
    "bert",
    "mt5xl",
    "user_prompt",
];
/// Inputs that bring conditions in, for nodes that combine them.
const CONDITIONS: [&str; 5] = ["cond", "text_embeds", "context", "embeds", "*"];
/// Fields of nodes that put texts together, the first of all names that start alike.
const PARTS: [&str; 6] = ["string", "text", "input", "prompt", "prefix", "suffix"];
/// Longer texts grow no further: a graph may join each with itself.
const LIMIT_BYTES: usize = 100_000;

/// Which of the two prompts is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Positive,
    Negative,
}

impl Side {
    /// What nodes with both sides call this one.
    fn names(self) -> [&'static str; 4] {
        match self {
            Self::Positive => [
                "positive",
                "positive_prompt",
                "text_positive",
                "prompt_positive",
            ],
            Self::Negative => [
                "negative",
                "negative_prompt",
                "text_negative",
                "prompt_negative",
            ],
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Positive => Self::Negative,
            Self::Negative => Self::Positive,
        }
    }
}

/// The words of a condition. `None` if it has none: nothing was typed, or it was set to zero.
pub fn words(graph: &Graph<'_>, condition: Link, side: Side) -> Option<String> {
    let mut texts = Vec::new();
    condition_texts(graph, condition, side, LIMIT_DEPTH, &mut texts);
    Some(field(&texts.join("\n"))).filter(|text| !text.is_empty())
}

/// Adds each different text once, in the order of the nodes' inputs.
fn condition_texts(
    graph: &Graph<'_>,
    link: Link,
    side: Side,
    depth: usize,
    texts: &mut Vec<String>,
) {
    let node = graph.node(link);
    if depth == 0 || !graph.visit() || node.is_of(&["zeroout", "zero out"]) {
        return;
    }
    let mut add = |text: Option<String>| {
        let text = text.map(|text| text.trim().to_owned());
        texts.extend(text.filter(|text| !text.is_empty() && !texts.contains(text)));
    };
    // Nodes with both sides give out the one first and the other second.
    if let Some(input) = side_input(node, link, side) {
        match input {
            Input::Value(value) => add(value.as_str().map(str::to_owned)),
            Input::Link(next) if is_text(graph, node, *next) => {
                add(text(graph, *next, Some(side), depth - 1));
            }
            Input::Link(next) => condition_texts(graph, *next, side, depth - 1, texts),
        }
        return;
    }
    let own: Vec<_> = FIELDS
        .iter()
        .filter(|name| node.get(name).is_some())
        .collect();
    if !own.is_empty() {
        // What was drawn from the wildcards stands beside them.
        let is_populated = node.text("populated_text").is_some();
        for name in own
            .into_iter()
            .take(if is_populated { 1 } else { FIELDS.len() })
        {
            add(input_text(graph, node, name, Some(side), depth - 1));
        }
        return;
    }
    let is_condition = |name: &str| CONDITIONS.iter().any(|part| name.contains(part));
    let all: Vec<(&str, Link)> = node.links().collect();
    let mut links: Vec<Link> = Vec::new();
    links.extend(
        all.iter()
            .filter(|(name, _)| is_condition(name))
            .map(|(_, link)| *link),
    );
    if links.is_empty() {
        // What is piped in names both sides.
        links.extend(graph.source(node, &side.names()));
    }
    if links.is_empty() {
        links.extend(graph.passed_on(link));
    }
    for next in links {
        condition_texts(graph, next, side, depth - 1, texts);
    }
}

/// A node's input for a side.
fn side_input<'n, 'a>(node: &'n Node<'a>, link: Link, side: Side) -> Option<&'n Input<'a>> {
    let find = |side: Side| {
        let names = side.names();
        names.into_iter().find_map(|name| node.get(name))
    };
    let is_link = |input: &&Input<'_>| matches!(input, Input::Link(_));
    let (own, other) = (find(side), find(side.other()));
    // Of two conditions that go through it, the output tells which.
    let both = own.filter(is_link).zip(other.filter(is_link));
    let first = usize::from(side == Side::Negative);
    let is_loader = node.has(&["ckpt_name"]);
    match both {
        Some((_, other)) if link.slot < 2 && link.slot != first && !is_loader => Some(other),
        _ => own,
    }
}

/// Whether a link under the name of a side brings a text: it does where an encoder takes it.
fn is_text(graph: &Graph<'_>, node: &Node<'_>, link: Link) -> bool {
    let source = graph.node(link);
    let is_encoder = source.has(&["clip", "conditioning", "positive"]);
    node.has(&["ckpt_name", "text_positive", "positive_prompt"]) && !is_encoder
}

fn input_text(
    graph: &Graph<'_>,
    node: &Node<'_>,
    name: &str,
    side: Option<Side>,
    depth: usize,
) -> Option<String> {
    match node.get(name)? {
        Input::Value(value) => plain(value),
        Input::Link(link) => text(graph, *link, side, depth),
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The text that a node gives out.
fn text(graph: &Graph<'_>, link: Link, side: Option<Side>, depth: usize) -> Option<String> {
    const HOLDERS: [&str; 7] = [
        "value",
        "text",
        "string",
        "prompt",
        "wildcard_text",
        "Text",
        "STRING",
    ];
    if depth == 0 || !graph.visit() {
        return None;
    }
    let node = graph.node(link);
    let input = |name: &str| input_text(graph, node, name, side, depth - 1);
    if node.get("populated_text").is_some() {
        return input("populated_text");
    }
    let (find, replace) = (node.text("find"), node.text("replace"));
    if let (Some(find), Some(replace)) = (find.filter(|find| !find.is_empty()), replace) {
        let text = input("string").or_else(|| input("text"))?;
        return Some(within_limit(text.replace(find, replace)));
    }
    let has_parts = node.has(&["text_a", "string_a"]) && node.has(&["text_b", "string_b"]);
    if has_parts || node.is_of(&["concat", "join", "combine", "merge", "append"]) {
        return joined(graph, node, side, depth);
    }
    // Stylers give out both sides.
    let side_of_slot = side.filter(|_| node.get("text_positive").is_some());
    if let Some(side) = side_of_slot {
        let side = if link.slot == 1 { Side::Negative } else { side };
        let mut names = side.names().into_iter();
        return names.find_map(input);
    }
    if let Some(next) = graph
        .passed_on(link)
        .filter(|_| node.literals().next().is_none())
    {
        return text(graph, next, side, depth - 1);
    }
    let own = HOLDERS.into_iter().find_map(input);
    let sided = || side.and_then(|side| side.names().into_iter().find_map(input));
    own.or_else(sided)
        .or_else(|| text(graph, graph.passed_on(link)?, side, depth - 1))
        .or_else(|| {
            let mut links = node.links();
            links.find_map(|(_, next)| text(graph, next, side, depth - 1))
        })
}

/// The parts of a text in the order of their names, with what stands between them.
fn joined(graph: &Graph<'_>, node: &Node<'_>, side: Option<Side>, depth: usize) -> Option<String> {
    let between = ["delimiter", "separator", "linebreak_addition"];
    let between = between.iter().find_map(|name| node.text(name));
    // Where tags are tidied, they stand between commas.
    let tidied = (node.text("tidy_tags") == Some("yes")).then_some(", ");
    let between = between.or(tidied).unwrap_or_default();
    let between = between.replace("\\n", "\n");
    let is_part = |name: &&str| {
        let name = name.to_lowercase();
        PARTS.iter().any(|part| name.starts_with(part)) && !name.contains("count")
    };
    let mut names: Vec<&str> = node.inputs.iter().map(|(name, _)| name.as_ref()).collect();
    names.retain(is_part);
    names.sort_by_key(|name| {
        let digits: String = name.chars().filter(char::is_ascii_digit).collect();
        (digits.parse::<u32>().unwrap_or(0), *name)
    });
    let mut whole: Option<String> = None;
    for name in names {
        let Some(part) = input_text(graph, node, name, side, depth - 1) else {
            continue;
        };
        whole = Some(match whole {
            Some(text) => within_limit(text + &between + &part),
            None => part,
        });
    }
    whole
}

fn within_limit(mut text: String) -> String {
    if text.len() > LIMIT_BYTES {
        let mut end = LIMIT_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}
