//! Pictures from elsewhere, as the ground of a document: opened, dropped or pasted.
//!
//! What comes out is what Limn works in: sRGB, 8 bit, straight alpha, upright. Whatever had to be changed for
//! that is told in a [`Note`]. Reading trusts nothing: the format is told by the content, what would not fit into
//! the `budget` of all decoders is refused before it is unpacked, and what is damaged is refused with a word
//! for it. Only of a JPEG what is left of it is shown, with a note.
//!
//! - [`format`] tells the formats apart, `input` gives decoders their bytes;
//! - one module for each decoder: `png_rows`, `jpeg`, `tiff_chunks`, `psd`, `jxl`, `avif`, [`ora`], and `by_image`
//!   for what the `image` crate reads as a whole;
//! - `canvas` is where they put pixels, through `samples` and `colour_profile`.

mod avif;
mod budget;
mod by_image;
mod canvas;
mod colour_profile;
mod error;
mod fit;
mod format;
mod input;
mod jpeg;
mod jxl;
mod jxl_boxes;
mod mask;
mod note;
pub mod ora;
mod png_chunks;
mod png_rows;
mod psd;
mod samples;
#[cfg(test)]
mod tests;
mod tiff_chunks;
mod tiff_palette;
mod tiff_words;

pub use error::{Error, FileError};
pub use fit::{LOOKED_AT_PX, small_enough};
pub use format::{ENDINGS, Format, OTHER_ENDINGS, READABLE, recognise};
pub use mask::{MaskFileError, MaskReading, mask_values, mask_values_as};
pub use note::Note;
pub(crate) use png_chunks::StillChunks;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Once;

use image::RgbaImage;

use budget::{Room, Share};
use input::Input;

/// Larger pictures are not decoded.
pub const LIMIT_SIDE_PX: u32 = 16_384;

/// A picture as Limn works on it.
#[derive(Debug)]
pub struct Imported {
    pub pixels: RgbaImage,
    /// What is not as it was in the file, for the user to know.
    pub notes: Vec<Note>,
    /// IPTC's name for how the picture came to be, where its file is marked with one.
    pub source_type: Option<String>,
    /// The memory that the pixels take, until the picture is put to use.
    _share: Option<Share>,
}

/// Opens a picture file. Its name does not matter, only what is in it.
///
/// # Errors
/// [`FileError`] with the reason.
pub fn open(path: &Path) -> Result<Imported, FileError> {
    let opened = Input::file(path).and_then(|input| decode_input(input, Room::shared(None)));
    opened.map_err(|error| FileError {
        path: path.to_owned(),
        error,
    })
}

/// Opens a picture from the bytes of a file, as a clipboard has them.
///
/// # Errors
/// [`Error`] with the reason.
pub fn decode(file: &[u8]) -> Result<Imported, Error> {
    let room = Room::shared(None).beside(file.len() as u64);
    decode_input(Input::memory(file), room)
}

/// [`decode`], with a word on how much memory it may take.
pub(crate) fn decode_within(file: &[u8], most_bytes: u64) -> Result<Imported, Error> {
    let room = Room::shared(Some(most_bytes)).beside(file.len() as u64);
    decode_input(Input::memory(file), room)
}

/// The one door to all decoders. They are the work of many hands: one that panics ends no thread of Limn's.
fn decode_input(mut input: Input, room: Room) -> Result<Imported, Error> {
    guarded(|| {
        if input.n_bytes() == 0 {
            return Err(Error::Empty);
        }
        let head = input.head()?;
        let format = recognise(&head).map_err(|unreadable| match unreadable {
            Some(unreadable) => Error::OtherFormat(unreadable),
            None => Error::NotAPicture,
        })?;
        let n_bytes = input.n_bytes();
        match format {
            Format::Png => png_rows::read(input.source(), room),
            Format::Jpeg => jpeg::read(&mut input, room),
            Format::WebP => by_image::read_webp(input.source(), n_bytes, room),
            Format::Gif => by_image::read_gif(input.source(), room),
            Format::Tiff => tiff_chunks::read(input.source(), room),
            Format::Bmp => by_image::read_bmp(input.source(), room),
            Format::Tga => by_image::read_tga(input.source(), room),
            Format::Pnm => by_image::read_pnm(input.source(), room),
            Format::Qoi => by_image::read_qoi(&mut input, room),
            Format::Ico => by_image::read_icon(&mut input, room),
            Format::Avif => avif::read(&mut input, room),
            Format::JpegXl => jxl::read(&mut input, room),
            Format::Psd => psd::read(input.source(), room),
            Format::OpenRaster => ora::read_flattened(&mut input, room),
        }
    })
}

thread_local! {
    /// Whether a panic of this thread comes from a decoder.
    static IS_DECODING: Cell<bool> = const { Cell::new(false) };
}

/// A decoder's panic is a damaged file to the user: nothing else is said of it.
fn silence_decoders() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_DECODING.get() {
                others(info);
            }
        }));
    });
}

fn guarded<T>(decode: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    silence_decoders();
    let was_decoding = IS_DECODING.replace(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    IS_DECODING.set(was_decoding);
    decoded.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        tracing::error!("a decoder panicked: {}", text.unwrap_or("no words"));
        Err(Error::damaged("its decoder gave up"))
    })
}
