use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use super::error::Error;
use super::format::HEAD_BYTES;
use crate::files::open_named;

/// What decoders that need a file as a whole are given at most.
const LIMIT_WHOLE_BYTES: u64 = 256 << 20;
/// A picture of the greatest size in 16 bit that cannot be compressed.
const LIMIT_FILE_BYTES: u64 = (2 << 30) + (64 << 20);

/// A reader that decoders can move about in.
pub trait Source: BufRead + Seek {}

impl<T: BufRead + Seek> Source for T {}

/// `Read` for a reader that knows what comes next: a part of what it has at hand.
pub fn read_buffered(source: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let bytes = source.fill_buf()?;
    let n = bytes.len().min(buffer.len());
    buffer[..n].copy_from_slice(&bytes[..n]);
    source.consume(n);
    Ok(n)
}

/// The bytes of a picture.
pub enum Input<'a> {
    Memory(Cursor<&'a [u8]>),
    File {
        reader: BufReader<File>,
        n_bytes: u64,
    },
}

impl<'a> Input<'a> {
    pub fn memory(bytes: &'a [u8]) -> Self {
        Self::Memory(Cursor::new(bytes))
    }

    /// # Errors
    /// For what cannot be read or is no regular file, and for a file that is larger than any picture.
    pub fn file(path: &Path) -> Result<Self, Error> {
        let io = |cause| Error::Io { cause };
        let file = open_named(path).map_err(io)?;
        let n_bytes = file.metadata().map_err(io)?.len();
        if n_bytes > LIMIT_FILE_BYTES {
            return Err(Error::FileTooLarge {
                bytes: n_bytes,
                limit_bytes: LIMIT_FILE_BYTES,
            });
        }
        let reader = BufReader::with_capacity(64 << 10, file);
        Ok(Self::File { reader, n_bytes })
    }

    pub fn n_bytes(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.get_ref().len() as u64,
            Self::File { n_bytes, .. } => *n_bytes,
        }
    }

    /// The first bytes, by which the format is told.
    pub fn head(&mut self) -> Result<Vec<u8>, Error> {
        let io = |cause| Error::Io { cause };
        let mut head = Vec::with_capacity(HEAD_BYTES);
        let source = self.source();
        source
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut head)
            .map_err(io)?;
        self.source().seek(SeekFrom::Start(0)).map_err(io)?;
        Ok(head)
    }

    pub fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Memory(bytes) => bytes,
            Self::File { reader, .. } => reader,
        }
    }

    /// All bytes, for decoders that need them so.
    pub fn whole(&mut self) -> Result<Cow<'a, [u8]>, Error> {
        match self {
            Self::Memory(bytes) => Ok(Cow::Borrowed(bytes.get_ref())),
            Self::File { n_bytes, .. } if *n_bytes > LIMIT_WHOLE_BYTES => {
                Err(Error::FileTooLarge {
                    bytes: *n_bytes,
                    limit_bytes: LIMIT_WHOLE_BYTES,
                })
            }
            Self::File { reader, n_bytes } => {
                let mut bytes = Vec::with_capacity(*n_bytes as usize);
                let read = reader.take(LIMIT_WHOLE_BYTES).read_to_end(&mut bytes);
                read.map_err(|cause| Error::Io { cause })?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// What [`Self::whole`] allocates.
    pub fn whole_bytes(&self) -> u64 {
        match self {
            Self::Memory(_) => 0,
            Self::File { n_bytes, .. } => *n_bytes,
        }
    }
}
