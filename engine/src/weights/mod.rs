//! Safetensors in, components out.
//!
//! The one door is [`load_component`]. It runs the component's own `init` twice: first against a plan,
//! which allocates nothing and only records the names and shapes that the architecture wants; when these
//! agree with the checked headers of the files, a second time against the files.

mod parameters;

pub use parameters::Parameters;
