//! Variations, blends, shifts and embeddings against the reference pipelines: `fixtures/pipeline/gestures.*`, made by
//! `reference/make_gestures.py`; and what the built-in model makes of them.

mod doodle;
mod odd_input;

use std::{collections::BTreeMap, fs, sync::LazyLock};

use burn::tensor::Tensor;
use limn_engine::{
    Error, Result,
    operations::{
        BlendPart, FinishedPicture, LoadedModel, OnEvent, SourcePicture, blend, embed, shift,
        variations,
    },
    protocol::{
        BlendInput, BlendNoise, BlendRequest, BlobHash, Compute, EmbedRequest, GenerateRequest,
        Mix, ModelId, Phase, PictureInput, ShiftRequest, Timings, VariationsRequest,
    },
    samplers::{DdimSchedule, ModelOutput, Sampler, ddim, ddim_inversion},
    schedules::SchedulerConfig,
};
use serde::Deserialize;
use tempfile::TempDir;

use crate::{
    harness::{Fixture, assert_values_close, fixture_path, parity_tolerance},
    parity::pipelines::{Asked, Told, assert_cancelled_after, count_events, open, read_cases},
};

static FIXTURE: LazyLock<Fixture> =
    LazyLock::new(|| Fixture::open_with("pipeline", "gestures.safetensors"));

#[derive(Debug, Clone, Deserialize)]
struct Case {
    /// `vary`, `blend` or `shift`.
    deed: String,
    #[serde(flatten)]
    asked: Asked,
    picture: String,
    far: f32,
    /// Pictures by their names, texts after `text:`.
    inputs: Vec<String>,
    weights: Vec<f32>,
    mix: Mix,
    noise: BlendNoise,
    change: Vec<String>,
    amount: f32,
}

fn cases() -> BTreeMap<String, Case> {
    read_cases("gestures.json")
}

/// A request of any of the gestures, with its pictures.
#[derive(Debug, Clone)]
enum Gesture {
    Vary(VariationsRequest, SourcePicture),
    Blend(BlendRequest, Vec<BlendPart>),
    Shift(ShiftRequest, SourcePicture),
}

/// What a request names is the worker's to find; a pipeline is given the pixels.
const UNSENT: PictureInput = PictureInput {
    pixels: BlobHash([0; 32]),
    width: 0,
    height: 0,
};

impl Case {
    fn gesture(&self) -> Gesture {
        let generate = self.asked.request();
        match self.deed.as_str() {
            "vary" => {
                let request = VariationsRequest {
                    generate,
                    source: UNSENT,
                    far: self.far,
                };
                Gesture::Vary(request, picture(&self.picture))
            }
            "blend" => self.blend(generate),
            _ => {
                let request = ShiftRequest {
                    generate,
                    source: UNSENT,
                    from: self.change[0].clone(),
                    to: self.change[1].clone(),
                    amounts: vec![self.amount],
                };
                Gesture::Shift(request, picture(&self.picture))
            }
        }
    }

    fn blend(&self, generate: GenerateRequest) -> Gesture {
        let parts = self
            .inputs
            .iter()
            .map(|name| match name.strip_prefix("text:") {
                Some(text) => BlendPart::Text(text.to_owned()),
                None => BlendPart::Picture(picture(name)),
            });
        let parts: Vec<BlendPart> = parts.collect();
        let inputs = parts.iter().map(|part| match part {
            BlendPart::Picture(_) => BlendInput::Picture(UNSENT),
            BlendPart::Text(text) => BlendInput::Text(text.clone()),
        });
        let request = BlendRequest {
            generate,
            inputs: inputs.collect(),
            ways: vec![self.weights.clone()],
            mix: self.mix,
            noise: self.noise,
        };
        Gesture::Blend(request, parts)
    }
}

fn picture(name: &str) -> SourcePicture {
    let (shape, rgb) = FIXTURE.bytes(&format!("picture.{name}"));
    let rgba = rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], 255]);
    SourcePicture {
        width: shape[1] as u32,
        height: shape[0] as u32,
        rgba: rgba.collect(),
    }
}

