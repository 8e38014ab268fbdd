//! What a U-Net that was trained to repaint takes of a mask: `StableDiffusionInpaintPipeline` with nine channels.

use burn::tensor::{DType, Tensor, TensorData};

use crate::{
    image::cells_like,
    model::{ChangeMap, PictureLatents, Repainting},
};

/// From here on a pixel is repainted.
const LEAST_CHANGE: f32 = 0.5;

/// The picture with middle grey where it is repainted.
///
/// # Shapes: `[1, 3, height, width]` → the same
pub(super) fn masked(pixels: Tensor<4>, change: ChangeMap) -> Tensor<4> {
    let [_, _, height, width] = pixels.dims();
    // The map may be larger, as where a picture is drawn small and enlarged afterwards.
    let step = change.width / width;
    let kept = (0..height * width).map(|pixel| {
        let (y, x) = (pixel / width, pixel % width);
        f32::from(change.change[y * step * change.width + x * step] < LEAST_CHANGE)
    });
    let kept: Vec<f32> = kept.collect();
    let kept = TensorData::new(kept, [1, 1, height, width]);
    let kept = Tensor::from_data(kept, (&pixels.device(), DType::F32));
    pixels * kept
}

/// `masked` are the masked picture's latents, `like` any latents of that shape.
///
/// The reference holds no cell at the picture: the U-Net sees what surrounds the mask.
pub(super) fn repainting(
    masked: PictureLatents,
    like: &Tensor<4>,
    change: ChangeMap,
) -> Repainting {
    let repainted = repainted_cells(change);
    let n_cells = repainted.len();
    let mask = cells_like(like, repainted);
    Repainting {
        known: masked,
        channels: Box::new(move |known| Tensor::cat(vec![mask.clone(), known], 1)),
        kept: vec![0.0; n_cells],
    }
}

/// As the reference shrinks a mask: the top left pixel decides for its cell. A mask that lies between those pixels
/// would be lost; then any touched cell will do.
fn repainted_cells(map: ChangeMap) -> Vec<f32> {
    let decided: Vec<bool> = map
        .cells()
        .map(|mut cell| cell.next().is_some_and(|change| change >= LEAST_CHANGE))
        .collect();
    if decided.contains(&true) {
        return decided.into_iter().map(f32::from).collect();
    }
    map.cells()
        .map(|mut cell| f32::from(cell.any(|change| change > 0.0)))
        .collect()
}
