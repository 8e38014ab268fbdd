//! egui's own widgets in our colours and fonts.

use std::sync::Arc;

use egui::epaint::FontColorTransferFunction;
use egui::epaint::text::{FontData, FontDefinitions, FontFamily};
use egui::{Color32, CornerRadius, FontId, Margin, Shadow, Stroke, Style, TextStyle, Visuals};

use super::{
    DARK, LIGHT, RADIUS, RADIUS_CARD, Theme, body, is_sparing, label, label_medium, medium,
    semibold, title,
};

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
            include_bytes!("../../../assets/fonts/Inter-Regular.ttf").as_slice(),
        ),
        (
            "Inter Medium",
            medium(),
            include_bytes!("../../../assets/fonts/Inter-Medium.ttf").as_slice(),
        ),
        (
            "Inter SemiBold",
            semibold(),
            include_bytes!("../../../assets/fonts/Inter-SemiBold.ttf").as_slice(),
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
    // The rail of sliders: a field's colour would be lost on a bar.
    visuals.widgets.inactive.bg_fill = theme.bg3;
    visuals.widgets.hovered = widget(theme.bg3, theme.border, theme.text);
    visuals.widgets.active = widget(theme.bg3, theme.accent, theme.text);
    visuals.widgets.open = widget(theme.bg3, theme.border, theme.text);
    visuals
}
