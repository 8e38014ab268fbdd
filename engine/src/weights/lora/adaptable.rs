//! Layers whose weights can be changed while they are in memory.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use burn::tensor::Tensor;

/// A weight as it was read, and what is changed of it now. Clones share the change.
#[derive(Debug, Clone)]
pub struct Adaptable<const D: usize> {
    base: Tensor<D>,
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
    pub fn new(base: Tensor<D>) -> Self {
        Self {
            base,
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

    pub(super) fn set(&self, change: Change<D>) {
        *self.change.write().unwrap_or_else(PoisonError::into_inner) = change;
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

    pub(super) fn layers(&self) -> BTreeMap<String, AdaptableLayer> {
        self.layers.borrow().clone()
    }
}
