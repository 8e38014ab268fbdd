//! A graph of nodes, of whichever kind it was read from, and the ways through it.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::gallery::foreign::fields::is_none;

/// Nodes of a graph; larger ones are left unread.
pub const LIMIT_NODES: usize = 5_000;
/// Inputs and values of one node; what comes after them is left out.
pub const LIMIT_INPUTS: usize = 200;
/// How far a link is followed, and how many nodes one reading may look at in all.
pub const LIMIT_DEPTH: usize = 60;
const LIMIT_VISITS: usize = 20_000;

/// Names under which nodes pass several things at once.
const PIPES: [&str; 12] = [
    "pipe",
    "basic_pipe",
    "base_ctx",
    "ctx",
    "context",
    "sdxl_tuple",
    "pipe_in",
    "base_basic_pipe",
    "bus",
    "settings",
    "detailer_pipe",
    "optional_pipe",
];
/// Nodes that only hold a value call it by a name of their own.
const HOLDERS: [&str; 9] = [
    "value",
    "text",
    "string",
    "int",
    "float",
    "number",
    "seed",
    "noise_seed",
    "prompt",
];

#[derive(Debug, Clone)]
pub enum Input<'a> {
    Value(&'a Value),
    Link(Link),
}

/// To the output of another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Among [`Graph::nodes`].
    pub node: usize,
    pub slot: usize,
}

#[derive(Debug)]
pub struct Node<'a> {
    /// Its number within its graph, 0 where it has a name.
    pub id: u64,
    pub class: &'a str,
    pub inputs: Vec<(Cow<'a, str>, Input<'a>)>,
}

impl<'a> Node<'a> {
    pub fn get(&self, name: &str) -> Option<&Input<'a>> {
        let mut inputs = self.inputs.iter();
        inputs.find_map(|(own, input)| (own == name).then_some(input))
    }

    pub fn has(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }

    pub fn link(&self, name: &str) -> Option<Link> {
        match self.get(name)? {
            Input::Link(link) => Some(*link),
            Input::Value(_) => None,
        }
    }

    pub fn literal(&self, name: &str) -> Option<&'a Value> {
        match self.get(name)? {
            Input::Value(value) if !value.is_null() => Some(*value),
            _ => None,
        }
    }

    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.literal(name)?.as_str()
    }

    pub fn links(&self) -> impl Iterator<Item = (&str, Link)> {
        self.inputs.iter().filter_map(|(name, input)| match input {
            Input::Link(link) => Some((name.as_ref(), *link)),
            Input::Value(_) => None,
        })
    }

    pub fn literals(&self) -> impl Iterator<Item = (&str, &'a Value)> {
        self.inputs.iter().filter_map(|(name, input)| match input {
            Input::Value(value) => Some((name.as_ref(), *value)),
            Input::Link(_) => None,
        })
    }

    /// Whether the class has one of these words in its name, in lower case.
    pub fn is_of(&self, words: &[&str]) -> bool {
        let class = self.class.to_lowercase();
        words.iter().any(|word| class.contains(word))
    }
}

#[derive(Debug, Default)]
pub struct Graph<'a> {
    pub nodes: Vec<Node<'a>>,
    n_visits: Cell<usize>,
}

impl<'a> Graph<'a> {
    pub fn new(nodes: Vec<Node<'a>>) -> Self {
        Self {
            nodes,
            n_visits: Cell::new(0),
        }
    }

