//! What a family does with an opened model: everything that the loop, the operations and the worker do not know.

use burn::tensor::Tensor;

use super::{
    Conditioning, IpAdapterSource, JobConditioning, Settings, Steer, files::ModelFiles,
    slots::Slots,
};
use crate::{
    Error, Result,
    image::RgbPicture,
    noise::Generator,
    progress::{Clock, OnEvent},
    protocol::{Feature, Operation},
    samplers::ModelOutput,
    schedules::SchedulerConfig,
};

/// A denoiser under one picture's conditioning, as samplers ask it: latents and timestep to prediction.
pub type Denoise<'a> = dyn Fn(Tensor<4>, f32) -> Result<ModelOutput<4>> + 'a;

/// An opened model of some family. Components are in the [`Slots`] that every call is given.
pub trait FamilyModel {
    fn files(&self) -> &dyn ModelFiles;

    /// # Errors
    /// [`Error::NotForThisModel`] for what these weights were not made for.
    fn check_can(&self, operation: Operation) -> Result<()> {
        if self.files().operations().contains(&operation) {
            return Ok(());
        }
        Err(Error::NotForThisModel {
            operation,
            reason: self.why_not(operation),
            path: self.files().path(),
        })
    }

    /// Why an operation is not among those of its files, and what can do it.
    fn why_not(&self, operation: Operation) -> String;

    fn scheduler(&self) -> &SchedulerConfig;

    /// Picture pixels per latent cell, along one side.
    fn latent_scale(&self) -> u32;

    fn latent_channels(&self) -> usize;

    /// The end of a text that the model cannot read, where it is too long.
    ///
    /// # Errors
    /// When it cannot be read at all.
    fn unread(&self, text: &str) -> Result<Option<String>>;

    /// Whether pictures steer it now.
    fn looks_at_pictures(&self) -> bool {
        self.files().features().contains(&Feature::ImageEmbeddings)
    }

    /// Lets it look at pictures through an IP-Adapter, or through none.
    ///
    /// # Errors
    /// [`Error::UnfitIpAdapter`] for one that was not made for such a model; those of reading the configs.
    fn set_ip_adapter(&mut self, source: Option<&IpAdapterSource>) -> Result<()> {
        match source {
            None => Ok(()),
            Some(source) => Err(source.unfit(format!(
                "the model is one of {}, which takes none",
                self.files().family()
            ))),
        }
    }

    /// Refuses numbers that the family cannot work with, as too few steps of a prior.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange).
    fn check_settings(&self, settings: &Settings) -> Result<()>;

    /// Reads ahead what the first job needs and the budget allows.
    ///
    /// # Errors
    /// Those of loading a component; what `on_event` returns.
    fn preload(&mut self, slots: &mut Slots, on_event: &mut OnEvent) -> Result<()>;

    /// Keeps memory free for pictures as `cost` says from here on.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) when such a picture does not fit beside the denoiser.
    fn reserve(&mut self, slots: &mut Slots, cost: PictureCost) -> Result<()>;

    /// Whether all that makes a picture can be held at once, so that pictures can be made one by one.
    ///
    /// # Errors
    /// When weights are missing or are no safetensors.
    fn all_fit(&self, slots: &Slots) -> Result<bool>;

    /// How many steps it takes to draw the conditioning of one picture, as with a prior; 0 where nothing is drawn.
    fn n_conditioning_steps(&self, steer: &Steer, settings: &Settings) -> u32;

    /// Reads the words and pictures of a job, once for all its pictures.
    ///
    /// # Errors
    /// [`Error::NoDifference`](crate::Error::NoDifference); those of loading a component; when the device fails.
    fn read(
        &mut self,
        slots: &mut Slots,
        steer: &Steer,
        settings: &Settings,
        reports: (&mut Clock, &mut OnEvent),
    ) -> Result<JobConditioning>;

