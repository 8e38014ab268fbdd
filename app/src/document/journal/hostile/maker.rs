//! Files record by record, whole by their checksums, whatever the records say.

use limn_engine::PixelRect;

use super::super::super::content::Content;
use super::super::super::layer::{Layer, Original};
use super::super::super::outline::{Outline, Plane};
use super::super::super::step::StepName;
use super::super::super::steps::{PlaneRecord, StepRecord};
use super::super::super::tiles::{AnyTile, TILE_SIDE, TileIndex, TileKind};
use super::super::super::versions::VersionId;
use super::super::record::TileHead;
use super::super::*;

pub const MARKER: Marker = Marker([7; 8]);

/// A file, record by record, whole by its checksums.
pub struct Maker {
    pub bytes: Vec<u8>,
    pub number: u64,
}

impl Maker {
    pub fn new() -> Self {
        Self {
            bytes: Encoder::new_file(MARKER).finish().bytes,
            number: 0,
        }
    }

    pub fn record(mut self, record: &Record) -> Self {
        self.push(record);
        self
    }

    pub fn push(&mut self, record: &Record) {
        let mut encoder = Encoder::append(MARKER, self.number, 0);
        encoder.record(record);
        self.append(encoder);
    }

    pub fn append(&mut self, encoder: Encoder) {
        let encoded = encoder.finish();
        self.number = encoded.next_number;
        self.bytes.extend(encoded.bytes);
    }

    pub fn times(mut self, n: usize, mut records: impl FnMut(usize) -> Vec<Record>) -> Self {
        for i in 0..n {
            for record in records(i) {
                self.push(&record);
            }
        }
        self
    }

    /// So many versions of one tile.
    pub fn tiles(mut self, n: usize, tile: &AnyTile) -> Self {
        let blob = tile_blob::encode(tile).into_owned();
        let head = TileHead::new(tile.kind(), &blob);
        let mut n_left = n;
        while n_left > 0 {
            let mut encoder = Encoder::append(MARKER, self.number, 0);
            n_left -= encoder.blobs((0..n_left).map(|_| (VersionId(0), head, &blob)));
            self.append(encoder);
        }
        self
    }

    /// A tile whose head says of its blob what is not so.
    pub fn false_tile(mut self, kind: TileKind, n_bytes: usize) -> Self {
        let blob = vec![1; n_bytes];
        let head = TileHead::new(kind, &blob);
        let mut encoder = Encoder::append(MARKER, self.number, 0);
        encoder.blobs([(VersionId(0), head, &blob)]);
        self.append(encoder);
        self
    }

    /// A record with these lengths in its frame and this behind it.
    pub fn frame(mut self, number: u64, head_bytes: u32, blobs_bytes: u32, after: &[u8]) -> Self {
        self.bytes.extend(MARKER.0);
        self.bytes.extend(number.to_le_bytes());
        self.bytes.extend(head_bytes.to_le_bytes());
        self.bytes.extend(blobs_bytes.to_le_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.extend(after);
        self
    }
}

pub fn at(column: i32, row: i32) -> TileIndex {
    TileIndex { column, row }
}

/// The nth tile of a plane as wide as the largest picture.
pub fn nth(n: usize) -> TileIndex {
    at((n % 64) as i32, (n / 64) as i32)
}

/// A tile and the version that it shows.
pub type Shown = (TileIndex, Option<u32>);

pub fn step(outline: Option<Outline>, edits: Vec<(Plane, Vec<Shown>)>) -> Record {
    let edits = edits.into_iter().map(|(plane, tiles)| PlaneRecord {
        plane,
        tiles: tiles
            .into_iter()
            .map(|(index, id)| (index, id.map(VersionId)))
            .collect(),
    });
    Record::Step(StepRecord {
        name: StepName::Brush,
        outline,
        edits: edits.collect(),
    })
}

pub fn masks(tiles: Vec<Shown>) -> Record {
    step(None, vec![(Plane::Mask, tiles)])
}

pub fn layers(n: usize) -> Content {
    let mut content = Content::default();
    content.layers = (0..n).map(|_| Layer::sketch("a")).collect();
    content
}

pub fn outline_of(change: impl FnOnce(&mut Content)) -> Outline {
    let mut content = layers(1);
    change(&mut content);
    Outline::of(&content)
}

/// A step that lays out one layer, changed.
pub fn lays_out(change: impl FnOnce(&mut Content)) -> Maker {
    Maker::new().record(&step(Some(outline_of(change)), Vec::new()))
}

pub fn from_file(change: impl FnOnce(&mut Original)) -> Maker {
    let mut original = Original::default();
    change(&mut original);
    lays_out(|content| {
        let rect = PixelRect::from_size(1, 1);
        content.layers = vec![Layer::picture("a", rect, &[[9; 4]]).from_file(Some(original))];
    })
}

pub fn mask_tile() -> AnyTile {
    AnyTile::Mask(vec![7; TileKind::Mask.n_bytes()].into())
}

/// As short in a file as a tile can be that is not of one value.
pub fn colour_tile() -> AnyTile {
    let mut pixels = vec![[0; 4]; (TILE_SIDE * TILE_SIDE) as usize];
    pixels[0] = [1; 4];
    AnyTile::Colour(pixels.into())
}
