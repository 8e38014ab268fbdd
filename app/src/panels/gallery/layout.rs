//! Where each picture of a list stands in a grid, without looking at any picture: rows of square tiles in
//! sections, each with a heading or none.
//!
//! Heights are f64: 100,000 large tiles are 20 million points high, where f32 counts in steps of two.

use std::ops::Range;

use crate::command::Step;

/// A run of pictures under one heading, by their places in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub pictures: Range<usize>,
}

/// What a grid looks like, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GridShape {
    pub width: f32,
    /// The least side of a tile; tiles grow to fill the rows.
    pub wanted_side: f32,
    pub gap: f32,
    /// The height of headings; zero for none.
    pub heading: f32,
}

/// The whole grid. Y counts from its top, X from its left edge.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GridLayout {
    sections: Vec<Section>,
    /// Where each section begins, its heading first.
    tops: Vec<f64>,
    n_columns: usize,
    side: f32,
    gap: f32,
    heading: f32,
    height: f64,
    n_pictures: usize,
}

impl GridLayout {
    /// `sections` follow each other and hold all pictures of the list.
    pub fn new(sections: Vec<Section>, shape: GridShape) -> Self {
        let width = shape.width.max(1.0);
        let wanted = shape.wanted_side.clamp(1.0, width);
        let n_columns = ((width + shape.gap) / (wanted + shape.gap))
            .floor()
            .max(1.0);
        let side = ((width - shape.gap * (n_columns - 1.0)) / n_columns).max(1.0);
        let mut layout = Self {
            n_pictures: sections.last().map_or(0, |section| section.pictures.end),
            n_columns: n_columns as usize,
            side,
            gap: shape.gap,
            heading: shape.heading,
            tops: Vec::with_capacity(sections.len()),
            sections,
            height: 0.0,
        };
        let mut top = 0.0;
        for section in &layout.sections {
            layout.tops.push(top);
            let n_rows = section.pictures.len().div_ceil(layout.n_columns);
            top += f64::from(layout.heading) + n_rows as f64 * layout.pitch();
        }
        // No gap below the last row.
        layout.height = (top - f64::from(layout.gap)).max(0.0);
        layout
    }

    pub fn height(&self) -> f64 {
        self.height
    }

    pub fn side(&self) -> f32 {
        self.side
    }

    #[cfg(test)]
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    pub fn n_pictures(&self) -> usize {
        self.n_pictures
    }

    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// From one row to the next.
    fn pitch(&self) -> f64 {
        f64::from(self.side + self.gap)
    }

    /// Left and top edge of a picture's tile.
    pub fn place(&self, index: usize) -> (f32, f64) {
        let Some(section) = self.section_of(index) else {
            return (0.0, self.height);
        };
        let within = index - self.sections[section].pictures.start;
        let (row, column) = (within / self.n_columns, within % self.n_columns);
        let top = self.tops[section] + f64::from(self.heading) + row as f64 * self.pitch();
        (column as f32 * (self.side + self.gap), top)
    }

    /// The section that a picture is in.
    pub fn section_of(&self, index: usize) -> Option<usize> {
        if index >= self.n_pictures {
            return None;
        }
        let after = |section: &Section| section.pictures.start <= index;
        Some(self.sections.partition_point(after).saturating_sub(1))
    }

    /// The section at a height: the one whose heading or pictures are there.
    pub fn section_at(&self, y: f64) -> Option<usize> {
        let n_before = self.tops.partition_point(|top| *top <= y);
        (!self.sections.is_empty()).then(|| n_before.saturating_sub(1))
    }

    pub fn section_top(&self, section: usize) -> f64 {
        self.tops.get(section).copied().unwrap_or(self.height)
    }

    /// The pictures of the rows that lie between two heights, whole or in part.
    pub fn between(&self, top: f64, bottom: f64) -> Range<usize> {
        let first = self.first_in_rows(top, true);
        let end = self.first_in_rows(bottom, false);
        first..end.max(first)
    }

    /// The first picture of the first row that ends below `y`; or, else, that begins at `y` or below.
    fn first_in_rows(&self, y: f64, by_end: bool) -> usize {
        let Some(section) = self.section_at(y) else {
            return 0;
        };
        let pictures = &self.sections[section].pictures;
        let rows_top = self.tops[section] + f64::from(self.heading);
        let row = if by_end {
            // The gap belongs to the row above it, in which nothing is to be seen.
            ((y - rows_top + f64::from(self.gap)) / self.pitch()).floor()
        } else {
            ((y - rows_top) / self.pitch()).ceil()
        };
        let n_before = row.max(0.0) as usize * self.n_columns;
        (pictures.start + n_before).min(pictures.end)
    }

