//! Which file is where. A picture's path follows from its id alone, so that no name from outside, and
//! none out of the index, ever becomes a path.
//!
//! ```text
//! Limn/
//!   gallery.json              the gallery's own id
//!   marks.jsonl               stars, tags, boards, notes
//!   2026-11/<id>.png          by month of making (UTC), which keeps folders small
//!   Trash/<id>.png
//!   Ghosts/<id>.png           small ones of pictures that were deleted and have children
//! ```
//!
//! Limn's own pictures are PNG. A picture from elsewhere keeps its file as it was where that is PNG, JPEG or WebP,
//! and with it all that it says about itself; a photograph as PNG would be five to ten times larger. Of other formats
//! a PNG is kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::{Error, Result};
use crate::clock;

/// A picture's name for ever: a UUID version 7, so that ids sort by time of making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct PictureId(Uuid);

impl PictureId {
    /// A new id, later than every one that this process made before; see `clock` for odd clocks.
    #[expect(clippy::new_without_default, reason = "each one is different")]
    pub fn new() -> Self {
        Self(clock::new_id())
    }

    pub fn bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        Uuid::from_bytes(bytes).try_into().ok()
    }

    /// When the picture was made, to the millisecond.
    pub fn created(self) -> Timestamp {
        created(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The folder of its month, as in `2026-11`.
    pub fn month(self) -> String {
        self.created().strftime("%Y-%m").to_string()
    }

    /// An id for a picture that was made at that moment, as far as an id can tell it.
    pub fn made_at(moment: Timestamp) -> Self {
        let seconds = moment.as_second().clamp(0, Timestamp::MAX.as_second() - 1) as u64;
        let nanoseconds = moment.subsec_nanosecond().unsigned_abs();
        let at = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanoseconds);
        let id = Uuid::new_v7(at);
        id.try_into().unwrap_or_else(|_| Self::new())
    }

    pub fn file_name(self, kind: FileKind) -> String {
        format!("{self}.{}", kind.extension())
    }

    /// The id and kind that a file name gives: nothing but a lower-case UUID version 7 and its ending.
    pub fn from_file_name(name: &str) -> Option<(Self, FileKind)> {
        let (stem, extension) = name.split_once('.')?;
        let id: Self = stem.parse().ok()?;
        let mut kinds = FileKind::ALL.into_iter();
        let kind = kinds.find(|kind| kind.extension() == extension)?;
        (id.file_name(kind) == name).then_some((id, kind))
    }
}

/// What a gallery's files may be. In this order they are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileKind {
    Png,
    Jpeg,
    WebP,
}

impl FileKind {
    pub const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::WebP];

    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }

    /// By what is in it, whatever it is called.
    pub fn of(file: &[u8]) -> Option<Self> {
        match image::guess_format(file).ok()? {
            image::ImageFormat::Png => Some(Self::Png),
            image::ImageFormat::Jpeg => Some(Self::Jpeg),
            image::ImageFormat::WebP => Some(Self::WebP),
            _ => None,
        }
    }
}

impl TryFrom<Uuid> for PictureId {
    type Error = Error;

    fn try_from(uuid: Uuid) -> Result<Self> {
        created(uuid).map(|_| Self(uuid)).ok_or(Error::NotAnId)
    }
}

impl FromStr for PictureId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Uuid::try_parse(text)
            .map_err(|_| Error::NotAnId)?
            .try_into()
    }
}

impl fmt::Display for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl<'de> Deserialize<'de> for PictureId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer)?
            .try_into()
            .map_err(serde::de::Error::custom)
    }
}

/// The time in a version-7 UUID, if it is one and its year has four digits.
fn created(uuid: Uuid) -> Option<Timestamp> {
    if uuid.get_version_num() != 7 || uuid.get_variant() != uuid::Variant::RFC4122 {
        return None;
    }
    let milliseconds = (uuid.as_u128() >> 80) as i64;
    Timestamp::from_millisecond(milliseconds).ok()
}

/// The paths of one gallery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    folder: PathBuf,
}

impl Layout {
    /// Names of folders of ours beside the months.
    pub const TRASH: &str = "Trash";
    pub const GHOSTS: &str = "Ghosts";

    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn gallery_file(&self) -> PathBuf {
        self.folder.join(GALLERY_FILE)
    }

    pub fn marks_file(&self) -> PathBuf {
        self.folder.join("marks.jsonl")
    }

    pub fn trash(&self) -> PathBuf {
        self.folder.join(Self::TRASH)
    }

    pub fn month_folder(&self, month: &str) -> PathBuf {
        debug_assert!(is_month(month));
        self.folder.join(month)
    }

    /// Where Limn's own pictures are saved.
    pub fn picture(&self, id: PictureId) -> PathBuf {
        self.picture_of(id, FileKind::Png)
    }

    pub fn picture_of(&self, id: PictureId, kind: FileKind) -> PathBuf {
        self.folder.join(id.month()).join(id.file_name(kind))
    }

