//! What of a picture's recipe can be used again, Limn's own or another program's.

use limn_engine::protocol::{IpAdapterChoice, LoraChoice, Sampling};

use super::{GalleryView, PictureRef, Session};
use crate::gallery::foreign::ForeignRecipe;
use crate::gallery::{Recipe, Record};

/// What of a recipe to use again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecipePart {
    Everything,
    Prompt,
    Negative,
    Size,
    Seed,
    Sampling,
}

impl RecipePart {
    pub fn label(self) -> &'static str {
        match self {
            Self::Everything => "Use this recipe",
            Self::Prompt => "Use this prompt",
            Self::Negative => "Avoid this again",
            Self::Size => "Use this size",
            Self::Seed => "Use this seed",
            Self::Sampling => "Use these settings",
        }
    }
}

/// The recipe of a picture, from the run it came from or from the gallery.
pub fn recipe_of<'a>(
    session: &'a Session,
    gallery: &'a GalleryView,
    picture: PictureRef,
) -> Option<&'a Recipe> {
    match picture {
        PictureRef::Result { run, index } => {
            let slot = session.run(run)?.slots.get(index as usize)?;
            slot.recipe().map(AsRef::as_ref)
        }
        PictureRef::Gallery(id) => gallery.record(id)?.recipe.as_ref(),
    }
}

/// What the prompt bar can take over of how a picture was made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usable {
    pub prompt: String,
    pub negative_prompt: String,
    pub size: Option<(u32, u32)>,
    pub seed: Option<u64>,
    pub sampling: Sampling,
    /// What the model was changed by, beside what the prompt names.
    pub loras: Vec<LoraChoice>,
    /// Through which the model looked at pictures.
    pub ip_adapter: Option<IpAdapterChoice>,
}

impl Usable {
    /// `None` where nothing is known of how it was made.
    pub fn of(session: &Session, gallery: &GalleryView, picture: PictureRef) -> Option<Self> {
        if let Some(recipe) = recipe_of(session, gallery, picture) {
            return Some(Self::of_recipe(recipe));
        }
        let PictureRef::Gallery(id) = picture else {
            return None;
        };
        gallery.record(id)?.foreign.as_ref().map(Self::of_foreign)
    }

    pub fn of_record(record: &Record) -> Option<Self> {
        let own = record.recipe.as_ref().map(Self::of_recipe);
        own.or_else(|| record.foreign.as_ref().map(Self::of_foreign))
    }

    fn of_recipe(recipe: &Recipe) -> Self {
        let drawn = recipe.is_drawn();
        Self {
            prompt: recipe.drawn_prompt().to_owned(),
            negative_prompt: recipe.negative_prompt.clone().unwrap_or_default(),
            size: Some((recipe.width, recipe.height)),
            seed: drawn.then_some(recipe.seed),
            sampling: if drawn {
                recipe.sampling()
            } else {
                Sampling::default()
            },
            loras: recipe.loras_beside_words(),
            ip_adapter: recipe.ip_adapter_choice(),
        }
    }

    fn of_foreign(recipe: &ForeignRecipe) -> Self {
        Self {
            prompt: recipe.prompt.clone(),
            negative_prompt: recipe.negative_prompt.clone().unwrap_or_default(),
            size: recipe.size,
            seed: recipe.seed,
            sampling: recipe.sampling(),
            // Its prompt names them.
            loras: Vec::new(),
            ip_adapter: None,
        }
    }

    /// Why there is nothing of a part to be used, if there is not.
    pub fn obstacle(&self, part: RecipePart) -> Option<&'static str> {
        let has_prompt = !self.prompt.trim().is_empty();
        let has_negative = !self.negative_prompt.trim().is_empty();
        let has_sampling = self.sampling != Sampling::default() || !self.loras.is_empty();
        match part {
            // A size alone is no recipe.
            RecipePart::Everything => {
                let is_recipe = has_prompt || has_negative || has_sampling || self.seed.is_some();
                (!is_recipe).then_some("This picture was not drawn from words or settings.")
            }
            RecipePart::Prompt => {
                (!has_prompt).then_some("This picture was made without a prompt.")
            }
            RecipePart::Negative => (!has_negative).then_some("Nothing was to be avoided."),
            RecipePart::Size => self
                .size
                .is_none()
                .then_some("Its first size is not known."),
            RecipePart::Seed => self.seed.is_none().then_some("Chance had no part in it."),
            RecipePart::Sampling => (!has_sampling).then_some("Its settings are not known."),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::gallery::recipe::tests::recipe;
    use crate::gallery::{PictureId, UpscaleFacts, VariationsFacts};

    fn facts() -> UpscaleFacts {
        UpscaleFacts {
            scale: 4,
            upscaler: "Resampler".to_owned(),
            upscaler_hash: None,
            of_ai: false,
            of: Some("photo.jpg".to_owned()),
        }
    }

    #[test]
    fn what_a_picture_does_not_have_is_not_offered() {
        let drawn = || Recipe {
            negative_prompt: None,
            ..recipe("a cat", 3, (64, 64))
        };
        let varied = Recipe {
            prompt: String::new(),
            ..drawn()
        };
        let varied = varied.varied(VariationsFacts { far: 0.5, of: None });
        let photo = Recipe {
            prompt: " ".to_owned(),
            ..drawn()
        };
        let photo = photo.upscaled(None, facts());
        let all = [
            RecipePart::Everything,
            RecipePart::Prompt,
            RecipePart::Negative,
            RecipePart::Size,
            RecipePart::Seed,
            RecipePart::Sampling,
        ];
        for (name, recipe, expected) in [
            ("drawn", drawn(), [true, true, false, true, true, true]),
            (
                "a variation",
                varied,
                [true, false, false, true, true, true],
            ),
            (
                "a larger photograph",
                photo,
                [false, false, false, true, false, false],
            ),
        ] {
            let usable = Usable::of_recipe(&recipe);
            let offered = all.map(|part| usable.obstacle(part).is_none());
            assert_eq!(offered, expected, "{name}");
        }
    }

    #[test]
    fn another_program_s_words_are_usable_too_and_a_plain_photograph_has_nothing() {
        let mut record = Record::new(PictureId::new(), crate::gallery::index::State::Here, None);
        assert_eq!(Usable::of_record(&record), None);
        let text = "a red boat\nSteps: 20, Seed: 7, Size: 512x512";
        record.foreign = crate::gallery::foreign::from_text(text).recipe;
        let usable = Usable::of_record(&record).unwrap();
        assert_eq!(
            (usable.prompt.as_str(), usable.seed),
            ("a red boat", Some(7))
        );
        let mut gallery = GalleryView::default();
        let picture = PictureRef::Gallery(record.id);
        gallery.put(record);
        let session = Session::default();
        assert_eq!(Usable::of(&session, &gallery, picture), Some(usable));
        assert_eq!(recipe_of(&session, &gallery, picture), None);
    }
}
