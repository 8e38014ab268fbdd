//! The gallery's place: choosing, marking, boards, the trash, and taking it all back.

use std::time::{Duration, Instant};

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use limn::command::{Command, GalleryCommand};
use limn::session::Place;

use super::Window;

impl Window {
    /// A gallery of four pictures, in its own place.
    fn with_gallery() -> Self {
        let mut window = Self::open_with_results();
        window.press(Modifiers::COMMAND, Key::K);
        window.type_text("go gall");
        window.press(Modifiers::NONE, Key::Enter);
        assert_eq!(window.app().session.place, Place::Gallery);
        window.wait_for("their names", |window| window.n_tiles() == 4);
        window.wait_for("the counts", |window| window.shows("All pictures, 4"));
        window
    }

    fn n_tiles(&self) -> usize {
        self.harness
            .query_all_by_label("Picture: a red sailboat")
            .count()
    }

    fn n_chosen(&self) -> usize {
        self.app().gallery_view.selection.len()
    }

    fn n_listed(&self) -> usize {
        self.app().gallery_view.entries().len()
    }
}

/// Whoever is about to click a picture clicks that one, whatever is saved meanwhile.
#[test]
fn pictures_that_arrive_do_not_move_those_under_a_moving_pointer() {
    let mut window = Window::open_with_results();
    window.wait_for("the strip", |window| window.n_listed() == 4);
    window.generate("a blue house");
    let job = window.started();
    let tiles = window.harness.query_all_by_label("Picture: a red sailboat");
    let aim = tiles.last().unwrap().rect().center();
    // Two frames of the test are half a second.
    let moving = |window: &mut Window, n: usize| {
        window
            .harness
            .hover_at(aim + egui::vec2((n % 2) as f32, 0.0));
        window.harness.step();
    };
    moving(&mut window, 0);
    window.tell_picture(job, 0);
    let start = Instant::now();
    for n in 0.. {
        moving(&mut window, n);
        std::thread::sleep(Duration::from_millis(5));
        if window.n_saved() == 5 && start.elapsed() > Duration::from_millis(300) {
            break;
        }
    }
    assert_eq!(window.n_listed(), 4);
    window.wait_for("the new picture", |window| window.n_listed() == 5);
}

#[test]
fn the_keyboard_alone_chooses_stars_and_finds_again() {
    let mut window = Window::with_gallery();
    window.press(Modifiers::NONE, Key::ArrowRight);
    assert_eq!(window.n_chosen(), 1);
    window.press(Modifiers::SHIFT, Key::ArrowRight);
    assert_eq!(window.n_chosen(), 2);
    window.press(Modifiers::NONE, Key::S);
    window.wait_for("two stars", |window| window.shows("Starred, 2"));
    window.click("Starred, 2");
    window.wait_for("the starred ones", |window| window.n_listed() == 2);
    assert_eq!(window.n_chosen(), 2, "what was chosen stays so");
    window.press(Modifiers::COMMAND, Key::Z);
    window.wait_for("no star", |window| window.shows("Starred, 0"));
    window.wait_for("an empty list", |window| window.n_listed() == 0);
    assert!(window.shows("No picture has a star yet. Press S on one that you like."));
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.wait_for("the stars again", |window| window.shows("Starred, 2"));
    window.click("All pictures, 4");
    window.wait_for("all", |window| window.n_listed() == 4);
    // Esc lets go of the choice first, then leaves the place.
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.n_chosen(), 0);
    assert_eq!(window.app().session.place, Place::Gallery);
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.app().session.place, Place::Canvas);
}

#[test]
fn pictures_are_gathered_on_a_board_and_taken_off_again() {
    let mut window = Window::with_gallery();
    window.press(Modifiers::COMMAND, Key::A);
    assert_eq!(window.n_chosen(), 4);
    window.stroke(Key::B, "b");
    assert!(window.shows("Add 4 pictures to a board"));
    window.type_text("posters");
    window.press(Modifiers::NONE, Key::Enter);
    window.wait_for("the board", |window| window.shows("posters, 4"));
    assert!(!window.shows("Add 4 pictures to a board"));
    window.wait_for("the message", |window| {
        window.shows("Added 4 pictures to “posters”")
    });
    window.click("Undo");
    window.wait_for("no board", |window| !window.shows("posters, 4"));
    assert!(window.app().gallery_view.overview.boards.is_empty());
}

