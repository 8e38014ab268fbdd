//! Reads the whole gallery and tells what is not as it should be.

use std::collections::HashSet;
use std::io;

use sha2::{Digest, Sha256};

use super::error::Result;
use super::index::Stamp;
use super::layout::{PictureId, is_month};
use super::picture_file::{self, LIMIT_FILE_BYTES};
use super::store::Gallery;
use crate::marking;

/// Something that `verify` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Missing(PictureId),
    /// The file is not in the index.
    Unindexed(PictureId),
    Unreadable {
        id: PictureId,
        reason: String,
    },
    /// The file is not what was saved.
    Changed(PictureId),
    /// Limn made it, and the mark that it was made by AI is not in the file.
    Unmarked(PictureId),
    BrokenIndex(String),
}

impl Gallery {
    /// Reads every picture whole and compares it with the index. Changes nothing.
    pub fn verify(&mut self, on_finding: &mut dyn FnMut(&Finding)) -> Result<usize> {
        if let Some(answer) = self.index.integrity()? {
            on_finding(&Finding::BrokenIndex(answer));
        }
        let mut known: HashSet<PictureId> = HashSet::new();
        let mut n_pictures = 0;
        for (id, stamp) in self.index.stamps()? {
            known.insert(id);
            n_pictures += 1;
            if let Some(finding) = self.verify_picture(id, stamp)? {
                on_finding(&finding);
            }
        }
        let folder = self.folder().to_owned();
        for month in self
            .names(folder.clone())?
            .into_iter()
            .filter(|name| is_month(name))
        {
            for name in self.names(folder.join(&month))? {
                let picture = PictureId::from_file_name(&name);
                let id = picture.map(|(id, _)| id).filter(|id| id.month() == month);
                if let Some(id) = id.filter(|id| known.insert(*id)) {
                    on_finding(&Finding::Unindexed(id));
                }
            }
        }
        Ok(n_pictures)
    }

    fn verify_picture(&self, id: PictureId, stamp: Stamp) -> Result<Option<Finding>> {
        let path = self.place(id, stamp.state, stamp.kind);
        let file = match self.fs.read(&path, LIMIT_FILE_BYTES) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Some(Finding::Missing(id)));
            }
            Err(error) => {
                return Ok(Some(Finding::Unreadable {
                    id,
                    reason: error.to_string(),
                }));
            }
        };
        let record = self.record(id)?;
        let header =
            match picture_file::pixels(&file).and_then(|_| picture_file::read_header(&file)) {
                Ok(header) => header,
                Err(reason) => return Ok(Some(Finding::Unreadable { id, reason })),
            };
        let hash: [u8; 32] = Sha256::digest(&file).into();
        let is_marked = header
            .xmp
            .as_deref()
            .and_then(marking::source_type)
            .is_some();
        Ok(if hash != record.sha256 {
            Some(Finding::Changed(id))
        } else if header.recipe.is_some() && !is_marked {
            Some(Finding::Unmarked(id))
        } else {
            None
        })
    }
}
