//! Documents through their public doors.

#![allow(clippy::unwrap_used)]

use limn_engine::PixelRect;
use uuid::Uuid;

use super::tiles::{TILE_SIDE, TileIndex, Tiles};
use super::{BlendMode, Content, Document, KeptResult, Layer, LayerKind, PatchSource, StepName};
use crate::gallery::PictureId;

/// xorshift64, Marsaglia 2003.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 32) % u64::from(limit)) as u32
    }

    fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low) as u32) as i32
    }

    fn byte(&mut self) -> u8 {
        // The ends are where the special cases are.
        [0, 255, self.below(256) as u8][self.below(3) as usize]
    }

    fn colour(&mut self) -> [u8; 4] {
        [self.byte(), self.byte(), self.byte(), self.byte()]
    }

    pub(super) fn rect(&mut self) -> PixelRect {
        let (x, y) = (self.between(-300, 600), self.between(-300, 600));
        PixelRect::new(x, y, self.below(40) + 1, self.below(40) + 1)
    }

    pub(super) fn colours(&mut self, rect: PixelRect) -> Vec<[u8; 4]> {
        (0..rect.n_pixels()).map(|_| self.colour()).collect()
    }

    fn bytes(&mut self, n: u64) -> Vec<u8> {
        (0..n).map(|_| self.byte()).collect()
    }
}

fn patch_source(run: Uuid) -> PatchSource {
    let picture = PictureId::new();
    PatchSource { run, picture }
}

/// One random change, of every kind that documents know.
pub(super) fn change_anything(document: &mut Document, random: &mut Random) -> bool {
    let rect = random.rect();
    let ids: Vec<_> = document
        .content()
        .layers
        .iter()
        .map(|layer| layer.id)
        .collect();
    let id = (!ids.is_empty()).then(|| ids[random.below(ids.len() as u32) as usize]);
    let kind = if ids.len() > 6 {
        random.below(2) + 14
    } else {
        random.below(19)
    };
    let name = StepName::Sketch;
    document.change(name, |content| match (kind, id) {
        (0 | 1, _) => content.mask.write(rect, &random.bytes(rect.n_pixels())),
        (2, _) => content
            .mask
            .write(rect, &vec![random.byte(); rect.n_pixels() as usize]),
        (3, _) => content.last_mask = content.mask.clone(),
        (4, _) => content.mask = Tiles::default(),
        (5 | 6, _) => content
            .sketch_mut()
            .pixels_mut()
            .write(rect, &random.colours(rect)),
        (7, _) => {
            keep(
                content,
                &mut Random::new(u64::from(random.below(1000))),
                Uuid::from_u128(u128::from(random.below(3))),
                rect,
            );
        }
        (8, _) => {
            let size = (random.below(300) + 200, random.below(300) + 200);
            let colour = random.colour();
            let pixels = vec![colour; (size.0 * size.1) as usize];
            content.set_base_picture("base", size, &pixels, None);
        }
        (9, _) => content.extend_frame(rect),
        (10, Some(id)) => {
            let layer = content.layer_mut(id).unwrap();
            layer.offset = (random.between(-300, 300), random.between(-300, 300));
        }
        (11, Some(id)) => content.layer_mut(id).unwrap().opacity = random.below(5) as f32 / 4.0,
        (12, Some(id)) => {
            let layer = content.layer_mut(id).unwrap();
            layer.is_visible = !layer.is_visible;
        }
        (13, Some(id)) => {
            content.move_layer(id, random.below(7) as usize);
        }
        (14, Some(id)) => {
            content.merge_down(id);
        }
        (15, Some(id)) if random.below(4) == 0 => {
            content.delete_layer(id);
        }
        (15, Some(_)) => {
            content.merge_visible();
        }
        (16, Some(id)) => {
            let layer = content.layer_mut(id).unwrap();
            layer.blend = BlendMode::ALL[random.below(6) as usize];
        }
        (17, Some(id)) => {
            content.duplicate_layer(id);
        }
        (18, _) => content.crop_frame(PixelRect::new(rect.x, rect.y, 300, 280)),
        _ => content.extend_frame(PixelRect::new(-20, -20, 500, 400)),
    })
}

