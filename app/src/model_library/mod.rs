//! The user's folder of models: what is put into it, and what could be had for it.
//!
//! - [`add`] recognises a file or folder and gives it its place;
//! - [`fetch`] brings a model from the network and adds it;
//! - [`DownloadQueue`] does so beside the window, for several at once;
//! - [`share`] takes over what other programs have, where it lies;
//! - [`remove`] takes one out again;
//! - [`known_models`] are a few good ones, from `assets/models.toml`.

mod adding;
mod fetching;
mod known;
mod queue;
mod removing;
mod sharing;

pub use adding::{Added, AddedFile, Transfer, add, name_of};
pub use fetching::{FetchError, Fetched, fetch, offered};
pub use known::{KnownModel, find_known, known_models};
pub use queue::{DownloadQueue, Outcome, Row, Stage};
pub use removing::{RemoveError, RemoveTo, path_of, remove};
pub use sharing::{ShareError, refresh_shared, share, unshare};

use std::path::Path;

use limn_engine::catalogue::{ip_adapter_folder, lora_folder};

/// Whether something lies in the library itself or in the folders that go with it, not in those of other programs.
pub fn is_own(library: &Path, path: &Path) -> bool {
    let folders = [
        library.to_owned(),
        lora_folder(library),
        ip_adapter_folder(library),
    ];
    path.parent()
        .is_some_and(|parent| folders.iter().any(|folder| folder == parent))
}
