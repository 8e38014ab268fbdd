//! From a prompt to kept pictures: tiles, queue, failures, restarts.

use std::time::Instant;

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use limn::command::Command;
use limn::engine_link::EngineEvent;
use limn::session::{PictureRef, RunState};
use limn_engine::protocol::{Event, Feature, ModelId, ModelInfo};

use super::Window;
use crate::harness::{copy_folder, fixture_path};

#[test]
fn the_first_frame_has_the_prompt_focused_and_an_example_that_typing_replaces() {
    let mut window = Window::open();
    assert!(window.app().prompt_has_focus(&window.harness.ctx));
    window.wait_for("the example", |window| !window.app().prompt().is_empty());
    window.steps(3);
    assert_eq!(window.app().prompt(), "a red sailboat on the sea");
    assert!(window.shows("Doodle draws picture-book scenes, 64 px."));
    window.type_text("a blue house");
    assert_eq!(window.app().prompt(), "a blue house");
    window.click("a red sailboat on the sea");
    assert_eq!(window.app().prompt(), "a red sailboat on the sea");
}

#[test]
fn a_surprise_replaces_the_prompt_by_words_that_the_model_knows() {
    let mut window = Window::open();
    window.generate("a quagga");
    window.press(Modifiers::COMMAND, Key::N);
    window.click("Surprise me");
    let prompt = window.app().prompt().to_owned();
    let model = window.app().session.current_model().unwrap();
    let vocabulary = model.vocabulary.as_ref().unwrap();
    assert!(
        vocabulary.objects.iter().any(|name| prompt.contains(name)),
        "{prompt}"
    );
    assert!(
        limn::session::unknown_words(&prompt, vocabulary).is_empty(),
        "{prompt}"
    );
}

#[test]
fn a_prompt_becomes_tiles_previews_and_kept_pictures() {
    let mut window = Window::open();
    window.generate("a red sailboat");
    assert!(window.shows("Result 1: 0 %"), "tiles are there at once");
    assert!(window.shows("Result 4: 0 %"));
    let job = window.started();
    window.preview(job, 0, 20);
    window.steps(2);
    assert!(window.shows("Result 1: 95 %"));
    for index in 0..4 {
        window.picture(job, index);
    }
    window.finished(job);
    window.wait_for("four saved pictures", |window| window.n_saved() == 4);
    window.steps(3);
    assert!(window.shows("Result 4: finished"));
    window.wait_for("the gallery's count", |window| {
        window.harness.query_all_by_label("4 pictures").count() == 2
    });
    window.click("Result 3: finished");
    assert!(matches!(
        window.app().session.shown(),
        Some(PictureRef::Result { index: 2, .. })
    ));
    // The click has left the prompt: digits show results now, and 0 what was there before.
    window.press(Modifiers::NONE, Key::Num2);
    assert!(matches!(
        window.app().session.shown(),
        Some(PictureRef::Result { index: 1, .. })
    ));
    window.press(Modifiers::NONE, Key::ArrowRight);
    assert!(matches!(
        window.app().session.shown(),
        Some(PictureRef::Result { index: 2, .. })
    ));
}

#[test]
fn an_empty_prompt_says_so_beside_the_prompt() {
    let mut window = Window::open();
    window.wait_for("the example", |window| !window.app().prompt().is_empty());
    window.press(Modifiers::COMMAND, Key::A);
    window.press(Modifiers::NONE, Key::Backspace);
    window.press(Modifiers::COMMAND, Key::Enter);
    assert!(window.shows("Describe a picture first."));
    assert!(window.app().session.runs.is_empty());
    window.type_text("a cat");
    assert!(!window.shows("Describe a picture first."));
}

#[test]
fn prompts_queue_and_each_can_be_cancelled() {
    let mut window = Window::open();
    window.generate("one red house");
    window.started();
    window.generate("two blue houses");
    assert_eq!(window.app().session.active_runs().count(), 2);
    assert!(window.shows("2 in queue"));
    assert!(
        window.shows("Result 1: 0 %"),
        "the results in the making stay in view"
    );
    window.click("Cancel “two blue houses”");
    let states: Vec<_> = window
        .app()
        .session
        .runs
        .iter()
        .map(|run| &run.state)
        .collect();
    assert_eq!(states, [&RunState::Running, &RunState::Cancelled]);
    window.press(Modifiers::SHIFT, Key::Escape);
    assert_eq!(window.app().session.runs[0].state, RunState::Stopping);
}

#[test]
fn a_dead_engine_is_one_click_from_running_again() {
    let mut window = Window::open();
    window.generate("a red house");
    window.started();
    window.tell(EngineEvent::Died {
        cause: limn::engine_link::DeathCause::Ended,
        reason: "the engine stopped: killed by signal 9".to_owned(),
        lost: Vec::new(),
    });
    window.steps(3);
    assert!(window.shows("The picture was not made"));
    assert!(window.shows("Result 1: not made"));
    window.tell(EngineEvent::Connected {
        build: "the next".to_owned(),
    });
    window.steps(2);
    window.click_first("Run again");
    assert!(window.app().session.running().is_some());
}

