//! A change of a mask as a whole, as a piece of work: small ones are done at once, large ones on a thread
//! beside the window, over a snapshot that shares the document's tiles.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::hand::{Target, mask_mut};
use super::mask_ops::{self, MaskAction};
use super::settings::Wand;
use super::shapes::Outline;
use super::{blend, fill, flood};
use crate::document::tiles::{TILE_SIDE, TileIndex, Tiles};
use crate::document::{Content, Document, StepName};

/// So many pixels are looked at within a frame, in a development build too.
const QUICK_PIXELS: u64 = 512 * 512;

/// What is to be done to which mask. Done twice to the same content it gives the same.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskWork {
    pub(super) target: Target,
    pub(super) deed: MaskDeed,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum MaskDeed {
    Fill {
        outline: Outline,
        step: StepName,
        subtracts: bool,
    },
    /// What looks like the pixel at (`x`, `y`) of the document.
    Wand {
        at: (i32, i32),
        wand: Wand,
        subtracts: bool,
    },
    Action(MaskAction),
    Load(Tiles<u8>),
}

/// Asks work to end before it is done. Clones ask the same work.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

/// The work was asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// What came of the work: the masks as they are to be.
#[derive(Debug)]
pub struct NewMasks {
    mask: Tiles<u8>,
    last_mask: Tiles<u8>,
}

impl Stop {
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// [`Stopped`] once it was asked.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.0.load(Ordering::Relaxed) {
            Err(Stopped)
        } else {
            Ok(())
        }
    }
}

impl MaskWork {
    pub fn action(action: MaskAction) -> Self {
        let (target, deed) = (Target::Mask, MaskDeed::Action(action));
        Self { target, deed }
    }

    /// A mask from a file takes the place of the present one.
    pub fn load(mask: Tiles<u8>) -> Self {
        let (target, deed) = (Target::Mask, MaskDeed::Load(mask));
        Self { target, deed }
    }

    pub fn step(&self) -> StepName {
        match &self.deed {
            MaskDeed::Fill { step, .. } => *step,
            MaskDeed::Wand { .. } => StepName::Wand,
            MaskDeed::Action(action) => action.step(),
            MaskDeed::Load(_) => StepName::MaskLoad,
        }
    }

    /// Whether it is done within a frame.
    pub fn is_quick(&self, content: &Content) -> bool {
        self.n_pixels(content) <= QUICK_PIXELS
    }

    /// Does it as one step. False where it changes nothing.
    pub fn carry_out(&self, document: &mut Document) -> bool {
        document.change(self.step(), |content| {
            // Nobody else has this one to ask it.
            let _ = self.change(content, &Stop::default());
        })
    }

    /// Does it to a snapshot, to be put in place with [`Self::put`].
    ///
    /// # Errors
    /// [`Stopped`]
    pub fn make(&self, content: &Content, stop: &Stop) -> Result<NewMasks, Stopped> {
        let mut changed = content.clone();
        self.change(&mut changed, stop)?;
        changed.settle(content);
        stop.check()?;
        let mask = mask_mut(&mut changed, self.target).map(|(mask, _)| std::mem::take(mask));
        Ok(NewMasks {
            mask: mask.unwrap_or_default(),
            last_mask: changed.last_mask,
        })
    }

    /// Puts what was made in place, as one step. False where it changes nothing.
    pub fn put(&self, made: NewMasks, document: &mut Document) -> bool {
        document.change_settled(self.step(), |content| {
            if self.target == Target::Mask {
                content.last_mask = made.last_mask;
            }
            if let Some((mask, _)) = mask_mut(content, self.target) {
                *mask = made.mask;
            }
        })
    }

    /// The state of the mask that it changes: work that began at another one is to be done again. `None` where
    /// there is no such mask any more.
    pub fn revision(&self, content: &Content) -> Option<u64> {
        let mask = match self.target {
            Target::Mask | Target::Sketch => &content.mask,
            Target::PatchMask(id) => content.layer(id)?.patch_mask()?,
        };
        Some(mask.revision())
    }

