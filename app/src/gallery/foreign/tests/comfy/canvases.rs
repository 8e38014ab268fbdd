//! What the canvas hides: bypassed nodes, names for links, subgraphs.

use serde_json::{Value, json};

use super::super::*;

/// A canvas with the first template's nodes (loader 4, latent 5, texts 6 and 7, sampler 3, decoder 8, saver 9), some of them
/// replaced, and more links.
fn canvas(nodes: &[Value], links: &[Value]) -> Value {
    let input =
        |name: &str, kind: &str, link: u64| json!({"name": name, "type": kind, "link": link});
    let mut all = vec![
        json!({"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["base.safetensors"]}),
        json!({"id": 5, "type": "EmptyLatentImage", "inputs": [], "widgets_values": [640, 512, 1]}),
        json!({"id": 6, "type": "CLIPTextEncode", "inputs": [input("clip", "CLIP", 2)], "widgets_values": ["a kite"]}),
        json!({"id": 7, "type": "CLIPTextEncode", "inputs": [input("clip", "CLIP", 3)], "widgets_values": ["fog"]}),
        json!({"id": 3, "type": "KSampler", "widgets_values": [11, "randomize", 20, 8, "euler", "normal", 1], "inputs": [
            input("model", "MODEL", 1), input("positive", "CONDITIONING", 4), input("negative", "CONDITIONING", 5),
            input("latent_image", "LATENT", 6)]}),
        json!({"id": 8, "type": "VAEDecode", "inputs": [input("samples", "LATENT", 7), input("vae", "VAE", 8)]}),
        json!({"id": 9, "type": "SaveImage", "inputs": [input("images", "IMAGE", 9)], "widgets_values": ["x"]}),
    ];
    let is_replaced = |node: &Value| nodes.iter().any(|other| other["id"] == node["id"]);
    all.retain(|node| !is_replaced(node));
    all.extend_from_slice(nodes);
    let mut all_links = vec![
        json!([1, 4, 0, 3, 0, "MODEL"]),
        json!([2, 4, 1, 6, 0, "CLIP"]),
        json!([3, 4, 1, 7, 0, "CLIP"]),
        json!([4, 6, 0, 3, 1, "CONDITIONING"]),
        json!([5, 7, 0, 3, 2, "CONDITIONING"]),
        json!([6, 5, 0, 3, 3, "LATENT"]),
        json!([7, 3, 0, 8, 0, "LATENT"]),
        json!([8, 4, 2, 8, 1, "VAE"]),
        json!([9, 8, 0, 9, 0, "IMAGE"]),
    ];
    let is_replaced = |link: &Value| links.iter().any(|other| other[0] == link[0]);
    all_links.retain(|link| !is_replaced(link));
    all_links.extend_from_slice(links);
    json!({"last_node_id": 99, "nodes": all, "links": all_links, "version": 0.4})
}

const PLAIN: &str =
    "seed 11 | steps 20 | by euler | spaced normal | cfg 8 | size 640x512 | model base";

fn check_canvas(name: &str, canvas: &Value, expected: &str) {
    let recipe = from_text(&canvas.to_string()).recipe;
    let is = recipe.map_or("nothing".to_owned(), |recipe| in_short(&recipe));
    let expected = format!("ComfyUi: {}", expected.replace("PLAIN", PLAIN));
    assert_eq!(is, expected, "{name}");
}

#[test]
fn nodes_that_do_not_run_are_passed_by() {
    check_canvas("as it is", &canvas(&[], &[]), "a kite | not fog | PLAIN");
    let lora = |mode: u64| {
        json!({"id": 20, "type": "LoraLoader", "mode": mode, "widgets_values": ["ink.safetensors", 0.5, 1.0],
            "inputs": [{"name": "model", "type": "MODEL", "link": 21}, {"name": "clip", "type": "CLIP", "link": null}],
            "outputs": [{"name": "MODEL", "type": "MODEL"}, {"name": "CLIP", "type": "CLIP"}]})
    };
    let links = [
        json!([1, 20, 0, 3, 0, "MODEL"]),
        json!([21, 4, 0, 20, 0, "MODEL"]),
    ];
    check_canvas(
        "a network",
        &canvas(&[lora(0)], &links),
        "a kite | not fog | PLAIN | with ink=0.5",
    );
    check_canvas(
        "a bypassed network",
        &canvas(&[lora(4)], &links),
        "a kite | not fog | PLAIN",
    );
    let muted = json!({"id": 30, "type": "SaveImage", "mode": 2, "inputs": [{"name": "images", "type": "IMAGE", "link": 31}]});
    let other = json!({"id": 32, "type": "KSampler", "mode": 2, "widgets_values": [5, "fixed", 1, 1, "ddim", "normal", 1]});
    check_canvas(
        "a muted branch",
        &canvas(&[muted, other], &[json!([31, 32, 0, 30, 0, "IMAGE"])]),
        "a kite | not fog | PLAIN",
    );
}

#[test]
fn links_go_through_crossings_primitives_and_names() {
    let primitive = json!({"id": 20, "type": "PrimitiveNode", "widgets_values": [77, "randomize"], "outputs": [{"type": "INT"}]});
    let sampler = json!({"id": 3, "type": "KSampler", "widgets_values": [11, "randomize", 20, 8, "euler", "normal", 1], "inputs": [
        {"name": "model", "type": "MODEL", "link": 1}, {"name": "positive", "type": "CONDITIONING", "link": 4},
        {"name": "negative", "type": "CONDITIONING", "link": 5}, {"name": "latent_image", "type": "LATENT", "link": 6},
        {"name": "seed", "type": "INT", "widget": {"name": "seed"}, "link": 22}]});
    let reroute =
        json!({"id": 21, "type": "Reroute", "inputs": [{"name": "", "type": "*", "link": 23}]});
    let set = json!({"id": 24, "type": "SetNode", "widgets_values": ["words"], "inputs": [{"name": "CONDITIONING", "type": "*", "link": 25}]});
    let get = json!({"id": 26, "type": "GetNode", "widgets_values": ["words"]});
    let nodes = [primitive, sampler, reroute, set, get];
    let links = [
        json!([22, 20, 0, 3, 4, "INT"]),
        json!([1, 21, 0, 3, 0, "MODEL"]),
        json!([23, 4, 0, 21, 0, "*"]),
        json!([25, 6, 0, 24, 0, "*"]),
        json!([4, 26, 0, 3, 1, "CONDITIONING"]),
    ];
    let expected = format!("a kite | not fog | {}", PLAIN.replace("seed 11", "seed 77"));
    check_canvas("by detours", &canvas(&nodes, &links), &expected);
}

#[test]
fn newer_files_name_their_values() {
    let widget =
        |name: &str| json!({"name": name, "type": "X", "widget": {"name": name}, "link": null});
    let sampler = json!({"id": 3, "type": "SomePack.Sampler", "widgets_values": [0.5, 11, "fixed", "euler", "normal", 20, 8.0], "inputs": [
        {"name": "model", "type": "MODEL", "link": 1}, {"name": "positive", "type": "CONDITIONING", "link": 4},
        {"name": "negative", "type": "CONDITIONING", "link": 5}, {"name": "latent_image", "type": "LATENT", "link": 6},
        widget("eta"), widget("seed"), widget("sampler_name"), widget("scheduler"), widget("steps"), widget("cfg")]});
    check_canvas(
        "a pack's sampler",
        &canvas(&[sampler], &[]),
        "a kite | not fog | PLAIN",
    );
    let named =
        json!({"id": 5, "type": "SomePack.Size", "widgets_values": {"height": 512, "width": 640}});
    check_canvas(
        "values by name",
        &canvas(&[named], &[]),
        "a kite | not fog | PLAIN",
    );
}

#[test]
fn subgraphs_are_entered_and_left() {
    // The sampler and the positive text lie in a subgraph, whose seed and text stand outside.
    let id = "0f9a-subgraph";
    let used = json!({"id": 50, "type": id, "widgets_values": ["a kite"], "inputs": [
        {"name": "model", "type": "MODEL", "link": 1}, {"name": "clip", "type": "CLIP", "link": 2},
        {"name": "negative", "type": "CONDITIONING", "link": 5}, {"name": "latent", "type": "LATENT", "link": 6},
        {"name": "words", "type": "STRING", "widget": {"name": "words"}, "link": null}], "outputs": [{"type": "LATENT"}]});
    let link = |id: u64, origin: i64, slot: u64, target: i64, target_slot: u64| json!({"id": id, "origin_id": origin, "origin_slot": slot, "target_id": target, "target_slot": target_slot, "type": "X"});
    let subgraph = json!({"id": id, "name": "Draw", "inputs": [{"name": "model"}, {"name": "clip"}, {"name": "negative"},
            {"name": "latent"}, {"name": "words"}], "outputs": [{"name": "LATENT"}],
        "nodes": [
            {"id": 1, "type": "KSampler", "widgets_values": [11, "randomize", 20, 8, "euler", "normal", 1], "inputs": [
                {"name": "model", "type": "MODEL", "link": 1}, {"name": "positive", "type": "CONDITIONING", "link": 2},
                {"name": "negative", "type": "CONDITIONING", "link": 3}, {"name": "latent_image", "type": "LATENT", "link": 4}]},
            {"id": 2, "type": "CLIPTextEncode", "widgets_values": ["inside"], "inputs": [{"name": "clip", "type": "CLIP", "link": 5},
                {"name": "text", "type": "STRING", "widget": {"name": "text"}, "link": 6}]}],
        "links": [link(1, -10, 0, 1, 0), link(2, 2, 0, 1, 1), link(3, -10, 2, 1, 2), link(4, -10, 3, 1, 3), link(5, -10, 1, 2, 0),
            link(6, -10, 4, 2, 1), link(7, 1, 0, -20, 0)]});
    let links = [
        json!([1, 4, 0, 50, 0, "MODEL"]),
        json!([2, 4, 1, 50, 1, "CLIP"]),
        json!([5, 7, 0, 50, 2, "CONDITIONING"]),
        json!([6, 5, 0, 50, 3, "LATENT"]),
        json!([7, 50, 0, 8, 0, "LATENT"]),
    ];
    let mut whole = canvas(&[used], &links);
    let outer = whole["nodes"].as_array_mut().unwrap();
    outer.retain(|node| node["id"] != 3 && node["id"] != 6);
    whole["definitions"] = json!({"subgraphs": [subgraph]});
    check_canvas("a subgraph", &whole, "a kite | not fog | PLAIN");
    // Without a way in, the inner text holds.
    whole["nodes"].as_array_mut().unwrap().last_mut().unwrap()["inputs"][4] = json!(null);
    let text = from_text(&whole.to_string()).recipe.unwrap().prompt;
    assert_eq!(text, "inside");
    // One that stands for itself ends.
    let mut ring = whole.clone();
    ring["definitions"]["subgraphs"][0]["nodes"] =
        json!([{"id": 1, "type": id}, {"id": 2, "type": id}]);
    assert_eq!(from_text(&ring.to_string()).recipe, None);
}
