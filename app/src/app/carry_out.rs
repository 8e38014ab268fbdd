//! One match for all commands.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use egui::{Context, Popup, ViewportCommand};
use limn_engine::protocol::{DeviceChoice, GenerateRequest, ModelId, Request};

use super::{App, DialogAnswer, waker};
use crate::command::Command;
use crate::files::Existing;
use crate::gallery::export::{ExportOptions, Format};
use crate::gallery::{Mark, Recipe, handle};
use crate::panels::prompt_bar::{PromptBar, Selection};
use crate::panels::toasts::Tone;
use crate::session::{PictureId, PictureRef, Place, RecipePart, new_seed};

impl App {
    #[expect(clippy::too_many_lines, reason = "one match for all commands")]
    pub(super) fn carry_out(&mut self, ctx: &Context, command: Command, now: Instant) {
        match command {
            Command::NewPictures => self.new_pictures(),
            Command::Again => self.again(now),
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
            Command::DismissRun(run) => {
                self.session.dismiss(run);
                self.session.shown = None;
            }
            Command::RetrySaving => {
                let effects = self.session.retry_saving();
                self.carry_out_effects(effects);
            }
            Command::FocusPrompt => {
                self.session.place = Place::Canvas;
                self.bar.focus = Some(Selection::End);
            }
            Command::EarlierPrompt => {
                self.bar.draft.earlier();
                self.bar.focus = Some(Selection::End);
            }
            Command::LaterPrompt => {
                self.bar.draft.later();
                self.bar.focus = Some(Selection::End);
            }
            Command::SetPrompt(text) => self.set_prompt(text),
            Command::ReplaceWord { from, to } => self.replace_word(&from, &to),
            Command::UseRecipe { picture, part } => self.use_recipe(picture, part),
            Command::Show(picture) => self.show(picture),
            Command::SelectRun(run) => {
                self.session.place = Place::Canvas;
                self.session.select_run(run);
            }
            Command::ShowResult(n) => self.session.show_result(u32::from(n).saturating_sub(1)),
            Command::ShowBefore => self.session.show_before(),
            Command::PreviousResult => self.step(-1),
            Command::NextResult => self.step(1),
            Command::GoTo(place) => self.session.place = place,
            Command::SideTab(tab) => {
                self.session.place = Place::Canvas;
                self.panels_are_shown = true;
                self.session.side_tab = tab;
            }
            Command::Tool(tool) => self.session.tool = tool,
            Command::ZoomIn => self.canvas.view.zoom_step(true),
            Command::ZoomOut => self.canvas.view.zoom_step(false),
            Command::ZoomFit => self.canvas.view.fit(),
            Command::ZoomActual => self.canvas.view.actual_size(),
            Command::TogglePanels => self.panels_are_shown = !self.panels_are_shown,
            Command::FullScreen => self.set_full_screen(ctx, !self.is_full_screen),
            Command::NextRegion => self.next_region(ctx),
            Command::Palette => {
                self.settings_are_open = false;
                self.palette.toggle();
            }
            Command::Settings => {
                self.palette.is_open = false;
                self.settings_are_open = !self.settings_are_open;
            }
            Command::Escape => self.escape(ctx),
            Command::Export => self.export(ctx, now),
            Command::CopyPicture => self.copy_picture(ctx, now),
            Command::CopyPrompt(picture) => self.copy_prompt(ctx, picture, now),
            Command::OpenFolder => {
                let folder = self.settings.gallery_folder(&self.folders).to_owned();
                self.open_in_file_manager(ctx, folder);
            }
            Command::ShowInFolder(id) => self.show_in_folder(ctx, id),
            Command::ToggleStar => self.toggle_star(now),
            Command::StarPicture { id, starred } => self.star(id, starred),
            Command::Delete => match self.session.shown_id() {
                Some(id) => self.trash(id, now),
                None => self
                    .toasts
                    .say(Tone::Plain, "There is no saved picture to delete.", now),
            },
            Command::DeletePicture(id) => self.trash(id, now),
            Command::Restore(id) => {
                self.tell_gallery(handle::Command::Restore(vec![id]));
                self.session.restore_picture(id);
                self.list_is_stale = true;
            }
            Command::SearchGallery(words) => {
                self.gallery_view.words = words;
                self.list_is_stale = true;
            }
            Command::OnlyStarred(only) => {
                self.gallery_view.only_starred = only;
                self.list_is_stale = true;
            }
            Command::SetModel(model) => self.set_model(ctx, model),
            Command::SetDevice(device) => self.set_device(ctx, device),
            Command::SetTheme(theme) => {
                self.settings.theme = theme;
                self.show_look(ctx);
                self.save_settings(ctx);
            }
            Command::SetScale(scale) => {
                self.settings.ui_scale = ((scale - 1.0).abs() > 0.001).then_some(scale);
                self.show_look(ctx);
                self.save_settings(ctx);
            }
            Command::ChooseGalleryFolder => self.choose_gallery_folder(ctx),
            Command::DismissToast(id) => self.toasts.dismiss(id),
            Command::CloseAnyway => {
                self.closes_anyway = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    fn new_pictures(&mut self) {
        self.session.place = Place::Canvas;
        let model = self.session.current_model().cloned();
        match self
            .bar
            .draft
            .request(model.as_ref(), self.settings.compute.clone())
        {
            Ok(request) => self.queue(request),
            Err(problem) => {
                self.bar.draft.problem = Some(problem);
                self.bar.focus = Some(Selection::End);
            }
        }
    }

    fn queue(&mut self, request: GenerateRequest) {
        self.bar.draft.problem = None;
        let (_, effects) = self.session.queue(request);
        self.carry_out_effects(effects);
    }

    /// From the shown picture's recipe, else from the selected run.
    fn again(&mut self, now: Instant) {
        let request = match self.session.shown {
            Some(PictureRef::Gallery(id)) => self
                .gallery_view
                .record(id)
                .and_then(|record| record.recipe.as_ref())
                .and_then(|recipe| self.request_from(recipe)),
            Some(PictureRef::Result { run, .. }) => {
                self.session.run(run).map(|run| run.request.clone())
            }
            None => self.session.selected().map(|run| run.request.clone()),
        };
        let Some(mut request) = request else {
            self.toasts
                .say(Tone::Plain, "There are no results to make again.", now);
            return;
        };
        request.seed = new_seed();
        request.compute = self.settings.compute.clone();
        self.queue(request);
    }

    fn request_from(&self, recipe: &Recipe) -> Option<GenerateRequest> {
        let model = self
            .session
            .models
            .iter()
            .find(|model| model.name == recipe.model)
            .or_else(|| self.session.current_model())?;
        Some(GenerateRequest {
            model: model.id.clone(),
            compute: self.settings.compute.clone(),
            prompt: recipe.prompt.clone(),
            negative_prompt: recipe.negative_prompt.clone(),
            size: Some((recipe.width, recipe.height)),
            n_pictures: self.bar.draft.n_pictures,
            best_of: 1,
            seed: recipe.seed,
            sampling: recipe.sampling(),
            latents: None,
        })
    }

    fn set_prompt(&mut self, text: String) {
        self.bar.draft.prompt = text;
        self.bar.draft.edited();
        self.bar.focus = Some(Selection::End);
    }

    fn replace_word(&mut self, from: &str, to: &str) {
        let prompt = &self.bar.draft.prompt;
        let vocabulary = self
            .session
            .current_model()
            .and_then(|model| model.vocabulary.as_ref());
        let found = vocabulary.and_then(|vocabulary| {
            crate::session::unknown_words(prompt, vocabulary)
                .into_iter()
                .find(|unknown| unknown.word == from)
        });
        if let Some(unknown) = found {
            let mut prompt = prompt.clone();
            prompt.replace_range(unknown.range, to);
            self.set_prompt(prompt);
        }
    }

    fn recipe(&self, picture: PictureRef) -> Option<Recipe> {
        match picture {
            PictureRef::Gallery(id) => self.gallery_view.record(id)?.recipe.clone(),
            PictureRef::Result { run, index } => {
                let slot = self.session.run(run)?.slots.get(index as usize)?;
                slot.recipe().map(|recipe| recipe.as_ref().clone())
            }
        }
    }

    fn use_recipe(&mut self, picture: PictureRef, part: RecipePart) {
        let Some(recipe) = self.recipe(picture) else {
            return;
        };
        let uses = |other| part == RecipePart::Everything || part == other;
        let own_size = self.session.current_model().map(|model| model.default_size);
        let draft = &mut self.bar.draft;
        if uses(RecipePart::Prompt) {
            draft.prompt.clone_from(&recipe.prompt);
            draft.edited();
        }
        if uses(RecipePart::Negative) {
            draft.negative_prompt = recipe.negative_prompt.clone().unwrap_or_default();
        }
        if uses(RecipePart::Size) {
            let size = (recipe.width, recipe.height);
            draft.size = (Some(size) != own_size).then_some(size);
        }
        if uses(RecipePart::Seed) {
            draft.seed = recipe.seed;
            draft.seed_is_locked = true;
        }
        if uses(RecipePart::Sampling) {
            draft.sampling = recipe.sampling();
        }
        self.session.place = Place::Canvas;
        self.bar.focus = Some(Selection::End);
    }

    fn show(&mut self, picture: PictureRef) {
        self.session.place = Place::Canvas;
        self.session.show(picture);
        self.canvas.view.fit();
    }

    /// Through the run's results, or through the gallery when a picture of it is shown.
    fn step(&mut self, by: i32) {
        match self.session.shown {
            Some(PictureRef::Gallery(id)) => {
                if let Some(next) = self.gallery_view.neighbour(id, by) {
                    self.session.show(PictureRef::Gallery(next));
                }
            }
            _ => self.session.step_result(by),
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

    /// The topmost thing goes first: sheet, popover, text focus, full screen, place, hidden panels.
    fn escape(&mut self, ctx: &Context) {
        let focused = ctx.memory(egui::Memory::focused);
        if self.palette.is_open {
            self.palette.is_open = false;
        } else if self.settings_are_open {
            self.settings_are_open = false;
        } else if Popup::is_any_open(ctx) {
            Popup::close_all(ctx);
        } else if let Some(id) = focused {
            ctx.memory_mut(|memory| memory.surrender_focus(id));
        } else if self.is_full_screen {
            self.set_full_screen(ctx, false);
        } else if self.session.place != Place::Canvas {
            self.session.place = Place::Canvas;
        } else {
            self.panels_are_shown = true;
        }
    }

    fn export(&mut self, ctx: &Context, now: Instant) {
        let Some(shown) = self.session.shown else {
            self.toasts
                .say(Tone::Plain, "Open a picture first, then export it.", now);
            return;
        };
        let Some(id) = self.session.picture_id(shown) else {
            self.toasts
                .say(Tone::Plain, "This picture is not finished yet.", now);
            return;
        };
        let name = self
            .recipe(shown)
            .map_or("picture".to_owned(), |recipe| file_name(&recipe));
        self.in_dialog_thread(ctx, move || {
            let dialog = rfd::FileDialog::new()
                .set_title("Export the picture")
                .set_file_name(format!("{name}.png"))
                .add_filter("PNG", &["png"])
                .add_filter("JPEG", &["jpg", "jpeg"])
                .add_filter("WebP", &["webp"]);
            ask(
                || dialog.save_file(),
                |path| DialogAnswer::ExportTo { id, path },
            )
        });
    }

    pub(super) fn export_to(&mut self, id: PictureId, path: PathBuf) {
        let (format, path) = match Format::from_path(&path) {
            Some(format) => (format, path),
            None => (Format::Png, path.with_added_extension("png")),
        };
        // The dialog has already asked about a name that is taken.
        let options = ExportOptions {
            format,
            with_recipe: true,
            existing: Existing::Replace,
        };
        self.tell_gallery(handle::Command::Export { id, path, options });
    }

    fn copy_picture(&mut self, ctx: &Context, now: Instant) {
        let image = self
            .session
            .shown
            .and_then(|shown| self.textures.image(shown));
        match image {
            Some(image) => {
                ctx.copy_image(image.as_ref().clone());
                self.toasts.say(Tone::Good, "Picture copied", now);
            }
            None => self
                .toasts
                .say(Tone::Plain, "There is no finished picture to copy.", now),
        }
    }

    fn copy_prompt(&mut self, ctx: &Context, picture: PictureRef, now: Instant) {
        if let Some(recipe) = self.recipe(picture) {
            ctx.copy_text(recipe.prompt);
            self.toasts.say(Tone::Good, "Prompt copied", now);
        }
    }

    fn show_in_folder(&mut self, ctx: &Context, id: PictureId) {
        let folder = self.settings.gallery_folder(&self.folders).join(id.month());
        self.open_in_file_manager(ctx, folder);
    }

    fn open_in_file_manager(&self, ctx: &Context, folder: PathBuf) {
        self.in_dialog_thread(ctx, move || {
            let error = open::that_detached(&folder).err()?;
            let message = format!(
                "The folder cannot be opened ({error}): {}",
                folder.display()
            );
            Some(DialogAnswer::CannotOpen(message))
        });
    }

    fn toggle_star(&mut self, now: Instant) {
        let Some(id) = self.session.shown_id() else {
            self.toasts
                .say(Tone::Plain, "There is no saved picture to star.", now);
            return;
        };
        let starred = self
            .gallery_view
            .record(id)
            .is_some_and(|record| record.is_starred);
        self.star(id, !starred);
    }

    fn star(&mut self, id: PictureId, starred: bool) {
        self.gallery_view.set_starred(id, starred);
        self.tell_gallery(handle::Command::Mark {
            pictures: vec![id],
            mark: Mark::Star(starred),
        });
        self.tell_gallery(handle::Command::Records(vec![id]));
        self.list_is_stale |= self.gallery_view.only_starred;
    }

    fn trash(&mut self, id: PictureId, now: Instant) {
        self.tell_gallery(handle::Command::Trash(vec![id]));
        let next = self.gallery_view.neighbour(id, 1);
        let was_shown = self.session.shown == Some(PictureRef::Gallery(id));
        self.session.forget_picture(id);
        if let Some(next) = next.filter(|_| was_shown) {
            self.session.show(PictureRef::Gallery(next));
        }
        self.gallery_view.remove(id);
        self.list_is_stale = true;
        self.toasts.offer(
            Tone::Plain,
            "Moved to the trash",
            "Undo",
            Command::Restore(id),
            now,
        );
    }

    fn set_model(&mut self, ctx: &Context, model: ModelId) {
        // A size off the new model's stride would only be refused.
        self.bar.draft.size = None;
        self.settings.model = Some(model.0.clone());
        self.session.model = Some(model.clone());
        let compute = self.settings.compute.clone();
        self.carry_out_effects(vec![crate::session::Effect::Ask(Request::Load {
            model,
            compute,
        })]);
        self.save_settings(ctx);
    }

    fn set_device(&mut self, ctx: &Context, device: DeviceChoice) {
        self.settings.compute.device = device;
        self.session.compute = self.settings.compute.clone();
        self.session.device = None;
        self.save_settings(ctx);
    }

    fn choose_gallery_folder(&mut self, ctx: &Context) {
        let now = self.settings.gallery_folder(&self.folders).to_owned();
        self.in_dialog_thread(ctx, move || {
            let dialog = rfd::FileDialog::new()
                .set_title("Where pictures are kept")
                .set_directory(now);
            ask(|| dialog.pick_folder(), DialogAnswer::GalleryFolder)
        });
    }

    pub(super) fn use_gallery_folder(&mut self, ctx: &Context, folder: PathBuf) {
        self.settings.gallery_folder = Some(folder);
        self.save_settings(ctx);
        // Ending the old thread waits for its last writes, which must not hold the window.
        if let Some(old) = self.gallery.take() {
            let _ = std::thread::Builder::new()
                .name("old gallery".to_owned())
                .spawn(move || drop(old));
        }
        self.gallery_view = crate::session::GalleryView::default();
        self.open_gallery(ctx);
        let effects = self.session.save_unsaved_again();
        self.carry_out_effects(effects);
    }

    fn save_settings(&mut self, ctx: &Context) {
        self.remember_prompt_bar();
        let (settings, folders) = (self.settings.clone(), self.folders.clone());
        self.in_dialog_thread(ctx, move || {
            let error = settings.save(&folders).err()?;
            Some(DialogAnswer::SettingsNotSaved(error.to_string()))
        });
    }

    pub(super) fn remember_prompt_bar(&mut self) {
        let draft = &self.bar.draft;
        let stored = &mut self.settings.prompt_bar;
        draft.history().clone_into(&mut stored.history);
        stored.n_pictures = draft.n_pictures;
        let negative = draft.negative_prompt.trim();
        stored.negative_prompt = (!negative.is_empty()).then(|| negative.to_owned());
        stored.size = draft.size;
        stored.sampling.clone_from(&draft.sampling);
        stored.seed = draft.seed_is_locked.then_some(draft.seed);
    }

    /// Native dialogs, other programs and slow disks never hold the window.
    fn in_dialog_thread(
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
        &self.bar.draft.prompt
    }

    /// Whether the prompt's text has the keyboard focus.
    pub fn prompt_has_focus(&self, ctx: &Context) -> bool {
        ctx.memory(|memory| memory.has_focus(PromptBar::text_id()))
    }
}

/// Asks with a native dialog. An answer quicker than any hand means that the system has none to show.
fn ask(
    dialog: impl FnOnce() -> Option<PathBuf>,
    answer: impl FnOnce(PathBuf) -> DialogAnswer,
) -> Option<DialogAnswer> {
    const QUICKEST_HAND: Duration = Duration::from_millis(250);
    let start = Instant::now();
    match dialog() {
        Some(path) => Some(answer(path)),
        None if start.elapsed() < QUICKEST_HAND => Some(DialogAnswer::CannotOpen(
            "This system has no file dialog: install xdg-desktop-portal or zenity.".to_owned(),
        )),
        None => None,
    }
}

/// A file name from the prompt: its first words and the seed.
fn file_name(recipe: &Recipe) -> String {
    let words: Vec<String> = recipe
        .prompt
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(8)
        .map(str::to_lowercase)
        .collect();
    let name: String = words.join("-").chars().take(60).collect();
    let name = if name.is_empty() { "picture" } else { &name };
    format!("{name}-{}", recipe.seed)
}
