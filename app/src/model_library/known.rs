//! Models that can be had, and what they are good for.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::folding::fold;

/// A row of `assets/models.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownModel {
    /// What it is asked for by.
    pub name: String,
    pub title: String,
    pub good_for: String,
    /// As [`crate::downloads::Link`] reads it.
    pub link: String,
    pub licence: String,
    /// What its licence asks of whoever uses it, in a line.
    pub duty: String,
    /// To fetch, in megabytes, about.
    pub size_mb: u64,
    /// To draw at its own size in half precision, in megabytes, about.
    pub memory_mb: u64,
    /// A prompt that shows what it can do.
    pub example: String,
}

#[derive(Deserialize)]
struct Table {
    model: Vec<KnownModel>,
}

/// All of them, in the order in which they are offered.
pub fn known_models() -> &'static [KnownModel] {
    static KNOWN: LazyLock<Vec<KnownModel>> = LazyLock::new(|| {
        let text = include_str!("../../../assets/models.toml");
        toml::from_str::<Table>(text).map_or_else(
            |error| {
                tracing::error!("the list of models that can be had: {error}");
                Vec::new()
            },
            |table| table.model,
        )
    });
    &KNOWN
}

/// Those that hold every word of a text, in whatever they are told by.
pub fn find_known(text: &str) -> Vec<&'static KnownModel> {
    let words: Vec<String> = text.split_whitespace().map(fold).collect();
    let holds = |model: &KnownModel| {
        let told = [&model.name, &model.title, &model.good_for, &model.licence];
        let told = fold(&told.map(String::as_str).join(" "));
        words.iter().all(|word| told.contains(word.as_str()))
    };
    known_models().iter().filter(|model| holds(model)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;
    use crate::downloads::Link;

    #[test]
    fn every_row_can_be_asked_for() {
        let models = known_models();
        assert!(models.len() >= 6, "{} rows", models.len());
        let names: BTreeSet<&str> = models.iter().map(|model| model.name.as_str()).collect();
        assert_eq!(names.len(), models.len(), "names are unique");
        for model in models {
            Link::parse(&model.link).unwrap();
            assert!(
                model
                    .name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
            );
            assert!(model.size_mb > 0 && model.memory_mb > 0);
            for text in [
                &model.title,
                &model.good_for,
                &model.licence,
                &model.duty,
                &model.example,
            ] {
                assert!(!text.is_empty(), "{}", model.name);
            }
        }
    }

    #[test]
    fn they_are_found_by_words() {
        assert_eq!(find_known("").len(), known_models().len());
        assert!(find_known("XL").iter().any(|model| model.name == "sdxl"));
        assert!(find_known("no such model").is_empty());
    }
}
