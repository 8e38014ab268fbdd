//! What strangers may write in a recipe's place.

use serde_json::json;

use super::*;

#[test]
fn hostile_texts_stay_data() {
    let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let long = format!("{}\nSteps: 20, Seed: 1", "x".repeat(LIMIT_TEXT_BYTES));
    let many_fields = (0..50_000).fold("a\nSteps: 1, Seed: 2".to_owned(), |mut text, i| {
        text.push_str(&format!(", Field {i}: {i}"));
        text
    });
    let quotes = format!("a\nSteps: 1, Seed: 2, Model: {}", "\"\\".repeat(100_000));
    // Every node leads to every other, and none to a text.
    let links: Vec<_> = (0..200).map(|i| json!([i.to_string(), 0])).collect();
    let mut ring = serde_json::Map::new();
    for i in 0..200 {
        let mut inputs: serde_json::Map<_, _> = links
            .iter()
            .enumerate()
            .map(|(n, link)| (format!("in{n}"), link.clone()))
            .collect();
        for name in ["seed", "steps", "positive", "negative", "latent_image"] {
            inputs.insert(name.into(), json!([((i + 1) % 200).to_string(), 0]));
        }
        ring.insert(
            i.to_string(),
            json!({"class_type": "KSampler", "inputs": inputs}),
        );
    }
    let ring = serde_json::Value::Object(ring).to_string();
    let canvas = json!({"nodes": [{"id": 1, "type": "KSampler", "widgets_values": [1, 2, 3, 4, 5, 6],
        "inputs": [{"name": "positive", "type": "CONDITIONING", "link": 1}]}],
        "links": [[1, 1, 0, 1, 0, "CONDITIONING"]]});
    for (name, text) in [
        ("deep", deep.as_str()),
        ("deep in any text", &deep),
        ("long", &long),
        ("many fields", &many_fields),
        ("quotes", &quotes),
        ("ring", &ring),
        ("canvas ring", &canvas.to_string()),
        (
            "wrong types",
            "{\"1\": 3, \"2\": {\"inputs\": []}, \"3\": {\"inputs\": {\"sigmas\": 1, \"guider\": [[[]]]}}}",
        ),
        ("no text", ""),
        (
            "marks up",
            "<script>\nNegative prompt: ]]>\nSteps: 1, Seed: 18446744073709551616",
        ),
        (
            "infinite",
            "{\"generation_mode\": \"x\", \"seed\": 1e999, \"cfg_scale\": Infinity}",
        ),
    ] {
        let found = from_text(text);
        assert!(found.text.len() <= LIMIT_KEPT_BYTES, "{name}");
        if let Some(recipe) = found.recipe {
            assert!(recipe.other.len() <= LIMIT_FIELDS, "{name}");
            assert_eq!(recipe.seed.filter(|seed| *seed > 2), None, "{name}");
        }
    }
}

#[test]
fn graphs_without_an_end_end() {
    let node = |class: &str, inputs: Value| json!({"class_type": class, "inputs": inputs});
    let sampler = |positive: &str| {
        node(
            "KSampler",
            json!({"seed": 1, "steps": 2, "cfg": 3, "sampler_name": "euler", "positive": [positive, 0], "latent_image": ["l0", 0]}),
        )
    };
    // Each text is the one before it, twice.
    let mut doubling = serde_json::Map::new();
    doubling.insert("s".into(), sampler("e"));
    doubling.insert(
        "e".into(),
        node("CLIPTextEncode", json!({"text": ["t0", 0]})),
    );
    for i in 0..200 {
        let next = format!("t{}", i + 1);
        let parts = json!({"string_a": [next, 0], "string_b": [next, 0], "delimiter": ", "});
        doubling.insert(format!("t{i}"), node("StringConcatenate", parts));
    }
    doubling.insert(
        "t200".into(),
        node("PrimitiveString", json!({"value": "word"})),
    );
    // The same of conditions, pipes, models, latents: every node leads to the next two.
    let mut broad = serde_json::Map::new();
    broad.insert("s".into(), sampler("l0"));
    for i in 0..4000 {
        let (next, after) = (
            format!("l{}", (i + 1) % 4000),
            format!("l{}", (i + 2) % 4000),
        );
        let inputs = json!({"conditioning_1": [next, 0], "conditioning_2": [after, 0], "samples": [after, 0], "pipe": [next, 0],
            "model": [after, 0], "basic_pipe": [after, 0], "sigmas": [next, 0], "lora_stack": [next, 0]});
        broad.insert(format!("l{i}"), node("X", inputs));
    }
    // A node with thousands of inputs, all from itself.
    let mut wide = serde_json::Map::new();
    for i in 0..20_000 {
        wide.insert(format!("conditioning_{i}"), json!(["0", 0]));
    }
    let wide = serde_json::Map::from_iter([
        ("s".into(), sampler("0")),
        ("0".into(), node("X", Value::Object(wide))),
    ]);
    let many: serde_json::Map<_, _> = (0..20_000)
        .map(|i| (i.to_string(), node("X", json!({}))))
        .collect();
    for graph in [doubling, broad, wide, many] {
        let text = Value::Object(graph).to_string();
        assert!(text.len() <= LIMIT_TEXT_BYTES);
        let recipe = from_text(&text).recipe.unwrap_or_default();
        assert!(recipe.prompt.chars().count() <= LIMIT_FIELD_CHARS);
    }
    // A canvas of subgraphs, each with two of the next.
    let subgraphs: Vec<_> = (0..40)
        .map(|i| {
            let next = format!("g{}", i + 1);
            json!({"id": format!("g{i}"), "nodes": [{"id": 1, "type": next}, {"id": 2, "type": next}], "links": []})
        })
        .collect();
    let canvas = json!({"nodes": [{"id": 1, "type": "g0"}], "links": [], "definitions": {"subgraphs": subgraphs}});
    assert_eq!(from_text(&canvas.to_string()).recipe, None);
    // A subgraph with thousands of inputs, all from outside.
    let inputs: Vec<_> = (0..9000)
        .map(|i| json!({"name": format!("a{i}"), "link": i}))
        .collect();
    let links: Vec<_> = (0..9000).map(|i| json!([i, -10, i, 1, i, "X"])).collect();
    let subgraph = json!({"id": "g", "inputs": inputs, "nodes": [{"id": 1, "type": "X", "inputs": inputs}], "links": links});
    let canvas = json!({"nodes": [{"id": 1, "type": "g", "inputs": inputs}], "definitions": {"subgraphs": [subgraph]}});
    assert_eq!(from_text(&canvas.to_string()).recipe, None);
    // JSON within JSON within JSON.
    let nested = (0..60).fold(
        json!({}),
        |inner, _| json!({"workflow": inner, "parameters": inner.to_string().len()}),
    );
    assert_eq!(from_text(&nested.to_string()).recipe, None);
    let brackets = json!({"app_id": "x", "image": {"prompt": "\\[[".repeat(200_000)}}).to_string();
    from_text(&brackets);
    let colons = format!("a\nSteps: 1, Seed: 2{}", ", b: [1,".repeat(100_000));
    from_text(&colons);
}

