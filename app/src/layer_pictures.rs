//! Small pictures of layers: made in a thread of their own from tiles that are shared with the document, and
//! made again when a layer has changed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use egui::{Color32, ColorImage, Context, TextureHandle, TextureOptions};
use limn_engine::PixelRect;

use crate::document::tiles::TileIndex;
use crate::document::{Layer, LayerId};

/// Of the longer side of a small picture, in pixels.
const SIDE: u32 = 96;
/// Looks for each pixel of it, along each side.
const SAMPLES: u32 = 3;
/// Of layers that are not looked at any more, so many are kept.
const KEPT: usize = 64;

/// Which small picture of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LayerPart {
    /// What it shows by itself.
    Picture,
    /// How much of a patch shows, white where all of it does.
    Mask,
}

/// What the panel has and wants.
#[derive(Default)]
pub struct LayerPictures {
    entries: HashMap<(LayerId, LayerPart), Entry>,
    wanted: Vec<LayerPictureJob>,
    frame: u64,
}

#[derive(Default)]
struct Entry {
    /// Of the picture that is there.
    fingerprint: Option<u64>,
    texture: Option<TextureHandle>,
    is_being_made: bool,
    last_used: u64,
}

/// Carry it out on another thread, and hand the result to [`LayerPictures::made`].
pub struct LayerPictureJob {
    layer: Layer,
    part: LayerPart,
    frame: PixelRect,
    fingerprint: u64,
}

pub struct MadeLayerPicture {
    layer: LayerId,
    part: LayerPart,
    fingerprint: u64,
    image: ColorImage,
}

impl LayerPictures {
    /// The layer's picture, perhaps of a moment ago; `None` until there is one. A layer that has changed is asked
    /// for again, one picture at a time.
    pub fn get(
        &mut self,
        layer: &Layer,
        part: LayerPart,
        frame: PixelRect,
    ) -> Option<&TextureHandle> {
        let fingerprint = fingerprint(layer, frame);
        let entry = self.entries.entry((layer.id, part)).or_default();
        entry.last_used = self.frame;
        if entry.fingerprint != Some(fingerprint) && !entry.is_being_made {
            entry.is_being_made = true;
            self.wanted.push(LayerPictureJob {
                layer: layer.clone(),
                part,
                frame,
                fingerprint,
            });
        }
        entry.texture.as_ref()
    }

    /// Whether something was looked for in vain: [`Self::take_wanted`] tells.
    pub fn are_wanted(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// What was looked for since the last call and is not there.
    pub fn take_wanted(&mut self) -> Vec<LayerPictureJob> {
        self.frame += 1;
        if self.entries.len() > KEPT {
            let last = self.frame - 1;
            self.entries.retain(|_, entry| entry.last_used >= last);
        }
        std::mem::take(&mut self.wanted)
    }

    pub fn made(&mut self, ctx: &Context, made: MadeLayerPicture) {
        let Some(entry) = self.entries.get_mut(&(made.layer, made.part)) else {
            return;
        };
        entry.is_being_made = false;
        entry.fingerprint = Some(made.fingerprint);
        match &mut entry.texture {
            Some(texture) => texture.set(made.image, TextureOptions::LINEAR),
            None => {
                let texture = ctx.load_texture("layer", made.image, TextureOptions::LINEAR);
                entry.texture = Some(texture);
            }
        }
    }
}

impl LayerPictureJob {
    pub fn carry_out(self) -> MadeLayerPicture {
        MadeLayerPicture {
            layer: self.layer.id,
            part: self.part,
            fingerprint: self.fingerprint,
            image: small_picture(&self.layer, self.part, self.frame),
        }
    }
}

/// Differs when the layer's picture does.
fn fingerprint(layer: &Layer, frame: PixelRect) -> u64 {
    let mut hasher = DefaultHasher::new();
    frame.hash(&mut hasher);
    layer.offset.hash(&mut hasher);
    layer.pixels().revision().hash(&mut hasher);
    let mask = layer.patch_mask();
    mask.map(crate::document::tiles::Tiles::revision)
        .hash(&mut hasher);
    hasher.finish()
}

/// A part of the layer where it covers the frame.
fn small_picture(layer: &Layer, of: LayerPart, frame: PixelRect) -> ColorImage {
    let part = covered(layer, frame);
    if part.is_empty() {
        return ColorImage::filled([1, 1], Color32::TRANSPARENT);
    }
    let longest = part.width.max(part.height);
    let scale = (f64::from(SIDE) / f64::from(longest)).min(1.0);
    let side = |pixels: u32| ((f64::from(pixels) * scale).round() as u32).max(1);
    let (width, height) = (side(part.width), side(part.height));
    let place = |i: u32, n: u32, length: u32| {
        let middle = (f64::from(i) + 0.5) / f64::from(n);
        ((middle * f64::from(length)) as u32).min(length - 1) as i32
    };
    let mut pixels = Vec::with_capacity((width * height) as usize);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0_u32; 4];
            for row in 0..SAMPLES {
                for column in 0..SAMPLES {
                    let at_x = place(x * SAMPLES + column, width * SAMPLES, part.width);
                    let at_y = place(y * SAMPLES + row, height * SAMPLES, part.height);
                    let (at_x, at_y) = (part.x + at_x, part.y + at_y);
                    let colour = match of {
                        LayerPart::Picture => colour_at(layer, at_x, at_y),
                        LayerPart::Mask => Color32::from_gray(coverage_at(layer, at_x, at_y)),
                    };
                    for (sum, value) in sum.iter_mut().zip(colour.to_array()) {
                        *sum += u32::from(value);
                    }
                }
            }
            let [red, green, blue, alpha] = sum.map(|sum| (sum / (SAMPLES * SAMPLES)) as u8);
            pixels.push(Color32::from_rgba_premultiplied(red, green, blue, alpha));
        }
    }
    ColorImage::new([width as usize, height as usize], pixels)
}

