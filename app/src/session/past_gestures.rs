//! Gestures through restarts: a document's file tells what a run was about, and its pictures are fetched again only once
//! more are to be made of them.

use std::path::PathBuf;
use std::sync::Arc;

use limn_engine::protocol::{BlobHash, PictureInput};
use serde::{Deserialize, Serialize};

use super::gestures::{Gesture, MixInput, Source};
use super::runs::Subject;
use super::{Draft, MixDraft, Part, PictureId, Run, RunId, Session, TurnDraft};
use crate::document::Content;
use crate::gallery::Recipe;

/// A side of a picture, in pixels.
const LIMIT_SIDE: u32 = 1 << 17;
const UPSCALES: std::ops::RangeInclusive<u32> = 2..=16;

/// What a run of a gesture was about, without pixels.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GestureFacts {
    Variations {
        source: SourceFacts,
        far: f32,
    },
    Mix {
        inputs: Vec<InputFacts>,
        ways: Vec<Vec<f32>>,
    },
    Turn {
        source: SourceFacts,
        from: String,
        to: String,
        amounts: Vec<f32>,
    },
    Upscale {
        source: SourceFacts,
        scale: u32,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InputFacts {
    Picture(Box<SourceFacts>),
    Text(String),
}

/// A picture of the gallery, or a file, or else what the document showed.
#[derive(Serialize, Deserialize)]
pub(super) struct SourceFacts {
    name: String,
    size: (u32, u32),
    picture: Option<PictureId>,
    file: Option<PathBuf>,
    parents: Vec<PictureId>,
    recipe: Option<Recipe>,
    is_of_ai: bool,
}

impl SourceFacts {
    fn of(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            size: (source.input.width, source.input.height),
            picture: source.picture,
            file: source.file.clone(),
            parents: source.parents.clone(),
            recipe: source.recipe.as_deref().cloned(),
            is_of_ai: source.is_of_ai,
        }
    }

    /// `None` where it can be had no more: what a document showed, and it was not written down.
    fn source(self, shown: Option<&Arc<Content>>) -> Option<Source> {
        let (width, height) = self.size;
        let is_elsewhere = self.picture.is_some() || self.file.is_some();
        let canvas = shown.filter(|_| !is_elsewhere).cloned();
        let is_possible = |side: u32| (1..=LIMIT_SIDE).contains(&side);
        let is_there = is_elsewhere || canvas.is_some();
        (is_there && is_possible(width) && is_possible(height)).then(|| Source {
            input: PictureInput {
                pixels: BlobHash([0; 32]),
                width,
                height,
            },
            rgba: Arc::new([]),
            name: self.name,
            picture: self.picture,
            file: self.file,
            canvas,
            parents: self.parents,
            recipe: self.recipe.map(Arc::new),
            is_of_ai: self.is_of_ai,
        })
    }
}

impl GestureFacts {
    pub(super) fn of(gesture: &Gesture) -> Self {
        match gesture {
            Gesture::Variations { source, far } => Self::Variations {
                source: SourceFacts::of(source),
                far: *far,
            },
            Gesture::Mix { inputs, ways } => Self::Mix {
                inputs: inputs.iter().map(InputFacts::of).collect(),
                ways: ways.clone(),
            },
            Gesture::Turn {
                source,
                from,
                to,
                amounts,
            } => Self::Turn {
                source: SourceFacts::of(source),
                from: from.clone(),
                to: to.clone(),
                amounts: amounts.clone(),
            },
            Gesture::Upscale { source, scale } => Self::Upscale {
                source: SourceFacts::of(source),
                scale: *scale,
            },
        }
    }

