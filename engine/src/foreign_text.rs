//! The one door for text that others wrote: names, class names, headers, tensor names, paths, far engines' words.
//!
//! Such text may hold what steers a terminal, what turns a line's direction, or 40 MB of anything. Through this door
//! it is a line that shows what it is, and short. [`Error`](crate::Error) shows all its fields so, and so does
//! whatever else is told or logged.

use std::{
    fmt::{self, Display, Write},
    path::Path,
};

use crate::plain_words;

/// A name is cut after so many characters.
pub const MAX_NAME_CHARS: usize = 200;
/// A message is cut before it is longer.
pub const MAX_MESSAGE_BYTES: usize = 1024;
/// The reason within a message, so that a path after it is still there.
const MAX_REASON_BYTES: usize = 512;
const MAX_PATH_BYTES: usize = 384;
const CUT: &str = "…";

/// Foreign text as it may be shown. Costs no more than what is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<T> {
    text: T,
    max_chars: usize,
    max_bytes: usize,
    keeps_lines: bool,
    /// Words of programmers become those of everybody.
    is_plain: bool,
}

/// In one line, of [`MAX_NAME_CHARS`] characters at most.
pub fn name<T: Display>(text: T) -> Shown<T> {
    Shown {
        max_chars: MAX_NAME_CHARS,
        ..line(text)
    }
}

/// In one line, of [`MAX_MESSAGE_BYTES`] at most, in [plain words](crate::plain_words).
pub fn message<T: Display>(text: T) -> Shown<T> {
    Shown {
        max_bytes: MAX_MESSAGE_BYTES,
        is_plain: true,
        ..line(text)
    }
}

/// In one line, of any length.
pub fn line<T: Display>(text: T) -> Shown<T> {
    Shown {
        text,
        max_chars: usize::MAX,
        max_bytes: usize::MAX,
        keeps_lines: false,
        is_plain: false,
    }
}

/// With its line breaks and tabs, of any length: a prompt that is shown by itself.
pub fn lines<T: Display>(text: T) -> Shown<T> {
    Shown {
        keeps_lines: true,
        ..line(text)
    }
}

/// As a part of a message.
pub(crate) fn reason<T: Display>(text: T) -> Shown<T> {
    Shown {
        max_bytes: MAX_REASON_BYTES,
        is_plain: true,
        ..line(text)
    }
}

/// As the last part of a message. What is cut is the start: the end tells which file it is.
pub fn path(path: &Path) -> String {
    let shown = line(path.display()).to_string();
    if shown.len() <= MAX_PATH_BYTES {
        return shown;
    }
    let mut start = shown.len() - (MAX_PATH_BYTES - CUT.len());
    while !shown.is_char_boundary(start) {
        start += 1;
    }
    format!("{CUT}{}", &shown[start..])
}

/// Names with commas between, as a part of a message.
pub(crate) fn names<T: AsRef<str>>(names: &[T]) -> String {
    struct Joined<'a, T>(&'a [T]);

    impl<T: AsRef<str>> Display for Joined<'_, T> {
        fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
            for (i, text) in self.0.iter().enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                write!(formatter, "{comma}{}", name(text.as_ref()))?;
            }
            Ok(())
        }
    }

    reason(Joined(names)).to_string()
}

/// Whether a character shows nothing of itself, or steers what is shown: controls of terminals (C0, C1), changes of
/// direction, separators of lines, invisible characters that belong to no script.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

impl<T: Display> Display for Shown<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        if !self.is_plain {
            return self.write_to(formatter);
        }
        let mut shown = String::new();
        self.write_to(&mut shown)?;
        let plain = plain_words::plain(&shown);
        if plain.len() <= self.max_bytes {
            return formatter.write_str(&plain);
        }
        // Plain words may be longer.
        let end = plain.floor_char_boundary(self.max_bytes - CUT.len());
        write!(formatter, "{}{CUT}", &plain[..end])
    }
}

impl<T: Display> Shown<T> {
    /// The words as they came.
    fn write_to(&self, output: &mut dyn Write) -> fmt::Result {
        let mut door = Door {
            output,
            chars_left: self.max_chars,
            bytes_left: self.max_bytes,
            keeps_lines: self.keeps_lines,
            held: String::new(),
            is_cut: false,
            has_failed: false,
        };
        // Ends early by an error of its own, so that nobody writes 40 MB for nothing.
        let _ = write!(door, "{}", self.text);
        door.finish()
    }
}

/// Lets through what may be shown, until there is enough.
struct Door<'a> {
    output: &'a mut dyn Write,
    chars_left: usize,
    bytes_left: usize,
    keeps_lines: bool,
    /// The last of what may still be shown: it gives way to the mark of a cut.
    held: String,
    is_cut: bool,
    has_failed: bool,
}

