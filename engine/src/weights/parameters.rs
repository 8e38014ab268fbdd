//! A component's parameters, taken by name while its modules are built.

use std::fmt::Display;

use burn::tensor::{DType, Device, Tensor, TensorData};

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
        let options = (self.source.device(), self.source.dtype());
        let taken = self
            .source
            .take(&format!("{}{name}", self.prefix), &shape)?;
        Ok(match taken {
            Taken::Read(data) => Tensor::from_data(data, options),
            Taken::Planned => {
                let one_element = TensorData::new(vec![0f32], [1; D]);
                Tensor::<D>::from_data(one_element, options).expand(shape)
            }
        })
    }

    /// Where the parameters go: while planning the CPU, later the device that will run the component.
    pub fn device(&self) -> &Device {
        self.source.device()
    }

    /// The dtype that the component will run in.
    pub fn dtype(&self) -> DType {
        self.source.dtype()
    }
}
