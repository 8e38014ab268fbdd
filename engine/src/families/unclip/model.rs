use std::time::Instant;

use burn::tensor::Tensor;

use super::{
    component_fit,
    components::{IMAGE_ENCODER, MOVQ, TEXT_ENCODER},
    conditioning::{ImageEmbeds, TextConditioning},
    folder::UnclipFolder,
    mixing::Mixing,
    reader::Reader,
    repainting::kept_cells,
};
use crate::{
    Error, Result,
    components::{
        autoencoders::{AutoencoderConfig, AutoencoderParts, TILE_CELLS},
        denoisers::UNetConfig,
    },
    families::{
        denoiser_kind::{DenoiserKind, channels},
        embeddings::embed_tensor,
        guided_unet::{GuidedUnet, guided_batch},
    },
    guidance,
    image::{RgbPicture, cells_like, read_back},
    model::{
        BlendSource, Candidate, ChangeMap, Conditioning, Denoise, FamilyModel, JobConditioning,
        ModelFiles, PictureCost, PictureLatents, PriorSettings, Repainting, Runtime, Settings,
        Sizes, Slots, Steer, SteerBy,
    },
    noise::Generator,
    progress::{Clock, OnEvent},
    protocol::{Operation, Phase},
    samplers::AncestralSchedule,
    schedules::SchedulerConfig,
    tokenizer::Tokenizer,
};

/// An opened unCLIP model.
pub(super) struct UnclipModel {
    pub folder: UnclipFolder,
    pub tokenizer: Tokenizer,
    unet_config: UNetConfig,
    movq_config: AutoencoderConfig,
    decoder: DenoiserKind,
    /// The bytes of a number in the running dtype.
    dtype_bytes: u64,
    zero_image_embed: Option<Vec<f32>>,
    /// What the job at hand needs of the autoencoder.
    movq_parts: AutoencoderParts,
}

impl UnclipModel {
    pub fn open(folder: UnclipFolder, runtime: &Runtime) -> Result<Self> {
        let unet_folder = folder.unet().folder;
        let unet_config: UNetConfig = unet_folder.read_json("config.json")?;
        let movq_config: AutoencoderConfig = folder.movq().folder.read_json("config.json")?;
        let latent_channels = movq_config.latent_channels;
        let Some(decoder) = DenoiserKind::of(&unet_config, latent_channels) else {
            return Err(Error::NotAModel {
                path: unet_folder.path("config.json"),
                reason: channels(&unet_config, latent_channels),
            });
        };
        // The prediction, and of some the variance that was learned with it.
        let n = unet_config.out_channels;
        if ![latent_channels, 2 * latent_channels].contains(&n) {
            return Err(Error::NotAModel {
                path: unet_folder.path("config.json"),
                reason: format!(
                    "its U-Net gives {n} channels and its latents have {latent_channels}"
                ),
            });
        }
        let tokenizer = Tokenizer::load(&folder.tokenizer())?;
        component_fit::check(&folder, &tokenizer, &unet_config)?;
        Ok(Self {
            folder,
            tokenizer,
            unet_config,
            movq_config,
            decoder,
            dtype_bytes: runtime.dtype.size() as u64,
            zero_image_embed: None,
            movq_parts: AutoencoderParts::Decoder,
        })
    }

    pub(super) fn zero_image_embed(
        &mut self,
        slots: &mut Slots,
        on_event: &mut OnEvent,
    ) -> Result<Vec<f32>> {
        if let Some(embed) = &self.zero_image_embed {
            return Ok(embed.clone());
        }
        let embed = self.folder.zero_image_embed(slots, on_event)?;
        Ok(self.zero_image_embed.insert(embed).clone())
    }
}

/// What was read for a job.
struct UnclipJob {
    /// What the prior draws image embeddings of, for every picture.
    texts: Vec<TextConditioning>,
    /// In the space that CLIP shares with pictures, where there is a prompt.
    prompt_embed: Option<Vec<f32>>,
    prior: PriorSettings,
    schedule: AncestralSchedule,
    mixing: Mixing,
    drawn: Option<Drawn>,
}

/// What the prior drew last: what one seed draws serves all pictures that have it.
struct Drawn {
    seed: u64,
    embeds: Vec<ImageEmbeds>,
    /// As it was left.
    generator: Generator,
}

impl FamilyModel for UnclipModel {
    fn files(&self) -> &dyn ModelFiles {
        &self.folder
    }

    fn why_not(&self, _operation: Operation) -> String {
        DenoiserKind::refusal(&self.unet_config, self.movq_config.latent_channels)
    }

    fn scheduler(&self) -> &SchedulerConfig {
        self.folder.scheduler()
    }

    fn latent_scale(&self) -> u32 {
        self.folder.movq_scale()
    }

    fn latent_channels(&self) -> usize {
        self.movq_config.latent_channels
    }

    fn unread(&self, text: &str) -> Result<Option<String>> {
        Ok(self.tokenizer.encode(text)?.cut_off)
    }

