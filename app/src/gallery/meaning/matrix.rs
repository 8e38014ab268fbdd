//! The embeddings of one encoder in memory, searched from end to end.
//!
//! Brute force on purpose: 100,000 rows of 1280 are read in tens of milliseconds, every answer is exact,
//! and a row more or less costs nothing.

use std::collections::HashMap;

use limn_engine::embedding::{dot_rows, f16, from_half};
use rayon::prelude::*;

use crate::gallery::PictureId;

/// Rows that are kept together. One block more is all that growing costs.
const BLOCK_ROWS: usize = 1024;

/// One row of unit length for each picture, in half precision.
#[derive(Debug, Default)]
pub struct Matrix {
    dim: usize,
    /// All full but the last.
    blocks: Vec<Vec<f16>>,
    ids: Vec<PictureId>,
    rows: HashMap<PictureId, usize>,
}

/// How like the question a picture is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    pub id: PictureId,
    /// The cosine of the angle between the two embeddings.
    pub cosine: f32,
}

impl Matrix {
    pub fn new(dim: usize) -> Self {
        Self {
            dim,
            ..Self::default()
        }
    }

    pub fn dim(&self) -> usize {
        self.dim
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub fn contains(&self, id: PictureId) -> bool {
        self.rows.contains_key(&id)
    }

    /// The picture's embedding.
    pub fn get(&self, id: PictureId) -> Option<Vec<f32>> {
        self.rows.get(&id).map(|row| from_half(self.row(*row)))
    }

    /// Adds a picture, or gives it another embedding. One of another length is not taken.
    pub fn insert(&mut self, id: PictureId, embed: &[f16]) {
        if embed.len() != self.dim {
            return;
        }
        if let Some(row) = self.rows.get(&id) {
            let row = *row;
            self.row_mut(row).copy_from_slice(embed);
            return;
        }
        if self.ids.len().is_multiple_of(BLOCK_ROWS) {
            self.blocks.push(Vec::with_capacity(BLOCK_ROWS * self.dim));
        }
        if let Some(block) = self.blocks.last_mut() {
            block.extend_from_slice(embed);
        }
        self.rows.insert(id, self.ids.len());
        self.ids.push(id);
    }

    /// Takes a picture out; the last row moves into its place.
    pub fn remove(&mut self, id: PictureId) {
        let Some(row) = self.rows.remove(&id) else {
            return;
        };
        let last = self.ids.len() - 1;
        if row != last {
            let moved = self.row(last).to_vec();
            self.row_mut(row).copy_from_slice(&moved);
            self.rows.insert(self.ids[last], row);
        }
        self.ids.swap_remove(row);
        if let Some(block) = self.blocks.last_mut() {
            block.truncate(block.len() - self.dim);
            if block.is_empty() {
                self.blocks.pop();
            }
        }
    }

    /// How like `query`, of unit length, every picture is, in no order.
    ///
    /// # Shapes: query `[dim]`
    pub fn scores(&self, query: &[f32]) -> Vec<Score> {
        if query.len() != self.dim || self.dim == 0 {
            return Vec::new();
        }
        let mut cosines = vec![0.0; self.ids.len()];
        cosines
            .par_chunks_mut(BLOCK_ROWS)
            .zip(self.blocks.par_iter())
            .for_each(|(cosines, block)| dot_rows(block, query, cosines));
        let ids = self.ids.iter().zip(cosines);
        ids.map(|(id, cosine)| Score { id: *id, cosine }).collect()
    }

    /// At most `n` pictures' embeddings, evenly picked.
    pub fn sample(&self, n: usize) -> Vec<Vec<f32>> {
        let step = self.len().div_ceil(n.max(1)).max(1);
        let rows = (0..self.len()).step_by(step);
        rows.map(|row| from_half(self.row(row))).collect()
    }

    fn row(&self, row: usize) -> &[f16] {
        let start = row % BLOCK_ROWS * self.dim;
        &self.blocks[row / BLOCK_ROWS][start..start + self.dim]
    }

    fn row_mut(&mut self, row: usize) -> &mut [f16] {
        let start = row % BLOCK_ROWS * self.dim;
        &mut self.blocks[row / BLOCK_ROWS][start..start + self.dim]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use limn_engine::embedding::{normalised, to_half};

    use super::*;

    const DIM: usize = 8;

    /// Directions spread by a Weyl sequence: the same on every machine.
    fn embed(n: u32, dim: usize) -> Vec<f32> {
        let numbers = (0..dim as u32).map(|i| {
            let turn =
                f64::from(n + 1) * 0.618_034 + f64::from(i + 1) * f64::from(n + 3) * 0.414_214;
            (turn.fract() - 0.5) as f32
        });
        normalised(&numbers.collect::<Vec<_>>()).unwrap()
    }

    fn best(matrix: &Matrix, query: &[f32]) -> Score {
        let scores = matrix.scores(query);
        let best = scores
            .into_iter()
            .max_by(|a, b| a.cosine.total_cmp(&b.cosine));
        best.unwrap()
    }

    #[test]
    fn every_one_of_100_000_finds_itself() {
        let ids: Vec<PictureId> = (0..100_000).map(|_| PictureId::new()).collect();
        let mut matrix = Matrix::new(DIM);
        for (n, id) in ids.iter().enumerate() {
            matrix.insert(*id, &to_half(&embed(n as u32, DIM)));
        }
        assert_eq!(matrix.len(), 100_000);
        let scores = matrix.scores(&embed(77_777, DIM));
        assert_eq!(scores.len(), 100_000);
        for n in [0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, 77_777, 99_999] {
            let query = embed(n as u32, DIM);
            let best = best(&matrix, &query);
            // Another may lie as near, within half precision.
            let own = matrix.get(ids[n]).unwrap();
            let cosine = limn_engine::embedding::dot(&own, &query);
            assert!(
                (best.cosine - cosine).abs() < 1e-3 && best.cosine > 0.999,
                "{n}"
            );
        }
    }

    #[test]
    fn rows_come_and_go_without_disturbing_the_others() {
        let ids: Vec<PictureId> = (0..3 * BLOCK_ROWS).map(|_| PictureId::new()).collect();
        let mut matrix = Matrix::new(DIM);
        for (n, id) in ids.iter().enumerate() {
            matrix.insert(*id, &to_half(&embed(n as u32, DIM)));
        }
        // Middle, last, first, one that is not there, one twice, until few are left.
        let mut expected: HashMap<PictureId, usize> =
            ids.iter().enumerate().map(|(n, id)| (*id, n)).collect();
        let gone = (0..ids.len()).filter(|n| n % 5 != 2).chain([7, 0]);
        for n in gone {
            matrix.remove(ids[n]);
            expected.remove(&ids[n]);
        }
        matrix.remove(PictureId::new());
        // Known again, with another embedding.
        matrix.insert(ids[2], &to_half(&embed(5_000, DIM)));
        expected.insert(ids[2], 5_000);
        matrix.insert(ids[9], &to_half(&embed(6_000, DIM)));
        expected.insert(ids[9], 6_000);
        assert_eq!(matrix.len(), expected.len());
        for (id, n) in expected {
            let there = to_half(&matrix.get(id).unwrap());
            assert_eq!(there, to_half(&embed(n as u32, DIM)));
        }
    }

    #[test]
    fn a_matrix_of_nothing_answers_nothing() {
        let mut matrix = Matrix::new(DIM);
        assert!(matrix.scores(&embed(1, DIM)).is_empty());
        matrix.insert(PictureId::new(), &to_half(&embed(1, DIM - 1)));
        assert!(
            matrix.is_empty(),
            "another encoder's embedding is not taken"
        );
        matrix.insert(PictureId::new(), &to_half(&embed(1, DIM)));
        assert!(matrix.scores(&embed(1, DIM + 1)).is_empty());
        matrix.remove(matrix.ids[0]);
        assert!(matrix.is_empty() && matrix.blocks.is_empty());
    }
}
