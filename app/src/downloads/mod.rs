//! Models from the network: the only place of the whole program that opens a connection, and only when it is asked to.
//!
//! - `link` reads what a user pastes: a hub's page, `owner/name`, a file's address;
//! - `hub` asks Hugging Face what is in a repository, with sizes and hashes;
//! - `choice` says which of its files a model is;
//! - [`file`](fetch) brings one file: resumed after whatever stops it, checked, and under its name only when it is whole;
//! - [`Offline`] is the switch: where it is set no client is made at all.
//!
//! What a server says is foreign: names stay inside the folder, answers are bounded, and nothing is believed before its
//! hash is right.

mod choice;
mod client;
mod error;
mod file;
mod hub;
mod link;
mod model;
mod partial;
mod receipt;
mod remote_name;

pub use choice::{Choice, choose};
pub use client::{Client, Offline, Patience};
pub use error::Error;
pub use file::{Progress, Wanted, fetch};
pub use hub::{Checksum, Hub, Listing, RemoteFile};
pub use link::Link;
pub use model::{ModelDownload, ModelProgress, discard, unfinished};
pub use receipt::{Receipt, Verdict, verify};
