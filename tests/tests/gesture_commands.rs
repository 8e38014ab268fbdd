//! `limn variations`, `blend` and `shift`: what is made carries what it was made from, what cannot be made is said.
#![allow(clippy::float_cmp)] // What was given is written down as it is.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use image::{Rgba, RgbaImage};
use limn::gallery::{Origin, Recipe, picture_file};
use limn_engine::protocol::{BlendNoise, Mix, Operation};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    command_line::{SIZE, assert_refused, assert_success, json_events, limn},
    harness::fixture_path,
};

/// A folder with two pictures from elsewhere, and one of nothing.
struct Desk {
    home: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            home: TempDir::new().unwrap(),
        };
        let picture = |red: u8| {
            RgbaImage::from_fn(40, 40, |x, y| {
                Rgba([red, (x * 5) as u8, (y * 6) as u8, 255])
            })
        };
        picture(200).save(desk.at("red.png")).unwrap();
        picture(20).save(desk.at("blue.png")).unwrap();
        RgbaImage::new(40, 40).save(desk.at("nothing.png")).unwrap();
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// `limn` on the fixture, small and on the CPU.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = limn(self.home.path());
        command
            .args(arguments)
            .arg("--model")
            .arg(fixture_path("pipeline"))
            .args([
                "--device",
                "cpu",
                "--steps",
                "3",
                "--prior-steps",
                "2",
                "--seed",
                "5",
            ])
            .args(SIZE)
            .current_dir(self.home.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert_success(&output);
        output
    }

    fn read(&self, name: &str) -> (RgbaImage, Recipe) {
        let file = std::fs::read(self.at(name)).unwrap();
        let recipe = picture_file::read_header(&file).unwrap().recipe.unwrap();
        let pixels = picture_file::decode(&file).unwrap();
        assert_eq!((recipe.width, recipe.height), pixels.dimensions());
        (pixels, recipe)
    }

    /// Runs what must fail with a code and these words, and write nothing.
    fn refuses(&self, arguments: &[&str], code: i32, expected: &str) {
        let mut command = self.command(arguments);
        command.args(["--out", "bad.png"]);
        assert_refused(&mut command, code, &[expected]);
        assert!(!self.at("bad.png").exists());
    }
}

#[test]
fn variations_name_what_they_vary() {
    let desk = Desk::new();
    let far = ["variations", "--image", "red.png", "--count", "2"];
    let output = desk.run(&[&far[..], &["--out", "far.png", "--best-of", "2", "--json"]].concat());
    let events = json_events(&output);
    let pictures: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "picture")
        .collect();
    assert_eq!(pictures.len(), 2);
    for (index, picture) in pictures.iter().enumerate() {
        assert_eq!(picture["index"], json!(index));
        assert!(picture["score"].as_f64().unwrap().abs() <= 1.0);
    }
    let phases = events.iter().filter_map(|event| event["phase"].as_str());
    assert!(phases.clone().any(|phase| phase == "encode"));
    // Without words there is nothing for the prior to do.
    assert!(phases.clone().all(|phase| phase != "prior"));
    let (first, recipe) = desk.read("far-1.png");
    assert_ne!(desk.read("far-2.png").0, first);
    assert_eq!(
        (recipe.deed, recipe.best_of),
        (Origin::Made(Operation::Variations), 2)
    );
    assert_eq!(recipe.variations.as_ref().unwrap().far, 1.0);
    assert!(recipe.parents.is_empty(), "it came from elsewhere");
    assert_eq!(recipe.title(), "Variation of “red.png”");

    let near = [
        "variations",
        "--image",
        "far-1.png",
        "--far",
        "0.3",
        "--prompt",
        "the sea",
    ];
    desk.run(&[&near[..], &["--out", "near.png"]].concat());
    let (_, near) = desk.read("near.png");
    assert_eq!(near.parents, [recipe.id]);
    assert_eq!(near.prompt, "the sea");
    assert_eq!(near.variations.unwrap().far, 0.3);
}

#[test]
fn a_blend_keeps_its_inputs_in_their_order() {
    let desk = Desk::new();
    desk.run(&["variations", "--image", "blue.png", "--out", "parent.png"]);
    let (_, parent) = desk.read("parent.png");
    let inputs = "--text boat --weight 1 --image parent.png --image red.png --weight 2 --weight 1";
    let inputs: Vec<&str> = inputs.split(' ').collect();
    let blend = [&["blend"], &inputs[..]].concat();
    desk.run(
        &[
            &blend[..],
            &["--mix", "linear", "--noise", "seed", "--out", "one.png"],
        ]
        .concat(),
    );
    let (_, recipe) = desk.read("one.png");
    assert_eq!(
        (recipe.deed, &recipe.parents[..]),
        (Origin::Made(Operation::Blend), &[parent.id][..])
    );
    let facts = recipe.blend.unwrap();
    assert_eq!((facts.mix, facts.noise), (Mix::Linear, BlendNoise::Seed));
    let all = facts.inputs.iter();
    let all: Vec<_> = all
        .map(|input| (input.text.as_deref(), input.picture, input.weight))
        .collect();
    assert_eq!(
        all,
        [
            (Some("boat"), None, 0.25),
            (None, Some(parent.id), 0.5),
            (None, None, 0.25),
        ]
    );
}

