//! Every colour, size and font of the window. Nothing else names a colour.

use std::sync::Arc;

use egui::epaint::FontColorTransferFunction;
use egui::epaint::text::{FontData, FontDefinitions, FontFamily};
use egui::{Color32, CornerRadius, FontId, Margin, Shadow, Stroke, Style, TextStyle, Visuals};

use crate::settings::MaskColour;

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
    /// A progress bar on a picture, and its groove.
    pub bar: Color32,
    pub groove: Color32,
    /// Veils what is under a sheet.
    pub veil: Color32,
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
    bar: rgb(0xff, 0xff, 0xff),
    groove: Color32::from_black_alpha(136),
    veil: Color32::from_black_alpha(140),
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
    bar: rgb(0xff, 0xff, 0xff),
    groove: Color32::from_black_alpha(136),
    veil: Color32::from_black_alpha(70),
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
pub const TOP_BAR_HEIGHT: f32 = 48.0;
pub const TOOL_STRIP_WIDTH: f32 = 52.0;
pub const SIDE_PANEL_WIDTH: f32 = 344.0;
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

/// Sets fonts and both themes; cheap enough for before the first frame.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.set_style_of(egui::Theme::Dark, style(&DARK));
    ctx.set_style_of(egui::Theme::Light, style(&LIGHT));
    if is_sparing(ctx) {
        ctx.all_styles_mut(|style| {
            style.animation_time = 0.0;
            style.visuals.text_cursor.blink = false;
        });
    }
    ctx.options_mut(|options| {
        // The interface's scale has its own setting; Ctrl and plus zoom the picture.
        options.zoom_with_keyboard = false;
    });
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let fallbacks = fonts.families[&FontFamily::Proportional].clone();
    for (name, family, bytes) in [
        (
            "Inter",
            FontFamily::Proportional,
            include_bytes!("../../assets/fonts/Inter-Regular.ttf").as_slice(),
        ),
        (
            "Inter Medium",
            medium(),
            include_bytes!("../../assets/fonts/Inter-Medium.ttf").as_slice(),
        ),
        (
            "Inter SemiBold",
            semibold(),
            include_bytes!("../../assets/fonts/Inter-SemiBold.ttf").as_slice(),
        ),
    ] {
        fonts
            .font_data
            .insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
        let mut chain = vec![name.to_owned()];
        chain.extend(fallbacks.iter().cloned());
        fonts.families.insert(family, chain);
    }
    fonts
}

fn style(theme: &Theme) -> Style {
    let mut style = Style {
        visuals: visuals(theme),
        text_styles: [
            (TextStyle::Small, label()),
            (TextStyle::Body, body()),
            (TextStyle::Button, label_medium()),
            (TextStyle::Heading, title()),
            (
                TextStyle::Monospace,
                FontId::new(12.0, FontFamily::Monospace),
            ),
        ]
        .into(),
        animation_time: 0.12,
        ..Style::default()
    };
    let spacing = &mut style.spacing;
    spacing.item_spacing = egui::vec2(8.0, 8.0);
    spacing.button_padding = egui::vec2(10.0, 6.0);
    spacing.interact_size = egui::vec2(32.0, 28.0);
    spacing.menu_margin = Margin::same(12);
    spacing.window_margin = Margin::same(16);
    spacing.slider_rail_height = 4.0;
    spacing.slider_width = 120.0;
    spacing.tooltip_width = 320.0;
    spacing.scroll = egui::style::ScrollStyle {
        bar_width: 6.0,
        ..egui::style::ScrollStyle::thin()
    };
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.35;
    style
}

