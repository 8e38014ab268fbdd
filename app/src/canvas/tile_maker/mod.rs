//! Makes the tiles that the canvas shows, in a thread of its own: composites layers, halves them for looking
//! from afar, traces the mask.
//!
//! The canvas sends snapshots of the document and the list of tiles that it shows, nearest to the middle
//! first; here is known which of them it has as they are now, and whatever is missing is made, one at a
//! time, the newest message first.

mod bordered;
mod composites;
mod shown_mask;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use egui::ColorImage;

use self::bordered::{edge_hashes, mask_image, picture_image, stretched};
use self::composites::{Composites, Turns};
use self::shown_mask::{changed_mask, mask_tile};
use super::outline::{self, Outline};
use super::pyramid::{Interrupted, MAX_LEVEL, Pyramid, index_at, rect_at};
use crate::document::tiles::TileIndex;
use crate::document::{Content, DocumentId};

pub use self::bordered::BORDERED_SIDE;
pub use self::shown_mask::ShownMask;

/// Tiles on their way to the canvas; the thread waits when it does not take them.
const IN_FLIGHT: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plane {
    Picture,
    Mask,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TileKey {
    pub plane: Plane,
    /// 0 is full size, each one more is half of it.
    pub level: u8,
    /// In tiles of the level.
    pub index: TileIndex,
}

/// What the tiles are made from.
pub struct Snapshot {
    pub document: DocumentId,
    pub content: Content,
    pub mask: ShownMask,
}

pub enum Message {
    Snapshot(Box<Snapshot>),
    /// All tiles that the canvas shows, in the order of their need.
    Shown(Vec<TileKey>),
    /// The canvas has them no more.
    Dropped(Vec<TileKey>),
}

pub struct MadeTile {
    pub document: DocumentId,
    pub key: TileKey,
    /// With its border; `None` where there is nothing to see.
    pub image: Option<ColorImage>,
    /// The edge of the mask, in the level's pixels from the tile's corner.
    pub outlines: Vec<Outline>,
}

/// Starts the thread. It ends when the sender is dropped.
pub fn start(wake: impl Fn() + Send + 'static) -> (Sender<Message>, Receiver<MadeTile>) {
    let (to_maker, inbox) = channel();
    let (outbox, made) = sync_channel(IN_FLIGHT);
    let body = move || run(&inbox, &outbox, &wake);
    #[expect(
        clippy::expect_used,
        reason = "a process that cannot start a thread cannot go on"
    )]
    std::thread::Builder::new()
        .name("canvas tiles".to_owned())
        .spawn(body)
        .expect("the system starts threads");
    (to_maker, made)
}

fn run(inbox: &Receiver<Message>, outbox: &SyncSender<MadeTile>, wake: &impl Fn()) {
    let mut maker = TileMaker::default();
    let mut messages = VecDeque::new();
    loop {
        while let Some(message) = messages.pop_front().or_else(|| inbox.try_recv().ok()) {
            maker.take(message);
        }
        let Some(key) = maker.next() else {
            match inbox.recv() {
                Ok(message) => messages.push_back(message),
                Err(_) => return,
            }
            continue;
        };
        let made = maker.make(key, &mut || {
            messages.extend(inbox.try_recv());
            !messages.is_empty()
        });
        if let Ok(made) = made {
            if outbox.send(made).is_err() {
                return;
            }
            wake();
        }
    }
}

#[derive(Default)]
struct TileMaker {
    snapshot: Option<Box<Snapshot>>,
    picture: Pyramid<[u8; 4]>,
    mask: Pyramid<u8>,
    composites: Composites,
    /// Of every tile that was made: top, right, bottom, left. Where they differ the neighbours' borders do.
    edges: HashMap<TileKey, [u64; 4]>,
    shown: Vec<TileKey>,
    is_shown: HashSet<TileKey>,
    /// What the canvas has, or will have, as it is now.
    is_current: HashSet<TileKey>,
}

impl TileMaker {
    fn take(&mut self, message: Message) {
        match message {
            Message::Snapshot(snapshot) => self.take_snapshot(snapshot),
            Message::Shown(shown) => {
                self.is_shown = shown.iter().copied().collect();
                self.shown = shown;
            }
            Message::Dropped(keys) => {
                for key in keys {
                    self.is_current.remove(&key);
                }
            }
        }
    }

