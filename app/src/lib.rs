//! Limn's app.
pub mod engine_link;
