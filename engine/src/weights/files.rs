//! Safetensors files of one component, opened and checked: on disk or embedded in the binary.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use burn::tensor::DType;
use safetensors::Dtype;
use sha2::{Digest, Sha256};

use super::{
    float8::{is_float8_companion, quantisation},
    header::{self, Header, MAX_HEADER_BYTES, MAX_TENSORS, TensorInfo},
    on_disk::{foreign_format, open_file, read_exact_at, remedy},
    parameters::kept_dtype,
    remap::{self, FileNames, Found, Target, View},
};
use crate::{Error, Result};

/// Where a safetensors file is.
#[derive(Debug, Clone)]
pub enum TensorFile {
    Disk(PathBuf),
    /// Part of this program: the built-in model. `name` stands for the path in messages.
    Embedded {
        name: String,
        bytes: &'static [u8],
    },
}

impl TensorFile {
    /// The path, or for an embedded file the name, as messages give it.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Disk(path) => path.clone(),
            Self::Embedded { name, .. } => PathBuf::from(name),
        }
    }
}

/// What a tensor holds, as far as its header tells.
#[derive(Debug, Clone, Copy)]
pub struct TensorKind<'a> {
    pub shape: &'a [usize],
    /// Whether its numbers have fractions.
    pub is_float: bool,
}

fn is_float(dtype: Dtype) -> bool {
    !matches!(
        dtype,
        Dtype::BOOL
            | Dtype::U8
            | Dtype::I8
            | Dtype::U16
            | Dtype::I16
            | Dtype::U32
            | Dtype::I32
            | Dtype::U64
            | Dtype::I64
    )
}

/// The weights of one component: one file, or the shards of one, with every header checked.
///
/// No tensor has been read yet.
#[derive(Debug)]
pub struct TensorFiles {
    files: Vec<OpenFile>,
    /// By the files' own names.
    tensors: BTreeMap<String, (usize, TensorInfo)>,
    /// By the names under which they are asked for.
    seen: FileNames,
    /// Whether every tensor is seen as it is.
    is_whole: bool,
    /// Of the first file.
    metadata: BTreeMap<String, String>,
}

impl TensorFiles {
    /// Opens the files and checks their headers.
    ///
    /// # Errors
    /// - [`Error::Pickle`] when a file is a pickle, whatever its name;
    /// - [`Error::BadWeights`] when a header breaks the rules of `header::parse` or two files share a
    ///   tensor's name;
    /// - [`Error::Io`] when a file cannot be read.
    pub fn open(files: &[TensorFile]) -> Result<Self> {
        let mut opened = Vec::new();
        let mut tensors = BTreeMap::new();
        let mut metadata = BTreeMap::new();
        for (i_file, file) in files.iter().enumerate() {
            let (file, header) = OpenFile::open(file)?;
            if i_file == 0 {
                metadata = header.metadata;
            }
            for (name, info) in header.tensors {
                if tensors.contains_key(&name) {
                    return Err(file.bad(format!("tensor `{name}` is in another shard too")));
                }
                tensors.insert(name, (i_file, info));
            }
            if tensors.len() > MAX_TENSORS {
                return Err(file.bad(format!("there are more than {MAX_TENSORS} tensors")));
            }
            opened.push(file);
        }
        if opened.is_empty() {
            return Err(Error::BadWeights {
                path: PathBuf::new(),
                reason: "there is no file of weights".to_owned(),
            });
        }
        let own = |(name, (_, info)): (&String, &(usize, TensorInfo))| {
            let found = Found {
                file_name: name.clone(),
                view: View::Whole,
                shape: info.shape.clone(),
            };
            (name.clone(), found)
        };
        Ok(Self {
            seen: tensors.iter().map(own).collect(),
            is_whole: true,
            files: opened,
            tensors,
            metadata,
        })
    }

    /// The first file, which stands for all of them in messages.
    pub fn path(&self) -> &Path {
        &self.files[0].path
    }

