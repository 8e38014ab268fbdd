//! By which words a picture is found: what the full-text index stores of a text, and what a search asks of it.
//!
//! Both are folded ([`fold`]) and cut into the same tokens, so everything that a search holds is plain text: no sign means
//! anything to the index. A run of letters and digits is a token; so is each sign by itself, and each character of a script
//! that is written without spaces. A word of a search is found where its tokens follow each other, the last of them as
//! the beginning of a word: "C++" is `c + +`, "夜の港" is `夜 の 港`.

use std::collections::HashSet;

use unicode_normalization::char::is_combining_mark;

use crate::folding::fold;

/// The index, which keeps no copy of the texts. `ascii` cuts at spaces and takes whatever is not ASCII for letters.
pub(super) const MIGRATION: &str = "
    DROP TABLE words;
    CREATE VIRTUAL TABLE words USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'ascii');
";

/// The tokens of a text, with spaces between.
pub(super) fn tokens(text: &str) -> String {
    let mut tokens = String::with_capacity(text.len());
    cut(&fold(text), &mut tokens);
    tokens
}

/// What finds the pictures that have every word of a search, as an expression of FTS5. `None` without a word.
pub(super) fn match_expression(words: &str) -> Option<String> {
    let mut asked = HashSet::new();
    let mut expression = String::new();
    for word in fold(words).split_whitespace() {
        let mut phrase = String::new();
        cut(word, &mut phrase);
        if phrase.is_empty() || !asked.insert(phrase.clone()) {
            continue;
        }
        if !expression.is_empty() {
            expression.push_str(" AND ");
        }
        // No token holds a quotation mark: see `sign`.
        expression.push_str(&format!("\"{}\"*", phrase.trim_end()));
    }
    (!expression.is_empty()).then_some(expression)
}

fn cut(folded: &str, tokens: &mut String) {
    let mut is_in_word = false;
    for c in folded.chars() {
        let is_of_word = (c.is_alphanumeric() || is_combining_mark(c)) && !is_unspaced(c);
        if is_in_word && !is_of_word {
            tokens.push(' ');
        }
        is_in_word = is_of_word;
        if is_of_word {
            tokens.push(c);
        } else if !c.is_whitespace() && !c.is_control() {
            tokens.push(sign(c));
            tokens.push(' ');
        }
    }
}

/// A sign as it stands in the index: ASCII's in the full-width form, which no folded text has. In its own it would be a
/// separator, or mean something in an expression.
fn sign(c: char) -> char {
    const TO_FULL_WIDTH: u32 = 0xfee0;
    match c {
        '!'..='~' => char::from_u32(u32::from(c) + TO_FULL_WIDTH).unwrap_or(c),
        _ => c,
    }
}

/// Thai to Khmer, kana, Han and other scripts that are written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_into_words_signs_and_characters() {
        for (text, expected) in [
            ("", ""),
            ("A red  Sailboat", "a red sailboat"),
            ("C++, 100%", "c ＋ ＋ ， 100 ％ "),
            ("under_score", "under ＿ score"),
            ("Café-Bar", "cafe － bar"),
            ("夜の港", "夜 の 港 "),
            ("v2猫", "v2 猫 "),
            ("हिन्दी", "हिन्दी"),
            ("emoji 🦄✨", "emoji 🦄 ✨ "),
        ] {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }

    #[test]
    fn searches_are_phrases_and_nothing_else() {
        for (words, expected) in [
            ("", None),
            (" \t", None),
            ("\u{301} \u{200d}", None),
            ("red Boat RED", Some("\"red\"* AND \"boat\"*")),
            ("NEAR(a b)", Some("\"near （ a\"* AND \"b ）\"*")),
            ("\" OR 1=1", Some("\"＂\"* AND \"or\"* AND \"1 ＝ 1\"*")),
            ("a\0b", Some("\"ab\"*")),
        ] {
            assert_eq!(match_expression(words).as_deref(), expected, "{words:?}");
        }
    }
}
