//! The place where models are added.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use limn::command::{Command, ModelsCommand};
use limn::session::{LoraStanding, PictureRef, Place, RecipePart};
use limn_engine::protocol::{Event, JobId, LoraChoice, LoraUse, ModelId, Plan};

use super::Window;

impl Window {
    fn models(&mut self, command: ModelsCommand) {
        self.harness.state_mut().send(Command::Models(command));
        self.steps(3);
    }
}

#[test]
fn the_place_says_where_models_lie_and_what_there_cannot_be_read() {
    let mut window = Window::open();
    let library = window.home.path().join("models");
    std::fs::create_dir_all(library.join("holiday photographs")).unwrap();
    std::fs::write(library.join("damaged.safetensors"), b"nothing").unwrap();
    std::fs::write(library.join("pickle.ckpt"), b"nothing").unwrap();
    std::fs::write(library.join("notes.txt"), b"nothing").unwrap();
    window
        .harness
        .state_mut()
        .send(Command::GoTo(Place::Models));
    window.wait_for("the list", |window| window.shows("Could not be read"));
    assert!(window.shows(&library.display().to_string()));
    for name in ["holiday photographs", "damaged.safetensors", "pickle.ckpt"] {
        assert!(window.shows(name), "{name}");
    }
    assert!(!window.shows("notes.txt"));
    window.click("Add model…");
    assert!(window.shows("A folder…") && window.shows("A .safetensors file…"));
}

#[test]
fn a_lora_goes_into_its_own_folder_and_is_listed_with_the_words_that_use_it() {
    let mut window = Window::open();
    let lora = crate::harness::fixture_path("loras").join("kohya.safetensors");
    window.models(ModelsCommand::Add(vec![lora]));
    window.wait_for("the file", |window| {
        window.shows("Added to your LoRAs: kohya")
    });
    let folder = window.home.path().join("loras");
    assert!(folder.join("kohya.safetensors").is_file());
    assert!(!window.shows("Adding the model…"));
    window
        .harness
        .state_mut()
        .send(Command::GoTo(Place::Models));
    window.wait_for("the list", |window| window.shows("LoRAs"));
    assert!(window.shows("In the list of LoRAs beside the prompt, or <lora:kohya:1> in it"));
    assert!(!window.shows("Could not be read"));
}

#[test]
fn a_folder_that_is_no_model_is_refused_and_one_that_is_stays_in_the_library() {
    let mut window = Window::open();
    let library = window.home.path().join("models");
    let photographs = window.home.path().join("photographs");
    std::fs::create_dir_all(&photographs).unwrap();
    window.models(ModelsCommand::Add(vec![photographs]));
    let refused = |window: &Window| {
        let mut said = window.harness.query_all_by_label_contains("Not added: ");
        said.next().is_some()
    };
    window.wait_for("the refusal", refused);
    assert!(!library.exists());

    let model = crate::harness::fixture_path("pipeline");
    window.models(ModelsCommand::Add(vec![model]));
    window.wait_for("the model", |window| {
        window.shows("Added to your models: pipeline")
    });
    assert!(library.join("pipeline/model_index.json").is_file());
    let all = std::fs::read_dir(&library).unwrap().count();
    assert_eq!(all, 1);
}

/// A home with a model for which the fixtures' LoRAs are made, and one for which they are not.
fn home_with_models() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let library = home.path().join("models");
    std::fs::create_dir(&library).unwrap();
    for (name, fixture) in [("sd", "stable_diffusion"), ("large", "stable_diffusion_xl")] {
        crate::harness::copy_folder(&crate::harness::fixture_path(fixture), &library.join(name));
    }
    home
}

fn named(id: &str, name: &str) -> limn_engine::protocol::ModelInfo {
    limn_engine::protocol::ModelInfo {
        id: ModelId(id.to_owned()),
        name: name.to_owned(),
        vocabulary: None,
        ..super::model()
    }
}

