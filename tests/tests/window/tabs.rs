//! What belongs to one document stays with it: its prompt and settings, its name, its results, its messages.

use egui::accesskit::Role;
use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};
use limn::command::Command;
use limn::document::StepName;
use limn::engine_link::{DeathCause, EngineEvent};
use limn::session::{Draft, Place};
use limn_engine::PixelRect;

use super::Window;

impl Window {
    fn draft_mut(&mut self) -> &mut Draft {
        let session = &mut self.harness.state_mut().session;
        &mut session.documents.current_mut().draft
    }

    fn draft(&self) -> &Draft {
        &self.app().session.documents.current().draft
    }

    /// As after the window was closed.
    fn restarted(mut self) -> Self {
        eframe::App::on_exit(self.harness.state_mut());
        let Self { harness, home, .. } = self;
        drop(harness);
        Self::open_in(home)
    }

    /// The canvas has a grey picture.
    fn open_picture(&mut self) {
        let grey = image::RgbaImage::from_pixel(64, 48, image::Rgba([90, 90, 90, 255]));
        let session = &mut self.harness.state_mut().session;
        session.open_picture("grey", &grey, None, None);
        self.steps(2);
    }

    fn paint_mask(&mut self, x: i32) {
        let session = &mut self.harness.state_mut().session;
        session.document_mut().change(StepName::Brush, |content| {
            content.mask.write(PixelRect::new(x, 3, 4, 4), &[255; 16]);
        });
        self.steps(2);
    }

    fn tab_name(&self) -> String {
        self.app().session.document().name().to_owned()
    }
}

#[test]
fn every_document_keeps_its_prompt_and_settings_through_a_restart() {
    let mut window = Window::open();
    window.draft_mut().prompt = "a red house".to_owned();
    window.draft_mut().negative_prompt = "fog".to_owned();
    window.draft_mut().n_pictures = 2;
    window.draft_mut().seed = 77;
    window.draft_mut().seed_is_locked = true;
    let mut choices = window.app().session.documents.current().choices.clone();
    choices.change_strength = 0.25;
    window.send(Command::SetChoices(choices));
    window.press(Modifiers::COMMAND, Key::N);
    assert_eq!(window.draft().negative_prompt, "", "of the other document");
    window.draft_mut().prompt = "a blue knight".to_owned();
    window.draft_mut().negative_prompt = "rain".to_owned();
    window.draft_mut().n_pictures = 6;
    window.draft_mut().size = Some((80, 48));
    window.draft_mut().seed_is_locked = false;

    let mut window = window.restarted();
    window.wait_for("both documents", |window| {
        window.app().session.documents.len() == 2
    });
    window.steps(3);
    for prompt in ["a blue knight", "a red house", "a blue knight"] {
        assert_eq!(window.draft().prompt, prompt);
        let draft = window.draft();
        let change = window
            .app()
            .session
            .documents
            .current()
            .choices
            .change_strength;
        if prompt == "a red house" {
            assert_eq!((&*draft.negative_prompt, draft.n_pictures), ("fog", 2));
            assert_eq!(
                (draft.seed, draft.seed_is_locked, draft.size),
                (77, true, None)
            );
            assert!((change - 0.25).abs() < 1e-6);
        } else {
            assert_eq!((&*draft.negative_prompt, draft.n_pictures), ("rain", 6));
            assert_eq!((draft.seed_is_locked, draft.size), (false, Some((80, 48))));
            assert!((change - 0.6).abs() < 1e-6);
        }
        window.press(Modifiers::COMMAND, Key::Tab);
    }
}

#[test]
fn a_tab_is_called_after_its_prompt_until_the_user_names_it() {
    let mut window = Window::open();
    window.generate("a red house in the meadow");
    assert_eq!(window.tab_name(), "a red house");
    window.generate("a blue knight with a lamp");
    assert_eq!(window.tab_name(), "a blue knight");

    window
        .harness
        .get_by_label_contains("Document a blue knight")
        .click_secondary();
    window.steps(3);
    window.click("Rename…");
    window.press(Modifiers::COMMAND, Key::A);
    window.type_text("For Ada");
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.tab_name(), "For Ada");
    window.press(Modifiers::NONE, Key::Escape);
    window.generate("a yellow boat");
    assert_eq!(window.tab_name(), "For Ada");
}

