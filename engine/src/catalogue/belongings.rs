use std::path::{Path, PathBuf};

use super::Catalogue;
use crate::families::{Shard, shards};

/// The files of one model that lie beside each other: they go from folder to folder together.
#[derive(Debug, PartialEq, Eq)]
pub struct Belongings {
    /// What the names of all of them begin with.
    pub stem: String,
    /// The file itself or its shards in their order, then its card where there is one.
    pub paths: Vec<PathBuf>,
}

impl Catalogue {
    /// What belongs to the model that a file is, or is a shard of.
    pub fn belongings(file: &Path) -> Belongings {
        let mut paths = shards(file);
        let first = paths.first().map_or(file, PathBuf::as_path);
        let card = first.with_extension("limn.json");
        let name = first.file_name().unwrap_or_default().to_string_lossy();
        let stem = match Shard::parse(&name).filter(|_| paths.len() > 1) {
            Some(shard) => shard.stem,
            None => first
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        };
        if card.is_file() {
            paths.push(card);
        }
        Belongings { stem, paths }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn shards_and_a_card_belong_to_a_model_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let first = [
            "big-00001-of-00002.safetensors",
            "big-00002-of-00002.safetensors",
        ];
        for name in first.into_iter().chain([
            "big-00001-of-00002.limn.json",
            "big.safetensors",
            "one.v2.safetensors",
            "one.v2.limn.json",
            "one.v2.txt",
            "half-00001-of-00002.safetensors",
        ]) {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let whole = [
            "big-00001-of-00002.safetensors",
            first[1],
            "big-00001-of-00002.limn.json",
        ];
        for (name, stem, expected) in [
            (first[0], "big", &whole[..]),
            (first[1], "big", &whole),
            ("big.safetensors", "big", &["big.safetensors"]),
            (
                "one.v2.safetensors",
                "one.v2",
                &["one.v2.safetensors", "one.v2.limn.json"],
            ),
            (
                "half-00001-of-00002.safetensors",
                "half-00001-of-00002",
                &["half-00001-of-00002.safetensors"],
            ),
        ] {
            let expected = Belongings {
                stem: stem.to_owned(),
                paths: expected.iter().map(|name| dir.path().join(name)).collect(),
            };
            assert_eq!(Catalogue::belongings(&dir.path().join(name)), expected);
        }
    }
}
