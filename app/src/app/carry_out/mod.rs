//! One match for all commands.

mod documents;
mod gallery;
mod gallery_place;
mod gestures;
mod layers;
mod runs;
mod settings;
mod tools;

pub(in crate::app) use tools::MaskQuestion;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::{Context, Popup, ViewportCommand};

use super::documents::Opening;
use super::sources::Ticket;
use super::{App, DialogAnswer, waker};
use crate::command::{Command, GalleryCommand, LayerCommand};
use crate::gallery::{Mark, Query};
use crate::panels::layers as layers_panel;
use crate::panels::prompt_bar::{PromptBar, Selection};
use crate::panels::toasts::Tone;
use crate::session::{Deed, Place};
use crate::widgets;

/// What a picture of the gallery is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fetched {
    OpenDocument,
    AddLayer,
    /// A gesture is about it.
    Source(Ticket),
}

impl App {
    /// At once, or once the work on its document is done that it has to wait for.
    pub(super) fn carry_out(&mut self, ctx: &Context, command: Command, now: Instant) {
        if let Some(command) = self.hold(command, now) {
            self.carry_out_now(ctx, command, now);
        }
        self.go_on_with_held(ctx, now);
    }

    #[expect(clippy::too_many_lines, reason = "one match for all commands")]
    pub(super) fn carry_out_now(&mut self, ctx: &Context, command: Command, now: Instant) {
        match command {
            Command::Generate => self.generate(self.session.deed(), now),
            Command::Do(deed) => {
                self.session.choose_deed(deed);
                self.generate(deed, now);
            }
            Command::ChooseDeed(Deed::Turn) => self.choose_turn(None, now),
            Command::ChooseDeed(deed) => self.session.choose_deed(deed),
            Command::Gesture(command) => self.gesture(command, now),
            Command::SetChoices(choices) => {
                self.session.documents.current_mut().choices = choices;
            }
            Command::Again => self.again(now),
            Command::RunAgain(run) if self.fetch_sources(run, command.clone()) => {}
            Command::RunAgain(run) => {
                let effects = self.session.run_again(run);
                self.carry_out_effects(effects);
            }
            Command::CancelCurrent => {
                let current = self
                    .session
                    .running()
                    .or_else(|| self.session.active_runs().next());
                if let Some(run) = current.map(|run| run.id) {
                    self.carry_out(ctx, Command::CancelRun(run), now);
                }
            }
            Command::CancelRun(run) => {
                let effects = self.session.cancel(run);
                self.carry_out_effects(effects);
            }
            Command::Keep => self.finish_or_keep(now),
            Command::Discard => self.discard(now),
            Command::DismissRun(run) => self.session.dismiss(run),
            Command::TakeBackRun(run) => {
                if !self.session.take_back_run(run) {
                    let text = "These results are no longer at hand. They are in the gallery.";
                    self.toasts.say(Tone::Plain, text, now);
                }
            }
            Command::RetrySaving => {
                let effects = self.session.retry_saving();
                self.carry_out_effects(effects);
            }
            Command::Undo => self.undo(now),
            Command::Redo => self.redo(now),
            Command::UndoStep { document, serial } => self.undo_step(document, serial),
            Command::FocusPrompt => {
                self.session.place = Place::Canvas;
                self.session.leave_tray();
                self.bar.focus = Some(Selection::End);
            }
            Command::EarlierPrompt => {
                let history = &self.session.history;
                self.session.documents.current_mut().draft.earlier(history);
                self.bar.focus = Some(Selection::End);
            }
            Command::LaterPrompt => {
                let history = &self.session.history;
                self.session.documents.current_mut().draft.later(history);
                self.bar.focus = Some(Selection::End);
            }
            Command::SetPrompt(text) => self.set_prompt(text),
            Command::SurprisePrompt => self.surprise_prompt(now),
            Command::ReplaceWord { from, to } => self.replace_word(&from, &to),
            Command::UseRecipe { picture, part } => self.use_recipe(picture, part),
            Command::Show(picture) => self.show(picture),
            Command::View(command) => self.carry_out_view(command, now),
            Command::SelectRun(run) => {
                self.session.place = Place::Canvas;
                self.session.select_run(run);
            }
            Command::ShowResult(n) => self.session.show_result(u32::from(n).saturating_sub(1)),
            Command::ShowBefore => self.session.show_before(),
            Command::PreviousResult => self.step_or_nudge(-1),
            Command::NextResult => self.step_or_nudge(1),
            Command::GoTo(place) => {
                self.session.place = place;
                if place == Place::Models {
                    self.look_into_library(ctx);
                }
            }
            Command::SideTab(tab) => {
                self.session.place = Place::Canvas;
                self.panels_are_shown = true;
                self.side_is_open = true;
                self.session.side_tab = tab;
            }
            Command::Tool(tool) => self.choose_tool(tool),
            Command::SwapTools => {
                let document = &mut self.session.documents.current_mut().document;
                self.session.toolbox.swap(document);
            }
            Command::BrushSize(steps) => self.session.toolbox.step_size(steps.into()),
            Command::BrushHardness(steps) => self.session.toolbox.step_hardness(steps.into()),
            Command::AdjustBrush { dx, dy } => self.session.toolbox.adjust(dx, dy),
            Command::SetTools(settings) => self.session.toolbox.settings = settings,
            Command::EditPatchMask(edits) => self.session.toolbox.edits_patch_mask = edits,
            Command::Pointer(event) => self.pointer(&event, now),
            Command::Nudge(dx, dy) => self.nudge(dx, dy),
            Command::ExtendTo(aspect) => self.extend_to(aspect, now),
            Command::ChooseCrop(aspect) => self.choose_crop(aspect, now),
            Command::ApplyCrop => self.apply_crop(now),
            Command::Mask(action) => self.change_mask(action, now),
            Command::LoadMask => self.load_mask(ctx, now),
            Command::ReadMask(reading) => self.answer_mask_question(ctx, reading),
            Command::SaveMask => self.save_mask(ctx, now),
            Command::Peek(is_down) => self.peek(is_down, now),
            Command::ToggleMask => self.session.mask_is_hidden = !self.session.mask_is_hidden,
            Command::Layer(command) => self.change_layers(ctx, command, now),
            Command::AskBlankCanvas => self.blank_sheet.is_open = true,
            Command::NewCanvas(canvas) => self.new_canvas(ctx, canvas),
            Command::NewDocument => self.new_document(),
            Command::OpenFile => self.open_file(ctx),
            Command::OpenRecent(path) => self.open_path(ctx, path, Opening::Document),
            Command::Save => self.save_document(ctx, now),
            Command::SaveAs => self.save_document_as(ctx, true),
            Command::SaveWithoutHistory => self.save_document_as(ctx, false),
            Command::OpenDropped => self.use_dropped(ctx, Some(Opening::Document)),
            Command::AddDropped => self.use_dropped(ctx, Some(Opening::Layer)),
            Command::ForgetDropped => self.use_dropped(ctx, None),
            Command::SelectDocument(id) => self.select_document(ctx, id),
            Command::CloseDocument(id) => self.close_document(id, now),
            Command::CloseCurrent => {
                self.close_document(self.session.documents.current_id(), now);
            }
            Command::ReopenDocument => self.reopen_document(),
            Command::PutBack(id) => self.put_back(id),
            Command::RenameDocument { document, name } => {
                if let Some(open) = self.session.documents.get_mut(document) {
                    open.document.rename(&name);
                }
            }
            Command::NextDocument => self.step_document(ctx, 1),
            Command::PreviousDocument => self.step_document(ctx, -1),
            Command::OpenAsDocument(picture) => self.open_as_document(picture, now),
            Command::AddAsLayer(picture) => self.add_as_layer(picture, now),
            Command::PastePicture {
                picture,
                as_document,
            } => self.paste(&picture, as_document, now),
            Command::PasteDocument => {
                self.pastes_as_document = true;
                ctx.send_viewport_cmd(ViewportCommand::RequestPaste);
            }
            Command::Pin { picture, pinned } => self.session.pin(picture, pinned),
            Command::ZoomIn => self.view_mut().zoom_step(true),
            Command::ZoomOut => self.view_mut().zoom_step(false),
            Command::ZoomFit => self.view_mut().fit(),
            Command::ZoomActual => self.view_mut().actual_size(),
            Command::TogglePanels => self.panels_are_shown = !self.panels_are_shown,
            Command::FullScreen => self.set_full_screen(ctx, !self.is_full_screen),
            Command::NextRegion => self.next_region(ctx),
            Command::Palette => {
                self.settings_are_open = false;
                self.shortcuts_are_open = false;
                self.palette.toggle();
            }
            Command::Shortcuts => {
                self.palette.is_open = false;
                self.settings_are_open = false;
                self.shortcuts_are_open = !self.shortcuts_are_open;
            }
            Command::Settings => {
                self.palette.is_open = false;
                self.shortcuts_are_open = false;
                self.settings_are_open = !self.settings_are_open;
            }
            Command::Escape => self.escape(ctx, now),
            Command::Export => self.export(now),
            Command::Copies(command) => self.carry_out_copies(ctx, command, now),
            Command::CopyMerged => self.copy_merged(ctx, now),
            Command::CopyPicture => self.copy_picture(ctx, now),
            Command::CopyPrompt(picture) => self.copy_prompt(ctx, picture, now),
            Command::OpenFolder => {
                let folder = self.settings.gallery_folder(&self.folders).to_owned();
                self.open_in_file_manager(ctx, folder);
            }
            Command::ShowInFolder(id) => self.show_in_folder(ctx, id),
            Command::ShowFile(path) => self.show_file(ctx, &path),
            Command::ToggleStar => self.toggle_star(now),
            Command::StarPicture { id, starred } => self.mark(vec![id], Mark::Star(starred)),
            Command::Delete => self.delete(ctx, now),
            Command::DeletePicture(id) => self.trash_pictures(vec![id]),
            Command::Restore(id) => {
                self.carry_out_gallery(ctx, GalleryCommand::Restore(vec![id]), now);
            }
            Command::SearchGallery(words) => {
                let query = self.gallery_view.query.clone();
                self.list_gallery(Query { words, ..query });
            }
            Command::Gallery(command) => self.carry_out_gallery(ctx, command, now),
            Command::Models(command) => self.carry_out_models(ctx, command, now),
            Command::SetModel(model) => self.set_model(model),
            Command::SetDevice(device) => self.set_device(device),
            Command::SetIndexModel(model) => {
                self.settings.index_model = model.map(|model| model.0);
                self.save_settings();
                self.choose_encoder();
            }
            Command::MoreLike(picture) => self.more_like(picture, now),
            Command::SetTheme(theme) => {
                self.settings.theme = theme;
                self.show_look(ctx);
                self.save_settings();
            }
            Command::ShowScores(shows) => {
                self.settings.shows_scores = shows;
                self.save_settings();
            }
            Command::SetScale(scale) => {
                self.settings.ui_scale = ((scale - 1.0).abs() > 0.001).then_some(scale);
                self.show_look(ctx);
                self.save_settings();
            }
            Command::SetMaskColour(colour) => {
                self.settings.mask_colour = colour;
                self.save_settings();
            }
            Command::ChooseGalleryFolder => self.choose_gallery_folder(ctx),
            Command::DismissToast(id) => self.toasts.dismiss(id),
            Command::FinishStart => self.finish_start(ctx),
            Command::CloseAnyway => {
                self.closes_anyway = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    /// The layer whose row has the keyboard focus, else the picture that is shown.
    fn delete(&mut self, ctx: &Context, now: Instant) {
        let content = self.session.document().content();
        if let Some(layer) = layers_panel::focused_layer(ctx, content) {
            let command = Command::Layer(LayerCommand::Delete(layer));
            self.carry_out(ctx, command, now);
        } else if let Some(id) = self.session.shown_id() {
            self.trash_pictures(vec![id]);
        } else {
            let text = "There is no saved picture to delete.";
            self.toasts.say(Tone::Plain, text, now);
        }
    }

    fn set_full_screen(&mut self, ctx: &Context, on: bool) {
        self.is_full_screen = on;
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(on));
    }

    fn next_region(&mut self, ctx: &Context) {
        self.region = self.region.next();
        let id = ctx.data(|data| data.get_temp::<egui::Id>(self.region.first_control()));
        if let Some(id) = id {
            ctx.memory_mut(|memory| memory.request_focus(id));
        }
    }

    /// The topmost thing goes first: gesture, work on the mask, sheet, popover, viewer, text focus, tray, full screen, place,
    /// hidden panels.
    fn escape(&mut self, ctx: &Context, now: Instant) {
        let focused = ctx.memory(egui::Memory::focused);
        let document = &mut self.session.documents.current_mut().document;
        if self.session.toolbox.cancel(document) || self.stop_mask_work(now) {
            return;
        }
        if self.gallery_panel.asked.take().is_some() || self.asked_mask.take().is_some() {
            // The question is answered by no.
        } else if self.palette.is_open {
            self.palette.is_open = false;
        } else if self.shortcuts_are_open {
            self.shortcuts_are_open = false;
        } else if self.settings_are_open {
            self.settings_are_open = false;
        } else if self.blank_sheet.is_open {
            self.blank_sheet.is_open = false;
        } else if self.export_sheet.is_open() {
            self.export_sheet.close();
        } else if Popup::is_any_open(ctx) || widgets::is_popover_open(ctx) {
            Popup::close_all(ctx);
            widgets::close_popover(ctx);
        } else if self.viewer.is_some() {
            self.viewer = None;
        } else if let Some(id) = focused {
            ctx.memory_mut(|memory| memory.surrender_focus(id));
        } else if self.session.deed().has_tray() && self.session.place == Place::Canvas {
            self.session.leave_tray();
        } else if self.is_full_screen {
            self.set_full_screen(ctx, false);
        } else if self.session.place == Place::Gallery && !self.gallery_view.selection.is_empty() {
            self.gallery_view.selection.clear();
        } else if self.session.place == Place::Gallery && self.gallery_view.query.is_search() {
            self.leave_search();
        } else if self.session.place != Place::Canvas {
            self.session.place = Place::Canvas;
        } else {
            self.panels_are_shown = true;
        }
    }

    /// Native dialogs, other programs and slow disks never hold the window.
    pub(in crate::app) fn in_dialog_thread(
        &self,
        ctx: &Context,
        body: impl FnOnce() -> Option<DialogAnswer> + Send + 'static,
    ) {
        let (answers, wake) = (self.dialog_answers.clone(), waker(ctx));
        let _ = std::thread::Builder::new()
            .name("dialog".to_owned())
            .spawn(move || {
                if let Some(answer) = body() {
                    let _ = answers.send(answer);
                    wake();
                }
            });
    }

    /// What stands in the prompt bar.
    pub fn prompt(&self) -> &str {
        &self.session.documents.current().draft.prompt
    }

    /// Whether the prompt's text has the keyboard focus.
    pub fn prompt_has_focus(&self, ctx: &Context) -> bool {
        ctx.memory(|memory| memory.has_focus(PromptBar::text_id()))
    }
}

/// Asks with a native dialog. An answer quicker than any hand means that the system has none to show.
pub(super) fn ask(
    dialog: impl FnOnce() -> Option<PathBuf>,
    answer: impl FnOnce(PathBuf) -> Option<DialogAnswer>,
) -> Option<DialogAnswer> {
    const QUICKEST_HAND: Duration = Duration::from_millis(250);
    let start = Instant::now();
    match dialog() {
        Some(path) => answer(path),
        None if start.elapsed() < QUICKEST_HAND => Some(DialogAnswer::Failed(
            "This system has no file dialog: install xdg-desktop-portal or zenity.".to_owned(),
        )),
        None => None,
    }
}
