//! The trash: pictures leave the gallery by a rename and come back by one. Only from the trash they are deleted for
//! good.
//!
//! Of a picture that others were made from a small one stays behind, its *ghost*: a PNG with the recipe, in the
//! gallery's folder, so that the family tree outlives it and the index, too. It goes with the last child.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Gallery, Unindexed};
use crate::files::{Existing, create_own_dir, write_atomically};
use crate::gallery::error::{Error, Result};
use crate::gallery::export::{self, Format};
use crate::gallery::index::State;
use crate::gallery::layout::PictureId;
use crate::gallery::picture_file;
use crate::gallery::scan;
use crate::marking;

/// A picture for which something failed; the others went their way.
pub type Failures = Vec<(PictureId, Error)>;

impl Gallery {
    /// Moves a picture to the trash, from where [`restore`](Self::restore) fetches it back.
    pub fn trash(&mut self, id: PictureId) -> Result<()> {
        self.trash_all(&[id]).and_then(first)
    }

    /// Fetches a picture back from the trash.
    pub fn restore(&mut self, id: PictureId) -> Result<()> {
        self.restore_all(&[id]).and_then(first)
    }

    /// Deletes a picture that is in the trash for good.
    pub fn delete(&mut self, id: PictureId) -> Result<()> {
        self.delete_all(&[id]).and_then(first)
    }

    /// [`trash`](Self::trash) for many.
    ///
    /// # Errors
    /// If none of them could be moved, or the index does not answer.
    pub fn trash_all(&mut self, ids: &[PictureId]) -> Result<Failures> {
        self.check_access()?;
        let trash = self.layout.trash();
        create_own_dir(&*self.fs, &trash)
            .map_err(|error| Error::io("make the trash", &trash, error))?;
        let doing = "move the picture to the trash";
        self.move_all(ids, State::Here, State::Trashed, doing)
    }

    /// [`restore`](Self::restore) for many.
    ///
    /// # Errors
    /// If none of them could be moved, or the index does not answer.
    pub fn restore_all(&mut self, ids: &[PictureId]) -> Result<Failures> {
        self.check_access()?;
        let months: BTreeSet<String> = ids.iter().map(|id| id.month()).collect();
        for month in months {
            let month = self.layout.month_folder(&month);
            create_own_dir(&*self.fs, &month)
                .map_err(|error| Error::io("make the folder", &month, error))?;
        }
        self.move_all(ids, State::Trashed, State::Here, "restore the picture")
    }

    /// [`delete`](Self::delete) for many.
    ///
    /// # Errors
    /// If the index does not answer.
    pub fn delete_all(&mut self, ids: &[PictureId]) -> Result<Failures> {
        self.check_access()?;
        let mut failures = Vec::new();
        let mut deleted = Vec::new();
        for id in ids {
            match self.delete_file(*id) {
                Ok(()) => deleted.push(*id),
                Err(error) => failures.push((*id, error)),
            }
        }
        if !deleted.is_empty() {
            // A file that a crash brings back is in the trash again.
            let trash = self.layout.trash();
            let synced = self.fs.sync_dir(&trash);
            synced.map_err(|error| Error::io("empty the trash", &trash, error))?;
        }
        // What is gone has made room for it.
        self.return_to_disk();
        for id in deleted {
            match self.settle(id) {
                Err(error) if error.is_index_unwritable() => {
                    self.note_behind();
                    self.say_unwritable(&error);
                    self.unindexed.push(Unindexed::Deleted(id));
                }
                settled => settled?,
            }
        }
        Ok(failures)
    }

    fn delete_file(&self, id: PictureId) -> Result<()> {
        let (_, kind) = self.find(id, State::Trashed).ok_or(Error::NotInTrash(id))?;
        let mut ghost = None;
        if !self.index.children(id)?.is_empty() {
            let file = self.make_ghost(id)?;
            match self.write_ghost(id, &file) {
                // The picture's own room is more than enough for it.
                Err(error) if error.is_full_disk() => ghost = Some(file),
                written => written?,
            }
        }
        let path = self.place(id, State::Trashed, kind);
        let removed = self.fs.remove(&path);
        removed.map_err(|error| Error::io("delete the picture", path, error))?;
        if let Some(file) = ghost
            && let Err(error) = self.write_ghost(id, &file)
        {
            tracing::warn!("nothing is left of picture {id} for the family tree: {error}");
        }
        Ok(())
    }

    /// The pictures in the trash by their files, as the index may not have learnt of them on a full disk.
    ///
    /// # Errors
    /// If the trash cannot be read.
    pub fn trashed(&self) -> Result<Vec<PictureId>> {
        let names = self.names(self.layout.trash())?;
        Ok(scan::pictures(&names).map(|(id, _)| id).collect())
    }

