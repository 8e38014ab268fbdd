//! Edits against the reference pipelines: `fixtures/pipeline/edits.*`, made by `reference/make_edits.py`.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use burn::tensor::{DType, Tensor, TensorData};
use limn_engine::{
    Error, PixelRect, Result,
    families::unclip::UnclipFolder,
    model::ModelFiles,
    operations::{EditInput, FinishedPicture, LoadedModel, OnEvent, edit, generate},
    protocol::{GenerateRequest, Phase, Steering, Timings},
    samplers::{Sampler, Schedule},
    stitch::{EditPlan, EditSettings, Fill},
    weights::ModelFolder,
};
use safetensors::SafeTensors;
use serde::Deserialize;
use tempfile::TempDir;

use crate::{
    harness::{assert_values_close, fixture_path, parity_tolerance, test_device},
    parity::pipelines::{
        Asked, Told, assert_cancelled_after, copy_with, count_events, open, read_cases,
    },
};

#[derive(Debug, Deserialize)]
struct Case {
    #[serde(flatten)]
    asked: Asked,
    mask: Option<String>,
    strength: f32,
    /// `ordinary` or `inpaint`.
    decoder: String,
    steering: String,
}

fn cases() -> BTreeMap<String, Case> {
    read_cases("edits.json")
}

/// A tensor of `edits.safetensors`: its shape and bytes.
fn expected(name: &str) -> (Vec<usize>, Vec<u8>) {
    static BYTES: LazyLock<Vec<u8>> =
        LazyLock::new(|| fs::read(fixture_path("pipeline").join("edits.safetensors")).unwrap());
    let tensors = SafeTensors::deserialize(&BYTES).unwrap();
    let view = tensors.tensor(name).unwrap();
    (view.shape().to_vec(), view.data().to_vec())
}

impl Case {
    fn request(&self) -> GenerateRequest {
        // Its size is the plan's to say.
        GenerateRequest {
            size: None,
            ..self.asked.request()
        }
    }

    /// The whole picture at its own size and the mask as it is: what the reference pipelines see.
    fn input(&self) -> EditInput {
        let size = format!("{}x{}", self.asked.width, self.asked.height);
        let (_, rgb) = expected(&format!("picture.{size}"));
        let image = rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], 255]);
        let mask = self.mask.as_ref();
        EditInput {
            settings: EditSettings {
                strength: self.strength,
                grow_px: Some(0.0),
                feather_px: Some(0.0),
                fill: Fill::Keep,
                whole: true,
                match_colours: false,
            },
            plan: EditPlan {
                context: PixelRect::from_size(self.asked.width, self.asked.height),
                work_size: (self.asked.width, self.asked.height),
                grow_px: 0.0,
                feather_px: 0.0,
                blend_px: 0.0,
                extension: None,
            },
            steering: Some(match self.steering.as_str() {
                "blend" => Steering::Blend,
                _ => Steering::Prompt,
            }),
            image: image.collect(),
            mask: mask.map(|name| expected(&format!("{name}.{size}")).1),
        }
    }
}

/// The fixture's model with its decoder for repainting.
static REPAINTING: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    copy_with(dir.path(), &[("unet", "unet_inpaint")]);
    dir
});

fn model_of(case: &Case) -> LoadedModel {
    static CACHE: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());
    let path = match case.decoder.as_str() {
        "inpaint" => REPAINTING.path().to_owned(),
        _ => fixture_path("pipeline"),
    };
    open(&path, 1 << 30, Some(CACHE.path()))
}

fn run(
    model: &mut LoadedModel,
    request: &GenerateRequest,
    input: &EditInput,
) -> (Told, Result<Timings>) {
    let mut told = Told::default();
    let timings = edit::run(model, request, input, None, &mut |event| {
        told.note(event);
        Ok(())
    });
    (told, timings)
}

fn make(model: &mut LoadedModel, request: &GenerateRequest, input: &EditInput) -> FinishedPicture {
    let (told, timings) = run(model, request, input);
    timings.unwrap();
    let [picture] = told.pictures.try_into().unwrap();
    picture
}

