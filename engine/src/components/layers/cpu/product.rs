//! Products of matrices that lie anywhere in memory, on the crate that the CPU backend multiplies with.
//!
//! The backend's own product takes whole tensors and returns a new one. Convolutions and attention need parts of them,
//! read where they lie and added to what is there.

use gemm::Parallelism;

/// `n_rows` by `n_columns` values within a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub values: &'a [f32],
    pub n_rows: usize,
    pub n_columns: usize,
    /// Values from a row to the next, and from a column to the next.
    pub strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// Rows one after another, `row_stride` values apart.
    pub fn by_rows(values: &'a [f32], n_rows: usize, n_columns: usize, row_stride: usize) -> Self {
        Self {
            values,
            n_rows,
            n_columns,
            strides: [row_stride, 1],
        }
    }

    /// The same values with rows for columns.
    pub fn transposed(self) -> Self {
        let [row, column] = self.strides;
        Self {
            n_rows: self.n_columns,
            n_columns: self.n_rows,
            strides: [column, row],
            ..self
        }
    }

    /// Values from the first to the last, both counted.
    fn span(&self) -> usize {
        let [row, column] = self.strides;
        (self.n_rows - 1) * row + (self.n_columns - 1) * column + 1
    }
}

/// Where a product goes: rows one after another, `row_stride` values apart.
pub(super) struct MatrixMut<'a> {
    pub values: &'a mut [f32],
    pub n_rows: usize,
    pub n_columns: usize,
    pub row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    pub fn by_rows(
        values: &'a mut [f32],
        n_rows: usize,
        n_columns: usize,
        row_stride: usize,
    ) -> Self {
        Self {
            values,
            n_rows,
            n_columns,
            row_stride,
        }
    }
}

/// What becomes of the values that are there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    Replaced,
    AddedTo,
}

/// How many cores one product takes.
#[derive(Clone, Copy)]
pub(super) enum Cores {
    /// The caller's alone: it runs on all of them already.
    One,
    All,
}

/// `into = a · b`, or `into += a · b`.
///
/// # Panics
/// When the shapes do not fit together, a matrix reaches past its slice, or rows of `into` overlap.
pub(super) fn multiply(into: MatrixMut, there: There, a: Matrix, b: Matrix, cores: Cores) {
    let MatrixMut {
        values,
        n_rows,
        n_columns,
        row_stride,
    } = into;
    assert_eq!(a.n_columns, b.n_rows, "the inner sizes differ");
    assert_eq!(
        (n_rows, n_columns),
        (a.n_rows, b.n_columns),
        "the outer sizes differ"
    );
    if n_rows == 0 || n_columns == 0 {
        return;
    }
    assert!(a.n_columns > 0, "a product over nothing");
    assert!(row_stride >= n_columns, "rows overlap");
    let span = (n_rows - 1) * row_stride + n_columns;
    assert!(
        span <= values.len() && a.span() <= a.values.len() && b.span() <= b.values.len(),
        "a matrix reaches past its values"
    );
    let parallelism = match cores {
        Cores::One => Parallelism::None,
        Cores::All => Parallelism::Rayon(rayon::current_num_threads()),
    };
    // SAFETY: `gemm` reads `a` and `b` and writes `into` at row · row stride + column · column stride only, for all
    // rows and columns of each. The assertions above hold these within the slices; the exclusive borrow of `into`
    // keeps it apart from the other two.
    #[expect(
        unsafe_code,
        reason = "the crate has no safe door to parts of a matrix"
    )]
    unsafe {
        gemm::gemm(
            n_rows,
            n_columns,
            a.n_columns,
            values.as_mut_ptr(),
            1,
            row_stride as isize,
            there == There::AddedTo,
            a.values.as_ptr(),
            a.strides[1] as isize,
            a.strides[0] as isize,
            b.values.as_ptr(),
            b.strides[1] as isize,
            b.strides[0] as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize) -> Vec<f32> {
        let value = |i: u32| (i.wrapping_mul(0x9E37_79B9) >> 8) as f32 / 8_388_608.0 - 1.0;
        (0..n as u32).map(value).collect()
    }

    #[test]
    fn parts_of_matrices_are_multiplied_where_they_lie() {
        let (a, b) = (values(200), values(300));
        for [m, k, n] in [[1, 1, 1], [3, 5, 2], [7, 4, 9], [4, 9, 16]] {
            // `a` is rows within longer ones; `b` lies column by column.
            let left = Matrix::by_rows(&a[2..], m, k, k + 3);
            let right = Matrix::by_rows(&b[1..], n, k, k + 1).transposed();
            let mut into = values(m * (n + 2));
            let before = into.clone();
            for there in [There::Replaced, There::AddedTo] {
                let target = MatrixMut::by_rows(&mut into, m, n, n + 2);
                multiply(target, there, left, right, Cores::One);
            }
            for row in 0..m {
                for column in 0..n + 2 {
                    let at = row * (n + 2) + column;
                    let product = |i: usize| a[2 + row * (k + 3) + i] * b[1 + column * (k + 1) + i];
                    let right = if column < n {
                        2.0 * (0..k).map(product).sum::<f32>()
                    } else {
                        before.get(at).copied().unwrap_or_default()
                    };
                    let is = into.get(at).copied().unwrap_or_default();
                    assert!(
                        (is - right).abs() < 1e-5,
                        "{m}×{k}×{n} at {row}, {column}: {is}, not {right}"
                    );
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "reaches past its values")]
    fn a_matrix_that_reaches_past_its_values_is_refused() {
        let (a, b, mut into) = (values(5), values(6), values(4));
        let target = MatrixMut::by_rows(&mut into, 2, 2, 2);
        let (left, right) = (Matrix::by_rows(&a, 2, 3, 3), Matrix::by_rows(&b, 3, 2, 2));
        multiply(target, There::Replaced, left, right, Cores::One);
    }
}
