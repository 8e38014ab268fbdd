//! What an engine was asked, and whether what it says is an answer to that: of a kind that was asked, no more of it
//! and no larger than was asked.

use std::collections::{HashMap, HashSet};

use limn_engine::foreign_text;
use limn_engine::protocol::{
    Chunk, Embeddings, Event, GenerateRequest, JobId, Picture, Plan, Progress, Request, chunks,
};

use super::bounds;
use super::breach::Breach;

/// The sides of pictures that a model may choose for itself, in pixels.
const MAX_OWN_SIDE: u32 = 4096;

/// The books on one engine process.
#[derive(Debug, Default)]
pub(super) struct Asked {
    jobs: HashMap<JobId, Job>,
    last_job: u64,
    n_models: u32,
    n_devices: u32,
    n_upscalers: u32,
    n_counts: u32,
    n_loads: u32,
    /// Frames that were sent, each of which may be refused once.
    n_frames: u64,
    n_refused: u64,
}

#[derive(Debug)]
struct Job {
    answer: Answer,
    was_cancelled: bool,
}

#[derive(Debug)]
enum Answer {
    Pictures(Pictures),
    Embeddings {
        n_pictures: usize,
        n_texts: usize,
        came: bool,
    },
}

#[derive(Debug)]
struct Pictures {
    n: u32,
    came: HashSet<u32>,
    /// What the plan has to say; `None` where the model may choose.
    planned: Option<(u32, u32)>,
    /// The size of each picture; `None` before a plan where the model may choose.
    size: Option<(u32, u32)>,
    /// Each comes with how much it covers.
    is_patch: bool,
    has_started: bool,
}

impl Asked {
    /// Notes a request on its way, and the parts that go ahead of it.
    pub fn sent(&mut self, request: &Request, n_chunks: usize) {
        self.n_frames += 1 + n_chunks as u64;
        match request {
            Request::ListModels => self.n_models += 1,
            Request::ListDevices { .. } => self.n_devices += 1,
            Request::ListUpscalers => self.n_upscalers += 1,
            Request::CountTokens { .. } => self.n_counts += 1,
            Request::Load { .. } => self.n_loads += 1,
            Request::Cancel { job } => {
                if let Some(job) = self.jobs.get_mut(job) {
                    job.was_cancelled = true;
                }
            }
            Request::Chunk(_) | Request::Shutdown => {}
            Request::Generate { job, .. }
            | Request::Edit { job, .. }
            | Request::Vary { job, .. }
            | Request::Blend { job, .. }
            | Request::Shift { job, .. }
            | Request::Upscale { job, .. }
            | Request::Embed { job, .. } => {
                if let Some(answer) = Answer::to(request) {
                    let was_cancelled = false;
                    self.jobs.insert(
                        *job,
                        Job {
                            answer,
                            was_cancelled,
                        },
                    );
                    self.last_job = self.last_job.max(job.0);
                }
            }
        }
    }

    /// What the blobs of the pictures may take that are on their way: one picture, with what it covers.
    pub fn blob_budget_bytes(&self) -> u64 {
        let pictures = self.jobs.values().filter_map(|job| match &job.answer {
            Answer::Pictures(pictures) if pictures.has_started => Some(pictures),
            _ => None,
        });
        let bytes = pictures.map(|pictures| {
            let sizes = pictures.blob_bytes();
            sizes.into_iter().flatten().map(chunks::cost_bytes).sum()
        });
        bytes.max().unwrap_or(0)
    }

