//! Model files that are broken, or made to break whoever reads them: a refusal in words, soon, and at little cost.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use limn_engine::{
    Result,
    catalogue::Catalogue,
    components::upscalers::{Upscaler, UpscalerConfig},
    error::ErrorKind,
    families::unclip::UnclipFolder,
    model::ModelFiles,
    protocol::ModelId,
    weights::{ModelFolder, TensorFile, TensorFiles},
};
use tempfile::TempDir;

use crate::{
    harness::{copy_folder, fixture_path, load_options},
    parity::pipelines::runtime,
};

/// Far more than any refusal takes on a busy machine.
const MAX_TIME: Duration = Duration::from_secs(5);
const MAX_BYTES: u64 = 64 << 20;
/// The longest header that is read at all.
const HEADER_BYTES: usize = 16 << 20;

/// A safetensors file with any header.
fn with_header(header: impl AsRef<[u8]>, data: &[u8]) -> Vec<u8> {
    let header = header.as_ref();
    let length = (header.len() as u64).to_le_bytes();
    [&length, header, data].concat()
}

/// One entry of a header.
fn entry(name: &str, dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#"{{"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
}

fn long(unit: &str) -> String {
    unit.repeat(HEADER_BYTES / unit.len() - 64)
}

/// Single files, with the kind of words that refuse them.
#[allow(clippy::too_many_lines)] // A table.
fn files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = fs::read(fixture_path("upscalers/compact_x3/model.safetensors")).unwrap();
    let cut = |n_bytes: usize| good[..n_bytes].to_vec();
    let one = |dtype: &str, shape: &str, offsets: &str| {
        with_header(entry("body.0.weight", dtype, shape, offsets), &[0; 4])
    };
    let flipped = |at: usize, bits: u8| {
        let mut file = good.clone();
        file[at] ^= bits;
        file
    };
    vec![
        ("empty", vec![], "too few"),
        ("one byte", vec![b'{'], "too few"),
        ("zeros", vec![0; 4096], "does not begin"),
        ("ones", vec![0xff; 4096], "does not begin"),
        (
            "text",
            b"this is no model, only words".to_vec(),
            "does not begin",
        ),
        (
            "a web page",
            b"<!DOCTYPE html><html><body>404".to_vec(),
            "web page",
        ),
        (
            "a pointer",
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
            "Git LFS",
        ),
        ("GGUF", b"GGUF\x03\0\0\0\0\0\0\0\0\0\0\0".to_vec(), "GGUF"),
        (
            "HDF5",
            b"\x89HDF\r\n\x1a\n\0\0\0\0\0\0\0\0".to_vec(),
            "HDF5",
        ),
        (
            "a zip with a pickle",
            b"PK\x03\x04\x00\x00\x08\x08\x00\x00archive/data.pkl".to_vec(),
            "pickle",
        ),
        (
            "an empty zip",
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(),
            "pickle",
        ),
        (
            "a bare pickle",
            b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec(),
            "pickle",
        ),
        (
            "a new pickle",
            b"\x80\x05\x95\x10\x00\x00\x00\x00\x00\x00\x00.".to_vec(),
            "pickle",
        ),
        (
            "a header of 2^64-1 bytes",
            [&u64::MAX.to_le_bytes()[..], b"{}"].concat(),
            "does not begin",
        ),
        (
            "a header past the end",
            [&9_999_u64.to_le_bytes()[..], b"{}"].concat(),
            "does not begin",
        ),
        (
            "an empty header",
            with_header("", &[0; 16]),
            "does not begin",
        ),
        ("a header of one brace", with_header("{", &[]), "header"),
        ("no tensors", with_header("{}", &[]), "no upscaler"),
        ("cut in the length", cut(5), "too few"),
        ("cut in the header", cut(200), "does not begin"),
        ("cut in the data", cut(good.len() - 1), "cut short"),
        (
            "a byte too many",
            [&good[..], &[0]].concat(),
            "belong to nothing",
        ),
        ("a flipped bit in the length", flipped(1, 0x40), "header"),
        ("a flipped bit in a name", flipped(12, 0x80), "header"),
        (
            "a dtype of 16 MB",
            with_header(entry("a", &long("x"), "[1]", "[0,4]"), &[0; 4]),
            "unknown dtype",
        ),
        (
            "a dtype of escapes",
            with_header(entry("a", &long("\\u001b"), "[1]", "[0,4]"), &[0; 4]),
            "unknown dtype",
        ),
        (
            "a dtype of quotes",
            with_header(entry("a", &long("\\\""), "[1]", "[0,4]"), &[0; 4]),
            "unknown dtype",
        ),
        (
            "a name of 16 MB",
            with_header(entry(&long("n"), "F32", "[1]", "[0,4]"), &[0; 4]),
            "can be called",
        ),
        (
            "a name of bells",
            with_header(entry("\\u0007\\u009b", "F32", "[1]", "[0,4]"), &[0; 4]),
            "can be called",
        ),
        (
            "a field of 16 MB",
            with_header(format!(r#"{{"a":{{"{}":1}}}}"#, long("f")), &[]),
            "is not known",
        ),
        (
            "a number of 16 MB",
            with_header(format!(r#"{{"a":{}}}"#, long("9")), &[]),
            "header",
        ),
        (
            "a shape of 8 million sizes",
            with_header(
                entry("a", "F32", &format!("[{}1]", long("1,")), "[0,4]"),
                &[0; 4],
            ),
            "dimensions",
        ),
        (
            "a million brackets",
            with_header(format!(r#"{{"a":{}"#, "[".repeat(1 << 20)), &[]),
            "header",
        ),
        (
            "16 MB of metadata",
            with_header(
                format!(r#"{{"__metadata__":{{"a":"{}"}}}}"#, long("m")),
                &[],
            ),
            "no upscaler",
        ),
        (
            "metadata of a million keys",
            with_header(
                format!(r#"{{"__metadata__":{{{}"z":0}}}}"#, long(r#""a":0,"#)),
                &[],
            ),
            "no upscaler",
        ),
        (
            "a million tensors",
            with_header(format!("{{{}}}", many_tensors(200_000)), &[]),
            "more than 20000",
        ),
        ("not UTF-8", with_header(b"{\"\xff\xfe\":1}", &[]), "header"),
        (
            "a lone surrogate",
            with_header(entry("\\ud800", "F32", "[1]", "[0,4]"), &[0; 4]),
            "header",
        ),
        (
            "a byte-order mark",
            with_header("\u{feff}{}", &[]),
            "does not begin",
        ),
        (
            "a shape of 2^64",
            one("F32", "[18446744073709551616]", "[0,4]"),
            "header",
        ),
        (
            "a shape that overflows",
            one("F32", "[4294967296,4294967296]", "[0,4]"),
            "overflows",
        ),
        ("a negative shape", one("F32", "[-1]", "[0,4]"), "header"),
        (
            "a fraction of a shape",
            one("F32", "[0.5]", "[0,4]"),
            "header",
        ),
        (
            "a shape for a string",
            one("F32", "\"4\"", "[0,4]"),
            "header",
        ),
        (
            "offsets the wrong way",
            one("F32", "[1]", "[4,0]"),
            "ends before",
        ),
        (
            "offsets past the end",
            one("F32", "[2]", "[0,8]"),
            "cut short",
        ),
        (
            "offsets of 2^63",
            one("F32", "[1]", "[9223372036854775804,9223372036854775808]"),
            "begins at",
        ),
        ("three offsets", one("F32", "[1]", "[0,4,8]"), "header"),
        ("four bits", one("F4", "[9]", "[0,4]"), "needs"),
        (
            "a name twice",
            with_header(
                r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
                &[0; 4],
            ),
            "twice",
        ),
        (
            "integers for weights",
            renamed(&good, "\"F16\"", "\"I16\""),
            "no upscaler",
        ),
        (
            "bfloat for half",
            renamed(&good, "body.0.bias", "body.0.bOas"),
            "missing",
        ),
        ("not a number", with_nan(&good), "not a number"),
    ]
}

fn many_tensors(n: usize) -> String {
    let tensors: Vec<String> = (0..n)
        .map(|i| format!(r#""{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#))
        .collect();
    tensors.join(",")
}

/// The file with a text in its header for another of the same length.
fn renamed(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let length = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let header = std::str::from_utf8(&file[8..8 + length]).unwrap();
    assert!(header.contains(from));
    with_header(header.replace(from, to), &file[8 + length..])
}

/// The last number of a file in half precision, made none.
fn with_nan(file: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let n = file.len();
    file[n - 2..].copy_from_slice(&[0x00, 0x7e]);
    file
}

fn load_upscaler(path: &Path) -> Result<()> {
    let file = TensorFile::Disk(path.to_owned());
    let catalogue = Catalogue {
        folders: vec![path.to_owned()],
        ..Catalogue::default()
    };
    let opened = catalogue.open_upscaler(&ModelId(path.display().to_string()))?;
    Upscaler::load(&opened.files, opened.config, &load_options())?;
    // The list says the same without a word.
    UpscalerConfig::detect(TensorFiles::open(&[file])?)?;
    Ok(())
}

/// Within a model's folder: which file, what is in it, and the kind of words that refuse it.
#[allow(clippy::too_many_lines)] // A table.
fn folder_files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let mb = |unit: &str| unit.repeat((1 << 20) / unit.len() - 128);
    let vocabulary = |n: usize| {
        let words: Vec<String> = (0..n).map(|i| format!(r#""word{i}":{i}"#)).collect();
        words.join(",")
    };
    let tokenizer = |vocab: &str, merges: &str| {
        format!(r#"{{"model":{{"vocab":{{{vocab}}},"merges":[{merges}]}}}}"#).into_bytes()
    };
    vec![
        ("model_index.json", b"".to_vec(), "model_index.json"),
        ("model_index.json", vec![b' '; 2 << 20], "larger than"),
        ("model_index.json", format!(r#"{{"_class_name":"{}"}}"#, mb("\\u202e")).into_bytes(), "its pipeline is"),
        ("model_index.json", format!(r#"{{"_class_name":{}"#, "[".repeat(100_000)).into_bytes(), "model_index.json"),
        ("limn.json", format!(r#"{{"name":"{}","size":[4294967295,1]}}"#, "n".repeat(1 << 18)).into_bytes(), "use 8192×4"),
        ("limn.json", br#"{"size":[0,0]}"#.to_vec(), "use 4×4"),
        ("limn.json", br#"{"steps":0}"#.to_vec(), "steps"),
        ("limn.json", br#"{"steps":4294967295}"#.to_vec(), "steps"),
        ("limn.json", br#"{"guidance_scale":-1}"#.to_vec(), "guidance_scale"),
        ("limn.json", br#"{"guidance_scale":1e40}"#.to_vec(), "limn.json"),
        ("limn.json", br#"{"preview":{"matrix":[[1e30,0,0]],"bias":[0,0,0]}}"#.to_vec(), "preview"),
        ("limn.json", format!(r#"{{"examples":[{}"b"]}}"#, mb("\"a\",")).into_bytes(), "examples"),
        ("limn.json", format!(r#"{{"vocabulary":{{"words":[{}"b"]}}}}"#, mb("\"a\",")).into_bytes(), "vocabulary"),
        ("unet/config.json", format!("{{\"sample_size\":[{}0]}}", mb("0,")).into_bytes(), ""),
        ("unet/config.json", format!("{{\"{}\":1}}", mb("k")).into_bytes(), ""),
        ("unet/config.json", format!("{{\"sample_size\":[{}[]]}}", mb("[],")).into_bytes(), ""),
        ("movq/config.json", vec![b'['; 1 << 20], ""),
        ("movq/config.json", format!(r#"{{"block_out_channels":[{}1]}}"#, mb("1,")).into_bytes(), ""),
        ("scheduler/scheduler_config.json", format!(r#"{{"_class_name":"DDPMScheduler","num_train_timesteps":100000,"trained_betas":[{}0]}}"#, mb("0,")).into_bytes(), "trained_betas"),
        ("scheduler/scheduler_config.json", br#"{"_class_name":"DDPMScheduler","num_train_timesteps":1e18}"#.to_vec(), ""),
        ("prior_scheduler/scheduler_config.json", br#"{"_class_name":"UnCLIPScheduler","clip_sample_range":-5.0}"#.to_vec(), "clip_sample_range"),
        ("prior_image_processor/preprocessor_config.json", br#"{"crop_size":{"height":4294967295,"width":1},"size":{"shortest_edge":1}}"#.to_vec(), "sizes"),
        ("prior_image_processor/preprocessor_config.json", br#"{"crop_size":25,"size":24}"#.to_vec(), "another size"),
        ("prior_image_processor/preprocessor_config.json", br#"{"crop_size":24,"size":24,"image_std":[1e-300,1,1]}"#.to_vec(), "image_std"),
        ("prior_tokenizer/tokenizer.json", b"{}".to_vec(), ""),
        ("prior_tokenizer/tokenizer.json", tokenizer(&vocabulary(100_001), ""), "more than 100000"),
        ("prior_tokenizer/tokenizer.json", tokenizer(r#""a":4294967295"#, ""), ""),
        ("prior_tokenizer/tokenizer.json", tokenizer(r#""a":1,"a":2"#, ""), "twice"),
        ("prior_tokenizer/tokenizer.json", tokenizer(r#""a":1"#, &"\"a a\",".repeat(200_000)), ""),
        ("prior_tokenizer/tokenizer.json", tokenizer(r#""a":1"#, &format!("\"{}\"", "a".repeat(7 << 20))), "no merge"),
        ("prior_tokenizer/tokenizer.json", vec![b'x'; 9 << 20], "larger than"),
        ("prior_text_encoder/model.safetensors", with_header("{}", &[]), ""),
        ("prior_text_encoder/config.json", br#"{"vocab_size":18446744073709551615}"#.to_vec(), "vocab_size"),
        ("prior_prior/config.json", br#"{"num_embeddings":18446744073709551615}"#.to_vec(), ""),
        ("prior_prior/config.json", br#"{"num_attention_heads":4294967296,"attention_head_dim":4294967296}"#.to_vec(), ""),
        ("prior_image_encoder/config.json", br#"{"num_channels":4}"#.to_vec(), "num_channels"),
        ("unet/diffusion_pytorch_model.safetensors", b"PK\x03\x04\x00\x00\x08\x08\x00\x00archive/data.pkl".to_vec(), "pickle"),
        ("unet/diffusion_pytorch_model.safetensors.index.json", format!(r#"{{"weight_map":{{{}"z":"z.safetensors"}}}}"#, shards(30_000)).into_bytes(), ""),
    ]
}

fn shards(n: usize) -> String {
    let entries: Vec<String> = (0..n)
        .map(|i| format!(r#""{i}":"../../{i}.safetensors","#))
        .collect();
    entries.concat()
}

fn load_model(folder: &Path) -> Result<()> {
    let opened = UnclipFolder::open(ModelFolder::Disk(folder.to_owned()), None)?;
    opened.info(ModelId("bad".to_owned()))?;
    let mut model =
        limn_engine::operations::LoadedModel::open(Box::new(opened), runtime(1 << 30, None))?;
    model.preload(&mut |_| Ok(()))
}

fn check_refused(what: &str, reason: &str, load: impl FnOnce() -> Result<()>) {
    let start = Instant::now();
    let mut result = Ok(());
    let allocated = allocation_counter::measure(|| result = load());
    let elapsed = start.elapsed();
    let error = result.expect_err(what);
    assert!(
        matches!(error.kind(), ErrorKind::BadModel | ErrorKind::Io),
        "{what}: {error:?}"
    );
    let message = error.to_string();
    assert!(message.contains(reason), "{what}: {message}");
    assert!(message.len() <= 1_024, "{what}: {} bytes", message.len());
    assert!(
        !message.contains(|c: char| c.is_control()),
        "{what}: {message:?}"
    );
    assert!(elapsed < MAX_TIME, "{what}: {elapsed:?}");
    assert!(
        allocated.bytes_max < MAX_BYTES,
        "{what}: {} MiB",
        allocated.bytes_max >> 20
    );
}

#[test]
fn single_files_are_refused_in_words_and_at_little_cost() {
    let files = files();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("upscaler.safetensors");
    assert!(files.len() >= 50, "{}", files.len());
    for (what, bytes, reason) in files {
        fs::write(&path, bytes).unwrap();
        check_refused(what, reason, || load_upscaler(&path));
    }
}

#[test]
fn files_of_a_model_s_folder_are_refused_in_words_and_at_little_cost() {
    let files = folder_files();
    assert!(files.len() >= 35, "{}", files.len());
    let folder = TempDir::new().unwrap();
    copy_folder(&fixture_path("pipeline"), folder.path());
    load_model(folder.path()).unwrap();
    for (i, (name, bytes, reason)) in files.into_iter().enumerate() {
        let path = folder.path().join(name);
        let kept = fs::read(&path).ok();
        let whole = path.with_file_name("diffusion_pytorch_model.safetensors");
        let hidden = whole.with_extension("hidden");
        if name.ends_with(".index.json") {
            // An index is read where there is no whole file.
            fs::rename(&whole, &hidden).unwrap();
        }
        fs::write(&path, bytes).unwrap();
        check_refused(&format!("{i}: {name}"), reason, || {
            load_model(folder.path())
        });
        match kept {
            Some(kept) => fs::write(&path, kept).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        if hidden.exists() {
            fs::rename(&hidden, &whole).unwrap();
        }
    }
    load_model(folder.path()).unwrap();
}