    pub fn trashed_picture(&self, id: PictureId, kind: FileKind) -> PathBuf {
        self.trash().join(id.file_name(kind))
    }

    pub fn ghosts(&self) -> PathBuf {
        self.folder.join(Self::GHOSTS)
    }

    pub fn ghost(&self, id: PictureId) -> PathBuf {
        self.ghosts().join(id.file_name(FileKind::Png))
    }
}

/// The gallery's own id.
const GALLERY_FILE: &str = "gallery.json";

/// The names of a gallery's own folders.
pub fn is_own_name(name: &str) -> bool {
    is_month(name) || name == Layout::TRASH || name == Layout::GHOSTS
}

/// Whether a file of this path would lie among the pictures of a gallery: there it would take the place of one, or be
/// taken for one.
pub fn is_among_pictures(path: &Path) -> bool {
    let Some(folder) = path.parent() else {
        return false;
    };
    let folder = if folder == Path::new("") {
        Path::new(".")
    } else {
        folder
    };
    // By whatever way it is named.
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.ancestors().any(|own| {
        let is_named = own
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(is_own_name);
        is_named
            && own
                .parent()
                .is_some_and(|gallery| gallery.join(GALLERY_FILE).is_file())
    })
}

/// `2026-11`: the names of folders that may hold pictures.
pub fn is_month(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() == 7
        && bytes[4] == b'-'
        && bytes
            .iter()
            .enumerate()
            .all(|(i, byte)| i == 4 || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_follows_from_the_id_alone() {
        let id: PictureId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let layout = Layout::new(Path::new("/g"));
        assert_eq!(
            layout.picture(id),
            Path::new("/g/2023-06/01890a5d-ac96-774b-bcce-b302099a8057.png")
        );
        for kind in FileKind::ALL {
            let name = id.file_name(kind);
            assert_eq!(PictureId::from_file_name(&name), Some((id, kind)));
        }
    }

    #[test]
    fn an_id_tells_when_its_picture_was_made() {
        let moment: Timestamp = "2019-05-06T07:08:09.123Z".parse().unwrap();
        let ids = [PictureId::made_at(moment), PictureId::made_at(moment)];
        assert_ne!(ids[0], ids[1]);
        for id in ids {
            assert_eq!(id.created(), moment);
            assert_eq!(id.month(), "2019-05");
        }
        // Before 1970 and after 9999 there are no ids.
        assert_eq!(PictureId::made_at(Timestamp::MIN).month(), "1970-01");
        assert_eq!(PictureId::made_at(Timestamp::MAX).month(), "9999-12");
    }

    #[test]
    fn ids_sort_by_time() {
        let ids: Vec<PictureId> = (0..1000).map(|_| PictureId::new()).collect();
        assert!(ids.is_sorted());
    }

    /// T14: 200 hostile names; none may become a path, in any place that takes a name.
    #[test]
    fn hostile_names_never_become_paths() {
        let id = PictureId::new();
        let name = id.file_name(FileKind::Png);
        let tricks = [
            "..",
            ".",
            "/",
            "\\",
            "~",
            "$HOME",
            "%00",
            "\0",
            "\n",
            "\u{202e}",
            "CON",
            "NUL.png",
            "C:",
            "//host/share",
            "a/../../b",
            "%2e%2e%2f",
            "….png",
            "\u{fe0f}",
            "ａ",
            " ",
        ];
        let mut names: Vec<String> = Vec::new();
        for trick in tricks {
            names.extend([
                trick.to_owned(),
                format!("{trick}{name}"),
                format!("{name}{trick}"),
                format!("{trick}/{name}"),
                format!("../{trick}/{name}"),
                format!("{id}{trick}.png"),
                format!("{id}/{trick}.png"),
                format!("{trick}.png"),
                format!("/etc/{trick}"),
                format!("{}{trick}", name.to_uppercase()),
            ]);
        }
        assert_eq!(names.len(), 200);
        for name in &names {
            assert_eq!(PictureId::from_file_name(name), None, "{name:?}");
            assert!(name.parse::<PictureId>().is_err(), "{name:?}");
            assert!(!is_month(name), "{name:?}");
            let json = serde_json::to_string(name).unwrap();
            assert!(
                serde_json::from_str::<PictureId>(&json).is_err(),
                "{name:?}"
            );
        }
        // Other spellings of a right id name the same file, inside the folder.
        let braced: PictureId = format!("{{{}}}", id.to_string().to_uppercase())
            .parse()
            .unwrap();
        assert_eq!(braced, id);
        // Other versions of UUID carry no time, and a time beyond year 9999 no month.
        assert!(Uuid::new_v4().to_string().parse::<PictureId>().is_err());
        assert!(
            "ffffffff-ffff-7000-8000-000000000000"
                .parse::<PictureId>()
                .is_err()
        );
    }
}
