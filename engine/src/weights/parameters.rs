//! A component's parameters, taken by name while its modules are built.

use std::fmt::Display;

use burn::tensor::{DType, Device, Element, Tensor, TensorData};
use rayon::prelude::*;
use safetensors::Dtype;

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
    fn take(&self, name: &str, shape: &[usize], form: Form) -> Result<Taken>;
    /// Notes a layer whose weight can be changed later.
    fn adapt(&self, name: &str, layer: AdaptableLayer);
    fn device(&self) -> &Device;
    fn dtype(&self) -> DType;
}

pub(super) enum Taken {
    /// Noted; the value is still unknown.
    Planned,
    /// Read, of the shape and in the form asked for.
    Read(TensorData),
}

/// How a parameter is wanted in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In the running dtype.
    Running,
    /// For layers that take their weight in half precision too: in that where it is to be [kept](kept_dtype).
    Weight,
    /// As [`Self::Weight`]; of `[outputs, inputs, rows, columns]` it is `[outputs, rows, columns, inputs]`.
    InputsLast,
}

/// The dtype in which a layer's weight is in memory.
pub(super) fn kept_dtype(keeps_half: bool, running: DType, stored: Dtype) -> DType {
    match stored {
        Dtype::F16 if keeps_half => DType::F16,
        Dtype::BF16 if keeps_half => DType::BF16,
        _ => running,
    }
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
        self.tensor_in(name, shape, Form::Running)
    }

    /// As [`Self::tensor`], in half precision where that is to be kept: for layers that can calculate with it.
    ///
    /// # Errors
    /// Those of [`Self::tensor`].
    pub fn weight<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        self.tensor_in(name, shape, Form::Weight)
    }

    fn tensor_in<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        form: Form,
    ) -> Result<Tensor<D>> {
        let (device, dtype) = (self.source.device(), self.source.dtype());
        Ok(match self.take(name, &shape, form)? {
            Taken::Read(data) => as_it_is(data, device),
            Taken::Planned => placeholder(shape, device, dtype),
        })
    }

    /// The `weight` of a linear layer, `[inputs, outputs]` of the file's `[outputs, inputs]`, as LoRAs can change it.
    ///
    /// A view, but in full precision on the CPU a copy in that order: of 512 rows the product takes a fifth less with it.
    ///
    /// # Errors
    /// Those of [`Self::tensor`].
    pub fn linear_weight(&self, shape: [usize; 2]) -> Result<Adaptable<2>> {
        let (device, dtype) = (self.source.device(), self.source.dtype());
        let weight = match self.take("weight", &shape, Form::Weight)? {
            Taken::Planned => placeholder(shape, device, dtype).transpose(),
            Taken::Read(data) if data.dtype() == DType::F32 && *device == Device::flex() => {
                as_it_is(transpose::<f32>(&data, shape), device)
            }
            Taken::Read(data) => as_it_is::<2>(data, device).transpose(),
        };
        let weight = Adaptable::new(weight, dtype);
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
        let weight = if lies_inputs_last(shape) {
            match self.take("weight", &shape, Form::InputsLast)? {
                Taken::Planned => placeholder(shape, device, dtype),
                Taken::Read(data) => as_it_is::<4>(data, device).permute([0, 3, 1, 2]),
            }
        } else {
            self.weight("weight", shape)?
        };
        let weight = Adaptable::new(weight, dtype);
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

    fn take(&self, name: &str, shape: &[usize], form: Form) -> Result<Taken> {
        let name = format!("{}{name}", self.prefix);
        self.source.take(&name, shape, form)
    }
}

/// Whether a convolution's weight of this shape is laid out as `[outputs, rows, columns, inputs]`: every kernel, the CPU's
/// and the GPU's, reads it so, and burn would lay it out anew at each call. With one row and column both are the same.
pub(super) fn lies_inputs_last([.., n_rows, _]: [usize; 4]) -> bool {
    n_rows > 1
}

fn as_it_is<const D: usize>(data: TensorData, device: &Device) -> Tensor<D> {
    let dtype = data.dtype();
    Tensor::from_data(data, (device, dtype))
}

/// One element, spread over `shape`.
fn placeholder<const D: usize>(shape: [usize; D], device: &Device, dtype: DType) -> Tensor<D> {
    let one_element = TensorData::new(vec![0f32], [1; D]);
    Tensor::<D>::from_data(one_element, (device, dtype)).expand(shape)
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
