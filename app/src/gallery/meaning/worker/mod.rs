//! What the thread does: keeps up with the gallery, answers searches, talks with the encoder.

mod pictures;
mod searches;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use limn_engine::protocol::Embeddings;

use super::encoder::{EncoderProcess, Said};
use super::matrix::Score;
use super::search::Searcher;
use super::{Activity, Command, Event, Found, Message, Search, State, Subject};
use crate::gallery::Result;
use crate::gallery::index::FileState;
use crate::gallery::store::Gallery;
use crate::supervised_thread::panic_notice;

/// How often the gallery is looked at for pictures that came or changed.
const LOOK_PERIOD: Duration = Duration::from_secs(3);

type Open = Box<dyn Fn() -> Result<Gallery> + Send>;
type Emit = Box<dyn Fn(Event) + Send>;

pub(super) struct Worker {
    open: Open,
    emit: Emit,
    wake: Arc<dyn Fn() + Send + Sync>,
    gallery: Option<Gallery>,
    process: Option<EncoderProcess>,
    searcher: Searcher,
    /// To be encoded, newest first.
    work: VecDeque<FileState>,
    /// One of these may have ended the encoder: each goes alone.
    suspects: VecDeque<FileState>,
    n_left: usize,
    n_total: usize,
    /// The state of the database that the work was listed from.
    seen: Option<i64>,
    looked: Option<Instant>,
    doing: Option<Doing>,
    batch_size: usize,
    is_paused: bool,
    search: Option<Pending>,
    /// Why the encoder encodes nothing.
    trouble: Option<String>,
    told: State,
}

/// What the encoder is busy with.
enum Doing {
    /// It tells who it is, and how near its texts and pictures lie.
    Contrasts,
    Text(String),
    /// The picture that this search is about; of the gallery, it is kept.
    Subject(u64, Option<FileState>),
    Pictures(Vec<FileState>, Instant),
}

struct Pending {
    search: Search,
    subject: Subject,
    /// How often the encoder died of it.
    n_deaths: u32,
}

/// How a search goes on.
enum Step {
    /// The encoder has to answer first.
    Wait,
    Found(Vec<Score>),
    Trouble(String),
}

