//! How other programs say that a picture was made: read from the texts in its file, never written.
//!
//! - `web_ui`: the `parameters` text of AUTOMATIC1111, Forge and their kin;
//! - `comfy`: `ComfyUI`'s graph of nodes;
//! - `invoke`: `InvokeAI`'s JSON, old and new, and its older command line;
//! - `named`: values under plain names, as Fooocus, Easy Diffusion, Draw Things and others have them;
//! - `novel_ai` and `swarm_ui`: what these two add to that.
//!
//! All of it comes from strangers. It stays data: texts have limits, graphs are walked with a limit, what
//! cannot be read is left out and the text itself is shown.

mod comfy;
mod fields;
mod invoke;
mod named;
mod novel_ai;
mod swarm_ui;
#[cfg(test)]
mod tests;
mod web_ui;

use limn_engine::protocol::Sampling;
use limn_engine::samplers::{Sampler, Spacing};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::picture_texts::{LIMIT_TEXT_BYTES, Texts};
use fields::{field, json, kept};

/// Bytes of the text that the index keeps; the whole stays in the file.
const LIMIT_KEPT_BYTES: usize = 64 << 10;
/// Characters of any one field, and fields of any one list.
const LIMIT_FIELD_CHARS: usize = 20_000;
const LIMIT_FIELDS: usize = 100;

/// What another program says, as far as it can be understood.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForeignRecipe {
    pub program: Program,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_hash: Option<String>,
    /// By the other program's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler: Option<String>,
    /// The spacing of the noise levels, such as `karras`, where it is named apart from the sampler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_steps: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance_scale: Option<f32>,
    /// Width and height in pixels, as they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<(u32, u32)>,
    /// How much of another picture was made anew, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<f32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<Lora>,
    /// Everything else that has a name, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<(String, String)>,
}

/// Who wrote it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// The AUTOMATIC1111 web interface, or one that writes as it does.
    #[default]
    WebUi,
    ComfyUi,
    InvokeAi,
    SwarmUi,
    NovelAi,
    Fooocus,
    EasyDiffusion,
    DrawThings,
    /// A program through which the volunteers' machines of AI Horde are used.
    AiHorde,
    /// It does not say who it is.
    Unknown,
}

impl Program {
    pub fn label(self) -> &'static str {
        match self {
            Self::WebUi => "Stable Diffusion web UI",
            Self::ComfyUi => "ComfyUI",
            Self::InvokeAi => "InvokeAI",
            Self::SwarmUi => "SwarmUI",
            Self::NovelAi => "NovelAI",
            Self::Fooocus => "Fooocus",
            Self::EasyDiffusion => "Easy Diffusion",
            Self::DrawThings => "Draw Things",
            Self::AiHorde => "AI Horde",
            Self::Unknown => "another program",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lora {
    pub name: String,
    pub weight: f32,
}

/// A foreign recipe and the text it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// `None` where the text says nothing that Limn understands.
    pub recipe: Option<ForeignRecipe>,
    /// At most 64 KiB of it.
    pub text: String,
}

impl ForeignRecipe {
    /// What the prompt bar can take over.
    pub fn sampling(&self) -> Sampling {
        let named = self.sampler_and_spacing();
        let is_clip_skip = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("clip skip");
        let clip_skip = self.other.iter().find(is_clip_skip);
        // Others count the last layer itself.
        let clip_skip = clip_skip.and_then(|(_, n)| n.trim().parse::<u32>().ok()?.checked_sub(1));
        Sampling {
            sampler: named.map(|(sampler, _)| sampler),
            spacing: named.and_then(|(_, spacing)| spacing),
            n_steps: self.n_steps.filter(|n| *n > 0),
            guidance_scale: self.guidance_scale,
            clip_skip: clip_skip.filter(|n| *n > 0),
            ..Sampling::default()
        }
    }

    /// Limn's sampler of that name, if it has one.
    pub fn sampler(&self) -> Option<Sampler> {
        Some(self.sampler_and_spacing()?.0)
    }

    fn sampler_and_spacing(&self) -> Option<(Sampler, Option<Spacing>)> {
        Sampler::from_foreign(self.sampler.as_deref()?, self.scheduler.as_deref())
    }

    fn says_something(&self) -> bool {
        let nothing = Self {
            program: self.program,
            ..Self::default()
        };
        *self != nothing
    }

