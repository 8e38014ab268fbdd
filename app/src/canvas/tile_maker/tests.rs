use limn_engine::PixelRect;

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
