//! What a pixel becomes when a tool covers it. A cover of 0 leaves it as it is.

/// `a * b / 255`, to the nearest.
pub fn scaled(a: u8, b: u8) -> u8 {
    ((u16::from(a) * u16::from(b) + 127) / 255) as u8
}

/// Of the rest that a mask does not cover yet, `cover` of 255 parts more.
pub fn add(mask: u8, cover: u8) -> u8 {
    mask + scaled(u8::MAX - mask, cover)
}

/// Of what a mask covers, `cover` of 255 parts less.
pub fn subtract(mask: u8, cover: u8) -> u8 {
    mask - scaled(mask, cover)
}

/// `colour` over a pixel with straight alpha: Porter and Duff 1984, "over".
pub fn paint(below: [u8; 4], colour: [u8; 3], cover: u8) -> [u8; 4] {
    // Over nothing, and over what is opaque, the sum below comes to these.
    match (cover, below[3]) {
        (0, _) => below,
        (_, 0) => [colour[0], colour[1], colour[2], cover],
        (_, 255) => {
            let mix = |above: u8, below: u8| {
                let sum = u16::from(above) * u16::from(cover)
                    + u16::from(below) * u16::from(u8::MAX - cover);
                ((sum + 127) / 255) as u8
            };
            let [red, green, blue, _] = below;
            [
                mix(colour[0], red),
                mix(colour[1], green),
                mix(colour[2], blue),
                255,
            ]
        }
        _ => over(below, colour, cover),
    }
}

fn over(below: [u8; 4], colour: [u8; 3], cover: u8) -> [u8; 4] {
    let (above, under) = (u32::from(cover), u32::from(below[3]));
    // Both in 255 * 255 parts.
    let kept = under * (255 - above);
    let alpha = above * 255 + kept;
    let mix = |above_value: u8, below_value: u8| {
        let sum = u32::from(above_value) * above * 255 + u32::from(below_value) * kept;
        ((sum + alpha / 2) / alpha) as u8
    };
    [
        mix(colour[0], below[0]),
        mix(colour[1], below[1]),
        mix(colour[2], below[2]),
        ((alpha + 127) / 255) as u8,
    ]
}

/// Less of a pixel with straight alpha; nothing of its colour stays where nothing is left.
pub fn erase(below: [u8; 4], cover: u8) -> [u8; 4] {
    match subtract(below[3], cover) {
        0 => [0; 4],
        alpha => [below[0], below[1], below[2], alpha],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cover_leaves_and_full_cover_replaces() {
        for value in 0..=u8::MAX {
            assert_eq!((add(value, 0), subtract(value, 0)), (value, value));
            assert_eq!((add(value, 255), subtract(value, 255)), (255, 0));
            let below = [value, 7, 200, value];
            assert_eq!(paint(below, [1, 2, 3], 0), below);
            assert_eq!(paint(below, [1, 2, 3], 255), [1, 2, 3, 255]);
            assert_eq!(erase(below, 255), [0; 4]);
        }
    }

    /// The short ways over nothing and over what is opaque.
    #[test]
    fn painting_is_over_whatever_the_pixel_was() {
        for cover in 1..=u8::MAX {
            for value in 0..=u8::MAX {
                for alpha in [0, 255] {
                    let (below, colour) = ([value, 0, 255, alpha], [200, value, 31]);
                    let expected = over(below, colour, cover);
                    assert_eq!(paint(below, colour, cover), expected, "{below:?} {cover}");
                }
            }
        }
    }

    #[test]
    fn colours_mix_by_their_cover() {
        for (below, cover, expected) in [
            // Half over opaque: half of each.
            ([0, 0, 0, 255], 128, [128, 64, 0, 255]),
            // Over nothing the colour is pure, and as opaque as the brush.
            ([9, 9, 9, 0], 128, [255, 128, 0, 128]),
            // 128 over 128: alpha 192, two thirds of the upper colour.
            ([0, 0, 0, 128], 128, [170, 85, 0, 192]),
        ] {
            assert_eq!(paint(below, [255, 128, 0], cover), expected, "{below:?}");
        }
    }
}
