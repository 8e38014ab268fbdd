//! The graph as it lay on the canvas, which names neither its values nor what a subgraph or a bypassed node stands for:
//! it is brought into the form in which it would have run.
//!
//! Both forms of links are read: lists (workflow version 0.4) and objects (version 1, and within subgraphs).

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::graph::{Graph, Input, LIMIT_DEPTH, LIMIT_NODES, Link, Node};
use super::widgets::{inputs, kind, name, named_values};

/// Where a subgraph begins and ends, in its links.
const SUBGRAPH_INPUT: i64 = -10;
const SUBGRAPH_OUTPUT: i64 = -20;
/// Subgraphs within subgraphs.
const LIMIT_NESTED: usize = 8;
/// Modes of a node: it does not run, or what comes in goes out.
const MUTED: u64 = 2;
const BYPASSED: u64 = 4;
type Canvas<'a> = HashMap<String, &'a Value>;

/// The canvas, or a subgraph where it is used.
struct Scope<'a> {
    nodes: Canvas<'a>,
    /// By the link's number: the node that it comes from, and of which output.
    links: HashMap<String, (String, usize)>,
    /// By the output's number of a subgraph.
    outputs: HashMap<usize, String>,
    /// The names of a subgraph's inputs.
    inputs: Vec<&'a str>,
    /// Where it is used: in which scope, and by which node.
    used: Option<(usize, &'a Value)>,
}

/// What a link leads to in the end.
enum Source<'a> {
    Node(usize, String, usize),
    Value(&'a Value),
}

struct Scopes<'a> {
    scopes: Vec<Scope<'a>>,
    /// By the scope and the node that uses a subgraph.
    within: HashMap<(usize, String), usize>,
}

/// Reads a canvas. `None` if it is none or too large.
pub fn graph(json: &Value) -> Option<Graph<'_>> {
    let subgraphs = json
        .pointer("/definitions/subgraphs")
        .and_then(Value::as_array);
    let subgraphs = subgraphs.into_iter().flatten();
    let subgraphs = subgraphs.filter_map(|graph| Some((graph.get("id")?.as_str()?, graph)));
    let subgraphs: Canvas<'_> = subgraphs
        .map(|(id, graph)| (id.to_owned(), graph))
        .collect();
    let mut scopes = Scopes {
        scopes: Vec::new(),
        within: HashMap::new(),
    };
    let mut n_nodes = 0;
    scopes.add(json, None, &subgraphs, LIMIT_NESTED, &mut n_nodes)?;
    Some(scopes.graph(&subgraphs))
}

