//! Masks as people have them: with the noise of a JPEG, with a black that is not quite one, and no masks at all.

use std::path::Path;

use image::RgbaImage;
use limn::gallery::{Recipe, picture_file};
use limn::import::{MaskFileError, mask_values};
use limn_engine::PixelRect;
use tempfile::TempDir;

use super::Case;
use crate::command_line::{assert_refused, assert_success, limn};
use crate::harness::fixture_path;

/// A JPEG's ringing goes as far as its blocks.
const JPEG_BLOCK_PX: i32 = 8;

/// The bounds of what is masked, as the case tells them.
fn told_box(case: &Case) -> Option<PixelRect> {
    let [left, top, right, bottom] = case.facts().take_if_told::<[i32; 4]>("box")?;
    Some(PixelRect::from_corners(left, top, right, bottom))
}

fn read(path: &Path) -> RgbaImage {
    limn::import::open(path).unwrap().pixels
}

fn bounds(mask: &[u8], frame: PixelRect) -> PixelRect {
    let masked = mask.iter().enumerate().filter(|(_, value)| **value > 0);
    masked.fold(PixelRect::default(), |bounds, (i, _)| {
        let (x, y) = (i as u32 % frame.width, i as u32 / frame.width);
        bounds.union(&PixelRect::new(x as i32, y as i32, 1, 1))
    })
}

/// `limn edit` on the picture of the cases with a mask of theirs.
fn edit(home: &TempDir, mask: &Case) -> std::process::Command {
    let mut command = limn(home.path());
    command
        .args(["edit", "--prompt", "a red boat", "--image"])
        .arg(fixture_path("cases/K/K00-picture.png"))
        .arg("--mask")
        .arg(mask.path())
        .arg("--model")
        .arg(fixture_path("pipeline"))
        .args(["--device", "cpu", "--steps", "2", "--prior-steps", "2"])
        .args(["--size", "64x64"])
        .args(["--seed", "5", "--out"])
        .arg(home.path().join("edited.png"));
    command
}

pub fn check(cases: &[Case]) {
    what_a_mask_does_not_mean_stays_as_it_is(cases);
    let photograph = cases.iter().find(|case| case.file.starts_with("K/K04"));
    a_photograph_with_a_hole_is_refused_as_a_mask(photograph.unwrap());
}

fn what_a_mask_does_not_mean_stays_as_it_is(cases: &[Case]) {
    let before = read(&fixture_path("cases/K/K00-picture.png"));
    let frame = PixelRect::from_size(before.width(), before.height());
    let mut n_masks = 0;
    for case in cases {
        let Some(told) = told_box(case) else {
            continue;
        };
        n_masks += 1;
        let mask = mask_values(&read(&case.path()), frame).unwrap();
        let is_jpeg = case
            .path()
            .extension()
            .is_some_and(|ending| ending == "jpg");
        let about = told.expand(if is_jpeg { JPEG_BLOCK_PX } else { 0 });
        let masked = bounds(&mask, frame);
        assert!(
            masked.contains_rect(&told) && about.contains_rect(&masked),
            "{}: {masked:?}",
            case.file
        );

        let home = TempDir::new().unwrap();
        let output = edit(&home, case).output().unwrap();
        assert_success(&output);
        let file = std::fs::read(home.path().join("edited.png")).unwrap();
        let recipe: Recipe = picture_file::read_header(&file).unwrap().recipe.unwrap();
        let facts = recipe.edit.unwrap();
        // The model sees at least as much as it draws at once, and never the whole picture.
        let near = told.expand(told.width as i32 * 3 / 2);
        assert!(!near.contains_rect(&frame), "{}", case.file);
        assert!(
            near.contains_rect(&facts.context),
            "{}: {:?}",
            case.file,
            facts.context
        );
        let reach = about.expand((facts.grow_px + facts.feather_px / 2.0).ceil() as i32);
        let mut n_changed = 0;
        let after = picture_file::decode(&file).unwrap();
        for (before, (x, y, after)) in before.pixels().zip(after.enumerate_pixels()) {
            let is_near = reach.contains(x as i32, y as i32);
            assert!(before == after || is_near, "{}: {x} {y}", case.file);
            n_changed += u32::from(before != after);
        }
        assert!(n_changed > 3000, "{}: {n_changed} of 5145", case.file);
    }
    assert_eq!(n_masks, 4);
}

fn a_photograph_with_a_hole_is_refused_as_a_mask(photograph: &Case) {
    let frame = PixelRect::from_size(512, 384);
    let mask = mask_values(&read(&photograph.path()), frame);
    assert!(matches!(mask, Err(MaskFileError::PictureWithHole)));
    let home = TempDir::new().unwrap();
    let expected = ["transparent", "white where", "K04-mask-hole-in-alpha.png"];
    assert_refused(&mut edit(&home, photograph), 1, &expected);
    assert!(!home.path().join("edited.png").exists());
}
