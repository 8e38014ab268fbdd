//! A document with a mask of 8192² and 200 steps, in a process of its own: what that takes in memory is then its own.
//! It tells on standard output, in JSON.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use limn::document::{AtStart, Document, DocumentStore, Event, StepName};
use limn_engine::PixelRect;
use limn_engine::device::memory;

const SIDE: u32 = 8192;
const N_STEPS: usize = 200;

/// `share`: of how many parts of the mask each step changes one.
pub fn run(share: &str) -> ExitCode {
    let (Ok(home), Ok(share)) = (tempfile::tempdir(), share.parse()) else {
        return ExitCode::FAILURE;
    };
    let Ok(store) = DocumentStore::start(home.path(), AtStart::Restore, || {}) else {
        return ExitCode::FAILURE;
    };
    let report = work(&store, share);
    match writeln!(std::io::stdout().lock(), "{report}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn work(store: &DocumentStore, share: u32) -> serde_json::Value {
    let at_first = peak_mib();
    let mut document = Document::new();
    document.change(StepName::OpenPicture, |content| {
        content.extend_frame(PixelRect::from_size(SIDE, SIDE));
    });
    for step in 0..N_STEPS {
        document.change(StepName::Brush, |content| {
            change(content, step as u32, share);
        });
        store.keep(&mut document);
        wait_for_disk(store, &mut document);
    }
    let after_steps = peak_mib();
    let last = sample(&document);
    let (mut longest, mut n_undone) = (Duration::ZERO, 0);
    for _ in 0..N_STEPS {
        let start = Instant::now();
        n_undone += usize::from(document.undo().is_some());
        longest = longest.max(start.elapsed());
        store.keep(&mut document);
    }
    let after_undo = peak_mib();
    let is_blank = document.content().mask.is_empty();
    let n_redone = (0..N_STEPS).filter(|_| document.redo().is_some()).count();
    serde_json::json!({
        "n_undone": n_undone,
        "is_blank": is_blank,
        "n_redone": n_redone,
        "is_as_before": sample(&document) == last,
        "longest_undo_ms": longest.as_millis(),
        "peak_mib": [at_first, after_steps, after_undo, peak_mib()],
    })
}

fn peak_mib() -> Option<u64> {
    memory::peak_resident_bytes().map(|bytes| bytes >> 20)
}

/// Every tile of a part of the mask becomes another, of many values.
fn change(content: &mut limn::document::Content, step: u32, share: u32) {
    let height = SIDE / share;
    let top = (step % share) * height;
    let rect = PixelRect::new(0, top as i32, SIDE, height);
    content.mask.change_rows(rect, |x, y, row| {
        let first = x as u32 / 64 + y as u32 + step * 7;
        for (i, value) in row.iter_mut().enumerate() {
            *value = (first + i as u32 / 64) as u8 | 1;
        }
    });
}

fn wait_for_disk(store: &DocumentStore, document: &mut Document) {
    loop {
        for event in store.events() {
            if let Event::Written { places, .. } = event {
                document.written(&places);
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Of each tile a pixel.
fn sample(document: &Document) -> Vec<u8> {
    let mask = &document.content().mask;
    let across = (0..SIDE as i32).step_by(256);
    across
        .clone()
        .flat_map(|y| across.clone().map(move |x| (x, y)))
        .map(|(x, y)| mask.pixel(x + 100, y + 100))
        .collect()
}
