//! Commands about documents: tabs, pictures that become one, the clipboard.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use egui::{ColorImage, Context};
use image::RgbaImage;
use limn_engine::PixelRect;

use super::{DialogAnswer, Fetched, ask};
use crate::app::App;
use crate::app::documents::Opening;
use crate::app::opened::Opened;
use crate::command::{Command, GalleryCommand, ModelsCommand};
use crate::document::{DocumentId, EXTENSION, Layer, Original, StepName};
use crate::import;
use crate::panels::dropping::Landing;
use crate::panels::toasts::Tone;
use crate::session::{BlankCanvas, PictureId, PictureRef, Place};
use crate::tools::Tool;

impl App {
    pub(super) fn new_document(&mut self) {
        self.leave_document();
        self.session.new_document();
        self.session.place = Place::Canvas;
        self.bar.focus = Some(crate::panels::prompt_bar::Selection::End);
    }

    pub(super) fn new_canvas(&mut self, ctx: &Context, canvas: BlankCanvas) {
        self.leave_document();
        leave_text(ctx);
        self.session.open_blank_canvas(canvas);
        self.session.place = Place::Canvas;
        // What a blank canvas is for first.
        self.choose_tool(Tool::SketchBrush);
    }

    pub(super) fn select_document(&mut self, ctx: &Context, id: DocumentId) {
        self.leave_document();
        leave_text(ctx);
        self.session.place = Place::Canvas;
        self.session.documents.select(id);
    }

    pub(super) fn step_document(&mut self, ctx: &Context, by: i32) {
        self.leave_document();
        leave_text(ctx);
        self.session.place = Place::Canvas;
        self.session.documents.step(by);
    }

    pub(super) fn close_document(&mut self, id: DocumentId, now: Instant) {
        self.leave_document();
        self.put_away(id, now);
    }

    /// Puts a document back that was closed, whatever was closed after it.
    pub(super) fn put_back(&mut self, id: DocumentId) {
        let mut closed = self.tabs.closed.iter();
        if let Some(at) = closed.position(|(_, open)| open.document.id() == id) {
            let closed = self.tabs.closed.remove(at);
            self.tabs.closed.push(closed);
            self.reopen_document();
        }
    }

    pub(super) fn reopen_document(&mut self) {
        if let Some((place, document)) = self.tabs.closed.pop() {
            self.leave_document();
            self.session.documents.put_back(place, document);
            self.session.place = Place::Canvas;
        } else if let Some(store) = &self.documents {
            self.session.place = Place::Canvas;
            store.reopen();
        }
    }

    /// No gesture goes on in another document than it began in.
    pub(in crate::app) fn leave_document(&mut self) {
        let document = &mut self.session.documents.current_mut().document;
        self.session.toolbox.leave(document);
    }

    pub(super) fn open_file(&mut self, ctx: &Context) {
        self.in_dialog_thread(ctx, move || {
            let endings: Vec<&str> = [EXTENSION].into_iter().chain(import::ENDINGS).collect();
            let dialog = rfd::FileDialog::new()
                .set_title("Open")
                .add_filter("Pictures and documents", &endings)
                .add_filter("Limn documents", &[EXTENSION]);
            ask(|| dialog.pick_file(), |path| Some(DialogAnswer::Open(path)))
        });
    }

    /// Opens a project, or any picture; reading and decoding happen elsewhere.
    pub(in crate::app) fn open_path(&mut self, ctx: &Context, path: PathBuf, opening: Opening) {
        self.session.place = Place::Canvas;
        let is_project = path
            .extension()
            .is_some_and(|extension| extension == EXTENSION);
        if is_project {
            // A second tab of the same file would save over the first one's work.
            if let Some(open) = self.session.documents.of_file(&path) {
                return self.select_document(ctx, open);
            }
            if let Some(store) = &self.documents {
                store.open(path);
            }
            return;
        }
        self.in_dialog_thread(ctx, move || {
            Some(match Opened::read(&path) {
                Ok(picture) => DialogAnswer::Imported {
                    path,
                    picture,
                    opening,
                },
                Err(error) => DialogAnswer::Failed(error.to_string()),
            })
        });
    }

