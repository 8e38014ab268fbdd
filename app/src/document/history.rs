use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ahead::ReadAhead;
use super::content::Content;
use super::id::DocumentId;
use super::journal::{JournalFile, Record};
use super::layer::LayerId;
use super::outline::Outline;
use super::past_runs::PastRun;
use super::step::StepName;
use super::steps::{Direction, PlaneEdit, Step, Steps, TileEdit};
use super::tiles::AnyTile;
use super::title::title;
use super::versions::{VersionId, Versions};

/// Words of a prompt that name a document.
const NAME_WORDS: usize = 4;
const LIMIT_NAME: usize = 40;
/// Of a name that the user gives, or a file.
const LIMIT_GIVEN_NAME: usize = 200;

/// A picture being worked on, with every step back and forth.
///
/// A gesture is one step: between [`Document::begin`] and [`Document::commit`] the content may be changed at
/// will, and the step is the difference of the two snapshots. What each step leads to goes to the document's
/// journal; the tiles that no step nearby needs are in its file only.
pub struct Document {
    pub(super) id: DocumentId,
    pub(super) name: String,
    /// By the user or a file, so that it does not follow the prompts.
    pub(super) name_is_given: bool,
    pub(super) content: Content,
    gesture: Option<Gesture>,
    pub(super) steps: Steps,
    pub(super) versions: Versions,
    version: u64,
    pub(super) saved_path: Option<PathBuf>,
    pub(super) saved_serial: u64,
    pub(super) journal: Vec<Entry>,
    pub(super) file: Option<JournalFile>,
    pub(super) ahead: ReadAhead,
    pub(super) past_runs: Vec<PastRun>,
    notice: Option<String>,
}

struct Gesture {
    step: StepName,
    before: Content,
}

/// What a document has to write to its file: tiles, then the record that needs them.
#[derive(Debug, Clone)]
pub struct Entry {
    pub(super) tiles: Vec<(VersionId, AnyTile)>,
    pub(super) record: Record,
}

impl Default for Document {
    fn default() -> Self {
        Self::new()
    }
}

impl Document {
    pub fn new() -> Self {
        Self {
            id: DocumentId::new(),
            name: String::new(),
            name_is_given: false,
            content: Content::default(),
            gesture: None,
            steps: Steps::default(),
            versions: Versions::default(),
            version: 0,
            saved_path: None,
            saved_serial: 0,
            journal: Vec::new(),
            file: None,
            ahead: ReadAhead::default(),
            past_runs: Vec::new(),
            notice: None,
        }
    }

    pub fn id(&self) -> DocumentId {
        self.id
    }

    pub fn name(&self) -> &str {
        if self.name.is_empty() {
            "Untitled"
        } else {
            &self.name
        }
    }

    /// Names the document after the file that it came from or was saved as.
    pub fn name_after_file(&mut self, path: &Path) {
        if let Some(stem) = path.file_stem() {
            self.rename(&stem.to_string_lossy());
        }
    }

    /// Names the document by the first words of a prompt, unless it is named after a file or by the user.
    pub fn name_after_prompt(&mut self, prompt: &str) {
        let name = title(prompt, NAME_WORDS, LIMIT_NAME);
        if !self.name_is_given && !name.is_empty() && self.name != name {
            self.write_down(Record::NamedAfterPrompt(name.clone()));
            self.name = name;
        }
    }

    /// As [`Self::name_after_prompt`] for what changes a document: only where it has no name yet.
    pub fn name_at_first(&mut self, prompt: &str) {
        if self.name.is_empty() {
            self.name_after_prompt(prompt);
        }
    }

