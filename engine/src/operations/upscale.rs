//! A picture made larger: by arithmetic alone, or by a network that was trained for it.

use std::{fmt::Display, time::Instant};

use super::{FinishedPicture, OnEvent, PipelineEvent, Runtime, SourcePicture};
use crate::{
    Error, Result,
    catalogue::UpscalerFile,
    components::upscalers::{Upscaler, UpscalerConfig},
    device::gates,
    image::RgbPicture,
    progress::{Clock, Work},
    protocol::{Phase, Plan, Timings, chunks::MAX_BLOB_BYTES},
    resample::resized,
    samplers::Sampler,
    weights::LoadOptions,
};

/// How many times wider and higher a picture can be made.
pub const SCALES: [u32; 3] = [2, 4, 8];
const MAX_SIDE_PX: u32 = 16_384;
/// A picture must fit into one blob.
const MAX_PIXELS: u64 = MAX_BLOB_BYTES / 3;
const RESAMPLER_NAME: &str = "Lanczos resampler";

/// The size of a picture made `scale` times as large.
///
/// # Errors
/// [`Error::OutOfRange`] for a scale that is not there and a result that is too large for any machine.
pub fn larger_size((width, height): (u32, u32), scale: u32) -> Result<(u32, u32)> {
    if !SCALES.contains(&scale) {
        let allowed = SCALES.map(|scale| scale.to_string()).join(", ");
        return Err(out_of_range(
            "the scale",
            scale,
            format!("one of {allowed}"),
        ));
    }
    let larger = (width.checked_mul(scale), height.checked_mul(scale));
    if let (Some(width), Some(height)) = larger
        && width.max(height) <= MAX_SIDE_PX
        && u64::from(width) * u64::from(height) <= MAX_PIXELS
    {
        return Ok((width, height));
    }
    let [width, height] = [width, height].map(|side| u64::from(side) * u64::from(scale));
    let megapixels = MAX_PIXELS / 1_000_000;
    Err(out_of_range(
        "the larger picture",
        format!("{width}×{height}"),
        format!("at most {MAX_SIDE_PX} pixels a side and {megapixels} megapixels in all"),
    ))
}

fn out_of_range(name: &'static str, value: impl Display, allowed: String) -> Error {
    Error::OutOfRange {
        name,
        value: value.to_string(),
        allowed,
    }
}

/// An upscaler on a device.
pub struct LoadedUpscaler {
    network: Upscaler,
    name: String,
    /// SHA-256 of its file, in hexadecimal.
    hash: String,
    runtime: Runtime,
    bytes: u64,
}

impl LoadedUpscaler {
    /// Reads the file whole.
    ///
    /// # Errors
    /// Those of [`Upscaler::load`]; what `on_event` returns.
    pub fn load(file: &UpscalerFile, runtime: Runtime, on_event: &mut OnEvent) -> Result<Self> {
        let total_bytes = file.files.n_bytes();
        let mut tell = |done_bytes| {
            on_event(PipelineEvent::Loading {
                component: "upscaler".to_owned(),
                done_bytes,
                total_bytes,
            })
        };
        tell(0)?;
        let hash = file.files.sha256()?;
        gates::allocation("upscaler")?;
        let options = LoadOptions::new(&runtime.device, runtime.dtype);
        let (network, report) = Upscaler::load(&file.files, file.config, &options)?;
        tell(total_bytes)?;
        Ok(Self {
            network,
            name: file.name.clone(),
            hash,
            bytes: report.bytes,
            runtime,
        })
    }

    pub fn config(&self) -> &UpscalerConfig {
        self.network.config()
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Bytes of its weights.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What is to be made larger, how much, and with what.
pub struct UpscaleJob<'a> {
    pub source: &'a SourcePicture,
    pub scale: u32,
    /// `None`: arithmetic alone.
    pub upscaler: Option<&'a LoadedUpscaler>,
    /// On the upscaler's device, beside its weights.
    pub device_bytes: u64,
    /// Of the machine, for the pictures themselves.
    pub host_bytes: u64,
}

/// Makes one picture larger.
///
/// # Errors
/// Those of [`larger_size`]; [`Error::TooLarge`] where the memory is short; of the device; what `on_event` returns.
pub fn run(job: &UpscaleJob, on_event: &mut OnEvent) -> Result<Timings> {
    let target = larger_size(job.source.size(), job.scale)?;
    let passes = job.passes(target);
    job.check_memory(&passes, target)?;
    let colours = job.source.colours()?;
    on_event(PipelineEvent::Planned(job.plan(target)))?;
    let n_parts = job.n_parts(&passes)?;
    let mut clock = Clock::new(Work {
        prior_steps: 0,
        invert_steps: 0,
        steps: n_parts,
        decodes: 0,
        upscales: 0,
    });
    let start = Instant::now();
    let larger = job.enlarge(colours, &passes, n_parts, &mut clock, on_event)?;
    let RgbPicture { width, height, rgb } = resized(larger, target);
    clock.end_stage("upscale", start, 0.0);
    on_event(PipelineEvent::Picture(FinishedPicture {
        index: 0,
        seed: 0,
        width,
        height,
        rgb,
        score: None,
        chosen: None,
        patch_mask: None,
    }))?;
    Ok(clock.finish())
}

impl UpscaleJob<'_> {
    /// The size of what goes through the network, each time that it must.
    fn passes(&self, target: (u32, u32)) -> Vec<(u32, u32)> {
        let size = self.source.size();
        let Some(upscaler) = self.upscaler else {
            return Vec::new();
        };
        let own = upscaler.config().scale() as u32;
        let mut passes = vec![size];
        let mut reached = own;
        while own > 1 && reached < self.scale {
            // No more than what the network makes the target of: more would be made and thrown away.
            let side = |side: u32, target: u32| (side * reached).min(target.div_ceil(own));
            passes.push((side(size.0, target.0), side(size.1, target.1)));
            reached *= own;
        }
        passes
    }

