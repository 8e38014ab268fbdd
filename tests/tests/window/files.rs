//! Files that are dropped, and masks on pictures so large that they are made beside the window.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use limn::command::Command;
use limn::document::StepName;
use limn::paths::Folders;
use limn::running_window;
use limn::session::{Gesture, Place, RunState};
use limn::tools::MaskAction;

use super::Window;

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

impl Window {
    /// As the system tells of files that are dragged over the window, until they leave it or are dropped.
    fn hover_files(&mut self, paths: &[&Path]) {
        let files = paths.iter().map(|path| egui::HoveredFile {
            path: Some(path.to_path_buf()),
            ..Default::default()
        });
        self.harness.input_mut().hovered_files = files.collect();
        self.steps(2);
    }

    /// Whether these words are drawn, also where they are no widget.
    fn paints(&self, words: &str) -> bool {
        let shapes = &self.harness.output().shapes;
        shapes.iter().any(|clipped| match &clipped.shape {
            egui::Shape::Text(text) => text.galley.text() == words,
            _ => false,
        })
    }

    pub(super) fn drop_file(&mut self, path: PathBuf) {
        let file: egui::DroppedFileHandle = Arc::new(Dropped(path));
        self.harness.input_mut().dropped_files.push(file);
        self.steps(2);
    }

    /// A picture with a dark left half in the window's home.
    fn picture_file(&self, name: &str, (width, height): (u32, u32)) -> PathBuf {
        let path = self.home.path().join(name);
        let pixel = |x, _| image::Rgb(if x < width / 2 { [20; 3] } else { [220; 3] });
        image::RgbImage::from_fn(width, height, pixel)
            .save(&path)
            .unwrap();
        path
    }

    fn size(&self) -> (u32, u32) {
        self.app().session.document().content().frame.size()
    }

    fn mask_at(&self, x: i32, y: i32) -> u8 {
        self.app().session.document().content().mask.pixel(x, y)
    }

    fn is_working(&self) -> bool {
        let current = self.app().session.documents.current();
        current.mask_work().is_some()
    }

    /// Opens a picture on which changing a whole mask takes longer than a frame.
    fn open_large(&mut self) {
        let path = self.picture_file("large.png", (1800, 1400));
        self.drop_file(path);
        self.wait_for("the picture", |window| window.size() == (1800, 1400));
        self.press(Modifiers::NONE, Key::Escape);
    }
}

/// Limn is started again with a file while its window is open.
#[test]
fn another_start_hands_its_files_to_the_open_window() {
    let mut window = Window::open();
    window.harness.state_mut().listen_at_door();
    let folders = Folders::under(window.home.path());
    let picture = window.picture_file("handed.png", (60, 40));
    assert!(running_window::hand_over(&folders, &[picture]));
    window.wait_for("the picture", |window| window.size() == (60, 40));
    // A model comes into the library; this one is none, and says so.
    let model = window.home.path().join("handed.safetensors");
    std::fs::write(&model, "no weights").unwrap();
    assert!(running_window::hand_over(&folders, &[model]));
    window.wait_for("the library", |window| {
        window.app().session.place == Place::Models
    });
    assert_eq!(window.app().session.documents.len(), 1);
}

#[test]
fn a_dropped_picture_opens_and_the_next_one_asks_what_it_is_to_be() {
    let mut window = Window::open();
    let first = window.picture_file("first.png", (60, 40));
    let second = window.picture_file("second.png", (30, 20));
    window.hover_files(&[&first]);
    assert!(window.paints("Drop to open"));
    window.hover_files(&[]);
    assert!(!window.paints("Drop to open"));
    window.drop_file(first);
    window.wait_for("the picture", |window| window.size() == (60, 40));
    let layers = |window: &Window| window.app().session.document().content().layers.len();
    let folder = window.home.path().to_owned();
    for (path, words) in [
        (&second, "Drop to open or to add as a layer"),
        (&folder, "Drop to bring into the gallery"),
    ] {
        window.hover_files(&[path]);
        assert!(window.paints(words), "{words}");
    }
    window.hover_files(&[]);
    window.drop_file(second.clone());
    window.click("Add as a layer");
    window.wait_for("the layer", |window| layers(window) == 2);
    assert_eq!(window.app().session.documents.len(), 1);
    window.drop_file(second);
    window.click("Open as a document");
    window.wait_for("the document", |window| {
        window.app().session.documents.len() == 2
    });
    assert_eq!(window.size(), (30, 20));
}

