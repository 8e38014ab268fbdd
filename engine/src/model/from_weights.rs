//! What depends on the weights alone and costs much: hashes and the preview map.

use super::{ComponentFiles, LoadedModel, PreviewMap, preview_map, sha256_hex};
use crate::{
    Error, Result,
    progress::{OnEvent, PipelineEvent},
    weights::ModelFolder,
};

impl LoadedModel {
    /// SHA-256 over the weights of all components, read anew only when their files have changed.
    pub(crate) fn hash(&mut self, on_event: &mut OnEvent) -> Result<&str> {
        if self.hash.is_none() {
            let components = self.files().components();
            self.hash = Some(self.hash_of(&components, on_event)?);
        }
        Ok(self.hash.as_deref().unwrap_or_default())
    }

    /// The same over what makes embeddings: they can be compared where this is the same.
    pub(crate) fn encoder_hash(&mut self, on_event: &mut OnEvent) -> Result<String> {
        if let Some(hash) = &self.encoder_hash {
            return Ok(hash.clone());
        }
        let embedders = self.family.embedders();
        let mut components = self.files().components();
        components.retain(|component| embedders.contains(&component.name));
        let hash = self.hash_of(&components, on_event)?;
        Ok(self.encoder_hash.insert(hash).clone())
    }

    fn hash_of(&mut self, components: &[ComponentFiles], on_event: &mut OnEvent) -> Result<String> {
        let n_bytes = |component: &ComponentFiles| Ok(component.folder.weights(false)?.n_bytes());
        let total_bytes = components.iter().map(n_bytes).sum::<Result<u64>>()?;
        let mut done_bytes = 0;
        let mut hashes = Vec::new();
        for component in components {
            // A large model takes a while: someone may be waiting, or wish to cancel.
            on_event(PipelineEvent::Loading {
                component: "checksums".to_owned(),
                done_bytes,
                total_bytes,
            })?;
            let hash = self.slots.cache.component_hash(component)?;
            done_bytes += n_bytes(component)?;
            hashes.push((component.name, hash));
        }
        // A model in one file is known by the file's own hash, as anywhere else.
        if let ModelFolder::Seen { .. } = self.files().root()
            && let [(_, first), others @ ..] = &hashes[..]
            && others.iter().all(|(_, hash)| hash == first)
        {
            return Ok(first.clone());
        }
        let lines = hashes.iter().map(|(name, hash)| format!("{name} {hash}\n"));
        Ok(sha256_hex(lines.collect::<String>().as_bytes()))
    }

    /// From latents to colours: the card's map, else one fitted to the autoencoder and kept by its hash.
    ///
    /// `None` where neither can be had: pictures are made all the same.
    pub(crate) fn preview_map(&mut self, on_event: &mut OnEvent) -> Result<Option<PreviewMap>> {
        let n_channels = self.family.latent_channels();
        let has_all_rows = |map: &PreviewMap| map.matrix.len() == n_channels;
        if self.preview_map.is_none() {
            let own = self.files().card().preview.clone();
            self.preview_map = own.filter(has_all_rows);
        }
        if self.preview_map.is_some() {
            return Ok(self.preview_map.clone());
        }
        let name = self.family.autoencoder();
        let components = self.files().components();
        let autoencoder = components.iter().find(|component| component.name == name);
        let autoencoder =
            autoencoder.ok_or_else(|| Error::Bug(format!("there is no component {name}")))?;
        let hash = self.slots.cache.component_hash(autoencoder)?;
        let key = format!("preview-map-{hash}");
        let kept = self.slots.cache.read(&key, 3 * (n_channels + 1));
        let map = if let Some(numbers) = kept {
            PreviewMap::from_numbers(&numbers)
        } else {
            let Some(map) = self.fit_preview_map(on_event)? else {
                return Ok(None);
            };
            self.slots.cache.write(&key, &map.to_numbers());
            map
        };
        self.preview_map = Some(map);
        Ok(self.preview_map.clone())
    }

    fn fit_preview_map(&mut self, on_event: &mut OnEvent) -> Result<Option<PreviewMap>> {
        let scale = self.latent_scale() as usize;
        let device = self.runtime().device.clone();
        preview_map::fit(scale, &device, |picture| {
            self.family.encode_once(&mut self.slots, picture, on_event)
        })
    }
}
