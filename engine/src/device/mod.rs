//! What the machine has to compute with, and what of it may be trusted.
//!
//! The CPU is burn's flex backend and needs no proof. A GPU is trusted on the first rung of a ladder
//! ([`Rung`]) on which it agrees with the CPU; the answer is kept per adapter, driver and build. A software
//! GPU is listed and never chosen. GPUs are looked for only when someone asks for one or for the list: a
//! run on the CPU pays nothing.

mod adapters;
#[cfg(feature = "fault-injection")]
mod faults;
pub(crate) mod gates;
pub mod memory;
mod runtime;
mod self_test;
mod tuning;

use std::{
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};

use burn::tensor::{DType, Device};

use crate::{
    Error, Result,
    protocol::{Compute, DeviceChoice, DeviceInfo, DtypeChoice, SelfTest},
};
use adapters::Adapter;
pub use runtime::work_in_background;
use self_test::{Outcome, Results};
pub use self_test::{Rung, run_in_this_process as run_self_test};

/// What `--device` takes for the CPU; its own name is taken too.
const CPU: &str = "cpu";

/// Puts all of Limn's files under one folder, as the app has it too.
const HOME_VARIABLE: &str = "LIMN_HOME";

/// Where kernels, self-test results, logs and other things that can be made again are kept.
pub fn cache_dir() -> Option<PathBuf> {
    if let Some(home) = std::env::var_os(HOME_VARIABLE).filter(|home| !home.is_empty()) {
        return Some(PathBuf::from(home).join("cache"));
    }
    directories::ProjectDirs::from("", "", "Limn").map(|dirs| dirs.cache_dir().to_owned())
}

/// Where a job runs.
#[derive(Debug, Clone)]
pub struct Chosen {
    pub device: Device,
    /// As [`DeviceInfo::name`] has it.
    pub name: String,
    pub dtype: DType,
    pub memory_budget_bytes: u64,
}

/// The machine's devices, looked up when first needed.
#[derive(Debug, Default)]
pub struct Devices {
    adapters: OnceLock<Vec<Adapter>>,
    /// burn opens an adapter once per process.
    opened: Mutex<Vec<(String, Device)>>,
}

impl Devices {
    pub fn new() -> Self {
        Self::default()
    }

    /// Every device, the likeliest choice first, with what is known of its self-test.
    pub fn list(&self) -> Vec<DeviceInfo> {
        let results = Results::read();
        let gpus = self
            .adapters()
            .iter()
            .map(|adapter| gpu_info(adapter, &results));
        gpus.chain([cpu_info()]).collect()
    }

    /// As [`Self::list`], after testing what was not tested yet. Minutes, where kernels have to be tuned.
    ///
    /// `on_sign_of_life` is called whenever a test has got further.
    pub fn test_all(&self, on_sign_of_life: &mut dyn FnMut()) -> Result<Vec<DeviceInfo>> {
        for adapter in self.adapters().iter().filter(|a| a.is_eligible()) {
            if let Err(error) = first_good_rung(adapter, DtypeChoice::Auto, on_sign_of_life) {
                tracing::warn!("{error}");
            }
        }
        Ok(self.list())
    }

    /// The device and precision for a job, self-tested if need be.
    ///
    /// # Errors
    /// [`Error::UnknownDevice`] with the valid names; [`Error::Device`] when the GPU asked for cannot be
    /// trusted; [`Error::OutOfRange`] for a precision that the device does not have.
    pub fn choose(&self, compute: &Compute, on_sign_of_life: &mut dyn FnMut()) -> Result<Chosen> {
        match &compute.device {
            DeviceChoice::Cpu => cpu(compute.dtype),
            DeviceChoice::Named(name) if is_cpu(name) => cpu(compute.dtype),
            DeviceChoice::Named(name) => {
                let adapter = self.named(name)?;
                self.open(adapter, compute.dtype, on_sign_of_life)
            }
            DeviceChoice::Gpu => self
                .best_gpu(compute.dtype, on_sign_of_life)
                .unwrap_or_else(|| {
                    Err(Error::Device(
                        "there is no GPU that wgpu can use: choose the CPU".to_owned(),
                    ))
                }),
            DeviceChoice::Auto => match self.best_gpu(compute.dtype, on_sign_of_life) {
                Some(Ok(gpu)) => Ok(gpu),
                Some(Err(error)) => {
                    tracing::warn!("{error}; the CPU takes over");
                    cpu(compute.dtype)
                }
                None => cpu(compute.dtype),
            },
        }
    }

    fn adapters(&self) -> &[Adapter] {
        self.adapters.get_or_init(|| {
            let mut adapters = adapters::enumerate();
            adapters.sort_by_key(|adapter| {
                (
                    adapter.is_software,
                    !adapter.is_discrete,
                    std::cmp::Reverse(adapter.memory_bytes),
                )
            });
            adapters
        })
    }

    fn named(&self, name: &str) -> Result<&Adapter> {
        let adapter = self
            .adapters()
            .iter()
            .find(|adapter| adapter.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::UnknownDevice {
                name: name.to_owned(),
                valid: self.valid_names(),
            })?;
        if adapter.is_eligible() {
            Ok(adapter)
        } else {
            Err(Error::Device(format!(
                "{name} is software that pretends to be a GPU: the CPU itself is faster"
            )))
        }
    }

