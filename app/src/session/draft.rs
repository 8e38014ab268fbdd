//! What is being written in the prompt bar.

use limn_engine::protocol::{
    Compute, GenerateRequest, IpAdapterChoice, LoraChoice, ModelInfo, Sampling,
};

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
    /// What changes the model, beside what the prompt names.
    pub loras: Vec<LoraChoice>,
    /// Through which the model looks at pictures; `None` is the first that fits it, as it was trained.
    pub ip_adapter: Option<IpAdapterChoice>,
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
    pub(super) browsing: Option<(usize, String)>,
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
            loras: Vec::new(),
            ip_adapter: None,
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
            loras: self.loras.clone(),
            ip_adapter: self.ip_adapter.clone(),
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
        let is_written = |text: &String| !text.trim().is_empty();
        is_written(&self.prompt)
            || is_written(&self.negative_prompt)
            || !mix.parts.is_empty()
            || has_turn
    }

    /// For a document that is new: the same settings, nothing written, neither what to draw nor what to avoid.
    #[must_use]
    pub fn for_new_document(&self) -> Self {
        Self {
            prompt: String::new(),
            negative_prompt: String::new(),
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
    pub label: String,
    pub size: (u32, u32),
}

/// The model's own size, and other shapes of about the same area on its stride, each named by what it is: on a coarse
/// stride 16:9 may be out of reach, and is then not called so.
pub fn size_choices(model: &ModelInfo) -> Vec<SizeChoice> {
    let mut choices: Vec<SizeChoice> = Vec::new();
    for (name, across, down) in [
        ("Square", 1, 1),
        ("Landscape", 4, 3),
        ("Portrait", 3, 4),
        ("Landscape", 3, 2),
        ("Portrait", 2, 3),
        ("Wide", 16, 9),
        ("Tall", 9, 16),
    ] {
        let size = nearest_size(model, across as f32 / down as f32);
        if !choices.iter().any(|choice| choice.size == size) {
            let label = shape_label(name, (across, down), size);
            choices.push(SizeChoice { label, size });
        }
    }
    choices
}

/// On the stride: of the sizes with about the model's own area the one whose shape comes closest.
fn nearest_size(model: &ModelInfo, aspect: f32) -> (u32, u32) {
    /// Of the own area, either way.
    const MOST_AREA_CHANGE: f32 = 1.25;
    let (width, height) = model.default_size;
    let area = width as f32 * height as f32;
    let stride = model.stride.max(1);
    let rounded = size_of_shape(model, aspect);
    let farness = |(width, height): (u32, u32)| {
        let (width, height) = (width as f32, height as f32);
        let shape = (width / height / aspect).ln().abs();
        let size = (width * height / area).ln().abs();
        // A little more area is nothing beside the shape.
        let is_too_far = size > MOST_AREA_CHANGE.ln();
        (is_too_far, shape + 0.004 * size)
    };
    let steps = |middle: u32| {
        let middle = middle / stride;
        let most = (middle / 3).max(2);
        (middle.saturating_sub(most).max(1)..=middle + most).map(move |n| n * stride)
    };
    let mut best = rounded;
    for width in steps(rounded.0) {
        for height in steps(rounded.1) {
            let (is_too_far, distance) = farness((width, height));
            let (best_too_far, best_distance) = farness(best);
            if (is_too_far, distance) < (best_too_far, best_distance) {
                best = (width, height);
            }
        }
    }
    best
}

/// "Wide 16:9" where it is within a hundredth of that, else its own proportions, as "Wide 7:4".
fn shape_label(name: &str, (across, down): (u32, u32), (width, height): (u32, u32)) -> String {
    if width == height {
        return "Square".to_owned();
    }
    let off = (width as f32 / height as f32) / (across as f32 / down as f32);
    if (off - 1.0).abs() <= 0.01 {
        return format!("{name} {across}:{down}");
    }
    let mut divisor = (width, height);
    while divisor.1 > 0 {
        divisor = (divisor.1, divisor.0 % divisor.1);
    }
    format!("{name} {}:{}", width / divisor.0, height / divisor.0)
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

    /// What a size is called is what it is.
    #[test]
    fn sizes_are_named_by_their_shape() {
        for (default, stride, wide, expected) in [
            ((1024, 1024), 8, (1408, 792), "Wide 16:9"),
            ((128, 128), 16, (176, 96), "Wide 11:6"),
            ((768, 768), 64, (1024, 576), "Wide 16:9"),
        ] {
            let model = ModelInfo {
                default_size: default,
                stride,
                ..model()
            };
            let choices = size_choices(&model);
            let found = choices.iter().find(|choice| choice.size == wide);
            assert_eq!(
                found.map(|choice| &*choice.label),
                Some(expected),
                "{choices:?}"
            );
            for choice in &choices {
                let Some((_, shape)) = choice.label.split_once(' ') else {
                    assert_eq!(choice.size.0, choice.size.1);
                    continue;
                };
                let (across, down) = shape.split_once(':').unwrap();
                let named = across.parse::<f32>().unwrap() / down.parse::<f32>().unwrap();
                let is = choice.size.0 as f32 / choice.size.1 as f32;
                assert!((is / named - 1.0).abs() < 0.011, "{choice:?}");
            }
        }
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
