//! How a picture was made: enough to make it again. In every PNG as JSON, and as the `parameters` text
//! that other programs read.

mod facts;
mod parameters;

use jiff::Timestamp;
use limn_engine::protocol::{
    GenerateRequest, IpAdapterChoice, IpAdapterUse, LoraChoice, LoraUse, Operation, Picture, Plan,
    Sampling,
};
use limn_engine::samplers::{Sampler, Spacing};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::layout::PictureId;
pub use facts::{
    BlendFacts, BlendedInput, CascadeFacts, EditFacts, Origin, ShiftFacts, UpscaleFacts,
    VariationsFacts,
};

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
    /// Equal for the pictures that were asked for together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Uuid>,
    pub deed: Origin,
    pub prompt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// What the picture was drawn from where the prompt left a choice, as `{a|b}` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_prompt: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_negative_prompt: Option<String>,
    /// The end of the prompt that the model could not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_prompt: Option<String>,
    pub model: String,
    /// SHA-256 over the model's files, in hexadecimal.
    pub model_hash: String,
    pub width: u32,
    pub height: u32,
    /// Where the model drew a smaller picture, which its own upscaler made as large as that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cascade: Option<CascadeFacts>,
    pub seed: u64,
    /// A name of [`Sampler`], or one that a newer version gave.
    pub sampler: String,
    pub n_steps: u32,
    pub guidance_scale: f32,
    /// Of a model with a prior; every recipe had one once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_prior_steps: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_guidance_scale: Option<f32>,
    /// What the model was changed by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<RecipeLora>,
    /// What the model looked at pictures through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_adapter: Option<RecipeIpAdapter>,
    /// How the steps were spaced, by a name of [`Spacing`]; absent where it was the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spacing: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance_rescale: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_skip: Option<u32>,
    pub best_of: u32,
    /// What was changed of the first parent, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<EditFacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variations: Option<VariationsFacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blend: Option<BlendFacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<ShiftFacts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upscale: Option<UpscaleFacts>,
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

/// A LoRA that a picture was drawn with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecipeLora {
    pub name: String,
    pub weight: f32,
    /// SHA-256 of its file, in hexadecimal.
    #[serde(default)]
    pub hash: String,
}

impl From<&LoraUse> for RecipeLora {
    fn from(lora: &LoraUse) -> Self {
        Self {
            name: lora.name.clone(),
            weight: lora.weight,
            hash: lora.hash.clone(),
        }
    }
}

/// An IP-Adapter that a picture was drawn with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecipeIpAdapter {
    pub name: String,
    pub scale: f32,
    /// SHA-256 of its file and of its image encoder's weights, in hexadecimal.
    #[serde(default)]
    pub hash: String,
    #[serde(default)]
    pub encoder_hash: String,
}

