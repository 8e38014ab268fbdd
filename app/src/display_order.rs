//! The order in which a line is drawn where words run from right to left (Unicode Standard Annex 9).
//!
//! egui shapes each word of a right-to-left script in its own direction, but sets the words of a line from left to
//! right, whatever their script. A line of a label is therefore given to it with its words in the order of the
//! screen, and so is the text of a field.

use std::borrow::Cow;
use std::ops::Range;

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

/// `line` with its words as they stand on the screen from left to right. The letters of a word keep their order.
pub fn in_display_order(line: &str) -> Cow<'_, str> {
    // Most lines are told from their bytes: the first letter from right to left is U+0590.
    if line.chars().all(|c| c < '\u{590}') {
        return Cow::Borrowed(line);
    }
    ordered(line, None)
}

/// `level`: the direction of the text that the line is of, where that is not the line's own.
fn ordered(line: &str, level: Option<Level>) -> Cow<'_, str> {
    if !has_right_to_left(line) && level.is_none_or(|level| level.is_ltr()) {
        return Cow::Borrowed(line);
    }
    let placed = placed(line, level).into_iter();
    Cow::Owned(placed.map(|placed| placed.chr).collect())
}

/// A character where it stands on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedChar {
    /// Its place in the order of typing.
    pub index: usize,
    /// As it is given to egui: a bracket may be mirrored.
    pub chr: char,
    pub is_right_to_left: bool,
}

/// The characters of a line from left to right, but for the letters of a word, which egui reverses.
fn placed(line: &str, level: Option<Level>) -> Vec<PlacedChar> {
    let bidi = BidiInfo::new(line, level);
    let chars: Vec<(usize, char)> = line.char_indices().collect();
    let char_at = |byte| chars.partition_point(|(at, _)| *at < byte);
    let mut visual = Vec::with_capacity(chars.len());
    for paragraph in &bidi.paragraphs {
        let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let is_reversed = levels[run.start].is_rtl();
            let range = char_at(run.start)..char_at(run.end);
            if is_reversed {
                push_reversed(&mut visual, &chars, range);
            } else {
                visual.extend(range.map(|index| PlacedChar {
                    index,
                    chr: chars[index].1,
                    is_right_to_left: false,
                }));
            }
        }
    }
    visual
}

/// Whether some of it runs from right to left.
pub fn has_right_to_left(text: &str) -> bool {
    let is_so = |c| matches!(bidi_class(c), BidiClass::R | BidiClass::AL);
    text.chars().any(|c| c >= '\u{590}' && is_so(c))
}

/// A text in lines, each with its words as they stand on the screen; `line_chars` are the lengths of the lines that it
/// is wrapped to, line breaks included. It has as many characters as before: a space at which a line was wrapped becomes
/// a line break, so that no word of the next one moves up.
pub fn lines_in_display_order(text: &str, line_chars: impl Iterator<Item = usize>) -> String {
    let mut visual = String::with_capacity(text.len());
    for line in placed_lines(text, line_chars) {
        visual.extend(line.chars.iter().map(|placed| placed.chr));
        match line.gap.strip_suffix(' ') {
            Some(gap) if !line.is_last => {
                visual.push_str(gap);
                visual.push('\n');
            }
            _ => visual.push_str(line.gap),
        }
    }
    visual
}

/// A line of a text as it stands on the screen.
pub struct PlacedLine<'a> {
    pub chars: Vec<PlacedChar>,
    /// What is white at its end, in the order of typing.
    pub gap: &'a str,
    is_last: bool,
}

/// The lines of a text; `line_chars` as for [`lines_in_display_order`].
pub fn placed_lines(text: &str, line_chars: impl Iterator<Item = usize>) -> Vec<PlacedLine<'_>> {
    let mut lines = Vec::new();
    let bidi = BidiInfo::new(text, None);
    let mut paragraphs = bidi.paragraphs.iter().peekable();
    let mut rest = text;
    for n_chars in line_chars {
        let end = rest
            .char_indices()
            .nth(n_chars)
            .map_or(rest.len(), |(end, _)| end);
        let start = text.len() - rest.len();
        let (line, after) = rest.split_at(end);
        rest = after;
        while paragraphs.next_if(|one| one.range.end <= start).is_some() {}
        let level = paragraphs.peek().map(|one| one.level);
        let words = line.trim_end();
        lines.push(PlacedLine {
            chars: placed(words, level),
            gap: &line[words.len()..],
            is_last: rest.is_empty(),
        });
    }
    if !rest.is_empty() {
        lines.push(PlacedLine {
            chars: placed(rest, Some(Level::ltr())),
            gap: "",
            is_last: true,
        });
    }
    lines
}

/// The last word first. What stands between words is drawn by itself, brackets mirrored.
fn push_reversed(visual: &mut Vec<PlacedChar>, chars: &[(usize, char)], range: Range<usize>) {
    let mut end = range.end;
    while end > range.start {
        let word = (range.start..end).rev();
        let word = word.take_while(|index| is_in_word(chars[*index].1));
        let start = word.last().unwrap_or(end - 1);
        visual.extend((start..end).map(|index| PlacedChar {
            index,
            chr: mirrored(chars[index].1),
            is_right_to_left: true,
        }));
        end = start;
    }
}

/// Letters and their marks, and the joiners between them.
pub fn is_in_word(c: char) -> bool {
    let class = bidi_class(c);
    matches!(class, BidiClass::R | BidiClass::AL | BidiClass::NSM)
        || matches!(c, '\u{200c}' | '\u{200d}')
}

fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        '«' => '»',
        '»' => '«',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_as_on_the_screen() {
        for (line, expected) in [
            ("", ""),
            ("a red house", "a red house"),
            ("赤い家 🚀", "赤い家 🚀"),
            ("بيت", "بيت"),
            ("بيت أحمر كبير", "كبير أحمر بيت"),
            ("בית אדום", "אדום בית"),
            ("a בית אדום house", "a אדום בית house"),
            ("בית red house אדום", "אדום red house בית"),
            ("בית (אדום)", "(אדום) בית"),
            ("בית 12", "12 בית"),
            ("בַּיִת אדום", "אדום בַּיִת"),
        ] {
            assert_eq!(in_display_order(line), expected, "{line}");
        }
    }

    #[test]
    fn each_line_of_a_text_is_ordered_by_itself() {
        for (text, lines, expected) in [
            ("a red house", vec![11], "a red house"),
            ("בית אדום", vec![8], "אדום בית"),
            ("בית אדום גדול מאוד", vec![9, 9], "אדום בית\nמאוד גדול"),
            ("בית אדום\nגדול מאוד", vec![9, 9], "אדום בית\nמאוד גדול"),
            ("a בית אדום house", vec![6, 10], "a בית\nאדום house"),
        ] {
            let ordered = lines_in_display_order(text, lines.into_iter());
            assert_eq!(ordered, expected, "{text}");
            assert_eq!(ordered.chars().count(), text.chars().count());
        }
        assert!(has_right_to_left("a بيت") && !has_right_to_left("赤い家 🚀 é"));
    }
}
