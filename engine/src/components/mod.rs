//! The networks that models are made of. None knows a family: a family says which it has, with which configs.

pub mod autoencoders;
pub mod denoisers;
mod diffusers_config;
pub mod ip_adapter;
pub mod layers;
pub mod priors;
pub mod text_encoders;
pub mod upscalers;
pub mod vision_encoders;
