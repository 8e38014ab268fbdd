//! The config of diffusers' `UNet2DConditionModel`, as far as unCLIP decoders of the Kandinsky 2.2 kind use it.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::UNet;
use crate::{
    Result,
    components::diffusers_config::{
        EPSILONS, attention_flags, check_float, check_levels, check_unknown_keys, check_widths,
        unsupported,
    },
    weights::Parameters,
};

/// `unet/config.json`, checked.
///
/// Reading one refuses, by key and value, whatever would change the arithmetic and is not here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawConfig")]
pub struct UNetConfig {
    /// 4, or 9 for inpainting: latents, masked latents, mask.
    pub in_channels: usize,
    /// Twice the latents' channels where the variance is learned.
    pub out_channels: usize,
    pub block_out_channels: Vec<usize>,
    pub layers_per_block: Vec<usize>,
    /// Whether a level has cross-attention, down and up, outermost first.
    pub down_attention: Vec<bool>,
    pub up_attention: Vec<bool>,
    /// The width of one attention head per level, down: also `attention_head_dim[i]` of the i-th up block.
    pub head_widths: Vec<usize>,
    pub norm_num_groups: usize,
    pub norm_eps: f64,
    pub time_scale_shift: bool,
    pub resnet_skip_time_act: bool,
    pub time_embedding_dim: usize,
    pub flip_sin_to_cos: bool,
    pub freq_shift: f32,
    /// The width of a context token.
    pub cross_attention_dim: usize,
    /// The width of an image embedding.
    pub encoder_hid_dim: usize,
}

impl UNetConfig {
    /// The network under diffusers' parameter names.
    ///
    /// # Errors
    /// What [`Parameters::tensor`] returns.
    pub fn init(&self, parameters: &Parameters) -> Result<UNet> {
        UNet::init(parameters, self)
    }

    /// Latent height and width must be multiples of this.
    pub fn latent_multiple(&self) -> usize {
        1 << (self.block_out_channels.len() - 1)
    }
}

#[derive(Deserialize)]
struct RawConfig {
    #[serde(default = "four")]
    in_channels: usize,
    #[serde(default = "four")]
    out_channels: usize,
    block_out_channels: Vec<usize>,
    #[serde(default = "PerLevel::two")]
    layers_per_block: PerLevel,
    down_block_types: Vec<String>,
    mid_block_type: String,
    up_block_types: Vec<String>,
    #[serde(default = "PerLevel::eight")]
    attention_head_dim: PerLevel,
    #[serde(default = "norm_num_groups")]
    norm_num_groups: usize,
    #[serde(default = "norm_eps")]
    norm_eps: f64,
    #[serde(default = "time_scale_shift")]
    resnet_time_scale_shift: String,
    #[serde(default)]
    resnet_skip_time_act: bool,
    time_embedding_dim: Option<usize>,
    #[serde(default = "yes")]
    flip_sin_to_cos: bool,
    #[serde(default)]
    freq_shift: f32,
    cross_attention_dim: usize,
    encoder_hid_dim: usize,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// One number for every level, or one for each.
#[derive(Deserialize)]
#[serde(untagged)]
enum PerLevel {
    Same(usize),
    Each(Vec<usize>),
}

impl PerLevel {
    fn two() -> Self {
        Self::Same(2)
    }

    fn eight() -> Self {
        Self::Same(8)
    }

    fn spread(self, key: &str, n_levels: usize) -> Result<Vec<usize>, String> {
        let values = match self {
            Self::Same(value) => vec![value; n_levels],
            Self::Each(values) => values,
        };
        if values.len() != n_levels || values.contains(&0) {
            return Err(unsupported(key, &json!(values)));
        }
        Ok(values)
    }
}

fn four() -> usize {
    4
}

fn norm_num_groups() -> usize {
    32
}

fn norm_eps() -> f64 {
    1e-5
}

fn time_scale_shift() -> String {
    "default".to_owned()
}

fn yes() -> bool {
    true
}

/// Keys that would change the arithmetic, diffusers' default for each, and the values that this U-Net knows.
fn fixed_keys() -> Vec<(&'static str, Value, Vec<Value>)> {
    let only = |key, value: Value| (key, value.clone(), vec![value]);
    vec![
        only("center_input_sample", json!(false)),
        only("only_cross_attention", json!(false)),
        (
            "mid_block_only_cross_attention",
            Value::Null,
            vec![Value::Null, json!(false)],
        ),
        only("mid_block_scale_factor", json!(1)),
        only("resnet_out_scale_factor", json!(1)),
        ("act_fn", json!("silu"), vec![json!("silu"), json!("swish")]),
        (
            "encoder_hid_dim_type",
            Value::Null,
            vec![json!("image_proj")],
        ),
        ("addition_embed_type", Value::Null, vec![json!("image")]),
        only("class_embed_type", Value::Null),
        only("num_class_embeds", Value::Null),
        only("class_embeddings_concat", json!(false)),
        only("time_embedding_type", json!("positional")),
        only("time_embedding_act_fn", Value::Null),
        only("timestep_post_act", Value::Null),
        only("time_cond_proj_dim", Value::Null),
        only("conv_in_kernel", json!(3)),
        only("conv_out_kernel", json!(3)),
        only("attention_type", json!("default")),
        only("cross_attention_norm", Value::Null),
        only("num_attention_heads", Value::Null),
        only("dual_cross_attention", json!(false)),
    ]
}

/// Keys that these kinds of block do not read.
const UNREAD_KEYS: [&str; 10] = [
    "sample_size",
    "dropout",
    "downsample_padding",
    "transformer_layers_per_block",
    "reverse_transformer_layers_per_block",
    "use_linear_projection",
    "upcast_attention",
    "addition_time_embed_dim",
    "addition_embed_type_num_heads",
    "projection_class_embeddings_input_dim",
];

impl TryFrom<RawConfig> for UNetConfig {
    type Error = String;

