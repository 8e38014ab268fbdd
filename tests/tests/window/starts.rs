//! Starts after a crash: what the last one came to its end over is left out, and can be asked for.

use egui::Key;
use egui::Modifiers;
use limn::document::StepName;
use limn::paths::Folders;
use limn::session::GalleryState;
use limn_engine::PixelRect;

use super::{Window, model};
use limn::engine_link::EngineEvent;
use limn_engine::protocol::Event;

/// A home whose window came to its end in the middle of this.
fn after_crash(window: Window, doing: &str) -> Window {
    let Window { harness, home, .. } = window;
    drop(harness);
    let journal = Folders::under(home.path()).start_journal();
    let written = format!(r#"{{ "doing": [{doing}], "left_out": [] }}"#);
    std::fs::write(journal, written).unwrap();
    Window::open_with(home, None)
}

const OFFER: &str = "Do it now";

#[test]
fn documents_that_ended_the_last_start_are_left_out_and_come_when_asked_for() {
    let mut window = Window::open();
    let document = window.harness.state_mut().session.document_mut();
    document.change(StepName::MaskAll, |content| {
        content.extend_frame(PixelRect::from_size(64, 64));
        content.mask.write(PixelRect::from_size(1, 1), &[255]);
    });
    let id = document.id();
    window.steps(3);
    let mut window = after_crash(window, r#""documents""#);
    let is_open = |window: &Window| window.app().session.documents.get(id).is_some();
    window.steps(20);
    assert!(!is_open(&window));
    assert!(window.shows(OFFER));
    // Not at the next start either, though nothing was done to end this one.
    let Window { harness, home, .. } = window;
    drop(harness);
    let mut window = Window::open_with(home, None);
    window.steps(20);
    assert!(!is_open(&window));
    window.click_last(OFFER);
    window.wait_for("the document", is_open);
    let Window { harness, home, .. } = window;
    drop(harness);
    let mut window = Window::open_with(home, None);
    window.wait_for("the document at the next start", is_open);
    assert!(!window.shows(OFFER));
}

#[test]
fn a_gallery_that_ended_the_last_start_is_not_opened_and_no_picture_is_lost() {
    let window = Window::open();
    let mut window = after_crash(window, r#""gallery""#);
    window.tell(EngineEvent::Connected {
        build: "played".to_owned(),
    });
    window.say(Event::Models(vec![model()]));
    let is_failed = matches!(window.app().gallery_view.state, GalleryState::Failed(_));
    assert!(is_failed, "{:?}", window.app().gallery_view.state);
    window.generate("a red sailboat");
    let job = window.started();
    window.picture(job, 0);
    assert_eq!(window.app().session.n_unsaved(), 1);
    window.press(Modifiers::NONE, Key::Escape);
    window.click_last(OFFER);
    window.wait_for("the saved picture", |window| window.n_saved() == 1);
}

#[test]
fn a_model_that_ended_the_last_start_is_not_read_ahead() {
    let window = Window::open();
    let mut window = after_crash(window, r#"{ "model": "doodle" }, "models""#);
    window.steps(3);
    assert!(window.shows(OFFER));
    assert!(window.harness.state().session.models.is_empty());
}
