//! Changes of whole layers. Each is a step of its own, so each is called inside a gesture.

use std::collections::HashSet;

use limn_engine::PixelRect;
use uuid::Uuid;

use super::composite::composite_layers;
use super::content::Content;
use super::layer::{Layer, LayerId, LayerKind, Original, PatchSource};
use super::tiles::{TileIndex, Tiles};

/// A result of an edit, as it becomes a patch.
#[derive(Debug, Clone, Copy)]
pub struct KeptResult<'a> {
    pub source: PatchSource,
    pub name: &'a str,
    pub pixels: &'a Tiles<[u8; 4]>,
    /// Where it shows at first.
    pub mask: &'a Tiles<u8>,
}

impl Content {
    /// Puts a layer on top and selects it.
    pub fn add_layer(&mut self, layer: Layer) -> LayerId {
        let id = layer.id;
        self.selected = Some(id);
        self.layers.push(layer);
        id
    }

    /// Takes a layer out and selects the one beneath. False if there is none of this id.
    pub fn delete_layer(&mut self, id: LayerId) -> bool {
        let Some(position) = self.position(id) else {
            return false;
        };
        self.layers.remove(position);
        if self.selected == Some(id) {
            let beneath = self.layers.get(position.saturating_sub(1));
            self.selected = beneath.map(|layer| layer.id);
        }
        true
    }

    /// Puts a copy of a layer right above it and selects it. `None` if there is none of this id.
    pub fn duplicate_layer(&mut self, id: LayerId) -> Option<LayerId> {
        let position = self.position(id)?;
        let layer = &self.layers[position];
        let copy = Layer {
            id: LayerId::new(),
            name: self.name_of_copy(&layer.name),
            ..layer.clone()
        };
        let id = copy.id;
        self.layers.insert(position + 1, copy);
        self.selected = Some(id);
        Some(id)
    }

    /// "Boat copy", or with the first number that no layer has.
    fn name_of_copy(&self, name: &str) -> String {
        let stem = match name.rsplit_once(" copy") {
            Some((stem, rest)) if rest.trim().chars().all(|c| c.is_ascii_digit()) => stem,
            _ => name,
        };
        let mut copy = format!("{stem} copy");
        let mut n = 1;
        while self.layers.iter().any(|layer| layer.name == copy) {
            n += 1;
            copy = format!("{stem} copy {n}");
        }
        copy
    }

    /// An empty frame becomes a canvas of this size: of one colour, or transparent with a layer to sketch on.
    pub fn set_blank_canvas(&mut self, size: (u32, u32), background: Option<[u8; 3]>) {
        let frame = PixelRect::from_size(size.0, size.1);
        let layer = match background {
            Some([red, green, blue]) => {
                let pixels = Tiles::filled(frame, [red, green, blue, 255]);
                let original = None;
                Layer::new("Background", LayerKind::Picture { pixels, original })
            }
            None => Layer::sketch("Sketch 1"),
        };
        self.set_base_layers(size, vec![layer]);
    }

    /// Shows only `frame` from now on. No pixel is lost: what lies beyond it comes back with a larger frame.
    pub fn crop_frame(&mut self, frame: PixelRect) {
        self.frame = frame;
    }

    /// Moves a layer to another place, counted from the bottom. False if it is there already.
    pub fn move_layer(&mut self, id: LayerId, to: usize) -> bool {
        let to = to.min(self.layers.len().saturating_sub(1));
        match self.position(id) {
            Some(from) if from != to => {
                let layer = self.layers.remove(from);
                self.layers.insert(to, layer);
                true
            }
            _ => false,
        }
    }

    /// Makes `pixels` the picture at the bottom, in place of one that is there, and its size the frame.
    ///
    /// # Shapes
    /// `pixels`: `[height * width]` of `size`.
    pub fn set_base_picture(
        &mut self,
        name: &str,
        size: (u32, u32),
        pixels: &[[u8; 4]],
        original: Option<Original>,
    ) {
        let frame = PixelRect::from_size(size.0, size.1);
        let layer = Layer::picture(name, frame, pixels).from_file(original);
        self.set_base_layers(size, vec![layer]);
    }

