//! The canvas by what hands do to it and what it sends.

use std::time::Instant;

use egui::{
    Context, Event, Modifiers, PointerButton, Pos2, RawInput, Rect, TouchDeviceId, TouchId,
    TouchPhase, pos2, vec2,
};

use super::{CanvasState, canvas_ui};
use crate::command::Command;
use crate::document::StepName;
use crate::layer_pictures::LayerPictures;
use crate::scene::Scene;
use crate::session::{GalleryView, Session};
use crate::settings::Settings;
use crate::textures::Textures;
use crate::theme;
use crate::tools::{PointerEvent, PointerKind, Tool};

const AREA: Rect = Rect {
    min: Pos2::ZERO,
    max: pos2(800.0, 600.0),
};

/// A canvas with a picture of 400 × 300 in its middle at 100 %, without an app around it: its pixel (0, 0)
/// is at (200, 150).
struct Canvas {
    ctx: Context,
    session: Session,
    state: CanvasState,
    seconds: f64,
}

impl Canvas {
    fn with(tool: Tool) -> Self {
        let mut session = Session::default();
        let pixels = vec![[90, 120, 150, 255]; 400 * 300];
        session
            .document_mut()
            .change(StepName::OpenPicture, |content| {
                content.set_base_picture("test", (400, 300), &pixels, None);
            });
        let document = &mut session.documents.current_mut().document;
        session.toolbox.choose(tool, document);
        let ctx = Context::default();
        theme::install(&ctx);
        let mut canvas = Self {
            ctx,
            session,
            state: CanvasState::default(),
            seconds: 0.0,
        };
        canvas.frame(Vec::new());
        canvas.state.view.actual_size();
        // egui knows what is under the pointer one frame later.
        canvas.frame(vec![Event::PointerMoved(pos2(210.0, 160.0))]);
        canvas.frame(Vec::new());
        canvas
    }

    fn frame(&mut self, events: Vec<Event>) -> Vec<Command> {
        self.seconds += 0.016;
        let input = RawInput {
            screen_rect: Some(AREA),
            time: Some(self.seconds),
            events,
            ..RawInput::default()
        };
        let (gallery, settings) = (GalleryView::default(), Settings::default());
        let (mut textures, mut commands) = (Textures::default(), Vec::new());
        let mut layer_pictures = LayerPictures::default();
        let mut output = self.ctx.run_ui(input, |ui| {
            let mut scene = Scene {
                session: &self.session,
                gallery: &gallery,
                settings: &settings,
                textures: &mut textures,
                layer_pictures: &mut layer_pictures,
                commands: &mut commands,
                now: Instant::now(),
            };
            egui::CentralPanel::no_frame()
                .show(ui, |ui| canvas_ui(ui, &mut scene, &mut self.state));
        });
        output.textures_delta.clear();
        commands
    }

    /// What the tools are told, as kind and place.
    fn told(&mut self, events: Vec<Event>) -> Vec<(PointerKind, (f32, f32))> {
        pointer_events(&self.frame(events))
            .map(|event| (event.kind, event.position))
            .collect()
    }
}

fn pointer_events(commands: &[Command]) -> impl Iterator<Item = &PointerEvent> {
    commands.iter().filter_map(|command| match command {
        Command::Pointer(event) => Some(event),
        _ => None,
    })
}

fn button(at: Pos2, button: PointerButton, pressed: bool) -> Event {
    Event::PointerButton {
        pos: at,
        button,
        pressed,
        modifiers: Modifiers::NONE,
    }
}

fn press(at: Pos2) -> Event {
    button(at, PointerButton::Primary, true)
}

fn release(at: Pos2) -> Event {
    button(at, PointerButton::Primary, false)
}

fn touch(id: u64, phase: TouchPhase, at: Pos2, force: Option<f32>) -> Event {
    Event::Touch {
        device_id: TouchDeviceId(1),
        id: TouchId(id),
        phase,
        pos: at,
        force,
    }
}

