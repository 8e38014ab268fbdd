//! How thick the blots of a mask are: a soft edge much wider than what was painted would make discs of dots.

use super::masks::Mask;

/// Masked pixels that hang together, and others as thick.
pub(super) struct Blots {
    pub mask: Mask,
    /// In pixels; infinite where the mask fills all that is seen of it.
    pub thickness_px: f32,
}

/// No edge is as wide: thicker blots need not be told apart.
const FAR: u32 = u32::MAX / 8;
/// Chamfer distances of a step and of a diagonal one, in thirds of a pixel. Borgefors 1986.
const STEP: u32 = 3;
const DIAGONAL: u32 = 4;

/// Parts a mask by the thickness of its blots, as `steps` rounds it. What is beyond the mask's frame counts as
/// masked: the edge of a picture is no edge of the mask.
pub(super) fn by_thickness(mask: &Mask, steps: impl Fn(f32) -> f32) -> Vec<Blots> {
    let labels = labels(mask);
    let n_labels = labels.iter().max().map_or(0, |label| *label as usize + 1);
    let mut strongest = vec![0_u8; n_labels];
    for (&label, &value) in labels.iter().zip(&mask.values) {
        let strongest = &mut strongest[label as usize];
        *strongest = (*strongest).max(value);
    }
    // A soft brush counts up to where it is half as strong.
    let is_body = |label: u32, value: u8| {
        value > 0 && 2 * u32::from(value) >= u32::from(strongest[label as usize])
    };
    let mut distances: Vec<u32> = (labels.iter().zip(&mask.values))
        .map(|(&label, &value)| if is_body(label, value) { FAR } else { 0 })
        .collect();
    spread_distances(&mut distances, mask.width);
    let mut deepest = vec![0_u32; n_labels];
    for (&label, &distance) in labels.iter().zip(&distances) {
        let deepest = &mut deepest[label as usize];
        *deepest = (*deepest).max(distance);
    }
    let thickness = |deepest: u32| {
        if deepest >= FAR {
            f32::INFINITY
        } else {
            steps(2.0 * deepest as f32 / STEP as f32 - 1.0)
        }
    };
    let thicknesses: Vec<f32> = deepest.into_iter().map(thickness).collect();
    parted(mask, &labels, &thicknesses)
}

fn parted(mask: &Mask, labels: &[u32], thicknesses: &[f32]) -> Vec<Blots> {
    // The label 0 is that of what is not masked.
    let mut different: Vec<f32> = thicknesses.iter().skip(1).copied().collect();
    different.sort_by(f32::total_cmp);
    different.dedup();
    let of_thickness = |thickness_px: f32| {
        let is_so: Vec<bool> = thicknesses
            .iter()
            .map(|thickness| thickness.total_cmp(&thickness_px).is_eq())
            .collect();
        let pixels = labels.iter().zip(&mask.values);
        let values = pixels.map(
            |(&label, &value)| {
                if is_so[label as usize] { value } else { 0 }
            },
        );
        Blots {
            mask: Mask {
                width: mask.width,
                values: values.collect(),
            },
            thickness_px,
        }
    };
    different.into_iter().map(of_thickness).collect()
}

/// The number of each pixel's blot, from 1 on; 0 where nothing is masked. Corners that touch hang together.
fn labels(mask: &Mask) -> Vec<u32> {
    let width = mask.width;
    let mut labels = vec![0_u32; mask.values.len()];
    let mut parents = vec![0_u32];
    for i in 0..labels.len() {
        if mask.values[i] == 0 {
            continue;
        }
        let x = i % width;
        let (has_left, has_right) = (x > 0, x + 1 < width);
        let before = [
            (has_left, 1),
            (has_left, width + 1),
            (true, width),
            (has_right, width.wrapping_sub(1)),
        ];
        let mut label = 0;
        for (is_there, back) in before {
            let neighbour = i.checked_sub(back).filter(|_| is_there);
            let neighbour = neighbour.map_or(0, |neighbour| labels[neighbour]);
            if neighbour > 0 {
                label = joined(&mut parents, label, neighbour);
            }
        }
        if label == 0 {
            label = parents.len() as u32;
            parents.push(label);
        }
        labels[i] = label;
    }
    // Numbers without gaps.
    let mut numbers = vec![0; parents.len()];
    let mut n_numbers = 0;
    for label in 1..parents.len() as u32 {
        let root = root(&mut parents, label) as usize;
        if numbers[root] == 0 {
            n_numbers += 1;
            numbers[root] = n_numbers;
        }
        numbers[label as usize] = numbers[root];
    }
    for label in &mut labels {
        *label = numbers[*label as usize];
    }
    labels
}

