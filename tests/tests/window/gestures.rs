//! Whole pictures in the window: variations, mixes, turning one thing into another, larger ones.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use limn::gallery::Origin;
use limn::paths::Folders;
use limn::session::{Deed, Gesture, MixInput, PictureRef, RunState};
use limn::settings::Settings;
use limn_engine::protocol::{Event, ModelInfo, Operation};

use super::{Window, model};

impl Window {
    /// A window with the results of a prompt, all saved.
    fn with_results(n: u32) -> Self {
        let mut window = Self::open();
        window.generate("a red sailboat");
        window.make_pictures(4);
        assert!(n <= 4);
        // The click leaves the prompt, so that keys are the canvas's.
        window.click("Result 1: finished");
        window
    }

    /// The engine makes what was asked for last.
    fn make_pictures(&mut self, n: u32) {
        let before = self.n_saved();
        let job = self.started();
        for index in 0..n {
            self.picture(job, index);
        }
        self.finished(job);
        self.wait_for("saved pictures", |window| {
            window.n_saved() == before + n as usize
        });
        self.steps(3);
    }

    fn wait_for_runs(&mut self, n: usize) {
        self.wait_for("the run", |window| window.app().session.runs.len() == n);
        self.steps(3);
    }

    fn last_gesture(&self) -> Gesture {
        let run = self.app().session.runs.last().unwrap();
        run.gesture().unwrap().clone()
    }

    fn show_result(&mut self, key: Key) {
        self.press(Modifiers::NONE, key);
    }

    /// Chooses a command by some of its words.
    fn command(&mut self, words: &str) {
        self.press(Modifiers::COMMAND, Key::K);
        self.type_text(words);
        self.press(Modifiers::NONE, Key::Enter);
    }

    fn is_enabled(&self, label: &str) -> bool {
        let node = self.harness.get_by_label(label);
        !node.accesskit_node().is_disabled()
    }
}

#[test]
fn one_click_varies_a_picture_and_each_variation_can_be_varied() {
    let mut window = Window::with_results(4);
    for generation in 1..=3 {
        let parent = window.app().session.shown_id().unwrap();
        if generation == 2 {
            window.press(Modifiers::SHIFT, Key::V);
        } else {
            window.click("Variations");
        }
        window.wait_for_runs(generation + 1);
        let Gesture::Variations { source, .. } = window.last_gesture() else {
            panic!("{:?}", window.last_gesture());
        };
        assert_eq!(source.picture, Some(parent));
        assert!(window.shows("Result 4: 0 %"), "four candidates, at once");
        window.make_pictures(4);
        window.show_result(Key::Num3);
        let run = window.app().session.runs.last().unwrap();
        let recipe = run.slots[2].recipe().unwrap();
        assert_eq!(
            (recipe.deed, recipe.parents.as_slice()),
            (Origin::Made(Operation::Variations), &[parent][..])
        );
    }
    window.click("Earlier results");
    assert!(window.shows("3 of 4"));
}

#[test]
fn variations_can_be_made_nearer_and_steered_by_words() {
    let mut window = Window::with_results(4);
    window.click("Variations");
    window.wait_for_runs(2);
    window.make_pictures(4);
    window.type_into("Words that steer the variations", "in snow");
    window.press(Modifiers::NONE, Key::Enter);
    window.wait_for_runs(3);
    let run = window.app().session.runs.last().unwrap();
    assert_eq!(run.request.prompt, "in snow");
    let Some(Gesture::Variations { far, source }) = run.gesture() else {
        panic!("{run:?}");
    };
    let first = window.app().session.runs[0].slots[0].saved_id();
    assert_eq!(
        source.picture, first,
        "of the same picture, not of a variation"
    );
    assert!(*far > 0.9);
}

#[test]
fn two_results_are_collected_and_mixed_in_a_strip() {
    let mut window = Window::with_results(4);
    window.press(Modifiers::SHIFT, Key::B);
    assert_eq!(window.app().session.deed(), Deed::Mix);
    assert!(window.shows("Part 1: a red sailboat"));
    window.press(Modifiers::COMMAND, Key::Enter);
    assert!(window.shows("A mix needs two parts: add another picture or words."));
    window.show_result(Key::Num2);
    window.click("Mix…");
    assert!(window.shows("Part 2: a red sailboat"));
    window.press(Modifiers::COMMAND, Key::Enter);
    window.wait_for_runs(2);
    let Gesture::Mix { inputs, ways } = window.last_gesture() else {
        panic!("{:?}", window.last_gesture());
    };
    assert_eq!((inputs.len(), ways.len()), (2, 5));
    assert!(window.shows("Result 3: 0 %, 50 : 50"));
    window.make_pictures(5);
    // A click on a tile of the strip puts it on the canvas; Enter keeps it.
    window.click("Result 3: finished, 50 : 50");
    window.press(Modifiers::NONE, Key::Enter);
    assert!(!window.app().session.documents.current().is_blank());
    // Put away, the tray keeps what it holds until it is cleared.
    window.click("Back to the prompt");
    assert_eq!(window.app().session.deed(), Deed::NewPictures);
    window.press(Modifiers::SHIFT, Key::B);
    assert!(window.shows("Part 3: the picture on the canvas"));
    window.click("Clear the mix");
    assert!(!window.shows("Part 1: a red sailboat"));
}

