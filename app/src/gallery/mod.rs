//! Pictures are kept: the files, their recipes, the user's marks, and an index that can be made again.
//!
//! - [`recipe`] is how a picture was made; [`picture_file`] puts it into the PNG and reads it back;
//! - [`family`] is which picture came from which;
//! - [`foreign`] reads how other programs say in a picture file's texts that it was made;
//! - [`importing`] takes in pictures from elsewhere;
//! - [`layout`] names the files: always by us, always inside the gallery's folder;
//! - [`marks`] are the user's stars, tags, boards, notes and titles, in an append-only file;
//! - [`index`] is the `SQLite` index of both, outside the folder, which may be cloud-synced;
//! - [`store`] is the gallery itself: [`Gallery`]; [`scan`] brings files and index together, and
//!   [`verify`] tells where they differ;
//! - [`meaning`] finds pictures by what they show;
//! - [`unsaved`] keeps what the folder could not take;
//! - [`export`] writes copies for elsewhere; [`thumbnails`] are small ones for the grid, [`averages`] tiny ones;
//! - [`handle`] runs a gallery on its own thread for the window.
//!
//! Invariants: a picture counts as saved once its file is durable, and then no fault loses it; the
//! index never knows more than files and marks; a name from outside never becomes a path; a damaged
//! picture is a placeholder, never a crash. One index serves several processes at once. A gallery's folder may come
//! from a stranger: nothing is read or written through links in it, and what only looks ([`Access::Read`]) writes
//! nothing there. The index keeps nobody from the pictures: a damaged one is set aside and made anew.

pub mod averages;
pub mod contact_sheet;
pub mod error;
pub mod export;
pub mod export_many;
pub mod family;
mod flattened;
pub mod foreign;
pub mod handle;
pub mod importing;
pub mod index;
pub mod layout;
pub mod marks;
pub mod meaning;
pub mod naming;
mod outside;
pub mod picture_file;
pub mod recipe;
pub mod scan;
pub mod store;
pub mod thumbnails;
mod undo;
pub mod unsaved;
pub mod verify;

#[cfg(test)]
mod bad_pictures;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;

pub use error::{Error, Result};
pub use handle::{Command, Event, GalleryHandle};
pub use index::{Collection, Entry, Overview, Query, Record, Sort};
pub use layout::{FileKind, PictureId};
pub use marks::{Change, Mark};
pub use recipe::{
    BlendFacts, BlendedInput, EditFacts, Origin, Recipe, ShiftFacts, UpscaleFacts, VariationsFacts,
};
pub use store::{Access, Gallery};
