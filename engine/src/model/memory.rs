//! How much memory a picture takes beside the weights: estimates on the safe side.

use crate::{Error, Result};

/// What decides the size of activations.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Picture pixels per latent cell, along one side.
    pub autoencoder_scale: u64,
    /// Channels at the picture's own resolution.
    pub autoencoder_channels: u64,
    /// Channels of the U-Net's outermost level.
    pub unet_channels: u64,
    /// 2 with classifier-free guidance.
    pub unet_batch: u64,
    pub dtype_bytes: u64,
    /// Of the autoencoder, which may run in another precision.
    pub autoencoder_dtype_bytes: u64,
    pub stride: u32,
    /// The side of the parts that the autoencoder can work in, if it can.
    pub tile_cells: Option<u64>,
}

impl Sizes {
    /// Bytes that the hungriest stage holds at once, beside weights.
    pub fn activation_bytes(&self, width: u32, height: u32) -> u64 {
        let size = (width.into(), height.into());
        self.autoencoder_bytes(size).max(self.unet_bytes(size))
    }

    /// As [`Self::activation_bytes`], with an autoencoder that works in parts if it can.
    pub fn least_activation_bytes(&self, width: u32, height: u32) -> u64 {
        // Finished parts, and all put together.
        const PICTURE_COPIES: u64 = 4;
        const PICTURE_CHANNELS: u64 = 3;
        let Some(cells) = self.tile_cells else {
            return self.activation_bytes(width, height);
        };
        let (width, height) = (u64::from(width), u64::from(height));
        let side = cells * self.autoencoder_scale;
        if width <= side && height <= side {
            return self.activation_bytes(width as u32, height as u32);
        }
        let picture =
            PICTURE_COPIES * PICTURE_CHANNELS * width * height * self.autoencoder_dtype_bytes;
        let part = self.autoencoder_bytes((width.min(side), height.min(side)));
        (part + picture).max(self.unet_bytes((width, height)))
    }

    fn autoencoder_bytes(&self, (width, height): (u64, u64)) -> u64 {
        // Input, output and workspace of a convolution, at the decoder's last level.
        const AUTOENCODER_COPIES: u64 = 6;
        const MAX_SCORE_BYTES: u64 = 512 << 20;
        let n_pixels = width * height;
        let n_cells = self.n_cells(n_pixels);
        let activations = n_pixels
            * self.autoencoder_channels
            * AUTOENCODER_COPIES
            * self.autoencoder_dtype_bytes;
        // The decoder's attention looks from every cell at every cell, in turns where that is much: scores
        // and their softmax are held at once.
        let scores = 2 * (n_cells * n_cells * self.autoencoder_dtype_bytes).min(MAX_SCORE_BYTES);
        activations + scores
    }

    fn unet_bytes(&self, (width, height): (u64, u64)) -> u64 {
        // Skip connections of all levels weigh about six outermost activations, and a block's own the rest.
        const UNET_COPIES: u64 = 14;
        let n_cells = self.n_cells(width * height);
        n_cells * self.unet_channels * self.unet_batch * UNET_COPIES * self.dtype_bytes
    }

    fn n_cells(&self, n_pixels: u64) -> u64 {
        n_pixels / (self.autoencoder_scale * self.autoencoder_scale)
    }

    /// The largest size of this shape whose activations take at most half; `None` below the smallest.
    pub fn smaller(&self, width: u32, height: u32) -> Option<(u32, u32)> {
        let half = self.least_activation_bytes(width, height) / 2;
        let n_strides = width.max(height) / self.stride;
        (1..n_strides)
            .rev()
            .map(|k| self.shrunk((width, height), k, n_strides))
            .find(|&(width, height)| self.least_activation_bytes(width, height) <= half)
    }

    /// The size of about `k` of `n` parts of the sides.
    fn shrunk(&self, (width, height): (u32, u32), k: u32, n: u32) -> (u32, u32) {
        let shrunk = |side: u32| {
            let side = u64::from(side) * u64::from(k) / u64::from(n);
            (side as u32 / self.stride * self.stride).max(self.stride)
        };
        (shrunk(width), shrunk(height))
    }

    /// # Errors
    /// [`Error::TooLarge`] with the largest size of this shape that fits.
    pub fn check(
        &self,
        width: u32,
        height: u32,
        weights_bytes: u64,
        budget_bytes: u64,
    ) -> Result<()> {
        let needed = |width, height| weights_bytes + self.least_activation_bytes(width, height);
        if needed(width, height) <= budget_bytes {
            return Ok(());
        }
        let n_strides = width.max(height) / self.stride;
        let (fitting_width, fitting_height) = (1..n_strides)
            .rev()
            .map(|k| self.shrunk((width, height), k, n_strides))
            .find(|&(width, height)| needed(width, height) <= budget_bytes)
            .unwrap_or((self.stride, self.stride));
        Err(Error::TooLarge {
            width,
            height,
            needed_bytes: needed(width, height),
            available_bytes: budget_bytes,
            fitting_width,
            fitting_height,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_beyond_memory_names_one_that_fits() {
        let sizes = Sizes {
            autoencoder_scale: 8,
            autoencoder_channels: 128,
            unet_channels: 384,
            unet_batch: 2,
            dtype_bytes: 4,
            autoencoder_dtype_bytes: 4,
            stride: 64,
            tile_cells: None,
        };
        let weights = 5 << 30;
        assert!(sizes.check(512, 512, weights, 8 << 30).is_ok());
        let Err(Error::TooLarge {
            fitting_width,
            fitting_height,
            ..
        }) = sizes.check(4096, 2048, weights, 8 << 30)
        else {
            panic!("4096×2048 in 8 GiB");
        };
        assert!(
            sizes
                .check(fitting_width, fitting_height, weights, 8 << 30)
                .is_ok()
        );
        assert_eq!((fitting_width % 64, fitting_height % 64), (0, 0));
        let (width, height) = sizes.smaller(4096, 2048).unwrap_or_default();
        let bytes = |width, height| sizes.activation_bytes(width, height);
        assert!(bytes(width, height) <= bytes(4096, 2048) / 2);
        assert!(bytes(width, height) > bytes(4096, 2048) / 3);
        assert_eq!(sizes.smaller(64, 64), None);
        assert!(fitting_width >= 1024 && fitting_width > fitting_height);
    }

    /// Stable Diffusion XL on a GPU of 8 GiB, its autoencoder in full precision.
    #[test]
    fn an_autoencoder_in_parts_makes_larger_pictures_fit() {
        let whole = Sizes {
            autoencoder_scale: 8,
            autoencoder_channels: 128,
            unet_channels: 320,
            unet_batch: 2,
            dtype_bytes: 2,
            autoencoder_dtype_bytes: 4,
            stride: 8,
            tile_cells: None,
        };
        let in_parts = Sizes {
            tile_cells: Some(64),
            ..whole
        };
        let (weights, budget) = (5 << 30, 7 << 30);
        assert!(whole.check(1024, 1024, weights, budget).is_err());
        assert!(in_parts.check(1024, 1024, weights, budget).is_ok());
        // A picture of one part is none of parts.
        let bytes = |sizes: Sizes, side| sizes.least_activation_bytes(side, side);
        assert_eq!(bytes(in_parts, 512), bytes(whole, 512));
        assert!(2 * bytes(in_parts, 2048) < bytes(whole, 2048));
    }
}
