//! Documents and the disk: what was open is open again, every step is written down, files are opened and saved.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use egui::Context;

use super::App;
use super::opened::Opened;
use crate::command::Command;
use crate::document::{AtStart, Document, DocumentId, DocumentStore, Event};
use crate::gallery::handle;
use crate::panels::toasts::Tone;
use crate::session::{Draft, DraftSettings, Kept, OpenDocument};
use crate::settings::Tab;
use crate::start_journal::StartStep;

/// What a file is opened as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    Document,
    Layer,
}

/// What the tabs are kept by, beside their documents.
pub(super) struct Tabs {
    /// Documents that are read from the disk, until all are.
    restored: Vec<Document>,
    /// What was open the last time is open again, or there is no disk to read it from.
    are_restored: bool,
    /// The example that was put into the prompt.
    pub(super) example: Option<String>,
    /// Documents that were closed, the latest last, and where their tabs were.
    pub(super) closed: Vec<(usize, OpenDocument)>,
    /// Files to open once what was open the last time is open again.
    pub(super) opens_first: Vec<PathBuf>,
    /// When the settings were last written because of what stands in the prompts.
    saved_at: Instant,
}

impl Tabs {
    pub(super) fn new() -> Self {
        Self {
            restored: Vec::new(),
            are_restored: true,
            example: None,
            closed: Vec::new(),
            opens_first: Vec::new(),
            saved_at: Instant::now(),
        }
    }

    /// Until then nothing is decided of the tabs, nor forgotten.
    pub(super) fn are_restored(&self) -> bool {
        self.are_restored
    }
}

impl App {
    /// Hands new steps to the disk and hears what came of the earlier ones.
    pub(super) fn drain_documents(&mut self, now: Instant) {
        let Some(store) = &self.documents else { return };
        for open in self.session.documents.iter_mut() {
            store.keep(&mut open.document);
            if let Some(notice) = open.document.take_notice() {
                self.toasts.say(Tone::Bad, notice, now);
            }
        }
        let events: Vec<Event> = store.events().collect();
        for event in events {
            self.document_event(event, now);
        }
    }

    fn document_event(&mut self, event: Event, now: Instant) {
        match event {
            Event::Restored(document) => self.tabs.restored.push(*document),
            Event::Ready => {
                self.start_journal.done(&StartStep::Documents, now);
                self.tabs.are_restored = true;
                self.restore_documents();
                let paths = std::mem::take(&mut self.tabs.opens_first);
                self.open_given(&self.ctx.clone(), paths);
            }
            Event::Opened(document) | Event::Reopened(document) => self.show_opened(*document),
            Event::Written { document, places } => {
                if let Some(document) = self.any_document(document) {
                    document.written(&places);
                }
            }
            Event::WriteFailed { message, .. } => {
                let text =
                    format!("Your last steps are only in memory and are tried again: {message}");
                self.toasts.say(Tone::Bad, text, now);
            }
            Event::Saved {
                document,
                path,
                serial,
            } => {
                if let Some(document) = self.any_document(document) {
                    document.saved(&path, serial);
                }
                self.toasts
                    .say(Tone::Good, format!("Saved as {}", file_name(&path)), now);
            }
            Event::CopySaved { path } => {
                let text = format!("Saved without history as {}", file_name(&path));
                self.toasts.say(Tone::Good, text, now);
            }
            Event::NothingClosed => {
                let text = "No closed document is left to open again.";
                self.toasts.say(Tone::Plain, text, now);
            }
            Event::OpenFailed { message, .. } | Event::SaveFailed { message, .. } => {
                self.toasts.say(Tone::Bad, message, now);
            }
            Event::Recent(paths) => self.session.recent = paths,
            Event::Notice { message } => self.toasts.say(Tone::Plain, message, now),
        }
    }

    /// An open document, or one that was closed and can still come back.
    fn any_document(&mut self, id: DocumentId) -> Option<&mut Document> {
        if self.session.documents.get(id).is_some() {
            return self
                .session
                .documents
                .get_mut(id)
                .map(|open| &mut open.document);
        }
        let closed = self
            .tabs
            .closed
            .iter_mut()
            .map(|(_, open)| &mut open.document);
        closed.into_iter().find(|document| document.id() == id)
    }

