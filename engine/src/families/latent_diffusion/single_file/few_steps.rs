//! Models made for few steps have the same tensors as their kin: only names and words tell, so they are believed by
//! nobody here and passed on.

use crate::families::FileProbe;

/// A word, and what models of such a name are drawn with.
const WORDS: [(&str, &str); 5] = [
    ("turbo", "1 to 4 steps without guidance"),
    ("lightning", "2, 4 or 8 steps without guidance"),
    ("hyper", "1 to 8 steps without guidance"),
    ("dmd", "4 steps of LCM without guidance"),
    ("lcm", "4 to 8 steps of LCM with a guidance of 1 to 2"),
];

/// What the file's name or title makes likely.
pub(super) fn note(file: &FileProbe) -> Option<String> {
    let name = file.path().file_stem()?.to_string_lossy().to_lowercase();
    let title = file.metadata("modelspec.title").unwrap_or_default();
    let title = title.to_lowercase();
    let (word, recipe) = WORDS.into_iter().find(|(word, _)| {
        let has_word = |text: &str| {
            let mut words = text.split(|c: char| !c.is_alphanumeric());
            words.any(|other| other.trim_end_matches(char::is_numeric) == *word)
        };
        has_word(&name) || has_word(&title)
    })?;
    Some(format!(
        "Its name says “{word}”: such models are drawn with {recipe} (--steps, --guidance, --sampler). Tensors do not tell, so the defaults are those of an ordinary model."
    ))
}
