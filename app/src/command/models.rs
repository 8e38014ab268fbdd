//! What can be done with the library of models.

use std::path::PathBuf;

use limn_engine::protocol::ModelId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelsCommand {
    /// Asks for a folder, as diffusers writes one.
    ChooseFolder,
    /// Asks for a single file.
    ChooseFile,
    /// Puts folders and files into the library: linked where the system can, else copied.
    Add(Vec<PathBuf>),
    /// Shows the library in the file manager.
    OpenFolder,
    /// Looks into the library again.
    Refresh,
    /// Draws with a model that was just added, by the name of its folder or file.
    Use(String),
    /// Puts a LoRA into the list beside the prompt.
    UseLora(String),
    /// Shows where the files of a model lie.
    ShowFiles(ModelId),
    /// Puts a model's files into the system's trash.
    Remove(ModelId),
    /// Asks for a folder of another program, whose models are then read where they lie.
    ChooseShared,
    Share(PathBuf),
    /// Leaves it to its program again.
    Unshare(PathBuf),
    /// Asks what is behind a link.
    Find(String),
    /// Fetches what was found, or goes on with what was stopped.
    Get(u64),
    /// Stops what is being fetched; what is there stays.
    Pause(u64),
    /// Gives up what is being fetched, and deletes what is there of it.
    Forget(u64),
    /// Opens no connection, or may again when asked to.
    SetOffline(bool),
}

impl ModelsCommand {
    pub fn label(&self) -> &'static str {
        match self {
            Self::ChooseFolder => "Add a model’s folder…",
            Self::ChooseFile => "Add a model’s file…",
            Self::Add(_) => "Add the model",
            Self::OpenFolder => "Open the folder of models",
            Self::Refresh => "Look for models again",
            Self::Use(_) => "Use this model",
            Self::UseLora(_) => "Use this LoRA",
            Self::ShowFiles(_) => "Show its files",
            Self::Remove(_) => "Move to the trash",
            Self::ChooseShared => "Share another program’s folder of models…",
            Self::Share(_) => "Share this folder of models",
            Self::Unshare(_) => "Share this folder no longer",
            Self::Find(_) => "Find a model by its link",
            Self::Get(_) => "Fetch this model",
            Self::Pause(_) => "Pause",
            Self::Forget(_) => "Give up and delete what is there",
            Self::SetOffline(true) => "Stay offline",
            Self::SetOffline(false) => "Allow downloads",
        }
    }
}
