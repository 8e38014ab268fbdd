//! Files that were cut, damaged, or never were a project.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use limn_engine::PixelRect;

use super::super::content::Content;
use super::super::history::Document;
use super::super::id::DocumentId;
use super::super::layer::Layer;
use super::super::outline::{Outline, Plane};
use super::super::step::StepName;
use super::super::steps::{PlaneRecord, StepRecord};
use super::super::tiles::{AnyTile, TILE_SIDE, TileIndex, TileKind};
use super::super::versions::VersionId;
use super::record::TileHead;
use super::*;
use crate::files::RealFs;

pub(super) fn open(path: &Path) -> Result<Document> {
    let file = JournalFile::new(Arc::new(RealFs), path);
    let contents = read(&file)?;
    Document::from_file(DocumentId::new(), contents, file)
}

/// A small file, and what its document was at which length.
fn small_file(path: &Path) -> Vec<(usize, Content)> {
    let marker = Marker::new();
    let mut bytes = Encoder::new_file(marker).finish().bytes;
    let mut document = Document::new();
    let mut states = vec![(bytes.len(), document.content().clone())];
    let mut number = 0;
    for step in 0..6 {
        match step {
            0 => document.change(StepName::AddLayer, |content| {
                content.add_layer(Layer::sketch("a"));
                content.extend_frame(PixelRect::from_size(20, 10));
            }),
            3 => document.undo().is_some(),
            4 => document.redo().is_some(),
            _ => document.change(StepName::Brush, |content| {
                let rect = PixelRect::new(step, step, 3, 1);
                content.mask.write(rect, &[9, 8, 200]);
            }),
        };
        for entry in document.take_journal(|| JournalFile::new(Arc::new(RealFs), path)) {
            let mut encoder = Encoder::append(marker, number, bytes.len() as u64);
            encoder.tiles(&entry.tiles);
            encoder.record(&entry.record);
            let encoded = encoder.finish();
            number = encoded.next_number;
            bytes.extend(encoded.bytes);
        }
        states.push((bytes.len(), document.content().clone()));
    }
    std::fs::write(path, bytes).unwrap();
    states
}

#[test]
fn a_file_cut_at_any_byte_opens_to_the_last_good_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.limn");
    let states = small_file(&path);
    let bytes = std::fs::read(&path).unwrap();
    assert!((1_000..3_000).contains(&bytes.len()), "{}", bytes.len());
    let cut = folder.path().join("cut.limn");
    for n_bytes in 0..=bytes.len() {
        std::fs::write(&cut, &bytes[..n_bytes]).unwrap();
        let expected = states
            .iter()
            .rev()
            .find(|(n_needed, _)| *n_needed <= n_bytes);
        match (open(&cut), expected) {
            (Ok(document), Some((_, state))) => {
                assert!(document.content() == state, "cut at {n_bytes}");
            }
            (Err(Error::NotAProject { .. }), None) => assert!(n_bytes < HEADER_BYTES as usize),
            (Err(error), _) => panic!("cut at {n_bytes}: {error}"),
            (Ok(_), None) => panic!("cut at {n_bytes}: opened"),
        }
    }
}

/// A project of the first version has no runs, and is opened and gone on with.
#[test]
fn a_file_of_the_first_version_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.limn");
    let states = small_file(&path);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] = 1;
    let checked = HEADER_BYTES as usize - 4;
    let crc = crc32fast::hash(&bytes[..checked]);
    bytes[checked..checked + 4].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let mut document = open(&path).unwrap();
    let (_, last) = states.last().unwrap();
    assert!(document.content() == last);
    assert!(document.take_past_runs().is_empty());
}

