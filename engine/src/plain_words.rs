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
const PHRASES: [(&str, &str); 12] = [
    ("unexpected end of file", "it ends too early"),
    ("failed to fill whole buffer", "it ends too early"),
    ("EOF while parsing a value", "it ends too early"),
    ("EOF while parsing a string", "it ends too early"),
    ("EOF while parsing a list", "it ends too early"),
    ("EOF while parsing an object", "it ends too early"),
    ("expected a tuple of size ", "expected a list of "),
    ("expected an array of length ", "expected a list of "),
    ("invalid length ", "found a length of "),
    // Types come first: see `plain`.
    ("invalid type: ", "found "),
    ("invalid value: ", "found "),
    ("invalid utf-8 sequence", "letters that are not UTF-8"),
];

/// What `serde` says of a value, before it quotes it.
const FOUND: [&str; 4] = ["integer", "floating point", "boolean", "character"];

/// The same without words of programmers.
pub fn plain(text: &str) -> Cow<'_, str> {
    let mut plain = Cow::Borrowed(text);
    let rules: [fn(&str) -> Option<String>; 6] = [
        without_number,
        without_enum,
        without_structure,
        with_type,
        with_field,
        with_choice,
    ];
    for rule in rules {
        // Each takes one away, so that this ends.
        while let Some(changed) = rule(&plain) {
            plain = changed.into();
        }
    }
    for (phrase, words) in PHRASES {
        if plain.contains(phrase) {
            plain = plain.replace(phrase, words).into();
        }
    }
    while let Some(changed) = with_value(&plain) {
        plain = changed.into();
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

/// "missing field `name`", "duplicate field `name`".
fn with_field(text: &str) -> Option<String> {
    for (before, words) in [
        ("missing field `", "is missing"),
        ("duplicate field `", "is there twice"),
    ] {
        if let Some((start, rest)) = text.split_once(before)
            && let Some((name, end)) = rest.split_once('`')
        {
            return Some(format!("{start}`{name}` {words}{end}"));
        }
    }
    None
}

/// "unknown variant `this`, expected `that`", "unknown field `this`, expected one of `that`, `or that`".
fn with_choice(text: &str) -> Option<String> {
    for before in ["unknown variant `", "unknown field `"] {
        let Some((start, rest)) = text.split_once(before) else {
            continue;
        };
        let Some((name, end)) = rest.split_once('`') else {
            continue;
        };
        let said = if let Some(choices) = end.strip_prefix(", expected one of ") {
            format!("is none of {choices}")
        } else if let Some(choice) = end.strip_prefix(", expected ") {
            format!("is not {choice}")
        } else {
            format!("is not known{end}")
        };
        return Some(format!("{start}`{name}` {said}"));
    }
    None
}

/// "found integer `3`".
fn with_value(text: &str) -> Option<String> {
    for kind in FOUND {
        if let Some((start, rest)) = text.split_once(&format!("found {kind} `"))
            && let Some((value, end)) = rest.split_once('`')
        {
            return Some(format!("{start}found {value}{end}"));
        }
    }
    let (start, rest) = text.split_once("found string \"")?;
    Some(format!("{start}found \"{rest}"))
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
                "found \"4\", expected a whole number at line 1 column 2",
            ),
            (
                "invalid type: map, expected f64",
                "found an object, expected a number",
            ),
            (
                "invalid type: sequence, expected struct Config with 3 elements",
                "found a list, expected an object with 3 elements",
            ),
            (
                "invalid value: integer `-3`, expected usize at line 1",
                "found -3, expected a whole number at line 1",
            ),
            (
                "invalid length 0, expected an array of length 3",
                "found a length of 0, expected a list of 3",
            ),
            (
                "invalid type: floating point `1.5`, expected a tuple of size 2",
                "found 1.5, expected a list of 2",
            ),
            (
                "missing field `bias` at line 1 column 9",
                "`bias` is missing at line 1 column 9",
            ),
            ("duplicate field `dtype`", "`dtype` is there twice"),
            ("missing field `cut", "missing field `cut"),
            (
                "unknown variant `sigmoid`, expected one of `gelu`, `silu` at line 2",
                "`sigmoid` is none of `gelu`, `silu` at line 2",
            ),
            (
                "unknown variant `a`, expected `b` or `c`",
                "`a` is not `b` or `c`",
            ),
            (
                "unknown field `zz` at line 1",
                "`zz` is not known at line 1",
            ),
            (
                "EOF while parsing a list at line 3 column 0",
                "it ends too early at line 3 column 0",
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
