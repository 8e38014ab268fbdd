//! Several pictures: how the copies are called, and whether they are pictures, contact sheets or both.

use egui::{RichText, TextEdit, Ui, vec2};

use super::{ExportSheet, buttons_ui, format_ui, row_ui};
use crate::command::CopiesCommand;
use crate::export::ExportSettings;
use crate::gallery::contact_sheet::SheetLayout;
use crate::gallery::export::Format;
use crate::gallery::export_many::ExportChoices;
use crate::gallery::naming::{Field, NameFacts, NamePattern};
use crate::scene::Scene;
use crate::session::PictureId;
use crate::theme;
use crate::widgets;

#[derive(Debug)]
pub(super) struct Choices {
    /// As it stands in the field, a pattern or not yet.
    pattern: String,
    with_pictures: bool,
    with_sheet: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            pattern: NamePattern::default().to_string(),
            with_pictures: true,
            with_sheet: false,
        }
    }
}

impl Choices {
    fn order(&self, settings: ExportSettings, pattern: NamePattern) -> ExportChoices {
        ExportChoices {
            pattern,
            format: settings.flat_format().unwrap_or(Format::Png),
            with_recipe: settings.with_recipe,
            with_pictures: self.with_pictures,
            sheet: self.with_sheet.then(SheetLayout::default),
        }
    }
}

/// Whether the sheet is to be closed.
pub(super) fn contents_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    sheet: &mut ExportSheet,
    pictures: &[PictureId],
) -> bool {
    sheet.settings = ExportSettings {
        // Made larger they go one by one.
        scale: 1,
        ..sheet.settings.for_picture(false, (0, 0))
    };
    what_ui(ui, &mut sheet.several);
    format_ui(ui, &mut sheet.settings, false);
    let pattern = pattern_ui(ui, scene, sheet, pictures);
    let (is_ready, settings) = (pattern.is_some(), sheet.settings);
    let choices = sheet.several.order(settings, pattern.unwrap_or_default());
    let pictures = pictures.to_vec();
    buttons_ui(ui, scene, "Choose a folder…", is_ready, || {
        CopiesCommand::ChooseFolder {
            pictures,
            choices,
            settings,
        }
    })
}

fn what_ui(ui: &mut Ui, choices: &mut Choices) {
    row_ui(ui, "What", |ui| {
        for (name, with_pictures, with_sheet) in [
            ("Pictures", true, false),
            ("Contact sheet", false, true),
            ("Both", true, true),
        ] {
            let is_chosen =
                (choices.with_pictures, choices.with_sheet) == (with_pictures, with_sheet);
            if widgets::tab(ui, name, is_chosen).clicked() {
                choices.with_pictures = with_pictures;
                choices.with_sheet = with_sheet;
            }
        }
    });
}

/// The pattern, if what stands there is one.
fn pattern_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    sheet: &mut ExportSheet,
    pictures: &[PictureId],
) -> Option<NamePattern> {
    let theme = theme::of(ui);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 6.0;
        let label = RichText::new("Names")
            .font(theme::label())
            .color(theme.text2);
        let label = ui.label(label);
        let edit = TextEdit::singleline(&mut sheet.several.pattern)
            .desired_width(f32::INFINITY)
            .char_limit(200);
        ui.add(edit).labelled_by(label.id);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
            for field in Field::ALL {
                let label = format!("Add the {}", field.name());
                if widgets::pill(ui, field.name(), &label, false).clicked() {
                    let field = format!("{{{}}}", field.name());
                    sheet.several.pattern.push_str(&field);
                }
            }
        });
        let pattern = NamePattern::parse(&sheet.several.pattern);
        let (text, colour) = match &pattern {
            Ok(pattern) => (first_name(scene, sheet, pictures, pattern), theme.text2),
            Err(error) => (error.to_string(), theme.error),
        };
        let text = widgets::shown_message(&text);
        ui.label(RichText::new(text).font(theme::label()).color(colour));
        pattern.ok()
    })
    .inner
}

/// As the first picture will be called.
fn first_name(
    scene: &Scene<'_>,
    sheet: &ExportSheet,
    pictures: &[PictureId],
    pattern: &NamePattern,
) -> String {
    let Some(id) = pictures.first().copied() else {
        return String::new();
    };
    let recipe = scene
        .gallery
        .record(id)
        .and_then(|record| record.recipe.as_ref());
    let size = recipe.map_or((0, 0), |recipe| (recipe.width, recipe.height));
    let facts = NameFacts::new(id, recipe, size, (1, pictures.len()));
    let ending = sheet.settings.format.extension();
    format!("The first one: {}.{ending}", pattern.name(&facts))
}
