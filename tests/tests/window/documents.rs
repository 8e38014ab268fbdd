//! The designer's loop: paint a mask, fill it, keep, swap, undo, and find all of it again.

use egui::{Key, Modifiers, Pos2, vec2};
use egui_kittest::kittest::Queryable;
use limn::document::StepName;
use limn::session::{Deed, PictureRef, RunState};

use super::Window;
use super::real_engine::real_engine;

impl Window {
    /// Drags over the canvas, by parts of its width and height.
    pub(super) fn drag(&mut self, from: (f32, f32), to: (f32, f32)) {
        const N_MOVES: u32 = 8;
        let canvas = self
            .harness
            .get_by_role(egui::accesskit::Role::Canvas)
            .rect();
        let at = |(x, y): (f32, f32)| -> Pos2 {
            canvas.min + vec2(x * canvas.width(), y * canvas.height())
        };
        let (from, to) = (at(from), at(to));
        self.harness.hover_at(from);
        self.steps(1);
        self.harness.drag_at(from);
        self.steps(1);
        for step in 1..=N_MOVES {
            let part = step as f32 / N_MOVES as f32;
            self.harness.hover_at(from + (to - from) * part);
            self.steps(1);
        }
        self.harness.drop_at(to);
        self.steps(2);
    }

    fn n_layers(&self) -> usize {
        self.app().session.document().content().layers.len()
    }

    fn has_mask(&self) -> bool {
        !self.app().session.document().content().mask.is_empty()
    }

    /// Waits until the newest run has all its pictures in the gallery.
    fn wait_for_run(&mut self, n_runs: usize) {
        self.wait_for("the run's end", |window| {
            let runs = &window.app().session.runs;
            let run = runs.last().unwrap();
            assert!(!matches!(run.state, RunState::Failed(_)), "{:?}", run.state);
            runs.len() == n_runs && run.state == RunState::Finished && run.n_finished() == 4
        });
        self.steps(3);
    }

    fn undo(&mut self) -> Option<StepName> {
        let step = self.app().session.document().next_undo();
        self.press(Modifiers::COMMAND, Key::Z);
        step
    }
}

#[test]
fn a_designers_loop_survives_a_restart() {
    let (home, engine) = real_engine(3);
    let mut window = Window::open_with(home, Some(engine.clone()));
    window.wait_for("the engine's models", |window| {
        !window.app().session.models.is_empty()
    });
    window.generate("a red house");
    window.wait_for_run(1);
    window.click("Result 2: finished");
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.n_layers(), 1, "kept as the picture of the document");

    window.press(Modifiers::NONE, Key::B);
    window.drag((0.45, 0.5), (0.55, 0.5));
    assert!(window.has_mask());
    assert!(window.shows("Fill mask"));
    assert_eq!(window.undo(), Some(StepName::Brush));
    assert!(!window.has_mask());
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(window.app().session.deed(), Deed::FillMask);

    window.press(Modifiers::COMMAND, Key::Enter);
    window.wait_for_run(2);
    window.press(Modifiers::NONE, Key::Num1);
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!((window.n_layers(), window.has_mask()), (2, false));
    window.press(Modifiers::NONE, Key::Num3);
    assert!(matches!(
        window.app().session.shown(),
        Some(PictureRef::Result { index: 2, .. })
    ));
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.n_layers(), 2, "swapped, not added");
    assert!(window.shows("Result 3: finished, kept"));
    assert_eq!(window.undo(), Some(StepName::SwapResult));
    window.steps(2);
    assert!(window.shows("Result 1: finished, kept"));
    assert_eq!(
        window.n_saved(),
        8,
        "undo takes no picture from the gallery"
    );
    let id = window.app().session.document().id();

    eframe::App::on_exit(window.harness.state_mut());
    let Window { harness, home, .. } = window;
    drop(harness);
    let mut window = Window::open_with(home, Some(engine));
    window.wait_for("the document", |window| {
        window.app().session.document().id() == id
    });
    window.steps(2);
    assert_eq!(window.app().prompt(), "a red house");
    assert_eq!(window.n_layers(), 2);
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.undo(), Some(StepName::KeepResult));
    assert_eq!((window.n_layers(), window.has_mask()), (1, true));
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(window.n_layers(), 2);
}

/// Two windows share their settings: the one that ends last does not take the other's prompts away.
#[test]
fn a_second_window_leaves_the_prompts_of_the_first() {
    let mut first = Window::open();
    first.wait_for("the example", |window| !window.app().prompt().is_empty());
    first.steps(2);
    first.type_text("a blue house");
    first.press(Modifiers::COMMAND, Key::Enter);
    let job = first.started();
    first.picture(job, 0);
    first.wait_for("the picture", |window| window.n_saved() == 1);
    first.press(Modifiers::NONE, Key::Escape);
    first.press(Modifiers::NONE, Key::Num1);
    first.press(Modifiers::NONE, Key::Enter);
    assert_eq!(first.n_layers(), 1);
    let id = first.app().session.document().id();
    let mut second = first.another();
    second.wait_for("the gallery", |window| {
        window.app().gallery_view.entries().len() == 1
    });
    eframe::App::on_exit(first.harness.state_mut());
    let Window { harness, home, .. } = first;
    drop(harness);
    eframe::App::on_exit(second.harness.state_mut());
    drop(second);
    let mut window = Window::open_in(home);
    window.wait_for("the document", |window| {
        window.app().session.document().id() == id
    });
    window.steps(2);
    assert_eq!(window.app().prompt(), "a blue house");
}

#[test]
fn documents_are_tabs_and_a_closed_one_comes_back() {
    let mut window = Window::open();
    window.wait_for("the example", |window| !window.app().prompt().is_empty());
    window.steps(2);
    window.type_text("a blue house");
    window.press(Modifiers::COMMAND, Key::N);
    assert_eq!(window.app().session.documents.len(), 2);
    assert_eq!(window.app().prompt(), "");
    window.type_text("a red knight");
    window.press(Modifiers::COMMAND, Key::Tab);
    assert_eq!(window.app().prompt(), "a blue house");
    window.stroke(Key::B, "b");
    assert_eq!(window.app().prompt(), "a blue house", "a key, not a letter");
    window.press(Modifiers::COMMAND, Key::W);
    assert_eq!(window.app().prompt(), "a red knight");
    // The tool strip has an Undo of its own.
    window.click_last("Undo");
    assert_eq!(window.app().prompt(), "a blue house");
    assert_eq!(window.app().session.documents.len(), 2);
}

#[test]
fn an_empty_mask_offers_the_whole_picture() {
    let mut window = Window::open();
    window.generate("a red house");
    let job = window.started();
    window.picture(job, 0);
    window.wait_for("the picture", |window| window.n_saved() == 1);
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.n_layers(), 1);
    window.click("Do something else");
    window.click("Fill mask");
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::COMMAND, Key::Enter);
    assert!(window.shows("The mask is empty: paint over what to change."));
    assert!(window.shows("Change picture"));
}
