//! Rows of samples, as decoders give them, become RGBA of 8 bit in sRGB.

use std::borrow::Cow;

use super::colour_profile::Transform;
use super::note::Note;

/// How the samples of a row lie. Those of 16 bit are in the machine's byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Samples {
    L8,
    La8,
    Rgb8,
    Rgba8,
    /// 255 is full ink.
    Cmyk8,
    L16,
    La16,
    Rgb16,
    Rgba16,
}

impl Samples {
    pub const fn n_channels(self) -> usize {
        match self {
            Self::L8 | Self::L16 => 1,
            Self::La8 | Self::La16 => 2,
            Self::Rgb8 | Self::Rgb16 => 3,
            Self::Rgba8 | Self::Rgba16 | Self::Cmyk8 => 4,
        }
    }

    pub const fn is_deep(self) -> bool {
        matches!(self, Self::L16 | Self::La16 | Self::Rgb16 | Self::Rgba16)
    }

    pub const fn has_alpha(self) -> bool {
        matches!(self, Self::La8 | Self::Rgba8 | Self::La16 | Self::Rgba16)
    }

    pub const fn is_grey(self) -> bool {
        matches!(self, Self::L8 | Self::La8 | Self::L16 | Self::La16)
    }

    pub const fn bytes_per_pixel(self) -> usize {
        self.n_channels() * if self.is_deep() { 2 } else { 1 }
    }

    /// Of whole numbers of 8 or 16 bit; `None` for other types of `image`.
    pub fn of(colour: image::ColorType) -> Option<Self> {
        use image::ColorType;
        Some(match colour {
            ColorType::L8 => Self::L8,
            ColorType::La8 => Self::La8,
            ColorType::Rgb8 => Self::Rgb8,
            ColorType::Rgba8 => Self::Rgba8,
            ColorType::L16 => Self::L16,
            ColorType::La16 => Self::La16,
            ColorType::Rgb16 => Self::Rgb16,
            ColorType::Rgba16 => Self::Rgba16,
            _ => return None,
        })
    }
}

/// Converts rows of one kind of samples.
pub struct Converter {
    samples: Samples,
    transform: Option<Transform>,
    /// Whether colours were multiplied by their alpha.
    is_premultiplied: bool,
    deep: Vec<u16>,
}

impl Converter {
    /// Notes what a conversion by the profile, or without one, changes.
    pub fn new(
        samples: Samples,
        profile: Option<&[u8]>,
        is_premultiplied: bool,
        notes: &mut Vec<Note>,
    ) -> Self {
        if samples.is_deep()
            && !notes
                .iter()
                .any(|note| matches!(note, Note::Reduced { .. }))
        {
            notes.push(Note::Reduced { bits: 16 });
        }
        let transform = profile.and_then(|profile| Transform::new(profile, samples, notes));
        if samples == Samples::Cmyk8 && transform.is_none() && !notes.contains(&Note::FromInks) {
            notes.push(Note::FromInks);
        }
        Self {
            samples,
            transform,
            is_premultiplied,
            deep: Vec::new(),
        }
    }

    pub fn samples(&self) -> Samples {
        self.samples
    }

    /// # Shapes
    /// `source`: `[n_pixels * bytes_per_pixel]` of the samples; `rgba`: `[n_pixels * 4]`.
    pub fn row(&mut self, source: &[u8], rgba: &mut [u8]) {
        if self.samples.is_deep() {
            self.deep_row(source, rgba);
            return;
        }
        let source = if self.is_premultiplied && self.samples == Samples::Rgba8 {
            Cow::Owned(unmultiplied(source))
        } else {
            Cow::Borrowed(source)
        };
        match &mut self.transform {
            Some(transform) => transform.row_8(&source, self.samples, rgba),
            None => expand(&source, self.samples, rgba),
        }
    }

    fn deep_row(&mut self, source: &[u8], rgba: &mut [u8]) {
        let mut deep = std::mem::take(&mut self.deep);
        let (values, _) = source.as_chunks::<2>();
        deep.clear();
        deep.extend(values.iter().map(|value| u16::from_ne_bytes(*value)));
        if self.is_premultiplied && self.samples == Samples::Rgba16 {
            unmultiply_deep(&mut deep);
        }
        match &mut self.transform {
            Some(transform) => transform.row_16(&deep, self.samples, rgba),
            None => {
                let values: Vec<u8> = deep.iter().copied().map(reduced).collect();
                let samples = match self.samples {
                    Samples::L16 => Samples::L8,
                    Samples::La16 => Samples::La8,
                    Samples::Rgb16 => Samples::Rgb8,
                    _ => Samples::Rgba8,
                };
                expand(&values, samples, rgba);
            }
        }
        self.deep = deep;
    }
}

/// To the nearest of 256 levels.
pub fn reduced(value: u16) -> u8 {
    ((u32::from(value) + 128) / 257) as u8
}

/// Samples of 8 bit to RGBA, without regard to colour spaces.
pub fn expand(source: &[u8], samples: Samples, rgba: &mut [u8]) {
    let (pixels, _) = rgba.as_chunks_mut::<4>();
    match samples {
        Samples::Rgba8 => rgba.copy_from_slice(source),
        Samples::Rgb8 => {
            for (&[red, green, blue], pixel) in source.as_chunks::<3>().0.iter().zip(pixels) {
                *pixel = [red, green, blue, 255];
            }
        }
        Samples::La8 => {
            for (&[grey, alpha], pixel) in source.as_chunks::<2>().0.iter().zip(pixels) {
                *pixel = [grey, grey, grey, alpha];
            }
        }
        Samples::Cmyk8 => {
            for (&[cyan, magenta, yellow, black], pixel) in
                source.as_chunks::<4>().0.iter().zip(pixels)
            {
                let light =
                    |ink: u8| ((255 - u32::from(ink)) * (255 - u32::from(black)) + 127) / 255;
                *pixel = [
                    light(cyan) as u8,
                    light(magenta) as u8,
                    light(yellow) as u8,
                    255,
                ];
            }
        }
        Samples::L8 | Samples::L16 | Samples::La16 | Samples::Rgb16 | Samples::Rgba16 => {
            for (&grey, pixel) in source.iter().zip(pixels) {
                *pixel = [grey, grey, grey, 255];
            }
        }
    }
}

fn unmultiplied(source: &[u8]) -> Vec<u8> {
    let mut straight = source.to_vec();
    for [colours @ .., alpha] in straight.as_chunks_mut::<4>().0 {
        let alpha = u32::from(*alpha);
        if alpha > 0 && alpha < 255 {
            for value in colours {
                *value = ((u32::from(*value) * 255 + alpha / 2) / alpha).min(255) as u8;
            }
        }
    }
    straight
}

fn unmultiply_deep(values: &mut [u16]) {
    for [colours @ .., alpha] in values.as_chunks_mut::<4>().0 {
        let alpha = u32::from(*alpha);
        if alpha > 0 && alpha < 65_535 {
            for value in colours {
                let straight =
                    (u64::from(*value) * 65_535 + u64::from(alpha / 2)) / u64::from(alpha);
                *value = straight.min(65_535) as u16;
            }
        }
    }
}
