//! How much of what other threads say one frame takes up: the rest waits for the next, and the window stays awake.

use std::time::{Duration, Instant};

const MOST_EVENTS: usize = 256;
const MOST_BYTES: usize = 64 << 20;
/// Well within a frame.
const MOST_TIME: Duration = Duration::from_millis(6);

/// What is left of one frame for one kind of events.
#[derive(Debug)]
pub(super) struct FrameBudget {
    n_events: usize,
    n_bytes: usize,
    until: Instant,
}

impl FrameBudget {
    pub fn begin() -> Self {
        Self {
            n_events: 0,
            n_bytes: 0,
            until: Instant::now() + MOST_TIME,
        }
    }

    /// Whether there is room for another event. The first has room in any case.
    pub fn has_room(&self) -> bool {
        self.n_events == 0
            || (self.n_events < MOST_EVENTS
                && self.n_bytes < MOST_BYTES
                && Instant::now() < self.until)
    }

    pub fn take(&mut self, n_bytes: usize) {
        self.n_events += 1;
        self.n_bytes += n_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n_taken(event_bytes: usize, work: impl Fn()) -> usize {
        let mut budget = FrameBudget::begin();
        // A slow machine does not run out of time here before it runs out of events.
        budget.until += Duration::from_mins(1);
        while budget.has_room() {
            budget.take(event_bytes);
            work();
        }
        budget.n_events
    }

    #[test]
    fn a_frame_takes_so_many_events_and_so_many_bytes() {
        for (event_bytes, expected) in [
            (0, MOST_EVENTS),
            (1 << 20, 64),
            (40 << 20, 2),
            (320 << 20, 1),
        ] {
            assert_eq!(n_taken(event_bytes, || {}), expected, "{event_bytes} bytes");
        }
    }

    #[test]
    fn a_frame_ends_with_its_time_and_takes_one_event_at_least() {
        let mut budget = FrameBudget::begin();
        budget.until = Instant::now();
        assert!(budget.has_room());
        budget.take(0);
        assert!(!budget.has_room());
    }
}
