//! Single files and LoRAs from the command line.

use std::{fs, path::Path};

use limn::gallery::{picture_file, recipe::Recipe};
use safetensors::Dtype;
use tempfile::TempDir;

use super::tiny::{Numbers, TinyModel, write};
use crate::{
    command_line::{assert_refused, assert_success, json_events, limn, words},
    harness::{copy_folder, fixture_path},
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

/// Files that people take for models, by name, with what is said of each.
fn write_no_models(folder: &Path) -> Vec<(&'static str, &'static str)> {
    let pickle = b"PK\x03\x04\0\0\0\0\0\0\0\0archive/data.pkl";
    for name in ["old.ckpt", "old.pt", "old.bin", "pickle.safetensors"] {
        fs::write(folder.join(name), pickle).unwrap();
    }
    let page = "<!DOCTYPE html><html><body>Log in";
    fs::write(folder.join("page.safetensors"), page).unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00";
    fs::write(folder.join("pointer.safetensors"), pointer).unwrap();

    let tensors = TinyModel::read("tiny_sd15").file_tensors(Dtype::F16);
    let part = |name: &str, prefix: &str| {
        let own = tensors.iter().filter_map(|tensor| {
            Some(Numbers {
                name: tensor.name.strip_prefix(prefix)?.to_owned(),
                shape: tensor.shape.clone(),
                values: tensor.values.clone(),
            })
        });
        let own: Vec<Numbers> = own.collect();
        write(&folder.join(name), &own, |_| Dtype::F16)
    };
    part("vae.safetensors", "first_stage_model.");
    part("clip.safetensors", "cond_stage_model.transformer.");
    let half = part("half.safetensors", "");
    let file = fs::File::options().write(true).open(half).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    for (name, tensor) in [
        (
            "nf4.safetensors",
            "model.diffusion_model.out.2.weight.quant_state.bitsandbytes__nf4",
        ),
        ("nvfp4.safetensors", "layers.0.weight_scale_2"),
        ("svdquant.safetensors", "blocks.0.attn.qkv.wscales"),
    ] {
        let numbers = Numbers {
            name: tensor.to_owned(),
            shape: vec![1],
            values: vec![1.0],
        };
        write(&folder.join(name), &[numbers], |_| Dtype::F32);
    }
    let lora = fixture_path("loras").join("kohya.safetensors");
    fs::copy(lora, folder.join("lora.safetensors")).unwrap();
    let better = "look for the same model as .safetensors";
    vec![
        ("old.ckpt", better),
        ("old.pt", better),
        ("old.bin", better),
        ("pickle.safetensors", better),
        ("page.safetensors", "download the weights again"),
        ("pointer.safetensors", "git lfs pull"),
        ("half.safetensors", "Download it again"),
        ("vae.safetensors", "an autoencoder alone"),
        ("clip.safetensors", "a text encoder alone"),
        ("nf4.safetensors", "nf4"),
        ("nvfp4.safetensors", "nvfp4"),
        ("svdquant.safetensors", "SVDQuant"),
        ("lora.safetensors", "a LoRA"),
    ]
}

#[test]
fn what_is_no_model_draws_nothing_and_is_said_in_one_line() {
    let home = TempDir::new().unwrap();
    let out = home.path().join("out.png");
    let generate = |model: &Path| {
        let mut command = limn(home.path());
        command
            .args([
                "generate", "--device", "cpu", "--steps", "2", "--prompt", "a boat", "--model",
            ])
            .arg(model)
            .arg("--out")
            .arg(&out);
        command
    };
    for (name, expected) in write_no_models(home.path()) {
        let path = home.path().join(name);
        assert_refused(&mut generate(&path), 1, &[expected, name]);
        let mut inspect = limn(home.path());
        inspect.arg("inspect").arg(&path);
        // A LoRA draws nothing, and there is much to tell of it.
        if expected == "a LoRA" {
            assert_success(&inspect.output().unwrap());
        } else {
            assert_refused(&mut inspect, 1, &[expected, name]);
        }
    }
    let model = fixture_path("stable_diffusion");
    let mut off = generate(&model);
    assert_refused(off.args(["--size", "30x33"]), 1, &["step by 4", "32×32"]);
    let lora = fixture_path("loras").join("dora_peft.safetensors");
    let mut foreign = generate(&fixture_path("pipeline"));
    assert_refused(
        foreign.arg("--lora").arg(lora),
        1,
        &["this LoRA cannot be used"],
    );
    assert!(!out.exists());
}

#[test]
fn two_files_of_one_name_are_two_models() {
    let home = TempDir::new().unwrap();
    let library = home.path().join("models");
    copy_folder(&fixture_path("stable_diffusion"), &library.join("twin"));
    let tensors = TinyModel::read("tiny_sd15").file_tensors(Dtype::F16);
    write(&library.join("twin.safetensors"), &tensors, |_| Dtype::F16);
    let drawn = ["twin", "twin-2"].map(|name| {
        let out = home.path().join(format!("{name}.png"));
        let output = limn(home.path())
            .args([
                "generate", "--device", "cpu", "--size", "16x16", "--steps", "2", "--seed", "4",
            ])
            .args(["--prompt", "a boat", "--model", name, "--out"])
            .arg(&out)
            .output();
        assert_success(&output.unwrap());
        let header = picture_file::read_header(&fs::read(&out).unwrap()).unwrap();
        header.recipe.unwrap().model_hash
    });
    assert_ne!(drawn[0], drawn[1]);
    let mut command = limn(home.path());
    command.args([
        "generate", "--prompt", "a boat", "--model", "triplet", "--out", "x.png",
    ]);
    let expected = ["there is no model", "triplet", "twin", "twin-2"];
    assert_refused(&mut command, 1, &expected);
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
