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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::import;

    #[test]
    fn formats_that_the_gallery_does_not_hold_become_png() {
        let tiff = include_bytes!("../../../../tests/fixtures/pictures/alpha.tif");
        let mut imported = import::decode(tiff).unwrap();
        imported.source_type = Some(marking::TRAINED_ALGORITHMIC_MEDIA.to_owned());
        let kept = kept(tiff, &imported).unwrap();
        assert_eq!(FileKind::of(&kept), Some(FileKind::Png));
        let again = import::decode(&kept).unwrap();
        assert_eq!(again.pixels, imported.pixels);
        assert_eq!(again.source_type, imported.source_type);
        assert!(again.notes.is_empty());
    }

    #[test]
    fn others_stay_as_they_are_to_the_byte() {
        let jpeg = include_bytes!("../../../../tests/fixtures/pictures/cmyk.jpg");
        let imported = import::decode(jpeg).unwrap();
        assert_eq!(*kept(jpeg, &imported).unwrap(), jpeg[..]);
    }
}
