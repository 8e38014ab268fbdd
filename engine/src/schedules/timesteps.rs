use super::{SchedulerConfig, TimestepSpacing};
use crate::{Error, Result};

/// The timesteps of a DDPM or DDIM run, from the noisiest.
///
/// # Errors
/// [`Error::OutOfRange`] for more steps than the model was trained with, or none.
pub fn ancestral_timesteps(config: &SchedulerConfig, n_steps: usize) -> Result<Vec<usize>> {
    let n_train = config.n_train_timesteps;
    check_n_steps("steps", n_steps, 1, n_train)?;
    let timesteps = match config.spacing(TimestepSpacing::Leading) {
        TimestepSpacing::Linspace => linspace((n_train - 1) as f64, n_steps)
            .map(|timestep| timestep.round_ties_even() as usize)
            .rev()
            .collect(),
        TimestepSpacing::Leading => leading(n_train / n_steps, n_steps, config.steps_offset),
        // Whole timesteps have no other form of the latter.
        TimestepSpacing::Trailing | TimestepSpacing::SgmUniform => {
            trailing(n_train, n_train, n_steps)
        }
    };
    check_in_training(timesteps, n_train, n_steps)
}

/// Some of the timesteps that a consistency model was distilled at, from the noisiest: Luo et al. 2023.
///
/// # Errors
/// [`Error::OutOfRange`] for more steps than it was distilled at, or none.
pub fn distilled_timesteps(config: &SchedulerConfig, n_steps: usize) -> Result<Vec<usize>> {
    let n_distilled = config.n_distilled_timesteps;
    check_n_steps("steps", n_steps, 1, n_distilled)?;
    let gap = config.n_train_timesteps / n_distilled;
    // NumPy's `linspace` without its end.
    let step = n_distilled as f64 / n_steps as f64;
    let indices = (0..n_steps).map(|i| (i as f64 * step) as usize);
    Ok(indices.map(|i| (n_distilled - i) * gap - 1).collect())
}

/// The timesteps of a prior's run: evenly from the last training timestep to the first, both included.
///
/// # Errors
/// [`Error::OutOfRange`] for fewer than two steps, or more than the model was trained with.
pub fn unclip_timesteps(config: &SchedulerConfig, n_steps: usize) -> Result<Vec<usize>> {
    let n_train = config.n_train_timesteps;
    check_n_steps("prior steps", n_steps, 2, n_train)?;
    let ratio = (n_train - 1) as f64 / (n_steps - 1) as f64;
    Ok((0..n_steps)
        .rev()
        .map(|i| (i as f64 * ratio).round_ties_even() as usize)
        .collect())
}

pub(super) fn check_n_steps(
    name: &'static str,
    n_steps: usize,
    least: usize,
    most: usize,
) -> Result<()> {
    if (least..=most).contains(&n_steps) {
        return Ok(());
    }
    Err(Error::OutOfRange {
        name,
        value: n_steps.to_string(),
        allowed: format!("{least} to {most}"),
    })
}

/// An offset may lift the first timestep past the last that the model was trained with.
pub(super) fn check_in_training(
    timesteps: Vec<usize>,
    n_train: usize,
    n_steps: usize,
) -> Result<Vec<usize>> {
    if timesteps.iter().all(|&timestep| timestep < n_train) {
        return Ok(timesteps);
    }
    Err(Error::OutOfRange {
        name: "steps",
        value: n_steps.to_string(),
        allowed: format!("below {n_steps} for this model"),
    })
}

/// `numpy.linspace(0, last, n)`.
pub(super) fn linspace(
    last: f64,
    n_numbers: usize,
) -> impl DoubleEndedIterator<Item = f64> + ExactSizeIterator {
    let step = last / (n_numbers.max(2) - 1) as f64;
    (0..n_numbers).map(move |i| {
        if i > 0 && i + 1 == n_numbers {
            last
        } else {
            i as f64 * step
        }
    })
}

/// Multiples of `ratio` plus `offset`, from the highest.
pub(super) fn leading(ratio: usize, n_steps: usize, offset: usize) -> Vec<usize> {
    (0..n_steps).rev().map(|i| i * ratio + offset).collect()
}

/// Even steps down from `last`, one less each, as long as they stay above zero.
pub(super) fn trailing(last: usize, n_train: usize, n_steps: usize) -> Vec<usize> {
    let ratio = n_train as f64 / n_steps as f64;
    let start = last as f64;
    // NumPy's `arange` steps by the difference of its first two numbers.
    let step = (start - ratio) - start;
    let n_numbers = (start / ratio).ceil() as usize;
    (0..n_numbers)
        .map(|i| (start + i as f64 * step).round_ties_even() as usize)
        .filter(|&timestep| timestep > 0)
        .map(|timestep| timestep - 1)
        .collect()
}
