//! The window, headless, by what a screen reader would say.

mod canvas;
mod documents;
mod exporting;
mod fetching;
mod files;
mod foreign_text;
mod gallery;
mod gestures;
mod keyboard;
mod layout;
mod models;
mod prompting;
mod real_engine;
mod starts;
mod tabs;
mod viewer;

use std::time::{Duration, Instant};

use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use limn::app::App;
use limn::engine_link::{EngineCommand, EngineEvent};
use limn::paths::Folders;
use limn::session::{GalleryState, SlotState};
use limn_engine::protocol::{
    BlobHash, Event, Feature, JobId, MemoryUse, ModelId, ModelInfo, Operation, Phase, Picture,
    Plan, Preview, Progress, Sampling, Setting, SettingInfo, Timings, Vocabulary,
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
        // Only then is it decided what the prompt begins with.
        window.wait_for("the gallery", |window| {
            window.app().gallery_view.state != GalleryState::Opening
        });
        window.steps(3);
        window
    }

    fn open_with(home: TempDir, engine: Option<EngineCommand>) -> Self {
        let mut window = Self {
            harness: harness(Folders::under(home.path()), engine),
            n_jobs: 0,
            home,
        };
        window.steps(3);
        window
    }

    /// A second window on the same home, without an engine.
    fn another(&self) -> Self {
        Self {
            harness: harness(Folders::under(self.home.path()), None),
            n_jobs: 0,
            // Nothing is kept here: the first window's home is what counts.
            home: tempfile::tempdir().unwrap(),
        }
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

    /// Types into the field with this label.
    fn type_into(&mut self, label: &str, text: &str) {
        self.harness.get_by_label(label).focus();
        self.steps(2);
        self.type_text(text);
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

    /// Of several with one label, as a tile and its menu.
    fn click_first(&mut self, label: &str) {
        let first = self.harness.get_all_by_label(label).next();
        first.unwrap().click();
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
        self.tell_picture(job, index);
        self.steps(2);
    }

    /// A picture arrives between two frames.
    fn tell_picture(&mut self, job: JobId, index: u32) {
        let picture = Picture {
            index,
            seed: u64::from(index),
            width: SIDE,
            height: SIDE,
            pixels: BlobHash([0; 32]),
            score: None,
            patch_mask: None,
            chosen: None,
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

fn harness(folders: Folders, engine: Option<EngineCommand>) -> Harness<'static, App> {
    Harness::builder()
        .with_size(vec2(1440.0, 900.0))
        .with_max_steps(64)
        .build_eframe(move |creation| App::new(&creation.egui_ctx, folders, engine))
}

fn model() -> ModelInfo {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    ModelInfo {
        id: ModelId("doodle".to_owned()),
        name: "Doodle".to_owned(),
        family: "Tiny".to_owned(),
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
        operations: Operation::ALL.to_vec(),
        features: vec![Feature::ImageEmbeddings, Feature::Embeddings],
        settings: vec![
            setting(Setting::Steps, "Steps", 20.0),
            setting(Setting::Guidance, "Follow the prompt", 4.0),
        ],
        native_sizes: vec![(SIDE, SIDE)],
    }
}

pub fn setting(setting: Setting, label: &str, default: f32) -> SettingInfo {
    SettingInfo {
        setting,
        label: label.to_owned(),
        hint: format!("{label}, as a test has it"),
        heading: None,
        least: 1.0,
        most: 150.0,
        default,
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
        cascade: None,
        sampler: Sampler::Ddim,
        n_steps: 20,
        guidance_scale: 4.0,
        n_prior_steps: Some(5),
        prior_guidance_scale: Some(4.0),
        unread_prompt: None,
        loras: Vec::new(),
        ip_adapter: None,
        stand_in: None,
        spacing: None,
        guidance_rescale: None,
        clip_skip: None,
        remarks: Vec::new(),
    }
}