pub(super) fn keep(
    content: &mut Content,
    random: &mut Random,
    run: Uuid,
    rect: PixelRect,
) -> super::LayerId {
    let colours: Vec<[u8; 4]> = random
        .bytes(rect.n_pixels() * 3)
        .chunks_exact(3)
        .map(|rgb| [rgb[0], rgb[1], rgb[2], 255])
        .collect();
    let (mut pixels, mut mask) = (Tiles::default(), Tiles::default());
    pixels.write(rect, &colours);
    mask.write(rect, &random.bytes(rect.n_pixels()));
    content.keep_result(&KeptResult {
        source: patch_source(run),
        name: "a red sailboat",
        pixels: &pixels,
        mask: &mask,
    })
}

/// Layers over each other by the textbook, one pixel, in floating point.
fn reference_pixel(content: &Content, x: i32, y: i32) -> [f64; 4] {
    let mut below = [0.0; 4];
    if !content.frame.contains(x, y) {
        return below;
    }
    for layer in content.layers.iter().filter(|layer| layer.is_visible) {
        let (x, y) = (x - layer.offset.0, y - layer.offset.1);
        let above = layer.pixels().pixel(x, y).map(f64::from);
        let mask = layer.patch_mask().map_or(255, |mask| mask.pixel(x, y));
        let coverage = above[3] / 255.0 * f64::from(mask) / 255.0 * f64::from(layer.opacity);
        let under = below[3] / 255.0;
        let beneath = under * (1.0 - coverage);
        let alpha = coverage + beneath;
        if coverage > 0.0 {
            for i in 0..3 {
                let mixed = reference_mix(layer.blend, below[i] / 255.0, above[i] / 255.0) * 255.0;
                let above = (1.0 - under) * above[i] + under * mixed;
                below[i] = (above * coverage + below[i] * beneath) / alpha;
            }
            below[3] = alpha * 255.0;
        }
    }
    below
}

/// B(Cb, Cs) of the W3C's "Compositing and Blending".
fn reference_mix(blend: BlendMode, below: f64, above: f64) -> f64 {
    match blend {
        BlendMode::Normal => above,
        BlendMode::Multiply => below * above,
        BlendMode::Screen => below + above - below * above,
        BlendMode::Overlay if below <= 0.5 => 2.0 * below * above,
        BlendMode::Overlay => 1.0 - 2.0 * (1.0 - below) * (1.0 - above),
        BlendMode::Darken => below.min(above),
        BlendMode::Lighten => below.max(above),
    }
}

#[test]
fn layers_lie_over_each_other_as_in_the_textbook() {
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let mut document = Document::new();
        for _ in 0..12 {
            change_anything(&mut document, &mut random);
        }
        let content = document.content();
        let rect = PixelRect::new(-40, -40, 400, 400);
        let seen = content.composite(rect);
        for (i, pixel) in seen.iter().enumerate().step_by(7) {
            let (x, y) = (rect.x + i as i32 % 400, rect.y + i as i32 / 400);
            let expected = reference_pixel(content, x, y);
            // Each layer rounds once; a colour under little alpha is rounded more coarsely.
            let alpha_error = (f64::from(pixel[3]) - expected[3]).abs();
            assert!(
                alpha_error <= 4.0,
                "seed {seed} ({x}, {y}): {pixel:?} {expected:?}"
            );
            for i in 0..3 {
                let weighed = (f64::from(pixel[i]) - expected[i]).abs() * expected[3] / 255.0;
                assert!(
                    weighed <= 5.0,
                    "seed {seed} ({x}, {y}): {pixel:?} {expected:?}"
                );
            }
        }
    }
}

/// A document with a picture of noise that does not end at tiles, transparent in places.
pub(super) fn noisy(random: &mut Random, size: (u32, u32)) -> (Document, Vec<[u8; 4]>) {
    let pixels = random.colours(PixelRect::from_size(size.0, size.1));
    let mut document = Document::new();
    document.change(StepName::OpenPicture, |content| {
        content.set_base_picture("noise", size, &pixels, None);
    });
    (document, pixels)
}

