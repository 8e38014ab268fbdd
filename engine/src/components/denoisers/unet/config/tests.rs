use serde_json::Value;

use super::*;

fn kandinsky() -> Value {
    json!({
        "_class_name": "UNet2DConditionModel",
        "_diffusers_version": "0.42.1",
        "act_fn": "silu",
        "addition_embed_type": "image",
        "attention_head_dim": 64,
        "block_out_channels": [384, 768, 1152, 1536],
        "cross_attention_dim": 768,
        "down_block_types": [
            "ResnetDownsampleBlock2D",
            "SimpleCrossAttnDownBlock2D",
            "SimpleCrossAttnDownBlock2D",
            "SimpleCrossAttnDownBlock2D",
        ],
        "encoder_hid_dim": 1280,
        "encoder_hid_dim_type": "image_proj",
        "layers_per_block": 3,
        "mid_block_scale_factor": 1,
        "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
        "out_channels": 8,
        "resnet_out_scale_factor": 1.0,
        "resnet_time_scale_shift": "scale_shift",
        "up_block_types": [
            "SimpleCrossAttnUpBlock2D",
            "SimpleCrossAttnUpBlock2D",
            "SimpleCrossAttnUpBlock2D",
            "ResnetUpsampleBlock2D",
        ],
    })
}

#[test]
fn the_config_of_kandinsky_2_2_is_read() {
    let config: UNetConfig = serde_json::from_value(kandinsky()).expect("a good config");
    assert_eq!(config.layers_per_block, [3; 4]);
    assert_eq!(config.down_heads, [None, Some(12), Some(18), Some(24)]);
    assert_eq!(config.up_heads, [Some(24), Some(18), Some(12), None]);
    assert_eq!(
        (config.mid_heads, config.image_embed_width),
        (Some(24), Some(1280))
    );
    assert_eq!(config.time_embedding_dim, 1536);
    assert_eq!(config.latent_multiple(), 8);
    assert!(config.time_scale_shift);
}

fn stable_diffusion() -> Value {
    json!({
        "_class_name": "UNet2DConditionModel",
        "act_fn": "silu",
        "attention_head_dim": 8,
        "block_out_channels": [320, 640, 1280, 1280],
        "center_input_sample": false,
        "cross_attention_dim": 768,
        "down_block_types": [
            "CrossAttnDownBlock2D",
            "CrossAttnDownBlock2D",
            "CrossAttnDownBlock2D",
            "DownBlock2D",
        ],
        "downsample_padding": 1,
        "flip_sin_to_cos": true,
        "freq_shift": 0,
        "in_channels": 4,
        "layers_per_block": 2,
        "mid_block_scale_factor": 1,
        "mid_block_type": "UNetMidBlock2DCrossAttn",
        "norm_eps": 1e-5,
        "norm_num_groups": 32,
        "out_channels": 4,
        "sample_size": 64,
        "up_block_types": [
            "UpBlock2D",
            "CrossAttnUpBlock2D",
            "CrossAttnUpBlock2D",
            "CrossAttnUpBlock2D",
        ],
    })
}