    /// Notes a field that has no place of its own.
    fn note(&mut self, name: &str, value: &str) {
        if self.other.len() < LIMIT_FIELDS {
            self.other.push((field(name), field(value)));
        }
    }

    fn add_lora(&mut self, name: &str, weight: f32) {
        if self.loras.len() < LIMIT_FIELDS && !name.is_empty() && weight.is_finite() {
            let name = field(name);
            self.loras.push(Lora { name, weight });
        }
    }
}

/// Texts that programs write, the ones that say most first: `ComfyUI` writes its own beside a `parameters` text that an
/// extension made.
const KEYWORDS: [&str; 7] = [
    "parameters",
    "invokeai_metadata",
    "sd-metadata",
    "Dream",
    "Comment",
    "prompt",
    "workflow",
];
/// How often a text may lie in another.
const LIMIT_NESTED: u8 = 2;

/// Reads the texts of a file. `None` if none of them speaks of a recipe.
pub fn from_texts(texts: &Texts) -> Option<Found> {
    from_texts_within(texts, LIMIT_NESTED).or_else(|| {
        // Not understood, but meant as one.
        let keywords = KEYWORDS.iter().filter(|keyword| **keyword != "Comment");
        let mut texts = keywords.filter_map(|keyword| texts.get(keyword));
        let text = kept(texts.find(|text| !fields::is_none(text))?);
        Some(Found { recipe: None, text })
    })
}

/// Reads one text, as it stands under any keyword.
pub fn from_text(text: &str) -> Found {
    from_text_within(text, LIMIT_NESTED)
}

fn from_texts_within(texts: &Texts, depth: u8) -> Option<Found> {
    let with_recipe = |(_, text): (&str, &str)| {
        Some(from_text_within(text, depth)).filter(|found| found.recipe.is_some())
    };
    // All texts under a keyword: the first may be a stranger's or empty.
    let under = |keyword: &str| {
        let mut texts = texts.iter().filter(|(name, _)| *name == keyword);
        texts.find_map(with_recipe)
    };
    // Some use names of their own, or a camera's tags.
    let mut others = texts.iter().filter(|(name, _)| !KEYWORDS.contains(name));
    let [first, rest @ ..] = KEYWORDS;
    under(first)
        .or_else(|| from_several(texts))
        .or_else(|| rest.into_iter().find_map(under))
        .or_else(|| others.find_map(with_recipe))
}

fn from_text_within(text: &str, depth: u8) -> Found {
    let text = text.trim_matches(['\0', '\u{feff}']);
    let recipe = match json(text) {
        _ if text.len() > LIMIT_TEXT_BYTES => None,
        Some(json) => from_json(&json, depth),
        None => web_ui::read(text).or_else(|| invoke::read_dream(text)),
    };
    Found {
        recipe: recipe.filter(ForeignRecipe::says_something),
        text: kept(text),
    }
}

fn from_json(json: &Value, depth: u8) -> Option<ForeignRecipe> {
    invoke::read(json)
        .or_else(|| swarm_ui::read(json))
        .or_else(|| comfy::read(json))
        .or_else(|| from_texts_in(json, depth.checked_sub(1)?))
        .or_else(|| named::read_json(json))
}

/// The texts of a file as one JSON, as they are put into EXIF or hidden in pixels.
fn from_texts_in(json: &Value, depth: u8) -> Option<ForeignRecipe> {
    let values = json.as_object()?;
    let of_files = ["Comment", "parameters", "workflow", "Software"];
    if !of_files.iter().any(|name| values.contains_key(*name)) {
        return None;
    }
    let mut texts = Texts::default();
    for (name, value) in values {
        match value {
            Value::String(text) => texts.add(name, text),
            Value::Object(_) => texts.add(name, &value.to_string()),
            _ => {}
        }
    }
    from_texts_within(&texts, depth)?.recipe
}

/// Recipes that lie in several texts of one file.
fn from_several(texts: &Texts) -> Option<Found> {
    let recipe = named::easy_diffusion(texts)
        .or_else(|| novel_ai::read(texts))
        .or_else(|| web_ui::draw_things(texts))?;
    let lines = texts.iter();
    let lines = lines.map(|(keyword, text)| format!("{keyword}: {text}"));
    let text = kept(&lines.collect::<Vec<_>>().join("\n"));
    let recipe = Some(recipe).filter(ForeignRecipe::says_something);
    recipe.map(|recipe| Found {
        recipe: Some(recipe),
        text,
    })
}
