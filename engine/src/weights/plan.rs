//! What an architecture wants, compared with what the files have, before anything is allocated.

use std::{borrow::Cow, cell::RefCell, collections::BTreeMap};

use burn::tensor::{DType, Device};
use safetensors::Dtype;
use serde::Serialize;

use super::{
    files::TensorFiles,
    float8::is_float8,
    header::MAX_TENSORS,
    lora::{AdaptableLayer, LayerShapes},
    parameters::{Form, Source, Taken, kept_dtype},
    remap::FileNames,
};
use crate::{Error, Result};

/// How the names in a file relate to the names that a component asks for.
#[derive(Clone, Copy)]
pub struct NameRules {
    /// From the file's names to the component's.
    pub remap: fn(&str) -> Cow<'_, str>,
    /// Tensors that files have and the component never uses, by the component's naming: a whole name,
    /// its last parts (`position_ids`), or a prefix ending in a dot (`quantize.`).
    pub allow_unused: &'static [&'static str],
}

impl NameRules {
    /// Names as they are, and every tensor must be used.
    pub const EXACT: Self = Self {
        remap: |name| Cow::Borrowed(name),
        allow_unused: &[],
    };
}

impl NameRules {
    fn allows_unused(&self, name: &str) -> bool {
        self.allow_unused.iter().any(|pattern| {
            if pattern.ends_with('.') {
                name.starts_with(pattern)
            } else {
                name.strip_suffix(pattern)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
        })
    }
}

/// How a component and its files fit together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// Wanted and not in the files.
    pub missing: Vec<String>,
    /// In the files and not wanted, outside the list of names that are allowed to be there.
    pub unused: Vec<String>,
    /// Wanted in another shape, or there in a dtype that Limn cannot read: each with the reason.
    pub unfit: Vec<String>,
    pub n_tensors: usize,
    pub n_parameters: u64,
    /// On the device, in the running dtype or, of layers' weights, in the one that they stay in.
    pub bytes: u64,
    /// The layers whose weights LoRAs can change.
    #[serde(skip)]
    pub layers: LayerShapes,
}

impl LoadReport {
    /// Whether the component can be loaded from the files.
    pub fn fits(&self) -> bool {
        self.missing.is_empty() && self.unused.is_empty() && self.unfit.is_empty()
    }

    /// Refuses files that do not hold exactly the component.
    ///
    /// # Errors
    /// [`Error::BadWeights`], naming the first few tensors.
    pub(super) fn check(&self, files: &TensorFiles) -> Result<()> {
        let faults: Vec<String> = [
            ("missing", &self.missing),
            ("not part of this architecture", &self.unused),
            ("of another kind", &self.unfit),
        ]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| {
            const N_SHOWN: usize = 3;
            let shown = names[..names.len().min(N_SHOWN)].join(", ");
            let more = if names.len() > N_SHOWN { " …" } else { "" };
            format!("{} tensors are {what} ({shown}{more})", names.len())
        })
        .collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::BadWeights {
            path: files.path().to_owned(),
            reason: faults.join("; "),
        })
    }
}

/// A [`Source`] that records what is asked of it.
pub(super) struct Plan<'a> {
    files: &'a TensorFiles,
    n_file_elements: usize,
    wanted: RefCell<BTreeMap<String, (Vec<usize>, Form)>>,
    layers: RefCell<LayerShapes>,
    cpu: Device,
    keeps_half: bool,
    dtype: DType,
}

impl<'a> Plan<'a> {
    pub fn new(files: &'a TensorFiles, dtype: DType, keeps_half: bool) -> Self {
        Self {
            files,
            n_file_elements: files.n_elements(|_| true) as usize,
            wanted: RefCell::default(),
            layers: RefCell::default(),
            cpu: Device::flex(),
            keeps_half,
            dtype,
        }
    }

    pub fn compare(self, names: &FileNames, rules: &NameRules) -> LoadReport {
        let wanted = self.wanted.into_inner();
        let mut report = LoadReport {
            n_tensors: wanted.len(),
            layers: self.layers.into_inner(),
            unused: names
                .keys()
                .filter(|name| !wanted.contains_key(*name) && !rules.allows_unused(name))
                .cloned()
                .collect(),
            ..LoadReport::default()
        };
        for (name, (shape, form)) in &wanted {
            let n_parameters = shape.iter().product::<usize>() as u64;
            report.n_parameters += n_parameters;
            let found = names.get(name);
            let Some((info, seen)) = found.and_then(|found| {
                let (_, info) = self.files.tensor(&found.file_name)?;
                Some((info, &found.shape))
            }) else {
                report.missing.push(name.clone());
                continue;
            };
            let kept = match form {
                Form::Running => self.dtype,
                Form::Weight | Form::InputsLast => {
                    kept_dtype(self.keeps_half, self.dtype, info.dtype)
                }
            };
            report.bytes += n_parameters * kept.size() as u64;
            if seen != shape {
                report
                    .unfit
                    .push(format!("{name} is {seen:?} and should be {shape:?}"));
            }
            if !is_readable(info.dtype) {
                report
                    .unfit
                    .push(format!("{name} is in {}, and {READABLE}", info.dtype));
            }
        }
        report
    }
}

/// For messages.
pub(super) const READABLE: &str = "Limn reads F32, F16, BF16, F8_E4M3 and F8_E5M2";

fn is_readable(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) || is_float8(dtype)
}

impl Source for Plan<'_> {
    fn take(&self, name: &str, shape: &[usize], form: Form) -> Result<Taken> {
        let bad = |reason| Error::BadWeights {
            path: self.files.path().to_owned(),
            reason,
        };
        // A hostile config must not make the plan itself large.
        let fits = shape
            .iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size))
            .is_some_and(|n_elements| (1..=self.n_file_elements).contains(&n_elements));
        if !fits {
            return Err(bad(format!(
                "the config wants `{name}` of shape {shape:?}, and the file has {} numbers in all",
                self.n_file_elements
            )));
        }
        let mut wanted = self.wanted.borrow_mut();
        if wanted.len() == MAX_TENSORS {
            return Err(bad(format!(
                "the config wants more than {MAX_TENSORS} tensors"
            )));
        }
        let previous = wanted.insert(name.to_owned(), (shape.to_owned(), form));
        assert!(previous.is_none(), "`{name}` is taken twice");
        Ok(Taken::Planned)
    }

    fn adapt(&self, name: &str, layer: AdaptableLayer) {
        let shape = match layer {
            AdaptableLayer::Linear(weight) => weight.weight().dims().into_iter().rev().collect(),
            AdaptableLayer::Conv(weight) => weight.weight().dims().to_vec(),
        };
        self.layers.borrow_mut().insert(name.to_owned(), shape);
    }

    fn device(&self) -> &Device {
        &self.cpu
    }

    fn dtype(&self) -> DType {
        self.dtype
    }
}
