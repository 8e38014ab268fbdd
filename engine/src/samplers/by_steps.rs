//! The loop of the samplers over a [`SigmaSchedule`].

use burn::tensor::Tensor;

use super::{NoiseLevel, Step};
use crate::{Result, schedules::SigmaSchedule};

/// One step of a schedule.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub index: usize,
    pub sigma: f32,
    /// Where it leads.
    pub next: f32,
    pub timestep: f32,
    is_last: bool,
}

impl At {
    /// Whether the schedule ends here with a step of first order.
    pub fn is_last_of_first_order(self, schedule: &SigmaSchedule) -> bool {
        self.is_last && schedule.first_order_last
    }
}

/// Takes one step after another and tells of each: `step` is a sampler's own arithmetic, from latents to the predicted
/// picture and the next latents, and `level` is what it takes a sigma for.
///
/// # Errors
/// What `step` and `on_step` return.
pub(super) fn by_steps<const D: usize>(
    mut latents: Tensor<D>,
    schedule: &SigmaSchedule,
    mut on_step: impl FnMut(Step<D>) -> Result<()>,
    level: impl Fn(f32) -> NoiseLevel,
    mut step: impl FnMut(At, Tensor<D>) -> Result<(Tensor<D>, Tensor<D>)>,
) -> Result<Tensor<D>> {
    let n_steps = schedule.timesteps.len();
    for (index, &timestep) in schedule.timesteps.iter().enumerate() {
        let at = At {
            index,
            sigma: schedule.sigmas[index],
            next: schedule.sigmas[index + 1],
            timestep,
            is_last: index + 1 == n_steps,
        };
        let (denoised, stepped) = step(at, latents)?;
        latents = stepped;
        on_step(Step {
            index,
            n_steps,
            denoised: &denoised,
            latents: &mut latents,
            level: level(at.next),
        })?;
    }
    Ok(latents)
}
