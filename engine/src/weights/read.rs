//! One tensor after another from the files into memory, cast to the running dtype.

use std::cell::Cell;

use burn::tensor::{DType, Device, Element, TensorData, bf16, f16};
use rayon::prelude::*;
use safetensors::Dtype;

use super::{
    LoadProgress,
    files::{OpenFile, TensorFiles},
    header::TensorInfo,
    parameters::{Source, Taken},
    plan::FileNames,
};
use crate::{Error, Result, device::gates};

/// Elements read and cast at a time by one thread.
const CHUNK_ELEMENTS: usize = 1 << 18;
/// After this much, wait until the device has its copy: uploads are queued and each keeps the host's.
const SYNC_BYTES: u64 = 256 << 20;

/// A [`Source`] that reads from files whose headers agree with the plan.
pub(super) struct Reader<'a> {
    pub files: &'a TensorFiles,
    pub names: &'a FileNames,
    pub device: &'a Device,
    pub dtype: DType,
    pub on_progress: &'a dyn Fn(LoadProgress) -> Result<()>,
    pub progress: Cell<LoadProgress>,
    pub n_unsynced_bytes: Cell<u64>,
}

impl Source for Reader<'_> {
    fn take(&self, name: &str, shape: &[usize]) -> Result<Taken> {
        (self.on_progress)(self.progress.get())?;
        let (file, info) = self
            .names
            .get(name)
            .and_then(|file_name| self.files.tensor(file_name))
            .filter(|(_, info)| info.shape == shape)
            .ok_or_else(|| Error::BadWeights {
                path: self.files.path().to_owned(),
                reason: format!("`{name}` was not planned"),
            })?;
        let data = read_tensor(file, name, info, self.dtype)?;
        self.account_for(data.bytes().len() as u64)?;
        Ok(Taken::Read(data))
    }

    fn device(&self) -> &Device {
        self.device
    }

    fn dtype(&self) -> DType {
        self.dtype
    }
}

impl Reader<'_> {
    fn account_for(&self, n_bytes: u64) -> Result<()> {
        let mut progress = self.progress.get();
        progress.done_bytes += n_bytes;
        self.progress.set(progress);
        let n_unsynced_bytes = self.n_unsynced_bytes.get() + n_bytes;
        if n_unsynced_bytes < SYNC_BYTES {
            self.n_unsynced_bytes.set(n_unsynced_bytes);
            return Ok(());
        }
        self.n_unsynced_bytes.set(0);
        self.device
            .sync()
            .map_err(|error| gates::failure(error.to_string()))
    }
}

/// Reads one tensor and casts it.
///
/// # Errors
/// [`Error::Io`]; [`Error::BadWeights`] when a value is not finite, in the file or after the cast.
fn read_tensor(
    file: &OpenFile,
    name: &str,
    info: &TensorInfo,
    running: DType,
) -> Result<TensorData> {
    let read = TensorRead { file, name, info };
    match running {
        DType::F32 => match info.dtype {
            Dtype::F32 => read.cast(f32::from_le_bytes, |x| x, f32::is_finite),
            Dtype::F16 => read.cast(f16::from_le_bytes, f16::to_f32, f32::is_finite),
            Dtype::BF16 => read.cast(bf16::from_le_bytes, bf16::to_f32, f32::is_finite),
            _ => Err(read.unreadable()),
        },
        DType::F16 => match info.dtype {
            Dtype::F32 => read.cast(f32::from_le_bytes, f16::from_f32, f16::is_finite),
            Dtype::F16 => read.cast(f16::from_le_bytes, |x| x, f16::is_finite),
            Dtype::BF16 => read.cast(
                bf16::from_le_bytes,
                |x| f16::from_f32(x.to_f32()),
                f16::is_finite,
            ),
            _ => Err(read.unreadable()),
        },
        DType::BF16 => match info.dtype {
            Dtype::F32 => read.cast(f32::from_le_bytes, bf16::from_f32, bf16::is_finite),
            Dtype::F16 => read.cast(
                f16::from_le_bytes,
                |x| bf16::from_f32(x.to_f32()),
                bf16::is_finite,
            ),
            Dtype::BF16 => read.cast(bf16::from_le_bytes, |x| x, bf16::is_finite),
            _ => Err(read.unreadable()),
        },
        other => panic!("components run in F32, F16 or BF16, not in {other:?}"),
    }
}

struct TensorRead<'a> {
    file: &'a OpenFile,
    name: &'a str,
    info: &'a TensorInfo,
}

impl TensorRead<'_> {
    fn cast<const N: usize, S: Send + Sync, T: Element + Default>(
        &self,
        from_le_bytes: impl Fn([u8; N]) -> S + Sync,
        convert: impl Fn(S) -> T + Sync,
        is_finite: impl Fn(T) -> bool + Sync,
    ) -> Result<TensorData> {
        let mut values = vec![T::default(); self.info.n_elements()];
        values
            .par_chunks_mut(CHUNK_ELEMENTS)
            .enumerate()
            .try_for_each_init(Vec::new, |bytes, (i_chunk, chunk)| {
                bytes.resize(chunk.len() * N, 0);
                let offset = i_chunk * CHUNK_ELEMENTS * N;
                self.file
                    .read_data(bytes, self.info.begin + offset as u64)?;
                let (elements, _) = bytes.as_chunks::<N>();
                for (value, element) in chunk.iter_mut().zip(elements) {
                    *value = convert(from_le_bytes(*element));
                }
                if chunk.iter().all(|&value| is_finite(value)) {
                    Ok(())
                } else {
                    Err(self.file.bad(format!(
                        "tensor `{}` has a value that is infinite, not a number, or too large for {:?}",
                        self.name,
                        T::dtype()
                    )))
                }
            })?;
        Ok(TensorData::new(values, self.info.shape.as_slice()))
    }

    fn unreadable(&self) -> Error {
        self.file.bad(format!(
            "tensor `{}` is in {}, and Limn reads F32, F16 and BF16",
            self.name, self.info.dtype
        ))
    }
}
