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
        let query = split_heads(query, n_heads);
        let key = split_heads(key, n_heads);
        let [batch, _, n_query, _] = query.dims();
        let row_bytes = batch * n_heads * key.dims()[2] * size_of::<f32>();
        let n_rows = (MAX_SCORE_BYTES / row_bytes).clamp(1, n_query);
        merge_heads(attention_by_rows(
            query,
            &key,
            &split_heads(value, n_heads),
            bias,
            n_rows,
        ))
    })
}

/// Scores beyond this are computed in turns: a GPU's kernel that holds them all would run out of memory,
/// or past the 2 GiB that one binding can have.
const MAX_SCORE_BYTES: usize = 512 << 20;

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
}
