//! The command line: one binary, the window without a subcommand.
//!
//! Exit code 0 on success, 1 on a failure with one clear line on standard error, 2 on wrong usage. What a closed or full
//! output means to it, `output` says.
//! Pictures are made by the same engine process, through the same link, as the window's.

mod arguments;
mod bench;
mod blend;
mod conversation;
mod devices;
mod edit;
mod editing;
mod engine;
mod gallery;
mod generate;
mod gestures;
mod inspect;
mod interrupt;
mod making;
mod models;
mod outpaint;
mod output;
mod progress;
mod rescue;
mod shift;
mod target;
mod upscale;
mod variations;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "limn",
    version,
    about = "Type, paint, and get pictures, all on this machine",
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Pictures and projects to open in the window
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make pictures from a prompt
    Generate(generate::Arguments),
    /// Change a picture, or what a mask covers of it
    Edit(edit::Arguments),
    /// Make a picture larger at its edges
    Outpaint(outpaint::Arguments),
    /// Make pictures like another
    Variations(variations::Arguments),
    /// Make pictures between pictures and texts
    Blend(blend::Arguments),
    /// Turn what a picture shows into something else
    Shift(shift::Arguments),
    /// Make a picture two, four or eight times as large
    Upscale(upscale::Arguments),
    /// Tell what is in a model's folder
    Inspect(inspect::Arguments),
    /// List what this machine can compute with
    Devices(devices::Arguments),
    /// Measure seconds per stage and step, and memory
    Bench(bench::Arguments),
    /// List, check and export what you have made
    Gallery(gallery::Arguments),
    /// List models, fetch them and check them
    Models(models::Arguments),
    /// Speak the engine protocol on standard input and output
    Engine(engine::Arguments),
}

/// The whole program: reads the arguments, does the deed, tells the exit code.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => return output::usage(&message),
    };
    let result = match arguments.command {
        None => open_window(&arguments.files),
        Some(Command::Engine(arguments)) => return engine::run(arguments),
        Some(Command::Generate(arguments)) => generate::run(&arguments),
        Some(Command::Edit(arguments)) => edit::run(&arguments),
        Some(Command::Outpaint(arguments)) => outpaint::run(&arguments),
        Some(Command::Variations(arguments)) => variations::run(&arguments),
        Some(Command::Blend(arguments)) => blend::run(&arguments),
        Some(Command::Shift(arguments)) => shift::run(&arguments),
        Some(Command::Upscale(arguments)) => upscale::run(&arguments),
        Some(Command::Inspect(arguments)) => inspect::run(&arguments),
        Some(Command::Devices(arguments)) => devices::run(&arguments),
        Some(Command::Bench(arguments)) => bench::run(&arguments),
        Some(Command::Gallery(arguments)) => gallery::run(&arguments),
        Some(Command::Models(arguments)) => models::run(&arguments),
    };
    output::end(result)
}

/// The window, with files in it. What is no file may be a command misspelt: it is said here, where it was typed.
fn open_window(files: &[PathBuf]) -> anyhow::Result<()> {
    for file in files {
        let name = file.display();
        match std::fs::metadata(file) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                anyhow::bail!(
                    "there is neither a file nor a command of this name (limn --help lists the commands): {name}"
                );
            }
            Err(error) => anyhow::bail!("this file cannot be opened ({error}): {name}"),
        }
    }
    // The window's own folder may be another by the time they are read.
    let files = files.iter().map(std::path::absolute);
    crate::window::open(files.collect::<Result<_, _>>()?)
}
