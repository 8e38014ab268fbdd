//! Text as it is compared where somebody looks for it: without case, accents and the ways to spell one character.
//!
//! Two spellings that a reader takes for the same fold to the same text: upper and lower case of every script (Unicode's
//! full case folding: "STRASSE" and "Straße"), composed and decomposed characters, full-width and ligature forms, letters
//! with and without accents, typographic and plain apostrophes, quotation marks and dashes. Invisible characters are
//! left out, the joiners of emoji among them.

use caseless::Caseless;
use limn_engine::foreign_text;
use unicode_normalization::UnicodeNormalization;

/// The form of a text in which it is compared.
pub fn fold(text: &str) -> String {
    let is_plain = |c: u8| (b' '..=b'~').contains(&c) || c == b'\n';
    if text.bytes().all(is_plain) {
        return text.to_ascii_lowercase();
    }
    // Folding can bring characters that decompose, and takes away some that were one with an accent.
    let folded = text.nfkd().default_case_fold().nfkd();
    let folded = folded.filter(|c| !is_left_out(*c));
    let mut plain = String::with_capacity(text.len());
    for c in folded.nfc() {
        match replacement(c) {
            Some(replacement) => plain.push_str(replacement),
            None => plain.push(c),
        }
    }
    plain
}

/// Accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic, and what shows nothing. Vowel signs of other scripts
/// are letters: they stay.
fn is_left_out(c: char) -> bool {
    let is_accent = matches!(c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{fe20}'..='\u{fe2f}');
    let is_hebrew_point = matches!(
        c,
        '\u{591}'
            ..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
    );
    let is_arabic_point = matches!(c,
        '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}'
        | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}');
    let is_joiner_or_variant =
        matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    is_accent
        || is_hebrew_point
        || is_arabic_point
        || is_joiner_or_variant
        || (foreign_text::is_hidden(c) && !c.is_whitespace())
}

/// Letters with a stroke and ligatures, which Unicode does not take apart; signs that keyboards have one of.
fn replacement(c: char) -> Option<&'static str> {
    Some(match c {
        'ı' => "i",
        'ł' => "l",
        'ø' => "o",
        'đ' => "d",
        'ħ' => "h",
        'ŧ' => "t",
        'æ' => "ae",
        'œ' => "oe",
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{2032}' => "'",
        '\u{201c}'..='\u{201f}' | '«' | '»' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_the_same_fold_alike() {
        for (one, other) in [
            ("STRASSE", "straße"),
            ("ẞ", "ss"),
            ("Ёлка", "ЕЛКА"),
            ("Caf\u{e9}", "CAFE\u{301}"),
            ("CAFÉ", "cafe"),
            ("İSTANBUL", "istanbul"),
            ("IŞIK", "ışık"),
            ("ΣΟΦΌΣ", "σοφος"),
            ("ὈΔΥΣΣΕΎΣ", "οδυσσευς"),
            ("Łódź", "lodz"),
            ("Smørrebrød", "SMORREBROD"),
            ("Æther", "aether"),
            ("ﬁne", "fine"),
            ("Ｃａｔ", "cat"),
            ("ｶﾞﾗｽ", "ガラス"),
            ("か\u{3099}", "が"),
            ("한국", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}"),
            ("שָׁלוֹם", "שלום"),
            ("مُحَمَّد", "محمد"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("L’Âme", "l'ame"),
            ("“neon”", "\"NEON\""),
            ("Bar–Café", "bar-cafe"),
            ("❤\u{fe0f}", "❤"),
            ("👩\u{200d}👩\u{200d}👧", "👩👩👧"),
            ("ⴀ", "Ⴀ"),
            ("𐐨", "𐐀"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} and {other}");
            assert_eq!(fold(&fold(one)), fold(one), "folding {one} twice");
        }
    }

    #[test]
    fn what_differs_stays_different() {
        for (one, other) in [
            ("C++", "C"),
            ("ガ", "カ"),
            ("काम", "कम"),
            ("กา", "กี"),
            ("100%", "100"),
            ("under_score", "underscore"),
            ("🦄", "🐴"),
            ("two\nlines", "twolines"),
        ] {
            assert_ne!(fold(one), fold(other), "{one} and {other}");
        }
    }
}