/// The strip beside the button and the chip in the top bar tell one time.
#[test]
fn one_run_has_one_time_left() {
    let mut window = Window::open();
    window.generate("a red sailboat");
    let job = window.started();
    for (step, seconds) in [(1, 40.0), (2, 90.0), (3, 12.0), (4, 70.0)] {
        let progress = limn_engine::protocol::Progress {
            phase: limn_engine::protocol::Phase::Step,
            picture: 0,
            step,
            n_steps: 20,
            seconds_left: Some(seconds),
            preview: None,
        };
        window.say(limn_engine::protocol::Event::Progress { job, progress });
        std::thread::sleep(std::time::Duration::from_millis(300));
        window.steps(1);
        let now = std::time::Instant::now();
        let session = &window.app().session;
        let run = session.running().unwrap().seconds_left(now);
        assert_eq!(session.seconds_left(now), run, "step {step}");
    }
}

/// Notes come and go under the buttons, which stay where they are; only one of them is loud.
#[test]
fn what_is_said_of_results_does_not_move_their_buttons() {
    let mut window = Window::open();
    window.generate("a red sailboat");
    let job = window.started();
    window.picture(job, 0);
    window.steps(2);
    let place = |window: &Window| window.harness.get_by_label("Keep").rect();
    let before = place(&window);
    window.say(limn_engine::protocol::Event::Failed {
        job: Some(job),
        failure: limn_engine::protocol::Failure {
            kind: limn_engine::error::ErrorKind::OutOfMemory,
            message: "There was no memory for the rest.".to_owned(),
        },
    });
    window.steps(3);
    assert!(window.shows("Run again"));
    assert_eq!(place(&window), before);
    let loud = |window: &Window, label: &str| {
        let theme = limn::theme::of_ctx(&window.harness.ctx);
        let accent = theme.accent;
        let button = window.harness.get_by_label(label).rect();
        let mut shapes = window.harness.output().shapes.iter();
        shapes.any(|clipped| match &clipped.shape {
            egui::Shape::Rect(shape) => {
                shape.fill == accent && button.expand(1.0).contains_rect(shape.rect)
            }
            _ => false,
        })
    };
    assert!(loud(&window, "Keep") && !loud(&window, "Run again"));
}

/// Fourteen tabs have no room in the smallest window.
#[test]
fn the_tab_in_front_is_in_view() {
    let mut window = Window::open();
    window.harness.set_size(vec2(900.0, 600.0));
    for n in 0..13 {
        window.press(Modifiers::COMMAND, Key::N);
        window.draft_mut().prompt = format!("document {n}");
    }
    let names: Vec<_> = (0..14).map(|n| format!("tab number {n}")).collect();
    for (open, name) in window
        .harness
        .state_mut()
        .session
        .documents
        .iter_mut()
        .zip(&names)
    {
        open.document.rename(name);
    }
    window.steps(20);
    for turn in 0..16 {
        let name = window.tab_name();
        let tab = window
            .harness
            .get_by_label(&format!("Document {name}"))
            .rect();
        let plus = window.harness.get_by_label("New document").rect();
        let places = window.harness.get_by_label("Models").rect();
        assert!(
            tab.left() >= places.right() && tab.right() <= plus.left() + 1.0,
            "{turn}: {name} at {tab:?} between {places:?} and {plus:?}"
        );
        window.press(Modifiers::COMMAND, Key::Tab);
        window.steps(20);
    }
}

fn undo_of_messages(harness: &Harness<'static, limn::app::App>) -> usize {
    // The tool strip has one of its own.
    harness.query_all_by_label("Undo").count() - 1
}

#[test]
fn the_undo_of_a_message_goes_with_its_step() {
    let mut window = Window::open_with_results();
    window.press(Modifiers::NONE, Key::Num1);
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(undo_of_messages(&window.harness), 1);
    window.paint_mask(3);
    assert_eq!(
        undo_of_messages(&window.harness),
        0,
        "another step came after it"
    );
    assert!(!window.app().session.document().content().mask.is_empty());

    let mut window = Window::open_with_results();
    window.press(Modifiers::NONE, Key::Num1);
    window.press(Modifiers::NONE, Key::Enter);
    window.press(Modifiers::COMMAND, Key::Z);
    assert_eq!(
        undo_of_messages(&window.harness),
        0,
        "it was taken back already"
    );

    // In another tab it means what it meant.
    let mut window = Window::open_with_results();
    window.press(Modifiers::NONE, Key::Num1);
    window.press(Modifiers::NONE, Key::Enter);
    let kept = window.app().session.documents.current_id();
    window.press(Modifiers::COMMAND, Key::N);
    window.press(Modifiers::NONE, Key::Escape);
    window.open_picture();
    let other = window.app().session.documents.current_id();
    assert_ne!(kept, other);
    assert_eq!(undo_of_messages(&window.harness), 1);
    window.click_last("Undo");
    assert_eq!(
        window.app().session.document().next_undo(),
        Some(StepName::OpenPicture),
        "the step of the tab in front stays"
    );
    let documents = &window.app().session.documents;
    let kept = documents.get(kept).unwrap();
    assert!(kept.document.content().layers.is_empty());
    assert_eq!(undo_of_messages(&window.harness), 0);
}