    /// Checks what the engine says, and makes of numbers that say nothing none. A job that is over is forgotten.
    ///
    /// # Errors
    /// The first thing in it that no engine sends that does its work.
    pub fn check(&mut self, event: &mut Event) -> Result<(), Breach> {
        match event {
            // Which of them can be drawn with is for whoever passes them on.
            Event::Models(_) => take_one(&mut self.n_models, "a list of models"),
            Event::Devices(devices) => {
                take_one(&mut self.n_devices, "a list of devices")?;
                bounds::devices(devices)
            }
            Event::Upscalers(upscalers) => {
                take_one(&mut self.n_upscalers, "a list of upscalers")?;
                bounds::upscalers(upscalers)
            }
            Event::TokenCount(_) => take_one(&mut self.n_counts, "a count of tokens"),
            Event::Loading {
                model, component, ..
            } => {
                if self.n_loads == 0 && self.jobs.is_empty() {
                    return Err(Breach::Unasked("the loading of a model"));
                }
                bounds::text("a model's name", &model.0)?;
                bounds::text("a component's name", component)
            }
            Event::Loaded { model, device, .. } => {
                take_one(&mut self.n_loads, "a loaded model")?;
                bounds::text("a model's name", &model.0)?;
                bounds::text("a device's name", device)
            }
            Event::Started { job, plan } => self.pictures(*job, "a plan")?.start(plan),
            Event::Progress { job, progress } => self.job(*job)?.progress(progress),
            Event::Chunk(chunk) => self.chunk(chunk),
            Event::Picture { job, picture } => self.pictures(*job, "a picture")?.take(picture),
            Event::Finished { job, timings, .. } => {
                bounds::timings(timings)?;
                self.job(*job)?.is_complete()?;
                self.over(*job)
            }
            Event::Cancelled { job } => {
                if !self.job(*job)?.was_cancelled {
                    return Err(Breach::Unasked("the end of a job"));
                }
                self.over(*job)
            }
            Event::Failed { job, failure } => {
                bounds::shorten(&mut failure.message);
                if foreign_text::line(&failure.message)
                    .to_string()
                    .trim()
                    .is_empty()
                {
                    failure.message =
                        String::from("the engine failed and said no reason: see its log");
                }
                self.failed(*job)
            }
            // Not an answer: a sign of life may come a moment after its job is over.
            Event::Working { job, .. } => match job {
                Some(JobId(job)) if *job > self.last_job => Err(Breach::UnknownJob(*job)),
                _ => Ok(()),
            },
            Event::Embedded { job, embeddings } => self.job(*job)?.embedded(embeddings),
        }
    }

    fn job(&mut self, job: JobId) -> Result<&mut Job, Breach> {
        self.jobs.get_mut(&job).ok_or(Breach::UnknownJob(job.0))
    }

    fn pictures(&mut self, job: JobId, what: &'static str) -> Result<&mut Pictures, Breach> {
        match &mut self.job(job)?.answer {
            Answer::Pictures(pictures) => Ok(pictures),
            Answer::Embeddings { .. } => Err(Breach::Unasked(what)),
        }
    }

    fn over(&mut self, job: JobId) -> Result<(), Breach> {
        let over = self.jobs.remove(&job);
        over.map(drop).ok_or(Breach::UnknownJob(job.0))
    }

    fn failed(&mut self, job: Option<JobId>) -> Result<(), Breach> {
        match job {
            Some(job) => self.over(job),
            None if self.n_refused < self.n_frames => {
                self.n_refused += 1;
                Ok(())
            }
            None => Err(Breach::Unasked("a refusal")),
        }
    }

    fn chunk(&self, chunk: &Chunk) -> Result<(), Breach> {
        let mut pictures = self.jobs.values().filter_map(|job| match &job.answer {
            Answer::Pictures(pictures) if pictures.has_started => Some(pictures),
            _ => None,
        });
        let is_asked =
            pictures.any(|pictures| pictures.blob_bytes().contains(&Some(chunk.total_bytes)));
        if is_asked {
            Ok(())
        } else {
            Err(Breach::Unasked("a part of a picture"))
        }
    }
}

impl Job {
    /// Whether all came that was asked for; one that was cancelled says another word at its end.
    fn is_complete(&self) -> Result<(), Breach> {
        let (sent, asked) = match &self.answer {
            Answer::Pictures(pictures) => (pictures.came.len(), pictures.n as usize),
            Answer::Embeddings { came, .. } => (usize::from(*came), 1),
        };
        if sent < asked {
            return Err(Breach::TooFew { sent, asked });
        }
        Ok(())
    }

    fn progress(&self, progress: &mut Progress) -> Result<(), Breach> {
        let n_asked = match &self.answer {
            Answer::Pictures(pictures) => pictures.n,
            Answer::Embeddings { n_pictures, .. } => (*n_pictures as u32).max(1),
        };
        if progress.picture >= n_asked {
            let index = progress.picture;
            return Err(Breach::PictureNumber { index, n_asked });
        }
        bounds::progress(progress)
    }

    fn embedded(&mut self, embeddings: &Embeddings) -> Result<(), Breach> {
        let Answer::Embeddings {
            n_pictures,
            n_texts,
            came,
        } = &mut self.answer
        else {
            return Err(Breach::Unasked("embeddings"));
        };
        if std::mem::replace(came, true) {
            return Err(Breach::Twice("embeddings"));
        }
        for (sent, asked) in [
            (embeddings.pictures.len(), *n_pictures),
            (embeddings.texts.len(), *n_texts),
        ] {
            if sent != asked {
                let what = "embeddings";
                return Err(Breach::WrongCount { what, sent, asked });
            }
        }
        bounds::embeddings(embeddings)
    }
}

