//! Where pictures lie and which are shown.
#![allow(clippy::unwrap_used)]

use egui::{Pos2, Rect, pos2, vec2};

use super::compare::cells;
use super::plane::Plane;
use super::*;
use crate::session::{PictureId, RunId};

fn result(index: u32) -> PictureRef {
    let run = RunId(1);
    PictureRef::Result { run, index }
}

#[test]
fn two_to_four_different_pictures_can_be_compared() {
    for (indices, expected) in [
        (&[0][..], None),
        (&[0, 0], None),
        (&[0, 1, 0], Some(2)),
        (&[0, 1, 2, 3], Some(4)),
        (&[0, 1, 2, 3, 4], None),
    ] {
        let pictures: Vec<PictureRef> = indices.iter().copied().map(result).collect();
        let compared = Viewer::compare(&pictures).map(|viewer| viewer.pictures().len());
        assert_eq!(compared, expected, "{indices:?}");
    }
}

#[test]
fn cells_are_laid_out_so_that_pictures_are_largest() {
    let stage = Rect::from_min_size(pos2(0.0, 50.0), vec2(1200.0, 600.0));
    for (n, picture, columns) in [
        (1, vec2(512.0, 512.0), 1),
        (2, vec2(512.0, 512.0), 2),
        (2, vec2(1600.0, 300.0), 1),
        (3, vec2(512.0, 512.0), 3),
        (4, vec2(512.0, 512.0), 4),
        (4, vec2(768.0, 512.0), 2),
    ] {
        let cells = cells(stage, n, picture);
        assert_eq!(cells.len(), n);
        let in_first_row = cells
            .iter()
            .filter(|cell| cell.top() < stage.top() + 1.0)
            .count();
        assert_eq!(in_first_row, columns, "{n} of {picture}");
        for (index, cell) in cells.iter().enumerate() {
            assert!(stage.expand(0.1).contains_rect(*cell));
            assert!(
                cells[index + 1..]
                    .iter()
                    .all(|other| !cell.shrink(0.1).intersects(*other))
            );
        }
    }
}

#[test]
fn pictures_of_other_sizes_lie_over_the_first_one() {
    let plane = Plane {
        size: vec2(400.0, 200.0),
    };
    for (size, expected) in [
        (vec2(400.0, 200.0), plane.rect()),
        (vec2(1600.0, 800.0), plane.rect()),
        (
            vec2(50.0, 50.0),
            Rect::from_min_size(pos2(100.0, 0.0), vec2(200.0, 200.0)),
        ),
        (
            vec2(0.0, 0.0),
            Rect::from_min_size(pos2(100.0, 0.0), vec2(200.0, 200.0)),
        ),
    ] {
        assert_eq!(plane.place(size), expected, "{size}");
    }
    assert_eq!(plane.rect().min, Pos2::ZERO);
}

#[test]
fn a_picture_that_goes_away_leaves_the_others() {
    let mut viewer = Viewer::compare(&[result(0), result(1), result(2)]).unwrap();
    viewer.choose(2);
    assert_eq!(viewer.pair, [0, 2]);
    viewer.swap();
    assert_eq!(viewer.pair, [2, 0]);
    assert!(viewer.forget(result(0), None));
    assert_eq!(
        (viewer.pictures(), viewer.pair),
        (&[result(1), result(2)][..], [0, 1])
    );
    assert!(viewer.forget(result(1), None));
    assert_eq!(viewer.picture(), Some(result(2)));
    let next = PictureRef::Gallery(PictureId::new());
    assert!(viewer.forget(result(2), Some(next)));
    assert_eq!(viewer.picture(), Some(next));
    assert!(!viewer.forget(next, None));
}
