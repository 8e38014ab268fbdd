//! Copies of what is in view for elsewhere: what is chosen for them, and their bytes. The window's sheet and the
//! command line stand on this.

mod estimate;

use std::path::{Path, PathBuf};

use image::RgbaImage;
use serde::{Deserialize, Serialize};

use crate::document::{Content, DocumentId, OPEN_RASTER_EXTENSION, encode_open_raster};
use crate::files::{Existing, RealFs, write_atomically};
use crate::gallery::export::{DEFAULT_JPEG_QUALITY, ExportOptions, Format, convert, encode};
use crate::gallery::layout::is_among_pictures;
use crate::gallery::{PictureId, Recipe, picture_file};
use crate::marking;
pub use estimate::{Sample, estimate_bytes};

/// What a copy is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// What its visible layers show together.
    Document(DocumentId),
    /// Of the gallery; so are results.
    Picture(PictureId),
    Several(Vec<PictureId>),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    #[default]
    Png,
    Jpeg,
    WebP,
    /// With the layers of a document.
    OpenRaster,
}

/// What is chosen for copies, from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportSettings {
    pub format: FileFormat,
    /// From 1 to 100.
    pub jpeg_quality: u8,
    /// How many times larger than the picture, of [`SCALES`].
    pub scale: u32,
    /// Whether a PNG tells prompt, seed and model.
    pub with_recipe: bool,
}

pub const SCALES: [u32; 3] = [1, 2, 4];
/// A longer side of a copy would take minutes, and no one asks for it.
pub const LARGEST_PX: u32 = 8192;

impl Default for ExportSettings {
    fn default() -> Self {
        Self {
            format: FileFormat::Png,
            jpeg_quality: DEFAULT_JPEG_QUALITY,
            scale: 1,
            with_recipe: true,
        }
    }
}

/// What a file says of how it was made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    pub recipe: Option<Recipe>,
    /// IPTC's name for it, of a picture without a recipe; `None` where nobody says anything.
    pub source_type: Option<String>,
}

impl FileFormat {
    pub const ALL: [Self; 4] = [Self::Png, Self::Jpeg, Self::WebP, Self::OpenRaster];

    pub fn label(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::WebP => "WebP",
            Self::OpenRaster => "OpenRaster",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::OpenRaster => OPEN_RASTER_EXTENSION,
        }
    }

    /// The format that a file name asks for; `None` for an ending that Limn does not write.
    pub fn from_path(path: &Path) -> Option<Self> {
        let is_layered = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case(OPEN_RASTER_EXTENSION));
        match Format::from_path(path) {
            Some(Format::Png) => Some(Self::Png),
            Some(Format::Jpeg { .. }) => Some(Self::Jpeg),
            Some(Format::WebP) => Some(Self::WebP),
            None => is_layered.then_some(Self::OpenRaster),
        }
    }
}

impl ExportSettings {
    /// As they were written down, each within its bounds.
    #[must_use]
    pub fn within_bounds(self) -> Self {
        Self {
            jpeg_quality: self.jpeg_quality.clamp(1, 100),
            scale: if SCALES.contains(&self.scale) {
                self.scale
            } else {
                1
            },
            ..self
        }
    }

    /// The nearest of these that can be had of a picture: layers has only a document, and only at its own size.
    #[must_use]
    pub fn for_picture(self, has_layers: bool, (width, height): (u32, u32)) -> Self {
        let mut settings = self;
        if settings.format == FileFormat::OpenRaster && !has_layers {
            settings.format = FileFormat::Png;
        }
        let is_too_large = width.max(height).saturating_mul(settings.scale) > LARGEST_PX;
        if settings.format == FileFormat::OpenRaster || is_too_large {
            settings.scale = 1;
        }
        settings
    }

    /// The flat format; `None` with layers.
    pub fn flat_format(&self) -> Option<Format> {
        Some(match self.format {
            FileFormat::Png => Format::Png,
            FileFormat::Jpeg => Format::Jpeg {
                quality: self.jpeg_quality,
            },
            FileFormat::WebP => Format::WebP,
            FileFormat::OpenRaster => return None,
        })
    }

    /// For a picture of the gallery. A file dialog has already asked about a name that is taken.
    pub fn options(&self) -> ExportOptions {
        ExportOptions {
            format: self.flat_format().unwrap_or(Format::Png),
            with_recipe: self.with_recipe,
            existing: Existing::Replace,
        }
    }

    /// The file that a path means: its own ending goes before the chosen format, which gives one where there is none.
    #[must_use]
    pub fn of_path(self, path: PathBuf, has_layers: bool) -> (Self, PathBuf) {
        match FileFormat::from_path(&path) {
            Some(format) if has_layers || format != FileFormat::OpenRaster => {
                (Self { format, ..self }, path)
            }
            _ => (self, path.with_added_extension(self.format.extension())),
        }
    }
}

/// The bytes of a copy of a picture.
///
/// # Errors
/// The reason, if the format cannot hold it.
pub fn encode_picture(
    pixels: &RgbaImage,
    facts: &Facts,
    options: ExportOptions,
) -> Result<Vec<u8>, String> {
    match &facts.recipe {
        Some(recipe) => convert(
            &picture_file::encode_png_with_alpha(pixels, recipe)?,
            options,
        ),
        None => {
            let mark = facts.source_type.as_deref().map(marking::xmp_packet);
            encode(pixels, mark, options.format)
        }
    }
}

