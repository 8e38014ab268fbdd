//! Linear layers for the CPU backend: the product onto the bias that lies there already, weights read where they lie.

use burn::tensor::Tensor;

use super::{
    Values, primitive,
    product::{Cores, Matrix, MatrixMut, There, multiply},
    tensor,
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
    let weight = primitive(weight);
    let layout = weight.layout();
    let stride = |axis: usize| usize::try_from(layout.strides()[axis]).ok();
    let (Some(row), Some(column)) = (stride(0), stride(1)) else {
        unreachable!("nothing turns weights around");
    };
    let weight = Matrix {
        values: &weight.storage()[layout.start_offset()..],
        n_rows: d_input,
        n_columns: d_output,
        strides: [row, column],
    };
    let (mut y, there) = match bias {
        None => (vec![0.0; n_rows * d_output], There::Replaced),
        Some(bias) => (Values::of(bias).as_slice().repeat(n_rows), There::AddedTo),
    };
    let into = MatrixMut::by_rows(&mut y, n_rows, d_output, d_output);
    let x = Matrix::by_rows(x.as_slice(), n_rows, d_input, d_input);
    multiply(into, there, x, weight, Cores::All);
    tensor(y, shape, &device)
}

#[cfg(test)]
mod tests {
    use burn::tensor::module;

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
}
