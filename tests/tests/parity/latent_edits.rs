//! Edits by latent diffusion's ordinary U-Nets, which were not trained to repaint. That such pictures are diffusers' is asked
//! beside the others, for its hard masks; here is what holds of soft ones and beyond the edges.

use limn_engine::{
    PixelRect,
    operations::{EditInput, FinishedPicture, edit},
    stitch::{Margins, extend},
};

use super::{latent_diffusion::Latent, pipelines::Told};

const FAMILIES: [&str; 2] = ["stable_diffusion", "stable_diffusion_xl"];
const SIZE: (u32, u32) = (24, 32);

fn picture(fixture: Latent, input: &EditInput) -> FinishedPicture {
    let request = fixture.request(&fixture.cases()["img2img"]);
    let mut told = Told::default();
    let timings = edit::run(&mut fixture.open(), &request, input, None, &mut |event| {
        told.note(event);
        Ok(())
    });
    timings.unwrap();
    let [picture] = told.pictures.try_into().unwrap();
    picture
}

fn rows(mask: &[u8], rows: std::ops::Range<u32>) -> &[u8] {
    let width = SIZE.0 as usize;
    &mask[rows.start as usize * width..rows.end as usize * width]
}

#[test]
fn soft_masks_leave_what_is_outside_and_change_more_where_more_may_change() {
    for name in FAMILIES {
        let fixture = Latent(name);
        let mut input = fixture.input(&fixture.cases()["img2img"], 1.0);
        let (width, height) = SIZE;
        let change = |row: u32| match row {
            0..8 => 0,
            8..20 => 110,
            _ => 255,
        };
        let mask = (0..height).flat_map(|row| vec![change(row); width as usize]);
        input.mask = Some(mask.collect());
        let made = picture(fixture, &input);
        let covers = made.patch_mask.as_ref().unwrap();
        assert!(rows(covers, 0..8).iter().all(|cover| *cover == 0), "{name}");
        assert!(
            rows(covers, 20..32).iter().all(|cover| *cover == 255),
            "{name}"
        );
        assert!(rows(covers, 8..20).iter().any(|cover| *cover > 0), "{name}");

        // By how much the model's own picture differs from what was there, whatever covers it.
        let (_, source) = fixture.bytes("source");
        let distance = |range: std::ops::Range<u32>| {
            let pixels = 3 * (range.start * width) as usize..3 * (range.end * width) as usize;
            let pairs = made.rgb[pixels.clone()].iter().zip(&source[pixels]);
            let sum: u32 = pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            sum / (range.end - range.start)
        };
        assert!(distance(10..18) < distance(22..32), "{name}");
    }
}

#[test]
fn beyond_the_edges_nothing_of_the_picture_changes() {
    for name in FAMILIES {
        let fixture = Latent(name);
        let mut input = fixture.input(&fixture.cases()["img2img"], 1.0);
        let original = PixelRect::from_size(16, 20);
        let margins = Margins {
            right: 8,
            bottom: 12,
            ..Margins::default()
        };
        let grown = extend(original, margins);
        input.plan.context = grown.frame;
        input.plan.extension = Some(grown);
        assert_eq!((grown.frame.width, grown.frame.height), SIZE);
        let is_kept = |index: usize| {
            let (x, y) = (index as u32 % SIZE.0, index as u32 / SIZE.0);
            x < original.width && y < original.height
        };
        for (index, pixel) in input.image.chunks_mut(4).enumerate() {
            if !is_kept(index) {
                pixel.fill(0);
            }
        }
        let n_pixels = (SIZE.0 * SIZE.1) as usize;
        let mask = (0..n_pixels).map(|index| if is_kept(index) { 0 } else { 255 });
        input.mask = Some(mask.collect());
        let made = picture(fixture, &input);
        let covers = made.patch_mask.as_ref().unwrap();
        for (index, cover) in covers.iter().enumerate() {
            assert_eq!(*cover > 0, !is_kept(index), "{name}: pixel {index}");
        }
        let new = made.rgb.chunks(3).enumerate();
        let new: Vec<&[u8]> = new
            .filter(|(index, _)| !is_kept(*index))
            .map(|(_, pixel)| pixel)
            .collect();
        assert!(new.iter().any(|pixel| *pixel != new[0]), "{name}");
    }
}
