//! Stable Diffusion in diffusers' format: where its parts lie.

use super::{StableDiffusionModel, components};
use crate::{
    Result,
    components::{autoencoders::KlAutoencoder, denoisers::UNet, text_encoders::ClipTextEncoder},
    model::{
        ComponentFiles, FamilyModel, ModelCard, ModelFiles, Runtime, Settings, default_size,
        not_a_model, read_card, read_scheduler, total_halving,
    },
    protocol::{Feature, Operation, Setting, SettingInfo},
    samplers::{Sampler, Schedule},
    schedules::SchedulerConfig,
    weights::{LoadReport, ModelFolder},
};

#[derive(Debug, Clone)]
pub struct StableDiffusionFolder {
    folder: ModelFolder,
    card: ModelCard,
    settings: Settings,
    scheduler: SchedulerConfig,
    latent_scale: u32,
    unet_multiple: u32,
}

impl StableDiffusionFolder {
    /// Reads the configs and checks that every part is there; weights are not opened.
    ///
    /// # Errors
    /// [`Error::NotAModel`](crate::Error::NotAModel) with the reason; [`Error::Io`](crate::Error::Io).
    pub fn open(folder: ModelFolder) -> Result<Self> {
        let card = read_card(&folder)?;
        let scheduler = read_scheduler(&folder.subfolder("scheduler"))?;
        let settings = settings(&card, &scheduler)
            .map_err(|error| not_a_model(&folder, format!("its defaults do not work: {error}")))?;
        let mut opened = Self {
            card,
            settings,
            scheduler,
            latent_scale: total_halving(&folder.subfolder(components::VAE))?,
            unet_multiple: total_halving(&folder.subfolder(components::UNET))?,
            folder,
        };
        for ComponentFiles { name, folder, .. } in opened.components() {
            if !folder.has("config.json") {
                let reason = format!("its folder has no {name}");
                return Err(not_a_model(&opened.folder, reason));
            }
        }
        let (own, stride) = (settings.size, opened.stride());
        opened.settings.size = default_size(&opened.folder, &opened.card, own, stride)?;
        Ok(opened)
    }

    pub fn text_encoder(&self) -> ComponentFiles {
        self.part(components::TEXT_ENCODER, 0, ClipTextEncoder::inspect)
    }

    pub fn unet(&self) -> ComponentFiles {
        self.part(components::UNET, 2, UNet::inspect)
    }

    pub fn vae(&self) -> ComponentFiles {
        self.part(components::VAE, 1, KlAutoencoder::inspect)
    }

    fn part(
        &self,
        name: &'static str,
        stays: u8,
        inspect: fn(&ModelFolder) -> Result<LoadReport>,
    ) -> ComponentFiles {
        ComponentFiles {
            name,
            folder: self.folder.subfolder(name),
            stays,
            inspect,
        }
    }

    pub(super) fn tokenizer(&self) -> ModelFolder {
        self.folder.subfolder("tokenizer")
    }

    pub(super) fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    /// Picture pixels per latent cell, along one side.
    pub(super) fn latent_scale(&self) -> u32 {
        self.latent_scale
    }
}

impl ModelFiles for StableDiffusionFolder {
    fn family(&self) -> &'static str {
        super::NAME
    }

    fn root(&self) -> &ModelFolder {
        &self.folder
    }

    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn settings(&self) -> Settings {
        self.settings
    }

    fn stride(&self) -> u32 {
        self.latent_scale * self.unet_multiple
    }

    fn components(&self) -> Vec<ComponentFiles> {
        vec![self.text_encoder(), self.unet(), self.vae()]
    }

    fn operations(&self) -> Vec<Operation> {
        vec![
            Operation::Generate,
            Operation::Inpaint,
            Operation::ImageToImage,
            Operation::Outpaint,
        ]
    }

    fn features(&self) -> Vec<Feature> {
        vec![Feature::NegativePrompt, Feature::Guidance]
    }

    fn setting_infos(&self, settings: &Settings) -> Vec<SettingInfo> {
        vec![
            settings.info(
                Setting::Steps,
                ["Steps", "More steps: finer, slower (num_inference_steps)"],
                [1.0, 150.0],
            ),
            settings.info(
                Setting::Guidance,
                ["Follow the prompt", "How strictly (guidance_scale)"],
                [1.0, 15.0],
            ),
            settings.info(
                Setting::ClipSkip,
                [
                    "Clip skip",
                    "How many of the text encoder's last layers are left out (clip_skip)",
                ],
                [0.0, 11.0],
            ),
        ]
    }

    fn open(self: Box<Self>, runtime: &Runtime) -> Result<Box<dyn FamilyModel>> {
        Ok(Box::new(StableDiffusionModel::open(*self, runtime)?))
    }
}

/// diffusers' own defaults stand behind the card, as far as the schedule has so many steps.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) when the card asks for steps that the schedule does not have.
fn settings(card: &ModelCard, scheduler: &SchedulerConfig) -> Result<Settings> {
    const N_STEPS: u32 = 50;
    // Public folders ask for PNDM, which Limn has not; its nearest kin visits the same timesteps.
    let own_sampler = scheduler.sampler().unwrap_or(Sampler::Ddim);
    let most = scheduler.n_train_timesteps as u32;
    let settings = Settings {
        size: card.size.unwrap_or((512, 512)),
        sampler: card.sampler.unwrap_or(own_sampler),
        n_steps: card.steps.unwrap_or(N_STEPS.min(most)),
        guidance_scale: card.guidance_scale.unwrap_or(7.5),
        prior: None,
        clip_skip: Some(0),
    };
    Schedule::new(settings.sampler, scheduler, settings.n_steps as usize)?;
    Ok(settings)
}
