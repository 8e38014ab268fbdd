//! The user's settings: one JSON file in the config folder, replaced whole.

mod keeper;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use limn_engine::protocol::{Compute, Sampling};
use serde::{Deserialize, Serialize};

use crate::document::DocumentId;
use crate::files::{Existing, RealFs, create_dirs, remedy, write_atomically};
use crate::gallery::{PictureId, Sort};
use crate::paths::Folders;
use crate::session::{Deed, Grouping, MixDraft, TurnDraft};
use crate::theme::MASK_COLOURS;
use crate::tools::ToolSettings;
pub use keeper::{Change, Keeper};

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
    pub prompt_bar: PromptBar,
    pub tools: ToolSettings,
    pub gallery: Gallery,
    /// What belongs to an open document and not to its file.
    pub tabs: BTreeMap<DocumentId, Tab>,
    pub current_document: Option<DocumentId>,
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
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
    /// The document itself was nothing to be kept.
    pub is_blank: bool,
    /// The picture of the gallery that the base was.
    pub source: Option<PictureId>,
    /// Pictures of the gallery beside the canvas.
    pub pinned: Vec<PictureId>,
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
    /// Reads the settings. Never fails: a damaged file is set aside as `settings.json.broken` and the
    /// usual settings hold; the second value then says so.
    pub fn load(folders: &Folders) -> (Self, Option<String>) {
        let path = folders.settings_file();
        let bytes = match std::fs::read(&path) {
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
        match serde_json::from_slice(&bytes) {
            Ok(settings) => (settings, None),
            Err(error) => (Self::default(), Some(set_aside(&path, &error))),
        }
    }

    /// Writes the settings so that a crash leaves the old ones or the new ones.
    ///
    /// # Errors
    /// If the file cannot be written; the message says what to do.
    pub fn save(&self, folders: &Folders) -> anyhow::Result<()> {
        let path = folders.settings_file();
        let json = serde_json::to_vec_pretty(self)?;
        create_dirs(&RealFs, &folders.config)
            .and_then(|()| write_atomically(&RealFs, &path, &json, Existing::Replace))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use limn_engine::protocol::DeviceChoice;

    use super::*;

    fn folders() -> (tempfile::TempDir, Folders) {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        (home, folders)
    }

    #[test]
    fn settings_come_back_with_what_a_newer_version_wrote() {
        let (_home, folders) = folders();
        assert_eq!(Settings::load(&folders), (Settings::default(), None));
        let mut settings = Settings {
            theme: Theme::Light,
            mask_colour: MaskColour([1, 200, 3]),
            ui_scale: Some(1.25),
            gallery_folder: Some("/somewhere".into()),
            ..Settings::default()
        };
        settings.compute.device = DeviceChoice::Named("Some GPU".into());
        settings.prompt_bar.seed = Some(u64::MAX);
        settings
            .other
            .insert("rebound_keys".into(), serde_json::json!(["Ctrl+G"]));
        settings.save(&folders).unwrap();
        settings.save(&folders).unwrap();
        assert_eq!(Settings::load(&folders), (settings, None));
        let names: Vec<_> = std::fs::read_dir(&folders.config).unwrap().collect();
        assert_eq!(names.len(), 1, "no temporary file stays");
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let (_home, folders) = folders();
        for broken in [
            &b"{\"theme\": \"da"[..],
            b"",
            b"\xff\x00",
            b"[1]",
            b"{\"ui_scale\": \"big\"}",
        ] {
            std::fs::create_dir_all(&folders.config).unwrap();
            std::fs::write(folders.settings_file(), broken).unwrap();
            let (settings, notice) = Settings::load(&folders);
            assert_eq!(settings, Settings::default());
            assert!(notice.unwrap().ends_with("settings.json.broken"));
            assert_eq!(
                std::fs::read(folders.config.join("settings.json.broken")).unwrap(),
                broken
            );
            assert_eq!(Settings::load(&folders), (Settings::default(), None));
        }
    }

    #[test]
    fn an_older_file_gets_the_usual_values() {
        let (_home, folders) = folders();
        std::fs::create_dir_all(&folders.config).unwrap();
        std::fs::write(folders.settings_file(), b"{\"theme\": \"dark\"}").unwrap();
        let (settings, notice) = Settings::load(&folders);
        assert_eq!(
            (settings.theme, settings.prompt_bar.n_pictures, notice),
            (Theme::Dark, 4, None)
        );
    }
}
