use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use limn_engine::{
    foreign_text,
    protocol::{LoraUse, Phase, Plan, Progress},
};
use serde_json::json;

use super::{conversation::JobEvent, output};

/// Where no bar can be drawn, at most one line in so long.
const LINE_PERIOD: Duration = Duration::from_secs(1);
/// Of a prompt, told one by one.
const MAX_REMARKS: usize = 20;

/// How far something is: a bar on a terminal, lines elsewhere, both on standard error.
pub struct Meter {
    bar: Option<ProgressBar>,
    /// `None` where nothing is to be told but JSON.
    pace: Option<Pace>,
}

impl Meter {
    pub fn new(is_json: bool) -> Self {
        let is_bar = !is_json && std::io::stderr().is_terminal();
        Self {
            bar: is_bar.then(bar),
            pace: (!is_json && !is_bar).then(Pace::default),
        }
    }

    /// Lines even on a terminal, for what has no known end.
    pub fn of_lines(is_json: bool) -> Self {
        Self {
            bar: None,
            pace: (!is_json).then(Pace::default),
        }
    }

    /// `what` goes before a bar; `line` is what a line says instead.
    pub fn tell(&mut self, what: &str, done: u64, total: u64, line: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            show(bar, what, done, total);
        } else if let Some(pace) = &mut self.pace
            && let Some(line) = pace.pass(line(), Instant::now())
        {
            output::note(line);
        }
    }

    /// As [`Self::tell`], for what begins: what was done last is the better last line.
    pub fn mention(&mut self, what: &str, done: u64, total: u64) {
        if let Some(bar) = &self.bar {
            show(bar, what, done, total);
        } else if let Some(pace) = &mut self.pace
            && pace.is_due(Instant::now())
        {
            output::note(pace.rest().unwrap_or_else(|| what.to_owned()));
        }
    }

    /// A line that stays, above the bar.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(text)),
            None => output::note(text),
        }
    }

    /// Tells the last line, if that was held back.
    pub fn catch_up(&mut self) {
        if let Some(line) = self.pace.as_mut().and_then(Pace::rest) {
            output::note(line);
        }
    }

    pub fn finish(&mut self) {
        self.catch_up();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn show(bar: &ProgressBar, what: &str, done: u64, total: u64) {
    bar.set_message(foreign_text::name(what).to_string());
    bar.set_length(total);
    bar.set_position(done);
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    // A template that cannot be read leaves indicatif's own.
    if let Ok(style) = ProgressStyle::with_template("{msg:24} {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

/// Lets the first line pass, then one in every [`LINE_PERIOD`], and keeps the last.
#[derive(Default)]
struct Pace {
    passed: Option<Instant>,
    held: Option<String>,
}

impl Pace {
    fn pass(&mut self, line: String, now: Instant) -> Option<String> {
        if self.is_due(now) {
            self.held = None;
            Some(line)
        } else {
            self.held = Some(line);
            None
        }
    }

    /// Whether a line may pass, which it then must.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_over = |passed| now.saturating_duration_since(passed) >= LINE_PERIOD;
        let is_due = self.passed.is_none_or(is_over);
        if is_due {
            self.passed = Some(now);
        }
        is_due
    }

    fn rest(&mut self) -> Option<String> {
        self.held.take()
    }
}

/// Tells how a job gets on: with a [`Meter`], or as JSON, when that is asked for, on standard output and nothing else.
pub struct Reporter {
    meter: Meter,
    is_json: bool,
    n_pictures: u32,
}

impl Reporter {
    pub fn new(is_json: bool, n_pictures: u32) -> Self {
        Self {
            meter: Meter::new(is_json),
            is_json,
            n_pictures,
        }
    }

    pub fn tell(&mut self, event: &JobEvent) {
        match event {
            JobEvent::Loading {
                component,
                done_bytes,
                total_bytes,
            } => self.loading(component, *done_bytes, *total_bytes),
            JobEvent::Started(plan) => self.started(plan),
            JobEvent::Tuning { n_kernels } if self.is_json => {
                output::json(&json!({ "event": "tuning", "kernels": n_kernels }));
            }
            JobEvent::Tuning { n_kernels: 0 } => self.meter.mention("preparing kernels", 0, 0),
            JobEvent::Tuning { n_kernels } => {
                let what = format!("preparing the GPU: {n_kernels} kernels");
                self.meter.mention(&what, 0, 0);
            }
            JobEvent::Progress(progress) => self.progress(progress),
            JobEvent::Picture(made) => {
                // Before what is told of the picture.
                if made.picture.index + 1 >= self.n_pictures {
                    self.meter.catch_up();
                }
            }
        }
    }

    /// A line that stays, above the bar.
    pub fn note(&self, text: &str) {
        self.meter.note(text);
    }

    pub fn finish(&mut self) {
        self.meter.finish();
    }

    fn loading(&mut self, component: &str, done_bytes: u64, total_bytes: u64) {
        if self.is_json {
            return output::json(&json!({
                "event": "loading",
                "component": component,
                "done_bytes": done_bytes,
                "total_bytes": total_bytes,
            }));
        }
        let what = format!("loading {}", foreign_text::name(component));
        self.meter.mention(&what, done_bytes, total_bytes);
    }

    fn started(&self, plan: &Plan) {
        if self.is_json {
            output::json(&json!({ "event": "started", "plan": plan }));
        } else {
            let sampling = match plan.n_steps {
                0 => String::new(),
                n_steps => format!(", {}, {n_steps} steps", plan.sampler),
            };
            self.note(&format!(
                "{} on {} in {}: {}×{}{sampling}",
                foreign_text::name(&plan.model_name),
                foreign_text::name(&plan.device),
                foreign_text::name(&plan.dtype),
                plan.width,
                plan.height
            ));
        }
        if let Some(stand_in) = plan.stand_in {
            self.note(stand_in.note());
        }
        for note in plan.loras.iter().filter_map(LoraUse::note) {
            self.note(&foreign_text::message(&note).to_string());
        }
        let told = plan.remarks.len().min(MAX_REMARKS);
        for remark in &plan.remarks[..told] {
            self.note(&foreign_text::message(remark).to_string());
        }
        if told < plan.remarks.len() {
            let n_more = plan.remarks.len() - told;
            self.note(&format!("{n_more} more remarks on the prompt are left out"));
        }
        if let Some(unread) = &plan.unread_prompt {
            self.note(&format!(
                "the prompt is longer than the model can read; not read: {}",
                both_ends(unread)
            ));
        }
    }

    fn progress(&mut self, progress: &Progress) {
        let Progress {
            phase,
            picture,
            step,
            n_steps,
            seconds_left,
            ..
        } = progress;
        if self.is_json {
            return output::json(&json!({
                "event": "progress",
                "phase": phase_name(*phase),
                "picture": picture,
                "step": step,
                "n_steps": n_steps,
                "seconds_left": seconds_left,
            }));
        }
        let which = u64::from(*picture) + 1;
        let what = format!("picture {which}/{}: {}", self.n_pictures, label(*phase));
        let left = seconds_left.map_or_else(String::new, |s| format!(", {s:.0} s left"));
        let line = || format!("{what} {step}/{n_steps}{left}");
        let (done, total) = (u64::from(*step), u64::from(*n_steps));
        if done == 0 {
            self.meter.mention(&what, done, total);
        } else {
            self.meter.tell(&what, done, total, line);
        }
    }
}

/// A long text without its middle, so that a message shows where it begins and ends.
fn both_ends(text: &str) -> String {
    const END_CHARS: usize = 200;
    let n_chars = text.chars().count();
    if n_chars <= 2 * END_CHARS {
        return text.to_owned();
    }
    let start: String = text.chars().take(END_CHARS).collect();
    let end: String = text.chars().skip(n_chars - END_CHARS).collect();
    format!("{start} … {end}")
}

fn label(phase: Phase) -> &'static str {
    match phase {
        Phase::Load => "loading",
        Phase::Tune => "preparing kernels",
        Phase::Encode => "reading the picture",
        Phase::Prior => "prior",
        Phase::Step => "step",
        Phase::Decode => "decoding",
        Phase::Invert => "finding its noise",
        Phase::Upscale => "enlarging",
        Phase::Embed => "embedding",
    }
}

/// As scripts read it.
fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Load => "load",
        Phase::Tune => "tune",
        Phase::Encode => "encode",
        Phase::Prior => "prior",
        Phase::Step => "step",
        Phase::Decode => "decode",
        Phase::Invert => "invert",
        Phase::Upscale => "upscale",
        Phase::Embed => "embed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_passes_then_one_a_second_and_the_last_is_kept() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let mut told = Vec::new();
        // Ten seconds of a line in every 7 milliseconds.
        for ms in (0..10_000).step_by(7) {
            told.extend(pace.pass(format!("{ms}"), start + Duration::from_millis(ms)));
        }
        told.extend(pace.rest());
        assert_eq!(told.first().map(String::as_str), Some("0"));
        assert_eq!(told.last().map(String::as_str), Some("9996"));
        assert_eq!(told.len(), 11, "{told:?}");
        assert_eq!(pace.rest(), None);
    }

    #[test]
    fn what_has_passed_is_not_told_again() {
        let mut pace = Pace::default();
        assert!(pace.pass("only".to_owned(), Instant::now()).is_some());
        assert_eq!(pace.rest(), None);
    }
}
