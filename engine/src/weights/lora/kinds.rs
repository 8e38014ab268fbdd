//! What each kind of file makes of a weight. Weights are matrices here, `[outputs, inputs · kernel]`, in f32.
//!
//! LoRA: Hu et al. 2021. LoHa: Hyeon-Woo et al. 2022. LoKr: Yeh et al. 2023 (LyCORIS, whose formulas these are).
//! DoRA: Liu et al. 2024.

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::{
    adaptable::{Adaptable, Change},
    file::{LoraFile, Piece, Pieces},
};
use crate::{Error, Result, weights::parameters::lies_inputs_last};

/// A layer's weight with what was added so far.
pub(super) struct Changed {
    /// `[outputs, inputs, kernel rows, kernel columns]`
    shape: [usize; 4],
    device: Device,
    dtype: DType,
    base: Tensor<2>,
    /// In place of the weight.
    weight: Option<Tensor<2>>,
    /// `[rank, inputs · kernel]` and `[outputs, rank]`, of all files together.
    low_rank: Option<[Tensor<2>; 2]>,
}

impl Changed {
    pub fn of_linear(layer: &Adaptable<2>) -> Self {
        let base = layer.base().clone();
        let [n_inputs, n_outputs] = base.dims();
        let shape = [n_outputs, n_inputs, 1, 1];
        Self::new(shape, base.transpose(), layer.running())
    }

    pub fn of_conv(layer: &Adaptable<4>) -> Self {
        let base = layer.base().clone();
        let shape = base.dims();
        let matrix = base.reshape([shape[0] as i32, -1]);
        Self::new(shape, matrix, layer.running())
    }

    fn new(shape: [usize; 4], base: Tensor<2>, dtype: DType) -> Self {
        Self {
            shape,
            device: base.device(),
            dtype,
            base,
            weight: None,
            low_rank: None,
        }
    }

    /// Adds what a file makes of the layer; `alpha` is the file's own where the layer has none.
    pub fn add(
        &mut self,
        file: &LoraFile,
        pieces: &Pieces,
        alpha: Option<f32>,
        strength: f32,
    ) -> Result<()> {
        let reader = Reader {
            file,
            pieces,
            device: &self.device,
        };
        let magnitude = pieces.contains_key(&Piece::Magnitude);
        if pieces.contains_key(&Piece::Down) && !magnitude {
            let [down, up] = reader.low_rank(alpha)?;
            let up = up * strength;
            self.low_rank = Some(match self.low_rank.take() {
                None => [down, up],
                Some([downs, ups]) => [
                    Tensor::cat(vec![downs, down], 0),
                    Tensor::cat(vec![ups, up], 1),
                ],
            });
            return Ok(());
        }
        let difference = if pieces.contains_key(&Piece::Down) {
            let [down, up] = reader.low_rank(alpha)?;
            up.matmul(down)
        } else if pieces.keys().any(|piece| matches!(piece, Piece::Hada(_))) {
            reader.hadamard(alpha)?
        } else if pieces.contains_key(&Piece::Difference) {
            reader.matrix(Piece::Difference)?
        } else {
            reader.kronecker(alpha)?
        };
        let [n_outputs, ..] = self.shape;
        let difference = difference.reshape([n_outputs as i32, -1]);
        let weight = match self.weight.take() {
            Some(weight) => weight,
            None => self.base.clone().cast(DType::F32),
        };
        let difference = if magnitude {
            let magnitude = reader.numbers(Piece::Magnitude)?;
            // PEFT's are always by output.
            let can_be_by_input = pieces[&Piece::Magnitude].ends_with("dora_scale");
            self.decomposed(&weight, difference, magnitude, can_be_by_input)? - weight.clone()
        } else {
            difference
        };
        self.weight = Some(weight + difference * strength);
        Ok(())
    }

