//! The protocol itself, without the link: to say what the link never says.

use std::{
    io::{BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use limn_engine::{
    error::ErrorKind,
    protocol::{Event, JobId, Request, VERSION, framing},
    worker::EXIT_PROTOCOL,
};
use tempfile::TempDir;

use super::{ENDLESS, program, request};
use crate::harness::fixture_path;

/// An engine without the link, to say what the link never says.
struct RawEngine {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    _home: TempDir,
}

impl RawEngine {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(program())
            .arg("engine")
            .arg("--model")
            .arg(fixture_path("pipeline"))
            .env("LIMN_HOME", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            _home: home,
        }
    }

    fn greet(mut self) -> Self {
        framing::write_greeting(self.stdin.as_mut().unwrap()).unwrap();
        framing::read_greeting(&mut self.stdout).unwrap();
        self
    }

    fn send(&mut self, request: &Request) {
        framing::write_frame(self.stdin.as_mut().unwrap(), request).unwrap();
    }

    fn next(&mut self) -> Option<Event> {
        framing::read_frame(&mut self.stdout).unwrap()
    }

    fn wait_for_step(&mut self) {
        loop {
            match self.next().unwrap() {
                Event::Progress { .. } => return,
                Event::Failed { failure, .. } => panic!("{}", failure.message),
                _ => {}
            }
        }
    }
}

#[test]
fn the_end_of_input_ends_the_engine_in_the_middle_of_a_job() {
    let mut engine = RawEngine::start().greet();
    engine.send(&Request::Generate {
        job: JobId(1),
        request: request(ENDLESS),
    });
    engine.wait_for_step();
    drop(engine.stdin.take());
    // Only frames until the end, and an end there is.
    while engine.next().is_some() {}
    assert!(engine.child.wait().unwrap().success());
}

#[test]
fn shutdown_ends_the_engine_with_everything_said() {
    let mut engine = RawEngine::start().greet();
    engine.send(&Request::Generate {
        job: JobId(1),
        request: request(ENDLESS),
    });
    engine.wait_for_step();
    engine.send(&Request::Shutdown);
    let mut last = None;
    while let Some(event) = engine.next() {
        last = Some(event);
    }
    assert_eq!(last, Some(Event::Cancelled { job: JobId(1) }));
    assert!(engine.child.wait().unwrap().success());
}

#[test]
fn an_unknown_request_is_refused_and_the_next_one_served() {
    let mut engine = RawEngine::start().greet();
    let stdin = engine.stdin.as_mut().unwrap();
    stdin.write_all(&[2, 0, 0, 0, 120, 5]).unwrap();
    engine.send(&Request::ListModels);
    let mut is_refused = false;
    loop {
        match engine.next().unwrap() {
            Event::Failed { job: None, failure } => {
                assert_eq!(failure.kind, ErrorKind::Protocol);
                is_refused = true;
            }
            Event::Models(models) => {
                assert!(!models.is_empty());
                break;
            }
            _ => {}
        }
    }
    // The answers thread may be quicker than the refusal.
    while !is_refused {
        is_refused = matches!(engine.next(), Some(Event::Failed { job: None, .. }));
    }
}

#[test]
fn another_version_is_refused_by_number() {
    let mut engine = RawEngine::start();
    let mut greeting = Vec::new();
    framing::write_greeting(&mut greeting).unwrap();
    greeting[4..6].copy_from_slice(&(VERSION + 1).to_le_bytes());
    engine.stdin.as_mut().unwrap().write_all(&greeting).unwrap();
    let status = engine.child.wait().unwrap();
    assert_eq!(status.code(), Some(EXIT_PROTOCOL.into()));
    let mut words = String::new();
    let mut stderr = engine.child.stderr.take().unwrap();
    stderr.read_to_string(&mut words).unwrap();
    for version in [VERSION, VERSION + 1] {
        assert!(words.contains(&version.to_string()), "{words}");
    }
}
