//! The window's one owner: feeds the session with what the engine and the gallery say, carries out
//! commands, and lets the panels draw.
//!
//! [`eframe::App::logic`] drains events and commands; [`eframe::App::ui`] only draws and sends commands.

mod carry_out;
mod pictures;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use egui::{Context, Frame, Margin, Panel, Ui};
use limn_engine::protocol::Event;

use crate::canvas::{self, CanvasState};
use crate::command::Command;
use crate::engine_link::{EngineCommand, EngineEvent, EngineLink};
use crate::gallery::handle::{self, GalleryHandle};
use crate::keyboard::Keyboard;
use crate::panels::gallery_place::{self, GalleryPanel};
use crate::panels::palette::{self, Palette};
use crate::panels::prompt_bar::{self, PromptBar, Selection};
use crate::panels::toasts::{self, Toasts, Tone};
use crate::panels::{Region, Scene, models_place, settings_sheet, side_panel, tool_strip, top_bar};
use crate::paths::Folders;
use crate::session::{Effect, GalleryState, GalleryView, PictureId, Place, Session};
use crate::settings::{self, Settings};
use crate::textures::Textures;
use crate::theme;

#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the window, not a state machine"
)]
pub struct App {
    pub session: Session,
    pub gallery_view: GalleryView,
    settings: Settings,
    folders: Folders,
    engine: Option<EngineLink>,
    gallery: Option<GalleryHandle>,
    textures: Textures,
    pictures: pictures::Fetcher,
    toasts: Toasts,
    bar: PromptBar,
    canvas: CanvasState,
    palette: Palette,
    gallery_panel: GalleryPanel,
    settings_are_open: bool,
    panels_are_shown: bool,
    is_full_screen: bool,
    region: Region,
    commands: Vec<Command>,
    /// The list asked for last; older answers are out of date.
    list_request: u64,
    list_is_stale: bool,
    closes_anyway: bool,
    /// The first example stands selected in the prompt, or will not.
    example_is_decided: bool,
    from_dialogs: Receiver<DialogAnswer>,
    dialog_answers: Sender<DialogAnswer>,
}

/// What native dialogs answer, from their own thread.
#[derive(Debug)]
enum DialogAnswer {
    GalleryFolder(PathBuf),
    ExportTo { id: PictureId, path: PathBuf },
    SettingsNotSaved(String),
    CannotOpen(String),
}

impl App {
    /// Everything that takes time is started in the background; the first frame does not wait.
    /// Without an engine the window still writes prompts and shows the gallery.
    pub fn new(ctx: &Context, folders: Folders, engine: Option<EngineCommand>) -> Self {
        theme::install(ctx);
        Keyboard::install(ctx);
        let (settings, notice) = Settings::load(&folders);
        let (dialog_answers, from_dialogs) = channel();
        let mut app = Self {
            session: Session::default(),
            gallery_view: GalleryView::default(),
            engine: engine.map(|command| EngineLink::start(command, waker(ctx))),
            gallery: None,
            textures: Textures::default(),
            pictures: pictures::Fetcher::start(waker(ctx)),
            toasts: Toasts::default(),
            bar: PromptBar::default(),
            canvas: CanvasState::default(),
            palette: Palette::default(),
            gallery_panel: GalleryPanel::default(),
            settings_are_open: false,
            panels_are_shown: true,
            is_full_screen: false,
            region: Region::Prompt,
            commands: Vec::new(),
            list_request: 0,
            list_is_stale: false,
            closes_anyway: false,
            example_is_decided: false,
            from_dialogs,
            dialog_answers,
            settings,
            folders,
        };
        app.open_gallery(ctx);
        app.take_up_settings(ctx);
        app.bar.focus = Some(Selection::End);
        if let Some(notice) = notice {
            app.toasts.say(Tone::Bad, notice, Instant::now());
        }
        app
    }

