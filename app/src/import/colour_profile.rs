//! From a picture's own colour space to sRGB.

use std::sync::Arc;

use moxcms::{
    CicpColorPrimaries, CicpProfile, CmsError, ColorProfile, DataColorSpace, Layout,
    MatrixCoefficients, ProfileText, TransferCharacteristics, Transform8BitExecutor,
    Transform16BitExecutor, TransformOptions,
};

use super::note::Note;
use super::samples::{Samples, expand, reduced};

/// A conversion of rows.
pub struct Transform {
    layout: Layout,
    executor: Executor,
    wide: Vec<u8>,
    deep: Vec<u16>,
}

enum Executor {
    Eight(Arc<Transform8BitExecutor>),
    /// Reduced last: shadows of a wide space need the bits.
    Sixteen(Arc<Transform16BitExecutor>),
}

impl Transform {
    /// The conversion by a picture's ICC profile, and a note on it. A profile that says sRGB in other words changes
    /// nothing, so that such a picture stays as it is to the bit.
    pub fn new(profile: &[u8], samples: Samples, notes: &mut Vec<Note>) -> Option<Self> {
        let transform = ColorProfile::new_from_slice(profile)
            .ok()
            .and_then(|profile| Self::of(&profile, samples).ok());
        match transform {
            Some(Found::Same) => None,
            Some(Found::Other { transform, name }) => {
                notes.push(Note::Converted { profile: name });
                Some(*transform)
            }
            None => {
                notes.push(Note::UnknownProfile);
                None
            }
        }
    }

    fn of(profile: &ColorProfile, samples: Samples) -> Result<Found, CmsError> {
        let layout = match profile.color_space {
            DataColorSpace::Rgb if samples != Samples::Cmyk8 => Layout::Rgba,
            DataColorSpace::Gray if samples.is_grey() => Layout::GrayAlpha,
            // Four inks lie as four channels do.
            DataColorSpace::Cmyk if samples == Samples::Cmyk8 => Layout::Rgba,
            _ => return Err(CmsError::UnsupportedProfileConnection),
        };
        let srgb = ColorProfile::new_srgb();
        if samples != Samples::Cmyk8 && means_srgb(profile, layout)? {
            return Ok(Found::Same);
        }
        let executor = if samples.is_deep() {
            Executor::Sixteen(profile.create_transform_16bit(
                layout,
                &srgb,
                Layout::Rgba,
                options(),
            )?)
        } else {
            Executor::Eight(profile.create_transform_8bit(
                layout,
                &srgb,
                Layout::Rgba,
                options(),
            )?)
        };
        let transform = Self {
            layout,
            executor,
            wide: Vec::new(),
            deep: Vec::new(),
        };
        Ok(Found::Other {
            transform: Box::new(transform),
            name: name(profile),
        })
    }

    /// # Shapes
    /// `source`: `[n_pixels * n_channels]`; `rgba`: `[n_pixels * 4]`.
    pub fn row_8(&mut self, source: &[u8], samples: Samples, rgba: &mut [u8]) {
        let Executor::Eight(executor) = &self.executor else {
            return expand(source, samples, rgba);
        };
        let n_pixels = rgba.len() / 4;
        let result = match (self.layout, samples) {
            (Layout::Rgba, Samples::Rgba8 | Samples::Cmyk8) | (Layout::GrayAlpha, Samples::La8) => {
                executor.transform(source, rgba)
            }
            (Layout::GrayAlpha, _) => {
                self.wide.clear();
                self.wide
                    .extend(source.iter().flat_map(|&grey| [grey, 255]));
                executor.transform(&self.wide, rgba)
            }
            _ => {
                self.wide.resize(4 * n_pixels, 0);
                expand(source, samples, &mut self.wide);
                executor.transform(&self.wide, rgba)
            }
        };
        if result.is_err() {
            // Never for rows whose lengths fit; the colours as they are beat none.
            expand(source, samples, rgba);
        }
        if samples == Samples::Cmyk8 {
            for [.., alpha] in rgba.as_chunks_mut::<4>().0 {
                *alpha = 255;
            }
        }
    }

