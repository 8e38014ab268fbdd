//! Values under plain names.

use serde_json::json;

use super::*;

#[test]
fn swarm_ui_puts_json_where_others_put_text() {
    let text = json!({"sui_image_params": {
        "prompt": "a windmill", "negativeprompt": "mist", "model": "Flux/dev-fp8.safetensors", "seed": 12,
        "steps": 25, "cfgscale": 1.5, "width": 512, "height": 768, "sampler": "euler",
        "scheduler": "normal", "nopreviews": true, "swarm_version": "0.9.1.1"
    }, "sui_extra_data": {"date": "2024-08-07"}})
    .to_string();
    let recipe = read(&text);
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

#[test]
fn programs_with_plain_names_are_read() {
    check(&[
        // Fooocus's log, by the names on its page.
        (
            r#"{"Prompt": "a market", "Negative Prompt": "umbrella", "Fooocus V2 Expansion": "a market, lit", "Styles": "['Fooocus V2']", "Performance": "Speed", "Resolution": "(896, 1152)", "Guidance Scale": 4.0, "Sharpness": 2.0, "ADM Guidance": "(1.5, 0.8, 0.3)", "Base Model": "market_v8.safetensors", "Refiner Model": "None", "Refiner Switch": 0.5, "Sampler": "dpmpp_2m_sde_gpu", "Scheduler": "karras", "Seed": "65", "LoRA 1": "offset_1.0.safetensors : 0.1", "LoRA 2": "None : 1.0", "Version": "v2.1.865"}"#,
            "Fooocus: a market | not umbrella | seed 65 | by dpmpp_2m_sde_gpu | spaced karras | cfg 4 | size 896x1152 | model market_v8 | with offset_1.0=0.1",
        ),
        // Fooocus's newer scheme names a LoRA twice, with whether it is in use.
        (
            r#"{"base_model": "b", "loras": [["ink", 0.5, "aa"]], "lora_combined_1": "True : ink.safetensors : 0.5", "lora_combined_2": "False : fog.safetensors : 1.0", "metadata_scheme": "fooocus", "negative_prompt": "", "prompt": "a", "resolution": "(64, 128)", "seed": "3", "steps": 8}"#,
            "Fooocus: a | seed 3 | steps 8 | size 64x128 | model b | with ink=0.5",
        ),
        // Easy Diffusion's in a JPEG.
        (
            r#"{"prompt": "a tower", "seed": 4, "negative_prompt": "", "num_inference_steps": 25, "guidance_scale": 7.5, "width": 768, "height": 512, "use_stable_diffusion_model": "models/tower", "sampler_name": "euler_a", "use_lora_model": ["ink", "fog"], "lora_alpha": [0.5, 1], "use_vae_model": null}"#,
            "EasyDiffusion: a tower | seed 4 | steps 25 | by euler_a | cfg 7.5 | size 768x512 | model tower | with ink=0.5+fog=1",
        ),
        (
            r#"{"Prompt": "a tower", "Seed": 4, "Steps": 25, "Stable Diffusion model": "tower", "LoRA model": "ink, fog", "LoRA Strength": "0.5, 1", "Prompt Strength": 0.8}"#,
            "EasyDiffusion: a tower | seed 4 | steps 25 | strength 0.8 | model tower | with ink=0.5+fog=1",
        ),
        // Draw Things.
        (
            r#"{"c": "a violin", "uc": "", "model": "barn_v1_f16.ckpt", "sampler": "DPM++ 2M Karras", "seed": 12, "scale": 4.5, "steps": 20, "strength": 0.6, "size": "1088x704", "lora": [{"model": "ink_lora_f16.ckpt", "weight": 0.6}], "v2": {"steps": 1}}"#,
            "DrawThings: a violin | seed 12 | steps 20 | by DPM++ 2M Karras | cfg 4.5 | size 1088x704 | strength 0.6 | model barn_v1_f16 | with ink_lora_f16=0.6",
        ),
        // NovelAI, version 4, as it lies in pixels and in EXIF: JSON within JSON.
        (
            &json!({"Title": "NovelAI generated image", "Description": "two people", "Software": "NovelAI",
                "Source": "NovelAI Diffusion V4.5 4BDE2A90", "Comment": json!({"prompt": "two people", "steps": 28,
                "height": 1216, "width": 832, "scale": 5.0, "uncond_scale": 0.0, "seed": 41, "noise_schedule": "karras",
                "sampler": "k_euler_ancestral", "strength": 0.7, "request_type": "PromptGenerateRequest", "uc": "blurry",
                "v4_prompt": {"caption": {"base_caption": "two people", "char_captions": [
                    {"char_caption": "a girl", "centers": [{"x": 0.5, "y": 0.5}]}, {"char_caption": "a boy"}]}},
                "v4_negative_prompt": {"caption": {"base_caption": "blurry", "char_captions": [{"char_caption": ""}]}}
            }).to_string()}).to_string(),
            "NovelAi: two people\na girl\na boy | not blurry | seed 41 | steps 28 | by k_euler_ancestral | spaced karras | cfg 5 | size 832x1216 | model NovelAI Diffusion V4.5",
        ),
        // Its picture to picture says how much it changed.
        (
            &json!({"Software": "NovelAI", "Description": "a hill", "Source": "Stable Diffusion 1D44365E",
                "Comment": "{\"steps\": 50, \"sampler\": \"nai_smea\", \"seed\": 5, \"strength\": 0.5, \"noise\": 0.1, \"scale\": 12, \"uc\": \"\", \"request_type\": \"Img2ImgRequest\"}"}).to_string(),
            "NovelAi: a hill | seed 5 | steps 50 | by nai_smea | cfg 12 | strength 0.5 | model Stable Diffusion",
        ),
        // mflux.
        (
            r#"{"mflux_version": "0.4.1", "model": "dev", "prompt": "a pond", "seed": 2, "steps": 14, "guidance": 3.5, "height": 512, "width": 768, "precision": "bf16", "lora_paths": ["loras/ink.safetensors"], "lora_scales": [0.7]}"#,
            "Unknown: a pond | seed 2 | steps 14 | cfg 3.5 | size 768x512 | model dev | with ink=0.7",
        ),
        // RuinedFooocus.
        (
            r#"{"Prompt": "a pond", "Negative": "fog", "steps": 30, "cfg": 8, "width": 1152, "height": 896, "seed": 77, "sampler_name": "dpmpp_2m_sde_gpu", "scheduler": "karras", "base_model_name": "pond_xl.safetensors", "base_model_hash": "aa", "loras": [["", "0.5 - ink"]], "software": "RuinedFooocus"}"#,
            "Unknown: a pond | not fog | seed 77 | steps 30 | by dpmpp_2m_sde_gpu | spaced karras | cfg 8 | size 1152x896 | model pond_xl",
        ),
        // SwarmUI in older versions: texts with commas, and the program behind it.
        (
            r#"{"sui_image_params": {"prompt": "a pond", "negativeprompt": "", "model": "pond.safetensors", "seed": 3, "steps": 20, "cfgscale": 7, "width": 64, "height": 32, "comfyuisampler": "dpmpp_2m", "comfyuischeduler": "karras", "loras": "a/ink.safetensors,fog", "loraweights": "0.5,1"}}"#,
            "SwarmUi: a pond | seed 3 | steps 20 | by dpmpp_2m | spaced karras | cfg 7 | size 64x32 | model pond | with ink=0.5+fog=1",
        ),
        (
            r#"{"sui_image_params": {"prompt": "a pond", "seed": 3, "steps": 20, "initimage": "x.png", "initimagecreativity": 0.4}, "sui_models": [{"name": "pond", "param": "model", "hash": "0xaa"}]}"#,
            "SwarmUi: a pond | seed 3 | steps 20 | strength 0.4",
        ),
        // Any other JSON is none.
        (r#"{"prompt": "enter", "title": "a form"}"#, "nothing"),
        (r#"{"seed": 4, "steps": 3}"#, "nothing"),
        ("{}", "nothing"),
    ]);
}

#[test]
fn draw_things_is_read_from_its_description_too() {
    let mut texts = Texts::default();
    texts.add("xmp:CreatorTool", "Draw Things");
    let text = "a violin\nby a barn\n-people, fog\nSteps: 10, Sampler: DDIM, Guidance Scale: 10.0, Seed: 12, Size: 1088x704, Model: \
        barn_v1_f16.ckpt, Strength: 1.0, Seed Mode: Scale Alike";
    texts.add("xmp:description", text);
    let recipe = from_texts(&texts).unwrap().recipe.unwrap();
    let expected = "DrawThings: a violin\nby a barn | not people, fog | seed 12 | steps 10 | by DDIM | cfg 10 | size 1088x704 | model barn_v1_f16";
    assert_eq!(in_short(&recipe), expected);
}

#[test]
fn of_several_texts_the_one_that_says_something_is_taken() {
    let graph = super::comfy::comfy_graph().to_string();
    for (texts, program) in [
        // An extension's text says more than the graph.
        (
            vec![
                ("prompt", graph.as_str()),
                ("parameters", "a\nSteps: 3, Seed: 4"),
            ],
            Program::WebUi,
        ),
        (
            vec![("parameters", "None"), ("Comment", "a\nSteps: 3, Seed: 4")],
            Program::WebUi,
        ),
        (
            vec![("parameters", ""), ("parameters", "a\nSteps: 3, Seed: 4")],
            Program::WebUi,
        ),
        (
            vec![("parameters", "of a camera"), ("prompt", &graph)],
            Program::ComfyUi,
        ),
        (
            vec![("workflow", "{}"), ("prompt", &graph)],
            Program::ComfyUi,
        ),
        (
            vec![
                ("Software", "NovelAI"),
                ("Description", "a"),
                ("Comment", "{\"uc\": \"b\", \"seed\": 1}"),
            ],
            Program::NovelAi,
        ),
        (
            vec![("Make", "Canon"), ("XPComment", "a\nSteps: 3, Seed: 4")],
            Program::WebUi,
        ),
    ] {
        let mut all = Texts::default();
        for (keyword, text) in &texts {
            all.add(keyword, text);
        }
        let found = from_texts(&all).unwrap_or_else(|| panic!("{texts:?}"));
        assert_eq!(
            found.recipe.map(|recipe| recipe.program),
            Some(program),
            "{texts:?}"
        );
    }
    // A camera's own words are no recipe; a recipe that is not understood is shown as it is.
    let mut camera = Texts::default();
    camera.add("Model", "EOS 5D: Mark II");
    camera.add("UserComment", "shot on holiday: the pier");
    assert_eq!(from_texts(&camera), None);
    camera.add("parameters", "by hand");
    let text = "by hand".to_owned();
    assert_eq!(from_texts(&camera), Some(Found { recipe: None, text }));
}

#[test]
fn every_program_is_called_by_its_name() {
    let graph = super::comfy::comfy_graph().to_string();
    for (text, label) in [
        ("a\nSteps: 3, Seed: 4", "Stable Diffusion web UI"),
        (graph.as_str(), "ComfyUI"),
        (r#"{"generation_mode": "txt2img", "seed": 3}"#, "InvokeAI"),
        (r#"{"sui_image_params": {"prompt": "a"}}"#, "SwarmUI"),
        (
            r#"{"Software": "NovelAI", "Comment": "{\"seed\": 3}"}"#,
            "NovelAI",
        ),
        (
            r#"{"prompt": "a", "seed": 3, "metadata_scheme": "fooocus"}"#,
            "Fooocus",
        ),
        (
            r#"{"prompt": "a", "seed": 3, "use_stable_diffusion_model": "m"}"#,
            "Easy Diffusion",
        ),
        (r#"{"c": "a", "uc": "b", "seed": 3}"#, "Draw Things"),
        ("a\nSteps: 3, Seed: 4, model: m", "AI Horde"),
        (r#"{"prompt": "a", "seed": 3}"#, "another program"),
    ] {
        assert_eq!(read(text).program.label(), label, "{text}");
    }
}
