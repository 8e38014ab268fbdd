//! A component's parameters, taken by name while its modules are built.

use std::fmt::Display;

use burn::tensor::{DType, Device, Tensor};

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
    fn take(&self, name: &str, shape: &[usize]) -> Result<burn::tensor::TensorData>;
    fn device(&self) -> &Device;
    fn dtype(&self) -> DType;
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
    /// # Errors
    /// When the files cannot be read. While planning a placeholder of one element comes back.
    pub fn tensor<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        let data = self
            .source
            .take(&format!("{}{name}", self.prefix), &shape)?;
        Ok(Tensor::from_data(
            data,
            (self.source.device(), self.source.dtype()),
        ))
    }
}
