//! What an engine says of its work beside results: as often as work can get further, and no more often.

use std::time::Instant;

use limn_engine::protocol::Event;

use super::breach::Breach;

/// Sustained; small models on a fast GPU take some hundred steps a second.
const PER_SECOND: f64 = 5_000.0;
/// At once, after a while in which nothing was said.
const AT_ONCE: f64 = 50_000.0;
/// A preview counts for so many more.
const BYTES_PER_COUNT: f64 = 65_536.0;

/// How much more an engine may say.
#[derive(Debug)]
pub(super) struct Chatter {
    left: f64,
    since: Instant,
}

impl Chatter {
    pub fn new(now: Instant) -> Self {
        Self {
            left: AT_ONCE,
            since: now,
        }
    }

    /// Counts what is said in passing; results are counted by what was asked.
    ///
    /// # Errors
    /// Where it is more than anything that happens could be.
    pub fn count(&mut self, event: &Event, now: Instant) -> Result<(), Breach> {
        let (what, n_bytes) = match event {
            Event::Working { .. } => ("signs of life", 0),
            Event::Loading { .. } => ("news of loading", 0),
            Event::Progress { progress, .. } => {
                let preview = progress.preview.as_ref();
                ("steps", preview.map_or(0, |preview| preview.rgb.len()))
            }
            _ => return Ok(()),
        };
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        self.since = now;
        self.left = (self.left + PER_SECOND * passed).min(AT_ONCE);
        self.left -= 1.0 + n_bytes as f64 / BYTES_PER_COUNT;
        if self.left < 0.0 {
            Err(Breach::Flood(what))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use limn_engine::protocol::{JobId, Phase, Preview, Progress};

    use super::*;

    fn step(side: u32) -> Event {
        let n_bytes = (side * side * 3) as usize;
        Event::Progress {
            job: JobId(1),
            progress: Progress {
                phase: Phase::Step,
                picture: 0,
                step: 1,
                n_steps: 10,
                seconds_left: None,
                preview: (side > 0).then(|| Preview {
                    width: side,
                    height: side,
                    rgb: vec![0; n_bytes],
                }),
            },
        }
    }

    #[test]
    fn steps_of_an_hour_pass_and_a_flood_of_seconds_does_not() {
        let start = Instant::now();
        let sign = Event::working(None, Phase::Tune);
        for (event, honest_per_second, flood_per_second) in [
            (sign, 4_000, 100_000),
            (step(0), 4_000, 100_000),
            (step(128), 2_000, 50_000),
            (step(1024), 50, 1_000),
        ] {
            let count_for = |per_second: u32, n_secs: u32| {
                let mut chatter = Chatter::new(start);
                (0..per_second * n_secs).try_for_each(|i| {
                    let now = start + Duration::from_secs(1) * i / per_second;
                    chatter.count(&event, now)
                })
            };
            assert_eq!(count_for(honest_per_second, 60), Ok(()), "{event:?}");
            let flood = count_for(flood_per_second, 3);
            assert!(matches!(flood, Err(Breach::Flood(_))), "{flood:?}");
        }
        let mut chatter = Chatter::new(start);
        let result = Event::Cancelled { job: JobId(1) };
        for _ in 0..200_000 {
            assert_eq!(chatter.count(&result, start), Ok(()));
        }
    }
}
