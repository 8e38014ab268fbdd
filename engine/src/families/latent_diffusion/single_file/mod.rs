//! Files in the names of the first latent diffusion code (Rombach et al. 2022) and its successor for Stable Diffusion XL:
//! a whole model in one file, or its parts in one file each.
//!
//! A family says which parts it has and under which prefixes they lie; here their configs are read from names and shapes
//! alone, and the file is seen as the folder that diffusers would have saved of it.

mod autoencoder;
mod clip;
mod clip_files;
mod diffusers_names;
mod few_steps;
mod layout;
mod lone_parts;
mod lora;
mod open_clip;
mod unet;
mod unet_names;
mod vision;

pub(super) use layout::folder;
pub(in crate::families) use layout::{
    Layout, More, Naming, Prediction, Recipe, TextPart, epsilon, nothing_more, recognise,
    told_prediction,
};
pub(in crate::families) use lone_parts::describe_lone_part;
pub(in crate::families) use lora::describe_lora;
pub(in crate::families) use open_clip::Layers;
use serde_json::Value;
pub(in crate::families) use unet::UNetShape;
pub(in crate::families) use vision::{open_clip_vision, vision_encoder_file};

use crate::weights::{Target, TensorFiles, Views};

/// The tensors under one prefix: those of one part, by their names within it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    files: &'a TensorFiles,
    prefix: &'a str,
}

/// What a part of a file is: a config as diffusers or transformers write it, and what its tensors are called there.
#[derive(Debug)]
pub(in crate::families) struct Part {
    pub config: Value,
    pub views: Views,
}

impl<'a> Scope<'a> {
    /// Under the first of the prefixes under which there is a tensor `sign`.
    pub fn find(files: &'a TensorFiles, prefixes: &[&'a str], sign: &str) -> Option<Self> {
        let scopes = prefixes.iter().map(|prefix| Self { files, prefix });
        scopes.into_iter().find(|scope| scope.has(sign))
    }

    pub fn shape(&self, name: &str) -> Option<&'a [usize]> {
        self.files.shape(&format!("{}{name}", self.prefix))
    }

    pub fn has(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// One of a tensor's sizes.
    pub fn size(&self, name: &str, axis: usize) -> Option<usize> {
        self.shape(name)?.get(axis).copied()
    }

    /// How many of `0`, `1`, `2` … there are, each told by a tensor.
    pub fn count(&self, sign: impl Fn(usize) -> String) -> usize {
        let mut n_found = 0;
        while self.has(&sign(n_found)) {
            n_found += 1;
        }
        n_found
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        let prefix = self.prefix;
        self.files
            .names()
            .filter_map(move |name| name.strip_prefix(prefix))
    }

    /// What `target` makes of each tensor.
    fn views(&self, target: impl Fn(&str) -> Vec<Target>) -> Views {
        let views = self
            .names()
            .map(|name| (format!("{}{name}", self.prefix), target(name)));
        views.filter(|(_, targets)| !targets.is_empty()).collect()
    }
}
