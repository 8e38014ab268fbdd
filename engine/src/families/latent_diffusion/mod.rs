//! Latent diffusion with a U-Net and a KL autoencoder (Rombach et al. 2022), whatever words do to it: what the families
//! of Stable Diffusion share.
//!
//! A family of it tells its `Facts` and how its `Words` become a `Side`; files, latents, pixels, repainting and the
//! loop's questions are answered here.

mod folder;
mod ip_adapter;
mod looking;
mod mixing;
mod model;
mod repainting;
mod sides;
pub(super) mod single_file;
mod text_encoder;

use burn::tensor::Tensor;

pub use folder::LatentFolder;
pub(super) use folder::{Facts, family_folder};
pub(super) use looking::{PictureSteering, SeenPictures, Sight, SightFacts};
pub(super) use text_encoder::TextEncoder;

use crate::{
    Result,
    components::{autoencoders::KlAutoencoder, denoisers::UNetConfig},
    model::{Loader, Settings, Slots},
    progress::OnEvent,
    weights::ModelFolder,
};

pub(super) const UNET: &str = "unet";
pub(super) const VAE: &str = "vae";

/// One side of what steers a U-Net: what is wished, or what is not.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// Context tokens. `[1, tokens, width]`
    pub tokens: Tensor<3>,
    /// What is added to the time embedding, for a U-Net that takes it. `[1, width]`
    pub vector: Option<Tensor<2>>,
}

/// How a family reads words.
pub(super) trait Words {
    /// The end of a text that cannot be read, where it is too long.
    ///
    /// # Errors
    /// When it cannot be read at all.
    fn unread(&self, text: &str) -> Result<Option<String>>;

    /// How many of the text encoder's last layers can be left out.
    fn most_clip_skip(&self) -> u32;

    /// Reads ahead what it needs; false where the budget does not allow it.
    ///
    /// # Errors
    /// Those of loading a component; what `on_event` returns.
    fn preload(&self, slots: &mut Slots, on_event: &mut OnEvent) -> Result<bool>;

    /// What each text says, in their order. `None` is a text that nobody gave, which need not be an empty one.
    ///
    /// # Errors
    /// Those of loading a component; what `on_event` returns.
    fn say(
        &self,
        slots: &mut Slots,
        texts: &[Option<&str>],
        settings: &Settings,
        on_event: &mut OnEvent,
    ) -> Result<Vec<Side>>;
}

/// Opens a family's words beside this U-Net.
pub(super) type OpenWords = fn(&ModelFolder, &UNetConfig) -> Result<Box<dyn Words>>;

type VaeLoader<'a> = Loader<'a, KlAutoencoder>;
