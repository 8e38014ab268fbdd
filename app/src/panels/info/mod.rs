//! How the picture on the canvas was made, each field to be used again, and the family it belongs to.

mod deed;
mod family;
mod foreign;

use egui::{Align, Label, Layout, RichText, Ui};
use jiff::tz::TimeZone;

use crate::command::{Command, CopiesCommand};
use crate::gallery::{Recipe, Record};
use crate::icons::Icon;
use crate::scene::Scene;
use crate::session::{PictureRef, RecipePart, Usable};
use crate::theme;
use crate::widgets::{self, Loudness};

pub fn info_ui(ui: &mut Ui, scene: &mut Scene<'_>) {
    let Some(picture) = scene.session.picture_in_view() else {
        widgets::remark(ui, nothing_known(scene));
        return;
    };
    if let Some(recipe) = scene.recipe(picture).cloned() {
        recipe_ui(ui, scene, &recipe, picture);
    } else if let PictureRef::Gallery(id) = picture
        && let Some(record) = scene.gallery.record(id).cloned()
    {
        foreign::foreign_ui(ui, scene, &record);
    } else {
        widgets::remark(ui, "The recipe is here as soon as the picture is finished.");
        return;
    }
    ways_out_ui(ui, scene, picture);
    if let Some(family) = scene
        .gallery
        .family_of(scene.session.picture_id(picture))
        .cloned()
    {
        family::family_ui(ui, scene, &family);
    }
}

/// The words that a picture of the gallery was made from.
pub fn picture_prompt_ui(ui: &mut Ui, scene: &mut Scene<'_>, record: &Record) {
    let mut fields = Fields::of(scene, PictureRef::Gallery(record.id));
    prompt_ui(ui, &mut fields, record.prompt());
}

/// What else is known of how a picture of the gallery was made.
pub fn picture_fields_ui(ui: &mut Ui, scene: &mut Scene<'_>, record: &Record) {
    let picture = PictureRef::Gallery(record.id);
    match &record.recipe {
        Some(recipe) => recipe_fields_ui(ui, scene, recipe, picture),
        None => foreign::fields_ui(ui, scene, record),
    }
}

