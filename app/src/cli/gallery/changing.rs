//! Changes of the gallery: imports, marks, boards, the trash.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use limn_engine::foreign_text;
use serde_json::json;

use crate::cli::progress::Meter;
use crate::cli::{interrupt, output};
use crate::gallery::importing::{ImportReport, Refusal, Stopped};
use crate::gallery::store::trash::Failures;
use crate::gallery::{Change, Gallery, Mark, PictureId};

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Picture files, or folders with pictures in them
    #[arg(required = true, value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct MarkArguments {
    /// The pictures, by the ids that `list` shows
    #[arg(required = true, value_name = "ID")]
    ids: Vec<PictureId>,
    /// Give them a star
    #[arg(long, conflicts_with = "unstar")]
    star: bool,
    /// Take the star away
    #[arg(long)]
    unstar: bool,
    /// Add a tag
    #[arg(long, value_name = "NAME")]
    tag: Vec<String>,
    /// Take a tag away
    #[arg(long, value_name = "NAME")]
    untag: Vec<String>,
    /// Put them on a board
    #[arg(long, value_name = "NAME")]
    board: Vec<String>,
    /// Take them off a board
    #[arg(long, value_name = "NAME")]
    off_board: Vec<String>,
    /// Write a note; an empty one takes it away
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Give them a name; an empty one takes it away
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum BoardDeed {
    /// Make an empty board
    Make { name: String },
    /// Rename a board; where there is one of the new name, the two become one
    Rename { from: String, to: String },
    /// Delete a board; its pictures stay in the gallery
    Delete { name: String },
}

#[derive(Debug, Args)]
pub struct Pictures {
    /// The pictures, by the ids that `list` shows
    #[arg(required = true, value_name = "ID")]
    ids: Vec<PictureId>,
}

#[derive(Debug, Args)]
pub struct EmptyArguments {
    /// The pictures, by the ids that `list --trash` shows; otherwise all that are in the trash
    #[arg(value_name = "ID")]
    ids: Vec<PictureId>,
    /// Really delete them: there is no way back
    #[arg(long)]
    yes: bool,
}

impl MarkArguments {
    fn marks(&self) -> Vec<Mark> {
        let mut marks = Vec::new();
        if self.star || self.unstar {
            marks.push(Mark::Star(self.star));
        }
        for (names, on) in [(&self.tag, true), (&self.untag, false)] {
            let names = names.iter().cloned();
            marks.extend(names.map(|name| Mark::Tag { name, on }));
        }
        for (names, on) in [(&self.board, true), (&self.off_board, false)] {
            let names = names.iter().cloned();
            marks.extend(names.map(|name| Mark::Board { name, on }));
        }
        marks.extend(self.note.clone().map(Mark::Note));
        marks.extend(self.title.clone().map(Mark::Title));
        marks
    }
}

/// # Errors
/// If there is nothing to mark, or the marks cannot be written down.
pub fn mark(gallery: &mut Gallery, arguments: &MarkArguments, json: bool) -> anyhow::Result<()> {
    let marks = arguments.marks();
    if marks.is_empty() {
        bail!("say what to mark them with, such as --star or --tag NAME");
    }
    super::scan(gallery)?;
    for id in &arguments.ids {
        gallery.record(*id)?;
    }
    let mut changed: Vec<PictureId> = Vec::new();
    for mark in &marks {
        changed.extend(gallery.mark(&arguments.ids, mark)?);
    }
    changed.sort_unstable();
    changed.dedup();
    if json {
        output::json(&json!({"event": "marked", "changed": changed}));
    } else {
        output::line(count(changed.len(), "changed"));
    }
    Ok(())
}

/// # Errors
/// If there is no such board, the name cannot be one, or the change not be written down.
pub fn board(gallery: &mut Gallery, deed: &BoardDeed, json: bool) -> anyhow::Result<()> {
    let (change, needed) = match deed.clone() {
        BoardDeed::Make { name } => (Change::MakeBoard { name }, None),
        BoardDeed::Rename { from, to } => {
            let needed = Some(from.clone());
            (Change::RenameBoard { from, to }, needed)
        }
        BoardDeed::Delete { name } => (Change::DeleteBoard { name: name.clone() }, Some(name)),
    };
    if let Some(name) = needed {
        let boards = gallery.overview()?.boards;
        if !boards.iter().any(|board| board.name == name) {
            bail!("there is no board of this name: `limn gallery overview` shows them all: {name}");
        }
    }
    gallery.change(change)?;
    super::listing::overview(gallery, json)
}

