use std::path::Path;

use limn_engine::{
    catalogue::{Catalogue, ComponentReport, ModelReport, UpscalerFile, UpscalerReport},
    foreign_text::{line, message, name},
    protocol::ModelId,
    weights::LoadReport,
};
use serde_json::json;

use super::output;
use crate::paths::Folders;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A model's or an upscaler's name, or a path to its folder or file
    #[arg(value_name = "MODEL")]
    model: String,
    /// The prior's folder, for a model folder that has only the decoder
    #[arg(long, value_name = "PATH")]
    prior: Option<std::path::PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    json: bool,
}

/// Reads headers and configs, never a tensor.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let path = Path::new(&arguments.model);
    let is_path = path.exists() || arguments.model.contains(std::path::is_separator);
    let catalogue = Catalogue {
        folders: is_path.then(|| path.to_owned()).into_iter().collect(),
        prior: arguments.prior.clone(),
        library: Some(Folders::find()?.models),
    };
    let id = ModelId(arguments.model.clone());
    match catalogue.open_upscaler(&id) {
        Ok(upscaler) => return inspect_upscaler(&upscaler, arguments.json),
        Err(error) if path.is_file() => return Err(error.into()),
        Err(_) => {}
    }
    let folder = catalogue.open(&id)?;
    let report = folder.inspect();
    if arguments.json {
        output::json(&json!({ "event": "model", "model": report }));
    } else {
        output::lines(describe(&report));
    }
    let faulty: Vec<&str> = report
        .components
        .iter()
        .filter(|component| !component.fits())
        .map(|component| component.name.as_str())
        .collect();
    anyhow::ensure!(faulty.is_empty(), "cannot be loaded: {}", faulty.join(", "));
    Ok(())
}

fn inspect_upscaler(upscaler: &UpscalerFile, is_json: bool) -> anyhow::Result<()> {
    let report = upscaler.inspect()?;
    if is_json {
        output::json(&json!({ "event": "upscaler", "upscaler": report }));
    } else {
        output::lines(describe_upscaler(&report));
    }
    anyhow::ensure!(report.report.fits(), "the upscaler cannot be loaded");
    Ok(())
}

fn describe_upscaler(upscaler: &UpscalerReport) -> String {
    let dtypes: Vec<&str> = upscaler.dtypes.keys().map(String::as_str).collect();
    format!(
        "{}\n  family      {}\n  file        {}\n  size        {}, {:.1} million parameters, {}\n  can         make pictures {} times as large\n{}",
        name(&upscaler.name),
        name(&upscaler.family),
        line(&upscaler.path),
        mebibytes(upscaler.bytes),
        upscaler.report.n_parameters as f64 / 1e6,
        name(dtypes.join(" and ")),
        upscaler.scale,
        describe_faults(&upscaler.report),
    )
    .trim_end()
    .to_owned()
}

fn describe(report: &ModelReport) -> String {
    let (width, height) = report.default_size;
    let abilities = match report.abilities.join(", ") {
        abilities if abilities.is_empty() => "nothing as it is".to_owned(),
        abilities => abilities,
    };
    let components: String = report.components.iter().map(describe_component).collect();
    format!(
        "{}\n  family      {}\n  folder      {}\n  size        {}, {:.1} million parameters\n  pictures    {width}×{height}, in steps of {} px\n  sampler     {}\n  can         {abilities}\n{}",
        name(&report.name),
        name(&report.family),
        line(&report.path),
        mebibytes(report.bytes),
        report.n_parameters as f64 / 1e6,
        report.stride,
        name(&report.sampler),
        components.trim_end(),
    )
}

fn describe_component(component: &ComponentReport) -> String {
    let dtypes: Vec<&str> = component.dtypes.keys().map(String::as_str).collect();
    let mut lines = format!(
        "  {:<14}{}, {}\n",
        name(&component.name).to_string(),
        mebibytes(component.bytes),
        name(dtypes.join(" and "))
    );
    if let Some(fault) = &component.fault {
        lines += &format!("    fault     {}\n", message(fault));
    }
    if let Some(report) = &component.report {
        lines += &describe_faults(report);
    }
    lines
}

fn describe_faults(report: &LoadReport) -> String {
    let faults = [
        ("missing", &report.missing),
        ("unused", &report.unused),
        ("unfit", &report.unfit),
    ];
    let mut lines = String::new();
    for (what, names) in faults {
        for tensor in names {
            lines += &format!("    {what:<10}{}\n", name(tensor));
        }
    }
    lines
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
