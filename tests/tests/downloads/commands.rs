//! `limn models`, with a hub on this machine that has a model of the fixtures.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::server::{Answer, Asked, Server, file};
use super::{names, sha256};
use crate::command_line::{assert_refused, assert_success, json_events, limn, words};
use crate::gallery::KILLS_VARIABLE;
use crate::harness::fixture_path;

const MODEL: &str = "stable_diffusion";
/// The only part of a model that no test changes.
const WEIGHTS: &str = "unet/diffusion_pytorch_model.safetensors";

/// Serves the fixture as `sea/boats`, slowly if asked to.
pub fn hub(trickles: Duration) -> Server {
    let root = fixture_path(MODEL);
    let mut files = Vec::new();
    collect(&root, "", &mut files);
    Server::start(move |asked: &Asked| {
        let path = asked.path.as_str();
        if path == "/api/models/sea/boats/revision/main" {
            return Answer::json(r#"{"sha": "c0ffee", "cardData": {"license": ["openrail"]}}"#);
        }
        if path == "/api/models/sea/boats/tree/c0ffee?recursive=true" {
            let entries = files.iter().map(|(name, bytes)| {
                let hash = sha256(bytes).as_text();
                json!({"type": "file", "path": name, "size": bytes.len(), "lfs": {"oid": hash, "size": bytes.len()}})
            });
            return Answer::json(&serde_json::Value::Array(entries.collect()).to_string());
        }
        let name = path.strip_prefix("/sea/boats/resolve/c0ffee/");
        let found = name.and_then(|name| files.iter().find(|(other, _)| other == name));
        let mut answer = found.map_or(Answer::status(404), |(name, bytes)| {
            file(asked, bytes, &format!("\"{name}\""))
        });
        answer.trickles = trickles;
        answer
    })
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else {
            files.push((name, std::fs::read(entry.path()).unwrap()));
        }
    }
}

fn models(home: &Path, server: &Server) -> Command {
    let mut command = limn(home);
    command.arg("models").env("HF_ENDPOINT", server.url(""));
    for variable in [
        "HF_TOKEN",
        "LIMN_OFFLINE",
        "HF_HUB_OFFLINE",
        "http_proxy",
        "https_proxy",
        "ALL_PROXY",
    ] {
        command.env_remove(variable);
    }
    // Nobody's own token.
    command.env("HF_TOKEN_PATH", home.join("no-token"));
    command
}

#[test]
fn a_model_is_fetched_drawn_with_verified_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let server = hub(Duration::ZERO);
    let run = |arguments: &[&str]| {
        models(home.path(), &server)
            .args(arguments)
            .output()
            .unwrap()
    };
    let output = run(&["add", "sea/boats", "--dry-run"]);
    assert_success(&output);
    assert!(
        words(&output.stderr).contains("licence openrail"),
        "{}",
        words(&output.stderr)
    );
    assert!(!home.path().join("models").exists(), "only told");

    let output = run(&[
        "add",
        "https://huggingface.co/sea/boats/tree/main",
        "--json",
    ]);
    assert_success(&output);
    let events = json_events(&output);
    assert_eq!(events.first().unwrap()["event"], "offer");
    let added = events.last().unwrap();
    assert_eq!(
        (&added["event"], &added["is_checked"]),
        (&json!("added"), &json!(true))
    );
    let library = home.path().join("models");
    assert_eq!(names(&library), [".downloads", "boats"]);
    assert_eq!(names(&library.join(".downloads")), [""; 0]);

    let listed = json_events(&run(&["list", "--json"]));
    assert!(
        listed
            .iter()
            .any(|model| model["id"] == "boats" && model["family"] == "Stable Diffusion"),
        "{listed:?}"
    );
    let picture = home.path().join("boat.png");
    let drawn = limn(home.path())
        .args([
            "generate", "--model", "boats", "--prompt", "a boat", "--size", "16x16", "--steps",
            "2", "--device", "cpu", "--out",
        ])
        .arg(&picture)
        .output()
        .unwrap();
    assert_success(&drawn);
    assert!(picture.is_file());

    assert_success(&run(&["verify"]));
    std::fs::write(library.join("boats").join(WEIGHTS), "changed").unwrap();
    assert_refused(
        models(home.path(), &server).args(["verify", "boats"]),
        1,
        &["fetch it again", "1 files"],
    );
    // Of the same disk, and nobody's own.
    let trash = home.path().join("data");
    let removed = models(home.path(), &server)
        .args(["remove", "boats"])
        .env("XDG_DATA_HOME", &trash)
        .output()
        .unwrap();
    assert_success(&removed);
    assert_eq!(names(&library), [".downloads"]);
    #[cfg(target_os = "linux")]
    assert!(
        trash.join("Trash/files/boats").join(WEIGHTS).is_file(),
        "it can be had back"
    );
    assert_success(&run(&["add", "sea/boats"]));
    assert_success(&run(&["remove", "boats", "--delete"]));
    assert_eq!(names(&library), [".downloads"]);
    assert_refused(
        models(home.path(), &server).args(["remove", "boats"]),
        1,
        &["there is no boats in the library"],
    );
}