    pub(super) fn save_document(&mut self, ctx: &Context, now: Instant) {
        let document = self.session.document();
        if self.session.documents.current().is_blank() {
            let text = "There is nothing to save in this document yet.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        match document.path().map(Path::to_owned) {
            Some(path) => self.save_to(self.session.documents.current_id(), path, true),
            None => self.save_document_as(ctx, true),
        }
    }

    /// Without its history only what is there now goes into the file.
    pub(super) fn save_document_as(&mut self, ctx: &Context, keeps_history: bool) {
        let document = self.session.documents.current_id();
        let name = self.session.document().name().replace(['/', '\\'], "-");
        let title = if keeps_history {
            "Save the document"
        } else {
            "Save a copy without its history"
        };
        self.in_dialog_thread(ctx, move || {
            let dialog = rfd::FileDialog::new()
                .set_title(title)
                .set_file_name(format!("{name}.{EXTENSION}"))
                .add_filter("Limn documents", &[EXTENSION]);
            ask(
                || dialog.save_file(),
                |path| {
                    Some(DialogAnswer::SaveTo {
                        document,
                        path,
                        keeps_history,
                    })
                },
            )
        });
    }

    /// Files that were dropped on the window. Where there is a picture already, it is asked what they become.
    pub(in crate::app) fn take_dropped(&mut self, ctx: &Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        let paths: Vec<PathBuf> = dropped
            .into_iter()
            .map(|file| file.path().to_owned())
            .collect();
        if paths.is_empty() {
            return;
        }
        match Landing::of(&self.session, paths.iter().map(PathBuf::as_path)) {
            Landing::Gallery => {
                self.session.place = Place::Gallery;
                let import = Command::Gallery(GalleryCommand::Import(paths));
                self.carry_out(ctx, import, Instant::now());
            }
            Landing::Library => {
                let add = Command::Models(ModelsCommand::Add(paths));
                self.carry_out(ctx, add, Instant::now());
            }
            Landing::Documents => {
                for path in paths {
                    self.open_path(ctx, path, Opening::Document);
                }
            }
            Landing::Ask => {
                self.session.place = Place::Canvas;
                self.dropped = paths;
            }
        }
    }

    pub(super) fn use_dropped(&mut self, ctx: &Context, opening: Option<Opening>) {
        let paths = std::mem::take(&mut self.dropped);
        for path in paths {
            if let Some(opening) = opening {
                self.open_path(ctx, path, opening);
            }
        }
    }

    pub(super) fn open_as_document(&mut self, picture: PictureRef, now: Instant) {
        self.session.place = Place::Canvas;
        match self.session.picture_id(picture) {
            Some(id) => self.fetch(id, Fetched::OpenDocument),
            None => {
                let text = "This picture is not finished yet.";
                self.toasts.say(Tone::Plain, text, now);
            }
        }
    }

    pub(super) fn add_as_layer(&mut self, picture: PictureRef, now: Instant) {
        self.session.place = Place::Canvas;
        match self.session.picture_id(picture) {
            Some(id) => self.fetch(id, Fetched::AddLayer),
            None => {
                let text = "This picture is not finished yet.";
                self.toasts.say(Tone::Plain, text, now);
            }
        }
    }

    /// A picture of the gallery is open: goes on with what it was opened for.
    pub(in crate::app) fn fetched(&mut self, id: PictureId, pixels: &Arc<RgbaImage>) {
        let (now, later) = std::mem::take(&mut self.fetching)
            .into_iter()
            .partition(|(waiting, _)| *waiting == id);
        self.fetching = later;
        let now: Vec<_> = now;
        let record = self.gallery_view.record(id);
        let name = record.map(|record| record.name()).unwrap_or_default();
        let original = record.map(|record| Original {
            file_name: record.origin.clone().unwrap_or_default(),
            notes: Vec::new(),
            source_type: record.digital_source_type().map(str::to_owned),
        });
        for (_, then) in now {
            match then {
                Fetched::OpenDocument => {
                    self.leave_document();
                    let original = original.clone();
                    self.session.open_picture(&name, pixels, Some(id), original);
                }
                Fetched::AddLayer => self.add_layer(&name, pixels, original.clone()),
                Fetched::Source(ticket) => self.source_fetched(ticket, id, pixels),
            }
        }
    }

