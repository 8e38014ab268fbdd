//! Convolutions for the CPU backend, as products of matrices.
//!
//! burn-flex turns the picture and the weights to another layout at every call, on one core, which at
//! the few channels of small models costs more than the product. Here patches are gathered from whole
//! lines of the picture as it is, tile by tile on all cores, and the result is in place already.

use burn::tensor::{DType, Tensor, TensorData};
use rayon::prelude::*;

use super::cpu::is_on_cpu;

/// Gathered values per tile, about a megabyte: what a core keeps close.
const TILE_VALUES: usize = 256 * 1024;
/// Pixels per tile where patches are long: fewer would read the weights too often.
const MIN_PIXELS_OF_LONG_PATCHES: usize = 512;
/// Pixels per tile below which a further core is no help.
const MIN_PIXELS: usize = 128;

pub(super) struct ConvSpec<'a> {
    pub weight: &'a Tensor<4>,
    pub bias: Option<&'a Tensor<1>>,
    pub stride: usize,
    /// Zeros above and left, and below and right.
    pub padding: (usize, usize),
}

/// Whether [`conv2d`] can take it, and does better than the backend, which multiplies 1×1 kernels itself.
pub(super) fn suits(x: &Tensor<4>, spec: &ConvSpec) -> bool {
    let [_, _, kernel_size, _] = spec.weight.dims();
    kernel_size > 1 && is_on_cpu(x)
}

/// Convolves a picture on the CPU with a square kernel.
pub(super) fn conv2d(x: Tensor<4>, spec: &ConvSpec) -> Tensor<4> {
    let [n_outputs, n_inputs, kernel_size, _] = spec.weight.dims();
    let device = x.device();
    let [batch, _, height, width] = x.dims();
    let (begin, end) = spec.padding;
    let size_after = |size: usize| (size + begin + end - kernel_size) / spec.stride + 1;
    let patches = Patches {
        n_channels: n_inputs,
        kernel_size,
        stride: spec.stride,
        padding: begin,
        size: [height, width],
        size_after: [size_after(height), size_after(width)],
    };
    let [height_after, width_after] = patches.size_after;
    let x = x.into_data();
    let x = x.as_slice::<f32>().expect("the dtype is f32");

    let n_lines = batch * height_after;
    let lines_per_tile = patches.lines_per_tile(n_lines);
    let weight = spec.weight.clone().reshape([n_outputs, patches.length()]);
    let tiles: Vec<TensorData> = (0..n_lines.div_ceil(lines_per_tile))
        .into_par_iter()
        .map(|i_tile| {
            let first = i_tile * lines_per_tile;
            let lines = first..n_lines.min(first + lines_per_tile);
            let shape = [patches.length(), lines.len() * width_after];
            let gathered = TensorData::new(patches.gather(x, lines), shape);
            let gathered = Tensor::<2>::from_data(gathered, (&device, DType::F32));
            weight.clone().matmul(gathered).into_data()
        })
        .collect();

    let tiles: Vec<&[f32]> = tiles
        .iter()
        .map(|tile| tile.as_slice().expect("the dtype is f32"))
        .collect();
    let bias: Option<Vec<f32>> = spec
        .bias
        .map(|bias| bias.to_data().try_into_vec().expect("the dtype is f32"));
    let plane_length = height_after * width_after;
    let mut y = vec![0.0; batch * n_outputs * plane_length];
    y.par_chunks_mut(plane_length)
        .enumerate()
        .for_each(|(i_plane, plane)| {
            let (i_picture, channel) = (i_plane / n_outputs, i_plane % n_outputs);
            let bias = bias.as_ref().map_or(0.0, |bias| bias[channel]);
            for (row, line) in plane.chunks_mut(width_after).enumerate() {
                let i_line = i_picture * height_after + row;
                let tile = tiles[i_line / lines_per_tile];
                let channel_start = channel * (tile.len() / n_outputs);
                let start = channel_start + i_line % lines_per_tile * width_after;
                for (y, product) in line.iter_mut().zip(&tile[start..start + width_after]) {
                    *y = product + bias;
                }
            }
        });
    let shape = [batch, n_outputs, height_after, width_after];
    Tensor::from_data(TensorData::new(y, shape), (&device, DType::F32))
}

/// What every output pixel sees of the input, one column per pixel.
struct Patches {
    n_channels: usize,
    kernel_size: usize,
    stride: usize,
    /// Zeros above and left.
    padding: usize,
    /// Height and width.
    size: [usize; 2],
    size_after: [usize; 2],
}

