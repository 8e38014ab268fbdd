//! How much memory there is, as far as the system tells without a driver call.

use std::{fs, path::Path, process::Command};

/// Of what is free when the engine starts; the rest is the user's other programs'.
const SHARE_OF_FREE_RAM: f64 = 0.75;
/// Of a GPU's memory; the rest is the desktop's and the driver's.
const SHARE_OF_GPU: f64 = 0.8;
/// Where a driver does not tell: what even small GPUs have.
const UNKNOWN_GPU_BYTES: u64 = 4 << 30;
const UNKNOWN_RAM_BYTES: u64 = 8 << 30;

/// What a run on the CPU may use.
pub fn cpu_budget_bytes() -> u64 {
    (available_ram_bytes().unwrap_or(UNKNOWN_RAM_BYTES) as f64 * SHARE_OF_FREE_RAM) as u64
}

/// What a run on a GPU of this memory may use.
pub fn gpu_budget_bytes(memory_bytes: Option<u64>) -> u64 {
    (memory_bytes.unwrap_or(UNKNOWN_GPU_BYTES) as f64 * SHARE_OF_GPU) as u64
}

/// The most memory that this process has held at once, where the system tells (Linux).
pub fn peak_resident_bytes() -> Option<u64> {
    kib_entry("/proc/self/status", "VmHWM:")
}

/// All memory of the machine, where the system tells.
pub fn total_ram_bytes() -> Option<u64> {
    kib_entry("/proc/meminfo", "MemTotal:").or_else(|| {
        let total = Command::new("sysctl")
            .args(["-n", "hw.memsize"])
            .output()
            .ok()?;
        String::from_utf8(total.stdout).ok()?.trim().parse().ok()
    })
}

/// Memory that a new program can have without swapping, within the limit of a container.
pub fn available_ram_bytes() -> Option<u64> {
    let machine = kib_entry("/proc/meminfo", "MemAvailable:")
        .or_else(|| total_ram_bytes().map(|total| total / 2));
    match (machine, container_free_bytes()) {
        (Some(machine), Some(container)) => Some(machine.min(container)),
        (machine, container) => machine.or(container),
    }
}

/// What the control group of this process still allows (Linux, cgroup v2).
fn container_free_bytes() -> Option<u64> {
    let read = |name| fs::read_to_string(Path::new("/sys/fs/cgroup").join(name)).ok();
    let limit: u64 = read("memory.max")?.trim().parse().ok()?;
    let current: u64 = read("memory.current")?.trim().parse().ok()?;
    // Pages of files are given back as soon as someone needs memory.
    let cached = read("memory.stat")
        .and_then(|text| entry(&text, "inactive_file "))
        .unwrap_or(0);
    Some(limit.saturating_sub(current.saturating_sub(cached)))
}

fn kib_entry(path: &str, name: &str) -> Option<u64> {
    entry(&fs::read_to_string(path).ok()?, name).map(|kib| kib * 1024)
}

/// The number after `name` at the beginning of a line.
fn entry(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A PCI GPU's own memory by its bus id (`0000:01:00.0`), which wgpu does not tell.
///
/// AMD's Linux driver has it in a file; for NVIDIA's its own tool is asked.
pub fn gpu_memory_bytes(pci_bus_id: &str) -> Option<u64> {
    if pci_bus_id.is_empty() {
        return None;
    }
    let file = Path::new("/sys/bus/pci/devices")
        .join(pci_bus_id.to_lowercase())
        .join("mem_info_vram_total");
    if let Ok(text) = fs::read_to_string(file) {
        return text.trim().parse().ok();
    }
    let answer = Command::new("nvidia-smi")
        .args(["--query-gpu=memory.total", "--format=csv,noheader,nounits"])
        .arg(format!("--id={pci_bus_id}"))
        .output()
        .ok()?;
    let mib: u64 = String::from_utf8(answer.stdout).ok()?.trim().parse().ok()?;
    Some(mib << 20)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn entries_are_found_by_their_whole_name() {
        let text = "VmHWMX:\t9 kB\nVmHWM:\t  1234 kB\nVmRSS:\t 5 kB\n";
        assert_eq!(entry(text, "VmHWM:"), Some(1234));
        assert_eq!(entry(text, "VmSwap:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_s_numbers_are_plausible() {
        let total = total_ram_bytes().unwrap();
        let available = available_ram_bytes().unwrap();
        assert!(total > 64 << 20 && available <= total);
        assert!(cpu_budget_bytes() < available_ram_bytes().unwrap().max(available));
        let block = vec![1_u8; 32 << 20];
        assert!(peak_resident_bytes().unwrap() > block.len() as u64);
    }
}
