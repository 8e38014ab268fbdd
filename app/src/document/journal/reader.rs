use super::super::replay::Replay;
use super::super::steps::Direction;
use super::super::stored_runs::StoredRuns;
use super::record::{Frame, Record};
use super::{
    Error, FRAME_BYTES, HEADER_BYTES, JournalFile, LIMIT_BLOBS_BYTES, LIMIT_HEAD_BYTES,
    LIMIT_TEXT_BYTES, MAGIC, Marker, Result, VERSION,
};

/// How much of the file is read at once, at least.
const WINDOW_BYTES: u64 = 1 << 20;
/// How many times its length may be read of a file, beside [`FREE_BYTES`]: a whole one is read twice at most. Behind
/// damage each beginning of a record is tried, and a file may be full of them.
const LIMIT_TIMES_READ: u64 = 8;
const FREE_BYTES: u64 = 64 << 20;

/// A file read to its last good state, without the pixels.
pub struct Contents {
    pub replay: Replay,
    pub name: String,
    /// Not by a prompt.
    pub name_is_given: bool,
    pub runs: StoredRuns,
    /// Where it was last saved, and which state.
    pub saved: Option<(String, u64)>,
    pub marker: Marker,
    /// The number of the next record to append.
    pub next_number: u64,
    /// Records after the last good one had to be left out.
    pub is_damaged: bool,
    /// The length of the file.
    pub n_bytes: u64,
}

/// Reads a whole file and checks every byte of it.
///
/// # Errors
/// If it cannot be read, is no project of a version that is known, or has nothing that is whole.
pub fn read(file: &JournalFile) -> Result<Contents> {
    let mut bytes = Window::open(file)?;
    let marker = header(&mut bytes)?;
    let mut contents = Contents {
        replay: Replay::default(),
        name: String::new(),
        name_is_given: false,
        runs: StoredRuns::default(),
        saved: None,
        marker,
        next_number: 0,
        is_damaged: false,
        n_bytes: bytes.len,
    };
    let mut offset = HEADER_BYTES;
    while offset < bytes.len {
        match whole_record(&mut bytes, offset, marker)? {
            Some((frame, record)) => {
                // What was written twice is passed over; so is what comes after a gap.
                if frame.number == contents.next_number {
                    if !contents.take(record, offset + FRAME_BYTES + u64::from(frame.head_bytes)) {
                        // Limn did not write it, and nothing follows on it.
                        contents.is_damaged = true;
                        break;
                    }
                    contents.next_number += 1;
                } else if frame.number > contents.next_number {
                    contents.is_damaged = true;
                }
                offset += frame.n_bytes();
            }
            None => offset = next_marker(&mut bytes, offset + 1, marker)?,
        }
        if bytes.is_read_too_often() {
            contents.is_damaged = true;
            break;
        }
    }
    contents.replay.catch_up();
    if contents.is_damaged && contents.next_number == 0 {
        return Err(Error::Damaged {
            path: file.path.clone(),
        });
    }
    Ok(contents)
}

fn header(bytes: &mut Window) -> Result<Marker> {
    let path = &bytes.file.path.clone();
    let not_a_project = || Error::NotAProject { path: path.clone() };
    let header = bytes.at(0, HEADER_BYTES)?.ok_or_else(not_a_project)?;
    let rest = header.strip_prefix(&MAGIC).ok_or_else(not_a_project)?;
    let (version, rest) = rest.split_first_chunk().ok_or_else(not_a_project)?;
    // Before the checksum: a newer version may have another header.
    if u16::from_le_bytes(*version) > VERSION {
        return Err(Error::Newer { path: path.clone() });
    }
    let marker = rest[2..].first_chunk().ok_or_else(not_a_project)?;
    let (checked, crc) = header.split_at(HEADER_BYTES as usize - 4);
    if crc32fast::hash(checked).to_le_bytes() != crc {
        return Err(Error::Damaged { path: path.clone() });
    }
    Ok(Marker(*marker))
}

fn whole_record(
    bytes: &mut Window,
    offset: u64,
    marker: Marker,
) -> Result<Option<(Frame, Record)>> {
    let Some(frame) = bytes
        .at(offset, FRAME_BYTES)?
        .and_then(|frame| Frame::parse(frame, marker))
    else {
        return Ok(None);
    };
    if frame.head_bytes > LIMIT_HEAD_BYTES || frame.blobs_bytes > LIMIT_BLOBS_BYTES {
        return Ok(None);
    }
    let body = bytes.at(offset + FRAME_BYTES, frame.n_bytes() - FRAME_BYTES)?;
    let record = body.and_then(|body| {
        let (head, blobs) = body.split_at_checked(frame.head_bytes as usize)?;
        frame.record(head, blobs)
    });
    Ok(record.map(|record| (frame, record)))
}

