//! From the pictures that steer a job to what steers one of its pictures.

use burn::tensor::Tensor;

use crate::{
    Result,
    components::denoisers::UNetConfig,
    families::embeddings::of_picture,
    image::RgbPicture,
    model::{BlendSource, ComponentFiles, Slots, Steer, SteerBy},
    noise::Generator,
    progress::{Clock, OnEvent},
    protocol::{Mix, Phase},
    slerp::{slerp_all, weighted_mean},
    weights::ModelFolder,
};

/// How a family looks at pictures.
pub(in crate::families) trait Sight {
    /// A picture's embedding.
    ///
    /// # Errors
    /// Those of loading a component; when the device fails.
    fn look(
        &self,
        slots: &mut Slots,
        picture: &RgbPicture,
        on_event: &mut OnEvent,
    ) -> Result<Vec<f32>>;

    /// What an embedding adds to the time embedding on the conditional and on the unconditional side, with what is drawn
    /// of it; without a generator as it is on average. Without an embedding nothing is wished for on either side.
    ///
    /// # Shapes: `[1, width]` each
    ///
    /// # Errors
    /// Those of loading a component.
    fn vectors(
        &self,
        slots: &mut Slots,
        embed: Option<&[f32]>,
        generator: Option<&mut Generator>,
        on_event: &mut OnEvent,
    ) -> Result<[Tensor<2>; 2]>;
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
    /// For each picture of the job, or for all.
    Pictures(Vec<Vec<f32>>),
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
            // Nothing of what is there is to be seen in it.
            SteerBy::Place { prompt_share, .. } if prompt_share >= 1.0 => Self::Nothing,
            SteerBy::Place { surroundings, .. } => Self::Pictures(vec![look(surroundings)?]),
            SteerBy::Pictures { pictures, .. } => {
                Self::Pictures(pictures.iter().map(look).collect::<Result<_>>()?)
            }
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

    /// What steers a picture of the job; `None` where no picture does.
    ///
    /// # Errors
    /// [`Error::Bug`](crate::Error::Bug) for a picture that the job does not have.
    pub fn embed(&self, picture: usize) -> Result<Option<Vec<f32>>> {
        match self {
            Self::Nothing => Ok(None),
            Self::Pictures(embeds) => of_picture(embeds, picture).cloned().map(Some),
            Self::Blend {
                embeds,
                weights,
                mix,
            } => {
                let weights = of_picture(weights, picture)?;
                let both = embeds.iter().zip(weights);
                let counted = both.filter_map(|(embed, weight)| {
                    let embed = embed.as_ref().filter(|_| *weight > 0.0)?;
                    Some((embed.clone(), *weight))
                });
                let (embeds, weights): (Vec<_>, Vec<_>) = counted.unzip();
                Ok(match mix {
                    _ if embeds.is_empty() => None,
                    Mix::Slerp => Some(slerp_all(&embeds, &weights)),
                    Mix::Linear => Some(weighted_mean(&embeds, &weights)),
                })
            }
        }
    }

    /// The embedding of one of the job's own pictures.
    pub fn of_input(&self, input: usize) -> Option<&[f32]> {
        match self {
            Self::Nothing => None,
            Self::Pictures(embeds) => embeds.get(input).map(Vec::as_slice),
            Self::Blend { embeds, .. } => embeds.get(input)?.as_deref(),
        }
    }
}
