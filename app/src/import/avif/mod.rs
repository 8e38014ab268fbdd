//! AVIF: AV1 frames in a file of boxes, cut into a grid where they are large, with alpha as a picture of its own.

mod frame;

use image::metadata::Orientation;
use zenavif_parse::{AvifParser, ColorInformation, DecodeConfig, GridConfig, Unstoppable};

use super::Imported;
use super::budget::Room;
use super::canvas::{Canvas, Facts, check_size};
use super::colour_profile::profile_of_cicp;
use super::error::Error;
use super::input::Input;
use super::note::Note;
use super::samples::Samples;
use frame::{Frame, Matrix};

/// What a frame takes while it is decoded: planes of 16 bit, its references, a row of blocks.
const DECODER_BYTES_PER_PIXEL: u64 = 12;
const EXTRA_BYTES: u64 = 64 << 20;
/// Of boxes and what they point to.
const LIMIT_PARSER_BYTES: u64 = 256 << 20;

pub fn read(input: &mut Input, mut room: Room) -> Result<Imported, Error> {
    let whole_bytes = input.whole_bytes();
    let mut file = input.whole()?;
    // The parser goes by the first brand alone; a file is an AVIF by any of them (MIAF, ISO/IEC 23000-22).
    if let Some(major) = file.get(8..12)
        && !matches!(major, b"avif" | b"avis")
    {
        file.to_mut()[8..12].copy_from_slice(b"avif");
    }
    let config = DecodeConfig::default()
        .with_peak_memory_limit(LIMIT_PARSER_BYTES)
        .with_total_megapixels_limit(300)
        .lenient(true);
    let parser =
        AvifParser::from_bytes_with_config(&file, &config, &Unstoppable).map_err(Error::damaged)?;
    let grid = Grid::of(&parser)?;
    check_size(grid.size)?;
    let has_alpha = parser.alpha_data().is_some();

    let bits = parser.av1_config().map_or(8, |config| config.bit_depth);
    let is_deep = bits > 8;
    let samples = if is_deep {
        Samples::Rgba16
    } else {
        Samples::Rgba8
    };
    let mut facts = Facts::new(grid.size, samples);
    facts.is_premultiplied = has_alpha && parser.premultiplied_alpha();
    facts.orientation = orientation(&parser);
    facts.xmp = parser.xmp().and_then(Result::ok).map(|xmp| xmp.to_vec());
    let mut matrix = None;
    match parser.color_info() {
        Some(ColorInformation::IccProfile(profile)) => facts.icc_profile = Some(profile.clone()),
        Some(ColorInformation::Nclx {
            color_primaries,
            transfer_characteristics,
            matrix_coefficients,
            full_range,
        }) => {
            let code = |code: &u16| u8::try_from(*code).unwrap_or(2);
            facts.icc_profile =
                profile_of_cicp(code(color_primaries), code(transfer_characteristics));
            matrix = Some(Matrix::of_code(code(matrix_coefficients), *full_range));
        }
        None => {}
    }
    if is_deep {
        facts.notes.push(Note::Reduced { bits: bits.into() });
    }
    if parser
        .animation_info()
        .is_some_and(|info| info.frame_count > 1)
    {
        facts.notes.push(Note::FirstFrame);
    }
    let (tile_width, tile_height) = grid.tile;
    let tile_pixels = u64::from(tile_width) * u64::from(tile_height);
    let n_frames = 1 + u64::from(has_alpha);
    facts.extra_bytes =
        EXTRA_BYTES + whole_bytes + n_frames * DECODER_BYTES_PER_PIXEL * tile_pixels;
    let mut canvas = Canvas::for_rows(facts, &mut room)?;

    let alpha = parser.alpha_data().filter(|_| grid.is_single());
    let alpha = match alpha {
        Some(data) => Some(Frame::decode(&data.map_err(Error::damaged)?, grid.tile)?),
        None => None,
    };
    if has_alpha && alpha.is_none() {
        canvas.note(Note::LayersSimplified {
            what: "the transparency of a picture in parts".to_owned(),
        });
    }
    for index in 0..grid.n_tiles() {
        let data = if grid.is_single() {
            first_frame(&parser)?
        } else {
            parser.tile_data(index).map_err(Error::damaged)?.to_vec()
        };
        let frame = Frame::decode(&data, grid.tile)?;
        let matrix = matrix.unwrap_or_else(|| frame.matrix());
        let (left, top) = grid.corner(index);
        let mut row = Vec::new();
        for y in 0..frame.size().1 {
            frame.rgba_row(y, matrix, alpha.as_ref(), is_deep, &mut row);
            canvas.put(left, top + y, &row);
        }
    }
    canvas.finish(room)
}

