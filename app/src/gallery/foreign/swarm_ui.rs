//! `SwarmUI` puts JSON where the web UIs put text.

use serde_json::{Map, Value};

use super::fields::{count, field, model_name, size, small_number, some_field, whole_number};
use super::{ForeignRecipe, Program};

pub fn read(json: &Value) -> Option<ForeignRecipe> {
    let values = json.get("sui_image_params")?.as_object()?;
    let mut recipe = ForeignRecipe {
        program: Program::SwarmUi,
        ..ForeignRecipe::default()
    };
    let (mut width, mut height) = (&Value::Null, &Value::Null);
    for (name, value) in values {
        let text = value.as_str().unwrap_or_default();
        match name.as_str() {
            "prompt" => recipe.prompt = field(text),
            "negativeprompt" => recipe.negative_prompt = some_field(text),
            "model" => recipe.model = model_name(text),
            "seed" => recipe.seed = whole_number(value),
            "steps" => recipe.n_steps = count(value),
            "cfgscale" => recipe.guidance_scale = small_number(value),
            // Older versions name the program behind it.
            "sampler" | "comfyuisampler" | "autowebuisampler" => recipe.sampler = some_field(text),
            "scheduler" | "comfyuischeduler" => recipe.scheduler = some_field(text),
            "width" => width = value,
            "height" => height = value,
            "initimagecreativity" if values.contains_key("initimage") => {
                recipe.strength = small_number(value);
            }
            "loras" => add_loras(&mut recipe, values),
            "loraweights" => {}
            _ if value.is_object() || value.is_array() => {}
            _ if value.is_string() => recipe.note(name, text),
            _ => recipe.note(name, &value.to_string()),
        }
    }
    recipe.size = size(width, height);
    recipe.model_hash = hash(json);
    Some(recipe)
}

/// Names and weights in two lists, or in older versions two texts with commas.
fn add_loras(recipe: &mut ForeignRecipe, values: &Map<String, Value>) {
    let list = |name: &str| -> Vec<Value> {
        match values.get(name) {
            Some(Value::Array(items)) => items.clone(),
            Some(Value::String(text)) => text.split(',').map(|item| item.trim().into()).collect(),
            Some(Value::Number(number)) => vec![number.clone().into()],
            _ => Vec::new(),
        }
    };
    let weights = list("loraweights");
    for (i, name) in list("loras").iter().enumerate() {
        let weight = weights.get(i).and_then(small_number).unwrap_or(1.0);
        if let Some(name) = name.as_str().and_then(model_name) {
            recipe.add_lora(&name, weight);
        }
    }
}

fn hash(json: &Value) -> Option<String> {
    let mut models = json.get("sui_models")?.as_array()?.iter();
    let model = models.find(|model| model.get("param").and_then(Value::as_str) == Some("model"))?;
    some_field(model.get("hash")?.as_str()?)
}
