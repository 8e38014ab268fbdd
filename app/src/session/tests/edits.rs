//! Documents and edits: what the button does, what a run takes along, keep, swap, undo.

use image::{Rgba, RgbaImage};
use limn_engine::PixelRect;
use limn_engine::protocol::Operation;
use limn_engine::stitch::Margins;

use super::*;
use crate::document::{LayerKind, StepName};

const SIDE: u32 = 64;

pub(super) fn model() -> ModelInfo {
    ModelInfo {
        id: ModelId("doodle".to_owned()),
        name: "Doodle".to_owned(),
        family: "Tiny".to_owned(),
        description: String::new(),
        bytes: 0,
        stride: 16,
        default_size: (SIDE, SIDE),
        defaults: Sampling::default(),
        vocabulary: None,
        examples: Vec::new(),
        operations: Vec::new(),
        features: Vec::new(),
        settings: Vec::new(),
        native_sizes: Vec::new(),
    }
}

/// A bench whose document is a grey picture of 128 × 96.
fn bench_with_picture() -> Bench {
    let picture = RgbaImage::from_pixel(128, 96, Rgba([90, 90, 90, 255]));
    bench_with_picture_of((128, 96), picture.into_raw())
}

/// # Shapes
/// `rgba`: `[height * width * 4]`
pub fn bench_with_picture_of((width, height): (u32, u32), rgba: Vec<u8>) -> Bench {
    let mut bench = Bench::new();
    bench.say(Event::Models(vec![model()]));
    let picture = RgbaImage::from_raw(width, height, rgba).unwrap();
    bench.session.open_picture("picture", &picture, None, None);
    bench
}

impl Bench {
    pub(super) fn mask(&mut self, rect: PixelRect) {
        let pixels = vec![255; rect.n_pixels() as usize];
        let document = self.session.document_mut();
        document.change(StepName::MaskAll, |content| {
            content.mask.write(rect, &pixels);
        });
    }

    pub(super) fn edit(&mut self, deed: Deed, n_pictures: u32) -> RunId {
        let snapshot = self.session.take_snapshot(deed).unwrap();
        let (id, effects) = self
            .session
            .queue_edit(request("a red boat", n_pictures), snapshot);
        self.note(effects);
        let job = self.job();
        self.say(Event::Started { job, plan: plan() });
        id
    }

    /// A result of one colour, as large as the run's context box and wholly covering it.
    pub(super) fn patch(&mut self, run: RunId, index: u32, level: u8) {
        let context = self.session.run(run).unwrap().edit().unwrap();
        let (width, height) = context.plan.context.size();
        let n = (width * height) as usize;
        let picture = Picture {
            index,
            seed: 1,
            width,
            height,
            pixels: BlobHash([0; 32]),
            score: None,
            patch_mask: Some(BlobHash([0; 32])),
            chosen: None,
        };
        let job = self.job();
        self.event(EngineEvent::Picture {
            job,
            picture,
            pixels: vec![level; n * 3],
            patch_mask: Some(vec![255; n]),
        });
        self.save_all();
    }

    /// What is seen on the canvas at the middle of the picture.
    pub(super) fn seen(&mut self) -> u8 {
        self.session.refresh();
        let content = self.session.canvas_content();
        content.composite(PixelRect::new(64, 48, 1, 1))[0][0]
    }

    pub(super) fn show(&mut self, run: RunId, index: u32) {
        self.session.show(PictureRef::Result { run, index });
    }
}

const HOLE: PixelRect = PixelRect::new(48, 32, 32, 32);

#[test]
fn the_button_names_what_the_document_asks_for() {
    let mut bench = Bench::new();
    bench.say(Event::Models(vec![model()]));
    assert_eq!(bench.session.deed(), Deed::NewPictures);
    assert_eq!(bench.session.edit_plan(), None);
    let mut bench = bench_with_picture();
    assert_eq!(bench.session.deed(), Deed::NewPictures);
    bench.mask(HOLE);
    assert_eq!(bench.session.deed(), Deed::FillMask);
    let plan = bench.session.edit_plan().unwrap();
    assert!(plan.context.contains_rect(&HOLE));
    // The user's word holds until the document asks for something else.
    bench.session.choose_deed(Deed::ChangePicture);
    assert_eq!(bench.session.deed(), Deed::ChangePicture);
    bench.session.document_mut().undo();
    assert_eq!(bench.session.deed(), Deed::NewPictures);
    let margins = Margins {
        right: 64,
        ..Margins::default()
    };
    bench.session.extend(margins);
    assert_eq!(bench.session.deed(), Deed::Extend);
    let plan = bench.session.edit_plan().unwrap();
    assert!(plan.context.right() == 192, "{plan:?}");
    bench.session.document_mut().undo();
    bench
        .session
        .document_mut()
        .change(StepName::Sketch, |content| {
            let dot = PixelRect::new(5, 5, 1, 1);
            content.sketch_mut().pixels_mut().write(dot, &[[255; 4]]);
        });
    assert_eq!(bench.session.deed(), Deed::ChangePicture);
}

