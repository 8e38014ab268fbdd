//! Which network a file holds, read off its tensors.

use std::borrow::Cow;

use burn::tensor::DType;

use super::{Tiling, names, wrapping::unwrapped};
use crate::{
    Error, Result,
    weights::{NameRules, TensorFiles},
};

/// Wider networks than anyone has trained: their activations would not fit anywhere.
const MAX_FEATURES: usize = 1_024;
const MAX_BLOCKS: usize = 64;
const MAX_DOUBLINGS: usize = 3;
const MAX_SCALE: usize = 8;
/// Grey, and RGB.
const PICTURE_CHANNELS: [usize; 2] = [1, 3];
const SHUFFLE_FACTORS: [usize; 3] = [1, 2, 4];
/// Source pixels round what a tile writes. A network that sees further sees a seam as faintly as it sees that far.
const MAX_MARGIN_PX: usize = 32;
/// Larger tiles save little: what they share with the next is a small part.
const MAX_TILE_PX: usize = 512;
pub(crate) const MAX_TILE_BYTES: u64 = 1 << 30;

/// The architecture and sizes of an upscaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpscalerConfig {
    Rrdb(RrdbConfig),
    Compact(CompactConfig),
}

/// `RRDBNet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RrdbConfig {
    /// Of pictures.
    pub channels: usize,
    pub n_features: usize,
    pub n_growth: usize,
    pub n_blocks: usize,
    pub n_doublings: usize,
    /// Pixels that are laid into channels first, along one side: 2 and 4 make a network of ×4 one of ×2 and ×1.
    pub shuffle_factor: usize,
    /// ESRGAN+'s.
    pub has_shortcuts: bool,
    spelling: Spelling,
}

/// Whose names the tensors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// ESRGAN's first code; its places depend on the number of doublings.
    First {
        n_doublings: usize,
    },
    Later,
    RealEsrgan,
}

impl Spelling {
    fn remap(self) -> fn(&str) -> Cow<'_, str> {
        match self {
            Self::First { n_doublings: 0 } => names::first_esrgan::<0>,
            Self::First { n_doublings: 1 } => names::first_esrgan::<1>,
            Self::First { n_doublings: 2 } => names::first_esrgan::<2>,
            Self::First { .. } => names::first_esrgan::<3>,
            Self::Later => names::later_esrgan,
            Self::RealEsrgan => names::real_esrgan,
        }
    }
}

/// `SRVGGNetCompact`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactConfig {
    /// Of pictures.
    pub channels: usize,
    pub n_features: usize,
    /// Between the first and the last convolution.
    pub n_convs: usize,
    pub scale: usize,
}

impl RrdbConfig {
    pub fn in_channels(&self) -> usize {
        self.channels * self.shuffle_factor * self.shuffle_factor
    }
}

impl UpscalerConfig {
    /// What the files hold, with the network's own tensors under their plain names, whatever a training program has put
    /// round them; `None` where it is none of these networks. No tensor is read.
    ///
    /// # Errors
    /// [`Error::NotAModel`] for one of these networks that is not for pictures in RGB or grey, or of absurd size.
    pub fn detect(files: TensorFiles) -> Result<Option<(Self, TensorFiles)>> {
        let files = unwrapped(files, |has| Kind::of(has).is_some())?;
        let names = Names { files: &files };
        let has = |name: &str| files.kind(name).is_some();
        let config = match Kind::of(&has) {
            None => return Ok(None),
            Some(Kind::FirstEsrgan) => Self::Rrdb(names.rrdb(names.first_spelling())?),
            Some(Kind::LaterEsrgan) => Self::Rrdb(names.rrdb(Spelling::Later)?),
            Some(Kind::RealEsrgan) => Self::Rrdb(names.rrdb(Spelling::RealEsrgan)?),
            Some(Kind::Compact) => Self::Compact(names.compact()?),
        };
        Ok(Some((config, files)))
    }

    /// As [`Self::detect`], of a file that is meant to be an upscaler.
    ///
    /// # Errors
    /// [`Error::NotAModel`] for one that is none; those of [`Self::detect`].
    pub fn require(files: TensorFiles) -> Result<(Self, TensorFiles)> {
        let path = files.path().to_owned();
        Self::detect(files)?.ok_or_else(|| Error::NotAModel {
            path,
            reason: "it is no upscaler of a kind that Limn knows (ESRGAN, Real-ESRGAN)".to_owned(),
        })
    }

    /// 3 for pictures in RGB; 1 for grey ones, which are then made of a picture's brightness.
    pub fn channels(&self) -> usize {
        match self {
            Self::Rrdb(config) => config.channels,
            Self::Compact(config) => config.channels,
        }
    }

