use super::*;
use crate::import;
use crate::tools::mask_ops;
use crate::tools::{MaskAction, MaskWork, Wand};

fn n_masked(bench: &Bench) -> usize {
    bench
        .whole_mask()
        .iter()
        .filter(|value| **value > 0)
        .count()
}

#[test]
fn boxes_and_their_modifiers() {
    for (tool, shift, expected) in [
        (Tool::Rectangle, false, PixelRect::new(10, 8, 30, 20)),
        (Tool::Rectangle, true, PixelRect::new(10, 8, 30, 30)),
        (Tool::Ellipse, false, PixelRect::new(10, 8, 30, 20)),
        (Tool::Ellipse, true, PixelRect::new(10, 8, 30, 30)),
    ] {
        let mut bench = Bench::new(tool);
        bench.modifiers.shift = shift;
        assert_eq!(
            bench.drag(&[(10.2, 8.3), (40.4, 28.1)]),
            ToolOutcome::Committed
        );
        assert_eq!(bench.bounds(), expected, "{tool:?} {shift}");
        if tool == Tool::Rectangle {
            assert_eq!(n_masked(&bench), expected.n_pixels() as usize);
        }
    }
}

#[test]
fn alt_takes_away() {
    for tool in [Tool::Rectangle, Tool::Ellipse, Tool::Lasso, Tool::Wand] {
        let mut bench = Bench::new(Tool::Rectangle);
        bench.drag(&[(0.0, 0.0), (64.0, 48.0)]);
        bench.choose(tool);
        bench.modifiers.alt = true;
        let corners = [
            (10.0, 10.0),
            (30.0, 10.0),
            (30.0, 30.0),
            (10.0, 30.0),
            (30.0, 30.0),
        ];
        bench.drag(&corners);
        assert_eq!(
            [bench.mask(25, 15), bench.mask(40, 40)],
            [0, 255],
            "{tool:?}"
        );
        bench.document.undo();
        assert_eq!(bench.mask(25, 15), 255, "{tool:?}");
    }
}

#[test]
fn a_box_without_area_is_no_step() {
    for tool in [Tool::Rectangle, Tool::Ellipse, Tool::Lasso] {
        let mut bench = Bench::new(tool);
        assert_eq!(bench.click((20.0, 20.0)), ToolOutcome::Nothing, "{tool:?}");
        assert_eq!(
            bench.drag(&[(-90.0, 3.0), (-40.0, 9.0)]),
            ToolOutcome::Nothing
        );
        assert_eq!(bench.document.next_undo(), Some(StepName::OpenPicture));
    }
}

#[test]
fn a_lasso_closes_itself() {
    let mut bench = Bench::new(Tool::Lasso);
    bench.drag(&[(10.0, 10.0), (40.0, 10.0), (40.0, 30.0), (10.0, 30.0)]);
    assert_eq!(bench.bounds(), PixelRect::new(10, 10, 30, 20));
    assert_eq!(n_masked(&bench), 600);
}

#[test]
fn the_wand_finds_by_colour() {
    for (at, tolerance, expected) in [
        ((5.0, 5.0), 32, 32 * 48),
        ((50.0, 5.0), 0, 32 * 48),
        ((5.0, 5.0), 220, 64 * 48),
        ((5.0, 5.0), 219, 32 * 48),
    ] {
        let mut bench = Bench::new(Tool::Wand);
        bench.toolbox.settings.wand = Wand {
            tolerance,
            is_contiguous: true,
        };
        let outcome = bench.event(PointerKind::Down, at);
        assert_eq!(outcome, ToolOutcome::Committed);
        assert_eq!(n_masked(&bench), expected, "{at:?} {tolerance}");
    }
    let mut bench = Bench::new(Tool::Wand);
    let outside = bench.event(PointerKind::Down, (-5.0, 5.0));
    assert_eq!(outside, ToolOutcome::Nothing);
}

#[test]
fn the_wand_adds_to_a_soft_mask() {
    let mut bench = Bench::new(Tool::Brush);
    bench.set_brush(9.0, 1.0, 0.5);
    bench.drag(&[(20.0, 20.0), (44.0, 20.0)]);
    bench.choose(Tool::Wand);
    bench.click((5.0, 5.0));
    assert_eq!(
        [bench.mask(22, 20), bench.mask(42, 20), bench.mask(42, 5)],
        [255, 128, 0]
    );
}

