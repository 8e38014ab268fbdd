//! The only place of the app that prints.

#![expect(
    clippy::print_stdout,
    reason = "a command line answers on standard output"
)]

use std::fmt::Display;

/// A line of an answer, on standard output.
pub fn line(text: impl Display) {
    println!("{text}");
}

/// One event for a script, as one line of JSON on standard output.
pub fn json(event: &serde_json::Value) {
    println!("{event}");
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
