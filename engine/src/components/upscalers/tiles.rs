//! A picture through a network part by part, without seams.
//!
//! Along each axis all tiles are equally long and overlap by at least twice the margin. In the middle of each overlap
//! one tile gives way to the next, over [`Tiling::BLEND_PX`]: there both have seen all that lies within the margin.

use crate::{Result, image::RgbPicture};

/// How a picture is laid out in tiles. Lengths are in pixels of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tiling {
    /// Pixels of the result for each of the source, along one side.
    pub scale: usize,
    /// Width and height that no tile is above.
    pub longest_px: [usize; 2],
    /// A tile's sides are whole multiples of it; of a smaller picture the edges are mirrored to make one.
    pub multiple: [usize; 2],
    /// Tiles begin at whole multiples of it.
    pub start_multiple: usize,
    /// What a tile sees round what it writes.
    pub margin_px: usize,
}

/// One tile along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: usize,
    /// It begins to show here, and shows alone from `whole` on.
    shows: usize,
    whole: usize,
    /// Nothing of it is written from here on: the tile behind it is whole.
    end: usize,
}

impl Tiling {
    /// Over which one tile gives way to the next.
    pub const BLEND_PX: usize = 16;

    /// How many there are for a picture.
    pub fn n_tiles(&self, size: (u32, u32)) -> u32 {
        let [columns, rows] = self.axes(size);
        (columns.1.len() * rows.1.len()) as u32
    }

    /// The tiles of a picture, in the order in which [`in_tiles`] takes them.
    pub(crate) fn cut(&self, picture: &RgbPicture) -> Vec<RgbPicture> {
        let axes = self.axes((picture.width, picture.height));
        let size = [0, 1].map(|axis| axes[axis].0);
        places(&axes)
            .map(|[column, row]| cut(picture, [column.start, row.start], size))
            .collect()
    }

    /// Across and down: how long tiles are, and where they lie.
    fn axes(&self, (width, height): (u32, u32)) -> [(usize, Vec<Span>); 2] {
        let size = [width as usize, height as usize];
        [0, 1].map(|axis| self.spans(size[axis], axis))
    }

    fn spans(&self, n_pixels: usize, axis: usize) -> (usize, Vec<Span>) {
        let multiple = self.multiple[axis];
        let longest = (self.longest_px[axis] / multiple * multiple).max(multiple);
        if n_pixels <= longest {
            let length = n_pixels.next_multiple_of(multiple);
            return (length, Span::all(&[0], length));
        }
        let shared = 2 * self.margin_px.max(Self::BLEND_PX / 2);
        // What one tile does not share with the next, were its start not rounded.
        let rounding = self.start_multiple - 1;
        let own = longest.saturating_sub(shared + rounding).max(1);
        let rest = n_pixels.saturating_sub(shared);
        let n_tiles = rest.div_ceil(own).max(2);
        let length = rest.div_ceil(n_tiles) + shared + rounding;
        let length = length.next_multiple_of(multiple).min(longest);
        let last_start = n_pixels
            .saturating_sub(length)
            .next_multiple_of(self.start_multiple);
        let starts: Vec<usize> = (0..n_tiles)
            .map(|i| last_start * i / (n_tiles - 1) / self.start_multiple * self.start_multiple)
            .collect();
        (length, Span::all(&starts, length))
    }
}

impl Span {
    /// Tiles of `length` at `starts`, each of which gives way to the next in the middle of what they share.
    fn all(starts: &[usize], length: usize) -> Vec<Self> {
        let mut spans: Vec<Self> = Vec::with_capacity(starts.len());
        for &start in starts {
            let (mut shows, mut whole) = (start, start);
            if let Some(previous) = spans.last_mut() {
                let shared = previous.end - start;
                let blend = shared.min(Tiling::BLEND_PX);
                shows = start + (shared - blend) / 2;
                whole = shows + blend;
                previous.end = whole;
            }
            spans.push(Self {
                start,
                shows,
                whole,
                end: start + length,
            });
        }
        spans
    }

    /// How much of this tile shows at each of its pixels of the result, from 0 to 1, as far as it is written.
    fn shares(&self, scale: usize) -> Vec<f32> {
        let [hidden, blended, alone] = [
            self.shows - self.start,
            self.whole - self.shows,
            self.end - self.whole,
        ]
        .map(|n_pixels| n_pixels * scale);
        let ramp = (0..blended).map(|i| (i as f32 + 0.5) / blended as f32);
        std::iter::repeat_n(0.0, hidden)
            .chain(ramp)
            .chain(std::iter::repeat_n(1.0, alone))
            .collect()
    }
}

