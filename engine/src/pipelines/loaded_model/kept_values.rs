//! What depends on the weights alone and costs much: computed once and kept by their hash.

use burn::tensor::Tensor;

use super::LoadedModel;
use crate::{
    Error, Result,
    autoencoder::{Autoencoder, AutoencoderParts},
    catalogue::{Component, PreviewMap, sha256_hex},
    image::read_back,
    pipelines::{OnEvent, PipelineEvent, preview_map},
    vision_encoder::ClipVisionConfig,
    weights::{LoadOptions, ModelFolder},
};

impl LoadedModel {
    /// SHA-256 over the weights of all components, read anew only when their files have changed.
    pub(in crate::pipelines) fn hash(&mut self, on_event: &mut OnEvent) -> Result<&str> {
        if self.hash.is_none() {
            self.hash = Some(self.hash_of(&Component::ALL, on_event)?);
        }
        Ok(self.hash.as_deref().unwrap_or_default())
    }

    /// The same over the two towers of its CLIP: embeddings can be compared where this is the same.
    pub(in crate::pipelines) fn encoder_hash(&mut self, on_event: &mut OnEvent) -> Result<String> {
        if let Some(hash) = &self.encoder_hash {
            return Ok(hash.clone());
        }
        let towers = [Component::TextEncoder, Component::ImageEncoder];
        let hash = self.hash_of(&towers, on_event)?;
        Ok(self.encoder_hash.insert(hash).clone())
    }

    fn hash_of(&self, components: &[Component], on_event: &mut OnEvent) -> Result<String> {
        let total_bytes = components
            .iter()
            .map(|&component| Ok(self.folder.component(component).weights(false)?.n_bytes()))
            .sum::<Result<u64>>()?;
        let mut done_bytes = 0;
        let mut lines = String::new();
        for &component in components {
            // A large model takes a while: someone may be waiting, or wish to cancel.
            on_event(PipelineEvent::Loading {
                component: "checksums".to_owned(),
                done_bytes,
                total_bytes,
            })?;
            let hash = self.cache.component_hash(&self.folder, component)?;
            let files = self.folder.component(component).weights(false)?;
            done_bytes += files.n_bytes();
            lines.extend([component.name(), " ", &hash, "\n"]);
        }
        Ok(sha256_hex(lines.as_bytes()))
    }

    /// The image encoder's answer to a picture of zeros: what stands for "no wish" on the negative side.
    ///
    /// Depends on the weights alone, so it is kept by their hash, and the encoder is rarely loaded for it.
    pub(in crate::pipelines) fn zero_image_embed(
        &mut self,
        on_event: &mut OnEvent,
    ) -> Result<Vec<f32>> {
        if let Some(embed) = &self.zero_image_embed {
            return Ok(embed.clone());
        }
        let hash = self
            .cache
            .component_hash(&self.folder, Component::ImageEncoder)?;
        let key = format!("zero-image-embed-{hash}-{:?}", self.runtime.dtype).to_lowercase();
        let config = ClipVisionConfig::read(&self.folder.component(Component::ImageEncoder))?;
        let embed = if let Some(embed) = self.cache.read(&key, config.projection_dim) {
            embed
        } else {
            let was_held = self.image_encoder.is_some();
            let (device, dtype) = (self.runtime.device.clone(), self.runtime.dtype);
            let side = config.image_size;
            let zeros = Tensor::<4>::zeros([1, config.num_channels, side, side], (&device, dtype));
            let output = self.image_encoder(on_event)?.forward(zeros);
            let embed = read_back(output.image_embeds)?;
            if !was_held {
                // Nothing else in a job that makes pictures from text needs it.
                self.image_encoder = None;
            }
            self.cache.write(&key, &embed);
            embed
        };
        self.zero_image_embed = Some(embed.clone());
        Ok(embed)
    }

    /// From latents to colours: the card's map, else one fitted to the autoencoder and kept by its hash.
    ///
    /// `None` where neither can be had: pictures are made all the same.
    pub(in crate::pipelines) fn preview_map(
        &mut self,
        on_event: &mut OnEvent,
    ) -> Result<Option<PreviewMap>> {
        let n_channels = self.movq_config.latent_channels;
        let has_all_rows = |map: &PreviewMap| map.matrix.len() == n_channels;
        if self.preview_map.is_none() {
            self.preview_map = self.folder.card().preview.clone().filter(has_all_rows);
        }
        if self.preview_map.is_some() {
            return Ok(self.preview_map.clone());
        }
        let hash = self.cache.component_hash(&self.folder, Component::Movq)?;
        let key = format!("preview-map-{hash}");
        let kept = self.cache.read(&key, 3 * (n_channels + 1));
        let map = if let Some(numbers) = kept {
            PreviewMap::from_numbers(&numbers)
        } else {
            let Some(map) = self.fit_preview_map(on_event)? else {
                return Ok(None);
            };
            self.cache.write(&key, &map.to_numbers());
            map
        };
        self.preview_map = Some(map);
        Ok(self.preview_map.clone())
    }

    fn fit_preview_map(&mut self, on_event: &mut OnEvent) -> Result<Option<PreviewMap>> {
        let load = |folder: &ModelFolder, options: &LoadOptions| {
            Autoencoder::load(folder, AutoencoderParts::EncoderAndDecoder, options)
        };
        // The picture that the encoder sees comes on top.
        let movq_bytes = self.movq_bytes(AutoencoderParts::EncoderAndDecoder)?;
        if movq_bytes + movq_bytes / 2 > self.runtime.memory_budget_bytes {
            return Ok(None);
        }
        // A decoder held already would be in memory twice.
        self.movq = None;
        match self.load(Component::Movq, load, on_event) {
            Ok(held) => preview_map::fit(&held.component, &self.runtime.device).map(Some),
            Err(error @ Error::BadWeights { .. }) => {
                tracing::warn!("no previews, for there is no encoder to fit them to: {error}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