#[test]
fn edits_are_diffusers() {
    let mut worst = BTreeMap::new();
    for (name, case) in cases() {
        let picture = make(&mut model_of(&case), &case.request(), &case.input());
        let (shape, pixels) = expected(&format!("{name}.pixels"));
        let size = [picture.height as usize, picture.width as usize, 3];
        assert_eq!(shape, size, "{name}");
        // A patch shows what the model made where it covers anything, and the picture elsewhere.
        let patch_mask = picture.patch_mask.as_ref().unwrap();
        let covered = patch_mask.iter().map(|mask| *mask > 0);
        assert!(covered.clone().filter(|is_covered| *is_covered).count() > 100);
        let made = picture.rgb.chunks(3).zip(pixels.chunks(3));
        let made = made.zip(covered).filter(|(_, is_covered)| *is_covered);
        let differences = made.flat_map(|((a, b), _)| a.iter().zip(b));
        worst.insert(name, differences.map(|(a, b)| a.abs_diff(*b)).max());
    }
    // Of 255.
    assert!(worst.values().all(|worst| *worst <= Some(2)), "{worst:?}");
}

#[test]
fn noise_is_added_as_in_diffusers() {
    let folder = ModelFolder::Disk(fixture_path("pipeline"));
    let folder = UnclipFolder::open(folder, None).unwrap();
    let floats = |name: &str| -> Tensor<4> {
        let (shape, bytes) = expected(name);
        let values = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
        let data = TensorData::new(values.collect::<Vec<f32>>(), shape);
        Tensor::from_data(data, (test_device(), DType::F32))
    };
    let values = |tensor: Tensor<4>| -> Vec<f32> { tensor.into_data().try_to_vec().unwrap() };
    for sampler in [
        Sampler::Ddpm,
        Sampler::Ddim,
        Sampler::Euler,
        Sampler::EulerAncestral,
        Sampler::Dpmpp2m,
    ] {
        for index in [0, 4, 9] {
            let mut schedule = Schedule::new(sampler, folder.scheduler(), 10).unwrap();
            schedule.skip_steps(index);
            let level = schedule.first_level();
            let noised = level.mix(floats("noised.picture"), floats("noised.noise"));
            let name = format!("noised.{sampler}.{index}");
            let expected = values(floats(&name));
            assert_values_close(&values(noised), &expected, parity_tolerance(), &name);
        }
    }
}

/// Seven of ten steps, soft edges, colours matched: an edit as people make them.
fn everyday_edit() -> (GenerateRequest, EditInput) {
    let case = &Case {
        mask: Some("blocks".to_owned()),
        ..cases().remove("differential_06").unwrap()
    };
    let mut input = case.input();
    input.settings = EditSettings {
        strength: 0.7,
        ..EditSettings::default()
    };
    input.plan = EditPlan {
        grow_px: 2.0,
        feather_px: 3.0,
        blend_px: 2.0,
        ..input.plan
    };
    input.steering = None;
    (case.request(), input)
}

#[test]
fn an_edit_tells_its_plan_and_every_step_and_sends_a_patch() {
    let (mut request, input) = everyday_edit();
    request.n_pictures = 2;
    let case = &cases()["img2img_1"];
    let (told, timings) = run(&mut model_of(case), &request, &input);
    let timings = timings.unwrap();
    let [plan] = &told.plans[..] else {
        panic!("{:?}", told.plans)
    };
    assert_eq!(
        ((plan.width, plan.height), plan.n_steps),
        (input.plan.work_size, 10)
    );
    let n_of = |phase| told.progress.iter().filter(|p| p.phase == phase).count();
    assert_eq!(n_of(Phase::Encode), 1);
    assert_eq!((n_of(Phase::Step), n_of(Phase::Decode)), (14, 2));
    let of_steps = told.progress.iter().filter(|p| p.phase == Phase::Step);
    for (index, progress) in of_steps.enumerate() {
        assert_eq!(
            (progress.step as usize, progress.n_steps),
            (index % 7 + 1, 7)
        );
        let preview = progress.preview.as_ref().unwrap();
        assert_eq!((preview.width, preview.height), (16, 12));
    }
    assert_eq!(timings.steps.len(), 14);
    for stage in ["encode", "denoise", "decode", "stitch"] {
        assert!(
            timings.stages.iter().any(|(name, _)| name == stage),
            "{stage}"
        );
    }
    assert_eq!(told.pictures.len(), 2);
    for picture in &told.pictures {
        assert_eq!((picture.width, picture.height), input.plan.context.size());
        assert_eq!(picture.rgb.len(), 3 * 32 * 24);
        let mask = picture.patch_mask.as_ref().unwrap();
        assert_eq!(mask.len(), 32 * 24);
        assert!(mask.contains(&0) && mask.contains(&255));
    }
    assert_ne!(told.pictures[0].rgb, told.pictures[1].rgb);
    // Each is the one that its seed makes alone.
    request.n_pictures = 1;
    request.seed = told.pictures[1].seed;
    let alone = make(&mut model_of(case), &request, &input);
    assert_eq!(alone.rgb, told.pictures[1].rgb);
}

