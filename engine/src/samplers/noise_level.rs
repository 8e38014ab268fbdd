use burn::tensor::Tensor;

/// How noisy latents are: `latents = signal · picture + noise · ε`, with ε standard normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseLevel {
    pub signal: f32,
    pub noise: f32,
}

impl NoiseLevel {
    pub const CLEAN: Self = Self {
        signal: 1.0,
        noise: 0.0,
    };

    /// Where signal and noise keep the variance at one, ᾱ being the signal's part of it: Ho et al. 2020.
    pub fn variance_preserving(alpha_prod: f32) -> Self {
        Self {
            signal: alpha_prod.sqrt(),
            noise: (1.0 - alpha_prod).sqrt(),
        }
    }

    /// Where noise comes on top of the whole picture: Karras et al. 2022.
    pub fn beside_picture(sigma: f32) -> Self {
        Self {
            signal: 1.0,
            noise: sigma,
        }
    }

    /// The picture at this level: diffusers' `add_noise`.
    pub fn mix<const D: usize>(self, picture: Tensor<D>, noise: Tensor<D>) -> Tensor<D> {
        picture * self.signal + noise * self.noise
    }
}
