use std::time::Instant;

use burn::tensor::{DType, Tensor};

use super::{
    Side, Sight, VAE, VaeLoader, Words,
    folder::LatentFolder,
    ip_adapter::AdapterSight,
    looking::Seen,
    mixing::{Mixture, mixed},
    repainting,
    sides::Sides,
};
use crate::{
    Error, Result,
    components::{
        autoencoders::{AutoencoderParts, KlConfig, TILE_CELLS},
        denoisers::{UNet, UNetConfig, VectorInput},
    },
    families::{
        denoiser_kind::{DenoiserKind, channels},
        embeddings::of_picture,
        guided_unet::GuidedUnet,
    },
    image::{RgbPicture, read_back},
    model::{
        Candidate, ChangeMap, Conditioning, Denoise, FamilyModel, IpAdapterSource, JobConditioning,
        Loader, ModelFiles, PictureCost, PictureLatents, Repainting, Runtime, Settings, Sizes,
        Slots, Steer,
    },
    noise::Generator,
    progress::{Clock, OnEvent},
    protocol::Operation,
    schedules::SchedulerConfig,
};

/// A way from one text to another that a picture can be moved along needs embeddings in which the two lie together.
const NO_SHARED_EMBEDDINGS: &str = "it turns a picture by what lies between two texts, and this kind of model has no embeddings that pictures share with texts; a model of the unCLIP kind, as Kandinsky 2.2, can do it. Image to image with other words comes nearest";

/// An opened latent diffusion model.
pub(super) struct LatentModel {
    folder: LatentFolder,
    words: Box<dyn Words>,
    /// The family's own.
    sight: Option<Box<dyn Sight>>,
    ip_adapter: Option<AdapterSight>,
    unet_config: UNetConfig,
    vae_config: KlConfig,
    kind: DenoiserKind,
    /// The precision of weights and activations.
    dtype: DType,
    /// What the job at hand needs of the autoencoder.
    vae_parts: AutoencoderParts,
}

/// What was read for a job.
struct Job {
    /// What each text says.
    sides: Vec<Side>,
    /// For each picture, or for all, how much each text counts.
    weights: Vec<Vec<f32>>,
    negative: Side,
    seen: Seen,
    guidance_rescale: f32,
}

impl LatentModel {
    pub fn open(folder: LatentFolder, runtime: &Runtime) -> Result<Self> {
        let unet_folder = folder.unet().folder;
        let unet_config: UNetConfig = unet_folder.read_json("config.json")?;
        let vae_config: KlConfig = folder.vae().folder.read_json("config.json")?;
        let latent_channels = vae_config.coders.latent_channels;
        let kind = DenoiserKind::of(&unet_config, latent_channels);
        let kind = kind.filter(|_| unet_config.out_channels == latent_channels);
        let not_a_model = |reason: String| Error::NotAModel {
            path: unet_folder.path("config.json"),
            reason,
        };
        let Some(kind) = kind else {
            return Err(not_a_model(channels(&unet_config, latent_channels)));
        };
        if unet_config.image_embed_width.is_some() {
            let reason = "the U-Net is steered by pictures and not by words";
            return Err(not_a_model(reason.to_owned()));
        }
        let sight = folder.facts.sight;
        let sight = sight.map(|sight| (sight.open)(folder.root(), &unet_config));
        if sight.is_none()
            && matches!(
                unet_config.vector_input,
                Some(VectorInput::Projection { .. } | VectorInput::Identity)
            )
        {
            let reason = "the U-Net looks at pictures, which this kind of model does not";
            return Err(not_a_model(reason.to_owned()));
        }
        Ok(Self {
            words: (folder.facts.open_words)(folder.root(), &unet_config)?,
            sight: sight.transpose()?,
            ip_adapter: None,
            folder,
            unet_config,
            vae_config,
            kind,
            dtype: runtime.dtype,
            vae_parts: AutoencoderParts::Decoder,
        })
    }

    /// Of the autoencoder, where it is not the running one.
    fn vae_dtype(&self) -> Option<DType> {
        let upcasts = self.folder.facts.upcasts_autoencoder && self.vae_config.force_upcast;
        upcasts.then_some(DType::F32)
    }

    fn sight(&self) -> Option<&dyn Sight> {
        let adapter = self.ip_adapter.as_ref();
        let adapter = adapter.map(|adapter| adapter as &dyn Sight);
        adapter.or(self.sight.as_deref())
    }

    fn with_vae<R>(&self, body: impl FnOnce(&VaeLoader) -> R) -> R {
        self.folder.with_vae(self.vae_parts, self.vae_dtype(), body)
    }
}

impl FamilyModel for LatentModel {
    fn files(&self) -> &dyn ModelFiles {
        &self.folder
    }