#[test]
fn where_nothing_covers_the_picture_keeps_its_bits() {
    let mut random = Random::new(1);
    let size = (300, 270);
    let (mut document, pixels) = noisy(&mut random, size);
    let mut covered = vec![false; pixels.len()];
    for _ in 0..50 {
        let rect = PixelRect::new(random.between(-30, 290), random.between(-30, 260), 35, 35);
        document.change(StepName::KeepResult, |content| {
            let run = Uuid::new_v4();
            let id = keep(content, &mut random, run, rect);
            let mask = content
                .layer(id)
                .unwrap()
                .patch_mask()
                .unwrap()
                .read(PixelRect::from_size(300, 270));
            covered
                .iter_mut()
                .zip(mask)
                .for_each(|(covered, mask)| *covered |= mask > 0);
            if random.below(2) == 0 {
                content.merge_down(id);
            }
        });
    }
    let seen = document
        .content()
        .composite(PixelRect::from_size(size.0, size.1));
    let n_covered = covered.iter().filter(|covered| **covered).count();
    assert!((10_000..70_000).contains(&n_covered), "{n_covered}");
    for (i, covered) in covered.iter().enumerate() {
        assert!(*covered || seen[i] == pixels[i], "pixel {i}");
    }
}

#[test]
fn a_lone_picture_is_shown_from_its_own_tiles() {
    let (document, _) = noisy(&mut Random::new(2), (600, 300));
    let content = document.content();
    let index = TileIndex::of_pixel(0, 0);
    let shown = content.composite_tile(index).unwrap();
    let own = content.layers[0].pixels().tile(index).unwrap();
    assert!(std::sync::Arc::ptr_eq(&shown, own));
    assert!(
        content
            .composite_tile(TileIndex::of_pixel(600, 300 + TILE_SIDE as i32))
            .is_none()
    );
}

#[test]
fn a_gesture_is_one_step() {
    let mut document = Document::new();
    let dot = PixelRect::new(3, 4, 1, 1);
    assert!(!document.commit() && document.undo().is_none());

    document.begin(StepName::Brush);
    document.content_mut().mask.write(dot, &[9]);
    let version = document.version();
    document.content_mut().mask.write(dot, &[200]);
    assert!(document.version() > version && document.is_in_gesture());
    assert!(document.commit() && document.is_modified());
    assert_eq!(document.next_undo(), Some(StepName::Brush));

    assert_eq!(document.undo(), Some(StepName::Brush));
    assert_eq!(document.content().mask.pixel(3, 4), 0);
    assert!(document.next_undo().is_none() && !document.is_modified());
    assert_eq!(document.redo(), Some(StepName::Brush));
    assert_eq!(document.content().mask.pixel(3, 4), 200);

    document.begin(StepName::Erase);
    document.content_mut().mask.write(dot, &[0]);
    assert_eq!(
        document.undo(),
        Some(StepName::Erase),
        "the gesture is dropped"
    );
    assert_eq!(document.content().mask.pixel(3, 4), 200);
    assert_eq!(document.next_redo(), None);

    // What ends as it began is no step, and keeps what can be done again.
    document.undo();
    assert!(!document.change(StepName::Brush, |content| content.mask.write(dot, &[0])));
    assert_eq!(document.next_redo(), Some(StepName::Brush));
    assert!(document.change(StepName::MaskClear, |content| content.mask.write(dot, &[7])));
    assert_eq!(document.next_redo(), None);
}

#[test]
fn saved_is_a_place_among_the_steps() {
    let mut document = Document::new();
    let paint = |document: &mut Document, value| {
        let dot = PixelRect::new(0, 0, 1, 1);
        document.change(StepName::Brush, |content| {
            content.mask.write(dot, &[value]);
        });
    };
    paint(&mut document, 1);
    paint(&mut document, 2);
    document.saved(std::path::Path::new("harbour.limn"), document.serial());
    assert!(!document.is_modified());
    document.undo();
    assert!(document.is_modified());
    document.redo();
    assert!(!document.is_modified());
    document.undo();
    paint(&mut document, 3);
    assert!(document.is_modified(), "as many steps, but others");
    document.undo();
    document.redo();
    assert!(document.is_modified());
}

