//! `NovelAI`'s texts: the prompt under `Description`, all else as JSON under `Comment`.

use serde_json::Value;

use super::fields::{field, json, small_number, some_field};
use super::{ForeignRecipe, Program, Texts, named};

pub fn read(texts: &Texts) -> Option<ForeignRecipe> {
    let comment = json(texts.get("Comment")?)?;
    let is_named = texts
        .get("Software")
        .is_some_and(|name| name.trim() == "NovelAI");
    let values = comment.as_object()?;
    if !is_named && !values.contains_key("uc") {
        return None;
    }
    let mut recipe = named::read(values, Program::NovelAi);
    if recipe.prompt.is_empty() {
        recipe.prompt = field(texts.get("Description").unwrap_or_default());
    }
    // Since version 4 the prompt has parts, of which the plain fields hold the first.
    if let Some(prompt) = parts(&comment, "v4_prompt") {
        recipe.prompt = prompt;
    }
    if let Some(negative) = parts(&comment, "v4_negative_prompt") {
        recipe.negative_prompt = some_field(&negative);
    }
    let asks_for = comment.get("request_type").and_then(Value::as_str);
    let has_source = asks_for.is_some_and(|kind| !kind.starts_with("PromptGenerate"));
    recipe.strength = comment
        .get("strength")
        .filter(|_| has_source)
        .and_then(small_number);
    if let Some(source) = texts.get("Source") {
        (recipe.model, recipe.model_hash) = model(source);
    }
    Some(recipe)
}

/// The caption of the whole and those of its characters, a line each.
fn parts(comment: &Value, name: &str) -> Option<String> {
    let caption = comment.get(name)?.get("caption")?;
    let whole = caption.get("base_caption").and_then(Value::as_str);
    let characters = caption.get("char_captions").and_then(Value::as_array);
    let characters = characters.into_iter().flatten();
    let characters = characters.filter_map(|part| part.get("char_caption")?.as_str());
    let lines = whole.into_iter().chain(characters);
    let lines: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
    Some(field(&lines.join("\n"))).filter(|text| !text.is_empty())
}

/// The model's name, and its hash where one follows.
fn model(source: &str) -> (Option<String>, Option<String>) {
    let is_hash = |word: &str| word.len() == 8 && word.chars().all(|c| c.is_ascii_hexdigit());
    match source.trim().rsplit_once(' ') {
        Some((name, hash)) if is_hash(hash) => (some_field(name), some_field(hash)),
        _ => (some_field(source), None),
    }
}
