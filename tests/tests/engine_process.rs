//! The engine as a process of its own: the link's promises, kept by the very program that is shipped.

use std::{
    io::{BufReader, Read, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use limn::engine_link::{EngineCommand, EngineEvent, EngineLink, LostJob, Patience};
use limn_engine::{
    PixelRect,
    error::ErrorKind,
    protocol::{
        BlobHash, Chunk, Compute, DeviceChoice, DtypeChoice, EditRequest, Event, GenerateRequest,
        JobId, ModelId, Request, Sampling, VERSION, framing,
    },
    stitch::{self, EditSettings, ModelSize},
    worker::EXIT_PROTOCOL,
};
use tempfile::TempDir;

use crate::harness::fixture_path;

/// Far beyond what anything here takes on a busy machine: only a fault waits as long.
const PATIENCE: Duration = Duration::from_mins(2);
/// As many pictures as a job may have, more than any test waits for: a job that is still running when it is disturbed.
const ENDLESS: u32 = 1_000;

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_limn-under-test")
}

/// An engine on the fixture, with its own home so that nothing of the user's is touched.
pub struct Engine {
    pub link: EngineLink,
    _home: TempDir,
}

impl Engine {
    pub fn start() -> Self {
        Self::start_with_patience(Patience::default())
    }

    fn start_with_patience(patience: Patience) -> Self {
        let home = tempfile::tempdir().unwrap();
        let command = engine_command(home.path()).with_model(&fixture_path("pipeline"));
        Self {
            link: EngineLink::start_with_patience(command, patience, || {}),
            _home: home,
        }
    }

    /// The next event that `wanted` maps to something; an engine that dies unasked fails the test.
    pub fn wait<T>(&self, mut wanted: impl FnMut(&EngineEvent) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            let Some(event) = self.link.recv_timeout(left) else {
                continue;
            };
            if let Some(value) = wanted(&event) {
                return value;
            }
            if let EngineEvent::Died { reason, .. } = event {
                panic!("the engine died: {reason}");
            }
        }
        panic!("the engine did not answer within {PATIENCE:?}");
    }

    pub fn wait_for_connection(&self) {
        self.wait(|event| matches!(event, EngineEvent::Connected { .. }).then_some(()));
    }

    fn wait_for_step(&self, job: JobId) {
        self.wait(|event| match event {
            EngineEvent::Event(Event::Progress { job: j, .. }) if *j == job => Some(()),
            EngineEvent::Event(Event::Failed { failure, .. }) => panic!("{}", failure.message),
            _ => None,
        });
    }

    fn wait_for_death(&self) -> (String, Vec<LostJob>) {
        self.wait(|event| match event {
            EngineEvent::Died { reason, lost } => Some((reason.clone(), lost.clone())),
            _ => None,
        })
    }

    pub fn wait_for_failure(&self, job: Option<JobId>) -> (ErrorKind, String) {
        self.wait(|event| match event {
            EngineEvent::Event(Event::Failed { job: j, failure }) if *j == job => {
                Some((failure.kind, failure.message.clone()))
            }
            _ => None,
        })
    }

    /// Runs a job to its end and returns its pictures' pixels.
    pub fn pictures(&self, job: JobId, request: GenerateRequest) -> Vec<Vec<u8>> {
        self.link.send(Request::Generate { job, request });
        let pictures = self.wait_for_pictures(job);
        assert!(pictures.iter().all(|(_, patch_mask)| patch_mask.is_none()));
        pictures.into_iter().map(|(pixels, _)| pixels).collect()
    }

    /// As [`Self::pictures`], of an edit: each with its patch mask.
    fn patches(&self, job: JobId, edit: Edit) -> Vec<(Vec<u8>, Vec<u8>)> {
        edit.send(&self.link, job);
        let pictures = self.wait_for_pictures(job).into_iter();
        pictures
            .map(|(pixels, mask)| (pixels, mask.unwrap()))
            .collect()
    }

    pub fn wait_for_pictures(&self, job: JobId) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let mut pictures = Vec::new();
        self.wait(|event| match event {
            EngineEvent::Picture {
                job: j,
                picture,
                pixels,
                patch_mask,
            } if *j == job => {
                assert_eq!(picture.index as usize, pictures.len(), "in order");
                assert_eq!(pixels.len(), (picture.width * picture.height * 3) as usize);
                pictures.push((pixels.clone(), patch_mask.clone()));
                None
            }
            EngineEvent::Event(Event::Finished {
                job: j, timings, ..
            }) if *j == job => {
                assert!(timings.total_seconds > 0.0);
                Some(())
            }
            EngineEvent::Event(Event::Failed { failure, .. }) => panic!("{}", failure.message),
            _ => None,
        });
        pictures
    }
}

