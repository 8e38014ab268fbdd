//! Gestures: runs about whole pictures. Like an edit its document, a run of one takes its pictures along.

use std::path::PathBuf;
use std::sync::Arc;

use limn_engine::protocol::{
    BlendInput, BlendNoise, BlendRequest, GenerateRequest, JobId, Mix, Operation, PictureInput,
    Plan, Request, ShiftRequest, UpscaleRequest, VariationsRequest,
};

use super::runs::Subject;
use super::{Deed, Effect, PictureId, RunId, Session};
use crate::document::{Content, DocumentId};
use crate::gallery::{BlendFacts, BlendedInput, Recipe, ShiftFacts, UpscaleFacts, VariationsFacts};

/// A picture as it was when the run was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub input: PictureInput,
    /// What `input` names, of which the engine is told ahead.
    pub rgba: Arc<[u8]>,
    /// What people call it: its prompt, or the name of its file or document.
    pub name: String,
    /// As a picture of the gallery.
    pub picture: Option<PictureId>,
    /// The file that it is.
    pub file: Option<PathBuf>,
    /// What the document showed, where it is that.
    pub canvas: Option<Arc<Content>>,
    /// The pictures of the gallery that it is or was made from.
    pub parents: Vec<PictureId>,
    pub recipe: Option<Arc<Recipe>>,
    /// Wholly made by AI, as its recipe or its file says.
    pub is_of_ai: bool,
}

