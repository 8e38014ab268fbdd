//! What is written back.

/// One pixel of a patch over what is below it, in straight alpha.
///
/// A coverage of 0 leaves `below` as it is, bit for bit; 255 gives the patch, opaque.
pub fn over(below: [u8; 4], rgb: [u8; 3], coverage: u8) -> [u8; 4] {
    let [red, green, blue, alpha] = below;
    match coverage {
        0 => below,
        255 => [rgb[0], rgb[1], rgb[2], 255],
        _ => {
            let coverage = u32::from(coverage);
            // Of 255²: the patch's share, and what of the pixel below still shows.
            let above = 255 * coverage;
            let under = u32::from(alpha) * (255 - coverage);
            let both = above + under;
            let mix = |below: u8, patch: u8| {
                let sum = u32::from(patch) * above + u32::from(below) * under;
                ((sum + both / 2) / both) as u8
            };
            [
                mix(red, rgb[0]),
                mix(green, rgb[1]),
                mix(blue, rgb[2]),
                ((both + 127) / 255) as u8,
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_over_a_pixel() {
        for (below, rgb, coverage, result) in [
            ([1, 2, 3, 255], [9, 9, 9], 0, [1, 2, 3, 255]),
            // Even what is under full transparency stays.
            ([1, 2, 3, 0], [9, 9, 9], 0, [1, 2, 3, 0]),
            ([1, 2, 3, 255], [9, 8, 7], 255, [9, 8, 7, 255]),
            ([1, 2, 3, 0], [9, 8, 7], 255, [9, 8, 7, 255]),
            ([0, 100, 255, 255], [255, 100, 0], 51, [51, 100, 204, 255]),
            // Over nothing only the patch has a colour.
            ([200, 0, 0, 0], [10, 20, 30], 128, [10, 20, 30, 128]),
            ([0, 0, 0, 128], [255, 255, 255], 128, [170, 170, 170, 192]),
        ] {
            assert_eq!(
                over(below, rgb, coverage),
                result,
                "{below:?} {rgb:?} {coverage}"
            );
        }
    }

    #[test]
    fn the_same_colour_stays_the_same() {
        for value in 0..=255 {
            for coverage in 0..=255 {
                let below = [value, value, value, 255];
                assert_eq!(over(below, [value; 3], coverage), below);
            }
        }
    }
}
