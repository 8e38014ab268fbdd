//! `limn models`: what is installed, what can be had, and getting it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use clap::Subcommand;
use limn_engine::catalogue::Catalogue;
use limn_engine::foreign_text::{message, name};
use serde_json::json;

use super::{interrupt, output, progress::Meter};
use crate::downloads::{
    Client, Hub, Link, ModelDownload, ModelProgress, Offline, Patience, Receipt, Verdict, verify,
};
use crate::model_library::{
    AddedFile, Fetched, RemoveTo, Transfer, add, fetch, find_known, known_models, offered, path_of,
    refresh_shared, remove, share, unshare,
};
use crate::paths::Folders;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the models that are installed
    List(Output),
    /// List models that can be had, or those that fit some words
    Search {
        /// Words that have to be in what a model is told by
        text: Vec<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Fetch a model by its link, or take one from a path
    Add {
        /// A page of Hugging Face or Civitai, `owner/name`, the address of a .safetensors file, or a path
        #[arg(value_name = "LINK|PATH")]
        source: String,
        /// Only tell what would be fetched
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Fetch one of the models that `search` lists
    Download {
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Read the models of another program where they lie
    Share {
        /// The folder of `ComfyUI`, a web interface or the hub's cache, or any with models
        path: PathBuf,
        #[command(flatten)]
        output: Output,
    },
    /// Leave a shared folder to its program again
    Unshare {
        path: PathBuf,
        #[command(flatten)]
        output: Output,
    },
    /// Take a model or a LoRA out of the library, into the system's trash
    Remove {
        name: String,
        /// Delete it for good
        #[arg(long)]
        delete: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Compare what was fetched with the hashes it had
    Verify {
        /// Of all that were fetched where none is named
        name: Option<String>,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, Clone, Copy, clap::Args)]
struct Output {
    /// One JSON object per event on standard output
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::List(output) => list(output.json),
        Command::Search { text, output } => {
            search(&text.join(" "), output.json);
            Ok(())
        }
        Command::Add {
            source,
            dry_run,
            output,
        } => add_from(source, *dry_run, output.json),
        Command::Download { name, output } => download(name, output.json),
        Command::Share { path, output } => share_folder(path, output.json),
        Command::Unshare { path, output } => unshare_folder(path, output.json),
        Command::Remove {
            name,
            delete,
            output,
        } => {
            let to = if *delete {
                RemoveTo::Nowhere
            } else {
                RemoveTo::Trash
            };
            remove_model(name, to, output.json)
        }
        Command::Verify { name, output } => verify_all(name.as_deref(), output.json),
    }
}

fn catalogue() -> anyhow::Result<Catalogue> {
    Ok(Catalogue {
        library: Some(Folders::find()?.models),
        ..Catalogue::default()
    })
}

fn list(is_json: bool) -> anyhow::Result<()> {
    refresh_shared(&Folders::find()?.models);
    for model in catalogue()?.models() {
        if is_json {
            output::json(&json!({
                "event": "model", "id": model.id.0, "name": model.name, "family": model.family,
                "size": [model.default_size.0, model.default_size.1],
            }));
        } else {
            let (width, height) = model.default_size;
            let family = name(&model.family);
            output::lines(format!(
                "{}  ({family}, {width}×{height})",
                name(&model.id.0)
            ));
        }
    }
    Ok(())
}

fn share_folder(path: &Path, is_json: bool) -> anyhow::Result<()> {
    let shared = share(&Folders::find()?.models, path)
        .with_context(|| format!("it cannot be shared: {}", path.display()))?;
    if is_json {
        output::json(&json!({ "event": "shared", "folder": shared }));
    } else {
        output::lines(format!(
            "{}: {}",
            name(&shared.program),
            name(shared.path.display().to_string().as_str())
        ));
    }
    Ok(())
}

fn unshare_folder(path: &Path, is_json: bool) -> anyhow::Result<()> {
    unshare(&Folders::find()?.models, path)
        .with_context(|| format!("it stays as it is: {}", path.display()))?;
    if is_json {
        output::json(&json!({ "event": "unshared", "path": path }));
    }
    Ok(())
}

fn search(text: &str, is_json: bool) {
    let found = find_known(text);
    for model in &found {
        if is_json {
            output::json(&json!({
                "event": "model", "name": model.name, "title": model.title, "good_for": model.good_for, "link": model.link,
                "licence": model.licence, "duty": model.duty, "size_mb": model.size_mb, "memory_mb": model.memory_mb,
            }));
        } else {
            output::lines(format!(
                "{}\n  {}\n  for        {}\n  fetches    {}\n  memory     about {}\n  licence    {}: {}",
                model.name,
                model.title,
                model.good_for,
                megabytes(model.size_mb),
                megabytes(model.memory_mb),
                model.licence,
                model.duty
            ));
        }
    }
    if found.is_empty() && !is_json {
        output::note(
            "none of them: `limn models search` lists all, and `limn models add` takes any link",
        );
    }
}

fn download(wanted: &str, is_json: bool) -> anyhow::Result<()> {
    let Some(model) = known_models().iter().find(|model| model.name == wanted) else {
        let names: Vec<&str> = known_models()
            .iter()
            .map(|model| model.name.as_str())
            .collect();
        bail!(
            "there is no {} in the list: choose one of {}, or use `limn models add LINK`",
            name(wanted),
            names.join(", ")
        );
    };
    fetch_link(&model.link, false, is_json)
}

fn add_from(source: &str, is_dry: bool, is_json: bool) -> anyhow::Result<()> {
    let path = Path::new(source);
    let is_path = path.exists() || path.is_absolute() || source.starts_with(['.', '~']);
    if !is_path {
        return fetch_link(source, is_dry, is_json);
    }
    if is_dry {
        bail!("`--dry-run` is for links: `limn inspect` tells what is at a path");
    }
    let library = Folders::find()?.models;
    let added = add(&library, path, &Transfer::Link).map_err(|reason| anyhow::anyhow!(reason))?;
    tell_added(&added, None, is_json);
    Ok(())
}

fn fetch_link(link: &str, is_dry: bool, is_json: bool) -> anyhow::Result<()> {
    let link = Link::parse(link)?;
    let client = Client::new(Offline::from_environment(), Patience::default())?;
    let hub = Hub::from_environment(client);
    let library = Folders::find()?.models;
    let download = offered(&hub, &link)?;
    tell_offer(&download, is_json);
    if is_dry {
        return Ok(());
    }
    let interrupted = interrupt::listen().context("Ctrl-C cannot be listened to")?;
    let mut meter = Meter::new(is_json);
    let mut teller = Teller {
        meter: &mut meter,
        is_json,
        told_mb: None,
        interrupted: &interrupted,
    };
    let fetched = fetch(&hub, &download, &library, &mut |progress| {
        teller.tell(progress)
    });
    meter.finish();
    let Fetched { added, receipt } = fetched?;
    tell_added(&added, receipt.as_ref(), is_json);
    Ok(())
}

struct Teller<'a> {
    meter: &'a mut Meter,
    is_json: bool,
    /// Of the last event for scripts.
    told_mb: Option<u64>,
    interrupted: &'a Arc<AtomicBool>,
}

impl Teller<'_> {
    fn tell(&mut self, progress: ModelProgress) -> bool {
        /// Between two events for scripts.
        const EVERY_MB: u64 = 16;
        let ModelProgress {
            n_bytes,
            total_bytes,
            n_files_done,
            n_files,
            waits,
        } = progress;
        let mb = n_bytes / 1_000_000 / EVERY_MB;
        if self.is_json && !waits && self.told_mb != Some(mb) {
            self.told_mb = Some(mb);
            output::json(&json!({
                "event": "progress", "done_bytes": n_bytes, "total_bytes": total_bytes,
                "files_done": n_files_done, "files": n_files,
            }));
        }
        if waits {
            self.meter.mention("waiting for the server", 0, 0);
        } else {
            let (done, total) = (n_bytes / 1_000_000, total_bytes / 1_000_000);
            let line = || format!("{done} of {total} MB, {n_files_done} of {n_files} files");
            self.meter.tell("fetching, in MB", done, total, line);
        }
        !self.interrupted.load(Ordering::Relaxed)
    }
}

