//! A single file makes the picture that the folder of the same weights makes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use limn_engine::{
    catalogue::Catalogue,
    model::ModelFiles,
    operations::{FinishedPicture, LoadedModel, generate},
    protocol::{Compute, GenerateRequest, ModelId, Sampling},
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

pub fn picture(path: &Path) -> FinishedPicture {
    let mut model = LoadedModel::open(open(path).unwrap(), runtime(1 << 32, None)).unwrap();
    let request = GenerateRequest {
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
    };
    let mut told = Told::default();
    let timings = generate::run(&mut model, &request, None, &mut |event| {
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

const CASES: [Case; 3] = [
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
];

impl Case {
    /// The same weights as one file in `dtype`, and as a folder in full precision.
    fn write(&self, dir: &Path, dtype: Dtype) -> [PathBuf; 2] {
        let model = TinyModel::read(self.fixture);
        let file = dir.join("model.safetensors");
        write(&file, &model.file_tensors(dtype), |_| dtype);
        let folder = dir.join("folder");
        model.write_folder(&folder, self.pipeline, dtype);
        fs::create_dir_all(folder.join("scheduler")).unwrap();
        fs::write(folder.join("scheduler/scheduler_config.json"), SCHEDULER).unwrap();
        copy_tokenizer(open(&file).unwrap().root(), &folder, self.tokenizers);
        [file, folder]
    }
}

#[test]
fn a_file_makes_the_picture_of_its_folder() {
    for case in CASES {
        for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::F8_E5M2] {
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
    assert_eq!(open(&parts).unwrap().name(), "parts");
    assert!(picture(&parts).rgb == expected.rgb);

    let outside = r#"{"parts": ["../model.safetensors"]}"#;
    fs::write(parts.join("limn.json"), outside).unwrap();
    let message = open(&parts).unwrap_err().to_string();
    assert!(message.contains("no part can be called"), "{message}");
}
