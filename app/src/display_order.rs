//! The order in which a line is drawn where words run from right to left (Unicode Standard Annex 9).
//!
//! egui shapes each word of a right-to-left script in its own direction, but sets the words of a line from left to
//! right, whatever their script. A line of a label is therefore given to it with its words in the order of the
//! screen. The text of a field is not: the caret goes by the order of typing.

use std::borrow::Cow;

use unicode_bidi::{BidiClass, BidiInfo, bidi_class};

/// `line` with its words as they stand on the screen from left to right. The letters of a word keep their order.
pub fn in_display_order(line: &str) -> Cow<'_, str> {
    // Most lines are told from their bytes: the first letter from right to left is U+0590.
    if line.chars().all(|c| c < '\u{590}') {
        return Cow::Borrowed(line);
    }
    let bidi = BidiInfo::new(line, None);
    if !bidi.has_rtl() {
        return Cow::Borrowed(line);
    }
    let mut ordered = String::with_capacity(line.len());
    for paragraph in &bidi.paragraphs {
        let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let is_reversed = levels[run.start].is_rtl();
            let text = &line[run];
            if is_reversed {
                push_reversed(&mut ordered, text);
            } else {
                ordered.push_str(text);
            }
        }
    }
    Cow::Owned(ordered)
}

/// The last word first. What stands between words is drawn by itself, brackets mirrored.
fn push_reversed(ordered: &mut String, text: &str) {
    let mut end = text.len();
    while let Some(last) = text[..end].chars().next_back() {
        if is_in_word(last) {
            let word = text[..end].char_indices().rev();
            let word = word.take_while(|(_, c)| is_in_word(*c));
            let start = word.last().map_or(end, |(start, _)| start);
            ordered.push_str(&text[start..end]);
            end = start;
        } else {
            ordered.push(mirrored(last));
            end -= last.len_utf8();
        }
    }
}

/// Letters and their marks, and the joiners between them.
fn is_in_word(c: char) -> bool {
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
}
