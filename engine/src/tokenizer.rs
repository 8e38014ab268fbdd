//! Prompts to token ids: CLIP's byte-pair encoding.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use tokenizers::{
    AddedToken, SplitDelimiterBehavior,
    models::bpe::BPE,
    normalizers::{Lowercase, NFC, Replace, Sequence as Normalizers, replace::ReplacePattern},
    pre_tokenizers::{
        byte_level::ByteLevel,
        sequence::Sequence as PreTokenizers,
        split::{Split, SplitPattern},
    },
};

use crate::{
    Error, Result, foreign_text,
    weights::{ModelFolder, ShortList, UniqueMap},
};

const MAX_MERGES_BYTES: u64 = 8 << 20;
/// CLIP has half as many.
const MAX_TOKENS: usize = 100_000;
/// What CLIP was trained with, for configs that do not say.
const DEFAULT_MAX_LENGTH: usize = 77;
const MAX_MAX_LENGTH: f64 = 4_096.0;
/// CLIP's own division into words, as transformers writes it.
const WORD_PATTERN: &str =
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// The tokenizer of a CLIP text encoder: lower case, NFC, folded white space, byte-pair encoding.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    bpe: tokenizers::Tokenizer,
    bos_id: u32,
    eos_id: u32,
    pad_id: u32,
    n_ids: u32,
    max_length: usize,
    path: PathBuf,
}

/// A prompt as the text encoder takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizedPrompt {
    /// [`Tokenizer::max_length`] of them: begin, the prompt's tokens, end, padding.
    pub ids: Vec<u32>,
    /// False where [`Self::ids`] is padding.
    pub attention_mask: Vec<bool>,
    /// How many tokens the whole prompt has, begin and end included.
    pub n_tokens: usize,
    /// The end of the prompt, in the user's spelling, for which there was no room.
    pub cut_off: Option<String>,
}

impl Tokenizer {
    /// Loads the tokenizer in `folder`: `vocab.json` with `merges.txt`, or else the vocabulary and merges
    /// of `tokenizer.json`; and `tokenizer_config.json` or `special_tokens_map.json`, where they are.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotAModel`] when the files do not make a tokenizer.
    pub fn load(folder: &ModelFolder) -> Result<Self> {
        let bad = |reason| Error::NotAModel {
            path: folder.path("tokenizer_config.json"),
            reason,
        };
        let special = SpecialTokens::read(folder)?;
        let mut bpe = build_bpe(folder, &special.unk_token)?;
        for content in [
            &special.bos_token,
            &special.eos_token,
            &special.unk_token,
            &special.pad_token,
        ] {
            bpe.add_special_tokens([AddedToken::from(content.as_str(), true)])
                .map_err(|error| bad(error.to_string()))?;
        }
        let id_of = |content: &str| {
            bpe.token_to_id(content)
                .ok_or_else(|| bad(format!("there is no token {content:?}")))
        };
        Ok(Self {
            bos_id: id_of(&special.bos_token)?,
            eos_id: id_of(&special.eos_token)?,
            pad_id: id_of(&special.pad_token)?,
            n_ids: bpe
                .get_vocab(true)
                .values()
                .max()
                .map_or(0, |id| id.saturating_add(1)),
            max_length: special.max_length,
            path: folder.path("tokenizer_config.json"),
            bpe,
        })
    }

    /// The number of ids that [`Self::encode`] gives, begin and end included.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// Every id that [`Self::encode`] gives is below this.
    pub fn n_ids(&self) -> u32 {
        self.n_ids
    }

    /// The ids that begin, end and pad a prompt.
    pub fn bos_id(&self) -> u32 {
        self.bos_id
    }

    pub fn eos_id(&self) -> u32 {
        self.eos_id
    }

    pub fn pad_id(&self) -> u32 {
        self.pad_id
    }

    /// A text's tokens alone, however many.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn ids(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.bpe.encode_fast(text, false);
        let encoding = encoding.map_err(|error| self.unspellable(&error))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Tokenises a prompt; the empty one too, which means no wish at all.
    ///
    /// # Errors
    /// [`Error::NotAModel`] when the vocabulary cannot spell the prompt and has no token for that.
    pub fn encode(&self, prompt: &str) -> Result<TokenizedPrompt> {
        let encoding = self
            .bpe
            .encode(prompt, false)
            .map_err(|error| self.unspellable(&error))?;
        let n_marks = 2;
        let n_kept = encoding.len().min(self.max_length - n_marks);
        let cut_off = encoding.get_offsets().get(n_kept).map(|&(begin, _)| {
            let begin = prompt.floor_char_boundary(begin);
            prompt[begin..].trim().to_owned()
        });
        let mut ids = Vec::with_capacity(self.max_length);
        ids.push(self.bos_id);
        ids.extend(&encoding.get_ids()[..n_kept]);
        ids.push(self.eos_id);
        let mut attention_mask = vec![true; ids.len()];
        ids.resize(self.max_length, self.pad_id);
        attention_mask.resize(self.max_length, false);
        Ok(TokenizedPrompt {
            ids,
            attention_mask,
            n_tokens: encoding.len() + n_marks,
            cut_off,
        })
    }

    fn unspellable(&self, error: &tokenizers::Error) -> Error {
        Error::NotAModel {
            path: self.path.clone(),
            reason: error.to_string(),
        }
    }
}