    /// The pictures whose tiles a rectangle touches, as ranges of the list, in order.
    pub fn touched(&self, x: Range<f32>, y: Range<f64>) -> Vec<Range<usize>> {
        let pitch = self.side + self.gap;
        let left = ((x.start + self.gap) / pitch).floor().max(0.0) as usize;
        let right = ((x.end / pitch).ceil().max(0.0) as usize).min(self.n_columns);
        if left >= right {
            return Vec::new();
        }
        let all = self.between(y.start, y.end);
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut index = all.start;
        while index < all.end {
            let Some(section) = self.section_of(index) else {
                break;
            };
            let pictures = &self.sections[section].pictures;
            let row_start = index - (index - pictures.start) % self.n_columns;
            let row_end = (row_start + self.n_columns).min(pictures.end);
            let touched = (row_start + left).min(row_end)..(row_start + right).min(row_end);
            match ranges.last_mut() {
                Some(last) if last.end == touched.start => last.end = touched.end,
                _ if touched.is_empty() => {}
                _ => ranges.push(touched),
            }
            index = row_end;
        }
        ranges
    }

    /// Where the cursor goes from a picture. `page` is the height of the view.
    pub fn step(&self, from: usize, step: Step, page: f64) -> usize {
        let last = self.n_pictures.saturating_sub(1);
        let from = from.min(last);
        let rows = ((page / self.pitch()).floor() as usize).max(1);
        match step {
            Step::First => 0,
            Step::Last => last,
            Step::Left => from.saturating_sub(1),
            Step::Right => (from + 1).min(last),
            Step::Up => self.rows_up(from, 1),
            Step::Down => self.rows_down(from, 1),
            Step::PageUp => self.rows_up(from, rows),
            Step::PageDown => self.rows_down(from, rows),
        }
    }

    /// The picture in the same column, or the last one of a row that is shorter.
    fn rows_up(&self, from: usize, n_rows: usize) -> usize {
        let (mut index, mut left) = (from, n_rows);
        let column = self.column_of(from);
        while left > 0 {
            let Some(section) = self.section_of(index) else {
                return index;
            };
            let start = self.sections[section].pictures.start;
            let row = (index - start) / self.n_columns;
            if row >= left {
                return start + (row - left) * self.n_columns + column;
            }
            if section == 0 {
                return start + column.min(self.sections[0].pictures.len() - 1);
            }
            // To the last row of the section before.
            let before = &self.sections[section - 1].pictures;
            let last_row = (before.len() - 1) / self.n_columns * self.n_columns;
            index = (before.start + last_row + column).min(before.end - 1);
            left -= row + 1;
        }
        index
    }

    fn rows_down(&self, from: usize, n_rows: usize) -> usize {
        let (mut index, mut left) = (from, n_rows);
        let column = self.column_of(from);
        while left > 0 {
            let Some(section) = self.section_of(index) else {
                return index;
            };
            let pictures = &self.sections[section].pictures;
            let row = (index - pictures.start) / self.n_columns;
            let last_row = (pictures.len() - 1) / self.n_columns;
            if row + left <= last_row {
                let index = pictures.start + (row + left) * self.n_columns + column;
                return index.min(pictures.end - 1);
            }
            let Some(next) = self.sections.get(section + 1) else {
                let index = pictures.start + last_row * self.n_columns + column;
                return index.min(pictures.end - 1);
            };
            index = (next.pictures.start + column).min(next.pictures.end - 1);
            left -= last_row - row + 1;
        }
        index
    }

