//! The only mutable document state of the window: the open documents, runs and their queue, what is shown,
//! what is known of the engine.
//!
//! A session does no work itself. It is fed [`EngineEvent`](crate::engine_link::EngineEvent)s and answers of
//! the gallery, and hands out [`Effect`]s: what to ask the engine for and what to save. So it is tested
//! without either.
//!
//! Invariants: at most one job is with the engine, the queue is here and survives the engine's death; a
//! picture is finished only after the gallery has acknowledged it; a picture that could not be saved stays
//! in memory and holds the queue; a run belongs to one document and owns what it was asked about, so that
//! neither later edits nor another tab disturb it.

mod blank_canvas;
mod deeds;
mod documents;
mod draft;
mod draft_settings;
mod edit_snapshot;
mod edits;
mod engine_events;
mod exports;
mod gallery_view;
mod gesture_drafts;
mod gestures;
mod ip_adapters;
mod keeping;
mod loras;
mod mask_work;
mod past_gestures;
mod past_runs;
mod patch;
mod pointer;
mod prompt_length;
mod queue;
mod results;
mod runs;
mod saving;
mod selection;
mod slots;
mod surprise;
mod time_left;
mod usable;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use limn_engine::prompt_language::styles::Style;
use limn_engine::protocol::{
    Compute, DeviceInfo, JobId, MemoryUse, ModelId, ModelInfo, Request, UpscalerInfo,
};

use crate::document::Document;
pub use crate::gallery::PictureId;
use crate::tools::Toolbox;
pub use crate::words::{PromptNote, UnknownWord, prompt_note, unknown_words};
pub use blank_canvas::BlankCanvas;
pub use deeds::{Deed, EditChoices};
pub use documents::{Documents, OpenDocument};
pub use draft::{
    Draft, MAX_PROMPT_CHARS, Problem, PromptHistory, SizeChoice, fitting_size, new_seed,
    size_choices,
};
pub use draft_settings::DraftSettings;
pub use edit_snapshot::{EditAsked, EditJob, EditSnapshot};
pub use edits::{EditOutlook, ShownResult, too_large};
pub use engine_events::News;
pub use gallery_view::{GalleryState, GalleryView, Grouping};
pub use gesture_drafts::{MixDraft, Part, TurnDraft};
pub use gestures::{Gesture, MixInput, Source, shares};
pub use ip_adapters::{IP_ADAPTER_SCALES, InstalledIpAdapter, IpAdapters};
pub use keeping::{Keep, Kept};
pub use loras::{InstalledLora, InstalledLoras, LORA_WEIGHTS, LoraMatch, LoraStanding, MOST_LORAS};
pub use mask_work::{MaskJob, MaskMade};
pub use patch::Patch;
pub use runs::{Run, RunState, Subject};
pub use selection::{Choose, Selection};
pub use slots::{Made, Slot, SlotState};
pub use surprise::surprise;
pub use usable::{RecipePart, Usable, recipe_of};

/// A run of the window: one press of the button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u64);

/// A picture that can be on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PictureRef {
    Result { run: RunId, index: u32 },
    Gallery(PictureId),
}
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Canvas,
    Gallery,
    Models,
}

impl Place {
    pub const ALL: [Self; 3] = [Self::Canvas, Self::Gallery, Self::Models];

