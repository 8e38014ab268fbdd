//! Runs through a restart: the results are there, can be kept and swapped, and more like them can be made.

use std::time::{Duration, Instant};

use limn_engine::PixelRect;
use limn_engine::protocol::BlendInput;

use super::edits::bench_with_picture_of;
use super::*;
use crate::document::{AtStart, DocumentStore};

const HOLE: PixelRect = PixelRect::new(48, 32, 32, 32);

impl Bench {
    /// The session of the next start, with what the disk has of the documents.
    fn restarted(&mut self, folder: &std::path::Path) -> Self {
        let store = DocumentStore::start(folder, AtStart::Restore, || {}).unwrap();
        for open in self.session.documents.iter_mut() {
            store.keep(&mut open.document);
        }
        drop(store);
        let store = DocumentStore::start(folder, AtStart::Restore, || {}).unwrap();
        let mut next = Self::new();
        next.say(Event::Models(vec![super::edits::model()]));
        next.asked.clear();
        let start = Instant::now();
        let mut documents = Vec::new();
        loop {
            assert!(start.elapsed() < Duration::from_mins(1));
            match store.events().next() {
                Some(crate::document::Event::Restored(document)) => {
                    documents.push(OpenDocument::new(*document, Draft::default()));
                }
                Some(crate::document::Event::Ready) => break,
                Some(crate::document::Event::Notice { message }) => panic!("{message}"),
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        let ids: Vec<_> = documents.iter().map(|open| open.document.id()).collect();
        next.session.documents.restore(documents, None);
        for id in ids {
            next.session.take_up_runs(id);
        }
        next
    }
}

/// A picture of 128 × 96 in which a hole is masked and filled twice.
fn bench_with_fill() -> (Bench, RunId) {
    let mut bench = bench_with_picture_of((128, 96), [90, 90, 90, 255].repeat(128 * 96));
    bench.mask(HOLE);
    let run = bench.edit(Deed::FillMask, 2);
    bench.patch(run, 0, 10);
    bench.patch(run, 1, 20);
    bench.finish();
    (bench, run)
}

#[test]
fn results_of_a_fill_can_be_swapped_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bench, run) = bench_with_fill();
    bench.show(run, 0);
    assert_eq!(bench.session.keep(), Keep::Done(Kept::Patch));
    let image = bench.blobs.clone();
    let mut bench = bench.restarted(folder.path());
    assert_eq!(bench.seen(), 10);
    let run = &bench.session.runs[0];
    assert_eq!(bench.session.kept_index(run), Some(0));
    assert!(!bench.session.is_of_older_state(run));
    assert_eq!(bench.session.selected_run(), Some(run.id));
    let run = run.id;
    assert_eq!(bench.states(run), ["saved", "saved"]);

    bench.show(run, 1);
    assert_eq!(bench.seen(), 20, "seen in its place");
    assert_eq!(bench.session.keep(), Keep::Done(Kept::Swapped));
    assert_eq!(bench.session.document().content().layers.len(), 2);
    assert_eq!(bench.seen(), 20);
    bench.session.show_before();
    assert_eq!(bench.seen(), 90);
    bench.session.documents.current_mut().look_at_document();
    assert!(bench.session.document_mut().undo().is_some());
    assert_eq!(bench.seen(), 10);

    // Again asks about the very picture and mask of the first time.
    let effects = bench.session.queue_again(run, 5, Compute::default());
    bench.note(effects);
    assert_eq!(bench.blobs, image);
    // And all of it once more.
    let bench = bench.restarted(folder.path());
    let deeds: Vec<_> = bench.session.runs.iter().map(Run::deed).collect();
    assert_eq!(deeds, [Deed::FillMask, Deed::FillMask]);
}

#[test]
fn a_crash_leaves_what_was_finished_and_the_rest_can_be_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Bench::new();
    bench.queue("a cat", 3);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    bench.picture(0);
    bench.save_all();
    let mut bench = bench.restarted(folder.path());
    let run = bench.session.runs[0].id;
    assert_eq!(bench.states(run), ["saved", "interrupted", "interrupted"]);
    assert_eq!(bench.session.runs[0].state, RunState::Interrupted);
    let shown = PictureRef::Result { run, index: 0 };
    assert_eq!(bench.session.shown(), Some(shown), "all there is to see");
    assert!(matches!(bench.session.keep(), Keep::Fetch(_)));
    let effects = bench.session.run_again(run);
    bench.note(effects);
    let Some(Request::Generate { request, .. }) = bench.asked.last() else {
        panic!("{:?}", bench.asked);
    };
    assert_eq!((request.seed, request.n_pictures), (101, 2));
}

