//! How a layer's colours mix with those beneath it: the separable modes of "Compositing and Blending Level 1",
//! W3C, sections 5.1 and 10.1.

use limn_engine::stitch::over;
use serde::{Deserialize, Serialize};

/// Kept in project files: variants are only appended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BlendMode {
    #[default]
    Normal,
    Multiply,
    Screen,
    Overlay,
    Darken,
    Lighten,
}

impl BlendMode {
    pub const ALL: [Self; 6] = [
        Self::Normal,
        Self::Multiply,
        Self::Screen,
        Self::Overlay,
        Self::Darken,
        Self::Lighten,
    ];

    pub const fn label(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Multiply => "Multiply",
            Self::Screen => "Screen",
            Self::Overlay => "Overlay",
            Self::Darken => "Darken",
            Self::Lighten => "Lighten",
        }
    }

    /// What it does to the picture beneath.
    pub const fn tooltip(self) -> &'static str {
        match self {
            Self::Normal => "Covers what is beneath",
            Self::Multiply => "Darkens by its colour; white leaves all as it is",
            Self::Screen => "Brightens by its colour; black leaves all as it is",
            Self::Overlay => "More contrast: dark gets darker, bright gets brighter",
            Self::Darken => "The darker of the two, channel by channel",
            Self::Lighten => "The brighter of the two, channel by channel",
        }
    }

    /// OpenRaster's name, its attribute `composite-op`.
    pub const fn composite_op(self) -> &'static str {
        match self {
            Self::Normal => "svg:src-over",
            Self::Multiply => "svg:multiply",
            Self::Screen => "svg:screen",
            Self::Overlay => "svg:overlay",
            Self::Darken => "svg:darken",
            Self::Lighten => "svg:lighten",
        }
    }

    /// `None` for a mode that Limn has not.
    pub fn of_composite_op(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.composite_op() == name)
    }

    /// One pixel of a layer over what is below it, in straight alpha; `coverage` is the layer's alpha, with its mask
    /// and its opacity. A coverage of 0 leaves `below` as it is, bit for bit.
    pub fn over(self, below: [u8; 4], rgb: [u8; 3], coverage: u8) -> [u8; 4] {
        let [red, green, blue, alpha] = below;
        if self == Self::Normal || alpha == 0 {
            return over(below, rgb, coverage);
        }
        if coverage == 0 {
            return below;
        }
        let (source, backdrop) = (u32::from(coverage), u32::from(alpha));
        // Shares of the result, of 255²: the source alone, both mixed, the backdrop alone.
        let shares = [
            source * (255 - backdrop),
            source * backdrop,
            (255 - source) * backdrop,
        ];
        let total = shares.iter().sum::<u32>();
        let mix = |backdrop: u8, source: u8| {
            let (backdrop, source) = (u32::from(backdrop), u32::from(source));
            // Of 255⁴, which with the half for rounding still fits.
            let sum = shares[0] * source * 255
                + shares[1] * self.blend(backdrop, source)
                + shares[2] * backdrop * 255;
            let whole = total * 255;
            ((sum + whole / 2) / whole) as u8
        };
        [
            mix(red, rgb[0]),
            mix(green, rgb[1]),
            mix(blue, rgb[2]),
            ((total + 127) / 255) as u8,
        ]
    }

    /// B(Cb, Cs) of the specification, from two channels of 255, as a part of 255².
    const fn blend(self, backdrop: u32, source: u32) -> u32 {
        match self {
            Self::Multiply => backdrop * source,
            Self::Screen => screen(backdrop, source),
            // Hard light with the two exchanged.
            Self::Overlay if 2 * backdrop <= 255 => 2 * backdrop * source,
            Self::Overlay => screen(2 * backdrop - 255, source),
            Self::Darken if backdrop < source => backdrop * 255,
            Self::Lighten if backdrop > source => backdrop * 255,
            Self::Normal | Self::Darken | Self::Lighten => source * 255,
        }
    }
}

