use std::path::Path;

use limn_engine::{
    Error,
    catalogue::{
        Catalogue, ComponentReport, IpAdapterReport, LoraReport, ModelReport, UpscalerFile,
        UpscalerReport,
    },
    foreign_text::{line, message, name},
    model::ModelFiles,
    protocol::ModelId,
    weights::LoadReport,
};
use serde_json::json;

use super::output;
use crate::paths::Folders;

/// Tensors and layers of one kind that are told by name; `--json` has them all.
const MAX_NAMED: usize = 100;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A model's or an upscaler's name, or a path to its folder or file; a LoRA's or an IP-Adapter's file
    #[arg(value_name = "MODEL")]
    model: String,
    /// The prior's folder, for a model folder that has only the decoder
    #[arg(long, value_name = "PATH")]
    prior: Option<std::path::PathBuf>,
    /// A model's name or path, to tell how a LoRA or an IP-Adapter fits it
    #[arg(long, value_name = "NAME|PATH")]
    for_model: Option<String>,
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
        ..Catalogue::default()
    };
    let id = ModelId(arguments.model.clone());
    if Catalogue::is_lora(path) {
        return inspect_lora(path, arguments);
    }
    if Catalogue::is_ip_adapter(path) {
        return inspect_ip_adapter(path, arguments);
    }
    let folder = match catalogue.open(&id) {
        Ok(folder) => folder,
        Err(error) => match catalogue.open_upscaler(&id) {
            Ok(upscaler) => return inspect_upscaler(&upscaler, arguments.json),
            // A damaged one says itself what is wrong.
            Err(other) if path.is_file() && !matches!(other, Error::NotAModel { .. }) => {
                return Err(other.into());
            }
            Err(_) => return Err(error.into()),
        },
    };
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
    if !report.abilities.is_empty() {
        // Whether the parts and the vocabulary go together is seen only as they are put together.
        folder.check()?;
    }
    Ok(())
}

fn inspect_lora(path: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let (_, model) = for_model(arguments)?;
    let components = model
        .as_ref()
        .map(|model| (model.name(), model.components()));
    let components = components.as_ref();
    let components = components.map(|(name, components)| (name.as_str(), components.as_slice()));
    let report = Catalogue::inspect_lora(path, components)?;
    if arguments.json {
        output::json(&json!({ "event": "lora", "lora": report }));
    } else {
        output::lines(describe_lora(&report));
    }
    if let Some(fit) = &report.fit {
        anyhow::ensure!(
            fit.n_layers > 0,
            "it changes nothing of {}",
            name(&fit.model)
        );
    }
    Ok(())
}

/// Where models are, and the model that something is to fit.
fn for_model(arguments: &Arguments) -> anyhow::Result<(Catalogue, Option<Box<dyn ModelFiles>>)> {
    let named = arguments.for_model.as_deref();
    let path = named.map(Path::new).filter(|path| path.exists());
    let catalogue = Catalogue {
        folders: path.map(Path::to_owned).into_iter().collect(),
        library: Some(Folders::find()?.models),
        ..Catalogue::default()
    };
    let model = named.map(|model| catalogue.open(&ModelId(model.to_owned())));
    let model = model.transpose()?;
    Ok((catalogue, model))
}

fn inspect_ip_adapter(path: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let (catalogue, model) = for_model(arguments)?;
    let adapter = catalogue.inspect_ip_adapter(path, model.as_deref())?;
    if arguments.json {
        output::json(&json!({ "event": "ip_adapter", "ip_adapter": adapter }));
    } else {
        output::lines(describe_ip_adapter(&adapter));
    }
    anyhow::ensure!(adapter.report.fits(), "the IP-Adapter cannot be loaded");
    if let Some((model, fits)) = &adapter.fit {
        anyhow::ensure!(*fits, "it was not made for {}", name(model));
    }
    Ok(())
}

