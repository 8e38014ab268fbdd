//! The autoencoder beside diffusers' `VQModel`.

use limn_engine::{
    components::autoencoders::{Autoencoder, AutoencoderParts, KlAutoencoder},
    weights::ModelFolder,
};

use crate::harness::{Fixture, assert_close, fixture_path, load_options, parity_tolerance};

fn load(fixture: &Fixture, parts: AutoencoderParts) -> Autoencoder {
    let (autoencoder, _) = Autoencoder::load(&fixture.folder(), parts, &load_options()).unwrap();
    autoencoder
}

fn check_autoencoder(name: &str) {
    let fixture = Fixture::open(name);
    let autoencoder = load(&fixture, AutoencoderParts::EncoderAndDecoder);
    let tolerance = parity_tolerance();
    let encoded = autoencoder.encode(fixture.tensor("image"), None);
    assert_close(&encoded, &fixture.tensor("encoded"), tolerance, name);
    let decoded = autoencoder.decode(fixture.tensor("latents"), None);
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
    let decoded = decoder.decode(fixture.tensor("latents"), None);
    let expected = fixture.tensor("decoded");
    assert_close(&decoded, &expected, parity_tolerance(), "decoder alone");
}

#[test]
fn parts_of_a_picture_agree_with_diffusers() {
    const TILE_CELLS: usize = 8;
    let fixture = Fixture::open("tiles");
    let folder = ModelFolder::Disk(fixture_path("stable_diffusion").join("vae"));
    let parts = AutoencoderParts::EncoderAndDecoder;
    let (vae, _) = KlAutoencoder::load(&folder, parts, &load_options()).unwrap();
    for name in ["wide", "large", "one"] {
        let tensor = |part: &str| fixture.tensor(&format!("{name}.{part}"));
        let check = |actual, part: &str| {
            let what = format!("{name}.{part}");
            assert_close(&actual, &tensor(part), parity_tolerance(), &what);
        };
        check(vae.decode(tensor("latents"), Some(TILE_CELLS)), "decoded");
        let (mean, deviation) = vae.encode(tensor("image"), Some(TILE_CELLS));
        check(mean, "mean");
        check(deviation, "deviation");
    }
}

#[test]
fn a_picture_of_one_part_is_that_of_no_parts() {
    let fixture = Fixture::open("movq");
    let movq = load(&fixture, AutoencoderParts::EncoderAndDecoder);
    let latents = fixture.tensor("latents");
    let [_, _, rows, columns] = latents.dims();
    let whole = movq.decode(latents.clone(), None);
    let one = movq.decode(latents.clone(), Some(rows.max(columns)));
    assert_close(&one, &whole, 0.0, "one part");
    let parts = movq.decode(latents, Some(4));
    assert_eq!(parts.dims(), whole.dims());
}
