//! What the next step back and the next forth need of the file, read before they are asked for: they then cost
//! what they change, however slow the disk is.

use std::thread::{self, JoinHandle};

use super::journal::{self, JournalFile};
use super::tiles::AnyTile;
use super::versions::{Absent, VersionId};

/// Tiles that a step may make for the reading: 16 MiB of a mask.
const LIMIT_TILES_MADE: usize = 256;

/// One reading at a time, in a thread of its own.
#[derive(Debug, Default)]
pub struct ReadAhead {
    reading: Option<Reading>,
}

#[derive(Debug)]
struct Reading {
    absent: Absent,
    thread: JoinHandle<journal::Result<Vec<AnyTile>>>,
}

impl ReadAhead {
    pub fn is_busy(&self) -> bool {
        let reading = self.reading.as_ref();
        reading.is_some_and(|reading| !reading.thread.is_finished())
    }

    /// Begins to read `absent`, as far as there are tiles to read into: those `dropped`, and new ones as far as making
    /// them is not felt. The other thread makes none: memory that one thread takes and another lets go of would grow.
    /// What is left over is let go of there, which takes its time.
    pub fn begin(&mut self, mut absent: Absent, file: &JournalFile, mut dropped: Vec<AnyTile>) {
        if absent.is_empty() {
            return;
        }
        dropped.retain_mut(AnyTile::is_alone);
        absent.cut(dropped.len() + LIMIT_TILES_MADE);
        let missing = absent.kinds().skip(dropped.len());
        dropped.extend(missing.map(AnyTile::blank));
        let (asked, file) = (absent.clone(), file.clone());
        let body = move || asked.read(&file, dropped);
        let thread = thread::Builder::new().name("read ahead".to_owned());
        // Without a thread the step reads for itself.
        if let Ok(thread) = thread.spawn(body) {
            self.reading = Some(Reading { absent, thread });
        }
    }

    /// What has been read. It waits for a reading that has one of the `needed` tiles, because to read them again
    /// would take longer. What could not be read is not told here: the step that needs it meets the error itself.
    pub fn take(&mut self, needed: &[VersionId]) -> Vec<(VersionId, AnyTile)> {
        let is_due =
            |reading: &mut Reading| reading.thread.is_finished() || reading.absent.has_any(needed);
        let Some(Reading { absent, thread }) = self.reading.take_if(is_due) else {
            return Vec::new();
        };
        match thread.join() {
            Ok(Ok(tiles)) => absent.ids().zip(tiles).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }
}