#[test]
fn an_empty_mask_says_so_and_offers_the_whole_picture() {
    let bench = bench_with_picture();
    let problem = bench.session.take_snapshot(Deed::FillMask).unwrap_err();
    assert_eq!(problem.instead, Some(Deed::ChangePicture));
    assert!(bench.session.take_snapshot(Deed::Extend).is_err());
    assert!(
        Bench::new()
            .session
            .take_snapshot(Deed::ChangePicture)
            .is_err()
    );
}

#[test]
fn an_edit_takes_its_picture_and_mask_along() {
    let mut bench = bench_with_picture();
    bench.mask(HOLE);
    let run = bench.edit(Deed::FillMask, 1);
    let edit = bench.session.run(run).unwrap().edit().cloned().unwrap();
    let n = edit.plan.context.n_pixels() as usize;
    let Some(Request::Edit { request, .. }) = bench.asked.last() else {
        panic!("{:?}", bench.asked);
    };
    let [image, mask] = bench.blobs.as_slice() else {
        panic!("{} blobs", bench.blobs.len());
    };
    assert_eq!(request.image, BlobHash::of(image));
    assert_eq!(request.mask, Some(BlobHash::of(mask)));
    assert_eq!(image.len(), n * 4);
    let masked: u32 = mask.iter().map(|value| u32::from(*value)).sum();
    assert_eq!((mask.len(), masked), (n, 255 * 32 * 32));
    assert_eq!(edit.changes(0, 48, 32), 255);
    assert_eq!(edit.changes(0, 47, 32), 0);
    // The whole picture changes without a mask.
    let snapshot = bench.session.take_snapshot(Deed::ChangePicture).unwrap();
    assert_eq!(snapshot.plan.context, PixelRect::from_size(128, 96));
    assert_eq!(snapshot.changes(0, 0, 0), 255);
}

#[test]
fn results_are_seen_in_place_kept_swapped_and_undone() {
    let mut bench = bench_with_picture();
    bench.mask(HOLE);
    let run = bench.edit(Deed::FillMask, 2);
    bench.patch(run, 0, 10);
    bench.patch(run, 1, 20);
    assert_eq!(bench.seen(), 10, "the first result shows itself");
    bench.session.show_result(1);
    assert_eq!(bench.seen(), 20);
    bench.session.show_before();
    assert_eq!(bench.seen(), 90);
    assert_eq!(bench.session.document().content().layers.len(), 1);
    bench.show(run, 0);
    assert_eq!(bench.session.keep(), Keep::Done(Kept::Patch));
    assert_eq!((bench.seen(), bench.session.shown()), (10, None));
    let content = bench.session.document().content();
    assert!(content.mask.is_empty() && !content.last_mask.is_empty());
    bench.session.show_before();
    assert_eq!(
        bench.seen(),
        90,
        "before the run, what was kept of it is not there"
    );
    bench.show(run, 1);
    assert_eq!(bench.seen(), 20, "seen as if it were kept instead");
    assert_eq!(bench.session.keep(), Keep::Done(Kept::Swapped));
    assert_eq!(bench.session.document().content().layers.len(), 2);
    let document = bench.session.document_mut();
    assert_eq!(document.undo(), Some(StepName::SwapResult));
    assert_eq!(bench.seen(), 10);
    assert_eq!(
        bench.session.document_mut().undo(),
        Some(StepName::KeepResult)
    );
    assert_eq!(bench.seen(), 90);
    assert!(!bench.session.document().content().mask.is_empty());
    assert_eq!(
        bench.states(run),
        ["saved", "saved"],
        "no picture goes by undo"
    );
}

