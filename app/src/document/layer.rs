use image::RgbaImage;
use limn_engine::PixelRect;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::tiles::{TILE_SIDE, TileIndex, Tiles};
use crate::blend_mode::BlendMode;
use crate::gallery::PictureId;
use crate::marking;

/// A layer's name for ever, through undo and files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LayerId(Uuid);

impl LayerId {
    #[expect(clippy::new_without_default, reason = "each one is different")]
    pub fn new() -> Self {
        Self(Uuid::new_v4())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    pub id: LayerId,
    pub name: String,
    pub is_visible: bool,
    /// From 0 to 1.
    pub opacity: f32,
    pub blend: BlendMode,
    /// Where the layer's pixel (0, 0) lies in the document.
    pub offset: (i32, i32),
    pub kind: LayerKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum LayerKind {
    Picture {
        pixels: Tiles<[u8; 4]>,
        original: Option<Original>,
    },
    /// A kept result: shown where its mask is, which can still be painted.
    Patch {
        pixels: Tiles<[u8; 4]>,
        mask: Tiles<u8>,
        source: PatchSource,
    },
    /// Paint, which runs see.
    Sketch { pixels: Tiles<[u8; 4]> },
}

/// Which result a patch shows, so that keeping another of the same run swaps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchSource {
    pub run: Uuid,
    pub picture: PictureId,
}

/// The file that a picture was opened from. It stays as it is; the document has a copy in its own colours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    pub file_name: String,
    /// What was changed on the way in, as the user was told.
    pub notes: Vec<String>,
    /// IPTC's name for how the picture came to be, where its file is marked with one. Files have it beside this.
    #[serde(skip)]
    pub source_type: Option<String>,
}

impl Layer {
    pub fn new(name: impl Into<String>, kind: LayerKind) -> Self {
        Self {
            id: LayerId::new(),
            name: name.into(),
            is_visible: true,
            opacity: 1.0,
            blend: BlendMode::Normal,
            offset: (0, 0),
            kind,
        }
    }

    pub fn sketch(name: impl Into<String>) -> Self {
        let pixels = Tiles::default();
        Self::new(name, LayerKind::Sketch { pixels })
    }

    /// A picture whose top left pixel is at the document's (`x`, `y`).
    ///
    /// # Shapes
    /// `pixels`: `[height * width]` of `rect`.
    pub fn picture(name: impl Into<String>, rect: PixelRect, pixels: &[[u8; 4]]) -> Self {
        let mut tiles = Tiles::default();
        tiles.write(rect, pixels);
        let kind = LayerKind::Picture {
            pixels: tiles,
            original: None,
        };
        Self::new(name, kind)
    }

    /// A picture whose pixels are needed nowhere else: they go as the layer takes them up, so that they are never
    /// held twice.
    pub fn of_pixels(name: impl Into<String>, offset: (i32, i32), pixels: RgbaImage) -> Self {
        let (width, height) = pixels.dimensions();
        let row_bytes = 4 * width as usize;
        let mut bytes = pixels.into_raw();
        let mut tiles = Tiles::default();
        let mut bottom = height;
        while bottom > 0 {
            let top = (bottom - 1) / TILE_SIDE * TILE_SIDE;
            let start = top as usize * row_bytes;
            let band = PixelRect::new(0, top as i32, width, bottom - top);
            tiles.write(band, bytes[start..].as_chunks::<4>().0);
            bytes.truncate(start);
            bytes.shrink_to_fit();
            bottom = top;
        }
        let kind = LayerKind::Picture {
            pixels: tiles,
            original: None,
        };
        Self {
            offset,
            ..Self::new(name, kind)
        }
    }

    /// The picture layer, with the file that it was opened from.
    #[must_use]
    pub fn from_file(mut self, file: Option<Original>) -> Self {
        if let LayerKind::Picture { original, .. } = &mut self.kind {
            *original = file;
        }
        self
    }

    /// IPTC's name for how the layer came to be, where that is known.
    pub fn source_type(&self) -> Option<&str> {
        match &self.kind {
            LayerKind::Picture { original, .. } => original.as_ref()?.source_type.as_deref(),
            LayerKind::Patch { .. } => Some(marking::TRAINED_ALGORITHMIC_MEDIA),
            LayerKind::Sketch { .. } => None,
        }
    }

    pub fn pixels(&self) -> &Tiles<[u8; 4]> {
        match &self.kind {
            LayerKind::Picture { pixels, .. }
            | LayerKind::Patch { pixels, .. }
            | LayerKind::Sketch { pixels } => pixels,
        }
    }

    pub fn pixels_mut(&mut self) -> &mut Tiles<[u8; 4]> {
        match &mut self.kind {
            LayerKind::Picture { pixels, .. }
            | LayerKind::Patch { pixels, .. }
            | LayerKind::Sketch { pixels } => pixels,
        }
    }

    /// The mask of a patch.
    pub fn patch_mask(&self) -> Option<&Tiles<u8>> {
        match &self.kind {
            LayerKind::Patch { mask, .. } => Some(mask),
            LayerKind::Picture { .. } | LayerKind::Sketch { .. } => None,
        }
    }

    pub fn patch_mask_mut(&mut self) -> Option<&mut Tiles<u8>> {
        match &mut self.kind {
            LayerKind::Patch { mask, .. } => Some(mask),
            LayerKind::Picture { .. } | LayerKind::Sketch { .. } => None,
        }
    }

    pub fn is_sketch(&self) -> bool {
        matches!(self.kind, LayerKind::Sketch { .. })
    }

    /// Whether the layer changes what is seen.
    pub fn shows(&self) -> bool {
        self.is_visible && self.opacity > 0.0
    }

    /// The document's tiles that the layer's own tile lies in: up to four where it is moved.
    pub(super) fn document_tiles(
        &self,
        index: TileIndex,
    ) -> impl Iterator<Item = TileIndex> + use<> {
        TileIndex::covering(index.rect().translate(self.offset.0, self.offset.1))
    }
}
