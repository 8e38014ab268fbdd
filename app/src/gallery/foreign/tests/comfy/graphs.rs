//! What extensions and longer graphs do to a graph as it ran.

use serde_json::{Value, json};

use super::super::*;

/// The first template's graph: loader 4, latent 5, texts 6 and 7, sampler 3, decoder 8, saver 9; some nodes replaced, some
/// added.
fn graph(changes: Value) -> String {
    let mut graph = json!({
        "3": {"class_type": "KSampler", "inputs": {"seed": 11, "steps": 20, "cfg": 8.0, "sampler_name": "euler",
            "scheduler": "normal", "denoise": 1.0, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0],
            "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sub/base.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 640, "height": 512, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a kite", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog", "clip": ["4", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["8", 0]}},
    });
    let Value::Object(changes) = changes else {
        panic!("{changes}")
    };
    for (id, node) in changes {
        let inputs = node.get("inputs").and_then(Value::as_object).cloned();
        match (graph.get_mut(&id), node.get("class_type")) {
            // Only some inputs of a node.
            (Some(own), None) => {
                for (name, value) in inputs.unwrap() {
                    own["inputs"][name] = value;
                }
            }
            _ => graph[id] = node,
        }
    }
    graph.to_string()
}

const PLAIN: &str =
    "seed 11 | steps 20 | by euler | spaced normal | cfg 8 | size 640x512 | model base";

fn check_graphs(table: &[(&str, Value, &str)]) {
    let mut wrong = Vec::new();
    for (name, changes, expected) in table {
        let is = from_text(&graph(changes.clone())).recipe;
        let is = is.map_or("nothing".to_owned(), |recipe| in_short(&recipe));
        let expected = format!("ComfyUi: {}", expected.replace("PLAIN", PLAIN));
        if is != expected {
            wrong.push(format!("{name}\n  is  {is}\n  not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn words_are_followed_to_where_they_were_typed() {
    let text = |text: &str| json!({"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["4", 1]}});
    check_graphs(&[
        (
            "two conditions combined, and one of them twice",
            json!({"20": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["6", 0], "conditioning_2": ["21", 0]}},
                "21": {"class_type": "ConditioningConcat", "inputs": {"conditioning_to": ["22", 0], "conditioning_from": ["6", 0]}},
                "22": text("a dune"), "3": {"inputs": {"positive": ["20", 0]}}}),
            "a kite\na dune | not fog | PLAIN",
        ),
        (
            "an area, a mask and a step range around a condition",
            json!({"20": {"class_type": "ConditioningSetArea", "inputs": {"conditioning": ["21", 0], "width": 8, "height": 8}},
                "21": {"class_type": "ConditioningSetTimestepRange", "inputs": {"conditioning": ["6", 0], "start": 0.0, "end": 1.0}},
                "3": {"inputs": {"positive": ["20", 0]}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "both sides go through one node, and out of its outputs",
            json!({"20": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["6", 0], "negative": ["7", 0],
                "control_net": ["21", 0], "image": ["22", 0], "strength": 1.0}},
                "21": {"class_type": "ControlNetLoader", "inputs": {"control_net_name": "canny.safetensors"}},
                "22": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
                "3": {"inputs": {"positive": ["20", 0], "negative": ["20", 1]}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "a negative of zeros behind both-sided nodes",
            json!({"20": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["6", 0], "negative": ["21", 0]}},
                "21": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}},
                "3": {"inputs": {"positive": ["20", 0], "negative": ["20", 1]}}}),
            "a kite | PLAIN",
        ),
        (
            "an empty negative",
            json!({"7": text("")}),
            "a kite | PLAIN",
        ),
        (
            "texts concatenated by an extension, one of them replaced in",
            json!({"6": {"inputs": {"text": ["20", 0]}},
                "20": {"class_type": "Text Concatenate", "inputs": {"delimiter": ", ", "clean_whitespace": "true", "text_a": ["21", 0],
                    "text_b": "high", "text_c": ["22", 0]}},
                "21": {"class_type": "StringReplace", "inputs": {"string": "a KITE", "find": "KITE", "replace": "boat"}},
                "22": {"class_type": "ShowText|pysssss", "inputs": {"text": ["23", 0], "text2": "old"}},
                "23": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "at sea"}}}),
            "a boat, high, at sea | not fog | PLAIN",
        ),
        (
            "a wildcard encoder that loads as well",
            json!({"6": {"class_type": "ImpactWildcardEncode", "inputs": {"model": ["4", 0], "clip": ["4", 1],
                "wildcard_text": "a __toy__", "populated_text": "a kite, red", "mode": "populate", "seed": 5}},
                "3": {"inputs": {"positive": ["6", 2], "model": ["6", 0]}}}),
            "a kite, red | not fog | PLAIN",
        ),
        (
            "a styler gives out both sides",
            json!({"20": {"class_type": "SDXLPromptStyler", "inputs": {"text_positive": "a kite", "text_negative": "rain", "style": "base"}},
                "6": {"inputs": {"text": ["20", 0]}}, "7": {"inputs": {"text": ["20", 1]}}}),
            "a kite | not rain | PLAIN",
        ),
        (
            "a switch between texts",
            json!({"6": {"inputs": {"text": ["20", 0]}},
                "20": {"class_type": "ImpactSwitch", "inputs": {"select": 2, "input1": ["21", 0], "input2": ["22", 0]}},
                "21": {"class_type": "PrimitiveString", "inputs": {"value": "one"}},
                "22": {"class_type": "PrimitiveString", "inputs": {"value": "two"}}}),
            "two | not fog | PLAIN",
        ),
        (
            "the two encoders of SDXL and its refiner's one",
            json!({"6": {"class_type": "CLIPTextEncodeSDXL", "inputs": {"text_g": "a kite", "text_l": "a kite", "width": 4096,
                "height": 4096, "clip": ["4", 1]}}}),
            "a kite | not fog | PLAIN",
        ),
    ]);
}

#[test]
fn the_node_that_began_the_picture_is_found() {
    let sampler = |inputs: Value| {
        let mut node = json!({"class_type": "KSampler", "inputs": {"seed": 99, "steps": 9, "cfg": 3.0, "sampler_name": "lcm",
            "scheduler": "simple", "denoise": 0.5, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0]}});
        for (name, value) in inputs.as_object().unwrap() {
            node["inputs"][name] = value.clone();
        }
        node
    };
    check_graphs(&[
        (
            "a second pass over the enlarged latent",
            json!({"20": {"class_type": "LatentUpscale", "inputs": {"samples": ["3", 0], "width": 1280, "height": 1024}},
                "21": sampler(json!({"latent_image": ["20", 0]})), "8": {"inputs": {"samples": ["21", 0]}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "a second pass that begins anew",
            json!({"20": {"class_type": "LatentUpscaleBy", "inputs": {"samples": ["3", 0], "scale_by": 2.0}},
                "21": sampler(json!({"latent_image": ["20", 0], "denoise": 1.0})), "8": {"inputs": {"samples": ["21", 0]}}}),
            "a kite | not fog | seed 99 | steps 9 | by lcm | spaced simple | cfg 3 | model base",
        ),
        (
            "an upscaler by tiles, then a detailer by segments, both with higher numbers",
            json!({"20": {"class_type": "UltimateSDUpscale", "inputs": {"image": ["8", 0], "model": ["4", 0], "positive": ["7", 0],
                "negative": ["7", 0], "seed": 5, "steps": 3, "cfg": 1.0, "sampler_name": "ddim", "scheduler": "normal", "denoise": 0.2,
                "upscale_model": ["22", 0]}},
                "21": {"class_type": "DetailerForEach", "inputs": {"image": ["20", 0], "segs": ["23", 0], "model": ["4", 0],
                    "positive": ["7", 0], "negative": ["7", 0], "seed": 6, "steps": 4, "cfg": 1.0, "sampler_name": "ddim",
                    "scheduler": "normal", "denoise": 0.3}},
                "22": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "4x.pth"}},
                "23": {"class_type": "BboxDetectorSEGS", "inputs": {"image": ["20", 0]}},
                "9": {"inputs": {"images": ["21", 0]}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "a detailer over a photo is all there is",
            json!({"20": {"class_type": "FaceDetailer", "inputs": {"image": ["21", 0], "model": ["4", 0], "positive": ["6", 0],
                "negative": ["7", 0], "seed": 6, "steps": 4, "cfg": 1.5, "sampler_name": "ddim", "scheduler": "normal",
                "denoise": 0.3}},
                "21": {"class_type": "LoadImage", "inputs": {"image": "x.png"}}, "9": {"inputs": {"images": ["20", 0]}}}),
            "a kite | not fog | seed 6 | steps 4 | by ddim | spaced normal | cfg 1.5 | strength 0.3 | model base",
        ),
        (
            "a map of depth saved beside it, with a higher number",
            json!({"30": {"class_type": "SaveImage", "inputs": {"images": ["31", 0]}},
                "31": {"class_type": "DepthAnything", "inputs": {"image": ["32", 0]}},
                "32": {"class_type": "LoadImage", "inputs": {"image": "x.png"}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "saved by an extension's node, previewed by another branch",
            json!({"9": {"class_type": "Image Save", "inputs": {"images": ["8", 0], "output_path": "x"}},
                "40": {"class_type": "PreviewImage", "inputs": {"images": ["41", 0]}},
                "41": {"class_type": "VAEDecode", "inputs": {"samples": ["42", 0]}},
                "42": sampler(json!({"latent_image": ["5", 0], "denoise": 1.0}))}),
            "a kite | not fog | PLAIN",
        ),
        (
            "nothing is saved",
            json!({"9": {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "the sampler is two: the second goes on with a late step",
            json!({"3": {"class_type": "KSamplerAdvanced", "inputs": {"add_noise": "enable", "noise_seed": 7, "steps": 30, "cfg": 5.0,
                "sampler_name": "euler", "scheduler": "simple", "start_at_step": 0, "end_at_step": 15, "return_with_leftover_noise":
                "enable", "model": ["20", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
                "20": {"class_type": "UNETLoader", "inputs": {"unet_name": "wan_high.safetensors", "weight_dtype": "default"}},
                "21": {"class_type": "KSamplerAdvanced", "inputs": {"add_noise": "enable", "noise_seed": 8, "steps": 30, "cfg": 6.0,
                "sampler_name": "ddim", "scheduler": "simple", "start_at_step": 15, "end_at_step": 999, "model": ["4", 0], "positive":
                ["6", 0], "negative": ["7", 0], "latent_image": ["3", 0]}}, "8": {"inputs": {"samples": ["21", 0]}}}),
            "a kite | not fog | seed 7 | steps 30 | by euler | spaced simple | cfg 5 | size 640x512 | model wan_high",
        ),
        (
            "Stable Cascade",
            json!({"20": sampler(json!({"positive": ["21", 0], "negative": ["22", 0], "latent_image": ["23", 1], "denoise": 1.0})),
                "21": {"class_type": "StableCascade_StageB_Conditioning", "inputs": {"conditioning": ["6", 0], "stage_c": ["3", 0]}},
                "22": {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}},
                "23": {"class_type": "StableCascade_EmptyLatentImage", "inputs": {"width": 1024, "height": 768, "compression": 42}},
                "3": {"inputs": {"latent_image": ["23", 0]}}, "8": {"inputs": {"samples": ["20", 0]}}}),
            "a kite | not fog | seed 11 | steps 20 | by euler | spaced normal | cfg 8 | size 1024x768 | model base",
        ),
    ]);
}

#[test]
fn samplers_in_parts_and_pipes_are_read() {
    check_graphs(&[
        (
            "a guider with two prompts, a schedule by its class, a sampler by its class",
            json!({"3": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["20", 0], "guider": ["21", 0], "sampler": ["22", 0],
                "sigmas": ["23", 0], "latent_image": ["5", 0]}},
                "20": {"class_type": "RandomNoise", "inputs": {"noise_seed": 5}},
                "21": {"class_type": "CFGGuider", "inputs": {"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "cfg": 3.5}},
                "22": {"class_type": "SamplerEulerAncestral", "inputs": {"eta": 1.0}},
                "23": {"class_type": "KarrasScheduler", "inputs": {"steps": 14, "sigma_max": 14.6, "sigma_min": 0.03, "rho": 7.0}}}),
            "a kite | not fog | seed 5 | steps 14 | by euler_ancestral | spaced karras | cfg 3.5 | size 640x512 | model base",
        ),
        (
            "the second half of split sigmas, without noise",
            json!({"3": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["20", 0], "guider": ["21", 0], "sampler": ["22", 0],
                "sigmas": ["24", 0], "latent_image": ["5", 0]}},
                "20": {"class_type": "RandomNoise", "inputs": {"noise_seed": 5}},
                "21": {"class_type": "BasicGuider", "inputs": {"model": ["4", 0], "conditioning": ["27", 0]}},
                "22": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
                "23": {"class_type": "BasicScheduler", "inputs": {"scheduler": "beta", "steps": 14, "denoise": 1.0, "model": ["4", 0]}},
                "24": {"class_type": "SplitSigmas", "inputs": {"sigmas": ["23", 0], "step": 7}},
                "25": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["26", 0], "guider": ["21", 0], "sampler": ["22", 0],
                    "sigmas": ["24", 1], "latent_image": ["3", 0]}},
                "26": {"class_type": "DisableNoise", "inputs": {}},
                "27": {"class_type": "FluxGuidance", "inputs": {"guidance": 2.5, "conditioning": ["6", 0]}},
                "8": {"inputs": {"samples": ["25", 0]}}}),
            "a kite | seed 5 | steps 14 | by euler | spaced beta | cfg 2.5 | size 640x512 | model base",
        ),
        (
            "a pipe that is made, taken apart and sampled",
            json!({"20": {"class_type": "ToBasicPipe", "inputs": {"model": ["4", 0], "clip": ["4", 1], "vae": ["4", 2], "positive": ["6", 0],
                "negative": ["7", 0]}},
                "21": {"class_type": "FromBasicPipe", "inputs": {"basic_pipe": ["20", 0]}},
                "3": {"inputs": {"model": ["21", 0], "positive": ["21", 3], "negative": ["21", 4]}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "a sampler that takes a pipe",
            json!({"20": {"class_type": "ToBasicPipe", "inputs": {"model": ["4", 0], "clip": ["4", 1], "vae": ["4", 2], "positive": ["6", 0],
                "negative": ["7", 0]}},
                "3": {"class_type": "ImpactKSamplerBasicPipe", "inputs": {"basic_pipe": ["20", 0], "seed": 11, "steps": 20, "cfg": 8.0,
                "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0, "latent_image": ["5", 0]}}}),
            "a kite | not fog | PLAIN",
        ),
    ]);
}

#[test]
fn samplers_of_packs_are_read() {
    check_graphs(&[
        (
            "Efficiency Nodes: texts and model in the loader",
            json!({"20": {"class_type": "Efficient Loader", "inputs": {"ckpt_name": "base.safetensors", "vae_name": "x.pt", "clip_skip": -1,
                "lora_name": "ink.safetensors", "lora_model_strength": 0.7, "lora_clip_strength": 1.0, "positive": "a kite", "negative":
                "fog", "empty_latent_width": 640, "empty_latent_height": 512, "batch_size": 1, "lora_stack": ["21", 0]}},
                "21": {"class_type": "LoRA Stacker", "inputs": {"input_mode": "simple", "lora_count": 2, "lora_name_1": "fog.safetensors",
                    "lora_wt_1": 0.5, "lora_name_2": "None", "lora_wt_2": 1.0, "lora_name_3": "off.safetensors", "lora_wt_3": 1.0}},
                "3": {"class_type": "KSampler (Efficient)", "inputs": {"seed": 11, "steps": 20, "cfg": 8.0, "sampler_name": "euler",
                    "scheduler": "normal", "denoise": 1.0, "preview_method": "auto", "model": ["20", 0], "positive": ["20", 1],
                    "negative": ["20", 2], "latent_image": ["20", 3], "optional_vae": ["20", 4]}},
                "8": {"inputs": {"samples": ["3", 3]}}}),
            "a kite | not fog | PLAIN | with fog=0.5+ink=0.7",
        ),
        (
            "Easy Use: the sampler has nothing but a pipe",
            json!({"20": {"class_type": "easy fullLoader", "inputs": {"ckpt_name": "base.safetensors", "lora_name": "None", "positive":
                "a kite", "negative": "fog", "empty_latent_width": 640, "empty_latent_height": 512}},
                "21": {"class_type": "easy preSampling", "inputs": {"steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler":
                    "normal", "denoise": 1.0, "seed": 11, "pipe": ["20", 0]}},
                "3": {"class_type": "easy kSampler", "inputs": {"image_output": "Save", "pipe": ["21", 0]}},
                "9": {"inputs": {"images": ["3", 1]}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "numbers from primitives, switches and configurations",
            json!({"3": {"inputs": {"seed": ["20", 0], "steps": ["21", 0], "cfg": ["21", 2], "sampler_name": ["21", 3], "scheduler":
                ["21", 4]}}, "5": {"inputs": {"width": ["22", 0], "height": ["23", 0]}},
                "20": {"class_type": "Seed (rgthree)", "inputs": {"seed": 11}},
                "21": {"class_type": "KSampler Config (rgthree)", "inputs": {"steps_total": 20, "refiner_step": 16, "cfg": 8.0,
                    "sampler_name": "euler", "scheduler": "normal"}},
                "22": {"class_type": "PrimitiveInt", "inputs": {"value": 640}},
                "23": {"class_type": "ComfySwitchNode", "inputs": {"switch": true, "on_true": ["24", 0], "on_false": ["22", 0]}},
                "24": {"class_type": "INTConstant", "inputs": {"value": 512}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "what is computed is not known",
            json!({"3": {"inputs": {"steps": ["20", 0]}},
                "20": {"class_type": "MathExpression|pysssss", "inputs": {"expression": "a * 2", "a": ["21", 0]}},
                "21": {"class_type": "PrimitiveInt", "inputs": {"value": 7}}}),
            "a kite | not fog | seed 11 | by euler | spaced normal | cfg 8 | size 640x512 | model base",
        ),
        (
            "a size chosen by its name",
            json!({"5": {"class_type": "SDXLEmptyLatentSizePicker+", "inputs": {"resolution": "832x1216 (0.68)", "batch_size": 1}}}),
            "a kite | not fog | seed 11 | steps 20 | by euler | spaced normal | cfg 8 | size 832x1216 | model base",
        ),
        (
            "a sampler with names of its own",
            json!({"3": {"class_type": "XlabsSampler", "inputs": {"model": ["4", 0], "conditioning": ["6", 0], "neg_conditioning": ["7", 0],
                "noise_seed": 11, "steps": 20, "timestep_to_start_cfg": 1, "true_gs": 3.5, "image_to_image_strength": 0.0,
                "latent_image": ["5", 0]}}}),
            "a kite | not fog | seed 11 | steps 20 | cfg 3.5 | size 640x512 | model base",
        ),
        (
            "a whole pipeline in one node",
            json!({"3": {"class_type": "SomePipelineSampler", "inputs": {"prompt": ["20", 0], "negative_prompt": "fog", "seed": 11,
                "num_inference_steps": 20, "guidance_scale": 8.0, "width": 640, "height": 512, "pipeline": ["4", 0]}},
                "20": {"class_type": "String Literal", "inputs": {"string": "a kite"}}, "9": {"inputs": {"images": ["3", 0]}}}),
            "a kite | not fog | seed 11 | steps 20 | cfg 8 | size 640x512",
        ),
        (
            "a video's embeddings hold both sides",
            json!({"3": {"class_type": "WanVideoSampler", "inputs": {"model": ["20", 0], "image_embeds": ["21", 0], "text_embeds": ["22", 0],
                "steps": 20, "cfg": 8.0, "shift": 5.0, "seed": 11, "scheduler": "unipc"}},
                "20": {"class_type": "WanVideoModelLoader", "inputs": {"model": "wan/base.safetensors", "base_precision": "fp16", "lora":
                    ["23", 0]}},
                "21": {"class_type": "WanVideoEmptyEmbeds", "inputs": {"width": 640, "height": 512, "num_frames": 81}},
                "22": {"class_type": "WanVideoTextEncode", "inputs": {"positive_prompt": "a kite", "negative_prompt": "fog"}},
                "23": {"class_type": "WanVideoLoraSelect", "inputs": {"lora": "ink.safetensors", "strength": 0.5}}}),
            "a kite | not fog | seed 11 | steps 20 | spaced unipc | cfg 8 | size 640x512 | model base | with ink=0.5",
        ),
    ]);
}

#[test]
fn the_model_is_the_one_that_denoised() {
    check_graphs(&[
        (
            "networks one after the other, others not on the way",
            json!({"20": {"class_type": "LoraLoader", "inputs": {"lora_name": "ink.safetensors", "strength_model": 0.5, "strength_clip":
                1.0, "model": ["21", 0], "clip": ["21", 1]}},
                "21": {"class_type": "LoraLoaderModelOnly", "inputs": {"lora_name": "dir\\fog.safetensors", "strength_model": -0.2, "model":
                    ["4", 0]}},
                "22": {"class_type": "LoraLoader", "inputs": {"lora_name": "unused.safetensors", "strength_model": 1.0, "model": ["4", 0]}},
                "3": {"inputs": {"model": ["20", 0]}}}),
            "a kite | not fog | PLAIN | with fog=-0.2+ink=0.5",
        ),
        (
            "rgthree's list, of which one is off",
            json!({"20": {"class_type": "Power Lora Loader (rgthree)", "inputs": {"PowerLoraLoaderHeaderWidget": {"type": "x"}, "lora_1":
                {"on": true, "lora": "ink.safetensors", "strength": 0.8}, "lora_2": {"on": false, "lora": "fog.safetensors", "strength":
                1.0}, "➕ Add Lora": "", "model": ["4", 0], "clip": ["4", 1]}}, "3": {"inputs": {"model": ["20", 0]}}}),
            "a kite | not fog | PLAIN | with ink=0.8",
        ),
        (
            "Comfyroll's list",
            json!({"20": {"class_type": "CR Apply LoRA Stack", "inputs": {"model": ["4", 0], "clip": ["4", 1], "lora_stack": ["21", 0]}},
                "21": {"class_type": "CR LoRA Stack", "inputs": {"switch_1": "On", "lora_name_1": "ink.safetensors", "model_weight_1": 0.4,
                    "clip_weight_1": 1.0, "switch_2": "Off", "lora_name_2": "fog.safetensors", "model_weight_2": 1.0}},
                "3": {"inputs": {"model": ["20", 0]}}}),
            "a kite | not fog | PLAIN | with ink=0.4",
        ),
        (
            "patches on the way, a loader that shows pictures",
            json!({"4": {"class_type": "CheckpointLoader|pysssss", "inputs": {"ckpt_name": {"content": "sub/base.safetensors", "image":
                "x.png"}}},
                "20": {"class_type": "ModelSamplingSD3", "inputs": {"model": ["21", 0], "shift": 3.0}},
                "21": {"class_type": "IPAdapterAdvanced", "inputs": {"model": ["4", 0], "ipadapter": ["22", 0], "image": ["23", 0],
                    "weight": 1.0}},
                "22": {"class_type": "IPAdapterModelLoader", "inputs": {"ipadapter_file": "ip.safetensors"}},
                "23": {"class_type": "LoadImage", "inputs": {"image": "x.png"}},
                "3": {"inputs": {"model": ["20", 0]}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "a loader with a name of its own for the file",
            json!({"4": {"class_type": "NunchakuLoader", "inputs": {"vae_name": "v.safetensors", "weights": "dir/base.gguf", "cache": 0}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "the name of the file comes from another node",
            json!({"4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": ["20", 0]}},
                "20": {"class_type": "Checkpoint Selector", "inputs": {"ckpt_name": "base.ckpt"}}}),
            "a kite | not fog | PLAIN",
        ),
        (
            "two models merged: the first",
            json!({"20": {"class_type": "ModelMergeSimple", "inputs": {"model1": ["4", 0], "model2": ["21", 0], "ratio": 0.5}},
                "21": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "other.safetensors"}},
                "3": {"inputs": {"model": ["20", 0]}}}),
            "a kite | not fog | PLAIN",
        ),
    ]);
}

#[test]
fn both_graphs_may_lie_in_one_json_and_civitai_says_it_twice() {
    let whole: Value = serde_json::from_str(&graph(json!({}))).unwrap();
    let both = json!({"prompt": whole, "workflow": {"nodes": []}});
    let recipe = read(&both.to_string());
    assert_eq!(
        in_short(&recipe),
        format!("ComfyUi: a kite | not fog | {PLAIN}")
    );
    // A graph in which nothing samples that is known.
    let extra = json!({"prompt": "a pond", "negativePrompt": "fog", "cfgScale": 7, "sampler": "Euler a", "steps": 25, "seed": 3});
    let civitai = json!({"1": {"class_type": "Unknown", "inputs": {}}, "extra": {"airs": []}, "extraMetadata": extra.to_string()});
    let recipe = read(&civitai.to_string());
    assert_eq!(
        in_short(&recipe),
        "ComfyUi: a pond | not fog | seed 3 | steps 25 | by Euler a | cfg 7"
    );
    // Seeds above 2^53 are exact or not there.
    let seed = |seed: &str| {
        let text = graph(json!({"3": {"inputs": {"seed": "SEED"}}})).replace("\"SEED\"", seed);
        read(&text).seed
    };
    assert_eq!(seed("18446744073709551615"), Some(u64::MAX));
    assert_eq!(seed("9007199254740993"), Some(9_007_199_254_740_993));
    assert_eq!(seed("1.8446744073709552e19"), None);
    assert_eq!(seed("18446744073709551616"), None);
    assert_eq!(seed("-1"), None);
}
