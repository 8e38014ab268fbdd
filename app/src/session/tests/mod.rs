#![allow(clippy::unwrap_used)]

mod edits;
mod gestures;
mod masks;
mod past_runs;
mod tiles;

use std::time::Instant;

use limn_engine::error::ErrorKind;
use limn_engine::protocol::{
    BlobHash, Compute, Event, Failure, GenerateRequest, JobId, ModelId, Phase, Picture, Plan,
    Preview, Progress, Sampling, Timings,
};
use limn_engine::samplers::Sampler;

use super::*;
use crate::engine_link::EngineEvent;

fn request(prompt: &str, n_pictures: u32) -> GenerateRequest {
    GenerateRequest {
        model: ModelId("doodle".to_owned()),
        compute: Compute::default(),
        prompt: prompt.to_owned(),
        negative_prompt: None,
        size: Some((64, 64)),
        n_pictures,
        best_of: 1,
        seed: 100,
        sampling: Sampling::default(),
        latents: None,
        loras: Vec::new(),
        ip_adapter: None,
    }
}

fn plan() -> Plan {
    Plan {
        model_name: "Doodle".to_owned(),
        model_hash: "00".repeat(32),
        device: "CPU".to_owned(),
        dtype: "f32".to_owned(),
        width: 64,
        height: 64,
        cascade: None,
        sampler: Sampler::Ddim,
        n_steps: 10,
        guidance_scale: 4.0,
        n_prior_steps: Some(5),
        prior_guidance_scale: Some(4.0),
        unread_prompt: None,
        loras: Vec::new(),
        ip_adapter: None,
        stand_in: None,
        spacing: None,
        guidance_rescale: None,
        clip_skip: None,
        remarks: Vec::new(),
    }
}

/// A session with an engine played by the test.
struct Bench {
    session: Session,
    asked: Vec<Request>,
    /// What went ahead of the last request that had something.
    blobs: Vec<Arc<[u8]>>,
    saves: Vec<Arc<Made>>,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            session: Session::default(),
            asked: Vec::new(),
            blobs: Vec::new(),
            saves: Vec::new(),
        };
        bench.event(EngineEvent::Connected {
            build: "test".to_owned(),
        });
        bench.asked.clear();
        bench
    }

    fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(request) => self.asked.push(request),
                Effect::AskWith { request, blobs } => {
                    self.asked.push(request);
                    self.blobs = blobs;
                }
                Effect::AskEdit(job) => {
                    let asked = job.carry_out();
                    let effect = self.session.edit_asked(asked);
                    self.note(effect.into_iter().collect());
                }
                Effect::Work(job) => {
                    let made = job.carry_out();
                    let effects = self.session.mask_made(made, Instant::now());
                    self.note(effects);
                }
                Effect::Save(made) => self.saves.push(made),
                Effect::RetrySaves => self.saves.clear(),
            }
        }
    }

    fn event(&mut self, event: EngineEvent) {
        let effects = self.session.apply(event, Instant::now());
        self.note(effects);
    }

    fn say(&mut self, event: Event) {
        self.event(EngineEvent::Event(event));
    }

    fn queue(&mut self, prompt: &str, n_pictures: u32) -> RunId {
        let (id, effects) = self.session.queue(request(prompt, n_pictures));
        self.note(effects);
        id
    }

    /// The job that the engine was asked for last.
    fn job(&self) -> JobId {
        self.asked.iter().rev().find_map(Request::job).unwrap()
    }

    fn n_jobs_asked(&self) -> usize {
        self.asked.iter().filter_map(Request::job).count()
    }

    fn picture(&mut self, index: u32) {
        let job = self.job();
        let picture = Picture {
            index,
            seed: 100 + u64::from(index),
            width: 2,
            height: 2,
            pixels: BlobHash([0; 32]),
            score: None,
            patch_mask: None,
            chosen: None,
        };
        self.event(EngineEvent::Picture {
            job,
            picture,
            pixels: vec![7; 12],
            patch_mask: None,
        });
    }

    fn preview(&mut self, picture: u32) {
        let job = self.job();
        let preview = Preview {
            width: 1,
            height: 1,
            rgb: vec![1, 2, 3],
        };
        let progress = Progress {
            phase: Phase::Step,
            picture,
            step: 5,
            n_steps: 10,
            seconds_left: Some(8.0),
            preview: Some(preview),
        };
        self.say(Event::Progress { job, progress });
    }

    fn save_all(&mut self) {
        for made in std::mem::take(&mut self.saves) {
            let effects = self.session.saved(made.recipe.id);
            self.note(effects);
        }
    }

    fn finish(&mut self) {
        let (job, timings) = (
            self.job(),
            Timings {
                total_seconds: 8.0,
                ..Timings::default()
            },
        );
        self.say(Event::Finished {
            job,
            timings,
            memory: MemoryUse::default(),
        });
    }

    fn states(&self, run: RunId) -> Vec<&'static str> {
        let run = self.session.run(run).unwrap();
        let name = |slot: &Slot| match slot.state {
            SlotState::Waiting => "waiting",
            SlotState::Drawing(_) => "drawing",
            SlotState::Saving(_) => "saving",
            SlotState::Saved(_) => "saved",
            SlotState::Unsaved { .. } => "unsaved",
            SlotState::Failed(_) => "failed",
            SlotState::Cancelled => "cancelled",
            SlotState::Interrupted => "interrupted",
            SlotState::Trashed(_) => "trashed",
            SlotState::Gone => "gone",
        };
        run.slots.iter().map(name).collect()
    }
}

