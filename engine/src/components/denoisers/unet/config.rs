//! The config of diffusers' `UNet2DConditionModel`, as far as Limn has its blocks.

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
    /// How many heads the attention of each level has, down outermost first, up innermost first; `None` where there is
    /// no attention.
    pub down_heads: Vec<Option<usize>>,
    pub up_heads: Vec<Option<usize>>,
    /// Of the middle.
    pub mid_heads: Option<usize>,
    pub blocks: BlockKind,
    pub norm_num_groups: usize,
    pub norm_eps: f64,
    pub time_scale_shift: bool,
    pub resnet_skip_time_act: bool,
    pub time_embedding_dim: usize,
    pub flip_sin_to_cos: bool,
    pub freq_shift: f32,
    /// The width of a context token.
    pub cross_attention_dim: usize,
    /// The width of the image embedding that steers it; `None` where context tokens do.
    pub image_embed_width: Option<usize>,
    /// What is added to the time embedding beside the timestep, where context tokens steer.
    pub vector_input: Option<VectorInput>,
}

/// A vector that is added to the time embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorInput {
    /// `addition_embed_type: text_time`: a text's embedding and, behind it, numbers as sinusoids of so many each.
    TextTime { width: usize, number_width: usize },
    /// `class_embed_type: projection`: through two linear layers.
    Projection { width: usize },
    /// `class_embed_type: identity`: as it is.
    Identity,
}

/// What the levels are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockKind {
    /// `SimpleCrossAttnDownBlock2D` and its kin: attention to context and pixels at once, sizes changed by residual
    /// blocks.
    AddedKv,
    /// `CrossAttnDownBlock2D` and its kin: transformers, sizes changed by convolutions.
    Transformers {
        /// Of the transformers of each level, outermost first; the middle has the innermost's.
        depths: Vec<usize>,
        /// Whether they are entered and left by linear layers.
        is_linear: bool,
    },
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
    #[serde(rename = "_class_name", default)]
    class_name: String,
    down_block_types: Vec<String>,
    #[serde(default)]
    mid_block_type: String,
    up_block_types: Vec<String>,
    #[serde(default = "PerLevel::eight")]
    attention_head_dim: PerLevel,
    #[serde(default = "PerLevel::one")]
    transformer_layers_per_block: PerLevel,
    #[serde(default)]
    use_linear_projection: bool,
    encoder_hid_dim_type: Option<String>,
    addition_embed_type: Option<String>,
    addition_time_embed_dim: Option<usize>,
    class_embed_type: Option<String>,
    projection_class_embeddings_input_dim: Option<usize>,
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
    #[serde(default = "cross_attention_dim")]
    cross_attention_dim: usize,
    encoder_hid_dim: Option<usize>,
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
    fn one() -> Self {
        Self::Same(1)
    }

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

