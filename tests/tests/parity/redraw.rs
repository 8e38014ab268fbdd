//! A larger picture drawn anew in tiles, by the fixture's model.

use limn_engine::{
    Error, Result,
    operations::{LoadedModel, SourcePicture, redraw},
    protocol::{Compute, GenerateRequest, ModelId, Phase, Sampling},
};

use crate::{
    harness::fixture_path,
    parity::pipelines::{Told, open},
};

const TILE_PX: u32 = 32;

fn source() -> SourcePicture {
    let (width, height) = (30, 20);
    let pixels = (0..width * height).flat_map(|i| {
        let (x, y) = (i % width, i / width);
        [(8 * x) as u8, (12 * y) as u8, 90, 255]
    });
    SourcePicture {
        width,
        height,
        rgba: pixels.collect(),
    }
}

fn request(seed: u64) -> GenerateRequest {
    GenerateRequest {
        model: ModelId("pipeline".to_owned()),
        compute: Compute::default(),
        prompt: String::new(),
        negative_prompt: None,
        size: Some((TILE_PX, TILE_PX)),
        n_pictures: 1,
        best_of: 1,
        seed,
        sampling: Sampling {
            n_steps: Some(4),
            ..Sampling::default()
        },
        latents: None,
        loras: Vec::new(),
        ip_adapter: None,
    }
}

fn redrawn(model: &mut LoadedModel, seed: u64, strength: f32) -> Result<Told> {
    let mut told = Told::default();
    redraw::run(
        model,
        &request(seed),
        strength,
        (&source(), 2),
        &mut |event| {
            told.note(event);
            Ok(())
        },
    )?;
    Ok(told)
}

#[test]
fn tiles_are_drawn_one_by_one_and_come_back_as_one_picture() {
    let mut model = open(&fixture_path("pipeline"), u64::MAX, None);
    let told = redrawn(&mut model, 3, 0.5).unwrap();
    let [plan] = &told.plans[..] else {
        panic!("{:?}", told.plans);
    };
    assert_eq!((plan.width, plan.height), (60, 40));
    let [picture] = &told.pictures[..] else {
        panic!("{} pictures", told.pictures.len());
    };
    assert_eq!((picture.width, picture.height, picture.seed), (60, 40, 3));
    assert_eq!(picture.rgb.len(), 3 * 60 * 40);
    // 60 pixels in tiles of 32 that share 16 take three, 40 take two; each does two of four steps.
    let steps: Vec<_> = told
        .progress
        .iter()
        .filter(|progress| progress.phase == Phase::Upscale)
        .map(|progress| (progress.picture, progress.step * 12 / progress.n_steps))
        .collect();
    assert!(steps.iter().all(|(picture, _)| *picture == 0));
    assert!(steps.is_sorted_by_key(|(_, done)| *done), "{steps:?}");
    assert_eq!(steps.last(), Some(&(0, 12)));

    let again = redrawn(&mut model, 3, 0.5).unwrap();
    assert_eq!(again.pictures[0].rgb, picture.rgb);
    let other = redrawn(&mut model, 4, 0.5).unwrap();
    assert_ne!(other.pictures[0].rgb, picture.rgb);
}

#[test]
fn redrawing_refuses_strengths_that_are_none_and_ends_when_told() {
    let mut model = open(&fixture_path("pipeline"), u64::MAX, None);
    for strength in [0.0, -0.1, 1.1, f32::NAN] {
        let message = redrawn(&mut model, 3, strength).unwrap_err().to_string();
        assert!(message.contains("strength"), "{message}");
    }
    let mut n_steps = 0;
    let result = redraw::run(&mut model, &request(3), 1.0, (&source(), 2), &mut |_| {
        n_steps += 1;
        if n_steps == 9 {
            Err(Error::Cancelled)
        } else {
            Ok(())
        }
    });
    assert!(matches!(result, Err(Error::Cancelled)));
    assert_eq!(n_steps, 9);
}