#[test]
fn a_run_goes_from_tiles_to_saved_pictures() {
    let mut bench = Bench::new();
    let run = bench.queue("a cat", 2);
    assert_eq!(bench.session.selected_run(), Some(run));
    assert_eq!(bench.states(run), ["drawing", "drawing"]);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    bench.preview(0);
    assert_eq!(
        bench.session.shown(),
        Some(PictureRef::Result { run, index: 0 })
    );
    assert!(bench.session.seconds_left(Instant::now()).unwrap() <= 8.0);
    bench.picture(0);
    assert_eq!(
        bench.states(run),
        ["saving", "drawing"],
        "not finished before the gallery has it"
    );
    bench.save_all();
    bench.picture(1);
    bench.save_all();
    bench.finish();
    assert_eq!(bench.states(run), ["saved", "saved"]);
    assert_eq!(bench.session.run(run).unwrap().state, RunState::Finished);
    let recipe = bench.session.run(run).unwrap().slots[1]
        .recipe()
        .unwrap()
        .clone();
    assert_eq!((recipe.seed, recipe.prompt.as_str()), (101, "a cat"));
}

#[test]
fn a_run_says_how_many_kernels_a_gpu_has_until_it_draws() {
    let mut bench = Bench::new();
    let run = bench.queue("a cat", 1);
    let job = bench.job();
    let n_kernels = |bench: &Bench| bench.session.run(run).unwrap().n_kernels();
    bench.say(Event::Started { job, plan: plan() });
    assert_eq!(n_kernels(&bench), None);
    let working = |job, n_kernels| Event::Working {
        job: Some(job),
        phase: Phase::Tune,
        n_kernels,
    };
    bench.say(working(job, 41));
    assert_eq!(n_kernels(&bench), Some(41));
    bench.say(working(JobId(job.0 + 1), 99));
    assert_eq!(n_kernels(&bench), Some(41), "of another job");
    bench.preview(0);
    assert_eq!(n_kernels(&bench), None, "it draws");
}

#[test]
fn prompts_wait_for_each_other_and_each_can_be_cancelled() {
    let mut bench = Bench::new();
    let first = bench.queue("one", 1);
    let second = bench.queue("two", 4);
    let third = bench.queue("three", 1);
    assert_eq!(bench.n_jobs_asked(), 1, "one job with the engine at a time");
    assert_eq!(
        bench.session.selected_run(),
        Some(first),
        "what is being drawn stays in view"
    );
    assert_eq!(bench.session.active_runs().count(), 3);
    let effects = bench.session.cancel(second);
    assert_eq!(effects, []);
    assert_eq!(bench.states(second), ["cancelled"; 4]);
    bench.picture_of_started_job();
    bench.finish();
    assert_eq!(bench.n_jobs_asked(), 2);
    assert_eq!(bench.session.running().unwrap().id, third);
    assert_eq!(bench.session.run(first).unwrap().state, RunState::Finished);
}

