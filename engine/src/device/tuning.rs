//! How kernels are chosen on a GPU: soon rather than perfectly.
//!
//! burn compiles and measures candidates of an operation at the first call with a shape, and takes one at once that
//! comes near to what the device can do at all. To know that, it probes the device first: seconds for each size of
//! memory, in gigabytes of it. Here it is told instead, so low that the first candidate that is no mistake is taken.
//! A first picture then compiles hardly more kernels than it runs.
//!
//! What is chosen is kept, under a name of the machine's adapters and drivers: burn's own names a device by its number,
//! and another card in its place would run what was tuned for the first.

use std::time::Duration;

use burn::cubecl::{
    Device,
    device::{WgpuBackend, WgpuDevice, WgpuDeviceKind},
    ir::{ElemType, FloatKind, IntKind, UIntKind},
};
use burn::tensor::DeviceKind;
use cubecl_runtime::{
    config::autotune::{AutotuneConfig, AutotuneLevel, BenchConfig},
    throughput::{
        CmmaDims, ComputeCmmaConfig, MemoryAccess, MemorySpec, ThroughputCache, ThroughputKey,
        ThroughputMode, ThroughputValue, working_set_sweep,
    },
};
use sha2::{Digest, Sha256};

use super::{Rung, adapters::Adapter};

/// Memory traffic is asked for in powers of two up to this.
const LARGEST_TRAFFIC_BYTES: u64 = 1 << 30;

/// What a device can do at least, where nothing is wrong with a kernel.
struct Peaks {
    operations_per_second: f64,
    /// By its units for matrices.
    matrix_operations_per_second: f64,
    bytes_per_second: f64,
    launch: Duration,
}

impl Peaks {
    /// Of the weakest cards of a kind that anybody draws with. What is far below the truth takes any kernel; what is
    /// above it takes none at once, and all are measured.
    fn of(adapter: &Adapter) -> Self {
        let (operations_per_second, bytes_per_second) = if adapter.is_software {
            (5e9, 2e9)
        } else if adapter.is_discrete {
            (2e12, 1e11)
        } else {
            (2e11, 1.5e10)
        };
        Self {
            operations_per_second,
            matrix_operations_per_second: 4.0 * operations_per_second,
            bytes_per_second,
            launch: Duration::from_micros(if adapter.is_software { 1000 } else { 50 }),
        }
    }

    /// In the units of the cache: operations, values of four bytes, launches, each within a second or a launch.
    fn value(&self, mode: &ThroughputMode) -> ThroughputValue {
        let per_second = match mode {
            ThroughputMode::ComputeDirect { .. } => self.operations_per_second,
            ThroughputMode::ComputeCmma { .. } => self.matrix_operations_per_second,
            ThroughputMode::Memory(_) => self.bytes_per_second / 4.0,
            ThroughputMode::Launch => {
                return ThroughputValue {
                    ops_count: 1,
                    duration: self.launch,
                };
            }
        };
        ThroughputValue {
            ops_count: per_second as usize,
            duration: Duration::from_secs(1),
        }
    }
}

/// Few samples of few candidates.
pub(super) fn configure(config: &mut AutotuneConfig) {
    config.level = AutotuneLevel::Minimal;
    config.bench = BenchConfig {
        min_samples: 1,
        max_samples: 3,
        short_circuit_samples: 1,
        ..BenchConfig::default()
    };
}

/// Under which what is compiled and tuned is kept: another where an adapter or a driver is another.
pub(super) fn environment_name(adapters: &[Adapter], rung: Rung) -> String {
    let mut hash = Sha256::new();
    for adapter in adapters {
        for part in [&adapter.name, adapter.backend_name(), &adapter.driver] {
            hash.update(part);
            hash.update([0]);
        }
    }
    let hash: [u8; 32] = hash.finalize().into();
    let hash = hash[..8].iter().map(|byte| format!("{byte:02x}"));
    let rung = rung.to_string().replace(' ', "-");
    format!("{}-{rung}", hash.collect::<String>())
}

