//! What the model finds in the holes of a picture.

use super::{masks::box_blur, settings::Fill};
use crate::{image::RgbPicture, noise::Generator};

const MIDDLE_GREY: u8 = 128;
/// Deviation of [`Fill::Noise`], in bytes.
const GRAIN: f32 = 64.0;
/// Continued edges are blurred into each other over this part of the longer side.
const SOFTEN_STREAKS: usize = 32;

/// How much of each pixel is to be filled.
pub(super) struct Holes<'a> {
    /// 255 where it is all hole.
    pub amount: &'a [u8],
    /// Whether pixels are missing, as at the edges of a picture that has grown, rather than masked.
    pub is_new_ground: bool,
}

/// Fills the holes; all else stays as it is.
pub(super) fn fill(picture: &mut RgbPicture, holes: &Holes, how: Fill, seed: u64) {
    if holes.amount.iter().all(|&amount| amount == 0) {
        return;
    }
    let filled = match (how, mean_of_known(picture, holes)) {
        (Fill::Neutral, _) | (_, None) => vec![MIDDLE_GREY; picture.rgb.len()],
        (Fill::Noise, Some(mean)) => grain(picture.rgb.len(), mean, seed),
        (Fill::Keep | Fill::Blur, Some(mean)) => surroundings(picture, holes, mean),
    };
    let pixels = picture.rgb.chunks_exact_mut(3).zip(filled.chunks_exact(3));
    for ((pixel, filled), &amount) in pixels.zip(holes.amount) {
        let amount = u32::from(amount);
        for (value, &filled) in pixel.iter_mut().zip(filled) {
            let sum = u32::from(*value) * (255 - amount) + u32::from(filled) * amount;
            *value = ((sum + 127) / 255) as u8;
        }
    }
}

/// Gives pixels that are transparent all through the colours around them; all else stays as it is.
pub fn colour_transparent(picture: &mut RgbPicture, alpha: &[u8]) {
    let amount: Vec<u8> = alpha
        .iter()
        .map(|&alpha| if alpha == 0 { 255 } else { 0 })
        .collect();
    let holes = Holes {
        amount: &amount,
        is_new_ground: true,
    };
    // The seed is the grain's, and there is none.
    fill(picture, &holes, Fill::Blur, 0);
}

/// `None` where the picture is all holes.
fn mean_of_known(picture: &RgbPicture, holes: &Holes) -> Option<[u8; 3]> {
    let mut sums = [0u64; 3];
    let mut n_known = 0;
    for (pixel, _) in picture
        .rgb
        .chunks_exact(3)
        .zip(holes.amount)
        .filter(|(_, hole)| **hole == 0)
    {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(value);
        }
        n_known += 1;
    }
    (n_known > 0).then(|| sums.map(|sum| ((sum + n_known / 2) / n_known) as u8))
}

fn grain(n_values: usize, mean: [u8; 3], seed: u64) -> Vec<u8> {
    let noise = Generator::new(seed).randn(n_values);
    let values = noise.iter().zip(mean.iter().cycle());
    values
        .map(|(noise, &mean)| (f32::from(mean) + GRAIN * noise).round() as u8)
        .collect()
}

/// The colours around, blurred into the holes from coarse to fine, so that they meet what is known smoothly.
///
/// A blur alone would make one mist of a wide new edge; there the rows and columns go on first.
fn surroundings(picture: &RgbPicture, holes: &Holes, mean: [u8; 3]) -> Vec<u8> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let mut filled = picture.rgb.clone();
    for (pixel, _) in filled
        .chunks_exact_mut(3)
        .zip(holes.amount)
        .filter(|(_, hole)| **hole > 0)
    {
        pixel.copy_from_slice(&mean);
    }
    let longest = width.max(height);
    let mut radius = longest / 2;
    if holes.is_new_ground {
        let mut is_known: Vec<bool> = holes.amount.iter().map(|&hole| hole == 0).collect();
        // The second time corners go on from what was continued.
        for _ in 0..2 {
            continue_edges(&mut filled, width, &mut is_known);
        }
        radius = longest / SOFTEN_STREAKS;
    }
    while radius > 0 {
        let mut blurred = filled.clone();
        box_blur::<3>(&mut blurred, width, radius);
        let pixels = filled.chunks_exact_mut(3).zip(blurred.chunks_exact(3));
        for ((pixel, blurred), _) in pixels.zip(holes.amount).filter(|(_, hole)| **hole > 0) {
            pixel.copy_from_slice(blurred);
        }
        radius /= 2;
    }
    filled
}

/// Unknown pixels take the nearest known one of their row and of their column, the nearer weighing more.
fn continue_edges(rgb: &mut [u8], width: usize, is_known: &mut [bool]) {
    let height = is_known.len() / width;
    let in_row = nearest_known(is_known, height, width, |row, i| row * width + i);
    let in_column = nearest_known(is_known, width, height, |column, i| i * width + column);
    for i in 0..is_known.len() {
        if is_known[i] {
            continue;
        }
        let (x, y) = (i % width, i / width);
        let along = in_row[i].map(|column| (y * width + column, column.abs_diff(x)));
        let across = in_column[i].map(|row| (row * width + x, row.abs_diff(y)));
        let mut sum = [0.0; 3];
        let mut weight = 0.0;
        for (source, distance) in along.into_iter().chain(across) {
            let nearness = (distance as f32).powi(-2);
            weight += nearness;
            for (sum, &value) in sum.iter_mut().zip(&rgb[3 * source..]) {
                *sum += nearness * f32::from(value);
            }
        }
        if weight > 0.0 {
            let colour = sum.map(|sum: f32| (sum / weight).round() as u8);
            rgb[3 * i..3 * i + 3].copy_from_slice(&colour);
        }
    }
    for (known, (along, across)) in is_known.iter_mut().zip(in_row.iter().zip(&in_column)) {
        *known |= along.is_some() || across.is_some();
    }
}

