//! Gestures that are being put together in the prompt bar: what is mixed, what is turned into what.

use serde::{Deserialize, Serialize};

use super::{PictureId, PictureRef, Problem, Session};

/// A picture or words for a mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Picture(PictureId),
    /// What the document shows when the mix is run.
    Canvas,
    Text(String),
}

impl Part {
    /// The picture of the gallery that it is.
    pub fn picture(&self) -> Option<PictureId> {
        match self {
            Self::Picture(id) => Some(*id),
            Self::Canvas | Self::Text(_) => None,
        }
    }
}

/// Two to four parts, each with its weight from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MixDraft {
    pub parts: Vec<(Part, f32)>,
    /// A strip of pictures from the first of two to the second, rather than several of one mixture.
    pub shows_way: bool,
}

impl Default for MixDraft {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            shows_way: true,
        }
    }
}

impl MixDraft {
    pub const MOST: usize = 4;

    /// # Errors
    /// Why it is not taken.
    pub fn add(&mut self, part: Part) -> Result<(), &'static str> {
        if self.parts.len() == Self::MOST {
            return Err("A mix has at most four parts: take one out first.");
        }
        if part == Part::Canvas && self.parts.iter().any(|(other, _)| *other == part) {
            return Err("The picture on the canvas is in the mix already.");
        }
        self.parts.push((part, 1.0));
        Ok(())
    }

    /// As it was written down: with no more than there may be, each within its bounds.
    #[must_use]
    pub fn taken_up(self) -> Self {
        let mut mix = Self {
            shows_way: self.shows_way,
            ..Self::default()
        };
        for (part, weight) in self.parts {
            if mix.add(part).is_ok()
                && let Some((_, taken)) = mix.parts.last_mut()
            {
                *taken = weight.clamp(0.0, 1.0);
            }
        }
        mix
    }

    pub fn remove(&mut self, index: usize) {
        if index < self.parts.len() {
            self.parts.remove(index);
        }
    }

    /// The second's part of a mix of two.
    pub fn share(&self) -> f32 {
        match self.parts.as_slice() {
            [(_, first), (_, second)] if first + second > 0.0 => second / (first + second),
            _ => 0.5,
        }
    }

    pub fn set_share(&mut self, share: f32) {
        if let [(_, first), (_, second)] = self.parts.as_mut_slice() {
            (*first, *second) = (1.0 - share, share);
        }
    }

    /// Whether it will be a strip from one to the other.
    pub fn is_strip(&self) -> bool {
        self.shows_way && self.parts.len() == 2
    }

    /// The weights for each picture; a single row goes for all.
    pub fn ways(&self) -> Vec<Vec<f32>> {
        /// Shares of the second: evenly spaced, and each one a mix of both.
        const STRIP: [f32; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];
        if self.is_strip() {
            return STRIP
                .iter()
                .map(|share| vec![1.0 - share, *share])
                .collect();
        }
        vec![self.parts.iter().map(|(_, weight)| *weight).collect()]
    }

    /// What keeps it from being run.
    pub fn problem(&self) -> Option<Problem> {
        let is_wordless =
            |(part, _): &(Part, f32)| matches!(part, Part::Text(text) if text.trim().is_empty());
        let sum: f32 = self.parts.iter().map(|(_, weight)| weight).sum();
        if self.parts.len() < 2 {
            Some("A mix needs two parts: add another picture or words.".into())
        } else if self.parts.iter().any(is_wordless) {
            Some("Write the words to mix in, or take their field out.".into())
        } else if !self.is_strip() && sum < 0.01 {
            Some("Nothing is left of this mix: give one part some weight.".into())
        } else {
            None
        }
    }
}

/// A picture, and what of it is turned into what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TurnDraft {
    /// `None`: nothing to turn yet.
    pub source: Option<Part>,
    pub from: String,
    pub to: String,
    /// How far, from 0 to 1.
    pub amount: f32,
    /// A strip of pictures up to the amount, rather than that one.
    pub shows_way: bool,
}

impl Default for TurnDraft {
    fn default() -> Self {
        Self {
            source: None,
            from: String::new(),
            to: String::new(),
            amount: 0.7,
            shows_way: true,
        }
    }
}

impl TurnDraft {
    /// As it was written down, within its bounds.
    #[must_use]
    pub fn taken_up(self) -> Self {
        Self {
            amount: self.amount.clamp(0.05, 1.0),
            ..self
        }
    }

    pub fn amounts(&self) -> Vec<f32> {
        const N_STRIP: u8 = 5;
        if self.shows_way {
            let part = |i: u8| self.amount * f32::from(i) / f32::from(N_STRIP);
            (1..=N_STRIP).map(part).collect()
        } else {
            vec![self.amount]
        }
    }

