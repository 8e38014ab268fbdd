use super::{
    NoiseLevels, SchedulerConfig, TimestepSpacing,
    config::{BetaSchedule, FinalSigma},
    timesteps::{check_in_training, check_n_steps, leading, linspace, trailing},
};
use crate::{Result, prediction::PredictionType, samplers::Sampler};

/// ρ of Karras et al. 2022, equation 5.
const KARRAS_RHO: f64 = 7.0;

/// Below this many steps the last is taken more carefully.
const FEW_STEPS: usize = 15;

/// A run of a sampler that thinks in noise beside the picture: `latents = picture + sigma · noise`.
#[derive(Debug, Clone, PartialEq)]
pub struct SigmaSchedule {
    /// What the model is told at each step; Karras spacing makes it fractional.
    pub timesteps: Vec<f32>,
    /// One more than timesteps: where each step starts and the last one ends.
    pub sigmas: Vec<f32>,
    /// The standard deviation of the initial latents.
    pub initial_sigma: f32,
    pub prediction_type: PredictionType,
    /// Whether a multistep solver ends with a first-order step: steadier where few steps are taken.
    pub first_order_last: bool,
}

impl SigmaSchedule {
    /// For Euler and Euler ancestral.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for too many steps, or none.
    pub fn euler(config: &SchedulerConfig, sampler: Sampler, n_steps: usize) -> Result<Self> {
        let n_train = config.n_train_timesteps;
        check_n_steps("steps", n_steps, 1, n_train)?;
        let spacing = config.spacing(TimestepSpacing::Linspace);
        let mut timesteps: Vec<f32> = match spacing {
            TimestepSpacing::Linspace => linspace((n_train - 1) as f64, n_steps)
                .map(|timestep| timestep as f32)
                .rev()
                .collect(),
            TimestepSpacing::Leading => as_f32(check_in_training(
                leading(n_train / n_steps, n_steps, config.steps_offset),
                n_train,
                n_steps,
            )?),
            TimestepSpacing::Trailing => as_f32(trailing(n_train, n_train, n_steps)),
        };
        let trained = NoiseLevels::new(config).sigmas(config);
        let mut sigmas: Vec<f64> = timesteps
            .iter()
            .map(|&timestep| interpolate(&trained, timestep))
            .collect();
        if config.uses_karras_sigmas(sampler) {
            sigmas = karras(config, sigmas[0], sigmas[n_steps - 1], n_steps);
            timesteps = sigmas
                .iter()
                .map(|&sigma| timestep_of(sigma, &trained) as f32)
                .collect();
        }
        let sigmas = with_final_sigma(config.final_sigma(sampler), &sigmas, &trained);
        let highest = sigmas.iter().copied().fold(0.0, f32::max);
        let initial_sigma = match spacing {
            TimestepSpacing::Leading => (highest * highest + 1.0).sqrt(),
            TimestepSpacing::Linspace | TimestepSpacing::Trailing => highest,
        };
        Ok(Self {
            timesteps,
            sigmas,
            initial_sigma,
            prediction_type: config.prediction_type,
            first_order_last: true,
        })
    }

