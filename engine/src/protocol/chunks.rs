//! Blobs (pictures, masks, tensors) in parts small enough that progress and cancels pass between them.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::{BlobHash, Chunk};
use crate::{Error, Result};

pub const MAX_CHUNK_BYTES: usize = 1 << 20;
/// Each part but a blob's last has at least so many bytes: crumbs would keep the receiver busy for minutes.
pub const MIN_CHUNK_BYTES: usize = 64 << 10;
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
/// All it holds, finished or not, stays within one budget; the work for a part does not grow with what is held.
#[derive(Debug)]
pub struct Joiner {
    budget_bytes: u64,
    /// What is held already and what unfinished blobs will still bring.
    promised_bytes: u64,
    partial: HashMap<BlobHash, Partial>,
    finished: HashMap<BlobHash, Vec<u8>>,
}

/// What a blob counts for beside its bytes, so that many empty ones are not free.
const BLOB_OVERHEAD_BYTES: u64 = 4 << 10;

#[derive(Debug)]
struct Partial {
    total_bytes: u64,
    bytes: Vec<u8>,
    hash: Sha256,
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
            promised_bytes: 0,
            partial: HashMap::new(),
            finished: HashMap::new(),
        }
    }

    /// What may be held from now on. Blobs that have begun are not given up for a smaller budget.
    pub fn set_budget(&mut self, budget_bytes: u64) {
        self.budget_bytes = budget_bytes;
    }

    /// Adds a part; the hash is checked after the last.
    ///
    /// # Errors
    /// [`Error::Protocol`] for a part out of order, too short or too long, of another total than the first, over
    /// the budget, or when the whole does not have the promised hash. The blob is then forgotten.
    pub fn accept(&mut self, chunk: Chunk) -> Result<()> {
        let blob = chunk.blob;
        let result = self.append(chunk);
        if result.is_err()
            && let Some(partial) = self.partial.remove(&blob)
        {
            self.promised_bytes -= cost_bytes(partial.total_bytes);
        }
        result
    }

    /// A finished blob, which is then no longer held.
    pub fn take(&mut self, blob: BlobHash) -> Option<Vec<u8>> {
        let bytes = self.finished.remove(&blob)?;
        self.promised_bytes -= cost_bytes(bytes.len() as u64);
        Some(bytes)
    }

    fn append(&mut self, chunk: Chunk) -> Result<()> {
        self.check(&chunk)?;
        let partial = self.partial.entry(chunk.blob).or_insert_with(|| {
            self.promised_bytes += cost_bytes(chunk.total_bytes);
            Partial {
                total_bytes: chunk.total_bytes,
                // Within the budget, and not touched before its bytes are here.
                bytes: Vec::with_capacity(chunk.total_bytes as usize),
                hash: Sha256::new(),
            }
        });
        partial.hash.update(&chunk.bytes);
        partial.bytes.extend(chunk.bytes);
        if (partial.bytes.len() as u64) < partial.total_bytes {
            return Ok(());
        }
        let hash = BlobHash(std::mem::take(&mut partial.hash).finalize().into());
        if hash != chunk.blob {
            return Err(bad_chunk(&chunk.blob, "its bytes do not have its hash"));
        }
        let Some(Partial { bytes, .. }) = self.partial.remove(&chunk.blob) else {
            return Ok(());
        };
        if let Some(same) = self.finished.insert(chunk.blob, bytes) {
            self.promised_bytes -= cost_bytes(same.len() as u64);
        }
        Ok(())
    }

    fn check(&self, chunk: &Chunk) -> Result<()> {
        let (n_received, total_bytes) = match self.partial.get(&chunk.blob) {
            Some(partial) => (partial.bytes.len() as u64, partial.total_bytes),
            None => (0, chunk.total_bytes),
        };
        let n_bytes = chunk.bytes.len() as u64;
        let n_left = total_bytes - n_received;
        let fault = if chunk.total_bytes != total_bytes {
            "its total changed"
        } else if chunk.offset != n_received {
            "a part is missing or came twice"
        } else if n_bytes > n_left {
            "it is longer than promised"
        } else if n_bytes == 0 && total_bytes > 0 {
            "a part is empty"
        } else if n_bytes < n_left.min(MIN_CHUNK_BYTES as u64) {
            "a part is too short"
        } else if n_bytes > MAX_CHUNK_BYTES as u64 {
            "a part is too long"
        } else if total_bytes > MAX_BLOB_BYTES {
            "it is too large"
        } else if n_received == 0
            && self.promised_bytes + cost_bytes(total_bytes) > self.budget_bytes
        {
            "too many are on their way"
        } else {
            return Ok(());
        };
        Err(bad_chunk(&chunk.blob, fault))
    }
}

/// What a blob takes of the budget.
pub const fn cost_bytes(blob_bytes: u64) -> u64 {
    blob_bytes + BLOB_OVERHEAD_BYTES
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
            (vec![change(first, |c| c.bytes.truncate(2))], "too short"),
            (vec![change(first, |c| c.bytes.push(0))], "too long"),
        ] {
            let mut joiner = Joiner::default();
            let results: Vec<_> = parts.into_iter().map(|part| joiner.accept(part)).collect();
            let (last, before) = results.split_last().unwrap();
            assert!(before.iter().all(Result::is_ok), "{fault}");
            let message = last.as_ref().unwrap_err().to_string();
            assert!(message.contains(fault), "{message}");
            assert!(joiner.partial.is_empty(), "{fault}: forgotten");
            assert_eq!(joiner.promised_bytes, 0, "{fault}: counted no more");
        }
    }

    #[test]
    fn what_is_held_stays_within_the_budget() {
        let mut joiner = Joiner::with_budget(cost_bytes(100));
        for chunk in split(&[1; 60]) {
            joiner.accept(chunk).unwrap();
        }
        let second = split(&[2; 60]).next().unwrap();
        let error = joiner.accept(second.clone()).unwrap_err();
        assert!(error.to_string().contains("too many"), "{error}");
        joiner.take(BlobHash::of(&[1; 60])).unwrap();
        joiner.accept(second).unwrap();
    }

    /// Blobs that are begun and left, and blobs of nothing, count before they take memory.
    #[test]
    fn blobs_that_never_end_are_counted_by_what_they_promise() {
        let mut joiner = Joiner::with_budget(64 << 20);
        let begun = |i: u8| Chunk {
            blob: BlobHash([i; 32]),
            offset: 0,
            total_bytes: 1 << 20,
            bytes: vec![0; MIN_CHUNK_BYTES],
        };
        let n_begun = (0..=255).take_while(|i| joiner.accept(begun(*i)).is_ok());
        assert_eq!(n_begun.count(), 63);
        let mut joiner = Joiner::with_budget(1 << 20);
        let n_empty = (0..1_000_u32).filter(|i| {
            let chunk = split(&i.to_le_bytes()).next().unwrap();
            joiner.accept(chunk).is_ok()
        });
        assert_eq!(n_empty.count(), 255);
    }

    /// The same bytes sent twice are held once, and are counted once.
    #[test]
    fn a_blob_that_comes_twice_is_held_once() {
        let mut joiner = Joiner::with_budget(3 * cost_bytes(60));
        for chunk in split(&[1; 60]).chain(split(&[1; 60])) {
            joiner.accept(chunk).unwrap();
        }
        assert_eq!(joiner.promised_bytes, cost_bytes(60));
        joiner.take(BlobHash::of(&[1; 60])).unwrap();
        assert_eq!(joiner.promised_bytes, 0);
    }
}
