//! What an IP-Adapter's file says of it by names and shapes: such files come without a config.

use std::collections::BTreeMap;

use crate::weights::TensorFiles;

/// What makes an adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IpAdapterConfig {
    pub projection: ProjectionConfig,
    /// The width of a context token, of pictures as of words.
    pub context_width: usize,
    /// Channels of the U-Net's layers that look at words, in the file's order: down, up, middle.
    pub layers: Vec<usize>,
}

/// How a picture becomes context tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectionConfig {
    /// From its embedding alone.
    Linear {
        embed_width: usize,
        n_tokens: usize,
    },
    Resampler(ResamplerConfig),
}

/// From all that the encoder says of a picture's parts: the adapters that are called “plus”.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResamplerConfig {
    /// Of the encoder's hidden states.
    pub input_width: usize,
    pub n_tokens: usize,
    pub width: usize,
    pub n_layers: usize,
    pub n_heads: usize,
    pub mlp_width: usize,
}

impl ResamplerConfig {
    pub const HEAD_WIDTH: usize = 64;
}

/// Parts of adapters that ask for more than a picture and an image encoder; the first that is there tells the kind.
const UNREAD: [(&str, &str); 4] = [
    ("image_proj.perceiver_resampler.", "FaceID plus"),
    ("ip_adapter.0.to_q_lora.", "FaceID"),
    ("ip_adapter.1.to_q_lora.", "FaceID"),
    ("image_proj.proj.", "full face"),
];
/// Tokens of a picture: those in use make 4 to 257, and every one is looked at by every pixel.
const MAX_TOKENS: usize = 1_024;
const LINEAR: &str = "image_proj.proj.weight";
const LATENTS: &str = "image_proj.latents";

impl IpAdapterConfig {
    /// Whether any of the tensors is an IP-Adapter's.
    pub fn is_in(files: &TensorFiles) -> bool {
        let mut names = files.names();
        names.any(|name| name.starts_with("ip_adapter.") || name.starts_with("image_proj."))
    }

    /// # Errors
    /// The reason, for a file that is none of those that Limn reads.
    pub fn read(files: &TensorFiles) -> Result<Self, String> {
        let shape = |name: &str| files.shape(name);
        let size = |name: &str, axis: usize| {
            let size = shape(name).and_then(|shape| shape.get(axis).copied());
            size.ok_or_else(|| format!("`{name}` is missing or has another shape"))
        };
        let projection = if shape(LINEAR).is_some() {
            let context_width = size("image_proj.norm.weight", 0)?;
            ProjectionConfig::Linear {
                embed_width: size(LINEAR, 1)?,
                n_tokens: size(LINEAR, 0)? / context_width.max(1),
            }
        } else if shape(LATENTS).is_some() {
            let first = "image_proj.layers.0";
            let has_layer =
                |layer: usize| shape(&format!("image_proj.layers.{layer}.0.to_q.weight")).is_some();
            let mut n_layers = 0;
            while has_layer(n_layers) {
                n_layers += 1;
            }
            let inner = size(&format!("{first}.0.to_q.weight"), 0)?;
            ProjectionConfig::Resampler(ResamplerConfig {
                input_width: size("image_proj.proj_in.weight", 1)?,
                n_tokens: size(LATENTS, 1)?,
                width: size(LATENTS, 2)?,
                n_layers,
                n_heads: inner / ResamplerConfig::HEAD_WIDTH,
                mlp_width: size(&format!("{first}.1.1.weight"), 0)?,
            })
        } else {
            let is_there = |start: &str| files.names().any(|name| name.starts_with(start));
            let kind = UNREAD.iter().find(|(start, _)| is_there(start));
            return Err(match kind {
                Some((_, kind)) => format!(
                    "it is an IP-Adapter of the kind {kind}, and Limn reads the plain ones and “plus”"
                ),
                None => "it has no `image_proj` of a kind that Limn reads".to_owned(),
            });
        };
        let layers = layers(files)?;
        let (context_width, first) = layers.first().map_or((0, 0), |layer| (layer.1, layer.0));
        let config = Self {
            projection,
            context_width,
            layers: layers.into_iter().map(|(channels, _)| channels).collect(),
        };
        let widths = [
            first,
            context_width,
            config.feature_width(),
            config.n_tokens(),
        ];
        if widths.contains(&0) {
            return Err("it has no layers, or layers of no width".to_owned());
        }
        if config.n_tokens() > MAX_TOKENS {
            return Err(format!(
                "it makes {} tokens of a picture, and Limn looks at up to {MAX_TOKENS}",
                config.n_tokens()
            ));
        }
        Ok(config)
    }