    /// How many bytes the files have, headers included; where only a part of them is seen, the bytes of that.
    pub fn n_bytes(&self) -> u64 {
        if self.is_whole {
            return self.files.iter().map(|file| file.n_bytes).sum();
        }
        let bytes = |(info, found): (&TensorInfo, &Found)| {
            found.n_elements() * info.dtype.bitsize() as u64 / 8
        };
        self.infos().map(bytes).sum()
    }

    /// How many numbers the tensors with these names hold: times the running dtype's size, what they need.
    pub fn n_elements(&self, is_wanted: impl Fn(&str) -> bool) -> u64 {
        self.seen()
            .filter(|(name, _)| is_wanted(name))
            .map(|(_, found)| found.n_elements())
            .sum()
    }

    /// About the bytes that the tensors with these names take where they run in `dtype`; with `keeps_half` layers' weights,
    /// which are matrices and kernels, stay in half precision.
    pub fn bytes_in(
        &self,
        dtype: DType,
        keeps_half: bool,
        is_wanted: impl Fn(&str) -> bool,
    ) -> u64 {
        let wanted = self.seen().filter(|(name, _)| is_wanted(name));
        let bytes = wanted.map(|(_, found)| {
            let kept = match self.tensor(&found.file_name) {
                Some((_, info)) if found.shape.len() > 1 => {
                    kept_dtype(keeps_half, dtype, info.dtype)
                }
                _ => dtype,
            };
            found.n_elements() * kept.size() as u64
        });
        bytes.sum()
    }

    /// The dtypes of the tensors, by safetensors' names, with how many numbers each has.
    pub fn dtypes(&self) -> BTreeMap<String, u64> {
        let mut dtypes = BTreeMap::new();
        for (info, found) in self.infos() {
            *dtypes.entry(info.dtype.to_string()).or_default() += found.n_elements();
        }
        dtypes
    }

    /// The names under which tensors are asked for: the files' own, unless they are [seen](Self::seen_as) otherwise.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.seen.keys().map(String::as_str)
    }

    /// What the file says of itself in words, as trainers and converters write it: `modelspec.*`, `ss_*`.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The shape of the tensor `name`, as it is seen.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.seen.get(name)?.shape)
    }

    /// Whether there is a tensor `name`, and what it holds.
    pub fn kind(&self, name: &str) -> Option<TensorKind<'_>> {
        let found = self.seen.get(name)?;
        let (_, info) = self.tensor(&found.file_name)?;
        Some(TensorKind {
            shape: &found.shape,
            is_float: is_float(info.dtype),
        })
    }

    /// The same files with their tensors under other names, in parts or turned round; those for which there is no
    /// target are left out.
    ///
    /// # Errors
    /// [`Error::BadWeights`] when two tensors would have one name, or one cannot be seen so.
    pub fn seen_as(
        mut self,
        targets: impl Fn(&str, TensorKind<'_>) -> Vec<Target>,
    ) -> Result<Self> {
        let mut seen = FileNames::new();
        for (file_name, (_, info)) in &self.tensors {
            if is_float8_companion(&self, file_name) {
                continue;
            }
            let kind = TensorKind {
                shape: &info.shape,
                is_float: is_float(info.dtype),
            };
            for Target { name, view } in targets(file_name, kind) {
                let shape = view.shape(&info.shape).map_err(|reason| {
                    self.files[0].bad(format!("tensor `{file_name}` {reason}"))
                })?;
                let found = Found {
                    file_name: file_name.clone(),
                    view,
                    shape,
                };
                remap::insert(&mut seen, self.path(), &name, found)?;
            }
        }
        self.is_whole = false;
        self.seen = seen;
        Ok(self)
    }

    /// SHA-256 over the files' bytes, one after another, in lower-case hexadecimal.
    ///
    /// Reads everything: about a second per gigabyte from a fast disk. Callers keep the result.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read any more.
    pub fn sha256(&self) -> Result<String> {
        const CHUNK_BYTES: u64 = 1 << 20;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; CHUNK_BYTES as usize];
        for file in &self.files {
            let mut offset = 0;
            while offset < file.n_bytes {
                let n_read = CHUNK_BYTES.min(file.n_bytes - offset) as usize;
                file.read_exact_at(&mut chunk[..n_read], offset)?;
                hasher.update(&chunk[..n_read]);
                offset += n_read as u64;
            }
        }
        let digest: [u8; 32] = hasher.finalize().into();
        Ok(digest
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")))
    }

    pub(super) fn found(&self, name: &str) -> Option<&Found> {
        self.seen.get(name)
    }

    pub(super) fn seen(&self) -> impl Iterator<Item = (&str, &Found)> {
        self.seen.iter().map(|(name, found)| (name.as_str(), found))
    }

    /// What is seen, with what it is in the files.
    fn infos(&self) -> impl Iterator<Item = (&TensorInfo, &Found)> {
        let found = self.seen.values();
        found.filter_map(|found| Some((self.tensor(&found.file_name)?.1, found)))
    }

    /// # Errors
    /// [`Error::Quantised`] where the numbers are packed in a way that Limn does not read.
    pub fn check_packing(&self) -> Result<()> {
        match quantisation(self) {
            None => Ok(()),
            Some(kind) => Err(Error::Quantised {
                kind,
                path: self.path().to_owned(),
            }),
        }
    }

    pub(super) fn own_names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// By the files' own name.
    pub(super) fn tensor(&self, name: &str) -> Option<(&OpenFile, &TensorInfo)> {
        let (i_file, info) = self.tensors.get(name)?;
        Some((&self.files[*i_file], info))
    }
}

