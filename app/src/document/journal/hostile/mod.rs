//! Files that somebody made to cost: in time, in memory, or a crash. Each is answered soon and within bounds.
//!
//! The test runs itself again in a process of its own, whose memory is then that of these files alone.

#![allow(clippy::unwrap_used)]

mod cases;
mod maker;
mod run_cases;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use limn_engine::device::memory;

use super::super::tests::Random;
use super::record::Frame;
use super::tests::open;
use super::*;
use cases::{Cases, bombs, containers, layouts, records, steps, work};
use maker::MARKER;
use run_cases::runs;

const LIMIT_MIB: u64 = 300;
const LIMIT_CPU_SECS: f64 = 2.0;
/// Set in the process whose memory is looked at.
const ALONE: &str = "LIMN_TEST_ALONE";
const N_MUTATIONS: usize = 1500;

/// What a file is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It opens to what is whole of it, and says if there was more.
    Opens,
    NotAProject,
    Newer,
    Damaged,
    Swells,
}
use Answer::{Damaged, Newer, NotAProject, Opens, Swells};

fn answer(path: &Path) -> Answer {
    match open(path) {
        Ok(_) => Opens,
        Err(error) => {
            let text = error.to_string();
            assert!(text.ends_with(&path.display().to_string()), "{text}");
            match error {
                Error::NotAProject { .. } => NotAProject,
                Error::Newer { .. } => Newer,
                Error::Damaged { .. } => Damaged,
                Error::Swells { .. } => Swells,
                _ => panic!("{text}"),
            }
        }
    }
}

/// The processor's seconds that this process took, where the system tells.
fn cpu_secs() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

fn check_case(path: &Path, name: &str, bytes: &[u8], expected: Answer) {
    fs::write(path, bytes).unwrap();
    let before = cpu_secs();
    let found = answer(path);
    if let (Some(before), Some(after)) = (before, cpu_secs()) {
        let secs = after - before;
        assert!(secs < LIMIT_CPU_SECS, "{name}: {secs} s");
    }
    assert_eq!(found, expected, "{name}");
    let peak_mib = memory::peak_resident_bytes().map_or(0, |bytes| bytes >> 20);
    assert!(peak_mib < LIMIT_MIB, "{name}: {peak_mib} MiB");
}

#[test]
fn hostile_projects_are_answered_soon_and_within_bounds() {
    if std::env::var_os(ALONE).is_none() {
        let test =
            "document::journal::hostile::hostile_projects_are_answered_soon_and_within_bounds";
        let alone = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&alone.stdout);
        let errors = String::from_utf8_lossy(&alone.stderr);
        assert!(alone.status.success(), "{said}{errors}");
        assert!(said.contains("1 passed"), "{said}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.limn");
    let mut n_cases = 0;
    for group in [containers, records, steps, layouts, work, bombs, runs] {
        for (name, bytes, expected) in group() {
            check_case(&path, name, &bytes, expected);
            n_cases += 1;
        }
    }
    assert!(n_cases >= 60, "{n_cases} cases");
    for path in not_files(folder.path()) {
        assert_eq!(answer(&path), NotAProject, "{}", path.display());
    }
}

/// What has a name and is no file.
fn not_files(folder: &Path) -> Vec<PathBuf> {
    let mut paths = vec![folder.to_owned()];
    if cfg!(unix) {
        let pipe = folder.join("pipe.limn");
        let made = Command::new("mkfifo").arg(&pipe).status();
        if made.is_ok_and(|status| status.success()) {
            paths.push(pipe);
        }
        paths.push("/dev/zero".into());
    }
    paths
}

/// Records changed at random, with the right checksum over what they are then.
#[test]
fn mutated_projects_open_or_say_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mutated.limn");
    let small: Cases = [containers(), records(), steps(), layouts(), runs()]
        .concat()
        .into_iter()
        .filter(|(_, bytes, _)| (HEADER_BYTES as usize..4_000).contains(&bytes.len()))
        .collect();
    assert!(small.len() > 20);
    let mut random = Random::new(12);
    let mut n_opened = 0;
    for i in 0..N_MUTATIONS {
        let (_, bytes, _) = &small[i % small.len()];
        let mut bytes = bytes.clone();
        for _ in 0..=random.below(3) {
            let position = random.below(bytes.len() as u32) as usize;
            bytes[position] = match random.below(4) {
                0 => 0,
                1 => 0xff,
                2 => bytes[position] ^ (1 << random.below(8)),
                _ => random.below(256) as u8,
            };
        }
        mend_checksums(&mut bytes);
        fs::write(&path, bytes).unwrap();
        n_opened += usize::from(answer(&path) == Opens);
    }
    assert!(n_opened > N_MUTATIONS / 10, "{n_opened} opened");
}

/// Gives the header and each record that is found the checksum that it should have.
fn mend_checksums(bytes: &mut [u8]) {
    let (checked, crc) = bytes[..HEADER_BYTES as usize].split_at_mut(HEADER_BYTES as usize - 4);
    crc.copy_from_slice(&crc32fast::hash(checked).to_le_bytes());
    let mut offset = HEADER_BYTES as usize;
    while let Some(frame) = bytes
        .get(offset..offset + FRAME_BYTES as usize)
        .and_then(|frame| Frame::parse(frame, MARKER))
    {
        let head = offset + FRAME_BYTES as usize;
        let Some(checked) = bytes.get(head..head + frame.head_bytes as usize) else {
            return;
        };
        let mut crc = crc32fast::Hasher::new();
        crc.update(&bytes[offset + 8..head - 4]);
        crc.update(checked);
        bytes[head - 4..head].copy_from_slice(&crc.finalize().to_le_bytes());
        offset += frame.n_bytes() as usize;
    }
}
