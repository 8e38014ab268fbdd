use super::*;
use crate::tools::{MaskAction, MaskWork, Overlay};

const GESTURES: [Tool; 9] = [
    Tool::Brush,
    Tool::Eraser,
    Tool::SketchBrush,
    Tool::Lasso,
    Tool::Rectangle,
    Tool::Ellipse,
    Tool::Polygon,
    Tool::Move,
    Tool::Crop,
];

/// Something of everything: a mask to erase from, a layer to move.
fn bench(tool: Tool) -> Bench {
    let mut bench = Bench::new(Tool::Brush);
    bench.drag(&[(8.0, 30.0), (50.0, 30.0)]);
    bench.choose(tool);
    bench
}

/// A gesture in the middle, from a place where every tool has one.
fn begun(tool: Tool) -> Bench {
    let mut bench = bench(tool);
    bench.event(PointerKind::Moved, (63.0, 30.0));
    bench.event(PointerKind::Down, (63.0, 30.0));
    bench.event(PointerKind::Moved, (40.0, 20.0));
    bench.event(PointerKind::Moved, (80.0, 40.0));
    assert!(bench.toolbox.is_busy(), "{tool:?}");
    bench
}

#[test]
fn esc_drops_the_gesture_and_leaves_the_document() {
    for tool in GESTURES {
        let untouched = bench(tool).document.content().clone();
        let mut bench = begun(tool);
        assert!(bench.toolbox.cancel(&mut bench.document), "{tool:?}");
        assert!(!bench.toolbox.is_busy(), "{tool:?}");
        assert!(!bench.document.is_in_gesture(), "{tool:?}");
        assert_eq!(bench.document.content().mask, untouched.mask, "{tool:?}");
        assert_eq!(bench.document.content().layers.len(), 1, "{tool:?}");
        assert_eq!(
            bench.document.next_undo(),
            Some(StepName::Brush),
            "{tool:?}"
        );
        // The release that follows does nothing, and a second Esc finds nothing to drop.
        assert_eq!(
            bench.event(PointerKind::Up, (9.0, 9.0)),
            ToolOutcome::Nothing
        );
        assert!(!bench.toolbox.cancel(&mut bench.document), "{tool:?}");
    }
}

#[test]
fn a_pointer_that_is_taken_away_undoes_its_gesture() {
    for tool in GESTURES {
        let mut bench = begun(tool);
        bench.event(PointerKind::Cancelled, (80.0, 40.0));
        assert!(
            !bench.toolbox.is_busy() && !bench.document.is_in_gesture(),
            "{tool:?}"
        );
        assert_eq!(
            bench.document.next_undo(),
            Some(StepName::Brush),
            "{tool:?}"
        );
    }
}

#[test]
fn leaving_the_window_keeps_the_gesture_open() {
    for tool in GESTURES {
        let mut bench = begun(tool);
        bench.event(PointerKind::Left, (200.0, 40.0));
        assert!(bench.toolbox.is_busy(), "{tool:?}");
        if tool == Tool::Brush {
            assert_eq!(bench.toolbox.overlay(FRAME), Overlay::Nothing);
        }
        // Back, and released inside.
        bench.event(PointerKind::Moved, (40.0, 10.0));
        bench.event(PointerKind::Up, (40.0, 10.0));
        let waits = matches!(tool, Tool::Polygon | Tool::Crop);
        assert_eq!(bench.toolbox.is_busy(), waits, "{tool:?}");
        assert!(!bench.document.is_in_gesture(), "{tool:?}");
    }
    let mut brush = begun(Tool::Brush);
    brush.event(PointerKind::Left, (200.0, 40.0));
    assert_eq!(
        brush.event(PointerKind::Up, (200.0, 40.0)),
        ToolOutcome::Committed
    );
    assert!(brush.mask(55, 26) > 0);
}

#[test]
fn a_lost_release_ends_a_stroke_at_the_next_press() {
    let mut bench = begun(Tool::Brush);
    bench.event(PointerKind::Down, (10.0, 8.0));
    bench.event(PointerKind::Up, (10.0, 8.0));
    assert!(bench.mask(55, 26) > 0 && bench.mask(10, 8) > 0);
    bench.document.undo();
    assert!(bench.mask(55, 26) > 0 && bench.mask(10, 8) == 0);
}

