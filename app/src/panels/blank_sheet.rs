//! Asks how large a blank canvas is to be, and of which colour.

use egui::{
    Align, Align2, DragValue, Id, Key, Layout, Modal, Rect, Role, Sense, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo, vec2,
};

use crate::command::Command;
use crate::icons::Icon;
use crate::panels::colour_picker::colour_button;
use crate::scene::Scene;
use crate::session::BlankCanvas;
use crate::theme;
use crate::widgets::{self, Loudness};

const WIDTH: f32 = 528.0;
const N_COLUMNS: usize = 4;
const CARD_HEIGHT: f32 = 92.0;

/// Sizes that people ask for by name.
const PRESETS: [(&str, (u32, u32)); 7] = [
    ("Square", (1024, 1024)),
    ("Landscape", (1536, 1024)),
    ("Portrait", (1024, 1536)),
    ("Wide 16:9", (1920, 1080)),
    ("Story 9:16", (1080, 1920)),
    ("A4, 150 dpi", (1240, 1754)),
    ("Large", (2048, 2048)),
];

/// What is asked for, from one time to the next.
#[derive(Debug)]
pub struct BlankSheet {
    pub is_open: bool,
    /// Until a size was chosen it is the model's own.
    is_chosen: bool,
    canvas: BlankCanvas,
    /// Of the user's own; shown though white or black is chosen.
    colour: [u8; 3],
}

impl Default for BlankSheet {
    fn default() -> Self {
        Self {
            is_open: false,
            is_chosen: false,
            canvas: BlankCanvas {
                size: PRESETS[0].1,
                background: Some(WHITE),
            },
            colour: [0x3b, 0x6e, 0xa8],
        }
    }
}

const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];

pub fn blank_sheet_ui(ui: &Ui, scene: &mut Scene<'_>, sheet: &mut BlankSheet) {
    if !sheet.is_open {
        return;
    }
    let theme = theme::of(ui);
    let modal = Modal::new(Id::unique("blank canvas"))
        .backdrop_color(theme.veil)
        .frame(egui::Frame::popup(ui.style()).inner_margin(20));
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 64.0));
        ui.spacing_mut().item_spacing = vec2(8.0, 10.0);
        let heading = egui::RichText::new("Blank canvas").font(theme::title());
        ui.label(heading.color(theme.text));
        presets_ui(ui, scene, sheet);
        ui.add_space(2.0);
        sides_ui(ui, sheet);
        background_ui(ui, sheet);
        ui.add_space(4.0);
        buttons_ui(ui)
    });
    let is_done = match shown.inner {
        Some(makes) => {
            if makes {
                scene.send(Command::NewCanvas(sheet.canvas));
            }
            true
        }
        None => shown.backdrop_response.clicked(),
    };
    sheet.is_open = !is_done;
}

fn presets_ui(ui: &mut Ui, scene: &Scene<'_>, sheet: &mut BlankSheet) {
    let model = scene.session.current_model();
    let own = model.map(|model| (format!("{}’s own", model.name), model.default_size));
    if let Some((_, size)) = own.as_ref().filter(|_| !sheet.is_chosen) {
        sheet.canvas.size = *size;
    }
    let named = PRESETS.map(|(name, size)| (name.to_owned(), size));
    let presets: Vec<(String, (u32, u32))> = own.into_iter().chain(named).collect();
    // Of two of one size the first is the one.
    let chosen = presets
        .iter()
        .position(|(_, size)| sheet.canvas.size == *size);
    let gaps = ui.spacing().item_spacing.x * (N_COLUMNS - 1) as f32;
    let width = ((ui.available_width() - gaps) / N_COLUMNS as f32).floor();
    for (row, in_row) in presets.chunks(N_COLUMNS).enumerate() {
        ui.horizontal(|ui| {
            for (column, (name, size)) in in_row.iter().enumerate() {
                let is_chosen = chosen == Some(row * N_COLUMNS + column);
                if preset_ui(ui, name, *size, is_chosen, width) {
                    sheet.canvas.size = *size;
                    sheet.is_chosen = true;
                }
            }
        });
    }
}

