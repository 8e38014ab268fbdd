//! What is known of a folder or file before any family has read it.

use std::path::{Path, PathBuf};

use crate::{
    Error, Result,
    model::pipeline_class,
    weights::{ModelFolder, TensorFile, TensorFiles},
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
    path: PathBuf,
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
        Ok(Self::File(FileProbe {
            path: path.to_owned(),
            files: TensorFiles::open(&[TensorFile::Disk(path.to_owned())])?,
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
                path: file.path.clone(),
                reason: format!(
                    "it is a single file of {} tensors, and Limn reads {reads}",
                    file.files.names().count()
                ),
            },
        }
    }
}

impl FileProbe {
    pub fn path(&self) -> &Path {
        &self.path
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
