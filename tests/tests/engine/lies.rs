//! Engines that lie: each ends as what it is, the window stays awake and small, and the next engine is started.

use std::process::Command;
use std::time::{Duration, Instant};

use limn::engine_link::{Breach, DeathCause, EngineCommand, EngineEvent, EngineLink, Patience};
use limn_engine::protocol::{Event, JobId, Request};

use super::{PATIENCE, program, request};
use crate::command_line::{assert_refused, limn};

/// What the window's process may take at its peak under every lie; a third of what it must not exceed.
const MOST_MIB: u64 = 500;
/// A window that takes longer for a frame, on however busy a machine, hangs.
const HANGS: Duration = Duration::from_secs(5);

/// The lie, and what the death of its engine says; `None` where it goes on for ever and the window with it.
const LIES: [(&str, Option<&str>); 34] = [
    ("dies", Some("stopped")),
    ("models-unasked", Some("a list of models that nobody")),
    ("models-without-end", None),
    ("models-that-cannot-be", None),
    ("frame-too-long", Some("above the 8 that one may have")),
    ("frame-of-garbage", Some("cannot be read")),
    ("frame-cut-off", Some("before the end of a message")),
    ("lines", None),
    ("a-line-without-end", None),
    ("refusals", Some("a refusal that nobody")),
    ("pictures-unasked", Some("a part of a picture that nobody")),
    ("pictures-beyond", Some("a job of 4")),
    ("picture-again", Some("a picture twice")),
    ("picture-of-another-size", Some("in place of 1024×1024")),
    ("picture-not-sent", Some("had not sent")),
    ("huge-parts", Some("a part of a picture that nobody")),
    ("begun-blobs", Some("too many are on their way")),
    ("crumbs", Some("a part is too short")),
    ("wrong-hash", Some("do not have its hash")),
    ("previews", None),
    ("short-previews", Some("a preview of 5 values")),
    ("signs-of-life", Some("signs of life faster than")),
    ("steady-signs-of-life", None),
    ("loading", Some("news of loading faster than")),
    ("plan-again", Some("a plan twice")),
    ("end-without-pictures", Some("after 0 of ")),
    ("end-of-another-job", Some("which it does not have")),
    ("end-nobody-asked-for", Some("the end of a job that nobody")),
    ("embeddings-unasked", Some("embeddings that nobody")),
    ("message-without-end", None),
    ("timings-without-end", Some("a list of steps")),
    ("impossible-numbers", None),
    ("ignores-cancels", None),
    ("endless-banner", Some("no greeting in its first")),
];

#[derive(Debug, serde::Deserialize)]
struct Report {
    reason: Option<String>,
    n_deaths: usize,
    n_frames: usize,
    longest_frame_ms: u64,
    /// Where the system tells.
    peak_mib: Option<u64>,
    models: Vec<String>,
    runs: Vec<String>,
}

/// A window in a process of its own whose engine tells this lie.
fn window_with(lie: &str, secs: u64) -> Report {
    let output = Command::new(program())
        .args(["flooded-window", lie, &secs.to_string()])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{lie}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{lie}: {error} {errors}"))
}

fn check_lie(lie: &str, expected: Option<&str>) {
    // One that ends is waited for; one that goes on is looked at for a while.
    let report = window_with(lie, if expected.is_some() { 60 } else { 2 });
    match (expected, &report.reason) {
        (Some(expected), Some(reason)) => {
            assert!(reason.contains(expected), "{lie}: {reason}");
            assert!(reason.len() < 16 << 10, "{lie}: {} bytes", reason.len());
        }
        (None, None) => {}
        // How soon a flood is beyond measure is for the machine to say.
        (None, Some(reason)) if reason.contains("faster than") => {}
        _ => panic!("{lie}: {report:?}"),
    }
    let longest = Duration::from_millis(report.longest_frame_ms);
    assert!(longest < HANGS && report.n_frames > 5, "{lie}: {report:?}");
    assert!(report.peak_mib.unwrap_or(0) < MOST_MIB, "{lie}: {report:?}");
}

#[test]
fn the_window_outlives_every_lie_of_an_engine() {
    // Two at a time: most of each is waiting.
    let lies = std::sync::Mutex::new(LIES.iter());
    std::thread::scope(|scope| {
        let check_each = || {
            loop {
                let next = lies.lock().unwrap().next();
                let Some((lie, expected)) = next else { break };
                check_lie(lie, *expected);
            }
        };
        scope.spawn(check_each);
        scope.spawn(check_each);
    });
}

#[test]
fn models_that_cannot_be_are_left_out_and_the_others_are_there() {
    let report = window_with("models-that-cannot-be", 2);
    // The settings of one are left out, and it can be drawn with.
    assert_eq!(report.models, ["odd", "liar"]);
}

#[test]
fn a_message_without_end_is_cut() {
    let report = window_with("message-without-end", 3);
    let [run] = report.runs.as_slice() else {
        panic!("{report:?}");
    };
    assert!(run.starts_with("Failed(\"no no "), "{run}");
    assert!(run.len() < 8 << 10, "{} bytes", run.len());
}

#[test]
fn an_engine_that_dies_at_once_is_not_started_without_pause() {
    let report = window_with("dies", 3);
    assert!(report.n_deaths < 10, "{report:?}");
}

