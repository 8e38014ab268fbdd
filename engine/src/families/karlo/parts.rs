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
    /// For each picture of the job, or for all.
    Pictures(Vec<Vec<f32>>),
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

/// The embeddings that steer the pictures of a job, from those of the pictures in it.
///
/// # Errors
/// [`Error::Bug`] for what this family cannot be asked for.
pub(super) fn steering(steer: &Steer, embeds: Vec<Vec<f32>>) -> Result<Vec<Vec<f32>>> {
    match steer.by {
        SteerBy::Pictures { .. } => Ok(embeds),
        SteerBy::Blend {
            inputs,
            weights,
            mix,
        } => {
            let mut embeds = embeds.into_iter();
            let mut of_inputs: Vec<Option<Vec<f32>>> = Vec::new();
            for input in inputs {
                of_inputs.push(match input {
                    BlendSource::Picture(_) => embeds.next(),
                    BlendSource::Twin(twin) => of_inputs[*twin].clone(),
                    BlendSource::Text(_) => None,
                });
            }
            let ways = weights.iter().map(|weights| {
                let both = of_inputs.iter().zip(weights);
                let counted = both.filter_map(|(embed, weight)| Some((embed.clone()?, *weight)));
                let (embeds, weights): (Vec<_>, Vec<_>) = counted.unzip();
                match mix {
                    Mix::Slerp => slerp_all(&embeds, &weights),
                    Mix::Linear => weighted_mean(&embeds, &weights),
                }
            });
            Ok(ways.collect())
        }
        SteerBy::Prompt | SteerBy::Place { .. } | SteerBy::Shift { .. } => Err(Error::Bug(
            "nothing was seen that could steer a picture".to_owned(),
        )),
    }
}

/// # Errors
/// When the device fails.
pub(super) fn numbers(embedded: &Embedded) -> Result<Vec<f32>> {
    read_back(embedded.image_embed.clone())
}
