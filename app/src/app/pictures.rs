//! Brings pictures from wherever they are to the textures that panels look for: decoding in the gallery's
//! thread, conversion in a thread of its own, never in `ui`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use egui::{ColorImage, Vec2, vec2};
use image::{RgbImage, RgbaImage};

use super::{App, thread};
use crate::gallery::handle;
use crate::gallery::thumbnails::SIDE_PX;
use crate::session::{PictureId, PictureRef};
use crate::textures::{self, Detail, Key, SMALL_SIDE_PX};

/// The longer side of a tile's picture, in pixels.
const THUMBNAIL_SIDE: u32 = 320;

/// Work in progress, by where the pixels come from.
pub struct Fetcher {
    converted: Receiver<(Key, ColorImage)>,
    to_converter: thread::Jobs<(Key, Pixels, usize)>,
    converting: HashSet<Key>,
    /// Of a texture on this graphics card, in pixels.
    most_side: usize,
    /// Who waits for a picture of the gallery.
    opening: HashMap<PictureId, Vec<Key>>,
    thumbnails: HashMap<PictureId, Vec<Key>>,
    /// The list of thumbnails that the gallery works on.
    asked: Vec<PictureId>,
}

enum Pixels {
    Rgb(Arc<RgbImage>),
    /// The gallery's thumbnail of a picture of this size, where that is known.
    Thumbnail(Arc<RgbImage>, Option<(u32, u32)>),
    Rgba(Arc<RgbaImage>),
}

impl Fetcher {
    pub fn start(faults: &thread::Faults, wake: impl Fn() + Send + 'static) -> Self {
        let work = |(key, pixels, most_side): (Key, Pixels, usize)| {
            (key, convert(key.1, &pixels, most_side))
        };
        let (to_converter, converted) = thread::start("pictures", work, faults, wake);
        Self {
            converted,
            to_converter,
            converting: HashSet::new(),
            most_side: usize::MAX,
            opening: HashMap::new(),
            thumbnails: HashMap::new(),
            asked: Vec::new(),
        }
    }

    fn convert(&mut self, key: Key, pixels: Pixels) {
        if self.converting.insert(key) {
            self.to_converter.send((key, pixels, self.most_side));
        }
    }

    /// `of`: the size of the picture, where that is known.
    pub fn thumbnail(&mut self, id: PictureId, pixels: RgbImage, of: Option<(u32, u32)>) {
        let pixels = Arc::new(pixels);
        self.asked.retain(|asked| *asked != id);
        for key in self.thumbnails.remove(&id).unwrap_or_default() {
            self.convert(key, Pixels::Thumbnail(Arc::clone(&pixels), of));
        }
    }

    pub fn opened(&mut self, id: PictureId, pixels: &Arc<RgbaImage>) {
        for key in self.opening.remove(&id).unwrap_or_default() {
            self.convert(key, Pixels::Rgba(Arc::clone(pixels)));
        }
    }

    /// Who waited for it in vain.
    pub fn unreadable(&mut self, id: PictureId) -> Vec<Key> {
        let mut keys = self.opening.remove(&id).unwrap_or_default();
        keys.extend(self.thumbnails.remove(&id).unwrap_or_default());
        self.asked.retain(|asked| *asked != id);
        keys
    }
}

impl App {
    /// Hands over what has been converted, and asks for what panels looked for in vain.
    pub(super) fn fetch_pictures(&mut self) {
        self.pictures.most_side = self.ctx.input(|input| input.max_texture_side);
        while let Ok((key, image)) = self.pictures.converted.try_recv() {
            self.pictures.converting.remove(&key);
            self.textures.arrived(key, Ok(image));
        }
        let mut wanted_thumbnails: Vec<PictureId> = Vec::new();
        let mut is_wanted: HashSet<PictureId> = HashSet::new();
        for key in self.textures.take_missing() {
            if self.pictures.converting.contains(&key) {
                continue;
            }
            let (picture, detail) = key;
            if let Some(pixels) = self.pixels_in_memory(picture) {
                self.pictures.convert(key, Pixels::Rgb(pixels));
                continue;
            }
            let Some(id) = self.session.picture_id(picture) else {
                continue;
            };
            match detail {
                Detail::Small | Detail::Thumbnail => {
                    let waiting = self.pictures.thumbnails.entry(id).or_default();
                    if !waiting.contains(&key) {
                        waiting.push(key);
                    }
                    if is_wanted.insert(id) {
                        wanted_thumbnails.push(id);
                    }
                }
                Detail::Full => {
                    let is_new = !self.pictures.opening.contains_key(&id);
                    let waiting = self.pictures.opening.entry(id).or_default();
                    if !waiting.contains(&key) {
                        waiting.push(key);
                    }
                    if is_new {
                        self.tell_gallery(handle::Command::Open(id));
                        self.tell_gallery(handle::Command::Records(vec![id]));
                    }
                }
            }
        }
        // The gallery drops what is no longer in view as soon as it gets a newer list; nobody waits for it.
        if !wanted_thumbnails.is_empty() && wanted_thumbnails != self.pictures.asked {
            self.pictures.asked.clone_from(&wanted_thumbnails);
            self.pictures
                .thumbnails
                .retain(|id, _| is_wanted.contains(id));
            self.tell_gallery(handle::Command::Thumbnails(wanted_thumbnails));
        }
        let session = &self.session;
        self.textures.keep_previews(|run, index| {
            session
                .run(run)
                .and_then(|run| run.slots.get(index as usize))
                .is_some_and(|slot| slot.preview.is_some())
        });
    }

