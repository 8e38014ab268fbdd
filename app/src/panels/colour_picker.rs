//! A colour: a field of its shades, a strip of hues, and its number as designers write it.

use egui::{
    Color32, EventFilter, Id, Key, Mesh, Pos2, Rect, RectAlign, Response, Role, Sense, Shape,
    Stroke, StrokeKind, TextEdit, Ui, Vec2, WidgetInfo, ecolor, lerp, pos2, vec2,
};

use crate::theme;
use crate::widgets;

const WIDTH: f32 = 208.0;
const SHADES_HEIGHT: f32 = 132.0;
const HUES_HEIGHT: f32 = 14.0;
/// Between colours of the field that are exact.
const N_SHADES: u32 = 16;
const N_HUES: u32 = 24;
/// By an arrow key.
const STEP: f32 = 0.02;

/// Hue, saturation and value, 0..=1 each, in the space that colours are numbered in.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Hsv {
    hue: f32,
    saturation: f32,
    value: f32,
}

impl Hsv {
    fn of([red, green, blue]: [u8; 3]) -> Self {
        let part = |byte: u8| f32::from(byte) / 255.0;
        let (hue, saturation, value) = ecolor::hsv_from_rgb([part(red), part(green), part(blue)]);
        Self {
            hue,
            saturation,
            value,
        }
    }

    fn rgb(self) -> [u8; 3] {
        let parts = ecolor::rgb_from_hsv((self.hue, self.saturation, self.value));
        parts.map(|part| (part * 255.0).round() as u8)
    }

    fn colour(self) -> Color32 {
        let [red, green, blue] = self.rgb();
        Color32::from_rgb(red, green, blue)
    }
}

/// A button in the colour, which opens the rest. Marked as changed when the colour is another.
pub fn colour_button(ui: &mut Ui, colour: &mut [u8; 3], label: &str) -> Response {
    let theme = theme::of(ui);
    let (rect, mut button) = ui.allocate_exact_size(vec2(30.0, 20.0), Sense::click());
    let said = format!("{label}: {}", number(*colour));
    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &said));
    let [red, green, blue] = *colour;
    let line = if button.hovered() {
        theme.text
    } else {
        theme.border
    };
    ui.painter()
        .rect_filled(rect, 5, Color32::from_rgb(red, green, blue));
    ui.painter()
        .rect_stroke(rect, 5, Stroke::new(1.0, line), StrokeKind::Inside);
    widgets::focus_ring(ui, &button, rect, 5);
    button = button.on_hover_text(label);
    let before = *colour;
    let id = button.id.with("colour");
    widgets::popover(&button, RectAlign::BOTTOM_START, WIDTH, |ui| {
        picker_ui(ui, id, colour, label);
    });
    if *colour != before {
        button.mark_changed();
    }
    button
}

fn picker_ui(ui: &mut Ui, id: Id, colour: &mut [u8; 3], label: &str) {
    // A grey has no hue, and black neither: the ones that were chosen stay, as long as the colour does.
    let known = ui.data(|data| data.get_temp::<Hsv>(id));
    let before = known
        .filter(|known| known.rgb() == *colour)
        .unwrap_or_else(|| Hsv::of(*colour));
    let mut now = before;
    ui.spacing_mut().item_spacing.y = 8.0;
    shades_ui(ui, &mut now, label);
    hues_ui(ui, &mut now, label);
    if now != before {
        *colour = now.rgb();
    }
    number_ui(ui, id.with("number"), colour, label);
    if *colour != now.rgb() {
        now = Hsv::of(*colour);
    }
    ui.data_mut(|data| data.insert_temp(id, now));
}

/// Saturation to the right, value upwards.
fn shades_ui(ui: &mut Ui, hsv: &mut Hsv, label: &str) {
    let (rect, response) =
        ui.allocate_exact_size(vec2(WIDTH, SHADES_HEIGHT), Sense::click_and_drag());
    let label = format!("{label}: shade");
    response.widget_info(|| WidgetInfo::labeled(Role::ColorWell, true, &label));
    let moved = moved(ui, &response, rect);
    if let Some(at) = moved.pointer {
        (hsv.saturation, hsv.value) = (at.x, 1.0 - at.y);
    }
    hsv.saturation = (hsv.saturation + moved.keys.x).clamp(0.0, 1.0);
    hsv.value = (hsv.value - moved.keys.y).clamp(0.0, 1.0);
    let shade = |x: f32, y: f32| Hsv {
        saturation: x,
        value: 1.0 - y,
        ..*hsv
    };
    ui.painter().add(field(rect, (N_SHADES, N_SHADES), |x, y| {
        shade(x, y).colour()
    }));
    let at = pos2(
        lerp(rect.x_range(), hsv.saturation),
        lerp(rect.y_range(), 1.0 - hsv.value),
    );
    mark(ui, at, hsv.colour());
    widgets::focus_ring(ui, &response, rect, 2);
}