#[test]
fn every_move_of_a_stroke_arrives_in_document_pixels_also_off_the_picture() {
    let mut canvas = Canvas::with(Tool::Brush);
    let at = [pos2(210.0, 160.0), pos2(220.5, 160.0), pos2(100.0, 40.0)];
    let told = canvas.told(vec![
        press(at[0]),
        Event::PointerMoved(at[1]),
        Event::PointerMoved(at[2]),
    ]);
    assert_eq!(
        told,
        [
            (PointerKind::Down, (10.0, 10.0)),
            (PointerKind::Moved, (20.5, 10.0)),
            (PointerKind::Moved, (-100.0, -110.0)),
        ]
    );
    assert_eq!(
        canvas.told(vec![release(at[2])]),
        [(PointerKind::Up, (-100.0, -110.0))]
    );
}

#[test]
fn a_second_press_soon_after_the_first_is_a_double_click() {
    let mut canvas = Canvas::with(Tool::Polygon);
    let at = pos2(210.0, 160.0);
    canvas.frame(vec![press(at), release(at)]);
    let kinds = |canvas: &mut Canvas| -> Vec<PointerKind> {
        let told = canvas.told(vec![press(at), release(at)]);
        told.into_iter().map(|(kind, _)| kind).collect()
    };
    let double = [PointerKind::Down, PointerKind::DoubleClick, PointerKind::Up];
    assert_eq!(kinds(&mut canvas), double);
    // A third one begins anew.
    assert_eq!(kinds(&mut canvas), [PointerKind::Down, PointerKind::Up]);
}

#[test]
fn one_finger_paints_with_its_pressure_and_a_second_one_takes_the_stroke_back() {
    let mut canvas = Canvas::with(Tool::Brush);
    let at = pos2(210.0, 160.0);
    let commands = canvas.frame(vec![touch(1, TouchPhase::Start, at, Some(0.4)), press(at)]);
    let pressures: Vec<_> = pointer_events(&commands)
        .map(|event| event.pressure)
        .collect();
    assert_eq!(pressures, [Some(0.4)]);
    let before = canvas.state.view;
    let second = pos2(400.0, 300.0);
    let told = canvas.told(vec![touch(2, TouchPhase::Start, second, None)]);
    assert_eq!(told, [(PointerKind::Cancelled, (10.0, 10.0))]);
    let moved = pos2(250.0, 160.0);
    let told = canvas.told(vec![
        touch(1, TouchPhase::Move, moved, None),
        Event::PointerMoved(moved),
    ]);
    assert_eq!(told, []);
    assert_ne!(canvas.state.view, before, "two fingers pan and zoom");
}

#[test]
fn space_and_the_middle_button_pan_and_paint_nothing() {
    let at = pos2(210.0, 160.0);
    let to = pos2(260.0, 190.0);
    let space = |pressed| Event::Key {
        key: egui::Key::Space,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: Modifiers::NONE,
    };
    for (name, begin, end) in [
        ("Space", vec![space(true), press(at)], release(to)),
        (
            "the middle button",
            vec![button(at, PointerButton::Middle, true)],
            button(to, PointerButton::Middle, false),
        ),
    ] {
        let mut canvas = Canvas::with(Tool::Brush);
        let place = |canvas: &Canvas| {
            let projection = canvas.state.view.projection(AREA, 1.0);
            projection.screen_from_image(Pos2::ZERO)
        };
        let before = place(&canvas);
        let mut told = canvas.told(begin);
        told.extend(canvas.told(vec![Event::PointerMoved(to), end]));
        assert!(
            told.iter().all(|(kind, _)| *kind != PointerKind::Down),
            "{name}: {told:?}"
        );
        assert_eq!(place(&canvas) - before, vec2(50.0, 30.0), "{name}");
    }
}

#[test]
fn a_right_drag_sets_the_brush_and_moves_no_ring() {
    let mut canvas = Canvas::with(Tool::Brush);
    let at = pos2(210.0, 160.0);
    canvas.frame(vec![button(at, PointerButton::Secondary, true)]);
    let commands = canvas.frame(vec![
        Event::PointerMoved(pos2(222.0, 155.0)),
        button(pos2(222.0, 155.0), PointerButton::Secondary, false),
    ]);
    assert_eq!(commands, [Command::AdjustBrush { dx: 12.0, dy: -5.0 }]);
}

