//! Words of a prompt or a search that a small model does not know, and the nearest that it does.

mod reading;
mod spelling;

use std::collections::HashSet;
use std::ops::Range;

use limn_engine::prompt_language::marks::{MarkKind, marks};
use limn_engine::protocol::Vocabulary;
use unicode_normalization::char::is_combining_mark;

use crate::folding::fold;
pub use reading::{PromptNote, prompt_note};
use spelling::{is_slip, nearest_spelling};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// Where it stands in the prompt, in bytes.
    pub range: Range<usize>,
    pub word: String,
    /// The nearest known word, where one is near enough to be worth saying.
    pub nearest: Option<String>,
}

/// Words that carry no picture; underlining them would only distract.
const FUNCTION_WORDS: &[&str] = &[
    "a", "an", "the", "of", "on", "in", "at", "by", "to", "with", "and", "or", "is", "are", "its",
    "for", "from", "into", "over", "under", "near", "beside", "some", "one",
];

/// Finds the words that `vocabulary` does not have, in the order they stand.
pub fn unknown_words(prompt: &str, vocabulary: &Vocabulary) -> Vec<UnknownWord> {
    let known = known_words(vocabulary);
    let signs = signs(prompt);
    words(prompt)
        .filter(|word| {
            !signs
                .iter()
                .any(|sign| sign.start < word.end && word.start < sign.end)
        })
        .filter_map(|range| {
            let word = prompt[range.clone()].to_lowercase();
            let folded = fold(&word);
            if knows(&known, &folded) {
                return None;
            }
            let nearest = nearest(&folded, vocabulary);
            Some(UnknownWord {
                range,
                word,
                nearest,
            })
        })
        .collect()
}

/// What is no word of the picture: the names of LoRAs and lists, and `BREAK`.
fn signs(prompt: &str) -> Vec<Range<usize>> {
    let is_sign = |kind| matches!(kind, MarkKind::Lora | MarkKind::Break | MarkKind::Wildcard);
    let marks = marks(prompt).into_iter();
    let marks = marks.filter(|mark| is_sign(mark.kind));
    marks.map(|mark| mark.range).collect()
}

/// A search in words that the model was taught: those it knows, singulars for plurals, synonyms for what it does not
/// know, the word that the last one begins as it is typed, the nearest for a slip of the key. The rest is left
/// out. `None` if nothing is left that means something.
pub fn in_known_words(text: &str, vocabulary: &Vocabulary) -> Option<String> {
    let known: Vec<String> = vocabulary_words(vocabulary).collect();
    let text = fold(text);
    let is_typing = text.ends_with(char::is_alphanumeric);
    let mut ranges = words(&text).peekable();
    let mut found: Vec<String> = Vec::new();
    while let Some(range) = ranges.next() {
        let is_last = ranges.peek().is_none();
        found.extend(in_known_word(
            &text[range],
            &known,
            vocabulary,
            is_last && is_typing,
        ));
    }
    let means_something = |word: &String| !FUNCTION_WORDS.contains(&word.as_str());
    let has_meaning = found.iter().any(means_something);
    has_meaning.then(|| found.join(" "))
}

fn in_known_word(
    word: &str,
    known: &[String],
    vocabulary: &Vocabulary,
    is_typing: bool,
) -> Option<String> {
    const MIN_BEGINNING: usize = 3;
    const MIN_MISSPELT: usize = 5;
    let knows = |word: &str| known.iter().any(|known| known == word);
    if knows(word) {
        return Some(word.to_owned());
    }
    if let Some(stem) = stems(word).find(|stem| knows(stem)) {
        return Some(stem);
    }
    if let Some(synonym) = synonym(word, vocabulary) {
        return Some(synonym);
    }
    let length = word.chars().count();
    let begins = |known: &&String| known.starts_with(word);
    if is_typing
        && length >= MIN_BEGINNING
        && let Some(whole) = known.iter().find(begins)
    {
        return Some(whole.clone());
    }
    let is_meant = |known: &&String| is_slip(word, known);
    let misspelt = (length >= MIN_MISSPELT).then(|| known.iter().find(is_meant));
    misspelt.flatten().cloned()
}

fn known_words(vocabulary: &Vocabulary) -> HashSet<String> {
    let function_words = FUNCTION_WORDS.iter().map(|word| (*word).to_owned());
    vocabulary_words(vocabulary).chain(function_words).collect()
}

