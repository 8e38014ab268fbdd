//! A copy of one picture or document: where it goes, how it is made, what became of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use egui::Context;
use image::RgbaImage;

use super::carry_out::ask;
use super::sources::{Intent, Origin};
use super::thread::{self, Faults, Jobs};
use super::{App, DialogAnswer};
use crate::command::Command;
use crate::document::DocumentId;
use crate::export::{self, ExportSettings, Facts, Sample, Subject, estimate_bytes};
use crate::gallery::handle;
use crate::gallery::naming::default_name;
use crate::panels::toasts::Tone;
use crate::session::{Gesture, Part, PictureId, PictureRef, Place, Run, RunId, SlotState};
use crate::upscaled::with_alpha;
use crate::viewer::Viewer;

/// The thread's name.
pub(super) const ESTIMATES: &str = "estimates";

/// A copy, and where it goes.
#[derive(Debug, Clone)]
pub(super) struct CopyOrder {
    pub subject: Subject,
    pub settings: ExportSettings,
    pub path: PathBuf,
}

/// Copies on their way.
pub(super) struct Copies {
    /// Where a picture goes once it was made larger for it.
    pub(super) larger: Vec<(RunId, CopyOrder)>,
    to_estimator: Jobs<(Subject, ExportSettings, Sample, Facts)>,
    estimated: Receiver<(Subject, ExportSettings, Option<u64>)>,
    /// What the estimator works on.
    estimating: Option<(Subject, ExportSettings)>,
}

impl Copies {
    pub(super) fn start(faults: &Faults, wake: impl Fn() + Send + 'static) -> Self {
        let work =
            |(subject, settings, sample, facts): (Subject, ExportSettings, Sample, Facts)| {
                let n_bytes = estimate_bytes(&sample, &facts, &settings);
                (subject, settings, n_bytes)
            };
        let (to_estimator, estimated) = thread::start(ESTIMATES, work, faults, wake);
        Self {
            larger: Vec::new(),
            to_estimator,
            estimated,
            estimating: None,
        }
    }
}

impl App {
    /// Opens the sheet about what is in view: chosen pictures of the gallery, what is looked at or shown, else the
    /// document.
    pub(super) fn export(&mut self, now: Instant) {
        let chosen = self.gallery_view.meant();
        if self.session.place == Place::Gallery && self.viewer.is_none() && !chosen.is_empty() {
            return self.open_export_sheet(chosen, now);
        }
        let looked_at = self.viewer.as_ref().and_then(Viewer::picture);
        let has_document = !self.session.document().content().frame.is_empty();
        // A result that is still being drawn lies over the document, which is what there is to export meanwhile.
        let is_made = |shown: &PictureRef| self.session.picture_id(*shown).is_some();
        let shown = self.session.shown();
        let shown = shown.filter(|shown| is_made(shown) || !has_document);
        let Some(shown) = looked_at.or(shown) else {
            let open = self.session.documents.current();
            if open.document.content().frame.is_empty() {
                let text = "Open a picture first, then export it.";
                return self.toasts.say(Tone::Plain, text, now);
            }
            let unknown = self.unknown_parents();
            if !unknown.is_empty() {
                self.tell_gallery(handle::Command::Records(unknown));
            }
            let document = self.session.documents.current_id();
            return self.export_sheet.open(Subject::Document(document));
        };
        match self.session.picture_id(shown) {
            Some(id) => self.open_export_sheet(vec![id], now),
            None => {
                let text = "This picture is not finished yet.";
                self.toasts.say(Tone::Plain, text, now);
            }
        }
    }

    /// Of the document in front, pictures that the gallery has not told of yet.
    fn unknown_parents(&self) -> Vec<PictureId> {
        let parents = self.session.documents.current().parents().into_iter();
        let unknown = parents.filter(|id| self.gallery_view.record(*id).is_none());
        unknown.collect()
    }

    /// How the document in front was made, as a file of it tells.
    fn document_facts(&self) -> Facts {
        Facts {
            recipe: self.document_recipe(),
            source_type: self.document_source_type(),
        }
    }

    pub(super) fn choose_export_file(
        &mut self,
        ctx: &Context,
        subject: Subject,
        settings: ExportSettings,
    ) {
        self.remember_export(settings);
        let name = self.copy_name(&subject, settings.scale);
        self.in_dialog_thread(ctx, move || {
            ask(
                || export_dialog(&name, settings).save_file(),
                |path| {
                    let has_layers = matches!(subject, Subject::Document(_));
                    let (settings, path) = settings.of_path(path, has_layers);
                    Some(DialogAnswer::ExportCopy(Box::new(CopyOrder {
                        subject,
                        settings,
                        path,
                    })))
                },
            )
        });
    }

