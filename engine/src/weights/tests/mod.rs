//! Hostile and broken files by table: every one a typed error, quickly; and whole loads of good ones.
#![allow(clippy::unwrap_used)]

mod float8;
mod kept;
mod views;

use std::{borrow::Cow, cell::RefCell, fs, path::Path, time::Instant};

use burn::tensor::{DType, Device, Tensor, f16};

use super::*;
use crate::Error;

/// A safetensors file with any header.
fn file_with(header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// A safetensors file of f32 tensors, one after another.
fn file_of(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let mut entries = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for (name, shape, values) in tensors {
        let begin = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        entries.push(format!(
            r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{begin},{}]}}"#,
            data.len()
        ));
    }
    file_with(&format!("{{{}}}", entries.join(",")), &data)
}

fn one_tensor(dtype: &str, shape: &str, offsets: &str, data: &[u8]) -> Vec<u8> {
    let header =
        format!(r#"{{"weight":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#);
    file_with(&header, data)
}

/// The component of these tests: a weight `[2, 2]` and a bias `[2]`.
#[derive(Debug)]
struct Pair {
    weight: Tensor<2>,
    bias: Tensor<1>,
}

fn init_pair(parameters: &Parameters) -> Result<Pair> {
    Ok(Pair {
        weight: parameters.linear_weight([2, 2])?.weight(),
        bias: parameters.tensor("bias", [2])?,
    })
}

fn load_pair(bytes: Vec<u8>, dtype: DType) -> Result<(Pair, LoadReport)> {
    load_pair_by(bytes, dtype, &NameRules::EXACT)
}

fn load_pair_by(bytes: Vec<u8>, dtype: DType, rules: &NameRules) -> Result<(Pair, LoadReport)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    fs::write(&path, bytes).unwrap();
    let files = TensorFiles::open(&[TensorFile::Disk(path)])?;
    let device = Device::flex();
    load_component(&files, rules, &LoadOptions::new(&device, dtype), init_pair)
}

/// A file must be refused within a second, and the message must say `reason`.
fn check_refused(what: &str, bytes: Vec<u8>, reason: &str) {
    let start = Instant::now();
    let error = load_pair(bytes, DType::F32).expect_err(what);
    assert!(start.elapsed().as_secs_f64() < 1.0, "{what} took too long");
    assert!(
        matches!(error, Error::BadWeights { .. }),
        "{what}: {error:?}"
    );
    assert!(error.to_string().contains(reason), "{what}: {error}");
}

const WEIGHT: (&str, &[usize], &[f32]) = ("weight", &[2, 2], &[1., 2., 3., 4.]);
const BIAS: (&str, &[usize], &[f32]) = ("bias", &[2], &[5., 6.]);

#[test]
fn files_that_are_not_safetensors_are_refused() {
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("empty", vec![], "too few"),
        ("eight bytes", vec![2, 0, 0, 0, 0, 0, 0, 0], "too few"),
        (
            "text",
            b"hello, this is no model".to_vec(),
            "does not begin",
        ),
        (
            "a header of 2^63 bytes",
            [(1u64 << 63).to_le_bytes().as_slice(), b"{}"].concat(),
            "does not begin",
        ),
        (
            "a header longer than the file",
            [1000u64.to_le_bytes().as_slice(), b"{}"].concat(),
            "does not begin",
        ),
        ("GGUF", b"GGUF\x03\0\0\0\0\0\0\0\0\0".to_vec(), "GGUF"),
        ("HTML", b"<!DOCTYPE html><html>".to_vec(), "web page"),
        (
            "a pointer",
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
            "Git LFS",
        ),
    ];
    for (what, bytes, reason) in cases {
        check_refused(what, bytes, reason);
    }
}