    fn try_from(raw: RawConfig) -> Result<Self, String> {
        check_fixed_keys(&raw.rest)?;
        let n_levels = raw.block_out_channels.len();
        let head_widths = raw
            .attention_head_dim
            .spread("attention_head_dim", n_levels)?;
        if raw.mid_block_type != "UNetMidBlock2DSimpleCrossAttn" {
            return Err(unsupported("mid_block_type", &json!(raw.mid_block_type)));
        }
        let config = Self {
            in_channels: raw.in_channels,
            out_channels: raw.out_channels,
            layers_per_block: raw.layers_per_block.spread("layers_per_block", n_levels)?,
            down_attention: attention_flags(
                "down_block_types",
                &raw.down_block_types,
                ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"],
                n_levels,
            )?,
            up_attention: attention_flags(
                "up_block_types",
                &raw.up_block_types,
                ["ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D"],
                n_levels,
            )?,
            head_widths,
            norm_num_groups: raw.norm_num_groups,
            norm_eps: raw.norm_eps,
            time_scale_shift: match raw.resnet_time_scale_shift.as_str() {
                "default" => false,
                "scale_shift" => true,
                other => return Err(unsupported("resnet_time_scale_shift", &json!(other))),
            },
            resnet_skip_time_act: raw.resnet_skip_time_act,
            time_embedding_dim: raw
                .time_embedding_dim
                .unwrap_or(4 * raw.block_out_channels.first().copied().unwrap_or_default()),
            flip_sin_to_cos: raw.flip_sin_to_cos,
            freq_shift: raw.freq_shift,
            cross_attention_dim: raw.cross_attention_dim,
            encoder_hid_dim: raw.encoder_hid_dim,
            block_out_channels: raw.block_out_channels,
        };
        config.check_numbers()?;
        Ok(config)
    }
}

impl UNetConfig {
    /// Refuses numbers that no network can have, before they become shapes.
    fn check_numbers(&self) -> Result<(), String> {
        check_widths(&[
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("norm_num_groups", self.norm_num_groups),
            ("cross_attention_dim", self.cross_attention_dim),
            ("encoder_hid_dim", self.encoder_hid_dim),
            ("time_embedding_dim", self.time_embedding_dim),
        ])?;
        check_float("norm_eps", self.norm_eps, EPSILONS)?;
        // Half the first width is the number of frequencies, of which the shift leaves some.
        let n_frequencies = self.block_out_channels.first().map_or(0, |width| width / 2);
        let most = n_frequencies as f64 - 0.5;
        check_float("freq_shift", self.freq_shift.into(), -1e3..=most)?;
        let channels = &self.block_out_channels;
        check_levels(channels, &self.layers_per_block, |width| {
            width % 2 == 0 && width.is_multiple_of(self.norm_num_groups)
        })?;
        let attends = |attention: &[bool], i: usize, width: usize| {
            !attention[i] || width.is_multiple_of(self.head_widths[i])
        };
        let n_levels = channels.len();
        let heads_fit = (0..n_levels).all(|i| {
            attends(&self.down_attention, i, channels[i])
                && attends(&self.up_attention, i, channels[n_levels - 1 - i])
        }) && channels[n_levels - 1].is_multiple_of(self.head_widths[n_levels - 1]);
        if !heads_fit {
            return Err(unsupported("attention_head_dim", &json!(self.head_widths)));
        }
        Ok(())
    }
}

fn check_fixed_keys(rest: &Map<String, Value>) -> Result<(), String> {
    let fixed = fixed_keys();
    for (key, default, known) in &fixed {
        let value = rest.get(*key).unwrap_or(default);
        if !known.iter().any(|known| same(known, value)) {
            return Err(unsupported(key, value));
        }
    }
    check_unknown_keys(rest, |key| {
        UNREAD_KEYS.contains(&key) || fixed.iter().any(|(fixed, ..)| *fixed == key)
    })
}

/// Equality that does not tell 1 from 1.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() < f64::EPSILON,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(config.down_attention, [false, true, true, true]);
        assert_eq!(config.up_attention, [true, true, true, false]);
        assert_eq!(config.time_embedding_dim, 1536);
        assert_eq!(config.latent_multiple(), 8);
        assert!(config.time_scale_shift);
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
}
