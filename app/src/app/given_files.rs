//! Files that Limn is started with, also while its window is open already.

use std::path::PathBuf;
use std::time::Instant;

use egui::{Context, UserAttentionType, ViewportCommand};

use super::App;
use super::documents::Opening;
use crate::panels::dropping;
use crate::running_window::Door;
use crate::session::Place;

impl App {
    /// Pictures and projects that the window is opened with.
    pub fn open_files(&mut self, paths: Vec<PathBuf>) {
        if self.documents.is_some() && !self.documents_are_left_out() {
            // After what was open the last time, which would otherwise come in front of them.
            self.tabs.opens_first = paths;
            return;
        }
        self.open_given(&self.ctx.clone(), paths);
    }

    /// Listens for files that Limn is started with while this window is open.
    pub fn listen_at_door(&mut self) {
        let ctx = self.ctx.clone();
        match Door::open(&self.folders, move || ctx.request_repaint()) {
            Ok(door) => self.door = Some(door),
            // Another start then opens a window of its own.
            Err(error) => tracing::warn!("nothing can be handed to this window: {error}"),
        }
    }

    /// What another start has handed over; the window comes to the front.
    pub(super) fn take_handed(&mut self, ctx: &Context) {
        let Some(door) = &self.door else { return };
        let handed: Vec<Vec<PathBuf>> = door.handed.try_iter().collect();
        if handed.is_empty() {
            return;
        }
        for command in [
            ViewportCommand::Minimized(false),
            ViewportCommand::Focus,
            // Where the system does not let a window come to the front by itself.
            ViewportCommand::RequestUserAttention(UserAttentionType::Informational),
        ] {
            ctx.send_viewport_cmd(command);
        }
        let paths: Vec<PathBuf> = handed.into_iter().flatten().collect();
        if self.tabs.are_restored() {
            self.open_given(ctx, paths);
        } else {
            self.tabs.opens_first.extend(paths);
        }
    }

    /// Pictures and projects become documents, models come into the library.
    pub(super) fn open_given(&mut self, ctx: &Context, paths: Vec<PathBuf>) {
        let (models, others): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|path| dropping::is_model(path));
        if !models.is_empty() {
            self.session.place = Place::Models;
            self.add_models(ctx, models, Instant::now());
        }
        for path in others {
            self.open_path(ctx, path, Opening::Document);
        }
    }
}
