use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::NoiseLevels;
use crate::{
    Error, Result, foreign_text,
    prediction::PredictionType,
    samplers::{Sampler, Spacing},
};

/// Any diffusers `scheduler_config.json`. Its class decides which entries count and what absent ones mean.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the entries of a file that is not ours"
)]
#[derive(Debug, Clone, Deserialize)]
pub struct SchedulerConfig {
    #[serde(rename = "_class_name")]
    class_name: String,
    #[serde(rename = "num_train_timesteps", default = "thousand")]
    pub n_train_timesteps: usize,
    #[serde(default = "default_beta_start")]
    pub(super) beta_start: f64,
    #[serde(default = "default_beta_end")]
    pub(super) beta_end: f64,
    pub(super) beta_schedule: Option<BetaSchedule>,
    pub(super) trained_betas: Option<Vec<f32>>,
    #[serde(default)]
    pub prediction_type: PredictionType,
    variance_type: Option<VarianceType>,
    clip_sample: Option<bool>,
    #[serde(default = "one")]
    clip_sample_range: f32,
    #[serde(default)]
    thresholding: bool,
    #[serde(default = "yes")]
    pub(crate) set_alpha_to_one: bool,
    #[serde(default)]
    pub(super) steps_offset: usize,
    timestep_spacing: Option<TimestepSpacing>,
    #[serde(default)]
    pub rescale_betas_zero_snr: bool,
    use_karras_sigmas: Option<bool>,
    use_exponential_sigmas: Option<bool>,
    use_beta_sigmas: Option<bool>,
    use_lu_lambdas: Option<bool>,
    use_flow_sigmas: Option<bool>,
    #[serde(default)]
    final_sigmas_type: FinalSigma,
    pub(super) sigma_min: Option<f64>,
    pub(super) sigma_max: Option<f64>,
    interpolation_type: Option<String>,
    timestep_type: Option<String>,
    algorithm_type: Option<String>,
    solver_order: Option<usize>,
    solver_type: Option<String>,
    /// Minus infinity, which clips nothing, reads as `None`.
    lambda_min_clipped: Option<f64>,
    #[serde(default = "yes")]
    pub(crate) lower_order_final: bool,
    #[serde(default)]
    pub(crate) euler_at_final: bool,
    /// How many timesteps a model was distilled at, and how its boundary condition counts them.
    #[serde(rename = "original_inference_steps", default = "fifty")]
    pub(super) n_distilled_timesteps: usize,
    #[serde(default = "ten")]
    pub(crate) timestep_scaling: f32,
    /// Chosen by the user, and before what the entries say.
    #[serde(skip)]
    chosen_spacing: Option<Spacing>,
    #[serde(skip)]
    path: PathBuf,
}

/// How the noise grows over the training timesteps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BetaSchedule {
    Linear,
    ScaledLinear,
    #[serde(rename = "squaredcos_cap_v2")]
    SquaredCosine,
}

/// Which of the training timesteps a short run visits: Lin et al. 2023, table 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestepSpacing {
    Linspace,
    Leading,
    Trailing,
    /// Of one step more, without the last: not diffusers'.
    #[serde(skip)]
    SgmUniform,
}

/// What a run's sigmas are spaced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SigmaSpacing {
    /// They are those of the timesteps.
    OfTimesteps,
    Karras,
    Exponential,
}

/// The variance of the noise that an ancestral step adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VarianceType {
    FixedSmall,
    FixedSmallLog,
    FixedLarge,
    Learned,
    LearnedRange,
}

/// What follows the last sigma of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FinalSigma {
    #[default]
    Zero,
    SigmaMin,
}