    /// The gesture without its pixels, unless nobody could have asked for it. `shown`: what its document showed.
    pub(super) fn gesture(self, shown: Option<Content>, n_pictures: u32) -> Option<Gesture> {
        let shown = shown.map(Arc::new);
        let shown = shown.as_ref();
        let is_part = |part: &f32| (0.0..=1.0).contains(part);
        let n_pictures = n_pictures as usize;
        let gesture = match self {
            Self::Variations { source, far } => Gesture::Variations {
                source: source.source(shown)?,
                far: Some(far).filter(is_part)?,
            },
            Self::Mix { inputs, ways } => {
                let n = inputs.len();
                let is_way = |way: &Vec<f32>| {
                    way.len() == n && way.iter().all(is_part) && way.iter().sum::<f32>() > 0.0
                };
                let are_sound = (2..=MixDraft::MOST).contains(&n)
                    && ways.iter().all(is_way)
                    && (ways.len() == 1 || ways.len() == n_pictures);
                let inputs = inputs.into_iter().map(|input| input.input(shown));
                let inputs: Option<Vec<_>> = inputs.collect();
                let inputs = inputs.filter(|_| are_sound)?;
                Gesture::Mix { inputs, ways }
            }
            Self::Turn {
                source,
                from,
                to,
                amounts,
            } => {
                let are_sound = amounts.len() == n_pictures && amounts.iter().all(is_part);
                Gesture::Turn {
                    source: source.source(shown).filter(|_| are_sound)?,
                    from,
                    to,
                    amounts,
                }
            }
            Self::Upscale { source, scale } => Gesture::Upscale {
                source: source.source(shown)?,
                scale: Some(scale).filter(|scale| UPSCALES.contains(scale))?,
            },
        };
        Some(gesture)
    }
}

impl InputFacts {
    fn of(input: &MixInput) -> Self {
        match input {
            MixInput::Picture(source) => Self::Picture(Box::new(SourceFacts::of(source))),
            MixInput::Text(text) => Self::Text(text.clone()),
        }
    }

    fn input(self, shown: Option<&Arc<Content>>) -> Option<MixInput> {
        Some(match self {
            Self::Picture(source) => MixInput::Picture(source.source(shown)?),
            Self::Text(text) => MixInput::Text(text),
        })
    }
}

impl Source {
    /// As a part of what is put together in a prompt bar; `None` of a file.
    fn part(&self) -> Option<Part> {
        let canvas = self.canvas.as_ref().map(|_| Part::Canvas);
        self.picture.map(Part::Picture).or(canvas)
    }

    /// Whether its pixels are at hand: those of a run of an earlier start have to be fetched.
    pub fn is_here(&self) -> bool {
        !self.rgba.is_empty()
    }
}

impl Draft {
    /// What a run mixed or turned.
    pub(super) fn put_together_like(&mut self, gesture: &Gesture) {
        match gesture {
            Gesture::Mix { inputs, ways } => {
                let parts = inputs.iter().map(|input| match input {
                    MixInput::Picture(source) => source.part(),
                    MixInput::Text(text) => Some(Part::Text(text.clone())),
                });
                let Some(parts) = parts.collect::<Option<Vec<_>>>() else {
                    return;
                };
                let shows_way = ways.len() > 1;
                let weight = |index: usize| match ways.first() {
                    Some(way) if !shows_way => way.get(index).copied().unwrap_or(1.0),
                    _ => 1.0,
                };
                let parts = parts.into_iter().enumerate();
                let parts = parts.map(|(index, part)| (part, weight(index)));
                let mix = MixDraft {
                    parts: parts.collect(),
                    shows_way,
                };
                self.mix = mix.taken_up();
            }
            Gesture::Turn {
                source,
                from,
                to,
                amounts,
            } => {
                let turn = TurnDraft {
                    source: source.part(),
                    from: from.clone(),
                    to: to.clone(),
                    amount: amounts.last().copied().unwrap_or(1.0),
                    shows_way: amounts.len() > 1,
                };
                self.turn = turn.taken_up();
            }
            Gesture::Variations { .. } | Gesture::Upscale { .. } => {}
        }
    }
}

impl Run {
    /// The pictures that have to be fetched before more can be made of them.
    pub fn sources_to_fetch(&self) -> Vec<Source> {
        let sources = self.gesture().into_iter().flat_map(Gesture::sources);
        let sources: Vec<Source> = sources.cloned().collect();
        let are_here = sources.iter().all(Source::is_here);
        if are_here { Vec::new() } else { sources }
    }

    pub(super) fn has_sources(&self) -> bool {
        let mut sources = self.gesture().into_iter().flat_map(Gesture::sources);
        sources.all(Source::is_here)
    }
}

impl Session {
    /// The pictures of a run that came back are here, in the order of [`Run::sources_to_fetch`].
    pub fn give_sources(&mut self, id: RunId, fetched: Vec<Source>) {
        let Some(run) = self.run_mut(id) else { return };
        let Subject::Gesture(gesture) = &mut run.subject else {
            return;
        };
        let gesture = Arc::make_mut(gesture);
        for (source, fetched) in gesture.sources_mut().into_iter().zip(fetched) {
            source.input = fetched.input;
            source.rgba = fetched.rgba;
        }
    }
}
