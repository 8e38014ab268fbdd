//! Every colour, size and font of the window. Nothing else names a colour.

mod contrast;
mod fallback;
mod style;

use egui::epaint::text::FontFamily;
use egui::{Color32, FontId};

use crate::settings::MaskColour;
pub use contrast::contrast;
pub use fallback::install as install_fallback_fonts;
pub use style::install;

/// One set of colours. The two themes differ in nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    pub is_dark: bool,
    /// The window itself.
    pub bg0: Color32,
    /// Bars and panels.
    pub bg1: Color32,
    /// Fields and buttons.
    pub bg2: Color32,
    /// Hover, and the selected tab.
    pub bg3: Color32,
    /// Hair lines between areas.
    pub line: Color32,
    /// The outline of a control.
    pub border: Color32,
    /// Behind the picture.
    pub canvas: Color32,
    pub text: Color32,
    pub text2: Color32,
    pub text3: Color32,
    pub accent: Color32,
    pub accent_hover: Color32,
    pub accent_pressed: Color32,
    pub on_accent: Color32,
    /// The chosen tool, with `on_tool` on it.
    pub tool: Color32,
    pub on_tool: Color32,
    /// Links, and text in the accent's hue on bars and fields.
    pub accent_text: Color32,
    pub ok: Color32,
    pub warn: Color32,
    pub error: Color32,
    /// Behind an error's text.
    pub error_bg: Color32,
    /// Floats over the canvas: the zoom chip.
    pub float: Color32,
    /// The caps of key hints.
    pub cap: Color32,
    pub selection: Color32,
    pub shadow: Color32,
    /// The two squares under transparency.
    pub checker: [Color32; 2],
    /// A slider's handle, and the line round it that sets it off from bars.
    pub handle: Color32,
    pub handle_line: Color32,
    /// A progress bar on a picture, and its groove, which a white picture does not swallow.
    pub bar: Color32,
    pub groove: Color32,
    /// Veils what is under a sheet.
    pub veil: Color32,
    /// Over what a crop would hide of a picture.
    pub left_out: Color32,
    /// Lines over pictures, which may have any colour: light ones on dark ones.
    pub outline_light: Color32,
    pub outline_dark: Color32,
    /// The context box, what it stands on, and its words in their chip.
    pub box_line: Color32,
    pub box_ground: Color32,
    pub chip: Color32,
    pub chip_text: Color32,
}

/// What masks can be tinted with, the usual colour first: far from each other, for pictures of any colour.
pub const MASK_COLOURS: [(&str, [u8; 3]); 6] = [
    ("Red", [0xff, 0x4d, 0x6d]),
    ("Orange", [0xff, 0x9f, 0x1c]),
    ("Green", [0x2e, 0xd5, 0x73]),
    ("Cyan", [0x18, 0xdc, 0xff]),
    ("Blue", [0x5b, 0x6b, 0xff]),
    ("Violet", [0xd9, 0x5b, 0xff]),
];

/// Over what a mask covers: 42 % of its colour. Its outline is light on dark whatever the colour, so that the edge is
/// seen on any picture.
pub fn mask_tint(colour: MaskColour) -> Color32 {
    let [red, green, blue] = colour.0;
    Color32::from_rgba_unmultiplied(red, green, blue, 107)
}

/// A mark in the mask's colour on bars and panels.
pub fn mask_mark(colour: MaskColour) -> Color32 {
    let [red, green, blue] = colour.0;
    Color32::from_rgb(red, green, blue)
}

