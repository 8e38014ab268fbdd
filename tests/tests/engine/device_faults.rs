//! Devices that fail: out of memory at each stage, and lost. What a job costs then, and that the next one is served.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use limn::engine_link::{EngineEvent, EngineLink};
use limn_engine::{
    error::ErrorKind,
    protocol::{
        BlobHash, DeviceChoice, Event, GenerateRequest, JobId, ModelId, PictureInput, Request,
        UpscaleRequest, Upscaler, chunks,
    },
};
use tempfile::TempDir;

use super::{Engine, engine_command, request};
use crate::harness::fixture_path;

/// The components of a model, in the order in which a job with a choice among candidates reads them.
const STAGES: [&str; 5] = ["image_encoder", "text_encoder", "prior", "unet", "movq"];

/// An engine whose device fails when it is told to.
struct FaultyEngine {
    engine: Engine,
    plan: PathBuf,
}

impl FaultyEngine {
    fn start() -> Self {
        let home = TempDir::new().unwrap();
        let plan = home.path().join("fault");
        let mut command = engine_command(home.path())
            .with_model(&fixture_path("pipeline"))
            .with_model(&fixture_path("upscalers/compact_x3/model.safetensors"));
        command
            .args
            .insert(0, format!("LIMN_FAULT_FILE={}", plan.display()).into());
        Self {
            engine: Engine {
                link: EngineLink::start(command, || {}),
                _home: home,
            },
            plan,
        }
    }

    /// Whether the device was asked for anything since: then it has taken the plan.
    fn plan(&self, plan: &str) {
        fs::write(&self.plan, plan).unwrap();
    }

    fn draw(&self, job: u64) -> Result<Vec<u8>, (ErrorKind, String)> {
        let job = JobId(job);
        self.engine.link.send(Request::Generate {
            job,
            request: best_of_two(),
        });
        self.outcome(job)
    }

    /// The one picture of a job, or why there is none.
    fn outcome(&self, job: JobId) -> Result<Vec<u8>, (ErrorKind, String)> {
        let (mut n_plans, mut pictures) = (0, Vec::new());
        self.engine.wait(|event| match event {
            EngineEvent::Event(Event::Started { job: j, .. }) if *j == job => {
                n_plans += 1;
                None
            }
            EngineEvent::Picture { job: j, pixels, .. } if *j == job => {
                pictures.push(pixels.clone());
                None
            }
            EngineEvent::Event(Event::Finished { job: j, .. }) if *j == job => {
                assert_eq!((n_plans, pictures.len()), (1, 1), "told once");
                Some(Ok(pictures.remove(0)))
            }
            EngineEvent::Event(Event::Failed { job: j, failure }) if *j == Some(job) => {
                Some(Err((failure.kind, failure.message.clone())))
            }
            _ => None,
        })
    }
}

/// Scored, so that every component has its turn.
fn best_of_two() -> GenerateRequest {
    GenerateRequest {
        best_of: 2,
        ..request(1)
    }
}

fn undisturbed() -> Vec<u8> {
    FaultyEngine::start().draw(1).unwrap()
}

/// Once: the ladder frees what it can and the picture is the same. Twice: the job fails with a size that needs half,
/// and the job behind it is served. Three times: that one climbs the ladder too.
#[test]
fn memory_that_runs_out_at_any_stage_costs_a_job_at_most() {
    let expected = undisturbed();
    for stage in STAGES {
        for n_faults in 1..=3 {
            let what = format!("{n_faults} at {stage}");
            let faulty = FaultyEngine::start();
            faulty.plan(&format!("{stage} 0 out-of-memory {n_faults}"));
            let first = faulty.draw(1);
            assert!(!faulty.plan.exists(), "{what}: the device was asked");
            if n_faults == 1 {
                assert_eq!(first.as_ref(), Ok(&expected), "{what}");
            } else {
                let (kind, message) = first.unwrap_err();
                assert_eq!(kind, ErrorKind::OutOfMemory, "{what}: {message}");
                for part in [
                    "64×64",
                    "needs half as much",
                    "one part of the model at a time",
                ] {
                    assert!(message.contains(part), "{what}: {message}");
                }
            }
            // The queue goes on in the same process.
            assert_eq!(faulty.draw(2), Ok(expected.clone()), "{what}");
        }
    }
}

