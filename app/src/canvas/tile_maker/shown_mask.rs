//! Which mask is on the canvas, and what of it is seen.

use std::collections::HashSet;

use super::Snapshot;
use crate::document::LayerId;
use crate::document::tiles::{Tile, TileIndex, Tiles};

/// Which mask is on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownMask {
    /// What the next edit may change.
    Selection,
    /// The mask of a patch that is being worked on.
    Patch(LayerId),
}

/// The plane of the mask that is shown, and where its pixel (0, 0) lies.
fn mask_plane(snapshot: &Snapshot) -> Option<(&Tiles<u8>, (i32, i32))> {
    match snapshot.mask {
        ShownMask::Selection => Some((&snapshot.content.mask, (0, 0))),
        ShownMask::Patch(id) => {
            let layer = snapshot.content.layer(id)?;
            Some((layer.patch_mask()?, layer.offset))
        }
    }
}

/// What of the mask is inside the frame.
pub fn mask_tile(snapshot: &Snapshot, index: TileIndex) -> Option<Tile<u8>> {
    let (mask, offset) = mask_plane(snapshot)?;
    let inside = index.rect().intersect(&snapshot.content.frame);
    if offset == (0, 0) && inside == index.rect() {
        return mask.tile(index).cloned();
    }
    let own = inside.translate(-offset.0, -offset.1);
    let has_any = TileIndex::covering(own).any(|own| mask.tile(own).is_some());
    has_any.then(|| {
        let mut tile = Tiles::default();
        tile.write(inside, &mask.read(own));
        tile.read(index.rect()).into()
    })
}

/// The document's tiles in which another mask is to be seen than before.
pub fn changed_mask(now: &Snapshot, before: &Snapshot) -> HashSet<TileIndex> {
    let covered = |snapshot: &Snapshot| -> Vec<TileIndex> {
        let Some((mask, offset)) = mask_plane(snapshot) else {
            return Vec::new();
        };
        let tiles = mask.iter();
        tiles
            .flat_map(|(index, _)| TileIndex::covering(index.rect().translate(offset.0, offset.1)))
            .collect()
    };
    match (mask_plane(now), mask_plane(before)) {
        (Some((mask, offset)), Some((old, old_offset)))
            if now.mask == before.mask
                && offset == old_offset
                && now.content.frame == before.content.frame =>
        {
            let changes = mask.changes_since(old);
            changes
                .iter()
                .flat_map(|change| {
                    TileIndex::covering(change.index.rect().translate(offset.0, offset.1))
                })
                .collect()
        }
        _ => covered(now).into_iter().chain(covered(before)).collect(),
    }
}
