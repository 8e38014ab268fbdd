//! A document's file: a journal that is only ever appended to. Working files and saved projects are alike.
//!
//! ```text
//! header   "LIMNDOC\n"  version u16  0 u16  marker [8]  crc u32 of all before it
//! record   marker [8]  number u64  head_bytes u32  blobs_bytes u32  crc u32 of number, lengths and head
//!          head [head_bytes]: a Record in postcard
//!          blobs [blobs_bytes]: of a Tiles record, each with its own crc in the head
//! ```
//! Integers are little-endian, checksums CRC-32. Records are numbered from 0. A reader takes the record of
//! the number that it waits for and passes over all else: what a crash tore, what was written twice after
//! a full disk, what comes after damage. So a file that ends anywhere opens to the last good state, and
//! more can be appended to it as it is. The marker, drawn anew for each file, is what a reader looks for
//! behind damage.

mod copy;
mod error;
mod reader;
mod record;
mod tile_blob;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

pub use copy::{History, write_copy};
pub use error::{Error, Result};
pub use reader::{Contents, read};
pub use record::{Encoder, Record};

use super::tiles::{AnyTile, TileKind};
use crate::files::Fs;

const MAGIC: [u8; 8] = *b"LIMNDOC\n";
/// 2 has runs beside the steps; a file of version 1 is read, and gone on with, all the same.
const VERSION: u16 = 2;
pub const HEADER_BYTES: u64 = 24;
const FRAME_BYTES: u64 = 28;
/// The longest head that is read; that of a step over a whole 16,384² picture is a few dozen KiB.
pub const LIMIT_HEAD_BYTES: u32 = 8 << 20;
/// The longest blobs that are read: a full record and one tile more are half as long.
const LIMIT_BLOBS_BYTES: u32 = 16 << 20;
/// The longest name of a document, and the longest path, in bytes.
const LIMIT_TEXT_BYTES: usize = 128 << 10;
/// A record is full at this many bytes of blobs: what is compressed and written at once.
const FULL_BLOBS_BYTES: usize = 8 << 20;

/// Tells the records of one file from all other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker([u8; 8]);

impl Marker {
    pub fn new() -> Self {
        let random = uuid::Uuid::new_v4().into_bytes();
        let mut marker = [0; 8];
        marker.copy_from_slice(&random[8..]);
        Self(marker)
    }
}

/// Where a tile's bytes are in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub offset: u64,
    pub n_bytes: u32,
    pub crc: u32,
}

/// A document's file, to read tiles from.
#[derive(Clone)]
pub struct JournalFile {
    pub fs: Arc<dyn Fs>,
    pub path: PathBuf,
}

/// Places nearer than this are read at once.
const GAP_BYTES: u64 = 64 << 10;
const LIMIT_READ_BYTES: u64 = 16 << 20;
/// Fewer than this are not worth another thread.
const TILES_PER_TASK: usize = 16;

impl JournalFile {
    pub fn new(fs: Arc<dyn Fs>, path: &Path) -> Self {
        Self {
            fs,
            path: path.to_owned(),
        }
    }

    /// Reads tiles, which come in order of place, into `spare` ones where there are any.
    pub fn read_tiles(
        &self,
        wanted: &[(Place, TileKind)],
        mut spare: Vec<AnyTile>,
    ) -> Result<Vec<AnyTile>> {
        spare.retain_mut(AnyTile::is_alone);
        let mut tiles = Vec::with_capacity(wanted.len());
        let mut rest = wanted;
        while let Some((first, _)) = rest.first() {
            let end = |place: &Place| place.offset + u64::from(place.n_bytes);
            let mut n = 1;
            while n < rest.len()
                && rest[n].0.offset <= end(&rest[n - 1].0) + GAP_BYTES
                && end(&rest[n].0) - first.offset <= LIMIT_READ_BYTES
            {
                n += 1;
            }
            let (run, after) = rest.split_at(n);
            let n_bytes = end(&run[n - 1].0) - first.offset;
            let failed = |cause| Error::io("read the document", &self.path, cause);
            let bytes = self
                .fs
                .read_from(&self.path, first.offset, n_bytes)
                .map_err(failed)?;
            // Made here: what other threads allocate is not given back to this one.
            let blank = run.iter().map(|(_, kind)| {
                let known = spare.iter().rposition(|tile| tile.kind() == *kind);
                known.map_or_else(|| AnyTile::blank(*kind), |known| spare.swap_remove(known))
            });
            let decoded = decode(run, blank.collect(), first.offset, &bytes);
            tiles.extend(decoded.ok_or_else(|| Error::DamagedStep {
                path: self.path.clone(),
            })?);
            rest = after;
        }
        Ok(tiles)
    }
}

/// Unpacks the tiles of `bytes`, which begin at `start`, into `tiles`; many of them on all cores, because the user
/// waits for them. `None` if one is not what was written.
fn decode(
    places: &[(Place, TileKind)],
    mut tiles: Vec<AnyTile>,
    start: u64,
    bytes: &[u8],
) -> Option<Vec<AnyTile>> {
    let are_whole = tiles
        .par_iter_mut()
        .zip(places)
        .with_min_len(TILES_PER_TASK)
        .all(|(tile, (place, _))| {
            let from = (place.offset - start) as usize;
            let blob = bytes.get(from..from + place.n_bytes as usize);
            blob.is_some_and(|blob| tile_blob::decode(tile, place.crc, blob))
        });
    are_whole.then_some(tiles)
}
