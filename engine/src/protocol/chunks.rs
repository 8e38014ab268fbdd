//! Blobs (pictures, masks, tensors) in parts small enough that progress and cancels pass between them.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::{BlobHash, Chunk};
use crate::{Error, Result};

pub const MAX_CHUNK_BYTES: usize = 1 << 20;
/// Ceiling for one blob: an 8192 × 8192 RGBA picture fits.
pub const MAX_BLOB_BYTES: u64 = 320 << 20;

impl BlobHash {
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for BlobHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The chunks of a blob, in order; an empty blob is one empty chunk.
pub fn split(bytes: &[u8]) -> impl Iterator<Item = Chunk> + '_ {
    let blob = BlobHash::of(bytes);
    let n_chunks = bytes.len().div_ceil(MAX_CHUNK_BYTES).max(1);
    (0..n_chunks).map(move |i| {
        let start = i * MAX_CHUNK_BYTES;
        let end = bytes.len().min(start + MAX_CHUNK_BYTES);
        Chunk {
            blob,
            offset: start as u64,
            total_bytes: bytes.len() as u64,
            bytes: bytes[start..end].to_vec(),
        }
    })
}

/// Joins chunks, of several blobs in turn if need be, and keeps the finished blobs until they are taken.
///
/// All it holds, finished or not, stays within one budget.
#[derive(Debug)]
pub struct Joiner {
    budget_bytes: u64,
    partial: HashMap<BlobHash, Partial>,
    finished: HashMap<BlobHash, Vec<u8>>,
}

#[derive(Debug)]
struct Partial {
    total_bytes: u64,
    bytes: Vec<u8>,
}

impl Default for Joiner {
    fn default() -> Self {
        Self::with_budget(2 * MAX_BLOB_BYTES)
    }
}

impl Joiner {
    pub fn with_budget(budget_bytes: u64) -> Self {
        Self {
            budget_bytes,
            partial: HashMap::new(),
            finished: HashMap::new(),
        }
    }

    /// Adds a part; the hash is checked after the last.
    ///
    /// # Errors
    /// [`Error::Protocol`] for a part out of order, too long, of another total than the first, over the
    /// budget, or when the whole does not have the promised hash. The blob is then forgotten.
    pub fn accept(&mut self, chunk: Chunk) -> Result<()> {
        let blob = chunk.blob;
        let result = self.append(chunk);
        if result.is_err() {
            self.partial.remove(&blob);
        }
        result
    }

    /// A finished blob, which is then no longer held.
    pub fn take(&mut self, blob: BlobHash) -> Option<Vec<u8>> {
        self.finished.remove(&blob)
    }

    fn append(&mut self, chunk: Chunk) -> Result<()> {
        self.check(&chunk)?;
        let partial = self.partial.entry(chunk.blob).or_insert_with(|| Partial {
            total_bytes: chunk.total_bytes,
            bytes: Vec::new(),
        });
        partial.bytes.extend(chunk.bytes);
        if (partial.bytes.len() as u64) < partial.total_bytes {
            return Ok(());
        }
        let bytes = std::mem::take(&mut partial.bytes);
        self.partial.remove(&chunk.blob);
        if BlobHash::of(&bytes) != chunk.blob {
            return Err(bad_chunk(&chunk.blob, "its bytes do not have its hash"));
        }
        self.finished.insert(chunk.blob, bytes);
        Ok(())
    }

    fn check(&self, chunk: &Chunk) -> Result<()> {
        let (n_received, total_bytes) = match self.partial.get(&chunk.blob) {
            Some(partial) => (partial.bytes.len() as u64, partial.total_bytes),
            None => (0, chunk.total_bytes),
        };
        let n_bytes = chunk.bytes.len() as u64;
        let fault = if chunk.total_bytes != total_bytes {
            "its total changed"
        } else if chunk.offset != n_received {
            "a part is missing or came twice"
        } else if n_bytes > total_bytes - n_received {
            "it is longer than promised"
        } else if n_bytes == 0 && total_bytes > 0 {
            "a part is empty"
        } else if total_bytes > MAX_BLOB_BYTES {
            "it is too large"
        } else if n_received == 0 && self.promised_bytes() + total_bytes > self.budget_bytes {
            "too many are on their way"
        } else {
            return Ok(());
        };
        Err(bad_chunk(&chunk.blob, fault))
    }

