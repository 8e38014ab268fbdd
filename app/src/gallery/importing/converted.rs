//! Pictures in formats that a gallery's folder does not hold.

use std::borrow::Cow;

use crate::gallery::layout::FileKind;
use crate::gallery::{marking, picture_file};
use crate::import::Imported;

/// The bytes that the gallery keeps of a picture: its own file, or a PNG of what is seen of one in another format.
/// The mark that it was made by AI goes with it.
///
/// # Errors
/// The reason, where it cannot be encoded.
pub fn kept<'a>(file: &'a [u8], imported: &Imported) -> Result<Cow<'a, [u8]>, String> {
    if FileKind::of(file).is_some() {
        return Ok(Cow::Borrowed(file));
    }
    let xmp = imported.source_type.as_deref().map(marking::xmp_packet);
    picture_file::encode_png_with_xmp(&imported.pixels, xmp).map(Cow::Owned)
}
