//! The samplers that there are, one row of facts each: everything that names a sampler reads them here.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::spacing::letters;
use crate::{Error, Result, samplers::Spacing};

/// The samplers by the field's names. Variants are only appended (they travel in the protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    Ddpm,
    Ddim,
    Euler,
    EulerAncestral,
    #[serde(rename = "dpmpp_2m")]
    Dpmpp2m,
    /// [`Self::Dpmpp2m`] with [`Spacing::Karras`], which had no name of its own once: recipes and cards have this one.
    #[serde(rename = "dpmpp_2m_karras")]
    Dpmpp2mKarras,
    Heun,
    #[serde(rename = "dpmpp_2m_sde")]
    Dpmpp2mSde,
    DpmppSde,
    #[serde(rename = "unipc")]
    UniPc,
    Lcm,
    Tcd,
}

/// What there is to know of a sampler beside its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplerInfo {
    pub sampler: Sampler,
    /// What `--sampler`, recipes and `limn.json` call it.
    pub id: &'static str,
    /// What people read.
    pub label: &'static str,
    /// What the AUTOMATIC1111 web interface calls it.
    pub a1111_name: &'static str,
    /// What other programs call it, the spacing apart: small letters and digits alone, `pp` for `++`.
    pub aliases: &'static [&'static str],
    /// The class of diffusers that it is.
    pub diffusers_class: &'static str,
    /// The `algorithm_type` of a class that is several samplers.
    pub diffusers_algorithm: Option<&'static str>,
    /// Classes of diffusers that are not here and that it is nearest to.
    pub stands_in_for: &'static [&'static str],
    /// Whether it spaces its sigmas as Karras et al. 2022 do; `None`: as the model's config says.
    pub karras: Option<bool>,
    /// Whether it knows no other end of a run than the clean picture.
    pub ends_clean: bool,
    /// Which spacings it can take.
    pub spacings: Spacings,
}

/// Which spacings a sampler can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacings {
    /// Those of sigmas too.
    All,
    /// Those of whole training timesteps.
    Timesteps,
    /// None: the timesteps are those that the model was distilled at.
    Own,
}

const ROWS: [SamplerInfo; 12] = [
    SamplerInfo {
        sampler: Sampler::Ddpm,
        id: "ddpm",
        label: "DDPM",
        a1111_name: "DDPM",
        aliases: &["ddpm"],
        diffusers_class: "DDPMScheduler",
        diffusers_algorithm: None,
        stands_in_for: &["DDPMParallelScheduler"],
        karras: Some(false),
        ends_clean: false,
        spacings: Spacings::Timesteps,
    },
    SamplerInfo {
        sampler: Sampler::Ddim,
        id: "ddim",
        label: "DDIM",
        a1111_name: "DDIM",
        aliases: &["ddim", "plms"],
        diffusers_class: "DDIMScheduler",
        diffusers_algorithm: None,
        stands_in_for: &["DDIMParallelScheduler", "PNDMScheduler"],
        karras: Some(false),
        ends_clean: false,
        spacings: Spacings::Timesteps,
    },
    SamplerInfo {
        sampler: Sampler::Euler,
        id: "euler",
        label: "Euler",
        a1111_name: "Euler",
        aliases: &["euler"],
        diffusers_class: "EulerDiscreteScheduler",
        diffusers_algorithm: None,
        stands_in_for: &["LMSDiscreteScheduler"],
        karras: None,
        ends_clean: false,
        spacings: Spacings::All,
    },
    SamplerInfo {
        sampler: Sampler::EulerAncestral,
        id: "euler_ancestral",
        label: "Euler ancestral",
        a1111_name: "Euler a",
        aliases: &["eulera", "eulerancestral"],
        diffusers_class: "EulerAncestralDiscreteScheduler",
        diffusers_algorithm: None,
        stands_in_for: &["KDPM2AncestralDiscreteScheduler"],
        karras: Some(false),
        ends_clean: true,
        spacings: Spacings::All,
    },
    SamplerInfo {
        sampler: Sampler::Dpmpp2m,
        id: "dpmpp_2m",
        label: "DPM++ 2M",
        a1111_name: "DPM++ 2M",
        aliases: &["dpmpp2m"],
        diffusers_class: "DPMSolverMultistepScheduler",
        diffusers_algorithm: Some("dpmsolver++"),
        stands_in_for: &["DEISMultistepScheduler", "DPMSolverSinglestepScheduler"],
        karras: Some(false),
        ends_clean: false,
        spacings: Spacings::All,
    },
    SamplerInfo {
        sampler: Sampler::Dpmpp2mKarras,
        id: "dpmpp_2m_karras",
        label: "DPM++ 2M Karras",
        a1111_name: "DPM++ 2M Karras",
        aliases: &["dpmpp2m", "dpmpp2mk"],
        diffusers_class: "DPMSolverMultistepScheduler",
        diffusers_algorithm: Some("dpmsolver++"),
        stands_in_for: &[],
        karras: Some(true),
        ends_clean: false,
        spacings: Spacings::All,
    },
    SamplerInfo {
        sampler: Sampler::Heun,
        id: "heun",
        label: "Heun",
        a1111_name: "Heun",
        aliases: &["heun"],
        diffusers_class: "HeunDiscreteScheduler",
        diffusers_algorithm: None,
        stands_in_for: &["KDPM2DiscreteScheduler"],
        karras: None,
        ends_clean: true,
        spacings: Spacings::All,
    },
    SamplerInfo {
        sampler: Sampler::Dpmpp2mSde,
        id: "dpmpp_2m_sde",
        label: "DPM++ 2M SDE",
        a1111_name: "DPM++ 2M SDE",
        aliases: &["dpmpp2msde", "dpmpp2msdegpu", "dpmpp2msdek"],
        diffusers_class: "DPMSolverMultistepScheduler",
        diffusers_algorithm: Some("sde-dpmsolver++"),
        stands_in_for: &[],
        karras: None,
        ends_clean: false,
        spacings: Spacings::All,
    },
    SamplerInfo {
        sampler: Sampler::DpmppSde,
        id: "dpmpp_sde",
        label: "DPM++ SDE",
        a1111_name: "DPM++ SDE",
        aliases: &["dpmppsde", "dpmppsdegpu", "dpmppsdek"],
        diffusers_class: "DPMSolverSDEScheduler",
        diffusers_algorithm: None,
        stands_in_for: &[],
        karras: None,
        ends_clean: true,
        spacings: Spacings::All,
    },
    SamplerInfo {
        sampler: Sampler::UniPc,
        id: "unipc",
        label: "UniPC",
        a1111_name: "UniPC",
        aliases: &["unipc", "unipcbh2", "unipck"],
        diffusers_class: "UniPCMultistepScheduler",
        diffusers_algorithm: None,
        stands_in_for: &[],
        karras: None,
        ends_clean: false,
        spacings: Spacings::All,
    },
    SamplerInfo {
        sampler: Sampler::Lcm,
        id: "lcm",
        label: "LCM",
        a1111_name: "LCM",
        aliases: &["lcm"],
        diffusers_class: "LCMScheduler",
        diffusers_algorithm: None,
        stands_in_for: &[],
        karras: Some(false),
        ends_clean: true,
        spacings: Spacings::Own,
    },
    SamplerInfo {
        sampler: Sampler::Tcd,
        id: "tcd",
        label: "TCD",
        a1111_name: "TCD",
        aliases: &["tcd"],
        diffusers_class: "TCDScheduler",
        diffusers_algorithm: None,
        stands_in_for: &[],
        karras: Some(false),
        ends_clean: true,
        spacings: Spacings::Own,
    },
];

