//! What waits for the app: results in their order, each once; of what only the newest matters, only the newest.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use limn_engine::protocol::Event;

use super::{EngineEvent, flow::Charge};

/// So many events may wait before the newest of a kind takes the place of the one before it.
const MANY_WAITING: usize = 1_024;
/// Previews beyond this are dropped while others wait.
const LIMIT_PREVIEW_BYTES: usize = 16 << 20;

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<(EngineEvent, Option<Charge>)>,
    preview_bytes: usize,
    charged_bytes: usize,
}

impl Mailbox {
    /// Adds an event, with what it counts for until it is taken.
    pub fn put(&self, event: EngineEvent, charge: Option<Charge>) {
        let mut waiting = self.lock();
        waiting.put(event, charge);
        drop(waiting);
        self.arrived.notify_one();
    }

    pub fn take(&self) -> Option<EngineEvent> {
        self.lock().take()
    }

    pub fn take_within(&self, patience: Duration) -> Option<EngineEvent> {
        // Too far off to be counted: as good as never.
        let deadline = Instant::now().checked_add(patience);
        let mut waiting = self.lock();
        loop {
            if let Some(event) = waiting.take() {
                return Some(event);
            }
            let left = deadline.map_or(patience, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return None;
            }
            waiting = self
                .arrived
                .wait_timeout(waiting, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Bytes of results that the app has not taken.
    pub fn charged_bytes(&self) -> usize {
        self.lock().charged_bytes
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn put(&mut self, mut event: EngineEvent, charge: Option<Charge>) {
        if self.preview_bytes >= LIMIT_PREVIEW_BYTES
            && let EngineEvent::Event(Event::Progress { progress, .. }) = &mut event
        {
            progress.preview = None;
        }
        if self.events.len() >= MANY_WAITING
            && let Some(older) = self.older(&event)
        {
            let old_bytes = preview_bytes(older);
            replace(older, event);
            let new_bytes = preview_bytes(older);
            self.preview_bytes = self.preview_bytes - old_bytes + new_bytes;
            return;
        }
        self.preview_bytes += preview_bytes(&event);
        self.charged_bytes += charge.as_ref().map_or(0, Charge::n_bytes);
        self.events.push_back((event, charge));
    }

    /// One of the same kind that says nothing more beside the new one. Nothing overtakes a result.
    fn older(&mut self, event: &EngineEvent) -> Option<&mut EngineEvent> {
        is_passing(event).then_some(())?;
        let passing = self.events.iter_mut().rev();
        passing
            .map(|(older, _)| older)
            .take_while(|older| is_passing(older))
            .find(|older| is_of_one_kind(older, event))
    }

    fn take(&mut self) -> Option<EngineEvent> {
        let (event, charge) = self.events.pop_front()?;
        self.preview_bytes -= preview_bytes(&event);
        self.charged_bytes -= charge.as_ref().map_or(0, Charge::n_bytes);
        Some(event)
    }
}

/// Whether only the newest of its kind matters.
fn is_passing(event: &EngineEvent) -> bool {
    matches!(
        event,
        EngineEvent::Event(Event::Progress { .. } | Event::Loading { .. } | Event::Working { .. })
    )
}

fn is_of_one_kind(older: &EngineEvent, newer: &EngineEvent) -> bool {
    let (EngineEvent::Event(older), EngineEvent::Event(newer)) = (older, newer) else {
        return false;
    };
    match (older, newer) {
        (
            Event::Progress {
                job: old_job,
                progress: old,
            },
            Event::Progress { job, progress },
        ) => old_job == job && old.picture == progress.picture && old.phase == progress.phase,
        (Event::Loading { .. }, Event::Loading { .. }) => true,
        (
            Event::Working {
                job: old_job,
                phase: old_phase,
                ..
            },
            Event::Working { job, phase, .. },
        ) => old_job == job && old_phase == phase,
        _ => false,
    }
}

/// A preview stays until there is a newer one.
fn replace(older: &mut EngineEvent, mut newer: EngineEvent) {
    if let (
        EngineEvent::Event(Event::Progress { progress: old, .. }),
        EngineEvent::Event(Event::Progress { progress: new, .. }),
    ) = (&mut *older, &mut newer)
        && new.preview.is_none()
    {
        new.preview = old.preview.take();
    }
    *older = newer;
}

fn preview_bytes(event: &EngineEvent) -> usize {
    match event {
        EngineEvent::Event(Event::Progress { progress, .. }) => {
            progress.preview.as_ref().map_or(0, |p| p.rgb.len())
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use limn_engine::protocol::{JobId, MemoryUse, Phase, Preview, Progress, Timings};

    use super::*;

    fn progress(picture: u32, step: u32, preview_side: u32) -> EngineEvent {
        let n_bytes = (preview_side * preview_side * 3) as usize;
        EngineEvent::Event(Event::Progress {
            job: JobId(1),
            progress: Progress {
                phase: Phase::Step,
                picture,
                step,
                n_steps: 100,
                seconds_left: None,
                preview: (n_bytes > 0).then(|| Preview {
                    width: preview_side,
                    height: preview_side,
                    rgb: vec![0; n_bytes],
                }),
            },
        })
    }

    fn finished() -> EngineEvent {
        EngineEvent::Event(Event::Finished {
            job: JobId(1),
            timings: Timings::default(),
            memory: MemoryUse::default(),
        })
    }

    fn step_and_preview(event: EngineEvent) -> Option<(u32, bool)> {
        match event {
            EngineEvent::Event(Event::Progress { progress, .. }) => {
                Some((progress.step, progress.preview.is_some()))
            }
            _ => None,
        }
    }

    #[test]
    fn of_many_steps_only_the_newest_waits_and_nothing_overtakes_a_result() {
        let mailbox = Mailbox::default();
        mailbox.put(progress(0, 1, 8), None);
        for step in 2..10_000 {
            mailbox.put(progress(0, step, 0), None);
        }
        mailbox.put(progress(1, 1, 0), None);
        mailbox.put(finished(), None);
        mailbox.put(progress(0, 10_000, 0), None);
        let events: Vec<_> = std::iter::from_fn(|| mailbox.take())
            .map(step_and_preview)
            .collect();
        let expected = [
            Some((9_999, false)),
            Some((1, false)),
            None,
            Some((10_000, false)),
        ];
        assert_eq!(events.len(), MANY_WAITING + 3);
        assert_eq!(events[0], Some((1, true)), "the preview stays");
        assert!(events.ends_with(&expected));
    }

    #[test]
    fn previews_that_nobody_looks_at_do_not_pile_up() {
        let mailbox = Mailbox::default();
        for picture in 0..500 {
            mailbox.put(progress(picture, 1, 1024), None);
        }
        let held = mailbox.lock().preview_bytes;
        assert!(held <= LIMIT_PREVIEW_BYTES + (3 << 20), "{held}");
        let n = std::iter::from_fn(|| mailbox.take()).count();
        assert_eq!((n, mailbox.lock().preview_bytes), (500, 0));
    }
}