    /// What is held already and what unfinished blobs will still bring.
    fn promised_bytes(&self) -> u64 {
        let finished: u64 = self.finished.values().map(|bytes| bytes.len() as u64).sum();
        let partial: u64 = self
            .partial
            .values()
            .map(|partial| partial.total_bytes)
            .sum();
        finished + partial
    }
}

fn bad_chunk(blob: &BlobHash, fault: &str) -> Error {
    Error::Protocol(format!("the transfer of {blob} failed: {fault}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn blob_of(n_bytes: usize) -> Vec<u8> {
        (0..n_bytes).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn blobs_survive_being_split() {
        for n_bytes in [
            0,
            1,
            MAX_CHUNK_BYTES - 1,
            MAX_CHUNK_BYTES,
            MAX_CHUNK_BYTES + 1,
            3 * MAX_CHUNK_BYTES + 17,
        ] {
            let blob = blob_of(n_bytes);
            let mut joiner = Joiner::default();
            for chunk in split(&blob) {
                assert!(chunk.bytes.len() <= MAX_CHUNK_BYTES);
                joiner.accept(chunk).unwrap();
            }
            assert_eq!(joiner.take(BlobHash::of(&blob)).unwrap(), blob);
            assert_eq!(joiner.take(BlobHash::of(&blob)), None);
        }
    }

    #[test]
    fn two_blobs_may_come_in_turn() {
        let [first, second] = [2, 3].map(|n| blob_of(n * MAX_CHUNK_BYTES + n));
        let mut joiner = Joiner::default();
        let mut seconds = split(&second);
        for chunk in split(&first) {
            joiner.accept(chunk).unwrap();
            joiner.accept(seconds.next().unwrap()).unwrap();
        }
        seconds.for_each(|chunk| joiner.accept(chunk).unwrap());
        assert_eq!(joiner.take(BlobHash::of(&first)).unwrap(), first);
        assert_eq!(joiner.take(BlobHash::of(&second)).unwrap(), second);
    }

    #[test]
    fn bad_parts_are_refused() {
        let chunks: Vec<_> = split(&blob_of(2 * MAX_CHUNK_BYTES)).collect();
        let [first, last] = [&chunks[0], &chunks[1]];
        let change = |chunk: &Chunk, edit: fn(&mut Chunk)| {
            let mut chunk = chunk.clone();
            edit(&mut chunk);
            chunk
        };
        for (parts, fault) in [
            (vec![last.clone()], "missing"),
            (vec![first.clone(), first.clone()], "twice"),
            (
                vec![first.clone(), change(last, |c| c.total_bytes += 1)],
                "total changed",
            ),
            (
                vec![first.clone(), change(last, |c| c.bytes.push(0))],
                "longer than promised",
            ),
            (
                vec![first.clone(), change(last, |c| c.bytes.clear())],
                "empty",
            ),
            (
                vec![first.clone(), change(last, |c| c.bytes[5] ^= 1)],
                "hash",
            ),
            (
                vec![change(first, |c| c.total_bytes = MAX_BLOB_BYTES + 1)],
                "too large",
            ),
        ] {
            let mut joiner = Joiner::default();
            let results: Vec<_> = parts.into_iter().map(|part| joiner.accept(part)).collect();
            let (last, before) = results.split_last().unwrap();
            assert!(before.iter().all(Result::is_ok), "{fault}");
            let message = last.as_ref().unwrap_err().to_string();
            assert!(message.contains(fault), "{message}");
            assert!(joiner.partial.is_empty(), "{fault}: forgotten");
        }
    }

    #[test]
    fn what_is_held_stays_within_the_budget() {
        let mut joiner = Joiner::with_budget(100);
        for chunk in split(&[1; 60]) {
            joiner.accept(chunk).unwrap();
        }
        let second = split(&[2; 60]).next().unwrap();
        let error = joiner.accept(second.clone()).unwrap_err();
        assert!(error.to_string().contains("too many"), "{error}");
        joiner.take(BlobHash::of(&[1; 60])).unwrap();
        joiner.accept(second).unwrap();
    }
}
