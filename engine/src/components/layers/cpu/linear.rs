//! Linear layers for the CPU backend: the product onto the bias that lies there already, weights read where they lie or,
//! in half precision, widened a part at a time.

use burn::tensor::Tensor;

use super::{
    FlexTensor, Values, primitive,
    product::{Cores, Matrix, MatrixMut, There, multiply},
    tensor,
    weight::{Weight, is_half},
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
        let into = MatrixMut::by_rows(&mut y, n_rows, d_output, d_output);
        let weight = where_it_lies(&weight, d_input, d_output);
        multiply(into, there, x, weight, Cores::All);
    }
    tensor(y, shape, &device)
}

fn where_it_lies(weight: &FlexTensor, d_input: usize, d_output: usize) -> Matrix<'_> {
    let layout = weight.layout();
    let stride = |axis: usize| usize::try_from(layout.strides()[axis]).ok();
    let (Some(row), Some(column)) = (stride(0), stride(1)) else {
        unreachable!("nothing turns weights around");
    };
    Matrix {
        values: &weight.storage()[layout.start_offset()..],
        n_rows: d_input,
        n_columns: d_output,
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
    fn half_precision_agrees_with_the_same_weights_in_f32() {
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
                    // Of few rows the order of a sum depends on how many outputs there are.
                    let worst = (y - expected).abs().max().into_scalar::<f32>();
                    assert!(
                        worst < 1e-7 * d_input as f32,
                        "{n_rows}, {d_input} to {d_output}: off by {worst}"
                    );
                }
            }
        }
    }
}