fn tell_offer(download: &ModelDownload, is_json: bool) {
    let (title, n_files) = (download.title(), download.files().len());
    if is_json {
        output::json(&json!({
            "event": "offer", "title": title, "files": n_files, "total_bytes": download.total_bytes(),
            "licence": download.licence(),
        }));
        return;
    }
    let licence = download.licence().map_or_else(String::new, |licence| {
        format!(", licence {}", name(licence))
    });
    let files = if n_files == 1 {
        "1 file".to_owned()
    } else {
        format!("{n_files} files")
    };
    let size = match download.total_bytes() {
        0 => String::new(),
        bytes => format!(", {}", megabytes(bytes.div_ceil(1_000_000))),
    };
    output::note(format!("{}: {files}{size}{licence}", name(title)));
}

fn tell_added(added: &AddedFile, receipt: Option<&Receipt>, is_json: bool) {
    let is_checked =
        receipt.is_some_and(|receipt| receipt.files.iter().all(|file| file.hash.is_some()));
    if is_json {
        output::json(&json!({
            "event": "added", "path": added.path, "lora": added.lora, "is_ip_adapter": added.is_ip_adapter,
            "is_checked": is_checked,
        }));
    } else {
        let how = match (receipt, is_checked) {
            (None, _) => "",
            (Some(_), true) => ", every hash is right",
            (Some(_), false) => ", without a hash to check it by",
        };
        output::lines(format!("{}{how}", name(&added.file_name)));
    }
}

