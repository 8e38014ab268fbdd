//! Brings files and index together: after a crash, after another program moved files, after a rebuild.
//!
//! The files are the truth. A scan goes in small steps, so that the window's gallery thread can save
//! and list in between.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::{Error, Result};
use super::index::{Record, Stamp, State};
use super::layout::{FileKind, PictureId, is_month};
use super::outside::Outside;
use super::picture_file::LIMIT_FILE_BYTES;
use super::store::{Access, Gallery, describe, stamp};
use crate::files;

/// Files read in one step.
const STEP_FILES: usize = 32;
/// Files looked at in one step without reading them.
const STEP_LOOKS: usize = 1000;

/// A scan under way.
pub struct Scan {
    /// What the index knew at the beginning and the scan has not seen yet.
    unseen: HashMap<PictureId, Stamp>,
    has_taken_unsaved: bool,
    months: VecDeque<String>,
    is_trash_listed: bool,
    are_ghosts_listed: bool,
    /// Files where the index has them, which may have been changed.
    seen: VecDeque<(PictureId, Stamp)>,
    /// Files that the index does not know, thinks elsewhere, or knows otherwise.
    found: VecDeque<(PictureId, State, FileKind)>,
    /// Files and folders that Limn did not name.
    strangers: Vec<PathBuf>,
    outside: Option<Outside>,
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
    /// Pictures of which more is known than before, from the same file.
    pub n_learnt: usize,
    /// Pictures that another program changed.
    pub changed: Vec<PictureId>,
    /// Temporary files removed.
    pub n_swept: usize,
}

impl ScanReport {
    pub fn has_changes(&self) -> bool {
        self.n_adopted + self.n_missing + self.n_moved + self.n_learnt + self.changed.len() > 0
    }
}

impl Gallery {
    /// When each folder was last written to: what is there differs if this does. A file that was written over does
    /// not show.
    pub(super) fn folder_times(&self) -> Result<Vec<(String, SystemTime)>> {
        let names = self.names(self.folder().to_owned())?;
        let folders = names
            .into_iter()
            .map(|name| (self.folder().join(&name), name));
        let folders = folders.filter(|(path, _)| path.is_dir());
        let times =
            folders.filter_map(|(path, name)| Some((name, self.fs.modified(&path).ok()?.0)));
        let mut times: Vec<_> = times.collect();
        times.sort_unstable();
        Ok(times)
    }

