//! How layers' weights lie in memory: in which dtype, and in which order.

use burn::tensor::bf16;

use super::*;

/// Numbers that bfloat16 has: whole ones up to 256.
fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i % 257) as f32).collect()
}

/// A file of one `weight`, with the same numbers in any dtype.
fn open(dtype: &str, shape: &[usize], numbers: &[f32]) -> TensorFiles {
    let bytes: Vec<u8> = match dtype {
        "F16" => {
            let numbers = numbers.iter().map(|&x| f16::from_f32(x));
            numbers.flat_map(f16::to_le_bytes).collect()
        }
        "BF16" => {
            let numbers = numbers.iter().map(|&x| bf16::from_f32(x));
            numbers.flat_map(bf16::to_le_bytes).collect()
        }
        _ => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
    };
    let file = one_tensor(
        dtype,
        &format!("{shape:?}"),
        &format!("[0,{}]", bytes.len()),
        &bytes,
    );
    let embedded = TensorFile::Embedded {
        name: "built-in".to_owned(),
        bytes: file.leak(),
    };
    TensorFiles::open(&[embedded]).unwrap()
}

const DTYPES: [(&str, DType); 3] = [
    ("F32", DType::F32),
    ("F16", DType::F16),
    ("BF16", DType::BF16),
];

/// What `init` makes of a file of each dtype in each running dtype; told how it lies and what was counted.
fn check<const D: usize>(
    shape: &[usize],
    init: impl Fn(&Parameters) -> Result<Tensor<D>>,
    expected: impl Fn(Tensor<D>) -> Tensor<D>,
) {
    let device = Device::flex();
    let numbers = numbers(shape.iter().product());
    let whole = burn::tensor::TensorData::new(numbers.clone(), shape.to_vec());
    let whole = |files: &TensorFiles| {
        assert_eq!(files.shape("weight"), Some(shape));
        Tensor::<D>::from_data(whole.clone(), &device)
    };
    for (stored, stored_dtype) in DTYPES {
        for (_, running) in DTYPES {
            let files = open(stored, shape, &numbers);
            let options = LoadOptions {
                keeps_half: true,
                ..LoadOptions::new(&device, running)
            };
            let (weight, report) =
                load_component(&files, &NameRules::EXACT, &options, &init).unwrap();
            let kept = if running == DType::F32 {
                stored_dtype
            } else {
                running
            };
            assert_eq!(weight.dtype(), kept, "{stored} as {running:?}");
            let bytes = (numbers.len() * kept.size()) as u64;
            assert_eq!(report.bytes, bytes);
            assert_eq!(
                files.bytes_in(running, running == DType::F32, |_| true),
                bytes
            );
            let expected = expected(whole(&files)).into_data();
            let weight = weight.cast(DType::F32).into_data();
            assert_eq!(weight, expected, "{stored} as {running:?}");
        }
    }
}

#[test]
fn half_precision_stays_for_linear_layers() {
    for [rows, columns] in [[1, 1], [3, 16], [700, 900]] {
        check(
            &[rows, columns],
            |parameters| Ok(parameters.linear_weight([rows, columns])?.weight()),
            Tensor::transpose,
        );
    }
}

#[test]
fn half_precision_stays_for_convolutions_with_the_inputs_last() {
    // The last is more than one core reads at a time.
    for shape in [[2, 3, 1, 1], [2, 3, 3, 3], [5, 4, 5, 5], [70, 500, 3, 3]] {
        check(
            &shape,
            |parameters| {
                let weight = parameters.conv_weight(shape)?.weight();
                if shape[2] > 1 && parameters.dtype() == DType::F32 {
                    let lies = weight.clone().permute([0, 2, 3, 1]);
                    let is_placeholder = weight.clone().max().into_scalar::<f32>() == 0.0;
                    assert!(is_placeholder || is_contiguous(lies));
                }
                Ok(weight)
            },
            |whole| whole,
        );
    }
}

/// Whether its numbers lie one after another.
fn is_contiguous(x: Tensor<4>) -> bool {
    let x = x.try_into_primitive::<burn::backend::Flex>().unwrap();
    x.is_contiguous()
}

#[test]
fn half_precision_is_checked_where_it_stays() {
    let device = Device::flex();
    let options = LoadOptions {
        keeps_half: true,
        ..LoadOptions::new(&device, DType::F32)
    };
    let files = open("F16", &[2, 2], &[0.0, 1.0, 2.0, f32::INFINITY]);
    let error = load_component(&files, &NameRules::EXACT, &options, |parameters| {
        parameters.linear_weight([2, 2])
    });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("infinite"), "{error}");
}

/// Biases and norms take part in sums: they are in the running dtype, and the estimate counts them so.
#[test]
fn what_is_no_layers_weight_is_in_the_running_dtype() {
    let device = Device::flex();
    let options = LoadOptions {
        keeps_half: true,
        ..LoadOptions::new(&device, DType::F32)
    };
    let files = open("F16", &[4], &numbers(4));
    let (bias, report) = load_component(&files, &NameRules::EXACT, &options, |parameters| {
        parameters.tensor::<1>("weight", [4])
    })
    .unwrap();
    assert_eq!(bias.dtype(), DType::F32);
    assert_eq!(
        (report.bytes, files.bytes_in(DType::F32, true, |_| true)),
        (16, 16)
    );
}
