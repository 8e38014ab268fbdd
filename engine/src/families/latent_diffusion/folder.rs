//! Folders of latent diffusion models in diffusers' format: where their parts lie.

use burn::tensor::DType;
use serde::Deserialize;

use super::{
    OpenWords, SightFacts, TextEncoder, UNET, VAE, VaeLoader,
    model::LatentModel,
    single_file::{self, Layout},
};
use crate::{
    Result,
    components::{
        autoencoders::{AutoencoderParts, KlAutoencoder, KlConfig},
        denoisers::{UNet, UNetConfig},
        ip_adapter::IpAdapterConfig,
    },
    families::{Probe, denoiser_kind::DenoiserKind},
    model::{
        ComponentFiles, FamilyModel, Loader, ModelCard, ModelFiles, PipelineFolder, Runtime,
        Settings, Slots, check_parts,
    },
    protocol::{Feature, Operation, Setting, SettingInfo},
    samplers::Schedule,
    schedules::SchedulerConfig,
    weights::{LoadOptions, ModelFolder},
};

/// What one family of latent diffusion has that another has not.
#[derive(Debug)]
pub(in crate::families) struct Facts {
    pub family: &'static str,
    /// As their folders are called.
    pub text_encoders: &'static [&'static str],
    /// diffusers' own default.
    pub guidance_scale: f32,
    /// The size of pictures where the U-Net's config does not say.
    pub side_px: u32,
    /// Whether an autoencoder that says `force_upcast` runs in f32.
    pub upcasts_autoencoder: bool,
    /// `None` for a family that does not look at pictures.
    pub sight: Option<SightFacts>,
    pub open_words: OpenWords,
    pub single_file: &'static Layout,
}

/// A model whose configs were read; its weights are not opened.
#[derive(Debug, Clone)]
pub struct LatentFolder {
    pub(super) facts: &'static Facts,
    pipeline: PipelineFolder,
    settings: Settings,
}

/// Opens what a probe found: a folder, or a single file seen as one.
///
/// # Errors
/// Those of [`LatentFolder::open`]; [`Error::NotAModel`](crate::Error::NotAModel) for a file that is no whole model.
pub(in crate::families) fn family_folder(
    facts: &'static Facts,
    probe: &Probe,
) -> Result<Box<dyn ModelFiles>> {
    let folder = match probe {
        Probe::Folder { folder, .. } => folder.clone(),
        Probe::File(file) => single_file::folder(file, facts.single_file, facts.family)?,
    };
    Ok(Box::new(LatentFolder::open(facts, folder)?))
}

impl LatentFolder {
    /// Reads the configs and checks that every part is there; weights are not opened.
    ///
    /// # Errors
    /// [`Error::NotAModel`](crate::Error::NotAModel) with the reason; [`Error::Io`](crate::Error::Io).
    pub(in crate::families) fn open(facts: &'static Facts, root: ModelFolder) -> Result<Self> {
        let pipeline = PipelineFolder::read(root, VAE)?;
        let stride = pipeline.latent_scale * pipeline.latent_multiple;
        let settings = pipeline.checked(settings(facts, &pipeline), stride)?;
        let opened = Self {
            facts,
            pipeline,
            settings,
        };
        check_parts(opened.root(), &opened.components())?;
        Ok(opened)
    }

    pub(super) fn unet(&self) -> ComponentFiles {
        ComponentFiles::in_folder(self.root(), UNET, 2, UNet::inspect)
    }

    pub(super) fn vae(&self) -> ComponentFiles {
        ComponentFiles::in_folder(self.root(), VAE, 1, KlAutoencoder::inspect)
    }

    pub(super) fn scheduler(&self) -> &SchedulerConfig {
        &self.pipeline.scheduler
    }

    /// Picture pixels per latent cell, along one side.
    pub(super) fn latent_scale(&self) -> u32 {
        self.pipeline.latent_scale
    }

    pub(super) fn unet_bytes(&self, slots: &Slots) -> Result<u64> {
        slots.needed_bytes(&Loader::whole(&self.unet(), &UNet::load))
    }

    /// Hands `body` the way to load the autoencoder with these parts, at least, in `dtype` or in the running one.
    pub(super) fn with_vae<R>(
        &self,
        parts: AutoencoderParts,
        dtype: Option<DType>,
        body: impl FnOnce(&VaeLoader) -> R,
    ) -> R {
        body(&Loader {
            files: &self.vae(),
            load: &|folder: &ModelFolder, options: &LoadOptions| {
                KlAutoencoder::load(folder, parts, options)
            },
            is_read: &|name| KlAutoencoder::is_read(parts, name),
            is_enough: &|vae| parts == AutoencoderParts::Decoder || vae.can_encode(),
            dtype,
        })
    }

    fn kind(&self) -> Option<DenoiserKind> {
        let unet: UNetConfig = self.unet().folder.read_json("config.json").ok()?;
        let vae: KlConfig = self.vae().folder.read_json("config.json").ok()?;
        DenoiserKind::of(&unet, vae.coders.latent_channels)
    }
}