    pub(super) fn remember_export(&mut self, settings: ExportSettings) {
        self.settings.export = settings;
        self.save_settings();
    }

    /// Without its ending.
    fn copy_name(&self, subject: &Subject, scale: u32) -> String {
        let name = match subject {
            Subject::Document(id) => {
                let open = self.session.documents.get(*id);
                open.map(|open| open.document.name().replace(['/', '\\'], "-"))
            }
            Subject::Picture(id) => {
                let recipe = self.recipe(PictureRef::Gallery(*id));
                recipe.map(|recipe| default_name(&recipe))
            }
            Subject::Several(_) => None,
        };
        let name = name.unwrap_or_else(|| "picture".to_owned());
        match scale {
            1 => name,
            _ => format!("{name}-{scale}x"),
        }
    }

    /// Makes the copy, beside the window.
    pub(super) fn export_copy(&mut self, ctx: &Context, order: CopyOrder, now: Instant) {
        match (&order.subject, order.settings.scale) {
            (Subject::Document(id), _) => {
                let id = *id;
                self.with_in_front(id, |app| app.export_document(ctx, order, now));
            }
            (Subject::Picture(id), 1) => {
                let (id, path, options) = (*id, order.path.clone(), order.settings.options());
                self.tell_gallery(handle::Command::Export { id, path, options });
            }
            (Subject::Picture(id), _) => {
                let part = Part::Picture(*id);
                self.make_larger_for(part, order);
            }
            // They have an order of their own.
            (Subject::Several(_), _) => {}
        }
    }

    fn with_in_front(&mut self, id: DocumentId, what: impl FnOnce(&mut Self)) {
        let in_front = self.session.documents.current_id();
        if self.session.documents.select(id) {
            what(self);
            self.session.documents.select(in_front);
        }
    }

    fn export_document(&mut self, ctx: &Context, order: CopyOrder, now: Instant) {
        let facts = self.document_facts();
        if facts.recipe.is_none() && !self.unknown_parents().is_empty() {
            self.tell_gallery(handle::Command::Records(self.unknown_parents()));
            let text = "The gallery is asked how this was made: export again in a moment.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        if order.settings.scale > 1 {
            return self.make_larger_for(Part::Canvas, order);
        }
        let content = self.session.document().content().clone();
        let CopyOrder { settings, path, .. } = order;
        self.write_copy(ctx, path, move || {
            export::encode_document(&content, &facts, &settings)
        });
    }

    /// The engine draws it larger; the larger picture goes to the file and nowhere else.
    fn make_larger_for(&mut self, part: Part, order: CopyOrder) {
        let request = self.upscale_request();
        let intent = Intent::Export(Box::new(order));
        self.gather(request, intent, vec![Origin::Part(part)]);
    }

    /// Takes up what was made larger for a copy.
    pub(super) fn finish_copies(&mut self, now: Instant) {
        for run in self.session.take_ended_exports() {
            let waiting = &mut self.copies.larger;
            let Some(at) = waiting.iter().position(|(id, _)| *id == run.id) else {
                continue;
            };
            let (_, order) = waiting.remove(at);
            match larger_picture(&run) {
                Some(Ok((pixels, facts))) => {
                    let CopyOrder { settings, path, .. } = order;
                    let ctx = self.ctx.clone();
                    self.write_copy(&ctx, path, move || {
                        export::encode_picture(&pixels(), &facts, settings.options())
                    });
                }
                Some(Err(reason)) => {
                    let path = order.path.display();
                    let text = format!("The picture is not exported ({reason}): {path}");
                    self.toasts.say(Tone::Bad, text, now);
                }
                // Cancelled by the user, who knows.
                None => {}
            }
        }
    }

    fn write_copy(
        &self,
        ctx: &Context,
        path: PathBuf,
        encode: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static,
    ) {
        self.in_dialog_thread(ctx, move || {
            Some(match export::write(&path, encode()) {
                Ok(()) => DialogAnswer::CopyExported(path),
                Err(message) => DialogAnswer::Failed(message),
            })
        });
    }

