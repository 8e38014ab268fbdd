//! What was done to which pictures, in words.

use limn_engine::protocol::Mix;

use crate::gallery::Recipe;
use crate::gallery::recipe::BlendFacts;

/// What a recipe says beyond prompt and settings.
pub fn facts(recipe: &Recipe) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut of = None;
    if let Some(edit) = &recipe.edit {
        let (context, work) = (edit.context, edit.work_size);
        let lengths = format!(
            "grown {:.0} px, soft edge {:.0} px",
            edit.grow_px, edit.feather_px
        );
        facts.push(("How much was changed", percent(edit.strength)));
        let seen = format!(
            "{} × {} px, worked at {} × {}; {lengths}",
            context.width, context.height, work.0, work.1
        );
        facts.push(("What the model saw", seen));
    }
    if let Some(cascade) = &recipe.cascade {
        let drawn = format!("{} × {} px", cascade.drawn_width, cascade.drawn_height);
        facts.push((
            "Drawn at",
            format!("{drawn}, then made larger by the model's upscaler"),
        ));
    }
    if let Some(variations) = &recipe.variations {
        of = variations.of.as_deref();
        facts.push(("How far from its source", percent(variations.far)));
    }
    if let Some(blend) = &recipe.blend {
        facts.push(("Mix of", inputs(blend)));
    }
    if let Some(shift) = &recipe.shift {
        of = shift.of.as_deref();
        let amount = percent(shift.amount);
        facts.push((
            "Turned",
            format!("“{}” into “{}”, {amount}", shift.from, shift.to),
        ));
    }
    if let Some(upscale) = &recipe.upscale {
        of = upscale.of.as_deref();
        facts.push((
            "Larger",
            format!("× {}, by {}", upscale.scale, upscale.upscaler),
        ));
    }
    if let Some(of) = of {
        facts.insert(0, ("Made from", of.to_owned()));
    }
    facts
}

fn inputs(blend: &BlendFacts) -> String {
    let inputs = blend.inputs.iter().map(|input| {
        let name = match (&input.text, &input.of) {
            (Some(text), _) => format!("the words “{text}”"),
            (None, Some(of)) => format!("“{of}”"),
            (None, None) => "a picture".to_owned(),
        };
        format!("{} {name}", percent(input.weight))
    });
    let words = inputs.collect::<Vec<_>>().join(", ");
    match blend.mix {
        Mix::Slerp => words,
        Mix::Linear => format!("{words} (linear)"),
    }
}

fn percent(part: f32) -> String {
    format!("{:.0} %", part * 100.0)
}

#[cfg(test)]
mod tests {
    use limn_engine::protocol::BlendNoise;

    use super::*;
    use crate::gallery::recipe::BlendedInput;

    #[test]
    fn a_mix_names_its_inputs_and_their_parts() {
        let input = |text: Option<&str>, of: Option<&str>, weight| BlendedInput {
            text: text.map(str::to_owned),
            of: of.map(str::to_owned),
            weight,
            ..BlendedInput::default()
        };
        let blend = BlendFacts {
            inputs: vec![
                input(None, Some("a boat"), 0.5),
                input(Some("night"), None, 0.25),
                input(None, None, 0.25),
            ],
            mix: Mix::Slerp,
            noise: BlendNoise::Seed,
        };
        let expected = "50 % “a boat”, 25 % the words “night”, 25 % a picture";
        assert_eq!(inputs(&blend), expected);
        let linear = BlendFacts {
            mix: Mix::Linear,
            ..blend
        };
        assert_eq!(inputs(&linear), format!("{expected} (linear)"));
    }
}