/// The folder or file of a model of the library, by its name.
fn installed(library: &Path, wanted: &str) -> anyhow::Result<PathBuf> {
    path_of(library, wanted).with_context(|| {
        format!(
            "there is no {} in the library: `limn models list` names what there is",
            name(wanted)
        )
    })
}

fn remove_model(wanted: &str, to: RemoveTo, is_json: bool) -> anyhow::Result<()> {
    let path = remove(&Folders::find()?.models, wanted, to)?;
    if is_json {
        output::json(&json!({ "event": "removed", "path": path }));
    } else {
        output::lines(format!(
            "removed {}",
            name(path.display().to_string().as_str())
        ));
    }
    Ok(())
}

fn verify_all(wanted: Option<&str>, is_json: bool) -> anyhow::Result<()> {
    let library = Folders::find()?.models;
    let models = match wanted {
        Some(wanted) => vec![installed(&library, wanted)?],
        None => received(&library),
    };
    let mut n_wrong = 0;
    for path in models {
        let Some(receipt) = Receipt::of(&path) else {
            bail!(
                "it was not fetched by Limn, so there are no hashes to compare it with: {}",
                path.display()
            );
        };
        verify(&path, &receipt, |file, verdict| {
            n_wrong += usize::from(matches!(verdict, Verdict::Changed | Verdict::Missing));
            tell_verdict(&path, file, verdict, is_json);
        })?;
    }
    if n_wrong > 0 {
        bail!("remove it and fetch it again: {n_wrong} files are not what was fetched");
    }
    Ok(())
}

fn tell_verdict(path: &Path, file: &str, verdict: Verdict, is_json: bool) {
    let word = match verdict {
        Verdict::Right => "right",
        Verdict::Changed => "changed",
        Verdict::Missing => "missing",
        Verdict::Unknown => "unknown",
    };
    if is_json {
        output::json(&json!({ "event": "file", "model": path, "file": file, "verdict": word }));
    } else {
        output::lines(format!("{word:8} {}", message(file)));
    }
}

/// Everything in the library that has a receipt.
fn received(library: &Path) -> Vec<PathBuf> {
    let folders = [
        library.to_owned(),
        limn_engine::catalogue::lora_folder(library),
        limn_engine::catalogue::ip_adapter_folder(library),
    ];
    let entries = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| Receipt::of(path).is_some())
        .collect();
    paths.sort();
    paths
}

fn megabytes(mb: u64) -> String {
    if mb < 1000 {
        format!("{mb} MB")
    } else {
        format!("{:.1} GB", mb as f64 / 1000.0)
    }
}
