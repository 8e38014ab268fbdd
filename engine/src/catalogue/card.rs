use serde::{Deserialize, Serialize};

use crate::{protocol::Vocabulary, samplers::Sampler};

/// `limn.json` beside a folder's `model_index.json`: what the model does best. Every entry may be absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelCard {
    pub name: Option<String>,
    /// One honest line: what it draws and how large.
    pub description: Option<String>,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    pub steps: Option<u32>,
    pub prior_steps: Option<u32>,
    pub guidance_scale: Option<f32>,
    pub prior_guidance_scale: Option<f32>,
    pub sampler: Option<Sampler>,
    pub preview: Option<PreviewMap>,
    pub vocabulary: Option<CardVocabulary>,
    pub examples: Vec<String>,
}

/// Latents to RGB in [-1, 1] by one linear map: a rough picture for nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PreviewMap {
    /// One row of red, green and blue for each latent channel.
    pub matrix: Vec<[f32; 3]>,
    pub bias: [f32; 3],
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
