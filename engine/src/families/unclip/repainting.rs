//! What a decoder that was trained to repaint takes of a mask.

use crate::model::ChangeMap;

/// As `KandinskyV22InpaintPipeline` prepares it: one pixel decides for its cell, and what is repainted is grown.
pub(super) fn kept_cells(map: ChangeMap) -> Vec<f32> {
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
    is_kept.into_iter().map(f32::from).collect()
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
            let kept = with_map(&rows, kept_cells);
            assert_eq!(drawn(&kept, 4), expected, "{rows:?}");
        }
    }
}
