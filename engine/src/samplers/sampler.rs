//! The samplers that there are, one row of facts each: everything that names a sampler reads them here.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

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
    #[serde(rename = "dpmpp_2m_karras")]
    Dpmpp2mKarras,
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
    /// Whether it spaces its sigmas as Karras et al. 2022 do.
    pub karras: bool,
}

const ROWS: [SamplerInfo; 6] = [
    SamplerInfo {
        sampler: Sampler::Ddpm,
        id: "ddpm",
        label: "DDPM",
        a1111_name: "DDPM",
        aliases: &["ddpm"],
        diffusers_class: "DDPMScheduler",
        karras: false,
    },
    SamplerInfo {
        sampler: Sampler::Ddim,
        id: "ddim",
        label: "DDIM",
        a1111_name: "DDIM",
        aliases: &["ddim"],
        diffusers_class: "DDIMScheduler",
        karras: false,
    },
    SamplerInfo {
        sampler: Sampler::Euler,
        id: "euler",
        label: "Euler",
        a1111_name: "Euler",
        aliases: &["euler"],
        diffusers_class: "EulerDiscreteScheduler",
        karras: false,
    },
    SamplerInfo {
        sampler: Sampler::EulerAncestral,
        id: "euler_ancestral",
        label: "Euler ancestral",
        a1111_name: "Euler a",
        aliases: &["eulera", "eulerancestral"],
        diffusers_class: "EulerAncestralDiscreteScheduler",
        karras: false,
    },
    SamplerInfo {
        sampler: Sampler::Dpmpp2m,
        id: "dpmpp_2m",
        label: "DPM++ 2M",
        a1111_name: "DPM++ 2M",
        aliases: &["dpmpp2m"],
        diffusers_class: "DPMSolverMultistepScheduler",
        karras: false,
    },
    SamplerInfo {
        sampler: Sampler::Dpmpp2mKarras,
        id: "dpmpp_2m_karras",
        label: "DPM++ 2M Karras",
        a1111_name: "DPM++ 2M Karras",
        aliases: &["dpmpp2m", "dpmpp2mk"],
        diffusers_class: "DPMSolverMultistepScheduler",
        karras: true,
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
    /// A sampler that spaces as Karras et al. do and is here only without that stands for itself.
    pub fn from_foreign(name: &str, spacing: Option<&str>) -> Option<Self> {
        let (name, spacing) = (letters(name), letters(spacing.unwrap_or_default()));
        let stem = name.strip_suffix("karras").unwrap_or(&name);
        let karras = spacing == "karras" || stem != name || name.ends_with("2mk");
        let named: Vec<&SamplerInfo> = const { &ROWS }
            .iter()
            .filter(|row| row.aliases.contains(&stem))
            .collect();
        let spaced = named.iter().find(|row| row.karras == karras);
        spaced.or(named.first()).map(|row| row.sampler)
    }

    /// What a diffusers scheduler of this class is.
    pub(crate) fn from_diffusers(class: &str, karras: bool) -> Option<Self> {
        let named: Vec<&SamplerInfo> = const { &ROWS }
            .iter()
            .filter(|row| row.diffusers_class == class)
            .collect();
        let spaced = named.iter().find(|row| row.karras == karras);
        spaced.or(named.first()).map(|row| row.sampler)
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

/// Small letters and digits alone, `pp` for `++`.
fn letters(text: &str) -> String {
    let text = text.to_lowercase().replace("++", "pp");
    text.chars().filter(|c| c.is_alphanumeric()).collect()
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_name_leads_back_to_its_sampler() {
        for row in ROWS {
            assert_eq!(row.sampler.info(), &row);
            // Recipes on disk and cards are read by serde.
            let json = serde_json::to_value(row.sampler).unwrap();
            assert_eq!(json, row.id);
            assert_eq!(row.id.parse::<Sampler>().unwrap(), row.sampler);
            let foreign = |name| Sampler::from_foreign(name, None);
            assert_eq!(foreign(row.a1111_name), Some(row.sampler), "{row:?}");
            assert_eq!(foreign(row.id), Some(row.sampler), "{row:?}");
            let class = Sampler::from_diffusers(row.diffusers_class, row.karras);
            assert_eq!(class, Some(row.sampler), "{row:?}");
        }
        for (i, row) in ROWS.iter().enumerate() {
            let others = ROWS[..i].iter();
            let is_same = |other: &&SamplerInfo| {
                let both = row
                    .aliases
                    .iter()
                    .find(|alias| other.aliases.contains(alias));
                both.is_some() && other.karras == row.karras
            };
            assert!(!others.clone().any(|other| other.id == row.id), "{row:?}");
            assert_eq!(others.clone().find(is_same), None, "{row:?}");
        }
    }

    #[test]
    fn other_programs_names_are_known() {
        for (name, spacing, expected) in [
            ("DPM++ 2M", Some("Karras"), Some(Sampler::Dpmpp2mKarras)),
            ("dpmpp_2m_k", None, Some(Sampler::Dpmpp2mKarras)),
            ("dpmpp_2m", Some("normal"), Some(Sampler::Dpmpp2m)),
            ("Euler", Some("karras"), Some(Sampler::Euler)),
            ("euler_ancestral", None, Some(Sampler::EulerAncestral)),
            ("Restart", None, None),
            ("", None, None),
        ] {
            assert_eq!(Sampler::from_foreign(name, spacing), expected, "{name}");
        }
    }

    #[test]
    fn a_card_may_not_name_another() {
        let error = "k_euler".parse::<Sampler>().unwrap_err().to_string();
        assert!(error.contains("dpmpp_2m_karras"), "{error}");
        assert!(Sampler::choices().ends_with("`dpmpp_2m` or `dpmpp_2m_karras`"));
    }
}
