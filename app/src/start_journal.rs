//! What the program is doing that could be its end, written down before it is begun: if the program comes to its end
//! over it, the next start leaves it out and says so, until the user asks for it. So nothing on the disk, no model and
//! no document, can end every start.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::files::Lock;

/// A step that is done may still be the end of the program, when the window draws what came of it.
const CALM: Duration = Duration::from_secs(4);
const LIMIT_BYTES: u64 = 64 << 10;

/// A step of the start that depends on what others have written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartStep {
    /// Documents of last time are opened.
    Documents,
    Gallery,
    /// The engine's models are listed.
    Models,
    /// The model of this id is read.
    Model(String),
}

impl StartStep {
    /// As in "while it opened your documents".
    pub fn doing(&self) -> String {
        match self {
            Self::Documents => "opened your documents".to_owned(),
            Self::Gallery => "opened the gallery".to_owned(),
            Self::Models => "listed the models".to_owned(),
            Self::Model(id) => {
                let id: String = id.chars().take(80).collect();
                format!("read the model {id}")
            }
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Written {
    doing: BTreeSet<StartStep>,
    left_out: BTreeSet<StartStep>,
}

/// Of one running program. Where another one is just starting, or the disk refuses, nothing is written and nothing
/// left out.
#[derive(Debug, Default)]
pub struct StartJournal {
    /// Locked as long as this lives.
    lock: Option<Lock>,
    /// And when they were done.
    doing: Vec<(StartStep, Option<Instant>)>,
    left_out: BTreeSet<StartStep>,
    /// Models over which the engine came to its end: they are not read ahead again, or it would for ever.
    fatal: BTreeSet<StartStep>,
}

impl StartJournal {
    /// Reads what the program before left undone. Opened as a regular file, and never waited for.
    pub fn open(path: &Path) -> Self {
        match take(path) {
            Ok(Some((lock, written))) => {
                let mut left_out = written.left_out;
                left_out.extend(written.doing);
                Self {
                    lock: Some(lock),
                    doing: Vec::new(),
                    left_out,
                    fatal: BTreeSet::new(),
                }
            }
            Ok(None) => Self::default(),
            Err(error) => {
                tracing::warn!("what the start does is not written down: {error}");
                Self::default()
            }
        }
    }

    /// What is left out because the program came to its end over it.
    pub fn left_out(&self) -> impl Iterator<Item = &StartStep> {
        self.left_out.iter()
    }

    /// Notes a step that is about to begin. False where it is to be left out.
    pub fn begin(&mut self, step: StartStep) -> bool {
        if self.left_out.contains(&step) || self.fatal.contains(&step) {
            return false;
        }
        self.doing.retain(|(doing, _)| *doing != step);
        self.doing.push((step, None));
        self.write();
        true
    }

    /// The step is done, and on probation for a while. Nothing where it was not begun.
    pub fn done(&mut self, step: &StartStep, now: Instant) {
        for (doing, since) in &mut self.doing {
            if doing == step {
                since.get_or_insert(now);
            }
        }
    }

    /// The engine is gone, and the window is not. A model that it was reading is not read ahead again.
    pub fn engine_ended(&mut self, now: Instant) {
        let reading = self.doing.iter().filter(|(_, since)| since.is_none());
        let models = reading.filter(|(step, _)| matches!(step, StartStep::Model(_)));
        self.fatal.extend(models.map(|(step, _)| step.clone()));
        self.engine_is_through(now);
    }

    /// As [`Self::done`] for every step that the engine had begun.
    pub fn engine_is_through(&mut self, now: Instant) {
        for (doing, since) in &mut self.doing {
            if matches!(doing, StartStep::Models | StartStep::Model(_)) {
                since.get_or_insert(now);
            }
        }
    }

    /// Forgets what went well. When to look again.
    pub fn tick(&mut self, now: Instant) -> Option<Duration> {
        let n_before = self.doing.len();
        let left = |since: &Option<Instant>| {
            let since = now.saturating_duration_since((*since)?);
            Some(CALM.saturating_sub(since))
        };
        self.doing
            .retain(|(_, since)| left(since).is_none_or(|left| !left.is_zero()));
        if self.doing.len() != n_before {
            self.write();
        }
        self.doing.iter().filter_map(|(_, since)| left(since)).min()
    }

    /// The user wants to have what was left out: from now on nothing is.
    pub fn take_left_out(&mut self) -> Vec<StartStep> {
        std::mem::take(&mut self.left_out).into_iter().collect()
    }

    fn write(&mut self) {
        let written = Written {
            doing: self.doing.iter().map(|(step, _)| step.clone()).collect(),
            left_out: self.left_out.clone(),
        };
        let Some(lock) = &self.lock else { return };
        let mut file = lock.file();
        // Not synced: it is for the end of a program, not of the machine.
        let result = serde_json::to_vec(&written)
            .map_err(io::Error::from)
            .and_then(|json| {
                file.rewind()?;
                file.write_all(&json)?;
                file.set_len(json.len() as u64)
            });
        if let Err(error) = result {
            tracing::warn!("what the start does is not written down: {error}");
            self.lock = None;
        }
    }
}

impl Drop for StartJournal {
    fn drop(&mut self) {
        // Ended in order, unless it is a panic that ends it.
        if !std::thread::panicking() {
            self.doing.clear();
            self.write();
        }
    }
}

/// The file for this program alone, and what is in it. `None` where another program has it.
fn take(path: &Path) -> io::Result<Option<(Lock, Written)>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let Some(lock) = Lock::try_take(path)? else {
        return Ok(None);
    };
    let mut json = Vec::new();
    lock.file().take(LIMIT_BYTES).read_to_end(&mut json)?;
    // What is damaged says nothing.
    let written = serde_json::from_slice(&json).unwrap_or_default();
    Ok(Some((lock, written)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// As if the process had been killed: nothing is put in order.
    fn crash(mut journal: StartJournal) {
        journal.lock = None;
    }

    fn left_out(journal: &StartJournal) -> Vec<StartStep> {
        journal.left_out().cloned().collect()
    }

    #[test]
    fn what_a_crash_interrupted_is_left_out_until_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache").join("start.json");
        let model = StartStep::Model("doodle".to_owned());
        let only_model = vec![model.clone()];
        let mut journal = StartJournal::open(&path);
        assert!(journal.begin(StartStep::Documents));
        assert!(journal.begin(model.clone()));
        let start = Instant::now();
        journal.done(&StartStep::Documents, start);
        assert!(journal.tick(start).is_some());
        assert_eq!(journal.tick(start + CALM), None);
        crash(journal);

        // The documents went well, and the window lived on.
        for _ in 0..3 {
            let mut journal = StartJournal::open(&path);
            assert_eq!(left_out(&journal), only_model);
            assert!(!journal.begin(model.clone()), "at every further start too");
            assert!(journal.begin(StartStep::Documents));
            drop(journal);
        }
        let mut journal = StartJournal::open(&path);
        assert_eq!(journal.take_left_out(), only_model);
        assert!(journal.begin(model.clone()));
        crash(journal);
        let mut journal = StartJournal::open(&path);
        assert_eq!(left_out(&journal), only_model, "and it crashed again");
        journal.take_left_out();
        journal.begin(model);
        drop(journal);
        assert_eq!(left_out(&StartJournal::open(&path)), []);
    }

    #[test]
    fn a_step_that_is_done_is_to_blame_for_a_while_yet() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("start.json");
        let mut journal = StartJournal::open(&path);
        journal.begin(StartStep::Models);
        journal.engine_ended(Instant::now());
        journal.tick(Instant::now());
        crash(journal);
        assert_eq!(left_out(&StartJournal::open(&path)), [StartStep::Models]);
    }

    #[test]
    fn a_model_that_ends_the_engine_is_read_ahead_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("start.json");
        let mut journal = StartJournal::open(&path);
        let [good, bad] = ["good", "bad"].map(|id| StartStep::Model(id.to_owned()));
        assert!(journal.begin(good.clone()) && journal.begin(StartStep::Models));
        journal.done(&good, Instant::now());
        journal.begin(bad.clone());
        journal.engine_ended(Instant::now());
        assert!(!journal.begin(bad.clone()));
        assert!(journal.begin(good) && journal.begin(StartStep::Models));
        drop(journal);
        // The next engine may do better.
        assert!(StartJournal::open(&path).begin(bad));
    }

    #[test]
    fn a_second_program_leaves_nothing_out_and_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("start.json");
        let mut first = StartJournal::open(&path);
        first.begin(StartStep::Gallery);
        let mut second = StartJournal::open(&path);
        assert!(second.begin(StartStep::Gallery));
        drop(second);
        crash(first);
        assert_eq!(left_out(&StartJournal::open(&path)), [StartStep::Gallery]);
    }

    /// A link is not followed: what it leads to is somebody else's.
    #[cfg(unix)]
    #[test]
    fn a_link_in_its_place_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let [victim, path] = ["victim", "start.json"].map(|name| folder.path().join(name));
        std::fs::write(&victim, b"start file of a shell").unwrap();
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        let mut journal = StartJournal::open(&path);
        assert!(journal.begin(StartStep::Gallery));
        drop(journal);
        let kept = std::fs::read(&victim).unwrap();
        assert_eq!(kept, b"start file of a shell");
    }

    #[test]
    fn a_damaged_journal_says_nothing_and_a_folder_in_its_place_neither() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("start.json");
        for bytes in [&b"{"[..], b"", b"[]", &[0xff; 100]] {
            std::fs::write(&path, bytes).unwrap();
            let mut journal = StartJournal::open(&path);
            assert!(journal.begin(StartStep::Gallery));
            drop(journal);
        }
        let mut journal = StartJournal::open(folder.path());
        assert!(journal.begin(StartStep::Gallery));
    }
}
