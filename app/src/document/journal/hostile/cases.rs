//! What somebody may put into a project's file, and what it is answered with.

use limn_engine::PixelRect;

use super::super::super::layer::LayerId;
use super::super::super::outline::{Outline, Plane};
use super::super::super::tiles::{TILE_SIDE, TileKind};
use super::super::*;
use super::Answer::{self, Damaged, Newer, NotAProject, Opens, Swells};
use super::maker::*;

pub type Cases = Vec<(&'static str, Vec<u8>, Answer)>;

pub fn containers() -> Cases {
    let header = Maker::new().bytes;
    let changed = |position: usize| {
        let mut bytes = header.clone();
        bytes[position] ^= 0x40;
        bytes
    };
    let mut many_markers = header.clone();
    many_markers.extend(MARKER.0.repeat(1 << 17));
    let beginning = Maker {
        bytes: Vec::new(),
        number: 0,
    };
    let beginning = beginning.frame(0, 4 << 20, 0, &[]).bytes;
    let mut many_beginnings = header.clone();
    many_beginnings.extend(beginning.repeat((8 << 20) / beginning.len()));
    let mut small_beginnings = header.clone();
    let small = Maker {
        bytes: Vec::new(),
        number: 0,
    };
    small_beginnings.extend(small.frame(0, 60_000, 0, &[]).bytes.repeat(50_000));
    let with = |n_bytes: usize, value: u8| {
        let mut bytes = header.clone();
        bytes.extend(vec![value; n_bytes]);
        bytes
    };
    vec![
        ("nothing", Vec::new(), NotAProject),
        ("a byte", vec![b'L'], NotAProject),
        ("the magic", b"LIMNDOC\n".to_vec(), NotAProject),
        ("half a header", header[..20].to_vec(), NotAProject),
        ("zeros", vec![0; 1 << 20], NotAProject),
        ("ones", vec![0xff; 1 << 20], NotAProject),
        ("another magic", changed(3), NotAProject),
        ("a newer one", changed(8), Newer),
        ("another marker", changed(13), Damaged),
        ("a wrong checksum", changed(22), Damaged),
        ("a header", header.clone(), Opens),
        ("zeros after a header", with(1 << 20, 0), Opens),
        ("a marker of markers", with(1 << 20, 7), Opens),
        ("many markers", many_markers, Opens),
        ("many beginnings", many_beginnings, Damaged),
        ("many small beginnings", small_beginnings, Damaged),
        (
            "a long head",
            Maker::new().frame(0, u32::MAX, 0, &[0; 90]).bytes,
            Opens,
        ),
        (
            "long blobs",
            Maker::new().frame(0, 0, u32::MAX, &[0; 90]).bytes,
            Opens,
        ),
        (
            "both long",
            Maker::new().frame(0, u32::MAX, u32::MAX, &[]).bytes,
            Opens,
        ),
        (
            "a head past the end",
            Maker::new().frame(0, 1 << 20, 0, &[0; 90]).bytes,
            Opens,
        ),
        (
            "a far number",
            Maker::new().frame(u64::MAX, 0, 0, &[]).bytes,
            Opens,
        ),
    ]
}

pub fn records() -> Cases {
    let one = || Maker::new().tiles(1, &mask_tile());
    let shows = |n: usize| masks(vec![(nth(n), Some(0))]);
    let long = "x".repeat(1 << 20);
    let saved = Record::Saved {
        path: long.clone(),
        serial: 1,
    };
    vec![
        (
            "a step back at the start",
            Maker::new().record(&Record::Undo).bytes,
            Damaged,
        ),
        (
            "a step forth at the start",
            Maker::new().record(&Record::Redo).bytes,
            Damaged,
        ),
        (
            "a base of nothing",
            Maker::new().record(&Record::Base).bytes,
            Damaged,
        ),
        (
            "a base twice",
            one()
                .record(&shows(0))
                .record(&Record::Base)
                .record(&Record::Base)
                .bytes,
            Opens,
        ),
        (
            "a base after two steps",
            one()
                .record(&shows(0))
                .record(&shows(1))
                .record(&Record::Base)
                .bytes,
            Opens,
        ),
        (
            "a base that was undone",
            one()
                .record(&shows(0))
                .record(&Record::Undo)
                .record(&Record::Base)
                .bytes,
            Opens,
        ),
        (
            "a long name",
            Maker::new().record(&Record::Named(long)).bytes,
            Damaged,
        ),
        ("a long path", Maker::new().record(&saved).bytes, Damaged),
        (
            "no tiles",
            Maker::new().record(&Record::Tiles(Vec::new())).bytes,
            Opens,
        ),
        (
            "a tile of nothing",
            Maker::new().false_tile(TileKind::Mask, 0).bytes,
            Damaged,
        ),
        (
            "a tile too short",
            Maker::new().false_tile(TileKind::Colour, 1_024).bytes,
            Damaged,
        ),
        (
            "a tile too long",
            Maker::new().false_tile(TileKind::Mask, 65_537).bytes,
            Damaged,
        ),
        (
            "a tile that does not unpack",
            Maker::new().false_tile(TileKind::Mask, 5_000).bytes,
            Opens,
        ),
        ("a record that is none", unknown_record(), Opens),
        (
            "names without end",
            Maker::new()
                .times(60_000, |_| vec![Record::Named("a".into())])
                .bytes,
            Opens,
        ),
    ]
}

fn unknown_record() -> Vec<u8> {
    let mut bytes = Maker::new().bytes;
    let head = [200_u8, 1, 2, 3];
    let mut frame = Vec::new();
    frame.extend(0_u64.to_le_bytes());
    frame.extend((head.len() as u32).to_le_bytes());
    frame.extend(0_u32.to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&frame);
    crc.update(&head);
    bytes.extend(MARKER.0);
    bytes.extend(frame);
    bytes.extend(crc.finalize().to_le_bytes());
    bytes.extend(head);
    bytes
}

pub fn steps() -> Cases {
    let one = || Maker::new().tiles(1, &mask_tile());
    let colour = || Maker::new().tiles(1, &colour_tile());
    let far = i32::MAX / TILE_SIDE as i32;
    let nowhere = Plane::Pixels(LayerId::new());
    let sketch = layers(1);
    let patch_of_sketch = Plane::PatchMask(sketch.layers[0].id);
    let with_layer = step(Some(Outline::of(&sketch)), Vec::new());
    let pixels = Plane::Pixels(sketch.layers[0].id);
    let shows = |plane| step(None, vec![(plane, vec![(nth(0), Some(0))])]);
    let twice = |tiles| {
        step(
            None,
            vec![(Plane::Mask, tiles), (Plane::Mask, vec![(nth(0), Some(0))])],
        )
    };
    vec![
        (
            "a version that is not there",
            Maker::new().record(&shows(Plane::Mask)).bytes,
            Damaged,
        ),
        (
            "colours in a mask",
            colour().record(&shows(Plane::Mask)).bytes,
            Opens,
        ),
        (
            "a mask in a layer",
            one().record(&with_layer).record(&shows(pixels)).bytes,
            Opens,
        ),
        (
            "a layer that is not there",
            colour().record(&shows(nowhere)).bytes,
            Opens,
        ),
        (
            "a patch's mask of a sketch",
            one()
                .record(&with_layer)
                .record(&shows(patch_of_sketch))
                .bytes,
            Opens,
        ),
        (
            "a tile far right",
            one().record(&masks(vec![(at(far, 0), Some(0))])).bytes,
            Opens,
        ),
        (
            "a tile far up",
            one().record(&masks(vec![(at(0, i32::MIN), Some(0))])).bytes,
            Opens,
        ),
        (
            "a tile twice",
            one().record(&twice(vec![(nth(0), Some(0))])).bytes,
            Opens,
        ),
        (
            "a plane twice",
            one().record(&twice(vec![(nth(1), Some(0))])).bytes,
            Opens,
        ),
        (
            "a million tiles in a step",
            one()
                .record(&masks(
                    (0..1_100_000).map(|n| (nth(n % 4096), Some(0))).collect(),
                ))
                .bytes,
            Opens,
        ),
        (
            "ten thousand planes in a step",
            one()
                .record(&step(None, vec![(Plane::Mask, Vec::new()); 10_000]))
                .bytes,
            Opens,
        ),
        (
            "a layer that goes and leaves its pixels",
            colour()
                .record(&with_layer)
                .record(&shows(pixels))
                .record(&step(
                    Some(outline_of(|content| content.layers.clear())),
                    Vec::new(),
                ))
                .bytes,
            Opens,
        ),
    ]
}

pub fn layouts() -> Cases {
    let frame = |width, height| {
        lays_out(|content| content.frame = PixelRect::from_size(width, height)).bytes
    };
    let opacity = |opacity| lays_out(|content| content.layers[0].opacity = opacity).bytes;
    let n_layers = |n| lays_out(|content| content.layers = layers(n).layers).bytes;
    let long = "x".repeat(1 << 20);
    vec![
        ("a frame of 65,536²", frame(1 << 16, 1 << 16), Damaged),
        ("a frame of 4 billion", frame(u32::MAX, u32::MAX), Damaged),
        ("a wide frame", frame(16_385, 1), Damaged),
        ("a high frame", frame(1, 16_385), Damaged),
        ("the largest frame", frame(16_384, 16_384), Opens),
        (
            "a frame far away",
            lays_out(|content| content.frame = PixelRect::new(i32::MAX, 0, 9, 9)).bytes,
            Damaged,
        ),
        ("an opacity of 2", opacity(2.0), Damaged),
        ("an opacity below nothing", opacity(-0.1), Damaged),
        ("no opacity", opacity(f32::NAN), Damaged),
        ("an endless opacity", opacity(f32::INFINITY), Damaged),
        (
            "a layer far away",
            lays_out(|content| content.layers[0].offset.1 = i32::MIN).bytes,
            Damaged,
        ),
        (
            "a layer twice",
            lays_out(|content| content.layers.push(content.layers[0].clone())).bytes,
            Damaged,
        ),
        ("as many layers as can be", n_layers(2_000), Opens),
        ("a layer too many", n_layers(2_001), Damaged),
        ("a hundred thousand layers", n_layers(100_000), Damaged),
        (
            "a long name of a layer",
            lays_out(|content| content.layers[0].name.clone_from(&long)).bytes,
            Damaged,
        ),
        (
            "a long name of a file",
            from_file(|file| file.file_name.clone_from(&long)).bytes,
            Damaged,
        ),
        (
            "notes without end",
            from_file(|file| file.notes = vec![String::new(); 1 << 20]).bytes,
            Damaged,
        ),
        (
            "a long note",
            from_file(|file| file.notes = vec![long.clone()]).bytes,
            Damaged,
        ),
        (
            "a long origin",
            from_file(|file| file.source_type = Some(long.clone())).bytes,
            Damaged,
        ),
        (
            "a choice that is not there",
            lays_out(|content| content.selected = Some(LayerId::new())).bytes,
            Opens,
        ),
    ]
}

/// A few megabytes that would be hours of work, step by step.
pub fn work() -> Cases {
    let back_and_forth = |_| vec![Record::Undo, Record::Redo];
    let many = |n: usize| masks((0..n).map(|n| (nth(n), Some(0))).collect());
    let one = || Maker::new().tiles(1, &mask_tile());
    let deep = Outline::of(&layers(2_000));
    let wide = layers(2_000);
    let over_all = wide.layers.iter().map(|layer| {
        let tiles = (0..20).map(|n| (nth(n), Some(0))).collect();
        (Plane::Pixels(layer.id), tiles)
    });
    let over_all = step(Some(Outline::of(&wide)), over_all.collect());
    vec![
        (
            "back and forth over a large step",
            one()
                .record(&many(100_000))
                .times(30_000, back_and_forth)
                .bytes,
            Opens,
        ),
        (
            "back and forth over many layers",
            Maker::new()
                .record(&step(Some(deep), Vec::new()))
                .times(30_000, back_and_forth)
                .bytes,
            Opens,
        ),
        (
            "small layouts over many tiles",
            one()
                .record(&many(100_000))
                .times(15_000, |n| {
                    vec![step(
                        Some(outline_of(|content| content.frame.width = n as u32 % 9)),
                        Vec::new(),
                    )]
                })
                .bytes,
            Opens,
        ),
        (
            "small steps over many layers",
            Maker::new()
                .record(&step(Some(Outline::of(&layers(2_000))), Vec::new()))
                .tiles(1, &mask_tile())
                .times(25_000, |n| vec![masks(vec![(nth(n % 100), Some(0))])])
                .bytes,
            Opens,
        ),
        (
            "a step again and again after a step back",
            one()
                .record(&many(50_000))
                .times(20_000, |n| {
                    vec![masks(vec![(nth(n % 100), None)]), Record::Undo]
                })
                .bytes,
            Opens,
        ),
        (
            "bases without end",
            one()
                .record(&many(50_000))
                .times(30_000, |_| vec![Record::Base])
                .bytes,
            Opens,
        ),
        (
            "tiles over many layers",
            Maker::new()
                .tiles(1, &colour_tile())
                .record(&over_all)
                .bytes,
            Opens,
        ),
    ]
}

/// Short files of tiles that are long in memory.
pub fn bombs() -> Cases {
    let sketch = layers(1);
    let shown = |n: usize, plane| {
        let tiles = (0..n).map(|n| (nth(n), Some(n as u32))).collect();
        step(Some(Outline::of(&sketch)), vec![(plane, tiles)])
    };
    let pixels = Plane::Pixels(sketch.layers[0].id);
    let take_away = |n: usize| {
        step(
            None,
            vec![(pixels, (0..n).map(|n| (nth(n), None)).collect())],
        )
    };
    let n = (600 << 20) / TileKind::Colour.n_bytes();
    vec![
        (
            "colours",
            Maker::new()
                .tiles(n, &colour_tile())
                .record(&shown(n, pixels))
                .bytes,
            Swells,
        ),
        (
            "colours that are gone again",
            Maker::new()
                .tiles(n, &colour_tile())
                .record(&shown(n, pixels))
                .record(&take_away(n))
                .bytes,
            Swells,
        ),
        (
            "masks",
            Maker::new()
                .tiles(4 * n, &mask_tile())
                .record(&shown(4 * n, Plane::Mask))
                .bytes,
            Swells,
        ),
        (
            "tiles that nothing shows",
            Maker::new().tiles(n, &colour_tile()).bytes,
            Opens,
        ),
        (
            "one tile everywhere",
            Maker::new()
                .tiles(1, &colour_tile())
                .record(&step(
                    Some(Outline::of(&sketch)),
                    vec![(pixels, (0..500_000).map(|n| (nth(n), Some(0))).collect())],
                ))
                .bytes,
            Opens,
        ),
    ]
}
