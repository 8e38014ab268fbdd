//! What reading the configs of diffusers' U-Nets and autoencoders has in common.

use serde_json::{Map, Value, json};

/// Why a config is refused, by key and value.
pub(crate) fn unsupported(key: &str, value: &Value) -> String {
    format!("`{key}` is {value}, which Limn does not support")
}

/// Whether each level has attention, from the names of its blocks without and with it.
pub(crate) fn attention_flags(
    key: &str,
    types: &[String],
    [without, with]: [&str; 2],
    n_levels: usize,
) -> Result<Vec<bool>, String> {
    if types.len() != n_levels {
        return Err(unsupported(key, &json!(types)));
    }
    types
        .iter()
        .map(|block_type| match block_type.as_str() {
            name if name == without => Ok(false),
            name if name == with => Ok(true),
            _ => Err(unsupported(key, &json!(block_type))),
        })
        .collect()
}

/// Refuses a key that nobody here has heard of, unless its value says that it is not in use.
pub(crate) fn check_unknown_keys(
    rest: &Map<String, Value>,
    is_known: impl Fn(&str) -> bool,
) -> Result<(), String> {
    for (key, value) in rest {
        let known = key.starts_with('_') || is_known(key);
        if !known && !matches!(value, Value::Null | Value::Bool(false)) {
            return Err(unsupported(key, value));
        }
    }
    Ok(())
}

/// Refuses numbers that no network can have, before they become shapes: zero, and more than `max`.
pub(crate) fn check_counts(counts: &[(&str, usize)], max: usize) -> Result<(), String> {
    for (key, count) in counts {
        if *count == 0 || *count > max {
            return Err(unsupported(key, &json!(count)));
        }
    }
    Ok(())
}
