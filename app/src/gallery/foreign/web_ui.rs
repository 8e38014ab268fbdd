//! The `parameters` text that the AUTOMATIC1111 web interface writes, and Forge, Fooocus and many others
//! after it: the prompt, then `Negative prompt:`, then one line of named values.
//!
//! The format is known from the text itself; the names are those on the interface.

use serde_json::Value;

use super::{ForeignRecipe, LIMIT_FIELDS, Program};
use super::{count, field, model_name, size, small_number, some_field, whole_number};

const NEGATIVE: &str = "Negative prompt:";

/// Reads such a text. `None` where neither a negative prompt nor named values follow the prompt: then it
/// is any text.
pub fn read(text: &str) -> Option<ForeignRecipe> {
    let lines: Vec<&str> = text.trim().lines().collect();
    let is_values = |line: &&str| line.trim_start().starts_with("Steps: ") && line.contains(", ");
    // Extensions may add lines below the values; a prompt may quote a line of values above.
    let values = lines.iter().rposition(is_values);
    let before = &lines[..values.unwrap_or(lines.len())];
    let negative = before
        .iter()
        .rposition(|line| line.trim_start().starts_with(NEGATIVE));
    if values.is_none() && negative.is_none() {
        return None;
    }
    let mut recipe = ForeignRecipe {
        prompt: field(&before[..negative.unwrap_or(before.len())].join("\n")),
        ..ForeignRecipe::default()
    };
    if let Some(negative) = negative {
        let text = before[negative..].join("\n");
        recipe.negative_prompt = some_field(text.trim_start().trim_start_matches(NEGATIVE));
    }
    for line in values.map(|at| &lines[at..]).unwrap_or_default() {
        for (name, value) in pairs(line) {
            take(&mut recipe, &name, &value);
        }
    }
    prompt_loras(&mut recipe);
    Some(recipe)
}

/// `name: value` between commas. A value with a comma in it is quoted as JSON.
fn pairs(line: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = line.trim();
    while let Some((name, after)) = rest.split_once(':')
        && pairs.len() < LIMIT_FIELDS
    {
        let after = after.trim_start();
        let quoted = after.starts_with('"').then(|| quoted(after)).flatten();
        let (value, after) = match quoted {
            Some(found) => found,
            None => match after.split_once(", ") {
                Some((value, after)) => (value.to_owned(), after),
                None => (after.to_owned(), ""),
            },
        };
        pairs.push((name.trim().to_owned(), value));
        rest = after.trim_start_matches([',', ' ']);
    }
    pairs
}

/// A JSON string at the start of a text, and what comes after it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next()?.ok()?;
    let end = values.byte_offset();
    Some((value, &text[end..]))
}

fn take(recipe: &mut ForeignRecipe, name: &str, text: &str) {
    let value = Value::from(text.trim());
    match name {
        "Steps" => recipe.n_steps = count(&value),
        "Sampler" => recipe.sampler = some_field(text),
        "Schedule type" => recipe.scheduler = some_field(text),
        "CFG scale" => recipe.guidance_scale = small_number(&value),
        "Seed" => recipe.seed = whole_number(&value),
        "Size" => {
            recipe.size = text
                .split_once('x')
                .and_then(|(width, height)| size(&width.into(), &height.into()));
        }
        "Model" => recipe.model = some_field(text),
        "Model hash" => recipe.model_hash = some_field(text),
        "Denoising strength" => recipe.strength = small_number(&value),
        _ => recipe.note(name, text),
    }
}

/// `<lora:name:weight>` within the prompt, where this family of programs names them.
fn prompt_loras(recipe: &mut ForeignRecipe) {
    let prompt = recipe.prompt.clone();
    for part in prompt.split("<lora:").skip(1) {
        let Some((inside, _)) = part.split_once('>') else {
            continue;
        };
        let mut words = inside.split(':');
        let name = words.next().unwrap_or_default();
        let weight = words.next().and_then(|weight| weight.parse().ok());
        recipe.add_lora(name, weight.unwrap_or(1.0));
    }
}

/// `SwarmUI` puts JSON where the others put text.
pub fn read_json(json: &Value) -> Option<ForeignRecipe> {
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
            "sampler" => recipe.sampler = some_field(text),
            "scheduler" => recipe.scheduler = some_field(text),
            "width" => width = value,
            "height" => height = value,
            _ if value.is_object() || value.is_array() => {}
            _ if value.is_string() => recipe.note(name, text),
            _ => recipe.note(name, &value.to_string()),
        }
    }
    recipe.size = size(width, height);
    Some(recipe)
}
