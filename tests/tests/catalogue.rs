//! Model folders as people have them: combined, split, incomplete, foreign.

use std::{
    fs,
    path::{Path, PathBuf},
};

use limn_engine::{
    Error,
    catalogue::{Catalogue, UpscalerFile},
    families::unclip::UnclipFolder,
    model::{DrawnSize, ModelFiles},
    protocol::ModelId,
    samplers::Sampler,
    weights::ModelFolder,
};
use tempfile::TempDir;

use crate::harness::{copy_folder, fixture_path};

/// Of a model that draws, whatever its format.
const ABILITIES: [&str; 9] = [
    "text to image",
    "inpaint",
    "image to image",
    "outpaint",
    "variations",
    "blend",
    "shift",
    "upscale",
    "embed",
];

fn combined() -> PathBuf {
    fixture_path("pipeline")
}

fn open(path: impl Into<PathBuf>) -> limn_engine::Result<UnclipFolder> {
    UnclipFolder::open(ModelFolder::Disk(path.into()), None)
}

/// The same model as two public repositories have it.
fn split(decoder: &Path, prior: &Path) {
    for name in ["unet", "movq", "scheduler"] {
        copy_folder(&combined().join(name), &decoder.join(name));
    }
    for name in [
        "prior",
        "text_encoder",
        "image_encoder",
        "tokenizer",
        "scheduler",
        "image_processor",
    ] {
        copy_folder(&combined().join(format!("prior_{name}")), &prior.join(name));
    }
    for (folder, class) in [
        (decoder, "KandinskyV22Pipeline"),
        (prior, "KandinskyV22PriorPipeline"),
    ] {
        let index = format!(r#"{{"_class_name": "{class}"}}"#);
        fs::write(folder.join("model_index.json"), index).unwrap();
    }
}

fn reason(result: limn_engine::Result<UnclipFolder>) -> String {
    match result {
        Err(error @ Error::NotAModel { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_combined_folder_tells_its_defaults() {
    let folder = open(combined()).unwrap();
    let info = folder.info(ModelId("tiny".to_owned())).unwrap();
    assert_eq!((info.name.as_str(), info.stride), ("pipeline", 4));
    // The reference pipeline's own.
    assert_eq!(info.default_size, (512, 512));
    assert_eq!(info.defaults.sampler, Some(Sampler::Ddpm));
    assert_eq!(info.defaults.n_steps, Some(100));
    assert_eq!(info.defaults.n_prior_steps, Some(25));
    assert_eq!(info.defaults.guidance_scale, Some(4.0));
    assert_eq!(info.defaults.prior_guidance_scale, Some(4.0));
    assert!(info.bytes > 800_000, "{}", info.bytes);
}

#[test]
fn a_card_overrides_the_family() {
    let dir = TempDir::new().unwrap();
    copy_folder(&combined(), dir.path());
    let card = r#"{
        "name": "Tiny", "size": [32, 16], "steps": 7, "prior_steps": 5, "guidance_scale": 2.5,
        "sampler": "dpmpp_2m_karras", "examples": ["a cat"],
        "vocabulary": {"objects": ["cat"], "synonyms": {"kitten": "cat"}}
    }"#;
    fs::write(dir.path().join("limn.json"), card).unwrap();
    let info = open(dir.path())
        .unwrap()
        .info(ModelId("x".to_owned()))
        .unwrap();
    assert_eq!((info.name.as_str(), info.default_size), ("Tiny", (32, 16)));
    assert_eq!(info.defaults.sampler, Some(Sampler::Dpmpp2mKarras));
    assert_eq!(
        (info.defaults.n_steps, info.defaults.n_prior_steps),
        (Some(7), Some(5))
    );
    assert_eq!(info.defaults.guidance_scale, Some(2.5));
    assert_eq!(info.examples, ["a cat"]);
    let vocabulary = info.vocabulary.unwrap();
    assert_eq!(
        vocabulary.synonyms,
        [("kitten".to_owned(), "cat".to_owned())]
    );

    fs::write(dir.path().join("limn.json"), "{").unwrap();
    assert!(reason(open(dir.path())).contains("limn.json"));
}

#[test]
fn a_decoder_finds_its_prior_inside_beside_or_by_name() {
    for place in [
        "library/decoder/nested-prior",
        "library/prior",
        "elsewhere/prior",
    ] {
        let dir = TempDir::new().unwrap();
        let decoder = dir.path().join("library/decoder");
        let prior = dir.path().join(place);
        split(&decoder, &prior);
        let folder = if place.starts_with("elsewhere") {
            assert!(reason(open(&decoder)).contains("--prior"), "{place}");
            let named = Some(ModelFolder::Disk(prior.clone()));
            UnclipFolder::open(ModelFolder::Disk(decoder.clone()), named).unwrap()
        } else {
            open(&decoder).unwrap()
        };
        let text_encoder = folder.text_encoder().folder;
        assert_eq!(
            text_encoder.path(""),
            prior.join("text_encoder/"),
            "{place}"
        );
        assert_eq!(folder.unet().folder.path(""), decoder.join("unet/"));
        assert_eq!(
            folder.weights_bytes().unwrap(),
            open(combined()).unwrap().weights_bytes().unwrap()
        );
        assert!(reason(open(&prior)).contains("prior of a model"), "{place}");
    }
}

#[test]
fn what_is_no_model_is_refused_with_its_reason() {
    let dir = TempDir::new().unwrap();
    assert!(reason(open(dir.path())).contains("model_index.json"));
    let index = dir.path().join("model_index.json");
    fs::write(&index, "not json").unwrap();
    assert!(reason(open(dir.path())).contains("cannot be read"));
    fs::write(&index, r#"{"_class_name": "FluxPipeline"}"#).unwrap();
    assert!(reason(open(dir.path())).contains("FluxPipeline"));
    fs::write(&index, vec![b' '; 2 << 20]).unwrap();
    assert!(reason(open(dir.path())).contains("larger"));

    for part in ["prior_prior", "prior_image_encoder", "prior_text_encoder"] {
        let dir = TempDir::new().unwrap();
        copy_folder(&combined(), dir.path());
        fs::remove_dir_all(dir.path().join(part)).unwrap();
        let expected = part.strip_prefix("prior_").unwrap();
        assert!(reason(open(dir.path())).contains(expected), "{part}");
    }
}

#[test]
fn sizes_off_the_stride_name_the_nearest() {
    let folder = open(combined()).unwrap();
    for (size, expected) in [
        ((0, 0), (4, 4)),
        ((1, 32), (4, 32)),
        ((33, 31), (32, 32)),
        ((34, 32), (36, 32)),
        ((u32::MAX, 32), (8192, 32)),
    ] {
        match folder.drawn_size(size) {
            Err(Error::UnsupportedSize {
                stride: 4,
                nearest_width,
                nearest_height,
                ..
            }) => assert_eq!((nearest_width, nearest_height), expected, "{size:?}"),
            other => panic!("{size:?}: {other:?}"),
        }
    }
    let drawn = folder.drawn_size((4, 8192)).unwrap();
    assert_eq!(drawn, DrawnSize::as_delivered((4, 8192)));
}

#[test]
fn a_catalogue_serves_named_folders_and_a_library() {
    let dir = TempDir::new().unwrap();
    let library = dir.path().join("library");
    split(&library.join("decoder"), &library.join("prior"));
    copy_folder(&combined(), &library.join("pipeline"));
    fs::create_dir(library.join("holiday pictures")).unwrap();
    let catalogue = Catalogue {
        folders: vec![combined()],
        library: Some(library.clone()),
        ..Catalogue::default()
    };
    let ids: Vec<String> = catalogue
        .models()
        .into_iter()
        .map(|info| info.id.0)
        .filter(|id| id != "doodle")
        .collect();
    assert_eq!(ids, ["pipeline", "decoder", "pipeline-2"]);
    let opened = catalogue.open(&ModelId("pipeline-2".to_owned())).unwrap();
    assert_eq!(opened.path(), library.join("pipeline/"));
    let error = catalogue.open(&ModelId("nothing".to_owned())).unwrap_err();
    assert!(error.to_string().contains("pipeline-2"), "{error}");
}

#[test]
fn an_inspection_tells_what_fits_and_what_does_not() {
    let report = open(combined()).unwrap().inspect();
    assert_eq!(report.abilities, ABILITIES);
    assert_eq!(report.components.len(), 5);
    for component in &report.components {
        assert!(component.fits(), "{component:?}");
        assert_eq!(component.dtypes.keys().collect::<Vec<_>>(), ["F16"]);
        let n_elements: u64 = component.dtypes.values().sum();
        let n_parameters = component.report.as_ref().unwrap().n_parameters;
        // Of the autoencoder the codebook of 16 entries of 4 numbers is never used.
        let n_unused = if component.name == "movq" { 64 } else { 0 };
        assert_eq!(n_elements, n_parameters + n_unused, "{}", component.name);
    }

    let dir = TempDir::new().unwrap();
    copy_folder(&combined(), dir.path());
    let config = dir.path().join("prior_prior/config.json");
    let json = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        json.replace("\"num_layers\": 2", "\"num_layers\": 3"),
    )
    .unwrap();
    fs::write(
        dir.path().join("unet/diffusion_pytorch_model.safetensors"),
        "cut",
    )
    .unwrap();
    let report = open(dir.path()).unwrap().inspect();
    assert!(report.abilities.is_empty());
    let component = |name: &str| report.components.iter().find(|c| c.name == name).unwrap();
    let missing = &component("prior").report.as_ref().unwrap().missing;
    assert!(
        missing
            .iter()
            .any(|name| name.contains("transformer_blocks.2.")),
        "{missing:?}"
    );
    assert!(component("unet").fault.is_some());
    assert!(component("text_encoder").fits());
}

/// A build whose `assets/doodle/` has no model yet has none built in either.
#[test]
fn the_built_in_model_is_whole_where_there_is_one() {
    let catalogue = Catalogue::default();
    let is_built_in = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../assets/doodle/model_index.json")
        .is_file();
    let ids: Vec<String> = catalogue
        .models()
        .into_iter()
        .map(|info| info.id.0)
        .collect();
    let expected: &[&str] = if is_built_in && cfg!(feature = "embed-doodle") {
        &["doodle"]
    } else {
        &[]
    };
    assert_eq!(ids, expected);
    for id in ids {
        let report = catalogue.open(&ModelId(id)).unwrap().inspect();
        assert_eq!(report.abilities, ABILITIES, "{report:?}");
    }
}

#[test]
fn upscalers_are_listed_apart_from_models_that_draw() {
    let library = TempDir::new().unwrap();
    let upscaler = |name: &str| {
        let folder = fixture_path("upscalers").join(name);
        folder.join("model.safetensors")
    };
    copy_folder(&combined(), &library.path().join("tiny"));
    fs::create_dir(library.path().join("tiny/upscaler")).unwrap();
    let of_model = library.path().join("tiny/upscaler/model.safetensors");
    fs::copy(upscaler("compact_x3"), of_model).unwrap();
    fs::write(library.path().join("tiny/limn.json"), r#"{"name": "Tiny"}"#).unwrap();
    for (name, file) in [("4x-Sharp", "esrgan_x4"), ("2x-Soft", "esrgan_shuffled_x2")] {
        let path = library.path().join(format!("{name}.safetensors"));
        fs::copy(upscaler(file), path).unwrap();
    }
    fs::write(library.path().join("broken.safetensors"), "cut").unwrap();
    fs::copy(
        combined().join("unet/diffusion_pytorch_model.safetensors"),
        library.path().join("foreign.safetensors"),
    )
    .unwrap();
    let named = upscaler("esrgan_plus_x1");
    let catalogue = Catalogue {
        folders: vec![named.clone()],
        library: Some(library.path().to_owned()),
        ..Catalogue::default()
    };

    let is_built_in = |id: &str| id.starts_with("doodle");
    let models: Vec<_> = catalogue
        .models()
        .into_iter()
        .map(|model| model.id.0)
        .collect();
    assert_eq!(
        models
            .iter()
            .filter(|id| !is_built_in(id))
            .collect::<Vec<_>>(),
        ["tiny"]
    );
    let listed: Vec<_> = catalogue
        .upscalers()
        .iter()
        .map(UpscalerFile::info)
        .filter(|info| !is_built_in(&info.id.0))
        .map(|info| (info.id.0, info.scale, info.made_for))
        .collect();
    let row = |id: &str, scale, made_for: Option<&str>| {
        (id.to_owned(), scale, made_for.map(str::to_owned))
    };
    assert_eq!(
        listed,
        [
            row("tiny-upscaler", 3, Some("Tiny")),
            row("model", 1, None),
            row("2x-Soft", 2, None),
            row("4x-Sharp", 4, None),
        ]
    );

    let best = |drawn_by| catalogue.best_upscaler(drawn_by).unwrap().id.0;
    assert_eq!(best(Some("Tiny")), "tiny-upscaler");
    assert_eq!([best(Some("Other")), best(None)], ["model", "model"]);
    let id = |name: &str| ModelId(name.to_owned());
    let by_path = catalogue
        .open_upscaler(&id(&named.to_string_lossy()))
        .unwrap();
    assert_eq!(by_path.info().family, "ESRGAN+");
    for (name, why) in [
        ("broken", "too few"),
        ("foreign", "there is no model"),
        ("tiny", "4x-Sharp"),
    ] {
        let message = catalogue.open_upscaler(&id(name)).unwrap_err().to_string();
        assert!(message.contains(why), "{message}");
    }
    let message = catalogue
        .open(&id(&named.to_string_lossy()))
        .unwrap_err()
        .to_string();
    assert!(message.contains("limn upscale"), "{message}");
}
