//! Commands about tools, masks and the pointer on the canvas.

use std::time::{Duration, Instant};

use egui::Context;

use super::gallery::write_where_asked;
use super::{DialogAnswer, Fetched, ask};
use crate::app::App;
use crate::import;
use crate::panels::toasts::Tone;
use crate::session::{Keep, PictureRef};
use crate::tools::{
    MaskAction, MaskWork, PointerEvent, PointerKind, Tool, ToolOutcome, crop_rect, mask_ops,
};

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
                |path| {
                    let opened = import::open(&path).map_err(|error| error.to_string());
                    let mask = opened.and_then(|opened| {
                        mask_ops::of_picture(&opened.pixels, frame)
                            .map_err(|error| format!("{error}: {}", path.display()))
                    });
                    Some(match mask {
                        Ok(mask) => DialogAnswer::Mask { document, mask },
                        Err(error) => DialogAnswer::Failed(error),
                    })
                },
            )
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
