//! Tests: copies without history, and documents that were closed.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use limn_engine::PixelRect;
use uuid::Uuid;

use super::super::history::Document;
use super::super::tests::{Random, change_anything};
use super::super::tiles::Tiles;
use super::tests::{Home, Store, dot};
use super::{Command, Event};
use crate::files::RealFs;

fn save_copy(store: &mut Store, document: &Document, home: &Home) {
    store.worker.handle(Command::SaveCopy {
        document: document.id(),
        path: home.project(),
    });
    let events = store.events();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::CopySaved { .. }))
    );
}

/// Candidates go along with a project, but not with a copy that is to tell nothing of what was there before.
#[test]
fn runs_go_with_a_project_and_not_with_a_copy_without_history() {
    let home = Home::new();
    let (mut store, _) = home.start(Arc::new(RealFs));
    let mut document = Document::new();
    dot(&mut document, 3);
    let asked = document.content().clone();
    let pixels = |level: u8| {
        let mut tiles = Tiles::default();
        tiles.write(PixelRect::new(-9, 40, 3, 1), &[[level, 2, 3, 255]; 3]);
        tiles
    };
    let mut mask = Tiles::default();
    mask.write(PixelRect::new(-9, 40, 3, 1), &[9, 0, 255]);
    let (kept, hidden) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for run in [kept, hidden] {
        document.write_run(run, format!("facts of {run}"), Some(&asked));
        for index in [0, 2] {
            let pixels = pixels(index as u8);
            let patch = Some((&pixels, &mask));
            document.write_result((run, index), format!("result {index}"), patch);
        }
    }
    document.hide_run(hidden, true);
    dot(&mut document, 5);
    store.keep(&mut document).unwrap();
    store.save(&mut document, home.project()).unwrap();
    // A project goes through two files on its way: what it was saved to, and what it is worked on in.
    let mut opened = store.open(home.project()).unwrap();
    store.save(&mut opened, home.project()).unwrap();
    let mut opened = store.open(home.project()).unwrap();
    let runs = opened.take_past_runs();
    assert_eq!(runs.len(), 1);
    let run = &runs[0];
    assert_eq!((run.run, &*run.facts), (kept, &*format!("facts of {kept}")));
    assert!(run.asked.as_ref() == Some(&asked));
    let indices: Vec<_> = run.results.iter().map(|result| result.index).collect();
    assert_eq!(indices, [0, 2]);
    for result in &run.results {
        assert_eq!(result.facts, format!("result {}", result.index));
        let (colours, coverage) = result.patch.as_ref().unwrap();
        assert!(*colours == pixels(result.index as u8) && *coverage == mask);
    }
    assert!(opened.take_past_runs().is_empty(), "once");

    save_copy(&mut store, &document, &home);
    let mut copy = store.open(home.project()).unwrap();
    assert!(copy.take_past_runs().is_empty());
}

/// Of many runs over large pictures the latest have their pixels, the others are there without.
#[test]
fn the_latest_runs_have_their_pixels() {
    let home = Home::new();
    let (mut store, _) = home.start(Arc::new(RealFs));
    let mut document = Document::new();
    let mut random = Random::new(9);
    for run in 0..4_u128 {
        let rect = PixelRect::from_size(700, 700);
        let mut pixels = Tiles::default();
        pixels.write(rect, &random.colours(rect));
        let mask = Tiles::default();
        document.write_run(Uuid::from_u128(run), String::new(), None);
        document.write_result(
            (Uuid::from_u128(run), 0),
            String::new(),
            Some((&pixels, &mask)),
        );
    }
    store.keep(&mut document).unwrap();
    let (_, mut restored) = home.start_again(store);
    let runs = restored[0].take_past_runs();
    let have_pixels: Vec<_> = runs
        .iter()
        .map(|run| run.results[0].patch.is_some())
        .collect();
    assert_eq!(have_pixels, [false, false, false, true]);
}

