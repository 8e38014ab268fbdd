//! What is told of single files: full-size ones by their headers alone, and those that are no models.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use limn_engine::{
    catalogue::ComponentReport,
    model::{ModelReport, Settings},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::pictures::open;
use crate::harness::fixture_path;

/// `fixtures/single_files/*.json` of the full-size models: what is in their files.
#[derive(Debug, Deserialize)]
struct FullModel {
    n_parameters: std::collections::BTreeMap<String, u64>,
    /// Name, shape, component.
    tensors: Vec<(String, Vec<usize>, Option<String>)>,
}

impl FullModel {
    fn read(name: &str) -> Self {
        let path = fixture_path("single_files").join(format!("{name}.json"));
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// A file of the true size whose numbers take no room on disk.
    fn write(&self, path: &Path, metadata: &Value) -> PathBuf {
        let mut header = serde_json::Map::new();
        header.insert("__metadata__".to_owned(), metadata.clone());
        let mut end = 0;
        for (name, shape, _) in &self.tensors {
            let begin = end;
            end += 2 * shape.iter().product::<usize>();
            let entry = json!({"dtype": "F16", "shape": shape, "data_offsets": [begin, end]});
            header.insert(name.clone(), entry);
        }
        let header = Value::Object(header).to_string();
        let mut file = File::create(path).unwrap();
        file.write_all(&(header.len() as u64).to_le_bytes())
            .unwrap();
        file.write_all(header.as_bytes()).unwrap();
        file.set_len((8 + header.len() + end) as u64).unwrap();
        path.to_owned()
    }

    fn inspect(&self, name: &str, metadata: &Value) -> ModelReport {
        let dir = TempDir::new().unwrap();
        let path = self.write(&dir.path().join(format!("{name}.safetensors")), metadata);
        open(&path).unwrap().inspect()
    }

    /// With an averaged copy of the denoiser, as the first files had it.
    fn with_averages(mut self) -> Self {
        let own = self.tensors.iter();
        let unet = own.filter(|(name, ..)| name.starts_with("model.diffusion_model."));
        let averages: Vec<_> = unet
            .map(|(name, shape, _)| {
                let name = name.trim_start_matches("model.").replace('.', "");
                (format!("model_ema.{name}"), shape.clone(), None)
            })
            .collect();
        self.tensors.extend(averages);
        self
    }
}

#[test]
fn full_size_files_are_complete_and_nothing_of_them_is_unused() {
    for (name, variant, size, n_unet) in [
        ("sd15", "1.5", 512, 686),
        ("sd21", "2", 512, 686),
        ("sd21_unclip_l", "2.1 unCLIP, predicting velocity", 768, 690),
        ("sd21_unclip_h", "2.1 unCLIP, predicting velocity", 768, 690),
        ("sdxl", "base", 1024, 1680),
    ] {
        let model = FullModel::read(name);
        let report = model.inspect(name, &json!({}));
        for component in &report.components {
            assert!(component.fits(), "{name}: {component:?}");
            let load = component.report.as_ref().unwrap();
            assert_eq!(load.n_parameters, model.n_parameters[&component.name]);
        }
        let unet = report
            .components
            .iter()
            .find(|component| component.name == "unet");
        let n_tensors = |component: &ComponentReport| component.report.as_ref().unwrap().n_tensors;
        assert_eq!(unet.map(n_tensors), Some(n_unet));
        assert_eq!(report.variant.as_deref(), Some(variant));
        assert_eq!(report.default_size, (size, size));
        let n_unread = model
            .tensors
            .iter()
            .filter(|(.., component)| component.is_none())
            .count();
        assert_eq!(
            report.unread.values().sum::<usize>(),
            n_unread,
            "{:?}",
            report.unread
        );
    }
}

#[test]
fn averages_channels_and_words_are_told() {
    let report = FullModel::read("sd15")
        .with_averages()
        .inspect("sd15", &json!({}));
    assert_eq!(report.unread["averaged copies (EMA)"], 686);
    assert!(report.components.iter().all(ComponentReport::fits));

    let v = json!({"modelspec.prediction_type": "v", "modelspec.resolution": "768x768"});
    let report = FullModel::read("sd21").inspect("sd21", &v);
    assert_eq!(report.variant.as_deref(), Some("2, predicting velocity"));
    assert_eq!(report.default_size, (768, 768));
    assert!(
        report.notes[0].contains("the file says"),
        "{:?}",
        report.notes
    );

    let mut inpainting = FullModel::read("sd15");
    let first = inpainting.tensors.iter_mut();
    for (_, shape, _) in first.filter(|(name, ..)| name.ends_with("input_blocks.0.0.weight")) {
        shape[1] = 9;
    }
    let report = inpainting.inspect("sd15-inpainting", &json!({}));
    let variant = report.variant.unwrap();
    assert!(variant.contains("9 channels"), "{variant}");

    let report = FullModel::read("sd15").inspect("dreamy_turbo-v2", &json!({}));
    let note = report.notes.last().unwrap();
    assert!(
        note.contains("“turbo”") && note.contains("1 to 4 steps"),
        "{note}"
    );
    assert_eq!(report.recipe.n_steps, Some(25));
    let report = FullModel::read("sd15").inspect("turbocharged", &json!({}));
    assert!(!report.notes.iter().any(|note| note.contains("turbo")));
}

#[test]
fn markers_among_the_tensors_tell_what_is_predicted() {
    let with = |markers: &[&str]| {
        let mut model = FullModel::read("sdxl");
        let markers = markers.iter();
        let markers = markers.map(|name| ((*name).to_owned(), vec![1], None));
        model.tensors.extend(markers);
        model
    };
    let report = with(&["v_pred", "ztsnr"]).inspect("xl", &json!({}));
    let variant = report.variant.unwrap();
    assert_eq!(variant, "base, predicting velocity to pure noise");
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains("a tensor of the file says"))
    );

    let dir = TempDir::new().unwrap();
    let refusal = |model: &FullModel| {
        let path = model.write(&dir.path().join("xl.safetensors"), &json!({}));
        open(&path).unwrap_err().to_string()
    };
    let edm = refusal(&with(&["edm_vpred.sigma_max", "edm_vpred.sigma_min"]));
    assert!(edm.contains("EDM"), "{edm}");
    // As wide as the refiner's: one encoder's words, and five numbers beside its embedding.
    let mut refiner = with(&[]);
    for (name, shape, _) in &mut refiner.tensors {
        if name.contains("attn2.to_k.weight") || name.contains("attn2.to_v.weight") {
            shape[1] = 1_280;
        }
        if name.ends_with("label_emb.0.0.weight") {
            shape[1] = 2_560;
        }
    }
    let refiner = refusal(&refiner);
    assert!(refiner.contains("the refiner"), "{refiner}");
}

