//! A file under other names: what a component asks for is a tensor of the file, a part of one, or one turned round.

use std::{collections::BTreeMap, path::Path};

use burn::tensor::{Element, TensorData};

use super::{files::TensorFiles, float8::is_float8_companion, plan::NameRules};
use crate::{Error, Result};

/// What a tensor of a file is to a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// By the component's naming.
    pub name: String,
    pub view: View,
}

impl Target {
    pub fn whole(name: impl Into<String>) -> Self {
        Self::seen(name, View::Whole)
    }

    pub fn seen(name: impl Into<String>, view: View) -> Self {
        Self {
            name: name.into(),
            view,
        }
    }
}

/// How a tensor of a file is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum View {
    #[default]
    Whole,
    /// The `index`-th of `of` equal parts along the first axis, as of query, key and value in one.
    Part { index: usize, of: usize },
    /// `[rows, columns]` as `[columns, rows]`.
    Transposed,
    /// Without the axes of size 1 at the end, as a 1×1 convolution read as a linear layer.
    Squeezed,
    /// The second half of the first axis before the first.
    SwappedHalves,
}

impl View {
    /// The shape that it gives a tensor of `shape`.
    ///
    /// # Errors
    /// Why such a tensor cannot be seen so.
    pub fn shape(self, shape: &[usize]) -> Result<Vec<usize>, String> {
        let refuse = |what: &str| Err(format!("is {shape:?}, which cannot be {what}"));
        match (self, shape) {
            (Self::Whole, _) => Ok(shape.to_vec()),
            (Self::Part { index, of }, [first, rest @ ..])
                if index < of && first.is_multiple_of(of) =>
            {
                Ok([&[first / of], rest].concat())
            }
            (Self::Part { of, .. }, _) => refuse(&format!("parted in {of}")),
            (Self::Transposed, &[rows, columns]) => Ok(vec![columns, rows]),
            (Self::Transposed, _) => refuse("transposed"),
            (Self::Squeezed, _) => {
                let n_axes = shape.iter().rposition(|size| *size != 1);
                Ok(shape[..n_axes.map_or(0, |last| last + 1).max(1)].to_vec())
            }
            (Self::SwappedHalves, [first, ..]) if first.is_multiple_of(2) => Ok(shape.to_vec()),
            (Self::SwappedHalves, _) => refuse("halved"),
        }
    }

    /// Which of a tensor's `n_elements` numbers it shows, in the file's order: the first, and how many.
    pub(super) fn range(self, n_elements: usize) -> (usize, usize) {
        match self {
            Self::Part { index, of } => (index * (n_elements / of), n_elements / of),
            Self::Whole | Self::Transposed | Self::Squeezed | Self::SwappedHalves => {
                (0, n_elements)
            }
        }
    }

    /// The numbers of [`Self::range`] as the view has them; `shape` is the tensor's in the file.
    pub(super) fn arrange<T: Element + Default>(
        self,
        mut values: Vec<T>,
        shape: &[usize],
    ) -> TensorData {
        let seen = self.shape(shape).unwrap_or_else(|_| shape.to_vec());
        match (self, shape) {
            (Self::Transposed, &[rows, columns]) => {
                let data = TensorData::new(values, [rows, columns]);
                super::parameters::transpose::<T>(&data, [rows, columns])
            }
            (Self::SwappedHalves, _) => {
                let half = values.len() / 2;
                values.rotate_left(half);
                TensorData::new(values, seen)
            }
            _ => TensorData::new(values, seen),
        }
    }
}

/// Where a tensor is found under another name.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub file_name: String,
    pub view: View,
    /// As the view has it.
    pub shape: Vec<usize>,
}

impl Found {
    pub fn n_elements(&self) -> u64 {
        self.shape.iter().product::<usize>() as u64
    }
}

/// What the files hold, under the names by which it is asked for.
pub(super) type FileNames = BTreeMap<String, Found>;

/// Applies a component's own renaming. What only says how other tensors are scaled is left out.
///
/// # Errors
/// [`Error::BadWeights`] when two tensors end up under one name; [`Error::Quantised`] for files whose numbers are
/// packed in a way that Limn does not read.
pub(super) fn remap_names(files: &TensorFiles, rules: &NameRules) -> Result<FileNames> {
    files.check_packing()?;
    let mut names = FileNames::new();
    for (name, found) in files.seen() {
        if !is_float8_companion(files, &found.file_name) {
            insert(
                &mut names,
                files.path(),
                &(rules.remap)(name),
                found.clone(),
            )?;
        }
    }
    Ok(names)
}

/// # Errors
/// [`Error::BadWeights`] when the name is taken.
pub(super) fn insert(names: &mut FileNames, path: &Path, name: &str, found: Found) -> Result<()> {
    let file_name = found.file_name.clone();
    match names.insert(name.to_owned(), found) {
        None => Ok(()),
        Some(other) => Err(Error::BadWeights {
            path: path.to_owned(),
            reason: format!(
                "`{}` and `{file_name}` are the same tensor",
                other.file_name
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_give_shapes_or_say_why_not() {
        let part = |index, of| View::Part { index, of };
        for (view, shape, expected) in [
            (View::Whole, &[2, 3][..], Ok(&[2, 3][..])),
            (part(2, 3), &[9, 4], Ok(&[3, 4])),
            (part(0, 3), &[6], Ok(&[2])),
            (part(0, 3), &[4, 3], Err("parted in 3")),
            (part(3, 3), &[3], Err("parted in 3")),
            (part(0, 3), &[], Err("parted in 3")),
            (View::Transposed, &[2, 3], Ok(&[3, 2])),
            (View::Transposed, &[2, 3, 1], Err("transposed")),
            (View::Squeezed, &[8, 4, 1, 1], Ok(&[8, 4])),
            (View::Squeezed, &[8, 1, 4, 1], Ok(&[8, 1, 4])),
            (View::Squeezed, &[1, 1], Ok(&[1])),
            (View::SwappedHalves, &[4, 3], Ok(&[4, 3])),
            (View::SwappedHalves, &[3, 4], Err("halved")),
        ] {
            match (view.shape(shape), expected) {
                (Ok(seen), Ok(expected)) => assert_eq!(seen, expected, "{view:?} of {shape:?}"),
                (Err(reason), Err(why)) => assert!(reason.contains(why), "{reason}"),
                (seen, _) => panic!("{view:?} of {shape:?}: {seen:?}"),
            }
        }
    }
}