/// The model's own words, folded, objects first.
fn vocabulary_words(vocabulary: &Vocabulary) -> impl Iterator<Item = String> {
    [
        &vocabulary.objects,
        &vocabulary.colours,
        &vocabulary.places,
        &vocabulary.times,
        &vocabulary.styles,
        &vocabulary.words,
    ]
    .into_iter()
    .flatten()
    // An entry can be a phrase, as in "at night".
    .flat_map(|entry| entry.split_whitespace())
    .map(fold)
}

fn knows(known: &HashSet<String>, word: &str) -> bool {
    known.contains(word) || word.chars().all(|c| c.is_ascii_digit())
}

/// What a word may be the plural or the possessive of.
fn stems(word: &str) -> impl Iterator<Item = String> {
    const ENDINGS: [(&str, &str); 7] = [
        ("s", ""),
        ("es", ""),
        ("'s", ""),
        ("s'", ""),
        ("ies", "y"),
        ("ves", "f"),
        ("men", "man"),
    ];
    ENDINGS.iter().filter_map(|(ending, singular)| {
        let stem = word.strip_suffix(ending)?;
        Some(format!("{stem}{singular}"))
    })
}

/// What the model's own list says of a word.
fn synonym(word: &str, vocabulary: &Vocabulary) -> Option<String> {
    let is_listed = |word: &str| {
        let mut synonyms = vocabulary.synonyms.iter();
        synonyms.find(|(typed, _)| fold(typed) == word)
    };
    let listed = is_listed(word).or_else(|| stems(word).find_map(|stem| is_listed(&stem)));
    listed.map(|(_, known)| known.clone())
}

/// The byte ranges of words: letters with their accents, digits, and apostrophes inside.
fn words(prompt: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + prompt[rest..].find(char::is_alphanumeric)?;
        let end = prompt[start..]
            .find(|c: char| {
                !c.is_alphanumeric() && !matches!(c, '\'' | '’') && !is_combining_mark(c)
            })
            .map_or(prompt.len(), |length| start + length);
        rest = end;
        Some(start..end)
    })
}

