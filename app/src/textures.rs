//! Pictures on the graphics card: uploaded only when they change, a few a frame, the oldest dropped first.
//!
//! Panels ask for a texture and get it or nothing; what was missing is fetched by [`crate::app::App`]
//! outside `ui` and is there some frames later.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use egui::{ColorImage, Context, TextureFilter, TextureHandle, TextureOptions, TextureWrapMode};
use limn_engine::protocol::Preview;

use crate::session::{PictureRef, RunId};

/// More uploads than this in one frame would be felt.
const UPLOADS_PER_FRAME: usize = 8;
/// What the cache may hold, in bytes of pixels.
const BUDGET_BYTES: usize = 192 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detail {
    /// A small one for tiles and grids.
    Thumbnail,
    /// Every pixel.
    Full,
}

pub type Key = (PictureRef, Detail);

#[derive(Default)]
pub struct Textures {
    entries: HashMap<Key, Entry>,
    previews: HashMap<(RunId, u32), (u32, TextureHandle)>,
    /// Looked for in this frame and not here.
    missing: Vec<Key>,
    /// Could not be read: shown as a placeholder, not asked for again.
    broken: HashMap<Key, String>,
    arrived: VecDeque<(Key, Arc<ColorImage>)>,
    frame: u64,
    bytes: usize,
}

struct Entry {
    handle: TextureHandle,
    /// Kept to upload again when the filter changes.
    image: Arc<ColorImage>,
    crisp: bool,
    last_used: u64,
}

impl Textures {
    /// Uploads what has arrived, at most a few pictures, and drops what was not used for longest.
    /// Whether more waits.
    pub fn begin_frame(&mut self, ctx: &Context) -> bool {
        self.frame += 1;
        for _ in 0..UPLOADS_PER_FRAME {
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
        } else if !self.broken.contains_key(&key) && !self.missing.contains(&key) {
            self.missing.push(key);
        }
        self.entries.get(&key).map(|entry| &entry.handle)
    }

    /// As [`Self::get`] for the canvas: `crisp` shows pixels as squares.
    pub fn get_full(&mut self, picture: PictureRef, crisp: bool) -> Option<&TextureHandle> {
        let key = (picture, Detail::Full);
        if let Some(entry) = self.entries.get_mut(&key)
            && entry.crisp != crisp
        {
            entry.crisp = crisp;
            entry.handle.set(Arc::clone(&entry.image), options(crisp));
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
        let size = [preview.width as usize, preview.height as usize];
        if size[0] * size[1] * 3 != preview.rgb.len() || preview.rgb.is_empty() {
            return None;
        }
        let entry = self.previews.entry((run, index));
        let is_new = match &entry {
            std::collections::hash_map::Entry::Occupied(known) => known.get().0 != version,
            std::collections::hash_map::Entry::Vacant(_) => true,
        };
        if is_new {
            let image = ColorImage::from_rgb(size, &preview.rgb);
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
        let mut missing = std::mem::take(&mut self.missing);
        missing.retain(|key| !self.arrived.iter().any(|(arrived, _)| arrived == key));
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
        for key in [Detail::Thumbnail, Detail::Full].map(|detail| (picture, detail)) {
            if let Some(entry) = self.entries.remove(&key) {
                self.bytes -= bytes_of(&entry.image);
            }
            self.broken.remove(&key);
            self.arrived.retain(|(arrived, _)| *arrived != key);
        }
    }

    pub fn broken(&self, key: Key) -> Option<&str> {
        self.broken.get(&key).map(String::as_str)
    }

    /// The pixels of a picture that is on the canvas, to copy them.
    pub fn image(&self, picture: PictureRef) -> Option<Arc<ColorImage>> {
        self.entries
            .get(&(picture, Detail::Full))
            .map(|entry| Arc::clone(&entry.image))
    }

    fn upload(&mut self, ctx: &Context, key: Key, image: Arc<ColorImage>) {
        self.bytes += bytes_of(&image);
        let handle = ctx.load_texture(format!("{key:?}"), Arc::clone(&image), options(false));
        let entry = Entry {
            handle,
            image,
            crisp: false,
            last_used: self.frame,
        };
        if let Some(old) = self.entries.insert(key, entry) {
            self.bytes -= bytes_of(&old.image);
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
            self.bytes -= bytes_of(&entry.image);
        }
    }
}

fn bytes_of(image: &ColorImage) -> usize {
    // Once on this side, once on the card.
    image.pixels.len() * 4 * 2
}

fn options(crisp: bool) -> TextureOptions {
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
        assert_eq!(frames, 3);
        assert!((0..20).all(|index| textures.get(key(index)).is_some()));
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let ctx = Context::default();
        let mut textures = Textures::default();
        let side = 2048;
        for index in 0..12 {
            textures.arrived(
                key(index),
                Ok(ColorImage::filled([side, side], Color32::RED)),
            );
            textures.begin_frame(&ctx);
            // The first one stays in use.
            assert!(textures.get(key(0)).is_some());
        }
        textures.begin_frame(&ctx);
        assert!(textures.bytes <= BUDGET_BYTES);
        assert!(textures.get(key(0)).is_some());
        assert!(textures.get(key(1)).is_none());
    }

    #[test]
    fn a_broken_picture_is_not_asked_for_again() {
        let mut textures = Textures::default();
        textures.arrived(key(0), Err("truncated".to_owned()));
        assert!(textures.get(key(0)).is_none());
        assert!(textures.take_missing().is_empty());
        assert_eq!(textures.broken(key(0)), Some("truncated"));
    }
}
