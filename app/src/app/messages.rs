//! Messages about what happens elsewhere, and messages that are out of date.

use std::time::Instant;

use super::App;
use crate::command::{Command, GalleryCommand};
use crate::document::DocumentId;
use crate::panels::toasts::Tone;
use crate::session::RunState;

impl App {
    /// A run that ended in another tab or place is told, with the way there; in another window, by the system's own
    /// means.
    pub(super) fn tell_news(&mut self, now: Instant) {
        let is_focused = self.ctx.input(|input| input.focused);
        for news in self.session.take_news() {
            if !is_focused {
                let attention = egui::UserAttentionType::Informational;
                let command = egui::ViewportCommand::RequestUserAttention(attention);
                self.ctx.send_viewport_cmd(command);
            }
            if let Some(run) = self.session.run(news.run).filter(|_| !news.is_seen) {
                let title: String = run.title().chars().take(60).collect();
                let (tone, text) = match &run.state {
                    RunState::Failed(reason) => (Tone::Bad, format!("“{title}”: {reason}")),
                    _ => (Tone::Good, format!("“{title}” is done")),
                };
                let show = Command::SelectRun(run.id);
                self.toasts.offer(tone, text, "Show", show, now);
            }
        }
    }

    pub(super) fn drop_stale_toasts(&mut self) {
        let mut toasts = std::mem::take(&mut self.toasts);
        toasts.retain_possible(|command| self.is_possible(command));
        self.toasts = toasts;
    }

    /// Whether what a message offers can still be done.
    fn is_possible(&self, command: &Command) -> bool {
        match command {
            Command::UndoStep { document, serial } => {
                let open = self.session.documents.get(*document);
                open.is_some_and(|open| open.document.serial() == *serial)
            }
            Command::TakeBackRun(run) => {
                let run = self.session.run(*run);
                run.is_some_and(|run| run.is_put_away)
            }
            Command::PutBack(id) => self.is_closed(*id),
            Command::Gallery(GalleryCommand::Undo(Some(serial))) => {
                self.gallery_steps.can_undo(*serial)
            }
            _ => true,
        }
    }

    fn is_closed(&self, id: DocumentId) -> bool {
        let mut closed = self.tabs.closed.iter();
        closed.any(|(_, open)| open.document.id() == id)
    }
}