/// The engine of the program under test, which keeps its files under `home`.
#[cfg(unix)]
pub fn engine_command(home: &Path) -> EngineCommand {
    let home = format!("LIMN_HOME={}", home.display());
    EngineCommand {
        program: "env".into(),
        args: vec![home.into(), program().into(), "engine".into()],
    }
}

/// The engine of the program under test; here its files are kept where the user's are.
#[cfg(not(unix))]
pub fn engine_command(_: &Path) -> EngineCommand {
    EngineCommand::local(program())
}

pub fn request(n_pictures: u32) -> GenerateRequest {
    GenerateRequest {
        model: ModelId(fixture_path("pipeline").display().to_string()),
        compute: Compute {
            device: DeviceChoice::Cpu,
            dtype: DtypeChoice::Auto,
        },
        prompt: "a red boat".to_owned(),
        negative_prompt: None,
        size: Some((64, 64)),
        n_pictures,
        best_of: 1,
        seed: 7,
        sampling: Sampling {
            n_steps: Some(3),
            n_prior_steps: Some(2),
            ..Sampling::default()
        },
        latents: None,
    }
}

/// An edit and the bytes that its request names.
#[derive(Clone)]
struct Edit {
    request: EditRequest,
    blobs: Vec<Arc<[u8]>>,
}

impl Edit {
    /// Of a picture of more than one chunk, of which the middle changes.
    fn new(n_pictures: u32) -> Self {
        const SIDE: u32 = 640;
        let context = PixelRect::new(-10, 20, SIDE, SIDE);
        let is_masked =
            |i: u32| (i % SIDE).abs_diff(SIDE / 2) < 99 && (i / SIDE).abs_diff(SIDE / 2) < 99;
        let image: Arc<[u8]> = (0..4 * SIDE * SIDE)
            .map(|i| (i % 4 * 85) as u8 | (i / 9000) as u8)
            .collect();
        let mask: Arc<[u8]> = (0..SIDE * SIDE)
            .map(|i| if is_masked(i) { 255 } else { 0 })
            .collect();
        let size = ModelSize {
            native: (64, 64),
            stride: 4,
        };
        let settings = EditSettings {
            strength: 0.7,
            whole: true,
            ..EditSettings::default()
        };
        let masked = PixelRect::new(context.x + 221, context.y + 221, 198, 198);
        Self {
            request: EditRequest {
                generate: request(n_pictures),
                plan: stitch::plan(masked, context, &settings, size),
                settings,
                steering: None,
                image: BlobHash::of(&image),
                mask: Some(BlobHash::of(&mask)),
            },
            blobs: vec![image, mask],
        }
    }

    /// Another mask, under its own hash.
    fn set_mask(&mut self, mask: Vec<u8>) {
        self.request.mask = Some(BlobHash::of(&mask));
        self.blobs[1] = mask.into();
    }

    fn send(self, link: &EngineLink, job: JobId) {
        let Self { request, blobs } = self;
        link.send_with(Request::Edit { job, request }, blobs);
    }
}

#[test]
fn an_engine_lists_its_models_and_draws_the_same_picture_again() {
    let engine = Engine::start();
    engine.link.send(Request::ListModels);
    engine.wait_for_connection();
    let models = engine.wait(|event| match event {
        EngineEvent::Event(Event::Models(models)) => Some(models.clone()),
        _ => None,
    });
    let model = models
        .iter()
        .find(|model| model.id.0 == "pipeline")
        .unwrap();
    assert!(model.bytes > 0 && model.stride > 0);

    let first = engine.pictures(JobId(1), request(2));
    let again = engine.pictures(JobId(2), request(2));
    assert_eq!(first.len(), 2);
    assert_ne!(first[0], first[1], "another seed, another picture");
    assert!(first == again, "the same seed, the same pictures");
}

#[test]
fn a_cancel_stops_a_running_job_and_a_waiting_one() {
    let engine = Engine::start();
    for job in [JobId(1), JobId(2)] {
        engine.link.send(Request::Generate {
            job,
            request: request(ENDLESS),
        });
    }
    engine.wait_for_connection();
    engine.wait_for_step(JobId(1));
    let process = engine.link.process_id();
    for job in [JobId(2), JobId(1)] {
        engine.link.send(Request::Cancel { job });
        engine.wait(|event| match event {
            EngineEvent::Event(Event::Cancelled { job: j }) if *j == job => Some(()),
            _ => None,
        });
    }
    assert_eq!(engine.pictures(JobId(3), request(1)).len(), 1);
    assert_eq!(engine.link.process_id(), process, "the same engine goes on");
}

