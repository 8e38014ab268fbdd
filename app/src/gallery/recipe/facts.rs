//! What was done to which pictures: the part of a recipe that differs from deed to deed.

use limn_engine::PixelRect;
use limn_engine::protocol::{BlendNoise, CascadePlan, Mix, Operation};
use limn_engine::stitch::Fill;
use serde::{Deserialize, Serialize};

use super::Recipe;
use crate::gallery::layout::PictureId;
use crate::marking;

/// How a picture came to be. On disk it is one word: the operation's own, or `import`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Word", from = "Word")]
pub enum Origin {
    Made(Operation),
    /// Came from elsewhere.
    Import,
    /// By an operation of a newer version.
    Other,
}

impl From<Operation> for Origin {
    fn from(operation: Operation) -> Self {
        Self::Made(operation)
    }
}

impl PartialEq<Operation> for Origin {
    fn eq(&self, operation: &Operation) -> bool {
        *self == Self::Made(*operation)
    }
}

/// [`Origin`] as a recipe spells it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Word {
    Made(Operation),
    Other(String),
}

const IMPORT: &str = "import";

impl From<Origin> for Word {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Made(operation) => Self::Made(operation),
            Origin::Import => Self::Other(IMPORT.to_owned()),
            Origin::Other => Self::Other("other".to_owned()),
        }
    }
}

impl From<Word> for Origin {
    fn from(word: Word) -> Self {
        match word {
            Word::Made(operation) => Self::Made(operation),
            Word::Other(word) if word == IMPORT => Self::Import,
            Word::Other(_) => Self::Other,
        }
    }
}

/// How an edit was done. Lengths and places are in pixels of the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditFacts {
    pub strength: f32,
    pub fill: Fill,
    /// The part of the picture that the model saw, and the size at which it worked.
    pub context: PixelRect,
    pub work_size: (u32, u32),
    pub grow_px: f32,
    pub feather_px: f32,
    pub blend_px: f32,
    pub match_colours: bool,
    /// Into how many edits of the model's own size it was parted, one after the other; the context is then of all
    /// of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_tiles: Option<u32>,
}

/// How variations were made. `of` is here, as in the other facts, what the source is called: its prompt or the name
/// of its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariationsFacts {
    /// From 0, near, to 1, far.
    pub far: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlendFacts {
    pub inputs: Vec<BlendedInput>,
    pub mix: Mix,
    #[serde(default)]
    pub noise: BlendNoise,
}

