//! Closed, full and half-read outputs: no command panics, the work goes on where nobody reads what it says, and an
//! answer that cannot be written ends with 1. Progress is a line a second where there is no terminal.
#![cfg(unix)]

use std::{
    io::Read,
    path::Path,
    process::{Command, Output, Stdio},
    time::Instant,
};

use tempfile::TempDir;

use super::command_line::{SIZE, assert_success, limn, words};
use super::gallery::{open, pixels, recipe};
use crate::harness::fixture_path;

/// A command as its arguments, `OUT` standing for a new PNG file.
struct Case {
    arguments: Vec<String>,
    code: i32,
    /// Whether it has an answer for standard output.
    answers: bool,
}

const OUT: &str = "OUT";

fn case(code: i32, answers: bool, arguments: &[&str]) -> Case {
    Case {
        arguments: arguments.iter().map(ToString::to_string).collect(),
        code,
        answers,
    }
}

/// Commands of each kind: those that work long, those that answer, those that fail.
fn cases() -> Vec<Case> {
    let model = fixture_path("pipeline").display().to_string();
    let generate = [
        "generate",
        "--model",
        &model,
        "--device",
        "cpu",
        "--steps",
        "2",
        "--prior-steps",
        "2",
        SIZE[0],
        SIZE[1],
        "--prompt",
        "boats",
        "--out",
        OUT,
    ];
    vec![
        case(0, false, &generate),
        case(0, true, &[&generate[..], &["--json"]].concat()),
        case(0, true, &["gallery", "list"]),
        case(0, true, &["gallery", "list", "--json"]),
        case(0, true, &["gallery", "overview"]),
        case(0, true, &["gallery", "search", "--words", "sailboat"]),
        case(0, true, &["gallery", "verify"]),
        case(0, true, &["inspect", &model]),
        case(0, true, &["inspect", &model, "--json"]),
        case(0, true, &["--help"]),
        case(0, true, &["--version"]),
        case(1, false, &["inspect", "/nowhere/at/all"]),
        case(1, false, &["generate", "--prompt", "", "--out", OUT]),
        case(2, false, &["gallery", "list", "--sort", "colour"]),
    ]
}

/// A home with a gallery of three pictures.
fn home() -> TempDir {
    let home = TempDir::new().unwrap();
    let mut gallery = open(home.path());
    for seed in 1..=3 {
        gallery.save(&pixels(seed), &recipe(seed)).unwrap();
    }
    home
}

/// The command with its standard streams as a shell redirects them.
fn redirected(home: &Path, case: &Case, redirections: &str) -> Output {
    let plain = limn(home);
    let program = plain.get_program().to_owned();
    let out = home.join("out.png");
    // What was made before is no proof.
    let _ = std::fs::remove_file(&out);
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("exec \"$0\" \"$@\" {redirections}"))
        .arg(program)
        .args(
            case.arguments
                .iter()
                .map(|argument| match argument.as_str() {
                    OUT => out.display().to_string(),
                    other => other.to_owned(),
                }),
        )
        .env("LIMN_HOME", home)
        .env_remove("LIMN_ENGINE")
        .stdin(Stdio::null());
    let output = shell.output().unwrap();
    let said = words(&output.stderr);
    assert!(
        !said.contains("panicked"),
        "{redirections} {:?}: {said}",
        case.arguments
    );
    if case.code == 0 && case.arguments.iter().any(|argument| argument == OUT) {
        assert!(
            out.is_file(),
            "{redirections} {:?}: no picture",
            case.arguments
        );
    }
    output
}

