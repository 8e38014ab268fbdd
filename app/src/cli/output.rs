//! The only place of the app that prints.
//!
//! A reader that has heard enough, as `head` has, is no reason to fail.

use std::{
    fmt::Display,
    io::{Write, stdout},
};

/// A line of an answer, on standard output.
pub fn line(text: impl Display) {
    let _ = writeln!(stdout(), "{text}");
}

/// One event for a script, as one line of JSON on standard output.
pub fn json(event: &serde_json::Value) {
    let _ = writeln!(stdout(), "{event}");
}

/// A line about the work, on standard error.
pub fn note(text: impl Display) {
    eprintln!("{text}");
}

/// Why it failed, in one line on standard error.
pub fn error(error: &anyhow::Error) {
    let text = format!("{error:#}");
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("unknown").to_owned();
    let one_line = lines.fold(first, |all, line| all + "; " + line);
    eprintln!("limn: {one_line}");
}
