use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::content::Content;
use super::layer::LayerId;
use super::step::StepName;

/// A document's name among the open ones, through restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentId(Uuid);

impl DocumentId {
    #[expect(clippy::new_without_default, reason = "each one is different")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// Words of a prompt that name a document.
const NAME_WORDS: usize = 4;
const LIMIT_NAME: usize = 40;

/// A picture being worked on, with every step back and forth.
///
/// A gesture is one step: between [`Document::begin`] and [`Document::commit`] the content may be changed at
/// will, and the step is the difference of the two snapshots.
pub struct Document {
    id: DocumentId,
    name: String,
    content: Content,
    gesture: Option<Gesture>,
    undone: Vec<Step>,
    done: Vec<Step>,
    version: u64,
    /// How many steps were done when it was last saved; `None` once that state cannot be reached any more.
    saved_at: Option<usize>,
}

struct Gesture {
    step: StepName,
    before: Content,
}

struct Step {
    name: StepName,
    /// The content on the other side of the step.
    other: Content,
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
            content: Content::default(),
            gesture: None,
            undone: Vec::new(),
            done: Vec::new(),
            version: 0,
            saved_at: Some(0),
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
            self.name = stem.to_string_lossy().into_owned();
        }
    }

    /// Names the document by the first words of a prompt, unless it has a name.
    pub fn name_after_prompt(&mut self, prompt: &str) {
        if self.name.is_empty() {
            let words: Vec<_> = prompt.split_whitespace().take(NAME_WORDS).collect();
            self.name = words.join(" ").chars().take(LIMIT_NAME).collect();
        }
    }

    pub fn content(&self) -> &Content {
        &self.content
    }

    /// Grows with every change that may be seen, those of a gesture in progress included.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether it differs from what was last saved by the user.
    pub fn is_modified(&self) -> bool {
        self.saved_at != Some(self.done.len())
    }

    pub fn mark_saved(&mut self) {
        self.saved_at = Some(self.done.len());
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

    /// Ends the gesture. True if it changed anything: then it is a step, and what was undone before is gone.
    pub fn commit(&mut self) -> bool {
        let Some(Gesture { step, before }) = self.gesture.take() else {
            return false;
        };
        self.content.settle(&before);
        if self.content == before {
            return false;
        }
        if self
            .saved_at
            .is_some_and(|saved_at| saved_at > self.done.len())
        {
            self.saved_at = None;
        }
        self.undone.clear();
        self.done.push(Step {
            name: step,
            other: before,
        });
        self.version += 1;
        true
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

    /// Takes the last step back, or drops the gesture in progress if there is one.
    pub fn undo(&mut self) -> Option<StepName> {
        if let Some(step) = self.gesture.as_ref().map(|gesture| gesture.step) {
            self.roll_back();
            return Some(step);
        }
        let mut step = self.done.pop()?;
        std::mem::swap(&mut step.other, &mut self.content);
        self.version += 1;
        let name = step.name;
        self.undone.push(step);
        Some(name)
    }

    /// Does again what was last undone, after dropping a gesture in progress.
    pub fn redo(&mut self) -> Option<StepName> {
        self.roll_back();
        let mut step = self.undone.pop()?;
        std::mem::swap(&mut step.other, &mut self.content);
        self.version += 1;
        let name = step.name;
        self.done.push(step);
        Some(name)
    }

    pub fn next_undo(&self) -> Option<StepName> {
        self.done.last().map(|step| step.name)
    }

    pub fn next_redo(&self) -> Option<StepName> {
        self.undone.last().map(|step| step.name)
    }
}
