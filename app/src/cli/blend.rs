//! `limn blend`: options whose order counts.

use std::path::PathBuf;

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches, error::ErrorKind, value_parser};
use limn_engine::protocol::{BlendInput, BlendNoise, BlendRequest, Mix, Request};

use super::{
    arguments::LookingArguments,
    gestures::{self, Gesture, Given},
    making::MakingArguments,
};
use crate::gallery::{BlendFacts, BlendedInput};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    inputs: Inputs,
    /// A strip of so many pictures from the first input to the second, in place of --weight
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=100))]
    strip: Option<u32>,
    /// How embeddings are mixed
    #[arg(long, value_name = "HOW", default_value = "slerp")]
    mix: MixArgument,
    /// Start from the pictures' own noise or from the seed's [default: the seed's for a --count above 1]
    #[arg(long, value_name = "WHICH")]
    noise: Option<NoiseArgument>,
    #[command(flatten)]
    looking: LookingArguments,
    #[command(flatten)]
    making: MakingArguments,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum MixArgument {
    Slerp,
    Linear,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum NoiseArgument {
    Inverted,
    Seed,
}

/// Pictures and texts as they stand on the command line, and the weights in their order.
#[derive(Debug, Clone, Default)]
struct Inputs {
    inputs: Vec<Input>,
    /// As many; none: all alike.
    weights: Vec<f32>,
}

#[derive(Debug, Clone, PartialEq)]
enum Input {
    Image(PathBuf),
    Text(String),
}

impl clap::Args for Inputs {
    fn augment_args(command: Command) -> Command {
        let option = |name: &'static str| Arg::new(name).long(name).action(ArgAction::Append);
        command
            .arg(
                option("image")
                    .value_name("FILE")
                    .value_parser(value_parser!(PathBuf))
                    .help("A picture to blend: PNG, JPEG, WebP, TIFF, PSD, OpenRaster and more; two to four inputs in all"),
            )
            .arg(option("text").value_name("TEXT").help("A text to blend"))
            .arg(
                option("weight")
                    .value_name("W")
                    .value_parser(read_weight)
                    .help("An input's part of the whole, in the inputs' order; without any, all alike"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Inputs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let images = placed::<PathBuf>(matches, "image");
        let texts = placed::<String>(matches, "text");
        let images = images.map(|(place, path)| (place, Input::Image(path)));
        let texts = texts.map(|(place, text)| (place, Input::Text(text)));
        let mut inputs: Vec<(usize, Input)> = images.chain(texts).collect();
        inputs.sort_by_key(|(place, _)| *place);
        let weights: Vec<f32> = placed(matches, "weight")
            .map(|(_, weight)| weight)
            .collect();
        let n_inputs = inputs.len();
        let fault = if !(2..=4).contains(&n_inputs) {
            format!(
                "a blend has two to four inputs, each --image or --text, and here are {n_inputs}"
            )
        } else if !weights.is_empty() && weights.len() != n_inputs {
            let n_weights = weights.len();
            format!(
                "every input needs a --weight: here are {n_inputs} inputs and {n_weights} weights"
            )
        } else if !weights.is_empty() && weights.iter().sum::<f32>() <= 0.0 {
            "at least one --weight must be above 0".to_owned()
        } else {
            return Ok(Self {
                inputs: inputs.into_iter().map(|(_, input)| input).collect(),
                weights,
            });
        };
        Err(clap::Error::raw(
            ErrorKind::WrongNumberOfValues,
            format!("{fault}\n"),
        ))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// An option's values with their places on the command line.
fn placed<'a, T: Clone + Send + Sync + 'static>(
    matches: &'a ArgMatches,
    name: &str,
) -> impl Iterator<Item = (usize, T)> + use<'a, T> {
    let places = matches.indices_of(name).into_iter().flatten();
    let values = matches.get_many::<T>(name).into_iter().flatten();
    places.zip(values.cloned())
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Inputs { inputs, .. } = &arguments.inputs;
    let ways = arguments.ways()?;
    let given = inputs
        .iter()
        .map(|input| match input {
            Input::Image(path) => Given::open(path).map(Some),
            Input::Text(_) => Ok(None),
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let named: Vec<&Given> = given.iter().flatten().collect();
    let making = &arguments.making;
    let n_pictures = if ways.len() > 1 {
        ways.len() as u32
    } else {
        making.count
    };
    let (mix, noise) = (arguments.mix(), arguments.noise(ways.len()));
    let gesture = Gesture {
        prompt: "",
        n_pictures,
        given: &named,
        looking: Some(&arguments.looking),
    };
    let ask = |job, generate| {
        let of_inputs = inputs.iter().zip(&given);
        let request = BlendRequest {
            generate,
            inputs: of_inputs
                .map(|(input, given)| match (input, given) {
                    (_, Some(given)) => BlendInput::Picture(given.input),
                    (Input::Text(text), None) => BlendInput::Text(text.clone()),
                    (Input::Image(_), None) => unreachable!("every image was opened"),
                })
                .collect(),
            ways: ways.clone(),
            mix,
            noise,
        };
        Request::Blend { job, request }
    };
    gestures::run(making, &gesture, ask, |recipe, index| {
        let weights = ways.get(index).unwrap_or(&ways[0]);
        let sum: f32 = weights.iter().sum();
        let all = inputs.iter().zip(&given).zip(weights);
        let inputs = all.map(|((input, given), weight)| BlendedInput {
            picture: given.as_ref().and_then(|given| given.id),
            text: match input {
                Input::Text(text) => Some(text.clone()),
                Input::Image(_) => None,
            },
            of: given.as_ref().map(|given| given.name.clone()),
            weight: weight / sum,
        });
        recipe.blended(BlendFacts {
            inputs: inputs.collect(),
            mix,
            noise,
        })
    })
}

impl Arguments {
    /// For each picture the inputs' weights.
    fn ways(&self) -> anyhow::Result<Vec<Vec<f32>>> {
        let Inputs { inputs, weights } = &self.inputs;
        let Some(n_pictures) = self.strip else {
            return Ok(vec![if weights.is_empty() {
                vec![1.0; inputs.len()]
            } else {
                weights.clone()
            }]);
        };
        if inputs.len() != 2 || !weights.is_empty() || self.making.count > 1 {
            bail!(
                "a strip goes from one input to another: give two, and neither --weight nor --count"
            );
        }
        let way = |index: u32| {
            let second = index as f32 / (n_pictures - 1) as f32;
            vec![1.0 - second, second]
        };
        Ok((0..n_pictures).map(way).collect())
    }

    fn mix(&self) -> Mix {
        match self.mix {
            MixArgument::Slerp => Mix::Slerp,
            MixArgument::Linear => Mix::Linear,
        }
    }

    /// Several pictures of one way would all be the same from the pictures' own noise.
    fn noise(&self, n_ways: usize) -> BlendNoise {
        match self.noise {
            Some(NoiseArgument::Seed) => BlendNoise::Seed,
            None if n_ways == 1 && self.making.count > 1 => BlendNoise::Seed,
            Some(NoiseArgument::Inverted) | None => BlendNoise::Inverted,
        }
    }
}

fn read_weight(text: &str) -> Result<f32, String> {
    let weight: Option<f32> = text.parse().ok();
    weight
        .filter(|weight| (0.0..=1e6).contains(weight))
        .ok_or_else(|| "give a number from 0 up, as in 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Args as _;

    use super::*;

    fn parse(words: &[&str]) -> Result<Inputs, clap::Error> {
        let command = Inputs::augment_args(Command::new("blend").no_binary_name(true));
        Inputs::from_arg_matches(&command.try_get_matches_from(words)?)
    }

    #[test]
    fn inputs_and_weights_keep_their_order() {
        let image = |name: &str| Input::Image(PathBuf::from(name));
        let text = |text: &str| Input::Text(text.to_owned());
        let line = "--image a.png --weight 1 --text x --image b.png --weight 0.5 --weight 0";
        let words: Vec<&str> = line.split(' ').collect();
        let inputs = parse(&words).unwrap();
        assert_eq!(inputs.inputs, [image("a.png"), text("x"), image("b.png")]);
        assert_eq!(inputs.weights, [1.0, 0.5, 0.0]);
        let alike = parse(&["--text", "x", "--image", "a.png"]).unwrap();
        assert_eq!(alike.inputs, [text("x"), image("a.png")]);
        assert!(alike.weights.is_empty());
    }

    #[test]
    fn what_does_not_fit_together_is_wrong_usage() {
        let one = ["--image", "a.png"];
        let two = [&one[..], &["--text", "x"]].concat();
        let weights = |weights: &[&'static str]| -> Vec<&str> {
            let words = weights.iter().flat_map(|weight| ["--weight", weight]);
            two.iter().copied().chain(words).collect()
        };
        for (words, why) in [
            (vec![], "here are 0"),
            (one.to_vec(), "here are 1"),
            (two.repeat(3), "here are 6"),
            (weights(&["1"]), "2 inputs and 1 weights"),
            (weights(&["1", "1", "1"]), "2 inputs and 3 weights"),
            (weights(&["0", "0"]), "above 0"),
            (weights(&["-1", "1"]), "-1"),
            (weights(&["NaN", "1"]), "from 0 up"),
            (weights(&["much", "1"]), "from 0 up"),
        ] {
            let error = parse(&words).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{words:?}");
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
