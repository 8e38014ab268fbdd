use std::fmt;

/// Something that was changed on the way in, for the user to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// More than 8 bit a channel became 8.
    Reduced { bits: u32 },
    /// Only the first picture of an animation is there.
    FirstFrame,
    /// Only the first of several pages is there.
    FirstPage,
    /// Only the largest of several sizes is there.
    LargestSize,
    /// The layers were put together.
    Flattened,
    /// The camera was held on its side.
    Turned,
    /// Colours of another colour space became those of sRGB.
    Converted { profile: String },
    /// Inks became light without knowing the press.
    FromInks,
    /// The colour profile could not be read, and sRGB was taken for granted.
    UnknownProfile,
    /// What is seen through could not be read, and all is opaque.
    TransparencyLost,
    /// Something beside the pixels is damaged and was left out.
    ExtrasLost,
    /// The file ends before its picture does.
    CutOff,
    /// Something that layers of Limn do not have.
    LayersSimplified { what: String },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reduced { bits } => write!(f, "{bits} bit reduced to 8"),
            Self::FirstFrame => f.write_str("an animation: this is its first picture"),
            Self::FirstPage => f.write_str("several pages: this is the first"),
            Self::LargestSize => f.write_str("several sizes: this is the largest"),
            Self::Flattened => f.write_str("its layers are flattened"),
            Self::Turned => f.write_str("turned upright"),
            Self::Converted { profile } => write!(f, "colours converted from {profile} to sRGB"),
            Self::FromInks => f.write_str("converted from CMYK: colours are approximate"),
            Self::UnknownProfile => {
                f.write_str("its colour profile cannot be read: colours may be off")
            }
            Self::TransparencyLost => {
                f.write_str("its transparency cannot be read: all of it is opaque")
            }
            Self::ExtrasLost => {
                f.write_str("something beside its pixels is damaged and was left out")
            }
            Self::CutOff => f.write_str("the file is cut off: what is missing is grey"),
            Self::LayersSimplified { what } => write!(f, "not taken over from its layers: {what}"),
        }
    }
}
