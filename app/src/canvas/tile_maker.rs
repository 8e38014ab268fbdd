//! Makes the tiles that the canvas shows, in a thread of its own: composites layers, halves them for looking
//! from afar, traces the mask.
//!
//! The canvas sends snapshots of the document and the list of tiles that it shows, nearest to the middle
//! first; here is known which of them it has as they are now, and whatever is missing is made, one at a
//! time, the newest message first.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use egui::{Color32, ColorImage};
use limn_engine::PixelRect;

use super::outline::{self, Outline};
use super::pyramid::{Interrupted, MAX_LEVEL, Pyramid, index_at, rect_at};
use crate::document::tiles::{Pixel, TILE_SIDE, Tile, TileIndex, Tiles};
use crate::document::{Content, DocumentId, LayerId};

/// A tile's texture has one more pixel on each side, its neighbours': so smooth magnification has no seams.
pub const BORDERED_SIDE: usize = TILE_SIDE as usize + 2;
/// Composites that may be asked for again soon, by their neighbours' borders.
const KEPT_COMPOSITES: usize = 96;
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

/// Which mask is on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownMask {
    /// What the next edit may change.
    Selection,
    /// The mask of a patch that is being worked on.
    Patch(LayerId),
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
        let mut turns = Turns {
            n_done: 0,
            is_interrupted,
        };
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

/// Work in turns: after each one something more urgent may come, and the first one is always done.
struct Turns<'a> {
    n_done: usize,
    is_interrupted: &'a mut dyn FnMut() -> bool,
}

impl Turns<'_> {
    fn begin(&mut self) -> Result<(), Interrupted> {
        if self.n_done > 0 && (self.is_interrupted)() {
            return Err(Interrupted);
        }
        self.n_done += 1;
        Ok(())
    }
}

/// Full-size tiles of the picture with premultiplied alpha, the last few kept.
#[derive(Default)]
struct Composites {
    tiles: HashMap<TileIndex, Composite>,
    clock: u64,
}

struct Composite {
    pixels: Option<Tile<[u8; 4]>>,
    last_used: u64,
}

impl Composites {
    fn get(
        &mut self,
        content: &Content,
        index: TileIndex,
        turns: &mut Turns<'_>,
    ) -> Result<Option<Tile<[u8; 4]>>, Interrupted> {
        self.clock += 1;
        if let Some(known) = self.tiles.get_mut(&index) {
            known.last_used = self.clock;
            return Ok(known.pixels.clone());
        }
        turns.begin()?;
        let pixels = content.composite_tile(index).map(|tile| {
            let inside = index.rect().intersect(&content.frame);
            let tile = premultiplied(tile);
            if inside == index.rect() {
                return tile;
            }
            stretched(&part_of(&tile, index, inside), inside, index.rect()).into()
        });
        if self.tiles.len() >= KEPT_COMPOSITES {
            let oldest = self.tiles.iter().min_by_key(|(_, tile)| tile.last_used);
            if let Some(oldest) = oldest.map(|(index, _)| *index) {
                self.tiles.remove(&oldest);
            }
        }
        let composite = Composite {
            pixels: pixels.clone(),
            last_used: self.clock,
        };
        self.tiles.insert(index, composite);
        Ok(pixels)
    }

    fn forget(&mut self, index: TileIndex) {
        self.tiles.remove(&index);
    }
}

fn premultiplied(mut tile: Tile<[u8; 4]>) -> Tile<[u8; 4]> {
    let is_plain = |pixel: &[u8; 4]| pixel[3] == 255 || *pixel == [0; 4];
    if !tile.iter().all(is_plain) {
        for pixel in Tile::make_mut(&mut tile) {
            let [red, green, blue, alpha] = *pixel;
            *pixel = Color32::from_rgba_unmultiplied(red, green, blue, alpha).to_array();
        }
    }
    tile
}

fn part_of<P: Pixel>(tile: &[P], index: TileIndex, part: PixelRect) -> Vec<P> {
    let rect = index.rect();
    let rows = tile.chunks_exact(TILE_SIDE as usize);
    let rows = rows
        .skip((part.y - rect.y) as usize)
        .take(part.height as usize);
    let left = (part.x - rect.x) as usize;
    rows.flat_map(|row| row[left..left + part.width as usize].iter().copied())
        .collect()
}

