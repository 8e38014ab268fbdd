//! Names of exported files, from a pattern with fields in braces: `{date}-{prompt}-{seed}`.
//!
//! Whatever stands in a prompt, a name is one that every system takes and that stays in its folder.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::layout::PictureId;
use super::recipe::Recipe;

/// The name of a single export, until the user chooses another pattern.
pub const DEFAULT_PATTERN: &str = "{prompt}-{seed}";

/// Longer names trouble some systems; the ending and a number come on top.
const LIMIT_NAME_CHARS: usize = 120;
/// So many words and characters of the prompt are enough to know a picture by.
const LIMIT_PROMPT_WORDS: usize = 8;
const LIMIT_PROMPT_CHARS: usize = 60;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern {
    parts: Vec<Part>,
}

/// As it was written.
impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Field(field) => write!(f, "{{{}}}", field.name()),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
}

/// What a pattern can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Prompt,
    Seed,
    Date,
    Time,
    Number,
    Model,
    Width,
    Height,
    Id,
}

impl Field {
    pub const ALL: [Self; 9] = [
        Self::Prompt,
        Self::Seed,
        Self::Date,
        Self::Time,
        Self::Number,
        Self::Model,
        Self::Width,
        Self::Height,
        Self::Id,
    ];

    /// As it stands in braces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Seed => "seed",
            Self::Date => "date",
            Self::Time => "time",
            Self::Number => "number",
            Self::Model => "model",
            Self::Width => "width",
            Self::Height => "height",
            Self::Id => "id",
        }
    }
}

/// The name of a copy of one picture, without its ending.
pub fn default_name(recipe: &Recipe) -> String {
    let size = (recipe.width, recipe.height);
    NamePattern::default().name(&NameFacts::new(recipe.id, Some(recipe), size, (1, 1)))
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("there is no {{{0}}}: choose from {fields}", fields = FieldList)]
    UnknownField(String),
    #[error("a brace is open: write {{prompt}}, or {{{{ for a brace itself")]
    OpenBrace,
    #[error("the pattern is empty: {DEFAULT_PATTERN} is a good one")]
    Empty,
}

struct FieldList;

impl fmt::Display for FieldList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Field::ALL.map(|field| format!("{{{}}}", field.name()));
        f.write_str(&names.join(" "))
    }
}

/// What names are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct NameFacts {
    pub id: PictureId,
    pub title: String,
    pub seed: Option<u64>,
    pub model: String,
    pub created: Timestamp,
    pub size: (u32, u32),
    /// Its place among all that are exported, from 1, and how many there are.
    pub number: (usize, usize),
}

impl NameFacts {
    /// Of a picture with or without a recipe of Limn's.
    pub fn new(
        id: PictureId,
        recipe: Option<&Recipe>,
        size: (u32, u32),
        number: (usize, usize),
    ) -> Self {
        Self {
            id,
            title: recipe.map_or(String::new(), Recipe::title),
            seed: recipe.map(|recipe| recipe.seed),
            model: recipe.map_or(String::new(), |recipe| recipe.model.clone()),
            created: recipe.map_or(id.created(), |recipe| recipe.created),
            size,
            number,
        }
    }
}

impl NamePattern {
    /// # Errors
    /// What is wrong with the text, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text.trim();
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let end = rest.find('}').filter(|_| brace == "{");
            let name = &rest[..end.ok_or(PatternError::OpenBrace)?];
            let field = Field::ALL.into_iter().find(|field| field.name() == name);
            let field = field.ok_or_else(|| PatternError::UnknownField(name.to_owned()))?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Field(field));
            rest = &rest[name.len() + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        if parts.is_empty() {
            return Err(PatternError::Empty);
        }
        Ok(Self { parts })
    }

    /// A name without its ending.
    pub fn name(&self, facts: &NameFacts) -> String {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Field(field) => name.push_str(&field_text(*field, facts)),
            }
        }
        safe(&name)
    }
}

impl Default for NamePattern {
    fn default() -> Self {
        Self {
            parts: vec![
                Part::Field(Field::Prompt),
                Part::Text("-".to_owned()),
                Part::Field(Field::Seed),
            ],
        }
    }
}

fn field_text(field: Field, facts: &NameFacts) -> String {
    let local = || facts.created.to_zoned_datetime(TimeZone::system());
    match field {
        Field::Prompt => prompt_words(&facts.title),
        Field::Seed => facts.seed.map_or(String::new(), |seed| seed.to_string()),
        Field::Date => local().strftime("%Y-%m-%d").to_string(),
        Field::Time => local().strftime("%H%M%S").to_string(),
        Field::Number => {
            let (number, of) = facts.number;
            let n_digits = of.to_string().len();
            format!("{number:0n_digits$}")
        }
        Field::Model => facts.model.clone(),
        Field::Width => facts.size.0.to_string(),
        Field::Height => facts.size.1.to_string(),
        Field::Id => facts.id.to_string(),
    }
}

