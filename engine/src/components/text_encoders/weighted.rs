//! Prompts with weights through a text encoder that was trained without.

use burn::tensor::{DType, Tensor, TensorData};

use super::{ClipTextEncoder, ClipTextOutput, LearnedEmbeddings};
use crate::{
    Result,
    prompt_language::{TokenChunks, parse},
    tokenizer::Tokenizer,
};

/// Texts cut into as many chunks each, with the weights of their tokens.
#[derive(Debug)]
pub struct WeightedTexts {
    texts: Vec<TokenChunks>,
    n_chunks: usize,
}

impl WeightedTexts {
    /// # Errors
    /// [`Error::NotAModel`](crate::Error::NotAModel) when the vocabulary cannot spell a text.
    pub fn new(
        tokenizer: &Tokenizer,
        texts: &[&str],
        embeddings: &LearnedEmbeddings,
    ) -> Result<Self> {
        let names = embeddings.names();
        let texts = texts
            .iter()
            .map(|text| TokenChunks::new(tokenizer, &parse(text), &names));
        let mut texts = texts.collect::<Result<Vec<_>>>()?;
        let n_chunks = texts
            .iter()
            .map(|text| text.chunks.len())
            .max()
            .unwrap_or(1);
        for text in &mut texts {
            text.pad(tokenizer, n_chunks);
        }
        Ok(Self { texts, n_chunks })
    }

    /// Runs all chunks in one batch, the chunks of a text one after another.
    pub fn run(&self, encoder: &ClipTextEncoder, embeddings: &LearnedEmbeddings) -> ClipTextOutput {
        let chunks = self.texts.iter().flat_map(|text| &text.chunks);
        let ids: Vec<Vec<u32>> = chunks.clone().map(|chunk| chunk.ids.clone()).collect();
        let rows = chunks.enumerate().flat_map(|(row, chunk)| {
            let inserts = chunk.inserts.iter();
            inserts.map(move |insert| ([row, insert.position], insert))
        });
        let rows: Vec<_> = rows
            .map(|(place, insert)| (place, embeddings.row(insert.embedding, insert.row)))
            .collect();
        encoder.forward_with(&ids, &rows)
    }

    /// Multiplies what an encoder makes of the chunks with their weights, and lays the chunks of a text side by side.
    ///
    /// As the AUTOMATIC1111 web interface does: the mean of each chunk is restored, so that weights move what is said
    /// and not how loud it is.
    ///
    /// # Shapes: `[texts · chunks, length, width]` → `[texts, chunks · length, width]`
    pub fn weigh(&self, states: Tensor<3>) -> Tensor<3> {
        let [_, length, width] = states.dims();
        let n_texts = self.texts.len();
        let weights: Vec<f32> = self
            .texts
            .iter()
            .flat_map(|text| &text.chunks)
            .flat_map(|chunk| chunk.weights.iter().copied())
            .collect();
        let is_even = weights
            .iter()
            .all(|weight| weight.to_bits() == 1f32.to_bits());
        let weighed = if is_even {
            states
        } else {
            let dtype = states.dtype();
            let n_rows = n_texts * self.n_chunks;
            let data = TensorData::new(weights, [n_rows, length, 1]);
            let weights = Tensor::<3>::from_data(data, (&states.device(), DType::F32));
            // A mean over tens of thousands of numbers needs the full precision.
            let states = states.cast(DType::F32);
            let mean = |states: Tensor<3>| {
                let flat: Tensor<2> = states.reshape([n_rows, length * width]);
                flat.mean_dim(1).reshape([n_rows, 1, 1])
            };
            let before = mean(states.clone());
            let weighed = states * weights;
            let after = mean(weighed.clone());
            (weighed * (before / after)).cast(dtype)
        };
        weighed.reshape([n_texts, self.n_chunks * length, width])
    }

    /// Of what an encoder says of every chunk as a whole, that of each text's first.
    ///
    /// # Shapes: `[texts · chunks, width]` → `[texts, width]`
    pub fn first_of_each(&self, pooled: &Tensor<2>) -> Tensor<2> {
        let rows =
            (0..self.texts.len()).map(|text| pooled.clone().narrow(0, text * self.n_chunks, 1));
        Tensor::cat(rows.collect(), 0)
    }
}

/// The end of a text that is not read, where it is longer than any prompt.
///
/// # Errors
/// As [`WeightedTexts::new`].
pub fn unread(tokenizer: &Tokenizer, text: &str) -> Result<Option<String>> {
    let chunks = TokenChunks::new(tokenizer, &parse(text), &[])?;
    let beyond = (text.len() > crate::prompt_language::MAX_BYTES)
        .then_some(crate::prompt_language::MAX_BYTES);
    let at = chunks.unread_at.or(beyond);
    Ok(at.map(|at| text[text.floor_char_boundary(at)..].trim().to_owned()))
}
