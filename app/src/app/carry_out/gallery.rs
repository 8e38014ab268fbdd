//! Commands about the gallery and its pictures.

use limn_engine::protocol::Operation;
use std::path::{Path, PathBuf};
use std::time::Instant;

use egui::Context;
use image::RgbaImage;

use super::{DialogAnswer, ask};
use crate::app::App;
use crate::document::{Content, Layer, OPEN_RASTER_EXTENSION, encode_open_raster};
use crate::files::{Existing, RealFs, write_atomically};
use crate::gallery::export::{ExportOptions, Format, convert, encode};
use crate::gallery::layout::is_among_pictures;
use crate::gallery::naming::default_name;
use crate::gallery::{Mark, Recipe, handle, marking, picture_file};
use crate::panels::toasts::Tone;
use crate::session::{PictureId, PictureRef, RecipePart, Usable, recipe_of};
use crate::viewer::Viewer;

impl App {
    pub(in crate::app) fn recipe(&self, picture: PictureRef) -> Option<Recipe> {
        recipe_of(&self.session, &self.gallery_view, picture).cloned()
    }

    pub(super) fn export(&mut self, ctx: &Context, now: Instant) {
        let Some(shown) = self.session.shown() else {
            return self.export_document(ctx, now);
        };
        let Some(id) = self.session.picture_id(shown) else {
            self.toasts
                .say(Tone::Plain, "This picture is not finished yet.", now);
            return;
        };
        let name = self
            .recipe(shown)
            .map_or("picture".to_owned(), |recipe| default_name(&recipe));
        self.in_dialog_thread(ctx, move || {
            ask(
                || export_dialog(&name).save_file(),
                |path| Some(DialogAnswer::ExportTo { id, path }),
            )
        });
    }

