//! Promises that need many rounds: a few here, all of them where `LIMN_LONG_TESTS` is set.

use std::process::Command;

use crate::harness::rounds;

/// What the document may take in memory at its peak, beside the program.
const UNDO_MIB: u64 = 256;

#[derive(Debug, serde::Deserialize)]
struct UndoReport {
    n_undone: usize,
    is_blank: bool,
    n_redone: usize,
    is_as_before: bool,
    longest_undo_ms: u64,
    /// At the first, after all steps, after undoing and after redoing them; where the system tells.
    peak_mib: [Option<u64>; 4],
}

/// Two hundred steps on a mask of 8192²: all back, all forth, in bounded memory.
#[test]
fn two_hundred_steps_of_a_large_mask_fit_into_memory() {
    // Each step changes a 16th of the mask, a 4th, or all of it.
    let shares = [16, 4, 1];
    for share in &shares[..rounds(1, 3) as usize] {
        undo_steps_of(&share.to_string());
    }
}

#[expect(clippy::print_stdout, reason = "the time is told and not asserted")]
fn undo_steps_of(share: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_limn-under-test"))
        .args(["undo-steps", share])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: UndoReport = serde_json::from_slice(&output.stdout).unwrap();
    println!(
        "undo of a {share}th: {} ms, {:?} MiB",
        report.longest_undo_ms, report.peak_mib
    );
    assert_eq!((report.n_undone, report.n_redone), (200, 200), "{report:?}");
    assert!(report.is_blank && report.is_as_before, "{report:?}");
    if let [Some(at_first), .., Some(peak)] = report.peak_mib {
        assert!(peak - at_first < UNDO_MIB, "{report:?}");
    }
}

#[cfg(unix)]
mod queue {
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use limn::engine_link::{EngineCommand, EngineEvent, EngineLink};
    use limn::session::{Effect, Made, RunId, RunState, Session};
    use limn_engine::protocol::{Compute, Event, GenerateRequest, ModelId};

    use crate::engine::signal;
    use crate::harness::rounds;

    const N_JOBS: u64 = 1_000;
    const PATIENCE: Duration = Duration::from_mins(5);

    /// A session, its engine, and a gallery that has every picture at once.
    struct Desk {
        session: Session,
        link: EngineLink,
        n_started: u64,
        n_finished: u64,
        is_connected: bool,
        /// Pictures that came, by their seeds.
        came: HashMap<u64, u32>,
    }

    impl Desk {
        fn new() -> Self {
            let command = EngineCommand {
                program: env!("CARGO_BIN_EXE_limn-under-test").into(),
                args: vec!["instant-engine".into()],
            };
            Self {
                session: Session::default(),
                link: EngineLink::start(command, || {}),
                n_started: 0,
                n_finished: 0,
                is_connected: false,
                came: HashMap::new(),
            }
        }

        fn carry_out(&mut self, effects: Vec<Effect>) {
            let mut effects: std::collections::VecDeque<_> = effects.into();
            while let Some(effect) = effects.pop_front() {
                match effect {
                    Effect::Ask(request) => self.link.send(request),
                    Effect::Save(made) => effects.extend(self.save(&made)),
                    _ => panic!("{effect:?}"),
                }
            }
        }

        fn save(&mut self, made: &Arc<Made>) -> Vec<Effect> {
            *self.came.entry(made.recipe.seed).or_default() += 1;
            self.session.saved(made.recipe.id)
        }

        fn queue(&mut self, seed: u64) -> RunId {
            let (run, effects) = self.session.queue(GenerateRequest {
                prompt: "a boat".to_owned(),
                size: Some((8, 8)),
                seed,
                ..GenerateRequest::blank(ModelId("instant".to_owned()), Compute::default())
            });
            self.carry_out(effects);
            run
        }

        fn next(&mut self) {
            let event = self.link.recv_timeout(PATIENCE).expect("an event");
            match &event {
                EngineEvent::Event(Event::Started { .. }) => self.n_started += 1,
                EngineEvent::Event(Event::Finished { .. }) => self.n_finished += 1,
                EngineEvent::Connected { .. } => self.is_connected = true,
                EngineEvent::Died { .. } => self.is_connected = false,
                _ => {}
            }
            let effects = self.session.apply(event, Instant::now());
            self.carry_out(effects);
        }
    }

    /// The engine is killed in the middle of the queue: one job is lost at most, which says so and is run again by the
    /// user; every other runs once.
    fn kill_in_the_middle() {
        let mut desk = Desk::new();
        let runs: Vec<RunId> = (1..=N_JOBS).map(|seed| desk.queue(seed)).collect();
        while desk.n_finished < N_JOBS / 2 {
            desk.next();
        }
        assert!(signal("KILL", desk.link.process_id().unwrap()));
        let mut n_lost = 0;
        while desk.session.active_runs().next().is_some() {
            desk.next();
            let failed = runs.iter().find(|run| {
                let run = desk.session.run(**run);
                run.is_some_and(|run| matches!(run.state, RunState::Failed(_)))
            });
            // Nobody asks again while the engine is seen to be away.
            if let Some(run) = failed
                && desk.is_connected
            {
                n_lost += 1;
                let effects = desk.session.run_again(*run);
                desk.carry_out(effects);
            }
        }
        assert!(n_lost <= 1, "{n_lost} jobs were lost");
        assert!(
            desk.n_started <= N_JOBS + n_lost,
            "{} were started",
            desk.n_started
        );
        for (run, seed) in runs.iter().zip(1..) {
            let state = &desk.session.run(*run).unwrap().state;
            assert_eq!(*state, RunState::Finished, "{seed}");
            assert_eq!(desk.came.get(&seed), Some(&1), "{seed}");
        }
        assert_eq!(desk.came.len() as u64, N_JOBS);
    }

    #[test]
    fn a_thousand_jobs_run_once_each_though_their_engine_is_killed() {
        for _ in 0..rounds(1, 10) {
            kill_in_the_middle();
        }
    }
}
