//! How the picture on the canvas was made, each field to be used again.

use egui::Ui;

use super::widgets::{self, Loudness};
use super::{Scene, prompt_bar};
use crate::command::Command;
use crate::gallery::Recipe;
use crate::icons::Icon;
use crate::session::{PictureRef, RecipePart};
use crate::theme;

pub fn info_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(picture) = scene.session.shown() else {
        widgets::remark(ui, "Open a picture to see how it was made.");
        return;
    };
    let Some(recipe) = recipe_of(scene, picture) else {
        widgets::remark(ui, "The recipe is here as soon as the picture is finished.");
        return;
    };
    if widgets::button(
        ui,
        "Use this recipe",
        Loudness::Primary,
        Some(ui.available_width()),
    )
    .clicked()
    {
        let part = RecipePart::Everything;
        scene.send(Command::UseRecipe { picture, part });
    }
    ui.add_space(4.0);
    field_ui(
        ui,
        scene,
        "Prompt",
        &recipe.prompt,
        picture,
        Some(RecipePart::Prompt),
    );
    if let Some(unread) = &recipe.unread_prompt {
        field_ui(ui, scene, "Not read by the model", unread, picture, None);
    }
    if let Some(negative) = &recipe.negative_prompt {
        field_ui(
            ui,
            scene,
            "Avoid",
            negative,
            picture,
            Some(RecipePart::Negative),
        );
    }
    let size = format!("{} × {} px", recipe.width, recipe.height);
    field_ui(ui, scene, "Size", &size, picture, Some(RecipePart::Size));
    field_ui(
        ui,
        scene,
        "Seed",
        &recipe.seed.to_string(),
        picture,
        Some(RecipePart::Seed),
    );
    how_ui(ui, scene, &recipe, picture);
    if let Some(id) = scene.session.picture_id(picture) {
        ui.horizontal(|ui| {
            if widgets::button(ui, "Show in the folder", Loudness::Plain, None).clicked() {
                scene.send(Command::ShowInFolder(id));
            }
            if widgets::button(ui, "Copy the prompt", Loudness::Plain, None).clicked() {
                scene.send(Command::CopyPrompt(picture));
            }
        });
    }
}

/// With which settings, by what and when.
fn how_ui(ui: &mut Ui, scene: &mut Scene<'_>, recipe: &Recipe, picture: PictureRef) {
    let sampler = recipe.sampler().map_or_else(
        || recipe.sampler.clone(),
        |known| prompt_bar::sampler_name(known).to_owned(),
    );
    let sampling = format!(
        "{sampler}, {} steps, guidance {}",
        recipe.n_steps, recipe.guidance_scale
    );
    field_ui(
        ui,
        scene,
        "Settings",
        &sampling,
        picture,
        Some(RecipePart::Sampling),
    );
    let prior = format!(
        "{} steps, guidance {}",
        recipe.n_prior_steps, recipe.prior_guidance_scale
    );
    field_ui(ui, scene, "Prior", &prior, picture, None);
    field_ui(ui, scene, "Model", &recipe.model, picture, None);
    field_ui(
        ui,
        scene,
        "Made on",
        &format!("{}, {}", recipe.device, recipe.dtype),
        picture,
        None,
    );
    if let Some(score) = recipe.score {
        let words = format!("{score:.3}, the best of {}", recipe.best_of.max(1));
        field_ui(ui, scene, "Match", &words, picture, None);
    }
    let created = recipe
        .created
        .to_zoned_datetime(jiff::tz::TimeZone::system())
        .strftime("%e %B %Y, %H:%M")
        .to_string();
    field_ui(ui, scene, "Made at", created.trim(), picture, None);
}

/// The recipe of a picture, from the run it came from or from the gallery.
pub fn recipe_of(scene: &Scene<'_>, picture: PictureRef) -> Option<Recipe> {
    match picture {
        PictureRef::Result { run, index } => {
            let slot = scene.session.run(run)?.slots.get(index as usize)?;
            slot.recipe().map(|recipe| recipe.as_ref().clone())
        }
        PictureRef::Gallery(id) => scene.gallery.record(id)?.recipe.clone(),
    }
}

fn field_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    name: &str,
    value: &str,
    picture: PictureRef,
    part: Option<RecipePart>,
) {
    let theme = theme::of(ui);
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.horizontal(|ui| {
            ui.set_min_height(22.0);
            ui.label(
                egui::RichText::new(name)
                    .font(theme::label())
                    .color(theme.text3),
            );
            if let Some(part) = part {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if widgets::icon_button(ui, Icon::Recipe, part.label(), 22.0).clicked() {
                        scene.send(Command::UseRecipe { picture, part });
                    }
                });
            }
        });
        let text = egui::RichText::new(value)
            .font(theme::body())
            .color(theme.text);
        ui.add(egui::Label::new(text).wrap().selectable(true));
    });
}
