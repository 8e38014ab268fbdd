//! Who makes room for whom: the budget of one model, shared by its weights and by what pictures need beside them.

use burn::tensor::{DType, Device};

use super::{Loader, Slots};
use crate::{Error, Result, foreign_text, model::memory::Sizes};

/// The share of the budget that one component may take on the CPU in full precision.
const MOST_IN_FULL_PRECISION: f64 = 0.6;

impl Slots {
    /// Keeps memory free for pictures of this size from here on, beside weights of which the largest part has so many
    /// bytes. What was read ahead and leaves too little is given up.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the two do not fit.
    pub fn reserve(
        &mut self,
        sizes: Sizes,
        (width, height): (u32, u32),
        weights_bytes: u64,
    ) -> Result<()> {
        self.reserved = Some((sizes, width, height));
        let budget = self.runtime.memory_budget_bytes;
        sizes.check(width, height, weights_bytes, budget)?;
        let at_once = sizes.activation_bytes(width, height);
        self.is_tiled = weights_bytes + at_once > budget;
        self.activation_bytes = if self.is_tiled {
            sizes.least_activation_bytes(width, height)
        } else {
            at_once
        };
        self.shed(None);
        Ok(())
    }

    /// The side of the parts in which the autoencoder is to work, in latent cells; `None` for all at once.
    pub fn tile_cells(&self) -> Option<usize> {
        let (sizes, ..) = self.reserved.as_ref()?;
        let cells = sizes
            .tile_cells
            .filter(|_| self.is_tiled || self.is_tight)?;
        Some(cells as usize)
    }

    /// Gives up components until those that are held fit beside what is reserved, but for the one called `kept`: the
    /// smallest that is enough, which is read again soonest, or else the largest.
    pub(super) fn shed(&mut self, kept: Option<&str>) {
        while !self.fit(self.in_use_bytes()) {
            let budget = self.runtime.memory_budget_bytes;
            let excess = (self.in_use_bytes() + self.activation_bytes).saturating_sub(budget);
            let others = self.held.iter().enumerate();
            let others = others.filter(|(_, held)| Some(held.name) != kept);
            let victim = others.min_by_key(|(_, held)| {
                let bytes = held.bytes();
                let is_enough = bytes >= excess;
                (!is_enough, if is_enough { bytes } else { u64::MAX - bytes })
            });
            let Some((index, _)) = victim else { break };
            let victim = self.held.remove(index);
            tracing::info!("{} makes room for pictures", victim.name);
        }
    }

    /// Whether weights of so many bytes fit beside what is reserved.
    pub fn fit(&self, weights_bytes: u64) -> bool {
        !self.is_tight && weights_bytes + self.activation_bytes <= self.runtime.memory_budget_bytes
    }

    pub fn begin_job(&mut self) {
        self.is_tight = false;
        self.is_tiled = false;
        self.reserved = None;
    }

    /// Frees all that can be read again, and from here on holds one component at a time and has the autoencoder work in
    /// parts; false where that was so.
    pub fn give_up_memory(&mut self) -> bool {
        if std::mem::replace(&mut self.is_tight, true) {
            return false;
        }
        self.held.clear();
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

    /// Bytes that a component takes in the running dtype.
    ///
    /// # Errors
    /// When its weights are missing or are no safetensors.
    pub fn needed_bytes<T: 'static>(&self, loader: &Loader<T>) -> Result<u64> {
        match self.find(loader) {
            Some(held) => Ok(held.bytes()),
            None => self.bytes_to_read(loader, self.keeps_half(loader)?),
        }
    }

    fn bytes_to_read<T>(&self, loader: &Loader<T>, keeps_half: bool) -> Result<u64> {
        let dtype = loader.dtype.unwrap_or(self.runtime.dtype);
        loader.files.bytes_in(dtype, keeps_half, loader.is_read)
    }

    /// Whether a component's weights stay in half precision on the CPU: where they would leave too little for anything else.
    pub(super) fn keeps_half<T>(&self, loader: &Loader<T>) -> Result<bool> {
        let is_on_cpu = self.runtime.device == Device::flex();
        let runs_wide = loader.dtype.unwrap_or(self.runtime.dtype) == DType::F32;
        let share = self.runtime.memory_budget_bytes as f64 * MOST_IN_FULL_PRECISION;
        Ok(is_on_cpu && runs_wide && self.bytes_to_read(loader, false)? as f64 > share)
    }

    pub(super) fn make_room(&mut self, name: &str, needed_bytes: u64) -> Result<()> {
        let budget = self.runtime.memory_budget_bytes;
        if needed_bytes > budget {
            const MIB: u64 = 1 << 20;
            return Err(Error::OutOfMemory(format!(
                "{name} needs {} MiB, and {} MiB may be used",
                needed_bytes / MIB,
                budget / MIB
            )));
        }
        // Where memory is tight all make room.
        while !self.fit(self.in_use_bytes() + needed_bytes) {
            let victim = self
                .held
                .iter()
                .enumerate()
                .min_by_key(|(_, held)| held.stays);
            let Some((index, _)) = victim else { break };
            let victim = self.held.remove(index);
            tracing::info!("{} makes room for {name}", victim.name);
        }
        Ok(())
    }
}