#[test]
fn unknown_words_come_with_the_nearest_known_one() {
    let mut window = Window::open();
    window.wait_for("the example", |window| !window.app().prompt().is_empty());
    window.steps(2);
    window.type_text("a red samurai");
    assert!(window.shows("Doodle does not know “samurai”; nearest:"));
    window.click("Replace “samurai” by “knight”");
    assert_eq!(window.app().prompt(), "a red knight");
    assert!(!window.shows("Doodle does not know “samurai”; nearest:"));
}

#[test]
fn what_to_avoid_is_written_as_soon_as_it_is_opened() {
    let mut window = Window::open();
    window.press(Modifiers::NONE, Key::Escape);
    window.click("Avoid: what not to draw");
    window.type_text("fog");
    let draft = &window.app().session.documents.current().draft;
    assert_eq!(draft.negative_prompt, "fog");
}

/// Where the model looks at pictures through an IP-Adapter, the user chooses which, and how much it counts.
#[test]
fn what_a_model_looks_through_is_chosen_and_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let adapters = home.path().join("ip_adapters");
    std::fs::create_dir(&adapters).unwrap();
    for name in ["base", "other"] {
        let fixture = fixture_path("ip_adapters").join("plain_sd.safetensors");
        std::fs::copy(fixture, adapters.join(name).with_extension("safetensors")).unwrap();
    }
    let encoder = fixture_path("ip_adapters").join("image_encoder");
    copy_folder(&encoder, &adapters.join("encoder"));
    copy_folder(
        &fixture_path("stable_diffusion"),
        &home.path().join("models").join("photo"),
    );
    let mut window = Window::open_with(home, None);
    window.tell(EngineEvent::Connected {
        build: "played".to_owned(),
    });
    let id = ModelId("photo".to_owned());
    window.say(Event::Models(vec![ModelInfo {
        id: id.clone(),
        features: vec![Feature::IpAdapters],
        ..super::model()
    }]));
    window.wait_for("what fits", |window| {
        window.app().session.ip_adapters.fitting(&id).len() == 2
    });
    window.generate("a red sailboat");
    let asked = |window: &Window| {
        window
            .app()
            .session
            .runs
            .last()
            .unwrap()
            .request
            .ip_adapter
            .clone()
    };
    assert_eq!(asked(&window), None, "the first that fits");
    window.press(Modifiers::NONE, Key::Escape);
    window.click("More settings");
    // The row's name, and its list.
    window.click_last("Looks through");
    window.click_last("other");
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::NONE, Key::Escape);
    window.generate("a red sailboat");
    let chosen = asked(&window).unwrap();
    assert_eq!((&*chosen.name, chosen.scale), ("other", 1.0));
}

/// What is said of the prompt has its line kept: the canvas, and the picture on it, stay where they are.
#[test]
fn notes_under_the_prompt_do_not_move_the_canvas() {
    let mut window = Window::open();
    let top = |window: &Window| window.harness.get_by_label("Prompt").rect().top();
    let write = |window: &mut Window, words: &str| {
        window.press(Modifiers::NONE, Key::T);
        window.press(Modifiers::COMMAND, Key::A);
        window.type_text(words);
        window.steps(3);
    };
    write(&mut window, "a red sailboat");
    assert!(!window.shows("knight"));
    let before = top(&window);
    for (words, note) in [
        ("a red samurai", "knight"),
        ("a red zebra", "Doodle does not know “zebra”."),
        ("", "Describe a picture"),
    ] {
        write(&mut window, words);
        if note != "Describe a picture" {
            let mut notes = window.harness.query_all_by_label_contains(note);
            assert!(notes.next().is_some(), "{note}");
        }
        let moved = (top(&window) - before).abs();
        assert!(moved < 0.5, "{words}: by {moved} points");
    }
}

#[test]
fn a_prompt_that_the_model_will_not_read_is_told_as_it_is_typed() {
    let mut window = Window::open();
    window.wait_for("the example", |window| !window.app().prompt().is_empty());
    window.steps(2);
    let not_english = "Doodle was taught English only: describe the picture in English.";
    window.type_text("ein Haus im Wald");
    assert!(window.shows(not_english));
    assert!(
        window
            .harness
            .query_by_label_contains("does not know")
            .is_none(),
        "one thing is said at a time"
    );
    window.press(Modifiers::COMMAND, Key::A);
    window.type_text(&"red ".repeat(76));
    assert!(!window.shows(not_english));
    assert!(window.shows("Too long: Doodle leaves out at least 1 word at the end."));
    window.press(Modifiers::COMMAND, Key::A);
    window.type_text("a red house");
    assert!(!window.shows("Too long: Doodle leaves out at least 1 word at the end."));
}

