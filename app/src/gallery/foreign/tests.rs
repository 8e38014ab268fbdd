//! Recipes as other programs write them, and what strangers may write in their place.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

fn read(keyword: &str, text: &str) -> ForeignRecipe {
    let found = from_text(keyword, text);
    assert_eq!(found.text, text);
    found.recipe.unwrap_or_else(|| panic!("not read: {text}"))
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn web_ui_texts_are_read() {
    let whole = "a lighthouse at dusk, <lora:Oil Paint:0.8>\nwide view\nNegative prompt: people,\nboats\n\
        Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 3141592653, Size: 832x1216, \
        Model hash: 31e35c80fc, Model: dreamBase_v10, Denoising strength: 0.35, Clip skip: 2, \
        Lora hashes: \"Oil Paint: 1a2b3c, Other: 4d5e\", Hires upscale: 1.5, Version: v1.10.1";
    let recipe = read("parameters", whole);
    assert_eq!(
        recipe,
        ForeignRecipe {
            program: Program::WebUi,
            prompt: "a lighthouse at dusk, <lora:Oil Paint:0.8>\nwide view".into(),
            negative_prompt: Some("people,\nboats".into()),
            model: Some("dreamBase_v10".into()),
            model_hash: Some("31e35c80fc".into()),
            sampler: Some("DPM++ 2M".into()),
            scheduler: Some("Karras".into()),
            seed: Some(3_141_592_653),
            n_steps: Some(28),
            guidance_scale: Some(6.5),
            size: Some((832, 1216)),
            strength: Some(0.35),
            loras: vec![Lora {
                name: "Oil Paint".into(),
                weight: 0.8
            }],
            other: pairs(&[
                ("Clip skip", "2"),
                ("Lora hashes", "Oil Paint: 1a2b3c, Other: 4d5e"),
                ("Hires upscale", "1.5"),
                ("Version", "v1.10.1"),
            ]),
        }
    );
    assert_eq!(recipe.sampler(), Some(Sampler::Dpmpp2mKarras));

    for (text, prompt, negative, n_steps) in [
        // No negative prompt, no model; the last field ends the text.
        (
            "a cat\nSteps: 20, Sampler: Euler a, Seed: 1",
            "a cat",
            None,
            Some(20),
        ),
        // No prompt at all.
        (
            "Steps: 4, Sampler: LCM, Seed: 9, Size: 64x64",
            "",
            None,
            Some(4),
        ),
        (
            "\nNegative prompt: fog\nSteps: 4, Seed: 9",
            "",
            Some("fog"),
            Some(4),
        ),
        // Nothing but the two prompts.
        ("a dog\nNegative prompt: rain", "a dog", Some("rain"), None),
        // A prompt that speaks like the format, and lines from extensions below the values.
        (
            "Steps: a staircase\nof stone, Seed: 1\nSteps: 30, Seed: 2\nTemplate: x",
            "Steps: a staircase\nof stone, Seed: 1",
            None,
            Some(30),
        ),
        (
            "夕暮れの富士山\nSteps: 30, Seed: 2",
            "夕暮れの富士山",
            None,
            Some(30),
        ),
        // Windows ends its lines in two characters.
        (
            "a\r\nNegative prompt: b\r\nSteps: 3, Seed: 2",
            "a",
            Some("b"),
            Some(3),
        ),
    ] {
        let recipe = read("parameters", text);
        assert_eq!(recipe.prompt, prompt, "{text}");
        assert_eq!(recipe.negative_prompt.as_deref(), negative, "{text}");
        assert_eq!(recipe.n_steps, n_steps, "{text}");
    }
    // Numbers that are none are left out; the rest holds.
    let recipe = read(
        "parameters",
        "a\nSteps: many, CFG scale: nan, Seed: -1, Size: 8, Model: m",
    );
    assert_eq!(recipe.model.as_deref(), Some("m"));
    assert_eq!(
        (recipe.n_steps, recipe.seed, recipe.size),
        (None, None, None)
    );
    assert_eq!(recipe.guidance_scale, None);
    // Any other text is no recipe, and is kept.
    let found = from_text("parameters", "shot on holiday: the pier");
    assert_eq!((found.recipe, found.text.len()), (None, 25));
}

#[test]
fn what_limn_writes_for_others_it_reads_itself() {
    let own = crate::gallery::recipe::tests::recipe("a boat, \"red\": at sea", u64::MAX, (64, 32));
    let recipe = read("parameters", &own.to_parameters());
    assert_eq!(recipe.prompt, own.prompt);
    assert_eq!(recipe.negative_prompt, own.negative_prompt);
    assert_eq!(recipe.seed, Some(u64::MAX));
    assert_eq!(recipe.size, Some((64, 32)));
    assert_eq!(recipe.sampler(), own.sampler());
    assert_eq!(recipe.sampling().n_steps, Some(own.n_steps));
}

#[test]
fn swarm_ui_puts_json_where_others_put_text() {
    let text = json!({"sui_image_params": {
        "prompt": "a windmill", "negativeprompt": "mist", "model": "Flux/dev-fp8.safetensors", "seed": 12,
        "steps": 25, "cfgscale": 1.5, "width": 512, "height": 768, "sampler": "euler",
        "scheduler": "normal", "nopreviews": true, "swarm_version": "0.9.1.1"
    }, "sui_extra_data": {"date": "2024-08-07"}})
    .to_string();
    let recipe = read("parameters", &text);
    assert_eq!(recipe.program, Program::SwarmUi);
    assert_eq!(
        (recipe.prompt.as_str(), recipe.seed),
        ("a windmill", Some(12))
    );
    assert_eq!(recipe.model.as_deref(), Some("dev-fp8"));
    assert_eq!(recipe.size, Some((512, 768)));
    assert_eq!(recipe.sampler(), Some(Sampler::Euler));
    assert!(recipe.other.contains(&("nopreviews".into(), "true".into())));
}

/// The graph of `ComfyUI`'s first template, as it ran.
fn comfy_graph() -> serde_json::Value {
    json!({
        "3": {"class_type": "KSampler", "inputs": {
            "seed": 156_680_208_700_286_u64, "steps": 20, "cfg": 8.0, "sampler_name": "euler_ancestral",
            "scheduler": "normal", "denoise": 1.0, "model": ["10", 0], "positive": ["6", 0],
            "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15\\base v2.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 640, "height": 512, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a glass bottle, galaxy inside", "clip": ["10", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["10", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["8", 0]}, "is_changed": ["NAN"]},
        "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "glass.safetensors", "strength_model": 0.6,
            "strength_clip": 1.0, "model": ["4", 0], "clip": ["4", 1]}},
    })
}

#[test]
fn comfy_ui_graphs_are_walked_back_from_the_sampler() {
    // Python writes numbers that are none into its JSON.
    let text = comfy_graph().to_string().replace("\"NAN\"", "NaN");
    let recipe = read("prompt", &text);
    assert_eq!(
        recipe,
        ForeignRecipe {
            program: Program::ComfyUi,
            prompt: "a glass bottle, galaxy inside".into(),
            negative_prompt: Some("text, watermark".into()),
            model: Some("base v2".into()),
            sampler: Some("euler_ancestral".into()),
            scheduler: Some("normal".into()),
            seed: Some(156_680_208_700_286),
            n_steps: Some(20),
            guidance_scale: Some(8.0),
            size: Some((640, 512)),
            loras: vec![Lora {
                name: "glass".into(),
                weight: 0.6
            }],
            ..ForeignRecipe::default()
        }
    );
    assert_eq!(recipe.sampler(), Some(Sampler::EulerAncestral));
}

#[test]
fn comfy_ui_texts_and_numbers_may_come_from_other_nodes() {
    let mut graph = comfy_graph();
    graph["6"]["inputs"]["text"] = json!(["20", 0]);
    graph["20"] = json!({"class_type": "PrimitiveString", "inputs": {"value": "a red kite"}});
    graph["3"]["inputs"]["seed"] = json!(["21", 0]);
    graph["21"] = json!({"class_type": "Seed", "inputs": {"seed": 77}});
    graph["3"]["inputs"]["positive"] = json!(["22", 0]);
    graph["22"] = json!({"class_type": "ControlNetApply", "inputs": {"conditioning": ["6", 0], "strength": 1.0}});
    let recipe = read("prompt", &graph.to_string());
    assert_eq!(
        (recipe.prompt.as_str(), recipe.seed),
        ("a red kite", Some(77))
    );
    assert_eq!(recipe.negative_prompt.as_deref(), Some("text, watermark"));

    // The sampler in parts, as newer models have it.
    let parts = json!({
        "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0],
            "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["6", 0]}},
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 5}},
        "3": {"class_type": "BasicGuider", "inputs": {"model": ["7", 0], "conditioning": ["8", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "dpmpp_2m"}},
        "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "karras", "steps": 12, "denoise": 0.5, "model": ["7", 0]}},
        "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 768, "batch_size": 1}},
        "7": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors", "weight_dtype": "default"}},
        "8": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["9", 0]}},
        "9": {"class_type": "CLIPTextEncodeFlux", "inputs": {"clip_l": "a barn", "t5xxl": "a barn in snow", "clip": ["10", 0]}},
        "10": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "a", "clip_name2": "b", "type": "flux"}},
    });
    let recipe = read("prompt", &parts.to_string());
    assert_eq!(recipe.prompt, "a barn\na barn in snow");
    assert_eq!((recipe.seed, recipe.n_steps), (Some(5), Some(12)));
    assert_eq!(
        (recipe.guidance_scale, recipe.strength),
        (Some(3.5), Some(0.5))
    );
    assert_eq!(recipe.model.as_deref(), Some("flux1-dev"));
    assert_eq!(recipe.size, Some((1024, 768)));
    assert_eq!(recipe.sampler(), Some(Sampler::Dpmpp2mKarras));
}

