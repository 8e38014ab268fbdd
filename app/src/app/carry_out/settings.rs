//! Commands that change the settings.

use egui::Context;
use limn_engine::protocol::{DeviceChoice, ModelId, Request};

use super::DialogAnswer;
use crate::app::App;
use crate::session::Effect;

impl App {
    pub(super) fn set_model(&mut self, ctx: &Context, model: ModelId) {
        // A size off the new model's stride would only be refused.
        self.session.draft_mut().size = None;
        self.settings.model = Some(model.0.clone());
        self.session.model = Some(model.clone());
        let compute = self.settings.compute.clone();
        self.carry_out_effects(vec![Effect::Ask(Request::Load { model, compute })]);
        self.save_settings(ctx);
    }

    pub(super) fn set_device(&mut self, ctx: &Context, device: DeviceChoice) {
        self.settings.compute.device = device;
        self.session.compute = self.settings.compute.clone();
        self.session.device = None;
        self.save_settings(ctx);
    }

    pub(in crate::app) fn save_settings(&mut self, ctx: &Context) {
        self.remember_prompt_bar();
        let (settings, folders) = (self.settings.clone(), self.folders.clone());
        self.in_dialog_thread(ctx, move || {
            let error = settings.save(&folders).err()?;
            Some(DialogAnswer::Failed(error.to_string()))
        });
    }

    pub(in crate::app) fn remember_prompt_bar(&mut self) {
        let draft = &self.session.documents.current().draft;
        let stored = &mut self.settings.prompt_bar;
        self.session
            .history
            .prompts()
            .clone_into(&mut stored.history);
        stored.n_pictures = draft.n_pictures;
        let negative = draft.negative_prompt.trim();
        stored.negative_prompt = (!negative.is_empty()).then(|| negative.to_owned());
        stored.size = draft.size;
        stored.best_of = draft.best_of;
        stored.sampling.clone_from(&draft.sampling);
        stored.seed = draft.seed_is_locked.then_some(draft.seed);
        self.settings
            .tools
            .clone_from(&self.session.toolbox.settings);
        self.remember_tabs();
    }
}
