use burn::tensor::{Tensor, module, ops::AttentionModuleOptions};

use super::cpu;
use crate::{
    heartbeat,
    profile::{Kind, timed},
};

/// Scaled dot-product attention over split heads, with an optional additive bias.
///
/// Takes the device's fastest kernel. On a GPU that may work in half precision whatever the dtype, which
/// denoisers forgive; encoders, whose result conditions everything after them, take [`exact_attention`].
///
/// # Shapes
/// - query `[batch, n_query, n_heads · head_width]`, key and value `[batch, n_key, n_heads · head_width]`
/// - bias `[batch or 1, n_heads or 1, n_query, n_key]`
/// - result as the query
pub fn attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    bias: Option<Tensor<4>>,
    n_heads: usize,
) -> Tensor<3> {
    timed(Kind::Attention, query, |query| {
        if bias.is_none() && cpu::is_on_cpu(&query) {
            return cpu::attention(query, key, value, n_heads);
        }
        merge_heads(tiled_attention(
            split_heads(query, n_heads),
            split_heads(key, n_heads),
            split_heads(value, n_heads),
            bias,
            MAX_SCORE_BYTES,
        ))
    })
}

/// Scores beyond this are computed in turns: a GPU's kernel that holds them all would run out of memory,
/// or past the 2 GiB that one binding can have.
const MAX_SCORE_BYTES: usize = 512 << 20;

/// What the flash kernel takes queries by: eight planes of tiles of sixteen. What does not fill it goes to a kernel that
/// holds all scores (cubek-attention 0.3, `routines/blackbox_accelerated.rs`).
const QUERY_BLOCK: usize = 128;
/// A side of the tiles that heads are divided into.
const HEAD_BLOCK: usize = 16;

/// Attention in shapes that the flash kernel takes: queries padded to whole blocks, heads to whole tiles, and no more
/// queries at a time than `max_score_bytes` of scores.
///
/// With a bias no flash kernel runs, so nothing is padded.
///
/// # Shapes
/// query `[batch, n_heads, n_query, width]`, key and value `[batch, n_heads, n_key, width]` → as the query
fn tiled_attention(
    query: Tensor<4>,
    key: Tensor<4>,
    value: Tensor<4>,
    bias: Option<Tensor<4>>,
    max_score_bytes: usize,
) -> Tensor<4> {
    let [batch, n_heads, n_query, width] = query.dims();
    let row_bytes = batch * n_heads * key.dims()[2] * size_of::<f32>();
    let tiles = Tiles::of(n_query, width, max_score_bytes / row_bytes, bias.is_some());
    // The kernel divides scores by the root of the padded width.
    let query = if tiles.width == width {
        query
    } else {
        query * (tiles.width as f64 / width as f64).sqrt()
    };
    let y = attention_by_rows(
        padded(padded(query, 3, tiles.width), 2, tiles.n_query),
        &padded(key, 3, tiles.width),
        &padded(value, 3, tiles.width),
        bias,
        tiles.n_rows,
    );
    y.narrow(2, 0, n_query).narrow(3, 0, width)
}

/// The padded sizes, and how many queries are taken at a time.
#[derive(Debug, PartialEq, Eq)]
struct Tiles {
    n_query: usize,
    width: usize,
    n_rows: usize,
}

impl Tiles {
    /// Of so many queries and such heads, where the scores of `max_rows` queries fit. A few queries, as those of one
    /// picture's tokens, are cheaper with all their scores than padded.
    fn of(n_query: usize, width: usize, max_rows: usize, has_bias: bool) -> Self {
        if has_bias || n_query < QUERY_BLOCK {
            return Self {
                n_query,
                width,
                n_rows: max_rows.clamp(1, n_query),
            };
        }
        let whole_blocks = max_rows / QUERY_BLOCK * QUERY_BLOCK;
        let n_query = n_query.next_multiple_of(QUERY_BLOCK);
        Self {
            n_query,
            width: width.next_multiple_of(HEAD_BLOCK),
            n_rows: whole_blocks.clamp(QUERY_BLOCK, n_query),
        }
    }
}

/// Zeros at the end of an axis, up to `length`.
fn padded(x: Tensor<4>, axis: usize, length: usize) -> Tensor<4> {
    let mut shape = x.dims();
    if shape[axis] == length {
        return x;
    }
    shape[axis] = length - shape[axis];
    let zeros = Tensor::zeros(shape, (&x.device(), x.dtype()));
    Tensor::cat(vec![x, zeros], axis)
}

/// `n_rows` queries at a time.
fn attention_by_rows(
    query: Tensor<4>,
    key: &Tensor<4>,
    value: &Tensor<4>,
    bias: Option<Tensor<4>>,
    n_rows: usize,
) -> Tensor<4> {
    let attend = |query, bias| {
        let options = AttentionModuleOptions::default();
        module::attention(query, key.clone(), value.clone(), None, bias, options)
    };
    let n_query = query.dims()[2];
    if n_rows >= n_query {
        return attend(query, bias);
    }
    let parts = (0..n_query)
        .step_by(n_rows)
        .map(|start| {
            let length = n_rows.min(n_query - start);
            let bias = bias.clone().map(|bias| bias.narrow(2, start, length));
            let part = attend(query.clone().narrow(2, start, length), bias);
            heartbeat::beat();
            part
        })
        .collect();
    Tensor::cat(parts, 2)
}

