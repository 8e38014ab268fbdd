//! Averages on the graphics card, 256 to a texture: a block is 256 pictures that stand one after the other in
//! the list, so that a screen of a grid needs one to three of them, wherever it jumps to.

use std::collections::HashMap;

use egui::{Color32, ColorImage, Context, Rect, TextureHandle, TextureId, pos2};

use crate::gallery::averages::{Averages, SIDE_PX};
use crate::session::PictureId;

/// Pictures along a side of a block.
const ACROSS: usize = 16;
const N_PICTURES: usize = ACROSS * ACROSS;
const BLOCK_PX: usize = ACROSS * SIDE_PX;
/// Of 256 KiB each.
const MAX_BLOCKS: usize = 32;

#[derive(Default)]
pub(super) struct Blocks {
    /// Which list the blocks are of.
    list: u64,
    blocks: HashMap<usize, Block>,
}

struct Block {
    handle: TextureHandle,
    has: [bool; N_PICTURES],
    last_used: u64,
}

impl Blocks {
    /// Forgets the blocks of another list.
    pub fn use_list(&mut self, list: u64) {
        if self.list != list {
            self.list = list;
            self.blocks.clear();
        }
    }

    /// The average of the list's nth picture, as a part of a texture. Uploads its block where that is missing
    /// or out of date and `may_upload`; the second value says whether it did.
    pub fn get(
        &mut self,
        ctx: &Context,
        (averages, frame): (&Averages, u64),
        (index, id): (usize, PictureId),
        id_at: impl Fn(usize) -> Option<PictureId>,
        may_upload: bool,
    ) -> (Option<(TextureId, Rect)>, bool) {
        let (number, place) = (index / N_PICTURES, index % N_PICTURES);
        let is_there = |block: &Block| block.has[place];
        let is_made = averages.has(id);
        let up_to_date = self.blocks.get(&number).is_some_and(is_there);
        let uploads = is_made && !up_to_date && may_upload;
        if uploads {
            let (image, has) = draw(averages, number, id_at);
            self.put(ctx, number, image, has, frame);
        }
        let Some(block) = self.blocks.get_mut(&number).filter(|block| is_there(block)) else {
            return (None, uploads);
        };
        block.last_used = frame;
        (Some((block.handle.id(), part(place))), uploads)
    }

    fn put(
        &mut self,
        ctx: &Context,
        number: usize,
        image: ColorImage,
        has: [bool; N_PICTURES],
        frame: u64,
    ) {
        if let Some(block) = self.blocks.get_mut(&number) {
            block.handle.set(image, super::options(false));
            block.has = has;
            return;
        }
        if self.blocks.len() >= MAX_BLOCKS {
            let oldest = self.blocks.iter().min_by_key(|(_, block)| block.last_used);
            if let Some(oldest) = oldest.map(|(number, _)| *number) {
                self.blocks.remove(&oldest);
            }
        }
        let name = format!("averages {number}");
        let handle = ctx.load_texture(name, image, super::options(false));
        let block = Block {
            handle,
            has,
            last_used: frame,
        };
        self.blocks.insert(number, block);
    }
}

/// A block's texture, and which of its pictures are in it.
fn draw(
    averages: &Averages,
    number: usize,
    id_at: impl Fn(usize) -> Option<PictureId>,
) -> (ColorImage, [bool; N_PICTURES]) {
    let mut image = ColorImage::filled([BLOCK_PX, BLOCK_PX], Color32::TRANSPARENT);
    let mut has = [false; N_PICTURES];
    for (place, has) in has.iter_mut().enumerate() {
        let id = id_at(number * N_PICTURES + place);
        let Some(average) = id.and_then(|id| averages.get(id)) else {
            continue;
        };
        *has = true;
        let (left, top) = (place % ACROSS * SIDE_PX, place / ACROSS * SIDE_PX);
        let mut pixels = average.rgb();
        for y in top..top + SIDE_PX {
            let row = &mut image.pixels[y * BLOCK_PX + left..][..SIDE_PX];
            for (to, [red, green, blue]) in row.iter_mut().zip(pixels.by_ref()) {
                *to = Color32::from_rgb(red, green, blue);
            }
        }
    }
    (image, has)
}

/// Where a picture lies in its block, half a pixel in, so that its neighbours do not shine through.
fn part(place: usize) -> Rect {
    let at = |n: usize, inset: f32| ((n * SIDE_PX) as f32 + inset) / BLOCK_PX as f32;
    let (column, row) = (place % ACROSS, place / ACROSS);
    Rect::from_min_max(
        pos2(at(column, 0.5), at(row, 0.5)),
        pos2(at(column + 1, -0.5), at(row + 1, -0.5)),
    )
}
