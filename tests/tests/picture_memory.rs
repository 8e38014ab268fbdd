//! What a hostile picture makes of the memory of a whole process, as the system counts it.

#![cfg(target_os = "linux")]

use std::{fs, path::Path, process::Stdio, time::Duration};

use image::{ImageBuffer, Rgba};
use tempfile::TempDir;

use crate::command_line::limn;

const SIDE_PX: u32 = 4096;
/// The picture as Limn works on it.
const PIXELS_BYTES: u64 = 4 * SIDE_PX as u64 * SIDE_PX as u64;
/// The program itself, and what a decoder holds beside the pixels.
const ROOM_BYTES: u64 = 48 << 20;

/// Zeros of 16 bit a channel: some hundred kilobytes that are twice the picture once unpacked.
fn write_deep_png(path: &Path) {
    let deep: ImageBuffer<Rgba<u16>, Vec<u16>> = ImageBuffer::new(SIDE_PX, SIDE_PX);
    deep.save(path).unwrap();
}

#[test]
fn a_deep_picture_is_never_held_twice() {
    let home = TempDir::new().unwrap();
    let picture = home.path().join("deep.png");
    write_deep_png(&picture);
    // Too large to be made larger, which is found out once it is open and before anything is computed.
    let mut child = limn(home.path())
        .args(["upscale", "--resample", "--scale", "8", "--image"])
        .arg(&picture)
        .arg("--out")
        .arg(home.path().join("out.png"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_bytes = 0;
    let exit = loop {
        // The peak so far, so that none between two looks is missed.
        let peak = fs::read_to_string(&status).ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        });
        peak_bytes = peak_bytes.max(peak.unwrap_or(0) << 10);
        if let Some(exit) = child.try_wait().unwrap() {
            break exit;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    assert!(!exit.success());
    assert!(peak_bytes > PIXELS_BYTES / 2, "the picture was opened");
    assert!(
        peak_bytes < PIXELS_BYTES + ROOM_BYTES,
        "{} MiB at the peak",
        peak_bytes >> 20
    );
}
