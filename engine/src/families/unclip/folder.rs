//! The unCLIP family in the Kandinsky 2.2 format of diffusers: where its parts lie.

use std::path::Path;

use super::{UnclipModel, components};
use crate::{
    Error, Result,
    components::{
        autoencoders::{Autoencoder, AutoencoderConfig},
        denoisers::{UNet, UNetConfig},
        priors::Prior,
        text_encoders::ClipTextEncoder,
        vision_encoders::ClipVisionEncoder,
    },
    families::denoiser_kind::DenoiserKind,
    model::{
        ComponentFiles, FamilyModel, ModelCard, ModelFiles, PipelineFolder, PriorSettings, Runtime,
        Settings, check_parts, not_a_model, pipeline_class, read_scheduler,
    },
    protocol::{Feature, Operation, Setting, SettingInfo},
    samplers::{AncestralSchedule, Schedule},
    schedules::SchedulerConfig,
    weights::ModelFolder,
};

pub(super) const COMBINED_PIPELINES: [&str; 3] = [
    "KandinskyV22CombinedPipeline",
    "KandinskyV22Img2ImgCombinedPipeline",
    "KandinskyV22InpaintCombinedPipeline",
];
pub(super) const DECODER_PIPELINES: [&str; 3] = [
    "KandinskyV22Pipeline",
    "KandinskyV22Img2ImgPipeline",
    "KandinskyV22InpaintPipeline",
];
pub(super) const PRIOR_PIPELINES: [&str; 2] = [
    "KandinskyV22PriorPipeline",
    "KandinskyV22PriorEmb2EmbPipeline",
];

/// An unCLIP model: one combined folder, or a decoder's and a prior's.
#[derive(Debug, Clone)]
pub struct UnclipFolder {
    decoder: PipelineFolder,
    prior: PriorPlace,
    settings: Settings,
    prior_scheduler: SchedulerConfig,
}

/// Where the prior pipeline's parts are.
#[derive(Debug, Clone)]
enum PriorPlace {
    /// Beside the decoder's, under names with `prior_` before them.
    Combined,
    Own(ModelFolder),
}

impl UnclipFolder {
    /// Reads the configs and checks that every part is there; weights are not opened.
    ///
    /// A decoder without `prior` finds one in a folder inside it or beside it.
    ///
    /// # Errors
    /// [`Error::NotAModel`] with the reason; [`Error::Io`].
    pub fn open(root: ModelFolder, prior: Option<ModelFolder>) -> Result<Self> {
        let class = pipeline_class(&root)?;
        let prior = if COMBINED_PIPELINES.contains(&class.as_str()) {
            PriorPlace::Combined
        } else if DECODER_PIPELINES.contains(&class.as_str()) {
            PriorPlace::Own(find_prior(&root, prior)?)
        } else {
            let reason = if PRIOR_PIPELINES.contains(&class.as_str()) {
                "it is the prior of a model; open the decoder's folder, with this one as its prior"
                    .to_owned()
            } else {
                format!("its pipeline is {class}, which is no unCLIP")
            };
            return Err(not_a_model(&root, reason));
        };
        let decoder = PipelineFolder::read(root, components::MOVQ)?;
        decoder.scheduler.sampler()?;
        let prior_scheduler = read_scheduler(&prior.part(&decoder.root, "scheduler"))?;
        prior_scheduler.check_is_unclip()?;
        let settings = settings(&decoder, &prior_scheduler);
        let folder = Self {
            settings: decoder.checked(settings, stride(&decoder))?,
            decoder,
            prior,
            prior_scheduler,
        };
        check_parts(folder.root(), &folder.components())?;
        Ok(folder)
    }

    pub fn text_encoder(&self) -> ComponentFiles {
        self.of_prior(components::TEXT_ENCODER, 1, ClipTextEncoder::inspect)
    }

    pub fn prior(&self) -> ComponentFiles {
        self.of_prior(components::PRIOR, 2, Prior::inspect)
    }

    pub fn image_encoder(&self) -> ComponentFiles {
        self.of_prior(components::IMAGE_ENCODER, 0, ClipVisionEncoder::inspect)
    }

    pub fn unet(&self) -> ComponentFiles {
        ComponentFiles::in_folder(self.root(), components::UNET, 4, UNet::inspect)
    }

    pub fn movq(&self) -> ComponentFiles {
        ComponentFiles::in_folder(self.root(), components::MOVQ, 3, Autoencoder::inspect)
    }

    fn of_prior(
        &self,
        name: &'static str,
        stays: u8,
        inspect: fn(&ModelFolder) -> Result<crate::weights::LoadReport>,
    ) -> ComponentFiles {
        ComponentFiles {
            name,
            folder: self.prior.part(&self.decoder.root, name),
            stays,
            inspect,
        }
    }

    /// The folder of the text encoder's vocabulary.
    pub(super) fn tokenizer(&self) -> ModelFolder {
        self.prior.part(&self.decoder.root, "tokenizer")
    }

    /// The folder that says how pictures are prepared for the image encoder.
    pub(super) fn image_processor(&self) -> ModelFolder {
        self.prior.part(&self.decoder.root, "image_processor")
    }

    /// The decoder's.
    pub fn scheduler(&self) -> &SchedulerConfig {
        &self.decoder.scheduler
    }

    pub(super) fn prior_scheduler(&self) -> &SchedulerConfig {
        &self.prior_scheduler
    }

    /// Picture pixels per latent cell, along one side.
    pub(super) fn movq_scale(&self) -> u32 {
        self.decoder.latent_scale
    }

