//! What is being written in the prompt bar.

use limn_engine::protocol::{Compute, GenerateRequest, ModelInfo, Sampling};

use super::{Deed, MixDraft, Part, PictureId, TurnDraft};

/// A limit for the text field, far beyond any model's: the engine says which words were not read.
pub const MAX_PROMPT_CHARS: usize = 20_000;
const MAX_HISTORY: usize = 200;

#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub prompt: String,
    pub negative_prompt: String,
    pub n_pictures: u32,
    /// `None` is the model's own size.
    pub size: Option<(u32, u32)>,
    /// Each picture is the best of this many.
    pub best_of: u32,
    pub sampling: Sampling,
    pub seed: u64,
    /// Keep the seed; otherwise each run draws a new one.
    pub seed_is_locked: bool,
    /// How far variations go, from 0 near to 1 far.
    pub far: f32,
    /// What is being put together in the place of the prompt.
    pub mix: MixDraft,
    pub turn: TurnDraft,
    /// What is wrong with the draft, said beside it.
    pub problem: Option<Problem>,
    /// Where in the history the prompt comes from, and what was being written before.
    browsing: Option<(usize, String)>,
}

/// Why the button did nothing, and what could be done instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub text: String,
    pub instead: Option<Deed>,
}

impl From<&str> for Problem {
    fn from(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            instead: None,
        }
    }
}

/// Prompts that were run, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PromptHistory(Vec<String>);

impl PromptHistory {
    pub fn new(prompts: impl IntoIterator<Item = String>) -> Self {
        let mut history = Self::default();
        for prompt in prompts {
            history.remember(prompt);
        }
        history
    }

    pub fn prompts(&self) -> &[String] {
        &self.0
    }

    pub fn remember(&mut self, prompt: String) {
        self.0.retain(|earlier| *earlier != prompt);
        self.0.push(prompt);
        if self.0.len() > MAX_HISTORY {
            self.0.remove(0);
        }
    }
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            prompt: String::new(),
            negative_prompt: String::new(),
            n_pictures: 4,
            size: None,
            best_of: 1,
            sampling: Sampling::default(),
            seed: new_seed(),
            seed_is_locked: false,
            far: 1.0,
            mix: MixDraft::default(),
            turn: TurnDraft::default(),
            problem: None,
            browsing: None,
        }
    }
}

impl Draft {
    /// Makes a request of the draft.
    ///
    /// # Errors
    /// What to tell the user beside the prompt.
    pub fn request(
        &mut self,
        model: Option<&ModelInfo>,
        compute: Compute,
    ) -> Result<GenerateRequest, Problem> {
        let prompt = self.prompt.trim().to_owned();
        if prompt.is_empty() {
            return Err("Describe a picture first.".into());
        }
        let request = self.request_for(prompt, model, compute)?;
        self.browsing = None;
        Ok(request)
    }

    /// As [`Self::request`], with other words than the prompt or none.
    ///
    /// # Errors
    /// What to tell the user.
    pub fn request_for(
        &mut self,
        prompt: String,
        model: Option<&ModelInfo>,
        compute: Compute,
    ) -> Result<GenerateRequest, Problem> {
        let Some(model) = model else {
            return Err("There is no model to draw with yet: see Models.".into());
        };
        if !self.seed_is_locked {
            self.seed = new_seed();
        }
        let negative = self.negative_prompt.trim();
        Ok(GenerateRequest {
            model: model.id.clone(),
            compute,
            prompt,
            negative_prompt: (!negative.is_empty()).then(|| negative.to_owned()),
            size: self.size,
            n_pictures: self.n_pictures,
            best_of: self.best_of,
            seed: self.seed,
            sampling: self.sampling.clone().for_model(model),
            latents: None,
        })
    }

    /// Pictures of the gallery that are put together in the place of the prompt.
    pub fn pictures(&self) -> impl Iterator<Item = PictureId> + '_ {
        let mixed = self.mix.parts.iter().map(|(part, _)| part);
        mixed.chain(&self.turn.source).filter_map(Part::picture)
    }

    /// Whether something stands in it that the user would miss.
    pub fn has_words(&self) -> bool {
        let Self { mix, turn, .. } = self;
        let has_turn = !turn.from.trim().is_empty() || !turn.to.trim().is_empty();
        !self.prompt.trim().is_empty() || !mix.parts.is_empty() || has_turn
    }

    /// For a document that is new: the same settings, nothing written.
    #[must_use]
    pub fn for_new_document(&self) -> Self {
        Self {
            prompt: String::new(),
            mix: MixDraft::default(),
            turn: TurnDraft::default(),
            problem: None,
            browsing: None,
            ..self.clone()
        }
    }

    /// Puts the prompt before this one into the field.
    pub fn earlier(&mut self, history: &PromptHistory) {
        let prompts = history.prompts();
        let (index, own) = match self.browsing.take() {
            Some((0, own)) => (0, own),
            Some((index, own)) => (index - 1, own),
            None if prompts.is_empty() => return,
            None => {
                let last = prompts.len() - 1;
                let own = std::mem::take(&mut self.prompt);
                // The prompt that was just run is still in the field: step over it.
                let is_repeat = last > 0 && own.trim() == prompts[last];
                (last - usize::from(is_repeat), own)
            }
        };
        let index = index.min(prompts.len().saturating_sub(1));
        self.prompt.clone_from(&prompts[index]);
        self.browsing = Some((index, own));
    }

    /// Back towards what was being written.
    pub fn later(&mut self, history: &PromptHistory) {
        let Some((index, own)) = self.browsing.take() else {
            return;
        };
        if let Some(prompt) = history.prompts().get(index + 1) {
            self.prompt.clone_from(prompt);
            self.browsing = Some((index + 1, own));
        } else {
            self.prompt = own;
        }
    }

    /// The user has typed: history starts from here again.
    pub fn edited(&mut self) {
        self.browsing = None;
        self.problem = None;
    }
}

