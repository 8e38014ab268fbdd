use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use limn_engine::PixelRect;

use super::layer::{Layer, LayerId};
use super::tiles::{TileIndex, Tiles};

/// All that the user sees and changes of a document. A clone is a snapshot: it shares every tile.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// What is seen and exported; empty while there is no picture yet.
    pub frame: PixelRect,
    /// Bottom first.
    pub layers: Vec<Layer>,
    pub selected: Option<LayerId>,
    /// What the next edit may change.
    pub mask: Tiles<u8>,
    /// The mask of the edit before.
    pub last_mask: Tiles<u8>,
    mask_bounds: MaskBounds,
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.frame == other.frame
            && self.layers == other.layers
            && self.selected == other.selected
            && self.mask == other.mask
            && self.last_mask == other.last_mask
    }
}

/// What must be drawn again to get from one content to another, in document tiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    pub picture: HashSet<TileIndex>,
    pub mask: HashSet<TileIndex>,
}

impl Changed {
    pub fn is_empty(&self) -> bool {
        self.picture.is_empty() && self.mask.is_empty()
    }
}

impl Content {
    pub fn layer(&self, id: LayerId) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.id == id)
    }

    pub fn layer_mut(&mut self, id: LayerId) -> Option<&mut Layer> {
        self.layers.iter_mut().find(|layer| layer.id == id)
    }

    /// The place of a layer, counted from the bottom.
    pub fn position(&self, id: LayerId) -> Option<usize> {
        self.layers.iter().position(|layer| layer.id == id)
    }

    pub fn selected_layer(&self) -> Option<&Layer> {
        self.selected.and_then(|id| self.layer(id))
    }

    /// The selected layer if it is a sketch, else a new one on top, selected now.
    pub fn sketch_mut(&mut self) -> &mut Layer {
        let selected = self
            .selected_layer()
            .filter(|layer| layer.is_sketch())
            .and_then(|layer| self.position(layer.id));
        let position = selected.unwrap_or_else(|| {
            let n_sketches = self.layers.iter().filter(|layer| layer.is_sketch()).count();
            self.add_layer(Layer::sketch(format!("Sketch {}", n_sketches + 1)));
            self.layers.len() - 1
        });
        &mut self.layers[position]
    }

    /// The smallest rectangle of the frame that holds the mask. Cheap while the mask stays as it is.
    pub fn mask_bounds(&self) -> PixelRect {
        self.mask_bounds.of(&self.mask).intersect(&self.frame)
    }

    /// Drops tiles that were written since `before` without changing anything, and holds those of one value once.
    pub fn settle(&mut self, before: &Self) {
        self.mask.settle(&before.mask);
        self.last_mask.settle(&before.last_mask);
        for layer in &mut self.layers {
            let old = before.layer(layer.id);
            let (pixels, mask) =
                old.map_or((None, None), |old| (Some(old.pixels()), old.patch_mask()));
            layer
                .pixels_mut()
                .settle(pixels.unwrap_or(&Tiles::default()));
            if let Some(plane) = layer.patch_mask_mut() {
                plane.settle(mask.unwrap_or(&Tiles::default()));
            }
        }
    }

    /// What differs from `before`, for whoever has drawn that.
    pub fn changed_tiles(&self, before: &Self) -> Changed {
        let mut changed = Changed::default();
        changed.mask.extend(indices(&self.mask, &before.mask));
        if self.frame != before.frame {
            changed.picture = clipped_differently(self, before);
        }
        let is_same_order = self
            .layers
            .iter()
            .map(|layer| layer.id)
            .eq(before.layers.iter().map(|layer| layer.id));
        for layer in &self.layers {
            match before.layer(layer.id).filter(|_| is_same_order) {
                Some(old) => changed_layer(layer, old, &mut changed.picture),
                None => changed.picture.extend(covered(layer)),
            }
        }
        if !is_same_order {
            changed
                .picture
                .extend(before.layers.iter().flat_map(covered));
        }
        changed
    }
}

fn indices(now: &Tiles<u8>, before: &Tiles<u8>) -> impl Iterator<Item = TileIndex> + use<> {
    now.changes_since(before)
        .into_iter()
        .map(|change| change.index)
}

/// The document's tiles that a layer may be seen in.
fn covered(layer: &Layer) -> impl Iterator<Item = TileIndex> + '_ {
    layer
        .pixels()
        .iter()
        .filter(|_| layer.shows())
        .flat_map(|(index, _)| layer.document_tiles(index))
}

fn changed_layer(now: &Layer, before: &Layer, changed: &mut HashSet<TileIndex>) {
    let is_laid_alike = now.shows() == before.shows()
        && now.opacity.to_bits() == before.opacity.to_bits()
        && now.blend == before.blend
        && now.offset == before.offset
        && now.patch_mask().is_some() == before.patch_mask().is_some();
    if !is_laid_alike {
        changed.extend(covered(now).chain(covered(before)));
        return;
    }
    if !now.shows() {
        return;
    }
    let pixels = now.pixels().changes_since(before.pixels());
    let masks = match (now.patch_mask(), before.patch_mask()) {
        (Some(now), Some(before)) => now.changes_since(before),
        _ => Vec::new(),
    };
    let indices = pixels
        .iter()
        .map(|change| change.index)
        .chain(masks.iter().map(|change| change.index));
    changed.extend(indices.flat_map(|index| now.document_tiles(index)));
}

/// Tiles of either frame that are not whole inside both: only those show another part.
fn clipped_differently(now: &Content, before: &Content) -> HashSet<TileIndex> {
    let shared = now.frame.intersect(&before.frame);
    [now, before]
        .into_iter()
        .flat_map(|content| {
            let seen = content.layers.iter().flat_map(covered);
            seen.filter(|index| !index.rect().intersect(&content.frame).is_empty())
        })
        .filter(|index| !shared.contains_rect(&index.rect()))
        .collect()
}

/// The bounds of a mask as they were last computed, shared by snapshots.
#[derive(Debug, Clone, Default)]
struct MaskBounds(Arc<Mutex<(u64, PixelRect)>>);

impl MaskBounds {
    fn of(&self, mask: &Tiles<u8>) -> PixelRect {
        // What is in there is whole even if a thread died beside it.
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.0 != mask.revision() {
            *cached = (mask.revision(), mask.bounds(|value| value > 0));
        }
        cached.1
    }
}
