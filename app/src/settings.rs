//! The user's settings: one JSON file in the config folder, replaced whole.

mod keeper;
mod lenient;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use limn_engine::protocol::{Compute, Sampling};
use serde::{Deserialize, Serialize};

use crate::document::DocumentId;
use crate::export::ExportSettings;
use crate::files::{Existing, Fs, RealFs, create_dirs, remedy, write_atomically};
use crate::gallery::{PictureId, Sort};
use crate::paths::Folders;
use crate::session::{Deed, DraftSettings, Grouping, MixDraft, TurnDraft};
use crate::theme::MASK_COLOURS;
use crate::tools::ToolSettings;
pub use keeper::{Change, Keeper};
pub use lenient::Unread;

/// What the window can be scaled by.
pub const UI_SCALES: std::ops::RangeInclusive<f32> = 0.5..=3.0;
/// No length in pixels is larger.
const LARGEST_NUMBER: f32 = 1e6;
/// A larger file is none of ours.
const LIMIT_BYTES: u64 = 16 << 20;

/// What the user has chosen. Keys that this version does not know are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Device and precision.
    pub compute: Compute,
    /// Where pictures go; `None` is the usual place.
    pub gallery_folder: Option<PathBuf>,
    pub theme: Theme,
    /// What masks are tinted with.
    pub mask_colour: MaskColour,
    /// Added to the system's own scale; `None` follows the system alone.
    pub ui_scale: Option<f32>,
    /// Tiles tell how well their pictures match the prompt.
    pub shows_scores: bool,
    /// The engine's id of the model that was used last.
    pub model: Option<String>,
    /// The model by which the gallery finds what pictures show; `None` is the built-in one.
    pub index_model: Option<String>,
    /// No model is fetched, and nothing else asked of a network.
    pub offline: bool,
    /// Where models of Hugging Face are fetched instead, as `HF_ENDPOINT` says.
    pub hub: Option<String>,
    pub prompt_bar: PromptBar,
    pub tools: ToolSettings,
    pub gallery: Gallery,
    /// What was last chosen for copies.
    pub export: ExportSettings,
    /// What belongs to an open document and not to its file.
    pub tabs: BTreeMap<DocumentId, Tab>,
    pub current_document: Option<DocumentId>,
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
    /// Values of these keys that this version does not understand; the file keeps them.
    #[serde(skip)]
    pub unread: Unread,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    System,
    Dark,
    Light,
}

/// Red, green and blue in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskColour(pub [u8; 3]);

impl Default for MaskColour {
    fn default() -> Self {
        let [(_, usual), ..] = MASK_COLOURS;
        Self(usual)
    }
}

/// How the gallery is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gallery {
    /// The side of a tile, in points.
    pub tile_side: f32,
    pub grouping: Grouping,
    pub sort: Sort,
    pub shows_details: bool,
}

impl Gallery {
    pub const TILE_SIDES: std::ops::RangeInclusive<f32> = 64.0..=320.0;
}

impl Default for Gallery {
    fn default() -> Self {
        Self {
            tile_side: 168.0,
            grouping: Grouping::default(),
            sort: Sort::default(),
            shows_details: true,
        }
    }
}

/// An open document's prompt and surroundings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tab {
    pub prompt: String,
    /// What was being put together in the place of the prompt, and which of it was open.
    pub mix: MixDraft,
    pub turn: TurnDraft,
    pub tray: Option<Deed>,
    /// What else its prompt bar was set to.
    pub settings: Option<DraftSettings>,
    /// The document itself was nothing to be kept.
    pub is_blank: bool,
    /// The picture of the gallery that the base was.
    pub source: Option<PictureId>,
    /// Pictures of the gallery beside the canvas.
    pub pinned: Vec<PictureId>,
    /// How many tabs stand before it.
    pub place: usize,
    /// The tab was closed, and could still be had back.
    pub is_closed: bool,
}

/// The prompt bar as it was left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PromptBar {
    /// Newest last.
    pub history: Vec<String>,
    pub negative_prompt: Option<String>,
    pub n_pictures: u32,
    pub size: Option<(u32, u32)>,
    /// Each picture is the best of this many.
    pub best_of: u32,
    pub sampling: Sampling,
    /// A seed that the user has locked.
    pub seed: Option<u64>,
}