#[test]
fn what_is_appended_after_a_cut_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.limn");
    small_file(&path);
    let bytes = std::fs::read(&path).unwrap();
    for n_bytes in (HEADER_BYTES as usize..bytes.len()).step_by(41) {
        std::fs::write(&path, &bytes[..n_bytes]).unwrap();
        let file = JournalFile::new(Arc::new(RealFs), &path);
        let contents = read(&file).unwrap();
        let mut encoder = Encoder::append(contents.marker, contents.next_number, n_bytes as u64);
        let mut document = Document::from_file(DocumentId::new(), contents, file.clone()).unwrap();
        let before = document.content().clone();
        document.change(StepName::Brush, |content| {
            content.mask.write(PixelRect::new(99, 9, 1, 1), &[1]);
        });
        for entry in document.take_journal(|| file.clone()) {
            encoder.tiles(&entry.tiles);
            encoder.record(&entry.record);
        }
        file.fs
            .append_synced(&path, &encoder.finish().bytes)
            .unwrap();
        let mut opened = open(&path).unwrap();
        assert!(opened.content() == document.content(), "cut at {n_bytes}");
        opened.undo();
        assert!(*opened.content() == before, "cut at {n_bytes}");
    }
}

#[test]
fn a_damaged_byte_costs_what_follows_it_at_most() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.limn");
    let states = small_file(&path);
    let bytes = std::fs::read(&path).unwrap();
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 1 << (position % 8);
        std::fs::write(&path, damaged).unwrap();
        match open(&path) {
            Ok(mut document) => {
                let expected = states.iter().rev().find(|(end, _)| *end <= position);
                assert!(
                    *document.content() == expected.unwrap().1,
                    "byte {position}"
                );
                while document.undo().is_some() {}
                assert!(*document.content() == Content::default(), "byte {position}");
            }
            Err(Error::NotAProject { .. } | Error::Newer { .. }) => assert!(position < 10),
            Err(Error::Damaged { .. }) => assert!(position < states[1].0, "byte {position}"),
            Err(error) => panic!("byte {position}: {error}"),
        }
    }
}

/// A file of these records, whole by its checksums.
fn file_of(tiles: &[(TileHead, Vec<u8>)], records: &[Record]) -> Vec<u8> {
    let marker = Marker::new();
    let mut bytes = Encoder::new_file(marker).finish().bytes;
    let mut encoder = Encoder::append(marker, 0, bytes.len() as u64);
    encoder.blobs(tiles.iter().map(|(head, blob)| (VersionId(0), *head, blob)));
    for record in records {
        encoder.record(record);
    }
    bytes.extend(encoder.finish().bytes);
    bytes
}

/// A step that shows a version in a tile of the mask.
fn shows(index: TileIndex, id: u32) -> Record {
    Record::Step(StepRecord {
        name: StepName::Brush,
        outline: None,
        edits: vec![PlaneRecord {
            plane: Plane::Mask,
            tiles: vec![(index, Some(VersionId(id)))],
        }],
    })
}

