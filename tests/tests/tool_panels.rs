//! The tool strip and the tool's options, headless.

use egui::accesskit::Role;
use egui::{Key, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use limn::app::App;
use limn::paths::Folders;
use limn::tools::{Tool, ToolSettings};
use tempfile::TempDir;

struct Window {
    harness: Harness<'static, App>,
    _home: TempDir,
}

impl Window {
    fn open() -> Self {
        let home = tempfile::tempdir().unwrap();
        let folders = Folders::under(home.path());
        let harness = Harness::builder()
            .with_size(vec2(1440.0, 900.0))
            .build_eframe(move |creation| App::new(&creation.egui_ctx, folders, None));
        let mut window = Self {
            harness,
            _home: home,
        };
        window.steps();
        window
    }

    /// With a picture: on an empty canvas no tool has options.
    fn open_with_picture() -> Self {
        let mut window = Self::open();
        let grey = image::RgbaImage::from_pixel(64, 48, image::Rgba([90, 90, 90, 255]));
        let session = &mut window.harness.state_mut().session;
        session.open_picture("grey", &grey, None, None);
        window.steps();
        window
    }

    fn steps(&mut self) {
        self.harness.run_steps(4);
    }

    fn click(&mut self, label: &str) {
        self.harness
            .get_by_role_and_label(Role::Button, label)
            .click();
        self.steps();
    }

    fn has(&self, role: Role, label: &str) -> bool {
        let found = self.harness.query_all_by_role_and_label(role, label);
        found.count() > 0
    }

    fn tool(&self) -> Tool {
        self.harness.state().session.toolbox.tool()
    }

    fn settings(&self) -> &ToolSettings {
        &self.harness.state().session.toolbox.settings
    }
}

#[test]
fn every_tool_of_the_strip_is_chosen_by_its_button() {
    let mut window = Window::open();
    for (label, tool) in [
        ("Brush", Tool::Brush),
        ("Eraser", Tool::Eraser),
        ("Lasso", Tool::Lasso),
        ("Rectangle", Tool::Rectangle),
        ("Wand", Tool::Wand),
        ("Crop or extend", Tool::Crop),
        ("Sketch brush", Tool::SketchBrush),
        ("Pan", Tool::Pan),
    ] {
        window.click(label);
        assert_eq!(window.tool(), tool, "{label}");
    }
}

#[test]
fn a_right_click_shows_a_tools_relatives_and_the_chosen_one_stays_in_the_strip() {
    let mut window = Window::open();
    assert!(!window.has(Role::Button, "Polygon"));
    window
        .harness
        .get_by_role_and_label(Role::Button, "Lasso")
        .click_secondary();
    window.steps();
    assert_eq!(window.tool(), Tool::Pan);
    window.click("Polygon");
    assert_eq!(window.tool(), Tool::Polygon);
    assert!(!window.has(Role::Button, "Lasso"));
    window.click("Brush");
    assert!(window.has(Role::Button, "Polygon"));
}

#[test]
fn options_are_those_of_the_tool() {
    let mut window = Window::open_with_picture();
    for (button, has, lacks) in [
        ("Brush", "Brush size", "Tolerance"),
        ("Wand", "Tolerance", "Brush size"),
        ("Sketch brush", "Brush size", "Tolerance"),
    ] {
        window.click(button);
        assert!(window.has(Role::Slider, has), "{button}");
        assert!(!window.has(Role::Slider, lacks), "{button}");
    }
    assert!(!window.has(Role::Button, "Invert"), "a sketch has no mask");
    window.click("Crop or extend");
    assert!(window.has(Role::Button, "16:9"));
    assert!(window.has(Role::Button, "Shapes to extend to"));
    assert!(window.has(Role::SpinButton, "Blend into the picture by px"));
}

/// Both stand beside the brush, follow the mask until they are set, and do so again when they are told.
#[test]
fn grow_and_soft_edge_are_in_the_tools_bar() {
    let mut window = Window::open_with_picture();
    window.click("Brush");
    for name in ["Grow by px", "Soft edge in px"] {
        assert!(window.has(Role::SpinButton, name), "{name}");
        let lengths = |window: &Window| {
            let choices = &window.harness.state().session.documents.current().choices;
            [choices.grow_px, choices.feather_px]
        };
        let before = lengths(&window);
        assert!(before.contains(&None), "{before:?}");
        let focus = |window: &mut Window| {
            let number = window.harness.get_by_role_and_label(Role::SpinButton, name);
            number.focus();
            window.steps();
        };
        focus(&mut window);
        window.harness.key_press(Key::ArrowUp);
        window.steps();
        let after = lengths(&window);
        assert_ne!(after, before, "{name}");
        assert!(after.contains(&Some(0.0)), "{after:?}");
    }
}

#[test]
fn a_slider_sets_the_brush_in_hand() {
    let mut window = Window::open_with_picture();
    window.click("Brush");
    let before = window.settings().clone();
    for (slider, key) in [
        ("Hardness", Key::ArrowRight),
        ("Brush size", Key::ArrowLeft),
    ] {
        window
            .harness
            .get_by_role_and_label(Role::Slider, slider)
            .focus();
        window.steps();
        window.harness.key_press(key);
        window.steps();
    }
    let after = window.settings();
    assert!(after.brush.hardness > before.brush.hardness);
    assert!(after.brush.diameter_points < before.brush.diameter_points);
    assert_eq!(after.eraser, before.eraser);
}

#[test]
fn undo_and_redo_are_off_where_there_is_nothing_to_undo() {
    let window = Window::open();
    for label in ["Undo", "Redo"] {
        let button = window.harness.get_by_role_and_label(Role::Button, label);
        assert!(button.accesskit_node().is_disabled(), "{label}");
    }
}