#[test]
#[allow(clippy::too_many_lines)] // A table.
fn hostile_headers_are_refused() {
    let deep = format!(r#"{{"weight":{}"#, "[".repeat(100_000));
    let rank = format!("[{}]", vec!["1"; 100_000].join(","));
    let many: Vec<String> = (0..20_001)
        .map(|i| format!(r#""t{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#))
        .collect();
    let entry = r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("broken JSON", file_with("{\"weight\":", &[]), "header"),
        ("nested JSON", file_with(&deep, &[]), "header"),
        ("a list", file_with("{[1]}", &[]), "header"),
        (
            "not UTF-8",
            {
                let mut file = file_with("{\"w__\":1}", &[]);
                file[10] = 0xff;
                file
            },
            "header",
        ),
        (
            "a name twice",
            file_with(
                &format!(r#"{{"weight":{entry},"weight":{entry}}}"#),
                &[0; 4],
            ),
            "twice",
        ),
        (
            "metadata twice",
            file_with(r#"{"__metadata__":{},"__metadata__":{}}"#, &[]),
            "twice",
        ),
        (
            "a field twice",
            file_with(
                r#"{"weight":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}"#,
                &[0; 4],
            ),
            "is there twice",
        ),
        (
            "an unknown field",
            file_with(
                r#"{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"code":"x"}}"#,
                &[0; 4],
            ),
            "`code` is not known",
        ),
        (
            "no offsets",
            file_with(r#"{"weight":{"dtype":"F32","shape":[1]}}"#, &[]),
            "`data_offsets` is missing",
        ),
        (
            "rank 100,000",
            one_tensor("F32", &rank, "[0,4]", &[0; 4]),
            "dimensions",
        ),
        (
            "20,001 tensors",
            file_with(&format!("{{{}}}", many.join(",")), &[]),
            "more than 20000",
        ),
        (
            "a size that overflows",
            one_tensor("F32", "[4294967296,4294967296]", "[0,4]", &[0; 4]),
            "overflows",
        ),
        (
            "a size that overflows to zero",
            one_tensor("F32", "[9223372036854775808,2]", "[0,0]", &[]),
            "overflows",
        ),
        (
            "a negative size",
            one_tensor("F32", "[-1]", "[0,4]", &[0; 4]),
            "header",
        ),
        (
            "a fractional size",
            one_tensor("F32", "[1.5]", "[0,4]", &[0; 4]),
            "header",
        ),
        (
            "too few bytes",
            one_tensor("F32", "[4]", "[0,8]", &[0; 8]),
            "needs 16 bytes",
        ),
        (
            "reversed offsets",
            one_tensor("F32", "[1]", "[4,0]", &[0; 4]),
            "ends before",
        ),
        (
            "a gap",
            one_tensor("F32", "[1]", "[4,8]", &[0; 8]),
            "begins at byte 4",
        ),
        (
            "an unknown dtype",
            one_tensor("F12", "[1]", "[0,4]", &[0; 4]),
            "unknown dtype",
        ),
        (
            "overlapping tensors",
            file_with(&format!(r#"{{"weight":{entry},"bias":{entry}}}"#), &[0; 4]),
            "begins at byte 0",
        ),
        (
            "an empty name",
            file_with(&format!(r#"{{"":{entry}}}"#), &[0; 4]),
            "can be called",
        ),
        (
            "a control character in a name",
            file_with(&format!(r#"{{"a\u001b[2J":{entry}}}"#), &[0; 4]),
            "can be called",
        ),
        (
            "a long name",
            file_with(&format!(r#"{{"{}":{entry}}}"#, "x".repeat(10_000)), &[0; 4]),
            "can be called",
        ),
        (
            "cut short",
            {
                let mut file = file_of(&[WEIGHT, BIAS]);
                file.truncate(file.len() - 3);
                file
            },
            "cut short",
        ),
        (
            "bytes after the end",
            {
                let mut file = file_of(&[WEIGHT, BIAS]);
                file.push(0);
                file
            },
            "belong to nothing",
        ),
        (
            "metadata larger than a header may be",
            file_with(
                &format!(r#"{{"__metadata__":{{"a":"{}"}}}}"#, "x".repeat(17 << 20)),
                &[],
            ),
            "does not begin",
        ),
    ];
    for (what, bytes, reason) in cases {
        check_refused(what, bytes, reason);
    }
}

#[test]
fn files_of_another_architecture_are_refused() {
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("no tensors", file_with("{}", &[]), "0 numbers in all"),
        (
            "missing",
            file_of(&[WEIGHT]),
            "1 tensors are missing (bias)",
        ),
        (
            "unused",
            file_of(&[WEIGHT, BIAS, ("extra", &[1], &[0.])]),
            "not part of this architecture (extra)",
        ),
        (
            "a path for a name",
            file_of(&[WEIGHT, BIAS, ("../../etc/passwd", &[1], &[0.])]),
            "not part of this architecture (../../etc/passwd)",
        ),
        (
            "another shape",
            file_of(&[("weight", &[4], &[0.; 4]), BIAS]),
            "weight is [4] and should be [2, 2]",
        ),
        (
            "integers",
            one_tensor("I64", "[2,2]", "[0,32]", &[0; 32]),
            "weight is in I64",
        ),
        (
            "eight bits that are no float",
            one_tensor("I8", "[2,2]", "[0,4]", &[0; 4]),
            "weight is in I8",
        ),
    ];
    for (what, bytes, reason) in cases {
        check_refused(what, bytes, reason);
    }
}

#[test]
fn values_that_are_not_finite_are_refused() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let file = file_of(&[WEIGHT, ("bias", &[2], &[0., value])]);
        check_refused("not finite", file, "tensor `bias` has a value");
    }
    let too_large = file_of(&[WEIGHT, ("bias", &[2], &[0., 70_000.])]);
    assert!(load_pair(too_large.clone(), DType::F32).is_ok());
    let error = load_pair(too_large, DType::F16).unwrap_err();
    assert!(error.to_string().contains("too large for F16"), "{error}");
}

#[test]
fn pickles_are_refused_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let starts: [&[u8]; 3] = [
        b"PK\x03\x04\x00\x00\x08\x08\x00\x00\x00",
        b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P",
        b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00",
    ];
    for start in starts {
        for name in ["model.safetensors", "pytorch_model.bin", "model.ckpt"] {
            let path = folder.path().join(name);
            fs::write(&path, start).unwrap();
            let error = TensorFiles::open(&[TensorFile::Disk(path)]).unwrap_err();
            assert!(matches!(error, Error::Pickle { .. }), "{name}: {error:?}");
        }
        fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        // Now the folder has a pickle only.
        let error = ModelFolder::Disk(folder.path().to_owned())
            .weights(false)
            .unwrap_err();
        assert!(matches!(error, Error::Pickle { .. }), "{error:?}");
    }
}

#[test]
fn only_regular_files_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| TensorFiles::open(&[TensorFile::Disk(path.to_owned())]).unwrap_err();
    assert!(matches!(open(folder.path()), Error::BadWeights { .. }));
    assert!(matches!(
        open(&folder.path().join("nowhere")),
        Error::Io { .. }
    ));
    #[cfg(unix)]
    {
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let start = Instant::now();
        assert!(matches!(open(&pipe), Error::BadWeights { .. }));
        assert!(matches!(
            open(Path::new("/dev/zero")),
            Error::BadWeights { .. }
        ));
        assert!(start.elapsed().as_secs_f64() < 1.0);
    }
}

#[test]
fn values_arrive_in_every_dtype() {
    let values = [1.5f32, -2.0, 0.25, 1024.0];
    let f16_bytes: Vec<u8> = values
        .iter()
        .flat_map(|&value| f16::from_f32(value).to_le_bytes())
        .collect();
    let bf16_bytes: Vec<u8> = values
        .iter()
        .flat_map(|&value| value.to_le_bytes()[2..].to_vec())
        .collect();
    let f32_bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let device = Device::flex();
    for (dtype, bytes) in [("F16", f16_bytes), ("BF16", bf16_bytes), ("F32", f32_bytes)] {
        for running in [DType::F32, DType::F16, DType::BF16] {
            let file = one_tensor(dtype, "[4]", &format!("[0,{}]", bytes.len()), &bytes);
            let embedded = TensorFile::Embedded {
                name: "built-in".to_owned(),
                bytes: file.leak(),
            };
            let files = TensorFiles::open(&[embedded]).unwrap();
            let options = LoadOptions::new(&device, running);
            let (tensor, report) = load_component(&files, &NameRules::EXACT, &options, |p| {
                p.tensor::<1>("weight", [4])
            })
            .unwrap();
            assert_eq!(tensor.dtype(), running);
            assert_eq!(report.bytes, 4 * running.size() as u64);
            let loaded: Vec<f32> = tensor.cast(DType::F32).into_data().try_to_vec().unwrap();
            assert_eq!(loaded, values, "{dtype} as {running:?}");
        }
    }
}

#[test]
fn a_component_loads_with_a_report_and_progress() {
    let file = TensorFile::Embedded {
        name: "built-in".to_owned(),
        bytes: file_of(&[WEIGHT, BIAS]).leak(),
    };
    let files = TensorFiles::open(&[file]).unwrap();
    let device = Device::flex();
    let seen = RefCell::new(Vec::new());
    let options = LoadOptions {
        on_progress: &|progress| {
            seen.borrow_mut().push(progress.done_bytes);
            Ok(())
        },
        ..LoadOptions::new(&device, DType::F32)
    };
    let (pair, report) = load_component(&files, &NameRules::EXACT, &options, init_pair).unwrap();
    assert_eq!(
        pair.weight.into_data().try_to_vec::<f32>().unwrap(),
        [1., 3., 2., 4.]
    );
    assert_eq!(pair.bias.into_data().try_to_vec::<f32>().unwrap(), [5., 6.]);
    assert!(report.fits());
    assert_eq!(
        (report.n_tensors, report.n_parameters, report.bytes),
        (2, 6, 24)
    );
    assert_eq!(seen.into_inner(), [0, 16, 24]);

    let options = LoadOptions {
        on_progress: &|progress| match progress.done_bytes {
            0 => Ok(()),
            _ => Err(Error::Cancelled),
        },
        ..LoadOptions::new(&device, DType::F32)
    };
    let error = load_component(&files, &NameRules::EXACT, &options, init_pair).unwrap_err();
    assert!(matches!(error, Error::Cancelled));
}

#[test]
fn names_are_remapped_and_some_may_be_unused() {
    let rules = NameRules {
        remap: |name| Cow::Borrowed(name.strip_prefix("old.").unwrap_or(name)),
        allow_unused: &["position_ids", "quantize."],
    };
    let old_names = file_of(&[
        ("old.weight", WEIGHT.1, WEIGHT.2),
        BIAS,
        ("old.embeddings.position_ids", &[1], &[0.]),
        ("old.quantize.embedding.weight", &[1], &[0.]),
    ]);
    let (_, report) = load_pair_by(old_names, DType::F32, &rules).unwrap();
    assert!(report.fits());
    let not_quite = file_of(&[WEIGHT, BIAS, ("my_position_ids", &[1], &[0.])]);
    let error = load_pair_by(not_quite, DType::F32, &rules).unwrap_err();
    assert!(error.to_string().contains("my_position_ids"), "{error}");
    let both_names = file_of(&[WEIGHT, ("old.weight", WEIGHT.1, WEIGHT.2), BIAS]);
    let error = load_pair_by(both_names, DType::F32, &rules).unwrap_err();
    assert!(error.to_string().contains("the same tensor"), "{error}");
}

#[test]
fn a_hostile_config_allocates_nothing() {
    let files = TensorFiles::open(&[TensorFile::Embedded {
        name: "built-in".to_owned(),
        bytes: file_of(&[WEIGHT, BIAS]).leak(),
    }])
    .unwrap();
    for shape in [[1 << 40, 1], [usize::MAX, usize::MAX], [0, 4], [7, 1]] {
        let error = inspect_component(&files, &NameRules::EXACT, DType::F32, |parameters| {
            parameters.tensor::<2>("weight", shape)
        })
        .unwrap_err();
        assert!(error.to_string().contains("the config wants"), "{error}");
    }
    let error = inspect_component(&files, &NameRules::EXACT, DType::F32, |parameters| {
        (0..usize::MAX)
            .map(|i_layer| parameters.scope(i_layer).tensor::<1>("bias", [2]))
            .collect::<Result<Vec<_>>>()
    })
    .unwrap_err();
    assert!(error.to_string().contains("more than 20000"), "{error}");
}

#[test]
fn variants_and_shards_are_found() {
    let root = tempfile::tempdir().unwrap();
    let folder = ModelFolder::Disk(root.path().to_owned());
    let write = |name: &str, bytes: &[u8]| fs::write(root.path().join(name), bytes).unwrap();
    let name_of = |files: &TensorFiles| {
        let name = files.path().file_name().unwrap();
        name.to_str().unwrap().to_owned()
    };
    let error = folder.weights(false).unwrap_err();
    assert!(error.to_string().contains("no file of weights"), "{error}");

    let index = r#"{"metadata":{"total_size":24},"weight_map":{
        "weight":"model-00001-of-00002.safetensors","bias":"model-00002-of-00002.safetensors"}}"#;
    write("model.safetensors.index.json", index.as_bytes());
    assert!(matches!(
        folder.weights(false).unwrap_err(),
        Error::Io { .. }
    ));
    write("model-00001-of-00002.safetensors", &file_of(&[WEIGHT]));
    write("model-00002-of-00002.safetensors", &file_of(&[BIAS]));
    let sharded = folder.weights(false).unwrap();
    assert_eq!(sharded.names().collect::<Vec<_>>(), ["bias", "weight"]);
    let device = Device::flex();
    let options = LoadOptions::new(&device, DType::F32);
    load_component(&sharded, &NameRules::EXACT, &options, init_pair).unwrap();

    write("model.fp16.safetensors", &file_of(&[WEIGHT, BIAS]));
    assert_eq!(
        name_of(&folder.weights(true).unwrap()),
        "model.fp16.safetensors"
    );
    assert_eq!(
        name_of(&folder.weights(false).unwrap()),
        "model-00001-of-00002.safetensors"
    );
    write("diffusion_pytorch_model.safetensors", &file_of(&[WEIGHT]));
    assert_eq!(
        name_of(&folder.weights(false).unwrap()),
        "diffusion_pytorch_model.safetensors"
    );
}

#[test]
fn hostile_shard_indices_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = ModelFolder::Disk(root.path().join("model"));
    fs::create_dir(root.path().join("model")).unwrap();
    fs::write(root.path().join("out.safetensors"), file_of(&[WEIGHT])).unwrap();
    fs::write(root.path().join("model/in.safetensors"), file_of(&[WEIGHT])).unwrap();
    let cases = [
        (
            r#"{"weight":"../out.safetensors"}"#,
            "no shard can be called",
        ),
        (r#"{"weight":"/etc/passwd"}"#, "no shard can be called"),
        (
            r#"{"weight":"C:\\out.safetensors"}"#,
            "no shard can be called",
        ),
        (
            r#"{"weight":"in.safetensors","weight":"in.safetensors"}"#,
            "twice",
        ),
        (r#"{"bias":"in.safetensors"}"#, "`bias` is in no shard"),
        (r#"{"weight":7}"#, "found 7"),
        ("{}", "no file of weights"),
    ];
    for (weight_map, reason) in cases {
        let index = format!(r#"{{"weight_map":{weight_map}}}"#);
        fs::write(
            root.path().join("model/model.safetensors.index.json"),
            index,
        )
        .unwrap();
        let error = folder.weights(false).unwrap_err();
        assert!(error.to_string().contains(reason), "{weight_map}: {error}");
    }
}

#[test]
fn an_embedded_folder_reads_like_one_on_disk() {
    let weights = file_of(&[WEIGHT, BIAS]).leak();
    let files: &'static [EmbeddedFile] = vec![
        ("model_index.json", br#"{"name":"tiny"}"#.as_slice()),
        ("prior/model.safetensors", &*weights),
    ]
    .leak();
    let folder = ModelFolder::embedded(files);
    let index: std::collections::BTreeMap<String, String> =
        folder.read_json("model_index.json").unwrap();
    assert_eq!(index["name"], "tiny");
    let component = folder.subfolder("prior");
    assert!(!component.has("model_index.json"));
    let opened = component.weights(true).unwrap();
    assert_eq!(opened.n_bytes(), weights.len() as u64);
    let same_on_disk = tempfile::tempdir().unwrap();
    fs::write(same_on_disk.path().join("model.safetensors"), &*weights).unwrap();
    let on_disk = ModelFolder::Disk(same_on_disk.path().to_owned());
    assert_eq!(
        opened.sha256().unwrap(),
        on_disk.weights(false).unwrap().sha256().unwrap()
    );
    assert!(matches!(
        folder.read("model_index.json", 3).unwrap_err(),
        Error::NotAModel { .. }
    ));
}
