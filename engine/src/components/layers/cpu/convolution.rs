//! Convolutions for the CPU backend, as products of matrices.
//!
//! burn-flex turns the picture and the weights to another layout at every call, on one core, and copies every patch.
//! Here a 3×3 kernel is nine products of the picture, shifted within a frame of zeros, so that no patch is copied; a 1×1
//! kernel is one; all others gather their patches from whole lines, tile by tile on all cores.

use std::ops::Range;

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::{
    Values,
    product::{Cores, Matrix, MatrixMut, There, multiply},
    tensor,
    weight::Weight,
};

/// Pixels of a 3×3 kernel's tile: its products stay in a core's own cache while nine are added up.
const TILE_PIXELS: usize = 1024;
/// Channels below which nine products of shifted pictures cost more than one of gathered patches.
const MIN_SHIFTED_CHANNELS: usize = 16;
/// Gathered values per tile, about a megabyte: what a core keeps close.
const TILE_VALUES: usize = 256 * 1024;
/// Pixels per tile where patches are long: fewer would read the weights too often.
const MIN_PIXELS_OF_LONG_PATCHES: usize = 512;
/// Pixels per tile below which a further core is no help.
const MIN_PIXELS: usize = 128;

pub(in crate::components::layers) struct ConvSpec<'a> {
    /// `[output, input, rows, columns]`; copied at every call unless it lies as `[output, rows, columns, input]`.
    pub weight: &'a Tensor<4>,
    pub bias: Option<&'a Tensor<1>>,
    pub stride: usize,
    /// Zeros above and left, and below and right.
    pub padding: (usize, usize),
}

/// Convolves a picture on the CPU with a square kernel.
pub(in crate::components::layers) fn conv2d(x: Tensor<4>, spec: &ConvSpec) -> Tensor<4> {
    let [n_outputs, n_inputs, kernel_size, _] = spec.weight.dims();
    let device = x.device();
    let [batch, _, height, width] = x.dims();
    let (begin, end) = spec.padding;
    let size_after = |size: usize| (size + begin + end - kernel_size) / spec.stride + 1;
    let size = [height, width];
    let size_after = size.map(size_after);
    let x = Values::of(x);
    let weight = spec.weight.clone();
    let weight = match kernel_size {
        // Both layouts are one.
        1 => Weight::of(weight.reshape([n_outputs, n_inputs])),
        _ => Weight::of(weight.permute([0, 2, 3, 1])),
    };
    let bias = spec.bias.map(|bias| Values::of(bias.clone()));
    let bias = bias.as_ref().map(Values::as_slice);
    let y = match (kernel_size, spec.stride, spec.padding) {
        (1, 1, (0, 0)) => {
            let n_pixels = height * width;
            pointwise(x.as_slice(), &weight, [batch, n_outputs, n_pixels], bias)
        }
        (3, 1, (1, 1)) if n_inputs >= MIN_SHIFTED_CHANNELS => shifted(
            x.as_slice(),
            &weight,
            bias,
            [batch, n_outputs, height, width],
        ),
        (_, stride, (padding, _)) => {
            let patches = Patches {
                n_channels: n_inputs,
                kernel_size,
                stride,
                padding,
                size,
                size_after,
            };
            gathered(x.as_slice(), &weight, bias, [batch, n_outputs], &patches)
        }
    };
    let [height, width] = size_after;
    tensor(y, [batch, n_outputs, height, width], &device)
}

/// # Shapes: x `[batch, input, n_pixels]`, weight `[output, input]` → `[batch, output, n_pixels]`
fn pointwise(
    x: &[f32],
    weight: &Weight,
    [batch, n_outputs, n_pixels]: [usize; 3],
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let n_inputs = x.len() / (batch * n_pixels);
    let mut y = vec![0.0; batch * n_outputs * n_pixels];
    if let Some(bias) = bias {
        let planes = y.par_chunks_mut(n_pixels).enumerate();
        planes.for_each(|(i, plane)| plane.fill(bias[i % n_outputs]));
    }
    weight.by_rows(|outputs, rows| {
        let pictures = x
            .chunks(n_inputs * n_pixels)
            .zip(y.chunks_mut(n_outputs * n_pixels));
        for (x, y) in pictures {
            let planes = &mut y[outputs.start * n_pixels..];
            let into = MatrixMut::by_rows(planes, outputs.len(), n_pixels, n_pixels);
            let weight = Matrix::by_rows(rows, outputs.len(), n_inputs, n_inputs);
            let x = Matrix::by_rows(x, n_inputs, n_pixels, n_pixels);
            multiply(into, There::AddedTo, weight, x, Cores::All);
        }
    });
    y
}