#[test]
fn the_undo_of_a_closed_document_brings_that_one_back() {
    let mut window = Window::open();
    for prompt in ["a red house", "a blue knight"] {
        window.draft_mut().prompt = prompt.to_owned();
        window.steps(1);
        window.press(Modifiers::COMMAND, Key::N);
    }
    let ids: Vec<_> = window
        .app()
        .session
        .documents
        .iter()
        .map(|open| open.document.id())
        .collect();
    window.send(Command::CloseDocument(ids[0]));
    window.send(Command::CloseDocument(ids[1]));
    assert_eq!(undo_of_messages(&window.harness), 2);
    window.send(Command::PutBack(ids[0]));
    assert_eq!(window.app().session.documents.current_id(), ids[0]);
    assert_eq!(undo_of_messages(&window.harness), 1);
    window.click_last("Undo");
    assert_eq!(window.app().session.documents.current_id(), ids[1]);
}

#[test]
fn what_was_closed_stays_closed_and_tabs_keep_their_order_though_limn_is_killed() {
    let mut window = Window::open();
    window.open_picture();
    window.press(Modifiers::COMMAND, Key::N);
    window.draft_mut().prompt = "a blue knight".to_owned();
    window.press(Modifiers::COMMAND, Key::N);
    window.open_picture();
    let ids: Vec<_> = window
        .app()
        .session
        .documents
        .iter()
        .map(|open| open.document.id())
        .collect();
    window.press(Modifiers::COMMAND, Key::N);
    window.open_picture();
    let closed = window.app().session.documents.current_id();
    window.send(Command::CloseDocument(closed));
    let settings = window.home.path().join("config/settings.json");
    let is_written = || {
        let text = std::fs::read_to_string(&settings).unwrap_or_default();
        text.contains("blue knight") && text.contains("\"is_closed\": true")
    };
    window.wait_for("the settings", |_| is_written());

    // Dropped without being told to end.
    let Window { harness, home, .. } = window;
    drop(harness);
    let mut window = Window::open_in(home);
    window.wait_for("the documents", |window| {
        window.app().session.documents.len() == 3
    });
    let open = &window.app().session.documents;
    let prompts: Vec<&str> = open.iter().map(|open| open.draft.prompt.as_str()).collect();
    assert_eq!(prompts[1], "a blue knight", "{prompts:?}");
    let places = [ids[0], ids[2]].map(|id| open.iter().position(|open| open.document.id() == id));
    assert_eq!(places, [Some(0), Some(2)]);
    // It can still be had back.
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::T);
    window.wait_for("the closed one", |window| {
        window.app().session.documents.get(closed).is_some()
    });
}

#[test]
fn results_come_back_with_their_document_and_can_be_kept() {
    let mut window = Window::open_with_results().restarted();
    window.wait_for("the run", |window| window.app().session.runs.len() == 1);
    window.steps(3);
    assert_eq!(window.n_saved(), 4);
    for n in 1..=4 {
        assert!(window.shows(&format!("Result {n}: finished")), "{n}");
    }
    assert_eq!(window.app().prompt(), "a red sailboat");
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::NONE, Key::Num3);
    window.press(Modifiers::NONE, Key::Enter);
    window.wait_for("the picture", |window| {
        !window.app().session.document().content().frame.is_empty()
    });
    // What was put away does not come back.
    window.send(Command::Discard);
    let mut window = window.restarted();
    window.wait_for("the document", |window| {
        !window.app().session.document().content().frame.is_empty()
    });
    assert!(window.app().session.runs.is_empty());
}

