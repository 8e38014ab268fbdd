use crate::{components::denoisers::UNetConfig, protocol::Operation};

/// Which of its two kinds of U-Net a model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DenoiserKind {
    Ordinary,
    /// Beside the latents it takes those of the picture and a mask.
    ForRepainting,
}

impl DenoiserKind {
    /// `None` for a U-Net that does not fit latents of so many channels.
    pub fn of(unet: &UNetConfig, latent_channels: usize) -> Option<Self> {
        match unet.in_channels {
            n if n == latent_channels => Some(Self::Ordinary),
            n if n == 2 * latent_channels + 1 => Some(Self::ForRepainting),
            _ => None,
        }
    }

    /// What of `all` such a model can be asked for.
    pub fn operations(self, all: &[Operation]) -> Vec<Operation> {
        let all = all.iter().copied();
        match self {
            Self::Ordinary => all.collect(),
            Self::ForRepainting => all.filter(|operation| operation.is_edit()).collect(),
        }
    }

    /// Why one cannot be asked for more.
    pub fn refusal(unet: &UNetConfig, latent_channels: usize) -> String {
        format!(
            "{}: a model for repainting changes pictures that are there, and makes none anew",
            channels(unet, latent_channels)
        )
    }
}

/// What a U-Net takes, beside what there is.
pub(super) fn channels(unet: &UNetConfig, latent_channels: usize) -> String {
    format!(
        "its U-Net takes {} channels and its latents have {latent_channels}",
        unet.in_channels
    )
}
