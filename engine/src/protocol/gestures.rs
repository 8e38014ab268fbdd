//! What is asked for with pictures: variations, blends, shifts, larger pictures, and embeddings for a search.

use serde::{Deserialize, Serialize};

use super::{BlobHash, Compute, GenerateRequest, ModelId, checked};

/// A picture that was sent ahead in chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PictureInput {
    /// RGBA, straight alpha, row by row.
    pub pixels: BlobHash,
    pub width: u32,
    pub height: u32,
}

/// Pictures like this one. Its prompt may be empty; one that is not steers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariationsRequest {
    pub generate: GenerateRequest,
    pub source: PictureInput,
    /// From 0, where next to nothing changes, to 1, where only what the picture shows is kept.
    pub far: f32,
}

/// Pictures between two to four pictures or texts. Its prompt only says what `best_of` judges by; where it is empty
/// that is what steers the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlendRequest {
    /// `n_pictures` is the number of `ways`; with one way any number of pictures goes it.
    pub generate: GenerateRequest,
    pub inputs: Vec<BlendInput>,
    /// For each picture the weights of the inputs, in the inputs' order. Their sum is taken for the whole.
    pub ways: Vec<Vec<f32>>,
    pub mix: Mix,
    pub noise: BlendNoise,
}

/// Where a blend starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlendNoise {
    /// From the pictures' own noise, mixed: the way begins and ends at the pictures. Two pictures of one way are
    /// the same, whatever their seeds, unless a text is among the inputs.
    #[default]
    Inverted,
    /// From the seed's: each seed is another way.
    Seed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlendInput {
    Picture(PictureInput),
    Text(String),
}

/// How image embeddings are mixed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mix {
    /// Directions along the great circle, lengths in a straight line.
    #[default]
    Slerp,
    /// The weighted sum, as the reference's `interpolate` has it.
    Linear,
}

/// A picture turned from what one text says into what another says. One picture per amount; its prompt is not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShiftRequest {
    pub generate: GenerateRequest,
    pub source: PictureInput,
    pub from: String,
    pub to: String,
    /// From 0, the picture as it is, to 1, as far as makes sense.
    pub amounts: Vec<f32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpscaleRequest {
    pub source: PictureInput,
    /// 2, 4 or 8 times wider and higher.
    pub scale: u32,
    /// `None`: the best there is for this picture: what was made for the model that drew it, else an upscaler file that
    /// the user has, else the resampler.
    pub upscaler: Option<Upscaler>,
    pub compute: Compute,
    /// The name of the model that drew the picture, as its recipe has it; `None` for one from elsewhere.
    pub drawn_by: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "a request holds one, and nobody holds many requests"
)]
pub enum Upscaler {
    /// Arithmetic alone: nothing is made up.
    Resample,
    /// A model that draws the resampled picture anew, tile by tile. The request's size is that of a tile; its number of
    /// pictures and its initial noise are not read. `strength` says how much may change, above 0 and at most 1.
    Diffusion {
        generate: GenerateRequest,
        strength: f32,
    },
    /// An upscaler's file, by an id of the engine's [list](super::Request::ListUpscalers).
    File(ModelId),
}

/// A network that makes pictures larger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpscalerInfo {
    pub id: ModelId,
    #[serde(deserialize_with = "checked::name")]
    pub name: String,
    /// Its architecture, as people call it.
    #[serde(deserialize_with = "checked::name")]
    pub family: String,
    pub scale: u32,
    pub bytes: u64,
    /// The model whose pictures it was made for, by name; `None` for any picture.
    #[serde(deserialize_with = "checked::some_name")]
    pub made_for: Option<String>,
}

/// CLIP embeddings, for a search; no picture is made. Answered by [`Event::Embedded`](super::Event::Embedded).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmbedRequest {
    pub model: ModelId,
    pub compute: Compute,
    pub pictures: Vec<PictureInput>,
    pub texts: Vec<String>,
}

impl EmbedRequest {
    /// Pictures and texts together, in one request: other jobs are not to wait long.
    pub const MOST: usize = 32;
}

/// Each row has `dim` numbers and unit length, so that a dot product is a similarity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Embeddings {
    /// SHA-256, in hexadecimal, over the weights that made them: only those of one encoder can be compared.
    pub encoder: String,
    pub dim: u32,
    pub pictures: Vec<Vec<f32>>,
    pub texts: Vec<Vec<f32>>,
}