#[test]
fn a_dropped_file_that_is_no_picture_says_so_and_costs_nothing() {
    let mut window = Window::open();
    let path = window.home.path().join("notes.png");
    std::fs::write(&path, b"no picture").unwrap();
    window.drop_file(path);
    window.wait_for("what is wrong", |window| {
        let nodes = window.harness.query_all_by_label_contains("notes.png");
        nodes.count() > 0
    });
    assert_eq!(window.size(), (0, 0));
}

/// A mask is inverted, cleared and inverted again faster than it can be done, and a run is asked for: each sees
/// what the one before has made.
#[test]
fn commands_wait_for_a_large_mask_and_keep_their_order() {
    let mut window = Window::open();
    window.open_large();
    // All in one frame: an undo that comes while nothing waits stops the work instead.
    for command in [
        Command::Mask(MaskAction::Invert),
        Command::Mask(MaskAction::Clear),
        Command::Mask(MaskAction::Invert),
        Command::Undo,
        Command::Redo,
    ] {
        window.harness.state_mut().send(command);
    }
    window.wait_for("the last of them", |window| {
        let document = window.app().session.document();
        !window.is_working() && document.next_undo() == Some(StepName::MaskInvert)
    });
    window.steps(2);
    assert_eq!(window.mask_at(900, 700), 255);
    let mut steps = Vec::new();
    for _ in 0..3 {
        steps.push(window.app().session.document().next_undo());
        window.press(Modifiers::COMMAND, Key::Z);
    }
    let expected = [
        StepName::MaskInvert,
        StepName::MaskClear,
        StepName::MaskInvert,
    ];
    assert_eq!(steps, expected.map(Some));
}

#[test]
fn escape_stops_a_large_mask() {
    let mut window = Window::open();
    window.open_large();
    // In one frame, so that it cannot be done before.
    for command in [Command::Mask(MaskAction::Invert), Command::Escape] {
        window.harness.state_mut().send(command);
    }
    window.steps(3);
    assert!(!window.is_working());
    assert_eq!(
        window.app().session.document().next_undo(),
        Some(StepName::OpenPicture)
    );
}

#[test]
fn results_that_were_put_away_come_back() {
    let mut window = Window::open();
    window.generate("a red house");
    let job = window.started();
    for index in 0..4 {
        window.picture(job, index);
    }
    window.finished(job);
    window.wait_for("the pictures", |window| window.n_saved() == 4);
    window.steps(3);
    window.click("Discard");
    assert!(!window.shows("Result 1: finished"));
    assert_eq!(window.app().session.selected_run(), None);
    // Over the tool strip's own.
    window.click_last("Undo");
    assert!(window.shows("Result 1: finished"));
    assert_eq!(window.app().session.runs[0].state, RunState::Finished);
}

#[test]
fn a_dropped_picture_can_be_varied_without_being_opened() {
    let mut window = Window::open();
    let path = window.picture_file("first.png", (64, 48));
    window.drop_file(path);
    window.wait_for("the picture", |window| window.size() == (64, 48));
    let path = window.picture_file("boat.png", (96, 64));
    window.drop_file(path);
    window.click_last("Variations");
    window.wait_for("the run", |window| window.app().session.runs.len() == 1);
    let run = &window.app().session.runs[0];
    let Some(Gesture::Variations { source, .. }) = run.gesture() else {
        panic!("{run:?}");
    };
    assert_eq!((source.name.as_str(), source.input.width), ("boat", 96));
    assert_eq!(source.picture, None);
    assert_eq!(window.size(), (64, 48), "nothing was opened");
}

#[test]
fn a_mask_larger_than_the_model_says_what_that_means_and_offers_tiles() {
    let mut window = Window::open();
    let path = window.picture_file("wide.png", (300, 200));
    window.drop_file(path);
    window.wait_for("the picture", |window| window.size() == (300, 200));
    let says = |window: &Window, words: &str| {
        let found = window.harness.query_all_by_label_contains(words);
        found.count() > 0
    };
    assert!(!says(&window, "fine detail is lost"));
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::COMMAND, Key::A);
    window.wait_for("the warning", |window| says(window, "fine detail is lost"));
    window.click("Fill it in tiles of the model's own size: as fine as the picture, and slower");
    assert!(!says(&window, "fine detail is lost"));
    assert!(says(&window, "tiles of Doodle’s own size"));
    window.click("Fill it now, in one piece, with less detail");
    assert!(says(&window, "fine detail is lost"));
}