#[test]
fn the_canvas_of_comfy_ui_is_read_where_the_graph_is_missing() {
    let text = json!({"last_node_id": 9, "nodes": [
        {"id": 7, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "type": "CLIP", "link": 5}], "widgets_values": ["blurry"]},
        {"id": 6, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "type": "CLIP", "link": 3}], "widgets_values": ["a fox"]},
        {"id": 5, "type": "EmptyLatentImage", "widgets_values": [512, 768, 1]},
        {"id": 3, "type": "KSampler", "widgets_values": [42, "randomize", 20, 8, "euler", "karras", 1],
         "inputs": [{"name": "model", "type": "MODEL", "link": 1}, {"name": "positive", "type": "CONDITIONING", "link": 4},
                    {"name": "negative", "type": "CONDITIONING", "link": 6}]},
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["base.safetensors"]},
    ], "links": [[1, 4, 0, 3, 0, "MODEL"], [4, 6, 0, 3, 1, "CONDITIONING"], [6, 7, 0, 3, 2, "CONDITIONING"]],
       "version": 0.4});
    let recipe = read("workflow", &text.to_string());
    assert_eq!(recipe.prompt, "a fox");
    assert_eq!(recipe.negative_prompt.as_deref(), Some("blurry"));
    assert_eq!((recipe.seed, recipe.n_steps), (Some(42), Some(20)));
    assert_eq!(
        (recipe.size, recipe.model.as_deref()),
        (Some((512, 768)), Some("base"))
    );
}

