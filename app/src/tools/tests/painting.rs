use super::*;
use crate::document::tiles::Tiles;
use crate::tools::{Overlay, Point};

#[test]
fn a_drag_of_the_brush_masks_what_it_covers() {
    let bench = drag_brush(&[(8.0, 8.0), (40.0, 8.0)]);
    assert_eq!(bench.bounds(), PixelRect::new(3, 3, 42, 10));
    for (x, y, expected) in [
        (8, 8, 255),
        (39, 7, 255),
        (24, 4, 255),
        (24, 3, 128),
        (24, 2, 0),
        (48, 8, 0),
        (8, 20, 0),
    ] {
        assert_eq!(bench.mask(x, y), expected, "{x} {y}");
    }
    assert_eq!(bench.document.next_undo(), Some(StepName::Brush));
}

#[test]
fn one_stroke_is_one_step() {
    let mut bench = Bench::new(Tool::Brush);
    assert_eq!(
        bench.drag(&[(8.0, 8.0), (20.0, 8.0), (40.0, 30.0)]),
        ToolOutcome::Committed
    );
    assert_eq!(bench.drag(&[(50.0, 8.0)]), ToolOutcome::Committed);
    assert!(bench.mask(50, 8) > 0);
    bench.document.undo();
    assert_eq!([bench.mask(50, 8), bench.mask(8, 8)], [0, 255]);
    bench.document.undo();
    assert!(bench.document.content().mask.is_empty());
    assert_eq!(bench.document.next_undo(), Some(StepName::OpenPicture));
}

#[test]
fn opacity_is_never_exceeded_in_one_stroke_but_adds_up_over_strokes() {
    let mut bench = Bench::new(Tool::Brush);
    bench.set_brush(9.0, 1.0, 0.5);
    let there_and_back = [(8.0, 20.0), (50.0, 20.0), (8.0, 20.0), (50.0, 20.0)];
    for expected in [128, 192, 224] {
        bench.drag(&there_and_back);
        assert_eq!(bench.mask(24, 20), expected);
    }
    bench.choose(Tool::Eraser);
    bench.drag(&there_and_back);
    assert_eq!(bench.mask(24, 20), 112);
}

#[test]
fn a_stroke_over_what_is_masked_already_is_no_step() {
    let mut bench = drag_brush(&[(8.0, 20.0), (50.0, 20.0)]);
    bench.set_brush(5.0, 1.0, 1.0);
    assert_eq!(
        bench.drag(&[(20.0, 20.0), (30.0, 20.0)]),
        ToolOutcome::Nothing
    );
    assert_eq!(
        bench.drag(&[(-80.0, -80.0), (-60.0, -90.0)]),
        ToolOutcome::Nothing
    );
    bench.choose(Tool::Eraser);
    assert_eq!(
        bench.drag(&[(20.0, 40.0), (30.0, 40.0)]),
        ToolOutcome::Nothing
    );
    bench.document.undo();
    assert_eq!(bench.document.next_undo(), Some(StepName::OpenPicture));
}

#[test]
fn the_eraser_takes_a_stroke_away() {
    for erase_with_alt in [false, true] {
        let mut bench = drag_brush(&[(8.0, 20.0), (50.0, 30.0)]);
        bench.set_brush(13.0, 1.0, 1.0);
        if erase_with_alt {
            bench.modifiers.alt = true;
        } else {
            bench.toolbox.swap(&mut bench.document);
            assert_eq!(bench.toolbox.tool(), Tool::Eraser);
        }
        assert_eq!(
            bench.drag(&[(8.0, 20.0), (50.0, 30.0)]),
            ToolOutcome::Committed
        );
        assert!(bench.document.content().mask.is_empty());
        assert_eq!(bench.document.next_undo(), Some(StepName::Erase));
    }
}

#[test]
fn strokes_start_and_end_off_the_picture() {
    let bench = drag_brush(&[(-300.0, 20.0), (400.0, 20.0)]);
    assert_eq!(bench.bounds(), PixelRect::new(0, 15, 64, 10));
    assert!(bench.mask_row(20).iter().all(|value| *value == 255));
}

/// The same mask whether the mouse was seen often or seldom.
#[test]
fn a_curve_is_even_at_any_sample_rate() {
    let curve = |n: u16| {
        let points: Vec<_> = (0..=n)
            .map(|i| {
                let angle = std::f32::consts::PI * f32::from(i) / f32::from(n);
                (32.0 - 20.0 * angle.cos(), 40.0 - 25.0 * angle.sin())
            })
            .collect();
        drag_brush(&points).whole_mask()
    };
    let often = curve(400);
    for n in [24, 60, 1500] {
        let differing = often
            .iter()
            .zip(curve(n))
            .filter(|(a, b)| a.abs_diff(*b) > 60);
        assert_eq!(differing.count(), 0, "{n}");
    }
}

