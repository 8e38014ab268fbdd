//! The numbers that a job runs with: a request's, else its model's card's, else its family's.

use crate::{
    Error, Result,
    protocol::{GenerateRequest, Sampling, Setting, SettingInfo},
    samplers::{Sampler, Spacing},
};

/// What a model runs with where a request says nothing, or with what a request says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Width and height in pixels.
    pub size: (u32, u32),
    pub sampler: Sampler,
    pub n_steps: u32,
    pub guidance_scale: f32,
    /// `None` for a model without a prior.
    pub prior: Option<PriorSettings>,
    /// `None` for a model whose text encoder is always read to its end.
    pub clip_skip: Option<u32>,
    /// `None`: as the model's own schedule has it.
    pub spacing: Option<Spacing>,
    /// `None` for a model whose guidance is never taken back.
    pub guidance_rescale: Option<f32>,
}

/// How a prior makes image embeddings of texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriorSettings {
    pub n_steps: u32,
    pub guidance_scale: f32,
}

impl Settings {
    pub fn sampling(&self) -> Sampling {
        Sampling {
            sampler: Some(self.sampler),
            n_steps: Some(self.n_steps),
            guidance_scale: Some(self.guidance_scale),
            n_prior_steps: self.prior.map(|prior| prior.n_steps),
            prior_guidance_scale: self.prior.map(|prior| prior.guidance_scale),
            clip_skip: self.clip_skip,
            spacing: self.spacing,
            guidance_rescale: self.guidance_rescale,
        }
    }

    /// These, the defaults of a model of `family`, under what `request` says.
    ///
    /// # Errors
    /// [`Error::NoSuchSetting`] for a setting that the family does not have; [`Error::OutOfRange`] for numbers that no
    /// model takes.
    pub fn with(self, family: &str, request: &GenerateRequest) -> Result<Self> {
        let requested = &request.sampling;
        self.check_has(family, requested)?;
        let sampler = requested.sampler.unwrap_or(self.sampler);
        let merged = Self {
            size: request.size.unwrap_or(self.size),
            sampler,
            n_steps: requested.n_steps.unwrap_or(self.n_steps),
            guidance_scale: requested.guidance_scale.unwrap_or(self.guidance_scale),
            prior: self.prior.map(|own| PriorSettings {
                n_steps: requested.n_prior_steps.unwrap_or(own.n_steps),
                guidance_scale: requested.prior_guidance_scale.unwrap_or(own.guidance_scale),
            }),
            clip_skip: self.clip_skip.map(|own| requested.clip_skip.unwrap_or(own)),
            spacing: requested
                .spacing
                .or(self.spacing)
                .filter(|spacing| sampler.takes(*spacing)),
            guidance_rescale: self
                .guidance_rescale
                .map(|own| requested.guidance_rescale.unwrap_or(own)),
        };
        check("guidance", merged.guidance_scale, 0.0, 100.0)?;
        check(
            "guidance rescale",
            merged.guidance_rescale.unwrap_or_default(),
            0.0,
            1.0,
        )?;
        if let Some(prior) = merged.prior {
            check("prior guidance", prior.guidance_scale, 0.0, 100.0)?;
        }
        check("count", request.n_pictures as f32, 1.0, 1_000.0)?;
        check("best of", request.best_of as f32, 1.0, 100.0)?;
        Ok(merged)
    }

    fn check_has(&self, family: &str, requested: &Sampling) -> Result<()> {
        let own = self.sampling();
        let foreign = Setting::ALL
            .into_iter()
            .find(|setting| requested.get(*setting).is_some() && own.get(*setting).is_none());
        let Some(setting) = foreign else {
            return Ok(());
        };
        Err(Error::NoSuchSetting {
            setting: match setting {
                Setting::PriorSteps | Setting::PriorGuidance => "prior",
                Setting::ClipSkip => "clip skip",
                Setting::Steps => "number of steps",
                Setting::Guidance => "guidance",
                Setting::GuidanceRescale => "guidance rescale",
            },
            family: family.to_owned(),
        })
    }

    /// How `setting` is shown, with the model's own value.
    pub fn info(&self, setting: Setting, [label, hint]: [&str; 2], range: [f32; 2]) -> SettingInfo {
        let [least, most] = range;
        SettingInfo {
            setting,
            label: label.to_owned(),
            hint: hint.to_owned(),
            heading: None,
            least,
            most,
            default: self.sampling().get(setting).unwrap_or(least),
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::protocol::{Compute, ModelId};

    const WITHOUT_PRIOR: Settings = Settings {
        size: (512, 512),
        sampler: Sampler::Euler,
        n_steps: 25,
        guidance_scale: 7.5,
        prior: None,
        clip_skip: None,
        spacing: None,
        guidance_rescale: None,
    };

    fn asking(sampling: Sampling) -> GenerateRequest {
        GenerateRequest {
            sampling,
            ..GenerateRequest::blank(ModelId("any".to_owned()), Compute::default())
        }
    }

    #[test]
    fn a_setting_that_the_family_has_not_is_refused_naming_both() {
        for (setting, value, named) in [
            (Setting::PriorSteps, 25.0, "no prior"),
            (Setting::PriorGuidance, 4.0, "no prior"),
            (Setting::ClipSkip, 1.0, "no clip skip"),
            (Setting::GuidanceRescale, 0.7, "no guidance rescale"),
        ] {
            let mut sampling = Sampling::default();
            sampling.set(setting, Some(value));
            let error = WITHOUT_PRIOR.with("Flow 3", &asking(sampling)).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("Flow 3"), "{message}");
            assert!(message.contains(named), "{message}");
        }
        let merged = WITHOUT_PRIOR.with("Flow 3", &asking(Sampling::default()));
        assert_eq!(merged.unwrap(), WITHOUT_PRIOR);
    }

    #[test]
    fn what_is_asked_for_goes_before_the_models_own() {
        let own = Settings {
            prior: Some(PriorSettings {
                n_steps: 25,
                guidance_scale: 4.0,
            }),
            clip_skip: Some(0),
            guidance_rescale: Some(0.0),
            ..WITHOUT_PRIOR
        };
        for setting in Setting::ALL {
            let mut sampling = Sampling::default();
            sampling.set(setting, Some(1.0));
            let merged = own.with("any", &asking(sampling)).unwrap().sampling();
            for other in Setting::ALL {
                let expected = if other == setting {
                    Some(1.0)
                } else {
                    own.sampling().get(other)
                };
                assert_eq!(merged.get(other), expected, "{other:?} under {setting:?}");
            }
        }
    }
}
