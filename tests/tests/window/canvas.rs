//! A canvas of one's own: blank ones, cropping, layers.

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use limn::command::{Command, LayerCommand};
use limn::document::{BlendMode, Content, StepName};
use limn::engine_link::EngineEvent;
use limn::session::{BlankCanvas, Deed, PictureRef, SideTab};
use limn::tools::Tool;
use limn_engine::PixelRect;
use limn_engine::protocol::{BlobHash, JobId, Picture};

use super::{SIDE, Window};

impl Window {
    fn carry_out(&mut self, command: Command) {
        self.harness.state_mut().send(command);
        self.steps(4);
    }

    fn content(&self) -> &Content {
        self.app().session.document().content()
    }

    fn blank(&mut self, size: (u32, u32), background: Option<[u8; 3]>) {
        self.carry_out(Command::NewCanvas(BlankCanvas { size, background }));
    }

    /// A result of an edit of the whole picture arrives.
    fn edited(&mut self, job: JobId, index: u32) {
        let picture = Picture {
            index,
            seed: u64::from(index),
            width: SIDE,
            height: SIDE,
            pixels: BlobHash([0; 32]),
            score: None,
            patch_mask: Some(BlobHash([0; 32])),
            chosen: None,
        };
        self.tell(EngineEvent::Picture {
            job,
            picture,
            pixels: vec![90; (SIDE * SIDE * 3) as usize],
            patch_mask: Some(vec![255; (SIDE * SIDE) as usize]),
        });
        self.steps(2);
    }

    fn layer_names(&self) -> Vec<&str> {
        let layers = self.content().layers.iter();
        layers.map(|layer| layer.name.as_str()).collect()
    }
}

