//! What a font has for a character, and how pictures of emoji and the box for the unknown are drawn.

use std::io::Cursor;

use egui::epaint::text::{FontData, GlyphBitmap, RasterizedGlyph};
use egui::{Color32, ColorImage, vec2};
use harfrust::{ShapeOptions, ShaperData, UnicodeBuffer};
use image::imageops::{FilterType, resize};
use image::{ImageFormat, ImageReader, Limits, RgbaImage};
use skrifa::bitmap::{BitmapData, BitmapGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};

/// Larger pictures of one character are not decoded.
const MAX_PICTURE_SIDE: u32 = 1024;
/// Larger ones do not fit into egui's atlas beside others.
const MAX_DRAWN_SIDE: f32 = 512.0;

/// Whether the font says that it has `c`, whatever it then draws.
pub(super) fn claims(font: &FontData, c: char) -> bool {
    glyph(font, c).is_some()
}

/// Whether the font has lines to fill for `c`. Fonts of emoji often have empty ones beside their pictures.
pub(super) fn has_outline(font: &FontData, c: char) -> bool {
    let Some((font, glyph)) = glyph(font, c) else {
        return false;
    };
    let Some(outline) = font.outline_glyphs().get(glyph) else {
        return false;
    };
    let settings = DrawSettings::unhinted(Size::new(16.0), LocationRef::default());
    let mut ink = Ink(c.is_whitespace());
    outline.draw(settings, &mut ink).is_ok() && ink.0
}

/// Whether the font has a picture for `c` that can be read.
pub(super) fn has_picture(font: &FontData, c: char) -> bool {
    bitmap(font, c, Size::unscaled())
        .is_some_and(|bitmap| matches!(bitmap.data, BitmapData::Png(_)))
}

/// The picture that the font has for `c`, at the size of the text.
pub(super) fn picture(font: &FontData, c: char, font_size_px: f32) -> Option<RasterizedGlyph> {
    draw(&bitmap(font, c, Size::new(font_size_px))?, font_size_px)
}

/// The one picture that the font has for characters that are joined: a family, a flag, a tone of skin.
pub(super) fn joined(font: &FontData, cluster: &str, font_size_px: f32) -> Option<RasterizedGlyph> {
    let font = FontRef::from_index(font.bytes(), font.index).ok()?;
    let data = ShaperData::new(&font);
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(cluster);
    buffer.guess_segment_properties();
    let shaped = data
        .shaper(&font)
        .build()
        .shape(buffer, ShapeOptions::new());
    let strikes = font.bitmap_strikes();
    if shaped.glyph_infos().iter().any(|info| info.glyph_id == 0) {
        return None;
    }
    let drawn = shaped.glyph_infos().iter();
    let drawn =
        drawn.map(|info| strikes.glyph_for_size(Size::new(font_size_px), info.glyph_id.into()));
    // What selects a presentation draws nothing.
    let mut drawn = drawn.flatten();
    let bitmap = drawn.next()?;
    let is_one = drawn.next().is_none();
    is_one.then(|| draw(&bitmap, font_size_px)).flatten()
}

fn draw(bitmap: &BitmapGlyph<'_>, font_size_px: f32) -> Option<RasterizedGlyph> {
    // Fonts disagree about where their pictures stand; in all of them they reach a fifth below the line.
    const DESCENT: f32 = 0.2;
    let BitmapData::Png(png) = bitmap.data else {
        return None;
    };
    let mut reader = ImageReader::with_format(Cursor::new(png), ImageFormat::Png);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_PICTURE_SIDE);
    limits.max_image_height = Some(MAX_PICTURE_SIDE);
    reader.limits(limits);
    let mut picture = reader.decode().ok()?.into_rgba8();
    premultiply(&mut picture);
    let scale = font_size_px / bitmap.ppem_y;
    if !scale.is_finite() {
        return None;
    }
    let side = |pixels: u32| (pixels as f32 * scale).round().clamp(1.0, MAX_DRAWN_SIDE);
    let (width, height) = (side(picture.width()), side(picture.height()));
    let picture = resize(&picture, width as u32, height as u32, FilterType::Triangle);
    let pixels = picture.pixels().map(|pixel| {
        let [red, green, blue, alpha] = pixel.0;
        Color32::from_rgba_premultiplied(red, green, blue, alpha)
    });
    Some(RasterizedGlyph {
        bitmap: GlyphBitmap {
            image: ColorImage::new([width as usize, height as usize], pixels.collect()),
            offset_px: vec2(0.0, (DESCENT * font_size_px).round() - height),
            is_color: true,
        },
        advance_px: width,
    })
}

/// A box that stands for what no font has.
pub(super) fn replacement(font_size_px: f32) -> RasterizedGlyph {
    let part = |of_size: f32, least: f32| (of_size * font_size_px).round().max(least) as usize;
    let (width, height) = (part(0.55, 4.0), part(0.73, 5.0));
    let line = part(0.07, 1.0);
    let gap = part(0.08, 1.0) as f32;
    let mut image = ColorImage::filled([width, height], Color32::WHITE);
    for y in line..height.saturating_sub(line) {
        for x in line..width.saturating_sub(line) {
            image[(x, y)] = Color32::TRANSPARENT;
        }
    }
    RasterizedGlyph {
        bitmap: GlyphBitmap {
            image,
            offset_px: vec2(gap, -(height as f32)),
            is_color: false,
        },
        advance_px: width as f32 + 2.0 * gap,
    }
}

/// `None` where the file is no font or lacks the character.
fn glyph(font: &FontData, c: char) -> Option<(FontRef<'_>, GlyphId)> {
    let index = font.index;
    let font = FontRef::from_index(font.bytes(), index).ok()?;
    let glyph = font.charmap().map(c)?;
    (glyph != GlyphId::NOTDEF).then_some((font, glyph))
}

fn bitmap(font: &FontData, c: char, size: Size) -> Option<BitmapGlyph<'_>> {
    let (font, glyph) = glyph(font, c)?;
    font.bitmap_strikes().glyph_for_size(size, glyph)
}

fn premultiply(picture: &mut RgbaImage) {
    for pixel in picture.pixels_mut() {
        let [red, green, blue, alpha] = pixel.0;
        let times_alpha = |value: u8| (u16::from(value) * u16::from(alpha) / 255) as u8;
        pixel.0 = [
            times_alpha(red),
            times_alpha(green),
            times_alpha(blue),
            alpha,
        ];
    }
}

/// Whether anything is drawn.
struct Ink(bool);

impl OutlinePen for Ink {
    fn move_to(&mut self, _: f32, _: f32) {}

    fn line_to(&mut self, _: f32, _: f32) {
        self.0 = true;
    }

    fn quad_to(&mut self, _: f32, _: f32, _: f32, _: f32) {
        self.0 = true;
    }

    fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, _: f32, _: f32) {
        self.0 = true;
    }

    fn close(&mut self) {}
}