fn cross_attention_dim() -> usize {
    1280
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
const UNREAD_KEYS: [&str; 11] = [
    "sample_size",
    "dropout",
    "downsample_padding",
    "reverse_transformer_layers_per_block",
    "upcast_attention",
    "addition_embed_type_num_heads",
    "add_attention",
    "attn_norm_num_groups",
    "downsample_type",
    "num_train_timesteps",
    "upsample_type",
];

impl TryFrom<RawConfig> for UNetConfig {
    type Error = String;

    fn try_from(raw: RawConfig) -> Result<Self, String> {
        check_fixed_keys(&raw.rest)?;
        let (image_embed_width, vector_input) = (raw.image_embed_width(), raw.vector_input());
        let n_levels = raw.block_out_channels.len();
        let names = if raw.class_name == UNCONDITIONED_CLASS {
            BlockNames::unconditioned(&raw)?
        } else {
            BlockNames::of(&raw.mid_block_type)?
        };
        let flags = |key, types: &[String], names| attention_flags(key, types, names, n_levels);
        let down = flags("down_block_types", &raw.down_block_types, names.down)?;
        let up = flags("up_block_types", &raw.up_block_types, names.up)?;
        let heads = raw
            .attention_head_dim
            .spread("attention_head_dim", n_levels)?;
        let [down_heads, up_heads] = names.heads(&raw.block_out_channels, &heads)?;
        let with = |attention: Vec<bool>, heads: &[usize]| -> Vec<Option<usize>> {
            let each = attention.into_iter().zip(heads);
            each.map(|(attends, heads)| attends.then_some(*heads))
                .collect()
        };
        let blocks = if names.are_transformers {
            let depths = raw.transformer_layers_per_block;
            BlockKind::Transformers {
                depths: depths.spread("transformer_layers_per_block", n_levels)?,
                is_linear: raw.use_linear_projection,
            }
        } else {
            BlockKind::AddedKv
        };
        let (image_embed_width, vector_input) = (image_embed_width?, vector_input?);
        let config = Self {
            in_channels: raw.in_channels,
            out_channels: raw.out_channels,
            layers_per_block: raw.layers_per_block.spread("layers_per_block", n_levels)?,
            mid_heads: down_heads.last().copied().filter(|_| names.has_context),
            down_heads: with(down, &down_heads),
            up_heads: with(up, &up_heads),
            image_embed_width,
            vector_input,
            blocks,
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
            block_out_channels: raw.block_out_channels,
        };
        config.check_numbers()?;
        Ok(config)
    }
}

/// The names of the blocks that go with a middle.
struct BlockNames {
    /// Without and with attention.
    down: [&'static str; 2],
    up: [&'static str; 2],
    are_transformers: bool,
    /// Whether anything but the timestep steers.
    has_context: bool,
}

/// diffusers' U-Net that nothing but the timestep steers.
const UNCONDITIONED_CLASS: &str = "UNet2DModel";

impl BlockNames {
    /// Of a `UNet2DModel` that is made of residual blocks alone.
    fn unconditioned(raw: &RawConfig) -> Result<Self, String> {
        if !matches!(raw.mid_block_type.as_str(), "" | "UNetMidBlock2D") {
            return Err(unsupported("mid_block_type", &json!(raw.mid_block_type)));
        }
        if raw.rest.get("add_attention") != Some(&json!(false)) {
            return Err(unsupported("add_attention", &json!(true)));
        }
        Ok(Self {
            down: ["ResnetDownsampleBlock2D"; 2],
            up: ["ResnetUpsampleBlock2D"; 2],
            are_transformers: false,
            has_context: false,
        })
    }

    fn of(mid_block_type: &str) -> Result<Self, String> {
        match mid_block_type {
            "UNetMidBlock2DSimpleCrossAttn" => Ok(Self {
                down: ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"],
                up: ["ResnetUpsampleBlock2D", "SimpleCrossAttnUpBlock2D"],
                are_transformers: false,
                has_context: true,
            }),
            "UNetMidBlock2DCrossAttn" => Ok(Self {
                down: ["DownBlock2D", "CrossAttnDownBlock2D"],
                up: ["UpBlock2D", "CrossAttnUpBlock2D"],
                are_transformers: true,
                has_context: true,
            }),
            other => Err(unsupported("mid_block_type", &json!(other))),
        }
    }

    /// How many heads the levels' attention has, down outermost first and up innermost first.
    ///
    /// The entry is called `attention_head_dim`. With transformers it is the number of heads, as diffusers explains by
    /// a mistake that was too late to mend; without, a head's width, indexed from the outside on the way up too.
    fn heads(&self, channels: &[usize], entries: &[usize]) -> Result<[Vec<usize>; 2], String> {
        let refused = || unsupported("attention_head_dim", &json!(entries));
        let outward = channels.iter().rev();
        if self.are_transformers {
            let fits = |(width, heads): (&usize, &usize)| width.is_multiple_of(*heads);
            if !channels.iter().zip(entries).all(fits) {
                return Err(refused());
            }
            return Ok([entries.to_vec(), entries.iter().rev().copied().collect()]);
        }
        let in_heads = |(width, head_width): (&usize, &usize)| {
            let is_whole = *width > 0 && width.is_multiple_of(*head_width);
            // A level without attention has heads that nobody counts.
            if is_whole { width / head_width } else { 0 }
        };
        Ok([
            channels.iter().zip(entries).map(in_heads).collect(),
            outward.zip(entries).map(in_heads).collect(),
        ])
    }
}

impl RawConfig {
    /// `image_proj` and `image` go together: an image embedding that becomes context tokens and a part of the time
    /// embedding.
    fn image_embed_width(&self) -> Result<Option<usize>, String> {
        match (&self.encoder_hid_dim_type, self.encoder_hid_dim) {
            (Some(kind), Some(width)) if kind == "image_proj" => Ok(Some(width)),
            (None, None) => Ok(None),
            (Some(kind), Some(_)) => Err(unsupported("encoder_hid_dim_type", &json!(kind))),
            (_, width) => Err(unsupported("encoder_hid_dim", &json!(width))),
        }
    }

    fn vector_input(&self) -> Result<Option<VectorInput>, String> {
        let width_key = "projection_class_embeddings_input_dim";
        let refuse = |key: &str, value: &Option<String>| Err(unsupported(key, &json!(value)));
        let addition = self.addition_embed_type.as_deref();
        let class = self.class_embed_type.as_deref();
        let width = self.projection_class_embeddings_input_dim;
        let width = width.ok_or_else(|| unsupported(width_key, &Value::Null));
        match (self.encoder_hid_dim_type.is_some(), addition, class) {
            (true, Some("image"), None) | (false, None, None) => Ok(None),
            (false, Some("text_time"), None) => {
                let width = width?;
                let number_width = self.addition_time_embed_dim.unwrap_or_default();
                if number_width == 0 || !number_width.is_multiple_of(2) || number_width > width {
                    let key = "addition_time_embed_dim";
                    return Err(unsupported(key, &json!(self.addition_time_embed_dim)));
                }
                Ok(Some(VectorInput::TextTime {
                    width,
                    number_width,
                }))
            }
            (false, None, Some("projection")) => {
                Ok(Some(VectorInput::Projection { width: width? }))
            }
            (false, None, Some("identity")) => Ok(Some(VectorInput::Identity)),
            (_, _, Some(_)) => refuse("class_embed_type", &self.class_embed_type),
            _ => refuse("addition_embed_type", &self.addition_embed_type),
        }
    }
}

impl VectorInput {
    /// The width of what goes into its linear layers, where it has any.
    pub fn input_width(self) -> Option<usize> {
        match self {
            Self::TextTime { width, .. } | Self::Projection { width } => Some(width),
            Self::Identity => None,
        }
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
            ("encoder_hid_dim", self.image_embed_width.unwrap_or(1)),
            ("time_embedding_dim", self.time_embedding_dim),
            (
                "projection_class_embeddings_input_dim",
                self.vector_input
                    .and_then(VectorInput::input_width)
                    .unwrap_or(1),
            ),
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
        let heads = self.down_heads.iter().chain(&self.up_heads).flatten();
        if heads.chain(&self.mid_heads).any(|heads| *heads == 0) {
            return Err(unsupported("attention_head_dim", &json!(self.down_heads)));
        }
        if let BlockKind::Transformers { depths, .. } = &self.blocks {
            const MAX_DEPTH: usize = 64;
            if depths.iter().any(|depth| *depth > MAX_DEPTH) {
                return Err(unsupported("transformer_layers_per_block", &json!(depths)));
            }
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
        let BlockKind::Transformers { depths, is_linear } = config.blocks else {
            panic!("{:?}", config.blocks);
        };
        assert_eq!((depths, is_linear), (vec![1; 4], false));

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
}
