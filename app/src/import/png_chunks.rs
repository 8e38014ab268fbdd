//! The chunks of a PNG that its still picture is made of.
//!
//! What stands beside the pixels is no reason to refuse them. Decoders read all chunks that they know, and some faults in
//! those end the reading: here only those pass that the picture is made of, and of the others only sound ones that
//! something is learned from.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use super::input::{Source, read_buffered};
use crate::marking;

const SIGNATURE_BYTES: u64 = 8;
/// Length and name.
const HEAD_BYTES: usize = 8;
const CHECKSUM_BYTES: usize = 4;
/// Of a chunk beside the pixels that is read; longer ones are left out.
const LIMIT_ASIDE_BYTES: u32 = 32 << 20;
/// Longer ones of which nothing is wanted are passed over unseen.
const LIMIT_CHECKED_BYTES: u32 = 1 << 20;

/// A reader of the file that leaves out what the picture does not need.
pub struct StillChunks<'a> {
    source: &'a mut dyn Source,
    /// Bytes that are read before those of the source.
    ready: Vec<u8>,
    n_read: usize,
    /// Bytes of the source that pass as they are.
    n_passing: u64,
    pub found: Found,
}

/// What there was beside the pixels.
#[expect(
    clippy::struct_excessive_bools,
    reason = "findings that have nothing to do with each other"
)]
#[derive(Debug, Clone, Copy, Default)]
pub struct Found {
    pub is_animated: bool,
    pub has_profile: bool,
    pub has_transparency: bool,
    /// A damaged chunk was left out, other than a profile.
    pub is_damaged: bool,
}

impl<'a> StillChunks<'a> {
    /// Over a source that stands at its start.
    pub fn new(source: &'a mut dyn Source) -> Self {
        Self {
            source,
            ready: Vec::new(),
            n_read: 0,
            n_passing: SIGNATURE_BYTES,
            found: Found::default(),
        }
    }

    /// Goes to the next chunk that passes, with its head or the whole of it in `ready`. At the end nothing is there.
    fn next_chunk(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.n_read = 0;
        loop {
            let mut head = [0; HEAD_BYTES];
            if !read_whole(self.source, &mut head)? {
                return Ok(());
            }
            let [a, b, c, d, kind @ ..] = head;
            let (length, kind) = (u32::from_be_bytes([a, b, c, d]), kind);
            let is_critical = kind[0].is_ascii_uppercase() || !kind[0].is_ascii_alphabetic();
            if is_critical {
                self.ready.extend(head);
                self.n_passing = u64::from(length) + CHECKSUM_BYTES as u64;
                return Ok(());
            }
            let is_wanted = matches!(&kind, b"tRNS" | b"iCCP" | b"eXIf" | b"iTXt");
            let limit = if is_wanted {
                LIMIT_ASIDE_BYTES
            } else {
                LIMIT_CHECKED_BYTES
            };
            if length > limit {
                self.found.is_damaged |= is_wanted;
                let after = i64::from(length) + CHECKSUM_BYTES as i64;
                self.source.seek(SeekFrom::Current(after))?;
                continue;
            }
            let mut rest = Vec::new();
            let n_rest = u64::from(length) + CHECKSUM_BYTES as u64;
            let source = &mut *self.source;
            let n_there = source.take(n_rest).read_to_end(&mut rest)?;
            if (n_there as u64) < n_rest {
                // The file ends here.
                return Ok(());
            }
            let contents = &rest[..length as usize];
            if self.passes(kind, contents, &rest[length as usize..]) {
                self.ready.extend(head);
                self.ready.extend(rest);
                return Ok(());
            }
        }
    }

    /// Whether a chunk beside the pixels is one that something is learned from. Takes note of it.
    fn passes(&mut self, kind: [u8; 4], contents: &[u8], checksum: &[u8]) -> bool {
        let mut sum = crc32fast::Hasher::new();
        sum.update(&kind);
        sum.update(contents);
        let is_whole = checksum == sum.finalize().to_be_bytes();
        match &kind {
            // Its absence is told by what is missing.
            b"iCCP" => self.found.has_profile = true,
            b"tRNS" => self.found.has_transparency = true,
            _ if !is_whole || !makes_sense(kind, contents) => self.found.is_damaged = true,
            b"acTL" => self.found.is_animated = true,
            _ => {}
        }
        is_whole
            && match &kind {
                b"tRNS" | b"iCCP" | b"eXIf" => true,
                b"iTXt" => contents.starts_with(marking::PNG_KEYWORD.as_bytes()),
                _ => false,
            }
    }
}

/// Of chunks that other programs go by, though Limn does not.
fn makes_sense(kind: [u8; 4], contents: &[u8]) -> bool {
    match &kind {
        // Code points of ITU-T H.273 that are given away, and for PNG no matrix.
        b"cICP" => matches!(contents, [1..=12 | 22, 1..=18, 0, 0 | 1]),
        b"acTL" => contents.len() == 8 && contents[..4] != [0; 4] && contents[0] < 0x80,
        b"fcTL" => contents.len() == 26,
        b"eXIf" => contents.starts_with(b"II*\0") || contents.starts_with(b"MM\0*"),
        _ => true,
    }
}

/// Whether all of `bytes` were there.
fn read_whole(source: &mut dyn Source, bytes: &mut [u8]) -> io::Result<bool> {
    match source.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

impl BufRead for StillChunks<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.n_read == self.ready.len() && self.n_passing == 0 {
            self.next_chunk()?;
        }
        if self.n_read < self.ready.len() {
            return Ok(&self.ready[self.n_read..]);
        }
        let n_passing = usize::try_from(self.n_passing).unwrap_or(usize::MAX);
        if n_passing == 0 {
            return Ok(&[]);
        }
        let bytes = self.source.fill_buf()?;
        Ok(&bytes[..bytes.len().min(n_passing)])
    }

    fn consume(&mut self, n: usize) {
        let n_ready = n.min(self.ready.len() - self.n_read);
        self.n_read += n_ready;
        let n_passed = n - n_ready;
        self.source.consume(n_passed);
        self.n_passing -= n_passed as u64;
    }
}

impl Read for StillChunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

/// The decoder asks for it and reads on end.
impl Seek for StillChunks<'_> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
