//! One tensor after another from the files into memory, cast to the running dtype.

use std::cell::Cell;

use burn::tensor::{DType, Device, Element, TensorData, bf16, f16};
use half::vec::HalfBitsVecExt;
use rayon::prelude::*;
use safetensors::Dtype;

use super::{
    LoadProgress,
    files::{OpenFile, TensorFiles},
    float8::{from_e4m3, from_e5m2, is_float8, scale},
    header::TensorInfo,
    lora::{AdaptableLayer, AdapterTable},
    parameters::{Form, Source, Taken, kept_dtype},
    plan::READABLE,
    remap::{FileNames, Found, View},
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
    pub keeps_half: bool,
    pub on_progress: &'a dyn Fn(LoadProgress) -> Result<()>,
    pub progress: Cell<LoadProgress>,
    pub n_unsynced_bytes: Cell<u64>,
    pub adapters: Option<&'a AdapterTable>,
}

impl Source for Reader<'_> {
    fn take(&self, name: &str, shape: &[usize], form: Form) -> Result<Taken> {
        (self.on_progress)(self.progress.get())?;
        let planned = self.names.get(name).filter(|found| found.shape == shape);
        let Some(found) = planned else {
            return Err(Error::BadWeights {
                path: self.files.path().to_owned(),
                reason: format!("`{name}` was not planned"),
            });
        };
        let mut read = TensorRead::new(self.files, name, found)?;
        let dtype = match form {
            Form::Running => self.dtype,
            Form::Weight | Form::InputsLast => {
                kept_dtype(self.keeps_half, self.dtype, read.info.dtype)
            }
        };
        if form == Form::InputsLast {
            let [_, n_inputs, n_rows, n_columns] = shape else {
                return Err(Error::Bug(format!("`{name}` is no convolution's")));
            };
            read.inputs_last = Some([*n_inputs, *n_rows, *n_columns]);
        }
        let data = read.read_in(dtype)?;
        self.account_for(data.bytes().len() as u64)?;
        Ok(Taken::Read(data))
    }

    fn adapt(&self, name: &str, layer: AdaptableLayer) {
        if let Some(adapters) = self.adapters {
            adapters.add(name, layer);
        }
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

impl TensorFiles {
    /// Shape and numbers of one tensor, in full precision.
    ///
    /// # Errors
    /// [`Error::BadWeights`] where there is none or one that Limn cannot read; [`Error::Io`].
    pub fn numbers(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
        let found = self.found(name).ok_or_else(|| Error::BadWeights {
            path: self.path().to_owned(),
            reason: format!("there is no tensor `{name}`"),
        })?;
        let read = TensorRead::new(self, name, found)?;
        let numbers = read.read_in(DType::F32)?.try_to_vec::<f32>();
        let numbers = numbers.map_err(|error| Error::Bug(error.to_string()))?;
        Ok((found.shape.clone(), numbers))
    }
}

/// What a parameter can be in memory.
trait Number: Element + Default {
    /// As the system hands out memory: no page of it is touched yet, and all cores can share that work.
    fn zeros(n: usize) -> Vec<Self>;
}

impl Number for f32 {
    fn zeros(n: usize) -> Vec<Self> {
        vec![0.0; n]
    }
}

impl Number for f16 {
    fn zeros(n: usize) -> Vec<Self> {
        vec![0u16; n].reinterpret_into()
    }
}

impl Number for bf16 {
    fn zeros(n: usize) -> Vec<Self> {
        vec![0u16; n].reinterpret_into()
    }
}

/// One tensor on its way from a file.
struct TensorRead<'a> {
    file: &'a OpenFile,
    name: &'a str,
    info: &'a TensorInfo,
    view: View,
    /// What eight-bit floats are multiplied with.
    scale: f32,
    /// Inputs, rows and columns of a kernel whose inputs are to come last.
    inputs_last: Option<[usize; 3]>,
}

impl<'a> TensorRead<'a> {
    fn new(files: &'a TensorFiles, name: &'a str, found: &Found) -> Result<Self> {
        let (file, info) = files
            .tensor(&found.file_name)
            .ok_or_else(|| Error::Bug(format!("`{}` is in no file", found.file_name)))?;
        let scale = if is_float8(info.dtype) {
            scale(files, &found.file_name)?
        } else {
            1.0
        };
        Ok(Self {
            file,
            name,
            info,
            view: found.view,
            scale,
            inputs_last: None,
        })
    }