fn first_frame(parser: &AvifParser) -> Result<Vec<u8>, Error> {
    let still = parser.primary_data().map_err(Error::damaged)?;
    if !still.is_empty() {
        return Ok(still.to_vec());
    }
    let frame = parser.frame(0).map_err(Error::damaged)?;
    Ok(frame.data.to_vec())
}

/// Where the frames lie. A picture in one part is a grid of one.
struct Grid {
    size: (u32, u32),
    tile: (u32, u32),
    n_across: u32,
    n_down: u32,
}

impl Grid {
    fn of(parser: &AvifParser) -> Result<Self, Error> {
        match parser.grid_config() {
            Some(config) => Self::of_config(parser, config),
            None => {
                let data = first_frame(parser)?;
                let size = frame_size(&data)?;
                Ok(Self {
                    size,
                    tile: size,
                    n_across: 1,
                    n_down: 1,
                })
            }
        }
    }

    fn of_config(parser: &AvifParser, config: &GridConfig) -> Result<Self, Error> {
        let (n_across, n_down) = (u32::from(config.columns), u32::from(config.rows));
        if n_across == 0 || n_down == 0 || parser.grid_tile_count() != (n_across * n_down) as usize
        {
            return Err(Error::damaged("parts of it are missing"));
        }
        let first = parser.tile_data(0).map_err(Error::damaged)?;
        let tile = frame_size(&first)?;
        check_size(tile)?;
        let or = |given: u32, all: u32| if given == 0 { all } else { given };
        let size = (
            or(config.output_width, tile.0 * n_across),
            or(config.output_height, tile.1 * n_down),
        );
        Ok(Self {
            size,
            tile,
            n_across,
            n_down,
        })
    }

    fn is_single(&self) -> bool {
        self.n_tiles() == 1
    }

    fn n_tiles(&self) -> usize {
        (self.n_across * self.n_down) as usize
    }

    fn corner(&self, index: usize) -> (u32, u32) {
        let index = index as u32;
        let (x, y) = (index % self.n_across, index / self.n_across);
        (x * self.tile.0, y * self.tile.1)
    }
}

fn frame_size(av1: &[u8]) -> Result<(u32, u32), Error> {
    let metadata = zenavif_parse::AV1Metadata::parse_av1_bitstream(av1).map_err(Error::damaged)?;
    Ok((
        metadata.max_frame_width.get(),
        metadata.max_frame_height.get(),
    ))
}

/// Turned counter-clockwise first, then mirrored.
fn orientation(parser: &AvifParser) -> Orientation {
    let angle = parser.rotation().map_or(0, |rotation| rotation.angle);
    // 0 swaps top and bottom, 1 left and right.
    let axis = parser.mirror().map(|mirror| mirror.axis);
    match (angle, axis) {
        (0, None) => Orientation::NoTransforms,
        (0, Some(0)) | (180, Some(1)) => Orientation::FlipVertical,
        (0 | 180, Some(_)) => Orientation::FlipHorizontal,
        (90, None) => Orientation::Rotate270,
        (180, None) => Orientation::Rotate180,
        (270, None) => Orientation::Rotate90,
        (90, Some(1)) | (270, Some(0)) => Orientation::Rotate270FlipH,
        _ => Orientation::Rotate90FlipH,
    }
}