/// A text, or a picture. One that is not in the gallery has no id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BlendedInput {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What the picture is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// Its part of the whole, from 0 to 1.
    pub weight: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShiftFacts {
    pub from: String,
    pub to: String,
    pub amount: f32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpscaleFacts {
    pub scale: u32,
    /// What did it, by name, and the SHA-256 of its file where it has one.
    pub upscaler: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upscaler_hash: Option<String>,
    /// Whether the smaller picture was itself wholly made by AI.
    #[serde(default)]
    pub of_ai: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// The smaller picture behind one of a cascade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CascadeFacts {
    /// Pixels.
    pub drawn_width: u32,
    pub drawn_height: u32,
    /// SHA-256 of the upscaler's file, in hexadecimal.
    pub upscaler_hash: String,
}

impl From<&CascadePlan> for CascadeFacts {
    fn from(plan: &CascadePlan) -> Self {
        Self {
            drawn_width: plan.drawn_width,
            drawn_height: plan.drawn_height,
            upscaler_hash: plan.upscaler_hash.clone(),
        }
    }
}

impl Recipe {
    /// As the recipe of the whole picture, of which the engine's is a part.
    #[must_use]
    pub fn edited(
        self,
        operation: Operation,
        (width, height): (u32, u32),
        facts: EditFacts,
    ) -> Self {
        Self {
            deed: operation.into(),
            width,
            height,
            edit: Some(facts),
            ..self
        }
    }

    #[must_use]
    pub fn varied(self, facts: VariationsFacts) -> Self {
        Self {
            deed: Operation::Variations.into(),
            variations: Some(facts),
            ..self
        }
    }

    #[must_use]
    pub fn blended(self, facts: BlendFacts) -> Self {
        Self {
            deed: Operation::Blend.into(),
            blend: Some(facts),
            ..self
        }
    }

    #[must_use]
    pub fn shifted(self, facts: ShiftFacts) -> Self {
        Self {
            deed: Operation::Shift.into(),
            shift: Some(facts),
            ..self
        }
    }

    /// The words and settings stay those that the smaller picture was made with, where its recipe is known.
    #[must_use]
    pub fn upscaled(self, source: Option<&Self>, facts: UpscaleFacts) -> Self {
        let made = Self {
            deed: Operation::Upscale.into(),
            parents: source.map(|source| source.id).into_iter().collect(),
            ..self
        };
        let Some(source) = source else {
            return Self {
                sampler: String::new(),
                upscale: Some(facts),
                ..made
            };
        };
        let all_of_ai = Some(marking::TRAINED_ALGORITHMIC_MEDIA);
        Self {
            upscale: Some(UpscaleFacts {
                of_ai: source.digital_source_type() == all_of_ai,
                ..facts
            }),
            format: made.format,
            id: made.id,
            parents: made.parents,
            created: made.created,
            run: made.run,
            deed: made.deed,
            width: made.width,
            height: made.height,
            device: made.device,
            dtype: made.dtype,
            limn: made.limn,
            edit: None,
            variations: None,
            blend: None,
            shift: None,
            ..source.clone()
        }
    }

    /// What people call the picture: its prompt, else what was done to what.
    pub fn title(&self) -> String {
        if !self.prompt.is_empty() {
            return self.prompt.clone();
        }
        if let Some(facts) = &self.variations {
            return phrase("Variation", facts.of.as_deref());
        }
        if let Some(facts) = &self.blend {
            return facts.title();
        }
        if let Some(facts) = &self.shift {
            let deed = format!("“{}” into “{}”", facts.from, facts.to);
            return phrase(&deed, facts.of.as_deref());
        }
        match &self.upscale {
            Some(facts) => phrase("Larger picture", facts.of.as_deref()),
            None => String::new(),
        }
    }

    /// What it shows, in the words that it or the picture it came from was asked for with.
    pub fn subject(&self) -> String {
        let of = [
            self.variations.as_ref().and_then(|facts| facts.of.as_ref()),
            self.shift.as_ref().and_then(|facts| facts.of.as_ref()),
            self.upscale.as_ref().and_then(|facts| facts.of.as_ref()),
        ];
        let of = of.into_iter().flatten().next();
        match of.filter(|_| self.prompt.is_empty()) {
            Some(of) => of.clone(),
            None => self.title(),
        }
    }

    /// IPTC's name for how the picture came to be, where that is known.
    pub fn digital_source_type(&self) -> Option<&'static str> {
        let of_ai = self.upscale.as_ref().is_some_and(|facts| facts.of_ai);
        Some(match self.deed {
            Origin::Import => return None,
            Origin::Made(Operation::Inpaint | Operation::Outpaint) => {
                marking::COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
            }
            Origin::Made(Operation::Upscale) if !of_ai => {
                marking::COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA
            }
            Origin::Made(_) | Origin::Other => marking::TRAINED_ALGORITHMIC_MEDIA,
        })
    }
}

impl BlendFacts {
    fn title(&self) -> String {
        let known = self.inputs.iter();
        let known = known.filter_map(|input| input.text.as_deref().or(input.of.as_deref()));
        let known: Vec<String> = known.map(|name| format!("“{name}”")).collect();
        if known.is_empty() {
            return "Mix".to_owned();
        }
        format!("Mix of {}", known.join(" and "))
    }
}

