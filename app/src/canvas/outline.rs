//! The edge of a mask as lines: marching squares (Lorensen and Cline 1987, in the plane) over one tile,
//! and their dashes on the screen.

use std::collections::{HashMap, HashSet};

use egui::{Pos2, Rect, pos2};

use super::tile_maker::BORDERED_SIDE;
use crate::document::tiles::TILE_SIDE;

/// Half covered is the edge.
const EDGE: f32 = 127.5;
/// How far a line may lie off the contour, in the level's pixels.
const TOLERANCE: f32 = 0.05;
/// Specks have no outline: a mask by colour on a photograph has thousands of them.
const MIN_POINTS: usize = 6;
/// What one tile may cost; the shortest lines go first.
const MAX_POINTS_PER_TILE: usize = 3000;

/// A line through points of a tile, from its top left corner, in the level's pixels. Closed where the last
/// point is the first.
pub type Outline = Vec<Pos2>;

/// The contour in one tile, from its samples with one more around it.
///
/// # Shapes
/// `samples`: `[BORDERED_SIDE * BORDERED_SIDE]`, row by row.
pub fn trace(samples: &[u8]) -> Vec<Outline> {
    let is_inside = |value: &u8| f32::from(*value) > EDGE;
    let n_inside = samples.iter().filter(|value| is_inside(value)).count();
    if n_inside == 0 || n_inside == samples.len() {
        return Vec::new();
    }
    let mut outlines: Vec<Outline> = chains(&segments(samples))
        .into_iter()
        .filter(|chain| chain.len() >= MIN_POINTS)
        .map(|chain| {
            let points: Vec<Pos2> = chain.iter().map(|edge| edge.crossing(samples)).collect();
            simplified(&points)
        })
        .collect();
    outlines.sort_by_key(|outline| std::cmp::Reverse(outline.len()));
    let mut n_points = 0;
    outlines.retain(|outline| {
        n_points += outline.len();
        n_points <= MAX_POINTS_PER_TILE
    });
    outlines
}

/// Between two samples that are neighbours: (`x`, `y`) and the one to its right, or below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Edge {
    y: u16,
    x: u16,
    is_upright: bool,
}

impl Edge {
    /// Where the contour crosses it; samples stand in the middle of their pixels.
    fn crossing(self, samples: &[u8]) -> Pos2 {
        let (x, y) = (self.x as usize, self.y as usize);
        let step = if self.is_upright { BORDERED_SIDE } else { 1 };
        // The border's first sample is half a pixel outside the tile.
        let at = (y + 1) * BORDERED_SIDE + x + 1;
        let (first, second) = (f32::from(samples[at]), f32::from(samples[at + step]));
        let part = (EDGE - first) / (second - first);
        let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
        if self.is_upright {
            pos2(x, y + part)
        } else {
            pos2(x + part, y)
        }
    }
}

/// Parts of the contour, each through one square of four samples, with the inside to the left.
fn segments(samples: &[u8]) -> HashMap<Edge, Edge> {
    let mut segments = HashMap::new();
    for y in 0..TILE_SIDE as u16 {
        let upper = &samples[(y as usize + 1) * BORDERED_SIDE + 1..][..=TILE_SIDE as usize];
        let lower = &samples[(y as usize + 2) * BORDERED_SIDE + 1..][..=TILE_SIDE as usize];
        let pairs = upper.windows(2).zip(lower.windows(2));
        for (x, (upper, lower)) in pairs.enumerate() {
            let inside = [upper[0], upper[1], lower[1], lower[0]].map(|value| value >= 128);
            if inside == [inside[0]; 4] {
                continue;
            }
            let x = x as u16;
            let top = Edge {
                y,
                x,
                is_upright: false,
            };
            let bottom = Edge { y: y + 1, ..top };
            let left = Edge {
                is_upright: true,
                ..top
            };
            let right = Edge { x: x + 1, ..left };
            for (from, to) in crossings(inside, [top, right, bottom, left]) {
                segments.insert(from, to);
            }
        }
    }
    segments
}

