//! Upscalers beside spandrel's networks, and what is done with files that hold none.
//! `tests/reference/make_upscalers.py` makes the fixtures.

use std::fs;

use burn::tensor::{DType, Tensor};
use limn_engine::{
    Error, Result,
    components::upscalers::{Tiling, Upscaler, UpscalerConfig, in_tiles},
    image::RgbPicture,
    resample::enlarge,
    weights::{TensorFile, TensorFiles},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tempfile::TempDir;

use crate::harness::{
    Fixture, assert_close, fixture_path, load_options, parity_tolerance, test_device,
};

const UPSCALERS: [(&str, &str, usize); 7] = [
    ("esrgan_x4", "ESRGAN", 4),
    ("esrgan_later_x2", "ESRGAN", 2),
    ("esrgan_shuffled_x2", "ESRGAN", 2),
    ("esrgan_plus_x1", "ESRGAN+", 1),
    ("compact_x3", "Real-ESRGAN compact", 3),
    ("esrgan_grey_x2", "ESRGAN", 2),
    ("compact_grey_x2", "Real-ESRGAN compact", 2),
];

fn files(name: &str) -> TensorFiles {
    let path = fixture_path("upscalers")
        .join(name)
        .join("model.safetensors");
    TensorFiles::open(&[TensorFile::Disk(path)]).unwrap()
}

fn load(files: TensorFiles) -> Upscaler {
    let (config, files) = UpscalerConfig::detect(files).unwrap().unwrap();
    let (upscaler, report) = Upscaler::load(&files, config, &load_options()).unwrap();
    assert!(report.fits());
    upscaler
}

/// A tensor of the fixture as a picture: values of whole bytes in 0..1, `[1, 1 or 3, height, width]`.
fn picture(fixture: &Fixture, name: &str) -> RgbPicture {
    let tensor: Tensor<4> = fixture.tensor(name) * 2.0 - 1.0;
    let [_, _, height, width] = tensor.dims();
    RgbPicture::from_tensor(tensor.expand([1, 3, height, width])).unwrap()
}

#[test]
fn every_network_in_every_spelling_agrees_with_spandrel() {
    for (name, family, scale) in UPSCALERS {
        let fixture = Fixture::open(&format!("upscalers/{name}"));
        let upscaler = load(files(name));
        assert_eq!(
            (upscaler.config().family(), upscaler.config().scale()),
            (family, scale),
            "{name}"
        );
        let image: Tensor<4> = fixture.tensor("image");
        let [_, _, height, width] = image.dims();
        let multiple = upscaler.config().multiple();
        if height % multiple == 0 && width % multiple == 0 {
            let output = upscaler.forward(image * 2.0 - 1.0, &mut || Ok(())).unwrap();
            assert_close(
                &((output + 1.0) * 0.5),
                &fixture.tensor("output"),
                parity_tolerance(),
                name,
            );
        }
        // The way of a picture, mirrored where it is no whole number of squares, in bytes.
        let mut told = Vec::new();
        let mut on_part = |n_done, n_parts| {
            told.push((n_done, n_parts));
            Ok(())
        };
        let larger = upscaler
            .upscale(&picture(&fixture, "image"), 1 << 30, &mut on_part)
            .unwrap();
        let expected = picture(&fixture, "output");
        assert_eq!(
            (larger.width, larger.height),
            (expected.width, expected.height),
            "{name}"
        );
        let differences = larger
            .rgb
            .iter()
            .zip(&expected.rgb)
            .map(|(a, b)| a.abs_diff(*b));
        assert!(differences.max() <= Some(1), "{name}");
        let n_parts = upscaler.config().n_parts();
        assert_eq!(
            told,
            (0..n_parts).map(|i| (i, n_parts)).collect::<Vec<_>>(),
            "{name}"
        );
    }
}

/// A picture of smooth noise in bytes.
fn noise(width: u32, height: u32) -> RgbPicture {
    let values = (0..3 * width * height).map(|i| (i.wrapping_mul(0x9E37_79B9) >> 24) as u8);
    RgbPicture {
        width,
        height,
        rgb: values.collect(),
    }
}

#[test]
fn in_tiles_comes_what_comes_as_a_whole() {
    // Both networks here see less far than the margin, so that no pixel may differ.
    for (name, longest_px) in [("compact_x3", 64), ("esrgan_later_x2", 96)] {
        let upscaler = load(files(name));
        let margin_px = upscaler.config().reach_px();
        assert!(2 * margin_px + Tiling::BLEND_PX < longest_px);
        let scale = upscaler.config().scale();
        let tiling = |longest_px| Tiling {
            scale,
            longest_px: [longest_px; 2],
            multiple: [1; 2],
            start_multiple: 1,
            margin_px: margin_px + Tiling::BLEND_PX / 2,
        };
        let picture = noise(150, 131);
        let mut n_tiles = 0;
        let mut enlarged = |tiling: &Tiling| {
            in_tiles(&picture, tiling, |tile| {
                n_tiles += 1;
                let tile = tile.to_tensor(test_device(), DType::F32);
                let larger = upscaler.forward(tile, &mut || Ok(()))?;
                Ok(larger.into_data().try_to_vec().unwrap())
            })
            .unwrap()
        };
        let whole = enlarged(&tiling(1_000));
        let in_parts = enlarged(&tiling(longest_px));
        assert!(n_tiles > 1 + 4, "{n_tiles}");
        let worst = whole
            .rgb
            .iter()
            .zip(&in_parts.rgb)
            .map(|(a, b)| a.abs_diff(*b))
            .max();
        assert!(worst <= Some(1), "{name}: {worst:?}");
        let n_off = whole
            .rgb
            .iter()
            .zip(&in_parts.rgb)
            .filter(|(a, b)| a != b)
            .count();
        // A value on the edge of two bytes may fall to either side.
        assert!(n_off < whole.rgb.len() / 10_000, "{name}: {n_off}");
    }
}

#[test]
fn work_on_a_picture_ends_with_the_first_part_that_is_refused() {
    let upscaler = load(files("compact_x3"));
    let mut n_parts = 0;
    let mut on_part = |_, _| {
        n_parts += 1;
        if n_parts == 3 {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    };
    let result = upscaler.upscale(&noise(20, 20), 1 << 30, &mut on_part);
    assert!(matches!(result, Err(Error::Cancelled)));
    assert_eq!(n_parts, 3);
}

#[test]
fn too_little_memory_is_said_before_anything_is_computed() {
    let upscaler = load(files("compact_x3"));
    let result = upscaler.upscale(&noise(20, 20), 10_000, &mut |_, _| panic!("it has begun"));
    let message = result.unwrap_err().to_string();
    assert!(message.contains("out of memory"), "{message}");
}

/// The tensors of a fixture's file under other names, or in other shapes.
fn changed(
    name: &str,
    change: impl Fn(&str, Vec<usize>) -> Option<(String, Vec<usize>)>,
) -> Result<Option<UpscalerConfig>> {
    let file = fs::read(
        fixture_path("upscalers")
            .join(name)
            .join("model.safetensors"),
    )
    .unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let changed: Vec<(String, Vec<usize>)> = tensors
        .iter()
        .filter_map(|(name, view)| change(name, view.shape().to_vec()))
        .collect();
    let bytes: Vec<Vec<u8>> = changed
        .iter()
        .map(|(_, shape)| vec![0; 2 * shape.iter().product::<usize>()])
        .collect();
    let views = changed.iter().zip(&bytes).map(|((name, shape), bytes)| {
        let view = TensorView::new(Dtype::F16, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("changed.safetensors");
    fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    let files = TensorFiles::open(&[TensorFile::Disk(path)])?;
    let Some((config, files)) = UpscalerConfig::detect(files)? else {
        return Ok(None);
    };
    Upscaler::load(&files, config, &load_options())?;
    Ok(Some(config))
}

/// Another name and shape for a tensor, or none.
type Change = fn(&str, Vec<usize>) -> Option<(String, Vec<usize>)>;

#[test]
fn files_that_are_no_upscaler_for_pictures_are_told_apart_or_refused() {
    let same = |name: &str, shape| Some((name.to_owned(), shape));
    let prefixed = |name: &str, shape| Some((format!("params_ema.{name}"), shape));
    assert!(changed("esrgan_x4", same).unwrap().is_some());
    assert!(changed("compact_x3", prefixed).unwrap().is_some());
    let foreign = |name: &str, shape| Some((format!("layers.{name}"), shape));
    assert!(changed("compact_x3", foreign).unwrap().is_none());
    assert!(matches!(
        TensorFiles::open(&[TensorFile::Disk(fixture_path("schedules.json"))]),
        Err(Error::BadWeights { .. })
    ));

    let faults: [(&str, Change, &str); 5] = [
        (
            "esrgan_x4",
            |name, shape| {
                let shape = if name == "model.0.weight" {
                    vec![8, 1, 3, 3]
                } else {
                    shape
                };
                Some((name.to_owned(), shape))
            },
            "takes 1 channels",
        ),
        (
            "esrgan_x4",
            |name, shape| (!name.contains("RDB2.conv3")).then(|| (name.to_owned(), shape)),
            "missing",
        ),
        (
            "esrgan_x4",
            |name, shape| {
                let name = if name == "model.10.bias" {
                    "model.12.bias"
                } else {
                    name
                };
                Some((name.to_owned(), shape))
            },
            "takes 3 channels and gives 0",
        ),
        (
            "compact_x3",
            |name, shape| {
                let shape = if name.starts_with("body.8.") {
                    [&[28], &shape[1..]].concat()
                } else {
                    shape
                };
                Some((name.to_owned(), shape))
            },
            "gives 28",
        ),
        (
            "compact_x3",
            |name, shape| (name != "body.3.weight").then(|| (name.to_owned(), shape)),
            "body.3.weight",
        ),
    ];
    for (name, change, why) in faults {
        let message = changed(name, change).unwrap_err().to_string();
        assert!(message.contains(why), "{name}: {message}");
    }
}

/// Within what the order of a sum may move over the edge of a byte.
#[test]
fn enlarging_agrees_with_pillow_held_between_the_nearest_pixels() {
    let fixture = Fixture::open("upscalers/enlarge");
    for i in 0..5 {
        let (shape, source) = fixture.bytes(&format!("picture_{i}"));
        let (target, expected) = fixture.floats(&format!("enlarged_{i}"));
        let size = |shape: &[usize]| [shape[1] as u32, shape[0] as u32];
        let larger = enlarge::<3>(&source, size(&shape), size(&target));
        assert_eq!(larger.len(), expected.len());
        for (value, expected) in larger.iter().zip(&expected) {
            assert!(
                (f32::from(*value) - expected).abs() <= 0.501,
                "{i}: {value} {expected}"
            );
        }
    }
}

#[test]
fn enlarging_adds_no_rings_and_changes_no_flat_colour() {
    let edge: Vec<u8> = (0..16 * 4)
        .map(|i| if i % 16 < 8 { 40 } else { 200 })
        .collect();
    let larger = enlarge::<1>(&edge, [16, 4], [64, 16]);
    for row in larger.chunks(64) {
        assert!(row.is_sorted(), "{row:?}");
        assert_eq!((row[0], row[63]), (40, 200));
    }
    let flat = enlarge::<4>(&[7, 99, 255, 128].repeat(6), [3, 2], [12, 8]);
    assert_eq!(flat, [7, 99, 255, 128].repeat(96));
    let dot = enlarge::<3>(&[1, 2, 3], [1, 1], [4, 4]);
    assert_eq!(dot, [1, 2, 3].repeat(16));
}
