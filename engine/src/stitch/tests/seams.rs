//! The step from what stays to what is drawn, whatever colours the model draws in.

use super::*;

/// Draws its own idea of everything: brighter, bluer, with a wave of its own.
fn drifted(prepared: &Prepared) -> RgbPicture {
    let width = prepared.rgb.width as usize;
    let pixels = prepared.rgb.rgb.as_chunks::<3>().0.iter().enumerate();
    let rgb = pixels.flat_map(|(i, &[red, green, blue])| {
        let wave = ((i / width) as f32 / 9.0).sin() * 14.0;
        let change = prepared.change[i];
        let drift = |value: u8, by: f32| (f32::from(value) + change * (by + wave)) as u8;
        [drift(red, 20.0), drift(green, 24.0), drift(blue, 60.0)]
    });
    RgbPicture {
        rgb: rgb.collect(),
        ..prepared.rgb
    }
}

/// A gradient within a frame that is transparent elsewhere.
fn extended(original: PixelRect, margins: Margins) -> (Scene, Extension) {
    let extension = extend(original, margins);
    let old = Scene::gradient(original.width, original.height);
    let mut scene = Scene {
        frame: extension.frame,
        rgba: vec![0; 4 * extension.frame.n_pixels() as usize],
    };
    for (i, pixel) in old.rgba.chunks_exact(4).enumerate() {
        let (x, y) = (
            i as i32 % original.width as i32,
            i as i32 / original.width as i32,
        );
        let to = scene.index(original.x + x, original.y + y);
        scene.rgba[to..to + 4].copy_from_slice(pixel);
    }
    (scene, extension)
}

impl Scene {
    fn index(&self, x: i32, y: i32) -> usize {
        let row = (y - self.frame.y) as usize * self.frame.width as usize;
        4 * (row + (x - self.frame.x) as usize)
    }

    /// The mean step over all channels from each pixel to the one beside it.
    fn mean_step(&self, pairs: impl Iterator<Item = ((i32, i32), (i32, i32))>) -> f32 {
        let steps: Vec<f32> = pairs
            .flat_map(|(one, next)| {
                let (one, next) = (self.index(one.0, one.1), self.index(next.0, next.1));
                (0..3).map(move |channel| (one + channel, next + channel))
            })
            .map(|(one, next)| f32::from(self.rgba[one].abs_diff(self.rgba[next])))
            .collect();
        steps.iter().sum::<f32>() / steps.len() as f32
    }

    /// The step into column `x`, and those of the columns near it on both sides.
    fn steps_into_column(&self, x: i32, rows: std::ops::Range<i32>) -> (f32, f32) {
        let step = |x: i32| self.mean_step(rows.clone().map(|y| ((x - 1, y), (x, y))));
        let near = (1..6).flat_map(|apart| [step(x - apart), step(x + apart)]);
        (step(x), near.sum::<f32>() / 10.0)
    }
}

fn margin_right(px: u32) -> Margins {
    Margins {
        right: px,
        ..Margins::default()
    }
}

fn drawn_beyond(blend_px: u32, match_colours: bool) -> Scene {
    let original = PixelRect::from_size(96, 96);
    let (mut scene, extension) = extended(original, margin_right(64));
    let extension = extension.blending_inward(blend_px);
    let settings = EditSettings {
        match_colours,
        ..EditSettings::default()
    };
    let model = ModelSize::new((160, 96), 16);
    let plan = plan(extension.mask_bounds(), scene.frame, &settings, model);
    let plan = plan.beyond(Some(extension));
    let mask = extension.mask(scene.frame);
    scene.edit_as_planned(&plan, &mask, &settings, drifted);
    scene
}

#[test]
fn new_picture_meets_the_original_without_a_step() {
    let (before, _) = extended(PixelRect::from_size(96, 96), margin_right(64));
    for blend_px in [0, 4] {
        let scene = drawn_beyond(blend_px, true);
        let (step, near) = scene.steps_into_column(96, 0..96);
        assert!(step < 1.5 * near + 0.5, "{blend_px}: {step} among {near}");
        for y in 0..96 {
            for x in 0..96 - blend_px as i32 {
                let pixel = before.index(x, y)..before.index(x, y) + 4;
                assert_eq!(scene.rgba[pixel.clone()], before.rgba[pixel], "{x} {y}");
            }
        }
    }
    // The model's own colours make a step: the test can fail.
    let (step, near) = drawn_beyond(0, false).steps_into_column(96, 0..96);
    assert!(step > 10.0 * near, "{step} among {near}");
}