#[test]
fn polygons_finish_in_three_ways() {
    let corners = [(10.0, 10.0), (40.0, 10.0), (40.0, 30.0), (10.0, 30.0)];
    for way in ["at the start", "twice", "enter"] {
        let mut bench = Bench::new(Tool::Polygon);
        for corner in corners {
            assert_eq!(bench.click(corner), ToolOutcome::Nothing);
        }
        assert!(bench.toolbox.is_drawing_polygon());
        assert!(bench.document.content().mask.is_empty());
        let outcome = match way {
            "at the start" => bench.event(PointerKind::Down, (10.5, 9.5)),
            "twice" => {
                bench.click(corners[3]);
                bench.event(PointerKind::DoubleClick, corners[3])
            }
            _ => bench.toolbox.finish(&mut bench.document),
        };
        assert_eq!(outcome, ToolOutcome::Committed, "{way}");
        assert!(!bench.toolbox.is_drawing_polygon());
        assert_eq!(n_masked(&bench), 600, "{way}");
        assert_eq!(bench.document.next_undo(), Some(StepName::Polygon));
    }
}

#[test]
fn a_polygon_of_two_corners_is_nothing() {
    let mut bench = Bench::new(Tool::Polygon);
    bench.click((10.0, 10.0));
    bench.click((40.0, 10.0));
    assert_eq!(
        bench.toolbox.finish(&mut bench.document),
        ToolOutcome::Nothing
    );
    assert!(!bench.toolbox.is_drawing_polygon());
    assert_eq!(
        bench.toolbox.finish(&mut bench.document),
        ToolOutcome::Nothing
    );
}

#[test]
fn shift_turns_polygon_sides_by_eighths() {
    let mut bench = Bench::new(Tool::Polygon);
    bench.click((10.0, 10.0));
    bench.modifiers.shift = true;
    bench.click((40.0, 11.5));
    bench.click((39.0, 31.0));
    bench.toolbox.finish(&mut bench.document);
    assert_eq!(
        [bench.mask(38, 10), bench.mask(39, 28), bench.mask(40, 28)],
        [255, 255, 0]
    );
}

#[test]
fn whole_masks_change_as_one_step_each() {
    let n_all = FRAME.n_pixels() as usize;
    let mut bench = Bench::new(Tool::Rectangle);
    bench.drag(&[(10.0, 10.0), (20.0, 20.0)]);
    for (action, expected) in [
        (MaskAction::Invert, n_all - 100),
        (MaskAction::Invert, 100),
        (MaskAction::Grow { px: 1.0 }, 144),
        (MaskAction::Shrink { px: 1.0 }, 100),
        (MaskAction::All, n_all),
        (MaskAction::Shrink { px: 5.0 }, n_all),
        (MaskAction::Clear, 0),
        (MaskAction::Last, n_all),
    ] {
        let version = bench.document.version();
        let is_changed = MaskWork::action(action).carry_out(&mut bench.document);
        assert_eq!(n_masked(&bench), expected, "{action:?}");
        assert_eq!(
            is_changed,
            action != MaskAction::Shrink { px: 5.0 },
            "{action:?}"
        );
        assert!(bench.document.version() > version);
    }
    for expected in [0, n_all, 100, 144, 100, n_all - 100, 100, 0] {
        bench.document.undo();
        assert_eq!(n_masked(&bench), expected);
    }
    assert_eq!(bench.document.next_undo(), Some(StepName::OpenPicture));
}

#[test]
fn the_last_mask_and_the_present_one_change_places() {
    let mut bench = Bench::new(Tool::Rectangle);
    bench.drag(&[(10.0, 10.0), (20.0, 20.0)]);
    MaskWork::action(MaskAction::Clear).carry_out(&mut bench.document);
    bench.drag(&[(0.0, 0.0), (4.0, 4.0)]);
    for expected in [100, 16, 100] {
        assert!(MaskWork::action(MaskAction::Last).carry_out(&mut bench.document));
        assert_eq!(n_masked(&bench), expected);
    }
}

