//! What is written back.

use rayon::prelude::*;

use super::{
    colour,
    crop::{Crop, Work},
    masks::Mask,
    plan::EditPlan,
    seam,
    settings::EditSettings,
};
use crate::{
    Error, Result,
    image::RgbPicture,
    resample::{Resampling, resize},
};

/// The model's answer as it is laid over [`EditPlan::context`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    pub size: (u32, u32),
    /// Three bytes a pixel, row by row.
    pub rgb: Vec<u8>,
    /// How much of the patch each pixel shows; see [`over`].
    pub mask: Vec<u8>,
}

/// Makes a patch of what the model drew at [`EditPlan::work_size`].
///
/// Where the model works on fewer pixels than the picture has, scaling back loses detail. Where little was to change
/// that detail is still right, so it is given back there. Where colours are to match, the patch also meets the
/// untouched pixels along its border without a step.
///
/// # Errors
/// As [`prepare`](super::prepare), and [`Error::WrongPictureSize`] for a `result` of another size.
pub fn finish(
    crop: &Crop,
    plan: &EditPlan,
    settings: &EditSettings,
    result: &RgbPicture,
) -> Result<Patch> {
    let work = Work::new(crop, plan)?;
    let (width, height) = plan.work_size;
    if (result.width, result.height) != plan.work_size || result.rgb.len() != work.rgb.rgb.len() {
        return Err(Error::WrongPictureSize {
            name: "result",
            width,
            height,
        });
    }
    let mut rgb = if settings.match_colours {
        let matched = colour::match_ring(result, &work.rgb, &ring(&work));
        scaled_back(&matched, crop.size)
    } else {
        scaled_back(result, crop.size)
    };
    if plan.work_size != crop.size {
        let before = scaled_back(&work.rgb, crop.size);
        give_back_detail(&mut rgb, crop.rgba, &before, &work.crop_change.values);
    }
    if settings.match_colours {
        seam::match_border(&mut rgb, crop, plan, &work.coverage);
    }
    let mask = work.coverage.values;
    let pixels = rgb.as_chunks_mut::<3>().0.iter_mut();
    let below = crop.rgba.as_chunks::<4>().0;
    for ((pixel, &coverage), &[r, g, b, _]) in pixels.zip(&mask).zip(below) {
        // Never seen; the same everywhere is smaller in a file than what the model drew.
        if coverage == 0 {
            *pixel = [r, g, b];
        }
    }
    Ok(Patch {
        size: crop.size,
        rgb,
        mask,
    })
}

fn scaled_back(picture: &RgbPicture, (width, height): (u32, u32)) -> Vec<u8> {
    let source_size = [picture.width, picture.height];
    resize::<3>(
        &picture.rgb,
        source_size,
        [width, height],
        Resampling::Bicubic,
    )
}

/// Adds to each opaque pixel what it lost by scaling, the less the more it was to change.
fn give_back_detail(rgb: &mut [u8], rgba: &[u8], scaled: &[u8], change: &[u8]) {
    let pixels = rgb.as_chunks_mut::<3>().0.par_iter_mut();
    let originals = rgba.as_chunks::<4>().0.par_iter();
    let scaled = scaled.as_chunks::<3>().0.par_iter();
    pixels
        .zip(originals)
        .zip(scaled)
        .zip(change)
        .filter(|(((_, original), _), change)| original[3] == 255 && **change < 255)
        .for_each(|(((pixel, original), scaled), &change)| {
            for channel in 0..3 {
                let lost = i32::from(original[channel]) - i32::from(scaled[channel]);
                let share = lost * i32::from(255 - change);
                let rounded = (share + 127 * share.signum()) / 255;
                pixel[channel] = (i32::from(pixel[channel]) + rounded).clamp(0, 255) as u8;
            }
        });
}

/// Pixels that the model was to leave as they are, near those that it changed.
fn ring(work: &Work) -> Vec<bool> {
    /// An autoencoder smears a latent cell into the next.
    const GAP_PX: u32 = 8;
    let width_px = (work.rgb.width.min(work.rgb.height) / 16).max(16);
    let changed = Mask {
        width: work.change.width,
        values: (work.change.values.iter())
            .map(|&change| if change > 0 { 255 } else { 0 })
            .collect(),
    };
    let inner = changed.dilated(GAP_PX);
    let outer = inner.dilated(width_px);
    let untouched = inner
        .values
        .iter()
        .zip(&outer.values)
        .map(|(inner, outer)| inner < outer);
    untouched
        .zip(&work.alpha)
        .map(|(is_untouched, &alpha)| is_untouched && alpha == 255)
        .collect()
}

/// One pixel of a patch over what is below it, in straight alpha.
///
/// A coverage of 0 leaves `below` as it is, bit for bit; 255 gives the patch, opaque.
pub fn over(below: [u8; 4], rgb: [u8; 3], coverage: u8) -> [u8; 4] {
    let [red, green, blue, alpha] = below;
    match coverage {
        0 => below,
        255 => [rgb[0], rgb[1], rgb[2], 255],
        _ => {
            let coverage = u32::from(coverage);
            // Of 255²: the patch's share, and what of the pixel below still shows.
            let above = 255 * coverage;
            let under = u32::from(alpha) * (255 - coverage);
            let both = above + under;
            let mix = |below: u8, patch: u8| {
                let sum = u32::from(patch) * above + u32::from(below) * under;
                ((sum + both / 2) / both) as u8
            };
            [
                mix(red, rgb[0]),
                mix(green, rgb[1]),
                mix(blue, rgb[2]),
                ((both + 127) / 255) as u8,
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_over_a_pixel() {
        for (below, rgb, coverage, result) in [
            ([1, 2, 3, 255], [9, 9, 9], 0, [1, 2, 3, 255]),
            // Even what is under full transparency stays.
            ([1, 2, 3, 0], [9, 9, 9], 0, [1, 2, 3, 0]),
            ([1, 2, 3, 255], [9, 8, 7], 255, [9, 8, 7, 255]),
            ([1, 2, 3, 0], [9, 8, 7], 255, [9, 8, 7, 255]),
            ([0, 100, 255, 255], [255, 100, 0], 51, [51, 100, 204, 255]),
            // Over nothing only the patch has a colour.
            ([200, 0, 0, 0], [10, 20, 30], 128, [10, 20, 30, 128]),
            ([0, 0, 0, 128], [255, 255, 255], 128, [170, 170, 170, 192]),
        ] {
            assert_eq!(
                over(below, rgb, coverage),
                result,
                "{below:?} {rgb:?} {coverage}"
            );
        }
    }

    #[test]
    fn the_same_colour_stays_the_same() {
        for value in 0..=255 {
            for coverage in 0..=255 {
                let below = [value, value, value, 255];
                assert_eq!(over(below, [value; 3], coverage), below);
            }
        }
    }
}
