//! What reading the configs of diffusers' U-Nets and autoencoders has in common.

use std::ops::RangeInclusive;

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

/// Refuses a number that would make nothing but infinities of a picture, or no number at all.
pub(crate) fn check_float(key: &str, value: f64, range: RangeInclusive<f64>) -> Result<(), String> {
    // Not-a-number is in no range.
    if range.contains(&value) {
        Ok(())
    } else {
        Err(unsupported(key, &json!(value)))
    }
}

/// What is added to a variance before its root is taken.
pub(crate) const EPSILONS: RangeInclusive<f64> = 0.0..=1.0;

const MAX_LEVELS: usize = 8;
const MAX_LAYERS: usize = 64;
pub(crate) const MAX_WIDTH: usize = 1 << 16;

/// Refuses widths that no network can have, before they become shapes.
pub(crate) fn check_widths(widths: &[(&str, usize)]) -> Result<(), String> {
    for (key, width) in widths {
        if !(1..=MAX_WIDTH).contains(width) {
            return Err(unsupported(key, &json!(width)));
        }
    }
    Ok(())
}

/// Refuses levels that no network can have: too many, too deep, too wide, or of a width that does not fit.
pub(crate) fn check_levels(
    block_out_channels: &[usize],
    layers_per_block: &[usize],
    fits: impl Fn(usize) -> bool,
) -> Result<(), String> {
    if layers_per_block
        .iter()
        .any(|n| !(1..=MAX_LAYERS).contains(n))
    {
        return Err(unsupported("layers_per_block", &json!(layers_per_block)));
    }
    let is_sound = |width: &usize| (1..=MAX_WIDTH).contains(width) && fits(*width);
    if !(1..=MAX_LEVELS).contains(&block_out_channels.len())
        || !block_out_channels.iter().all(is_sound)
    {
        return Err(unsupported(
            "block_out_channels",
            &json!(block_out_channels),
        ));
    }
    Ok(())
}
