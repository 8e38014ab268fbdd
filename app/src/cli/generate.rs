use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use image::RgbImage;
use limn_engine::protocol::{BlobHash, GenerateRequest, MemoryUse, Picture, Plan, Timings};
use serde_json::json;

use super::{
    arguments::{ModelArguments, SamplingArguments},
    conversation::{Conversation, JobEvent},
    output,
    progress::Reporter,
};
use crate::gallery::{picture_file, recipe::Recipe};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What the picture shows
    #[arg(long, value_name = "TEXT")]
    prompt: String,
    /// What the picture must not show
    #[arg(long, value_name = "TEXT")]
    negative: Option<String>,
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    sampling: SamplingArguments,
    /// How many pictures
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    count: u32,
    /// Make each picture this many times and keep the one nearest to the prompt
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    best_of: u32,
    /// The first picture's seed; the next ones count up. Random without
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Initial noise: safetensors with one tensor `latents`
    #[arg(long, value_name = "FILE")]
    latents: Option<PathBuf>,
    /// A PNG file, or a folder for files named by their ids
    #[arg(long, value_name = "FILE|DIR")]
    out: PathBuf,
    /// One JSON object per event on standard output
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let target = Target::new(&arguments.out, arguments.count)?;
    let latents = arguments.latents.as_deref().map(read_latents).transpose()?;
    let mut conversation = Conversation::start(arguments.model.engine_command()?)?;
    let request = GenerateRequest {
        model: conversation.model_or_first(arguments.model.model_id()?)?,
        compute: arguments.model.compute(),
        prompt: arguments.prompt.clone(),
        negative_prompt: arguments.negative.clone(),
        size: arguments.sampling.size,
        n_pictures: arguments.count,
        best_of: arguments.best_of,
        seed: arguments.seed.unwrap_or_else(random_seed),
        sampling: arguments.sampling.sampling(),
        latents: latents.as_deref().map(BlobHash::of),
    };

    let mut reporter = Reporter::new(arguments.json, arguments.count);
    let mut plan = None;
    let mut n_saved = 0;
    let result = conversation.generate(request.clone(), latents.map(Arc::from), |event| {
        reporter.tell(&event);
        match event {
            JobEvent::Started(started) => plan = Some(started),
            JobEvent::Picture { picture, pixels } => {
                let plan = plan.as_ref().context("a picture came before its plan")?;
                let path = target.save(plan, &request, &picture, pixels)?;
                n_saved += 1;
                tell_saved(arguments.json, &reporter, &path, &picture);
            }
            _ => {}
        }
        Ok(())
    });
    reporter.finish();
    let finished = result?;
    if finished.was_cancelled {
        bail!(
            "cancelled; {n_saved} of {} pictures are kept",
            arguments.count
        );
    }
    if arguments.json {
        output::json(&finished_json(&finished.timings, &finished.memory));
    } else {
        output::note(format!("{:.1} s", finished.timings.total_seconds));
    }
    Ok(())
}

fn tell_saved(is_json: bool, reporter: &Reporter, path: &Path, picture: &Picture) {
    if is_json {
        output::json(&json!({
            "event": "picture",
            "path": path,
            "index": picture.index,
            "seed": picture.seed,
            "width": picture.width,
            "height": picture.height,
            "score": picture.score,
        }));
    } else {
        reporter.note(&format!("{} (seed {})", path.display(), picture.seed));
    }
}

/// The last event of a job.
pub fn finished_json(timings: &Timings, memory: &MemoryUse) -> serde_json::Value {
    json!({
        "event": "finished",
        "stages": timings
            .stages
            .iter()
            .map(|(stage, secs)| (stage.clone(), json!(secs)))
            .collect::<serde_json::Map<_, _>>(),
        "steps": timings.steps,
        "total_seconds": timings.total_seconds,
        "memory_in_use_bytes": memory.in_use_bytes,
        "memory_budget_bytes": memory.budget_bytes,
        "peak_resident_bytes": memory.peak_resident_bytes,
    })
}

