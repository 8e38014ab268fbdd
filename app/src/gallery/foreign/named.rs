//! Recipes whose values stand under plain names: in one JSON, or each in a text of its own.
//!
//! Programs differ in how they spell the names, not in what they mean: case, spaces and signs are left out of the
//! comparison.

use serde_json::{Map, Value};

use super::fields::{
    count, field, is_none, model_name, size, size_in, small_number, some_field, whole_number,
};
use super::{ForeignRecipe, Lora, Program, Texts};

/// Reads a JSON of such values. `None` if it names no prompt, or nothing beside it.
pub fn read_json(json: &Value) -> Option<ForeignRecipe> {
    let values = json.as_object()?;
    let has = |names: &[&str]| {
        let mut keys = values.keys();
        keys.any(|key| names.contains(&plain(key).as_str()))
    };
    let has_prompt = has(&["prompt", "c", "positiveprompt", "positive"]);
    let is_sampled = has(&[
        "steps",
        "numinferencesteps",
        "seed",
        "sampler",
        "samplername",
    ]);
    if !has_prompt || !is_sampled {
        return None;
    }
    let program = if has(&["c"]) && has(&["uc"]) {
        Program::DrawThings
    } else if has(&["uc"]) || has(&["v4prompt"]) {
        Program::NovelAi
    } else if has(&["usestablediffusionmodel", "stablediffusionmodel"]) {
        Program::EasyDiffusion
    } else if has(&["metadatascheme"]) || has(&["basemodel"]) && has(&["performance", "styles"]) {
        Program::Fooocus
    } else {
        Program::Unknown
    };
    Some(read(values, program))
}

/// Easy Diffusion gives each value a text of its own, under its name in the program or under that on its page.
pub fn easy_diffusion(texts: &Texts) -> Option<ForeignRecipe> {
    let has = |name: &str| texts.get(name).is_some();
    if !has("use_stable_diffusion_model") && !has("Stable Diffusion model") {
        return None;
    }
    let values = texts.iter();
    let values = values.map(|(name, text)| (name.to_owned(), Value::from(text)));
    Some(read(&values.collect(), Program::EasyDiffusion))
}

/// A name without case, spaces and signs.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Reads all values that have a place; the others are noted.
pub fn read(values: &Map<String, Value>, program: Program) -> ForeignRecipe {
    let mut recipe = ForeignRecipe {
        program,
        ..ForeignRecipe::default()
    };
    let (mut width, mut height) = (&Value::Null, &Value::Null);
    let mut lora_names = None;
    let mut lora_weights = None;
    for (name, value) in values {
        let text = value.as_str().unwrap_or_default();
        let text = if is_none(text) { "" } else { text };
        let plain = plain(name);
        match plain.as_str() {
            "width" | "imagewidth" => width = value,
            "height" | "imageheight" => height = value,
            "loras" | "lora" | "uselora" | "useloramodel" | "loramodel" | "lorapaths" => {
                lora_names = Some(value);
            }
            "loraweights" | "loraalpha" | "lorastrength" | "lorascales" => {
                lora_weights = Some(value);
            }
            _ if take(&mut recipe, &plain, value, text) => {}
            _ if !text.is_empty() => recipe.note(name, text),
            _ if value.is_number() || value.is_boolean() => recipe.note(name, &value.to_string()),
            _ => {}
        }
    }
    recipe.size = recipe.size.or_else(|| size(width, height));
    let listed = lora_names.map(|names| loras(names, lora_weights));
    for Lora { name, weight } in listed.unwrap_or_default() {
        recipe.add_lora(&name, weight);
    }
    add_numbered_loras(&mut recipe, values);
    recipe
}