#[test]
fn what_was_put_away_stays_away_and_what_was_taken_back_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bench, run) = bench_with_fill();
    bench.session.dismiss(run);
    let mut bench = bench.restarted(folder.path());
    assert!(bench.session.runs.is_empty());

    let folder = tempfile::tempdir().unwrap();
    let (mut again, run) = bench_with_fill();
    again.session.dismiss(run);
    assert!(again.session.take_back_run(run));
    bench = again.restarted(folder.path());
    assert_eq!(bench.session.runs.len(), 1);
}

/// What ended before Limn did is not called interrupted.
#[test]
fn a_run_that_was_cancelled_or_failed_comes_back_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Bench::new();
    let cancelled = bench.queue("a cat", 1);
    bench.queue("a dog", 1);
    let again = bench.queue("a fox", 1);
    for run in [cancelled, again] {
        let effects = bench.session.cancel(run);
        bench.note(effects);
    }
    let job = bench.job();
    bench.say(Event::Cancelled { job });
    let job = bench.job();
    let failure = Failure {
        kind: ErrorKind::Io,
        message: "no memory".to_owned(),
    };
    bench.say(Event::Failed {
        job: Some(job),
        failure,
    });
    let effects = bench.session.run_again(again);
    bench.note(effects);
    let bench = bench.restarted(folder.path());
    let states: Vec<_> = bench.session.runs.iter().map(|run| &run.state).collect();
    let failed_state = RunState::Failed("no memory".to_owned());
    assert_eq!(
        states,
        [&RunState::Cancelled, &failed_state, &RunState::Interrupted]
    );
    let ids: Vec<_> = bench.session.runs.iter().map(|run| run.id).collect();
    assert_eq!(bench.states(ids[0]), ["cancelled"]);
    assert_eq!(bench.states(ids[1]), ["failed"]);
}

/// A gesture comes back with what it was about; its pixels are fetched once more is asked of it.
#[test]
fn a_gesture_comes_back_with_what_it_was_made_from() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Bench::new();
    let document = bench.session.documents.current_id();
    let boat = super::gestures::source("a boat", 3);
    let gesture = Gesture::Mix {
        inputs: vec![
            MixInput::Picture(boat.clone()),
            MixInput::Text("a hat".to_owned()),
        ],
        ways: vec![vec![0.75, 0.25], vec![0.25, 0.75]],
    };
    let request = request("", 2);
    let (_, effects) = bench.session.queue_gesture(document, request, gesture);
    bench.note(effects);
    let job = bench.job();
    bench.say(Event::Started { job, plan: plan() });
    bench.picture(1);
    bench.save_all();
    let title = bench.session.runs[0].title();
    let mut bench = bench.restarted(folder.path());
    let run = &bench.session.runs[0];
    assert_eq!((run.title(), run.deed()), (title, Deed::Mix));
    let tags = |run: &Run| run.gesture().unwrap().tag(1);
    assert_eq!(tags(run).as_deref(), Some("25 : 75"));
    // Nobody remembers the prompt bar: what was mixed stands in it again.
    let mix = &bench.session.documents.current().draft.mix;
    let parts: Vec<_> = mix.parts.iter().map(|(part, _)| part.clone()).collect();
    let words = Part::Text("a hat".to_owned());
    assert_eq!(parts, [Part::Picture(boat.picture.unwrap()), words]);
    assert!(mix.is_strip());
    let fetched = run.sources_to_fetch();
    assert_eq!(fetched.len(), 1);
    assert_eq!(
        (fetched[0].picture, &fetched[0].name),
        (boat.picture, &boat.name)
    );
    let run = run.id;
    assert_eq!(bench.states(run), ["interrupted", "saved"]);
    // Without its pixels nothing is asked for.
    assert!(bench.session.run_again(run).is_empty());
    let again = bench.session.queue_again(run, 1, Compute::default());
    assert!(again.is_empty());
    assert_eq!(bench.session.runs.len(), 1);

    bench.session.give_sources(run, vec![boat.clone()]);
    let effects = bench.session.run_again(run);
    let [Effect::AskWith { request, blobs }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let Request::Blend { request, .. } = request else {
        panic!("{request:?}");
    };
    assert_eq!(request.ways, [vec![0.75, 0.25]]);
    assert_eq!(request.inputs[0], BlendInput::Picture(boat.input));
    assert_eq!(blobs, &[boat.rgba]);
}

