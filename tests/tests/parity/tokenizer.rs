//! The tokenizer against transformers' `CLIPTokenizer`, on texts in many scripts.
//! `tests/reference/make_tokenizer.py` makes the fixtures.

use std::{collections::BTreeMap, fs, time::Instant};

use limn_engine::{tokenizer::Tokenizer, weights::ModelFolder};
use serde::Deserialize;

use crate::harness::fixture_path;

#[derive(Deserialize)]
struct Case {
    text: String,
    #[serde(flatten)]
    by_vocabulary: BTreeMap<String, Expected>,
}

#[derive(Deserialize)]
struct Expected {
    ids: Vec<u32>,
    mask: Vec<u8>,
    n_tokens: usize,
}

fn load(vocabulary: &str) -> Tokenizer {
    let folder = fixture_path("tokenizer").join(vocabulary);
    Tokenizer::load(&ModelFolder::Disk(folder)).unwrap()
}

#[test]
fn texts_tokenise_as_in_the_reference() {
    let table = fs::read(fixture_path("tokenizer").join("texts.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_slice(&table).unwrap();
    assert!(cases.len() >= 70);
    let mut tokenizers: BTreeMap<String, Tokenizer> = BTreeMap::new();
    for case in &cases {
        for (vocabulary, expected) in &case.by_vocabulary {
            let tokenizer = tokenizers
                .entry(vocabulary.clone())
                .or_insert_with(|| load(vocabulary));
            let start = Instant::now();
            let tokenised = tokenizer.encode(&case.text).unwrap();
            let what = format!("{:?} by {vocabulary}", case.text);
            assert!(start.elapsed().as_secs_f64() < 1.0, "{what} took too long");
            assert_eq!(tokenised.ids, expected.ids, "{what}");
            let mask: Vec<u8> = tokenised.attention_mask.into_iter().map(u8::from).collect();
            assert_eq!(mask, expected.mask, "{what}");
            assert_eq!(tokenised.n_tokens, expected.n_tokens, "{what}");
            assert_eq!(
                tokenised.cut_off.is_some(),
                expected.n_tokens > tokenizer.max_length(),
                "{what}"
            );
            assert!(tokenised.ids.iter().all(|&id| id < tokenizer.n_ids()));
        }
    }
}

#[test]
fn what_is_cut_off_is_told_in_the_users_words() {
    let tokenizer = load("plain");
    let n_words = tokenizer.max_length() - 2;
    let words = |n: usize| vec!["Cat"; n].join(" ");
    for (rest, expected) in [
        ("", None),
        ("  ", None),
        (" Dog", Some("Dog")),
        ("  Red\tHOUSE 😀 é!", Some("Red\tHOUSE 😀 é!")),
        ("😀", Some("😀")),
    ] {
        let tokenised = tokenizer.encode(&format!("{}{rest}", words(n_words)));
        assert_eq!(tokenised.unwrap().cut_off.as_deref(), expected, "{rest:?}");
    }
}
