//! The gallery: saves pictures so that no fault loses one, finds them, marks them, bins them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{RgbImage, RgbaImage};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::{Error, Result};
use super::index::{Index, Query, Record, State};
use super::layout::{Layout, PictureId};
use super::marks::{self, Mark};
use super::picture_file::{self, LIMIT_FILE_BYTES};
use super::recipe::Recipe;
use super::thumbnails::Thumbnails;
use super::unsaved::Unsaved;
use crate::files::{Existing, Fs, RealFs, create_dirs, write_atomically};

/// One gallery folder with its index. Belongs to one thread; other processes may have it open too.
pub struct Gallery {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) layout: Layout,
    pub(super) index: Index,
    pub(super) thumbnails: Thumbnails,
    pub(super) unsaved: Unsaved,
    /// Saved, but not yet in the index, which did not answer.
    unindexed: Vec<Record>,
    notices: Vec<String>,
}

/// `gallery.json`: which gallery a folder holds, wherever it is moved to.
#[derive(Debug, Serialize, Deserialize)]
struct GalleryFile {
    format: u32,
    id: Uuid,
}

impl Gallery {
    /// Opens the gallery in a folder, or makes one there. The index lies in `indexes`, small pictures
    /// under `thumbnails`; both can be made again.
    ///
    /// Takes milliseconds: files that the index does not know yet are found by
    /// [`begin_scan`](Self::begin_scan), step by step.
    ///
    /// # Errors
    /// If the folder cannot be made or read, or the index not opened.
    pub fn open(folder: &Path, indexes: &Path, thumbnails: &Path) -> Result<Self> {
        Self::open_with(Arc::new(RealFs), folder, indexes, thumbnails)
    }

    /// [`open`](Self::open) on another file system.
    pub fn open_with(
        fs: Arc<dyn Fs>,
        folder: &Path,
        indexes: &Path,
        thumbnails: &Path,
    ) -> Result<Self> {
        let layout = Layout::new(folder);
        for folder in [folder, indexes] {
            create_dirs(&*fs, folder)
                .map_err(|error| Error::io("make the folder", folder, error))?;
        }
        let id = gallery_id(&*fs, &layout)?;
        let (index, aside) = Index::open(&indexes.join(format!("{id}.sqlite")))?;
        let notices = aside.map(|aside| {
            let aside = aside.display();
            format!("The gallery's index was damaged and is being made again from your pictures. The old one is set aside: {aside}")
        });
        let thumbnails = Thumbnails::new(&thumbnails.join(id.to_string()));
        let unsaved = Unsaved::new(indexes);
        let notices = notices.into_iter().collect();
        let mut gallery = Self {
            fs,
            layout,
            index,
            thumbnails,
            unsaved,
            unindexed: Vec::new(),
            notices,
        };
        gallery.read_marks()?;
        Ok(gallery)
    }

    pub fn folder(&self) -> &Path {
        self.layout.folder()
    }

    /// What the user should know, once.
    pub fn take_notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// Saves a finished picture under its recipe's id. When this returns, the picture is durable: no crash
    /// loses it. Saving the same recipe again after an error is safe.
    ///
    /// The index row comes after the file; if the index does not answer, the picture is saved all the same
    /// and enters the index later.
    ///
    /// # Errors
    /// If the file could not be written; the caller keeps the picture and may try again. Where it can, the
    /// gallery keeps a copy elsewhere ([`Unsaved`]), should Limn end before that.
    pub fn save(&mut self, pixels: &RgbImage, recipe: &Recipe) -> Result<Record> {
        debug_assert_eq!(pixels.dimensions(), (recipe.width, recipe.height));
        let file = picture_file::encode_png(pixels, recipe)
            .map_err(|reason| Error::Encoding { reason })?;
        let path = self.layout.picture(recipe.id);
        let month = self.layout.month_folder(&recipe.id.month());
        let written = create_dirs(&*self.fs, &month)
            .and_then(|()| write_atomically(&*self.fs, &path, &file, Existing::Replace));
        if let Err(error) = written {
            self.unsaved.keep(&*self.fs, recipe.id, &file);
            return Err(Error::io("save the picture", &path, error));
        }
        self.unsaved.forget(&*self.fs, recipe.id);
        let record = describe(recipe.id, State::Here, &file);
        self.unindexed.push(record.clone());
        if let Err(error) = self.index_saved() {
            tracing::warn!(
                "picture {} is saved but not indexed yet: {error}",
                recipe.id
            );
        }
        Ok(record)
    }

