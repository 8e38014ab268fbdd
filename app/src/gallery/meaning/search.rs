//! What the thread knows of one encoder, and what it finds with it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::matrix::{Matrix, Score};
use super::ranking::{self, Calibration};
use crate::gallery::index::{Encoder, Index};
use crate::gallery::{PictureId, Result};

/// Embeddings read from the database at once.
const STEP_ROWS: usize = 4096;
/// Texts whose embeddings are kept: those of someone who types, and deletes, and types again.
const MAX_TEXTS: usize = 256;
/// The memory is given back after so long without a search.
const IDLE: Duration = Duration::from_mins(2);

#[derive(Default)]
pub(super) struct Searcher {
    encoder: Option<Encoder>,
    /// From the first search on.
    matrix: Option<Matrix>,
    /// The last row of the database that is in the matrix.
    last_row: i64,
    texts: HashMap<String, Vec<f32>>,
    contrasts: Vec<Vec<f32>>,
    /// With the number of pictures that it was measured on.
    calibration: Option<(usize, Calibration)>,
    last_search: Option<Instant>,
}

impl Searcher {
    /// Forgets the encoder before, and all that is its.
    pub fn use_encoder(&mut self, encoder: Option<Encoder>) {
        *self = Self {
            encoder,
            ..Self::default()
        };
    }

    pub fn encoder(&self) -> Option<&Encoder> {
        self.encoder.as_ref()
    }

    /// Whether the encoder has said who it is, since it was chosen.
    pub fn is_confirmed(&self) -> bool {
        !self.contrasts.is_empty()
    }

    pub fn learn_contrasts(&mut self, contrasts: Vec<Vec<f32>>) {
        self.contrasts = contrasts;
        self.calibration = None;
    }

    pub fn text(&self, text: &str) -> Option<&Vec<f32>> {
        self.texts.get(text)
    }

    pub fn learn_text(&mut self, text: String, embed: Vec<f32>) {
        if self.texts.len() >= MAX_TEXTS {
            self.texts.clear();
        }
        self.texts.insert(text, embed);
    }

    /// A picture's embedding, if it has one.
    pub fn picture(&mut self, index: &Index, id: PictureId) -> Result<Option<Vec<f32>>> {
        self.read(index)?;
        Ok(self.matrix.as_ref().and_then(|matrix| matrix.get(id)))
    }

    /// Pictures that show what a text says, best first.
    pub fn that_mean(&mut self, index: &Index, text: &[f32]) -> Result<Vec<Score>> {
        self.read(index)?;
        let Some(matrix) = &self.matrix else {
            return Ok(Vec::new());
        };
        // Measured anew when the gallery has become another one.
        let is_out_of_date = |n: usize| matrix.len().abs_diff(n) * 10 > n;
        if self.calibration.is_none_or(|(n, _)| is_out_of_date(n)) {
            let measured = Calibration::measure(matrix, &self.contrasts);
            self.calibration = measured.map(|measured| (matrix.len(), measured));
        }
        Ok(match self.calibration {
            Some((_, calibration)) => ranking::that_mean(matrix.scores(text), calibration),
            None => Vec::new(),
        })
    }

    /// Pictures that are like one with this embedding, best first.
    pub fn that_are_like(&mut self, index: &Index, picture: &[f32]) -> Result<Vec<Score>> {
        self.read(index)?;
        let scores = self.matrix.as_ref().map(|matrix| matrix.scores(picture));
        Ok(ranking::that_are_like(scores.unwrap_or_default()))
    }

    /// Takes into memory what this or another process has written since.
    fn read(&mut self, index: &Index) -> Result<()> {
        self.last_search = Some(Instant::now());
        let Some(encoder) = &self.encoder else {
            return Ok(());
        };
        let matrix = self.matrix.get_or_insert_with(|| Matrix::new(encoder.dim));
        loop {
            let rows = index.embeddings_after(encoder, self.last_row, STEP_ROWS)?;
            for row in &rows {
                matrix.insert(row.id, &row.embedding);
                self.last_row = row.row;
            }
            if rows.len() < STEP_ROWS {
                return Ok(());
            }
        }
    }

    /// Gives the memory back after a while without a search.
    pub fn rest_if_idle(&mut self, now: Instant) {
        let is_idle = |at: Instant| now.saturating_duration_since(at) >= IDLE;
        if self.matrix.is_some() && self.last_search.is_some_and(is_idle) {
            self.matrix = None;
            self.last_row = 0;
        }
    }
}