/// Corners clockwise from the top left; edges clockwise from the top.
fn crossings(
    inside: [bool; 4],
    [top, right, bottom, left]: [Edge; 4],
) -> impl Iterator<Item = (Edge, Edge)> {
    let (first, second) = match inside.map(u8::from) {
        [1, 0, 0, 0] => ((left, top), None),
        [0, 1, 0, 0] => ((top, right), None),
        [0, 0, 1, 0] => ((right, bottom), None),
        [0, 0, 0, 1] => ((bottom, left), None),
        [1, 1, 0, 0] => ((left, right), None),
        [0, 1, 1, 0] => ((top, bottom), None),
        [0, 0, 1, 1] => ((right, left), None),
        [1, 0, 0, 1] => ((bottom, top), None),
        [1, 1, 1, 0] => ((left, bottom), None),
        [1, 1, 0, 1] => ((bottom, right), None),
        [1, 0, 1, 1] => ((right, top), None),
        [0, 1, 1, 1] => ((top, left), None),
        // Two corners that only touch stay apart.
        [1, 0, 1, 0] => ((left, top), Some((right, bottom))),
        [0, 1, 0, 1] => ((top, right), Some((bottom, left))),
        _ => return None.into_iter().chain(None),
    };
    Some(first).into_iter().chain(second)
}

/// Segments end to end: first what runs over the tile's border, then what is closed.
fn chains(segments: &HashMap<Edge, Edge>) -> Vec<Vec<Edge>> {
    let ends: HashSet<Edge> = segments.values().copied().collect();
    let mut starts: Vec<Edge> = segments.keys().copied().collect();
    starts.sort_unstable_by_key(|start| (ends.contains(start), *start));
    let mut is_walked = HashSet::new();
    let mut chains = Vec::new();
    for start in starts {
        if is_walked.contains(&start) {
            continue;
        }
        let mut chain = vec![start];
        let mut edge = start;
        while is_walked.insert(edge)
            && let Some(next) = segments.get(&edge)
        {
            chain.push(*next);
            edge = *next;
        }
        chains.push(chain);
    }
    chains
}

/// Without the points that lie on the line anyway: Douglas and Peucker 1973.
fn simplified(points: &[Pos2]) -> Outline {
    let mut keeps = vec![false; points.len()];
    keeps[0] = true;
    keeps[points.len() - 1] = true;
    // A closed line has no direction from its first to its last point: it is cut in its middle.
    let middle = points.len() / 2;
    keeps[middle] = true;
    let mut spans = vec![(0, middle), (middle, points.len() - 1)];
    while let Some((first, last)) = spans.pop() {
        let along = points[last] - points[first];
        let normal = along.normalized().rot90();
        let distance = |i: usize| {
            if along.length_sq() < 1e-6 {
                points[i].distance(points[first])
            } else {
                (points[i] - points[first]).dot(normal).abs()
            }
        };
        let farthest =
            (first + 1..last).max_by(|a, b| f32::total_cmp(&distance(*a), &distance(*b)));
        if let Some(farthest) = farthest.filter(|i| distance(*i) > TOLERANCE) {
            keeps[farthest] = true;
            spans.extend([(first, farthest), (farthest, last)]);
        }
    }
    let kept = points.iter().zip(keeps).filter(|(_, keeps)| *keeps);
    kept.map(|(point, _)| *point).collect()
}