    fn pixels_in_memory(&self, picture: PictureRef) -> Option<Arc<RgbImage>> {
        let PictureRef::Result { run, index } = picture else {
            return None;
        };
        let slot = self.session.run(run)?.slots.get(index as usize)?;
        slot.pixels().cloned()
    }
}

fn convert(detail: Detail, pixels: &Pixels, most_side: usize) -> ColorImage {
    let image = match (pixels, detail) {
        (Pixels::Rgb(rgb), Detail::Small) => shrunk(rgb, SMALL_SIDE_PX),
        (Pixels::Rgb(rgb), Detail::Thumbnail) => shrunk(rgb, THUMBNAIL_SIDE),
        (Pixels::Rgb(rgb), Detail::Full) => from_rgb(rgb),
        (Pixels::Thumbnail(rgb, of), detail) => {
            let side = match detail {
                Detail::Small => SMALL_SIDE_PX,
                _ => THUMBNAIL_SIDE,
            };
            let mut image = shrunk(rgb, side);
            image.source_size = source_size(rgb, *of);
            image
        }
        (Pixels::Rgba(rgba), _) => {
            let size = [rgba.width() as usize, rgba.height() as usize];
            ColorImage::from_rgba_unmultiplied(size, rgba.as_raw())
        }
    };
    // Here and not at the upload, where it would hold the window.
    let fitting = textures::fitting(Arc::new(image), most_side);
    Arc::unwrap_or_clone(fitting)
}

fn shrunk(rgb: &RgbImage, longer_side: u32) -> ColorImage {
    let longer = rgb.width().max(rgb.height());
    if longer <= longer_side {
        return from_rgb(rgb);
    }
    let scale = f64::from(longer_side) / f64::from(longer);
    let side = |pixels: u32| ((f64::from(pixels) * scale).round() as u32).max(1);
    let small = image::imageops::thumbnail(rgb, side(rgb.width()), side(rgb.height()));
    let mut image = from_rgb(&small);
    image.source_size = vec2(rgb.width() as f32, rgb.height() as f32);
    image
}

/// Of the picture behind a thumbnail: one that is as large as thumbnails get was larger, unless more is known.
fn source_size(thumbnail: &RgbImage, of: Option<(u32, u32)>) -> Vec2 {
    let (width, height) = of.unwrap_or_else(|| {
        let (width, height) = thumbnail.dimensions();
        let times = if width.max(height) < SIDE_PX { 1 } else { 2 };
        (times * width, times * height)
    });
    vec2(width as f32, height as f32)
}

fn from_rgb(rgb: &RgbImage) -> ColorImage {
    ColorImage::from_rgb([rgb.width() as usize, rgb.height() as usize], rgb.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A texture says how large its picture is: by that it is known whether all of its pixels are there.
    #[test]
    fn small_pictures_keep_their_size_and_thumbnails_tell_that_of_their_picture() {
        let sized = |width, height| Arc::new(RgbImage::new(width, height));
        let thumbnail = |width, height, of| Pixels::Thumbnail(sized(width, height), of);
        for (detail, pixels, expected) in [
            (
                Detail::Thumbnail,
                Pixels::Rgb(sized(256, 256)),
                [256.0, 256.0],
            ),
            (
                Detail::Thumbnail,
                Pixels::Rgb(sized(640, 320)),
                [640.0, 320.0],
            ),
            (Detail::Small, Pixels::Rgb(sized(256, 256)), [256.0, 256.0]),
            (
                Detail::Thumbnail,
                thumbnail(256, 256, Some((256, 256))),
                [256.0, 256.0],
            ),
            (
                Detail::Thumbnail,
                thumbnail(256, 128, Some((1024, 512))),
                [1024.0, 512.0],
            ),
            (Detail::Thumbnail, thumbnail(64, 64, None), [64.0, 64.0]),
            (Detail::Thumbnail, thumbnail(256, 64, None), [512.0, 128.0]),
        ] {
            let image = convert(detail, &pixels, usize::MAX);
            assert_eq!(image.source_size, Vec2::from(expected), "{detail:?}");
        }
    }
}
