//! Commands about whole pictures: variations, mixes, turning one thing into another, larger copies.

use std::time::Instant;

use limn_engine::protocol::{GenerateRequest, ModelId};

use crate::app::App;
use crate::app::sources::{Intent, Origin};
use crate::command::{Command, GestureCommand};
use crate::panels::prompt_bar::Selection;
use crate::panels::toasts::Tone;
use crate::session::{Deed, MixDraft, Part, PictureRef, Place, Problem, RunId};

impl App {
    pub(super) fn gesture(&mut self, command: GestureCommand, now: Instant) {
        match command {
            GestureCommand::Vary(picture) => {
                if let Some(part) = self.part(picture, now) {
                    self.vary(vec![Origin::Part(part)], now);
                }
            }
            GestureCommand::VaryDropped => {
                for path in std::mem::take(&mut self.dropped) {
                    self.vary(vec![Origin::File(path)], now);
                }
            }
            GestureCommand::VaryAgain { run, far, words } => {
                let again = GestureCommand::VaryAgain {
                    run,
                    far,
                    words: words.clone(),
                };
                if !self.fetch_sources(run, Command::Gesture(again)) {
                    self.vary_again(run, far, &words, now);
                }
            }
            GestureCommand::AddToMix(picture) => {
                let chosen = self.chosen_in_gallery();
                if picture.is_some() || chosen.is_empty() {
                    self.add_to_mix(picture, now);
                } else {
                    for picture in chosen.into_iter().take(MixDraft::MOST) {
                        self.add_to_mix(Some(picture), now);
                    }
                }
            }
            GestureCommand::Turn(picture) => self.choose_turn(picture, now),
            GestureCommand::LeaveTray => {
                self.session.leave_tray();
                self.session.draft_mut().problem = None;
            }
            GestureCommand::Upscale { picture, scale } => {
                if let Some(part) = self.part(picture, now) {
                    self.upscale(part, scale);
                }
            }
        }
    }

    /// The picture that is meant; says so where there is none.
    fn part(&mut self, picture: Option<PictureRef>, now: Instant) -> Option<Part> {
        let part = match picture.or_else(|| self.chosen_in_gallery().first().copied()) {
            Some(picture) => self.session.part_of(picture),
            None => self.session.part_in_view(),
        };
        part.map_err(|reason| self.toasts.say(Tone::Plain, reason, now))
            .ok()
    }

    /// In the gallery's place the chosen pictures are meant, not the one on the canvas.
    fn chosen_in_gallery(&self) -> Vec<PictureRef> {
        if self.session.place != Place::Gallery {
            return Vec::new();
        }
        let chosen = self.gallery_view.meant().into_iter();
        chosen.map(PictureRef::Gallery).collect()
    }

    /// Whether the model does this; says so where it does not.
    fn is_able(&mut self, deed: Deed, now: Instant) -> bool {
        let obstacle = self.session.obstacle(deed);
        if let Some(reason) = &obstacle {
            self.toasts.say(Tone::Plain, reason, now);
        }
        obstacle.is_none()
    }

    fn vary(&mut self, origins: Vec<Origin>, now: Instant) {
        if !self.is_able(Deed::Variations, now) {
            return;
        }
        let far = self.session.draft_mut().far;
        match self.gesture_request(String::new()) {
            Ok(request) => self.gather(request, Intent::Variations { far }, origins),
            Err(problem) => self.toasts.say(Tone::Plain, problem.text, now),
        }
        self.session.place = Place::Canvas;
    }

    fn vary_again(&mut self, run: RunId, far: f32, words: &str, now: Instant) {
        if !self.is_able(Deed::Variations, now) {
            return;
        }
        self.session.draft_mut().far = far;
        match self.gesture_request(words.trim().to_owned()) {
            Ok(request) => {
                let effects = self.session.queue_variations_again(run, request, far);
                self.carry_out_effects(effects);
            }
            Err(problem) => self.toasts.say(Tone::Plain, problem.text, now),
        }
    }

    /// The settings of the prompt bar with other words than its prompt.
    fn gesture_request(&mut self, words: String) -> Result<GenerateRequest, Problem> {
        let model = self.session.current_model().cloned();
        let compute = self.settings.compute.clone();
        let draft = self.session.draft_mut();
        let mut request = draft.request_for(words, model.as_ref(), compute)?;
        self.session.sift_loras(&mut request)?;
        self.session.sift_ip_adapter(&mut request);
        Ok(request)
    }

