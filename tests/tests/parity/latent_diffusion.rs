//! Latent diffusion's families against diffusers: a folder of `fixtures/` each, whose `cases.json` says what was drawn.

use std::{collections::BTreeMap, fs};

use limn_engine::{
    PixelRect,
    families::{self, Probe},
    model::ModelFiles,
    operations::{EditInput, FinishedPicture, LoadedModel, edit, generate},
    protocol::{Compute, GenerateRequest, ModelId, Sampling},
    samplers::Sampler,
    stitch::{EditPlan, EditSettings, Fill},
    weights::ModelFolder,
};
use serde::Deserialize;

use super::pipelines::{Told, runtime};
use crate::harness::{Fixture, fixture_path};

/// A fixture with a model of one of the families.
#[derive(Debug, Clone, Copy)]
pub struct Latent(pub &'static str);

#[derive(Debug, Deserialize)]
pub struct Case {
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
    /// Whether the fixture's mask lies over the source.
    mask: bool,
}

impl Latent {
    pub fn cases(self) -> BTreeMap<String, Case> {
        let json = fs::read(fixture_path(self.0).join("cases.json")).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    pub fn files(self) -> Box<dyn ModelFiles> {
        let folder = ModelFolder::Disk(fixture_path(self.0));
        families::open(&Probe::folder(folder), None).unwrap()
    }

    pub fn open(self) -> LoadedModel {
        LoadedModel::open(self.files(), runtime(1 << 30, None)).unwrap()
    }

    /// A tensor of bytes: its shape and contents.
    pub fn bytes(self, name: &str) -> (Vec<usize>, Vec<u8>) {
        Fixture::open(self.0).bytes(name)
    }

    pub fn request(self, case: &Case) -> GenerateRequest {
        GenerateRequest {
            prompt: case.prompt.clone(),
            negative_prompt: case.negative.clone(),
            size: Some((case.width, case.height)),
            seed: case.seed,
            sampling: Sampling {
                sampler: case.sampler,
                n_steps: Some(case.steps),
                guidance_scale: Some(case.guidance),
                clip_skip: Some(case.clip_skip),
                ..Sampling::default()
            },
            ..GenerateRequest::blank(ModelId(self.0.to_owned()), Compute::default())
        }
    }

    /// The whole source picture, at its own size, and the mask as it is.
    fn input(self, case: &Case, strength: f32) -> EditInput {
        let (_, rgb) = self.bytes("source");
        EditInput {
            settings: EditSettings {
                fill: Fill::Keep,
                whole: true,
                match_colours: false,
                ..EditSettings::for_strength(strength)
            },
            plan: EditPlan {
                context: PixelRect::from_size(case.width, case.height),
                work_size: (case.width, case.height),
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
            mask: case.mask.then(|| self.bytes("mask").1),
        }
    }

    pub fn picture(self, model: &mut LoadedModel, case: &Case) -> FinishedPicture {
        let mut told = Told::default();
        let mut on_event = |event| {
            told.note(event);
            Ok(())
        };
        let request = self.request(case);
        let timings = match case.strength {
            None => generate::run(model, &request, None, &mut on_event),
            Some(strength) => {
                let input = self.input(case, strength);
                edit::run(model, &request, &input, None, &mut on_event)
            }
        };
        timings.unwrap();
        let [picture] = told.pictures.try_into().unwrap();
        picture
    }

    /// Every case's picture must be the reference's, where a patch covers anything.
    pub fn check(self) {
        let mut model = self.open();
        let mut worst = BTreeMap::new();
        for (name, case) in self.cases() {
            let picture = self.picture(&mut model, &case);
            let (shape, expected) = self.bytes(&format!("{name}.pixels"));
            let size = [picture.height as usize, picture.width as usize, 3];
            assert_eq!(shape, size, "{name}");
            let n_pixels = expected.len() / 3;
            let covers = picture.patch_mask.unwrap_or_else(|| vec![255; n_pixels]);
            assert!(covers.iter().filter(|cover| **cover > 0).count() > 100);
            let made = picture.rgb.chunks(3).zip(expected.chunks(3));
            let made = made.zip(covers).filter(|(_, cover)| *cover > 0);
            let differences = made.flat_map(|((a, b), _)| a.iter().zip(b));
            worst.insert(name, differences.map(|(a, b)| a.abs_diff(*b)).max());
        }
        // Of 255.
        let is_met = worst.values().all(|worst| *worst <= Some(2));
        assert!(is_met, "{}: {worst:?}", self.0);
    }
}

#[test]
fn pictures_are_diffusers() {
    for name in [
        "stable_diffusion",
        "stable_diffusion_inpaint",
        "stable_diffusion_2",
        "stable_diffusion_2_base",
        "stable_diffusion_xl",
        "stable_diffusion_xl_velocity",
        "stable_diffusion_xl_turbo",
        "stable_diffusion_xl_inpaint",
    ] {
        Latent(name).check();
    }
}
