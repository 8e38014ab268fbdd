//! `InvokeAI`'s JSON: `invokeai_metadata` since version 3, `sd-metadata` before it.

use serde_json::{Map, Value};

use super::{ForeignRecipe, Program};
use super::{count, field, model_name, size, small_number, some_field, whole_number};

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
                recipe.model_hash = value
                    .get("hash")
                    .and_then(Value::as_str)
                    .and_then(some_field);
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
    // What is not wanted stood in square brackets within the prompt.
    let (wanted, unwanted) = match prompt.split_once('[') {
        Some((wanted, rest)) => (wanted, some_field(rest.trim_end().trim_end_matches(']'))),
        None => (prompt.as_str(), None),
    };
    recipe.prompt = field(wanted);
    recipe.negative_prompt = unwanted;
    let get = |name| image.get(name).unwrap_or(&Value::Null);
    recipe.seed = whole_number(get("seed"));
    recipe.n_steps = count(get("steps"));
    recipe.guidance_scale = small_number(get("cfg_scale"));
    recipe.strength = small_number(get("strength"));
    recipe.size = size(get("width"), get("height"));
    read_scheduler(&mut recipe, get("sampler").as_str().unwrap_or_default());
    recipe.model = values.get("model_weights").and_then(name_of);
    Some(recipe)
}
