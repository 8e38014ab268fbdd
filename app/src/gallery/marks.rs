//! The user's own marks on pictures: stars, tags, boards, notes, titles. One line of JSON each, only ever
//! appended; the last line about a thing holds. Written before the index learns of them.

use std::io;

use jiff::Timestamp;
use limn_engine::foreign_text;
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};
use super::layout::{Layout, PictureId};
use crate::clock;
use crate::files::{Fs, too_large};

/// Characters in a tag's or board's name.
const LIMIT_NAME: usize = 200;
/// Characters in a note.
const LIMIT_NOTE: usize = 10_000;
/// How much of the file is read at once; also the longest line that is understood.
const READ_BYTES: u64 = 4 << 20;
/// Pictures in one line: with the longest note it is far below what is read at once.
const PICTURES_A_LINE: usize = 10_000;
/// A longer file is none of Limn's: a million pictures with ten marks each fit. A sparse one may have any length.
const LIMIT_FILE_BYTES: u64 = 1 << 30;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Star(bool),
    Tag {
        name: String,
        on: bool,
    },
    Board {
        name: String,
        on: bool,
    },
    /// An empty note is none.
    Note(String),
    /// The user's own name for the picture; an empty one is none.
    Title(String),
    /// The name of the file in which it came, from elsewhere.
    Origin(String),
}

/// A change of a board or a tag as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A board is there without a picture, too.
    MakeBoard {
        name: String,
    },
    /// If there is a board of the new name already, the two become one.
    RenameBoard {
        from: String,
        to: String,
    },
    /// The pictures on it stay in the gallery.
    DeleteBoard {
        name: String,
    },
    RenameTag {
        from: String,
        to: String,
    },
    DeleteTag {
        name: String,
    },
}

impl Mark {
    fn check(&self) -> Result<()> {
        match self {
            // What is there may be taken off, however it came there.
            Self::Star(_) | Self::Tag { on: false, .. } | Self::Board { on: false, .. } => Ok(()),
            Self::Tag { name, .. } => check_name("the tag", name),
            Self::Board { name, .. } => check_name("the board's name", name),
            Self::Note(text) => check_length("the note", text, LIMIT_NOTE),
            Self::Title(text) => check_length("the title", text, LIMIT_NAME),
            Self::Origin(text) => check_length("the file's name", text, LIMIT_NOTE),
        }
    }
}

impl Change {
    fn check(&self) -> Result<()> {
        match self {
            Self::MakeBoard { name } | Self::RenameBoard { to: name, .. } => {
                check_name("the board's name", name)
            }
            Self::RenameTag { to, .. } => check_name("the tag", to),
            Self::DeleteBoard { .. } | Self::DeleteTag { .. } => Ok(()),
        }
    }
}

/// Joins letters, or chooses their shape, and shows nothing alone.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200c}' | '\u{200d}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
        | '\u{e0100}'..='\u{e01ef}')
}

fn check_name(what: &'static str, name: &str) -> Result<()> {
    // What shows nothing is nothing to call anything by.
    if name
        .chars()
        .all(|c| c.is_whitespace() || foreign_text::is_hidden(c) || is_joiner(c))
    {
        return Err(Error::Empty { what });
    }
    check_length(what, name, LIMIT_NAME)
}

fn check_length(what: &'static str, text: &str, limit: usize) -> Result<()> {
    if text.chars().count() > limit {
        return Err(Error::TooLong { what, limit });
    }
    Ok(())
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at: Timestamp,
    #[serde(flatten)]
    pub said: Said,
}

/// What a line says, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Said {
    Picture {
        picture: PictureId,
        #[serde(flatten)]
        mark: Mark,
    },
    /// The same of several, in one line: a write that is cut short marks none of them.
    Pictures {
        pictures: Vec<PictureId>,
        #[serde(flatten)]
        mark: Mark,
    },
    Change(Change),
}

/// Puts a mark on pictures, durably: on all of them or on none; of more than ten thousand, on all of each
/// ten thousand or on none.
pub fn append(fs: &dyn Fs, layout: &Layout, pictures: &[PictureId], mark: &Mark) -> Result<()> {
    mark.check()?;
    let said = pictures
        .chunks(PICTURES_A_LINE)
        .map(|pictures| match pictures {
            [picture] => Said::Picture {
                picture: *picture,
                mark: mark.clone(),
            },
            _ => Said::Pictures {
                pictures: pictures.to_vec(),
                mark: mark.clone(),
            },
        });
    append_lines(fs, layout, said)
}

