//! Runs of a project that Limn would not have written.

use uuid::Uuid;

use super::super::super::outline::{Outline, Plane};
use super::super::super::steps::PlaneRecord;
use super::super::super::stored_runs::{ContentRecord, PatchRecord, ResultRecord, RunRecord};
use super::super::super::tiles::TileIndex;
use super::super::super::versions::VersionId;
use super::super::*;
use super::Answer::{Damaged, Opens};
use super::cases::Cases;
use super::maker::*;

const RUN: Uuid = Uuid::from_u128(7);

fn run(n: usize, facts: &str) -> Record {
    Record::Run(RunRecord {
        run: Uuid::from_u128(n as u128),
        facts: facts.to_owned(),
        asked: None,
    })
}

fn asked(outline: Outline, plane: Plane, tiles: Vec<Shown>) -> Record {
    let tiles = tiles.into_iter();
    let tiles = tiles.map(|(index, id)| (index, id.map(VersionId)));
    Record::Run(RunRecord {
        run: RUN,
        facts: "{}".to_owned(),
        asked: Some(ContentRecord {
            outline,
            planes: vec![PlaneRecord {
                plane,
                tiles: tiles.collect(),
            }],
        }),
    })
}

fn result(index: u32, pixels: Vec<(TileIndex, u32)>, mask: Vec<(TileIndex, u32)>) -> Record {
    let named = |tiles: Vec<(TileIndex, u32)>| {
        let tiles = tiles.into_iter();
        tiles.map(|(index, id)| (index, VersionId(id))).collect()
    };
    Record::Result(ResultRecord {
        run: RUN,
        index,
        facts: "{}".to_owned(),
        patch: Some(PatchRecord {
            pixels: named(pixels),
            mask: named(mask),
        }),
    })
}

#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub fn runs() -> Cases {
    let one = || Maker::new().tiles(1, &mask_tile());
    let known = || Maker::new().record(&run(7, "{}")).tiles(1, &mask_tile());
    let masked = |tiles| asked(Outline::default(), Plane::Mask, tiles);
    let long = "x".repeat(1 << 20);
    let many: Vec<Shown> = (0..4096).map(|n| (nth(n), Some(0))).collect();
    let patch: Vec<_> = (0..4096).map(|n| (nth(n), 0)).collect();
    vec![
        (
            "facts that are none",
            Maker::new().record(&run(7, "\u{0}")).bytes,
            Opens,
        ),
        (
            "facts without end",
            Maker::new().record(&run(7, &long)).bytes,
            Damaged,
        ),
        (
            "a result of no run",
            Maker::new()
                .record(&result(0, Vec::new(), Vec::new()))
                .bytes,
            Opens,
        ),
        (
            "a result far out",
            Maker::new()
                .record(&result(u32::MAX, Vec::new(), Vec::new()))
                .bytes,
            Damaged,
        ),
        (
            "an asked tile that is not there",
            Maker::new().record(&masked(vec![(nth(0), Some(0))])).bytes,
            Damaged,
        ),
        (
            "an asked tile of nothing",
            one().record(&masked(vec![(nth(0), None)])).bytes,
            Opens,
        ),
        (
            "an asked tile twice",
            one()
                .record(&masked(vec![(nth(0), Some(0)), (nth(0), Some(0))]))
                .bytes,
            Opens,
        ),
        (
            "an asked tile far up",
            one()
                .record(&masked(vec![(at(0, i32::MIN), Some(0))]))
                .bytes,
            Opens,
        ),
        (
            "an asked layout that is none",
            Maker::new()
                .record(&asked(
                    outline_of(|content| content.layers[0].opacity = f32::NAN),
                    Plane::Mask,
                    Vec::new(),
                ))
                .bytes,
            Damaged,
        ),
        (
            "an asked layer that is not there",
            one()
                .record(&asked(
                    Outline::default(),
                    Plane::Pixels(layers(1).layers[0].id),
                    Vec::new(),
                ))
                .bytes,
            Opens,
        ),
        (
            "a patch of masks",
            known()
                .record(&result(0, vec![(nth(0), 0)], Vec::new()))
                .bytes,
            Opens,
        ),
        (
            "a patch far right",
            known()
                .record(&result(0, Vec::new(), vec![(at(i32::MAX, 0), 0)]))
                .bytes,
            Opens,
        ),
        (
            "a patch that does not unpack",
            Maker::new()
                .record(&run(7, "{}"))
                .false_tile(super::super::super::tiles::TileKind::Mask, 5_000)
                .record(&result(0, Vec::new(), vec![(nth(0), 0)]))
                .bytes,
            Opens,
        ),
        (
            "runs without end",
            Maker::new().times(60_000, |n| vec![run(n, "{}")]).bytes,
            Opens,
        ),
        (
            "runs about much",
            one()
                .times(600, |n| {
                    let Record::Run(about) = masked(many.clone()) else {
                        return Vec::new();
                    };
                    vec![Record::Run(RunRecord {
                        run: Uuid::from_u128(n as u128),
                        ..about
                    })]
                })
                .bytes,
            Opens,
        ),
        (
            "one result again and again",
            known()
                .times(600, |_| vec![result(0, Vec::new(), patch.clone())])
                .bytes,
            Opens,
        ),
        (
            "results of a million pixels each",
            Maker::new()
                .record(&run(7, "{}"))
                .tiles(4096, &colour_tile())
                .times(64, |n| {
                    let pixels = (0..4096).map(|tile| (nth(tile), tile as u32)).collect();
                    vec![result(n as u32, pixels, Vec::new())]
                })
                .bytes,
            Opens,
        ),
    ]
}