fn describe_ip_adapter(adapter: &IpAdapterReport) -> String {
    let encoder = match (&adapter.encoder, adapter.encoder_kind) {
        (Some(path), _) => line(path).to_string(),
        (None, kind) => format!(
            "{} is needed and not there: put its folder or file beside it",
            kind.unwrap_or("a CLIP vision encoder")
        ),
    };
    let fit = adapter.fit.as_ref().map(|(model, fits)| {
        let fits = if *fits { "fits" } else { "does not fit" };
        format!("  model       {}: {fits}\n", name(model))
    });
    format!(
        "{}\n  kind        IP-Adapter{}, for {}\n  path        {}\n  size        {}, {} layers, {} tokens a picture\n  encoder     {encoder}\n{}{}  use         variations and blends look through it by themselves, or by --ip-adapter {}:1",
        name(&adapter.name),
        if adapter.is_plus { " plus" } else { "" },
        adapter
            .made_for
            .unwrap_or("models that its shapes do not tell"),
        line(&adapter.path),
        mebibytes(adapter.bytes),
        adapter.n_layers,
        adapter.n_tokens,
        fit.unwrap_or_default(),
        describe_faults(&adapter.report),
        name(&adapter.name),
    )
}

fn describe_lora(lora: &LoraReport) -> String {
    let made_for = lora
        .made_for
        .unwrap_or("models that its names and shapes do not tell");
    let mut lines = format!(
        "{}\n  kind        {}, for {made_for}\n  path        {}\n  size        {}, changes of {} layers\n",
        name(&lora.name),
        lora.kinds.join(" and "),
        line(&lora.path),
        mebibytes(lora.bytes),
        lora.n_layers,
    );
    if let Some(title) = &lora.title {
        lines += &format!("  title       {}\n", name(title));
    }
    if let Some(fit) = &lora.fit {
        lines += &format!(
            "  model       {}: changes {} layers\n",
            name(&fit.model),
            fit.n_layers
        );
        lines += &named("unmatched", &fit.unmatched);
        lines += &named("unfit", &fit.unfit);
    }
    lines
        + &format!(
            "  use         --lora {0}:1 or <lora:{0}:1> in the prompt",
            name(&lora.name)
        )
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
    let variant = report.variant.as_ref();
    let variant = variant.map_or(String::new(), |variant| format!(" {}", message(variant)));
    format!(
        "{}\n  family      {}{variant}\n  path        {}\n  size        {}, {:.1} million parameters\n  pictures    {width}×{height}, in steps of {} px\n{}  can         {abilities}\n{}{}",
        name(&report.name),
        name(&report.family),
        line(&report.path),
        mebibytes(report.bytes),
        report.n_parameters as f64 / 1e6,
        report.stride,
        describe_recipe(report),
        components,
        describe_unread(report),
    )
    .trim_end()
    .to_owned()
}

/// What a request gets that does not say, and why.
fn describe_recipe(report: &ModelReport) -> String {
    let recipe = &report.recipe;
    let steps = recipe.n_steps.map(|steps| format!(", {steps} steps"));
    let guidance = recipe.guidance_scale;
    let guidance = guidance.map(|guidance| format!(", guidance {guidance}"));
    let mut lines = format!(
        "  recipe      {}{}{}\n",
        name(&report.sampler),
        steps.unwrap_or_default(),
        guidance.unwrap_or_default()
    );
    for note in &report.notes {
        lines += &format!("              {}\n", message(note));
    }
    lines
}

/// What else is in the file.
fn describe_unread(report: &ModelReport) -> String {
    let mut lines = String::new();
    for (what, n) in &report.unread {
        lines += &format!("  not read    {n} tensors, {}\n", message(what));
    }
    lines
}

fn describe_component(component: &ComponentReport) -> String {
    let dtypes: Vec<&str> = component.dtypes.keys().map(String::as_str).collect();
    let mut lines = format!(
        "  {:<16}{}, {}\n",
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
    let lines = faults.map(|(what, names)| named(what, names));
    lines.concat()
}

/// One line each, so far as anybody reads them.
fn named(what: &str, names: &[String]) -> String {
    let mut lines = String::new();
    for tensor in names.iter().take(MAX_NAMED) {
        lines += &format!("    {what:<10}{}\n", name(tensor));
    }
    if names.len() > MAX_NAMED {
        let n_more = names.len() - MAX_NAMED;
        lines += &format!("    {what:<10}and {n_more} more\n");
    }
    lines
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_nobody_reads_to_its_end_is_cut() {
        let names = |n: usize| (0..n).map(|i| format!("layer.{i}")).collect::<Vec<_>>();
        assert_eq!(
            named("unused", &names(MAX_NAMED)).lines().count(),
            MAX_NAMED
        );
        let cut = named("unused", &names(100_000));
        assert_eq!(cut.lines().count(), MAX_NAMED + 1);
        assert!(cut.ends_with("unused    and 99900 more\n"), "{cut}");
    }
}
