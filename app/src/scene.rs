//! What everything drawn in the window sees of the rest, how it answers, and words for it that several places show.

use std::time::Instant;

use limn_engine::protocol::SelfTest;

use crate::command::Command;
use crate::gallery::Recipe;
use crate::layer_pictures::LayerPictures;
use crate::session::{
    self, EngineState, GalleryView, PictureId, PictureRef, Run, RunState, Session, Usable,
};
use crate::settings::Settings;
use crate::textures::Textures;
use crate::widgets;

/// What panels see of everything, and how they answer.
pub struct Scene<'a> {
    pub session: &'a Session,
    pub gallery: &'a GalleryView,
    pub settings: &'a Settings,
    pub textures: &'a mut Textures,
    pub layer_pictures: &'a mut LayerPictures,
    pub commands: &'a mut Vec<Command>,
    pub now: Instant,
}

impl Scene<'_> {
    pub fn send(&mut self, command: Command) {
        self.commands.push(command);
    }

    /// How a picture was made, where Limn made it and that is known.
    pub fn recipe(&self, picture: PictureRef) -> Option<&Recipe> {
        session::recipe_of(self.session, self.gallery, picture)
    }

    /// What of a picture can be used again; of one that is not known yet nothing can.
    pub fn usable(&self, picture: PictureRef) -> Usable {
        Usable::of(self.session, self.gallery, picture).unwrap_or_default()
    }
}

/// Pictures that are dragged, to a board, the canvas or another panel: egui's payload.
#[derive(Debug, Clone, PartialEq)]
pub struct DraggedPictures(pub Vec<PictureRef>);

impl DraggedPictures {
    /// Those that are in the gallery.
    pub fn saved(&self, scene: &Scene<'_>) -> Vec<PictureId> {
        let ids = self.0.iter();
        ids.filter_map(|picture| scene.session.picture_id(*picture))
            .collect()
    }
}

/// What a device is, in a line.
pub fn device_words(device: &limn_engine::protocol::DeviceInfo) -> String {
    let mut parts = Vec::new();
    if device.is_gpu {
        parts.push(format!("GPU through {}", device.backend));
    } else {
        parts.push("CPU".to_owned());
    }
    if let Some(bytes) = device.memory_bytes {
        parts.push(widgets::bytes(bytes));
    }
    match &device.self_test {
        SelfTest::NotRun => parts.push("tested at its first use".to_owned()),
        SelfTest::Passed { rung } => parts.push(format!("tested, runs {rung}")),
        SelfTest::Failed { reason } => parts.push(format!("failed its test: {reason}")),
        SelfTest::NotNeeded => {}
    }
    parts.join(" · ")
}

pub fn run_state_words(run: &Run, scene: &Scene<'_>) -> String {
    let n = run.slots.len();
    if let (RunState::Starting | RunState::Running, Some(n_kernels)) = (&run.state, run.n_kernels())
    {
        return format!("Preparing the GPU, once · {n_kernels} kernels");
    }
    match &run.state {
        RunState::Waiting if scene.session.held.is_some() => {
            "Paused until pictures can be saved".to_owned()
        }
        RunState::Waiting => match &scene.session.engine {
            EngineState::Starting => "Waiting for the engine to start".to_owned(),
            EngineState::Restarting(_) => "Waiting for the engine to start again".to_owned(),
            _ => format!("Waiting · {}", widgets::pictures(n)),
        },
        RunState::Starting => match scene.session.engine {
            EngineState::Loading(fraction) => {
                format!("Reading the model, {:.0} %", fraction * 100.0)
            }
            _ => "Starting".to_owned(),
        },
        RunState::Running => match run.seconds_left(scene.now) {
            Some(left) => format!(
                "{} of {n} done · {} left",
                run.n_finished(),
                widgets::duration(left)
            ),
            None => format!("{} of {n} done", run.n_finished()),
        },
        RunState::Stopping => "Stopping…".to_owned(),
        RunState::Finished => widgets::pictures(n),
        RunState::Cancelled => format!("Cancelled · {} of {n} kept", run.n_finished()),
        RunState::Interrupted => format!("Interrupted · {} of {n} done", run.n_finished()),
        RunState::Failed(_) => format!("Failed · {} of {n} done", run.n_finished()),
    }
}
