//! Copies of pictures for elsewhere: PNG, JPEG or WebP, in sRGB and always with the mark that they were
//! made by AI. Marks that a picture from elsewhere already has stay as they are.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{ImageEncoder, RgbImage, RgbaImage};
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::{Png, PngChunk};
use img_parts::riff::{RiffChunk, RiffContent};
use img_parts::webp::{CHUNK_XMP, WebP};
use img_parts::{Bytes, ImageICC};

use super::error::{Error, Result};
use super::layout::{FileKind, PictureId};
use super::marking::{self, JPEG_PREFIX};
use super::picture_file::{self, Header, PARAMETERS_KEYWORD, RECIPE_KEYWORD};
use super::store::Gallery;
use crate::files::{Existing, write_atomically};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Png,
    /// Quality from 1 to 100. Transparent parts become white.
    Jpeg {
        quality: u8,
    },
    /// Lossless.
    WebP,
}

pub const DEFAULT_JPEG_QUALITY: u8 = 92;

impl Format {
    /// The format that a file name asks for; `None` for an ending that Limn does not write.
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg {
                quality: DEFAULT_JPEG_QUALITY,
            }),
            "webp" => Some(Self::WebP),
            _ => None,
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg { .. } => "jpg",
            Self::WebP => "webp",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportOptions {
    pub format: Format,
    /// Whether a PNG keeps the recipe: prompt, seed, model.
    pub with_recipe: bool,
    pub existing: Existing,
}

impl Gallery {
    /// Writes a copy of a picture.
    ///
    /// # Errors
    /// [`Error::Exists`] if the name is taken and may not be replaced; [`Error::Unreadable`] for a
    /// damaged picture.
    pub fn export(&self, id: PictureId, path: &Path, options: ExportOptions) -> Result<()> {
        let source = self.file(id)?;
        let copy = convert(&source, options).map_err(|reason| Error::Unreadable {
            path: self.path(id),
            reason,
        })?;
        write_atomically(&*self.fs, path, &copy, options.existing).map_err(|error| {
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                Error::Exists {
                    path: path.to_owned(),
                }
            } else {
                Error::io("export the picture", path, error)
            }
        })
    }
}

/// Makes the bytes of a copy from those of a gallery's file.
///
/// # Errors
/// The reason, if the picture cannot be read or the format cannot hold it.
pub fn convert(source: &[u8], options: ExportOptions) -> Result<Vec<u8>, String> {
    let header = picture_file::read_header(source)?;
    // A damaged picture is not passed on, and a JPEG or WebP needs the pixels anyway.
    let pixels = picture_file::pixels(source)?;
    match options.format {
        Format::Png if is_kept(source, &header, options) => {
            to_png(source, &header, options.with_recipe)
        }
        Format::Png => to_png(&picture_file::encode_plain_png(&pixels)?, &header, false),
        Format::Jpeg { quality } => to_jpeg(&pixels, &header, quality),
        Format::WebP => to_webp(&pixels, &header),
    }
}

/// Makes a file of a picture that was drawn from others, with what it says of itself.
///
/// # Errors
/// The reason, if the format cannot hold it.
pub(super) fn encode(
    pixels: &RgbImage,
    xmp: Option<String>,
    format: Format,
) -> Result<Vec<u8>, String> {
    let pixels = image::DynamicImage::from(pixels.clone()).into_rgba8();
    let file = picture_file::encode_plain_png(&pixels)?;
    let header = Header {
        xmp,
        ..picture_file::read_header(&file)?
    };
    match format {
        Format::Png => to_png(&file, &header, false),
        Format::Jpeg { quality } => to_jpeg(&pixels, &header, quality),
        Format::WebP => to_webp(&pixels, &header),
    }
}

/// Whether a PNG may go out as the file that it is: other programs hide their recipes in more places than one.
fn is_kept(source: &[u8], header: &Header, options: ExportOptions) -> bool {
    FileKind::of(source) == Some(FileKind::Png) && (options.with_recipe || header.recipe.is_some())
}

