//! The engine process that lays pictures and texts where CLIP has them: one of its own, so that the user's runs are
//! never kept waiting.
//!
//! It computes on the CPU at the lowest priority, is started when there is something to encode and ended when there
//! was nothing for a while. Its death is quiet: the next one is started later, and each time in a row after a
//! longer pause.

use std::sync::Arc;
use std::time::{Duration, Instant};

use image::RgbaImage;
use limn_engine::catalogue::BUILT_IN_ID;
use limn_engine::protocol::{
    BlobHash, Compute, DeviceChoice, DtypeChoice, EmbedRequest, Embeddings, Event, Failure,
    Feature, JobId, ModelId, ModelInfo, PictureInput, Request,
};

use crate::engine_link::{EngineCommand, EngineEvent, EngineLink};

/// Ended after so long without work.
const IDLE: Duration = Duration::from_mins(2);
/// Before a new start after the first death in a row; doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(4);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// Which engine encodes, and with which model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderChoice {
    pub engine: EngineCommand,
    /// `None`: the built-in one, or the first there is.
    pub model: Option<ModelId>,
}

/// What is to be encoded at once.
#[derive(Debug, Default)]
pub struct Batch {
    pub pictures: Vec<RgbaImage>,
    pub texts: Vec<String>,
}

impl Batch {
    pub fn of_pictures(pictures: Vec<RgbaImage>) -> Self {
        Self {
            pictures,
            texts: Vec::new(),
        }
    }

    pub fn of_texts(texts: Vec<String>) -> Self {
        Self {
            pictures: Vec::new(),
            texts,
        }
    }
}

/// What the process says.
#[derive(Debug)]
pub enum Said {
    Embedded(Embeddings),
    /// The batch cannot be encoded.
    Refused(Failure),
    /// It has ended, and what it was working on with it.
    Died(String),
}

pub struct EncoderProcess {
    choice: EncoderChoice,
    wake: Arc<dyn Fn() + Send + Sync>,
    link: Option<EngineLink>,
    /// From the first that was started on.
    model: Option<Result<ModelInfo, String>>,
    job: Option<JobId>,
    n_jobs: u64,
    n_deaths: u32,
    not_before: Option<Instant>,
    last_used: Instant,
}

