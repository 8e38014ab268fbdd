//! Does a GPU compute what the CPU computes? One question per adapter, driver, build and rung.
//!
//! The test runs in a child process (`limn engine --self-test NAME --rung RUNG`), because a driver that
//! fails it may crash or hang, and because burn's fusion is set once per process. The child says on
//! standard error how far it got and ends with 0 when all agrees.

use std::{
    collections::BTreeMap,
    fmt,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

use burn::tensor::{
    DType, Device, Distribution, Tensor, TensorData, activation, module, ops::ConvOptions,
};
use serde::{Deserialize, Serialize};

use super::{adapters::Adapter, cache_dir, runtime};
use crate::{
    Error, Result, TEMP_PREFIX, components::layers, protocol::DtypeChoice,
    protocol::framing::BUILD, regular_file::read_own, standard_error,
};

/// Silence of the child after which it counts as hung: tuning one kernel takes less.
const PATIENCE: Duration = Duration::from_mins(3);
/// burn's kernels change with burn.
const KERNELS: &str = "burn 0.22.1";

/// The ladder: precision and fusion, fastest first. Below the last rung is the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    F16Fused,
    F16Unfused,
    F32Fused,
    F32Unfused,
}

impl Rung {
    const ALL: [Self; 4] = [
        Self::F16Fused,
        Self::F16Unfused,
        Self::F32Fused,
        Self::F32Unfused,
    ];

    /// The rungs to try, best first; none where the precision asked for is not there.
    pub fn ladder(has_f16: bool, dtype: DtypeChoice) -> Vec<Self> {
        Self::ALL
            .into_iter()
            .filter(|rung| match (rung.dtype(), dtype) {
                (DType::F16, DtypeChoice::F32) | (DType::F32, DtypeChoice::F16) => false,
                (DType::F16, _) => has_f16,
                _ => true,
            })
            .collect()
    }

    pub fn dtype(self) -> DType {
        match self {
            Self::F16Fused | Self::F16Unfused => DType::F16,
            Self::F32Fused | Self::F32Unfused => DType::F32,
        }
    }

    pub fn is_fused(self) -> bool {
        matches!(self, Self::F16Fused | Self::F32Fused)
    }

    /// max|a − b| / max|b| that is rounding and no fault.
    fn tolerance(self) -> f32 {
        match self.dtype() {
            DType::F16 => 2e-2,
            _ => 1e-3,
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F16Fused => "f16 fused",
            Self::F16Unfused => "f16 unfused",
            Self::F32Fused => "f32 fused",
            Self::F32Unfused => "f32 unfused",
        })
    }
}

impl FromStr for Rung {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let rung = Self::ALL.into_iter().find(|rung| rung.to_string() == name);
        rung.ok_or_else(|| format!("there is no rung `{name}`"))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Passed,
    Failed { reason: String },
}

/// A result takes some hundred bytes.
const MAX_RESULTS_BYTES: u64 = 1 << 20;

/// All results so far, as the cache folder keeps them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Results(BTreeMap<String, Outcome>);

impl Results {
    /// What is kept; nothing when it cannot be read, and then the tests run again.
    pub fn read() -> Self {
        Self::path()
            .and_then(|path| read_own(&path, MAX_RESULTS_BYTES).ok())
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default()
    }

    pub fn get(&self, adapter: &Adapter, rung: Rung) -> Option<&Outcome> {
        self.0.get(&Self::key(adapter, rung))
    }

    /// Adds a result to those on disk, which another engine may have changed meanwhile.
    pub fn keep(&mut self, adapter: &Adapter, rung: Rung, outcome: Outcome) {
        *self = Self::read();
        self.0.insert(Self::key(adapter, rung), outcome);
        if let Some(path) = Self::path()
            && let Err(error) = self.write(&path)
        {
            tracing::warn!(
                "self-test results cannot be kept ({error}): {}",
                path.display()
            );
        }
    }

    fn write(&self, path: &PathBuf) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder)?;
        let file = tempfile::Builder::new()
            .prefix(TEMP_PREFIX)
            .tempfile_in(folder)?;
        serde_json::to_writer_pretty(&file, self)?;
        file.persist(path)?;
        Ok(())
    }

    fn path() -> Option<PathBuf> {
        cache_dir().map(|dir| dir.join("self-tests.json"))
    }

    fn key(adapter: &Adapter, rung: Rung) -> String {
        let backend = adapter.backend_name();
        let (name, driver) = (&adapter.name, &adapter.driver);
        format!("{name} | {backend} | {driver} | {BUILD}, {KERNELS} | {rung}")
    }
}

