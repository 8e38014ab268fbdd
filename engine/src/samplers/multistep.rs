//! The multistep samplers in exponential-integrator form, over latents of variance one.

use burn::tensor::Tensor;

use super::{ModelOutput, NoiseLevel, Step, by_steps::by_steps};
use crate::{Result, noise::Generator, schedules::SigmaSchedule};

/// Which of them takes the steps of a [`SigmaSchedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MultistepSolver {
    Dpmpp2m,
    Dpmpp2mSde,
    UniPc,
}

impl MultistepSolver {
    pub(super) fn run<const D: usize>(
        self,
        model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
        latents: Tensor<D>,
        schedule: &SigmaSchedule,
        generator: &mut Generator,
        on_step: impl FnMut(Step<D>) -> Result<()>,
    ) -> Result<Tensor<D>> {
        match self {
            Self::Dpmpp2m => dpmpp_2m(model, latents, schedule, on_step),
            Self::Dpmpp2mSde => dpmpp_2m_sde(model, latents, schedule, generator, on_step),
            Self::UniPc => uni_pc(model, latents, schedule, on_step),
        }
    }
}

/// DPM-Solver++(2M), Lu et al. 2022, midpoint form. The latents keep variance one throughout.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn dpmpp_2m<const D: usize>(
    model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    two_m(
        model,
        latents,
        schedule,
        on_step,
        |from, to, latents, denoised| {
            let picture_part = to.alpha * (1.0 - (-(to.lambda - from.lambda)).exp());
            let first_order = latents * (to.sigma / from.sigma) + denoised * picture_part;
            (first_order, picture_part)
        },
    )
}

/// DPM-Solver++(2M) for the reverse SDE, midpoint form: k-diffusion's `sample_dpmpp_2m_sde` with η = 1.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn dpmpp_2m_sde<const D: usize>(
    model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    generator: &mut Generator,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    two_m(
        model,
        latents,
        schedule,
        on_step,
        |from, to, latents, denoised| {
            let h = to.lambda - from.lambda;
            let picture_part = to.alpha * (1.0 - (-2.0 * h).exp());
            let fresh: Tensor<D> = generator.randn_tensor(latents.dims(), &latents.device());
            let fresh = fresh * (to.sigma * (1.0 - (-2.0 * h).exp()).sqrt());
            let kept = latents * (to.sigma / from.sigma * (-h).exp());
            (kept + denoised * picture_part + fresh, picture_part)
        },
    )
}

/// The midpoint form of both: a step of first order, which `first_order` takes from one level to another, and half of how the
/// prediction has changed over the step before. It answers with the step and how much of the picture comes in.
fn two_m<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    on_step: impl FnMut(Step<D>) -> Result<()>,
    mut first_order: impl FnMut(Level, Level, Tensor<D>, Tensor<D>) -> (Tensor<D>, f32),
) -> Result<Tensor<D>> {
    let mut before: Option<(Level, Tensor<D>)> = None;
    let level = Level::noise_level_at;
    by_steps(latents, schedule, on_step, level, |at, latents| {
        let (from, to) = (Level::new(at.sigma), Level::new(at.next));
        let output = model(latents.clone(), at.timestep)?.prediction;
        let denoised = from.denoised(schedule, output, &latents);
        let (first, picture_part) = first_order(from, to, latents, denoised.clone());
        let last = before.replace((from, denoised.clone()));
        let stepped = match last {
            Some((level, last)) if !at.is_last_of_first_order(schedule) => {
                let ratio = (to.lambda - from.lambda) / (from.lambda - level.lambda);
                first + (denoised.clone() - last) * (0.5 * picture_part * ratio)
            }
            _ => first,
        };
        Ok((denoised, stepped))
    })
}

/// UniPC of second order with B₂(h), Zhao et al. 2023: every step is a predictor's, and the next answer of the model
/// corrects it.
///
/// # Errors
/// What `model` and `on_step` return.
pub fn uni_pc<const D: usize>(
    mut model: impl FnMut(Tensor<D>, f32) -> Result<ModelOutput<D>>,
    latents: Tensor<D>,
    schedule: &SigmaSchedule,
    on_step: impl FnMut(Step<D>) -> Result<()>,
) -> Result<Tensor<D>> {
    let mut history = UniPcHistory::default();
    by_steps(
        latents,
        schedule,
        on_step,
        Level::noise_level_at,
        |at, latents| {
            let (from, to) = (Level::new(at.sigma), Level::new(at.next));
            let output = model(latents.clone(), at.timestep)?.prediction;
            let denoised = from.denoised(schedule, output, &latents);
            let corrected = match history.correction(from, &denoised) {
                // What an edit has put into the latents since stays there.
                Some(correction) => latents + correction,
                None => latents,
            };
            history.push(from, denoised.clone(), corrected);
            let stepped = history.predict(to, at.is_last_of_first_order(schedule));
            Ok((denoised, stepped))
        },
    )
}

