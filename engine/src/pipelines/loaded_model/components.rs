//! The components in memory: read when they are needed, given up when another needs their room.

use std::{cell::RefCell, time::Instant};

use burn::tensor::DType;

use super::{Held, LoadedModel};
use crate::{
    Error, Result,
    autoencoder::{Autoencoder, AutoencoderParts},
    catalogue::Component,
    denoisers::UNet,
    device::gates,
    foreign_text,
    pipelines::{OnEvent, PipelineEvent, memory::Sizes},
    prior::Prior,
    text_encoders::ClipTextEncoder,
    vision_encoder::ClipVisionEncoder,
    weights::{LoadOptions, LoadProgress, LoadReport, ModelFolder},
};

/// What is given up first when memory is short: the later in a job, the longer it stays.
const EVICTION_ORDER: [Component; 5] = [
    Component::ImageEncoder,
    Component::TextEncoder,
    Component::Prior,
    Component::Movq,
    Component::Unet,
];

impl LoadedModel {
    /// Bytes of the weights held now.
    pub fn in_use_bytes(&self) -> u64 {
        EVICTION_ORDER
            .into_iter()
            .filter_map(|component| self.held_bytes(component))
            .sum()
    }

    /// Reads ahead what the first job needs and the budget allows, with [`PipelineEvent::Loading`] events.
    ///
    /// # Errors
    /// Those of loading a component; what `on_event` returns.
    pub fn preload(&mut self, on_event: &mut OnEvent) -> Result<()> {
        self.zero_image_embed(on_event)?;
        self.preview_map(on_event)?;
        for component in [
            Component::TextEncoder,
            Component::Prior,
            Component::Unet,
            Component::Movq,
        ] {
            if self.in_use_bytes() + self.needed_bytes(component)?
                > self.runtime.memory_budget_bytes
            {
                break;
            }
            match component {
                Component::TextEncoder => self.text_encoder(on_event).map(drop)?,
                Component::Prior => self.prior(on_event).map(drop)?,
                Component::Unet => self.unet(on_event).map(drop)?,
                Component::Movq => self.movq(on_event).map(drop)?,
                Component::ImageEncoder => {}
            }
        }
        self.hash(on_event).map(drop)
    }

    /// Whether the decoder's parts and the prior can be held at once, so that pictures can be made one by one.
    pub(in crate::pipelines) fn all_fit(&self) -> Result<bool> {
        let needed = [Component::Prior, Component::Unet, Component::Movq]
            .into_iter()
            .map(|component| self.needed_bytes(component))
            .sum::<Result<u64>>()?;
        Ok(!self.is_tight && needed + self.activation_bytes <= self.runtime.memory_budget_bytes)
    }

    /// Keeps memory free for pictures of this size, made with these parts of the autoencoder, from here on.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when such a picture does not fit beside the U-Net.
    pub(in crate::pipelines) fn reserve(
        &mut self,
        width: u32,
        height: u32,
        is_guided: bool,
        movq_parts: AutoencoderParts,
    ) -> Result<()> {
        self.movq_parts = movq_parts;
        let sizes = Sizes {
            movq_scale: u64::from(self.folder.movq_scale()),
            movq_channels: self.movq_config.block_out_channels[0] as u64,
            unet_channels: self.unet_config.block_out_channels[0] as u64,
            unet_batch: if is_guided { 2 } else { 1 },
            dtype_bytes: self.runtime.dtype.size() as u64,
            stride: self.folder.stride(),
        };
        self.activation_bytes = sizes.activation_bytes(width, height);
        self.reserved = Some((sizes, width, height));
        let weights_bytes = self.needed_bytes(Component::Unet)?;
        sizes.check(
            width,
            height,
            weights_bytes,
            self.runtime.memory_budget_bytes,
        )
    }

    /// What the last job ran short of is another job's own matter.
    pub fn begin_job(&mut self) {
        self.is_tight = false;
        self.reserved = None;
    }

