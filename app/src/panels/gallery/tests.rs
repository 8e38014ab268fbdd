//! The gallery by what hands do to it and what it costs, without an app around it.

#![allow(clippy::unwrap_used)]
use std::sync::Arc;
use std::time::Instant;

use egui::{
    Context, Event, Modifiers, MouseWheelUnit, PointerButton, Pos2, RawInput, Rect, TouchPhase,
    pos2, vec2,
};
use image::{Rgb, RgbImage};

use super::*;
use crate::command::Command;
use crate::gallery::averages::{Average, Averages};
use crate::gallery::{Entry, Sort};
use crate::scene::DraggedPictures;
use crate::session::{Choose, GalleryView, Grouping, PictureRef, Session};
use crate::settings::Settings;
use crate::textures::{Textures, UPLOADS_PER_FRAME};

const AREA: Rect = Rect {
    min: Pos2::ZERO,
    max: pos2(1440.0, 900.0),
};

/// The gallery's place, and what it said in the last frame.
struct Window {
    ctx: Context,
    session: Session,
    gallery: GalleryView,
    settings: Settings,
    textures: Textures,
    panel: GalleryPanel,
    commands: Vec<Command>,
    seconds: f64,
    /// Of the last frame.
    n_uploads: usize,
    n_unknown: usize,
    ui_milliseconds: f64,
}

impl Window {
    fn with(n_pictures: u64) -> Self {
        let ctx = Context::default();
        crate::theme::install(&ctx);
        let mut window = Self {
            ctx,
            session: Session::default(),
            gallery: GalleryView::default(),
            settings: Settings::default(),
            textures: Textures::default(),
            panel: GalleryPanel::default(),
            commands: Vec::new(),
            seconds: 0.0,
            n_uploads: 0,
            n_unknown: 0,
            ui_milliseconds: 0.0,
        };
        window.session.place = Place::Gallery;
        window.settings.gallery.shows_details = false;
        window.gallery.listed(entries(n_pictures));
        window.still();
        window.still();
        window
    }

    fn frame(&mut self, events: Vec<Event>) {
        self.seconds += 0.016;
        let input = RawInput {
            screen_rect: Some(AREA),
            time: Some(self.seconds),
            events,
            ..RawInput::default()
        };
        let mut commands = Vec::new();
        let mut layer_pictures = crate::layer_pictures::LayerPictures::default();
        self.textures.begin_frame(&self.ctx);
        let start = cpu_milliseconds();
        let mut output = self.ctx.run_ui(input, |ui| {
            let mut scene = Scene {
                session: &self.session,
                gallery: &self.gallery,
                settings: &self.settings,
                textures: &mut self.textures,
                layer_pictures: &mut layer_pictures,
                commands: &mut commands,
                now: Instant::now(),
            };
            gallery_place_ui(ui, &mut scene, &mut self.panel);
        });
        self.ui_milliseconds = cpu_milliseconds() - start;
        // The fonts' own texture is not the gallery's.
        let of_gallery = |id: &egui::TextureId| *id != egui::TextureId::default();
        let uploads = output.textures_delta.set.iter();
        self.n_uploads = uploads.filter(|(id, _)| of_gallery(id)).count();
        output.textures_delta.clear();
        self.n_unknown = self.panel.take_unknown().len();
        self.commands = commands;
        self.carry_out();
    }

    /// What the app would do with what concerns the selection.
    fn carry_out(&mut self) {
        for command in self.commands.clone() {
            let Command::Gallery(command) = command else {
                continue;
            };
            match command {
                GalleryCommand::Choose { picture, how } => self.gallery.choose(picture, how),
                GalleryCommand::ChooseBand {
                    list,
                    touched,
                    adds,
                } => self.gallery.choose_band(list, &touched, adds),
                GalleryCommand::EndBand => self.gallery.selection.end_band(),
                GalleryCommand::ChooseNone => self.gallery.selection.clear(),
                _ => {}
            }
        }
    }

    fn still(&mut self) {
        self.frame(Vec::new());
    }

    fn mouse(&mut self, at: Pos2, pressed: bool, modifiers: Modifiers) {
        self.frame(vec![
            Event::ModifiersChanged(modifiers),
            Event::PointerMoved(at),
            Event::PointerButton {
                pos: at,
                button: PointerButton::Primary,
                pressed,
                modifiers,
            },
        ]);
    }

    fn click(&mut self, index: usize, modifiers: Modifiers) {
        let at = self.tile(index).center();
        self.frame(vec![Event::PointerMoved(at)]);
        // Clicks that follow each other at once would be a double click.
        self.seconds += 1.0;
        self.mouse(at, true, modifiers);
        self.mouse(at, false, modifiers);
        self.still();
    }