    fn check_settings(&self, settings: &Settings) -> Result<()> {
        self.prior_schedule(settings).map(drop)
    }

    fn preload(&mut self, slots: &mut Slots, on_event: &mut OnEvent) -> Result<()> {
        self.zero_image_embed(slots, on_event)?;
        self.folder.preload(self.movq_parts, slots, on_event)
    }

    fn reserve(&mut self, slots: &mut Slots, cost: PictureCost) -> Result<()> {
        self.movq_parts = AutoencoderParts::needed(cost.encodes);
        let sizes = Sizes {
            autoencoder_scale: u64::from(self.folder.movq_scale()),
            autoencoder_channels: self.movq_config.block_out_channels[0] as u64,
            unet_channels: self.unet_config.block_out_channels[0] as u64,
            unet_batch: if cost.is_guided { 2 } else { 1 },
            dtype_bytes: self.dtype_bytes,
            autoencoder_dtype_bytes: self.dtype_bytes,
            stride: self.folder.stride(),
            tile_cells: Some(TILE_CELLS as u64),
        };
        let weights_bytes = self.folder.unet_bytes(slots)?;
        slots.reserve(sizes, cost.size, weights_bytes)
    }

    fn all_fit(&self, slots: &Slots) -> Result<bool> {
        let folder = &self.folder;
        let needed = folder.prior_bytes(slots)?
            + folder.unet_bytes(slots)?
            + folder.movq_bytes(self.movq_parts, slots)?;
        Ok(slots.fit(needed))
    }

    fn n_conditioning_steps(&self, steer: &Steer, settings: &Settings) -> u32 {
        let n_steps = settings.prior.map_or(0, |prior| prior.n_steps);
        let negative = u32::from(steer.negative_prompt.is_some());
        let n_texts = match steer.by {
            SteerBy::Prompt | SteerBy::Place { .. } => 1,
            SteerBy::Pictures { .. } => u32::from(steer.spoken_prompt().is_some()) + negative,
            SteerBy::Blend { inputs, .. } => {
                let is_text = |input: &&BlendSource| matches!(input, BlendSource::Text(_));
                inputs.iter().filter(is_text).count() as u32 + negative
            }
            SteerBy::Shift { .. } => negative,
        };
        n_texts * n_steps
    }

    fn read(
        &mut self,
        slots: &mut Slots,
        steer: &Steer,
        settings: &Settings,
        (clock, on_event): (&mut Clock, &mut OnEvent),
    ) -> Result<JobConditioning> {
        let (prior, schedule) = self.prior_schedule(settings)?;
        let mut reader = Reader {
            model: self,
            slots,
            steer,
            is_guided: guidance::is_guided(prior.guidance_scale),
            clock,
            on_event,
            texts: Vec::new(),
            prompt_embed: None,
        };
        let mixing = reader.read()?;
        Ok(JobConditioning::new(UnclipJob {
            texts: reader.texts,
            prompt_embed: reader.prompt_embed,
            prior,
            schedule,
            mixing,
            drawn: None,
        }))
    }

    fn condition(
        &mut self,
        slots: &mut Slots,
        job: &mut JobConditioning,
        candidate: &mut Candidate,
        reports: (&mut Clock, &mut OnEvent),
    ) -> Result<Conditioning> {
        let job: &mut UnclipJob = job.of_mut()?;
        let drawn = match job.drawn.take() {
            Some(drawn) if drawn.seed == candidate.seed => drawn,
            _ => self.draw(slots, job, candidate, reports)?,
        };
        candidate.generator = drawn.generator.clone();
        let embeds = job.mixing.embeds(candidate.picture as usize, &drawn.embeds);
        job.drawn = Some(drawn);
        embeds.map(Conditioning::new)
    }

    fn conditioning_of_input(
        &self,
        slots: &mut Slots,
        job: &JobConditioning,
        input: usize,
        _on_event: &mut OnEvent,
    ) -> Result<(Conditioning, Vec<f32>)> {
        let job: &UnclipJob = job.of()?;
        let embed = job.mixing.of_input(input);
        let embed = embed.ok_or_else(|| Error::Bug("an input is no picture".to_owned()))?;
        let positive = embed_tensor(embed.to_vec(), &slots.runtime().device);
        let conditioning = Conditioning::new(ImageEmbeds {
            // Not asked for without guidance.
            negative: positive.clone(),
            positive,
        });
        Ok((conditioning, embed.to_vec()))
    }

    fn target_embed(&self, job: &JobConditioning, conditioning: &Conditioning) -> Result<Vec<f32>> {
        let job: &UnclipJob = job.of()?;
        match &job.prompt_embed {
            Some(prompt) => Ok(prompt.clone()),
            None => read_back(conditioning.of::<ImageEmbeds>()?.positive.clone()),
        }
    }

