//! Searches by meaning run beside the gallery's thread, as imports do, on a gallery of their own.

use std::sync::Arc;

use super::worker::{Emit, Open};
use super::{Event, Meant};
use crate::gallery::index::Query;
use crate::gallery::meaning::{self, Meaning, Search};

/// The thread, from the first command to it on.
#[derive(Default)]
pub(super) struct Searching {
    meaning: Option<Meaning>,
}

impl Searching {
    pub fn command(&mut self, command: meaning::Command, open: &Open, emit: &Emit) {
        if self.meaning.is_none() {
            let (open, emit) = (Arc::clone(open), Arc::clone(emit));
            match Meaning::start(move || open(), move |event| emit(told(event))) {
                Ok(meaning) => self.meaning = Some(meaning),
                // Pictures are found by their words all the same.
                Err(error) => tracing::warn!("no search by meaning: {error}"),
            }
        }
        if let Some(meaning) = &self.meaning {
            meaning.send(command);
        }
    }

    /// Whether another answer to this list follows.
    pub fn search(&self, request: u64, query: Query) -> bool {
        let Some(meaning) = &self.meaning else {
            return false;
        };
        let is_search = query.is_search();
        if is_search {
            meaning.search(Search {
                request,
                query,
                picture: None,
            });
        }
        is_search
    }
}

fn told(event: meaning::Event) -> Event {
    match event {
        meaning::Event::State(state) => Event::Meaning(state),
        meaning::Event::Found {
            request,
            found,
            trouble,
        } => Event::Listed {
            request,
            n_exact: found.n_exact(),
            entries: found.entries.into(),
            meant: trouble.map_or(Meant::Done, Meant::Failed),
        },
    }
}
