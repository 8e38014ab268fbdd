use std::{path::PathBuf, process::ExitCode};

use limn_engine::{
    catalogue::Catalogue,
    device::{self, Rung},
    worker,
};

use super::output;
use crate::files::{RealFs, sweep};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Serve this model folder too
    #[arg(long, value_name = "PATH")]
    model: Vec<PathBuf>,
    /// The prior's folder, for a decoder given with --model
    #[arg(long, value_name = "PATH")]
    prior: Option<PathBuf>,
    /// Serve every model folder inside this one
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Serve this LoRA too
    #[arg(long, value_name = "PATH")]
    lora: Vec<PathBuf>,
    /// Serve this IP-Adapter too
    #[arg(long, value_name = "PATH")]
    ip_adapter: Vec<PathBuf>,
    /// Leave the processor to all other work, and half of its cores alone
    #[arg(long)]
    background: bool,
    /// Measure where the time goes, by kind of layer
    #[arg(long)]
    profile: bool,
    /// Test one GPU and end: 0 when it computes what the CPU computes
    #[arg(long, value_name = "NAME", hide = true, requires = "rung")]
    self_test: Option<String>,
    #[arg(long, hide = true)]
    rung: Option<Rung>,
}

pub fn run(arguments: Arguments) -> ExitCode {
    if let (Some(name), Some(rung)) = (&arguments.self_test, arguments.rung) {
        return match device::run_self_test(name, rung) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                output::error(&error.into());
                ExitCode::FAILURE
            }
        };
    }
    if arguments.background {
        device::work_in_background();
    }
    if arguments.profile {
        limn_engine::profile::measure();
    }
    if let Some(folder) = device::cache_dir() {
        for folder in [&folder, &folder.join("values")] {
            sweep(&RealFs, folder);
        }
    }
    worker::run(Catalogue {
        folders: arguments.model,
        prior: arguments.prior,
        library: arguments.models,
        loras: arguments.lora,
        ip_adapters: arguments.ip_adapter,
    })
}
