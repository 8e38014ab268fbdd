//! From what the texts of a job say to what steers one of its pictures.

use burn::tensor::Tensor;

use super::Side;
use crate::model::{BlendSource, Steer, SteerBy};

/// The texts of a job, and how much each counts for its pictures.
pub(super) struct Mixture<'a> {
    pub texts: Vec<&'a str>,
    /// For each picture, or for all, the weights of the texts: their sum is one.
    pub weights: Vec<Vec<f32>>,
}

impl<'a> Mixture<'a> {
    /// The prompt alone; in a blend of texts those, and the prompt where a picture is made of no text.
    pub fn of(steer: &Steer<'a>) -> Self {
        let SteerBy::Blend {
            inputs, weights, ..
        } = steer.by
        else {
            return Self {
                texts: vec![steer.prompt],
                weights: vec![vec![1.0]],
            };
        };
        let texts = inputs.iter().filter_map(|input| match input {
            BlendSource::Text(text) => Some(*text),
            BlendSource::Twin(_) | BlendSource::Picture(_) => None,
        });
        let of_texts = |weights: &Vec<f32>| {
            let both = inputs.iter().zip(weights);
            let own = both.filter(|(input, _)| matches!(input, BlendSource::Text(_)));
            let own: Vec<f32> = own.map(|(_, weight)| *weight).collect();
            let sum: f32 = own.iter().sum();
            if sum > 0.0 {
                let shares = own.iter().map(|weight| weight / sum);
                shares.chain([0.0]).collect()
            } else {
                own.iter().map(|_| 0.0).chain([1.0]).collect()
            }
        };
        Self {
            texts: texts.chain([steer.prompt]).collect(),
            weights: weights.iter().map(of_texts).collect(),
        }
    }
}

/// The weighted sum of what the texts say.
///
/// # Panics
/// Without any side of a weight above zero.
pub(super) fn mixed(sides: &[Side], weights: &[f32]) -> Side {
    let counted = || {
        let both = sides.iter().zip(weights);
        both.filter(|(_, weight)| **weight > 0.0)
    };
    let tokens = counted().map(|(side, weight)| side.tokens.clone() * *weight);
    let vectors = counted().filter_map(|(side, weight)| Some(side.vector.clone()? * *weight));
    Side {
        tokens: tokens.reduce(|a, b| a + b).expect("a text that counts"),
        vector: vectors.reduce(|a: Tensor<2>, b| a + b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Mix;

    #[test]
    fn texts_share_what_pictures_leave() {
        let inputs = [
            BlendSource::Text("a boat"),
            BlendSource::Twin(0),
            BlendSource::Text("a house"),
        ];
        let weights = [vec![1.0, 2.0, 3.0], vec![0.0, 1.0, 0.0]];
        let steer = Steer {
            prompt: "the sea",
            negative_prompt: None,
            by: SteerBy::Blend {
                inputs: &inputs,
                weights: &weights,
                mix: Mix::Slerp,
            },
        };
        let mixture = Mixture::of(&steer);
        assert_eq!(mixture.texts, ["a boat", "a house", "the sea"]);
        assert_eq!(mixture.weights, [[0.25, 0.75, 0.0], [0.0, 0.0, 1.0]]);
    }
}