/// Puts a mark of its own on each of several pictures, durably and in one write.
pub fn append_each(
    fs: &dyn Fs,
    layout: &Layout,
    marks: impl IntoIterator<Item = (PictureId, Mark)>,
) -> Result<()> {
    let said = marks.into_iter().map(|(picture, mark)| {
        mark.check()?;
        Ok(Said::Picture { picture, mark })
    });
    append_lines(fs, layout, said.collect::<Result<Vec<_>>>()?)
}

/// Writes a change down durably.
pub fn append_change(fs: &dyn Fs, layout: &Layout, change: Change) -> Result<()> {
    change.check()?;
    append_lines(fs, layout, [Said::Change(change)])
}

fn append_lines(fs: &dyn Fs, layout: &Layout, said: impl IntoIterator<Item = Said>) -> Result<()> {
    let path = layout.marks_file();
    let failed = |source| Error::io("write down the mark", &path, source);
    let mut text = String::new();
    if ends_torn(fs, layout).map_err(failed)? {
        text.push('\n');
    }
    let at = clock::now();
    for said in said {
        let line = serde_json::to_string(&Line { at, said });
        text.push_str(&line.map_err(|error| failed(error.into()))?);
        text.push('\n');
    }
    fs.append_synced(&path, text.as_bytes()).map_err(failed)
}

/// Whether the last line was cut short by a crash.
fn ends_torn(fs: &dyn Fs, layout: &Layout) -> io::Result<bool> {
    let n_bytes = file_bytes(fs, layout)?;
    if n_bytes == 0 {
        return Ok(false);
    }
    let last = fs.read_from(&layout.marks_file(), n_bytes - 1, 1)?;
    Ok(last.last().is_some_and(|byte| *byte != b'\n'))
}

