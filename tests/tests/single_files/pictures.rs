//! A single file makes the picture that the folder of the same weights makes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use limn_engine::{
    catalogue::{Catalogue, ComponentReport},
    model::ModelFiles,
    operations::{FinishedPicture, LoadedModel, OnEvent, SourcePicture, generate, variations},
    protocol::{
        BlobHash, Compute, GenerateRequest, ModelId, PictureInput, Sampling, Timings,
        VariationsRequest,
    },
    samplers::Sampler,
};
use safetensors::Dtype;
use tempfile::TempDir;

use super::tiny::{Numbers, TinyModel, copy_tokenizer, write};
use crate::parity::pipelines::{Told, runtime};

const SCHEDULER: &str = r#"{
    "_class_name": "DDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000, "steps_offset": 1, "set_alpha_to_one": false, "clip_sample": false,
    "prediction_type": "epsilon"
}"#;

pub fn open(path: &Path) -> limn_engine::Result<Box<dyn ModelFiles>> {
    let catalogue = Catalogue {
        folders: vec![path.to_owned()],
        ..Catalogue::default()
    };
    catalogue.open(&ModelId(path.to_string_lossy().into_owned()))
}

fn request() -> GenerateRequest {
    GenerateRequest {
        prompt: "a red boat on the sea".to_owned(),
        negative_prompt: Some("blue".to_owned()),
        size: Some((16, 16)),
        seed: 5,
        sampling: Sampling {
            sampler: Some(Sampler::Ddim),
            n_steps: Some(2),
            guidance_scale: Some(3.0),
            ..Sampling::default()
        },
        ..GenerateRequest::blank(ModelId("tiny".to_owned()), Compute::default())
    }
}

pub fn picture(path: &Path) -> FinishedPicture {
    drawn(path, |model, on_event| {
        generate::run(model, &request(), None, on_event)
    })
}

/// What a model makes of a picture that it looks at.
fn varied(path: &Path) -> FinishedPicture {
    let source = SourcePicture {
        width: 24,
        height: 24,
        rgba: (0..24 * 24)
            .flat_map(|i: u32| [(i % 24 * 10) as u8, (i / 24 * 10) as u8, 90, 255])
            .collect(),
    };
    let request = VariationsRequest {
        generate: request(),
        source: PictureInput {
            pixels: BlobHash([0; 32]),
            width: 24,
            height: 24,
        },
        far: 1.0,
    };
    drawn(path, |model, on_event| {
        variations::run(model, &request, &source, None, on_event)
    })
}

fn drawn(
    path: &Path,
    run: impl FnOnce(&mut LoadedModel, &mut OnEvent) -> limn_engine::Result<Timings>,
) -> FinishedPicture {
    let mut model = LoadedModel::open(open(path).unwrap(), runtime(1 << 32, None)).unwrap();
    let mut told = Told::default();
    let timings = run(&mut model, &mut |event| {
        told.note(event);
        Ok(())
    });
    timings.unwrap();
    let [picture] = told.pictures.try_into().unwrap();
    picture
}

struct Case {
    fixture: &'static str,
    pipeline: &'static str,
    tokenizers: &'static [&'static str],
}

const CASES: [Case; 4] = [
    Case {
        fixture: "tiny_sd15",
        pipeline: "StableDiffusionPipeline",
        tokenizers: &["tokenizer"],
    },
    Case {
        fixture: "tiny_sd2",
        pipeline: "StableDiffusionPipeline",
        tokenizers: &["tokenizer"],
    },
    Case {
        fixture: "tiny_sdxl",
        pipeline: "StableDiffusionXLPipeline",
        tokenizers: &["tokenizer", "tokenizer_2"],
    },
    UNCLIP,
];

const UNCLIP: Case = Case {
    fixture: "tiny_unclip",
    pipeline: "StableUnCLIPImg2ImgPipeline",
    tokenizers: &["tokenizer"],
};