/// From the drop to the request, the recipe and back.
#[test]
fn a_dropped_lora_is_listed_weighed_and_used_and_comes_back_from_a_recipe() {
    let mut window = Window::open_in(home_with_models());
    let models = [
        named("sd", "Small"),
        named("large", "Large"),
        super::model(),
    ];
    window.say(Event::Models(models.to_vec()));
    let lora = crate::harness::fixture_path("loras").join("kohya.safetensors");
    window.drop_file(lora);
    window.wait_for("the file", |window| {
        window.shows("Added to your LoRAs: kohya")
    });
    window.click("Use it");
    let pill = "1 LoRA: what changes the model";
    window.wait_for("the list", |window| window.shows(pill));
    window.click(pill);
    let says = |window: &Window, words: &str| {
        let mut found = window.harness.query_all_by_label_contains(words);
        found.next().is_some()
    };
    window.wait_for("how it fits", |window| says(window, "Changes "));
    assert!(window.shows("Weight of kohya"));
    let draft = window.harness.state_mut().session.draft_mut();
    draft.loras[0].weight = 0.5;
    window.press(Modifiers::NONE, Key::Escape);

    window.generate("a boat");
    let request = window.app().session.runs[0].request.clone();
    assert_eq!(request.loras.len(), 1);
    assert_eq!(
        (request.loras[0].name.as_str(), request.loras[0].weight),
        ("kohya", 0.5)
    );
    let job = JobId(1);
    let used = LoraUse {
        name: "kohya".to_owned(),
        weight: 0.5,
        hash: "00".repeat(32),
        n_layers: 12,
        n_unmatched: 2,
    };
    let plan = Plan {
        loras: vec![used],
        ..super::plan()
    };
    window.say(Event::Started { job, plan });
    window.picture(job, 0);
    window.wait_for("the picture", |window| window.n_saved() == 1);
    window.finished(job);
    window.harness.state_mut().session.draft_mut().loras.clear();
    let run = window.app().session.runs[0].id;
    let picture = PictureRef::Result { run, index: 0 };
    let part = RecipePart::Sampling;
    window
        .harness
        .state_mut()
        .send(Command::UseRecipe { picture, part });
    window.steps(3);
    let session = &window.app().session;
    assert_eq!(session.documents.current().draft.loras, request.loras);

    // Of another model some layers are missing, which is counted.
    window
        .harness
        .state_mut()
        .send(Command::SetModel(ModelId("large".to_owned())));
    window.click(pill);
    window.wait_for("how it fits that", |window| {
        says(
            window,
            "9 of its 12 changes are for layers that Large does not have",
        )
    });
    window.press(Modifiers::NONE, Key::Escape);
    // A model that it was not made for draws without it, and the bar says so.
    window
        .harness
        .state_mut()
        .send(Command::SetModel(ModelId("doodle".to_owned())));
    let pill = "0 of 1 LoRAs: what changes the model";
    window.wait_for("another model's fits", |window| window.shows(pill));
    window.click(pill);
    assert!(says(&window, "left out with Doodle"));
    window.press(Modifiers::NONE, Key::Escape);
    window.generate("a house");
    let runs = &window.app().session.runs;
    assert_eq!(runs.last().unwrap().request.loras, []);

    // It stays with its document's prompt bar over a restart.
    window.steps(3);
    let Window { harness, home, .. } = window;
    drop(harness);
    let window = Window::open_in(home);
    let draft = &window.app().session.documents.current().draft;
    assert_eq!(draft.loras, request.loras);
}

#[test]
fn a_lora_that_is_gone_stops_the_run_and_can_be_taken_out() {
    let mut window = Window::open();
    window.wait_for("the look at the folder", |window| {
        let loras = &window.app().session.loras;
        let id = ModelId("doodle".to_owned());
        loras.standing("gone", &id) == LoraStanding::Missing
    });
    let gone = LoraChoice {
        name: "gone".to_owned(),
        weight: 1.0,
    };
    window
        .harness
        .state_mut()
        .session
        .draft_mut()
        .loras
        .push(gone);
    window.steps(2);
    window.generate("a boat");
    assert!(window.app().session.runs.is_empty());
    let mut told = window
        .harness
        .query_all_by_label_contains("The LoRA “gone” is not among yours");
    assert!(told.next().is_some());
    drop(told);
    window.click("0 of 1 LoRAs: what changes the model");
    assert!(window.shows("Not among your LoRAs"));
    window.click("Take out gone");
    window.press(Modifiers::NONE, Key::Escape);
    window.generate("a boat");
    assert_eq!(window.app().session.runs.len(), 1);
}

#[test]
fn a_dropped_model_is_added_wherever_it_is_dropped_and_chosen_by_a_click() {
    let mut window = Window::open_in(home_with_models());
    let model = crate::harness::fixture_path("stable_diffusion_2");
    window.drop_file(model);
    window.wait_for("the model", |window| {
        window.shows("Added to your models: stable_diffusion_2")
    });
    let listed = named("stable_diffusion_2", "Second");
    window.say(Event::Models(vec![super::model(), listed]));
    window.click("Use it");
    let model = window.app().session.current_model();
    assert_eq!(model.map(|model| model.name.as_str()), Some("Second"));
    // What is no model is refused as one, not as a picture.
    let pickle = window.home.path().join("old.ckpt");
    std::fs::write(&pickle, b"nothing").unwrap();
    window.drop_file(pickle);
    window.wait_for("the refusal", |window| {
        let mut told = window.harness.query_all_by_label_contains("Not added: ");
        told.next().is_some()
    });
}
