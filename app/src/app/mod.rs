//! The window's one owner: feeds the session with what the engine and the gallery say, carries out
//! commands, and lets the panels draw.
//!
//! [`eframe::App::logic`] drains events and commands; [`eframe::App::ui`] only draws and sends commands.

mod carry_out;
mod clipboard;
mod composer;
mod dialogs;
mod documents;
mod downloads;
mod draw;
mod export_copy;
mod exporting;
mod frame_budget;
mod gallery_events;
mod gallery_steps;
mod given_files;
mod ip_adapters;
mod meaning;
mod messages;
mod models;
mod opened;
mod pictures;
mod sources;
mod start;
mod thread;
mod viewing;
mod workshop;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use egui::{Context, Ui};
use limn_engine::protocol::Event;

use crate::canvas::CanvasState;
use crate::command::Command;
use crate::document::DocumentStore;
use crate::engine_link::{EngineCommand, EngineEvent, EngineLink};
use crate::gallery::handle::{self, GalleryHandle};
use crate::keyboard::Keyboard;
use crate::layer_pictures::LayerPictures;
use crate::model_library::DownloadQueue;
use crate::panels::Region;
use crate::panels::blank_sheet::BlankSheet;
use crate::panels::export_sheet::ExportSheet;
use crate::panels::gallery::GalleryPanel;
use crate::panels::models_place::Library;
use crate::panels::palette::Palette;
use crate::panels::prompt_bar::{PromptBar, Selection};
use crate::panels::results::ResultsPanel;
use crate::panels::toasts::{Toasts, Tone};
use crate::paths::Folders;
use crate::running_window::Door;
use crate::session::{Effect, GalleryState, GalleryView, PictureId, Place, Session};
use crate::settings::{Keeper, Settings};
use crate::start_journal::{StartJournal, StartStep};
use crate::textures::Textures;
use crate::theme;
use crate::viewer::Viewer;
use crate::widgets;
use dialogs::DialogAnswer;
use frame_budget::FrameBudget;

#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the window, not a state machine"
)]
pub struct App {
    pub session: Session,
    pub gallery_view: GalleryView,
    settings: Settings,
    folders: Folders,
    start_journal: StartJournal,
    /// The window's own, for when it ends.
    ctx: Context,
    engine: Option<EngineLink>,
    gallery: Option<GalleryHandle>,
    textures: Textures,
    layer_pictures: LayerPictures,
    pictures: pictures::Fetcher,
    composer: composer::Composer,
    sources: sources::Sources,
    copies: export_copy::Copies,
    workshop: workshop::Workshop,
    faults: thread::Faults,
    /// What is to be done with a picture of the gallery once it is open.
    fetching: Vec<(PictureId, carry_out::Fetched)>,
    documents: Option<DocumentStore>,
    settings_keeper: Option<Keeper>,
    tabs: documents::Tabs,
    /// Files that were dropped: what is to become of them is asked.
    dropped: Vec<PathBuf>,
    /// A picture of which it is asked what is meant as the mask.
    asked_mask: Option<carry_out::MaskQuestion>,
    /// Since when the key is held that peeks under the mask.
    peeks_since: Option<Instant>,
    /// The picture that is asked of the clipboard becomes a document.
    pastes_as_document: bool,
    toasts: Toasts,
    bar: PromptBar,
    canvas: CanvasState,
    palette: Palette,
    results_panel: ResultsPanel,
    /// What is looked at or compared, over everything else.
    viewer: Option<Viewer>,
    export_sheet: ExportSheet,
    blank_sheet: BlankSheet,
    exporting: Option<exporting::Exporting>,
    clipboard: clipboard::Clipboard,
    gallery_panel: GalleryPanel,
    settings_are_open: bool,
    shortcuts_are_open: bool,
    library: Library,
    downloads: DownloadQueue,
    panels_are_shown: bool,
    /// The side panel of a narrow window is open, not folded to its tabs.
    side_is_open: bool,
    is_full_screen: bool,
    region: Region,
    commands: Vec<Command>,
    was_focused: bool,
    asked: gallery_events::Asked,
    gallery_steps: gallery_steps::GallerySteps,
    /// The engine that looks at the gallery's pictures.
    encoder: Option<EngineCommand>,
    encoder_is_paused: bool,
    closes_anyway: bool,
    /// Where files come in that Limn is started with again.
    door: Option<Door>,
    /// The first example stands selected in the prompt, or will not.
    example_is_decided: bool,
    from_dialogs: Receiver<DialogAnswer>,
    dialog_answers: Sender<DialogAnswer>,
}

