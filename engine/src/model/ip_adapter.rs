//! The IP-Adapter through which a model looks at pictures in a job.

use super::{
    LoadedModel,
    files::{self, ComponentFiles},
};
use crate::{
    Error, Result,
    components::{
        ip_adapter::{IpAdapter, IpAdapterConfig},
        vision_encoders::ClipVisionEncoder,
    },
    protocol::IpAdapterUse,
    weights::ModelFolder,
};

const ADAPTER: &str = "ip_adapter";
const ENCODER: &str = "ip_adapter_image_encoder";

/// An adapter's file, the encoder that looks at pictures for it, and how much it counts.
#[derive(Debug, Clone)]
pub struct IpAdapterSource {
    /// As requests name it.
    pub name: String,
    pub adapter: ModelFolder,
    pub config: IpAdapterConfig,
    pub encoder: ModelFolder,
    /// What is seen in pictures is multiplied with this.
    pub scale: f32,
}

impl IpAdapterSource {
    pub(crate) fn adapter_files(&self) -> ComponentFiles {
        ComponentFiles {
            name: ADAPTER,
            folder: self.adapter.clone(),
            stays: 0,
            inspect: IpAdapter::inspect,
        }
    }

    pub(crate) fn encoder_files(&self) -> ComponentFiles {
        ComponentFiles {
            name: ENCODER,
            folder: self.encoder.clone(),
            stays: 0,
            inspect: ClipVisionEncoder::inspect,
        }
    }

    pub(crate) fn unfit(&self, reason: String) -> Error {
        Error::UnfitIpAdapter {
            path: self.adapter.path(""),
            reason,
        }
    }

    /// Differs where the files do.
    fn key(&self) -> [String; 2] {
        [self.adapter_files(), self.encoder_files()].map(|component| {
            let path = component.folder.path("");
            let state = component.fingerprint().or_else(|| files::state_of(&path));
            format!("{} {}", path.display(), state.unwrap_or_default())
        })
    }
}

/// What a model looks through now.
#[derive(Debug)]
pub(super) struct UsedIpAdapter {
    key: [String; 2],
    told: IpAdapterUse,
}

impl LoadedModel {
    /// Lets the model look at pictures through this from the next job on, or through none.
    ///
    /// # Errors
    /// [`Error::UnfitIpAdapter`] for one of another kind of model; those of reading the files.
    pub fn set_ip_adapter(&mut self, source: Option<&IpAdapterSource>) -> Result<()> {
        let Some(source) = source else {
            self.ip_adapter = None;
            return self.family.set_ip_adapter(None);
        };
        let key = source.key();
        if let Some(used) = &mut self.ip_adapter
            && used.key == key
            && used.told.scale.to_bits() == source.scale.to_bits()
        {
            return Ok(());
        }
        // What is in memory under these names may be of other files.
        for name in [ADAPTER, ENCODER] {
            self.slots.release(name);
        }
        self.ip_adapter = None;
        self.family.set_ip_adapter(Some(source))?;
        let cache = &self.slots.cache;
        let told = IpAdapterUse {
            name: source.name.clone(),
            scale: source.scale,
            hash: cache.component_hash(&source.adapter_files())?,
            encoder_hash: cache.component_hash(&source.encoder_files())?,
        };
        self.ip_adapter = Some(UsedIpAdapter { key, told });
        Ok(())
    }

    /// What the model looks at pictures through now.
    pub(crate) fn ip_adapter_use(&self) -> Option<Box<IpAdapterUse>> {
        let used = self.ip_adapter.as_ref()?;
        Some(Box::new(used.told.clone()))
    }
}
