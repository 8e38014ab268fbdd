use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use limn_engine::protocol::{Phase, Plan, Progress};
use serde_json::json;

use super::{conversation::JobEvent, output};

/// A bar on standard error, where that is a terminal.
pub fn bar(is_json: bool) -> Option<ProgressBar> {
    (!is_json && std::io::stderr().is_terminal()).then(|| {
        let bar = ProgressBar::new(0);
        // A template that cannot be read leaves indicatif's own.
        if let Ok(style) = ProgressStyle::with_template("{msg:24} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        bar
    })
}

/// Tells how a job gets on: a bar on a terminal, lines elsewhere, both on standard error; JSON, when
/// asked for, on standard output and nothing else.
pub struct Reporter {
    bar: Option<ProgressBar>,
    is_json: bool,
    n_pictures: u32,
    component: String,
}

impl Reporter {
    pub fn new(is_json: bool, n_pictures: u32) -> Self {
        Self {
            bar: bar(is_json),
            is_json,
            n_pictures,
            component: String::new(),
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
            JobEvent::Tuning => match &self.bar {
                Some(bar) => bar.set_message("preparing kernels"),
                None if self.is_json => output::json(&json!({ "event": "tuning" })),
                None => {}
            },
            JobEvent::Progress(progress) => self.progress(progress),
            JobEvent::Picture(_) => {}
        }
    }

    /// A line that stays, above the bar.
    pub fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(text)),
            None => output::note(text),
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
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
        if let Some(bar) = &self.bar {
            bar.set_message(format!("loading {component}"));
            bar.set_length(total_bytes);
            bar.set_position(done_bytes);
        } else if self.component != component {
            output::note(format!("loading {component}"));
        }
        component.clone_into(&mut self.component);
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
                plan.model_name, plan.device, plan.dtype, plan.width, plan.height
            ));
        }
        if let Some(unread) = &plan.unread_prompt {
            self.note(&format!(
                "the prompt is longer than the model can read; not read: {unread}"
            ));
        }
    }

    fn progress(&self, progress: &Progress) {
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
        let what = match phase {
            Phase::Load => "loading",
            Phase::Tune => "preparing kernels",
            Phase::Encode => "reading the picture",
            Phase::Prior => "prior",
            Phase::Step => "step",
            Phase::Decode => "decoding",
            Phase::Invert => "finding its noise",
            Phase::Upscale => "enlarging",
            Phase::Embed => "embedding",
        };
        let which = format!("picture {}/{}", picture + 1, self.n_pictures);
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{which}, {what}"));
            bar.set_length(u64::from(*n_steps));
            bar.set_position(u64::from(*step));
        } else {
            let left = seconds_left.map_or_else(String::new, |s| format!(", {s:.0} s left"));
            output::note(format!("{which}: {what} {step}/{n_steps}{left}"));
        }
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
