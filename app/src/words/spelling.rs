//! Slips of the key: which known word a misspelt one was meant to be.
//!
//! A wrong guess is worse than none: "horse" is no misspelt "house". Short words are therefore only mended where
//! two neighbours are swapped or a letter is doubled or not; a replaced letter counts only in long ones.

use strsim::osa_distance;

/// The known word that `word` was meant to be, if one is near enough. All of them are folded.
pub(super) fn nearest_spelling(word: &str, known: impl Iterator<Item = String>) -> Option<String> {
    known
        .filter(|known| is_slip(word, known))
        .min_by_key(|known| osa_distance(word, known))
}

/// Whether `typed` is `known` with a slip or two.
pub(super) fn is_slip(typed: &str, known: &str) -> bool {
    const MIN_LENGTH: usize = 3;
    let typed_length = typed.chars().count();
    let known_length = known.chars().count();
    if typed_length.min(known_length) < MIN_LENGTH || typed == known {
        return false;
    }
    if is_one_swap(typed, known) {
        return true;
    }
    // A word that goes on, as "planet" does after "plane", is another word.
    if typed.chars().next() != known.chars().next() || typed.starts_with(known) {
        return false;
    }
    if typed_length > MIN_LENGTH && undoubled(typed) == undoubled(known) {
        return true;
    }
    let distance = osa_distance(typed, known);
    let n_shared = shared_beginning(typed, known);
    match known_length {
        0..=5 => false,
        // A letter was left out.
        6 => distance == 1 && typed_length < known_length,
        7..=8 => distance == 1 || distance == 2 && n_shared >= 5 && typed_length >= known_length,
        _ => distance == 1 || distance == 2 && n_shared >= 3,
    }
}

/// Two neighbours are swapped, as in "rde".
fn is_one_swap(typed: &str, known: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(typed) == sorted(known) && osa_distance(typed, known) == 1
}

/// Without the second of two equal letters.
fn undoubled(word: &str) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}

/// How many letters at the beginning are the same.
fn shared_beginning(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count()
}
