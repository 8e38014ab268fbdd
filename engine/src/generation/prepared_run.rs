use std::fmt::Display;

use super::{initial_latents::InitialLatents, run::Generation, wordings::Wordings};
use crate::{
    Error, Result, guidance,
    model::{DrawnSize, LoadedModel, PictureCost, Settings, Steer, SteerBy},
    progress::{Clock, OnEvent, PipelineEvent, Work},
    protocol::{CascadePlan, Feature, GenerateRequest, Plan, StandIn},
    samplers::Schedule,
};

/// A request that can be done, before anything is computed.
pub(crate) struct PreparedRun<'a> {
    pub request: &'a GenerateRequest,
    /// Their size is what the model itself draws.
    pub settings: Settings,
    pub drawn: DrawnSize,
    pub schedule: Schedule,
    pub latents: Option<&'a InitialLatents>,
    pub n_pictures: u32,
    /// Each picture is the best of this many.
    pub best_of: u32,
    /// What this run does in place of what was asked for.
    pub stand_in: Option<StandIn>,
    /// All pictures have the first one's seed, so that they differ only in what is asked for each.
    pub is_strip: bool,
}

impl<'a> PreparedRun<'a> {
    /// Refuses what cannot be done, and keeps memory free for it from here on.
    ///
    /// The size in `settings` is what is to be delivered. `encodes` says whether pictures go into latents too.
    ///
    /// # Errors
    /// Faults of the request: size, steps, latents; [`Error::TooLarge`].
    pub fn new(
        model: &mut LoadedModel,
        request: &'a GenerateRequest,
        mut settings: Settings,
        latents: Option<&'a InitialLatents>,
        encodes: bool,
    ) -> Result<Self> {
        let drawn = model.files().drawn_size(settings.size)?;
        settings.size = drawn.size;
        let n_steps = settings.n_steps as usize;
        let scheduler = model.scheduler().spaced(settings.spacing);
        let schedule = Schedule::new(settings.sampler, &scheduler, n_steps)?;
        model.check_settings(&settings)?;
        let judges = model.files().features().contains(&Feature::Embeddings);
        if request.best_of > 1 && !judges {
            let allowed = "1: this model cannot tell how well a picture fits its words";
            return Err(out_of_range("best of", &request.best_of, allowed));
        }
        if let Some(latents) = latents {
            let shape = model.latent_shape(settings.size);
            latents.check(request.n_pictures as usize, shape)?;
        }
        model.reserve(PictureCost {
            size: settings.size,
            is_guided: guidance::is_guided(settings.guidance_scale),
            encodes,
        })?;
        Ok(Self {
            request,
            settings,
            drawn,
            schedule,
            latents,
            n_pictures: request.n_pictures,
            best_of: request.best_of,
            stand_in: None,
            is_strip: false,
        })
    }

    /// Leaves out the noisiest steps, so that of what the pictures start from so much is kept as the strength says.
    pub fn keep_strength(&mut self, strength: f32) {
        let n_steps = self.settings.n_steps;
        let n_skipped = n_steps - n_own_steps(n_steps, strength);
        self.schedule.skip_steps(n_skipped as usize);
    }

    /// For operations that are nothing without a prompt.
    ///
    /// # Errors
    /// [`Error::EmptyPrompt`].
    pub fn check_prompt(request: &GenerateRequest) -> Result<()> {
        if request.prompt.trim().is_empty() {
            return Err(Error::EmptyPrompt);
        }
        Ok(())
    }

    /// The words of the request and what else steers.
    pub fn steer<'s>(&self, by: SteerBy<'s>) -> Steer<'s>
    where
        'a: 's,
    {
        Steer {
            prompt: &self.request.prompt,
            negative_prompt: self.request.negative_prompt.as_deref(),
            by,
        }
    }

    /// Tells the plan, and reads the words and pictures that steer.
    ///
    /// `n_invert_steps` is how many steps find pictures' noise.
    ///
    /// # Errors
    /// Those of reading the encoders' weights; when the device fails; what `on_event` returns.
    pub fn start(
        self,
        model: &'a mut LoadedModel,
        steer: &Steer,
        n_invert_steps: u32,
        on_event: &mut OnEvent,
    ) -> Result<Generation<'a>> {
        let speaks = model.files().features().contains(&Feature::PromptWeights);
        let mut words = if speaks {
            Wordings::new(steer, &model.runtime().prompt_folders)
        } else {
            Wordings::literal(steer)
        };
        let remarks = std::mem::take(&mut words.remarks);
        let plan = Plan {
            remarks,
            ..self.plan(model, &steer.texts(), on_event)?
        };
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
            prior_steps: n_draws * model.n_conditioning_steps(steer, &self.settings),
            invert_steps: n_invert_steps,
            steps: n_candidates * self.schedule.n_steps() as u32,
            decodes: n_candidates,
            upscales: self.n_pictures * self.drawn.n_passes.min(1),
        });
        Generation::new(self, (steer, &words), model, clock, on_event)
    }

    /// Of every candidate of every picture, in order; its own seed makes each again.
    pub(super) fn seeds(&self) -> Vec<u64> {
        (0..self.n_pictures * self.best_of)
            .map(|index| {
                let ahead = if self.is_strip {
                    index % self.best_of
                } else {
                    index
                };
                self.request.seed.wrapping_add(u64::from(ahead))
            })
            .collect()
    }

    fn plan(
        &self,
        model: &mut LoadedModel,
        texts: &[&str],
        on_event: &mut OnEvent,
    ) -> Result<Plan> {
        let settings = &self.settings;
        let (drawn_width, drawn_height) = self.drawn.size;
        let scale = self.drawn.scale;
        let mut unread_prompt = None;
        for text in texts {
            let cut_off = model.unread(text)?;
            unread_prompt = unread_prompt.or(cut_off);
        }
        Ok(Plan {
            model_name: model.files().name(),
            model_hash: model.hash(on_event)?.to_owned(),
            device: model.runtime().device_name.clone(),
            dtype: format!("{:?}", model.runtime().dtype).to_lowercase(),
            width: drawn_width * scale,
            height: drawn_height * scale,
            cascade: if self.drawn.n_passes == 0 {
                None
            } else {
                Some(CascadePlan {
                    drawn_width,
                    drawn_height,
                    upscaler_hash: model.upscaler_hash()?,
                })
            },
            sampler: settings.sampler,
            n_steps: settings.n_steps,
            guidance_scale: settings.guidance_scale,
            n_prior_steps: settings.prior.map(|prior| prior.n_steps),
            prior_guidance_scale: settings.prior.map(|prior| prior.guidance_scale),
            unread_prompt,
            loras: model.lora_uses().to_vec(),
            ip_adapter: model.ip_adapter_use(),
            stand_in: self.stand_in,
            spacing: settings.spacing,
            guidance_rescale: settings.guidance_rescale,
            clip_skip: settings.clip_skip,
            remarks: Vec::new(),
        })
    }
}

/// Steps of a strength: `int(n_steps · strength)` as in the reference, but at least one.
fn n_own_steps(n_steps: u32, strength: f32) -> u32 {
    // The reference multiplies the decimal number that was typed: 0.7 of 10 steps are 7, and the f32 next to 0.7
    // is a little less.
    let typed: f64 = strength.to_string().parse().unwrap_or(strength.into());
    ((f64::from(n_steps) * typed) as u32).clamp(1, n_steps)
}

pub(crate) fn out_of_range(
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
