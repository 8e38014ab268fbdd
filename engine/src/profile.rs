//! Where a network's time goes, by kind of work: `limn bench --profile`.
//!
//! Layers wrap what they compute in [`timed`]. Nothing is measured, and nothing waited for, until [`measure`] was
//! called. What no layer claims is element-wise work, and stands in no row of its own: it is the stage's rest.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Instant,
};

use burn::tensor::{Device, Tensor};

/// What a layer spends its time with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Convolution,
    Matmul,
    Attention,
    Norm,
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Convolution, "convolution"),
    (Kind::Matmul, "matmul"),
    (Kind::Attention, "attention"),
    (Kind::Norm, "norm"),
];

static MEASURES: AtomicBool = AtomicBool::new(false);
static NANOSECONDS: [AtomicU64; KINDS.len()] = [const { AtomicU64::new(0) }; KINDS.len()];

/// From now on this process measures. On a GPU every layer is then waited for, so that a picture takes longer.
pub fn measure() {
    MEASURES.store(true, Relaxed);
}

/// Computes, and books the time to `kind` where the process measures. Not to be nested.
pub fn timed<const D: usize>(
    kind: Kind,
    x: Tensor<D>,
    compute: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    if !MEASURES.load(Relaxed) {
        return compute(x);
    }
    let device = x.device();
    wait_for(&device);
    let start = Instant::now();
    let y = compute(x);
    wait_for(&device);
    let nanoseconds = start.elapsed().as_nanos() as u64;
    NANOSECONDS[kind as usize].fetch_add(nanoseconds, Relaxed);
    y
}

fn wait_for(device: &Device) {
    if let Err(error) = device.sync() {
        tracing::warn!("the device cannot be waited for: {error:?}");
    }
}

/// Seconds of each kind since this was last asked; nothing where the process does not measure.
pub(crate) fn take() -> impl Iterator<Item = (&'static str, f32)> {
    KINDS.into_iter().filter_map(|(kind, name)| {
        let nanoseconds = NANOSECONDS[kind as usize].swap(0, Relaxed);
        (nanoseconds > 0).then_some((name, nanoseconds as f32 * 1e-9))
    })
}
