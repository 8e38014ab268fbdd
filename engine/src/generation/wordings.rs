//! The words of a job's pictures, where a prompt leaves choices to their seeds.

use crate::{
    foreign_text,
    model::{PromptFolders, Steer},
    prompt_language::{
        choices, parse,
        wildcards::{Expanded, Wildcards},
    },
    protocol::Wording,
};

/// A job's prompt and its negative with lists in place of their names, and choices still open.
#[derive(Debug, Default)]
pub(super) struct Wordings {
    prompt: String,
    negative_prompt: Option<String>,
    /// Whether the words are not those that were typed.
    has_choices: bool,
    /// The lists that could not be read, one sentence each.
    pub remarks: Vec<String>,
}

impl Wordings {
    /// The texts as they are, for a model without the language of prompts.
    pub fn literal(steer: &Steer) -> Self {
        Self {
            prompt: steer.prompt.to_owned(),
            negative_prompt: steer.negative_prompt.map(str::to_owned),
            ..Self::default()
        }
    }

    pub fn new(steer: &Steer, folders: &PromptFolders) -> Self {
        let mut remarks = Vec::new();
        let mut expand = |text: &str| {
            let Some(folder) = &folders.wildcards else {
                return text.to_owned();
            };
            let Expanded { text, faults } = Wildcards::new(folder.clone()).expand(text);
            remarks.extend(faults.into_iter().map(|(name, reason)| {
                let text = format!("“__{name}__” is no list: {reason}");
                foreign_text::message(text).to_string()
            }));
            text
        };
        let prompt = expand(steer.prompt);
        let negative_prompt = steer.negative_prompt.map(&mut expand);
        let texts = [Some(&prompt), negative_prompt.as_ref()];
        // Those that change the model were taken out of the prompt before.
        for lora in texts
            .into_iter()
            .flatten()
            .flat_map(|text| parse(text).loras)
        {
            let text = format!(
                "“{}” was passed over: a LoRA is named in the prompt, as <lora:name:0.8>",
                lora.name
            );
            remarks.push(foreign_text::message(text).to_string());
        }
        let has_choices = texts
            .into_iter()
            .flatten()
            .any(|text| choices::has_choices(text) || text.contains(r"\{"));
        Self {
            prompt,
            negative_prompt,
            has_choices,
            remarks,
        }
    }

    /// What the picture of this seed is drawn from; `None` where it is what was typed.
    pub fn of_seed(&self, seed: u64) -> Option<Wording> {
        self.has_choices.then(|| Wording {
            prompt: choices::choose(&self.prompt, seed, 0),
            negative_prompt: self
                .negative_prompt
                .as_ref()
                .map(|text| choices::choose(text, seed, 1)),
        })
    }
}
