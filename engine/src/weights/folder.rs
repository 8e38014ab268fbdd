//! A model's folder, or one component's: on disk, or embedded in the binary.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{
    bounded::UniqueMap,
    files::{TensorFile, TensorFiles},
    header::MAX_TENSORS,
    on_disk::{foreign_format, open_file},
    seen_folder::{FileFacts, SeenFolder},
};
use crate::{Error, Result, foreign_text};

/// A config is a page of text.
const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// Indices and vocabularies are long; those of the families Limn knows are far below 4 MB.
const MAX_TABLE_BYTES: u64 = 8 << 20;
const MAX_SHARDS: usize = 1_000;
/// The names that diffusers and transformers give a component's weights.
const WEIGHTS_STEMS: [&str; 2] = ["diffusion_pytorch_model", "model"];
const PICKLE_NAMES: [&str; 2] = ["diffusion_pytorch_model.bin", "pytorch_model.bin"];

/// A file inside the binary: its path within the model's folder, with `/`, and its bytes.
pub type EmbeddedFile = (&'static str, &'static [u8]);

/// A folder of configs, vocabularies and weights as `save_pretrained` writes it.
#[derive(Debug, Clone)]
pub enum ModelFolder {
    Disk(PathBuf),
    /// The files whose paths begin with `prefix`, which is empty or ends in `/`.
    Embedded {
        prefix: String,
        files: &'static [EmbeddedFile],
    },
    /// What files of another format hold, seen as such a folder; `prefix` as above.
    Seen {
        prefix: String,
        folder: Arc<SeenFolder>,
    },
}

impl ModelFolder {
    /// A model inside the binary.
    pub fn embedded(files: &'static [EmbeddedFile]) -> Self {
        Self::Embedded {
            prefix: String::new(),
            files,
        }
    }

    /// The folder of a component, as in `unet`.
    #[must_use]
    pub fn subfolder(&self, name: &str) -> Self {
        match self {
            Self::Disk(path) => Self::Disk(path.join(name)),
            Self::Embedded { prefix, files } => Self::Embedded {
                prefix: format!("{prefix}{name}/"),
                files,
            },
            Self::Seen { prefix, folder } => Self::Seen {
                prefix: format!("{prefix}{name}/"),
                folder: folder.clone(),
            },
        }
    }

    /// What is told of the files that are seen as this folder; nothing of a folder that is one.
    pub fn facts(&self) -> FileFacts {
        match self {
            Self::Seen { folder, .. } => folder.about.clone(),
            Self::Disk(_) | Self::Embedded { .. } => FileFacts::default(),
        }
    }

