//! Words of programmers in foreign errors, put as everybody says them.
//!
//! Libraries name their own types, print structures as their source has them and number the system's errors. Nobody who
//! opens a picture or a model can do anything with that. [`foreign_text`](crate::foreign_text) lets every message
//! through here.

use std::borrow::Cow;

/// How `serde` names what it wanted or found, and what that is.
const TYPES: [(&str, &str); 24] = [
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number"),
    ("u32", "a whole number"),
    ("u64", "a whole number"),
    ("usize", "a whole number"),
    ("i8", "a whole number"),
    ("i16", "a whole number"),
    ("i32", "a whole number"),
    ("i64", "a whole number"),
    ("isize", "a whole number"),
    ("a nonzero u32", "a whole number above 0"),
    ("a nonzero u64", "a whole number above 0"),
    ("a nonzero usize", "a whole number above 0"),
    ("f32", "a number"),
    ("f64", "a number"),
    ("bool", "true or false"),
    ("a boolean", "true or false"),
    ("a sequence", "a list"),
    ("sequence", "a list"),
    ("a map", "an object"),
    ("map", "an object"),
    ("unit", "nothing"),
    ("path string", "a path"),
    ("a borrowed string", "a text"),
];

/// What libraries say as a whole.
const PHRASES: [(&str, &str); 2] = [
    ("unexpected end of file", "it ends too early"),
    ("failed to fill whole buffer", "it ends too early"),
];

/// The same without words of programmers.
pub fn plain(text: &str) -> Cow<'_, str> {
    let mut plain = Cow::Borrowed(text);
    for (phrase, words) in PHRASES {
        if plain.contains(phrase) {
            plain = plain.replace(phrase, words).into();
        }
    }
    let rules: [fn(&str) -> Option<String>; 4] =
        [without_number, without_enum, without_structure, with_type];
    for rule in rules {
        // Each takes one away, so that this ends.
        while let Some(changed) = rule(&plain) {
            plain = changed.into();
        }
    }
    plain
}

/// `No such file or directory (os error 2)`.
fn without_number(text: &str) -> Option<String> {
    const START: &str = " (os error ";
    let mut from = 0;
    while let Some(found) = text[from..].find(START) {
        let start = from + found;
        let digits = &text[start + START.len()..];
        let n_digits = digits
            .trim_start_matches('-')
            .find(|c: char| !c.is_ascii_digit());
        let n_sign = digits.len() - digits.trim_start_matches('-').len();
        let end = n_sign + n_digits.unwrap_or(digits.len() - n_sign);
        if let Some(rest) = digits[end..].strip_prefix(')') {
            return Some(format!("{}{rest}", &text[..start]));
        }
        from = start + START.len();
    }
    None
}

/// `data did not match any variant of untagged enum Merge`.
fn without_enum(text: &str) -> Option<String> {
    let (before, rest) = text.split_once("data did not match any variant of untagged enum ")?;
    let rest = rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
    Some(format!("{before}a value is of another kind{rest}"))
}

/// `ChunkType { type: CgBI, critical: true }`, of which the name within or else without is said.
fn without_structure(text: &str) -> Option<String> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find(" { ")?;
        from = open + 1;
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
        let name = text[..open].trim_end_matches(is_part).len();
        let name = &text[name..open];
        let fields = &text[open + 3..];
        let field = fields.split_once(": ").map(|(field, _)| field);
        let is_field = field.is_some_and(|field| field.chars().all(|c| is_part(c) && c != ':'));
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) || !is_field {
            continue;
        }
        let Some(n_bytes) = n_bytes_of_structure(fields) else {
            continue;
        };
        let within = &fields[..n_bytes];
        let said = within
            .strip_prefix("type: ")
            .map_or(name, |rest| rest.split([',', ' ']).next().unwrap_or(name));
        let rest = &fields[n_bytes + 1..];
        return Some(format!("{}{said}{rest}", &text[..open - name.len()]));
    }
}

/// Up to the brace that ends what is open at the start.
fn n_bytes_of_structure(fields: &str) -> Option<usize> {
    let mut depth = 1;
    let braces = fields.match_indices(['{', '}']);
    for (at, brace) in braces {
        depth += if brace == "{" { 1 } else { -1 };
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// `expected u32`, `expected struct Config`, `invalid type: map`.
fn with_type(text: &str) -> Option<String> {
    for before in ["expected ", "invalid type: "] {
        let mut from = 0;
        while let Some(found) = text[from..].find(before) {
            let start = from + found + before.len();
            from = start;
            let rest = &text[start..];
            let end = |text: &str| {
                text.chars()
                    .next()
                    .is_none_or(|c| matches!(c, ' ' | ',' | ')' | ':' | '.'))
            };
            for (kind, words) in TYPES {
                if let Some(after) = rest.strip_prefix(kind)
                    && end(after)
                {
                    return Some(format!("{}{words}{after}", &text[..start]));
                }
            }
            for kind in ["struct ", "tuple struct ", "internally tagged enum "] {
                if let Some(after) = rest.strip_prefix(kind) {
                    let after = after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
                    return Some(format!("{}an object{after}", &text[..start]));
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_programmers_go_and_all_others_stay() {
        for (text, expected) in [
            (
                "No such file or directory (os error 2): see: /a",
                "No such file or directory: see: /a",
            ),
            ("a (os error 2) b (os error -17)", "a b"),
            ("(os error", "(os error"),
            ("x (os error two)", "x (os error two)"),
            ("x (os error 2", "x (os error 2"),
            (
                "data did not match any variant of untagged enum PerLevel at line 3",
                "a value is of another kind at line 3",
            ),
            (
                "ChunkType { type: CgBI, critical: true, private: true } chunk appeared before IHDR chunk",
                "CgBI chunk appeared before IHDR chunk",
            ),
            (
                "bad (Header { width: 3, inner: Inner { a: 1 } }): again",
                "bad (Header): again",
            ),
            ("a prompt { with: braces }", "a prompt { with: braces }"),
            ("Prompt { unclosed: 1", "Prompt { unclosed: 1"),
            (
                "invalid type: string \"4\", expected u32 at line 1 column 2",
                "invalid type: string \"4\", expected a whole number at line 1 column 2",
            ),
            (
                "invalid type: map, expected f64",
                "invalid type: an object, expected a number",
            ),
            (
                "invalid type: sequence, expected struct Config with 3 elements",
                "invalid type: a list, expected an object with 3 elements",
            ),
            (
                "expected a map, expected map",
                "expected an object, expected an object",
            ),
            ("expected unity", "expected unity"),
            (
                "a table (failed to fill whole buffer)",
                "a table (it ends too early)",
            ),
            ("naïve 模型 (os error 1)模", "naïve 模型模"),
        ] {
            assert_eq!(plain(text), expected);
            assert_eq!(plain(expected), expected, "once is enough");
        }
    }
}