#[test]
fn a_strip_goes_from_one_picture_to_the_other() {
    let desk = Desk::new();
    let ends = ["blend", "--image", "red.png", "--image", "blue.png"];
    let output = desk.run(&[&ends[..], &["--strip", "3", "--out", "s.png", "--json"]].concat());
    let inverted = json_events(&output);
    let inverted = inverted.iter().filter(|event| event["phase"] == "invert");
    assert_eq!(inverted.count(), 100, "each of the two once");
    let strip = ["s-1.png", "s-2.png", "s-3.png"].map(|name| desk.read(name));
    for ((_, recipe), second) in strip.iter().zip([0.0, 0.5, 1.0]) {
        assert_eq!((recipe.seed, recipe.sampler.as_str()), (5, "ddim"));
        let facts = recipe.blend.as_ref().unwrap();
        assert_eq!(facts.noise, BlendNoise::Inverted);
        assert_eq!(facts.inputs[1].weight, second);
    }
    // One of them alone is the same picture.
    desk.run(
        &[
            &ends[..],
            &["--weight", "3", "--weight", "3", "--out", "half.png"],
        ]
        .concat(),
    );
    assert!(desk.read("half.png").0 == strip[1].0);
    // Several of one way are not the same one.
    desk.run(&[&ends[..], &["--count", "2", "--out", "c.png"]].concat());
    assert_ne!(desk.read("c-1.png").0, desk.read("c-2.png").0);
}

#[test]
fn a_shift_writes_a_picture_for_each_amount() {
    let desk = Desk::new();
    let shift = [
        "shift",
        "--image",
        "red.png",
        "--from",
        "the sea",
        "--to",
        "a red boat",
    ];
    desk.run(&[&shift[..], &["--out", "usual.png"]].concat());
    let (usual, recipe) = desk.read("usual.png");
    assert_eq!(recipe.deed, Origin::Made(Operation::Shift));
    let facts = recipe.shift.unwrap();
    assert_eq!(
        (facts.from.as_str(), facts.to.as_str()),
        ("the sea", "a red boat")
    );
    assert_eq!(facts.amount, 0.75);
    let amounts = ["--amount", "0", "--amount", "0.75", "--out", "s.png"];
    desk.run(&[&shift[..], &amounts].concat());
    let [(none, first), (same, second)] = ["s-1.png", "s-2.png"].map(|name| desk.read(name));
    let amounts = [first, second].map(|recipe| recipe.shift.unwrap().amount);
    assert_eq!(amounts, [0.0, 0.75]);
    assert!(usual == same && none != same);
}

#[test]
fn what_cannot_be_made_gets_one_clear_line() {
    let desk = Desk::new();
    let table: &[(&[&str], i32, &str)] = &[
        (&["variations"], 2, "--image"),
        (&["variations", "--image", "none.png"], 1, "none.png"),
        (&["variations", "--image", "nothing.png"], 1, "transparent"),
        (
            &["variations", "--image", "red.png", "--far", "1.1"],
            2,
            "from 0 to 1",
        ),
        (
            &["variations", "--image", "red.png", "--far", "NaN"],
            2,
            "from 0 to 1",
        ),
        (&["blend"], 2, "here are 0"),
        (&["blend", "--text", "boat"], 2, "here are 1"),
        (
            &["blend", "--text", "a", "--text", "b", "--weight", "1"],
            2,
            "1 weights",
        ),
        (
            &["blend", "--text", "a", "--text", "b", "--mix", "magic"],
            2,
            "slerp",
        ),
        (&["blend", "--text", "a", "--text", " "], 1, "empty"),
        (
            &["blend", "--text", "a", "--image", "nothing.png"],
            1,
            "transparent",
        ),
        (
            &[
                "blend", "--text", "a", "--text", "b", "--strip", "3", "--count", "2",
            ],
            1,
            "a strip goes",
        ),
        (&["shift", "--image", "red.png", "--from", "day"], 2, "--to"),
        (
            &[
                "shift", "--image", "red.png", "--from", "sea", "--to", "sea",
            ],
            1,
            "mean the same",
        ),
        (
            &["shift", "--image", "red.png", "--from", "", "--to", "sea"],
            1,
            "empty",
        ),
        (
            &[
                "shift", "--image", "red.png", "--from", "day", "--to", "sea", "--amount", "2",
            ],
            2,
            "from 0 to 1",
        ),
        (
            &[
                "shift", "--image", "red.png", "--from", "day", "--to", "sea", "--count", "4",
            ],
            1,
            "a shift has one answer",
        ),
    ];
    for (arguments, code, expected) in table {
        desk.refuses(arguments, *code, expected);
    }
}
