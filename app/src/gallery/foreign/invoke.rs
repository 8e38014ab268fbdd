//! `InvokeAI`'s JSON: `invokeai_metadata` since version 3, `sd-metadata` before it, and the command line that it was
//! built around, `Dream`.

use serde_json::{Map, Value};

use super::fields::{count, field, model_name, size, small_number, some_field, whole_number};
use super::{ForeignRecipe, Program};

pub fn read(json: &Value) -> Option<ForeignRecipe> {
    let values = json.as_object()?;
    if values.contains_key("positive_prompt") || values.contains_key("generation_mode") {
        Some(read_new(values))
    } else if values.contains_key("image") && values.contains_key("app_id") {
        read_old(values)
    } else {
        None
    }
}

fn empty() -> ForeignRecipe {
    ForeignRecipe {
        program: Program::InvokeAi,
        ..ForeignRecipe::default()
    }
}

fn read_new(values: &Map<String, Value>) -> ForeignRecipe {
    let mut recipe = empty();
    for (name, value) in values {
        let text = value.as_str().unwrap_or_default();
        match name.as_str() {
            "positive_prompt" => recipe.prompt = field(text),
            "negative_prompt" => recipe.negative_prompt = some_field(text),
            "seed" => recipe.seed = whole_number(value),
            "steps" => recipe.n_steps = count(value),
            // Models that take their guidance as an input have it under the other name.
            "cfg_scale" | "guidance" => {
                recipe.guidance_scale = recipe.guidance_scale.or_else(|| small_number(value));
            }
            "scheduler" => read_scheduler(&mut recipe, text),
            "strength" => recipe.strength = small_number(value),
            "model" => {
                recipe.model = name_of(value);
                let hash = value.get("hash").and_then(Value::as_str);
                recipe.model_hash = hash.and_then(some_field);
            }
            "loras" => read_loras(&mut recipe, value),
            "width" | "height" => {}
            _ if value.is_object() || value.is_array() || value.is_null() => {}
            _ if value.is_string() => recipe.note(name, text),
            _ => recipe.note(name, &value.to_string()),
        }
    }
    let side = |name| values.get(name).unwrap_or(&Value::Null);
    recipe.size = size(side("width"), side("height"));
    recipe
}

/// One name for sampler and spacing: `dpmpp_2m_k` is the one with Karras's.
fn read_scheduler(recipe: &mut ForeignRecipe, name: &str) {
    let plain = name.strip_suffix("_k");
    recipe.scheduler = plain.map(|_| "karras".to_owned());
    recipe.sampler = some_field(plain.unwrap_or(name));
}

/// A model's name under any version's key.
fn name_of(model: &Value) -> Option<String> {
    let keys = ["name", "model_name"];
    let name = keys.iter().find_map(|key| model.get(key)?.as_str());
    name.or_else(|| model.as_str()).and_then(model_name)
}

fn read_loras(recipe: &mut ForeignRecipe, loras: &Value) {
    for lora in loras.as_array().into_iter().flatten() {
        let model = lora.get("model").or_else(|| lora.get("lora"));
        let weight = lora.get("weight").and_then(small_number).unwrap_or(1.0);
        if let Some(name) = model.and_then(name_of) {
            recipe.add_lora(&name, weight);
        }
    }
}

fn read_old(values: &Map<String, Value>) -> Option<ForeignRecipe> {
    let image = values.get("image")?.as_object()?;
    let mut recipe = empty();
    let prompt = match image.get("prompt")? {
        Value::String(text) => text.clone(),
        parts => {
            let parts = parts.as_array()?.iter();
            let texts: Vec<&str> = parts
                .filter_map(|part| part.get("prompt")?.as_str())
                .collect();
            texts.join(" ")
        }
    };
    read_prompt(&mut recipe, &prompt);
    let get = |name| image.get(name).unwrap_or(&Value::Null);
    recipe.seed = whole_number(get("seed"));
    recipe.n_steps = count(get("steps"));
    recipe.guidance_scale = small_number(get("cfg_scale"));
    recipe.strength = small_number(get("strength"));
    recipe.size = size(get("width"), get("height"));
    read_scheduler(&mut recipe, get("sampler").as_str().unwrap_or_default());
    recipe.model = values.get("model_weights").and_then(name_of);
    let hash = values.get("model_hash").and_then(Value::as_str);
    recipe.model_hash = hash.and_then(some_field);
    Some(recipe)
}

/// What is not wanted stands in square brackets anywhere within the prompt. A bracket after a backslash is one, and
/// so is one that is never closed.
fn read_prompt(recipe: &mut ForeignRecipe, prompt: &str) {
    let mut wanted = String::new();
    let mut unwanted: Vec<&str> = Vec::new();
    let mut rest = prompt;
    while let Some(at) = rest.find('[') {
        if rest[..at].ends_with('\\') {
            wanted.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        }
        let Some(end) = rest[at..].find(']').map(|end| at + end) else {
            break;
        };
        wanted.push_str(&rest[..at]);
        unwanted.push(rest[at + 1..end].trim());
        rest = &rest[end + 1..];
        // The words around it stay one space apart.
        if wanted.ends_with(' ') {
            rest = rest.strip_prefix(' ').unwrap_or(rest);
        }
    }
    wanted.push_str(rest);
    recipe.prompt = field(&wanted);
    unwanted.retain(|text| !text.is_empty());
    recipe.negative_prompt = some_field(&unwanted.join(", "));
}

/// The command line: `"a prompt" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms`. `None` if it has no such options.
pub fn read_dream(text: &str) -> Option<ForeignRecipe> {
    let text = text.trim();
    let (prompt, options) = match text.strip_prefix('"') {
        // A prompt may have quotes in it: the last before an option ends it.
        Some(text) => text.rsplit_once("\" -")?,
        None => text
            .split_once(" -s")
            .map(|(prompt, _)| (prompt, &text[prompt.len() + 2..]))?,
    };
    let mut recipe = empty();
    read_prompt(&mut recipe, &prompt.replace("\\\"", "\""));
    let (mut width, mut height) = (Value::Null, Value::Null);
    for option in options.split(" -") {
        // The value may follow at once: `-s50`.
        let option = option.trim_start_matches('-');
        let at = option.find([' ', '=']).unwrap_or(1);
        let (Some(name), Some(value)) = (option.get(..at), option.get(at..)) else {
            continue;
        };
        let text = value.trim_start_matches([' ', '=']).trim();
        let value = Value::from(text);
        match name {
            "s" | "steps" => recipe.n_steps = count(&value),
            "S" | "seed" => recipe.seed = whole_number(&value),
            "W" | "width" => width = value,
            "H" | "height" => height = value,
            "C" | "cfg_scale" => recipe.guidance_scale = small_number(&value),
            "A" | "sampler" => read_scheduler(&mut recipe, text),
            "f" | "strength" => recipe.strength = small_number(&value),
            _ => recipe.note(name, text),
        }
    }
    recipe.size = size(&width, &height);
    (recipe.n_steps.is_some() || recipe.seed.is_some()).then_some(recipe)
}
