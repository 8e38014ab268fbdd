//! What others wrote, in the window: no label, tooltip or drawn text holds a character that hides or steers.

use egui::{Key, Modifiers, Shape};
use egui_kittest::kittest::{NodeT, Queryable};
use limn::engine_link::EngineEvent;
use limn::gallery::{Gallery, Mark, Recipe};
use limn::paths::Folders;
use limn::session::{GalleryState, Place};
use limn_engine::foreign_text::is_hidden;
use limn_engine::protocol::{
    DeviceInfo, Event, Failure, ModelId, ModelInfo, SelfTest, UpscalerInfo, Vocabulary,
};
use tempfile::TempDir;

use super::{Window, model};
use crate::gallery::{pixels, recipe};

const HOSTILE: &str = "boat\u{1b}[31m\u{9b}2J\u{7f}\u{202e}\u{2066}\u{200b}\u{feff}\nsecond";

fn hostile(what: &str) -> String {
    format!("{what} {HOSTILE}")
}

/// A gallery whose pictures, tags and boards have hostile names.
fn gallery_in(home: &TempDir) {
    let folders = Folders::under(home.path());
    let mut gallery =
        Gallery::open(&folders.pictures, &folders.indexes, &folders.thumbnails()).unwrap();
    let recipe = Recipe {
        prompt: hostile("prompt"),
        negative_prompt: Some(hostile("negative")),
        unread_prompt: Some(hostile("unread")),
        model: hostile("model"),
        sampler: hostile("sampler"),
        device: hostile("device"),
        dtype: hostile("dtype"),
        ..recipe(1)
    };
    let id = gallery.save(&pixels(1), &recipe).unwrap().id;
    for mark in [
        Mark::Tag {
            name: hostile("tag"),
            on: true,
        },
        Mark::Board {
            name: hostile("board"),
            on: true,
        },
    ] {
        // A gallery refuses some names; an older one may have let them in.
        let _ = gallery.mark(&[id], &mark);
    }
    let foreign = home.path().join("foreign.png");
    write_foreign(&foreign);
    let report = gallery.import(&[foreign], &false.into(), &mut |_| {});
    assert_eq!(report.added.len(), 1);
}

/// A picture with a recipe of another program.
fn write_foreign(path: &std::path::Path) {
    let text = format!(
        "{}\nNegative prompt: {}\nSteps: 20, Sampler: {}, Seed: 5, Size: 8x8, Model: {}, Odd: {}",
        hostile("foreign prompt"),
        hostile("foreign negative"),
        "Euler\u{202e}",
        "model\u{1b}[31m",
        "value\u{9b}2J",
    );
    let mut info = png::Info::with_size(8, 8);
    info.color_type = png::ColorType::Rgb;
    info.utf8_text
        .push(png::text_metadata::ITXtChunk::new("parameters", text));
    let mut file = Vec::new();
    let encoder = png::Encoder::with_info(&mut file, info).unwrap();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[90; 8 * 8 * 3]).unwrap();
    writer.finish().unwrap();
    std::fs::write(path, file).unwrap();
}

fn hostile_model() -> ModelInfo {
    let words = |text: &str| vec![hostile(text)];
    ModelInfo {
        id: ModelId(hostile("id")),
        name: hostile("name"),
        family: hostile("family"),
        description: hostile("description"),
        vocabulary: Some(Vocabulary {
            objects: words("object"),
            colours: words("colour"),
            places: words("place"),
            times: words("time"),
            styles: words("style"),
            words: words("word"),
            synonyms: vec![(hostile("typed"), hostile("known"))],
        }),
        examples: vec![hostile("first example"), hostile("second example")],
        ..model()
    }
}

impl Window {
    /// Everything that is shown or read out and must not be: what is edited shows itself.
    fn assert_nothing_hides(&self, place: &str) {
        let mut texts: Vec<String> = Vec::new();
        let nodes = self
            .harness
            .query_all(egui_kittest::kittest::By::new().predicate(|_| true));
        for node in nodes {
            let node = node.accesskit_node();
            let is_edited = matches!(
                node.role(),
                egui::accesskit::Role::TextInput
                    | egui::accesskit::Role::MultilineTextInput
                    | egui::accesskit::Role::TextRun
            );
            if !is_edited {
                texts.extend(
                    [node.label(), node.value(), node.description()]
                        .into_iter()
                        .flatten(),
                );
            }
        }
        for clipped in &self.harness.output().shapes {
            drawn(&clipped.shape, &mut texts);
        }
        // What is hostile is here, and spelt out.
        let is_spelt_out = |text: &String| text.contains("\\u{1b}");
        assert!(texts.iter().any(is_spelt_out), "{place}: {texts:?}");
        let hides = |text: &&String| text.contains(|c| is_hidden(c) && !matches!(c, '\n' | '\t'));
        let found: Vec<&String> = texts.iter().filter(hides).collect();
        assert!(found.is_empty(), "{place}: {found:?}");
    }

