//! How other programs say that a picture was made: read from PNG texts and EXIF, never written.
//!
//! - `web_ui`: the `parameters` text of AUTOMATIC1111, Forge and their kin, and `SwarmUI`'s in the same place;
//! - `comfy`: `ComfyUI`'s graph of nodes;
//! - `invoke`: `InvokeAI`'s JSON, old and new;
//! - `exif`: where JPEG and WebP files keep such texts.
//!
//! All of it comes from strangers. It stays data: texts have limits, graphs are walked with a limit, what
//! cannot be read is left out and the text itself is shown.

mod comfy;
mod exif;
mod invoke;
#[cfg(test)]
mod tests;
mod web_ui;

use limn_engine::protocol::Sampling;
use limn_engine::samplers::Sampler;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longer texts are not read.
pub const LIMIT_TEXT_BYTES: usize = 1 << 20;
/// Bytes of the text that the index keeps; the whole stays in the file.
const LIMIT_KEPT_BYTES: usize = 64 << 10;
/// Characters of any one field, and fields of any one list.
const LIMIT_FIELD_CHARS: usize = 20_000;
const LIMIT_FIELDS: usize = 100;

/// The keywords under which PNG files carry such texts, the best first: `ComfyUI` writes its own beside a
/// `parameters` text that an extension made, which says more.
pub const KEYWORDS: [&str; 5] = [
    "parameters",
    "invokeai_metadata",
    "sd-metadata",
    "prompt",
    "workflow",
];

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
}

impl Program {
    pub fn label(self) -> &'static str {
        match self {
            Self::WebUi => "Stable Diffusion web UI",
            Self::ComfyUi => "ComfyUI",
            Self::InvokeAi => "InvokeAI",
            Self::SwarmUi => "SwarmUI",
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
        Sampling {
            sampler: self.sampler(),
            n_steps: self.n_steps.filter(|n| *n > 0),
            guidance_scale: self.guidance_scale,
            ..Sampling::default()
        }
    }

    /// Limn's sampler of that name, if it has one.
    pub fn sampler(&self) -> Option<Sampler> {
        let letters = |text: &str| -> String {
            let letters = text.to_lowercase().replace("++", "pp");
            letters.chars().filter(|c| c.is_alphanumeric()).collect()
        };
        let scheduler = letters(self.scheduler.as_deref().unwrap_or_default());
        let name = letters(self.sampler.as_deref()?);
        let is_karras = scheduler == "karras" || name.ends_with("karras") || name.ends_with("2mk");
        match name.trim_end_matches("karras") {
            "ddpm" => Some(Sampler::Ddpm),
            "ddim" => Some(Sampler::Ddim),
            "euler" => Some(Sampler::Euler),
            "eulera" | "eulerancestral" => Some(Sampler::EulerAncestral),
            "dpmpp2m" | "dpmpp2mk" if is_karras => Some(Sampler::Dpmpp2mKarras),
            "dpmpp2m" => Some(Sampler::Dpmpp2m),
            _ => None,
        }
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

/// Reads what stands under one of [`KEYWORDS`].
pub fn from_text(keyword: &str, text: &str) -> Found {
    let text = text.trim_matches(['\0', '\u{feff}']);
    let recipe = match keyword {
        _ if text.len() > LIMIT_TEXT_BYTES => None,
        "prompt" | "workflow" => json(text).and_then(|json| comfy::read(&json)),
        _ => from_any_text(text),
    };
    Found {
        recipe: recipe.filter(ForeignRecipe::says_something),
        text: kept(text),
    }
}

/// Reads the texts in a block of EXIF, as JPEG and WebP files have it.
pub fn from_exif(block: &[u8]) -> Option<Found> {
    let texts = exif::texts(block);
    let found = texts.iter().map(|text| {
        // ComfyUI puts its two graphs into tags for a camera's name, each after its keyword.
        let keyword = ["prompt", "workflow"].into_iter().find(|keyword| {
            text.get(..keyword.len() + 1)
                .is_some_and(|start| start.eq_ignore_ascii_case(&format!("{keyword}:")))
        });
        match keyword {
            Some(keyword) => from_text(keyword, &text[keyword.len() + 1..]),
            None => from_text("parameters", text),
        }
    });
    // A camera's own words are no recipe.
    found.into_iter().find(|found| found.recipe.is_some())
}

fn from_any_text(text: &str) -> Option<ForeignRecipe> {
    match json(text) {
        Some(json) => invoke::read(&json)
            .or_else(|| web_ui::read_json(&json))
            .or_else(|| comfy::read(&json)),
        None => web_ui::read(text),
    }
}

/// JSON as Python writes it: with `NaN` and `Infinity`, which JSON does not know.
fn json(text: &str) -> Option<Value> {
    let text = text.trim();
    if !text.starts_with('{') || text.len() > LIMIT_TEXT_BYTES {
        return None;
    }
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&without_nan(text)))
        .ok()
}

/// The same JSON with null for every number that is none.
fn without_nan(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut is_quoted = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = ["NaN", "-Infinity", "Infinity"]
            .into_iter()
            .find(|word| !is_quoted && rest.starts_with(word));
        if let Some(word) = word {
            clean.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        let mut n_bytes = c.len_utf8();
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => n_bytes += rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => {}
        }
        clean.push_str(&rest[..n_bytes]);
        rest = &rest[n_bytes..];
    }
    clean
}

/// A field's text within its limit.
fn field(text: &str) -> String {
    text.trim().chars().take(LIMIT_FIELD_CHARS).collect()
}

/// A field that says something.
fn some_field(text: &str) -> Option<String> {
    Some(field(text)).filter(|text| !text.is_empty())
}

/// A number that may be written as one or as a text.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    number.is_finite().then_some(number)
}

fn small_number(value: &Value) -> Option<f32> {
    number(value).map(|number| number as f32)
}

/// A whole number, exact to 64 bits, as seeds are.
fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64().or_else(|| {
            number(value)
                .filter(|n| *n >= 0.0 && n.fract() == 0.0)
                .map(|n| n as u64)
        }),
    }
}

fn count(value: &Value) -> Option<u32> {
    whole_number(value).and_then(|n| n.try_into().ok())
}

fn size(width: &Value, height: &Value) -> Option<(u32, u32)> {
    Some((count(width)?, count(height)?)).filter(|(width, height)| *width > 0 && *height > 0)
}

/// The file's name without its folder and ending, as models are called by it.
fn model_name(path: &str) -> Option<String> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let endings = [".safetensors", ".ckpt", ".sft", ".gguf", ".pt"];
    let mut stems = endings
        .iter()
        .filter_map(|ending| name.strip_suffix(ending));
    some_field(stems.next().unwrap_or(name))
}

fn kept(text: &str) -> String {
    let mut end = text.len().min(LIMIT_KEPT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
