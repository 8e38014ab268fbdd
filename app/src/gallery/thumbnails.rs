//! Small pictures for the grid, in the cache folder: whatever is lost or damaged there is made again.
//!
//! JPEG, because a lossless thumbnail is five to ten times larger and 100,000 of them fill a disk.

use std::collections::VecDeque;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GenericImageView, Rgb, RgbImage, RgbaImage, imageops};

use super::averages::{Average, Averages};
use super::error::{Error, Result};
use super::flattened::Flattened;
use super::index::Query;
use super::layout::PictureId;
use super::picture_file;
use super::store::Gallery;
use crate::files::{Existing, create_dirs, write_atomically};

/// The longer side, in pixels. Smaller pictures stay as they are.
pub const SIDE_PX: u32 = 256;
const JPEG_QUALITY: u8 = 88;
/// A larger file in the cache is none of ours.
const LIMIT_FILE_BYTES: u64 = 1 << 20;

/// Where thumbnails lie: `<month>/<id>.jpg`.
pub struct Thumbnails {
    folder: PathBuf,
}

impl Thumbnails {
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn path(&self, id: PictureId) -> PathBuf {
        self.folder.join(id.month()).join(format!("{id}.jpg"))
    }
}

impl Gallery {
    /// The picture at most 256 px a side. A picture whose file has gone still has the thumbnail that was
    /// made before.
    ///
    /// # Errors
    /// If there is none and the picture cannot be read; the index then keeps the reason.
    pub fn thumbnail(&mut self, id: PictureId) -> Result<RgbImage> {
        let thumbnail = self.small_picture(id);
        if let Err(Error::Unreadable { reason, .. }) = &thumbnail {
            self.index.set_problem(id, Some(reason))?;
        }
        thumbnail
    }

    /// The thumbnail that was made before, else one of the picture, else of its ghost.
    pub(super) fn small_picture(&self, id: PictureId) -> Result<RgbImage> {
        let read = |path: &Path| {
            let file = self.fs.read(path, LIMIT_FILE_BYTES).ok()?;
            let pixels = picture_file::decode(&file).ok()?;
            Some(DynamicImage::from(pixels).into_rgb8())
        };
        if let Some(thumbnail) = read(&self.thumbnails.path(id)) {
            return Ok(thumbnail);
        }
        match self.pixels(id) {
            Ok(pixels) => {
                let thumbnail = small(&pixels);
                self.keep_thumbnail(id, &thumbnail);
                Ok(thumbnail)
            }
            Err(error @ Error::Unreadable { .. }) => Err(error),
            Err(error) => read(&self.layout.ghost(id)).ok_or(error),
        }
    }

    /// Makes the thumbnail of a picture that is still in memory.
    pub fn make_thumbnail(&self, id: PictureId, pixels: &RgbImage) -> RgbImage {
        let thumbnail = shrink(pixels);
        self.keep_thumbnail(id, &thumbnail);
        thumbnail
    }

    /// The next one is made from the picture as it is now.
    pub(super) fn forget_thumbnail(&self, id: PictureId) {
        // One that is not there needs no removing; one that stays is only old.
        let _ = self.fs.remove(&self.thumbnails.path(id));
    }

    pub fn has_average(&self, id: PictureId) -> bool {
        self.averages.knows(id)
    }

    /// Makes a picture's average from its thumbnail.
    pub fn keep_average(&mut self, id: PictureId, thumbnail: &RgbImage) -> Box<Average> {
        let average = Box::new(Average::of(thumbnail));
        self.averages.add(&*self.fs, id, &average);
        average
    }

    /// The averages that are kept.
    pub fn read_averages(&mut self) -> Averages {
        self.averages.read(&*self.fs)
    }

    /// The pictures that have no average yet, newest first.
    pub fn without_average(&mut self) -> VecDeque<PictureId> {
        let listed = self.entries(&Query::default()).unwrap_or_default();
        let ids = listed.into_iter().map(|entry| entry.id);
        ids.filter(|id| !self.averages.knows(*id)).collect()
    }

    /// These pictures look otherwise now.
    pub fn forget_averages(&mut self, ids: &[PictureId]) {
        for id in ids {
            self.averages.forget(*id);
        }
    }

    /// Writes the averages that are only in memory.
    pub fn flush_averages(&mut self) {
        self.averages.flush(&*self.fs);
    }

    pub(super) fn keep_thumbnail(&self, id: PictureId, thumbnail: &RgbImage) {
        let path = self.thumbnails.path(id);
        let mut file = Cursor::new(Vec::new());
        let kept = JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY)
            .encode_image(thumbnail)
            .map_err(std::io::Error::other)
            .and_then(|()| create_dirs(&*self.fs, path.parent().unwrap_or(&path)))
            .and_then(|()| write_atomically(&*self.fs, &path, file.get_ref(), Existing::Replace));
        if let Err(error) = kept {
            // The thumbnail is shown all the same, and made again another time.
            tracing::warn!("cannot keep a thumbnail: {error}: {}", path.display());
        }
    }
}

fn shrink(pixels: &impl GenericImageView<Pixel = Rgb<u8>>) -> RgbImage {
    let (width, height) = pixels.dimensions();
    let longer = width.max(height);
    if longer <= SIDE_PX {
        return RgbImage::from_fn(width, height, |x, y| pixels.get_pixel(x, y));
    }
    let side = |px: u32| ((u64::from(px) * u64::from(SIDE_PX)) / u64::from(longer)).max(1) as u32;
    imageops::thumbnail(pixels, side(width), side(height))
}

/// The thumbnail of a picture, transparent parts over a middle grey.
pub(super) fn small(pixels: &RgbaImage) -> RgbImage {
    shrink(&Flattened::over(pixels, [128; 3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_shrink_in_proportion() {
        let cases = [
            ((256, 256), (256, 256)),
            ((64, 32), (64, 32)),
            ((1024, 512), (256, 128)),
            ((3000, 2), (256, 1)),
        ];
        for ((width, height), expected) in cases {
            assert_eq!(shrink(&RgbImage::new(width, height)).dimensions(), expected);
        }
    }
}
