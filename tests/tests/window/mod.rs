//! The window, headless, by what a screen reader would say.

mod documents;
mod files;
mod gallery;
mod gestures;
mod viewer;

use std::time::{Duration, Instant};

use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use limn::app::App;
use limn::engine_link::{EngineCommand, EngineEvent};
use limn::paths::Folders;
use limn::session::{PictureRef, Place, RunState, SlotState};
use limn::settings::{PromptBar, Settings};
use limn_engine::protocol::{
    BlobHash, Event, JobId, MemoryUse, ModelDeed, ModelId, ModelInfo, Phase, Picture, Plan,
    Preview, Progress, Sampling, Timings, Vocabulary,
};
use limn_engine::samplers::Sampler;
use tempfile::TempDir;

const SIDE: u32 = 64;

/// A window whose engine is played by the test; its gallery is real.
struct Window {
    harness: Harness<'static, App>,
    n_jobs: u64,
    home: TempDir,
}

impl Window {
    fn open() -> Self {
        Self::open_in(tempfile::tempdir().unwrap())
    }

    fn open_in(home: TempDir) -> Self {
        let mut window = Self::open_with(home, None);
        window.tell(EngineEvent::Connected {
            build: "played".to_owned(),
        });
        window.say(Event::Models(vec![model()]));
        window.steps(3);
        window
    }

    fn open_with(home: TempDir, engine: Option<EngineCommand>) -> Self {
        let folders = Folders::under(home.path());
        let harness = Harness::builder()
            .with_size(vec2(1440.0, 900.0))
            .with_max_steps(64)
            .build_eframe(move |creation| App::new(&creation.egui_ctx, folders, engine));
        let mut window = Self {
            harness,
            n_jobs: 0,
            home,
        };
        window.steps(3);
        window
    }

    fn steps(&mut self, n: usize) {
        self.harness.run_steps(n);
    }

    /// Runs frames until `what` holds; the gallery's thread works meanwhile.
    fn wait_for(&mut self, name: &str, what: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !what(self) {
            assert!(
                start.elapsed() < Duration::from_mins(3),
                "waited too long for {name}"
            );
            std::thread::sleep(Duration::from_millis(5));
            self.steps(1);
        }
    }

    fn app(&self) -> &App {
        self.harness.state()
    }

    fn tell(&mut self, event: EngineEvent) {
        self.harness.state_mut().engine_event(event);
    }

    fn say(&mut self, event: Event) {
        self.tell(EngineEvent::Event(event));
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.steps(3);
    }

    fn type_text(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.steps(3);
    }

    /// A key as the system sends it: the press, and the text that it types, at once.
    fn stroke(&mut self, key: Key, text: &str) {
        self.harness.input_mut().events.extend([
            egui::Event::Key {
                key,
                physical_key: Some(key),
                pressed: true,
                repeat: false,
                modifiers: Modifiers::NONE,
            },
            egui::Event::Text(text.to_owned()),
        ]);
        self.steps(3);
    }

    fn click(&mut self, label: &str) {
        self.harness.get_by_label(label).click();
        self.steps(3);
    }

    /// Of several with one label: a message lies over the panels.
    fn click_last(&mut self, label: &str) {
        let last = self.harness.get_all_by_label(label).last();
        last.unwrap().click();
        self.steps(3);
    }

    fn shows(&self, label: &str) -> bool {
        self.harness.query_all_by_label(label).next().is_some()
    }

    /// Writes a prompt over what is there and runs it.
    fn generate(&mut self, prompt: &str) {
        self.press(Modifiers::NONE, Key::T);
        self.press(Modifiers::COMMAND, Key::A);
        self.type_text(prompt);
        self.press(Modifiers::COMMAND, Key::Enter);
    }

    fn started(&mut self) -> JobId {
        self.n_jobs += 1;
        let job = JobId(self.n_jobs);
        self.say(Event::Started { job, plan: plan() });
        self.steps(2);
        job
    }

