//! Fields of recipes from strangers: numbers that may be texts, names of files, limits.

use serde_json::Value;

use super::{LIMIT_FIELD_CHARS, LIMIT_KEPT_BYTES, LIMIT_TEXT_BYTES};

/// JSON as Python writes it: with `NaN` and `Infinity`, which JSON does not know.
pub fn json(text: &str) -> Option<Value> {
    let text = text.trim();
    if !text.starts_with('{') || text.len() > LIMIT_TEXT_BYTES {
        return None;
    }
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&without_nan(text)))
        .ok()
}

/// The same JSON with null for every number that is none.
pub fn without_nan(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut is_quoted = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|word| !is_quoted && rest.starts_with(word));
        if let Some(word) = word {
            clean.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        let mut n_bytes = c.len_utf8();
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => n_bytes += rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => {}
        }
        clean.push_str(&rest[..n_bytes]);
        rest = &rest[n_bytes..];
    }
    clean
}

/// A field's text within its limit.
pub fn field(text: &str) -> String {
    text.trim().chars().take(LIMIT_FIELD_CHARS).collect()
}

/// A field that says something.
pub fn some_field(text: &str) -> Option<String> {
    Some(field(text)).filter(|text| !text.is_empty())
}

/// A number that may be written as one or as a text.
pub fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    number.is_finite().then_some(number)
}

pub fn small_number(value: &Value) -> Option<f32> {
    number(value).map(|number| number as f32)
}

/// A whole number, exact to 64 bits, as seeds are.
pub fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64().or_else(|| {
            // Above that, a float is no longer one whole number.
            const LIMIT_EXACT: f64 = (1_u64 << 53) as f64;
            number(value)
                .filter(|n| (0.0..=LIMIT_EXACT).contains(n) && n.fract() == 0.0)
                .map(|n| n as u64)
        }),
    }
}

pub fn count(value: &Value) -> Option<u32> {
    whole_number(value).and_then(|n| n.try_into().ok())
}

pub fn size(width: &Value, height: &Value) -> Option<(u32, u32)> {
    Some((count(width)?, count(height)?)).filter(|(width, height)| *width > 0 && *height > 0)
}

/// The file's name without its folder and ending, as models are called by it.
pub fn model_name(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    some_field(without_ending(name))
}

/// Endings of files with weights.
const ENDINGS: [&str; 8] = [
    ".safetensors",
    ".ckpt",
    ".sft",
    ".gguf",
    ".pth",
    ".pt",
    ".bin",
    ".onnx",
];

pub fn without_ending(name: &str) -> &str {
    let mut stems = ENDINGS.iter().filter_map(|ending| {
        let at = name.len().checked_sub(ending.len())?;
        let is_ending = name.get(at..)?.eq_ignore_ascii_case(ending);
        is_ending.then(|| &name[..at])
    });
    stems.next().unwrap_or(name)
}

/// Whether a text names a file with weights.
pub fn is_weights_file(name: &str) -> bool {
    without_ending(name).len() < name.len()
}

/// What stands for no value at all.
pub fn is_none(text: &str) -> bool {
    matches!(text.trim(), "" | "None" | "none" | "null" | "undefined")
}

/// Width and height in one text: `640x896`, `(896, 1152)`, `1152×896 (9:7)`.
pub fn size_in(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty());
    let (width, height) = (numbers.next()?, numbers.next()?);
    let starts = text.trim_start_matches(['(', '[', ' ']).starts_with(width);
    let between = text.split_once(width)?.1.split_once(height)?.0;
    let is_size = matches!(between.trim(), "x" | "X" | "×" | "*" | ",");
    (starts && is_size).then(|| size(&width.into(), &height.into()))?
}

pub fn kept(text: &str) -> String {
    let mut end = text.len().min(LIMIT_KEPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