/// What a run of a gesture is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Gesture {
    /// `far`: 0 near … 1 far.
    Variations {
        source: Source,
        far: f32,
    },
    /// `ways`: the weights of the inputs for each picture, or for all of them.
    Mix {
        inputs: Vec<MixInput>,
        ways: Vec<Vec<f32>>,
    },
    /// One picture per amount.
    Turn {
        source: Source,
        from: String,
        to: String,
        amounts: Vec<f32>,
    },
    Upscale {
        source: Source,
        scale: u32,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum MixInput {
    Picture(Source),
    Text(String),
}

impl Gesture {
    pub fn deed(&self) -> Deed {
        match self {
            Self::Variations { .. } => Deed::Variations,
            Self::Mix { .. } => Deed::Mix,
            Self::Turn { .. } => Deed::Turn,
            Self::Upscale { .. } => Deed::Upscale,
        }
    }

    /// What the run is called, as others are by their prompt.
    pub fn title(&self) -> String {
        match self {
            Self::Variations { source, .. } => match source.name.as_str() {
                "" => "Variations".to_owned(),
                name => format!("Variations of “{name}”"),
            },
            Self::Mix { inputs, .. } => {
                let names: Vec<String> = inputs.iter().map(MixInput::name).collect();
                format!("Mix of {}", names.join(" and "))
            }
            Self::Turn { from, to, .. } => format!("“{from}” into “{to}”"),
            Self::Upscale { source, scale } => match source.name.as_str() {
                "" => format!("{scale} times larger"),
                name => format!("{scale} times larger: “{name}”"),
            },
        }
    }

    /// What sets one picture of the run apart from the others, in a word.
    pub fn tag(&self, index: u32) -> Option<String> {
        let percent = |part: f32| format!("{:.0} %", part * 100.0);
        match self {
            Self::Mix { ways, .. } if ways.len() > 1 => {
                let way = ways.get(index as usize)?;
                let parts = shares(way);
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| format!("{:.0}", part * 100.0))
                    .collect();
                Some(parts.join(" : "))
            }
            Self::Turn { amounts, .. } => amounts.get(index as usize).copied().map(percent),
            _ => None,
        }
    }

    /// How many pictures it makes, where that is not for the prompt bar to say.
    pub fn n_pictures(&self) -> Option<u32> {
        match self {
            Self::Variations { .. } => None,
            Self::Mix { ways, .. } => (ways.len() > 1).then_some(ways.len() as u32),
            Self::Turn { amounts, .. } => Some(amounts.len() as u32),
            Self::Upscale { .. } => Some(1),
        }
    }

    /// Whether the noise is found first that its pictures could have been made from.
    pub(super) fn inverts(&self) -> bool {
        match self {
            Self::Mix { inputs, .. } => {
                let mut inputs = inputs.iter();
                inputs.any(|input| matches!(input, MixInput::Picture(_)))
            }
            Self::Turn { .. } => true,
            Self::Variations { .. } | Self::Upscale { .. } => false,
        }
    }

    /// Whether all pictures of the run have its seed, since they differ in what is asked for each.
    pub(super) fn has_one_seed(&self) -> bool {
        match self {
            Self::Mix { ways, .. } => ways.len() > 1,
            Self::Turn { .. } => true,
            Self::Variations { .. } | Self::Upscale { .. } => false,
        }
    }

    /// Whether chance has no part in it: the same again would come out the same.
    pub fn is_certain(&self, n_of_run: u32) -> bool {
        match self {
            Self::Variations { .. } => false,
            Self::Mix { inputs, .. } => {
                let mut inputs = inputs.iter();
                self.noise(n_of_run) == BlendNoise::Inverted
                    && inputs.all(|input| matches!(input, MixInput::Picture(_)))
            }
            Self::Turn { .. } | Self::Upscale { .. } => true,
        }
    }

    /// Of a mix in a run of so many pictures: from the pictures' own noise several of one way would all be the same.
    fn noise(&self, n_of_run: u32) -> BlendNoise {
        if n_of_run == 1 || self.has_one_seed() {
            BlendNoise::Inverted
        } else {
            BlendNoise::Seed
        }
    }

    /// Of the pictures from `first` on of the run's `n_of_run`, what to ask for and what to send ahead.
    pub(super) fn request(
        &self,
        job: JobId,
        generate: GenerateRequest,
        first: u32,
        n_of_run: u32,
    ) -> (Request, Vec<Arc<[u8]>>) {
        let n = generate.n_pictures as usize;
        let request = match self {
            Self::Variations { source, far } => Request::Vary {
                job,
                request: VariationsRequest {
                    generate,
                    source: source.input,
                    far: *far,
                },
            },
            Self::Mix { inputs, ways } => Request::Blend {
                job,
                request: BlendRequest {
                    generate,
                    inputs: inputs.iter().map(MixInput::of_request).collect(),
                    ways: match ways.len() {
                        0 | 1 => ways.clone(),
                        _ => part(ways, first, n),
                    },
                    mix: Mix::Slerp,
                    noise: self.noise(n_of_run),
                },
            },
            Self::Turn {
                source,
                from,
                to,
                amounts,
            } => Request::Shift {
                job,
                request: ShiftRequest {
                    generate,
                    source: source.input,
                    from: from.clone(),
                    to: to.clone(),
                    amounts: part(amounts, first, n),
                },
            },
            Self::Upscale { source, scale } => Request::Upscale {
                job,
                request: UpscaleRequest {
                    source: source.input,
                    scale: *scale,
                    upscaler: None,
                    compute: generate.compute,
                    drawn_by: source.recipe.as_ref().map(|recipe| recipe.model.clone()),
                },
            },
        };
        let mut blobs: Vec<Arc<[u8]>> = Vec::new();
        let mut sent = Vec::new();
        for source in self.sources() {
            if !sent.contains(&source.input.pixels) {
                sent.push(source.input.pixels);
                blobs.push(Arc::clone(&source.rgba));
            }
        }
        (request, blobs)
    }

    /// The recipe of a picture of the run, `made` being what is true of any picture.
    pub(super) fn recipe(&self, made: Recipe, plan: &Plan, index: u32, n_of_run: u32) -> Recipe {
        let mut recipe = match self {
            Self::Variations { source, far } => made.varied(VariationsFacts {
                far: *far,
                of: source.named(),
            }),
            Self::Mix { inputs, ways } => {
                let way = ways.get(index as usize).or(ways.first());
                let weights = shares(way.map_or(&[], Vec::as_slice));
                let inputs = inputs.iter().zip(weights);
                made.blended(BlendFacts {
                    inputs: inputs.map(|(input, weight)| input.facts(weight)).collect(),
                    mix: Mix::Slerp,
                    noise: self.noise(n_of_run),
                })
            }
            Self::Turn {
                source,
                from,
                to,
                amounts,
            } => made.shifted(ShiftFacts {
                from: from.clone(),
                to: to.clone(),
                amount: amounts.get(index as usize).copied().unwrap_or_default(),
                of: source.named(),
            }),
            Self::Upscale { source, scale } => made.upscaled(
                source.recipe.as_deref(),
                UpscaleFacts {
                    scale: *scale,
                    upscaler: plan.model_name.clone(),
                    upscaler_hash: Some(plan.model_hash.clone()).filter(|hash| !hash.is_empty()),
                    of_ai: source.is_of_ai,
                    of: source.named(),
                },
            ),
        };
        recipe.parents = Vec::new();
        for parent in self.sources().flat_map(|source| &source.parents) {
            if !recipe.parents.contains(parent) {
                recipe.parents.push(*parent);
            }
        }
        recipe
    }

    /// What is made larger.
    pub fn enlarged(&self) -> Option<&Source> {
        match self {
            Self::Upscale { source, .. } => Some(source),
            _ => None,
        }
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        let (one, several) = match self {
            Self::Variations { source, .. }
            | Self::Turn { source, .. }
            | Self::Upscale { source, .. } => (Some(source), &[][..]),
            Self::Mix { inputs, .. } => (None, inputs.as_slice()),
        };
        let several = several.iter().filter_map(|input| match input {
            MixInput::Picture(source) => Some(source),
            MixInput::Text(_) => None,
        });
        one.into_iter().chain(several)
    }
}

