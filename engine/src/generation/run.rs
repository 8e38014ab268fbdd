use std::{collections::HashMap, time::Instant};

use burn::tensor::{DType, Tensor};

use super::{
    prepared_run::PreparedRun, similarity::cosine, strategy::Strategy, wordings::Wordings,
};
use crate::{
    Error, Result, foreign_text,
    image::{RgbPicture, preview, read_back},
    model::{Candidate, Conditioning, JobConditioning, LoadedModel, Steer},
    noise::Generator,
    progress::{Clock, FinishedPicture, OnEvent, PipelineEvent},
    protocol::{Phase, Preview, Timings, Wording},
    samplers::{self, Step},
};

/// A prepared run on its way.
pub(crate) struct Generation<'a> {
    pub run: PreparedRun<'a>,
    pub model: &'a mut LoadedModel,
    pub clock: Clock,
    /// Of the first picture's words, which are mostly everyone's.
    pub conditioning: JobConditioning,
    /// Of each candidate's words, where the prompt leaves them choices: which of [`Self::readings`].
    wordings: Vec<Option<Wording>>,
    readings: HashMap<Wording, JobConditioning>,
    /// Whether the family has looked at pictures, and told of it.
    has_encoded: bool,
}

/// A picture as the model itself draws it.
struct Drawn {
    seed: u64,
    chosen: Option<Wording>,
    picture: RgbPicture,
    /// Where several are made to choose from.
    score: Option<f32>,
}

impl<'a> Generation<'a> {
    /// Reads the words and pictures that steer.
    ///
    /// # Errors
    /// Those of reading the encoders' weights; when the device fails.
    pub(super) fn new(
        run: PreparedRun<'a>,
        (steer, words): (&Steer, &Wordings),
        model: &'a mut LoadedModel,
        mut clock: Clock,
        on_event: &mut OnEvent,
    ) -> Result<Self> {
        let wordings: Vec<Option<Wording>> = run
            .seeds()
            .into_iter()
            .map(|seed| words.of_seed(seed))
            .collect();
        let mut read = |wording: Option<&Wording>| {
            let steer = wording.map_or(*steer, |wording| Steer {
                prompt: &wording.prompt,
                negative_prompt: wording.negative_prompt.as_deref(),
                by: steer.by,
            });
            model.read(&steer, &run.settings, (&mut clock, on_event))
        };
        let first = wordings.first().and_then(Option::as_ref);
        let conditioning = read(first)?;
        let mut readings = HashMap::new();
        for wording in wordings.iter().flatten() {
            if Some(wording) != first && !readings.contains_key(wording) {
                readings.insert(wording.clone(), read(Some(wording))?);
            }
        }
        let has_encoded = steer.n_pictures() > 0 && model.looks_at_pictures();
        Ok(Self {
            run,
            model,
            clock,
            conditioning,
            wordings,
            readings,
            has_encoded,
        })
    }

    /// Makes pictures that came with the job ready for the model, and books the time.
    ///
    /// # Errors
    /// What `encode` returns.
    pub fn prepare<T>(
        &mut self,
        on_event: &mut OnEvent,
        encode: impl FnOnce(&mut LoadedModel, &mut OnEvent) -> Result<T>,
    ) -> Result<T> {
        let start = Instant::now();
        if !self.has_encoded {
            self.clock
                .report(Phase::Encode, 0, (0, 1), None, on_event)?;
        }
        let encoded = encode(self.model, on_event)?;
        self.clock
            .end_stage("encode", start, self.model.take_load_seconds());
        Ok(encoded)
    }

    /// Makes them one by one and in order.
    ///
    /// With `best_of` above one each picture is the best of that many candidates with consecutive seeds; its own
    /// seed makes it again.
    ///
    /// # Errors
    /// When the device fails or a component cannot be read; [`Error::NotANumber`]; what `on_event` returns.
    pub fn pictures(mut self, strategy: &dyn Strategy, on_event: &mut OnEvent) -> Result<Timings> {
        let best_of = self.run.best_of;
        let mut candidates = self.candidates();
        let mut conditionings: Vec<Option<Conditioning>> = vec![None; candidates.len()];
        if !self.model.all_fit()? {
            // The conditioning of all comes first, so that what draws it gives way to the denoiser only once.
            for (candidate, conditioning) in candidates.iter_mut().zip(&mut conditionings) {
                *conditioning = Some(self.condition(candidate, on_event)?);
            }
        }
        let mut best: Option<Drawn> = None;
        for (candidate, conditioning) in candidates.iter_mut().zip(conditionings) {
            let drawn = match self.draw(strategy, candidate, conditioning, on_event) {
                Err(Error::OutOfMemory(reason)) if self.model.give_up_memory() => {
                    tracing::warn!("out of memory: {}", foreign_text::message(reason));
                    // As if nothing had been drawn for it.
                    candidate.generator = Generator::new(candidate.seed);
                    self.draw(strategy, candidate, None, on_event)?
                }
                result => result?,
            };
            if best.as_ref().is_none_or(|best| drawn.score > best.score) {
                best = Some(drawn);
            }
            if candidate.number + 1 == best_of
                && let Some(best) = best.take()
            {
                let finished = self.finish(strategy, best, candidate.picture, on_event)?;
                on_event(PipelineEvent::Picture(finished))?;
            }
        }
        Ok(self.clock.finish())
    }