    /// For DPM-Solver++, whose spacings leave room for one more step than they take.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for too many steps, or none.
    pub fn dpmpp(config: &SchedulerConfig, sampler: Sampler, n_steps: usize) -> Result<Self> {
        let n_train = config.n_train_timesteps;
        check_n_steps("steps", n_steps, 1, n_train - 1)?;
        let trained = NoiseLevels::new(config).sigmas(config);
        let (timesteps, sigmas) = if config.uses_karras_sigmas(sampler) {
            karras_dpmpp(config, &trained, n_steps)
        } else {
            let timesteps = match config.spacing(TimestepSpacing::Linspace) {
                TimestepSpacing::Linspace => linspace((n_train - 1) as f64, n_steps + 1)
                    .skip(1)
                    .map(|timestep| timestep.round_ties_even() as usize)
                    .rev()
                    .collect(),
                TimestepSpacing::Leading => {
                    let ratio = n_train / (n_steps + 1);
                    leading(ratio, n_steps, config.steps_offset + ratio)
                }
                TimestepSpacing::Trailing => trailing(n_train, n_train, n_steps),
            };
            let timesteps = as_f32(check_in_training(timesteps, n_train, n_steps)?);
            let sigmas = timesteps
                .iter()
                .map(|&timestep| interpolate(&trained, timestep))
                .collect();
            (timesteps, sigmas)
        };
        Ok(Self {
            timesteps,
            sigmas: with_final_sigma(config.final_sigma(sampler), &sigmas, &trained),
            initial_sigma: 1.0,
            prediction_type: config.prediction_type,
            first_order_last: config.euler_at_final
                || (config.lower_order_final && n_steps < FEW_STEPS)
                || config.final_sigma(sampler) == FinalSigma::Zero,
        })
    }
}

/// Karras sigmas over the whole trained range; the timesteps are whole numbers.
fn karras_dpmpp(config: &SchedulerConfig, trained: &[f32], n_steps: usize) -> (Vec<f32>, Vec<f64>) {
    let highest = f64::from(trained[trained.len() - 1]);
    let sigmas = karras(config, highest, f64::from(trained[0]), n_steps);
    let timesteps = sigmas
        .iter()
        .map(|&sigma| {
            let timestep = timestep_of(sigma, trained);
            match config.beta_schedule() {
                BetaSchedule::SquaredCosine => timestep.trunc() as f32,
                _ => timestep.round_ties_even() as f32,
            }
        })
        .collect();
    (timesteps, sigmas)
}

fn as_f32(timesteps: Vec<usize>) -> Vec<f32> {
    timesteps
        .into_iter()
        .map(|timestep| timestep as f32)
        .collect()
}

/// Even steps in σ^(1/ρ).
fn karras(config: &SchedulerConfig, highest: f64, lowest: f64, n_steps: usize) -> Vec<f64> {
    let highest = config.sigma_max.unwrap_or(highest).powf(1.0 / KARRAS_RHO);
    let lowest = config.sigma_min.unwrap_or(lowest).powf(1.0 / KARRAS_RHO);
    linspace(1.0, n_steps)
        .map(|ramp| (highest + ramp * (lowest - highest)).powf(KARRAS_RHO))
        .collect()
}

/// The trained sigma at a fractional timestep.
fn interpolate(trained: &[f32], timestep: f32) -> f64 {
    let below = (timestep as usize).min(trained.len() - 1);
    let above = (below + 1).min(trained.len() - 1);
    let (low, high) = (f64::from(trained[below]), f64::from(trained[above]));
    (high - low) * (f64::from(timestep) - below as f64) + low
}

/// The fractional timestep whose trained sigma this is, by interpolation between logarithms.
fn timestep_of(sigma: f64, trained: &[f32]) -> f64 {
    let log_sigma = sigma.max(1e-10).ln();
    let below = trained
        .partition_point(|&trained| f64::from(trained.ln()) <= log_sigma)
        .saturating_sub(1)
        .min(trained.len() - 2);
    let (low, high) = (trained[below].ln(), trained[below + 1].ln());
    let weight = (f64::from(low) - log_sigma) / f64::from(low - high);
    let weight = weight.clamp(0.0, 1.0);
    (1.0 - weight) * below as f64 + weight * (below + 1) as f64
}

fn with_final_sigma(last: FinalSigma, sigmas: &[f64], trained: &[f32]) -> Vec<f32> {
    let last = match last {
        FinalSigma::Zero => 0.0,
        FinalSigma::SigmaMin => trained[0],
    };
    sigmas
        .iter()
        .map(|&sigma| sigma as f32)
        .chain([last])
        .collect()
}
