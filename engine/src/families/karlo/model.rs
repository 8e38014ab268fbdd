use std::time::Instant;

use burn::tensor::{DType, Tensor, module, ops::AvgPoolOptions};

use super::{
    enlarging,
    folder::{
        DECODER, ENLARGER, FINISHER, IMAGE_ENCODER, KarloFolder, PRIOR, PROJECTION, TEXT_ENCODER,
    },
    parts::{By, Embedded, Job, Seen, Text, numbers},
};
use crate::{
    Error, Result,
    components::{
        denoisers::{UNet, UNetConfig, VectorInput},
        priors::{DecoderProjection, DecoderProjectionConfig, Prior, PriorConfig},
        text_encoders::{ClipTextConfig, ClipTextEncoder},
        vision_encoders::ClipVisionConfig,
    },
    families::{
        embeddings::{embed_tensor, of_picture},
        guided_unet::GuidedUnet,
    },
    guidance,
    image::RgbPicture,
    image_preprocessor::ImagePreprocessor,
    model::{
        Candidate, ChangeMap, Conditioning, Denoise, FamilyModel, JobConditioning, Loader,
        ModelFiles, PictureCost, PictureLatents, Repainting, Runtime, Settings, Sizes, Slots,
        Steer, SteerBy,
    },
    noise::Generator,
    progress::{Clock, OnEvent},
    protocol::Operation,
    samplers::AncestralSchedule,
    schedules::SchedulerConfig,
    tokenizer::Tokenizer,
};

/// Of colours: the decoder draws pixels.
const CHANNELS: usize = 3;

/// An opened Karlo model.
pub(super) struct KarloModel {
    pub(super) folder: KarloFolder,
    pub(super) tokenizer: Tokenizer,
    pub(super) preprocessor: Option<ImagePreprocessor>,
    decoder: UNetConfig,
    enlarger: UNetConfig,
    dtype: DType,
}

impl KarloModel {
    pub fn open(folder: KarloFolder, runtime: &Runtime) -> Result<Self> {
        let config =
            |name| -> Result<UNetConfig> { folder.part(name).folder.read_json("config.json") };
        let (decoder, enlarger) = (config(DECODER)?, config(ENLARGER)?);
        let finisher = config(FINISHER)?;
        let tokenizer = Tokenizer::load(&folder.root().subfolder("tokenizer"))?;
        let text = ClipTextConfig::read(&folder.part(TEXT_ENCODER).folder)?;
        let projection_folder = folder.part(PROJECTION).folder;
        let projection = DecoderProjectionConfig::read(&projection_folder)?;
        let width = projection.clip_embeddings_dim;
        let embed_width = match folder.prior_scheduler {
            Some(_) => PriorConfig::read(&folder.part(PRIOR).folder)?.embedding_dim,
            None => ClipVisionConfig::read(&folder.part(IMAGE_ENCODER).folder)?.projection_dim,
        };
        let enlarges =
            |unet: &UNetConfig| [unet.in_channels, unet.out_channels] == [2 * CHANNELS, CHANNELS];
        let faults = [
            (
                tokenizer.n_ids() as usize > text.vocab_size
                    || tokenizer.max_length() > text.max_position_embeddings,
                "the tokenizer has more tokens than the text encoder",
            ),
            (
                [text.hidden_size, text.projection_dim, embed_width] != [width; 3],
                "embeddings of texts and pictures are not as wide as those that the decoder is told of",
            ),
            (
                decoder.vector_input != Some(VectorInput::Identity)
                    || decoder.time_embedding_dim != projection.time_embed_dim
                    || decoder.cross_attention_dim != projection.cross_attention_dim,
                "the decoder takes other widths than it is told",
            ),
            (
                decoder.in_channels != CHANNELS
                    || ![CHANNELS, 2 * CHANNELS].contains(&decoder.out_channels),
                "the decoder draws no colours",
            ),
            (
                !enlarges(&enlarger) || !enlarges(&finisher),
                "the networks for super-resolution take no picture to enlarge",
            ),
        ];
        if let Some((_, reason)) = faults.into_iter().find(|(is_fault, _)| *is_fault) {
            return Err(Error::NotAModel {
                path: projection_folder.path("config.json"),
                reason: format!("its components are from different models: {reason}"),
            });
        }
        Ok(Self {
            preprocessor: match folder.prior_scheduler {
                Some(_) => None,
                None => Some(ImagePreprocessor::load(
                    &folder.root().subfolder("feature_extractor"),
                )?),
            },
            folder,
            tokenizer,
            decoder,
            enlarger,
            dtype: runtime.dtype,
        })
    }
}

