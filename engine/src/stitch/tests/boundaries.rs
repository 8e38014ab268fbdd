//! Edits at the edges of what there is: of the picture, of the mask, of sense.

use super::*;

/// A picture that grew is opaque everywhere, goes on as it was, and is as it was elsewhere.
#[test]
fn outpainting_fills_all_of_the_new_ground() {
    for margins in [
        Margins {
            right: 40,
            ..Margins::default()
        },
        Margins {
            left: 30,
            top: 10,
            right: 20,
            bottom: 70,
        },
    ] {
        let old = Scene::gradient(90, 60);
        let extension = extend(old.frame, margins);
        let mut scene = Scene {
            frame: extension.frame,
            rgba: vec![0; 4 * extension.frame.n_pixels() as usize],
        };
        let index = |scene: &Scene, x: i32, y: i32| {
            4 * ((y - scene.frame.y) as usize * scene.frame.width as usize
                + (x - scene.frame.x) as usize)
        };
        for y in 0..60 {
            for x in 0..90 {
                let (to, from) = (index(&scene, x, y), index(&old, x, y));
                scene.rgba[to..to + 4].copy_from_slice(&old.rgba[from..from + 4]);
            }
        }
        let mask = extension.mask(extension.frame);
        let settings = EditSettings::default();
        let plan = plan(extension.mask_bounds(), extension.frame, &settings, MODEL);
        let plan = plan.beyond(Some(extension));
        let covered = scene.edit_as_planned(&plan, &mask, &settings, unchanged);
        assert!(scene.rgba.chunks_exact(4).all(|pixel| pixel[3] == 255));
        for y in 0..60 {
            for x in 0..90 {
                let (new, from) = (index(&scene, x, y), index(&old, x, y));
                let (new_pixel, old_pixel) = (&scene.rgba[new..new + 4], &old.rgba[from..from + 4]);
                assert!(covered[new / 4] > 0 || new_pixel == old_pixel);
                for (a, b) in new_pixel.iter().zip(old_pixel) {
                    assert!(
                        a.abs_diff(*b) < 32,
                        "{margins:?} {x} {y}: {new_pixel:?} {old_pixel:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn edits_at_the_boundaries() {
    let full = |n: usize| vec![255; n];
    for (name, width, height, mask) in [
        ("one pixel", 1, 1, full(1)),
        ("a row", 300, 1, full(300)),
        ("a column", 1, 300, full(300)),
        ("everything", 80, 50, full(80 * 50)),
        ("a corner", 80, 50, [full(1), vec![0; 80 * 50 - 1]].concat()),
        ("the faintest mask", 80, 50, vec![1; 80 * 50]),
    ] {
        for strength in [0.0, 0.5, 1.0] {
            let before = Scene::gradient(width, height);
            let mut scene = Scene::gradient(width, height);
            let settings = EditSettings {
                fill: Fill::Keep,
                ..EditSettings::for_strength(strength)
            };
            scene.edit(&mask, &settings, unchanged);
            assert!(scene.difference(&before) <= 1, "{name} at {strength}");
        }
    }
}

#[test]
fn without_a_mask_everything_changes_but_what_is_not_there() {
    let scene = Scene::new(64, 64, |x, _| [9, 9, 9, if x < 8 { 0 } else { 255 }]);
    let settings = EditSettings::for_strength(1.0);
    let plan = plan(PixelRect::default(), scene.frame, &settings, MODEL);
    let crop = Crop {
        size: (64, 64),
        rgba: &scene.rgba,
        mask: None,
    };
    let prepared = prepare(&crop, &plan, &settings, 0).unwrap();
    assert_eq!(
        prepared.rgb.rgb,
        vec![9; 64 * 64 * 3],
        "nothing is filled but what is transparent"
    );
    assert!(prepared.change.iter().all(|&change| change >= 1.0));
    let white = RgbPicture {
        rgb: vec![255; 64 * 64 * 3],
        ..prepared.rgb
    };
    let patch = finish(&crop, &plan, &settings, &white).unwrap();
    assert_eq!([patch.mask[7], patch.mask[8]], [0, 255]);
    assert_eq!(
        patch.rgb[3 * 8..3 * 9],
        [255; 3],
        "without a ring there is nothing to match"
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let settings = EditSettings::default();
    let mask = PixelRect::new(0, 0, 4, 4);
    let sound = plan(mask, PixelRect::from_size(8, 8), &settings, MODEL);
    let nowhere = plan(mask, PixelRect::default(), &settings, MODEL);
    let crop = |size, n_bytes, mask| (size, vec![255; n_bytes], mask);
    for (name, plan, (size, rgba, mask), expected) in [
        (
            "empty mask",
            &sound,
            crop((8, 8), 256, Some(vec![0; 64])),
            "nothing is masked",
        ),
        (
            "short mask",
            &sound,
            crop((8, 8), 256, Some(vec![255; 63])),
            "the mask is not 8×8",
        ),
        (
            "long picture",
            &sound,
            crop((8, 8), 260, None),
            "the picture is not 8×8",
        ),
        (
            "other size",
            &sound,
            crop((4, 16), 256, None),
            "the picture is not 8×8",
        ),
        (
            "no picture",
            &nowhere,
            crop((0, 0), 0, None),
            "there is no picture",
        ),
    ] {
        let crop = Crop {
            size,
            rgba: &rgba,
            mask: mask.as_deref(),
        };
        let error = prepare(&crop, plan, &settings, 0)
            .err()
            .unwrap()
            .to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
    }
    let rgba = [255; 256];
    let crop = Crop {
        size: (8, 8),
        rgba: &rgba,
        mask: None,
    };
    let small = RgbPicture {
        width: 8,
        height: 8,
        rgb: vec![0; 192],
    };
    let error = finish(&crop, &sound, &settings, &small)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("the result is not 64×64"), "{error}");
}

/// In one piece and in tiles, with any soft edge and whatever a model draws: every pixel that was there is as it was,
/// and all of the room is painted. A blend that was asked for stays within its strip.
#[test]
fn beyond_the_edges_the_original_stays_as_it_is() {
    let mut random = Random::new(5);
    for round in 0..12 {
        let mut margin = || (random.below(3) * random.below(40)) as u32;
        let margins = Margins {
            left: margin(),
            top: margin(),
            right: margin() + 1,
            bottom: margin(),
        };
        let original = PixelRect::new(7, -3, 40 + round, 75);
        let blend_px = if round % 3 == 2 { 1 + round % 4 } else { 0 };
        let extension = extend(original, margins).blending_inward(blend_px);
        let (frame, settings) = (extension.frame, random_settings(&mut random));
        let (mut rgba, mut room) = (Vec::new(), Vec::new());
        for y in frame.y..frame.bottom() {
            for x in frame.x..frame.right() {
                let [red, green, blue, alpha, ..] = random.next().to_le_bytes();
                let was_there = original.contains(x, y);
                let alpha = if alpha < 200 { 255 } else { alpha };
                rgba.extend(if was_there {
                    [red, green, blue, alpha]
                } else {
                    [0; 4]
                });
                room.push(!was_there);
            }
        }
        let mut scene = Scene { frame, rgba };
        let before = scene.rgba.clone();
        let bounds = extension.mask_bounds();
        let plans: Vec<(PixelRect, EditPlan)> = if round % 2 == 0 {
            vec![(frame, plan(bounds, frame, &settings, MODEL))]
        } else {
            let tiles = tiles(bounds, frame, &settings, MODEL).into_iter();
            tiles.map(|tile| (tile.part, tile.plan)).collect()
        };
        for (part, plan) in plans {
            let mask = extension.mask(frame);
            let mask = mask.iter().enumerate().map(|(i, &value)| {
                let x = frame.x + (i % frame.width as usize) as i32;
                let y = frame.y + (i / frame.width as usize) as i32;
                if part.contains(x, y) { value } else { 0 }
            });
            let mask: Vec<u8> = mask.collect();
            if mask.iter().any(|&value| value > 0) {
                let plan = plan.beyond(Some(extension));
                scene.edit_as_planned(&plan, &mask, &settings, |prepared| RgbPicture {
                    rgb: prepared
                        .rgb
                        .rgb
                        .iter()
                        .map(|_| random.next() as u8)
                        .collect(),
                    ..prepared.rgb
                });
            }
        }
        let mut n_blended = 0;
        for (i, is_room) in room.iter().enumerate() {
            let (x, y) = (i % frame.width as usize, i / frame.width as usize);
            let (x, y) = (frame.x + x as i32, frame.y + y as i32);
            let pixel = 4 * i..4 * i + 4;
            if *is_room {
                assert_eq!(scene.rgba[4 * i + 3], 255, "{round}: {x} {y} is empty");
            } else if extension.kept.contains(x, y) {
                assert_eq!(scene.rgba[pixel.clone()], before[pixel], "{round}: {x} {y}");
            } else {
                n_blended += usize::from(scene.rgba[pixel.clone()] != before[pixel]);
            }
        }
        assert_eq!(n_blended > 0, blend_px > 0, "{round}: {n_blended}");
    }
}
