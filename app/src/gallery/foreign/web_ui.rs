//! The `parameters` text that the AUTOMATIC1111 web interface writes, and Forge, Fooocus and many others
//! after it: the prompt, then `Negative prompt:`, then one line of named values.
//!
//! The format is known from the text itself; the names are those on the interface.

use serde_json::Value;

use super::fields::{
    count, field, is_none, json, model_name, size_in, small_number, some_field, whole_number,
    without_ending,
};
use super::{ForeignRecipe, LIMIT_FIELDS, Program, Texts, named};

const NEGATIVE: &str = "negative prompt:";
/// What extensions for dynamic prompts write below the values.
const TEMPLATES: [&str; 2] = ["Template:", "Negative Template:"];
/// Characters of a value's name.
const LIMIT_NAME_CHARS: usize = 60;

/// Names that a line of values may start with.
const STARTS: [&str; 12] = [
    "steps",
    "sampler",
    "cfg scale",
    "guidance scale",
    "seed",
    "size",
    "model",
    "model hash",
    "schedule type",
    "scheduler",
    "denoising strength",
    "version",
];
/// Those that say a number.
const NUMBERS: [&str; 5] = ["steps", "cfg scale", "guidance scale", "seed", "size"];

/// Reads such a text. `None` where neither a negative prompt nor named values follow the prompt: then it
/// is any text.
pub fn read(text: &str) -> Option<ForeignRecipe> {
    let text = in_lines(text.trim());
    let lines: Vec<&str> = text.lines().collect();
    let values = values_line(&lines);
    let before = &lines[..values.unwrap_or(lines.len())];
    let negative = before.iter().rposition(|line| is_negative(line));
    if values.is_none() && negative.is_none() {
        return None;
    }
    let mut recipe = ForeignRecipe {
        prompt: field(&before[..negative.unwrap_or(before.len())].join("\n")),
        ..ForeignRecipe::default()
    };
    if let Some(negative) = negative {
        let text = before[negative..].join("\n");
        recipe.negative_prompt = some_field(&text.trim_start()[NEGATIVE.len()..]);
    }
    if let Some(at) = values {
        read_values(&mut recipe, &lines[at..]);
    }
    prompt_loras(&mut recipe);
    Some(recipe)
}

/// Draw Things describes a picture in the same way, with a sign before what is not wanted, and once more as JSON.
pub fn draw_things(texts: &Texts) -> Option<ForeignRecipe> {
    let tool = texts.get("xmp:CreatorTool")?;
    if !tool.starts_with("Draw Things") {
        return None;
    }
    let comment = texts.get("xmp:UserComment").and_then(json);
    if let Some(recipe) = comment.and_then(|json| named::read_json(&json)) {
        return Some(recipe);
    }
    let lines: Vec<&str> = texts.get("xmp:description")?.lines().collect();
    let values = values_line(&lines)?;
    let negative = lines[..values]
        .iter()
        .rposition(|line| line.starts_with('-'));
    let prompt = &lines[..negative.unwrap_or(values)];
    let negative = negative.map(|at| lines[at..values].join("\n"));
    let mut recipe = ForeignRecipe {
        program: Program::DrawThings,
        prompt: field(&prompt.join("\n")),
        negative_prompt: negative.and_then(|text| some_field(&text[1..])),
        ..ForeignRecipe::default()
    };
    read_values(&mut recipe, &lines[values..]);
    Some(recipe)
}

/// Some programs write everything in one line.
fn in_lines(text: &str) -> String {
    let is_in_lines = text.contains('\n') || !text.contains("Steps: ");
    if is_in_lines {
        return text.to_owned();
    }
    let text = text.replace(" Negative prompt: ", "\nNegative prompt: ");
    match text.rsplit_once(" Steps: ") {
        Some((before, values)) if values.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{before}\nSteps: {values}")
        }
        _ => text,
    }
}

fn is_negative(line: &str) -> bool {
    let start = line.trim_start().get(..NEGATIVE.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(NEGATIVE))
}

fn is_template(line: &&str) -> bool {
    TEMPLATES
        .iter()
        .any(|name| line.trim_start().starts_with(name))
}

