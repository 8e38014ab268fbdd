//! Every operation of the canvas on every family, through the program: a picture of the right size that says what made
//! it, with all that may not change as it was; or a refusal that names the operation, and no file.

use std::{fs, path::PathBuf, process::Command};

use image::{GrayImage, Luma, Rgb, RgbImage, RgbaImage};
use limn::gallery::{Origin, picture_file};
use limn_engine::protocol::Operation;
use tempfile::TempDir;

use crate::{
    command_line::{assert_refused, assert_success, json_events, limn},
    harness::{copy_folder, fixture_path},
};

const EDITS: [Operation; 3] = [
    Operation::Inpaint,
    Operation::ImageToImage,
    Operation::Outpaint,
];
const LATENT_DIFFUSION: [Operation; 7] = [
    Operation::Generate,
    Operation::Inpaint,
    Operation::ImageToImage,
    Operation::Outpaint,
    Operation::Variations,
    Operation::Blend,
    Operation::Upscale,
];

/// Fixtures, and what each can do.
const FAMILIES: [(&str, &[Operation]); 9] = [
    ("pipeline", &Operation::ALL),
    ("stable_diffusion", &LATENT_DIFFUSION),
    ("stable_diffusion_inpaint", &EDITS),
    ("stable_diffusion_2", &LATENT_DIFFUSION),
    ("stable_diffusion_2_unclip", &LATENT_DIFFUSION),
    ("stable_diffusion_xl", &LATENT_DIFFUSION),
    ("stable_diffusion_xl_inpaint", &EDITS),
    (
        "karlo",
        &[
            Operation::Generate,
            Operation::Inpaint,
            Operation::ImageToImage,
            Operation::Outpaint,
        ],
    ),
    (
        "karlo_variations",
        &[Operation::Variations, Operation::Blend, Operation::Upscale],
    ),
];

/// Of the pictures to start from, and of what the models draw best.
const SIZE: (u32, u32) = (48, 40);
const OWN_SIZE: (u32, u32) = (32, 32);
const ADDED_PX: u32 = 16;

/// Whether the mask is white there.
fn is_masked(x: u32, y: u32) -> bool {
    (12..36).contains(&x) && (10..30).contains(&y)
}

fn source(red: u8, size: (u32, u32)) -> RgbImage {
    RgbImage::from_fn(size.0, size.1, |x, y| {
        Rgb([red, (x * 5) as u8, (y * 6) as u8])
    })
}

/// The command's arguments, and the size of what it makes.
fn command(operation: Operation) -> (&'static str, (u32, u32)) {
    match operation {
        Operation::Generate => ("generate --prompt boat", OWN_SIZE),
        Operation::Inpaint => (
            "edit --image boat.png --mask mask.png --grow 0 --feather 0 --prompt sea",
            SIZE,
        ),
        Operation::ImageToImage => ("edit --image boat.png --strength 0.6 --prompt sea", SIZE),
        Operation::Outpaint => (
            "outpaint --image boat.png --left 16 --prompt sea",
            (SIZE.0 + ADDED_PX, SIZE.1),
        ),
        Operation::Variations => ("variations --image boat.png --size 32x32", OWN_SIZE),
        Operation::Blend => (
            "blend --image boat.png --image sea.png --size 32x32",
            OWN_SIZE,
        ),
        Operation::Shift => (
            "shift --image boat.png --from boat --to sea --size 32x32",
            OWN_SIZE,
        ),
        Operation::Upscale => ("upscale --diffusion --image small.png --scale 2", SIZE),
    }
}

