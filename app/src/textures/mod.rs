//! Pictures on the graphics card: uploaded only when they change, a few a frame, the oldest dropped first.
//!
//! Panels ask for a texture and get it or nothing; what was missing is fetched by [`crate::app::App`]
//! outside `ui` and is there some frames later.

mod blocks;
pub mod preview;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use egui::{
    ColorImage, Context, Rect, TextureFilter, TextureHandle, TextureId, TextureOptions,
    TextureWrapMode, Vec2, vec2,
};
use image::{ImageBuffer, Rgba};
use limn_engine::protocol::Preview;

use crate::gallery::averages::Averages;
use crate::session::{PictureId, PictureRef, RunId};

/// More uploads than this in one frame would be felt.
pub const UPLOADS_PER_FRAME: usize = 8;
/// Of these, so many at most are pictures; the rest is for blocks of averages and previews.
const PICTURES_PER_FRAME: usize = 5;
/// What the cache may hold, in bytes of pixels.
const BUDGET_BYTES: usize = 192 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detail {
    /// At most [`SMALL_SIDE_PX`] a side, for grids of small tiles.
    Small,
    /// A small one for tiles and grids.
    Thumbnail,
    /// Every pixel.
    Full,
}

/// The longer side of [`Detail::Small`], in pixels.
pub const SMALL_SIDE_PX: u32 = 128;

pub type Key = (PictureRef, Detail);

#[derive(Default)]
pub struct Textures {
    entries: HashMap<Key, Entry>,
    previews: HashMap<(RunId, u32), (u32, TextureHandle)>,
    /// Looked for in this frame and not here, in the order in which they were looked for.
    missing: Vec<Key>,
    is_missing: HashSet<Key>,
    /// Could not be read: shown as a placeholder, not asked for again.
    broken: HashMap<Key, String>,
    arrived: VecDeque<(Key, Arc<ColorImage>)>,
    averages: Averages,
    blocks: blocks::Blocks,
    frame: u64,
    n_uploads: usize,
    bytes: usize,
}

struct Entry {
    handle: TextureHandle,
    /// Of a full picture: to upload again when the filter changes, and to copy.
    image: Option<Arc<ColorImage>>,
    bytes: usize,
    crisp: bool,
    last_used: u64,
}

impl Textures {
    /// Uploads what has arrived, at most a few pictures, and drops what was not used for longest.
    /// Whether more waits.
    pub fn begin_frame(&mut self, ctx: &Context) -> bool {
        self.frame += 1;
        self.n_uploads = 0;
        while self.n_uploads < PICTURES_PER_FRAME {
            let Some((key, image)) = self.arrived.pop_front() else {
                break;
            };
            self.upload(ctx, key, image);
        }
        self.evict();
        !self.arrived.is_empty()
    }