/// As [`attention`], computed in the tensors' own dtype on every device: the scores are held in memory.
///
/// # Shapes: as [`attention`]
pub fn exact_attention(
    query: Tensor<3>,
    key: Tensor<3>,
    value: Tensor<3>,
    bias: Option<Tensor<4>>,
    n_heads: usize,
) -> Tensor<3> {
    timed(Kind::Attention, query, |query| {
        let query = split_heads(query, n_heads);
        let head_width = query.dims()[3];
        merge_heads(module::attention_fallback(
            // Scaled before the product, which would overflow f16 sooner.
            query * (head_width as f64).powf(-0.5),
            split_heads(key, n_heads),
            split_heads(value, n_heads),
            None,
            bias,
            AttentionModuleOptions {
                scale: Some(1.0),
                ..AttentionModuleOptions::default()
            },
        ))
    })
}

/// What a causal mask adds to the scores: nothing up to each query's own position, −10,000 after it.
///
/// Enough to leave a weight of zero, and still a number in f16.
pub const MASKED_SCORE: f32 = -10_000.0;

/// # Shapes: `[batch, length, n_heads · head_width]` → `[batch, n_heads, length, head_width]`
fn split_heads(x: Tensor<3>, n_heads: usize) -> Tensor<4> {
    let [batch, length, width] = x.dims();
    x.reshape([batch, length, n_heads, width / n_heads])
        .swap_dims(1, 2)
}

/// # Shapes: `[batch, n_heads, length, head_width]` → `[batch, length, n_heads · head_width]`
fn merge_heads(x: Tensor<4>) -> Tensor<3> {
    let [batch, n_heads, length, head_width] = x.dims();
    x.swap_dims(1, 2)
        .reshape([batch, length, n_heads * head_width])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    fn values(shape: [usize; 4]) -> Tensor<4> {
        let n_values = shape.iter().product::<usize>() as u32;
        let values = (0..n_values)
            .map(|i| (i.wrapping_mul(0x9E37_79B9) >> 8) as f32 / 8_388_608.0 - 1.0)
            .collect::<Vec<_>>();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    #[test]
    fn attention_in_turns_is_attention_at_once() {
        let [query, key] = [values([2, 3, 10, 4]), values([2, 3, 7, 4])];
        for bias in [None, Some(values([1, 3, 10, 7]))] {
            let attend =
                |n_rows| attention_by_rows(query.clone(), &key, &key, bias.clone(), n_rows);
            for n_rows in [1, 3, 5, 9] {
                let worst = (attend(n_rows) - attend(10)).abs().max();
                let worst = worst.into_scalar::<f32>();
                assert!(worst < 1e-6, "{n_rows} rows at a time: off by {worst}");
            }
        }
    }

    #[test]
    fn padded_attention_is_attention() {
        let [query, key, value] = [
            values([2, 3, 200, 40]),
            values([2, 3, 77, 40]),
            values([2, 3, 77, 40]),
        ];
        let whole = attention_by_rows(query.clone(), &key, &value, None, 200);
        for max_rows in [1, 130, 1000] {
            let score_bytes = max_rows * 2 * 3 * 77 * size_of::<f32>();
            let [query, key, value] = [query.clone(), key.clone(), value.clone()];
            let tiled = tiled_attention(query, key, value, None, score_bytes);
            let worst = (tiled - whole.clone()).abs().max().into_scalar::<f32>();
            assert!(worst < 1e-6, "{max_rows} rows at a time: off by {worst}");
        }
    }

    /// The flash kernel's own rules, for both sides of guidance of the models that people have.
    #[test]
    fn the_flash_kernel_takes_every_models_shapes() {
        // Heads, their width, and queries: Stable Diffusion 1.5 at 512² and 512 × 768, XL at 1024², 832 × 1216 and
        // 1536², and transformers of 24 and 30 heads with text beside the picture.
        let shapes = [
            (8, 40, 4096),
            (8, 80, 1024),
            (8, 160, 256),
            (8, 40, 6144),
            (10, 64, 4096),
            (20, 64, 1024),
            (10, 64, 52 * 76),
            (20, 64, 26 * 38),
            (10, 64, 9216),
            (24, 128, 4096 + 512),
            (30, 128, 4096 + 77),
        ];
        for (n_heads, width, n_query) in shapes {
            let max_rows = MAX_SCORE_BYTES / (2 * n_heads * n_query * size_of::<f32>());
            let tiles = Tiles::of(n_query, width, max_rows, false);
            assert!(tiles.width.is_multiple_of(HEAD_BLOCK) && tiles.width - width < HEAD_BLOCK);
            assert!(tiles.n_query - n_query < QUERY_BLOCK);
            for part in [tiles.n_rows, tiles.n_query % tiles.n_rows] {
                assert!(
                    part.is_multiple_of(QUERY_BLOCK),
                    "{n_query} queries: {tiles:?}"
                );
            }
        }
    }
}
