//! What steers pictures: asked for in words and pictures, read by a family into what only that family can look into.

use std::{any::Any, rc::Rc};

use crate::{Error, Result, image::RgbPicture, protocol::Mix};

/// What is to steer the pictures of a job.
#[derive(Clone, Copy)]
pub struct Steer<'a> {
    pub prompt: &'a str,
    pub negative_prompt: Option<&'a str>,
    pub by: SteerBy<'a>,
}

#[derive(Clone, Copy)]
pub enum SteerBy<'a> {
    Prompt,
    /// The prompt, and what is round the place that it is meant for: `prompt_share` is how far the way goes from there
    /// to the prompt, from 0 to 1.
    Place {
        surroundings: &'a RgbPicture,
        prompt_share: f32,
    },
    /// For each picture of the job one of these, or one for all, drawn so far to the prompt where there is one.
    Pictures {
        pictures: &'a [RgbPicture],
        prompt_share: f32,
    },
    /// The prompt says only what pictures are judged by.
    Blend {
        inputs: &'a [BlendSource<'a>],
        /// Of the inputs, for each picture of the job or for all.
        weights: &'a [Vec<f32>],
        mix: Mix,
    },
    /// For each picture of the job so much of the angle between the picture and the way from one text to the other.
    Shift {
        picture: &'a RgbPicture,
        ends: [&'a str; 2],
        shares: &'a [f32],
    },
}

/// One of what a blend is made of.
#[derive(Clone, Copy)]
pub enum BlendSource<'a> {
    /// The number of an earlier input that is the same picture: nothing is done twice.
    Twin(usize),
    Picture(&'a RgbPicture),
    Text(&'a str),
}

impl<'a> Steer<'a> {
    /// The prompt, unless it says nothing.
    pub fn spoken_prompt(&self) -> Option<&'a str> {
        Some(self.prompt).filter(|prompt| !prompt.trim().is_empty())
    }

    /// The texts whose end the user should know of when the model cannot read it.
    pub fn texts(&self) -> Vec<&'a str> {
        let own: Vec<&str> = match self.by {
            SteerBy::Prompt | SteerBy::Place { .. } => return vec![self.prompt],
            SteerBy::Pictures { .. } => self.spoken_prompt().into_iter().collect(),
            SteerBy::Blend { inputs, .. } => inputs
                .iter()
                .filter_map(|input| match input {
                    BlendSource::Text(text) => Some(*text),
                    BlendSource::Twin(_) | BlendSource::Picture(_) => None,
                })
                .collect(),
            SteerBy::Shift { ends, .. } => ends.to_vec(),
        };
        own.into_iter().chain(self.negative_prompt).collect()
    }

    /// How many pictures a family may have to look at.
    pub fn n_pictures(&self) -> usize {
        match self.by {
            SteerBy::Prompt => 0,
            SteerBy::Place { .. } | SteerBy::Shift { .. } => 1,
            SteerBy::Pictures { pictures, .. } => pictures.len(),
            SteerBy::Blend { inputs, .. } => inputs
                .iter()
                .filter(|input| matches!(input, BlendSource::Picture(_)))
                .count(),
        }
    }
}

/// What a family has read for a job.
pub struct JobConditioning(Box<dyn Any>);

impl JobConditioning {
    pub fn new(of_family: impl Any) -> Self {
        Self(Box::new(of_family))
    }

    /// # Errors
    /// [`Error::Bug`] for another family's.
    pub fn of<T: Any>(&self) -> Result<&T> {
        self.0.downcast_ref().ok_or_else(foreign)
    }

    /// # Errors
    /// [`Error::Bug`] for another family's.
    pub fn of_mut<T: Any>(&mut self) -> Result<&mut T> {
        self.0.downcast_mut().ok_or_else(foreign)
    }
}

/// What steers one picture.
#[derive(Clone)]
pub struct Conditioning(Rc<dyn Any>);

impl Conditioning {
    pub fn new(of_family: impl Any) -> Self {
        Self(Rc::new(of_family))
    }

    /// # Errors
    /// [`Error::Bug`] for another family's.
    pub fn of<T: Any>(&self) -> Result<&T> {
        self.0.downcast_ref().ok_or_else(foreign)
    }
}

fn foreign() -> Error {
    Error::Bug("a model was given another family's conditioning".to_owned())
}
