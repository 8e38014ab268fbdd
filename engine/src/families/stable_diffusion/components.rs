//! A model's components, in and out of memory.

use super::folder::StableDiffusionFolder;
use crate::{
    Result,
    components::{
        autoencoders::{AutoencoderParts, KlAutoencoder},
        denoisers::UNet,
        text_encoders::ClipTextEncoder,
    },
    model::{Loader, Slots},
    progress::OnEvent,
    weights::{LoadOptions, ModelFolder},
};

pub(super) const TEXT_ENCODER: &str = "text_encoder";
pub(super) const UNET: &str = "unet";
pub(super) const VAE: &str = "vae";

impl StableDiffusionFolder {
    pub(super) fn load_text_encoder<'s>(
        &self,
        slots: &'s mut Slots,
        on_event: &mut OnEvent,
    ) -> Result<&'s ClipTextEncoder> {
        let files = self.text_encoder();
        slots.get(&Loader::whole(&files, &ClipTextEncoder::load), on_event)
    }

    pub(super) fn load_unet<'s>(
        &self,
        slots: &'s mut Slots,
        on_event: &mut OnEvent,
    ) -> Result<&'s UNet> {
        slots.get(&Loader::whole(&self.unet(), &UNet::load), on_event)
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
        let (text_encoder, unet) = (self.text_encoder(), self.unet());
        let text_encoder = Loader::whole(&text_encoder, &ClipTextEncoder::load);
        let unet = Loader::whole(&unet, &UNet::load);
        if slots.preload(&text_encoder, on_event)? && slots.preload(&unet, on_event)? {
            self.with_vae(parts, |vae| slots.preload(vae, on_event))?;
        }
        Ok(())
    }

    /// Hands `body` the way to load the autoencoder with these parts, at least.
    pub(super) fn with_vae<R>(
        &self,
        parts: AutoencoderParts,
        body: impl FnOnce(&Loader<KlAutoencoder>) -> R,
    ) -> R {
        body(&Loader {
            files: &self.vae(),
            load: &|folder: &ModelFolder, options: &LoadOptions| {
                KlAutoencoder::load(folder, parts, options)
            },
            is_read: &|name| KlAutoencoder::is_read(parts, name),
            is_enough: &|vae| parts == AutoencoderParts::Decoder || vae.can_encode(),
        })
    }
}