impl Gesture {
    fn run(&self, model: &mut LoadedModel, on_event: &mut OnEvent) -> Result<Timings> {
        match self {
            Self::Vary(request, source) => variations::run(model, request, source, None, on_event),
            Self::Blend(request, parts) => blend::run(model, request, parts, None, on_event),
            Self::Shift(request, source) => shift::run(model, request, source, None, on_event),
        }
    }

    fn told(&self, model: &mut LoadedModel) -> (Told, Result<Timings>) {
        let mut told = Told::default();
        let timings = self.run(model, &mut |event| {
            told.note(event);
            Ok(())
        });
        (told, timings)
    }

    fn pictures(&self, model: &mut LoadedModel) -> Vec<FinishedPicture> {
        let (told, timings) = self.told(model);
        timings.unwrap();
        told.pictures
    }

    fn picture(&self, model: &mut LoadedModel) -> FinishedPicture {
        let [picture] = self.pictures(model).try_into().unwrap();
        picture
    }

    fn error(&self, model: &mut LoadedModel) -> String {
        let (told, timings) = self.told(model);
        let error = timings.unwrap_err().to_string();
        assert!(told.pictures.is_empty(), "{error}");
        error
    }

    fn generate(&mut self) -> &mut GenerateRequest {
        match self {
            Self::Vary(request, _) => &mut request.generate,
            Self::Blend(request, _) => &mut request.generate,
            Self::Shift(request, _) => &mut request.generate,
        }
    }
}

fn open_fixture() -> LoadedModel {
    static CACHE: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());
    open(&fixture_path("pipeline"), 1 << 30, Some(CACHE.path()))
}

#[test]
fn gestures_are_the_references() {
    let mut worst = BTreeMap::new();
    let mut model = open_fixture();
    for (name, case) in cases() {
        let made = case.gesture().picture(&mut model);
        let (shape, pixels) = FIXTURE.bytes(&format!("{name}.pixels"));
        let size = [made.height as usize, made.width as usize, 3];
        assert_eq!(shape, size, "{name}");
        let differences = made.rgb.iter().zip(&pixels);
        worst.insert(name, differences.map(|(a, b)| a.abs_diff(*b)).max());
    }
    // Of 255.
    assert!(worst.values().all(|worst| *worst <= Some(2)), "{worst:?}");
}

#[test]
fn embeddings_are_the_references_at_unit_length() {
    let mut model = open_fixture();
    let names = ["a", "b", "c"];
    let texts = ["the sea", "a red boat"];
    let request = EmbedRequest {
        model: ModelId("pipeline".to_owned()),
        compute: Compute::default(),
        pictures: Vec::new(),
        texts: texts.map(str::to_owned).to_vec(),
    };
    let pictures = names.map(picture);
    let (embeddings, _) = embed::run(&mut model, &request, &pictures, &mut |_| Ok(())).unwrap();
    assert_eq!((embeddings.encoder.len(), embeddings.dim), (64, 32));
    let named = names.iter().zip(&embeddings.pictures);
    for (name, embed) in named.chain(texts.iter().zip(&embeddings.texts)) {
        let name = format!("embeds.{name}");
        let (_, expected) = FIXTURE.floats(&name);
        assert_values_close(embed, &expected, parity_tolerance(), &name);
        let length: f32 = embed.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5, "{name}: {length}");
    }

    // What is not there to see has a place too, and a whole batch is one request.
    let blank = SourcePicture {
        width: 1,
        height: 1,
        rgba: [0; 4].into(),
    };
    let white = SourcePicture {
        rgba: [255; 4].into(),
        ..blank.clone()
    };
    let many: Vec<SourcePicture> = (0..EmbedRequest::MOST)
        .map(|i| if i == 9 { white.clone() } else { blank.clone() })
        .collect();
    let no_texts = EmbedRequest {
        texts: Vec::new(),
        ..request.clone()
    };
    let (embeddings, _) = embed::run(&mut model, &no_texts, &many, &mut |_| Ok(())).unwrap();
    assert_eq!(embeddings.pictures.len(), many.len());
    for embed in &embeddings.pictures {
        assert_values_close(embed, &embeddings.pictures[0], 1e-5, "blank and white");
    }
    let error = embed::run(&mut model, &request, &many, &mut |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("at most 32"), "{error}");
}

