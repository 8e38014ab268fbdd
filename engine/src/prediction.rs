//! What a model's output says about the picture without noise.

use burn::tensor::Tensor;
use serde::Deserialize;

/// What a model was trained to predict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum PredictionType {
    /// The noise: Ho et al. 2020.
    #[default]
    #[serde(rename = "epsilon")]
    Epsilon,
    /// The picture itself.
    #[serde(rename = "sample")]
    Sample,
    /// The velocity: Salimans and Ho 2022.
    #[serde(rename = "v_prediction")]
    VPrediction,
}

impl PredictionType {
    /// The predicted picture, where `latents = alpha · picture + sigma · noise` and α² + σ² = 1.
    pub fn denoised<const D: usize>(
        self,
        output: Tensor<D>,
        latents: Tensor<D>,
        alpha: f32,
        sigma: f32,
    ) -> Tensor<D> {
        match self {
            Self::Epsilon => (latents - output * sigma) / alpha,
            Self::Sample => output,
            Self::VPrediction => latents * alpha - output * sigma,
        }
    }

    /// The predicted noise, under the same convention.
    pub fn epsilon<const D: usize>(
        self,
        output: Tensor<D>,
        latents: Tensor<D>,
        alpha: f32,
        sigma: f32,
    ) -> Tensor<D> {
        match self {
            Self::Epsilon => output,
            Self::Sample => (latents - output * alpha) / sigma,
            Self::VPrediction => output * alpha + latents * sigma,
        }
    }

    /// The predicted picture, where `latents = picture + sigma · noise`.
    pub fn denoised_beside_noise<const D: usize>(
        self,
        output: Tensor<D>,
        latents: Tensor<D>,
        sigma: f32,
    ) -> Tensor<D> {
        let variance = sigma * sigma + 1.0;
        match self {
            Self::Epsilon => latents - output * sigma,
            Self::Sample => output,
            Self::VPrediction => output * (-sigma / variance.sqrt()) + latents / variance,
        }
    }
}