#[test]
fn the_trash_gives_back_and_deletes_only_after_a_second_step() {
    let mut window = Window::with_gallery();
    window.press(Modifiers::NONE, Key::ArrowRight);
    window.press(Modifiers::NONE, Key::Delete);
    window.wait_for("the trash", |window| window.shows("Trash, 1"));
    assert_eq!(window.n_listed(), 3);
    assert_eq!(window.n_chosen(), 1, "the next one is chosen");
    window.press(Modifiers::COMMAND, Key::Z);
    window.wait_for("it back", |window| window.n_listed() == 4);
    window.press(Modifiers::COMMAND, Key::A);
    window.press(Modifiers::NONE, Key::Delete);
    window.wait_for("all gone", |window| window.shows("Trash, 4"));
    window.click("Trash, 4");
    window.wait_for("the trash's list", |window| window.n_listed() == 4);
    window.press(Modifiers::NONE, Key::ArrowRight);
    window.press(Modifiers::NONE, Key::Delete);
    assert!(window.shows("Delete 1 picture for good?"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.shows("Delete 1 picture for good?"));
    window.steps(3);
    assert_eq!(window.n_listed(), 4, "nothing is gone by the first step");
    window.press(Modifiers::NONE, Key::Delete);
    window.click("Delete for good");
    window.wait_for("one less", |window| window.shows("Trash, 3"));
    window.wait_for("its list", |window| window.n_listed() == 3);
}

/// A wide picture is seen from end to end, in a tile as large as any other.
#[test]
fn a_tile_shows_the_whole_picture() {
    let mut window = Window::open();
    let path = window.home.path().join("wide.png");
    image::RgbImage::new(160, 40).save(&path).unwrap();
    window.send(Command::Gallery(GalleryCommand::Import(vec![path])));
    window.send(Command::GoTo(Place::Gallery));
    let drawn = |window: &Window| {
        let tile = window
            .harness
            .query_all_by_label_contains("Picture: wide")
            .next()?;
        let tile = tile.rect();
        let shapes = window.harness.output().shapes.iter();
        let pictures = shapes.filter_map(|clipped| match &clipped.shape {
            egui::Shape::Rect(shape) if shape.brush.is_some() => Some(shape),
            _ => None,
        });
        let mut pictures = pictures.filter(|shape| tile.expand(1.0).contains_rect(shape.rect));
        let shape = pictures.next()?;
        let uv = shape.brush.as_ref()?.uv;
        let size = shape.rect.size();
        (uv.width() > 0.99).then_some((tile.aspect_ratio(), size.x / size.y, uv.height()))
    };
    window.wait_for("its thumbnail", |window| drawn(window).is_some());
    let (tile, picture, height) = drawn(&window).unwrap();
    assert!(
        (tile - 1.0).abs() < 0.01 && (picture - 4.0).abs() < 0.1,
        "{tile} {picture}"
    );
    assert!(height > 0.99, "{height} of its height is seen");
}

/// Opened on the canvas, it is the picture that the facts are about, also with nothing lying over the document.
#[test]
fn what_is_opened_from_the_gallery_says_how_it_was_made() {
    let mut window = Window::with_gallery();
    window.press(Modifiers::NONE, Key::ArrowRight);
    window.wait_for("its facts beside the grid", |window| {
        window.shows("How it was made")
    });
    for fact in ["Prompt", "Seed", "Settings", "Size", "Model"] {
        assert!(window.shows(fact), "{fact}");
    }
    assert!(window.shows("Doodle (Tiny)"), "the model and its family");
    window.press(Modifiers::NONE, Key::Enter);
    window.wait_for("the document", |window| {
        let current = window.app().session.documents.current();
        current.source.is_some()
    });
    window.steps(3);
    assert_eq!(window.app().session.shown(), None);
    window.click("Info");
    window.wait_for("its recipe", |window| window.shows("Use this recipe"));
    assert!(!window.shows("Open a picture to see how it was made."));
}

#[test]
fn two_chosen_pictures_are_compared() {
    let mut window = Window::with_gallery();
    window.press(Modifiers::NONE, Key::ArrowRight);
    window.press(Modifiers::SHIFT, Key::C);
    assert!(window.shows("Choose two to 4 pictures to compare."));
    window.press(Modifiers::SHIFT, Key::ArrowRight);
    window.press(Modifiers::SHIFT, Key::C);
    assert!(window.shows("2 pictures, Side by side"));
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.n_chosen(), 2);
    window.click("Compare");
    assert!(window.shows("2 pictures, Side by side"));
}

#[test]
fn a_search_from_the_gallery_narrows_and_says_when_nothing_is_found() {
    let mut window = Window::with_gallery();
    window.press(Modifiers::COMMAND, Key::F);
    window.type_text("sailb");
    window.wait_for("the found ones", |window| window.n_listed() == 4);
    window.type_text("xyz");
    window.wait_for("nothing", |window| window.n_listed() == 0);
    assert!(window.shows("Nothing found. Fewer or other words find more."));
    window.click("Show all again");
    window.wait_for("all again", |window| window.n_listed() == 4);

    // From anywhere; Esc leaves the field, then the search, then the place.
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.app().session.place, Place::Canvas);
    window.press(Modifiers::COMMAND, Key::F);
    window.type_text("xyz");
    window.wait_for("nothing", |window| window.n_listed() == 0);
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.app().session.place, Place::Gallery);
    window.wait_for("all again", |window| window.n_listed() == 4);
    window.press(Modifiers::NONE, Key::Escape);
    assert_eq!(window.app().session.place, Place::Canvas);
}
