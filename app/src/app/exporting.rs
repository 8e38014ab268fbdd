//! Copies of many pictures, written beside the window; files on the clipboard.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use egui::Context;

use super::carry_out::ask;
use super::{App, DialogAnswer, waker};
use crate::command::{Command, CopiesCommand};
use crate::export::Subject;
use crate::gallery::Gallery;
use crate::gallery::export_many::{ExportOrder, ExportReport};
use crate::panels::export_sheet::ExportProgress;
use crate::panels::toasts::Tone;
use crate::session::PictureId;
use crate::widgets;

/// One export at a time.
pub struct Exporting {
    pub progress: ExportProgress,
    is_cancelled: Arc<AtomicBool>,
}

impl Drop for Exporting {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }
}

impl App {
    pub(super) fn carry_out_copies(&mut self, ctx: &Context, command: CopiesCommand, now: Instant) {
        match command {
            CopiesCommand::Export(pictures) => self.open_export_sheet(pictures, now),
            CopiesCommand::ChooseFile { subject, settings } => {
                self.choose_export_file(ctx, subject, settings);
            }
            CopiesCommand::ChooseFolder {
                pictures,
                choices,
                settings,
            } => {
                self.remember_export(settings);
                let answer = |folder| {
                    let order = ExportOrder {
                        pictures,
                        folder,
                        choices,
                    };
                    Some(DialogAnswer::ExportMany(Box::new(order)))
                };
                self.in_dialog_thread(ctx, || {
                    let dialog = rfd::FileDialog::new().set_title("Where the copies go");
                    ask(|| dialog.pick_folder(), answer)
                });
            }
            CopiesCommand::Cancel => {
                if let Some(exporting) = &self.exporting {
                    exporting.is_cancelled.store(true, Ordering::Relaxed);
                }
            }
            CopiesCommand::AsFiles(pictures) => self.copy_files(&pictures, now),
            CopiesCommand::ShownAsFile => match self.session.shown_id() {
                Some(id) => self.copy_files(&[id], now),
                None => {
                    let text = "There is no saved picture to copy: keep or save it first.";
                    self.toasts.say(Tone::Plain, text, now);
                }
            },
        }
    }

    pub(super) fn open_export_sheet(&mut self, pictures: Vec<PictureId>, now: Instant) {
        if self.exporting.is_some() && pictures.len() > 1 {
            let text = "An export is running: wait for it or cancel it first.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        if pictures.is_empty() {
            let text = "Choose pictures in the gallery first.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        self.export_sheet.open(match pictures.as_slice() {
            [one] => Subject::Picture(*one),
            _ => Subject::Several(pictures),
        });
    }

    pub(super) fn export_many(&mut self, ctx: &Context, order: ExportOrder, now: Instant) {
        let is_cancelled = Arc::new(AtomicBool::new(false));
        let (answers, wake) = (self.dialog_answers.clone(), waker(ctx));
        let open = self.gallery_opener();
        let stops = Arc::clone(&is_cancelled);
        let n_pictures = order.pictures.len();
        let body = move || {
            let report = match open() {
                Ok(gallery) => gallery.export_many(&order, &stops, |n_done| {
                    let _ = answers.send(DialogAnswer::Exported(n_done));
                    wake();
                }),
                Err(error) => ExportReport {
                    failure: Some(error.to_string()),
                    ..ExportReport::default()
                },
            };
            let _ = answers.send(DialogAnswer::ExportedMany(Box::new(report)));
            wake();
        };
        let started = std::thread::Builder::new()
            .name("export".to_owned())
            .spawn(body);
        match started {
            Ok(_) => {
                let progress = ExportProgress {
                    n_done: 0,
                    n_pictures,
                };
                self.exporting = Some(Exporting {
                    progress,
                    is_cancelled,
                });
            }
            Err(error) => {
                let text = format!("The export does not start ({error}): close other programs.");
                self.toasts.say(Tone::Bad, text, now);
            }
        }
    }

    /// Opens the gallery once more, for a thread of its own.
    fn gallery_opener(&self) -> impl FnOnce() -> crate::gallery::Result<Gallery> + Send + 'static {
        let folder = self.settings.gallery_folder(&self.folders).to_owned();
        let (indexes, thumbnails) = (self.folders.indexes.clone(), self.folders.thumbnails());
        move || Gallery::open(&folder, &indexes, &thumbnails)
    }

    pub(super) fn exported(&mut self, n_done: usize) {
        if let Some(exporting) = &mut self.exporting {
            exporting.progress.n_done = n_done;
        }
    }

    pub(super) fn exported_many(&mut self, report: &ExportReport, now: Instant) {
        self.exporting = None;
        let tone = match (&report.failure, report.unreadable.is_empty()) {
            (None, true) => Tone::Good,
            _ => Tone::Bad,
        };
        let words = export_words(report);
        match report.written.first() {
            Some(path) => {
                let command = Command::ShowFile(path.clone());
                self.toasts
                    .offer(tone, words, "Show in folder", command, now);
            }
            None => self.toasts.say(tone, words, now),
        }
    }

    fn copy_files(&mut self, pictures: &[PictureId], now: Instant) {
        let folder = self.settings.gallery_folder(&self.folders);
        let files: Vec<PathBuf> = pictures
            .iter()
            .filter_map(|id| self.gallery_view.file(folder, *id))
            .filter(|path| path.is_file())
            .collect();
        let n_files = files.len();
        let copied = if files.is_empty() {
            Err("there is no saved picture among them".to_owned())
        } else {
            self.clipboard.set_files(&files)
        };
        match copied {
            Ok(()) if n_files == 1 => self.toasts.say(Tone::Good, "File copied", now),
            Ok(()) => self
                .toasts
                .say(Tone::Good, format!("{n_files} files copied"), now),
            Err(error) => {
                let text = format!("Nothing was copied: {error}.");
                self.toasts.say(Tone::Bad, text, now);
            }
        }
    }
}

/// What became of an export.
fn export_words(report: &ExportReport) -> String {
    let files = match report.written.len() {
        0 => "Nothing was exported".to_owned(),
        1 => "1 file exported".to_owned(),
        n => format!("{} files exported", widgets::count(n)),
    };
    let mut words = vec![files];
    if report.was_cancelled {
        words.push("then cancelled".to_owned());
    }
    match report.unreadable.as_slice() {
        [] => {}
        [(_, reason)] => words.push(format!("one picture could not be read ({reason})")),
        many => words.push(format!("{} pictures could not be read", many.len())),
    }
    if let Some(failure) = &report.failure {
        words.push(failure.clone());
    }
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_says_what_became_of_it() {
        let id = PictureId::new();
        let path = PathBuf::from("a.png");
        let unreadable = vec![(id, "truncated".to_owned())];
        for (report, expected) in [
            (
                ExportReport {
                    written: vec![path.clone()],
                    ..Default::default()
                },
                "1 file exported",
            ),
            (
                ExportReport {
                    written: vec![path; 3],
                    unreadable,
                    ..Default::default()
                },
                "3 files exported; one picture could not be read (truncated)",
            ),
            (
                ExportReport {
                    failure: Some("cannot write there".to_owned()),
                    ..Default::default()
                },
                "Nothing was exported; cannot write there",
            ),
            (
                ExportReport {
                    was_cancelled: true,
                    ..Default::default()
                },
                "Nothing was exported; then cancelled",
            ),
        ] {
            assert_eq!(export_words(&report), expected);
        }
    }
}