#[test]
fn what_cannot_be_fetched_is_told_in_one_line() {
    let home = tempfile::tempdir().unwrap();
    let server = hub(Duration::ZERO);
    for (arguments, expected) in [
        (&["add", "sea/none"][..], "has no sea/none"),
        (&["add", "not a link"], "owner/name"),
        (&["add", "https://example.org/model.ckpt"], ".safetensors"),
        (&["add", "sea/boats/README.md"], "no model that Limn reads"),
        (&["add", "/no/such/path"], "Not added"),
        (&["download", "nothing"], "choose one of sdxl"),
        (&["remove", "../models"], "there is no"),
        (&["remove", "doodle"], "built-in"),
        (&["verify", "nothing"], "there is no nothing"),
    ] {
        assert_refused(models(home.path(), &server).args(arguments), 1, &[expected]);
    }
    let before = server.asked().len();
    let mut offline = models(home.path(), &server);
    offline.args(["add", "sea/boats"]).env("LIMN_OFFLINE", "1");
    assert_refused(&mut offline, 1, &["stay offline"]);
    assert_eq!(server.asked().len(), before, "nobody was asked");
    let found = models(home.path(), &server)
        .args(["search", "xl", "--json"])
        .output()
        .unwrap();
    assert!(
        json_events(&found)
            .iter()
            .any(|model| model["name"] == "sdxl")
    );
}

/// Killed at any moment, the next run goes on, and what it ends with is right.
#[test]
fn a_download_outlives_kills() {
    let n_kills = std::env::var(KILLS_VARIABLE)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(5);
    let home = tempfile::tempdir().unwrap();
    let server = hub(Duration::from_millis(4));
    let start = || -> Child {
        let mut command = models(home.path(), &server);
        command
            .args(["add", "sea/boats"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.spawn().unwrap()
    };
    for kill in 0..n_kills {
        let n_asked = server.asked().len();
        let mut child = start();
        // In the middle of a file, not before the first is asked for.
        let patience = Instant::now();
        while server.asked().len() < n_asked + 3 && patience.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_micros(kill * 7919 % 40_000));
        let _ = child.kill();
        child.wait().unwrap();
        if home.path().join("models/boats").exists() {
            std::fs::remove_dir_all(home.path().join("models/boats")).unwrap();
        }
    }
    assert!(start().wait().unwrap().success());
    let resumed = server
        .asked()
        .iter()
        .filter(|asked| asked.start().is_some())
        .count();
    assert_success(&models(home.path(), &server).arg("verify").output().unwrap());
    assert_eq!(names(&home.path().join("models")), [".downloads", "boats"]);
    assert!(
        n_kills < 5 || resumed > 0,
        "no run went on with what was there"
    );
    let weights = |root: &Path| std::fs::read(root.join(WEIGHTS)).unwrap();
    assert!(weights(&home.path().join("models/boats")) == weights(&fixture_path(MODEL)));
}