fn scheduler(changes: &[(&str, &str)]) -> SchedulerConfig {
    let path = fixture_path("pipeline").join("scheduler/scheduler_config.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for (key, value) in changes {
        json[*key] = (*value).into();
    }
    SchedulerConfig::from_json(json.to_string().as_bytes(), &path).unwrap()
}

#[test]
fn ddim_backwards_is_diffusers() {
    for kind in ["epsilon", "v_prediction"] {
        let config = scheduler(&[("prediction_type", kind)]);
        let schedule = DdimSchedule::new(&config, 10).unwrap();
        let mut told = Vec::new();
        let inverted = ddim_inversion(
            |latents, timestep| {
                Ok(ModelOutput {
                    prediction: latents.tanh() * 0.5 + timestep / 10_000.0,
                    variance: None,
                })
            },
            FIXTURE.tensor::<4>("inversion.picture"),
            &schedule,
            |n_done, _| {
                told.push(n_done);
                Ok(())
            },
        );
        let values: Vec<f32> = inverted.unwrap().into_data().try_to_vec().unwrap();
        let name = format!("inversion.{kind}");
        assert_values_close(&values, &FIXTURE.floats(&name).1, parity_tolerance(), &name);
        assert_eq!(told, (1..=10).collect::<Vec<_>>());
    }
}

/// A model that is sure of the noise, whatever it is shown, is one whose walk back is exact.
#[test]
fn ddim_forwards_undoes_ddim_backwards() {
    let schedule = DdimSchedule::new(&scheduler(&[]), 25).unwrap();
    let picture = FIXTURE.tensor::<4>("inversion.picture");
    let noise = picture.clone().flip([3]) * 0.7;
    let model = |_, _| {
        Ok(ModelOutput {
            prediction: noise.clone(),
            variance: None,
        })
    };
    let inverted = ddim_inversion(model, picture.clone(), &schedule, |_, _| Ok(())).unwrap();
    let back = ddim(model, inverted, &schedule, |_| Ok(())).unwrap();
    let values = |tensor: Tensor<4>| -> Vec<f32> { tensor.into_data().try_to_vec().unwrap() };
    assert_values_close(&values(back), &values(picture), 1e-4, "there and back");
}

fn phases(told: &Told) -> Vec<(Phase, u32, u32, u32)> {
    let progress = told.progress.iter();
    progress
        .map(|p| (p.phase, p.picture, p.step, p.n_steps))
        .collect()
}

#[test]
fn a_shift_finds_the_noise_once_and_draws_a_picture_for_each_amount() {
    let mut gesture = cases()["shift_half"].gesture();
    if let Gesture::Shift(request, _) = &mut gesture {
        request.amounts = vec![0.0, 0.5, 1.0];
    }
    gesture.generate().sampling.guidance_scale = None;
    let (told, timings) = gesture.told(&mut open_fixture());
    let timings = timings.unwrap();
    let plan = &told.plans[0];
    let facts = (plan.sampler, plan.n_steps, plan.guidance_scale);
    assert_eq!(facts, (Sampler::Ddim, 50, 2.0));
    let phases = phases(&told);
    let inverted = phases.iter().filter(|phase| phase.0 == Phase::Invert);
    let expected = (1..=50).map(|step| (Phase::Invert, 0, step, 50));
    assert!(inverted.copied().eq(expected), "{phases:?}");
    for picture in 0..3 {
        let steps = phases
            .iter()
            .filter(|p| p.0 == Phase::Step && p.1 == picture);
        assert!(steps.map(|p| p.2).eq(1..=50), "{phases:?}");
    }
    assert_eq!(timings.steps.len(), 150);
    assert!(timings.stages.iter().any(|(name, _)| name == "invert"));
    // After the first step of the inversion it can be guessed what is left, and less and less of it.
    let first = phases.iter().position(|p| p.0 == Phase::Invert).unwrap();
    assert!(told.progress[first].seconds_left.is_some());
    let seeds: Vec<u64> = told.pictures.iter().map(|picture| picture.seed).collect();
    assert_eq!(seeds, [11; 3]);
    assert_ne!(told.pictures[0].rgb, told.pictures[1].rgb);
    assert_ne!(told.pictures[1].rgb, told.pictures[2].rgb);
}

