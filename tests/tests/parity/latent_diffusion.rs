//! Latent diffusion's families against diffusers: a folder of `fixtures/` each, whose `cases.json` says what was drawn.

use std::{collections::BTreeMap, fs};

use limn_engine::{
    PixelRect, Result,
    families::{self, Probe},
    model::ModelFiles,
    operations::{
        BlendPart, EditInput, FinishedPicture, LoadedModel, SourcePicture, blend, edit, generate,
        redraw, variations,
    },
    protocol::{
        BlendInput, BlendNoise, BlendRequest, BlobHash, Compute, Feature, GenerateRequest, Mix,
        ModelId, Operation, PictureInput, Sampling, StandIn, VariationsRequest,
    },
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

/// What every case of latent diffusion's fixtures says.
#[derive(Debug, Deserialize)]
pub struct Asked {
    pub prompt: String,
    negative: Option<String>,
    seed: u64,
    width: u32,
    height: u32,
    steps: u32,
    guidance: f32,
    sampler: Option<Sampler>,
}

impl Asked {
    pub fn request(&self) -> GenerateRequest {
        GenerateRequest {
            prompt: self.prompt.clone(),
            negative_prompt: self.negative.clone(),
            size: Some((self.width, self.height)),
            seed: self.seed,
            sampling: Sampling {
                sampler: self.sampler,
                n_steps: Some(self.steps),
                guidance_scale: Some(self.guidance),
                ..Sampling::default()
            },
            ..GenerateRequest::blank(ModelId("tiny".to_owned()), Compute::default())
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Case {
    #[serde(flatten)]
    asked: Asked,
    clip_skip: u32,
    strength: Option<f32>,
    /// Whether the fixture's mask lies over the source.
    mask: bool,
    /// Of a model with a prior, which takes as many steps.
    prior_guidance: Option<f32>,
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
        let has_clip_skip = self.files().settings().clip_skip.is_some();
        let mut request = case.asked.request();
        request.model = ModelId(self.0.to_owned());
        request.sampling.clip_skip = Some(case.clip_skip).filter(|_| has_clip_skip);
        request.sampling.n_prior_steps = case.prior_guidance.map(|_| case.asked.steps);
        request.sampling.prior_guidance_scale = case.prior_guidance;
        request
    }

    /// The whole source picture, at its own size, and the mask as it is.
    pub fn input(self, case: &Case, strength: f32) -> EditInput {
        let (_, rgb) = self.bytes("source");
        let size = (case.asked.width, case.asked.height);
        EditInput {
            settings: EditSettings {
                fill: Fill::Keep,
                whole: true,
                match_colours: false,
                ..EditSettings::for_strength(strength)
            },
            plan: EditPlan {
                context: PixelRect::from_size(size.0, size.1),
                work_size: size,
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

    /// As far from the source as a variation goes: what it shows is kept.
    fn variation(self, model: &mut LoadedModel, case: &Case, far: f32) -> Told {
        let request = VariationsRequest {
            generate: self.request(case),
            source: UNSENT,
            far,
        };
        let mut told = Told::default();
        let source = self.source();
        let timings = variations::run(model, &request, &source, None, &mut |event| {
            told.note(event);
            Ok(())
        });
        timings.unwrap();
        told
    }

    pub fn check(self) {
        self.check_by(|model, case| self.picture(model, case));
    }

    /// Every case's picture must be the reference's, where a patch covers anything.
    fn check_by(self, draw: impl Fn(&mut LoadedModel, &Case) -> FinishedPicture) {
        let mut model = self.open();
        let mut worst = BTreeMap::new();
        for (name, case) in self.cases() {
            let picture = draw(&mut model, &case);
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
        "karlo",
    ] {
        Latent(name).check();
    }
}

pub const UNSENT: PictureInput = PictureInput {
    pixels: BlobHash([0; 32]),
    width: 0,
    height: 0,
};

impl Latent {
    fn source(self) -> SourcePicture {
        let (shape, rgb) = self.bytes("source");
        let rgba = rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], 255]);
        SourcePicture {
            width: shape[1] as u32,
            height: shape[0] as u32,
            rgba: rgba.collect(),
        }
    }

    /// The source upside down: another picture.
    fn other_source(self) -> SourcePicture {
        let source = self.source();
        let rgba = source.rgba.chunks(4).rev().flatten().copied();
        SourcePicture {
            rgba: rgba.collect(),
            ..source
        }
    }

    fn blended(self, parts: &[BlendPart], ways: Vec<Vec<f32>>) -> Told {
        self.blended_from(parts, ways, BlendNoise::Inverted)
    }

    fn blended_from(self, parts: &[BlendPart], ways: Vec<Vec<f32>>, noise: BlendNoise) -> Told {
        self.try_blend(parts, ways, noise).unwrap()
    }

    fn try_blend(
        self,
        parts: &[BlendPart],
        ways: Vec<Vec<f32>>,
        noise: BlendNoise,
    ) -> Result<Told> {
        let case = &self.cases()["default"];
        let inputs = parts.iter().map(|part| match part {
            BlendPart::Picture(_) => BlendInput::Picture(UNSENT),
            BlendPart::Text(text) => BlendInput::Text(text.clone()),
        });
        let request = BlendRequest {
            generate: GenerateRequest {
                n_pictures: ways.len() as u32,
                ..self.request(case)
            },
            inputs: inputs.collect(),
            ways,
            mix: Mix::Slerp,
            noise,
        };
        let mut told = Told::default();
        blend::run(&mut self.open(), &request, parts, None, &mut |event| {
            told.note(event);
            Ok(())
        })?;
        Ok(told)
    }
}

#[test]
fn variations_draw_over_the_picture_and_say_so() {
    let fixture = Latent("stable_diffusion_xl");
    let case = &fixture.cases()["img2img"];
    // Three quarters of this is the case's own strength.
    let far = case.strength.unwrap() / 0.75;
    let mut model = fixture.open();
    let told = fixture.variation(&mut model, case, far);
    assert_eq!(told.plans[0].stand_in, Some(StandIn::WithoutIpAdapter));
    let [varied] = &told.pictures[..] else {
        panic!("one picture");
    };
    assert_eq!(varied.rgb, fixture.picture(&mut model, case).rgb);
}

#[test]
fn blends_lie_between_their_pictures_and_say_how() {
    let fixture = Latent("stable_diffusion");
    let [one, other] = [fixture.source(), fixture.other_source()];
    let parts = [one, other].map(BlendPart::Picture);
    let told = fixture.blended(&parts, vec![vec![1.0, 0.0], vec![1.0, 1.0], vec![0.0, 1.0]]);
    assert_eq!(told.plans[0].stand_in, Some(StandIn::WithoutIpAdapter));
    let distance = |a: usize, b: usize| -> u64 {
        let pairs = told.pictures[a].rgb.iter().zip(&told.pictures[b].rgb);
        pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
    };
    assert!(distance(0, 1) < distance(0, 2) && distance(1, 2) < distance(0, 2));
}

/// Nothing is drawn over: texts alone need no look at pictures.
#[test]
fn blends_of_texts_mix_what_the_texts_say() {
    let fixture = Latent("stable_diffusion_xl");
    let case = &fixture.cases()["default"];
    let texts = ["blue and dark", &fixture.request(case).prompt].map(str::to_owned);
    let parts = texts.map(BlendPart::Text);
    let told = fixture.blended(&parts, vec![vec![0.0, 3.0], vec![1.0, 1.0]]);
    assert_eq!(told.plans[0].stand_in, None);
    let alone = fixture.picture(&mut fixture.open(), case).rgb;
    assert_eq!(told.pictures[0].rgb, alone);
    assert_ne!(told.pictures[1].rgb, alone);
}

/// Tiles are drawn anew under the words.
#[test]
fn a_larger_picture_is_drawn_anew() {
    let fixture = Latent("stable_diffusion");
    let request = GenerateRequest {
        size: None,
        ..fixture.request(&fixture.cases()["default"])
    };
    let mut told = Told::default();
    let source = fixture.source();
    let timings = redraw::run(
        &mut fixture.open(),
        &request,
        0.4,
        (&source, 2),
        &mut |event| {
            told.note(event);
            Ok(())
        },
    );
    timings.unwrap();
    let [picture] = &told.pictures[..] else {
        panic!("one picture");
    };
    let larger = (2 * source.width, 2 * source.height);
    assert_eq!((picture.width, picture.height), larger);
}

#[test]
fn variations_by_image_embeddings_are_diffusers() {
    for name in ["stable_diffusion_2_unclip", "karlo_variations"] {
        let fixture = Latent(name);
        fixture.check_by(|model, case| {
            let told = fixture.variation(model, case, 1.0);
            assert_eq!(told.plans[0].stand_in, None);
            let [picture] = told.pictures.try_into().unwrap();
            picture
        });
    }
}

#[test]
fn a_model_in_pixels_says_what_it_can_do() {
    let [from_text, from_pictures] = ["karlo", "karlo_variations"].map(|name| {
        let files = Latent(name).files();
        let report = files.inspect();
        let mut components = report.components.iter();
        let fits = limn_engine::catalogue::ComponentReport::fits;
        assert!(components.all(fits), "{report:?}");
        files.info(ModelId(name.to_owned())).unwrap()
    });
    assert_eq!((from_text.default_size, from_text.stride), ((32, 32), 8));
    let of_text = [
        Operation::Generate,
        Operation::Inpaint,
        Operation::ImageToImage,
        Operation::Outpaint,
    ];
    assert_eq!(from_text.operations, of_text);
    assert!(!from_text.has(Feature::NegativePrompt));
    assert_eq!(from_text.defaults.n_prior_steps, Some(25));
    let of_pictures = [Operation::Variations, Operation::Blend, Operation::Upscale];
    assert_eq!(from_pictures.operations, of_pictures);
    assert_eq!(from_pictures.defaults.n_prior_steps, None);

    // It has no prior that could make an embedding of a text.
    let fixture = Latent("karlo_variations");
    let parts = [
        BlendPart::Picture(fixture.source()),
        BlendPart::Text("a boat".to_owned()),
    ];
    let refusal = fixture.try_blend(&parts, vec![vec![1.0, 1.0]], BlendNoise::Seed);
    let refusal = refusal.unwrap_err().to_string();
    assert!(refusal.contains("none of texts"), "{refusal}");
}

#[test]
fn blends_of_image_embeddings_begin_at_their_pictures() {
    let fixture = Latent("stable_diffusion_2_unclip");
    let info = fixture.files().info(ModelId(fixture.0.to_owned())).unwrap();
    assert!(info.can(Operation::Blend) && info.has(Feature::ImageEmbeddings));
    let case = &fixture.cases()["default"];
    let parts = [fixture.source(), fixture.other_source()].map(BlendPart::Picture);
    let ways = || vec![vec![1.0, 0.0], vec![1.0, 1.0]];
    let told = fixture.blended_from(&parts, ways(), BlendNoise::Seed);
    assert_eq!(told.plans[0].stand_in, None);
    let alone = fixture.variation(&mut fixture.open(), case, 1.0);
    assert_eq!(told.pictures[0].rgb, alone.pictures[0].rgb);
    assert_ne!(told.pictures[1].rgb, alone.pictures[0].rgb);

    // From the pictures' own noise the way begins at the picture itself.
    let told = fixture.blended_from(&parts, ways(), BlendNoise::Inverted);
    let source = fixture.source();
    let size = (told.pictures[0].width, told.pictures[0].height);
    assert_eq!(size, (source.width, source.height));
    assert_ne!(told.pictures[0].rgb, told.pictures[1].rgb);
}
