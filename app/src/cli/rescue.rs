//! A finished picture that cannot be saved where it should be: on a full disk, in a folder that has gone. It took
//! minutes to make, so it is kept wherever there is room, and the user is told where.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::output;
use crate::files::{Existing, RealFs, create_dirs, remedy, sweep, write_atomically};
use crate::paths::Folders;

/// How often another try is made while there is room nowhere.
const RETRY_PERIOD: Duration = Duration::from_secs(1);
/// A script waits so long for room; a user at a terminal until it is there.
const SCRIPT_PATIENCE: Duration = Duration::from_secs(10);

/// Where a picture lies.
#[derive(Debug)]
pub struct Saved {
    pub path: PathBuf,
    /// Why it does not lie where it was to go.
    pub trouble: Option<String>,
}

/// Keeps a picture's file elsewhere, and says so. Where there is room nowhere it waits for some.
///
/// # Errors
/// If no room was made.
pub fn keep(file: &[u8], wanted: &Path, error: &io::Error) -> anyhow::Result<Saved> {
    let trouble = format!("{error}: {}: {}", remedy(error), wanted.display());
    if let Some(rescued) = keep_in(&places(), file, wanted, &trouble) {
        return Ok(rescued);
    }
    let waits_for_user = io::stderr().is_terminal() && io::stdin().is_terminal();
    let ending = if waits_for_user {
        "Limn tries again every second; Ctrl-C twice gives the picture up"
    } else {
        "Limn tries again for a while"
    };
    output::note(format!(
        "the picture cannot be saved ({trouble}), nor anywhere else; {ending}"
    ));
    let since = Instant::now();
    loop {
        std::thread::sleep(RETRY_PERIOD);
        let saved = write_atomically(&RealFs, wanted, file, Existing::Replace);
        match saved {
            Ok(()) => {
                return Ok(Saved {
                    path: wanted.to_owned(),
                    trouble: None,
                });
            }
            Err(error) => {
                if let Some(rescued) = keep_in(&places(), file, wanted, &trouble) {
                    return Ok(rescued);
                }
                if !waits_for_user && since.elapsed() > SCRIPT_PATIENCE {
                    return Err(error).with_context(|| {
                        format!("the picture cannot be saved: {}", wanted.display())
                    });
                }
            }
        }
    }
}

/// Beside Limn's own files; else where the system keeps temporary ones, in a folder that only this user can open.
fn places() -> Vec<PathBuf> {
    let own = Folders::find().ok().map(|folders| folders.rescued());
    let temporary = tempfile::Builder::new().prefix("limn-rescued-").tempdir();
    let temporary = temporary.ok().map(tempfile::TempDir::keep);
    own.into_iter().chain(temporary).collect()
}

fn keep_in(places: &[PathBuf], file: &[u8], wanted: &Path, trouble: &str) -> Option<Saved> {
    let kept = places
        .iter()
        .find_map(|folder| write_new(folder, file, wanted).ok());
    // The folder of temporary files that was not needed.
    for folder in places.iter().skip(1) {
        let _ = std::fs::remove_dir(folder);
    }
    let path = kept?;
    output::note(format!(
        "the picture cannot be saved ({trouble}); it lies here instead: {}",
        path.display()
    ));
    Some(Saved {
        path,
        trouble: Some(trouble.to_owned()),
    })
}

/// Under the name that it was to have, or one with a number.
fn write_new(folder: &Path, file: &[u8], wanted: &Path) -> io::Result<PathBuf> {
    create_dirs(&RealFs, folder)?;
    sweep(&RealFs, folder);
    let stem = wanted.file_stem().unwrap_or_default().to_string_lossy();
    for n in 1.. {
        let name = match n {
            1 => format!("{stem}.png"),
            n => format!("{stem}-{n}.png"),
        };
        let path = folder.join(name);
        match write_atomically(&RealFs, &path, file, Existing::Keep) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && n < 10_000 => {}
            result => return result.map(|()| path),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_picture_is_kept_in_the_first_place_that_takes_it_and_replaces_none() {
        let home = tempfile::tempdir().unwrap();
        let blocked = home.path().join("a file");
        std::fs::write(&blocked, b"").unwrap();
        let places = [blocked, home.path().join("not there yet")];
        let wanted = Path::new("/full/boat.png");
        let kept: Vec<PathBuf> = [b"one", b"two"]
            .map(|file| keep_in(&places, file, wanted, "full").unwrap().path)
            .into();
        let names = ["boat.png", "boat-2.png"].map(|name| places[1].join(name));
        assert_eq!(kept, names);
        assert_eq!(std::fs::read(&names[0]).unwrap(), b"one");
        assert_eq!(std::fs::read(&names[1]).unwrap(), b"two");
        assert!(keep_in(&places[..1], b"x", wanted, "full").is_none());
    }
}
