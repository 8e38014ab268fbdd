//! Through which IP-Adapter the model looks at pictures, and how much of them it takes.

use egui::Ui;
use limn_engine::protocol::{Feature, IpAdapterChoice, ModelInfo};

use super::more::setting_row;
use crate::scene::Scene;
use crate::session::{Draft, IP_ADAPTER_SCALES};
use crate::widgets;

const AS_TRAINED: f32 = 1.0;

/// Only where there is one that fits the model.
pub(super) fn ip_adapter_rows_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    draft: &mut Draft,
    model: &ModelInfo,
) {
    let adapters = scene.session.ip_adapters.fitting(&model.id);
    let Some(first) = adapters.first() else {
        return;
    };
    if !model.features.contains(&Feature::IpAdapters) {
        return;
    }
    ui.add_space(8.0);
    widgets::section(ui, "Looking at pictures", "for variations, mixes and edits");
    // One that does not fit is left out, and the first takes its place.
    let chosen = draft.ip_adapter.as_ref();
    let chosen = chosen.filter(|chosen| adapters.iter().any(|one| one.name == chosen.name));
    let (mut name, mut scale) = chosen.map_or((None, AS_TRAINED), |chosen| {
        (Some(chosen.name.clone()), chosen.scale)
    });
    let usual = format!("{} (usual)", widgets::shown(&first.name));
    let tip = "What lets this model see pictures (IP-Adapter)";
    setting_row(ui, "Looks through", tip, |ui| {
        let text = name.as_deref().map_or(usual.clone(), widgets::shown);
        let combo = egui::ComboBox::from_id_salt("IP-Adapter")
            .selected_text(text)
            .width(180.0);
        let shown = combo.show_ui(ui, |ui| {
            ui.selectable_value(&mut name, None, usual.clone());
            for adapter in adapters {
                let label = widgets::shown(&adapter.name);
                let row = ui.selectable_value(&mut name, Some(adapter.name.clone()), label);
                row.on_hover_text(widgets::shown(&adapter.facts));
            }
        });
        let _ = shown.response.accessible_name("Looks through");
    });
    let tip = "How much of a picture it takes over; 1 is as it was trained (scale)";
    setting_row(ui, "How much of a picture", tip, |ui| {
        let slider = egui::Slider::new(&mut scale, IP_ADAPTER_SCALES)
            .step_by(0.05)
            .fixed_decimals(2);
        let slider = ui.add(slider).on_hover_text(tip);
        let _ = slider.accessible_name("How much of a picture");
    });
    let is_usual = name.is_none() && (scale - AS_TRAINED).abs() < 0.01;
    let now = (!is_usual).then(|| IpAdapterChoice {
        name: name.unwrap_or_else(|| first.name.clone()),
        scale,
    });
    // What was chosen for another model stays until another choice is made.
    let before = chosen.cloned();
    if now != before {
        draft.ip_adapter = now;
        draft.edited();
    }
}
