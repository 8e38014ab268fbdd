//! A project saved: the journal written anew with what can still be reached, every step back and forth
//! included, and nothing else; or without the steps, with what is there now.

use std::collections::HashMap;
use std::path::Path;

use uuid::Uuid;

use super::super::replay::LIMIT_STEP_TILES;
use super::super::step::StepName;
use super::super::steps::StepRecord;
use super::super::stored_runs::StoredRun;
use super::super::tiles::TileKind;
use super::super::versions::VersionId;
use super::record::{Encoder, Record, TileHead};
use super::{Error, JournalFile, Marker, Place, Result, reader};
use crate::files::{Fs, TEMP_PREFIX};

/// How much of a document goes into a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Every step back and forth.
    Whole,
    /// None: a smaller file, and nobody sees what was there before.
    None,
}

/// Copies the document of one file to another, which is replaced whole or not at all. Its tiles are read and
/// checked on the way. Tells whether a part had to be left out because it was damaged.
pub fn write_copy(file: &JournalFile, target: &Path, history: History) -> Result<bool> {
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let fs = file.fs.as_ref();
    let temp = folder.join(format!("{TEMP_PREFIX}{}", Uuid::new_v4()));
    let failed = |cause| Error::io("save the project", target, cause);
    let written = Copy::of(file, &temp, target).and_then(|mut copy| {
        copy.write(history)?;
        fs.rename(&temp, target).map_err(failed)?;
        Ok(copy.contents.is_damaged)
    });
    if written.is_err() {
        // The first error is the one to tell; a temp file that stays is swept later.
        let _ = fs.remove(&temp);
        return written;
    }
    fs.sync_dir(folder).map_err(failed)?;
    written
}

struct Copy<'a> {
    fs: &'a dyn Fs,
    file: &'a JournalFile,
    temp: &'a Path,
    target: &'a Path,
    contents: reader::Contents,
    marker: Marker,
    encoder: Encoder,
    n_written: u64,
    /// Versions by their number in the file that is copied.
    copied: HashMap<VersionId, VersionId>,
}

impl<'a> Copy<'a> {
    fn of(file: &'a JournalFile, temp: &'a Path, target: &'a Path) -> Result<Self> {
        let marker = Marker::new();
        Ok(Self {
            fs: file.fs.as_ref(),
            file,
            temp,
            target,
            contents: reader::read(file)?,
            marker,
            encoder: Encoder::new_file(marker),
            n_written: 0,
            copied: HashMap::new(),
        })
    }

    fn write(&mut self, history: History) -> Result<()> {
        match history {
            History::Whole => {
                self.write_steps()?;
                self.write_runs()?;
            }
            History::None => {
                let step = self.contents.replay.as_one_step(StepName::OpenPicture);
                self.write_base(step)?;
            }
        }
        let name = std::mem::take(&mut self.contents.name);
        self.record(&if self.contents.name_is_given {
            Record::Named(name)
        } else {
            Record::NamedAfterPrompt(name)
        })?;
        self.flush()
    }

    fn write_steps(&mut self) -> Result<()> {
        if let Some(base) = self.contents.replay.base.take() {
            self.write_base(base)?;
        }
        let steps = std::mem::take(&mut self.contents.replay.steps);
        for step in steps.all() {
            self.write_step(step.record())?;
        }
        for _ in steps.n_done()..steps.all().len() {
            self.record(&Record::Undo)?;
        }
        Ok(())
    }

    fn write_base(&mut self, base: StepRecord) -> Result<()> {
        self.write_step(base)?;
        self.record(&Record::Base)
    }

    fn write_step(&mut self, step: StepRecord) -> Result<()> {
        let n_tiles: usize = step.edits.iter().map(|edit| edit.tiles.len()).sum();
        if n_tiles > LIMIT_STEP_TILES {
            return Err(Error::LongStep {
                path: self.target.to_owned(),
            });
        }
        let tiles = step.edits.iter().flat_map(|edit| &edit.tiles);
        self.tiles(tiles.filter_map(|(_, after)| *after).collect())?;
        let record = Record::Step(self.renumbered(step));
        self.record(&record)
    }

    /// Those that the user has not put away.
    fn write_runs(&mut self) -> Result<()> {
        let runs = std::mem::take(&mut self.contents.runs);
        for StoredRun {
            mut record,
            results,
            ..
        } in runs.shown()
        {
            self.tiles(record.versions().collect())?;
            for id in record.versions_mut() {
                *id = self.copied[id];
            }
            self.record(&Record::Run(record))?;
            for mut result in results.into_values() {
                self.tiles(result.versions().collect())?;
                for id in result.versions_mut() {
                    *id = self.copied[id];
                }
                self.record(&Record::Result(result))?;
            }
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<()> {
        self.encoder.record(record);
        if self.encoder.is_full() {
            self.flush()?;
        }
        Ok(())
    }

    /// Copies those of these tiles that nothing before has used.
    fn tiles(&mut self, ids: Vec<VersionId>) -> Result<()> {
        let mut new = Vec::new();
        for id in ids {
            if !self.copied.contains_key(&id) {
                let copy = VersionId(self.copied.len() as u32);
                self.copied.insert(id, copy);
                new.push(id);
            }
        }
        let versions = &self.contents.replay.versions;
        let places: Vec<(TileKind, Place)> = new
            .iter()
            .filter_map(|id| Some((versions.kind(*id)?, versions.place(*id)?)))
            .collect();
        for (kind, place) in places {
            let blob = self.blob(place)?;
            let head = TileHead {
                kind,
                n_bytes: place.n_bytes,
                crc: place.crc,
            };
            // Where it lands is asked by none: the copy is read again before it is worked on.
            self.encoder.blobs([(VersionId(0), head, blob)]);
            if self.encoder.is_full() {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn blob(&self, place: Place) -> Result<Vec<u8>> {
        let JournalFile { fs, path } = self.file;
        let failed = |cause| Error::io("read the document", path, cause);
        let blob = fs
            .read_from(path, place.offset, u64::from(place.n_bytes))
            .map_err(failed)?;
        if crc32fast::hash(&blob) != place.crc {
            return Err(Error::DamagedStep { path: path.clone() });
        }
        Ok(blob)
    }

    fn renumbered(&self, mut record: StepRecord) -> StepRecord {
        for (_, id) in record.edits.iter_mut().flat_map(|edit| &mut edit.tiles) {
            *id = id.map(|id| self.copied[&id]);
        }
        record
    }

    fn flush(&mut self) -> Result<()> {
        let next = Encoder::append(self.marker, 0, 0);
        let encoded = std::mem::replace(&mut self.encoder, next).finish();
        let failed = |cause| Error::io("save the project", self.target, cause);
        if self.n_written == 0 {
            self.fs
                .write_synced(self.temp, &encoded.bytes)
                .map_err(failed)?;
        } else {
            self.fs
                .append_synced(self.temp, &encoded.bytes)
                .map_err(failed)?;
        }
        self.n_written += encoded.bytes.len() as u64;
        self.encoder = Encoder::append(self.marker, encoded.next_number, self.n_written);
        Ok(())
    }
}
