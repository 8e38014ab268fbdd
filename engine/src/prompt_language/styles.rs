//! Saved pieces of prompt, positive and negative, as the web interfaces' `styles.csv` holds them.

use serde::{Deserialize, Serialize};

use crate::foreign_text;

/// What stands for the prompt in a style.
pub const PLACEHOLDER: &str = "{prompt}";
/// Of a file of styles, and of one text in it.
const MAX_STYLES: usize = 5_000;
const MAX_TEXT_BYTES: usize = 16 << 10;

/// A saved piece of prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Style {
    pub name: String,
    /// Behind the prompt, or around it where [`PLACEHOLDER`] stands.
    pub prompt: String,
    pub negative_prompt: String,
}

/// Lays styles around a prompt and its negative, one after another.
pub fn apply<'a>(
    styles: impl IntoIterator<Item = &'a Style>,
    prompt: &str,
    negative_prompt: &str,
) -> (String, String) {
    let mut texts = (prompt.to_owned(), negative_prompt.to_owned());
    for style in styles {
        texts.0 = merged(&texts.0, &style.prompt);
        texts.1 = merged(&texts.1, &style.negative_prompt);
    }
    texts
}

fn merged(text: &str, style: &str) -> String {
    if style.contains(PLACEHOLDER) {
        return style.replace(PLACEHOLDER, text);
    }
    match (text.trim(), style.trim()) {
        ("", style) => style.to_owned(),
        (_, "") => text.to_owned(),
        (text, style) => format!("{text}, {style}"),
    }
}

/// Reads a `styles.csv`: its columns are `name`, `prompt` (once `text`) and `negative_prompt`. Rows that are none are
/// passed over.
///
/// # Errors
/// The reason, for a file that is no such list.
pub fn read_csv(bytes: &[u8]) -> Result<Vec<Style>, String> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let headers = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |names: &[&str]| {
        headers
            .iter()
            .position(|header| names.contains(&header.trim()))
    };
    let (Some(name), Some(prompt)) = (column(&["name"]), column(&["prompt", "text"])) else {
        return Err("it has no columns `name` and `prompt`".to_owned());
    };
    let negative = column(&["negative_prompt", "negative prompt"]);
    let mut styles = Vec::new();
    for row in reader.records().flatten() {
        let cell = |column: Option<usize>| {
            let text = column
                .and_then(|column| row.get(column))
                .unwrap_or_default();
            text[..text.floor_char_boundary(MAX_TEXT_BYTES)].to_owned()
        };
        let style = Style {
            name: foreign_text::name(cell(Some(name)).trim()).to_string(),
            prompt: cell(Some(prompt)),
            negative_prompt: cell(negative),
        };
        let says = !style.prompt.trim().is_empty() || !style.negative_prompt.trim().is_empty();
        if !style.name.is_empty() && says && styles.len() < MAX_STYLES {
            styles.push(style);
        }
    }
    Ok(styles)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_web_interfaces_styles_are_read() {
        let csv = "\u{feff}name,prompt,negative_prompt\r\nNone,,\r\nFilm,\"film still of {prompt}, 35mm\",\"cartoon, \"\"3d\"\"\"\r\nInk,\"ink,\nlines\",\r\nshort\r\n";
        let styles = read_csv(csv.as_bytes()).unwrap();
        let names: Vec<&str> = styles.iter().map(|style| style.name.as_str()).collect();
        assert_eq!(names, ["Film", "Ink"]);
        let (prompt, negative) = apply(&styles, "a cat", "blurry");
        assert_eq!(prompt, "film still of a cat, 35mm, ink,\nlines");
        assert_eq!(negative, "blurry, cartoon, \"3d\"");
        assert_eq!(read_csv(b"name,text\nOld,oil\n").unwrap()[0].prompt, "oil");
    }

    #[test]
    fn a_style_needs_no_prompt() {
        let style = Style {
            prompt: "oil painting".to_owned(),
            ..Style::default()
        };
        assert_eq!(
            apply([&style], " ", ""),
            ("oil painting".to_owned(), String::new())
        );
        assert_eq!(apply([], "a, ", "b"), ("a, ".to_owned(), "b".to_owned()));
    }

    #[test]
    fn what_is_no_list_of_styles_is_said() {
        for bytes in [&b""[..], b"<html>", b"\xff\xfe\x00", b"a,b\n1,2\n"] {
            assert!(read_csv(bytes).is_err());
        }
        let many = "name,prompt\n".to_owned() + &"a,b\n".repeat(20_000);
        assert_eq!(read_csv(many.as_bytes()).unwrap().len(), MAX_STYLES);
    }
}