    fn denoiser<'a>(
        &'a self,
        slots: &'a mut Slots,
        conditioning: &Conditioning,
        guidance_scale: f32,
        on_event: &mut OnEvent,
    ) -> Result<Box<Denoise<'a>>> {
        let embeds: ImageEmbeds = conditioning.of::<ImageEmbeds>()?.clone();
        let unet = self.folder.load_unet(slots, on_event)?;
        let channels = self.movq_config.latent_channels;
        let image_embeds = guided_batch(embeds.negative, embeds.positive, guidance_scale);
        let conditioning = unet.condition(image_embeds);
        let unet = GuidedUnet::new(unet, conditioning, (guidance_scale, 0.0), channels);
        Ok(Box::new(move |latents, timestep| {
            Ok(unet.predict(latents, timestep))
        }))
    }

    fn repainting(
        &mut self,
        _slots: &mut Slots,
        (_, source): (&RgbPicture, &PictureLatents),
        change: ChangeMap,
        _on_event: &mut OnEvent,
    ) -> Result<Option<Repainting>> {
        if self.decoder == DenoiserKind::Ordinary {
            return Ok(None);
        }
        let kept = kept_cells(change);
        let cells = cells_like(&source.mean, kept.clone());
        Ok(Some(Repainting {
            known: PictureLatents::certain(source.mean.clone() * cells.clone()),
            channels: Box::new(move |known| Tensor::cat(vec![known, cells.clone()], 1)),
            kept,
        }))
    }

    fn encode(
        &mut self,
        slots: &mut Slots,
        pixels: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<PictureLatents> {
        let parts = self.movq_parts;
        let tile_cells = slots.tile_cells();
        let movq = self.folder.load_movq(parts, slots, on_event)?;
        Ok(PictureLatents::certain(movq.encode(pixels, tile_cells)))
    }

    fn decode(
        &mut self,
        slots: &mut Slots,
        latents: Tensor<4>,
        _generator: &mut Generator,
        on_event: &mut OnEvent,
    ) -> Result<Tensor<4>> {
        let (parts, tile_cells) = (self.movq_parts, slots.tile_cells());
        let movq = self.folder.load_movq(parts, slots, on_event)?;
        Ok(movq.decode(latents, tile_cells))
    }

    fn autoencoder(&self) -> &'static str {
        MOVQ
    }

    fn encode_once(
        &mut self,
        slots: &mut Slots,
        pixels: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<Option<Tensor<4>>> {
        self.folder.encode_once(slots, pixels, on_event)
    }

    fn embedders(&self) -> &'static [&'static str] {
        &[TEXT_ENCODER, IMAGE_ENCODER]
    }

    fn embedding_width(&self) -> usize {
        self.unet_config.image_embed_width.unwrap_or_default()
    }

    fn embed_pictures(
        &mut self,
        slots: &mut Slots,
        pictures: &[&RgbPicture],
        on_event: &mut OnEvent,
    ) -> Result<Vec<Vec<f32>>> {
        Self::embed_pictures(self, slots, pictures, on_event)
    }

    fn embed_texts(
        &mut self,
        slots: &mut Slots,
        texts: &[&str],
        on_event: &mut OnEvent,
    ) -> Result<Vec<Vec<f32>>> {
        Self::embed_texts(self, slots, texts, on_event)
    }
}

impl UnclipModel {
    fn prior_schedule(&self, settings: &Settings) -> Result<(PriorSettings, AncestralSchedule)> {
        let prior = settings
            .prior
            .ok_or_else(|| Error::Bug("unCLIP has a prior".to_owned()))?;
        let n_steps = prior.n_steps as usize;
        let schedule = AncestralSchedule::unclip(self.folder.prior_scheduler(), n_steps)?;
        Ok((prior, schedule))
    }

    /// Lets the prior draw the image embeddings of all texts, with the first numbers of the candidate's generator.
    fn draw(
        &mut self,
        slots: &mut Slots,
        job: &UnclipJob,
        candidate: &mut Candidate,
        (clock, on_event): (&mut Clock, &mut OnEvent),
    ) -> Result<Drawn> {
        let start = Instant::now();
        let n_steps = job.prior.n_steps;
        let (picture, number) = (candidate.picture, candidate.number);
        let n_texts = job.texts.len() as u32;
        let total = n_steps * n_texts * candidate.n_candidates;
        let mut step_start = Instant::now();
        let mut embeds = Vec::new();
        for (index, text) in job.texts.iter().enumerate() {
            let n_before = (number * n_texts + index as u32) * n_steps;
            embeds.push(self.draw_embeds(
                slots,
                (text, &job.schedule, job.prior.guidance_scale),
                &mut candidate.generator,
                on_event,
                |n_done, on_event| {
                    clock.end_prior_step(std::mem::replace(&mut step_start, Instant::now()));
                    let done = (n_before + n_done as u32, total);
                    clock.report(Phase::Prior, picture, done, None, on_event)
                },
            )?);
        }
        clock.end_stage("prior", start, slots.take_load_seconds());
        Ok(Drawn {
            seed: candidate.seed,
            embeds,
            generator: candidate.generator.clone(),
        })
    }
}
