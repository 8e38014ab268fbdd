//! How an index is opened, and made anew. It is derived from picture files and marks, so nothing that is wrong with
//! its file keeps anyone from the gallery: what cannot be used is set aside, and another is made.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Index, carrying, schema};
use crate::files::Lock;
use crate::gallery::error::{Error, Result};

/// How long to wait for another Limn that makes the index anew.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(30);

/// As `SQLite` calls a database without a file.
const IN_MEMORY: &str = ":memory:";

/// An index that was opened.
pub struct Opened {
    pub index: Index,
    /// Nothing is in it yet.
    pub is_new: bool,
    /// What the user should know about it.
    pub notice: Option<String>,
}

/// Which file a connection has open, whatever happens to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

/// Why an index cannot be used as it is.
enum Fault {
    /// Its file is no index, or a damaged one.
    Damaged(String),
    Newer,
    /// The disk is full or may not be written.
    Unwritable(rusqlite::Error),
    /// It will answer another time.
    Other(rusqlite::Error),
}

impl Index {
    /// Opens the index at a path, or makes one. What is there and cannot be used is set aside.
    ///
    /// Where the disk takes no index, one in memory does for as long as it is open.
    ///
    /// # Errors
    /// If another process keeps it busy, or the damaged one cannot be set aside.
    pub fn open(path: &Path) -> Result<Opened> {
        let was_there = path.symlink_metadata().is_ok();
        match open_sound(path) {
            Ok(index) => Ok(Opened {
                index,
                is_new: !was_there,
                notice: None,
            }),
            Err(Fault::Damaged(reason)) => renew(path, None, &reason),
            Err(Fault::Newer) => open_beside_newer(path),
            Err(Fault::Unwritable(cause)) => open_without_room(path, &cause),
            Err(Fault::Other(cause)) => Err(failed(path, cause)),
        }
    }

    /// An index that nobody else sees and that nothing is left of.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn in_memory() -> Result<Self> {
        let path = PathBuf::from(IN_MEMORY);
        let prepare = || {
            let mut connection = Connection::open_in_memory()?;
            schema::prepare(&mut connection)?;
            Ok(connection)
        };
        let connection = prepare().map_err(|cause| failed(&path, cause))?;
        Ok(Self {
            connection,
            path,
            identity: None,
        })
    }

    /// Whether nothing is left of it once it is closed.
    pub fn is_in_memory(&self) -> bool {
        self.path == Path::new(IN_MEMORY)
    }

    /// Sets this index aside, which gave a wrong answer, and makes another.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn renew(self, reason: &str) -> Result<Opened> {
        let (path, identity) = (self.path.clone(), self.identity);
        // No system lets go of the name of a file that this process has open.
        drop(self);
        renew(&path, identity, reason)
    }
}

fn failed(path: &Path, cause: rusqlite::Error) -> Error {
    Error::Index {
        path: path.to_owned(),
        cause,
    }
}

fn open_sound(path: &Path) -> Result<Index, Fault> {
    let parts = [
        OsString::from(path),
        journal(path, "-wal"),
        journal(path, "-shm"),
    ];
    for part in parts.iter().map(Path::new) {
        if part
            .symlink_metadata()
            .is_ok_and(|metadata| !metadata.is_file())
        {
            return Err(Fault::Damaged("it is no regular file".to_owned()));
        }
    }
    let connection = connect(path, false)?;
    Ok(Index {
        connection,
        path: path.to_owned(),
        identity: identity(path),
    })
}

/// Opens the database and sees whether it holds what an index holds. `alone`: no other process may have it open, and
/// then no memory has to be shared with one, which takes room on the disk.
fn connect(path: &Path, alone: bool) -> Result<Connection, Fault> {
    let run = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        if alone {
            connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        }
        if !schema::prepare(&mut connection)? {
            return Ok(None);
        }
        let shape = shape(&connection)?;
        Ok(Some((connection, shape)))
    };
    match run() {
        Ok(None) => Err(Fault::Newer),
        Ok(Some((connection, shape))) if Some(&shape) == right_shape() => Ok(connection),
        Ok(Some(_)) => Err(Fault::Damaged("tables are missing".to_owned())),
        Err(error) if is_unwritable(&error) => Err(Fault::Unwritable(error)),
        Err(error) if is_damage(&error) => Err(Fault::Damaged(error.to_string())),
        Err(error) => Err(Fault::Other(error)),
    }
}

/// Every table, index and column by name.
type Shape = Vec<(String, Option<String>)>;

fn shape(connection: &Connection) -> rusqlite::Result<Shape> {
    let sql = "SELECT type || ' ' || name,
            (SELECT group_concat(name) FROM pragma_table_info(schema.name))
        FROM sqlite_schema AS schema WHERE name NOT LIKE 'sqlite%' ORDER BY 1";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// The shape of an index that was just made.
fn right_shape() -> Option<&'static Shape> {
    static SHAPE: OnceLock<Option<Shape>> = OnceLock::new();
    let make = || shape(&Index::in_memory().ok()?.connection).ok();
    SHAPE.get_or_init(make).as_ref()
}

