use std::path::{Path, PathBuf};

use limn_engine::catalogue::{BUILT_IN_ID, Catalogue};
use limn_engine::foreign_text::name;

use super::is_own;
use crate::downloads::Receipt;
use crate::files::remedy;

/// Why a model stays.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    #[error("the built-in model cannot be removed")]
    BuiltIn,
    #[error("there is no {0} in the library: `limn models list` names what there is")]
    Unknown(String),
    #[error(
        "it belongs to another program, and Limn writes nothing there: remove it with that program, or share its folder no longer"
    )]
    Shared,
    #[error(
        "the system's trash does not take it ({0}): `limn models remove --delete` deletes it for good"
    )]
    Trash(String),
    #[error("{} ({error})", remedy(error))]
    Disk {
        #[from]
        error: std::io::Error,
    },
}

/// Where a model goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveTo {
    Trash,
    /// For good.
    Nowhere,
}

/// Removes a model of the library by its id, or a LoRA by its name; returns where it lay. What is only linked is unlinked,
/// and stays where it is.
///
/// # Errors
/// [`RemoveError`].
pub fn remove(library: &Path, id: &str, to: RemoveTo) -> Result<PathBuf, RemoveError> {
    if id == BUILT_IN_ID {
        return Err(RemoveError::BuiltIn);
    }
    let path = path_of(library, id).ok_or_else(|| RemoveError::Unknown(name(id).to_string()))?;
    if !is_own(library, &path) {
        return Err(RemoveError::Shared);
    }
    let note = Receipt::path(&path);
    let is_link = path.symlink_metadata()?.is_symlink();
    // Shards and a card go with a file.
    let paths = if path.is_file() && !is_link {
        Catalogue::belongings(&path).paths
    } else {
        vec![path.clone()]
    };
    for path in &paths {
        if !is_link && to == RemoveTo::Trash {
            trash::delete(path).map_err(|error| RemoveError::Trash(error.to_string()))?;
        } else if !is_link && path.is_dir() {
            std::fs::remove_dir_all(path)?;
        } else {
            std::fs::remove_file(path)?;
        }
    }
    // Of a file it lay beside it.
    let _ = std::fs::remove_file(note);
    Ok(path)
}

/// The folder or file of a model or a LoRA of the library.
pub fn path_of(library: &Path, id: &str) -> Option<PathBuf> {
    let catalogue = Catalogue {
        library: Some(library.to_owned()),
        ..Catalogue::default()
    };
    let model = catalogue.paths().remove(id);
    let lora = || {
        let mut loras = catalogue
            .installed_loras()
            .into_iter()
            .filter_map(|(_, lora)| lora.ok());
        loras
            .find(|lora| lora.name == id)
            .map(|lora| PathBuf::from(lora.path))
    };
    model.or_else(lora)
}
