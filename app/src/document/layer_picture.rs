//! A layer as a picture file of its own.

use std::io::{self, Write};

use limn_engine::PixelRect;

use super::layer::Layer;
use super::tiles::TILE_SIDE;
use crate::marking;

/// The bytes of a PNG as large as the frame, with the layer's own pixels where its mask shows them and nothing around
/// them. Neither its opacity nor its blend mode is in it.
///
/// # Errors
/// Where an encoder fails.
pub fn encode_layer(layer: &Layer, frame: PixelRect) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let xmp = layer.source_type().map(marking::xmp_packet);
    let placed = Placed { layer, rect: frame };
    write_png(&mut file, frame.size(), xmp, placed.bands())?;
    Ok(file)
}

/// A layer, and the part of the document that it covers.
pub(super) struct Placed<'a> {
    pub layer: &'a Layer,
    pub rect: PixelRect,
}

impl<'a> Placed<'a> {
    pub fn of(layer: &'a Layer, frame: PixelRect) -> Self {
        let covered = layer.pixels().bounds(|pixel| pixel[3] > 0);
        let (x, y) = layer.offset;
        let rect = if covered.is_empty() {
            // A file has to have a pixel.
            PixelRect::new(frame.x, frame.y, 1, 1)
        } else {
            covered.translate(x, y)
        };
        Self { layer, rect }
    }

    /// Its pixels, a patch's only where its mask shows them.
    pub fn bands(&self) -> impl Iterator<Item = Vec<[u8; 4]>> + '_ {
        let (x, y) = self.layer.offset;
        bands(self.rect).map(move |band| {
            let band = band.translate(x.saturating_neg(), y.saturating_neg());
            let mut pixels = self.layer.pixels().read(band);
            if let Some(mask) = self.layer.patch_mask() {
                for ([.., alpha], mask) in pixels.iter_mut().zip(mask.read(band)) {
                    *alpha = ((u32::from(*alpha) * u32::from(mask) + 127) / 255) as u8;
                }
            }
            pixels
        })
    }
}

/// Rows of a rectangle, as many at once as a tile has.
pub(super) fn bands(rect: PixelRect) -> impl Iterator<Item = PixelRect> {
    (0..rect.height).step_by(TILE_SIDE as usize).map(move |y| {
        let height = TILE_SIDE.min(rect.height - y);
        PixelRect::new(rect.x, rect.y + y as i32, rect.width, height)
    })
}

/// # Shapes
/// Each of `bands`: `[n_rows * width]`.
pub(super) fn write_png(
    out: &mut dyn Write,
    (width, height): (u32, u32),
    xmp: Option<String>,
    bands: impl Iterator<Item = Vec<[u8; 4]>>,
) -> io::Result<()> {
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    if let Some(xmp) = xmp {
        let keyword = marking::PNG_KEYWORD.to_owned();
        encoder.add_itxt_chunk(keyword, xmp)?;
    }
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer()?;
    for rows in bands {
        stream.write_all(rows.as_flattened())?;
    }
    stream.finish()?;
    writer.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;
    use crate::document::tiles::Tiles;
    use crate::document::{BlendMode, LayerKind, PatchSource};
    use crate::gallery::PictureId;
    use crate::import;

    #[test]
    fn an_exported_layer_is_what_it_is_by_itself() {
        let rect = PixelRect::new(10, 20, 30, 40);
        let (mut pixels, mut mask) = (Tiles::default(), Tiles::default());
        pixels.write(rect, &[[200, 100, 50, 255]; 1200]);
        mask.write(rect, &[128; 1200]);
        let source = PatchSource {
            run: Uuid::nil(),
            picture: PictureId::new(),
        };
        let kind = LayerKind::Patch {
            pixels,
            mask,
            source,
        };
        let layer = Layer {
            opacity: 0.3,
            blend: BlendMode::Multiply,
            offset: (-5, 2),
            ..Layer::new("Boat", kind)
        };
        let frame = PixelRect::new(-8, 0, 300, 270);
        let file = encode_layer(&layer, frame).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boat.png");
        std::fs::write(&path, &file).unwrap();
        let opened = import::open(&path).unwrap();
        assert_eq!(opened.pixels.dimensions(), (300, 270));
        assert_eq!(
            opened.source_type.as_deref(),
            Some(marking::TRAINED_ALGORITHMIC_MEDIA)
        );
        let seen = rect.translate(-5 + 8, 2);
        for (x, y, pixel) in opened.pixels.enumerate_pixels() {
            let is_seen = seen.contains(x as i32, y as i32);
            let expected = if is_seen { [200, 100, 50, 128] } else { [0; 4] };
            assert_eq!(pixel.0, expected, "{x} {y}");
        }
    }
}
