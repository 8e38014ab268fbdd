//! `limn gallery`: what has been made, whether it is all there, and copies of it.

mod changing;
mod enlarging;
mod listing;
mod searching;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use limn_engine::foreign_text;
use serde_json::json;

use changing::{BoardDeed, EmptyArguments, ImportArguments, MarkArguments, Pictures};
use enlarging::Enlarging;
use listing::Filter;
use searching::{SearchArguments, SimilarArguments};

use super::arguments::ComputeArguments;
use super::output;
use super::progress::Meter;
use crate::export::SCALES;
use crate::files::{Existing, RealFs, create_dirs, remedy};
use crate::gallery::export::{DEFAULT_JPEG_QUALITY, ExportOptions, Format};
use crate::gallery::scan::ScanReport;
use crate::gallery::verify::Finding;
use crate::gallery::{Access, Error, Gallery, PictureId};
use crate::paths::Folders;
use crate::settings::Settings;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The gallery's folder; otherwise the one in the settings
    #[arg(long, value_name = "FOLDER", global = true)]
    folder: Option<PathBuf>,
    /// Print one JSON object per line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    deed: Deed,
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// List pictures, newest first
    List {
        #[command(flatten)]
        filter: Filter,
    },
    /// List pictures that have the words, and then those that show what they mean
    Search(SearchArguments),
    /// List pictures like one, the most alike first
    Similar(SimilarArguments),
    /// Read every picture whole and tell what is missing, damaged or changed
    Verify,
    /// Make the index again from the pictures and the marks
    Rebuild,
    /// Write copies, marked as made by AI
    Export(ExportArguments),
    /// Count pictures, boards, tags and models
    Overview,
    /// Show which pictures one came from, and which came from it
    Family {
        #[arg(value_name = "ID")]
        id: PictureId,
    },
    /// Copy pictures from elsewhere into the gallery; none comes twice
    Import(ImportArguments),
    /// Star, tag, name or note pictures, or put them on boards
    Mark(MarkArguments),
    /// Make, rename or delete a board
    #[command(subcommand)]
    Board(BoardDeed),
    /// Move pictures to the trash
    Trash(Pictures),
    /// Fetch pictures back from the trash
    Restore(Pictures),
    /// Delete for good what is in the trash
    Empty(EmptyArguments),
}

#[derive(Debug, Args)]
struct ExportArguments {
    /// The pictures, by the ids that `list` shows
    #[arg(required = true, value_name = "ID")]
    ids: Vec<PictureId>,
    /// A file for one picture, or a folder
    #[arg(long, value_name = "FILE|FOLDER")]
    out: PathBuf,
    /// Otherwise as the file's name says, or PNG
    #[arg(long)]
    format: Option<FormatName>,
    /// Of a JPEG; WebP is lossless
    #[arg(long, value_name = "1-100", default_value_t = DEFAULT_JPEG_QUALITY,
          value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// Leave prompt, seed and model out of a PNG
    #[arg(long)]
    without_recipe: bool,
    /// How many times wider and higher than the picture: 1, 2 or 4, drawn by the best upscaler there is
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = read_scale)]
    scale: u32,
    #[command(flatten)]
    compute: ComputeArguments,
    /// Replace files of the same name
    #[arg(long)]
    overwrite: bool,
}

/// Those that the window's sheet has.
fn read_scale(text: &str) -> Result<u32, String> {
    let scale = text.parse().ok().filter(|scale| SCALES.contains(scale));
    scale.ok_or_else(|| "copies are 1, 2 or 4 times as large".to_owned())
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatName {
    Png,
    Jpeg,
    Webp,
}

/// Does what the arguments say.
///
/// # Errors
/// If the gallery cannot be opened, a picture not be exported, or `verify` finds something.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let access = access(&arguments.deed);
    let makes_one = matches!(arguments.deed, Deed::Import(_));
    let mut gallery = open(arguments.folder.as_deref(), access, makes_one)?;
    tell_notices(&mut gallery);
    if gallery.take_is_index_new() {
        scan(&mut gallery)?;
    }
    let mut done = perform(&mut gallery, arguments);
    if let Err(error) = &done
        && let Some(damage) = error.downcast_ref::<Error>()
        && damage.is_index_damage()
    {
        gallery.mend(damage)?;
        tell_notices(&mut gallery);
        done = perform(&mut gallery, arguments);
    }
    tell_notices(&mut gallery);
    done
}

