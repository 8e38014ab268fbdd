//! An edit from the command line: what is cut out, asked for, and put back.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use image::{DynamicImage, RgbaImage, buffer::ConvertBuffer};
use limn_engine::{
    PixelRect,
    protocol::{BlobHash, EditRequest, ModelInfo, Operation, Steering},
    stitch::{self, EditPlan, EditSettings, Extension, ModelSize},
};

use super::{
    conversation::Conversation,
    making::{Made, Maker, MakingArguments},
    output,
};
use crate::{
    edit_limits,
    files::{Fs, RealFs},
    gallery::{EditFacts, PictureId, picture_file, recipe::Recipe},
    import::{self, Imported},
};

/// A picture and what is to change of it.
pub struct Edit {
    pub operation: Operation,
    /// Where the picture lies. What grew to the left or above has negative coordinates.
    pub frame: PixelRect,
    pub pixels: RgbaImage,
    /// One byte a pixel, 255 where the picture may change; `None` for all of it.
    pub mask: Option<Vec<u8>>,
    /// Where the mask is the room round an old picture.
    pub extension: Option<Extension>,
    pub settings: EditSettings,
    /// The picture that it was made from, if Limn made that.
    pub parent: Option<PictureId>,
    /// The files that it was made from, which are not written over.
    pub inputs: Vec<PathBuf>,
}

/// Opens a picture file and tells what was changed on the way in.
///
/// # Errors
/// Those of [`import::open`].
pub fn open(path: &Path) -> anyhow::Result<RgbaImage> {
    let Imported { pixels, notes, .. } = import::open(path)?;
    for note in notes {
        output::note(format!("{note}: {}", path.display()));
    }
    Ok(pixels)
}

/// The id of a picture that Limn made.
pub fn id_of(path: &Path) -> Option<PictureId> {
    recipe_of(path).map(|recipe| recipe.id)
}

/// The recipe of a picture that Limn made.
pub fn recipe_of(path: &Path) -> Option<Recipe> {
    let file = RealFs.read(path, picture_file::LIMIT_FILE_BYTES).ok()?;
    let header = picture_file::read_header(&file).ok()?;
    header.recipe
}

/// Asks the engine for the edit and saves what comes of it.
pub fn run(edit: &Edit, prompt: &str, arguments: &MakingArguments) -> anyhow::Result<()> {
    let mut maker = {
        let inputs: Vec<&Path> = edit.inputs.iter().map(PathBuf::as_path).collect();
        Maker::new(arguments, arguments.count, &inputs)?
    };
    let mut conversation = Conversation::start(arguments.model.engine_command()?)?;
    let model = arguments.model.info(&mut conversation)?;
    let plan = edit.plan(&model, arguments.sampling.size);
    edit_limits::check(plan.context, edit.frame)?;
    let (generate, latents) = arguments.request(model.id, prompt)?;
    let image: Arc<[u8]> = edit.cut(&plan).into();
    let mask: Option<Arc<[u8]>> = edit.cut_mask(&plan).map(Arc::from);
    let request = EditRequest {
        generate,
        settings: edit.settings.clone(),
        plan: plan.clone(),
        steering: (edit.operation == Operation::Outpaint).then_some(Steering::Continue),
        image: BlobHash::of(&image),
        mask: mask.as_deref().map(BlobHash::of),
    };
    let generate = request.generate.clone();
    let blobs = [Some(image), mask, latents].into_iter().flatten().collect();
    let result = conversation.edit(request, blobs, |event| {
        maker.take(event, |engine_plan, made| {
            let recipe = Recipe::new(engine_plan, &generate, &made.picture);
            let recipe = edit.recipe(recipe, &plan);
            Ok((edit.put_back(&plan, &made)?, recipe))
        })
    });
    maker.end(result)
}

impl Edit {
    /// `size` is what to work at rather than the model's native size.
    fn plan(&self, model: &ModelInfo, size: Option<(u32, u32)>) -> EditPlan {
        let model = ModelSize::new(size.unwrap_or(model.default_size), model.stride);
        stitch::plan(self.mask_bounds(), self.frame, &self.settings, model).beyond(self.extension)
    }

    /// Empty where there is no mask.
    fn mask_bounds(&self) -> PixelRect {
        let mask = self.mask.as_deref().unwrap_or_default();
        let rows = mask.chunks_exact(self.frame.width.max(1) as usize);
        rows.zip(self.frame.y..)
            .fold(PixelRect::default(), |bounds, (row, y)| {
                let is_masked = |value: &u8| *value > 0;
                match (
                    row.iter().position(is_masked),
                    row.iter().rposition(is_masked),
                ) {
                    (Some(first), Some(last)) => bounds.union(&PixelRect {
                        x: self.frame.x + first as i32,
                        y,
                        width: (last - first + 1) as u32,
                        height: 1,
                    }),
                    _ => bounds,
                }
            })
    }

    fn cut(&self, plan: &EditPlan) -> Vec<u8> {
        self.cut_plane(self.pixels.as_raw(), 4, plan)
    }

    fn cut_mask(&self, plan: &EditPlan) -> Option<Vec<u8>> {
        let mask = self.mask.as_deref()?;
        Some(self.cut_plane(mask, 1, plan))
    }