#[test]
fn softening_spreads_the_edge_over_its_width() {
    let mut bench = Bench::new(Tool::Rectangle);
    bench.drag(&[(0.0, 0.0), (32.0, 48.0)]);
    assert!(MaskWork::action(MaskAction::Feather { px: 8.0 }).carry_out(&mut bench.document));
    let row = bench.mask_row(24);
    assert!(row.windows(2).all(|pair| pair[0] >= pair[1]));
    let soft = row.iter().filter(|value| (1..255).contains(*value)).count();
    assert!((7..=9).contains(&soft), "{soft}");
    assert!(row[30] > 127 && row[33] < 128);
    // The picture's own edge is no edge of the mask.
    assert_eq!(row[0], 255);
}

#[test]
fn nothing_to_change_is_no_step() {
    let mut bench = Bench::new(Tool::Brush);
    for action in [
        MaskAction::Clear,
        MaskAction::Last,
        MaskAction::Grow { px: 4.0 },
        MaskAction::Shrink { px: 4.0 },
        MaskAction::Feather { px: 4.0 },
    ] {
        assert!(
            !MaskWork::action(action).carry_out(&mut bench.document),
            "{action:?}"
        );
    }
    assert_eq!(bench.document.next_undo(), Some(StepName::OpenPicture));
}

#[test]
fn a_mask_goes_to_a_file_and_back() {
    let mut bench = Bench::new(Tool::Brush);
    bench.set_brush(20.0, 0.2, 0.8);
    bench.drag(&[(8.0, 8.0), (40.0, 30.0)]);
    let before = bench.whole_mask();
    let png = mask_ops::encode_png(bench.document.content()).expect("a mask is encoded");
    MaskWork::action(MaskAction::Clear).carry_out(&mut bench.document);
    let picture = import::decode(&png).expect("it is read again").pixels;
    let mask = mask_ops::of_picture(&picture, FRAME).expect("of the same size");
    assert!(MaskWork::load(mask).carry_out(&mut bench.document));
    // What is all but nothing is nothing in a file.
    let seen = before
        .into_iter()
        .map(|value| if value < 8 { 0 } else { value });
    assert_eq!(bench.whole_mask(), seen.collect::<Vec<_>>());
    assert_eq!(bench.document.next_undo(), Some(StepName::MaskLoad));
}

#[test]
fn files_that_are_no_mask_for_this_picture_are_refused() {
    let bench = Bench::new(Tool::Brush);
    let png = mask_ops::encode_png(bench.document.content()).expect("an empty mask is one");
    let other = PixelRect::from_size(65, 48);
    let picture = import::decode(&png).expect("it is read again").pixels;
    let error = mask_ops::of_picture(&picture, other).expect_err("another size");
    assert_eq!(
        error.to_string(),
        "This mask is 64 × 48 px, the picture 65 × 48: a mask must have the picture's size"
    );
}

#[test]
fn coloured_and_transparent_pictures_are_masks_by_their_lightness() {
    let pixels = [
        [255, 255, 255, 255],
        [255, 255, 255, 0],
        [0, 0, 0, 255],
        [255, 255, 255, 128],
    ];
    let picture = image::RgbaImage::from_raw(4, 1, pixels.concat()).expect("four pixels");
    let frame = PixelRect::new(-2, 7, 4, 1);
    let mask = mask_ops::of_picture(&picture, frame).expect("a mask");
    assert_eq!(mask.read(frame), [255, 0, 0, 128]);
}

#[test]
fn the_eyedropper_takes_what_is_seen() {
    let mut bench = Bench::new(Tool::Eyedropper);
    let blue = ToolOutcome::Picked([20, 40, 200]);
    let orange = ToolOutcome::Picked([240, 140, 20]);
    assert_eq!(
        bench.event(PointerKind::Moved, (5.0, 5.0)),
        ToolOutcome::Nothing
    );
    assert_eq!(bench.event(PointerKind::Down, (31.9, 5.0)), blue);
    assert_eq!(bench.event(PointerKind::Moved, (32.0, 5.0)), orange);
    assert_eq!(
        bench.event(PointerKind::Moved, (-9.0, 5.0)),
        ToolOutcome::Nothing
    );
    bench.event(PointerKind::Up, (-9.0, 5.0));
    assert_eq!(bench.toolbox.settings.colour, [240, 140, 20]);
}
