//! From a picture's own colour space to sRGB.

use image::{ColorType, DynamicImage, RgbaImage};
use moxcms::{
    CmsError, ColorProfile, DataColorSpace, Layout, ProfileText, TransformExecutor,
    TransformOptions,
};

use super::Note;

/// Converts by the picture's ICC profile and notes what was done. A profile that says sRGB in other words changes
/// nothing, so that such a picture stays as it is to the bit.
pub fn to_srgb(picture: DynamicImage, profile: &[u8], notes: &mut Vec<Note>) -> RgbaImage {
    let Ok(profile) = ColorProfile::new_from_slice(profile) else {
        notes.push(Note::UnknownProfile);
        return picture.into_rgba8();
    };
    let is_grey = matches!(
        picture.color(),
        ColorType::L8 | ColorType::L16 | ColorType::La8 | ColorType::La16
    );
    let layout = match profile.color_space {
        DataColorSpace::Rgb => Layout::Rgba,
        DataColorSpace::Gray if is_grey => Layout::GrayAlpha,
        _ => {
            notes.push(Note::UnknownProfile);
            return picture.into_rgba8();
        }
    };
    match means_srgb(&profile, layout) {
        Ok(true) => return picture.into_rgba8(),
        Ok(false) => {}
        Err(_) => {
            notes.push(Note::UnknownProfile);
            return picture.into_rgba8();
        }
    }
    match convert(&picture, &profile, layout) {
        Ok(pixels) => {
            notes.push(Note::Converted {
                profile: name(&profile),
            });
            pixels
        }
        Err(_) => {
            notes.push(Note::UnknownProfile);
            picture.into_rgba8()
        }
    }
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

fn convert(
    picture: &DynamicImage,
    profile: &ColorProfile,
    layout: Layout,
) -> Result<RgbaImage, CmsError> {
    let srgb = ColorProfile::new_srgb();
    let (width, height) = (picture.width(), picture.height());
    let is_deep = picture.color().bytes_per_pixel() > picture.color().channel_count();
    let pixels = if is_deep {
        // Reduced last: shadows of a wide space need the bits.
        let transform = profile.create_transform_16bit(layout, &srgb, Layout::Rgba, options())?;
        let deep = match layout {
            Layout::GrayAlpha => {
                transformed(&*transform, picture.to_luma_alpha16().as_raw(), 2, width)?
            }
            _ => transformed(&*transform, picture.to_rgba16().as_raw(), 4, width)?,
        };
        deep.into_iter().map(reduced).collect()
    } else {
        let transform = profile.create_transform_8bit(layout, &srgb, Layout::Rgba, options())?;
        match layout {
            Layout::GrayAlpha => {
                transformed(&*transform, picture.to_luma_alpha8().as_raw(), 2, width)?
            }
            _ => transformed(&*transform, picture.to_rgba8().as_raw(), 4, width)?,
        }
    };
    RgbaImage::from_raw(width, height, pixels).ok_or(CmsError::LaneSizeMismatch)
}

/// Row by row, from `n_channels` a pixel to four.
fn transformed<T: Copy + Default>(
    transform: &(dyn TransformExecutor<T> + Send + Sync),
    pixels: &[T],
    n_channels: usize,
    width: u32,
) -> Result<Vec<T>, CmsError> {
    let width = width as usize;
    let mut converted = vec![T::default(); pixels.len() / n_channels * 4];
    let rows = pixels.chunks_exact(n_channels * width);
    for (source, row) in rows.zip(converted.chunks_exact_mut(4 * width)) {
        transform.transform(source, row)?;
    }
    Ok(converted)
}

/// To the nearest of 256 levels.
fn reduced(value: u16) -> u8 {
    ((u32::from(value) + 128) / 257) as u8
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
