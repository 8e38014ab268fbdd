//! The document's side of its runs: written down as they come, and handed out once the document is opened again.

use uuid::Uuid;

use super::content::Content;
use super::filed::check_memory;
use super::history::{Document, Entry};
use super::journal::{JournalFile, LIMIT_HEAD_BYTES, Record};
use super::stored_runs::{
    ContentRecord, LIMIT_FACTS_BYTES, PatchRecord, ResultRecord, RunRecord, StoredRun, StoredRuns,
};
use super::tiles::{TileKind, Tiles};
use super::versions::{VersionId, Versions};

/// What pixels of runs may take in memory beside those that the document shows; older runs come without theirs. Tests
/// have little, so that they see that.
const LIMIT_PIXELS_BYTES: u64 = if cfg!(test) { 4 << 20 } else { 256 << 20 };

/// A run that was asked for before the document was last closed.
#[derive(Debug)]
pub struct PastRun {
    pub run: Uuid,
    /// As they were given to [`Document::write_run`].
    pub facts: String,
    /// `None` too where there was no room for its pixels.
    pub asked: Option<Content>,
    pub results: Vec<PastResult>,
}

#[derive(Debug)]
pub struct PastResult {
    pub index: u32,
    pub facts: String,
    /// Colours, and how much of them shows. `None` too where there was no room.
    pub patch: Option<(Tiles<[u8; 4]>, Tiles<u8>)>,
}

impl Document {
    /// Writes down that a run was asked for; of an edit, about which content.
    pub fn write_run(&mut self, run: Uuid, facts: String, asked: Option<&Content>) {
        if facts.len() > LIMIT_FACTS_BYTES {
            return;
        }
        let n_known = self.versions.len();
        let asked = asked.map(|asked| ContentRecord::of(asked, |tile| self.versions.noted(&tile)));
        let mut record = RunRecord { run, facts, asked };
        if !is_short(&record) {
            record.asked = None;
        }
        self.journal.push(Entry {
            tiles: self.versions.since(n_known),
            record: Record::Run(record),
        });
    }

    /// Writes down a result of a run, with the patch of an edit: colours, and how much of them shows.
    pub fn write_result(
        &mut self,
        (run, index): (Uuid, u32),
        facts: String,
        patch: Option<(&Tiles<[u8; 4]>, &Tiles<u8>)>,
    ) {
        if facts.len() > LIMIT_FACTS_BYTES {
            return;
        }
        let n_known = self.versions.len();
        let patch = patch
            .map(|(pixels, mask)| PatchRecord::of(pixels, mask, |tile| self.versions.noted(&tile)));
        let mut record = ResultRecord {
            run,
            index,
            facts,
            patch,
        };
        if !is_short(&record) {
            record.patch = None;
        }
        self.journal.push(Entry {
            tiles: self.versions.since(n_known),
            record: Record::Result(record),
        });
    }

    /// A run that is hidden does not come back.
    pub fn hide_run(&mut self, run: Uuid, is_hidden: bool) {
        self.write_down(Record::HideRun { run, is_hidden });
    }

    /// The runs of a document that was opened again, oldest first; once.
    pub fn take_past_runs(&mut self) -> Vec<PastRun> {
        std::mem::take(&mut self.past_runs)
    }
}

/// Whether a reader takes it: one that is too long would be the end of all that follows.
fn is_short(record: &impl serde::Serialize) -> bool {
    postcard::to_stdvec(record).is_ok_and(|bytes| bytes.len() < LIMIT_HEAD_BYTES as usize / 2)
}

/// Loads the pixels of stored runs, the latest first, as far as there is room. One whose pixels are damaged comes
/// without them.
pub(super) fn load(
    stored: StoredRuns,
    versions: &mut Versions,
    file: &JournalFile,
) -> Vec<PastRun> {
    let mut n_left = LIMIT_PIXELS_BYTES;
    let stored: Vec<StoredRun> = stored.shown().collect();
    let latest_first = stored.into_iter().rev();
    let mut runs: Vec<PastRun> = latest_first
        .map(|run| {
            let ids: Vec<VersionId> = run.versions().collect();
            let n_bytes = versions.n_absent_bytes(&ids);
            let has_room = n_bytes <= n_left && check_memory(file, n_bytes).is_ok();
            let has_pixels = has_room && versions.load(ids.into_iter(), Some(file)).is_ok();
            if has_pixels {
                n_left -= n_bytes;
            } else {
                // None of the older ones, which would otherwise fill the gap in an order that nobody understands.
                n_left = 0;
            }
            past_run(run, versions, has_pixels)
        })
        .collect();
    runs.reverse();
    runs
}

fn past_run(run: StoredRun, versions: &Versions, has_pixels: bool) -> PastRun {
    let StoredRun {
        record, results, ..
    } = run;
    let asked = record.asked.filter(|_| has_pixels);
    let results = results.into_values().map(|result| {
        let patch = result.patch.filter(|_| has_pixels);
        PastResult {
            index: result.index,
            facts: result.facts,
            patch: patch.and_then(|patch| patch.planes(versions)),
        }
    });
    PastRun {
        run: record.run,
        facts: record.facts,
        asked: asked.and_then(|asked| asked.content(versions)),
        results: results.collect(),
    }
}

impl Versions {
    /// The version of a tile that no step shows: it is in memory only as long as it is waited for.
    fn noted(&mut self, tile: &super::tiles::AnyTile) -> VersionId {
        let id = self.intern(tile);
        self.exchange(None, Some(id));
        self.exchange(Some(id), None);
        id
    }

    /// What those of them that are in the file only would take in memory.
    fn n_absent_bytes(&self, ids: &[VersionId]) -> u64 {
        let mut absent: Vec<_> = ids.iter().filter(|id| self.tile(**id).is_none()).collect();
        absent.sort_unstable();
        absent.dedup();
        let kinds = absent.into_iter().filter_map(|id| self.kind(*id));
        kinds.map(TileKind::n_bytes).sum::<usize>() as u64
    }
}
