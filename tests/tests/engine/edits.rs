//! Edits: patches that come back, edits that are cancelled, killed or refused.

use std::sync::Arc;

#[cfg(unix)]
use limn::engine_link::LostJob;
use limn::engine_link::{EngineEvent, EngineLink};
use limn_engine::{
    PixelRect,
    error::ErrorKind,
    protocol::{BlobHash, EditRequest, Event, JobId, Request},
    stitch::{self, EditSettings, ModelSize},
};

#[cfg(unix)]
use super::signal;
use super::{ENDLESS, Engine, request};

/// An edit and the bytes that its request names.
#[derive(Clone)]
struct Edit {
    request: EditRequest,
    blobs: Vec<Arc<[u8]>>,
}

impl Edit {
    /// Of a picture of more than one chunk, of which the middle changes.
    fn new(n_pictures: u32) -> Self {
        const SIDE: u32 = 640;
        let context = PixelRect::new(-10, 20, SIDE, SIDE);
        let is_masked =
            |i: u32| (i % SIDE).abs_diff(SIDE / 2) < 99 && (i / SIDE).abs_diff(SIDE / 2) < 99;
        let image: Arc<[u8]> = (0..4 * SIDE * SIDE)
            .map(|i| (i % 4 * 85) as u8 | (i / 9000) as u8)
            .collect();
        let mask: Arc<[u8]> = (0..SIDE * SIDE)
            .map(|i| if is_masked(i) { 255 } else { 0 })
            .collect();
        let size = ModelSize::new((64, 64), 4);
        let settings = EditSettings {
            strength: 0.7,
            whole: true,
            ..EditSettings::default()
        };
        let masked = PixelRect::new(context.x + 221, context.y + 221, 198, 198);
        Self {
            request: EditRequest {
                generate: request(n_pictures),
                plan: stitch::plan(masked, context, &settings, size),
                settings,
                steering: None,
                image: BlobHash::of(&image),
                mask: Some(BlobHash::of(&mask)),
            },
            blobs: vec![image, mask],
        }
    }

    /// Another mask, under its own hash.
    fn set_mask(&mut self, mask: Vec<u8>) {
        self.request.mask = Some(BlobHash::of(&mask));
        self.blobs[1] = mask.into();
    }

    fn send(self, link: &EngineLink, job: JobId) {
        let Self { request, blobs } = self;
        link.send_with(Request::Edit { job, request }, blobs);
    }
}

impl Engine {
    /// As [`Self::pictures`], of an edit: each with its patch mask.
    fn patches(&self, job: JobId, edit: Edit) -> Vec<(Vec<u8>, Vec<u8>)> {
        edit.send(&self.link, job);
        let pictures = self.wait_for_pictures(job).into_iter();
        pictures
            .map(|(pixels, mask)| (pixels, mask.unwrap()))
            .collect()
    }
}

#[test]
fn an_edit_comes_back_as_a_patch() {
    let engine = Engine::start();
    let first = engine.patches(JobId(1), Edit::new(2));
    assert_eq!(first.len(), 2);
    let context = Edit::new(2).request.plan.context;
    for (_, mask) in &first {
        assert_eq!(mask.len() as u64, context.n_pixels());
        assert!(mask.contains(&0) && mask.contains(&255));
    }
    assert_ne!(first[0].0, first[1].0, "another seed, another patch");
    assert_eq!(first[0].1, first[1].1, "the same mask");
    // The engine forgets what it has used: the bytes go with every request.
    assert!(engine.patches(JobId(2), Edit::new(2)) == first);
}

#[cfg(unix)]
#[test]
fn an_engine_killed_in_an_edit_costs_it_and_the_next_one_does_it() {
    let engine = Engine::start();
    let expected = engine.patches(JobId(1), Edit::new(1));
    Edit::new(ENDLESS).send(&engine.link, JobId(2));
    engine.wait_for_step(JobId(2));
    assert!(signal("KILL", engine.link.process_id().unwrap()));
    let (_, lost) = engine.wait_for_death();
    let job = LostJob {
        job: JobId(2),
        was_started: true,
        was_cancelled: false,
    };
    assert_eq!(lost, [job]);
    // Sent while there is no engine: bytes and all wait for the next one.
    assert!(engine.patches(JobId(3), Edit::new(1)) == expected);
}

#[test]
fn a_cancel_stops_an_edit() {
    let engine = Engine::start();
    Edit::new(ENDLESS).send(&engine.link, JobId(1));
    engine.wait_for_step(JobId(1));
    engine.link.send(Request::Cancel { job: JobId(1) });
    engine.wait(|event| match event {
        EngineEvent::Event(Event::Cancelled { job: JobId(1) }) => Some(()),
        _ => None,
    });
    assert_eq!(engine.patches(JobId(2), Edit::new(1)).len(), 1);
}

#[test]
fn bad_edits_get_typed_failures_and_the_engine_goes_on() {
    type SpoilEdit = fn(&mut Edit);

    let engine = Engine::start();
    engine.wait_for_connection();
    let table: [(SpoilEdit, ErrorKind, &str); 7] = [
        (|e| e.blobs.clear(), ErrorKind::Protocol, "picture"),
        (|e| e.blobs.truncate(1), ErrorKind::Protocol, "mask"),
        (|e| e.set_mask(vec![255; 7]), ErrorKind::BadRequest, "mask"),
        (
            |e| e.set_mask(vec![0; e.blobs[1].len()]),
            ErrorKind::BadRequest,
            "nothing is masked",
        ),
        (
            |e| e.request.plan.context.width -= 1,
            ErrorKind::BadRequest,
            "picture",
        ),
        (
            |e| e.request.plan.work_size = (63, 64),
            ErrorKind::BadRequest,
            "use 64×64",
        ),
        (
            |e| e.request.settings.strength = 0.0,
            ErrorKind::BadRequest,
            "strength",
        ),
    ];
    for (number, (spoil, kind, words)) in table.into_iter().enumerate() {
        let job = JobId(number as u64 + 1);
        let mut edit = Edit::new(1);
        spoil(&mut edit);
        edit.send(&engine.link, job);
        let (got, message) = engine.wait_for_failure(Some(job));
        assert!(got == kind && message.contains(words), "{got:?}: {message}");
    }
    assert_eq!(engine.patches(JobId(100), Edit::new(1)).len(), 1);
}
