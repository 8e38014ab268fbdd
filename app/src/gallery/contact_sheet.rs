//! Contact sheets: many pictures small on one page, each with a line of words under it.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use image::{Rgb, RgbImage, imageops};

/// Inter, as in the window; characters that it lacks are left out.
const FONT: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.ttf");
const CAPTION_PX: f32 = 15.0;
/// Between a picture and its words, and the height of those.
const CAPTION_GAP_PX: u32 = 6;
const CAPTION_HEIGHT_PX: u32 = 22;
const GAP_PX: u32 = 16;
const MARGIN_PX: u32 = 32;
const PAPER: Rgb<u8> = Rgb([250, 250, 250]);
const INK: Rgb<u8> = Rgb([60, 62, 68]);

/// How a page is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetLayout {
    pub n_columns: u32,
    pub n_rows: u32,
    /// Of the square that each picture is fitted into, in pixels.
    pub cell_px: u32,
}

impl Default for SheetLayout {
    /// Six by five of 256 px: a little over a screen.
    fn default() -> Self {
        Self {
            n_columns: 6,
            n_rows: 5,
            cell_px: 256,
        }
    }
}

impl SheetLayout {
    pub fn pictures_per_page(&self) -> usize {
        (self.n_columns * self.n_rows) as usize
    }

    /// Of a page with so many pictures: the last one is only as high as it must be.
    fn page_size(&self, n_pictures: usize) -> (u32, u32) {
        let n_columns = self.n_columns.min(n_pictures.max(1) as u32);
        let n_rows = (n_pictures.max(1) as u32).div_ceil(self.n_columns);
        let side = |n: u32, cell: u32| 2 * MARGIN_PX + n * cell + (n - 1) * GAP_PX;
        (side(n_columns, self.cell_px), side(n_rows, self.row_px()))
    }

    fn row_px(&self) -> u32 {
        self.cell_px + CAPTION_GAP_PX + CAPTION_HEIGHT_PX
    }
}

/// One page. Pictures come at any size, and are fitted into their cells; those beyond
/// [`SheetLayout::pictures_per_page`] are for the next page.
pub fn draw_page(pictures: &[(RgbImage, String)], layout: SheetLayout) -> RgbImage {
    let pictures = &pictures[..pictures.len().min(layout.pictures_per_page())];
    let (width, height) = layout.page_size(pictures.len());
    let mut page = RgbImage::from_pixel(width, height, PAPER);
    for (index, (picture, caption)) in pictures.iter().enumerate() {
        let (column, row) = (
            index as u32 % layout.n_columns,
            index as u32 / layout.n_columns,
        );
        let left = MARGIN_PX + column * (layout.cell_px + GAP_PX);
        let top = MARGIN_PX + row * (layout.row_px() + GAP_PX);
        let fitted = fit(picture, layout.cell_px);
        let x = left + (layout.cell_px - fitted.width()) / 2;
        let y = top + (layout.cell_px - fitted.height()) / 2;
        imageops::replace(&mut page, &fitted, i64::from(x), i64::from(y));
        let baseline = (top + layout.cell_px + CAPTION_GAP_PX) as f32 + CAPTION_PX;
        draw_text(
            &mut page,
            caption,
            left as f32,
            baseline,
            layout.cell_px as f32,
        );
    }
    page
}

/// As large as it fits into a square; small pictures are not enlarged beyond whole multiples.
fn fit(picture: &RgbImage, side: u32) -> RgbImage {
    let longer = picture.width().max(picture.height()).max(1);
    if longer <= side {
        let times = side / longer;
        let size = (picture.width() * times, picture.height() * times);
        return imageops::resize(picture, size.0, size.1, imageops::FilterType::Nearest);
    }
    let scale = f64::from(side) / f64::from(longer);
    let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, side);
    let (width, height) = (scaled(picture.width()), scaled(picture.height()));
    imageops::resize(picture, width, height, imageops::FilterType::Triangle)
}

