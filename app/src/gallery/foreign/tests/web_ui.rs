//! The AUTOMATIC1111 web interface and its kin.

use super::*;

#[test]
fn web_ui_texts_are_read() {
    let whole = "a lighthouse at dusk, <lora:Oil Paint:0.8>\nwide view\nNegative prompt: people,\nboats\n\
        Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 3141592653, Size: 832x1216, \
        Model hash: 31e35c80fc, Model: dreamBase_v10, Denoising strength: 0.35, Clip skip: 2, \
        Lora hashes: \"Oil Paint: 1a2b3c, Other: 4d5e\", Hires upscale: 1.5, Version: v1.10.1";
    let recipe = read(whole);
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
        let recipe = read(text);
        assert_eq!(recipe.prompt, prompt, "{text}");
        assert_eq!(recipe.negative_prompt.as_deref(), negative, "{text}");
        assert_eq!(recipe.n_steps, n_steps, "{text}");
    }
    // Numbers that are none are left out; the rest holds.
    let recipe = read("a\nSteps: many, CFG scale: nan, Seed: -1, Size: 8, Model: m");
    assert_eq!(recipe.model.as_deref(), Some("m"));
    assert_eq!(
        (recipe.n_steps, recipe.seed, recipe.size),
        (None, None, None)
    );
    assert_eq!(recipe.guidance_scale, None);
    // Any other text is no recipe, and is kept.
    let found = from_text("shot on holiday: the pier");
    assert_eq!((found.recipe, found.text.len()), (None, 25));
}