    fn take_snapshot(&mut self, snapshot: Box<Snapshot>) {
        let before = self.snapshot.take();
        match before.filter(|before| before.document == snapshot.document) {
            Some(before) => {
                let picture = snapshot.content.changed_tiles(&before.content).picture;
                for index in &picture {
                    self.picture.invalidate(*index);
                    self.composites.forget(*index);
                }
                self.touch(Plane::Picture, &picture);
                let mask = changed_mask(&snapshot, &before);
                for index in &mask {
                    self.mask.invalidate(*index);
                }
                self.touch(Plane::Mask, &mask);
            }
            None => {
                *self = Self {
                    shown: std::mem::take(&mut self.shown),
                    is_shown: std::mem::take(&mut self.is_shown),
                    ..Self::default()
                };
            }
        }
        self.snapshot = Some(snapshot);
    }

    /// What lies over changed tiles is out of date. One that is made again tells its neighbours then, if
    /// its edges have changed; of the others the neighbours must suppose it.
    fn touch(&mut self, plane: Plane, changed: &HashSet<TileIndex>) {
        for level in 0..=MAX_LEVEL {
            let indices: HashSet<TileIndex> = changed
                .iter()
                .map(|index| index_at(level, *index))
                .collect();
            for index in indices {
                let key = TileKey {
                    plane,
                    level,
                    index,
                };
                self.is_current.remove(&key);
                if !self.is_shown.contains(&key) {
                    self.edges.remove(&key);
                    self.touch_neighbours(key, [true; 4]);
                }
            }
        }
    }

    /// `edges`: which of the tile's edges have changed: top, right, bottom, left.
    fn touch_neighbours(&mut self, key: TileKey, [top, right, bottom, left]: [bool; 4]) {
        for (columns, rows, is_touched) in [
            (-1, -1, top && left),
            (0, -1, top),
            (1, -1, top && right),
            (1, 0, right),
            (1, 1, bottom && right),
            (0, 1, bottom),
            (-1, 1, bottom && left),
            (-1, 0, left),
        ] {
            if is_touched {
                let index = TileIndex {
                    column: key.index.column + columns,
                    row: key.index.row + rows,
                };
                self.is_current.remove(&TileKey { index, ..key });
            }
        }
    }

    /// What is needed most and not there.
    fn next(&self) -> Option<TileKey> {
        self.snapshot.as_ref()?;
        let missing = |key: &&TileKey| !self.is_current.contains(key);
        self.shown.iter().find(missing).copied()
    }

    fn make(
        &mut self,
        key: TileKey,
        is_interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<MadeTile, Interrupted> {
        let Some(snapshot) = &self.snapshot else {
            return Err(Interrupted);
        };
        let document = snapshot.document;
        let mut turns = Turns::new(is_interrupted);
        let rect = key.index.rect().expand(1);
        let (edges, image, outlines) = match key.plane {
            Plane::Picture => {
                let content = &snapshot.content;
                let inside = rect.intersect(&rect_at(key.level, content.frame));
                let composites = &mut self.composites;
                let mut source = |index| composites.get(content, index, &mut turns);
                let pixels = self.picture.read(key.level, inside, &mut source)?;
                let pixels = pixels.map(|pixels| stretched(&pixels, inside, rect));
                let image = pixels.as_deref().map(picture_image);
                (pixels.as_deref().map(edge_hashes), image, Vec::new())
            }
            Plane::Mask => {
                let mut source = |index| {
                    // At full size the tiles are at hand, and nothing would be kept of an interrupted look.
                    if key.level > 0 {
                        turns.begin()?;
                    }
                    Ok(mask_tile(snapshot, index))
                };
                let pixels = self.mask.read(key.level, rect, &mut source)?;
                let pixels = pixels.filter(|pixels| pixels.iter().any(|value| *value > 0));
                let image = pixels.as_deref().map(mask_image);
                let outlines = pixels.as_deref().map(outline::trace).unwrap_or_default();
                (pixels.as_deref().map(edge_hashes), image, outlines)
            }
        };
        self.is_current.insert(key);
        let edges = edges.unwrap_or_default();
        if let Some(before) = self.edges.insert(key, edges) {
            let changed = std::array::from_fn(|side| before[side] != edges[side]);
            self.touch_neighbours(key, changed);
        }
        Ok(MadeTile {
            document,
            key,
            image,
            outlines,
        })
    }
}