fn phrase(deed: &str, of: Option<&str>) -> String {
    match of.filter(|of| !of.is_empty()) {
        Some(of) => format!("{deed} of “{of}”"),
        None => deed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::recipe;
    use super::*;

    #[test]
    fn the_recipe_of_an_edit_is_of_the_whole_picture_and_marks_it_as_a_composite() {
        let facts = EditFacts {
            strength: 0.85,
            fill: Fill::Keep,
            context: PixelRect::new(10, 20, 64, 64),
            work_size: (256, 256),
            grow_px: 12.0,
            feather_px: 16.0,
            blend_px: 20.0,
            match_colours: true,
            n_tiles: None,
        };
        let made = recipe("a red sailboat", 7, (64, 64));
        let whole = made.edited(Operation::Inpaint, (900, 600), facts);
        let read = Recipe::from_json(&whole.to_json()).unwrap();
        assert_eq!(read, whole);
        assert_eq!((read.width, read.height), (900, 600));
        assert!(is_composite(&read));
    }

    fn is_composite(recipe: &Recipe) -> bool {
        recipe.digital_source_type() == Some(marking::COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA)
    }

    #[test]
    fn gestures_survive_their_json_and_are_called_by_what_was_done() {
        let made = || recipe("", 7, (64, 64));
        let of = || Some("a cat".to_owned());
        let far = 0.7;
        let parent = PictureId::new();
        let blend = BlendFacts {
            inputs: vec![
                BlendedInput {
                    picture: Some(parent),
                    of: of(),
                    weight: 0.25,
                    ..BlendedInput::default()
                },
                BlendedInput {
                    text: Some("a hat".to_owned()),
                    weight: 0.75,
                    ..BlendedInput::default()
                },
            ],
            mix: Mix::Slerp,
            noise: BlendNoise::Seed,
        };
        let shift = ShiftFacts {
            from: "day".to_owned(),
            to: "night".to_owned(),
            amount: 0.4,
            of: of(),
        };
        let upscale = UpscaleFacts {
            scale: 4,
            upscaler: "Resampler".to_owned(),
            upscaler_hash: None,
            of_ai: false,
            of: Some("boat.png".to_owned()),
        };
        for (recipe, title, key) in [
            (
                made().varied(VariationsFacts { far, of: of() }),
                "Variation of “a cat”",
                "far",
            ),
            (
                made().varied(VariationsFacts { far, of: None }),
                "Variation",
                "variations",
            ),
            (
                made().blended(blend),
                "Mix of “a cat” and “a hat”",
                "weight",
            ),
            (
                made().shifted(shift),
                "“day” into “night” of “a cat”",
                "amount",
            ),
        ] {
            let json = recipe.to_json();
            assert!(json.contains(&format!("\"{key}\"")), "{json}");
            assert_eq!(Recipe::from_json(&json), Some(recipe.clone()));
            assert_eq!(recipe.title(), title);
            let subject = recipe.subject();
            assert!(subject == "a cat" || subject == title, "{subject}");
            assert!(!is_composite(&recipe), "{title}");
        }
        let photo = made().upscaled(None, upscale.clone());
        assert_eq!(photo.title(), "Larger picture of “boat.png”");
        assert!(is_composite(&photo), "a photograph is not made by AI");
        assert_eq!(Recipe::from_json(&photo.to_json()), Some(photo));
        let source = recipe("a cat", 3, (8, 8));
        let larger = Recipe {
            width: 32,
            ..made()
        }
        .upscaled(Some(&source), upscale);
        assert!(!is_composite(&larger));
        let words = (larger.prompt.as_str(), larger.seed, larger.width);
        assert_eq!(words, ("a cat", 3, 32));
        assert_eq!(
            (larger.deed, larger.parents.as_slice()),
            (Operation::Upscale.into(), &[source.id][..])
        );
        assert_ne!(larger.id, source.id);
        assert_eq!(recipe("a cat", 1, (8, 8)).title(), "a cat");
        let imported = Recipe {
            deed: Origin::Import,
            ..made()
        };
        assert_eq!(imported.digital_source_type(), None);
    }
}
