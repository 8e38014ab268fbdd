//! What files say of a layer beside its place: its kind, where it came from, how it mixes.

use serde::{Deserialize, Serialize};

use super::layer::{Layer, LayerKind, Original, PatchSource};
use super::outline::LIMIT_NAME_BYTES;
use super::tiles::Tiles;
use crate::blend_mode::BlendMode;

const LIMIT_NOTES: usize = 256;

/// Variants are only appended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum KindOutline {
    Picture {
        original: Option<Original>,
    },
    Patch {
        source: PatchSource,
    },
    Sketch,
    /// A picture whose file said how it came to be.
    MarkedPicture {
        original: Original,
        source_type: String,
    },
    /// The kinds again for a layer that does not simply cover: files of other layers stay as they were.
    BlendedPicture {
        original: Option<Original>,
        source_type: Option<String>,
        blend: BlendMode,
    },
    BlendedPatch {
        source: PatchSource,
        blend: BlendMode,
    },
    BlendedSketch {
        blend: BlendMode,
    },
}

impl KindOutline {
    pub(super) fn of(layer: &Layer) -> Self {
        match (&layer.kind, layer.blend) {
            (kind, BlendMode::Normal) => Self::of_covering(kind),
            (LayerKind::Picture { original, .. }, blend) => Self::BlendedPicture {
                original: original.clone(),
                source_type: original.as_ref().and_then(|file| file.source_type.clone()),
                blend,
            },
            (LayerKind::Patch { source, .. }, blend) => Self::BlendedPatch {
                source: *source,
                blend,
            },
            (LayerKind::Sketch { .. }, blend) => Self::BlendedSketch { blend },
        }
    }

    fn of_covering(kind: &LayerKind) -> Self {
        match kind {
            LayerKind::Picture { original, .. } => {
                let marked = original.as_ref();
                let marked = marked.and_then(|file| Some((file, file.source_type.as_ref()?)));
                match marked {
                    Some((original, source_type)) => Self::MarkedPicture {
                        original: original.clone(),
                        source_type: source_type.clone(),
                    },
                    None => Self::Picture {
                        original: original.clone(),
                    },
                }
            }
            LayerKind::Patch { source, .. } => Self::Patch { source: *source },
            LayerKind::Sketch { .. } => Self::Sketch,
        }
    }
}

impl KindOutline {
    pub(super) fn is_patch(&self) -> bool {
        matches!(self, Self::Patch { .. } | Self::BlendedPatch { .. })
    }

    pub(super) fn blend(&self) -> BlendMode {
        match self {
            Self::Picture { .. }
            | Self::Patch { .. }
            | Self::Sketch
            | Self::MarkedPicture { .. } => BlendMode::Normal,
            Self::BlendedPicture { blend, .. }
            | Self::BlendedPatch { blend, .. }
            | Self::BlendedSketch { blend } => *blend,
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        let (original, source_type) = match self {
            Self::Picture { original } => (original.as_ref(), None),
            Self::MarkedPicture {
                original,
                source_type,
            } => (Some(original), Some(source_type)),
            Self::BlendedPicture {
                original,
                source_type,
                ..
            } => (original.as_ref(), source_type.as_ref()),
            Self::Patch { .. }
            | Self::Sketch
            | Self::BlendedPatch { .. }
            | Self::BlendedSketch { .. } => return true,
        };
        let is_short = |text: &String| text.len() <= LIMIT_NAME_BYTES;
        source_type.is_none_or(is_short)
            && original.is_none_or(|original| {
                original.notes.len() <= LIMIT_NOTES
                    && original.file_name.len() <= LIMIT_NAME_BYTES
                    && original.notes.iter().all(is_short)
            })
    }

    pub(super) fn kind(&self, pixels: Tiles<[u8; 4]>, mask: Tiles<u8>) -> LayerKind {
        match self {
            Self::Picture { original } => LayerKind::Picture {
                pixels,
                original: original.clone(),
            },
            Self::MarkedPicture {
                original,
                source_type,
            } => LayerKind::Picture {
                pixels,
                original: Some(marked(original, Some(source_type.clone()))),
            },
            Self::BlendedPicture {
                original,
                source_type,
                ..
            } => LayerKind::Picture {
                pixels,
                original: original
                    .as_ref()
                    .map(|original| marked(original, source_type.clone())),
            },
            Self::Patch { source } | Self::BlendedPatch { source, .. } => LayerKind::Patch {
                pixels,
                mask,
                source: *source,
            },
            Self::Sketch | Self::BlendedSketch { .. } => LayerKind::Sketch { pixels },
        }
    }
}

/// The file of a picture with what it said of itself, which its own record leaves out.
fn marked(original: &Original, source_type: Option<String>) -> Original {
    Original {
        source_type,
        ..original.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::outline::Outline;
    use super::*;
    use crate::document::Content;
    use crate::gallery::PictureId;
    use limn_engine::PixelRect;
    use uuid::Uuid;

    #[test]
    fn a_picture_keeps_where_it_came_from_and_what_its_file_said_of_it() {
        let frame = PixelRect::from_size(1, 1);
        for source_type in [None, Some("http://example.org/drawn".to_owned())] {
            let original = Original {
                file_name: "boat.jpg".to_owned(),
                notes: vec!["turned upright".to_owned()],
                source_type,
            };
            let layer = Layer::picture("boat", frame, &[[9; 4]]).from_file(Some(original));
            let mut content = Content::default();
            content.add_layer(layer.clone());
            let file = postcard::to_stdvec(&Outline::of(&content)).unwrap();
            let outline: Outline = postcard::from_bytes(&file).unwrap();
            let mut read = Content::default();
            outline.apply(&mut read);
            let kind = &read.layers[0].kind;
            let (
                LayerKind::Picture { original, .. },
                LayerKind::Picture {
                    original: first, ..
                },
            ) = (kind, &layer.kind)
            else {
                panic!("{kind:?}");
            };
            assert_eq!(original, first);
        }
    }

    #[test]
    fn every_kind_of_layer_keeps_its_blend_mode_and_covering_ones_are_written_as_ever() {
        let source = PatchSource {
            run: Uuid::nil(),
            picture: PictureId::new(),
        };
        let original = Original {
            file_name: "boat.jpg".to_owned(),
            source_type: Some("http://example.org/drawn".to_owned()),
            ..Original::default()
        };
        let (pixels, mask) = (Tiles::default(), Tiles::default());
        for kind in [
            LayerKind::Picture {
                pixels: pixels.clone(),
                original: None,
            },
            LayerKind::Picture {
                pixels: pixels.clone(),
                original: Some(original),
            },
            LayerKind::Patch {
                pixels: pixels.clone(),
                mask,
                source,
            },
            LayerKind::Sketch { pixels },
        ] {
            for blend in BlendMode::ALL {
                let layer = Layer {
                    blend,
                    ..Layer::new("one", kind.clone())
                };
                let file = postcard::to_stdvec(&KindOutline::of(&layer)).unwrap();
                let number = file[0];
                assert_eq!(number < 4, blend == BlendMode::Normal, "{layer:?}");
                let read: KindOutline = postcard::from_bytes(&file).unwrap();
                assert!(read.is_sound());
                assert_eq!(read.is_patch(), layer.patch_mask().is_some());
                assert_eq!(read.blend(), blend);
                assert_eq!(read.kind(Tiles::default(), Tiles::default()), layer.kind);
            }
        }
    }
}
