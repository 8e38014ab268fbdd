//! Words of a prompt or a search that a small model does not know, and the nearest that it does.

use std::collections::HashSet;
use std::ops::Range;

use limn_engine::protocol::Vocabulary;
use unicode_normalization::char::is_combining_mark;

use crate::folding::fold;

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
    words(prompt)
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
    let is_slip = |known: &&String| edit_distance(word, known) == 1;
    let misspelt = (length >= MIN_MISSPELT).then(|| known.iter().find(is_slip));
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
    let without = ["s", "es", "'s"].map(|ending| word.strip_suffix(ending).map(str::to_owned));
    let with_y = word.strip_suffix("ies").map(|stem| format!("{stem}y"));
    without.into_iter().chain([with_y]).flatten()
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

/// The singular of a plural first, then by the model's own synonyms, then by spelling.
///
/// A model that has learned plurals lists them; to others they are as strange as any word.
fn nearest(word: &str, vocabulary: &Vocabulary) -> Option<String> {
    let is_known = |stem: &String| vocabulary_words(vocabulary).any(|known| known == *stem);
    if let Some(known) = stems(word).find(is_known) {
        return Some(known);
    }
    if let Some(known) = synonym(word, vocabulary) {
        return Some(known);
    }
    let close_enough = match word.chars().count() {
        0..=3 => 1,
        4..=6 => 2,
        _ => 3,
    };
    [
        &vocabulary.objects,
        &vocabulary.colours,
        &vocabulary.places,
        &vocabulary.times,
        &vocabulary.styles,
    ]
    .into_iter()
    .flatten()
    .filter_map(|known| {
        let distance = edit_distance(word, &known.to_lowercase());
        (distance <= close_enough).then_some((distance, known))
    })
    .min_by_key(|(distance, _)| *distance)
    .map(|(_, known)| known.clone())
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment, Damerau 1964).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(last[j] + 1).min(row[j - 1] + 1);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
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

    #[test]
    fn edit_distance_counts_swaps_once() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("cat", "cat", 0),
            ("rde", "red", 1),
            ("kitten", "sitting", 3),
            ("blau", "blue", 2),
        ] {
            assert_eq!(edit_distance(a, b), expected, "{a} → {b}");
        }
    }
}
