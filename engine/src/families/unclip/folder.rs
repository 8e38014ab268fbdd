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
    model::{
        ComponentFiles, FamilyModel, ModelCard, ModelFiles, PriorSettings, Runtime, Settings,
        default_size, not_a_model, pipeline_class, read_card, read_scheduler, total_halving,
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
    decoder: ModelFolder,
    prior: PriorPlace,
    card: ModelCard,
    settings: Settings,
    scheduler: SchedulerConfig,
    prior_scheduler: SchedulerConfig,
    movq_scale: u32,
    unet_multiple: u32,
}

/// Where the prior pipeline's parts are.
#[derive(Debug, Clone)]
enum PriorPlace {
    /// Beside the decoder's, under names with `prior_` before them.
    Combined,
    Own(ModelFolder),
}

/// Which of its two kinds of U-Net a model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoder {
    Ordinary,
    /// Beside the latents it takes those of the picture and a mask.
    ForRepainting,
}

impl Decoder {
    /// `None` for a U-Net that does not fit the autoencoder.
    pub(super) fn of(unet: &UNetConfig, movq: &AutoencoderConfig) -> Option<Self> {
        let latent_channels = movq.latent_channels;
        match unet.in_channels {
            n if n == latent_channels => Some(Self::Ordinary),
            n if n == 2 * latent_channels + 1 => Some(Self::ForRepainting),
            _ => None,
        }
    }
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
        let scheduler = read_scheduler(&root.subfolder("scheduler"))?;
        scheduler.sampler()?;
        let prior_scheduler = read_scheduler(&prior.part(&root, "scheduler"))?;
        prior_scheduler.check_is_unclip()?;
        let card = read_card(&root)?;
        let mut folder = Self {
            settings: settings(&card, &scheduler, &prior_scheduler).map_err(|error| {
                not_a_model(&root, format!("its defaults do not work: {error}"))
            })?,
            card,
            scheduler,
            prior_scheduler,
            movq_scale: total_halving(&root.subfolder("movq"))?,
            unet_multiple: total_halving(&root.subfolder("unet"))?,
            decoder: root,
            prior,
        };
        folder.check_parts()?;
        let (own, stride) = (folder.settings.size, folder.stride());
        folder.settings.size = default_size(&folder.decoder, &folder.card, own, stride)?;
        Ok(folder)
    }

    fn check_parts(&self) -> Result<()> {
        for ComponentFiles { name, folder, .. } in self.components() {
            if !folder.has("config.json") {
                return Err(not_a_model(
                    &self.decoder,
                    format!("its folder has no {name}"),
                ));
            }
        }
        Ok(())
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
        self.of_decoder(components::UNET, 4, UNet::inspect)
    }

    pub fn movq(&self) -> ComponentFiles {
        self.of_decoder(components::MOVQ, 3, Autoencoder::inspect)
    }

    fn of_prior(
        &self,
        name: &'static str,
        stays: u8,
        inspect: fn(&ModelFolder) -> Result<crate::weights::LoadReport>,
    ) -> ComponentFiles {
        ComponentFiles {
            name,
            folder: self.prior.part(&self.decoder, name),
            stays,
            inspect,
        }
    }

    fn of_decoder(
        &self,
        name: &'static str,
        stays: u8,
        inspect: fn(&ModelFolder) -> Result<crate::weights::LoadReport>,
    ) -> ComponentFiles {
        ComponentFiles {
            name,
            folder: self.decoder.subfolder(name),
            stays,
            inspect,
        }
    }

    /// The folder of the text encoder's vocabulary.
    pub(super) fn tokenizer(&self) -> ModelFolder {
        self.prior.part(&self.decoder, "tokenizer")
    }

    /// The folder that says how pictures are prepared for the image encoder.
    pub(super) fn image_processor(&self) -> ModelFolder {
        self.prior.part(&self.decoder, "image_processor")
    }

    /// The decoder's.
    pub fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    pub(super) fn prior_scheduler(&self) -> &SchedulerConfig {
        &self.prior_scheduler
    }

    /// Picture pixels per latent cell, along one side.
    pub(super) fn movq_scale(&self) -> u32 {
        self.movq_scale
    }

    fn decoder_kind(&self) -> Option<Decoder> {
        let unet: UNetConfig = self.unet().folder.read_json("config.json").ok()?;
        let movq: AutoencoderConfig = self.movq().folder.read_json("config.json").ok()?;
        Decoder::of(&unet, &movq)
    }
}

impl ModelFiles for UnclipFolder {
    fn family(&self) -> &'static str {
        super::NAME
    }

    /// The folder itself; of a model in two, the decoder's.
    fn root(&self) -> &ModelFolder {
        &self.decoder
    }

    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn settings(&self) -> Settings {
        self.settings
    }

    /// The reference rounds the latents of a picture to whole multiples of the autoencoder's scale; the U-Net halves
    /// them once for each of its levels.
    fn stride(&self) -> u32 {
        self.movq_scale * self.movq_scale.max(self.unet_multiple)
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
        match self.decoder_kind() {
            Some(Decoder::Ordinary) => Operation::ALL.to_vec(),
            Some(Decoder::ForRepainting) => {
                let all = Operation::ALL.into_iter();
                all.filter(|operation| operation.is_edit()).collect()
            }
            None => Vec::new(),
        }
    }

    fn features(&self) -> Vec<Feature> {
        let mut features = vec![
            Feature::ImageEmbeddings,
            Feature::NegativePrompt,
            Feature::Guidance,
        ];
        match self.decoder_kind() {
            Some(Decoder::Ordinary) => {}
            Some(Decoder::ForRepainting) => features.push(Feature::RepaintingChannels),
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
                heading: Some("From words to a picture's idea (prior)".to_owned()),
                ..settings.info(
                    Setting::PriorSteps,
                    [
                        "Idea steps",
                        "Steps of the prior (prior_num_inference_steps)",
                    ],
                    [2.0, 150.0],
                )
            },
            settings.info(
                Setting::PriorGuidance,
                ["Follow the words", "How strictly (prior_guidance_scale)"],
                [1.0, 15.0],
            ),
        ]
    }

    fn open(self: Box<Self>, runtime: &Runtime) -> Result<Box<dyn FamilyModel>> {
        Ok(Box::new(UnclipModel::open(*self, runtime)?))
    }
}

/// The reference pipelines' own defaults stand behind the card, as far as the schedules have so many steps.
///
/// # Errors
/// [`Error::OutOfRange`] when the card asks for steps that the schedules do not have.
fn settings(
    card: &ModelCard,
    scheduler: &SchedulerConfig,
    prior_scheduler: &SchedulerConfig,
) -> Result<Settings> {
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
