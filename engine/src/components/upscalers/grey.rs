//! Pictures in colour through networks for grey ones.
//!
//! As papers on super-resolution have it: the network makes the brightness larger, and the colours, in which eyes see
//! less detail, are resampled. What the network makes of the brightness is added to all three channels alike, which
//! changes nothing else.

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::{image::RgbPicture, resample::enlarge};

/// Of red, green and blue: ITU-R BT.601.
const SHARES: [f32; 3] = [0.299, 0.587, 0.114];

/// # Shapes: `[1, 1, height, width]` in −1..1
pub(super) fn brightness(picture: &RgbPicture, device: &Device) -> Tensor<4> {
    let values: Vec<f32> = picture.rgb.chunks_exact(3).map(of_pixel).collect();
    let shape = [1, 1, picture.height as usize, picture.width as usize];
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

/// The picture made larger, with the brightness that the network gave.
///
/// # Shapes: larger `[scale · height, scale · width]` in −1..1 → `[3, scale · height, scale · width]`, row by row
pub(super) fn coloured(picture: &RgbPicture, larger: &[f32], scale: usize) -> Vec<f32> {
    let size = [picture.width, picture.height];
    let colours = enlarge::<3>(&picture.rgb, size, size.map(|side| side * scale as u32));
    let pixels = || colours.chunks_exact(3);
    let changes: Vec<f32> = larger
        .iter()
        .zip(pixels())
        .map(|(larger, pixel)| larger - of_pixel(pixel))
        .collect();
    (0..3)
        .flat_map(|channel| {
            let values = pixels().zip(&changes);
            values.map(move |(pixel, change)| unit(pixel[channel]) + change)
        })
        .collect()
}

fn of_pixel(pixel: &[u8]) -> f32 {
    pixel
        .iter()
        .zip(SHARES)
        .map(|(&value, share)| share * unit(value))
        .sum()
}

/// From a byte to −1..1.
fn unit(value: u8) -> f32 {
    f32::from(value) / 127.5 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_changes_nothing_changes_nothing() {
        let picture = RgbPicture {
            width: 2,
            height: 2,
            rgb: vec![0, 0, 0, 255, 255, 255, 200, 10, 90, 7, 77, 177],
        };
        let same: Vec<f32> = picture.rgb.chunks_exact(3).map(of_pixel).collect();
        let planes = coloured(&picture, &same, 1);
        assert_eq!(RgbPicture::from_planes(&planes, 2, 2).ok(), Some(picture));
    }

    #[test]
    fn a_grey_picture_stays_grey() {
        let picture = RgbPicture {
            width: 1,
            height: 1,
            rgb: vec![100; 3],
        };
        let planes = coloured(&picture, &[0.5, -0.5, 0.0, 1.0], 2);
        let [red, green, blue] = [&planes[..4], &planes[4..8], &planes[8..]];
        for ((r, g), b) in red.iter().zip(green).zip(blue) {
            assert!((r - g).abs() < 1e-6 && (r - b).abs() < 1e-6);
        }
        assert!((red[0] - 0.5).abs() < 1e-6 && (red[3] - 1.0).abs() < 1e-6);
    }
}