/// A full disk or a folder that cannot be written: nothing is lost and nothing goes on.
#[test]
fn a_picture_that_cannot_be_saved_stays_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    // Where the gallery's folder should be is a file.
    std::fs::write(home.path().join("pictures"), b"in the way").unwrap();
    let mut window = Window::open_in(home);
    window.generate("a red house");
    let job = window.started();
    window.picture(job, 0);
    window.wait_for("the failure", |window| {
        window.app().session.n_unsaved() == 1
    });
    window.steps(3);
    assert!(
        window
            .harness
            .query_by_label_contains("Result 1: not saved")
            .is_some()
    );
    assert!(window.app().session.held.is_some());
    // The way is clear now: the picture is saved and the queue goes on.
    std::fs::remove_file(window.home.path().join("pictures")).unwrap();
    window.click("Try saving again");
    window.wait_for("the picture", |window| window.n_saved() == 1);
    assert_eq!(window.app().session.held, None);
}

#[test]
fn what_was_made_is_there_after_a_restart_and_can_be_used_again() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().to_owned();
    let mut window = Window::open_in(home);
    window.generate("a blue house");
    let job = window.started();
    window.picture(job, 0);
    window.wait_for("the picture", |window| window.n_saved() == 1);
    let Window { harness, home, .. } = window;
    drop(harness);
    assert!(path.is_dir());
    let mut window = Window::open_in(home);
    window.wait_for("the gallery", |window| {
        window.app().gallery_view.entries().len() == 1
    });
    window.wait_for("its caption", |window| {
        window.shows("Picture: a blue house")
    });
    window.click("Picture: a blue house");
    window.click("Info");
    window.wait_for("the recipe", |window| window.shows("Use this recipe"));
    window.click("Use this recipe");
    assert_eq!(window.app().prompt(), "a blue house");
    // To the trash and back.
    window.click("Results");
    window.click("Move to the trash");
    window.wait_for("an empty gallery", |window| {
        window.app().gallery_view.entries().is_empty()
    });
    window.wait_for("the message", |window| window.shows("Moved to the trash"));
    window.click_last("Undo");
    window.wait_for("the picture", |window| {
        window.app().gallery_view.entries().len() == 1
    });
}

/// Prints what the window costs a frame while pictures are drawn; judged in a release build.
#[test]
#[expect(clippy::print_stderr, reason = "a measurement, for whoever reads it")]
fn frames_while_generating() {
    let mut window = Window::open();
    window.generate("a red sailboat on the sea");
    let job = window.started();
    let mut milliseconds: Vec<f64> = Vec::new();
    window.steps(30);
    for frame in 0..240_u32 {
        let (picture, step) = (frame / 60, frame % 60 / 3);
        window.preview(job, picture, step);
        let start = Instant::now();
        window.harness.step();
        milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
    }
    milliseconds.sort_by(f64::total_cmp);
    let at = |part: f64| milliseconds[(milliseconds.len() as f64 * part) as usize];
    eprintln!(
        "frame while generating: median {:.2} ms, p99 {:.2} ms",
        at(0.5),
        at(0.99)
    );
    assert!(window.shows("Result 4: 91 %"));
}

/// A run goes on while another document is in front; that it ended is seen on its tab.
#[test]
fn a_run_that_ends_out_of_sight_marks_its_documents_tab() {
    let mut window = Window::open();
    window.generate("a red sailboat");
    let job = window.started();
    let has_news = |window: &Window| {
        let mut tabs = window
            .harness
            .query_all_by_label_contains(", has new results");
        tabs.next().is_some()
    };
    window.harness.state_mut().send(Command::NewDocument);
    window.steps(3);
    for index in 0..4 {
        window.picture(job, index);
    }
    assert!(!has_news(&window), "it is being drawn");
    window.finished(job);
    assert!(has_news(&window));
    window.harness.state_mut().send(Command::PreviousDocument);
    window.steps(3);
    assert!(!has_news(&window));
    window.generate("a blue house");
    let job = window.started();
    window.finished(job);
    assert!(!has_news(&window), "it is in front");
}

/// egui remembers one popup: a list in a popover must not close it.
#[test]
fn a_list_within_the_settings_opens_and_what_is_chosen_there_holds() {
    let mut window = Window::open();
    window.click("More settings");
    let list = |window: &mut Window| {
        let list = window
            .harness
            .get_by_role_and_label(Role::ComboBox, "Sampler");
        list.click();
        window.steps(3);
    };
    list(&mut window);
    let first = limn_engine::samplers::Sampler::all().next().unwrap();
    window.click(first.info().label);
    let chosen = |window: &Window| {
        let draft = &window.app().session.documents.current().draft;
        draft.sampling.sampler
    };
    assert_eq!(chosen(&window), Some(first));
    assert!(window.shows("Best of"), "the settings stay open");
    // A click on the button closes them, and so does Escape.
    window.click("More settings");
    assert!(!window.shows("Best of"));
    window.click("More settings");
    assert!(window.shows("Best of"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Best of"));
}
