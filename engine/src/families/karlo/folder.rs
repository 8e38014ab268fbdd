//! Karlo in diffusers' format: where its parts lie.

use serde::Deserialize;

use super::{FROM_PICTURES, NAME, model::KarloModel};
use crate::{
    Result,
    components::{
        denoisers::UNet,
        priors::{DecoderProjection, Prior},
        text_encoders::ClipTextEncoder,
        vision_encoders::ClipVisionEncoder,
    },
    model::{
        ComponentFiles, FamilyModel, ModelCard, ModelFiles, PriorSettings, Runtime, Settings,
        check_parts, default_size, not_a_model, pipeline_class, read_card, read_scheduler,
        total_halving,
    },
    protocol::{Feature, Operation, Setting, SettingInfo},
    samplers::{AncestralSchedule, Sampler, Schedule},
    schedules::SchedulerConfig,
    weights::ModelFolder,
};

pub(super) const TEXT_ENCODER: &str = "text_encoder";
pub(super) const PRIOR: &str = "prior";
pub(super) const IMAGE_ENCODER: &str = "image_encoder";
pub(super) const PROJECTION: &str = "text_proj";
pub(super) const DECODER: &str = "decoder";
pub(super) const ENLARGER: &str = "super_res_first";
/// For the last step alone.
pub(super) const FINISHER: &str = "super_res_last";

#[derive(Debug, Clone)]
pub(super) struct KarloFolder {
    root: ModelFolder,
    card: ModelCard,
    settings: Settings,
    pub decoder_scheduler: SchedulerConfig,
    /// `None` in a folder that makes pictures from pictures.
    pub prior_scheduler: Option<SchedulerConfig>,
    pub enlarging_scheduler: SchedulerConfig,
    /// How many times wider and higher a picture becomes.
    pub scale: u32,
    multiple: u32,
}

/// What a network's config says that its pictures' sides are, in pixels.
#[derive(Deserialize)]
struct SampleSize {
    sample_size: u32,
}

impl KarloFolder {
    /// Reads the configs and checks that every part is there; weights are not opened.
    ///
    /// # Errors
    /// [`Error::NotAModel`](crate::Error::NotAModel) with the reason; [`Error::Io`](crate::Error::Io).
    pub fn open(root: ModelFolder) -> Result<Self> {
        let unclip = |name: &str| -> Result<SchedulerConfig> {
            let scheduler = read_scheduler(&root.subfolder(name))?;
            scheduler.check_is_unclip()?;
            Ok(scheduler)
        };
        let makes_from_pictures = pipeline_class(&root)? == FROM_PICTURES;
        let prior_scheduler = if makes_from_pictures {
            None
        } else {
            Some(unclip("prior_scheduler")?)
        };
        let decoder_scheduler = unclip("decoder_scheduler")?;
        let side = |name: &str| -> Result<u32> {
            let size: SampleSize = root.subfolder(name).read_json("config.json")?;
            Ok(size.sample_size)
        };
        let (small, large) = (side(DECODER)?, side(ENLARGER)?);
        if small == 0 || large < small || large % small != 0 {
            let reason =
                format!("its decoder draws {small} pixels a side, of which {large} cannot be made");
            return Err(not_a_model(&root, reason));
        }
        let card = read_card(&root)?;
        let settings = settings(&card, &decoder_scheduler, prior_scheduler.as_ref(), large);
        let settings = settings
            .map_err(|error| not_a_model(&root, format!("its defaults do not work: {error}")))?;
        let mut opened = Self {
            card,
            settings,
            enlarging_scheduler: unclip("super_res_scheduler")?,
            decoder_scheduler,
            prior_scheduler,
            scale: large / small,
            multiple: total_halving(&root.subfolder(DECODER))?,
            root,
        };
        check_parts(&opened.root, &opened.components())?;
        let stride = opened.stride();
        opened.settings.size = default_size(&opened.root, &opened.card, settings.size, stride)?;
        Ok(opened)
    }

