use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use crate::{
    Error, Result,
    weights::{TensorFile, TensorFiles},
};

/// The tensors of one changed layer by what they are, each with its name in the file.
pub(super) type Pieces = BTreeMap<Piece, String>;

/// What a tensor of a LoRA is to its layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Piece {
    Down,
    Up,
    /// Between the two, of convolutions in Tucker's form.
    Mid,
    Alpha,
    /// DoRA's.
    Magnitude,
    /// LoHa's four matrices, and two kernels in Tucker's form.
    Hada([u8; 2]),
    HadaKernel(u8),
    /// LoKr's two factors, whole or as two matrices each, and a kernel in Tucker's form.
    Kron(u8),
    KronPart([u8; 2]),
    KronKernel,
    /// The whole difference.
    Difference,
}

/// How names end, and what such a tensor is.
const ENDINGS: [(&str, Piece); 34] = [
    (".lora_down.weight", Piece::Down),
    (".lora_up.weight", Piece::Up),
    (".lora_mid.weight", Piece::Mid),
    (".lora_A.weight", Piece::Down),
    (".lora_B.weight", Piece::Up),
    (".lora_A.default.weight", Piece::Down),
    (".lora_B.default.weight", Piece::Up),
    (".lora.down.weight", Piece::Down),
    (".lora.up.weight", Piece::Up),
    ("_lora.down.weight", Piece::Down),
    ("_lora.up.weight", Piece::Up),
    (".lora_linear_layer.down.weight", Piece::Down),
    (".lora_linear_layer.up.weight", Piece::Up),
    (".alpha", Piece::Alpha),
    (".dora_scale", Piece::Magnitude),
    (".lora_magnitude_vector", Piece::Magnitude),
    (".lora_magnitude_vector.weight", Piece::Magnitude),
    (".lora_magnitude_vector.default", Piece::Magnitude),
    (".lora_magnitude_vector.default.weight", Piece::Magnitude),
    (".hada_w1_a", Piece::Hada([1, b'a'])),
    (".hada_w1_b", Piece::Hada([1, b'b'])),
    (".hada_w2_a", Piece::Hada([2, b'a'])),
    (".hada_w2_b", Piece::Hada([2, b'b'])),
    (".hada_t1", Piece::HadaKernel(1)),
    (".hada_t2", Piece::HadaKernel(2)),
    (".lokr_w1", Piece::Kron(1)),
    (".lokr_w2", Piece::Kron(2)),
    (".lokr_w1_a", Piece::KronPart([1, b'a'])),
    (".lokr_w1_b", Piece::KronPart([1, b'b'])),
    (".lokr_w2_a", Piece::KronPart([2, b'a'])),
    (".lokr_w2_b", Piece::KronPart([2, b'b'])),
    (".lokr_t2", Piece::KronKernel),
    (".diff", Piece::Difference),
    (".diff.weight", Piece::Difference),
];

/// What only other kinds have, which Limn does not read.
const UNREAD_KINDS: [(&str, &str); 6] = [
    (".oft_blocks", "OFT"),
    (".oft_diag", "OFT"),
    (".boft_blocks", "BOFT"),
    (".a1.weight", "GLoRA"),
    (".glora_a1", "GLoRA"),
    (".on_input", "(IA)³"),
];

/// A LoRA's file, opened; no tensor has been read.
#[derive(Debug)]
pub struct LoraFile {
    pub(super) files: TensorFiles,
    /// By the layers' names as the file has them.
    pub(super) layers: BTreeMap<String, Pieces>,
    /// Tensors that are of no kind.
    pub(super) unknown: Vec<String>,
}

impl LoraFile {
    /// # Errors
    /// Those of [`TensorFiles::open`]; [`Error::UnfitLora`] for a file of no kind that Limn reads.
    pub fn open(path: &Path) -> Result<Self> {
        let files = TensorFiles::open(&[TensorFile::Disk(path.to_owned())])?;
        files.check_packing()?;
        let refused = |reason: String| Error::UnfitLora {
            path: path.to_owned(),
            reason,
        };
        let foreign = UNREAD_KINDS
            .iter()
            .find(|(ending, _)| files.names().any(|name| name.ends_with(ending)));
        if let Some((_, kind)) = foreign {
            let reason = format!(
                "it is of the kind {kind}, and Limn reads LoRA, LoCon, LoHa, LoKr and DoRA"
            );
            return Err(refused(reason));
        }
        let mut layers: BTreeMap<String, Pieces> = BTreeMap::new();
        let mut unknown = Vec::new();
        for name in files.names() {
            let ending = ENDINGS
                .iter()
                .filter_map(|(ending, piece)| Some((name.strip_suffix(ending)?, piece)))
                .min_by_key(|(layer, _)| layer.len());
            match ending {
                Some((layer, piece)) => {
                    let pieces = layers.entry(layer.to_owned()).or_default();
                    pieces.insert(*piece, name.to_owned());
                }
                None => unknown.push(name.to_owned()),
            }
        }
        layers.retain(|_, pieces| pieces.keys().any(|piece| *piece != Piece::Alpha));
        if layers.is_empty() {
            return Err(refused(
                "it is no LoRA: none of its tensors changes a layer".to_owned(),
            ));
        }
        Ok(Self {
            files,
            layers,
            unknown,
        })
    }

    pub fn path(&self) -> &Path {
        self.files.path()
    }

    /// SHA-256 of the file, in lower-case hexadecimal.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn sha256(&self) -> Result<String> {
        self.files.sha256()
    }

    pub fn n_bytes(&self) -> u64 {
        self.files.n_bytes()
    }

    /// Changes in it, each of one layer.
    pub fn n_layers(&self) -> usize {
        self.layers.len()
    }

    /// The kinds of change in it, as people call them.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.layers.values().map(kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// What the file says of itself.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.files.metadata().get(key).map(String::as_str)
    }

    pub fn tensors(&self) -> &TensorFiles {
        &self.files
    }

    /// The α of PEFT, which is written for a whole component and not beside each layer.
    pub(super) fn alpha_of(&self, component: &str) -> Option<f32> {
        let words = self.metadata("lora_adapter_metadata")?;
        let facts: Value = serde_json::from_str(words).ok()?;
        let alpha = facts.get(format!("{component}.lora_alpha"))?.as_f64()?;
        Some(alpha as f32).filter(|alpha| *alpha > 0.0 && alpha.is_finite())
    }
}

fn kind(pieces: &Pieces) -> &'static str {
    if pieces.contains_key(&Piece::Magnitude) {
        return "DoRA";
    }
    match pieces.keys().find(|piece| **piece != Piece::Alpha) {
        Some(Piece::Hada(_) | Piece::HadaKernel(_)) => "LoHa",
        Some(Piece::Kron(_) | Piece::KronPart(_) | Piece::KronKernel) => "LoKr",
        Some(Piece::Difference) => "whole differences",
        _ => "LoRA",
    }
}