impl Worker {
    pub fn new(open: Open, emit: Emit, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            open,
            emit,
            wake,
            gallery: None,
            process: None,
            searcher: Searcher::default(),
            work: VecDeque::new(),
            suspects: VecDeque::new(),
            n_left: 0,
            n_total: 0,
            seen: None,
            looked: None,
            doing: None,
            batch_size: 2,
            is_paused: false,
            search: None,
            trouble: None,
            told: State::default(),
        }
    }

    /// After a panic: only which encoder is to be used is kept, all else is found out again. The search that was
    /// under way is answered, as it may be what went wrong.
    pub fn begin_anew(&mut self, panic: &str) {
        let choice = self.process.take().map(|process| process.choice().clone());
        self.process = choice.map(|choice| EncoderProcess::new(choice, Arc::clone(&self.wake)));
        self.gallery = None;
        self.searcher = Searcher::default();
        self.work.clear();
        self.suspects.clear();
        (self.seen, self.looked, self.doing) = (None, None, None);
        self.trouble = None;
        self.told = State::default();
        let trouble = panic_notice("the search by meaning", panic);
        if let Some(pending) = self.search.take() {
            (self.emit)(Event::Found {
                request: pending.search.request,
                found: Found::default(),
                trouble: Some(trouble),
            });
        }
    }

    pub fn run(&mut self, messages: &Receiver<Message>) {
        loop {
            let first = match messages.recv_timeout(self.time_to_wait()) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            // All that have come, so that of several searches only the last is worked on.
            let mut next = first;
            while let Some(message) = next {
                match message {
                    Message::Command(command) => self.take(command),
                    Message::Search(search) => self.take_search(*search),
                    Message::Heard => {}
                    Message::AskProcessId(reply) => {
                        let process = self.process.as_ref();
                        let _ = reply.send(process.and_then(EncoderProcess::process_id));
                    }
                    Message::Quit => return,
                }
                next = messages.try_recv().ok();
            }
            self.hear();
            if let Err(error) = self.look().and_then(|()| self.go_on()) {
                tracing::warn!("search by meaning: {error}");
            }
            self.rest();
            self.tell();
        }
    }

    fn time_to_wait(&self) -> Duration {
        let now = Instant::now();
        let rests = self
            .process
            .as_ref()
            .and_then(|process| process.rests_until(now));
        let until_start = rests.map_or(LOOK_PERIOD, |at| at.saturating_duration_since(now));
        LOOK_PERIOD.min(until_start)
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Use(choice) => {
                if self
                    .process
                    .as_ref()
                    .is_some_and(|process| *process.choice() == choice)
                {
                    return;
                }
                self.process = Some(EncoderProcess::new(choice, Arc::clone(&self.wake)));
                self.searcher.use_encoder(None);
                (self.doing, self.trouble) = (None, None);
                self.suspects.clear();
                self.seen = None;
                self.looked = None;
                // What holds for this encoder is told, even where it is what held for the one before.
                self.told = State::default();
            }
            Command::Pause(is_paused) => self.is_paused = is_paused,
        }
    }

    fn take_search(&mut self, search: Search) {
        let subject = match (&search.picture, search.query.like) {
            (Some(picture), _) => Subject::Picture(Arc::clone(picture)),
            (None, Some(id)) => Subject::Like(id),
            (None, None) => Subject::Text(search.query.words.clone()),
        };
        self.search = Some(Pending {
            search,
            subject,
            n_deaths: 0,
        });
    }

    /// Lists the work anew, if anything in the gallery may have changed.
    fn look(&mut self) -> Result<()> {
        let is_due = self.looked.is_none_or(|at| at.elapsed() >= LOOK_PERIOD);
        if !is_due || matches!(self.doing, Some(Doing::Pictures(..))) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        if self.gallery.is_none() {
            self.gallery = Some((self.open)()?);
        }
        let (Some(gallery), Some(process)) = (&self.gallery, &self.process) else {
            return Ok(());
        };
        let index = &gallery.index;
        let version = index.data_version()?;
        if self.seen == Some(version) {
            return Ok(());
        }
        if self.searcher.encoder().is_none() {
            let encoder = index.last_encoder(process.model_name())?;
            self.searcher.use_encoder(encoder);
        }
        let encoder = self.searcher.encoder();
        (self.n_left, self.n_total) = index.count_without_embedding(encoder)?;
        self.work.clear();
        self.seen = Some(version);
        Ok(())
    }

    /// The next thing to ask the encoder for, searches first.
    fn go_on(&mut self) -> Result<()> {
        if self.process.as_ref().is_some_and(EncoderProcess::is_busy) {
            return Ok(());
        }
        self.doing = None;
        while let Some(pending) = self.search.take() {
            match self.search_step(&pending) {
                Ok(Step::Wait) => {
                    self.search = Some(pending);
                    return Ok(());
                }
                Ok(Step::Found(scores)) => self.answer(&pending.search, &scores, None)?,
                Ok(Step::Trouble(trouble)) => self.answer(&pending.search, &[], Some(trouble))?,
                Err(error) => self.answer(&pending.search, &[], Some(error.to_string()))?,
            }
        }
        let Some(process) = &self.process else {
            return Ok(());
        };
        let has_work = self.n_left > 0 || !self.suspects.is_empty();
        let rests = process.rests_until(Instant::now()).is_some();
        if has_work && !self.is_paused && !rests {
            self.encode_next()?;
        }
        Ok(())
    }

    fn hear(&mut self) {
        let said = self.process.as_mut().map(EncoderProcess::hear);
        for said in said.unwrap_or_default() {
            let result = match said {
                Said::Embedded(embeddings) => self.embedded(embeddings),
                Said::Refused(failure) => self.refused(&failure),
                Said::Died(reason) => self.died(&reason),
            };
            if let Err(error) = result {
                tracing::warn!("embeddings are not kept: {error}");
            }
        }
    }

    fn embedded(&mut self, embeddings: Embeddings) -> Result<()> {
        self.trouble = None;
        let (Some(gallery), Some(process)) = (&mut self.gallery, &self.process) else {
            return Ok(());
        };
        let Embeddings {
            encoder: hash,
            dim,
            pictures,
            texts,
        } = embeddings;
        let doing = self.doing.take();
        let is_known = self
            .searcher
            .encoder()
            .is_some_and(|known| known.hash == hash);
        if !is_known || matches!(doing, Some(Doing::Contrasts)) {
            let encoder = gallery
                .index
                .use_encoder(&hash, process.model_name(), dim as usize)?;
            if !is_known {
                // Another model, or the same one trained anew: everything is to be embedded again.
                self.searcher.use_encoder(Some(encoder));
                self.work.clear();
                (self.seen, self.looked) = (None, None);
            }
        }
        match doing {
            Some(Doing::Contrasts) => self.searcher.learn_contrasts(texts),
            Some(Doing::Text(text)) => {
                if let Some(embed) = texts.into_iter().next() {
                    self.searcher.learn_text(text, embed);
                }
            }
            Some(Doing::Subject(request, file)) => {
                let Some(embed) = pictures.into_iter().next() else {
                    return Ok(());
                };
                if let Some(file) = file {
                    self.keep(vec![(file, embed.clone())])?;
                }
                let is_asked = |pending: &mut Pending| pending.search.request == request;
                if let Some(pending) = self.search.take_if(is_asked) {
                    self.answer_like(&pending.search, &embed)?;
                }
            }
            Some(Doing::Pictures(files, since)) => {
                let n = files.len();
                self.keep(files.into_iter().zip(pictures).collect())?;
                self.fit_batch(n, since.elapsed());
            }
            None => {}
        }
        Ok(())
    }

    /// Gives back what nobody has needed for a while.
    fn rest(&mut self) {
        let now = Instant::now();
        self.searcher.rest_if_idle(now);
        if let Some(process) = &mut self.process {
            process.end_if_idle(now);
        }
    }

    fn tell(&mut self) {
        let state = State {
            n_done: self.n_total.saturating_sub(self.n_left),
            n_total: self.n_total,
            activity: self.activity(),
        };
        if state != self.told {
            self.told = state.clone();
            (self.emit)(Event::State(state));
        }
    }

    fn activity(&self) -> Activity {
        let Some(process) = &self.process else {
            return Activity::Off;
        };
        if let Some(Err(reason)) = process.model() {
            return Activity::Failed(reason.to_owned());
        }
        if let Some(trouble) = &self.trouble {
            return Activity::Failed(trouble.clone());
        }
        match () {
            () if self.n_left == 0 => Activity::Idle,
            () if self.is_paused => Activity::Paused,
            () if process.rests_until(Instant::now()).is_some() => Activity::Resting,
            () => Activity::Encoding,
        }
    }
}