    fn preview(&mut self, job: JobId, picture: u32, step: u32) {
        let progress = Progress {
            phase: Phase::Step,
            picture,
            step,
            n_steps: 20,
            seconds_left: Some(3.0),
            preview: Some(Preview {
                width: 16,
                height: 16,
                rgb: vec![step as u8; 16 * 16 * 3],
            }),
        };
        self.say(Event::Progress { job, progress });
    }

    fn picture(&mut self, job: JobId, index: u32) {
        let picture = Picture {
            index,
            seed: u64::from(index),
            width: SIDE,
            height: SIDE,
            pixels: BlobHash([0; 32]),
            score: None,
            patch_mask: None,
        };
        let pixels = (0..SIDE * SIDE * 3)
            .map(|i| (i * (index + 1)) as u8)
            .collect();
        self.tell(EngineEvent::Picture {
            job,
            picture,
            pixels,
            patch_mask: None,
        });
        self.steps(2);
    }

    fn finished(&mut self, job: JobId) {
        self.say(Event::Finished {
            job,
            timings: Timings::default(),
            memory: MemoryUse::default(),
        });
        self.steps(2);
    }

    /// Four saved results, and nothing has the keyboard.
    fn open_with_results() -> Self {
        let mut window = Self::open();
        window.generate("a red sailboat");
        let job = window.started();
        for index in 0..4 {
            window.picture(job, index);
        }
        window.finished(job);
        window.wait_for("four saved pictures", |window| window.n_saved() == 4);
        window.steps(3);
        window.press(Modifiers::NONE, Key::Escape);
        window
    }

    fn n_saved(&self) -> usize {
        let slots = self.app().session.runs.iter().flat_map(|run| &run.slots);
        slots
            .filter(|slot| matches!(slot.state, SlotState::Saved(_)))
            .count()
    }
}

fn model() -> ModelInfo {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    ModelInfo {
        id: ModelId("doodle".to_owned()),
        name: "Doodle".to_owned(),
        family: "unCLIP".to_owned(),
        description: "Doodle draws picture-book scenes, 64 px.".to_owned(),
        bytes: 50_000_000,
        stride: 16,
        default_size: (SIDE, SIDE),
        defaults: Sampling::default(),
        vocabulary: Some(Vocabulary {
            objects: words("sailboat knight house"),
            colours: words("red blue"),
            places: words("sea"),
            times: words("night"),
            styles: words("neon"),
            words: Vec::new(),
            synonyms: vec![("samurai".to_owned(), "knight".to_owned())],
        }),
        examples: vec![
            "a red sailboat on the sea".to_owned(),
            "a blue house".to_owned(),
        ],
        deeds: vec![
            ModelDeed::Generate,
            ModelDeed::Edit,
            ModelDeed::Vary,
            ModelDeed::Blend,
            ModelDeed::Shift,
            ModelDeed::Upscale,
            ModelDeed::Embed,
        ],
    }
}

fn plan() -> Plan {
    Plan {
        model_name: "Doodle".to_owned(),
        model_hash: "00".repeat(32),
        device: "CPU".to_owned(),
        dtype: "f32".to_owned(),
        width: SIDE,
        height: SIDE,
        sampler: Sampler::Ddim,
        n_steps: 20,
        guidance_scale: 4.0,
        n_prior_steps: 5,
        prior_guidance_scale: 4.0,
        unread_prompt: None,
    }
}

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

/// A slow frame holds the last letters and the shortcut after them.
#[test]
fn what_was_typed_before_a_shortcut_counts() {
    let mut window = Window::open();
    window.press(Modifiers::NONE, Key::T);
    window.press(Modifiers::COMMAND, Key::A);
    window.type_text("a red sail");
    let letters = egui::Event::Text("boat".to_owned());
    window.harness.input_mut().events.push(letters);
    for pressed in [true, false] {
        window.harness.input_mut().events.push(egui::Event::Key {
            key: Key::Enter,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::COMMAND,
        });
    }
    window.steps(3);
    let run = window.app().session.runs.last().unwrap();
    assert_eq!(run.request.prompt, "a red sailboat");
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
        reason: "The engine was killed.".to_owned(),
        lost: Vec::new(),
    });
    window.steps(3);
    assert!(window.shows("The picture was not made"));
    assert!(window.shows("Result 1: failed, The engine was killed."));
    window.tell(EngineEvent::Connected {
        build: "the next".to_owned(),
    });
    window.steps(2);
    window
        .harness
        .get_all_by_label("Run again")
        .next()
        .unwrap()
        .click();
    window.steps(3);
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

