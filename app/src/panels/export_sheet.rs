//! Exporting several pictures: how the copies are called and what is made. Then how far it is.

use egui::{Align, Area, Id, Layout, Modal, Order, RichText, TextEdit, Ui, vec2};

use super::Scene;
use super::widgets::{self, Loudness};
use crate::command::{Command, CopiesCommand};
use crate::gallery::contact_sheet::SheetLayout;
use crate::gallery::export::{DEFAULT_JPEG_QUALITY, Format};
use crate::gallery::export_many::ExportChoices;
use crate::gallery::naming::{Field, NameFacts, NamePattern};
use crate::session::PictureId;
use crate::theme;

const WIDTH: f32 = 520.0;

/// What is chosen in the sheet; the choices stay for the next time.
#[derive(Debug)]
pub struct ExportSheet {
    /// What is to be exported; the sheet is open while there is something.
    pub pictures: Vec<PictureId>,
    /// As it stands in the field, a pattern or not yet.
    pattern: String,
    choices: ExportChoices,
}

impl Default for ExportSheet {
    fn default() -> Self {
        let choices = ExportChoices::default();
        Self {
            pictures: Vec::new(),
            pattern: choices.pattern.to_string(),
            choices,
        }
    }
}

/// How far a running export is, in pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportProgress {
    pub n_done: usize,
    pub n_pictures: usize,
}

/// Draws the sheet, if it is open.
pub fn export_sheet_ui(ui: &Ui, scene: &mut Scene<'_>, sheet: &mut ExportSheet) {
    if sheet.pictures.is_empty() {
        return;
    }
    let theme = theme::of(ui);
    let modal = Modal::new(Id::unique("export sheet"))
        .backdrop_color(theme.veil)
        .frame(egui::Frame::popup(ui.style()).inner_margin(20));
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 64.0));
        ui.spacing_mut().item_spacing = vec2(8.0, 12.0);
        let n = widgets::count(sheet.pictures.len());
        let title = RichText::new(format!("Export {n} pictures"));
        ui.label(title.font(theme::title()).color(theme.text));
        what_ui(ui, &mut sheet.choices);
        format_ui(ui, &mut sheet.choices);
        let pattern = pattern_ui(ui, scene, sheet);
        let is_ready = pattern.is_some();
        sheet.choices.pattern = pattern.unwrap_or_default();
        buttons_ui(ui, scene, sheet, is_ready)
    });
    if shown.inner || shown.should_close() {
        sheet.pictures.clear();
    }
}

fn what_ui(ui: &mut Ui, choices: &mut ExportChoices) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (name, with_pictures, with_sheet) in [
            ("Pictures", true, false),
            ("Contact sheet", false, true),
            ("Both", true, true),
        ] {
            let is_chosen =
                (choices.with_pictures, choices.sheet.is_some()) == (with_pictures, with_sheet);
            if widgets::tab(ui, name, is_chosen).clicked() {
                choices.with_pictures = with_pictures;
                choices.sheet = with_sheet.then(SheetLayout::default);
            }
        }
    });
}

fn format_ui(ui: &mut Ui, choices: &mut ExportChoices) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let quality = DEFAULT_JPEG_QUALITY;
        for (name, format) in [
            ("PNG", Format::Png),
            ("JPEG", Format::Jpeg { quality }),
            ("WebP", Format::WebP),
        ] {
            if widgets::tab(ui, name, choices.format == format).clicked() {
                choices.format = format;
            }
        }
        if choices.format == Format::Png && choices.with_pictures {
            ui.add_space(12.0);
            ui.checkbox(&mut choices.with_recipe, "with the recipe inside")
                .on_hover_text("Prompt, seed and model, for other people to read. The mark that it was made by AI always stays.");
        }
    });
}

/// The pattern, if what stands there is one.
fn pattern_ui(ui: &mut Ui, scene: &Scene<'_>, sheet: &mut ExportSheet) -> Option<NamePattern> {
    let theme = theme::of(ui);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        let label = RichText::new("Names")
            .font(theme::label())
            .color(theme.text2);
        let label = ui.label(label);
        let edit = TextEdit::singleline(&mut sheet.pattern)
            .desired_width(f32::INFINITY)
            .char_limit(200);
        ui.add(edit).labelled_by(label.id);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
            for field in Field::ALL {
                let label = format!("Add the {}", field.name());
                if widgets::pill(ui, field.name(), &label, false).clicked() {
                    sheet.pattern.push_str(&format!("{{{}}}", field.name()));
                }
            }
        });
        let pattern = NamePattern::parse(&sheet.pattern);
        let (text, colour) = match &pattern {
            Ok(pattern) => (first_name(scene, sheet, pattern), theme.text2),
            Err(error) => (error.to_string(), theme.error),
        };
        let text = widgets::shown_message(&text);
        ui.label(RichText::new(text).font(theme::label()).color(colour));
        pattern.ok()
    })
    .inner
}

/// As the first picture will be called.
fn first_name(scene: &Scene<'_>, sheet: &ExportSheet, pattern: &NamePattern) -> String {
    let Some(id) = sheet.pictures.first().copied() else {
        return String::new();
    };
    let recipe = scene
        .gallery
        .record(id)
        .and_then(|record| record.recipe.as_ref());
    let size = recipe.map_or((0, 0), |recipe| (recipe.width, recipe.height));
    let facts = NameFacts::new(id, recipe, size, (1, sheet.pictures.len()));
    let ending = sheet.choices.format.extension();
    format!("The first one: {}.{ending}", pattern.name(&facts))
}

/// Whether the sheet is to be closed.
fn buttons_ui(ui: &mut Ui, scene: &mut Scene<'_>, sheet: &ExportSheet, is_ready: bool) -> bool {
    let mut closes = false;
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add_enabled_ui(is_ready, |ui| {
            if widgets::button(ui, "Choose a folder…", Loudness::Primary, None).clicked() {
                let (pictures, choices) = (sheet.pictures.clone(), sheet.choices.clone());
                scene.send(Command::Copies(CopiesCommand::ChooseFolder {
                    pictures,
                    choices,
                }));
                closes = true;
            }
        });
        closes |= widgets::button(ui, "Cancel", Loudness::Quiet, None).clicked();
    });
    closes
}

/// While copies are written.
pub fn export_progress_ui(ui: &Ui, scene: &mut Scene<'_>, progress: ExportProgress) {
    let theme = theme::of(ui);
    let corner = vec2(-16.0, -16.0);
    Area::new(Id::unique("export progress"))
        .order(Order::Foreground)
        .anchor(egui::Align2::RIGHT_BOTTOM, corner)
        .show(ui.ctx(), |ui| {
            egui::Frame::popup(ui.style())
                .inner_margin(12)
                .show(ui, |ui| {
                    ui.horizontal(|ui| {
                        let (done, all) = (progress.n_done, progress.n_pictures);
                        let words = format!(
                            "Exporting {} of {}",
                            widgets::count(done),
                            widgets::count(all)
                        );
                        ui.label(RichText::new(words).font(theme::label()).color(theme.text));
                        let (rect, _) =
                            ui.allocate_exact_size(vec2(90.0, 4.0), egui::Sense::hover());
                        let fraction = done as f32 / all.max(1) as f32;
                        widgets::progress_bar(ui, rect, fraction, theme.bg3, theme.accent);
                        let label = "Cancel; what is written stays";
                        if widgets::icon_button(ui, crate::icons::Icon::Close, label, 22.0)
                            .clicked()
                        {
                            scene.send(Command::Copies(CopiesCommand::Cancel));
                        }
                    });
                });
        });
}