/// What members of the family write that is not in the first one's own text.
#[test]
fn kin_of_the_web_ui_are_read() {
    check(&[
        // AI Horde's front ends: names in lower case, both prompts in one.
        (
            "a robot ### rust, fog\nSteps: 30, Sampler: k_euler_a, CFG scale: 7.5, Seed: 19,Size: 512x768, model: Deliberate",
            "AiHorde: a robot | not rust, fog | seed 19 | steps 30 | by k_euler_a | cfg 7.5 | size 512x768 | model Deliberate",
        ),
        // No spaces at all.
        (
            "a cat\nNegative prompt:dog\nSteps:20,Sampler:Euler a,CFG scale:7,Seed:5,Size:512x768,Model:m_1",
            "WebUi: a cat | not dog | seed 5 | steps 20 | by Euler a | cfg 7 | size 512x768 | model m_1",
        ),
        // JSON among the values.
        (
            "a cat\nSteps: 20, Sampler: Euler, Seed: 5, Hashes: {\"model\": \"aa11\", \"lora:ink, Seed: 1\": \"b\"}, Model: m",
            "WebUi: a cat | seed 5 | steps 20 | by Euler | model m",
        ),
        // Civitai.
        (
            "a cat\nSteps: 25, Sampler: Euler a, CFG scale: 7, Seed: 6, Size: 832x1216, Clip skip: 2, Created Date: \
             2024-11-02T10:12:33.1234567Z, Civitai resources: [{\"type\":\"checkpoint\",\"modelVersionId\":1,\"modelName\":\"Big \
             XL\",\"modelVersionName\":\"v1, b\"},{\"type\":\"lora\",\"weight\":0.8,\"modelVersionId\":2,\"modelName\":\"Ink\"}], \
             Civitai metadata: {}",
            "WebUi: a cat | seed 6 | steps 25 | by Euler a | cfg 7 | size 832x1216 | model Big XL | with Ink=0.8",
        ),
        // Fooocus by the web UI's scheme: what was typed comes after what was made of it.
        (
            "cinematic still a market. film\nNegative prompt: anime, umbrella\nSteps: 30, Sampler: DPM++ 2M SDE Karras, Seed: \
             65, Size: 896x1152, CFG scale: 4, Sharpness: 2, ADM Guidance: \"(1.5, 0.8, 0.3)\", Model: market_v8, Model hash: \
             00aa, Performance: Speed, Scheduler: karras, VAE: Default (model), Raw prompt: \"a market,\\nrain\", Raw negative \
             prompt: umbrella, Lora hashes: \"offset_1.0: 33cc\", Lora weights: \"offset_1.0: 0.1\", Version: Fooocus v2.5.0",
            "Fooocus: a market,\nrain | not umbrella | seed 65 | steps 30 | by DPM++ 2M SDE Karras | spaced karras | cfg 4 | \
             size 896x1152 | model market_v8 | with offset_1.0=0.1",
        ),
        // stable-diffusion.cpp.
        (
            "a cat\nSteps: 20, CFG scale: 7.000000, Guidance: 3.500000, Seed: 42, Size: 512x512, Model: dir/sd-v1.gguf, RNG: \
             cuda, Sampler: euler_a karras, Version: stable-diffusion.cpp",
            "WebUi: a cat | seed 42 | steps 20 | by euler_a karras | cfg 7 | size 512x512 | model sd-v1",
        ),
        // Forge.
        (
            "a cat\nSteps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 7, Size: \
             896x1152, Model hash: 2f3c, Model: flux1-dev-fp8, Version: f2.0.1v1.10.1-previous-1-g, Module 1: ae, Module 2: clip_l",
            "WebUi: a cat | seed 7 | steps 20 | by Euler | spaced Simple | cfg 1 | size 896x1152 | model flux1-dev-fp8",
        ),
        // SD.Next.
        (
            "a cat\nNegative prompt: fog\nSteps: 20, Size: 1024x768, Sampler: Euler a, Seed: 8, CFG scale: 6, App: SD.Next, \
             Version: 0b1c2d3, Operations: txt2img, Model: base_xl",
            "WebUi: a cat | not fog | seed 8 | steps 20 | by Euler a | cfg 6 | size 1024x768 | model base_xl",
        ),
        // Nodes of ComfyUI that save as the web UI does.
        (
            "a cat\nNegative prompt: fog\nSteps: 20, Sampler: DPM++ 2M, CFG scale: 7, Seed: 9, Size: 512x512, Model: a.safetensors, \
             Version: ComfyUI",
            "ComfyUi: a cat | not fog | seed 9 | steps 20 | by DPM++ 2M | cfg 7 | size 512x512 | model a",
        ),
        // A template of several lines, with another picture's values; the prompt quotes such, too.
        (
            "as in\nSteps: 1, Sampler: DDIM, Seed: 2\nbut red\nNegative prompt: fog\nSteps: 20, Sampler: Euler, Seed: 10, Model: \
             m\nTemplate: {red|blue}\nSteps: 3, Sampler: LMS, Seed: 4\nNegative Template: fog, Seed: 5",
            "WebUi: as in\nSteps: 1, Sampler: DDIM, Seed: 2\nbut red | not fog | seed 10 | steps 20 | by Euler | model m",
        ),
        // Everything in one line.
        (
            "a cat, sitting. Negative prompt: fog Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 11, Size: 64x64",
            "WebUi: a cat, sitting. | not fog | seed 11 | steps 20 | by Euler | cfg 7 | size 64x64",
        ),
        // Extensions quote prompts and settings of their own.
        (
            "a cat\nSteps: 20, Sampler: Euler, Seed: 12, ADetailer prompt: \"face, Seed: 1\\nSteps: 2\", ControlNet 0: \"Module: \
             canny, Model: control [d1], Weight: 1\", Model: m, Hires sampler: DDIM, Hires CFG Scale: 3",
            "WebUi: a cat | seed 12 | steps 20 | by Euler | model m",
        ),
        ("a cat\nSteps: 20", "WebUi: a cat | steps 20"),
        (
            "a cat\nNegative Prompt: fog\n\nSteps: 20, Seed: 1\n\n",
            "WebUi: a cat | not fog | seed 1 | steps 20",
        ),
        // Networks in every spelling; what is no weight is none.
        (
            "<lora:a:0.5:0.7> <lyco:b:te=0.3> <lora:c> <lora:d:x> <b>, a < b <lora:>\nSteps: 20, Seed: 1",
            "WebUi: <lora:a:0.5:0.7> <lyco:b:te=0.3> <lora:c> <lora:d:x> <b>, a < b <lora:> | seed 1 | steps 20 | with \
             a=0.5+b=0.3+c=1+d=1",
        ),
        // A prompt that lists sizes and models is a prompt.
        ("Model: tall, Size: large, Version: two", "nothing"),
        ("Seed: of a poppy, Steps: of stone", "nothing"),
    ]);
}

#[test]
fn what_stands_below_the_values_is_kept_apart() {
    let recipe = read(
        "owl\nSteps: 28, Sampler: Euler a, Seed: 7, Lora hashes: \"a: 1, b: 2\"\nTemplate: {owl|fox},\nSize: 8x8\nNegative Template: dull",
    );
    assert_eq!(recipe.size, None);
    assert_eq!(
        recipe.other,
        pairs(&[
            ("Lora hashes", "a: 1, b: 2"),
            ("Template", "{owl|fox},\nSize: 8x8"),
            ("Negative Template", "dull"),
        ])
    );
}
