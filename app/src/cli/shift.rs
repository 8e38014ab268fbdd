use std::path::PathBuf;

use anyhow::bail;
use limn_engine::protocol::{Request, ShiftRequest};

use super::{
    gestures::{self, Gesture, Given},
    making::MakingArguments,
};
use crate::gallery::ShiftFacts;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The picture to change: PNG, JPEG, WebP, TIFF, PSD, OpenRaster and more
    #[arg(long, value_name = "FILE")]
    image: PathBuf,
    /// What it shows, as in `day`
    #[arg(long, value_name = "TEXT")]
    from: String,
    /// What it is to show, as in `night`
    #[arg(long, value_name = "TEXT")]
    to: String,
    /// How far, from 0 to 1; several make several pictures
    #[arg(long, value_name = "A", default_value = "0.75", value_parser = read_amount)]
    amount: Vec<f32>,
    #[command(flatten)]
    making: MakingArguments,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let making = &arguments.making;
    if making.count > 1 || making.best_of > 1 {
        bail!(
            "a shift has one answer: leave --count and --best-of away, or give --amount several times"
        );
    }
    let given = Given::open(&arguments.image)?;
    let amounts = &arguments.amount;
    let gesture = Gesture {
        prompt: "",
        n_pictures: amounts.len() as u32,
        given: &[&given],
        looking: None,
    };
    let ask = |job, generate| {
        let request = ShiftRequest {
            generate,
            source: given.input,
            from: arguments.from.clone(),
            to: arguments.to.clone(),
            amounts: amounts.clone(),
        };
        Request::Shift { job, request }
    };
    gestures::run(making, &gesture, ask, |recipe, index| {
        recipe.shifted(ShiftFacts {
            from: arguments.from.clone(),
            to: arguments.to.clone(),
            amount: amounts.get(index).copied().unwrap_or_default(),
            of: Some(given.name.clone()),
        })
    })
}

fn read_amount(text: &str) -> Result<f32, String> {
    let amount: Option<f32> = text.parse().ok();
    amount
        .filter(|amount| (0.0..=1.0).contains(amount))
        .ok_or_else(|| "give a number from 0 to 1, as in 0.75".to_owned())
}
