//! Which LoRAs are installed, and what they change of the chosen model.

use std::collections::BTreeMap;

use limn_engine::protocol::{GenerateRequest, LoraChoice, ModelId};

use super::{Problem, Session};

/// LoRAs of one prompt bar.
pub const MOST_LORAS: usize = 16;
/// Weights that can be chosen; more may stand in a prompt.
pub const LORA_WEIGHTS: std::ops::RangeInclusive<f32> = -1.0..=2.0;

/// A LoRA in the folder of LoRAs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledLora {
    /// As requests and prompts name it.
    pub name: String,
    /// Kind, models and size, for people.
    pub facts: String,
    /// The models that it was made for, where that can be told.
    pub made_for: Option<String>,
}

/// What a LoRA changes of a model, by names and shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoraMatch {
    /// Jobs of the model take it.
    pub is_usable: bool,
    pub n_layers: usize,
    /// Changes in the file for which the model has no layer.
    pub n_unmatched: usize,
}

/// How it stands with a LoRA of a prompt bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoraStanding {
    /// It is not looked at yet.
    Unknown,
    Missing,
    Fits(LoraMatch),
    /// Made for other models, as far as that can be told.
    Other(Option<String>),
}

#[derive(Debug, Default)]
pub struct InstalledLoras {
    /// `None` until the folder was looked into.
    installed: Option<Vec<InstalledLora>>,
    /// Of this model, by the names of the LoRAs.
    fits: Option<(ModelId, BTreeMap<String, LoraMatch>)>,
    /// The model whose fits are being looked for.
    asked: Option<ModelId>,
}

impl InstalledLoras {
    pub fn installed(&self) -> &[InstalledLora] {
        self.installed.as_deref().unwrap_or_default()
    }

    /// The folder was looked into; how they fit is to be looked at again.
    pub fn set_installed(&mut self, installed: Vec<InstalledLora>) {
        self.installed = Some(installed);
        self.fits = None;
        self.asked = None;
    }

    pub fn set_fits(&mut self, model: ModelId, fits: BTreeMap<String, LoraMatch>) {
        if self.asked.as_ref() == Some(&model) {
            self.fits = Some((model, fits));
        }
    }

    /// Whether the fits of a model are to be looked for now; true once.
    pub fn ask(&mut self, model: &ModelId) -> bool {
        if self.installed().is_empty() || self.asked.as_ref() == Some(model) {
            return false;
        }
        self.asked = Some(model.clone());
        true
    }

    fn find(&self, name: &str) -> Option<&InstalledLora> {
        let exact = self.installed().iter().find(|lora| lora.name == name);
        let folded = || {
            let mut all = self.installed().iter();
            all.find(|lora| lora.name.eq_ignore_ascii_case(name))
        };
        exact.or_else(folded)
    }

    pub fn standing(&self, name: &str, model: &ModelId) -> LoraStanding {
        if self.installed.is_none() {
            return LoraStanding::Unknown;
        }
        let Some(lora) = self.find(name) else {
            return LoraStanding::Missing;
        };
        let fits = self.fits.as_ref().filter(|(of, _)| of == model);
        match fits.map(|(_, fits)| fits.get(&lora.name)) {
            None => LoraStanding::Unknown,
            Some(Some(fit)) if fit.is_usable => LoraStanding::Fits(*fit),
            Some(_) => LoraStanding::Other(lora.made_for.clone()),
        }
    }

    /// Those that change a model, by name.
    pub fn fitting(&self, model: &ModelId) -> impl Iterator<Item = &InstalledLora> {
        let fits = |lora: &&InstalledLora| {
            matches!(self.standing(&lora.name, model), LoraStanding::Fits(_))
        };
        self.installed().iter().filter(fits)
    }

    pub fn are_looked_at(&self, model: &ModelId) -> bool {
        let of = self.fits.as_ref().map(|(of, _)| of);
        self.installed().is_empty() || of == Some(model)
    }
}

impl Session {
    /// Leaves out of a request what is of other models, as the prompt bar says it is.
    ///
    /// # Errors
    /// Which LoRA is not there.
    pub fn sift_loras(&self, request: &mut GenerateRequest) -> Result<(), Problem> {
        let standing = |lora: &LoraChoice| self.loras.standing(&lora.name, &request.model);
        let missing = request.loras.iter();
        let mut missing = missing.filter(|lora| standing(lora) == LoraStanding::Missing);
        if let Some(LoraChoice { name, .. }) = missing.next() {
            let text = format!(
                "The LoRA “{name}” is not among yours: drop its file here, or take it out of the list of LoRAs."
            );
            return Err(text.as_str().into());
        }
        let kept = request.loras.iter();
        let kept = kept.filter(|lora| !matches!(standing(lora), LoraStanding::Other(_)));
        request.loras = kept.cloned().collect();
        Ok(())
    }
}