fn colour_at(layer: &Layer, x: i32, y: i32) -> Color32 {
    let mask = coverage_at(layer, x, y);
    let (x, y) = (x - layer.offset.0, y - layer.offset.1);
    let [red, green, blue, alpha] = layer.pixels().pixel(x, y);
    let alpha = u32::from(alpha) * u32::from(mask) / 255;
    Color32::from_rgba_unmultiplied(red, green, blue, alpha as u8)
}

fn coverage_at(layer: &Layer, x: i32, y: i32) -> u8 {
    let (x, y) = (x - layer.offset.0, y - layer.offset.1);
    layer.patch_mask().map_or(255, |mask| mask.pixel(x, y))
}

/// Whole tiles; a patch by its mask, because its pixels go further than what is seen.
fn covered(layer: &Layer, frame: PixelRect) -> PixelRect {
    let union = |all: PixelRect, index: TileIndex| all.union(&index.rect());
    let tiles = match layer.patch_mask() {
        Some(mask) => mask
            .iter()
            .map(|(index, _)| index)
            .fold(PixelRect::default(), union),
        None => layer
            .pixels()
            .iter()
            .map(|(index, _)| index)
            .fold(PixelRect::default(), union),
    };
    tiles
        .translate(layer.offset.0, layer.offset.1)
        .intersect(&frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::LayerKind;
    use crate::document::tiles::Tiles;

    #[test]
    fn a_small_picture_shows_what_the_layer_shows() {
        let frame = PixelRect::from_size(1000, 500);
        let mut pixels = Tiles::default();
        pixels.write(frame, &vec![[200, 100, 50, 255]; 500_000]);
        let picture = Layer::new(
            "Picture",
            LayerKind::Picture {
                pixels: pixels.clone(),
                original: None,
            },
        );
        let image = small_picture(&picture, LayerPart::Picture, frame);
        assert_eq!(image.size, [96, 48]);
        assert_eq!(image[(95, 47)], Color32::from_rgb(200, 100, 50));
        // Of a patch only what its mask shows.
        let mut mask = Tiles::default();
        mask.write(PixelRect::new(512, 256, 128, 244), &vec![255; 128 * 244]);
        let patch = Layer::new(
            "Patch",
            LayerKind::Patch {
                pixels,
                mask,
                source: crate::document::PatchSource {
                    run: uuid::Uuid::nil(),
                    picture: crate::gallery::PictureId::new(),
                },
            },
        );
        let image = small_picture(&patch, LayerPart::Picture, frame);
        assert_eq!(image[(0, 10)], Color32::from_rgb(200, 100, 50));
        let right = image.size[0] - 1;
        assert_eq!(image[(right, 10)], Color32::TRANSPARENT);
        let shown = small_picture(&patch, LayerPart::Mask, frame);
        assert_eq!(shown.size, image.size, "they lie beside each other");
        assert_eq!(shown[(0, 10)], Color32::WHITE);
        assert_eq!(shown[(right, 10)], Color32::BLACK);
        let empty = small_picture(&Layer::sketch("Sketch"), LayerPart::Picture, frame);
        assert_eq!(empty.size, [1, 1]);
    }

    #[test]
    fn a_picture_is_wanted_once_for_each_change() {
        let frame = PixelRect::from_size(64, 64);
        let mut pictures = LayerPictures::default();
        let mut layer = Layer::picture("Picture", frame, &[[9; 4]; 64 * 64]);
        let ctx = Context::default();
        assert!(pictures.get(&layer, LayerPart::Picture, frame).is_none());
        assert!(pictures.get(&layer, LayerPart::Picture, frame).is_none());
        let mut jobs = pictures.take_wanted();
        assert_eq!(jobs.len(), 1);
        pictures.made(&ctx, jobs.remove(0).carry_out());
        assert!(pictures.get(&layer, LayerPart::Picture, frame).is_some());
        assert!(pictures.take_wanted().is_empty());
        layer
            .pixels_mut()
            .write(PixelRect::from_size(1, 1), &[[7; 4]]);
        assert!(
            pictures.get(&layer, LayerPart::Picture, frame).is_some(),
            "the old one stays"
        );
        assert_eq!(pictures.take_wanted().len(), 1);
    }
}