    /// Gives it a name that no prompt changes; none lets it follow the prompts again.
    pub fn rename(&mut self, name: &str) {
        let name: String = name.trim().chars().take(LIMIT_GIVEN_NAME).collect();
        let is_given = !name.is_empty();
        if (&self.name, self.name_is_given) != (&name, is_given) {
            self.write_down(if is_given {
                Record::Named(name.clone())
            } else {
                Record::NamedAfterPrompt(name.clone())
            });
            self.name = name;
            self.name_is_given = is_given;
        }
    }

    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Grows with every change that may be seen, those of a gesture in progress included.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Where the user last saved it.
    pub fn path(&self) -> Option<&Path> {
        self.saved_path.as_deref()
    }

    /// Whether it differs from what the user last saved.
    pub fn is_modified(&self) -> bool {
        self.saved_serial != self.steps.serial()
    }

    /// Something that the user should know, once.
    pub fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    /// Selects a layer, which is no step.
    pub fn select(&mut self, layer: Option<LayerId>) {
        self.content.selected = layer.filter(|id| self.content.layer(*id).is_some());
        self.version += 1;
    }

    pub fn is_in_gesture(&self) -> bool {
        self.gesture.is_some()
    }

    /// Begins a gesture. One that is still in progress is committed first.
    pub fn begin(&mut self, step: StepName) {
        self.commit();
        self.gesture = Some(Gesture {
            step,
            before: self.content.clone(),
        });
    }

    /// The content, to be changed inside a gesture.
    ///
    /// # Panics
    /// Outside of a gesture.
    pub fn content_mut(&mut self) -> &mut Content {
        assert!(
            self.gesture.is_some(),
            "content is changed in gestures only"
        );
        self.version += 1;
        &mut self.content
    }

    /// Ends the gesture. True if it changed more than the selection: then it is a step, and what was undone
    /// before is gone.
    pub fn commit(&mut self) -> bool {
        if let Some(gesture) = &self.gesture {
            self.content.settle(&gesture.before);
        }
        self.commit_settled()
    }

    fn commit_settled(&mut self) -> bool {
        let Some(Gesture { step, before }) = self.gesture.take() else {
            return false;
        };
        let outlines = (Outline::of(&before), Outline::of(&self.content));
        if let Some(excess) = outlines.1.excess() {
            // Its file could not be opened again.
            self.content = before;
            self.version += 1;
            self.notice = Some(format!("That was not done: {excess}."));
            return false;
        }
        let n_known = self.versions.len();
        let edits = self.edits_since(&before);
        if edits.is_empty() && outlines.0.is_alike(&outlines.1) {
            return false;
        }
        let step = Step {
            name: step,
            serial: 0,
            outline: (outlines.0 != outlines.1)
                .then(|| (Arc::new(outlines.0), Arc::new(outlines.1))),
            edits,
        };
        self.journal.push(Entry {
            tiles: self.versions.since(n_known),
            record: Record::Step(step.record()),
        });
        self.steps.push(step);
        self.versions.take_in(self.ahead.take(&[]));
        self.versions.forget();
        self.version += 1;
        true
    }

    /// What the content shows that `before` did not. Tiles that are known already become the known ones.
    fn edits_since(&mut self, before: &Content) -> Vec<PlaneEdit> {
        let mut planes: Vec<_> = self.content.planes().collect();
        let staying: HashSet<_> = planes.iter().copied().collect();
        planes.extend(before.planes().filter(|plane| !staying.contains(plane)));
        let mut edits = Vec::new();
        for plane in planes {
            let mut tiles = Vec::new();
            for change in self.content.plane_changes(before, plane) {
                let before = change.before.map(|tile| {
                    self.versions
                        .of(&tile)
                        .expect("every tile that was committed is known")
                });
                let after = change.after.as_ref().map(|tile| self.versions.intern(tile));
                if let (Some(id), Some(tile)) = (after, &change.after)
                    && let Some(known) = self
                        .versions
                        .tile(id)
                        .filter(|known| known.address() != tile.address())
                {
                    let known = known.clone();
                    self.content
                        .set_plane_tile(plane, change.index, Some(known));
                }
                self.versions.exchange(before, after);
                if before != after {
                    let index = change.index;
                    tiles.push(TileEdit {
                        index,
                        before,
                        after,
                    });
                }
            }
            if !tiles.is_empty() {
                edits.push(PlaneEdit { plane, tiles });
            }
        }
        edits
    }