/// A 3×3 kernel with one line of zeros all around.
///
/// # Shapes: x `[batch, input, height, width]`, weight `[output, 3, 3, input]` → `[batch, output, height, width]`
fn shifted(
    x: &[f32],
    weight: &Weight,
    bias: Option<&[f32]>,
    [batch, n_outputs, height, width]: [usize; 4],
) -> Vec<f32> {
    let n_inputs = x.len() / (batch * height * width);
    // A frame of zeros around every plane; two values more, as the last shift ends two values later.
    let frame_width = width + 2;
    let frame = (height + 2) * frame_width + 2;
    let mut framed = vec![0.0; batch * n_inputs * frame];
    let planes = framed
        .par_chunks_mut(frame)
        .zip(x.par_chunks(height * width));
    planes.for_each(|(frame, plane)| {
        let lines = frame[frame_width + 1..].chunks_mut(frame_width);
        for (into, line) in lines.zip(plane.chunks(width)) {
            into[..width].copy_from_slice(line);
        }
    });

    let fair_share = (batch * height).div_ceil(rayon::current_num_threads());
    let lines_per_tile = (TILE_PIXELS / frame_width).min(fair_share).clamp(1, height);
    let tiles_per_picture = height.div_ceil(lines_per_tile);
    let mut y = vec![0.0; batch * n_outputs * height * width];
    weight.by_rows(|outputs, rows| {
        let tiles = (0..batch * tiles_per_picture).into_par_iter().map(|i| {
            let picture = &framed[i / tiles_per_picture * n_inputs * frame..];
            let first = i % tiles_per_picture * lines_per_tile;
            let n_pixels = lines_per_tile.min(height - first) * frame_width;
            let mut products = vec![0.0; outputs.len() * n_pixels];
            for i_shift in 0..9 {
                let start = (first + i_shift / 3) * frame_width + i_shift % 3;
                let into = MatrixMut::by_rows(&mut products, outputs.len(), n_pixels, n_pixels);
                let there = if i_shift == 0 {
                    There::Replaced
                } else {
                    There::AddedTo
                };
                let weight = &rows[i_shift * n_inputs..];
                let weight = Matrix::by_rows(weight, outputs.len(), n_inputs, 9 * n_inputs);
                let x = Matrix::by_rows(&picture[start..], n_inputs, n_pixels, frame);
                multiply(into, there, weight, x, Cores::One);
            }
            products
        });
        let tiles = Tiles {
            products: tiles.collect(),
            per_picture: tiles_per_picture,
            lines_per_tile,
            line: frame_width,
            outputs,
        };
        tiles.join_into(&mut y, n_outputs, [height, width], bias);
    });
    y
}

/// Any other kernel: one product of the weights and the patches that all pixels see.
///
/// # Shapes: x `[batch, input, height, width]`, weight `[output, rows, columns, input]` → `[batch, output, height′, width′]`
fn gathered(
    x: &[f32],
    weight: &Weight,
    bias: Option<&[f32]>,
    [batch, n_outputs]: [usize; 2],
    patches: &Patches,
) -> Vec<f32> {
    let [height, width] = patches.size_after;
    let lines_per_tile = patches.lines_per_tile(batch);
    let per_picture = height.div_ceil(lines_per_tile);
    let mut y = vec![0.0; batch * n_outputs * height * width];
    weight.by_rows(|outputs, rows| {
        let tiles = (0..batch * per_picture).into_par_iter().map(|i| {
            let first = i % per_picture * lines_per_tile;
            let lines = first..height.min(first + lines_per_tile);
            let n_pixels = lines.len() * width;
            let gathered = patches.gather(x, i / per_picture, lines);
            let mut products = vec![0.0; outputs.len() * n_pixels];
            let into = MatrixMut::by_rows(&mut products, outputs.len(), n_pixels, n_pixels);
            let length = patches.length();
            let weight = Matrix::by_rows(rows, outputs.len(), length, length);
            let gathered = Matrix::by_rows(&gathered, length, n_pixels, n_pixels);
            multiply(into, There::Replaced, weight, gathered, Cores::One);
            products
        });
        let tiles = Tiles {
            products: tiles.collect(),
            per_picture,
            lines_per_tile,
            line: width,
            outputs,
        };
        tiles.join_into(&mut y, n_outputs, patches.size_after, bias);
    });
    y
}

