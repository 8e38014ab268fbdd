use std::collections::VecDeque;
use std::path::Path;

use super::super::history::Entry;
use super::super::journal::{Encoder, Error, JournalFile, Marker, Result};
use super::Places;
use super::lock::Lock;
use crate::files::{Existing, create_dirs, write_atomically};

const DOING: &str = "write down the last steps";

/// The writing side of a document's file.
pub struct WorkingFile {
    file: JournalFile,
    /// `None` while there is no file yet.
    marker: Option<Marker>,
    /// Of the next record.
    number: u64,
    waiting: VecDeque<Entry>,
    /// How many tiles of the first that waits are in the file.
    n_tiles_written: usize,
    lock: Option<Lock>,
}

impl WorkingFile {
    /// For a document without a file: it is made with the first entries.
    pub fn new(file: JournalFile) -> Self {
        Self {
            file,
            marker: None,
            number: 0,
            waiting: VecDeque::new(),
            n_tiles_written: 0,
            lock: None,
        }
    }

    /// For a file that was read.
    pub fn opened(file: JournalFile, marker: Marker, number: u64, lock: Option<Lock>) -> Self {
        Self {
            marker: Some(marker),
            number,
            lock,
            ..Self::new(file)
        }
    }

    pub fn file(&self) -> &JournalFile {
        &self.file
    }

    pub fn push(&mut self, entries: Vec<Entry>) {
        self.waiting.extend(entries);
    }

    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Writes all that waits. What was written before an error is among `places`, and waits no more.
    pub fn write(&mut self, places: &mut Places) -> Result<()> {
        let marker = self.create()?;
        while self.is_waiting() {
            self.append(marker, places)?;
        }
        Ok(())
    }

    fn create(&mut self) -> Result<Marker> {
        if let Some(marker) = self.marker {
            return Ok(marker);
        }
        let JournalFile { fs, path } = &self.file;
        let failed = |cause| Error::io(DOING, path, cause);
        let marker = Marker::new();
        let header = Encoder::new_file(marker).finish().bytes;
        create_dirs(fs.as_ref(), path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        self.lock = Lock::take(path).map_err(failed)?;
        write_atomically(fs.as_ref(), path, &header, Existing::Replace).map_err(failed)?;
        self.marker = Some(marker);
        Ok(marker)
    }

    /// Appends as much as is compressed and written at once.
    fn append(&mut self, marker: Marker, places: &mut Places) -> Result<()> {
        let JournalFile { fs, path } = &self.file;
        let failed = |cause| Error::io(DOING, path, cause);
        // Asked each time: after a failure, nobody knows how much was written. A reader passes over that.
        let (_, start) = fs.modified(path).map_err(failed)?;
        let mut encoder = Encoder::append(marker, self.number, start);
        let (mut n_entries, mut n_tiles) = (0, self.n_tiles_written);
        while !encoder.is_full()
            && let Some(entry) = self.waiting.get(n_entries)
        {
            n_tiles += encoder.tiles(&entry.tiles[n_tiles..]);
            if n_tiles < entry.tiles.len() {
                break;
            }
            encoder.record(&entry.record);
            (n_entries, n_tiles) = (n_entries + 1, 0);
        }
        let encoded = encoder.finish();
        fs.append_synced(path, &encoded.bytes).map_err(failed)?;
        self.number = encoded.next_number;
        self.n_tiles_written = n_tiles;
        self.waiting.drain(..n_entries);
        places.0.extend(encoded.places);
        Ok(())
    }

    /// Removes the file. What waits is forgotten.
    pub fn remove(self) -> Result<()> {
        if self.marker.is_none() {
            return Ok(());
        }
        let JournalFile { fs, path } = &self.file;
        let failed = |cause| Error::io("close the document", path, cause);
        fs.remove(path).map_err(failed)
    }
}
