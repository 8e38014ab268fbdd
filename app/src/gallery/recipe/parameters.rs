//! The recipe as the `parameters` text of the AUTOMATIC1111 web interface, which most galleries and editors
//! read.

use std::fmt::Write as _;

use super::Recipe;

impl Recipe {
    /// The `parameters` text as the AUTOMATIC1111 web interface writes it, which most galleries and
    /// editors read.
    pub fn to_parameters(&self) -> String {
        let mut text = self.prompt_with_loras();
        let chosen = self.chosen_negative_prompt.as_deref();
        if let Some(negative) = chosen
            .or(self.negative_prompt.as_deref())
            .filter(|text| !text.is_empty())
        {
            let _ = write!(text, "\nNegative prompt: {negative}");
        }
        let model_hash = self.model_hash.get(..10).unwrap_or(&self.model_hash);
        let prior = [
            ("Prior steps", self.n_prior_steps.map(|n| n.to_string())),
            (
                "Prior CFG scale",
                self.prior_guidance_scale.map(|scale| scale.to_string()),
            ),
        ];
        let others = [
            (
                "Schedule type",
                self.spacing().map(|spacing| spacing.label().to_owned()),
            ),
            ("Clip skip", self.clip_skip.map(|n| (n + 1).to_string())),
        ];
        let prior = prior.into_iter().chain(others);
        let prior = prior.map(|(name, value)| Some((name, value?)));
        let fields = [
            ("Steps", self.n_steps.to_string()),
            ("Sampler", self.sampler_label()),
            ("CFG scale", self.guidance_scale.to_string()),
            ("Seed", self.seed.to_string()),
            ("Size", format!("{}x{}", self.width, self.height)),
            ("Model hash", model_hash.to_owned()),
            ("Model", self.model.clone()),
        ];
        let version = ("Version", format!("Limn {}", self.limn));
        let fields = fields.into_iter().chain(prior.flatten());
        let fields = fields.chain([version]);
        let fields = fields.map(|(name, value)| format!("{name}: {}", quoted(&value)));
        let fields: Vec<String> = fields.collect();
        let _ = write!(text, "\n{}", fields.join(", "));
        text
    }

    /// The sampler's name in that interface.
    fn sampler_label(&self) -> String {
        self.sampler().map_or_else(
            || self.sampler.clone(),
            |known| known.info().a1111_name.to_owned(),
        )
    }
}

/// A value that holds a separator is written as JSON, as the web interface does.
fn quoted(value: &str) -> String {
    if value.contains([',', ':', '\n']) {
        serde_json::Value::from(value).to_string()
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::recipe;

    #[test]
    fn parameters_read_as_the_web_interface_writes_them() {
        let mut recipe = recipe("a red sailboat", 7, (256, 128));
        recipe.model = "doodle: v1, small".into();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            recipe.to_parameters(),
            format!(
                "a red sailboat\nNegative prompt: blurry, grey\nSteps: 24, Sampler: Euler a, CFG scale: 4.5, Seed: 7, \
                 Size: 256x128, Model hash: 0123456789, Model: \"doodle: v1, small\", Prior steps: 10, \
                 Prior CFG scale: 2, Schedule type: Karras, Version: Limn {version}"
            )
        );
    }
}
