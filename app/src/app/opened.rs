//! Files of pictures as they become layers. Put together away from the window, which only takes the layers in.

use std::path::Path;

use crate::document::{Layer, Original};
use crate::import::{self, FileError, Imported, Note, ora::Layered};

/// What a file was opened to.
#[derive(Debug)]
pub(super) struct Opened {
    pub size: (u32, u32),
    /// Bottom first. Those of a file with layers, else one.
    pub layers: Vec<Layer>,
    pub notes: Vec<Note>,
}

impl Opened {
    /// Reads a picture, with its layers where Limn knows them. Takes its time.
    ///
    /// # Errors
    /// [`FileError`] with the reason.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let original = |notes: &[Note], source_type| Original {
            file_name: file_name.clone().into_owned(),
            notes: notes.iter().map(ToString::to_string).collect(),
            source_type,
        };
        if let Some(layered) = import::ora::open(path)?.filter(|file| !file.layers.is_empty()) {
            let Layered {
                size,
                layers,
                notes,
                ..
            } = layered;
            let layers = layers.into_iter().map(|layer| {
                let mut made = Layer::of_pixels(layer.name, layer.offset, layer.pixels)
                    .from_file(Some(original(&notes, None)));
                made.opacity = layer.opacity;
                made.blend = layer.blend;
                made.is_visible = layer.is_visible;
                made
            });
            return Ok(Self {
                size,
                layers: layers.collect(),
                notes,
            });
        }
        let Imported {
            pixels,
            notes,
            source_type,
            ..
        } = import::open(path)?;
        let size = pixels.dimensions();
        let layer = Layer::of_pixels(name, (0, 0), pixels);
        Ok(Self {
            size,
            layers: vec![layer.from_file(Some(original(&notes, source_type)))],
            notes,
        })
    }
}