    fn column_of(&self, index: usize) -> usize {
        self.section_of(index).map_or(0, |section| {
            (index - self.sections[section].pictures.start) % self.n_columns
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, clippy::single_range_in_vec_init)]
    use super::*;

    /// 4 columns of 100 points and gaps of 10.
    fn layout(lengths: &[usize], heading: f32) -> GridLayout {
        let mut start = 0;
        let sections = lengths.iter().map(|length| {
            let pictures = start..start + length;
            start = pictures.end;
            Section { pictures }
        });
        let shape = GridShape {
            width: 430.0,
            wanted_side: 90.0,
            gap: 10.0,
            heading,
        };
        GridLayout::new(sections.collect(), shape)
    }

    #[test]
    fn tiles_fill_their_rows() {
        let cases = [
            // Width, wanted side, columns, side.
            (430.0, 90.0, 4, 100.0),
            (430.0, 100.0, 4, 100.0),
            (430.0, 101.0, 3, 136.666),
            (50.0, 100.0, 1, 50.0),
            (0.0, 100.0, 1, 1.0),
        ];
        for (width, wanted_side, n_columns, side) in cases {
            let pictures = 0..10;
            let shape = GridShape {
                width,
                wanted_side,
                gap: 10.0,
                heading: 0.0,
            };
            let layout = GridLayout::new(vec![Section { pictures }], shape);
            assert_eq!(layout.n_columns(), n_columns, "{width} {wanted_side}");
            assert!((layout.side() - side).abs() < 0.01, "{width} {wanted_side}");
        }
    }

    #[test]
    fn heights_are_exact_at_ten_and_at_a_hundred_thousand() {
        assert_eq!(layout(&[], 0.0).height(), 0.0);
        assert_eq!(layout(&[10], 0.0).height(), 3.0 * 110.0 - 10.0);
        assert_eq!(layout(&[100_000], 0.0).height(), 25_000.0 * 110.0 - 10.0);
        let (x, y) = layout(&[100_000], 0.0).place(99_999);
        assert_eq!((x, y), (330.0, 24_999.0 * 110.0));
        // Two sections: a heading each, the last row of the first has room.
        assert_eq!(layout(&[5, 4], 30.0).height(), 60.0 + 3.0 * 110.0 - 10.0);
        assert_eq!(layout(&[5, 4], 30.0).place(5), (0.0, 30.0 + 220.0 + 30.0));
    }

    #[test]
    fn what_is_in_view_is_found_without_looking_at_the_rest() {
        let plain = layout(&[100_000], 0.0);
        let cases = [
            (0.0, 1.0, 0..4),
            (0.0, 110.0, 0..4),
            (0.0, 110.5, 0..8),
            // The gap below the first row shows nothing of it.
            (100.0, 200.0, 4..8),
            (99.0, 200.0, 0..8),
            (1_099_999.0, 1_100_100.0, 40_000..40_004),
            (2_749_980.0, 9e9, 99_996..100_000),
        ];
        for (top, bottom, expected) in cases {
            assert_eq!(plain.between(top, bottom), expected, "{top}..{bottom}");
        }
        let grouped = layout(&[5, 4], 30.0);
        assert_eq!(grouped.between(0.0, 20.0), 0..0, "only a heading");
        assert_eq!(grouped.between(150.0, 400.0), 4..9);
        assert_eq!(grouped.between(252.0, 270.0), 5..5, "only a heading");
        assert_eq!(layout(&[], 0.0).between(0.0, 100.0), 0..0);
    }

    #[test]
    fn a_rubber_band_takes_what_it_touches() {
        let grouped = layout(&[5, 4], 30.0);
        let cases = [
            (0.0..430.0, 0.0..500.0, vec![0..9]),
            // The second and third column.
            (150.0..250.0, 0.0..500.0, vec![1..3, 6..8]),
            // A gap between columns touches none.
            (101.0..109.0, 0.0..500.0, vec![]),
            (0.0..50.0, 145.0..145.0, vec![4..5]),
            (0.0..50.0, 0.0..20.0, vec![]),
        ];
        for (x, y, expected) in cases {
            assert_eq!(
                grouped.touched(x.clone(), y.clone()),
                expected,
                "{x:?} {y:?}"
            );
        }
    }

    #[test]
    fn the_cursor_moves_as_the_eye_expects() {
        // Rows: 0 1 2 3 | 4 ‖ 5 6 7 8 | 9 10 ‖ 11
        let grouped = layout(&[5, 6, 1], 30.0);
        let page = 250.0;
        let cases = [
            (0, Step::Left, 0),
            (3, Step::Right, 4),
            (11, Step::Right, 11),
            (3, Step::Down, 4),
            (4, Step::Down, 5),
            (6, Step::Down, 10),
            (7, Step::Down, 10),
            (10, Step::Down, 11),
            (11, Step::Down, 11),
            (11, Step::Up, 9),
            (8, Step::Up, 4),
            (5, Step::Up, 4),
            (4, Step::Up, 0),
            (2, Step::Up, 2),
            (0, Step::PageDown, 5),
            (11, Step::PageUp, 5),
            (1, Step::PageUp, 1),
            (3, Step::First, 0),
            (3, Step::Last, 11),
        ];
        for (from, step, expected) in cases {
            assert_eq!(grouped.step(from, step, page), expected, "{from} {step:?}");
        }
        assert_eq!(layout(&[], 0.0).step(0, Step::Down, page), 0);
    }
}