    fn valid_names(&self) -> Vec<String> {
        let gpus = self.adapters().iter().filter(|a| a.is_eligible());
        ["auto", "gpu", CPU]
            .into_iter()
            .map(str::to_owned)
            .chain(gpus.map(|adapter| adapter.name.clone()))
            .collect()
    }

    /// The first GPU that passes; the last one's error when none does; `None` when there is none.
    fn best_gpu(
        &self,
        dtype: DtypeChoice,
        on_sign_of_life: &mut dyn FnMut(),
    ) -> Option<Result<Chosen>> {
        let mut last = None;
        for adapter in self.adapters().iter().filter(|a| a.is_eligible()) {
            let result = self.open(adapter, dtype, on_sign_of_life);
            let is_ok = result.is_ok();
            last = Some(result);
            if is_ok {
                break;
            }
        }
        last
    }

    fn open(
        &self,
        adapter: &Adapter,
        dtype: DtypeChoice,
        on_sign_of_life: &mut dyn FnMut(),
    ) -> Result<Chosen> {
        let rung = first_good_rung(adapter, dtype, on_sign_of_life)?;
        runtime::configure(self.adapters(), rung)?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let known = opened.iter().find(|(name, _)| *name == adapter.name);
        let device = if let Some((_, device)) = known {
            device.clone()
        } else {
            let device = adapter.init()?;
            opened.push((adapter.name.clone(), device.clone()));
            device
        };
        Ok(Chosen {
            device,
            name: adapter.name.clone(),
            dtype: rung.dtype(),
            memory_budget_bytes: memory::gpu_budget_bytes(adapter.memory_bytes),
        })
    }
}

pub(crate) fn is_cpu(name: &str) -> bool {
    name.eq_ignore_ascii_case(CPU) || name.eq_ignore_ascii_case(&cpu_name())
}

fn cpu(dtype: DtypeChoice) -> Result<Chosen> {
    if dtype == DtypeChoice::F16 {
        return Err(Error::OutOfRange {
            name: "the precision",
            value: "f16".to_owned(),
            allowed: "f32 on the CPU".to_owned(),
        });
    }
    runtime::lower_own_priority();
    Ok(Chosen {
        device: Device::flex(),
        name: cpu_name(),
        dtype: DType::F32,
        memory_budget_bytes: memory::cpu_budget_bytes(),
    })
}

/// As the system calls the processor.
fn cpu_name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([' ', '\t', ':']).trim());
    match model {
        Some(model) if !model.is_empty() => format!("CPU ({model})"),
        _ => "CPU".to_owned(),
    }
}

fn cpu_info() -> DeviceInfo {
    DeviceInfo {
        name: cpu_name(),
        backend: CPU.to_owned(),
        driver: "burn flex".to_owned(),
        is_gpu: false,
        is_software: false,
        memory_bytes: memory::total_ram_bytes(),
        dtypes: vec!["f32".to_owned()],
        self_test: SelfTest::NotNeeded,
    }
}

fn gpu_info(adapter: &Adapter, results: &Results) -> DeviceInfo {
    let dtypes = if adapter.has_f16 {
        &["f16", "f32"][..]
    } else {
        &["f32"]
    };
    DeviceInfo {
        name: adapter.name.clone(),
        backend: adapter.backend_name().to_owned(),
        driver: adapter.driver.clone(),
        is_gpu: true,
        is_software: adapter.is_software,
        memory_bytes: adapter.memory_bytes,
        dtypes: dtypes.iter().map(|&dtype| dtype.to_owned()).collect(),
        self_test: known_self_test(adapter, results),
    }
}

/// What the ladder has shown so far.
fn known_self_test(adapter: &Adapter, results: &Results) -> SelfTest {
    let mut last_reason = None;
    for rung in Rung::ladder(adapter.has_f16, DtypeChoice::Auto) {
        match results.get(adapter, rung) {
            Some(Outcome::Passed) => {
                return SelfTest::Passed {
                    rung: rung.to_string(),
                };
            }
            Some(Outcome::Failed { reason }) => last_reason = Some(reason.clone()),
            None => return SelfTest::NotRun,
        }
    }
    match last_reason {
        Some(reason) => SelfTest::Failed { reason },
        None => SelfTest::NotRun,
    }
}

/// The best rung on which the adapter passes, from memory or tested now.
fn first_good_rung(
    adapter: &Adapter,
    dtype: DtypeChoice,
    on_sign_of_life: &mut dyn FnMut(),
) -> Result<Rung> {
    let rungs = Rung::ladder(adapter.has_f16, dtype);
    if rungs.is_empty() {
        return Err(Error::OutOfRange {
            name: "the precision",
            value: "f16".to_owned(),
            allowed: format!("f32 on {}", adapter.name),
        });
    }
    let mut results = Results::read();
    let mut last_reason = String::new();
    for rung in rungs {
        let outcome = match results.get(adapter, rung) {
            Some(outcome) => outcome.clone(),
            None => {
                let outcome = self_test::run_in_child(adapter, rung, on_sign_of_life);
                results.keep(adapter, rung, outcome.clone());
                outcome
            }
        };
        match outcome {
            Outcome::Passed => return Ok(rung),
            Outcome::Failed { reason } => last_reason = reason,
        }
    }
    Err(Error::Device(format!(
        "{} failed its self-test ({last_reason}): update its driver, or choose another device",
        adapter.name
    )))
}
