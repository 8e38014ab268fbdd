use std::{cell::RefCell, path::PathBuf, time::Instant};

use burn::tensor::{DType, Device};

use super::{
    OnEvent, PipelineEvent, component_fit, memory::Sizes, preview_map, value_cache::ValueCache,
};
use crate::{
    Error, Result,
    autoencoder::{Autoencoder, AutoencoderConfig, AutoencoderParts},
    catalogue::{Component, PreviewMap, UnclipFolder, sha256_hex},
    denoisers::{UNet, UNetConfig},
    prior::Prior,
    text_encoders::ClipTextEncoder,
    tokenizer::Tokenizer,
    vision_encoder::ClipVisionEncoder,
    weights::{LoadOptions, LoadProgress, LoadReport, ModelFolder},
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
    zero_image_embed: Option<Vec<f32>>,
    preview_map: Option<PreviewMap>,
    text_encoder: Option<Held<ClipTextEncoder>>,
    prior: Option<Held<Prior>>,
    image_encoder: Option<Held<ClipVisionEncoder>>,
    unet: Option<Held<UNet>>,
    movq: Option<Held<Autoencoder>>,
    load_seconds: f32,
    /// What the job at hand needs beside weights, and of the autoencoder.
    activation_bytes: u64,
    movq_parts: AutoencoderParts,
}

struct Held<T> {
    component: T,
    bytes: u64,
}

/// Latents, those of the picture to repaint, and its mask.
fn repainting_channels(movq: &AutoencoderConfig) -> usize {
    2 * movq.latent_channels + 1
}

