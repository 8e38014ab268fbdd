//! How another program says that a picture was made, and what came with it.

use egui::{CollapsingHeader, Label, RichText, Ui};

use super::{Fields, moment, prompt_ui, use_all_ui};
use crate::gallery::Record;
use crate::gallery::foreign::ForeignRecipe;
use crate::scene::Scene;
use crate::session::{PictureRef, RecipePart};
use crate::theme;
use crate::widgets;

pub fn foreign_ui(ui: &mut Ui, scene: &mut Scene<'_>, record: &Record) {
    let picture = PictureRef::Gallery(record.id);
    if record.foreign.is_some() {
        use_all_ui(ui, scene, picture, "Use what Limn understands");
    } else {
        widgets::remark(ui, "This picture came from elsewhere, without a recipe.");
    }
    prompt_ui(ui, &mut Fields::of(scene, picture), record.prompt());
    fields_ui(ui, scene, record);
}

pub(super) fn fields_ui(ui: &mut Ui, scene: &mut Scene<'_>, record: &Record) {
    let mut fields = Fields::of(scene, PictureRef::Gallery(record.id));
    if let Some(origin) = &record.origin {
        fields.show(ui, "Came as", origin);
    }
    let size = format!("{} × {} px", record.width, record.height);
    match &record.foreign {
        Some(recipe) => recipe_ui(ui, &mut fields, recipe, &size),
        None => fields.show(ui, "Size", &size),
    }
    fields.show(ui, "Here since", &moment(record.id.created()));
    if let Some(text) = &record.parameters {
        text_ui(ui, text);
    }
}

fn recipe_ui(ui: &mut Ui, fields: &mut Fields<'_, '_>, recipe: &ForeignRecipe, size: &str) {
    fields.show(ui, "Made with", recipe.program.label());
    if let Some(negative) = &recipe.negative_prompt {
        fields.part(ui, "Avoid", negative, RecipePart::Negative);
    }
    match recipe.size {
        Some((width, height)) => {
            let asked = format!("{width} × {height} px");
            fields.part(ui, "Size", &asked, RecipePart::Size);
        }
        None => fields.show(ui, "Size", size),
    }
    if let Some(seed) = recipe.seed {
        fields.part(ui, "Seed", &seed.to_string(), RecipePart::Seed);
    }
    if let Some(words) = sampling_words(recipe) {
        fields.part(ui, "Settings", &words, RecipePart::Sampling);
    }
    if let Some(model) = &recipe.model {
        fields.show(ui, "Model", model);
    }
    for lora in &recipe.loras {
        fields.show(ui, "LoRA", &format!("{} at {}", lora.name, lora.weight));
    }
    if let Some(strength) = recipe.strength {
        fields.show(
            ui,
            "How much was changed",
            &format!("{:.0} %", strength * 100.0),
        );
    }
    for (name, value) in &recipe.other {
        fields.show(ui, name, value);
    }
}

/// Sampler, steps and guidance, as far as they are known.
fn sampling_words(recipe: &ForeignRecipe) -> Option<String> {
    let scheduler = recipe
        .scheduler
        .as_deref()
        .map(|scheduler| format!("({scheduler})"));
    let sampler = [recipe.sampler.clone(), scheduler].into_iter().flatten();
    let sampler: Vec<String> = sampler.collect();
    let parts = [
        Some(sampler.join(" ")).filter(|text| !text.is_empty()),
        recipe.n_steps.map(|n| format!("{n} steps")),
        recipe
            .guidance_scale
            .map(|scale| format!("guidance {scale}")),
    ];
    let words: Vec<String> = parts.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// As it stands in the file.
fn text_ui(ui: &mut Ui, text: &str) {
    let theme = theme::of(ui);
    CollapsingHeader::new(RichText::new("The text in the file").font(theme::label()))
        .id_salt("foreign text")
        .show(ui, |ui| {
            let text = RichText::new(widgets::shown_lines(text))
                .font(theme::caption())
                .color(theme.text2);
            ui.add(Label::new(text).wrap().selectable(true));
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_say_what_is_known() {
        let known = ForeignRecipe {
            sampler: Some("DPM++ 2M".to_owned()),
            scheduler: Some("Karras".to_owned()),
            n_steps: Some(25),
            guidance_scale: Some(7.5),
            ..ForeignRecipe::default()
        };
        let words = sampling_words(&known);
        assert_eq!(
            words.as_deref(),
            Some("DPM++ 2M (Karras), 25 steps, guidance 7.5")
        );
        let n_steps = Some(8);
        let few = ForeignRecipe {
            n_steps,
            ..ForeignRecipe::default()
        };
        assert_eq!(sampling_words(&few).as_deref(), Some("8 steps"));
        assert_eq!(sampling_words(&ForeignRecipe::default()), None);
    }
}
