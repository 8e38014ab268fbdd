//! Whether the components of one model belong together: each may be sound and the whole still mixed up.

use super::folder::StableDiffusionFolder;
use crate::{
    Error, Result,
    components::{denoisers::UNetConfig, text_encoders::ClipTextConfig},
    tokenizer::Tokenizer,
};

/// # Errors
/// [`Error::NotAModel`] naming the first two components that do not fit; those of reading the configs.
pub(super) fn check(
    folder: &StableDiffusionFolder,
    tokenizer: &Tokenizer,
    unet: &UNetConfig,
) -> Result<ClipTextConfig> {
    let text_folder = folder.text_encoder().folder;
    let text = ClipTextConfig::read(&text_folder)?;
    let faults = [
        (
            tokenizer.n_ids() as usize > text.vocab_size,
            "the tokenizer has more tokens than the text encoder",
        ),
        (
            tokenizer.max_length() > text.max_position_embeddings,
            "the tokenizer makes longer prompts than the text encoder reads",
        ),
        (
            text.hidden_size != unet.cross_attention_dim,
            "the text encoder's tokens are not as wide as those that the U-Net takes",
        ),
        (
            unet.image_embed_width.is_some(),
            "the U-Net is steered by pictures and not by words",
        ),
    ];
    match faults.into_iter().find(|(is_fault, _)| *is_fault) {
        None => Ok(text),
        Some((_, reason)) => Err(Error::NotAModel {
            path: text_folder.path("config.json"),
            reason: format!("its components are from different models: {reason}"),
        }),
    }
}
