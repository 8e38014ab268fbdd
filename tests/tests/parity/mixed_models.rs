//! Folders whose components are each sound and belong to different models: refused when opened, before any
//! tensor meets another.

use std::{fs, path::Path};

use burn::tensor::{DType, Device};
use limn_engine::{
    Error,
    families::unclip::UnclipFolder,
    model::PromptFolders,
    operations::{LoadedModel, Runtime},
    weights::ModelFolder,
};
use serde_json::{Value, json};

use crate::harness::{copy_folder, fixture_path};

fn open(path: &Path) -> Result<LoadedModel, Error> {
    let folder = UnclipFolder::open(ModelFolder::Disk(path.to_owned()), None)?;
    let runtime = Runtime {
        device: Device::flex(),
        device_name: "test".to_owned(),
        dtype: DType::F32,
        memory_budget_bytes: 1 << 30,
        cache_dir: None,
        prompt_folders: PromptFolders::default(),
    };
    LoadedModel::open(Box::new(folder), runtime)
}

/// The sound model with one value of one config changed must be refused with `reason`.
fn check_refused(file: &str, key: &str, value: Value, reason: &str) {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&fixture_path("pipeline"), copy.path());
    assert!(open(copy.path()).is_ok());
    let path = copy.path().join(file);
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config[key] = value;
    fs::write(&path, config.to_string()).unwrap();
    let error = open(copy.path()).err().expect(reason);
    assert!(matches!(error, Error::NotAModel { .. }), "{error:?}");
    assert!(error.to_string().contains(reason), "{error}");
}

#[test]
fn components_of_different_models_are_refused() {
    let tokenizer = "prior_tokenizer/tokenizer_config.json";
    let text = "prior_text_encoder/config.json";
    for (file, key, value, reason) in [
        (text, "vocab_size", json!(100), "more tokens"),
        (tokenizer, "model_max_length", json!(20), "longer prompts"),
        (
            tokenizer,
            "model_max_length",
            json!(10),
            "length of prompts",
        ),
        (text, "hidden_size", json!(64), "text encoder's embeddings"),
        (
            text,
            "projection_dim",
            json!(16),
            "text encoder's embeddings",
        ),
        (
            "prior_image_encoder/config.json",
            "projection_dim",
            json!(48),
            "image encoder's embeddings",
        ),
        ("unet/config.json", "encoder_hid_dim", json!(48), "U-Net's"),
        (text, "num_attention_heads", json!(0), "heads"),
        (text, "hidden_act", json!("tanh"), "`tanh` is none of"),
        (
            "prior_prior/config.json",
            "added_emb_type",
            json!(null),
            "not the kind",
        ),
    ] {
        check_refused(file, key, value, reason);
    }
}
