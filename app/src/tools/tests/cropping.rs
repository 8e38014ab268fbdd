use super::*;
use crate::tools::crop::Crop;
use crate::tools::{Margins, Overlay, crop_rect};

#[test]
fn the_frame_is_dragged_outwards_by_edges_and_corners() {
    let margins = |left, top, right, bottom| {
        ToolOutcome::Extend(Margins {
            left,
            top,
            right,
            bottom,
        })
    };
    for (from, to, expected) in [
        ((64.0, 24.0), (94.4, 70.0), margins(0, 0, 30, 0)),
        ((0.0, 24.0), (-20.0, 0.0), margins(20, 0, 0, 0)),
        ((1.0, 1.0), (-9.0, -19.0), margins(10, 20, 0, 0)),
        ((64.5, 48.5), (74.5, 50.5), margins(0, 0, 10, 2)),
        ((32.0, 48.0), (32.0, 40.0), ToolOutcome::Nothing),
        ((32.0, 24.0), (99.0, 99.0), ToolOutcome::Nothing),
        ((64.0, 24.0), (99_999.0, 24.0), margins(0, 0, 16_320, 0)),
    ] {
        let mut bench = Bench::new(Tool::Crop);
        assert_eq!(bench.drag(&[from, to]), expected, "{from:?}");
        assert!(!bench.document.is_in_gesture());
    }
}

#[test]
fn a_frame_grows_to_a_shape_and_never_shrinks() {
    for (size, aspect, expected) in [
        ((1024, 1024), (16, 9), (1821, 1024)),
        ((1024, 1024), (9, 16), (1024, 1821)),
        ((1600, 900), (16, 9), (1600, 900)),
        ((1600, 900), (1, 1), (1600, 1600)),
        ((900, 1600), (1, 1), (1600, 1600)),
        ((3, 7), (3, 2), (11, 7)),
    ] {
        let frame = PixelRect::new(-5, 9, size.0, size.1);
        let margins = crop_rect::margins_for_aspect(frame, aspect);
        let grown = limn_engine::stitch::extend(frame, margins).frame;
        assert_eq!(grown.size(), expected, "{size:?} {aspect:?}");
        assert!(margins.left.abs_diff(margins.right) <= 1);
    }
}

fn waiting(bench: &Bench) -> Option<Crop> {
    bench.toolbox.crop(bench.document.content().frame)
}

#[test]
fn an_edge_that_goes_inwards_waits_for_enter_and_changes_nothing_before() {
    let mut bench = Bench::new(Tool::Crop);
    let before = bench.document.content().clone();
    assert_eq!(waiting(&bench), None);
    assert_eq!(
        bench.drag(&[(64.0, 24.0), (40.0, 24.0)]),
        ToolOutcome::Nothing
    );
    bench.drag(&[(20.0, 0.0), (20.0, 10.0)]);
    let rect = PixelRect::new(0, 10, 40, 38);
    assert_eq!(waiting(&bench), Some(Crop { rect, aspect: None }));
    // Once it waits, its edges go where they are dragged, also out of the picture.
    bench.drag(&[(0.0, 30.0), (-6.0, 30.0)]);
    let rect = PixelRect::new(-6, 10, 46, 38);
    assert_eq!(waiting(&bench).map(|crop| crop.rect), Some(rect));
    assert!(bench.document.content() == &before);
    assert_eq!(
        bench.toolbox.overlay(FRAME),
        Overlay::Crop {
            rect,
            hot: None,
            is_inward: true
        }
    );
    assert_eq!(bench.toolbox.take_crop(FRAME), Some(rect));
    assert_eq!(waiting(&bench), None);
    assert!(!bench.toolbox.is_busy());
}

#[test]
fn esc_drops_a_drag_first_and_then_what_waits() {
    let mut bench = Bench::new(Tool::Crop);
    bench.drag(&[(64.0, 24.0), (40.0, 24.0)]);
    let first = waiting(&bench);
    bench.event(PointerKind::Down, (40.0, 24.0));
    bench.event(PointerKind::Moved, (20.0, 24.0));
    assert_ne!(waiting(&bench), first);
    assert!(bench.toolbox.cancel(&mut bench.document));
    assert_eq!(waiting(&bench), first);
    assert!(bench.toolbox.cancel(&mut bench.document));
    assert_eq!(waiting(&bench), None);
    assert!(!bench.toolbox.cancel(&mut bench.document));
    // Neither another tool nor another document takes it along.
    bench.drag(&[(64.0, 24.0), (40.0, 24.0)]);
    bench.toolbox.leave(&mut bench.document);
    assert_eq!(waiting(&bench), None);
    bench.drag(&[(64.0, 24.0), (40.0, 24.0)]);
    bench.choose(Tool::Brush);
    bench.choose(Tool::Crop);
    assert_eq!(waiting(&bench), None);
}

