//! A prompt out of the words that a small model knows, for those who want to be surprised.

use limn_engine::protocol::Vocabulary;

/// A sentence of the model's own words, or where it names no objects one of its examples; `seed` chooses.
pub fn surprise(vocabulary: Option<&Vocabulary>, examples: &[String], seed: u64) -> Option<String> {
    vocabulary
        .and_then(|vocabulary| sentence(vocabulary, Choices(seed)))
        .or_else(|| Choices(seed).one_of(examples).map(str::to_owned))
}

fn sentence(vocabulary: &Vocabulary, mut choices: Choices) -> Option<String> {
    let object = choices.one_of(&vocabulary.objects)?;
    let noun = match choices.one_of(&vocabulary.colours) {
        Some(colour) => format!("{colour} {object}"),
        None => object.to_owned(),
    };
    let place = choices.one_of(&vocabulary.places);
    let time = choices.one_of(&vocabulary.times);
    // Half of the pictures are in the model's plain style.
    let style = (choices.below(2) == 1)
        .then(|| choices.one_of(&vocabulary.styles))
        .flatten();

    let mut prompt = format!("{} {noun}", article(&noun));
    for phrase in [place, time].into_iter().flatten() {
        prompt = format!("{prompt} {phrase}");
    }
    Some(style.map_or_else(|| prompt.clone(), |style| format!("{prompt}, {style}")))
}

fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

/// Digits of one number in changing bases: every combination has its seed.
struct Choices(u64);

impl Choices {
    fn below(&mut self, n: u64) -> u64 {
        let chosen = self.0 % n;
        self.0 /= n;
        chosen
    }

    fn one_of<'a>(&mut self, phrases: &'a [String]) -> Option<&'a str> {
        let n = u64::try_from(phrases.len()).ok().filter(|n| *n > 0)?;
        let chosen = usize::try_from(self.below(n)).ok()?;
        phrases.get(chosen).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use super::*;
    use crate::session::unknown_words;

    fn vocabulary(objects: &str, styles: &str) -> Vocabulary {
        let words = |text: &str| {
            let words = text.split(',').filter(|word| !word.is_empty());
            words.map(str::to_owned).collect()
        };
        Vocabulary {
            objects: words(objects),
            colours: words("red,orange"),
            places: words("on the sea,in a meadow"),
            times: words("by day"),
            styles: words(styles),
            ..Vocabulary::default()
        }
    }

    #[test]
    fn a_surprise_says_object_colour_place_time_and_at_times_a_style() {
        let vocabulary = vocabulary("cat,owl", "neon");
        for (seed, expected) in [
            (0, "a red cat on the sea by day"),
            (1, "a red owl on the sea by day"),
            (2, "an orange cat on the sea by day"),
            (4, "a red cat in a meadow by day"),
            (8, "a red cat on the sea by day, neon"),
            (15, "an orange owl in a meadow by day, neon"),
        ] {
            let prompt = surprise(Some(&vocabulary), &[], seed);
            assert_eq!(prompt.as_deref(), Some(expected), "{seed}");
        }
    }

    #[test]
    fn every_surprise_can_come_up_and_has_only_known_words() {
        let vocabulary = vocabulary("cat,owl,ice cream", "neon,pixel art");
        let prompts: HashSet<String> = (0..48)
            .map(|seed| surprise(Some(&vocabulary), &[], seed).unwrap())
            .collect();
        assert_eq!(prompts.len(), 12 + 24);
        for prompt in prompts {
            assert_eq!(unknown_words(&prompt, &vocabulary), [], "{prompt}");
        }
    }

    #[test]
    fn a_model_that_names_no_objects_surprises_with_its_examples() {
        let examples = ["a castle".to_owned(), "an island".to_owned()];
        let without_objects = vocabulary("", "neon");
        for vocabulary in [None, Some(&without_objects)] {
            let prompt = |examples, seed| surprise(vocabulary, examples, seed);
            assert_eq!(prompt(&examples, 4).as_deref(), Some("a castle"));
            assert_eq!(prompt(&examples, 7).as_deref(), Some("an island"));
            assert_eq!(prompt(&[], 7), None);
        }
    }

    #[test]
    fn what_a_model_does_not_name_is_left_out() {
        let vocabulary = Vocabulary {
            objects: vec!["owl".to_owned()],
            ..Vocabulary::default()
        };
        for seed in [0, 1, u64::MAX] {
            let prompt = surprise(Some(&vocabulary), &[], seed);
            assert_eq!(prompt.as_deref(), Some("an owl"));
        }
    }
}
