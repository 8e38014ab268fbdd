//! A picture through a network as often as it takes.

use super::Upscaler;
use crate::{Result, image::RgbPicture, resample::resized};

impl Upscaler {
    /// Of how many parts [`Self::upscale_in_passes`] tells.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`] when not even a small tile fits.
    pub fn n_parts(&self, passes: &[(u32, u32)], memory_bytes: u64) -> Result<u32> {
        let tiling = self.config.tiling(memory_bytes, self.dtype)?;
        let n_tiles: u32 = passes.iter().map(|&size| tiling.n_tiles(size)).sum();
        Ok(n_tiles * self.config.n_parts())
    }

    /// As [`Self::upscale`], once for each of `passes`: the size in pixels that the picture is given before it goes
    /// through.
    ///
    /// `on_part` is told how many parts of all passes are done, and of how many.
    ///
    /// # Errors
    /// Those of [`Self::upscale`].
    pub fn upscale_in_passes(
        &self,
        mut picture: RgbPicture,
        passes: &[(u32, u32)],
        memory_bytes: u64,
        on_part: &mut dyn FnMut(u32, u32) -> Result<()>,
    ) -> Result<RgbPicture> {
        let n_parts = self.n_parts(passes, memory_bytes)?;
        let mut n_before = 0;
        for &size in passes {
            let mut on_part_of_pass = |n_done, _| on_part(n_before + n_done, n_parts);
            picture = resized(picture, size);
            picture = self.upscale(&picture, memory_bytes, &mut on_part_of_pass)?;
            n_before += self.n_parts(&[size], memory_bytes)?;
        }
        Ok(picture)
    }
}