impl Sampler {
    /// In the order in which they are offered.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.into_iter().map(|row| row.sampler)
    }

    /// # Panics
    /// Never: a test looks for every variant.
    pub fn info(self) -> &'static SamplerInfo {
        const { &ROWS }
            .iter()
            .find(|row| row.sampler == self)
            .expect("every sampler has its row")
    }

    /// The name that `--sampler`, recipes and `limn.json` use.
    pub fn name(self) -> &'static str {
        self.info().id
    }

    /// What another program means by a sampler's name and the name of its spacing, if that is here.
    ///
    /// A spacing that is not here leaves the sampler with the model's own.
    pub fn from_foreign(name: &str, spacing: Option<&str>) -> Option<(Self, Option<Spacing>)> {
        let (name, spacing) = (letters(name), letters(spacing.unwrap_or_default()));
        let (stem, in_name) = Spacing::split_off(&name);
        // InvokeAI ends the names of some with `_k`.
        let short = ["2mk", "sdek", "unipck"]
            .iter()
            .any(|end| name.ends_with(end));
        let spacing = in_name
            .or_else(|| Spacing::from_foreign(&spacing))
            .or(short.then_some(Spacing::Karras));
        let mut named = const { &ROWS }
            .iter()
            .filter(|row| row.aliases.contains(&stem));
        let first = named.clone().next()?;
        let karras = named.find(|row| spacing == Some(Spacing::Karras) && row.karras == Some(true));
        match karras {
            Some(row) => Some((row.sampler, None)),
            None => Some((
                first.sampler,
                spacing.filter(|spacing| first.sampler.takes(*spacing)),
            )),
        }
    }

    /// What a diffusers scheduler of this class is, or what is nearest to it.
    pub(crate) fn from_diffusers(
        class: &str,
        algorithm: Option<&str>,
        karras: bool,
    ) -> Option<Self> {
        let named = || {
            const { &ROWS }
                .iter()
                .filter(move |row| row.diffusers_class == class)
        };
        let is_asked_for = |row: &&SamplerInfo| {
            // A class that is several is the first without a word of it.
            row.diffusers_algorithm == algorithm || algorithm.is_none()
        };
        let mut exact = named().filter(is_asked_for);
        let spaced = exact.clone().find(|row| row.karras == Some(karras));
        let nearest = || {
            const { &ROWS }
                .iter()
                .find(|row| row.stands_in_for.contains(&class))
        };
        let row = spaced
            .or_else(|| exact.next())
            .or_else(|| named().next())
            .or_else(nearest)?;
        Some(row.sampler)
    }

    /// Whether it can space its steps so.
    pub fn takes(self, spacing: Spacing) -> bool {
        match self.info().spacings {
            Spacings::All => true,
            Spacings::Timesteps => !spacing.is_of_sigmas(),
            Spacings::Own => false,
        }
    }

    /// Their ids as a sentence goes on: `a`, `b` or `c`.
    pub fn choices() -> String {
        let ids: Vec<String> = Self::all()
            .map(|sampler| format!("`{}`", sampler.name()))
            .collect();
        match ids.split_last() {
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
            None => String::new(),
        }
    }
}

impl fmt::Display for Sampler {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Sampler {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::all()
            .find(|sampler| sampler.name() == name)
            .ok_or_else(|| Error::UnknownSampler {
                name: name.to_owned(),
                valid: Self::all()
                    .map(|sampler| sampler.name().to_owned())
                    .collect(),
            })
    }
}

#[cfg(test)]
mod tests;