/// What is given up first when memory is short: the later in a job, the longer it stays.
const EVICTION_ORDER: [Component; 5] = [
    Component::ImageEncoder,
    Component::TextEncoder,
    Component::Prior,
    Component::Movq,
    Component::Unet,
];

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
        let tokenizer = Tokenizer::load(&folder.tokenizer())?;
        component_fit::check(&folder, &tokenizer, &unet_config)?;
        Ok(Self {
            tokenizer,
            unet_config,
            movq_config,
            cache: ValueCache::new(runtime.cache_dir.clone()),
            hash: None,
            zero_image_embed: None,
            preview_map: None,
            text_encoder: None,
            prior: None,
            image_encoder: None,
            unet: None,
            movq: None,
            load_seconds: 0.0,
            activation_bytes: 0,
            movq_parts: AutoencoderParts::Decoder,
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

    /// Bytes of the weights held now.
    pub fn in_use_bytes(&self) -> u64 {
        EVICTION_ORDER
            .into_iter()
            .filter_map(|component| self.held_bytes(component))
            .sum()
    }

    /// Reads ahead what the first job needs and the budget allows, with [`PipelineEvent::Loading`] events.
    ///
    /// # Errors
    /// Those of loading a component; what `on_event` returns.
    pub fn preload(&mut self, on_event: &mut OnEvent) -> Result<()> {
        self.zero_image_embed(on_event)?;
        self.preview_map(on_event)?;
        for component in [
            Component::TextEncoder,
            Component::Prior,
            Component::Unet,
            Component::Movq,
        ] {
            if self.in_use_bytes() + self.needed_bytes(component)?
                > self.runtime.memory_budget_bytes
            {
                break;
            }
            match component {
                Component::TextEncoder => self.text_encoder(on_event).map(drop)?,
                Component::Prior => self.prior(on_event).map(drop)?,
                Component::Unet => self.unet(on_event).map(drop)?,
                Component::Movq => self.movq(on_event).map(drop)?,
                Component::ImageEncoder => {}
            }
        }
        self.hash(on_event).map(drop)
    }

    /// SHA-256 over the weights of all components, read anew only when their files have changed.
    pub(super) fn hash(&mut self, on_event: &mut OnEvent) -> Result<&str> {
        if self.hash.is_none() {
            let total_bytes = self.folder.weights_bytes()?;
            let mut done_bytes = 0;
            let mut lines = String::new();
            for component in Component::ALL {
                // A large model takes a while: someone may be waiting, or wish to cancel.
                on_event(PipelineEvent::Loading {
                    component: "checksums".to_owned(),
                    done_bytes,
                    total_bytes,
                })?;
                let hash = self.cache.component_hash(&self.folder, component)?;
                let files = self.folder.component(component).weights(false)?;
                done_bytes += files.n_bytes();
                lines.extend([component.name(), " ", &hash, "\n"]);
            }
            self.hash = Some(sha256_hex(lines.as_bytes()));
        }
        Ok(self.hash.as_deref().unwrap_or_default())
    }

    pub(super) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    pub(super) fn movq_config(&self) -> &AutoencoderConfig {
        &self.movq_config
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

    /// Seconds spent on reading weights since the last call.
    pub(super) fn take_load_seconds(&mut self) -> f32 {
        std::mem::take(&mut self.load_seconds)
    }

    /// Whether the decoder's parts and the prior can be held at once, so that pictures can be made one by one.
    pub(super) fn all_fit(&self) -> Result<bool> {
        let needed = [Component::Prior, Component::Unet, Component::Movq]
            .into_iter()
            .map(|component| self.needed_bytes(component))
            .sum::<Result<u64>>()?;
        Ok(needed + self.activation_bytes <= self.runtime.memory_budget_bytes)
    }

    /// Keeps memory free for pictures of this size, made with these parts of the autoencoder, from here on.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when such a picture does not fit beside the U-Net.
    pub(super) fn reserve(
        &mut self,
        width: u32,
        height: u32,
        is_guided: bool,
        movq_parts: AutoencoderParts,
    ) -> Result<()> {
        self.movq_parts = movq_parts;
        let sizes = Sizes {
            movq_scale: u64::from(self.folder.movq_scale()),
            movq_channels: self.movq_config.block_out_channels[0] as u64,
            unet_channels: self.unet_config.block_out_channels[0] as u64,
            unet_batch: if is_guided { 2 } else { 1 },
            dtype_bytes: self.runtime.dtype.size() as u64,
            stride: self.folder.stride(),
        };
        self.activation_bytes = sizes.activation_bytes(width, height);
        let weights_bytes = self.needed_bytes(Component::Unet)?;
        sizes.check(
            width,
            height,
            weights_bytes,
            self.runtime.memory_budget_bytes,
        )
    }

    /// The image encoder's answer to a picture of zeros: what stands for "no wish" on the negative side.
    ///
    /// Depends on the weights alone, so it is kept by their hash, and the encoder is rarely loaded for it.
    pub(super) fn zero_image_embed(&mut self, on_event: &mut OnEvent) -> Result<Vec<f32>> {
        if let Some(embed) = &self.zero_image_embed {
            return Ok(embed.clone());
        }
        let hash = self
            .cache
            .component_hash(&self.folder, Component::ImageEncoder)?;
        let key = format!("zero-image-embed-{hash}-{:?}", self.runtime.dtype).to_lowercase();
        let config = crate::vision_encoder::ClipVisionConfig::read(
            &self.folder.component(Component::ImageEncoder),
        )?;
        let embed = if let Some(embed) = self.cache.read(&key, config.projection_dim) {
            embed
        } else {
            let was_held = self.image_encoder.is_some();
            let (device, dtype) = (self.runtime.device.clone(), self.runtime.dtype);
            let side = config.image_size;
            let zeros = burn::tensor::Tensor::<4>::zeros(
                [1, config.num_channels, side, side],
                (&device, dtype),
            );
            let output = self.image_encoder(on_event)?.forward(zeros);
            let embed = crate::image::read_back(output.image_embeds)?;
            if !was_held {
                // Nothing else in a job that makes pictures from text needs it.
                self.image_encoder = None;
            }
            self.cache.write(&key, &embed);
            embed
        };
        self.zero_image_embed = Some(embed.clone());
        Ok(embed)
    }

    /// From latents to colours: the card's map, else one fitted to the autoencoder and kept by its hash.
    ///
    /// `None` where neither can be had: pictures are made all the same.
    pub(super) fn preview_map(&mut self, on_event: &mut OnEvent) -> Result<Option<PreviewMap>> {
        let n_channels = self.movq_config.latent_channels;
        let has_all_rows = |map: &PreviewMap| map.matrix.len() == n_channels;
        if self.preview_map.is_none() {
            self.preview_map = self.folder.card().preview.clone().filter(has_all_rows);
        }
        if self.preview_map.is_some() {
            return Ok(self.preview_map.clone());
        }
        let hash = self.cache.component_hash(&self.folder, Component::Movq)?;
        let key = format!("preview-map-{hash}");
        let kept = self.cache.read(&key, 3 * (n_channels + 1));
        let map = if let Some(numbers) = kept {
            PreviewMap::from_numbers(&numbers)
        } else {
            let Some(map) = self.fit_preview_map(on_event)? else {
                return Ok(None);
            };
            self.cache.write(&key, &map.to_numbers());
            map
        };
        self.preview_map = Some(map);
        Ok(self.preview_map.clone())
    }

    fn fit_preview_map(&mut self, on_event: &mut OnEvent) -> Result<Option<PreviewMap>> {
        let load = |folder: &ModelFolder, options: &LoadOptions| {
            Autoencoder::load(folder, AutoencoderParts::EncoderAndDecoder, options)
        };
        // The picture that the encoder sees comes on top.
        let movq_bytes = self.movq_bytes(AutoencoderParts::EncoderAndDecoder)?;
        if movq_bytes + movq_bytes / 2 > self.runtime.memory_budget_bytes {
            return Ok(None);
        }
        // A decoder held already would be in memory twice.
        self.movq = None;
        match self.load(Component::Movq, load, on_event) {
            Ok(held) => preview_map::fit(&held.component, &self.runtime.device).map(Some),
            Err(error @ Error::BadWeights { .. }) => {
                tracing::warn!("no previews, for there is no encoder to fit them to: {error}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn text_encoder(&mut self, on_event: &mut OnEvent) -> Result<&ClipTextEncoder> {
        if self.text_encoder.is_none() {
            let held = self.load(Component::TextEncoder, ClipTextEncoder::load, on_event)?;
            self.text_encoder = Some(held);
        }
        Ok(&self.text_encoder.as_ref().expect("just loaded").component)
    }

    pub(super) fn prior(&mut self, on_event: &mut OnEvent) -> Result<&Prior> {
        if self.prior.is_none() {
            self.prior = Some(self.load(Component::Prior, Prior::load, on_event)?);
        }
        Ok(&self.prior.as_ref().expect("just loaded").component)
    }

    pub(super) fn image_encoder(&mut self, on_event: &mut OnEvent) -> Result<&ClipVisionEncoder> {
        if self.image_encoder.is_none() {
            let held = self.load(Component::ImageEncoder, ClipVisionEncoder::load, on_event)?;
            self.image_encoder = Some(held);
        }
        Ok(&self.image_encoder.as_ref().expect("just loaded").component)
    }

    pub(super) fn unet(&mut self, on_event: &mut OnEvent) -> Result<&UNet> {
        if self.unet.is_none() {
            self.unet = Some(self.load(Component::Unet, UNet::load, on_event)?);
        }
        Ok(&self.unet.as_ref().expect("just loaded").component)
    }

    /// With the parts that were reserved for, at least.
    pub(super) fn movq(&mut self, on_event: &mut OnEvent) -> Result<&Autoencoder> {
        if !self.holds_movq_parts() {
            // Not in memory twice.
            self.movq = None;
            let parts = self.movq_parts;
            let load = |folder: &ModelFolder, options: &LoadOptions| {
                Autoencoder::load(folder, parts, options)
            };
            self.movq = Some(self.load(Component::Movq, load, on_event)?);
        }
        Ok(&self.movq.as_ref().expect("just loaded").component)
    }

    fn holds_movq_parts(&self) -> bool {
        self.movq.as_ref().is_some_and(|held| {
            self.movq_parts == AutoencoderParts::Decoder || held.component.can_encode()
        })
    }

    /// Makes room, reads a component and tells of it.
    fn load<T>(
        &mut self,
        component: Component,
        load: impl Fn(&ModelFolder, &LoadOptions) -> Result<(T, LoadReport)>,
        on_event: &mut OnEvent,
    ) -> Result<Held<T>> {
        self.make_room(component)?;
        let start = Instant::now();
        let teller = RefCell::new(LoadingTeller {
            component,
            n_told: 0,
            on_event,
        });
        let options = LoadOptions {
            device: &self.runtime.device,
            dtype: self.runtime.dtype,
            on_progress: &|progress| teller.borrow_mut().tell(progress),
        };
        let (loaded, report) = load(&self.folder.component(component), &options)?;
        let seconds = start.elapsed().as_secs_f32();
        tracing::info!("{} read in {seconds:.2} s", component.name());
        self.load_seconds += seconds;
        Ok(Held {
            component: loaded,
            bytes: report.bytes,
        })
    }

    fn make_room(&mut self, component: Component) -> Result<()> {
        let budget = self.runtime.memory_budget_bytes;
        let needed = self.needed_bytes(component)?;
        if needed > budget {
            const MIB: u64 = 1 << 20;
            return Err(Error::OutOfMemory(format!(
                "{} needs {} MiB, and {} MiB may be used",
                component.name(),
                needed / MIB,
                budget / MIB
            )));
        }
        for victim in EVICTION_ORDER {
            if self.in_use_bytes() + needed + self.activation_bytes <= budget {
                break;
            }
            if self.held_bytes(victim).is_some() {
                tracing::info!("{} makes room for {}", victim.name(), component.name());
                self.drop_component(victim);
            }
        }
        Ok(())
    }

    /// Bytes in the running dtype.
    fn needed_bytes(&self, component: Component) -> Result<u64> {
        if component == Component::Movq && !self.holds_movq_parts() {
            return self.movq_bytes(self.movq_parts);
        }
        match self.held_bytes(component) {
            Some(bytes) => Ok(bytes),
            None => self.file_bytes(component, |_| true),
        }
    }

    fn movq_bytes(&self, parts: AutoencoderParts) -> Result<u64> {
        let unread = parts.name_rules().allow_unused;
        let is_read = |name: &str| !unread.iter().any(|prefix| name.starts_with(prefix));
        self.file_bytes(Component::Movq, is_read)
    }

    /// Of the tensors in the component's files that are read.
    fn file_bytes(&self, component: Component, is_read: impl Fn(&str) -> bool) -> Result<u64> {
        let dtype = self.runtime.dtype;
        let folder = self.folder.component(component);
        let files = folder.weights(dtype != DType::F32)?;
        Ok(files.n_elements(is_read) * dtype.size() as u64)
    }

    fn held_bytes(&self, component: Component) -> Option<u64> {
        match component {
            Component::TextEncoder => self.text_encoder.as_ref().map(|held| held.bytes),
            Component::Prior => self.prior.as_ref().map(|held| held.bytes),
            Component::ImageEncoder => self.image_encoder.as_ref().map(|held| held.bytes),
            Component::Unet => self.unet.as_ref().map(|held| held.bytes),
            Component::Movq => self.movq.as_ref().map(|held| held.bytes),
        }
    }

    fn drop_component(&mut self, component: Component) {
        match component {
            Component::TextEncoder => self.text_encoder = None,
            Component::Prior => self.prior = None,
            Component::ImageEncoder => self.image_encoder = None,
            Component::Unet => self.unet = None,
            Component::Movq => self.movq = None,
        }
    }
}

/// Passes on a part of a component's progress: there is one call for each of a thousand tensors.
struct LoadingTeller<'a, 'b> {
    component: Component,
    n_told: u64,
    on_event: &'a mut OnEvent<'b>,
}

impl LoadingTeller<'_, '_> {
    fn tell(&mut self, progress: LoadProgress) -> Result<()> {
        const N_PARTS: u64 = 32;
        let LoadProgress {
            done_bytes,
            total_bytes,
        } = progress;
        let part = done_bytes.saturating_mul(N_PARTS) / total_bytes.max(1);
        if part < self.n_told {
            return Ok(());
        }
        self.n_told = part + 1;
        (self.on_event)(PipelineEvent::Loading {
            component: self.component.name().to_owned(),
            done_bytes,
            total_bytes,
        })
    }
}