#[test]
fn words_can_be_mixed_in_and_unknown_ones_are_told() {
    let mut window = Window::with_results(4);
    window.press(Modifiers::SHIFT, Key::B);
    // What is typed then goes into the new field, and no key of it to a tool.
    window.click("Add words to the mix");
    window.type_text("a samurai");
    assert!(window.shows("Doodle does not know “samurai”; nearest:"));
    window.click("Replace “samurai” by “knight”");
    // Several of one mixture instead of the strip.
    window.click("Strip of five: shows the way from the first to the second");
    window.press(Modifiers::COMMAND, Key::Enter);
    window.wait_for_runs(2);
    let Gesture::Mix { inputs, ways } = window.last_gesture() else {
        panic!("{:?}", window.last_gesture());
    };
    assert_eq!(inputs[1], MixInput::Text("a knight".to_owned()));
    assert_eq!(ways.len(), 1);
}

#[test]
fn a_mix_survives_a_restart_and_a_picture_that_was_deleted_meanwhile_leaves_a_gap() {
    let mut window = Window::with_results(4);
    window.press(Modifiers::SHIFT, Key::B);
    window.click("Add words to the mix");
    window.type_into("Words to mix in, part 2", "a knight");
    assert!(window.app().session.documents.current().is_blank());
    let before = window.app().session.documents.current().draft.mix.clone();
    let id = before.parts[0].0.picture().unwrap();

    let restarted = |mut window: Window| {
        eframe::App::on_exit(window.harness.state_mut());
        let Window { harness, home, .. } = window;
        drop(harness);
        let mut window = Window::open_in(home);
        window.wait_for("the mix", |window| window.app().session.deed() == Deed::Mix);
        window
    };
    let mut window = restarted(window);
    window.wait_for("its picture", |window| {
        window.shows("Part 1: a red sailboat")
    });
    let draft = &window.app().session.documents.current().draft;
    assert_eq!(draft.mix, before);

    let mut gallery = crate::gallery::open(window.home.path());
    gallery.trash(id).unwrap();
    gallery.delete(id).unwrap();
    drop(gallery);
    let mut window = restarted(window);
    window.wait_for("the gap", |window| {
        window.shows("Part 1: a picture, which was deleted")
    });
    window.press(Modifiers::COMMAND, Key::Enter);
    let problem = "Part 1 of the mix was deleted: take it out, or add another picture.";
    assert!(window.shows(problem));
    window.click("Take part 1 out");
    assert!(!window.shows(problem));
}

#[test]
fn day_is_turned_into_night() {
    let mut window = Window::with_results(4);
    window.command("turn");
    assert!(window.shows("Turned: a red sailboat"));
    assert_eq!(window.app().session.deed(), Deed::Turn);
    window.press(Modifiers::COMMAND, Key::Enter);
    assert!(window.shows("Say what is there and what it becomes, as in “day” into “night”."));
    window.type_into("What is there", "red");
    window.type_into("What it becomes", "night");
    window.press(Modifiers::NONE, Key::Enter);
    window.wait_for_runs(2);
    let Gesture::Turn {
        from,
        to,
        amounts,
        source,
    } = window.last_gesture()
    else {
        panic!("{:?}", window.last_gesture());
    };
    assert_eq!(
        (from.as_str(), to.as_str(), amounts.len()),
        ("red", "night", 5)
    );
    assert_eq!(source.name, "a red sailboat");
    assert!(
        !window.is_enabled("Again"),
        "the same would come out the same"
    );
    window.make_pictures(5);
    // The next turn is of the same picture still, not of what came out.
    window.press(Modifiers::COMMAND, Key::Enter);
    window.wait_for_runs(3);
    let Gesture::Turn { source: next, .. } = window.last_gesture() else {
        panic!("{:?}", window.last_gesture());
    };
    assert_eq!(next.picture, source.picture);
}

