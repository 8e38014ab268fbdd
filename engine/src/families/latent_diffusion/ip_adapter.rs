//! A model that looks at pictures through an IP-Adapter.

use std::cell::RefCell;

use burn::tensor::{DType, Tensor, TensorData};

use super::looking::{PictureSteering, SeenPictures, Sight};
use crate::{
    Error, Result,
    components::{
        denoisers::PictureContext,
        ip_adapter::IpAdapter,
        vision_encoders::{ClipVisionConfig, ClipVisionEncoder},
    },
    families::embeddings::pixels_of,
    image::{RgbPicture, read_back},
    image_preprocessor::ImagePreprocessor,
    model::{IpAdapterSource, Loader, Slots},
    noise::Generator,
    progress::OnEvent,
};

/// Keys and values of one picture's tokens, for each layer.
type KeysAndValues = Vec<[Tensor<3>; 2]>;

/// An adapter, and the encoder that looks at pictures for it.
pub(super) struct AdapterSight {
    source: IpAdapterSource,
    preprocessor: ImagePreprocessor,
    /// What the encoder says of no picture, where the adapter needs to know.
    nothing: RefCell<Option<Vec<f32>>>,
    /// Of the pictures that were last asked for, by what was seen of them: those of a job are asked for again and again.
    known: RefCell<Vec<(Vec<f32>, KeysAndValues)>>,
}

impl AdapterSight {
    /// # Errors
    /// Those of reading the encoder's config; [`Error::NotAModel`] for sizes that no picture has.
    pub fn open(source: &IpAdapterSource) -> Result<Self> {
        let config = ClipVisionConfig::read(&source.encoder)?;
        let preprocessor = ImagePreprocessor::clip(config.image_size as u32);
        Ok(Self {
            preprocessor: preprocessor.map_err(|reason| Error::NotAModel {
                path: source.encoder.path("config.json"),
                reason,
            })?,
            source: source.clone(),
            nothing: RefCell::default(),
            known: RefCell::default(),
        })
    }

    /// # Shapes: `[1, 3, side, side]` → `[1, n, feature width]`, in row order
    fn features(
        &self,
        slots: &mut Slots,
        pixels: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<Vec<f32>> {
        let files = self.source.encoder_files();
        let encoder = slots.get(&Loader::whole(&files, &ClipVisionEncoder::load), on_event)?;
        let output = encoder.forward(pixels);
        if self.source.config.looks_at_parts() {
            read_back(output.penultimate_hidden_state)
        } else {
            read_back(output.image_embeds)
        }
    }

    fn keys_and_values(
        &self,
        slots: &mut Slots,
        features: &[f32],
        on_event: &mut OnEvent,
    ) -> Result<KeysAndValues> {
        /// Those of a blend, and that of no picture.
        const MOST: usize = 5;
        let known = self
            .known
            .borrow()
            .iter()
            .find_map(|(own, known)| (own.as_slice() == features).then(|| known.clone()));
        if let Some(known) = known {
            return Ok(known);
        }
        let device = slots.runtime().device.clone();
        let width = self.source.config.feature_width();
        let data = TensorData::new(features.to_vec(), [1, features.len() / width, width]);
        let tensor = Tensor::from_data(data, (&device, DType::F32));
        let files = self.source.adapter_files();
        let adapter = slots.get(&Loader::whole(&files, &IpAdapter::load), on_event)?;
        let made = adapter.keys_and_values(&adapter.tokens(tensor));
        let mut all = self.known.borrow_mut();
        if all.len() == MOST {
            all.remove(0);
        }
        all.push((features.to_vec(), made.clone()));
        Ok(made)
    }

    /// What stands for no picture: of an embedding zeros, of parts those of a picture of the mean colour.
    fn nothing(&self) -> Result<Vec<f32>> {
        let config = &self.source.config;
        if !config.looks_at_parts() {
            return Ok(vec![0.0; config.feature_width()]);
        }
        let nothing = self.nothing.borrow();
        nothing
            .clone()
            .ok_or_else(|| Error::Bug("no picture was looked at".to_owned()))
    }
}

impl Sight for AdapterSight {
    fn look(
        &self,
        slots: &mut Slots,
        picture: &RgbPicture,
        on_event: &mut OnEvent,
    ) -> Result<Vec<f32>> {
        let pixels = pixels_of(picture, &self.preprocessor, slots);
        if self.source.config.looks_at_parts() && self.nothing.borrow().is_none() {
            let nothing = self.features(slots, pixels.zeros_like(), on_event)?;
            *self.nothing.borrow_mut() = Some(nothing);
        }
        self.features(slots, pixels, on_event)
    }