impl SchedulerConfig {
    /// # Errors
    /// [`Error::NotAModel`] when this is not a scheduler config, or asks for something that Limn cannot do.
    pub fn from_json(json: &[u8], path: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::NotAModel {
            path: path.to_owned(),
            reason,
        };
        // Python writes infinities that are no JSON; the one entry that may have one means nothing then.
        let json = String::from_utf8_lossy(json).replace(": -Infinity", ": null");
        let mut config: Self = serde_json::from_str(&json)
            .map_err(|error| refuse(format!("its scheduler config cannot be read ({error})")))?;
        path.clone_into(&mut config.path);
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if !(2..=100_000).contains(&self.n_train_timesteps) {
            return Err(self.unsupported("num_train_timesteps", self.n_train_timesteps));
        }
        // They mean other noise by the same entries, or by none.
        let other_noise = ["EDM", "FlowMatch"];
        if other_noise
            .iter()
            .any(|kind| self.class_name.starts_with(kind))
        {
            return Err(self.unsupported("_class_name", &self.class_name));
        }
        self.check_noise()?;
        let refused = [
            ("thresholding", self.thresholding),
            ("use_beta_sigmas", self.use_beta_sigmas == Some(true)),
            ("use_lu_lambdas", self.use_lu_lambdas == Some(true)),
            ("use_flow_sigmas", self.use_flow_sigmas == Some(true)),
        ];
        if let Some((name, _)) = refused.into_iter().find(|(_, is_on)| *is_on) {
            return Err(self.unsupported(name, true));
        }
        let expected = [
            ("interpolation_type", &self.interpolation_type, "linear"),
            ("timestep_type", &self.timestep_type, "discrete"),
        ];
        for (name, value, expected) in expected {
            if let Some(value) = value
                && value != expected
            {
                return Err(self.unsupported(name, value));
            }
        }
        if let Some(clipped) = self.lambda_min_clipped {
            return Err(self.unsupported("lambda_min_clipped", clipped));
        }
        if !(1..=self.n_train_timesteps).contains(&self.n_distilled_timesteps) {
            let value = self.n_distilled_timesteps;
            return Err(self.unsupported("original_inference_steps", value));
        }
        if !(self.timestep_scaling > 0.0 && self.timestep_scaling <= 1e6) {
            return Err(self.unsupported("timestep_scaling", self.timestep_scaling));
        }
        Ok(())
    }

    /// Every timestep must leave some of the picture and add some noise, or nothing comes of it but not-a-number.
    fn check_noise(&self) -> Result<()> {
        let is_beta = |beta: f64| beta > 0.0 && beta < 1.0;
        if let Some(betas) = &self.trained_betas {
            if betas.len() != self.n_train_timesteps {
                return Err(self.unsupported("the number of trained_betas", betas.len()));
            }
            if let Some(beta) = betas.iter().find(|beta| !is_beta(f64::from(**beta))) {
                return Err(self.unsupported("trained_betas", beta));
            }
        } else if self.beta_schedule() != BetaSchedule::SquaredCosine {
            for (name, beta) in [("beta_start", self.beta_start), ("beta_end", self.beta_end)] {
                if !is_beta(beta) {
                    return Err(self.unsupported(name, beta));
                }
            }
        }
        if !(self.clip_sample_range > 0.0 && self.clip_sample_range.is_finite()) {
            return Err(self.unsupported("clip_sample_range", self.clip_sample_range));
        }
        for (name, sigma) in [("sigma_min", self.sigma_min), ("sigma_max", self.sigma_max)] {
            if sigma.is_some_and(|sigma| !(1e-6..=1e6).contains(&sigma)) {
                return Err(self.unsupported(name, sigma.unwrap_or_default()));
            }
        }
        if self.steps_offset >= self.n_train_timesteps {
            return Err(self.unsupported("steps_offset", self.steps_offset));
        }
        let levels = NoiseLevels::new(self);
        // Pure noise is only where it is meant to be.
        let mut alphas = levels.alphas_cumprod.as_slice();
        if self.rescale_betas_zero_snr {
            alphas = &alphas[..alphas.len() - 1];
        }
        let is_level = |alpha: &f32| *alpha > 0.0 && *alpha < 1.0;
        match alphas.iter().position(|alpha| !is_level(alpha)) {
            Some(timestep) => {
                Err(self.unsupported("nothing but noise or none at timestep", timestep))
            }
            None => Ok(()),
        }
    }

    /// The sampler that the folder itself asks for, or what is nearest to it.
    ///
    /// # Errors
    /// [`Error::NotAModel`] for a scheduler class that Limn knows nothing near to.
    pub fn sampler(&self) -> Result<Sampler> {
        let karras = self.use_karras_sigmas == Some(true);
        let algorithm = self.algorithm_type.as_deref();
        Sampler::from_diffusers(&self.class_name, algorithm, karras)
            .ok_or_else(|| self.unsupported("_class_name", &self.class_name))
    }

    /// Whether it is DDPM's kin that unCLIP's priors have, and its decoders in pixels.
    pub fn is_unclip(&self) -> bool {
        self.class_name == "UnCLIPScheduler"
    }

    /// Where the folder's own sampler is not quite what its config asks for: what is asked for, and what is taken.
    pub fn substitution(&self) -> Option<String> {
        let info = self.sampler().ok()?.info();
        let asked = if info.diffusers_class != self.class_name {
            Some(self.class_name.clone())
        } else if info.diffusers_algorithm.is_some()
            && self.algorithm_type.is_some()
            && self.algorithm_type.as_deref() != info.diffusers_algorithm
        {
            self.algorithm_type.clone()
        } else {
            self.other_solver()
        };
        let (asked, taken) = (foreign_text::name(asked?), info.label);
        Some(format!(
            "its scheduler is {asked}; {taken}, which is nearest, takes its place"
        ))
    }

