//! Layers whose weights can be changed while they are in memory.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use burn::tensor::{DType, Tensor};

/// A weight as it was read, and what is changed of it now. Clones share the change.
#[derive(Debug, Clone)]
pub struct Adaptable<const D: usize> {
    base: Tensor<D>,
    /// That of the layer, which its weight may be narrower than.
    running: DType,
    change: Arc<RwLock<Change<D>>>,
}

/// What stands in for a weight, or beside it.
#[derive(Debug, Clone)]
pub(super) struct Change<const D: usize> {
    /// Instead of the weight.
    pub weight: Option<Tensor<D>>,
    /// Two layers one after another, whose result is added.
    pub low_rank: Option<[Tensor<D>; 2]>,
}

impl<const D: usize> Default for Change<D> {
    fn default() -> Self {
        Self {
            weight: None,
            low_rank: None,
        }
    }
}

impl<const D: usize> Adaptable<D> {
    pub fn new(base: Tensor<D>, running: DType) -> Self {
        Self {
            base,
            running,
            change: Arc::default(),
        }
    }

    /// The weight that counts now.
    pub fn weight(&self) -> Tensor<D> {
        self.read().weight.unwrap_or_else(|| self.base.clone())
    }

    /// The two layers that are added now.
    pub fn low_rank(&self) -> Option<[Tensor<D>; 2]> {
        self.read().low_rank
    }

    pub(super) fn base(&self) -> &Tensor<D> {
        &self.base
    }

    pub(super) fn running(&self) -> DType {
        self.running
    }

    pub(super) fn set(&self, change: Change<D>) {
        *self.change.write().unwrap_or_else(PoisonError::into_inner) = change;
    }

    /// Bytes of what stands in for it or beside it now.
    fn changed_bytes(&self) -> u64 {
        let Change { weight, low_rank } = self.read();
        let tensors = weight.into_iter().chain(low_rank.into_iter().flatten());
        tensors
            .map(|tensor| (tensor.shape().num_elements() * tensor.dtype().size()) as u64)
            .sum()
    }

    fn read(&self) -> Change<D> {
        let change = self.change.read().unwrap_or_else(PoisonError::into_inner);
        change.clone()
    }
}

/// A layer of either kind.
#[derive(Debug, Clone)]
pub enum AdaptableLayer {
    /// `[input, output]`
    Linear(Adaptable<2>),
    /// `[output, input, rows, columns]`
    Conv(Adaptable<4>),
}

/// The layers of one component that can be changed, by diffusers' names.
#[derive(Debug, Default)]
pub struct AdapterTable {
    layers: RefCell<BTreeMap<String, AdaptableLayer>>,
}

impl AdapterTable {
    pub(in crate::weights) fn add(&self, name: &str, layer: AdaptableLayer) {
        self.layers.borrow_mut().insert(name.to_owned(), layer);
    }

    /// Bytes that its layers take now beside the weights as they were read.
    pub fn changed_bytes(&self) -> u64 {
        let layers = self.layers.borrow();
        let bytes = layers.values().map(|layer| match layer {
            AdaptableLayer::Linear(layer) => layer.changed_bytes(),
            AdaptableLayer::Conv(layer) => layer.changed_bytes(),
        });
        bytes.sum()
    }

    pub(super) fn layers(&self) -> BTreeMap<String, AdaptableLayer> {
        self.layers.borrow().clone()
    }
}
