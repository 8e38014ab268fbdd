//! Kinds of TIFF as people call them.

use tiff::tags::{CompressionMethod, PhotometricInterpretation};
use tiff::{ColorType, TiffUnsupportedError};

/// What the samples of a pixel are.
pub fn name_of(colour: ColorType) -> &'static str {
    match colour {
        ColorType::Gray(_) => "grey",
        ColorType::GrayA(_) => "grey with alpha",
        ColorType::RGB(_) => "RGB",
        ColorType::RGBA(_) => "RGB with alpha",
        ColorType::Palette(_) => "a palette",
        ColorType::CMYK(_) | ColorType::CMYKA(_) => "CMYK",
        ColorType::YCbCr(_) => "YCbCr of more than 8 bit",
        ColorType::Lab(_) => "Lab",
        _ => "channels of other kinds",
    }
}

/// What the decoder does not know, as people call it.
pub fn words(what: &TiffUnsupportedError) -> String {
    let name = match what {
        TiffUnsupportedError::UnsupportedCompressionMethod(method) => match method {
            CompressionMethod::Fax3 | CompressionMethod::Huffman => "CCITT fax, group 3",
            CompressionMethod::ZSTD => "Zstandard compression",
            CompressionMethod::WebP => "WebP compression",
            CompressionMethod::JPEG => "JPEG of the old kind",
            _ => "a compression that is not known",
        },
        TiffUnsupportedError::InterpretationWithBits(interpretation, _)
        | TiffUnsupportedError::UnsupportedInterpretation(interpretation) => match interpretation {
            PhotometricInterpretation::TransparencyMask => "a mask for another picture",
            PhotometricInterpretation::CIELab | PhotometricInterpretation::IccLab => "Lab",
            PhotometricInterpretation::YCbCr => "YCbCr of other than three channels",
            PhotometricInterpretation::RGB => "RGB of few channels",
            _ => "colours of another kind",
        },
        TiffUnsupportedError::UnknownInterpretation => {
            "colours of another kind, as cameras or scanners write them"
        }
        TiffUnsupportedError::ChromaSubsampling => "YCbCr with colours of fewer pixels",
        TiffUnsupportedError::InconsistentBitsPerSample(_) => "channels of different bits",
        TiffUnsupportedError::UnsupportedSampleFormat(_) => "numbers of another kind",
        TiffUnsupportedError::UnknownCompressionMethod => "a compression that is not known",
        TiffUnsupportedError::FloatingPointPredictor(_)
        | TiffUnsupportedError::HorizontalPredictor(_) => "a predictor for other samples",
        TiffUnsupportedError::UnsupportedSampleDepth(n) => {
            return format!("{n} channels");
        }
        TiffUnsupportedError::UnsupportedBitsPerChannel(bits) => {
            return format!("{bits} bit a channel");
        }
        TiffUnsupportedError::UnsupportedColorType(colour) => name_of(*colour),
        _ => "an order of samples that is not known",
    };
    name.to_owned()
}
