#![allow(clippy::unwrap_used)]

use std::path::Path;

use burn::tensor::Device;

use super::*;
use crate::{
    families::{stable_diffusion::StableDiffusion, stable_diffusion_xl::StableDiffusionXl},
    weights::ModelFolder,
};

/// In half precision the activations of XL's own autoencoder are infinite.
#[test]
fn an_autoencoder_that_overflows_runs_in_full_precision() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let runtime = Runtime {
        device: Device::flex(),
        device_name: "cpu".to_owned(),
        dtype: DType::F16,
        memory_budget_bytes: 1 << 30,
        cache_dir: None,
        prompt_folders: crate::model::PromptFolders::default(),
    };
    let open = |name: &str| ModelFolder::Disk(fixtures.join(name));
    for (name, folder, expected) in [
        (
            "stable_diffusion",
            StableDiffusion::open_folder(open("stable_diffusion")),
            None,
        ),
        (
            "stable_diffusion_xl",
            StableDiffusionXl::open_folder(open("stable_diffusion_xl")),
            Some(DType::F32),
        ),
    ] {
        let folder = folder.unwrap();
        let mut model = LatentModel::open(folder, &runtime).unwrap();
        assert_eq!(model.vae_dtype(), expected, "{name}");
        // As the autoencoders say that were made anew for half precision.
        model.vae_config.force_upcast = false;
        assert_eq!(model.vae_dtype(), None, "{name}");
    }
}
