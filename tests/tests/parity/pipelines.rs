//! Whole pictures against the reference pipelines: `fixtures/pipeline/`, made by `reference/make_pipeline.py`.

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use burn::tensor::DType;
use limn_engine::{
    Error, Result,
    families::unclip::UnclipFolder,
    model::PromptFolders,
    operations::{
        FinishedPicture, InitialLatents, LoadedModel, OnEvent, PipelineEvent, Runtime, generate,
    },
    protocol::{Compute, GenerateRequest, ModelId, Phase, Plan, Progress, Sampling, Timings},
    samplers::Sampler,
    weights::ModelFolder,
};
use safetensors::SafeTensors;
use serde::{Deserialize, de::DeserializeOwned};
use tempfile::TempDir;

use crate::harness::{Fixture, fixture_path, test_device};

/// What every reference picture was asked for with.
#[derive(Debug, Clone, Deserialize)]
pub struct Asked {
    prompt: String,
    negative: Option<String>,
    seed: u64,
    pub width: u32,
    pub height: u32,
    steps: u32,
    prior_steps: u32,
    guidance: f32,
    prior_guidance: f32,
    sampler: Option<Sampler>,
}

#[derive(Debug, Deserialize)]
struct Case {
    #[serde(flatten)]
    asked: Asked,
    #[serde(default)]
    latents: bool,
    folder: Option<String>,
}

fn cases() -> BTreeMap<String, Case> {
    read_cases("cases.json")
}

/// The cases of a file of the fixture, by their names.
pub fn read_cases<T: DeserializeOwned>(file_name: &str) -> BTreeMap<String, T> {
    let json = fs::read(fixture_path("pipeline").join(file_name)).unwrap();
    serde_json::from_slice(&json).unwrap()
}

impl Asked {
    pub fn request(&self) -> GenerateRequest {
        GenerateRequest {
            model: ModelId("pipeline".to_owned()),
            compute: Compute::default(),
            prompt: self.prompt.clone(),
            negative_prompt: self.negative.clone(),
            size: Some((self.width, self.height)),
            n_pictures: 1,
            best_of: 1,
            seed: self.seed,
            sampling: Sampling {
                sampler: self.sampler,
                n_steps: Some(self.steps),
                guidance_scale: Some(self.guidance),
                n_prior_steps: Some(self.prior_steps),
                prior_guidance_scale: Some(self.prior_guidance),
                clip_skip: None,
                spacing: None,
                guidance_rescale: None,
            },
            latents: None,
            loras: Vec::new(),
            ip_adapter: None,
        }
    }
}

pub fn open(path: &Path, memory_budget_bytes: u64, cache_dir: Option<&Path>) -> LoadedModel {
    let folder = UnclipFolder::open(ModelFolder::Disk(path.to_owned()), None).unwrap();
    LoadedModel::open(Box::new(folder), runtime(memory_budget_bytes, cache_dir)).unwrap()
}

pub fn runtime(memory_budget_bytes: u64, cache_dir: Option<&Path>) -> Runtime {
    Runtime {
        device: test_device().clone(),
        device_name: "test".to_owned(),
        dtype: DType::F32,
        memory_budget_bytes,
        cache_dir: cache_dir.map(Path::to_owned),
        prompt_folders: PromptFolders::default(),
    }
}

/// With the values that a second start finds in the cache.
fn open_fixture() -> LoadedModel {
    static CACHE: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());
    open(&fixture_path("pipeline"), 1 << 30, Some(CACHE.path()))
}

/// What a run told, by kind and in order.
#[derive(Debug, Default)]
pub struct Told {
    pub plans: Vec<Plan>,
    pub loadings: Vec<(String, u64, u64)>,
    pub progress: Vec<Progress>,
    pub pictures: Vec<FinishedPicture>,
}

impl Told {
    pub fn note(&mut self, event: PipelineEvent) {
        match event {
            PipelineEvent::Planned(plan) => self.plans.push(plan),
            PipelineEvent::Loading {
                component,
                done_bytes,
                total_bytes,
            } => self.loadings.push((component, done_bytes, total_bytes)),
            PipelineEvent::Progress(progress) => self.progress.push(progress),
            PipelineEvent::Picture(picture) => self.pictures.push(picture),
        }
    }
}

