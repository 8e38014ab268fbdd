use super::ModelCard;
use crate::{
    Error, Result,
    protocol::{GenerateRequest, Sampling},
    samplers::{AncestralSchedule, Sampler, Schedule},
    schedules::SchedulerConfig,
};

/// What a model runs with where a request says nothing: its card's words, else its family's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Defaults {
    /// Width and height in pixels.
    pub size: (u32, u32),
    pub sampler: Sampler,
    pub n_steps: u32,
    pub guidance_scale: f32,
    pub n_prior_steps: u32,
    pub prior_guidance_scale: f32,
}

impl Defaults {
    /// The reference pipelines' own defaults stand behind the card, as far as the schedules have so many steps.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when the card asks for steps that the schedules do not have.
    pub(super) fn new(
        card: &ModelCard,
        scheduler: &SchedulerConfig,
        prior_scheduler: &SchedulerConfig,
    ) -> Result<Self> {
        let most = |config: &SchedulerConfig, n: u32| n.min(config.n_train_timesteps as u32);
        let defaults = Self {
            size: card.size.unwrap_or((512, 512)),
            sampler: match card.sampler {
                Some(sampler) => sampler,
                None => scheduler.sampler()?,
            },
            n_steps: card.steps.unwrap_or_else(|| most(scheduler, 100)),
            guidance_scale: card.guidance_scale.unwrap_or(4.0),
            n_prior_steps: card
                .prior_steps
                .unwrap_or_else(|| most(prior_scheduler, 25)),
            prior_guidance_scale: card.prior_guidance_scale.unwrap_or(4.0),
        };
        Schedule::new(defaults.sampler, scheduler, defaults.n_steps as usize)?;
        AncestralSchedule::unclip(prior_scheduler, defaults.n_prior_steps as usize)?;
        Ok(defaults)
    }

    pub(super) fn sampling(&self) -> Sampling {
        Sampling {
            sampler: Some(self.sampler),
            n_steps: Some(self.n_steps),
            guidance_scale: Some(self.guidance_scale),
            n_prior_steps: Some(self.n_prior_steps),
            prior_guidance_scale: Some(self.prior_guidance_scale),
        }
    }

    /// These defaults under the wishes of `request`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for numbers that no model takes.
    pub fn with(self, request: &GenerateRequest) -> Result<Self> {
        let wishes = &request.sampling;
        let merged = Self {
            size: request.size.unwrap_or(self.size),
            sampler: wishes.sampler.unwrap_or(self.sampler),
            n_steps: wishes.n_steps.unwrap_or(self.n_steps),
            guidance_scale: wishes.guidance_scale.unwrap_or(self.guidance_scale),
            n_prior_steps: wishes.n_prior_steps.unwrap_or(self.n_prior_steps),
            prior_guidance_scale: wishes
                .prior_guidance_scale
                .unwrap_or(self.prior_guidance_scale),
        };
        check("guidance", merged.guidance_scale, 0.0, 100.0)?;
        check("prior guidance", merged.prior_guidance_scale, 0.0, 100.0)?;
        check("count", request.n_pictures as f32, 1.0, 1_000.0)?;
        check("best of", request.best_of as f32, 1.0, 100.0)?;
        Ok(merged)
    }
}

fn check(name: &'static str, value: f32, least: f32, most: f32) -> Result<()> {
    // Not-a-number is in no range.
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::OutOfRange {
        name,
        value: value.to_string(),
        allowed: format!("{least} to {most}"),
    })
}
