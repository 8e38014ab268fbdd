//! The user's folder of models: what is put into it, and what could be had for it.
//!
//! - [`add`] recognises a file or folder and gives it its place;
//! - [`fetch`] brings a model from the network and adds it;
//! - [`DownloadQueue`] does so beside the window, for several at once;
//! - [`share`] takes over what other programs have, where it lies;
//! - [`known_models`] are a few good ones, from `assets/models.toml`.

mod adding;
mod fetching;
mod known;
mod queue;
mod sharing;

pub use adding::{Added, AddedFile, Transfer, add, name_of};
pub use fetching::{FetchError, Fetched, fetch, offered};
pub use known::{KnownModel, find_known, known_models};
pub use queue::{DownloadQueue, Outcome, Row, Stage};
pub use sharing::{ShareError, refresh_shared, share, unshare};