/// The pipeline that transformers' `CLIPTokenizer` builds, without its post-processor.
fn build_bpe(folder: &ModelFolder, unk_token: &str) -> Result<tokenizers::Tokenizer> {
    let Vocabulary {
        path,
        vocab,
        merges,
    } = Vocabulary::read(folder)?;
    let bad = |error: tokenizers::Error| Error::NotAModel {
        path: path.clone(),
        reason: error.to_string(),
    };
    let model = BPE::builder()
        .vocab_and_merges(
            vocab
                .0
                .into_iter()
                .collect::<tokenizers::models::bpe::Vocab>(),
            merges,
        )
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix("</w>".to_owned())
        .unk_token(unk_token.to_owned())
        .build()
        .map_err(bad)?;
    let white_space = ReplacePattern::Regex(r"\s+".to_owned());
    let normalizers = Normalizers::new(vec![
        NFC.into(),
        Replace::new(white_space, " ").map_err(bad)?.into(),
        Lowercase.into(),
    ]);
    let words = SplitPattern::Regex(WORD_PATTERN.to_owned());
    let pre_tokenizers = PreTokenizers::new(vec![
        Split::new(words, SplitDelimiterBehavior::Removed, true)
            .map_err(bad)?
            .into(),
        ByteLevel::new(false, true, true).into(),
    ]);
    let mut bpe = tokenizers::Tokenizer::new(model);
    bpe.with_normalizer(Some(normalizers)).map_err(bad)?;
    bpe.with_pre_tokenizer(Some(pre_tokenizers));
    Ok(bpe)
}

struct Vocabulary {
    path: PathBuf,
    vocab: VocabularyTable,
    merges: Vec<(String, String)>,
}

type VocabularyTable = UniqueMap<u32, MAX_TOKENS>;

#[derive(Deserialize)]
struct TokenizerJson {
    model: TokenizerJsonModel,
}

#[derive(Deserialize)]
struct TokenizerJsonModel {
    vocab: VocabularyTable,
    merges: ShortList<Merge, MAX_TOKENS>,
}

/// `["a", "b"]`, or before tokenizers 0.20 `"a b"`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Pair(String, String),
    Line(String),
}

impl Vocabulary {
    fn read(folder: &ModelFolder) -> Result<Self> {
        let has_plain_files = folder.has("vocab.json") && folder.has("merges.txt");
        if has_plain_files || !folder.has("tokenizer.json") {
            let merges = folder.read("merges.txt", MAX_MERGES_BYTES)?;
            let merges = String::from_utf8_lossy(&merges);
            let lines = merges
                .lines()
                .filter(|line| !line.is_empty() && !line.starts_with("#version"));
            return Ok(Self {
                path: folder.path("merges.txt"),
                vocab: folder.read_json_table("vocab.json")?,
                merges: pairs(
                    folder,
                    "merges.txt",
                    lines.map(str::to_owned).map(Merge::Line),
                )?,
            });
        }
        let TokenizerJson { model } = folder.read_json_table("tokenizer.json")?;
        Ok(Self {
            path: folder.path("tokenizer.json"),
            vocab: model.vocab,
            merges: pairs(folder, "tokenizer.json", model.merges.0.into_iter())?,
        })
    }
}

fn pairs(
    folder: &ModelFolder,
    file_name: &str,
    merges: impl Iterator<Item = Merge>,
) -> Result<Vec<(String, String)>> {
    let bad = |reason| Error::NotAModel {
        path: folder.path(file_name),
        reason,
    };
    // One more shows that there are too many.
    let merges: Vec<_> = merges
        .take(MAX_TOKENS + 1)
        .map(|merge| match merge {
            Merge::Pair(left, right) => Ok((left, right)),
            Merge::Line(line) => match line.split_once(' ') {
                Some((left, right)) => Ok((left.to_owned(), right.trim_end().to_owned())),
                None => Err(bad(format!(
                    "`{}` is no merge of two tokens",
                    foreign_text::name(line)
                ))),
            },
        })
        .collect::<Result<_>>()?;
    if merges.len() > MAX_TOKENS {
        return Err(bad(format!("there are more than {MAX_TOKENS} merges")));
    }
    Ok(merges)
}

/// The tokens with a meaning of their own, and the length that prompts are padded to.
struct SpecialTokens {
    bos_token: String,
    eos_token: String,
    unk_token: String,
    pad_token: String,
    max_length: usize,
}

impl SpecialTokens {
    fn read(folder: &ModelFolder) -> Result<Self> {
        let read = |name| -> Result<Value> {
            if folder.has(name) {
                folder.read_json(name)
            } else {
                Ok(Value::Null)
            }
        };
        let sources = [
            read("tokenizer_config.json")?,
            read("special_tokens_map.json")?,
        ];
        // A token is its text, or an object with the text and how to match it.
        let token = |name: &str, default: &str| {
            sources
                .iter()
                .map(|source| &source[name])
                .find_map(|token| token.as_str().or_else(|| token["content"].as_str()))
                .unwrap_or(default)
                .to_owned()
        };
        let max_length = sources[0]["model_max_length"]
            .as_f64()
            // Without begin, end and one token between there is no prompt; "no limit" is written 1e30.
            .filter(|length| (3.0..=MAX_MAX_LENGTH).contains(length))
            .map_or(DEFAULT_MAX_LENGTH, |length| length as usize);
        Ok(Self {
            bos_token: token("bos_token", "<|startoftext|>"),
            unk_token: token("unk_token", "<|endoftext|>"),
            pad_token: token("pad_token", "<|endoftext|>"),
            eos_token: token("eos_token", "<|endoftext|>"),
            max_length,
        })
    }
}
