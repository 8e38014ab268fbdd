//! Classifier-free guidance, Ho and Salimans 2022.

use burn::tensor::Tensor;

/// Up to this scale the condition alone is asked, in one batch instead of two.
pub fn is_guided(guidance_scale: f32) -> bool {
    guidance_scale > 1.0
}

/// Goes `guidance_scale` times as far from the unconditional answer as the condition does.
///
/// # Shapes
/// - output `[2 · batch, …]`: the unconditional half first
/// - result `[batch, …]`
pub fn guide<const D: usize>(output: Tensor<D>, guidance_scale: f32) -> Tensor<D> {
    let (unconditional, conditional) = halves(output);
    unconditional.clone() + (conditional - unconditional) * guidance_scale
}

/// The latents once for each half, or as they are without guidance.
pub fn doubled<const D: usize>(latents: Tensor<D>, is_guided: bool) -> Tensor<D> {
    if is_guided {
        latents.repeat_dim(0, 2)
    } else {
        latents
    }
}

/// The unconditional and the conditional half of a batch.
///
/// # Panics
/// When the batch is odd.
pub fn halves<const D: usize>(output: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
    let batch = output.dims()[0];
    assert!(batch.is_multiple_of(2), "a batch of {batch} has no halves");
    (
        output.clone().narrow(0, 0, batch / 2),
        output.narrow(0, batch / 2, batch / 2),
    )
}
