//! The place where models are added.

use egui_kittest::kittest::Queryable;
use limn::command::{Command, ModelsCommand};
use limn::session::Place;

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
        window.shows("Added to your models: kohya.safetensors")
    });
    let folder = window.home.path().join("loras");
    assert!(folder.join("kohya.safetensors").is_file());
    window
        .harness
        .state_mut()
        .send(Command::GoTo(Place::Models));
    window.wait_for("the list", |window| window.shows("LoRAs"));
    assert!(window.shows("<lora:kohya:1> in a prompt"));
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