    fn candidates(&self) -> Vec<Candidate> {
        let best_of = self.run.best_of;
        let seeds = self.run.seeds().into_iter();
        (0..)
            .zip(seeds)
            .map(|(index, seed)| Candidate {
                picture: index / best_of,
                number: index % best_of,
                n_candidates: best_of,
                seed,
                generator: Generator::new(seed),
            })
            .collect()
    }

    fn wording(&self, candidate: &Candidate) -> Option<&Wording> {
        let index = candidate.picture * self.run.best_of + candidate.number;
        self.wordings.get(index as usize)?.as_ref()
    }

    fn condition(
        &mut self,
        candidate: &mut Candidate,
        on_event: &mut OnEvent,
    ) -> Result<Conditioning> {
        let wording = self.wording(candidate).cloned();
        let reading = wording.and_then(|wording| self.readings.get_mut(&wording));
        let reports = (&mut self.clock, on_event);
        let reading = reading.unwrap_or(&mut self.conditioning);
        self.model.condition(reading, candidate, reports)
    }

    fn draw(
        &mut self,
        strategy: &dyn Strategy,
        candidate: &mut Candidate,
        conditioning: Option<Conditioning>,
        on_event: &mut OnEvent,
    ) -> Result<Drawn> {
        let conditioning = match conditioning {
            Some(conditioning) => conditioning,
            None => self.condition(candidate, on_event)?,
        };
        let latents = self.denoise(strategy, candidate, &conditioning, on_event)?;
        let picture = self.decode(candidate, latents, on_event)?;
        let score = if self.run.best_of == 1 {
            None
        } else {
            Some(self.score(&picture, candidate, &conditioning, on_event)?)
        };
        Ok(Drawn {
            seed: candidate.seed,
            chosen: self.wording(candidate).cloned(),
            picture,
            score,
        })
    }

    /// Makes what was drawn as large as it was asked for, and of an edit a patch.
    fn finish(
        &mut self,
        strategy: &dyn Strategy,
        drawn: Drawn,
        index: u32,
        on_event: &mut OnEvent,
    ) -> Result<FinishedPicture> {
        let Drawn {
            seed,
            chosen,
            picture,
            score,
        } = drawn;
        let picture = self.enlarge(picture, index, on_event)?;
        let start = Instant::now();
        let (RgbPicture { width, height, rgb }, patch_mask) = strategy.deliver(picture)?;
        if patch_mask.is_some() {
            self.clock.end_stage("stitch", start, 0.0);
        }
        Ok(FinishedPicture {
            index,
            seed,
            width,
            height,
            rgb,
            score,
            chosen,
            patch_mask,
        })
    }

    /// The last step of a cascade. What was drawn is its preview.
    fn enlarge(
        &mut self,
        picture: RgbPicture,
        index: u32,
        on_event: &mut OnEvent,
    ) -> Result<RgbPicture> {
        const MAX_PREVIEW_PX: u32 = 1_024;
        let n_passes = self.run.drawn.n_passes;
        if n_passes == 0 {
            return Ok(picture);
        }
        let start = Instant::now();
        let is_small = picture.width.max(picture.height) <= MAX_PREVIEW_PX;
        let preview = is_small.then(|| Preview {
            width: picture.width,
            height: picture.height,
            rgb: picture.rgb.clone(),
        });
        self.clock
            .report(Phase::Upscale, index, (0, 1), preview, on_event)?;
        let clock = &self.clock;
        let mut on_part = |done, on_event: &mut OnEvent| {
            clock.report(Phase::Upscale, index, done, None, on_event)
        };
        let larger = match self
            .model
            .enlarge(&picture, n_passes, on_event, &mut on_part)
        {
            Err(Error::OutOfMemory(reason)) if self.model.give_up_memory() => {
                tracing::warn!("out of memory: {}", foreign_text::message(reason));
                self.model
                    .enlarge(&picture, n_passes, on_event, &mut on_part)
            }
            result => result,
        }?;
        let load_seconds = self.model.take_load_seconds();
        self.clock.end_upscale(start, load_seconds);
        Ok(larger)
    }