/// The pixels of `inside` on the larger `rect`, its outermost ones repeated to all sides: at the picture's
/// edge nothing bleeds in from outside.
fn stretched<P: Pixel>(pixels: &[P], inside: PixelRect, rect: PixelRect) -> Vec<P> {
    if inside == rect {
        return pixels.to_vec();
    }
    let width = inside.width as usize;
    let left = (inside.x - rect.x) as usize;
    let mut stretched = Vec::with_capacity(rect.n_pixels() as usize);
    for y in rect.y..rect.bottom() {
        let row = y.clamp(inside.y, inside.bottom() - 1) - inside.y;
        let row = &pixels[row as usize * width..][..width];
        stretched.extend(std::iter::repeat_n(row[0], left));
        stretched.extend_from_slice(row);
        let right = rect.width as usize - left - width;
        stretched.extend(std::iter::repeat_n(row[width - 1], right));
    }
    stretched
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
fn mask_tile(snapshot: &Snapshot, index: TileIndex) -> Option<Tile<u8>> {
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
fn changed_mask(now: &Snapshot, before: &Snapshot) -> HashSet<TileIndex> {
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

fn picture_image(pixels: &[[u8; 4]]) -> ColorImage {
    let pixels = pixels.iter().map(|pixel| {
        let [red, green, blue, alpha] = *pixel;
        Color32::from_rgba_premultiplied(red, green, blue, alpha)
    });
    ColorImage::new([BORDERED_SIDE; 2], pixels.collect())
}

/// White as far as the mask covers; the canvas gives it its colour.
fn mask_image(pixels: &[u8]) -> ColorImage {
    let pixels = pixels
        .iter()
        .map(|value| Color32::from_rgba_premultiplied(*value, *value, *value, *value));
    ColorImage::new([BORDERED_SIDE; 2], pixels.collect())
}

/// The outermost pixels of a tile that has a border: top, right, bottom, left; 0 where nothing is.
fn edge_hashes<P: Pixel + Hash>(bordered: &[P]) -> [u64; 4] {
    let side = TILE_SIDE as usize;
    let hash = |pixel: &dyn Fn(usize) -> usize| {
        if (1..=side).all(|i| bordered[pixel(i)] == P::default()) {
            return 0;
        }
        let mut hasher = DefaultHasher::new();
        (1..=side).for_each(|i| bordered[pixel(i)].hash(&mut hasher));
        hasher.finish()
    };
    [
        hash(&|i| BORDERED_SIDE + i),
        hash(&|i| i * BORDERED_SIDE + side),
        hash(&|i| side * BORDERED_SIDE + i),
        hash(&|i| i * BORDERED_SIDE + 1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Document, Layer, StepName};

    /// A maker and what a canvas that takes everything has of it.
    struct Canvas {
        maker: TileMaker,
        has: HashMap<TileKey, Option<ColorImage>>,
    }

    impl Canvas {
        fn showing(levels: &[u8], frame: PixelRect) -> Self {
            let keys = levels.iter().flat_map(|level| {
                TileIndex::covering(rect_at(*level, frame)).flat_map(|index| {
                    [Plane::Picture, Plane::Mask].map(|plane| TileKey {
                        plane,
                        level: *level,
                        index,
                    })
                })
            });
            let mut maker = TileMaker::default();
            maker.take(Message::Shown(keys.collect()));
            Self {
                maker,
                has: HashMap::new(),
            }
        }

        /// Makes everything that is missing, interrupted at every turn, and says how many tiles that were.
        fn catch_up(&mut self, document: &Document) -> usize {
            self.maker.take(Message::Snapshot(Box::new(Snapshot {
                document: document.id(),
                content: document.content().clone(),
                mask: ShownMask::Selection,
            })));
            let mut n_made = 0;
            while let Some(key) = self.maker.next() {
                if let Ok(made) = self.maker.make(key, &mut || true) {
                    self.has.insert(key, made.image);
                    n_made += 1;
                }
            }
            n_made
        }
    }

    fn painted(size: u32) -> Document {
        let frame = PixelRect::from_size(size, size - 40);
        let pixels: Vec<[u8; 4]> = (0..frame.n_pixels())
            .map(|i| {
                let (x, y) = (i % u64::from(size), i / u64::from(size));
                [
                    x as u8,
                    y as u8,
                    (x ^ y) as u8,
                    if (x / 9 + y / 7) % 3 == 0 { 90 } else { 255 },
                ]
            })
            .collect();
        let mut document = Document::new();
        document.change(StepName::OpenPicture, |content| {
            content.set_base_picture("test", frame.size(), &pixels, None);
        });
        document
    }

    #[test]
    fn after_any_change_the_canvas_has_what_making_everything_anew_gives() {
        let frame = PixelRect::from_size(900, 860);
        let mut document = painted(900);
        let mut canvas = Canvas::showing(&[0, 1, 2], frame);
        canvas.catch_up(&document);
        for (step, (x, y), n_px) in [
            (0, (300, 300), 20),
            // Over the corner of four tiles, and along an edge.
            (1, (256, 512), 2),
            (2, (511, 100), 1),
            (3, (896, 850), 10),
            (4, (10, 10), 700),
        ] {
            let rect = PixelRect::new(x - n_px / 2, y - n_px / 2, n_px as u32, n_px as u32);
            document.change(StepName::Sketch, |content| {
                if step == 2 {
                    content.add_layer(Layer::sketch("ink"));
                }
                let n = rect.n_pixels() as usize;
                content.layers[0]
                    .pixels_mut()
                    .write(rect, &vec![[9, 8, 7, 200]; n]);
                content.mask.write(rect, &vec![160 + step; n]);
            });
            let n_made = canvas.catch_up(&document);
            let mut anew = Canvas::showing(&[0, 1, 2], frame);
            let n_all = anew.catch_up(&document);
            assert!(canvas.has == anew.has, "step {step}");
            assert!(
                step == 4 || n_made < n_all,
                "step {step}: {n_made} of {n_all}"
            );
        }
    }

    #[test]
    fn a_dab_inside_a_tile_makes_only_that_tile_again() {
        let mut document = painted(900);
        let mut canvas = Canvas::showing(&[0], document.content().frame);
        canvas.catch_up(&document);
        document.change(StepName::Brush, |content| {
            content
                .mask
                .write(PixelRect::new(300, 300, 8, 8), &[255; 64]);
        });
        // The first mask there: its tile was empty before.
        assert_eq!(canvas.catch_up(&document), 1);
    }

    #[test]
    fn textures_have_their_neighbours_border_and_the_pictures_edge_repeated() {
        let document = painted(300);
        let mut canvas = Canvas::showing(&[0], document.content().frame);
        canvas.catch_up(&document);
        let key = |column, row| TileKey {
            plane: Plane::Picture,
            level: 0,
            index: TileIndex { column, row },
        };
        let image = |column, row| {
            canvas.has[&key(column, row)]
                .clone()
                .expect("something is there")
        };
        let (left, right) = (image(0, 0), image(1, 0));
        for y in 0..BORDERED_SIDE {
            assert_eq!(left[(257, y)], right[(1, y)]);
            assert_eq!(left[(256, y)], right[(0, y)]);
            assert_eq!(left[(0, y)], left[(1, y)]);
            // The picture is 300 wide: column 44 of its second tile is the last.
            assert_eq!(right[(45, y)], right[(44, y)]);
        }
    }

    #[test]
    fn what_the_canvas_drops_is_made_again_when_it_is_shown() {
        let document = painted(300);
        let mut canvas = Canvas::showing(&[0], document.content().frame);
        assert_eq!(canvas.catch_up(&document), 8);
        assert_eq!(canvas.catch_up(&document), 0);
        let dropped = canvas.maker.shown[..3].to_vec();
        canvas.maker.take(Message::Dropped(dropped));
        assert_eq!(canvas.catch_up(&document), 3);
        canvas.maker.take(Message::Shown(Vec::new()));
        assert_eq!(canvas.catch_up(&painted(300)), 0);
    }
}
