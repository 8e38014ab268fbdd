use serde_json::{Value, json};

use super::{Part, Scope, diffusers_names, unet_names};
use crate::weights::{Target, TensorFiles};

/// What a U-Net is, by the shapes of its tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::families) struct UNetShape {
    pub in_channels: usize,
    pub(super) out_channels: usize,
    /// Outermost first.
    pub(super) levels: Vec<Level>,
    /// Of the middle; 0 where it has no transformer.
    pub(super) mid_depth: usize,
    pub(super) time_width: usize,
    pub context_width: usize,
    /// Whether transformers are entered and left by linear layers.
    pub is_linear: bool,
    /// The width of what is added to the time beside it.
    pub label_width: Option<usize>,
    pub(super) is_in_diffusers_names: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub width: usize,
    pub n_resnets: usize,
    /// Blocks in each transformer; 0 where there is none.
    pub depth: usize,
}

impl UNetShape {
    /// In any file that has one in the first code's names.
    pub const SIGN: &str = "input_blocks.0.0.weight";
    pub const PREFIXES: [&str; 2] = ["model.diffusion_model.", ""];

    /// Where a U-Net lies in the files, and what it is.
    pub(super) fn find(files: &TensorFiles) -> Option<(Scope<'_>, Self)> {
        if let Some(scope) = Scope::find(files, &Self::PREFIXES, Self::SIGN) {
            let shape = Self::read(&scope)?;
            return Some((scope, shape));
        }
        let scope = Scope::find(files, &["", "unet."], diffusers_names::UNET_SIGN)?;
        let shape = diffusers_names::unet_shape(&scope)?;
        Some((scope, shape))
    }

    fn read(scope: &Scope) -> Option<Self> {
        let attention = scope
            .names()
            .find_map(|name| name.strip_suffix(".transformer_blocks.0.attn2.to_k.weight"))?;
        let key = format!("{attention}.transformer_blocks.0.attn2.to_k.weight");
        Some(Self {
            in_channels: scope.size(Self::SIGN, 1)?,
            out_channels: scope.size("out.2.weight", 0)?,
            levels: levels(scope)?,
            mid_depth: depth(scope, "middle_block.1"),
            time_width: scope.size("time_embed.0.weight", 0)?,
            context_width: scope.size(&key, 1)?,
            is_linear: scope.shape(&format!("{attention}.proj_in.weight"))?.len() == 2,
            label_width: scope.size("label_emb.0.0.weight", 1),
            is_in_diffusers_names: false,
        })
    }

    /// As diffusers writes it, with `heads` of each level; `extra` are further entries.
    pub(super) fn part(
        &self,
        scope: &Scope,
        heads: impl Fn(usize) -> usize,
        extra: &Value,
    ) -> Part {
        let block = |(level, with, without): (&Level, &'static str, &'static str)| {
            if level.depth > 0 { with } else { without }
        };
        let down = |level| block((level, "CrossAttnDownBlock2D", "DownBlock2D"));
        let up = |level| block((level, "CrossAttnUpBlock2D", "UpBlock2D"));
        let levels = || self.levels.iter();
        let last = self.levels.len() - 1;
        // The middle is as deep as the innermost level says, whether that has transformers of its own or not.
        let depths = levels().enumerate().map(|(i, level)| match level.depth {
            0 if i == last => self.mid_depth,
            0 => 1,
            depth => depth,
        });
        let mut config = json!({
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "block_out_channels": levels().map(|level| level.width).collect::<Vec<_>>(),
            "layers_per_block": levels().map(|level| level.n_resnets).collect::<Vec<_>>(),
            "down_block_types": levels().map(down).collect::<Vec<_>>(),
            "mid_block_type": "UNetMidBlock2DCrossAttn",
            "up_block_types": levels().rev().map(up).collect::<Vec<_>>(),
            "transformer_layers_per_block": depths.collect::<Vec<_>>(),
            "attention_head_dim": levels().map(|level| heads(level.width)).collect::<Vec<_>>(),
            "cross_attention_dim": self.context_width,
            "time_embedding_dim": self.time_width,
            "use_linear_projection": self.is_linear,
        });
        if let (Some(config), Some(extra)) = (config.as_object_mut(), extra.as_object()) {
            config.extend(extra.clone());
        }
        if self.is_in_diffusers_names {
            let views = |name: &str| diffusers_names::unet_target(name).into_iter().collect();
            return Part {
                config,
                views: scope.views(views),
            };
        }
        let n_resnets = self.levels[0].n_resnets;
        let label = if extra.get("class_embed_type").is_some() {
            "class_embedding"
        } else {
            "add_embedding"
        };
        let target = |name: &str| unet_names::new_name(scope, name, n_resnets, label);
        Part {
            config,
            views: scope.views(|name| target(name).map(Target::whole).into_iter().collect()),
        }
    }
}

/// The levels on the way down. `None` where they are none that diffusers has: each with as many layers as the first.
fn levels(scope: &Scope) -> Option<Vec<Level>> {
    let mut levels = Vec::new();
    let mut level: Option<Level> = None;
    for block in 1.. {
        let block = format!("input_blocks.{block}");
        if scope.has(&format!("{block}.0.op.weight")) {
            levels.push(level.take()?);
            continue;
        }
        let Some(width) = scope.size(&format!("{block}.0.out_layers.3.weight"), 0) else {
            break;
        };
        let depth = depth(scope, &format!("{block}.1"));
        let level = level.get_or_insert(Level {
            width,
            n_resnets: 0,
            depth,
        });
        level.n_resnets += 1;
        if level.width != width || level.depth != depth {
            return None;
        }
    }
    levels.extend(level);
    let is_even = |levels: &[Level]| {
        levels
            .iter()
            .all(|level| level.n_resnets == levels[0].n_resnets)
    };
    (!levels.is_empty() && is_even(&levels)).then_some(levels)
}

fn depth(scope: &Scope, transformer: &str) -> usize {
    scope.count(|block| format!("{transformer}.transformer_blocks.{block}.norm1.weight"))
}
