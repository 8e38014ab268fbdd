//! LoRAs and their kin: `fixtures/loras/`, made by `reference/make_loras.py`.

use std::{collections::BTreeMap, fs, path::Path};

use burn::tensor::Tensor;
use limn_engine::{
    components::{denoisers::UNet, text_encoders::ClipTextEncoder},
    families::{latent_diffusion::LatentFolder, stable_diffusion::StableDiffusion},
    model::{LoraSource, ModelFiles, match_lora},
    operations::{FinishedPicture, LoadedModel, generate},
    protocol::{Compute, GenerateRequest, ModelId, Sampling},
    weights::{
        LoadOptions, ModelFolder,
        lora::{AdapterTable, LoraFile, Matched},
    },
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tempfile::TempDir;

use super::pipelines::{Told, runtime};
use crate::harness::{Fixture, assert_close, fixture_path, load_options, parity_tolerance};

fn model() -> LatentFolder {
    StableDiffusion::open_folder(ModelFolder::Disk(fixture_path("stable_diffusion"))).unwrap()
}

fn open(path: &Path) -> (LoraFile, Matched) {
    let file = LoraFile::open(path).unwrap();
    let matched = match_lora(&file, &model().components()).unwrap();
    (file, matched)
}

fn fixture_file(name: &str) -> (LoraFile, Matched) {
    open(&fixture_path("loras").join(format!("{name}.safetensors")))
}

/// The components in memory, whose weights can be changed.
struct Adapted {
    unet: UNet,
    text_encoder: ClipTextEncoder,
    tables: [(&'static str, AdapterTable); 2],
}

impl Adapted {
    fn load() -> Self {
        let tables = ["unet", "text_encoder"].map(|name| (name, AdapterTable::default()));
        let folder = |name: &str| ModelFolder::Disk(fixture_path("stable_diffusion").join(name));
        let options = |table| LoadOptions {
            adapters: Some(table),
            ..load_options()
        };
        let (unet, _) = UNet::load(&folder("unet"), &options(&tables[0].1)).unwrap();
        let (text_encoder, _) =
            ClipTextEncoder::load(&folder("text_encoder"), &options(&tables[1].1)).unwrap();
        Self {
            unet,
            text_encoder,
            tables,
        }
    }

    fn apply(&self, files: &[(&LoraFile, &Matched, f32)]) {
        for (component, table) in &self.tables {
            table.apply(component, files).unwrap();
        }
    }

    fn outputs(&self, fixture: &Fixture) -> (Tensor<4>, Tensor<3>) {
        let conditioning = self
            .unet
            .condition_on_tokens(fixture.tensor("context"), None);
        let latents = fixture.tensor("latents");
        (
            self.unet.forward(latents, &[999.0, 3.0], &conditioning),
            self.text_encoder
                .forward(&fixture.ids("ids"))
                .last_hidden_state,
        )
    }

    fn assert_is(&self, fixture: &Fixture, name: &str) {
        let (unet, text) = self.outputs(fixture);
        let tolerance = parity_tolerance();
        let expected = fixture.tensor(&format!("{name}.unet"));
        assert_close(&unet, &expected, tolerance, &format!("{name}: unet"));
        let expected = fixture.tensor(&format!("{name}.text"));
        assert_close(&text, &expected, tolerance, &format!("{name}: text"));
    }
}

#[test]
fn every_kind_changes_the_weights_as_its_reference_does() {
    let fixture = Fixture::open("loras");
    let adapted = Adapted::load();
    adapted.assert_is(&fixture, "none");
    for (name, files, n_layers) in [
        ("kohya", &[("kohya", 0.7)][..], 12),
        ("peft", &[("peft", 1.0)], 8),
        ("both", &[("kohya", 0.5), ("kohya_2", -0.4)], 12),
        ("dora_peft", &[("dora_peft", 1.0)], 5),
        ("locon_mid", &[("locon_mid", 0.6)], 2),
        ("loha", &[("loha", 0.6)], 3),
        ("lokr", &[("lokr", 0.6)], 5),
        ("dora", &[("dora", 0.6)], 3),
        ("difference", &[("difference", 0.6)], 2),
    ] {
        let opened: Vec<_> = files
            .iter()
            .map(|(file, strength)| (fixture_file(file), *strength))
            .collect();
        let files: Vec<_> = opened
            .iter()
            .map(|((file, matched), strength)| (file, matched, *strength))
            .collect();
        let (_, matched, _) = files[0];
        assert_eq!(matched.n_layers(), n_layers, "{name}: {matched:?}");
        assert!(
            matched.unmatched.is_empty() && matched.unfit.is_empty(),
            "{name}: {matched:?}"
        );
        adapted.apply(&files);
        adapted.assert_is(&fixture, name);
    }
    // The weights as they were read, to the last bit.
    let untouched = Adapted::load().outputs(&fixture);
    adapted.apply(&[]);
    let back = adapted.outputs(&fixture);
    let values = |tensor: Tensor<4>| tensor.into_data();
    assert!(values(untouched.0) == values(back.0));
    assert!(untouched.1.into_data() == back.1.into_data());
}

#[test]
fn kinds_are_told() {
    for (name, kinds) in [
        ("kohya", &["LoRA"][..]),
        ("peft", &["LoRA"]),
        ("dora_peft", &["DoRA"]),
        ("loha", &["LoHa"]),
        ("lokr", &["LoKr"]),
        ("dora", &["DoRA"]),
        ("difference", &["whole differences"]),
    ] {
        assert_eq!(fixture_file(name).0.kinds(), kinds, "{name}");
    }
}

/// A file that changes one layer of such a weight.
fn write_change(path: &Path, layer: &str, weight: &[usize]) {
    let (n_outputs, rest) = weight.split_first().unwrap();
    let ones = vec![1; rest.len() - 1];
    let down = [&[1][..], rest].concat();
    let up = [&[*n_outputs, 1][..], &ones].concat();
    let bytes = |shape: &[usize]| vec![0u8; 4 * shape.iter().product::<usize>()];
    let tensors = [("lora_down", down), ("lora_up", up)];
    let tensors =
        tensors.map(|(piece, shape)| (format!("{layer}.{piece}.weight"), bytes(&shape), shape));
    let views = tensors.iter().map(|(name, bytes, shape)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    safetensors::serialize_to_file(views, None, path).unwrap();
}

#[test]
fn the_first_codes_names_are_what_diffusers_takes_them_for() {
    let json = fs::read(fixture_path("loras").join("sgm_names.json")).unwrap();
    let names: BTreeMap<String, String> = serde_json::from_slice(&json).unwrap();
    let unet = ModelFolder::Disk(fixture_path("stable_diffusion").join("unet"));
    let layers = UNet::inspect(&unet).unwrap().layers;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("one.safetensors");
    for (sgm, diffusers) in &names {
        write_change(&path, &format!("lora_unet_{sgm}"), &layers[diffusers]);
        let (_, matched) = open(&path);
        assert_eq!(
            matched.layers(),
            [("unet", diffusers.as_str())],
            "{sgm}: {matched:?}"
        );
    }
    assert_eq!(names.len(), 8);
}

fn picture(model: &mut LoadedModel, prompt: &str) -> FinishedPicture {
    let request = GenerateRequest {
        prompt: prompt.to_owned(),
        size: Some((24, 32)),
        seed: 11,
        sampling: Sampling {
            n_steps: Some(5),
            guidance_scale: Some(7.5),
            ..Sampling::default()
        },
        ..GenerateRequest::blank(ModelId("tiny".to_owned()), Compute::default())
    };
    let mut told = Told::default();
    let timings = generate::run(model, &request, None, &mut |event| {
        told.note(event);
        Ok(())
    });
    timings.unwrap();
    let [picture] = told.pictures.try_into().unwrap();
    picture
}

fn source(name: &str, weight: f32) -> LoraSource {
    LoraSource {
        name: name.to_owned(),
        path: fixture_path("loras").join(format!("{name}.safetensors")),
        weight,
    }
}

#[test]
fn a_picture_is_diffusers_and_files_change_without_reading_the_model_again() {
    let prompt = "A red boat on the sea";
    let mut model = LoadedModel::open(Box::new(model()), runtime(1 << 30, None)).unwrap();
    let plain = picture(&mut model, prompt);
    let bytes = fs::read(fixture_path("loras").join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let expected = tensors.tensor("kohya.pixels").unwrap();
    assert_eq!(expected.dtype(), Dtype::U8);

    let plain_bytes = model.in_use_bytes();

    model.set_loras(&[source("kohya", 0.7)]).unwrap();
    let mut told = Told::default();
    let changed = {
        let changed = picture(&mut model, prompt);
        model
            .preload(&mut |event| {
                told.note(event);
                Ok(())
            })
            .unwrap();
        changed
    };
    let components = ["text_encoder", "unet", "vae"];
    let reads = told
        .loadings
        .iter()
        .filter(|(name, ..)| components.contains(&name.as_str()));
    assert_eq!(reads.count(), 0, "{:?}", told.loadings);
    let worst = changed
        .rgb
        .iter()
        .zip(expected.data())
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(worst <= Some(2), "{worst:?}");
    assert!(changed.rgb != plain.rgb);
    // What is laid beside the weights is memory too.
    assert!(model.in_use_bytes() > plain_bytes);

    model.set_loras(&[]).unwrap();
    assert!(picture(&mut model, prompt).rgb == plain.rgb);
    assert_eq!(model.in_use_bytes(), plain_bytes);
}

#[test]
fn what_matches_nothing_is_counted_and_another_familys_file_is_refused() {
    let dir = TempDir::new().unwrap();
    let bytes = fs::read(fixture_path("loras").join("kohya.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let renamed = tensors.tensors().into_iter();
    let renamed = renamed.map(|(name, view)| (name.replace("_conv1.", "_conv9."), view));
    let path = dir.path().join("renamed.safetensors");
    safetensors::serialize_to_file(renamed, None, &path).unwrap();
    let (_, matched) = open(&path);
    let counts = (matched.n_layers(), matched.unmatched.len());
    assert_eq!(counts, (11, 1), "{matched:?}");

    let file = dir.path().join("xl.safetensors");
    let layer = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k";
    write_change(&file, layer, &[640, 2_048]);
    // All but one layer have the right shapes: it reads words of another width.
    let wide = vec![0; 2 * 2 * 64];
    let widened = tensors.tensors().into_iter().map(|(name, view)| {
        let is_key = name.contains("attn2_to_k.lora_down");
        let wide = || TensorView::new(Dtype::F16, vec![2, 64], &wide).unwrap();
        (name, if is_key { wide() } else { view })
    });
    let mixed = dir.path().join("mixed.safetensors");
    safetensors::serialize_to_file(widened, None, &mixed).unwrap();
    let (_, matched) = open(&mixed);
    assert_eq!((matched.n_layers(), matched.unfit.len()), (11, 1));

    let mut model = LoadedModel::open(Box::new(model()), runtime(1 << 30, None)).unwrap();
    let of_other_words = LoraSource {
        name: "mixed".to_owned(),
        path: mixed,
        weight: 1.0,
    };
    let message = model.set_loras(&[of_other_words]).unwrap_err().to_string();
    assert!(message.contains("this LoRA cannot be used"), "{message}");
    let wrong = LoraSource {
        name: "xl".to_owned(),
        path: file,
        weight: 1.0,
    };
    let message = model.set_loras(&[wrong]).unwrap_err().to_string();
    assert!(
        message.contains("a LoRA for Stable Diffusion XL"),
        "{message}"
    );
    // Nothing is changed by what was refused.
    let plain = picture(&mut model, "A red boat on the sea");
    let mut untouched = LoadedModel::open(Box::new(self::model()), runtime(1 << 30, None)).unwrap();
    assert!(picture(&mut untouched, "A red boat on the sea").rgb == plain.rgb);
}
