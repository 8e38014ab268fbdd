//! Everything that is tested across crates, in one binary: the engine against the reference libraries, the engine
//! process, the gallery and documents on disk, the command line, and the window.
#![allow(clippy::unwrap_used)]

mod harness;

mod bad_model_files;
mod cascade;
mod cases;
mod catalogue;
mod command_line;
mod config_numbers;
mod documents;
mod downloads;
mod edit_commands;
mod engine;
mod family_operations;
mod family_seam;
mod full_disk;
mod gallery;
mod gallery_changes;
mod gallery_commands;
mod gesture_commands;
mod hostile_names;
mod house;
mod inspect_command;
mod marking;
mod meaning;
mod network;
mod outputs;
mod parity;
mod picture_memory;
mod prompt_commands;
mod reliability;
mod shared_models;
mod single_files;
mod strangers;
mod tool_panels;
mod upscale_command;
mod window;
mod word_search;