    /// About how many pixels have to be looked at.
    fn n_pixels(&self, content: &Content) -> u64 {
        let frame = content.frame;
        match &self.deed {
            MaskDeed::Fill { outline, .. } => outline.bounds().intersect(&frame).n_pixels(),
            MaskDeed::Wand { .. } | MaskDeed::Action(MaskAction::Invert) => frame.n_pixels(),
            MaskDeed::Action(action) => match action.edge_px() {
                Some(px) => mask_ops::changed_part(content, px).n_pixels(),
                // Whole masks change places, and tiles of one value are one tile.
                None => 0,
            },
            MaskDeed::Load(mask) => mask.n_tiles() as u64 * u64::from(TILE_SIDE * TILE_SIDE),
        }
    }

    fn change(&self, content: &mut Content, stop: &Stop) -> Result<(), Stopped> {
        match &self.deed {
            MaskDeed::Fill {
                outline, subtracts, ..
            } => {
                let frame = content.frame;
                let Some((mask, offset)) = mask_mut(content, self.target) else {
                    return Ok(());
                };
                let (dx, dy) = (-offset.0, -offset.1);
                let outline = outline.clone().translated(dx, dy);
                let blend = if *subtracts {
                    blend::subtract
                } else {
                    blend::add
                };
                fill::fill(&outline, frame.translate(dx, dy), mask, blend, stop)
            }
            MaskDeed::Wand {
                at,
                wand,
                subtracts,
            } => {
                let found = flood::flood(content, *at, *wand, stop)?;
                if let Some((mask, offset)) = mask_mut(content, self.target) {
                    lay_tiles(found, mask, offset, *subtracts);
                }
                Ok(())
            }
            MaskDeed::Action(action) => mask_ops::change(*action, content, stop),
            MaskDeed::Load(mask) => {
                mask_ops::clear(content);
                content.mask = mask.clone();
                Ok(())
            }
        }
    }
}