    fn scroll(&mut self, points: f32) {
        self.frame(vec![
            Event::PointerMoved(AREA.center()),
            Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: vec2(0.0, -points),
                phase: TouchPhase::Move,
                source: egui::MouseWheelSource::Unknown,
                modifiers: Modifiers::NONE,
            },
        ]);
    }

    /// Where a picture's tile is.
    fn tile(&self, index: usize) -> Rect {
        self.panel.place.tile(index)
    }

    fn chosen(&self) -> Vec<usize> {
        let all = 0..self.gallery.entries().len();
        all.filter(|index| self.gallery.selection.is_chosen(*index))
            .collect()
    }

    fn in_view(&self) -> std::ops::Range<usize> {
        self.panel.place.in_view()
    }
}

/// What this thread has computed so far, without the time in which it had to wait for others; 0 where the
/// system does not say.
fn cpu_milliseconds() -> f64 {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = said
        .split(' ')
        .next()
        .and_then(|first| first.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e6
}

/// Made one second after the other, four to a run, the newest first.
fn entries(n: u64) -> Arc<[Entry]> {
    let entry = |number: u64| {
        let milliseconds = 1_764_000_000_000 + number * 1_000;
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
        (bytes[6], bytes[8]) = (0x70, 0x80);
        Entry {
            id: PictureId::from_bytes(bytes).unwrap(),
            created_ms: milliseconds as i64,
            run: number as u32 / 4 + 1,
            is_starred: false,
        }
    };
    (0..n).rev().map(entry).collect()
}

fn averages(entries: &[Entry]) -> Averages {
    let average = Average::of(&RgbImage::from_pixel(16, 16, Rgb([90, 120, 150])));
    let mut averages = Averages::default();
    for entry in entries {
        averages.put(entry.id, average);
    }
    averages
}

#[test]
fn clicks_choose_with_and_without_keys() {
    let mut window = Window::with(14);
    window.click(1, Modifiers::NONE);
    assert_eq!(window.chosen(), [1]);
    window.click(3, Modifiers::SHIFT);
    assert_eq!(window.chosen(), [1, 2, 3]);
    window.click(2, Modifiers::COMMAND);
    assert_eq!(window.chosen(), [1, 3]);
    window.click(5, Modifiers::NONE);
    assert_eq!(window.chosen(), [5]);
    // Beside the pictures: none.
    let below = window.tile(13).right_bottom() + vec2(30.0, 30.0);
    window.seconds += 1.0;
    window.mouse(below, true, Modifiers::NONE);
    window.mouse(below, false, Modifiers::NONE);
    assert_eq!(window.chosen(), [0; 0]);
}

#[test]
fn a_rubber_band_chooses_what_it_touches() {
    let mut window = Window::with(14);
    // From below the last row up to the middle of the row above it.
    let last = window.tile(13);
    let start = pos2(last.right() + 60.0, last.bottom() + 40.0);
    window.frame(vec![Event::PointerMoved(start)]);
    window.mouse(start, true, Modifiers::NONE);
    let end = last.center();
    window.frame(vec![Event::PointerMoved(end)]);
    window.still();
    assert_eq!(window.chosen(), [13]);
    let far = window.tile(0).center();
    window.frame(vec![Event::PointerMoved(far)]);
    window.still();
    assert!(window.chosen().len() > 6, "{:?}", window.chosen());
    window.frame(vec![Event::PointerMoved(end)]);
    window.still();
    assert_eq!(window.chosen(), [13], "it shrinks again");
    window.mouse(end, false, Modifiers::NONE);
    window.still();
    assert_eq!(window.chosen(), [13]);
}

#[test]
fn chosen_pictures_are_dragged_together_and_another_one_alone() {
    let mut window = Window::with(30);
    window.click(1, Modifiers::NONE);
    window.click(2, Modifiers::COMMAND);
    for (index, expected) in [(1, 2), (5, 1)] {
        let at = window.tile(index).center();
        window.frame(vec![Event::PointerMoved(at)]);
        window.mouse(at, true, Modifiers::NONE);
        window.frame(vec![Event::PointerMoved(at + vec2(30.0, 0.0))]);
        window.still();
        let dragged = egui::DragAndDrop::payload::<DraggedPictures>(&window.ctx).unwrap();
        assert_eq!(dragged.0.len(), expected, "from {index}");
        window.mouse(at, false, Modifiers::NONE);
        window.still();
    }
}

#[test]
fn a_double_click_opens() {
    let mut window = Window::with(3);
    let id = window.gallery.entries()[0].id;
    let at = window.tile(0).center();
    window.frame(vec![Event::PointerMoved(at)]);
    let mut sent = Vec::new();
    for pressed in [true, false, true, false] {
        window.mouse(at, pressed, Modifiers::NONE);
        sent.append(&mut window.commands);
    }
    let open = Command::OpenAsDocument(PictureRef::Gallery(id));
    assert_eq!(sent.iter().filter(|command| **command == open).count(), 1);
}

/// Scrolling to any place touches what is in view there, and uploads a handful.
#[test]
#[expect(clippy::print_stderr, reason = "a measurement, for whoever reads it")]
fn a_hundred_thousand_pictures_cost_what_is_in_view() {
    let mut window = Window::with(100_000);
    let (few, n_in_view) = (Window::with(200).in_view().len(), window.in_view().len());
    assert_eq!(few, n_in_view, "as with two hundred");
    window
        .textures
        .set_averages(averages(window.gallery.entries()));
    let mut ui_milliseconds = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for frame in 0..600 {
        // Slowly, fast, and by leaps.
        match frame % 3 {
            0 => window.scroll(40.0),
            1 => window.scroll(3_000.0),
            _ => {
                let offset = f64::from(frame) * 7_919.0 % 2_000_000.0;
                window.panel.place.set_offset(offset);
                window.still();
            }
        }
        assert!(
            window.n_uploads <= UPLOADS_PER_FRAME,
            "{}",
            window.n_uploads
        );
        assert!(window.n_unknown <= window.in_view().len());
        assert!(window.in_view().len() <= n_in_view + 14);
        let missing = window.textures.take_missing();
        assert!(missing.len() <= 3 * n_in_view, "{}", missing.len());
        seen.extend(window.in_view());
        // What the gallery would bring by then.
        for (picture, detail) in missing.into_iter().take(12) {
            let pixels = egui::ColorImage::filled([128, 128], egui::Color32::GREEN);
            window.textures.arrived((picture, detail), Ok(pixels));
        }
        ui_milliseconds.push(window.ui_milliseconds);
    }
    assert!(seen.len() > 10_000, "it went far: {}", seen.len());
    ui_milliseconds.sort_by(f64::total_cmp);
    eprintln!(
        "CPU of a frame of 100,000 pictures: median {:.2} ms, p99 {:.2} ms",
        ui_milliseconds[300], ui_milliseconds[594]
    );
}

/// No tile is ever grey while averages are known: not even in the first frame after a leap.
#[test]
fn a_leap_shows_averages_at_once() {
    let mut window = Window::with(100_000);
    window
        .textures
        .set_averages(averages(window.gallery.entries()));
    for offset in [0.0, 900_000.0, 12_345.0, 1_500_000.0] {
        window.panel.place.set_offset(offset);
        window.still();
        let gallery = &window.gallery;
        for index in window.in_view() {
            let id_at = |index: usize| gallery.entries().get(index).map(|entry| entry.id);
            let at = (index, gallery.entries()[index].id);
            let part = window
                .textures
                .average(&window.ctx, gallery.list(), at, id_at);
            assert!(part.is_some(), "{index} at {offset}");
        }
        assert!(window.n_uploads <= 3, "{}", window.n_uploads);
    }
}

#[test]
fn the_place_is_kept_when_tiles_change_size_and_pictures_come() {
    let mut window = Window::with(10_000);
    window.panel.place.set_offset(50_000.0);
    window.still();
    let first = window.gallery.entries()[window.in_view().start].id;
    window.settings.gallery.tile_side = 90.0;
    window.still();
    let row = |window: &Window| {
        let start = window.in_view().start;
        window.gallery.entries()[start..start + window.panel.place.n_columns()].to_vec()
    };
    assert!(row(&window).iter().any(|entry| entry.id == first));
    let offset = window.panel.place.offset();
    // Three hundred newer ones: what is looked at stays, to the point.
    let top = window.tile(window.gallery.position(first).unwrap()).top();
    window.gallery.listed(entries(10_300));
    window.still();
    assert!(row(&window).iter().any(|entry| entry.id == first));
    let now = window.tile(window.gallery.position(first).unwrap()).top();
    assert!((now - top).abs() <= 1.0 || window.panel.place.offset() > offset);
    // At the top the newest one comes into view.
    window.panel.place.set_offset(0.0);
    window.still();
    window.gallery.listed(entries(10_301));
    window.still();
    assert_eq!(window.in_view().start, 0);
}

#[test]
fn groups_hold_only_in_the_order_of_time() {
    let mut window = Window::with(100);
    window.gallery.grouping = Grouping::Run;
    window.still();
    assert_eq!(window.panel.place.n_sections(), 25);
    window.gallery.query.sort = Sort::Name;
    window.still();
    assert_eq!(window.panel.place.n_sections(), 1);
}

#[test]
fn the_keyboard_moves_by_rows_of_the_grid_and_scrolls_along() {
    let mut window = Window::with(1_000);
    let n_columns = window.panel.place.n_columns();
    let step = |window: &mut Window, step| {
        let from = window.gallery.selection.cursor();
        let to = window.panel.step(Place::Gallery, from, step).unwrap();
        window.gallery.choose_at(to, Choose::Only);
        window.panel.reveal(to);
        window.still();
        assert!(window.in_view().contains(&to), "{to} is in view");
        to
    };
    assert_eq!(
        step(&mut window, Step::Right),
        0,
        "it begins where one looks"
    );
    assert_eq!(step(&mut window, Step::Down), n_columns);
    assert_eq!(step(&mut window, Step::Last), 999);
    let page = step(&mut window, Step::PageUp);
    assert!((999 - page).is_multiple_of(n_columns) && page < 999 - n_columns);
    assert_eq!(step(&mut window, Step::First), 0);
}
