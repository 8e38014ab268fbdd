//! A picture being worked on: its layers, its mask and every step back.

pub mod tiles;
