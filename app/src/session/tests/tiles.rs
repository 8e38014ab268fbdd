//! An edit in tiles: one after the other, each on what those before have made, one patch at the end.

use limn_engine::PixelRect;
use limn_engine::image::RgbPicture;
use limn_engine::stitch::{self, Crop, EditTile};

use super::edits::{bench_with_picture_of, model};
use super::*;
use crate::document::StepName;

/// xorshift64, Marsaglia 2003.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u32) -> u32 {
        (self.next() >> 33) as u32 % n
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

impl Bench {
    /// Answers the tile that the engine was asked for as the engine does, with noise for what the model drew.
    fn answer(&mut self, run: RunId, index: u32, random: &mut Random) -> EditTile {
        let run = self.session.run(run).unwrap();
        let edit = run.edit().cloned().unwrap();
        let tile = edit.tiles[run.slots[index as usize].n_tiles_done].clone();
        let (work_width, work_height) = tile.plan.work_size;
        let drawn = RgbPicture {
            width: work_width,
            height: work_height,
            rgb: random.bytes((work_width * work_height * 3) as usize),
        };
        let crop = Crop {
            size: tile.plan.context.size(),
            rgba: &self.blobs[0],
            mask: self.blobs.get(1).map(AsRef::as_ref),
        };
        let patch = stitch::finish(&crop, &tile.plan, &edit.settings, &drawn).unwrap();
        let job = self.job();
        self.say(Event::Started { job, plan: plan() });
        let picture = Picture {
            index: 0,
            seed: 1,
            width: patch.size.0,
            height: patch.size.1,
            pixels: BlobHash([0; 32]),
            score: None,
            patch_mask: Some(BlobHash([0; 32])),
            chosen: None,
        };
        self.event(EngineEvent::Picture {
            job,
            picture,
            pixels: patch.rgb,
            patch_mask: Some(patch.mask),
        });
        self.finish();
        tile
    }

    fn ask_in_tiles(&mut self, n_pictures: u32) -> RunId {
        self.session.documents.current_mut().choices.in_tiles = true;
        let snapshot = self.session.take_snapshot(Deed::FillMask).unwrap();
        let (id, effects) = self
            .session
            .queue_edit(request("a red boat", n_pictures), snapshot);
        self.note(effects);
        id
    }

    fn paint_mask(&mut self, rect: PixelRect, pixels: &[u8]) {
        let document = self.session.document_mut();
        document.change(StepName::Brush, |content| content.mask.write(rect, pixels));
    }
}

/// Over random pictures, masks and strengths: a pixel that no tile's soft edge reaches is bit for bit what it was,
/// and what is kept is what the canvas showed.
#[test]
fn outside_of_what_the_tiles_cover_every_bit_stays() {
    for seed in 1..=8_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let size = (150 + random.below(120), 90 + random.below(150));
        let frame = PixelRect::from_size(size.0, size.1);
        let pixels = random.bytes(frame.n_pixels() as usize * 4);
        let mut bench = bench_with_picture_of(size, pixels);
        for _ in 0..3 {
            let corner = (random.below(size.0 - 40), random.below(size.1 - 40));
            let rect = PixelRect::new(corner.0 as i32, corner.1 as i32, 90, 70);
            let mask = random.bytes(rect.n_pixels() as usize);
            bench.paint_mask(rect, &mask);
        }
        let strength = 0.2 + 0.2 * random.below(5) as f32;
        let choices = &mut bench.session.documents.current_mut().choices;
        choices.fill_strength = strength;
        let before = bench.session.document().content().clone();
        let run = bench.ask_in_tiles(1);
        let mut tiles = Vec::new();
        while bench.session.running().is_some() {
            tiles.push(bench.answer(run, 0, &mut random));
        }
        bench.save_all();
        assert!(tiles.len() > 3, "{seed}: {}", tiles.len());
        assert_eq!(bench.states(run), ["saved"]);
        bench.session.show(PictureRef::Result { run, index: 0 });
        bench.session.refresh();
        let seen = bench.session.canvas_content().composite(frame);
        assert_eq!(bench.session.keep(), Keep::Done(Kept::Patch));
        let content = bench.session.document().content();
        assert_eq!(content.layers.len(), 2, "one patch");
        let kept = content.composite(frame);
        assert_eq!(seen, kept);
        let patch = content.layers[1].patch_mask().unwrap().clone();
        let was = before.composite(frame);
        let mut n_changed = 0;
        for y in 0..frame.height as i32 {
            for x in 0..frame.width as i32 {
                let i = (y as u32 * frame.width + x as u32) as usize;
                let reaches = tiles.iter().any(|tile| {
                    let reach = tile.plan.reach_px().ceil() as i32 + 1;
                    tile.part.expand(reach).contains(x, y)
                });
                if !reaches || patch.pixel(x, y) == 0 {
                    assert_eq!(kept[i], was[i], "{seed}: {x} {y}");
                } else {
                    n_changed += u32::from(kept[i] != was[i]);
                }
            }
        }
        assert!(n_changed > 500, "{seed}: {n_changed}");
    }
}

