//! How the window begins: what the settings say, and what the prompt holds at a first start.

use std::time::Instant;

use egui::Context;
use limn_engine::protocol::{Event, ModelId, Request};

use super::App;
use super::dialogs::DialogAnswer;
use crate::command::Command;
use crate::engine_link::EngineEvent;
use crate::panels::prompt_bar::Selection;
use crate::panels::toasts::Tone;
use crate::session::{Effect, GalleryState, PromptHistory};
use crate::settings::{Keeper, Theme};
use crate::start_journal::StartStep;

/// Below this nothing can be read.
const LEAST_SCALE: f32 = 0.5;

impl App {
    pub(super) fn start_keeper(&mut self, ctx: &Context) {
        let (answers, wake) = (self.dialog_answers.clone(), super::waker(ctx));
        let report = move |fault| {
            let _ = answers.send(DialogAnswer::Failed(fault));
            wake();
        };
        match Keeper::start(self.folders.clone(), report) {
            Ok(keeper) => self.settings_keeper = Some(keeper),
            Err(error) => {
                let text = format!("Settings are not kept: {error}");
                self.toasts.say(Tone::Bad, text, Instant::now());
            }
        }
    }

    /// Whether a request may be asked now. Steps that the last start came to its end over are left out.
    pub(super) fn begins(&mut self, request: &Request) -> bool {
        match request {
            Request::ListModels => self.start_journal.begin(StartStep::Models),
            Request::Load { model, .. } => {
                let step = StartStep::Model(model.0.clone());
                self.start_journal.begin(step)
            }
            _ => true,
        }
    }

    /// What the engine says of a step that was begun.
    pub(super) fn note_engine_step(&mut self, event: &EngineEvent, now: Instant) {
        match event {
            EngineEvent::Event(Event::Models(_)) => {
                self.start_journal.done(&StartStep::Models, now);
            }
            EngineEvent::Event(Event::Loaded { model, .. }) => {
                let step = StartStep::Model(model.0.clone());
                self.start_journal.done(&step, now);
            }
            EngineEvent::Died { .. } => self.start_journal.engine_ended(now),
            EngineEvent::Event(Event::Failed { job: None, .. } | Event::Started { .. }) => {
                self.start_journal.engine_is_through(now);
            }
            _ => {}
        }
    }

    pub(super) fn documents_are_left_out(&self) -> bool {
        let mut left_out = self.start_journal.left_out();
        left_out.any(|step| *step == StartStep::Documents)
    }

    /// Says what this start leaves out, and offers it.
    pub(super) fn say_what_is_left_out(&mut self) {
        let doing: Vec<String> = self
            .start_journal
            .left_out()
            .map(StartStep::doing)
            .collect();
        if doing.is_empty() {
            return;
        }
        let text = format!(
            "Limn ended last time while it {}. That is left out now.",
            doing.join(" and ")
        );
        let (label, command) = ("Do it now", Command::FinishStart);
        self.toasts
            .offer(Tone::Bad, text, label, command, Instant::now());
    }

    /// Does what the start left out.
    pub(super) fn finish_start(&mut self, ctx: &Context) {
        let mut effects = Vec::new();
        for step in self.start_journal.take_left_out() {
            match step {
                StartStep::Documents => {
                    if let Some(store) = &self.documents {
                        self.start_journal.begin(StartStep::Documents);
                        store.restore();
                    }
                }
                StartStep::Gallery => {
                    self.open_gallery(ctx);
                    effects.extend(self.session.save_unsaved_again());
                }
                StartStep::Models => effects.push(Effect::Ask(Request::ListModels)),
                StartStep::Model(id) => effects.push(Effect::Ask(Request::Load {
                    model: ModelId(id),
                    compute: self.session.compute.clone(),
                })),
            }
        }
        self.carry_out_effects(effects);
    }

    pub(super) fn take_up_settings(&mut self, ctx: &Context) {
        self.session.compute = self.settings.compute.clone();
        self.session.model = self.settings.model.clone().map(ModelId);
        self.gallery_view.grouping = self.settings.gallery.grouping;
        self.gallery_view.query.sort = self.settings.gallery.sort;
        let stored = &self.settings.prompt_bar;
        self.session.history = PromptHistory::new(stored.history.iter().cloned());
        self.session.toolbox.settings = self.settings.tools.clone();
        let draft = self.session.draft_mut();
        draft.n_pictures = stored.n_pictures.clamp(1, 9);
        draft.size = stored.size;
        draft.best_of = stored.best_of.clamp(1, 8);
        draft.sampling = stored.sampling.clone();
        if let Some(seed) = stored.seed {
            draft.seed = seed;
            draft.seed_is_locked = true;
        }
        self.show_look(ctx);
    }

    pub(super) fn show_look(&self, ctx: &Context) {
        ctx.set_theme(match self.settings.theme {
            Theme::System => egui::ThemePreference::System,
            Theme::Dark => egui::ThemePreference::Dark,
            Theme::Light => egui::ThemePreference::Light,
        });
        self.fit_scale(ctx);
    }

    /// The interface is as large as is wished for, as far as all of it still fits into the window.
    pub(super) fn fit_scale(&self, ctx: &Context) {
        let wished = self.settings.ui_scale.unwrap_or(1.0).clamp(0.5, 3.0);
        let points = ctx.content_rect().size();
        let native = ctx.native_pixels_per_point().unwrap_or(1.0);
        let fits = points * (ctx.pixels_per_point() / native) / crate::theme::LEAST_WINDOW;
        // Steps of a hundredth, so that a window whose edge is dragged does not tremble.
        let fits = (fits.min_elem() * 100.0).floor() / 100.0;
        let scale = wished.min(fits).max(LEAST_SCALE);
        if scale.is_finite() && (ctx.zoom_factor() - scale).abs() > 1e-3 {
            ctx.set_zoom_factor(scale);
        }
    }

    /// At a first start the prompt holds the model's first example, selected, so that typing replaces it.
    pub(super) fn decide_example(&mut self) {
        if self.example_is_decided || !self.tabs.are_restored() {
            return;
        }
        if !self.session.draft_mut().prompt.is_empty() {
            self.example_is_decided = true;
            return;
        }
        let (Some(model), GalleryState::Ready) =
            (self.session.current_model(), &self.gallery_view.state)
        else {
            return;
        };
        self.example_is_decided = true;
        let is_first_run = self.gallery_view.entries().is_empty() && self.session.runs.is_empty();
        if let Some(example) = model.examples.first().filter(|_| is_first_run).cloned() {
            self.tabs.example = Some(example.clone());
            self.session.draft_mut().prompt = example;
            // Whoever has left the prompt meanwhile is not called back.
            if self.bar.focus.is_some() || self.prompt_has_focus(&self.ctx) {
                self.bar.focus = Some(Selection::All);
            }
        }
    }
}