#[test]
fn a_larger_picture_is_a_result_that_opens() {
    let mut window = Window::with_results(4);
    window.click("Upscale");
    window.click("× 4");
    window.wait_for_runs(2);
    let Gesture::Upscale { source, scale } = window.last_gesture() else {
        panic!("{:?}", window.last_gesture());
    };
    assert_eq!((scale, source.input.width), (4, 64));
    window.make_pictures(1);
    let run = window.app().session.runs.last().unwrap();
    assert_eq!(run.state, RunState::Finished);
    let recipe = run.slots[0].recipe().unwrap();
    assert_eq!(
        (recipe.deed, recipe.prompt.as_str()),
        (Origin::Made(Operation::Upscale), "a red sailboat")
    );
    assert!(!window.is_enabled("Again"));
    window.press(Modifiers::NONE, Key::Enter);
    assert!(!window.app().session.documents.current().is_blank());
}

#[test]
fn the_picture_on_the_canvas_is_varied_with_its_parents() {
    let mut window = Window::with_results(4);
    let first = window.app().session.shown_id().unwrap();
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.app().session.shown(), None);
    window.press(Modifiers::SHIFT, Key::V);
    window.wait_for_runs(2);
    let Gesture::Variations { source, .. } = window.last_gesture() else {
        panic!("{:?}", window.last_gesture());
    };
    assert_eq!(
        (source.picture, source.parents.as_slice()),
        (None, &[first][..])
    );
    assert_eq!((source.input.width, source.input.height), (64, 64));
}

#[test]
fn what_the_model_cannot_do_is_greyed_and_the_keys_say_why() {
    let mut window = Window::with_results(4);
    let unable = ModelInfo {
        operations: vec![Operation::Generate, Operation::Inpaint],
        ..model()
    };
    window.say(Event::Models(vec![unable]));
    window.steps(3);
    assert!(!window.is_enabled("Variations"));
    assert!(!window.is_enabled("Mix…"));
    assert!(window.is_enabled("Upscale"), "arithmetic needs no model");
    window.press(Modifiers::SHIFT, Key::V);
    assert!(window.shows("“Variations” is not for Doodle, nor for another model that is here."));
    assert_eq!(window.app().session.runs.len(), 1);
}

#[test]
fn nothing_in_view_is_said_and_an_unfinished_picture_waits() {
    let mut window = Window::open();
    window.generate("a red sailboat");
    let job = window.started();
    window.preview(job, 0, 10);
    window.steps(3);
    assert!(matches!(
        window.app().session.shown(),
        Some(PictureRef::Result { .. })
    ));
    window.click("Result 1: 52 %");
    window.press(Modifiers::SHIFT, Key::V);
    assert!(window.shows("This picture is not finished yet."));
    assert!(!window.is_enabled("Variations"));
    let mut window = Window::open();
    window.wait_for("the example", |window| !window.app().prompt().is_empty());
    window.steps(2);
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::SHIFT, Key::V);
    assert!(window.shows("There is no picture yet: open one or draw one first."));
}

#[test]
fn best_of_is_chosen_behind_more_and_scores_can_be_seen() {
    let mut window = Window::open();
    window.click("More settings");
    window.click("4");
    window.click("Show scores on results");
    window.press(Modifiers::NONE, Key::Escape);
    window.generate("a red sailboat");
    let run = window.app().session.runs.last().unwrap();
    assert_eq!(run.request.best_of, 4);
    // Settings are written beside the window.
    window.wait_for("the settings on the disk", |window| {
        let folders = Folders::under(window.home.path());
        Settings::load(&folders).0.shows_scores
    });
}

/// After a restart a run of variations can be asked for more: its picture is fetched from the gallery first.
#[test]
fn more_variations_can_be_asked_for_after_a_restart() {
    let mut window = Window::with_results(4);
    window.click("Variations");
    window.wait_for_runs(2);
    let before = window.last_gesture();
    let job = window.started();
    for index in 0..2 {
        window.picture(job, index);
    }
    window.wait_for("two variations", |window| window.n_saved() == 6);
    let Window { harness, home, .. } = window;
    drop(harness);
    let mut window = Window::open_in(home);
    window.wait_for_runs(2);
    window.click_first("Later results");
    assert!(window.shows("Result 3: interrupted"));
    assert!(window.shows("Limn ended before 2 of them were made."));
    window.click("Run again");
    window.wait_for("the picture and the request", |window| {
        window.app().session.running().is_some()
    });
    assert_eq!(window.last_gesture(), before);
    assert_eq!(window.app().session.runs.len(), 2);
}