const fn screen(backdrop: u32, source: u32) -> u32 {
    (backdrop + source) * 255 - backdrop * source
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One channel by the specification's formulas in floating point, with none of the code above.
    fn by_specification(mode: BlendMode, backdrop: [f64; 2], source: [f64; 2]) -> [f64; 2] {
        let ([cb, ab], [cs, a_s]) = (backdrop, source);
        let multiply = |a: f64, b: f64| a * b;
        let screen = |a: f64, b: f64| a + b - a * b;
        let mixed = match mode {
            BlendMode::Normal => cs,
            BlendMode::Multiply => multiply(cb, cs),
            BlendMode::Screen => screen(cb, cs),
            // Overlay is HardLight(Cs, Cb): the backdrop decides.
            BlendMode::Overlay if cb <= 0.5 => multiply(cs, 2.0 * cb),
            BlendMode::Overlay => screen(cs, 2.0 * cb - 1.0),
            BlendMode::Darken => cb.min(cs),
            BlendMode::Lighten => cb.max(cs),
        };
        let blended = (1.0 - ab) * cs + ab * mixed;
        let alpha = a_s + ab * (1.0 - a_s);
        let premultiplied = a_s * blended + (1.0 - a_s) * ab * cb;
        [premultiplied / alpha, alpha]
    }

    #[test]
    fn every_mode_is_the_specifications_formula_to_the_nearest_value() {
        let values = [0_u8, 1, 17, 64, 100, 127, 128, 129, 200, 254, 255];
        let part = |value: u8| f64::from(value) / 255.0;
        for mode in BlendMode::ALL {
            for backdrop in values {
                for source in values {
                    for (below, coverage) in [(255, 255), (255, 77), (90, 255), (3, 128), (200, 1)]
                    {
                        let expected = by_specification(
                            mode,
                            [part(backdrop), part(below)],
                            [part(source), part(coverage)],
                        );
                        let [red, .., alpha] =
                            mode.over([backdrop, 0, 0, below], [source, 0, 0], coverage);
                        for (actual, expected) in [(red, expected[0]), (alpha, expected[1])] {
                            let error = (f64::from(actual) - expected * 255.0).abs();
                            assert!(
                                error <= 0.5 + 1e-6,
                                "{mode:?} {backdrop}/{below} under {source}/{coverage}: \
                                 {actual}, not {}",
                                expected * 255.0
                            );
                        }
                    }
                }
            }
        }
    }

    /// Numbers as image editors show them, worked out by hand.
    #[test]
    fn known_colours_mix_to_known_colours() {
        let (below, above) = ([200, 100, 50, 255], [100, 200, 220]);
        for (mode, expected) in [
            (BlendMode::Normal, [100, 200, 220, 255]),
            (BlendMode::Multiply, [78, 78, 43, 255]),
            (BlendMode::Screen, [222, 222, 227, 255]),
            (BlendMode::Overlay, [188, 157, 86, 255]),
            (BlendMode::Darken, [100, 100, 50, 255]),
            (BlendMode::Lighten, [200, 200, 220, 255]),
        ] {
            assert_eq!(mode.over(below, above, 255), expected, "{mode:?}");
        }
    }

    #[test]
    fn nothing_is_changed_by_nothing_and_over_nothing_all_modes_are_alike() {
        for mode in BlendMode::ALL {
            let below = [9, 8, 7, 0];
            assert_eq!(mode.over(below, [200; 3], 0), below);
            assert_eq!(mode.over([9, 8, 7, 66], [200; 3], 0), [9, 8, 7, 66]);
            assert_eq!(mode.over(below, [200, 100, 0], 128), [200, 100, 0, 128]);
        }
    }

    #[test]
    fn every_mode_has_a_name_of_its_own_in_open_raster() {
        for mode in BlendMode::ALL {
            assert_eq!(BlendMode::of_composite_op(mode.composite_op()), Some(mode));
        }
        assert_eq!(BlendMode::of_composite_op("svg:color-dodge"), None);
    }
}
