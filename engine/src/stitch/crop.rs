//! From a part of the picture to what the model works on.

use super::{
    fill::{self, Holes},
    masks::Mask,
    plan::EditPlan,
    settings::{EditSettings, Fill},
    soft_edge::SoftMask,
};
use crate::{
    Error, Result,
    image::RgbPicture,
    resample::{Resampling, resize},
};

/// What an edit sees: the part [`EditPlan::context`] of the picture and of the mask.
pub struct Crop<'a> {
    pub size: (u32, u32),
    /// Straight alpha, row by row.
    pub rgba: &'a [u8],
    /// 255 where the picture may change; `None` where all of it may.
    pub mask: Option<&'a [u8]>,
}

/// What the model works on, at [`EditPlan::work_size`].
pub struct Prepared {
    /// The picture with its holes filled.
    pub rgb: RgbPicture,
    /// How much each pixel may change, from 0 to 1, row by row.
    pub change: Vec<f32>,
}

/// Above this a pixel is hole: the rim of what was there would tint the fill.
const HOLE: u8 = 230;

/// Makes what the model works on. `seed` is that of [`Fill::Noise`].
///
/// # Errors
/// [`Error::EmptyMask`]; [`Error::NoPicture`]; [`Error::WrongPictureSize`] where sizes differ from the plan's.
pub fn prepare(
    crop: &Crop,
    plan: &EditPlan,
    settings: &EditSettings,
    seed: u64,
) -> Result<Prepared> {
    let Work {
        mut rgb,
        alpha,
        change,
        ..
    } = Work::new(crop, plan)?;
    // Without a mask the picture itself is what changes.
    let has_hole = crop.mask.is_some() && settings.fill != Fill::Keep;
    let amount: Vec<u8> = (alpha.iter().zip(&change.values))
        .map(|(alpha, &change)| {
            if has_hole && change >= HOLE {
                255
            } else {
                255 - alpha
            }
        })
        .collect();
    let holes = Holes {
        amount: &amount,
        is_new_ground: alpha.iter().any(|&alpha| alpha < 255),
    };
    fill::fill(&mut rgb, &holes, settings.fill, seed);
    let change = change.values.iter().map(|&value| f32::from(value) / 255.0);
    Ok(Prepared {
        rgb,
        change: change.collect(),
    })
}

/// A crop as the model sees it, before any hole is filled.
pub(super) struct Work {
    /// At the work size.
    pub rgb: RgbPicture,
    pub alpha: Vec<u8>,
    /// How much the model may change each pixel.
    pub change: Mask,
    /// The same at the size of the crop.
    pub crop_change: Mask,
    /// How much of the patch is laid over each pixel of the crop.
    pub coverage: Mask,
}

impl Work {
    pub fn new(crop: &Crop, plan: &EditPlan) -> Result<Self> {
        check(crop, plan)?;
        let SoftMask {
            change: crop_change,
            coverage,
        } = match crop.mask {
            Some(mask) => SoftMask::new(&Mask::new(crop.size.0, mask.to_vec()), plan),
            // Where there is nothing, nothing changes.
            None => SoftMask {
                change: Mask::full(crop.size),
                coverage: Mask::new(
                    crop.size.0,
                    crop.rgba.iter().skip(3).step_by(4).copied().collect(),
                ),
            },
        };
        let (rgb, alpha) = scaled(crop, plan.work_size);
        Ok(Self {
            rgb,
            alpha,
            change: crop_change.scaled(plan.work_size),
            crop_change,
            coverage,
        })
    }
}

fn check(crop: &Crop, plan: &EditPlan) -> Result<()> {
    let (width, height) = plan.context.size();
    if plan.context.is_empty() || plan.work_size.0 == 0 || plan.work_size.1 == 0 {
        return Err(Error::NoPicture);
    }
    let n_pixels = width as usize * height as usize;
    let wrong = |name| Error::WrongPictureSize {
        name,
        width,
        height,
    };
    if crop.size != plan.context.size() || crop.rgba.len() != 4 * n_pixels {
        return Err(wrong("picture"));
    }
    match crop.mask {
        Some(mask) if mask.len() != n_pixels => Err(wrong("mask")),
        Some(mask) if mask.iter().all(|&value| value == 0) => Err(Error::EmptyMask),
        _ => Ok(()),
    }
}

/// Colours and alpha apart, scaled. A transparent pixel lends its neighbours no colour.
fn scaled(crop: &Crop, (width, height): (u32, u32)) -> (RgbPicture, Vec<u8>) {
    let source_size = [crop.size.0, crop.size.1];
    let size = [width, height];
    let pixels = crop.rgba.as_chunks::<4>().0;
    if pixels.iter().all(|pixel| pixel[3] == 255) {
        let rgb: Vec<u8> = pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
        let rgb = resize::<3>(&rgb, source_size, size, Resampling::Bicubic);
        let alpha = vec![255; rgb.len() / 3];
        return (RgbPicture { width, height, rgb }, alpha);
    }
    let premultiplied: Vec<u8> = pixels
        .iter()
        .flat_map(|&[red, green, blue, alpha]| {
            let times = |value| ((u32::from(value) * u32::from(alpha) + 127) / 255) as u8;
            [times(red), times(green), times(blue), alpha]
        })
        .collect();
    let scaled = resize::<4>(&premultiplied, source_size, size, Resampling::Bicubic);
    let pixels = scaled.as_chunks::<4>().0;
    let straight = |&[red, green, blue, alpha]: &[u8; 4]| {
        let half = u32::from(alpha) / 2;
        let over = |value| {
            let straight = (u32::from(value) * 255 + half).checked_div(u32::from(alpha));
            straight.unwrap_or(0).min(255) as u8
        };
        [over(red), over(green), over(blue)]
    };
    let picture = RgbPicture {
        width,
        height,
        rgb: pixels.iter().flat_map(straight).collect(),
    };
    (picture, pixels.iter().map(|pixel| pixel[3]).collect())
}