/// A home whose settings suit the fixture's tiny model, and the real engine that serves it.
fn real_engine(n_steps: u32) -> (TempDir, EngineCommand) {
    let home = tempfile::tempdir().unwrap();
    let brush = limn::tools::Brush {
        diameter_px: 4.0,
        ..Settings::default().tools.brush
    };
    let settings = Settings {
        model: Some("pipeline".to_owned()),
        tools: limn::tools::ToolSettings {
            brush,
            ..Settings::default().tools
        },
        prompt_bar: PromptBar {
            size: Some((16, 16)),
            sampling: Sampling {
                n_steps: Some(n_steps),
                n_prior_steps: Some(2),
                ..Sampling::default()
            },
            ..PromptBar::default()
        },
        ..Settings::default()
    };
    settings.save(&Folders::under(home.path())).unwrap();
    // Edits work at the model's own size: as small as that of the pictures.
    let model = home.path().join("pipeline");
    std::fs::create_dir(&model).unwrap();
    crate::pipelines::copy_with(&model, &[]);
    std::fs::write(model.join("limn.json"), br#"{ "size": [16, 16] }"#).unwrap();
    let engine = EngineCommand::local(env!("CARGO_BIN_EXE_limn-under-test")).with_model(&model);
    (home, engine)
}

/// The window outlives its engine: the job says why it ended, one click runs it again, nothing is lost.
#[cfg(unix)]
#[test]
fn the_engine_can_be_killed_at_any_moment() {
    const N_KILLS: usize = 3;
    let (home, engine) = real_engine(100);
    let mut window = Window::open_with(home, Some(engine));
    window.wait_for("the engine's models", |window| {
        !window.app().session.models.is_empty()
    });
    window.generate("a red house");
    for kill in 0..N_KILLS {
        window.wait_for("a preview", |window| {
            let run = &window.app().session.runs[0];
            run.state == RunState::Running && run.slots.iter().any(|slot| slot.preview.is_some())
        });
        let id = window.app().engine_process_id().unwrap().to_string();
        let killed = std::process::Command::new("kill")
            .args(["-9", &id])
            .status();
        assert!(killed.unwrap().success());
        window.wait_for("the failure", |window| {
            matches!(window.app().session.runs[0].state, RunState::Failed(_))
        });
        let saved = window.n_saved();
        window.steps(3);
        window
            .harness
            .get_all_by_label("Run again")
            .next()
            .unwrap()
            .click();
        window.steps(3);
        assert!(window.n_saved() >= saved, "kill {kill}");
    }
    window.wait_for("all four pictures", |window| window.n_saved() == 4);
    assert_eq!(window.app().session.runs.len(), 1);
}

/// Prompt, real engine process, candidate, restart, gallery.
#[test]
fn the_whole_way_with_the_real_engine() {
    let (home, engine) = real_engine(3);
    let mut window = Window::open_with(home, Some(engine.clone()));
    window.wait_for("the engine's models", |window| {
        !window.app().session.models.is_empty()
    });
    window.generate("a red house");
    window.wait_for("the run's end", |window| {
        let run = &window.app().session.runs[0];
        assert!(!matches!(run.state, RunState::Failed(_)), "{:?}", run.state);
        run.state == RunState::Finished && window.n_saved() == 4
    });
    window.click("Result 2: finished");
    let picked = window.app().session.shown_id().unwrap();
    let Window { harness, home, .. } = window;
    drop(harness);
    let mut window = Window::open_with(home, Some(engine));
    window.wait_for("the gallery", |window| {
        window.app().gallery_view.entries().len() == 4
    });
    assert!(window.app().gallery_view.position(picked).is_some());
    window.wait_for("the captions", |window| {
        window
            .harness
            .query_all_by_label("Picture: a red house")
            .count()
            == 4
    });
}

/// Prints what the window costs a frame while pictures are drawn; judged in a release build.
#[test]
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
