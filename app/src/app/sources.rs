//! Pictures that a gesture is about, on their way from the gallery, the canvas or a file. Decoding, laying layers
//! over each other and making them small enough happen in other threads; once all are here the run is queued.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use image::RgbaImage;
use limn_engine::protocol::{BlobHash, GenerateRequest, PictureInput};

use super::export_copy::CopyOrder;
use super::{App, carry_out::Fetched, thread};
use crate::command::Command;
use crate::document::{Content, DocumentId};
use crate::import;
use crate::marking;
use crate::panels::toasts::Tone;
use crate::session::{Gesture, MixInput, Part, PictureId, PictureRef, RunId, Source, fitting_size};

/// What is to be done once the pictures are here.
#[derive(Debug, Clone)]
pub(super) enum Intent {
    Variations {
        far: f32,
    },
    Mix {
        ways: Vec<Vec<f32>>,
    },
    Turn {
        from: String,
        to: String,
        amounts: Vec<f32>,
    },
    Upscale {
        scale: u32,
    },
    /// For a file, and for nothing else.
    Export(Box<CopyOrder>),
    /// More of a run that came back from an earlier start, by this command.
    Past {
        run: RunId,
        then: Box<Command>,
        is_looked_at: bool,
    },
}

impl Intent {
    /// A model looks at the pictures, which is not told more by more pixels.
    fn is_looked_at(&self) -> bool {
        match self {
            Self::Upscale { .. } | Self::Export(_) => false,
            Self::Past { is_looked_at, .. } => *is_looked_at,
            Self::Variations { .. } | Self::Mix { .. } | Self::Turn { .. } => true,
        }
    }
}

/// Where a picture of a gesture comes from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Part(Part),
    File(PathBuf),
    /// What a document showed once.
    Shown(Arc<Content>),
}

/// Which picture of which gesture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    gathering: u64,
    place: usize,
}

/// A gesture whose pictures are on their way.
struct Gathering {
    id: u64,
    document: DocumentId,
    request: GenerateRequest,
    intent: Intent,
    /// `None` where one is still awaited.
    inputs: Vec<Option<MixInput>>,
}

struct Job {
    ticket: Ticket,
    pixels: Pixels,
    /// All but the pixels is right.
    source: Source,
    limit_px: Option<u32>,
}

enum Pixels {
    Picture(Arc<RgbaImage>),
    Canvas(Arc<Content>),
    File(PathBuf),
}

pub(super) const THREAD: &str = "sources";

pub(super) struct Sources {
    done: Receiver<(Ticket, Result<Source, String>)>,
    to_thread: thread::Jobs<Job>,
    gathering: Vec<Gathering>,
    n_gatherings: u64,
}

impl Sources {
    pub(super) fn start(faults: &thread::Faults, wake: impl Fn() + Send + 'static) -> Self {
        let work = |job: Job| (job.ticket, job.run());
        let (to_thread, done) = thread::start(THREAD, work, faults, wake);
        Self {
            done,
            to_thread,
            gathering: Vec::new(),
            n_gatherings: 0,
        }
    }
}

impl Sources {
    /// What was gathered does not come: its thread began anew.
    pub(super) fn give_up(&mut self) {
        self.gathering.clear();
    }
}

#[cfg(test)]
impl Sources {
    pub(super) fn is_idle(&self) -> bool {
        self.gathering.is_empty()
    }
}

impl Job {
    fn run(self) -> Result<Source, String> {
        let mut is_of_ai = self.source.is_of_ai;
        let pixels = match self.pixels {
            Pixels::Picture(pixels) => pixels,
            Pixels::Canvas(content) => {
                let (width, height) = content.frame.size();
                let bytes = content.composite(content.frame).into_flattened();
                let pixels = RgbaImage::from_raw(width, height, bytes);
                Arc::new(pixels.unwrap_or_default())
            }
            Pixels::File(path) => {
                let picture = import::open(&path).map_err(|error| error.to_string())?;
                is_of_ai = is_wholly_of_ai(picture.source_type.as_deref());
                Arc::new(picture.pixels)
            }
        };
        let pixels = match self.limit_px {
            Some(limit_px) => import::small_enough(pixels, limit_px),
            None => pixels,
        };
        let (width, height) = pixels.dimensions();
        let rgba: Arc<[u8]> = pixels.as_raw().as_slice().into();
        let input = PictureInput {
            pixels: BlobHash::of(&rgba),
            width,
            height,
        };
        Ok(Source {
            input,
            rgba,
            is_of_ai,
            ..self.source
        })
    }
}

