//! The config as the file has it, before it is checked.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{BlockKind, UNetConfig, VectorInput};
use crate::components::diffusers_config::{attention_flags, check_unknown_keys, unsupported};

#[derive(Deserialize)]
pub(super) struct RawConfig {
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