fn file_bytes(fs: &dyn Fs, layout: &Layout) -> io::Result<u64> {
    match fs.modified(&layout.marks_file()) {
        Ok((_, n_bytes)) => Ok(n_bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Lines of the file from an offset on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tail {
    pub lines: Vec<Line>,
    /// Where the next read starts.
    pub offset: u64,
    /// The file was shortened or exchanged: these lines start it anew, and all from before is void.
    pub starts_anew: bool,
    pub has_more: bool,
}

/// Reads what was appended since `offset`. Lines that cannot be read are left out: a torn one, one of a
/// newer version. A last line without its end is left for the next read.
pub fn read_tail(fs: &dyn Fs, layout: &Layout, offset: u64) -> Result<Tail> {
    let path = layout.marks_file();
    let failed = |source| Error::io("read the marks", &path, source);
    let n_bytes = file_bytes(fs, layout).map_err(failed)?;
    if n_bytes > LIMIT_FILE_BYTES {
        return Err(failed(too_large(LIMIT_FILE_BYTES)));
    }
    let starts_anew = offset > n_bytes;
    let offset = if starts_anew { 0 } else { offset };
    let bytes = fs.read_from(&path, offset, READ_BYTES).map_err(failed)?;
    let is_full = bytes.len() as u64 == READ_BYTES;
    let end = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(last) => last + 1,
        // One line longer than anything Limn writes: passed over.
        None if is_full => bytes.len(),
        None => 0,
    };
    let lines = bytes[..end]
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    Ok(Tail {
        lines,
        offset: offset + end as u64,
        starts_anew,
        has_more: is_full,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::files::RealFs;

    fn gallery_folder() -> (tempfile::TempDir, Layout) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        (folder, layout)
    }

    #[test]
    fn a_file_of_any_length_is_read_or_refused_soon() {
        let (_folder, layout) = gallery_folder();
        let file = std::fs::File::create(layout.marks_file()).unwrap();
        file.set_len(1 << 40).unwrap();
        let error = read_tail(&RealFs, &layout, 0).unwrap_err().to_string();
        assert!(error.contains("larger than 1024 MiB"), "{error}");
        assert!(error.contains("move it away"), "{error}");
        // A line without an end is passed over part by part.
        file.set_len(3 * READ_BYTES + 1).unwrap();
        let mut offset = 0;
        for _ in 0..3 {
            let tail = read_tail(&RealFs, &layout, offset).unwrap();
            assert!(tail.has_more && tail.lines.is_empty());
            offset = tail.offset;
        }
        assert!(!read_tail(&RealFs, &layout, offset).unwrap().has_more);
    }

    #[test]
    fn marks_survive_a_torn_line() {
        let (_folder, layout) = gallery_folder();
        let id = PictureId::new();
        append(&RealFs, &layout, &[id], &Mark::Star(true)).unwrap();
        RealFs
            .append_synced(&layout.marks_file(), b"{\"at\":\"2026-1")
            .unwrap();
        let before = read_tail(&RealFs, &layout, 0).unwrap();
        assert_eq!(before.lines.len(), 1);
        let note = Mark::Note("the \u{1f6a4} one\nof two lines".into());
        append(&RealFs, &layout, &[id], &note).unwrap();
        let after = read_tail(&RealFs, &layout, before.offset).unwrap();
        let said: Vec<&Said> = after.lines.iter().map(|line| &line.said).collect();
        let expected = Said::Picture {
            picture: id,
            mark: note,
        };
        assert_eq!(said, [&expected]);
        assert_eq!(read_tail(&RealFs, &layout, after.offset).unwrap().lines, []);
    }

    #[test]
    fn a_mark_on_many_that_is_cut_short_is_on_none() {
        let (_folder, layout) = gallery_folder();
        let ids: Vec<_> = std::iter::repeat_with(PictureId::new).take(300).collect();
        append(&RealFs, &layout, &ids, &Mark::Star(true)).unwrap();
        let whole = std::fs::read(layout.marks_file()).unwrap();
        for n_bytes in [1, whole.len() / 2, whole.len() - 2] {
            std::fs::write(layout.marks_file(), &whole[..n_bytes]).unwrap();
            append(&RealFs, &layout, &ids[..1], &Mark::Star(false)).unwrap();
            let tail = read_tail(&RealFs, &layout, 0).unwrap();
            let said: Vec<&Said> = tail.lines.iter().map(|line| &line.said).collect();
            let unstarred = Said::Picture {
                picture: ids[0],
                mark: Mark::Star(false),
            };
            assert_eq!(said, [&unstarred], "{n_bytes} bytes");
        }
    }

    #[test]
    fn a_shortened_file_starts_anew() {
        let (_folder, layout) = gallery_folder();
        append(&RealFs, &layout, &[PictureId::new()], &Mark::Star(true)).unwrap();
        let tail = read_tail(&RealFs, &layout, 1_000_000).unwrap();
        assert!(tail.starts_anew);
        assert_eq!(tail.lines.len(), 1);
    }

    #[test]
    fn foreign_lines_are_passed_over() {
        let (_folder, layout) = gallery_folder();
        let id = PictureId::new();
        let mut text = vec![b'x'; READ_BYTES as usize + 10];
        let lines = format!(
            "\n[]\n{{\"at\":\"2026-11-24T00:00:00Z\",\"picture\":\"../../etc/passwd\",\"star\":true}}\n\
             {{\"at\":\"2026-11-24T00:00:00Z\",\"picture\":\"{id}\",\"future\":1}}\n\
             {{\"at\":\"2026-11-24T00:00:00Z\",\"picture\":\"{id}\",\"star\":true}}\n"
        );
        text.extend(lines.as_bytes());
        RealFs.append_synced(&layout.marks_file(), &text).unwrap();
        let mut found = Vec::new();
        let mut offset = 0;
        loop {
            let tail = read_tail(&RealFs, &layout, offset).unwrap();
            offset = tail.offset;
            found.extend(tail.lines);
            if !tail.has_more {
                break;
            }
        }
        assert_eq!(found.len(), 1);
        let star = Said::Picture {
            picture: id,
            mark: Mark::Star(true),
        };
        assert_eq!(found[0].said, star);
    }

    #[test]
    fn a_name_may_not_be_a_novel() {
        let (_folder, layout) = gallery_folder();
        let mark = Mark::Tag {
            name: "x".repeat(LIMIT_NAME + 1),
            on: true,
        };
        let error = append(&RealFs, &layout, &[PictureId::new()], &mark).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the tag is too long: use at most 200 characters"
        );
        let change = Change::MakeBoard { name: " ".into() };
        let error = append_change(&RealFs, &layout, change).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the board's name is empty: write at least one character"
        );
        assert!(!layout.marks_file().exists());
    }
}
