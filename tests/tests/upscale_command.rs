//! `limn upscale`: what comes out is larger and nothing else, keeps its recipe and transparency, and says what it is.

use limn_engine::protocol::Operation;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use image::{Rgba, RgbaImage};
use limn::gallery::export::{self, Format};
use limn::gallery::{Origin, Recipe, picture_file};
use limn::marking;
use tempfile::TempDir;

use crate::{
    command_line::{SIZE, assert_refused, assert_success, json_events, limn, words},
    harness::fixture_path,
};

fn upscaler_path(name: &str) -> PathBuf {
    fixture_path("upscalers")
        .join(name)
        .join("model.safetensors")
}

fn upscale(home: &Path, image: &str, out: &str) -> Command {
    let mut command = limn(home);
    command
        .current_dir(home)
        .args(["upscale", "--device", "cpu", "--image", image, "--out", out]);
    command
}

/// A picture that is transparent on its left, 12 × 10.
fn half_transparent(home: &Path) -> RgbaImage {
    let picture = RgbaImage::from_fn(12, 10, |x, y| {
        let alpha = if x < 4 { 0 } else { 255 };
        Rgba([20 * x as u8, 20 * y as u8, 128, alpha])
    });
    picture.save(home.join("half.png")).unwrap();
    picture
}

fn read(home: &Path, name: &str) -> (RgbaImage, Recipe, String) {
    let file = fs::read(home.join(name)).unwrap();
    let header = picture_file::read_header(&file).unwrap();
    let pixels = picture_file::decode(&file).unwrap();
    let recipe = header.recipe.unwrap();
    assert_eq!((recipe.width, recipe.height), pixels.dimensions());
    (pixels, recipe, header.xmp.unwrap())
}

/// As the window's sheet makes them: larger, as transparent as the picture, with how they came to be.
#[test]
fn a_copy_from_the_gallery_can_be_larger() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    half_transparent(home);
    let run = |arguments: &[&str]| {
        let mut command = limn(home);
        command.current_dir(home).args(arguments).output().unwrap()
    };
    let imported = run(&["gallery", "import", "half.png", "--json"]);
    assert_success(&imported);
    let added = json_events(&imported);
    let id = added.last().unwrap()["added"][0].as_str().unwrap();
    let export = |scale: &str, out: &str| {
        let of = ["gallery", "export", id, "--device", "cpu"];
        let mut command = limn(home);
        let how = ["--scale", scale, "--out", out];
        command.current_dir(home).args(of).args(how);
        command
    };
    assert_success(&export("2", "twice.png").output().unwrap());
    let (larger, recipe, _) = read(home, "twice.png");
    assert_eq!(larger.dimensions(), (24, 20));
    assert_eq!((larger[(0, 9)][3], larger[(23, 9)][3]), (0, 255));
    assert_eq!(recipe.upscale.unwrap().scale, 2);
    assert_success(&export("4", "four.jpg").output().unwrap());
    let four = image::open(home.join("four.jpg")).unwrap();
    assert_eq!((four.width(), four.height()), (48, 40));
    // No file is written over, and no other scale is made.
    assert_refused(&mut export("2", "twice.png"), 1, &["twice.png"]);
    assert_refused(&mut export("3", "three.png"), 2, &["1, 2 or 4"]);
    assert!(!home.join("three.png").exists());
}

#[test]
fn a_picture_from_elsewhere_keeps_its_transparency_and_tells_what_made_it_larger() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let source = half_transparent(home);
    assert_success(
        &upscale(home, "half.png", "larger.png")
            .arg("--resample")
            .output()
            .unwrap(),
    );
    let (larger, recipe, xmp) = read(home, "larger.png");
    assert_eq!(larger.dimensions(), (48, 40));
    for (x, y, pixel) in larger.enumerate_pixels() {
        if x < 12 {
            assert_eq!(pixel[3], 0, "{x} {y}");
        } else if x >= 20 {
            assert_eq!(pixel[3], 255, "{x} {y}");
            let nearest = source.get_pixel(x / 4, y / 4);
            assert!(pixel[0].abs_diff(nearest[0]) <= 20, "{x} {y}");
        }
    }
    let facts = recipe.upscale.unwrap();
    assert_eq!(
        (recipe.deed, facts.scale, facts.of_ai),
        (Origin::Made(Operation::Upscale), 4, false)
    );
    assert_eq!(facts.upscaler, "Lanczos resampler");
    assert_eq!(facts.upscaler_hash, None);
    assert_eq!(facts.of.as_deref(), Some("half.png"));
    assert!(recipe.parents.is_empty());
    let mark = marking::source_type(&xmp).unwrap();
    assert_eq!(mark, marking::COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA);
}

#[test]
fn a_picture_that_is_marked_as_made_by_ai_stays_wholly_so_whatever_its_format() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let pixels = RgbaImage::from_pixel(12, 10, Rgba([40, 90, 160, 255]));
    for name in ["art.jpg", "art.webp", "art.png"] {
        let format = Format::from_path(name.as_ref()).unwrap();
        let mark = marking::xmp_packet(marking::TRAINED_ALGORITHMIC_MEDIA);
        let file = export::encode(&pixels, Some(mark), format).unwrap();
        fs::write(home.join(name), file).unwrap();
        let mut command = upscale(home, name, "larger.png");
        assert_success(&command.arg("--resample").output().unwrap());
        let (_, recipe, xmp) = read(home, "larger.png");
        assert!(recipe.upscale.unwrap().of_ai, "{name}");
        let mark = marking::source_type(&xmp);
        assert_eq!(mark, Some(marking::TRAINED_ALGORITHMIC_MEDIA), "{name}");
        fs::remove_file(home.join("larger.png")).unwrap();
    }
}

