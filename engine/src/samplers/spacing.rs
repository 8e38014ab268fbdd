//! How the steps of a run are spaced over the noise, whichever sampler takes them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Spacings by the field's names. Variants are only appended (they travel in the protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Even timesteps, both ends included.
    Linspace,
    /// Even timesteps from the lowest one.
    Leading,
    /// Even timesteps from the highest one: Lin et al. 2023.
    Trailing,
    /// Even in σ^(1/7): Karras et al. 2022.
    Karras,
    /// Even in ln σ.
    Exponential,
    /// Even timesteps from the highest to where one more step would end: Stability's generative models.
    SgmUniform,
}

/// A spacing, what settings call it, what people read, and what other programs call it in small letters and digits.
const ROWS: [(Spacing, &str, &str, &[&str]); 6] = [
    (
        Spacing::Linspace,
        "linspace",
        "Normal",
        &["linspace", "normal", "uniform"],
    ),
    (
        Spacing::Leading,
        "leading",
        "Leading",
        &["leading", "ddimuniform", "ddim"],
    ),
    (
        Spacing::Trailing,
        "trailing",
        "Trailing",
        &["trailing", "simple"],
    ),
    (Spacing::Karras, "karras", "Karras", &["karras"]),
    (
        Spacing::Exponential,
        "exponential",
        "Exponential",
        &["exponential", "polyexponential"],
    ),
    (
        Spacing::SgmUniform,
        "sgm_uniform",
        "SGM uniform",
        &["sgmuniform"],
    ),
];

impl Spacing {
    /// In the order in which they are offered.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.into_iter().map(|row| row.0)
    }

    /// The name that `--spacing` and recipes use.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What people read, and what the AUTOMATIC1111 web interface calls it.
    pub fn label(self) -> &'static str {
        self.row().2
    }

    /// Whether it spaces sigmas, and not timesteps.
    pub fn is_of_sigmas(self) -> bool {
        matches!(self, Self::Karras | Self::Exponential)
    }

    /// By another program's name, in small letters and digits.
    pub(super) fn from_foreign(name: &str) -> Option<Self> {
        let row = ROWS.into_iter().find(|row| row.3.contains(&name))?;
        Some(row.0)
    }

    /// A sampler's name without the spacing that it ends with, as in `dpmpp2msdekarras`.
    pub(super) fn split_off(name: &str) -> (&str, Option<Self>) {
        let ends = [Self::Karras, Self::Exponential, Self::SgmUniform];
        let found = ends.into_iter().find_map(|spacing| {
            let stem = name.strip_suffix(letters(spacing.name()).as_str())?;
            Some((stem, Some(spacing)))
        });
        found.unwrap_or((name, None))
    }

    /// Their names as a sentence goes on.
    pub fn choices() -> String {
        let names: Vec<String> = Self::all().map(|s| format!("`{}`", s.name())).collect();
        match names.split_last() {
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
            None => String::new(),
        }
    }

    fn row(self) -> (Self, &'static str, &'static str, &'static [&'static str]) {
        // Every variant has its row, which a test looks for.
        ROWS.into_iter()
            .find(|row| row.0 == self)
            .unwrap_or(ROWS[0])
    }
}

/// Small letters and digits alone, `pp` for `++`.
pub(super) fn letters(text: &str) -> String {
    let text = text.to_lowercase().replace("++", "pp");
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

impl fmt::Display for Spacing {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Spacing {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let row = ROWS.into_iter().find(|row| row.1 == name);
        row.map(|row| row.0).ok_or_else(|| Error::OutOfRange {
            name: "spacing",
            value: name.to_owned(),
            allowed: Self::choices(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_name_leads_back_to_its_spacing() {
        for (spacing, name, label, _) in ROWS {
            assert_eq!(spacing.row().0, spacing);
            assert_eq!(serde_json::to_value(spacing).unwrap(), name);
            assert_eq!(name.parse::<Spacing>().unwrap(), spacing);
            for foreign in [name, label] {
                assert_eq!(Spacing::from_foreign(&letters(foreign)), Some(spacing));
            }
        }
        let error = "quadratic".parse::<Spacing>().unwrap_err().to_string();
        assert!(error.contains("sgm_uniform"), "{error}");
    }
}