/// Lays a mask of 0 and 255 in document pixels over a mask that lies at `offset`.
fn lay_tiles(found: Tiles<u8>, mask: &mut Tiles<u8>, offset: (i32, i32), subtracts: bool) {
    if found.is_empty() {
        return;
    }
    if offset == (0, 0) && !subtracts && mask.is_empty() {
        *mask = found;
        return;
    }
    let indices: Vec<TileIndex> = found.iter().map(|(index, _)| index).collect();
    for index in indices {
        let pixels = found.read(index.rect());
        let rect = index.rect().translate(-offset.0, -offset.1);
        let width = rect.width as usize;
        mask.change_rows(rect, |x, y, row| {
            let start = (y - rect.y) as usize * width + (x - rect.x) as usize;
            for (mask, found) in row.iter_mut().zip(&pixels[start..]) {
                *mask = if subtracts {
                    *mask & !found
                } else {
                    *mask | found
                };
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use limn_engine::{PixelRect, stitch};

    use super::*;
    use crate::document::Layer;

    /// A picture with a light half and a mask over a corner of it.
    fn document() -> Document {
        let frame = PixelRect::from_size(700, 300);
        let mut document = Document::new();
        document.change(StepName::OpenPicture, |content| {
            content.frame = frame;
            let pixels: Vec<_> = (0..frame.n_pixels())
                .map(|i| match i % 700 {
                    0..350 => [200, 200, 200, 255],
                    _ => [20, 20, 20, 255],
                })
                .collect();
            content.add_layer(Layer::picture("Picture", frame, &pixels));
            let corner = PixelRect::new(300, 100, 120, 90);
            content.mask.write(corner, &[255; 120 * 90]);
        });
        document
    }

    fn all_work() -> Vec<MaskWork> {
        let fill = |subtracts| MaskDeed::Fill {
            outline: Outline::ellipse((260.0, 60.0).into(), (610.0, 250.0).into()),
            step: StepName::Ellipse,
            subtracts,
        };
        let wand = |subtracts| MaskDeed::Wand {
            at: (5, 5),
            wand: Wand::default(),
            subtracts,
        };
        let mut loaded = Tiles::default();
        loaded.write(PixelRect::new(9, 9, 30, 1), &[77; 30]);
        let deeds = [
            fill(false),
            fill(true),
            wand(false),
            wand(true),
            MaskDeed::Load(loaded),
        ];
        let target = Target::Mask;
        let of_deed = |deed| MaskWork { target, deed };
        let actions = [
            MaskAction::All,
            MaskAction::Clear,
            MaskAction::Invert,
            MaskAction::Grow { px: 20.0 },
            MaskAction::Shrink { px: 9.0 },
            MaskAction::Feather { px: 14.0 },
        ];
        let mut work: Vec<_> = deeds.into_iter().map(of_deed).collect();
        work.extend(actions.map(MaskWork::action));
        work
    }

    #[test]
    fn work_on_a_snapshot_gives_what_doing_it_at_once_gives() {
        for work in all_work() {
            let (mut at_once, mut beside) = (document(), document());
            assert!(work.carry_out(&mut at_once), "{:?}", work.step());
            let made = work.make(beside.content(), &Stop::default());
            let made = made.expect("nobody stops it");
            assert!(work.put(made, &mut beside), "{:?}", work.step());
            let (a, b) = (at_once.content(), beside.content());
            assert_eq!(a.mask, b.mask, "{:?}", work.step());
            assert_eq!(a.last_mask, b.last_mask, "{:?}", work.step());
            assert_eq!(beside.undo(), Some(work.step()), "one step");
            assert_eq!(beside.content().mask, document().content().mask);
        }
    }

    /// Masks are grown and softened a band of rows at a time: no seam may show where bands meet.
    #[test]
    fn the_edge_changes_alike_across_bands() {
        type Change = fn(&[u8], (u32, u32), f32) -> Vec<u8>;
        let frame = PixelRect::from_size(90, 1300);
        let pixels: Vec<u8> = (0..frame.n_pixels())
            .map(|i| match (i * 2_654_435_761) % 1000 {
                0 => 255,
                1 => 90,
                _ => 0,
            })
            .collect();
        for (action, change) in [
            (MaskAction::Grow { px: 11.0 }, stitch::grow as Change),
            (MaskAction::Shrink { px: 3.0 }, stitch::shrink),
            (MaskAction::Feather { px: 60.0 }, stitch::feather),
        ] {
            let (MaskAction::Grow { px } | MaskAction::Shrink { px } | MaskAction::Feather { px }) =
                action
            else {
                continue;
            };
            let mut document = Document::new();
            document.change(StepName::OpenPicture, |content| {
                content.frame = frame;
                content.mask.write(frame, &pixels);
            });
            MaskWork::action(action).carry_out(&mut document);
            let expected = change(&pixels, frame.size(), px);
            assert!(
                document.content().mask.read(frame) == expected,
                "{action:?}"
            );
        }
    }

    #[test]
    fn work_that_is_stopped_gives_nothing() {
        let stop = Stop::default();
        stop.ask();
        for work in all_work() {
            let made = work.make(document().content(), &stop);
            assert_eq!(made.err(), Some(Stopped), "{:?}", work.step());
        }
    }

    #[test]
    fn only_what_looks_at_many_pixels_is_worth_a_thread() {
        let mut large = Document::new();
        large.change(StepName::OpenPicture, |content| {
            content.frame = PixelRect::from_size(8192, 8192);
            content.mask.write(PixelRect::new(40, 40, 9, 9), &[255; 81]);
        });
        for (action, is_quick) in [
            (MaskAction::All, true),
            (MaskAction::Clear, true),
            (MaskAction::Invert, false),
            (MaskAction::Grow { px: 8.0 }, true),
            (MaskAction::Grow { px: 900.0 }, false),
        ] {
            let work = MaskWork::action(action);
            assert_eq!(work.is_quick(large.content()), is_quick, "{action:?}");
        }
    }
}
