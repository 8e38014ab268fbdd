//! `limn edit` and `limn outpaint`: what is outside stays, what is written carries its recipe, what cannot be done
//! is said.

use limn_engine::protocol::Operation;
use std::{
    path::PathBuf,
    process::{Command, Output},
};

use image::{GrayImage, Luma, Rgba, RgbaImage};
use limn::gallery::{Origin, Recipe, picture_file};
use tempfile::TempDir;

use crate::{
    command_line::{SIZE, assert_refused, assert_success, json_events, limn},
    harness::fixture_path,
};

const WIDTH: u32 = 96;
const HEIGHT: u32 = 80;

/// A folder with a picture, opaque but for its top row, and a mask of 20 × 10 pixels on it.
struct Desk {
    home: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            home: TempDir::new().unwrap(),
        };
        original().save(desk.at("boat.png")).unwrap();
        let mask = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| {
            Luma([if (40..60).contains(&x) && (30..40).contains(&y) {
                255
            } else {
                0
            }])
        });
        mask.save(desk.at("mask.png")).unwrap();
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// `limn` on the fixture, small and on the CPU.
    fn command(&self, name: &str, image: &str, out: &str) -> Command {
        let mut command = limn(self.home.path());
        command
            .arg(name)
            .arg("--image")
            .arg(self.at(image))
            .arg("--model")
            .arg(fixture_path("pipeline"))
            .args([
                "--device",
                "cpu",
                "--steps",
                "3",
                "--prior-steps",
                "2",
                "--prompt",
                "a red boat",
            ])
            .args(["--seed", "5", "--out"])
            .arg(self.at(out));
        command
    }

    fn run(&self, command: &mut Command) -> Output {
        let output = command.current_dir(self.home.path()).output().unwrap();
        assert_success(&output);
        output
    }

    fn read(&self, name: &str) -> (RgbaImage, Recipe, String) {
        let file = std::fs::read(self.at(name)).unwrap();
        let header = picture_file::read_header(&file).unwrap();
        let pixels = picture_file::decode(&file).unwrap();
        let recipe = header.recipe.unwrap();
        assert_eq!((recipe.width, recipe.height), pixels.dimensions());
        (pixels, recipe, header.xmp.unwrap())
    }
}

fn original() -> RgbaImage {
    RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let alpha = if y == 0 { (x * 2) as u8 } else { 255 };
        Rgba([(x * 2) as u8, (y * 3) as u8, (x ^ y) as u8, alpha])
    })
}

/// Whether a pixel is so near to the mask of [`Desk`].
fn is_near_mask(x: u32, y: u32, reach: u32) -> bool {
    (40 - reach..60 + reach).contains(&x) && (30 - reach..40 + reach).contains(&y)
}

#[test]
fn an_edit_leaves_everything_outside_its_mask_as_it_was() {
    let desk = Desk::new();
    let output = desk.run(
        desk.command("edit", "boat.png", "edited.png")
            .args(SIZE)
            .args([
                "--mask",
                "mask.png",
                "--grow",
                "3",
                "--feather",
                "4",
                "--count",
                "2",
                "--json",
            ]),
    );
    let pictures: Vec<_> = json_events(&output)
        .into_iter()
        .filter(|event| event["event"] == "picture")
        .collect();
    assert_eq!(pictures.len(), 2);
    assert_eq!(
        [&pictures[0]["width"], &pictures[0]["height"]],
        [WIDTH, HEIGHT]
    );

    for (name, seed) in [("edited-1.png", 5), ("edited-2.png", 6)] {
        let (pixels, recipe, xmp) = desk.read(name);
        let mut n_changed = 0;
        for (before, (x, y, after)) in original().pixels().zip(pixels.enumerate_pixels()) {
            // Grown by 3, half of the soft edge beyond it.
            assert!(
                before == after || is_near_mask(x, y, 5),
                "{x} {y}: {before:?} {after:?}"
            );
            n_changed += u32::from(before != after && is_near_mask(x, y, 0));
        }
        assert!(
            n_changed > 150,
            "{n_changed} of 200 masked pixels have changed"
        );
        assert_eq!(
            (recipe.deed, recipe.seed),
            (Origin::Made(Operation::Inpaint), seed)
        );
        let facts = recipe.edit.unwrap();
        assert_eq!(
            (facts.grow_px, facts.feather_px, facts.strength),
            (3.0, 4.0, 1.0)
        );
        assert!(xmp.contains("compositeWithTrainedAlgorithmicMedia"));
    }
}

#[test]
fn edits_of_edits_name_their_parents_and_add_up() {
    let desk = Desk::new();
    let mask = ["--mask", "mask.png", "--grow", "0", "--feather", "0"];
    desk.run(
        desk.command("edit", "boat.png", "one.png")
            .args(SIZE)
            .args(mask),
    );
    desk.run(
        desk.command("edit", "one.png", "two.png")
            .args(SIZE)
            .args(mask)
            .args(["--strength", "0.5"]),
    );
    let (_, first, _) = desk.read("one.png");
    assert!(first.parents.is_empty(), "the picture came from elsewhere");
    let (pixels, second, _) = desk.read("two.png");
    assert_eq!(second.parents, [first.id]);
    for (before, (x, y, after)) in original().pixels().zip(pixels.enumerate_pixels()) {
        assert!(before == after || is_near_mask(x, y, 0), "{x} {y}");
    }
}

