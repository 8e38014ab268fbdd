//! How a picture was made: enough to make it again. In every PNG as JSON, and as the `parameters` text
//! that other programs read.

use std::fmt::Write as _;

use jiff::Timestamp;
use limn_engine::PixelRect;
use limn_engine::protocol::{GenerateRequest, Picture, Plan, Sampling};
use limn_engine::samplers::Sampler;
use limn_engine::stitch::Fill;
use serde::{Deserialize, Serialize};

use super::layout::PictureId;
use super::marking;

/// The version of the format: raised when an older Limn would misread a newer recipe.
pub const FORMAT: u32 = 1;

/// What was done and with which settings, all defaults filled in.
///
/// Keys that this version does not know are kept, so that an older Limn loses nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    pub format: u32,
    pub id: PictureId,
    /// The pictures that this one was made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<PictureId>,
    pub created: Timestamp,
    pub deed: Deed,
    pub prompt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// The end of the prompt that the model could not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_prompt: Option<String>,
    pub model: String,
    /// SHA-256 over the model's files, in hexadecimal.
    pub model_hash: String,
    pub width: u32,
    pub height: u32,
    pub seed: u64,
    /// A name of [`Sampler`], or one that a newer version gave.
    pub sampler: String,
    pub n_steps: u32,
    pub guidance_scale: f32,
    pub n_prior_steps: u32,
    pub prior_guidance_scale: f32,
    pub best_of: u32,
    /// What was changed of the first parent, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<EditFacts>,
    /// CLIP similarity to the prompt, where it was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// Whether the initial noise came from a file: the seed alone does not make this picture again.
    #[serde(default)]
    pub has_own_latents: bool,
    pub device: String,
    pub dtype: String,
    /// The Limn that made it.
    pub limn: String,
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    TextToImage,
    ImageToImage,
    Inpaint,
    Outpaint,
    /// A deed of a newer version.
    #[serde(other)]
    Other,
}

/// How an edit was done. Lengths and places are in pixels of the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditFacts {
    pub strength: f32,
    pub fill: Fill,
    /// The part of the picture that the model saw, and the size at which it worked.
    pub context: PixelRect,
    pub work_size: (u32, u32),
    pub grow_px: f32,
    pub feather_px: f32,
    pub blend_px: f32,
    pub match_colours: bool,
}

impl Recipe {
    /// The recipe of a picture that the engine just made, with a new id.
    pub fn new(plan: &Plan, request: &GenerateRequest, picture: &Picture) -> Self {
        let id = PictureId::new();
        Self {
            format: FORMAT,
            id,
            parents: Vec::new(),
            created: id.created(),
            deed: Deed::TextToImage,
            prompt: request.prompt.clone(),
            negative_prompt: request.negative_prompt.clone(),
            unread_prompt: plan.unread_prompt.clone(),
            model: plan.model_name.clone(),
            model_hash: plan.model_hash.clone(),
            width: picture.width,
            height: picture.height,
            seed: picture.seed,
            sampler: sampler_name(plan.sampler),
            n_steps: plan.n_steps,
            guidance_scale: plan.guidance_scale,
            n_prior_steps: plan.n_prior_steps,
            prior_guidance_scale: plan.prior_guidance_scale,
            best_of: request.best_of,
            edit: None,
            score: picture.score,
            has_own_latents: request.latents.is_some(),
            device: plan.device.clone(),
            dtype: plan.dtype.clone(),
            limn: env!("CARGO_PKG_VERSION").to_owned(),
            other: serde_json::Map::new(),
        }
    }

    /// As the recipe of the whole picture, of which the engine's is a part.
    #[must_use]
    pub fn edited(self, deed: Deed, (width, height): (u32, u32), facts: EditFacts) -> Self {
        Self {
            deed,
            width,
            height,
            edit: Some(facts),
            ..self
        }
    }

    /// The settings to put back into the prompt bar by "use it again".
    pub fn sampling(&self) -> Sampling {
        Sampling {
            sampler: self.sampler(),
            n_steps: Some(self.n_steps),
            guidance_scale: Some(self.guidance_scale),
            n_prior_steps: Some(self.n_prior_steps),
            prior_guidance_scale: Some(self.prior_guidance_scale),
        }
    }

    /// The sampler, unless this version does not have it.
    pub fn sampler(&self) -> Option<Sampler> {
        serde_json::from_value(self.sampler.as_str().into()).ok()
    }

