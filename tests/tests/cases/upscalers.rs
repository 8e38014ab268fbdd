//! Upscalers as training programs leave them: read as what they are.

use limn_engine::components::upscalers::{Upscaler, UpscalerConfig};
use limn_engine::image::RgbPicture;
use limn_engine::weights::{TensorFile, TensorFiles};

use super::Case;
use crate::harness::load_options;

/// By how much all of them enlarge, as their names say.
const SCALE: u32 = 4;
const SIDE: u32 = 8;

pub fn check(cases: &[Case]) {
    for case in cases {
        let enlarged = enlarged(case).unwrap_or_else(|error| panic!("{}: {error}", case.file));
        let size = (enlarged.width, enlarged.height);
        assert_eq!(size, (SCALE * SIDE, SCALE * SIDE), "{}", case.file);
        let is_flat = enlarged.rgb.iter().all(|value| *value == enlarged.rgb[0]);
        assert!(!is_flat, "{}: nothing is seen", case.file);
        case.facts().end();
    }
}

fn enlarged(case: &Case) -> Result<RgbPicture, limn_engine::Error> {
    let files = TensorFiles::open(&[TensorFile::Disk(case.path())])?;
    let (config, files) = UpscalerConfig::detect(files)?.expect("an upscaler");
    let (upscaler, report) = Upscaler::load(&files, config, &load_options())?;
    assert!(report.fits(), "{}", case.file);
    let rgb = (0..3 * SIDE * SIDE).map(|i| (i.wrapping_mul(0x9E37_79B9) >> 24) as u8);
    let picture = RgbPicture {
        width: SIDE,
        height: SIDE,
        rgb: rgb.collect(),
    };
    upscaler.upscale(&picture, 1 << 30, &mut |_, _| Ok(()))
}
