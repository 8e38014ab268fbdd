//! Steps that need the file, before and after it was read.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use limn_engine::PixelRect;

use super::super::history::Document;
use super::super::step::StepName;
use super::super::steps::Direction;
use super::tests::Home;
use crate::files::RealFs;

/// Six tiles of noise, other ones each time: more steps than memory keeps.
fn noise(document: &mut Document, seed: u64) {
    let rect = PixelRect::from_size(768, 512);
    let pixels: Vec<u8> = (0..rect.n_pixels())
        .map(|i| ((i * 2 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect();
    assert!(document.change(StepName::Brush, |content| content.mask.write(rect, &pixels)));
}

/// Whether the step needs nothing of the file, once what is being read is there.
fn is_at_hand(document: &mut Document, direction: Direction) -> bool {
    while document.ahead.is_busy() {
        std::thread::sleep(Duration::from_millis(1));
    }
    document.versions.take_in(document.ahead.take(&[]));
    let step = document.steps.next(direction).unwrap();
    step.ends(direction)
        .all(|id| document.versions.tile(id).is_some())
}

#[test]
fn the_next_step_is_at_hand_before_it_is_asked_for() {
    let home = Home::new();
    let (mut store, _) = home.start(Arc::new(RealFs));
    let mut document = Document::new();
    let mut states = vec![document.content().clone()];
    for seed in 0..8 {
        noise(&mut document, seed);
        states.push(document.content().clone());
        store.keep(&mut document).unwrap();
    }
    drop(store);
    // The first step after a restart, and all before it.
    let (_store, mut restored) = home.start(Arc::new(RealFs));
    let mut document = restored.remove(0);
    for state in states[..8].iter().rev() {
        assert!(is_at_hand(&mut document, Direction::Back));
        assert!(document.undo().is_some() && document.content() == state);
        assert!(is_at_hand(&mut document, Direction::Forth));
    }
    for state in &states[1..] {
        assert!(is_at_hand(&mut document, Direction::Forth));
        assert!(document.redo().is_some() && document.content() == state);
    }
    let ids = document
        .steps
        .all()
        .iter()
        .flat_map(|step| step.ends(Direction::Back));
    let n_kept = ids
        .filter(|id| document.versions.tile(*id).is_some())
        .count();
    assert!(n_kept <= 16, "{n_kept} tiles in memory");
}

#[test]
fn steps_in_quick_succession_wait_for_what_is_being_read() {
    let home = Home::new();
    let (mut store, _) = home.start(Arc::new(RealFs));
    let mut document = Document::new();
    let mut states = vec![document.content().clone()];
    for seed in 0..6 {
        noise(&mut document, seed);
        states.push(document.content().clone());
        store.keep(&mut document).unwrap();
    }
    for state in states[..6].iter().rev() {
        assert_eq!(document.undo(), Some(StepName::Brush));
        assert!(document.content() == state);
    }
    for state in &states[1..] {
        assert_eq!(document.redo(), Some(StepName::Brush));
        assert!(document.content() == state);
    }
    assert_eq!(document.take_notice(), None);
}