/// Runs the test in a process of its own. A crash or a hang there is a failed rung and nothing more.
pub(super) fn run_in_child(
    adapter: &Adapter,
    rung: Rung,
    on_sign_of_life: &mut dyn FnMut(),
) -> Outcome {
    tracing::info!("self-test of {} in {rung}", adapter.name);
    let outcome = match watch_child(adapter, rung, on_sign_of_life) {
        Ok(()) => Outcome::Passed,
        Err(reason) => Outcome::Failed {
            reason: format!("in {rung}: {reason}"),
        },
    };
    tracing::info!("{}: {outcome:?}", adapter.name);
    outcome
}

fn watch_child(
    adapter: &Adapter,
    rung: Rung,
    on_sign_of_life: &mut dyn FnMut(),
) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut child = Command::new(program)
        .args(["engine", "--self-test", &adapter.name])
        .args(["--rung", &rung.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let last_line = follow(&mut child, on_sign_of_life);
    if last_line.is_err() {
        // It hangs; a kill that fails means that it has just ended.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    match last_line {
        Ok(_) if status.success() => Ok(()),
        Ok(line) if line.is_empty() => Err(status.to_string()),
        Ok(line) => Err(format!("{line} ({status})")),
        Err(reason) => Err(reason),
    }
}

/// The child's last line, once it has closed its standard error.
fn follow(child: &mut Child, on_sign_of_life: &mut dyn FnMut()) -> Result<String, String> {
    let Some(stderr) = child.stderr.take() else {
        return Err("its standard error is missing".to_owned());
    };
    let (to_us, lines) = mpsc::channel();
    std::thread::Builder::new()
        .name("self-test".to_owned())
        .spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if to_us.send(line).is_err() {
                    return;
                }
            }
        })
        .map_err(|error| error.to_string())?;
    let mut last_line = String::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                on_sign_of_life();
                last_line = line;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(last_line),
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("it hung for {} s", PATIENCE.as_secs()));
            }
        }
    }
}

/// The child's part: computes on the GPU and on the CPU and compares.
///
/// # Errors
/// [`Error::Device`] naming the first operation that differs.
pub fn run_in_this_process(name: &str, rung: Rung) -> Result<()> {
    let adapters = super::adapters::enumerate();
    let adapter = adapters.iter().find(|adapter| adapter.name == name);
    let adapter =
        adapter.ok_or_else(|| Error::Device(format!("the adapter is not there: {name}")))?;
    if !adapter.is_eligible() {
        return Err(Error::Device(format!("a software adapter: {name}")));
    }
    runtime::configure(&adapters, rung)?;
    let device = adapter.init()?;
    for case in cases(adapter.is_software) {
        let difference = case.difference(&device, rung.dtype())?;
        standard_error::line(format_args!("{}: {difference:.1e}", case.name));
        if difference.is_nan() || difference > rung.tolerance() {
            return Err(Error::Device(format!(
                "{} differs from the CPU's by {difference:.1e}, more than {:.0e}",
                case.name,
                rung.tolerance()
            )));
        }
    }
    Ok(())
}

/// One operation at the shapes that diffusion models have.
struct Case {
    name: &'static str,
    /// Of each operand.
    shapes: Vec<Vec<usize>>,
    compute: fn(&[Operand]) -> Tensor<1>,
}

/// Values that exist on both devices.
struct Operand {
    values: TensorData,
    device: Device,
    dtype: DType,
}

impl Operand {
    fn tensor<const D: usize>(&self) -> Tensor<D> {
        Tensor::from_data(self.values.clone(), (&self.device, self.dtype))
    }
}

