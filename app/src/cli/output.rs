//! The only place of the app that prints, and the door through which all that it prints goes.
//!
//! Standard error is for people: where nobody can read it, closed or full, the work goes on. Standard output is the
//! answer. When it cannot be written the command ends with 1, after the work that nobody can do again: pictures are
//! saved. A reader that has heard enough, as `head` has, is no failure, as with ripgrep: the rest is not written and
//! the command ends as it would have. One that was closed from the start (`>&-`) asks for no answer: it is `/dev/null`
//! for every program in Rust.
//!
//! Nothing printed steers the terminal: what others wrote is escaped here. Names within a text of several lines are
//! escaped where the text is put together.

use std::{
    fmt::{Display, Write as _},
    io::{self, ErrorKind, Write, stdout},
    process::ExitCode,
    sync::OnceLock,
};

use limn_engine::{foreign_text, standard_error};

/// Why standard output takes no more.
static FAILURE: OnceLock<io::Error> = OnceLock::new();

/// A line of an answer, on standard output.
pub fn line(text: impl Display) {
    print(foreign_text::line(text));
}

/// An answer of several lines, on standard output.
pub fn lines(text: impl Display) {
    print(foreign_text::lines(text));
}

/// One event for a script, as one line of JSON on standard output.
pub fn json(event: &serde_json::Value) {
    print(without_hidden(&event.to_string()));
}

fn print(text: impl Display) {
    if !is_open() {
        return;
    }
    let mut stdout = stdout().lock();
    if let Err(error) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        // The first reason counts.
        let _ = FAILURE.set(error);
    }
}

/// Whether standard output still takes something: long answers end where it does not.
pub fn is_open() -> bool {
    FAILURE.get().is_none()
}

/// A line about the work, on standard error.
pub fn note(text: impl Display) {
    standard_error::line(foreign_text::message(text));
}

/// Why it failed, in one line on standard error.
pub fn error(error: &anyhow::Error) {
    let text = format!("limn: {error:#}");
    standard_error::line(foreign_text::message(text.trim_end()));
}

/// Tells how the command ended, and whether its answer was written.
pub fn end(result: anyhow::Result<()>) -> ExitCode {
    let result = result.and_then(|()| match FAILURE.get() {
        Some(failure) if failure.kind() != ErrorKind::BrokenPipe => Err(anyhow::anyhow!(
            "the answer cannot be written to standard output: {failure}"
        )),
        _ => Ok(()),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            error(&failure);
            ExitCode::FAILURE
        }
    }
}

/// Help, the version, or what is wrong with the arguments: 2 for these.
pub fn usage(message: &clap::Error) -> ExitCode {
    /// What is repeated of a message; a longer one repeats an argument that nobody typed.
    const LIMIT_MESSAGE_BYTES: usize = 4 << 10;
    if !message.use_stderr() {
        let printed = message.print().and_then(|()| stdout().flush());
        if let Err(error) = printed {
            let _ = FAILURE.set(error);
        }
        return end(Ok(()));
    }
    // The message repeats them, and a script may have put a file's name there.
    let mut arguments = std::env::args_os();
    let mut plain = message.render().to_string();
    let is_long = plain.len() > LIMIT_MESSAGE_BYTES;
    let has_hidden =
        arguments.any(|argument| argument.to_string_lossy().contains(foreign_text::is_hidden));
    if has_hidden || is_long {
        if is_long {
            plain.truncate(plain.floor_char_boundary(LIMIT_MESSAGE_BYTES));
            plain.push('…');
        }
        standard_error::line(foreign_text::lines(plain.trim_end()));
    } else {
        // In colour, on a terminal.
        let _ = message.print();
    }
    ExitCode::from(2)
}

/// JSON that says the same without characters that a terminal would obey: outside of its strings there are none, and
/// `serde_json` escapes only those below a space.
fn without_hidden(json: &str) -> String {
    if !json.contains(foreign_text::is_hidden) {
        return json.to_owned();
    }
    let mut escaped = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        if foreign_text::is_hidden(character) {
            for unit in character.encode_utf16(&mut units) {
                // A string takes everything.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn json_says_the_same_without_what_a_terminal_obeys() {
        let event = json!({
            "plain": "boats at dusk, 夜の港, 👩‍🚀",
            "hostile": "\u{1b}[31m\u{9b}2J\u{7f}\u{202e}\u{2066}\u{200b}\u{e0041}\n\0",
        });
        let text = without_hidden(&event.to_string());
        assert!(!text.contains(foreign_text::is_hidden), "{text}");
        assert!(text.contains("夜の港, 👩‍🚀"), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, event);
    }
}
