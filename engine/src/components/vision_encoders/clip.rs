//! Pictures to embeddings: CLIP's vision transformer.

use std::borrow::Cow;

use burn::tensor::{DType, Tensor};
use serde::Deserialize;
use serde_json::json;

use crate::{
    Error, Result,
    components::diffusers_config::{check_widths, unsupported},
    components::layers::{
        Activation, ClipEncoder, ClipEncoderConfig, LayerNorm, Linear, read_clip_config,
    },
    weights::{
        LoadOptions, LoadReport, ModelFolder, NameRules, Parameters, inspect_component,
        load_component,
    },
};

/// `config.json` of a CLIP vision encoder with projection. Defaults are transformers'.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct ClipVisionConfig {
    pub hidden_size: usize,
    pub intermediate_size: usize,
    /// Width of `image_embeds`.
    pub projection_dim: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_channels: usize,
    /// Height and width of the pictures that it sees, in pixels.
    pub image_size: usize,
    /// Height and width of one token, in pixels.
    pub patch_size: usize,
    pub hidden_act: Activation,
    pub layer_norm_eps: f64,
}

impl Default for ClipVisionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3_072,
            projection_dim: 512,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            num_channels: 3,
            image_size: 224,
            patch_size: 32,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
        }
    }
}

impl ClipVisionConfig {
    /// Reads `config.json`, which holds the vision encoder's config or, from a whole CLIP, nests it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotAModel`] when a value is of another kind or impossible.
    pub fn read(folder: &ModelFolder) -> Result<Self> {
        let config: Self = read_clip_config(folder, "vision_config")?;
        config.check().map_err(|reason| Error::NotAModel {
            path: folder.path("config.json"),
            reason,
        })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        const MAX_SIDE_PX: usize = 4_096;
        // Each looks at each: the largest encoders in use have 1,369, and a hundred thousand would take gigabytes.
        const MAX_PATCHES: usize = 2_048;
        if !(1..=MAX_SIDE_PX).contains(&self.image_size)
            || !(1..=self.image_size).contains(&self.patch_size)
        {
            return Err(format!(
                "pictures of {0}×{0} px cannot be seen in patches of {1}×{1} px",
                self.image_size, self.patch_size
            ));
        }
        let n_patches = self.n_patches_per_side().pow(2);
        if n_patches > MAX_PATCHES {
            return Err(format!(
                "it sees a picture in {n_patches} patches, and Limn looks at up to {MAX_PATCHES}"
            ));
        }
        check_widths(&[("projection_dim", self.projection_dim)])?;
        if self.num_channels != 3 {
            return Err(unsupported("num_channels", &json!(self.num_channels)));
        }
        self.encoder().check()
    }

    /// # Errors
    /// Those of [`Parameters::tensor`].
    pub fn init(&self, parameters: &Parameters) -> Result<ClipVisionEncoder> {
        let width = self.hidden_size;
        let patch_size = self.patch_size;
        let embeddings = parameters.scope("embeddings");
        let norm = |name| LayerNorm::init(&parameters.scope(name), width, self.layer_norm_eps);
        Ok(ClipVisionEncoder {
            class_embedding: embeddings.tensor("class_embedding", [width])?,
            patch_weight: embeddings.tensor(
                "patch_embedding.weight",
                [width, self.num_channels, patch_size, patch_size],
            )?,
            position_embedding: embeddings.tensor(
                "position_embedding.weight",
                [self.n_patches_per_side().pow(2) + 1, width],
            )?,
            // Spelt like this in every file.
            pre_norm: norm("pre_layrnorm")?,
            encoder: self.encoder().init(parameters)?,
            post_norm: norm("post_layernorm")?,
            projection: Linear::init_without_bias(
                &parameters.scope("visual_projection"),
                width,
                self.projection_dim,
            )?,
            config: self.clone(),
        })
    }

    fn n_patches_per_side(&self) -> usize {
        self.image_size / self.patch_size
    }

    fn encoder(&self) -> ClipEncoderConfig {
        ClipEncoderConfig {
            width: self.hidden_size,
            mlp_width: self.intermediate_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            activation: self.hidden_act,
            norm_epsilon: self.layer_norm_eps,
        }
    }
}

/// CLIP's vision encoder with its projection, Radford et al. 2021.
#[derive(Debug)]
pub struct ClipVisionEncoder {
    config: ClipVisionConfig,
    /// `[hidden_size]`
    class_embedding: Tensor<1>,
    /// `[hidden_size, num_channels, patch_size, patch_size]`
    patch_weight: Tensor<4>,
    /// `[1 + patches, hidden_size]`
    position_embedding: Tensor<2>,
    pre_norm: LayerNorm,
    encoder: ClipEncoder,
    post_norm: LayerNorm,
    projection: Linear,
}