fn hues_ui(ui: &mut Ui, hsv: &mut Hsv, label: &str) {
    let (rect, response) =
        ui.allocate_exact_size(vec2(WIDTH, HUES_HEIGHT), Sense::click_and_drag());
    let label = format!("{label}: hue");
    let degrees = f64::from(hsv.hue * 360.0).round();
    response.widget_info(|| WidgetInfo::slider(true, degrees, &label));
    let moved = moved(ui, &response, rect);
    if let Some(at) = moved.pointer {
        hsv.hue = at.x;
    }
    hsv.hue = (hsv.hue + moved.keys.x).clamp(0.0, 1.0);
    let full = |hue: f32| Hsv {
        hue,
        saturation: 1.0,
        value: 1.0,
    };
    ui.painter()
        .add(field(rect, (N_HUES, 1), |x, _| full(x).colour()));
    let at = pos2(lerp(rect.x_range(), hsv.hue), rect.center().y);
    mark(ui, at, full(hsv.hue).colour());
    widgets::focus_ring(ui, &response, rect, 2);
}

/// `#RRGGBB`, to be read and written.
fn number_ui(ui: &mut Ui, id: Id, colour: &mut [u8; 3], label: &str) {
    let is_written = ui.memory(|memory| memory.has_focus(id));
    let written = ui.data(|data| data.get_temp::<String>(id));
    let mut text = written
        .filter(|_| is_written)
        .unwrap_or_else(|| number(*colour));
    let field = TextEdit::singleline(&mut text)
        .id(id)
        .char_limit(7)
        .desired_width(WIDTH);
    let response = ui.add(field);
    widgets::name_text_field(&response, &format!("{label} as #RRGGBB"), &text);
    if response.changed()
        && let Some(read) = read_number(&text)
    {
        *colour = read;
    }
    ui.data_mut(|data| data.insert_temp(id, text));
}

/// What a drag and the arrow keys say of a place in a field.
struct Moved {
    /// From the upper left corner to the lower right, 0..=1.
    pointer: Option<Vec2>,
    keys: Vec2,
}

fn moved(ui: &Ui, response: &Response, rect: Rect) -> Moved {
    if response.clicked() || response.drag_started() {
        response.request_focus();
    }
    let keys = if response.has_focus() {
        let filter = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        ui.input(|input| {
            let n = |key: Key| input.num_presses(key) as f32;
            STEP * vec2(
                n(Key::ArrowRight) - n(Key::ArrowLeft),
                n(Key::ArrowDown) - n(Key::ArrowUp),
            )
        })
    } else {
        Vec2::ZERO
    };
    let pointer = response.interact_pointer_pos();
    let pointer = pointer.map(|at| ((at - rect.min) / rect.size()).clamp(Vec2::ZERO, Vec2::ONE));
    Moved { pointer, keys }
}

/// Colours over a rectangle, exact at so many places across and down and blended between.
fn field(rect: Rect, (n_x, n_y): (u32, u32), colour: impl Fn(f32, f32) -> Color32) -> Shape {
    let mut mesh = Mesh::default();
    for row in 0..=n_y {
        for column in 0..=n_x {
            let (x, y) = (column as f32 / n_x as f32, row as f32 / n_y as f32);
            let at = pos2(lerp(rect.x_range(), x), lerp(rect.y_range(), y));
            mesh.colored_vertex(at, colour(x, y));
            if row < n_y && column < n_x {
                let here = row * (n_x + 1) + column;
                let below = here + n_x + 1;
                mesh.add_triangle(here, here + 1, below);
                mesh.add_triangle(here + 1, below, below + 1);
            }
        }
    }
    Shape::mesh(mesh)
}

/// Where the colour lies.
fn mark(ui: &Ui, at: Pos2, fill: Color32) {
    let theme = theme::of(ui);
    let painter = ui.painter();
    painter.circle(at, 6.0, fill, Stroke::new(3.0, theme.outline_dark));
    painter.circle_stroke(at, 6.0, Stroke::new(1.5, theme.outline_light));
}

fn number([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// Six digits or three, with or without `#`.
fn read_number(text: &str) -> Option<[u8; 3]> {
    let digits = text.trim().trim_start_matches('#');
    if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = value.to_be_bytes();
    match digits.len() {
        6 => Some([red, green, blue]),
        3 => Some([8, 4, 0].map(|shift| 0x11 * ((value >> shift) & 0xF) as u8)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_numbered_as_designers_write_them() {
        for (text, colour) in [
            ("#FF8000", Some([255, 128, 0])),
            ("ff8000", Some([255, 128, 0])),
            (" #f80", Some([255, 136, 0])),
            ("#ff80", None),
            ("#gg0000", None),
            ("", None),
            ("+ff800", None),
        ] {
            assert_eq!(read_number(text), colour, "{text}");
        }
        assert_eq!(number([255, 128, 0]), "#FF8000");
    }

    #[test]
    fn every_colour_has_a_place_in_the_field_and_comes_back() {
        for red in (0..=255).step_by(5) {
            for green in (0..=255).step_by(15) {
                for blue in [0, 1, 77, 128, 254, 255] {
                    let colour = [red, green, blue];
                    assert_eq!(Hsv::of(colour).rgb(), colour);
                }
            }
        }
    }
}
