//! Every number of every config of a model, made what no model has: a refusal in words, or a picture; never a fault
//! of the engine's own. The numbers come from the fixtures themselves, so that a new one is in without being named.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use burn::tensor::Tensor;
use limn_engine::{
    Error, Result,
    error::ErrorKind,
    families::unclip::UnclipFolder,
    model::ModelFiles,
    noise::Generator,
    operations::{LoadedModel, generate},
    protocol::{Compute, GenerateRequest, ModelId, Sampling},
    samplers::{self, AncestralSchedule, ModelOutput, Sampler, Schedule},
    schedules::SchedulerConfig,
    weights::ModelFolder,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    harness::{fixture_path, test_device},
    parity::pipelines::runtime,
};

/// What stands in a number's place, as JSON; the last but one is none, and the last leaves the entry out.
const WRONG: [&str; 12] = [
    "0",
    "-1",
    "1",
    "3",
    "2.5",
    "4294967295",
    "18446744073709551615",
    "1e308",
    "-1e-308",
    "\"NaN\"",
    "NaN",
    ABSENT,
];
const ABSENT: &str = "";
const PLACE: &str = "\"@@\"";

/// Far more than any refusal takes on a busy machine.
const MAX_REFUSAL: Duration = Duration::from_secs(5);
const MAX_REFUSAL_BYTES: u64 = 64 << 20;

/// Where a document has numbers, as pointers.
fn numbers_of(document: &Value) -> Vec<String> {
    fn walk(value: &Value, pointer: &str, numbers: &mut Vec<String>) {
        match value {
            Value::Number(_) => numbers.push(pointer.to_owned()),
            Value::Array(values) => {
                for (i, value) in values.iter().enumerate() {
                    walk(value, &format!("{pointer}/{i}"), numbers);
                }
            }
            Value::Object(values) => {
                for (key, value) in values {
                    let key = key.replace('~', "~0").replace('/', "~1");
                    walk(value, &format!("{pointer}/{key}"), numbers);
                }
            }
            _ => {}
        }
    }
    let mut numbers = Vec::new();
    walk(document, "", &mut numbers);
    numbers
}

/// The document as text, with `wrong` at `pointer`.
fn with_wrong(document: &Value, pointer: &str, wrong: &str) -> String {
    let mut document = document.clone();
    if wrong == ABSENT {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match document.pointer_mut(parent).unwrap() {
            Value::Object(values) => {
                values.remove(&key.replace("~1", "/").replace("~0", "~"));
            }
            Value::Array(values) => {
                values.remove(key.parse().unwrap());
            }
            other => panic!("{other}"),
        }
        return document.to_string();
    }
    *document.pointer_mut(pointer).unwrap() = Value::String("@@".to_owned());
    document.to_string().replace(PLACE, wrong)
}

/// A copy of the fixture in which one file at a time is wrong.
struct Copy {
    folder: TempDir,
}

impl Copy {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let fixture = fixture_path("pipeline");
        for file in files_below(&fixture) {
            let target = folder.path().join(file.strip_prefix(&fixture).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(&file, target).unwrap();
        }
        fs::write(folder.path().join("limn.json"), CARD).unwrap();
        Self { folder }
    }

    /// The configs that a model of this folder reads.
    fn configs(&self) -> Vec<PathBuf> {
        let mut files = files_below(self.folder.path());
        files.retain(|path| {
            let is_of_another_model = ["ddim", "unet_inpaint", "cases.json"]
                .iter()
                .any(|name| path.iter().any(|part| part == *name));
            let is_expectation = path.parent() == Some(self.folder.path())
                && !["model_index.json", "limn.json"]
                    .iter()
                    .any(|name| path.ends_with(name));
            path.extension()
                .is_some_and(|extension| extension == "json")
                && !is_of_another_model
                && !is_expectation
        });
        files.sort();
        files
    }

    /// From the folder to pictures that are compared by what the image encoder sees in them.
    fn draw(&self) -> Result<usize> {
        let folder = UnclipFolder::open(ModelFolder::Disk(self.folder.path().to_owned()), None)?;
        folder.info(ModelId("wrong".to_owned()))?;
        folder.inspect();
        let size = folder.settings().size;
        let mut model = LoadedModel::open(Box::new(folder), runtime(1 << 30, None))?;
        let request = GenerateRequest {
            model: ModelId("wrong".to_owned()),
            compute: Compute::default(),
            prompt: "a red boat".to_owned(),
            negative_prompt: None,
            size: Some((size.0.min(64), size.1.min(64))),
            n_pictures: 1,
            best_of: 2,
            seed: 7,
            sampling: Sampling {
                n_steps: Some(1),
                n_prior_steps: Some(2),
                ..Sampling::default()
            },
            latents: None,
            loras: Vec::new(),
            ip_adapter: None,
        };
        let mut n_pictures = 0;
        generate::run(&mut model, &request, None, &mut |event| {
            n_pictures += usize::from(matches!(
                event,
                limn_engine::operations::PipelineEvent::Picture(_)
            ));
            Ok(())
        })?;
        Ok(n_pictures)
    }
}