    /// What the engine says; public so that tests can speak for it.
    pub fn engine_event(&mut self, event: EngineEvent) {
        if let EngineEvent::Event(Event::Failed { job: None, failure }) = &event {
            self.toasts.say(Tone::Bad, &failure.message, Instant::now());
        }
        let effects = self.session.apply(event, Instant::now());
        self.carry_out_effects(effects);
    }

    /// The engine process that runs now, for diagnosis and for the tests that kill it.
    pub fn engine_process_id(&self) -> Option<u32> {
        self.engine.as_ref()?.process_id()
    }

    fn take_up_settings(&mut self, ctx: &Context) {
        self.session.compute = self.settings.compute.clone();
        self.session.model = self
            .settings
            .model
            .clone()
            .map(limn_engine::protocol::ModelId);
        let stored = &self.settings.prompt_bar;
        let draft = &mut self.bar.draft;
        for prompt in &stored.history {
            draft.remember(prompt.clone());
        }
        draft.n_pictures = stored.n_pictures.clamp(1, 9);
        draft.negative_prompt = stored.negative_prompt.clone().unwrap_or_default();
        draft.size = stored.size;
        draft.sampling = stored.sampling.clone();
        if let Some(seed) = stored.seed {
            draft.seed = seed;
            draft.seed_is_locked = true;
        }
        self.show_look(ctx);
    }

    fn show_look(&self, ctx: &Context) {
        ctx.set_theme(match self.settings.theme {
            settings::Theme::System => egui::ThemePreference::System,
            settings::Theme::Dark => egui::ThemePreference::Dark,
            settings::Theme::Light => egui::ThemePreference::Light,
        });
        ctx.set_zoom_factor(self.settings.ui_scale.unwrap_or(1.0).clamp(0.5, 3.0));
    }

    fn open_gallery(&mut self, ctx: &Context) {
        let folder = self.settings.gallery_folder(&self.folders).to_owned();
        self.gallery_view.state = GalleryState::Opening;
        match GalleryHandle::start(&self.folders, folder, waker(ctx)) {
            Ok(gallery) => self.gallery = Some(gallery),
            Err(error) => self.gallery_view.state = GalleryState::Failed(error.to_string()),
        }
    }