fn root(parents: &mut [u32], label: u32) -> u32 {
    let mut root = label;
    while parents[root as usize] != root {
        parents[root as usize] = parents[parents[root as usize] as usize];
        root = parents[root as usize];
    }
    root
}

/// The label of both as one; 0 is no label.
fn joined(parents: &mut [u32], first: u32, second: u32) -> u32 {
    let second = root(parents, second);
    if first == 0 {
        return second;
    }
    let first = root(parents, first);
    let (lower, higher) = (first.min(second), first.max(second));
    parents[higher as usize] = lower;
    lower
}

/// From each pixel to the nearest that is 0, in two passes.
fn spread_distances(distances: &mut [u32], width: usize) {
    let n_pixels = distances.len();
    let mut lower = |i: usize, from: usize, by: u32| {
        distances[i] = distances[i].min(distances[from] + by);
    };
    for i in 0..n_pixels {
        let x = i % width;
        if x > 0 {
            lower(i, i - 1, STEP);
        }
        if i >= width {
            lower(i, i - width, STEP);
            if x > 0 {
                lower(i, i - width - 1, DIAGONAL);
            }
            if x + 1 < width {
                lower(i, i - width + 1, DIAGONAL);
            }
        }
    }
    for i in (0..n_pixels).rev() {
        let x = i % width;
        if x + 1 < width {
            lower(i, i + 1, STEP);
        }
        if i + width < n_pixels {
            lower(i, i + width, STEP);
            if x + 1 < width {
                lower(i, i + width + 1, DIAGONAL);
            }
            if x > 0 {
                lower(i, i + width - 1, DIAGONAL);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_rects(rects: &[(usize, usize, usize, usize, u8)]) -> Mask {
        let mut values = vec![0; 64 * 64];
        for &(x, y, width, height, value) in rects {
            for row in y..y + height {
                values[64 * row + x..64 * row + x + width].fill(value);
            }
        }
        Mask::new(64, values)
    }

    fn thicknesses(mask: &Mask) -> Vec<f32> {
        let blots = by_thickness(mask, f32::round);
        blots.iter().map(|blots| blots.thickness_px).collect()
    }

    #[test]
    fn a_blot_is_as_thick_as_it_is_narrow() {
        for (name, mask, expected) in [
            ("nothing", with_rects(&[]), vec![]),
            ("a pixel", with_rects(&[(9, 9, 1, 1, 255)]), vec![1.0]),
            ("a dot", with_rects(&[(9, 9, 5, 5, 255)]), vec![5.0]),
            ("a faint dot", with_rects(&[(9, 9, 5, 5, 12)]), vec![5.0]),
            ("a line", with_rects(&[(4, 9, 50, 3, 255)]), vec![3.0]),
            (
                "a soft brush",
                with_rects(&[(8, 8, 19, 19, 60), (14, 14, 7, 7, 255)]),
                vec![7.0],
            ),
            (
                "a dot beside a blot",
                with_rects(&[(2, 2, 31, 31, 255), (50, 50, 3, 3, 255)]),
                vec![3.0, 31.0],
            ),
            (
                "corners that touch",
                with_rects(&[(2, 2, 3, 3, 255), (5, 5, 9, 9, 255)]),
                vec![9.0],
            ),
            (
                "an arm that comes down to a blot",
                with_rects(&[
                    (40, 2, 1, 30, 255),
                    (10, 20, 15, 15, 255),
                    (20, 30, 21, 1, 255),
                ]),
                vec![15.0],
            ),
            (
                "half of the picture",
                with_rects(&[(0, 0, 64, 10, 255)]),
                vec![19.0],
            ),
            (
                "all of it",
                with_rects(&[(0, 0, 64, 64, 255)]),
                vec![f32::INFINITY],
            ),
        ] {
            assert_eq!(thicknesses(&mask), expected, "{name}");
        }
    }

    #[test]
    fn the_parts_are_the_mask() {
        let mask = with_rects(&[(2, 2, 31, 31, 255), (50, 50, 3, 3, 90), (40, 5, 3, 20, 255)]);
        let parts = by_thickness(&mask, f32::round);
        assert_eq!(parts.len(), 2);
        for (i, &value) in mask.values.iter().enumerate() {
            let sum: u32 = parts
                .iter()
                .map(|part| u32::from(part.mask.values[i]))
                .sum();
            assert_eq!(sum, u32::from(value), "{i}");
        }
    }
}
