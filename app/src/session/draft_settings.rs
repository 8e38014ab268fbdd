//! What a document's prompt bar is set to, beside its prompt, as it is kept for the next start.

use limn_engine::protocol::{GenerateRequest, IpAdapterChoice, LoraChoice, Sampling};
use serde::{Deserialize, Serialize};

use super::{Draft, EditChoices, ip_adapters, loras};
use crate::settings::PromptBar;

/// Results of one run.
const N_PICTURES: std::ops::RangeInclusive<u32> = 1..=9;
const BEST_OF: std::ops::RangeInclusive<u32> = 1..=8;
/// A longer side is asked for by no model's sizes.
const LIMIT_SIDE: u32 = 16_384;
/// More steps, or a stronger guidance, is a slip of the keyboard.
const LIMIT_STEPS: u32 = 10_000;
const LIMIT_GUIDANCE: f32 = 1_000.0;
/// More layers has no text encoder.
const LIMIT_CLIP_SKIP: u32 = 100;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DraftSettings {
    pub negative_prompt: String,
    pub n_pictures: u32,
    pub size: Option<(u32, u32)>,
    pub best_of: u32,
    pub sampling: Sampling,
    pub loras: Vec<LoraChoice>,
    pub ip_adapter: Option<IpAdapterChoice>,
    /// A seed that the user has locked.
    pub seed: Option<u64>,
    pub far: f32,
    pub edits: EditChoices,
}

impl Default for DraftSettings {
    fn default() -> Self {
        Self::of(&Draft::default(), &EditChoices::default())
    }
}

impl DraftSettings {
    pub fn of(draft: &Draft, edits: &EditChoices) -> Self {
        Self {
            negative_prompt: draft.negative_prompt.clone(),
            n_pictures: draft.n_pictures,
            size: draft.size,
            best_of: draft.best_of,
            sampling: draft.sampling.clone(),
            loras: draft.loras.clone(),
            ip_adapter: draft.ip_adapter.clone(),
            seed: draft.seed_is_locked.then_some(draft.seed),
            far: draft.far,
            edits: edits.clone(),
        }
    }

    /// Sets a document's prompt bar, each value within its bounds.
    pub fn set(self, draft: &mut Draft, edits: &mut EditChoices) {
        draft.negative_prompt = self.negative_prompt;
        draft.n_pictures = self
            .n_pictures
            .clamp(*N_PICTURES.start(), *N_PICTURES.end());
        draft.size = possible_size(self.size);
        draft.best_of = self.best_of.clamp(*BEST_OF.start(), *BEST_OF.end());
        draft.sampling = possible_sampling(&self.sampling);
        draft.loras = loras::within_bounds(self.loras);
        draft.ip_adapter = ip_adapters::within_bounds(self.ip_adapter);
        draft.seed_is_locked = self.seed.is_some();
        draft.seed = self.seed.unwrap_or(draft.seed);
        draft.far = if self.far.is_finite() {
            self.far.clamp(0.0, 1.0)
        } else {
            1.0
        };
        *edits = self.edits.within_bounds();
    }
}

/// A size that some model might have.
fn possible_size(size: Option<(u32, u32)>) -> Option<(u32, u32)> {
    let is_possible = |side: u32| (1..=LIMIT_SIDE).contains(&side);
    size.filter(|(width, height)| is_possible(*width) && is_possible(*height))
}

/// What no model takes is left to the model.
fn possible_sampling(sampling: &Sampling) -> Sampling {
    let steps = |n: Option<u32>| n.filter(|n| (1..=LIMIT_STEPS).contains(n));
    let guidance = |scale: Option<f32>| scale.filter(|scale| scale.abs() <= LIMIT_GUIDANCE);
    Sampling {
        n_steps: steps(sampling.n_steps),
        guidance_scale: guidance(sampling.guidance_scale),
        n_prior_steps: steps(sampling.n_prior_steps),
        prior_guidance_scale: guidance(sampling.prior_guidance_scale),
        clip_skip: sampling.clip_skip.filter(|n| *n <= LIMIT_CLIP_SKIP),
        guidance_rescale: sampling
            .guidance_rescale
            .filter(|share| (0.0..=1.0).contains(share)),
        ..sampling.clone()
    }
}

impl PromptBar {
    /// Each value within its bounds, or the usual one.
    pub(crate) fn keep_within_bounds(&mut self) {
        let usual = Self::default();
        let possible = |n: &mut u32, range: std::ops::RangeInclusive<u32>, usual| {
            if !range.contains(n) {
                *n = usual;
            }
        };
        possible(&mut self.n_pictures, N_PICTURES, usual.n_pictures);
        possible(&mut self.best_of, BEST_OF, usual.best_of);
        self.size = possible_size(self.size);
        self.sampling = possible_sampling(&self.sampling);
    }
}

impl Draft {
    /// As a run was asked for: of a document that was saved without what stood in its prompt bar.
    pub(super) fn like(&mut self, request: &GenerateRequest) {
        self.prompt.clone_from(&request.prompt);
        let settings = DraftSettings {
            negative_prompt: request.negative_prompt.clone().unwrap_or_default(),
            n_pictures: request.n_pictures,
            size: request.size,
            best_of: request.best_of,
            sampling: request.sampling.clone(),
            loras: request.loras.clone(),
            ip_adapter: request.ip_adapter.clone(),
            seed: None,
            ..DraftSettings::default()
        };
        settings.set(self, &mut EditChoices::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_taken_up_within_their_bounds() {
        let mut draft = Draft {
            n_pictures: 3,
            negative_prompt: "fog".to_owned(),
            seed: 9,
            loras: vec![LoraChoice {
                name: "ink".to_owned(),
                weight: 0.8,
            }],
            ip_adapter: Some(IpAdapterChoice {
                name: "plus".to_owned(),
                scale: 0.5,
            }),
            seed_is_locked: true,
            ..Draft::default()
        };
        let mut edits = EditChoices {
            change_strength: 0.25,
            grow_px: Some(3.0),
            ..EditChoices::default()
        };
        let settings = DraftSettings::of(&draft, &edits);
        let json = serde_json::to_string(&settings).unwrap_or_default();
        let read: DraftSettings = serde_json::from_str(&json).unwrap_or_default();
        assert_eq!(read, settings);
        let (mut draft_again, mut edits_again) = (Draft::default(), EditChoices::default());
        read.set(&mut draft_again, &mut edits_again);
        assert_eq!(
            (&draft_again.negative_prompt, draft_again.seed),
            (&draft.negative_prompt, 9)
        );
        assert_eq!((draft_again.n_pictures, edits_again), (3, edits.clone()));
        assert_eq!(draft_again.loras, draft.loras);
        assert_eq!(draft_again.ip_adapter, draft.ip_adapter);

        let absurd = DraftSettings {
            n_pictures: 0,
            size: Some((0, u32::MAX)),
            best_of: 900,
            far: f32::NAN,
            edits: EditChoices {
                fill_strength: -4.0,
                feather_px: Some(f32::INFINITY),
                blend_inward_px: u32::MAX,
                ..EditChoices::default()
            },
            ..DraftSettings::default()
        };
        absurd.set(&mut draft, &mut edits);
        assert_eq!((draft.n_pictures, draft.size, draft.best_of), (1, None, 8));
        assert!((draft.far - 1.0).abs() < f32::EPSILON);
        assert_eq!((edits.fill_strength, edits.feather_px), (0.0, None));
        assert!(edits.blend_inward_px <= 4);
    }
}
