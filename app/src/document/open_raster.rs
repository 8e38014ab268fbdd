//! A document as OpenRaster, for other programs that know layers. Baseline of version 0.0.6.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, Event};
use rawzip::{CompressionMethod, ZipArchiveWriter};

use super::content::Content;
use super::layer_picture::{Placed, bands, write_png};
use crate::marking;

/// The ending of such files.
pub const OPEN_RASTER_EXTENSION: &str = "ora";
const MIME_TYPE: &str = "image/openraster";
/// The longer side of a thumbnail, by the specification.
const LIMIT_THUMBNAIL_PX: u32 = 256;

/// The bytes of a file with all layers, what they show together, and a small picture of it.
/// `source_type` is IPTC's name for how it came to be.
///
/// # Errors
/// Where an encoder fails.
pub fn encode_open_raster(content: &Content, source_type: Option<&str>) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut archive = ZipArchiveWriter::new(&mut file);
    // First and stored: programs know the file by these bytes.
    store(&mut archive, "mimetype", |out| {
        out.write_all(MIME_TYPE.as_bytes())
    })?;
    let layers: Vec<Placed> = content
        .layers
        .iter()
        .map(|layer| Placed::of(layer, content.frame))
        .collect();
    store(&mut archive, "stack.xml", |out| {
        out.write_all(&stack_xml(content, &layers)?)
    })?;
    for (index, layer) in layers.iter().enumerate() {
        store(&mut archive, &layer_name(index), |out| {
            let size = layer.rect.size();
            write_png(out, size, None, layer.bands())
        })?;
    }
    let mut thumbnail = Thumbnail::new(content.frame.size());
    store(&mut archive, "mergedimage.png", |out| {
        let xmp = source_type.map(marking::xmp_packet);
        let bands = bands(content.frame).map(|band| content.composite(band));
        let bands = bands.inspect(|rows| thumbnail.add(rows));
        write_png(out, content.frame.size(), xmp, bands)
    })?;
    let (size, pixels) = thumbnail.finish();
    store(&mut archive, "Thumbnails/thumbnail.png", |out| {
        write_png(out, size, None, std::iter::once(pixels))
    })?;
    archive.finish().map_err(io::Error::other)?;
    Ok(file)
}

fn store(
    archive: &mut ZipArchiveWriter<&mut Vec<u8>>,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let file = archive
        .new_file(name)
        .compression_method(CompressionMethod::STORE);
    let (mut entry, config) = file.start().map_err(io::Error::other)?;
    let mut out = config.wrap(&mut entry);
    write(&mut out)?;
    let (_, descriptor) = out.finish().map_err(io::Error::other)?;
    entry.finish(descriptor).map_err(io::Error::other)?;
    Ok(())
}

fn layer_name(index: usize) -> String {
    format!("data/layer{index}.png")
}

fn stack_xml(content: &Content, layers: &[Placed]) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
    let (width, height) = content.frame.size();
    let (width, height) = (width.to_string(), height.to_string());
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let image = BytesStart::new("image").with_attributes([
        ("version", "0.0.6"),
        ("w", width.as_str()),
        ("h", height.as_str()),
    ]);
    writer.write_event(Event::Start(image))?;
    writer.write_event(Event::Start(BytesStart::new("stack")))?;
    // Top first.
    for (index, placed) in layers.iter().enumerate().rev() {
        let layer = placed.layer;
        let name: String = layer.name.chars().filter(|c| !c.is_control()).collect();
        let x = (placed.rect.x - content.frame.x).to_string();
        let y = (placed.rect.y - content.frame.y).to_string();
        let opacity = layer.opacity.clamp(0.0, 1.0).to_string();
        let visibility = if layer.is_visible {
            "visible"
        } else {
            "hidden"
        };
        let source = layer_name(index);
        let mut element = BytesStart::new("layer").with_attributes([
            ("name", name.as_str()),
            ("src", source.as_str()),
            ("x", x.as_str()),
            ("y", y.as_str()),
            ("opacity", opacity.as_str()),
            ("visibility", visibility),
            ("composite-op", layer.blend.composite_op()),
        ]);
        if content.selected == Some(layer.id) {
            element.push_attribute(("selected", "true"));
        }
        writer.write_event(Event::Empty(element))?;
    }
    writer.write_event(Event::End(BytesEnd::new("stack")))?;
    writer.write_event(Event::End(BytesEnd::new("image")))?;
    Ok(writer.into_inner())
}

/// A small picture, made of means as the rows of the large one go by.
struct Thumbnail {
    size: (u32, u32),
    of: (u32, u32),
    /// Colours times alpha, alpha, and how many pixels: sums.
    sums: Vec<[u64; 5]>,
    n_rows: u32,
}

impl Thumbnail {
    fn new(of: (u32, u32)) -> Self {
        let longer = of.0.max(of.1).max(1);
        let limit = longer.min(LIMIT_THUMBNAIL_PX);
        let side = |side: u32| (u64::from(side) * u64::from(limit) / u64::from(longer)).max(1);
        let size = (side(of.0) as u32, side(of.1) as u32);
        Self {
            size,
            of,
            sums: vec![[0; 5]; (size.0 * size.1) as usize],
            n_rows: 0,
        }
    }

