//! How pictures come by their embeddings, and what becomes of those that cannot.

use std::time::{Duration, Instant};

use limn_engine::embedding::to_half;
use limn_engine::error::ErrorKind;
use limn_engine::protocol::Failure;

use super::{Doing, Worker};
use crate::gallery::index::{FileState, MAX_TRIES};
use crate::gallery::meaning::encoder::Batch;
use crate::gallery::meaning::ranking::contrasts;
use crate::gallery::meaning::small::small;
use crate::gallery::{Error, Result};

/// Pictures that are listed at once as work.
const WORK: usize = 1024;
/// What encoding one batch should take: as long, a search may have to wait.
const BATCH_TIME: Duration = Duration::from_millis(400);
const MAX_BATCH: usize = 16;

impl Worker {
    /// Sends the next pictures to the encoder, and starts it where it does not run.
    pub(super) fn encode_next(&mut self) -> Result<()> {
        let (Some(process), Some(gallery)) = (&mut self.process, &mut self.gallery) else {
            return Ok(());
        };
        let model = match process.model() {
            None => {
                process.start();
                return Ok(());
            }
            Some(Err(_)) => return Ok(()),
            Some(Ok(model)) => model,
        };
        let Some(encoder) = self
            .searcher
            .encoder()
            .filter(|_| self.searcher.is_confirmed())
        else {
            let texts = contrasts(model.vocabulary.as_ref());
            process.ask(Batch::of_texts(texts));
            self.doing = Some(Doing::Contrasts);
            return Ok(());
        };
        if self.work.is_empty() && self.suspects.is_empty() {
            self.work = gallery.index.without_embedding(Some(encoder), WORK)?.into();
            if self.work.is_empty() {
                self.n_left = 0;
            }
        }
        let mut files = Vec::new();
        let mut pictures = Vec::new();
        let n_wanted = if self.suspects.is_empty() {
            self.batch_size
        } else {
            1
        };
        while pictures.len() < n_wanted {
            let Some(file) = self.suspects.pop_front().or_else(|| self.work.pop_front()) else {
                break;
            };
            match gallery.pixels(file.id) {
                Ok(pixels) => {
                    pictures.push(small(&pixels));
                    files.push(file);
                }
                Err(error) => {
                    // A file that another program holds may be read another time; a damaged one will not.
                    let n_tries = if matches!(error, Error::Unreadable { .. }) {
                        MAX_TRIES
                    } else {
                        1
                    };
                    gallery
                        .index
                        .note_failed_embedding(encoder, file, n_tries)?;
                    self.n_left = self.n_left.saturating_sub(1);
                }
            }
        }
        if !files.is_empty() {
            process.ask(Batch::of_pictures(pictures));
            self.doing = Some(Doing::Pictures(files, Instant::now()));
        }
        Ok(())
    }

    pub(super) fn keep(&mut self, embeddings: Vec<(FileState, Vec<f32>)>) -> Result<()> {
        let (Some(gallery), Some(encoder)) = (&mut self.gallery, self.searcher.encoder()) else {
            return Ok(());
        };
        self.n_left = self.n_left.saturating_sub(embeddings.len());
        let half = embeddings
            .into_iter()
            .map(|(file, embed)| (file, to_half(&embed)));
        gallery
            .index
            .put_embeddings(encoder, &half.collect::<Vec<_>>())
    }

    /// A small model takes many at once, a large one few.
    pub(super) fn fit_batch(&mut self, n_pictures: usize, took: Duration) {
        let fitting = n_pictures as f32 * BATCH_TIME.as_secs_f32() / took.as_secs_f32().max(1e-3);
        let most = (2 * self.batch_size).min(MAX_BATCH);
        self.batch_size = (fitting as usize).clamp(1, most);
    }

    pub(super) fn refused(&mut self, failure: &Failure) -> Result<()> {
        let is_about_picture = matches!(
            failure.kind,
            ErrorKind::BadRequest | ErrorKind::NotANumber | ErrorKind::Bug
        );
        match self.doing.take() {
            Some(Doing::Pictures(files, _)) if is_about_picture => match files.as_slice() {
                [file] => {
                    tracing::warn!("picture {} is not embedded: {}", file.id, failure.message);
                    self.note_failed(*file, MAX_TRIES)?;
                }
                _ => self.suspects.extend(files),
            },
            Some(Doing::Text(_) | Doing::Subject(..)) => {
                if let Some(pending) = self.search.take() {
                    let trouble = Some(failure.message.clone());
                    self.answer(&pending.search, &[], trouble)?;
                }
            }
            Some(Doing::Contrasts | Doing::Pictures(..)) | None => {
                self.trouble = Some(failure.message.clone());
                if let Some(process) = &mut self.process {
                    process.rest();
                }
                if let Some(pending) = self.search.take() {
                    let trouble = self.trouble.clone();
                    self.answer(&pending.search, &[], trouble)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn died(&mut self, reason: &str) -> Result<()> {
        tracing::warn!("the encoder of the gallery: {reason}");
        match self.doing.take() {
            Some(Doing::Pictures(files, _)) => match files.as_slice() {
                [file] => {
                    if self.note_failed(*file, 1)? < MAX_TRIES {
                        self.suspects.push_back(*file);
                    }
                }
                _ => self.suspects.extend(files),
            },
            Some(Doing::Contrasts | Doing::Text(_) | Doing::Subject(..)) | None => {
                if let Some(pending) = &mut self.search {
                    pending.n_deaths += 1;
                }
            }
        }
        Ok(())
    }

    fn note_failed(&mut self, file: FileState, n_tries: u32) -> Result<u32> {
        let (Some(gallery), Some(encoder)) = (&mut self.gallery, self.searcher.encoder()) else {
            return Ok(MAX_TRIES);
        };
        let n_tries = gallery
            .index
            .note_failed_embedding(encoder, file, n_tries)?;
        if n_tries >= MAX_TRIES {
            self.n_left = self.n_left.saturating_sub(1);
        }
        Ok(n_tries)
    }
}
