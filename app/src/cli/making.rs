//! What all subcommands that make pictures share: their options, how a job is told and saved.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use image::DynamicImage;
use limn_engine::{
    foreign_text,
    prompt_language::styles,
    protocol::{BlobHash, GenerateRequest, MemoryUse, ModelId, Picture, Plan, Timings},
};
use serde_json::json;

use super::{
    arguments::{ModelArguments, SamplingArguments},
    conversation::{Finished, JobEvent},
    output,
    progress::Reporter,
    target::Target,
};
use crate::files::{read_named, remedy};
use crate::gallery::recipe::Recipe;
use crate::paths::Folders;

/// What a picture is made from, where words are what it is made from.
#[derive(Debug, clap::Args)]
pub struct PromptArgument {
    /// What the picture shows
    #[arg(long, value_name = "TEXT")]
    pub prompt: String,
}

#[derive(Debug, clap::Args)]
pub struct MakingArguments {
    /// What the picture must not show
    #[arg(long, value_name = "TEXT")]
    negative: Option<String>,
    /// A style of `styles.csv` beside the models, laid around the prompt; more than one in their order
    #[arg(long, value_name = "NAME")]
    style: Vec<String>,
    #[command(flatten)]
    pub model: ModelArguments,
    #[command(flatten)]
    pub sampling: SamplingArguments,
    /// How many pictures
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub count: u32,
    /// Make each picture this many times and keep the one nearest to the prompt
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub best_of: u32,
    /// The first picture's seed; the next ones count up. Random without
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Initial noise: safetensors with one tensor `latents`
    #[arg(long, value_name = "FILE")]
    pub latents: Option<PathBuf>,
    /// A PNG file, or a folder for files named by their ids
    #[arg(long, value_name = "FILE|DIR")]
    out: PathBuf,
    /// Let --out replace a file that is read
    #[arg(long)]
    force: bool,
    /// One JSON object per event on standard output
    #[arg(long)]
    pub json: bool,
}

impl MakingArguments {
    /// The request, and the initial noise that it names.
    ///
    /// # Errors
    /// When the noise cannot be read.
    pub fn request(
        &self,
        model: ModelId,
        prompt: &str,
    ) -> anyhow::Result<(GenerateRequest, Option<Arc<[u8]>>)> {
        let latents = self.latents.as_deref().map(read_latents).transpose()?;
        let (prompt, negative_prompt) = self.styled(prompt)?;
        let request = GenerateRequest {
            model,
            compute: self.model.compute(),
            prompt,
            negative_prompt,
            size: self.sampling.size,
            n_pictures: self.count,
            best_of: self.best_of,
            seed: self.seed.unwrap_or_else(random_seed),
            sampling: self.sampling.sampling(),
            latents: latents.as_deref().map(BlobHash::of),
            loras: self.model.loras(),
            ip_adapter: None,
        };
        Ok((request, latents.map(Arc::from)))
    }
}

impl MakingArguments {
    /// The words with the styles around them.
    fn styled(&self, prompt: &str) -> anyhow::Result<(String, Option<String>)> {
        if self.style.is_empty() {
            return Ok((prompt.to_owned(), self.negative.clone()));
        }
        let path = Folders::find()?.styles();
        let bytes = std::fs::read(&path);
        let bytes = bytes.with_context(|| format!("there are no styles: {}", path.display()))?;
        let styles = styles::read_csv(&bytes).map_err(|reason| {
            anyhow::anyhow!("the styles cannot be read: {reason}: {}", path.display())
        })?;
        let chosen = self.style.iter().map(|name| {
            let found = styles
                .iter()
                .find(|style| style.name.eq_ignore_ascii_case(name));
            found.with_context(|| {
                let names: Vec<&str> = styles.iter().map(|style| style.name.as_str()).collect();
                let names = foreign_text::message(names.join(", ")).to_string();
                format!(
                    "there is no style “{}”; there are: {names}",
                    foreign_text::name(name)
                )
            })
        });
        let chosen = chosen.collect::<anyhow::Result<Vec<_>>>()?;
        let negative = self.negative.as_deref().unwrap_or_default();
        let (prompt, styled) = styles::apply(chosen, prompt, negative);
        let is_said = self.negative.is_some() || !styled.is_empty();
        Ok((prompt, is_said.then_some(styled)))
    }
}

/// Tells of a job and saves its pictures as they come.
pub struct Maker<'a> {
    arguments: &'a MakingArguments,
    target: Target,
    reporter: Reporter,
    plan: Option<Plan>,
    n_pictures: u32,
    n_saved: u32,
    /// Why the last one that lies elsewhere does, and where.
    elsewhere: Option<(String, PathBuf)>,
    n_elsewhere: u32,
}

/// A picture that the engine sent.
pub struct Made {
    pub picture: Picture,
    /// RGB.
    pub pixels: Vec<u8>,
    /// Of an edit: how much each pixel covers what is under it.
    pub patch_mask: Option<Vec<u8>>,
}