    /// Starts looking for what the index does not know. Cheap.
    pub fn begin_scan(&mut self) -> Result<Scan> {
        self.bar_links()?;
        let folder = self.folder();
        let names = self.names(folder.to_owned())?;
        let mut months: Vec<String> = names.into_iter().filter(|name| is_month(name)).collect();
        months.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Scan {
            unseen: self.index.stamps()?.into_iter().collect(),
            // What is only read is taken as it is.
            has_taken_unsaved: self.access == Access::Read,
            months: months.into(),
            is_trash_listed: false,
            are_ghosts_listed: false,
            seen: VecDeque::new(),
            found: VecDeque::new(),
            strangers: Vec::new(),
            outside: None,
            report: ScanReport::default(),
        })
    }

    /// Does one step: lists one folder, looks at up to 1000 files or reads up to 32. The report comes after
    /// the last.
    pub fn continue_scan(&mut self, scan: &mut Scan) -> Result<Option<ScanReport>> {
        if !scan.has_taken_unsaved {
            scan.has_taken_unsaved = true;
            scan.report.n_adopted += self.take_unsaved()?;
        } else if !scan.found.is_empty() {
            self.adopt_some(scan)?;
        } else if !scan.seen.is_empty() {
            self.look_at_some(scan);
        } else if let Some(month) = scan.months.pop_front() {
            let folder = self.layout.month_folder(&month);
            self.sweep(scan, &folder);
            let names = self.names(folder.clone())?;
            // A picture in another month's folder would never be found by its id.
            let is_own = |name: &&String| {
                let picture = PictureId::from_file_name(name);
                picture.is_some_and(|(id, _)| id.month() == month)
            };
            let (own, strangers): (Vec<_>, Vec<_>) = names.iter().partition(is_own);
            for (id, kind) in pictures(own) {
                scan.see(id, State::Here, kind);
            }
            scan.meet(&folder, strangers);
        } else if !scan.is_trash_listed {
            scan.is_trash_listed = true;
            for (id, kind) in pictures(&self.names(self.layout.trash())?) {
                scan.see(id, State::Trashed, kind);
            }
            for folder in [self.folder(), &self.layout.trash()] {
                self.sweep(scan, folder);
            }
            let names = self.names(self.folder().to_owned())?;
            let folders = [self.layout.trash(), self.layout.ghosts()];
            let own = |name: &&String| {
                is_month(name) || folders.iter().any(|own| own.ends_with(name.as_str()))
            };
            scan.meet(
                self.folder(),
                names.iter().filter(|name| !own(name)).collect(),
            );
        } else if !scan.are_ghosts_listed {
            scan.are_ghosts_listed = true;
            self.sweep(scan, &self.layout.ghosts());
            self.list_ghosts(scan)?;
        } else if scan.outside.is_none() {
            // Before the files of others: one of them may be what is missing.
            self.note_missing(scan)?;
            scan.outside = Some(match self.access {
                Access::Change => self.list_outside(&scan.strangers)?,
                // They would be copied into the gallery.
                Access::Read => Outside::default(),
            });
        } else if let Some(outside) = &mut scan.outside
            && !self.take_outside(outside, &mut scan.report.n_adopted)?
        {
            self.note_in_line();
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
        let is_sound = matches!(self.index.integrity(), Ok(None));
        let cleared = self.index.clear();
        match cleared {
            Ok(()) if is_sound => {}
            Err(error) if !error.is_index_damage() => return Err(error),
            Ok(()) => self.renew_index("it is not what was written")?,
            Err(error) => self.renew_index(&error.to_string())?,
        }
        let mut scan = self.begin_scan()?;
        let report = loop {
            if let Some(report) = self.continue_scan(&mut scan)? {
                break report;
            }
            on_progress(scan.report.n_adopted);
        };
        self.read_marks_or_say()?;
        Ok(report)
    }

    /// Names in the gallery's folder or one of its own; none behind a link.
    pub(super) fn names(&self, folder: PathBuf) -> Result<Vec<String>> {
        if self.is_barred(&folder) {
            return Ok(Vec::new());
        }
        self.fs
            .names(&folder)
            .map_err(|error| Error::io("read the gallery", folder, error))
    }

    /// Finds out which files are not as the index knows them.
    fn look_at_some(&self, scan: &mut Scan) {
        let n_files = scan.seen.len().min(STEP_LOOKS);
        for (id, known) in scan.seen.drain(..n_files) {
            let (state, kind) = (known.state, known.kind);
            if self.stamp(id, state, kind) != known {
                scan.found.push_back((id, state, kind));
            }
        }
    }

    /// Small pictures that deleted ones left behind: their rows are made from them. One whose picture is there
    /// after all is of no use.
    fn list_ghosts(&self, scan: &mut Scan) -> Result<()> {
        for (id, _) in pictures(&self.names(self.layout.ghosts())?) {
            let ghost = (id, State::Missing, FileKind::Png);
            match (scan.unseen.remove(&id), self.index.stamp(id)?) {
                (Some(known), _) if known.state == State::Missing => {
                    scan.seen.push_back((id, known));
                }
                (Some(_), _) | (None, None) => scan.found.push_back(ghost),
                (None, Some(stamp)) if stamp.state == State::Missing => {}
                (None, Some(_)) if self.access == Access::Read => {}
                // Of no harm where it stays: the next scan tries again.
                (None, Some(_)) => drop(self.fs.remove(&self.layout.ghost(id))),
            }
        }
        Ok(())
    }

    fn stamp(&self, id: PictureId, state: State, kind: FileKind) -> Stamp {
        stamp(&*self.fs, &self.place(id, state, kind), state, kind)
    }

    fn adopt_some(&mut self, scan: &mut Scan) -> Result<()> {
        let n_files = scan.found.len().min(STEP_FILES);
        let mut records = Vec::with_capacity(n_files);
        for (id, state, kind) in scan.found.drain(..n_files) {
            let now = self.stamp(id, state, kind);
            // Saved by this process since the scan began.
            if self.index.stamp(id)? == Some(now) && now.modified_ns != 0 {
                continue;
            }
            let file = self.fs.read(&self.place(id, state, kind), LIMIT_FILE_BYTES);
            let record = match file {
                Ok(file) => describe(id, now, &file),
                // Gone again since the folder was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => Record {
                    kind,
                    file_bytes: now.file_bytes,
                    modified_ns: now.modified_ns,
                    ..Record::new(id, state, Some(error.to_string()))
                },
            };
            let record = as_ghost(record);
            match self.index.record(id)? {
                Some(known) if state == State::Missing => {
                    scan.report.n_missing += usize::from(known.state != state);
                }
                None if state == State::Missing => {}
                None => scan.report.n_adopted += 1,
                Some(known) if known.sha256 != record.sha256 => {
                    scan.report.changed.push(id);
                    self.forget_thumbnail(id);
                }
                Some(known) => {
                    scan.report.n_moved += usize::from(known.state != state);
                    scan.report.n_learnt += usize::from(known.foreign != record.foreign);
                }
            }
            records.push(record);
        }
        self.index.put(&records)
    }

    /// Keeps what is left of a picture that another program took away.
    fn haunt(&self, id: PictureId) {
        if self.access == Access::Read {
            return;
        }
        if let Err(error) = self.keep_ghost(id) {
            tracing::warn!("nothing is left of picture {id} for the family tree: {error}");
        }
    }

    /// Removes the temporary files that a crash left behind in a folder, and in the one of its thumbnails.
    fn sweep(&self, scan: &mut Scan, folder: &Path) {
        scan.report.n_swept += self.sweep_folder(folder);
    }

    pub(super) fn sweep_folder(&self, folder: &Path) -> usize {
        if self.access == Access::Read || self.is_barred(folder) {
            return 0;
        }
        let inside = folder.strip_prefix(self.folder()).unwrap_or(Path::new(""));
        let small = self.thumbnails.folder().join(inside);
        files::sweep(&*self.fs, folder) + files::sweep(&*self.fs, &small)
    }

    /// Corrects the rows whose file was not found where they say.
    fn note_missing(&mut self, scan: &mut Scan) -> Result<()> {
        for (id, Stamp { state, .. }) in scan.unseen.drain() {
            // It may have been saved or moved since its folder was listed.
            let place = self
                .find(id, State::Here)
                .or_else(|| self.find(id, State::Trashed));
            let now = place.map_or(State::Missing, |(state, _)| state);
            if now == State::Missing
                && state == State::Trashed
                && self.index.children(id)?.is_empty()
            {
                // What was in the trash and is gone was meant to go.
                self.index.forget(id)?;
                self.forget_thumbnail(id);
                scan.report.n_missing += 1;
            } else if now != state {
                if now == State::Missing && !self.index.children(id)?.is_empty() {
                    self.haunt(id);
                }
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

/// A ghost's own size is not its picture's.
fn as_ghost(mut record: Record) -> Record {
    if let (State::Missing, Some(recipe)) = (record.state, &record.recipe) {
        (record.width, record.height) = (recipe.width, recipe.height);
    }
    record
}

/// What the index keeps of a ghost; `None` where there is none.
pub(super) fn read_ghost(gallery: &Gallery, id: PictureId) -> Result<Option<Record>> {
    let path = gallery.layout.ghost(id);
    let stamp = gallery.stamp(id, State::Missing, FileKind::Png);
    match gallery.fs.read(&path, LIMIT_FILE_BYTES) {
        Ok(file) => Ok(Some(as_ghost(describe(id, stamp, &file)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read the gallery", path, error)),
    }
}

impl Scan {
    /// Notes names that are not Limn's; hidden ones are nobody's business.
    fn meet(&mut self, folder: &Path, names: Vec<&String>) {
        let names = names.into_iter().filter(|name| !name.starts_with('.'));
        self.strangers.extend(names.map(|name| folder.join(name)));
    }

    /// Notes a file. What the index has in the same place is right; what it has elsewhere is settled at
    /// the end.
    fn see(&mut self, id: PictureId, state: State, kind: FileKind) {
        match self.unseen.get(&id) {
            Some(known) if known.state == state => {
                self.seen.push_back((id, Stamp { kind, ..*known }));
                self.unseen.remove(&id);
            }
            // Read again when a missing file has come back: it may be another.
            Some(Stamp {
                state: State::Missing,
                ..
            })
            | None => {
                self.unseen.remove(&id);
                self.found.push_back((id, state, kind));
            }
            Some(_) => {}
        }
    }
}

/// The pictures among a folder's names. Of two files with the same id only Limn's own kind counts: the other is a
/// copy that somebody put beside it.
pub(super) fn pictures<'a>(
    names: impl IntoIterator<Item = &'a String>,
) -> impl Iterator<Item = (PictureId, FileKind)> {
    let files = names.into_iter();
    let files = files.filter_map(|name| PictureId::from_file_name(name));
    let mut files: Vec<_> = files.collect();
    files.sort_unstable();
    files.dedup_by_key(|(id, _)| *id);
    files.into_iter()
}
