//! One sheet for copies: of the document, of a result or a picture of the gallery, or of several.

mod several;
mod single;

use egui::{Align, Area, Id, Layout, Modal, Order, RichText, Ui, vec2};

use crate::command::{Command, CopiesCommand};
use crate::export::{ExportSettings, FileFormat, Subject};
use crate::icons::Icon;
use crate::scene::Scene;
use crate::theme;
use crate::widgets::{self, Loudness};

const WIDTH: f32 = 520.0;
/// Of the names of rows, so that what is chosen stands in one line.
const NAMES_WIDTH: f32 = 84.0;

/// What is chosen in the sheet; the choices stay for the next time.
#[derive(Debug)]
pub struct ExportSheet {
    /// What is to be exported; the sheet is open while there is something.
    pub subject: Option<Subject>,
    pub settings: ExportSettings,
    /// How large the copy will be with these settings, as far as anybody can say.
    pub estimate: Option<(ExportSettings, Option<u64>)>,
    several: several::Choices,
}

impl ExportSheet {
    pub fn new(settings: ExportSettings) -> Self {
        Self {
            subject: None,
            settings,
            estimate: None,
            several: several::Choices::default(),
        }
    }

    pub fn open(&mut self, subject: Subject) {
        self.subject = Some(subject);
        self.estimate = None;
    }

    pub fn is_open(&self) -> bool {
        self.subject.is_some()
    }

    pub fn close(&mut self) {
        self.subject = None;
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
    let Some(subject) = sheet.subject.clone() else {
        return;
    };
    let theme = theme::of(ui);
    let modal = Modal::new(Id::unique("export sheet"))
        .backdrop_color(theme.veil)
        .frame(egui::Frame::popup(ui.style()).inner_margin(20));
    let shown = modal.show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 64.0));
        ui.spacing_mut().item_spacing = vec2(8.0, 12.0);
        let mut closes = false;
        ui.horizontal(|ui| {
            let title = RichText::new(title(&subject));
            ui.label(title.font(theme::title()).color(theme.text));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let label = "Close without exporting   Esc";
                closes = widgets::icon_button(ui, Icon::Close, label, 28.0).clicked();
            });
        });
        closes
            | match &subject {
                Subject::Several(pictures) => several::contents_ui(ui, scene, sheet, pictures),
                _ => single::contents_ui(ui, scene, sheet, &subject),
            }
    });
    if shown.inner || shown.should_close() {
        sheet.close();
    }
}

fn title(subject: &Subject) -> String {
    match subject {
        Subject::Document(_) => "Export the document".to_owned(),
        Subject::Picture(_) => "Export the picture".to_owned(),
        Subject::Several(pictures) => {
            format!("Export {} pictures", widgets::count(pictures.len()))
        }
    }
}

fn row_ui(ui: &mut Ui, name: &str, contents: impl FnOnce(&mut Ui)) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let (rect, _) = ui.allocate_exact_size(vec2(NAMES_WIDTH, 31.0), egui::Sense::hover());
        let at = egui::Align2::LEFT_CENTER;
        ui.painter()
            .text(rect.left_center(), at, name, theme::label(), theme.text2);
        contents(ui);
    });
}

fn format_ui(ui: &mut Ui, settings: &mut ExportSettings, has_layers: bool) {
    row_ui(ui, "Format", |ui| {
        for format in FileFormat::ALL {
            if format == FileFormat::OpenRaster && !has_layers {
                continue;
            }
            let tab = widgets::tab(ui, format.label(), settings.format == format);
            if tab.on_hover_text(format_words(format)).clicked() {
                settings.format = format;
            }
        }
    });
    match settings.format {
        FileFormat::Jpeg => row_ui(ui, "Quality", |ui| {
            ui.spacing_mut().slider_width = 220.0;
            let slider = egui::Slider::new(&mut settings.jpeg_quality, 1..=100);
            let tip = "Higher: finer, and a larger file";
            ui.add(slider)
                .on_hover_text(tip)
                .accessible_name("Quality of the JPEG");
        }),
        FileFormat::Png => row_ui(ui, "Recipe", |ui| {
            ui.checkbox(&mut settings.with_recipe, "with the recipe inside")
                .on_hover_text("Prompt, seed and model, for other people to read. The mark that it was made by AI always stays.");
        }),
        // Their rows stay free, so that nothing moves.
        FileFormat::WebP => row_ui(ui, "", |ui| widgets::remark(ui, "Without loss")),
        FileFormat::OpenRaster => {
            row_ui(ui, "", |ui| {
                widgets::remark(ui, "With all layers, for Krita, GIMP and others");
            });
        }
    }
}

fn format_words(format: FileFormat) -> &'static str {
    match format {
        FileFormat::Png => "Without loss, with transparency; read everywhere",
        FileFormat::Jpeg => "Small, for photographs; transparent parts become white",
        FileFormat::WebP => "Without loss, with transparency, smaller than PNG",
        FileFormat::OpenRaster => "With the layers, for other programs that know layers",
    }
}

/// Whether the sheet is to be closed.
fn buttons_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    text: &str,
    is_ready: bool,
    command: impl FnOnce() -> CopiesCommand,
) -> bool {
    let mut closes = false;
    // Whatever has the focus answers to Enter itself.
    let enters = is_ready
        && ui.memory(|memory| memory.focused().is_none())
        && ui.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::Enter));
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.add_enabled_ui(is_ready, |ui| {
            let button = widgets::button(ui, text, Loudness::Primary, None);
            if button.on_hover_text("Enter").clicked() || enters {
                scene.send(Command::Copies(command()));
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
                        let label = "Cancel the export; what is written stays";
                        if widgets::icon_button(ui, Icon::Close, label, 22.0).clicked() {
                            scene.send(Command::Copies(CopiesCommand::Cancel));
                        }
                    });
                });
        });
}