    fn index_saved(&mut self) -> Result<()> {
        if !self.unindexed.is_empty() {
            self.index.put(&self.unindexed)?;
            self.unindexed.clear();
        }
        Ok(())
    }

    /// Ids of all pictures that match, newest first: 16 bytes each, also for 100,000 pictures.
    pub fn ids(&mut self, query: &Query) -> Result<Vec<PictureId>> {
        self.index_saved()?;
        self.index.ids(query)
    }

    /// What is known of a picture.
    ///
    /// # Errors
    /// [`Error::UnknownPicture`], or of the index.
    pub fn record(&self, id: PictureId) -> Result<Record> {
        self.index.record(id)?.ok_or(Error::UnknownPicture(id))
    }

    /// The picture's file, in the gallery or its trash.
    pub fn path(&self, id: PictureId) -> PathBuf {
        let trashed = self.layout.trashed_picture(id);
        if trashed.exists() {
            trashed
        } else {
            self.layout.picture(id)
        }
    }

    /// The bytes of the picture's file.
    ///
    /// # Errors
    /// [`Error::UnknownPicture`] if the gallery never had it; else of the file.
    pub fn file(&self, id: PictureId) -> Result<Vec<u8>> {
        let path = self.path(id);
        let read = self.fs.read(&path, LIMIT_FILE_BYTES);
        if let Err(error) = &read
            && error.kind() == io::ErrorKind::NotFound
        {
            self.record(id)?;
        }
        read.map_err(|error| Error::io("read the picture", &path, error))
    }

    /// The picture itself.
    pub fn pixels(&self, id: PictureId) -> Result<RgbaImage> {
        picture_file::decode(&self.file(id)?).map_err(|reason| Error::Unreadable {
            path: self.path(id),
            reason,
        })
    }

    /// Puts a mark on pictures: into the marks' file first, then into the index.
    pub fn mark(&mut self, pictures: &[PictureId], mark: &Mark) -> Result<()> {
        marks::append(&*self.fs, &self.layout, pictures, mark)?;
        self.read_marks()
    }

    /// Takes into the index what this or another process appended to the marks.
    pub fn read_marks(&mut self) -> Result<()> {
        loop {
            let from = self.index.marks_offset()?;
            let tail = marks::read_tail(&*self.fs, &self.layout, from)?;
            if tail.offset == from {
                return Ok(());
            }
            let is_applied =
                self.index
                    .apply_marks(&tail.lines, from, tail.offset, tail.starts_anew)?;
            if is_applied && !tail.has_more {
                return Ok(());
            }
        }
    }

    /// Moves a picture to the trash, from where [`restore`](Self::restore) fetches it back.
    pub fn trash(&mut self, id: PictureId) -> Result<()> {
        let trash = self.layout.trash();
        create_dirs(&*self.fs, &trash)
            .map_err(|error| Error::io("make the trash", &trash, error))?;
        let (from, to) = (self.layout.picture(id), self.layout.trashed_picture(id));
        self.move_picture(id, &from, &to, "move the picture to the trash")?;
        self.index.set_state(id, State::Trashed)
    }

    /// Fetches a picture back from the trash.
    pub fn restore(&mut self, id: PictureId) -> Result<()> {
        let (from, to) = (self.layout.trashed_picture(id), self.layout.picture(id));
        let month = self.layout.month_folder(&id.month());
        create_dirs(&*self.fs, &month)
            .map_err(|error| Error::io("make the folder", &month, error))?;
        self.move_picture(id, &from, &to, "restore the picture")?;
        self.index.set_state(id, State::Here)
    }

