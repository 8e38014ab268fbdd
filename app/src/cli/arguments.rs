//! Arguments that several subcommands share, and how their values are read.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use limn_engine::{
    catalogue::Catalogue,
    protocol::{
        Compute, DeviceChoice, DtypeChoice, IpAdapterChoice, LoraChoice, ModelId, ModelInfo,
        Sampling,
    },
    samplers::{Sampler, Spacing},
};

use super::conversation::Conversation;
use crate::engine_link::EngineCommand;

/// Which model, and where it runs.
#[derive(Debug, Args)]
pub struct ModelArguments {
    /// A model's name, or a path to its folder
    #[arg(long, value_name = "NAME|PATH")]
    pub model: Option<String>,
    /// The prior's folder, for a model folder that has only the decoder
    #[arg(long, value_name = "PATH", requires = "model")]
    pub prior: Option<PathBuf>,
    /// A LoRA's name in the folder `loras` beside the models, or its file, and how much it counts; more than one adds up
    #[arg(long, value_name = "NAME|PATH[:WEIGHT]", value_parser = read_lora)]
    lora: Vec<LoraChoice>,
    #[command(flatten)]
    compute: ComputeArguments,
}

/// Where to compute, and how precisely.
#[derive(Debug, Args)]
pub struct ComputeArguments {
    /// Where to compute: auto, gpu, cpu, or a name that `limn devices` lists
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = read_device)]
    device: DeviceChoice,
    /// Precision: auto, f32 or f16
    #[arg(long, value_name = "DTYPE", default_value = "auto", value_parser = read_dtype)]
    dtype: DtypeChoice,
}

impl ComputeArguments {
    pub fn compute(&self) -> Compute {
        Compute {
            device: self.device.clone(),
            dtype: self.dtype,
        }
    }
}

impl ModelArguments {
    pub fn compute(&self) -> Compute {
        self.compute.compute()
    }

    /// The engine to start, told of the model if that is a path.
    pub fn engine_command(&self) -> anyhow::Result<EngineCommand> {
        let mut command = EngineCommand::from_environment()?;
        if let Some(path) = self.model_path()? {
            command = command.with_model(&path);
        }
        if let Some(prior) = &self.prior {
            command = command.with_prior(&std::path::absolute(prior)?);
        }
        for lora in &self.lora {
            if let Some(path) = model_path(&lora.name)? {
                command = command.with_lora(&path);
            }
        }
        Ok(command)
    }

    /// What is to change the model, by the names that the engine knows them by.
    pub fn loras(&self) -> Vec<LoraChoice> {
        let choices = self.lora.iter().map(|lora| LoraChoice {
            name: known_name(&lora.name),
            weight: lora.weight,
        });
        choices.collect()
    }

    /// The model's id; `None` for the engine's first.
    pub fn model_id(&self) -> anyhow::Result<Option<ModelId>> {
        let id = match self.model_path()? {
            Some(path) => Some(path.to_string_lossy().into_owned()),
            None => self.model.clone(),
        };
        Ok(id.map(ModelId))
    }

    /// What is known of the model before its weights are read.
    ///
    /// # Errors
    /// When there is no such model, or its folder is none.
    pub fn info(&self, conversation: &mut Conversation) -> anyhow::Result<ModelInfo> {
        if let Some(path) = self.model_path()? {
            // The engine lists it under a name of its own.
            let id = ModelId(path.to_string_lossy().into_owned());
            let catalogue = Catalogue {
                folders: vec![path],
                prior: self.prior.clone(),
                ..Catalogue::default()
            };
            return Ok(catalogue.open(&id)?.info(id)?);
        }
        let models = conversation.models()?;
        let valid = models.iter().map(|model| model.id.0.clone()).collect();
        let mut models = models.into_iter();
        match &self.model {
            None => models
                .next()
                .context("there is no model: name a folder with --model PATH"),
            Some(name) => models.find(|model| model.id.0 == *name).ok_or_else(|| {
                let name = name.clone();
                limn_engine::Error::UnknownModel { name, valid }.into()
            }),
        }
    }

