use std::collections::HashMap;
use std::io::Read;

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};

use crate::import::error::Error;

/// More are none of a picture.
const LIMIT_ENTRIES: usize = 10_000;

/// The files in a ZIP archive, by their names as they stand there.
pub struct Archive<'a> {
    archive: ZipSliceArchive<&'a [u8]>,
    entries: HashMap<String, Entry>,
}

struct Entry {
    place: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    /// As the archive says.
    n_bytes: u64,
}

impl<'a> Archive<'a> {
    /// # Errors
    /// For what is no archive or a damaged one.
    pub fn open(file: &'a [u8]) -> Result<Self, Error> {
        let archive = ZipArchive::from_slice(file).map_err(|_| Error::CutOff)?;
        let mut entries = HashMap::new();
        let mut records = archive.entries();
        while let Some(record) = records.next_entry().map_err(Error::damaged)? {
            if entries.len() >= LIMIT_ENTRIES {
                return Err(Error::Bomb);
            }
            let path = record.file_path();
            let Ok(name) = std::str::from_utf8(path.as_ref()) else {
                continue;
            };
            let entry = Entry {
                place: record.wayfinder(),
                method: record.compression_method(),
                n_bytes: record.uncompressed_size_hint(),
            };
            // Of two of one name the first counts, here and for every look-up.
            entries.entry(name.to_owned()).or_insert(entry);
        }
        Ok(Self { archive, entries })
    }

    pub fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Bytes of an unpacked file, as the archive says.
    pub fn size_of(&self, name: &str) -> Option<u64> {
        self.entries.get(name).map(|entry| entry.n_bytes)
    }

    /// The first bytes of a file.
    ///
    /// # Errors
    /// As [`Self::extract`].
    pub fn head(&self, name: &str, n_bytes: u64) -> Result<Vec<u8>, Error> {
        let mut head = Vec::new();
        self.reader(name)?
            .take(n_bytes)
            .read_to_end(&mut head)
            .map_err(Error::of_reading)?;
        Ok(head)
    }

    /// A whole file.
    ///
    /// # Errors
    /// [`Error::Bomb`] beyond the limit; others for a file that is not there or damaged.
    pub fn extract(&self, name: &str, limit_bytes: u64) -> Result<Vec<u8>, Error> {
        let n_bytes = self.size_of(name).unwrap_or(0);
        let mut file = Vec::with_capacity(n_bytes.min(limit_bytes) as usize);
        self.reader(name)?
            .take(limit_bytes + 1)
            .read_to_end(&mut file)
            .map_err(Error::of_reading)?;
        if file.len() as u64 > limit_bytes {
            return Err(Error::Bomb);
        }
        Ok(file)
    }

    fn reader(&self, name: &str) -> Result<Box<dyn Read + '_>, Error> {
        let entry = self.entries.get(name);
        let entry = entry.ok_or_else(|| Error::damaged(format!("{name:?} is missing in it")))?;
        let found = self.archive.get_entry(entry.place);
        let bytes = found.map_err(Error::damaged)?.data();
        if entry.method == CompressionMethod::STORE {
            Ok(Box::new(bytes))
        } else if entry.method == CompressionMethod::DEFLATE {
            Ok(Box::new(DeflateDecoder::new(bytes)))
        } else {
            Err(Error::Variant {
                format: "OpenRaster",
                what: "its compression".to_owned(),
            })
        }
    }
}
