//! IP-Adapters against diffusers: `fixtures/ip_adapters/`, made by `reference/make_ip_adapters.py`.

use std::{collections::BTreeMap, fs, path::Path};

use burn::tensor::Tensor;
use limn_engine::{
    Result,
    catalogue::Catalogue,
    components::ip_adapter::IpAdapter,
    families::{self, Probe},
    model::ModelFiles,
    operations::{
        BlendPart, FinishedPicture, LoadedModel, SourcePicture, blend, generate, variations,
    },
    protocol::{
        BlendInput, BlendNoise, BlendRequest, Feature, GenerateRequest, IpAdapterChoice, Mix, Plan,
        StandIn, VariationsRequest,
    },
    weights::{ModelFolder, SeenFolder, Target, TensorFile, TensorFiles},
};
use serde::Deserialize;
use tempfile::TempDir;

use super::{
    latent_diffusion::{Asked, Latent, UNSENT},
    pipelines::{Told, runtime},
};
use crate::harness::copy_folder;
use crate::harness::{Fixture, assert_close, fixture_path, load_options, parity_tolerance};

const NAME: &str = "ip_adapters";

#[derive(Debug, Deserialize)]
struct Case {
    adapter: String,
    model: String,
    pictures: usize,
    scale: f32,
    #[serde(flatten)]
    asked: Asked,
}