/// For each pixel the place on its line of the nearest known one; `index` gives a pixel's index by line and place.
fn nearest_known(
    is_known: &[bool],
    n_lines: usize,
    length: usize,
    index: impl Fn(usize, usize) -> usize,
) -> Vec<Option<usize>> {
    let mut nearest = vec![None; is_known.len()];
    for line in 0..n_lines {
        let mut before = None;
        for place in 0..length {
            if is_known[index(line, place)] {
                before = Some(place);
            }
            nearest[index(line, place)] = before;
        }
        let mut after = None;
        for place in (0..length).rev() {
            if is_known[index(line, place)] {
                after = Some(place);
            }
            let nearest = &mut nearest[index(line, place)];
            if let Some(after) = after
                && nearest.is_none_or(|before| after - place < place - before)
            {
                *nearest = Some(after);
            }
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 48;

    /// A horizon: blue above green, darker to the right.
    fn scene() -> RgbPicture {
        let pixel = |x: usize, y: usize| {
            let shade = (x * 2) as u8;
            if y < SIDE / 2 {
                [60, 120, 250 - shade]
            } else {
                [40, 200 - shade, 60]
            }
        };
        RgbPicture {
            width: SIDE as u32,
            height: SIDE as u32,
            rgb: (0..SIDE * SIDE)
                .flat_map(|i| pixel(i % SIDE, i / SIDE))
                .collect(),
        }
    }

    fn filled(amount: &[u8], is_new_ground: bool, how: Fill) -> RgbPicture {
        let mut picture = scene();
        // What was in the hole must not show.
        for (pixel, _) in picture
            .rgb
            .chunks_exact_mut(3)
            .zip(amount)
            .filter(|(_, hole)| **hole > 0)
        {
            pixel.copy_from_slice(&[255, 0, 255]);
        }
        let holes = Holes {
            amount,
            is_new_ground,
        };
        fill(&mut picture, &holes, how, 7);
        picture
    }

    fn square() -> Vec<u8> {
        let inside = |i: usize| (16..32).contains(&(i % SIDE)) && (6..18).contains(&(i / SIDE));
        (0..SIDE * SIDE)
            .map(|i| if inside(i) { 255 } else { 0 })
            .collect()
    }

    fn pixel(picture: &RgbPicture, x: usize, y: usize) -> [u8; 3] {
        picture.rgb.as_chunks::<3>().0[y * SIDE + x]
    }

    #[test]
    fn only_holes_are_filled() {
        let holes = square();
        for how in [Fill::Keep, Fill::Blur, Fill::Neutral, Fill::Noise] {
            let filled = filled(&holes, false, how);
            for (i, (before, after)) in scene().rgb.iter().zip(&filled.rgb).enumerate() {
                assert!(holes[i / 3] > 0 || before == after, "{how:?} at {i}");
            }
        }
    }

    #[test]
    fn a_blur_meets_its_surroundings() {
        let filled = filled(&square(), false, Fill::Blur);
        // Within a small hole of sky: sky, without a step at its edges.
        for x in 15..32 {
            for y in [6, 12] {
                let (one, next) = (pixel(&filled, x, y), pixel(&filled, x + 1, y));
                for (a, b) in one.into_iter().zip(next) {
                    assert!(a.abs_diff(b) < 16, "{x} {y}: {one:?} {next:?}");
                }
                let [red, _, blue] = one;
                assert!(red < 90 && blue > 130, "{x} {y}: {one:?}");
            }
        }
    }

    #[test]
    fn new_ground_goes_on_as_the_picture_ends() {
        // The right third, and the whole of the top.
        let holes: Vec<u8> = (0..SIDE * SIDE)
            .map(|i| {
                if i % SIDE >= 32 || i / SIDE < 8 {
                    255
                } else {
                    0
                }
            })
            .collect();
        let filled = filled(&holes, true, Fill::Blur);
        for x in 32..SIDE {
            let [_, green, blue] = pixel(&filled, x, 14);
            assert!(blue > green, "sky at {x}");
            let [_, green, blue] = pixel(&filled, x, 34);
            assert!(green > blue, "grass at {x}");
        }
        let [red, green, blue] = pixel(&filled, 47, 0);
        assert!(red < 100 && green < 160 && blue > 140, "sky in the corner");
    }

    #[test]
    fn grey_and_grain() {
        let holes = square();
        let grey = filled(&holes, false, Fill::Neutral);
        assert_eq!(pixel(&grey, 20, 10), [128; 3]);
        let grain = filled(&holes, false, Fill::Noise);
        assert_ne!(pixel(&grain, 20, 10), pixel(&grain, 21, 10));
        assert_eq!(grain, filled(&holes, false, Fill::Noise), "the same seed");
    }

    #[test]
    fn all_holes_are_grey_and_no_holes_are_nothing() {
        for how in [Fill::Keep, Fill::Blur, Fill::Neutral, Fill::Noise] {
            let all = filled(&[255; SIDE * SIDE], true, how);
            assert!(all.rgb.iter().all(|&value| value == 128), "{how:?}");
            assert_eq!(filled(&[0; SIDE * SIDE], false, how), scene());
        }
    }

    #[test]
    fn a_half_transparent_pixel_is_half_filled() {
        let mut holes = vec![0; SIDE * SIDE];
        holes[0] = 128;
        let [red, _, blue] = pixel(&filled(&holes, true, Fill::Neutral), 0, 0);
        assert_eq!([red, blue], [191, 191]);
    }
}