/// A file whose header has been checked.
#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    contents: Contents,
    n_bytes: u64,
    data_start: u64,
}

#[derive(Debug)]
enum Contents {
    Disk(File),
    Embedded(&'static [u8]),
}

impl OpenFile {
    fn open(file: &TensorFile) -> Result<(Self, Header)> {
        let path = file.path();
        let (contents, n_bytes) = match file {
            TensorFile::Disk(path) => {
                let (file, n_bytes) = open_file(path)?;
                (Contents::Disk(file), n_bytes)
            }
            TensorFile::Embedded { bytes, .. } => (Contents::Embedded(bytes), bytes.len() as u64),
        };
        let mut opened = Self {
            path,
            contents,
            n_bytes,
            data_start: 0,
        };
        let header = opened.read_header()?;
        Ok((opened, header))
    }

    /// Reads and checks the header, and sets `data_start`.
    fn read_header(&mut self) -> Result<Header> {
        let mut start = [0; 9];
        if self.n_bytes < start.len() as u64 {
            return Err(self.bad(format!("{} bytes are too few for weights", self.n_bytes)));
        }
        self.read_exact_at(&mut start, 0)?;
        let [length @ .., first] = start;
        let n_header_bytes = u64::from_le_bytes(length);
        let data_start = n_header_bytes.saturating_add(length.len() as u64);
        if n_header_bytes > MAX_HEADER_BYTES || data_start > self.n_bytes || first != b'{' {
            return Err(match foreign_format(&start) {
                Some("pickle") => Error::Pickle {
                    path: self.path.clone(),
                },
                Some(format) => {
                    let remedy = remedy(format);
                    self.bad(format!("it is a {format} file and not safetensors{remedy}"))
                }
                None => self.bad("it does not begin with a safetensors header".to_owned()),
            });
        }
        let mut json = vec![0; n_header_bytes as usize];
        self.read_exact_at(&mut json, length.len() as u64)?;
        self.data_start = data_start;
        header::parse(&json, self.n_bytes - data_start).map_err(|reason| self.bad(reason))
    }

    /// Fills `buffer` from `offset` bytes after the header.
    pub fn read_data(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        self.read_exact_at(buffer, self.data_start + offset)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<()> {
        match &self.contents {
            Contents::Disk(file) => read_exact_at(file, buffer, offset),
            Contents::Embedded(bytes) => usize::try_from(offset)
                .ok()
                .and_then(|offset| bytes.get(offset..)?.get(..buffer.len()))
                .map(|bytes| buffer.copy_from_slice(bytes))
                .ok_or_else(|| io::ErrorKind::UnexpectedEof.into()),
        }
        .map_err(|error| Error::io(&self.path, error))
    }

    pub fn bad(&self, reason: String) -> Error {
        Error::BadWeights {
            path: self.path.clone(),
            reason,
        }
    }
}
