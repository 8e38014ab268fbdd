//! Gestures: what a run takes along, what the engine is asked for, what the recipe says.

use limn_engine::protocol::{BlendInput, Operation, PictureInput};

use super::edits::model;
use super::*;
use crate::gallery::Recipe;

pub(super) fn source(name: &str, level: u8) -> Source {
    let rgba: Arc<[u8]> = vec![level; 4 * 8 * 6].into();
    let id = PictureId::new();
    Source {
        input: PictureInput {
            pixels: BlobHash::of(&rgba),
            width: 8,
            height: 6,
        },
        rgba,
        name: name.to_owned(),
        picture: Some(id),
        file: None,
        canvas: None,
        parents: vec![id],
        recipe: None,
        is_of_ai: false,
    }
}

fn turn(amounts: &[f32]) -> Gesture {
    Gesture::Turn {
        source: source("a house", 1),
        from: "day".to_owned(),
        to: "night".to_owned(),
        amounts: amounts.to_vec(),
    }
}

fn mix(parts: &[MixInput], ways: &[&[f32]]) -> Gesture {
    Gesture::Mix {
        inputs: parts.to_vec(),
        ways: ways.iter().map(|way| way.to_vec()).collect(),
    }
}

impl Bench {
    fn gesture(&mut self, gesture: Gesture, n_pictures: u32) -> RunId {
        let document = self.session.documents.current_id();
        let (id, effects) = self
            .session
            .queue_gesture(document, request("", n_pictures), gesture);
        self.note(effects);
        id
    }

    /// The engine makes all of a run's pictures; their recipes.
    fn made(&mut self, run: RunId) -> Vec<Arc<Recipe>> {
        let job = self.job();
        self.say(Event::Started { job, plan: plan() });
        let n = self.session.run(run).unwrap().slots.len();
        for index in 0..n {
            self.picture(index as u32);
        }
        self.save_all();
        self.finish();
        let slots = self.session.run(run).unwrap().slots.iter();
        slots
            .map(|slot| Arc::clone(slot.recipe().unwrap()))
            .collect()
    }
}

#[test]
fn variations_of_variations_know_their_family() {
    let mut bench = Bench::new();
    let first = source("a cat", 1);
    let mut parent = first.picture.unwrap();
    let mut next = first;
    for generation in 0..3 {
        let source = next.clone();
        let run = bench.gesture(Gesture::Variations { source, far: 0.5 }, 4);
        assert!(
            matches!(bench.asked.last(), Some(Request::Vary { request, .. })
            if request.source == next.input && request.generate.n_pictures == 4)
        );
        let made = bench.made(run);
        assert_eq!(made.len(), 4);
        for recipe in &made {
            assert_eq!(recipe.deed, Operation::Variations);
            assert_eq!(recipe.parents, [parent], "generation {generation}");
        }
        parent = made[2].id;
        next.picture = Some(parent);
        next.parents = vec![parent];
    }
}