/// Short enough to read aloud.
fn random_seed() -> u64 {
    uuid::Uuid::new_v4().as_u128() as u64 & u64::from(u32::MAX)
}

fn read_latents(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("the latents cannot be read: {}", path.display()))
}

/// Where pictures go.
#[derive(Debug)]
enum Target {
    /// One file, or with several pictures its numbered siblings.
    File {
        path: PathBuf,
        count: u32,
    },
    Folder(PathBuf),
}

impl Target {
    /// Checked before anything is computed.
    ///
    /// # Errors
    /// For a name that is not a PNG's, and for a folder that cannot be written to.
    fn new(out: &Path, count: u32) -> anyhow::Result<Self> {
        let ends_as_folder = out.to_string_lossy().ends_with(std::path::is_separator);
        let Some(extension) = out.extension().filter(|_| !ends_as_folder && !out.is_dir()) else {
            std::fs::create_dir_all(out)
                .with_context(|| format!("the folder cannot be made: {}", out.display()))?;
            return Ok(Self::Folder(out.to_owned()));
        };
        if !extension.eq_ignore_ascii_case("png") {
            bail!("pictures are PNG files: name it .png: {}", out.display());
        }
        let folder = folder_of(out);
        if !folder.is_dir() {
            bail!("there is no such folder: {}", folder.display());
        }
        Ok(Self::File {
            path: out.to_owned(),
            count,
        })
    }

    /// Writes a picture with its recipe and the mark, whole or not at all.
    fn save(
        &self,
        plan: &Plan,
        request: &GenerateRequest,
        picture: &Picture,
        pixels: Vec<u8>,
    ) -> anyhow::Result<PathBuf> {
        let recipe = Recipe::new(plan, request, picture);
        let path = match self {
            Self::File { path, count } => numbered(path, picture.index, *count),
            Self::Folder(folder) => folder.join(format!("{}.png", recipe.id)),
        };
        let pixels = RgbImage::from_raw(picture.width, picture.height, pixels)
            .context("the engine sent a picture of another size than it said")?;
        let png = picture_file::encode_png(&pixels, &recipe)
            .map_err(|reason| anyhow::anyhow!("the picture cannot be encoded: {reason}"))?;
        write_whole(&path, &png)
            .with_context(|| format!("the picture cannot be saved: {}", path.display()))?;
        Ok(path)
    }
}

/// `boat.png` → `boat-1.png`, where there are several.
fn numbered(path: &Path, index: u32, count: u32) -> PathBuf {
    if count == 1 {
        return path.to_owned();
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-{}.png", index + 1))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder_of(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    make_readable(&file)?;
    file.persist(path)?;
    Ok(())
}

/// Temporary files are private; a picture is as readable as any file that the user makes.
#[cfg(unix)]
fn make_readable(file: &tempfile::NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file()
        .set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &tempfile::NamedTempFile) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn several_pictures_are_numbered_siblings() {
        let path = Path::new("out/my.boat.png");
        assert_eq!(numbered(path, 0, 1), path);
        assert_eq!(numbered(path, 0, 4), Path::new("out/my.boat-1.png"));
        assert_eq!(numbered(path, 3, 4), Path::new("out/my.boat-4.png"));
    }

    #[test]
    fn targets_are_checked_before_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(matches!(
            Target::new(&at("new/"), 1).unwrap(),
            Target::Folder(_)
        ));
        assert!(at("new").is_dir());
        assert!(matches!(
            Target::new(&at("other"), 1).unwrap(),
            Target::Folder(_)
        ));
        assert!(matches!(
            Target::new(&at("a.PNG"), 1).unwrap(),
            Target::File { .. }
        ));
        for (name, why) in [
            ("a.jpg", "name it .png"),
            ("no/such/a.png", "no such folder"),
        ] {
            let message = Target::new(&at(name), 1).unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
    }

    #[test]
    fn a_given_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        write_whole(&path, b"first").unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