    /// What was open when Limn ended is open again, each with its prompt. Of a blank document the prompt is all
    /// there is.
    fn restore_documents(&mut self) {
        let restored = std::mem::take(&mut self.tabs.restored);
        let usual = self.session.draft_mut().for_new_document();
        // Of tabs that an older Limn has written, what was to be avoided stands in one place for all.
        let avoided = self.settings.prompt_bar.negative_prompt.take();
        let mut tabs = self.settings.tabs.clone();
        let mut documents = Vec::new();
        for document in restored {
            let tab = tabs.remove(&document.id()).unwrap_or_default();
            if tab.is_closed {
                // Limn ended before it had put it away.
                self.forget(&document);
                continue;
            }
            let place = tab.place;
            let open = taken_up(tab, document, (&usual, avoided.as_deref()));
            documents.push((place, open));
        }
        let mut current = self.settings.current_document;
        for (id, tab) in tabs.into_iter().filter(|(_, tab)| tab.is_blank) {
            let place = tab.place;
            let open = taken_up(tab, Document::new(), (&usual, avoided.as_deref()));
            if open.draft.has_words() {
                current = current.map(|current| {
                    if current == id {
                        open.document.id()
                    } else {
                        current
                    }
                });
                documents.push((place, open));
            }
        }
        documents.sort_by_key(|(place, _)| *place);
        let documents: Vec<OpenDocument> = documents.into_iter().map(|(_, open)| open).collect();
        let ids: Vec<DocumentId> = documents.iter().map(|open| open.document.id()).collect();
        self.session.documents.restore(documents, current);
        for id in ids {
            self.take_up_runs(id);
        }
    }

    fn show_opened(&mut self, document: Document) {
        self.leave_document();
        let draft = self.session.documents.current().draft.for_new_document();
        let blank = self.session.documents.current();
        let blank = blank.is_blank().then(|| blank.document.id());
        let id = document.id();
        self.session
            .documents
            .add(OpenDocument::new(document, draft));
        self.take_up_runs(id);
        if let Some(blank) = blank {
            self.session.documents.close(blank);
        }
    }

    /// A document that was opened again has its results again.
    fn take_up_runs(&mut self, document: DocumentId) {
        let pictures = self.session.take_up_runs(document);
        if !pictures.is_empty() {
            // Some may have been deleted meanwhile.
            self.tell_gallery(handle::Command::Records(pictures));
        }
    }

    /// A picture from a file, with what was changed on the way in.
    pub(super) fn show_opened_picture(
        &mut self,
        path: &Path,
        opened: Opened,
        opening: Opening,
        now: Instant,
    ) {
        let notes: Vec<String> = opened.notes.iter().map(ToString::to_string).collect();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        self.leave_document();
        match opening {
            Opening::Layer => self.add_layers(&name, opened),
            Opening::Document => {
                let Opened { size, layers, .. } = opened;
                let kept = self.session.open_layers(&name, size, layers, None);
                let document = self.session.document_mut();
                document.name_after_file(path);
                if kept == Kept::Base {
                    self.canvas.view.fit();
                }
            }
        }
        if !notes.is_empty() {
            let text = format!("{}: {}", file_name(path), notes.join(", "));
            self.toasts.say(Tone::Plain, text, now);
        }
    }

    /// What the settings remember of the tabs: documents keep their own content.
    pub(super) fn remember_tabs(&mut self) {
        if !self.tabs.are_restored() {
            // What is stored of them is still to be taken up.
            return;
        }
        // One that nobody has touched is offered anew.
        let is_example = |prompt: &String| {
            let history = self.session.history.prompts();
            self.tabs.example.as_ref() == Some(prompt) && !history.contains(prompt)
        };
        let open = self.session.documents.iter();
        let closed = self.tabs.closed.iter().map(|(_, closed)| (closed, true));
        let all = open.map(|open| (open, false)).chain(closed);
        let tabs = all.enumerate().map(|(place, (open, is_closed))| {
            let tab = Tab {
                prompt: open.draft.prompt.clone(),
                mix: open.draft.mix.clone(),
                turn: open.draft.turn.clone(),
                tray: open.choices.tray(),
                settings: Some(DraftSettings::of(&open.draft, &open.choices)),
                is_blank: !is_closed && open.is_blank() && !is_example(&open.draft.prompt),
                source: open.source,
                pinned: open.pinned.clone(),
                place,
                is_closed,
            };
            (open.document.id(), tab)
        });
        self.settings.tabs = tabs.collect();
        self.settings.current_document = Some(self.session.documents.current_id());
    }