    fn model_path(&self) -> anyhow::Result<Option<PathBuf>> {
        self.model.as_deref().map_or(Ok(None), model_path)
    }
}

/// The absolute path that `--model` names, if it is a path and not a name.
pub fn model_path(model: &str) -> anyhow::Result<Option<PathBuf>> {
    let is_path = model.contains(std::path::is_separator) || Path::new(model).exists();
    Ok(is_path.then(|| std::path::absolute(model)).transpose()?)
}

/// How to sample; what is not given comes from the model.
#[derive(Debug, Args)]
pub struct SamplingArguments {
    /// Width and height in pixels
    #[arg(long, value_name = "WxH", value_parser = read_size)]
    pub size: Option<(u32, u32)>,
    /// Denoising steps
    #[arg(long, value_name = "N")]
    pub steps: Option<u32>,
    /// Steps of the prior, which turns text into a picture's meaning
    #[arg(long, value_name = "N")]
    pub prior_steps: Option<u32>,
    /// How closely the picture follows the prompt
    #[arg(long, value_name = "G")]
    pub guidance: Option<f32>,
    /// How closely the prior follows the prompt
    #[arg(long, value_name = "G")]
    pub prior_guidance: Option<f32>,
    #[arg(long, value_name = "NAME", value_parser = read_sampler, help = Sampler::choices())]
    pub sampler: Option<Sampler>,
    #[arg(long, value_name = "NAME", value_parser = read_spacing, help = spacing_help())]
    pub spacing: Option<Spacing>,
    /// How much of the contrast that guidance adds is taken back, from 0 to 1
    #[arg(long, value_name = "R")]
    pub guidance_rescale: Option<f32>,
    /// How many of the text encoder's last layers are left out
    #[arg(long, value_name = "N")]
    pub clip_skip: Option<u32>,
}