impl App {
    /// Everything that takes time is started in the background; the first frame does not wait.
    /// Without an engine the window still writes prompts and shows the gallery.
    pub fn new(ctx: &Context, folders: Folders, engine: Option<EngineCommand>) -> Self {
        theme::install(ctx);
        Keyboard::install(ctx);
        let (settings, notice) = Settings::load(&folders);
        let start_journal = StartJournal::open(&folders.start_journal());
        let (dialog_answers, from_dialogs) = channel();
        let faults = thread::Faults::default();
        let mut app = Self {
            session: Session::default(),
            gallery_view: GalleryView::default(),
            engine: engine.map(|command| EngineLink::start(command, waker(ctx))),
            gallery: None,
            textures: Textures::default(),
            layer_pictures: LayerPictures::default(),
            pictures: pictures::Fetcher::start(&faults, waker(ctx)),
            composer: composer::Composer::start(&faults, waker(ctx)),
            sources: sources::Sources::start(&faults, waker(ctx)),
            copies: export_copy::Copies::start(&faults, waker(ctx)),
            workshop: workshop::Workshop::start(&faults, waker(ctx)),
            faults,
            ctx: ctx.clone(),
            fetching: Vec::new(),
            documents: None,
            settings_keeper: None,
            tabs: documents::Tabs::new(),
            dropped: Vec::new(),
            asked_mask: None,
            peeks_since: None,
            pastes_as_document: false,
            toasts: Toasts::default(),
            bar: PromptBar::default(),
            canvas: CanvasState::default(),
            palette: Palette::default(),
            results_panel: ResultsPanel::default(),
            viewer: None,
            export_sheet: ExportSheet::new(settings.export.within_bounds()),
            blank_sheet: BlankSheet::default(),
            exporting: None,
            clipboard: clipboard::Clipboard::default(),
            gallery_panel: GalleryPanel::default(),
            settings_are_open: false,
            shortcuts_are_open: false,
            library: Library::new(&folders.models),
            downloads: DownloadQueue::new(&folders.models, waker(ctx)),
            panels_are_shown: true,
            side_is_open: false,
            is_full_screen: false,
            region: Region::Prompt,
            commands: Vec::new(),
            was_focused: true,
            asked: gallery_events::Asked::default(),
            gallery_steps: gallery_steps::GallerySteps::default(),
            encoder: None,
            encoder_is_paused: false,
            closes_anyway: false,
            door: None,
            example_is_decided: false,
            from_dialogs,
            dialog_answers,
            settings,
            folders,
            start_journal,
        };
        app.start_keeper(ctx);
        app.open_gallery(ctx);
        app.look_for_styles(ctx);
        app.look_for_library(ctx);
        app.start_documents(ctx);
        app.take_up_settings(ctx);
        app.bar.focus = Some(Selection::End);
        if let Some(notice) = notice {
            app.toasts.say(Tone::Bad, notice, Instant::now());
        }
        app.say_what_is_left_out();
        app
    }