#[test]
fn a_blank_canvas_is_asked_for_on_the_start_page_and_by_its_keys() {
    let mut window = Window::open();
    window.click("Blank canvas…");
    assert!(window.shows("Doodle’s own, 64 × 64"));
    window.click("Wide 16:9, 1920 × 1080");
    window.click("Transparent");
    window.click("Create");
    assert!(!window.shows("Create"));
    let content = window.content();
    assert_eq!(content.frame, PixelRect::from_size(1920, 1080));
    assert!(content.composite(PixelRect::from_size(1, 1)) == [[0; 4]]);
    assert_eq!(window.app().session.toolbox.tool(), Tool::SketchBrush);

    // A second one has a tab of its own.
    window.press(Modifiers::COMMAND | Modifiers::ALT, Key::N);
    window.click("Black");
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.app().session.documents.len(), 2);
    let seen = window.content().composite(PixelRect::new(900, 500, 1, 1));
    assert_eq!(seen, [[0, 0, 0, 255]]);
    // Esc makes none.
    window.press(Modifiers::COMMAND | Modifiers::ALT, Key::N);
    assert!(window.shows("Create"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Create"));
    assert_eq!(window.app().session.documents.len(), 2);
}

#[test]
fn sizes_are_kept_within_what_a_document_can_be() {
    let mut window = Window::open();
    window.blank((1, 99_999), Some([255; 3]));
    assert_eq!(window.content().frame, PixelRect::from_size(16, 16_384));
}

#[test]
fn a_sketch_on_a_blank_canvas_is_changed_and_its_mask_filled() {
    for background in [Some([255; 3]), None] {
        let mut window = Window::open();
        window.blank((SIDE, SIDE), background);
        assert_eq!(window.app().session.deed(), Deed::NewPictures);
        window.drag((0.45, 0.5), (0.55, 0.5));
        let sketch = window.content().selected_layer().unwrap();
        assert!(sketch.is_sketch() && !sketch.pixels().is_empty());
        assert_eq!(window.app().session.deed(), Deed::ChangePicture);
        window.generate("a red sailboat");
        let job = window.started();
        let run = window.app().session.runs.last().unwrap();
        let edit = run.edit().unwrap();
        assert_eq!(edit.deed, Deed::ChangePicture);
        assert_eq!(edit.plan.context, PixelRect::from_size(SIDE, SIDE));
        window.finished(job);

        window.press(Modifiers::NONE, Key::Escape);
        window.press(Modifiers::NONE, Key::B);
        window.drag((0.48, 0.4), (0.52, 0.4));
        assert_eq!(window.app().session.deed(), Deed::FillMask);
    }
}

#[test]
fn a_blank_canvas_is_there_after_a_restart() {
    let mut window = Window::open();
    window.blank((300, 200), Some([10, 20, 30]));
    window.drag((0.45, 0.5), (0.55, 0.5));
    let before = window.content().clone();
    assert_eq!(before.layers.len(), 2);
    eframe::App::on_exit(window.harness.state_mut());
    let Window { harness, home, .. } = window;
    drop(harness);
    let mut window = Window::open_in(home);
    window.wait_for("the document", |window| !window.content().frame.is_empty());
    assert!(window.content() == &before);
    window.carry_out(Command::Undo);
    window.carry_out(Command::Undo);
    assert!(window.content().frame.is_empty(), "back at the start page");
}

#[test]
fn enter_crops_esc_does_not_and_undo_brings_all_back() {
    let mut window = Window::open();
    window.blank((300, 200), Some([10, 20, 30]));
    let before = window.content().clone();
    window.press(Modifiers::NONE, Key::C);
    assert_eq!(window.app().session.toolbox.tool(), Tool::Crop);
    window.click("1:1");
    assert!(window.shows("200 × 200"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("200 × 200"));
    assert!(window.content() == &before);

    window.click("1:1");
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.content().frame, PixelRect::new(50, 0, 200, 200));
    assert_eq!(
        window.app().session.document().next_undo(),
        Some(StepName::Crop)
    );
    window.press(Modifiers::COMMAND, Key::Z);
    assert!(window.content() == &before);
    // By its button, and what waits is dropped by undo before a step is.
    window.click("4:3");
    window.press(Modifiers::COMMAND, Key::Z);
    assert!(window.content() == &before);
    window.click("4:3");
    window.click("Crop");
    assert_eq!(window.content().frame.size(), (264, 198));
}

#[test]
fn layers_are_copied_mixed_and_named_from_their_menu() {
    let mut window = Window::open();
    window.blank((64, 64), Some([200; 3]));
    window.carry_out(Command::SideTab(SideTab::Layers));
    window.press(Modifiers::COMMAND, Key::J);
    assert_eq!(window.layer_names(), ["Background", "Background copy"]);

    window.click("Blend mode: Normal");
    window.click("Multiply");
    let content = window.content();
    let copy = content.selected_layer().unwrap();
    assert_eq!(
        (copy.name.as_str(), copy.blend),
        ("Background copy", BlendMode::Multiply)
    );
    let seen = content.composite(PixelRect::from_size(1, 1));
    assert_eq!(seen, [[157, 157, 157, 255]]);
    assert_eq!(
        window.app().session.document().next_undo(),
        Some(StepName::LayerBlend)
    );

    window.click("Menu of Background copy");
    for entry in ["Rename", "Merge visible", "Export layer…"] {
        assert!(window.shows(entry), "{entry}");
    }
    window.click("Rename");
    window.press(Modifiers::COMMAND, Key::A);
    window.type_text("Shade");
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.layer_names(), ["Background", "Shade"]);

    // A right click on another row selects it first.
    window
        .harness
        .get_by_role_and_label(Role::ListItem, "Layer Background, picture")
        .click_secondary();
    window.steps(3);
    assert_eq!(
        window.content().selected_layer().unwrap().name,
        "Background"
    );
    window.click_last("Duplicate");
    assert_eq!(
        window.layer_names(),
        ["Background", "Background copy", "Shade"]
    );
}

