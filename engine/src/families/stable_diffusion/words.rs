use super::super::latent_diffusion::{Side, TextEncoder, Words};
use crate::{
    Result,
    components::denoisers::{UNetConfig, VectorInput},
    model::{Settings, Slots},
    progress::OnEvent,
    weights::ModelFolder,
};

/// One text encoder, whose last layer's tokens are the context.
pub(super) struct OneEncoder {
    encoder: TextEncoder,
}

/// # Errors
/// [`Error::NotAModel`](crate::Error::NotAModel) for an encoder that does not fit the U-Net; those of reading the configs.
pub(in crate::families) fn open(root: &ModelFolder, unet: &UNetConfig) -> Result<Box<dyn Words>> {
    let encoder = TextEncoder::open(root, ["text_encoder", "tokenizer"])?;
    if encoder.config.hidden_size != unet.cross_attention_dim {
        let reason = "the text encoder's tokens are not as wide as those that the U-Net takes";
        return Err(encoder.misfit(reason));
    }
    let is_text_time = matches!(unet.vector_input, Some(VectorInput::TextTime { .. }));
    if is_text_time {
        let reason = "the U-Net takes more than the words of one text encoder";
        return Err(encoder.misfit(reason));
    }
    Ok(Box::new(OneEncoder { encoder }))
}

impl Words for OneEncoder {
    fn unread(&self, text: &str) -> Result<Option<String>> {
        self.encoder.unread(text)
    }

    fn most_clip_skip(&self) -> u32 {
        self.encoder.config.num_hidden_layers as u32 - 1
    }

    fn preload(&self, slots: &mut Slots, on_event: &mut OnEvent) -> Result<bool> {
        self.encoder.preload(slots, on_event)
    }

    fn say(
        &self,
        slots: &mut Slots,
        texts: &[Option<&str>],
        settings: &Settings,
        on_event: &mut OnEvent,
    ) -> Result<Vec<Side>> {
        let texts: Vec<&str> = texts.iter().map(|text| text.unwrap_or_default()).collect();
        let encoded = self.encoder.run(slots, &texts, on_event)?;
        // As diffusers' `clip_skip`: the final norm comes after an earlier layer too.
        let states = match settings.clip_skip.unwrap_or_default() as usize {
            0 => encoded.last(),
            n_skipped => encoded.normed_before_last(n_skipped),
        };
        let side = |row| Side {
            tokens: states.clone().narrow(0, row, 1),
            vector: None,
        };
        Ok((0..texts.len()).map(side).collect())
    }
}