impl Patches {
    /// Values per patch.
    fn length(&self) -> usize {
        self.n_channels * self.kernel_size * self.kernel_size
    }

    fn lines_per_tile(&self, n_lines: usize) -> usize {
        let width_after = self.size_after[1];
        let most = (TILE_VALUES / self.length()).max(MIN_PIXELS_OF_LONG_PATCHES);
        let fair_share = (n_lines * width_after).div_ceil(rayon::current_num_threads());
        let n_pixels = fair_share.max(MIN_PIXELS).min(most);
        n_pixels.div_ceil(width_after).min(n_lines)
    }

    /// The patches of some output lines, which count through all pictures of the batch.
    ///
    /// # Shapes: `[length, lines · width_after]`, rows ordered by channel, kernel row, kernel column
    fn gather(&self, x: &[f32], lines: std::ops::Range<usize>) -> Vec<f32> {
        let [height, width] = self.size;
        let [height_after, width_after] = self.size_after;
        let row_length = lines.len() * width_after;
        let mut gathered = vec![0.0; self.length() * row_length];
        for (i_row, row) in gathered.chunks_mut(row_length).enumerate() {
            let kernel_x = i_row % self.kernel_size;
            let kernel_y = i_row / self.kernel_size % self.kernel_size;
            let channel = i_row / (self.kernel_size * self.kernel_size);
            for (line, into) in lines.clone().zip(row.chunks_mut(width_after)) {
                let (i_picture, row_after) = (line / height_after, line % height_after);
                let y = row_after * self.stride + kernel_y;
                if y < self.padding || y >= height + self.padding {
                    continue;
                }
                let i_plane = i_picture * self.n_channels + channel;
                let start = (i_plane * height + y - self.padding) * width;
                self.gather_line(&x[start..start + width], kernel_x, into);
            }
        }
        gathered
    }

    /// One line of the picture as the kernel's column `kernel_x` sees it; what it sees outside stays zero.
    fn gather_line(&self, from: &[f32], kernel_x: usize, into: &mut [f32]) {
        let skipped = self.padding.saturating_sub(kernel_x).div_ceil(self.stride);
        let Some(into) = into.get_mut(skipped..) else {
            return;
        };
        let from = &from[(skipped * self.stride + kernel_x - self.padding).min(from.len())..];
        if self.stride == 1 {
            let length = into.len().min(from.len());
            into[..length].copy_from_slice(&from[..length]);
        } else {
            for (into, from) in into.iter_mut().zip(from.iter().step_by(self.stride)) {
                *into = *from;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, module, ops::ConvOptions};

    use super::*;

    fn values<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        let n_values = shape.iter().product::<usize>() as u32;
        let values = (0..n_values)
            .map(|i| (i.wrapping_mul(0x9E37_79B9) >> 8) as f32 / 8_388_608.0 - 1.0)
            .collect::<Vec<_>>();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    #[test]
    fn products_of_matrices_agree_with_the_backends_convolution() {
        // Batch, inputs, outputs, height, width, kernel, stride, padding.
        for (shape, [kernel_size, stride], padding) in [
            ([1, 3, 8, 5, 7], [3, 1], (1, 1)),
            ([2, 9, 16, 6, 10], [3, 1], (1, 1)),
            ([2, 4, 6, 8, 12], [3, 2], (0, 1)),
            ([3, 5, 2, 9, 9], [3, 2], (1, 1)),
            ([1, 3, 4, 14, 21], [7, 7], (0, 0)),
            ([1, 2, 3, 1, 1], [3, 1], (1, 1)),
            ([1, 40, 20, 40, 33], [3, 1], (1, 1)),
            ([2, 3, 4, 5, 4], [5, 3], (2, 2)),
        ] {
            let [batch, inputs, outputs, height, width] = shape;
            let x = values([batch, inputs, height, width]);
            let weight = values([outputs, inputs, kernel_size, kernel_size]);
            let bias = values([outputs]);
            let spec = ConvSpec {
                weight: &weight,
                bias: Some(&bias),
                stride,
                padding,
            };
            let y = conv2d(x.clone(), &spec);
            let options = ConvOptions::new_with_padding([stride; 2], [padding; 2], [1; 2], 1);
            let expected = module::conv2d(x, weight.clone(), Some(bias.clone()), options);
            assert_eq!(y.dims(), expected.dims(), "{shape:?}");
            let worst = (y - expected).abs().max().into_scalar::<f32>();
            assert!(worst < 1e-4, "{shape:?}: off by {worst}");
        }
    }
}