/// What the document showed is in its file, for a gesture that was about that.
#[test]
fn a_gesture_about_the_canvas_comes_back_with_what_that_showed_then() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = bench_with_picture_of((128, 96), [90, 90, 90, 255].repeat(128 * 96));
    let document = bench.session.documents.current_id();
    let content = Arc::new(bench.session.document().content().clone());
    let source = Source {
        picture: None,
        canvas: Some(Arc::clone(&content)),
        ..super::gestures::source("a boat", 3)
    };
    let request = request("", 1);
    let gesture = Gesture::Upscale { source, scale: 2 };
    let (_, effects) = bench.session.queue_gesture(document, request, gesture);
    bench.note(effects);
    let bench = bench.restarted(folder.path());
    let run = &bench.session.runs[0];
    assert_eq!(run.deed(), Deed::Upscale);
    let sources = run.sources_to_fetch();
    let shown = sources[0].canvas.as_deref().unwrap();
    assert_eq!(shown.frame, content.frame);
    assert_eq!(
        shown.composite(shown.frame),
        content.composite(content.frame)
    );
}

/// Facts are read as from a stranger: what nobody could have asked is not asked again.
#[test]
fn facts_of_a_run_that_cannot_be_are_not_believed() {
    let (bench, run) = bench_with_fill();
    let run = bench.session.run(run).unwrap();
    let facts = crate::session::past_runs::facts(run);
    let asked = run.edit().unwrap().content.clone();
    let document = run.document;
    let take = |facts: &serde_json::Value| {
        let past = crate::document::PastRun {
            run: run.uuid,
            facts: facts.to_string(),
            asked: Some(asked.clone()),
            results: Vec::new(),
        };
        Run::of_past(past, RunId(9), document)
    };
    let whole = take(&facts).unwrap();
    assert!(whole.edit().is_some());
    assert_eq!(whole.slots.len(), 2);
    for (place, value) in [
        ("/edit/tiles/0/1/context/width", 4_000_000_000_u32.into()),
        ("/edit/tiles/0/1/work_size/0", 0.into()),
        ("/edit/tiles/0/1/feather_px", (-1.0).into()),
        ("/edit/tiles", serde_json::json!([])),
        ("/edit/settings/strength", 7.into()),
        ("/deed", "upscale".into()),
    ] {
        let mut changed = facts.clone();
        *changed.pointer_mut(place).unwrap() = value;
        let run = take(&changed);
        assert!(run.is_none_or(|run| run.edit().is_none()), "{place}");
    }
    let gesture = serde_json::json!({"variations": {
        "source": {"name": "", "size": [8, 8], "picture": PictureId::new(), "file": null, "parents": [],
            "recipe": null, "is_of_ai": false},
        "far": 0.5,
    }});
    let mut varied = facts.clone();
    varied["deed"] = "variations".into();
    varied["edit"] = serde_json::Value::Null;
    varied["gesture"] = gesture;
    assert!(take(&varied).unwrap().gesture().is_some());
    for (place, value) in [
        ("/gesture/variations/far", serde_json::json!(7)),
        ("/gesture/variations/source/size", serde_json::json!([0, 8])),
        ("/deed", "mix".into()),
    ] {
        let mut changed = varied.clone();
        *changed.pointer_mut(place).unwrap() = value;
        let run = take(&changed);
        assert!(run.is_none_or(|run| run.gesture().is_none()), "{place}");
    }
    let mut many = facts.clone();
    *many.pointer_mut("/request/n_pictures").unwrap() = u32::MAX.into();
    assert_eq!(take(&many).unwrap().slots.len(), 64);
    assert!(take(&serde_json::json!({"deed": "dance"})).is_none());
}
