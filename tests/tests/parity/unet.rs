//! The U-Net beside diffusers' `UNet2DConditionModel`.

use limn_engine::{
    Error,
    components::denoisers::{UNet, UNetConfig},
    weights::{NameRules, load_component},
};

use crate::harness::{Fixture, assert_close, load_options, parity_tolerance};

fn load(fixture: &Fixture) -> UNet {
    UNet::load(&fixture.folder(), &load_options()).unwrap().0
}

fn check_unet(name: &str) {
    let fixture = Fixture::open(name);
    let unet = load(&fixture);
    let (_, timesteps) = fixture.floats("timesteps");
    let conditioning = unet.condition(fixture.tensor("image_embeds"));
    let output = unet.forward(fixture.tensor("latents"), &timesteps, &conditioning);
    assert_close(&output, &fixture.tensor("output"), parity_tolerance(), name);
}

#[test]
fn the_unet_agrees_with_diffusers() {
    check_unet("unet");
}

#[test]
fn the_inpainting_unet_agrees_with_diffusers() {
    check_unet("unet_inpaint");
}

#[test]
fn one_timestep_serves_the_whole_batch() {
    let fixture = Fixture::open("unet");
    let unet = load(&fixture);
    let conditioning = unet.condition(fixture.tensor("image_embeds"));
    let one = unet.forward(fixture.tensor("latents"), &[250.0], &conditioning);
    let each = unet.forward(fixture.tensor("latents"), &[250.0, 250.0], &conditioning);
    assert_close(&one, &each, 1e-6, "one timestep for two");
}

#[test]
fn a_unet_with_another_config_than_its_weights_is_refused() {
    let fixture = Fixture::open("unet");
    let folder = fixture.folder();
    let mut config: UNetConfig = folder.read_json("config.json").unwrap();
    config.layers_per_block[1] += 1;
    let weights = folder.weights(false).unwrap();
    let refusal = load_component(&weights, &NameRules::EXACT, &load_options(), |parameters| {
        config.init(parameters)
    })
    .unwrap_err();
    assert!(matches!(refusal, Error::BadWeights { .. }), "{refusal}");
}
