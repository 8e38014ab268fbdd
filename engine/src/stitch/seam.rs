//! The border between what was drawn and what stays: the drawn side is brought to the colours of the other.

use rayon::prelude::*;

use super::{crop::Crop, extend::Extension, masks::Mask, plan::EditPlan};

/// The correction falls off over this part of the drawn area's depth, and over no less than [`LEAST_FALL_OFF_PX`].
const FALL_OFF: f32 = 1.0 / 2.0;
const LEAST_FALL_OFF_PX: f32 = 32.0;
/// Larger contexts are corrected on a coarser grid: the model drew them at fewer pixels in any case.
const MOST_NODES: usize = 1 << 22;
/// Relaxation after a start from the next coarser grid, and on the coarsest.
const N_SWEEPS: usize = 24;
const N_SWEEPS_AT_COARSEST: usize = 200;
const COARSEST_SIDE: usize = 8;
/// A step of so many of 255 is not seen, and scaling makes it where nothing was changed.
const UNSEEN: f32 = 1.0;
/// Undamped, a Jacobi sweep keeps chequered errors for ever.
const DAMPING: f32 = 0.8;

/// Shifts what was drawn so that it meets the untouched pixels round it without a step.
///
/// The shift is what is missing along the border, carried inward by the screened Laplace equation
/// `Δu = u / fall_off²`: as Poisson image editing (Pérez et al. 2003), but what is far from the border keeps the
/// colours that it was drawn in. Fine differences fade within pixels, broad ones over the fall-off.
///
/// `rgb` is of [`EditPlan::context`]; what `coverage` says is not shown is left alone.
pub(super) fn match_border(rgb: &mut [u8], crop: &Crop, plan: &EditPlan, coverage: &Mask) {
    let border = Border {
        rgb: rgb.as_chunks().0,
        rgba: crop.rgba.as_chunks().0,
        plan,
        coverage,
    };
    let Some((mut grid, fall_off_px)) = border.grid() else {
        return;
    };
    let mut spacing_px = 1;
    while grid.nodes.len() > MOST_NODES {
        grid = grid.halved();
        spacing_px *= 2;
    }
    grid.solve(spacing_px as f32 / fall_off_px);
    let (width, is_drawn) = (coverage.width, border.is_drawn());
    let rows = rgb.as_chunks_mut::<3>().0.par_chunks_mut(width).enumerate();
    rows.for_each(|(y, row)| {
        for (x, pixel) in row.iter_mut().enumerate() {
            if is_drawn[y * width + x] {
                let shift = grid.at(x, y, spacing_px);
                for (value, shift) in pixel.iter_mut().zip(shift) {
                    *value = (f32::from(*value) + shift).round() as u8;
                }
            }
        }
    });
    if let Some(extension) = &plan.extension {
        mirror_into_blend(rgb, plan, extension, coverage);
    }
}

/// What is drawn beside what stays.
struct Border<'a> {
    rgb: &'a [[u8; 3]],
    rgba: &'a [[u8; 4]],
    plan: &'a EditPlan,
    coverage: &'a Mask,
}

impl Border<'_> {
    /// Whether a pixel shows what was drawn. Beyond a picture's edges only what is new counts.
    fn is_drawn(&self) -> Vec<bool> {
        let context = self.plan.context;
        let width = self.coverage.width;
        let covered = self.coverage.values.iter().enumerate();
        covered
            .map(|(i, &coverage)| {
                let was_there = self.plan.extension.is_some_and(|extension| {
                    let (x, y) = (
                        context.x + (i % width) as i32,
                        context.y + (i / width) as i32,
                    );
                    extension.original.contains(x, y)
                });
                coverage > 0 && !was_there
            })
            .collect()
    }

    /// The equation to solve, and the fall-off. `None` where nothing drawn touches anything that stays.
    fn grid(&self) -> Option<(Grid, f32)> {
        let is_drawn = self.is_drawn();
        let width = self.coverage.width;
        let mut nodes = vec![Node::Outside; is_drawn.len()];
        let (mut n_drawn, mut n_fixed) = (0usize, 0usize);
        for (i, node) in nodes.iter_mut().enumerate() {
            if !is_drawn[i] {
                continue;
            }
            n_drawn += 1;
            *node = match self.mean_kept_beside(i, &is_drawn) {
                Some(kept) => {
                    n_fixed += 1;
                    Node::Fixed([0, 1, 2].map(|channel| {
                        let missing = kept[channel] - f32::from(self.rgb[i][channel]);
                        missing.signum() * (missing.abs() - UNSEEN).max(0.0)
                    }))
                }
                None => Node::Free([0.0; 3]),
            };
        }
        if n_fixed == 0 {
            return None;
        }
        let depth_px = n_drawn as f32 / n_fixed as f32;
        Some((
            Grid { width, nodes },
            (FALL_OFF * depth_px).max(LEAST_FALL_OFF_PX),
        ))
    }

    /// Of the opaque pixels that stay and share a side with this one.
    fn mean_kept_beside(&self, i: usize, is_drawn: &[bool]) -> Option<[f32; 3]> {
        let mut sum = [0.0; 3];
        let mut n = 0.0;
        let kept = beside(i, self.coverage.width, is_drawn.len());
        for kept in kept.filter(|&i| !is_drawn[i] && self.rgba[i][3] == 255) {
            for (sum, &value) in sum.iter_mut().zip(&self.rgba[kept]) {
                *sum += f32::from(value);
            }
            n += 1.0;
        }
        (n > 0.0).then(|| sum.map(|sum: f32| sum / n))
    }
}

