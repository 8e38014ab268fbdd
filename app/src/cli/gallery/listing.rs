//! What is in the gallery: lists, counts, families.

use std::ops::Range;

use anyhow::Context;
use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use limn_engine::foreign_text;
use serde_json::json;

use crate::cli::output;
use crate::gallery::family::Relative;
use crate::gallery::index::State;
use crate::gallery::{Collection, Gallery, PictureId, Query, Record, Sort};

/// Characters of a prompt in a list.
const LIST_PROMPT_CHARS: usize = 60;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag")]
pub struct Filter {
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Only those with a star
    #[arg(long)]
    starred: bool,
    /// Only those on this board
    #[arg(long, value_name = "NAME")]
    board: Option<String>,
    /// Only those on no board
    #[arg(long, conflicts_with = "board")]
    no_board: bool,
    /// Only those with this tag
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
    /// Only those without a tag
    #[arg(long, conflicts_with = "tag")]
    no_tag: bool,
    /// Only those that this model made
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Only those whose longer side has at least so many pixels
    #[arg(long, value_name = "PX")]
    min_side: Option<u32>,
    /// Only those whose longer side has at most so many pixels
    #[arg(long, value_name = "PX")]
    max_side: Option<u32>,
    /// Only those made on this day or later, by this machine's clock
    #[arg(long, value_name = "YYYY-MM-DD")]
    since: Option<Date>,
    /// Only those made on this day or earlier
    #[arg(long, value_name = "YYYY-MM-DD")]
    until: Option<Date>,
    /// Those in the trash instead
    #[arg(long)]
    trash: bool,
    /// Without: newest first, or what is found with the most alike first
    #[arg(long, value_name = "ORDER")]
    sort: Option<SortName>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SortName {
    Newest,
    Oldest,
    /// By title, else prompt
    Name,
    /// Best match with the prompt first, where it was scored
    Score,
    /// Most pixels first
    Largest,
}

impl SortName {
    fn sort(self) -> Sort {
        match self {
            Self::Newest => Sort::Newest,
            Self::Oldest => Sort::Oldest,
            Self::Name => Sort::Name,
            Self::Score => Sort::Score,
            Self::Largest => Sort::Largest,
        }
    }
}

impl Filter {
    pub fn limit(&self) -> Option<usize> {
        self.limit
    }

    /// # Errors
    /// If a day is none.
    pub fn query(&self, words: &str) -> anyhow::Result<Query> {
        let sides = self.min_side.unwrap_or(0)..=self.max_side.unwrap_or(u32::MAX);
        let has_sides = self.min_side.is_some() || self.max_side.is_some();
        Ok(Query {
            words: words.to_owned(),
            is_starred: self.starred,
            tag: self.tag.clone(),
            board: self.board.clone(),
            is_untagged: self.no_tag,
            is_unboarded: self.no_board,
            model: self.model.clone(),
            longer_side_px: has_sides.then_some(sides),
            made: self.made()?,
            in_trash: self.trash,
            like: None,
            sort: self.sort.map(SortName::sort).unwrap_or_default(),
            sort_found: self.sort.map(SortName::sort),
        })
    }