    /// Pixels of the result for each of the source, along one side.
    pub fn scale(&self) -> usize {
        match self {
            Self::Rrdb(config) => (1 << config.n_doublings) / config.shuffle_factor,
            Self::Compact(config) => config.scale,
        }
    }

    /// As people call it.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Rrdb(config) if config.has_shortcuts => "ESRGAN+",
            Self::Rrdb(_) => "ESRGAN",
            Self::Compact(_) => "Real-ESRGAN compact",
        }
    }

    /// Height and width must be whole multiples of it.
    pub fn multiple(&self) -> usize {
        match self {
            Self::Rrdb(config) => config.shuffle_factor,
            Self::Compact(_) => 1,
        }
    }

    /// In how many parts [`Upscaler::forward`](super::Upscaler::forward) tells of its work.
    pub fn n_parts(&self) -> u32 {
        let n_parts = match self {
            Self::Rrdb(config) => 3 * config.n_blocks + config.n_doublings + 2,
            Self::Compact(config) => config.n_convs + 2,
        };
        n_parts as u32
    }

    /// How many source pixels away a pixel can still matter.
    pub fn reach_px(&self) -> usize {
        match self {
            Self::Rrdb(config) => {
                let n_convs = 1 + 15 * config.n_blocks + 1;
                // Each convolution after a doubling reaches half as far as the one before, and two are at the end.
                (n_convs + 4) * config.shuffle_factor
            }
            Self::Compact(config) => config.n_convs + 2,
        }
    }

    /// Tiles for which the memory is enough.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] when it is not enough for a small one.
    pub fn tiling(&self, memory_bytes: u64, dtype: DType) -> Result<Tiling> {
        let margin_px = (self.reach_px() + Tiling::BLEND_PX / 2).min(MAX_MARGIN_PX);
        let least_px = 2 * margin_px + Tiling::BLEND_PX;
        let bytes = memory_bytes.min(MAX_TILE_BYTES);
        let n_pixels = bytes / self.bytes_per_pixel(dtype);
        let tile_px = (n_pixels.isqrt() as usize).min(MAX_TILE_PX);
        if tile_px < least_px {
            let needed = self.bytes_per_pixel(dtype) * (least_px * least_px) as u64;
            return Err(Error::OutOfMemory(format!(
                "the upscaler needs {} MiB for a tile, and {} MiB may be used",
                needed >> 20,
                memory_bytes >> 20
            )));
        }
        Ok(Tiling {
            scale: self.scale(),
            longest_px: [tile_px; 2],
            multiple: [self.multiple(); 2],
            start_multiple: self.multiple(),
            margin_px,
        })
    }

    /// What the hungriest stage holds for each source pixel.
    fn bytes_per_pixel(&self, dtype: DType) -> u64 {
        // What goes into a convolution, what comes out, its workspace, and what waits to be added.
        const COPIES: usize = 4;
        let n_values = match self {
            Self::Rrdb(config) => {
                let dense = 2 * (config.n_features + 4 * config.n_growth);
                let shuffled = config.shuffle_factor * config.shuffle_factor;
                let scale = self.scale();
                (COPIES * config.n_features * scale * scale).max(COPIES * dense / shuffled)
            }
            Self::Compact(config) => {
                let n_outputs = config.channels * config.scale * config.scale;
                COPIES * config.n_features.max(n_outputs)
            }
        };
        n_values as u64 * dtype.size() as u64
    }

    pub(super) fn name_rules(&self) -> NameRules {
        NameRules {
            remap: match self {
                Self::Rrdb(config) => config.spelling.remap(),
                Self::Compact(_) => Spelling::RealEsrgan.remap(),
            },
            ..NameRules::EXACT
        }
    }
}

/// The networks, by whose names their tensors have.
enum Kind {
    FirstEsrgan,
    LaterEsrgan,
    RealEsrgan,
    Compact,
}

impl Kind {
    /// Told by the first of the blocks.
    fn of(has: &dyn Fn(&str) -> bool) -> Option<Self> {
        if has("model.1.sub.0.RDB1.conv1.0.weight") {
            Some(Self::FirstEsrgan)
        } else if has("RRDB_trunk.0.RDB1.conv1.weight") {
            Some(Self::LaterEsrgan)
        } else if has("body.0.rdb1.conv1.weight") {
            Some(Self::RealEsrgan)
        } else if has("body.0.weight") && has("body.1.weight") {
            Some(Self::Compact)
        } else {
            None
        }
    }
}

/// The tensors of a file, by their plain names.
struct Names<'a> {
    files: &'a TensorFiles,
}

