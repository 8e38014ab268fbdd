#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use burn::tensor::{DType, Device};

use super::*;
use crate::{
    model::{PromptFolders, files::ComponentFiles},
    weights::{LoadReport, ModelFolder},
};

/// Components of so many numbers in full precision, and what pictures need beside them.
const COMPONENTS: [(&str, u64, u8); 3] = [
    ("words", 6_000, 0),
    ("denoiser", 20_000, 2),
    ("pixels", 3_000, 1),
];

fn files(dir: &Path) -> Vec<ComponentFiles> {
    let write = |(name, n_numbers, stays): (&'static str, u64, u8)| {
        let folder = dir.join(name);
        fs::create_dir_all(&folder).unwrap();
        let header = format!(
            r#"{{"x":{{"dtype":"F32","shape":[{n_numbers}],"data_offsets":[0,{}]}}}}"#,
            4 * n_numbers
        );
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + 4 * n_numbers as usize, 0);
        fs::write(folder.join("model.safetensors"), bytes).unwrap();
        ComponentFiles {
            name,
            folder: ModelFolder::Disk(folder),
            stays,
            inspect: |_| Ok(LoadReport::default()),
        }
    };
    COMPONENTS.into_iter().map(write).collect()
}

/// A component that is nothing but its size.
struct Weights;

fn load(folder: &ModelFolder, _: &LoadOptions) -> Result<(Weights, LoadReport)> {
    let report = LoadReport {
        bytes: 4 * folder.weights(false)?.n_elements(|_| true),
        ..LoadReport::default()
    };
    Ok((Weights, report))
}

fn slots(memory_budget_bytes: u64) -> Slots {
    Slots::new(Runtime {
        device: Device::flex(),
        device_name: "test".to_owned(),
        dtype: DType::F32,
        memory_budget_bytes,
        cache_dir: None,
        prompt_folders: PromptFolders::default(),
    })
}

fn sizes() -> Sizes {
    Sizes {
        autoencoder_scale: 2,
        autoencoder_channels: 1,
        unet_channels: 1,
        unet_batch: 1,
        dtype_bytes: 4,
        autoencoder_dtype_bytes: 4,
        stride: 4,
        tile_cells: None,
    }
}

const SIZE: (u32, u32) = (16, 16);

fn activation_bytes() -> u64 {
    sizes().activation_bytes(SIZE.0, SIZE.1)
}

/// Whatever was read ahead, at no time of a job are weights and what is reserved above the budget.
#[test]
fn one_component_at_a_time_where_the_budget_is_short() {
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path());
    let all: u64 = COMPONENTS.iter().map(|(_, n, _)| 4 * n).sum();
    let largest = COMPONENTS.iter().map(|(_, n, _)| 4 * n).max().unwrap();
    for budget in [
        largest + activation_bytes(),
        largest + activation_bytes() + 30_000,
        all + activation_bytes() - 1,
        all + activation_bytes(),
    ] {
        let mut slots = slots(budget);
        let mut on_event = |_| Ok(());
        for files in &files {
            let loader = Loader::whole(files, &load);
            if !slots.preload(&loader, &mut on_event).unwrap() {
                break;
            }
        }
        for _job in 0..2 {
            slots.begin_job();
            slots.reserve(sizes(), SIZE, largest).unwrap();
            let is_within = |slots: &Slots| slots.in_use_bytes() + activation_bytes() <= budget;
            assert!(is_within(&slots), "{budget}: {}", slots.in_use_bytes());
            for files in &files {
                let loader = Loader::whole(files, &load);
                slots.get(&loader, &mut on_event).unwrap();
                assert!(is_within(&slots), "{budget}: {}", slots.in_use_bytes());
                assert!(slots.holds(files.name));
            }
        }
        // What has room stays.
        let stays = slots.in_use_bytes();
        assert_eq!(stays == all, budget == all + activation_bytes(), "{budget}");
    }
}

/// The autoencoder works in parts once a picture does not fit beside the largest component, or the device has run out.
#[test]
fn the_autoencoder_works_in_parts_where_memory_is_short() {
    let sizes = Sizes {
        tile_cells: Some(4),
        autoencoder_channels: 64,
        ..sizes()
    };
    let largest = 100_000;
    let at_once = largest + sizes.activation_bytes(32, 32);
    let in_parts = largest + sizes.least_activation_bytes(32, 32);
    assert!(in_parts < at_once);
    for (budget, tile_cells) in [(at_once, None), (at_once - 1, Some(4)), (in_parts, Some(4))] {
        let mut slots = slots(budget);
        slots.reserve(sizes, (32, 32), largest).unwrap();
        assert_eq!(slots.tile_cells(), tile_cells, "{budget}");
        slots.begin_job();
        assert_eq!(slots.tile_cells(), None);
    }
    let mut slots = slots(in_parts - 1);
    let refused = slots.reserve(sizes, (32, 32), largest);
    assert!(matches!(refused, Err(Error::TooLarge { .. })));
    let mut slots = self::slots(at_once);
    slots.reserve(sizes, (32, 32), largest).unwrap();
    assert!(slots.give_up_memory());
    assert_eq!(slots.tile_cells(), Some(4));
}

/// Of what was read ahead no more is given up than has to be.
#[test]
fn what_makes_room_for_pictures_is_the_smallest_that_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path());
    let all: u64 = COMPONENTS.iter().map(|(_, n, _)| 4 * n).sum();
    for (lacking, expected) in [
        (0, &["words", "denoiser", "pixels"][..]),
        (1, &["words", "denoiser"]),
        (12_000, &["words", "denoiser"]),
        (12_001, &["denoiser", "pixels"]),
        (24_001, &["words", "pixels"]),
    ] {
        let mut slots = slots(all + activation_bytes() - lacking);
        for files in &files {
            let loader = Loader::whole(files, &load);
            slots.get(&loader, &mut |_| Ok(())).unwrap();
        }
        slots.activation_bytes = activation_bytes();
        slots.shed(None);
        let held: Vec<&str> = slots.held.iter().map(|held| held.name).collect();
        assert_eq!(held, expected, "{lacking} bytes are lacking");
    }
}

/// A component in half precision stays so where it would take too much of the budget otherwise.
#[test]
fn half_precision_stays_where_memory_is_short() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("denoiser");
    fs::create_dir_all(&folder).unwrap();
    let header = r#"{"x":{"dtype":"F16","shape":[100,100],"data_offsets":[0,20000]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + 20_000, 0);
    fs::write(folder.join("model.safetensors"), bytes).unwrap();
    let files = ComponentFiles {
        name: "denoiser",
        folder: ModelFolder::Disk(folder),
        stays: 0,
        inspect: |_| Ok(LoadReport::default()),
    };
    for (budget, keeps_half) in [(66_000, true), (67_000, false)] {
        let load = |_: &ModelFolder, options: &LoadOptions| {
            assert_eq!(options.keeps_half, keeps_half, "{budget}");
            Ok((Weights, LoadReport::default()))
        };
        let loader = Loader::whole(&files, &load);
        let mut slots = slots(budget);
        let bytes = if keeps_half { 20_000 } else { 40_000 };
        assert_eq!(slots.needed_bytes(&loader).unwrap(), bytes);
        slots.get(&loader, &mut |_| Ok(())).unwrap();
    }
}