/// Products of a few lines each, some outputs of them one after another.
struct Tiles {
    products: Vec<Vec<f32>>,
    per_picture: usize,
    lines_per_tile: usize,
    /// Values from a line to the next, of which the first are the picture's.
    line: usize,
    /// Which they are of all.
    outputs: Range<usize>,
}

impl Tiles {
    /// # Shapes: y `[batch, n_outputs, height, width]`
    fn join_into(
        &self,
        y: &mut [f32],
        n_outputs: usize,
        [height, width]: [usize; 2],
        bias: Option<&[f32]>,
    ) {
        let planes = y.par_chunks_mut(height * width).enumerate();
        planes.for_each(|(i_plane, plane)| {
            let (picture, output) = (i_plane / n_outputs, i_plane % n_outputs);
            if !self.outputs.contains(&output) {
                return;
            }
            let bias = bias.map_or(0.0, |bias| bias[output]);
            let output = output - self.outputs.start;
            let tiles = &self.products[picture * self.per_picture..];
            for (tile, lines) in tiles
                .iter()
                .zip(plane.chunks_mut(self.lines_per_tile * width))
            {
                let products = &tile[output * (tile.len() / self.outputs.len())..];
                for (line, product) in lines.chunks_mut(width).zip(products.chunks(self.line)) {
                    for (y, product) in line.iter_mut().zip(product) {
                        *y = product + bias;
                    }
                }
            }
        });
    }
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

    fn lines_per_tile(&self, batch: usize) -> usize {
        let [height_after, width_after] = self.size_after;
        let n_lines = batch * height_after;
        let most = (TILE_VALUES / self.length()).max(MIN_PIXELS_OF_LONG_PATCHES);
        let fair_share = (n_lines * width_after).div_ceil(rayon::current_num_threads());
        let n_pixels = fair_share.max(MIN_PIXELS).min(most);
        n_pixels.div_ceil(width_after).min(height_after)
    }

    /// The patches of some output lines of a picture.
    ///
    /// # Shapes: `[length, lines · width_after]`, rows ordered by kernel row, kernel column, channel
    fn gather(&self, x: &[f32], picture: usize, lines: Range<usize>) -> Vec<f32> {
        let [height, width] = self.size;
        let width_after = self.size_after[1];
        let row_length = lines.len() * width_after;
        let mut gathered = vec![0.0; self.length() * row_length];
        for (i_row, row) in gathered.chunks_mut(row_length).enumerate() {
            let channel = i_row % self.n_channels;
            let kernel_x = i_row / self.n_channels % self.kernel_size;
            let kernel_y = i_row / (self.n_channels * self.kernel_size);
            for (line, into) in lines.clone().zip(row.chunks_mut(width_after)) {
                let y = line * self.stride + kernel_y;
                if y < self.padding || y >= height + self.padding {
                    continue;
                }
                let i_plane = picture * self.n_channels + channel;
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
    use burn::tensor::{DType, module, ops::ConvOptions};

    use super::{super::tests::values, *};

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
            ([2, 16, 5, 7, 3], [3, 1], (1, 1)),
            ([1, 24, 33, 50, 41], [3, 1], (1, 1)),
            ([3, 20, 2, 1, 1], [3, 1], (1, 1)),
            ([2, 7, 9, 5, 6], [1, 1], (0, 0)),
            ([2, 7, 9, 6, 8], [1, 2], (0, 0)),
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

    #[test]
    fn half_precision_gives_what_the_same_weights_in_f32_give() {
        // Inputs, outputs, height and width, kernel, stride; the first, third and fourth come in several parts.
        for ([n_inputs, n_outputs, side], [kernel_size, stride], padding) in [
            ([400, 900, 6], [3, 1], (1, 1)),
            ([24, 33, 20], [3, 1], (1, 1)),
            ([400, 900, 7], [3, 2], (1, 1)),
            ([1500, 1600, 3], [1, 1], (0, 0)),
            ([3, 8, 9], [3, 1], (1, 1)),
        ] {
            let x = values([2, n_inputs, side, side]);
            let bias = values([n_outputs]);
            for dtype in [DType::F16, DType::BF16] {
                let weight = values([n_outputs, n_inputs, kernel_size, kernel_size]).cast(dtype);
                let [y, expected] = [weight.clone(), weight.cast(DType::F32)].map(|weight| {
                    let spec = ConvSpec {
                        weight: &weight,
                        bias: Some(&bias),
                        stride,
                        padding,
                    };
                    conv2d(x.clone(), &spec).into_data()
                });
                assert!(
                    y == expected,
                    "{n_inputs} to {n_outputs}, {kernel_size}, {dtype:?}"
                );
            }
        }
    }
}