    pub(super) fn copy_exported(&mut self, path: PathBuf, now: Instant) {
        let text = exported_words(&path);
        let command = Command::ShowFile(path);
        self.toasts
            .offer(Tone::Good, text, "Show in folder", command, now);
    }

    pub(super) fn show_file(&mut self, ctx: &Context, path: &Path) {
        let folder = path.parent().unwrap_or(Path::new("."));
        self.open_in_file_manager(ctx, folder.to_owned());
    }

    /// Tells the open sheet how large its copy will be.
    pub(super) fn keep_estimate(&mut self) {
        while let Ok((subject, settings, n_bytes)) = self.copies.estimated.try_recv() {
            self.copies.estimating = None;
            if self.export_sheet.subject.as_ref() == Some(&subject) {
                self.export_sheet.estimate = Some((settings, n_bytes));
            }
        }
        let settings = self.export_sheet.settings;
        let known = self.export_sheet.estimate.map(|(of, _)| of);
        let Some(subject) = self.export_sheet.subject.clone() else {
            return;
        };
        if known == Some(settings) || self.copies.estimating.is_some() {
            return;
        }
        let (sample, facts) = match &subject {
            Subject::Document(id) if *id == self.session.documents.current_id() => {
                let content = self.session.document().content().clone();
                (Sample::Document(Box::new(content)), self.document_facts())
            }
            Subject::Picture(id) => {
                let folder = self.settings.gallery_folder(&self.folders);
                let Some(file) = self.gallery_view.file(folder, *id) else {
                    return self.ask_about(*id);
                };
                let facts = Facts {
                    recipe: self.recipe(PictureRef::Gallery(*id)),
                    source_type: None,
                };
                (Sample::File(file), facts)
            }
            Subject::Document(_) | Subject::Several(_) => return,
        };
        self.copies.estimating = Some((subject.clone(), settings));
        self.copies
            .to_estimator
            .send((subject, settings, sample, facts));
    }

    /// Its thread came to a fault over this one: nobody can say.
    pub(super) fn give_up_estimate(&mut self) {
        if let Some((_, settings)) = self.copies.estimating.take() {
            self.export_sheet.estimate = Some((settings, None));
        }
    }

    fn ask_about(&mut self, id: PictureId) {
        if self.asked.records.insert(id) {
            self.tell_gallery(handle::Command::Records(vec![id]));
        }
    }
}

type Made = (Box<dyn FnOnce() -> RgbaImage + Send>, Facts);

/// The picture of a run that made one larger, to be put together elsewhere; `None` where it was cancelled.
fn larger_picture(run: &Run) -> Option<Result<Made, String>> {
    let slot = run.slots.first()?;
    let SlotState::Saving(made) = &slot.state else {
        return match &slot.state {
            SlotState::Failed(reason) => Some(Err(reason.clone())),
            _ => None,
        };
    };
    let source = run.gesture().and_then(Gesture::enlarged)?.clone();
    let larger = made.picture()?;
    let facts = Facts {
        recipe: Some(made.recipe.as_ref().clone()),
        source_type: None,
    };
    // The engine knows no transparency: a copy is as transparent as the picture was.
    let pixels = move || {
        let size = (source.input.width, source.input.height);
        let larger = Arc::unwrap_or_clone(larger);
        match RgbaImage::from_raw(size.0, size.1, source.rgba.to_vec()) {
            Some(source) => with_alpha(larger, &source).into_rgba8(),
            None => image::DynamicImage::from(larger).into_rgba8(),
        }
    };
    Some(Ok((Box::new(pixels), facts)))
}

fn export_dialog(name: &str, settings: ExportSettings) -> rfd::FileDialog {
    let format = settings.format;
    let ending = format.extension();
    rfd::FileDialog::new()
        .set_title("Export")
        .set_file_name(format!("{name}.{ending}"))
        .add_filter(format.label(), &[ending])
}

/// Where a copy went: its name, and the folder that the button opens.
fn exported_words(path: &Path) -> String {
    let words = |name: Option<&std::ffi::OsStr>| {
        let name = name.unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let name = words(path.file_name());
    match words(path.parent().and_then(Path::file_name)).as_str() {
        "" => format!("Exported as {name}"),
        folder => format!("Exported to {folder} as {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_says_where_it_went() {
        assert_eq!(
            exported_words(Path::new("/home/ada/Pictures/boat.jpg")),
            "Exported to Pictures as boat.jpg"
        );
        assert_eq!(
            exported_words(Path::new("boat.jpg")),
            "Exported as boat.jpg"
        );
    }
}
