//! A tile's bytes in a file: compressed with LZ4, or as they are where that is no shorter.

use std::borrow::Cow;

use super::super::tiles::AnyTile;

pub fn encode(tile: &AnyTile) -> Cow<'_, [u8]> {
    let bytes = tile.bytes();
    let compressed = lz4_flex::block::compress(bytes);
    if compressed.len() < bytes.len() {
        Cow::Owned(compressed)
    } else {
        Cow::Borrowed(bytes)
    }
}

/// Writes into `tile` what a blob holds. False if that is not what was written.
pub fn decode(tile: &mut AnyTile, crc: u32, blob: &[u8]) -> bool {
    if crc32fast::hash(blob) != crc {
        return false;
    }
    let bytes = tile.bytes_mut();
    if blob.len() == bytes.len() {
        bytes.copy_from_slice(blob);
        return true;
    }
    lz4_flex::block::decompress_into(blob, bytes).is_ok_and(|n_bytes| n_bytes == bytes.len())
}
