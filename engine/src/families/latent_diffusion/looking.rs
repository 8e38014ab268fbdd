//! From the pictures that steer a job to what steers one of its pictures.

use burn::tensor::Tensor;

use crate::{
    Result,
    components::denoisers::{PictureContext, UNetConfig},
    families::embeddings::of_picture,
    image::RgbPicture,
    model::{BlendSource, ComponentFiles, Slots, Steer, SteerBy},
    noise::Generator,
    progress::{Clock, OnEvent},
    protocol::{Mix, Phase},
    slerp::{slerp_all, weighted_mean},
    weights::ModelFolder,
};

/// How a model looks at pictures.
pub(in crate::families) trait Sight {
    /// What is kept of a picture: its embedding, or all that an encoder says of its parts.
    ///
    /// # Errors
    /// Those of loading a component; when the device fails.
    fn look(
        &self,
        slots: &mut Slots,
        picture: &RgbPicture,
        on_event: &mut OnEvent,
    ) -> Result<Vec<f32>>;

    /// Whether edits look at what is round their place.
    fn looks_at_surroundings(&self) -> bool;

    /// What pictures do to a denoiser on the conditional and on the unconditional side, with what is drawn of it; without a
    /// generator as it is on average.
    ///
    /// # Errors
    /// Those of loading a component.
    fn steering(
        &self,
        slots: &mut Slots,
        pictures: &SeenPictures,
        generator: Option<&mut Generator>,
        on_event: &mut OnEvent,
    ) -> Result<PictureSteering>;
}

/// What pictures do to a denoiser: the conditional side first.
#[derive(Debug, Clone, Default)]
pub(in crate::families) struct PictureSteering {
    /// Added to the time embedding. `[1, width]` each
    pub vectors: Option<[Tensor<2>; 2]>,
    /// For each layer that looks at words; none where none looks at pictures.
    pub contexts: Vec<[PictureContext; 2]>,
}

/// The pictures that steer one picture of a job: what was seen of each, and how much it counts.
#[derive(Debug, Clone)]
pub(in crate::families) struct SeenPictures<'a> {
    /// Those that count.
    pub each: Vec<(&'a [f32], f32)>,
    pub mix: Mix,
    /// How much pictures count beside words, from 0 to 1.
    pub share: f32,
}

impl SeenPictures<'_> {
    /// All as one; `None` where there is no picture.
    pub fn mixed(&self) -> Option<Vec<f32>> {
        let (embeds, weights): (Vec<Vec<f32>>, Vec<f32>) = self
            .each
            .iter()
            .map(|(embed, weight)| (embed.to_vec(), *weight))
            .unzip();
        match self.mix {
            _ if embeds.is_empty() => None,
            Mix::Slerp => Some(slerp_all(&embeds, &weights)),
            Mix::Linear => Some(weighted_mean(&embeds, &weights)),
        }
    }
}

/// Of a family that looks at pictures.
#[derive(Debug, Clone, Copy)]
pub(in crate::families) struct SightFacts {
    pub components: fn(&ModelFolder) -> Vec<ComponentFiles>,
    pub open: fn(&ModelFolder, &UNetConfig) -> Result<Box<dyn Sight>>,
}

/// What was seen for a job.
pub(super) enum Seen {
    Nothing,
    Pictures {
        /// For each picture of the job, or for all.
        embeds: Vec<Vec<f32>>,
        share: f32,
    },
    Blend {
        /// Of the inputs; `None` for texts.
        embeds: Vec<Option<Vec<f32>>>,
        weights: Vec<Vec<f32>>,
        mix: Mix,
    },
}

impl Seen {
    /// Looks at what is to steer, one picture after another: someone may wish to cancel.
    pub fn look(
        sight: &dyn Sight,
        steer: &Steer,
        slots: &mut Slots,
        (clock, on_event): (&mut Clock, &mut OnEvent),
    ) -> Result<Self> {
        let n_pictures = steer.n_pictures() as u32;
        let mut n_done = 0;
        let mut look = |picture: &RgbPicture| {
            clock.report(Phase::Encode, 0, (n_done, n_pictures), None, on_event)?;
            n_done += 1;
            sight.look(slots, picture, on_event)
        };
        Ok(match steer.by {
            SteerBy::Prompt | SteerBy::Shift { .. } => Self::Nothing,
            SteerBy::Place {
                surroundings,
                prompt_share,
            } => {
                // Where all is the prompt's, nothing of what is there is to be seen.
                if prompt_share >= 1.0 || !sight.looks_at_surroundings() {
                    Self::Nothing
                } else {
                    Self::Pictures {
                        embeds: vec![look(surroundings)?],
                        share: 1.0 - prompt_share,
                    }
                }
            }
            SteerBy::Pictures {
                pictures,
                prompt_share,
            } => Self::Pictures {
                embeds: pictures.iter().map(look).collect::<Result<_>>()?,
                share: match steer.spoken_prompt() {
                    Some(_) => 1.0 - prompt_share,
                    None => 1.0,
                },
            },
            SteerBy::Blend {
                inputs,
                weights,
                mix,
            } => {
                let mut embeds: Vec<Option<Vec<f32>>> = Vec::new();
                for input in inputs {
                    embeds.push(match input {
                        BlendSource::Twin(twin) => embeds[*twin].clone(),
                        BlendSource::Picture(picture) => Some(look(picture)?),
                        BlendSource::Text(_) => None,
                    });
                }
                Self::Blend {
                    embeds,
                    weights: weights.to_vec(),
                    mix,
                }
            }
        })
    }

    /// The pictures that steer a picture of the job.
    ///
    /// # Errors
    /// [`Error::Bug`](crate::Error::Bug) for a picture that the job does not have.
    pub fn pictures(&self, picture: usize) -> Result<SeenPictures<'_>> {
        match self {
            Self::Nothing => Ok(SeenPictures::of(None, 0.0)),
            Self::Pictures { embeds, share } => {
                Ok(SeenPictures::of(Some(of_picture(embeds, picture)?), *share))
            }
            Self::Blend {
                embeds,
                weights,
                mix,
            } => {
                let weights = of_picture(weights, picture)?;
                let both = embeds.iter().zip(weights);
                let counted = both.filter_map(|(embed, weight)| {
                    let embed = embed.as_deref().filter(|_| *weight > 0.0)?;
                    Some((embed, *weight))
                });
                let each: Vec<(&[f32], f32)> = counted.collect();
                let all: f32 = weights.iter().sum();
                Ok(SeenPictures {
                    share: each.iter().map(|(_, weight)| weight).sum::<f32>() / all,
                    each,
                    mix: *mix,
                })
            }
        }
    }

    /// One of the job's own pictures, alone.
    pub fn of_input(&self, input: usize) -> Option<SeenPictures<'_>> {
        let embed = match self {
            Self::Nothing => None,
            Self::Pictures { embeds, .. } => embeds.get(input).map(Vec::as_slice),
            Self::Blend { embeds, .. } => embeds.get(input)?.as_deref(),
        };
        Some(SeenPictures::of(Some(embed?), 1.0))
    }
}

impl<'a> SeenPictures<'a> {
    fn of(embed: Option<&'a [f32]>, share: f32) -> Self {
        Self {
            each: embed.map(|embed| (embed, 1.0)).into_iter().collect(),
            mix: Mix::default(),
            share,
        }
    }
}
