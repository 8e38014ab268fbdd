//! Weights of eight bits, plain and scaled, and those that are refused by name.

use super::*;

/// A file of a weight `[2, 2]` in eight bits, a bias `[2]` in full precision, and whatever else: name, dtype, shape
/// and bytes.
fn file(dtype: &str, weight: [u8; 4], others: &[(&str, &str, &[usize], &[u8])]) -> Vec<u8> {
    let bias: Vec<u8> = [0.5f32, -1.5]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let own: [(&str, &str, &[usize], &[u8]); 2] = [
        ("weight", dtype, &[2, 2], &weight),
        ("bias", "F32", &[2], &bias),
    ];
    let mut entries = Vec::new();
    let mut data = Vec::new();
    for (name, dtype, shape, bytes) in own.iter().chain(others) {
        let begin = data.len();
        data.extend_from_slice(bytes);
        let end = data.len();
        entries.push(format!(
            r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#
        ));
    }
    file_with(&format!("{{{}}}", entries.join(",")), &data)
}

fn weight(bytes: Vec<u8>, dtype: DType) -> Result<Vec<f32>> {
    let (pair, report) = load_pair(bytes, dtype)?;
    assert_eq!(report.bytes, 6 * dtype.size() as u64);
    // The weight of a linear layer, as the file has it.
    Ok(pair.weight.transpose().try_into_vec_as::<f32>().unwrap())
}

const ONES: [u8; 4] = [0x38, 0xb8, 0x40, 0x01];

#[test]
fn eight_bits_are_cast_plain_and_scaled() {
    let three = 3f32.to_le_bytes();
    let plain = [1., -1., 2., 0.001_953_125];
    let scaled = plain.map(|x| 3. * x);
    for (others, expected) in [
        (&[][..], plain),
        (&[("scale_weight", "F32", &[][..], &three[..])][..], scaled),
        (
            &[
                ("weight_scale", "F32", &[1], &three),
                ("input_scale", "F32", &[], &three),
                ("comfy_quant", "U8", &[2], b"{}"),
                ("scaled_fp8", "F8_E4M3", &[0], &[]),
            ],
            scaled,
        ),
    ] {
        for dtype in [DType::F32, DType::F16, DType::BF16] {
            let read = weight(file("F8_E4M3", ONES, others), dtype).unwrap();
            assert_eq!(read, expected, "{dtype:?} {others:?}");
        }
    }
    let read = weight(file("F8_E5M2", [0x3c, 0xbc, 0x40, 0x00], &[]), DType::F16).unwrap();
    assert_eq!(read, [1., -1., 2., 0.]);
}

#[test]
fn eight_bits_that_make_no_sense_are_refused() {
    let nan = f32::NAN.to_le_bytes();
    let two = [nan, nan].concat();
    let large = 1e30f32.to_le_bytes();
    for (what, weight_bytes, others, why) in [
        (
            "a value that is none",
            [0x7f, 0, 0, 0],
            &[][..],
            "not a number",
        ),
        (
            "a scale that is none",
            ONES,
            &[("weight_scale", "F32", &[][..], &nan[..])][..],
            "NaN",
        ),
        (
            "a scale for each row",
            ONES,
            &[("weight_scale", "F32", &[2, 1], &two)],
            "one F32 scale",
        ),
        (
            "a product beyond half precision",
            ONES,
            &[("weight_scale", "F32", &[], &large)],
            "too large",
        ),
    ] {
        let error = weight(file("F8_E4M3", weight_bytes, others), DType::F16).unwrap_err();
        assert!(error.to_string().contains(why), "{what}: {error}");
    }
    // Without a weight of eight bits beside it a scale is a stray tensor.
    let stray = file("I8", ONES, &[("weight_scale", "F32", &[], &nan)]);
    let message = weight(stray, DType::F32).unwrap_err().to_string();
    assert!(message.contains("weight_scale"), "{message}");
    assert!(message.contains("I8"), "{message}");
}

#[test]
fn other_packings_are_refused_by_name() {
    for (name, kind) in [
        ("weight.quant_state.bitsandbytes__nf4", "nf4"),
        ("weight.absmax", "bitsandbytes"),
        ("layer.weight_scale_2", "nvfp4"),
        ("layer.wscales", "SVDQuant"),
        ("layer.qweight", "GPTQ"),
    ] {
        let packed = file("U8", ONES, &[(name, "U8", &[1], &[0])]);
        let error = weight(packed, DType::F32).unwrap_err();
        assert!(matches!(error, Error::Quantised { .. }), "{error}");
        assert!(error.to_string().contains(kind), "{error}");
    }
}
