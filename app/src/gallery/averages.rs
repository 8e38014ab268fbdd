//! A tiny picture of everything in the gallery, all in one file of the cache and all in memory, so that a
//! grid which flies past has something to show before any thumbnail is read.
//!
//! ```text
//! <thumbnails>/averages-1     records without end: 16 bytes of id, 512 bytes of pixels
//! ```
//! Only ever appended to; the last record of an id counts. Whatever is lost or damaged is made again.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use image::RgbImage;

use super::layout::PictureId;
use crate::files::{Existing, Fs, create_dirs, write_atomically};

/// The side of an average, in pixels.
pub const SIDE_PX: usize = 16;
const N_PIXELS: usize = SIDE_PX * SIDE_PX;
const ID_BYTES: usize = 16;
const RECORD_BYTES: usize = ID_BYTES + N_PIXELS * 2;
/// A million pictures; a larger file is none of ours.
const LIMIT_FILE_BYTES: u64 = RECORD_BYTES as u64 * 1_000_000;
/// So many are written at once, or as many as there are when nothing else is to be done.
const N_AT_ONCE: usize = 64;

/// The square in the middle of a picture, which is what a tile shows, in 16 × 16 pixels of 5, 6 and 5 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Average([u16; N_PIXELS]);

impl Average {
    pub fn of(pixels: &RgbImage) -> Self {
        let (width, height) = pixels.dimensions();
        let side = width.min(height);
        if side == 0 {
            return Self([0; N_PIXELS]);
        }
        let (left, top) = ((width - side) / 2, (height - side) / 2);
        // The pixels from `i` sixteenths to the next, at least one.
        let span = |i: usize| {
            let at = |i: usize| (i as u64 * u64::from(side) / SIDE_PX as u64) as u32;
            let start = at(i);
            start..at(i + 1).max(start + 1)
        };
        Self(std::array::from_fn(|i| {
            let (mut sum, mut n) = ([0_u64; 3], 0);
            for y in span(i / SIDE_PX) {
                for x in span(i % SIDE_PX) {
                    let pixel = pixels.get_pixel(left + x, top + y).0;
                    for (sum, channel) in sum.iter_mut().zip(pixel) {
                        *sum += u64::from(channel);
                    }
                    n += 1;
                }
            }
            let [red, green, blue] = sum.map(|sum| (sum / n) as u16);
            (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3
        }))
    }

    /// The pixels row by row, in 8 bits a channel.
    pub fn rgb(&self) -> impl Iterator<Item = [u8; 3]> + '_ {
        self.0.iter().map(|pixel| {
            let [red, green, blue] = [pixel >> 11 & 31, pixel >> 5 & 63, pixel & 31];
            // The high bits again as the low ones, so that white stays white.
            [
                (red << 3 | red >> 2) as u8,
                (green << 2 | green >> 4) as u8,
                (blue << 3 | blue >> 2) as u8,
            ]
        })
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let (pairs, _) = bytes.as_chunks::<2>();
        Self(std::array::from_fn(|i| {
            pairs.get(i).map_or(0, |pair| u16::from_le_bytes(*pair))
        }))
    }
}

/// Those of all pictures, in memory.
#[derive(Debug, Clone, Default)]
pub struct Averages {
    places: HashMap<PictureId, u32>,
    pixels: Vec<Average>,
}

impl Averages {
    pub fn get(&self, id: PictureId) -> Option<&Average> {
        self.pixels.get(*self.places.get(&id)? as usize)
    }

    pub fn has(&self, id: PictureId) -> bool {
        self.places.contains_key(&id)
    }

    pub fn put(&mut self, id: PictureId, average: Average) {
        match self.places.get(&id) {
            Some(place) => self.pixels[*place as usize] = average,
            None => {
                self.places.insert(id, self.pixels.len() as u32);
                self.pixels.push(average);
            }
        }
    }

    pub fn len(&self) -> usize {
        self.pixels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    fn record(id: PictureId, average: &Average) -> impl Iterator<Item = u8> {
        let pixels = average.0.map(u16::to_le_bytes);
        id.bytes().into_iter().chain(pixels.into_iter().flatten())
    }
}

/// The file, and which pictures are in it.
pub struct AveragesFile {
    path: PathBuf,
    known: HashSet<PictureId>,
    unwritten: Vec<u8>,
}

impl AveragesFile {
    pub fn new(thumbnails: &Path) -> Self {
        Self {
            path: thumbnails.join("averages-1"),
            known: HashSet::new(),
            unwritten: Vec::new(),
        }
    }

    pub fn knows(&self, id: PictureId) -> bool {
        self.known.contains(&id)
    }

    /// Everything in the file. A torn end is cut off; a file with many records that no longer count is
    /// written anew.
    pub fn read(&mut self, fs: &dyn Fs) -> Averages {
        self.flush(fs);
        let file = fs.read(&self.path, LIMIT_FILE_BYTES).unwrap_or_default();
        let mut averages = Averages::default();
        let (records, torn) = file.as_chunks::<RECORD_BYTES>();
        averages.pixels.reserve(records.len());
        averages.places.reserve(records.len());
        for record in records {
            let (id, pixels) = record.split_at(ID_BYTES);
            let id = id.try_into().ok().and_then(PictureId::from_bytes);
            if let Some(id) = id {
                averages.put(id, Average::from_bytes(pixels));
            }
        }
        let n_idle = records.len() - averages.len();
        if !torn.is_empty() || n_idle > 1_000 + averages.len() / 4 {
            self.write_anew(fs, &averages);
        }
        self.known.extend(averages.places.keys());
        averages
    }

