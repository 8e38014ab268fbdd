//! LoRA and its relatives: files that change some layers of a model (Hu et al. 2021, and for the others `kinds`).
//!
//! Layers whose weights can be changed are registered while a component is built, by diffusers' names. A file is first
//! matched with those names and shapes alone; then it changes the layers of a component in memory: plain LoRAs are added
//! as two thin layers beside the weight, whatever else makes a weight of its own. The weights as they were read stay, so
//! that other files, or none, take effect at once and exactly.

mod adaptable;
mod file;
mod kinds;
mod matching;
mod names;
mod sgm_names;
mod shapes;

pub use adaptable::{Adaptable, AdaptableLayer, AdapterTable};
pub use file::LoraFile;
pub use matching::{LayerShapes, Matched};