/// Wherever values come back from the device, one by one to the job's end.
#[test]
fn memory_that_runs_out_at_any_readback_changes_no_picture() {
    let expected = undisturbed();
    let faulty = FaultyEngine::start();
    // What the first job alone computes is known after it.
    faulty.draw(0).unwrap();
    let mut n_readbacks = 0;
    for n_passing in 0.. {
        faulty.plan(&format!("readback {n_passing} out-of-memory once"));
        assert_eq!(
            faulty.draw(1 + n_passing),
            Ok(expected.clone()),
            "{n_passing}"
        );
        // The next plan takes this one's place; one that has not struck is the last.
        let left = is_left(&faulty, n_passing);
        if left {
            break;
        }
        n_readbacks += 1;
    }
    assert!(n_readbacks >= 12, "{n_readbacks}");
}

/// Whether a job has fewer readbacks than the plan lets through: then the same plan for ever changes nothing either.
fn is_left(faulty: &FaultyEngine, n_passing: u64) -> bool {
    faulty.plan(&format!("readback {n_passing} out-of-memory"));
    let result = faulty.draw(1_000 + n_passing);
    if let Err((kind, message)) = &result {
        assert_eq!(*kind, ErrorKind::OutOfMemory, "{message}");
    }
    result.is_ok()
}

#[test]
fn an_upscaler_without_memory_works_in_smaller_tiles_or_says_what_it_needs() {
    let enlarge = |faulty: &FaultyEngine, job: u64| {
        let rgba = [200, 100, 50, 255].repeat(90 * 70);
        for chunk in chunks::split(&rgba) {
            faulty.engine.link.send(Request::Chunk(chunk));
        }
        faulty.engine.link.send(Request::Upscale {
            job: JobId(job),
            request: UpscaleRequest {
                source: PictureInput {
                    pixels: BlobHash::of(&rgba),
                    width: 90,
                    height: 70,
                },
                scale: 2,
                upscaler: Some(Upscaler::File(ModelId("model".to_owned()))),
                compute: limn_engine::protocol::Compute {
                    device: DeviceChoice::Cpu,
                    ..Default::default()
                },
                drawn_by: None,
            },
        });
        faulty.outcome(JobId(job))
    };
    let expected = enlarge(&FaultyEngine::start(), 1).unwrap();
    for n_faults in 1..=3 {
        let faulty = FaultyEngine::start();
        faulty.plan(&format!("readback 0 out-of-memory {n_faults}"));
        let larger = enlarge(&faulty, 1).unwrap();
        assert_eq!(larger.len(), expected.len());
        // Tiles blend where they meet.
        let worst = larger
            .iter()
            .zip(&expected)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(worst <= Some(1), "{n_faults}: {worst:?}");
    }
    let faulty = FaultyEngine::start();
    faulty.plan("readback 0 out-of-memory");
    let (kind, message) = enlarge(&faulty, 1).unwrap_err();
    assert_eq!(kind, ErrorKind::OutOfMemory, "{message}");
}

/// At any gate: the job is told to have failed, a new engine comes, and it draws.
#[test]
#[allow(clippy::print_stderr)] // The counts are told.
fn a_lost_device_costs_its_job_and_a_new_engine_serves_the_next() {
    let expected = undisturbed();
    let readbacks = (0..15).map(|n| format!("readback {n} device-lost"));
    let allocations = STAGES.map(|stage| format!("{stage} 0 device-lost"));
    let faulty = FaultyEngine::start();
    faulty.engine.wait_for_connection();
    let (mut n_lost, mut slowest) = (0, Duration::ZERO);
    for plan in readbacks.chain(allocations) {
        // What a first job finds out is kept on disk: the encoder of pictures is then needed for scores alone.
        faulty.plan(&plan);
        let process = faulty.engine.link.process_id();
        let (kind, message) = faulty.draw(10 + n_lost).expect_err(&plan);
        let start = Instant::now();
        assert_eq!(kind, ErrorKind::Device, "{plan}: {message}");
        let (reason, _) = faulty.engine.wait_for_death();
        assert!(reason.contains("70"), "{plan}: {reason}");
        faulty.engine.wait_for_connection();
        slowest = slowest.max(start.elapsed());
        assert_ne!(faulty.engine.link.process_id(), process, "{plan}");
        assert_eq!(faulty.draw(1_000 + n_lost), Ok(expected.clone()), "{plan}");
        // Its components are in memory now, and the next plan wants them read anew.
        faulty.plan("readback 0 device-lost");
        faulty.draw(2_000 + n_lost).unwrap_err();
        faulty.engine.wait_for_death();
        faulty.engine.wait_for_connection();
        n_lost += 1;
    }
    eprintln!("{n_lost} devices lost; the slowest engine was back after {slowest:?}");
    assert_eq!(n_lost, 20);
}