    /// As [`Self::row_8`], of 16 bit.
    pub fn row_16(&mut self, source: &[u16], samples: Samples, rgba: &mut [u8]) {
        let Executor::Sixteen(executor) = &self.executor else {
            return;
        };
        let mut wide: Vec<u16> = Vec::with_capacity(rgba.len());
        match (self.layout, samples) {
            (Layout::Rgba, Samples::Rgba16) | (Layout::GrayAlpha, Samples::La16) => {
                wide.extend(source);
            }
            (Layout::GrayAlpha, _) => {
                wide.extend(source.iter().flat_map(|&grey| [grey, u16::MAX]));
            }
            (_, Samples::La16) => {
                let pixels = source.as_chunks::<2>().0.iter();
                wide.extend(pixels.flat_map(|&[grey, alpha]| [grey, grey, grey, alpha]));
            }
            (_, Samples::Rgb16) => {
                let pixels = source.as_chunks::<3>().0.iter();
                wide.extend(pixels.flat_map(|&[red, green, blue]| [red, green, blue, u16::MAX]));
            }
            _ => wide.extend(source.iter().flat_map(|&grey| [grey, grey, grey, u16::MAX])),
        }
        self.deep.resize(rgba.len(), 0);
        if executor.transform(&wide, &mut self.deep).is_err() {
            self.deep.copy_from_slice(&wide);
        }
        for (value, deep) in rgba.iter_mut().zip(&self.deep) {
            *value = reduced(*deep);
        }
    }
}

enum Found {
    /// It is sRGB.
    Same,
    Other {
        transform: Box<Transform>,
        name: String,
    },
}

/// The ICC profile of a colour space by its code points (ITU-T H.273); `None` for sRGB, BT.709 and what is not
/// said or not known.
pub fn profile_of_cicp(primaries: u8, transfer: u8) -> Option<Vec<u8>> {
    const BT709: [u8; 3] = [1, 6, 13];
    let is_like_srgb =
        matches!(primaries, 0..=2) && (BT709.contains(&transfer) || matches!(transfer, 0 | 2));
    if is_like_srgb {
        return None;
    }
    let profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    profile.encode().ok()
}

/// Whether no colour would change by more than rounding.
fn means_srgb(profile: &ColorProfile, layout: Layout) -> Result<bool, CmsError> {
    const STEP: usize = 17;
    let levels = || (0..=255u8).step_by(STEP);
    let (colours, expected): (Vec<u8>, Vec<u8>) = match layout {
        Layout::GrayAlpha => (
            levels().flat_map(|grey| [grey, 255]).collect(),
            levels().flat_map(|grey| [grey, grey, grey, 255]).collect(),
        ),
        _ => {
            let greens = move |red| levels().map(move |green| (red, green));
            let colours: Vec<u8> = levels()
                .flat_map(greens)
                .flat_map(|(red, green)| levels().flat_map(move |blue| [red, green, blue, 255]))
                .collect();
            (colours.clone(), colours)
        }
    };
    let transform = profile.create_transform_8bit(
        layout,
        &ColorProfile::new_srgb(),
        Layout::Rgba,
        options(),
    )?;
    let mut converted = vec![0; expected.len()];
    transform.transform(&colours, &mut converted)?;
    Ok(converted
        .iter()
        .zip(&expected)
        .all(|(a, b)| a.abs_diff(*b) <= 1))
}

fn options() -> TransformOptions {
    TransformOptions::default()
}

/// As the profile names itself.
fn name(profile: &ColorProfile) -> String {
    let name = match &profile.description {
        Some(ProfileText::PlainString(text)) => text.as_str(),
        Some(ProfileText::Localizable(texts)) => texts.first().map_or("", |text| &text.value),
        Some(ProfileText::Description(text)) => &text.ascii_string,
        None => "",
    };
    let name: String = name.trim_matches(['\0', ' ']).chars().take(60).collect();
    if name.is_empty() {
        "another colour space".to_owned()
    } else {
        name
    }
}