#[test]
fn a_turned_view_paints_where_the_pointer_is() {
    let mut canvas = Canvas::with(Tool::Brush);
    canvas.state.view.rotate_to(90_f32.to_radians(), false);
    // Ten points below the middle is ten pixels to the right of the picture's.
    let told = canvas.told(vec![press(pos2(400.0, 310.0))]);
    let [(PointerKind::Down, (x, y))] = told[..] else {
        panic!("{told:?}");
    };
    assert!(
        (x - 210.0).abs() < 1e-2 && (y - 150.0).abs() < 1e-2,
        "{x}, {y}"
    );
}

#[test]
fn the_rotate_tool_turns_the_view_and_not_the_document() {
    let mut canvas = Canvas::with(Tool::RotateView);
    let told = canvas.told(vec![
        press(pos2(600.0, 300.0)),
        Event::PointerMoved(pos2(400.0, 500.0)),
        release(pos2(400.0, 500.0)),
    ]);
    assert_eq!(told, []);
    let degrees = canvas.state.view.rotation_radians().to_degrees();
    assert!((degrees - 90.0).abs() < 1e-2, "{degrees}");
}

/// Also where a small picture merely fills its place.
#[test]
fn nothing_is_enlarged_smoothly() {
    for (zoom, is_crisp) in [(0.5, false), (1.0, false), (1.25, true), (4.31, true)] {
        assert_eq!(super::is_crisp(zoom), is_crisp, "{zoom}");
    }
    let filter = |crisp| crate::textures::options(crisp).magnification;
    assert_eq!(filter(true), egui::TextureFilter::Nearest);
}

/// Only where the screen would show more than the graphics card has.
#[test]
fn a_picture_that_had_to_be_shrunk_says_so_where_it_is_seen() {
    use crate::session::{PictureRef, RunId};
    use crate::textures::{Detail, Textures};
    let ctx = egui::Context::default();
    let input = egui::RawInput {
        max_texture_side: Some(2048),
        ..egui::RawInput::default()
    };
    let mut output = ctx.run_ui(input, |_| ());
    output.textures_delta.clear();
    let picture = PictureRef::Result {
        run: RunId(1),
        index: 0,
    };
    for (side, zoom, is_told) in [
        (2048, 1.0, false),
        (4096, 1.0, true),
        (4096, 0.5, false),
        (4096, 0.6, true),
    ] {
        let mut textures = Textures::default();
        let image = egui::ColorImage::filled([side, 2], egui::Color32::RED);
        textures.arrived((picture, Detail::Full), Ok(image));
        textures.begin_frame(&ctx);
        let words = super::shrunk_words(&textures, picture, zoom);
        assert_eq!(words.is_some(), is_told, "{side} at {zoom}");
        if let Some(words) = words {
            assert!(words.contains("2,048 of its 4,096 pixels"), "{words}");
        }
    }
}

/// The ring of a brush, which keeps its size on the screen, and all else that goes by the pointer.
#[test]
fn a_tool_hears_where_the_pointer_is_after_zooming() {
    let mut canvas = Canvas::with(Tool::Brush);
    let told = canvas.told(vec![Event::PointerMoved(pos2(220.0, 170.0))]);
    assert_eq!(told, [(PointerKind::Moved, (20.0, 20.0))]);
    assert!(canvas.told(Vec::new()).is_empty());
    canvas
        .state
        .view
        .zoom_at(pos2(200.0, 150.0), 2.0, AREA, 1.0);
    let commands = canvas.frame(Vec::new());
    let [event] = pointer_events(&commands).collect::<Vec<_>>()[..] else {
        panic!("{commands:?}");
    };
    assert_eq!((event.position, event.zoom), ((10.0, 10.0), 2.0));
    assert!(canvas.told(Vec::new()).is_empty());
}
