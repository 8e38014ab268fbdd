use std::time::Instant;

use burn::tensor::Tensor;

use super::{component_fit, components::VAE, folder::StableDiffusionFolder};
use crate::{
    Error, Result,
    components::{
        autoencoders::{AutoencoderParts, KlConfig},
        denoisers::UNetConfig,
        text_encoders::ClipTextConfig,
    },
    guidance,
    image::RgbPicture,
    model::{
        Candidate, ChangeMap, Conditioning, Denoise, FamilyModel, JobConditioning, ModelFiles,
        PictureCost, PictureLatents, Repainting, Runtime, Settings, Sizes, Slots, Steer, SteerBy,
    },
    progress::{Clock, OnEvent},
    protocol::Operation,
    samplers::ModelOutput,
    schedules::SchedulerConfig,
    tokenizer::Tokenizer,
};

/// An opened Stable Diffusion model.
pub(super) struct StableDiffusionModel {
    folder: StableDiffusionFolder,
    tokenizer: Tokenizer,
    text_config: ClipTextConfig,
    unet_config: UNetConfig,
    vae_config: KlConfig,
    /// The bytes of a number in the running dtype.
    dtype_bytes: u64,
    /// What the job at hand needs of the autoencoder.
    vae_parts: AutoencoderParts,
}

/// What the words say. Each `[1, tokens, width]`.
#[derive(Debug, Clone)]
struct Tokens {
    positive: Tensor<3>,
    negative: Tensor<3>,
}

impl StableDiffusionModel {
    pub fn open(folder: StableDiffusionFolder, runtime: &Runtime) -> Result<Self> {
        let unet_folder = folder.unet().folder;
        let unet_config: UNetConfig = unet_folder.read_json("config.json")?;
        let vae_config: KlConfig = folder.vae().folder.read_json("config.json")?;
        let (channels, latents) = (unet_config.in_channels, vae_config.coders.latent_channels);
        if [channels, unet_config.out_channels] != [latents; 2] {
            return Err(Error::NotAModel {
                path: unet_folder.path("config.json"),
                reason: format!(
                    "its U-Net takes {channels} channels and its latents have {latents}: Limn reads only models that were not made to repaint"
                ),
            });
        }
        let tokenizer = Tokenizer::load(&folder.tokenizer())?;
        Ok(Self {
            text_config: component_fit::check(&folder, &tokenizer, &unet_config)?,
            folder,
            tokenizer,
            unet_config,
            vae_config,
            dtype_bytes: runtime.dtype.size() as u64,
            vae_parts: AutoencoderParts::Decoder,
        })
    }

    /// # Shapes: `[1, tokens, width]` each, in the texts' order
    fn encode_texts(
        &self,
        slots: &mut Slots,
        texts: [&str; 2],
        clip_skip: u32,
        on_event: &mut OnEvent,
    ) -> Result<[Tensor<3>; 2]> {
        let ids = texts.map(|text| Ok(self.tokenizer.encode(text)?.ids));
        let ids = ids.into_iter().collect::<Result<Vec<_>>>()?;
        let encoder = self.folder.load_text_encoder(slots, on_event)?;
        let output = encoder.forward(&ids);
        // As diffusers' `clip_skip`: the final norm comes after an earlier layer too.
        let states = match clip_skip as usize {
            0 => output.last_hidden_state,
            n_skipped => {
                let last = output.hidden_states.len() - 1;
                encoder.final_norm(output.hidden_states[last - n_skipped].clone())
            }
        };
        Ok([0, 1].map(|row| states.clone().narrow(0, row, 1)))
    }

    fn no_embeddings<T>() -> Result<T> {
        Err(Error::Bug(
            "this family has no embeddings of pictures".to_owned(),
        ))
    }
}

impl FamilyModel for StableDiffusionModel {
    fn files(&self) -> &dyn ModelFiles {
        &self.folder
    }

    fn check_can(&self, operation: Operation) -> Result<()> {
        if self.folder.operations().contains(&operation) {
            return Ok(());
        }
        Err(Error::NotAModel {
            path: self.folder.path(),
            reason: format!("“{operation}” is not for this kind of model"),
        })
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
        Ok(self.tokenizer.encode(text)?.cut_off)
    }

