//! The settings behind "More".

use egui::{Align, Layout, Ui};
use limn_engine::protocol::{ModelInfo, Sampling, SettingInfo};
use limn_engine::samplers::{Sampler, Spacing};
use limn_engine::stitch::Fill;

use super::ip_adapter::ip_adapter_rows_ui;
use super::pills::pill_popover;
use crate::command::Command;
use crate::scene::Scene;
use crate::session::{Deed, Draft, EditChoices};
use crate::theme;
use crate::widgets::{self, Loudness};

pub(super) fn more_pill_ui(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    draft: &mut Draft,
    model: &ModelInfo,
    deed: Deed,
) {
    let has_adapter = draft.ip_adapter.as_ref().is_some_and(|chosen| {
        let mut fitting = scene.session.ip_adapters.fitting(&model.id).iter();
        fitting.any(|one| one.name == chosen.name)
    });
    let is_set = draft.sampling != Sampling::default() || draft.best_of > 1;
    let choices = &scene.session.documents.current().choices;
    let is_special = deed.is_edit() && choices.are_special();
    let mut changed = choices.clone();
    let pill = widgets::pill(
        ui,
        "More",
        "More settings",
        is_set || is_special || has_adapter,
    );
    pill_popover(&pill, 320.0, |ui| {
        if deed.is_edit() {
            edit_rows_ui(ui, scene, &mut changed, deed);
            ui.add_space(8.0);
        }
        widgets::section(
            ui,
            "Settings",
            if is_set { "changed" } else { "the model's own" },
        );
        if matches!(deed, Deed::NewPictures | Deed::Mix) {
            best_of_row(ui, scene, &mut draft.best_of);
        }
        let chosen = &mut draft.sampling;
        // The sampler belongs to the first settings; those under a heading are of another network.
        let has_heading = |info: &SettingInfo| info.heading.is_some();
        let n_first = model.settings.iter().position(has_heading);
        let (first, others) = model
            .settings
            .split_at(n_first.unwrap_or(model.settings.len()));
        for info in first {
            number_row(ui, info, chosen);
        }
        sampler_row(ui, &mut chosen.sampler, model.defaults.sampler);
        let sampler = chosen.sampler.or(model.defaults.sampler);
        spacing_row(ui, &mut chosen.spacing, model.defaults.spacing, sampler);
        for info in others {
            number_row(ui, info, chosen);
        }
        if is_set && widgets::button(ui, "Back to the model's own", Loudness::Plain, None).clicked()
        {
            *chosen = Sampling::default();
            draft.best_of = 1;
        }
        ip_adapter_rows_ui(ui, scene, draft, model);
    });
}

/// How many are drawn for each picture that is kept, and whether one sees how well they match.
fn best_of_row(ui: &mut Ui, scene: &mut Scene<'_>, best_of: &mut u32) {
    const CHOICES: [u32; 4] = [1, 2, 4, 8];
    let tip =
        "Draws this many for each result and keeps the one that matches the prompt best (CLIP)";
    setting_row(ui, "Best of", tip, |ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        for choice in CHOICES.into_iter().rev() {
            let tab = widgets::tab(ui, &choice.to_string(), choice == *best_of);
            if tab.on_hover_text(tip).clicked() {
                *best_of = choice;
            }
        }
    });
    let mut shows = scene.settings.shows_scores;
    check_row(ui, "Show scores on results", &mut shows);
    if shows != scene.settings.shows_scores {
        scene.send(Command::ShowScores(shows));
    }
}

const FILLS: [(Fill, &str); 4] = [
    (Fill::Keep, "What is there"),
    (Fill::Blur, "Its surroundings, blurred"),
    (Fill::Neutral, "Grey"),
    (Fill::Noise, "Grain in its colours"),
];

/// How a change is made; lengths follow the mask until they are set.
fn edit_rows_ui(ui: &mut Ui, scene: &mut Scene<'_>, choices: &mut EditChoices, deed: Deed) {
    let before = choices.clone();
    let remark = if choices.are_special() {
        "changed"
    } else {
        "as suits the mask"
    };
    widgets::section(ui, "How to change", remark);
    fill_row(ui, choices, deed);
    if deed != Deed::ChangePicture {
        let plan = scene.session.edit_plan();
        let own = plan.map_or((0.0, 0.0), |plan| (plan.grow_px, plan.feather_px));
        length_row(ui, "Grow the mask", &mut choices.grow_px, own.0);
        length_row(ui, "Soft edge", &mut choices.feather_px, own.1);
        check_row(ui, "Look at the whole picture", &mut choices.whole);
    }
    check_row(ui, "Match the colours around", &mut choices.match_colours);
    if choices.are_special()
        && widgets::button(ui, "Back to what suits the mask", Loudness::Plain, None).clicked()
    {
        *choices = choices.usual();
    }
    if *choices != before {
        scene.send(Command::SetChoices(choices.clone()));
    }
}

