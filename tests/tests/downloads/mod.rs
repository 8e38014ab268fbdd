//! T9: what comes from a server is the right file, or none. A server on this machine does whatever servers do.

pub mod commands;
mod faults;
mod models;
pub mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use limn::downloads::{Checksum, Client, Error, Offline, Patience, Progress, Wanted, fetch};
use server::Server;

const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(2),
    read: Duration::from_millis(300),
    n_vain_tries: 3,
    n_tries: 200,
    first_pause: Duration::from_millis(1),
};

fn client() -> Client {
    Client::new(Offline(false), PATIENCE).unwrap()
}

/// No two of them alike in their beginnings.
fn content(seed: u8) -> Vec<u8> {
    (0..100_000_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 ^ seed)
        .collect()
}

fn sha256(bytes: &[u8]) -> Checksum {
    Checksum::Sha256(Sha256::digest(bytes).into())
}

/// A folder to fetch into, and a file that is wanted there.
struct Bench {
    folder: TempDir,
    wanted: Wanted,
}

impl Bench {
    fn new(server: &Server, content: &[u8]) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            wanted: Wanted {
                url: server.url("/sea.safetensors"),
                size: Some(content.len() as u64),
                checksum: Some(sha256(content)),
                token: None,
            },
        }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("sea.safetensors")
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join(".sea.safetensors.part")
    }

    fn fetch(&self) -> Result<(), Error> {
        fetch(&client(), &self.wanted, &self.target(), &mut |_| true)
    }

    /// Stops once so many bytes are there.
    fn fetch_until(&self, n_bytes: u64) -> Result<(), Error> {
        let mut until =
            |progress| !matches!(progress, Progress::Received { n_bytes: n, .. } if n >= n_bytes);
        fetch(&client(), &self.wanted, &self.target(), &mut until)
    }

    /// The right file and nothing else, or no file of that name.
    #[track_caller]
    fn check(&self, expected: Option<&[u8]>) {
        match expected {
            Some(expected) => {
                assert!(
                    std::fs::read(self.target()).unwrap() == expected,
                    "another file"
                );
                assert_eq!(names(self.folder.path()), ["sea.safetensors"]);
            }
            None => assert!(
                !self.target().exists(),
                "a file that is not whole or not right"
            ),
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
