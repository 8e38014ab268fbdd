//! An edit's mask on latent cells: which of them hold what they had, and when.

use crate::model::ChangeMap;

/// Of every latent cell, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum LatentMask {
    /// For a denoiser that was trained to repaint: 1 where a cell is kept throughout, else 0.
    Hard(Vec<f32>),
    /// For an ordinary denoiser: how much a cell may change, 0 to 1. Differential diffusion, Levin and Fried 2023.
    Soft(Vec<f32>),
}

impl LatentMask {
    /// A cell may change as much as any of its pixels: no mask is too small to change something.
    pub fn soft(map: ChangeMap) -> Self {
        Self::Soft(map.cells().map(|cell| cell.fold(0.0, f32::max)).collect())
    }

    /// Whether any cell holds the picture at some time.
    pub fn holds_any(&self) -> bool {
        match self {
            Self::Hard(kept) => kept.iter().any(|kept| *kept != 0.0),
            Self::Soft(change) => change.iter().any(|change| *change < 1.0),
        }
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
