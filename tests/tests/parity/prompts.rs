//! Prompts with weights, breaks and learned embeddings against an independent reading of them: `fixtures/prompts/`,
//! made by `reference/make_prompts.py`.

use std::{collections::BTreeMap, fs};

use burn::tensor::Tensor;
use limn_engine::{
    components::text_encoders::{
        ClipTextConfig, ClipTextEncoder, EncoderSlot, LearnedEmbeddings, WeightedTexts,
    },
    model::{LoadedModel, ModelFiles, PromptFolders, Runtime},
    families::stable_diffusion::StableDiffusion,
    operations::{FinishedPicture, generate},
    prompt_language::{TokenChunks, parse},
    protocol::{Compute, GenerateRequest, ModelId, Sampling},
    tokenizer::Tokenizer,
    weights::ModelFolder,
};
use safetensors::SafeTensors;
use serde::Deserialize;

use super::pipelines::{Told, runtime};
use crate::harness::{Fixture, assert_close, assert_values_close, fixture_path, load_options, parity_tolerance};

const NAME: &str = "prompts";
const MODEL: &str = "stable_diffusion";

#[derive(Debug, Deserialize)]
struct Cases {
    prompts: BTreeMap<String, String>,
    learned: BTreeMap<String, String>,
    picture: PictureCase,
}

#[derive(Debug, Deserialize)]
struct PictureCase {
    prompt: String,
    negative: String,
}