fn link_to(lie: &str, patience: Patience) -> EngineLink {
    let command = EngineCommand {
        program: program().into(),
        args: vec!["false-engine".into(), lie.into()],
    };
    EngineLink::start_with_patience(command, patience, || {})
}

fn death(link: &EngineLink) -> (DeathCause, String) {
    let deadline = Instant::now() + PATIENCE;
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        if let Some(EngineEvent::Died { cause, reason, .. }) = link.recv_timeout(left) {
            return (cause, reason);
        }
    }
    panic!("the engine did not die within {PATIENCE:?}");
}

#[test]
fn a_greeting_is_due_soon_whatever_comes_before_it() {
    for lie in ["silence", "drip"] {
        let patience = Patience {
            greeting: Duration::from_millis(500),
            ..Patience::default()
        };
        let (cause, reason) = death(&link_to(lie, patience));
        assert_eq!(cause, DeathCause::NoGreeting, "{lie}: {reason}");
    }
    assert_eq!(Patience::default().greeting, Duration::from_secs(10));
}

/// A flood does not put off what is due.
#[test]
fn a_cancel_is_due_though_signs_of_life_flood_in() {
    for lie in ["steady-signs-of-life", "ignores-cancels"] {
        let patience = Patience {
            cancel: Duration::from_millis(500),
            ..Patience::default()
        };
        let link = link_to(lie, patience);
        link.send(Request::ListModels);
        link.send(Request::ListUpscalers);
        let job = JobId(1);
        let mut generate = request(1);
        generate.size = None;
        link.send(Request::Generate {
            job,
            request: generate,
        });
        let is_started = |event| matches!(event, EngineEvent::Event(Event::Started { .. }));
        while !link.recv_timeout(PATIENCE).is_some_and(is_started) {}
        link.send(Request::Cancel { job });
        let (cause, reason) = death(&link);
        assert_eq!(cause, DeathCause::IgnoredCancel, "{lie}: {reason}");
    }
}

/// Whatever else is said: the window and the command line ask for lists before they ask for anything.
#[test]
fn an_answer_to_a_question_is_due_soon() {
    for (lie, expected) in [
        ("silence-after-greeting", "no answer"),
        ("signs-before-lists", "no answer"),
    ] {
        let patience = Patience {
            answer_silence: Duration::from_millis(300),
            answer: Duration::from_millis(900),
            ..Patience::default()
        };
        let link = link_to(lie, patience);
        link.send(Request::ListModels);
        let (cause, reason) = death(&link);
        assert_eq!(cause, DeathCause::Hung, "{lie}: {reason}");
        assert!(reason.contains(expected), "{lie}: {reason}");
    }
}

/// Though its output stays open: a process that it left behind holds it.
#[cfg(unix)]
#[test]
fn the_end_of_a_process_is_seen_whoever_holds_its_output() {
    let link = link_to("end-beside-a-grandchild", Patience::default());
    link.send(Request::ListModels);
    let mut generate = request(1);
    generate.size = None;
    link.send(Request::Generate {
        job: JobId(1),
        request: generate,
    });
    let since = Instant::now();
    let (cause, reason) = death(&link);
    assert_eq!(cause, DeathCause::Ended, "{reason}");
    assert!(reason.contains("exit status: 7"), "{reason}");
    assert!(
        since.elapsed() < Duration::from_secs(25),
        "{:?}",
        since.elapsed()
    );
}

/// The command line ends as the window does, by the same link.
#[test]
fn a_command_ends_with_an_engine_that_lies() {
    for (lie, expected) in [
        ("signs-of-life", "signs of life faster than"),
        ("loading", "news of loading faster than"),
        ("pictures-unasked", "a part of a picture that nobody"),
        ("frame-of-garbage", "cannot be read"),
        ("end-nobody-asked-for", "the end of a job that nobody"),
        ("end-without-pictures", "after 0 of 1"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let engine = format!("{} false-engine {lie}", program());
        let mut command = limn(home.path());
        command
            .env("LIMN_ENGINE", engine)
            .args(["generate", "--prompt", "a boat", "--out"])
            .arg(home.path().join("boat.png"));
        assert_refused(&mut command, 1, &["the engine stopped", expected]);
        assert!(!home.path().join("boat.png").exists());
    }
}

/// More than may wait between the pipe and the app: the engine waits, and every picture comes in its order.
#[test]
fn results_wait_for_a_slow_app_and_none_is_lost() {
    const N_PICTURES: u32 = 64;
    let link = link_to("pictures-beyond", Patience::default());
    link.send(Request::ListModels);
    link.send(Request::ListUpscalers);
    let mut generate = request(N_PICTURES);
    generate.size = None;
    let job = JobId(1);
    link.send(Request::Generate {
        job,
        request: generate,
    });
    std::thread::sleep(Duration::from_secs(1));
    let mut came = Vec::new();
    let cause = loop {
        match link.recv_timeout(PATIENCE).expect("an event") {
            EngineEvent::Picture {
                picture, pixels, ..
            } => {
                assert_eq!(pixels[0], picture.index as u8 + 1);
                came.push(picture.index);
            }
            EngineEvent::Died { cause, .. } => break cause,
            _ => {}
        }
    };
    assert_eq!(came, (0..N_PICTURES).collect::<Vec<_>>());
    let breach = Breach::PictureNumber {
        index: N_PICTURES,
        n_asked: N_PICTURES,
    };
    assert_eq!(cause, DeathCause::Breach(breach));
}
