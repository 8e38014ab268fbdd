//! A content without its pixels, and the way back to a content.

use std::collections::{HashMap, HashSet};

use limn_engine::PixelRect;
use serde::{Deserialize, Serialize};

use super::content::Content;
use super::kind_outline::KindOutline;
use super::layer::{Layer, LayerId, LayerKind};
use super::tiles::{AnyTile, Pixel, TileChange, TileIndex, TileKind, Tiles};

/// The sides of a frame, in pixels: as large as the largest picture that can be opened.
const LIMIT_SIDE: u32 = 16_384;
/// How far from the first pixel anything may lie.
const LIMIT_POSITION: u32 = 1 << 24;
pub const LIMIT_LAYERS: usize = 2_000;
/// Of a name, in bytes; the longest prompt that can be typed is shorter.
pub(super) const LIMIT_NAME_BYTES: usize = 128 << 10;

/// One plane of pixels of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Plane {
    Mask,
    LastMask,
    Pixels(LayerId),
    PatchMask(LayerId),
}

impl Plane {
    pub const fn tile_kind(self) -> TileKind {
        match self {
            Self::Mask | Self::LastMask | Self::PatchMask(_) => TileKind::Mask,
            Self::Pixels(_) => TileKind::Colour,
        }
    }
}

/// A tile before and after a step, of whatever kind.
pub struct AnyChange {
    pub index: TileIndex,
    pub before: Option<AnyTile>,
    pub after: Option<AnyTile>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    frame: PixelRect,
    selected: Option<LayerId>,
    layers: Vec<LayerOutline>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct LayerOutline {
    id: LayerId,
    name: String,
    is_visible: bool,
    opacity: f32,
    offset: (i32, i32),
    kind: KindOutline,
}

impl Outline {
    pub fn of(content: &Content) -> Self {
        let layers = content.layers.iter().map(|layer| LayerOutline {
            id: layer.id,
            name: layer.name.clone(),
            is_visible: layer.is_visible,
            opacity: layer.opacity,
            offset: layer.offset,
            kind: KindOutline::of(layer),
        });
        Self {
            frame: content.frame,
            selected: content.selected,
            layers: layers.collect(),
        }
    }

    /// Whether they differ in what is selected at most.
    pub fn is_alike(&self, other: &Self) -> bool {
        self.frame == other.frame && self.layers == other.layers
    }

    /// Gives `content` this frame and these layers. Layers that it has keep their pixels.
    pub fn apply(&self, content: &mut Content) {
        let old = std::mem::take(&mut content.layers);
        let mut old: HashMap<LayerId, Layer> =
            old.into_iter().map(|layer| (layer.id, layer)).collect();
        content.frame = self.frame;
        content.selected = self.selected;
        content.layers = self
            .layers
            .iter()
            .map(|outline| outline.layer(old.remove(&outline.id)))
            .collect();
    }

    /// All planes that such a content has.
    pub fn planes(&self) -> HashSet<Plane> {
        let of_layers = self.layers.iter().flat_map(|layer| {
            let mask = layer.kind.is_patch().then_some(Plane::PatchMask(layer.id));
            [Some(Plane::Pixels(layer.id)), mask]
        });
        [Plane::Mask, Plane::LastMask]
            .into_iter()
            .chain(of_layers.flatten())
            .collect()
    }

    /// Whether it is one that Limn could have written.
    pub fn is_sound(&self) -> bool {
        let is_near = |value: i32| value.unsigned_abs() <= LIMIT_POSITION;
        let mut ids = HashSet::new();
        let frame = self.frame;
        self.excess().is_none()
            && is_near(frame.x)
            && is_near(frame.y)
            && self.layers.iter().all(|layer| {
                ids.insert(layer.id)
                    && (0.0..=1.0).contains(&layer.opacity)
                    && is_near(layer.offset.0)
                    && is_near(layer.offset.1)
                    && layer.kind.is_sound()
            })
    }

