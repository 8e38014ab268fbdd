//! The spellings of one architecture's tensors, made Real-ESRGAN's.

use std::borrow::Cow;

/// `SRVGGNetCompact`, and `RRDBNet` as Real-ESRGAN has it.
pub(super) fn real_esrgan(name: &str) -> Cow<'_, str> {
    name.into()
}

/// `RRDBNet` in ESRGAN's later code, which is also that of BSRGAN and `RealSR`.
pub(super) fn later_esrgan(name: &str) -> Cow<'_, str> {
    let (first, rest) = name.split_once('.').unwrap_or((name, ""));
    match first {
        "RRDB_trunk" => format!("body.{}", rest.replace("RDB", "rdb")).into(),
        "trunk_conv" => format!("conv_body.{rest}").into(),
        "HRconv" => format!("conv_hr.{rest}").into(),
        _ => match first.strip_prefix("upconv") {
            Some(i) => format!("conv_up{i}.{rest}").into(),
            None => name.into(),
        },
    }
}

/// `RRDBNet` as ESRGAN first had it: a plain sequence in which the doublings are followed by two convolutions.
pub(super) fn first_esrgan<const N_DOUBLINGS: usize>(name: &str) -> Cow<'_, str> {
    let Some((place, rest)) = name
        .strip_prefix("model.")
        .and_then(|rest| rest.split_once('.'))
    else {
        return name.into();
    };
    match place.parse::<usize>() {
        Ok(0) => format!("conv_first.{rest}").into(),
        Ok(1) => trunk(rest).map_or(name.into(), Cow::from),
        // Each doubling is an enlargement, a convolution and an activation, and only the second has parameters.
        Ok(i) if i % 3 == 0 && (1..=N_DOUBLINGS).contains(&(i / 3)) => {
            format!("conv_up{}.{rest}", i / 3).into()
        }
        Ok(i) if i == 3 * N_DOUBLINGS + 2 => format!("conv_hr.{rest}").into(),
        Ok(i) if i == 3 * N_DOUBLINGS + 4 => format!("conv_last.{rest}").into(),
        _ => name.into(),
    }
}

/// `sub.0.RDB1.conv1.0.weight` → `body.0.rdb1.conv1.weight`, and the convolution behind the blocks.
fn trunk(name: &str) -> Option<String> {
    let (block, rest) = name.strip_prefix("sub.")?.split_once('.')?;
    let Some(rest) = rest.strip_prefix("RDB") else {
        return Some(format!("conv_body.{rest}"));
    };
    let rest = match rest.split('.').collect::<Vec<_>>()[..] {
        // A convolution and its activation are a sequence of two.
        [dense, conv, "0", kind] => format!("{dense}.{conv}.{kind}"),
        _ => rest.to_owned(),
    };
    Some(format!("body.{block}.rdb{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_comes_to_the_same_names() {
        let four_times = first_esrgan::<2>;
        for (remap, name, expected) in [
            (
                four_times as fn(&str) -> Cow<'_, str>,
                "model.0.weight",
                "conv_first.weight",
            ),
            (
                four_times,
                "model.1.sub.22.RDB3.conv5.0.bias",
                "body.22.rdb3.conv5.bias",
            ),
            (
                four_times,
                "model.1.sub.4.RDB2.conv1x1.weight",
                "body.4.rdb2.conv1x1.weight",
            ),
            (four_times, "model.1.sub.23.weight", "conv_body.weight"),
            (four_times, "model.3.weight", "conv_up1.weight"),
            (four_times, "model.6.bias", "conv_up2.bias"),
            (four_times, "model.8.weight", "conv_hr.weight"),
            (four_times, "model.10.weight", "conv_last.weight"),
            (four_times, "model.9.weight", "model.9.weight"),
            (first_esrgan::<0>, "model.2.weight", "conv_hr.weight"),
            (first_esrgan::<0>, "model.4.weight", "conv_last.weight"),
            (first_esrgan::<1>, "model.3.weight", "conv_up1.weight"),
            (first_esrgan::<1>, "model.7.weight", "conv_last.weight"),
            (
                later_esrgan,
                "RRDB_trunk.3.RDB2.conv4.weight",
                "body.3.rdb2.conv4.weight",
            ),
            (later_esrgan, "trunk_conv.bias", "conv_body.bias"),
            (later_esrgan, "upconv2.bias", "conv_up2.bias"),
            (later_esrgan, "HRconv.bias", "conv_hr.bias"),
            (later_esrgan, "conv_first.bias", "conv_first.bias"),
            (real_esrgan, "conv_up1.weight", "conv_up1.weight"),
        ] {
            assert_eq!(remap(name), expected, "{name}");
        }
    }
}
