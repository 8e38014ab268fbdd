//! Search by words and by meaning: `limn gallery search` and `limn gallery similar`.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use image::RgbaImage;
use limn_engine::protocol::ModelId;

use super::listing::{Filter, record_json, record_line};
use crate::cli::output;
use crate::engine_link::EngineCommand;
use crate::gallery::meaning::{Activity, Command, EncoderChoice, Event, Found, Meaning, Search};
use crate::gallery::{Gallery, PictureId};
use crate::import;
use crate::paths::Folders;
use crate::settings::Settings;

/// How often it is told how far the pictures are.
const PROGRESS_PERIOD: Duration = Duration::from_secs(2);
/// Pictures that are shown unless `--limit` says otherwise.
const LIKE_LIMIT: usize = 24;

#[derive(Debug, Args)]
pub struct SearchArguments {
    #[arg(required = true)]
    words: Vec<String>,
    /// Only those that have all the words, in title, prompt, model, tags, boards or note
    #[arg(long = "words", conflicts_with = "meaning")]
    words_only: bool,
    /// Only those that show it, whatever their prompts say
    #[arg(long)]
    meaning: bool,
    #[command(flatten)]
    filter: Filter,
}

#[derive(Debug, Args)]
pub struct SimilarArguments {
    /// A picture of the gallery, or a file from anywhere
    #[arg(value_name = "ID|FILE")]
    picture: String,
    #[command(flatten)]
    filter: Filter,
}

/// Words first, then meaning, each with its score; or all in an order that is asked for.
///
/// # Errors
/// If the gallery cannot be read, or only meaning is asked for and cannot be looked for.
pub fn search(
    gallery: &mut Gallery,
    open: impl Fn() -> crate::gallery::Result<Gallery> + Send + 'static,
    arguments: &SearchArguments,
    json: bool,
) -> anyhow::Result<()> {
    let query = arguments.filter.query(&arguments.words.join(" "))?;
    super::scan(gallery)?;
    let mut found = if arguments.words_only {
        Found::by_words(gallery.entries(&query)?)
    } else {
        let search = Search {
            request: 0,
            query: query.clone(),
            picture: None,
        };
        match ask(open, search) {
            Ok(found) => found,
            Err(error) if arguments.meaning => return Err(error),
            Err(error) => {
                output::note(format!("searched by words alone: {error:#}"));
                Found::by_words(gallery.entries(&query)?)
            }
        }
    };
    if arguments.meaning {
        found = found.by_meaning_alone();
    }
    print(gallery, &found, arguments.filter.limit(), json)
}

/// What is like a picture, the most alike first.
///
/// # Errors
/// If there is no such picture, it cannot be read, or likeness cannot be looked for.
pub fn similar(
    gallery: &mut Gallery,
    open: impl Fn() -> crate::gallery::Result<Gallery> + Send + 'static,
    arguments: &SimilarArguments,
    json: bool,
) -> anyhow::Result<()> {
    let mut query = arguments.filter.query("")?;
    super::scan(gallery)?;
    let picture = match arguments.picture.parse::<PictureId>() {
        Ok(id) => {
            gallery.record(id)?;
            query.like = Some(id);
            None
        }
        Err(_) => Some(Arc::new(picture_file(&arguments.picture)?)),
    };
    let search = Search {
        request: 0,
        query,
        picture,
    };
    let found = ask(open, search)?;
    let limit = arguments.filter.limit().or(Some(LIKE_LIMIT));
    print(gallery, &found, limit, json)
}

fn picture_file(path: &str) -> anyhow::Result<RgbaImage> {
    let opened = import::open(Path::new(path));
    Ok(opened
        .context("this is no picture's id, and no picture")?
        .pixels)
}

/// Has all pictures looked at that were not yet, then asks.
fn ask(
    open: impl Fn() -> crate::gallery::Result<Gallery> + Send + 'static,
    search: Search,
) -> anyhow::Result<Found> {
    let folders = Folders::find()?;
    let (settings, _) = Settings::load(&folders);
    let (to_us, events) = channel();
    let meaning = Meaning::start(open, move |event| {
        let _ = to_us.send(event);
    })
    .context("the system gives no thread")?;
    meaning.send(Command::Use(EncoderChoice {
        engine: EngineCommand::in_background(&folders.models)?,
        model: settings.index_model.map(ModelId),
    }));
    wait_for_pictures(&events)?;
    meaning.search(search);
    loop {
        if let Event::Found { found, trouble, .. } = events.recv()? {
            return match trouble {
                Some(trouble) => bail!(trouble),
                None => Ok(found),
            };
        }
    }
}

fn wait_for_pictures(events: &Receiver<Event>) -> anyhow::Result<()> {
    let mut told = Instant::now();
    loop {
        let Event::State(state) = events.recv()? else {
            continue;
        };
        match state.activity {
            Activity::Failed(reason) => bail!(reason),
            Activity::Idle => return Ok(()),
            Activity::Off | Activity::Encoding | Activity::Paused | Activity::Resting => {}
        }
        if told.elapsed() >= PROGRESS_PERIOD {
            told = Instant::now();
            output::note(format!(
                "{} of {} pictures looked at",
                state.n_done, state.n_total
            ));
        }
    }
}

fn print(
    gallery: &mut Gallery,
    found: &Found,
    limit: Option<usize>,
    json: bool,
) -> anyhow::Result<()> {
    let rows = found.entries.iter().zip(&found.cosines);
    let rows = rows.take(limit.unwrap_or(usize::MAX));
    for (entry, score) in rows.take_while(|_| output::is_open()) {
        let record = gallery.record_or_mend(entry.id)?;
        if json {
            let mut row = record_json(gallery, &record);
            row["found_by"] = if score.is_some() { "meaning" } else { "words" }.into();
            row["similarity"] = (*score).into();
            output::json(&row);
        } else {
            let by = score.map_or("words".to_owned(), |score| format!("{score:.3}"));
            output::line(format!("{by:>5}  {}", record_line(&record)));
        }
    }
    if found.entries.is_empty() && !json {
        let folder = gallery.folder().display();
        output::note(format!("no pictures found in {folder}"));
    }
    Ok(())
}