    /// Takes a document off its tab. Nothing asks first: it can be had back until Limn ends.
    pub(super) fn put_away(&mut self, id: DocumentId, now: Instant) {
        let Some((place, closed)) = self.session.documents.close(id) else {
            return;
        };
        let has_results = self.session.runs.iter().any(|run| run.document == id);
        if closed.is_blank() && !closed.draft.has_words() && !has_results {
            return;
        }
        let name = closed.document.name();
        let text = if closed.document.is_modified() && !closed.is_blank() {
            format!("Closed “{name}”, which is not saved")
        } else {
            format!("Closed “{name}”")
        };
        self.tabs.closed.push((place, closed));
        // Should Limn be killed now, it stays closed.
        self.save_settings();
        self.toasts
            .offer(Tone::Plain, text, "Undo", Command::PutBack(id), now);
    }

    /// What was closed goes; what is saved nowhere else can still be opened again the next time.
    pub(super) fn forget_closed(&mut self) {
        for (_, closed) in std::mem::take(&mut self.tabs.closed) {
            self.forget(&closed.document);
        }
    }

    fn forget(&self, document: &Document) {
        let Some(store) = &self.documents else { return };
        if document.is_modified() {
            store.put_by(document.id());
        } else {
            store.close(document.id());
        }
    }

    pub(super) fn save_to(&mut self, id: DocumentId, path: PathBuf, keeps_history: bool) {
        let path = match path.extension() {
            Some(extension) if extension == crate::document::EXTENSION => path,
            _ => path.with_added_extension(crate::document::EXTENSION),
        };
        let open = self.session.documents.get_mut(id);
        if let (Some(store), Some(open)) = (&self.documents, open) {
            if keeps_history {
                store.save(&mut open.document, path);
            } else {
                store.save_copy(&mut open.document, path);
            }
        }
    }

    pub(super) fn start_documents(&mut self, ctx: &Context) {
        let at_start = if self.start_journal.begin(StartStep::Documents) {
            AtStart::Restore
        } else {
            AtStart::Wait
        };
        match DocumentStore::start(&self.folders.documents, at_start, super::waker(ctx)) {
            Ok(store) => {
                self.documents = Some(store);
                self.tabs.are_restored = false;
            }
            Err(error) => {
                let text = format!("Documents are not kept on the disk: {error}");
                self.toasts.say(Tone::Bad, text, Instant::now());
            }
        }
    }

    /// Prompts outlive a crash too: they are written now and then, where they have changed.
    pub(super) fn keep_tabs(&mut self, now: Instant) {
        const PERIOD: Duration = Duration::from_secs(5);
        if now.saturating_duration_since(self.tabs.saved_at) < PERIOD {
            return;
        }
        self.tabs.saved_at = now;
        let before = self.settings.clone();
        self.remember_prompt_bar();
        if self.settings != before {
            self.save_settings();
        }
    }
}

/// A document with what the settings remember of its tab.
fn taken_up(
    tab: Tab,
    document: Document,
    (usual, avoided): (&Draft, Option<&str>),
) -> OpenDocument {
    let mut open = OpenDocument::new(document, usual.clone());
    avoided
        .unwrap_or_default()
        .clone_into(&mut open.draft.negative_prompt);
    open.draft.prompt = tab.prompt;
    open.draft.mix = tab.mix.taken_up();
    open.draft.turn = tab.turn.taken_up();
    if let Some(settings) = tab.settings {
        settings.set(&mut open.draft, &mut open.choices);
    }
    if let Some(tray) = tab.tray {
        open.choices.open_tray(tray);
    }
    open.source = tab.source;
    open.pinned = tab.pinned;
    open
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