    /// The texture, or `None` until it has been fetched.
    pub fn get(&mut self, key: Key) -> Option<&TextureHandle> {
        let frame = self.frame;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.last_used = frame;
        } else if !self.broken.contains_key(&key) && self.is_missing.insert(key) {
            self.missing.push(key);
        }
        self.entries.get(&key).map(|entry| &entry.handle)
    }

    /// As [`Self::get`], without asking for what is not here.
    pub fn get_if_here(&mut self, key: Key) -> Option<&TextureHandle> {
        let entry = self.entries.get_mut(&key)?;
        entry.last_used = self.frame;
        Some(&entry.handle)
    }

    /// The average of the nth picture of a list, as a part of a texture. `list` changes with the list.
    pub fn average(
        &mut self,
        ctx: &Context,
        list: u64,
        (index, id): (usize, PictureId),
        id_at: impl Fn(usize) -> Option<PictureId>,
    ) -> Option<(TextureId, Rect)> {
        self.blocks.use_list(list);
        let may_upload = self.n_uploads < UPLOADS_PER_FRAME;
        let known = (&self.averages, self.frame);
        let (part, uploads) = self.blocks.get(ctx, known, (index, id), id_at, may_upload);
        self.n_uploads += usize::from(uploads);
        if part.is_none() && !may_upload && self.averages.has(id) {
            // Its turn comes in the next frame.
            ctx.request_repaint();
        }
        part
    }

    /// The averages of a gallery that was opened, instead of those of another.
    pub fn set_averages(&mut self, averages: Averages) {
        self.averages = averages;
        self.blocks = blocks::Blocks::default();
    }

    pub fn add_average(&mut self, id: PictureId, average: crate::gallery::averages::Average) {
        self.averages.put(id, average);
    }

    /// Uploads since the frame began.
    pub fn n_uploads(&self) -> usize {
        self.n_uploads
    }

    /// As [`Self::get`] for the canvas: `crisp` shows pixels as squares.
    pub fn get_full(&mut self, picture: PictureRef, crisp: bool) -> Option<&TextureHandle> {
        let key = (picture, Detail::Full);
        if let Some(entry) = self.entries.get_mut(&key)
            && entry.crisp != crisp
            && let Some(image) = &entry.image
        {
            entry.crisp = crisp;
            entry.handle.set(Arc::clone(image), options(crisp));
            self.n_uploads += 1;
        }
        self.get(key)
    }

    /// The newest preview of a picture that is being drawn; uploaded when `version` changes.
    pub fn preview(
        &mut self,
        ctx: &Context,
        run: RunId,
        index: u32,
        version: u32,
        preview: &Preview,
    ) -> Option<&TextureHandle> {
        let entry = self.previews.entry((run, index));
        let is_new = match &entry {
            std::collections::hash_map::Entry::Occupied(known) => known.get().0 != version,
            std::collections::hash_map::Entry::Vacant(_) => true,
        };
        // A preview that has to wait is overtaken by the next one.
        if is_new && self.n_uploads < UPLOADS_PER_FRAME {
            self.n_uploads += 1;
            let image = preview::image(preview)?;
            match entry {
                std::collections::hash_map::Entry::Occupied(mut known) => {
                    let known = known.get_mut();
                    known.0 = version;
                    known.1.set(image, options(false));
                }
                std::collections::hash_map::Entry::Vacant(place) => {
                    let handle = ctx.load_texture(
                        format!("preview {} {index}", run.0),
                        image,
                        options(false),
                    );
                    place.insert((version, handle));
                }
            }
        }
        self.previews.get(&(run, index)).map(|(_, handle)| handle)
    }

    /// Previews of pictures that are no longer drawn are freed.
    pub fn keep_previews(&mut self, is_drawn: impl Fn(RunId, u32) -> bool) {
        self.previews
            .retain(|(run, index), _| is_drawn(*run, *index));
    }

    /// What panels have looked for since the last call and not found, in the order they did.
    pub fn take_missing(&mut self) -> Vec<Key> {
        self.is_missing.clear();
        let mut missing = std::mem::take(&mut self.missing);
        let arrived: HashSet<Key> = self.arrived.iter().map(|(key, _)| *key).collect();
        missing.retain(|key| !arrived.contains(key));
        missing
    }

    pub fn arrived(&mut self, key: Key, image: Result<ColorImage, String>) {
        match image {
            Ok(image) => {
                self.broken.remove(&key);
                self.arrived.push_back((key, Arc::new(image)));
            }
            Err(reason) => {
                self.broken.insert(key, reason);
            }
        }
    }

    /// The picture is another now: it is fetched again when it is looked for.
    pub fn forget(&mut self, picture: PictureRef) {
        for detail in [Detail::Small, Detail::Thumbnail, Detail::Full] {
            let key = (picture, detail);
            if let Some(entry) = self.entries.remove(&key) {
                self.bytes -= entry.bytes;
            }
            self.broken.remove(&key);
            self.arrived.retain(|(arrived, _)| *arrived != key);
        }
    }

    pub fn broken(&self, key: Key) -> Option<&str> {
        self.broken.get(&key).map(String::as_str)
    }

    /// The pixels of a picture that is on the canvas, to copy them; `None` of one that had to be shrunk for the
    /// graphics card.
    pub fn image(&self, picture: PictureRef) -> Option<Arc<ColorImage>> {
        let image = self.full_image(picture)?;
        (image.source_size == size_of(image)).then(|| Arc::clone(image))
    }

    /// How large a picture is, in pixels, once it is here: its texture may be smaller.
    pub fn full_size(&self, picture: PictureRef) -> Option<Vec2> {
        self.full_image(picture).map(|image| image.source_size)
    }

    /// How many of a picture's pixels a side are on the graphics card and how many it has, where that is fewer.
    pub fn shrunk_to(&self, picture: PictureRef) -> Option<(u32, u32)> {
        let image = self.full_image(picture)?;
        let (on_card, own) = (size_of(image).max_elem(), image.source_size.max_elem());
        (on_card < own).then_some((on_card as u32, own as u32))
    }

    fn full_image(&self, picture: PictureRef) -> Option<&Arc<ColorImage>> {
        let entry = self.entries.get(&(picture, Detail::Full))?;
        entry.image.as_ref()
    }

    fn upload(&mut self, ctx: &Context, key: Key, image: Arc<ColorImage>) {
        self.n_uploads += 1;
        let image = fitting(image, ctx.input(|input| input.max_texture_side));
        let kept = (key.1 == Detail::Full).then(|| Arc::clone(&image));
        // Once on the card, and once on this side where it is kept.
        let bytes = image.pixels.len() * 4 * if kept.is_some() { 2 } else { 1 };
        // A small picture that has all of its pixels shows them; one that was made small only hints at them.
        let crisp = key.1 != Detail::Full && image.source_size == size_of(&image);
        let handle = ctx.load_texture(format!("{key:?}"), image, options(crisp));
        let entry = Entry {
            handle,
            image: kept,
            bytes,
            crisp,
            last_used: self.frame,
        };
        self.bytes += bytes;
        if let Some(old) = self.entries.insert(key, entry) {
            self.bytes -= old.bytes;
        }
    }

    fn evict(&mut self) {
        while self.bytes > BUDGET_BYTES {
            let oldest = self
                .entries
                .iter()
                .filter(|(_, entry)| entry.last_used + 1 < self.frame)
                .min_by_key(|(_, entry)| entry.last_used)
                .map(|(key, _)| *key);
            let Some(entry) = oldest.and_then(|key| self.entries.remove(&key)) else {
                return;
            };
            self.bytes -= entry.bytes;
        }
    }
}