#[test]
fn a_picture_of_limn_keeps_its_words_and_becomes_the_parent() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let mut generate = limn(home);
    generate
        .current_dir(home)
        .args([
            "generate",
            "--device",
            "cpu",
            "--steps",
            "2",
            "--prior-steps",
            "2",
        ])
        .args(SIZE)
        .args([
            "--prompt",
            "a red boat",
            "--seed",
            "5",
            "--out",
            "boat.png",
            "--model",
        ])
        .arg(fixture_path("pipeline"));
    assert_success(&generate.output().unwrap());
    let (_, source, _) = read(home, "boat.png");

    let mut command = upscale(home, "boat.png", "larger.png");
    command
        .args(["--scale", "2", "--json", "--model"])
        .arg(upscaler_path("esrgan_x4"));
    let output = command.output().unwrap();
    assert_success(&output);
    let (larger, recipe, xmp) = read(home, "larger.png");
    assert_eq!(larger.dimensions(), (128, 128));
    assert_eq!((recipe.prompt.as_str(), recipe.seed), ("a red boat", 5));
    assert_eq!(recipe.model, source.model);
    assert_eq!(recipe.parents, [source.id]);
    assert_ne!(recipe.id, source.id);
    let facts = recipe.upscale.unwrap();
    assert_eq!((facts.upscaler.as_str(), facts.scale), ("model", 2));
    assert_eq!(facts.upscaler_hash.unwrap().len(), 64);
    assert_eq!(
        marking::source_type(&xmp),
        Some(marking::TRAINED_ALGORITHMIC_MEDIA)
    );

    let events = json_events(&output);
    let of_kind = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    assert_eq!(
        [of_kind("started"), of_kind("picture"), of_kind("finished")],
        [1; 3]
    );
    let last = events
        .iter()
        .rfind(|event| event["event"] == "progress")
        .unwrap();
    // Two blocks of three, two doublings, two at the end: the last of them is told when it begins.
    assert_eq!(
        (&last["phase"], &last["step"], &last["n_steps"]),
        (&"upscale".into(), &9.into(), &10.into())
    );
}

#[test]
fn pictures_of_any_shape_become_as_many_times_as_large_as_was_asked() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    for (name, (width, height)) in [("dot", (1, 1)), ("line", (1, 37)), ("odd", (23, 9))] {
        let picture = RgbaImage::from_fn(width, height, |x, y| {
            Rgba([9 * x as u8, 5 * y as u8, 77, 255])
        });
        picture.save(home.join(format!("{name}.png"))).unwrap();
        for upscaler in [
            "esrgan_plus_x1",
            "esrgan_shuffled_x2",
            "compact_x3",
            "esrgan_x4",
        ] {
            for scale in [2, 4, 8] {
                let out = format!("{name}-{upscaler}-{scale}.png");
                let mut command = upscale(home, &format!("{name}.png"), &out);
                command.args(["--scale", &scale.to_string(), "--model"]);
                assert_success(&command.arg(upscaler_path(upscaler)).output().unwrap());
                let (larger, _, _) = read(home, &out);
                assert_eq!(
                    larger.dimensions(),
                    (scale * width, scale * height),
                    "{out}"
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_made_larger_is_refused_in_words() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    half_transparent(home);
    RgbaImage::new(9_000, 10)
        .save(home.join("wide.png"))
        .unwrap();
    fs::write(home.join("text.png"), "no picture").unwrap();
    fs::write(home.join("old.safetensors"), b"PK\x03\x04 and so on").unwrap();
    let foreign = fixture_path("unet").join("diffusion_pytorch_model.safetensors");
    let foreign = foreign.to_string_lossy();
    for (image, arguments, why) in [
        ("wide.png", &["--scale", "2"][..], "18000×20"),
        ("half.png", &["--scale", "3"], "one of 2, 4, 8"),
        ("text.png", &[], "not a picture"),
        ("none.png", &[], "cannot be read"),
        ("half.png", &["--model", "old.safetensors"], "pickle"),
        ("half.png", &["--model", &*foreign], "no upscaler of a kind"),
        (
            "half.png",
            &["--model", "no-such"],
            "there is no model `no-such`",
        ),
        ("half.png", &["--out", "larger.jpg"], "name it .png"),
    ] {
        let mut command = limn(home);
        command
            .current_dir(home)
            .args(["upscale", "--image", image])
            .args(arguments);
        if !arguments.contains(&"--out") {
            command.args(["--out", "larger.png"]);
        }
        assert_refused(&mut command, 1, &[why]);
        assert!(!home.join("larger.png").exists());
    }
    let wrong_usage = upscale(home, "half.png", "larger.png")
        .args(["--resample", "--model", "x"])
        .output()
        .unwrap();
    assert_eq!(wrong_usage.status.code(), Some(2));
}

#[test]
fn an_upscaler_can_be_inspected_and_draws_nothing() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    let path = upscaler_path("esrgan_shuffled_x2");
    let output = limn(home).arg("inspect").arg(&path).output().unwrap();
    assert_success(&output);
    let text = words(&output.stdout);
    for part in ["ESRGAN", "F16", "2 times as large"] {
        assert!(text.contains(part), "{text}");
    }
    let mut generate = limn(home);
    generate
        .current_dir(home)
        .args([
            "generate", "--prompt", "a boat", "--out", "boat.png", "--model",
        ])
        .arg(&path);
    assert_refused(&mut generate, 1, &["limn upscale"]);
}