#[test]
fn a_strip_has_one_seed_and_each_of_its_pictures_can_be_made_alone() {
    let ways = [vec![1.0, 0.0], vec![1.0, 1.0], vec![0.0, 3.0]];
    for name in ["blend_inverted_text", "blend_linear_text"] {
        let mut model = open_fixture();
        let mut gesture = cases()[name].gesture();
        gesture.generate().n_pictures = 3;
        if let Gesture::Blend(request, _) = &mut gesture {
            request.ways = ways.to_vec();
        }
        let strip = gesture.pictures(&mut model);
        assert_eq!(strip.len(), 3);
        gesture.generate().n_pictures = 1;
        for (picture, way) in strip.iter().zip(&ways) {
            assert_eq!(picture.seed, 11);
            if let Gesture::Blend(request, _) = &mut gesture {
                request.ways = vec![way.clone()];
            }
            assert_eq!(
                gesture.picture(&mut model).rgb,
                picture.rgb,
                "{name} {way:?}"
            );
        }
    }
}

#[test]
fn several_variations_differ_and_each_is_its_seeds() {
    let mut model = open_fixture();
    let mut gesture = cases()["vary_half"].gesture();
    gesture.generate().n_pictures = 3;
    let all = gesture.pictures(&mut model);
    gesture.generate().n_pictures = 1;
    for (index, picture) in all.iter().enumerate() {
        assert_eq!(picture.seed, 11 + index as u64);
        assert!(all[..index].iter().all(|other| other.rgb != picture.rgb));
        gesture.generate().seed = picture.seed;
        assert_eq!(gesture.picture(&mut model).rgb, picture.rgb);
    }
}

#[test]
fn the_best_of_several_is_the_one_that_its_seed_makes_again() {
    let mut model = open_fixture();
    for name in ["vary_far", "vary_prompt", "blend_slerp"] {
        let mut gesture = cases()[name].gesture();
        gesture.generate().best_of = 3;
        let best = gesture.picture(&mut model);
        assert!(best.score.unwrap().abs() <= 1.0);
        gesture.generate().best_of = 1;
        let mut scores = Vec::new();
        for ahead in 0..3 {
            gesture.generate().seed = 11 + ahead;
            let picture = gesture.picture(&mut model);
            if picture.seed == best.seed {
                assert_eq!(picture.rgb, best.rgb, "{name}");
            }
            // One alone is scored too when it is the best of one place among others.
            scores.push(picture.score);
        }
        assert_eq!(scores, [None; 3]);
    }
}

#[test]
fn a_cancel_ends_a_gesture_at_any_event() {
    let mut model = open_fixture();
    for name in ["vary_prompt", "blend_inverted_text", "shift_half"] {
        let gesture = cases()[name].gesture();
        let whole = gesture.picture(&mut model);
        let n_events = count_events(|on_event| gesture.run(&mut model, on_event));
        for last in (0..n_events).step_by(3) {
            assert_cancelled_after(last, |on_event| gesture.run(&mut model, on_event));
        }
        assert_eq!(gesture.picture(&mut model).rgb, whole.rgb, "{name}");
    }
}

#[test]
fn short_memory_makes_the_same_with_fewer_parts_at_once() {
    let path = fixture_path("pipeline");
    for name in ["vary_prompt", "blend_inverted_text", "shift_half"] {
        let gesture = cases()[name].gesture();
        let mut roomy = open(&path, 1 << 30, None);
        let expected = gesture.picture(&mut roomy);
        let budget = roomy.in_use_bytes() * 9 / 10;
        let mut short = open(&path, budget, None);
        assert_eq!(gesture.picture(&mut short).rgb, expected.rgb, "{name}");
        assert!(short.in_use_bytes() <= budget);
        let (_, result) = gesture.told(&mut open(&path, 1000, None));
        assert!(
            matches!(result, Err(Error::TooLarge { .. } | Error::OutOfMemory(_))),
            "{name}: {result:?}"
        );
    }
}
