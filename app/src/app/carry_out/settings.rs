//! Commands that change the settings.

use limn_engine::protocol::{DeviceChoice, ModelId, Request};

use crate::app::App;
use crate::session::Effect;
use crate::settings::Change;

impl App {
    pub(in crate::app) fn set_model(&mut self, model: ModelId) {
        // A size off the new model's stride would only be refused.
        for open in self.session.documents.iter_mut() {
            open.draft.size = None;
        }
        self.settings.model = Some(model.0.clone());
        self.session.model = Some(model.clone());
        let compute = self.settings.compute.clone();
        self.carry_out_effects(vec![Effect::Ask(Request::Load { model, compute })]);
        self.save_settings();
    }

    pub(super) fn set_device(&mut self, device: DeviceChoice) {
        self.settings.compute.device = device;
        self.session.compute = self.settings.compute.clone();
        self.session.device = None;
        self.save_settings();
    }

    pub(in crate::app) fn save_settings(&mut self) {
        self.remember_prompt_bar();
        if let Some(keeper) = &self.settings_keeper {
            keeper.keep(Change {
                settings: self.settings.clone(),
                tabs_are_known: self.tabs.are_restored(),
            });
        }
    }

    pub(in crate::app) fn remember_prompt_bar(&mut self) {
        let draft = &self.session.documents.current().draft;
        let stored = &mut self.settings.prompt_bar;
        self.session
            .history
            .prompts()
            .clone_into(&mut stored.history);
        stored.n_pictures = draft.n_pictures;
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