/// Calls `draw` with every dash of a line that can be seen, corners included.
pub fn dashes(
    line: &[Pos2],
    visible: Rect,
    [dash, gap]: [f32; 2],
    mut draw: impl FnMut(Vec<Pos2>),
) {
    let period = dash + gap;
    // How far into the present dash and gap the line is.
    let mut phase = 0.0;
    let mut open: Vec<Pos2> = Vec::new();
    for ends in line.windows(2) {
        let (from, to) = (ends[0], ends[1]);
        let length = from.distance(to);
        if !visible.intersects(Rect::from_two_pos(from, to)) {
            if open.len() > 1 {
                draw(std::mem::take(&mut open));
            }
            open.clear();
            phase = (phase + length) % period;
            continue;
        }
        let mut walked = 0.0;
        while walked < length {
            let is_dash = phase < dash;
            let step = (if is_dash { dash } else { period } - phase).min(length - walked);
            if is_dash && open.is_empty() {
                open.push(from.lerp(to, walked / length));
            }
            walked += step;
            phase += step;
            if is_dash {
                open.push(from.lerp(to, walked / length));
            }
            if is_dash && phase >= dash - 1e-3 {
                draw(std::mem::take(&mut open));
                phase = phase.max(dash);
            }
            if phase >= period - 1e-3 {
                phase = 0.0;
            }
        }
    }
    if open.len() > 1 {
        draw(open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(value: impl Fn(i32, i32) -> u8) -> Vec<u8> {
        let side = TILE_SIDE as i32;
        (-1..=side)
            .flat_map(|y| (-1..=side).map(move |x| (x, y)))
            .map(|(x, y)| value(x, y))
            .collect()
    }

    #[test]
    fn a_disc_has_one_closed_outline_at_its_radius() {
        let disc = samples(|x, y| {
            let (dx, dy) = (x as f32 + 0.5 - 128.0, y as f32 + 0.5 - 120.0);
            ((60.5 - dx.hypot(dy)).clamp(0.0, 1.0) * 255.0) as u8
        });
        let outlines = trace(&disc);
        assert_eq!(outlines.len(), 1);
        let outline = &outlines[0];
        assert_eq!(outline.first(), outline.last());
        for point in outline {
            let radius = point.distance(pos2(128.0, 120.0));
            assert!((radius - 60.0).abs() < 0.2, "{point}: {radius}");
        }
        // Far fewer points than the squares that the contour crosses, which are about 480.
        assert!(outline.len() < 240, "{}", outline.len());
    }

    #[test]
    fn a_mask_over_the_border_is_open_there_and_meets_its_neighbour() {
        // The right half, from column 100 on.
        let outlines = trace(&samples(|x, _| if x >= 100 { 255 } else { 0 }));
        assert_eq!(outlines.len(), 1);
        let mut ends = [outlines[0][0], outlines[0][outlines[0].len() - 1]];
        ends.sort_by(|a, b| a.y.total_cmp(&b.y));
        // From the middle of its first row to that of the next tile's first row.
        assert!((ends[0] - pos2(100.0, 0.5)).length() < 1e-3, "{ends:?}");
        assert!((ends[1] - pos2(100.0, 256.5)).length() < 1e-3, "{ends:?}");
    }

    #[test]
    fn specks_and_even_masks_have_no_outline_and_holes_have_one() {
        for (name, mask, n_outlines) in [
            ("nothing", samples(|_, _| 0), 0),
            ("all", samples(|_, _| 255), 0),
            (
                "a pixel",
                samples(|x, y| if (x, y) == (9, 9) { 255 } else { 0 }),
                0,
            ),
            (
                "a square with a square hole",
                samples(|x, y| {
                    let is_in =
                        |from: i32, to: i32| (from..to).contains(&x) && (from..to).contains(&y);
                    if is_in(20, 90) && !is_in(40, 60) {
                        255
                    } else {
                        0
                    }
                }),
                2,
            ),
        ] {
            assert_eq!(trace(&mask).len(), n_outlines, "{name}");
        }
    }

    #[test]
    fn a_tile_of_noise_is_bounded() {
        let noise = samples(|x, y| {
            let mixed = (x as u32).wrapping_mul(0x9e37_79b9) ^ (y as u32).wrapping_mul(0x85eb_ca6b);
            (mixed.wrapping_mul(0xc2b2_ae35) >> 24) as u8
        });
        let n_points: usize = trace(&noise).iter().map(Vec::len).sum();
        assert!(n_points <= MAX_POINTS_PER_TILE, "{n_points}");
    }

    #[test]
    fn dashes_go_round_corners_and_keep_their_rhythm_past_what_is_not_seen() {
        let line = [pos2(0.0, 0.0), pos2(7.0, 0.0), pos2(7.0, 9.0)];
        let everything = Rect::EVERYTHING;
        let mut found = Vec::new();
        dashes(&line, everything, [5.0, 5.0], |dash| found.push(dash));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], [pos2(0.0, 0.0), pos2(5.0, 0.0)]);
        assert!((found[1][0] - pos2(7.0, 3.0)).length() < 1e-3);
        assert!((found[1][1] - pos2(7.0, 8.0)).length() < 1e-3);
        let mut round_a_corner = Vec::new();
        dashes(&line, everything, [9.0, 1.0], |dash| {
            round_a_corner.push(dash);
        });
        assert_eq!(
            round_a_corner[0],
            [pos2(0.0, 0.0), pos2(7.0, 0.0), pos2(7.0, 2.0)]
        );
        let below = Rect::from_min_max(pos2(-1.0, 1.0), pos2(20.0, 20.0));
        let mut seen = Vec::new();
        dashes(&line[1..], below, [5.0, 5.0], |dash| seen.push(dash));
        let mut all = Vec::new();
        dashes(&line[1..], everything, [5.0, 5.0], |dash| all.push(dash));
        assert_eq!(seen, all);
    }
}
