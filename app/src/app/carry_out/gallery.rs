//! Commands about the gallery and its pictures.

use limn_engine::protocol::Operation;
use std::path::PathBuf;
use std::time::Instant;

use egui::Context;

use super::{DialogAnswer, ask};
use crate::app::App;
use crate::document::Layer;
use crate::gallery::{Mark, Recipe};
use crate::marking;
use crate::panels::toasts::Tone;
use crate::session::{PictureId, PictureRef, RecipePart, Usable, recipe_of};
use crate::viewer::Viewer;

impl App {
    pub(in crate::app) fn recipe(&self, picture: PictureRef) -> Option<Recipe> {
        recipe_of(&self.session, &self.gallery_view, picture).cloned()
    }

    /// How the document in front was made, as far as that is known here.
    pub(in crate::app) fn document_recipe(&self) -> Option<Recipe> {
        let open = self.session.documents.current();
        let content = open.document.content();
        let parents = open.parents();
        let known = parents.iter().rev();
        let mut known = known.filter_map(|id| self.recipe(PictureRef::Gallery(*id)));
        known.next().map(|recipe| Recipe {
            id: PictureId::new(),
            width: content.frame.width,
            height: content.frame.height,
            deed: match content.layers.len() {
                1 => recipe.deed,
                _ => Operation::Inpaint.into(),
            },
            parents: parents.clone(),
            ..recipe
        })
    }

    /// IPTC's name for how what the document in front shows came to be, as far as that is known here.
    pub(in crate::app) fn document_source_type(&self) -> Option<String> {
        let of_recipe = self.document_recipe();
        if let Some(source_type) = of_recipe.and_then(|recipe| recipe.digital_source_type()) {
            return Some(source_type.to_owned());
        }
        let layers = &self.session.documents.current().document.content().layers;
        let seen = layers.iter().filter(|layer| layer.shows());
        let seen: Vec<Option<&str>> = seen.map(Layer::source_type).collect();
        marking::of_layers(&seen).map(str::to_owned)
    }

    pub(super) fn copy_picture(&mut self, ctx: &Context, now: Instant) {
        let looked_at = self.viewer.as_ref().and_then(Viewer::picture);
        let shown = looked_at.or(self.session.shown());
        let image = shown.and_then(|shown| self.textures.image(shown));
        match image {
            Some(image) => {
                ctx.copy_image(image.as_ref().clone());
                self.toasts.say(Tone::Good, "Picture copied", now);
            }
            None if self.session.shown().is_none() && looked_at.is_none() => {
                self.copy_merged(ctx, now);
            }
            None if shown.is_some_and(|shown| self.textures.full_size(shown).is_some()) => {
                let text = "This picture is too large to copy. Export it instead.";
                self.toasts.say(Tone::Plain, text, now);
            }
            None => self
                .toasts
                .say(Tone::Plain, "There is no finished picture to copy.", now),
        }
    }

    pub(super) fn copy_prompt(&mut self, ctx: &Context, picture: PictureRef, now: Instant) {
        let usable = Usable::of(&self.session, &self.gallery_view, picture).unwrap_or_default();
        if let Some(obstacle) = usable.obstacle(RecipePart::Prompt) {
            return self.toasts.say(Tone::Plain, obstacle, now);
        }
        ctx.copy_text(usable.prompt);
        self.toasts.say(Tone::Good, "Prompt copied", now);
    }

    pub(super) fn show_in_folder(&mut self, ctx: &Context, id: PictureId) {
        let folder = self.settings.gallery_folder(&self.folders).join(id.month());
        self.open_in_file_manager(ctx, folder);
    }

    pub(in crate::app) fn open_in_file_manager(&self, ctx: &Context, folder: PathBuf) {
        self.in_dialog_thread(ctx, move || {
            let error = open::that_detached(&folder).err()?;
            tracing::warn!("no file manager: {error}");
            let message = format!(
                "No program that shows folders answered. The folder is here: {}",
                folder.display()
            );
            Some(DialogAnswer::Failed(message))
        });
    }

    pub(super) fn toggle_star(&mut self, now: Instant) {
        let Some(id) = self.session.shown_id() else {
            self.toasts
                .say(Tone::Plain, "There is no saved picture to star.", now);
            return;
        };
        let starred = self
            .gallery_view
            .record(id)
            .is_some_and(|record| record.is_starred);
        self.mark(vec![id], Mark::Star(!starred));
    }

    pub(super) fn choose_gallery_folder(&mut self, ctx: &Context) {
        let now = self.settings.gallery_folder(&self.folders).to_owned();
        self.in_dialog_thread(ctx, move || {
            let dialog = rfd::FileDialog::new()
                .set_title("Where pictures are kept")
                .set_directory(now);
            ask(
                || dialog.pick_folder(),
                |folder| Some(DialogAnswer::GalleryFolder(folder)),
            )
        });
    }

    pub(in crate::app) fn use_gallery_folder(&mut self, ctx: &Context, folder: PathBuf) {
        self.settings.gallery_folder = Some(folder);
        self.save_settings();
        // Ending the old thread waits for its last writes, which must not hold the window.
        if let Some(old) = self.gallery.take() {
            let _ = std::thread::Builder::new()
                .name("old gallery".to_owned())
                .spawn(move || drop(old));
        }
        self.gallery_view = self.gallery_view.for_another_gallery();
        self.gallery_steps = super::super::gallery_steps::GallerySteps::default();
        self.asked.records.clear();
        self.textures
            .set_averages(crate::gallery::averages::Averages::default());
        self.open_gallery(ctx);
        let effects = self.session.save_unsaved_again();
        self.carry_out_effects(effects);
    }
}
