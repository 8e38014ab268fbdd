//! Files on disk before anything in them is believed.

use std::{fs::File, io, path::Path};

use crate::{Error, Result, regular_file::open_named};

/// A model's file and its length in bytes.
pub(super) fn open_file(path: &Path) -> Result<(File, u64)> {
    let opened = open_named(path).and_then(|file| {
        let n_bytes = file.metadata()?.len();
        Ok((file, n_bytes))
    });
    opened.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Error::BadWeights {
            path: path.to_owned(),
            reason: "it is not a regular file".to_owned(),
        },
        _ => Error::io(path, error),
    })
}

/// What a file that is not safetensors is, from its first bytes.
///
/// `torch.save` writes a zip with a pickle inside, and before version 1.6 wrote a bare pickle.
pub(super) fn foreign_format(start: &[u8]) -> Option<&'static str> {
    match start {
        [b'P', b'K', 3 | 5, 4 | 6, ..] | [0x80, 2..=5, ..] => Some("pickle"),
        [b'G', b'G', b'U', b'F', ..] => Some("GGUF"),
        [0x89, b'H', b'D', b'F', ..] => Some("HDF5"),
        [b'<', ..] => Some("web page"),
        [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' ', ..] => Some("Git LFS pointer"),
        _ => None,
    }
}

/// What leads from a file of such a format to the weights.
pub(super) fn remedy(format: &str) -> &'static str {
    match format {
        "web page" => ": download the weights again, perhaps after a login on that page",
        "Git LFS pointer" => ": it only names them, and `git lfs pull` fetches them",
        "GGUF" => ", which Limn does not read yet: look for the same model as .safetensors",
        _ => "",
    }
}

#[cfg(unix)]
pub(super) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
pub(super) fn read_exact_at(file: &File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n_read) => {
                buffer = &mut buffer[n_read..];
                offset += n_read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
