//! The part of a file that is there by now, and what tells whether the rest still belongs to it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Checksum, Error};
use crate::files::{self, Existing, Lock, RealFs, open_own, read_own, write_atomically};

/// What is known of the file on the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    /// Changes with the file; only a strong one is kept.
    etag: Option<String>,
    size: Option<u64>,
}

const MAX_VERSION_BYTES: u64 = 16 << 10;

/// A file on its way, held by this process alone.
pub(super) struct Partial {
    target: PathBuf,
    file: File,
    version: Version,
    n_bytes: u64,
    hash: Hash,
    /// Whether some of it came in an earlier run or before a cut.
    is_resumed: bool,
    _lock: Lock,
}

impl Partial {
    /// Goes on with what is there of `target`, or begins.
    ///
    /// # Errors
    /// [`Error::Busy`]; of the disk.
    pub fn open(
        target: &Path,
        checksum: Option<Checksum>,
        size: Option<u64>,
    ) -> Result<Self, Error> {
        let lock = Lock::try_take(&beside(target, "lock"))?.ok_or(Error::Busy)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = open_own(&beside(target, "part"), &options)?;
        let version = read_own(&beside(target, "version"), MAX_VERSION_BYTES).ok();
        let version = version.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut hash = Hash::new(checksum, size);
        let n_bytes = hash.read(&mut file)?;
        Ok(Self {
            target: target.to_owned(),
            file,
            version: version.unwrap_or_default(),
            n_bytes,
            hash,
            is_resumed: n_bytes > 0,
            _lock: lock,
        })
    }

    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    pub fn is_resumed(&self) -> bool {
        self.is_resumed
    }

    pub fn size(&self) -> Option<u64> {
        self.version.size
    }

    pub fn etag(&self) -> Option<&str> {
        self.version.etag.as_deref()
    }

    /// Whether bytes of a file with this etag continue it. Where the server names none, the hash has to tell at the end.
    pub fn continues(&self, etag: Option<&str>) -> bool {
        match (self.etag(), etag) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => self.hash.is_checked(),
        }
    }

    /// Forgets what is there.
    pub fn begin_again(&mut self, etag: Option<String>, size: Option<u64>) -> Result<(), Error> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.n_bytes = 0;
        self.is_resumed = false;
        self.hash.begin_again();
        self.version = Version { etag, size };
        let bytes = serde_json::to_vec(&self.version).map_err(io::Error::other)?;
        write_atomically(
            &RealFs,
            &beside(&self.target, "version"),
            &bytes,
            Existing::Replace,
        )?;
        Ok(())
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Err(error) = self.file.write_all(bytes) {
            // The rest of the write may be there: only what was counted is.
            let _ = self.file.set_len(self.n_bytes);
            let _ = self.file.seek(SeekFrom::Start(self.n_bytes));
            return Err(error.into());
        }
        self.hash.update(bytes);
        self.n_bytes += bytes.len() as u64;
        Ok(())
    }

    /// A later append continues what a cut has ended.
    pub fn was_cut(&mut self) {
        self.is_resumed = self.n_bytes > 0;
    }

    /// Whether the whole file has the hash it should have.
    pub fn is_right(&self) -> bool {
        self.hash.is_right()
    }

    /// Gives the file its name. One that has it already stays.
    pub fn finish(self) -> Result<(), Error> {
        self.file.sync_all()?;
        let fs: &dyn files::Fs = &RealFs;
        fs.rename(&beside(&self.target, "part"), &self.target)?;
        if let Some(folder) = self.target.parent() {
            fs.sync_dir(folder)?;
        }
        // Of no harm where they stay.
        let _ = fs.remove(&beside(&self.target, "version"));
        let _ = fs.remove(&beside(&self.target, "lock"));
        Ok(())
    }

    /// Removes what is wrong.
    pub fn discard(self) {
        for ending in ["part", "version", "lock"] {
            let _ = std::fs::remove_file(beside(&self.target, ending));
        }
    }
}

fn beside(target: &Path, ending: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".");
    name.push(ending);
    target.with_file_name(name)
}

/// The hash of what has come so far.
struct Hash {
    expected: Option<Checksum>,
    size: Option<u64>,
    state: State,
}

enum State {
    None,
    Sha256(Sha256),
    Git(sha1::Sha1),
}

impl Hash {
    fn new(expected: Option<Checksum>, size: Option<u64>) -> Self {
        let mut hash = Self {
            expected,
            size,
            state: State::None,
        };
        hash.begin_again();
        hash
    }

    fn begin_again(&mut self) {
        self.state = match self.expected {
            None => State::None,
            Some(Checksum::Sha256(_)) => State::Sha256(Sha256::new()),
            // Git hashes a header before the content.
            Some(Checksum::Git(_)) => {
                let mut hash = sha1::Sha1::new();
                hash.update(format!("blob {}\0", self.size.unwrap_or_default()));
                State::Git(hash)
            }
        };
    }

    fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::None => {}
            State::Sha256(hash) => hash.update(bytes),
            State::Git(hash) => hash.update(bytes),
        }
    }

    /// Everything in the file; how much that is. The file stands at its end.
    fn read(&mut self, file: &mut File) -> io::Result<u64> {
        let mut buffer = vec![0; 1 << 20];
        let mut n_bytes = 0;
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                return Ok(n_bytes);
            }
            self.update(&buffer[..n]);
            n_bytes += n as u64;
        }
    }

    fn is_checked(&self) -> bool {
        self.expected.is_some()
    }

    fn is_right(&self) -> bool {
        match (&self.expected, &self.state) {
            (Some(Checksum::Sha256(expected)), State::Sha256(hash)) => {
                hash.clone().finalize().as_slice() == expected
            }
            (Some(Checksum::Git(expected)), State::Git(hash)) => {
                hash.clone().finalize().as_slice() == expected
            }
            _ => true,
        }
    }
}

/// Whether a file that is there has this hash; with its size.
pub(super) fn has(path: &Path, checksum: Checksum) -> io::Result<bool> {
    let mut file = files::open_named(path)?;
    let size = file.metadata()?.len();
    let mut hash = Hash::new(Some(checksum), Some(size));
    hash.read(&mut file)?;
    Ok(hash.is_right())
}
