//! One frame of AV1, and its colours.

use re_rav1d::dav1d::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::dav1d::{
    DecodeFrameType, Decoder, Picture, PixelLayout, PlanarImageComponent, Plane, Settings,
};

use crate::import::error::Error;

/// How red, green and blue come from luma and chroma (ITU-T H.273, table 4).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Matrix {
    kind: Kind,
    is_full_range: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// The planes are green, blue and red.
    Identity,
    /// The parts of red and blue in luma.
    Weights {
        red: f32,
        blue: f32,
    },
    YCgCo,
}

impl Matrix {
    pub fn of_code(code: u8, is_full_range: bool) -> Self {
        let weights = |red, blue| Kind::Weights { red, blue };
        let kind = match code {
            0 => Kind::Identity,
            1 => weights(0.2126, 0.0722),
            4 => weights(0.30, 0.11),
            7 => weights(0.212, 0.087),
            8 => Kind::YCgCo,
            9 | 10 => weights(0.2627, 0.0593),
            // BT.601, which is also what is meant where nothing is said.
            _ => weights(0.299, 0.114),
        };
        Self {
            kind,
            is_full_range,
        }
    }

    /// Each from 0 to 1, chroma from -0.5 to 0.5.
    fn rgb(self, luma: f32, first: f32, second: f32) -> [f32; 3] {
        match self.kind {
            Kind::Identity => [second + 0.5, luma, first + 0.5],
            Kind::YCgCo => {
                let rest = luma - first;
                [rest + second, luma + first, rest - second]
            }
            Kind::Weights { red, blue } => {
                let r = luma + 2.0 * (1.0 - red) * second;
                let b = luma + 2.0 * (1.0 - blue) * first;
                let g = (luma - red * r - blue * b) / (1.0 - red - blue);
                [r, g, b]
            }
        }
    }
}

/// A decoded frame. The decoder's entry points are those of a C library, through which a panic would end the process:
/// nothing that mutated files could do to it has, and it runs without threads of its own.
pub struct Frame {
    picture: Picture,
    luma: Plane,
    chroma: Option<[Plane; 2]>,
    bits: usize,
}

impl Frame {
    /// Decodes the first frame, which has to be of that size.
    ///
    /// # Errors
    /// For a damaged stream.
    pub fn decode(av1: &[u8], (width, height): (u32, u32)) -> Result<Self, Error> {
        let mut settings = Settings::new();
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        settings.set_all_layers(false);
        settings.set_frame_size_limit(width.saturating_mul(height));
        settings.set_decode_frame_type(DecodeFrameType::All);
        let mut decoder = Decoder::with_settings(&settings).map_err(Error::damaged)?;
        let mut sent = decoder.send_data(av1.to_vec(), None, None, None);
        let picture = loop {
            match decoder.get_picture() {
                Ok(picture) => break picture,
                Err(error) if !error.is_again() => return Err(Error::damaged(error)),
                Err(_) => match sent {
                    Ok(()) => return Err(Error::CutOff),
                    Err(error) if !error.is_again() => return Err(Error::damaged(error)),
                    Err(_) => sent = decoder.send_pending_data(),
                },
            }
        };
        if (picture.width(), picture.height()) != (width, height) {
            return Err(Error::damaged("its frame has another size"));
        }
        let bits = picture.bits_per_component();
        let bits = bits
            .ok_or_else(|| Error::damaged("its depth is unknown"))?
            .0;
        let plane = |component| picture.plane(component);
        let chroma = (picture.pixel_layout() != PixelLayout::I400)
            .then(|| [PlanarImageComponent::U, PlanarImageComponent::V].map(plane));
        Ok(Self {
            luma: plane(PlanarImageComponent::Y),
            chroma,
            bits,
            picture,
        })
    }

    pub fn size(&self) -> (u32, u32) {
        (self.picture.width(), self.picture.height())
    }