    /// What keeps it from being run.
    pub fn problem(&self) -> Option<Problem> {
        let (from, to) = (self.from.trim(), self.to.trim());
        if self.source.is_none() {
            Some("Show the picture first that is to be turned.".into())
        } else if from.is_empty() || to.is_empty() {
            Some("Say what is there and what it becomes, as in “day” into “night”.".into())
        } else if from.eq_ignore_ascii_case(to) {
            Some("Both say the same: nothing would change.".into())
        } else {
            None
        }
    }
}

impl Session {
    /// What a gesture without a picture of its own is about: the picture that is seen.
    ///
    /// # Errors
    /// Why there is none.
    pub fn part_in_view(&self) -> Result<Part, &'static str> {
        match self.shown() {
            Some(picture) => self.part_of(picture),
            None if self.document().content().frame.is_empty() => {
                Err("There is no picture yet: open one or draw one first.")
            }
            None => Ok(Part::Canvas),
        }
    }

    /// # Errors
    /// Why it cannot be taken.
    pub fn part_of(&self, picture: PictureRef) -> Result<Part, &'static str> {
        let id = self.picture_id(picture);
        id.map(Part::Picture)
            .ok_or("This picture is not finished yet.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(weights: &[f32], shows_way: bool) -> MixDraft {
        let part = |weight: &f32| (Part::Picture(PictureId::new()), *weight);
        MixDraft {
            parts: weights.iter().map(part).collect(),
            shows_way,
        }
    }

    #[test]
    fn two_parts_are_a_strip_or_a_share_and_more_are_weighed() {
        let strip = mix(&[1.0, 1.0], true).ways();
        assert_eq!(strip.len(), 5);
        assert_eq!(strip[2], [0.5, 0.5]);
        assert!(
            strip
                .iter()
                .all(|way| way.iter().all(|weight| *weight > 0.0))
        );
        let mut pair = mix(&[1.0, 1.0], false);
        assert!((pair.share() - 0.5).abs() < 1e-6);
        pair.set_share(0.25);
        assert_eq!(pair.ways(), [[0.75, 0.25]]);
        assert!((pair.share() - 0.25).abs() < 1e-6);
        assert_eq!(mix(&[1.0, 0.5, 0.0], true).ways(), [[1.0, 0.5, 0.0]]);
    }

    #[test]
    fn what_cannot_be_mixed_says_why() {
        for (weights, is_possible) in [
            (&[][..], false),
            (&[1.0], false),
            (&[1.0, 1.0], true),
            (&[0.0, 0.0, 0.0], false),
            (&[0.0, 0.4, 0.0, 1.0], true),
        ] {
            assert_eq!(
                mix(weights, false).problem().is_none(),
                is_possible,
                "{weights:?}"
            );
        }
        let mut full = mix(&[1.0; 4], false);
        assert!(full.add(Part::Text("a hat".to_owned())).is_err());
        full.remove(3);
        full.remove(9);
        assert!(full.add(Part::Canvas).is_ok());
        full.remove(0);
        assert!(full.add(Part::Canvas).is_err(), "twice the same picture");
        assert!(full.add(Part::Text(" ".to_owned())).is_ok());
        assert!(full.problem().is_some(), "words without a word");
    }

    #[test]
    fn a_mix_comes_back_as_it_was_and_nonsense_within_bounds() {
        let picture = PictureId::new();
        let mix = MixDraft {
            parts: vec![
                (Part::Picture(picture), 0.25),
                (Part::Text("a hat".to_owned()), 1.0),
                (Part::Canvas, 0.0),
            ],
            shows_way: false,
        };
        let json = serde_json::to_string(&mix).unwrap_or_default();
        let read: MixDraft = serde_json::from_str(&json).unwrap_or_default();
        assert_eq!(read.taken_up(), mix);
        let nonsense = MixDraft {
            parts: vec![(Part::Canvas, 7.0); 9],
            ..mix
        };
        assert_eq!(nonsense.taken_up().parts, [(Part::Canvas, 1.0)]);
        let far = TurnDraft {
            amount: -3.0,
            ..TurnDraft::default()
        };
        assert!(far.taken_up().amount > 0.0);
    }

    #[test]
    fn a_turn_needs_a_picture_and_two_texts_that_differ() {
        let turn = |from: &str, to: &str| TurnDraft {
            source: Some(Part::Canvas),
            from: from.to_owned(),
            to: to.to_owned(),
            ..TurnDraft::default()
        };
        for (from, to, is_possible) in [
            ("day", "night", true),
            ("day", " ", false),
            ("", "night", false),
            ("Day ", "day", false),
        ] {
            assert_eq!(
                turn(from, to).problem().is_none(),
                is_possible,
                "{from} {to}"
            );
        }
        let nothing = TurnDraft {
            source: None,
            ..turn("day", "night")
        };
        assert!(nothing.problem().is_some());
        let amounts = turn("day", "night").amounts();
        assert_eq!(amounts.len(), 5);
        assert!((amounts[4] - 0.7).abs() < 1e-6 && amounts[0] > 0.0);
        let single = TurnDraft {
            shows_way: false,
            ..turn("day", "night")
        };
        assert_eq!(single.amounts(), [0.7]);
    }
}