/// Where the next record may begin, from `offset` on; the end of the file if nowhere.
fn next_marker(bytes: &mut Window, mut offset: u64, marker: Marker) -> Result<u64> {
    let n_marker = marker.0.len() as u64;
    while offset + n_marker <= bytes.len {
        let part = bytes.rest(offset, n_marker)?;
        let n_bytes = part.len() as u64;
        if n_bytes < n_marker {
            break;
        }
        if let Some(found) = part
            .windows(marker.0.len())
            .position(|part| part == marker.0)
        {
            return Ok(offset + found as u64);
        }
        offset += n_bytes - (n_marker - 1);
    }
    Ok(bytes.len)
}

impl Contents {
    /// Plays a record. False if it cannot follow on what was before.
    fn take(&mut self, record: Record, blobs_start: u64) -> bool {
        match record {
            Record::Tiles(heads) => {
                if !heads.iter().all(|head| head.is_sound()) {
                    return false;
                }
                let mut offset = blobs_start;
                for head in heads {
                    self.replay
                        .versions
                        .add(head.kind, Some(head.place(offset)));
                    offset += u64::from(head.n_bytes);
                }
                true
            }
            Record::Step(step) => self.replay.step(step),
            Record::Undo => self.replay.advance(Direction::Back),
            Record::Redo => self.replay.advance(Direction::Forth),
            Record::Base => self.replay.begin_here(),
            Record::Run(run) => self.runs.add_run(run, &self.replay.versions),
            Record::Result(result) => self.runs.add_result(result, &self.replay.versions),
            Record::HideRun { run, is_hidden } => {
                self.runs.hide(run, is_hidden);
                true
            }
            Record::Named(name) => {
                self.name_is_given = !name.is_empty();
                self.take_name(name)
            }
            Record::NamedAfterPrompt(name) => {
                self.name_is_given = false;
                self.take_name(name)
            }
            Record::Saved { path, serial } => {
                let is_sound = path.len() <= LIMIT_TEXT_BYTES;
                if is_sound {
                    self.saved = Some((path, serial));
                }
                is_sound
            }
        }
    }
}

impl Contents {
    fn take_name(&mut self, name: String) -> bool {
        let is_sound = name.len() <= LIMIT_TEXT_BYTES;
        if is_sound {
            self.name = name;
        }
        is_sound
    }
}

/// A file of which a part is in memory.
struct Window<'a> {
    file: &'a JournalFile,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
    /// Over all, what was read or looked at.
    n_read: u64,
}

impl<'a> Window<'a> {
    fn open(file: &'a JournalFile) -> Result<Self> {
        let failed = |cause| Error::io("open the project", &file.path, cause);
        if !file.path.is_file() && file.path.exists() {
            // Not even opened: a named pipe would wait for its other end.
            return Err(Error::NotAProject {
                path: file.path.clone(),
            });
        }
        let (_, len) = file.fs.modified(&file.path).map_err(failed)?;
        Ok(Self {
            file,
            len,
            start: 0,
            bytes: Vec::new(),
            n_read: 0,
        })
    }

    /// `None` if the file ends before.
    fn at(&mut self, offset: u64, n_bytes: u64) -> Result<Option<&[u8]>> {
        if offset.saturating_add(n_bytes) > self.len {
            return Ok(None);
        }
        let end = self.start + self.bytes.len() as u64;
        if offset < self.start || offset + n_bytes > end {
            self.read(offset, n_bytes.max(WINDOW_BYTES))?;
        }
        self.n_read += n_bytes;
        let from = (offset - self.start) as usize;
        // Shorter than it was: cut while it was read.
        Ok(self.bytes.get(from..from + n_bytes as usize))
    }

    /// What is in memory from `offset` on, at least `n_bytes` unless the file ends before.
    fn rest(&mut self, offset: u64, n_bytes: u64) -> Result<&[u8]> {
        let end = self.start + self.bytes.len() as u64;
        if offset < self.start || offset + n_bytes > end {
            self.read(offset, WINDOW_BYTES)?;
        }
        let from = (offset - self.start) as usize;
        Ok(self.bytes.get(from..).unwrap_or_default())
    }

    fn read(&mut self, offset: u64, n_bytes: u64) -> Result<()> {
        let failed = |cause| Error::io("open the project", &self.file.path, cause);
        let JournalFile { fs, path } = self.file;
        self.bytes = fs.read_from(path, offset, n_bytes).map_err(failed)?;
        self.start = offset;
        self.n_read += self.bytes.len() as u64;
        Ok(())
    }

    fn is_read_too_often(&self) -> bool {
        self.n_read > self.len.saturating_mul(LIMIT_TIMES_READ) + FREE_BYTES
    }
}
