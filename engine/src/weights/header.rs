//! The header of a safetensors file, parsed once and believed only after checks.
//!
//! The format: a little-endian `u64` with the header's length, the header as JSON, the tensors' bytes.
//! The `safetensors` crate accepts repeated keys, a rank of 100,000 and 100 MB of metadata, so only its
//! list of dtypes is used here.

use std::{cmp::Ordering, collections::BTreeMap, fmt};

use safetensors::Dtype;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor, value},
};

use crate::foreign_text;

pub(super) const MAX_HEADER_BYTES: u64 = 16 << 20;
/// Far above any component of the families Limn knows (Kandinsky's U-Net has about 1,700).
pub(super) const MAX_TENSORS: usize = 20_000;
const MAX_RANK: usize = 8;
const MAX_NAME_BYTES: usize = 512;
const METADATA_KEY: &str = "__metadata__";
/// Of one entry of the metadata. Trainers write statistics of megabytes that nobody reads.
const MAX_METADATA_BYTES: usize = 64 << 10;
const MAX_METADATA_ENTRIES: usize = 1_000;

/// One tensor of a file: `begin..end` counts bytes from the end of the header.
#[derive(Debug, Clone)]
pub(super) struct TensorInfo {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub begin: u64,
    pub end: u64,
}

impl TensorInfo {
    /// Cannot overflow: [`parse`] multiplied it with checks.
    pub fn n_elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// What a file says of itself.
#[derive(Debug)]
pub(super) struct Header {
    pub tensors: BTreeMap<String, TensorInfo>,
    /// As the format has it, words under words. What is longer than [`MAX_METADATA_BYTES`] is left out.
    pub metadata: BTreeMap<String, String>,
}

/// The tensors of a file whose header is `json` and which has `n_data_bytes` after it.
///
/// # Errors
/// The reason, when names repeat, there are too many tensors or dimensions, a size overflows, or the
/// tensors do not fill the file's data exactly, without gap or overlap.
pub(super) fn parse(json: &[u8], n_data_bytes: u64) -> Result<Header, String> {
    let Entries { entries, metadata } = serde_json::from_slice(json).map_err(|error| {
        let error = foreign_text::reason(error);
        format!("its header is not what a safetensors header should be ({error})")
    })?;
    let tensors = entries
        .into_iter()
        .map(|(name, entry)| {
            let info = entry.check(&name)?;
            Ok((name, info))
        })
        .collect::<Result<BTreeMap<_, _>, String>>()?;
    check_offsets(&tensors, n_data_bytes)?;
    Ok(Header { tensors, metadata })
}

/// Tensors must lie one after another and fill the data.
fn check_offsets(tensors: &BTreeMap<String, TensorInfo>, n_data_bytes: u64) -> Result<(), String> {
    let mut in_file_order: Vec<_> = tensors.iter().collect();
    in_file_order.sort_by_key(|(_, info)| (info.begin, info.end));
    let mut expected_begin = 0;
    for (name, info) in in_file_order {
        if info.begin != expected_begin {
            return Err(format!(
                "tensor `{name}` begins at byte {} and should at {expected_begin}",
                info.begin
            ));
        }
        expected_begin = info.end;
    }
    match expected_begin.cmp(&n_data_bytes) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(format!(
            "it is cut short: {n_data_bytes} bytes of tensors are there and {expected_begin} should be. Download it again"
        )),
        Ordering::Less => Err(format!(
            "{} bytes after its last tensor belong to nothing",
            n_data_bytes - expected_begin
        )),
    }
}

struct Entry {
    dtype: ShortText,
    shape: Shape,
    data_offsets: [u64; 2],
}

/// As serde derives it, but for its messages: they would repeat a field's name of 16 MB.
impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;

        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = Entry;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a tensor")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
                let (mut dtype, mut shape, mut data_offsets) = (None, None, None);
                while let Some(ShortText(field)) = map.next_key()? {
                    let is_repeated = match field.as_str() {
                        "dtype" => dtype.replace(map.next_value()?).is_some(),
                        "shape" => shape.replace(map.next_value()?).is_some(),
                        "data_offsets" => data_offsets.replace(map.next_value()?).is_some(),
                        _ => return Err(A::Error::custom(format!("unknown field `{field}`"))),
                    };
                    if is_repeated {
                        return Err(A::Error::custom(format!("duplicate field `{field}`")));
                    }
                }
                Ok(Entry {
                    dtype: dtype.ok_or_else(|| A::Error::missing_field("dtype"))?,
                    shape: shape.ok_or_else(|| A::Error::missing_field("shape"))?,
                    data_offsets: data_offsets
                        .ok_or_else(|| A::Error::missing_field("data_offsets"))?,
                })
            }
        }

        deserializer.deserialize_map(EntryVisitor)
    }
}