    fn decoder_kind(&self) -> Option<DenoiserKind> {
        let unet: UNetConfig = self.unet().folder.read_json("config.json").ok()?;
        let movq: AutoencoderConfig = self.movq().folder.read_json("config.json").ok()?;
        DenoiserKind::of(&unet, movq.latent_channels)
    }
}

impl ModelFiles for UnclipFolder {
    fn family(&self) -> &'static str {
        super::NAME
    }

    /// The folder itself; of a model in two, the decoder's.
    fn root(&self) -> &ModelFolder {
        &self.decoder.root
    }

    fn card(&self) -> &ModelCard {
        &self.decoder.card
    }

    fn settings(&self) -> Settings {
        self.settings
    }

    fn stride(&self) -> u32 {
        stride(&self.decoder)
    }

    fn components(&self) -> Vec<ComponentFiles> {
        vec![
            self.text_encoder(),
            self.prior(),
            self.image_encoder(),
            self.unet(),
            self.movq(),
        ]
    }

    fn operations(&self) -> Vec<Operation> {
        let kind = self.decoder_kind();
        kind.map_or_else(Vec::new, |kind| kind.operations(&Operation::ALL))
    }

    fn features(&self) -> Vec<Feature> {
        let mut features = vec![
            Feature::ImageEmbeddings,
            Feature::NegativePrompt,
            Feature::Guidance,
        ];
        match self.decoder_kind() {
            Some(DenoiserKind::Ordinary) => {}
            Some(DenoiserKind::ForRepainting) => features.push(Feature::RepaintingChannels),
            None => return Vec::new(),
        }
        features.push(Feature::Embeddings);
        features
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
            SettingInfo {
                heading: Some("Reading the prompt".to_owned()),
                ..settings.info(
                    Setting::PriorSteps,
                    [
                        "Reading steps",
                        "More steps: reads the prompt more closely, slower (prior_num_inference_steps)",
                    ],
                    [2.0, 150.0],
                )
            },
            settings.info(
                Setting::PriorGuidance,
                ["Follow the words", "How strictly the prompt is read (prior_guidance_scale)"],
                [1.0, 15.0],
            ),
        ]
    }

    fn notes(&self) -> Vec<String> {
        self.decoder.scheduler.substitution().into_iter().collect()
    }

    fn open(self: Box<Self>, runtime: &Runtime) -> Result<Box<dyn FamilyModel>> {
        Ok(Box::new(UnclipModel::open(*self, runtime)?))
    }
}

/// The reference rounds the latents of a picture to whole multiples of the autoencoder's scale; the U-Net halves them
/// once for each of its levels.
fn stride(decoder: &PipelineFolder) -> u32 {
    decoder.latent_scale * decoder.latent_scale.max(decoder.latent_multiple)
}

/// The reference pipelines' own defaults stand behind the card, as far as the schedules have so many steps.
///
/// # Errors
/// [`Error::OutOfRange`] when the card asks for steps that the schedules do not have.
fn settings(decoder: &PipelineFolder, prior_scheduler: &SchedulerConfig) -> Result<Settings> {
    let PipelineFolder {
        card, scheduler, ..
    } = decoder;
    let most = |config: &SchedulerConfig, n: u32| n.min(config.n_train_timesteps as u32);
    let prior = PriorSettings {
        n_steps: card
            .prior_steps
            .unwrap_or_else(|| most(prior_scheduler, 25)),
        guidance_scale: card.prior_guidance_scale.unwrap_or(4.0),
    };
    let settings = Settings {
        size: card.size.unwrap_or((512, 512)),
        sampler: match card.sampler {
            Some(sampler) => sampler,
            None => scheduler.sampler()?,
        },
        n_steps: card.steps.unwrap_or_else(|| most(scheduler, 100)),
        guidance_scale: card.guidance_scale.unwrap_or(4.0),
        prior: Some(prior),
        clip_skip: None,
        spacing: card.spacing,
        guidance_rescale: None,
    };
    Schedule::new(settings.sampler, scheduler, settings.n_steps as usize)?;
    AncestralSchedule::unclip(prior_scheduler, prior.n_steps as usize)?;
    Ok(settings)
}

impl PriorPlace {
    fn part(&self, decoder: &ModelFolder, name: &str) -> ModelFolder {
        match self {
            Self::Combined => decoder.subfolder(&format!("prior_{name}")),
            Self::Own(folder) => folder.subfolder(name),
        }
    }
}

/// Whether the folder holds a prior's pipeline and nothing else.
fn is_prior(folder: &ModelFolder) -> bool {
    pipeline_class(folder).is_ok_and(|class| PRIOR_PIPELINES.contains(&class.as_str()))
}

fn find_prior(decoder: &ModelFolder, named: Option<ModelFolder>) -> Result<ModelFolder> {
    if let Some(prior) = named {
        if is_prior(&prior) {
            return Ok(prior);
        }
        let reason = "it is not the folder of a prior (KandinskyV22PriorPipeline)".to_owned();
        return Err(not_a_model(&prior, reason));
    }
    let ModelFolder::Disk(path) = decoder else {
        return Err(missing_prior(decoder));
    };
    let inside = subfolders(path);
    let beside = path.parent().map(subfolders).unwrap_or_default();
    inside
        .into_iter()
        .chain(beside)
        .find(is_prior)
        .ok_or_else(|| missing_prior(decoder))
}

fn missing_prior(decoder: &ModelFolder) -> Error {
    let reason = "it is a decoder, and its prior is neither inside nor beside it: put the prior's folder there, or name it with --prior";
    not_a_model(decoder, reason.to_owned())
}

/// In a fixed order, so that the same folder is found every time.
fn subfolders(path: &Path) -> Vec<ModelFolder> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    paths.into_iter().map(ModelFolder::Disk).collect()
}
