//! Commands that ask one thing of the gallery and get one answer.

use std::sync::Arc;

use super::{Command, Event};
use crate::gallery::error::{Error, Result};
use crate::gallery::layout::PictureId;
use crate::gallery::store::Gallery;

/// Records that are sent unasked after a mark.
const MOST_RECORDS: usize = 200;

/// What a command comes to.
pub(super) struct Answer {
    pub events: Vec<Event>,
    pub changes_counts: bool,
}

impl Answer {
    fn of(event: Event) -> Self {
        Self {
            events: vec![event],
            changes_counts: false,
        }
    }

    fn changed(events: Vec<Event>) -> Self {
        Self {
            events,
            changes_counts: true,
        }
    }
}

pub(super) fn answer(gallery: &mut Gallery, command: Command) -> Result<Answer> {
    Ok(match command {
        Command::Records(ids) => Answer {
            events: records(gallery, &ids)?,
            changes_counts: false,
        },
        Command::Open(id) => Answer::of(match gallery.pixels(id) {
            Ok(pixels) => Event::Opened {
                id,
                pixels: Arc::new(pixels),
            },
            Err(error) => Event::Unreadable {
                id,
                message: error.to_string(),
            },
        }),
        Command::Mark { pictures, mark } => {
            gallery.mark(&pictures, &mark)?;
            let events = if pictures.len() > MOST_RECORDS {
                vec![Event::Changed]
            } else {
                records(gallery, &pictures)?
            };
            Answer::changed(events)
        }
        Command::Change(change) => {
            gallery.change(change)?;
            Answer::changed(vec![Event::Changed])
        }
        Command::Trash(ids) => moved(ids.len(), &gallery.trash_all(&ids)?),
        Command::Restore(ids) => moved(ids.len(), &gallery.restore_all(&ids)?),
        Command::EmptyTrash(ids) => moved(ids.len(), &gallery.delete_all(&ids)?),
        Command::Family(id) => Answer::of(Event::Family(Arc::new(gallery.family(id)?))),
        Command::Export { id, path, options } => {
            gallery.export(id, &path, options)?;
            Answer::of(Event::Exported { id, path })
        }
        Command::Save { .. }
        | Command::List { .. }
        | Command::Meaning(_)
        | Command::RetrySaves
        | Command::Overview
        | Command::Import(_)
        | Command::Rescan
        | Command::CancelImports
        | Command::Do { .. }
        | Command::Thumbnails(_) => {
            // A mistake of Limn's own; what waits to be saved must not go down with it.
            tracing::error!("the gallery was asked for something in the middle of something else");
            Answer::changed(Vec::new())
        }
    })
}

/// After many pictures went elsewhere: one that could not kept none of the others from it.
fn moved(n: usize, failures: &[(PictureId, Error)]) -> Answer {
    let mut events = vec![Event::Changed];
    events.extend(failures.first().map(|(_, first)| Event::Failed {
        message: match failures.len() {
            1 => first.to_string(),
            n_failed => format!("{n_failed} of {n} pictures: {first}"),
        },
    }));
    Answer::changed(events)
}

/// What is known of pictures; those that were deleted for good are passed over.
fn records(gallery: &Gallery, ids: &[PictureId]) -> Result<Vec<Event>> {
    let mut events = Vec::with_capacity(ids.len());
    for id in ids {
        match gallery.record(*id) {
            Ok(record) => events.push(Event::Record(Box::new(record))),
            Err(Error::UnknownPicture(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(events)
}
