//! An edit's mask on latent cells: which of them hold what they had, and when.

/// How much each pixel of the picture at work may change, 0 to 1, row by row.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChangeMap<'a> {
    pub change: &'a [f32],
    /// Pixels.
    pub width: usize,
    /// Pixels along one side of a latent cell.
    pub scale: usize,
}

/// Of every latent cell, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum LatentMask {
    /// For a decoder that was trained to repaint: 1 where a cell is kept throughout, else 0.
    Hard(Vec<f32>),
    /// For an ordinary decoder: how much a cell may change, 0 to 1. Differential diffusion, Levin and Fried 2023.
    Soft(Vec<f32>),
}

impl LatentMask {
    /// As `KandinskyV22InpaintPipeline` prepares it: one pixel decides for its cell, and what is repainted is grown.
    pub fn hard(map: ChangeMap) -> Self {
        const LEAST_CHANGE: f32 = 0.5;
        let mut is_kept: Vec<bool> = map
            .cells()
            .map(|mut cell| cell.next().is_none_or(|change| change < LEAST_CHANGE))
            .collect();
        if is_kept.iter().all(|kept| *kept) {
            // The reference loses a mask that lies between the pixels it looks at. Any touched cell will do.
            is_kept = map
                .cells()
                .map(|mut cell| cell.all(|change| change <= 0.0))
                .collect();
        }
        let is_kept = repainted_grown(&is_kept, map.n_columns());
        Self::Hard(is_kept.into_iter().map(f32::from).collect())
    }

    /// A cell may change as much as any of its pixels: no mask is too small to change something.
    pub fn soft(map: ChangeMap) -> Self {
        Self::Soft(map.cells().map(|cell| cell.fold(0.0, f32::max)).collect())
    }

    /// After step `index` of `n_steps`: 1 for a cell that holds the picture, 0 for one that is the model's.
    ///
    /// A soft cell is the model's from when as many steps are left as its share of change.
    pub fn kept_after(&self, index: usize, n_steps: usize) -> Vec<f32> {
        match self {
            Self::Hard(kept) => kept.clone(),
            Self::Soft(change) => {
                let n_left = (n_steps - index - 1) as f32;
                let is_kept = |change: &f32| *change <= 0.0 || change * (n_steps as f32) < n_left;
                change
                    .iter()
                    .map(|change| f32::from(is_kept(change)))
                    .collect()
            }
        }
    }
}

impl<'a> ChangeMap<'a> {
    fn n_columns(self) -> usize {
        self.width / self.scale
    }

    /// The pixels of each cell, the top left one first.
    fn cells(self) -> impl Iterator<Item = impl Iterator<Item = f32> + 'a> + 'a {
        let Self {
            change,
            width,
            scale,
        } = self;
        let n_rows = change.len() / width / scale;
        (0..n_rows).flat_map(move |row| {
            (0..self.n_columns()).map(move |column| {
                (0..scale).flat_map(move |y| {
                    let start = (row * scale + y) * width + column * scale;
                    change[start..start + scale].iter().copied()
                })
            })
        })
    }
}

/// Grows what is repainted by one cell in six of eight directions, as the reference does: not up right, not down left.
fn repainted_grown(is_kept: &[bool], n_columns: usize) -> Vec<bool> {
    const NEIGHBOURS: [(isize, isize); 7] =
        [(0, 0), (-1, 0), (0, -1), (-1, -1), (1, 0), (0, 1), (1, 1)];
    let n_rows = is_kept.len() / n_columns;
    let kept_at = |row: usize, column: usize, (rows, columns): (isize, isize)| {
        let row = row.checked_add_signed(rows).filter(|row| *row < n_rows);
        let column = column
            .checked_add_signed(columns)
            .filter(|column| *column < n_columns);
        match (row, column) {
            (Some(row), Some(column)) => is_kept[row * n_columns + column],
            _ => true,
        }
    };
    // The six directions are three and their opposites: whom a cell grows into is whom it is grown from.
    (0..is_kept.len())
        .map(|cell| {
            let (row, column) = (cell / n_columns, cell % n_columns);
            NEIGHBOURS
                .into_iter()
                .all(|offset| kept_at(row, column, offset))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map of `.` (keep), `+` (half) and `#` (change), with cells of two pixels a side.
    fn with_map<T>(rows: &[&str], check: impl FnOnce(ChangeMap) -> T) -> T {
        let change: Vec<f32> = rows
            .concat()
            .chars()
            .map(|pixel| match pixel {
                '#' => 1.0,
                '+' => 0.4,
                _ => 0.0,
            })
            .collect();
        check(ChangeMap {
            change: &change,
            width: rows[0].len(),
            scale: 2,
        })
    }

    fn drawn(kept: &[f32], n_columns: usize) -> Vec<String> {
        let letter = |kept: &f32| if *kept > 0.0 { '.' } else { '#' };
        kept.chunks(n_columns)
            .map(|row| row.iter().map(letter).collect())
            .collect()
    }

    #[test]
    fn a_hard_mask_grows_in_six_directions() {
        for (rows, expected) in [
            (
                [
                    "........", "........", "........", "...#....", "....#...", "........",
                ],
                ["....", ".##.", ".###"],
            ),
            // At the edges nothing comes round on the other side.
            (
                [
                    "#.......", "........", "........", "........", "......##", "........",
                ],
                ["##..", "####", "..##"],
            ),
            // Between the pixels that the reference looks at: the touched cell counts.
            (
                [
                    "........", ".+......", "........", "........", "........", "........",
                ],
                ["##..", "##..", "...."],
            ),
            (["........"; 6], ["...."; 3]),
            (["########"; 6], ["####"; 3]),
        ] {
            let mask = with_map(&rows, LatentMask::hard);
            assert_eq!(drawn(&mask.kept_after(0, 1), 4), expected, "{rows:?}");
        }
    }

    #[test]
    fn a_soft_cell_is_free_for_its_share_of_the_steps() {
        let mask = with_map(&["#..+....", "........"], LatentMask::soft);
        assert_eq!(mask, LatentMask::Soft(vec![1.0, 0.4, 0.0, 0.0]));
        let n_steps = 5;
        let drawn: Vec<String> = (0..n_steps)
            .map(|index| drawn(&mask.kept_after(index, n_steps), 4).concat())
            .collect();
        // Two fifths of five steps start without the picture: the fourth and the fifth.
        assert_eq!(drawn, ["#...", "#...", "##..", "##..", "##.."]);
    }
}
