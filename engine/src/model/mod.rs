//! An opened model of any family: what is in memory of it, and what is known of its weights.
//!
//! A family implements [`ModelFiles`] (what lies on disk) and [`FamilyModel`] (what is done with it); everything else
//! talks to a [`LoadedModel`].

mod card;
mod cascade;
mod conditioning;
mod diffusers_folder;
mod family;
mod files;
mod from_weights;
mod ip_adapter;
mod loras;
mod memory;
mod preview_map;
mod report;
mod runtime;
mod settings;
mod slots;
mod weight_cache;

use std::collections::VecDeque;

use burn::tensor::{DType, Tensor};

pub use card::{CardVocabulary, ModelCard, PreviewMap};
pub use cascade::{Cascade, DrawnSize};
pub(crate) use cascade::{UPSCALER, UPSCALER_WEIGHTS};
pub use conditioning::{BlendSource, Conditioning, JobConditioning, Steer, SteerBy};
pub(crate) use diffusers_folder::{
    CARD_NAME, MODEL_INDEX, PipelineFolder, check_parts, not_a_model, pipeline_class, read_card,
    read_scheduler, total_halving,
};
pub use family::{Candidate, ChangeMap, Denoise, PictureLatents, Repainting};
pub use family::{FamilyModel, PictureCost};
pub use files::{ComponentFiles, ModelFiles};
pub(crate) use files::{MAX_SIDE_PX, default_size, is_safetensors, sha256_hex};
pub use ip_adapter::IpAdapterSource;
use ip_adapter::UsedIpAdapter;
pub use loras::{LoraSource, Loras, match_lora};
pub use memory::Sizes;
pub use report::{ComponentReport, ModelReport};
pub use runtime::{PromptFolders, Runtime};
pub use settings::{PriorSettings, Settings};
pub use slots::{Loader, Slots};

use crate::{
    Error, Result,
    image::RgbPicture,
    noise::Generator,
    progress::{Clock, OnEvent},
    protocol::{BlobHash, Feature, GenerateRequest, LoraUse, Operation, StandIn},
    schedules::SchedulerConfig,
};

/// A model opened on a device. Components are read when they are first needed and kept while they fit.
pub struct LoadedModel {
    family: Box<dyn FamilyModel>,
    slots: Slots,
    hash: Option<String>,
    encoder_hash: Option<String>,
    preview_map: Option<PreviewMap>,
    lora_uses: Vec<LoraUse>,
    ip_adapter: Option<UsedIpAdapter>,
    /// The noise that pictures could have been made from, the latest last.
    known_noise: VecDeque<(BlobHash, Vec<f32>)>,
}

impl LoadedModel {
    /// Reads and checks the configs and the vocabulary, no weights.
    ///
    /// # Errors
    /// Those of [`ModelFiles::open`].
    pub fn open(files: Box<dyn ModelFiles>, runtime: Runtime) -> Result<Self> {
        Ok(Self {
            family: files.open(&runtime)?,
            slots: Slots::new(runtime),
            hash: None,
            encoder_hash: None,
            preview_map: None,
            lora_uses: Vec::new(),
            ip_adapter: None,
            known_noise: VecDeque::new(),
        })
    }

    pub fn files(&self) -> &dyn ModelFiles {
        self.family.files()
    }

    pub fn runtime(&self) -> &Runtime {
        self.slots.runtime()
    }

    /// Bytes of the weights held now.
    pub fn in_use_bytes(&self) -> u64 {
        self.slots.in_use_bytes()
    }

    /// What the last job ran short of is another job's own matter.
    pub fn begin_job(&mut self) {
        self.slots.begin_job();
    }

    /// Frees all that can be read again, and from here on holds one component at a time.
    ///
    /// False where that was so already: there is nothing more to give up.
    pub fn give_up_memory(&mut self) -> bool {
        self.slots.give_up_memory()
    }

    /// To a device that is out of memory the size that would need half.
    #[must_use]
    pub fn with_what_fits(&self, error: Error) -> Error {
        self.slots.with_what_fits(error)
    }

    /// Reads ahead what the first job needs and the budget allows, with
    /// [`PipelineEvent::Loading`](crate::progress::PipelineEvent::Loading) events.
    ///
    /// # Errors
    /// Those of loading a component; what `on_event` returns.
    pub fn preload(&mut self, on_event: &mut OnEvent) -> Result<()> {
        self.preview_map(on_event)?;
        self.family.preload(&mut self.slots, on_event)?;
        self.preload_upscaler(on_event)?;
        self.hash(on_event).map(drop)
    }

    /// The model's settings under what a request says.
    ///
    /// # Errors
    /// Those of [`Settings::with`].
    pub(crate) fn settings(&self, request: &GenerateRequest) -> Result<Settings> {
        let files = self.files();
        files.settings().with(files.family(), request)
    }

    pub(crate) fn check_can(&self, operation: Operation) -> Result<()> {
        self.family.check_can(operation)
    }

    pub(crate) fn scheduler(&self) -> &SchedulerConfig {
        self.family.scheduler()
    }

    pub(crate) fn latent_scale(&self) -> u32 {
        self.family.latent_scale()
    }

    /// `[channels, rows, columns]` of the latents of a picture of so many pixels.
    pub(crate) fn latent_shape(&self, (width, height): (u32, u32)) -> [usize; 3] {
        let scale = self.latent_scale();
        let cells = |side: u32| (side / scale) as usize;
        [self.family.latent_channels(), cells(height), cells(width)]
    }