pub const DARK: Theme = Theme {
    is_dark: true,
    bg0: rgb(0x12, 0x13, 0x16),
    bg1: rgb(0x1a, 0x1b, 0x1f),
    bg2: rgb(0x23, 0x24, 0x29),
    bg3: rgb(0x2e, 0x30, 0x37),
    line: rgb(0x33, 0x35, 0x3d),
    border: rgb(0x70, 0x74, 0x7f),
    canvas: rgb(0x0c, 0x0d, 0x0f),
    text: rgb(0xec, 0xee, 0xf2),
    text2: rgb(0xa3, 0xa7, 0xb3),
    text3: rgb(0x96, 0x9b, 0xa8),
    accent: rgb(0x7c, 0x8c, 0xff),
    accent_hover: rgb(0x8f, 0x9c, 0xff),
    accent_pressed: rgb(0x64, 0x74, 0xf2),
    on_accent: rgb(0x12, 0x13, 0x16),
    tool: rgb(0x55, 0x66, 0xee),
    on_tool: rgb(0xff, 0xff, 0xff),
    accent_text: rgb(0x9d, 0xa9, 0xff),
    ok: rgb(0x4c, 0xc3, 0x8a),
    warn: rgb(0xf5, 0xa5, 0x24),
    error: rgb(0xff, 0x7a, 0x8f),
    error_bg: rgb(0x2c, 0x1d, 0x22),
    float: Color32::from_rgba_premultiplied(24, 25, 29, 240),
    cap: rgb(0x2e, 0x30, 0x37),
    selection: rgb(0x3b, 0x44, 0x8c),
    shadow: Color32::from_black_alpha(150),
    checker: [rgb(0x2a, 0x2b, 0x30), rgb(0x1f, 0x20, 0x24)],
    handle: rgb(0xff, 0xff, 0xff),
    handle_line: rgb(0x33, 0x35, 0x3d),
    bar: rgb(0xff, 0xff, 0xff),
    groove: Color32::from_black_alpha(190),
    veil: Color32::from_black_alpha(140),
    left_out: Color32::from_black_alpha(160),
    outline_light: rgb(0xff, 0xff, 0xff),
    outline_dark: Color32::from_black_alpha(170),
    box_line: white(200),
    box_ground: Color32::from_black_alpha(90),
    chip: Color32::from_black_alpha(184),
    chip_text: white(224),
};

pub const LIGHT: Theme = Theme {
    is_dark: false,
    bg0: rgb(0xf3, 0xf4, 0xf6),
    bg1: rgb(0xfc, 0xfc, 0xfd),
    bg2: rgb(0xf0, 0xf1, 0xf4),
    bg3: rgb(0xe2, 0xe4, 0xea),
    line: rgb(0xd9, 0xdb, 0xe1),
    border: rgb(0x82, 0x87, 0x94),
    canvas: rgb(0xe4, 0xe6, 0xeb),
    text: rgb(0x16, 0x18, 0x1d),
    text2: rgb(0x48, 0x4d, 0x5a),
    text3: rgb(0x57, 0x5c, 0x69),
    accent: rgb(0x4b, 0x5b, 0xe6),
    accent_hover: rgb(0x3d, 0x4d, 0xd8),
    accent_pressed: rgb(0x33, 0x41, 0xbd),
    on_accent: rgb(0xff, 0xff, 0xff),
    tool: rgb(0x4b, 0x5b, 0xe6),
    on_tool: rgb(0xff, 0xff, 0xff),
    accent_text: rgb(0x3b, 0x4a, 0xcf),
    ok: rgb(0x15, 0x70, 0x48),
    warn: rgb(0x8a, 0x53, 0x00),
    error: rgb(0xb4, 0x23, 0x3c),
    error_bg: rgb(0xfb, 0xec, 0xee),
    float: Color32::from_rgba_premultiplied(244, 244, 245, 246),
    cap: rgb(0xfc, 0xfc, 0xfd),
    selection: rgb(0xc4, 0xcb, 0xff),
    shadow: Color32::from_black_alpha(64),
    checker: [rgb(0xf7, 0xf7, 0xf9), rgb(0xe6, 0xe7, 0xeb)],
    handle: rgb(0xff, 0xff, 0xff),
    handle_line: rgb(0x5c, 0x62, 0x70),
    bar: rgb(0xff, 0xff, 0xff),
    groove: Color32::from_black_alpha(190),
    veil: Color32::from_black_alpha(70),
    left_out: Color32::from_black_alpha(160),
    outline_light: rgb(0xff, 0xff, 0xff),
    outline_dark: Color32::from_black_alpha(170),
    box_line: white(200),
    box_ground: Color32::from_black_alpha(90),
    chip: Color32::from_black_alpha(184),
    chip_text: white(224),
};