impl Entry {
    fn check(self, name: &str) -> Result<TensorInfo, String> {
        let deserializer: value::StrDeserializer<value::Error> =
            self.dtype.0.as_str().into_deserializer();
        let dtype = Dtype::deserialize(deserializer)
            .map_err(|_| format!("tensor `{name}` has the unknown dtype `{}`", self.dtype.0))?;
        let Shape(shape) = self.shape;
        let n_bits = shape
            .iter()
            .try_fold(dtype.bitsize() as u64, |product, &size| {
                product.checked_mul(size as u64)
            })
            .ok_or_else(|| format!("the size of tensor `{name}` overflows"))?;
        let [begin, end] = self.data_offsets;
        let n_bytes = end
            .checked_sub(begin)
            .ok_or_else(|| format!("tensor `{name}` ends before it begins"))?;
        if n_bits % 8 != 0 || n_bits / 8 != n_bytes {
            return Err(format!(
                "tensor `{name}` of shape {shape:?} and dtype {dtype} needs {} bytes and has {n_bytes}",
                n_bits.div_ceil(8)
            ));
        }
        Ok(TensorInfo {
            dtype,
            shape,
            begin,
            end,
        })
    }
}

/// As much of a text as is told of it: no field and no dtype has a longer name.
struct ShortText(String);

impl<'de> Deserialize<'de> for ShortText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = ShortText;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<ShortText, E> {
                Ok(ShortText(foreign_text::name(name).to_string()))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

/// The entries of a header, each name once.
struct Entries {
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = BTreeMap::new();
                let mut metadata = BTreeMap::new();
                let mut has_metadata = false;
                while let Some(name) = map.next_key::<String>()? {
                    check_name(&name).map_err(A::Error::custom)?;
                    let is_repeated = if name == METADATA_KEY {
                        Metadata(metadata) = map.next_value()?;
                        std::mem::replace(&mut has_metadata, true)
                    } else {
                        let entry = map.next_value()?;
                        entries.insert(name.clone(), entry).is_some()
                    };
                    if is_repeated {
                        return Err(A::Error::custom(format!("`{name}` is there twice")));
                    }
                    if entries.len() > MAX_TENSORS {
                        return Err(A::Error::custom(format!(
                            "there are more than {MAX_TENSORS} tensors"
                        )));
                    }
                }
                Ok(Entries { entries, metadata })
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// What a file says of itself in words. Whatever is not words is nobody's fault here: nothing depends on it.
struct Metadata(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetadataVisitor;

        impl<'de> Visitor<'de> for MetadataVisitor {
            type Value = Metadata;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("anything")
            }

            /// Reads no more than it keeps: a file may hold a million entries.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                let mut metadata = BTreeMap::new();
                while metadata.len() < MAX_METADATA_ENTRIES {
                    let Some(name) = map.next_key::<String>()? else {
                        return Ok(Metadata(metadata));
                    };
                    let Words(words) = map.next_value()?;
                    let words = words.filter(|_| name.len() <= MAX_NAME_BYTES);
                    metadata.extend(words.map(|words| (name, words)));
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Metadata(metadata))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Metadata, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Metadata(BTreeMap::new()))
            }

            fn visit_str<E>(self, _: &str) -> Result<Metadata, E> {
                Ok(Metadata(BTreeMap::new()))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Metadata, E> {
                Ok(Metadata(BTreeMap::new()))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Metadata, E> {
                Ok(Metadata(BTreeMap::new()))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Metadata, E> {
                Ok(Metadata(BTreeMap::new()))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Metadata, E> {
                Ok(Metadata(BTreeMap::new()))
            }

            fn visit_unit<E>(self) -> Result<Metadata, E> {
                Ok(Metadata(BTreeMap::new()))
            }
        }

        deserializer.deserialize_any(MetadataVisitor)
    }
}

/// A string of at most [`MAX_METADATA_BYTES`], or anything else.
struct Words(Option<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordsVisitor;

        impl<'de> Visitor<'de> for WordsVisitor {
            type Value = Words;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("anything")
            }

            fn visit_str<E>(self, words: &str) -> Result<Words, E> {
                let fits = words.len() <= MAX_METADATA_BYTES;
                Ok(Words(fits.then(|| words.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Words(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Words(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Words, E> {
                Ok(Words(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Words, E> {
                Ok(Words(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Words, E> {
                Ok(Words(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Words, E> {
                Ok(Words(None))
            }

            fn visit_unit<E>(self) -> Result<Words, E> {
                Ok(Words(None))
            }
        }

        deserializer.deserialize_any(WordsVisitor)
    }
}

/// Names end up in messages, so they must be short and printable.
fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        let start: String = name.chars().take(32).collect();
        return Err(format!("no tensor can be called {start:?}"));
    }
    Ok(())
}

/// The sizes of a tensor. Stops reading at [`MAX_RANK`].
struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ShapeVisitor;

        impl<'de> Visitor<'de> for ShapeVisitor {
            type Value = Shape;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a list of sizes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sizes: A) -> Result<Shape, A::Error> {
                let mut shape = Vec::new();
                while let Some(size) = sizes.next_element()? {
                    if shape.len() == MAX_RANK {
                        return Err(A::Error::custom(format!(
                            "a tensor has more than {MAX_RANK} dimensions"
                        )));
                    }
                    shape.push(size);
                }
                Ok(Shape(shape))
            }
        }

        deserializer.deserialize_seq(ShapeVisitor)
    }
}