#[cfg(unix)]
pub fn signal(name: &str, process: u32) -> bool {
    Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

#[cfg(unix)]
#[test]
fn a_killed_engine_costs_its_jobs_and_the_next_one_serves() {
    let engine = Engine::start();
    engine.wait_for_connection();
    for round in 0..3 {
        let [running, waiting] = [JobId(10 * round + 1), JobId(10 * round + 2)];
        for job in [running, waiting] {
            engine.link.send(Request::Generate {
                job,
                request: request(ENDLESS),
            });
        }
        engine.wait_for_step(running);
        let process = engine.link.process_id().unwrap();
        assert!(signal("KILL", process));
        let (reason, lost) = engine.wait_for_death();
        assert!(reason.contains("SIGKILL"), "{reason}");
        let expected = [(running, true), (waiting, false)].map(|(job, was_started)| LostJob {
            job,
            was_started,
            was_cancelled: false,
        });
        assert_eq!(lost, expected);

        engine.wait_for_connection();
        assert_ne!(engine.link.process_id(), Some(process));
        assert_eq!(engine.pictures(JobId(10 * round + 3), request(1)).len(), 1);
    }
}

#[test]
fn an_edit_comes_back_as_a_patch() {
    let engine = Engine::start();
    let first = engine.patches(JobId(1), Edit::new(2));
    assert_eq!(first.len(), 2);
    let context = Edit::new(2).request.plan.context;
    for (_, mask) in &first {
        assert_eq!(mask.len() as u64, context.n_pixels());
        assert!(mask.contains(&0) && mask.contains(&255));
    }
    assert_ne!(first[0].0, first[1].0, "another seed, another patch");
    assert_eq!(first[0].1, first[1].1, "the same mask");
    // The engine forgets what it has used: the bytes go with every request.
    assert!(engine.patches(JobId(2), Edit::new(2)) == first);
}

#[cfg(unix)]
#[test]
fn an_engine_killed_in_an_edit_costs_it_and_the_next_one_does_it() {
    let engine = Engine::start();
    let expected = engine.patches(JobId(1), Edit::new(1));
    Edit::new(ENDLESS).send(&engine.link, JobId(2));
    engine.wait_for_step(JobId(2));
    assert!(signal("KILL", engine.link.process_id().unwrap()));
    let (_, lost) = engine.wait_for_death();
    let job = LostJob {
        job: JobId(2),
        was_started: true,
        was_cancelled: false,
    };
    assert_eq!(lost, [job]);
    // Sent while there is no engine: bytes and all wait for the next one.
    assert!(engine.patches(JobId(3), Edit::new(1)) == expected);
}

#[test]
fn a_cancel_stops_an_edit() {
    let engine = Engine::start();
    Edit::new(ENDLESS).send(&engine.link, JobId(1));
    engine.wait_for_step(JobId(1));
    engine.link.send(Request::Cancel { job: JobId(1) });
    engine.wait(|event| match event {
        EngineEvent::Event(Event::Cancelled { job: JobId(1) }) => Some(()),
        _ => None,
    });
    assert_eq!(engine.patches(JobId(2), Edit::new(1)).len(), 1);
}

#[test]
fn bad_edits_get_typed_failures_and_the_engine_goes_on() {
    type SpoilEdit = fn(&mut Edit);

    let engine = Engine::start();
    engine.wait_for_connection();
    let table: [(SpoilEdit, ErrorKind, &str); 7] = [
        (|e| e.blobs.clear(), ErrorKind::Protocol, "picture"),
        (|e| e.blobs.truncate(1), ErrorKind::Protocol, "mask"),
        (|e| e.set_mask(vec![255; 7]), ErrorKind::BadRequest, "mask"),
        (
            |e| e.set_mask(vec![0; e.blobs[1].len()]),
            ErrorKind::BadRequest,
            "nothing is masked",
        ),
        (
            |e| e.request.plan.context.width -= 1,
            ErrorKind::BadRequest,
            "picture",
        ),
        (
            |e| e.request.plan.work_size = (63, 64),
            ErrorKind::BadRequest,
            "use 64×64",
        ),
        (
            |e| e.request.settings.strength = 0.0,
            ErrorKind::BadRequest,
            "strength",
        ),
    ];
    for (number, (spoil, kind, words)) in table.into_iter().enumerate() {
        let job = JobId(number as u64 + 1);
        let mut edit = Edit::new(1);
        spoil(&mut edit);
        edit.send(&engine.link, job);
        let (got, message) = engine.wait_for_failure(Some(job));
        assert!(got == kind && message.contains(words), "{got:?}: {message}");
    }
    assert_eq!(engine.patches(JobId(100), Edit::new(1)).len(), 1);
}

#[cfg(unix)]
#[test]
fn a_stopped_engine_counts_as_hung() {
    let engine = Engine::start_with_patience(Patience {
        silence: Duration::from_secs(2),
        silence_factor: 1,
        cancel: PATIENCE,
    });
    engine.wait_for_connection();
    engine.link.send(Request::Generate {
        job: JobId(1),
        request: request(ENDLESS),
    });
    engine.wait_for_step(JobId(1));
    assert!(signal("STOP", engine.link.process_id().unwrap()));
    let (reason, lost) = engine.wait_for_death();
    assert!(reason.contains("hung"), "{reason}");
    assert_eq!(lost.len(), 1);
    engine.wait_for_connection();
}

#[cfg(unix)]
#[test]
fn a_cancel_that_is_not_acknowledged_kills() {
    let engine = Engine::start_with_patience(Patience {
        cancel: Duration::from_secs(1),
        ..Patience::default()
    });
    engine.wait_for_connection();
    engine.link.send(Request::Generate {
        job: JobId(1),
        request: request(ENDLESS),
    });
    engine.wait_for_step(JobId(1));
    assert!(signal("STOP", engine.link.process_id().unwrap()));
    engine.link.send(Request::Cancel { job: JobId(1) });
    let (reason, lost) = engine.wait_for_death();
    assert!(reason.contains("cancel"), "{reason}");
    assert!(lost[0].was_cancelled);
}

#[cfg(unix)]
#[test]
fn a_dropped_link_ends_the_process() {
    let engine = Engine::start();
    engine.wait_for_connection();
    engine.link.send(Request::Generate {
        job: JobId(1),
        request: request(ENDLESS),
    });
    engine.wait_for_step(JobId(1));
    let process = engine.link.process_id().unwrap();
    drop(engine);
    assert!(!signal("0", process), "process {process} lives");
}

#[test]
fn an_engine_that_cannot_start_says_why_and_is_tried_again() {
    let link = EngineLink::start(EngineCommand::local("/nowhere/limn"), || {});
    for _ in 0..2 {
        match link.recv_timeout(PATIENCE) {
            Some(EngineEvent::Died { reason, lost }) => {
                assert!(reason.contains("/nowhere/limn"), "{reason}");
                assert!(lost.is_empty());
            }
            other => panic!("{other:?}"),
        }
    }
}

/// What makes a good request a bad one.
type Spoil = fn(&mut GenerateRequest);

#[test]
fn bad_requests_get_typed_failures_and_the_engine_goes_on() {
    let engine = Engine::start();
    engine.wait_for_connection();
    let change = |edit: fn(&mut GenerateRequest)| {
        let mut request = request(1);
        edit(&mut request);
        request
    };
    let table: [(Spoil, ErrorKind, &str); 8] = [
        (
            |r| r.prompt = " ".to_owned(),
            ErrorKind::BadRequest,
            "prompt is empty",
        ),
        (|r| r.size = Some((0, 0)), ErrorKind::BadRequest, "step by"),
        (|r| r.size = Some((65, 64)), ErrorKind::BadRequest, "use "),
        (
            |r| r.sampling.n_steps = Some(0),
            ErrorKind::BadRequest,
            "steps",
        ),
        (
            |r| r.model.0 = "nosuch".to_owned(),
            ErrorKind::BadRequest,
            "pipeline",
        ),
        (
            |r| r.compute.device = DeviceChoice::Named("abacus".to_owned()),
            ErrorKind::BadRequest,
            "auto, gpu, cpu",
        ),
        (
            |r| r.compute.dtype = DtypeChoice::F16,
            ErrorKind::BadRequest,
            "f32 on the CPU",
        ),
        (
            |r| r.latents = Some(BlobHash::of(b"never sent")),
            ErrorKind::Protocol,
            "not sent",
        ),
    ];
    for (number, (edit, kind, words)) in table.into_iter().enumerate() {
        let job = JobId(number as u64 + 1);
        engine.link.send(Request::Generate {
            job,
            request: change(edit),
        });
        let (got, message) = engine.wait_for_failure(Some(job));
        assert!(got == kind && message.contains(words), "{got:?}: {message}");
    }

    engine.link.send(Request::Chunk(Chunk {
        blob: BlobHash([0; 32]),
        offset: 0,
        total_bytes: 3,
        bytes: vec![1, 2, 3],
    }));
    let (kind, message) = engine.wait_for_failure(None);
    assert!(
        kind == ErrorKind::Protocol && message.contains("hash"),
        "{message}"
    );
    assert_eq!(engine.pictures(JobId(100), request(1)).len(), 1);
}

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