    /// Width of what the image encoder must say of a picture: its embedding's, or its hidden states'.
    pub fn feature_width(&self) -> usize {
        match &self.projection {
            ProjectionConfig::Linear { embed_width, .. } => *embed_width,
            ProjectionConfig::Resampler(resampler) => resampler.input_width,
        }
    }

    /// Whether it looks at all parts of a picture, and not at its embedding alone.
    pub fn looks_at_parts(&self) -> bool {
        matches!(self.projection, ProjectionConfig::Resampler(_))
    }

    /// Context tokens of one picture.
    pub fn n_tokens(&self) -> usize {
        match &self.projection {
            ProjectionConfig::Linear { n_tokens, .. } => *n_tokens,
            ProjectionConfig::Resampler(resampler) => resampler.n_tokens,
        }
    }
}

/// Channels and context width of each layer, in the order of their numbers, which are odd: between them stand the
/// layers in which pixels look at pixels.
fn layers(files: &TensorFiles) -> Result<Vec<(usize, usize)>, String> {
    let numbered = files.names().filter_map(|name| {
        let number = name.strip_prefix("ip_adapter.")?;
        let number = number.strip_suffix(".to_k_ip.weight")?;
        let [channels, context_width] = *files.shape(name)? else {
            return None;
        };
        Some((number.parse().ok()?, (channels, context_width)))
    });
    let numbered: BTreeMap<usize, (usize, usize)> = numbered.collect();
    let is_in_order = numbered.keys().enumerate().all(|(i, n)| *n == 2 * i + 1);
    if numbered.is_empty() || !is_in_order {
        return Err("its layers `ip_adapter.1`, `ip_adapter.3` … are not all there".to_owned());
    }
    Ok(numbered.into_values().collect())
}

#[cfg(test)]
mod tests {
    use safetensors::{Dtype, tensor::TensorView};

    use super::*;
    use crate::weights::TensorFile;

    /// An adapter with so many tokens of a picture, whose layers are as narrow as they may be.
    fn adapter(n_tokens: usize) -> Result<IpAdapterConfig, String> {
        let shapes = [
            (LINEAR, vec![8 * n_tokens, 4]),
            ("image_proj.proj.bias", vec![8 * n_tokens]),
            ("image_proj.norm.weight", vec![8]),
            ("image_proj.norm.bias", vec![8]),
            ("ip_adapter.1.to_k_ip.weight", vec![4, 8]),
            ("ip_adapter.1.to_v_ip.weight", vec![4, 8]),
        ];
        read(&shapes)
    }

    /// What a file of zeros is read as.
    fn read(shapes: &[(&str, Vec<usize>)]) -> Result<IpAdapterConfig, String> {
        let n_bytes = |shape: &[usize]| 2 * shape.iter().product::<usize>();
        let most = shapes.iter().map(|(_, shape)| n_bytes(shape)).max();
        let zeros = vec![0; most.unwrap_or_default()];
        let tensors = shapes.iter().map(|(name, shape)| {
            let view = TensorView::new(Dtype::F16, shape.clone(), &zeros[..n_bytes(shape)]);
            (*name, view.expect("as many bytes as the shape says"))
        });
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        safetensors::serialize_to_file(tensors, None, file.path()).expect("it is written");
        let files = TensorFiles::open(&[TensorFile::Disk(file.path().to_owned())]);
        IpAdapterConfig::read(&files.expect("whole files"))
    }

    #[test]
    fn kinds_that_ask_for_more_than_a_picture_are_named() {
        let layer = ("ip_adapter.1.to_k_ip.weight", vec![4, 8]);
        let lora = ("ip_adapter.0.to_q_lora.down.weight", vec![2, 4]);
        let mlp = ("image_proj.proj.0.weight", vec![8, 4]);
        let resampler = ("image_proj.perceiver_resampler.latents", vec![1, 4, 8]);
        for (tensors, kind) in [
            (&[&layer, &mlp][..], "kind full face,"),
            (&[&layer, &lora, &mlp], "kind FaceID,"),
            (&[&layer, &lora, &mlp, &resampler], "kind FaceID plus,"),
            (&[&layer], "no `image_proj`"),
        ] {
            let tensors: Vec<_> = tensors.iter().map(|tensor| (*tensor).clone()).collect();
            let reason = read(&tensors).expect_err(kind);
            assert!(reason.contains(kind), "{reason}");
        }
    }

    #[test]
    fn more_tokens_than_pixels_can_look_at_are_refused() {
        let config = adapter(MAX_TOKENS).expect("as many as may be");
        assert_eq!(config.n_tokens(), MAX_TOKENS);
        let reason = adapter(MAX_TOKENS + 1).expect_err("one more");
        assert!(reason.contains("up to 1024"), "{reason}");
    }
}