/// Takes a value that has a place of its own.
fn take(recipe: &mut ForeignRecipe, name: &str, value: &Value, text: &str) -> bool {
    match name {
        "prompt" | "c" | "positiveprompt" | "positive" => recipe.prompt = field(text),
        "negativeprompt" | "uc" | "negative" => recipe.negative_prompt = some_field(text),
        "seed" | "noiseseed" => recipe.seed = whole_number(value),
        "steps" | "numinferencesteps" | "numsteps" => recipe.n_steps = count(value),
        "cfgscale" | "guidancescale" | "scale" | "cfg" | "guidance" => {
            recipe.guidance_scale = recipe.guidance_scale.or_else(|| small_number(value));
        }
        "sampler" | "samplername" => recipe.sampler = some_field(text),
        "scheduler" | "schedulername" | "scheduletype" | "noiseschedule" => {
            recipe.scheduler = some_field(text);
        }
        "size" | "resolution" => recipe.size = size_in(text),
        "model"
        | "modelname"
        | "basemodel"
        | "basemodelname"
        | "usestablediffusionmodel"
        | "stablediffusionmodel" => {
            let name = if text.is_empty() {
                name_in(value)
            } else {
                text
            };
            recipe.model = model_name(name);
        }
        "modelhash" | "basemodelhash" => recipe.model_hash = some_field(text),
        // Of NovelAI's, every picture has one; its own reader knows when it counts.
        "strength" | "promptstrength" | "denoisingstrength" | "imagestrength"
            if recipe.program != Program::NovelAi =>
        {
            recipe.strength = small_number(value).filter(|strength| *strength < 1.0);
        }
        // Numbered ones are read together.
        name => return is_numbered_lora(name),
    }
    true
}

/// The name in a model that is described by an object.
fn name_in(model: &Value) -> &str {
    let keys = [
        "name",
        "model_name",
        "modelFileName",
        "file",
        "model",
        "label",
    ];
    let mut names = keys.iter().filter_map(|key| model.get(key)?.as_str());
    names.next().unwrap_or_default()
}

/// A list of names or of pairs, or names in one text; the weights may stand apart in the same way.
fn loras(names: &Value, weights: Option<&Value>) -> Vec<Lora> {
    let weights: Vec<Value> = weights.map(items).unwrap_or_default();
    let mut loras = Vec::new();
    for (i, item) in items(names).iter().enumerate() {
        let (name, weight) = match item {
            Value::String(name) => (name.as_str(), None),
            Value::Array(pair) => {
                let name = pair.first().and_then(Value::as_str);
                (name.unwrap_or_default(), pair.get(1))
            }
            item => {
                let keys = ["weight", "strength", "strength_model"];
                let weight = keys.iter().find_map(|key| item.get(key));
                (name_in(item), weight)
            }
        };
        if is_none(name) {
            continue;
        }
        let weight = weight.or(weights.get(i)).and_then(small_number);
        loras.extend(model_name(name).map(|name| Lora {
            name,
            weight: weight.unwrap_or(1.0),
        }));
    }
    loras
}

/// The items of a list, which may have been written as a text: `a, b` or Python's `['a', 'b']`.
fn items(list: &Value) -> Vec<Value> {
    match list {
        Value::Array(items) => items.clone(),
        Value::String(text) => {
            let text = text.trim().trim_start_matches('[').trim_end_matches(']');
            let items = text
                .split(',')
                .map(|item| item.trim().trim_matches(['\'', '"']));
            items.map(Value::from).collect()
        }
        Value::Null => Vec::new(),
        other => vec![other.clone()],
    }
}

/// `LoRA 1`, `lora_combined_1` and so on.
fn is_numbered_lora(plain: &str) -> bool {
    let number = plain
        .strip_prefix("loracombined")
        .or(plain.strip_prefix("lora"));
    number.is_some_and(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
}

/// Fooocus's: `name : weight`, in newer versions after whether it is in use.
fn add_numbered_loras(recipe: &mut ForeignRecipe, values: &Map<String, Value>) {
    let values = values
        .iter()
        .filter(|(name, _)| is_numbered_lora(&plain(name)));
    for text in values.filter_map(|(_, value)| value.as_str()) {
        let parts: Vec<&str> = text.split(" : ").collect();
        let (["True", name, weight] | [name, weight]) = parts[..] else {
            continue;
        };
        let lora = model_name(name).zip(weight.trim().parse().ok());
        if let Some((name, weight)) = lora.filter(|_| !is_none(name))
            && !recipe.loras.iter().any(|lora| lora.name == name)
        {
            recipe.add_lora(&name, weight);
        }
    }
}