/// 5,200 texts: thirteen recipes of different programs with parts left out, doubled, swapped and replaced, and none stops
/// the reader.
#[test]
fn mutated_recipes_stay_data() {
    let comfy = super::comfy::comfy_graph().to_string();
    let seeds = [
        "a cat\nNegative prompt: fog\nSteps: 20, Sampler: Euler, Seed: 1, Size: 64x64, Lora hashes: \"a: 1\", X: {\"a\": [1]}",
        "a cat ### fog\nSteps:20,Sampler:k_lms,Seed:1,model: m\nTemplate: {a|b}",
        "Steps: 20, Seed: 1, Civitai resources: [{\"type\":\"lora\",\"modelName\":\"x\"}]",
        "<lora:a:0.5> 夜\nSteps: 20, Seed: 1, Raw prompt: \"é\", Lora weights: \"a: 1\"",
        comfy.as_str(),
        r#"{"nodes": [{"id": 1, "type": "KSampler", "widgets_values": [1, "fixed", 2], "inputs": [{"name": "positive", "link": 1}]}], "links": [[1, 1, 0, 1, 0, "X"], {"id": 2, "origin_id": -10, "target_id": -20}], "definitions": {"subgraphs": []}}"#,
        r#"{"positive_prompt": "a", "seed": 1, "loras": [{"model": {"name": "x"}, "weight": 1}]}"#,
        r#"{"app_id": "x", "image": {"prompt": [{"prompt": "a [b] [c", "weight": 1}], "steps": 2}}"#,
        r#""a [b] c" -s 5 -S 6 -W 64 -H64 -C 7.5 -A k_lms"#,
        r#"{"sui_image_params": {"prompt": "a", "loras": ["x"], "loraweights": ["1"]}, "sui_models": [{}]}"#,
        r#"{"Software": "NovelAI", "Description": "é", "Source": "N 0A1B2C3D", "Comment": "{\"uc\": \"b\", \"v4_prompt\": {\"caption\": {\"base_caption\": \"c\"}}}"}"#,
        r#"{"prompt": "a", "seed": "1", "resolution": "(8, 9)", "loras": [["a", 1]], "lora_combined_1": "a : 1", "metadata_scheme": "fooocus"}"#,
        r#"{"c": "a", "uc": "b", "size": "8x9", "seed": 1, "steps": 2, "lora": [{"model": "x", "weight": 1}]}"#,
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n.max(1) as u64) as usize
    };
    let crumbs = [
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ":",
        ", ",
        "\n",
        "-",
        "é",
        "\0",
        "1e999",
        "null",
        "99999999999999999999",
        "Steps: ",
    ];
    let mut n = 0;
    for seed in seeds {
        for _ in 0..400 {
            let mut chars: Vec<char> = seed.chars().collect();
            for _ in 0..=random(4) {
                let (a, b) = (random(chars.len()), random(chars.len()));
                let part: Vec<char> = chars[a.min(b)..a.max(b)].iter().take(40).copied().collect();
                match random(4) {
                    0 => drop(chars.drain(a..(a + random(30)).min(chars.len()))),
                    1 => drop(chars.splice(a..a, part)),
                    2 => drop(chars.splice(a..a, crumbs[random(crumbs.len())].chars())),
                    _ => chars.swap(a, b),
                }
                if chars.is_empty() {
                    break;
                }
            }
            let text: String = chars.into_iter().collect();
            let found = from_text(&text);
            let recipe = found.recipe.unwrap_or_default();
            assert!(recipe.guidance_scale.is_none_or(f32::is_finite), "{text}");
            assert!(
                recipe.loras.iter().all(|lora| lora.weight.is_finite()),
                "{text}"
            );
            n += 1;
        }
    }
    assert_eq!(n, 5200);
}