/// What can be asked for. Without embeddings of pictures variations and blends start from the pictures themselves.
const OPERATIONS: [Operation; 7] = [
    Operation::Generate,
    Operation::Inpaint,
    Operation::ImageToImage,
    Operation::Outpaint,
    Operation::Variations,
    Operation::Blend,
    Operation::Upscale,
];

impl ModelFiles for LatentFolder {
    fn family(&self) -> &'static str {
        self.facts.family
    }

    fn root(&self) -> &ModelFolder {
        &self.pipeline.root
    }

    fn card(&self) -> &ModelCard {
        &self.pipeline.card
    }

    fn settings(&self) -> Settings {
        self.settings
    }

    fn stride(&self) -> u32 {
        self.pipeline.latent_scale * self.pipeline.latent_multiple
    }

    fn components(&self) -> Vec<ComponentFiles> {
        let encoders = self.facts.text_encoders.iter();
        let sight = self.facts.sight;
        encoders
            .map(|name| TextEncoder::files(self.root(), name))
            .chain(
                sight
                    .into_iter()
                    .flat_map(|sight| (sight.components)(self.root())),
            )
            .chain([self.unet(), self.vae()])
            .collect()
    }

    fn operations(&self) -> Vec<Operation> {
        let kind = self.kind();
        kind.map_or_else(Vec::new, |kind| kind.operations(&OPERATIONS))
    }

    fn features(&self) -> Vec<Feature> {
        let mut features = vec![
            Feature::NegativePrompt,
            Feature::Guidance,
            Feature::PromptWeights,
        ];
        if self.kind() == Some(DenoiserKind::ForRepainting) {
            features.push(Feature::RepaintingChannels);
        }
        features.push(match self.facts.sight {
            Some(_) => Feature::ImageEmbeddings,
            None => Feature::IpAdapters,
        });
        features
    }

    fn fits_ip_adapter(&self, adapter: &IpAdapterConfig) -> bool {
        let unet: Result<UNetConfig> = self.unet().folder.read_json("config.json");
        self.facts.sight.is_none()
            && unet.is_ok_and(|unet| {
                let width = unet.cross_attention_dim;
                adapter.context_width == width && adapter.layers == unet.crossing_widths()
            })
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
                Setting::GuidanceRescale,
                [
                    "Soften the contrast",
                    "How much of the contrast that guidance adds is taken back (guidance_rescale)",
                ],
                [0.0, 1.0],
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

    fn tokenizer(&self) -> Option<ModelFolder> {
        Some(self.root().subfolder("tokenizer"))
    }

    fn notes(&self) -> Vec<String> {
        self.scheduler().substitution().into_iter().collect()
    }

    fn open(self: Box<Self>, runtime: &Runtime) -> Result<Box<dyn FamilyModel>> {
        Ok(Box::new(LatentModel::open(*self, runtime)?))
    }
}

/// diffusers' own defaults stand behind the card, as far as the schedule has so many steps.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) when the card asks for steps that the schedule does not have.
fn settings(facts: &Facts, pipeline: &PipelineFolder) -> Result<Settings> {
    const N_STEPS: u32 = 50;
    let PipelineFolder {
        card, scheduler, ..
    } = pipeline;
    let own_sampler = scheduler.sampler()?;
    let most = scheduler.n_train_timesteps as u32;
    let size = match card.size {
        Some(size) => size,
        None => trained_size(pipeline)?.unwrap_or((facts.side_px, facts.side_px)),
    };
    let settings = Settings {
        size,
        sampler: card.sampler.unwrap_or(own_sampler),
        n_steps: card.steps.unwrap_or(N_STEPS.min(most)),
        guidance_scale: card.guidance_scale.unwrap_or(facts.guidance_scale),
        prior: None,
        clip_skip: Some(0),
        spacing: card.spacing,
        guidance_rescale: Some(0.0),
    };
    Schedule::new(settings.sampler, scheduler, settings.n_steps as usize)?;
    Ok(settings)
}

/// Width and height that the U-Net's config says it was trained for.
fn trained_size(pipeline: &PipelineFolder) -> Result<Option<(u32, u32)>> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Cells {
        Square(u32),
        /// Height and width.
        Sides([u32; 2]),
    }
    #[derive(Deserialize)]
    struct SampleSize {
        sample_size: Option<Cells>,
    }

    let unet = pipeline.root.subfolder(UNET);
    let SampleSize { sample_size } = unet.read_json("config.json")?;
    let pixels = |cells: u32| cells.saturating_mul(pipeline.latent_scale);
    Ok(match sample_size {
        None => None,
        Some(Cells::Square(side)) => Some((pixels(side), pixels(side))),
        Some(Cells::Sides([height, width])) => Some((pixels(width), pixels(height))),
    })
}
