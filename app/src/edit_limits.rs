//! How large an edit may be: asked before anything is computed, by the window and the command line alike.

use limn_engine::PixelRect;
use limn_engine::device::memory;
use limn_engine::protocol::chunks::MAX_BLOB_BYTES;

/// Pixels of a picture that go to the engine at once, four bytes each.
pub const MAX_EDIT_PIXELS: u64 = MAX_BLOB_BYTES / 4;
/// The picture and its mask here and at the engine, where they are floats, and what comes back.
const CONTEXT_BYTES_PER_PIXEL: u64 = 48;
/// The picture, its mask, and the picture with the result in it.
const FRAME_BYTES_PER_PIXEL: u64 = 9;

/// Why an edit is not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooLarge {
    #[error(
        "{width}×{height} is more than can be looked at at once ({} megapixels): fill it in tiles in the window, \
         add less, or mask a part of it",
        MAX_EDIT_PIXELS / 1_000_000
    )]
    AtOnce { width: u32, height: u32 },
    #[error(
        "the edit needs {} MiB of memory and {} are free: close other programs, or make the picture smaller",
        needed_bytes >> 20,
        free_bytes >> 20
    )]
    Memory { needed_bytes: u64, free_bytes: u64 },
}

/// Checks what an edit looks at, in a picture that lies in `frame`.
///
/// # Errors
/// [`TooLarge`] with what to do.
pub fn check(context: PixelRect, frame: PixelRect) -> Result<(), TooLarge> {
    check_within(context, frame, memory::available_ram_bytes())
}

fn check_within(
    context: PixelRect,
    frame: PixelRect,
    free_bytes: Option<u64>,
) -> Result<(), TooLarge> {
    if context.n_pixels() > MAX_EDIT_PIXELS {
        return Err(TooLarge::AtOnce {
            width: context.width,
            height: context.height,
        });
    }
    let needed_bytes =
        CONTEXT_BYTES_PER_PIXEL * context.n_pixels() + FRAME_BYTES_PER_PIXEL * frame.n_pixels();
    match free_bytes {
        Some(free_bytes) if needed_bytes > free_bytes => Err(TooLarge::Memory {
            needed_bytes,
            free_bytes,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_that_cannot_end_well_are_not_begun() {
        let square = |side| PixelRect::from_size(side, side);
        let plenty = Some(1 << 40);
        let at_once = TooLarge::AtOnce {
            width: 16_128,
            height: 16_128,
        };
        for (context, frame, free_bytes, expected) in [
            (768, 768, plenty, Ok(())),
            (9_158, 16_384, plenty, Ok(())),
            (16_128, 16_128, plenty, Err(at_once)),
            (16_128, 16_128, None, Err(at_once)),
            // A part of a large picture fits where the whole picture does.
            (1_024, 16_384, Some(4 << 30), Ok(())),
            (
                1_024,
                16_384,
                Some(1 << 30),
                Err(TooLarge::Memory {
                    needed_bytes: (48 << 20) + 9 * (1 << 28),
                    free_bytes: 1 << 30,
                }),
            ),
        ] {
            let found = check_within(square(context), square(frame), free_bytes);
            assert_eq!(found, expected, "{context} of {frame}");
        }
    }
}