fn fill_row(ui: &mut Ui, choices: &mut EditChoices, deed: Deed) {
    let name = |fill: Fill| {
        let known = FILLS.iter().find(|(known, _)| *known == fill);
        known.map_or("", |(_, name)| name)
    };
    let own = choices.usual().settings(deed).fill;
    let own_name = format!("{} (usual)", name(own));
    let tip = "What the model finds there before it begins (fill)";
    setting_row(ui, "Start from", tip, |ui| {
        let text = choices
            .fill
            .map_or(own_name.clone(), |fill| name(fill).to_owned());
        let combo = egui::ComboBox::from_id_salt("fill")
            .selected_text(text)
            .width(180.0);
        let shown = combo.show_ui(ui, |ui| {
            ui.selectable_value(&mut choices.fill, None, own_name);
            for (fill, name) in FILLS {
                ui.selectable_value(&mut choices.fill, Some(fill), name);
            }
        });
        let _ = shown.response.accessible_name("Start from");
    });
}

fn length_row(ui: &mut Ui, name: &str, value: &mut Option<f32>, own: f32) {
    let tip = "In pixels of the picture";
    setting_row(ui, name, tip, |ui| {
        let mut now = value.unwrap_or(own).round();
        let slider = egui::Slider::new(&mut now, 0.0..=256.0)
            .logarithmic(true)
            .fixed_decimals(0)
            .suffix(" px");
        let slider = ui.add(slider).on_hover_text(tip).accessible_name(name);
        if slider.changed() {
            *value = Some(now);
        }
    });
}

fn check_row(ui: &mut Ui, name: &str, value: &mut bool) {
    ui.checkbox(value, egui::RichText::new(name).font(theme::label()));
}

pub(super) fn setting_row(ui: &mut Ui, name: &str, tip: &str, contents: impl FnOnce(&mut Ui)) {
    let theme = theme::of(ui);
    ui.horizontal(|ui| {
        let label = ui.label(
            egui::RichText::new(name)
                .font(theme::label())
                .color(theme.text2),
        );
        label.on_hover_text(tip);
        ui.with_layout(Layout::right_to_left(Align::Center), contents);
    });
}

/// One of the model's own settings.
fn number_row(ui: &mut Ui, info: &SettingInfo, chosen: &mut Sampling) {
    if let Some(heading) = &info.heading {
        let theme = theme::of(ui);
        ui.add_space(4.0);
        ui.label(
            egui::RichText::new(heading)
                .font(theme::caption())
                .color(theme.text3),
        );
    }
    setting_row(ui, &info.label, &info.hint, |ui| {
        let mut now = chosen.get(info.setting).unwrap_or(info.default);
        let slider = egui::Slider::new(&mut now, info.least..=info.most);
        let slider = if info.setting.is_whole() {
            slider.logarithmic(true).step_by(1.0).fixed_decimals(0)
        } else {
            slider.step_by(0.1).fixed_decimals(1)
        };
        let slider = ui.add(slider).on_hover_text(&info.hint);
        if slider.accessible_name(&info.label).changed() {
            let is_other = (now - info.default).abs() > 0.01;
            chosen.set(info.setting, is_other.then_some(now));
        }
    });
}

fn sampler_row(ui: &mut Ui, chosen: &mut Option<Sampler>, own: Option<Sampler>) {
    let own_name = own.map_or("the model's own".to_owned(), |sampler| {
        format!("{} (the model's)", sampler.info().label)
    });
    setting_row(ui, "Sampler", "The way from noise to picture", |ui| {
        let text = chosen.map_or(own_name.clone(), |sampler| sampler.info().label.to_owned());
        let combo = egui::ComboBox::from_id_salt("sampler")
            .selected_text(text)
            .width(180.0);
        let shown = combo.show_ui(ui, |ui| {
            ui.selectable_value(chosen, None, own_name);
            for sampler in Sampler::all() {
                ui.selectable_value(chosen, Some(sampler), sampler.info().label);
            }
        });
        let _ = shown.response.accessible_name("Sampler");
    });
}

/// Only what the sampler can take is offered; one that takes none has no such row.
fn spacing_row(
    ui: &mut Ui,
    chosen: &mut Option<Spacing>,
    own: Option<Spacing>,
    sampler: Option<Sampler>,
) {
    let takes = |spacing: &Spacing| sampler.is_none_or(|sampler| sampler.takes(*spacing));
    if !Spacing::all().any(|spacing| takes(&spacing)) {
        return;
    }
    let own_name = own.map_or("the model's own".to_owned(), |spacing| {
        format!("{} (the model's)", spacing.label())
    });
    let tip = "How its steps lie over the noise (schedule type)";
    setting_row(ui, "Spacing", tip, |ui| {
        let now = chosen.filter(takes);
        let text = now.map_or(own_name.clone(), |spacing| spacing.label().to_owned());
        let combo = egui::ComboBox::from_id_salt("spacing")
            .selected_text(text)
            .width(180.0);
        let shown = combo.show_ui(ui, |ui| {
            ui.selectable_value(chosen, None, own_name);
            for spacing in Spacing::all().filter(takes) {
                ui.selectable_value(chosen, Some(spacing), spacing.label());
            }
        });
        let _ = shown.response.accessible_name("Spacing");
    });
}
