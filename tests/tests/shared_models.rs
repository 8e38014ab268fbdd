//! Models of other programs: listed and drawn with where they lie, without a byte written there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::command_line::{assert_refused, assert_success, json_events, limn, words};
use crate::harness::{copy_folder, fixture_path};

/// Every file and folder with its size and when it was changed.
fn state(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let metadata = entry.path().symlink_metadata().unwrap();
        all.insert(entry.path(), (metadata.len(), metadata.modified().unwrap()));
        if metadata.is_dir() {
            all.extend(state(&entry.path()));
        }
    }
    all
}

fn copy(file: PathBuf, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(file, to).unwrap();
}

/// The folders of three programs, each with a model, two with a LoRA.
fn programs(root: &Path) -> [(PathBuf, &'static str); 3] {
    let lora = || fixture_path("loras").join("kohya.safetensors");
    let comfy = root.join("ComfyUI");
    std::fs::create_dir_all(comfy.join("models/checkpoints")).unwrap();
    copy_folder(
        &fixture_path("stable_diffusion"),
        &comfy.join("models/diffusers/harbour"),
    );
    copy(lora(), &comfy.join("models/loras/styles/ink.safetensors"));
    let forge = root.join("forge");
    copy_folder(
        &fixture_path("stable_diffusion_2"),
        &forge.join("models/Stable-diffusion/meadow"),
    );
    copy(lora(), &forge.join("models/Lora/chalk.safetensors"));
    let cache = root.join("huggingface");
    let repository = cache.join("hub/models--sea--boats");
    copy_folder(
        &fixture_path("pipeline"),
        &repository.join("snapshots/c0ffee"),
    );
    std::fs::create_dir_all(repository.join("refs")).unwrap();
    std::fs::write(repository.join("refs/main"), "c0ffee").unwrap();
    [(comfy, "harbour"), (forge, "meadow"), (cache, "boats")]
}

#[test]
fn models_of_three_programs_are_drawn_with_where_they_lie() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("others");
    let programs = programs(&root);
    let before = state(&root);
    let home = home.path().join("limn");
    let run = |arguments: &[&str]| limn(&home).arg("models").args(arguments).output().unwrap();
    for (folder, _) in &programs {
        assert_success(&run(&["share", folder.to_str().unwrap()]));
    }
    let output = run(&["list", "--json"]);
    assert_success(&output);
    let ids: Vec<String> = json_events(&output)
        .iter()
        .map(|model| model["id"].as_str().unwrap().to_owned())
        .collect();
    for (_, id) in &programs {
        assert!(ids.iter().any(|other| other == id), "{id}: {ids:?}");
        let drawn = limn(&home)
            .args([
                "generate", "--model", id, "--prompt", "a boat", "--steps", "2", "--device", "cpu",
            ])
            .args([
                "--size",
                if *id == "boats" { "64x64" } else { "16x16" },
                "--out",
            ])
            .arg(home.join(format!("{id}.png")))
            .output()
            .unwrap();
        assert_success(&drawn);
    }
    // LoRAs too, from a folder in their folder.
    let drawn = limn(&home)
        .args([
            "generate", "--model", "harbour", "--lora", "ink:0.5", "--prompt", "a boat", "--steps",
            "2",
        ])
        .args(["--device", "cpu", "--size", "16x16", "--out"])
        .arg(home.join("ink.png"))
        .output()
        .unwrap();
    let said = words(&drawn.stderr);
    assert!(
        drawn.status.success() || said.contains("does not fit") || said.contains("no layer"),
        "{said}"
    );
    assert!(!said.contains("no LoRA"), "{said}");
    assert_refused(
        limn(&home).args(["models", "remove", "harbour"]),
        1,
        &["belongs to another program"],
    );
    assert_refused(
        limn(&home).args(["models", "remove", "chalk"]),
        1,
        &["belongs to another program"],
    );
    assert_success(&run(&["unshare", programs[0].0.to_str().unwrap()]));
    let left = json_events(&run(&["list", "--json"]));
    assert!(left.iter().all(|model| model["id"] != "harbour"));
    assert!(
        state(&root) == before,
        "something was written into the folders of other programs"
    );
}

#[test]
fn what_is_no_folder_of_models_is_not_shared() {
    let home = tempfile::tempdir().unwrap();
    let photographs = home.path().join("photographs");
    std::fs::create_dir_all(&photographs).unwrap();
    let home = home.path().join("limn");
    let mut share = limn(&home);
    share.args(["models", "share"]).arg(&photographs);
    assert_refused(&mut share, 1, &["no folder of models", "photographs"]);
    let mut share = limn(&home);
    share.args(["models", "share", "/no/such/folder"]);
    assert_refused(&mut share, 1, &["cannot be shared"]);
    assert_refused(
        limn(&home).args(["models", "unshare", "/no/such/folder"]),
        1,
        &["not shared"],
    );
}
