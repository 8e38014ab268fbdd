//! Standard error, for people: a line that nobody can read is no reason to end the work.

use std::{fmt::Display, io::Write};

/// Writes a line, or nothing where standard error is closed or full. `eprintln!` panics there.
pub fn line(text: impl Display) {
    // One write for one line: those of several processes do not mix.
    let line = format!("{text}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}