    /// Renames a picture file without replacing another. One that was moved already is fine.
    fn move_picture(
        &self,
        id: PictureId,
        from: &Path,
        to: &Path,
        doing: &'static str,
    ) -> Result<()> {
        let failed = |error| Error::io(doing, from, error);
        match self.fs.rename_new(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if to.exists() {
                    Ok(())
                } else {
                    Err(Error::UnknownPicture(id))
                };
            }
            result => result.map_err(failed)?,
        }
        // The new name first: between the two syncs a crash may show the picture twice, never nowhere.
        for path in [to, from] {
            if let Some(folder) = path.parent() {
                self.fs.sync_dir(folder).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// What the index keeps of a picture file.
pub(super) fn describe(id: PictureId, state: State, file: &[u8]) -> Record {
    let mut record = placeholder(id, state, None);
    record.file_bytes = file.len() as u64;
    record.sha256 = Sha256::digest(file).into();
    match picture_file::read_header(file) {
        Ok(header) => {
            (record.width, record.height) = (header.width, header.height);
            record.recipe = header.recipe;
            record.parameters = header.parameters.filter(|_| record.recipe.is_none());
        }
        Err(reason) => record.problem = Some(reason),
    }
    record
}

/// A record without a readable picture.
pub(super) fn placeholder(id: PictureId, state: State, problem: Option<String>) -> Record {
    Record {
        id,
        state,
        width: 0,
        height: 0,
        file_bytes: 0,
        sha256: [0; 32],
        recipe: None,
        parameters: None,
        problem,
        is_starred: false,
        tags: Vec::new(),
        boards: Vec::new(),
        note: None,
    }
}

/// The gallery's own id, made on the first opening.
fn gallery_id(fs: &dyn Fs, layout: &Layout) -> Result<Uuid> {
    const LIMIT_BYTES: u64 = 64 << 10;
    let path = layout.gallery_file();
    let failed = |error| Error::io("open the gallery", &path, error);
    let read = || match fs.read(&path, LIMIT_BYTES) {
        Ok(bytes) => serde_json::from_slice::<GalleryFile>(&bytes)
            .map(|file| Some(file.id))
            .map_err(|_| Error::BadGalleryFile { path: path.clone() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    };
    if let Some(id) = read()? {
        return Ok(id);
    }
    let file = GalleryFile {
        format: 1,
        id: Uuid::new_v4(),
    };
    let json = serde_json::to_vec(&file).map_err(|error| failed(error.into()))?;
    match write_atomically(fs, &path, &json, Existing::Keep) {
        // Another process was faster: its id holds.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result.map_err(failed)?,
    }
    read()?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::recipe::tests::recipe;
    use super::*;

    struct Home {
        folder: tempfile::TempDir,
    }

    impl Home {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
            }
        }

        fn open(&self) -> Gallery {
            let [pictures, indexes, thumbnails] =
                ["pictures", "indexes", "thumbnails"].map(|name| self.folder.path().join(name));
            Gallery::open(&pictures, &indexes, &thumbnails).unwrap()
        }
    }

    /// A picture of its own for each seed.
    fn pixels(seed: u64) -> RgbImage {
        RgbImage::from_fn(24, 16, |x, y| {
            image::Rgb([x as u8 * 9, y as u8 * 15, seed as u8])
        })
    }

    fn save(gallery: &mut Gallery, prompt: &str, seed: u64) -> PictureId {
        gallery
            .save(&pixels(seed), &recipe(prompt, seed, (24, 16)))
            .unwrap()
            .id
    }

    fn search(gallery: &mut Gallery, words: &str) -> Vec<PictureId> {
        gallery
            .ids(&Query {
                words: words.into(),
                ..Query::default()
            })
            .unwrap()
    }

    #[test]
    fn a_restart_shows_the_same_gallery() {
        let home = Home::new();
        let mut gallery = home.open();
        let ids: Vec<PictureId> = (0..5)
            .map(|seed| save(&mut gallery, "a red sailboat", seed))
            .collect();
        let records: Vec<Record> = ids.iter().map(|id| gallery.record(*id).unwrap()).collect();
        drop(gallery);
        let mut gallery = home.open();
        let newest_first: Vec<PictureId> = ids.iter().rev().copied().collect();
        assert_eq!(gallery.ids(&Query::default()).unwrap(), newest_first);
        for (seed, record) in records.iter().enumerate() {
            assert_eq!(&gallery.record(record.id).unwrap(), record);
            assert_eq!(record.recipe.as_ref().unwrap().seed, seed as u64);
            let read = image::DynamicImage::from(gallery.pixels(record.id).unwrap()).into_rgb8();
            assert_eq!(read, pixels(seed as u64));
        }
    }

    #[test]
    fn search_finds_words_in_any_script() {
        let home = Home::new();
        let mut gallery = home.open();
        let boat = save(&mut gallery, "a red Sailboat, at 50% of the sea", 1);
        let cat = save(&mut gallery, "ein Kätzchen \u{1f431} auf dem Dach", 2);
        let fuji = save(&mut gallery, "夕暮れの富士山", 3);
        gallery
            .mark(
                &[boat],
                &Mark::Tag {
                    name: "Regatta".into(),
                    on: true,
                },
            )
            .unwrap();
        gallery
            .mark(&[cat], &Mark::Note("for Ada's birthday".into()))
            .unwrap();
        for (words, expected) in [
            ("sailboat", vec![boat]),
            ("SAIL red", vec![boat]),
            ("red cat", vec![]),
            ("katzchen", vec![cat]),
            ("\u{1f431}", vec![cat]),
            ("富士", vec![fuji]),
            ("50%", vec![boat]),
            ("%", vec![boat]),
            ("_", vec![]),
            ("regatta", vec![boat]),
            ("Ada's", vec![cat]),
            ("\" OR 1=1 --", vec![]),
            ("NOT AND (", vec![]),
            ("   ", vec![fuji, cat, boat]),
        ] {
            assert_eq!(search(&mut gallery, words), expected, "{words:?}");
        }
        gallery
            .mark(
                &[boat],
                &Mark::Tag {
                    name: "Regatta".into(),
                    on: false,
                },
            )
            .unwrap();
        assert_eq!(search(&mut gallery, "regatta"), []);
    }

    #[test]
    fn marks_outlive_the_index() {
        let home = Home::new();
        let mut gallery = home.open();
        let (a, b) = (save(&mut gallery, "a", 1), save(&mut gallery, "b", 2));
        gallery.mark(&[a, b], &Mark::Star(true)).unwrap();
        gallery.mark(&[b], &Mark::Star(false)).unwrap();
        gallery
            .mark(
                &[b],
                &Mark::Board {
                    name: "Posters".into(),
                    on: true,
                },
            )
            .unwrap();
        let before = (gallery.record(a).unwrap(), gallery.record(b).unwrap());
        assert!(before.0.is_starred && !before.1.is_starred);
        drop(gallery);
        std::fs::remove_dir_all(home.folder.path().join("indexes")).unwrap();
        let mut gallery = home.open();
        assert_eq!(gallery.ids(&Query::default()).unwrap(), []);
        assert_eq!(gallery.scan().unwrap().n_adopted, 2);
        assert_eq!(
            (gallery.record(a).unwrap(), gallery.record(b).unwrap()),
            before
        );
        let starred = Query {
            is_starred: true,
            ..Query::default()
        };
        assert_eq!(gallery.ids(&starred).unwrap(), [a]);
        let posters = Query {
            board: Some("Posters".into()),
            ..Query::default()
        };
        assert_eq!(gallery.ids(&posters).unwrap(), [b]);
        assert_eq!(search(&mut gallery, "posters"), [b]);
    }

    #[test]
    fn a_damaged_index_is_made_again() {
        let home = Home::new();
        let mut gallery = home.open();
        let id = save(&mut gallery, "a", 1);
        let path = home.folder.path().join("indexes");
        drop(gallery);
        let index = std::fs::read_dir(&path)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        std::fs::write(&index, b"this was a database once, and now it is not").unwrap();
        let mut gallery = home.open();
        assert_eq!(gallery.take_notices().len(), 1);
        gallery.scan().unwrap();
        assert_eq!(gallery.ids(&Query::default()).unwrap(), [id]);
        assert!(index.with_extension("broken").exists());
    }

    #[test]
    fn the_trash_gives_back() {
        let home = Home::new();
        let mut gallery = home.open();
        let (a, b) = (save(&mut gallery, "a", 1), save(&mut gallery, "b", 2));
        gallery.trash(a).unwrap();
        gallery.trash(a).unwrap();
        let in_trash = Query {
            in_trash: true,
            ..Query::default()
        };
        assert_eq!(gallery.ids(&Query::default()).unwrap(), [b]);
        assert_eq!(gallery.ids(&in_trash).unwrap(), [a]);
        assert!(gallery.pixels(a).is_ok(), "the trash can be looked at");
        gallery.restore(a).unwrap();
        assert_eq!(gallery.ids(&Query::default()).unwrap(), [b, a]);
        assert_eq!(gallery.ids(&in_trash).unwrap(), []);
        let stranger = PictureId::new();
        assert!(
            matches!(gallery.trash(stranger), Err(Error::UnknownPicture(id)) if id == stranger)
        );
    }

    #[test]
    fn two_galleries_on_one_folder_see_each_other() {
        let home = Home::new();
        let (mut window, mut command_line) = (home.open(), home.open());
        let a = save(&mut window, "a", 1);
        let b = save(&mut command_line, "b", 2);
        window.mark(&[b], &Mark::Star(true)).unwrap();
        command_line.mark(&[a], &Mark::Star(true)).unwrap();
        for gallery in [&mut window, &mut command_line] {
            assert_eq!(gallery.ids(&Query::default()).unwrap(), [b, a]);
            assert!(gallery.record(a).unwrap().is_starred && gallery.record(b).unwrap().is_starred);
        }
    }
}