/// As they were written down: those that can be, each once.
pub(super) fn within_bounds(loras: Vec<LoraChoice>) -> Vec<LoraChoice> {
    const MOST_CHARS: usize = 255;
    let mut taken: Vec<LoraChoice> = Vec::new();
    for LoraChoice { name, weight } in loras {
        let is_named = (1..=MOST_CHARS).contains(&name.chars().count());
        let is_new = !taken.iter().any(|other| other.name == name);
        if is_named && is_new && weight.is_finite() && taken.len() < MOST_LORAS {
            let weight = weight.clamp(*LORA_WEIGHTS.start(), *LORA_WEIGHTS.end());
            taken.push(LoraChoice { name, weight });
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use limn_engine::protocol::Compute;

    use super::*;

    fn model() -> ModelId {
        ModelId("doodle".to_owned())
    }

    fn choice(name: &str, weight: f32) -> LoraChoice {
        LoraChoice {
            name: name.to_owned(),
            weight,
        }
    }

    /// `ink` fits, `film` is of other models.
    fn session() -> Session {
        let mut session = Session::default();
        let installed = ["ink", "film"].map(|name| InstalledLora {
            name: name.to_owned(),
            facts: String::new(),
            made_for: (name == "film").then(|| "SDXL".to_owned()),
        });
        session.loras.set_installed(installed.to_vec());
        assert!(session.loras.ask(&model()));
        assert!(!session.loras.ask(&model()), "once");
        let fit = |is_usable| LoraMatch {
            is_usable,
            n_layers: 12,
            n_unmatched: 1,
        };
        let fits = [("ink", true), ("film", false)];
        let fits = fits.map(|(name, usable)| (name.to_owned(), fit(usable)));
        session.loras.set_fits(model(), fits.into());
        session
    }

    #[test]
    fn a_request_has_the_loras_that_fit_and_one_that_is_missing_is_named() {
        let session = session();
        let mut request = GenerateRequest::blank(model(), Compute::default());
        request.loras = vec![choice("INK", 0.5), choice("film", 1.0)];
        session.sift_loras(&mut request).unwrap();
        assert_eq!(request.loras, [choice("INK", 0.5)]);
        request.loras.push(choice("gone", 1.0));
        let problem = session.sift_loras(&mut request).unwrap_err();
        assert!(problem.text.contains("“gone”"), "{}", problem.text);
    }

    #[test]
    fn how_it_stands_is_told_of_the_model_that_was_looked_at() {
        let mut session = session();
        let standing = |session: &Session, name: &str| session.loras.standing(name, &model());
        assert!(matches!(
            standing(&session, "ink"),
            LoraStanding::Fits(LoraMatch { n_unmatched: 1, .. })
        ));
        assert_eq!(
            standing(&session, "film"),
            LoraStanding::Other(Some("SDXL".to_owned()))
        );
        let other = ModelId("other".to_owned());
        assert_eq!(session.loras.standing("ink", &other), LoraStanding::Unknown);
        // An answer about a model that was left meanwhile is not taken for this one.
        assert!(session.loras.ask(&other));
        session.loras.set_fits(model(), BTreeMap::new());
        assert_eq!(session.loras.standing("ink", &other), LoraStanding::Unknown);
        assert_eq!(
            InstalledLoras::default().standing("ink", &other),
            LoraStanding::Unknown
        );
        session.loras.set_installed(Vec::new());
        assert_eq!(standing(&session, "ink"), LoraStanding::Missing);
    }

    #[test]
    fn a_list_is_taken_up_within_its_bounds() {
        let mut many: Vec<_> = (0..40).map(|n| choice(&n.to_string(), 9.0)).collect();
        many.extend([choice("", 1.0), choice("0", 1.0), choice("a", f32::NAN)]);
        let taken = within_bounds(many);
        assert_eq!(taken.len(), MOST_LORAS);
        assert!(taken.iter().all(|lora| lora.weight <= 2.0));
        assert_eq!(
            within_bounds(vec![choice("", 1.0), choice("a", f32::NAN)]),
            []
        );
    }
}
