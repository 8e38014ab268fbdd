//! Recipes as other programs write them, and what strangers may write in their place.

#![allow(clippy::unwrap_used)]

mod comfy;
mod hostile;
mod invoke;
mod named;
mod web_ui;

use super::*;

fn read(text: &str) -> ForeignRecipe {
    let found = from_text(text);
    assert_eq!(found.text, text);
    found.recipe.unwrap_or_else(|| panic!("not read: {text}"))
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// All that a recipe says, in one line, for tables: what is missing is left out.
fn in_short(recipe: &ForeignRecipe) -> String {
    let mut parts = vec![format!("{:?}: {}", recipe.program, recipe.prompt)];
    let mut add = |name: &str, value: Option<String>| {
        parts.extend(value.map(|value| format!("{name} {value}")));
    };
    add("not", recipe.negative_prompt.clone());
    add("seed", recipe.seed.map(|n| n.to_string()));
    add("steps", recipe.n_steps.map(|n| n.to_string()));
    add("by", recipe.sampler.clone());
    add("spaced", recipe.scheduler.clone());
    add("cfg", recipe.guidance_scale.map(|n| n.to_string()));
    add("size", recipe.size.map(|(w, h)| format!("{w}x{h}")));
    add("strength", recipe.strength.map(|n| n.to_string()));
    add("model", recipe.model.clone());
    let loras = recipe.loras.iter();
    let loras: Vec<_> = loras.map(|l| format!("{}={}", l.name, l.weight)).collect();
    add(
        "with",
        Some(loras.join("+")).filter(|loras| !loras.is_empty()),
    );
    parts.join(" | ")
}

/// Reads each text and compares what it says.
fn check(table: &[(&str, &str)]) {
    let wrong = table.iter().filter_map(|(text, expected)| {
        let is = from_text(text).recipe;
        let is = is.map_or("nothing".to_owned(), |recipe| in_short(&recipe));
        (is != *expected).then(|| format!("{text}\n  is  {is}\n  not {expected}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
