//! What the built-in model makes of gestures.

use burn::tensor::DType;
use limn_engine::{
    catalogue::Catalogue,
    components::autoencoders::{Autoencoder, AutoencoderParts},
    image::RgbPicture,
    operations::{BlendPart, FinishedPicture, LoadedModel, SourcePicture, blend, generate},
    protocol::{
        BlendInput, BlendNoise, BlendRequest, Compute, GenerateRequest, Mix, ModelId, Phase,
        Sampling, ShiftRequest,
    },
};

use super::{Gesture, UNSENT, cases, odd_input::vary, phases};
use crate::{
    harness::{load_options, test_device},
    parity::pipelines::{Told, runtime},
};

fn open_doodle() -> LoadedModel {
    let doodle = Catalogue::default().open(&ModelId("doodle".to_owned()));
    LoadedModel::open(doodle.unwrap(), runtime(1 << 30, None)).unwrap()
}

#[test]
fn without_a_size_the_picture_keeps_about_its_proportions() {
    let mut model = open_doodle();
    let stride = model.files().stride();
    let mut gesture = cases()["vary_far"].gesture();
    let generate = gesture.generate();
    generate.size = None;
    generate.sampling.n_steps = Some(1);
    for (width, height) in [(300, 100), (100, 300)] {
        *vary(&mut gesture).1 = SourcePicture {
            width,
            height,
            rgba: vec![200; 4 * (width * height) as usize].into(),
        };
        let made = gesture.picture(&mut model);
        assert_eq!(made.width > made.height, width > height);
        assert_eq!((made.width % stride, made.height % stride), (0, 0));
    }
}

/// What the built-in model makes of a day: a night, with the same things at the same places; and at the amount 0 and
/// at the end of a blend the picture again, as well as its autoencoder can draw it.
#[test]
fn the_built_in_model_turns_day_into_night_and_the_way_begins_at_the_picture() {
    let mut model = open_doodle();
    let request = GenerateRequest {
        model: ModelId("doodle".to_owned()),
        compute: Compute::default(),
        prompt: "a red sailboat on the sea by day".to_owned(),
        negative_prompt: None,
        size: Some((128, 128)),
        n_pictures: 1,
        best_of: 1,
        seed: 3,
        sampling: Sampling::default(),
        latents: None,
        loras: Vec::new(),
        ip_adapter: None,
    };
    let mut told = Told::default();
    generate::run(&mut model, &request, None, &mut |event| {
        told.note(event);
        Ok(())
    })
    .unwrap();
    let day = &told.pictures[0];
    let source = SourcePicture {
        width: day.width,
        height: day.height,
        rgba: day
            .rgb
            .chunks(3)
            .flat_map(|p| [p[0], p[1], p[2], 255])
            .collect(),
    };
    let again = reconstructed(&model, day);
    let generate = GenerateRequest {
        prompt: String::new(),
        ..request
    };
    let shift = ShiftRequest {
        generate: generate.clone(),
        source: UNSENT,
        from: "day".to_owned(),
        to: "night".to_owned(),
        amounts: vec![0.0, 0.75],
    };
    let shifted = Gesture::Shift(shift, source.clone()).pictures(&mut model);
    let [same, night] = &shifted[..] else {
        panic!("{}", shifted.len());
    };
    let decibels = peak_signal_to_noise(&same.rgb, &again);
    assert!(decibels >= 30.0, "{decibels} dB at the amount 0");
    let brightness = |rgb: &[u8]| rgb.iter().map(|&x| f64::from(x)).sum::<f64>() / rgb.len() as f64;
    let (by_day, by_night) = (brightness(&day.rgb), brightness(&night.rgb));
    assert!(by_night < 0.6 * by_day, "{by_night} after {by_day}");

    let blend = BlendRequest {
        generate,
        inputs: vec![BlendInput::Picture(UNSENT), BlendInput::Text(String::new())],
        ways: vec![vec![2.0, 0.0]],
        mix: Mix::Slerp,
        noise: BlendNoise::Inverted,
    };
    let parts = vec![
        BlendPart::Picture(source),
        BlendPart::Text("a blue house".to_owned()),
    ];
    let mut told = Told::default();
    blend::run(&mut model, &blend, &parts, None, &mut |event| {
        told.note(event);
        Ok(())
    })
    .unwrap();
    let decibels = peak_signal_to_noise(&told.pictures[0].rgb, &again);
    assert!(decibels >= 30.0, "{decibels} dB at the end of a blend");
    // The shift has found the picture's noise already.
    let inverted = phases(&told).into_iter().filter(|p| p.0 == Phase::Invert);
    assert!(inverted.eq([(Phase::Invert, 0, 50, 50)]));
}

/// What the autoencoder makes of a picture that it encodes and decodes.
fn reconstructed(model: &LoadedModel, picture: &FinishedPicture) -> Vec<u8> {
    let components = model.files().components();
    let movq = components.iter().find(|component| component.name == "movq");
    let folder = &movq.unwrap().folder;
    let parts = AutoencoderParts::EncoderAndDecoder;
    let (movq, _) = Autoencoder::load(folder, parts, &load_options()).unwrap();
    let picture = RgbPicture {
        width: picture.width,
        height: picture.height,
        rgb: picture.rgb.clone(),
    };
    let pixels = picture.to_tensor(test_device(), DType::F32);
    let decoded = movq.decode(movq.encode(pixels, None), None);
    RgbPicture::from_tensor(decoded).unwrap().rgb
}

/// In decibels.
fn peak_signal_to_noise(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares = a
        .iter()
        .zip(b)
        .map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
    let mean = squares.sum::<f64>() / a.len() as f64;
    10.0 * (255.0 * 255.0 / mean).log10()
}