#[test]
fn invoke_ai_is_read_in_every_version() {
    let newer = json!({
        "app_version": "5.6.0", "generation_mode": "sdxl_txt2img", "positive_prompt": "a stone bridge",
        "negative_prompt": "cars", "width": 1024, "height": 768, "seed": 2_222_222_222_u64, "rand_device": "cpu",
        "cfg_scale": 5.5, "steps": 30, "scheduler": "dpmpp_2m_k", "strength": 0.7,
        "model": {"key": "e2a1", "hash": "blake3:99ff", "name": "Juggernaut XL", "base": "sdxl", "type": "main"},
        "loras": [{"model": {"key": "aa", "name": "ink"}, "weight": 0.75}], "vae": null
    });
    let recipe = read("invokeai_metadata", &newer.to_string());
    assert_eq!(recipe.program, Program::InvokeAi);
    assert_eq!(recipe.prompt, "a stone bridge");
    assert_eq!(recipe.negative_prompt.as_deref(), Some("cars"));
    assert_eq!(
        (recipe.seed, recipe.n_steps),
        (Some(2_222_222_222), Some(30))
    );
    assert_eq!(
        (recipe.guidance_scale, recipe.strength),
        (Some(5.5), Some(0.7))
    );
    assert_eq!(recipe.size, Some((1024, 768)));
    assert_eq!(recipe.model.as_deref(), Some("Juggernaut XL"));
    assert_eq!(recipe.model_hash.as_deref(), Some("blake3:99ff"));
    assert_eq!(recipe.sampler(), Some(Sampler::Dpmpp2mKarras));
    let ink = Lora {
        name: "ink".into(),
        weight: 0.75,
    };
    assert_eq!(recipe.loras, [ink]);
    assert!(recipe.other.contains(&("rand_device".into(), "cpu".into())));

    let third = json!({"app_version": "3.3.0", "generation_mode": "txt2img", "positive_prompt": "a field",
        "seed": 3, "cfg_scale": 7.5, "steps": 50, "scheduler": "euler_a", "width": 64, "height": 64,
        "model": {"model_name": "anything", "base_model": "sd-1", "model_type": "main"},
        "loras": [{"lora": {"model_name": "x", "base_model": "sd-1"}, "weight": 1.0}]});
    let recipe = read("invokeai_metadata", &third.to_string());
    assert_eq!(recipe.model.as_deref(), Some("anything"));
    assert_eq!(recipe.loras[0].name, "x");

    let old = json!({"model": "stable diffusion", "model_weights": "stable-diffusion-1.5", "app_id": "invoke-ai/InvokeAI",
        "app_version": "2.2.5", "image": {"prompt": [{"prompt": "a harbour [people, fog]", "weight": 1.0}],
        "steps": 40, "cfg_scale": 7.5, "seed": 8, "width": 512, "height": 512, "sampler": "k_euler_a"}});
    let recipe = read("sd-metadata", &old.to_string());
    assert_eq!(recipe.prompt, "a harbour");
    assert_eq!(recipe.negative_prompt.as_deref(), Some("people, fog"));
    assert_eq!(recipe.model.as_deref(), Some("stable-diffusion-1.5"));
}

