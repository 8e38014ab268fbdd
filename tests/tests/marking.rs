//! T15: whatever way a picture takes to a file, the file says how the picture came to be.

use std::{fs, path::Path};

use limn::gallery::picture_file;
use limn::marking;
use tempfile::TempDir;

use super::command_line::{SIZE, assert_success, json_events, limn};
use super::gallery::pixels;
use crate::harness::fixture_path;

/// What a file's mark says.
fn mark_of(path: &Path) -> Option<String> {
    let file = fs::read(path).unwrap();
    let header = picture_file::read_header(&file).unwrap();
    let mark = header.xmp.as_deref().and_then(marking::source_type);
    mark.map(str::to_owned)
}

struct Desk {
    home: TempDir,
}

impl Desk {
    fn run(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = limn(self.home.path());
        let output = command
            .args(arguments)
            .current_dir(self.home.path())
            .output()
            .unwrap();
        assert_success(&output);
        output
    }

    /// A command that draws with the small model.
    fn draw(&self, arguments: &[&str], out: &str) {
        let model = fixture_path("pipeline").display().to_string();
        let rest = [
            "--model",
            &model,
            "--device",
            "cpu",
            "--steps",
            "2",
            "--prior-steps",
            "2",
            "--seed",
            "5",
            "--out",
            out,
        ];
        self.run(&[arguments, &rest, &SIZE].concat());
    }

    fn assert_marked(&self, name: &str, expected: Option<&str>) {
        let path = self.home.path().join(name);
        assert_eq!(mark_of(&path).as_deref(), expected, "{name}");
    }
}

#[test]
fn every_way_to_a_file_is_marked() {
    let whole = Some(marking::TRAINED_ALGORITHMIC_MEDIA);
    let part = Some(marking::COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA);
    let desk = Desk {
        home: TempDir::new().unwrap(),
    };
    let at = |name: &str| desk.home.path().join(name);
    pixels(1).save(at("photo.png")).unwrap();
    let mut n_ways = 0;
    let mut check = |name: &str, expected: Option<&str>| {
        desk.assert_marked(name, expected);
        n_ways += 1;
    };

    // Each command that draws, from nothing, from a drawn picture, from a photo.
    desk.draw(&["generate", "--prompt", "boats"], "made.png");
    check("made.png", whole);
    for source in ["made.png", "photo.png"] {
        for (command, options, expected) in [
            ("edit", &["--prompt", "boats"][..], whole),
            ("outpaint", &["--right", "16", "--prompt", "boats"], part),
            ("variations", &[], whole),
            (
                "blend",
                &["--weight", "1", "--text", "sea", "--weight", "1"],
                whole,
            ),
            ("shift", &["--from", "day", "--to", "night"], whole),
        ] {
            let out = format!("{command}-of-{source}");
            desk.draw(&[&[command, "--image", source], options].concat(), &out);
            check(&out, expected);
        }
    }
    for (source, expected) in [("made.png", whole), ("photo.png", part)] {
        let out = format!("larger-{source}");
        desk.run(&[
            "upscale",
            "--image",
            source,
            "--scale",
            "2",
            "--resample",
            "--out",
            &out,
        ]);
        check(&out, expected);
    }

    // Into the gallery and out of it again, in each format, with and without the recipe.
    let imported = desk.run(&["gallery", "import", "made.png", "--json"]);
    let id = json_events(&imported).last().unwrap()["added"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let listed = json_events(&desk.run(&["gallery", "list", "--json"]));
    check(listed[0]["path"].as_str().unwrap(), whole);
    for ending in ["png", "jpg", "webp"] {
        for (name, options) in [("with", &[][..]), ("without", &["--without-recipe"])] {
            let out = format!("{name}.{ending}");
            desk.run(&[&["gallery", "export", &id, "--out", &out], options].concat());
            check(&out, whole);
        }
    }
    // Another program's picture that is marked, and has no recipe.
    let xmp = marking::xmp_packet(marking::TRAINED_ALGORITHMIC_MEDIA);
    let foreign = limn::gallery::export::encode(
        &image::DynamicImage::from(pixels(7)).into_rgba8(),
        Some(xmp),
        limn::gallery::export::Format::Png,
    );
    fs::write(at("foreign.png"), foreign.unwrap()).unwrap();
    let imported = desk.run(&["gallery", "import", "foreign.png", "--json"]);
    let id = json_events(&imported).last().unwrap()["added"][0]
        .as_str()
        .unwrap()
        .to_owned();
    for ending in ["png", "jpg", "webp"] {
        let out = format!("foreign-copy.{ending}");
        desk.run(&["gallery", "export", &id, "--out", &out]);
        check(&out, whole);
    }
    assert_eq!(n_ways, 23);
}