    fn why_not(&self, operation: Operation) -> String {
        match self.kind {
            DenoiserKind::Ordinary if operation == Operation::Shift => {
                NO_SHARED_EMBEDDINGS.to_owned()
            }
            DenoiserKind::Ordinary => "this kind of model does not do it".to_owned(),
            DenoiserKind::ForRepainting => {
                DenoiserKind::refusal(&self.unet_config, self.latent_channels())
            }
        }
    }

    fn scheduler(&self) -> &SchedulerConfig {
        self.folder.scheduler()
    }

    fn latent_scale(&self) -> u32 {
        self.folder.latent_scale()
    }

    fn latent_channels(&self) -> usize {
        self.vae_config.coders.latent_channels
    }

    fn unread(&self, text: &str) -> Result<Option<String>> {
        self.words.unread(text)
    }

    fn check_settings(&self, settings: &Settings) -> Result<()> {
        let most = self.words.most_clip_skip();
        let clip_skip = settings.clip_skip.unwrap_or_default();
        if clip_skip <= most {
            return Ok(());
        }
        Err(Error::OutOfRange {
            name: "clip skip",
            value: clip_skip.to_string(),
            allowed: format!("0 to {most}"),
        })
    }

    fn looks_at_pictures(&self) -> bool {
        self.sight().is_some()
    }

    fn set_ip_adapter(&mut self, source: Option<&IpAdapterSource>) -> Result<()> {
        self.ip_adapter = None;
        let Some(source) = source else { return Ok(()) };
        if !self.folder.fits_ip_adapter(&source.config) {
            let family = self.folder.family();
            return Err(source.unfit(format!("it was not made for models of {family}")));
        }
        self.ip_adapter = Some(AdapterSight::open(source)?);
        Ok(())
    }

    /// In the order in which a picture from text needs them, as far as the budget allows.
    fn preload(&mut self, slots: &mut Slots, on_event: &mut OnEvent) -> Result<()> {
        let unet = self.folder.unet();
        if self.words.preload(slots, on_event)?
            && slots.preload(&Loader::whole(&unet, &UNet::load), on_event)?
        {
            self.with_vae(|vae| slots.preload(vae, on_event))?;
        }
        Ok(())
    }

    fn reserve(&mut self, slots: &mut Slots, cost: PictureCost) -> Result<()> {
        self.vae_parts = AutoencoderParts::needed(cost.encodes);
        let vae_dtype = self.vae_dtype().unwrap_or(self.dtype);
        let sizes = Sizes {
            autoencoder_scale: u64::from(self.folder.latent_scale()),
            autoencoder_channels: self.vae_config.coders.block_out_channels[0] as u64,
            unet_channels: self.unet_config.block_out_channels[0] as u64,
            unet_batch: if cost.is_guided { 2 } else { 1 },
            dtype_bytes: self.dtype.size() as u64,
            autoencoder_dtype_bytes: vae_dtype.size() as u64,
            stride: self.folder.stride(),
            tile_cells: Some(TILE_CELLS as u64),
        };
        let weights_bytes = self.folder.unet_bytes(slots)?;
        slots.reserve(sizes, cost.size, weights_bytes)
    }

    /// The words are read once, and nothing is drawn of them: what comes one after another needs no room together.
    fn all_fit(&self, _slots: &Slots) -> Result<bool> {
        Ok(true)
    }

    fn n_conditioning_steps(&self, _steer: &Steer, _settings: &Settings) -> u32 {
        0
    }

    fn read(
        &mut self,
        slots: &mut Slots,
        steer: &Steer,
        settings: &Settings,
        (clock, on_event): (&mut Clock, &mut OnEvent),
    ) -> Result<JobConditioning> {
        let start = Instant::now();
        let Mixture { texts, weights } = Mixture::of(steer);
        let texts = texts.into_iter().map(Some).chain([steer.negative_prompt]);
        let texts: Vec<Option<&str>> = texts.collect();
        let mut sides = self.words.say(slots, &texts, settings, on_event)?;
        let negative = sides.pop();
        let negative = negative.ok_or_else(|| Error::Bug("no text was read".to_owned()))?;
        clock.end_stage("text", start, slots.take_load_seconds());
        let start = Instant::now();
        let seen = match self.sight() {
            Some(sight) => Seen::look(sight, steer, slots, (clock, on_event))?,
            None => Seen::Nothing,
        };
        if !matches!(seen, Seen::Nothing) {
            clock.end_stage("encode", start, slots.take_load_seconds());
        }
        Ok(JobConditioning::new(Job {
            sides,
            weights,
            negative,
            seen,
            guidance_rescale: settings.guidance_rescale.unwrap_or_default(),
        }))
    }

