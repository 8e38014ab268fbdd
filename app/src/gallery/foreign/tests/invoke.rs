//! `InvokeAI` of all versions.

use serde_json::json;

use super::*;

#[test]
fn invoke_ai_is_read_in_every_version() {
    let newer = json!({
        "app_version": "5.6.0", "generation_mode": "sdxl_txt2img", "positive_prompt": "a stone bridge",
        "negative_prompt": "cars", "width": 1024, "height": 768, "seed": 2_222_222_222_u64, "rand_device": "cpu",
        "cfg_scale": 5.5, "steps": 30, "scheduler": "dpmpp_2m_k", "strength": 0.7,
        "model": {"key": "e2a1", "hash": "blake3:99ff", "name": "Juggernaut XL", "base": "sdxl", "type": "main"},
        "loras": [{"model": {"key": "aa", "name": "ink"}, "weight": 0.75}], "vae": null
    });
    let recipe = read(&newer.to_string());
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
    let recipe = read(&third.to_string());
    assert_eq!(recipe.model.as_deref(), Some("anything"));
    assert_eq!(recipe.loras[0].name, "x");

    let old = json!({"model": "stable diffusion", "model_weights": "stable-diffusion-1.5", "app_id": "invoke-ai/InvokeAI",
        "app_version": "2.2.5", "image": {"prompt": [{"prompt": "a harbour [people, fog]", "weight": 1.0}],
        "steps": 40, "cfg_scale": 7.5, "seed": 8, "width": 512, "height": 512, "sampler": "k_euler_a"}});
    let recipe = read(&old.to_string());
    assert_eq!(recipe.prompt, "a harbour");
    assert_eq!(recipe.negative_prompt.as_deref(), Some("people, fog"));
    assert_eq!(recipe.model.as_deref(), Some("stable-diffusion-1.5"));
}

#[test]
fn the_older_command_line_is_read() {
    check(&[
        (
            r#""a fox [fog] in snow" -s 40 -S 808182838 -W 512 -H 640 -C 7.0 -A k_euler_a"#,
            "InvokeAi: a fox in snow | not fog | seed 808182838 | steps 40 | by k_euler_a | cfg 7 | size 512x640",
        ),
        // A prompt with quotes and hyphens in it, and a picture to start from.
        (
            r#""a sign that says \"open -s 1\", well-lit" -s 50 -S 3 -W 64 -H 64 -C 7.5 -I in.png -f 0.75 -A ddim"#,
            "InvokeAi: a sign that says \"open -s 1\", well-lit | seed 3 | steps 50 | by ddim | cfg 7.5 | size 64x64 | strength 0.75",
        ),
        (
            "a fox -s50 -S7 -W512 -H512 -C7.5 -Ak_lms",
            "InvokeAi: a fox | seed 7 | steps 50 | by k_lms | cfg 7.5 | size 512x512",
        ),
        ("\"a quote\" - by someone -s", "nothing"),
    ]);
}

#[test]
fn brackets_of_the_older_versions_hold_what_is_not_wanted() {
    let long = "[a".repeat(10);
    for (prompt, wanted, unwanted) in [
        ("[fog] a fox", "a fox", Some("fog")),
        (
            "a fox [fog, rain] in snow [blurry]",
            "a fox in snow",
            Some("fog, rain, blurry"),
        ),
        ("a fox [] in snow", "a fox in snow", None),
        // A bracket of the picture's own, and one that is never closed.
        ("a \\[fox\\] in snow", "a \\[fox\\] in snow", None),
        ("a fox [in snow", "a fox [in snow", None),
        ("fox]es [fog]", "fox]es", Some("fog")),
        (&long, &long, None),
    ] {
        let text = json!({"app_id": "invoke-ai/InvokeAI", "image": {"prompt": prompt, "steps": 1}});
        let recipe = read(&text.to_string());
        assert_eq!(recipe.prompt, wanted, "{prompt}");
        assert_eq!(recipe.negative_prompt.as_deref(), unwanted, "{prompt}");
    }
}