    /// What the plan sees of a plane of `n_channels` bytes a pixel.
    fn cut_plane(&self, plane: &[u8], n_channels: usize, plan: &EditPlan) -> Vec<u8> {
        let (left, top) = self.corner(plan);
        let stride = n_channels * self.frame.width as usize;
        let rows = plane.chunks_exact(stride).skip(top as usize);
        let columns = left as usize * n_channels..(left + plan.context.width) as usize * n_channels;
        rows.take(plan.context.height as usize)
            .flat_map(|row| &row[columns.clone()])
            .copied()
            .collect()
    }

    /// Where the context begins within the picture.
    fn corner(&self, plan: &EditPlan) -> (u32, u32) {
        let left = plan.context.x - self.frame.x;
        let top = plan.context.y - self.frame.y;
        (left as u32, top as u32)
    }

    /// The whole picture with the patch laid over it.
    fn put_back(&self, plan: &EditPlan, made: &Made) -> anyhow::Result<DynamicImage> {
        let patch_mask = made.patch_mask.as_deref();
        let patch_mask = patch_mask.context("the engine sent a picture without its mask")?;
        let (width, height) = plan.context.size();
        let n_pixels = width as usize * height as usize;
        anyhow::ensure!(
            made.pixels.len() == 3 * n_pixels && patch_mask.len() == n_pixels,
            "the engine sent a picture of another size than it was asked for"
        );
        let (left, top) = self.corner(plan);
        let mut whole = self.pixels.clone();
        let patch = made.pixels.as_chunks::<3>().0.iter().zip(patch_mask);
        for (i, (rgb, &coverage)) in patch.enumerate() {
            let (x, y) = (i as u32 % width, i as u32 / width);
            let pixel = whole.get_pixel_mut(left + x, top + y);
            pixel.0 = stitch::over(pixel.0, *rgb, coverage);
        }
        let is_opaque = whole.pixels().all(|pixel| pixel[3] == 255);
        Ok(if is_opaque {
            DynamicImage::ImageRgb8(whole.convert())
        } else {
            whole.into()
        })
    }

    fn recipe(&self, recipe: Recipe, plan: &EditPlan) -> Recipe {
        let facts = EditFacts {
            strength: self.settings.strength,
            fill: self.settings.fill,
            context: plan.context,
            work_size: plan.work_size,
            grow_px: plan.grow_px,
            feather_px: plan.feather_px,
            blend_px: plan.blend_px,
            match_colours: self.settings.match_colours,
            n_tiles: None,
        };
        let mut recipe = recipe.edited(self.operation, self.frame.size(), facts);
        recipe.parents.extend(self.parent);
        recipe
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::Rgba;

    use super::*;

    fn edit() -> Edit {
        let mut mask = vec![0; 40 * 30];
        mask[40 * 10 + 5] = 255;
        mask[40 * 12 + 8] = 1;
        Edit {
            operation: Operation::Inpaint,
            frame: PixelRect::new(-10, -20, 40, 30),
            pixels: RgbaImage::from_fn(40, 30, |x, y| Rgba([x as u8, y as u8, 7, 200])),
            mask: Some(mask),
            extension: None,
            settings: EditSettings::for_strength(1.0),
            parent: None,
            inputs: Vec::new(),
        }
    }

    fn plan() -> EditPlan {
        EditPlan {
            context: PixelRect::new(-6, -12, 10, 8),
            work_size: (64, 64),
            grow_px: 0.0,
            feather_px: 0.0,
            blend_px: 0.0,
            extension: None,
        }
    }

    #[test]
    fn what_is_cut_out_is_what_the_plan_sees() {
        let edit = edit();
        assert_eq!(edit.mask_bounds(), PixelRect::new(-5, -10, 4, 3));
        let rgba = edit.cut(&plan());
        assert_eq!(rgba.len(), 4 * 80);
        assert_eq!(
            [&rgba[..4], &rgba[316..]],
            [[4, 8, 7, 200], [13, 15, 7, 200]]
        );
        let mask = edit.cut_mask(&plan()).unwrap();
        assert_eq!(mask.iter().position(|&value| value > 0), Some(10 * 2 + 1));
    }

    #[test]
    fn only_what_is_covered_is_put_back() {
        let edit = edit();
        let mut patch_mask = vec![0; 80];
        patch_mask[11] = 255;
        let made = Made {
            picture: limn_engine::protocol::Picture {
                index: 0,
                seed: 1,
                width: 10,
                height: 8,
                pixels: BlobHash([0; 32]),
                score: None,
                patch_mask: None,
                chosen: None,
            },
            pixels: vec![99; 240],
            patch_mask: Some(patch_mask),
        };
        let whole = edit.put_back(&plan(), &made).unwrap().into_rgba8();
        for (x, y, pixel) in whole.enumerate_pixels() {
            let expected = if (x, y) == (5, 9) {
                Rgba([99, 99, 99, 255])
            } else {
                *edit.pixels.get_pixel(x, y)
            };
            assert_eq!(*pixel, expected, "{x} {y}");
        }
        let short = Made {
            pixels: vec![0; 3],
            ..made
        };
        assert!(edit.put_back(&plan(), &short).is_err());
    }
}