    fn n_parts(&self, passes: &[(u32, u32)]) -> Result<u32> {
        let Some(upscaler) = self.upscaler else {
            return Ok(1);
        };
        upscaler.network.n_parts(passes, self.device_bytes)
    }

    /// # Errors
    /// [`Error::TooLarge`] with the largest result that fits.
    fn check_memory(&self, passes: &[(u32, u32)], target: (u32, u32)) -> Result<()> {
        /// A picture in bytes and the same in f32 planes while tiles are joined.
        const BYTES_PER_PIXEL: u64 = 3 + 3 * 4;
        let own = self
            .upscaler
            .map_or(1, |upscaler| upscaler.config().scale() as u64);
        let n_pixels = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
        let largest = passes.iter().map(|&size| n_pixels(size) * own * own).max();
        let n_bytes = largest.unwrap_or_default().max(n_pixels(target)) * BYTES_PER_PIXEL;
        if n_bytes <= self.host_bytes {
            return Ok(());
        }
        let shrink = (self.host_bytes as f64 / n_bytes as f64).sqrt();
        let fitting = |side: u32| ((f64::from(side) * shrink) as u32).max(1);
        Err(Error::TooLarge {
            width: target.0,
            height: target.1,
            needed_bytes: n_bytes,
            available_bytes: self.host_bytes,
            fitting_width: fitting(target.0),
            fitting_height: fitting(target.1),
        })
    }

    fn plan(&self, (width, height): (u32, u32)) -> Plan {
        let upscaler = self.upscaler;
        Plan {
            model_name: upscaler
                .map_or(RESAMPLER_NAME, |upscaler| &upscaler.name)
                .to_owned(),
            model_hash: upscaler
                .map(|upscaler| upscaler.hash.clone())
                .unwrap_or_default(),
            device: upscaler
                .map_or("CPU", |upscaler| &upscaler.runtime.device_name)
                .to_owned(),
            dtype: match upscaler {
                Some(upscaler) => format!("{:?}", upscaler.runtime.dtype).to_lowercase(),
                None => "u8".to_owned(),
            },
            width,
            height,
            cascade: None,
            // None of it is sampled: 0 steps say so.
            sampler: Sampler::Ddpm,
            n_steps: 0,
            guidance_scale: 0.0,
            n_prior_steps: None,
            prior_guidance_scale: None,
            unread_prompt: None,
            loras: Vec::new(),
            ip_adapter: None,
            stand_in: None,
            spacing: None,
            guidance_rescale: None,
            clip_skip: None,
            remarks: Vec::new(),
        }
    }

    /// Through the network as often as it takes.
    fn enlarge(
        &self,
        picture: RgbPicture,
        passes: &[(u32, u32)],
        n_parts: u32,
        clock: &mut Clock,
        on_event: &mut OnEvent,
    ) -> Result<RgbPicture> {
        clock.report(Phase::Upscale, 0, (0, n_parts), None, on_event)?;
        let Some(upscaler) = self.upscaler else {
            return Ok(picture);
        };
        let mut part_start = Instant::now();
        let mut on_part = |n_done, n_parts| {
            if n_done > 0 {
                clock.end_step(std::mem::replace(&mut part_start, Instant::now()));
                clock.report(Phase::Upscale, 0, (n_done, n_parts), None, on_event)?;
            }
            Ok(())
        };
        upscaler
            .network
            .upscale_in_passes(picture, passes, self.device_bytes, &mut on_part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_too_large_is_refused_with_the_limit() {
        for (size, scale, expected) in [
            ((128, 96), 8, Ok((1_024, 768))),
            ((1, 1), 2, Ok((2, 2))),
            ((4_096, 1_000), 4, Ok((16_384, 4_000))),
            ((4_097, 1_000), 4, Err("16388×4000")),
            ((4_096, 4_096), 4, Err("111 megapixels")),
            ((u32::MAX, 1), 8, Err("34359738360×8")),
            ((64, 64), 3, Err("one of 2, 4, 8")),
            ((64, 64), 0, Err("and is 0")),
        ] {
            match (larger_size(size, scale), expected) {
                (Ok(larger), Ok(expected)) => assert_eq!(larger, expected),
                (Err(error), Err(why)) => {
                    let message = error.to_string();
                    assert!(message.contains(why), "{message}");
                }
                (result, expected) => panic!("{size:?} ×{scale}: {result:?}, not {expected:?}"),
            }
        }
    }
}
