use super::{
    NoiseLevels, SchedulerConfig, TimestepSpacing,
    config::{BetaSchedule, FinalSigma, SigmaSpacing},
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
    /// One less than timesteps: what a model is told halfway of a step in ln σ; the last has no middle.
    pub middle_timesteps: Vec<f32>,
    /// The standard deviation of the initial latents.
    pub initial_sigma: f32,
    pub prediction_type: PredictionType,
    /// Whether a multistep solver ends with a first-order step: steadier where few steps are taken.
    pub first_order_last: bool,
}

impl SigmaSchedule {
    /// For the samplers that work beside the picture.
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
            TimestepSpacing::SgmUniform => sgm_uniform(n_train, n_steps)
                .map(|timestep| timestep as f32)
                .collect(),
        };
        let trained = NoiseLevels::new(config).sigmas(config);
        let mut sigmas: Vec<f64> = timesteps
            .iter()
            .map(|&timestep| interpolate(&trained, timestep))
            .collect();
        let ends = [sigmas[0], sigmas[n_steps - 1]];
        if let Some(spaced) = spaced(config, sampler, ends, n_steps) {
            sigmas = spaced;
            timesteps = sigmas
                .iter()
                .map(|&sigma| timestep_of(sigma, &trained) as f32)
                .collect();
        }
        let middle_timesteps = middle_timesteps(&sigmas, &trained);
        let sigmas = with_final_sigma(config.final_sigma(sampler), &sigmas, &trained);
        let highest = sigmas.iter().copied().fold(0.0, f32::max);
        let initial_sigma = match spacing {
            TimestepSpacing::Leading => (highest * highest + 1.0).sqrt(),
            TimestepSpacing::Linspace | TimestepSpacing::Trailing | TimestepSpacing::SgmUniform => {
                highest
            }
        };
        Ok(Self {
            timesteps,
            sigmas,
            middle_timesteps,
            initial_sigma,
            prediction_type: config.prediction_type,
            first_order_last: true,
        })
    }

    /// For the multistep samplers, whose spacings leave room for one more step than they take.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) for too many steps, or none.
    pub fn dpmpp(config: &SchedulerConfig, sampler: Sampler, n_steps: usize) -> Result<Self> {
        let n_train = config.n_train_timesteps;
        check_n_steps("steps", n_steps, 1, n_train - 1)?;
        let trained = NoiseLevels::new(config).sigmas(config);
        let ends = [trained[trained.len() - 1], trained[0]].map(f64::from);
        let (timesteps, sigmas) = if let Some(sigmas) = spaced(config, sampler, ends, n_steps) {
            let timestep = |&sigma: &f64| whole_timestep(config, sampler, sigma, &trained);
            (sigmas.iter().map(timestep).collect(), sigmas)
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
                TimestepSpacing::SgmUniform => sgm_uniform(n_train, n_steps)
                    .map(|timestep| timestep.round_ties_even() as usize)
                    .collect(),
            };
            let timesteps = as_f32(check_in_training(timesteps, n_train, n_steps)?);
            let sigmas = timesteps
                .iter()
                .map(|&timestep| interpolate(&trained, timestep))
                .collect();
            (timesteps, sigmas)
        };
        let last = config.final_sigma(sampler);
        let is_spaced = config.sigma_spacing(sampler) != SigmaSpacing::OfTimesteps;
        let mut all = with_final_sigma(last, &sigmas, &trained);
        let is_uni_pc = sampler == Sampler::UniPc;
        if is_uni_pc && is_spaced && last == FinalSigma::SigmaMin {
            // Its own smallest, and not the trained one.
            all[n_steps] = all[n_steps - 1];
        }
        Ok(Self {
            timesteps,
            sigmas: all,
            middle_timesteps: Vec::new(),
            initial_sigma: 1.0,
            prediction_type: config.prediction_type,
            first_order_last: (config.euler_at_final && !is_uni_pc)
                || (config.lower_order_final && (is_uni_pc || n_steps < FEW_STEPS))
                || last == FinalSigma::Zero,
        })
    }

    pub fn skip_steps(&mut self, n_skipped: usize) {
        self.timesteps.drain(..n_skipped);
        self.sigmas.drain(..n_skipped);
        let n_middles = self.middle_timesteps.len();
        self.middle_timesteps.drain(..n_skipped.min(n_middles));
    }
}

/// Sigmas that are spaced by themselves, between `ends` or what the config has in their place; `None` where the
/// timesteps decide.
fn spaced(
    config: &SchedulerConfig,
    sampler: Sampler,
    [highest, lowest]: [f64; 2],
    n_steps: usize,
) -> Option<Vec<f64>> {
    let highest = config.sigma_max.unwrap_or(highest);
    let lowest = config.sigma_min.unwrap_or(lowest);
    let between =
        |from: f64, to: f64| linspace(1.0, n_steps).map(move |ramp| from + ramp * (to - from));
    match config.sigma_spacing(sampler) {
        SigmaSpacing::OfTimesteps => None,
        SigmaSpacing::Karras => {
            let [from, to] = [highest, lowest].map(|sigma| sigma.powf(1.0 / KARRAS_RHO));
            Some(
                between(from, to)
                    .map(|root| root.powf(KARRAS_RHO))
                    .collect(),
            )
        }
        SigmaSpacing::Exponential => {
            Some(between(highest.ln(), lowest.ln()).map(f64::exp).collect())
        }
    }
}

/// The whole timestep that a multistep sampler tells of a sigma: rounded or cut, as diffusers has it for each.
fn whole_timestep(config: &SchedulerConfig, sampler: Sampler, sigma: f64, trained: &[f32]) -> f32 {
    let timestep = timestep_of(sigma, trained);
    let is_cosine = config.beta_schedule() == BetaSchedule::SquaredCosine;
    let is_karras = config.sigma_spacing(sampler) == SigmaSpacing::Karras;
    if is_karras && (sampler == Sampler::UniPc || !is_cosine) {
        timestep.round_ties_even() as f32
    } else {
        timestep.trunc() as f32
    }
}

/// What a model is told halfway between neighbours, in ln σ.
fn middle_timesteps(sigmas: &[f64], trained: &[f32]) -> Vec<f32> {
    sigmas
        .windows(2)
        .map(|pair| timestep_of((pair[0] * pair[1]).sqrt(), trained) as f32)
        .collect()
}

/// Even timesteps of one step more than are taken, without the last.
fn sgm_uniform(n_train: usize, n_steps: usize) -> impl Iterator<Item = f64> {
    linspace((n_train - 1) as f64, n_steps + 1).skip(1).rev()
}

fn as_f32(timesteps: Vec<usize>) -> Vec<f32> {
    timesteps
        .into_iter()
        .map(|timestep| timestep as f32)
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
