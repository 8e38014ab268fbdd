//! CLIP's vocabulary, which single files do not bring.

use std::{io::Read, sync::OnceLock};

use flate2::read::GzDecoder;
use serde_json::{Map, Value};

use crate::weights::SeenFolder;

/// As transformers writes `merges.txt`: the 48,894 merges of Radford et al. 2021.
static MERGES_GZ: &[u8] = include_bytes!("../../../../../assets/clip/merges.txt.gz");

/// Puts CLIP's tokenizer into the folder as which a file is seen; `pad_token` is what fills up short prompts.
pub(super) fn add_tokenizer(folder: &mut SeenFolder, name: &str, pad_token: &str) {
    let (vocabulary, merges) = files();
    let config = format!(r#"{{"model_max_length": 77, "pad_token": "{pad_token}"}}"#);
    folder.add_text(format!("{name}/tokenizer_config.json"), config.into_bytes());
    folder.add_text(format!("{name}/vocab.json"), vocabulary);
    folder.add_text(format!("{name}/merges.txt"), merges);
}

/// `vocab.json` and `merges.txt`.
fn files() -> (&'static [u8], &'static [u8]) {
    static FILES: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    let (vocabulary, merges) = FILES.get_or_init(|| {
        let mut merges = String::new();
        GzDecoder::new(MERGES_GZ)
            .read_to_string(&mut merges)
            .expect("the file of merges in this program is whole");
        (
            vocabulary(&merges).to_string().into_bytes(),
            merges.into_bytes(),
        )
    });
    (vocabulary, merges)
}

/// The bytes, the bytes at a word's end, the merges in their order, and the two marks.
fn vocabulary(merges: &str) -> Value {
    let merged = merges.lines().skip(1).map(|line| line.replace(' ', ""));
    let letters = byte_letters().map(String::from);
    let tokens = letters
        .clone()
        .chain(letters.map(|letter| format!("{letter}</w>")))
        .chain(merged)
        .chain(["<|startoftext|>", "<|endoftext|>"].map(str::to_owned));
    let ids = tokens
        .enumerate()
        .map(|(id, token)| (token, Value::from(id)));
    Value::Object(ids.collect::<Map<_, _>>())
}

/// The letter that stands for each byte: those that can be seen for themselves first, then the others.
fn byte_letters() -> impl Iterator<Item = char> + Clone {
    let seen = ('!'..='~').chain('¡'..='¬').chain('®'..='ÿ');
    let n_unseen = 256 - seen.clone().count() as u32;
    seen.chain((256..256 + n_unseen).filter_map(char::from_u32))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::tokenizer::Tokenizer;

    #[test]
    fn the_vocabulary_is_clips() {
        for (pad_token, pad_id) in [("<|endoftext|>", 49_407), ("!", 0)] {
            let mut folder = SeenFolder::new(vec!["model.safetensors".into()]);
            add_tokenizer(&mut folder, "tokenizer", pad_token);
            let folder = folder.into_folder().subfolder("tokenizer");
            let tokenizer = Tokenizer::load(&folder).unwrap();
            assert_eq!((tokenizer.n_ids(), tokenizer.max_length()), (49_408, 77));
            let ids = tokenizer.encode("a photo of a cat").unwrap().ids;
            let expected = [49_406, 320, 1_125, 539, 320, 2_368, 49_407, pad_id];
            assert_eq!(ids[..8], expected);
        }
    }
}
