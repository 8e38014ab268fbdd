//! Brings files and index together: after a crash, after another program moved files, after a rebuild.
//!
//! The files are the truth. A scan goes in small steps, so that the window's gallery thread can save
//! and list in between.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::error::{Error, Result};
use super::index::State;
use super::layout::{PictureId, is_month};
use super::marking;
use super::picture_file::{self, LIMIT_FILE_BYTES};
use super::store::{Gallery, describe, placeholder};
use crate::files::TEMP_PREFIX;

/// Files read in one step.
const STEP_FILES: usize = 32;
/// A temporary file this old was left by a crash. Should its writer only have slept, its rename fails
/// cleanly and it writes again.
const TEMP_AGE: Duration = Duration::from_mins(10);

/// A scan under way.
pub struct Scan {
    /// What the index knew at the beginning and the scan has not seen yet.
    unseen: HashMap<PictureId, State>,
    has_taken_unsaved: bool,
    months: VecDeque<String>,
    is_trash_listed: bool,
    /// Files that the index does not know, or thinks elsewhere.
    found: VecDeque<(PictureId, State)>,
    report: ScanReport,
}

/// What a scan changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanReport {
    /// Pictures that were not in the index.
    pub n_adopted: usize,
    /// Pictures in the index whose file has gone.
    pub n_missing: usize,
    /// Pictures that were moved to the trash or back without the index learning of it.
    pub n_moved: usize,
    /// Temporary files removed.
    pub n_swept: usize,
}