    /// Takes the next rows.
    fn add(&mut self, rows: &[[u8; 4]]) {
        for row in rows.chunks_exact(self.of.0.max(1) as usize) {
            let y = u64::from(self.n_rows) * u64::from(self.size.1) / u64::from(self.of.1.max(1));
            for (x, [red, green, blue, alpha]) in row.iter().enumerate() {
                let x = x as u64 * u64::from(self.size.0) / u64::from(self.of.0.max(1));
                let sum = &mut self.sums[(y * u64::from(self.size.0) + x) as usize];
                let alpha = u64::from(*alpha);
                for (sum, value) in sum.iter_mut().zip([red, green, blue]) {
                    *sum += u64::from(*value) * alpha;
                }
                sum[3] += alpha;
                sum[4] += 1;
            }
            self.n_rows += 1;
        }
    }

    fn finish(self) -> ((u32, u32), Vec<[u8; 4]>) {
        let pixels = self.sums.iter().map(|[red, green, blue, alpha, n]| {
            let mean = |sum: &u64| (sum + alpha / 2).checked_div(*alpha).unwrap_or(0) as u8;
            let alpha = alpha.checked_div(*n).unwrap_or(0) as u8;
            [mean(red), mean(green), mean(blue), alpha]
        });
        (self.size, pixels.collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;
    use crate::document::tiles::Tiles;
    use crate::document::{BlendMode, Layer, LayerKind, PatchSource};
    use crate::gallery::PictureId;
    use crate::import;
    use limn_engine::PixelRect;

    /// A picture in a frame that grew to the left, a hidden layer, a patch and an empty sketch.
    fn content() -> Content {
        let mut content = Content::default();
        let paper = PixelRect::from_size(300, 280);
        content.set_base_picture(
            "Paper",
            (300, 280),
            &vec![[200, 180, 160, 255]; 84_000],
            None,
        );
        content.frame = PixelRect::new(-20, 0, 320, 280);
        let mut hidden = Layer::picture(
            "Draft <1> & \"2\"\u{7}",
            paper,
            &vec![[0, 90, 0, 255]; 84_000],
        );
        hidden.is_visible = false;
        hidden.offset = (-40, 30);
        content.add_layer(hidden);
        let rect = PixelRect::new(250, 250, 30, 20);
        let (mut pixels, mut mask) = (Tiles::default(), Tiles::default());
        pixels.write(rect, &[[255, 0, 0, 255]; 600]);
        mask.write(rect, &[128; 600]);
        let source = PatchSource {
            run: Uuid::nil(),
            picture: PictureId::new(),
        };
        let kind = LayerKind::Patch {
            pixels,
            mask,
            source,
        };
        let mut patch = Layer::new("Boat", kind);
        patch.opacity = 0.5;
        patch.blend = BlendMode::Multiply;
        content.add_layer(patch);
        content.add_layer(Layer::sketch("Sketch"));
        content
    }

    #[test]
    fn what_is_exported_is_opened_with_the_same_layers() {
        let content = content();
        let source_type = Some(marking::COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA);
        let file = encode_open_raster(&content, source_type).unwrap();
        // Where programs look for it.
        assert_eq!(&file[30..54], b"mimetypeimage/openraster");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boat.ora");
        std::fs::write(&path, &file).unwrap();
        let layered = import::ora::open(&path).unwrap().unwrap();
        assert_eq!(layered.size, (320, 280));
        assert_eq!(layered.notes, []);
        let facts: Vec<_> = layered
            .layers
            .iter()
            .map(|layer| {
                let size = layer.pixels.dimensions();
                (
                    layer.name.as_str(),
                    layer.offset,
                    size,
                    (layer.opacity, layer.blend),
                    layer.is_visible,
                )
            })
            .collect();
        assert_eq!(
            facts,
            [
                ("Paper", (20, 0), (300, 280), (1.0, BlendMode::Normal), true),
                (
                    "Draft <1> & \"2\"",
                    (-20, 30),
                    (300, 280),
                    (1.0, BlendMode::Normal),
                    false
                ),
                (
                    "Boat",
                    (270, 250),
                    (30, 20),
                    (0.5, BlendMode::Multiply),
                    true
                ),
                ("Sketch", (0, 0), (1, 1), (1.0, BlendMode::Normal), true),
            ]
        );
        // A patch shows only what its mask shows.
        assert_eq!(layered.layers[2].pixels.get_pixel(0, 0).0, [255, 0, 0, 128]);

        let merged = import::open(&path).unwrap();
        assert_eq!(merged.source_type.as_deref(), source_type);
        let expected = content.composite(content.frame);
        assert_eq!(merged.pixels.as_raw().as_chunks::<4>().0, expected);
    }

    #[test]
    fn thumbnails_are_small_and_keep_their_shape() {
        for (of, expected) in [
            ((1024, 512), (256, 128)),
            ((10, 20), (10, 20)),
            ((5000, 1), (256, 1)),
        ] {
            let mut thumbnail = Thumbnail::new(of);
            thumbnail.add(&vec![[9, 8, 7, 255]; (of.0 * of.1) as usize]);
            let (size, pixels) = thumbnail.finish();
            assert_eq!(size, expected);
            assert!(
                pixels.iter().all(|pixel| *pixel == [9, 8, 7, 255]),
                "{of:?}"
            );
        }
    }
}