#[test]
fn the_keyboard_chooses_and_moves_layers() {
    let mut window = Window::open();
    window.blank((64, 64), Some([200; 3]));
    window.carry_out(Command::SideTab(SideTab::Layers));
    for _ in 0..2 {
        window.carry_out(Command::Layer(LayerCommand::AddSketch));
    }
    assert_eq!(window.layer_names(), ["Background", "Sketch 1", "Sketch 2"]);
    window
        .harness
        .get_by_role_and_label(Role::ListItem, "Layer Sketch 2, sketch")
        .focus();
    window.steps(2);
    window.press(Modifiers::NONE, Key::ArrowDown);
    assert_eq!(window.content().selected_layer().unwrap().name, "Sketch 1");
    window.press(Modifiers::ALT, Key::ArrowDown);
    assert_eq!(window.layer_names(), ["Sketch 1", "Background", "Sketch 2"]);
    window.press(Modifiers::NONE, Key::Delete);
    assert_eq!(window.layer_names(), ["Background", "Sketch 2"]);
}

#[test]
fn a_kept_patch_is_selected_and_the_brush_still_paints_the_pictures_mask() {
    let mut window = Window::open();
    window.blank((SIDE, SIDE), Some([255; 3]));
    window.drag((0.45, 0.5), (0.55, 0.5));
    window.carry_out(Command::EditPatchMask(true));
    window.generate("a red sailboat");
    let job = window.started();
    for index in 0..4 {
        window.edited(job, index);
    }
    window.finished(job);
    window.wait_for("four saved pictures", |window| window.n_saved() == 4);
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::NONE, Key::Num1);
    window.press(Modifiers::NONE, Key::Enter);
    let content = window.content();
    let selected = content.selected_layer().unwrap();
    assert!(selected.patch_mask().is_some(), "{}", selected.name);
    assert!(!window.app().session.toolbox.edits_patch_mask);
    window.press(Modifiers::NONE, Key::B);
    window.drag((0.45, 0.4), (0.55, 0.4));
    assert!(!window.content().mask.is_empty());
}

/// Where the panel is folded its run is seen beside the canvas, from the first preview on.
#[test]
fn a_folded_panel_shows_what_the_run_draws() {
    let mut window = Window::open();
    window.harness.set_size(egui::vec2(900.0, 600.0));
    window.steps(3);
    window.generate("a red sailboat");
    let job = window.started();
    window.preview(job, 0, 10);
    window.steps(3);
    assert!(!window.shows("Keep"), "the panel is folded");
    let tiles = |window: &Window| -> Vec<egui::Rect> {
        let all = window.harness.get_all_by_role(Role::ListItem);
        let tiles = all.filter(|node| {
            let label = node.accesskit_node().label();
            label.is_some_and(|label| label.starts_with("Result "))
        });
        tiles.map(|node| node.rect()).collect()
    };
    let seen = tiles(&window);
    assert_eq!(seen.len(), 4);
    let panel = egui::Rect::from_min_max(egui::pos2(848.0, 48.0), egui::pos2(900.0, 600.0));
    assert!(
        seen.iter().all(|tile| panel.contains_rect(*tile)),
        "{seen:?}"
    );
    window.harness.hover_at(seen[1].center());
    window.steps(1);
    window.harness.drag_at(seen[1].center());
    window.harness.drop_at(seen[1].center());
    window.steps(3);
    let shown = window.app().session.shown();
    assert!(
        matches!(shown, Some(PictureRef::Result { index: 1, .. })),
        "{shown:?}"
    );
}

/// A sheet is laid out before it is known how much is on it: it must not stay as small as it began.
#[test]
fn sheets_show_as_much_as_the_window_has_room_for() {
    let mut window = Window::open();
    let height = |window: &Window, name: &str| {
        let id = egui::Id::unique(name);
        let rect = window.harness.ctx.memory(|memory| memory.area_rect(id));
        rect.map_or(0.0, |rect| rect.height())
    };
    for (command, sheet, least) in [
        (Command::Palette, "palette", 380.0),
        (Command::Shortcuts, "shortcuts", 700.0),
        (Command::Settings, "settings", 420.0),
    ] {
        window.carry_out(command);
        window.steps(6);
        let seen = height(&window, sheet);
        assert!(seen >= least && seen <= 900.0, "{sheet}: {seen}");
        window.carry_out(Command::Escape);
    }
}
