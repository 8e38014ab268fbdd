//! The last step of a model whose own pictures are small: an upscaler that was trained for them.
//!
//! DALL·E 2 draws in such a cascade (Ramesh et al. 2022, section 2.1). From outside, the model makes pictures of the
//! larger size; only what is in this file, the run and the recipe know of the smaller one.

use serde::{Deserialize, Serialize};

use super::{LoadedModel, Loader, Slots, files::ComponentFiles};
use crate::{
    Error, Result,
    components::upscalers::{Upscaler, UpscalerConfig},
    image::RgbPicture,
    progress::OnEvent,
    weights::{LoadOptions, LoadReport, ModelFolder},
};

/// The upscaler's folder within a model's, and its file there.
pub(crate) const UPSCALER: &str = "upscaler";
pub(crate) const UPSCALER_WEIGHTS: &str = "model.safetensors";

/// `cascade` in a model's card. The network is the model's own upscaler, in its folder `upscaler`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cascade {
    /// How many times wider and higher one pass of the upscaler makes a picture.
    pub scale: u32,
    /// What is delivered where nobody says, in pixels.
    pub size: (u32, u32),
    /// Other sizes worth asking for. One that is large enough takes another pass.
    #[serde(default)]
    pub on_request: Vec<(u32, u32)>,
}

/// What is drawn for a picture of some size, and how often it goes through the upscaler then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawnSize {
    /// Width and height in pixels.
    pub size: (u32, u32),
    pub n_passes: u32,
    /// How many times wider and higher all passes make it.
    pub scale: u32,
}

impl DrawnSize {
    /// Without a cascade.
    pub fn as_delivered(size: (u32, u32)) -> Self {
        Self {
            size,
            n_passes: 0,
            scale: 1,
        }
    }
}

impl Cascade {
    /// # Errors
    /// What no cascade can be, for its card's message.
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        const SCALES: std::ops::RangeInclusive<u32> = 2..=8;
        const MAX_ON_REQUEST: usize = 16;
        if !SCALES.contains(&self.scale) {
            return Err(format!(
                "`cascade` has the scale {}, not 2 to 8",
                self.scale
            ));
        }
        if self.on_request.len() > MAX_ON_REQUEST {
            return Err(format!("`cascade` has more than {MAX_ON_REQUEST} sizes"));
        }
        Ok(())
    }

    /// What is delivered by default, then what is worth asking for.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (u32, u32)> {
        [self.size]
            .into_iter()
            .chain(self.on_request.iter().copied())
    }

    /// How often a picture of `size` goes through, for a model that draws `own` best: never so often that it would be
    /// drawn smaller than that, nor more often than for the largest of [`Self::sizes`].
    pub(super) fn n_passes(&self, own: (u32, u32), size: (u32, u32)) -> u32 {
        self.fitting_passes(own, size).min(self.most_passes(own))
    }

    pub(super) fn most_passes(&self, own: (u32, u32)) -> u32 {
        let passes = self.sizes().map(|size| self.fitting_passes(own, size));
        passes.max().unwrap_or_default()
    }

    fn fitting_passes(&self, own: (u32, u32), size: (u32, u32)) -> u32 {
        let times = size.0.max(size.1) / own.0.max(own.1).max(1);
        times.checked_ilog(self.scale).unwrap_or_default()
    }
}

/// Told how many parts of all passes are done, and of how many.
pub(crate) type OnPart<'a> = dyn FnMut((u32, u32), &mut OnEvent) -> Result<()> + 'a;

impl LoadedModel {
    /// Reads the upscaler ahead where there is one and the budget allows it.
    ///
    /// # Errors
    /// Those of reading it.
    pub(super) fn preload_upscaler(&mut self, on_event: &mut OnEvent) -> Result<()> {
        if self.files().card().cascade.is_some() {
            let files = self.upscaler_files();
            self.slots
                .preload(&Loader::whole(&files, &load_upscaler), on_event)?;
        }
        Ok(())
    }

    /// SHA-256 of the upscaler's file, in hexadecimal.
    ///
    /// # Errors
    /// Those of reading it.
    pub(crate) fn upscaler_hash(&mut self) -> Result<String> {
        let files = self.upscaler_files();
        self.slots.cache.component_hash(&files)
    }