/// The correction belongs to the border: further out the picture is what the model drew.
#[test]
fn far_from_the_border_the_drawn_colours_stay() {
    let (matched, drawn) = (drawn_beyond(0, true), drawn_beyond(0, false));
    let distance = |x: i32| -> f32 {
        let rows = (0..96).flat_map(|y| (0..3).map(move |channel| (y, channel)));
        let apart = rows.map(|(y, channel)| {
            let i = matched.index(x, y) + channel;
            f32::from(matched.rgba[i].abs_diff(drawn.rgba[i]))
        });
        apart.sum::<f32>() / 288.0
    };
    let distances = [96, 112, 128, 159].map(distance);
    assert!(
        distances.is_sorted_by(|near, far| near > far),
        "{distances:?}"
    );
    assert!(distances[3] < 0.4 * distances[0], "{distances:?}");
}

/// As beyond the edges, so within: a mask with a hard edge.
#[test]
fn a_hard_edged_fill_meets_its_surroundings_without_a_step() {
    let filled = |match_colours| {
        let mut scene = Scene::gradient(128, 128);
        let inside = |i: i32| (40..90).contains(&(i % 128)) && (40..90).contains(&(i / 128));
        let mask: Vec<u8> = (0..128 * 128)
            .map(|i| if inside(i) { 255 } else { 0 })
            .collect();
        let settings = EditSettings {
            grow_px: Some(0.0),
            feather_px: Some(0.0),
            match_colours,
            ..EditSettings::default()
        };
        let model = ModelSize::new((128, 128), 16);
        let plan = plan(scene.bounds(&mask), scene.frame, &settings, model);
        scene.edit_as_planned(&plan, &mask, &settings, drifted);
        scene.steps_into_column(40, 42..88)
    };
    let (step, near) = filled(true);
    assert!(step < 1.5 * near + 0.5, "{step} among {near}");
    let (step, near) = filled(false);
    assert!(step > 5.0 * near, "{step} among {near}");
}

/// Each tile meets those before it and the original; no seam is left between any of them.
#[test]
fn tiles_beyond_the_edge_leave_no_step_between_them() {
    let original = PixelRect::from_size(200, 90);
    let margins = Margins {
        bottom: 60,
        ..Margins::default()
    };
    let (mut scene, extension) = extended(original, margins);
    let settings = EditSettings::default();
    let model = ModelSize::new((96, 96), 16);
    let all = tiles(extension.mask_bounds(), scene.frame, &settings, model);
    assert!(all.len() > 2, "{}", all.len());
    for (n, tile) in all.iter().enumerate() {
        let width = scene.frame.width as usize;
        let mask: Vec<u8> = extension
            .mask(scene.frame)
            .iter()
            .enumerate()
            .map(|(i, &value)| {
                let is_its = tile.part.contains((i % width) as i32, (i / width) as i32);
                if is_its { value } else { 0 }
            })
            .collect();
        if mask.iter().all(|&value| value == 0) {
            continue;
        }
        let plan = tile.plan.clone().beyond(Some(extension));
        scene.edit_as_planned(&plan, &mask, &settings, |prepared| {
            let drawn = drifted(prepared);
            // No two are of one mind.
            let rgb = drawn
                .rgb
                .iter()
                .map(|value| value.saturating_add(12 * (n as u8 % 3)));
            RgbPicture {
                rgb: rgb.collect(),
                ..drawn
            }
        });
    }
    let step = |y: i32| scene.mean_step((0..200).map(|x| ((x, y - 1), (x, y))));
    let near: f32 = (1..6)
        .map(|apart| step(90 - apart) + step(90 + apart))
        .sum::<f32>()
        / 10.0;
    assert!(step(90) < 1.5 * near + 0.5, "{} among {near}", step(90));
    for tile in &all[1..] {
        let x = tile.part.x;
        let (step, near) = scene.steps_into_column(x, 92..150);
        assert!(step < 2.0 * near + 1.0, "{x}: {step} among {near}");
    }
}