impl FamilyModel for KarloModel {
    fn files(&self) -> &dyn ModelFiles {
        &self.folder
    }

    fn why_not(&self, operation: Operation) -> String {
        match operation {
            Operation::Generate
            | Operation::Inpaint
            | Operation::ImageToImage
            | Operation::Outpaint => {
                "this form of Karlo has no prior: it draws from pictures, and its other form (UnCLIPPipeline) from text"
            }
            Operation::Variations | Operation::Blend | Operation::Upscale => {
                "this form of Karlo draws from text, and its other form (UnCLIPImageVariationPipeline) from pictures"
            }
            Operation::Shift => {
                "no form of Karlo knows both words and pictures, as the way from one text to another through a picture needs"
            }
        }
        .to_owned()
    }

    fn scheduler(&self) -> &SchedulerConfig {
        &self.folder.decoder_scheduler
    }

    fn latent_scale(&self) -> u32 {
        self.folder.scale
    }

    fn latent_channels(&self) -> usize {
        CHANNELS
    }

    fn unread(&self, text: &str) -> Result<Option<String>> {
        Ok(self.tokenizer.encode(text)?.cut_off)
    }

    fn check_settings(&self, settings: &Settings) -> Result<()> {
        if let (Some(prior), Some(config)) = (settings.prior, &self.folder.prior_scheduler) {
            AncestralSchedule::unclip(config, prior.n_steps as usize)?;
        }
        Ok(())
    }

    /// The text encoder alone: the rest comes one after another.
    fn preload(&mut self, slots: &mut Slots, on_event: &mut OnEvent) -> Result<()> {
        let files = self.folder.part(TEXT_ENCODER);
        let loader = Loader::whole(&files, &ClipTextEncoder::load);
        slots.preload(&loader, on_event).map(drop)
    }

    fn reserve(&mut self, slots: &mut Slots, cost: PictureCost) -> Result<()> {
        let dtype_bytes = self.dtype.size() as u64;
        let outermost = |unet: &UNetConfig| unet.block_out_channels[0] as u64;
        let scale = u64::from(self.folder.scale);
        let sizes = Sizes {
            autoencoder_scale: scale,
            // The network for super-resolution works at the picture's own size, and holds what is skipped.
            autoencoder_channels: 2 * outermost(&self.enlarger),
            unet_channels: outermost(&self.decoder),
            unet_batch: if cost.is_guided { 2 } else { 1 },
            dtype_bytes,
            autoencoder_dtype_bytes: dtype_bytes,
            stride: self.folder.stride(),
            tile_cells: None,
        };
        let files = self.folder.part(DECODER);
        let weights_bytes = slots.needed_bytes(&Loader::whole(&files, &UNet::load))?;
        slots.reserve(sizes, cost.size, weights_bytes)
    }

    /// Of a prior and a decoder as large as these one at a time is held.
    fn all_fit(&self, slots: &Slots) -> Result<bool> {
        let bytes = |name| slots.needed_bytes(&Loader::whole(&self.folder.part(name), &UNet::load));
        let prior = match self.folder.prior_scheduler {
            Some(_) => {
                slots.needed_bytes(&Loader::whole(&self.folder.part(PRIOR), &Prior::load))?
            }
            None => 0,
        };
        Ok(slots.fit(prior + bytes(DECODER)? + bytes(ENLARGER)?))
    }

    fn n_conditioning_steps(&self, _steer: &Steer, settings: &Settings) -> u32 {
        settings.prior.map_or(0, |prior| prior.n_steps)
    }

    fn read(
        &mut self,
        slots: &mut Slots,
        steer: &Steer,
        settings: &Settings,
        (clock, on_event): (&mut Clock, &mut OnEvent),
    ) -> Result<JobConditioning> {
        let start = Instant::now();
        // Pictures from pictures are made without words.
        let prompt = match steer.by {
            SteerBy::Prompt => steer.prompt,
            _ => "",
        };
        let [text, nothing] = self.encode_texts(slots, [prompt, ""], on_event)?;
        clock.end_stage("text", start, slots.take_load_seconds());
        let by = match (&self.folder.prior_scheduler, settings.prior) {
            (Some(config), Some(prior)) => By::Prior(
                prior,
                AncestralSchedule::unclip(config, prior.n_steps as usize)?,
            ),
            _ => {
                let embeds = self.look(slots, steer, (clock, on_event))?;
                By::Pictures(Seen::of(steer, embeds)?)
            }
        };
        Ok(JobConditioning::new(Job { text, nothing, by }))
    }