fn cases() -> Cases {
    let json = fs::read(fixture_path(NAME).join("cases.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

fn tokenizer() -> Tokenizer {
    Tokenizer::load(&ModelFolder::Disk(fixture_path(MODEL).join("tokenizer"))).unwrap()
}

fn encoder() -> ClipTextEncoder {
    let folder = ModelFolder::Disk(fixture_path(MODEL).join("text_encoder"));
    ClipTextEncoder::load(&folder, &load_options()).unwrap().0
}

fn slot() -> EncoderSlot {
    let folder = ModelFolder::Disk(fixture_path(MODEL).join("text_encoder"));
    EncoderSlot {
        key: None,
        width: ClipTextConfig::read(&folder).unwrap().hidden_size,
    }
}

#[test]
fn ids_weights_and_embeddings_are_the_references() {
    let (tokenizer, encoder) = (tokenizer(), encoder());
    let fixture = Fixture::open(NAME);
    let none = LearnedEmbeddings::default();
    for (name, prompt) in cases().prompts {
        let chunks = TokenChunks::new(&tokenizer, &parse(&prompt), &[]).unwrap();
        assert_eq!(chunks.unread_at, None, "{name}");
        let ids = chunks.chunks.iter().flat_map(|chunk| &chunk.ids);
        let ids: Vec<i64> = ids.map(|id| i64::from(*id)).collect();
        assert_eq!(ids, fixture.integers(&format!("{name}.ids")), "{name}");
        let weights = chunks.chunks.iter().flat_map(|chunk| chunk.weights.clone());
        let weights: Vec<f32> = weights.collect();
        let (_, expected) = fixture.floats(&format!("{name}.weights"));
        assert_values_close(&weights, &expected, 1e-6, &name);

        let texts = WeightedTexts::new(&tokenizer, &[&prompt], &none).unwrap();
        let states = texts.weigh(texts.run(&encoder, &none).last_hidden_state);
        let expected = fixture.tensor::<3>(&format!("{name}.states"));
        assert_eq!(states.dims(), expected.dims(), "{name}");
        assert_close(&states, &expected, parity_tolerance(), &name);
    }
}

#[test]
fn learned_embeddings_are_diffusers() {
    let (tokenizer, encoder) = (tokenizer(), encoder());
    let fixture = Fixture::open(NAME);
    let folder = fixture_path(NAME).join("embeddings");
    for (name, prompt) in cases().learned {
        let learned = LearnedEmbeddings::read(&folder, &[&prompt], slot()).unwrap();
        assert!(!learned.names().is_empty(), "{name}");
        let texts = WeightedTexts::new(&tokenizer, &[&prompt], &learned).unwrap();
        let states = texts.weigh(texts.run(&encoder, &learned).last_hidden_state);
        let expected = fixture.tensor::<3>(&format!("{name}.states"));
        assert_close(&states, &expected, parity_tolerance(), &name);
    }
}

#[test]
fn an_embedding_for_two_encoders_is_diffusers() {
    let fixture = Fixture::open(NAME);
    let folder = fixture_path(NAME).join("embeddings");
    let prompt = "a paper boat";
    let parts = [("clip_l", "text_encoder", "tokenizer"), ("clip_g", "text_encoder_2", "tokenizer_2")];
    let mut states = Vec::new();
    let mut pooled = None;
    for (key, encoder, tokenizer) in parts {
        let part = |name: &str| ModelFolder::Disk(fixture_path("stable_diffusion_xl").join(name));
        let tokenizer = Tokenizer::load(&part(tokenizer)).unwrap();
        let slot = EncoderSlot {
            key: Some(key),
            width: ClipTextConfig::read(&part(encoder)).unwrap().hidden_size,
        };
        let encoder = ClipTextEncoder::load(&part(encoder), &load_options()).unwrap().0;
        let learned = LearnedEmbeddings::read(&folder, &[prompt], slot).unwrap();
        let texts = WeightedTexts::new(&tokenizer, &[prompt], &learned).unwrap();
        let output = texts.run(&encoder, &learned);
        let n_states = output.hidden_states.len();
        states.push(texts.weigh(output.hidden_states[n_states - 2].clone()));
        pooled = output.text_embeds.map(|embeds| texts.first_of_each(embeds));
        // One for a single encoder does not fit.
        let ink = LearnedEmbeddings::read(&folder, &["ink"], slot).unwrap_err().to_string();
        assert!(ink.contains(key) && ink.contains("one text encoder"), "{ink}");
    }
    let states = Tensor::cat(states, 2);
    assert_close(&states, &fixture.tensor::<3>("two.states"), parity_tolerance(), "states");
    let pooled = pooled.unwrap();
    assert_close(&pooled, &fixture.tensor::<2>("two.pooled"), parity_tolerance(), "pooled");
}

#[test]
fn an_embedding_that_does_not_fit_is_refused_only_where_it_is_named() {
    let folder = fixture_path(NAME).join("embeddings");
    let read = |text: &str| LearnedEmbeddings::read(&folder, &[text], slot());
    assert!(read("wider boats, thinking <of> two_boats").unwrap().names().is_empty());
    let width = slot().width;
    let wide = read("a (wide:1.2) boat").unwrap_err().to_string();
    assert!(wide.contains(&format!("takes {width}")) && wide.contains("wide.safetensors"), "{wide}");
    let two = read("two boats").unwrap_err().to_string();
    assert!(two.contains("two text encoders"), "{two}");

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("old.pt"), b"PK").unwrap();
    fs::write(dir.path().join("page.safetensors"), b"<html>").unwrap();
    let read = |text: &str| LearnedEmbeddings::read(dir.path(), &[text], slot());
    assert!(read("a boat").unwrap().names().is_empty());
    assert!(read("old boat").unwrap_err().to_string().contains("pickle"));
    assert!(read("a page").is_err());
    assert!(read("a <page-toy>").unwrap().names().is_empty());
}

fn open(folders: PromptFolders) -> LoadedModel {
    let folder = StableDiffusion::open_folder(ModelFolder::Disk(fixture_path(MODEL))).unwrap();
    assert!(folder.features().contains(&limn_engine::protocol::Feature::PromptWeights));
    let runtime = Runtime {
        prompt_folders: folders,
        ..runtime(1 << 30, None)
    };
    LoadedModel::open(Box::new(folder), runtime).unwrap()
}

fn draw(model: &mut LoadedModel, request: &GenerateRequest) -> (Told, Vec<FinishedPicture>) {
    let mut told = Told::default();
    let result = generate::run(model, request, None, &mut |event| {
        told.note(event);
        Ok(())
    });
    result.unwrap();
    let pictures = std::mem::take(&mut told.pictures);
    (told, pictures)
}

fn request(prompt: &str) -> GenerateRequest {
    GenerateRequest {
        prompt: prompt.to_owned(),
        size: Some((24, 32)),
        seed: 21,
        sampling: Sampling {
            n_steps: Some(5),
            guidance_scale: Some(5.0),
            ..Sampling::default()
        },
        ..GenerateRequest::blank(ModelId(MODEL.to_owned()), Compute::default())
    }
}

#[test]
fn a_picture_of_weighted_chunks_is_diffusers() {
    let PictureCase { prompt, negative } = cases().picture;
    let mut request = request(&prompt);
    request.negative_prompt = Some(negative);
    request.sampling.guidance_rescale = Some(0.7);
    let (_, pictures) = draw(&mut open(PromptFolders::default()), &request);
    let file = fs::read(fixture_path(NAME).join("expected.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let expected = tensors.tensor("picture").unwrap().data().to_vec();
    let differences = pictures[0].rgb.iter().zip(&expected);
    let worst = differences.map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst <= Some(2), "{worst:?}");
}

#[test]
fn choices_are_the_seeds_and_told_and_each_picture_comes_again_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thing.txt"), "boat\nhouse\n").unwrap();
    let folders = PromptFolders {
        wildcards: Some(dir.path().to_owned()),
        ..PromptFolders::default()
    };
    let mut model = open(folders);
    let mut several = request("a {red|blue|big} __thing__ on the sea __nothing__");
    several.n_pictures = 6;
    several.negative_prompt = Some("{dark|small}".to_owned());
    let (told, pictures) = draw(&mut model, &several);
    let remarks = &told.plans[0].remarks;
    assert!(remarks.len() == 1 && remarks[0].contains("__nothing__"), "{remarks:?}");
    let words: Vec<_> = pictures.iter().map(|p| p.chosen.clone().unwrap()).collect();
    let mut distinct = words.clone();
    distinct.sort_by(|a, b| a.prompt.cmp(&b.prompt));
    distinct.dedup();
    assert!(distinct.len() > 1, "{words:?}");
    for (picture, words) in pictures.iter().zip(&words).take(3) {
        assert!(!words.prompt.contains(['{', '|']), "{words:?}");
        // By its own seed, and by its own words.
        let mut alone = several.clone();
        alone.n_pictures = 1;
        alone.seed = picture.seed;
        assert_eq!(draw(&mut model, &alone).1[0].rgb, picture.rgb);
        alone.prompt = words.prompt.clone();
        alone.negative_prompt = words.negative_prompt.clone();
        let (_, again) = draw(&mut model, &alone);
        assert_eq!((&again[0].rgb, &again[0].chosen), (&picture.rgb, &None));
    }
}

#[test]
fn hostile_prompts_answer_at_once() {
    let tokenizer = tokenizer();
    for prompt in [
        "boat ".repeat(2 << 20),
        "(".repeat(100_000),
        "(a:1.1)".repeat(100_000),
        "{a|".repeat(100_000) + &"}".repeat(100_000),
        " BREAK ".repeat(100_000),
        "🚤".repeat(1 << 20),
        " ".repeat(10 << 20),
    ] {
        let chunks = TokenChunks::new(&tokenizer, &parse(&prompt), &[]).unwrap();
        assert!(chunks.chunks.len() <= 32);
    }
    let unread = limn_engine::components::text_encoders::unread;
    let long = "boat ".repeat(2 << 20);
    assert!(unread(&tokenizer, &long).unwrap().is_some());
    assert_eq!(unread(&tokenizer, "a boat").unwrap(), None);
}
