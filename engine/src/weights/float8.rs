//! Weights of eight bits: the plain floats, those with a scale beside them, and the packings that Limn does not read.

use super::files::TensorFiles;
use crate::Result;
use safetensors::Dtype;

/// The names beside `….weight` under which a scale for it is found: what one multiplies with.
const SCALE_NAMES: [&str; 2] = ["scale_weight", "weight_scale"];
/// Beside it too: what only arithmetic on eight bits would ask for.
const UNREAD_NAMES: [&str; 3] = ["scale_input", "input_scale", "comfy_quant"];
/// A tensor that only says that the file is of this kind.
const MARKER: &str = "scaled_fp8";

pub(super) fn is_float8(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F8_E4M3 | Dtype::F8_E5M2)
}

/// Whether a tensor only says something of eight-bit weights in the same file.
pub(super) fn is_float8_companion(files: &TensorFiles, name: &str) -> bool {
    let last_start = name.rfind('.').map_or(0, |dot| dot + 1);
    let (scope, last) = name.split_at(last_start);
    if last == MARKER {
        return true;
    }
    let names = SCALE_NAMES.iter().chain(&UNREAD_NAMES);
    let is_companion = names.into_iter().any(|companion| *companion == last);
    is_companion
        && files
            .tensor(&format!("{scope}weight"))
            .is_some_and(|(_, info)| is_float8(info.dtype))
}

/// What the numbers of a tensor are multiplied with.
///
/// # Errors
/// [`crate::Error::BadWeights`] for a scale that is not one finite number; [`crate::Error::Io`].
pub(super) fn scale(files: &TensorFiles, name: &str) -> Result<f32> {
    let Some(scope) = name.strip_suffix("weight") else {
        return Ok(1.0);
    };
    let names = SCALE_NAMES.map(|companion| format!("{scope}{companion}"));
    let found = names
        .iter()
        .find_map(|name| files.tensor(name).map(|found| (name, found)));
    let Some((scale_name, (file, info))) = found else {
        return Ok(1.0);
    };
    let bad = |what: String| Err(file.bad(format!("`{scale_name}` {what}")));
    if info.dtype != Dtype::F32 || info.n_elements() != 1 {
        return bad(format!(
            "is {:?} in {}, and Limn reads one F32 scale for a tensor",
            info.shape, info.dtype
        ));
    }
    let mut bytes = [0; 4];
    file.read_data(&mut bytes, info.begin)?;
    match f32::from_le_bytes(bytes) {
        scale if scale.is_finite() => Ok(scale),
        scale => bad(format!("is {scale}")),
    }
}

/// `1-4-3`, bias 7, without infinities: Micikevicius et al. 2022.
pub(super) fn from_e4m3([byte]: [u8; 1]) -> f32 {
    let (exponent, mantissa) = (byte >> 3 & 0xf, f32::from(byte & 7));
    let magnitude = match exponent {
        0xf if byte & 7 == 7 => f32::NAN,
        0 => mantissa / 8.0 * 2f32.powi(-6),
        _ => (1.0 + mantissa / 8.0) * 2f32.powi(i32::from(exponent) - 7),
    };
    if byte & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// `1-5-2`, bias 15: the upper half of a half-precision float.
pub(super) fn from_e5m2([byte]: [u8; 1]) -> f32 {
    burn::tensor::f16::from_bits(u16::from(byte) << 8).to_f32()
}

/// How the files' numbers are packed, where that is in none of the ways that Limn reads.
pub(super) fn quantisation(files: &TensorFiles) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 7] = [
        (".quant_state.bitsandbytes__nf4", "nf4 (bitsandbytes)"),
        (".quant_state.bitsandbytes__fp4", "fp4 (bitsandbytes)"),
        (".absmax", "bitsandbytes"),
        (".weight_scale_2", "nvfp4"),
        (".wscales", "SVDQuant (nunchaku)"),
        (".qweight", "GPTQ, AWQ or SVDQuant"),
        (".SCB", "int8 (bitsandbytes)"),
    ];
    SIGNS
        .into_iter()
        .find(|(sign, _)| files.own_names().any(|name| name.ends_with(sign)))
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bits_are_read_as_the_formats_say() {
        for (byte, e4m3, e5m2) in [
            (0x00, 0.0, 0.0),
            (0x01, 2f32.powi(-9), 2f32.powi(-16)),
            (0x38, 1.0, 0.5),
            (0x3c, 1.5, 1.0),
            (0x7e, 448.0, f32::NAN),
            (0x7b, 352.0, 57_344.0),
            (0xb8, -1.0, -0.5),
            (0x80, -0.0, -0.0),
        ] {
            let check = |actual: f32, expected: f32| {
                let is_same = actual.total_cmp(&expected).is_eq();
                assert!(
                    is_same || actual.is_nan() && expected.is_nan(),
                    "{byte:#x}: {actual} and not {expected}"
                );
            };
            check(from_e4m3([byte]), e4m3);
            check(from_e5m2([byte]), e5m2);
        }
        assert!(from_e4m3([0x7f]).is_nan() && from_e4m3([0xff]).is_nan());
        assert!(from_e5m2([0x7c]).is_infinite());
    }
}
