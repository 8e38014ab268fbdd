use burn::tensor::{Tensor, module, ops::AttentionModuleOptions};

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
    merge_heads(module::attention(
        split_heads(query, n_heads),
        split_heads(key, n_heads),
        split_heads(value, n_heads),
        None,
        bias,
        AttentionModuleOptions::default(),
    ))
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