impl SamplingArguments {
    pub fn sampling(&self) -> Sampling {
        Sampling {
            sampler: self.sampler,
            n_steps: self.steps,
            guidance_scale: self.guidance,
            n_prior_steps: self.prior_steps,
            prior_guidance_scale: self.prior_guidance,
            clip_skip: self.clip_skip,
            spacing: self.spacing,
            guidance_rescale: self.guidance_rescale,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a clap value parser")]
fn read_device(text: &str) -> Result<DeviceChoice, String> {
    Ok(match text.to_lowercase().as_str() {
        "auto" => DeviceChoice::Auto,
        "gpu" => DeviceChoice::Gpu,
        "cpu" => DeviceChoice::Cpu,
        // Only the engine knows its devices; it lists them for a name that is none.
        _ => DeviceChoice::Named(text.to_owned()),
    })
}

fn read_dtype(text: &str) -> Result<DtypeChoice, String> {
    match text {
        "auto" => Ok(DtypeChoice::Auto),
        "f32" => Ok(DtypeChoice::F32),
        "f16" => Ok(DtypeChoice::F16),
        _ => Err("use auto, f32 or f16".to_owned()),
    }
}

fn read_size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once(['x', 'X', '×']);
    sides
        .and_then(|(width, height)| Some((width.trim().parse().ok()?, height.trim().parse().ok()?)))
        .ok_or_else(|| "give width and height in pixels, as in 512x512".to_owned())
}

fn spacing_help() -> String {
    format!("How its steps lie over the noise: {}", Spacing::choices())
}

fn read_spacing(name: &str) -> Result<Spacing, limn_engine::Error> {
    name.parse()
}

fn read_sampler(name: &str) -> Result<Sampler, limn_engine::Error> {
    name.parse()
}

/// Through what a model looks at pictures that does not by itself.
#[derive(Debug, Args)]
pub struct LookingArguments {
    /// An IP-Adapter's name in the folder `ip_adapters` beside the models, or its file, and how much it counts; the first
    /// that fits the model without
    #[arg(long, value_name = "NAME|PATH[:SCALE]", value_parser = read_ip_adapter)]
    ip_adapter: Option<IpAdapterChoice>,
}

impl LookingArguments {
    /// The engine, told of the adapter if that is a path.
    pub fn engine_command(&self, command: EngineCommand) -> anyhow::Result<EngineCommand> {
        let path = self.ip_adapter.as_ref();
        let path = path.map_or(Ok(None), |adapter| model_path(&adapter.name))?;
        Ok(match path {
            Some(path) => command.with_ip_adapter(&path),
            None => command,
        })
    }

    /// The adapter by the name that the engine knows it by.
    pub fn choice(&self) -> Option<IpAdapterChoice> {
        let choice = self.ip_adapter.clone()?;
        Some(IpAdapterChoice {
            name: known_name(&choice.name),
            ..choice
        })
    }
}

/// What the engine calls a file that was named by its path; a name is one already.
fn known_name(name: &str) -> String {
    let path = model_path(name).ok().flatten();
    let stem = path.as_deref().and_then(Path::file_stem);
    stem.map_or_else(
        || name.to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

fn read_ip_adapter(text: &str) -> Result<IpAdapterChoice, String> {
    let (name, scale) = read_weighted(text);
    if name.is_empty() || !(0.0..=10.0).contains(&scale) {
        return Err("give a name and a scale, as in plus_sd15:0.7".to_owned());
    }
    Ok(IpAdapterChoice {
        name: name.to_owned(),
        scale,
    })
}

/// `name`, `name:0.8`, `C:\loras\name.safetensors:0.8`: what stands behind the last colon counts if it is a number.
fn read_weighted(text: &str) -> (&str, f32) {
    let parts = text.rsplit_once(':');
    let weighted =
        parts.and_then(|(name, weight)| Some((name, weight.trim().parse::<f32>().ok()?)));
    weighted.unwrap_or((text, 1.0))
}

fn read_lora(text: &str) -> Result<LoraChoice, String> {
    let (name, weight) = read_weighted(text);
    if name.is_empty() || !weight.is_finite() {
        return Err("give a name and a weight, as in watercolour:0.8".to_owned());
    }
    Ok(LoraChoice {
        name: name.to_owned(),
        weight,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lora_is_a_name_or_a_path_with_a_weight_or_without() {
        for (text, name, weight) in [
            ("watercolour", "watercolour", 1.0),
            ("watercolour:0.8", "watercolour", 0.8),
            ("a:b", "a:b", 1.0),
            ("./x.safetensors:-0.5", "./x.safetensors", -0.5),
            ("C:\\x.safetensors", "C:\\x.safetensors", 1.0),
        ] {
            let choice = read_lora(text).expect(text);
            assert_eq!(
                (choice.name.as_str(), choice.weight),
                (name, weight),
                "{text}"
            );
        }
        for text in ["", ":0.5", "x:inf", "x:nan"] {
            assert!(read_lora(text).is_err(), "{text}");
            assert!(read_ip_adapter(text).is_err(), "{text}");
        }
        assert!(read_ip_adapter("x:-0.5").is_err());
        let choice = read_ip_adapter("plus:0.5").expect("a choice");
        assert_eq!((choice.name.as_str(), choice.scale), ("plus", 0.5));
    }

    #[test]
    fn sizes_are_read_in_every_usual_spelling() {
        for text in ["512x768", "512X768", "512×768", "512 x 768"] {
            assert_eq!(read_size(text), Ok((512, 768)), "{text}");
        }
        assert_eq!(read_size("0x0"), Ok((0, 0)), "for the engine to refuse");
        for text in ["", "512", "x512", "-1x5", "5x5x5", "99999999999x1"] {
            assert!(read_size(text).is_err(), "{text}");
        }
    }
}