/// A block of EXIF with one text, as a camera or a program writes it.
fn exif(is_big_endian: bool, tag: u16, kind: u16, value: &[u8]) -> Vec<u8> {
    let short = |n: u16| {
        if is_big_endian {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let long = |n: usize| {
        let n = n as u32;
        if is_big_endian {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let mut block = if is_big_endian {
        b"MM\0*".to_vec()
    } else {
        b"II*\0".to_vec()
    };
    block.extend(long(8));
    let directory = |block: &mut Vec<u8>, tag: u16, kind: u16, n: usize, value: usize| {
        block.extend(short(1));
        block.extend([short(tag), short(kind)].concat());
        block.extend([long(n), long(value), long(0)].concat());
    };
    if tag == 0x9286 {
        directory(&mut block, 0x8769, 4, 1, 26);
    }
    let at = block.len() + 18;
    directory(&mut block, tag, kind, value.len(), at);
    block.extend(value);
    block
}

#[test]
fn user_comments_are_read_in_every_code_and_order() {
    const TEXT: &str = "a caf\u{e9} \u{1f6a4} 夜\nSteps: 20, Sampler: Euler, Seed: 5, Size: 64x64";
    let wide = |is_big_endian: bool| -> Vec<u8> {
        let units = TEXT.encode_utf16();
        units
            .flat_map(|unit| {
                if is_big_endian {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    };
    let with = |code: &[u8; 8], text: &[u8]| [code.as_slice(), text].concat();
    let comments = [
        with(b"UNICODE\0", &wide(true)),
        with(b"UNICODE\0", &wide(false)),
        with(b"UNICODE\0", &[&[0xff, 0xfe], &wide(false)[..]].concat()),
        with(b"UNICODE\0", &[&[0xfe, 0xff], &wide(true)[..]].concat()),
        with(b"UNICODE\0", TEXT.as_bytes()),
        with(b"ASCII\0\0\0", TEXT.as_bytes()),
        with(b"JIS\0\0\0\0\0", TEXT.as_bytes()),
        with(&[0; 8], TEXT.as_bytes()),
        with(b"ASCII\0\0\0", &[TEXT.as_bytes(), &[0; 5]].concat()),
        TEXT.as_bytes().to_vec(),
    ];
    for is_big_endian in [true, false] {
        for (i, comment) in comments.iter().enumerate() {
            for prefix in [&b""[..], b"Exif\0\0"] {
                let block = [prefix, &exif(is_big_endian, 0x9286, 7, comment)].concat();
                let found = from_exif(&block).unwrap_or_else(|| panic!("comment {i}"));
                let recipe = found.recipe.unwrap();
                assert_eq!(found.text, TEXT, "comment {i}, {is_big_endian}");
                assert_eq!(recipe.prompt, "a caf\u{e9} \u{1f6a4} 夜");
                assert_eq!(recipe.seed, Some(5));
            }
        }
    }
    // In JIS a ship stands between escapes.
    let japanese = b"a boat \x1b$BA%\x1b(B, \x1b$BA%\x1b$(D0!\x1b(J\nSteps: 20, Seed: 5";
    let comment = with(b"JIS\0\0\0\0\0", japanese);
    let found = from_exif(&exif(true, 0x9286, 7, &comment)).unwrap();
    let prompt = "a boat [Japanese, not readable], [Japanese, not readable]";
    assert_eq!(found.recipe.unwrap().prompt, prompt);
    // ComfyUI uses a camera's tags.
    for (tag, keyword) in [(0x0110, "Prompt"), (0x010f, "workflow"), (0x010e, "prompt")] {
        let text = format!("{keyword}:{}\0", comfy_graph());
        let found = from_exif(&exif(false, tag, 2, text.as_bytes())).unwrap();
        assert_eq!(found.recipe.unwrap().seed, Some(156_680_208_700_286));
    }
    // A camera's own words are not taken for a recipe.
    assert_eq!(
        from_exif(&exif(true, 0x0110, 2, b"EOS 5D: Mark II\0")),
        None
    );
}

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
    for (name, keyword, text) in [
        ("deep", "prompt", deep.as_str()),
        ("deep in any text", "parameters", &deep),
        ("long", "parameters", &long),
        ("many fields", "parameters", &many_fields),
        ("quotes", "parameters", &quotes),
        ("ring", "prompt", &ring),
        ("canvas ring", "workflow", &canvas.to_string()),
        (
            "wrong types",
            "prompt",
            "{\"1\": 3, \"2\": {\"inputs\": []}, \"3\": {\"inputs\": {\"sigmas\": 1, \"guider\": [[[]]]}}}",
        ),
        ("no text", "parameters", ""),
        (
            "marks up",
            "parameters",
            "<script>\nNegative prompt: ]]>\nSteps: 1, Seed: 18446744073709551616",
        ),
        (
            "infinite",
            "invokeai_metadata",
            "{\"generation_mode\": \"x\", \"seed\": 1e999, \"cfg_scale\": Infinity}",
        ),
    ] {
        let found = from_text(keyword, text);
        assert!(found.text.len() <= LIMIT_KEPT_BYTES, "{name}");
        if let Some(recipe) = found.recipe {
            assert!(recipe.other.len() <= LIMIT_FIELDS, "{name}");
            assert_eq!(recipe.seed.filter(|seed| *seed > 2), None, "{name}");
        }
    }
    // Every block of EXIF cut off anywhere, and with every byte turned over.
    let block = exif(false, 0x9286, 7, b"ASCII\0\0\0a\nSteps: 20, Seed: 5");
    for at in 0..block.len() {
        let _ = from_exif(&block[..at]);
        let mut turned = block.clone();
        turned[at] ^= 0xff;
        let _ = from_exif(&turned);
    }
}