/// Smaller where a CPU pretends to be the GPU.
fn cases(is_small: bool) -> Vec<Case> {
    let (channels, size, length) = if is_small {
        (32, 8, 48)
    } else {
        (320, 32, 1024)
    };
    let width = 2 * channels;
    vec![
        Case {
            name: "matrix product",
            shapes: vec![vec![2, length, width], vec![width, width]],
            compute: |x| module::linear(x[0].tensor::<3>(), x[1].tensor::<2>(), None).flatten(0, 2),
        },
        Case {
            name: "1×1 convolution",
            shapes: vec![
                vec![2, channels, size, size],
                vec![channels, channels, 1, 1],
                vec![channels],
            ],
            compute: |x| convolution(x, 0),
        },
        Case {
            name: "3×3 convolution",
            shapes: vec![
                vec![2, channels, size, size],
                vec![channels, channels, 3, 3],
                vec![channels],
            ],
            compute: |x| convolution(x, 1),
        },
        Case {
            name: "attention",
            shapes: vec![
                vec![2, length, width],
                vec![2, length + 10, width],
                vec![2, length + 10, width],
            ],
            compute: |x| {
                let [query, key, value] = [0, 1, 2].map(|i| x[i].tensor::<3>());
                let n_heads = query.dims()[2] / 32;
                layers::attention(query, key, value, None, n_heads).flatten(0, 2)
            },
        },
        Case {
            name: "fused arithmetic",
            shapes: vec![vec![2, channels, size, size], vec![1, channels, 1, 1]],
            compute: |x| {
                let (features, scale) = (x[0].tensor::<4>(), x[1].tensor::<4>());
                let mean = features.clone().mean_dim(1);
                let variance = (features.clone() - mean.clone()).square().mean_dim(1);
                let normed = (features - mean) / (variance + 1e-5).sqrt();
                let gated = activation::silu(normed * (scale.clone() + 1.0) + scale);
                activation::softmax(gated, 3).flatten(0, 3)
            },
        },
    ]
}

fn convolution(x: &[Operand], padding: usize) -> Tensor<1> {
    let options = ConvOptions::new([1; 2], [padding; 2], [1; 2], 1);
    let [input, weight] = [0, 1].map(|i| x[i].tensor::<4>());
    module::conv2d(input, weight, Some(x[2].tensor::<1>()), options).flatten(0, 3)
}

impl Case {
    /// max|gpu − cpu| / max|cpu|, the CPU in f32 from the same (rounded) operands.
    fn difference(&self, gpu: &Device, dtype: DType) -> Result<f32> {
        let cpu = Device::flex();
        let on_cpu = self.operands(&cpu, &cpu, DType::F32, dtype)?;
        let expected = values((self.compute)(&on_cpu))?;
        let on_gpu: Vec<_> = on_cpu
            .into_iter()
            .map(|operand| Operand {
                values: operand.values.convert_dtype(dtype),
                device: gpu.clone(),
                dtype,
            })
            .collect();
        let got = values((self.compute)(&on_gpu))?;
        let largest = expected.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
        let worst =
            got.iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0_f32, |max, x| {
                    if max.is_nan() || x.is_nan() {
                        f32::NAN
                    } else {
                        max.max(x)
                    }
                });
        Ok(worst / largest)
    }

    /// Uniform in ±1/√n, n the product's inner length, so that results stay of order one in f16 too.
    fn operands(
        &self,
        random_device: &Device,
        device: &Device,
        dtype: DType,
        rounded_to: DType,
    ) -> Result<Vec<Operand>> {
        let fan_in = |shape: &[usize]| shape.iter().skip(1).product::<usize>().max(1);
        self.shapes
            .iter()
            .enumerate()
            .map(|(i, shape)| {
                let bound = match (i, shape.len()) {
                    (1, 2 | 4) => 1.7 / (fan_in(shape) as f64).sqrt(),
                    _ => 1.7,
                };
                let n_values: usize = shape.iter().product();
                let flat = Tensor::<1>::random(
                    [n_values],
                    Distribution::Uniform(-bound, bound),
                    random_device,
                );
                let values = read(flat)?.convert_dtype(rounded_to).convert_dtype(dtype);
                Ok(Operand {
                    values: TensorData::new(
                        values.try_to_vec::<f32>().map_err(unreadable)?,
                        shape.clone(),
                    ),
                    device: device.clone(),
                    dtype,
                })
            })
            .collect()
    }
}

fn read(tensor: Tensor<1>) -> Result<TensorData> {
    tensor
        .try_into_data()
        .map_err(|error| Error::Device(format!("a result cannot be read: {error}")))
}

fn values(tensor: Tensor<1>) -> Result<Vec<f32>> {
    let data = read(tensor)?.convert_dtype(DType::F32);
    data.try_to_vec::<f32>().map_err(unreadable)
}

fn unreadable(error: impl fmt::Debug) -> Error {
    Error::Device(format!("a result cannot be read: {error:?}"))
}