    fn add_to_mix(&mut self, picture: Option<PictureRef>, now: Instant) {
        if !self.is_able(Deed::Mix, now) {
            return;
        }
        self.session.place = Place::Canvas;
        let is_open = self.session.deed() == Deed::Mix;
        self.session.choose_deed(Deed::Mix);
        let part = match picture {
            Some(picture) => self.session.part_of(picture),
            None => self.session.part_in_view(),
        };
        let draft = self.session.draft_mut();
        draft.problem = None;
        let added = match part {
            Ok(part) => draft.mix.add(part),
            // Opened to be filled from elsewhere.
            Err(_) if picture.is_none() && !is_open => Ok(()),
            Err(reason) => Err(reason),
        };
        if let Err(reason) = added {
            self.toasts.say(Tone::Plain, reason, now);
        }
    }

    pub(super) fn choose_turn(&mut self, picture: Option<PictureRef>, now: Instant) {
        if !self.is_able(Deed::Turn, now) {
            return;
        }
        let Some(part) = self.part(picture, now) else {
            return;
        };
        self.session.place = Place::Canvas;
        self.session.choose_deed(Deed::Turn);
        let draft = self.session.draft_mut();
        draft.problem = None;
        draft.turn.source = Some(part);
        self.bar.focus = Some(Selection::All);
    }

    /// Runs what is put together in the prompt bar.
    pub(super) fn run_tray(&mut self, deed: Deed) -> Result<(), Problem> {
        if let Some(reason) = self.session.obstacle(deed) {
            return Err(reason.as_str().into());
        }
        if let Some(problem) = self.gone_from_tray(deed) {
            return Err(problem);
        }
        let draft = self.session.draft_mut();
        let (problem, origins, intent) = match deed {
            Deed::Mix => {
                let parts = draft.mix.parts.iter();
                let origins = parts.map(|(part, _)| Origin::Part(part.clone()));
                let ways = draft.mix.ways();
                (draft.mix.problem(), origins.collect(), Intent::Mix { ways })
            }
            _ => {
                let turn = draft.turn.clone();
                let origins: Vec<Origin> = turn.source.iter().cloned().map(Origin::Part).collect();
                let intent = Intent::Turn {
                    from: turn.from.trim().to_owned(),
                    to: turn.to.trim().to_owned(),
                    amounts: turn.amounts(),
                };
                (turn.problem(), origins, intent)
            }
        };
        if let Some(problem) = problem {
            return Err(problem);
        }
        let request = self.gesture_request(String::new())?;
        self.gather(request, intent, origins);
        Ok(())
    }

    /// What is to be done about a picture of the tray that was deleted since it was put there.
    fn gone_from_tray(&mut self, deed: Deed) -> Option<Problem> {
        let is_gone = |part: &Part| {
            let picture = part.picture();
            picture.is_some_and(|id| self.gallery_view.is_gone(id))
        };
        let draft = &self.session.documents.current().draft;
        if deed == Deed::Mix {
            let place = draft.mix.parts.iter().position(|(part, _)| is_gone(part))?;
            let text = format!(
                "Part {} of the mix was deleted: take it out, or add another picture.",
                place + 1
            );
            Some(text.as_str().into())
        } else {
            let source = draft.turn.source.as_ref();
            let text = "This picture was deleted: show another and take that one instead.";
            source.is_some_and(is_gone).then(|| text.into())
        }
    }

    fn upscale(&mut self, part: Part, scale: u32) {
        self.session.place = Place::Canvas;
        let request = self.upscale_request();
        let intent = Intent::Upscale { scale };
        self.gather(request, intent, vec![Origin::Part(part)]);
    }

    /// It goes without a model that draws; then only the device is read of the request.
    pub(in crate::app) fn upscale_request(&mut self) -> GenerateRequest {
        let request = self.gesture_request(String::new());
        let request = request.unwrap_or_else(|_| {
            GenerateRequest::blank(ModelId(String::new()), self.settings.compute.clone())
        });
        GenerateRequest {
            negative_prompt: None,
            best_of: 1,
            ..request
        }
    }
}

#[cfg(test)]
mod tests;