#[test]
fn another_tool_finishes_a_stroke_and_drops_a_shape() {
    for (tool, expected) in [
        (Tool::Brush, ToolOutcome::Committed),
        (Tool::Move, ToolOutcome::NoLayer),
        (Tool::Rectangle, ToolOutcome::Nothing),
        (Tool::Polygon, ToolOutcome::Nothing),
    ] {
        let mut bench = bench(tool);
        bench.document.select(None);
        bench.event(PointerKind::Down, (20.0, 10.0));
        let moved = bench.event(PointerKind::Moved, (40.0, 12.0));
        let outcome = bench.choose(Tool::Zoom);
        assert!(
            !bench.toolbox.is_busy() && !bench.document.is_in_gesture(),
            "{tool:?}"
        );
        if expected != ToolOutcome::NoLayer {
            assert_eq!(outcome, expected, "{tool:?} after {moved:?}");
        }
        assert_eq!(bench.toolbox.overlay(FRAME), Overlay::Nothing);
    }
}

#[test]
fn a_double_click_does_no_harm() {
    for tool in GESTURES {
        let mut twice = bench(tool);
        let mut once = bench(tool);
        once.click((30.0, 12.0));
        twice.click((30.0, 12.0));
        twice.event(PointerKind::Down, (30.0, 12.0));
        twice.event(PointerKind::DoubleClick, (30.0, 12.0));
        twice.event(PointerKind::Up, (30.0, 12.0));
        assert!(
            !twice.toolbox.is_busy() && !twice.document.is_in_gesture(),
            "{tool:?}"
        );
        // Two dabs cover more than one where they are soft.
        let is_same = twice.whole_mask() == once.whole_mask();
        assert!(is_same || tool.is_brush(), "{tool:?}");
    }
}

#[test]
fn without_a_picture_tools_say_so() {
    for tool in Tool::ALL {
        let mut bench = Bench::empty(tool);
        let outcome = bench.event(PointerKind::Down, (5.0, 5.0));
        let expected = if tool.is_of_view() || tool == Tool::Eyedropper {
            ToolOutcome::Nothing
        } else {
            ToolOutcome::NoPicture
        };
        assert_eq!(outcome, expected, "{tool:?}");
        bench.event(PointerKind::Moved, (9.0, 9.0));
        assert_eq!(
            bench.event(PointerKind::Up, (9.0, 9.0)),
            ToolOutcome::Nothing
        );
        assert!(bench.document.next_undo().is_none(), "{tool:?}");
    }
}

#[test]
fn layers_are_moved_and_nudged() {
    let offset = |bench: &Bench| bench.document.content().layers[0].offset;
    let mut bench = Bench::new(Tool::Move);
    bench.document.select(None);
    assert_eq!(
        bench.event(PointerKind::Down, (5.0, 5.0)),
        ToolOutcome::NoLayer
    );
    assert_eq!(
        bench.toolbox.nudge(1, 0, &mut bench.document),
        ToolOutcome::NoLayer
    );
    let layer = bench.document.content().layers[0].id;
    bench.document.select(Some(layer));
    assert_eq!(
        bench.drag(&[(5.0, 5.0), (15.4, 2.4)]),
        ToolOutcome::Committed
    );
    assert_eq!(offset(&bench), (10, -3));
    bench.modifiers.shift = true;
    bench.drag(&[(5.0, 5.0), (15.4, 2.4)]);
    assert_eq!(offset(&bench), (20, -3));
    bench.toolbox.nudge(-1, 10, &mut bench.document);
    assert_eq!(offset(&bench), (19, 7));
    assert_eq!(bench.drag(&[(5.0, 5.0), (5.2, 5.2)]), ToolOutcome::Nothing);
    for expected in [(20, -3), (10, -3), (0, 0)] {
        bench.document.undo();
        assert_eq!(offset(&bench), expected);
    }
}

#[test]
fn a_change_of_document_takes_nothing_along() {
    let mut bench = begun(Tool::Brush);
    bench.toolbox.leave(&mut bench.document);
    assert!(!bench.document.is_in_gesture());
    bench.modifiers.shift = true;
    bench.click((8.0, 8.0));
    assert_eq!([bench.mask(8, 8), bench.mask(30, 18)], [255, 0]);
}

/// A key is pressed while the button is down: the stroke up to there is a step, and the rest of it is nothing.
#[test]
fn a_command_in_the_middle_of_a_stroke_ends_it() {
    let mut bench = Bench::new(Tool::Brush);
    bench.event(PointerKind::Down, (10.0, 10.0));
    bench.event(PointerKind::Moved, (20.0, 10.0));
    assert!(MaskWork::action(MaskAction::Invert).carry_out(&mut bench.document));
    bench.event(PointerKind::Moved, (40.0, 40.0));
    bench.event(PointerKind::Up, (40.0, 40.0));
    assert_eq!([bench.mask(15, 10), bench.mask(40, 40)], [0, 255]);
    assert_eq!(bench.document.undo(), Some(StepName::MaskInvert));
    assert_eq!(bench.document.undo(), Some(StepName::Brush));
    // The next stroke is a stroke again.
    bench.drag(&[(10.0, 30.0), (20.0, 30.0)]);
    assert_eq!(bench.document.next_undo(), Some(StepName::Brush));
}
