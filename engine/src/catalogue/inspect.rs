use std::collections::BTreeMap;

use serde::Serialize;

use super::{Component, Defaults, UnclipFolder};
use crate::{
    Result,
    autoencoder::{Autoencoder, AutoencoderConfig},
    denoisers::{UNet, UNetConfig},
    prior::Prior,
    protocol::ModelDeed,
    text_encoders::ClipTextEncoder,
    vision_encoder::ClipVisionEncoder,
    weights::{LoadReport, TensorFiles},
};

/// What is in a model's folder, found without reading a single tensor.
#[derive(Debug, Clone, Serialize)]
pub struct ModelReport {
    pub name: String,
    pub family: String,
    pub path: String,
    /// Of all weights' files.
    pub bytes: u64,
    pub n_parameters: u64,
    /// Width and height in pixels, where a request does not say.
    pub default_size: (u32, u32),
    /// Sizes step by this many pixels.
    pub stride: u32,
    pub sampler: String,
    pub components: Vec<ComponentReport>,
    /// What Limn can do with it, where no component has a fault.
    pub abilities: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ComponentReport {
    pub name: String,
    /// Of its weights' files.
    pub bytes: u64,
    /// The dtypes in the files, with how many numbers each has.
    pub dtypes: BTreeMap<String, u64>,
    /// Missing and unused tensors; `None` where `fault` says why it cannot be told.
    pub report: Option<LoadReport>,
    pub fault: Option<String>,
}

impl ComponentReport {
    /// Whether it can be loaded.
    pub fn fits(&self) -> bool {
        self.report.as_ref().is_some_and(LoadReport::fits)
    }
}

impl UnclipFolder {
    /// Compares every component's files with its config. Their faults are told in the report.
    pub fn inspect(&self) -> ModelReport {
        let Defaults { size, sampler, .. } = self.defaults();
        let components: Vec<ComponentReport> = Component::ALL
            .into_iter()
            .map(|component| self.inspect_component(component))
            .collect();
        let reports = components
            .iter()
            .filter_map(|component| component.report.as_ref());
        ModelReport {
            name: self.name(),
            family: "unCLIP".to_owned(),
            path: self.path().display().to_string(),
            bytes: components.iter().map(|component| component.bytes).sum(),
            n_parameters: reports.map(|report| report.n_parameters).sum(),
            default_size: size,
            stride: self.stride(),
            sampler: sampler.to_string(),
            abilities: if components.iter().all(ComponentReport::fits) {
                let labels = self.deeds().into_iter().map(ModelDeed::label);
                labels.map(str::to_owned).collect()
            } else {
                Vec::new()
            },
            components,
        }
    }

    fn inspect_component(&self, component: Component) -> ComponentReport {
        let folder = self.component(component);
        let report = match component {
            Component::TextEncoder => ClipTextEncoder::inspect(&folder),
            Component::Prior => Prior::inspect(&folder),
            Component::ImageEncoder => ClipVisionEncoder::inspect(&folder),
            Component::Unet => UNet::inspect(&folder),
            Component::Movq => Autoencoder::inspect(&folder),
        };
        let files = folder.weights(false).ok();
        let (report, fault) = match report {
            Ok(report) => (Some(report), None),
            Err(error) => (None, Some(error.to_string())),
        };
        ComponentReport {
            name: component.name().to_owned(),
            bytes: files.as_ref().map_or(0, TensorFiles::n_bytes),
            dtypes: files.as_ref().map(TensorFiles::dtypes).unwrap_or_default(),
            report,
            fault,
        }
    }

    /// Told by the channels that its U-Net takes; nothing where the configs cannot be read.
    pub fn deeds(&self) -> Vec<ModelDeed> {
        let read = |component| self.component(component);
        let unet: Result<UNetConfig> = read(Component::Unet).read_json("config.json");
        let movq: Result<AutoencoderConfig> = read(Component::Movq).read_json("config.json");
        let (Ok(unet), Ok(movq)) = (unet, movq) else {
            return Vec::new();
        };
        let latent_channels = movq.latent_channels;
        if unet.in_channels == latent_channels {
            vec![
                ModelDeed::Generate,
                ModelDeed::Edit,
                ModelDeed::Vary,
                ModelDeed::Blend,
                ModelDeed::Shift,
                ModelDeed::Upscale,
                ModelDeed::Embed,
            ]
        } else if unet.in_channels == 2 * latent_channels + 1 {
            // The further channels are a mask and what it hides: a model for repainting alone.
            vec![ModelDeed::Edit, ModelDeed::Embed]
        } else {
            Vec::new()
        }
    }
}