    pub fn part(&self, name: &'static str) -> ComponentFiles {
        let root = &self.root;
        match name {
            TEXT_ENCODER => ComponentFiles::in_folder(root, name, 1, ClipTextEncoder::inspect),
            PRIOR => ComponentFiles::in_folder(root, name, 2, Prior::inspect),
            IMAGE_ENCODER => ComponentFiles::in_folder(root, name, 0, ClipVisionEncoder::inspect),
            PROJECTION => ComponentFiles::in_folder(root, name, 3, DecoderProjection::inspect),
            DECODER => ComponentFiles::in_folder(root, name, 5, UNet::inspect),
            _ => ComponentFiles::in_folder(root, name, 4, UNet::inspect),
        }
    }
}

impl ModelFiles for KarloFolder {
    fn family(&self) -> &'static str {
        NAME
    }

    fn root(&self) -> &ModelFolder {
        &self.root
    }

    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn settings(&self) -> Settings {
        self.settings
    }

    fn stride(&self) -> u32 {
        self.scale * self.multiple
    }

    fn components(&self) -> Vec<ComponentFiles> {
        let second = match self.prior_scheduler {
            Some(_) => PRIOR,
            None => IMAGE_ENCODER,
        };
        let names = [
            TEXT_ENCODER,
            second,
            PROJECTION,
            DECODER,
            ENLARGER,
            FINISHER,
        ];
        names.map(|name| self.part(name)).to_vec()
    }

    fn operations(&self) -> Vec<Operation> {
        match self.prior_scheduler {
            Some(_) => vec![
                Operation::Generate,
                Operation::Inpaint,
                Operation::ImageToImage,
                Operation::Outpaint,
            ],
            None => vec![Operation::Variations, Operation::Blend, Operation::Upscale],
        }
    }

    fn features(&self) -> Vec<Feature> {
        match self.prior_scheduler {
            Some(_) => vec![Feature::Guidance],
            None => vec![Feature::ImageEmbeddings, Feature::Guidance],
        }
    }

    fn setting_infos(&self, settings: &Settings) -> Vec<SettingInfo> {
        let mut infos = vec![
            settings.info(
                Setting::Steps,
                [
                    "Steps",
                    "More steps: finer, slower (decoder_num_inference_steps)",
                ],
                [2.0, 150.0],
            ),
            settings.info(
                Setting::Guidance,
                ["Follow the prompt", "How strictly (decoder_guidance_scale)"],
                [1.0, 15.0],
            ),
        ];
        if settings.prior.is_some() {
            infos.push(SettingInfo {
                heading: Some("From words to a picture's idea (prior)".to_owned()),
                ..settings.info(
                    Setting::PriorSteps,
                    [
                        "Idea steps",
                        "Steps of the prior (prior_num_inference_steps)",
                    ],
                    [2.0, 150.0],
                )
            });
            infos.push(settings.info(
                Setting::PriorGuidance,
                ["Follow the words", "How strictly (prior_guidance_scale)"],
                [1.0, 15.0],
            ));
        }
        infos
    }

    fn open(self: Box<Self>, runtime: &Runtime) -> Result<Box<dyn FamilyModel>> {
        Ok(Box::new(KarloModel::open(*self, runtime)?))
    }
}

/// The reference pipelines' own defaults stand behind the card.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) when the card asks for steps that the schedules do not have.
fn settings(
    card: &ModelCard,
    scheduler: &SchedulerConfig,
    prior_scheduler: Option<&SchedulerConfig>,
    side_px: u32,
) -> Result<Settings> {
    const N_STEPS: u32 = 25;
    let most = |config: &SchedulerConfig| N_STEPS.min(config.n_train_timesteps as u32);
    let prior = prior_scheduler.map(|config| PriorSettings {
        n_steps: card.prior_steps.unwrap_or_else(|| most(config)),
        guidance_scale: card.prior_guidance_scale.unwrap_or(4.0),
    });
    let settings = Settings {
        size: card.size.unwrap_or((side_px, side_px)),
        sampler: card.sampler.unwrap_or(Sampler::Ddpm),
        n_steps: card.steps.unwrap_or_else(|| most(scheduler)),
        guidance_scale: card.guidance_scale.unwrap_or(8.0),
        prior,
        clip_skip: None,
        spacing: card.spacing,
        guidance_rescale: None,
    };
    Schedule::new(settings.sampler, scheduler, settings.n_steps as usize)?;
    if let (Some(prior), Some(config)) = (prior, prior_scheduler) {
        AncestralSchedule::unclip(config, prior.n_steps as usize)?;
    }
    Ok(settings)
}