    /// What there is more of than a document can have, as the user reads it.
    pub fn excess(&self) -> Option<String> {
        let frame = self.frame;
        if frame.width.max(frame.height) > LIMIT_SIDE {
            return Some(format!(
                "a picture of {} × {} pixels is too large: {LIMIT_SIDE} a side are the most",
                frame.width, frame.height
            ));
        }
        if self.layers.len() > LIMIT_LAYERS {
            return Some(format!(
                "a picture has {LIMIT_LAYERS} layers at most: merge some first"
            ));
        }
        let longest = self.layers.iter().map(|layer| layer.name.len()).max();
        if longest > Some(LIMIT_NAME_BYTES) {
            return Some("the name of a layer is too long: choose a shorter one".to_owned());
        }
        None
    }
}

impl LayerOutline {
    fn layer(&self, old: Option<Layer>) -> Layer {
        let (pixels, mask) = match old.map(|layer| layer.kind) {
            Some(LayerKind::Picture { pixels, .. } | LayerKind::Sketch { pixels }) => {
                (pixels, Tiles::default())
            }
            Some(LayerKind::Patch { pixels, mask, .. }) => (pixels, mask),
            None => (Tiles::default(), Tiles::default()),
        };
        Layer {
            id: self.id,
            name: self.name.clone(),
            is_visible: self.is_visible,
            opacity: self.opacity,
            offset: self.offset,
            blend: self.kind.blend(),
            kind: self.kind.kind(pixels, mask),
        }
    }
}

/// Whether a tile is so near that its pixels can be counted.
pub fn is_near(index: TileIndex) -> bool {
    let rect = index.column.unsigned_abs().max(index.row.unsigned_abs());
    rect <= LIMIT_POSITION / super::tiles::TILE_SIDE
}

impl Content {
    /// The planes that this content has, in order.
    pub(super) fn planes(&self) -> impl Iterator<Item = Plane> + '_ {
        let of_layers = self.layers.iter().flat_map(|layer| {
            let mask = layer.patch_mask().map(|_| Plane::PatchMask(layer.id));
            [Some(Plane::Pixels(layer.id)), mask]
        });
        [Plane::Mask, Plane::LastMask]
            .into_iter()
            .chain(of_layers.flatten())
    }

    fn mask_plane(&self, plane: Plane) -> Option<&Tiles<u8>> {
        match plane {
            Plane::Mask => Some(&self.mask),
            Plane::LastMask => Some(&self.last_mask),
            Plane::PatchMask(id) => self.layer(id)?.patch_mask(),
            Plane::Pixels(_) => None,
        }
    }

    fn colour_plane(&self, plane: Plane) -> Option<&Tiles<[u8; 4]>> {
        match plane {
            Plane::Pixels(id) => self.layer(id).map(Layer::pixels),
            Plane::Mask | Plane::LastMask | Plane::PatchMask(_) => None,
        }
    }

    /// What has changed in a plane since `before`; a plane that either lacks is empty there.
    pub(super) fn plane_changes(&self, before: &Self, plane: Plane) -> Vec<AnyChange> {
        match plane.tile_kind() {
            TileKind::Mask => changes(self.mask_plane(plane), before.mask_plane(plane)),
            TileKind::Colour => changes(self.colour_plane(plane), before.colour_plane(plane)),
        }
    }

    /// Puts a tile into a plane, or takes it out; nothing where there is no such plane.
    pub(super) fn set_plane_tile(&mut self, plane: Plane, index: TileIndex, tile: Option<AnyTile>) {
        self.set_plane_tiles(plane, [(index, tile)]);
    }

    /// As [`Self::set_plane_tile`], for several tiles of one plane, which is looked for once.
    pub(super) fn set_plane_tiles(
        &mut self,
        plane: Plane,
        tiles: impl IntoIterator<Item = (TileIndex, Option<AnyTile>)>,
    ) {
        let masks = match plane {
            Plane::Mask => Some(&mut self.mask),
            Plane::LastMask => Some(&mut self.last_mask),
            Plane::PatchMask(id) => self.layer_mut(id).and_then(Layer::patch_mask_mut),
            Plane::Pixels(id) => {
                if let Some(layer) = self.layer_mut(id) {
                    for (index, tile) in tiles {
                        let tile = tile.and_then(Pixel::of_any_tile);
                        layer.pixels_mut().set_tile(index, tile);
                    }
                }
                return;
            }
        };
        if let Some(masks) = masks {
            for (index, tile) in tiles {
                masks.set_tile(index, tile.and_then(Pixel::of_any_tile));
            }
        }
    }
}

fn changes<P: Pixel>(now: Option<&Tiles<P>>, before: Option<&Tiles<P>>) -> Vec<AnyChange> {
    let empty = Tiles::default();
    let changes = now
        .unwrap_or(&empty)
        .changes_since(before.unwrap_or(&empty));
    let any = |change: TileChange<P>| AnyChange {
        index: change.index,
        before: change.before.map(P::any_tile),
        after: change.after.map(P::any_tile),
    };
    changes.into_iter().map(any).collect()
}
