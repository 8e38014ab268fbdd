use std::time::Instant;

use super::{
    conditioning::TextConditioning,
    mixing::{Mixing, NegativeSide, difference},
    model::UnclipModel,
};
use crate::{
    Error, Result,
    families::embeddings::embed_tensor,
    image::RgbPicture,
    model::{BlendSource, Slots, Steer, SteerBy},
    progress::{Clock, OnEvent},
    protocol::Phase,
};

/// Reads a job's words and pictures, in the reference's order.
pub(super) struct Reader<'a, 'e> {
    pub model: &'a mut UnclipModel,
    pub slots: &'a mut Slots,
    pub steer: &'a Steer<'a>,
    /// Whether the prior is.
    pub is_guided: bool,
    pub clock: &'a mut Clock,
    pub on_event: &'a mut OnEvent<'e>,
    pub texts: Vec<TextConditioning>,
    pub prompt_embed: Option<Vec<f32>>,
}

impl Reader<'_, '_> {
    pub fn read(&mut self) -> Result<Mixing> {
        let negative_prompt = self.steer.negative_prompt;
        match self.steer.by {
            SteerBy::Prompt => {
                self.read_prompt(self.steer.prompt, negative_prompt)?;
                Ok(Mixing::Prompt)
            }
            SteerBy::Place {
                surroundings,
                prompt_share,
            } => {
                self.read_prompt(self.steer.prompt, negative_prompt)?;
                Ok(Mixing::Place {
                    surroundings: self.embed_picture(surroundings)?,
                    prompt_share,
                })
            }
            SteerBy::Pictures {
                pictures,
                prompt_share,
            } => {
                let prompt = self.steer.spoken_prompt();
                if let Some(prompt) = prompt {
                    self.read_prompt(prompt, None)?;
                }
                Ok(Mixing::Pictures {
                    negative: self.read_negative()?,
                    embeds: self.embed_pictures(&pictures.iter().collect::<Vec<_>>())?,
                    prompt_share: prompt.map(|_| prompt_share),
                })
            }
            SteerBy::Blend {
                inputs,
                weights,
                mix,
            } => {
                if let Some(prompt) = self.steer.spoken_prompt() {
                    self.prompt_embed = self.embed_texts(&[prompt])?.pop();
                }
                for input in inputs {
                    if let BlendSource::Text(text) = input {
                        self.read_text(text, None)?;
                    }
                }
                Ok(Mixing::Blend {
                    negative: self.read_negative()?,
                    embeds: self.embed_inputs(inputs)?,
                    weights: weights.to_vec(),
                    mix,
                })
            }
            SteerBy::Shift {
                picture,
                ends,
                shares,
            } => {
                let negative = self.read_negative()?;
                let towards = difference(&self.embed_texts(&ends)?, ends)?;
                Ok(Mixing::Shift {
                    embed: self.embed_picture(picture)?,
                    towards,
                    shares: shares.to_vec(),
                    negative,
                })
            }
        }
    }

    fn read_prompt(&mut self, prompt: &str, negative: Option<&str>) -> Result<()> {
        self.read_text(prompt, negative)?;
        let text = self.texts.last();
        self.prompt_embed = text.map(|text| text.prompt_embed.clone());
        Ok(())
    }

    fn read_text(&mut self, text: &str, negative: Option<&str>) -> Result<()> {
        let start = Instant::now();
        let texts = (text, negative);
        let text = self
            .model
            .encode_text(self.slots, texts, self.is_guided, self.on_event)?;
        self.texts.push(text);
        let load_seconds = self.slots.take_load_seconds();
        self.clock.end_stage("text", start, load_seconds);
        Ok(())
    }

    /// To be called when all other texts are read.
    fn read_negative(&mut self) -> Result<NegativeSide> {
        let zero = self.model.zero_image_embed(self.slots, self.on_event)?;
        let negative = self.steer.negative_prompt;
        if let Some(negative) = negative {
            self.read_text(negative, None)?;
        }
        Ok(NegativeSide {
            zero: embed_tensor(zero, &self.slots.runtime().device),
            is_drawn: negative.is_some(),
        })
    }

    fn embed_texts(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        self.model.embed_texts(self.slots, texts, self.on_event)
    }

    fn embed_picture(&mut self, picture: &RgbPicture) -> Result<Vec<f32>> {
        let embed = self.embed_pictures(&[picture])?.pop();
        embed.ok_or_else(|| Error::Bug("one picture has one embedding".to_owned()))
    }

    /// One by one: a large picture's tiles are thousands, and someone may wish to cancel.
    fn embed_pictures(&mut self, pictures: &[&RgbPicture]) -> Result<Vec<Vec<f32>>> {
        let start = Instant::now();
        let n_pictures = pictures.len() as u32;
        let mut embeds = Vec::new();
        for (index, picture) in pictures.iter().enumerate() {
            let done = (index as u32, n_pictures);
            self.clock
                .report(Phase::Encode, 0, done, None, self.on_event)?;
            let embed = self
                .model
                .embed_picture(self.slots, picture, self.on_event)?;
            embeds.push(embed);
        }
        let load_seconds = self.slots.take_load_seconds();
        self.clock.end_stage("encode", start, load_seconds);
        Ok(embeds)
    }

    /// The embeddings of the pictures among a blend's inputs.
    fn embed_inputs(&mut self, inputs: &[BlendSource]) -> Result<Vec<Option<Vec<f32>>>> {
        let pictures = inputs.iter().filter_map(|input| match input {
            BlendSource::Picture(picture) => Some(*picture),
            BlendSource::Twin(_) | BlendSource::Text(_) => None,
        });
        let pictures: Vec<&RgbPicture> = pictures.collect();
        let mut embeds = self.embed_pictures(&pictures)?.into_iter();
        let mut of_inputs: Vec<Option<Vec<f32>>> = Vec::new();
        for input in inputs {
            of_inputs.push(match input {
                BlendSource::Twin(twin) => of_inputs[*twin].clone(),
                BlendSource::Picture(_) => embeds.next(),
                BlendSource::Text(_) => None,
            });
        }
        Ok(of_inputs)
    }
}