fn cases() -> BTreeMap<String, Case> {
    let json = fs::read(fixture_path(NAME).join("cases.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// The model of a case, looking through its adapter.
fn model_of(name: &str) -> Latent {
    Latent(match name {
        "sd" => "stable_diffusion",
        "xl" => "stable_diffusion_xl",
        other => panic!("{other}"),
    })
}

fn catalogue() -> Catalogue {
    let names = ["plain_sd", "plus_sd", "plain_xl", "plus_xl"];
    let files = names.map(|name| fixture_path(NAME).join(format!("{name}.safetensors")));
    Catalogue {
        ip_adapters: files.to_vec(),
        ..Catalogue::default()
    }
}

fn choice(name: &str, scale: f32) -> IpAdapterChoice {
    IpAdapterChoice {
        name: name.to_owned(),
        scale,
    }
}

/// Lets a model look through the adapter of that name.
fn look_through(model: &mut LoadedModel, name: &str, scale: f32) {
    let source = catalogue().ip_adapter(Some(&choice(name, scale)), model.files());
    model.set_ip_adapter(source.unwrap().as_ref()).unwrap();
}

impl Case {
    fn open(&self) -> LoadedModel {
        let mut model = model_of(&self.model).open();
        // Beside words pictures count half, beside none all.
        let share = if self.asked.prompt.is_empty() {
            1.0
        } else {
            0.5
        };
        look_through(&mut model, &self.adapter, self.scale / share);
        model
    }
}

fn source() -> SourcePicture {
    let (shape, rgb) = Fixture::open(NAME).bytes("source");
    let rgba = rgb.chunks(3).flat_map(|p| [p[0], p[1], p[2], 255]);
    SourcePicture {
        width: shape[1] as u32,
        height: shape[0] as u32,
        rgba: rgba.collect(),
    }
}

/// The source and, beside it, the same upside down.
fn sources() -> [SourcePicture; 2] {
    let source = source();
    let rgba = source.rgba.chunks(4).rev().flatten().copied().collect();
    let turned = SourcePicture {
        rgba,
        ..source.clone()
    };
    [source, turned]
}

fn vary(model: &mut LoadedModel, request: &GenerateRequest, far: f32) -> Told {
    let request = VariationsRequest {
        generate: request.clone(),
        source: UNSENT,
        far,
    };
    told_by(|on_event| variations::run(model, &request, &source(), None, on_event))
}

fn told_by<T>(
    run: impl FnOnce(&mut dyn FnMut(limn_engine::progress::PipelineEvent) -> Result<()>) -> Result<T>,
) -> Told {
    let mut told = Told::default();
    run(&mut |event| {
        told.note(event);
        Ok(())
    })
    .unwrap();
    told
}

/// From the seed's noise, each way with as many weights as there are parts.
fn mix(
    model: &mut LoadedModel,
    request: &GenerateRequest,
    parts: &[BlendPart],
    ways: &[&[f32]],
) -> Told {
    let inputs = parts.iter().map(|part| match part {
        BlendPart::Picture(_) => BlendInput::Picture(UNSENT),
        BlendPart::Text(text) => BlendInput::Text(text.clone()),
    });
    let request = BlendRequest {
        generate: GenerateRequest {
            n_pictures: ways.len() as u32,
            ..request.clone()
        },
        inputs: inputs.collect(),
        ways: ways.iter().map(|way| way.to_vec()).collect(),
        mix: Mix::Slerp,
        noise: BlendNoise::Seed,
    };
    told_by(|on_event| blend::run(model, &request, parts, None, on_event))
}

fn only(told: Told) -> FinishedPicture {
    let [picture] = told.pictures.try_into().unwrap();
    picture
}

fn worst(a: &[u8], b: &[u8]) -> u8 {
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn tokens_of_pictures_are_diffusers() {
    let fixture = Fixture::open(NAME);
    for name in ["plain_sd", "plus_sd", "plain_xl", "plus_xl"] {
        let path = fixture_path(NAME).join(format!("{name}.safetensors"));
        let (adapter, report) = IpAdapter::load(&as_folder(&path), &load_options()).unwrap();
        assert!(report.fits(), "{report:?}");
        let features: Tensor<3> = fixture.tensor(&format!("{name}.features"));
        let expected = fixture.tensor(&format!("{name}.tokens"));
        let tokens = adapter.tokens(features);
        assert_close(&tokens, &expected, parity_tolerance(), name);
    }
}

/// A file as the folder that a component is read from.
fn as_folder(path: &Path) -> ModelFolder {
    let files = TensorFiles::open(&[TensorFile::Disk(path.to_owned())]).unwrap();
    let mut folder = SeenFolder::new(vec![path.to_owned()]);
    let own = files.names();
    let own = own.map(|name| (name.to_owned(), vec![Target::whole(name)]));
    folder.add_weights("", own.collect());
    folder.into_folder()
}

#[test]
fn pictures_through_adapters_are_diffusers() {
    let fixture = Fixture::open(NAME);
    let mut off = BTreeMap::new();
    for (name, case) in cases() {
        let mut model = case.open();
        let request = case.asked.request();
        let picture = if case.pictures == 1 {
            let told = vary(&mut model, &request, 1.0);
            assert_eq!(told.plans[0].stand_in, None, "{name}");
            only(told)
        } else {
            let parts = sources().map(BlendPart::Picture);
            only(mix(&mut model, &request, &parts, &[&[1.0, 1.0]]))
        };
        let (shape, expected) = fixture.bytes(&format!("{name}.pixels"));
        assert_eq!(shape, [picture.height as usize, picture.width as usize, 3]);
        off.insert(name, worst(&picture.rgb, &expected));
    }
    // Of 255.
    assert!(off.values().all(|worst| *worst <= 2), "{off:?}");
    assert_eq!(off.len(), 9);
}

#[test]
fn mixes_begin_and_end_at_their_pictures_and_at_what_texts_say() {
    let case = &cases()["plus_xl_two"];
    let mut model = case.open();
    let request = case.asked.request();
    let pictures = sources().map(BlendPart::Picture);
    let ways: [&[f32]; 4] = [&[1.0, 0.0], &[1.0, 1e-6], &[1.0, 1.0], &[0.0, 1.0]];
    let told = mix(&mut model, &request, &pictures, &ways);
    let [one, nearly, both, other] = &told.pictures[..] else {
        panic!("four pictures");
    };
    let alone = only(vary(&mut model, &request, 1.0));
    assert_eq!(one.rgb, alone.rgb);
    assert!(worst(&one.rgb, &nearly.rgb) <= 2);
    assert!(worst(&one.rgb, &both.rgb) > 10 && worst(&other.rgb, &both.rgb) > 10);

    // The text alone is what the model draws of it without an adapter.
    let [picture, _] = sources();
    let parts = [
        BlendPart::Picture(picture),
        BlendPart::Text("a boat".to_owned()),
    ];
    let told = mix(&mut model, &request, &parts, &[&[0.0, 1.0], &[1.0, 1.0]]);
    let spoken = GenerateRequest {
        prompt: "a boat".to_owned(),
        ..request.clone()
    };
    let plain = &mut model_of(&case.model).open();
    let plain = only(told_by(|on_event| {
        generate::run(plain, &spoken, None, on_event)
    }));
    assert_eq!(told.pictures[0].rgb, plain.rgb);
    assert!(worst(&told.pictures[1].rgb, &plain.rgb) > 10);
}

#[test]
fn the_plan_keeps_what_was_looked_through_and_nothing_else_looks_through_it() {
    let case = &cases()["plain_sd"];
    let mut model = case.open();
    let request = case.asked.request();
    let Plan { ip_adapter, .. } = vary(&mut model, &request, 1.0).plans.remove(0);
    let used = ip_adapter.unwrap();
    assert_eq!((used.name.as_str(), used.scale), ("plain_sd", 2.0));
    assert_eq!((used.hash.len(), used.encoder_hash.len()), (64, 64));

    // What is drawn from words, or over a picture, is as without.
    let expected = only(told_by(|on_event| {
        generate::run(&mut model_of("sd").open(), &request, None, on_event)
    }));
    let drawn = only(told_by(|on_event| {
        generate::run(&mut model, &request, None, on_event)
    }));
    assert_eq!(drawn.rgb, expected.rgb);

    // Without, a variation draws over its picture and says what would help.
    model.set_ip_adapter(None).unwrap();
    let told = vary(&mut model, &request, 1.0);
    assert_eq!(told.plans[0].stand_in, Some(StandIn::WithoutIpAdapter));
    assert_eq!(told.plans[0].ip_adapter, None);

    // From one adapter to another: nothing of the first is left.
    for name in ["plain_sd", "plus_sd"] {
        look_through(&mut model, name, 1.0);
        let told = only(vary(&mut model, &request, 1.0));
        let mut fresh = model_of("sd").open();
        look_through(&mut fresh, name, 1.0);
        assert_eq!(
            told.rgb,
            only(vary(&mut fresh, &request, 1.0)).rgb,
            "{name}"
        );
    }
}

/// It starts from the picture's own latents, under what the adapter sees in it.
#[test]
fn nearer_variations_start_from_the_picture_under_what_it_shows() {
    let case = &cases()["plus_sd"];
    let mut model = case.open();
    let near = only(vary(&mut model, &case.asked.request(), 0.4));
    let far = only(vary(&mut model, &case.asked.request(), 1.0));
    model.set_ip_adapter(None).unwrap();
    // As many steps over the picture alone.
    let over = only(vary(&mut model, &case.asked.request(), 0.4 / 0.75));
    assert!(worst(&near.rgb, &far.rgb) > 10);
    assert!(worst(&near.rgb, &over.rgb) > 10);
}

#[test]
fn an_adapter_is_found_by_what_fits_and_another_models_is_refused_by_name() {
    let dir = TempDir::new().unwrap();
    let library = dir.path().join("models");
    let adapters = dir.path().join("ip_adapters");
    fs::create_dir_all(&library).unwrap();
    let catalogue = Catalogue {
        library: Some(library.clone()),
        ..Catalogue::default()
    };
    let model = model_of("xl").files();
    let has = |model: &dyn ModelFiles| catalogue.ip_adapter(None, model).unwrap();
    assert!(has(model.as_ref()).is_none());

    fs::create_dir(&adapters).unwrap();
    for name in ["plain_sd", "plain_xl", "plus_xl"] {
        let file = format!("{name}.safetensors");
        fs::copy(fixture_path(NAME).join(&file), adapters.join(&file)).unwrap();
    }
    // There is no encoder yet.
    assert!(has(model.as_ref()).is_none());
    let refused = |name: &str, model: &dyn ModelFiles| {
        let choice = choice(name, 1.0);
        catalogue
            .ip_adapter(Some(&choice), model)
            .unwrap_err()
            .to_string()
    };
    let message = refused("plus_xl", model.as_ref());
    assert!(message.contains("no image encoder"), "{message}");
    // Only that of the plus adapter, which stands behind the other by name.
    copy_folder(
        &fixture_path(NAME).join("image_encoder"),
        &adapters.join("any name"),
    );
    assert_eq!(has(model.as_ref()).unwrap().name, "plus_xl");
    assert_eq!(
        has(model_of("sd").files().as_ref()).unwrap().name,
        "plain_sd"
    );
    let message = refused("plain_sd", model.as_ref());
    assert!(message.contains("Stable Diffusion XL"), "{message}");
    let message = refused("other", model.as_ref());
    assert!(message.contains("no IP-Adapter `other`"), "{message}");
    assert!(message.contains("ip_adapters"), "{message}");

    // A family that looks at pictures by itself takes none.
    let own = Latent("stable_diffusion_2_unclip").files();
    assert!(has(own.as_ref()).is_none() && !own.features().contains(&Feature::IpAdapters));

    // The model says that it looks at pictures where an adapter is there.
    copy_folder(&fixture_path("stable_diffusion_xl"), &library.join("xl"));
    let models = catalogue.models();
    let features = |models: &[limn_engine::protocol::ModelInfo]| {
        let info = models.iter().find(|info| info.id.0 == "xl").unwrap();
        [Feature::IpAdapters, Feature::ImageEmbeddings].map(|feature| info.has(feature))
    };
    assert_eq!(features(&models), [true, true]);
    fs::remove_dir_all(&adapters).unwrap();
    assert_eq!(features(&catalogue.models()), [true, false]);
}

/// An encoder in one file, by transformers' names: the same picture as by its folder.
#[test]
fn an_encoder_in_a_file_of_its_own_sees_the_same() {
    let dir = TempDir::new().unwrap();
    let file = |name: &str| fixture_path(NAME).join(name);
    fs::copy(
        file("plus_sd.safetensors"),
        dir.path().join("a.safetensors"),
    )
    .unwrap();
    let weights = file("image_encoder").join("model.safetensors");
    fs::copy(weights, dir.path().join("encoder.safetensors")).unwrap();
    let catalogue = Catalogue {
        ip_adapters: vec![dir.path().join("a.safetensors")],
        ..Catalogue::default()
    };
    let case = &cases()["plus_sd"];
    let mut model = LoadedModel::open(model_of("sd").files(), runtime(1 << 30, None)).unwrap();
    let source = catalogue.ip_adapter(Some(&choice("a", 1.0)), model.files());
    model.set_ip_adapter(source.unwrap().as_ref()).unwrap();
    let picture = only(vary(&mut model, &case.asked.request(), 1.0));
    let (_, expected) = Fixture::open(NAME).bytes("plus_sd.pixels");
    assert!(worst(&picture.rgb, &expected) <= 2);
}

/// With so little memory that only one part is held at a time, every picture is the same.
#[test]
fn adapters_count_in_the_memory_budget() {
    let case = &cases()["plus_xl_two"];
    let draw = |budget: u64| {
        let files = families::open(
            &Probe::folder(ModelFolder::Disk(fixture_path("stable_diffusion_xl"))),
            None,
        );
        let mut model = LoadedModel::open(files.unwrap(), runtime(budget, None)).unwrap();
        look_through(&mut model, &case.adapter, case.scale);
        let parts = sources().map(BlendPart::Picture);
        let told = mix(
            &mut model,
            &case.asked.request(),
            &parts,
            &[&[1.0, 1.0], &[1.0, 2.0]],
        );
        let pictures: Vec<Vec<u8>> = told
            .pictures
            .into_iter()
            .map(|picture| picture.rgb)
            .collect();
        (pictures, model.in_use_bytes())
    };
    let (pictures, all_bytes) = draw(1 << 30);
    let smallest = (1..200).map(|n| n * 16 * 1024).find(|budget| {
        let files = model_of("xl").files();
        let mut model = LoadedModel::open(files, runtime(*budget, None)).unwrap();
        look_through(&mut model, &case.adapter, case.scale);
        let request = VariationsRequest {
            generate: case.asked.request(),
            source: UNSENT,
            far: 1.0,
        };
        variations::run(&mut model, &request, &source(), None, &mut |_| Ok(())).is_ok()
    });
    let smallest = smallest.unwrap();
    let (frugal, bytes) = draw(smallest);
    assert!(bytes < all_bytes, "{bytes} of {all_bytes}");
    assert_eq!(frugal, pictures);
}

/// An edit asks for what its words say.
#[test]
fn edits_do_not_look_through_adapters() {
    let fixture = model_of("sd");
    let case = &fixture.cases()["img2img"];
    let mut model = fixture.open();
    let plain = fixture.picture(&mut model, case);
    look_through(&mut model, "plus_sd", 1.0);
    assert_eq!(fixture.picture(&mut model, case).rgb, plain.rgb);
}
