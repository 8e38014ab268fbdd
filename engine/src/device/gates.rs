//! The gates at which a device can fail a job: where memory is taken for a component, and where values come back.
//!
//! What a driver says there in its own words is told apart here. Under the feature `fault-injection`, which the tests
//! alone switch on, a gate fails when it is told to (`faults`).

use crate::{Error, Result};

/// Before a component's weights go to the device.
///
/// # Errors
/// Those that tests inject.
#[cfg_attr(
    not(feature = "fault-injection"),
    expect(clippy::unnecessary_wraps, reason = "only tests make it fail")
)]
pub(crate) fn allocation(component: &str) -> Result<()> {
    #[cfg(feature = "fault-injection")]
    super::faults::at_allocation(component)?;
    let _ = component;
    Ok(())
}

/// Before values are read back from the device.
///
/// # Errors
/// Those that tests inject.
#[cfg_attr(
    not(feature = "fault-injection"),
    expect(clippy::unnecessary_wraps, reason = "only tests make it fail")
)]
pub(crate) fn readback() -> Result<()> {
    #[cfg(feature = "fault-injection")]
    super::faults::at_readback()?;
    Ok(())
}

/// A device's failure in its driver's words.
pub(crate) fn failure(message: String) -> Error {
    if is_out_of_memory(&message) {
        Error::OutOfMemory(message)
    } else {
        Error::Device(message)
    }
}

pub(crate) fn is_out_of_memory(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "out of memory",
        "outofmemory",
        "out_of_memory",
        // Vulkan's.
        "out_of_device_memory",
        "out_of_host_memory",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

/// Whether only a new process can use the device again: cubecl marks one that faulted, and every later call on it fails.
pub(crate) fn is_lost(message: &str) -> bool {
    let message = message.to_lowercase();
    ["poisoned", "device lost", "device is lost", "devicelost"]
        .iter()
        .any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_drivers_say_is_told_apart() {
        for (message, is_memory, is_gone) in [
            ("ERROR_OUT_OF_DEVICE_MEMORY", true, false),
            ("wgpu error: Out of Memory", true, false),
            ("BufferTooBig, OutOfMemory", true, false),
            ("VK_ERROR_OUT_OF_MEMORY", true, false),
            ("the stream is Poisoned", false, true),
            ("wgpu error: device lost", false, true),
            ("index out of bounds", false, false),
        ] {
            assert_eq!(is_out_of_memory(message), is_memory, "{message}");
            assert_eq!(is_lost(message), is_gone, "{message}");
            let is_typed = matches!(failure(message.to_owned()), Error::OutOfMemory(_));
            assert_eq!(is_typed, is_memory, "{message}");
        }
    }
}
