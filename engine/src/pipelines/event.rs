use crate::protocol::{Plan, Progress};

/// What a running pipeline tells: `Planned` before anything is computed, then `Progress` and `Picture` in order,
/// and `Loading` whenever files are read.
#[derive(Debug, Clone, PartialEq)]
pub enum PipelineEvent {
    /// What the job will really use, before anything is computed.
    Planned(Plan),
    /// A component is being read, told a few dozen times from its first byte to its last.
    Loading {
        /// The component's folder name, as in `unet`, or `checksums` while the weights are told apart from others.
        component: String,
        /// Of the component, in bytes of its running dtype.
        done_bytes: u64,
        total_bytes: u64,
    },
    /// A step is done. Steps of the decoder carry a preview.
    Progress(Progress),
    /// A picture is finished; the pictures of a job come in order.
    Picture(FinishedPicture),
}

#[derive(Debug, Clone, PartialEq)]
pub struct FinishedPicture {
    /// Which picture of the job, from 0.
    pub index: u32,
    /// The seed that makes this picture again on its own.
    pub seed: u64,
    /// Pixels.
    pub width: u32,
    pub height: u32,
    /// RGB, row by row, three bytes a pixel.
    pub rgb: Vec<u8>,
    /// CLIP similarity to the prompt; computed where the best of several candidates was asked for.
    pub score: Option<f32>,
    /// Of an edit: how much each pixel covers what is under it.
    pub patch_mask: Option<Vec<u8>>,
}
