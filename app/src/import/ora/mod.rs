//! OpenRaster: layers in a ZIP archive, as Krita, GIMP and MyPaint exchange them.
//! OpenRaster specification, baseline 0.0.6.
//!
//! Names in the archive are only looked up in it, so that none ever becomes a path.

mod archive;
mod stack;

use std::io::Cursor;
use std::path::Path;

use image::RgbaImage;

use super::budget::{Room, Share};
use super::canvas::check_size;
use super::error::{Error, FileError};
use super::input::Input;
use super::note::Note;
use super::{Format, Imported, guarded, png_rows, recognise};
use crate::blend_mode::BlendMode;
use archive::Archive;
use stack::{LayerEntry, Stack};

/// A stack's description is some hundred bytes for each layer.
const LIMIT_STACK_BYTES: u64 = 4 << 20;
/// Of one layer's file.
const LIMIT_ENTRY_BYTES: u64 = 256 << 20;
/// Sides of layers together, so that sums of them stay small.
const LIMIT_OFFSET_PX: i32 = 1 << 20;

const STACK: &str = "stack.xml";
const MERGED: &str = "mergedimage.png";

/// A picture in layers.
#[derive(Debug)]
pub struct Layered {
    pub size: (u32, u32),
    /// Bottom first.
    pub layers: Vec<LayerPicture>,
    pub notes: Vec<Note>,
    share: Option<Share>,
}

#[derive(Debug)]
pub struct LayerPicture {
    pub name: String,
    /// Where its top left pixel lies in the picture.
    pub offset: (i32, i32),
    /// From 0 to 1.
    pub opacity: f32,
    pub blend: BlendMode,
    pub is_visible: bool,
    pub pixels: RgbaImage,
}

/// Opens the layers of an OpenRaster file; `None` for a file of another kind.
///
/// # Errors
/// [`FileError`] with the reason.
pub fn open(path: &Path) -> Result<Option<Layered>, FileError> {
    let layered = Input::file(path).and_then(|mut input| {
        let head = input.head()?;
        if recognise(&head) != Ok(Format::OpenRaster) {
            return Ok(None);
        }
        let room = Room::shared(None);
        guarded(|| read_layers(&input.whole()?, room)).map(Some)
    });
    layered.map_err(|error| FileError {
        path: path.to_owned(),
        error,
    })
}

/// All layers of a file, each as it lies in it.
pub(super) fn read_layers(file: &[u8], mut room: Room) -> Result<Layered, Error> {
    let archive = Archive::open(file)?;
    let stack = Stack::read(&archive.extract(STACK, LIMIT_STACK_BYTES)?)?;
    check_size(stack.size)?;
    let mut notes = stack.notes();
    // What all of them take is asked for at once: waiting for more while holding some might never end.
    // Beside them the picture that they become, or the tiles of a document.
    let mut needed_bytes =
        png_rows::LIMIT_EXTRA_BYTES + 4 * u64::from(stack.size.0) * u64::from(stack.size.1);
    let mut largest_bytes = 0;
    for entry in &stack.layers {
        let (width, height) = size_of(&archive, entry)?;
        needed_bytes += 4 * u64::from(width) * u64::from(height);
        largest_bytes = largest_bytes.max(archive.size_of(&entry.source).unwrap_or(0));
    }
    needed_bytes += largest_bytes.min(LIMIT_ENTRY_BYTES);
    room.take(stack.size, needed_bytes)?;

    let mut layers = Vec::with_capacity(stack.layers.len());
    for entry in stack.layers.iter().rev() {
        let png = archive.extract(&entry.source, LIMIT_ENTRY_BYTES)?;
        let imported = png_rows::read(&mut Cursor::new(&png[..]), Room::taken(needed_bytes))?;
        for note in imported.notes {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        layers.push(LayerPicture {
            name: entry.name.clone(),
            offset: (
                entry.offset.0.clamp(-LIMIT_OFFSET_PX, LIMIT_OFFSET_PX),
                entry.offset.1.clamp(-LIMIT_OFFSET_PX, LIMIT_OFFSET_PX),
            ),
            opacity: entry.opacity,
            blend: entry.blend,
            is_visible: entry.is_visible,
            pixels: imported.pixels,
        });
    }
    Ok(Layered {
        size: stack.size,
        layers,
        notes,
        share: room.into_share(),
    })
}

/// Of a layer's PNG, by its header.
fn size_of(archive: &Archive, entry: &LayerEntry) -> Result<(u32, u32), Error> {
    let head = archive.head(&entry.source, 33)?;
    let sizes = head.get(16..24).filter(|_| head.starts_with(b"\x89PNG"));
    let sizes = sizes.ok_or_else(|| Error::Variant {
        format: "OpenRaster",
        what: format!("a layer that is no PNG: {}", entry.name),
    })?;
    let (sizes, _) = sizes.as_chunks::<4>();
    let size = (u32::from_be_bytes(sizes[0]), u32::from_be_bytes(sizes[1]));
    check_size(size)?;
    Ok(size)
}

/// What all layers show together: the picture that the file has for it, or the layers over each other.
pub(super) fn read_flattened(input: &mut Input, room: Room) -> Result<Imported, Error> {
    let file = input.whole()?;
    let archive = Archive::open(&file)?;
    let mut imported = if archive.has(MERGED) {
        let png = archive.extract(MERGED, LIMIT_ENTRY_BYTES)?;
        png_rows::read(&mut Cursor::new(&png[..]), room)?
    } else {
        flatten(read_layers(&file, room)?)
    };
    imported.notes.push(Note::Flattened);
    Ok(imported)
}

fn flatten(layered: Layered) -> Imported {
    let (width, height) = layered.size;
    let mut pixels = RgbaImage::new(width, height);
    for layer in layered.layers.iter().filter(|layer| layer.is_visible) {
        let opacity = (layer.opacity * 255.0).round() as u32;
        for (x, y, pixel) in layer.pixels.enumerate_pixels() {
            let x = i64::from(layer.offset.0) + i64::from(x);
            let y = i64::from(layer.offset.1) + i64::from(y);
            let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
                continue;
            };
            let Some(below) = pixels.get_pixel_mut_checked(x, y) else {
                continue;
            };
            let [red, green, blue, alpha] = pixel.0;
            let coverage = (u32::from(alpha) * opacity + 127) / 255;
            below.0 = layer
                .blend
                .over(below.0, [red, green, blue], coverage as u8);
        }
    }
    Imported {
        pixels,
        notes: layered.notes,
        source_type: None,
        _share: layered.share,
    }
}