    fn go_to(&mut self, words: &str, place: Place) {
        self.press(Modifiers::COMMAND, Key::K);
        self.type_text(words);
        self.press(Modifiers::NONE, Key::Enter);
        assert_eq!(self.app().session.place, place);
        self.steps(3);
    }
}

fn drawn(shape: &Shape, texts: &mut Vec<String>) {
    match shape {
        Shape::Text(text) => texts.push(text.galley.text().to_owned()),
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| drawn(shape, texts)),
        _ => {}
    }
}

#[test]
fn nothing_that_others_wrote_hides_or_steers() {
    let home = tempfile::tempdir().unwrap();
    gallery_in(&home);
    let mut window = Window::open_with(home, None);
    window.tell(EngineEvent::Connected {
        build: hostile("build"),
    });
    window.say(Event::Models(vec![hostile_model(), model()]));
    window.say(Event::Devices(vec![DeviceInfo {
        name: hostile("device"),
        backend: hostile("backend"),
        driver: hostile("driver"),
        is_gpu: true,
        is_software: false,
        memory_bytes: Some(1 << 30),
        dtypes: vec![hostile("dtype")],
        self_test: SelfTest::Failed {
            reason: hostile("reason"),
        },
    }]));
    window.say(Event::Upscalers(vec![UpscalerInfo {
        id: ModelId(hostile("id")),
        name: hostile("upscaler"),
        family: hostile("family"),
        scale: 4,
        bytes: 1 << 20,
        made_for: Some(hostile("made for")),
    }]));
    window.wait_for("the gallery", |window| {
        window.app().gallery_view.state != GalleryState::Opening
            && window.app().gallery_view.entries().len() == 2
    });
    window.steps(5);
    window.assert_nothing_hides("the empty canvas");

    window.go_to("go gall", Place::Gallery);
    window.wait_for("names", |window| {
        window
            .harness
            .query_all_by_label_contains("Picture: prompt boat")
            .count()
            > 0
    });
    window.assert_nothing_hides("the gallery");
    for n in 0..2 {
        let tiles = window.harness.query_all_by_label_contains("Picture: ");
        let tile = tiles.into_iter().nth(n).expect("two tiles");
        tile.click();
        window.steps(4);
        window.assert_nothing_hides("the details");
        let tiles = window.harness.query_all_by_label_contains("Picture: ");
        tiles.into_iter().nth(n).expect("two tiles").hover();
        window.steps(40);
        window.assert_nothing_hides("a tooltip");
        let tiles = window.harness.query_all_by_label_contains("Picture: ");
        tiles
            .into_iter()
            .nth(n)
            .expect("two tiles")
            .click_secondary();
        window.steps(4);
        window.assert_nothing_hides("a menu");
        window.press(Modifiers::NONE, Key::Escape);
        window.press(Modifiers::NONE, Key::Space);
        window.steps(4);
        window.assert_nothing_hides("the viewer");
        window.press(Modifiers::NONE, Key::Escape);
    }

    window.go_to("go model", Place::Models);
    window.assert_nothing_hides("the models");
    window.press(Modifiers::COMMAND, Key::K);
    window.steps(3);
    window.assert_nothing_hides("the palette");
    window.press(Modifiers::NONE, Key::Escape);

    window.go_to("go canvas", Place::Canvas);
    window.generate("a red sailboat");
    let job = window.started();
    window.say(Event::Failed {
        job: Some(job),
        failure: Failure {
            kind: limn_engine::error::ErrorKind::Bug,
            message: hostile("failure").repeat(400),
        },
    });
    window.steps(4);
    window.assert_nothing_hides("a failed run");
    window.tell(EngineEvent::Died {
        cause: limn::engine_link::DeathCause::Ended,
        reason: hostile("last words").repeat(400),
        lost: Vec::new(),
    });
    window.steps(4);
    window.assert_nothing_hides("an engine that died");
    window.click("Info");
    window.assert_nothing_hides("the info");
}
