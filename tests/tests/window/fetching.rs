//! Models that are fetched from the window, from a hub on this machine.

use std::time::Duration;

use egui_kittest::kittest::Queryable;
use limn::command::{Command, ModelsCommand};
use limn::session::Place;
use limn_engine::protocol::Event;

use super::Window;
use crate::downloads::commands::hub;
use crate::downloads::server::Server;

const FETCH: &str = "Fetch this model";

/// A window whose settings name the hub.
fn window_with(server: &Server, offline: bool) -> Window {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("config");
    std::fs::create_dir_all(&folder).unwrap();
    let settings = serde_json::json!({"hub": server.url(""), "offline": offline});
    std::fs::write(folder.join("settings.json"), settings.to_string()).unwrap();
    let mut window = Window::open_in(home);
    window.go_to_models();
    window
}

impl Window {
    fn go_to_models(&mut self) {
        let command = Command::GoTo(Place::Models);
        self.harness.state_mut().send(command);
        self.steps(3);
    }

    fn says(&self, part: &str) -> bool {
        self.harness
            .query_all_by_label_contains(part)
            .next()
            .is_some()
    }

    fn find(&mut self, link: &str) {
        self.type_into("Link of a model", link);
        self.click("Find");
    }
}

#[test]
fn a_link_becomes_a_model_of_the_library() {
    let server = hub(Duration::ZERO);
    let mut window = window_with(&server, false);
    assert!(window.says("Models you can fetch") && window.says("Stable Diffusion XL"));
    window.find("sea/boats");
    window.wait_for("the offer", |window| window.says("licence openrail"));
    assert!(
        !window.home.path().join("models/boats").exists(),
        "only once it is confirmed"
    );
    window.click(FETCH);
    window.wait_for("the model", |window| {
        window.says("Added to your models: boats")
    });
    assert!(
        window
            .home
            .path()
            .join("models/boats/unet/config.json")
            .is_file()
    );
    assert!(
        !window.says("licence openrail"),
        "it is no longer on its way"
    );
    // The engine says what there is now; its files can be taken away again.
    let mut boats = super::model();
    (boats.id.0, boats.name) = ("boats".to_owned(), "Boats".to_owned());
    window.say(Event::Models(vec![super::model(), boats]));
    window.wait_for("where it lies", |window| window.says("Files of Boats"));
    window.click("Files of Boats");
    assert!(window.says("Move to the trash"));

    window.find("sea/none");
    window.wait_for("the refusal", |window| window.says("has no sea/none"));
    window.click("Give up and delete what is there");
    assert!(!window.says("has no sea/none"));
}

#[test]
fn what_is_paused_goes_on_in_the_next_window() {
    let server = hub(Duration::from_millis(40));
    let mut window = window_with(&server, false);
    window.find("sea/boats");
    window.wait_for("the offer", |window| window.says("licence openrail"));
    window.click(FETCH);
    window.wait_for("some of it", |_| server.asked().len() > 4);
    window.click("Pause");
    window.wait_for("its end", |window| {
        window.says("Paused: what is there stays")
    });
    assert!(!window.home.path().join("models/boats").exists());

    let mut later = window.another();
    later.go_to_models();
    assert!(later.says("Paused: what is there stays") && later.says("sea/boats"));
    later.click(FETCH);
    let library = window.home.path().join("models");
    later.wait_for("the model", |later| {
        later.says("Added to your models: boats")
    });
    assert!(library.join("boats/model_index.json").is_file());
}

#[test]
fn offline_nobody_is_asked() {
    let server = hub(Duration::ZERO);
    let mut window = window_with(&server, true);
    assert!(window.says("Limn stays offline"));
    assert!(!window.says("Models you can fetch"));
    let find = ModelsCommand::Find("sea/boats".to_owned());
    window.harness.state_mut().send(Command::Models(find));
    window.wait_for("the refusal", |window| window.says("set to stay offline"));
    assert!(server.asked().is_empty());
    window.click("Allow downloads");
    window.find("sea/boats");
    window.wait_for("the offer", |window| window.says("licence openrail"));
}
