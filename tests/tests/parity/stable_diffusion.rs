//! Stable Diffusion against diffusers: `fixtures/stable_diffusion/`, made by `reference/make_stable_diffusion.py`.

use std::{collections::BTreeMap, fs, path::Path};

use limn_engine::{
    PixelRect, Result,
    components::{
        autoencoders::{AutoencoderParts, KlAutoencoder},
        denoisers::UNet,
    },
    families::stable_diffusion::StableDiffusionFolder,
    model::ModelFiles,
    operations::{EditInput, FinishedPicture, LoadedModel, edit, generate, variations},
    protocol::{
        BlobHash, Compute, Feature, GenerateRequest, ModelId, Operation, PictureInput, Sampling,
        Setting, VariationsRequest,
    },
    samplers::Sampler,
    stitch::{EditPlan, EditSettings, Fill},
    weights::ModelFolder,
};
use safetensors::SafeTensors;
use serde::Deserialize;

use super::pipelines::{Told, runtime};
use crate::harness::{Fixture, assert_close, fixture_path, load_options, parity_tolerance};

const NAME: &str = "stable_diffusion";

#[derive(Debug, Deserialize)]
struct Case {
    prompt: String,
    negative: Option<String>,
    seed: u64,
    width: u32,
    height: u32,
    steps: u32,
    guidance: f32,
    sampler: Option<Sampler>,
    clip_skip: u32,
    strength: Option<f32>,
}

