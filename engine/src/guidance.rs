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

/// Guidance that keeps so much of its contrast to itself: Lin et al. 2023, section 3.4, with φ = `rescale`.
///
/// # Shapes
/// As [`guide`].
pub fn guide_rescaled<const D: usize>(
    output: Tensor<D>,
    guidance_scale: f32,
    rescale: f32,
) -> Tensor<D> {
    if rescale == 0.0 {
        return guide(output, guidance_scale);
    }
    let (_, conditional) = halves(output.clone());
    let guided = guide(output, guidance_scale);
    let ratio = deviation(conditional) / deviation(guided.clone());
    guided.clone() * ratio * rescale + guided * (1.0 - rescale)
}

/// The standard deviation of each member of a batch over everything else, as `torch.std` has it.
///
/// # Shapes: `[batch, …]` → `[batch, 1, …]`
fn deviation<const D: usize>(output: Tensor<D>) -> Tensor<D> {
    let shape = output.dims();
    let batch = shape[0];
    let n_others = shape.iter().product::<usize>() / batch;
    let flat = output.reshape([batch, n_others]);
    let centred = flat.clone() - flat.mean_dim(1);
    let n_free = n_others.max(2) - 1;
    let variance = (centred.clone() * centred).sum_dim(1) / n_free as f32;
    let mut ones = [1; D];
    ones[0] = batch;
    variance.sqrt().reshape(ones)
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