/// The last line of values before the templates: a prompt may quote one above, a template below.
fn values_line(lines: &[&str]) -> Option<usize> {
    let first = lines.iter().position(|line| is_values(line, false));
    let Some(first) = first else {
        let last = lines.iter().rposition(|line| !line.trim().is_empty())?;
        return is_values(lines[last], true).then_some(last);
    };
    let after = lines.iter().skip(first).position(is_template);
    let end = after.map_or(lines.len(), |after| first + after);
    lines[..end].iter().rposition(|line| is_values(line, false))
}

/// Whether a line has two of the values that every recipe has; a line that `may_be_short` has one.
fn is_values(line: &str, may_be_short: bool) -> bool {
    let pairs = pairs(line);
    let known = |(name, _): &&(String, String)| STARTS.contains(&name.to_lowercase().as_str());
    let says_number = |(name, value): &(String, String)| {
        let starts = value.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        NUMBERS.contains(&name.to_lowercase().as_str()) && starts
    };
    let n_known = pairs.iter().filter(known).count();
    let starts = pairs.first().is_some_and(|first| known(&first));
    starts && (n_known > 1 || may_be_short) && pairs.iter().any(says_number)
}

/// The line of values, and what extensions wrote below it.
fn read_values(recipe: &mut ForeignRecipe, lines: &[&str]) {
    let end = lines.iter().position(is_template).unwrap_or(lines.len());
    let (values, templates) = lines.split_at(end);
    for (name, value) in values.iter().flat_map(|line| pairs(line)) {
        take(recipe, &name, &value);
    }
    let mut from = 0;
    while from < templates.len() {
        let n_more = templates[from + 1..].iter().position(is_template);
        let to = n_more.map_or(templates.len(), |n| from + 1 + n);
        if let Some((name, text)) = templates[from..to].join("\n").split_once(':') {
            recipe.note(name, text);
        }
        from = to;
    }
    settle_program(recipe);
}

/// `name: value` between commas. A value with a comma in it is quoted as JSON, or is JSON.
fn pairs(line: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = line.trim();
    while let Some((name, after)) = rest.split_once(':')
        && pairs.len() < LIMIT_FIELDS
    {
        // Crumbs without a name before it are left out.
        let name = name.rsplit(',').next().unwrap_or(name).trim();
        let after = after.trim_start();
        let (value, after) = match after.chars().next() {
            Some('"' | '{' | '[') => json_value(after).unwrap_or_else(|| plain_value(after)),
            _ => plain_value(after),
        };
        pairs.push((name.to_owned(), value));
        rest = after.trim_start_matches([',', ' ']);
    }
    pairs
}

/// Up to a comma that another name follows.
fn plain_value(text: &str) -> (String, &str) {
    let is_end = |(at, _): &(usize, &str)| starts_with_name(&text[at + 1..]);
    match text.match_indices(',').find(is_end) {
        Some((at, _)) => (text[..at].trim().to_owned(), &text[at..]),
        None => (text.trim_end_matches([',', ' ']).to_owned(), ""),
    }
}

fn starts_with_name(text: &str) -> bool {
    let mut name = text.trim_start().chars().take(LIMIT_NAME_CHARS);
    let starts = name.next().is_some_and(char::is_alphanumeric);
    let end = name.find(|c| !(c.is_alphanumeric() || " -_/+.()#".contains(*c)));
    starts && end == Some(':')
}

/// A string or another value of JSON at the start of a text, and what comes after it.
fn json_value(text: &str) -> Option<(String, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let end = values.byte_offset();
    let value = match value {
        Value::String(value) => value,
        _ => text[..end].to_owned(),
    };
    Some((value, &text[end..]))
}