fn cases() -> BTreeMap<String, Case> {
    let json = fs::read(fixture_path(NAME).join("cases.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// A tensor of bytes: its shape and contents.
fn bytes(name: &str) -> (Vec<usize>, Vec<u8>) {
    let file = fs::read(fixture_path(NAME).join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let view = tensors.tensor(name).unwrap();
    (view.shape().to_vec(), view.data().to_vec())
}

fn folder() -> StableDiffusionFolder {
    StableDiffusionFolder::open(ModelFolder::Disk(fixture_path(NAME))).unwrap()
}

fn open() -> LoadedModel {
    LoadedModel::open(Box::new(folder()), runtime(1 << 30, None)).unwrap()
}

impl Case {
    fn request(&self) -> GenerateRequest {
        GenerateRequest {
            prompt: self.prompt.clone(),
            negative_prompt: self.negative.clone(),
            size: Some((self.width, self.height)),
            seed: self.seed,
            sampling: Sampling {
                sampler: self.sampler,
                n_steps: Some(self.steps),
                guidance_scale: Some(self.guidance),
                clip_skip: Some(self.clip_skip),
                ..Sampling::default()
            },
            ..GenerateRequest::blank(ModelId(NAME.to_owned()), Compute::default())
        }
    }

    /// The whole source picture, at its own size.
    fn input(&self, strength: f32) -> EditInput {
        let (_, rgb) = bytes("source");
        EditInput {
            settings: EditSettings {
                fill: Fill::Keep,
                whole: true,
                match_colours: false,
                ..EditSettings::for_strength(strength)
            },
            plan: EditPlan {
                context: PixelRect::from_size(self.width, self.height),
                work_size: (self.width, self.height),
                grow_px: 0.0,
                feather_px: 0.0,
                blend_px: 0.0,
                extension: None,
            },
            steering: None,
            image: rgb
                .chunks(3)
                .flat_map(|p| [p[0], p[1], p[2], 255])
                .collect(),
            mask: None,
        }
    }

    fn picture(&self, model: &mut LoadedModel) -> FinishedPicture {
        let mut told = Told::default();
        let mut on_event = |event| {
            told.note(event);
            Ok(())
        };
        let request = self.request();
        let timings = match self.strength {
            None => generate::run(model, &request, None, &mut on_event),
            Some(strength) => {
                edit::run(model, &request, &self.input(strength), None, &mut on_event)
            }
        };
        timings.unwrap();
        let [picture] = told.pictures.try_into().unwrap();
        picture
    }
}

#[test]
fn pictures_are_diffusers() {
    let mut model = open();
    let mut worst = BTreeMap::new();
    for (name, case) in cases() {
        let picture = case.picture(&mut model);
        let (shape, expected) = bytes(&format!("{name}.pixels"));
        let size = [picture.height as usize, picture.width as usize, 3];
        assert_eq!(shape, size, "{name}");
        let differences = picture.rgb.iter().zip(&expected);
        worst.insert(name, differences.map(|(a, b)| a.abs_diff(*b)).max());
    }
    // Of 255. Euler ancestral is one further off than the others, and it is not known why.
    let bound = |name: &str| if name == "euler_ancestral" { 3 } else { 2 };
    let is_met = worst
        .iter()
        .all(|(name, worst)| *worst <= Some(bound(name)));
    assert!(is_met, "{worst:?}");
}

#[test]
fn components_agree_with_diffusers() {
    let fixture = Fixture::open(NAME);
    let tolerance = parity_tolerance();
    for (name, subfolder) in [("unet", "unet"), ("unet_deep", "unet_deep")] {
        let folder = ModelFolder::Disk(fixture_path(NAME).join(subfolder));
        let (unet, report) = UNet::load(&folder, &load_options()).unwrap();
        assert!(report.fits(), "{report:?}");
        let conditioning = unet.condition_on_tokens(fixture.tensor("unet.context"));
        let latents = fixture.tensor("unet.latents");
        let output = unet.forward(latents, &[999.0, 3.0], &conditioning);
        let expected = fixture.tensor(&format!("{name}.output"));
        assert_close(&output, &expected, tolerance, name);
    }
    let folder = ModelFolder::Disk(fixture_path(NAME).join("vae"));
    let parts = AutoencoderParts::EncoderAndDecoder;
    let (vae, _) = KlAutoencoder::load(&folder, parts, &load_options()).unwrap();
    let (mean, deviation) = vae.encode(fixture.tensor("vae.image"));
    assert_close(&mean, &fixture.tensor("vae.mean"), tolerance, "mean");
    let expected = fixture.tensor("vae.deviation");
    assert_close(&deviation, &expected, tolerance, "deviation");
    let decoded = vae.decode(fixture.tensor("vae.latents"));
    assert_close(
        &decoded,
        &fixture.tensor("vae.decoded"),
        tolerance,
        "decoded",
    );
}

#[test]
fn it_says_what_it_can_do_and_refuses_the_rest() {
    let info = folder().info(ModelId(NAME.to_owned())).unwrap();
    assert_eq!((info.family.as_str(), info.stride), ("Stable Diffusion", 4));
    assert!(info.can(Operation::Generate) && info.can(Operation::ImageToImage));
    assert!(!info.can(Operation::Variations) && !info.has(Feature::ImageEmbeddings));
    assert!(info.has_setting(Setting::ClipSkip) && !info.has_setting(Setting::PriorSteps));
    assert_eq!(info.defaults.n_prior_steps, None);
    assert!(
        folder()
            .inspect()
            .components
            .iter()
            .all(limn_engine::catalogue::ComponentReport::fits)
    );

    let case = &cases()["default"];
    let refusal = |change: &dyn Fn(&mut GenerateRequest)| {
        let mut request = case.request();
        change(&mut request);
        let result = generate::run(&mut open(), &request, None, &mut |_| Ok(()));
        result.unwrap_err().to_string()
    };
    let prior = refusal(&|request| request.sampling.n_prior_steps = Some(25));
    assert!(prior.contains("Stable Diffusion has no prior"), "{prior}");
    let clip_skip = refusal(&|request| request.sampling.clip_skip = Some(3));
    assert!(clip_skip.contains("0 to 2"), "{clip_skip}");
    let best_of = refusal(&|request| request.best_of = 2);
    assert!(best_of.contains("best of"), "{best_of}");

    let request = VariationsRequest {
        generate: case.request(),
        source: PictureInput {
            pixels: BlobHash([0; 32]),
            width: 1,
            height: 1,
        },
        far: 1.0,
    };
    let source = limn_engine::operations::SourcePicture {
        width: 1,
        height: 1,
        rgba: [9, 9, 9, 255].into(),
    };
    let result: Result<_> = variations::run(&mut open(), &request, &source, None, &mut |_| Ok(()));
    let message = result.unwrap_err().to_string();
    assert!(message.contains("variations"), "{message}");
}

#[test]
fn a_folder_is_opened_by_the_family_that_reads_it() {
    let catalogue = limn_engine::catalogue::Catalogue {
        folders: vec![fixture_path(NAME), fixture_path("pipeline")],
        ..Default::default()
    };
    let families = |path: &Path| {
        let id = ModelId(path.to_string_lossy().into_owned());
        catalogue.open(&id).unwrap().family()
    };
    assert_eq!(families(&fixture_path(NAME)), "Stable Diffusion");
    assert_eq!(families(&fixture_path("pipeline")), "unCLIP");
}