    fn carry_out_effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(request) => {
                    if let Some(engine) = &self.engine {
                        engine.send(request);
                    }
                }
                Effect::Save(made) => self.tell_gallery(handle::Command::Save {
                    pixels: made.pixels.clone(),
                    recipe: Box::new(made.recipe.as_ref().clone()),
                }),
                Effect::RetrySaves => self.tell_gallery(handle::Command::RetrySaves),
            }
        }
    }

    fn tell_gallery(&self, command: handle::Command) {
        if let Some(gallery) = &self.gallery {
            gallery.send(command);
        }
    }

    fn drain_engine(&mut self) {
        while let Some(event) = self.engine.as_ref().and_then(EngineLink::try_recv) {
            self.engine_event(event);
        }
    }

    fn drain_gallery(&mut self, now: Instant) {
        let Some(gallery) = &self.gallery else { return };
        let events: Vec<_> = gallery.events().collect();
        for event in events {
            self.gallery_event(event, now);
        }
        if std::mem::take(&mut self.list_is_stale) {
            self.list_request += 1;
            let query = crate::gallery::Query {
                words: self.gallery_view.words.clone(),
                is_starred: self.gallery_view.only_starred,
                ..Default::default()
            };
            self.tell_gallery(handle::Command::List {
                request: self.list_request,
                query,
            });
        }
    }

    fn gallery_event(&mut self, event: handle::Event, now: Instant) {
        match event {
            handle::Event::Ready { .. } => {
                self.gallery_view.state = GalleryState::Opening;
                self.list_is_stale = true;
            }
            handle::Event::NotReady { message } => {
                self.gallery_view.state = GalleryState::Failed(message);
            }
            handle::Event::Saved(record) => {
                let effects = self.session.saved(record.id);
                self.carry_out_effects(effects);
                self.gallery_view.add(*record);
                self.list_is_stale = true;
            }
            handle::Event::SaveFailed { id, message, .. } => self.session.not_saved(id, &message),
            handle::Event::Listed { request, ids } => {
                if request == self.list_request {
                    self.gallery_view.listed(ids);
                }
            }
            handle::Event::Record(record) => self.gallery_view.put(*record),
            handle::Event::Thumbnail { id, pixels } => {
                self.pictures.thumbnail(id, pixels);
                if self.gallery_view.record(id).is_none() {
                    self.tell_gallery(handle::Command::Records(vec![id]));
                }
            }
            handle::Event::Opened { id, pixels } => self.pictures.opened(id, &pixels),
            handle::Event::Unreadable { id, message } => {
                for key in self.pictures.unreadable(id) {
                    self.textures.arrived(key, Err(message.clone()));
                }
            }
            handle::Event::Changed => {
                self.list_is_stale = true;
                if let Some(id) = self.session.shown_id() {
                    self.tell_gallery(handle::Command::Records(vec![id]));
                }
            }
            handle::Event::Exported { path, .. } => {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                self.toasts
                    .say(Tone::Good, format!("Exported as {name}"), now);
            }
            handle::Event::Failed { message } => self.toasts.say(Tone::Bad, message, now),
            handle::Event::Notice { message } => self.toasts.say(Tone::Plain, message, now),
        }
    }

    fn drain_dialogs(&mut self, ctx: &Context, now: Instant) {
        while let Ok(answer) = self.from_dialogs.try_recv() {
            match answer {
                DialogAnswer::GalleryFolder(folder) => self.use_gallery_folder(ctx, folder),
                DialogAnswer::ExportTo { id, path } => self.export_to(id, path),
                DialogAnswer::SettingsNotSaved(message) | DialogAnswer::CannotOpen(message) => {
                    self.toasts.say(Tone::Bad, message, now);
                }
            }
        }
    }

    /// At a first start the prompt holds the model's first example, selected, so that typing replaces it.
    fn decide_example(&mut self) {
        if self.example_is_decided {
            return;
        }
        if !self.bar.draft.prompt.is_empty() {
            self.example_is_decided = true;
            return;
        }
        let (Some(model), GalleryState::Ready) =
            (self.session.current_model(), &self.gallery_view.state)
        else {
            return;
        };
        self.example_is_decided = true;
        let is_first_run = self.gallery_view.total == 0 && self.session.runs.is_empty();
        if let Some(example) = model.examples.first().filter(|_| is_first_run) {
            self.bar.draft.prompt.clone_from(example);
            self.bar.focus = Some(Selection::All);
        }
    }

    /// A picture that is only in memory would be lost with the window.
    fn guard_closing(&mut self, ctx: &Context, now: Instant) {
        let is_closing = ctx.input(|input| input.viewport().close_requested());
        let n_unsaved = self.session.n_unsaved();
        if is_closing && n_unsaved > 0 && !self.closes_anyway {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            let text = format!(
                "Not saved yet: {n_unsaved}. Try saving again or choose another folder first."
            );
            self.toasts
                .offer(Tone::Bad, text, "Close anyway", Command::CloseAnyway, now);
        }
    }

    fn schedule_repaints(&mut self, ctx: &Context, now: Instant) {
        if self.textures.begin_frame(ctx) {
            ctx.request_repaint();
        }
        if let Some(wait) = self.toasts.expire(now) {
            ctx.request_repaint_after(wait);
        }
        if self.session.active_runs().next().is_some() {
            // Time left counts down.
            ctx.request_repaint_after(Duration::from_millis(500));
        }
    }

    fn sheet_is_open(&self) -> bool {
        self.palette.is_open || self.settings_are_open
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        let now = Instant::now();
        self.drain_engine();
        self.drain_gallery(now);
        self.drain_dialogs(ctx, now);
        self.decide_example();
        self.guard_closing(ctx, now);
        let mut commands = std::mem::take(&mut self.commands);
        commands.extend(Keyboard::take(ctx, self.sheet_is_open()));
        for command in commands {
            self.carry_out(ctx, command, now);
        }
        self.fetch_pictures();
        self.schedule_repaints(ctx, now);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        let mut commands = Vec::new();
        let mut scene = Scene {
            session: &self.session,
            gallery: &self.gallery_view,
            settings: &self.settings,
            textures: &mut self.textures,
            commands: &mut commands,
            now: Instant::now(),
        };
        let theme = theme::of(ui);
        let bar = |margin: Margin| Frame::new().fill(theme.bg1).inner_margin(margin);
        if self.panels_are_shown {
            Panel::top("top bar")
                .exact_size(theme::TOP_BAR_HEIGHT)
                .resizable(false)
                .frame(bar(Margin::symmetric(14, 0)))
                .show(ui, |ui| top_bar::top_bar_ui(ui, &mut scene));
        }
        let middle = match self.session.place {
            Place::Canvas => {
                if self.panels_are_shown {
                    Panel::left("tools")
                        .exact_size(theme::TOOL_STRIP_WIDTH)
                        .resizable(false)
                        .frame(bar(Margin::symmetric(0, 10)))
                        .show(ui, |ui| tool_strip::tool_strip_ui(ui, &mut scene));
                    Panel::right("side")
                        .exact_size(theme::SIDE_PANEL_WIDTH)
                        .resizable(false)
                        .frame(bar(Margin {
                            left: 14,
                            right: 14,
                            top: 10,
                            bottom: 0,
                        }))
                        .show(ui, |ui| {
                            side_panel::side_panel_ui(ui, &mut scene, &mut self.gallery_panel);
                        });
                }
                Panel::bottom("prompt")
                    .resizable(false)
                    .frame(bar(Margin::symmetric(18, 14)))
                    .show(ui, |ui| {
                        prompt_bar::prompt_bar_ui(ui, &mut scene, &mut self.bar);
                    });
                let canvas = &mut self.canvas;
                let shown = egui::CentralPanel::no_frame()
                    .show(ui, |ui| canvas::canvas_ui(ui, &mut scene, canvas));
                shown.response.rect
            }
            Place::Gallery => place_ui(ui, |ui| {
                gallery_place::gallery_place_ui(ui, &mut scene, &mut self.gallery_panel);
            }),
            Place::Models => place_ui(ui, |ui| models_place::models_place_ui(ui, &mut scene)),
        };
        toasts::toasts_ui(ui, &mut scene, &self.toasts, middle);
        if self.settings_are_open {
            let folder = self
                .settings
                .gallery_folder(&self.folders)
                .display()
                .to_string();
            self.settings_are_open = !settings_sheet::settings_sheet_ui(ui, &mut scene, &folder);
        }
        palette::palette_ui(ui, &mut scene, &mut self.palette);
        if !commands.is_empty() {
            // They are carried out in `logic` of the next frame, which must come at once.
            self.commands.extend(commands);
            ui.ctx().request_repaint();
        }
    }

    fn on_exit(&mut self) {
        self.remember_prompt_bar();
        let _ = self.settings.save(&self.folders);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
}

fn place_ui(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) -> egui::Rect {
    let frame = Frame::new()
        .fill(theme::of(ui).bg0)
        .inner_margin(Margin::same(24));
    let shown = egui::CentralPanel::default()
        .frame(frame)
        .show(ui, contents);
    shown.response.rect
}

/// Wakes the window from another thread. Drawn in software it is not woken for every event at once, so
/// that the engine keeps the processor.
fn waker(ctx: &Context) -> impl Fn() + Send + Sync + Clone + 'static + use<> {
    const SOFTWARE_FRAME: Duration = Duration::from_millis(120);
    let ctx = ctx.clone();
    let wait = if theme::is_sparing(&ctx) {
        SOFTWARE_FRAME
    } else {
        Duration::ZERO
    };
    move || ctx.request_repaint_after(wait)
}