fn nothing_known(scene: &Scene<'_>) -> &'static str {
    if scene.session.document().content().frame.is_empty() {
        "Open a picture to see how it was made."
    } else {
        "This picture did not come from the gallery: how it was made is not known."
    }
}

fn recipe_ui(ui: &mut Ui, scene: &mut Scene<'_>, recipe: &Recipe, picture: PictureRef) {
    use_all_ui(ui, scene, picture, RecipePart::Everything.label());
    prompt_ui(ui, &mut Fields::of(scene, picture), &recipe.prompt);
    recipe_fields_ui(ui, scene, recipe, picture);
}

fn prompt_ui(ui: &mut Ui, fields: &mut Fields<'_, '_>, prompt: &str) {
    if !prompt.is_empty() {
        fields.part(ui, "Prompt", prompt, RecipePart::Prompt);
    }
}

/// Everything else that a recipe says, each field to be used again where the prompt bar takes it.
fn recipe_fields_ui(ui: &mut Ui, scene: &mut Scene<'_>, recipe: &Recipe, picture: PictureRef) {
    let mut fields = Fields::of(scene, picture);
    for (name, chosen) in [
        ("Drawn from", &recipe.chosen_prompt),
        ("Avoided", &recipe.chosen_negative_prompt),
    ] {
        if let Some(chosen) = chosen {
            fields.show(ui, name, chosen);
        }
    }
    if let Some(unread) = &recipe.unread_prompt {
        fields.show(ui, "Not read by the model", unread);
    }
    if let Some(negative) = &recipe.negative_prompt {
        fields.part(ui, "Avoid", negative, RecipePart::Negative);
    }
    for lora in &recipe.loras {
        let words = format!("{} · {}", lora.name, lora.weight);
        fields.show(ui, "LoRA", &words);
    }
    if let Some(adapter) = &recipe.ip_adapter {
        let words = format!("{} · {}", adapter.name, adapter.scale);
        fields.show(ui, "Looked at pictures through", &words);
    }
    let size = format!("{} × {} px", recipe.width, recipe.height);
    fields.part(ui, "Size", &size, RecipePart::Size);
    if recipe.is_drawn() {
        fields.part(ui, "Seed", &recipe.seed.to_string(), RecipePart::Seed);
        sampling_ui(ui, &mut fields, recipe);
    }
    for (name, value) in deed::facts(recipe) {
        fields.show(ui, name, &value);
    }
    how_ui(ui, &mut fields, recipe);
}

/// Takes over what the picture has; greyed, with the reason, where it has nothing.
fn use_all_ui(ui: &mut Ui, scene: &mut Scene<'_>, picture: PictureRef, text: &str) {
    let part = RecipePart::Everything;
    let obstacle = scene.usable(picture).obstacle(part);
    let width = Some(ui.available_width());
    widgets::obstructed(ui, obstacle, |ui| {
        let button = widgets::button(ui, text, Loudness::Primary, width);
        if button.clicked() {
            scene.send(Command::UseRecipe { picture, part });
        }
        button
    });
    ui.add_space(4.0);
}

/// With which settings.
fn sampling_ui(ui: &mut Ui, fields: &mut Fields<'_, '_>, recipe: &Recipe) {
    let sampler = recipe.sampler().map_or_else(
        || recipe.sampler.clone(),
        |known| known.info().label.to_owned(),
    );
    let (n_steps, guidance) = (recipe.n_steps, recipe.guidance_scale);
    let spacing = recipe.spacing().map_or(String::new(), |spacing| {
        format!(", {}", spacing.label().to_lowercase())
    });
    let sampling = format!("{sampler}{spacing}, {n_steps} steps, guidance {guidance}");
    fields.part(ui, "Settings", &sampling, RecipePart::Sampling);
    if let (Some(n_steps), Some(guidance)) = (recipe.n_prior_steps, recipe.prior_guidance_scale) {
        let prior = format!("{n_steps} steps, guidance {guidance}");
        fields.show(ui, "Prior", &prior);
    }
    if let Some(rescale) = recipe.guidance_rescale {
        fields.show(ui, "Guidance rescale", &rescale.to_string());
    }
    if let Some(clip_skip) = recipe.clip_skip {
        fields.show(ui, "Text layers left out", &clip_skip.to_string());
    }
}

/// By what, how well and when.
fn how_ui(ui: &mut Ui, fields: &mut Fields<'_, '_>, recipe: &Recipe) {
    let mut models = fields.scene.session.models.iter();
    let family = models
        .find(|model| model.name == recipe.model)
        .map(|model| model.family.clone());
    let model = match family.filter(|family| !family.is_empty() && *family != recipe.model) {
        Some(family) => format!("{} ({family})", recipe.model),
        None => recipe.model.clone(),
    };
    fields.show(ui, "Model", &model);
    fields.show(
        ui,
        "Made on",
        &format!("{}, {}", recipe.device, recipe.dtype),
    );
    if let Some(score) = recipe.score {
        let best_of = recipe.best_of.max(1);
        fields.show(ui, "Match", &format!("{score:.3}, the best of {best_of}"));
    }
    fields.show(ui, "Made at", &moment(recipe.created));
}

fn ways_out_ui(ui: &mut Ui, scene: &mut Scene<'_>, picture: PictureRef) {
    let Some(id) = scene.session.picture_id(picture) else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        let wordless = scene.usable(picture).obstacle(RecipePart::Prompt);
        let as_file = CopiesCommand::AsFiles(vec![id]);
        for (label, command, obstacle) in [
            ("Show in the folder", Command::ShowInFolder(id), None),
            ("Copy the prompt", Command::CopyPrompt(picture), wordless),
            ("Copy as a file", Command::Copies(as_file), None),
        ] {
            widgets::obstructed(ui, obstacle, |ui| {
                let button = widgets::button(ui, label, Loudness::Plain, None);
                if button.clicked() {
                    scene.send(command);
                }
                button
            });
        }
    });
}

fn moment(at: jiff::Timestamp) -> String {
    let local = at.to_zoned_datetime(TimeZone::system());
    local
        .strftime("%e %B %Y, %H:%M")
        .to_string()
        .trim()
        .to_owned()
}

/// Where fields of one picture are drawn.
struct Fields<'a, 's> {
    scene: &'a mut Scene<'s>,
    picture: PictureRef,
    usable: Usable,
}

impl<'a, 's> Fields<'a, 's> {
    fn of(scene: &'a mut Scene<'s>, picture: PictureRef) -> Self {
        Self {
            usable: scene.usable(picture),
            scene,
            picture,
        }
    }
}

impl Fields<'_, '_> {
    /// A field to read.
    fn show(&mut self, ui: &mut Ui, name: &str, value: &str) {
        self.draw(ui, name, value, None);
    }

    /// A field that the prompt bar can take over, if there is anything in it.
    fn part(&mut self, ui: &mut Ui, name: &str, value: &str, part: RecipePart) {
        let has_any = self.usable.obstacle(part).is_none();
        self.draw(ui, name, value, has_any.then_some(part));
    }

    fn draw(&mut self, ui: &mut Ui, name: &str, value: &str, part: Option<RecipePart>) {
        let theme = theme::of(ui);
        let picture = self.picture;
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.horizontal(|ui| {
                ui.set_min_height(22.0);
                let name = widgets::shown(name);
                let name = RichText::new(name).font(theme::label()).color(theme.text3);
                ui.label(name);
                let Some(part) = part else { return };
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if widgets::icon_button(ui, Icon::Recipe, part.label(), 22.0).clicked() {
                        self.scene.send(Command::UseRecipe { picture, part });
                    }
                });
            });
            let text = RichText::new(widgets::shown_lines(value))
                .font(theme::body())
                .color(theme.text);
            ui.add(Label::new(text).wrap().selectable(true));
        });
    }
}