fn visuals(theme: &Theme) -> Visuals {
    let mut visuals = if theme.is_dark {
        Visuals::dark()
    } else {
        Visuals::light()
    };
    let radius = CornerRadius::same(RADIUS);
    if theme.is_dark {
        // egui's own curve makes Inter's regular weight look bold on dark ground.
        visuals.text_options.color_transfer_function = FontColorTransferFunction::Gamma(0.75);
    }
    visuals.panel_fill = theme.bg1;
    visuals.window_fill = theme.bg1;
    visuals.window_stroke = Stroke::new(1.0, theme.line);
    visuals.window_corner_radius = CornerRadius::same(RADIUS_CARD);
    visuals.menu_corner_radius = CornerRadius::same(RADIUS_CARD);
    visuals.extreme_bg_color = theme.bg2;
    visuals.text_edit_bg_color = Some(theme.bg2);
    visuals.faint_bg_color = theme.bg2;
    visuals.weak_text_color = Some(theme.text3);
    visuals.hyperlink_color = theme.accent_text;
    visuals.warn_fg_color = theme.warn;
    visuals.error_fg_color = theme.error;
    visuals.selection.bg_fill = theme.selection;
    // The colour of selected text, and the outline of a field with the focus.
    visuals.selection.stroke = Stroke::new(1.0, theme.text);
    visuals.text_cursor.stroke = Stroke::new(1.5, theme.accent);
    visuals.popup_shadow = Shadow {
        offset: [0, 6],
        blur: 24,
        spread: 0,
        color: theme.shadow,
    };
    visuals.window_shadow = Shadow {
        offset: [0, 12],
        blur: 48,
        spread: 0,
        color: theme.shadow,
    };
    visuals.slider_trailing_fill = true;
    visuals.interact_cursor = Some(egui::CursorIcon::PointingHand);
    let widget = |fill: Color32, outline: Color32, text: Color32| egui::style::WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, outline),
        corner_radius: radius,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    visuals.widgets.noninteractive = widget(theme.bg1, theme.line, theme.text);
    visuals.widgets.inactive = widget(theme.bg2, theme.line, theme.text);
    visuals.widgets.hovered = widget(theme.bg3, theme.border, theme.text);
    visuals.widgets.active = widget(theme.bg3, theme.accent, theme.text);
    visuals.widgets.open = widget(theme.bg3, theme.border, theme.text);
    visuals
}

const fn rgb(red: u8, green: u8, blue: u8) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

const fn white(alpha: u8) -> Color32 {
    Color32::from_rgba_premultiplied(alpha, alpha, alpha, alpha)
}

/// WCAG 2.2 contrast of two opaque colours, from 1 to 21.
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let (a, b) = (relative_luminance(a), relative_luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn relative_luminance(colour: Color32) -> f32 {
    let channel = |byte: u8| {
        let c = f32::from(byte) / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(colour.r()) + 0.7152 * channel(colour.g()) + 0.0722 * channel(colour.b())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text on everything it is drawn on reads at 4.5:1; a control's outline at 3:1.
    #[test]
    fn every_pair_of_text_and_ground_has_enough_contrast() {
        for theme in [&DARK, &LIGHT] {
            for (name, text, grounds) in [
                (
                    "text",
                    theme.text,
                    vec![
                        theme.bg0,
                        theme.bg1,
                        theme.bg2,
                        theme.bg3,
                        theme.canvas,
                        theme.cap,
                        theme.error_bg,
                    ],
                ),
                (
                    "text2",
                    theme.text2,
                    vec![
                        theme.bg0,
                        theme.bg1,
                        theme.bg2,
                        theme.bg3,
                        theme.canvas,
                        theme.cap,
                        theme.error_bg,
                    ],
                ),
                (
                    "text3",
                    theme.text3,
                    vec![theme.bg0, theme.bg1, theme.bg2, theme.canvas],
                ),
                (
                    "accent text",
                    theme.accent_text,
                    vec![theme.bg0, theme.bg1, theme.bg2, theme.canvas],
                ),
                ("ok", theme.ok, vec![theme.bg1, theme.bg2]),
                ("warn", theme.warn, vec![theme.bg1, theme.bg2, theme.canvas]),
                (
                    "error",
                    theme.error,
                    vec![theme.bg1, theme.bg2, theme.error_bg, theme.canvas],
                ),
                (
                    "on accent",
                    theme.on_accent,
                    vec![theme.accent, theme.accent_hover, theme.accent_pressed],
                ),
                ("on tool", theme.on_tool, vec![theme.tool]),
                ("selected text", theme.text, vec![theme.selection]),
            ] {
                for ground in grounds {
                    let ratio = contrast(text, ground);
                    assert!(
                        ratio >= 4.5,
                        "{name} {text:?} on {ground:?}: {ratio:.2} (dark: {})",
                        theme.is_dark
                    );
                }
            }
            for ground in [theme.bg1, theme.bg2] {
                assert!(contrast(theme.border, ground) >= 3.0, "{ground:?}");
            }
        }
    }

    #[test]
    fn contrast_of_black_and_white_is_21() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-3);
        assert!((contrast(Color32::GRAY, Color32::GRAY) - 1.0).abs() < 1e-6);
    }
}