/// The index of a newer Limn stays, for that one; ours gets a file of its own.
fn open_beside_newer(path: &Path) -> Result<Opened> {
    let own = path.with_extension(format!("v{}.sqlite", schema::VERSION));
    let was_there = own.symlink_metadata().is_ok();
    let opened = match open_sound(&own) {
        Err(Fault::Damaged(reason)) => renew(&own, None, &reason)?,
        Err(Fault::Unwritable(cause)) => open_without_room(&own, &cause)?,
        Err(Fault::Other(cause)) => return Err(failed(&own, cause)),
        // Nobody newer writes there.
        Err(Fault::Newer) => renew(&own, None, "it is not what its name says")?,
        Ok(index) => Opened {
            index,
            is_new: !was_there,
            notice: None,
        },
    };
    let say = || {
        let path = path.display();
        format!(
            "The gallery's index was made by a newer Limn; this one makes an index of its own from your pictures: {path}"
        )
    };
    Ok(Opened {
        notice: opened.notice.or_else(|| opened.is_new.then(say)),
        ..opened
    })
}

/// A full disk may not keep anyone from making room.
fn open_without_room(path: &Path, cause: &rusqlite::Error) -> Result<Opened> {
    let (index, is_new) = match connect(path, true) {
        Ok(connection) => {
            let index = Index {
                connection,
                path: path.to_owned(),
                identity: identity(path),
            };
            (index, false)
        }
        Err(_) => (Index::in_memory()?, true),
    };
    let notice = format!(
        "The gallery's index cannot be written ({cause}), and Limn goes on without: free some space on the disk, or allow Limn to write there: {}",
        path.display()
    );
    Ok(Opened {
        index,
        is_new,
        notice: Some(notice),
    })
}

/// Sets aside what is at the path and makes another; `identity` is the file that was found to be damaged, if one was
/// open.
fn renew(path: &Path, identity_before: Option<Identity>, reason: &str) -> Result<Opened> {
    if path == Path::new(IN_MEMORY) {
        let index = Index::in_memory()?;
        return Ok(Opened {
            index,
            is_new: true,
            notice: None,
        });
    }
    let aside_failed = |error| Error::io("set the damaged index aside", path, error);
    let lock = Lock::take(&path.with_extension("lock"), |waited| {
        waited > RENEWAL_TIMEOUT
    });
    let _lock = lock.map_err(aside_failed)?;
    // Another process may have been faster.
    let is_another = identity_before.is_none() || identity(path) != identity_before;
    if is_another && let Ok(index) = open_sound(path) {
        return Ok(Opened {
            index,
            is_new: false,
            notice: None,
        });
    }
    let aside = set_aside(path).map_err(aside_failed)?;
    let mut index = match open_sound(path) {
        Ok(index) => index,
        Err(Fault::Unwritable(cause)) => return open_without_room(path, &cause),
        Err(Fault::Other(cause)) => return Err(failed(path, cause)),
        Err(Fault::Damaged(_) | Fault::Newer) => Index::in_memory()?,
    };
    carrying::carry_over(&aside, &mut index.connection);
    let notice = format!(
        "The gallery's index was damaged ({reason}) and is made again from your pictures. The old one is set aside: {}",
        aside.display()
    );
    Ok(Opened {
        index,
        is_new: true,
        notice: Some(notice),
    })
}

/// Moves the database and its journals away; returns where it is now. Of those set aside before, the last one is
/// enough.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = (0..1000)
        .map(|n: u32| match n {
            0 => path.with_extension("broken"),
            n => path.with_extension(format!("{n}.broken")),
        })
        .find(|aside| match aside.symlink_metadata() {
            Err(_) => true,
            Ok(metadata) => metadata.is_file() && fs::remove_file(aside).is_ok(),
        });
    let aside = aside.ok_or(io::ErrorKind::AlreadyExists)?;
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(journal(&aside, ending));
        let from = journal(path, ending);
        if Path::new(&from).symlink_metadata().is_ok() {
            let to = journal(&aside, ending);
            // Where a folder of that name is in the way, this one goes elsewhere still.
            let to = if Path::new(&to).exists() {
                journal(&aside, &format!("{ending}.old"))
            } else {
                to
            };
            fs::rename(&from, to)?;
        }
    }
    match fs::rename(path, &aside) {
        // A journal without its database: nothing more is in the way.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(aside),
        result => result.map(|()| aside),
    }
}

/// `SQLite` names its journals after the database.
fn journal(path: &Path, ending: &str) -> OsString {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.symlink_metadata().ok()?;
    Some(Identity(metadata.dev(), metadata.ino()))
}

/// Elsewhere a file that somebody has open cannot be set aside in the first place.
#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}

/// Whether the disk does not take what is to be written.
pub(in crate::gallery) fn is_unwritable(error: &rusqlite::Error) -> bool {
    // These two are read errors: the file is shorter than it says, or its checksums are wrong.
    use rusqlite::ffi::{SQLITE_IOERR_DATA, SQLITE_IOERR_SHORT_READ};
    let extended_code = error.sqlite_error().map(|error| error.extended_code);
    if matches!(
        extended_code,
        Some(SQLITE_IOERR_DATA | SQLITE_IOERR_SHORT_READ)
    ) {
        return false;
    }
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
        )
    )
}

/// Whether the database is not what an index is: torn pages, missing tables, rows of another kind. What passes by
/// itself is none of that.
pub(in crate::gallery) fn is_damage(error: &rusqlite::Error) -> bool {
    let passes = matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::OperationAborted
                | ErrorCode::FileLockingProtocolFailed
        )
    );
    !passes && !is_unwritable(error)
}
