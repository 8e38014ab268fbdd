//! Limn's app: the window, the gallery and the link to the engine process.
//!
//! - [`window`] opens the window, [`running_window`] the one that is open already; [`app`] owns everything in it and carries out every [`command`];
//! - [`session`] is the only mutable document state: runs, queue, what is shown; it does no work itself;
//! - [`document`] is a picture being worked on: layers, mask, undo, the project file;
//! - `blend_mode` is how a layer mixes with those beneath it;
//! - [`tools`] are what the pointer does to a document: strokes, selections, moves;
//! - [`edit_limits`] says how large an edit may be;
//! - [`canvas`], [`viewer`] and [`panels`] draw the session and send commands: `scene` is what they see, `widgets` what they
//!   share; no panel names another, but for those that hold others;
//! - [`keyboard`] turns key presses into commands; [`textures`] holds what is on the graphics card,
//!   [`layer_pictures`] that of layers;
//!   [`theme`] every colour, size and font; [`icons`] the strokes;
//! - [`cli`] is the command line, which without a subcommand opens the window;
//! - [`engine_link`] is the one place that talks to the engine process;
//! - [`viewer`] looks at pictures large and compares them;
//! - [`model_library`] puts models into the user's folder of them, and knows a few that can be had; [`downloads`] fetches
//!   them, and is the only place that opens a connection;
//! - [`import`] opens pictures from elsewhere; [`gallery`] keeps the pictures and finds them; [`words`] are those that a
//!   small model knows; [`picture_texts`] are the texts in a picture file, [`marking`] is the sign among them that it was
//!   made by AI; `folding` is text as it is compared; [`settings`], [`paths`] and [`files`] are their ground.
//!
//! Invariants: nothing blocks inside `ui`; the window outlives its engine; a picture is shown as finished
//! only when it is on the disk; nothing here names a tensor.
//!
//! Deliberately absent: an async runtime, an event bus, a widget toolkit beside egui.

pub mod app;
mod blend_mode;
pub mod canvas;
pub mod cli;
mod clock;
pub mod command;
mod display_order;
pub mod document;
pub mod downloads;
pub mod edit_limits;
pub mod engine_link;
pub mod export;
pub mod files;
mod folding;
pub mod gallery;
pub mod icons;
pub mod import;
pub mod keyboard;
pub mod layer_pictures;
pub mod marking;
pub mod model_library;
pub mod panels;
pub mod paths;
pub mod picture_texts;
pub mod running_window;
mod scene;
pub mod session;
pub mod settings;
mod start_journal;
mod supervised_thread;
pub mod textures;
pub mod theme;
pub mod tools;
pub mod upscaled;
pub mod viewer;
mod widgets;
pub mod window;
pub mod words;
