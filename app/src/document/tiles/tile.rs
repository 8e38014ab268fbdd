//! One tile: where it is, what it is made of.

use std::sync::Arc;

use limn_engine::PixelRect;
use serde::{Deserialize, Serialize};

/// Tiles are squares of this many pixels.
pub const TILE_SIDE: u32 = 256;
pub(super) const TILE_PIXELS: usize = (TILE_SIDE * TILE_SIDE) as usize;

/// What a plane is made of; the default is what stands where nothing was written.
pub trait Pixel: Copy + Default + PartialEq + Send + Sync + 'static {
    fn any_tile(tile: Tile<Self>) -> AnyTile;
    /// A tile in which nothing stands.
    fn blank_tile() -> Tile<Self>;
    /// The tile if it is of this kind.
    fn of_any_tile(tile: AnyTile) -> Option<Tile<Self>>;
}

/// How much a mask covers, from 0 to 255.
impl Pixel for u8 {
    fn any_tile(tile: Tile<Self>) -> AnyTile {
        AnyTile::Mask(tile)
    }

    fn blank_tile() -> Tile<Self> {
        // Copied: filling memory byte by byte is slow in a development build.
        static BLANK: [u8; TILE_PIXELS] = [0; TILE_PIXELS];
        Tile::from(&BLANK[..])
    }

    fn of_any_tile(tile: AnyTile) -> Option<Tile<Self>> {
        match tile {
            AnyTile::Mask(tile) => Some(tile),
            AnyTile::Colour(_) => None,
        }
    }
}

/// Red, green, blue and straight alpha, in sRGB.
impl Pixel for [u8; 4] {
    fn any_tile(tile: Tile<Self>) -> AnyTile {
        AnyTile::Colour(tile)
    }

    fn blank_tile() -> Tile<Self> {
        static BLANK: [[u8; 4]; TILE_PIXELS] = [[0; 4]; TILE_PIXELS];
        Tile::from(&BLANK[..])
    }

    fn of_any_tile(tile: AnyTile) -> Option<Tile<Self>> {
        match tile {
            AnyTile::Colour(tile) => Some(tile),
            AnyTile::Mask(_) => None,
        }
    }
}

/// Column and row of a tile: `(0, 0)` has the pixel `(0, 0)` in its top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TileIndex {
    pub column: i32,
    pub row: i32,
}

impl TileIndex {
    pub const fn of_pixel(x: i32, y: i32) -> Self {
        Self {
            column: x.div_euclid(TILE_SIDE as i32),
            row: y.div_euclid(TILE_SIDE as i32),
        }
    }

    pub const fn rect(self) -> PixelRect {
        let side = TILE_SIDE as i32;
        PixelRect::new(self.column * side, self.row * side, TILE_SIDE, TILE_SIDE)
    }

    /// The tiles that `rect` touches, row by row.
    pub fn covering(rect: PixelRect) -> impl Iterator<Item = Self> {
        let first = Self::of_pixel(rect.x, rect.y);
        let last = Self::of_pixel(rect.right() - 1, rect.bottom() - 1);
        let rows = if rect.is_empty() {
            0..0
        } else {
            first.row..last.row + 1
        };
        rows.flat_map(move |row| {
            (first.column..=last.column).map(move |column| Self { column, row })
        })
    }
}

/// A tile's pixels, row by row.
pub type Tile<P> = Arc<[P]>;

/// A tile of a mask or of colours.
#[derive(Debug, Clone, PartialEq)]
pub enum AnyTile {
    Mask(Tile<u8>),
    Colour(Tile<[u8; 4]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TileKind {
    Mask,
    Colour,
}

impl TileKind {
    pub const fn n_bytes(self) -> usize {
        match self {
            Self::Mask => TILE_PIXELS,
            Self::Colour => TILE_PIXELS * 4,
        }
    }
}

impl AnyTile {
    pub const fn kind(&self) -> TileKind {
        match self {
            Self::Mask(_) => TileKind::Mask,
            Self::Colour(_) => TileKind::Colour,
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Mask(tile) => tile,
            Self::Colour(tile) => tile.as_flattened(),
        }
    }

    /// A tile in which nothing stands.
    pub fn blank(kind: TileKind) -> Self {
        match kind {
            TileKind::Mask => Self::Mask(Pixel::blank_tile()),
            TileKind::Colour => Self::Colour(Pixel::blank_tile()),
        }
    }

    /// Whether nothing else shares it, so that its memory can hold another tile.
    pub fn is_alone(&mut self) -> bool {
        match self {
            Self::Mask(tile) => Tile::get_mut(tile).is_some(),
            Self::Colour(tile) => Tile::get_mut(tile).is_some(),
        }
    }

    /// Copied first where a snapshot shares it.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Mask(tile) => Tile::make_mut(tile),
            Self::Colour(tile) => Tile::make_mut(tile).as_flattened_mut(),
        }
    }

    /// The value that all pixels have, if they have one.
    pub fn uniform_value(&self) -> Option<[u8; 4]> {
        // Compared with itself one pixel on, which runs at the speed of memory.
        let (bytes, step) = match self {
            Self::Mask(tile) => (&tile[..], 1),
            Self::Colour(tile) => (tile.as_flattened(), 4),
        };
        let mut value = [0; 4];
        value[..step].copy_from_slice(&bytes[..step]);
        (bytes[step..] == bytes[..bytes.len() - step]).then_some(value)
    }

    /// Tells tiles in memory apart: two of one address are one.
    pub fn address(&self) -> usize {
        self.bytes().as_ptr().addr()
    }
}