/// Lets `enlarge` make every tile of `picture` larger, and joins what it gives.
///
/// # Shapes: of what `enlarge` gives `[1, 3, scale · height, scale · width]` in −1..1, row by row
///
/// # Errors
/// What `enlarge` returns; [`crate::Error::NotANumber`].
pub fn in_tiles(
    picture: &RgbPicture,
    tiling: &Tiling,
    mut enlarge: impl FnMut(RgbPicture) -> Result<Vec<f32>>,
) -> Result<RgbPicture> {
    let scale = tiling.scale;
    let axes = tiling.axes((picture.width, picture.height));
    let [width, height] = [0, 1].map(|axis| axes[axis].0);
    let mut joined = Planes::new(
        picture.width as usize * scale,
        picture.height as usize * scale,
    );
    for [column, row] in places(&axes) {
        let tile = cut(picture, [column.start, row.start], [width, height]);
        let larger = Planes {
            width: width * scale,
            height: height * scale,
            values: enlarge(tile)?,
        };
        let corner = [column.start * scale, row.start * scale];
        joined.lay(&larger, corner, [&column.shares(scale), &row.shares(scale)]);
    }
    RgbPicture::from_planes(&joined.values, joined.width, joined.height)
}

/// Columns and rows of tiles, row by row.
fn places(axes: &[(usize, Vec<Span>); 2]) -> impl Iterator<Item = [Span; 2]> {
    let [(_, columns), (_, rows)] = axes;
    rows.iter()
        .flat_map(move |row| columns.iter().map(move |column| [*column, *row]))
}

/// A part of the picture. Past the right and lower edge it is mirrored.
fn cut(picture: &RgbPicture, [left, top]: [usize; 2], [width, height]: [usize; 2]) -> RgbPicture {
    let (n_columns, n_rows) = (picture.width as usize, picture.height as usize);
    let mut rgb = Vec::with_capacity(3 * width * height);
    for y in top..top + height {
        let row = &picture.rgb[3 * n_columns * mirrored(y, n_rows)..];
        for x in left..left + width {
            let x = 3 * mirrored(x, n_columns);
            rgb.extend_from_slice(&row[x..x + 3]);
        }
    }
    RgbPicture {
        width: width as u32,
        height: height as u32,
        rgb,
    }
}

/// Without repeating the edge itself, as PyTorch's `reflect`.
fn mirrored(i: usize, n: usize) -> usize {
    let period = (2 * n).saturating_sub(2).max(1);
    let i = i % period;
    if i < n { i } else { period - i }
}

/// Red, green and blue, each row by row.
struct Planes {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Planes {
    fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            values: vec![0.0; 3 * width * height],
        }
    }

    /// Lays `above` over this, as much of it as the shares of its columns and rows say.
    fn lay(&mut self, above: &Self, [left, top]: [usize; 2], [across, down]: [&[f32]; 2]) {
        let n_columns = across.len().min(self.width - left);
        let n_rows = down.len().min(self.height - top);
        for plane in 0..3 {
            for (y, share_of_row) in down[..n_rows].iter().enumerate() {
                let from = (plane * above.height + y) * above.width;
                let to = (plane * self.height + top + y) * self.width + left;
                let from = &above.values[from..from + n_columns];
                let to = &mut self.values[to..to + n_columns];
                for ((to, from), share) in to.iter_mut().zip(from).zip(across) {
                    *to += share_of_row * share * (from - *to);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiling(longest: usize, multiple: usize, margin_px: usize) -> Tiling {
        Tiling {
            scale: 1,
            longest_px: [longest; 2],
            multiple: [multiple; 2],
            start_multiple: multiple,
            margin_px,
        }
    }

    /// Whatever the sizes: all is covered, and where a tile shows it has seen the margin round it.
    #[test]
    fn tiles_cover_the_picture_and_see_round_what_they_show() {
        let margin_px = 20;
        let seen = margin_px - Tiling::BLEND_PX / 2;
        for (longest, multiple) in [(64, 1), (100, 1), (64, 4), (70, 2)] {
            let tiling = tiling(longest, multiple, margin_px);
            for n_pixels in 1..400 {
                let (length, spans) = tiling.spans(n_pixels, 0);
                assert!(length <= longest && length.is_multiple_of(multiple));
                assert_eq!((spans[0].start, spans[0].whole), (0, 0));
                assert!(spans[spans.len() - 1].end >= n_pixels, "{n_pixels}");
                for pair in spans.windows(2) {
                    let [before, next] = [pair[0], pair[1]];
                    assert_eq!(before.end, next.whole, "{n_pixels}");
                    assert!(next.start.is_multiple_of(multiple));
                    assert!(next.shows >= next.start + seen, "{n_pixels} {pair:?}");
                    assert!(
                        next.whole + seen <= before.start + length,
                        "{n_pixels} {pair:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn edges_are_mirrored_without_repeating_the_last_pixel() {
        let row = |n| (0..7).map(|i| mirrored(i, n)).collect::<Vec<_>>();
        assert_eq!(row(4), [0, 1, 2, 3, 2, 1, 0]);
        assert_eq!(row(2), [0, 1, 0, 1, 0, 1, 0]);
        assert_eq!(row(1), [0; 7]);
    }
}
