//! Upscalers as training programs leave them: other names before the network's own, two copies of it, counters.

use std::{collections::BTreeMap, fs, path::Path};

use limn_engine::{
    components::upscalers::{Upscaler, UpscalerConfig},
    image::RgbPicture,
    weights::{TensorFile, TensorFiles},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tempfile::TempDir;

use crate::harness::{fixture_path, load_options};

/// A tensor's dtype, shape and bytes.
type Tensor = (Dtype, Vec<usize>, Vec<u8>);

const NETWORKS: [&str; 7] = [
    "esrgan_x4",
    "esrgan_later_x2",
    "esrgan_shuffled_x2",
    "esrgan_plus_x1",
    "compact_x3",
    "esrgan_grey_x2",
    "compact_grey_x2",
];

const PREFIXES: [&str; 14] = [
    "",
    "model.",
    "netG.",
    "net_g.",
    "generator.",
    "state_dict.",
    "module.",
    "params.",
    "params_ema.",
    "state_dict.model.",
    "state_dict.netG.module.",
    "module.generator.",
    "params_ema.module.",
    "model.model.",
];

fn read(path: &Path) -> BTreeMap<String, Tensor> {
    let file = fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let tensors = tensors.iter().map(|(name, view)| {
        let tensor = (view.dtype(), view.shape().to_vec(), view.data().to_vec());
        (name.to_owned(), tensor)
    });
    tensors.collect()
}

fn enlarged(path: &Path) -> Result<RgbPicture, limn_engine::Error> {
    let files = TensorFiles::open(&[TensorFile::Disk(path.to_owned())])?;
    let (config, files) = UpscalerConfig::detect(files)?.expect("an upscaler");
    let (upscaler, report) = Upscaler::load(&files, config, &load_options())?;
    assert!(report.fits());
    let rgb = (0..3 * 8 * 8u32).map(|i| (i.wrapping_mul(0x9E37_79B9) >> 24) as u8);
    let picture = RgbPicture {
        width: 8,
        height: 8,
        rgb: rgb.collect(),
    };
    upscaler.upscale(&picture, 1 << 30, &mut |_, _| Ok(()))
}

fn enlarged_by(tensors: &BTreeMap<String, Tensor>) -> Result<RgbPicture, limn_engine::Error> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("wrapped.safetensors");
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    enlarged(&path)
}

/// What training programs count beside the network.
fn counters(prefix: &str) -> Vec<(String, Tensor)> {
    let one = (Dtype::I64, vec![], vec![7; 8]);
    vec![
        (format!("{prefix}n_averaged"), one.clone()),
        (format!("{prefix}bn.num_batches_tracked"), one.clone()),
        ("step".to_owned(), (Dtype::F32, vec![], vec![0; 4])),
        ("iter".to_owned(), (Dtype::I64, vec![1], vec![9; 8])),
        (
            "_metadata.version".to_owned(),
            (Dtype::I64, vec![2], vec![1; 16]),
        ),
    ]
}

#[test]
fn a_wrapped_network_makes_the_picture_of_the_plain_one() {
    let mut n_files = 0;
    for network in NETWORKS {
        let path = fixture_path("upscalers")
            .join(network)
            .join("model.safetensors");
        let expected = enlarged(&path).unwrap();
        let plain = read(&path);
        for prefix in PREFIXES {
            let wrapped = plain
                .iter()
                .map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone()));
            let wrapped: BTreeMap<_, _> = wrapped.chain(counters(prefix)).collect();
            let picture = enlarged_by(&wrapped).unwrap();
            assert_eq!(picture, expected, "{network} under {prefix:?}");
            n_files += 1;
        }
    }
    assert_eq!(n_files, NETWORKS.len() * PREFIXES.len());
}

/// Of two copies the averaged one, and of a network beside its judge the network.
#[test]
fn of_two_copies_the_averaged_one_is_taken() {
    for network in NETWORKS {
        let path = fixture_path("upscalers")
            .join(network)
            .join("model.safetensors");
        let expected = enlarged(&path).unwrap();
        let plain = read(&path);
        for (taken, other) in [
            ("params_ema.", "params."),
            ("state_dict.generator_ema.", "state_dict.generator."),
            ("net_g_ema.", "net_g."),
        ] {
            let mut both = BTreeMap::new();
            for (name, (dtype, shape, bytes)) in &plain {
                both.insert(
                    format!("{taken}{name}"),
                    (*dtype, shape.clone(), bytes.clone()),
                );
                let zeros = vec![0; bytes.len()];
                both.insert(format!("{other}{name}"), (*dtype, shape.clone(), zeros));
            }
            let judge = (Dtype::F32, vec![1, 3, 1, 1], vec![0; 12]);
            both.insert("discriminator.conv0.weight".to_owned(), judge);
            let picture = enlarged_by(&both).unwrap();
            assert_eq!(picture, expected, "{network} under {taken} and {other}");
        }
    }
}

/// A network is still proved: what is missing, or is there beside the plain names, is said.
#[test]
fn a_wrapped_network_is_checked_like_a_plain_one() {
    let path = fixture_path("upscalers").join("compact_x3/model.safetensors");
    let plain = read(&path);
    let wrapped = |change: &dyn Fn(&mut BTreeMap<String, Tensor>)| {
        let mut plain = plain.clone();
        change(&mut plain);
        let wrapped = plain
            .into_iter()
            .map(|(name, tensor)| (format!("netG.{name}"), tensor))
            .collect();
        enlarged_by(&wrapped).unwrap_err().to_string()
    };
    let message = wrapped(&|tensors| {
        tensors.remove("body.3.weight");
    });
    assert!(message.contains("missing (body.3.weight)"), "{message}");
    let message = wrapped(&|tensors| {
        let strange = (Dtype::F32, vec![1, 2], vec![0; 8]);
        tensors.insert("attention.weight".to_owned(), strange);
    });
    assert!(message.contains("attention.weight"), "{message}");
}
