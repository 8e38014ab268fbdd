//! Commands about the prompt, runs and their results.

use std::time::Instant;

use limn_engine::protocol::{GenerateRequest, Operation};

use super::Fetched;
use crate::app::App;
use crate::app::sources::{Intent, Origin};
use crate::command::Command;
use crate::gallery::{self, Recipe};
use crate::panels::prompt_bar::Selection;
use crate::panels::toasts::Tone;
use crate::session::{
    Deed, Keep, Kept, Part, PictureId, PictureRef, Place, Problem, RecipePart, Run, Usable,
    new_seed, surprise, unknown_words,
};

impl App {
    /// Runs the prompt. What is wrong with it is said beside it.
    pub(super) fn generate(&mut self, deed: Deed, now: Instant) {
        self.session.place = Place::Canvas;
        let is_alone = self.session.overlay_result().is_some();
        if deed.is_edit() && self.session.documents.current().is_blank() && is_alone {
            // What is seen is meant: it becomes the document that is changed.
            self.keep(now);
        }
        let done = if deed.has_tray() {
            self.run_tray(deed)
        } else {
            self.try_generate(deed)
        };
        let problem = done.err();
        if problem.is_some() && !deed.has_tray() {
            self.bar.focus = Some(Selection::End);
        }
        self.session.draft_mut().problem = problem;
    }

    fn try_generate(&mut self, deed: Deed) -> Result<(), Problem> {
        let model = self.session.current_model().cloned();
        let compute = self.settings.compute.clone();
        let mut request = self.session.draft_mut().request(model.as_ref(), compute)?;
        self.session.sift_loras(&mut request)?;
        self.session.sift_ip_adapter(&mut request);
        let prompt = request.prompt.clone();
        let (_, effects) = if deed.is_edit() {
            let snapshot = self.session.take_snapshot(deed)?;
            self.session.queue_edit(request, snapshot)
        } else {
            self.session.queue(request)
        };
        self.session.history.remember(prompt);
        self.carry_out_effects(effects);
        Ok(())
    }

    /// From the shown picture's recipe, else from the selected run.
    pub(super) fn again(&mut self, now: Instant) {
        let compute = self.settings.compute.clone();
        let effects = match (self.session.shown(), self.session.selected_run()) {
            (Some(PictureRef::Gallery(id)), _) => self.again_from_gallery(id, now),
            (Some(PictureRef::Result { run, .. }), _) | (None, Some(run)) => {
                if self.fetch_sources(run, Command::Again) {
                    return;
                }
                match self.session.run(run).filter(|run| !run.has_subject()) {
                    Some(past) => {
                        let mut recipes = past.slots.iter().filter_map(|slot| slot.recipe());
                        let recipe = recipes.next().map(|recipe| recipe.as_ref().clone());
                        self.again_like(recipe.as_ref(), now)
                    }
                    None => Ok(self.session.queue_again(run, new_seed(), compute)),
                }
            }
            (None, None) => Err("There are no results to make again."),
        };
        match effects {
            Ok(effects) => self.carry_out_effects(effects),
            Err(message) => self.toasts.say(Tone::Plain, message, now),
        }
    }

