//! The language of prompts through the command line: choices, lists, styles, learned embeddings, samplers with spacings.

use std::{fs, path::Path, process::Command};

use limn::gallery::{picture_file, recipe::Recipe};
use tempfile::TempDir;

use crate::{
    command_line::{assert_refused, assert_success, limn, words},
    harness::fixture_path,
};

/// `limn generate` on a small Stable Diffusion, whose home has a list, a style and embeddings.
fn generate(home: &Path) -> Command {
    let mut command = limn(home);
    command
        .arg("generate")
        .arg("--model")
        .arg(fixture_path("stable_diffusion"))
        .args(["--device", "cpu", "--steps", "2", "--size", "24x32"]);
    command
}

fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for folder in ["wildcards", "embeddings"] {
        fs::create_dir(home.path().join(folder)).unwrap();
    }
    fs::write(home.path().join("wildcards/thing.txt"), "boat\nhouse\n").unwrap();
    fs::write(
        home.path().join("styles.csv"),
        "name,prompt,negative_prompt\nInk,\"ink drawing of {prompt}\",colour\n",
    )
    .unwrap();
    for name in ["ink.safetensors", "wide.safetensors"] {
        let from = fixture_path("prompts").join("embeddings").join(name);
        fs::copy(from, home.path().join("embeddings").join(name)).unwrap();
    }
    home
}

fn recipe(path: &Path) -> Recipe {
    let header = picture_file::read_header(&fs::read(path).unwrap()).unwrap();
    header.recipe.unwrap()
}

#[test]
fn the_recipe_keeps_what_was_typed_and_what_was_chosen() {
    let home = home();
    let [out, other] = ["a.png", "b.png"].map(|name| home.path().join(name));
    let run = |out: &Path| {
        let mut command = generate(home.path());
        command
            .args([
                "--prompt",
                "a {red|blue} __thing__ (sea:1.3)",
                "--style",
                "ink",
            ])
            .args([
                "--sampler",
                "dpmpp_2m_sde",
                "--spacing",
                "karras",
                "--clip-skip",
                "1",
            ])
            .args(["--guidance-rescale", "0.5", "--seed", "5", "--out"])
            .arg(out);
        assert_success(&command.output().unwrap());
    };
    run(&out);
    let first = recipe(&out);
    assert_eq!(
        first.prompt,
        "ink drawing of a {red|blue} __thing__ (sea:1.3)"
    );
    assert_eq!(first.negative_prompt.as_deref(), Some("colour"));
    let chosen = first.chosen_prompt.clone().unwrap();
    assert!(
        chosen.starts_with("ink drawing of a ") && chosen.ends_with(" (sea:1.3)"),
        "{chosen}"
    );
    assert!(!chosen.contains(['{', '_']), "{chosen}");
    assert_eq!(first.sampler, "dpmpp_2m_sde");
    assert_eq!(first.spacing.as_deref(), Some("karras"));
    assert_eq!(
        (first.clip_skip, first.guidance_rescale),
        (Some(1), Some(0.5))
    );

    // The embedding `ink` is a word of this prompt: without its file another picture comes.
    let pixels = |path: &Path| picture_file::decode(&fs::read(path).unwrap()).unwrap();
    fs::remove_file(home.path().join("embeddings/ink.safetensors")).unwrap();
    run(&other);
    assert_eq!(recipe(&other).chosen_prompt, first.chosen_prompt);
    assert!(pixels(&out) != pixels(&other));
}

#[test]
fn what_of_a_prompt_cannot_be_done_is_said() {
    let home = home();
    let out = home.path().join("a.png");
    let run = |arguments: &[&str]| {
        let mut command = generate(home.path());
        command.args(arguments).arg("--out").arg(&out);
        command
    };
    let output = run(&["--prompt", "a __nothing__"]).output().unwrap();
    assert_success(&output);
    let message = words(&output.stderr);
    assert!(
        message.contains("__nothing__") && message.contains("no list"),
        "{message}"
    );
    assert_refused(
        &mut run(&["--prompt", "a (wide:1.2) boat"]),
        1,
        &["another kind of model", "wide.safetensors"],
    );
    assert_refused(
        &mut run(&["--prompt", "a", "--style", "oil"]),
        1,
        &["no style “oil”", "Ink"],
    );
    assert_refused(
        &mut run(&["--prompt", "a", "--spacing", "even"]),
        2,
        &["sgm_uniform"],
    );
    assert_refused(
        &mut run(&["--prompt", "a", "--guidance-rescale", "2"]),
        1,
        &["guidance rescale", "0 to 1"],
    );
}
