//! Words of a prompt that a small model does not know, and the nearest that it does.

use std::collections::HashSet;
use std::ops::Range;

use limn_engine::protocol::Vocabulary;

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
            if knows(&known, &word) {
                return None;
            }
            let nearest = nearest(&word, vocabulary);
            Some(UnknownWord {
                range,
                word,
                nearest,
            })
        })
        .collect()
}

fn known_words(vocabulary: &Vocabulary) -> HashSet<String> {
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
    .map(str::to_lowercase)
    .chain(FUNCTION_WORDS.iter().map(|word| (*word).to_owned()))
    .collect()
}

fn knows(known: &HashSet<String>, word: &str) -> bool {
    known.contains(word)
        || word.chars().all(|c| c.is_ascii_digit())
        || ["s", "es", "'s"]
            .iter()
            .filter_map(|ending| word.strip_suffix(ending))
            .any(|stem| known.contains(stem))
}

/// The byte ranges of words: letters and digits, with apostrophes inside.
fn words(prompt: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + prompt[rest..].find(char::is_alphanumeric)?;
        let end = prompt[start..]
            .find(|c: char| !c.is_alphanumeric() && c != '\'')
            .map_or(prompt.len(), |length| start + length);
        rest = end;
        Some(start..end)
    })
}

/// By the model's own synonyms first, then by spelling.
fn nearest(word: &str, vocabulary: &Vocabulary) -> Option<String> {
    let stem = word.strip_suffix('s').unwrap_or(word);
    if let Some((_, known)) = vocabulary
        .synonyms
        .iter()
        .find(|(typed, _)| typed.eq_ignore_ascii_case(word) || typed.eq_ignore_ascii_case(stem))
    {
        return Some(known.clone());
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
    fn known_words_plurals_and_function_words_pass() {
        check("", &[]);
        check("A red sailboat on the sea at dusk", &[]);
        check("two", &[("two", None)]);
        check("small cats, 3 houses; the knight's house", &[]);
    }

    #[test]
    fn unknown_words_come_with_the_nearest_known() {
        check("a red samurai", &[("samurai", Some("knight"))]);
        check(
            "a rde salboat",
            &[("rde", Some("red")), ("salboat", Some("sailboat"))],
        );
        check("Ein Flugzeug 🚀", &[("Ein", None), ("Flugzeug", None)]);
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