    /// What the visible layers show together. It says that it was made by AI where a layer was.
    fn export_document(&mut self, ctx: &Context, now: Instant) {
        let open = self.session.documents.current();
        let content = open.document.content().clone();
        if content.frame.is_empty() {
            let text = "Open a picture first, then export it.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        let name = open.document.name().replace(['/', '\\'], "-");
        let recipe = self.document_recipe();
        let parents = open.parents();
        let is_known = |id: &PictureId| self.gallery_view.record(*id).is_some();
        if recipe.is_none() && !parents.iter().all(is_known) {
            self.tell_gallery(handle::Command::Records(parents));
            let text = "The gallery is asked how this was made: export again in a moment.";
            return self.toasts.say(Tone::Plain, text, now);
        }
        let source_type = self.document_source_type();
        self.in_dialog_thread(ctx, move || {
            ask(
                || {
                    export_dialog(&name)
                        .add_filter("OpenRaster, with the layers", &[OPEN_RASTER_EXTENSION])
                        .save_file()
                },
                |path| {
                    if is_open_raster(&path) {
                        let written = write_layers(&content, source_type.as_deref(), &path);
                        return not_exported(written, &path);
                    }
                    let (format, path) = format_of(path);
                    let made = Made {
                        recipe: recipe.as_ref(),
                        source_type: source_type.as_deref(),
                    };
                    let written = write_document(&content, made, format, &path);
                    not_exported(written, &path)
                },
            )
        });
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

    pub(in crate::app) fn export_to(&mut self, id: PictureId, path: PathBuf) {
        let (format, path) = format_of(path);
        // The dialog has already asked about a name that is taken.
        let options = ExportOptions {
            format,
            with_recipe: true,
            existing: Existing::Replace,
        };
        self.tell_gallery(handle::Command::Export { id, path, options });
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
            let message = format!(
                "The folder cannot be opened ({error}): {}",
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

pub(super) fn export_dialog(name: &str) -> rfd::FileDialog {
    rfd::FileDialog::new()
        .set_title("Export the picture")
        .set_file_name(format!("{name}.png"))
        .add_filter("PNG", &["png"])
        .add_filter("JPEG", &["jpg", "jpeg"])
        .add_filter("WebP", &["webp"])
}

/// By the name's ending; a PNG where it has none that Limn writes.
pub(super) fn format_of(path: PathBuf) -> (Format, PathBuf) {
    match Format::from_path(&path) {
        Some(format) => (format, path),
        None => (Format::Png, path.with_added_extension("png")),
    }
}

fn is_open_raster(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(OPEN_RASTER_EXTENSION))
}

fn write_layers(content: &Content, source_type: Option<&str>, path: &Path) -> Result<(), String> {
    let file = encode_open_raster(content, source_type).map_err(|error| error.to_string())?;
    write_where_asked(path, &file)
}

/// Writes a file where the user said, in place of what is there, unless that is a picture of a gallery.
pub(super) fn write_where_asked(path: &Path, file: &[u8]) -> Result<(), String> {
    if is_among_pictures(path) {
        return Err("a gallery keeps its pictures there: choose another folder".to_owned());
    }
    write_atomically(&RealFs, path, file, Existing::Replace).map_err(|error| error.to_string())
}

pub(super) fn not_exported(written: Result<(), String>, path: &Path) -> Option<DialogAnswer> {
    let error = written.err()?;
    let text = format!("The picture is not exported ({error}): {}", path.display());
    Some(DialogAnswer::Failed(text))
}

/// What a file says of how it was made.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Made<'a> {
    pub recipe: Option<&'a Recipe>,
    /// IPTC's name for it, of a picture without a recipe; `None` where nobody says anything.
    pub source_type: Option<&'a str>,
}

fn write_document(
    content: &Content,
    made: Made<'_>,
    format: Format,
    path: &Path,
) -> Result<(), String> {
    let frame = content.frame;
    let bytes = content.composite(frame).into_flattened();
    let pixels = RgbaImage::from_raw(frame.width, frame.height, bytes).unwrap_or_default();
    write_picture(&pixels, made, format, path)
}

pub(super) fn write_picture(
    pixels: &RgbaImage,
    made: Made<'_>,
    format: Format,
    path: &Path,
) -> Result<(), String> {
    let file = match made.recipe {
        Some(recipe) => {
            let source = picture_file::encode_png_with_alpha(pixels, recipe)?;
            let options = ExportOptions {
                format,
                with_recipe: true,
                existing: Existing::Replace,
            };
            convert(&source, options)?
        }
        None => encode(pixels, made.source_type.map(marking::xmp_packet), format)?,
    };
    write_where_asked(path, &file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use limn_engine::PixelRect;

    use super::*;

    #[test]
    fn a_document_in_which_nothing_was_made_by_ai_is_exported_without_the_mark() {
        let frame = PixelRect::from_size(3, 2);
        let mut content = Content::default();
        content.add_layer(Layer::picture("photo", frame, &[[1, 2, 3, 255]; 6]));
        content.frame = frame;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("photo.png");
        write_document(&content, Made::default(), Format::Png, &path).unwrap();
        let file = std::fs::read(&path).unwrap();
        assert_eq!(
            picture_file::decode(&file).unwrap().get_pixel(2, 1).0,
            [1, 2, 3, 255]
        );
        let mark = marking::TRAINED_ALGORITHMIC_MEDIA.as_bytes();
        assert!(!file.windows(mark.len()).any(|part| part == mark));
    }

    #[test]
    fn a_document_of_another_program_s_picture_is_exported_with_its_mark() {
        let frame = PixelRect::from_size(3, 2);
        let mut content = Content::default();
        content.add_layer(Layer::picture("art", frame, &[[1, 2, 3, 255]; 6]));
        content.frame = frame;
        let home = tempfile::tempdir().unwrap();
        for name in ["art.png", "art.jpg", "art.webp"] {
            let path = home.path().join(name);
            let made = Made {
                recipe: None,
                source_type: Some(marking::TRAINED_ALGORITHMIC_MEDIA),
            };
            write_document(&content, made, Format::from_path(&path).unwrap(), &path).unwrap();
            let opened = crate::import::open(&path).unwrap();
            let mark = opened.source_type.as_deref();
            assert_eq!(mark, Some(marking::TRAINED_ALGORITHMIC_MEDIA), "{name}");
        }
    }
}
