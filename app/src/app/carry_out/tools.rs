//! Commands about tools, masks and the pointer on the canvas.

use std::path::Path;
use std::time::{Duration, Instant};

use egui::Context;
use image::RgbaImage;
use limn_engine::PixelRect;

use super::{DialogAnswer, Fetched, ask};
use crate::app::App;
use crate::document::DocumentId;
use crate::export::write_where_asked;
use crate::import::{self, MaskFileError, MaskReading};
use crate::panels::toasts::Tone;
use crate::session::{Keep, PictureRef};
use crate::tools::{
    MaskAction, MaskWork, PointerEvent, PointerKind, Tool, ToolOutcome, crop_rect, mask_ops,
};

/// A picture of which it is asked what is meant as the mask.
pub(in crate::app) struct MaskQuestion {
    pub document: DocumentId,
    pub frame: PixelRect,
    pub picture: RgbaImage,
    /// Of its file.
    pub name: String,
}

/// Reads the picture of a mask, or asks about it. Takes its time.
pub(in crate::app) fn read_mask(
    path: &Path,
    document: DocumentId,
    frame: PixelRect,
) -> DialogAnswer {
    let picture = match import::open(path) {
        Ok(opened) => opened.pixels,
        Err(error) => return DialogAnswer::Failed(error.to_string()),
    };
    match mask_ops::of_picture(&picture, frame) {
        Ok(mask) => DialogAnswer::Mask { document, mask },
        Err(MaskFileError::PictureWithHole) => {
            let name = path.file_name().unwrap_or_default();
            DialogAnswer::AskMask(Box::new(MaskQuestion {
                document,
                frame,
                picture,
                name: name.to_string_lossy().into_owned(),
            }))
        }
        Err(error) => DialogAnswer::Failed(format!("{error}: {}", path.display())),
    }
}

/// A key that is down for less is a tap.
const TAP: Duration = Duration::from_millis(250);

impl App {
    pub(super) fn choose_tool(&mut self, tool: Tool) {
        let document = &mut self.session.documents.current_mut().document;
        self.session.toolbox.choose(tool, document);
    }

    pub(super) fn pointer(&mut self, event: &PointerEvent, now: Instant) {
        let works = !self.session.toolbox.tool().is_of_view();
        if works && event.kind == PointerKind::Down {
            match self.session.make_way() {
                Keep::Done(kept) => self.say_kept(kept, now),
                Keep::Fetch(id) => {
                    // The stroke can begin once the picture is there: a moment later.
                    return self.fetch(id, Fetched::OpenDocument);
                }
                Keep::NotMade | Keep::OnlyInGallery => {
                    let text = "This result is not finished yet: paint on it once it is.";
                    return self.toasts.say(Tone::Plain, text, now);
                }
                Keep::Nothing => {}
            }
        }
        match self.session.pointer(event) {
            ToolOutcome::Extend(margins) => {
                self.session.extend(margins);
            }
            ToolOutcome::Crop(rect) => {
                self.session.crop(rect);
            }
            ToolOutcome::NoPicture => {
                let text = "There is no picture to work on yet: make one, or open one.";
                self.toasts.say(Tone::Plain, text, now);
            }
            ToolOutcome::NoLayer => {
                let text = "No layer is selected: choose one under Layers.";
                self.toasts.say(Tone::Plain, text, now);
            }
            ToolOutcome::Work(work) => self.work_on_mask(*work, now),
            ToolOutcome::Nothing
            | ToolOutcome::Changed
            | ToolOutcome::Committed
            | ToolOutcome::Picked(_) => {}
        }
    }

    /// Enter on the canvas: crops, closes the polygon that is being drawn, else keeps what is shown.
    pub(super) fn finish_or_keep(&mut self, now: Instant) {
        let frame = self.session.document().content().frame;
        if let Some(rect) = self.session.toolbox.take_crop(frame) {
            self.session.crop(rect);
        } else if self.session.toolbox.is_drawing_polygon() {
            let document = &mut self.session.documents.current_mut().document;
            if let ToolOutcome::Work(work) = self.session.toolbox.finish(document) {
                self.work_on_mask(*work, now);
            }
        } else if self.session.shown().is_some() {
            self.keep(now);
        }
    }

    pub(super) fn undo(&mut self, now: Instant) {
        let open = self.session.documents.current_mut();
        let was_busy = self.session.toolbox.cancel(&mut open.document);
        if was_busy {
            return;
        }
        match open.document.undo() {
            Some(_) => open.look_at_document(),
            None => self.toasts.say(Tone::Plain, "Nothing to undo.", now),
        }
    }

    /// What a message offers: nothing happens where its step is not the last one any more.
    pub(super) fn undo_step(&mut self, document: DocumentId, serial: u64) {
        let is_in_front = self.session.documents.current_id() == document;
        let Some(open) = self.session.documents.get_mut(document) else {
            return;
        };
        if open.document.serial() != serial {
            return;
        }
        if is_in_front {
            self.session.toolbox.cancel(&mut open.document);
        }
        if open.document.undo().is_some() {
            open.look_at_document();
        }
    }

    pub(super) fn redo(&mut self, now: Instant) {
        let open = self.session.documents.current_mut();
        self.session.toolbox.cancel(&mut open.document);
        match open.document.redo() {
            Some(_) => open.look_at_document(),
            None => self.toasts.say(Tone::Plain, "Nothing to redo.", now),
        }
    }

