//! Large changes of a mask that are made beside the window.

use limn_engine::PixelRect;

use super::edits::bench_with_picture_of;
use super::*;
use crate::document::StepName;
use crate::tools::{MaskAction, MaskWork};

const FRAME: PixelRect = PixelRect::from_size(2000, 300);

/// A bench with a picture so large that inverting a mask takes its time, and a mask of some pixels.
fn bench() -> Bench {
    let n = FRAME.n_pixels() as usize * 4;
    let mut bench = bench_with_picture_of(FRAME.size(), vec![90; n]);
    bench.mask_dot(PixelRect::new(5, 5, 40, 40));
    bench
}

impl Bench {
    fn mask_dot(&mut self, rect: PixelRect) {
        let pixels = vec![255; rect.n_pixels() as usize];
        let document = self.session.document_mut();
        document.change(StepName::Brush, |content| {
            content.mask.write(rect, &pixels);
        });
    }

    /// Asks for a change; the job if it is to be made beside the window.
    fn ask(&mut self, action: MaskAction) -> Option<MaskJob> {
        let document = self.session.documents.current_id();
        let work = MaskWork::action(action);
        job_of(self.session.change_mask(document, work, Instant::now()))
    }

    fn mask_made(&mut self, job: MaskJob) -> Option<MaskJob> {
        job_of(self.session.mask_made(job.carry_out(), Instant::now()))
    }

    fn is_masked(&self, x: i32, y: i32) -> bool {
        self.session.document().content().mask.pixel(x, y) > 0
    }

    fn is_working(&self) -> bool {
        self.session.documents.current().mask_work().is_some()
    }
}

fn job_of(effects: Vec<Effect>) -> Option<MaskJob> {
    effects.into_iter().find_map(|effect| match effect {
        Effect::Work(job) => Some(*job),
        _ => None,
    })
}

#[test]
fn a_large_change_is_made_beside_and_is_one_step() {
    let mut bench = bench();
    let job = bench.ask(MaskAction::Invert).unwrap();
    assert!(bench.is_working() && bench.is_masked(10, 10));
    assert_eq!(bench.session.document().next_undo(), Some(StepName::Brush));
    assert!(bench.mask_made(job).is_none());
    assert!(!bench.is_working() && !bench.is_masked(10, 10) && bench.is_masked(900, 9));
    let document = bench.session.document_mut();
    assert_eq!(document.undo(), Some(StepName::MaskInvert));
    assert!(bench.is_masked(10, 10));
    // What is quick is done at once.
    assert!(bench.ask(MaskAction::Clear).is_none());
    assert!(!bench.is_masked(10, 10));
}

#[test]
fn changes_wait_for_each_other_in_order() {
    let mut bench = bench();
    let first = bench.ask(MaskAction::Invert).unwrap();
    assert!(bench.ask(MaskAction::Invert).is_none());
    assert!(
        bench.ask(MaskAction::Clear).is_none(),
        "quick, but not its turn"
    );
    let second = bench.mask_made(first).unwrap();
    assert!(!bench.is_masked(10, 10));
    assert!(bench.mask_made(second).is_none());
    assert!(!bench.is_working());
    let steps = std::iter::from_fn(|| bench.session.document_mut().undo());
    let steps: Vec<_> = steps.take(3).collect();
    assert_eq!(
        steps,
        [
            StepName::MaskClear,
            StepName::MaskInvert,
            StepName::MaskInvert
        ]
    );
}

#[test]
fn a_change_that_is_stopped_leaves_the_mask_as_it_is() {
    let mut bench = bench();
    assert!(bench.session.stop_mask_work(Instant::now()).is_none());
    let job = bench.ask(MaskAction::Invert).unwrap();
    assert!(bench.session.stop_mask_work(Instant::now()).is_some());
    assert!(!bench.is_working());
    assert!(bench.mask_made(job).is_none());
    assert!(bench.is_masked(10, 10));
    assert_eq!(bench.session.document().next_undo(), Some(StepName::Brush));
}

/// The result would undo what was painted meanwhile: it is made again, on the mask that is there.
#[test]
fn a_mask_that_has_changed_meanwhile_is_changed_anew() {
    let mut bench = bench();
    let job = bench.ask(MaskAction::Invert).unwrap();
    bench.mask_dot(PixelRect::new(1000, 100, 8, 8));
    let again = bench.mask_made(job).unwrap();
    assert!(bench.is_masked(1003, 103) && bench.is_working());
    assert!(bench.mask_made(again).is_none());
    assert!(!bench.is_masked(1003, 103) && !bench.is_masked(10, 10) && bench.is_masked(500, 9));
}

#[test]
fn the_result_goes_to_its_own_document() {
    let mut bench = bench();
    let first = bench.session.documents.current_id();
    let job = bench.ask(MaskAction::Invert).unwrap();
    bench.session.new_document();
    bench.mask_made(job);
    assert!(bench.session.document().content().mask.is_empty());
    bench.session.documents.select(first);
    assert!(bench.is_masked(900, 9));
}