#[test]
fn without_a_mask_the_whole_picture_changes() {
    let desk = Desk::new();
    GrayImage::new(WIDTH, HEIGHT)
        .save(desk.at("black.png"))
        .unwrap();
    desk.run(desk.command("edit", "boat.png", "whole.png").args(SIZE));
    desk.run(
        desk.command("edit", "boat.png", "black-whole.png")
            .args(SIZE)
            .args(["--mask", "black.png", "--whole"]),
    );
    let (pixels, recipe, xmp) = desk.read("whole.png");
    assert_eq!(recipe.deed, Origin::Made(Operation::ImageToImage));
    assert!(xmp.contains("/trainedAlgorithmicMedia"));
    let changed = original()
        .pixels()
        .zip(pixels.pixels())
        .filter(|(a, b)| a != b)
        .count();
    assert!(changed > (WIDTH * HEIGHT / 2) as usize, "{changed}");
    // What is not there does not appear.
    assert_eq!(pixels.get_pixel(0, 0), &Rgba([0, 0, 0, 0]));
    assert!(desk.read("black-whole.png").0 == pixels);
}

#[test]
fn outpainting_goes_on_where_the_picture_ends() {
    let desk = Desk::new();
    desk.run(
        desk.command("outpaint", "boat.png", "wide.png")
            .args(SIZE)
            .args(["--right", "40", "--top", "8"]),
    );
    let (pixels, recipe, xmp) = desk.read("wide.png");
    assert_eq!(pixels.dimensions(), (WIDTH + 40, HEIGHT + 8));
    assert_eq!(recipe.deed, Origin::Made(Operation::Outpaint));
    assert!(xmp.contains("compositeWithTrainedAlgorithmicMedia"));
    desk.run(
        desk.command("outpaint", "boat.png", "blended.png")
            .args(SIZE)
            .args(["--right", "40", "--blend-inward", "3"]),
    );
    let blended = desk.read("blended.png").0;
    let before = original();
    let mut n_blended = 0;
    for (x, y, pixel) in pixels.enumerate_pixels() {
        let is_old = x < WIDTH && y >= 8;
        assert!(pixel[3] == 255 || is_old, "new ground is opaque at {x} {y}");
        if is_old {
            let old = before.get_pixel(x, y - 8);
            assert_eq!(pixel, old, "{x} {y}");
            let blended = blended.get_pixel(x, y - 8);
            assert!(x + 3 >= WIDTH || blended == old, "{x} {y}");
            n_blended += u32::from(blended != old);
        }
    }
    assert!(n_blended > HEIGHT / 2, "{n_blended}");
}

impl Desk {
    /// Runs what must fail with a code and these words, and write nothing.
    fn refuses(&self, name: &str, image: &str, arguments: &[&str], code: i32, expected: &[&str]) {
        let mut command = if arguments.contains(&"--model") {
            let mut command = limn(self.home.path());
            command
                .args([name, "--prompt", "x", "--image"])
                .arg(self.at(image));
            command.arg("--out").arg(self.at("bad.png"));
            command
        } else {
            self.command(name, image, "bad.png")
        };
        let command = command.args(arguments).current_dir(self.home.path());
        assert_refused(command, code, expected);
        assert!(!self.at("bad.png").exists());
    }
}

#[test]
fn files_that_cannot_be_edited_get_one_clear_line() {
    let desk = Desk::new();
    GrayImage::new(WIDTH, HEIGHT)
        .save(desk.at("black.png"))
        .unwrap();
    GrayImage::new(5, 5).save(desk.at("small.png")).unwrap();
    std::fs::write(desk.at("empty.png"), "").unwrap();
    std::fs::write(desk.at("notes.png"), "notes").unwrap();
    let whole = std::fs::read(desk.at("boat.png")).unwrap();
    std::fs::write(desk.at("cut.png"), &whole[..whole.len() / 2]).unwrap();
    let masks: &[(&str, &[&str])] = &[
        ("black.png", &["nothing is masked", "--whole", "black.png"]),
        ("small.png", &["5 × 5", "96 × 80", "small.png"]),
        ("none.png", &["the mask", "cannot be read", "none.png"]),
    ];
    for (mask, expected) in masks {
        desk.refuses("edit", "boat.png", &["--mask", mask], 1, expected);
    }
    for (image, expected) in [
        ("empty.png", "is empty"),
        ("notes.png", "not a picture"),
        ("cut.png", "cut off"),
        ("none.png", "cannot be read"),
    ] {
        desk.refuses("edit", image, &[], 1, &[expected, image]);
        desk.refuses("outpaint", image, &["--left", "8"], 1, &[expected, image]);
    }
}

#[test]
fn arguments_out_of_range_get_the_right_code() {
    let desk = Desk::new();
    let edits: &[(&[&str], i32, &str)] = &[
        (&["--strength", "1.5"], 2, "from 0 to 1"),
        (&["--feather=-1"], 2, "from 0 to 4096"),
        (&["--fill", "magic"], 2, "neutral"),
        (&["--model", "/nowhere/at/all"], 1, "/nowhere/at/all"),
    ];
    for (arguments, code, expected) in edits {
        desk.refuses("edit", "boat.png", arguments, *code, &[expected]);
    }
    let outpaints: &[(&[&str], i32, &str)] = &[
        (&[], 2, "--left"),
        (&["--left", "0"], 1, "nothing is added"),
        (&["--left", "99999"], 1, "add less"),
        (&["--top", "16380"], 1, "add less"),
        (&["--left", "8", "--blend-inward", "5"], 2, "0..=4"),
    ];
    for (arguments, code, expected) in outpaints {
        desk.refuses("outpaint", "boat.png", arguments, *code, &[expected]);
    }
}
