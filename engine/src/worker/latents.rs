//! First noise that was sent instead of a seed.

use safetensors::{Dtype, SafeTensors};

use crate::{Error, Result, operations::InitialLatents};

/// A header for one tensor is a hundred bytes.
const MAX_HEADER_BYTES: u64 = 1 << 16;

/// The tensor `latents` of a safetensors file that has come over the pipe.
pub(super) fn read_latents(file: &[u8]) -> Result<InitialLatents> {
    let refuse = |reason: String| Error::OutOfRange {
        name: "the latents file",
        value: reason,
        allowed: "safetensors with one f32 tensor `latents` of [batch, channels, height, width]"
            .to_owned(),
    };
    let header_bytes = file.first_chunk().map(|n| u64::from_le_bytes(*n));
    if header_bytes.is_none_or(|n| n > MAX_HEADER_BYTES) {
        return Err(refuse("not safetensors".to_owned()));
    }
    let tensors = SafeTensors::deserialize(file).map_err(|error| refuse(error.to_string()))?;
    let latents = tensors
        .tensor("latents")
        .map_err(|error| refuse(error.to_string()))?;
    let shape: [usize; 4] = latents
        .shape()
        .try_into()
        .map_err(|_| refuse(format!("of shape {:?}", latents.shape())))?;
    if latents.dtype() != Dtype::F32 {
        return Err(refuse(format!("in {:?}", latents.dtype())));
    }
    let (values, _) = latents.data().as_chunks();
    let values: Vec<f32> = values
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(refuse("with values that are not finite".to_owned()));
    }
    Ok(InitialLatents { shape, values })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use safetensors::tensor::TensorView;

    use super::*;

    fn file(name: &str, dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
        let view = TensorView::new(dtype, shape.to_vec(), bytes).unwrap();
        safetensors::serialize([(name, view)], None).unwrap()
    }

    #[test]
    fn latents_come_in_the_one_form_that_is_written() {
        let values = [1.0_f32, -2.0, 0.5, 3.0];
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let latents = read_latents(&file("latents", Dtype::F32, &[1, 4, 1, 1], &bytes)).unwrap();
        assert_eq!(latents.shape, [1, 4, 1, 1]);
        assert_eq!(latents.values, values);

        let nan = [f32::NAN.to_le_bytes(), [0; 4]].concat();
        for (bad, why) in [
            (vec![], "not safetensors"),
            (vec![0xff; 64], "not safetensors"),
            (file("other", Dtype::F32, &[1, 4, 1, 1], &bytes), "latents"),
            (file("latents", Dtype::F32, &[4, 1], &bytes), "[4, 1]"),
            (file("latents", Dtype::F16, &[1, 8, 1, 1], &bytes), "F16"),
            (file("latents", Dtype::F32, &[1, 2, 1, 1], &nan), "finite"),
        ] {
            let message = read_latents(&bad).unwrap_err().to_string();
            assert!(message.contains(why), "{message}");
        }
    }
}