    pub(crate) fn unread(&self, text: &str) -> Result<Option<String>> {
        self.family.unread(text)
    }

    pub(crate) fn check_settings(&self, settings: &Settings) -> Result<()> {
        self.family.check_settings(settings)
    }

    pub(crate) fn reserve(&mut self, cost: PictureCost) -> Result<()> {
        self.family.reserve(&mut self.slots, cost)
    }

    pub(crate) fn all_fit(&self) -> Result<bool> {
        self.family.all_fit(&self.slots)
    }

    pub(crate) fn n_conditioning_steps(&self, steer: &Steer, settings: &Settings) -> u32 {
        self.family.n_conditioning_steps(steer, settings)
    }

    pub(crate) fn read(
        &mut self,
        steer: &Steer,
        settings: &Settings,
        reports: (&mut Clock, &mut OnEvent),
    ) -> Result<JobConditioning> {
        let slots = &mut self.slots;
        self.family.read(slots, steer, settings, reports)
    }

    pub(crate) fn condition(
        &mut self,
        job: &mut JobConditioning,
        candidate: &mut Candidate,
        reports: (&mut Clock, &mut OnEvent),
    ) -> Result<Conditioning> {
        let slots = &mut self.slots;
        self.family.condition(slots, job, candidate, reports)
    }

    pub(crate) fn conditioning_of_input(
        &mut self,
        job: &JobConditioning,
        input: usize,
        on_event: &mut OnEvent,
    ) -> Result<(Conditioning, Vec<f32>)> {
        let slots = &mut self.slots;
        self.family
            .conditioning_of_input(slots, job, input, on_event)
    }

    pub(crate) fn target_embed(
        &self,
        job: &JobConditioning,
        conditioning: &Conditioning,
    ) -> Result<Vec<f32>> {
        self.family.target_embed(job, conditioning)
    }

    pub(crate) fn denoiser<'a>(
        &'a mut self,
        conditioning: &Conditioning,
        guidance_scale: f32,
        on_event: &mut OnEvent,
    ) -> Result<Box<Denoise<'a>>> {
        let slots = &mut self.slots;
        self.family
            .denoiser(slots, conditioning, guidance_scale, on_event)
    }

    pub(crate) fn repainting(
        &mut self,
        picture: (&RgbPicture, &PictureLatents),
        change: ChangeMap,
        on_event: &mut OnEvent,
    ) -> Result<Option<Repainting>> {
        let slots = &mut self.slots;
        self.family.repainting(slots, picture, change, on_event)
    }

    /// Whether pictures steer it. Where they do not, operations on pictures start from the pictures themselves.
    pub(crate) fn looks_at_pictures(&self) -> bool {
        self.family.looks_at_pictures()
    }

    /// What stands in for looking at pictures, in a model that does not.
    pub(crate) fn stand_in(&self) -> StandIn {
        if self.files().features().contains(&Feature::IpAdapters) {
            StandIn::WithoutIpAdapter
        } else {
            StandIn::ImageToImage
        }
    }

    /// # Shapes: the picture's latents `[1, channels, rows, columns]`
    pub(crate) fn encode(
        &mut self,
        picture: &RgbPicture,
        on_event: &mut OnEvent,
    ) -> Result<PictureLatents> {
        let pixels = picture.to_tensor(&self.slots.runtime().device, DType::F32);
        self.family.encode(&mut self.slots, pixels, on_event)
    }

    pub(crate) fn decode(
        &mut self,
        latents: Tensor<4>,
        generator: &mut Generator,
        on_event: &mut OnEvent,
    ) -> Result<RgbPicture> {
        let slots = &mut self.slots;
        let pixels = self.family.decode(slots, latents, generator, on_event)?;
        RgbPicture::from_tensor(pixels)
    }

    pub(crate) fn embedding_width(&self) -> usize {
        self.family.embedding_width()
    }

    pub(crate) fn embed_pictures(
        &mut self,
        pictures: &[&RgbPicture],
        on_event: &mut OnEvent,
    ) -> Result<Vec<Vec<f32>>> {
        let slots = &mut self.slots;
        self.family.embed_pictures(slots, pictures, on_event)
    }

    pub(crate) fn embed_texts(
        &mut self,
        texts: &[&str],
        on_event: &mut OnEvent,
    ) -> Result<Vec<Vec<f32>>> {
        self.family.embed_texts(&mut self.slots, texts, on_event)
    }

    /// Noise that was found before under this key.
    pub(crate) fn known_noise(&self, key: BlobHash) -> Option<Vec<f32>> {
        let mut known = self.known_noise.iter();
        known
            .find(|(other, _)| *other == key)
            .map(|(_, noise)| noise.clone())
    }

    /// Keeps it for the next job with the same picture, as when an amount is tried after another.
    pub(crate) fn keep_noise(&mut self, key: BlobHash, noise: Vec<f32>) {
        /// Two blends of four pictures; latents are small.
        const MOST: usize = 8;
        self.known_noise.push_back((key, noise));
        if self.known_noise.len() > MOST {
            self.known_noise.pop_front();
        }
    }

    /// Seconds spent on reading weights since the last call.
    pub(crate) fn take_load_seconds(&mut self) -> f32 {
        self.slots.take_load_seconds()
    }
}
