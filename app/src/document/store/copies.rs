//! Tests: copies without history, and documents that were closed.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::super::history::Document;
use super::super::tests::{Random, change_anything};
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
