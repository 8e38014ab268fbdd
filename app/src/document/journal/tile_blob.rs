//! A tile's bytes in a file: compressed with LZ4, or as they are where that is no shorter.

use std::borrow::Cow;

use super::super::tiles::{AnyTile, TileKind};

pub fn encode(tile: &AnyTile) -> Cow<'_, [u8]> {
    let bytes = tile.bytes();
    let compressed = lz4_flex::block::compress(bytes);
    if compressed.len() < bytes.len() {
        Cow::Owned(compressed)
    } else {
        Cow::Borrowed(bytes)
    }
}

/// `None` if it is not what was written.
pub fn decode(kind: TileKind, crc: u32, blob: &[u8]) -> Option<AnyTile> {
    if crc32fast::hash(blob) != crc {
        return None;
    }
    if blob.len() == kind.n_bytes() {
        return AnyTile::from_bytes(kind, blob);
    }
    let bytes = lz4_flex::block::decompress(blob, kind.n_bytes()).ok()?;
    AnyTile::from_bytes(kind, &bytes)
}