/// The first of each name holds.
fn take(recipe: &mut ForeignRecipe, name: &str, text: &str) {
    fn fill<T>(place: &mut Option<T>, value: Option<T>) {
        *place = place.take().or(value);
    }
    // A number ends at a comma, whatever follows.
    let value = Value::from(text.split(',').next().unwrap_or(text).trim());
    match name.to_lowercase().as_str() {
        "steps" => fill(&mut recipe.n_steps, count(&value)),
        "sampler" => fill(&mut recipe.sampler, some_field(text)),
        "schedule type" | "scheduler" => fill(&mut recipe.scheduler, some_field(text)),
        "cfg scale" | "guidance scale" => fill(&mut recipe.guidance_scale, small_number(&value)),
        "seed" => fill(&mut recipe.seed, whole_number(&value)),
        "size" => fill(&mut recipe.size, size_in(text)),
        "model" => {
            if name == "model" {
                recipe.program = Program::AiHorde;
            }
            let name = without_ending(text);
            let name = if name == text {
                some_field(name)
            } else {
                model_name(name)
            };
            fill(&mut recipe.model, name);
        }
        "model hash" => fill(&mut recipe.model_hash, some_field(text)),
        "denoising strength" | "strength" => {
            let strength = small_number(&value).filter(|strength| *strength < 1.0);
            fill(&mut recipe.strength, strength);
        }
        // Fooocus: what was typed, where the prompt is what was made of it.
        "raw prompt" => {
            let made = std::mem::replace(&mut recipe.prompt, field(text));
            recipe.note("Full prompt", &made);
        }
        "raw negative prompt" => {
            let made = std::mem::replace(&mut recipe.negative_prompt, some_field(text));
            recipe.note("Full negative prompt", &made.unwrap_or_default());
        }
        "lora weights" => weighted_loras(recipe, text),
        "civitai resources" => civitai_resources(recipe, text),
        _ => recipe.note(name, text),
    }
}

/// Who wrote it, where it says so; and what only that program means.
fn settle_program(recipe: &mut ForeignRecipe) {
    let version = recipe.other.iter().find(|(name, _)| name == "Version");
    let version = version
        .map(|(_, version)| version.as_str())
        .unwrap_or_default();
    if version.starts_with("Fooocus") {
        recipe.program = Program::Fooocus;
    } else if version.starts_with("ComfyUI") {
        recipe.program = Program::ComfyUi;
    }
    // AI Horde takes both prompts in one text.
    if recipe.program == Program::AiHorde
        && recipe.negative_prompt.is_none()
        && let Some((prompt, negative)) = recipe.prompt.split_once("###")
    {
        recipe.negative_prompt = some_field(negative);
        recipe.prompt = field(prompt);
    }
}

/// `<lora:name:weight>` within the prompt, where this family of programs names them.
fn prompt_loras(recipe: &mut ForeignRecipe) {
    let prompt = recipe.prompt.clone();
    let parts = prompt.split('<').skip(1);
    for inside in parts.filter_map(|part| part.split_once('>')) {
        let mut words = inside.0.split(':');
        let (Some("lora" | "lyco"), Some(name)) = (words.next(), words.next()) else {
            continue;
        };
        let weight = words.next();
        // The weight may say which network it is for.
        let weight = weight.map(|weight| weight.rsplit('=').next().unwrap_or(weight));
        let weight = weight.and_then(|weight| weight.trim().parse().ok());
        recipe.add_lora(name, weight.unwrap_or(1.0));
    }
}

/// Fooocus: `name: weight, name: weight`.
fn weighted_loras(recipe: &mut ForeignRecipe, text: &str) {
    for (name, weight) in pairs(text) {
        if let Ok(weight) = weight.parse()
            && !is_none(&name)
        {
            recipe.add_lora(without_ending(&name), weight);
        }
    }
}

/// Civitai lists what it used as JSON, by the names on its pages.
fn civitai_resources(recipe: &mut ForeignRecipe, text: &str) {
    recipe.note("Civitai resources", text);
    let list: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    for item in &list {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let name = text("modelName").unwrap_or_default();
        match text("type") {
            Some("checkpoint") if recipe.model.is_none() => recipe.model = some_field(name),
            Some("lora" | "lycoris") => {
                let weight = item.get("weight").and_then(small_number);
                recipe.add_lora(name, weight.unwrap_or(1.0));
            }
            _ => {}
        }
    }
}