impl Door<'_> {
    fn show(&mut self, shown: &str) -> fmt::Result {
        let n_chars = shown.chars().count();
        if n_chars > self.chars_left || shown.len() > self.bytes_left {
            self.is_cut = true;
            return Err(fmt::Error);
        }
        self.chars_left -= n_chars;
        self.bytes_left -= shown.len();
        let is_last = self.chars_left == 0 || self.bytes_left < CUT.len();
        let result = if is_last {
            self.held.push_str(shown);
            Ok(())
        } else {
            self.output.write_str(shown)
        };
        self.has_failed |= result.is_err();
        result
    }

    /// Whether so many bytes more can be shown without a look at where to cut.
    fn is_far_from_cut(&self, n_bytes: usize) -> bool {
        n_bytes < self.chars_left && n_bytes + CUT.len() < self.bytes_left
    }

    fn finish(self) -> fmt::Result {
        if self.has_failed {
            return Err(fmt::Error);
        }
        let end = if self.is_cut { CUT } else { &self.held };
        self.output.write_str(end)
    }
}

impl Write for Door<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let keeps_lines = self.keeps_lines;
        let is_shown = |c: char| !is_hidden(c) || (keeps_lines && matches!(c, '\n' | '\t'));
        if self.is_far_from_cut(text.len()) && text.chars().all(is_shown) {
            return self.show(text);
        }
        let mut buffer = [0; 4];
        for character in text.chars() {
            if is_shown(character) {
                self.show(character.encode_utf8(&mut buffer))?;
            } else {
                self.show(&character.escape_default().to_string())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_steers_or_hides_is_spelt_out_and_the_rest_stays() {
        for (text, shown) in [
            ("", ""),
            ("plain", "plain"),
            ("C:\\models\\naïve 模型 👩‍🚀", "C:\\models\\naïve 模型 👩‍🚀"),
            (
                "\u{1b}[31mred\u{1b}]0;title\u{7}",
                "\\u{1b}[31mred\\u{1b}]0;title\\u{7}",
            ),
            ("C1\u{9b}2J\u{7f}", "C1\\u{9b}2J\\u{7f}"),
            ("two\nlines\r\tand", "two\\nlines\\r\\tand"),
            (
                "gpj.\u{202e}exe\u{2066}\u{200f}",
                "gpj.\\u{202e}exe\\u{2066}\\u{200f}",
            ),
            ("line\u{2028}sep\u{2029}", "line\\u{2028}sep\\u{2029}"),
            (
                "zero\u{200b}width\u{feff}\u{2060}",
                "zero\\u{200b}width\\u{feff}\\u{2060}",
            ),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("nul\0", "nul\\u{0}"),
        ] {
            assert_eq!(line(text).to_string(), shown);
            assert_eq!(name(text).to_string(), shown);
            assert_eq!(message(text).to_string(), shown);
        }
        assert_eq!(lines("a\n\tb\r\u{1b}").to_string(), "a\n\tb\\r\\u{1b}");
        let hidden = (0..=u32::from(char::MAX))
            .filter_map(char::from_u32)
            .filter(|c| is_hidden(*c));
        for character in hidden {
            let shown = line(character).to_string();
            assert!(!shown.contains(is_hidden), "{shown}");
        }
    }

    #[test]
    fn cuts_are_marked_and_only_where_something_is_cut() {
        for unit in ["x", "é", "模", "👩", "\u{1b}", "a\u{202e}模"] {
            for n in 0..1100 {
                let text = unit.repeat(n);
                let whole = line(&text).to_string();
                let shown = message(&text).to_string();
                assert!(shown.len() <= MAX_MESSAGE_BYTES, "{n} of {unit:?}");
                match shown.strip_suffix(CUT) {
                    Some(start) => {
                        assert!(whole.starts_with(start) && whole.len() > MAX_MESSAGE_BYTES);
                    }
                    None => assert_eq!(shown, whole),
                }
                let shown = name(&text).to_string();
                assert!(shown.chars().count() <= MAX_NAME_CHARS, "{n} of {unit:?}");
                match shown.strip_suffix(CUT) {
                    Some(start) => {
                        assert!(whole.starts_with(start));
                        assert!(whole.chars().count() > MAX_NAME_CHARS);
                    }
                    None => assert_eq!(shown, whole),
                }
            }
        }
    }

    #[test]
    fn text_without_end_is_read_no_further_than_it_is_shown() {
        struct Endless;

        impl Display for Endless {
            fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                loop {
                    formatter.write_str("and so on ")?;
                }
            }
        }

        assert!(message(Endless).to_string().ends_with(CUT));
        assert!(name(Endless).to_string().ends_with(CUT));
    }

    #[test]
    fn a_long_path_keeps_its_end() {
        let deep = format!("/{}model.safetensors", "模型\u{7}/".repeat(500));
        let shown = path(Path::new(&deep));
        assert!(shown.len() <= MAX_PATH_BYTES);
        assert!(
            shown.starts_with(CUT) && shown.ends_with("/model.safetensors"),
            "{shown}"
        );
        assert_eq!(path(Path::new("/a/b")), "/a/b");
    }

    #[test]
    fn lists_are_short_too() {
        assert_eq!(names(&["a", "b\n"]), "a, b\\n");
        assert!(names(&vec!["x".repeat(1 << 20); 100]).len() <= MAX_REASON_BYTES);
    }
}