/// One line, cut short by "…" where it is longer than its room.
fn draw_text(page: &mut RgbImage, text: &str, left: f32, baseline: f32, room: f32) {
    // The font is part of the program.
    let Ok(font) = FontRef::try_from_slice(FONT) else {
        return;
    };
    let font = font.as_scaled(PxScale::from(CAPTION_PX));
    let width_of = |c: char| font.h_advance(font.glyph_id(c));
    let known: Vec<char> = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| font.glyph_id(*c).0 != 0)
        .collect();
    let whole: f32 = known.iter().map(|c| width_of(*c)).sum();
    let line = if whole <= room {
        known
    } else {
        let mut used = width_of('…');
        let fits = known.into_iter().take_while(|c| {
            used += width_of(*c);
            used <= room
        });
        fits.chain(['…']).collect()
    };
    let mut x = left;
    for c in line {
        let glyph = font
            .glyph_id(c)
            .with_scale_and_position(font.scale(), point(x, baseline));
        x += width_of(c);
        let Some(outline) = font.outline_glyph(glyph) else {
            continue;
        };
        let corner = outline.px_bounds().min;
        outline.draw(|dx, dy, coverage| {
            let (px, py) = (
                corner.x as i64 + i64::from(dx),
                corner.y as i64 + i64::from(dy),
            );
            let (Ok(px), Ok(py)) = (u32::try_from(px), u32::try_from(py)) else {
                return;
            };
            if let Some(pixel) = page.get_pixel_mut_checked(px, py) {
                for channel in 0..3 {
                    let (paper, ink) = (f32::from(pixel[channel]), f32::from(INK[channel]));
                    let mixed = paper + (ink - paper) * coverage.clamp(0.0, 1.0);
                    pixel[channel] = mixed.round() as u8;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: SheetLayout = SheetLayout {
        n_columns: 3,
        n_rows: 2,
        cell_px: 100,
    };

    fn picture(width: u32, height: u32, colour: [u8; 3]) -> (RgbImage, String) {
        (
            RgbImage::from_pixel(width, height, Rgb(colour)),
            String::new(),
        )
    }

    #[test]
    fn pictures_of_any_shape_lie_in_the_middle_of_their_cells() {
        let pictures = [
            picture(400, 200, [255, 0, 0]),
            picture(30, 30, [0, 255, 0]),
            picture(10, 500, [0, 0, 255]),
            picture(100, 100, [9, 9, 9]),
        ];
        let page = draw_page(&pictures, LAYOUT);
        assert_eq!(
            page.dimensions(),
            (2 * 32 + 3 * 100 + 2 * 16, 2 * 32 + 2 * 128 + 16)
        );
        let middle =
            |column: u32, row: u32| *page.get_pixel(32 + column * 116 + 50, 32 + row * 144 + 50);
        assert_eq!(middle(0, 0), Rgb([255, 0, 0]));
        assert_eq!(middle(1, 0), Rgb([0, 255, 0]));
        assert_eq!(middle(2, 0), Rgb([0, 0, 255]));
        assert_eq!(middle(0, 1), Rgb([9, 9, 9]));
        assert_eq!(middle(1, 1), PAPER);
        // 400 × 200 is 100 × 50 here: above and below it is paper.
        assert_eq!(*page.get_pixel(32 + 50, 32 + 20), PAPER);
        // 30 px are tripled to 90, not smeared to 100.
        assert_eq!(*page.get_pixel(32 + 116 + 2, 32 + 50), PAPER);
        assert_eq!(*page.get_pixel(32 + 116 + 5, 32 + 50), Rgb([0, 255, 0]));
    }

    #[test]
    fn a_page_is_as_large_as_what_is_on_it() {
        for (n, expected) in [
            (0, (1, 1)),
            (1, (1, 1)),
            (3, (3, 1)),
            (4, (3, 2)),
            (9, (3, 2)),
        ] {
            let pictures = vec![picture(10, 10, [0; 3]); n];
            let (width, height) = draw_page(&pictures, LAYOUT).dimensions();
            let cells = ((width - 64 + 16) / 116, (height - 64 + 16) / 144);
            assert_eq!(cells, expected, "{n}");
        }
    }

    #[test]
    fn words_stay_in_their_room_whatever_they_are() {
        let long = "a very long prompt that goes on and on ".repeat(10);
        for caption in [long.as_str(), "boat", "猫\u{1f6a4}\u{0}\n", ""] {
            let pictures = [(RgbImage::new(1, 1), caption.to_owned())];
            let page = draw_page(&pictures, LAYOUT);
            let has_ink = |left: u32, right: u32| {
                (left..right)
                    .any(|x| (32 + 100..page.height()).any(|y| *page.get_pixel(x, y) != PAPER))
            };
            assert!(!has_ink(0, 31) && !has_ink(133, page.width()), "{caption}");
            assert_eq!(
                has_ink(32, 132),
                caption == "boat" || caption == long,
                "{caption}"
            );
        }
    }
}
