//! What was read for a job, and what steers one picture.

use burn::tensor::Tensor;

use crate::{
    Error, Result,
    components::priors::PriorConditioning,
    image::read_back,
    model::{BlendSource, PriorSettings, Steer, SteerBy},
    protocol::Mix,
    samplers::AncestralSchedule,
    slerp::{slerp_all, weighted_mean},
};

/// A text as the prior and the decoder take it.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// `[1, width]`
    pub embed: Tensor<2>,
    /// `[1, tokens, width]`
    pub states: Tensor<3>,
    pub mask: Vec<bool>,
}

pub(super) struct Job {
    pub text: Text,
    /// The empty text.
    pub nothing: Text,
    pub by: By,
}

/// Where image embeddings come from.
pub(super) enum By {
    /// The prior draws them.
    Prior(PriorSettings, AncestralSchedule),
    Pictures(Seen),
}

/// Embeddings of pictures that a job looks at.
pub(super) struct Seen {
    /// Of each input that is a picture, in the inputs' order.
    inputs: Vec<Option<Vec<f32>>>,
    /// What steers each picture of the job, or all of them.
    pub steering: Vec<Vec<f32>>,
}

/// What steers one picture.
pub(super) struct Embedded {
    /// `[1, width]`
    pub image_embed: Tensor<2>,
    pub text: Text,
    pub nothing: Text,
}

impl Text {
    /// The unconditional half first where there is one.
    pub fn for_prior(&self, unconditional: Option<&Self>) -> PriorConditioning {
        let both: Vec<&Self> = unconditional.into_iter().chain([self]).collect();
        let embeds = both.iter().map(|text| text.embed.clone());
        let states = both.iter().map(|text| text.states.clone());
        PriorConditioning {
            text_embeds: Tensor::cat(embeds.collect(), 0),
            hidden_states: Tensor::cat(states.collect(), 0),
            attention_mask: both.iter().map(|text| text.mask.clone()).collect(),
        }
    }
}

impl Seen {
    /// From the embeddings of the pictures in a job.
    ///
    /// # Errors
    /// [`Error::Bug`] for what this family cannot be asked for.
    pub fn of(steer: &Steer, embeds: Vec<Vec<f32>>) -> Result<Self> {
        match steer.by {
            SteerBy::Pictures { .. } => Ok(Self {
                inputs: embeds.iter().cloned().map(Some).collect(),
                steering: embeds,
            }),
            SteerBy::Blend {
                inputs,
                weights,
                mix,
            } => Ok(Self::blended(inputs, embeds, weights, mix)),
            SteerBy::Prompt | SteerBy::Place { .. } | SteerBy::Shift { .. } => Err(Error::Bug(
                "nothing was seen that could steer a picture".to_owned(),
            )),
        }
    }

    fn blended(
        sources: &[BlendSource],
        embeds: Vec<Vec<f32>>,
        weights: &[Vec<f32>],
        mix: Mix,
    ) -> Self {
        let mut embeds = embeds.into_iter();
        let mut inputs: Vec<Option<Vec<f32>>> = Vec::new();
        for source in sources {
            inputs.push(match source {
                BlendSource::Picture(_) => embeds.next(),
                BlendSource::Twin(twin) => inputs[*twin].clone(),
                BlendSource::Text(_) => None,
            });
        }
        let ways = weights.iter().map(|weights| {
            let both = inputs.iter().zip(weights);
            let counted = both.filter_map(|(embed, weight)| Some((embed.clone()?, *weight)));
            let (embeds, weights): (Vec<_>, Vec<_>) = counted.unzip();
            match mix {
                Mix::Slerp => slerp_all(&embeds, &weights),
                Mix::Linear => weighted_mean(&embeds, &weights),
            }
        });
        Self {
            steering: ways.collect(),
            inputs,
        }
    }

    pub fn of_input(&self, input: usize) -> Option<&Vec<f32>> {
        self.inputs.get(input)?.as_ref()
    }
}

/// # Errors
/// When the device fails.
pub(super) fn numbers(embedded: &Embedded) -> Result<Vec<f32>> {
    read_back(embedded.image_embed.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::image::RgbPicture;

    /// The way to a picture's own noise goes under its own embedding, whatever the ways between the pictures are.
    #[test]
    fn each_input_of_a_blend_keeps_its_own_embedding() {
        let picture = RgbPicture {
            width: 1,
            height: 1,
            rgb: vec![0; 3],
        };
        let inputs = [
            BlendSource::Picture(&picture),
            BlendSource::Picture(&picture),
            BlendSource::Twin(0),
        ];
        let embeds = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
        for ways in [
            vec![vec![1.0, 1.0, 0.0]],
            vec![
                vec![0.0, 1.0, 0.0],
                vec![0.5, 0.0, 0.5],
                vec![0.0, 0.0, 1.0],
            ],
        ] {
            let steer = Steer {
                prompt: "",
                negative_prompt: None,
                by: SteerBy::Blend {
                    inputs: &inputs,
                    weights: &ways,
                    mix: Mix::Linear,
                },
            };
            let seen = Seen::of(&steer, embeds.clone()).unwrap();
            assert_eq!(seen.steering.len(), ways.len());
            for (input, expected) in [(0, &embeds[0]), (1, &embeds[1]), (2, &embeds[0])] {
                assert_eq!(seen.of_input(input).unwrap(), expected, "{input}");
            }
            assert!(seen.of_input(3).is_none());
        }
    }
}
