use std::sync::Arc;

use crate::{Error, Result, image::RgbPicture, stitch};

/// White, as paper is, under what is transparent.
const GROUND: [u8; 4] = [255; 4];

/// A picture that came with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePicture {
    /// Pixels.
    pub width: u32,
    pub height: u32,
    /// Straight alpha, row by row.
    pub rgba: Arc<[u8]>,
}

impl SourcePicture {
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The picture as one sees it, on white where it is transparent.
    ///
    /// # Errors
    /// As [`Self::on_white`]; [`Error::TransparentPicture`] where there is nothing to see.
    pub(super) fn flattened(&self) -> Result<RgbPicture> {
        let picture = self.on_white()?;
        if self
            .rgba
            .as_chunks::<4>()
            .0
            .iter()
            .all(|pixel| pixel[3] == 0)
        {
            return Err(Error::TransparentPicture);
        }
        Ok(picture)
    }

    /// # Errors
    /// [`Error::NoPicture`] for one without pixels; [`Error::WrongPictureSize`] where the bytes are not as many as
    /// its size says.
    pub(super) fn on_white(&self) -> Result<RgbPicture> {
        self.check()?;
        let pixels = self.rgba.as_chunks::<4>().0;
        let rgb = pixels
            .iter()
            .flat_map(|&[red, green, blue, alpha]| {
                let [red, green, blue, _] = stitch::over(GROUND, [red, green, blue], alpha);
                [red, green, blue]
            })
            .collect();
        Ok(RgbPicture {
            width: self.width,
            height: self.height,
            rgb,
        })
    }

    /// The colours alone. What is transparent takes those around it, so that none that nobody sees comes in at an edge.
    ///
    /// # Errors
    /// Those of [`Self::on_white`].
    pub(super) fn colours(&self) -> Result<RgbPicture> {
        self.check()?;
        let pixels = self.rgba.as_chunks::<4>().0;
        let mut picture = RgbPicture {
            width: self.width,
            height: self.height,
            rgb: pixels.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect(),
        };
        let alpha: Vec<u8> = pixels.iter().map(|pixel| pixel[3]).collect();
        stitch::colour_transparent(&mut picture, &alpha);
        Ok(picture)
    }

    fn check(&self) -> Result<()> {
        let (width, height) = self.size();
        if width == 0 || height == 0 {
            return Err(Error::NoPicture);
        }
        let n_pixels = u64::from(width) * u64::from(height);
        if n_pixels.checked_mul(4) != Some(self.rgba.len() as u64) {
            return Err(Error::WrongPictureSize {
                name: "picture",
                width,
                height,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_transparent_lies_on_white_and_a_picture_of_nothing_is_refused() {
        let picture = |(width, height): (u32, u32), rgba: &[u8]| {
            let rgba = rgba.into();
            let source = SourcePicture {
                width,
                height,
                rgba,
            };
            source
                .flattened()
                .map(|picture| picture.rgb)
                .map_err(|error| error.to_string())
        };
        let seen = picture((2, 1), &[10, 20, 30, 255, 0, 100, 255, 51]);
        assert_eq!(seen, Ok(vec![10, 20, 30, 204, 224, 255]));
        for (size, bytes, why) in [
            ((0, 3), &[][..], "no picture"),
            ((2, 1), &[0; 7], "not 2×1"),
            ((u32::MAX, u32::MAX), &[0; 8], "not 4294967295×4294967295"),
            ((2, 1), &[9, 9, 9, 0, 9, 9, 9, 0], "transparent"),
        ] {
            let message = picture(size, bytes).unwrap_err();
            assert!(message.contains(why), "{message}");
        }
    }

    #[test]
    fn what_is_transparent_takes_the_colours_around_it() {
        let source = |rgba: &[u8]| SourcePicture {
            width: rgba.len() as u32 / 4,
            height: 1,
            rgba: rgba.into(),
        };
        let colours = source(&[10, 20, 30, 255, 99, 0, 0, 0, 10, 20, 30, 128]).colours();
        assert_eq!(colours.unwrap().rgb, [10, 20, 30, 10, 20, 30, 10, 20, 30]);
        assert!(source(&[9, 9, 9, 0]).colours().is_ok());
    }
}