#[test]
fn what_was_painted_since_stays_above_the_kept_result() {
    let mut bench = bench_with_picture();
    let run = bench.edit(Deed::ChangePicture, 1);
    bench
        .session
        .document_mut()
        .change(StepName::Sketch, |content| {
            let dot = PixelRect::new(5, 5, 1, 1);
            content.sketch_mut().pixels_mut().write(dot, &[[255; 4]]);
        });
    bench.patch(run, 0, 10);
    let run_now = bench.session.run(run).unwrap();
    assert!(bench.session.is_of_older_state(run_now));
    bench.show(run, 0);
    bench.session.keep();
    let layers = bench.session.document().content().layers.iter();
    let kinds: Vec<_> = layers
        .map(|layer| match layer.kind {
            LayerKind::Picture { .. } => "picture",
            LayerKind::Patch { .. } => "patch",
            LayerKind::Sketch { .. } => "sketch",
        })
        .collect();
    assert_eq!(kinds, ["picture", "patch", "sketch"]);
}

#[test]
fn keeping_is_no_change_for_the_run_that_is_kept() {
    let mut bench = bench_with_picture();
    bench.mask(HOLE);
    let run = bench.edit(Deed::FillMask, 1);
    bench.patch(run, 0, 10);
    bench.show(run, 0);
    bench.session.keep();
    let run = bench.session.run(run).unwrap();
    assert!(!bench.session.is_of_older_state(run));
    assert_eq!(bench.session.kept_index(run), Some(0));
}

#[test]
fn again_goes_back_to_the_same_picture_with_new_seeds() {
    let mut bench = bench_with_picture();
    bench.mask(HOLE);
    let first = bench.edit(Deed::FillMask, 1);
    bench.patch(first, 0, 10);
    bench.finish();
    bench.show(first, 0);
    bench.session.keep();
    let effects = bench.session.queue_again(first, 77, Compute::default());
    bench.note(effects);
    let Some(Request::Edit { request, .. }) = bench.asked.last() else {
        panic!("{:?}", bench.asked);
    };
    assert_eq!(request.generate.seed, 77);
    let (first, again) = (&bench.session.runs[0], &bench.session.runs[1]);
    let (old, new) = (first.edit().unwrap(), again.edit().unwrap());
    assert!(Arc::ptr_eq(old, new));
}

/// The engine is killed while it fills: one click fills again, from the picture as it was.
#[test]
fn a_lost_edit_runs_again_from_its_own_picture() {
    let mut bench = bench_with_picture();
    bench.mask(HOLE);
    let run = bench.edit(Deed::FillMask, 1);
    bench.event(EngineEvent::Died {
        cause: crate::engine_link::DeathCause::Ended,
        reason: "killed".to_owned(),
        lost: Vec::new(),
    });
    assert_eq!(bench.states(run), ["failed"]);
    bench.session.document_mut().undo();
    bench.event(EngineEvent::Connected {
        build: "next".to_owned(),
    });
    bench.blobs.clear();
    let effects = bench.session.run_again(run);
    bench.note(effects);
    assert_eq!(
        bench.blobs.len(),
        2,
        "a new engine knows none of the pictures"
    );
}

#[test]
fn a_text_result_becomes_the_picture_of_a_blank_document_and_never_overwrites_one() {
    let mut bench = Bench::new();
    bench.say(Event::Models(vec![model()]));
    let run = bench.queue("a cat", 2);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    bench.picture(0);
    bench.picture(1);
    bench.show(run, 0);
    assert_eq!(bench.session.keep(), Keep::Done(Kept::Base));
    let first = bench.session.documents.current_id();
    assert_eq!(bench.session.document().content().frame.size(), (2, 2));
    bench.show(run, 1);
    assert_eq!(bench.session.keep(), Keep::Done(Kept::OwnDocument));
    assert_ne!(bench.session.documents.current_id(), first);
    assert_eq!(bench.session.documents.len(), 2);
    // The run belongs to the first: showing its results goes back there.
    bench.show(run, 0);
    assert_eq!(bench.session.documents.current_id(), first);
}

#[test]
fn results_never_land_in_another_document() {
    let mut bench = bench_with_picture();
    bench.mask(HOLE);
    let run = bench.edit(Deed::FillMask, 1);
    let first = bench.session.documents.current_id();
    bench.session.new_document();
    assert_eq!(bench.session.documents.len(), 2);
    bench.patch(run, 0, 10);
    assert_eq!(bench.session.shown(), None);
    bench.session.documents.step(1);
    assert_eq!(bench.session.documents.current_id(), first);
    assert_eq!(bench.seen(), 10);
    // Its document closed, a result is in the gallery and nowhere else.
    let (place, closed) = bench.session.documents.close(first).unwrap();
    assert_eq!(bench.states(run), ["saved"]);
    assert_eq!(bench.session.shown(), None);
    bench.session.documents.put_back(place, closed);
    assert_eq!(bench.session.documents.current_id(), first);
}

