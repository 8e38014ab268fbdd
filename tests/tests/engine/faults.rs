//! Engines that die, hang or never start: what it costs, and that the next job is served.

#[cfg(unix)]
use std::time::Duration;

use limn::engine_link::{EngineCommand, EngineEvent, EngineLink};
#[cfg(unix)]
use limn::engine_link::{LostJob, Patience};
#[cfg(unix)]
use limn_engine::protocol::{JobId, Request};

use super::PATIENCE;
#[cfg(unix)]
use super::{ENDLESS, Engine, request, signal};
#[cfg(unix)]
use crate::harness::rounds;

#[cfg(unix)]
impl Engine {
    /// Begins a job that does not end by itself, and waits until it is at it.
    fn draw_endlessly(&self, job: JobId) {
        let request = request(ENDLESS);
        self.link.send(Request::Generate { job, request });
        self.wait_for_step(job);
    }
}

#[cfg(unix)]
#[test]
fn a_killed_engine_costs_its_jobs_and_the_next_one_serves() {
    let engine = Engine::start();
    engine.wait_for_connection();
    for round in 0..rounds(3, 50) {
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

#[cfg(unix)]
#[test]
fn a_stopped_engine_counts_as_hung() {
    let engine = Engine::start_with_patience(Patience {
        silence: Duration::from_secs(2),
        silence_factor: 1,
        cancel: PATIENCE,
        ..Patience::default()
    });
    for round in 0..rounds(1, 50) {
        engine.wait_for_connection();
        engine.draw_endlessly(JobId(2 * round + 1));
        assert!(signal("STOP", engine.link.process_id().unwrap()));
        let (reason, lost) = engine.wait_for_death();
        assert!(reason.contains("hung"), "{reason}");
        let [lost] = lost.as_slice() else {
            panic!("{lost:?}");
        };
        assert_eq!(lost.job, JobId(2 * round + 1));
    }
    engine.wait_for_connection();
    assert_eq!(engine.pictures(JobId(1000), request(1)).len(), 1);
}

#[cfg(unix)]
#[test]
fn a_cancel_that_is_not_acknowledged_kills() {
    let engine = Engine::start_with_patience(Patience {
        cancel: Duration::from_secs(1),
        ..Patience::default()
    });
    engine.wait_for_connection();
    engine.draw_endlessly(JobId(1));
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
    engine.draw_endlessly(JobId(1));
    let process = engine.link.process_id().unwrap();
    drop(engine);
    assert!(!signal("0", process), "process {process} lives");
}

#[test]
fn an_engine_that_cannot_start_says_why_and_is_tried_again() {
    let link = EngineLink::start(EngineCommand::local("/nowhere/limn"), || {});
    for _ in 0..2 {
        match link.recv_timeout(PATIENCE) {
            Some(EngineEvent::Died { reason, lost, .. }) => {
                assert!(reason.contains("/nowhere/limn"), "{reason}");
                assert!(lost.is_empty());
            }
            other => panic!("{other:?}"),
        }
    }
}
