//! A model folder opened on a device: what is in it, what is in memory of it, what is known of its weights.

mod components;
mod kept_values;

use std::{collections::VecDeque, path::PathBuf};

use burn::tensor::{DType, Device};

use super::{component_fit, memory::Sizes, value_cache::ValueCache};
use crate::{
    Error, Result,
    autoencoder::{Autoencoder, AutoencoderConfig, AutoencoderParts},
    catalogue::{Component, PreviewMap, UnclipFolder},
    denoisers::{UNet, UNetConfig},
    prior::Prior,
    protocol::BlobHash,
    text_encoders::ClipTextEncoder,
    tokenizer::Tokenizer,
    vision_encoder::ClipVisionEncoder,
};

/// Where a model runs and what it may use there.
#[derive(Debug, Clone)]
pub struct Runtime {
    pub device: Device,
    /// As in [`DeviceInfo::name`](crate::protocol::DeviceInfo::name): recipes record it.
    pub device_name: String,
    /// The precision of weights and activations; sampling itself is always in f32.
    pub dtype: DType,
    /// For the weights that stay between jobs and the largest component's activations.
    pub memory_budget_bytes: u64,
    /// Keeps values that cost much and depend on the weights alone; `None` computes them each time.
    pub cache_dir: Option<PathBuf>,
}

/// A model folder opened on a device. Components are read when they are first needed and kept while they fit.
pub struct LoadedModel {
    folder: UnclipFolder,
    runtime: Runtime,
    tokenizer: Tokenizer,
    unet_config: UNetConfig,
    movq_config: AutoencoderConfig,
    cache: ValueCache,
    hash: Option<String>,
    encoder_hash: Option<String>,
    zero_image_embed: Option<Vec<f32>>,
    preview_map: Option<PreviewMap>,
    text_encoder: Option<Held<ClipTextEncoder>>,
    prior: Option<Held<Prior>>,
    image_encoder: Option<Held<ClipVisionEncoder>>,
    unet: Option<Held<UNet>>,
    movq: Option<Held<Autoencoder>>,
    /// The noise that pictures could have been made from, the latest last.
    known_noise: VecDeque<(BlobHash, Vec<f32>)>,
    load_seconds: f32,
    /// What the job at hand needs beside weights, and of the autoencoder.
    activation_bytes: u64,
    movq_parts: AutoencoderParts,
    /// The size of the job's pictures, and what decides their memory.
    reserved: Option<(Sizes, u32, u32)>,
    /// Whether the device has run out of memory in this job: then one component is held at a time.
    is_tight: bool,
}

struct Held<T> {
    component: T,
    bytes: u64,
}

/// Latents, those of the picture to repaint, and its mask.
fn repainting_channels(movq: &AutoencoderConfig) -> usize {
    2 * movq.latent_channels + 1
}

impl LoadedModel {
    /// Reads and checks the configs and the tokenizer, no weights.
    ///
    /// # Errors
    /// [`Error::NotAModel`] when a config is none of this family's or the components are from different
    /// models; [`Error::Io`].
    pub fn open(folder: UnclipFolder, runtime: Runtime) -> Result<Self> {
        let unet_folder = folder.component(Component::Unet);
        let unet_config: UNetConfig = unet_folder.read_json("config.json")?;
        let movq_config: AutoencoderConfig =
            folder.component(Component::Movq).read_json("config.json")?;
        let latent_channels = movq_config.latent_channels;
        let repainting_channels = repainting_channels(&movq_config);
        if ![latent_channels, repainting_channels].contains(&unet_config.in_channels) {
            let reason = format!(
                "its U-Net takes {} channels and its latents have {latent_channels}",
                unet_config.in_channels
            );
            return Err(Error::NotAModel {
                path: unet_folder.path("config.json"),
                reason,
            });
        }
        // The prediction, and of some the variance that was learned with it.
        let out_channels = unet_config.out_channels;
        if ![latent_channels, 2 * latent_channels].contains(&out_channels) {
            let reason = format!(
                "its U-Net gives {out_channels} channels and its latents have {latent_channels}"
            );
            return Err(Error::NotAModel {
                path: unet_folder.path("config.json"),
                reason,
            });
        }
        let tokenizer = Tokenizer::load(&folder.tokenizer())?;
        component_fit::check(&folder, &tokenizer, &unet_config)?;
        Ok(Self {
            tokenizer,
            unet_config,
            movq_config,
            cache: ValueCache::new(runtime.cache_dir.clone()),
            hash: None,
            encoder_hash: None,
            zero_image_embed: None,
            preview_map: None,
            text_encoder: None,
            prior: None,
            image_encoder: None,
            unet: None,
            movq: None,
            known_noise: VecDeque::new(),
            load_seconds: 0.0,
            activation_bytes: 0,
            movq_parts: AutoencoderParts::Decoder,
            reserved: None,
            is_tight: false,
            folder,
            runtime,
        })
    }

    pub fn folder(&self) -> &UnclipFolder {
        &self.folder
    }

    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    pub(super) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    pub(super) fn movq_config(&self) -> &AutoencoderConfig {
        &self.movq_config
    }

    /// Of image embeddings, and of texts' projected ones.
    pub(super) fn embedding_width(&self) -> usize {
        self.unet_config.encoder_hid_dim
    }

    /// Whether its decoder was trained to repaint: beside the latents it takes those of the picture and a mask.
    pub fn is_for_repainting(&self) -> bool {
        self.unet_config.in_channels == repainting_channels(&self.movq_config)
    }

    /// # Errors
    /// [`Error::NotAModel`] for a model that can only repaint.
    pub(super) fn check_makes_pictures(&self) -> Result<()> {
        if !self.is_for_repainting() {
            return Ok(());
        }
        let reason = format!(
            "its U-Net takes {} channels and its latents have {}: a model for repainting makes no pictures from text",
            self.unet_config.in_channels, self.movq_config.latent_channels
        );
        Err(Error::NotAModel {
            path: self.folder.component(Component::Unet).path("config.json"),
            reason,
        })
    }

    /// Noise that was found before under this key.
    pub(super) fn known_noise(&self, key: BlobHash) -> Option<Vec<f32>> {
        let mut known = self.known_noise.iter();
        known
            .find(|(other, _)| *other == key)
            .map(|(_, noise)| noise.clone())
    }

    /// Keeps it for the next job with the same picture, as when an amount is tried after another.
    pub(super) fn keep_noise(&mut self, key: BlobHash, noise: Vec<f32>) {
        /// Two blends of four pictures; latents are small.
        const MOST: usize = 8;
        self.known_noise.push_back((key, noise));
        if self.known_noise.len() > MOST {
            self.known_noise.pop_front();
        }
    }

    /// Seconds spent on reading weights since the last call.
    pub(super) fn take_load_seconds(&mut self) -> f32 {
        std::mem::take(&mut self.load_seconds)
    }
}
