//! The list of LoRAs that change the model, each with its weight.

use egui::{Align, Label, Layout, RichText, Ui};
use limn_engine::protocol::{LoraChoice, ModelInfo};

use super::pills::pill_popover;
use crate::icons::Icon;
use crate::session::{Draft, InstalledLoras, LORA_WEIGHTS, LoraMatch, LoraStanding, MOST_LORAS};
use crate::theme;
use crate::widgets;

const WIDTH: f32 = 340.0;

/// Only where there are LoRAs.
pub(super) fn loras_pill_ui(
    ui: &mut Ui,
    loras: &InstalledLoras,
    draft: &mut Draft,
    model: &ModelInfo,
) {
    let n_chosen = draft.loras.len();
    if loras.installed().is_empty() && n_chosen == 0 {
        return;
    }
    let standing = |lora: &LoraChoice| loras.standing(&lora.name, &model.id);
    let is_used = |lora: &&LoraChoice| {
        matches!(
            standing(lora),
            LoraStanding::Fits(_) | LoraStanding::Unknown
        )
    };
    let n_used = draft.loras.iter().filter(is_used).count();
    let text = match n_chosen {
        0 => "LoRAs".to_owned(),
        1 if n_used == 1 => "1 LoRA".to_owned(),
        n if n == n_used => format!("{n} LoRAs"),
        n => format!("{n_used} of {n} LoRAs"),
    };
    let label = format!("{text}: what changes the model");
    let pill = widgets::pill(ui, &text, &label, n_chosen > 0);
    pill_popover(&pill, WIDTH, |ui| {
        widgets::section(ui, "LoRAs", "change how the model draws");
        let mut removed = None;
        let scroll = egui::ScrollArea::vertical().max_height(300.0);
        scroll.show(ui, |ui| {
            for (index, lora) in draft.loras.iter_mut().enumerate() {
                let standing = loras.standing(&lora.name, &model.id);
                if lora_row_ui(ui, lora, &standing, model) {
                    removed = Some(index);
                }
            }
        });
        if let Some(index) = removed {
            draft.loras.remove(index);
            draft.edited();
        }
        add_ui(ui, loras, draft, model);
    });
}

/// Whether it is to be taken out.
fn lora_row_ui(
    ui: &mut Ui,
    lora: &mut LoraChoice,
    standing: &LoraStanding,
    model: &ModelInfo,
) -> bool {
    const SLIDER: f32 = 120.0;
    let theme = theme::of(ui);
    let is_out = matches!(standing, LoraStanding::Missing | LoraStanding::Other(_));
    let name = widgets::shown(&lora.name);
    let mut is_removed = false;
    ui.horizontal(|ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let job = format!("Take out {name}");
            is_removed = widgets::icon_button(ui, Icon::Close, &job, 24.0).clicked();
            ui.spacing_mut().slider_width = SLIDER;
            let slider = egui::Slider::new(&mut lora.weight, LORA_WEIGHTS)
                .step_by(0.05)
                .fixed_decimals(2);
            ui.add(slider)
                .on_hover_text("How much it changes; 0 nothing, below 0 the opposite")
                .accessible_name(format!("Weight of {name}"));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let colour = if is_out { theme.text3 } else { theme.text };
                let text = RichText::new(&name).font(theme::label_medium());
                ui.add(Label::new(text.color(colour)).truncate())
                    .on_hover_text(&name);
            });
        });
    });
    let (words, colour) = standing_words(standing, model, theme);
    let text = RichText::new(widgets::shown_message(&words)).font(theme::caption());
    ui.label(text.color(colour));
    ui.add_space(4.0);
    is_removed
}

fn standing_words(
    standing: &LoraStanding,
    model: &ModelInfo,
    theme: &theme::Theme,
) -> (String, egui::Color32) {
    let name = &model.name;
    match standing {
        LoraStanding::Unknown => ("Looking whether it fits…".to_owned(), theme.text3),
        LoraStanding::Missing => ("Not among your LoRAs".to_owned(), theme.error),
        LoraStanding::Fits(LoraMatch {
            n_layers,
            n_unmatched: 0,
            ..
        }) => (format!("Changes {n_layers} layers"), theme.text3),
        LoraStanding::Fits(LoraMatch {
            n_layers,
            n_unmatched,
            ..
        }) => {
            let n_all = n_layers + n_unmatched;
            let words = format!(
                "{n_unmatched} of its {n_all} changes are for layers that {name} does not have"
            );
            (words, theme.warn)
        }
        LoraStanding::Other(Some(made_for)) => {
            let words = format!("Made for {made_for}: left out with {name}");
            (words, theme.warn)
        }
        LoraStanding::Other(None) => {
            let words = format!("Made for other models: left out with {name}");
            (words, theme.warn)
        }
    }
}

/// What can be added: those that fit the model and are not in the list.
fn add_ui(ui: &mut Ui, loras: &InstalledLoras, draft: &mut Draft, model: &ModelInfo) {
    let fitting: Vec<_> = loras.fitting(&model.id).collect();
    if fitting.is_empty() {
        let name = &model.name;
        let words = match loras.installed().len() {
            _ if !loras.are_looked_at(&model.id) => "Looking which of them fit…".to_owned(),
            0 => "Drop a LoRA’s .safetensors file on the window to add it.".to_owned(),
            1 => format!("The LoRA that you have does not fit {name}."),
            n => format!("None of your {n} LoRAs fits {name}."),
        };
        widgets::remark(ui, &widgets::shown_message(&words));
        return;
    }
    let is_listed = |name: &str| draft.loras.iter().any(|lora| lora.name == name);
    let free = fitting.into_iter().filter(|lora| !is_listed(&lora.name));
    let free: Vec<_> = free.collect();
    let is_full = draft.loras.len() >= MOST_LORAS;
    if free.is_empty() || is_full {
        return;
    }
    let mut added = None;
    let combo = egui::ComboBox::from_id_salt("add a LoRA")
        .selected_text("Add a LoRA…")
        .width(WIDTH);
    let shown = combo.show_ui(ui, |ui| {
        for lora in free {
            let row = ui.selectable_label(false, widgets::shown(&lora.name));
            if row.on_hover_text(widgets::shown(&lora.facts)).clicked() {
                added = Some(lora.name.clone());
            }
        }
    });
    let _ = shown.response.accessible_name("Add a LoRA");
    if let Some(name) = added {
        draft.loras.push(LoraChoice { name, weight: 1.0 });
        draft.edited();
    }
}
