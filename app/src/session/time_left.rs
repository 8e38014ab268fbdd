//! How long something will still take, told so that it reads as a countdown: estimates jump, what is told does not.

use std::time::{Duration, Instant};

/// Over so long estimates are averaged.
const AVERAGED_OVER: Duration = Duration::from_secs(3);
/// So much faster or slower than a clock the countdown goes where it is nearly right.
const SLACK: f32 = 0.5;
/// Of what is left: farther off than this it is wrong, and goes towards the truth over [`CORRECTED_OVER`].
const NEARLY_RIGHT: f32 = 0.3;
const CORRECTED_OVER: Duration = Duration::from_secs(5);
/// Less is never wrong by much.
const LEAST_SECONDS: f32 = 4.0;

#[derive(Debug, Clone, Copy)]
pub struct TimeLeft {
    /// What is told, at that moment.
    told: f32,
    at: Instant,
    /// The average of the estimates, at that moment.
    average: f32,
}

impl TimeLeft {
    pub fn new(seconds: f32, now: Instant) -> Self {
        Self {
            told: seconds,
            at: now,
            average: seconds,
        }
    }

    /// In seconds.
    pub fn told(&self, now: Instant) -> f32 {
        let passed = now.saturating_duration_since(self.at).as_secs_f32();
        (self.told - passed).max(0.0)
    }

    /// Hears another estimate.
    pub fn hear(&mut self, seconds: f32, now: Instant) {
        if !seconds.is_finite() {
            return;
        }
        let passed = now.saturating_duration_since(self.at).as_secs_f32();
        let weight = 1.0 - (-passed / AVERAGED_OVER.as_secs_f32()).exp();
        let average = (self.average - passed).max(0.0);
        self.average = average + weight * (seconds - average);
        let told = self.told(now);
        let gap = self.average - told;
        let is_nearly_right = gap.abs() <= NEARLY_RIGHT * told.max(LEAST_SECONDS);
        let step = if is_nearly_right {
            SLACK * passed
        } else {
            let part = (passed / CORRECTED_OVER.as_secs_f32()).min(1.0);
            (gap.abs() * part).max(SLACK * passed)
        };
        self.told = told + gap.clamp(-step, step);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(250);

    /// What is told at each of the estimates of `seconds`, which come every quarter of a second.
    fn told(seconds: impl IntoIterator<Item = f32>) -> Vec<f32> {
        let start = Instant::now();
        let mut left: Option<TimeLeft> = None;
        let mut told = Vec::new();
        for (i, seconds) in (0..).zip(seconds) {
            let now = start + PERIOD * i;
            match &mut left {
                Some(left) => left.hear(seconds, now),
                None => left = Some(TimeLeft::new(seconds, now)),
            }
            told.extend(left.map(|left| left.told(now)));
        }
        told
    }

    /// A minute, estimated a quarter too long and a quarter too short by turns and by chance.
    #[test]
    fn a_jittery_series_is_told_as_a_countdown() {
        let mut random = 12_345_u32;
        let truth = |i: usize| 60.0 - i as f32 * 0.25;
        let estimates = (0..240).map(|i| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let off = (random >> 8) as f32 / (1_u32 << 24) as f32 - 0.5;
            let jump = if i % 2 == 0 { 0.25 } else { -0.25 };
            truth(i) * (1.0 + 0.5 * jump + 0.5 * off)
        });
        let told = told(estimates);
        for (i, pair) in told.windows(2).enumerate() {
            assert!(
                pair[1] <= pair[0],
                "{i}: up from {} to {}",
                pair[0],
                pair[1]
            );
            assert!(
                pair[0] - pair[1] <= 0.6,
                "{i}: down from {} to {}",
                pair[0],
                pair[1]
            );
        }
        for (i, told) in told.iter().enumerate().skip(40) {
            let off = (told - truth(i)).abs();
            assert!(off <= 0.2 * truth(i) + 3.0, "{i}: {told} of {}", truth(i));
        }
    }

    #[test]
    fn a_lasting_change_is_told_within_seconds_and_in_small_steps() {
        for (before, after) in [(10.0, 100.0), (100.0, 10.0)] {
            let estimates = (0..100_u8).map(|i| {
                let passed = f32::from(i) * 0.25;
                let whole: f32 = if i < 8 { before } else { after + 2.0 };
                (whole - passed).max(0.0)
            });
            let told = told(estimates);
            for pair in told.windows(2) {
                assert!((pair[0] - pair[1]).abs() <= 6.0, "{pair:?}");
            }
            let (end, truth) = (told[99], (after + 2.0 - 24.75_f32).max(0.0));
            assert!(
                (end - truth).abs() <= 0.25 * truth + 2.0,
                "{end} of {truth}"
            );
        }
    }

    #[test]
    fn without_news_it_counts_down_and_ends_at_nothing() {
        let start = Instant::now();
        let left = TimeLeft::new(3.0, start);
        let after = |seconds| left.told(start + Duration::from_secs(seconds));
        for (seconds, told) in [(0, 3.0), (2, 1.0), (9, 0.0)] {
            assert!((after(seconds) - told).abs() < 1e-6, "{seconds}");
        }
    }
}