impl From<&IpAdapterUse> for RecipeIpAdapter {
    fn from(adapter: &IpAdapterUse) -> Self {
        Self {
            name: adapter.name.clone(),
            scale: adapter.scale,
            hash: adapter.hash.clone(),
            encoder_hash: adapter.encoder_hash.clone(),
        }
    }
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
            run: None,
            deed: Operation::Generate.into(),
            prompt: request.prompt.clone(),
            negative_prompt: request.negative_prompt.clone(),
            chosen_prompt: picture.chosen.as_ref().map(|chosen| chosen.prompt.clone()),
            chosen_negative_prompt: picture
                .chosen
                .as_ref()
                .and_then(|chosen| chosen.negative_prompt.clone()),
            unread_prompt: plan.unread_prompt.clone(),
            model: plan.model_name.clone(),
            model_hash: plan.model_hash.clone(),
            width: picture.width,
            height: picture.height,
            cascade: plan.cascade.as_ref().map(CascadeFacts::from),
            seed: picture.seed,
            sampler: sampler_name(plan.sampler),
            n_steps: plan.n_steps,
            guidance_scale: plan.guidance_scale,
            n_prior_steps: plan.n_prior_steps,
            prior_guidance_scale: plan.prior_guidance_scale,
            loras: plan.loras.iter().map(RecipeLora::from).collect(),
            ip_adapter: plan.ip_adapter.as_deref().map(RecipeIpAdapter::from),
            spacing: plan.spacing.map(|spacing| spacing.name().to_owned()),
            guidance_rescale: plan.guidance_rescale.filter(|rescale| *rescale > 0.0),
            clip_skip: plan.clip_skip.filter(|n| *n > 0),
            best_of: request.best_of,
            edit: None,
            variations: None,
            blend: None,
            shift: None,
            upscale: None,
            score: picture.score,
            has_own_latents: request.latents.is_some(),
            device: plan.device.clone(),
            dtype: plan.dtype.clone(),
            limn: env!("CARGO_PKG_VERSION").to_owned(),
            other: serde_json::Map::new(),
        }
    }

    /// The prompt as it makes the picture again: with the LoRAs that were not named in its words, as words.
    pub fn prompt_with_loras(&self) -> String {
        let mut prompt = self.drawn_prompt().to_owned();
        for LoraChoice { name, weight } in self.loras_beside_words() {
            prompt += &format!(" <lora:{name}:{weight}>");
        }
        prompt
    }

    /// The words that the picture was drawn from.
    pub fn drawn_prompt(&self) -> &str {
        self.chosen_prompt.as_ref().unwrap_or(&self.prompt)
    }

    /// The LoRAs that were not named in its words.
    pub fn loras_beside_words(&self) -> Vec<LoraChoice> {
        let prompt = self.drawn_prompt();
        let is_named = |name: &str| {
            let start = format!("<lora:{name}");
            let mut named = prompt.match_indices(&start);
            named.any(|(at, _)| prompt[at + start.len()..].starts_with([':', '>']))
        };
        let beside = self.loras.iter().filter(|lora| !is_named(&lora.name));
        let choice = |RecipeLora { name, weight, .. }: &RecipeLora| LoraChoice {
            name: name.clone(),
            weight: *weight,
        };
        beside.map(choice).collect()
    }

    /// The IP-Adapter as a request names it.
    pub fn ip_adapter_choice(&self) -> Option<IpAdapterChoice> {
        let RecipeIpAdapter { name, scale, .. } = self.ip_adapter.as_ref()?;
        Some(IpAdapterChoice {
            name: name.clone(),
            scale: *scale,
        })
    }

    /// The settings to put back into the prompt bar by "use it again".
    pub fn sampling(&self) -> Sampling {
        Sampling {
            sampler: self.sampler(),
            n_steps: Some(self.n_steps),
            guidance_scale: Some(self.guidance_scale),
            n_prior_steps: self.n_prior_steps,
            prior_guidance_scale: self.prior_guidance_scale,
            clip_skip: self.clip_skip,
            spacing: self.spacing(),
            guidance_rescale: self.guidance_rescale,
        }
    }

    /// Whether a model drew it with a sampler: a photograph that arithmetic made larger has a recipe too.
    pub fn is_drawn(&self) -> bool {
        !self.sampler.is_empty()
    }

    /// The sampler, unless this version does not have it.
    pub fn sampler(&self) -> Option<Sampler> {
        serde_json::from_value(self.sampler.as_str().into()).ok()
    }

    /// The spacing, unless this version does not have it.
    pub fn spacing(&self) -> Option<Spacing> {
        self.spacing.as_deref()?.parse().ok()
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
}