#[test]
fn under_a_mask_an_ordinary_decoder_is_steered_by_the_place_too() {
    let (request, mut input) = everyday_edit();
    let cases = cases();
    let mut made = |decoder: &str, steering, has_mask: bool| {
        input.steering = steering;
        let mask = input.mask.clone();
        input.mask = mask.clone().filter(|_| has_mask);
        let rgb = make(&mut model_of(&cases[decoder]), &request, &input).rgb;
        input.mask = mask;
        rgb
    };
    for (decoder, has_mask, default) in [
        ("img2img_1", true, Steering::Blend),
        ("img2img_1", false, Steering::Prompt),
        ("inpaint_blocks", true, Steering::Prompt),
    ] {
        let by_default = made(decoder, None, has_mask);
        for steering in [
            Steering::Prompt,
            Steering::Blend,
            Steering::Continue,
            Steering::Surroundings,
        ] {
            assert_eq!(
                by_default == made(decoder, Some(steering), has_mask),
                steering == default,
                "{decoder}, masked: {has_mask}, {steering:?}"
            );
        }
    }
}

/// A tile beyond a picture's edge goes on with what is there; another prompt paints nothing else into it.
#[test]
fn surroundings_alone_steer_without_the_prompt() {
    let (mut request, mut input) = everyday_edit();
    let mut model = model_of(&cases()["img2img_1"]);
    for (steering, is_steered) in [(Steering::Surroundings, false), (Steering::Continue, true)] {
        input.steering = Some(steering);
        let [first, second] = ["a red rocket", "two grey owls"].map(|prompt| {
            prompt.clone_into(&mut request.prompt);
            make(&mut model, &request, &input).rgb
        });
        assert_eq!(first != second, is_steered, "{steering:?}");
    }
}

#[test]
fn the_best_of_several_edits_is_the_one_that_clip_prefers() {
    let (mut request, input) = everyday_edit();
    let mut model = model_of(&cases()["img2img_1"]);
    request.best_of = 3;
    let best = make(&mut model, &request, &input);
    assert!(best.score.unwrap().abs() <= 1.0);
    request.best_of = 1;
    request.seed = best.seed;
    assert_eq!(make(&mut model, &request, &input).rgb, best.rgb);
}

#[test]
fn a_cancel_ends_an_edit_at_any_event() {
    let (request, input) = everyday_edit();
    let mut model = model_of(&cases()["img2img_1"]);
    let whole = make(&mut model, &request, &input);
    let mut run = |on_event: &mut OnEvent| edit::run(&mut model, &request, &input, None, on_event);
    let n_events = count_events(&mut run);
    for last in 0..n_events {
        assert_cancelled_after(last, &mut run);
    }
    // And the model is as good as before.
    assert_eq!(make(&mut model, &request, &input).rgb, whole.rgb);
}

#[test]
fn short_memory_makes_the_same_edit_with_fewer_parts_at_once() {
    let (request, input) = everyday_edit();
    let path = fixture_path("pipeline");
    let mut roomy = open(&path, 1 << 30, None);
    let expected = make(&mut roomy, &request, &input);
    let budget = roomy.in_use_bytes() * 4 / 5;
    let mut short = open(&path, budget, None);
    assert_eq!(make(&mut short, &request, &input).rgb, expected.rgb);
    assert!(short.in_use_bytes() <= budget);
    let (_, result) = run(&mut open(&path, 1000, None), &request, &input);
    assert!(
        matches!(result, Err(Error::TooLarge { .. } | Error::OutOfMemory(_))),
        "{result:?}"
    );
}

#[test]
fn a_decoder_for_repainting_makes_no_pictures_from_text() {
    let case = &cases()["inpaint_blocks"];
    let result = generate::run(&mut model_of(case), &case.request(), None, &mut |_| Ok(()));
    let error = result.unwrap_err();
    assert!(matches!(error, Error::NotForThisModel { .. }), "{error}");
    assert!(error.to_string().contains("repainting"), "{error}");
}