#[test]
fn a_cancelled_run_of_which_nothing_was_made_gives_way_to_the_results_before() {
    let mut bench = Bench::new();
    let first = bench.queue("one", 1);
    bench.picture_of_started_job();
    bench.finish();
    let picture = PictureRef::Result {
        run: first,
        index: 0,
    };
    bench.session.show(picture);
    // Given up before anything of it is seen, once by the engine's word and once in the queue.
    let second = bench.queue("two", 4);
    let third = bench.queue("three", 4);
    bench.session.select_run(third);
    bench.session.cancel(third);
    assert_eq!(bench.session.selected_run(), Some(first));
    bench.session.select_run(second);
    let job = bench.job();
    bench.session.cancel(second);
    assert_eq!(bench.session.selected_run(), Some(second), "it still stops");
    bench.say(Event::Cancelled { job });
    assert_eq!(bench.session.selected_run(), Some(first));
    assert_eq!(bench.session.shown(), Some(picture));

    // Where something was made, that stays in view.
    let fourth = bench.queue("four", 2);
    bench.picture_of_started_job();
    let job = bench.job();
    bench.session.cancel(fourth);
    bench.say(Event::Cancelled { job });
    assert_eq!(bench.session.selected_run(), Some(fourth));
}

#[test]
fn the_result_that_a_document_began_with_is_marked() {
    let mut bench = Bench::new();
    let id = bench.queue("one", 1);
    bench.picture_of_started_job();
    bench.finish();
    assert!(!bench.session.is_kept(bench.session.run(id).unwrap(), 0));
    bench.show(id, 0);
    assert_eq!(bench.session.keep(), Keep::Done(Kept::Base));
    let run = bench.session.run(id).unwrap();
    assert!(bench.session.is_kept(run, 0) && !bench.session.is_kept(run, 1));
}

impl Bench {
    fn picture_of_started_job(&mut self) {
        let job = self.job();
        self.say(Event::Started { job, plan: plan() });
        self.picture(0);
        self.save_all();
    }
}

#[test]
fn cancelling_keeps_what_is_finished() {
    let mut bench = Bench::new();
    let run = bench.queue("a cat", 3);
    bench.picture_of_started_job();
    let job = bench.job();
    let effects = bench.session.cancel(run);
    assert_eq!(effects, [Effect::Ask(Request::Cancel { job })]);
    assert_eq!(bench.session.run(run).unwrap().state, RunState::Stopping);
    bench.say(Event::Cancelled { job });
    assert_eq!(bench.states(run), ["saved", "cancelled", "cancelled"]);
    // What was cancelled can be run again, with the seeds it would have had.
    let effects = bench.session.run_again(run);
    let [Effect::Ask(Request::Generate { request, .. })] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!((request.seed, request.n_pictures), (101, 2));
}

#[test]
fn a_dead_engine_fails_its_job_once_and_the_queue_goes_on() {
    let mut bench = Bench::new();
    let first = bench.queue("one", 2);
    let second = bench.queue("two", 1);
    bench.picture_of_started_job();
    bench.event(EngineEvent::Died {
        cause: crate::engine_link::DeathCause::Ended,
        reason: "the engine was killed".to_owned(),
        lost: Vec::new(),
    });
    assert_eq!(bench.states(first), ["saved", "failed"]);
    assert_eq!(bench.n_jobs_asked(), 1, "nothing is asked of a dead engine");
    bench.event(EngineEvent::Connected {
        build: "test".to_owned(),
    });
    assert_eq!(bench.session.running().unwrap().id, second);
    bench.finish();
    // One click runs it again: only the picture that was lost.
    let effects = bench.session.run_again(first);
    bench.note(effects);
    assert_eq!(bench.session.running().unwrap().id, first);
    assert_eq!(bench.states(first), ["saved", "drawing"]);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    // The engine numbers the pictures of this job from 0.
    bench.picture(0);
    bench.save_all();
    bench.finish();
    assert_eq!(bench.states(first), ["saved", "saved"]);
}

