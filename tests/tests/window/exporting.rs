//! The sheet for copies, and what is said of a copy.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use limn::command::Command;
use limn::session::PictureRef;

use super::Window;

impl Window {
    fn opens_export(&mut self) {
        self.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::E);
    }

    /// Waits until the sheet tells how large the copy will be.
    fn told_size(&mut self, pixels: &str) -> String {
        let find = |window: &Self| {
            let mut all = window.harness.query_all_by_label_contains(pixels);
            all.find_map(|label| {
                let node = egui_kittest::kittest::NodeT::accesskit_node(&label);
                let text = node.value().or_else(|| node.label()).unwrap_or_default();
                text.contains("about").then_some(text)
            })
        };
        self.wait_for("an estimate", |window| find(window).is_some());
        find(self).unwrap_or_default()
    }
}

#[test]
fn one_sheet_tells_size_and_bytes_and_remembers_what_was_chosen() {
    let mut window = Window::open_with_results();
    window.press(Modifiers::NONE, Key::Num2);
    window.opens_export();
    assert!(window.shows("Export the picture"));
    assert!(!window.shows("OpenRaster"), "a picture has no layers");
    let png = window.told_size("64 × 64 px");
    assert!(png.contains("kB"), "{png}");
    window.click("4×");
    let larger = window.told_size("256 × 256 px");
    assert_ne!(png, larger);
    window.click("JPEG");
    assert!(
        window
            .harness
            .query_by_label("with the recipe inside")
            .is_none()
    );
    assert!(window.shows("Quality of the JPEG"));
    window.told_size("256 × 256 px");
    window.click("PNG");
    window.click("with the recipe inside");
    window.click("Close without exporting   Esc");
    assert!(!window.shows("Export the picture"));

    // The document's own sheet has layers, and is the same sheet.
    window.press(Modifiers::NONE, Key::Enter);
    window.opens_export();
    assert!(window.shows("Export the document"));
    window.click("OpenRaster");
    window.told_size("64 × 64 px");
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Export the document"));
    assert_eq!(window.app().session.runs.len(), 1, "no result came of it");
}

/// A sheet's veil lies over everything but the sheet.
#[test]
fn what_is_open_over_the_canvas_closes_when_a_sheet_opens() {
    let mut window = Window::open_with_results();
    window.click("Upscale");
    assert!(window.shows("× 2"));
    window.opens_export();
    assert!(window.shows("Export the picture"));
    assert!(!window.shows("× 2"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("× 2"), "it does not come back");
}

#[test]
fn a_picture_in_the_making_and_nothing_at_all_are_not_exported() {
    let mut window = Window::open();
    window.press(Modifiers::NONE, Key::Escape);
    window.opens_export();
    assert!(window.shows("Open a picture first, then export it."));
    window.generate("a red house");
    let job = window.started();
    window.preview(job, 0, 3);
    window.steps(2);
    let run = window.app().session.runs[0].id;
    window
        .harness
        .state_mut()
        .send(Command::Show(PictureRef::Result { run, index: 0 }));
    window.steps(2);
    window.opens_export();
    assert!(window.shows("This picture is not finished yet."));
}

#[test]
fn while_results_are_drawn_the_document_below_them_is_exported() {
    let mut window = Window::open_with_results();
    window.press(Modifiers::NONE, Key::Enter);
    window.generate("a red house");
    let job = window.started();
    window.preview(job, 0, 3);
    let run = window.app().session.runs.last().unwrap().id;
    let shown = PictureRef::Result { run, index: 0 };
    window.harness.state_mut().send(Command::Show(shown));
    window.steps(2);
    assert_eq!(window.app().session.shown(), Some(shown));
    // A result that is not finished cannot be kept, and its button says so.
    assert!(is_disabled(&window, "Keep"));
    window.opens_export();
    assert!(window.shows("Export the document"));
    window.told_size("64 × 64 px");
    window.press(Modifiers::NONE, Key::Enter);
    assert!(!window.shows("Export the document"), "Enter exports");
}

fn is_disabled(window: &Window, label: &str) -> bool {
    let node = window.harness.get_by_label(label);
    egui_kittest::kittest::NodeT::accesskit_node(&node).is_disabled()
}