    /// Reads it and casts it.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::BadWeights`] when a value is not finite, in the file or after the cast.
    fn read_in(&self, running: DType) -> Result<TensorData> {
        let dtype = self.info.dtype;
        match running {
            DType::F32 => match dtype {
                Dtype::F32 => self.cast(f32::from_le_bytes, |x| x, f32::is_finite),
                Dtype::F16 => self.cast(f16::from_le_bytes, f16::to_f32, f32::is_finite),
                Dtype::BF16 => self.cast(bf16::from_le_bytes, bf16::to_f32, f32::is_finite),
                _ => self.cast_float8(|x| x, f32::is_finite),
            },
            DType::F16 => match dtype {
                Dtype::F32 => self.cast(f32::from_le_bytes, f16::from_f32, f16::is_finite),
                Dtype::F16 => self.cast(f16::from_le_bytes, |x| x, f16::is_finite),
                Dtype::BF16 => self.cast(
                    bf16::from_le_bytes,
                    |x| f16::from_f32(x.to_f32()),
                    f16::is_finite,
                ),
                _ => self.cast_float8(f16::from_f32, f16::is_finite),
            },
            DType::BF16 => match dtype {
                Dtype::F32 => self.cast(f32::from_le_bytes, bf16::from_f32, bf16::is_finite),
                Dtype::F16 => self.cast(
                    f16::from_le_bytes,
                    |x| bf16::from_f32(x.to_f32()),
                    bf16::is_finite,
                ),
                Dtype::BF16 => self.cast(bf16::from_le_bytes, |x| x, bf16::is_finite),
                _ => self.cast_float8(bf16::from_f32, bf16::is_finite),
            },
            other => panic!("components run in F32, F16 or BF16, not in {other:?}"),
        }
    }

    /// Of eight-bit floats, by a table of what each of the 256 stands for.
    fn cast_float8<T: Number>(
        &self,
        convert: impl Fn(f32) -> T,
        is_finite: impl Fn(T) -> bool + Sync,
    ) -> Result<TensorData> {
        let decode: fn([u8; 1]) -> f32 = match self.info.dtype {
            Dtype::F8_E4M3 => from_e4m3,
            Dtype::F8_E5M2 => from_e5m2,
            _ => return Err(self.unreadable()),
        };
        let table: Vec<T> = (0..=u8::MAX)
            .map(|byte| convert(decode([byte]) * self.scale))
            .collect();
        self.cast(
            |[byte]: [u8; 1]| byte,
            |byte| table[usize::from(byte)],
            is_finite,
        )
    }

    fn cast<const N: usize, S: Send + Sync, T: Number>(
        &self,
        from_le_bytes: impl Fn([u8; N]) -> S + Sync,
        convert: impl Fn(S) -> T + Sync,
        is_finite: impl Fn(T) -> bool + Sync,
    ) -> Result<TensorData> {
        let (first, n_elements) = self.view.range(self.info.n_elements());
        // What is turned round is turned round within a chunk: nothing is in memory twice.
        let kernel = self.inputs_last.map_or(1, |kernel| kernel.iter().product());
        let chunk_elements = CHUNK_ELEMENTS.next_multiple_of(kernel);
        let mut values = T::zeros(n_elements);
        values
            .par_chunks_mut(chunk_elements)
            .enumerate()
            .try_for_each_init(Vec::new, |bytes, (i_chunk, chunk)| {
                bytes.resize(chunk.len() * N, 0);
                let offset = (first + i_chunk * chunk_elements) * N;
                self.file
                    .read_data(bytes, self.info.begin + offset as u64)?;
                let (elements, _) = bytes.as_chunks::<N>();
                let number = |element: &[u8; N]| convert(from_le_bytes(*element));
                match self.inputs_last {
                    None => {
                        for (value, element) in chunk.iter_mut().zip(elements) {
                            *value = number(element);
                        }
                    }
                    Some([n_inputs, n_rows, n_columns]) => {
                        let n_places = n_rows * n_columns;
                        let kernels = chunk.chunks_exact_mut(kernel);
                        for (turned, kernel) in kernels.zip(elements.chunks_exact(kernel)) {
                            for (i_input, input) in kernel.chunks_exact(n_places).enumerate() {
                                for (i_place, element) in input.iter().enumerate() {
                                    turned[i_place * n_inputs + i_input] = number(element);
                                }
                            }
                        }
                    }
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
        let data = self.view.arrange(values, &self.info.shape);
        Ok(match self.inputs_last {
            None => data,
            Some([n_inputs, n_rows, n_columns]) => {
                let (bytes, _, dtype) = data.into_parts();
                let n_outputs = n_elements / kernel;
                TensorData::from_bytes(bytes, [n_outputs, n_rows, n_columns, n_inputs], dtype)
            }
        })
    }

    fn unreadable(&self) -> Error {
        self.file.bad(format!(
            "tensor `{}` is in {}, and {READABLE}",
            self.name, self.info.dtype
        ))
    }
}
