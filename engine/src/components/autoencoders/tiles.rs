//! Pictures and latents part by part, where the autoencoder's activations for all at once would not fit: diffusers'
//! `AutoencoderKL.tiled_encode` and `tiled_decode`.
//!
//! Each part is normalised by itself, so that colours differ a little from part to part; where parts overlap, one fades
//! into the next.

use std::ops::Range;

use burn::tensor::{Tensor, TensorData};

use crate::heartbeat;

/// The side of a part in latent cells: what the models were trained on.
pub const TILE_CELLS: usize = 64;
/// A part shares one in so many of its cells with the next.
const OVERLAP: usize = 4;

/// How a picture is taken apart along both axes, in cells or pixels of what goes in and of what comes out.
struct Parts {
    side: usize,
    step: usize,
    fade: usize,
    kept: usize,
}

/// Whether so many rows and columns are more than one part.
fn is_larger(x: &Tensor<4>, side: usize) -> bool {
    let [_, _, height, width] = x.dims();
    height > side || width > side
}

/// Latents to a picture by parts of `tile_cells`, or all at once where that is one part.
///
/// # Shapes
/// `[batch, channels, rows, columns]` → `[batch, 3, scale · rows, scale · columns]`, as `decode` says
pub fn decoded(
    latents: Tensor<4>,
    tile_cells: Option<usize>,
    scale: usize,
    decode: impl Fn(Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    match tile_cells {
        Some(side) if is_larger(&latents, side) => {
            let parts = Parts {
                side,
                step: side - side / OVERLAP,
                fade: scale * side / OVERLAP,
                kept: scale * side - scale * side / OVERLAP,
            };
            by_parts(&latents, &parts, decode)
        }
        _ => decode(latents),
    }
}

/// A picture to latents by parts of `tile_cells`, or all at once where that is one part.
///
/// # Shapes
/// `[batch, 3, height, width]` → `[batch, channels, height / scale, width / scale]`, as `encode` says
pub fn encoded(
    picture: Tensor<4>,
    tile_cells: Option<usize>,
    scale: usize,
    encode: impl Fn(Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    match tile_cells {
        Some(side) if is_larger(&picture, scale * side) => {
            let parts = Parts {
                side: scale * side,
                step: scale * side - scale * side / OVERLAP,
                fade: side / OVERLAP,
                kept: side - side / OVERLAP,
            };
            by_parts(&picture, &parts, encode)
        }
        _ => encode(picture),
    }
}

fn by_parts(x: &Tensor<4>, parts: &Parts, compute: impl Fn(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let ranges = |length: usize| {
        let starts = (0..length).step_by(parts.step);
        starts.map(move |start| start..length.min(start + parts.side))
    };
    let mut above: Vec<Tensor<4>> = Vec::new();
    let mut rows = Vec::new();
    for row in ranges(height) {
        let mut here: Vec<Tensor<4>> = Vec::new();
        let mut kept = Vec::new();
        for (column, range) in ranges(width).enumerate() {
            let mut part = compute(cut(x, row.clone(), range));
            heartbeat::beat();
            if let Some(above) = above.get(column) {
                part = faded(above, part, 2, parts.fade);
            }
            if let Some(left) = here.last() {
                part = faded(left, part, 3, parts.fade);
            }
            let [_, _, height, width] = part.dims();
            kept.push(cut(
                &part,
                0..height.min(parts.kept),
                0..width.min(parts.kept),
            ));
            here.push(part);
        }
        rows.push(Tensor::cat(kept, 3));
        above = here;
    }
    Tensor::cat(rows, 2)
}

fn cut(x: &Tensor<4>, rows: Range<usize>, columns: Range<usize>) -> Tensor<4> {
    x.clone()
        .narrow(2, rows.start, rows.len())
        .narrow(3, columns.start, columns.len())
}

/// `part` with its beginning along an axis faded out of the end of `before`.
fn faded(before: &Tensor<4>, part: Tensor<4>, axis: usize, fade: usize) -> Tensor<4> {
    let (n_before, n_part) = (before.dims()[axis], part.dims()[axis]);
    let n = fade.min(n_before).min(n_part);
    let shares = (0..n).map(|k| k as f32 / n as f32).collect::<Vec<_>>();
    let mut shape = [1; 4];
    shape[axis] = n;
    let device = part.device();
    let shares = Tensor::<4>::from_data(TensorData::new(shares, shape), (&device, part.dtype()));
    let end = before.clone().narrow(axis, n_before - n, n);
    let start = part.clone().narrow(axis, 0, n);
    let start = end.clone() + (start - end) * shares;
    match n_part - n {
        0 => start,
        rest => Tensor::cat(vec![start, part.narrow(axis, n, rest)], axis),
    }
}