    fn condition(
        &mut self,
        slots: &mut Slots,
        job: &mut JobConditioning,
        candidate: &mut Candidate,
        reports: (&mut Clock, &mut OnEvent),
    ) -> Result<Conditioning> {
        let job: &Job = job.of()?;
        let image_embed = match &job.by {
            By::Prior(prior, schedule) => {
                let how = (prior.guidance_scale, schedule);
                self.draw(slots, job, how, candidate, reports)?
            }
            By::Pictures(seen) => {
                let embed = of_picture(&seen.steering, candidate.picture as usize)?;
                embed_tensor(embed.clone(), &slots.runtime().device)
            }
        };
        Ok(Conditioning::new(Embedded {
            image_embed,
            text: job.text.clone(),
            nothing: job.nothing.clone(),
        }))
    }

    fn conditioning_of_input(
        &self,
        slots: &mut Slots,
        job: &JobConditioning,
        input: usize,
        _on_event: &mut OnEvent,
    ) -> Result<(Conditioning, Vec<f32>)> {
        let job: &Job = job.of()?;
        let embed = match &job.by {
            By::Pictures(seen) => seen.of_input(input),
            By::Prior(..) => None,
        };
        let embed = embed.ok_or_else(|| Error::Bug("an input is no picture".to_owned()))?;
        let embedded = Embedded {
            image_embed: embed_tensor(embed.clone(), &slots.runtime().device),
            text: job.text.clone(),
            nothing: job.nothing.clone(),
        };
        let numbers = numbers(&embedded)?;
        Ok((Conditioning::new(embedded), numbers))
    }

    fn denoiser<'a>(
        &'a self,
        slots: &'a mut Slots,
        conditioning: &Conditioning,
        guidance_scale: f32,
        on_event: &mut OnEvent,
    ) -> Result<Box<Denoise<'a>>> {
        let embedded: &Embedded = conditioning.of()?;
        let files = self.folder.part(PROJECTION);
        let loader = Loader::whole(&files, &DecoderProjection::load);
        let projection = slots.get(&loader, on_event)?;
        let side = |embed, text: &Text| {
            projection.forward(embed, text.embed.clone(), text.states.clone(), &text.mask)
        };
        let mut told = side(Some(embedded.image_embed.clone()), &embedded.text);
        if guidance::is_guided(guidance_scale) {
            told = side(None, &embedded.nothing).before(told);
        }
        let files = self.folder.part(DECODER);
        let unet = slots.get(&Loader::whole(&files, &UNet::load), on_event)?;
        let conditioning = unet
            .condition_on_tokens(told.tokens, Some(told.time_shift))
            .with_token_bias(&told.token_bias);
        let unet = GuidedUnet::new(unet, conditioning, (guidance_scale, 0.0), CHANNELS);
        Ok(Box::new(move |latents, timestep| {
            Ok(unet.predict(latents, timestep))
        }))
    }

    fn repainting(
        &mut self,
        _slots: &mut Slots,
        _picture: (&RgbPicture, &PictureLatents),
        _change: ChangeMap,
        _on_event: &mut OnEvent,
    ) -> Result<Option<Repainting>> {
        Ok(None)
    }

    /// The mean of the pixels of each cell.
    fn encode(
        &mut self,
        _slots: &mut Slots,
        pixels: Tensor<4>,
        _on_event: &mut OnEvent,
    ) -> Result<PictureLatents> {
        Ok(PictureLatents::certain(self.made_small(pixels)))
    }

    fn decode(
        &mut self,
        slots: &mut Slots,
        latents: Tensor<4>,
        generator: &mut Generator,
        on_event: &mut OnEvent,
    ) -> Result<Tensor<4>> {
        let small = latents.clamp(-1.0, 1.0);
        enlarging::enlarged(&self.folder, slots, &small, generator, on_event)
    }

    fn autoencoder(&self) -> &'static str {
        DECODER
    }

    fn encode_once(
        &mut self,
        _slots: &mut Slots,
        pixels: Tensor<4>,
        _on_event: &mut OnEvent,
    ) -> Result<Option<Tensor<4>>> {
        Ok(Some(self.made_small(pixels)))
    }
}

impl KarloModel {
    fn made_small(&self, pixels: Tensor<4>) -> Tensor<4> {
        let side = self.folder.scale as usize;
        module::avg_pool2d(
            pixels,
            AvgPoolOptions::new([side, side]).with_stride([side, side]),
        )
    }
}