    /// From the first moment of one day to the end of another, where the user is.
    fn made(&self) -> anyhow::Result<Option<Range<Timestamp>>> {
        if self.since.is_none() && self.until.is_none() {
            return Ok(None);
        }
        let begin = |date: Date| {
            let begin = date
                .to_zoned_datetime(TimeZone::system())
                .map(|begin| begin.timestamp());
            begin.with_context(|| format!("{date} is no day that a picture can be from"))
        };
        let after = |date: Date| date.checked_add(1.day()).context("this day is too late");
        Ok(Some(Range {
            start: self.since.map_or(Ok(Timestamp::MIN), begin)?,
            end: match self.until {
                Some(date) => begin(after(date)?)?,
                None => Timestamp::MAX,
            },
        }))
    }
}

/// # Errors
/// If the gallery cannot be read.
pub fn list(gallery: &mut Gallery, filter: &Filter, json: bool) -> anyhow::Result<()> {
    let query = filter.query("")?;
    super::scan(gallery)?;
    let ids = gallery.ids(&query)?;
    let ids_shown = ids.iter().take(filter.limit.unwrap_or(usize::MAX));
    for id in ids_shown.take_while(|_| output::is_open()) {
        let record = gallery.record_or_mend(*id)?;
        if json {
            output::json(&record_json(gallery, &record));
        } else {
            output::line(record_line(&record));
        }
    }
    if ids.is_empty() && !json {
        let folder = gallery.folder().display();
        output::note(format!("no pictures found in {folder}"));
    }
    Ok(())
}

pub fn record_line(record: &Record) -> String {
    let star = if record.is_starred { '*' } else { ' ' };
    let size = format!("{}x{}", record.width, record.height);
    let title = match &record.problem {
        Some(problem) => format!("cannot be read: {}", foreign_text::message(problem)),
        None => one_line(&record.name()),
    };
    let made = record.id.created().strftime("%Y-%m-%d %H:%M UTC");
    format!("{}  {made}  {size:>9} {star} {title}", record.id)
}

/// The beginning of a text that may have several lines.
fn one_line(text: &str) -> String {
    // A little more than is shown, so that no long text is gone through.
    let start = text.chars().take(4 * LIST_PROMPT_CHARS);
    let spaced: String = start
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    let mut line = foreign_text::line(&spaced).to_string();
    if let Some((at, _)) = line.char_indices().nth(LIST_PROMPT_CHARS) {
        line.truncate(at);
        line.push('…');
    }
    line
}

pub fn record_json(gallery: &Gallery, record: &Record) -> serde_json::Value {
    json!({
        "event": "picture",
        "id": record.id,
        "path": gallery.path(record.id).to_string_lossy(),
        "width": record.width,
        "height": record.height,
        "bytes": record.file_bytes,
        "starred": record.is_starred,
        "tags": record.tags,
        "boards": record.boards,
        "note": record.note,
        "title": record.title,
        "origin": record.origin,
        "recipe": record.recipe,
        "foreign_recipe": record.foreign,
        "parameters": record.parameters,
        "source_type": record.digital_source_type(),
        "problem": record.problem,
    })
}

/// How many pictures there are, and on which boards, with which tags, by which models.
///
/// # Errors
/// If the gallery cannot be read.
pub fn overview(gallery: &mut Gallery, json: bool) -> anyhow::Result<()> {
    super::scan(gallery)?;
    let overview = gallery.overview()?;
    let groups = [
        ("board", &overview.boards),
        ("tag", &overview.tags),
        ("model", &overview.models),
    ];
    if json {
        let named = |group: &[Collection]| -> Vec<serde_json::Value> {
            let each = group.iter();
            each.map(|each| json!({"name": each.name, "pictures": each.n_pictures}))
                .collect()
        };
        output::json(&json!({
            "event": "overview",
            "pictures": overview.n_pictures,
            "starred": overview.n_starred,
            "trashed": overview.n_trashed,
            "boards": named(&overview.boards),
            "tags": named(&overview.tags),
            "models": named(&overview.models),
        }));
        return Ok(());
    }
    output::line(format!("{:>7}  pictures", overview.n_pictures));
    output::line(format!("{:>7}  with a star", overview.n_starred));
    output::line(format!("{:>7}  in the trash", overview.n_trashed));
    for (what, group) in groups {
        for each in group {
            output::line(format!(
                "{:>7}  {what} {}",
                each.n_pictures,
                one_line(&each.name)
            ));
        }
    }
    Ok(())
}

/// Where a picture came from and what came from it.
///
/// # Errors
/// If the gallery cannot be read, or does not know the picture.
pub fn family(gallery: &mut Gallery, id: PictureId, json: bool) -> anyhow::Result<()> {
    super::scan(gallery)?;
    gallery.record(id)?;
    let family = gallery.family(id)?;
    for relative in family.members.iter().take_while(|_| output::is_open()) {
        if json {
            output::json(&json!({
                "event": "relative",
                "id": relative.id,
                "generation": relative.generation,
                "parents": relative.parents,
                "deed": relative.deed,
                "name": relative.name,
                "state": state_name(relative.state),
            }));
        } else {
            output::line(relative_line(relative));
        }
    }
    if family.is_cut {
        output::note("the family is larger than this");
    }
    let n_shown = family.n_siblings_shown();
    if n_shown < family.n_siblings {
        let n = family.n_siblings;
        output::note(format!("of {n} others of the same run {n_shown} are shown"));
    }
    Ok(())
}

fn relative_line(relative: &Relative) -> String {
    let state = match relative.state {
        State::Here => "",
        State::Trashed => "  (in the trash)",
        State::Missing => "  (deleted)",
    };
    let deed = relative
        .deed
        .and_then(|deed| serde_json::to_value(deed).ok());
    let deed = deed
        .as_ref()
        .and_then(serde_json::Value::as_str)
        .unwrap_or("-");
    let name = one_line(&relative.name);
    format!(
        "{:>3}  {}  {deed:<15} {name}{state}",
        relative.generation, relative.id
    )
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Here => "here",
        State::Trashed => "trashed",
        State::Missing => "missing",
    }
}
