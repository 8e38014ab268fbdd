//! Where everything lives on disk: the only place that decides.
//!
//! `LIMN_HOME`, where set, puts all of it under one folder: for a portable Limn and for tests.

use std::path::{Path, PathBuf};

use directories::{BaseDirs, ProjectDirs, UserDirs};

pub const HOME_VARIABLE: &str = "LIMN_HOME";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Settings.
    pub config: PathBuf,
    /// Indexes of galleries, kept apart from the pictures.
    pub indexes: PathBuf,
    /// Working files of the open documents.
    pub documents: PathBuf,
    /// What can be made again: thumbnails, tuning, self-test results.
    pub cache: PathBuf,
    pub logs: PathBuf,
    /// The gallery, unless the settings name another.
    pub pictures: PathBuf,
    /// The library of models.
    pub models: PathBuf,
}

impl Folders {
    /// The folders of this user on this system, or those under `LIMN_HOME`.
    ///
    /// # Errors
    /// If the system knows no home folder.
    pub fn find() -> anyhow::Result<Self> {
        if let Some(home) = std::env::var_os(HOME_VARIABLE).filter(|home| !home.is_empty()) {
            return Ok(Self::under(&std::path::absolute(home)?));
        }
        let unknown = || {
            anyhow::anyhow!(
                "this system names no home folder for you: set {HOME_VARIABLE} to the folder where Limn may keep its files"
            )
        };
        let project = ProjectDirs::from("", "", "Limn").ok_or_else(unknown)?;
        let home = BaseDirs::new().ok_or_else(unknown)?.home_dir().to_owned();
        let pictures = UserDirs::new()
            .and_then(|user| user.picture_dir().map(Path::to_owned))
            .unwrap_or_else(|| home.join("Pictures"));
        Ok(Self {
            config: project.config_dir().to_owned(),
            indexes: project.data_local_dir().join("index"),
            documents: project.data_local_dir().join("open"),
            cache: project.cache_dir().to_owned(),
            logs: project.cache_dir().join("logs"),
            pictures: pictures.join("Limn"),
            models: project.data_local_dir().join("models"),
        })
    }

    /// The list of styles, beside the library of models.
    pub fn styles(&self) -> PathBuf {
        self.models.with_file_name("styles.csv")
    }

    /// All folders under one.
    pub fn under(home: &Path) -> Self {
        Self {
            config: home.join("config"),
            indexes: home.join("indexes"),
            documents: home.join("open"),
            cache: home.join("cache"),
            logs: home.join("logs"),
            pictures: home.join("pictures"),
            models: home.join("models"),
        }
    }

    pub fn settings_file(&self) -> PathBuf {
        self.config.join("settings.json")
    }

    /// What the program is doing that could be its end.
    pub fn start_journal(&self) -> PathBuf {
        self.cache.join("start.json")
    }

    /// Finished pictures that could not be saved where the user wished.
    pub fn rescued(&self) -> PathBuf {
        self.indexes.with_file_name("rescued")
    }

    pub fn thumbnails(&self) -> PathBuf {
        self.cache.join("thumbnails")
    }
}