    /// Frees all that can be read again, and from here on holds one component at a time.
    ///
    /// False where that was so already: there is nothing more to give up.
    pub fn give_up_memory(&mut self) -> bool {
        if std::mem::replace(&mut self.is_tight, true) {
            return false;
        }
        for component in EVICTION_ORDER {
            self.drop_component(component);
        }
        self.runtime.device.memory_cleanup();
        true
    }

    /// To a device that is out of memory the size that would need half.
    #[must_use]
    pub fn with_what_fits(&self, error: Error) -> Error {
        let (Error::OutOfMemory(reason), Some((sizes, width, height))) = (&error, &self.reserved)
        else {
            return error;
        };
        let advice = match sizes.smaller(*width, *height) {
            Some((fitting_width, fitting_height)) => {
                format!("{fitting_width}×{fitting_height} needs half as much")
            }
            None => "it is the smallest size: choose another device".to_owned(),
        };
        let reason = foreign_text::name(reason);
        Error::OutOfMemory(format!(
            "{width}×{height} was too much for it, even with one part of the model at a time; {advice}, or close other programs that use the device ({reason})"
        ))
    }

    pub(in crate::pipelines) fn text_encoder(
        &mut self,
        on_event: &mut OnEvent,
    ) -> Result<&ClipTextEncoder> {
        if self.text_encoder.is_none() {
            let held = self.load(Component::TextEncoder, ClipTextEncoder::load, on_event)?;
            self.text_encoder = Some(held);
        }
        Ok(&self.text_encoder.as_ref().expect("just loaded").component)
    }

    pub(in crate::pipelines) fn prior(&mut self, on_event: &mut OnEvent) -> Result<&Prior> {
        if self.prior.is_none() {
            self.prior = Some(self.load(Component::Prior, Prior::load, on_event)?);
        }
        Ok(&self.prior.as_ref().expect("just loaded").component)
    }

    pub(in crate::pipelines) fn image_encoder(
        &mut self,
        on_event: &mut OnEvent,
    ) -> Result<&ClipVisionEncoder> {
        if self.image_encoder.is_none() {
            let held = self.load(Component::ImageEncoder, ClipVisionEncoder::load, on_event)?;
            self.image_encoder = Some(held);
        }
        Ok(&self.image_encoder.as_ref().expect("just loaded").component)
    }

    pub(in crate::pipelines) fn unet(&mut self, on_event: &mut OnEvent) -> Result<&UNet> {
        if self.unet.is_none() {
            self.unet = Some(self.load(Component::Unet, UNet::load, on_event)?);
        }
        Ok(&self.unet.as_ref().expect("just loaded").component)
    }

    /// With the parts that were reserved for, at least.
    pub(in crate::pipelines) fn movq(&mut self, on_event: &mut OnEvent) -> Result<&Autoencoder> {
        if !self.holds_movq_parts() {
            // Not in memory twice.
            self.movq = None;
            let parts = self.movq_parts;
            let load = |folder: &ModelFolder, options: &LoadOptions| {
                Autoencoder::load(folder, parts, options)
            };
            self.movq = Some(self.load(Component::Movq, load, on_event)?);
        }
        Ok(&self.movq.as_ref().expect("just loaded").component)
    }

    fn holds_movq_parts(&self) -> bool {
        self.movq.as_ref().is_some_and(|held| {
            self.movq_parts == AutoencoderParts::Decoder || held.component.can_encode()
        })
    }

    /// Makes room, reads a component and tells of it.
    pub(super) fn load<T>(
        &mut self,
        component: Component,
        load: impl Fn(&ModelFolder, &LoadOptions) -> Result<(T, LoadReport)>,
        on_event: &mut OnEvent,
    ) -> Result<Held<T>> {
        self.make_room(component)?;
        gates::allocation(component.name())?;
        let start = Instant::now();
        let teller = RefCell::new(LoadingTeller {
            component,
            n_told: 0,
            on_event,
        });
        let options = LoadOptions {
            device: &self.runtime.device,
            dtype: self.runtime.dtype,
            on_progress: &|progress| teller.borrow_mut().tell(progress),
        };
        let (loaded, report) = load(&self.folder.component(component), &options)?;
        let seconds = start.elapsed().as_secs_f32();
        tracing::info!("{} read in {seconds:.2} s", component.name());
        self.load_seconds += seconds;
        Ok(Held {
            component: loaded,
            bytes: report.bytes,
        })
    }

