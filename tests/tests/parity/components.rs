//! Components against the reference libraries' tensors, in f32. `tests/reference/make_components.py` makes
//! the fixtures.

use burn::tensor::DType;
use limn_engine::{
    components::priors::{Prior, PriorConditioning},
    components::text_encoders::{ClipTextEncoder, ClipTextOutput},
    components::vision_encoders::ClipVisionEncoder,
    image::RgbPicture,
    image_preprocessor::ImagePreprocessor,
};

use crate::harness::{Fixture, assert_close, load_options, parity_tolerance, test_device};

fn encode_text(fixture: &Fixture) -> ClipTextOutput {
    let (encoder, report) = ClipTextEncoder::load(&fixture.folder(), &load_options()).unwrap();
    assert!(report.fits());
    encoder.forward(&fixture.ids("ids"))
}

fn check_text_states(fixture: &Fixture, output: &ClipTextOutput) {
    let penultimate = &output.hidden_states[output.hidden_states.len() - 2];
    for (name, actual) in [
        ("last_hidden_state", &output.last_hidden_state),
        ("penultimate_hidden_state", penultimate),
    ] {
        assert_close(actual, &fixture.tensor(name), parity_tolerance(), name);
    }
}

#[test]
fn clip_text_with_erf_gelu_and_public_names() {
    let fixture = Fixture::open("clip_text_gelu");
    let output = encode_text(&fixture);
    check_text_states(&fixture, &output);
    let expected = fixture.tensor("text_embeds");
    assert_close(
        &output.text_embeds.unwrap(),
        &expected,
        parity_tolerance(),
        "text_embeds",
    );
}

#[test]
fn clip_text_with_quick_gelu_and_the_old_end_token() {
    let fixture = Fixture::open("clip_text_quick_gelu");
    let output = encode_text(&fixture);
    check_text_states(&fixture, &output);
    assert!(output.text_embeds.is_none());
    assert_close(
        &output.pooled,
        &fixture.tensor("pooled"),
        parity_tolerance(),
        "pooled",
    );
}

#[test]
fn clip_vision() {
    for name in ["clip_vision_gelu", "clip_vision_quick_gelu"] {
        let fixture = Fixture::open(name);
        let (encoder, _) = ClipVisionEncoder::load(&fixture.folder(), &load_options()).unwrap();
        let output = encoder.forward(fixture.tensor("pixel_values"));
        assert_close(
            &output.last_hidden_state,
            &fixture.tensor("last_hidden_state"),
            parity_tolerance(),
            name,
        );
        assert_close(
            &output.image_embeds,
            &fixture.tensor("image_embeds"),
            parity_tolerance(),
            name,
        );
    }
}

#[test]
fn prior() {
    for name in ["prior_kandinsky", "prior_with_options"] {
        let fixture = Fixture::open(name);
        let (prior, _) = Prior::load(&fixture.folder(), &load_options()).unwrap();
        let mask = fixture.ids("attention_mask");
        let conditioning = PriorConditioning {
            text_embeds: fixture.tensor("text_embeds"),
            hidden_states: fixture.tensor("hidden_states"),
            attention_mask: mask
                .iter()
                .map(|row| row.iter().map(|&is_text| is_text == 1).collect())
                .collect(),
        };
        let latents = fixture.tensor::<2>("latents");
        for timestep in [0, 500, 999] {
            let prediction = prior.forward(latents.clone(), timestep as f32, &conditioning);
            let expected = fixture.tensor(&format!("prediction_{timestep}"));
            let what = format!("{name} at {timestep}");
            assert_close(&prediction, &expected, parity_tolerance(), &what);
        }
        assert_close(
            &prior.post_process_latents(latents),
            &fixture.tensor("post_processed"),
            parity_tolerance(),
            name,
        );
    }
}

/// Within a hundredth of what one step of a byte makes: the resized bytes are the same.
#[test]
fn image_preprocessor() {
    for (name, n_pictures) in [("preprocessor_clip", 9), ("preprocessor_bilinear", 9)] {
        let fixture = Fixture::open(name);
        let preprocessor = ImagePreprocessor::load(&fixture.folder()).unwrap();
        for i_picture in 0..n_pictures {
            let (shape, rgb) = fixture.bytes(&format!("picture_{i_picture}"));
            let picture = RgbPicture {
                width: shape[1] as u32,
                height: shape[0] as u32,
                rgb,
            };
            let actual = preprocessor.pixel_values(&picture, test_device(), DType::F32);
            let expected = fixture.tensor(&format!("pixel_values_{i_picture}"));
            let what = format!("{name}, {}×{}", picture.width, picture.height);
            assert_close(&actual, &expected, 1e-5, &what);
        }
    }
}
