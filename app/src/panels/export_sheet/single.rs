//! One picture or document: how large, in what format, and how many bytes that comes to.

use egui::{RichText, Ui};

use super::{ExportSheet, buttons_ui, format_ui, row_ui};
use crate::command::CopiesCommand;
use crate::export::{FileFormat, LARGEST_PX, SCALES, Subject};
use crate::scene::Scene;
use crate::theme;
use crate::widgets;

/// Whether the sheet is to be closed.
pub(super) fn contents_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    sheet: &mut ExportSheet,
    subject: &Subject,
) -> bool {
    let has_layers = matches!(subject, Subject::Document(_));
    let size = size_of(scene, subject);
    sheet.settings = sheet.settings.for_picture(has_layers, size);
    format_ui(ui, &mut sheet.settings, has_layers);
    scale_ui(ui, sheet, size);
    summary_ui(ui, scene, sheet, size);
    let (subject, settings) = (subject.clone(), sheet.settings);
    buttons_ui(ui, scene, "Export…", size != (0, 0), || {
        CopiesCommand::ChooseFile { subject, settings }
    })
}

fn scale_ui(ui: &mut Ui, sheet: &mut ExportSheet, (width, height): (u32, u32)) {
    let is_layered = sheet.settings.format == FileFormat::OpenRaster;
    row_ui(ui, "Size", |ui| {
        for scale in SCALES {
            let is_too_large = width.max(height).saturating_mul(scale) > LARGEST_PX;
            let obstacle = match scale {
                1 => None,
                _ if is_layered => Some("Layers are exported at their own size"),
                _ if is_too_large => Some("That would be larger than anybody opens"),
                _ => None,
            };
            widgets::obstructed(ui, obstacle, |ui| {
                let is_chosen = sheet.settings.scale == scale;
                let tab = widgets::tab(ui, &format!("{scale}×"), is_chosen);
                if tab.clicked() {
                    sheet.settings.scale = scale;
                }
                tab.on_hover_text(match scale {
                    1 => "As large as the picture".to_owned(),
                    _ => format!("{scale} times as large as the picture, drawn finer"),
                })
            });
        }
    });
}

/// What will be in the file, and how much that is.
fn summary_ui(ui: &mut Ui, scene: &Scene<'_>, sheet: &ExportSheet, (width, height): (u32, u32)) {
    let theme = theme::of(ui);
    let scale = sheet.settings.scale;
    let pixels = format!("{} × {} px", width * scale, height * scale);
    let bytes = match sheet.estimate {
        Some((of, Some(bytes))) if of == sheet.settings => format!("about {}", file_size(bytes)),
        Some((of, None)) if of == sheet.settings => String::new(),
        _ => "counting…".to_owned(),
    };
    let with = match upscaler(scene, scale) {
        Some(name) if scale > 1 => format!("made larger by {name}"),
        _ => String::new(),
    };
    let parts = [pixels, bytes, with];
    let words: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    row_ui(ui, "", |ui| {
        let text = RichText::new(words.join(" · ")).font(theme::label());
        ui.label(text.color(theme.text));
    });
}

/// What makes any picture so many times larger, by its name.
fn upscaler(scene: &Scene<'_>, scale: u32) -> Option<String> {
    let all = scene.session.upscalers.iter();
    let mut able = all.filter(|upscaler| upscaler.made_for.is_none() && upscaler.scale >= scale);
    able.next().map(|upscaler| upscaler.name.clone())
}

/// In pixels; nothing while it is not known.
fn size_of(scene: &Scene<'_>, subject: &Subject) -> (u32, u32) {
    match subject {
        Subject::Document(id) => {
            let open = scene.session.documents.get(*id);
            open.map_or((0, 0), |open| open.document.content().frame.size())
        }
        Subject::Picture(id) => {
            let record = scene.gallery.record(*id);
            record.map_or((0, 0), |record| (record.width, record.height))
        }
        Subject::Several(_) => (0, 0),
    }
}

/// "840 kB", "1.8 MB", "23 MB".
fn file_size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        ..1e6 => format!("{:.0} kB", (bytes / 1e3).max(1.0)),
        ..1e7 => format!("{:.1} MB", bytes / 1e6),
        ..1e9 => format!("{:.0} MB", bytes / 1e6),
        _ => format!("{:.1} GB", bytes / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_files_read_as_people_say_them() {
        assert_eq!(
            [12, 840_200, 1_840_000, 23_400_000, 4_200_000_000].map(file_size),
            ["1 kB", "840 kB", "1.8 MB", "23 MB", "4.2 GB"]
        );
    }
}
