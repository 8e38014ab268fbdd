//! The GPUs that wgpu sees, each once.

use burn::tensor::{Device, DeviceKind, wgpu::WgpuBackend};

use super::{memory, tuning};
use crate::{Error, Result};

/// Permits a software adapter, through OpenGL: how tests run the GPU code without a GPU.
const SOFTWARE_GPU_VARIABLE: &str = "LIMN_TEST_SOFTWARE_GPU";

const SOFTWARE_NAMES: [&str; 6] = [
    "llvmpipe",
    "lavapipe",
    "softpipe",
    "swiftshader",
    "warp",
    "basic render",
];

/// A GPU under the graphics API that serves it best.
#[derive(Debug, Clone)]
pub(super) struct Adapter {
    /// Unique on this machine.
    pub name: String,
    pub backend: wgpu::Backend,
    pub driver: String,
    pub is_software: bool,
    pub is_discrete: bool,
    pub memory_bytes: Option<u64>,
    pub has_f16: bool,
    /// How burn addresses it: by kind, and by number among those of the kind.
    pub kind: DeviceKind,
}

/// True where tests permit a software adapter.
pub(super) fn software_is_permitted() -> bool {
    std::env::var_os(SOFTWARE_GPU_VARIABLE).is_some_and(|value| value == "1")
}

/// Asks every graphics API, best first; a GPU that several of them see is listed under the first.
///
/// Opens no device and computes nothing: enumerating is safe even where computing crashes.
pub(super) fn enumerate() -> Vec<Adapter> {
    let mut adapters: Vec<(Adapter, wgpu::AdapterInfo)> = Vec::new();
    for backend in [
        wgpu::Backend::Metal,
        wgpu::Backend::Vulkan,
        wgpu::Backend::Dx12,
        wgpu::Backend::Gl,
    ] {
        for (adapter, info) in enumerate_backend(backend) {
            if !adapters.iter().any(|(_, known)| is_same_gpu(known, &info)) {
                adapters.push((adapter, info));
            }
        }
    }
    let mut adapters: Vec<_> = adapters.into_iter().map(|(adapter, _)| adapter).collect();
    name_apart(&mut adapters);
    adapters
}

fn enumerate_backend(backend: wgpu::Backend) -> Vec<(Adapter, wgpu::AdapterInfo)> {
    // As cubecl enumerates them, so that numbers within a kind agree.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: backend.into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let found = ready(instance.enumerate_adapters(backend.into())).unwrap_or_default();
    let mut n_of_kind = [0; 3];
    found
        .iter()
        .map(|adapter| {
            let info = adapter.get_info();
            let mut next = |i: usize| {
                n_of_kind[i] += 1;
                n_of_kind[i] - 1
            };
            let kind = match info.device_type {
                wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(next(0)),
                wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(next(1)),
                wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(next(2)),
                // burn has no way to number these (OpenGL's GPUs); the API's default is the likeliest.
                wgpu::DeviceType::Other => DeviceKind::DefaultDevice,
                wgpu::DeviceType::Cpu => DeviceKind::Cpu,
            };
            let adapter = Adapter {
                name: info.name.clone(),
                backend,
                driver: format!("{} {}", info.driver, info.driver_info)
                    .trim()
                    .to_owned(),
                is_software: is_software(&info),
                is_discrete: info.device_type == wgpu::DeviceType::DiscreteGpu,
                memory_bytes: memory_bytes(&info),
                has_f16: adapter.features().contains(wgpu::Features::SHADER_F16),
                kind,
            };
            (adapter, info)
        })
        .collect()
}

/// The value of a future that never waits, as wgpu's are outside browsers.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => Some(value),
        std::task::Poll::Pending => None,
    }
}

fn is_software(info: &wgpu::AdapterInfo) -> bool {
    let name = info.name.to_lowercase();
    info.device_type == wgpu::DeviceType::Cpu
        || SOFTWARE_NAMES.iter().any(|known| name.contains(known))
}

fn memory_bytes(info: &wgpu::AdapterInfo) -> Option<u64> {
    match info.device_type {
        // It shares the machine's memory.
        wgpu::DeviceType::IntegratedGpu | wgpu::DeviceType::Cpu => memory::total_ram_bytes(),
        _ => memory::gpu_memory_bytes(&info.device_pci_bus_id),
    }
}

fn is_same_gpu(known: &wgpu::AdapterInfo, info: &wgpu::AdapterInfo) -> bool {
    // Where tests may use the software adapter, they need it under OpenGL too.
    if known.backend == info.backend || (is_software(info) && software_is_permitted()) {
        return false;
    }
    // OpenGL has no device number and decorates the name, as in `AMD Radeon RX 6600 (radeonsi, …)`.
    let has_ids = known.device != 0 && info.device != 0;
    if has_ids {
        (known.vendor, known.device) == (info.vendor, info.device)
    } else {
        let [known, other] = [known, info].map(|i| {
            let name = i.name.to_lowercase();
            let end = name.find(['(', '/']).unwrap_or(name.len());
            name[..end].trim().to_owned()
        });
        known.contains(&other) || other.contains(&known)
    }
}

/// Numbers adapters of the same name.
fn name_apart(adapters: &mut [Adapter]) {
    for i in 0..adapters.len() {
        let n_before = (0..i)
            .filter(|&j| adapters[j].name.starts_with(&adapters[i].name))
            .count();
        if n_before > 0 {
            adapters[i].name = format!("{} #{}", adapters[i].name, n_before + 1);
        }
    }
}

impl Adapter {
    /// Opens the adapter for burn, once per process.
    pub fn init(&self) -> Result<Device> {
        let api = match self.backend {
            wgpu::Backend::Vulkan => WgpuBackend::Vulkan,
            wgpu::Backend::Metal => WgpuBackend::Metal,
            wgpu::Backend::Dx12 => WgpuBackend::Dx12,
            wgpu::Backend::Gl | wgpu::Backend::BrowserWebGpu | wgpu::Backend::Noop => {
                WgpuBackend::Gl
            }
        };
        let device = Device::wgpu_options()
            .device_kind(self.kind.clone())
            .graphics_api(api)
            .init()
            .map_err(|error| Error::Device(format!("{}: {error}", self.name)))?;
        tuning::seed_peaks(self, api);
        Ok(device)
    }

    /// As users and `limn devices` call the graphics API.
    pub fn backend_name(&self) -> &'static str {
        match self.backend {
            wgpu::Backend::Vulkan => "vulkan",
            wgpu::Backend::Metal => "metal",
            wgpu::Backend::Dx12 => "dx12",
            wgpu::Backend::Gl => "gl",
            wgpu::Backend::BrowserWebGpu => "webgpu",
            wgpu::Backend::Noop => "none",
        }
    }

    /// May be chosen at all: software adapters only in tests, and only through OpenGL, because burn's
    /// SPIR-V crashes Mesa's software Vulkan.
    pub fn is_eligible(&self) -> bool {
        !self.is_software || (software_is_permitted() && self.backend == wgpu::Backend::Gl)
    }
}
