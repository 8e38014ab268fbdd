use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::steps::StepRecord;
use super::super::stored_runs::{ResultRecord, RunRecord};
use super::super::tiles::{AnyTile, TileKind};
use super::super::versions::VersionId;
use super::{
    FRAME_BYTES, FULL_BLOBS_BYTES, HEADER_BYTES, MAGIC, Marker, Place, VERSION, tile_blob,
};

/// One record of a file. Variants are only appended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// Tiles that steps after it use, counted on from those before.
    Tiles(Vec<TileHead>),
    Step(StepRecord),
    Undo,
    Redo,
    Named(String),
    /// The state of this serial number was saved there.
    Saved {
        path: String,
        serial: u64,
    },
    /// The steps before cannot be undone: they are not in the file.
    Base,
    Run(RunRecord),
    Result(ResultRecord),
    HideRun {
        run: Uuid,
        is_hidden: bool,
    },
    /// A name that the next prompt may change.
    NamedAfterPrompt(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TileHead {
    pub kind: TileKind,
    pub n_bytes: u32,
    pub crc: u32,
}

/// The fixed part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    pub number: u64,
    pub head_bytes: u32,
    pub blobs_bytes: u32,
    crc: u32,
}

impl Frame {
    pub fn parse(bytes: &[u8], marker: Marker) -> Option<Self> {
        let rest = bytes.strip_prefix(&marker.0)?;
        let (number, rest) = rest.split_first_chunk()?;
        let (head_bytes, rest) = rest.split_first_chunk()?;
        let (blobs_bytes, rest) = rest.split_first_chunk()?;
        Some(Self {
            number: u64::from_le_bytes(*number),
            head_bytes: u32::from_le_bytes(*head_bytes),
            blobs_bytes: u32::from_le_bytes(*blobs_bytes),
            crc: u32::from_le_bytes(*rest.first_chunk()?),
        })
    }

    pub const fn n_bytes(&self) -> u64 {
        FRAME_BYTES + self.head_bytes as u64 + self.blobs_bytes as u64
    }

    fn checksum(&self, head: &[u8]) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.number.to_le_bytes());
        crc.update(&self.head_bytes.to_le_bytes());
        crc.update(&self.blobs_bytes.to_le_bytes());
        crc.update(head);
        crc.finalize()
    }

    /// The record whose head and blobs these are, if they are whole.
    pub fn record(&self, head: &[u8], mut blobs: &[u8]) -> Option<Record> {
        if self.checksum(head) != self.crc {
            return None;
        }
        let record = postcard::from_bytes(head).ok()?;
        if let Record::Tiles(tiles) = &record {
            for tile in tiles {
                let (blob, rest) = blobs.split_at_checked(tile.n_bytes as usize)?;
                if crc32fast::hash(blob) != tile.crc {
                    return None;
                }
                blobs = rest;
            }
        }
        blobs.is_empty().then_some(record)
    }
}

/// Writes records into bytes that are to be appended to a file.
pub struct Encoder {
    marker: Marker,
    number: u64,
    /// Where in the file the bytes begin.
    start: u64,
    bytes: Vec<u8>,
    places: Vec<(VersionId, Place)>,
}

/// Bytes for a file, and where the tiles among them will be.
pub struct Encoded {
    pub bytes: Vec<u8>,
    pub places: Vec<(VersionId, Place)>,
    /// The number of the record after these.
    pub next_number: u64,
}

impl Encoder {
    /// For a new file: its header.
    pub fn new_file(marker: Marker) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(marker.0);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        Self {
            bytes,
            ..Self::append(marker, 0, 0)
        }
    }

    /// For a file that ends at `start` and has records before `number`.
    pub fn append(marker: Marker, number: u64, start: u64) -> Self {
        Self {
            marker,
            number,
            start,
            bytes: Vec::new(),
            places: Vec::new(),
        }
    }

    pub fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BLOBS_BYTES
    }

    pub fn record(&mut self, record: &Record) {
        self.frame(record, &[]);
    }

    /// Adds tiles until these bytes are full; returns how many.
    pub fn tiles(&mut self, tiles: &[(VersionId, AnyTile)]) -> usize {
        let blobs = tiles
            .iter()
            .map(|(id, tile)| (*id, tile.kind(), tile_blob::encode(tile)));
        self.blobs(blobs.map(|(id, kind, blob)| (id, TileHead::new(kind, &blob), blob)))
    }

    /// Adds tiles that are compressed already until these bytes are full; returns how many.
    pub fn blobs<B: AsRef<[u8]>>(
        &mut self,
        tiles: impl IntoIterator<Item = (VersionId, TileHead, B)>,
    ) -> usize {
        let (mut heads, mut ids, mut blobs) = (Vec::new(), Vec::new(), Vec::new());
        for (id, head, blob) in tiles {
            heads.push(head);
            ids.push(id);
            blobs.extend(blob.as_ref());
            if self.bytes.len() + blobs.len() >= FULL_BLOBS_BYTES {
                break;
            }
        }
        if heads.is_empty() {
            return 0;
        }
        let record = Record::Tiles(heads);
        let mut offset = self.frame(&record, &blobs);
        if let Record::Tiles(heads) = record {
            for (id, head) in ids.iter().zip(heads) {
                let place = head.place(offset);
                offset += u64::from(head.n_bytes);
                self.places.push((*id, place));
            }
        }
        ids.len()
    }

    /// Returns where in the file the blobs begin.
    fn frame(&mut self, record: &Record, blobs: &[u8]) -> u64 {
        let head =
            postcard::to_stdvec(record).expect("records have nothing that cannot be written");
        let mut frame = Frame {
            number: self.number,
            head_bytes: head.len() as u32,
            blobs_bytes: blobs.len() as u32,
            crc: 0,
        };
        frame.crc = frame.checksum(&head);
        self.bytes.extend(self.marker.0);
        self.bytes.extend(frame.number.to_le_bytes());
        self.bytes.extend(frame.head_bytes.to_le_bytes());
        self.bytes.extend(frame.blobs_bytes.to_le_bytes());
        self.bytes.extend(frame.crc.to_le_bytes());
        self.bytes.extend(head);
        let blobs_start = self.start + self.bytes.len() as u64;
        self.bytes.extend(blobs);
        self.number += 1;
        blobs_start
    }

    pub fn finish(self) -> Encoded {
        Encoded {
            bytes: self.bytes,
            places: self.places,
            next_number: self.number,
        }
    }
}

impl TileHead {
    pub fn new(kind: TileKind, blob: &[u8]) -> Self {
        Self {
            kind,
            n_bytes: blob.len() as u32,
            crc: crc32fast::hash(blob),
        }
    }

    /// Whether a tile can be so long in a file: LZ4 makes at most 255 bytes of one.
    pub const fn is_sound(self) -> bool {
        let n_bytes = self.n_bytes as usize;
        n_bytes <= self.kind.n_bytes() && n_bytes > self.kind.n_bytes() / 256
    }

    pub const fn place(self, offset: u64) -> Place {
        Place {
            offset,
            n_bytes: self.n_bytes,
            crc: self.crc,
        }
    }
}