/// The XMP packet of a copy: the picture's own where it has a mark or Limn did not make it.
pub(super) fn xmp_for(header: &Header) -> Option<String> {
    match (&header.xmp, &header.recipe) {
        (Some(xmp), _) if marking::source_type(xmp).is_some() => Some(xmp.clone()),
        (_, Some(recipe)) => recipe.digital_source_type().map(marking::xmp_packet),
        (xmp, None) => xmp.clone(),
    }
}

/// The same file with fewer or more chunks: pixels, profiles and foreign marks stay byte for byte.
fn to_png(source: &[u8], header: &Header, with_recipe: bool) -> Result<Vec<u8>, String> {
    let mut png =
        Png::from_bytes(Bytes::copy_from_slice(source)).map_err(|error| error.to_string())?;
    if !with_recipe {
        png.chunks_mut().retain(|chunk| {
            ![RECIPE_KEYWORD, PARAMETERS_KEYWORD]
                .iter()
                .any(|keyword| has_keyword(chunk, keyword))
        });
    }
    let mut new_chunks = Vec::new();
    let colours = [*b"sRGB", *b"iCCP", *b"cICP", *b"gAMA"];
    if !colours
        .iter()
        .any(|kind| png.chunk_by_type(*kind).is_some())
    {
        // Rendering intent 0, perceptual.
        new_chunks.push(PngChunk::new(*b"sRGB", Bytes::from_static(&[0])));
    }
    let xmp = xmp_for(header);
    let has_xmp = png
        .chunks()
        .iter()
        .any(|chunk| has_keyword(chunk, marking::PNG_KEYWORD));
    if xmp != header.xmp || !has_xmp {
        png.chunks_mut()
            .retain(|chunk| !has_keyword(chunk, marking::PNG_KEYWORD));
        if let Some(xmp) = xmp {
            // Keyword, no compression, no language, no translated keyword.
            let text = [marking::PNG_KEYWORD.as_bytes(), &[0; 5], xmp.as_bytes()].concat();
            new_chunks.push(PngChunk::new(*b"iTXt", text.into()));
        }
    }
    // Straight after the header: before the palette and the pixels.
    png.chunks_mut().splice(1..1, new_chunks);
    Ok(png.encoder().bytes().to_vec())
}

fn has_keyword(chunk: &PngChunk, keyword: &str) -> bool {
    matches!(&chunk.kind(), b"tEXt" | b"zTXt" | b"iTXt")
        && chunk
            .contents()
            .strip_prefix(keyword.as_bytes())
            .is_some_and(|rest| rest.first() == Some(&0))
}

fn to_jpeg(pixels: &RgbaImage, header: &Header, quality: u8) -> Result<Vec<u8>, String> {
    /// What one segment holds.
    const LIMIT_XMP_BYTES: usize = 65_533 - JPEG_PREFIX.len();
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality.clamp(1, 100))
        .encode_image(&flatten(pixels, [255; 3]))
        .map_err(|error| error.to_string())?;
    let mut jpeg = Jpeg::from_bytes(file.into()).map_err(|error| error.to_string())?;
    if let Some(mut xmp) = xmp_for(header) {
        if xmp.len() > LIMIT_XMP_BYTES {
            // Of a packet that is too long for a JPEG only the mark goes along.
            xmp = marking::source_type(&xmp)
                .map(marking::xmp_packet)
                .unwrap_or_default();
        }
        let contents = [JPEG_PREFIX, xmp.as_bytes()].concat();
        // After APP0, which must be first.
        let segment = JpegSegment::new_with_contents(markers::APP1, contents.into());
        jpeg.segments_mut().insert(1, segment);
    }
    jpeg.set_icc_profile(Some(srgb_profile()?));
    Ok(jpeg.encoder().bytes().to_vec())
}