    fn again_from_gallery(
        &mut self,
        id: PictureId,
        now: Instant,
    ) -> Result<Vec<crate::session::Effect>, &'static str> {
        let record = self.gallery_view.record(id).cloned();
        let recipe = record.as_ref().and_then(|record| record.recipe.as_ref());
        self.again_like(recipe, now)
    }

    /// Says it where what a picture was drawn with is not here, and another model stands in.
    fn tell_of_missing_model(&mut self, recipe: &Recipe, now: Instant) {
        let models = &self.session.models;
        if models.iter().any(|model| model.name == recipe.model) {
            return;
        }
        let Some(standing_in) = self.session.current_model() else {
            return;
        };
        let message = format!(
            "“{}” is not among your models: {} draws in its place.",
            limn_engine::foreign_text::name(&recipe.model),
            standing_in.name
        );
        self.toasts.say(Tone::Plain, message, now);
    }

    /// From how a picture was made, where nothing else is at hand of it.
    pub(super) fn again_like(
        &mut self,
        recipe: Option<&Recipe>,
        now: Instant,
    ) -> Result<Vec<crate::session::Effect>, &'static str> {
        let recipe = recipe.ok_or("How this picture was made is not known.")?;
        if recipe.deed == Operation::Variations {
            self.tell_of_missing_model(recipe, now);
            return self.vary_like(recipe);
        }
        if recipe.deed != Operation::Generate {
            return Err("This picture was made from another: open that one and change it again.");
        }
        self.tell_of_missing_model(recipe, now);
        let request = self.request_from(recipe);
        let mut request = request.ok_or("There is no model to draw with yet: see Models.")?;
        request.seed = new_seed();
        Ok(self.session.queue(request).1)
    }

    /// Variations of what a picture of the gallery is a variation of.
    fn vary_like(&mut self, recipe: &Recipe) -> Result<Vec<crate::session::Effect>, &'static str> {
        let parent = recipe.parents.first().copied();
        let parent = parent.ok_or("What this is a variation of is not in the gallery.")?;
        let far = recipe.variations.as_ref().map_or(1.0, |facts| facts.far);
        let request = self.request_from(recipe);
        let mut request = request.ok_or("There is no model to draw with yet: see Models.")?;
        request.seed = new_seed();
        let origins = vec![Origin::Part(Part::Picture(parent))];
        self.gather(request, Intent::Variations { far }, origins);
        Ok(Vec::new())
    }

    fn request_from(&self, recipe: &Recipe) -> Option<GenerateRequest> {
        let model = self
            .session
            .models
            .iter()
            .find(|model| model.name == recipe.model)
            .or_else(|| self.session.current_model())?;
        Some(GenerateRequest {
            model: model.id.clone(),
            compute: self.settings.compute.clone(),
            prompt: recipe.drawn_prompt().to_owned(),
            negative_prompt: recipe.negative_prompt.clone(),
            size: Some((recipe.width, recipe.height)),
            n_pictures: self.session.documents.current().draft.n_pictures,
            best_of: 1,
            seed: recipe.seed,
            sampling: recipe.sampling().for_model(model),
            latents: None,
            loras: recipe.loras_beside_words(),
            ip_adapter: recipe
                .ip_adapter_choice()
                .filter(|_| model.name == recipe.model),
        })
    }

    /// Makes what is shown a part of the document.
    pub(super) fn keep(&mut self, now: Instant) {
        match self.session.keep() {
            Keep::Done(kept) => self.say_kept(kept, now),
            Keep::Fetch(id) => self.fetch(id, Fetched::OpenDocument),
            Keep::NotMade => {
                let is_active = self.session.selected().is_some_and(Run::is_active);
                let text = if is_active {
                    "This result is not finished yet."
                } else {
                    "This result was not made: run it again."
                };
                self.toasts.say(Tone::Plain, text, now);
            }
            Keep::OnlyInGallery => self.toasts.say(
                Tone::Plain,
                "This result is too old to be laid over the picture. It is in the gallery.",
                now,
            ),
            Keep::Nothing => {}
        }
    }

    pub(super) fn say_kept(&mut self, kept: Kept, now: Instant) {
        let text = match kept {
            Kept::Base => "Kept as the picture of this document",
            Kept::OwnDocument => "Opened as a document of its own",
            Kept::Patch => "Kept as a layer",
            Kept::Swapped => "Swapped for the result kept before",
        };
        match kept {
            Kept::OwnDocument => self.toasts.say(Tone::Good, text, now),
            _ => {
                let document = self.session.document();
                let undo = Command::UndoStep {
                    document: document.id(),
                    serial: document.serial(),
                };
                self.toasts.offer(Tone::Good, text, "Undo", undo, now);
            }
        }
    }

    pub(super) fn discard(&mut self, now: Instant) {
        let Some(run) = self.session.selected_run() else {
            return;
        };
        if self
            .session
            .run(run)
            .is_some_and(crate::session::Run::is_active)
        {
            let effects = self.session.cancel(run);
            self.carry_out_effects(effects);
        }
        self.session.dismiss(run);
        self.toasts.offer(
            Tone::Plain,
            "Results hidden. Finished pictures stay in the gallery.",
            "Undo",
            Command::TakeBackRun(run),
            now,
        );
    }

    /// Opens a picture of the gallery, to go on with once it is there.
    pub(in crate::app) fn fetch(&mut self, id: PictureId, then: Fetched) {
        self.fetching.push((id, then));
        self.tell_gallery(gallery::Command::Open(id));
    }

    pub(super) fn show(&mut self, picture: PictureRef) {
        self.session.place = Place::Canvas;
        self.session.show(picture);
    }

    /// Through the run's results, or through the gallery when a picture of it is shown.
    pub(super) fn step(&mut self, by: i32) {
        match self.session.shown() {
            Some(PictureRef::Gallery(id)) => {
                if let Some(next) = self.gallery_view.neighbour(id, by) {
                    self.session.show(PictureRef::Gallery(next));
                }
            }
            _ => self.session.step_result(by),
        }
    }

    pub(super) fn set_prompt(&mut self, text: String) {
        self.session.leave_tray();
        let draft = self.session.draft_mut();
        draft.prompt = text;
        draft.edited();
        self.bar.focus = Some(Selection::End);
    }

    pub(super) fn surprise_prompt(&mut self, now: Instant) {
        let seed = new_seed();
        let prompt = self
            .session
            .current_model()
            .and_then(|model| surprise(model.vocabulary.as_ref(), &model.examples, seed));
        match prompt {
            Some(prompt) => self.set_prompt(prompt),
            None => {
                let text = "This model has no examples and names no words: write what you like.";
                self.toasts.say(Tone::Plain, text, now);
            }
        }
    }

    pub(super) fn replace_word(&mut self, from: &str, to: &str) {
        let model = self.session.current_model().cloned();
        let Some(vocabulary) = model.and_then(|model| model.vocabulary) else {
            return;
        };
        let deed = self.session.deed();
        let draft = self.session.draft_mut();
        let mixed = draft.mix.parts.iter_mut();
        let mixed = mixed.filter_map(|(part, _)| match part {
            Part::Text(text) => Some(text),
            Part::Picture(_) | Part::Canvas => None,
        });
        let texts: Vec<&mut String> = match deed {
            Deed::Mix => mixed.collect(),
            Deed::Turn => vec![&mut draft.turn.from, &mut draft.turn.to],
            _ => vec![&mut draft.prompt],
        };
        for text in texts {
            let unknown = unknown_words(text, &vocabulary).into_iter();
            let mut unknown = unknown.filter(|unknown| unknown.word == from);
            if let Some(unknown) = unknown.next() {
                text.replace_range(unknown.range, to);
                draft.edited();
                break;
            }
        }
        if !deed.has_tray() {
            self.bar.focus = Some(Selection::End);
        }
    }

    pub(super) fn use_recipe(&mut self, picture: PictureRef, part: RecipePart) {
        let Some(usable) = Usable::of(&self.session, &self.gallery_view, picture) else {
            return;
        };
        self.session.leave_tray();
        let uses = |other| part == RecipePart::Everything || part == other;
        // A picture without words leaves alone what is being written.
        let has_prompt = usable.obstacle(RecipePart::Prompt).is_none();
        let own_size = self.session.current_model().map(|model| model.default_size);
        let draft = self.session.draft_mut();
        if uses(RecipePart::Prompt) && has_prompt {
            draft.prompt = usable.prompt;
            draft.edited();
        }
        if uses(RecipePart::Negative) {
            draft.negative_prompt = usable.negative_prompt;
        }
        if uses(RecipePart::Size) {
            draft.size = usable.size.filter(|size| Some(*size) != own_size);
        }
        if let Some(seed) = usable.seed.filter(|_| uses(RecipePart::Seed)) {
            draft.seed = seed;
            draft.seed_is_locked = true;
        }
        if uses(RecipePart::Sampling) {
            draft.sampling = usable.sampling;
            draft.loras = usable.loras;
            draft.ip_adapter = usable.ip_adapter;
        }
        self.session.place = Place::Canvas;
        self.bar.focus = Some(Selection::End);
    }
}