    /// DoRA's: the direction of the sum, with a magnitude of its own for each output, or for each input.
    fn decomposed(
        &self,
        weight: &Tensor<2>,
        difference: Tensor<2>,
        (shape, magnitude): (Vec<usize>, Vec<f32>),
        can_be_by_input: bool,
    ) -> Result<Tensor<2>> {
        let [n_outputs, n_inputs, ..] = self.shape;
        let sum = weight.clone() + difference;
        let n_magnitudes = magnitude.len();
        let as_tensor = |shape: [usize; 3]| {
            Tensor::<3>::from_data(
                TensorData::new(magnitude.clone(), shape),
                (&self.device, DType::F32),
            )
        };
        let kernel = self.shape[2] * self.shape[3];
        let sum = sum.reshape([n_outputs, n_inputs, kernel]);
        let squares = sum.clone() * sum.clone();
        let by_place = if can_be_by_input && shape.len() > 1 && shape[..2] == [1, n_inputs] {
            as_tensor([1, n_inputs, 1]) / (squares.sum_dim(0).sum_dim(2).sqrt() + f32::EPSILON)
        } else if n_magnitudes == n_outputs {
            as_tensor([n_outputs, 1, 1]) / (squares.sum_dim(1).sum_dim(2).sqrt() + f32::EPSILON)
        } else {
            return Err(Error::Bug("magnitudes of another layer".to_owned()));
        };
        Ok((sum * by_place).reshape([n_outputs as i32, -1]))
    }

    pub fn into_linear(self) -> Change<2> {
        let (dtype, device) = (self.dtype, self.device);
        Change {
            weight: self
                .weight
                .map(|weight| settled(weight.transpose(), dtype, &device)),
            low_rank: self
                .low_rank
                .map(|parts| parts.map(|part| settled(part.transpose(), dtype, &device))),
        }
    }

    pub fn into_conv(self) -> Change<4> {
        let (dtype, device, shape) = (self.dtype, self.device, self.shape);
        let [n_outputs, n_inputs, rows, columns] = shape;
        Change {
            weight: self.weight.map(|weight| {
                let weight = weight.reshape(shape);
                if lies_inputs_last(shape) {
                    let weight = settled(weight.permute([0, 2, 3, 1]), dtype, &device);
                    return weight.permute([0, 3, 1, 2]);
                }
                settled(weight, dtype, &device)
            }),
            low_rank: self.low_rank.map(|[down, up]| {
                let [rank, _] = down.dims();
                [
                    settled(
                        down.reshape([rank, n_inputs, rows, columns]),
                        dtype,
                        &device,
                    ),
                    settled(up.reshape([n_outputs, rank, 1, 1]), dtype, &device),
                ]
            }),
        }
    }
}

/// In the running dtype and in the order of its own axes.
fn settled<const D: usize>(tensor: Tensor<D>, dtype: DType, device: &Device) -> Tensor<D> {
    Tensor::from_data(tensor.into_data(), (device, dtype))
}

/// The tensors of one layer's change.
struct Reader<'a> {
    file: &'a LoraFile,
    pieces: &'a Pieces,
    device: &'a Device,
}

