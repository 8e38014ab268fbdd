//! An engine that lies: it greets and answers as any, and then floods, breaks off, or makes things up.

use std::io::{self, BufReader, StdinLock, StdoutLock, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use limn_engine::error::ErrorKind;
use limn_engine::protocol::{
    BlobHash, Chunk, Embeddings, Event, Failure, JobId, MemoryUse, ModelId, ModelInfo, Phase,
    Picture, Plan, Preview, Progress, Request, Sampling, Timings, Vocabulary, chunks, framing,
};
use limn_engine::samplers::Sampler;

/// Pictures of several parts.
const SIDE: u32 = 1024;

struct Wire {
    requests: BufReader<StdinLock<'static>>,
    events: StdoutLock<'static>,
    /// One that came before it was waited for.
    job: Option<Request>,
}

/// The other side has gone, as it should in the end.
type Said = io::Result<()>;

pub fn run(lie: &str) -> ExitCode {
    let mut wire = Wire {
        requests: BufReader::new(io::stdin().lock()),
        events: io::stdout().lock(),
        job: None,
    };
    match tell(&mut wire, lie) {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    }
}

/// `None` for a lie that is not known.
fn tell(wire: &mut Wire, lie: &str) -> Option<Said> {
    Some(match lie {
        "silence" => wire.listen(),
        "silence-after-greeting" => wire.greet().and_then(|()| wire.listen()),
        "signs-before-lists" => wire.greet().and_then(|()| wire.steady_signs(None)),
        "drip" => wire.drip(),
        "endless-banner" => wire.for_ever(|wire| wire.raw(&[b'x'; 4096])),
        "dies" => wire.greet(),
        _ => return tell_after_greeting(wire, lie),
    })
}

fn tell_after_greeting(wire: &mut Wire, lie: &str) -> Option<Said> {
    let greeted = wire.greet();
    let lists = move |wire: &mut Wire| greeted.and_then(|()| wire.lists(models()));
    Some(match lie {
        "models-unasked" => {
            lists(wire).and_then(|()| wire.for_ever(|wire| wire.say(&Event::Models(models()))))
        }
        "models-without-end" => {
            let mut many = models();
            many[0].examples = vec![String::new(); 7 << 20];
            wire.lists(many).and_then(|()| wire.listen())
        }
        "models-that-cannot-be" => wire.lists(impossible_models()).and_then(|()| wire.listen()),
        "frame-too-long" => lists(wire).and_then(|()| wire.raw(&u32::MAX.to_le_bytes())),
        "frame-of-garbage" => {
            lists(wire).and_then(|()| wire.raw(&[4, 0, 0, 0, 255, 255, 255, 255]))
        }
        "frame-cut-off" => lists(wire).and_then(|()| wire.raw(&[200, 0, 0, 0, 1, 2, 3])),
        "lines" => lists(wire).and_then(|()| flood_errors(b"out of coffee\n")),
        "a-line-without-end" => lists(wire).and_then(|()| flood_errors(&[b'x'; 4096])),
        "refusals" => {
            lists(wire).and_then(|()| wire.for_ever(|wire| wire.say(&failed(None, "no"))))
        }
        "pictures-unasked" => lists(wire)
            .and_then(|()| wire.for_ever(|wire| wire.picture(JobId(77), 0, (SIDE, SIDE), [0; 3]))),
        _ => return tell_in_a_job(wire, lie),
    })
}

fn tell_in_a_job(wire: &mut Wire, lie: &str) -> Option<Said> {
    let started = wire
        .lists(models())
        .and_then(|()| wire.job())
        .and_then(|job| wire.start(job, (SIDE, SIDE)).map(|()| job));
    let job = match started {
        Ok(job) => job,
        Err(error) => return Some(Err(error)),
    };
    Some(match lie {
        "pictures-beyond" => {
            let mut index = 0;
            wire.for_ever(|wire| {
                index += 1;
                wire.picture(job, index - 1, (SIDE, SIDE), [index as u8; 3])
            })
        }
        "picture-again" => wire.for_ever(|wire| wire.picture(job, 0, (SIDE, SIDE), [1; 3])),
        "picture-of-another-size" => wire
            .parts(&vec![0; (SIDE * SIDE * 3) as usize])
            .and_then(|blob| wire.say(&picture_event(job, 0, (SIDE * SIDE * 3, 1), blob))),
        "picture-not-sent" => wire.say(&picture_event(job, 0, (SIDE, SIDE), BlobHash([9; 32]))),
        "huge-parts" => wire.begun_blobs(chunks::MAX_BLOB_BYTES, chunks::MAX_CHUNK_BYTES),
        "begun-blobs" => wire.begun_blobs(u64::from(SIDE * SIDE * 3), chunks::MAX_CHUNK_BYTES),
        "crumbs" => wire.begun_blobs(u64::from(SIDE * SIDE * 3), 2),
        "wrong-hash" => {
            let mut parts: Vec<_> = chunks::split(&vec![7; (SIDE * SIDE * 3) as usize]).collect();
            parts[2].bytes[0] ^= 1;
            parts
                .into_iter()
                .try_for_each(|part| wire.say(&Event::Chunk(part)))
        }
        "previews" => wire.for_ever(|wire| wire.say(&preview(job, (SIDE * SIDE * 3) as usize))),
        "short-previews" => wire.for_ever(|wire| wire.say(&preview(job, 5))),
        "signs-of-life" => wire.for_ever(|wire| {
            let (job, phase) = (Some(job), Phase::Step);
            wire.say(&Event::working(job, phase))
        }),
        "steady-signs-of-life" => wire.steady_signs(Some(job)),
        "loading" => wire.for_ever(|wire| {
            wire.say(&Event::Loading {
                model: models().remove(0).id,
                component: "decoder".repeat(200),
                done_bytes: 1,
                total_bytes: 0,
            })
        }),
        _ => return tell_at_the_end(wire, job, lie),
    })
}

fn tell_at_the_end(wire: &mut Wire, job: JobId, lie: &str) -> Option<Said> {
    Some(match lie {
        "plan-again" => wire.start(job, (SIDE, SIDE)),
        "end-without-pictures" => wire.say(&finished(job, Vec::new())),
        "end-beside-a-grandchild" => leave_a_grandchild(),
        "end-of-another-job" => wire.say(&finished(JobId(job.0 + 1), Vec::new())),
        "end-nobody-asked-for" => wire.say(&Event::Cancelled { job }),
        "embeddings-unasked" => wire.say(&Event::Embedded {
            job,
            embeddings: Embeddings {
                encoder: String::new(),
                dim: 1,
                pictures: vec![vec![f32::NAN]; 1 << 20],
                texts: Vec::new(),
            },
        }),
        "message-without-end" => {
            let message = "no ".repeat(2 << 20);
            wire.say(&failed(Some(job), &message))
                .and_then(|()| wire.listen())
        }
        "timings-without-end" => wire.say(&finished(job, vec![f32::INFINITY; 1_900_000])),
        "impossible-numbers" => {
            let mut event = preview(job, (SIDE * SIDE * 3) as usize);
            if let Event::Progress { progress, .. } = &mut event {
                (progress.step, progress.n_steps) = (u32::MAX, 0);
                progress.seconds_left = Some(f32::NAN);
            }
            wire.say(&event).and_then(|()| wire.listen())
        }
        "ignores-cancels" => wire.listen(),
        _ => return None,
    })
}

impl Wire {
    fn greet(&mut self) -> Said {
        framing::write_greeting(&mut self.events).map_err(io::Error::other)
    }

    fn say(&mut self, event: &Event) -> Said {
        let frame = framing::encode_frame(event).map_err(io::Error::other)?;
        self.raw(&frame)
    }

    fn raw(&mut self, bytes: &[u8]) -> Said {
        self.events.write_all(bytes)?;
        self.events.flush()
    }

    fn for_ever(&mut self, mut say: impl FnMut(&mut Self) -> Said) -> Said {
        loop {
            say(self)?;
        }
    }

    /// Hears everything and says nothing.
    fn listen(&mut self) -> Said {
        io::copy(&mut self.requests, &mut io::sink()).map(drop)
    }

    /// As many as work can give.
    fn steady_signs(&mut self, job: Option<JobId>) -> Said {
        self.for_ever(|wire| {
            thread::sleep(Duration::from_millis(5));
            let phase = Phase::Step;
            wire.say(&Event::working(job, phase))
        })
    }

    fn drip(&mut self) -> Said {
        self.for_ever(|wire| {
            thread::sleep(Duration::from_millis(50));
            wire.raw(b"L")
        })
    }

    fn next(&mut self) -> io::Result<Request> {
        framing::read_frame(&mut self.requests)
            .map_err(io::Error::other)?
            .ok_or(io::ErrorKind::UnexpectedEof.into())
    }

    /// Answers all that a window asks at the start, as far as the loading of the model, or that a command asks before
    /// its job.
    fn lists(&mut self, models: Vec<ModelInfo>) -> Said {
        framing::read_greeting(&mut self.requests).map_err(io::Error::other)?;
        let mut models = Some(models);
        loop {
            match self.next()? {
                Request::ListModels => {
                    self.say(&Event::Models(models.take().unwrap_or_default()))?;
                }
                Request::ListDevices { .. } => self.say(&Event::Devices(Vec::new()))?,
                Request::ListUpscalers => {
                    self.say(&Event::Upscalers(Vec::new()))?;
                    if models.is_none() {
                        return Ok(());
                    }
                }
                request if request.job().is_some() => {
                    self.job = Some(request);
                    return Ok(());
                }
                _ => {}
            }
        }
    }

    /// Waits for a job.
    fn job(&mut self) -> io::Result<JobId> {
        loop {
            let request = match self.job.take() {
                Some(request) => request,
                None => self.next()?,
            };
            if let Request::Load { model, .. } = &request {
                self.say(&Event::Loaded {
                    model: model.clone(),
                    device: "CPU".to_owned(),
                    memory: MemoryUse::default(),
                })?;
            }
            if let Some(job) = request.job() {
                return Ok(job);
            }
        }
    }

    fn start(&mut self, job: JobId, (width, height): (u32, u32)) -> Said {
        let plan = Plan {
            model_name: "Liar".to_owned(),
            model_hash: String::new(),
            device: "CPU".to_owned(),
            dtype: "f32".to_owned(),
            width,
            height,
            cascade: None,
            sampler: Sampler::Ddim,
            n_steps: 10,
            guidance_scale: 4.0,
            n_prior_steps: Some(5),
            prior_guidance_scale: Some(4.0),
            unread_prompt: None,
            loras: Vec::new(),
            ip_adapter: None,
            stand_in: None,
            spacing: None,
            guidance_rescale: None,
            clip_skip: None,
            remarks: Vec::new(),
        };
        self.say(&Event::Started { job, plan })
    }

    fn parts(&mut self, bytes: &[u8]) -> io::Result<BlobHash> {
        for part in chunks::split(bytes) {
            self.say(&Event::Chunk(part))?;
        }
        Ok(BlobHash::of(bytes))
    }

    fn picture(&mut self, job: JobId, index: u32, size: (u32, u32), colour: [u8; 3]) -> Said {
        let blob = self.parts(&colour.repeat((size.0 * size.1) as usize))?;
        self.say(&picture_event(job, index, size, blob))
    }

    /// The first parts of ever more blobs.
    fn begun_blobs(&mut self, total_bytes: u64, n_bytes: usize) -> Said {
        let mut n: u64 = 0;
        self.for_ever(|wire| {
            n += 1;
            let mut blob = [0; 32];
            blob[..8].copy_from_slice(&n.to_le_bytes());
            wire.say(&Event::Chunk(Chunk {
                blob: BlobHash(blob),
                offset: 0,
                total_bytes,
                bytes: vec![0; n_bytes],
            }))
        })
    }
}

/// Ends, and leaves a process behind that keeps its output open, as ssh does.
fn leave_a_grandchild() -> Said {
    std::process::Command::new("sleep").arg("30").spawn()?;
    std::process::exit(7);
}

fn flood_errors(text: &[u8]) -> Said {
    let block = text.repeat((64 << 10) / text.len());
    loop {
        io::stderr().write_all(&block)?;
    }
}

fn models() -> Vec<ModelInfo> {
    vec![ModelInfo {
        id: ModelId("liar".to_owned()),
        name: "Liar".to_owned(),
        family: "unCLIP".to_owned(),
        description: "Liar draws what it likes.".to_owned(),
        bytes: 1,
        stride: 64,
        default_size: (SIDE, SIDE),
        defaults: Sampling::default(),
        vocabulary: None,
        examples: Vec::new(),
        operations: vec![limn_engine::protocol::Operation::Generate],
        features: Vec::new(),
        settings: Vec::new(),
        native_sizes: Vec::new(),
    }]
}

/// One that can be, among those that cannot.
fn impossible_models() -> Vec<ModelInfo> {
    let change = |id: &str, edit: fn(&mut ModelInfo)| {
        let mut model = models().remove(0);
        (model.id, model.name) = (ModelId(id.to_owned()), id.to_owned());
        edit(&mut model);
        model
    };
    let mut all = vec![
        change("wide", |model| model.default_size = (u32::MAX, 1)),
        change("flat", |model| model.default_size = (64, 0)),
        change("still", |model| model.stride = 0),
        change("striding", |model| model.stride = u32::MAX),
        change("", |_| {}),
        change("odd", |model| {
            model.defaults = Sampling {
                sampler: None,
                n_steps: Some(u32::MAX),
                guidance_scale: Some(f32::NAN),
                n_prior_steps: Some(0),
                prior_guidance_scale: Some(f32::INFINITY),
                clip_skip: Some(u32::MAX),
                spacing: None,
                guidance_rescale: None,
            };
            model.vocabulary = Some(Vocabulary::default());
        }),
    ];
    all.extend(models());
    all
}

fn picture_event(job: JobId, index: u32, (width, height): (u32, u32), pixels: BlobHash) -> Event {
    let picture = Picture {
        index,
        seed: 0,
        width,
        height,
        pixels,
        score: Some(f32::NAN),
        patch_mask: None,
        chosen: None,
    };
    Event::Picture { job, picture }
}

fn preview(job: JobId, n_bytes: usize) -> Event {
    let progress = Progress {
        phase: Phase::Step,
        picture: 0,
        step: 1,
        n_steps: 10,
        seconds_left: None,
        preview: Some(Preview {
            width: SIDE,
            height: SIDE,
            rgb: vec![3; n_bytes],
        }),
    };
    Event::Progress { job, progress }
}

fn finished(job: JobId, steps: Vec<f32>) -> Event {
    Event::Finished {
        job,
        timings: Timings {
            stages: Vec::new(),
            steps,
            total_seconds: f32::NAN,
        },
        memory: MemoryUse::default(),
    }
}

fn failed(job: Option<JobId>, message: &str) -> Event {
    Event::Failed {
        job,
        failure: Failure {
            kind: ErrorKind::Io,
            message: message.to_owned(),
        },
    }
}
