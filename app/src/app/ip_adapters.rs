//! Which IP-Adapters the chosen model can look at pictures through.

use std::path::PathBuf;

use egui::Context;
use limn_engine::catalogue::Catalogue;
use limn_engine::protocol::{Feature, ModelId};

use super::{App, DialogAnswer};
use crate::session::InstalledIpAdapter;
use crate::widgets;

impl App {
    /// Looks which IP-Adapters fit the chosen model, once for each model that looks through one.
    pub(super) fn look_for_ip_adapters(&mut self, ctx: &Context) {
        let Some(model) = self.session.current_model() else {
            return;
        };
        let id = model.id.clone();
        if !model.features.contains(&Feature::IpAdapters) || !self.session.ip_adapters.ask(&id) {
            return;
        }
        let library = self.folders.models.clone();
        self.in_dialog_thread(ctx, move || {
            let fitting = fitting_ip_adapters(library, &id);
            Some(DialogAnswer::IpAdapters { model: id, fitting })
        });
    }
}

/// Those of the library that the model can look through.
fn fitting_ip_adapters(library: PathBuf, id: &ModelId) -> Vec<InstalledIpAdapter> {
    let catalogue = Catalogue {
        library: Some(library),
        ..Catalogue::default()
    };
    let Ok(model) = catalogue.open(id) else {
        return Vec::new();
    };
    let reports = catalogue.installed_ip_adapters(model.as_ref()).into_iter();
    let usable = reports.filter(|report| {
        let fits = report.fit.as_ref().is_some_and(|(_, fits)| *fits);
        fits && report.encoder.is_some()
    });
    let shown = usable.map(|report| {
        let kind = if report.is_plus {
            "sees all parts of a picture"
        } else {
            "sees a picture as a whole"
        };
        let made_for = report.made_for.map(|made_for| format!(" · for {made_for}"));
        let facts = format!(
            "{kind}{} · {}",
            made_for.unwrap_or_default(),
            widgets::bytes(report.bytes)
        );
        InstalledIpAdapter {
            name: report.name,
            facts,
        }
    });
    shown.collect()
}