#[test]
fn shift_goes_on_from_the_last_point() {
    let mut bench = Bench::new(Tool::Brush);
    bench.drag(&[(8.0, 8.0), (8.0, 9.0)]);
    bench.modifiers.shift = true;
    bench.event(PointerKind::Moved, (50.0, 40.0));
    let Overlay::Ring { line_from, .. } = bench.toolbox.overlay(FRAME) else {
        panic!("a brush shows its ring");
    };
    assert_eq!(line_from, Some(Point::new(8.0, 9.0)));
    assert_eq!(bench.click((50.0, 40.0)), ToolOutcome::Committed);
    assert_eq!(
        [bench.mask(29, 24), bench.mask(50, 40), bench.mask(50, 8)],
        [255, 255, 0]
    );
}

#[test]
fn shift_while_drawing_keeps_to_one_of_eight_directions() {
    for (to, painted, clear) in [
        ((50.0, 12.0), (50, 10), (50, 16)),
        ((11.0, 40.0), (10, 40), (16, 40)),
        ((36.0, 40.0), (38, 38), (30, 40)),
    ] {
        let mut bench = Bench::new(Tool::Brush);
        bench.event(PointerKind::Down, (10.0, 10.0));
        bench.modifiers.shift = true;
        bench.event(PointerKind::Moved, to);
        bench.event(PointerKind::Up, to);
        assert_eq!(bench.mask(painted.0, painted.1), 255, "{to:?}");
        assert_eq!(bench.mask(clear.0, clear.1), 0, "{to:?}");
    }
}

#[test]
fn pressure_and_speed_set_the_width() {
    let height_at = |bench: &Bench, x: i32| (0..48).filter(|y| bench.mask(x, *y) > 127).count();
    let mut bench = Bench::new(Tool::Brush);
    bench.toolbox.settings.width_follows_hand = true;
    bench.set_brush(20.0, 1.0, 1.0);
    bench.pressed(PointerKind::Down, (10.0, 24.0), Some(0.1));
    bench.pressed(PointerKind::Moved, (30.0, 24.0), Some(0.5));
    bench.pressed(PointerKind::Up, (54.0, 24.0), Some(1.0));
    let heights = [10, 30, 54].map(|x| height_at(&bench, x));
    assert!(
        heights[0] < heights[1] && heights[1] < heights[2],
        "{heights:?}"
    );
    assert_eq!(heights[2], 20);

    // 4000 px a second at fourfold zoom is far above the fastest.
    let mut fast = Bench::new(Tool::Brush);
    fast.toolbox.settings.width_follows_hand = true;
    fast.set_brush(20.0, 1.0, 1.0);
    let points: Vec<_> = (0..40)
        .map(|i| (40.0 * f32::from(i as u8) - 1500.0, 24.0))
        .collect();
    fast.drag(&points);
    let height = height_at(&fast, 32);
    assert!((15..18).contains(&height), "{height}");
}

#[test]
fn the_sketch_brush_paints_on_a_layer_of_its_own() {
    let mut bench = Bench::new(Tool::SketchBrush);
    bench.toolbox.settings.colour = [1, 2, 3];
    assert_eq!(
        bench.drag(&[(8.0, 8.0), (40.0, 8.0)]),
        ToolOutcome::Committed
    );
    let sketch = |bench: &Bench| {
        let content = bench.document.content();
        let layer = content.selected_layer().expect("the sketch is selected");
        assert!(layer.is_sketch());
        layer.pixels().clone()
    };
    assert_eq!(bench.document.content().layers.len(), 2);
    assert_eq!(sketch(&bench).pixel(20, 8), [1, 2, 3, 255]);
    assert_eq!(sketch(&bench).pixel(20, 20), [0; 4]);
    assert!(bench.document.content().mask.is_empty());
    // The eraser follows the brush that was chosen last.
    bench.set_brush(13.0, 1.0, 1.0);
    bench.choose(Tool::Eraser);
    bench.drag(&[(8.0, 8.0), (40.0, 8.0)]);
    assert!(sketch(&bench).is_empty());
    assert_eq!(bench.document.next_undo(), Some(StepName::EraseSketch));
    bench.toolbox.swap(&mut bench.document);
    assert_eq!(bench.toolbox.tool(), Tool::SketchBrush);
}

