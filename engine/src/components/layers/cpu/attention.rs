//! Attention for the CPU backend.
//!
//! burn-flex copies every head first, works through a head on one core, and takes the C library's scalar `exp` for each
//! score, which is most of the time. Here heads are read where they lie, a tile of queries at a time on all cores, with
//! `exp` in vectors.

use burn::tensor::Tensor;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

use super::{
    Values,
    exponential::{exp2, vectorised},
    product::{Cores, Matrix, MatrixMut, There, multiply},
};
use crate::heartbeat;

/// Scores that a tile holds at once: 4 MiB.
const TILE_SCORES: usize = 1 << 20;
/// Queries in a tile: fewer would read the keys too often, more would not leave work for every core.
const MIN_QUERIES: usize = 32;
const MAX_QUERIES: usize = 256;

/// # Shapes
/// - query `[batch, n_query, n_heads · head_width]`, key and value `[batch, n_key, n_heads · head_width]`, all in f32
/// - result as the query
pub(in crate::components::layers) fn attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    n_heads: usize,
) -> Tensor<3> {
    let shape = query.dims();
    let [_, n_query, width] = shape;
    let n_key = key.dims()[1];
    let device = query.device();
    let (query, key, value) = (Values::of(query), Values::of(key), Values::of(value));
    let split = Split {
        n_heads,
        head_width: width / n_heads,
        n_key,
    };
    let n_tiles_fair = n_query.div_ceil(rayon::current_num_threads());
    let most = (TILE_SCORES / n_key).clamp(MIN_QUERIES, MAX_QUERIES);
    let n_queries = n_tiles_fair.clamp(MIN_QUERIES, most);
    let mut attended = vec![0.0; query.as_slice().len()];
    // Tiles do not reach from one picture into the next.
    let pictures = attended.chunks_mut(n_query * width).enumerate();
    let tiles = pictures.flat_map(|(picture, queries)| {
        let tiles = queries.chunks_mut(n_queries * width).enumerate();
        tiles.map(move |(i, tile)| (picture, i * n_queries, tile))
    });
    tiles.collect::<Vec<_>>().into_par_iter().for_each_init(
        Vec::new,
        |scores, (picture, first, tile)| {
            let start = (picture * n_query + first) * width;
            let keys = picture * n_key * width..(picture + 1) * n_key * width;
            split.attend(
                &query.as_slice()[start..start + tile.len()],
                &key.as_slice()[keys.clone()],
                &value.as_slice()[keys],
                tile,
                scores,
            );
            heartbeat::beat();
        },
    );
    super::tensor(attended, shape, &device)
}

/// How queries, keys and values lie: all heads of a token one after another.
struct Split {
    n_heads: usize,
    head_width: usize,
    n_key: usize,
}

impl Split {
    /// Some queries of one picture to all of its keys, head after head.
    fn attend(
        &self,
        query: &[f32],
        key: &[f32],
        value: &[f32],
        attended: &mut [f32],
        scores: &mut Vec<f32>,
    ) {
        let (n_key, head_width) = (self.n_key, self.head_width);
        let width = self.n_heads * head_width;
        let n_query = query.len() / width;
        scores.resize(n_query * n_key, 0.0);
        let mut sums = vec![0.0; n_query];
        for start in (0..width).step_by(head_width) {
            let by_rows = Matrix::by_rows;
            let query = by_rows(&query[start..], n_query, head_width, width);
            let keys = by_rows(&key[start..], n_key, head_width, width).transposed();
            let values = by_rows(&value[start..], n_key, head_width, width);
            let into = MatrixMut::by_rows(&mut *scores, n_query, n_key, n_key);
            multiply(into, There::Replaced, query, keys, Cores::One);
            vectorised(Weights {
                scores: &mut *scores,
                sums: &mut sums,
                scale: (head_width as f32).powf(-0.5),
            });
            let into = MatrixMut::by_rows(&mut attended[start..], n_query, head_width, width);
            let weights = by_rows(scores, n_query, n_key, n_key);
            multiply(into, There::Replaced, weights, values, Cores::One);
            for (row, sum) in attended.chunks_mut(width).zip(&sums) {
                for value in &mut row[start..start + head_width] {
                    *value /= sum;
                }
            }
        }
    }
}

/// Rows of scores become powers of e relative to the row's largest, whose sums are what they are to be divided by.
struct Weights<'a> {
    scores: &'a mut [f32],
    sums: &'a mut [f32],
    scale: f32,
}

impl NullaryFnOnce for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let n_key = self.scores.len() / self.sums.len();
        for (row, sum) in self.scores.chunks_exact_mut(n_key).zip(self.sums) {
            *sum = exponentials(row, self.scale);
        }
    }
}

/// Independent lanes, which become vectors.
const N_LANES: usize = 64;

#[inline(always)]
fn exponentials(row: &mut [f32], scale: f32) -> f32 {
    let scale = scale * std::f32::consts::LOG2_E;
    let (lanes, rest) = row.as_chunks_mut::<N_LANES>();
    let mut largest = [f32::NEG_INFINITY; N_LANES];
    for lane in &*lanes {
        for (largest, &score) in largest.iter_mut().zip(lane) {
            *largest = if score > *largest { score } else { *largest };
        }
    }
    let largest = largest.iter().chain(&*rest).copied();
    let offset = -scale * largest.fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0.0; N_LANES];
    for lane in lanes {
        for (sum, score) in sums.iter_mut().zip(lane) {
            *score = exp2(*score * scale + offset);
            *sum += *score;
        }
    }
    for score in &mut *rest {
        *score = exp2(*score * scale + offset);
    }
    sums.iter().chain(&*rest).sum()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{module, ops::AttentionModuleOptions};

    use super::{super::tests::values, *};

    #[test]
    fn attention_agrees_with_the_backends() {
        // Batch, queries, keys, heads, head width.
        for [batch, n_query, n_key, n_heads, head_width] in [
            [1, 1, 1, 1, 1],
            [2, 70, 77, 3, 40],
            [1, 300, 130, 2, 64],
            [3, 33, 5, 4, 8],
            [1, 600, 600, 1, 32],
        ] {
            let width = n_heads * head_width;
            let query = values([batch, n_query, width]) * 4.0;
            let [key, value] = [
                values([batch, n_key, width]),
                values([batch, n_key, width]) + 0.5,
            ];
            let split = |x: &Tensor<3>| {
                let length = x.dims()[1];
                x.clone()
                    .reshape([batch, length, n_heads, head_width])
                    .swap_dims(1, 2)
            };
            let right = module::attention_fallback(
                split(&query),
                split(&key),
                split(&value),
                None,
                None,
                AttentionModuleOptions::default(),
            );
            let right = right.swap_dims(1, 2).reshape([batch, n_query, width]);
            let worst = (attention(query, key, value, n_heads) - right).abs().max();
            let worst = worst.into_scalar::<f32>();
            assert!(
                worst < 1e-5,
                "{n_query} to {n_key}, {n_heads} of {head_width}: off by {worst}"
            );
        }
    }

    #[test]
    fn scores_that_are_no_numbers_stay_visible() {
        let query = values([1, 2, 4]) * f32::NAN;
        let key = values([1, 3, 4]);
        let attended = attention(query, key.clone(), key, 1).into_data();
        assert!(
            attended
                .as_slice::<f32>()
                .expect("f32")
                .iter()
                .all(|x| x.is_nan())
        );
    }
}