    pub fn label(self) -> &'static str {
        match self {
            Self::Canvas => "Canvas",
            Self::Gallery => "Gallery",
            Self::Models => "Models",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SideTab {
    #[default]
    Results,
    Layers,
    Info,
}

impl SideTab {
    pub const ALL: [Self; 3] = [Self::Results, Self::Layers, Self::Info];

    pub fn label(self) -> &'static str {
        match self {
            Self::Results => "Results",
            Self::Layers => "Layers",
            Self::Info => "Info",
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub enum EngineState {
    #[default]
    Starting,
    /// Reading a model, from 0 to 1.
    Loading(f32),
    Ready,
    /// Died a moment ago; a new process is on its way.
    Restarting(String),
}
/// What the session wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Ask(Request),
    /// A request that names pictures and masks, which go ahead of it.
    AskWith {
        request: Request,
        blobs: Vec<Arc<[u8]>>,
    },
    /// Put an edit's request together on another thread.
    AskEdit(Box<EditJob>),
    /// Make a mask on another thread.
    Work(Box<MaskJob>),
    Save(Arc<Made>),
    /// Try the pictures again that could not be saved.
    RetrySaves,
}

#[derive(Default)]
pub struct Session {
    pub place: Place,
    pub side_tab: SideTab,
    pub toolbox: Toolbox,
    pub documents: Documents,
    /// Prompts that were run, in any document.
    pub history: PromptHistory,
    pub engine: EngineState,
    pub models: Vec<ModelInfo>,
    /// Whether the engine has said which models there are.
    pub models_are_listed: bool,
    pub devices: Vec<DeviceInfo>,
    pub upscalers: Vec<UpscalerInfo>,
    /// Saved pieces of prompt.
    pub styles: Vec<Style>,
    pub loras: InstalledLoras,
    pub ip_adapters: IpAdapters,
    /// The chosen model; the first of the list until the user chooses.
    pub model: Option<ModelId>,
    /// Device and precision for the next job.
    pub compute: Compute,
    /// The device that the engine reports, and its memory.
    pub device: Option<String>,
    pub memory: MemoryUse,
    /// Oldest first, of all documents.
    pub runs: Vec<Run>,
    /// Pictures that are made larger for a file, and are no results.
    exports: Vec<Run>,
    /// Projects that were opened or saved, the latest first.
    pub recent: Vec<PathBuf>,
    /// Why no job starts: the last picture could not be saved.
    pub held: Option<String>,
    /// The mask's tint is switched off.
    pub mask_is_hidden: bool,
    /// The key is held that shows the picture without its mask, or with it where it is hidden.
    pub peeks: bool,
    prompt_length: prompt_length::PromptLength,
    queue: VecDeque<queue::Job>,
    in_flight: Option<queue::Job>,
    /// The job in flight while its request is still put together.
    asking: Option<JobId>,
    staged: Option<keeping::Staged>,
    n_runs: u64,
    n_jobs: u64,
    n_mask_jobs: u64,
    /// Learned from finished jobs: seconds a picture takes.
    seconds_per_picture: Option<f32>,
    /// Runs that have ended, until the window has told of them.
    news: Vec<News>,
    /// Of the whole queue, and how many pictures it had in it then.
    queue_left: Option<(usize, time_left::TimeLeft)>,
}

impl Session {
    pub fn run(&self, id: RunId) -> Option<&Run> {
        let mut all = self.runs.iter().chain(&self.exports);
        all.find(|run| run.id == id)
    }

    fn run_mut(&mut self, id: RunId) -> Option<&mut Run> {
        let mut all = self.runs.iter_mut().chain(&mut self.exports);
        all.find(|run| run.id == id)
    }

    pub fn model_info(&self, id: &ModelId) -> Option<&ModelInfo> {
        self.models.iter().find(|model| &model.id == id)
    }

    /// The model that the next run uses.
    pub fn current_model(&self) -> Option<&ModelInfo> {
        self.model
            .as_ref()
            .and_then(|id| self.model_info(id))
            .or_else(|| self.models.first())
    }

    /// The document in front.
    pub fn document(&self) -> &Document {
        &self.documents.current().document
    }

    pub fn document_mut(&mut self) -> &mut Document {
        &mut self.documents.current_mut().document
    }

    pub fn draft_mut(&mut self) -> &mut Draft {
        &mut self.documents.current_mut().draft
    }

    pub fn mask_is_visible(&self) -> bool {
        self.mask_is_hidden == self.peeks
    }
}

#[cfg(test)]
mod tests;