#[test]
fn another_result_of_the_run_takes_the_place_of_the_first() {
    let mut random = Random::new(5);
    let (mut document, _) = noisy(&mut random, (300, 300));
    let (run, rect) = (Uuid::new_v4(), PixelRect::new(40, 40, 64, 64));
    document.change(StepName::KeepResult, |content| {
        keep(content, &mut random, run, rect);
    });
    let first = document.content().clone();
    // Paint lies above, and the mask of the patch is edited.
    document.change(StepName::Sketch, |content| {
        let pixels = content.sketch_mut().pixels_mut();
        pixels.write(PixelRect::new(50, 50, 2, 1), &[[1, 2, 3, 255]; 2]);
        let patch = content.layers[1].patch_mask_mut().unwrap();
        patch.write(PixelRect::new(40, 40, 1, 1), &[77]);
    });
    let painted = document.content().clone();
    document.change(StepName::SwapResult, |content| {
        keep(content, &mut random, run, rect);
    });
    let swapped = document.content();
    assert_eq!(swapped.layers.len(), 3);
    assert_eq!(swapped.layers[1].id, first.layers[1].id);
    assert_ne!(swapped.layers[1].pixels(), first.layers[1].pixels());
    assert_eq!(
        swapped.layers[1].patch_mask(),
        painted.layers[1].patch_mask()
    );
    assert_eq!(
        swapped.composite(PixelRect::new(50, 50, 1, 1)),
        [[1, 2, 3, 255]]
    );
    document.undo();
    assert!(*document.content() == painted, "one step");
    // Another run's result lies on top.
    document.change(StepName::KeepResult, |content| {
        keep(content, &mut random, Uuid::new_v4(), rect);
    });
    assert!(document.content().layers[3].patch_mask().is_some());
}

#[test]
fn merging_shows_the_same_and_undo_brings_the_patch_back() {
    let mut random = Random::new(6);
    let (mut document, _) = noisy(&mut random, (300, 300));
    document.change(StepName::KeepResult, |content| {
        let id = keep(
            content,
            &mut random,
            Uuid::new_v4(),
            PixelRect::new(200, 200, 80, 80),
        );
        content.layer_mut(id).unwrap().opacity = 0.5;
        content
            .sketch_mut()
            .pixels_mut()
            .write(PixelRect::new(0, 0, 1, 1), &[[9, 9, 9, 128]]);
    });
    let (before, all) = (document.content().clone(), PixelRect::from_size(300, 300));
    for merge in [
        (|content| content.merge_down(content.layers[1].id)) as fn(&mut Content) -> bool,
        Content::merge_visible,
    ] {
        assert!(document.change(StepName::MergeDown, |content| assert!(merge(content))));
        assert_eq!(document.content().composite(all), before.composite(all));
        assert!(
            document
                .content()
                .layers
                .iter()
                .all(|layer| layer.patch_mask().is_none())
        );
        document.undo();
        assert!(*document.content() == before);
    }
    // A hidden layer is not baked, and not lost.
    document.change(StepName::HideLayer, |content| {
        content.layers[1].is_visible = false;
    });
    let id = document.content().layers[1].id;
    assert!(!document.change(StepName::MergeDown, |content| assert!(
        !content.merge_down(id)
    )));
    document.change(StepName::MergeVisible, |content| {
        assert!(content.merge_visible());
    });
    let layers = &document.content().layers;
    assert_eq!(layers.len(), 2);
    assert!(matches!(layers[0].kind, LayerKind::Picture { .. }) && layers[1].id == id);
    assert!(!document.change(StepName::MergeVisible, |content| assert!(
        !content.merge_visible()
    )));
}

