use serde::{Deserialize, Serialize};

use super::Cascade;
use crate::{
    foreign_text,
    protocol::Vocabulary,
    samplers::{Sampler, Spacing},
};

/// `limn.json` beside a folder's `model_index.json`: what the model does best. Every entry may be absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelCard {
    pub name: Option<String>,
    /// One honest line: what it draws and how large.
    pub description: Option<String>,
    /// Width and height in pixels of what the model itself draws best.
    pub size: Option<(u32, u32)>,
    /// What makes its pictures larger, where that belongs to them; needs `size` and the model's own upscaler.
    pub cascade: Option<Cascade>,
    pub steps: Option<u32>,
    pub prior_steps: Option<u32>,
    pub guidance_scale: Option<f32>,
    pub prior_guidance_scale: Option<f32>,
    pub sampler: Option<Sampler>,
    pub spacing: Option<Spacing>,
    pub preview: Option<PreviewMap>,
    pub vocabulary: Option<CardVocabulary>,
    pub examples: Vec<String>,
    /// The files beside the card that are a model together, where there is no `model_index.json`: a U-Net, an
    /// autoencoder and text encoders of one's own choice.
    pub parts: Vec<String>,
}

/// Latents to RGB in [-1, 1] by one linear map: a rough picture for nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PreviewMap {
    /// One row of red, green and blue for each latent channel.
    pub matrix: Vec<[f32; 3]>,
    pub bias: [f32; 3],
}

impl ModelCard {
    /// Reads `limn.json`.
    ///
    /// # Errors
    /// The reason, when it is no card or says what no model can have.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, String> {
        let card: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        card.check()?;
        Ok(card.into_shown())
    }

    /// Sizes and steps are the family's to check, which knows the model.
    fn check(&self) -> Result<(), String> {
        const MAX_GUIDANCE: f32 = 100.0;
        /// Of latents: far above any autoencoder's channels.
        const MAX_ROWS: usize = 64;
        const MAX_EXAMPLES: usize = 200;
        const MAX_PARTS: usize = 16;
        const MAX_WORDS: usize = 20_000;
        for (key, scale) in [
            ("guidance_scale", self.guidance_scale),
            ("prior_guidance_scale", self.prior_guidance_scale),
        ] {
            // Not-a-number is in no range.
            if let Some(scale) = scale
                && !(0.0..=MAX_GUIDANCE).contains(&scale)
            {
                return Err(format!(
                    "`{key}` is {scale} and must be 0 to {MAX_GUIDANCE}"
                ));
            }
        }
        if let Some(map) = &self.preview {
            let is_small = |value: &f32| (-1e3..=1e3).contains(value);
            if map.matrix.len() > MAX_ROWS || !map.to_numbers().iter().all(is_small) {
                return Err("`preview` is no map from latents to colours".to_owned());
            }
        }
        if self.parts.len() > MAX_PARTS {
            return Err(format!("there are more than {MAX_PARTS} `parts`"));
        }
        if let Some(cascade) = &self.cascade {
            cascade.check()?;
            if self.size.is_none() {
                return Err("`cascade` needs the `size` that the model itself draws".to_owned());
            }
        }
        if self.examples.len() > MAX_EXAMPLES {
            return Err(format!("there are more than {MAX_EXAMPLES} `examples`"));
        }
        let n_words = self.vocabulary.as_ref().map_or(0, CardVocabulary::n_words);
        if n_words > MAX_WORDS {
            return Err(format!(
                "`vocabulary` has {n_words} words, above {MAX_WORDS}"
            ));
        }
        Ok(())
    }

    /// With all text as it may be shown.
    fn into_shown(self) -> Self {
        let shown = |text: String| foreign_text::name(text).to_string();
        let all_shown = |texts: Vec<String>| texts.into_iter().map(shown).collect();
        Self {
            name: self.name.map(shown).filter(|name| !name.trim().is_empty()),
            description: self
                .description
                .map(|text| foreign_text::message(text).to_string()),
            examples: all_shown(self.examples),
            vocabulary: self.vocabulary.map(|vocabulary| CardVocabulary {
                objects: all_shown(vocabulary.objects),
                colours: all_shown(vocabulary.colours),
                places: all_shown(vocabulary.places),
                times: all_shown(vocabulary.times),
                styles: all_shown(vocabulary.styles),
                words: all_shown(vocabulary.words),
                synonyms: vocabulary
                    .synonyms
                    .into_iter()
                    .map(|(typed, known)| (shown(typed), shown(known)))
                    .collect(),
            }),
            ..self
        }
    }
}

impl CardVocabulary {
    fn n_words(&self) -> usize {
        let lists = [
            &self.objects,
            &self.colours,
            &self.places,
            &self.times,
            &self.styles,
            &self.words,
        ];
        lists.iter().map(|list| list.len()).sum::<usize>() + self.synonyms.len()
    }
}

impl PreviewMap {
    /// Row by row, the bias last.
    pub(crate) fn to_numbers(&self) -> Vec<f32> {
        let rows = self.matrix.iter().chain([&self.bias]);
        rows.flatten().copied().collect()
    }

    /// The other way.
    pub(crate) fn from_numbers(numbers: &[f32]) -> Self {
        let (rows, _) = numbers.as_chunks::<3>();
        let (bias, matrix) = rows.split_last().unwrap_or((&[0.0; 3], &[]));
        Self {
            matrix: matrix.to_vec(),
            bias: *bias,
        }
    }
}

/// The words of a small model, as `limn.json` spells them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CardVocabulary {
    pub objects: Vec<String>,
    pub colours: Vec<String>,
    pub places: Vec<String>,
    pub times: Vec<String>,
    pub styles: Vec<String>,
    pub words: Vec<String>,
    /// Word the user may type → word the model knows.
    pub synonyms: std::collections::BTreeMap<String, String>,
}

impl From<CardVocabulary> for Vocabulary {
    fn from(card: CardVocabulary) -> Self {
        Self {
            objects: card.objects,
            colours: card.colours,
            places: card.places,
            times: card.times,
            styles: card.styles,
            words: card.words,
            synonyms: card.synonyms.into_iter().collect(),
        }
    }
}