impl Default for PromptBar {
    fn default() -> Self {
        Self {
            history: Vec::new(),
            negative_prompt: None,
            n_pictures: 4,
            size: None,
            best_of: 1,
            sampling: Sampling::default(),
            seed: None,
        }
    }
}

impl Settings {
    /// Reads the settings. Never fails: for a value that is not understood the usual one holds, and a damaged file
    /// is set aside as `settings.json.broken`; the second value then says so.
    pub fn load(folders: &Folders) -> (Self, Option<String>) {
        let path = folders.settings_file();
        let bytes = match RealFs.read(&path, LIMIT_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Default::default();
            }
            Err(error) => {
                let notice = format!(
                    "The settings cannot be read ({error}), so the usual ones hold: {}: {}",
                    remedy(&error),
                    path.display()
                );
                return (Self::default(), Some(notice));
            }
        };
        match lenient::read(&bytes) {
            Ok((settings, unread, names)) => {
                let mut settings = Self { unread, ..settings };
                settings.keep_within_bounds();
                let notice = (!names.is_empty()).then(|| {
                    format!(
                        "Some settings are not understood, perhaps as a newer Limn wrote them, and the usual ones hold; the file keeps them: {}: {}",
                        names.join(", "),
                        path.display()
                    )
                });
                (settings, notice)
            }
            Err(error) => (Self::default(), Some(set_aside(&path, &error))),
        }
    }

    /// Numbers that nothing can be done with become the nearest, or the usual ones.
    fn keep_within_bounds(&mut self) {
        let usual = Self::default();
        let finite = |number: &mut f32, usual: f32, least: f32| {
            if !number.is_finite() || *number < least || *number > LARGEST_NUMBER {
                *number = usual;
            }
        };
        let sides = Gallery::TILE_SIDES;
        finite(&mut self.gallery.tile_side, usual.gallery.tile_side, 0.0);
        self.gallery.tile_side = self.gallery.tile_side.clamp(*sides.start(), *sides.end());
        self.ui_scale = self.ui_scale.filter(|scale| UI_SCALES.contains(scale));
        finite(&mut self.tools.edge_px, usual.tools.edge_px, 0.0);
        let brushes = [
            (&mut self.tools.brush, usual.tools.brush),
            (&mut self.tools.eraser, usual.tools.eraser),
            (&mut self.tools.sketch, usual.tools.sketch),
        ];
        for (brush, usual) in brushes {
            finite(
                &mut brush.diameter_points,
                usual.diameter_points,
                f32::MIN_POSITIVE,
            );
            finite(&mut brush.hardness, usual.hardness, 0.0);
            finite(&mut brush.opacity, usual.opacity, 0.0);
        }
        self.prompt_bar.keep_within_bounds();
    }

    /// Writes the settings so that a crash leaves the old ones or the new ones.
    ///
    /// # Errors
    /// If the file cannot be written; the message says what to do.
    pub fn save(&self, folders: &Folders) -> anyhow::Result<()> {
        self.save_with(&RealFs, folders)
    }

    fn save_with(&self, fs: &dyn Fs, folders: &Folders) -> anyhow::Result<()> {
        let path = folders.settings_file();
        let mut json = serde_json::to_value(self)?;
        self.unread.put_back(&mut json);
        let json = serde_json::to_vec_pretty(&json)?;
        create_dirs(fs, &folders.config)
            .and_then(|()| write_atomically(fs, &path, &json, Existing::Replace))
            .map_err(|error| {
                anyhow::anyhow!(
                    "the settings cannot be saved ({error}): {}: {}",
                    remedy(&error),
                    path.display()
                )
            })
    }

    /// The folder of the gallery.
    pub fn gallery_folder<'a>(&'a self, folders: &'a Folders) -> &'a Path {
        self.gallery_folder.as_deref().unwrap_or(&folders.pictures)
    }
}

fn set_aside(path: &Path, error: &serde_json::Error) -> String {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".broken");
    let aside = PathBuf::from(aside);
    match std::fs::rename(path, &aside) {
        Ok(()) => format!(
            "The settings were damaged ({error}), so the usual ones hold; the old file is set aside: {}",
            aside.display()
        ),
        Err(_) => format!(
            "The settings are damaged ({error}), so the usual ones hold: {}",
            path.display()
        ),
    }
}
