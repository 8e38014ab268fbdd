//! Pixels to channels and back (Shi et al. 2016), in PyTorch's order: channel, row within the square, column within it.

use burn::tensor::Tensor;

/// # Shapes: `[batch, channels · factor², height, width]` → `[batch, channels, factor · height, factor · width]`
pub fn pixel_shuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let channels = channels / (factor * factor);
    x.reshape([batch, channels, factor, factor, height, width])
        .permute([0, 1, 4, 2, 5, 3])
        .reshape([batch, channels, factor * height, factor * width])
}

/// # Shapes: `[batch, channels, factor · height, factor · width]` → `[batch, channels · factor², height, width]`
pub fn pixel_unshuffle(x: Tensor<4>, factor: usize) -> Tensor<4> {
    let [batch, channels, height, width] = x.dims();
    let (height, width) = (height / factor, width / factor);
    x.reshape([batch, channels, height, factor, width, factor])
        .permute([0, 1, 3, 5, 2, 4])
        .reshape([batch, channels * factor * factor, height, width])
}