/// One of each kind of number that a card may have.
const CARD: &str = r#"{
    "name": "Wrong", "size": [16, 16], "steps": 2, "prior_steps": 2, "guidance_scale": 2.5,
    "prior_guidance_scale": 1.5,
    "preview": {"matrix": [[0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3]], "bias": [0, 0, 0]}
}"#;

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// Whether it was refused. Anything but a result and words for the user fails the test.
fn is_refused<T>(what: &str, read: impl FnOnce() -> Result<T>) -> bool {
    let start = Instant::now();
    let mut result = Err(None);
    let allocated = allocation_counter::measure(|| {
        result =
            catch_unwind(AssertUnwindSafe(|| read().map(drop).map_err(Some))).unwrap_or(Err(None));
    });
    let Err(error) = result else { return false };
    let Some(error) = error else {
        panic!("{what}: a panic");
    };
    assert_ne!(error.kind(), ErrorKind::Bug, "{what}: {error}");
    let is_of_a_picture = matches!(error, Error::NotANumber);
    assert!(
        is_of_a_picture || start.elapsed() < MAX_REFUSAL,
        "{what}: {:?} until {error}",
        start.elapsed()
    );
    assert!(
        is_of_a_picture || allocated.bytes_max < MAX_REFUSAL_BYTES,
        "{what}: {} bytes until {error}",
        allocated.bytes_max
    );
    let message = error.to_string();
    assert!(message.len() <= 1_024, "{what}: {message}");
    true
}

#[test]
#[allow(clippy::print_stderr)] // The counts are told.
fn no_number_of_a_model_s_configs_makes_the_engine_fail() {
    let copy = Copy::new();
    assert_eq!(copy.draw().unwrap(), 1, "the copy itself is sound");
    let (mut n_numbers, mut n_cases, mut n_refused) = (0, 0, 0);
    for path in copy.configs() {
        let text = fs::read_to_string(&path).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let numbers = numbers_of(&document);
        n_numbers += numbers.len();
        for (i, pointer) in numbers.iter().enumerate() {
            // A vocabulary's hundreds of ids are all read alike: each is wrong in one way, and all ways come up.
            let is_vocabulary = numbers.len() > 100;
            for (k, wrong) in WRONG.iter().enumerate() {
                if is_vocabulary && i % WRONG.len() != k {
                    continue;
                }
                fs::write(&path, with_wrong(&document, pointer, wrong)).unwrap();
                let name = path.strip_prefix(copy.folder.path()).unwrap().display();
                let what = format!("{name}{pointer} = {wrong:?}");
                n_cases += 1;
                n_refused += usize::from(is_refused(&what, || copy.draw()));
            }
        }
        fs::write(&path, text).unwrap();
    }
    eprintln!("{n_numbers} numbers, {n_cases} cases, {n_refused} refused");
    assert!(n_numbers > 500 && n_cases > 1_500, "{n_numbers}, {n_cases}");
    assert!(n_refused > n_cases / 3, "{n_refused} of {n_cases}");
    assert_eq!(copy.draw().unwrap(), 1, "the copy is whole again");
}

/// Of every scheduler that diffusers writes, under every sampler.
#[test]
#[allow(clippy::print_stderr)] // The counts are told.
fn no_number_of_a_scheduler_makes_a_sampler_fail() {
    let tables: Value =
        serde_json::from_slice(&fs::read(fixture_path("schedules.json")).unwrap()).unwrap();
    let mut documents: Vec<&str> = tables["schedules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["config"].as_str().unwrap())
        .collect();
    documents.sort_by_key(|text| text.len());
    let mut seen: Vec<Value> = Vec::new();
    let (mut n_cases, mut n_refused) = (0, 0);
    for text in documents {
        let text = text.replace(": -Infinity", ": null");
        let document: Value = serde_json::from_str(&text).unwrap();
        let kind = ["_class_name", "timestep_spacing", "use_karras_sigmas"]
            .map(|key| document[key].clone());
        let kind = Value::from(kind.to_vec());
        if seen.contains(&kind) || document["trained_betas"].is_array() {
            continue;
        }
        seen.push(kind);
        for pointer in numbers_of(&document) {
            for wrong in WRONG {
                let json = with_wrong(&document, &pointer, wrong);
                for sampler in Sampler::all() {
                    let what = format!("{sampler} with {pointer} = {wrong:?} of {text}");
                    n_cases += 1;
                    n_refused += usize::from(is_refused(&what, || walk(&json, sampler)));
                }
            }
        }
    }
    eprintln!(
        "{} schedulers, {n_cases} cases, {n_refused} refused",
        seen.len()
    );
    assert!(
        n_cases > 5_000 && n_refused > n_cases / 3,
        "{n_refused} of {n_cases}"
    );
}

/// A short run on a scheduler, around a model that says little.
fn walk(json: &str, sampler: Sampler) -> Result<()> {
    let config = SchedulerConfig::from_json(json.as_bytes(), Path::new("scheduler_config.json"))?;
    let schedule = if config.sampler().is_ok() {
        Schedule::new(sampler, &config, 4)?
    } else {
        Schedule::Ddpm(AncestralSchedule::unclip(&config, 4)?)
    };
    let mut generator = Generator::new(3);
    let noise: Tensor<4> = generator.randn_tensor([1, 2, 2, 2], test_device());
    let model = |latents: Tensor<4>, _: f32| {
        Ok(ModelOutput {
            prediction: latents * 0.3,
            variance: None,
        })
    };
    let latents = schedule.initial_latents(noise);
    samplers::sample(&schedule, model, latents, &mut generator, |_| Ok(()))?;
    Ok(())
}
