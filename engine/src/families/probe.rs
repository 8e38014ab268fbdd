//! What is known of a folder or file before any family has read it.

use std::path::{Path, PathBuf};

use super::latent_diffusion::single_file::describe_lone_part;
use crate::{
    Error, Result,
    model::{CARD_NAME, MODEL_INDEX, not_a_model, pipeline_class, read_card},
    weights::{ModelFolder, TensorFile, TensorFiles, is_plain_safetensors_name},
};

/// A folder as `save_pretrained` writes one, or a single file with all of a model in it: enough to tell which family
/// a model is of, by what is in it and never by its name.
#[derive(Debug)]
pub enum Probe {
    Folder {
        folder: ModelFolder,
        /// The class in `model_index.json`.
        pipeline: Option<String>,
    },
    File(FileProbe),
}

/// The header of a single file.
#[derive(Debug)]
pub struct FileProbe {
    /// The shards, in their order.
    paths: Vec<PathBuf>,
    /// Where a `limn.json` would lie.
    card_path: PathBuf,
    files: TensorFiles,
}

impl Probe {
    pub fn folder(folder: ModelFolder) -> Self {
        Self::Folder {
            pipeline: pipeline_class(&folder).ok(),
            folder,
        }
    }

    /// # Errors
    /// Those of [`TensorFiles::open`].
    pub fn file(path: &Path) -> Result<Self> {
        Self::files(shards(path), path.with_extension("limn.json"))
    }

    /// The parts of a model in files of their own, as a folder's card names them; `None` for any other folder.
    ///
    /// # Errors
    /// Those of [`TensorFiles::open`]; [`Error::NotAModel`] for a name that is no file's in that folder.
    pub fn parts(folder: &Path) -> Option<Result<Self>> {
        let own = ModelFolder::Disk(folder.to_owned());
        if own.has(MODEL_INDEX) || !own.has(CARD_NAME) {
            return None;
        }
        // A card that cannot be read is told of by what needs it.
        let card = read_card(&own).ok()?;
        if card.parts.is_empty() {
            return None;
        }
        let paths = card.parts.iter().map(|part| {
            if is_plain_safetensors_name(part) {
                return Ok(folder.join(part));
            }
            Err(not_a_model(
                &own,
                format!("{CARD_NAME}: no part can be called {part:?}"),
            ))
        });
        let paths = paths.collect::<Result<Vec<_>>>();
        Some(paths.and_then(|paths| Self::files(paths, folder.join(CARD_NAME))))
    }

    fn files(paths: Vec<PathBuf>, card_path: PathBuf) -> Result<Self> {
        let files: Vec<_> = paths.iter().cloned().map(TensorFile::Disk).collect();
        Ok(Self::File(FileProbe {
            files: TensorFiles::open(&files)?,
            card_path,
            paths,
        }))
    }

    /// The class that a folder's `model_index.json` names.
    pub fn pipeline(&self) -> Option<&str> {
        match self {
            Self::Folder { pipeline, .. } => pipeline.as_deref(),
            Self::File(_) => None,
        }
    }

    /// What no family reads, with what is there and what could be.
    pub(super) fn refuse(&self, reads: &str) -> Error {
        match self {
            Self::Folder { folder, .. } => match pipeline_class(folder) {
                Ok(class) => Error::NotAModel {
                    path: folder.path(""),
                    reason: format!("its pipeline is {class}, and Limn reads {reads}"),
                },
                Err(error) => error,
            },
            Self::File(file) => Error::NotAModel {
                path: file.path().to_owned(),
                reason: describe_lone_part(&file.files).unwrap_or_else(|| {
                    let n_tensors = file.files.names().count();
                    format!("it is a single file of {n_tensors} tensors, and Limn reads {reads}")
                }),
            },
        }
    }
}

impl FileProbe {
    /// The first file, which stands for all of them.
    pub fn path(&self) -> &Path {
        self.files.path()
    }

    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    pub fn card_path(&self) -> PathBuf {
        self.card_path.clone()
    }

    /// The numbers of one small tensor, where it is there and can be read.
    pub fn numbers(&self, name: &str) -> Option<Vec<f32>> {
        const MOST: usize = 1 << 16;
        let n_numbers = self.shape(name)?.iter().product::<usize>();
        let (_, numbers) = (n_numbers <= MOST).then(|| self.files.numbers(name).ok())??;
        Some(numbers)
    }