/// Short enough to read aloud.
pub fn new_seed() -> u64 {
    u64::from(uuid::Uuid::new_v4().as_fields().0)
}

/// A size that a model does well, with its shape in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeChoice {
    pub label: &'static str,
    pub size: (u32, u32),
}

/// The model's own size, and other shapes of about the same area on its stride.
pub fn size_choices(model: &ModelInfo) -> Vec<SizeChoice> {
    let mut choices: Vec<SizeChoice> = Vec::new();
    for (label, aspect) in [
        ("Square", 1.0_f32),
        ("Landscape 4:3", 4.0 / 3.0),
        ("Portrait 3:4", 3.0 / 4.0),
        ("Landscape 3:2", 3.0 / 2.0),
        ("Portrait 2:3", 2.0 / 3.0),
        ("Wide 16:9", 16.0 / 9.0),
        ("Tall 9:16", 9.0 / 16.0),
    ] {
        let size = size_of_shape(model, aspect);
        if !choices.iter().any(|choice| choice.size == size) {
            choices.push(SizeChoice { label, size });
        }
    }
    choices
}

/// The size that suits pictures made from one of another size: its shape, about the model's own area, on its
/// stride. `None` is the model's own size.
pub fn fitting_size(model: &ModelInfo, (width, height): (u32, u32)) -> Option<(u32, u32)> {
    /// No model draws anything in a narrower strip.
    const NARROWEST: f32 = 1.0 / 4.0;
    let aspect = width.max(1) as f32 / height.max(1) as f32;
    let size = size_of_shape(model, aspect.clamp(NARROWEST, 1.0 / NARROWEST));
    (size != model.default_size).then_some(size)
}

fn size_of_shape(model: &ModelInfo, aspect: f32) -> (u32, u32) {
    let (width, height) = model.default_size;
    let area = width as f32 * height as f32;
    let stride = model.stride.max(1);
    let snap = |pixels: f32| ((pixels / stride as f32).round() as u32).max(1) * stride;
    (snap((area * aspect).sqrt()), snap((area / aspect).sqrt()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use limn_engine::protocol::ModelId;

    use super::*;

    fn model() -> ModelInfo {
        ModelInfo {
            id: ModelId("doodle".to_owned()),
            name: "Doodle".to_owned(),
            family: "Tiny".to_owned(),
            description: String::new(),
            bytes: 0,
            stride: 64,
            default_size: (256, 256),
            defaults: Sampling::default(),
            vocabulary: None,
            examples: Vec::new(),
            operations: Vec::new(),
            features: Vec::new(),
            settings: Vec::new(),
            native_sizes: Vec::new(),
        }
    }

    #[test]
    fn an_empty_prompt_is_refused_before_the_engine_sees_it() {
        let mut draft = Draft {
            prompt: " \n ".to_owned(),
            ..Draft::default()
        };
        assert!(draft.request(Some(&model()), Compute::default()).is_err());
        draft.prompt = "a cat".to_owned();
        assert!(draft.request(None, Compute::default()).is_err());
        let request = draft.request(Some(&model()), Compute::default()).unwrap();
        assert_eq!((request.prompt.as_str(), request.n_pictures), ("a cat", 4));
        assert_eq!(request.negative_prompt, None);
    }

    #[test]
    fn a_locked_seed_stays_and_a_free_one_changes() {
        let mut draft = Draft {
            prompt: "a cat".to_owned(),
            ..Draft::default()
        };
        let mut seed = || {
            draft
                .request(Some(&model()), Compute::default())
                .unwrap()
                .seed
        };
        let (first, second) = (seed(), seed());
        assert_ne!(first, second);
        draft.seed_is_locked = true;
        draft.seed = 7;
        assert_eq!(
            draft
                .request(Some(&model()), Compute::default())
                .unwrap()
                .seed,
            7
        );
    }

    #[test]
    fn history_goes_back_and_forth_and_returns_what_was_being_written() {
        let mut draft = Draft::default();
        draft.earlier(&PromptHistory::default());
        assert_eq!(draft.prompt, "");
        let history = PromptHistory::new(["one", "two", "one", "three"].map(str::to_owned));
        draft.prompt = "being written".to_owned();
        let mut seen = Vec::new();
        for _ in 0..4 {
            draft.earlier(&history);
            seen.push(draft.prompt.clone());
        }
        assert_eq!(seen, ["three", "one", "two", "two"]);
        for _ in 0..3 {
            draft.later(&history);
        }
        assert_eq!(draft.prompt, "being written");
    }

    #[test]
    fn a_picture_of_another_size_gets_its_shape_on_the_stride() {
        let check = |size, expected| assert_eq!(fitting_size(&model(), size), expected, "{size:?}");
        check((256, 256), None);
        check((1024, 1024), None);
        check((1, 1), None);
        check((320, 192), Some((320, 192)));
        check((1920, 1080), Some((320, 192)));
        check((1, 5000), Some((128, 512)));
        check((0, 0), None);
    }

    #[test]
    fn sizes_keep_the_area_and_the_stride() {
        let choices = size_choices(&model());
        assert_eq!(choices[0].size, (256, 256));
        for choice in &choices {
            let (width, height) = choice.size;
            assert_eq!((width % 64, height % 64), (0, 0));
            assert!(
                (0.6..1.6).contains(&(width as f32 * height as f32 / 65536.0)),
                "{choice:?}"
            );
        }
    }
}
