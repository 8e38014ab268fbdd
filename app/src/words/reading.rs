//! What a model will not read of a prompt: other languages, and what stands after its last token.

use unicode_normalization::char::is_combining_mark;

/// What is to be said of a whole prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptNote {
    /// It is in the language of prompts, which the model does not know.
    Literal,
    /// It is written in a language that is not English, which the text encoders were taught.
    NotEnglish,
    /// It has more tokens than the model reads; this many at least are left out.
    TooLong { n_left_out: usize },
}

/// CLIP reads 77 tokens, of which the first and the last only mark the beginning and the end. Radford et al. 2021.
const MAX_TOKENS: usize = 75;

pub fn prompt_note(prompt: &str) -> Option<PromptNote> {
    if is_not_english(prompt) {
        return Some(PromptNote::NotEnglish);
    }
    let n_left_out = min_tokens(prompt).saturating_sub(MAX_TOKENS);
    (n_left_out > 0).then_some(PromptNote::TooLong { n_left_out })
}

/// The fewest tokens that CLIP's byte-pair encoding makes of `prompt`: it first splits into runs of letters, single
/// digits, and runs of other characters, and none of its tokens spans two of them.
fn min_tokens(prompt: &str) -> usize {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Kind {
        Space,
        Letter,
        Digit,
        Other,
    }
    let mut n_tokens = 0;
    let mut last = Kind::Space;
    for c in prompt.chars() {
        // An accent belongs to its letter.
        if is_combining_mark(c) {
            continue;
        }
        let kind = match c {
            c if c.is_whitespace() => Kind::Space,
            c if c.is_numeric() => Kind::Digit,
            c if c.is_alphabetic() => Kind::Letter,
            // "the knight's": the apostrophe and the letters after it are one token.
            '\'' if last == Kind::Letter => {
                last = Kind::Space;
                continue;
            }
            _ => Kind::Other,
        };
        let begins = kind != last || kind == Kind::Digit;
        n_tokens += usize::from(begins && kind != Kind::Space);
        last = kind;
    }
    n_tokens
}

/// Conservative: a few foreign names in an English prompt are none of our business.
fn is_not_english(prompt: &str) -> bool {
    let letters = prompt.chars().filter(|c| c.is_alphabetic());
    let (latin, other): (Vec<char>, Vec<char>) = letters.partition(|c| is_latin(*c));
    if other.len() > latin.len() {
        return true;
    }
    let text = prompt.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.iter().any(|word| ENGLISH.contains(word)) {
        return false;
    }
    let is_frequent = |n_found: usize| n_found * 4 >= words.len();
    LANGUAGES.iter().any(|language| {
        let found = |list: &[&str]| list.iter().filter(|word| words.contains(word)).count();
        let n_sure = found(language.sure);
        let n_found = n_sure + found(language.likely);
        is_frequent(n_found) && (n_sure > 0 || n_found > 1)
    })
}

/// Basic Latin, Latin-1 and the blocks that extend them.
fn is_latin(c: char) -> bool {
    matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{ff21}'..='\u{ff5a}')
}

/// A prompt with one of these is taken for English.
const ENGLISH: &[&str] = &[
    "a", "the", "and", "with", "of", "on", "at", "by", "from", "under", "near", "is", "style",
];

/// Very common words of one language.
struct Language {
    /// Words that stand in no English prompt.
    sure: &'static [&'static str],
    /// Words that can be a name or mean something in English: two of them are needed.
    likely: &'static [&'static str],
}

/// German, French, Spanish, Italian, Portuguese, Dutch.
const LANGUAGES: [Language; 6] = [
    Language {
        sure: &["ein", "eine", "einen", "einem", "einer", "und", "auf", "im"],
        likely: &["der", "die", "das", "mit", "am", "in", "ist", "vor"],
    },
    Language {
        sure: &["une", "avec", "dans", "les", "sous"],
        likely: &["un", "le", "des", "et", "sur", "du", "au", "la", "en"],
    },
    Language {
        sure: &["una", "unos", "sobre", "junto"],
        likely: &["un", "el", "los", "las", "con", "en", "del", "y", "bajo"],
    },
    Language {
        sure: &["una", "gli", "nel", "nella", "sulla", "sotto"],
        likely: &["un", "il", "lo", "con", "di", "su", "sul", "che", "la"],
    },
    Language {
        sure: &["uma", "numa"],
        likely: &["um", "com", "em", "no", "na", "do", "da", "sob"],
    },
    Language {
        sure: &["een", "het"],
        likely: &["de", "met", "op", "van", "en", "in", "aan", "onder"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_in_other_languages_are_told_and_names_are_not() {
        for (prompt, expected) in [
            ("ein Haus im Wald", true),
            ("Ein Flugzeug", true),
            ("der Hund mit Hut", true),
            ("un chat avec un chapeau", true),
            ("le chat et le chien", true),
            ("una casa roja", true),
            ("el perro y el gato", true),
            ("il gatto con il cappello", true),
            ("uma casa azul", true),
            ("o gato no telhado com chapéu", true),
            ("een huis aan zee", true),
            ("赤い家", true),
            ("красный дом", true),
            ("بيت أحمر", true),
            ("a red house 赤い", false),
            ("red house", false),
            ("a naïve café", false),
            ("Los Angeles", false),
            ("the Rue des Fleurs et Mer", false),
            ("die cut sticker", false),
            ("UN building", false),
            ("house in snow", false),
            ("El Greco", false),
            ("Mount Fuji, Hokusai", false),
            ("🚀✨", false),
            ("", false),
        ] {
            assert_eq!(is_not_english(prompt), expected, "{prompt}");
        }
    }

    #[test]
    fn what_is_left_out_of_a_long_prompt_is_counted() {
        for (prompt, expected) in [
            ("", 0),
            ("a red house", 3),
            ("a red house, at night", 6),
            ("the knight's house", 4),
            ("1984", 4),
            ("wow!!! no", 3),
        ] {
            assert_eq!(min_tokens(prompt), expected, "{prompt}");
        }
        let just_fits = "red ".repeat(75);
        assert_eq!(prompt_note(&just_fits), None);
        let note = prompt_note(&format!("{just_fits} blue house"));
        assert_eq!(note, Some(PromptNote::TooLong { n_left_out: 2 }));
    }
}