/// The singular of a plural first, or the plural that the model was taught instead, then the model's own synonyms,
/// then a slip of the key. Nothing else: a word that only looks alike means something else.
///
/// A model that has learned plurals lists them; to others they are as strange as any word.
fn nearest(word: &str, vocabulary: &Vocabulary) -> Option<String> {
    const MIN_SINGULAR: usize = 3;
    let is_known = |word: &String| vocabulary_words(vocabulary).any(|known| known == *word);
    let is_picture = |word: &&str| !FUNCTION_WORDS.contains(word);
    if let Some(known) = stems(word).find(|stem| is_known(stem) && is_picture(&stem.as_str())) {
        return Some(known);
    }
    if let Some(known) = synonym(word, vocabulary) {
        return Some(known);
    }
    let plural = format!("{word}s");
    if word.chars().count() >= MIN_SINGULAR && is_known(&plural) {
        return Some(plural);
    }
    let known = vocabulary_words(vocabulary);
    let meant = nearest_spelling(word, known.filter(|known| is_picture(&known.as_str())))?;
    // A word that the model reads and a better one for the same: the better one.
    Some(synonym(&meant, vocabulary).unwrap_or(meant))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn vocabulary() -> Vocabulary {
        let words = |text: &str| text.split(',').map(str::to_owned).collect();
        Vocabulary {
            objects: words("knight,sailboat,cat,house"),
            colours: words("red,blue,green"),
            places: words("sea,forest"),
            times: words("night,at dusk"),
            styles: words("pixel art"),
            words: words("small"),
            synonyms: vec![("samurai".to_owned(), "knight".to_owned())],
        }
    }

    fn check(prompt: &str, expected: &[(&str, Option<&str>)]) {
        let found = unknown_words(prompt, &vocabulary());
        let found: Vec<_> = found
            .iter()
            .map(|unknown| (&prompt[unknown.range.clone()], unknown.nearest.as_deref()))
            .collect();
        assert_eq!(found, expected, "{prompt}");
    }

    #[test]
    fn known_words_and_function_words_pass() {
        check("", &[]);
        check("A red sailboat on the sea at dusk", &[]);
        check("two", &[("two", None)]);
        check("small cat, 3 house; the knight, house", &[]);
    }

    #[test]
    fn unknown_words_come_with_the_nearest_known() {
        check("a red samurai", &[("samurai", Some("knight"))]);
        check(
            "cats; the knight's house",
            &[("cats", Some("cat")), ("knight's", Some("knight"))],
        );
        check(
            "a rde salboat",
            &[("rde", Some("red")), ("salboat", Some("sailboat"))],
        );
        check(
            "a Sa\u{301}ilboat, the knight’s",
            &[("knight’s", Some("knight"))],
        );
        check("a cat <lora:oldpaper:0.8> BREAK __moods__ (red:1.2)", &[]);
        check("Ein Flugzeug 🚀", &[("Ein", None), ("Flugzeug", None)]);
    }

    #[test]
    fn a_search_is_put_into_words_that_the_model_was_taught() {
        for (typed, expected) in [
            ("sailboats at night", Some("sailboat at night")),
            ("two Samurais", Some("knight")),
            ("samurai in the wind", Some("knight")),
            ("houses by the sea ", Some("house sea")),
            ("red cat", Some("red cat")),
            ("RE\u{301}D ｃａｔ", Some("red cat")),
            ("the knight’s house", Some("knight house")),
            ("salboat", Some("sailboat")),
            ("cat in the fo", Some("cat")),
            ("cat in the for", Some("cat forest")),
            ("cat in the for ", Some("cat")),
            ("spaceship", None),
            ("at", None),
            ("!?", None),
            ("", None),
        ] {
            let found = in_known_words(typed, &vocabulary());
            assert_eq!(found.as_deref(), expected, "{typed}");
        }
    }

    /// The words that the model that comes with Limn was taught.
    fn doodle() -> Vocabulary {
        let card = include_str!("../../assets/doodle/limn.json");
        let card: serde_json::Value = serde_json::from_str(card).unwrap();
        let list = |name: &str| {
            let list = card["vocabulary"][name].as_array().unwrap().iter();
            list.map(|word| word.as_str().unwrap().to_owned()).collect()
        };
        let synonyms = card["vocabulary"]["synonyms"].as_object().unwrap().iter();
        Vocabulary {
            objects: list("objects"),
            colours: list("colours"),
            places: list("places"),
            times: list("times"),
            styles: list("styles"),
            words: list("words"),
            synonyms: synonyms
                .map(|(typed, known)| (typed.clone(), known.as_str().unwrap().to_owned()))
                .collect(),
        }
    }

    #[test]
    fn a_suggestion_makes_sense_or_there_is_none() {
        let vocabulary = doodle();
        for (typed, expected) in [
            // Other words, which only look alike.
            ("small", None),
            ("logo", None),
            ("horse", None),
            ("glass", None),
            ("clown", None),
            ("boot", None),
            ("desk", None),
            ("coat", None),
            ("cart", None),
            ("start", None),
            ("planet", None),
            ("plant", None),
            ("lake", None),
            ("god", None),
            ("racket", None),
            ("rocker", None),
            ("mouse", None),
            ("rain", None),
            ("sofa", None),
            ("fox", None),
            ("dragon", None),
            ("photo", None),
            ("portrait", None),
            ("sunflower", None),
            ("snowboard", None),
            ("starfish", None),
            ("playground", None),
            ("silver", None),
            ("grey", None),
            ("be", None),
            // Slips of the key.
            ("rde", Some("red")),
            ("bule", Some("blue")),
            ("hosue", Some("house")),
            ("nigth", Some("night")),
            ("tre", None),
            ("gren", Some("green")),
            ("aple", Some("apple")),
            ("rabit", Some("rabbit")),
            ("baloon", Some("balloon")),
            ("gitar", Some("guitar")),
            ("flwer", Some("flower")),
            ("salboat", Some("sailboat")),
            ("octapus", Some("octopus")),
            ("pinguin", Some("penguin")),
            ("buterfly", Some("butterfly")),
            ("lighthuose", Some("lighthouse")),
            ("watercolor", Some("watercolour")),
            // Plurals, singulars and possessives.
            ("cats", Some("cat")),
            ("houses", Some("house")),
            ("butterflies", Some("butterfly")),
            ("snowmen", Some("snowman")),
            ("dog's", Some("dog")),
            ("mountain", Some("mountains")),
            ("spaceships", Some("spaceship")),
            ("puppies", Some("puppy")),
        ] {
            let found = nearest(typed, &vocabulary);
            assert_eq!(found.as_deref(), expected, "{typed}");
        }
    }
}