/// What UniPC remembers of the steps before.
struct UniPcHistory<const D: usize> {
    /// The level of each of the last steps, the newest last, and the picture that the model predicted there.
    predicted: Vec<(Level, Tensor<D>)>,
    /// The corrected latents that the last step started from.
    start: Option<Tensor<D>>,
    /// Where the last step led, and of which order it was.
    end: Option<(Tensor<D>, usize)>,
}

impl<const D: usize> Default for UniPcHistory<D> {
    fn default() -> Self {
        Self {
            predicted: Vec::new(),
            start: None,
            end: None,
        }
    }
}

impl<const D: usize> UniPcHistory<D> {
    fn push(&mut self, level: Level, denoised: Tensor<D>, latents: Tensor<D>) {
        if self.predicted.len() == 2 {
            self.predicted.remove(0);
        }
        self.predicted.push((level, denoised));
        self.start = Some(latents);
    }

    /// The predictor: UniP of the order that the history allows.
    ///
    /// # Panics
    /// Never: a step was pushed before.
    fn predict(&mut self, to: Level, is_first_order: bool) -> Tensor<D> {
        let start = self.start.clone().expect("a step was pushed");
        let (mut predicted, phi) = self.first_order(to, start);
        let change = self.change(to).filter(|_| !is_first_order);
        let order = if change.is_some() { 2 } else { 1 };
        if let Some((change, _)) = change {
            predicted = predicted - change * (to.alpha * phi * 0.5);
        }
        self.end = Some((predicted.clone(), order));
        predicted
    }

    /// What UniC adds to the last prediction, now that the model was asked there. `None` before the first step.
    fn correction(&self, to: Level, denoised: &Tensor<D>) -> Option<Tensor<D>> {
        let (predicted, order) = self.end.clone()?;
        let (first_order, phi) = self.first_order(to, self.start.clone()?);
        let (from, newest) = self.predicted.last()?;
        let here = denoised.clone() - newest.clone();
        let corrected = match self.change(to).filter(|_| order == 2) {
            None => first_order - here * (to.alpha * phi * 0.5),
            Some((change, ratio)) => {
                // Two linear equations for the weights of both differences.
                let h = -(to.lambda - from.lambda);
                let second = phi / h - 1.0;
                let third = second / h - 0.5;
                let (b_1, b_2) = (second / phi, 2.0 * third / phi);
                let weight = (b_1 - b_2) / (1.0 - ratio);
                first_order - (change * weight + here * (b_1 - weight)) * (to.alpha * phi)
            }
        };
        Some(corrected - predicted)
    }

    /// The step that takes the newest prediction for the whole way, and φ = e⁻ʰ − 1.
    ///
    /// # Panics
    /// Never: a step was pushed before.
    fn first_order(&self, to: Level, start: Tensor<D>) -> (Tensor<D>, f32) {
        let (from, newest) = self.predicted.last().expect("a step was pushed");
        let phi = (-(to.lambda - from.lambda)).exp_m1();
        let step = start * (to.sigma / from.sigma) - newest.clone() * (to.alpha * phi);
        (step, phi)
    }

    /// How the prediction changes over a step to `to`, by the last two, and how much longer the step before was.
    fn change(&self, to: Level) -> Option<(Tensor<D>, f32)> {
        let [(before, older), (from, newest)] = self.predicted.as_slice() else {
            return None;
        };
        let ratio = (before.lambda - from.lambda) / (to.lambda - from.lambda);
        Some(((older.clone() - newest.clone()) / ratio, ratio))
    }
}

/// One noise level as DPM-Solver names it: `latents = alpha · picture + sigma · noise`, λ = ln(α/σ).
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    alpha: f32,
    sigma: f32,
    lambda: f32,
}

impl Level {
    pub fn new(sigma_beside_picture: f32) -> Self {
        let alpha = 1.0 / (sigma_beside_picture * sigma_beside_picture + 1.0).sqrt();
        let sigma = sigma_beside_picture * alpha;
        Self {
            alpha,
            sigma,
            lambda: alpha.ln() - sigma.ln(),
        }
    }

    /// What the model's `output` about `latents` of this level says of the picture.
    fn denoised<const D: usize>(
        self,
        schedule: &SigmaSchedule,
        output: Tensor<D>,
        latents: &Tensor<D>,
    ) -> Tensor<D> {
        let kind = schedule.prediction_type;
        kind.denoised(output, latents.clone(), self.alpha, self.sigma)
    }

    /// As the reader of a step is told it.
    pub fn noise_level_at(sigma: f32) -> NoiseLevel {
        let level = Self::new(sigma);
        NoiseLevel {
            signal: level.alpha,
            noise: level.sigma,
        }
    }
}