#[test]
fn a_rectangle_is_drawn_moved_and_cropped_to_by_a_double_click() {
    let mut bench = Bench::new(Tool::Crop);
    // A slip draws nothing.
    bench.click((30.0, 20.0));
    assert_eq!(waiting(&bench), None);
    bench.drag(&[(50.0, 40.0), (20.0, 10.0)]);
    let rect = |bench: &Bench| waiting(bench).map(|crop| crop.rect);
    assert_eq!(rect(&bench), Some(PixelRect::new(20, 10, 30, 30)));
    bench.drag(&[(35.0, 25.0), (38.0, 20.0)]);
    assert_eq!(rect(&bench), Some(PixelRect::new(23, 5, 30, 30)));
    // Not out of the picture.
    bench.drag(&[(35.0, 15.0), (300.0, -90.0)]);
    assert_eq!(rect(&bench), Some(PixelRect::new(34, 0, 30, 30)));
    // A click beside it is a slip, too.
    bench.click((15.0, 40.0));
    assert_eq!(rect(&bench), Some(PixelRect::new(34, 0, 30, 30)));
    bench.event(PointerKind::Down, (45.0, 15.0));
    bench.event(PointerKind::Up, (45.0, 15.0));
    bench.event(PointerKind::Down, (45.0, 15.0));
    let outcome = bench.event(PointerKind::DoubleClick, (45.0, 15.0));
    assert_eq!(outcome, ToolOutcome::Crop(PixelRect::new(34, 0, 30, 30)));
    assert_eq!(waiting(&bench), None);
}

#[test]
fn a_shape_is_kept_exactly_and_stays_inside_the_picture() {
    let mut bench = Bench::new(Tool::Brush);
    for aspect in [(1, 1), (4, 3), (16, 9), (9, 16), (3, 2)] {
        bench.toolbox.choose_crop(Some(aspect), &mut bench.document);
        assert_eq!(bench.toolbox.tool(), Tool::Crop);
        for (from, to) in [
            ((0.0, 0.0), (0.0, 0.0)),
            ((-1.0, -1.0), (9.0, 3.0)),
            ((1.0, 0.0), (-300.0, 24.0)),
            ((1.0, 1.0), (300.0, 200.0)),
        ] {
            let rect = waiting(&bench).expect("a rectangle waits").rect;
            // From its right edge, its top left corner, its bottom.
            let at = match from {
                (1.0, 0.0) => (
                    rect.right() as f32,
                    rect.y as f32 + rect.height as f32 / 2.0,
                ),
                (-1.0, -1.0) => (rect.x as f32, rect.y as f32),
                _ => (
                    rect.x as f32 + rect.width as f32 / 2.0,
                    rect.bottom() as f32,
                ),
            };
            bench.drag(&[at, to]);
            let Crop { rect, aspect: kept } = waiting(&bench).expect("a rectangle waits");
            assert_eq!(kept, Some(aspect));
            let (across, down) = (rect.width * aspect.1, rect.height * aspect.0);
            assert_eq!(across, down, "{aspect:?} {rect:?}");
            assert!(FRAME.contains_rect(&rect), "{aspect:?} {rect:?}");
        }
    }
    // Without a shape the edges are free again.
    let rect = waiting(&bench).expect("a rectangle waits").rect;
    bench.toolbox.choose_crop(None, &mut bench.document);
    assert_eq!(waiting(&bench), Some(Crop { rect, aspect: None }));
}

#[test]
fn shift_keeps_the_shape_that_there_is() {
    let mut bench = Bench::new(Tool::Crop);
    bench.modifiers.shift = true;
    bench.drag(&[(64.0, 48.0), (32.0, 30.0)]);
    let rect = waiting(&bench).expect("a rectangle waits").rect;
    assert_eq!((rect.x, rect.y), (0, 0));
    assert_eq!(rect.width * 48, rect.height * 64, "{rect:?}");
}