/// What a [`ClipVisionEncoder`] makes of a batch of pictures.
#[derive(Debug, Clone)]
pub struct ClipVisionOutput {
    /// After the last layer, before the last norm; the class token first.
    /// `[batch, 1 + patches, hidden_size]`
    pub last_hidden_state: Tensor<3>,
    /// After the last layer but one. As the last one.
    pub penultimate_hidden_state: Tensor<3>,
    /// In the space that CLIP shares with texts. `[batch, projection_dim]`
    pub image_embeds: Tensor<2>,
}

/// transformers up to 5.5 and every public file put `vision_model.` before the names.
const NAME_RULES: NameRules = NameRules {
    remap: |name| Cow::Borrowed(name.strip_prefix("vision_model.").unwrap_or(name)),
    allow_unused: &["position_ids"],
};

impl ClipVisionEncoder {
    /// Loads the encoder in `folder`: `config.json` and weights.
    ///
    /// # Errors
    /// Those of [`ClipVisionConfig::read`], [`ModelFolder::weights`] and [`load_component`].
    pub fn load(folder: &ModelFolder, options: &LoadOptions) -> Result<(Self, LoadReport)> {
        let config = ClipVisionConfig::read(folder)?;
        let files = folder.weights(options.dtype != DType::F32)?;
        load_component(&files, &NAME_RULES, options, |parameters| {
            config.init(parameters)
        })
    }

    /// Compares the files in `folder` with what its config asks for, by names and shapes alone.
    ///
    /// # Errors
    /// Those of [`Self::load`], but for tensors that do not fit: they are in the report.
    pub fn inspect(folder: &ModelFolder) -> Result<LoadReport> {
        let config = ClipVisionConfig::read(folder)?;
        let files = folder.weights(false)?;
        inspect_component(&files, &NAME_RULES, DType::F32, |parameters| {
            config.init(parameters)
        })
    }

    pub fn config(&self) -> &ClipVisionConfig {
        &self.config
    }

    /// # Shapes: `pixel_values` `[batch, num_channels, image_size, image_size]`, normalised
    pub fn forward(&self, pixel_values: Tensor<4>) -> ClipVisionOutput {
        let patches = self.embed_patches(pixel_values);
        let [batch, _, width] = patches.dims();
        let class_token = self.class_embedding.clone().expand([batch, 1, width]);
        let embedded = Tensor::cat(vec![class_token, patches], 1)
            + self.position_embedding.clone().unsqueeze::<3>();
        let mut hidden_states = self.encoder.forward(self.pre_norm.forward(embedded), None);
        let last_hidden_state = hidden_states.swap_remove(self.config.num_hidden_layers);
        let penultimate_hidden_state = hidden_states.swap_remove(self.config.num_hidden_layers - 1);
        let class_state = last_hidden_state
            .clone()
            .slice([0..batch, 0..1])
            .squeeze_dim::<2>(1);
        ClipVisionOutput {
            image_embeds: self.projection.forward(self.post_norm.forward(class_state)),
            last_hidden_state,
            penultimate_hidden_state,
        }
    }

    /// A convolution whose stride is its kernel size: cut out the patches and multiply.
    ///
    /// # Shapes: `[batch, channels, image_size, image_size]` → `[batch, patches, hidden_size]`
    fn embed_patches(&self, pixel_values: Tensor<4>) -> Tensor<3> {
        let [batch, channels, height, width] = pixel_values.dims();
        let side = self.config.n_patches_per_side();
        let patch_size = self.config.patch_size;
        assert_eq!([height, width], [self.config.image_size; 2], "picture size");
        // What is left over at the right and at the bottom belongs to no patch.
        let covered = side * patch_size;
        let n_values = channels * patch_size * patch_size;
        let patches = pixel_values
            .slice([0..batch, 0..channels, 0..covered, 0..covered])
            .reshape([batch, channels, side, patch_size, side, patch_size])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch, side * side, n_values]);
        let weight = self
            .patch_weight
            .clone()
            .reshape([self.config.hidden_size, n_values])
            .transpose();
        burn::tensor::module::linear(patches, weight, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_patches_than_can_look_at_each_other_are_refused() {
        for (image_size, patch_size, is_fine) in [
            (224, 14, true),
            (518, 14, true),
            (180, 1, false),
            (4_096, 32, false),
        ] {
            let config = ClipVisionConfig {
                image_size,
                patch_size,
                ..ClipVisionConfig::default()
            };
            assert_eq!(
                config.check().is_ok(),
                is_fine,
                "{image_size} / {patch_size}"
            );
        }
    }
}
