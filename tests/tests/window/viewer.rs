//! Pictures looked at large, compared, and exported together.

use egui::{Key, Modifiers};
use limn::command::{Command, CopiesCommand, GalleryCommand, ViewCommand};
use limn::session::PictureRef;

use super::Window;

impl Window {
    pub(super) fn send(&mut self, command: Command) {
        self.harness.state_mut().send(command);
        self.steps(3);
    }
}

#[test]
fn results_are_compared_side_by_side_by_a_slider_and_as_an_onion_skin() {
    let mut window = Window::open_with_results();
    window.press(Modifiers::SHIFT, Key::C);
    assert!(window.shows("4 pictures, Side by side"));
    assert!(!window.shows("Gallery"), "it covers the window");
    window.press(Modifiers::NONE, Key::Num2);
    assert!(window.shows("4 pictures, Slider"));
    assert!(window.shows("Divider"));
    window.click("Picture 3");
    window.press(Modifiers::NONE, Key::X);
    window.click("Onion skin");
    assert!(window.shows("4 pictures, Onion skin"));
    assert!(window.shows("How much of the second picture is seen"));
    window.press(Modifiers::NONE, Key::Escape);
    assert!(window.shows("Gallery"));
}

#[test]
fn a_picture_looked_at_large_can_be_stepped_through_starred_and_trashed() {
    let mut window = Window::open_with_results();
    let first = window.app().session.runs[0].id;
    let run = first;
    window.send(Command::View(ViewCommand::Look(PictureRef::Result {
        run,
        index: 0,
    })));
    assert!(window.shows("64 × 64 px · seed 0 · Doodle"));
    window.press(Modifiers::NONE, Key::ArrowRight);
    assert!(window.shows("64 × 64 px · seed 1 · Doodle"));
    window.press(Modifiers::NONE, Key::ArrowLeft);
    window.press(Modifiers::NONE, Key::ArrowLeft);
    assert!(
        window.shows("64 × 64 px · seed 3 · Doodle"),
        "around the end"
    );
    window.press(Modifiers::NONE, Key::S);
    window.wait_for("the star", |window| window.shows("Remove the star   S"));
    window.press(Modifiers::NONE, Key::Space);
    assert!(window.shows("Gallery"));
}

#[test]
fn one_picture_cannot_be_compared_and_no_picture_exported() {
    let mut window = Window::open_with_results();
    let run = window.app().session.runs[0].id;
    let one = vec![PictureRef::Result { run, index: 0 }];
    window.send(Command::View(ViewCommand::Compare(one)));
    assert!(window.shows("Choose two to 4 pictures to compare."));
    window.send(Command::Copies(CopiesCommand::Export(Vec::new())));
    assert!(window.shows("Choose pictures in the gallery first."));
}

#[test]
fn the_export_sheet_names_the_first_copy_and_refuses_what_is_no_pattern() {
    let mut window = Window::open_with_results();
    let pictures: Vec<_> = (0..4)
        .filter_map(|index| {
            let run = window.app().session.runs[0].id;
            window
                .app()
                .session
                .picture_id(PictureRef::Result { run, index })
        })
        .collect();
    assert_eq!(pictures.len(), 4);
    window.send(Command::Copies(CopiesCommand::Export(pictures)));
    assert!(window.shows("Export 4 pictures"));
    assert!(window.shows("The first one: a-red-sailboat-0.png"));
    window.click("JPEG");
    window.click("Add the number");
    assert!(window.shows("The first one: a-red-sailboat-01.jpg"));
    window.click("Names");
    window.press(Modifiers::COMMAND, Key::A);
    window.type_text("{sed}");
    assert!(!window.shows("The first one: a-red-sailboat-01.jpg"));
    window.click("Cancel");
    assert!(!window.shows("Export 4 pictures"));
}

#[test]
fn a_picture_from_elsewhere_is_called_by_its_file() {
    let mut window = Window::open();
    let path = window.home.path().join("harbour.png");
    image::RgbImage::new(30, 20).save(&path).unwrap();
    window.send(Command::Gallery(GalleryCommand::Import(vec![path])));
    let first = |window: &Window| window.app().gallery_view.entries().first().copied();
    window.wait_for("the picture", |window| first(window).is_some());
    let picture = PictureRef::Gallery(first(&window).unwrap().id);
    window.send(Command::View(ViewCommand::Look(picture)));
    window.wait_for("its name", |window| window.shows("harbour"));
    assert!(window.shows("30 × 20 px"));
}

/// A texture beyond the graphics card's limit would be refused, and nothing of the window drawn.
#[test]
fn a_picture_wider_than_the_graphics_card_takes_is_shown_smaller() {
    const LIMIT: usize = 8192;
    let mut window = Window::open();
    window.harness.input_mut().max_texture_side = Some(LIMIT);
    window.steps(1);
    for width in [8193, 16_384] {
        let path = window.home.path().join(format!("wide {width}.png"));
        image::RgbImage::new(width, 3).save(&path).unwrap();
        window.send(Command::Gallery(GalleryCommand::Import(vec![path])));
        let title = format!("wide {width}");
        let find = |window: &Window| {
            let entries = window.app().gallery_view.entries();
            let is_it = |id| {
                let record = window.app().gallery_view.record(id)?;
                (record.width == width).then_some(id)
            };
            entries.iter().find_map(|entry| is_it(entry.id))
        };
        window.send(Command::GoTo(limn::session::Place::Gallery));
        window.wait_for("the picture", |window| find(window).is_some());
        let picture = PictureRef::Gallery(find(&window).unwrap());
        let look = Command::View(ViewCommand::Look(picture));
        window.harness.state_mut().send(look);
        let of_picture = format!("({picture:?}, Full)");
        let texture = |window: &Window| {
            let manager = window.harness.ctx.tex_manager();
            let manager = manager.read();
            let mut all = manager.allocated().map(|(_, texture)| texture);
            let found = all.find(|texture| texture.name == of_picture);
            found.map(|texture| texture.size)
        };
        window.wait_for("its texture", |window| texture(window).is_some());
        assert_eq!(texture(&window).map(|size| size[0]), Some(LIMIT), "{title}");
        assert!(window.shows(&format!("{width} × 3 px")), "{title}");
        window.press(Modifiers::NONE, Key::Escape);
    }
}