    /// How near the picture came to the prompt, or without one to what steered it.
    fn score(
        &mut self,
        decoded: &RgbPicture,
        candidate: &Candidate,
        conditioning: &Conditioning,
        on_event: &mut OnEvent,
    ) -> Result<f32> {
        let start = Instant::now();
        let reading = self.wording(candidate);
        let reading = reading.and_then(|wording| self.readings.get(wording));
        let reading = reading.unwrap_or(&self.conditioning);
        let target = self.model.target_embed(reading, conditioning)?;
        let [embed] = self
            .model
            .embed_pictures(&[decoded], on_event)?
            .try_into()
            .map_err(|_| Error::Bug("one picture has one embedding".to_owned()))?;
        self.clock
            .end_stage("score", start, self.model.take_load_seconds());
        Ok(cosine(&embed, &target))
    }

    fn denoise(
        &mut self,
        strategy: &dyn Strategy,
        candidate: &mut Candidate,
        conditioning: &Conditioning,
        on_event: &mut OnEvent,
    ) -> Result<Tensor<4>> {
        let start = Instant::now();
        let [channels, rows, columns] = self.model.latent_shape(self.run.settings.size);
        let device = self.model.runtime().device.clone();
        let index = candidate.picture as usize;
        // In the reference's order: what is uncertain of a source, then the noise, then what is uncertain beside it.
        let source = strategy.source(index);
        let source = source.map(|source| source.draw(&mut candidate.generator));
        let noise = match self.run.latents {
            Some(latents) => latents.of_picture(index, &device),
            None => candidate
                .generator
                .randn_tensor([1, channels, rows, columns], &device),
        };
        let further = strategy.further_channels(&mut candidate.generator);
        let preview_map = self.model.preview_map(on_event)?;
        let schedule = &self.run.schedule;
        let latents = strategy.initial_latents(index, schedule, source.as_ref(), noise.clone())?;

        let guidance_scale = strategy.guidance_scale(index, self.run.settings.guidance_scale);
        let denoiser = self
            .model
            .denoiser(conditioning, guidance_scale, on_event)?;
        let denoise = |latents: Tensor<4>, timestep: f32| {
            let input = match &further {
                Some(channels) => Tensor::cat(vec![latents, channels.clone()], 1),
                None => latents,
            };
            denoiser(input, timestep)
        };

        let n_steps = schedule.n_steps() as u32;
        let total = n_steps * self.run.best_of;
        let clock = &mut self.clock;
        let (picture, number) = (candidate.picture, candidate.number);
        let mut step_start = Instant::now();
        let on_step = |mut step: Step<4>| {
            strategy.after_step(&mut step, source.as_ref(), &noise);
            let denoised = step.denoised.clone().cast(DType::F32);
            let preview = if let Some(map) = &preview_map {
                Some(preview(map, denoised)?)
            } else {
                // Reading one number back makes a device do the step before it is called done.
                read_back(denoised.slice([0..1, 0..1, 0..1, 0..1]))?;
                None
            };
            clock.end_step(std::mem::replace(&mut step_start, Instant::now()));
            let done = (number * n_steps + step.index as u32 + 1, total);
            clock.report(Phase::Step, picture, done, preview, on_event)
        };
        let generator = &mut candidate.generator;
        let latents = samplers::sample(schedule, denoise, latents, generator, on_step)?;
        drop(denoiser);
        self.clock
            .end_stage("denoise", start, self.model.take_load_seconds());
        Ok(latents)
    }

    fn decode(
        &mut self,
        candidate: &mut Candidate,
        latents: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<RgbPicture> {
        let start = Instant::now();
        let picture = candidate.picture;
        self.clock
            .report(Phase::Decode, picture, (0, 1), None, on_event)?;
        let generator = &mut candidate.generator;
        let decoded = self.model.decode(latents, generator, on_event)?;
        self.clock.end_decode(start, self.model.take_load_seconds());
        Ok(decoded)
    }
}
