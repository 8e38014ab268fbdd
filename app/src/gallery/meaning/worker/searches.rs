//! How a search becomes an answer.

use super::{Doing, Pending, Step, Worker};
use crate::gallery::Result;
use crate::gallery::index::{MAX_TRIES, Query};
use crate::gallery::meaning::encoder::Batch;
use crate::gallery::meaning::matrix::Score;
use crate::gallery::meaning::ranking::{Finds, contrasts};
use crate::gallery::meaning::small::small;
use crate::gallery::meaning::{Event, Search, Subject};
use crate::words::in_known_words;

impl Worker {
    /// What the search needs next.
    pub(super) fn search_step(&mut self, pending: &Pending) -> Result<Step> {
        let Some(gallery) = &self.gallery else {
            return Ok(Step::Trouble("the gallery is not open".to_owned()));
        };
        if let Subject::Like(id) = pending.subject
            && let Some(embed) = self.searcher.picture(&gallery.index, id)?
        {
            return Ok(Step::Found(
                self.searcher.that_are_like(&gallery.index, &embed)?,
            ));
        }
        let Some(process) = &mut self.process else {
            return Ok(Step::Trouble("no model looks at the pictures".to_owned()));
        };
        if pending.n_deaths >= MAX_TRIES || process.keeps_dying() {
            return Ok(Step::Trouble(
                "the model that looks at the pictures has stopped".to_owned(),
            ));
        }
        let model = match process.model() {
            None => {
                process.start();
                return Ok(Step::Wait);
            }
            Some(Err(reason)) => return Ok(Step::Trouble(reason.to_owned())),
            Some(Ok(model)) => model,
        };
        let text = match &pending.subject {
            Subject::Text(text) => match &model.vocabulary {
                Some(vocabulary) => in_known_words(text, vocabulary),
                None => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            },
            Subject::Like(_) | Subject::Picture(_) => None,
        };
        if !self.searcher.is_confirmed() {
            let texts = contrasts(model.vocabulary.as_ref());
            process.ask(Batch::of_texts(texts));
            self.doing = Some(Doing::Contrasts);
            return Ok(Step::Wait);
        }
        let request = pending.search.request;
        let (batch, doing) = match &pending.subject {
            Subject::Text(_) => {
                let Some(text) = text else {
                    // None of its words is known.
                    return Ok(Step::Found(Vec::new()));
                };
                if let Some(embed) = self.searcher.text(&text).cloned() {
                    return Ok(Step::Found(
                        self.searcher.that_mean(&gallery.index, &embed)?,
                    ));
                }
                (Batch::of_texts(vec![text.clone()]), Doing::Text(text))
            }
            Subject::Picture(picture) => (
                Batch::of_pictures(vec![small(picture)]),
                Doing::Subject(request, None),
            ),
            Subject::Like(id) => {
                let file = gallery.index.file_state(*id)?;
                let picture = small(&gallery.pixels(*id)?);
                (
                    Batch::of_pictures(vec![picture]),
                    Doing::Subject(request, file),
                )
            }
        };
        process.ask(batch);
        self.doing = Some(doing);
        Ok(Step::Wait)
    }

    /// Lists what has the words and what was meant, and says so.
    pub(super) fn answer(
        &mut self,
        search: &Search,
        meant: &[Score],
        trouble: Option<String>,
    ) -> Result<()> {
        let Some(gallery) = &mut self.gallery else {
            return Ok(());
        };
        let is_about_picture = search.picture.is_some() || search.query.like.is_some();
        let order = search.query.sort_found;
        let filters = Query {
            words: String::new(),
            like: None,
            sort: order.unwrap_or(search.query.sort),
            ..search.query.clone()
        };
        let (exact, allowed) = if is_about_picture {
            (Vec::new(), gallery.entries(&search.query)?)
        } else {
            (gallery.entries(&search.query)?, gallery.entries(&filters)?)
        };
        let finds = Finds {
            exact,
            allowed: &allowed,
            meant,
        };
        let found = match order {
            None => finds.by_likeness(),
            Some(_) => finds.in_order(),
        };
        (self.emit)(Event::Found {
            request: search.request,
            found,
            trouble,
        });
        Ok(())
    }

    /// The answer about a picture that has just been embedded.
    pub(super) fn answer_like(&mut self, search: &Search, embed: &[f32]) -> Result<()> {
        let Some(gallery) = &self.gallery else {
            return Ok(());
        };
        let scores = self.searcher.that_are_like(&gallery.index, embed)?;
        self.answer(search, &scores, None)
    }
}
