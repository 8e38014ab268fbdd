//! What the parity tests share: the device, fixtures, and the one measure of closeness.
//!
//! A fixture is a folder of `tests/fixtures/`: a model as `save_pretrained` leaves it, and beside it
//! `expected.safetensors` with the inputs and outputs of the reference library. `tests/reference/` makes
//! them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use burn::tensor::{DType, Device, Tensor, TensorData};
use limn_engine::weights::{LoadOptions, ModelFolder};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// The CPU; with `LIMN_TEST_SOFTWARE_GPU=1` the wgpu backend through OpenGL, where llvmpipe answers.
pub fn test_device() -> &'static Device {
    static DEVICE: LazyLock<Device> = LazyLock::new(|| {
        if on_software_gpu() {
            Device::wgpu_options()
                .graphics_api(burn::tensor::wgpu::WgpuBackend::Gl)
                .init()
                .unwrap()
        } else {
            Device::flex()
        }
    });
    &DEVICE
}

pub fn on_software_gpu() -> bool {
    std::env::var_os("LIMN_TEST_SOFTWARE_GPU").is_some_and(|value| value == "1")
}

/// Components must agree with the reference within this share of the largest expected value, in f32.
pub fn parity_tolerance() -> f64 {
    if on_software_gpu() { 1e-3 } else { 1e-4 }
}

/// F32 on the device under test.
pub fn load_options() -> LoadOptions<'static> {
    LoadOptions::new(test_device(), DType::F32)
}

/// A folder of `tests/fixtures/` with the tensors that the reference library expects.
pub struct Fixture {
    path: PathBuf,
    expected: Vec<u8>,
}

impl Fixture {
    pub fn open(name: &str) -> Self {
        Self::open_with(name, "expected.safetensors")
    }

    /// With tensors that are in another file of the folder.
    pub fn open_with(name: &str, file_name: &str) -> Self {
        let path = fixture_path(name);
        let expected = fs::read(path.join(file_name)).unwrap();
        Self { path, expected }
    }

    /// The model, for a component's own loader.
    pub fn folder(&self) -> ModelFolder {
        ModelFolder::Disk(self.path.clone())
    }

    /// A float input or expected output, on the device under test.
    pub fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (shape, values) = self.floats(name);
        assert_eq!(shape.len(), D, "{name} has shape {shape:?}");
        Tensor::from_data(TensorData::new(values, shape), (test_device(), DType::F32))
    }

    /// A float tensor's shape and values in row order.
    pub fn floats(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        self.with_view(name, |view| {
            assert_eq!(view.dtype(), Dtype::F32, "{name}");
            let values = view.data().as_chunks().0;
            let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes));
            (view.shape().to_vec(), values.collect())
        })
    }

    /// An integer tensor's values in row order: int64, as the reference has ids.
    pub fn integers(&self, name: &str) -> Vec<i64> {
        self.with_view(name, |view| {
            assert_eq!(view.dtype(), Dtype::I64, "{name}");
            let values = view.data().as_chunks().0;
            values.iter().map(|&b| i64::from_le_bytes(b)).collect()
        })
    }

    /// A tensor of bytes: shape and values in row order.
    pub fn bytes(&self, name: &str) -> (Vec<usize>, Vec<u8>) {
        self.with_view(name, |view| {
            assert_eq!(view.dtype(), Dtype::U8, "{name}");
            (view.shape().to_vec(), view.data().to_vec())
        })
    }

    /// The rows of an integer matrix, as token ids.
    pub fn ids(&self, name: &str) -> Vec<Vec<u32>> {
        let n_columns = self.with_view(name, |view| view.shape()[1]);
        self.integers(name)
            .chunks(n_columns)
            .map(|row| row.iter().map(|&id| u32::try_from(id).unwrap()).collect())
            .collect()
    }

    fn with_view<T>(&self, name: &str, read: impl FnOnce(TensorView) -> T) -> T {
        let tensors = SafeTensors::deserialize(&self.expected).unwrap();
        read(tensors.tensor(name).unwrap())
    }
}

/// A file or folder of `tests/fixtures/`.
pub fn fixture_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// `max|actual − expected| / max|expected|` must be at most `tolerance`.
pub fn assert_close<const D: usize>(
    actual: &Tensor<D>,
    expected: &Tensor<D>,
    tolerance: f64,
    what: &str,
) {
    assert_eq!(actual.dims(), expected.dims(), "{what}: shapes differ");
    let values = |tensor: &Tensor<D>| -> Vec<f32> {
        let data = tensor.clone().cast(DType::F32).into_data();
        data.try_to_vec().unwrap()
    };
    assert_values_close(&values(actual), &values(expected), tolerance, what);
}

/// As [`assert_close`], for values that are on the host.
pub fn assert_values_close(actual: &[f32], expected: &[f32], tolerance: f64, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}: lengths differ");
    let largest = |values: &mut dyn Iterator<Item = f32>| values.fold(0f32, |a, b| a.max(b.abs()));
    // `max` passes over not-a-number, so look for it by itself.
    assert!(actual.iter().all(|x| x.is_finite()), "{what}: not finite");
    let scale = largest(&mut expected.iter().copied());
    let error = largest(&mut actual.iter().zip(expected).map(|(a, b)| a - b));
    // What is zero everywhere can only be met exactly.
    let relative_error = if error == 0.0 {
        0.0
    } else {
        f64::from(error) / f64::from(scale)
    };
    assert!(
        relative_error <= tolerance,
        "{what}: relative error {relative_error:.2e} is above {tolerance:.0e} (largest value {scale})"
    );
}

/// How often a fault is repeated: a few times, or as often as is promised where `LIMN_LONG_TESTS` is set.
pub fn rounds(short: u64, long: u64) -> u64 {
    match std::env::var_os("LIMN_LONG_TESTS") {
        Some(_) => long,
        None => short,
    }
}

/// A folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}