/// A number or name as the other side of a link has it.
fn key(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn mode(node: &Value) -> u64 {
    node.get("mode").and_then(Value::as_u64).unwrap_or(0)
}

impl<'a> Scopes<'a> {
    /// Adds a canvas and the subgraphs that its nodes stand for.
    fn add(
        &mut self,
        json: &'a Value,
        used: Option<(usize, &'a Value)>,
        subgraphs: &Canvas<'a>,
        depth: usize,
        n_nodes: &mut usize,
    ) -> Option<usize> {
        let nodes = json.get("nodes")?.as_array()?;
        let links = json.get("links").and_then(Value::as_array);
        let links = links.map(Vec::as_slice).unwrap_or_default();
        *n_nodes += nodes.len() + links.len() / 4;
        if *n_nodes > LIMIT_NODES {
            return None;
        }
        let nodes = nodes
            .iter()
            .filter_map(|node| Some((key(node.get("id")?)?, node)));
        let mut scope = Scope {
            nodes: nodes.collect(),
            links: HashMap::new(),
            outputs: HashMap::new(),
            inputs: Vec::new(),
            used,
        };
        for link in links {
            scope.add_link(link);
        }
        let ends = json.get("inputs").and_then(Value::as_array);
        scope.inputs = ends.into_iter().flatten().map(name).collect();
        let users: Vec<(String, &'a Value)> = scope
            .nodes
            .iter()
            .filter_map(|(id, node)| Some((id.clone(), *subgraphs.get(kind(node))?)))
            .collect();
        let place = self.scopes.len();
        self.scopes.push(scope);
        for (id, subgraph) in users {
            let user = self.scopes[place].nodes[&id];
            let is_run = mode(user) != MUTED && mode(user) != BYPASSED;
            if let Some(depth) = depth.checked_sub(1).filter(|_| is_run) {
                let within = self.add(subgraph, Some((place, user)), subgraphs, depth, n_nodes)?;
                self.within.insert((place, id), within);
            }
        }
        Some(place)
    }

    /// Follows a link through bypassed nodes, crossings and subgraphs.
    fn source(&self, scope: usize, link: &str) -> Option<Source<'a>> {
        let (mut scope, mut link) = (scope, link.to_owned());
        for _ in 0..LIMIT_DEPTH {
            let here = &self.scopes[scope];
            let (origin, slot) = here.links.get(&link)?;
            if *origin == SUBGRAPH_INPUT.to_string() {
                let (outside, user) = here.used?;
                let name_of = *here.inputs.get(*slot)?;
                let input = inputs(user).iter().find(|input| name(input) == name_of);
                match input.and_then(|input| key(input.get("link")?)) {
                    Some(next) => (scope, link) = (outside, next),
                    None => {
                        let mut values = named_values(user).into_iter();
                        let value = values.find(|(name, _)| name == name_of)?.1;
                        return Some(Source::Value(value));
                    }
                }
                continue;
            }
            let node = *here.nodes.get(origin)?;
            if let Some(within) = self.within.get(&(scope, origin.clone())) {
                link = self.scopes[*within].outputs.get(slot)?.clone();
                scope = *within;
                continue;
            }
            let first = |values: &'a Value| named_values(values).first().map(|(_, value)| *value);
            link = match kind(node) {
                _ if mode(node) == MUTED => return None,
                _ if mode(node) == BYPASSED => bypass(node, *slot)?,
                "Reroute" => only_link(node)?,
                "PrimitiveNode" => return Some(Source::Value(first(node)?)),
                "GetNode" => here.set_node(first(node)?)?,
                _ => return Some(Source::Node(scope, origin.clone(), *slot)),
            };
        }
        None
    }

    fn graph(&self, subgraphs: &Canvas<'a>) -> Graph<'a> {
        let mut places = HashMap::new();
        let mut found = Vec::new();
        for (at, scope) in self.scopes.iter().enumerate() {
            // In the order of their numbers, which a map has not.
            let mut nodes: Vec<_> = scope.nodes.iter().collect();
            nodes.sort_by_key(|(id, _)| (id.parse().unwrap_or(u64::MAX), *id));
            for (id, node) in nodes {
                let stands_for = ["Reroute", "PrimitiveNode", "GetNode", "SetNode", "Note"];
                let is_run = mode(node) != MUTED && mode(node) != BYPASSED;
                let is_node = !stands_for.contains(&kind(node));
                if is_run && is_node && !subgraphs.contains_key(kind(node)) {
                    places.insert((at, id.as_str()), found.len());
                    found.push((at, id, *node));
                }
            }
        }
        let nodes = found.iter().map(|(at, id, node)| {
            let mut own: Vec<(Cow<'a, str>, Input<'a>)> = Vec::new();
            for (name, value) in named_values(node) {
                own.push((name, Input::Value(value)));
            }
            for input in inputs(node) {
                let Some(link) = input.get("link").and_then(key) else {
                    continue;
                };
                let input_name = name(input);
                let source = match self.source(*at, &link) {
                    Some(Source::Value(value)) => Some(Input::Value(value)),
                    Some(Source::Node(scope, id, slot)) => {
                        let place = places.get(&(scope, id.as_str()));
                        place.map(|place| Input::Link(Link { node: *place, slot }))
                    }
                    None => None,
                };
                // Of a link that leads nowhere, the value that stands in its place holds.
                if let Some(source) = source {
                    own.retain(|(name, _)| name != input_name);
                    own.push((input_name.into(), source));
                }
            }
            Node {
                id: id.parse().unwrap_or(0),
                class: kind(node),
                inputs: own,
            }
        });
        Graph::new(nodes.collect())
    }
}

impl Scope<'_> {
    fn add_link(&mut self, link: &Value) {
        let part = |name: &str, at: usize| link.get(name).or_else(|| link.get(at));
        let number = |name: &str, at: usize| part(name, at).and_then(Value::as_u64);
        let Some(id) = part("id", 0).and_then(key) else {
            return;
        };
        if part("target_id", 3).and_then(Value::as_i64) == Some(SUBGRAPH_OUTPUT)
            && let Some(slot) = number("target_slot", 4)
        {
            self.outputs.insert(slot as usize, id.clone());
        }
        let slot = number("origin_slot", 2).unwrap_or(0) as usize;
        if let Some(origin) = part("origin_id", 1).and_then(key) {
            self.links.insert(id, (origin, slot));
        }
    }

    /// What goes into the node that was given this name.
    fn set_node(&self, name: &Value) -> Option<String> {
        let mut nodes = self.nodes.values();
        let is_named = |node: &&&Value| {
            kind(node) == "SetNode" && node.pointer("/widgets_values/0") == Some(name)
        };
        only_link(nodes.find(is_named)?)
    }
}

/// The link that goes out of a bypassed node's output: the first that comes in with the same type.
fn bypass(node: &Value, slot: usize) -> Option<String> {
    let kind = node.get("outputs")?.get(slot)?.get("type");
    let mut same = inputs(node).iter().filter(|input| {
        let is_linked = input.get("link").is_some_and(|link| !link.is_null());
        is_linked && input.get("type") == kind
    });
    key(same.next()?.get("link")?)
}

fn only_link(node: &Value) -> Option<String> {
    key(inputs(node).first()?.get("link")?)
}
