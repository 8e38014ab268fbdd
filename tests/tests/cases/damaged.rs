//! Damaged pictures: shown as far as they go, and told of.

use limn::import::{self, Note};

use super::Case;

/// What the cases call the colours of corners.
const COLOURS: [(&str, [bool; 3]); 4] = [
    ("red", [true, false, false]),
    ("green", [false, true, false]),
    ("blue", [false, false, true]),
    ("white", [true, true, true]),
];

pub fn check(cases: &[Case]) {
    for case in cases {
        let mut facts = case.facts();
        let imported = import::open(&case.path());
        let imported = imported.unwrap_or_else(|error| panic!("{}: {error}", case.file));
        assert_eq!(imported.notes, [Note::CutOff], "{}", case.file);
        let size = facts.take_if_told("size");
        assert_eq!(size, Some(imported.pixels.dimensions()), "{}", case.file);
        let corners: String = facts.take_if_told("corners").unwrap();
        check_corners(case, &imported.pixels, &corners);
        facts.end();
    }
}

/// Corners are told as in "red top left, white bottom right".
fn check_corners(case: &Case, pixels: &image::RgbaImage, told: &str) {
    let (right, bottom) = (pixels.width() - 3, pixels.height() - 3);
    for corner in told.split(", ") {
        let (colour, place) = corner.split_once(' ').unwrap();
        let (x, y) = match place {
            "top left" => (2, 2),
            "top right" => (right, 2),
            "bottom left" => (2, bottom),
            "bottom right" => (right, bottom),
            other => panic!("{other}"),
        };
        let is = pixels.get_pixel(x, y).0;
        let is_bright = [is[0] > 128, is[1] > 128, is[2] > 128];
        let named = COLOURS.iter().find(|(name, _)| *name == colour).unwrap();
        assert_eq!(is_bright, named.1, "{}: {corner} is {is:?}", case.file);
    }
}