#[test]
fn a_mix_asks_for_its_ways_and_goes_on_where_it_was_cut_off() {
    let mut bench = Bench::new();
    let (cat, text) = (source("a cat", 1), MixInput::Text("a hat".to_owned()));
    let parts = [MixInput::Picture(cat.clone()), text];
    let ways: [&[f32]; 3] = [&[0.9, 0.1], &[1.0, 1.0], &[0.1, 0.9]];
    let run = bench.gesture(mix(&parts, &ways), 9);
    let Some(Request::Blend { job, request }) = bench.asked.last().cloned() else {
        panic!("{:?}", bench.asked);
    };
    assert_eq!(request.generate.n_pictures, 3, "one for each way");
    assert_eq!(request.ways, ways.map(<[f32]>::to_vec));
    let text = BlendInput::Text("a hat".to_owned());
    assert_eq!(request.inputs, [BlendInput::Picture(cat.input), text]);
    bench.say(Event::Started { job, plan: plan() });
    bench.picture(0);
    bench.save_all();
    bench.event(EngineEvent::Died {
        cause: crate::engine_link::DeathCause::Ended,
        reason: "killed".to_owned(),
        lost: Vec::new(),
    });
    assert_eq!(bench.states(run), ["saved", "failed", "failed"]);
    bench.event(EngineEvent::Connected {
        build: "test".to_owned(),
    });
    let effects = bench.session.run_again(run);
    let [Effect::AskWith { request, blobs }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let Request::Blend { request, .. } = request else {
        panic!("{request:?}");
    };
    assert_eq!(
        request.ways,
        ways[1..].iter().map(|way| way.to_vec()).collect::<Vec<_>>()
    );
    assert_eq!(blobs.len(), 1, "the engine has forgotten the picture");
    assert_eq!(request.generate.seed, 100, "a strip is of one seed");
    bench.note(effects.clone());
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    bench.picture(0);
    bench.save_all();
    let recipe = bench.session.run(run).unwrap().slots[1]
        .recipe()
        .unwrap()
        .clone();
    let facts = recipe.blend.as_ref().unwrap();
    let weights: Vec<f32> = facts.inputs.iter().map(|input| input.weight).collect();
    assert_eq!(weights, [0.5, 0.5], "the second way, as parts of the whole");
    assert_eq!(recipe.title(), "Mix of “a cat” and “a hat”");
    assert_eq!(recipe.parents, cat.parents);
}

#[test]
fn a_picture_mixed_with_itself_is_sent_once_and_is_one_parent() {
    let mut bench = Bench::new();
    let cat = source("a cat", 1);
    let parts = [
        MixInput::Picture(cat.clone()),
        MixInput::Picture(cat.clone()),
    ];
    let document = bench.session.documents.current_id();
    let gesture = mix(&parts, &[&[1.0, 1.0]]);
    let (run, effects) = bench
        .session
        .queue_gesture(document, request("", 2), gesture);
    let [Effect::AskWith { blobs, .. }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(blobs.len(), 1);
    bench.note(effects.clone());
    let made = bench.made(run);
    assert_eq!(made.len(), 2, "one mixture, as many as the bar says");
    assert_eq!(made[1].parents, cat.parents);
}

#[test]
fn turned_pictures_are_one_for_each_amount() {
    let mut bench = Bench::new();
    let run = bench.gesture(turn(&[0.1, 0.2, 0.5]), 4);
    assert!(
        matches!(bench.asked.last(), Some(Request::Shift { request, .. })
        if request.amounts == [0.1, 0.2, 0.5] && request.to == "night")
    );
    let gesture = bench.session.run(run).unwrap().gesture().cloned().unwrap();
    assert_eq!(
        (gesture.tag(2).as_deref(), gesture.tag(3)),
        (Some("50 %"), None)
    );
    let made = bench.made(run);
    let amounts: Vec<f32> = made
        .iter()
        .map(|recipe| recipe.shift.as_ref().unwrap().amount)
        .collect();
    assert_eq!(amounts, [0.1, 0.2, 0.5]);
}

#[test]
fn a_larger_picture_keeps_the_words_of_the_small_one() {
    let mut bench = Bench::new();
    let small = bench.queue("a cat", 1);
    let small = bench.made(small).remove(0);
    let source = Source {
        picture: Some(small.id),
        parents: vec![small.id],
        recipe: Some(Arc::clone(&small)),
        ..source("a cat", 1)
    };
    let run = bench.gesture(Gesture::Upscale { source, scale: 4 }, 4);
    assert_eq!(bench.session.run(run).unwrap().size, (32, 24));
    let made = bench.made(run).remove(0);
    assert_eq!((made.prompt.as_str(), made.seed), ("a cat", small.seed));
    assert_eq!(made.upscale.as_ref().unwrap().scale, 4);
    assert_eq!(made.parents, [small.id]);
    // Keeping it opens it, as other pictures.
    bench.session.show(PictureRef::Result { run, index: 0 });
    assert_eq!(bench.session.keep(), Keep::Done(Kept::Base));
}

#[test]
fn variations_nearer_or_farther_are_of_the_same_picture() {
    let mut bench = Bench::new();
    let source = source("a cat", 1);
    let input = source.input;
    let run = bench.gesture(Gesture::Variations { source, far: 1.0 }, 4);
    bench.made(run);
    let effects = bench
        .session
        .queue_variations_again(run, request("in snow", 2), 0.25);
    let [
        Effect::AskWith {
            request: Request::Vary { request, .. },
            ..
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!((request.source, request.far), (input, 0.25));
    assert_eq!(request.generate.prompt, "in snow");
    assert_eq!(
        bench
            .session
            .queue_variations_again(RunId(99), self::request("", 1), 0.5),
        []
    );
}

#[test]
fn a_gesture_is_cancelled_like_any_run_and_full_disks_hold_the_queue() {
    let mut bench = Bench::new();
    let run = bench.gesture(turn(&[0.1, 0.2]), 1);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    bench.picture(0);
    let made = bench.saves.remove(0);
    bench.session.not_saved(made.recipe.id, "no room");
    let effects = bench.session.cancel(run);
    bench.note(effects);
    bench.say(Event::Cancelled { job });
    assert_eq!(bench.states(run), ["unsaved", "cancelled"]);
    let effects = bench.session.run_again(run);
    assert_eq!(effects, [], "the queue waits for room");
    let effects = bench.session.saved(made.recipe.id);
    assert!(
        matches!(effects.as_slice(), [Effect::AskWith { request: Request::Shift { request, .. }, .. }]
        if request.amounts == [0.2])
    );
}

#[test]
fn what_a_model_cannot_do_is_said_with_one_that_can() {
    let mut bench = Bench::new();
    assert!(
        bench.session.obstacle(Deed::Variations).is_some(),
        "no model at all"
    );
    assert_eq!(bench.session.obstacle(Deed::Upscale), None);
    let able = ModelInfo {
        id: ModelId("able".to_owned()),
        name: "Able".to_owned(),
        operations: vec![Operation::Variations],
        ..model()
    };
    let unable = ModelInfo {
        operations: vec![Operation::Generate],
        ..model()
    };
    bench.say(Event::Models(vec![unable, able.clone()]));
    let why = bench.session.obstacle(Deed::Variations).unwrap();
    assert!(why.contains("Doodle") && why.contains("Able"), "{why}");
    assert!(bench.session.obstacle(Deed::Turn).unwrap().contains("nor"));
    bench.session.model = Some(able.id);
    assert_eq!(bench.session.obstacle(Deed::Variations), None);
}

#[test]
fn what_is_put_together_holds_the_button_until_it_is_put_away() {
    let mut bench = Bench::new();
    bench.say(Event::Models(vec![model()]));
    bench.session.choose_deed(Deed::Mix);
    assert_eq!(bench.session.deed(), Deed::Mix);
    let picture = image::RgbaImage::from_pixel(16, 16, image::Rgba([9, 9, 9, 255]));
    assert!(bench.session.part_in_view().is_err());
    bench.session.open_picture("grey", &picture, None, None);
    assert_eq!(bench.session.part_in_view(), Ok(Part::Canvas));
    bench.session.choose_deed(Deed::Turn);
    bench
        .session
        .document_mut()
        .change(crate::document::StepName::MaskAll, |content| {
            content
                .mask
                .write(limn_engine::PixelRect::new(0, 0, 4, 4), &[255; 16]);
        });
    assert_eq!(
        bench.session.deed(),
        Deed::Turn,
        "a mask does not take it away"
    );
    bench.session.leave_tray();
    assert_eq!(bench.session.deed(), Deed::FillMask);
}

#[test]
fn progress_never_goes_back_when_the_noise_is_found_first() {
    let mut bench = Bench::new();
    let run = bench.gesture(turn(&[0.5]), 1);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    let mut before = 0.0;
    for (phase, step) in [
        (Phase::Encode, 0),
        (Phase::Prior, 10),
        (Phase::Invert, 5),
        (Phase::Invert, 10),
        (Phase::Step, 0),
        (Phase::Step, 5),
        (Phase::Step, 10),
        (Phase::Decode, 0),
    ] {
        let progress = Progress {
            phase,
            picture: 0,
            step,
            n_steps: 10,
            seconds_left: None,
            preview: None,
        };
        bench.say(Event::Progress { job, progress });
        let now = bench.session.run(run).unwrap().fraction();
        assert!(
            now >= before && now < 1.0,
            "{phase:?} {step}: {now} after {before}"
        );
        before = now;
    }
    assert!(before > 0.9);
}
