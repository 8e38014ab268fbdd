//! Stable Diffusion against diffusers: `fixtures/stable_diffusion/`, made by `reference/make_stable_diffusion.py`.

use std::{fs, path::Path};

use limn_engine::{
    components::{
        autoencoders::{AutoencoderParts, KlAutoencoder},
        denoisers::UNet,
    },
    families::{self, Probe},
    operations::generate,
    protocol::{Feature, GenerateRequest, ModelId, Operation, Setting},
    weights::ModelFolder,
};
use tempfile::TempDir;

use super::latent_diffusion::Latent;
use crate::harness::{Fixture, assert_close, fixture_path, load_options, parity_tolerance};

const FIXTURE: Latent = Latent("stable_diffusion");
const NAME: &str = FIXTURE.0;

#[test]
fn components_agree_with_diffusers() {
    let fixture = Fixture::open(NAME);
    let tolerance = parity_tolerance();
    for (name, subfolder) in [("unet", "unet"), ("unet_deep", "unet_deep")] {
        let folder = ModelFolder::Disk(fixture_path(NAME).join(subfolder));
        let (unet, report) = UNet::load(&folder, &load_options()).unwrap();
        assert!(report.fits(), "{report:?}");
        let conditioning = unet.condition_on_tokens(fixture.tensor("unet.context"), None);
        let latents = fixture.tensor("unet.latents");
        let output = unet.forward(latents, &[999.0, 3.0], &conditioning);
        let expected = fixture.tensor(&format!("{name}.output"));
        assert_close(&output, &expected, tolerance, name);
    }
    let folder = ModelFolder::Disk(fixture_path(NAME).join("vae"));
    let parts = AutoencoderParts::EncoderAndDecoder;
    let (vae, _) = KlAutoencoder::load(&folder, parts, &load_options()).unwrap();
    let (mean, deviation) = vae.encode(fixture.tensor("vae.image"), None);
    assert_close(&mean, &fixture.tensor("vae.mean"), tolerance, "mean");
    let expected = fixture.tensor("vae.deviation");
    assert_close(&deviation, &expected, tolerance, "deviation");
    let decoded = vae.decode(fixture.tensor("vae.latents"), None);
    assert_close(
        &decoded,
        &fixture.tensor("vae.decoded"),
        tolerance,
        "decoded",
    );
}

#[test]
fn it_says_what_it_can_do_and_refuses_the_rest() {
    let files = FIXTURE.files();
    let info = files.info(ModelId(NAME.to_owned())).unwrap();
    assert_eq!((info.family.as_str(), info.stride), ("Stable Diffusion", 4));
    // What the U-Net says that it was trained for.
    assert_eq!(info.default_size, (16, 16));
    assert!(info.can(Operation::Generate) && info.can(Operation::ImageToImage));
    assert!(info.can(Operation::Variations) && !info.has(Feature::ImageEmbeddings));
    assert!(!info.can(Operation::Shift));
    assert!(info.has_setting(Setting::ClipSkip) && !info.has_setting(Setting::PriorSteps));
    assert_eq!(info.defaults.n_prior_steps, None);
    assert!(
        files
            .inspect()
            .components
            .iter()
            .all(limn_engine::catalogue::ComponentReport::fits)
    );

    let case = &FIXTURE.cases()["default"];
    let refusal = |change: &dyn Fn(&mut GenerateRequest)| {
        let mut request = FIXTURE.request(case);
        change(&mut request);
        let result = generate::run(&mut FIXTURE.open(), &request, None, &mut |_| Ok(()));
        result.unwrap_err().to_string()
    };
    let prior = refusal(&|request| request.sampling.n_prior_steps = Some(25));
    assert!(prior.contains("Stable Diffusion has no prior"), "{prior}");
    let clip_skip = refusal(&|request| request.sampling.clip_skip = Some(3));
    assert!(clip_skip.contains("0 to 2"), "{clip_skip}");
    let best_of = refusal(&|request| request.best_of = 2);
    assert!(best_of.contains("best of"), "{best_of}");
}

/// One that only repaints says so, and takes no prompt alone.
#[test]
fn a_model_for_repainting_makes_nothing_from_text_alone() {
    let fixture = Latent("stable_diffusion_inpaint");
    let info = fixture.files().info(ModelId(fixture.0.to_owned())).unwrap();
    assert!(info.can(Operation::Inpaint) && info.has(Feature::RepaintingChannels));
    assert!(!info.can(Operation::Generate) && !info.can(Operation::Variations));
    let request = fixture.request(&fixture.cases()["inpaint"]);
    let refusal = generate::run(&mut fixture.open(), &request, None, &mut |_| Ok(()));
    let refusal = refusal.unwrap_err().to_string();
    assert!(refusal.contains("takes 9 channels"), "{refusal}");
}

/// What the folder at `path` is refused for.
fn refusal(path: &Path) -> String {
    let probe = Probe::folder(ModelFolder::Disk(path.to_owned()));
    families::open(&probe, None).unwrap_err().to_string()
}

#[test]
fn what_is_like_a_model_and_is_none_is_named() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, json: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, json).unwrap();
    };
    for index in [
        r#"{"_class_name": "StableDiffusionXLImg2ImgPipeline", "text_encoder": [null, null]}"#,
        r#"{"_class_name": "StableDiffusionXLImg2ImgPipeline", "requires_aesthetics_score": true}"#,
    ] {
        write("model_index.json", index);
        let refusal = refusal(dir.path());
        assert!(refusal.contains("refiner"), "{refusal}");
    }
    write(
        "model_index.json",
        r#"{"_class_name": "StableUnCLIPPipeline", "prior": ["diffusers", "PriorTransformer"]}"#,
    );
    let with_prior = refusal(dir.path());
    for word in [
        "StableUnCLIPPipeline",
        "prior",
        "StableUnCLIPImg2ImgPipeline",
    ] {
        assert!(with_prior.contains(word), "{with_prior}");
    }
    write(
        "model_index.json",
        r#"{"_class_name": "StableDiffusionXLPipeline"}"#,
    );
    for class in ["EDMEulerScheduler", "FlowMatchEulerDiscreteScheduler"] {
        let config = format!(r#"{{"_class_name": "{class}"}}"#);
        write("scheduler/scheduler_config.json", &config);
        let refusal = refusal(dir.path());
        assert!(refusal.contains(class), "{refusal}");
    }
}

#[test]
fn a_folder_is_opened_by_the_family_that_reads_it() {
    let catalogue = limn_engine::catalogue::Catalogue {
        folders: vec![
            fixture_path(NAME),
            fixture_path("stable_diffusion_2"),
            fixture_path("stable_diffusion_xl"),
            fixture_path("pipeline"),
        ],
        ..Default::default()
    };
    let families = |path: &Path| {
        let id = ModelId(path.to_string_lossy().into_owned());
        catalogue.open(&id).unwrap().family()
    };
    assert_eq!(families(&fixture_path(NAME)), "Stable Diffusion");
    let second = fixture_path("stable_diffusion_2");
    assert_eq!(families(&second), "Stable Diffusion 2");
    let xl = fixture_path("stable_diffusion_xl");
    assert_eq!(families(&xl), "Stable Diffusion XL");
    assert_eq!(families(&fixture_path("pipeline")), "unCLIP");
}