    /// A solver of the config's own class that Limn has in another form.
    fn other_solver(&self) -> Option<String> {
        let usual = match self.class_name.as_str() {
            "DPMSolverMultistepScheduler" => "midpoint",
            "UniPCMultistepScheduler" => "bh2",
            _ => return None,
        };
        let order = self.solver_order.filter(|order| *order != 2);
        let order = order.map(|order| format!("{} of order {order}", self.class_name));
        let other_type = self.solver_type.as_deref().filter(|kind| *kind != usual);
        order.or_else(|| Some(format!("{} with {}", self.class_name, other_type?)))
    }

    /// The same with the user's spacing.
    #[must_use]
    pub fn spaced(&self, spacing: Option<Spacing>) -> Self {
        let mut config = self.clone();
        config.chosen_spacing = spacing;
        config
    }

    /// # Errors
    /// [`Error::NotAModel`] unless this is an UnCLIP scheduler.
    pub fn check_is_unclip(&self) -> Result<()> {
        if !self.is_unclip() {
            return Err(self.unsupported("_class_name", &self.class_name));
        }
        if self.prediction_type == PredictionType::VPrediction {
            return Err(self.unsupported("prediction_type", "v_prediction"));
        }
        if !matches!(
            self.variance_type(),
            VarianceType::FixedSmallLog | VarianceType::LearnedRange
        ) {
            return Err(self.unsupported("variance_type", format!("{:?}", self.variance_type())));
        }
        Ok(())
    }

    pub fn variance_type(&self) -> VarianceType {
        self.variance_type
            .unwrap_or(match self.class_name.as_str() {
                "UnCLIPScheduler" => VarianceType::FixedSmallLog,
                _ => VarianceType::FixedSmall,
            })
    }

    /// The range that the predicted picture is clipped to.
    ///
    /// Absent means clipped in the classes that know the entry; the others were never meant to clip, and
    /// stay so when the user picks another sampler.
    pub fn clip_range(&self) -> Option<f32> {
        let clips_by_default = matches!(
            self.class_name.as_str(),
            "DDPMScheduler" | "DDIMScheduler" | "UnCLIPScheduler"
        );
        self.clip_sample
            .unwrap_or(clips_by_default)
            .then_some(self.clip_sample_range)
    }

    /// How the timesteps are spaced; those of sigmas are laid over timesteps too.
    pub(super) fn spacing(&self, class_default: TimestepSpacing) -> TimestepSpacing {
        let chosen = match self.chosen_spacing {
            Some(Spacing::Linspace) => Some(TimestepSpacing::Linspace),
            Some(Spacing::Leading) => Some(TimestepSpacing::Leading),
            Some(Spacing::Trailing) => Some(TimestepSpacing::Trailing),
            Some(Spacing::SgmUniform) => Some(TimestepSpacing::SgmUniform),
            Some(Spacing::Karras | Spacing::Exponential) | None => None,
        };
        chosen.or(self.timestep_spacing).unwrap_or(class_default)
    }

    /// How this sampler's sigmas are spaced: as the user chose, else as its row says, else as the entries say.
    pub(super) fn sigma_spacing(&self, sampler: Sampler) -> SigmaSpacing {
        match (self.chosen_spacing, sampler.info().karras) {
            (Some(Spacing::Karras), _) | (None, Some(true)) => SigmaSpacing::Karras,
            (Some(Spacing::Exponential), _) => SigmaSpacing::Exponential,
            (None, None) if self.use_karras_sigmas == Some(true) => SigmaSpacing::Karras,
            (None, None) if self.use_exponential_sigmas == Some(true) => SigmaSpacing::Exponential,
            _ => SigmaSpacing::OfTimesteps,
        }
    }

    pub(super) fn beta_schedule(&self) -> BetaSchedule {
        self.beta_schedule
            .unwrap_or(match self.class_name.as_str() {
                "UnCLIPScheduler" => BetaSchedule::SquaredCosine,
                _ => BetaSchedule::Linear,
            })
    }

    /// Where this sampler ends: some know no other end than the clean picture, whatever the entry says that another
    /// class wrote.
    pub(super) fn final_sigma(&self, sampler: Sampler) -> FinalSigma {
        if sampler.info().ends_clean {
            FinalSigma::Zero
        } else {
            self.final_sigmas_type
        }
    }

    fn unsupported(&self, entry: &str, value: impl std::fmt::Display) -> Error {
        Error::NotAModel {
            path: self.path.clone(),
            reason: format!("Limn has no scheduler with {entry} = {value}"),
        }
    }
}

fn thousand() -> usize {
    1000
}

fn default_beta_start() -> f64 {
    0.0001
}

fn default_beta_end() -> f64 {
    0.02
}

fn fifty() -> usize {
    50
}

fn ten() -> f32 {
    10.0
}

fn one() -> f32 {
    1.0
}

fn yes() -> bool {
    true
}