#[test]
fn a_run_that_ends_elsewhere_is_told_with_the_way_there() {
    let mut window = Window::open();
    window.generate("a red house");
    let job = window.started();
    window.picture(job, 0);
    window.press(Modifiers::COMMAND, Key::N);
    window.send(Command::GoTo(Place::Gallery));
    let drawn = window.app().session.runs[0].document;
    assert_ne!(window.app().session.documents.current_id(), drawn);
    window.finished(job);
    assert!(window.shows("“a red house” is done"));
    window.click("Show");
    assert_eq!(window.app().session.place, Place::Canvas);
    assert_eq!(window.app().session.documents.current_id(), drawn);
    assert!(!window.shows("“a red house” is done"));
    // In front of everybody's eyes nothing needs to be told.
    window.generate("a red house");
    let job = window.started();
    window.picture(job, 0);
    window.finished(job);
    assert!(!window.shows("“a red house” is done"));
}

#[test]
fn a_killed_engine_is_told_once_with_one_button() {
    for has_picture in [false, true] {
        let mut window = Window::open();
        if has_picture {
            window.open_picture();
        }
        window.generate("a red house");
        let job = window.started();
        window.preview(job, 0, 3);
        window.steps(2);
        window.tell(EngineEvent::Died {
            cause: DeathCause::Ended,
            reason: "the engine stopped: killed by signal 9\nthread 'main' said so".to_owned(),
            lost: Vec::new(),
        });
        window.steps(3);
        let told = "Drawing stopped in the middle";
        let n_told = window
            .harness
            .query_all_by_role(Role::Label)
            .filter(|label| {
                let node = label.accesskit_node();
                let text = node.value().or_else(|| node.label()).unwrap_or_default();
                text.contains(told)
            })
            .count();
        assert_eq!(n_told, 1, "with a picture: {has_picture}");
        let n_buttons = window.harness.query_all_by_label("Run again").count();
        assert_eq!(n_buttons, 1, "with a picture: {has_picture}");
        assert!(window.shows("Result 1: not made"));
        for label in window.harness.query_all_by_role(Role::Label) {
            let node = label.accesskit_node();
            let text = node.value().or_else(|| node.label()).unwrap_or_default();
            assert!(
                !text.contains("signal") && !text.contains("thread"),
                "{text}"
            );
        }
    }
}

#[test]
fn messages_leave_the_hints_of_keys_free() {
    let mut window = Window::open();
    window.harness.set_size(vec2(900.0, 600.0));
    window.open_picture();
    window.steps(3);
    let canvas = window.harness.get_by_role(Role::Canvas).rect();
    // Nothing to do: three messages.
    window.send(Command::Undo);
    window.send(Command::Undo);
    window.send(Command::Redo);
    window.send(Command::SaveMask);
    window.steps(5);
    let closes = window.harness.query_all_by_label("Close the message");
    let lowest = closes.map(|close| close.rect().bottom());
    let lowest = lowest.fold(0.0, f32::max);
    assert!(lowest > 0.0);
    assert!(lowest < canvas.bottom() - 42.0, "{lowest} in {canvas:?}");
}

/// A photograph with a hole can be meant either way: it is asked, and nothing is masked before the answer.
#[test]
fn a_photograph_as_a_mask_is_asked_about() {
    let mut window = Window::open();
    window.open_picture();
    let path = window.home.path().join("cut out.png");
    let photo = image::RgbaImage::from_fn(64, 48, |x, y| {
        let level = (90 + x * 2) as u8;
        image::Rgba([level, 120, 60 + y as u8, if x < 16 { 0 } else { 255 }])
    });
    photo.save(&path).unwrap();
    let is_masked = |window: &Window, x: i32| {
        let content = window.app().session.document().content();
        content.mask.pixel(x, 20) > 127
    };
    for (answer, hole, rest) in [
        ("Cancel", false, false),
        ("Paint what is transparent", true, false),
        ("Paint what is light", false, true),
    ] {
        let ctx = window.harness.ctx.clone();
        window
            .harness
            .state_mut()
            .load_mask_file(&ctx, path.clone());
        window.wait_for("the question", |window| {
            window.shows("Which part may change?")
        });
        assert!(!is_masked(&window, 60) || answer == "Paint what is light");
        window.click(answer);
        window.wait_for("the answer", |window| {
            !window.shows("Which part may change?")
                && (is_masked(window, 4), is_masked(window, 62)) == (hole, rest)
        });
        window.send(Command::Mask(limn::tools::MaskAction::Clear));
        window.wait_for("an empty mask", |window| {
            !is_masked(window, 4) && !is_masked(window, 62)
        });
    }
}