impl<'a> Maker<'a> {
    /// For a job of so many pictures, made from those files. Where they go is checked before anything is computed.
    ///
    /// # Errors
    /// Those of [`Target::new`] and [`Target::spare`].
    pub fn new(
        arguments: &'a MakingArguments,
        n_pictures: u32,
        inputs: &[&Path],
    ) -> anyhow::Result<Self> {
        let target = Target::new(&arguments.out, n_pictures)?;
        if !arguments.force {
            let latents = arguments.latents.as_deref();
            let inputs: Vec<&Path> = inputs.iter().copied().chain(latents).collect();
            target.spare(&inputs)?;
        }
        Ok(Self {
            arguments,
            target,
            reporter: Reporter::new(arguments.json, n_pictures),
            plan: None,
            n_pictures,
            n_saved: 0,
            elsewhere: None,
            n_elsewhere: 0,
        })
    }

    /// Takes in what a job tells. `finish` makes a saved picture of what the engine sent.
    ///
    /// # Errors
    /// Those of `finish`, and when the picture cannot be saved.
    pub fn take(
        &mut self,
        event: JobEvent,
        finish: impl FnOnce(&Plan, Made) -> anyhow::Result<(DynamicImage, Recipe)>,
    ) -> anyhow::Result<()> {
        self.reporter.tell(&event);
        match event {
            JobEvent::Started(plan) => self.plan = Some(plan),
            JobEvent::Picture(made) => {
                let plan = self
                    .plan
                    .as_ref()
                    .context("a picture came before its plan")?;
                let (index, score) = (made.picture.index, made.picture.score);
                let (pixels, recipe) = finish(plan, made)?;
                let saved = self.target.save(index, &pixels, &recipe)?;
                self.n_saved += 1;
                self.tell_saved(&saved.path, index, score, &recipe);
                if let Some(trouble) = saved.trouble {
                    self.n_elsewhere += 1;
                    self.elsewhere = Some((trouble, saved.path));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn tell_saved(&self, path: &Path, index: u32, score: Option<f32>, recipe: &Recipe) {
        if self.arguments.json {
            output::json(&json!({
                "event": "picture",
                "path": path.to_string_lossy(),
                "index": index,
                "seed": recipe.seed,
                "width": recipe.width,
                "height": recipe.height,
                "score": score,
            }));
        } else {
            let score = score.map_or_else(String::new, |score| format!(", score {score:.3}"));
            let text = format!("{} (seed {}{score})", path.display(), recipe.seed);
            self.reporter.note(&text);
        }
    }

    /// Tells how the job ended.
    ///
    /// # Errors
    /// When it failed or was cancelled, or a picture lies elsewhere than it was to.
    pub fn end(&mut self, result: anyhow::Result<Finished>) -> anyhow::Result<()> {
        self.reporter.finish();
        let finished = result?;
        if finished.was_cancelled {
            bail!(
                "cancelled; {} of {} pictures are kept",
                self.n_saved,
                self.n_pictures
            );
        }
        tell_end(&finished, self.arguments.json)?;
        match &self.elsewhere {
            None => Ok(()),
            Some((trouble, path)) => bail!(
                "{} of {} pictures could not be saved where they were to go ({trouble}); they are kept, the last one here: {}",
                self.n_elsewhere,
                self.n_pictures,
                path.display()
            ),
        }
    }
}

/// Tells what a job took.
///
/// # Errors
/// When it was cancelled.
pub fn tell_end(finished: &Finished, is_json: bool) -> anyhow::Result<()> {
    if finished.was_cancelled {
        bail!("cancelled");
    }
    if is_json {
        output::json(&finished_json(&finished.timings, &finished.memory));
    } else {
        output::note(format!("{:.1} s", finished.timings.total_seconds));
    }
    Ok(())
}

/// The last event of a job.
pub fn finished_json(timings: &Timings, memory: &MemoryUse) -> serde_json::Value {
    json!({
        "event": "finished",
        "stages": timings
            .stages
            .iter()
            .map(|(stage, secs)| (stage.clone(), json!(secs)))
            .collect::<serde_json::Map<_, _>>(),
        "steps": timings.steps,
        "total_seconds": timings.total_seconds,
        "memory_in_use_bytes": memory.in_use_bytes,
        "memory_budget_bytes": memory.budget_bytes,
        "peak_resident_bytes": memory.peak_resident_bytes,
    })
}

/// Short enough to read aloud.
pub fn random_seed() -> u64 {
    uuid::Uuid::new_v4().as_u128() as u64 & u64::from(u32::MAX)
}

fn read_latents(path: &Path) -> anyhow::Result<Vec<u8>> {
    /// Of the largest noise in four channels of f32, for a picture of 16,384 pixels a side.
    const LIMIT_BYTES: u64 = 128 << 20;
    read_named(path, LIMIT_BYTES).map_err(|error| {
        let remedy = remedy(&error);
        anyhow::anyhow!(
            "the latents cannot be read ({error}): {remedy}: {}",
            path.display()
        )
    })
}