#[test]
fn a_copy_without_history_has_what_is_there_and_nothing_before() {
    for seed in 0..4 {
        let mut random = Random::new(700 + seed);
        let home = Home::new();
        let (mut store, _) = home.start(Arc::new(RealFs));
        let mut document = Document::new();
        for _ in 0..20 {
            change_anything(&mut document, &mut random);
        }
        document.undo();
        store.keep(&mut document).unwrap();
        save_copy(&mut store, &document, &home);
        assert_eq!(document.path(), None, "the document is not saved by it");

        let mut opened = store.open(home.project()).unwrap();
        assert!(*opened.content() == *document.content(), "{seed}");
        assert_eq!((opened.next_undo(), opened.next_redo()), (None, None));
        assert!(!opened.is_modified());
        // It is worked on and saved like any other, and the beginning stays what it is.
        let begin = opened.content().clone();
        dot(&mut opened, 7);
        let later = opened.content().clone();
        store.keep(&mut opened).unwrap();
        store.save(&mut opened, home.project()).unwrap();
        let mut again = store.open(home.project()).unwrap();
        assert!(*again.content() == later, "{seed}");
        assert!(again.undo().is_some());
        assert!(*again.content() == begin, "{seed}");
        assert!(again.undo().is_none());
        assert_eq!(again.take_notice(), None);
    }
}

#[test]
fn a_copy_without_history_is_smaller() {
    let home = Home::new();
    let (mut store, _) = home.start(Arc::new(RealFs));
    let mut document = Document::new();
    let mut random = Random::new(3);
    for _ in 0..30 {
        change_anything(&mut document, &mut random);
    }
    store.keep(&mut document).unwrap();
    store.save(&mut document, home.project()).unwrap();
    let whole = std::fs::metadata(home.project()).unwrap().len();
    save_copy(&mut store, &document, &home);
    let copy = std::fs::metadata(home.project()).unwrap().len();
    assert!(copy < whole, "{copy} of {whole}");
}

/// What was closed without being saved can be opened in a later sitting, the last one first, with its steps.
#[test]
fn closed_documents_come_back_after_a_restart() {
    let home = Home::new();
    let (mut store, _) = home.start(Arc::new(RealFs));
    let mut closed = Vec::new();
    for x in 1..=2 {
        let mut document = Document::new();
        dot(&mut document, x);
        store.keep(&mut document).unwrap();
        store.worker.handle(Command::PutBy(document.id()));
        closed.push((document.id(), document.content().clone()));
        // So that the files differ in when they were written.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(store);
    let (mut store, restored) = home.start(Arc::new(RealFs));
    assert!(restored.is_empty(), "closed is not open");
    for (id, content) in closed.into_iter().rev() {
        store.worker.handle(Command::Reopen);
        let reopened = store.events().into_iter().find_map(|event| match event {
            Event::Reopened(document) => Some(*document),
            _ => None,
        });
        let mut document = reopened.unwrap();
        assert_eq!(document.id(), id);
        assert!(*document.content() == content);
        assert!(document.undo().is_some());
    }
    store.worker.handle(Command::Reopen);
    let events = store.events();
    assert!(matches!(events.as_slice(), [Event::NothingClosed]));
    drop(store);
    let (_, restored) = home.start(Arc::new(RealFs));
    assert_eq!(restored.len(), 2, "open again, and kept as such");
}

#[test]
fn only_the_last_closed_documents_are_kept() {
    let home = Home::new();
    let (mut store, _) = home.start(Arc::new(RealFs));
    for x in 0..12 {
        let mut document = Document::new();
        dot(&mut document, x);
        store.keep(&mut document).unwrap();
        store.worker.handle(Command::PutBy(document.id()));
    }
    let kept = std::fs::read_dir(home.open_folder().join("closed")).unwrap();
    assert_eq!(kept.count(), 8);
}
