//! A model of small widths with random weights, as a folder and as one file: `fixtures/single_files/tiny_*.json`, made by
//! `reference/make_single_files.py`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::{bf16, f16};
use limn_engine::weights::ModelFolder;
use safetensors::{Dtype, tensor::TensorView};
use serde::Deserialize;
use serde_json::Value;

use crate::harness::fixture_path;

#[derive(Debug, Deserialize)]
pub struct TinyModel {
    pub configs: BTreeMap<String, Value>,
    /// Of every component's tensors, by diffusers' names.
    shapes: BTreeMap<String, BTreeMap<String, Vec<usize>>>,
    pub tensors: Vec<Row>,
}

/// One tensor of the file: name, shape, component, what it is there, and how.
#[derive(Debug, Clone, Deserialize)]
pub struct Row(
    pub String,
    pub Vec<usize>,
    pub Option<String>,
    pub Vec<String>,
    pub String,
);

/// A tensor on its way into a file.
pub struct Numbers {
    pub name: String,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl TinyModel {
    pub fn read(name: &str) -> Self {
        let path = fixture_path("single_files").join(format!("{name}.json"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Random, the same each time, and as `dtype` can hold them; about as large as a network's are.
    pub fn values(&self, component: &str, key: &str, dtype: Dtype) -> Vec<f32> {
        let shape = &self.shapes[component][key];
        let n_inputs: usize = shape[1..].iter().product();
        let seed = key.bytes().chain(component.bytes());
        let mut state = seed.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        let (centre, spread) = match (shape.len(), key.ends_with("bias")) {
            (1, true) => (0.0, 0.1),
            (1, false) => (1.0, 0.2),
            _ => (0.0, 1.5 / (n_inputs as f32).sqrt()),
        };
        let n_values: usize = shape.iter().product();
        let values = (0..n_values).map(|_| centre + spread * random());
        values.map(|value| rounded(value, dtype)).collect()
    }

    /// As diffusers saves it, in full precision.
    pub fn write_folder(&self, folder: &Path, pipeline: &str, dtype: Dtype) {
        let index = format!(r#"{{"_class_name": "{pipeline}"}}"#);
        for (component, shapes) in &self.shapes {
            let own = folder.join(component);
            fs::create_dir_all(&own).unwrap();
            fs::write(own.join("config.json"), self.configs[component].to_string()).unwrap();
            let tensors = shapes.iter().map(|(key, shape)| Numbers {
                name: key.clone(),
                shape: shape.clone(),
                values: self.values(component, key, dtype),
            });
            let stem = if component.starts_with("text") {
                "model"
            } else {
                "diffusion_pytorch_model"
            };
            let path = own.join(format!("{stem}.safetensors"));
            write(&path, &tensors.collect::<Vec<_>>(), |_| Dtype::F32);
        }
        fs::write(folder.join("model_index.json"), index).unwrap();
    }

    /// The same numbers under the file's names, each as its component has it turned back.
    pub fn file_tensors(&self, dtype: Dtype) -> Vec<Numbers> {
        let rows = self.tensors.iter();
        rows.map(|Row(name, shape, component, keys, op)| {
            let part = |key: &String| self.values(component.as_ref().unwrap(), key, dtype);
            let values = match op.as_str() {
                "unread" => vec![0.5; shape.iter().product()],
                "transposed" => transposed(&part(&keys[0]), shape),
                "whole" | "conv" | "joined" => keys.iter().flat_map(part).collect(),
                other => panic!("{other}"),
            };
            Numbers {
                name: name.clone(),
                shape: shape.clone(),
                values,
            }
        })
        .collect()
    }
}

/// `[columns, rows]` as `shape` has it, from `[rows, columns]`.
fn transposed(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let [n_rows, n_columns] = [shape[0], shape[1]];
    let cells = (0..n_rows).flat_map(|row| (0..n_columns).map(move |column| (row, column)));
    cells
        .map(|(row, column)| values[column * n_rows + row])
        .collect()
}

/// CLIP's tokenizer, which comes with the program, for a folder of one's own.
pub fn copy_tokenizer(from: &ModelFolder, folder: &Path, names: &[&str]) {
    for name in names {
        let own = folder.join(name);
        fs::create_dir_all(&own).unwrap();
        for file in ["vocab.json", "merges.txt", "tokenizer_config.json"] {
            let text = from.subfolder(name).read(file, 8 << 20).unwrap();
            fs::write(own.join(file), text).unwrap();
        }
    }
}

pub fn write(path: &Path, tensors: &[Numbers], dtype_of: impl Fn(&Numbers) -> Dtype) -> PathBuf {
    let encoded = tensors.iter().map(|tensor| {
        let dtype = dtype_of(tensor);
        (tensor, dtype, encoded(&tensor.values, dtype))
    });
    let encoded: Vec<_> = encoded.collect();
    let views = encoded.iter().map(|(tensor, dtype, bytes)| {
        let view = TensorView::new(*dtype, tensor.shape.clone(), bytes).unwrap();
        (tensor.name.clone(), view)
    });
    safetensors::serialize_to_file(views, None, path).unwrap();
    path.to_owned()
}

fn encoded(values: &[f32], dtype: Dtype) -> Vec<u8> {
    let values = values.iter().copied();
    match dtype {
        Dtype::F32 => values.flat_map(f32::to_le_bytes).collect(),
        Dtype::F16 => values
            .flat_map(|x| f16::from_f32(x).to_le_bytes())
            .collect(),
        Dtype::BF16 => values
            .flat_map(|x| bf16::from_f32(x).to_le_bytes())
            .collect(),
        Dtype::F8_E5M2 => values.map(|x| f16::from_f32(x).to_le_bytes()[1]).collect(),
        Dtype::F8_E4M3 => values.map(|x| e4m3(x).0).collect(),
        other => panic!("{other:?}"),
    }
}

/// The nearest float of four bits of exponent and three of mantissa, and what that is.
fn e4m3(value: f32) -> (u8, f32) {
    const LARGEST: f32 = 448.0;
    const BIAS: i32 = 7;
    let magnitude = value.abs().min(LARGEST);
    let exponent = (magnitude.log2().floor() as i32).max(1 - BIAS);
    // Of eighths of the power of two: from 8 on with the exponent, below without.
    let eighths = (magnitude / 2f32.powi(exponent - 3)).round();
    // Rounded up to the next power.
    let (exponent, eighths) = if eighths >= 16.0 {
        (exponent + 1, eighths / 2.0)
    } else {
        (exponent, eighths)
    };
    let bits = if eighths < 8.0 {
        eighths as u8
    } else {
        ((exponent + BIAS) as u8) << 3 | (eighths as u8 - 8)
    };
    let rounded = eighths * 2f32.powi(exponent - 3);
    if value.is_sign_negative() {
        (bits | 0x80, -rounded)
    } else {
        (bits, rounded)
    }
}

/// As a file of `dtype` has it. Of the eight-bit floats the one that is the upper half of half precision.
fn rounded(value: f32, dtype: Dtype) -> f32 {
    match dtype {
        Dtype::F32 => value,
        Dtype::F16 => f16::from_f32(value).to_f32(),
        Dtype::BF16 => bf16::from_f32(value).to_f32(),
        Dtype::F8_E5M2 => f16::from_bits(f16::from_f32(value).to_bits() & 0xff00).to_f32(),
        Dtype::F8_E4M3 => e4m3(value).1,
        other => panic!("{other:?}"),
    }
}
