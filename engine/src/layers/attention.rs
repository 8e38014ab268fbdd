use burn::tensor::{Tensor, module, ops::AttentionModuleOptions};

/// Scaled dot-product attention over split heads, with an optional additive bias.
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
    let [batch, n_query, width] = query.dims();
    let split = |x: Tensor<3>| {
        let [batch, length, width] = x.dims();
        x.reshape([batch, length, n_heads, width / n_heads])
            .swap_dims(1, 2)
    };
    module::attention(
        split(query),
        split(key),
        split(value),
        None,
        bias,
        AttentionModuleOptions::default(),
    )
    .swap_dims(1, 2)
    .reshape([batch, n_query, width])
}