    /// What steers one picture, drawn with the first numbers of its generator where anything is drawn.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn condition(
        &mut self,
        slots: &mut Slots,
        job: &mut JobConditioning,
        candidate: &mut Candidate,
        reports: (&mut Clock, &mut OnEvent),
    ) -> Result<Conditioning>;

    /// What one of the job's own pictures alone steers, and numbers that tell it from another's.
    ///
    /// # Errors
    /// [`Error::Bug`] where the job has no such picture, or the family does not look at pictures.
    fn conditioning_of_input(
        &self,
        _slots: &mut Slots,
        _job: &JobConditioning,
        _input: usize,
        _on_event: &mut OnEvent,
    ) -> Result<(Conditioning, Vec<f32>)> {
        no_embeddings()
    }

    /// Where the embedding of a finished picture should lie: at the prompt, or without one at what steered it.
    ///
    /// # Errors
    /// When the device fails; [`Error::Bug`] where the family has no embeddings.
    fn target_embed(
        &self,
        _job: &JobConditioning,
        _conditioning: &Conditioning,
    ) -> Result<Vec<f32>> {
        no_embeddings()
    }

    /// # Errors
    /// Those of reading the denoiser's weights.
    fn denoiser<'a>(
        &'a self,
        slots: &'a mut Slots,
        conditioning: &Conditioning,
        guidance_scale: f32,
        on_event: &mut OnEvent,
    ) -> Result<Box<Denoise<'a>>>;

    /// For a denoiser that was trained to repaint: what it takes beside the latents, and which cells hold the picture.
    ///
    /// `picture` comes with its latents.
    ///
    /// # Errors
    /// Those of reading the autoencoder's weights; when the device fails.
    fn repainting(
        &mut self,
        slots: &mut Slots,
        picture: (&RgbPicture, &PictureLatents),
        change: ChangeMap,
        on_event: &mut OnEvent,
    ) -> Result<Option<Repainting>>;

    /// # Shapes: `[1, 3, height, width]` in [-1, 1] → `[1, channels, rows, columns]`
    ///
    /// # Errors
    /// Those of reading the autoencoder's weights.
    fn encode(
        &mut self,
        slots: &mut Slots,
        pixels: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<PictureLatents>;

    /// With the next numbers of the picture's generator where anything is drawn.
    ///
    /// # Shapes: `[1, channels, rows, columns]` → `[1, 3, height, width]`
    ///
    /// # Errors
    /// Those of reading the autoencoder's weights.
    fn decode(
        &mut self,
        slots: &mut Slots,
        latents: Tensor<4>,
        generator: &mut Generator,
        on_event: &mut OnEvent,
    ) -> Result<Tensor<4>>;

    /// The component whose weights decide what latents mean.
    fn autoencoder(&self) -> &'static str;

    /// As [`Self::encode`], once and whatever was reserved; `None` where there is no room or no encoder.
    ///
    /// # Errors
    /// Those of reading the weights, but for missing ones.
    fn encode_once(
        &mut self,
        slots: &mut Slots,
        pixels: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<Option<Tensor<4>>>;

    /// The components that make embeddings for searches and comparisons; none where there are no embeddings.
    fn embedders(&self) -> &'static [&'static str] {
        &[]
    }

    /// Numbers in an embedding.
    fn embedding_width(&self) -> usize {
        0
    }

    /// Pictures' embeddings, in the space that they share with texts, made in one batch.
    ///
    /// # Errors
    /// Those of reading the encoder's weights; when the device fails; [`Error::Bug`] where there are no embeddings.
    fn embed_pictures(
        &mut self,
        _slots: &mut Slots,
        _pictures: &[&RgbPicture],
        _on_event: &mut OnEvent,
    ) -> Result<Vec<Vec<f32>>> {
        no_embeddings()
    }

    /// # Errors
    /// As [`Self::embed_pictures`].
    fn embed_texts(
        &mut self,
        _slots: &mut Slots,
        _texts: &[&str],
        _on_event: &mut OnEvent,
    ) -> Result<Vec<Vec<f32>>> {
        no_embeddings()
    }
}

fn no_embeddings<T>() -> Result<T> {
    Err(Error::Bug(
        "this family has no embeddings of pictures".to_owned(),
    ))
}

/// What decides how much memory a picture takes.
#[derive(Debug, Clone, Copy)]
pub struct PictureCost {
    /// Width and height in pixels.
    pub size: (u32, u32),
    pub is_guided: bool,
    /// Whether pictures go into latents too.
    pub encodes: bool,
}

/// One picture in the making; with `best_of` one of several for the same place.
pub struct Candidate {
    /// Of the job, from 0.
    pub picture: u32,
    /// Among those for the same picture.
    pub number: u32,
    pub n_candidates: u32,
    pub seed: u64,
    pub generator: Generator,
}

/// What an autoencoder makes of a picture: latents, or how they are distributed.
#[derive(Debug, Clone)]
pub struct PictureLatents {
    /// `[1, channels, rows, columns]`
    pub mean: Tensor<4>,
    /// As the mean; `None` where the latents are certain.
    pub deviation: Option<Tensor<4>>,
}

impl PictureLatents {
    /// Latents that are certain.
    pub fn certain(mean: Tensor<4>) -> Self {
        Self {
            mean,
            deviation: None,
        }
    }

    /// The latents of one picture of a job, with the next numbers of its generator where anything is drawn.
    pub fn draw(&self, generator: &mut Generator) -> Tensor<4> {
        match &self.deviation {
            None => self.mean.clone(),
            Some(deviation) => {
                let noise = generator.randn_tensor(self.mean.dims(), &self.mean.device());
                self.mean.clone() + deviation.clone() * noise
            }
        }
    }
}

/// How much each pixel of the picture at work may change, 0 to 1, row by row.
#[derive(Debug, Clone, Copy)]
pub struct ChangeMap<'a> {
    pub change: &'a [f32],
    /// Pixels.
    pub width: usize,
    /// Pixels along one side of a latent cell.
    pub scale: usize,
}

/// What a denoiser that was trained to repaint is given of an edit.
pub struct Repainting {
    /// The picture as far as it is kept, in latents.
    pub known: PictureLatents,
    /// Further channels, behind the latents, of what was drawn of [`Self::known`].
    pub channels: Box<dyn Fn(Tensor<4>) -> Tensor<4>>,
    /// Of every latent cell, row by row: 1 where it is held at the picture throughout, else 0.
    pub kept: Vec<f32>,
}

impl<'a> ChangeMap<'a> {
    pub fn n_columns(self) -> usize {
        self.width / self.scale
    }

    /// The pixels of each cell, the top left one first.
    pub fn cells(self) -> impl Iterator<Item = impl Iterator<Item = f32> + 'a> + 'a {
        let Self {
            change,
            width,
            scale,
        } = self;
        let n_rows = change.len() / width / scale;
        (0..n_rows).flat_map(move |row| {
            (0..self.n_columns()).map(move |column| {
                (0..scale).flat_map(move |y| {
                    let start = (row * scale + y) * width + column * scale;
                    change[start..start + scale].iter().copied()
                })
            })
        })
    }
}
