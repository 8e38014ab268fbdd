use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use limn_engine::{
    PixelRect,
    protocol::Operation,
    stitch::{EditSettings, Fill},
};

use super::{
    editing::{self, Edit},
    making::{MakingArguments, PromptArgument},
};
use crate::import;

/// A picture that is to stay recognisable.
const STRENGTH_WITHOUT_MASK: f32 = 0.6;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The picture to change: PNG, JPEG, WebP, TIFF, PSD, OpenRaster and more
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// White where the picture may change, nothing below 8 of 255; without one, all of it may
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
    /// How much may change, from 0 to 1 [default: 1 with a mask, 0.6 without]
    #[arg(long, value_name = "S", value_parser = read_strength)]
    strength: Option<f32>,
    /// How far to reach beyond the mask, in pixels, at most a quarter of its thickness; by its size without
    #[arg(long, value_name = "PX", value_parser = read_length)]
    grow: Option<f32>,
    /// Width of the soft edge in pixels, at most a quarter of the mask's thickness; by its size without
    #[arg(long, value_name = "PX", value_parser = read_length)]
    feather: Option<f32>,
    /// What the model finds under the mask [default: blur at full strength, else keep]
    #[arg(long, value_name = "HOW")]
    fill: Option<FillArgument>,
    /// Look at and work on the whole picture; with an empty mask change all of it
    #[arg(long)]
    whole: bool,
    #[command(flatten)]
    words: PromptArgument,
    #[command(flatten)]
    making: MakingArguments,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum FillArgument {
    Keep,
    Blur,
    Neutral,
    Noise,
}

impl From<FillArgument> for Fill {
    fn from(argument: FillArgument) -> Self {
        match argument {
            FillArgument::Keep => Self::Keep,
            FillArgument::Blur => Self::Blur,
            FillArgument::Neutral => Self::Neutral,
            FillArgument::Noise => Self::Noise,
        }
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let pixels = editing::open(&arguments.image)?;
    let (width, height) = pixels.dimensions();
    let mask = match &arguments.mask {
        Some(path) => read_mask(path, PixelRect::from_size(width, height), arguments.whole)?,
        None => None,
    };
    let has_mask = mask.is_some();
    let edit = Edit {
        operation: if has_mask {
            Operation::Inpaint
        } else {
            Operation::ImageToImage
        },
        frame: PixelRect::from_size(width, height),
        pixels,
        mask,
        extension: None,
        settings: settings(arguments, has_mask),
        parent: editing::id_of(&arguments.image),
        inputs: [Some(&arguments.image), arguments.mask.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
    };
    editing::run(&edit, &arguments.words.prompt, &arguments.making)
}

fn settings(arguments: &Arguments, has_mask: bool) -> EditSettings {
    let usual = if has_mask { 1.0 } else { STRENGTH_WITHOUT_MASK };
    let defaults = EditSettings::for_strength(arguments.strength.unwrap_or(usual));
    EditSettings {
        grow_px: arguments.grow,
        feather_px: arguments.feather,
        fill: arguments.fill.map_or(defaults.fill, Fill::from),
        whole: arguments.whole,
        ..defaults
    }
}

/// How much each pixel may change. `None` for a mask that is black all over, where the whole picture is asked for.
fn read_mask(path: &Path, frame: PixelRect, or_whole: bool) -> anyhow::Result<Option<Vec<u8>>> {
    let picture = editing::open(path).context("the mask")?;
    let mask = import::mask_values(&picture, frame)
        .map_err(|error| anyhow!("{error}: {}", path.display()))?;
    if mask.iter().any(|&value| value > 0) {
        Ok(Some(mask))
    } else if or_whole {
        Ok(None)
    } else {
        bail!(
            "nothing is masked: paint white where the picture may change, or change all of it with --whole: {}",
            path.display()
        );
    }
}

fn read_strength(text: &str) -> Result<f32, String> {
    let strength: Option<f32> = text.parse().ok();
    strength
        .filter(|strength| (0.0..=1.0).contains(strength))
        .ok_or_else(|| "give a number from 0 to 1, as in 0.6".to_owned())
}

fn read_length(text: &str) -> Result<f32, String> {
    let length: Option<f32> = text.parse().ok();
    length
        .filter(|length| (0.0..=4096.0).contains(length))
        .ok_or_else(|| "give pixels from 0 to 4096".to_owned())
}
