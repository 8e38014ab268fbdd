//! Masks from files, for the window and the command line alike: white may change, black stays.

use image::RgbaImage;
use limn_engine::PixelRect;

/// Less of 255 masks nothing: what a JPEG makes of black, or a black that is not quite one.
const LEAST_OPACITY: u8 = 8;
/// So near to black or white a pixel of a mask is one of both.
const NEAR: u8 = 32;

/// Why a picture cannot be the mask.
#[derive(Debug, thiserror::Error)]
pub enum MaskFileError {
    #[error(
        "This mask is {mask_width} × {mask_height} px, the picture {width} × {height}: a mask must have the picture's size"
    )]
    Size {
        mask_width: u32,
        mask_height: u32,
        width: u32,
        height: u32,
    },
    /// Its hole may be what is meant, or all the rest.
    #[error(
        "This is a picture with a transparent part, not a mask: save one that is white where the picture may change and black elsewhere"
    )]
    PictureWithHole,
}

/// What of a picture is the mask, by the user's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskReading {
    /// What is transparent may change.
    Transparency,
    /// What is light may change, and nothing where it is transparent.
    Lightness,
}

/// How much each pixel of `frame` may change, row by row, from a picture of the same size: its lightness, and nothing
/// where it is transparent.
///
/// # Errors
/// [`MaskFileError`].
pub fn mask_values(picture: &RgbaImage, frame: PixelRect) -> Result<Vec<u8>, MaskFileError> {
    check_size(picture, frame)?;
    if is_picture_with_hole(picture) {
        return Err(MaskFileError::PictureWithHole);
    }
    mask_values_as(picture, frame, MaskReading::Lightness)
}

/// As [`mask_values`], of a picture that was asked about.
///
/// # Errors
/// [`MaskFileError::Size`].
pub fn mask_values_as(
    picture: &RgbaImage,
    frame: PixelRect,
    reading: MaskReading,
) -> Result<Vec<u8>, MaskFileError> {
    check_size(picture, frame)?;
    let opacity = |[red, green, blue, alpha]: [u8; 4]| {
        // Rec. 709, as for any grey made of colours.
        let luma =
            (2126 * u32::from(red) + 7152 * u32::from(green) + 722 * u32::from(blue)) / 10_000;
        let opacity = match reading {
            MaskReading::Lightness => ((luma * u32::from(alpha) + 127) / 255) as u8,
            MaskReading::Transparency => 255 - alpha,
        };
        if opacity < LEAST_OPACITY { 0 } else { opacity }
    };
    Ok(picture.pixels().map(|pixel| opacity(pixel.0)).collect())
}

fn check_size(picture: &RgbaImage, frame: PixelRect) -> Result<(), MaskFileError> {
    let (mask_width, mask_height) = picture.dimensions();
    if (mask_width, mask_height) != frame.size() {
        return Err(MaskFileError::Size {
            mask_width,
            mask_height,
            width: frame.width,
            height: frame.height,
        });
    }
    Ok(())
}

/// Whether it is transparent somewhere and shows more than black and white elsewhere.
fn is_picture_with_hole(picture: &RgbaImage) -> bool {
    let is_plain = |[red, green, blue, _]: [u8; 4]| {
        let (least, most) = (red.min(green).min(blue), red.max(green).max(blue));
        most <= NEAR || least >= 255 - NEAR
    };
    let has_hole = picture.pixels().any(|pixel| pixel[3] < LEAST_OPACITY);
    let seen = || picture.pixels().filter(|pixel| pixel[3] >= LEAST_OPACITY);
    // The soft edges of what was painted are between black and white.
    has_hole && 2 * seen().filter(|pixel| is_plain(pixel.0)).count() < seen().count()
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    fn mask_of(pixel: impl Fn(u32) -> [u8; 4]) -> Result<Vec<u8>, MaskFileError> {
        let picture = RgbaImage::from_fn(8, 2, |x, _| Rgba(pixel(x)));
        let mask = mask_values(&picture, PixelRect::new(-3, 5, 8, 2))?;
        Ok(mask[..8].to_vec())
    }

    #[test]
    fn values_are_opacity_and_dirty_black_is_nothing() {
        let grey = [0, 1, 7, 8, 9, 128, 247, 255];
        let mask = mask_of(|x| [grey[x as usize], grey[x as usize], grey[x as usize], 255]);
        assert_eq!(mask.ok(), Some(vec![0, 0, 0, 8, 9, 128, 247, 255]));
    }

    #[test]
    fn a_picture_with_a_hole_is_no_mask() {
        let hole = |x: u32| if x == 3 { 0 } else { 255 };
        let photo = mask_of(|x| [90 + x as u8, 120, 60, hole(x)]);
        assert!(matches!(photo, Err(MaskFileError::PictureWithHole)));
        // By the user's word it is: either way, never the other.
        let picture = RgbaImage::from_fn(8, 2, |x, _| {
            Rgba([if x < 4 { 255 } else { 0 }, 255, 0, hole(x)])
        });
        let read = |reading| {
            let mask = mask_values_as(&picture, PixelRect::from_size(8, 2), reading);
            mask.ok().map(|mask| mask[..8].to_vec())
        };
        let transparent = read(MaskReading::Transparency);
        assert_eq!(transparent, Some(vec![0, 0, 0, 255, 0, 0, 0, 0]));
        let light = read(MaskReading::Lightness);
        assert_eq!(light, Some(vec![236, 236, 236, 0, 182, 182, 182, 182]));
        let other = mask_values_as(&picture, PixelRect::from_size(9, 2), MaskReading::Lightness);
        assert!(matches!(other, Err(MaskFileError::Size { .. })));
        // White painted on nothing, black and white with a hole, and an opaque picture say what they mean.
        let painted = mask_of(|x| [255, 255, 255, 30 * x as u8]);
        assert_eq!(painted.ok(), Some(vec![0, 30, 60, 90, 120, 150, 180, 210]));
        let drawn = mask_of(|x| {
            if x < 4 {
                [255; 4]
            } else {
                [0, 0, 0, hole(x - 2)]
            }
        });
        assert_eq!(drawn.ok(), Some(vec![255, 255, 255, 255, 0, 0, 0, 0]));
        let opaque = mask_of(|_| [90, 90, 90, 255]);
        assert_eq!(opaque.ok(), Some(vec![90; 8]));
    }
}
