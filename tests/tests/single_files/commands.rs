//! Single files and LoRAs from the command line.

use std::{fs, path::Path};

use limn::gallery::{picture_file, recipe::Recipe};
use safetensors::Dtype;
use tempfile::TempDir;

use super::tiny::{TinyModel, write};
use crate::{
    command_line::{assert_refused, assert_success, json_events, limn, words},
    harness::fixture_path,
};

#[test]
fn inspect_tells_of_a_single_file_what_it_is_and_what_it_is_drawn_with() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("my lightning mix.safetensors");
    let model = TinyModel::read("tiny_sd15");
    write(&file, &model.file_tensors(Dtype::F16), |_| Dtype::F16);
    let output = limn(home.path())
        .arg("inspect")
        .arg(&file)
        .output()
        .unwrap();
    assert_success(&output);
    let text = words(&output.stdout);
    for part in [
        "my lightning mix\n",
        "Stable Diffusion 1.5",
        "512×512",
        "dpmpp_2m_karras, 25 steps, guidance 7.5",
        "a single file brings no scheduler",
        "Its name says “lightning”",
        "4 tensors, of no part of the model",
        "F16",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let output = limn(home.path())
        .arg("inspect")
        .arg(&file)
        .arg("--json")
        .output();
    let event = &json_events(&output.unwrap())[0]["model"];
    assert_eq!(event["variant"], "1.5");
    assert_eq!(event["recipe"]["n_steps"], 25);
    assert_eq!(event["unread"]["of no part of the model"], 4);
    assert_eq!(event["components"].as_array().unwrap().len(), 3);

    let pickle = home.path().join("old.ckpt");
    fs::write(&pickle, b"PK\x03\x04\0\0\0\0\0\0\0\0archive/data.pkl").unwrap();
    let expected = [
        "a pickle can run code",
        "look for the same model as .safetensors",
    ];
    assert_refused(limn(home.path()).arg("inspect").arg(&pickle), 1, &expected);
}

#[test]
fn inspect_tells_of_a_lora_whom_it_is_for_and_how_it_fits() {
    let home = TempDir::new().unwrap();
    let file = fixture_path("loras").join("dora_peft.safetensors");
    let output = limn(home.path())
        .arg("inspect")
        .arg(&file)
        .arg("--for-model")
        .arg(fixture_path("stable_diffusion"))
        .output()
        .unwrap();
    assert_success(&output);
    let text = words(&output.stdout);
    for part in [
        "DoRA",
        "changes of 5 layers",
        "changes 5 layers",
        "<lora:dora_peft:1>",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let mut command = limn(home.path());
    command.arg("inspect").arg(&file).arg("--for-model");
    assert_refused(
        command.arg(fixture_path("pipeline")),
        1,
        &["changes nothing"],
    );
}

/// Draws a tiny picture with what is said behind, and gives its pixels and recipe.
fn draw(home: &Path, prompt: &str, more: &[&str]) -> (image::RgbaImage, Recipe) {
    let out = home.join("out.png");
    let output = limn(home)
        .args([
            "generate", "--device", "cpu", "--size", "24x32", "--steps", "2", "--seed", "4",
        ])
        .arg("--model")
        .arg(fixture_path("stable_diffusion"))
        .args(["--force", "--prompt", prompt])
        .args(more)
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert_success(&output);
    let bytes = fs::read(&out).unwrap();
    fs::remove_file(&out).unwrap();
    let recipe = picture_file::read_header(&bytes).unwrap().recipe.unwrap();
    (image::load_from_memory(&bytes).unwrap().to_rgba8(), recipe)
}

#[test]
fn loras_are_named_by_an_option_by_a_path_and_within_the_prompt() {
    let home = TempDir::new().unwrap();
    let source = fixture_path("loras").join("kohya.safetensors");
    fs::create_dir(home.path().join("loras")).unwrap();
    fs::copy(&source, home.path().join("loras/ink.safetensors")).unwrap();
    let prompt = "A red boat on the sea";

    let (plain, recipe) = draw(home.path(), prompt, &[]);
    assert!(recipe.loras.is_empty());
    let (by_name, recipe) = draw(home.path(), prompt, &["--lora", "ink:0.7"]);
    assert!(by_name != plain);
    let [lora] = &recipe.loras[..] else {
        panic!("{:?}", recipe.loras);
    };
    assert_eq!(
        (lora.name.as_str(), lora.weight, lora.hash.len()),
        ("ink", 0.7, 64)
    );
    let path = format!("{}:0.7", source.display());
    let (by_path, recipe) = draw(home.path(), prompt, &["--lora", &path]);
    assert!(by_path == by_name);
    assert_eq!(recipe.loras[0].name, "kohya");

    let in_words = format!("{prompt} <lora:ink:0.7>");
    let (by_words, recipe) = draw(home.path(), &in_words, &[]);
    assert!(by_words == by_name);
    assert_eq!(
        (recipe.prompt.as_str(), recipe.loras.len()),
        (in_words.as_str(), 1)
    );
    let (none_of_it, _) = draw(home.path(), prompt, &["--lora", "ink:0"]);
    assert!(none_of_it == plain);

    let mut command = limn(home.path());
    command
        .args([
            "generate", "--device", "cpu", "--prompt", prompt, "--lora", "paper",
        ])
        .arg("--model")
        .arg(fixture_path("stable_diffusion"))
        .arg("--out")
        .arg(home.path().join("none.png"));
    assert_refused(&mut command, 1, &["there is no LoRA", "paper", "loras"]);
}
