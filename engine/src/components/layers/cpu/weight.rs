//! Weights as kernels take them: in f32, or in half precision and widened a few rows at a time.
//!
//! A widened part stays in the processor's cache until it is multiplied.

use std::{cell::Cell, ops::Range};

use burn::tensor::{DType, Element, Tensor, bf16, f16};
use half::slice::HalfFloatSliceExt;
use pulp::bytemuck::Pod;
use rayon::prelude::*;

use super::{FlexTensor, primitive};

/// Values that are widened at once: 8 MiB.
const BLOCK_VALUES: usize = 2 << 20;
/// Values that one core widens at a time.
const CHUNK_VALUES: usize = 1 << 16;

thread_local! {
    /// What was last widened into, for the next time: fresh memory costs more than the widening.
    static WIDENED: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// A weight of one row for each output, rows one after another.
pub(super) struct Weight {
    tensor: FlexTensor,
    row_length: usize,
}

impl Weight {
    /// # Shapes: `[n_outputs, …]`; copied unless it lies so
    pub fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        let row_length = tensor.dims()[1..].iter().product();
        Self {
            tensor: primitive(tensor).to_contiguous(),
            row_length,
        }
    }

    /// Hands over all rows in f32, as many at a time as are at hand, with the outputs that they are for.
    pub fn by_rows(&self, work: impl FnMut(Range<usize>, &[f32])) {
        match self.tensor.dtype() {
            DType::F16 => self.widened::<f16>(work),
            DType::BF16 => self.widened::<bf16>(work),
            _ => self.at_once(work),
        }
    }

    fn at_once(&self, mut work: impl FnMut(Range<usize>, &[f32])) {
        let rows = self.slice::<f32>();
        work(0..rows.len() / self.row_length, rows);
    }

    fn widened<T: Element + Pod + Sync>(&self, mut work: impl FnMut(Range<usize>, &[f32]))
    where
        [T]: HalfFloatSliceExt,
    {
        let rows_at_once = (BLOCK_VALUES / self.row_length).max(1);
        let blocks = self.slice::<T>().chunks(rows_at_once * self.row_length);
        for (i_block, block) in blocks.enumerate() {
            let mut widened = WIDENED.take();
            widened.resize(block.len().max(widened.len()), 0.0);
            let rows = &mut widened[..block.len()];
            rows.par_chunks_mut(CHUNK_VALUES)
                .zip(block.par_chunks(CHUNK_VALUES))
                .for_each(|(wide, half)| half.convert_to_f32_slice(wide));
            let first = i_block * rows_at_once;
            work(first..first + block.len() / self.row_length, rows);
            WIDENED.set(widened);
        }
    }

    fn slice<T: Element + Pod>(&self) -> &[T] {
        let values = self.tensor.as_slice();
        values.expect("contiguous, and of this dtype")
    }
}

/// Whether a weight is in half precision, and so has to go through [`Weight`].
pub(super) fn is_half<const D: usize>(weight: &Tensor<D>) -> bool {
    matches!(weight.dtype(), DType::F16 | DType::BF16)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::values, *};

    #[test]
    fn rows_come_in_f32_and_once_each() {
        // More than one block, and rows longer than a core's chunk.
        for shape in [[3, 5], [40, 70_000], [1, 100_001]] {
            for dtype in [DType::F32, DType::F16, DType::BF16] {
                let weight = values(shape).cast(dtype);
                let expected = weight.clone().cast(DType::F32).into_data();
                let mut rows = Vec::new();
                Weight::of(weight).by_rows(|outputs, some| {
                    assert_eq!(outputs.start, rows.len() / shape[1]);
                    assert_eq!(outputs.len(), some.len() / shape[1]);
                    rows.extend_from_slice(some);
                });
                assert!(
                    rows == expected.try_to_vec::<f32>().expect("in f32"),
                    "{shape:?} {dtype:?}"
                );
            }
        }
    }
}