    fn check_settings(&self, settings: &Settings) -> Result<()> {
        let most = self.text_config.num_hidden_layers as u32 - 1;
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

    fn preload(&mut self, slots: &mut Slots, on_event: &mut OnEvent) -> Result<()> {
        self.folder.preload(self.vae_parts, slots, on_event)
    }

    fn reserve(&mut self, slots: &mut Slots, cost: PictureCost) -> Result<()> {
        self.vae_parts = if cost.encodes {
            AutoencoderParts::EncoderAndDecoder
        } else {
            AutoencoderParts::Decoder
        };
        let sizes = Sizes {
            autoencoder_scale: u64::from(self.folder.latent_scale()),
            autoencoder_channels: self.vae_config.coders.block_out_channels[0] as u64,
            unet_channels: self.unet_config.block_out_channels[0] as u64,
            unet_batch: if cost.is_guided { 2 } else { 1 },
            dtype_bytes: self.dtype_bytes,
            stride: self.folder.stride(),
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
        if !matches!(steer.by, SteerBy::Prompt) {
            return Self::no_embeddings();
        }
        let start = Instant::now();
        let texts = [steer.prompt, steer.negative_prompt.unwrap_or_default()];
        let clip_skip = settings.clip_skip.unwrap_or_default();
        let [positive, negative] = self.encode_texts(slots, texts, clip_skip, on_event)?;
        clock.end_stage("text", start, slots.take_load_seconds());
        let tokens = Tokens { positive, negative };
        Ok(JobConditioning::new(Conditioning::new(tokens)))
    }

    fn condition(
        &mut self,
        _slots: &mut Slots,
        job: &mut JobConditioning,
        _candidate: &mut Candidate,
        _reports: (&mut Clock, &mut OnEvent),
    ) -> Result<Conditioning> {
        job.of::<Conditioning>().cloned()
    }

    fn conditioning_of_input(
        &self,
        _slots: &Slots,
        _job: &JobConditioning,
        _input: usize,
    ) -> Result<(Conditioning, Vec<f32>)> {
        Self::no_embeddings()
    }

    fn target_embed(
        &self,
        _job: &JobConditioning,
        _conditioning: &Conditioning,
    ) -> Result<Vec<f32>> {
        Self::no_embeddings()
    }

    fn denoiser<'a>(
        &'a self,
        slots: &'a mut Slots,
        conditioning: &Conditioning,
        guidance_scale: f32,
        on_event: &mut OnEvent,
    ) -> Result<Box<Denoise<'a>>> {
        let Tokens { positive, negative } = conditioning.of::<Tokens>()?.clone();
        let unet = self.folder.load_unet(slots, on_event)?;
        let is_guided = guidance::is_guided(guidance_scale);
        let conditioning = unet.condition_on_tokens(if is_guided {
            Tensor::cat(vec![negative, positive], 0)
        } else {
            positive
        });
        Ok(Box::new(move |latents, timestep| {
            let input = guidance::doubled(latents, is_guided);
            let output = unet.forward(input, &[timestep], &conditioning);
            let prediction = if is_guided {
                guidance::guide(output, guidance_scale)
            } else {
                output
            };
            Ok(ModelOutput {
                prediction,
                variance: None,
            })
        }))
    }

    fn repainting(&self, _source: &Tensor<4>, _change: ChangeMap) -> Result<Option<Repainting>> {
        Ok(None)
    }

    fn encode(
        &mut self,
        slots: &mut Slots,
        pixels: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<PictureLatents> {
        let scale = self.vae_config.scaling_factor;
        self.folder.with_vae(self.vae_parts, |loader| {
            let (mean, deviation) = slots.get(loader, on_event)?.encode(pixels);
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
        on_event: &mut OnEvent,
    ) -> Result<Tensor<4>> {
        let scale = self.vae_config.scaling_factor;
        self.folder.with_vae(self.vae_parts, |loader| {
            Ok(slots.get(loader, on_event)?.decode(latents / scale))
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
        self.folder.with_vae(parts, |loader| {
            let bytes = slots.needed_bytes(loader)?;
            // The picture that the encoder sees comes on top.
            if bytes + bytes / 2 > slots.runtime().memory_budget_bytes {
                return Ok(None);
            }
            // A decoder held already would be in memory twice.
            slots.release(VAE);
            match slots.load(loader, on_event) {
                Ok((vae, _)) => Ok(Some(vae.encode(pixels).0 * scale)),
                Err(error @ Error::BadWeights { .. }) => {
                    tracing::warn!("no previews, for there is no encoder to fit them to: {error}");
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        })
    }

    fn embedders(&self) -> &'static [&'static str] {
        &[]
    }

    fn embedding_width(&self) -> usize {
        0
    }

    fn embed_pictures(
        &mut self,
        _slots: &mut Slots,
        _pictures: &[&RgbPicture],
        _on_event: &mut OnEvent,
    ) -> Result<Vec<Vec<f32>>> {
        Self::no_embeddings()
    }

    fn embed_texts(
        &mut self,
        _slots: &mut Slots,
        _texts: &[&str],
        _on_event: &mut OnEvent,
    ) -> Result<Vec<Vec<f32>>> {
        Self::no_embeddings()
    }
}
