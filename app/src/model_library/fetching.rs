//! From a link to a model of the library.

use std::path::Path;

use super::{AddedFile, Transfer, add};
use crate::downloads::{Choice, Error, Hub, Link, ModelDownload, ModelProgress, Receipt, choose};

/// Why a link did not become a model.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Download(#[from] Error),
    #[error(
        "choose another: {0} has no model that Limn reads (a diffusers folder, or .safetensors files)"
    )]
    NoModel(String),
    /// With their names.
    #[error("name one of its files, as in {title}/{}: it has several", files.first().map_or("", String::as_str))]
    Several { title: String, files: Vec<String> },
    /// All of it is there, and not what Limn can draw with.
    #[error("{0}")]
    NotAdded(String),
}

/// What was fetched, in its place.
pub struct Fetched {
    pub added: AddedFile,
    pub receipt: Option<Receipt>,
}

/// Asks what a link leads to, before anything of it is fetched.
///
/// # Errors
/// Of the server; where there is no model, or more than one.
pub fn offered(hub: &Hub, link: &Link) -> Result<ModelDownload, FetchError> {
    let listing = hub.list(link)?;
    let named = match link {
        Link::Repository { file, .. } => file.as_deref(),
        Link::Civitai { .. } | Link::File { .. } => None,
    };
    let title = listing.title.clone();
    match choose(&listing, named) {
        Choice::Folder(files) => Ok(ModelDownload::of_folder(listing, files)),
        Choice::File(file) => Ok(ModelDownload::of_file(listing, file)),
        Choice::OneOf(files) => Err(FetchError::Several {
            title,
            files: files.into_iter().map(|file| file.name).collect(),
        }),
        Choice::Nothing => Err(FetchError::NoModel(title)),
    }
}

/// Fetches what is offered and puts it into the library. Asked again after whatever stopped it, it goes on.
///
/// `on_progress` returns whether to go on.
///
/// # Errors
/// Those of [`ModelDownload::run`]; [`FetchError::NotAdded`].
pub fn fetch(
    hub: &Hub,
    download: &ModelDownload,
    library: &Path,
    on_progress: &mut dyn FnMut(ModelProgress) -> bool,
) -> Result<Fetched, FetchError> {
    let model = download.run(hub, library, on_progress)?;
    let receipt = Receipt::of(&model);
    let transfer = Transfer::Move {
        name: download.local_name(),
    };
    let note = Receipt::path(&model);
    let is_file = model.is_file();
    let added = add(library, &model, &transfer).map_err(FetchError::NotAdded)?;
    if is_file {
        // Of no harm where it stays: the model is there.
        let _ = std::fs::rename(note, Receipt::path(&added.path));
        if let Some(staged) = model.parent() {
            let _ = std::fs::remove_dir(staged);
        }
    }
    Ok(Fetched { added, receipt })
}
