//! The autoencoder beside diffusers' `VQModel`.

use limn_engine::components::autoencoders::{Autoencoder, AutoencoderParts};

use crate::harness::{Fixture, assert_close, load_options, parity_tolerance};

fn load(fixture: &Fixture, parts: AutoencoderParts) -> Autoencoder {
    let (autoencoder, _) = Autoencoder::load(&fixture.folder(), parts, &load_options()).unwrap();
    autoencoder
}

fn check_autoencoder(name: &str) {
    let fixture = Fixture::open(name);
    let autoencoder = load(&fixture, AutoencoderParts::EncoderAndDecoder);
    let tolerance = parity_tolerance();
    let encoded = autoencoder.encode(fixture.tensor("image"));
    assert_close(&encoded, &fixture.tensor("encoded"), tolerance, name);
    let decoded = autoencoder.decode(fixture.tensor("latents"));
    assert_close(&decoded, &fixture.tensor("decoded"), tolerance, name);
}

#[test]
fn movq_agrees_with_diffusers() {
    check_autoencoder("movq");
}

#[test]
fn the_autoencoder_with_group_norms_agrees_with_diffusers() {
    check_autoencoder("vqvae");
}

#[test]
fn the_decoder_can_be_loaded_alone() {
    let fixture = Fixture::open("movq");
    let decoder = load(&fixture, AutoencoderParts::Decoder);
    assert!(!decoder.can_encode());
    assert_eq!(decoder.scale_factor(), 2);
    let decoded = decoder.decode(fixture.tensor("latents"));
    let expected = fixture.tensor("decoded");
    assert_close(&decoded, &expected, parity_tolerance(), "decoder alone");
}
