//! Back-pressure: how much of what an engine sends may be held between its pipe and whoever takes it.

use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// Beyond this the pipe is not read on, until something is taken.
pub(super) const LIMIT_BYTES: usize = 64 << 20;
/// What a frame counts for beside its bytes.
const FRAME_OVERHEAD_BYTES: usize = 4 << 10;

/// Shared by the readers of one link and by everything that they passed on.
#[derive(Debug, Default)]
pub(super) struct Flow {
    held_bytes: Mutex<usize>,
    has_room: Condvar,
}

/// What counts against the limit for as long as this lives.
#[derive(Debug)]
pub(super) struct Charge {
    flow: Arc<Flow>,
    n_bytes: usize,
}

impl Flow {
    /// Waits for room for a frame. `None` when the reader's engine is over meanwhile.
    pub fn enter(self: &Arc<Self>, frame_bytes: usize, is_over: &AtomicBool) -> Option<Charge> {
        let n_bytes = frame_bytes + FRAME_OVERHEAD_BYTES;
        let mut held_bytes = self.lock();
        // One frame has room in any case.
        while *held_bytes > 0 && *held_bytes + n_bytes > LIMIT_BYTES {
            if is_over.load(Ordering::Relaxed) {
                return None;
            }
            held_bytes = self
                .has_room
                .wait(held_bytes)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *held_bytes += n_bytes;
        drop(held_bytes);
        let flow = Arc::clone(self);
        (!is_over.load(Ordering::Relaxed)).then_some(Charge { flow, n_bytes })
    }

    /// Counts what is held without waiting, though it be beyond the limit: a picture that is complete.
    pub fn charge(self: &Arc<Self>, n_bytes: usize) -> Charge {
        *self.lock() += n_bytes;
        let flow = Arc::clone(self);
        Charge { flow, n_bytes }
    }

    /// Sends a reader home whose engine is over.
    pub fn end(&self, is_over: &AtomicBool) {
        let _held_bytes = self.lock();
        is_over.store(true, Ordering::Relaxed);
        self.has_room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.held_bytes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Charge {
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        *self.flow.lock() -= self.n_bytes;
        self.flow.has_room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_reader_waits_for_room_and_goes_home_when_its_engine_is_over() {
        let flow = Arc::new(Flow::default());
        let is_over = Arc::new(AtomicBool::new(false));
        let picture = flow.charge(2 * LIMIT_BYTES);
        let (entered, charges) = mpsc::channel();
        let reader = {
            let (flow, is_over) = (Arc::clone(&flow), Arc::clone(&is_over));
            std::thread::spawn(
                move || {
                    while entered.send(flow.enter(1 << 20, &is_over)).is_ok() {}
                },
            )
        };
        let waits = charges.recv_timeout(Duration::from_millis(50)).is_err();
        assert!(waits, "no room beside the picture");
        drop(picture);
        let held: Vec<_> =
            std::iter::from_fn(|| charges.recv_timeout(Duration::from_millis(200)).ok())
                .map(Option::unwrap)
                .collect();
        let n_held = held.len() * ((1 << 20) + FRAME_OVERHEAD_BYTES);
        assert!(
            n_held <= LIMIT_BYTES && n_held > LIMIT_BYTES / 2,
            "{n_held}"
        );
        flow.end(&is_over);
        assert!(charges.recv().unwrap().is_none());
        drop(charges);
        reader.join().unwrap();
        drop(held);
        assert_eq!(*flow.lock(), 0);
    }
}
