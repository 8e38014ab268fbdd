use std::path::PathBuf;

use anyhow::bail;
use image::{RgbaImage, imageops};
use limn_engine::{
    PixelRect,
    protocol::Operation,
    stitch::{EditSettings, Margins, extend},
};

use super::{
    editing::{self, Edit},
    making::{MakingArguments, PromptArgument},
};
use crate::edit_limits;
use crate::import::LIMIT_SIDE_PX;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The picture to make larger: PNG, JPEG, WebP, TIFF, PSD, OpenRaster and more
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    #[command(flatten)]
    sides: Sides,
    /// How far new picture may blend into the old one, from 0 to 4 pixels; by default that stays as it is
    #[arg(long, value_name = "PX", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=4))]
    blend_inward: u32,
    #[command(flatten)]
    words: PromptArgument,
    #[command(flatten)]
    making: MakingArguments,
}

/// How much to add, in pixels.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Sides {
    /// Pixels to add on the left
    #[arg(long, value_name = "PX", default_value_t = 0)]
    left: u32,
    /// Pixels to add above
    #[arg(long, value_name = "PX", default_value_t = 0)]
    top: u32,
    /// Pixels to add on the right
    #[arg(long, value_name = "PX", default_value_t = 0)]
    right: u32,
    /// Pixels to add below
    #[arg(long, value_name = "PX", default_value_t = 0)]
    bottom: u32,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let picture = editing::open(&arguments.image)?;
    let old = PixelRect::from_size(picture.width(), picture.height());
    let margins = Margins {
        left: arguments.sides.left,
        top: arguments.sides.top,
        right: arguments.sides.right,
        bottom: arguments.sides.bottom,
    };
    if margins == Margins::default() {
        bail!("nothing is added: give --left, --top, --right or --bottom more than 0 pixels");
    }
    let longest = [margins.left, margins.top, margins.right, margins.bottom]
        .into_iter()
        .max();
    if longest > Some(LIMIT_SIDE_PX) {
        bail!("pictures have up to {LIMIT_SIDE_PX} pixels a side: add less");
    }
    let extension = extend(old, margins).blending_inward(arguments.blend_inward);
    let frame = extension.frame;
    if frame.width > LIMIT_SIDE_PX || frame.height > LIMIT_SIDE_PX {
        bail!(
            "{}×{} is too large: pictures have up to {LIMIT_SIDE_PX} pixels a side: add less",
            frame.width,
            frame.height
        );
    }
    // What is looked at is known once there is a model; the picture itself has to fit in any case.
    edit_limits::check(PixelRect::default(), frame)?;
    let mut pixels = RgbaImage::new(frame.width, frame.height);
    imageops::replace(
        &mut pixels,
        &picture,
        margins.left.into(),
        margins.top.into(),
    );
    let edit = Edit {
        operation: Operation::Outpaint,
        frame,
        pixels,
        mask: Some(extension.mask(frame)),
        extension: Some(extension),
        settings: EditSettings::default(),
        parent: editing::id_of(&arguments.image),
        inputs: vec![arguments.image.clone()],
    };
    editing::run(&edit, &arguments.words.prompt, &arguments.making)
}
