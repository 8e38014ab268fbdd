use std::path::PathBuf;

use limn_engine::protocol::{Request, VariationsRequest};

use super::{
    arguments::LookingArguments,
    gestures::{self, Gesture, Given},
    making::MakingArguments,
};
use crate::gallery::VariationsFacts;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The picture to vary: PNG, JPEG, WebP, TIFF, PSD, OpenRaster and more
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// How far to go: at 0 next to nothing changes, at 1 only what the picture shows is kept
    #[arg(long, value_name = "F", default_value_t = 1.0, value_parser = read_far)]
    far: f32,
    /// What to steer the pictures to
    #[arg(long, value_name = "TEXT", default_value = "")]
    prompt: String,
    #[command(flatten)]
    looking: LookingArguments,
    #[command(flatten)]
    making: MakingArguments,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let given = Given::open(&arguments.image)?;
    let far = arguments.far;
    let gesture = Gesture {
        prompt: &arguments.prompt,
        n_pictures: arguments.making.count,
        given: &[&given],
        looking: Some(&arguments.looking),
    };
    let ask = |job, generate| {
        let request = VariationsRequest {
            generate,
            source: given.input,
            far,
        };
        Request::Vary { job, request }
    };
    gestures::run(&arguments.making, &gesture, ask, |recipe, _| {
        recipe.varied(VariationsFacts {
            far,
            of: Some(given.name.clone()),
        })
    })
}

fn read_far(text: &str) -> Result<f32, String> {
    let far: Option<f32> = text.parse().ok();
    far.filter(|far| (0.0..=1.0).contains(far))
        .ok_or_else(|| "give a number from 0 to 1, as in 0.6".to_owned())
}
