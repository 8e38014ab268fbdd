//! The command line's contract: exit codes, one clear line, pictures that carry their recipe, JSON.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

use limn::gallery::picture_file;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::fixture_path;

/// `limn` with its own home, so that nothing of the user's is touched or counts.
pub fn limn(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_limn-under-test"));
    command
        .env("LIMN_HOME", home)
        .env_remove("LIMN_ENGINE")
        .stdin(Stdio::null());
    command
}

/// `limn generate` on the fixture, small and on the CPU.
fn generate(home: &Path) -> Command {
    let mut command = limn(home);
    command
        .arg("generate")
        .arg("--model")
        .arg(fixture_path("pipeline"))
        .args(["--device", "cpu", "--steps", "3", "--prior-steps", "2"]);
    command
}

/// The fixture is drawn small: its own default is the family's.
pub const SIZE: [&str; 2] = ["--size", "64x64"];

pub fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn json_events(output: &Output) -> Vec<Value> {
    let text = words(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub fn assert_success(output: &Output) {
    assert!(output.status.success(), "{}", words(&output.stderr));
}

/// What must fail with a code, and say these words; a failure that is not wrong usage in one line.
pub fn assert_refused(command: &mut Command, code: i32, expected: &[&str]) {
    let output = command.output().unwrap();
    let message = words(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {message}");
    for part in expected {
        assert!(message.contains(part), "{command:?}: {message}");
    }
    if code == 1 {
        let lines = message.lines().filter(|line| line.starts_with("limn: "));
        assert_eq!(lines.count(), 1, "{message}");
    }
}

#[test]
fn generate_makes_the_same_picture_with_its_recipe() {
    let home = TempDir::new().unwrap();
    let pictures = ["first.png", "second.png"].map(|name| home.path().join(name));
    for path in &pictures {
        let output = generate(home.path())
            .args(SIZE)
            .args(["--prompt", "a red boat 🎨", "--seed", "5", "--out"])
            .arg(path)
            .output()
            .unwrap();
        assert_success(&output);
        assert!(output.stdout.is_empty(), "progress goes to standard error");
        assert!(words(&output.stderr).contains("step 3/3"));
    }
    let [first, second] = pictures.map(|path| std::fs::read(path).unwrap());
    let pixels = |file: &[u8]| picture_file::decode(file).unwrap();
    assert!(pixels(&first) == pixels(&second));

    let header = picture_file::read_header(&first).unwrap();
    let recipe = header.recipe.unwrap();
    assert_eq!(recipe.prompt, "a red boat 🎨");
    assert_eq!((recipe.seed, recipe.n_steps), (5, 3));
    assert_eq!((recipe.width, recipe.height), (header.width, header.height));
    assert!(header.xmp.unwrap().contains("trainedAlgorithmicMedia"));
    assert!(header.parameters.unwrap().contains("Seed: 5"));
}

#[test]
fn json_tells_every_event_and_several_pictures_are_siblings() {
    let home = TempDir::new().unwrap();
    let output = generate(home.path())
        .args(SIZE)
        .args(["--prompt", "boats", "--seed", "9", "--count", "2", "--json"])
        .arg("--out")
        .arg(home.path().join("boat.png"))
        .output()
        .unwrap();
    assert_success(&output);
    let events = json_events(&output);
    let of_kind =
        |kind: &str| -> Vec<&Value> { events.iter().filter(|e| e["event"] == kind).collect() };
    assert_eq!(of_kind("started")[0]["plan"]["n_steps"], 3);
    let steps = of_kind("progress");
    assert_eq!(steps.iter().filter(|e| e["phase"] == "step").count(), 6);
    let pictures = of_kind("picture");
    assert_eq!(pictures.len(), 2);
    for (i, picture) in pictures.iter().enumerate() {
        let path = home.path().join(format!("boat-{}.png", i + 1));
        assert_eq!(picture["path"], path.display().to_string());
        assert_eq!(picture["seed"], 9 + i);
        assert!(path.is_file());
    }
    let finished = events.last().unwrap();
    assert_eq!(finished["event"], "finished");
    assert_eq!(finished["steps"].as_array().unwrap().len(), 6);
    assert!(finished["stages"]["denoise"].as_f64().unwrap() > 0.0);
    if cfg!(target_os = "linux") {
        assert!(finished["peak_resident_bytes"].as_u64().unwrap() > 1 << 20);
    }
}

#[test]
fn bad_input_gets_one_clear_line_and_the_right_code() {
    let home = TempDir::new().unwrap();
    let not_a_model = home.path().join("notes");
    std::fs::create_dir(&not_a_model).unwrap();
    let not_a_model = not_a_model.display().to_string();
    let table: &[(&[&str], i32, &[&str])] = &[
        (&["--prompt", ""], 1, &["prompt is empty"]),
        (
            &["--prompt", "x", "--size", "65536x65536"],
            1,
            &["does not fit", "use 8192×8192"],
        ),
        (&["--prompt", "x", "--size", "0x0"], 1, &["step by", "use"]),
        (&["--prompt", "x", "--size", "12"], 2, &["512x512"]),
        (&["--prompt", "x", "--steps", "0"], 1, &["steps"]),
        (
            &["--prompt", "x", "--sampler", "plms"],
            2,
            &["ddim", "euler_ancestral"],
        ),
        (
            &["--prompt", "x", "--device", "abacus"],
            1,
            &["auto, gpu, cpu"],
        ),
        (&["--prompt", "x", "--dtype", "f8"], 2, &["f32"]),
        (
            &["--prompt", "x", "--model", &not_a_model],
            1,
            &["model_index.json", "notes"],
        ),
        (
            &["--prompt", "x", "--model", "/nowhere/at/all"],
            1,
            &["/nowhere/at/all"],
        ),
        (
            &["--prompt", "x", "--model", "nosuch"],
            1,
            &["no model `nosuch`"],
        ),
        (
            &["--prompt", "x", "--latents", "/nowhere.safetensors"],
            1,
            &["/nowhere.safetensors"],
        ),
        (&[], 2, &["--prompt"]),
    ];
    for (arguments, code, expected) in table {
        let mut command = if arguments.contains(&"--model") {
            let mut command = limn(home.path());
            command.arg("generate");
            command
        } else if arguments.contains(&"--device") || arguments.contains(&"--steps") {
            let mut command = limn(home.path());
            command
                .arg("generate")
                .arg("--model")
                .arg(fixture_path("pipeline"));
            command
        } else {
            generate(home.path())
        };
        let out = home.path().join("bad.png");
        command.args(*arguments).arg("--out").arg(&out);
        assert_refused(&mut command, *code, expected);
        assert!(!out.exists());
    }
}

#[test]
fn a_prompt_that_is_too_long_says_what_was_not_read() {
    let home = TempDir::new().unwrap();
    let prompt = "boat ".repeat(2_000) + "zebra";
    let output = generate(home.path())
        .args(SIZE)
        .args(["--prompt", &prompt, "--out"])
        .arg(home.path().join("long.png"))
        .output()
        .unwrap();
    assert_success(&output);
    let message = words(&output.stderr);
    assert!(
        message.contains("not read: ") && message.contains("zebra"),
        "{message}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_finished() {
    let home = TempDir::new().unwrap();
    let out = home.path().join("pictures");
    let mut child = generate(home.path())
        .args(SIZE)
        .args(["--prompt", "boats", "--count", "1000", "--json", "--out"])
        .arg(&out)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut n_saved = 0;
    for line in stdout.lines() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if event["event"] == "picture" {
            n_saved += 1;
            if n_saved == 1 {
                let kill = Command::new("kill")
                    .args(["-INT", &child.id().to_string()])
                    .status();
                assert!(kill.unwrap().success());
            }
        }
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = words(&output.stderr);
    assert!(
        message.contains("cancelled") && message.contains("kept"),
        "{message}"
    );
    let files: Vec<_> = out.read_dir().unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), n_saved);
    for file in files {
        let bytes = std::fs::read(file.path()).unwrap();
        picture_file::decode(&bytes).unwrap();
    }
}

#[test]
fn devices_lists_the_processor_and_trusts_no_software_gpu() {
    let home = TempDir::new().unwrap();
    let output = limn(home.path())
        .args(["devices", "--no-test", "--json"])
        .output()
        .unwrap();
    assert_success(&output);
    let events = json_events(&output);
    let last = events.last().unwrap();
    assert_eq!(last["backend"], "cpu");
    assert_eq!(last["is_gpu"], false);
    for event in events.iter().filter(|event| event["is_software"] == true) {
        assert_eq!(event["self_test"], "not run");
    }
}

#[test]
fn bench_measures_every_stage() {
    let home = TempDir::new().unwrap();
    let output = limn(home.path())
        .arg("bench")
        .arg("--model")
        .arg(fixture_path("pipeline"))
        .args(["--device", "cpu", "--steps", "3", "--prior-steps", "2"])
        .args(SIZE)
        .output()
        .unwrap();
    assert_success(&output);
    let table = words(&output.stdout);
    for row in [
        "engine start",
        "denoise",
        "decode",
        "one step",
        "pictures per minute",
        "peak",
    ] {
        assert!(table.contains(row), "{table}");
    }
}
