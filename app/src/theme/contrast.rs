//! How well one colour reads on another.

use egui::Color32;

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
    use crate::theme::{DARK, LIGHT};

    /// Text on everything it is drawn on reads at 4.5:1; a control's outline at 3:1.
    #[test]
    fn every_pair_of_text_and_ground_has_enough_contrast() {
        for theme in [&DARK, &LIGHT] {
            let everywhere = vec![
                theme.bg0,
                theme.bg1,
                theme.bg2,
                theme.bg3,
                theme.canvas,
                theme.cap,
                theme.error_bg,
            ];
            for (name, text, grounds) in [
                ("text", theme.text, everywhere.clone()),
                ("text2", theme.text2, everywhere),
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

    /// A handle is seen by itself or by the line round it; a progress bar by its groove, on a white picture too.
    #[test]
    fn handles_and_progress_bars_are_seen_on_every_ground() {
        for theme in [&DARK, &LIGHT] {
            for ground in [theme.bg0, theme.bg1, theme.bg2, theme.bg3] {
                let seen = contrast(theme.handle, ground).max(contrast(theme.handle_line, ground));
                assert!(
                    seen >= 3.0,
                    "{ground:?}: {seen:.2} (dark: {})",
                    theme.is_dark
                );
            }
            for picture in [Color32::WHITE, Color32::BLACK, Color32::GRAY] {
                let groove = picture.blend(theme.groove);
                let seen = contrast(theme.bar, groove);
                assert!(seen >= 4.5, "{picture:?}: {seen:.2}");
            }
            for ground in [theme.bg1, theme.bg2, theme.bg3, theme.line] {
                let seen = contrast(theme.accent, ground);
                assert!(
                    seen >= 3.0,
                    "{ground:?}: {seen:.2} (dark: {})",
                    theme.is_dark
                );
            }
        }
    }

    #[test]
    fn contrast_of_black_and_white_is_21() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-3);
        assert!((contrast(Color32::GRAY, Color32::GRAY) - 1.0).abs() < 1e-6);
    }
}