/// Copies pictures into the gallery; Ctrl-C ends it, and what came in stays.
///
/// # Errors
/// If it ended early or a file could not be taken in.
pub fn import(
    gallery: &mut Gallery,
    arguments: &ImportArguments,
    json: bool,
) -> anyhow::Result<()> {
    let is_cancelled = interrupt::listen()?;
    let mut meter = Meter::new(json);
    let report = gallery.import(&arguments.paths, &is_cancelled, &mut |report| {
        let added = count(report.added.len(), "added");
        let (n_done, n_files) = (report.n_done, report.n_files);
        let line = || format!("{n_done} of {n_files} files, {added}");
        meter.tell(&added, n_done as u64, n_files as u64, line);
    });
    meter.finish();
    tell_import(&report, json);
    match report.stopped {
        Some(Stopped::Failed(message)) => bail!("the import stopped: {message}"),
        Some(Stopped::Cancelled) => bail!("cancelled: the same import again takes in the rest"),
        None if report.n_failed > 0 => {
            bail!(
                "{} of {} files were not taken in",
                report.n_failed,
                report.n_files
            )
        }
        None => Ok(()),
    }
}

fn tell_import(report: &ImportReport, json: bool) {
    for failure in &report.failures {
        let (reason, path) = (&failure.reason, failure.path.display());
        if json {
            // A path need not be UTF-8.
            let path = path.to_string();
            let reason = foreign_text::message(reason).to_string();
            output::json(&json!({"event": "failed", "path": path, "reason": reason}));
        } else {
            output::note(format!("{reason}: {path}"));
        }
    }
    if json {
        output::json(&json!({
            "event": "imported",
            "files": report.n_files,
            "added": report.added,
            "completed": report.completed,
            "duplicates": report.n_duplicates,
            "failed": report.n_failed,
            "failed_by": by_name(&report.refusals),
            "left_out": report.left_out,
            "reduced": report.n_reduced,
        }));
    } else {
        let added = count(report.added.len(), "added");
        let mut parts = vec![added, format!("{} there already", report.n_duplicates)];
        parts.extend(report.omissions());
        output::line(parts.join(", "));
    }
}

fn by_name(refusals: &BTreeMap<Refusal, usize>) -> serde_json::Value {
    let named = refusals.iter().map(|(refusal, n)| (refusal.name(), *n));
    json!(named.collect::<BTreeMap<_, _>>())
}

/// # Errors
/// If a picture could not be moved.
pub fn trash(gallery: &mut Gallery, pictures: &Pictures, json: bool) -> anyhow::Result<()> {
    let ids = once_each(&pictures.ids);
    let failures = gallery.trash_all(&ids)?;
    tell_moved(&ids, failures, "trashed", json)
}

/// # Errors
/// If a picture could not be moved.
pub fn restore(gallery: &mut Gallery, pictures: &Pictures, json: bool) -> anyhow::Result<()> {
    let ids = once_each(&pictures.ids);
    let failures = gallery.restore_all(&ids)?;
    tell_moved(&ids, failures, "restored", json)
}

/// Deletes for good what is in the trash.
///
/// # Errors
/// Without `--yes`, or if a picture could not be deleted.
pub fn empty(gallery: &mut Gallery, arguments: &EmptyArguments, json: bool) -> anyhow::Result<()> {
    super::scan(gallery)?;
    let ids = if arguments.ids.is_empty() {
        gallery.trashed()?
    } else {
        once_each(&arguments.ids)
    };
    if !arguments.yes && !ids.is_empty() {
        let n = count(ids.len(), "in the trash");
        bail!("{n} would be deleted for good: say --yes if that is meant");
    }
    let failures = gallery.delete_all(&ids)?;
    tell_moved(&ids, failures, "deleted", json)
}

/// The pictures in their order; one that was named twice is there once.
fn once_each(ids: &[PictureId]) -> Vec<PictureId> {
    let mut seen = std::collections::HashSet::new();
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}

fn tell_moved(ids: &[PictureId], failures: Failures, done: &str, json: bool) -> anyhow::Result<()> {
    let failed: Vec<PictureId> = failures.iter().map(|(id, _)| *id).collect();
    let moved: Vec<&PictureId> = ids.iter().filter(|id| !failed.contains(id)).collect();
    if json {
        output::json(&json!({"event": done, "ids": moved}));
    } else {
        output::line(count(moved.len(), done));
    }
    match failures.into_iter().next() {
        Some((_, error)) => Err(error.into()),
        None => Ok(()),
    }
}

fn count(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 picture {what}"),
        n => format!("{n} pictures {what}"),
    }
}
