//! Which layers of which components a file changes, by names and shapes alone.

use std::collections::BTreeMap;

use super::{
    adaptable::{AdaptableLayer, AdapterTable, Change},
    file::{LoraFile, Pieces},
    kinds::Changed,
    names, shapes,
};
use crate::Result;

/// The layers of a component that can be changed, each with its weight's shape: outputs first.
pub type LayerShapes = BTreeMap<String, Vec<usize>>;

/// What a file changes of a model.
#[derive(Debug, Clone, Default)]
pub struct Matched {
    /// By component and layer, each with its name in the file.
    layers: BTreeMap<(String, String), String>,
    /// Names in the file that no layer has.
    pub unmatched: Vec<String>,
    /// Names of layers whose weights have other shapes.
    pub unfit: Vec<String>,
}

impl Matched {
    /// Whether it is for a model that reads words of another width, whatever else fits by chance.
    pub fn reads_other_words(&self) -> bool {
        const KEYS: [&str; 3] = ["attn2_to_k", "attn2.to_k", "attn2.processor.to_k"];
        let mut unfit = self.unfit.iter();
        unfit.any(|name| KEYS.iter().any(|key| name.contains(key)))
    }

    /// Components and layers that are changed.
    pub fn layers(&self) -> Vec<(&str, &str)> {
        let places = self.layers.keys();
        places
            .map(|(component, layer)| (component.as_str(), layer.as_str()))
            .collect()
    }

    pub fn n_layers(&self) -> usize {
        self.layers.len()
    }
}

impl LoraFile {
    /// Finds the layers that the file changes among those of the model's components.
    pub fn matched(&self, components: &BTreeMap<String, LayerShapes>) -> Matched {
        let spellings: BTreeMap<&str, BTreeMap<String, String>> = components
            .iter()
            .map(|(component, layers)| {
                let names = layers.keys().map(String::as_str);
                (component.as_str(), names::spellings(&names))
            })
            .collect();
        let mut matched = Matched {
            unmatched: self.unknown.clone(),
            ..Matched::default()
        };
        for (name, pieces) in &self.layers {
            let layer = names::flattened(name).and_then(|(component, flat)| {
                let layer = spellings.get(component)?.get(&flat)?;
                Some((component, layer))
            });
            let Some((component, layer)) = layer else {
                matched.unmatched.push(name.clone());
                continue;
            };
            if shapes::fits(self, pieces, &components[component][layer]) {
                let place = (component.to_owned(), layer.clone());
                matched.layers.insert(place, name.clone());
            } else {
                matched.unfit.push(name.clone());
            }
        }
        matched
    }

    fn pieces<'a>(&'a self, matched: &Matched, component: &str, layer: &str) -> Option<&'a Pieces> {
        let place = (component.to_owned(), layer.to_owned());
        self.layers.get(matched.layers.get(&place)?)
    }
}

impl AdapterTable {
    /// Makes these files, each with its strength, what the component's weights are changed by; without any they are as
    /// they were read.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) and [`Error::BadWeights`](crate::Error::BadWeights) when a file cannot be read.
    pub fn apply(&self, component: &str, loras: &[(&LoraFile, &Matched, f32)]) -> Result<()> {
        for (name, layer) in self.layers() {
            let is_changed = |(file, matched, _): &(&LoraFile, &Matched, f32)| {
                file.pieces(matched, component, &name).is_some()
            };
            let is_changed = loras.iter().any(is_changed);
            match layer {
                AdaptableLayer::Linear(layer) if is_changed => {
                    let mut changed = Changed::of_linear(&layer);
                    changed.add_all(component, &name, loras)?;
                    layer.set(changed.into_linear());
                }
                AdaptableLayer::Conv(layer) if is_changed => {
                    let mut changed = Changed::of_conv(&layer);
                    changed.add_all(component, &name, loras)?;
                    layer.set(changed.into_conv());
                }
                AdaptableLayer::Linear(layer) => layer.set(Change::default()),
                AdaptableLayer::Conv(layer) => layer.set(Change::default()),
            }
        }
        Ok(())
    }
}

impl Changed {
    fn add_all(
        &mut self,
        component: &str,
        layer: &str,
        loras: &[(&LoraFile, &Matched, f32)],
    ) -> Result<()> {
        for (file, matched, strength) in loras {
            if let Some(pieces) = file.pieces(matched, component, layer) {
                let alpha = file.alpha_of(component);
                self.add(file, pieces, alpha, *strength)?;
            }
        }
        Ok(())
    }
}