/// Its first words, joined by hyphens.
fn prompt_words(prompt: &str) -> String {
    let words: Vec<String> = prompt
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(LIMIT_PROMPT_WORDS)
        .map(str::to_lowercase)
        .collect();
    let words: String = words.join("-").chars().take(LIMIT_PROMPT_CHARS).collect();
    if words.is_empty() {
        "picture".to_owned()
    } else {
        words
    }
}

/// One that every system takes: no separators, no signs with a meaning, no device of Windows.
fn safe(name: &str) -> String {
    let is_bad = |c: char| c.is_control() || "/\\:*?\"<>|".contains(c);
    let clean: String = name
        .chars()
        .map(|c| if is_bad(c) { '-' } else { c })
        .take(LIMIT_NAME_CHARS)
        .collect();
    // Leading dots hide a file; Windows drops dots and spaces at the end.
    let clean = clean.trim_matches(|c: char| c == '.' || c == '-' || c.is_whitespace());
    let stem = clean.split('.').next().unwrap_or_default();
    if clean.is_empty() {
        "picture".to_owned()
    } else if is_device(stem) {
        format!("_{clean}")
    } else {
        clean.to_owned()
    }
}

/// Names that Windows keeps for devices, with any ending.
fn is_device(stem: &str) -> bool {
    let stem = stem.trim().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|port| {
        let digit = stem.strip_prefix(port);
        digit.is_some_and(|digit| digit.len() == 1 && digit.chars().all(|c| c.is_ascii_digit()))
    });
    numbered || ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn facts(title: &str) -> NameFacts {
        let id = PictureId::new();
        NameFacts {
            id,
            title: title.to_owned(),
            seed: Some(7),
            model: "Doodle: v1".to_owned(),
            created: id.created(),
            size: (256, 128),
            number: (3, 120),
        }
    }

    #[test]
    fn patterns_fill_in_what_they_name() {
        let facts = facts("A red sailboat, on the sea!");
        let date = facts
            .created
            .to_zoned_datetime(TimeZone::system())
            .strftime("%Y-%m-%d")
            .to_string();
        for (pattern, expected) in [
            (DEFAULT_PATTERN, "a-red-sailboat-on-the-sea-7".to_owned()),
            ("{number} {width}x{height}", "003 256x128".to_owned()),
            ("{date}_{model}", format!("{date}_Doodle- v1")),
            ("shot", "shot".to_owned()),
            ("a {{brace}} {seed}", "a {brace} 7".to_owned()),
            ("{id}", facts.id.to_string()),
        ] {
            let name = NamePattern::parse(pattern).unwrap().name(&facts);
            assert_eq!(name, expected, "{pattern}");
            assert_eq!(NamePattern::parse(pattern).unwrap().to_string(), pattern);
        }
        assert_eq!(
            NamePattern::parse(DEFAULT_PATTERN).unwrap(),
            NamePattern::default()
        );
    }

    #[test]
    fn a_wrong_pattern_says_what_would_be_right() {
        for (pattern, expected) in [
            ("", "the pattern is empty"),
            ("   ", "the pattern is empty"),
            ("{prompt", "a brace is open"),
            ("prompt}", "a brace is open"),
            ("{}", "there is no {}: choose from {prompt} {seed}"),
            ("{Seed}", "there is no {Seed}"),
            ("{../../etc}", "there is no {../../etc}"),
        ] {
            let error = NamePattern::parse(pattern).unwrap_err().to_string();
            assert!(error.contains(expected), "{pattern}: {error}");
        }
    }

    #[test]
    fn whatever_stands_in_a_prompt_or_pattern_the_name_is_harmless() {
        let long = "word ".repeat(1000);
        for (pattern, title) in [
            ("{prompt}", "../../etc/passwd"),
            ("../{prompt}", "x"),
            ("/{prompt}", "x"),
            ("c:\\{prompt}", "x"),
            ("..", "x"),
            ("{prompt}", ""),
            ("{prompt}", "\u{0}\n\r"),
            ("con", "x"),
            ("LPT1.{prompt}", "x"),
            ("{prompt} .", "x"),
            ("{prompt}{prompt}{prompt}{prompt}{prompt}", long.as_str()),
            ("{prompt}", "\u{1f6a4} кот 猫"),
        ] {
            let name = NamePattern::parse(pattern).unwrap().name(&facts(title));
            assert!(!name.is_empty() && name.chars().count() <= LIMIT_NAME_CHARS + 1);
            assert!(!name.contains(['/', '\\', ':', '\0', '\n']), "{name}");
            assert!(
                !name.starts_with('.') && !name.ends_with(['.', ' ']),
                "{name}"
            );
            assert!(!is_device(name.split('.').next().unwrap()), "{name}");
        }
    }
}