impl Names<'_> {
    /// The shape of the tensor that is called `name` by Real-ESRGAN; the network's own check says it if there is none.
    fn shape(&self, spelling: Spelling, name: &str) -> &[usize] {
        let remap = spelling.remap();
        let file_name = self
            .files
            .names()
            .find(|file_name| remap(file_name) == name);
        file_name
            .and_then(|file_name| self.files.shape(file_name))
            .unwrap_or_default()
    }

    fn first_spelling(&self) -> Spelling {
        // Two convolutions at fixed distances follow the doublings, which are three places each.
        let places = self.files.names().filter_map(|name| {
            let (place, _) = name.strip_prefix("model.")?.split_once('.')?;
            place.parse::<usize>().ok()
        });
        let last = places.max().unwrap_or_default();
        Spelling::First {
            n_doublings: last.saturating_sub(4).div_ceil(3).min(MAX_DOUBLINGS),
        }
    }

    fn rrdb(&self, spelling: Spelling) -> Result<RrdbConfig> {
        let has = |name: &str| !self.shape(spelling, name).is_empty();
        let n_doublings = (1..=MAX_DOUBLINGS + 1)
            .take_while(|i| has(&format!("conv_up{i}.weight")))
            .count();
        let n_blocks = (0..=MAX_BLOCKS)
            .take_while(|i| has(&format!("body.{i}.rdb1.conv1.weight")))
            .count();
        if n_blocks > MAX_BLOCKS {
            return Err(self.refused(format!("it has more than {MAX_BLOCKS} blocks")));
        }
        let first = self.shape(spelling, "conv_first.weight");
        let (n_features, in_channels) = outputs_and_inputs(first);
        let (out_channels, _) = outputs_and_inputs(self.shape(spelling, "conv_last.weight"));
        let channels = out_channels;
        let factor = SHUFFLE_FACTORS
            .into_iter()
            .find(|factor| channels * factor * factor == in_channels);
        let Some(shuffle_factor) = factor.filter(|_| PICTURE_CHANNELS.contains(&channels)) else {
            return Err(self.not_for_pictures(in_channels, out_channels));
        };
        if n_doublings > MAX_DOUBLINGS || (1 << n_doublings) < shuffle_factor {
            return Err(self.refused(format!(
                "its scale is {} / {shuffle_factor}",
                1u64 << n_doublings.min(32)
            )));
        }
        let dense = self.shape(spelling, "body.0.rdb1.conv1.weight");
        Ok(RrdbConfig {
            channels,
            n_features: self.checked_features(n_features)?,
            n_growth: self.checked_features(outputs_and_inputs(dense).0)?,
            n_blocks,
            n_doublings,
            shuffle_factor,
            has_shortcuts: has("body.0.rdb1.conv1x1.weight"),
            spelling,
        })
    }

    fn compact(&self) -> Result<CompactConfig> {
        let place = |name: &str| {
            let (place, _) = name.strip_prefix("body.")?.split_once('.')?;
            place.parse::<usize>().ok()
        };
        let last = self
            .files
            .names()
            .filter_map(place)
            .max()
            .unwrap_or_default();
        let shape = |i: usize| self.shape(Spelling::RealEsrgan, &format!("body.{i}.weight"));
        let (n_features, in_channels) = outputs_and_inputs(shape(0));
        let (out_channels, _) = outputs_and_inputs(shape(last));
        let channels = in_channels;
        let scale = (out_channels / channels.max(1)).isqrt();
        if !PICTURE_CHANNELS.contains(&channels) || channels * scale * scale != out_channels {
            return Err(self.not_for_pictures(in_channels, out_channels));
        }
        if !(1..=MAX_SCALE).contains(&scale) {
            return Err(self.refused(format!("its scale is {scale}")));
        }
        Ok(CompactConfig {
            channels,
            n_features: self.checked_features(n_features)?,
            // The first convolution and its activation before them, the last one behind; two places each.
            n_convs: last.saturating_sub(2) / 2,
            scale,
        })
    }

    fn checked_features(&self, n_features: usize) -> Result<usize> {
        if (1..=MAX_FEATURES).contains(&n_features) {
            return Ok(n_features);
        }
        Err(self.refused(format!("its layers are {n_features} channels wide")))
    }

    fn not_for_pictures(&self, in_channels: usize, out_channels: usize) -> Error {
        self.refused(format!(
            "this upscaler takes {in_channels} channels and gives {out_channels}, and Limn's pictures are RGB or grey"
        ))
    }

    fn refused(&self, reason: String) -> Error {
        Error::NotAModel {
            path: self.files.path().to_owned(),
            reason,
        }
    }
}

/// Of a convolution's weight; zeros for what is none.
fn outputs_and_inputs(shape: &[usize]) -> (usize, usize) {
    match shape {
        [outputs, inputs, _, _] => (*outputs, *inputs),
        _ => (0, 0),
    }
}
