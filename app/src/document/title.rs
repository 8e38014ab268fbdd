//! Short names out of long prompts.

/// Words that lead on to something: a name does not end with one.
const LEADING_ON: [&str; 62] = [
    "a", "about", "above", "across", "after", "against", "among", "an", "and", "around", "as",
    "at", "before", "behind", "below", "beneath", "beside", "between", "but", "by", "during",
    "for", "from", "her", "his", "in", "inside", "into", "is", "its", "like", "my", "near", "next",
    "of", "on", "onto", "or", "our", "over", "past", "so", "some", "that", "the", "their", "there",
    "this", "through", "to", "toward", "towards", "under", "up", "upon", "very", "via", "which",
    "while", "with", "without", "your",
];

/// The first words of a prompt, at most `n_words` and `n_chars`. It ends in no word that leads on to more, unless it is
/// of such words alone.
pub fn title(prompt: &str, n_words: usize, n_chars: usize) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut length = 0;
    for word in prompt.split_whitespace().take(n_words) {
        length += word.chars().count() + usize::from(!words.is_empty());
        if length > n_chars && !words.is_empty() {
            break;
        }
        words.push(word);
    }
    while words.len() > 1 {
        let last = words[words.len() - 1];
        let bare = last
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase();
        if !bare.is_empty() && !LEADING_ON.contains(&bare.as_str()) {
            break;
        }
        words.pop();
    }
    let title: String = words.join(" ").chars().take(n_chars).collect();
    let ends = |c: char| matches!(c, ',' | ';' | ':' | '.' | '-' | '–' | '—');
    match title.trim_end_matches(ends) {
        "" => title,
        trimmed => trimmed.to_owned(),
    }
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
            ("two cats on a", "two cats"),
            ("two cats and, the", "two cats"),
            ("a house between the", "a house"),
            ("A HOUSE WITH A GARDEN", "A HOUSE"),
            ("of the in and at", "of"),
            ("the", "the"),
            ("  boat ", "boat"),
            ("...", "..."),
            ("", ""),
        ] {
            assert_eq!(title(prompt, 4, 40), expected, "{prompt:?}");
        }
    }

    #[test]
    fn a_title_is_cut_between_words() {
        let long = "an extraordinarily magnificent hippopotamus wading";
        assert_eq!(title(long, 4, 40), "an extraordinarily magnificent");
        assert_eq!(title(&"x".repeat(90), 4, 40), "x".repeat(40));
    }
}