    /// What was to be opened cannot be.
    pub(in crate::app) fn not_fetched(&mut self, id: PictureId, reason: &str, now: Instant) {
        let fetching = std::mem::take(&mut self.fetching);
        let (lost, waiting): (Vec<_>, Vec<_>) = fetching
            .into_iter()
            .partition(|(waiting, _)| *waiting == id);
        self.fetching = waiting;
        for (_, then) in &lost {
            if let Fetched::Source(ticket) = then {
                self.source_failed(*ticket);
            }
        }
        if !lost.is_empty() {
            let text = format!("The picture cannot be opened: {reason}");
            self.toasts.say(Tone::Bad, text, now);
        }
    }

    /// A layer in the middle of the picture; a blank document takes it as its picture.
    pub(in crate::app) fn add_layer(
        &mut self,
        name: &str,
        pixels: &RgbaImage,
        original: Option<Original>,
    ) {
        if self.session.documents.current().is_blank() {
            self.session.open_picture(name, pixels, None, original);
            return;
        }
        let open = self.session.documents.current_mut();
        open.look_at_document();
        let rect = centred(open.document.content().frame, pixels.dimensions());
        let layer = Layer::picture(name, rect, pixels.as_raw().as_chunks::<4>().0);
        let layer = layer.from_file(original);
        open.document.change(StepName::Paste, |content| {
            content.add_layer(layer);
        });
    }

    /// The layers of a file on top, together in the middle of the picture; a blank document takes them as its own.
    pub(in crate::app) fn add_layers(&mut self, name: &str, opened: Opened) {
        if self.session.documents.current().is_blank() {
            self.session
                .open_layers(name, opened.size, opened.layers, None);
            return;
        }
        let open = self.session.documents.current_mut();
        open.look_at_document();
        let rect = centred(open.document.content().frame, opened.size);
        open.document.change(StepName::Paste, |content| {
            for mut layer in opened.layers {
                layer.offset.0 += rect.x;
                layer.offset.1 += rect.y;
                content.add_layer(layer);
            }
        });
    }

    pub(super) fn paste(&mut self, picture: &Arc<ColorImage>, as_document: bool, now: Instant) {
        self.session.place = Place::Canvas;
        let as_document = as_document || std::mem::take(&mut self.pastes_as_document);
        let [width, height] = picture.size;
        let colours = picture.pixels.iter();
        let bytes = colours.flat_map(egui::Color32::to_srgba_unmultiplied);
        let pixels = RgbaImage::from_raw(width as u32, height as u32, bytes.collect());
        let Some(pixels) = pixels.filter(|pixels| !pixels.is_empty()) else {
            let text = "The clipboard has no picture.";
            return self.toasts.say(Tone::Plain, text, now);
        };
        if as_document {
            self.leave_document();
            self.session.open_picture("Pasted", &pixels, None, None);
        } else {
            self.add_layer("Pasted", &pixels, None);
        }
    }

    /// Puts what the visible layers show together on the clipboard.
    pub(super) fn copy_merged(&mut self, ctx: &Context, now: Instant) {
        let content = self.session.canvas_content();
        let frame = content.frame;
        if frame.is_empty() {
            let text = "There is no picture to copy.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        let pixels = content.composite(frame).into_flattened();
        let size = [frame.width as usize, frame.height as usize];
        ctx.copy_image(ColorImage::from_rgba_unmultiplied(size, &pixels));
        self.toasts.say(Tone::Good, "Picture copied", now);
    }
}

/// Where a picture lies in the middle of a frame.
fn centred(frame: PixelRect, (width, height): (u32, u32)) -> PixelRect {
    PixelRect::new(
        frame.x + (frame.width as i32 - width as i32) / 2,
        frame.y + (frame.height as i32 - height as i32) / 2,
        width,
        height,
    )
}

/// Who goes to another document wants to see it: the next key is a tool's, not a letter of its prompt.
fn leave_text(ctx: &Context) {
    ctx.memory_mut(|memory| {
        if let Some(focused) = memory.focused() {
            memory.surrender_focus(focused);
        }
    });
}
