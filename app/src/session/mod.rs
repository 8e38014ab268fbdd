//! The only mutable document state of the window: runs and their queue, what is shown, what is known of
//! the engine.
//!
//! A session does no work itself. It is fed [`EngineEvent`]s and answers of the gallery, and hands out
//! [`Effect`]s: what to ask the engine for and what to save. So it is tested without either.
//!
//! Invariants: at most one job is with the engine, the queue is here and survives the engine's death; a
//! picture is finished only after the gallery has acknowledged it; a picture that could not be saved stays
//! in memory and holds the queue.

mod draft;
mod gallery_view;
mod runs;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;
use limn_engine::protocol::{
    Compute, DeviceInfo, Event, GenerateRequest, JobId, MemoryUse, ModelId, ModelInfo, Picture,
    Request,
};

use crate::engine_link::EngineEvent;
pub use crate::gallery::PictureId;
pub use draft::{Draft, MAX_PROMPT_CHARS, SizeChoice, new_seed, size_choices};
pub use gallery_view::{GalleryState, GalleryView};
pub use runs::{Made, Run, RunState, Slot, SlotState};
pub use words::{UnknownWord, unknown_words};

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
    Info,
}

impl SideTab {
    pub const ALL: [Self; 2] = [Self::Results, Self::Info];

    pub fn label(self) -> &'static str {
        match self {
            Self::Results => "Results",
            Self::Info => "Info",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tool {
    #[default]
    Pan,
    Zoom,
}

impl Tool {
    pub fn label(self) -> &'static str {
        match self {
            Self::Pan => "Pan",
            Self::Zoom => "Zoom",
        }
    }
}

/// What of a recipe to use again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipePart {
    Everything,
    Prompt,
    Negative,
    Size,
    Seed,
    Sampling,
}

impl RecipePart {
    pub fn label(self) -> &'static str {
        match self {
            Self::Everything => "Use this recipe",
            Self::Prompt => "Use this prompt",
            Self::Negative => "Avoid this again",
            Self::Size => "Use this size",
            Self::Seed => "Use this seed",
            Self::Sampling => "Use these settings",
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
#[expect(
    clippy::large_enum_variant,
    reason = "a few at a time, carried out at once"
)]
pub enum Effect {
    Ask(Request),
    Save(Arc<Made>),
    /// Try the pictures again that could not be saved.
    RetrySaves,
}

#[derive(Debug, Default)]
pub struct Session {
    pub place: Place,
    pub side_tab: SideTab,
    pub tool: Tool,
    pub engine: EngineState,
    pub models: Vec<ModelInfo>,
    /// Whether the engine has said which models there are.
    pub models_are_listed: bool,
    pub devices: Vec<DeviceInfo>,
    /// The chosen model; the first of the list until the user chooses.
    pub model: Option<ModelId>,
    /// Device and precision for the next job.
    pub compute: Compute,
    /// The device that the engine reports, and its memory.
    pub device: Option<String>,
    pub memory: MemoryUse,
    /// Oldest first.
    pub runs: Vec<Run>,
    pub selected_run: Option<RunId>,
    pub shown: Option<PictureRef>,
    /// Why no job starts: the last picture could not be saved.
    pub held: Option<String>,
    /// The canvas goes along with the newest run until the user picks something else.
    follows: bool,
    queue: VecDeque<Job>,
    in_flight: Option<Job>,
    n_runs: u64,
    n_jobs: u64,
    /// Learned from finished jobs: seconds a picture takes.
    seconds_per_picture: Option<f32>,
}

/// A stretch of a run's pictures that the engine makes in one go.
#[derive(Debug, Clone, PartialEq)]
struct Job {
    id: JobId,
    run: RunId,
    first: u32,
    n_pictures: u32,
}

impl Session {
    /// Queues a run and shows its empty tiles; `Effect`s start it if nothing is in its way.
    pub fn queue(&mut self, request: GenerateRequest) -> (RunId, Vec<Effect>) {
        self.n_runs += 1;
        let id = RunId(self.n_runs);
        let size = request.size.unwrap_or_else(|| {
            self.model_info(&request.model)
                .map_or((256, 256), |model| model.default_size)
        });
        let n_pictures = request.n_pictures;
        self.runs.push(Run::new(id, request, size, self.shown));
        // Results that are being drawn are not taken away: the new run then shows as a line below them,
        // and its tiles when its turn comes.
        let watches_running = self
            .running()
            .is_some_and(|run| self.selected_run == Some(run.id));
        if !watches_running {
            self.selected_run = Some(id);
        }
        self.side_tab = SideTab::Results;
        self.follows = true;
        self.add_job(id, 0, n_pictures);
        (id, self.start_next())
    }