/// Radius of fields and buttons.
pub const RADIUS: u8 = 8;
/// Radius of cards: the prompt, popovers, sheets.
pub const RADIUS_CARD: u8 = 12;
/// Below this width, in points, bars and panels fold: icons in place of words, the side panel behind its tabs.
pub const NARROW_WINDOW: f32 = 1120.0;
pub const TOP_BAR_HEIGHT: f32 = 48.0;
pub const TOOL_STRIP_WIDTH: f32 = 52.0;
pub const SIDE_PANEL_WIDTH: f32 = 344.0;
/// Of the side panel where it is folded to its tabs, and where it is open in a narrow window.
pub const SIDE_TABS_WIDTH: f32 = 52.0;
pub const NARROW_SIDE_PANEL_WIDTH: f32 = 308.0;
pub const PROMPT_BAR_HEIGHT: f32 = 132.0;
pub const ICON: f32 = 19.0;

/// The theme that `ui` is drawn in.
pub fn of(ui: &egui::Ui) -> &'static Theme {
    of_ctx(ui.ctx())
}

pub fn of_ctx(ctx: &egui::Context) -> &'static Theme {
    match ctx.theme() {
        egui::Theme::Dark => &DARK,
        egui::Theme::Light => &LIGHT,
    }
}

/// The smallest window in which everything has a place, in points.
pub const LEAST_WINDOW: egui::Vec2 = egui::vec2(900.0, 600.0);

/// Whether the window has no room for everything side by side.
pub fn is_narrow(ctx: &egui::Context) -> bool {
    ctx.content_rect().width() < NARROW_WINDOW
}

/// Text, 13 px.
pub fn body() -> FontId {
    FontId::new(13.0, FontFamily::Proportional)
}

/// Labels, 12 px.
pub fn label() -> FontId {
    FontId::new(12.0, FontFamily::Proportional)
}

/// Labels of buttons, 12 px.
pub fn label_medium() -> FontId {
    FontId::new(12.0, medium())
}

pub fn label_semibold() -> FontId {
    FontId::new(12.0, semibold())
}

/// Key hints and captions, 11 px.
pub fn caption() -> FontId {
    FontId::new(11.0, FontFamily::Proportional)
}

/// Tabs.
pub fn body_medium() -> FontId {
    FontId::new(13.0, medium())
}

/// The prompt, 15 px.
pub fn prompt() -> FontId {
    FontId::new(15.0, FontFamily::Proportional)
}

pub fn title() -> FontId {
    FontId::new(15.0, semibold())
}

pub fn heading() -> FontId {
    FontId::new(20.0, semibold())
}

fn medium() -> FontFamily {
    FontFamily::Name("medium".into())
}

fn semibold() -> FontFamily {
    FontFamily::Name("semibold".into())
}

/// Says that the window is drawn in software: every frame then costs time that the engine could use, so
/// nothing moves that need not. Call before [`install`].
pub fn draw_sparingly(ctx: &egui::Context) {
    ctx.data_mut(|data| data.insert_temp(sparing_id(), true));
}

pub fn is_sparing(ctx: &egui::Context) -> bool {
    ctx.data(|data| data.get_temp(sparing_id()))
        .unwrap_or(false)
}

fn sparing_id() -> egui::Id {
    egui::Id::unique("drawn in software")
}

const fn rgb(red: u8, green: u8, blue: u8) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

const fn white(alpha: u8) -> Color32 {
    Color32::from_rgba_premultiplied(alpha, alpha, alpha, alpha)
}