#[test]
fn the_configs_of_stable_diffusion_are_read() {
    let config: UNetConfig = serde_json::from_value(stable_diffusion()).expect("a good config");
    assert_eq!(config.down_heads, [Some(8), Some(8), Some(8), None]);
    assert_eq!(config.up_heads, [None, Some(8), Some(8), Some(8)]);
    assert_eq!(
        (config.mid_heads, config.image_embed_width),
        (Some(8), None)
    );
    let BlockKind::Transformers { depths, is_linear } = &config.blocks else {
        panic!("{:?}", config.blocks);
    };
    assert_eq!((depths, is_linear), (&vec![1; 4], &false));
    let widths = config.crossing_widths();
    let [down, up] = [&widths[..6], &widths[6..15]];
    assert_eq!(down, [320, 320, 640, 640, 1280, 1280]);
    assert_eq!((up[0], up[3], up[8], widths[15]), (1280, 640, 320, 1280));

    // Stable Diffusion 2 says how many heads by level, and enters transformers by linear layers.
    let mut second = stable_diffusion();
    second["attention_head_dim"] = json!([5, 10, 20, 20]);
    second["use_linear_projection"] = json!(true);
    second["dual_cross_attention"] = json!(false);
    let config: UNetConfig = serde_json::from_value(second).expect("a good config");
    assert_eq!(config.down_heads, [Some(5), Some(10), Some(20), None]);
    assert_eq!(config.up_heads, [None, Some(20), Some(10), Some(5)]);

    // Stable Diffusion XL has levels of different depth, and numbers beside the words.
    let mut xl = stable_diffusion();
    for (key, value) in [
        ("addition_embed_type", json!("text_time")),
        ("addition_time_embed_dim", json!(256)),
        ("projection_class_embeddings_input_dim", json!(2816)),
        ("block_out_channels", json!([320, 640, 1280])),
        ("attention_head_dim", json!([5, 10, 20])),
        ("transformer_layers_per_block", json!([1, 2, 10])),
        (
            "down_block_types",
            json!([
                "DownBlock2D",
                "CrossAttnDownBlock2D",
                "CrossAttnDownBlock2D"
            ]),
        ),
        (
            "up_block_types",
            json!(["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"]),
        ),
    ] {
        xl[key] = value;
    }
    let config: UNetConfig = serde_json::from_value(xl).expect("a good config");
    assert_eq!(config.down_heads, [None, Some(10), Some(20)]);
    let expected = VectorInput::TextTime {
        width: 2816,
        number_width: 256,
    };
    assert_eq!(config.vector_input, Some(expected));
    // As many as an IP-Adapter for it has: 24 down, 36 up, 10 in the middle.
    let widths = config.crossing_widths();
    assert_eq!(widths.len(), 70);
    assert_eq!(
        (widths[3], widths[4], widths[24], widths[54]),
        (640, 1280, 1280, 640)
    );

    for (key, value) in [
        ("addition_embed_type", json!("image")),
        ("addition_embed_type", json!("text_time")),
        ("class_embed_type", json!("projection")),
        ("class_embed_type", json!("timestep")),
        ("attention_head_dim", json!(7)),
        ("transformer_layers_per_block", json!([1, 2])),
        ("up_block_types", json!(vec!["SimpleCrossAttnUpBlock2D"; 4])),
    ] {
        let mut config = stable_diffusion();
        config[key] = value.clone();
        let refusal = serde_json::from_value::<UNetConfig>(config);
        let refusal = refusal.expect_err(key).to_string();
        assert!(refusal.contains(" is "), "{key}: {refusal}");
    }
}

#[test]
fn what_would_change_the_arithmetic_is_refused_by_key_and_value() {
    for (key, value) in [
        ("addition_embed_type", json!("text_time")),
        ("encoder_hid_dim_type", Value::Null),
        ("mid_block_type", json!("UNetMidBlock2DCrossAttn")),
        ("act_fn", json!("gelu")),
        ("resnet_out_scale_factor", json!(1.5)),
        ("resnet_time_scale_shift", json!("ada_group")),
        ("only_cross_attention", json!(true)),
        ("block_out_channels", json!([384, 768, 1152])),
        ("block_out_channels", json!([384, 768, 1152, 1530])),
        ("attention_head_dim", json!(100)),
        ("attention_head_dim", json!(0)),
        ("layers_per_block", json!([3, 3])),
        ("norm_num_groups", json!(0)),
        ("a_switch_of_the_future", json!("on")),
    ] {
        let mut config = kandinsky();
        config[key] = value.clone();
        let refusal = serde_json::from_value::<UNetConfig>(config)
            .expect_err(&format!("{key} = {value} must be refused"))
            .to_string();
        assert!(refusal.contains(" is "), "{key}: {refusal}");
    }
}