#[test]
fn every_tile_sees_what_the_ones_before_have_made() {
    let mut bench = bench_with_picture_of((256, 64), vec![90; 256 * 64 * 4]);
    bench.paint_mask(PixelRect::from_size(256, 64), &vec![255; 256 * 64]);
    let run = bench.ask_in_tiles(1);
    let mut random = Random(7);
    let first = bench.answer(run, 0, &mut random);
    // The second tile's picture is on its way now: where the first has painted, it is not grey any more.
    let edit = bench.session.run(run).unwrap().edit().cloned().unwrap();
    let second = edit.tiles[1].plan.context;
    let shared = first.part.intersect(&second);
    assert!(shared.width > 4);
    let image = bench.blobs[0].as_chunks::<4>().0;
    let at = |x: i32, y: i32| {
        image[(y - second.y) as usize * second.width as usize + (x - second.x) as usize]
    };
    let n_grey = (shared.x..shared.right())
        .filter(|x| at(*x, 30)[..3] == [90; 3])
        .count();
    assert!(n_grey < 3, "{n_grey}");
    // What is still to come is not seen at all.
    let coming = second.right() - 1;
    assert_eq!(at(coming, 30)[3], 0);
    assert!(bench.session.run(run).unwrap().fraction() > 0.0);
}

#[test]
fn a_run_in_tiles_that_was_lost_goes_on_where_it_was() {
    let mut bench = bench_with_picture_of((256, 64), vec![90; 256 * 64 * 4]);
    bench.paint_mask(PixelRect::from_size(256, 64), &vec![255; 256 * 64]);
    let run = bench.ask_in_tiles(2);
    let mut random = Random(11);
    bench.answer(run, 0, &mut random);
    bench.answer(run, 0, &mut random);
    bench.event(EngineEvent::Died {
        cause: crate::engine_link::DeathCause::Ended,
        reason: "killed".to_owned(),
        lost: Vec::new(),
    });
    assert_eq!(bench.states(run), ["failed", "failed"]);
    bench.event(EngineEvent::Connected {
        build: "next".to_owned(),
    });
    let effects = bench.session.run_again(run);
    bench.note(effects);
    let tiles_done = |bench: &Bench| -> Vec<usize> {
        let slots = &bench.session.run(run).unwrap().slots;
        slots.iter().map(|slot| slot.n_tiles_done).collect()
    };
    assert_eq!(tiles_done(&bench), [2, 0]);
    let n_tiles = bench.session.run(run).unwrap().n_tiles();
    for _ in 2..n_tiles {
        bench.answer(run, 0, &mut random);
    }
    assert_eq!(
        tiles_done(&bench),
        [n_tiles, 0],
        "one picture after the other"
    );
    for _ in 0..n_tiles {
        bench.answer(run, 1, &mut random);
    }
    bench.save_all();
    assert_eq!(bench.states(run), ["saved", "saved"]);
    assert_eq!(bench.session.run(run).unwrap().state, RunState::Finished);
    let seeds: Vec<u64> = bench
        .asked
        .iter()
        .filter_map(|request| match request {
            Request::Edit { request, .. } => Some(request.generate.seed),
            _ => None,
        })
        .collect();
    let different: std::collections::HashSet<_> = seeds.iter().collect();
    // The tile that was lost was asked for twice.
    assert_eq!(different.len(), seeds.len() - 1, "{seeds:?}");
}

#[test]
fn what_a_large_mask_means_is_said_before() {
    let mut bench = bench_with_picture_of((256, 256), vec![90; 256 * 256 * 4]);
    assert_eq!(bench.session.edit_outlook(), None);
    bench.paint_mask(PixelRect::new(100, 100, 8, 8), &[255; 64]);
    let small = bench.session.edit_outlook().unwrap();
    assert!(!small.is_coarse() && !small.is_too_large);
    assert!(small.tiles.is_empty());
    bench.paint_mask(PixelRect::from_size(256, 256), &vec![255; 256 * 256]);
    let large = bench.session.edit_outlook().unwrap();
    assert!(large.is_coarse() && !large.in_tiles);
    assert!(large.tiles.len() > 8);
    bench.session.documents.current_mut().choices.in_tiles = true;
    assert!(bench.session.edit_outlook().unwrap().in_tiles);
    assert_eq!(model().default_size, (64, 64));
}

#[test]
fn a_picture_beyond_what_the_engine_takes_says_what_to_do() {
    let mut bench = bench_with_picture_of((64, 64), vec![90; 64 * 64 * 4]);
    bench
        .session
        .document_mut()
        .change(StepName::Extend, |content| {
            content.frame = PixelRect::from_size(9200, 9200);
        });
    bench.session.choose_deed(Deed::ChangePicture);
    assert!(bench.session.edit_outlook().unwrap().is_too_large);
    let problem = bench
        .session
        .take_snapshot(Deed::ChangePicture)
        .unwrap_err();
    assert_eq!(problem.text, too_large(Deed::ChangePicture));
    // A mask of a part of it is no problem.
    bench.paint_mask(PixelRect::from_size(40, 40), &[255; 1600]);
    assert!(bench.session.take_snapshot(Deed::FillMask).is_ok());
}