/// The pixels or nodes that share a side with one, of `n` in rows of `width`.
fn beside(i: usize, width: usize, n: usize) -> impl Iterator<Item = usize> {
    let x = i % width;
    let left = (x > 0).then(|| i - 1);
    let right = (x + 1 < width).then(|| i + 1);
    let below = (i + width < n).then(|| i + width);
    [left, right, i.checked_sub(width), below]
        .into_iter()
        .flatten()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Node {
    Outside,
    /// Beside what stays.
    Fixed([f32; 3]),
    Free([f32; 3]),
}

impl Node {
    fn value(self) -> Option<[f32; 3]> {
        match self {
            Self::Outside => None,
            Self::Fixed(value) | Self::Free(value) => Some(value),
        }
    }
}

struct Grid {
    width: usize,
    nodes: Vec<Node>,
}

impl Grid {
    /// One node for each four. A border stays one.
    fn halved(&self) -> Self {
        let height = self.nodes.len() / self.width;
        let width = self.width.div_ceil(2);
        let nodes = (0..width * height.div_ceil(2)).into_par_iter().map(|i| {
            let (x, y) = (2 * (i % width), 2 * (i / width));
            let mut sum = [0.0; 3];
            let (mut n_fixed, mut is_free) = (0.0, false);
            for (x, y) in [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)] {
                if x >= self.width || y >= height {
                    continue;
                }
                match self.nodes[y * self.width + x] {
                    Node::Outside => {}
                    Node::Free(_) => is_free = true,
                    Node::Fixed(value) => {
                        n_fixed += 1.0;
                        sum = [0, 1, 2].map(|channel| sum[channel] + value[channel]);
                    }
                }
            }
            if n_fixed > 0.0 {
                Node::Fixed(sum.map(|sum: f32| sum / n_fixed))
            } else if is_free {
                Node::Free([0.0; 3])
            } else {
                Node::Outside
            }
        });
        Self {
            width,
            nodes: nodes.collect(),
        }
    }

    /// From coarse to fine (cascadic multigrid, Bornemann and Deuflhard 1996). `spacing` is in fall-offs.
    fn solve(&mut self, spacing: f32) {
        let height = self.nodes.len() / self.width;
        let n_sweeps = if self.width.min(height) > COARSEST_SIDE {
            let mut coarse = self.halved();
            coarse.solve(2.0 * spacing);
            let width = self.width;
            for (i, node) in self.nodes.iter_mut().enumerate() {
                if let Node::Free(value) = node {
                    *value = coarse.at(i % width, i / width, 2);
                }
            }
            N_SWEEPS
        } else {
            N_SWEEPS_AT_COARSEST
        };
        for _ in 0..n_sweeps {
            self.relax(spacing);
        }
    }

    /// One damped Jacobi sweep.
    fn relax(&mut self, spacing: f32) {
        let before = &self.nodes;
        let relaxed =
            before.par_iter().enumerate().map(|(i, &node)| {
                let Node::Free(value) = node else {
                    return node;
                };
                let mut sum = [0.0; 3];
                let mut weight = spacing * spacing;
                let values = beside(i, self.width, before.len()).filter_map(|i| before[i].value());
                for value in values {
                    sum = [0, 1, 2].map(|channel| sum[channel] + value[channel]);
                    weight += 1.0;
                }
                Node::Free([0, 1, 2].map(|channel| {
                    value[channel] + DAMPING * (sum[channel] / weight - value[channel])
                }))
            });
        self.nodes = relaxed.collect();
    }

    /// At a pixel of a grid that is `finer` times as fine.
    fn at(&self, x: usize, y: usize, finer: usize) -> [f32; 3] {
        let node = self.nodes[y / finer * self.width + x / finer];
        node.value().unwrap_or_default()
    }
}

/// Where what is new may blend into the original, the patch goes on as the mirror of the new side: what the model
/// drew there is its own idea of the original.
fn mirror_into_blend(rgb: &mut [u8], plan: &EditPlan, extension: &Extension, coverage: &Mask) {
    let (context, original, kept) = (plan.context, extension.original, extension.kept);
    let strip = original.intersect(&context);
    let pixels = rgb.as_chunks_mut::<3>().0;
    let index =
        |x: i32, y: i32| (y - context.y) as usize * coverage.width + (x - context.x) as usize;
    let mirrored = |at: i32, kept: (i32, i32), original: (i32, i32)| {
        if at < kept.0 {
            2 * original.0 - 1 - at
        } else if at >= kept.1 {
            2 * original.1 - 1 - at
        } else {
            at
        }
    };
    for y in strip.y..strip.bottom() {
        for x in strip.x..strip.right() {
            if coverage.values[index(x, y)] == 0 {
                continue;
            }
            let across = (kept.x, kept.right());
            let down = (kept.y, kept.bottom());
            let from_x = mirrored(x, across, (original.x, original.right()));
            let from_y = mirrored(y, down, (original.y, original.bottom()));
            if context.contains(from_x, from_y) && coverage.values[index(from_x, from_y)] > 0 {
                pixels[index(x, y)] = pixels[index(from_x, from_y)];
            }
        }
    }
}