/// Tells burn what the device can do, in place of its probes. Values that are there stay.
///
/// To be called once the device is open, before it computes.
pub(super) fn seed_peaks(adapter: &Adapter, backend: WgpuBackend) {
    let device = WgpuDevice::new(wgpu_kind(&adapter.kind)).on(backend);
    let client = Device::Wgpu(device).client();
    let peaks = Peaks::of(adapter);
    let properties = client.properties();
    let cmma = properties.features.matmul.cmma.iter();
    let cmma = cmma.map(|tile| ThroughputMode::ComputeCmma {
        dtype: tile.a_type,
        config: ComputeCmmaConfig {
            accumulator_type: tile.cd_type,
            cmma_dims: CmmaDims {
                m: tile.m as usize,
                n: tile.n as usize,
                k: tile.k as usize,
            },
        },
    });
    let direct = [
        ElemType::Float(FloatKind::F32),
        ElemType::Float(FloatKind::Flex32),
        ElemType::Float(FloatKind::F16),
        ElemType::Float(FloatKind::BF16),
        ElemType::Int(IntKind::I32),
        ElemType::Int(IntKind::I64),
        ElemType::UInt(UIntKind::U32),
    ];
    let direct = direct.map(|dtype| ThroughputMode::ComputeDirect { dtype });
    let memory = working_set_sweep(LARGEST_TRAFFIC_BYTES)
        .into_iter()
        .map(|n_bytes| ThroughputMode::Memory(MemorySpec::new(MemoryAccess::Copy, n_bytes)));
    let modes = direct.into_iter().chain(cmma).chain(memory);
    let cache = ThroughputCache::get_for_device(client.name(), properties);
    let mut cache = cache.lock();
    for mode in modes.chain([ThroughputMode::Launch]) {
        let key = ThroughputKey { mode };
        if cache.get(&key).is_none() {
            cache.insert(key, peaks.value(&mode));
        }
    }
}

fn wgpu_kind(kind: &DeviceKind) -> WgpuDeviceKind {
    match kind {
        DeviceKind::DiscreteGpu(number) => WgpuDeviceKind::DiscreteGpu(*number),
        DeviceKind::IntegratedGpu(number) => WgpuDeviceKind::IntegratedGpu(*number),
        DeviceKind::VirtualGpu(number) => WgpuDeviceKind::VirtualGpu(*number),
        DeviceKind::Cpu => WgpuDeviceKind::Cpu,
        _ => WgpuDeviceKind::DefaultDevice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, driver: &str) -> Adapter {
        Adapter {
            name: name.to_owned(),
            backend: wgpu::Backend::Vulkan,
            driver: driver.to_owned(),
            is_software: false,
            is_discrete: true,
            memory_bytes: None,
            has_f16: true,
            kind: DeviceKind::DiscreteGpu(0),
        }
    }

    #[test]
    fn another_card_driver_or_rung_inherits_nothing() {
        let name = |adapters: &[Adapter]| environment_name(adapters, Rung::F16Fused);
        let (one, other) = (adapter("A 1", "550.1"), adapter("A 2", "550.1"));
        let names = [
            name(std::slice::from_ref(&one)),
            name(std::slice::from_ref(&other)),
            name(&[adapter("A 1", "550.2")]),
            name(&[one.clone(), other.clone()]),
            name(&[other, one.clone()]),
            environment_name(std::slice::from_ref(&one), Rung::F32Fused),
        ];
        let different: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{names:?}");
        assert_eq!(names[0], name(&[one]), "the same machine finds its own");
        for name in names {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
            assert!(name.chars().all(is_plain), "{name}");
        }
    }

    /// A peak of zero counts as none: then everything is measured.
    #[test]
    fn every_peak_is_there_in_the_units_of_its_kind() {
        let peaks = Peaks::of(&adapter("A", ""));
        let f32 = ElemType::Float(FloatKind::F32);
        let direct = peaks.value(&ThroughputMode::ComputeDirect { dtype: f32 });
        assert!((direct.ops_per_s() - 2e12).abs() < 1.0);
        let mode = ThroughputMode::memory(MemoryAccess::Copy);
        let memory = peaks.value(&mode);
        let bytes_per_second = memory.bytes_per_s(&ThroughputKey { mode });
        assert!((bytes_per_second - 1e11).abs() < 1e3, "{bytes_per_second}");
        let launch = peaks.value(&ThroughputMode::Launch);
        assert_eq!(launch.duration_per_op(), Duration::from_micros(50));
    }
}