    /// The graph as it ran: a node for each id. `None` if it is none.
    pub fn of_prompt(json: &'a Map<String, Value>) -> Option<Self> {
        if json.len() > LIMIT_NODES {
            return None;
        }
        let nodes = json.iter().filter_map(|(id, node)| {
            let class = node.get("class_type").and_then(Value::as_str)?;
            Some((id, class, node.get("inputs")?.as_object()?))
        });
        let nodes: Vec<_> = nodes.collect();
        let places: HashMap<&str, usize> = nodes
            .iter()
            .enumerate()
            .map(|(place, (id, ..))| (id.as_str(), place))
            .collect();
        let input = |value: &'a Value| match value.as_array().map(Vec::as_slice) {
            Some([Value::String(id), Value::Number(slot)]) => link(places.get(id.as_str()), slot),
            Some([Value::Number(id), Value::Number(slot)]) => {
                link(places.get(id.to_string().as_str()), slot)
            }
            _ => Some(Input::Value(value)),
        };
        let nodes = nodes.iter().map(|(id, class, inputs)| {
            let inputs = inputs.iter().take(LIMIT_INPUTS);
            let inputs = inputs.filter_map(|(name, value)| Some((name.into(), input(value)?)));
            Node {
                // Those of a subgraph carry its number in front.
                id: id
                    .rsplit(':')
                    .next()
                    .and_then(|id| id.parse().ok())
                    .unwrap_or(0),
                class,
                inputs: inputs.collect(),
            }
        });
        Some(Self::new(nodes.collect()))
    }

    /// Whether one more node may be looked at.
    pub fn visit(&self) -> bool {
        self.n_visits.set(self.n_visits.get() + 1);
        self.n_visits.get() <= LIMIT_VISITS
    }

    pub fn node(&self, link: Link) -> &Node<'a> {
        &self.nodes[link.node]
    }

    /// A value under one of these names: in the node, at the end of a link, or in what is piped into it.
    pub fn value(&self, node: &Node<'a>, names: &[&str]) -> Option<&'a Value> {
        self.value_within(node, names, LIMIT_DEPTH)
    }

    fn value_within(&self, node: &Node<'a>, names: &[&str], depth: usize) -> Option<&'a Value> {
        if depth == 0 || !self.visit() {
            return None;
        }
        for name in names {
            match node.get(name) {
                Some(Input::Value(value)) if is_told(value) => return Some(value),
                Some(Input::Link(link)) => return self.held(*link, names, depth - 1),
                _ => {}
            }
        }
        let mut pipes = PIPES.iter().filter_map(|name| node.link(name));
        pipes.find_map(|link| self.value_within(self.node(link), names, depth - 1))
    }

    /// The value that a node gives out: what it holds, or what goes through it.
    fn held(&self, link: Link, names: &[&str], depth: usize) -> Option<&'a Value> {
        if depth == 0 || !self.visit() {
            return None;
        }
        let node = self.node(link);
        let mut own = names.iter().chain(&HOLDERS);
        let literal = own.find_map(|name| {
            let found = node
                .inputs
                .iter()
                .find(|(own, _)| own.eq_ignore_ascii_case(name));
            match found?.1 {
                Input::Value(value) if is_told(value) => Some(value),
                _ => None,
            }
        });
        if literal.is_some() {
            return literal;
        }
        match self.passed_on(link) {
            Some(next) => self.held(next, names, depth - 1),
            None => PIPES
                .iter()
                .filter_map(|name| node.link(name))
                .find_map(|link| self.value_within(self.node(link), names, depth - 1)),
        }
    }

    /// The link that a node passes on unchanged: a switch's choice, or its only one.
    pub fn passed_on(&self, link: Link) -> Option<Link> {
        let node = self.node(link);
        if let Some(choice) = switched(node) {
            return node.link(&choice);
        }
        // What computes does not pass on.
        if node.has(&["expression", "operation", "op"]) || node.is_of(&["math"]) {
            return None;
        }
        let mut links = node.links();
        let only = links.next()?.1;
        links.next().is_none().then_some(only)
    }

    /// The node that a link of one of these names leads to, in the node or in what is piped into it.
    pub fn source(&self, node: &Node<'a>, names: &[&str]) -> Option<Link> {
        self.source_within(node, names, LIMIT_DEPTH)
    }

    fn source_within(&self, node: &Node<'a>, names: &[&str], depth: usize) -> Option<Link> {
        if depth == 0 || !self.visit() {
            return None;
        }
        let mut own = names.iter().filter_map(|name| node.link(name));
        own.next().or_else(|| {
            let mut pipes = PIPES.iter().filter_map(|name| node.link(name));
            pipes.find_map(|link| self.source_within(self.node(link), names, depth - 1))
        })
    }

    pub fn is_piped(node: &Node<'_>) -> bool {
        PIPES.iter().any(|name| node.link(name).is_some())
    }
}

fn link<'a>(place: Option<&usize>, slot: &serde_json::Number) -> Option<Input<'a>> {
    let slot = slot.as_u64().unwrap_or(0) as usize;
    Some(Input::Link(Link {
        node: *place?,
        slot,
    }))
}

/// Neither null nor a list.
fn is_told(value: &Value) -> bool {
    !value.is_null() && !value.is_array()
}

/// The input that a switch chooses, where it says which.
fn switched(node: &Node<'_>) -> Option<String> {
    let number = ["select", "index", "input"]
        .iter()
        .find_map(|name| node.literal(name));
    let chosen = if let Some(number) = number.and_then(Value::as_u64) {
        let names = [
            format!("input{number}"),
            format!("value{number}"),
            format!("input_{number}"),
            format!("any_{number:02}"),
        ];
        names.into_iter().find(|name| node.get(name).is_some())
    } else {
        let on = ["switch", "boolean", "condition"]
            .iter()
            .find_map(|name| node.literal(name));
        let name = if on?.as_bool()? {
            "on_true"
        } else {
            "on_false"
        };
        Some(name.to_owned())
    };
    chosen.filter(|name| node.get(name).is_some())
}

/// A name that says something.
pub fn named(value: &Value) -> Option<&str> {
    // Loaders of some packs show a picture beside the name.
    let content = value.get("content").unwrap_or(value);
    content.as_str().filter(|name| !is_none(name))
}