#[test]
fn sketching_on_a_moved_layer_hits_what_is_under_the_pointer() {
    let mut bench = Bench::new(Tool::SketchBrush);
    bench.drag(&[(8.0, 8.0), (40.0, 8.0)]);
    bench.choose(Tool::Move);
    bench.drag(&[(0.0, 0.0), (10.0, 20.0)]);
    bench.choose(Tool::SketchBrush);
    bench.toolbox.settings.colour = [200, 0, 0];
    bench.click((30.0, 40.0));
    assert_eq!(
        bench
            .document
            .content()
            .composite(PixelRect::new(30, 40, 1, 1)),
        [[200, 0, 0, 255]]
    );
}

#[test]
fn a_sketch_beside_the_picture_leaves_no_empty_layer() {
    let mut bench = Bench::new(Tool::SketchBrush);
    bench.drag(&[(-90.0, 8.0), (-40.0, 8.0)]);
    assert_eq!(bench.document.content().layers.len(), 1);
    assert!(!bench.document.is_in_gesture());
    bench.modifiers.alt = true;
    assert_eq!(bench.click((20.0, 20.0)), ToolOutcome::Nothing);
    assert_eq!(bench.document.content().layers.len(), 1);
}

#[test]
fn a_patchs_mask_is_painted_only_where_that_is_chosen() {
    use crate::document::{LayerKind, PatchSource};
    use crate::gallery::PictureId;
    let mut bench = Bench::new(Tool::Brush);
    bench.document.change(StepName::KeepResult, |content| {
        let patch = Layer::new(
            "Result",
            LayerKind::Patch {
                pixels: content.layers[0].pixels().clone(),
                mask: Tiles::default(),
                source: PatchSource {
                    run: uuid::Uuid::nil(),
                    picture: PictureId::new(),
                },
            },
        );
        content.add_layer(patch);
    });
    let patch_mask = |bench: &Bench, x: i32, y: i32| {
        let layer = bench.document.content().selected_layer();
        layer
            .and_then(Layer::patch_mask)
            .map(|mask| mask.pixel(x, y))
    };
    bench.click((20.0, 20.0));
    assert_eq!(
        (bench.mask(20, 20), patch_mask(&bench, 20, 20)),
        (255, Some(0))
    );
    bench.toolbox.edits_patch_mask = true;
    bench.click((40.0, 20.0));
    assert_eq!(
        (bench.mask(40, 20), patch_mask(&bench, 40, 20)),
        (0, Some(255))
    );
    bench.choose(Tool::Rectangle);
    bench.drag(&[(2.0, 2.0), (6.0, 6.0)]);
    assert_eq!((bench.mask(4, 4), patch_mask(&bench, 4, 4)), (0, Some(255)));
}

#[test]
fn size_and_hardness_are_of_the_brush_in_hand() {
    let mut bench = Bench::new(Tool::Brush);
    bench.toolbox.step_size(2);
    bench.toolbox.step_hardness(-3);
    let brush = bench.toolbox.settings.brush;
    assert_eq!((brush.diameter_points, brush.hardness), (45.0, 0.7));
    let eraser = bench.toolbox.settings.eraser;
    assert_eq!((eraser.diameter_points, eraser.hardness), (36.0, 1.0));
    bench.choose(Tool::Eraser);
    bench.event(PointerKind::Moved, (5.0, 5.0));
    // 20 points of radius, at any zoom.
    bench.toolbox.adjust(20.0, 40.0);
    let eraser = bench.toolbox.settings.eraser;
    assert_eq!((eraser.diameter_points, eraser.hardness), (76.0, 0.8));
    bench.toolbox.adjust(-9000.0, -9000.0);
    let eraser = bench.toolbox.settings.eraser;
    assert_eq!((eraser.diameter_points, eraser.hardness), (1.0, 1.0));
}

#[test]
fn a_stroke_is_as_wide_as_its_ring_at_every_zoom() {
    for (zoom, diameter_px) in [(1.0, 24.0_f32), (2.0, 12.0), (4.0, 6.0)] {
        let mut bench = Bench::new(Tool::Brush);
        bench.toolbox.settings.brush.diameter_points = 24.0;
        for kind in [PointerKind::Down, PointerKind::Up] {
            let event = PointerEvent {
                position: (32.0, 24.0),
                kind,
                zoom,
                ..PointerEvent::default()
            };
            let _ = bench.toolbox.pointer(&event, &mut bench.document);
        }
        let Overlay::Ring { brush, .. } = bench.toolbox.overlay(FRAME) else {
            panic!("a brush has a ring");
        };
        assert!((brush.diameter_px(zoom) - diameter_px).abs() < 0.01);
        let painted = bench.bounds();
        let expected = (diameter_px as u32, diameter_px as u32);
        assert_eq!((painted.width, painted.height), expected, "zoom {zoom}");
    }
}
