//! An unCLIP model's components, in and out of memory.

use burn::tensor::Tensor;

use super::folder::UnclipFolder;
use crate::{
    Result,
    components::{
        autoencoders::{Autoencoder, AutoencoderParts},
        denoisers::UNet,
        priors::Prior,
        text_encoders::ClipTextEncoder,
        vision_encoders::{ClipVisionConfig, ClipVisionEncoder},
    },
    image::read_back,
    model::{Loader, Slots},
    progress::OnEvent,
    weights::{LoadOptions, ModelFolder},
};

pub(super) const TEXT_ENCODER: &str = "text_encoder";
pub(super) const PRIOR: &str = "prior";
pub(super) const IMAGE_ENCODER: &str = "image_encoder";
pub(super) const UNET: &str = "unet";
pub(super) const MOVQ: &str = "movq";

impl UnclipFolder {
    pub(super) fn load_text_encoder<'s>(
        &self,
        slots: &'s mut Slots,
        on_event: &mut OnEvent,
    ) -> Result<&'s ClipTextEncoder> {
        let files = self.text_encoder();
        slots.get(&Loader::whole(&files, &ClipTextEncoder::load), on_event)
    }

    pub(super) fn load_prior<'s>(
        &self,
        slots: &'s mut Slots,
        on_event: &mut OnEvent,
    ) -> Result<&'s Prior> {
        slots.get(&Loader::whole(&self.prior(), &Prior::load), on_event)
    }

    pub(super) fn load_image_encoder<'s>(
        &self,
        slots: &'s mut Slots,
        on_event: &mut OnEvent,
    ) -> Result<&'s ClipVisionEncoder> {
        let files = self.image_encoder();
        slots.get(&Loader::whole(&files, &ClipVisionEncoder::load), on_event)
    }

    pub(super) fn load_unet<'s>(
        &self,
        slots: &'s mut Slots,
        on_event: &mut OnEvent,
    ) -> Result<&'s UNet> {
        slots.get(&Loader::whole(&self.unet(), &UNet::load), on_event)
    }

    /// With these parts, at least.
    pub(super) fn load_movq<'s>(
        &self,
        parts: AutoencoderParts,
        slots: &'s mut Slots,
        on_event: &mut OnEvent,
    ) -> Result<&'s Autoencoder> {
        self.with_movq(parts, |loader| slots.get(loader, on_event))
    }

    pub(super) fn movq_bytes(&self, parts: AutoencoderParts, slots: &Slots) -> Result<u64> {
        self.with_movq(parts, |loader| slots.needed_bytes(loader))
    }

    pub(super) fn prior_bytes(&self, slots: &Slots) -> Result<u64> {
        slots.needed_bytes(&Loader::whole(&self.prior(), &Prior::load))
    }

    pub(super) fn unet_bytes(&self, slots: &Slots) -> Result<u64> {
        slots.needed_bytes(&Loader::whole(&self.unet(), &UNet::load))
    }

    /// What pictures from text need, in its order, as far as the budget allows.
    pub(super) fn preload(
        &self,
        parts: AutoencoderParts,
        slots: &mut Slots,
        on_event: &mut OnEvent,
    ) -> Result<()> {
        let (text_encoder, prior, unet) = (self.text_encoder(), self.prior(), self.unet());
        let text_encoder = Loader::whole(&text_encoder, &ClipTextEncoder::load);
        let prior = Loader::whole(&prior, &Prior::load);
        let unet = Loader::whole(&unet, &UNet::load);
        if slots.preload(&text_encoder, on_event)?
            && slots.preload(&prior, on_event)?
            && slots.preload(&unet, on_event)?
        {
            self.with_movq(parts, |movq| slots.preload(movq, on_event))?;
        }
        Ok(())
    }

    /// Both parts, for one picture, beside whatever is reserved; `None` where there is no room or no encoder.
    pub(super) fn encode_once(
        &self,
        slots: &mut Slots,
        pixels: Tensor<4>,
        on_event: &mut OnEvent,
    ) -> Result<Option<Tensor<4>>> {
        let parts = AutoencoderParts::EncoderAndDecoder;
        self.with_movq(parts, |loader| {
            let movq = slots.load_once(loader, on_event)?;
            Ok(movq.map(|movq| movq.encode(pixels, None)))
        })
    }

    fn with_movq<R>(
        &self,
        parts: AutoencoderParts,
        body: impl FnOnce(&Loader<Autoencoder>) -> R,
    ) -> R {
        body(&Loader {
            files: &self.movq(),
            load: &|folder: &ModelFolder, options: &LoadOptions| {
                Autoencoder::load(folder, parts, options)
            },
            is_read: &|name| is_read(parts, name),
            is_enough: &|movq| parts == AutoencoderParts::Decoder || movq.can_encode(),
            dtype: None,
        })
    }

    /// The image encoder's answer to a picture of zeros: what stands for "no wish" on the negative side.
    ///
    /// Depends on the weights alone, so it is kept by their hash, and the encoder is rarely loaded for it.
    pub(super) fn zero_image_embed(
        &self,
        slots: &mut Slots,
        on_event: &mut OnEvent,
    ) -> Result<Vec<f32>> {
        let files = self.image_encoder();
        let hash = slots.cache.component_hash(&files)?;
        let (device, dtype) = (slots.runtime().device.clone(), slots.runtime().dtype);
        let key = format!("zero-image-embed-{hash}-{dtype:?}").to_lowercase();
        let config = ClipVisionConfig::read(&files.folder)?;
        if let Some(embed) = slots.cache.read(&key, config.projection_dim) {
            return Ok(embed);
        }
        let was_held = slots.holds(IMAGE_ENCODER);
        let side = config.image_size;
        let zeros = Tensor::<4>::zeros([1, config.num_channels, side, side], (&device, dtype));
        let output = self.load_image_encoder(slots, on_event)?.forward(zeros);
        let embed = read_back(output.image_embeds)?;
        if !was_held {
            // Nothing else in a job that makes pictures from text needs it.
            slots.release(IMAGE_ENCODER);
        }
        slots.cache.write(&key, &embed);
        Ok(embed)
    }
}

fn is_read(parts: AutoencoderParts, name: &str) -> bool {
    let unread = parts.name_rules().allow_unused;
    !unread.iter().any(|prefix| name.starts_with(prefix))
}