/// What a card does not say stays as it is for such models.
#[test]
fn a_card_beside_a_file_changes_what_it_says_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("one.safetensors");
    FullModel::read("sdxl").write(&path, &json!({}));
    let usual = open(&path).unwrap().settings();
    assert_eq!((usual.n_steps, usual.size), (25, (1_024, 1_024)));

    let card = path.with_extension("limn.json");
    fs::write(&card, r#"{"steps": 4, "name": "One"}"#).unwrap();
    let model = open(&path).unwrap();
    let expected = Settings {
        n_steps: 4,
        ..usual
    };
    assert_eq!(
        (model.settings(), model.name()),
        (expected, "One".to_owned())
    );
    for broken in ["[4]", "{", r#"{"steps": "four"}"#] {
        fs::write(&card, broken).unwrap();
        let message = open(&path).unwrap_err().to_string();
        assert!(message.contains("one.limn.json"), "{broken}: {message}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let mut model = FullModel::read("sd15");
    let n_before = model.tensors.len();
    model.tensors.retain(|(name, ..)| {
        !name.ends_with("middle_block.0.in_layers.2.weight") && !name.contains("mid.attn_1.q.bias")
    });
    assert_eq!(n_before - model.tensors.len(), 3);
    model
        .tensors
        .push(("model.diffusion_model.surprise".to_owned(), vec![3], None));
    let report = model.inspect("sd15", &json!({}));
    let missing: Vec<&String> = report
        .components
        .iter()
        .flat_map(|component| &component.report.as_ref().unwrap().missing)
        .collect();
    assert_eq!(
        missing,
        [
            "mid_block.resnets.0.conv1.weight",
            "decoder.mid_block.attentions.0.to_q.bias",
            "encoder.mid_block.attentions.0.to_q.bias",
        ]
    );
    assert!(report.abilities.is_empty());
    let n_unread = 4 + 1;
    assert_eq!(report.unread["of no part of the model"], n_unread);
}

#[test]
fn what_is_no_model_says_what_it_is() {
    let dir = TempDir::new().unwrap();
    let file_of = |names: &[(&str, &[usize])]| {
        let tensors = names
            .iter()
            .map(|(name, shape)| ((*name).to_owned(), shape.to_vec(), None));
        let model = FullModel {
            n_parameters: std::collections::BTreeMap::new(),
            tensors: tensors.collect(),
        };
        model.write(&dir.path().join("file.safetensors"), &json!({}))
    };
    for (names, expected) in [
        (
            &[(
                "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight",
                &[4, 8][..],
            )][..],
            "a LoRA",
        ),
        (&[("emb_params", &[2, 768])], "textual inversion"),
        (&[("ip_adapter.1.to_k_ip.weight", &[2, 2])], "IP-Adapter"),
        (
            &[("decoder.conv_in.weight", &[512, 16, 3, 3])],
            "16 channels",
        ),
        (
            &[("down_blocks.0.resnets.0.norm1.weight", &[320])],
            "diffusers' names",
        ),
        (
            &[("double_blocks.0.img_attn.norm.key_norm.scale", &[128])],
            "FLUX.1",
        ),
        (
            &[("embedder.model.visual.proj", &[2, 2])],
            "an image encoder alone",
        ),
        (&[("a.weight", &[2, 2])], "single file of 1 tensors"),
        (
            &[(
                "model.diffusion_model.out.2.weight.quant_state.bitsandbytes__nf4",
                &[9],
            )],
            "nf4",
        ),
        (
            &[("double_blocks.0.img_attn.qkv.wscales", &[9, 2])],
            "SVDQuant",
        ),
        (&[("layers.0.weight_scale_2", &[1])], "nvfp4"),
    ] {
        let message = open(&file_of(names)).unwrap_err().to_string();
        assert!(message.contains(expected), "{names:?}: {message}");
    }
    for (bytes, expected) in [
        (
            &b"<!DOCTYPE html><html><body>Log in"[..],
            "download the weights again",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid",
            "git lfs pull",
        ),
        (
            b"PK\x03\x04\0\0\0\0\0\0\0\0archive/data.pkl",
            "look for the same model as .safetensors",
        ),
    ] {
        let path = dir.path().join("other.safetensors");
        fs::write(&path, bytes).unwrap();
        let message = open(&path).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let whole = file_of(&[("a.weight", &[64, 64])]);
    let file = File::options().write(true).open(&whole).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1_000)
        .unwrap();
    let message = open(&whole).unwrap_err().to_string();
    assert!(message.contains("Download it again"), "{message}");
}