    /// Queues what a run has not finished: failed, cancelled or lost pictures.
    pub fn run_again(&mut self, id: RunId) -> Vec<Effect> {
        let Some(run) = self.runs.iter_mut().find(|run| run.id == id) else {
            return Vec::new();
        };
        let stretches = run.reopen();
        for (first, n_pictures) in stretches {
            self.add_job(id, first, n_pictures);
        }
        self.selected_run = Some(id);
        self.start_next()
    }

    /// Cancels a run; what is finished stays.
    pub fn cancel(&mut self, id: RunId) -> Vec<Effect> {
        self.queue.retain(|job| job.run != id);
        let running = self
            .in_flight
            .as_ref()
            .filter(|job| job.run == id)
            .map(|job| job.id);
        if let Some(run) = self.run_mut(id) {
            run.cancel(running.is_some());
        }
        running
            .map(|job| Effect::Ask(Request::Cancel { job }))
            .into_iter()
            .collect()
    }

    pub fn running(&self) -> Option<&Run> {
        let job = self.in_flight.as_ref()?;
        self.run(job.run)
    }

    /// Runs that are running or wait, in the order they will be done.
    pub fn active_runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| run.is_active())
    }

    /// Seconds until the queue is empty, once there is anything to estimate from.
    pub fn seconds_left(&self, now: Instant) -> Option<f32> {
        let running = match self.running() {
            Some(run) => run.seconds_left(now)?,
            None => 0.0,
        };
        let n_waiting: u32 = self.queue.iter().map(|job| job.n_pictures).sum();
        if n_waiting == 0 {
            return Some(running);
        }
        Some(running + self.seconds_per_picture? * n_waiting as f32)
    }

    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    fn run_mut(&mut self, id: RunId) -> Option<&mut Run> {
        self.runs.iter_mut().find(|run| run.id == id)
    }

    pub fn selected(&self) -> Option<&Run> {
        self.run(self.selected_run?)
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

    /// The gallery's id of a picture, once it is saved.
    pub fn picture_id(&self, picture: PictureRef) -> Option<PictureId> {
        match picture {
            PictureRef::Gallery(id) => Some(id),
            PictureRef::Result { run, index } => {
                self.run(run)?.slots.get(index as usize)?.saved_id()
            }
        }
    }

    pub fn shown_id(&self) -> Option<PictureId> {
        self.picture_id(self.shown?)
    }

    /// Puts a picture on the canvas by the user's choice.
    pub fn show(&mut self, picture: PictureRef) {
        self.shown = Some(picture);
        self.follows = false;
        if let PictureRef::Result { run, .. } = picture {
            self.selected_run = Some(run);
        }
    }

    pub fn select_run(&mut self, id: RunId) {
        let Some(run) = self.run(id) else { return };
        let (first, is_active) = (run.first_visible(), run.is_active());
        self.selected_run = Some(id);
        self.follows = is_active;
        if let Some(index) = first {
            self.shown = Some(PictureRef::Result { run: id, index });
        }
    }

    /// The nth result of the selected run, from 0, if there is something to see in it.
    pub fn show_result(&mut self, index: u32) {
        let Some(run) = self.selected() else { return };
        if run.slots.get(index as usize).is_some_and(Slot::is_visible) {
            let run = run.id;
            self.show(PictureRef::Result { run, index });
        }
    }

    pub fn show_before(&mut self) {
        if let Some(before) = self.selected().and_then(|run| run.before) {
            self.shown = Some(before);
            self.follows = false;
        }
    }

    /// The next (`1`) or previous (`-1`) result of the selected run, around the ends.
    pub fn step_result(&mut self, by: i32) {
        let Some(run) = self.selected() else { return };
        let visible: Vec<u32> = (0..run.slots.len() as u32)
            .filter(|index| run.slots[*index as usize].is_visible())
            .collect();
        if visible.is_empty() {
            return;
        }
        let here = match self.shown {
            Some(PictureRef::Result { run: shown, index }) if shown == run.id => {
                visible.iter().position(|visible| *visible == index)
            }
            _ => None,
        };
        let n = visible.len() as i32;
        let next = match here {
            Some(here) => (here as i32 + by).rem_euclid(n),
            None if by > 0 => 0,
            None => n - 1,
        };
        let run = run.id;
        self.show(PictureRef::Result {
            run,
            index: visible[next as usize],
        });
    }

    /// Takes a run out of the results. Its pictures stay in the gallery.
    pub fn dismiss(&mut self, id: RunId) {
        self.runs.retain(|run| run.id != id || run.is_active());
        if self.selected_run == Some(id) {
            self.selected_run = self.runs.last().map(|run| run.id);
        }
    }

    /// A picture has come back from the trash.
    pub fn restore_picture(&mut self, id: PictureId) {
        for run in &mut self.runs {
            run.restore(id);
        }
    }

    /// Forgets a picture that went to the trash.
    pub fn forget_picture(&mut self, id: PictureId) {
        let shown_was_it = self.shown_id() == Some(id);
        for run in &mut self.runs {
            run.forget(id);
        }
        if shown_was_it {
            self.shown = None;
        }
    }

    /// The gallery has the picture: it is finished.
    pub fn saved(&mut self, id: PictureId) -> Vec<Effect> {
        for run in &mut self.runs {
            if run.saved(id) {
                break;
            }
        }
        if !self.runs.iter().any(Run::has_unsaved) {
            self.held = None;
        }
        self.start_next()
    }

    /// The gallery could not write the picture: it stays in memory and the queue waits.
    pub fn not_saved(&mut self, id: PictureId, reason: &str) {
        for run in &mut self.runs {
            run.not_saved(id, reason);
        }
        self.held = Some(reason.to_owned());
    }

    /// Pictures that are nowhere but in memory, because they could not be written.
    pub fn n_unsaved(&self) -> usize {
        let slots = self.runs.iter().flat_map(|run| &run.slots);
        slots
            .filter(|slot| matches!(slot.state, SlotState::Unsaved { .. }))
            .count()
    }

    /// Every picture that is not on the disk, for a gallery that has not seen it yet.
    pub fn save_unsaved_again(&mut self) -> Vec<Effect> {
        for run in &mut self.runs {
            run.saving_again();
        }
        let saving = self.runs.iter().flat_map(|run| &run.slots);
        saving
            .filter_map(|slot| match &slot.state {
                SlotState::Saving(made) => Some(Effect::Save(Arc::clone(made))),
                _ => None,
            })
            .collect()
    }

    pub fn retry_saving(&mut self) -> Vec<Effect> {
        for run in &mut self.runs {
            run.saving_again();
        }
        vec![Effect::RetrySaves]
    }

    pub fn apply(&mut self, event: EngineEvent, now: Instant) -> Vec<Effect> {
        match event {
            EngineEvent::Connected { .. } => {
                self.engine = EngineState::Ready;
                let mut effects = vec![
                    Effect::Ask(Request::ListModels),
                    Effect::Ask(Request::ListDevices { self_test: false }),
                ];
                effects.extend(self.start_next());
                effects
            }
            EngineEvent::Event(event) => self.message(event, now),
            EngineEvent::Picture {
                job,
                picture,
                pixels,
                ..
            } => self.picture(job, &picture, pixels),
            EngineEvent::Died { reason, .. } => {
                self.fail_in_flight(&reason);
                self.engine = EngineState::Restarting(reason);
                Vec::new()
            }
        }
    }

    fn message(&mut self, event: Event, now: Instant) -> Vec<Effect> {
        match event {
            Event::Models(models) => {
                self.models = models;
                self.models_are_listed = true;
                let mut effects = self.start_next();
                if effects.is_empty()
                    && let Some(model) = self.current_model()
                {
                    // Read ahead of the first prompt, while the user writes it.
                    effects.push(Effect::Ask(Request::Load {
                        model: model.id.clone(),
                        compute: self.compute.clone(),
                    }));
                }
                return effects;
            }
            Event::Devices(devices) => self.devices = devices,
            Event::Loading {
                done_bytes,
                total_bytes,
                ..
            } => self.engine = EngineState::Loading(done_bytes as f32 / total_bytes.max(1) as f32),
            Event::Loaded { device, memory, .. } => {
                self.engine = EngineState::Ready;
                self.device = Some(device);
                self.memory = memory;
            }
            Event::Started { job, plan } => {
                self.engine = EngineState::Ready;
                self.device = Some(plan.device.clone());
                if let Some((run, _)) = self.job_run(job) {
                    run.started(plan);
                }
            }
            Event::Progress { job, progress } => {
                if let Some((run, first)) = self.job_run(job) {
                    let index = first + progress.picture;
                    let has_preview = run.progress(index, progress, now);
                    let run = run.id;
                    if has_preview {
                        self.follow(run, index);
                    }
                }
            }
            Event::Finished {
                job,
                timings,
                memory,
            } => {
                self.memory = memory;
                if let Some(done) = self.in_flight.take_if(|in_flight| in_flight.id == job) {
                    self.seconds_per_picture =
                        Some(timings.total_seconds / done.n_pictures.max(1) as f32);
                    let more = self.queue.iter().any(|job| job.run == done.run);
                    if let Some(run) = self.run_mut(done.run) {
                        run.job_finished(more);
                    }
                }
                return self.start_next();
            }
            Event::Cancelled { job } => {
                if let Some(done) = self.in_flight.take_if(|in_flight| in_flight.id == job)
                    && let Some(run) = self.run_mut(done.run)
                {
                    run.cancelled();
                }
                return self.start_next();
            }
            Event::Failed {
                job: Some(job),
                failure,
            } => {
                if let Some(done) = self.in_flight.take_if(|in_flight| in_flight.id == job) {
                    self.queue.retain(|job| job.run != done.run);
                    if let Some(run) = self.run_mut(done.run) {
                        run.failed(&failure.message);
                    }
                }
                return self.start_next();
            }
            // Outside any job, only the link's log has a use for it.
            Event::Failed { job: None, .. }
            | Event::Working { .. }
            | Event::Chunk(_)
            | Event::Picture { .. } => {}
        }
        Vec::new()
    }

    fn picture(&mut self, job: JobId, picture: &Picture, rgb: Vec<u8>) -> Vec<Effect> {
        let Some(pixels) = RgbImage::from_raw(picture.width, picture.height, rgb) else {
            // The link has checked the hash; a size that does not fit is a picture that never comes.
            return Vec::new();
        };
        let Some((run, first)) = self.job_run(job) else {
            return Vec::new();
        };
        let (run_id, index) = (run.id, first + picture.index);
        let Some(made) = run.finished_drawing(index, picture, pixels) else {
            return Vec::new();
        };
        self.follow(run_id, index);
        vec![Effect::Save(made)]
    }

    /// Shows a run's first picture as it appears, unless the user looks at something else.
    fn follow(&mut self, run: RunId, index: u32) {
        let already =
            matches!(self.shown, Some(PictureRef::Result { run: shown, .. }) if shown == run);
        if self.follows && !already {
            self.shown = Some(PictureRef::Result { run, index });
            self.selected_run = Some(run);
        }
    }

    fn job_run(&mut self, job: JobId) -> Option<(&mut Run, u32)> {
        let in_flight = self
            .in_flight
            .as_ref()
            .filter(|in_flight| in_flight.id == job)?;
        let (run, first) = (in_flight.run, in_flight.first);
        self.run_mut(run).map(|run| (run, first))
    }

    fn add_job(&mut self, run: RunId, first: u32, n_pictures: u32) {
        self.n_jobs += 1;
        self.queue.push_back(Job {
            id: JobId(self.n_jobs),
            run,
            first,
            n_pictures,
        });
    }

    /// Starts the next job where the engine is idle and every picture is safe.
    fn start_next(&mut self) -> Vec<Effect> {
        let engine_listens = matches!(self.engine, EngineState::Ready | EngineState::Loading(_));
        if self.in_flight.is_some() || self.held.is_some() || !engine_listens {
            return Vec::new();
        }
        let Some(job) = self.queue.pop_front() else {
            return Vec::new();
        };
        let Some(run) = self.run_mut(job.run) else {
            return self.start_next();
        };
        run.starting(job.first, job.n_pictures);
        let mut request = run.request.clone();
        request.seed = request.seed.wrapping_add(u64::from(job.first));
        request.n_pictures = job.n_pictures;
        let id = job.id;
        self.in_flight = Some(job);
        vec![Effect::Ask(Request::Generate { job: id, request })]
    }

    fn fail_in_flight(&mut self, reason: &str) {
        let Some(job) = self.in_flight.take() else {
            return;
        };
        self.queue.retain(|waiting| waiting.run != job.run);
        if let Some(run) = self.run_mut(job.run) {
            run.failed(reason);
        }
    }
}

#[cfg(test)]
mod tests;