    /// ← and → nudge a layer with the move tool, else they go through the results.
    pub(super) fn step_or_nudge(&mut self, by: i32) {
        if self.session.toolbox.tool() == Tool::Move && self.session.shown().is_none() {
            self.nudge(by, 0);
        } else {
            self.step(by);
        }
    }

    pub(super) fn nudge(&mut self, dx: i32, dy: i32) {
        if self.session.toolbox.tool() == Tool::Move {
            let document = &mut self.session.documents.current_mut().document;
            self.session.toolbox.nudge(dx, dy, document);
        }
    }

    /// Takes up the crop tool, with a rectangle of a shape where one is asked for.
    pub(super) fn choose_crop(&mut self, aspect: Option<(u32, u32)>, now: Instant) {
        if let Some(PictureRef::Gallery(_) | PictureRef::Result { .. }) = self.session.shown()
            && let Keep::Fetch(id) = self.session.make_way()
        {
            return self.fetch(id, Fetched::OpenDocument);
        }
        if self.session.document().content().frame.is_empty() {
            let text = "There is no picture to crop yet: make one, or open one.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        let document = &mut self.session.documents.current_mut().document;
        self.session.toolbox.choose_crop(aspect, document);
    }

    pub(super) fn apply_crop(&mut self, now: Instant) {
        let frame = self.session.document().content().frame;
        match self.session.toolbox.take_crop(frame) {
            Some(rect) => {
                self.session.crop(rect);
            }
            None => {
                let text = "Nothing is chosen to crop to: drag an edge with the crop tool first.";
                self.toasts.say(Tone::Plain, text, now);
            }
        }
    }

    pub(super) fn extend_to(&mut self, aspect: (u32, u32), now: Instant) {
        let frame = self.session.document().content().frame;
        if frame.is_empty() {
            let text = "There is no picture to extend yet.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        self.session.documents.current_mut().look_at_document();
        self.session.toolbox.take_crop(frame);
        self.session
            .extend(crop_rect::margins_for_aspect(frame, aspect));
    }

    pub(super) fn change_mask(&mut self, action: MaskAction, now: Instant) {
        if let Some(PictureRef::Gallery(_) | PictureRef::Result { .. }) = self.session.shown()
            && let Keep::Fetch(id) = self.session.make_way()
        {
            return self.fetch(id, Fetched::OpenDocument);
        }
        if self.session.document().content().frame.is_empty() {
            let text = "There is no picture to mask yet: make one, or open one.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        self.work_on_mask(MaskWork::action(action), now);
    }

    fn work_on_mask(&mut self, work: MaskWork, now: Instant) {
        let document = self.session.documents.current_id();
        let effects = self.session.change_mask(document, work, now);
        self.carry_out_effects(effects);
    }

    /// Held, the key shows what is under the mask; a tap hides or shows the mask.
    pub(super) fn peek(&mut self, is_down: bool, now: Instant) {
        self.session.peeks = is_down;
        if is_down {
            self.peeks_since = Some(now);
        } else if let Some(since) = self.peeks_since.take()
            && now.saturating_duration_since(since) < TAP
        {
            self.session.mask_is_hidden = !self.session.mask_is_hidden;
        }
    }

    /// Loads the mask of a file into the document in front; public so that tests reach it without a dialog.
    pub fn load_mask_file(&mut self, ctx: &Context, path: std::path::PathBuf) {
        let open = self.session.documents.current();
        let (document, frame) = (open.document.id(), open.document.content().frame);
        self.in_dialog_thread(ctx, move || Some(read_mask(&path, document, frame)));
    }

    pub(super) fn load_mask(&mut self, ctx: &Context, now: Instant) {
        let frame = self.session.document().content().frame;
        if frame.is_empty() {
            let text = "There is no picture to mask yet: make one, or open one.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        let document = self.session.documents.current_id();
        self.in_dialog_thread(ctx, move || {
            let dialog = rfd::FileDialog::new()
                .set_title("Load a mask")
                .add_filter("Pictures", &import::ENDINGS);
            ask(
                || dialog.pick_file(),
                |path| Some(read_mask(&path, document, frame)),
            )
        });
    }

    /// The user's word on what of a picture is meant as the mask; `None`: nothing.
    pub(super) fn answer_mask_question(&mut self, ctx: &Context, reading: Option<MaskReading>) {
        let Some((question, reading)) = self.asked_mask.take().zip(reading) else {
            return;
        };
        self.in_dialog_thread(ctx, move || {
            let MaskQuestion {
                document,
                frame,
                picture,
                ..
            } = question;
            Some(match mask_ops::of_picture_as(&picture, frame, reading) {
                Ok(mask) => DialogAnswer::Mask { document, mask },
                Err(error) => DialogAnswer::Failed(error.to_string()),
            })
        });
    }

    pub(super) fn save_mask(&mut self, ctx: &Context, now: Instant) {
        let content = self.session.document().content().clone();
        if content.mask.is_empty() {
            let text = "The mask is empty: there is nothing to save.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        let name = self.session.document().name().to_owned();
        self.in_dialog_thread(ctx, move || {
            let dialog = rfd::FileDialog::new()
                .set_title("Save the mask")
                .set_file_name(format!("{name} mask.png"))
                .add_filter("PNG", &["png"]);
            ask(
                || dialog.save_file(),
                |path| {
                    let png = mask_ops::encode_png(&content).map_err(|error| error.to_string());
                    let written = png.and_then(|png| write_where_asked(&path, &png));
                    let error = written.err()?;
                    let text = format!("The mask is not saved ({error}): {}", path.display());
                    Some(DialogAnswer::Failed(text))
                },
            )
        });
    }
}
