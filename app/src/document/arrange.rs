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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use limn_engine::PixelRect;
    use uuid::Uuid;

    use super::super::tests::{Random, keep, noisy};
    use super::super::{BlendMode, Content, Document, Layer, StepName};

    #[test]
    fn a_copy_of_a_layer_lies_above_it_and_has_a_name_of_its_own() {
        let mut random = Random::new(3);
        let (mut document, _) = noisy(&mut random, (40, 30));
        document.change(StepName::KeepResult, |content| {
            keep(
                content,
                &mut Random::new(1),
                Uuid::nil(),
                PixelRect::from_size(20, 20),
            );
            content.add_layer(Layer::sketch("Sketch 1"));
        });
        let patch = document.content().layers[1].clone();
        document.change(StepName::DuplicateLayer, |content| {
            let layer = content.layer_mut(patch.id).unwrap();
            (layer.opacity, layer.blend, layer.offset) = (0.5, BlendMode::Screen, (3, -4));
            let copy = content.duplicate_layer(patch.id).unwrap();
            content.duplicate_layer(copy).unwrap();
        });
        let content = document.content();
        let names: Vec<_> = content
            .layers
            .iter()
            .map(|layer| layer.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "noise",
                "a red sailboat",
                "a red sailboat copy",
                "a red sailboat copy 2",
                "Sketch 1"
            ]
        );
        assert_eq!(content.selected, Some(content.layers[3].id));
        let original = &content.layers[1];
        for copy in &content.layers[2..4] {
            assert_ne!(copy.id, original.id);
            let (id, name) = (original.id, original.name.clone());
            assert_eq!(
                &Layer {
                    id,
                    name,
                    ..copy.clone()
                },
                original
            );
        }
        document.undo();
        assert_eq!(document.content().layers.len(), 3);
    }

    #[test]
    fn a_crop_loses_nothing() {
        let mut random = Random::new(5);
        let (mut document, pixels) = noisy(&mut random, (300, 280));
        let whole = document.content().clone();
        let part = PixelRect::new(40, 30, 100, 90);
        document.change(StepName::Crop, |content| content.crop_frame(part));
        let content = document.content();
        assert_eq!(content.frame, part);
        let seen = content.composite(PixelRect::from_size(300, 280));
        for (i, pixel) in seen.iter().enumerate() {
            let is_inside = part.contains(i as i32 % 300, i as i32 / 300);
            assert_eq!(*pixel, if is_inside { pixels[i] } else { [0; 4] });
        }
        assert!(!content.changed_tiles(&whole).picture.is_empty());
        document.undo();
        assert_eq!(document.content(), &whole);
        assert_eq!(document.content().composite(whole.frame), pixels);
        // And a larger frame shows again what was hidden.
        document.redo();
        document.change(StepName::Extend, |content| {
            content.extend_frame(whole.frame);
        });
        assert_eq!(document.content().composite(whole.frame), pixels);
    }

    #[test]
    fn a_blank_canvas_is_of_one_colour_or_of_none() {
        let mut document = Document::new();
        document.change(StepName::BlankCanvas, |content| {
            content.set_blank_canvas((600, 300), Some([9, 80, 200]));
        });
        let content = document.content();
        assert_eq!(content.frame, PixelRect::from_size(600, 300));
        let seen = content.composite(content.frame);
        assert!(seen.iter().all(|pixel| *pixel == [9, 80, 200, 255]));
        let covered = content.layers[0].pixels().bounds(|pixel| pixel[3] > 0);
        assert_eq!(covered, content.frame, "nothing lies beyond it");
        document.undo();
        assert!(document.content().frame.is_empty() && document.content().layers.is_empty());

        document.change(StepName::BlankCanvas, |content| {
            content.set_blank_canvas((600, 300), None);
        });
        let content = document.content();
        let seen = content.composite(content.frame);
        assert!(seen.iter().all(|pixel| *pixel == [0; 4]));
        assert!(content.selected_layer().is_some_and(Layer::is_sketch));
        // The largest one takes next to no memory.
        document.change(StepName::BlankCanvas, |content| {
            content.set_blank_canvas((16_384, 16_384), Some([255; 3]));
        });
        let tiles = document.content().layers[0].pixels().iter();
        let tiles: std::collections::HashSet<_> = tiles.map(|(_, tile)| tile.as_ptr()).collect();
        assert_eq!(tiles.len(), 1);
    }

    /// The mode goes with the layer that is beneath; of all that is seen together nothing is beneath.
    #[test]
    fn merged_layers_mix_as_the_lowest_of_them_did() {
        let frame = PixelRect::from_size(4, 4);
        let layer = |name: &str, value: u8, blend| Layer {
            blend,
            ..Layer::picture(name, frame, &[[value, value, value, 255]; 16])
        };
        let mut content = Content::default();
        content.set_base_layers(
            (4, 4),
            vec![
                layer("paper", 200, BlendMode::Normal),
                layer("shade", 128, BlendMode::Multiply),
                layer("light", 100, BlendMode::Screen),
            ],
        );
        let mut once = content.clone();
        let shade = once.layers[1].id;
        assert!(once.merge_down(shade));
        assert_eq!(once.composite(frame), content.composite(frame));
        assert_eq!(once.layers[1].blend, BlendMode::Screen);
        let mut pair = content.clone();
        let light = pair.layers[2].id;
        assert!(pair.merge_down(light));
        assert_eq!(pair.layers[1].blend, BlendMode::Multiply);
        assert!(content.merge_visible());
        assert_eq!(content.layers[0].blend, BlendMode::Normal);
        assert_eq!(content.composite(frame), once.composite(frame));
    }
}