/// What a folder has beside weights where pictures are looked at; their statistics change nothing.
fn write_sight(folder: &Path, statistics: [f32; 2]) {
    let write_text = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write_text(
        "feature_extractor/preprocessor_config.json",
        r#"{"size": 24, "crop_size": 24}"#,
    );
    write_text(
        "image_noising_scheduler/scheduler_config.json",
        r#"{"_class_name": "DDPMScheduler", "beta_schedule": "squaredcos_cap_v2"}"#,
    );
    write_text("image_normalizer/config.json", r#"{"embedding_dim": 20}"#);
    let numbers = ["mean", "std"].into_iter().zip(statistics);
    let numbers: Vec<_> = numbers
        .map(|(name, value)| embedding(name, value))
        .collect();
    let path = folder.join("image_normalizer/diffusion_pytorch_model.safetensors");
    write(&path, &numbers, |_| Dtype::F32);
}

/// The same number for each of an embedding's.
fn embedding(name: &str, value: f32) -> Numbers {
    Numbers {
        name: name.to_owned(),
        shape: vec![1, 20],
        values: vec![value; 20],
    }
}

impl Case {
    fn looks_at_pictures(&self) -> bool {
        self.fixture == UNCLIP.fixture
    }

    /// The same weights as one file in `dtype`, and as a folder in full precision.
    fn write(&self, dir: &Path, dtype: Dtype) -> [PathBuf; 2] {
        let model = TinyModel::read(self.fixture);
        let file = dir.join("model.safetensors");
        write(&file, &model.file_tensors(dtype), |_| dtype);
        let folder = dir.join("folder");
        model.write_folder(&folder, self.pipeline, dtype);
        fs::create_dir_all(folder.join("scheduler")).unwrap();
        let scheduler = if self.looks_at_pictures() {
            write_sight(&folder, [0.0, 1.0]);
            SCHEDULER.replace("epsilon", "v_prediction")
        } else {
            SCHEDULER.to_owned()
        };
        fs::write(folder.join("scheduler/scheduler_config.json"), scheduler).unwrap();
        copy_tokenizer(open(&file).unwrap().root(), &folder, self.tokenizers);
        [file, folder]
    }
}

#[test]
fn a_file_makes_the_picture_of_its_folder() {
    for case in CASES {
        for dtype in [
            Dtype::F32,
            Dtype::F16,
            Dtype::BF16,
            Dtype::F8_E5M2,
            Dtype::F8_E4M3,
        ] {
            // Every format once; the names are the same in all.
            if dtype != Dtype::F16 && case.fixture != "tiny_sd15" {
                continue;
            }
            let dir = TempDir::new().unwrap();
            let [file, folder] = case.write(dir.path(), dtype);
            let (of_file, of_folder) = (picture(&file), picture(&folder));
            assert!(of_file.rgb == of_folder.rgb, "{} {dtype:?}", case.fixture);
            let [least, most] = [of_file.rgb.iter().min(), of_file.rgb.iter().max()];
            assert!(
                least < most,
                "{} {dtype:?}: nothing but {least:?}",
                case.fixture
            );
        }
    }
}

/// With the statistics of embeddings that the published files do not have, and without.
#[test]
fn a_file_that_looks_at_pictures_sees_in_them_what_its_folder_sees() {
    let dir = TempDir::new().unwrap();
    let [file, folder] = UNCLIP.write(dir.path(), Dtype::F16);
    let without = varied(&file);
    assert!(without.rgb == varied(&folder).rgb);
    assert!(without.rgb != picture(&file).rgb);
    let notes = open(&file).unwrap().inspect().notes;
    assert!(
        notes.iter().any(|note| note.contains("no statistics")),
        "{notes:?}"
    );

    let statistics = [0.25, 1.5];
    write_sight(&folder, statistics);
    let mut tensors = TinyModel::read(UNCLIP.fixture).file_tensors(Dtype::F16);
    let names = ["noise_augmentor.data_mean", "noise_augmentor.data_std"];
    tensors.extend(
        names
            .into_iter()
            .zip(statistics)
            .map(|(name, x)| embedding(name, x)),
    );
    write(&file, &tensors, |_| Dtype::F16);
    let with = varied(&file);
    assert!(with.rgb == varied(&folder).rgb);
    let report = open(&file).unwrap().inspect();
    assert_eq!(
        report.variant.as_deref(),
        Some("2.1 unCLIP, predicting velocity")
    );
    assert!(
        report.components.iter().all(ComponentReport::fits),
        "{report:?}"
    );

    let has_none = tensors
        .into_iter()
        .filter(|tensor| !tensor.name.starts_with("embedder."));
    write(&file, &has_none.collect::<Vec<_>>(), |_| Dtype::F16);
    // A U-Net for pictures' embeddings is otherwise told by the width of its words, and this one's is small.
    let refusal = open(&file).map(drop);
    assert!(refusal.is_err());
}

/// Every matrix has a scale beside it, as in files whose weights were made to fit eight bits.
#[test]
fn scaled_eight_bits_make_the_picture_that_the_same_numbers_make() {
    const SCALE: f32 = 0.0625;
    let dir = TempDir::new().unwrap();
    let [_, folder] = CASES[0].write(dir.path(), Dtype::F8_E4M3);
    let mut tensors = Vec::new();
    for mut tensor in TinyModel::read(CASES[0].fixture).file_tensors(Dtype::F8_E4M3) {
        if let Some(layer) = tensor.name.strip_suffix(".weight") {
            tensors.push(Numbers {
                name: format!("{layer}.scale_weight"),
                shape: Vec::new(),
                values: vec![SCALE],
            });
            // A power of two: not one bit is lost.
            tensor.values.iter_mut().for_each(|value| *value /= SCALE);
        }
        tensors.push(tensor);
    }
    tensors.push(Numbers {
        name: "scaled_fp8".to_owned(),
        shape: vec![0],
        values: Vec::new(),
    });
    let file = dir.path().join("scaled.safetensors");
    write(&file, &tensors, |tensor| {
        if tensor.name.ends_with(".scale_weight") {
            Dtype::F32
        } else {
            Dtype::F8_E4M3
        }
    });
    assert!(picture(&file).rgb == picture(&folder).rgb);
    let report = open(&file).unwrap().inspect();
    assert!(
        report.components.iter().all(ComponentReport::fits),
        "{report:?}"
    );
    assert!(report.components[0].dtypes.contains_key("F8_E4M3"));
}

/// The denoiser and the autoencoder as they lie in diffusers' folders, without their configs.
#[test]
fn parts_in_diffusers_names_are_paired_too() {
    for case in CASES {
        let dir = TempDir::new().unwrap();
        let [file, folder] = case.write(dir.path(), Dtype::F16);
        let parts = dir.path().join("parts");
        fs::create_dir(&parts).unwrap();
        for name in ["unet", "vae"] {
            let weights = folder
                .join(name)
                .join("diffusion_pytorch_model.safetensors");
            fs::copy(weights, parts.join(format!("{name}.safetensors"))).unwrap();
        }
        let unet = open(&parts.join("unet.safetensors"))
            .unwrap_err()
            .to_string();
        assert!(unet.contains("no text_encoder"), "{unet}");
        let others = TinyModel::read(case.fixture).file_tensors(Dtype::F16);
        let others = others.into_iter().filter(|tensor| {
            let unet_or_vae = ["model.diffusion_model.", "first_stage_model."];
            !unet_or_vae
                .iter()
                .any(|prefix| tensor.name.starts_with(prefix))
        });
        let words = parts.join("words.safetensors");
        write(&words, &others.collect::<Vec<_>>(), |_| Dtype::F16);
        let card = r#"{"parts": ["unet.safetensors", "vae.safetensors", "words.safetensors"]}"#;
        fs::write(parts.join("limn.json"), card).unwrap();
        assert!(
            picture(&parts).rgb == picture(&file).rgb,
            "{}",
            case.fixture
        );
    }
}

#[test]
fn shards_and_parts_in_files_of_their_own_are_one_model() {
    let dir = TempDir::new().unwrap();
    let [file, _] = CASES[0].write(dir.path(), Dtype::F16);
    let expected = picture(&file);
    let model = TinyModel::read(CASES[0].fixture);

    let mut tensors = model.file_tensors(Dtype::F16);
    let others = tensors.split_off(tensors.len() / 2);
    let shard = |number| {
        dir.path()
            .join(format!("big-0000{number}-of-00002.safetensors"))
    };
    write(&shard(1), &tensors, |_| Dtype::F16);
    write(&shard(2), &others, |_| Dtype::F16);
    for number in [1, 2] {
        assert!(picture(&shard(number)).rgb == expected.rgb);
    }
    let library = Catalogue {
        library: Some(dir.path().to_owned()),
        ..Catalogue::default()
    };
    let mut names: Vec<String> = library.models().into_iter().map(|info| info.name).collect();
    names.retain(|name| name.starts_with("big"));
    assert_eq!(names, ["big-00001-of-00002"]);

    // A U-Net, an autoencoder and a text encoder, each as people share them: without what stood before their names.
    let parts = dir.path().join("parts");
    fs::create_dir(&parts).unwrap();
    for (name, prefix) in [
        ("unet", "model.diffusion_model."),
        ("vae", "first_stage_model."),
        ("clip", "cond_stage_model.transformer."),
    ] {
        let tensors = model.file_tensors(Dtype::F16).into_iter();
        let own = tensors.filter_map(|tensor| {
            let name = tensor.name.strip_prefix(prefix)?.to_owned();
            Some(Numbers { name, ..tensor })
        });
        write(
            &parts.join(format!("{name}.safetensors")),
            &own.collect::<Vec<_>>(),
            |_| Dtype::F16,
        );
    }
    let refusal = |name: &str| open(&parts.join(name)).unwrap_err().to_string();
    let unet = refusal("unet.safetensors");
    assert!(unet.contains("no text_encoder and no vae"), "{unet}");
    let vae = refusal("vae.safetensors");
    assert!(vae.contains("an autoencoder alone"), "{vae}");
    let clip = refusal("clip.safetensors");
    assert!(clip.contains("a text encoder alone"), "{clip}");

    let card = r#"{"parts": ["unet.safetensors", "vae.safetensors", "clip.safetensors"]}"#;
    fs::write(parts.join("limn.json"), card).unwrap();
    let opened = open(&parts).unwrap();
    assert_eq!(opened.name(), "parts");
    assert_eq!(opened.settings(), open(&file).unwrap().settings());
    assert!(picture(&parts).rgb == expected.rgb);

    let outside = r#"{"parts": ["../model.safetensors"]}"#;
    fs::write(parts.join("limn.json"), outside).unwrap();
    let message = open(&parts).unwrap_err().to_string();
    assert!(message.contains("no part can be called"), "{message}");
}