impl App {
    /// Queues a gesture as soon as its pictures are here.
    pub(super) fn gather(
        &mut self,
        request: GenerateRequest,
        intent: Intent,
        origins: Vec<Origin>,
    ) {
        self.sources.n_gatherings += 1;
        let id = self.sources.n_gatherings;
        self.sources.gathering.push(Gathering {
            id,
            document: self.session.documents.current_id(),
            request,
            intent,
            inputs: vec![None; origins.len()],
        });
        for (place, origin) in origins.into_iter().enumerate() {
            let ticket = Ticket {
                gathering: id,
                place,
            };
            match origin {
                Origin::Part(Part::Text(text)) => self.arrived(ticket, MixInput::Text(text)),
                Origin::Part(Part::Picture(id)) => self.fetch(id, Fetched::Source(ticket)),
                Origin::Part(Part::Canvas) => {
                    let open = self.session.documents.current();
                    let content = Arc::new(self.session.canvas_content().clone());
                    let source = Source {
                        canvas: Some(Arc::clone(&content)),
                        name: open.document.name().to_owned(),
                        parents: open.parents(),
                        recipe: self.document_recipe().map(Arc::new),
                        is_of_ai: is_wholly_of_ai(self.document_source_type().as_deref()),
                        ..blank_source()
                    };
                    self.prepare(ticket, Pixels::Canvas(content), source);
                }
                Origin::File(path) => {
                    let name = path.file_stem().unwrap_or_default();
                    let source = Source {
                        file: Some(path.clone()),
                        name: name.to_string_lossy().into_owned(),
                        ..blank_source()
                    };
                    self.prepare(ticket, Pixels::File(path), source);
                }
                Origin::Shown(content) => {
                    self.prepare(ticket, Pixels::Canvas(content), blank_source());
                }
            }
        }
    }

    /// A picture of the gallery is open that a gesture waits for.
    pub(super) fn source_fetched(
        &mut self,
        ticket: Ticket,
        id: PictureId,
        pixels: &Arc<RgbaImage>,
    ) {
        let record = self.gallery_view.record(id);
        let recipe = self.recipe(PictureRef::Gallery(id)).map(Arc::new);
        let name = match &recipe {
            Some(recipe) => recipe.subject(),
            None => record.map(|record| record.name()).unwrap_or_default(),
        };
        let source_type = record.and_then(|record| record.digital_source_type());
        let source = Source {
            name,
            is_of_ai: is_wholly_of_ai(source_type),
            picture: Some(id),
            parents: vec![id],
            recipe,
            ..blank_source()
        };
        self.prepare(ticket, Pixels::Picture(Arc::clone(pixels)), source);
    }

    /// One picture cannot be had: the gesture is off.
    pub(super) fn source_failed(&mut self, ticket: Ticket) {
        let gathering = &mut self.sources.gathering;
        gathering.retain(|gathering| gathering.id != ticket.gathering);
    }

    pub(super) fn drain_sources(&mut self, now: Instant) {
        while let Ok((ticket, source)) = self.sources.done.try_recv() {
            match source {
                Ok(source) => self.arrived(ticket, MixInput::Picture(source)),
                Err(message) => {
                    self.source_failed(ticket);
                    self.toasts.say(Tone::Bad, message, now);
                }
            }
        }
    }