fn to_webp(pixels: &RgbaImage, header: &Header) -> Result<Vec<u8>, String> {
    let mut file = Cursor::new(Vec::new());
    let encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut file);
    let (width, height) = pixels.dimensions();
    let is_opaque = pixels.pixels().all(|pixel| pixel[3] == 255);
    let encoded = if is_opaque {
        let rgb = flatten(pixels, [255; 3]);
        encoder.write_image(&rgb, width, height, image::ExtendedColorType::Rgb8)
    } else {
        encoder.write_image(pixels, width, height, image::ExtendedColorType::Rgba8)
    };
    encoded.map_err(|error| error.to_string())?;
    let mut webp = WebP::from_bytes(file.into_inner().into()).map_err(|error| error.to_string())?;
    if let Some(xmp) = xmp_for(header) {
        webp.chunks_mut()
            .push(RiffChunk::new(CHUNK_XMP, RiffContent::Data(xmp.into())));
    }
    // Makes the extended header too, whose flags tell of profile and XMP: so it comes last.
    webp.set_icc_profile(Some(srgb_profile()?));
    Ok(webp.encoder().bytes().to_vec())
}

fn srgb_profile() -> Result<Bytes, String> {
    let profile = moxcms::ColorProfile::new_srgb()
        .encode()
        .map_err(|error| error.to_string())?;
    Ok(profile.into())
}