    /// It is made anew; what is in the file counts until then.
    pub fn forget(&mut self, id: PictureId) {
        self.known.remove(&id);
    }

    /// Adds one; it is written with the next ones, or by [`Self::flush`].
    pub fn add(&mut self, fs: &dyn Fs, id: PictureId, average: &Average) {
        self.known.insert(id);
        self.unwritten.extend(Averages::record(id, average));
        if self.unwritten.len() >= N_AT_ONCE * RECORD_BYTES {
            self.flush(fs);
        }
    }

    pub fn flush(&mut self, fs: &dyn Fs) {
        if self.unwritten.is_empty() {
            return;
        }
        let folder = self.path.parent().unwrap_or(&self.path);
        let written =
            create_dirs(fs, folder).and_then(|()| fs.append_synced(&self.path, &self.unwritten));
        self.unwritten.clear();
        if let Err(error) = written {
            // They are in memory all the same, and made again another time.
            tracing::warn!("cannot keep averages: {error}: {}", self.path.display());
        }
    }

    fn write_anew(&self, fs: &dyn Fs, averages: &Averages) {
        let mut file = Vec::with_capacity(averages.len() * RECORD_BYTES);
        for (id, place) in &averages.places {
            file.extend(Averages::record(*id, &averages.pixels[*place as usize]));
        }
        if let Err(error) = write_atomically(fs, &self.path, &file, Existing::Replace) {
            tracing::warn!("cannot mend averages: {error}: {}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use image::Rgb;

    use super::*;
    use crate::files::RealFs;

    fn plain(colour: [u8; 3]) -> Average {
        Average::of(&RgbImage::from_pixel(40, 20, Rgb(colour)))
    }

    #[test]
    fn an_average_shows_the_square_in_the_middle() {
        // Red at both sides, which the square leaves out; white over black within it.
        let picture = RgbImage::from_fn(64, 32, |x, y| match (x, y) {
            (16..48, 0..16) => Rgb([255; 3]),
            (16..48, _) => Rgb([0; 3]),
            _ => Rgb([255, 0, 0]),
        });
        let pixels: Vec<[u8; 3]> = Average::of(&picture).rgb().collect();
        assert_eq!(pixels[..128], [[255; 3]; 128]);
        assert_eq!(pixels[128..], [[0; 3]; 128]);
    }

    #[test]
    fn colours_are_kept_to_their_five_or_six_bits_at_every_size() {
        for (width, height) in [(1, 1), (3, 2), (15, 16), (17, 300), (256, 256), (300, 1)] {
            for colour in [[0, 0, 0], [255, 255, 255], [200, 100, 50]] {
                let picture = RgbImage::from_pixel(width, height, Rgb(colour));
                for pixel in Average::of(&picture).rgb() {
                    for (channel, meant) in pixel.into_iter().zip(colour) {
                        assert!(channel.abs_diff(meant) < 8, "{pixel:?} for {colour:?}");
                    }
                }
            }
        }
        assert_eq!(Average::of(&RgbImage::new(0, 5)), Average([0; N_PIXELS]));
    }

    #[test]
    fn the_file_gives_back_what_was_added_and_the_last_counts() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("not made yet");
        let (a, b) = (PictureId::new(), PictureId::new());
        let mut file = AveragesFile::new(&folder);
        assert!(file.read(&RealFs).is_empty());
        file.add(&RealFs, a, &plain([255, 0, 0]));
        file.add(&RealFs, b, &plain([0, 255, 0]));
        file.flush(&RealFs);
        file.add(&RealFs, a, &plain([0, 0, 255]));
        file.flush(&RealFs);
        assert!(file.knows(a) && file.knows(b));
        let averages = AveragesFile::new(&folder).read(&RealFs);
        assert_eq!(averages.len(), 2);
        assert_eq!(averages.get(a), Some(&plain([0, 0, 255])));
        assert_eq!(averages.get(b), Some(&plain([0, 255, 0])));
    }

    /// Killed while it was written: the next start cuts the torn end off, so that later records are read.
    #[test]
    fn a_torn_end_is_cut_off() {
        let home = tempfile::tempdir().unwrap();
        let (a, b) = (PictureId::new(), PictureId::new());
        let mut file = AveragesFile::new(home.path());
        file.add(&RealFs, a, &plain([9, 9, 9]));
        file.flush(&RealFs);
        RealFs.append_synced(&file.path, &[7; 100]).unwrap();
        let mut again = AveragesFile::new(home.path());
        assert_eq!(again.read(&RealFs).len(), 1);
        again.add(&RealFs, b, &plain([8, 8, 8]));
        again.flush(&RealFs);
        let averages = AveragesFile::new(home.path()).read(&RealFs);
        assert!(averages.has(a) && averages.has(b));
    }

    #[test]
    fn a_file_of_outdated_records_is_written_anew() {
        let home = tempfile::tempdir().unwrap();
        let id = PictureId::new();
        let mut file = AveragesFile::new(home.path());
        for i in 0..1_200_u32 {
            file.add(&RealFs, id, &plain([(i % 256) as u8; 3]));
        }
        file.flush(&RealFs);
        assert_eq!(AveragesFile::new(home.path()).read(&RealFs).len(), 1);
        let length = std::fs::metadata(&file.path).unwrap().len();
        assert_eq!(length, RECORD_BYTES as u64);
    }
}
