//! `ComfyUI`'s graphs.

use serde_json::json;

use super::*;

mod canvases;
mod graphs;

/// The graph of `ComfyUI`'s first template, as it ran.
pub fn comfy_graph() -> serde_json::Value {
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
    let recipe = read(&text);
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
    let recipe = read(&graph.to_string());
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
    let recipe = read(&parts.to_string());
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
                    {"name": "negative", "type": "CONDITIONING", "link": 6}, {"name": "latent_image", "type": "LATENT", "link": 7}]},
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["base.safetensors"]},
    ], "links": [[1, 4, 0, 3, 0, "MODEL"], [4, 6, 0, 3, 1, "CONDITIONING"], [6, 7, 0, 3, 2, "CONDITIONING"], [7, 5, 0, 3, 3, "LATENT"]],
       "version": 0.4});
    let recipe = read(&text.to_string());
    assert_eq!(recipe.prompt, "a fox");
    assert_eq!(recipe.negative_prompt.as_deref(), Some("blurry"));
    assert_eq!((recipe.seed, recipe.n_steps), (Some(42), Some(20)));
    assert_eq!(
        (recipe.size, recipe.model.as_deref()),
        (Some((512, 768)), Some("base"))
    );
}