/// The shape, its name and its size.
fn preset_ui(ui: &mut Ui, name: &str, size: (u32, u32), is_chosen: bool, width: f32) -> bool {
    const SHAPE: Vec2 = vec2(46.0, 32.0);
    let theme = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, CARD_HEIGHT), Sense::click());
    let words = format!("{} × {}", size.0, size.1);
    let label = format!("{name}, {words}");
    response.widget_info(|| {
        WidgetInfo::selected(Role::RadioButton, true, is_chosen, widgets::shown(&label))
    });
    let (fill, outline) = match (is_chosen, response.hovered()) {
        (true, _) => (theme.bg3, theme.accent),
        (false, true) => (theme.bg3, theme.border),
        (false, false) => (theme.bg2, theme.line),
    };
    let stroke = Stroke::new(if is_chosen { 1.5 } else { 1.0 }, outline);
    ui.painter()
        .rect(rect, 10, fill, stroke, StrokeKind::Inside);
    let scale = (SHAPE.x / size.0 as f32).min(SHAPE.y / size.1 as f32);
    let shape = vec2(size.0 as f32, size.1 as f32) * scale;
    let shape = Rect::from_center_size(rect.center_top() + vec2(0.0, 28.0), shape);
    let line = Stroke::new(1.5, if is_chosen { theme.text } else { theme.text2 });
    ui.painter().rect_stroke(shape, 2, line, StrokeKind::Inside);
    for (text, font, colour, y) in [
        (name, theme::label_medium(), theme.text, 58.0),
        (&words, theme::caption(), theme.text2, 75.0),
    ] {
        let job = widgets::clipped(text, font, colour, width - 12.0);
        let galley = ui.painter().layout_job(job);
        let centre = rect.center_top() + vec2(0.0, y);
        let at = Align2::CENTER_CENTER.anchor_size(centre, galley.size());
        ui.painter().galley(at.min, galley, colour);
    }
    widgets::focus_ring(ui, &response, rect, 10);
    response.clicked()
}

fn sides_ui(ui: &mut Ui, sheet: &mut BlankSheet) {
    let before = sheet.canvas.size;
    let (width, height) = &mut sheet.canvas.size;
    ui.horizontal(|ui| {
        name_ui(ui, "Size");
        for (value, name) in [(&mut *width, "Width in px"), (&mut *height, "Height in px")] {
            let number = DragValue::new(value)
                .range(BlankCanvas::SIDES)
                .speed(4.0)
                .suffix(" px");
            ui.add_sized(vec2(92.0, 28.0), number).accessible_name(name);
            if name.starts_with('W') {
                ui.label(egui::RichText::new("×").color(theme::of(ui).text2));
            }
        }
        if widgets::icon_button(ui, Icon::Again, "Exchange width and height", 28.0).clicked() {
            std::mem::swap(width, height);
        }
    });
    sheet.is_chosen |= sheet.canvas.size != before;
}

fn background_ui(ui: &mut Ui, sheet: &mut BlankSheet) {
    let chosen = sheet.canvas.background;
    let is_own = chosen.is_some_and(|colour| colour != WHITE && colour != BLACK);
    ui.horizontal(|ui| {
        name_ui(ui, "Background");
        ui.spacing_mut().item_spacing.x = 4.0;
        for (name, background) in [
            ("White", Some(WHITE)),
            ("Black", Some(BLACK)),
            ("Transparent", None),
        ] {
            if widgets::tab(ui, name, chosen == background).clicked() {
                sheet.canvas.background = background;
            }
        }
        if widgets::tab(ui, "Colour", is_own).clicked() {
            sheet.canvas.background = Some(sheet.colour);
        }
        if colour_button(ui, &mut sheet.colour, "Colour of the canvas").changed() {
            sheet.canvas.background = Some(sheet.colour);
        }
    });
}

fn name_ui(ui: &mut Ui, name: &str) {
    let colour = theme::of(ui).text2;
    let (rect, _) = ui.allocate_exact_size(vec2(84.0, 28.0), Sense::hover());
    let font = theme::body();
    ui.painter()
        .text(rect.left_center(), Align2::LEFT_CENTER, name, font, colour);
}

/// Whether it is to be made, once that is said.
fn buttons_ui(ui: &mut Ui) -> Option<bool> {
    let mut answer = ui
        .input(|input| input.key_pressed(Key::Enter))
        .then_some(true);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if widgets::button(ui, "Create", Loudness::Primary, Some(96.0)).clicked() {
            answer = Some(true);
        }
        if widgets::button(ui, "Cancel", Loudness::Quiet, None).clicked() {
            answer = Some(false);
        }
    });
    answer
}
