//! Textual inversion, Gal et al. 2022: embeddings that people have trained for a word of their own, one small file each.

use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, Tensor};

use crate::{
    Error, Result, foreign_text,
    prompt_language::{EmbeddingName, mentions},
    weights::{LoadOptions, NameRules, Target, TensorFile, TensorFiles, load_component},
};

/// Files that are looked through in a folder.
const MAX_FILES: usize = 5_000;
/// Rows of one embedding: people's have 1 to 32.
const MAX_ROWS: usize = 1_024;
/// What the files of families with two text encoders call each one's.
const OF_ENCODERS: [&str; 2] = ["clip_l", "clip_g"];

/// Which text encoder embeddings are for.
#[derive(Debug, Clone, Copy)]
pub struct EncoderSlot {
    /// As the files of families with two encoders call it; `None` where there is one.
    pub key: Option<&'static str>,
    /// Numbers of a token.
    pub width: usize,
}

/// The embeddings that prompts name.
#[derive(Debug, Default)]
pub struct LearnedEmbeddings {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: EmbeddingName,
    rows: Vec<Vec<f32>>,
}

impl LearnedEmbeddings {
    /// Those in `folder` that any of `texts` names, by the file's name or by the token inside it.
    ///
    /// # Errors
    /// [`Error::BadWeights`] for one that is named and of another width; [`Error::Pickle`] for one that is no
    /// safetensors file; those of reading it. What nobody names is not looked into.
    pub fn read(folder: &Path, texts: &[&str], slot: EncoderSlot) -> Result<Self> {
        let mut entries = Vec::new();
        // A token is mostly in angle brackets.
        let may_be_tokens = texts.iter().any(|text| text.contains('<'));
        for path in files(folder) {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let is_meant = |name: &str| texts.iter().any(|text| mentions(text, name));
            let by_stem = is_meant(&stem);
            if !by_stem && !may_be_tokens {
                continue;
            }
            if !is_safetensors(&path) {
                if by_stem {
                    return Err(Error::Pickle { path });
                }
                continue;
            }
            let opened = TensorFiles::open(&[TensorFile::Disk(path.clone())]);
            let files = match opened {
                Ok(files) => files,
                Err(error) if by_stem => return Err(error),
                Err(_) => continue,
            };
            let token = token(&files).filter(|token| is_meant(token));
            if !by_stem && token.is_none() {
                continue;
            }
            let rows = read_rows(files, slot)?;
            let names = by_stem.then(|| stem.into_owned()).into_iter().chain(token);
            entries.extend(names.map(|name| Entry {
                name: EmbeddingName {
                    name,
                    n_tokens: rows.len(),
                },
                rows: rows.clone(),
            }));
        }
        Ok(Self { entries })
    }

    pub fn names(&self) -> Vec<EmbeddingName> {
        self.entries
            .iter()
            .map(|entry| entry.name.clone())
            .collect()
    }

    /// Of the `index`th name, the `row`th token.
    pub(super) fn row(&self, index: usize, row: usize) -> &[f32] {
        &self.entries[index].rows[row]
    }
}

/// Every file that may be an embedding, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| is_safetensors(path) || has_extension(path, &["pt", "bin", "ckpt"]))
        .take(MAX_FILES)
        .collect();
    paths.sort();
    paths
}

fn is_safetensors(path: &Path) -> bool {
    has_extension(path, &["safetensors", "sft"])
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    path.extension().is_some_and(|own| {
        let mut extensions = extensions.iter();
        extensions.any(|extension| own.eq_ignore_ascii_case(extension))
    })
}

/// The word that a file of diffusers is for: the name of its one tensor.
fn token(files: &TensorFiles) -> Option<String> {
    let mut names = files.names();
    let (name, None) = (names.next()?, names.next()) else {
        return None;
    };
    let is_token = name != "emb_params" && !OF_ENCODERS.contains(&name);
    is_token.then(|| name.to_owned())
}

fn read_rows(files: TensorFiles, slot: EncoderSlot) -> Result<Vec<Vec<f32>>> {
    let name = tensor_of(&files, slot).ok_or_else(|| bad(&files, no_tensor(&files, slot)))?;
    let shape = files.shape(&name).unwrap_or_default().to_vec();
    let (n_rows, width) = match shape[..] {
        [width] => (1, width),
        [n_rows, width] => (n_rows, width),
        _ => (0, 0),
    };
    if width != slot.width {
        return Err(bad(
            &files,
            format!(
                "its embedding has {width} numbers a token and this model's text encoder takes {}: it is for another kind of model",
                slot.width
            ),
        ));
    }
    if !(1..=MAX_ROWS).contains(&n_rows) {
        return Err(bad(
            &files,
            format!("its embedding has {n_rows} tokens, and 1 to {MAX_ROWS} are possible"),
        ));
    }
    let files = files.seen_as(|other, _| {
        let is_meant = other == name;
        is_meant
            .then(|| Target::whole("rows"))
            .into_iter()
            .collect()
    })?;
    let device = Device::flex();
    let options = LoadOptions::new(&device, DType::F32);
    let (rows, _) = load_component(&files, &NameRules::EXACT, &options, |parameters| {
        Ok(if shape.len() == 1 {
            let row: Tensor<1> = parameters.tensor("rows", [width])?;
            row.unsqueeze::<2>()
        } else {
            parameters.tensor("rows", [n_rows, width])?
        })
    })?;
    let data = rows.into_data();
    let numbers: Vec<f32> = data
        .try_to_vec()
        .map_err(|error| Error::Bug(format!("an embedding is read in f32: {error:?}")))?;
    Ok(numbers.chunks_exact(width).map(<[f32]>::to_vec).collect())
}

fn bad(files: &TensorFiles, reason: String) -> Error {
    Error::BadWeights {
        path: files.path().to_owned(),
        reason,
    }
}

/// The tensor for this encoder: by its own name where the file is for two, else the only one.
fn tensor_of(files: &TensorFiles, slot: EncoderSlot) -> Option<String> {
    let is_for_two = files.names().any(|name| OF_ENCODERS.contains(&name));
    let own = slot.key.filter(|_| is_for_two);
    if let Some(key) = own {
        return files.names().find(|name| *name == key).map(str::to_owned);
    }
    if is_for_two || slot.key.is_some() {
        return None;
    }
    let named = |name: &&str| *name == "emb_params" || name.starts_with("string_to_param");
    let found = files.names().find(named).map(str::to_owned);
    found.or_else(|| token(files))
}

fn no_tensor(files: &TensorFiles, slot: EncoderSlot) -> String {
    let names: Vec<&str> = files.names().take(5).collect();
    let names = foreign_text::name(names.join(", "));
    match slot.key {
        Some(key) => format!(
            "it holds {names} and no `{key}`: it is an embedding for a model with one text encoder"
        ),
        None => format!(
            "it holds {names}: it is no embedding, or one for a model with two text encoders"
        ),
    }
}
