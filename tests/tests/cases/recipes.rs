//! Recipes of other programs, field by field.

use std::collections::BTreeMap;
use std::fmt::Debug;

use limn::gallery::foreign::ForeignRecipe;
use limn::gallery::picture_file;
use serde::de::DeserializeOwned;

use super::{Case, Facts, cases};

/// The facts of a case against what is read from its file.
struct Check {
    facts: Facts,
    wrong: Vec<String>,
}

impl Check {
    fn told<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        self.facts.take_if_told(name)
    }

    fn hold(&mut self, name: &str, is_right: bool, is: &dyn Debug) {
        if !is_right {
            let file = &self.facts.file;
            self.wrong.push(format!("{file}: {name} is {is:?}"));
        }
    }

    fn equal<T: DeserializeOwned + PartialEq + Debug>(&mut self, name: &str, is: &T) {
        if let Some(told) = self.told::<T>(name) {
            self.hold(name, *is == told, is);
        }
    }

    /// As [`Self::equal`], where a null leaves open what is right.
    fn equal_or_open<T: DeserializeOwned + PartialEq + Debug>(&mut self, name: &str, is: &T) {
        if let Some(Some(told)) = self.told::<Option<T>>(name) {
            self.hold(name, *is == told, is);
        }
    }

    /// A list of parts that the text must have.
    fn parts(&mut self, name: &str, text: &str) {
        for part in self.told::<Vec<String>>(name).unwrap_or_default() {
            self.hold(name, text.contains(&part), &text);
        }
    }

    fn recipe(&mut self, recipe: &ForeignRecipe) {
        self.equal_or_open("prompt", &recipe.prompt);
        self.parts("prompt_has", &recipe.prompt);
        let words: Vec<&str> = recipe.prompt.split_whitespace().collect();
        self.equal("prompt_squeezed", &words.join(" "));
        self.negative(recipe.negative_prompt.as_ref());
        self.equal("seed", &recipe.seed);
        self.equal("steps", &recipe.n_steps);
        self.equal("cfg", &recipe.guidance_scale);
        self.equal("strength", &recipe.strength);
        self.equal("scheduler", &recipe.scheduler);
        self.equal_or_open("sampler", &recipe.sampler.clone().unwrap_or_default());
        self.equal_or_open("model", &recipe.model.clone().unwrap_or_default());
        self.equal_or_open("size", &recipe.size.unwrap_or_default());
        let loras = recipe.loras.iter();
        let loras: Vec<_> = loras.map(|lora| (lora.name.clone(), lora.weight)).collect();
        self.equal("loras", &loras);
        for field in self
            .told::<BTreeMap<String, String>>("other")
            .unwrap_or_default()
        {
            self.hold("other", recipe.other.contains(&field), &recipe.other);
        }
        // Somewhere among all that is told of the recipe.
        self.parts("text_has", &serde_json::to_string(recipe).unwrap());
    }

    fn negative(&mut self, negative: Option<&String>) {
        let text = negative.map(String::as_str).unwrap_or_default();
        let is_told = self.told::<Option<String>>("negative");
        let parts = self.told::<Vec<String>>("negative_has");
        let lacking = self.told::<Vec<String>>("negative_lacks");
        match (is_told, &parts) {
            // Told in parts.
            (None, _) | (Some(None), Some(_)) => {}
            (Some(told), _) => self.hold("negative", negative == told.as_ref(), &negative),
        }
        for part in parts.unwrap_or_default() {
            self.hold("negative", text.contains(&part), &text);
        }
        for part in lacking.unwrap_or_default() {
            self.hold("negative", !text.contains(&part), &text);
        }
    }
}

/// What is wrong about the recipe that a file's header gives.
pub fn wrong(case: &Case) -> Vec<String> {
    let header = picture_file::read_header(&case.bytes());
    let header = header.unwrap_or_else(|error| panic!("{}: {error}", case.file));
    let recipe = header.foreign.and_then(|found| found.recipe);
    let mut check = Check {
        facts: case.facts(),
        wrong: Vec::new(),
    };
    // Without a recipe it comes in all the same.
    if check.told("taken_in") == Some(true) {
        check.hold("the recipe", recipe.is_none(), &recipe);
    }
    check.recipe(&recipe.unwrap_or_default());
    check.facts.end();
    check.wrong
}

pub fn check(cases: &[Case]) {
    let wrong: Vec<String> = cases.iter().flat_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The same files with bytes turned over, cut out and doubled: 40 of each, and none stops the reader.
#[test]
fn damaged_files_with_recipes_are_read_or_refused() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n.max(1) as u64) as usize
    };
    let files = cases("M/");
    let mut n = 0;
    for file in &files {
        let sound = file.bytes();
        for _ in 0..40 {
            let mut bytes = sound.clone();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                match random(3) {
                    0 => bytes[at] ^= 1 << random(8),
                    1 => drop(bytes.drain(at..(at + random(16)).min(bytes.len()))),
                    _ => bytes.insert(at, random(256) as u8),
                }
            }
            if let Ok(header) = picture_file::read_header(&bytes) {
                assert!(header.width <= limn::import::LIMIT_SIDE_PX, "{}", file.file);
            }
            n += 1;
        }
    }
    assert_eq!(n, 40 * files.len());
}
