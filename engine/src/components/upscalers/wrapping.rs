//! What training programs put round a network: names before all its tensors' names, a second copy of it, counters.

use std::collections::BTreeSet;

use crate::{
    Result,
    weights::{Target, TensorFiles, TensorKind},
};

/// Names that stand before a network's own, one inside another: `state_dict.model.conv_first.weight`. Of two copies
/// the averaged one is the better (Real-ESRGAN and `BasicSR` show that one).
const AVERAGED: [&str; 6] = [
    "params_ema",
    "model_ema",
    "netG_ema",
    "net_g_ema",
    "generator_ema",
    "ema",
];
const PLAIN: [&str; 9] = [
    "params",
    "model",
    "netG",
    "net_g",
    "generator",
    "state_dict",
    "module",
    "weights",
    "net",
];

/// The network's tensors under their plain names, without what was round them.
///
/// `is_network` tells whether names are a network's; nothing is changed where they never are.
///
/// # Errors
/// Those of [`TensorFiles::seen_as`].
pub(super) fn unwrapped(
    files: TensorFiles,
    is_network: impl Fn(&dyn Fn(&str) -> bool) -> bool,
) -> Result<TensorFiles> {
    let prefixes: BTreeSet<String> = files.names().flat_map(prefixes_of).collect();
    let mut prefixes: Vec<String> = prefixes
        .into_iter()
        .filter(|prefix| is_network(&|name| files.kind(&format!("{prefix}{name}")).is_some()))
        .collect();
    prefixes.sort_by_key(|prefix| (!is_averaged(prefix), prefix.len()));
    let Some(prefix) = prefixes.into_iter().next() else {
        return Ok(files);
    };
    files.seen_as(|name, kind| {
        if is_counter(kind) {
            return Vec::new();
        }
        let plain = match name.strip_prefix(&prefix) {
            // Another copy, beside the one that has no name before it.
            Some(plain) if prefix.is_empty() && is_wrapped(plain) && !is_own(plain) => None,
            // `None` is the other copy, or what judged the network while it learned.
            plain => plain,
        };
        plain.map(Target::whole).into_iter().collect()
    })
}

/// All that may stand before the network's own name: `a.b.c.weight` → nothing, `a.`, `a.b.`, as far as these are known.
fn prefixes_of(name: &str) -> Vec<String> {
    let mut prefixes = vec![String::new()];
    let mut rest = name;
    while let Some((first, inner)) = rest.split_once('.')
        && is_known(first)
    {
        rest = inner;
        prefixes.push(name[..name.len() - rest.len()].to_owned());
    }
    prefixes
}

fn is_known(part: &str) -> bool {
    AVERAGED.contains(&part) || PLAIN.contains(&part)
}

fn is_averaged(prefix: &str) -> bool {
    prefix.split('.').any(|part| AVERAGED.contains(&part))
}

fn is_wrapped(name: &str) -> bool {
    name.split_once('.')
        .is_some_and(|(first, _)| is_known(first))
}

/// ESRGAN's first code has numbers behind `model`.
fn is_own(name: &str) -> bool {
    let place = name.strip_prefix("model.").unwrap_or_default();
    place.starts_with(|c: char| c.is_ascii_digit())
}

/// Steps done, batches seen, networks averaged: whole numbers, or one number without a shape. No network here has any.
fn is_counter(kind: TensorKind) -> bool {
    !kind.is_float || kind.shape.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_name_is_peeled_off_part_by_part() {
        for (name, prefixes) in [
            ("conv_first.weight", vec![""]),
            ("model.0.weight", vec!["", "model."]),
            (
                "state_dict.model.body.0.weight",
                vec!["", "state_dict.", "state_dict.model."],
            ),
            (
                "params_ema.module.conv_first.bias",
                vec!["", "params_ema.", "params_ema.module."],
            ),
            ("discriminator.conv.weight", vec![""]),
            ("step", vec![""]),
        ] {
            assert_eq!(prefixes_of(name), prefixes, "{name}");
        }
        assert!(is_averaged("state_dict.params_ema.") && !is_averaged("params."));
    }
}