/// A home whose library has each family's model, with pictures to start from.
struct Desk {
    home: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            home: TempDir::new().unwrap(),
        };
        for (name, _) in FAMILIES {
            let folder = desk.at("models").join(name);
            copy_folder(&fixture_path(name), &folder);
            let (width, height) = OWN_SIZE;
            let card = format!(r#"{{"name": "{name}", "size": [{width}, {height}]}}"#);
            fs::write(folder.join("limn.json"), card).unwrap();
        }
        source(200, SIZE).save(desk.at("boat.png")).unwrap();
        source(20, SIZE).save(desk.at("sea.png")).unwrap();
        let small = (SIZE.0 / 2, SIZE.1 / 2);
        source(200, small).save(desk.at("small.png")).unwrap();
        let mask = GrayImage::from_fn(SIZE.0, SIZE.1, |x, y| {
            Luma([if is_masked(x, y) { 255 } else { 0 }])
        });
        mask.save(desk.at("mask.png")).unwrap();
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, family: &str, operation: Operation) -> Command {
        let (arguments, _) = command(operation);
        let mut command = limn(self.home.path());
        command
            .args(arguments.split(' '))
            .args(["--model", family, "--device", "cpu", "--steps", "2"])
            .args(["--seed", "5", "--out", "out.png"])
            .current_dir(self.home.path());
        command
    }

    /// Runs what the family can do, and sees that the rest is refused by name.
    fn check(&self, operations: &[Operation]) {
        for (family, can) in FAMILIES {
            for &operation in operations {
                let mut command = self.command(family, operation);
                if can.contains(&operation) {
                    assert_success(&command.output().unwrap());
                    self.check_picture(family, operation);
                } else {
                    let expected = format!("“{operation}” is not for this model");
                    assert_refused(&mut command, 1, &[&expected]);
                    assert!(!self.at("out.png").exists(), "{family}: {operation}");
                }
            }
        }
    }

    fn check_picture(&self, family: &str, operation: Operation) {
        let what = format!("{family}: {operation}");
        let file = fs::read(self.at("out.png")).unwrap();
        fs::remove_file(self.at("out.png")).unwrap();
        let recipe = picture_file::read_header(&file).unwrap().recipe.unwrap();
        let pixels = picture_file::decode(&file).unwrap();
        assert_eq!(pixels.dimensions(), command(operation).1, "{what}");
        assert_eq!(recipe.deed, Origin::Made(operation), "{what}");
        assert_eq!(recipe.model, family, "{what}");
        assert!(pixels.pixels().all(|pixel| pixel[3] == 255), "{what}");
        let (n_masked, n_kept) = match operation {
            Operation::Inpaint => changes(&pixels, 0, is_masked),
            Operation::ImageToImage => changes(&pixels, 0, |_, _| true),
            Operation::Outpaint => {
                let (_, n_kept) = changes(&pixels, ADDED_PX, |_, _| false);
                let added = pixels.enumerate_pixels().filter(|(x, ..)| *x < ADDED_PX);
                let colours: std::collections::HashSet<_> =
                    added.map(|(.., pixel)| pixel).collect();
                (colours.len(), n_kept)
            }
            _ => return,
        };
        assert_eq!(n_kept, 0, "{what}: pixels that may not change have");
        assert!(n_masked > 100, "{what}: {n_masked} pixels are new");
    }
}

/// How many pixels of the source have changed that may, and that may not. It lies `left` pixels from the edge.
fn changes(pixels: &RgbaImage, left: u32, may_change: impl Fn(u32, u32) -> bool) -> (usize, usize) {
    let before = source(200, SIZE);
    let changed = before.enumerate_pixels().filter(|(x, y, before)| {
        let [red, green, blue, _] = pixels.get_pixel(x + left, *y).0;
        [red, green, blue] != before.0
    });
    let (masked, kept): (Vec<_>, Vec<_>) = changed.partition(|(x, y, _)| may_change(*x, *y));
    (masked.len(), kept.len())
}

#[test]
fn every_family_tells_what_it_can_do() {
    let desk = Desk::new();
    for (family, can) in FAMILIES {
        let output = limn(desk.home.path())
            .arg("inspect")
            .arg(desk.at("models").join(family))
            .arg("--json")
            .output()
            .unwrap();
        assert_success(&output);
        let abilities = &json_events(&output)[0]["model"]["abilities"];
        let abilities = abilities.as_array().unwrap().iter();
        let told: Vec<&str> = abilities.filter_map(|ability| ability.as_str()).collect();
        for operation in Operation::ALL {
            let is_told = told.contains(&operation.label());
            assert_eq!(is_told, can.contains(&operation), "{family}: {told:?}");
        }
    }
}

#[test]
fn every_family_draws_from_words_or_refuses() {
    Desk::new().check(&[Operation::Generate, Operation::Shift]);
}

#[test]
fn every_family_changes_what_may_change_and_nothing_else() {
    Desk::new().check(&EDITS);
}

#[test]
fn every_family_draws_from_pictures_or_refuses() {
    Desk::new().check(&[Operation::Variations, Operation::Blend]);
}

#[test]
fn every_family_draws_larger_pictures_anew_or_refuses() {
    Desk::new().check(&[Operation::Upscale]);
}