impl ScanReport {
    pub fn has_changes(&self) -> bool {
        self.n_adopted + self.n_missing + self.n_moved > 0
    }
}

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
    /// Starts looking for what the index does not know. Cheap.
    pub fn begin_scan(&self) -> Result<Scan> {
        let folder = self.folder();
        let names = self.names(folder.to_owned())?;
        let mut months: Vec<String> = names.into_iter().filter(|name| is_month(name)).collect();
        months.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Scan {
            unseen: self.index.states()?.into_iter().collect(),
            has_taken_unsaved: false,
            months: months.into(),
            is_trash_listed: false,
            found: VecDeque::new(),
            report: ScanReport::default(),
        })
    }

    /// Does one step: lists one folder or reads up to 32 files. The report comes after the last.
    pub fn continue_scan(&mut self, scan: &mut Scan) -> Result<Option<ScanReport>> {
        if !scan.has_taken_unsaved {
            scan.has_taken_unsaved = true;
            scan.report.n_adopted += self.take_unsaved()?;
        } else if !scan.found.is_empty() {
            self.adopt_some(scan)?;
        } else if let Some(month) = scan.months.pop_front() {
            let folder = self.layout.month_folder(&month);
            for name in self.names(folder.clone())? {
                self.sweep(scan, &folder.join(&name), &name);
                // A copy in another month's folder would never be found by its id.
                let id = PictureId::from_file_name(&name).filter(|id| id.month() == month);
                scan.see(id, State::Here);
            }
        } else if !scan.is_trash_listed {
            scan.is_trash_listed = true;
            for name in self.names(self.layout.trash())? {
                scan.see(PictureId::from_file_name(&name), State::Trashed);
            }
            for name in self.names(self.folder().to_owned())? {
                self.sweep(scan, &self.folder().join(&name), &name);
            }
        } else {
            self.note_missing(scan)?;
            return Ok(Some(scan.report.clone()));
        }
        Ok(None)
    }

    /// A whole scan at once.
    pub fn scan(&mut self) -> Result<ScanReport> {
        let mut scan = self.begin_scan()?;
        loop {
            if let Some(report) = self.continue_scan(&mut scan)? {
                return Ok(report);
            }
        }
    }

    /// Makes the index again from picture files and marks; `on_progress` hears how many are read.
    pub fn rebuild(&mut self, on_progress: &mut dyn FnMut(usize)) -> Result<ScanReport> {
        self.index.clear()?;
        let mut scan = self.begin_scan()?;
        let report = loop {
            if let Some(report) = self.continue_scan(&mut scan)? {
                break report;
            }
            on_progress(scan.report.n_adopted);
        };
        self.read_marks()?;
        Ok(report)
    }

    /// Reads every picture whole and compares it with the index. Changes nothing.
    pub fn verify(&mut self, on_finding: &mut dyn FnMut(&Finding)) -> Result<usize> {
        if let Some(answer) = self.index.integrity()? {
            on_finding(&Finding::BrokenIndex(answer));
        }
        let mut known: HashSet<PictureId> = HashSet::new();
        for (id, state) in self.index.states()? {
            known.insert(id);
            if let Some(finding) = self.verify_picture(id, state)? {
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
                let id = PictureId::from_file_name(&name).filter(|id| id.month() == month);
                if let Some(id) = id.filter(|id| !known.contains(id)) {
                    on_finding(&Finding::Unindexed(id));
                }
            }
        }
        Ok(known.len())
    }

    fn verify_picture(&self, id: PictureId, state: State) -> Result<Option<Finding>> {
        let path = match state {
            State::Trashed => self.layout.trashed_picture(id),
            State::Here | State::Missing => self.layout.picture(id),
        };
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
            match picture_file::decode(&file).and_then(|_| picture_file::read_header(&file)) {
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

    fn names(&self, folder: PathBuf) -> Result<Vec<String>> {
        self.fs
            .names(&folder)
            .map_err(|error| Error::io("read the gallery", folder, error))
    }

    fn adopt_some(&mut self, scan: &mut Scan) -> Result<()> {
        let n_files = scan.found.len().min(STEP_FILES);
        let mut records = Vec::with_capacity(n_files);
        for (id, state) in scan.found.drain(..n_files) {
            // Saved by this process since the scan began.
            if self.index.state(id)? == Some(state) {
                continue;
            }
            let path = match state {
                State::Trashed => self.layout.trashed_picture(id),
                State::Here | State::Missing => self.layout.picture(id),
            };
            let record = match self.fs.read(&path, LIMIT_FILE_BYTES) {
                Ok(file) => describe(id, state, &file),
                // Gone again since the folder was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => placeholder(id, state, Some(error.to_string())),
            };
            records.push(record);
        }
        scan.report.n_adopted += records.len();
        self.index.put(&records)
    }

    /// Removes a temporary file that a crash left behind.
    fn sweep(&self, scan: &mut Scan, path: &Path, name: &str) {
        if !name.starts_with(TEMP_PREFIX) {
            return;
        }
        let age = self
            .fs
            .modified(path)
            .ok()
            .and_then(|(at, _)| SystemTime::now().duration_since(at).ok());
        // Of no harm where it stays: the next scan tries again.
        if age.is_some_and(|age| age > TEMP_AGE) && self.fs.remove(path).is_ok() {
            scan.report.n_swept += 1;
        }
    }

    /// Corrects the rows whose file was not found where they say.
    fn note_missing(&mut self, scan: &mut Scan) -> Result<()> {
        for (id, state) in scan.unseen.drain() {
            // It may have been saved or moved since its folder was listed.
            let now = if self.fs.modified(&self.layout.picture(id)).is_ok() {
                State::Here
            } else if self.fs.modified(&self.layout.trashed_picture(id)).is_ok() {
                State::Trashed
            } else {
                State::Missing
            };
            if now != state {
                self.index.set_state(id, now)?;
                match now {
                    State::Missing => scan.report.n_missing += 1,
                    State::Here | State::Trashed => scan.report.n_moved += 1,
                }
            }
        }
        Ok(())
    }
}

impl Scan {
    /// Notes a file. What the index has in the same place is right; what it has elsewhere is settled at
    /// the end.
    fn see(&mut self, id: Option<PictureId>, state: State) {
        let Some(id) = id else { return };
        match self.unseen.get(&id) {
            Some(known) if *known == state => {
                self.unseen.remove(&id);
            }
            // Read again when a missing file has come back: it may be another.
            Some(State::Missing) | None => {
                self.unseen.remove(&id);
                self.found.push_back((id, state));
            }
            Some(_) => {}
        }
    }
}