impl Answer {
    fn to(request: &Request) -> Option<Self> {
        let drawn = |generate: &GenerateRequest, n: usize| {
            let n = generate.n_pictures.max(n as u32);
            Some(Self::Pictures(Pictures::new(n, generate.size)))
        };
        match request {
            Request::Generate { request, .. } => drawn(request, 0),
            Request::Vary { request, .. } => drawn(&request.generate, 0),
            Request::Blend { request, .. } => drawn(&request.generate, request.ways.len()),
            Request::Shift { request, .. } => {
                let n = request.amounts.len() as u32;
                Some(Self::Pictures(Pictures::new(n, request.generate.size)))
            }
            Request::Edit { request, .. } => {
                let n = request.generate.n_pictures;
                Some(Self::Pictures(Pictures {
                    size: Some(request.plan.context.size()),
                    is_patch: true,
                    ..Pictures::new(n, Some(request.plan.work_size))
                }))
            }
            Request::Upscale { request, .. } => {
                let larger = |side: u32| side.saturating_mul(request.scale);
                let size = (larger(request.source.width), larger(request.source.height));
                Some(Self::Pictures(Pictures::new(1, Some(size))))
            }
            Request::Embed { request, .. } => Some(Self::Embeddings {
                n_pictures: request.pictures.len(),
                n_texts: request.texts.len(),
                came: false,
            }),
            Request::ListModels
            | Request::ListUpscalers
            | Request::CountTokens { .. }
            | Request::ListDevices { .. }
            | Request::Load { .. }
            | Request::Cancel { .. }
            | Request::Chunk(_)
            | Request::Shutdown => None,
        }
    }
}

impl Pictures {
    fn new(n: u32, size: Option<(u32, u32)>) -> Self {
        Self {
            n,
            came: HashSet::new(),
            planned: size,
            size,
            is_patch: false,
            has_started: false,
        }
    }

    fn start(&mut self, plan: &Plan) -> Result<(), Breach> {
        if std::mem::replace(&mut self.has_started, true) {
            return Err(Breach::Twice("a plan"));
        }
        let size = (plan.width, plan.height);
        match self.planned {
            Some(asked) if asked != size => {
                let (what, sent) = ("a plan", size);
                return Err(Breach::WrongSize { what, sent, asked });
            }
            Some(_) => {}
            None if size.0.min(size.1) == 0 || size.0.max(size.1) > MAX_OWN_SIDE => {
                let limit = MAX_OWN_SIDE;
                return Err(Breach::ImpossibleSize { size, limit });
            }
            None => self.size = Some(size),
        }
        bounds::plan(plan)
    }

    fn take(&mut self, picture: &mut Picture) -> Result<(), Breach> {
        if !self.has_started {
            return Err(Breach::Unasked("a picture before its plan"));
        }
        let Picture {
            index,
            width,
            height,
            score,
            patch_mask,
            ..
        } = picture;
        let (index, n_asked) = (*index, self.n);
        if index >= n_asked {
            return Err(Breach::PictureNumber { index, n_asked });
        }
        if !self.came.insert(index) {
            return Err(Breach::Twice("a picture"));
        }
        let sent = (*width, *height);
        if let Some(asked) = self.size.filter(|asked| *asked != sent) {
            let what = "a picture";
            return Err(Breach::WrongSize { what, sent, asked });
        }
        if patch_mask.is_some() != self.is_patch {
            return Err(Breach::Unasked("a patch, or a whole picture,"));
        }
        *score = score.filter(|score| score.is_finite());
        Ok(())
    }

    /// Of a picture's pixels, and of what it covers.
    fn blob_bytes(&self) -> [Option<u64>; 2] {
        let n_pixels = self
            .size
            .map(|(width, height)| u64::from(width) * u64::from(height));
        [
            n_pixels.map(|n| n.saturating_mul(3)),
            n_pixels.filter(|_| self.is_patch),
        ]
    }
}

fn take_one(n_asked: &mut u32, what: &'static str) -> Result<(), Breach> {
    *n_asked = n_asked.checked_sub(1).ok_or(Breach::Unasked(what))?;
    Ok(())
}

/// Whether a picture's bytes are as many as its size has.
pub(super) fn check_bytes(
    picture: &Picture,
    pixels: &[u8],
    patch_mask: Option<&[u8]>,
) -> Result<(), Breach> {
    let n_pixels = picture.width as usize * picture.height as usize;
    let parts = [(Some(pixels), n_pixels * 3), (patch_mask, n_pixels)];
    for (sent, asked) in parts {
        if let Some(sent) = sent.map(<[u8]>::len).filter(|sent| *sent != asked) {
            let what = "a picture";
            return Err(Breach::WrongCount { what, sent, asked });
        }
    }
    Ok(())
}
