//! Whether the components of one model belong together: each may be sound and the whole still mixed up.

use super::folder::UnclipFolder;
use crate::{
    Error, Result,
    components::{
        denoisers::UNetConfig, priors::PriorConfig, text_encoders::ClipTextConfig,
        vision_encoders::ClipVisionConfig,
    },
    image_preprocessor::ImagePreprocessor,
    tokenizer::Tokenizer,
};

/// # Errors
/// [`Error::NotAModel`] naming the first two components that do not fit; those of reading the configs.
pub(super) fn check(folder: &UnclipFolder, tokenizer: &Tokenizer, unet: &UNetConfig) -> Result<()> {
    let text = ClipTextConfig::read(&folder.text_encoder().folder)?;
    let vision = ClipVisionConfig::read(&folder.image_encoder().folder)?;
    let prior_folder = folder.prior().folder;
    let prior = PriorConfig::read(&prior_folder)?;
    let processor = ImagePreprocessor::load(&folder.image_processor())?;
    let seen = [vision.image_size as u32; 2];
    let text_embeds_width = prior.embedding_proj_dim.unwrap_or(prior.embedding_dim);
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
            tokenizer.max_length() != prior.num_embeddings,
            "the tokenizer and the prior disagree about the length of prompts",
        ),
        (
            text.hidden_size != prior.embedding_dim || text.projection_dim != text_embeds_width,
            "the text encoder's embeddings are not as wide as the prior's",
        ),
        (
            vision.projection_dim != prior.embedding_dim,
            "the image encoder's embeddings are not as wide as the prior's",
        ),
        (
            processor.crop() != seen,
            "the image processor makes pictures of another size than the image encoder sees",
        ),
        (
            unet.image_embed_width != Some(prior.embedding_dim),
            "the prior's image embeddings are not as wide as the U-Net's",
        ),
    ];
    match faults.into_iter().find(|(is_fault, _)| *is_fault) {
        None => Ok(()),
        Some((_, reason)) => Err(Error::NotAModel {
            path: prior_folder.path("config.json"),
            reason: format!("its components are from different models: {reason}"),
        }),
    }
}
