//! Linear layers for the CPU backend: the product onto the bias that lies there already, weights read where they lie or,
//! in half precision, widened a part at a time.

use std::ops::Range;

use burn::tensor::Tensor;

use super::{
    FlexTensor, Values, primitive,
    product::{Cores, Matrix, MatrixMut, There, multiply},
    tensor,
    weight::{Weight, is_half, rows_at_once},
};

/// # Shapes: x `[…, d_input]`, weight `[d_input, d_output]`, bias `[d_output]` → `[…, d_output]`
pub(in crate::components::layers) fn linear<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
) -> Tensor<D> {
    let mut shape = x.dims();
    let device = x.device();
    let [d_input, d_output] = weight.dims();
    let n_rows = shape[..D - 1].iter().product();
    shape[D - 1] = d_output;
    let x = Values::of(x);
    let x = Matrix::by_rows(x.as_slice(), n_rows, d_input, d_input);
    let (mut y, there) = match bias {
        None => (vec![0.0; n_rows * d_output], There::Replaced),
        Some(bias) => (Values::of(bias).as_slice().repeat(n_rows), There::AddedTo),
    };
    if is_half(&weight) {
        Weight::of(weight.transpose()).by_rows(|outputs, rows| {
            let n_outputs = outputs.len();
            let into = MatrixMut::by_rows(&mut y[outputs.start..], n_rows, n_outputs, d_output);
            let weight = Matrix::by_rows(rows, n_outputs, d_input, d_input).transposed();
            multiply(into, there, x, weight, Cores::All);
        });
    } else {
        let weight = primitive(weight);
        for first in (0..d_output).step_by(rows_at_once(d_input)) {
            let outputs = first..d_output.min(first + rows_at_once(d_input));
            let into = MatrixMut::by_rows(&mut y[first..], n_rows, outputs.len(), d_output);
            let weight = where_it_lies(&weight, d_input, outputs);
            multiply(into, there, x, weight, Cores::All);
        }
    }
    tensor(y, shape, &device)
}

/// The columns of a weight for these outputs.
fn where_it_lies(weight: &FlexTensor, d_input: usize, outputs: Range<usize>) -> Matrix<'_> {
    let layout = weight.layout();
    let stride = |axis: usize| usize::try_from(layout.strides()[axis]).ok();
    let (Some(row), Some(column)) = (stride(0), stride(1)) else {
        unreachable!("nothing turns weights around");
    };
    Matrix {
        values: &weight.storage()[layout.start_offset() + outputs.start * column..],
        n_rows: d_input,
        n_columns: outputs.len(),
        strides: [row, column],
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, module};

    use super::{super::tests::values, *};

    #[test]
    fn linear_layers_agree_with_the_backends() {
        for [batch, length, d_input, d_output] in [[1, 1, 1, 1], [2, 77, 48, 96], [1, 130, 320, 7]]
        {
            let x = values([batch, length, d_input]);
            let by_columns = values([d_output, d_input]).transpose();
            for weight in [values([d_input, d_output]), by_columns] {
                for bias in [None, Some(values([d_output]))] {
                    let y = linear(x.clone(), weight.clone(), bias.clone());
                    let right = module::linear(x.clone(), weight.clone(), bias);
                    let worst = (y - right).abs().max().into_scalar::<f32>();
                    assert!(worst < 1e-4, "{d_input} to {d_output}: off by {worst}");
                }
            }
        }
    }

    #[test]
    fn half_precision_gives_what_the_same_weights_in_f32_give() {
        // The last two come in several parts.
        for [n_rows, d_input, d_output] in
            [[2, 48, 96], [77, 320, 7], [5, 1280, 3000], [3, 9000, 700]]
        {
            let x = values([n_rows, d_input]);
            for dtype in [DType::F16, DType::BF16] {
                let weight = values([d_output, d_input]).cast(dtype);
                let wide = weight.clone().cast(DType::F32);
                for bias in [None, Some(values([d_output]))] {
                    let y = linear(x.clone(), weight.clone().transpose(), bias.clone());
                    let expected = linear(x.clone(), wide.clone().transpose(), bias);
                    let is_same = y.into_data() == expected.into_data();
                    assert!(is_same, "{n_rows}, {d_input} to {d_output}, {dtype:?}");
                }
            }
        }
    }
}