impl Reader<'_> {
    fn has(&self, piece: Piece) -> bool {
        self.pieces.contains_key(&piece)
    }

    /// Shape and values.
    fn numbers(&self, piece: Piece) -> Result<(Vec<usize>, Vec<f32>)> {
        let name = self.pieces.get(&piece).ok_or_else(|| Error::BadWeights {
            path: self.file.path().to_owned(),
            reason: format!("a layer has no {piece:?}"),
        })?;
        self.file.files.numbers(name)
    }

    /// With all axes behind the first as one.
    fn matrix(&self, piece: Piece) -> Result<Tensor<2>> {
        let (shape, values) = self.numbers(piece)?;
        let n_rows = shape.first().copied().unwrap_or(1).max(1);
        let n_columns = values.len() / n_rows;
        Ok(Tensor::from_data(
            TensorData::new(values, [n_rows, n_columns]),
            (self.device, DType::F32),
        ))
    }

    /// With all axes behind the second as one.
    fn kernel(&self, piece: Piece) -> Result<Tensor<3>> {
        let (shape, values) = self.numbers(piece)?;
        let [first, second] = [0, 1].map(|axis| shape.get(axis).copied().unwrap_or(1).max(1));
        let n_places = values.len() / (first * second);
        Ok(Tensor::from_data(
            TensorData::new(values, [first, second, n_places]),
            (self.device, DType::F32),
        ))
    }

    /// α/r; trainers write 0 or nothing where it is 1.
    fn scale(&self, alpha: Option<f32>, rank: usize) -> Result<f32> {
        let own = if self.has(Piece::Alpha) {
            self.numbers(Piece::Alpha)?.1.first().copied()
        } else {
            alpha
        };
        Ok(match own {
            Some(alpha) if alpha != 0.0 && alpha.is_finite() => alpha / rank as f32,
            _ => 1.0,
        })
    }

    /// Down and up, the second scaled.
    fn low_rank(&self, alpha: Option<f32>) -> Result<[Tensor<2>; 2]> {
        let (down, up) = (self.matrix(Piece::Down)?, self.matrix(Piece::Up)?);
        let [rank, _] = down.dims();
        let up = up * self.scale(alpha, rank)?;
        if !self.has(Piece::Mid) {
            return Ok([down, up]);
        }
        // [up's inputs, down's outputs, kernel] with [down's outputs, inputs]: again a kernel over the inputs.
        let mid = self.kernel(Piece::Mid)?;
        let [n_up, n_down, n_places] = mid.dims();
        let [_, n_inputs] = down.dims();
        let mid = mid.swap_dims(1, 2).reshape([n_up * n_places, n_down]);
        let joined = mid.matmul(down).reshape([n_up, n_places, n_inputs]);
        Ok([
            joined.swap_dims(1, 2).reshape([n_up, n_inputs * n_places]),
            up,
        ])
    }

    /// LoHa: the product, number by number, of two products of thin matrices.
    fn hadamard(&self, alpha: Option<f32>) -> Result<Tensor<2>> {
        let part = |index: u8| -> Result<Tensor<2>> {
            let a = self.matrix(Piece::Hada([index, b'a']))?;
            let b = self.matrix(Piece::Hada([index, b'b']))?;
            if !self.has(Piece::HadaKernel(index)) {
                return Ok(a.matmul(b));
            }
            rebuilt(self.kernel(Piece::HadaKernel(index))?, a.transpose(), b)
        };
        let [rank, _] = self.matrix(Piece::Hada([1, b'b']))?.dims();
        Ok(part(1)? * part(2)? * self.scale(alpha, rank)?)
    }

    /// LoKr: Kronecker's product of two factors, each whole or of two thin matrices.
    fn kronecker(&self, alpha: Option<f32>) -> Result<Tensor<2>> {
        let mut rank = None;
        let mut factor = |index: u8| -> Result<Tensor<3>> {
            if self.has(Piece::Kron(index)) {
                return self.kernel(Piece::Kron(index));
            }
            let a = self.matrix(Piece::KronPart([index, b'a']))?;
            let b = self.matrix(Piece::KronPart([index, b'b']))?;
            rank = Some(b.dims()[0]);
            if index == 2 && self.has(Piece::KronKernel) {
                let kernel = self.kernel(Piece::KronKernel)?;
                let [.., n_places] = kernel.dims();
                let [_, n_outputs] = a.dims();
                let [_, n_inputs] = b.dims();
                return Ok(
                    rebuilt(kernel, a.transpose(), b)?.reshape([n_outputs, n_inputs, n_places])
                );
            }
            let (shape, _) = self.numbers(Piece::KronPart([index, b'b']))?;
            let n_places: usize = shape.iter().skip(2).product();
            let product = a.matmul(b);
            let [n_outputs, n_columns] = product.dims();
            Ok(product.reshape([n_outputs, n_columns / n_places, n_places]))
        };
        let (first, second) = (factor(1)?, factor(2)?);
        let [rows_1, columns_1, places_1] = first.dims();
        let [rows_2, columns_2, places_2] = second.dims();
        let first = first.reshape([rows_1, 1, columns_1, 1, places_1]);
        let second = second.reshape([1, rows_2, 1, columns_2, places_2]);
        let product: Tensor<5> = first * second;
        let n_rows = rows_1 * rows_2;
        let product = product.reshape([n_rows as i32, -1]);
        let scale = match rank {
            Some(rank) => self.scale(alpha, rank)?,
            None => 1.0,
        };
        Ok(product * scale)
    }
}

/// Tucker's form: `[outputs' rank, inputs' rank, kernel]` between `[outputs, rank]` and `[rank, inputs]`.
fn rebuilt(kernel: Tensor<3>, outputs: Tensor<2>, inputs: Tensor<2>) -> Result<Tensor<2>> {
    let [rank_1, rank_2, n_places] = kernel.dims();
    let ([n_outputs, own_1], [own_2, n_inputs]) = (outputs.dims(), inputs.dims());
    if [own_1, own_2] != [rank_1, rank_2] {
        return Err(Error::Bug(
            "matrices that do not fit their kernel".to_owned(),
        ));
    }
    let over_outputs = outputs.matmul(kernel.reshape([rank_1, rank_2 * n_places]));
    let over_outputs = over_outputs
        .reshape([n_outputs, rank_2, n_places])
        .swap_dims(1, 2)
        .reshape([n_outputs * n_places, rank_2]);
    let all = over_outputs
        .matmul(inputs)
        .reshape([n_outputs, n_places, n_inputs]);
    Ok(all
        .swap_dims(1, 2)
        .reshape([n_outputs, n_inputs * n_places]))
}