fn tell_notices(gallery: &mut Gallery) {
    for notice in gallery.take_notices() {
        output::note(notice);
    }
}

/// Finds what the index does not know. On a full disk it knows what it knew before, and that has to do.
fn scan(gallery: &mut Gallery) -> anyhow::Result<()> {
    match gallery.scan() {
        Err(error) if error.is_index_unwritable() => {
            gallery.say_unwritable(&error);
            Ok(())
        }
        result => Ok(result.map(|_| ())?),
    }
}

/// What only looks changes nothing, whoever's gallery it is.
fn access(deed: &Deed) -> Access {
    match deed {
        Deed::List { .. }
        | Deed::Search(_)
        | Deed::Similar(_)
        | Deed::Verify
        | Deed::Export(_)
        | Deed::Overview
        | Deed::Family { .. } => Access::Read,
        Deed::Rebuild
        | Deed::Import(_)
        | Deed::Mark(_)
        | Deed::Board(_)
        | Deed::Trash(_)
        | Deed::Restore(_)
        | Deed::Empty(_) => Access::Change,
    }
}

fn perform(gallery: &mut Gallery, arguments: &Arguments) -> anyhow::Result<()> {
    let json = arguments.json;
    match &arguments.deed {
        Deed::List { filter } => listing::list(gallery, filter, json),
        Deed::Search(arguments) => {
            let open_again = again(gallery)?;
            searching::search(gallery, open_again, arguments, json)
        }
        Deed::Similar(arguments) => {
            let open_again = again(gallery)?;
            searching::similar(gallery, open_again, arguments, json)
        }
        Deed::Verify => verify(gallery, json),
        Deed::Rebuild => rebuild(gallery, json),
        Deed::Export(arguments) => export(gallery, arguments, json),
        Deed::Overview => listing::overview(gallery, json),
        Deed::Family { id } => listing::family(gallery, *id, json),
        Deed::Import(arguments) => changing::import(gallery, arguments, json),
        Deed::Mark(arguments) => changing::mark(gallery, arguments, json),
        Deed::Board(deed) => changing::board(gallery, deed, json),
        Deed::Trash(pictures) => changing::trash(gallery, pictures, json),
        Deed::Restore(pictures) => changing::restore(gallery, pictures, json),
        Deed::Empty(arguments) => changing::empty(gallery, arguments, json),
    }
}

/// `makes_one`: a folder that is not there becomes a gallery. Everything else asks for one that is.
fn open(folder: Option<&Path>, access: Access, makes_one: bool) -> anyhow::Result<Gallery> {
    let folders = Folders::find()?;
    let (settings, notice) = Settings::load(&folders);
    if let Some(notice) = notice {
        output::note(notice);
    }
    if let Some(named) = folder
        && !named.is_dir()
    {
        if !makes_one {
            bail!(
                "there is no such folder: see how it is written: {}",
                named.display()
            );
        }
        output::note(format!(
            "there is no gallery yet, and one is made: {}",
            named.display()
        ));
    }
    let folder = std::path::absolute(folder.unwrap_or_else(|| settings.gallery_folder(&folders)))
        .context("this is not a folder's name")?;
    Ok(match access {
        Access::Change => Gallery::open(&folder, &folders.indexes, &folders.thumbnails())?,
        Access::Read => Gallery::open_to_read(&folder, &folders.indexes, &folders.thumbnails())?,
    })
}

/// Opens the same gallery once more, for another thread.
fn again(
    gallery: &Gallery,
) -> anyhow::Result<impl Fn() -> crate::gallery::Result<Gallery> + Send + 'static> {
    let (folder, folders) = (gallery.folder().to_owned(), Folders::find()?);
    Ok(move || Gallery::open_to_read(&folder, &folders.indexes, &folders.thumbnails()))
}

