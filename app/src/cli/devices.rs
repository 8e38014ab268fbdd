use limn_engine::foreign_text::{message, name};
use limn_engine::protocol::{DeviceInfo, SelfTest};
use serde_json::json;

use super::{conversation::Conversation, output};
use crate::engine_link::EngineCommand;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only list: do not test GPUs that were not tested yet
    #[arg(long)]
    no_test: bool,
    /// One JSON object per device on standard output
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut conversation = Conversation::start(EngineCommand::from_environment()?)?;
    let mut is_told = false;
    let devices = conversation.devices(!arguments.no_test, || {
        if !std::mem::replace(&mut is_told, true) {
            output::note("testing a GPU for the first time, which can take minutes");
        }
    })?;
    for device in &devices {
        if arguments.json {
            output::json(&json!({
                "event": "device",
                "name": device.name,
                "backend": device.backend,
                "driver": device.driver,
                "is_gpu": device.is_gpu,
                "is_software": device.is_software,
                "memory_bytes": device.memory_bytes,
                "dtypes": device.dtypes,
                "self_test": self_test(device),
            }));
        } else {
            output::lines(describe(device));
        }
    }
    Ok(())
}

fn describe(device: &DeviceInfo) -> String {
    let kind = match (device.is_gpu, device.is_software) {
        (true, true) => "software GPU, never chosen",
        (true, false) => "GPU",
        (false, _) => "processor",
    };
    let memory = device
        .memory_bytes
        .map_or_else(|| "unknown".to_owned(), gibibytes);
    format!(
        "{}\n  kind       {kind}\n  backend    {} ({})\n  memory     {memory}\n  precision  {}\n  self-test  {}",
        name(&device.name),
        name(&device.backend),
        name(&device.driver),
        name(device.dtypes.join(", ")),
        message(self_test(device)),
    )
}

fn self_test(device: &DeviceInfo) -> String {
    match &device.self_test {
        SelfTest::NotRun => "not run".to_owned(),
        SelfTest::Passed { rung } => format!("passed, {rung}"),
        SelfTest::Failed { reason } => format!("failed: {reason}"),
        SelfTest::NotNeeded => "not needed".to_owned(),
    }
}

/// As in `7.8 GiB`.
pub fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}
