//! How the image embeddings of texts and pictures become the one that steers a picture.

use burn::tensor::Tensor;

use super::conditioning::ImageEmbeds;
use crate::{
    Error, Result,
    families::embeddings::{embed_tensor, of_picture},
    image::read_back,
    protocol::Mix,
    slerp::{length, slerp, slerp_all, weighted_mean},
};

pub(super) enum Mixing {
    /// What the prior drew of the prompt.
    Prompt,
    /// From the embedding of what is round the place to the prompt's.
    Place {
        surroundings: Vec<f32>,
        prompt_share: f32,
    },
    /// A picture's own, drawn to the prompt's where there is one.
    Pictures {
        embeds: Vec<Vec<f32>>,
        /// `None` without a prompt.
        prompt_share: Option<f32>,
        negative: NegativeSide,
    },
    /// Interpolations of Ramesh et al. 2022, section 3.2.
    Blend {
        /// A picture's; `None` where the prior draws a text's.
        embeds: Vec<Option<Vec<f32>>>,
        weights: Vec<Vec<f32>>,
        mix: Mix,
        negative: NegativeSide,
    },
    /// Text diffs of Ramesh et al. 2022, section 3.3.
    Shift {
        embed: Vec<f32>,
        towards: Vec<f32>,
        shares: Vec<f32>,
        negative: NegativeSide,
    },
}

impl Mixing {
    /// What steers a picture of the job, from what the prior drew of its texts, in their order.
    pub fn embeds(&self, picture: usize, drawn: &[ImageEmbeds]) -> Result<ImageEmbeds> {
        match self {
            Self::Prompt => Ok(first(drawn)?.clone()),
            Self::Place {
                surroundings,
                prompt_share,
            } => {
                let embeds = first(drawn)?.clone();
                let device = embeds.positive.device();
                let prompt = read_back(embeds.positive)?;
                let steered = slerp(surroundings, &prompt, *prompt_share);
                Ok(ImageEmbeds {
                    positive: embed_tensor(steered, &device),
                    ..embeds
                })
            }
            Self::Pictures {
                embeds,
                prompt_share,
                negative,
            } => {
                let own = of_picture(embeds, picture)?;
                let embed = if let Some(share) = prompt_share {
                    let prompt = read_back(first(drawn)?.positive.clone())?;
                    slerp(own, &prompt, *share)
                } else {
                    own.clone()
                };
                Ok(negative.beside(embed, drawn))
            }
            Self::Blend {
                embeds,
                weights,
                mix,
                negative,
            } => {
                let embeds = with_drawn(embeds, drawn)?;
                let weights = of_picture(weights, picture)?;
                let mixed = match mix {
                    Mix::Slerp => slerp_all(&embeds, weights),
                    Mix::Linear => weighted_mean(&embeds, weights),
                };
                Ok(negative.beside(mixed, drawn))
            }
            Self::Shift {
                embed,
                towards,
                shares,
                negative,
            } => {
                let share = *of_picture(shares, picture)?;
                Ok(negative.beside(rotated(embed, towards, share), drawn))
            }
        }
    }

    /// The embedding of one of the job's own pictures.
    pub fn of_input(&self, input: usize) -> Option<&[f32]> {
        match self {
            Self::Prompt => None,
            Self::Place { surroundings, .. } => Some(surroundings),
            Self::Pictures { embeds, .. } => embeds.get(input).map(Vec::as_slice),
            Self::Blend { embeds, .. } => embeds.get(input)?.as_deref(),
            Self::Shift { embed, .. } => Some(embed),
        }
    }
}

fn first(drawn: &[ImageEmbeds]) -> Result<&ImageEmbeds> {
    drawn.first().ok_or_else(not_drawn)
}

/// The pictures' embeddings, with those that the prior drew of texts between them.
fn with_drawn(embeds: &[Option<Vec<f32>>], drawn: &[ImageEmbeds]) -> Result<Vec<Vec<f32>>> {
    let mut of_texts = drawn.iter();
    let embeds = embeds.iter().map(|embed| match embed {
        Some(embed) => Ok(embed.clone()),
        None => read_back(of_texts.next().ok_or_else(not_drawn)?.positive.clone()),
    });
    embeds.collect()
}

fn not_drawn() -> Error {
    Error::Bug("a text has no embedding".to_owned())
}

/// The decoder's negative side: a negative prompt's image embedding, drawn after all other texts as the reference's
/// `interpolate` has it, or without one that of a picture of zeros.
pub(super) struct NegativeSide {
    pub zero: Tensor<2>,
    pub is_drawn: bool,
}

impl NegativeSide {
    /// Both sides, `drawn` being all that the prior drew.
    fn beside(&self, positive: Vec<f32>, drawn: &[ImageEmbeds]) -> ImageEmbeds {
        let negative = match drawn.last() {
            Some(last) if self.is_drawn => last.positive.clone(),
            _ => self.zero.clone(),
        };
        ImageEmbeds {
            positive: embed_tensor(positive, &self.zero.device()),
            negative,
        }
    }
}

/// From the first text's embedding to the second's.
///
/// # Errors
/// [`Error::NoDifference`] where they mean the same.
pub(super) fn difference(embeds: &[Vec<f32>], [from, to]: [&str; 2]) -> Result<Vec<f32>> {
    /// Of the texts' own length: below, their difference is rounding.
    const LEAST_DIFFERENCE: f64 = 1e-3;
    let difference: Vec<f32> = embeds[1]
        .iter()
        .zip(&embeds[0])
        .map(|(a, b)| a - b)
        .collect();
    if length(&difference) > LEAST_DIFFERENCE * length(&embeds[0]) {
        return Ok(difference);
    }
    Err(Error::NoDifference {
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

/// `embed` turned by `share` of its angle to `towards`, as long as it was.
fn rotated(embed: &[f32], towards: &[f32], share: f32) -> Vec<f32> {
    let scale = (length(embed) / length(towards)) as f32;
    let towards: Vec<f32> = towards.iter().map(|x| x * scale).collect();
    slerp(embed, &towards, share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_turns_the_embedding_and_keeps_its_length() {
        let half = std::f32::consts::FRAC_1_SQRT_2;
        for (embed, towards, share, expected) in [
            ([3.0, 0.0], [0.0, 0.1], 0.0, [3.0, 0.0]),
            ([3.0, 0.0], [0.0, 0.1], 0.5, [3.0 * half, 3.0 * half]),
            ([3.0, 0.0], [-7.0, 7.0], 1.0 / 3.0, [3.0 * half, 3.0 * half]),
            ([0.0, 2.0], [5.0, 5.0], 1.0, [2.0 * half, 2.0 * half]),
        ] {
            let actual = rotated(&embed, &towards, share);
            let is_close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
            assert!(
                actual.iter().zip(&expected).all(is_close),
                "{embed:?} {towards:?} {share}: {actual:?}"
            );
        }
    }
}
