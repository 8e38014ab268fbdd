use std::fmt::Display;

use super::{
    InitialLatents, LoadedModel, OnEvent, PipelineEvent,
    making::Making,
    progress::{Clock, Work},
};
use crate::{
    Error, Result,
    autoencoder::AutoencoderParts,
    catalogue::Defaults,
    guidance,
    protocol::{GenerateRequest, Plan},
    samplers::{AncestralSchedule, Schedule},
};

/// A request that can be done, before anything is computed.
pub(super) struct Order<'a> {
    pub request: &'a GenerateRequest,
    pub settings: Defaults,
    pub prior_schedule: AncestralSchedule,
    pub schedule: Schedule,
    pub latents: Option<&'a InitialLatents>,
    pub n_pictures: u32,
    /// Each picture is the best of this many.
    pub best_of: u32,
    /// All pictures have the first one's seed, so that they differ only in what is asked for each.
    pub is_strip: bool,
}

/// What a deed does beside drawing its pictures.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Beside {
    /// Texts that the prior draws an embedding of, for every picture.
    pub n_texts: u32,
    /// Steps that find pictures' noise.
    pub n_invert_steps: u32,
}

impl<'a> Order<'a> {
    /// Refuses what cannot be done, and keeps memory free for it from here on.
    ///
    /// # Errors
    /// Faults of the request: size, steps, latents; those of [`LoadedModel::reserve`].
    pub fn new(
        model: &mut LoadedModel,
        request: &'a GenerateRequest,
        settings: Defaults,
        latents: Option<&'a InitialLatents>,
        parts: AutoencoderParts,
    ) -> Result<Self> {
        let folder = model.folder();
        let (width, height) = settings.size;
        folder.check_size(width, height)?;
        let n_steps = settings.n_steps as usize;
        let schedule = Schedule::new(settings.sampler, folder.scheduler(), n_steps)?;
        let n_prior_steps = settings.n_prior_steps as usize;
        let prior_schedule = AncestralSchedule::unclip(folder.prior_scheduler(), n_prior_steps)?;
        let is_guided = guidance::is_guided(settings.guidance_scale);
        let order = Self {
            request,
            settings,
            prior_schedule,
            schedule,
            latents,
            n_pictures: request.n_pictures,
            best_of: request.best_of,
            is_strip: false,
        };
        if let Some(latents) = latents {
            latents.check(request.n_pictures as usize, order.latent_shape(model))?;
        }
        model.reserve(width, height, is_guided, parts)?;
        Ok(order)
    }

    /// Leaves out the noisiest steps, so that of what the pictures start from so much is kept as the strength says.
    pub fn keep_strength(&mut self, strength: f32) {
        let n_steps = self.settings.n_steps;
        let n_skipped = n_steps - n_own_steps(n_steps, strength);
        self.schedule.skip_steps(n_skipped as usize);
    }

    /// For deeds that are nothing without a prompt.
    ///
    /// # Errors
    /// [`Error::EmptyPrompt`].
    pub fn check_prompt(request: &GenerateRequest) -> Result<()> {
        if request.prompt.trim().is_empty() {
            return Err(Error::EmptyPrompt);
        }
        Ok(())
    }

    /// Tells the plan. `texts` are all that the model will read.
    pub fn start(
        self,
        model: &'a mut LoadedModel,
        texts: &[&str],
        beside: Beside,
        on_event: &mut OnEvent,
    ) -> Result<Making<'a>> {
        let plan = self.plan(model, texts, on_event)?;
        on_event(PipelineEvent::Planned(plan))?;
        model.take_load_seconds();

        let n_candidates = self.n_pictures * self.best_of;
        // What one seed draws serves all pictures of a strip.
        let n_draws = if self.is_strip && self.best_of == 1 {
            1
        } else {
            n_candidates
        };
        let clock = Clock::new(Work {
            prior_steps: n_draws * beside.n_texts * self.settings.n_prior_steps,
            invert_steps: beside.n_invert_steps,
            steps: n_candidates * self.schedule.n_steps() as u32,
            decodes: n_candidates,
        });
        Ok(Making::new(self, model, clock))
    }

    fn plan(
        &self,
        model: &mut LoadedModel,
        texts: &[&str],
        on_event: &mut OnEvent,
    ) -> Result<Plan> {
        let settings = &self.settings;
        let (width, height) = settings.size;
        let mut unread_prompt = None;
        for text in texts {
            let cut_off = model.tokenizer().encode(text)?.cut_off;
            unread_prompt = unread_prompt.or(cut_off);
        }
        Ok(Plan {
            model_name: model.folder().name(),
            model_hash: model.hash(on_event)?.to_owned(),
            device: model.runtime().device_name.clone(),
            dtype: format!("{:?}", model.runtime().dtype).to_lowercase(),
            width,
            height,
            sampler: settings.sampler,
            n_steps: settings.n_steps,
            guidance_scale: settings.guidance_scale,
            n_prior_steps: settings.n_prior_steps,
            prior_guidance_scale: settings.prior_guidance_scale,
            unread_prompt,
        })
    }

    /// `[channels, rows, columns]` of a picture's latents.
    pub fn latent_shape(&self, model: &LoadedModel) -> [usize; 3] {
        let scale = model.folder().movq_scale();
        let (width, height) = self.settings.size;
        [
            model.movq_config().latent_channels,
            (height / scale) as usize,
            (width / scale) as usize,
        ]
    }
}

/// Steps of a strength: `int(n_steps · strength)` as in the reference, but at least one.
fn n_own_steps(n_steps: u32, strength: f32) -> u32 {
    // The reference multiplies the decimal number that was typed: 0.7 of 10 steps are 7, and the f32 next to 0.7
    // is a little less.
    let typed: f64 = strength.to_string().parse().unwrap_or(strength.into());
    ((f64::from(n_steps) * typed) as u32).clamp(1, n_steps)
}

pub(super) fn out_of_range(
    name: &'static str,
    value: &dyn Display,
    allowed: impl Into<String>,
) -> Error {
    Error::OutOfRange {
        name,
        value: value.to_string(),
        allowed: allowed.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strength_takes_the_steps_that_the_reference_takes() {
        // Python: [int(n * s) for n, s in …], and 1 where that is 0.
        for (n_steps, strength, expected) in [
            (10, 0.7, 7),
            (100, 0.29, 28),
            (100, 0.28, 28),
            (25, 0.3, 7),
            (5, 0.3, 1),
            (5, 0.1, 1),
            (12, 1.0, 12),
            (1, 0.01, 1),
        ] {
            assert_eq!(
                n_own_steps(n_steps, strength),
                expected,
                "{n_steps} {strength}"
            );
        }
    }
}