fn verify(gallery: &mut Gallery, json: bool) -> anyhow::Result<()> {
    let mut n_findings = 0;
    let n_pictures = gallery.verify(&mut |finding| {
        n_findings += 1;
        let (kind, id, text) = describe(finding);
        if json {
            output::json(&json!({"event": "finding", "kind": kind, "id": id, "text": text}));
        } else {
            output::line(match id {
                Some(id) => format!("{id}  {text}"),
                None => text,
            });
        }
    })?;
    if json {
        output::json(&json!({"event": "verified", "pictures": n_pictures, "findings": n_findings}));
    } else {
        output::line(format!("{n_pictures} pictures read, {n_findings} findings"));
    }
    if n_findings > 0 {
        bail!(
            "the gallery is not as it should be: `limn gallery rebuild` brings the index up to date and leaves damaged pictures alone: {}",
            gallery.folder().display()
        );
    }
    Ok(())
}

fn describe(finding: &Finding) -> (&'static str, Option<PictureId>, String) {
    match finding {
        Finding::Missing(id) => ("missing", Some(*id), "the file is gone".into()),
        Finding::Unindexed(id) => ("unindexed", Some(*id), "not in the index yet".into()),
        Finding::Unreadable { id, reason } => {
            let reason = foreign_text::message(reason);
            ("unreadable", Some(*id), format!("cannot be read: {reason}"))
        }
        Finding::Changed(id) => (
            "changed",
            Some(*id),
            "not the file that was saved: another program changed it".into(),
        ),
        Finding::Unmarked(id) => (
            "unmarked",
            Some(*id),
            "the mark that it was made by AI was removed".into(),
        ),
        Finding::BrokenIndex(answer) => (
            "broken_index",
            None,
            format!("the index is damaged: {}", foreign_text::message(answer)),
        ),
    }
}

fn rebuild(gallery: &mut Gallery, json: bool) -> anyhow::Result<()> {
    let mut meter = Meter::of_lines(json);
    let ScanReport {
        n_adopted, n_swept, ..
    } = gallery.rebuild(&mut |n_read| {
        meter.tell("", n_read as u64, 0, || format!("{n_read} pictures read"));
    })?;
    meter.finish();
    if json {
        output::json(&json!({"event": "rebuilt", "pictures": n_adopted, "swept": n_swept}));
    } else {
        let folder = gallery.folder().display();
        output::line(format!(
            "the index is made again from {n_adopted} pictures: {folder}"
        ));
    }
    Ok(())
}

fn export(gallery: &Gallery, arguments: &ExportArguments, json: bool) -> anyhow::Result<()> {
    let named = Format::from_path(&arguments.out).filter(|_| !arguments.out.is_dir());
    let is_file = named.is_some() && arguments.ids.len() == 1;
    if named.is_some() && !is_file {
        bail!(
            "several pictures need a folder, not a file: {}",
            arguments.out.display()
        );
    }
    let format = match arguments.format {
        Some(FormatName::Png) => Format::Png,
        Some(FormatName::Jpeg) => Format::Jpeg {
            quality: arguments.quality,
        },
        Some(FormatName::Webp) => Format::WebP,
        None => named.unwrap_or(Format::Png),
    };
    let format = match format {
        Format::Jpeg { .. } => Format::Jpeg {
            quality: arguments.quality,
        },
        other => other,
    };
    let options = ExportOptions {
        format,
        with_recipe: !arguments.without_recipe,
        existing: if arguments.overwrite {
            Existing::Replace
        } else {
            Existing::Keep
        },
    };
    if !is_file {
        create_dirs(&RealFs, &arguments.out).map_err(|error| {
            let (remedy, path) = (remedy(&error), arguments.out.display());
            anyhow::anyhow!("the folder cannot be made ({error}): {remedy}: {path}")
        })?;
    }
    let mut enlarging = match arguments.scale {
        1 => None,
        scale => Some(Enlarging::new(scale, arguments.compute.compute(), json)?),
    };
    let mut exported = std::collections::HashSet::new();
    for id in arguments.ids.iter().filter(|id| exported.insert(**id)) {
        let path = if is_file {
            arguments.out.clone()
        } else {
            arguments.out.join(format!("{id}.{}", format.extension()))
        };
        match &mut enlarging {
            Some(enlarging) => enlarging.export(gallery, *id, &path, options)?,
            None => gallery.export(*id, &path, options)?,
        }
        if json {
            output::json(&json!({"event": "exported", "id": id, "path": path.to_string_lossy()}));
        } else {
            output::line(path.display());
        }
    }
    Ok(())
}