    fn prepare(&mut self, ticket: Ticket, pixels: Pixels, source: Source) {
        let gathering = self.sources.gathering.iter();
        let mut gathering = gathering.filter(|gathering| gathering.id == ticket.gathering);
        let is_looked_at = gathering.any(|gathering| gathering.intent.is_looked_at());
        self.sources.to_thread.send(Job {
            ticket,
            pixels,
            source,
            limit_px: is_looked_at.then_some(import::LOOKED_AT_PX),
        });
    }

    fn arrived(&mut self, ticket: Ticket, input: MixInput) {
        let all = &mut self.sources.gathering;
        let Some(at) = all
            .iter()
            .position(|gathering| gathering.id == ticket.gathering)
        else {
            return;
        };
        if let Some(place) = all[at].inputs.get_mut(ticket.place) {
            *place = Some(input);
        }
        if all[at].inputs.iter().all(Option::is_some) {
            let gathering = all.remove(at);
            self.queue_gathered(gathering);
        }
    }

    fn queue_gathered(&mut self, gathering: Gathering) {
        let Gathering {
            document,
            mut request,
            intent,
            inputs,
            ..
        } = gathering;
        let inputs: Vec<MixInput> = inputs.into_iter().flatten().collect();
        if let Intent::Past { run, then, .. } = intent {
            let sources = inputs.into_iter().filter_map(|input| match input {
                MixInput::Picture(source) => Some(source),
                MixInput::Text(_) => None,
            });
            self.session.give_sources(run, sources.collect());
            return self.commands.push(*then);
        }
        let first = inputs.iter().find_map(|input| match input {
            MixInput::Picture(source) => Some(source.clone()),
            MixInput::Text(_) => None,
        });
        if let (Some(source), Some(model)) = (&first, self.session.model_info(&request.model)) {
            request.size = fitting_size(model, (source.input.width, source.input.height));
        }
        let gesture = match (intent, first) {
            (Intent::Mix { ways }, _) => Gesture::Mix { inputs, ways },
            (Intent::Variations { far }, Some(source)) => Gesture::Variations { source, far },
            (Intent::Turn { from, to, amounts }, Some(source)) => Gesture::Turn {
                source,
                from,
                to,
                amounts,
            },
            (Intent::Upscale { scale }, Some(source)) => Gesture::Upscale { source, scale },
            (Intent::Export(order), Some(source)) => {
                let scale = order.settings.scale;
                let gesture = Gesture::Upscale { source, scale };
                let (run, effects) = self.session.queue_export(request, gesture);
                self.copies.larger.push((run, *order));
                return self.carry_out_effects(effects);
            }
            (Intent::Past { .. }, _) | (_, None) => return,
        };
        let (_, effects) = self.session.queue_gesture(document, request, gesture);
        self.carry_out_effects(effects);
    }
}

impl App {
    /// Fetches what a run of an earlier start is about, and then carries out the command. False where all is here.
    pub(super) fn fetch_sources(&mut self, id: RunId, then: Command) -> bool {
        let Some(run) = self.session.run(id) else {
            return false;
        };
        let sources = run.sources_to_fetch();
        if sources.is_empty() {
            return false;
        }
        let is_looked_at = run
            .gesture()
            .is_some_and(|gesture| gesture.enlarged().is_none());
        let request = run.request.clone();
        let origins = sources.into_iter().filter_map(|source| {
            let picture = source.picture.map(|id| Origin::Part(Part::Picture(id)));
            let elsewhere = picture.or(source.file.map(Origin::File));
            elsewhere.or(source.canvas.map(Origin::Shown))
        });
        let intent = Intent::Past {
            run: id,
            then: Box::new(then),
            is_looked_at,
        };
        self.gather(request, intent, origins.collect());
        true
    }
}

fn blank_source() -> Source {
    Source {
        input: PictureInput {
            pixels: BlobHash([0; 32]),
            width: 0,
            height: 0,
        },
        rgba: Arc::new([]),
        name: String::new(),
        picture: None,
        file: None,
        canvas: None,
        parents: Vec::new(),
        recipe: None,
        is_of_ai: false,
    }
}

fn is_wholly_of_ai(source_type: Option<&str>) -> bool {
    source_type == Some(marking::TRAINED_ALGORITHMIC_MEDIA)
}
