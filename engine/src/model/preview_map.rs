//! From latents to a rough picture, for models whose card has no map of their own.

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::PreviewMap;
use crate::{Result, image::read_back};

/// Fits the linear map that best turns the latents that `encode` makes of a colourful picture back into its colours.
///
/// `scale` is how many pixels lie along one side of a latent cell.
///
/// # Errors
/// What `encode` returns; [`crate::Error::Device`] or [`crate::Error::OutOfMemory`] when the device fails.
pub(super) fn fit(
    scale: usize,
    device: &Device,
    encode: impl FnOnce(Tensor<4>) -> Result<Option<Tensor<4>>>,
) -> Result<Option<PreviewMap>> {
    /// Enough cells for every mixture of colours, and quick to encode.
    const SIDE_CELLS: usize = 24;
    let side = SIDE_CELLS * scale;
    let picture: Vec<f32> = (0..3)
        .flat_map(|channel| {
            (0..side * side).map(move |pixel| colour(channel, pixel % side, pixel / side, side))
        })
        .collect();
    let picture = Tensor::<4>::from_data(
        TensorData::new(picture, [1, 3, side, side]),
        (device, DType::F32),
    );
    let cells = picture
        .clone()
        .reshape([3, SIDE_CELLS, scale, SIDE_CELLS, scale])
        .mean_dim(4)
        .mean_dim(2);
    let colours = read_back(cells)?;
    let Some(latents) = encode(picture)? else {
        return Ok(None);
    };
    let latents = read_back(latents)?;
    Ok(Some(linear_map(
        &latents,
        &colours,
        SIDE_CELLS * SIDE_CELLS,
    )))
}

/// Slow waves whose phases differ, in [-1, 1]: all mixtures of red, green and blue somewhere.
fn colour(channel: usize, x: usize, y: usize, side: usize) -> f32 {
    const WAVES: [[f32; 3]; 3] = [[1.0, 2.0, 0.0], [2.0, -1.0, 0.3], [-1.5, 1.0, 0.6]];
    let [along_x, along_y, phase] = WAVES[channel];
    let turns = (along_x * x as f32 + along_y * y as f32) / side as f32 + phase;
    (turns * std::f32::consts::TAU).sin()
}

/// Least squares by the normal equations. Both sides are planes of `n_cells` numbers; colours are three.
fn linear_map(latents: &[f32], colours: &[f32], n_cells: usize) -> PreviewMap {
    /// Keeps the equations solvable where a channel says nothing.
    const RIDGE: f64 = 1e-4;
    let n_channels = latents.len() / n_cells;
    // The last input is one, for the bias.
    let input = |row: usize, cell: usize| {
        if row < n_channels {
            f64::from(latents[row * n_cells + cell])
        } else {
            1.0
        }
    };
    let n_inputs = n_channels + 1;
    let mut equations: Vec<Vec<f64>> = (0..n_inputs)
        .map(|row| {
            let dot = |other: &dyn Fn(usize) -> f64| -> f64 {
                (0..n_cells)
                    .map(|cell| input(row, cell) * other(cell))
                    .sum()
            };
            let left = (0..n_inputs).map(|column| {
                let ridge = if row == column {
                    RIDGE * n_cells as f64
                } else {
                    0.0
                };
                dot(&|cell| input(column, cell)) + ridge
            });
            let right = (0..3).map(|rgb| dot(&|cell| f64::from(colours[rgb * n_cells + cell])));
            left.chain(right).collect()
        })
        .collect();
    eliminate(&mut equations);
    let solution = |row: usize| -> [f32; 3] {
        std::array::from_fn(|rgb| equations[row][n_inputs + rgb] as f32)
    };
    PreviewMap {
        matrix: (0..n_channels).map(solution).collect(),
        bias: solution(n_channels),
    }
}

/// Gauss and Jordan's elimination; the left side is positive definite, so no row is exchanged.
fn eliminate(equations: &mut [Vec<f64>]) {
    for pivot in 0..equations.len() {
        let divisor = equations[pivot][pivot];
        for value in &mut equations[pivot] {
            *value /= divisor;
        }
        let pivot_row = equations[pivot].clone();
        for (row, equation) in equations.iter_mut().enumerate() {
            if row == pivot {
                continue;
            }
            let factor = equation[pivot];
            for (value, pivot_value) in equation.iter_mut().zip(&pivot_row) {
                *value -= factor * pivot_value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_relation_is_found_again() {
        const N_CELLS: usize = 64;
        let channel = |seed: usize| -> Vec<f32> {
            (0..N_CELLS)
                .map(|cell| ((cell * seed + seed) % 17) as f32 / 8.0 - 1.0)
                .collect()
        };
        let planes = [channel(3), channel(5), channel(7), channel(11)];
        let truth = PreviewMap {
            matrix: vec![
                [0.5, 0.0, -0.25],
                [0.0, 1.0, 0.0],
                [-1.0, 0.5, 0.5],
                [0.0, 0.0, 0.0],
            ],
            bias: [0.1, -0.2, 0.3],
        };
        let colours: Vec<f32> = (0..3)
            .flat_map(|rgb| {
                let (planes, truth) = (&planes, &truth);
                (0..N_CELLS).map(move |cell| {
                    let terms = planes.iter().zip(&truth.matrix);
                    truth.bias[rgb]
                        + terms
                            .map(|(plane, row)| plane[cell] * row[rgb])
                            .sum::<f32>()
                })
            })
            .collect();
        let found = linear_map(&planes.concat(), &colours, N_CELLS);
        let rows = |map: &PreviewMap| [&map.matrix[..], &[map.bias]].concat().concat();
        for (found, truth) in rows(&found).iter().zip(rows(&truth)) {
            assert!((found - truth).abs() < 2e-3, "{found} for {truth}");
        }
    }
}