    /// Brings the index in line with a picture whose file is gone, and lets go of ghosts that nobody needs.
    fn settle(&mut self, id: PictureId) -> Result<()> {
        let mut gone = vec![id];
        while let Some(id) = gone.pop() {
            let is_needed = !self.index.children(id)?.is_empty();
            let place = self
                .find(id, State::Here)
                .or_else(|| self.find(id, State::Trashed));
            if let Some((state, _)) = place {
                self.index.set_state(id, state)?;
            } else if is_needed && let Some(ghost) = scan::read_ghost(self, id)? {
                self.index.put(&[ghost])?;
            } else if is_needed {
                self.index.set_state(id, State::Missing)?;
            } else {
                let parents = self.index.parents(id)?;
                let ghost = self.layout.ghost(id);
                if ghost.exists() {
                    let removed = self.fs.remove(&ghost);
                    removed.map_err(|error| Error::io("delete the picture", ghost, error))?;
                }
                self.index.forget(id)?;
                self.forget_thumbnail(id);
                gone.extend(
                    parents
                        .into_iter()
                        .filter(|id| self.layout.ghost(*id).exists()),
                );
            }
        }
        Ok(())
    }

    /// Leaves a small picture with the recipe behind.
    pub(in crate::gallery) fn keep_ghost(&self, id: PictureId) -> Result<()> {
        self.write_ghost(id, &self.make_ghost(id)?)
    }

    fn make_ghost(&self, id: PictureId) -> Result<Vec<u8>> {
        let record = self.record(id)?;
        // Of a picture that cannot be read only the recipe stays.
        let thumbnail = self
            .small_picture(id)
            .unwrap_or_else(|_| image::RgbImage::new(1, 1));
        let file = match &record.recipe {
            Some(recipe) => picture_file::encode_png(&thumbnail, recipe),
            None => {
                let pixels = image::DynamicImage::from(thumbnail).into_rgba8();
                let xmp = record.digital_source_type().map(marking::xmp_packet);
                export::encode(&pixels, xmp, Format::Png)
            }
        };
        file.map_err(|reason| Error::Encoding { reason })
    }

    fn write_ghost(&self, id: PictureId, file: &[u8]) -> Result<()> {
        let path = self.layout.ghost(id);
        create_own_dir(&*self.fs, &self.layout.ghosts())
            .and_then(|()| write_atomically(&*self.fs, &path, file, Existing::Replace))
            .map_err(|error| Error::io("keep a small picture for the family tree", &path, error))
    }

    /// Renames picture files without replacing others, then makes that durable for all of them at once.
    fn move_all(
        &mut self,
        ids: &[PictureId],
        from: State,
        to: State,
        doing: &'static str,
    ) -> Result<Failures> {
        let mut failures = Vec::new();
        let mut moved = Vec::new();
        let mut folders = [BTreeSet::new(), BTreeSet::new()];
        for id in ids {
            match self.move_picture(*id, from, to, doing) {
                Ok(paths) => {
                    moved.push((*id, to));
                    for (folders, path) in folders.iter_mut().zip(&paths) {
                        folders.extend(path.parent().map(Path::to_owned));
                    }
                }
                Err(error) => failures.push((*id, error)),
            }
        }
        // The new names first: between the two syncs a crash may show a picture twice, never nowhere.
        let [old, new] = &folders;
        // Where everything was moved before, the old folder may be gone.
        let folders = new.iter().chain(old).filter(|folder| folder.is_dir());
        for folder in folders {
            let synced = self.fs.sync_dir(folder);
            synced.map_err(|error| Error::io(doing, folder, error))?;
        }
        self.note_moved(&moved)?;
        Ok(failures)
    }

    /// The old path and the new one. A picture that was moved already is fine.
    fn move_picture(
        &self,
        id: PictureId,
        from: State,
        to: State,
        doing: &'static str,
    ) -> Result<[PathBuf; 2]> {
        let found = self.find(id, from).or_else(|| self.find(id, to));
        let (state, kind) = found.ok_or(Error::UnknownPicture(id))?;
        let paths = [from, to].map(|state| self.place(id, state, kind));
        if state == from {
            let renamed = self.fs.rename_new(&paths[0], &paths[1]);
            renamed.map_err(|error| Error::io(doing, &paths[0], error))?;
        }
        Ok(paths)
    }
}

fn first(failures: Failures) -> Result<()> {
    failures
        .into_iter()
        .next()
        .map_or(Ok(()), |(_, error)| Err(error))
}