    /// As the stream itself says.
    pub fn matrix(&self) -> Matrix {
        let code = match self.picture.matrix_coefficients() {
            MatrixCoefficients::Identity => 0,
            MatrixCoefficients::BT709 => 1,
            MatrixCoefficients::BT470M => 4,
            MatrixCoefficients::ST240M => 7,
            MatrixCoefficients::YCgCo => 8,
            MatrixCoefficients::BT2020NonConstantLuminance => 9,
            MatrixCoefficients::BT2020ConstantLuminance => 10,
            _ => 6,
        };
        let is_full_range = self.picture.color_range() == YUVRange::Full;
        Matrix::of_code(code, is_full_range)
    }

    /// A row of RGBA, of 16 bit in the machine's byte order where `is_deep`.
    pub fn rgba_row(
        &self,
        y: u32,
        matrix: Matrix,
        alpha: Option<&Self>,
        is_deep: bool,
        row: &mut Vec<u8>,
    ) {
        let layout = self.picture.pixel_layout();
        let (halves_x, halves_y) = match layout {
            PixelLayout::I420 => (1, 1),
            PixelLayout::I422 => (1, 0),
            PixelLayout::I444 | PixelLayout::I400 => (0, 0),
        };
        let luma = Row::of(self, &self.luma, PlanarImageComponent::Y, y);
        let chroma = self.chroma.as_ref().map(|[first, second]| {
            let y = y >> halves_y;
            [
                Row::of(self, first, PlanarImageComponent::U, y),
                Row::of(self, second, PlanarImageComponent::V, y),
            ]
        });
        let alpha = alpha.filter(|alpha| y < alpha.size().1);
        let alpha = alpha.map(|alpha| {
            let is_full_range = alpha.picture.color_range() == YUVRange::Full;
            let row = Row::of(alpha, &alpha.luma, PlanarImageComponent::Y, y);
            (row, alpha.bits, is_full_range)
        });
        row.clear();
        for x in 0..self.size().0 as usize {
            let value = self.light(luma.at(x), matrix.is_full_range);
            let rgb = match &chroma {
                None => [value; 3],
                Some([first, second]) => {
                    let x = x >> halves_x;
                    let first = self.colour(first.at(x), matrix.is_full_range);
                    let second = self.colour(second.at(x), matrix.is_full_range);
                    matrix.rgb(value, first, second)
                }
            };
            let alpha = alpha.as_ref().map_or(1.0, |(row, bits, is_full_range)| {
                light(row.at(x), *bits, *is_full_range)
            });
            for value in rgb.into_iter().chain([alpha]) {
                let value = value.clamp(0.0, 1.0);
                if is_deep {
                    row.extend(((value * 65_535.0 + 0.5) as u16).to_ne_bytes());
                } else {
                    row.push((value * 255.0 + 0.5) as u8);
                }
            }
        }
    }

    fn light(&self, value: u16, is_full_range: bool) -> f32 {
        light(value, self.bits, is_full_range)
    }

    fn colour(&self, value: u16, is_full_range: bool) -> f32 {
        let unit = f32::from(1_u16 << (self.bits - 8));
        let value = f32::from(value) - 128.0 * unit;
        if is_full_range {
            value / (256.0 * unit - 1.0)
        } else {
            value / (224.0 * unit)
        }
    }
}

/// From 0 to 1.
fn light(value: u16, bits: usize, is_full_range: bool) -> f32 {
    let unit = f32::from(1_u16 << (bits - 8));
    if is_full_range {
        f32::from(value) / (256.0 * unit - 1.0)
    } else {
        (f32::from(value) - 16.0 * unit) / (219.0 * unit)
    }
}

/// A row of a plane, of one byte or two a sample.
struct Row<'a> {
    bytes: &'a [u8],
    is_wide: bool,
}

impl<'a> Row<'a> {
    fn of(frame: &Frame, plane: &'a Plane, component: PlanarImageComponent, y: u32) -> Self {
        let stride = frame.picture.stride(component) as usize;
        let start = y as usize * stride;
        let bytes = plane.get(start..start + stride).unwrap_or_default();
        Self {
            bytes,
            is_wide: frame.bits > 8,
        }
    }

    fn at(&self, x: usize) -> u16 {
        if self.is_wide {
            let pair = self.bytes.get(2 * x..).and_then(|rest| rest.first_chunk());
            pair.map_or(0, |pair| u16::from_ne_bytes(*pair))
        } else {
            self.bytes.get(x).copied().unwrap_or(0).into()
        }
    }
}
