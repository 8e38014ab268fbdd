//! Networks that make a picture larger: the ESRGAN-type files that people have, one `.safetensors` each.
//!
//! Such a file has no config. [`UpscalerConfig::detect`] reads the architecture off its tensors' names and shapes:
//!
//! - `RRDBNet` of ESRGAN (Wang et al. 2018) in its three spellings: ESRGAN's own (`model.1.sub.0.RDB1.conv1.0`), that of
//!   its later code (`RRDB_trunk.0.RDB1.conv1`), and Real-ESRGAN's (`body.0.rdb1.conv1`, Wang et al. 2021);
//! - `SRVGGNetCompact` of Real-ESRGAN (`body.0`, `body.1`, …).
//!
//! Either may be for grey pictures: then it gets a picture's brightness, and the colours are resampled (`grey`).
//!
//! Pictures go through in `tiles`, so that their size does not decide the memory.

mod compact;
mod config;
mod grey;
mod names;
mod passes;
mod rrdb;
mod tiles;
mod wrapping;

use burn::tensor::{DType, Tensor};

pub(crate) use config::MAX_TILE_BYTES;
pub use config::{CompactConfig, RrdbConfig, UpscalerConfig};
pub use tiles::{Tiling, in_tiles};

use crate::{
    Result,
    image::{RgbPicture, read_back},
    weights::{
        LoadOptions, LoadReport, Parameters, TensorFiles, inspect_component, load_component,
    },
};
use compact::Compact;
use rrdb::RrdbNet;

/// A network that makes a picture larger.
#[derive(Debug, Clone)]
pub struct Upscaler {
    network: Network,
    config: UpscalerConfig,
    dtype: DType,
}

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
enum Network {
    Rrdb(RrdbNet),
    Compact(Compact),
}

impl Upscaler {
    /// Loads the network that `config` was detected in.
    ///
    /// # Errors
    /// Those of [`load_component`].
    pub fn load(
        files: &TensorFiles,
        config: UpscalerConfig,
        options: &LoadOptions,
    ) -> Result<(Self, LoadReport)> {
        load_component(files, &config.name_rules(), options, |parameters| {
            Self::init(parameters, config)
        })
    }

    /// Compares the files with the architecture by names and shapes alone.
    ///
    /// # Errors
    /// Those of [`inspect_component`].
    pub fn inspect(files: &TensorFiles, config: UpscalerConfig) -> Result<LoadReport> {
        inspect_component(files, &config.name_rules(), DType::F32, |parameters| {
            Self::init(parameters, config)
        })
    }

    fn init(parameters: &Parameters, config: UpscalerConfig) -> Result<Self> {
        let network = match &config {
            UpscalerConfig::Rrdb(config) => Network::Rrdb(RrdbNet::init(parameters, config)?),
            UpscalerConfig::Compact(config) => Network::Compact(Compact::init(parameters, config)?),
        };
        Ok(Self {
            network,
            config,
            dtype: parameters.dtype(),
        })
    }

    pub fn config(&self) -> &UpscalerConfig {
        &self.config
    }

    /// `on_part` is called before each of [`UpscalerConfig::n_parts`] parts of the work; its error ends it.
    ///
    /// # Shapes
    /// image `[1, channels, height, width]` in −1..1, multiples of [`UpscalerConfig::multiple`] →
    /// `[1, channels, scale · height, scale · width]` about −1..1, in the dtype of the image
    ///
    /// # Errors
    /// What `on_part` returns.
    pub fn forward(
        &self,
        image: Tensor<4>,
        on_part: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Tensor<4>> {
        let dtype = image.dtype();
        // These networks think in 0..1.
        let x = image.cast(self.dtype) * 0.5 + 0.5;
        let y = match &self.network {
            Network::Rrdb(network) => network.forward(x, on_part)?,
            Network::Compact(network) => network.forward(x, on_part)?,
        };
        Ok(y.cast(dtype) * 2.0 - 1.0)
    }

    /// The whole picture, [`UpscalerConfig::scale`] times as large, in as large tiles as the memory allows.
    ///
    /// `on_part` is told how many parts of the work are done, and of how many.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`] when not even a small tile fits; the device's; [`crate::Error::NotANumber`]; what
    /// `on_part` returns.
    pub fn upscale(
        &self,
        picture: &RgbPicture,
        memory_bytes: u64,
        on_part: &mut dyn FnMut(u32, u32) -> Result<()>,
    ) -> Result<RgbPicture> {
        let tiling = self.config.tiling(memory_bytes, self.dtype)?;
        let size = (picture.width, picture.height);
        let n_parts = tiling.n_tiles(size) * self.config.n_parts();
        let mut n_begun = 0;
        let device = self.device();
        in_tiles(picture, &tiling, |tile| {
            let mut begin_part = || {
                n_begun += 1;
                on_part(n_begun - 1, n_parts)
            };
            if self.config.channels() == 3 {
                let larger = self.forward(tile.to_tensor(&device, DType::F32), &mut begin_part)?;
                return read_back(larger);
            }
            let brightness = grey::brightness(&tile, &device);
            let larger = read_back(self.forward(brightness, &mut begin_part)?)?;
            Ok(grey::coloured(&tile, &larger, self.config.scale()))
        })
    }

    fn device(&self) -> burn::tensor::Device {
        match &self.network {
            Network::Rrdb(network) => network.device(),
            Network::Compact(network) => network.device(),
        }
    }
}
