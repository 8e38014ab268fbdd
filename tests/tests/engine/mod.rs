//! The engine as a process of its own: the link's promises, kept by the very program that is shipped.

#[cfg(unix)]
mod device_faults;
mod edits;
mod faults;
mod gestures;
mod jobs;
mod lies;
mod raw;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use limn::engine_link::{EngineCommand, EngineEvent, EngineLink, LostJob, Patience};
use limn_engine::{
    error::ErrorKind,
    protocol::{
        Compute, DeviceChoice, DtypeChoice, Event, GenerateRequest, JobId, ModelId, Request,
        Sampling,
    },
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
        let command = engine_command(home.path())
            .with_model(&fixture_path("pipeline"))
            .with_model(&fixture_path("stable_diffusion"));
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
            EngineEvent::Died { reason, lost, .. } => Some((reason.clone(), lost.clone())),
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
        loras: Vec::new(),
        ip_adapter: None,
    }
}

#[cfg(unix)]
pub fn signal(name: &str, process: u32) -> bool {
    std::process::Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap()
        .success()
}