    /// Drops the gesture: the content is as it was when it began.
    pub fn roll_back(&mut self) {
        if let Some(gesture) = self.gesture.take() {
            self.content = gesture.before;
            self.version += 1;
        }
    }

    /// A whole gesture at once. True if it changed anything.
    pub fn change(&mut self, step: StepName, change: impl FnOnce(&mut Content)) -> bool {
        self.begin(step);
        change(self.content_mut());
        self.commit()
    }

    /// As [`Self::change`] for what [`Content::settle`] was called on already, on another thread: with large
    /// planes that is nearly all that a commit costs.
    pub fn change_settled(&mut self, step: StepName, change: impl FnOnce(&mut Content)) -> bool {
        self.begin(step);
        change(self.content_mut());
        self.commit_settled()
    }

    /// Takes the last step back, or drops the gesture in progress if there is one. `None` if there is none,
    /// or if the disk does not give it: then there is a notice.
    pub fn undo(&mut self) -> Option<StepName> {
        if let Some(step) = self.gesture.as_ref().map(|gesture| gesture.step) {
            self.roll_back();
            return Some(step);
        }
        self.go(Direction::Back)
    }

    /// Does again what was last undone, after dropping a gesture in progress.
    pub fn redo(&mut self) -> Option<StepName> {
        self.roll_back();
        self.go(Direction::Forth)
    }

    pub fn next_undo(&self) -> Option<StepName> {
        self.steps.next(Direction::Back).map(|step| step.name)
    }

    /// Whether a step of this name has been taken, and not been taken back since.
    pub fn has_taken(&self, step: StepName) -> bool {
        self.steps.done().any(|done| done.name == step)
    }

    pub fn next_redo(&self) -> Option<StepName> {
        self.steps.next(Direction::Forth).map(|step| step.name)
    }

    fn go(&mut self, direction: Direction) -> Option<StepName> {
        let step = self.steps.next(direction)?;
        let wanted: Vec<_> = step.ends(direction).collect();
        self.versions.take_in(self.ahead.take(&wanted));
        let wanted = wanted.into_iter();
        if let Err(error) = self.versions.load(wanted, self.file.as_ref()) {
            self.notice = Some(error.to_string());
            return None;
        }
        if let Some(outline) = step.outline(direction) {
            outline.apply(&mut self.content);
        }
        for edit in &step.edits {
            let tiles = edit.tiles.iter().map(|tile| {
                let (from, to) = tile.ends(direction);
                let pixels = to.and_then(|id| self.versions.tile(id)).cloned();
                self.versions.exchange(from, to);
                (tile.index, pixels)
            });
            self.content.set_plane_tiles(edit.plane, tiles);
        }
        let name = step.name;
        self.steps.advance(direction);
        self.read_ahead(direction);
        self.version += 1;
        self.write_down(match direction {
            Direction::Back => Record::Undo,
            Direction::Forth => Record::Redo,
        });
        Some(name)
    }

    /// Begins to read what the next step back and the next forth need and memory has not; first that in the direction
    /// in which steps are taken.
    pub(super) fn read_ahead(&mut self, direction: Direction) {
        let ends = |direction| {
            let step = self.steps.next(direction).into_iter();
            step.flat_map(move |step| step.ends(direction))
        };
        let soon = ends(direction).chain(ends(direction.turned()));
        let (absent, dropped) = self.versions.prepare(soon);
        // A step that comes while another reading goes on is not read ahead.
        if let Some(file) = self.file.as_ref().filter(|_| !self.ahead.is_busy()) {
            self.ahead.begin(absent, file, dropped);
        }
    }

    pub(super) fn write_down(&mut self, record: Record) {
        let tiles = Vec::new();
        self.journal.push(Entry { tiles, record });
    }
}
