use std::time::Instant;

use anyhow::Context;
use limn_engine::foreign_text::name;
use limn_engine::protocol::{GenerateRequest, MemoryUse, ModelId, Plan, Timings};
use serde_json::json;

use super::{
    arguments::{ModelArguments, SamplingArguments},
    conversation::{Conversation, JobEvent},
    making::finished_json,
    output,
    progress::Reporter,
};

/// What is drawn: any prompt costs the same.
const PROMPT: &str = "a red sailboat on the sea at night";

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    sampling: SamplingArguments,
    /// Pictures to make, one job each; the first also prepares the device
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// Say what kind of layer the time goes to; on a GPU each is waited for, so that all takes longer
    #[arg(long)]
    profile: bool,
    /// One JSON object per event on standard output
    #[arg(long)]
    json: bool,
}

/// One picture's numbers.
struct Run {
    /// From the request to the picture, as a user waits.
    wait_secs: f32,
    timings: Timings,
    memory: MemoryUse,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut command = arguments.model.engine_command()?;
    if arguments.profile {
        command = command.with_profile();
    }
    let mut conversation = Conversation::start(command)?;
    // Its first answer is when the engine is up, whichever model is measured.
    let models = conversation.models()?;
    let start_secs = started.elapsed().as_secs_f32();

    let first = || models.into_iter().next().map(|model| model.id);
    let model = arguments.model.model_id()?.or_else(first);
    let model = model.context("there is no model: name a folder with --model PATH")?;

    let loading = Instant::now();
    let mut reporter = Reporter::new(arguments.json, 1);
    conversation.load(model.clone(), arguments.model.compute(), |event| {
        reporter.tell(&event);
        Ok(())
    })?;
    let load_secs = loading.elapsed().as_secs_f32();

    let mut plan = None;
    let mut runs = Vec::new();
    for seed in 0..u64::from(arguments.runs) {
        let asked = Instant::now();
        let request = request(arguments, &model, seed);
        let finished = conversation.generate(request, None, |event| {
            reporter.tell(&event);
            if let JobEvent::Started(started) = event {
                plan = Some(started);
            }
            Ok(())
        })?;
        if finished.was_cancelled {
            anyhow::bail!("cancelled");
        }
        if arguments.json {
            output::json(&finished_json(&finished.timings, &finished.memory));
        }
        runs.push(Run {
            wait_secs: asked.elapsed().as_secs_f32(),
            timings: finished.timings,
            memory: finished.memory,
        });
    }
    reporter.finish();
    if arguments.json {
        output::json(&json!({
            "event": "bench",
            "plan": plan,
            "start_seconds": start_secs,
            "load_seconds": load_secs,
            "picture_seconds": runs.iter().map(|run| run.wait_secs).collect::<Vec<_>>(),
        }));
    } else {
        output::lines(table(plan.as_ref(), start_secs, load_secs, &runs));
    }
    Ok(())
}

fn request(arguments: &Arguments, model: &ModelId, seed: u64) -> GenerateRequest {
    GenerateRequest {
        model: model.clone(),
        compute: arguments.model.compute(),
        prompt: PROMPT.to_owned(),
        negative_prompt: None,
        size: arguments.sampling.size,
        n_pictures: 1,
        best_of: 1,
        seed,
        sampling: arguments.sampling.sampling(),
        latents: None,
        loras: arguments.model.loras(),
        ip_adapter: None,
    }
}

/// Rows of stages, a column for the first picture and one for the mean of the others.
fn table(plan: Option<&Plan>, start_secs: f32, load_secs: f32, runs: &[Run]) -> String {
    let mut rows = Vec::new();
    if let Some(plan) = plan {
        rows.push(format!(
            "{}, {}×{}, {} steps, on {} in {}",
            name(&plan.model_name),
            plan.width,
            plan.height,
            plan.n_steps,
            name(&plan.device),
            name(&plan.dtype)
        ));
    }
    rows.push(format!(
        "engine start {start_secs:.2} s, loading {load_secs:.2} s"
    ));
    let Some((first, others)) = runs.split_first() else {
        return rows.join("\n");
    };
    let row = |name: &str, number: &dyn Fn(&Run) -> f32, unit: &str| {
        let later = if others.is_empty() {
            String::new()
        } else {
            let mean = others.iter().map(number).sum::<f32>() / others.len() as f32;
            format!("{mean:9.3} {unit}")
        };
        format!("{name:24}{:9.3} {unit}  {later}", number(first))
    };
    rows.push(format!("{:24}{:>9}    {:>9}", "", "first", "later"));
    for (stage, _) in &first.timings.stages {
        let shown = name(stage).to_string();
        rows.push(row(&shown, &|run| stage_secs(run, stage), "s"));
    }
    rows.push(row("one step", &seconds_per_step, "s"));
    rows.push(row("picture", &|run| run.wait_secs, "s"));
    rows.push(row("pictures per minute", &|run| 60.0 / run.wait_secs, " "));
    let peak = runs
        .iter()
        .filter_map(|run| run.memory.peak_resident_bytes)
        .max();
    let in_use = runs.iter().map(|run| run.memory.in_use_bytes).max();
    rows.push(format!(
        "weights in use {}, engine's peak {}",
        mebibytes(in_use),
        mebibytes(peak)
    ));
    rows.join("\n")
}

fn stage_secs(run: &Run, stage: &str) -> f32 {
    let stages = run.timings.stages.iter();
    stages
        .filter(|(name, _)| name == stage)
        .map(|(_, secs)| secs)
        .sum()
}

/// The median: one hiccup does not count.
fn seconds_per_step(run: &Run) -> f32 {
    let mut steps = run.timings.steps.clone();
    steps.sort_by(f32::total_cmp);
    steps.get(steps.len() / 2).copied().unwrap_or_default()
}

fn mebibytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(
        || "unknown".to_owned(),
        |bytes| format!("{} MiB", bytes >> 20),
    )
}