    /// The header, with every tensor's name and dtype.
    pub fn files(&self) -> &TensorFiles {
        &self.files
    }

    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.files.shape(name)
    }

    /// Whether any tensor's name begins so.
    pub fn has_prefix(&self, prefix: &str) -> bool {
        self.files.names().any(|name| name.starts_with(prefix))
    }

    /// What the file says of itself, as in `modelspec.architecture`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.files.metadata().get(key).map(String::as_str)
    }
}

/// The files of one model that is in several, as `name-00001-of-00002.safetensors`; else the file alone.
pub(crate) fn shards(path: &Path) -> Vec<PathBuf> {
    const MOST: usize = 100;
    let alone = || vec![path.to_owned()];
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(shard) = Shard::parse(&name).filter(|shard| shard.n_shards <= MOST) else {
        return alone();
    };
    let shards = (1..=shard.n_shards).map(|number| path.with_file_name(shard.name(number)));
    let shards: Vec<PathBuf> = shards.collect();
    if shards.iter().all(|shard| shard.is_file()) {
        shards
    } else {
        alone()
    }
}

/// A name such as `model-00001-of-00002.safetensors`.
pub(crate) struct Shard {
    pub stem: String,
    pub number: usize,
    n_shards: usize,
}

impl Shard {
    pub fn parse(name: &str) -> Option<Self> {
        let (rest, n_shards) = name.strip_suffix(".safetensors")?.rsplit_once("-of-")?;
        let (stem, number) = rest.rsplit_once('-')?;
        let is_five_digits =
            |text: &str| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
        if !is_five_digits(number) || !is_five_digits(n_shards) {
            return None;
        }
        Some(Self {
            stem: stem.to_owned(),
            number: number.parse().ok()?,
            n_shards: n_shards.parse().ok()?,
        })
    }

    fn name(&self, number: usize) -> String {
        let Self { stem, n_shards, .. } = self;
        format!("{stem}-{number:05}-of-{n_shards:05}.safetensors")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::families;

    #[test]
    fn a_file_is_known_by_its_keys_shapes_and_words() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("any name.safetensors");
        let header = r#"{"__metadata__":{"modelspec.architecture":"tiny"},"unet.conv_in.weight":{"dtype":"F16","shape":[2,9],"data_offsets":[0,36]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 36]);
        std::fs::write(&path, &bytes).unwrap();
        let probe = Probe::file(&path).unwrap();
        let Probe::File(file) = &probe else {
            panic!("{probe:?}");
        };
        assert_eq!(file.shape("unet.conv_in.weight"), Some(&[2, 9][..]));
        assert!(file.has_prefix("unet.") && !file.has_prefix("vae."));
        assert_eq!(file.metadata("modelspec.architecture"), Some("tiny"));
        assert!(families::recognise(&probe).is_none());
        let message = families::open(&probe, None).unwrap_err().to_string();
        assert!(message.contains("single file of 1 tensors"), "{message}");

        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let message = Probe::file(&path).unwrap_err().to_string();
        assert!(message.contains("cut short"), "{message}");
    }

    #[test]
    fn a_folder_is_known_by_its_pipeline() {
        let dir = tempfile::tempdir().unwrap();
        let write = |class: &str| {
            let index = format!(r#"{{"_class_name": "{class}"}}"#);
            std::fs::write(dir.path().join("model_index.json"), index).unwrap();
            Probe::folder(ModelFolder::Disk(dir.path().to_owned()))
        };
        for (class, expected) in [
            ("KandinskyV22CombinedPipeline", Some(true)),
            ("KandinskyV22InpaintPipeline", Some(true)),
            ("KandinskyV22PriorPipeline", Some(false)),
            ("AnotherPipeline", None),
        ] {
            let recognised = families::recognise(&write(class));
            let is_model = recognised
                .map(|(_, recognised)| matches!(recognised, families::Recognised::Model { .. }));
            assert_eq!(is_model, expected, "{class}");
        }
        let message = families::open(&write("AnotherPipeline"), None).unwrap_err();
        assert!(message.to_string().contains("AnotherPipeline"), "{message}");
    }
}