/// What makes a good edit a bad one.
type Spoil = fn(&mut GenerateRequest, &mut EditInput);

#[test]
fn faults_of_an_edit_are_told_before_anything_is_computed() {
    let (request, input) = everyday_edit();
    let mut model = model_of(&cases()["img2img_1"]);
    let table: [(Spoil, &str); 16] = [
        (|r, _| r.prompt = "\n".to_owned(), "prompt is empty"),
        (|r, _| r.sampling.n_steps = Some(0), "1 to 1000"),
        (|_, i| i.settings.strength = 0.0, "strength"),
        (|_, i| i.settings.strength = 1.1, "strength"),
        (|_, i| i.settings.strength = f32::NAN, "strength"),
        (|_, i| i.plan.feather_px = f32::INFINITY, "feather"),
        (|_, i| i.plan.grow_px = -1.0, "grow"),
        (|_, i| i.plan.blend_px = f32::NAN, "blend"),
        (|_, i| i.plan.work_size = (31, 24), "use 32×24"),
        (|_, i| i.plan.work_size = (0, 0), "use "),
        (|_, i| i.plan.work_size = (8192, 8192), "would fit"),
        (|_, i| i.plan.context = PixelRect::default(), "no picture"),
        (|_, i| i.plan.context.width += 1, "picture"),
        (
            |_, i| i.plan.context = PixelRect::from_size(u32::MAX, u32::MAX),
            "context",
        ),
        (|_, i| i.mask = Some(vec![255; 3]), "mask"),
        (|_, i| i.mask = Some(vec![0; 32 * 24]), "nothing is masked"),
    ];
    for (spoil, mention) in table {
        let (mut request, mut input) = (request.clone(), input.clone());
        spoil(&mut request, &mut input);
        let (told, result) = run(&mut model, &request, &input);
        let error = result.unwrap_err().to_string();
        assert!(error.contains(mention), "{error}");
        assert!(told.plans.is_empty() && told.progress.is_empty(), "{error}");
    }
}

/// A whole mask, a single pixel of it, a box of one pixel, and sizes that are far from the model's.
#[test]
fn odd_edits_are_made() {
    let (mut request, input) = everyday_edit();
    request.sampling.n_steps = Some(2);
    request.sampling.n_prior_steps = Some(2);
    let decoders = ["img2img_1", "inpaint_blocks"];
    let cases = cases();
    for decoder in decoders {
        let mut model = model_of(&cases[decoder]);
        for (size, lit) in [
            ((32, 24), None),
            ((32, 24), Some(77)),
            ((1, 1), Some(0)),
            ((1, 50), Some(49)),
            ((101, 3), None),
        ] {
            let n_pixels = (size.0 * size.1) as usize;
            let mut input = input.clone();
            input.plan.context = PixelRect::new(-5, 7, size.0, size.1);
            input.image = (0..4 * n_pixels).map(|i| (i * 37) as u8).collect();
            input.mask = Some(
                (0..n_pixels)
                    .map(|i| if lit.is_none_or(|l| l == i) { 255 } else { 0 })
                    .collect(),
            );
            for fill in [Fill::Keep, Fill::Blur, Fill::Neutral, Fill::Noise] {
                input.settings.fill = fill;
                let picture = make(&mut model, &request, &input);
                let mask = picture.patch_mask.unwrap();
                assert_eq!((picture.rgb.len(), mask.len()), (3 * n_pixels, n_pixels));
                assert!(
                    mask.iter().any(|m| *m > 0),
                    "{size:?} {lit:?}: nothing is edited"
                );
            }
        }
    }
}

#[test]
fn transparent_pictures_are_edited() {
    let (request, mut input) = everyday_edit();
    for pixel in input.image.chunks_mut(4) {
        pixel[3] = 0;
    }
    make(&mut model_of(&cases()["img2img_1"]), &request, &input);
}

#[test]
fn a_folder_for_repainting_says_what_it_can_do() {
    let folder =
        |path: &Path| UnclipFolder::open(ModelFolder::Disk(path.to_owned()), None).unwrap();
    let report = folder(REPAINTING.path()).inspect();
    assert_eq!(
        report.abilities,
        ["inpaint", "image to image", "outpaint", "embed"]
    );
}
