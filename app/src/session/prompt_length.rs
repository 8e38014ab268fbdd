//! How long the prompt in the bar is, by the engine's count.

use limn_engine::protocol::{Feature, ModelId, Request, TokenCount};

use super::{Effect, Session};

/// The last count, and what it is of.
#[derive(Debug, Default)]
pub struct PromptLength {
    of: Option<(ModelId, String)>,
    count: Option<TokenCount>,
    /// One question at a time: the next is of whatever stands in the bar by then.
    is_asked: bool,
}

impl PromptLength {
    pub(super) fn answered(&mut self, count: Option<TokenCount>) {
        self.count = count;
        self.is_asked = false;
    }

    /// The engine that was asked is no more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Session {
    /// Asks for the length of the prompt in front, where that is not known.
    pub fn ask_for_prompt_length(&mut self) -> Option<Effect> {
        let model = self.current_model()?;
        if self.prompt_length.is_asked || !model.has(Feature::PromptWeights) {
            return None;
        }
        let prompt = &self.documents.current().draft.prompt;
        let of = self.prompt_length.of.as_ref();
        if of.is_some_and(|(id, counted)| *id == model.id && counted == prompt) {
            return None;
        }
        let (model, prompt) = (model.id.clone(), prompt.clone());
        self.prompt_length.of = Some((model.clone(), prompt.clone()));
        self.prompt_length.is_asked = true;
        Some(Effect::Ask(Request::CountTokens { model, prompt }))
    }

    /// The length of the prompt in front, or of what it was a moment ago; `None` where the model has none to tell.
    pub fn prompt_length(&self) -> Option<TokenCount> {
        let model = self.current_model()?;
        let (of, _) = self.prompt_length.of.as_ref()?;
        self.prompt_length.count.filter(|_| *of == model.id)
    }
}

#[cfg(test)]
mod tests {
    use limn_engine::protocol::{ModelInfo, Sampling};

    use super::*;

    fn session(features: Vec<Feature>) -> Session {
        let model = ModelInfo {
            id: ModelId("any".into()),
            name: "Any".into(),
            family: "any".into(),
            description: String::new(),
            bytes: 1,
            stride: 8,
            default_size: (64, 64),
            defaults: Sampling::default(),
            vocabulary: None,
            examples: Vec::new(),
            operations: Vec::new(),
            features,
            settings: Vec::new(),
            native_sizes: Vec::new(),
        };
        Session {
            models: vec![model],
            ..Session::default()
        }
    }

    #[test]
    fn one_question_at_a_time_is_asked_of_what_stands_in_the_bar() {
        let mut session = session(vec![Feature::PromptWeights]);
        session.draft_mut().prompt = "a boat".into();
        let asked = |session: &mut Session| match session.ask_for_prompt_length() {
            Some(Effect::Ask(Request::CountTokens { prompt, .. })) => Some(prompt),
            _ => None,
        };
        assert_eq!(asked(&mut session).as_deref(), Some("a boat"));
        session.draft_mut().prompt = "a boat on the sea".into();
        assert_eq!(asked(&mut session), None, "one is on its way");
        let count = TokenCount {
            n_tokens: 2,
            n_chunks: 1,
            chunk_tokens: 75,
        };
        session.prompt_length.answered(Some(count));
        assert_eq!(session.prompt_length(), Some(count));
        assert_eq!(asked(&mut session).as_deref(), Some("a boat on the sea"));
        session.prompt_length.answered(Some(count));
        assert_eq!(asked(&mut session), None, "it is known");
        session.prompt_length.forget();
        assert!(
            asked(&mut session).is_some(),
            "another engine has not counted"
        );
    }

    #[test]
    fn a_model_without_chunks_is_not_asked() {
        let mut session = session(Vec::new());
        session.draft_mut().prompt = "a boat".into();
        assert_eq!(session.ask_for_prompt_length(), None);
        assert_eq!(session.prompt_length(), None);
    }
}