#[test]
fn a_picture_that_grows_to_the_left_stays_where_it_is() {
    let mut random = Random::new(7);
    let (mut document, pixels) = noisy(&mut random, (300, 300));
    let grown = PixelRect::new(-100, 0, 400, 300);
    document.change(StepName::Extend, |content| content.extend_frame(grown));
    let content = document.content();
    assert_eq!(content.frame, grown);
    assert_eq!(content.composite(PixelRect::from_size(300, 300)), pixels);
    assert_eq!(content.composite(PixelRect::new(-100, 0, 1, 1)), [[0; 4]]);
    document.undo();
    assert_eq!(document.content().frame, PixelRect::from_size(300, 300));
}

#[test]
fn layers_change_places_and_go() {
    let mut content = Content::default();
    let [a, b, c] = ["a", "b", "c"].map(|name| content.add_layer(Layer::sketch(name)));
    let names = |content: &Content| -> String {
        content
            .layers
            .iter()
            .map(|layer| layer.name.as_str())
            .collect()
    };
    for (id, to, is_moved, expected) in [
        (a, 2, true, "bca"),
        (a, 99, false, "bca"),
        (a, 0, true, "abc"),
        (b, 2, true, "acb"),
    ] {
        assert_eq!(content.move_layer(id, to), is_moved);
        assert_eq!(names(&content), expected);
    }
    content.selected = Some(c);
    assert!(content.delete_layer(c) && !content.delete_layer(c));
    assert_eq!(content.selected, Some(a), "the one beneath");
    assert!(content.delete_layer(a) && content.delete_layer(b));
    assert_eq!(content.selected, None);
    assert!(!content.merge_down(a) && !content.merge_visible());
}

#[test]
fn the_mask_has_bounds_inside_the_frame() {
    let mut content = Content::default();
    content.mask.write(PixelRect::new(-5, 10, 20, 2), &[1; 40]);
    assert!(content.mask_bounds().is_empty(), "no picture yet");
    content.frame = PixelRect::from_size(100, 11);
    assert_eq!(content.mask_bounds(), PixelRect::new(0, 10, 15, 1));
    let before = content.clone();
    content.mask.write(PixelRect::new(50, 0, 1, 1), &[255]);
    assert_eq!(content.mask_bounds(), PixelRect::new(0, 0, 51, 11));
    assert_eq!(before.mask_bounds(), PixelRect::new(0, 10, 15, 1));
    content.mask = Tiles::default();
    assert!(content.mask_bounds().is_empty());
}

#[test]
fn what_looks_different_is_named() {
    let mut random = Random::new(9);
    let mut document = Document::new();
    let all = PixelRect::new(-1024, -1024, 2560, 2560);
    let mut n_named = 0;
    for step in 0..120 {
        let before = document.content().clone();
        change_anything(&mut document, &mut random);
        let changed = document.content().changed_tiles(&before);
        n_named += changed.picture.len();
        for index in TileIndex::covering(all) {
            let is_alike =
                before.composite(index.rect()) == document.content().composite(index.rect());
            assert!(
                is_alike || changed.picture.contains(&index),
                "step {step}: {index:?}"
            );
            let is_alike =
                before.mask.read(index.rect()) == document.content().mask.read(index.rect());
            assert!(
                is_alike || changed.mask.contains(&index),
                "step {step}: {index:?}"
            );
        }
    }
    assert!(n_named < 120 * 40, "{n_named}: not simply everything");
}

#[test]
fn names_follow_prompts_until_a_file_or_the_user_gives_one() {
    let mut document = Document::new();
    assert_eq!(document.name(), "Untitled");
    document.name_after_prompt("  a red  sailboat on a lake at dawn");
    assert_eq!(document.name(), "a red sailboat");
    document.name_at_first("a door");
    assert_eq!(document.name(), "a red sailboat");
    document.name_after_prompt("a knight");
    assert_eq!(document.name(), "a knight");
    document.rename("  my knight ");
    document.name_after_prompt("a boat");
    assert_eq!(document.name(), "my knight");
    document.rename(" ");
    assert_eq!(document.name(), "Untitled");
    document.name_after_prompt("a boat");
    assert_eq!(document.name(), "a boat");
    document.name_after_file(std::path::Path::new("/somewhere/harbour.v2.png"));
    document.name_after_prompt("a boat");
    assert_eq!(document.name(), "harbour.v2");
}