    /// An edit asks for what the words say: adapters are trained on whole pictures.
    fn looks_at_surroundings(&self) -> bool {
        false
    }

    /// Tokens of several pictures lie side by side, as in the reference, and each picture's weight is added to its scores as
    /// a logarithm: so a weight of two is that of the same picture twice. `mix` is of embeddings, and here are none.
    fn steering(
        &self,
        slots: &mut Slots,
        pictures: &SeenPictures,
        _generator: Option<&mut Generator>,
        on_event: &mut OnEvent,
    ) -> Result<PictureSteering> {
        let scale = self.source.scale * pictures.share;
        if pictures.each.is_empty() || scale == 0.0 {
            return Ok(PictureSteering::default());
        }
        let nothing = self.nothing()?;
        let nothing = self.keys_and_values(slots, &nothing, on_event)?;
        let each = pictures.each.iter();
        let each = each.map(|(features, _)| self.keys_and_values(slots, features, on_event));
        let each = each.collect::<Result<Vec<_>>>()?;
        let device = slots.runtime().device.clone();
        let bias = weight_bias(pictures, self.source.config.n_tokens())
            .map(|bias| Tensor::<1>::from_data(TensorData::from(&bias[..]), (&device, DType::F32)))
            .map(Tensor::unsqueeze::<4>);
        let context = |layers: Vec<&[Tensor<3>; 2]>| {
            let side_by_side =
                |part: usize| Tensor::cat(layers.iter().map(|own| own[part].clone()).collect(), 1);
            PictureContext {
                key: side_by_side(0),
                value: side_by_side(1),
                bias: bias.clone(),
                scale,
            }
        };
        let contexts = nothing.iter().enumerate().map(|(layer, nothing)| {
            let own = each.iter().map(|layers| &layers[layer]).collect();
            [context(own), context(vec![nothing; each.len()])]
        });
        Ok(PictureSteering {
            vectors: None,
            contexts: contexts.collect(),
        })
    }
}

/// What is added to the scores of each token; `None` where all pictures count alike.
fn weight_bias(pictures: &SeenPictures, n_tokens: usize) -> Option<Vec<f32>> {
    let weights = pictures.each.iter().map(|(_, weight)| *weight);
    let largest = weights.clone().fold(0.0, f32::max);
    let is_alike = weights.clone().all(|weight| weight >= largest);
    let logarithms = weights.flat_map(|weight| vec![(weight / largest).ln(); n_tokens]);
    (!is_alike).then(|| logarithms.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Mix;

    #[test]
    fn a_pictures_weight_is_how_often_it_is_there() {
        let pictures = |weights: &[f32]| SeenPictures {
            each: weights.iter().map(|weight| (&[][..], *weight)).collect(),
            mix: Mix::Slerp,
            share: 1.0,
        };
        assert_eq!(weight_bias(&pictures(&[0.3]), 4), None);
        assert_eq!(weight_bias(&pictures(&[2.0, 2.0]), 4), None);
        let bias = weight_bias(&pictures(&[1.0, 2.0]), 2);
        assert_eq!(bias, Some(vec![0.5f32.ln(), 0.5f32.ln(), 0.0, 0.0]));
    }
}
