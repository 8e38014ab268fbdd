//! Whether a file's change of a layer fits the layer, by shapes alone.

use super::file::{LoraFile, Piece, Pieces};

/// Whether a layer's change has the shape of the layer's weight, outputs first.
pub(super) fn fits(file: &LoraFile, pieces: &Pieces, weight: &[usize]) -> bool {
    shape_of(file, pieces).is_some_and(|[n_outputs, n_inputs, n_places]| {
        let n_own_places: usize = weight[2..].iter().product();
        let magnitudes = |shape: &[usize]| {
            let n: usize = shape.iter().product();
            n == weight[0] || (shape.len() > 1 && shape[0] == 1 && n == weight[1])
        };
        let magnitude = pieces.get(&Piece::Magnitude);
        let magnitude = magnitude.and_then(|name| file.files.shape(name));
        // Some kinds keep a kernel's places in one axis with the inputs.
        [n_outputs, n_inputs * n_places] == [weight[0], weight[1] * n_own_places]
            && magnitude.is_none_or(magnitudes)
    })
}

/// Outputs, inputs and places of the kernel; `None` for pieces that do not fit each other.
fn shape_of(file: &LoraFile, pieces: &Pieces) -> Option<[usize; 3]> {
    let shape = |piece: Piece| {
        file.files
            .shape(pieces.get(&piece)?)
            .filter(|shape| !shape.contains(&0))
    };
    let places = |shape: &[usize]| shape.iter().skip(2).product::<usize>();
    if let (Some(down), Some(up)) = (shape(Piece::Down), shape(Piece::Up)) {
        let ([rank, n_inputs, ..], [n_outputs, up_rank, ..]) = (down, up) else {
            return None;
        };
        if places(up) != 1 {
            return None;
        }
        return match shape(Piece::Mid) {
            None => (up_rank == rank).then(|| [*n_outputs, *n_inputs, places(down)]),
            Some(mid) => {
                let is_between = mid.len() > 1 && [mid[0], mid[1]] == [*up_rank, *rank];
                (is_between && places(down) == 1).then(|| [*n_outputs, *n_inputs, places(mid)])
            }
        };
    }
    if shape(Piece::Hada([1, b'a'])).is_some() {
        let part = |index: u8| {
            let (a, b) = (
                shape(Piece::Hada([index, b'a']))?,
                shape(Piece::Hada([index, b'b']))?,
            );
            let ([a_0, a_1], [b_rank, n_inputs, ..]) = (a, b) else {
                return None;
            };
            match shape(Piece::HadaKernel(index)) {
                Some(kernel) => {
                    let is_between = kernel.len() > 1 && [kernel[0], kernel[1]] == [*a_0, *b_rank];
                    is_between.then(|| [*a_1, *n_inputs, places(kernel)])
                }
                None => (a_1 == b_rank).then(|| [*a_0, *n_inputs, places(b)]),
            }
        };
        return part(1).filter(|first| part(2).as_ref() == Some(first));
    }
    if let Some(difference) = shape(Piece::Difference) {
        let [n_outputs, n_inputs, ..] = difference else {
            return None;
        };
        return Some([*n_outputs, *n_inputs, places(difference)]);
    }
    let factor = |index: u8| {
        if let Some(whole) = shape(Piece::Kron(index)) {
            let [n_rows, n_columns, ..] = whole else {
                return None;
            };
            return Some([*n_rows, *n_columns, places(whole)]);
        }
        let (a, b) = (
            shape(Piece::KronPart([index, b'a']))?,
            shape(Piece::KronPart([index, b'b']))?,
        );
        let ([a_0, a_1], [b_rank, n_columns, ..]) = (a, b) else {
            return None;
        };
        match shape(Piece::KronKernel).filter(|_| index == 2) {
            Some(kernel) => {
                let is_between = kernel.len() > 1 && [kernel[0], kernel[1]] == [*a_0, *b_rank];
                is_between.then(|| [*a_1, *n_columns, places(kernel)])
            }
            None => (a_1 == b_rank).then(|| [*a_0, *n_columns, places(b)]),
        }
    };
    let ([rows_1, columns_1, places_1], [rows_2, columns_2, places_2]) = (factor(1)?, factor(2)?);
    (places_1 == 1).then(|| [rows_1 * rows_2, columns_1 * columns_2, places_2])
}