/// The bytes of a copy of a document, at its own size.
///
/// # Errors
/// The reason, if the format cannot hold it.
pub fn encode_document(
    content: &Content,
    facts: &Facts,
    settings: &ExportSettings,
) -> Result<Vec<u8>, String> {
    if settings.format == FileFormat::OpenRaster {
        let of_recipe = facts.recipe.as_ref();
        let of_recipe = of_recipe.and_then(Recipe::digital_source_type);
        let source_type = of_recipe.or(facts.source_type.as_deref());
        return encode_open_raster(content, source_type).map_err(|error| error.to_string());
    }
    let frame = content.frame;
    let bytes = content.composite(frame).into_flattened();
    let pixels = RgbaImage::from_raw(frame.width, frame.height, bytes).unwrap_or_default();
    encode_picture(&pixels, facts, settings.options())
}

/// Writes a copy, whole or not at all, in place of what has its name.
///
/// # Errors
/// What to tell the user, the path last.
pub fn write(path: &Path, file: Result<Vec<u8>, String>) -> Result<(), String> {
    let written = file.and_then(|file| write_where_asked(path, &file));
    written.map_err(|error| format!("The picture is not exported ({error}): {}", path.display()))
}

/// Writes a file where the user said, in place of what is there, unless that is a picture of a gallery.
///
/// # Errors
/// The reason.
pub fn write_where_asked(path: &Path, file: &[u8]) -> Result<(), String> {
    if is_among_pictures(path) {
        return Err("a gallery keeps its pictures there: choose another folder".to_owned());
    }
    write_atomically(&RealFs, path, file, Existing::Replace).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use limn_engine::PixelRect;

    use super::*;
    use crate::document::Layer;

    fn document() -> Content {
        let frame = PixelRect::from_size(3, 2);
        let mut content = Content::default();
        content.add_layer(Layer::picture("photo", frame, &[[1, 2, 3, 255]; 6]));
        content.frame = frame;
        content
    }

    fn of(format: FileFormat) -> ExportSettings {
        ExportSettings {
            format,
            ..ExportSettings::default()
        }
    }

    #[test]
    fn a_document_in_which_nothing_was_made_by_ai_is_exported_without_the_mark() {
        let settings = of(FileFormat::Png);
        let file = encode_document(&document(), &Facts::default(), &settings).unwrap();
        assert_eq!(
            picture_file::decode(&file).unwrap().get_pixel(2, 1).0,
            [1, 2, 3, 255]
        );
        let mark = marking::TRAINED_ALGORITHMIC_MEDIA.as_bytes();
        assert!(!file.windows(mark.len()).any(|part| part == mark));
    }

    #[test]
    fn a_document_of_another_program_s_picture_is_exported_with_its_mark() {
        let home = tempfile::tempdir().unwrap();
        let facts = Facts {
            recipe: None,
            source_type: Some(marking::TRAINED_ALGORITHMIC_MEDIA.to_owned()),
        };
        for format in [FileFormat::Png, FileFormat::Jpeg, FileFormat::WebP] {
            let path = home.path().join("art").with_extension(format.extension());
            write(&path, encode_document(&document(), &facts, &of(format))).unwrap();
            let opened = crate::import::open(&path).unwrap();
            let mark = opened.source_type.as_deref();
            assert_eq!(mark, Some(marking::TRAINED_ALGORITHMIC_MEDIA), "{format:?}");
        }
    }

    #[test]
    fn a_document_keeps_its_layers_where_the_format_has_them() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("photo.ora");
        let settings = of(FileFormat::OpenRaster);
        write(
            &path,
            encode_document(&document(), &Facts::default(), &settings),
        )
        .unwrap();
        let layered = crate::import::ora::open(&path).unwrap().unwrap();
        assert_eq!(layered.layers.len(), 1);
    }

    #[test]
    fn a_name_s_own_ending_goes_before_the_chosen_format() {
        let png = ExportSettings::default();
        for (name, has_layers, format, expected) in [
            ("a", false, FileFormat::Png, "a.png"),
            ("a.JPG", false, FileFormat::Jpeg, "a.JPG"),
            ("a.webp", true, FileFormat::WebP, "a.webp"),
            ("a.v2", false, FileFormat::Png, "a.v2.png"),
            ("a.ora", true, FileFormat::OpenRaster, "a.ora"),
            ("a.ora", false, FileFormat::Png, "a.ora.png"),
        ] {
            let (settings, path) = png.of_path(name.into(), has_layers);
            assert_eq!((settings.format, path), (format, expected.into()), "{name}");
        }
    }

    #[test]
    fn settings_fit_what_is_exported() {
        let layered = ExportSettings {
            format: FileFormat::OpenRaster,
            scale: 4,
            ..ExportSettings::default()
        };
        let check = |has_layers, size, format, scale| {
            let fitting = layered.for_picture(has_layers, size);
            assert_eq!((fitting.format, fitting.scale), (format, scale), "{size:?}");
        };
        check(true, (64, 64), FileFormat::OpenRaster, 1);
        check(false, (64, 64), FileFormat::Png, 4);
        check(false, (5000, 1), FileFormat::Png, 1);
        let absurd = ExportSettings {
            jpeg_quality: 0,
            scale: 900,
            ..layered
        };
        let within = absurd.within_bounds();
        assert_eq!((within.jpeg_quality, within.scale), (1, 1));
    }
}