    fn condition(
        &mut self,
        slots: &mut Slots,
        job: &mut JobConditioning,
        candidate: &mut Candidate,
        (_, on_event): (&mut Clock, &mut OnEvent),
    ) -> Result<Conditioning> {
        let job: &Job = job.of()?;
        let picture = candidate.picture as usize;
        let mut sides = Sides {
            positive: mixed(&job.sides, of_picture(&job.weights, picture)?),
            negative: job.negative.clone(),
            pictures: Vec::new(),
            guidance_rescale: job.guidance_rescale,
        };
        if let Some(sight) = self.sight() {
            let pictures = job.seen.pictures(picture)?;
            let generator = Some(&mut candidate.generator);
            sides.see(sight.steering(slots, &pictures, generator, on_event)?);
        }
        Ok(Conditioning::new(sides))
    }

    /// With nothing drawn: the way back to a picture's noise has to be exact.
    fn conditioning_of_input(
        &self,
        slots: &mut Slots,
        job: &JobConditioning,
        input: usize,
        on_event: &mut OnEvent,
    ) -> Result<(Conditioning, Vec<f32>)> {
        let job: &Job = job.of()?;
        let seen = job.seen.of_input(input);
        let (Some(seen), Some(sight)) = (seen, self.sight()) else {
            return Err(Error::Bug("an input is no picture".to_owned()));
        };
        // The prompt stands behind the texts.
        let prompt = job.sides.last();
        let positive = prompt.cloned().unwrap_or_else(|| job.negative.clone());
        let mut numbers = read_back(positive.tokens.clone())?;
        numbers.extend(seen.each.iter().flat_map(|(embed, _)| *embed));
        let mut sides = Sides {
            // Not asked for without guidance.
            negative: positive.clone(),
            positive,
            pictures: Vec::new(),
            guidance_rescale: 0.0,
        };
        sides.see(sight.steering(slots, &seen, None, on_event)?);
        Ok((Conditioning::new(sides), numbers))
    }

    fn denoiser<'a>(
        &'a self,
        slots: &'a mut Slots,
        conditioning: &Conditioning,
        guidance_scale: f32,
        on_event: &mut OnEvent,
    ) -> Result<Box<Denoise<'a>>> {
        let sides = conditioning.of::<Sides>()?;
        let files = self.folder.unet();
        let unet = slots.get(&Loader::whole(&files, &UNet::load), on_event)?;
        let unet = GuidedUnet::new(
            unet,
            sides.conditioning(unet, guidance_scale),
            (guidance_scale, sides.guidance_rescale),
            self.unet_config.out_channels,
        );
        Ok(Box::new(move |latents, timestep| {
            Ok(unet.predict(latents, timestep))
        }))
    }

    fn repainting(
        &mut self,
        slots: &mut Slots,
        (picture, source): (&RgbPicture, &PictureLatents),
        change: ChangeMap,
        on_event: &mut OnEvent,
    ) -> Result<Option<Repainting>> {
        if self.kind == DenoiserKind::Ordinary {
            return Ok(None);
        }
        let pixels = picture.to_tensor(&slots.runtime().device, DType::F32);
        let masked = self.encode(slots, repainting::masked(pixels, change), on_event)?;
        Ok(Some(repainting::repainting(masked, &source.mean, change)))
    }

    fn encode(
        &mut self,
        slots: &mut Slots,
        pixels: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<PictureLatents> {
        let scale = self.vae_config.scaling_factor;
        self.with_vae(|loader| {
            let tile_cells = slots.tile_cells();
            let (mean, deviation) = slots.get(loader, on_event)?.encode(pixels, tile_cells);
            Ok(PictureLatents {
                mean: mean * scale,
                deviation: Some(deviation * scale),
            })
        })
    }

    fn decode(
        &mut self,
        slots: &mut Slots,
        latents: Tensor<4>,
        _generator: &mut Generator,
        on_event: &mut OnEvent,
    ) -> Result<Tensor<4>> {
        let scale = self.vae_config.scaling_factor;
        let tile_cells = slots.tile_cells();
        self.with_vae(|loader| {
            let vae = slots.get(loader, on_event)?;
            Ok(vae.decode(latents / scale, tile_cells))
        })
    }

    fn autoencoder(&self) -> &'static str {
        VAE
    }

    fn encode_once(
        &mut self,
        slots: &mut Slots,
        pixels: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<Option<Tensor<4>>> {
        let scale = self.vae_config.scaling_factor;
        let parts = AutoencoderParts::EncoderAndDecoder;
        self.folder.with_vae(parts, self.vae_dtype(), |loader| {
            let vae = slots.load_once(loader, on_event)?;
            Ok(vae.map(|vae| vae.encode(pixels, None).0 * scale))
        })
    }
}

#[cfg(test)]
mod tests;
