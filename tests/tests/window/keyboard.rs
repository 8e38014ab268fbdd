//! Keys: where they are heard, and in which order with what is typed.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use limn::session::Place;

use super::Window;

impl Window {
    /// Part of what the next frame hears.
    fn push_text(&mut self, text: &str) {
        let text = egui::Event::Text(text.to_owned());
        self.harness.input_mut().events.push(text);
    }

    fn push_key(&mut self, modifiers: Modifiers, key: Key) {
        for pressed in [true, false] {
            self.harness.input_mut().events.push(egui::Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers,
            });
        }
    }
}

/// A slow frame holds the last letters and the shortcut after them.
#[test]
fn what_was_typed_before_a_shortcut_counts() {
    let mut window = Window::open();
    window.press(Modifiers::NONE, Key::T);
    window.press(Modifiers::COMMAND, Key::A);
    window.type_text("a red sail");
    window.push_text("boat");
    window.push_key(Modifiers::COMMAND, Key::Enter);
    window.steps(3);
    let run = window.app().session.runs.last().unwrap();
    assert_eq!(run.request.prompt, "a red sailboat");
}

/// And what follows a shortcut goes to what it opens.
#[test]
fn what_was_typed_after_a_shortcut_goes_where_it_leads() {
    let mut window = Window::open();
    window.press(Modifiers::NONE, Key::T);
    window.press(Modifiers::COMMAND, Key::A);
    window.type_text("a red sailboat");
    window.push_key(Modifiers::COMMAND, Key::K);
    window.push_text("go gall");
    window.push_key(Modifiers::NONE, Key::Enter);
    window.steps(6);
    assert_eq!(window.app().session.place, Place::Gallery);
    assert_eq!(window.app().prompt(), "a red sailboat");
}

#[test]
fn the_palette_finds_and_does() {
    let mut window = Window::open();
    window.press(Modifiers::COMMAND, Key::K);
    window.type_text("go gall");
    assert!(window.shows("Go to Gallery"));
    assert!(!window.shows("Go to Models"));
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.app().session.place, Place::Gallery);
    window.press(Modifiers::COMMAND, Key::K);
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Find a command"));
    assert_eq!(window.app().session.place, Place::Gallery);
}

#[test]
fn single_keys_type_in_the_prompt_and_act_outside_it() {
    let mut window = Window::open();
    window.wait_for("the example", |window| !window.app().prompt().is_empty());
    window.steps(2);
    for (key, text) in [(Key::F, "f"), (Key::S, "s"), (Key::Num1, "1")] {
        window.stroke(key, text);
    }
    assert_eq!(window.app().prompt(), "fs1");
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.app().prompt_has_focus(&window.harness.ctx));
    // Outside the text the same keys are commands, and the letter does not reach the prompt.
    window.stroke(Key::T, "t");
    assert_eq!(window.app().prompt(), "fs1");
    assert!(window.app().prompt_has_focus(&window.harness.ctx));
}

#[test]
fn clicks_leave_no_focus_on_buttons_and_regions_are_reached_by_key() {
    let mut window = Window::open();
    window.wait_for("the example", |window| !window.app().prompt().is_empty());
    window.steps(2);
    window.click("Eraser");
    assert_eq!(window.harness.ctx.memory(egui::Memory::focused), None);
    window.press(Modifiers::NONE, Key::F6);
    assert!(window.harness.get_by_label("Results").is_focused());
    window.press(Modifiers::NONE, Key::F6);
    assert!(window.harness.get_by_label("Canvas").is_focused());
}

/// F1 everywhere, ? outside text.
#[test]
fn the_list_of_keys_opens_by_its_keys_and_closes_by_esc() {
    let mut window = Window::open_with_results();
    for (modifiers, key) in [
        (Modifiers::NONE, Key::F1),
        (Modifiers::SHIFT, Key::Questionmark),
        (Modifiers::SHIFT, Key::Slash),
    ] {
        assert!(!window.shows("On the canvas"));
        window.press(modifiers, key);
        for label in [
            "On the canvas",
            "In the gallery",
            "Swap brush and eraser",
            "Ctrl K",
        ] {
            assert!(window.shows(label), "{label} after {key:?}");
        }
        window.press(Modifiers::NONE, Key::Escape);
    }
    window.press(Modifiers::NONE, Key::T);
    window.press(Modifiers::NONE, Key::F1);
    assert!(window.shows("On the canvas"));
    window.click("Close the list of keys   Esc");
    assert!(!window.shows("On the canvas"));
}