#[test]
fn a_typed_failure_shows_its_message_and_the_next_job_runs() {
    let mut bench = Bench::new();
    let first = bench.queue("one", 1);
    let second = bench.queue("two", 1);
    let failure = Failure {
        kind: ErrorKind::OutOfMemory,
        message: "the device is out of memory".to_owned(),
    };
    let job = Some(bench.job());
    bench.say(Event::Failed { job, failure });
    let state = &bench.session.run(first).unwrap().state;
    assert_eq!(
        *state,
        RunState::Failed("the device is out of memory".to_owned())
    );
    assert_eq!(bench.session.running().unwrap().id, second);
}

#[test]
fn a_picture_that_cannot_be_saved_stays_and_holds_the_queue() {
    let mut bench = Bench::new();
    let first = bench.queue("one", 1);
    let second = bench.queue("two", 1);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    bench.picture(0);
    let made = bench.saves.pop().unwrap();
    bench.session.not_saved(made.recipe.id, "the disk is full");
    bench.finish();
    assert_eq!(bench.states(first), ["unsaved"]);
    assert_eq!(bench.states(second), ["waiting"]);
    assert!(bench.session.running().is_none(), "the queue waits");
    let effects = bench.session.retry_saving();
    assert_eq!(effects, [Effect::RetrySaves]);
    let effects = bench.session.saved(made.recipe.id);
    bench.note(effects);
    assert_eq!(bench.states(first), ["saved"]);
    assert_eq!(bench.session.running().unwrap().id, second);
}

#[test]
fn the_canvas_follows_new_results_until_the_user_picks_something() {
    let mut bench = Bench::new();
    let first = bench.queue("one", 2);
    bench.picture_of_started_job();
    assert_eq!(
        bench.session.shown(),
        Some(PictureRef::Result {
            run: first,
            index: 0
        })
    );
    bench.preview(1);
    assert_eq!(
        bench.session.shown(),
        Some(PictureRef::Result {
            run: first,
            index: 0
        }),
        "no jumping within a run"
    );
    let second = bench.queue("two", 1);
    bench.session.show(PictureRef::Result {
        run: first,
        index: 1,
    });
    bench.picture(1);
    bench.finish();
    bench.preview(0);
    assert_eq!(
        bench.session.shown(),
        Some(PictureRef::Result {
            run: first,
            index: 1
        })
    );
    bench.session.select_run(second);
    assert_eq!(
        bench.session.shown(),
        Some(PictureRef::Result {
            run: second,
            index: 0
        })
    );
    bench.session.show_before();
    assert!(matches!(bench.session.shown(), Some(PictureRef::Result { run, .. }) if run == first));
}

#[test]
fn results_are_stepped_through_around_the_ends() {
    let mut bench = Bench::new();
    let run = bench.queue("one", 3);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    bench.picture(0);
    bench.picture(2);
    let shown = |bench: &Bench| match bench.session.shown() {
        Some(PictureRef::Result { index, .. }) => index,
        _ => u32::MAX,
    };
    bench.session.show(PictureRef::Result { run, index: 0 });
    // Result 1 has nothing to show yet.
    for (by, expected) in [(1, 2), (1, 0), (-1, 2), (-1, 0)] {
        bench.session.step_result(by);
        assert_eq!(shown(&bench), expected);
    }
    bench.session.show_result(1);
    assert_eq!(shown(&bench), 0);
    bench.session.show_result(8);
    assert_eq!(shown(&bench), 0);
}

#[test]
fn a_trashed_result_can_come_back() {
    let mut bench = Bench::new();
    let run = bench.queue("one", 1);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    bench.picture(0);
    bench.save_all();
    let id = bench.session.shown_id().unwrap();
    bench.session.forget_picture(id);
    assert_eq!(
        (bench.states(run), bench.session.shown()),
        (vec!["trashed"], None)
    );
    bench.session.restore_picture(id);
    assert_eq!(bench.states(run), ["saved"]);
}