    /// Makes `layers` those at the bottom, in place of a picture that is there, and `size` that of the frame. The
    /// topmost of them is selected.
    pub fn set_base_layers(&mut self, size: (u32, u32), layers: Vec<Layer>) {
        self.frame = PixelRect::from_size(size.0, size.1);
        self.selected = layers.last().map(|layer| layer.id);
        let has_base = matches!(
            self.layers.first(),
            Some(Layer {
                kind: LayerKind::Picture { .. },
                ..
            })
        );
        self.layers.splice(..usize::from(has_base), layers);
    }

    /// Grows the frame so that it holds `frame` too. The pixels stay where they are.
    pub fn extend_frame(&mut self, frame: PixelRect) {
        self.frame = self.frame.union(&frame);
    }

    /// The patch that shows a result of `run`.
    pub fn patch_of_run(&self, run: Uuid) -> Option<&Layer> {
        let is_of_run = |layer: &&Layer| matches!(&layer.kind, LayerKind::Patch { source, .. } if source.run == run);
        self.layers.iter().rev().find(is_of_run)
    }

    /// Makes a result a patch on top, or shows it in the patch that its run has already: that one keeps its
    /// place, its mask and all else that the user may have changed.
    pub fn keep_result(&mut self, result: &KeptResult) -> LayerId {
        let pixels = result.pixels.clone();
        if let Some(id) = self.patch_of_run(result.source.run).map(|layer| layer.id)
            && let Some(layer) = self.layer_mut(id)
            && let LayerKind::Patch {
                pixels: old,
                source,
                ..
            } = &mut layer.kind
        {
            *old = pixels;
            *source = result.source;
            layer.is_visible = true;
            self.selected = Some(id);
            return id;
        }
        let mask = result.mask.clone();
        let source = result.source;
        let kind = LayerKind::Patch {
            pixels,
            mask,
            source,
        };
        self.add_layer(Layer::new(result.name, kind))
    }

    /// Bakes a layer into the one beneath it. False, and nothing done, if one of them is hidden or none is
    /// beneath.
    pub fn merge_down(&mut self, id: LayerId) -> bool {
        let Some(upper) = self.position(id).filter(|position| *position > 0) else {
            return false;
        };
        let pair = upper - 1..upper + 1;
        let are_seen = self.layers[pair.clone()]
            .iter()
            .all(|layer| layer.is_visible);
        if are_seen {
            let both: Vec<_> = self.layers[pair.clone()].iter().collect();
            // It mixes with what is beneath both as the lower one did.
            let merged = Layer {
                blend: both[0].blend,
                ..merged(&both)
            };
            self.selected = Some(merged.id);
            self.layers.splice(pair, [merged]);
        }
        are_seen
    }

    /// Bakes all visible layers into one at the place of the lowest. False if there are not two.
    pub fn merge_visible(&mut self) -> bool {
        let seen: Vec<_> = self
            .layers
            .iter()
            .filter(|layer| layer.is_visible)
            .collect();
        let Some(lowest) = seen.first().and_then(|layer| self.position(layer.id)) else {
            return false;
        };
        if seen.len() < 2 {
            return false;
        }
        let merged = merged(&seen);
        self.selected = Some(merged.id);
        let above = self.layers.split_off(lowest + 1);
        self.layers[lowest] = merged;
        let hidden = above.into_iter().filter(|layer| !layer.is_visible);
        self.layers.extend(hidden);
        true
    }
}

/// One layer that shows what these do: a sketch where all are sketches, else a picture.
///
/// # Panics
/// If there is no layer.
fn merged(layers: &[&Layer]) -> Layer {
    let lowest = layers[0];
    let covered = layers.iter().flat_map(|layer| {
        let tiles = layer.pixels().iter();
        tiles.flat_map(|(index, _)| layer.document_tiles(index))
    });
    let mut pixels = Tiles::default();
    for index in covered.collect::<HashSet<TileIndex>>() {
        pixels.set_tile(index, composite_layers(layers.iter().copied(), index));
    }
    let kind = if layers.iter().all(|layer| layer.is_sketch()) {
        LayerKind::Sketch { pixels }
    } else {
        let original = match &lowest.kind {
            LayerKind::Picture { original, .. } => original.clone(),
            LayerKind::Patch { .. } | LayerKind::Sketch { .. } => None,
        };
        LayerKind::Picture { pixels, original }
    };
    Layer {
        id: lowest.id,
        ..Layer::new(lowest.name.clone(), kind)
    }
}
