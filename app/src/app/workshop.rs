//! Work on pixels that takes longer than a frame may, on threads of its own: large changes of a mask, what the
//! engine is to see of a large document, small pictures of layers. Commands that come meanwhile and need the result wait for it, in order.

use std::sync::mpsc::Receiver;
use std::time::Instant;

use egui::Context;

use super::{App, export_copy, sources, thread};
use crate::command::Command;
use crate::document::DocumentId;
use crate::layer_pictures::{LayerPictureJob, MadeLayerPicture};
use crate::panels::toasts::Tone;
use crate::session::{EditAsked, EditJob, MaskJob, MaskMade};
use crate::tools::PointerKind;

const MASKS: &str = "masks";

pub struct Workshop {
    masks: Receiver<MaskMade>,
    to_masks: thread::Jobs<Box<MaskJob>>,
    edits: Receiver<EditAsked>,
    to_edits: thread::Jobs<Box<EditJob>>,
    layers: Receiver<MadeLayerPicture>,
    to_layers: thread::Jobs<LayerPictureJob>,
    /// Commands that wait for work on their document.
    held: Vec<(DocumentId, Command)>,
}

impl Workshop {
    pub fn start(faults: &thread::Faults, wake: impl Fn() + Send + Clone + 'static) -> Self {
        let (to_masks, masks) = thread::start(
            MASKS,
            |job: Box<MaskJob>| (*job).carry_out(),
            faults,
            wake.clone(),
        );
        let (to_edits, edits) = thread::start(
            "edits",
            |job: Box<EditJob>| (*job).carry_out(),
            faults,
            wake.clone(),
        );
        let (to_layers, layers) =
            thread::start("layer pictures", LayerPictureJob::carry_out, faults, wake);
        Self {
            masks,
            to_masks,
            edits,
            to_edits,
            layers,
            to_layers,
            held: Vec::new(),
        }
    }

    pub fn make_mask(&self, job: Box<MaskJob>) {
        self.to_masks.send(job);
    }

    pub fn ask_edit(&self, job: Box<EditJob>) {
        self.to_edits.send(job);
    }
}

impl App {
    /// Says what went wrong in a thread, and waits for nothing of it.
    fn drain_faults(&mut self, now: Instant) {
        for fault in self.faults.take() {
            match fault.thread {
                MASKS => {
                    self.stop_mask_work(now);
                }
                sources::THREAD => self.sources.give_up(),
                export_copy::ESTIMATES => self.give_up_estimate(),
                _ => {}
            }
            self.toasts.say(Tone::Bad, fault.message, now);
        }
    }

    pub(super) fn drain_workshop(&mut self, ctx: &Context, now: Instant) {
        self.drain_faults(now);
        while let Ok(asked) = self.workshop.edits.try_recv() {
            let effect = self.session.edit_asked(asked);
            self.carry_out_effects(effect.into_iter().collect());
        }
        while let Ok(made) = self.workshop.masks.try_recv() {
            let effects = self.session.mask_made(made, now);
            self.carry_out_effects(effects);
        }
        while let Ok(made) = self.workshop.layers.try_recv() {
            self.layer_pictures.made(ctx, made);
        }
        for job in self.layer_pictures.take_wanted() {
            self.workshop.to_layers.send(job);
        }
        self.go_on_with_held(ctx, now);
    }

    /// Takes a command that has to wait for work on the document in front; hands any other back.
    pub(super) fn hold(&mut self, command: Command, now: Instant) -> Option<Command> {
        let open = self.session.documents.current();
        let document = open.document.id();
        let is_waited_for = self.workshop.held.iter().any(|(of, _)| *of == document);
        if open.mask_work().is_none() && !is_waited_for {
            return Some(command);
        }
        if command == Command::Undo && !is_waited_for {
            // As in the middle of a gesture: what is on its way is dropped.
            self.stop_mask_work(now);
            return None;
        }
        let has_to_wait = match need(&command) {
            Need::Nothing => false,
            Need::Order => is_waited_for,
            Need::Result => true,
            Need::ResultOf(other) => other == document,
        };
        if has_to_wait {
            self.workshop.held.push((document, command));
            return None;
        }
        Some(command)
    }

    /// Esc: drops what is being done to the mask. False where there was nothing.
    pub(super) fn stop_mask_work(&mut self, now: Instant) -> bool {
        let effects = self.session.stop_mask_work(now);
        let was_busy = effects.is_some();
        self.carry_out_effects(effects.unwrap_or_default());
        was_busy
    }

    /// Carries out what waited, until something more has to be waited for.
    pub(super) fn go_on_with_held(&mut self, ctx: &Context, now: Instant) {
        loop {
            let is_free = |(of, _): &(DocumentId, Command)| {
                let open = self.session.documents.get(*of);
                open.is_none_or(|open| open.mask_work().is_none())
            };
            let Some(next) = self.workshop.held.iter().position(is_free) else {
                return;
            };
            let (document, command) = self.workshop.held.remove(next);
            let in_front = self.session.documents.current_id();
            if in_front == document {
                self.carry_out_now(ctx, command, now);
            } else if self.session.documents.select(document) {
                self.carry_out_now(ctx, command, now);
                self.session.documents.select(in_front);
            }
        }
    }

    /// At the end: what is being done is finished, so that it is there the next time.
    pub(super) fn finish_mask_work(&mut self, ctx: &Context) {
        let now = Instant::now();
        let is_busy = |app: &Self| {
            let mut documents = app.session.documents.iter();
            documents.any(|open| open.mask_work().is_some())
        };
        while is_busy(self) {
            let Ok(made) = self.workshop.masks.recv() else {
                return;
            };
            let effects = self.session.mask_made(made, now);
            self.carry_out_effects(effects);
            self.go_on_with_held(ctx, now);
        }
    }
}

/// What a command needs of the work on the document.
enum Need {
    Nothing,
    /// Only that the commands before it are carried out first.
    Order,
    Result,
    ResultOf(DocumentId),
}

fn need(command: &Command) -> Need {
    match command {
        Command::Pointer(event) => match event.kind {
            PointerKind::Down | PointerKind::DoubleClick => Need::Result,
            PointerKind::Moved | PointerKind::Up | PointerKind::Cancelled | PointerKind::Left => {
                Need::Order
            }
        },
        Command::Generate
        | Command::Do(_)
        | Command::Keep
        | Command::Undo
        | Command::UndoStep { .. }
        | Command::Redo
        | Command::Nudge(..)
        | Command::ExtendTo(_)
        | Command::ApplyCrop
        | Command::Mask(_)
        | Command::SaveMask
        | Command::Layer(_)
        | Command::Save
        | Command::SaveAs
        | Command::SaveWithoutHistory
        | Command::CloseCurrent
        | Command::AddAsLayer(_)
        | Command::PastePicture {
            as_document: false, ..
        }
        | Command::Export
        | Command::CopyMerged => Need::Result,
        Command::CloseDocument(document) => Need::ResultOf(*document),
        Command::Tool(_)
        | Command::ChooseCrop(_)
        | Command::SwapTools
        | Command::BrushSize(_)
        | Command::BrushHardness(_)
        | Command::AdjustBrush { .. }
        | Command::SetTools(_)
        | Command::EditPatchMask(_)
        | Command::ChooseDeed(_)
        | Command::SetChoices(_)
        | Command::SetPrompt(_) => Need::Order,
        _ => Need::Nothing,
    }
}