    /// Carries a command out before the next frame; public so that tests reach what has no label.
    pub fn send(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// What the engine says; public so that tests can speak for it.
    pub fn engine_event(&mut self, event: EngineEvent) {
        self.note_engine_step(&event, Instant::now());
        match &event {
            EngineEvent::Event(Event::Failed { job: None, failure }) => {
                self.toasts.say(Tone::Bad, &failure.message, Instant::now());
            }
            EngineEvent::Notice { message } => {
                self.toasts.say(Tone::Bad, message, Instant::now());
            }
            _ => {}
        }
        let effects = self.session.apply(event, Instant::now());
        self.carry_out_effects(effects);
        self.finish_copies(Instant::now());
        self.tell_news(Instant::now());
        self.session.refresh();
    }

    /// The engine process that runs now, for diagnosis and for the tests that kill it.
    pub fn engine_process_id(&self) -> Option<u32> {
        self.engine.as_ref()?.process_id()
    }

    fn open_gallery(&mut self, ctx: &Context) {
        if !self.start_journal.begin(StartStep::Gallery) {
            let reason = "Limn ended last time while it opened the gallery.".to_owned();
            self.gallery_view.state = GalleryState::Failed(reason);
            return;
        }
        let folder = self.settings.gallery_folder(&self.folders).to_owned();
        self.gallery_view.state = GalleryState::Opening;
        match GalleryHandle::start(&self.folders, folder, waker(ctx)) {
            Ok(gallery) => {
                self.gallery = Some(gallery);
                self.choose_encoder();
            }
            Err(error) => self.gallery_view.state = GalleryState::Failed(error.to_string()),
        }
    }

    fn carry_out_effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(request) => {
                    if self.begins(&request)
                        && let Some(engine) = &self.engine
                    {
                        engine.send(request);
                    }
                }
                Effect::AskWith { request, blobs } => {
                    if let Some(engine) = &self.engine {
                        engine.send_with(request, blobs);
                    }
                }
                Effect::AskEdit(job) => self.workshop.ask_edit(job),
                Effect::Work(job) => self.workshop.make_mask(job),
                Effect::Save(made) => match made.picture() {
                    Some(pixels) => self.save_whole(&made, pixels),
                    None => self.composer.compose(made),
                },
                Effect::RetrySaves => self.tell_gallery(handle::Command::RetrySaves),
            }
        }
    }

    fn tell_gallery(&self, command: handle::Command) {
        if let Some(gallery) = &self.gallery {
            gallery.send(command);
        }
    }

    /// Takes up what the engine said, as far as one frame goes.
    fn drain_engine(&mut self, ctx: &Context) {
        let mut budget = FrameBudget::begin();
        while budget.has_room() {
            let Some(event) = self.engine.as_ref().and_then(EngineLink::try_recv) else {
                return;
            };
            budget.take(event.n_bytes());
            self.engine_event(event);
        }
        ctx.request_repaint();
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
        if let Some((_, since)) = self.session.documents.current().mask_work() {
            // A moment later the canvas says that it works.
            let after = crate::canvas::WORKING_AFTER + Duration::from_millis(10);
            ctx.request_repaint_after(after.saturating_sub(now.saturating_duration_since(since)));
        }
        if let Some(wait) = self.start_journal.tick(now) {
            ctx.request_repaint_after(wait);
        }
        if self.session.active_runs().next().is_some() {
            // Time left counts down.
            ctx.request_repaint_after(Duration::from_millis(500));
        }
    }

    fn sheet_is_open(&self) -> bool {
        let sheet_is_open =
            self.palette.is_open || self.settings_are_open || self.shortcuts_are_open;
        sheet_is_open
            || self.gallery_panel.asked.is_some()
            || self.viewer.is_some()
            || self.export_sheet.is_open()
            || self.blank_sheet.is_open
            || self.asked_mask.is_some()
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        let now = Instant::now();
        self.drain_engine(ctx);
        self.drain_composer();
        self.drain_sources(now);
        self.take_dropped(ctx);
        self.take_handed(ctx);
        self.look_again_when_focused(ctx);
        self.drain_gallery(ctx, now);
        self.drain_dialogs(ctx, now);
        self.drain_downloads(ctx, now);
        self.drain_workshop(ctx, now);
        self.decide_example();
        self.fit_scale(ctx);
        self.guard_closing(ctx, now);
        let mut commands = std::mem::take(&mut self.commands);
        let in_gallery = self.session.place == Place::Gallery;
        let had_sheet = self.sheet_is_open();
        commands.extend(Keyboard::take(ctx, had_sheet, in_gallery));
        for command in commands {
            self.carry_out(ctx, command, now);
        }
        if self.sheet_is_open() && !had_sheet {
            // Under its veil nothing stays open.
            widgets::close_popover(ctx);
            egui::Popup::close_all(ctx);
        }
        self.drain_documents(now);
        self.keep_tabs(now);
        self.session.refresh();
        if self.session.models_are_listed {
            let length = self.session.ask_for_prompt_length();
            self.carry_out_effects(length.into_iter().collect());
        }
        self.look_for_lora_fits(ctx);
        self.look_for_ip_adapters(ctx);
        self.drop_stale_toasts();
        self.keep_estimate();
        self.ask_for_family();
        self.pause_encoder();
        self.fetch_pictures();
        self.schedule_repaints(ctx, now);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
        // What was looked for in vain is asked for at once: the next frame may be long in coming.
        self.fetch_pictures();
        self.ask_for_records();
    }

    fn on_exit(&mut self) {
        self.finish_mask_work(&self.ctx.clone());
        if let Some(store) = &self.documents {
            for open in self.session.documents.iter_mut() {
                store.keep(&mut open.document);
            }
        }
        self.save_settings();
        // Writes them before it ends.
        self.settings_keeper = None;
        self.finish_composing();
        self.forget_closed();
        // Writes the last steps before it ends.
        self.documents = None;
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
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
