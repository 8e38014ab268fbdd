//! A component's parameters, taken by name while its modules are built.

use std::fmt::Display;

use burn::tensor::{DType, Device, Element, Tensor, TensorData, bf16, f16};
use rayon::prelude::*;

use super::lora::{Adaptable, AdaptableLayer};
use crate::Result;

/// Hands out the tensors of one component, or of one part of it.
///
/// A module asks for each of its parameters once, by the name the reference library gives it and with
/// the shape its config implies. [`Parameters::scope`] narrows the view to a submodule.
pub struct Parameters<'a> {
    prefix: String,
    source: &'a dyn Source,
}

/// Where parameters come from: a plan that records what is wanted, or checked files.
pub(super) trait Source {
    fn take(&self, name: &str, shape: &[usize]) -> Result<Taken>;
    /// Notes a layer whose weight can be changed later.
    fn adapt(&self, name: &str, layer: AdaptableLayer);
    fn device(&self) -> &Device;
    fn dtype(&self) -> DType;
}

pub(super) enum Taken {
    /// Noted; the value is still unknown.
    Planned,
    /// Read, in the running dtype and of the shape asked for.
    Read(TensorData),
}

impl<'a> Parameters<'a> {
    pub(super) fn new(source: &'a dyn Source) -> Self {
        Self {
            prefix: String::new(),
            source,
        }
    }

    /// The parameters of the submodule `name`, as in `down_blocks.0`.
    #[must_use]
    pub fn scope(&self, name: impl Display) -> Self {
        Self {
            prefix: format!("{}{name}.", self.prefix),
            source: self.source,
        }
    }

    /// The parameter `name` of `shape`, on the device in the running dtype.
    ///
    /// While planning, a placeholder comes back: the shape asked for, spread over one element in memory.
    /// Views of it (`transpose`, `slice`, `unsqueeze`) are free; a `reshape` or arithmetic would
    /// allocate it in full, so such work belongs into `forward` or is done on small tensors only.
    ///
    /// # Errors
    /// When the files cannot be read, hold a value that is not finite or does not fit the running
    /// dtype; while planning, when the shape is empty or larger than the files.
    pub fn tensor<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        let (device, dtype) = (self.source.device(), self.source.dtype());
        Ok(match self.take(name, &shape)? {
            Taken::Read(data) => Tensor::from_data(data, (device, dtype)),
            Taken::Planned => placeholder(shape, device, dtype),
        })
    }

    /// The parameter `name` of `[rows, columns]` as `[columns, rows]`: the weight of a linear layer.
    ///
    /// A view, but on the CPU a copy in that order. There a product with 2 rows and 1,280² weights takes a
    /// twelfth of the view's time, with 77 rows and 1,280 × 5,120 weights half of it.
    ///
    /// # Errors
    /// Those of [`Self::tensor`].
    pub fn transposed(&self, name: &str, [rows, columns]: [usize; 2]) -> Result<Tensor<2>> {
        let (device, dtype) = (self.source.device(), self.source.dtype());
        if *device != Device::flex() {
            return Ok(self.tensor(name, [rows, columns])?.transpose());
        }
        match self.take(name, &[rows, columns])? {
            Taken::Read(data) => {
                let transposed = transpose_data(&data, [rows, columns]);
                Ok(Tensor::from_data(transposed, (device, dtype)))
            }
            Taken::Planned => Ok(placeholder([columns, rows], device, dtype)),
        }
    }

    /// The `weight` of a linear layer, `[inputs, outputs]` of the file's `[outputs, inputs]`, as LoRAs can change it.
    ///
    /// # Errors
    /// Those of [`Self::tensor`].
    pub fn linear_weight(&self, [n_outputs, n_inputs]: [usize; 2]) -> Result<Adaptable<2>> {
        let weight = Adaptable::new(self.transposed("weight", [n_outputs, n_inputs])?);
        self.note(AdaptableLayer::Linear(weight.clone()));
        Ok(weight)
    }

    /// The `weight` of a convolution, `[outputs, inputs, rows, columns]`, as LoRAs can change it.
    ///
    /// On the CPU a view of `[outputs, rows, columns, inputs]`, as the kernels there read it.
    ///
    /// # Errors
    /// Those of [`Self::tensor`].
    pub fn conv_weight(&self, shape: [usize; 4]) -> Result<Adaptable<4>> {
        let (device, dtype) = (self.source.device(), self.source.dtype());
        let weight = match self.take("weight", &shape)? {
            Taken::Planned => placeholder(shape, device, dtype),
            Taken::Read(data) => {
                let weight = Tensor::<4>::from_data(data, (device, dtype));
                if *device == Device::flex() && shape[2] > 1 {
                    let inputs_last = weight.permute([0, 2, 3, 1]).into_data();
                    Tensor::<4>::from_data(inputs_last, (device, dtype)).permute([0, 3, 1, 2])
                } else {
                    weight
                }
            }
        };
        let weight = Adaptable::new(weight);
        self.note(AdaptableLayer::Conv(weight.clone()));
        Ok(weight)
    }

    fn note(&self, layer: AdaptableLayer) {
        self.source.adapt(self.prefix.trim_end_matches('.'), layer);
    }

    /// Where the parameters go: while planning the CPU, later the device that will run the component.
    pub fn device(&self) -> &Device {
        self.source.device()
    }

    /// The dtype that the component will run in.
    pub fn dtype(&self) -> DType {
        self.source.dtype()
    }

    fn take(&self, name: &str, shape: &[usize]) -> Result<Taken> {
        self.source.take(&format!("{}{name}", self.prefix), shape)
    }
}

/// One element, spread over `shape`.
fn placeholder<const D: usize>(shape: [usize; D], device: &Device, dtype: DType) -> Tensor<D> {
    let one_element = TensorData::new(vec![0f32], [1; D]);
    Tensor::<D>::from_data(one_element, (device, dtype)).expand(shape)
}

fn transpose_data(data: &TensorData, shape: [usize; 2]) -> TensorData {
    match data.dtype() {
        DType::F32 => transpose::<f32>(data, shape),
        DType::F16 => transpose::<f16>(data, shape),
        DType::BF16 => transpose::<bf16>(data, shape),
        other => panic!("components run in F32, F16 or BF16, not in {other:?}"),
    }
}

pub(super) fn transpose<T: Element + Default>(
    data: &TensorData,
    [rows, columns]: [usize; 2],
) -> TensorData {
    /// Columns at a time, so that a read cache line is used whole.
    const BLOCK: usize = 16;
    let source = data
        .as_slice::<T>()
        .expect("the data is of the dtype it says");
    let mut transposed = vec![T::default(); rows * columns];
    transposed
        .par_chunks_mut(rows * BLOCK)
        .enumerate()
        .for_each(|(i_block, block)| {
            let n_columns = block.len() / rows;
            for (i_row, row) in source.chunks_exact(columns).enumerate() {
                let values = &row[i_block * BLOCK..][..n_columns];
                for (i_column, value) in values.iter().enumerate() {
                    block[i_column * rows + i_row] = *value;
                }
            }
        });
    TensorData::new(transposed, [columns, rows])
}