/// Straight alpha over one colour.
pub(super) fn flatten(pixels: &RgbaImage, background: [u8; 3]) -> RgbImage {
    let mut rgb = RgbImage::new(pixels.width(), pixels.height());
    for (to, from) in rgb.pixels_mut().zip(pixels.pixels()) {
        let alpha = u32::from(from[3]);
        for channel in 0..3 {
            let mixed =
                u32::from(from[channel]) * alpha + u32::from(background[channel]) * (255 - alpha);
            to[channel] = ((mixed + 127) / 255) as u8;
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use image::ImageDecoder;

    use super::super::recipe::tests::recipe;
    use super::*;

    const ALL: [Format; 3] = [Format::Png, Format::Jpeg { quality: 90 }, Format::WebP];

    fn saved(prompt: &str) -> (RgbImage, Vec<u8>) {
        let pixels = RgbImage::from_fn(48, 32, |x, y| image::Rgb([x as u8 * 5, y as u8 * 8, 90]));
        let file = picture_file::encode_png(&pixels, &recipe(prompt, 1, (48, 32))).unwrap();
        (pixels, file)
    }

    fn options(format: Format, with_recipe: bool) -> ExportOptions {
        ExportOptions {
            format,
            with_recipe,
            existing: Existing::Keep,
        }
    }

    /// What another program reads from a file: pixels, XMP, colour profile, through `image`'s decoders.
    fn read_elsewhere(file: &[u8]) -> (RgbImage, Option<String>, Option<Vec<u8>>) {
        let reader = image::ImageReader::new(Cursor::new(file))
            .with_guessed_format()
            .unwrap();
        let mut decoder = reader.into_decoder().unwrap();
        let xmp = decoder
            .xmp_metadata()
            .unwrap()
            .map(|xmp| String::from_utf8(xmp).unwrap());
        let profile = decoder.icc_profile().unwrap();
        let pixels = image::DynamicImage::from_decoder(decoder)
            .unwrap()
            .into_rgb8();
        (pixels, xmp, profile)
    }

    /// T15: the mark is in the file of every save and every export, with and without the recipe.
    #[test]
    fn every_way_out_is_marked() {
        for prompt in [
            "a red sailboat",
            "caf\u{e9}",
            "ein Boot \u{1f6a4}",
            "<x:xmpmeta> ]]> &amp;",
            "",
        ] {
            let (pixels, file) = saved(prompt);
            let exports = ALL
                .iter()
                .flat_map(|format| [(*format, true), (*format, false)]);
            let files = exports.map(|(format, with_recipe)| {
                (
                    format,
                    convert(&file, options(format, with_recipe)).unwrap(),
                )
            });
            for (format, copy) in files.chain([(Format::Png, file.clone())]) {
                let (read, xmp, profile) = read_elsewhere(&copy);
                let source_type = marking::source_type(xmp.as_deref().unwrap());
                assert_eq!(
                    source_type,
                    Some(marking::TRAINED_ALGORITHMIC_MEDIA),
                    "{format:?}"
                );
                let has_srgb = profile.is_some() || copy.windows(4).any(|window| window == b"sRGB");
                assert!(has_srgb, "{format:?} says that it is sRGB");
                if !matches!(format, Format::Jpeg { .. }) {
                    assert_eq!(read, pixels, "{format:?} is lossless");
                }
            }
        }
    }

    #[test]
    fn the_recipe_stays_or_goes() {
        for prompt in ["a red sailboat", "ein Boot \u{1f6a4}"] {
            let (_, file) = saved(prompt);
            let with = convert(&file, options(Format::Png, true)).unwrap();
            assert_eq!(with, file, "nothing changes");
            let header = picture_file::read_header(&with).unwrap();
            assert_eq!(header.recipe.unwrap().prompt, prompt);
            assert!(header.parameters.unwrap().starts_with(prompt));
            for format in ALL {
                let without = convert(&file, options(format, false)).unwrap();
                let says = |text: &str| without.windows(text.len()).any(|w| w == text.as_bytes());
                assert!(
                    !says(prompt) && !says("Seed"),
                    "{format:?} keeps the prompt private"
                );
            }
        }
    }

    #[test]
    fn foreign_marks_stay_as_they_are() {
        let composite =
            "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";
        let foreign =
            format!("<x Iptc4xmpExt:DigitalSourceType=\"{composite}\" dc:creator=\"Ada\"/>");
        let photo = "<x dc:creator=\"Ada\"/>".to_owned();
        for xmp in [foreign, photo] {
            let mut file = Vec::new();
            let mut info = png::Info::with_size(4, 4);
            info.color_type = png::ColorType::Rgb;
            info.utf8_text.push(png::text_metadata::ITXtChunk::new(
                marking::PNG_KEYWORD,
                xmp.clone(),
            ));
            let mut writer = png::Encoder::with_info(&mut file, info)
                .unwrap()
                .write_header()
                .unwrap();
            writer.write_image_data(&[9; 48]).unwrap();
            writer.finish().unwrap();
            for format in ALL {
                let copy = convert(&file, options(format, true)).unwrap();
                assert_eq!(read_elsewhere(&copy).1, Some(xmp.clone()), "{format:?}");
            }
        }
    }

    #[test]
    fn transparent_parts_stay_or_become_white() {
        let mut file = Cursor::new(Vec::new());
        RgbaImage::from_pixel(4, 4, image::Rgba([10, 20, 30, 0]))
            .write_to(&mut file, image::ImageFormat::Png)
            .unwrap();
        let file = file.into_inner();
        let webp = convert(&file, options(Format::WebP, true)).unwrap();
        assert_eq!(
            image::load_from_memory(&webp).unwrap().into_rgba8()[(0, 0)][3],
            0
        );
        let jpeg = convert(&file, options(Format::Jpeg { quality: 95 }, true)).unwrap();
        assert_eq!(
            image::load_from_memory(&jpeg).unwrap().into_rgb8()[(0, 0)],
            image::Rgb([255; 3])
        );
        assert_eq!(
            read_elsewhere(&jpeg).1,
            None,
            "Limn did not make it and does not say so"
        );
    }

    #[test]
    fn an_export_replaces_nothing_unasked() {
        let home = tempfile::tempdir().unwrap();
        let [pictures, indexes, thumbnails] =
            ["pictures", "indexes", "thumbnails"].map(|name| home.path().join(name));
        let mut gallery = Gallery::open(&pictures, &indexes, &thumbnails).unwrap();
        let id = gallery
            .save(&RgbImage::new(8, 8), &recipe("a", 1, (8, 8)))
            .unwrap()
            .id;
        let path = home.path().join("copy.jpg");
        std::fs::write(&path, b"mine").unwrap();
        let mut options = options(Format::from_path(&path).unwrap(), true);
        let error = gallery.export(id, &path, options).unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
        options.existing = Existing::Replace;
        gallery.export(id, &path, options).unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(&[0xff, 0xd8]));
        assert_eq!(
            std::fs::read_dir(home.path()).unwrap().count(),
            3,
            "no temporary file stays"
        );
    }
}
