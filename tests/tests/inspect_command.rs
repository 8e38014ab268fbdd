//! `limn inspect` of what is no model, and of models that cannot be drawn with.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command_line::{assert_success, limn, words};
use crate::harness::copy_folder;
use crate::harness::fixture_path;

/// The exit code and the one line of a refusal.
fn inspect(home: &Path, model: &Path) -> (Option<i32>, String) {
    let output = limn(home).arg("inspect").arg(model).output().unwrap();
    (output.status.code(), words(&output.stderr))
}

/// A refusal says what it is about, once, in words for everybody, and the path last.
fn assert_refused(home: &Path, model: &Path, expected: &str) {
    let (code, said) = inspect(home, model);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(expected), "{expected:?} is not in {said}");
    assert!(!said.contains("os error"), "{said}");
    assert!(!said.contains("untagged"), "{said}");
    let path = model.to_str().unwrap();
    assert!(
        said.trim_end()
            .rsplit(": ")
            .next()
            .unwrap()
            .starts_with(path),
        "{said}"
    );
    assert_eq!(said.matches(path).count(), 1, "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[cfg(unix)]
#[test]
fn what_is_neither_folder_nor_file_is_called_so() {
    use std::os::unix::fs::symlink;
    let home = TempDir::new().unwrap();
    let at = |name: &str| home.path().join(name);
    let pipe = at("pipe.safetensors");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    symlink(&pipe, at("to_pipe")).unwrap();
    symlink("/dev/zero", at("to_device.safetensors")).unwrap();
    symlink(at("itself"), at("itself")).unwrap();
    symlink(at("gone"), at("to_nothing")).unwrap();
    let neither = "it is neither a folder nor a regular file";
    for (name, expected) in [
        ("pipe.safetensors", neither),
        ("to_pipe", neither),
        ("to_device.safetensors", neither),
        ("itself", "ymbolic links"),
        ("to_nothing", "No such file or directory"),
        ("no/such/place", "No such file or directory"),
    ] {
        assert_refused(home.path(), &at(name), expected);
    }
}

#[cfg(unix)]
#[test]
fn a_part_that_is_no_folder_is_told_once() {
    let home = TempDir::new().unwrap();
    let model = home.path().join("model");
    copy_folder(&fixture_path("stable_diffusion"), &model);
    let (code, said) = inspect(home.path(), &model);
    assert_eq!(code, Some(0), "{said}");
    fs::rename(model.join("unet"), home.path().join("unet")).unwrap();
    assert_refused(home.path(), &model, "No such file or directory");
    fs::write(model.join("unet"), "a file").unwrap();
    assert_refused(home.path(), &model, "Not a directory");
    fs::remove_file(model.join("unet")).unwrap();
    std::os::unix::fs::symlink("..", model.join("unet")).unwrap();
    assert_refused(home.path(), &model, "No such file or directory");
}

/// What `generate` refuses for its vocabulary is refused here, too.
#[test]
fn a_vocabulary_that_cannot_be_read_is_told_of() {
    let home = TempDir::new().unwrap();
    let model = home.path().join("model");
    copy_folder(&fixture_path("stable_diffusion"), &model);
    let path = model.join("tokenizer/tokenizer.json");
    let sound: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert!(sound["model"]["vocab"].is_object());
    let with = |pointer: &str, value: Value| {
        let mut changed = sound.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed.to_string()
    };
    let many: Vec<[&str; 2]> = vec![["a", "b"]; 100_001];
    let mut beyond = sound["model"]["vocab"].clone();
    beyond["a word beyond"] = json!(4_000_000);
    for (name, file) in [
        ("no object", "[]".to_owned()),
        ("empty", String::new()),
        ("cut off", sound.to_string()[..400].to_owned()),
        (
            "a word's number below 0",
            with("/model/vocab", json!({"a": -1})),
        ),
        (
            "a word's number beyond the encoder",
            with("/model/vocab", beyond),
        ),
        (
            "merges of another kind",
            with("/model/merges", json!([{"a": 1}])),
        ),
        ("too many merges", with("/model/merges", json!(many))),
        ("a merge of one", with("/model/merges", json!(["alone"]))),
    ] {
        fs::write(&path, file).unwrap();
        let (code, said) = inspect(home.path(), &model);
        assert_eq!(code, Some(1), "{name}: {said}");
        assert!(
            said.contains("not a model that Limn can read"),
            "{name}: {said}"
        );
        assert!(!said.contains("untagged"), "{name}: {said}");
        let mut command = limn(home.path());
        command.args([
            "generate", "--prompt", "a boat", "--size", "64x64", "--steps", "1",
        ]);
        let generated = command
            .arg("--model")
            .arg(&model)
            .arg("--out")
            .arg(home.path().join("a.png"))
            .output()
            .unwrap();
        let refused = words(&generated.stderr);
        assert!(
            refused.contains(said.trim_end()),
            "{name}: {refused} and {said}"
        );
    }
    fs::write(&path, sound.to_string()).unwrap();
    let inspected = limn(home.path()).arg("inspect").arg(&model).output();
    assert_success(&inspected.unwrap());
}