fn lays_out(change: impl FnOnce(&mut Content)) -> Record {
    let mut content = Content::default();
    content.add_layer(Layer::sketch("a"));
    change(&mut content);
    Record::Step(StepRecord {
        name: StepName::AddLayer,
        outline: Some(Outline::of(&content)),
        edits: Vec::new(),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Opens, without what cannot be.
    Empty,
    NotAProject,
    Newer,
    Damaged,
}

/// Opens a file of these bytes.
fn check_bad_file(name: &str, bytes: &[u8], expected: Answer) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.limn");
    std::fs::write(&path, bytes).unwrap();
    let answer = match open(&path) {
        Ok(document) => {
            assert!(*document.content() == Content::default(), "{name}");
            Answer::Empty
        }
        Err(error) => {
            let is_path_last = error.to_string().ends_with("bad.limn");
            assert!(is_path_last, "{name}: {error}");
            match error {
                Error::NotAProject { .. } => Answer::NotAProject,
                Error::Newer { .. } => Answer::Newer,
                Error::Damaged { .. } => Answer::Damaged,
                _ => panic!("{name}: {error}"),
            }
        }
    };
    assert_eq!(answer, expected, "{name}");
}

#[test]
fn files_of_other_kinds_are_refused_by_name() {
    let header = Encoder::new_file(Marker([1; 8])).finish().bytes;
    let with_frame = |head_bytes: u32, blobs_bytes: u32| {
        let mut bytes = header.clone();
        bytes.extend([1; 8]);
        bytes.extend(0_u64.to_le_bytes());
        bytes.extend(head_bytes.to_le_bytes());
        bytes.extend(blobs_bytes.to_le_bytes());
        bytes.extend([0; 60]);
        bytes
    };
    let mut newer = header.clone();
    newer[8] = VERSION as u8 + 1;
    let mut noise = header.clone();
    noise.extend([1; 9000]);
    let png = b"\x89PNG\r\n\x1a\n and so on, long enough".to_vec();
    for (name, bytes, expected) in [
        ("nothing", Vec::new(), Answer::NotAProject),
        ("zeros", vec![0; 4096], Answer::NotAProject),
        ("a PNG", png, Answer::NotAProject),
        ("a newer one", newer, Answer::Newer),
        ("a header", header.clone(), Answer::Empty),
        ("a header and noise", noise, Answer::Empty),
        ("a long head", with_frame(u32::MAX, 0), Answer::Empty),
        ("long blobs", with_frame(0, u32::MAX), Answer::Empty),
        ("a head past the end", with_frame(1 << 20, 0), Answer::Empty),
    ] {
        check_bad_file(name, &bytes, expected);
    }
    let folder = tempfile::tempdir().unwrap();
    let missing = open(&folder.path().join("none.limn")).err().unwrap();
    assert!(matches!(missing, Error::Io { .. }), "{missing}");
    assert!(matches!(
        open(folder.path()),
        Err(Error::NotAProject { .. })
    ));
}

type Change = fn(&mut Content);

/// Whole by their checksums, and yet nothing that Limn could have written.
#[test]
fn steps_that_cannot_be_are_left_out() {
    let mask = AnyTile::Mask(vec![7; TileKind::Mask.n_bytes()].into());
    let colours = AnyTile::Colour(vec![[7; 4]; TileKind::Mask.n_bytes()].into());
    let tile = |kind| {
        let tile = match kind {
            TileKind::Mask => &mask,
            TileKind::Colour => &colours,
        };
        let blob = tile_blob::encode(tile).into_owned();
        vec![(TileHead::new(kind, &blob), blob)]
    };
    let near = TileIndex { column: 0, row: 0 };
    let (column, row) = (i32::MAX / TILE_SIDE as i32, 0);
    let far = TileIndex { column, row };
    for (name, tiles, record, expected) in [
        (
            "a version that is not there",
            vec![],
            shows(near, 0),
            Answer::Damaged,
        ),
        (
            "a tile of colours in a mask",
            tile(TileKind::Colour),
            shows(near, 0),
            Answer::Empty,
        ),
        (
            "a tile far away",
            tile(TileKind::Mask),
            shows(far, 0),
            Answer::Empty,
        ),
        (
            "a step back at the start",
            vec![],
            Record::Undo,
            Answer::Damaged,
        ),
    ] {
        check_bad_file(name, &file_of(&tiles, &[record]), expected);
    }
    let layouts: [(&str, Change); 5] = [
        ("an opacity of 2", |content| content.layers[0].opacity = 2.0),
        ("no opacity", |content| content.layers[0].opacity = f32::NAN),
        ("a layer far away", |content| {
            content.layers[0].offset.0 = i32::MIN;
        }),
        ("a layer twice", |content| {
            content.layers.push(content.layers[0].clone());
        }),
        ("a huge frame", |content| {
            content.frame = PixelRect::from_size(u32::MAX, 1);
        }),
    ];
    for (name, change) in layouts {
        check_bad_file(name, &file_of(&[], &[lays_out(change)]), Answer::Damaged);
    }
}