fn size_of(image: &ColorImage) -> Vec2 {
    vec2(image.width() as f32, image.height() as f32)
}

/// The picture in at most `side` pixels each way, the most that the graphics card takes: a larger texture would be refused,
/// and with it all that the window draws. `source_size` stays the picture's own.
pub fn fitting(image: Arc<ColorImage>, side: usize) -> Arc<ColorImage> {
    let longer = image.width().max(image.height());
    if longer <= side {
        return image;
    }
    let scale = side as f64 / longer as f64;
    let shrunk = |pixels: usize| ((pixels as f64 * scale).round() as u32).clamp(1, side as u32);
    let (width, height) = (image.width() as u32, image.height() as u32);
    let Some(pixels) = ImageBuffer::<Rgba<u8>, _>::from_raw(width, height, image.as_raw()) else {
        return image;
    };
    let small = image::imageops::thumbnail(&pixels, shrunk(image.width()), shrunk(image.height()));
    let size = [small.width() as usize, small.height() as usize];
    let mut fitting = ColorImage::from_rgba_premultiplied(size, small.as_raw());
    fitting.source_size = image.source_size;
    Arc::new(fitting)
}

/// Enlarged pixels as squares, or smoothly.
pub fn options(crisp: bool) -> TextureOptions {
    TextureOptions {
        magnification: if crisp {
            TextureFilter::Nearest
        } else {
            TextureFilter::Linear
        },
        minification: TextureFilter::Linear,
        wrap_mode: TextureWrapMode::ClampToEdge,
        mipmap_mode: None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use egui::Color32;

    use super::*;

    fn key(index: u32) -> Key {
        let run = RunId(1);
        (PictureRef::Result { run, index }, Detail::Thumbnail)
    }

    #[test]
    fn a_missing_picture_is_named_once_and_uploads_are_few_a_frame() {
        let ctx = Context::default();
        let mut textures = Textures::default();
        for index in 0..20 {
            assert!(textures.get(key(index)).is_none());
        }
        assert!(textures.get(key(0)).is_none());
        assert_eq!(textures.take_missing().len(), 20);
        assert!(textures.take_missing().is_empty());
        for index in 0..20 {
            textures.arrived(key(index), Ok(ColorImage::filled([4, 4], Color32::RED)));
        }
        let mut frames = 1;
        while textures.begin_frame(&ctx) {
            frames += 1;
        }
        assert_eq!(frames, 4);
        assert!((0..20).all(|index| textures.get(key(index)).is_some()));
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let ctx = Context::default();
        let mut textures = Textures::default();
        let side = 2048;
        for index in 0..12 {
            let picture = ColorImage::filled([side, side], Color32::RED);
            textures.arrived((key(index).0, Detail::Full), Ok(picture));
            textures.begin_frame(&ctx);
            // The first one stays in use.
            assert!(textures.get((key(0).0, Detail::Full)).is_some());
        }
        textures.begin_frame(&ctx);
        assert!(textures.bytes <= BUDGET_BYTES);
        assert!(textures.get((key(0).0, Detail::Full)).is_some());
        assert!(textures.get((key(1).0, Detail::Full)).is_none());
    }

    /// Wider than what the graphics card takes, a picture is shrunk and still knows its size.
    #[test]
    fn a_picture_beyond_the_graphics_cards_limit_is_shrunk() {
        const LIMIT: usize = 8192;
        let ctx = Context::default();
        let input = egui::RawInput {
            max_texture_side: Some(LIMIT),
            ..egui::RawInput::default()
        };
        let mut output = ctx.run_ui(input, |_| ());
        // Nothing draws here.
        output.textures_delta.clear();
        for (size, expected) in [
            ([8191, 3], [8191, 3]),
            ([8192, 2], [8192, 2]),
            ([8193, 2], [8192, 2]),
            ([16_384, 4], [8192, 2]),
            ([16_384, 1], [8192, 1]),
            ([3, 16_384], [2, 8192]),
        ] {
            let mut textures = Textures::default();
            let picture = key(0).0;
            let mut image = ColorImage::filled(size, Color32::RED);
            image.pixels[0] = Color32::from_rgba_premultiplied(10, 20, 30, 40);
            textures.arrived((picture, Detail::Full), Ok(image));
            textures.begin_frame(&ctx);
            let handle = textures.get_full(picture, false).cloned().unwrap();
            assert_eq!(handle.size(), expected, "{size:?}");
            assert!(
                textures.get_full(picture, true).is_some(),
                "the filter changes"
            );
            let own = vec2(size[0] as f32, size[1] as f32);
            assert_eq!(textures.full_size(picture), Some(own));
            let is_whole = size == expected;
            let longer = |size: [usize; 2]| size[0].max(size[1]) as u32;
            let shrunk = (!is_whole).then(|| (longer(expected), longer(size)));
            assert_eq!(textures.shrunk_to(picture), shrunk);
            assert_eq!(textures.image(picture).is_some(), is_whole, "{size:?}");
        }
    }

    /// Enlarged, a small picture is squares; a thumbnail of a larger one is smooth, and so is what is made smaller.
    #[test]
    fn what_is_enlarged_shows_no_more_than_there_is() {
        let ctx = Context::default();
        let mut textures = Textures::default();
        let mut reduced = ColorImage::filled([64, 32], Color32::RED);
        reduced.source_size = vec2(640.0, 320.0);
        for (index, image, crisp) in [
            (0, ColorImage::filled([64, 32], Color32::RED), true),
            (1, reduced, false),
        ] {
            textures.arrived(key(index), Ok(image));
            textures.begin_frame(&ctx);
            assert!(textures.get(key(index)).is_some());
            assert_eq!(textures.entries[&key(index)].crisp, crisp, "{index}");
        }
        let preview = Preview {
            width: 2,
            height: 1,
            rgb: vec![9; 6],
        };
        assert!(textures.preview(&ctx, RunId(1), 0, 1, &preview).is_some());
        let mut delta = ctx.tex_manager().write().take_delta();
        let mut uploads = delta.set.values().flatten();
        let set = uploads.find(|set| set.image.size() == [256, 128]).unwrap();
        assert_eq!(set.options.magnification, TextureFilter::Linear);
        assert_eq!(set.options.minification, TextureFilter::Linear);
        delta.clear();
    }

    #[test]
    fn a_broken_picture_is_not_asked_for_again() {
        let mut textures = Textures::default();
        textures.arrived(key(0), Err("truncated".to_owned()));
        assert!(textures.get(key(0)).is_none());
        assert!(textures.take_missing().is_empty());
        assert_eq!(textures.broken(key(0)), Some("truncated"));
    }

    /// 1,000 pictures in view need four blocks, one upload each, and none once they are there.
    #[test]
    fn averages_come_in_few_uploads_and_follow_what_arrives() {
        let ctx = Context::default();
        let mut textures = Textures::default();
        let ids: Vec<PictureId> = (0..1_000).map(|_| PictureId::new()).collect();
        let average = |textures: &mut Textures, list, index: usize| {
            let id_at = |index: usize| ids.get(index).copied();
            textures.average(&ctx, list, (index, ids[index]), id_at)
        };
        let plain = |grey| {
            crate::gallery::averages::Average::of(&image::RgbImage::from_pixel(
                2,
                2,
                image::Rgb([grey; 3]),
            ))
        };
        textures.begin_frame(&ctx);
        assert_eq!(average(&mut textures, 1, 0), None);
        assert_eq!(textures.n_uploads(), 0, "there is nothing to upload");
        for id in &ids[1..] {
            textures.add_average(*id, plain(9));
        }
        let seen = (0..1_000).filter(|i| average(&mut textures, 1, *i).is_some());
        assert_eq!(seen.count(), 999);
        assert_eq!(textures.n_uploads(), 4);
        textures.begin_frame(&ctx);
        textures.add_average(ids[0], plain(200));
        assert!((0..1_000).all(|i| average(&mut textures, 1, i).is_some()));
        assert_eq!(textures.n_uploads(), 1, "only the block that has one more");
        textures.begin_frame(&ctx);
        assert!(average(&mut textures, 2, 999).is_some());
        assert_eq!(textures.n_uploads(), 1, "another list, another order");
    }
}