fn sampler_name(sampler: Sampler) -> String {
    match serde_json::to_value(sampler) {
        Ok(serde_json::Value::String(name)) => name,
        _ => format!("{sampler:?}"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
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
            cascade: None,
            sampler: Sampler::EulerAncestral,
            n_steps: 24,
            guidance_scale: 4.5,
            n_prior_steps: Some(10),
            prior_guidance_scale: Some(2.0),
            unread_prompt: None,
            loras: Vec::new(),
            ip_adapter: None,
            stand_in: None,
            spacing: Some(Spacing::Karras),
            guidance_rescale: None,
            clip_skip: None,
            remarks: Vec::new(),
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
            loras: Vec::new(),
            ip_adapter: None,
        };
        let picture = Picture {
            index: 0,
            seed,
            width,
            height,
            pixels: BlobHash([0; 32]),
            score: Some(0.25),
            patch_mask: None,
            chosen: None,
        };
        Recipe::new(&plan, &request, &picture)
    }

    #[test]
    fn loras_come_back_as_words_once() {
        let mut recipe = recipe("a boat <lora:ink:0.8>", 1, (64, 64));
        let lora = |name: &str, weight| RecipeLora {
            name: name.to_owned(),
            weight,
            hash: "00".repeat(32),
        };
        recipe.loras = vec![lora("ink", 0.8), lora("in", 1.0), lora("old paper", -0.5)];
        let prompt = recipe.prompt_with_loras();
        assert_eq!(
            prompt,
            "a boat <lora:ink:0.8> <lora:in:1> <lora:old paper:-0.5>"
        );
        let beside = recipe.loras_beside_words();
        let beside: Vec<_> = beside.iter().map(|lora| lora.name.as_str()).collect();
        assert_eq!(beside, ["in", "old paper"]);
        recipe.prompt = prompt.clone();
        assert_eq!(recipe.prompt_with_loras(), prompt);
        assert_eq!(recipe.loras_beside_words(), []);
        let parameters = recipe.to_parameters();
        assert!(parameters.starts_with(&prompt), "{parameters}");
        recipe.ip_adapter = Some(RecipeIpAdapter {
            name: "plus".to_owned(),
            scale: 0.5,
            hash: "11".repeat(32),
            encoder_hash: "22".repeat(32),
        });
        let json = serde_json::to_string(&recipe).unwrap();
        let read = serde_json::from_str::<Recipe>(&json).unwrap();
        assert_eq!(read.loras, recipe.loras);
        let choice = IpAdapterChoice {
            name: "plus".to_owned(),
            scale: 0.5,
        };
        assert_eq!(read.ip_adapter_choice(), Some(choice));
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
    fn a_newer_recipe_is_read_or_refused() {
        let mut json = serde_json::to_value(recipe("a", 1, (64, 64))).unwrap();
        json["sampler"] = "res_2s".into();
        json["deed"] = "dream".into();
        let newer = Recipe::from_json(&json.to_string()).unwrap();
        assert_eq!((newer.sampler(), newer.deed), (None, Origin::Other));
        json["format"] = 2.into();
        assert_eq!(Recipe::from_json(&json.to_string()), None);
    }

    #[test]
    fn what_limn_writes_for_others_it_reads_itself() {
        let own = Recipe {
            clip_skip: Some(1),
            ..recipe("a boat, \"red\": at sea", u64::MAX, (64, 32))
        };
        let found = crate::gallery::foreign::from_text(&own.to_parameters());
        let foreign = found.recipe.unwrap();
        assert_eq!(foreign.prompt, own.prompt);
        assert_eq!(foreign.negative_prompt, own.negative_prompt);
        assert_eq!(foreign.seed, Some(u64::MAX));
        assert_eq!(foreign.size, Some((64, 32)));
        assert_eq!(foreign.sampler(), own.sampler());
        assert_eq!(foreign.sampling().spacing, own.spacing());
        assert_eq!(foreign.sampling().clip_skip, own.clip_skip);
        assert_eq!(foreign.sampling().n_steps, Some(own.n_steps));
    }

    /// As every Limn before families without a prior wrote it.
    const OLD: &str = r#"{"format":1,"id":"01932d3a-7a00-7000-8000-000000000001","created":"2026-11-01T10:00:00Z",
        "deed":"text_to_image","prompt":"a cat","model":"Doodle","model_hash":"ab","width":64,"height":64,"seed":7,
        "sampler":"dpmpp_2m_karras","n_steps":20,"guidance_scale":4.0,"n_prior_steps":5,"prior_guidance_scale":2.5,
        "best_of":1,"has_own_latents":false,"device":"CPU","dtype":"f32","limn":"0.1.0"}"#;

    #[test]
    fn old_recipes_read_and_keep_their_words() {
        let old = Recipe::from_json(OLD).unwrap();
        assert_eq!(old.deed, Operation::Generate);
        assert_eq!(old.sampler(), Some(Sampler::Dpmpp2mKarras));
        let prior = (old.n_prior_steps, old.prior_guidance_scale);
        assert_eq!(prior, (Some(5), Some(2.5)));
        let again: serde_json::Value = serde_json::from_str(&old.to_json()).unwrap();
        let written: serde_json::Value = serde_json::from_str(OLD).unwrap();
        assert_eq!(again, written);
        for (word, origin) in [
            ("image_to_image", Operation::ImageToImage.into()),
            ("inpaint", Operation::Inpaint.into()),
            ("outpaint", Operation::Outpaint.into()),
            ("variations", Operation::Variations.into()),
            ("blend", Operation::Blend.into()),
            ("shift", Operation::Shift.into()),
            ("upscale", Operation::Upscale.into()),
            ("import", Origin::Import),
        ] {
            let read = Recipe::from_json(&OLD.replace("text_to_image", word)).unwrap();
            assert_eq!(read.deed, origin);
            assert!(read.to_json().contains(&format!(r#""deed":"{word}""#)));
        }
    }

    #[test]
    fn a_choice_is_kept_beside_what_was_typed() {
        let own = Recipe {
            chosen_prompt: Some("a red cat".into()),
            chosen_negative_prompt: Some("grey".into()),
            ..recipe("a {red|blue} cat", 1, (64, 64))
        };
        assert_eq!(Recipe::from_json(&own.to_json()), Some(own.clone()));
        // Other programs would choose otherwise.
        let text = own.to_parameters();
        assert!(
            text.starts_with("a red cat\nNegative prompt: grey\n"),
            "{text}"
        );
    }

    #[test]
    fn a_model_without_a_prior_leaves_no_word_of_one() {
        let own = Recipe {
            n_prior_steps: None,
            prior_guidance_scale: None,
            ..recipe("a cat", 1, (64, 64))
        };
        let json = own.to_json();
        assert!(!json.contains("prior"), "{json}");
        assert!(!own.to_parameters().contains("Prior"));
        assert_eq!(Recipe::from_json(&json), Some(own));
    }
}