    fn make_room(&mut self, component: Component) -> Result<()> {
        let budget = self.runtime.memory_budget_bytes;
        let needed = self.needed_bytes(component)?;
        if needed > budget {
            const MIB: u64 = 1 << 20;
            return Err(Error::OutOfMemory(format!(
                "{} needs {} MiB, and {} MiB may be used",
                component.name(),
                needed / MIB,
                budget / MIB
            )));
        }
        for victim in EVICTION_ORDER {
            if !self.is_tight && self.in_use_bytes() + needed + self.activation_bytes <= budget {
                break;
            }
            if self.held_bytes(victim).is_some() {
                tracing::info!("{} makes room for {}", victim.name(), component.name());
                self.drop_component(victim);
            }
        }
        Ok(())
    }

    /// Bytes in the running dtype.
    fn needed_bytes(&self, component: Component) -> Result<u64> {
        if component == Component::Movq && !self.holds_movq_parts() {
            return self.movq_bytes(self.movq_parts);
        }
        match self.held_bytes(component) {
            Some(bytes) => Ok(bytes),
            None => self.file_bytes(component, |_| true),
        }
    }

    pub(super) fn movq_bytes(&self, parts: AutoencoderParts) -> Result<u64> {
        let unread = parts.name_rules().allow_unused;
        let is_read = |name: &str| !unread.iter().any(|prefix| name.starts_with(prefix));
        self.file_bytes(Component::Movq, is_read)
    }

    /// Of the tensors in the component's files that are read.
    fn file_bytes(&self, component: Component, is_read: impl Fn(&str) -> bool) -> Result<u64> {
        let dtype = self.runtime.dtype;
        let folder = self.folder.component(component);
        let files = folder.weights(dtype != DType::F32)?;
        Ok(files.n_elements(is_read) * dtype.size() as u64)
    }

    fn held_bytes(&self, component: Component) -> Option<u64> {
        match component {
            Component::TextEncoder => self.text_encoder.as_ref().map(|held| held.bytes),
            Component::Prior => self.prior.as_ref().map(|held| held.bytes),
            Component::ImageEncoder => self.image_encoder.as_ref().map(|held| held.bytes),
            Component::Unet => self.unet.as_ref().map(|held| held.bytes),
            Component::Movq => self.movq.as_ref().map(|held| held.bytes),
        }
    }

    fn drop_component(&mut self, component: Component) {
        match component {
            Component::TextEncoder => self.text_encoder = None,
            Component::Prior => self.prior = None,
            Component::ImageEncoder => self.image_encoder = None,
            Component::Unet => self.unet = None,
            Component::Movq => self.movq = None,
        }
    }
}

/// Passes on a part of a component's progress: there is one call for each of a thousand tensors.
struct LoadingTeller<'a, 'b> {
    component: Component,
    n_told: u64,
    on_event: &'a mut OnEvent<'b>,
}

impl LoadingTeller<'_, '_> {
    fn tell(&mut self, progress: LoadProgress) -> Result<()> {
        const N_PARTS: u64 = 32;
        let LoadProgress {
            done_bytes,
            total_bytes,
        } = progress;
        let part = done_bytes.saturating_mul(N_PARTS) / total_bytes.max(1);
        if part < self.n_told {
            return Ok(());
        }
        self.n_told = part + 1;
        (self.on_event)(PipelineEvent::Loading {
            component: self.component.name().to_owned(),
            done_bytes,
            total_bytes,
        })
    }
}