impl EncoderProcess {
    /// Starts nothing yet. `wake` is called when [`Self::hear`] has something.
    pub fn new(choice: EncoderChoice, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            choice,
            wake,
            link: None,
            model: None,
            job: None,
            n_jobs: 0,
            n_deaths: 0,
            not_before: None,
            last_used: Instant::now(),
        }
    }

    pub fn choice(&self) -> &EncoderChoice {
        &self.choice
    }

    /// The name of the model by which its encoder is remembered.
    pub fn model_name(&self) -> &str {
        match (&self.model, &self.choice.model) {
            (Some(Ok(model)), _) => &model.id.0,
            (_, Some(id)) => &id.0,
            (_, None) => BUILT_IN_ID,
        }
    }

    /// The model, once an engine has said which it serves; or why there is none.
    pub fn model(&self) -> Option<Result<&ModelInfo, &str>> {
        let model = self.model.as_ref()?;
        Some(model.as_ref().map_err(String::as_str))
    }

    pub fn is_busy(&self) -> bool {
        self.job.is_some()
    }

    /// When it may be started again after a death; `None`: now.
    pub fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|at| *at > now)
    }

    /// Whether another start would be of no use to someone who waits.
    pub fn keeps_dying(&self) -> bool {
        self.n_deaths > 2 && self.rests_until(Instant::now()).is_some()
    }

    /// Encodes nothing for a long while: the next batch would come to the same.
    pub fn rest(&mut self) {
        self.not_before = Some(Instant::now() + LONGEST_PAUSE);
    }

    /// Starts the process, where none runs.
    pub fn start(&mut self) {
        self.last_used = Instant::now();
        if self.link.is_none() {
            let wake = Arc::clone(&self.wake);
            let link = EngineLink::start(self.choice.engine.clone(), move || wake());
            link.send(Request::ListModels);
            self.link = Some(link);
        }
    }

    /// Asks for embeddings. Only while it is not busy and its model is known.
    pub fn ask(&mut self, batch: Batch) {
        let Some(Ok(model)) = &self.model else {
            return;
        };
        let model = model.id.clone();
        let mut blobs: Vec<(BlobHash, Arc<[u8]>)> = Vec::new();
        let mut pictures = Vec::new();
        for picture in batch.pictures {
            let (width, height) = picture.dimensions();
            let bytes: Arc<[u8]> = picture.into_raw().into();
            let pixels = BlobHash::of(&bytes);
            // The same picture twice is sent once.
            if !blobs.iter().any(|(hash, _)| *hash == pixels) {
                blobs.push((pixels, bytes));
            }
            pictures.push(PictureInput {
                pixels,
                width,
                height,
            });
        }
        self.start();
        self.n_jobs += 1;
        let job = JobId(self.n_jobs);
        let request = EmbedRequest {
            model,
            compute: Compute {
                device: DeviceChoice::Cpu,
                dtype: DtypeChoice::Auto,
            },
            pictures,
            texts: batch.texts,
        };
        let blobs = blobs.into_iter().map(|(_, bytes)| bytes).collect();
        if let Some(link) = &self.link {
            link.send_with(Request::Embed { job, request }, blobs);
            self.job = Some(job);
        }
    }

    /// What has been said since the last call.
    pub fn hear(&mut self) -> Vec<Said> {
        /// An engine that never stops talking does not keep the gallery's thread.
        const MOST: usize = 1000;
        let mut said = Vec::new();
        for _ in 0..MOST {
            let Some(event) = self.link.as_ref().and_then(EngineLink::try_recv) else {
                break;
            };
            match event {
                EngineEvent::Event(event) => said.extend(self.heard(event)),
                EngineEvent::Died { reason, .. } => {
                    self.died();
                    said.push(Said::Died(reason));
                }
                EngineEvent::Connected { .. }
                | EngineEvent::Picture { .. }
                | EngineEvent::Notice { .. } => {}
            }
        }
        said
    }

    fn heard(&mut self, event: Event) -> Option<Said> {
        match event {
            Event::Models(models) => self.model = Some(self.pick(&models)),
            Event::Embedded { job, embeddings } if self.job == Some(job) => {
                self.n_deaths = 0;
                self.not_before = None;
                return Some(Said::Embedded(embeddings));
            }
            Event::Finished { job, .. } if self.job == Some(job) => self.job = None,
            Event::Cancelled { job } if self.job == Some(job) => self.job = None,
            Event::Failed {
                job: Some(job),
                failure,
            } if self.job == Some(job) => {
                self.job = None;
                return Some(Said::Refused(failure));
            }
            _ => {}
        }
        None
    }

    fn pick(&self, models: &[ModelInfo]) -> Result<ModelInfo, String> {
        let wanted = self.choice.model.clone();
        let built_in = ModelId(BUILT_IN_ID.to_owned());
        let id = wanted.as_ref().unwrap_or(&built_in);
        let can_embed = |model: &&ModelInfo| model.has(Feature::Embeddings);
        let named = models.iter().find(|model| model.id == *id);
        let found = match (named, &wanted) {
            (None, None) => models.iter().find(can_embed),
            (named, _) => named.filter(can_embed),
        };
        found.cloned().ok_or_else(|| match wanted {
            Some(id) => format!(
                "{} is not there, or cannot tell what pictures show: choose another model in Settings",
                id.0
            ),
            None => "no model is there that can tell what pictures show".to_owned(),
        })
    }

    /// The link would start the next process at once; nobody may be waiting for it.
    fn died(&mut self) {
        self.link = None;
        self.job = None;
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(self.n_deaths);
        self.n_deaths = (self.n_deaths + 1).min(16);
        self.not_before = Some(Instant::now() + pause.min(LONGEST_PAUSE));
    }

    /// Ends the process, if it has had nothing to do for long. Returns whether it did.
    pub fn end_if_idle(&mut self, now: Instant) -> bool {
        let is_idle = self.link.is_some()
            && self.job.is_none()
            && now.saturating_duration_since(self.last_used) >= IDLE;
        if is_idle {
            self.link = None;
        }
        is_idle
    }

    /// The process that runs now, for diagnosis and for the tests that kill it.
    pub fn process_id(&self) -> Option<u32> {
        self.link.as_ref()?.process_id()
    }
}