#[test]
fn nobody_who_reads_is_no_reason_to_fail() {
    let home = home();
    for case in cases() {
        let usual = redirected(home.path(), &case, "");
        assert_eq!(usual.status.code(), Some(case.code), "{:?}", case.arguments);
        assert_eq!(
            usual.stdout.is_empty(),
            !case.answers,
            "{:?}",
            case.arguments
        );
        let mut redirections = vec!["2>&-", ">&-", ">&- 2>&-"];
        if cfg!(target_os = "linux") {
            redirections.push("2>/dev/full");
        }
        for redirection in redirections {
            let output = redirected(home.path(), &case, redirection);
            let what = format!(
                "{redirection} {:?}: {}",
                case.arguments,
                words(&output.stderr)
            );
            assert_eq!(output.status.code(), Some(case.code), "{what}");
            if redirection.starts_with("2>")
                && case.code != 2
                && !case.arguments.contains(&"--json".to_owned())
            {
                assert_eq!(output.stdout, usual.stdout, "{what}");
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_ends_with_1() {
    let home = home();
    for case in cases() {
        let code = if case.answers { 1 } else { case.code };
        let output = redirected(home.path(), &case, ">/dev/full");
        let said = words(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{:?}: {said}",
            case.arguments
        );
        if case.answers {
            let told = said
                .lines()
                .filter(|line| line.starts_with("limn: "))
                .count();
            assert_eq!(told, 1, "{:?}: {said}", case.arguments);
            assert!(
                said.contains("standard output"),
                "{:?}: {said}",
                case.arguments
            );
        }
        let output = redirected(home.path(), &case, ">/dev/full 2>/dev/full");
        assert_eq!(output.status.code(), Some(code), "{:?}", case.arguments);
    }
}

/// What a decoder says of itself as it breaks is nothing for the user: the refusal is.
#[test]
fn a_decoder_that_panics_says_nothing_beside_the_refusal() {
    let home = home();
    let damaged = fixture_path("pictures/palette-cut-short.png");
    let damaged = damaged.to_str().unwrap();
    for arguments in [
        &["gallery", "import", damaged][..],
        &["upscale", "--image", damaged, "--out", "larger.png"],
    ] {
        let mut command = limn(home.path());
        command.current_dir(home.path()).args(arguments);
        let output = command.env("RUST_BACKTRACE", "1").output().unwrap();
        let said = words(&output.stdout) + &words(&output.stderr);
        assert!(said.contains("damaged"), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// An engine that cannot answer has failed; one whose listener is gone has not.
#[cfg(target_os = "linux")]
#[test]
fn an_engine_whose_answers_cannot_be_written_fails() {
    let home = TempDir::new().unwrap();
    let engine = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_limn-under-test"));
        // Its input stays open: nothing else ends it.
        command
            .arg("engine")
            .env("LIMN_HOME", home.path())
            .stdin(Stdio::piped())
            .stderr(Stdio::piped());
        command
    };
    let full = std::fs::File::options().write(true).open("/dev/full");
    let mut child = engine().stdout(full.unwrap()).spawn().unwrap();
    let input = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(input);
    let said = words(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(i32::from(limn_engine::worker::EXIT_PROTOCOL))
    );
    assert!(said.contains("cannot be written"), "{said}");

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = engine().stdout(writer).spawn().unwrap();
    let input = child.stdin.take();
    assert!(child.wait().unwrap().success());
    drop(input);
}

/// As `head` does.
#[test]
fn a_reader_that_has_heard_enough_ends_nothing_early_and_no_command_badly() {
    let home = home();
    let mut gallery = open(home.path());
    for seed in 4..=400 {
        gallery.save(&pixels(seed % 7), &recipe(seed)).unwrap();
    }
    drop(gallery);
    for case in cases() {
        let out = home.path().join("out.png");
        let _ = std::fs::remove_file(&out);
        let arguments = case
            .arguments
            .iter()
            .map(|argument| match argument.as_str() {
                OUT => out.clone().into_os_string(),
                other => other.into(),
            });
        let mut child = limn(home.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One byte, and then nobody reads either of them.
        let mut first = [0];
        let mut stdout = child.stdout.take().unwrap();
        let n_read = stdout.read(&mut first).unwrap();
        assert_eq!(n_read == 1, case.answers, "{:?}", case.arguments);
        drop(stdout);
        drop(child.stderr.take());
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(case.code), "{:?}", case.arguments);
        if case.code == 0 && case.arguments.iter().any(|argument| argument == OUT) {
            assert!(out.is_file(), "{:?}: no picture", case.arguments);
        }
    }
}

#[test]
fn progress_is_a_line_a_second_at_most() {
    let home = TempDir::new().unwrap();
    let start = Instant::now();
    let output = limn(home.path())
        .arg("generate")
        .arg("--model")
        .arg(fixture_path("pipeline"))
        .args([
            "--device",
            "cpu",
            "--steps",
            "10",
            "--prior-steps",
            "4",
            "--count",
            "4",
        ])
        .args(SIZE)
        .args(["--prompt", "boats", "--out"])
        .arg(home.path().join("pictures"))
        .output()
        .unwrap();
    assert_success(&output);
    let seconds = start.elapsed().as_secs() as usize;
    let said = words(&output.stderr);
    let is_progress = |line: &&str| line.starts_with("loading ") || line.starts_with("picture ");
    let progress: Vec<&str> = said.lines().filter(is_progress).collect();
    // The first, one for every second that has passed, and the last; there are 40 steps.
    assert!(progress.len() >= 2, "{said}");
    assert!(progress.len() <= seconds + 3, "{seconds} s: {said}");
    assert!(
        progress[0].starts_with("loading ") || progress[0].starts_with("picture 1/4"),
        "{said}"
    );
    assert!(
        progress
            .last()
            .unwrap()
            .starts_with("picture 4/4: step 10/10"),
        "{said}"
    );
    // All results are told, each in its own line.
    assert_eq!(
        said.lines().filter(|line| line.contains("(seed ")).count(),
        4
    );
}
