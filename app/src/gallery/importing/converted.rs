//! Pictures in formats that a gallery's folder does not hold.

use crate::gallery::layout::FileKind;
use crate::gallery::picture_file::{self, LIMIT_FILE_BYTES};
use crate::import::Imported;
use crate::marking;

use super::Refusal;

/// The bytes that the gallery keeps of a picture: its own file, or a PNG of what is seen of one in another format.
/// The mark that it was made by AI goes with it.
///
/// # Errors
/// The reason, where it cannot be encoded or would be larger than what the gallery reads.
pub fn kept(file: Vec<u8>, imported: &Imported) -> Result<Vec<u8>, (Refusal, String)> {
    if FileKind::of(&file).is_some() {
        return Ok(file);
    }
    // The pixels say all that is kept of it, and may take a gigabyte themselves.
    drop(file);
    let xmp = imported.source_type.as_deref().map(marking::xmp_packet);
    let png = picture_file::encode_png_within(&imported.pixels, xmp, LIMIT_FILE_BYTES);
    match png {
        Ok(Some(png)) => Ok(png),
        Ok(None) => Err((
            Refusal::TooLarge,
            format!(
                "as PNG, as which the gallery keeps it, it would have more than {} MiB: save it smaller, or as JPEG or WebP",
                LIMIT_FILE_BYTES >> 20
            ),
        )),
        Err(reason) => Err((Refusal::Damaged, reason)),
    }
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
        let kept = kept(tiff.to_vec(), &imported).unwrap();
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
        assert_eq!(kept(jpeg.to_vec(), &imported).unwrap(), jpeg[..]);
    }
}