    /// The path of a file in here, as messages give it.
    pub fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Disk(path) => path.join(name),
            Self::Embedded { prefix, .. } => Path::new("built-in").join(format!("{prefix}{name}")),
            Self::Seen { prefix, folder } => folder.path(&format!("{prefix}{name}")),
        }
    }

    /// Whether there is a regular file `name` in here.
    pub fn has(&self, name: &str) -> bool {
        match self {
            Self::Disk(path) => path.join(name).is_file(),
            Self::Embedded { .. } => self.embedded_file(name).is_some(),
            Self::Seen { prefix, folder } => folder.has(&format!("{prefix}{name}")),
        }
    }

    /// The bytes of a small file.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotAModel`] when the file is larger than `max_bytes`.
    pub fn read(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>> {
        let path = self.path(name);
        let bytes = match self {
            Self::Embedded { .. } => self
                .embedded_file(name)
                .ok_or_else(|| Error::io(&path, std::io::ErrorKind::NotFound.into()))?
                .to_vec(),
            Self::Disk(_) => read_start(&path, max_bytes + 1)?,
            Self::Seen { prefix, folder } => {
                let name = format!("{prefix}{name}");
                match folder.text(&name) {
                    Some(text) => text.to_vec(),
                    None => folder.completed(&name, read_start(&path, max_bytes + 1)?),
                }
            }
        };
        if bytes.len() as u64 > max_bytes {
            return Err(Error::NotAModel {
                path,
                reason: format!("the file is larger than {max_bytes} bytes"),
            });
        }
        Ok(bytes)
    }

    /// A JSON file of at most 1 MiB: a config.
    ///
    /// # Errors
    /// As [`Self::read`], and [`Error::NotAModel`] when the JSON does not say what it should.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.parse_json(name, MAX_CONFIG_BYTES)
    }

    /// A JSON file of at most 8 MiB, for a `T` that bounds what it holds: an index, a vocabulary.
    ///
    /// # Errors
    /// Those of [`Self::read_json`].
    pub fn read_json_table<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.parse_json(name, MAX_TABLE_BYTES)
    }

    fn parse_json<T: DeserializeOwned>(&self, name: &str, max_bytes: u64) -> Result<T> {
        let bytes = self.read(name, max_bytes)?;
        serde_json::from_slice(&bytes).map_err(|error| Error::NotAModel {
            path: self.path(name),
            reason: foreign_text::reason(error).to_string(),
        })
    }

    /// The weights of the component in this folder, opened and checked.
    ///
    /// Where a file in half precision (`.fp16`) lies beside the full one, `prefer_half` decides.
    ///
    /// # Errors
    /// [`Error::Pickle`] when the weights are there only as a pickle; [`Error::BadWeights`] when there
    /// are none or they break the rules; [`Error::Io`].
    pub fn weights(&self, prefer_half: bool) -> Result<TensorFiles> {
        if let Self::Seen { prefix, folder } = self {
            return folder.weights(prefix.trim_end_matches('/'));
        }
        let variants = if prefer_half {
            [".fp16", ""]
        } else {
            ["", ".fp16"]
        };
        for variant in variants {
            for stem in WEIGHTS_STEMS {
                let name = format!("{stem}{variant}.safetensors");
                if self.has(&name) {
                    return TensorFiles::open(&[self.tensor_file(&name)?]);
                }
                // Both spellings exist: diffusers puts the variant before `.json`.
                for index in [
                    format!("{name}.index.json"),
                    format!("{stem}.safetensors.index{variant}.json"),
                ] {
                    if self.has(&index) {
                        return self.sharded_weights(&index);
                    }
                }
            }
        }
        Err(self.no_weights())
    }

    fn sharded_weights(&self, index_name: &str) -> Result<TensorFiles> {
        let bad = |reason| Error::BadWeights {
            path: self.path(index_name),
            reason,
        };
        let ShardIndex {
            weight_map: UniqueMap(weight_map),
        } = self.read_json_table(index_name)?;
        let mut shards: Vec<&str> = weight_map.values().map(String::as_str).collect();
        shards.sort_unstable();
        shards.dedup();
        if shards.len() > MAX_SHARDS {
            return Err(bad(format!("there are more than {MAX_SHARDS} shards")));
        }
        let files = shards
            .iter()
            .map(|shard| {
                if !is_plain_safetensors_name(shard) {
                    return Err(bad(format!("no shard can be called {shard:?}")));
                }
                self.tensor_file(shard)
            })
            .collect::<Result<Vec<_>>>()?;
        let files = TensorFiles::open(&files)?;
        match weight_map
            .keys()
            .find(|name| files.tensor(name.as_str()).is_none())
        {
            Some(name) => Err(bad(format!("tensor `{name}` is in no shard"))),
            None => Ok(files),
        }
    }

    fn tensor_file(&self, name: &str) -> Result<TensorFile> {
        Ok(match self {
            Self::Disk(_) | Self::Seen { .. } => TensorFile::Disk(self.path(name)),
            Self::Embedded { .. } => TensorFile::Embedded {
                name: self.path(name).display().to_string(),
                bytes: self.embedded_file(name).ok_or_else(|| {
                    Error::io(self.path(name), std::io::ErrorKind::NotFound.into())
                })?,
            },
        })
    }

    fn embedded_file(&self, name: &str) -> Option<&'static [u8]> {
        let Self::Embedded { prefix, files } = self else {
            return None;
        };
        files
            .iter()
            .find(|(path, _)| path.strip_prefix(prefix.as_str()) == Some(name))
            .map(|(_, bytes)| *bytes)
    }

    /// Why there are no weights here: perhaps because they are a pickle.
    fn no_weights(&self) -> Error {
        for name in PICKLE_NAMES {
            let path = self.path(name);
            let Ok((mut file, _)) = open_file(&path) else {
                continue;
            };
            let mut start = [0; 9];
            if file.read_exact(&mut start).is_ok() && foreign_format(&start) == Some("pickle") {
                return Error::Pickle { path };
            }
        }
        Error::BadWeights {
            path: self.path(""),
            reason: "there is no file of weights (`*.safetensors`)".to_owned(),
        }
    }
}

/// At most `n_bytes` of a file.
fn read_start(path: &Path, n_bytes: u64) -> Result<Vec<u8>> {
    let (file, _) = open_file(path)?;
    let mut bytes = Vec::new();
    file.take(n_bytes)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io(path, error))?;
    Ok(bytes)
}

/// Whether a name from a file stays within its folder on every system.
pub(crate) fn is_plain_safetensors_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    name.ends_with(".safetensors")
        && name.len() <= 255
        && !name.starts_with('.')
        && name.chars().all(is_plain)
}

#[derive(Deserialize)]
struct ShardIndex {
    weight_map: UniqueMap<String, MAX_TENSORS>,
}
