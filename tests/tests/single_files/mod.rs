//! Models in single files, in the names that people's files have.

mod commands;
mod inspection;
mod pictures;
mod tiny;