impl Gesture {
    pub(super) fn sources_mut(&mut self) -> Vec<&mut Source> {
        match self {
            Self::Variations { source, .. }
            | Self::Turn { source, .. }
            | Self::Upscale { source, .. } => vec![source],
            Self::Mix { inputs, .. } => {
                let inputs = inputs.iter_mut().filter_map(|input| match input {
                    MixInput::Picture(source) => Some(source),
                    MixInput::Text(_) => None,
                });
                inputs.collect()
            }
        }
    }
}

impl Source {
    fn named(&self) -> Option<String> {
        Some(self.name.clone()).filter(|name| !name.is_empty())
    }
}

impl MixInput {
    fn name(&self) -> String {
        match self {
            Self::Picture(source) if source.name.is_empty() => "a picture".to_owned(),
            Self::Picture(Source { name, .. }) | Self::Text(name) => format!("“{name}”"),
        }
    }

    fn of_request(&self) -> BlendInput {
        match self {
            Self::Picture(source) => BlendInput::Picture(source.input),
            Self::Text(text) => BlendInput::Text(text.clone()),
        }
    }

    fn facts(&self, weight: f32) -> BlendedInput {
        match self {
            Self::Picture(source) => BlendedInput {
                picture: source.picture,
                of: source.named(),
                weight,
                ..BlendedInput::default()
            },
            Self::Text(text) => BlendedInput {
                text: Some(text.clone()),
                weight,
                ..BlendedInput::default()
            },
        }
    }
}

/// Weights as parts of the whole.
pub fn shares(weights: &[f32]) -> Vec<f32> {
    let sum: f32 = weights.iter().sum();
    let part = |weight: &f32| if sum > 0.0 { weight / sum } else { 0.0 };
    weights.iter().map(part).collect()
}

fn part<T: Clone>(all: &[T], first: u32, n: usize) -> Vec<T> {
    all.iter().skip(first as usize).take(n).cloned().collect()
}

impl Session {
    /// Queues a run of a gesture in a document, or in the one in front where that is closed.
    pub fn queue_gesture(
        &mut self,
        document: DocumentId,
        request: GenerateRequest,
        gesture: Gesture,
    ) -> (RunId, Vec<Effect>) {
        let is_open = self.documents.get(document).is_some();
        let document = if is_open {
            document
        } else {
            self.documents.current_id()
        };
        let size = self.size_of_gesture(&request, &gesture);
        let request = GenerateRequest {
            n_pictures: gesture.n_pictures().unwrap_or(request.n_pictures),
            ..request
        };
        self.add_run(document, request, size, Subject::Gesture(Arc::new(gesture)))
    }

    /// Width and height of its pictures, before the engine says more.
    pub(super) fn size_of_gesture(
        &self,
        request: &GenerateRequest,
        gesture: &Gesture,
    ) -> (u32, u32) {
        match gesture {
            Gesture::Upscale { source, scale } => {
                (source.input.width * scale, source.input.height * scale)
            }
            _ => self.size_of(request),
        }
    }

    /// Variations of what a run's were made from, nearer or farther.
    pub fn queue_variations_again(
        &mut self,
        id: RunId,
        request: GenerateRequest,
        far: f32,
    ) -> Vec<Effect> {
        let Some(run) = self.run(id).filter(|run| run.has_sources()) else {
            return Vec::new();
        };
        let Some(Gesture::Variations { source, .. }) = run.gesture() else {
            return Vec::new();
        };
        let source = source.clone();
        let request = GenerateRequest {
            size: run.request.size,
            ..request
        };
        let document = run.document;
        self.queue_gesture(document, request, Gesture::Variations { source, far })
            .1
    }

    /// Why the chosen model does not do this, if it does not.
    pub fn obstacle(&self, deed: Deed) -> Option<String> {
        let needed = match deed {
            // Every model draws, and larger a picture becomes by arithmetic where no model does it.
            Deed::NewPictures
            | Deed::FillMask
            | Deed::ChangePicture
            | Deed::Extend
            | Deed::Upscale => return None,
            Deed::Variations => Operation::Variations,
            Deed::Mix => Operation::Blend,
            Deed::Turn => Operation::Shift,
        };
        let Some(model) = self.current_model() else {
            return Some("There is no model to draw with yet: see Models.".to_owned());
        };
        if model.can(needed) {
            return None;
        }
        let able = self.models.iter().find(|other| other.can(needed));
        let name = &model.name;
        let what = deed.label();
        Some(match able {
            Some(able) => format!("“{what}” is not for {name}: choose {} above.", able.name),
            None => format!("“{what}” is not for {name}, nor for another model that is here."),
        })
    }
}