    /// IPTC's name for how the picture came to be.
    pub fn digital_source_type(&self) -> &'static str {
        match self.deed {
            Deed::TextToImage | Deed::ImageToImage | Deed::Other => {
                marking::TRAINED_ALGORITHMIC_MEDIA
            }
            Deed::Inpaint | Deed::Outpaint => marking::COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
        }
    }

    /// Reads a recipe's JSON. `None` for text that is none, or of a format that this version misreads.
    pub fn from_json(json: &str) -> Option<Self> {
        let recipe: Self = serde_json::from_str(json).ok()?;
        (recipe.format <= FORMAT).then_some(recipe)
    }

    pub fn to_json(&self) -> String {
        // Strings, numbers and lists under string keys: nothing of it can fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The `parameters` text as the AUTOMATIC1111 web interface writes it, which most galleries and
    /// editors read.
    pub fn to_parameters(&self) -> String {
        let mut text = self.prompt.clone();
        if let Some(negative) = self
            .negative_prompt
            .as_deref()
            .filter(|text| !text.is_empty())
        {
            let _ = write!(text, "\nNegative prompt: {negative}");
        }
        let model_hash = self.model_hash.get(..10).unwrap_or(&self.model_hash);
        let fields = [
            ("Steps", self.n_steps.to_string()),
            ("Sampler", self.sampler_label()),
            ("CFG scale", self.guidance_scale.to_string()),
            ("Seed", self.seed.to_string()),
            ("Size", format!("{}x{}", self.width, self.height)),
            ("Model hash", model_hash.to_owned()),
            ("Model", self.model.clone()),
            ("Prior steps", self.n_prior_steps.to_string()),
            ("Prior CFG scale", self.prior_guidance_scale.to_string()),
            ("Version", format!("Limn {}", self.limn)),
        ];
        let fields = fields.map(|(name, value)| format!("{name}: {}", quoted(&value)));
        let _ = write!(text, "\n{}", fields.join(", "));
        text
    }

    /// The sampler's name in that interface.
    fn sampler_label(&self) -> String {
        let label = match self.sampler.as_str() {
            "ddpm" => "DDPM",
            "ddim" => "DDIM",
            "euler" => "Euler",
            "euler_ancestral" => "Euler a",
            "dpmpp_2m" => "DPM++ 2M",
            "dpmpp_2m_karras" => "DPM++ 2M Karras",
            other => other,
        };
        label.to_owned()
    }
}

fn sampler_name(sampler: Sampler) -> String {
    match serde_json::to_value(sampler) {
        Ok(serde_json::Value::String(name)) => name,
        _ => format!("{sampler:?}"),
    }
}

/// A value that holds a separator is written as JSON, as the web interface does.
fn quoted(value: &str) -> String {
    if value.contains([',', ':', '\n']) {
        serde_json::Value::from(value).to_string()
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use limn_engine::protocol::{BlobHash, Compute, ModelId};

    use super::*;

    /// A recipe as the engine's answers give it.
    pub fn recipe(prompt: &str, seed: u64, (width, height): (u32, u32)) -> Recipe {
        let plan = Plan {
            model_name: "Doodle".into(),
            model_hash: "0123456789abcdef".repeat(4),
            device: "CPU".into(),
            dtype: "f32".into(),
            width,
            height,
            sampler: Sampler::EulerAncestral,
            n_steps: 24,
            guidance_scale: 4.5,
            n_prior_steps: 10,
            prior_guidance_scale: 2.0,
            unread_prompt: None,
        };
        let request = GenerateRequest {
            model: ModelId("doodle".into()),
            compute: Compute::default(),
            prompt: prompt.into(),
            negative_prompt: Some("blurry, grey".into()),
            size: None,
            n_pictures: 4,
            best_of: 1,
            seed,
            sampling: Sampling::default(),
            latents: None,
        };
        let picture = Picture {
            index: 0,
            seed,
            width,
            height,
            pixels: BlobHash([0; 32]),
            score: Some(0.25),
            patch_mask: None,
        };
        Recipe::new(&plan, &request, &picture)
    }

    #[test]
    fn a_recipe_survives_its_json() {
        let mut recipe = recipe("a red sailboat \u{1f6a4}", u64::MAX, (256, 256));
        recipe.parents.push(PictureId::new());
        recipe
            .other
            .insert("mood".into(), serde_json::json!({"calm": 3}));
        assert_eq!(Recipe::from_json(&recipe.to_json()), Some(recipe.clone()));
        assert_eq!(recipe.sampler(), Some(Sampler::EulerAncestral));
        assert_eq!(
            recipe.created.as_millisecond(),
            recipe.id.created().as_millisecond()
        );
    }

    #[test]
    fn the_recipe_of_an_edit_is_of_the_whole_picture_and_marks_it_as_a_composite() {
        let facts = EditFacts {
            strength: 0.85,
            fill: Fill::Keep,
            context: PixelRect::new(10, 20, 64, 64),
            work_size: (256, 256),
            grow_px: 12.0,
            feather_px: 16.0,
            blend_px: 20.0,
            match_colours: true,
        };
        let made = recipe("a red sailboat", 7, (64, 64));
        let whole = made.edited(Deed::Inpaint, (900, 600), facts);
        let read = Recipe::from_json(&whole.to_json()).unwrap();
        assert_eq!(read, whole);
        assert_eq!((read.width, read.height), (900, 600));
        assert!(
            read.digital_source_type()
                .ends_with("/compositeWithTrainedAlgorithmicMedia")
        );
    }

    #[test]
    fn a_newer_recipe_is_read_or_refused() {
        let mut json = serde_json::to_value(recipe("a", 1, (64, 64))).unwrap();
        json["sampler"] = "res_2s".into();
        json["deed"] = "dream".into();
        let newer = Recipe::from_json(&json.to_string()).unwrap();
        assert_eq!((newer.sampler(), newer.deed), (None, Deed::Other));
        json["format"] = 2.into();
        assert_eq!(Recipe::from_json(&json.to_string()), None);
    }

    #[test]
    fn parameters_read_as_the_web_interface_writes_them() {
        let mut recipe = recipe("a red sailboat", 7, (256, 128));
        recipe.model = "doodle: v1, small".into();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            recipe.to_parameters(),
            format!(
                "a red sailboat\nNegative prompt: blurry, grey\nSteps: 24, Sampler: Euler a, CFG scale: 4.5, Seed: 7, \
                 Size: 256x128, Model hash: 0123456789, Model: \"doodle: v1, small\", Prior steps: 10, \
                 Prior CFG scale: 2, Version: Limn {version}"
            )
        );
    }
}
