//! The two sides of guidance, and what a U-Net takes of them.

use burn::tensor::Tensor;

use super::{Side, looking::PictureSteering};
use crate::{
    components::denoisers::{PictureContext, UNet, UNetConditioning},
    families::guided_unet::guided_batch,
};

/// What steers one picture.
pub(super) struct Sides {
    pub positive: Side,
    pub negative: Side,
    /// What the layers see of pictures beside the words, the conditional side first; none where no picture steers so.
    pub pictures: Vec<[PictureContext; 2]>,
    pub guidance_rescale: f32,
}

impl Sides {
    /// Takes in what pictures do.
    pub fn see(&mut self, steering: PictureSteering) {
        if let Some([positive, negative]) = steering.vectors {
            self.positive.vector = Some(positive);
            self.negative.vector = Some(negative);
        }
        self.pictures = steering.contexts;
    }

    /// Of both sides where there is guidance, else of the positive one alone.
    pub fn conditioning(&self, unet: &UNet, guidance_scale: f32) -> UNetConditioning {
        let (positive, negative) = (self.positive.clone(), self.negative.clone());
        let tokens = guided_batch(negative.tokens, positive.tokens, guidance_scale);
        let vector = match (negative.vector, positive.vector) {
            (Some(negative), Some(positive)) => {
                Some(guided_batch(negative, positive, guidance_scale))
            }
            _ => None,
        };
        let conditioning = unet.condition_on_tokens(tokens, vector);
        if self.pictures.is_empty() {
            return conditioning;
        }
        let both = |[positive, negative]: &[PictureContext; 2]| {
            let side = |of: fn(&PictureContext) -> &Tensor<3>| {
                guided_batch(of(negative).clone(), of(positive).clone(), guidance_scale)
            };
            PictureContext {
                key: side(|context| &context.key),
                value: side(|context| &context.value),
                ..positive.clone()
            }
        };
        conditioning.with_pictures(self.pictures.iter().map(both).collect())
    }
}