    fn upscaler_files(&self) -> ComponentFiles {
        ComponentFiles {
            name: UPSCALER,
            folder: self.files().root().subfolder(UPSCALER),
            stays: u8::MAX,
            inspect: inspect_upscaler,
        }
    }

    /// Sends a picture through the model's upscaler.
    ///
    /// # Errors
    /// Those of reading it; [`Error::OutOfMemory`] where not even a small tile fits; what `on_part` returns.
    pub(crate) fn enlarge(
        &mut self,
        picture: &RgbPicture,
        n_passes: u32,
        on_event: &mut OnEvent,
        on_part: &mut OnPart,
    ) -> Result<RgbPicture> {
        let files = self.upscaler_files();
        let scale = self
            .files()
            .card()
            .cascade
            .as_ref()
            .map(|cascade| cascade.scale);
        let loader = Loader::whole(&files, &load_upscaler);
        let memory_bytes = room_for_tiles(&mut self.slots, &loader, on_event)?;
        let upscaler = self.slots.get(&loader, on_event)?;
        let own_scale = upscaler.config().scale() as u32;
        if scale != Some(own_scale) {
            return Err(Error::NotAModel {
                path: files.folder.path(UPSCALER_WEIGHTS),
                reason: format!(
                    "it makes pictures {own_scale} times larger, and the model's card says otherwise"
                ),
            });
        }
        let passes: Vec<(u32, u32)> = (0..n_passes)
            .map(|n_before| own_scale.pow(n_before))
            .map(|times| (picture.width * times, picture.height * times))
            .collect();
        let mut on_part = |n_done, n_parts| on_part((n_done, n_parts), on_event);
        upscaler.upscale_in_passes(picture.clone(), &passes, memory_bytes, &mut on_part)
    }
}

/// Memory for tiles beside what is held; where that is too little, everything but the upscaler gives way.
fn room_for_tiles(
    slots: &mut Slots,
    loader: &Loader<Upscaler>,
    on_event: &mut OnEvent,
) -> Result<u64> {
    let budget_bytes = slots.runtime().memory_budget_bytes;
    let dtype = slots.runtime().dtype;
    let config = *slots.get(loader, on_event)?.config();
    let beside_all = budget_bytes.saturating_sub(slots.in_use_bytes());
    if config.tiling(beside_all, dtype).is_ok() {
        return Ok(beside_all);
    }
    slots.release_all_but(loader.files.name);
    Ok(budget_bytes.saturating_sub(slots.in_use_bytes()))
}

fn load_upscaler(folder: &ModelFolder, options: &LoadOptions) -> Result<(Upscaler, LoadReport)> {
    let (config, files) = UpscalerConfig::require(folder.weights(false)?)?;
    Upscaler::load(&files, config, options)
}

fn inspect_upscaler(folder: &ModelFolder) -> Result<LoadReport> {
    let (config, files) = UpscalerConfig::require(folder.weights(false)?)?;
    Upscaler::inspect(&files, config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_smaller_than_the_model_draws_best() {
        let fourfold = Cascade {
            scale: 4,
            size: (512, 512),
            on_request: Vec::new(),
        };
        let twofold = Cascade {
            scale: 2,
            size: (512, 512),
            on_request: vec![(1_024, 1_024)],
        };
        for (cascade, own, size, n_passes) in [
            (&fourfold, (128, 128), (512, 512), 1),
            (&fourfold, (128, 128), (768, 512), 1),
            (&fourfold, (128, 128), (512, 256), 1),
            (&fourfold, (128, 128), (256, 256), 0),
            (&fourfold, (128, 128), (128, 128), 0),
            // No more passes than the card asks for: the model draws a larger picture.
            (&fourfold, (128, 128), (4_096, 4_096), 1),
            (&twofold, (256, 256), (512, 512), 1),
            (&twofold, (256, 256), (1_024, 512), 2),
            (&twofold, (256, 256), (1_024, 1_024), 2),
            (&twofold, (256, 256), (2_048, 2_048), 2),
        ] {
            assert_eq!(cascade.n_passes(own, size), n_passes, "{size:?}");
        }
    }
}
