//! Short names out of long prompts.

/// Words that lead on to something: a name does not end with one.
const LEADING_ON: [&str; 16] = [
    "a", "an", "and", "at", "by", "for", "from", "in", "into", "of", "on", "or", "the", "to",
    "under", "with",
];

/// The first words of a prompt, at most so many.
pub fn title(prompt: &str, n_words: usize) -> String {
    let mut words: Vec<&str> = prompt.split_whitespace().take(n_words).collect();
    let is_cut = words.len() < prompt.split_whitespace().count();
    while is_cut && words.len() > 1 {
        let last = words[words.len() - 1].to_lowercase();
        if !LEADING_ON.contains(&last.as_str()) {
            break;
        }
        words.pop();
    }
    words.join(" ").trim_end_matches(',').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_ends_where_a_phrase_may_end() {
        for (prompt, expected) in [
            ("a yellow house in the meadow", "a yellow house"),
            ("a red sailboat on the sea", "a red sailboat"),
            ("a cat, watercolour, soft light", "a cat, watercolour, soft"),
            ("two cats on a", "two cats on a"),
            ("of the in and at", "of"),
            ("  boat ", "boat"),
            ("", ""),
        ] {
            assert_eq!(title(prompt, 4), expected, "{prompt:?}");
        }
    }
}