#[test]
fn the_gallery_gets_the_whole_picture_with_what_was_done() {
    let mut bench = bench_with_picture();
    bench.mask(HOLE);
    let run = bench.edit(Deed::FillMask, 1);
    let context = bench.session.run(run).unwrap().edit().unwrap();
    let context = context.plan.context;
    let n = context.n_pixels() as usize;
    let job = bench.job();
    let picture = Picture {
        index: 0,
        seed: 1,
        width: context.width,
        height: context.height,
        pixels: BlobHash([0; 32]),
        score: None,
        patch_mask: Some(BlobHash([0; 32])),
        chosen: None,
    };
    let mut mask = vec![0; n];
    let middle = (48 - context.y) as usize * context.width as usize + (64 - context.x) as usize;
    mask[middle] = 255;
    bench.event(EngineEvent::Picture {
        job,
        picture,
        pixels: vec![10; n * 3],
        patch_mask: Some(mask),
    });
    let made = bench.saves.pop().unwrap();
    let whole = made.whole();
    assert_eq!(whole.dimensions(), (128, 96));
    assert_eq!(whole.get_pixel(64, 48).0, [10; 3]);
    let n_changed = whole.pixels().filter(|pixel| pixel.0 != [90; 3]).count();
    assert_eq!(n_changed, 1, "what the patch does not cover is untouched");
    assert_eq!(made.recipe.deed, Operation::Inpaint);
    assert_eq!((made.recipe.width, made.recipe.height), (128, 96));
    assert_eq!(made.recipe.edit.as_ref().unwrap().context, context);
}

#[test]
fn painting_on_a_result_keeps_it_first() {
    let mut bench = Bench::new();
    let run = bench.queue("a cat", 1);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    bench.picture(0);
    bench.show(run, 0);
    assert_eq!(bench.session.make_way(), Keep::Done(Kept::Base));
    assert!(!bench.session.documents.current().is_blank());
    // An edit's result gives way: what is painted on is the document.
    let mut bench = bench_with_picture();
    bench.mask(HOLE);
    let run = bench.edit(Deed::FillMask, 1);
    bench.patch(run, 0, 10);
    bench.show(run, 0);
    assert_eq!(bench.session.make_way(), Keep::Nothing);
    assert_eq!((bench.seen(), bench.session.shown()), (90, None));
}

/// Each tile beyond the edges goes on with what is round it: the prompt's subject is not painted once in every one.
#[test]
fn tiles_beyond_the_edges_are_steered_by_their_surroundings() {
    use limn_engine::protocol::Steering;
    for (in_tiles, steering) in [(false, Steering::Continue), (true, Steering::Surroundings)] {
        let mut bench = bench_with_picture();
        let margins = Margins {
            left: 300,
            bottom: 200,
            ..Margins::default()
        };
        bench.session.extend(margins);
        bench.session.documents.current_mut().choices.in_tiles = in_tiles;
        let snapshot = bench.session.take_snapshot(Deed::Extend).unwrap();
        assert_eq!(snapshot.tiles.len() > 1, in_tiles);
        for tile in 0..snapshot.tiles.len() {
            let (asked, _) = snapshot.request(tile, None, request("a red boat", 1));
            assert_eq!(asked.steering, Some(steering));
            let extension = asked.plan.extension.unwrap();
            assert_eq!(extension.kept, PixelRect::from_size(128, 96));
        }
    }
}

#[test]
fn a_blend_into_the_picture_is_only_where_it_is_asked_for() {
    let mut bench = bench_with_picture();
    let margins = Margins {
        right: 64,
        ..Margins::default()
    };
    bench.session.extend(margins);
    for (px, width) in [(0, 128), (3, 125), (90, 124)] {
        bench
            .session
            .documents
            .current_mut()
            .choices
            .blend_inward_px = px;
        let plan = bench.session.edit_plan().unwrap();
        let kept = plan.extension.unwrap().kept;
        assert_eq!(kept, PixelRect::from_size(width, 96), "{px}");
    }
}

#[test]
fn what_a_fill_will_change_is_known_before_it_runs() {
    let mut bench = bench_with_picture();
    assert!(bench.session.coming_fill().is_empty());
    bench.mask(HOLE);
    let [tile] = &bench.session.coming_fill()[..] else {
        panic!("one piece");
    };
    let snapshot = bench.session.take_snapshot(Deed::FillMask).unwrap();
    assert_eq!(std::slice::from_ref(tile), &snapshot.tiles[..]);
    bench.session.choose_deed(Deed::ChangePicture);
    assert!(bench.session.coming_fill().is_empty());
}