/// How many events a whole run tells.
pub fn count_events(run: impl FnOnce(&mut OnEvent) -> Result<Timings>) -> usize {
    let mut n_told = 0;
    let result = run(&mut |_| {
        n_told += 1;
        Ok(())
    });
    result.unwrap();
    n_told
}

/// Lets a run tell so many events and cancels it at the next: it must end with that very one.
pub fn assert_cancelled_after(n_events: usize, run: impl FnOnce(&mut OnEvent) -> Result<Timings>) {
    let mut n_told = 0;
    let result = run(&mut |_| {
        n_told += 1;
        if n_told > n_events {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    });
    assert!(
        matches!(result, Err(Error::Cancelled)),
        "{n_events}: {result:?}"
    );
    assert_eq!(n_told, n_events + 1);
}

fn run(
    model: &mut LoadedModel,
    request: &GenerateRequest,
    latents: Option<&InitialLatents>,
) -> (Told, Timings) {
    let mut told = Told::default();
    let timings = generate::run(model, request, latents, &mut |event| {
        told.note(event);
        Ok(())
    });
    (told, timings.unwrap())
}

fn make(model: &mut LoadedModel, request: &GenerateRequest) -> FinishedPicture {
    let (told, _) = run(model, request, None);
    let [picture] = told.pictures.try_into().unwrap();
    picture
}

/// Within 2 of 255 for every channel of every pixel.
fn assert_same_picture(actual: &FinishedPicture, name: &str) {
    let bytes = fs::read(fixture_path("pipeline").join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let expected = tensors.tensor(&format!("{name}.pixels")).unwrap();
    let shape = [actual.height as usize, actual.width as usize, 3];
    assert_eq!(expected.shape(), shape, "{name}");
    let differences = actual.rgb.iter().zip(expected.data());
    let largest = differences.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(largest <= 2, "{name}: {largest} of 255");
}

#[test]
fn pictures_are_diffusers() {
    let ddim = TempDir::new().unwrap();
    copy_with(ddim.path(), &[("scheduler", "ddim")]);
    let fixture = Fixture::open("pipeline");
    for (name, case) in cases() {
        let path = match case.folder.as_deref() {
            Some("ddim") => ddim.path().to_owned(),
            _ => fixture_path("pipeline"),
        };
        let latents = case.latents.then(|| {
            let (shape, values) = fixture.floats("latents");
            InitialLatents {
                shape: shape.try_into().unwrap(),
                values,
            }
        });
        let mut model = open(&path, 1 << 30, None);
        let (told, _) = run(&mut model, &case.asked.request(), latents.as_ref());
        assert_same_picture(&told.pictures[0], &name);
    }
}

/// The fixture's model, with other folders of the fixture in the place of some of its components.
pub fn copy_with(to: &Path, replaced: &[(&str, &str)]) {
    let from = fixture_path("pipeline");
    for entry in fs::read_dir(&from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_file() {
            fs::copy(&path, to.join(name)).unwrap();
            continue;
        }
        let replacement = replaced.iter().find(|(component, _)| name == *component);
        let source = replacement.map_or(path.clone(), |(_, other)| from.join(other));
        fs::create_dir(to.join(name)).unwrap();
        for entry in fs::read_dir(source).unwrap() {
            let file = entry.unwrap().path();
            fs::copy(&file, to.join(name).join(file.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn a_run_tells_its_plan_and_every_step() {
    let case = &cases()["default"].asked;
    let mut request = case.request();
    request.n_pictures = 2;
    request.prompt = "a boat on the sea ".repeat(20);
    let mut model = open(&fixture_path("pipeline"), 1 << 30, None);
    let (told, timings) = run(&mut model, &request, None);
    let [plan] = &told.plans[..] else {
        panic!("{:?}", told.plans)
    };
    assert_eq!((plan.width, plan.height), (case.width, case.height));
    assert_eq!((plan.sampler, plan.n_steps), (Sampler::Ddpm, case.steps));
    assert_eq!(plan.model_hash.len(), 64);
    let unread = plan.unread_prompt.as_ref().unwrap();
    assert!(request.prompt.trim().ends_with(unread.as_str()), "{unread}");

    let steps_of = |phase, picture| -> Vec<u32> {
        let of_picture = told
            .progress
            .iter()
            .filter(|progress| progress.picture == picture);
        let of_phase = of_picture.filter(|progress| progress.phase == phase);
        of_phase.map(|progress| progress.step).collect()
    };
    for picture in 0..2 {
        assert_eq!(steps_of(Phase::Prior, picture), [1, 2, 3, 4]);
        assert_eq!(steps_of(Phase::Step, picture), [1, 2, 3, 4, 5]);
        assert_eq!(steps_of(Phase::Decode, picture), [0]);
    }
    let components: Vec<&str> = told
        .loadings
        .iter()
        .map(|(name, _, _)| name.as_str())
        .collect();
    for component in ["text_encoder", "prior", "image_encoder", "unet", "movq"] {
        assert!(
            components.contains(&component),
            "{component}: {components:?}"
        );
    }
    assert!(told.loadings.iter().all(|(_, done, total)| done <= total));
    assert_eq!(timings.steps.len(), 10);
    let stages: Vec<&str> = timings
        .stages
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    for stage in ["load", "text", "prior", "denoise", "decode"] {
        assert!(stages.contains(&stage), "{stages:?}");
    }
    let left = |progress: &&Progress| progress.phase == Phase::Step;
    assert!(
        told.progress
            .iter()
            .filter(left)
            .all(|p| p.seconds_left.is_some())
    );

    assert_eq!(
        told.pictures.iter().map(|p| p.index).collect::<Vec<_>>(),
        [0, 1]
    );
    // Each picture is the one that its seed makes alone.
    request.n_pictures = 1;
    request.seed = told.pictures[1].seed;
    assert_eq!(request.seed, case.seed + 1);
    assert_eq!(
        make(&mut open_fixture(), &request).rgb,
        told.pictures[1].rgb
    );
}

#[test]
fn previews_come_with_every_step_with_a_map_of_the_model_or_a_fitted_one() {
    let dir = TempDir::new().unwrap();
    copy_with(dir.path(), &[]);
    let card = r#"{"preview": {"matrix": [[1,0,0],[0,1,0],[0,0,1],[0,0,0]], "bias": [0,0,0]}}"#;
    fs::write(dir.path().join("limn.json"), card).unwrap();
    let cache = TempDir::new().unwrap();
    let case = &cases()["default"].asked;
    for path in [
        dir.path().to_owned(),
        fixture_path("pipeline"),
        fixture_path("pipeline"),
    ] {
        let mut model = open(&path, 1 << 30, Some(cache.path()));
        let (told, _) = run(&mut model, &case.request(), None);
        let steps = told
            .progress
            .iter()
            .filter(|progress| progress.phase == Phase::Step);
        for progress in steps {
            let preview = progress.preview.as_ref().unwrap();
            let size = (preview.width, preview.height);
            assert_eq!(size, (case.width / 2, case.height / 2));
            assert_eq!(preview.rgb.len() as u32, size.0 * size.1 * 3);
            assert!(preview.rgb.iter().any(|byte| *byte != preview.rgb[0]));
        }
        assert_same_picture(&told.pictures[0], "default");
    }
}

#[test]
fn a_cancel_ends_a_run_at_any_event() {
    let case = &cases()["default"].asked;
    // From here on what depends on the weights alone is in the cache, and every run tells the same.
    make(&mut open_fixture(), &case.request());
    let run = |model: &mut LoadedModel, on_event: &mut OnEvent| {
        generate::run(model, &case.request(), None, on_event)
    };
    let n_events = count_events(|on_event| run(&mut open_fixture(), on_event));
    for last in 0..n_events {
        let mut model = open_fixture();
        assert_cancelled_after(last, |on_event| run(&mut model, on_event));
        // And the model is as good as before.
        if last % 7 == 0 {
            assert_same_picture(&make(&mut model, &case.request()), "default");
        }
    }
}

#[test]
fn short_memory_makes_the_same_pictures_with_fewer_parts_at_once() {
    let case = &cases()["default"].asked;
    let mut request = case.request();
    request.n_pictures = 2;
    request.size = Some((16, 16));
    let (all, _) = run(&mut open_fixture(), &request, None);
    let whole = {
        let mut model = open_fixture();
        model.preload(&mut |_| Ok(())).unwrap();
        model.in_use_bytes()
    };
    // Room for the U-Net and a picture, or for any other part alone.
    let budget = whole * 2 / 3;
    let mut model = open(&fixture_path("pipeline"), budget, None);
    let (few, _) = run(&mut model, &request, None);
    assert!(model.in_use_bytes() <= budget);
    assert!(few.loadings.len() > all.loadings.len() / 2);
    for (few, all) in few.pictures.iter().zip(&all.pictures) {
        assert_eq!(few.rgb, all.rgb);
    }
    let mut model = open(&fixture_path("pipeline"), 1000, None);
    let result = generate::run(&mut model, &request, None, &mut |_| Ok(()));
    assert!(
        matches!(result, Err(Error::TooLarge { .. } | Error::OutOfMemory(_))),
        "{result:?}"
    );
}

#[test]
fn the_constant_negative_is_computed_once_for_the_same_weights() {
    let cache = TempDir::new().unwrap();
    let case = &cases()["default"].asked;
    let loads_image_encoder = |cache_dir: Option<&Path>| {
        let mut model = open(&fixture_path("pipeline"), 1 << 30, cache_dir);
        let (told, _) = run(&mut model, &case.request(), None);
        assert_same_picture(&told.pictures[0], "default");
        told.loadings
            .iter()
            .any(|(name, _, _)| name == "image_encoder")
    };
    assert!(loads_image_encoder(Some(cache.path())));
    assert!(!loads_image_encoder(Some(cache.path())));
    // A damaged entry is computed anew.
    for entry in fs::read_dir(cache.path()).unwrap() {
        fs::write(entry.unwrap().path(), "short").unwrap();
    }
    assert!(loads_image_encoder(Some(cache.path())));
    assert!(!loads_image_encoder(Some(cache.path())));
}

#[test]
fn the_best_of_several_is_the_one_that_clip_prefers() {
    let (_, similarities) = Fixture::open("pipeline").floats("similarities");
    let case = &cases()["default"].asked;
    let mut request = case.request();
    request.n_pictures = 2;
    request.best_of = 3;
    let mut model = open_fixture();
    let (told, timings) = run(&mut model, &request, None);
    assert_eq!(timings.steps.len(), 30);
    let indices: Vec<u32> = told.pictures.iter().map(|picture| picture.index).collect();
    assert_eq!(indices, [0, 1]);

    let best = (0..3)
        .max_by(|&a, &b| similarities[a].total_cmp(&similarities[b]))
        .unwrap();
    let picture = &told.pictures[0];
    assert_eq!(picture.seed, case.seed + best as u64, "{similarities:?}");
    let score = picture.score.unwrap();
    assert!(
        (score - similarities[best]).abs() < 2e-3,
        "{score}, {similarities:?}"
    );
    // Its seed makes it again.
    request = case.request();
    request.seed = picture.seed;
    let alone = make(&mut model, &request);
    assert_eq!((alone.score, alone.rgb == picture.rgb), (None, true));
}

#[test]
fn faults_of_a_request_are_told_before_anything_is_computed() {
    let good = cases()["default"].asked.request();
    let mut model = open_fixture();
    let mut check = |change: &dyn Fn(&mut GenerateRequest), mention: &str| {
        let mut request = good.clone();
        change(&mut request);
        let mut n_events = 0;
        let error = generate::run(&mut model, &request, None, &mut |_| {
            n_events += 1;
            Ok(())
        })
        .unwrap_err()
        .to_string();
        assert!(error.contains(mention), "{error}");
        assert_eq!(n_events, 0, "{error}");
    };
    check(&|request| request.prompt = " \n".to_owned(), "empty");
    check(&|request| request.size = Some((0, 32)), "4×32");
    check(&|request| request.size = Some((31, 33)), "32×32");
    check(&|request| request.size = Some((8192, 8192)), "would fit");
    check(&|request| request.sampling.n_steps = Some(0), "1 to 1000");
    check(
        &|request| request.sampling.n_prior_steps = Some(1),
        "2 to 1000",
    );
    check(
        &|request| request.sampling.guidance_scale = Some(f32::NAN),
        "guidance",
    );
    check(&|request| request.n_pictures = 0, "count");
    check(&|request| request.best_of = 0, "best of");
    let latents = InitialLatents {
        shape: [1, 4, 2, 2],
        values: vec![0.0; 16],
    };
    let error = generate::run(&mut model, &good, Some(&latents), &mut |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("latents"), "{error}");
}

#[test]
fn odd_prompts_make_pictures() {
    let mut model = open_fixture();
    for prompt in ["🦊🌊 ∑", "דג אדום", "a\u{0}b", &"boat ".repeat(2_000)] {
        let mut request = cases()["default"].asked.request();
        request.prompt = prompt.to_owned();
        request.sampling.n_steps = Some(1);
        make(&mut model, &request);
    }
}
