use super::{Part, Prompt, readable};
use crate::{Result, tokenizer::Tokenizer};

/// Longer than any prompt that says something: what follows is not read.
const MAX_CHUNKS: usize = 32;
/// How many tokens back a chunk may end at a comma, so that what stands between commas stays together.
const COMMA_BACKTRACK: usize = 20;

/// A learned embedding that a prompt may name: what it is called, and how many tokens it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingName {
    pub name: String,
    pub n_tokens: usize,
}

/// A prompt's tokens as the text encoder takes them: chunks of its length, each with begin and end.
///
/// Laid out as the AUTOMATIC1111 web interface does: a chunk that is full ends at a comma near its end where there is
/// one, and `BREAK` ends a chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenChunks {
    /// At least one.
    pub chunks: Vec<Chunk>,
    /// Without begin, end and padding.
    pub n_tokens: usize,
    /// Where in the source what is beyond the last chunk begins, in bytes.
    pub unread_at: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// [`Tokenizer::max_length`] of them.
    pub ids: Vec<u32>,
    /// One for each id; 1 where there is nothing of the prompt.
    pub weights: Vec<f32>,
    /// The tokens that learned embeddings stand for.
    pub inserts: Vec<Insert>,
}

/// A token that is no word's: a row of a learned embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Insert {
    /// In the chunk.
    pub position: usize,
    /// Which of the names that the prompt was read with.
    pub embedding: usize,
    pub row: usize,
}

impl TokenChunks {
    /// # Errors
    /// [`Error::NotAModel`](crate::Error::NotAModel) when the vocabulary cannot spell the prompt.
    pub fn new(tokenizer: &Tokenizer, prompt: &Prompt, names: &[EmbeddingName]) -> Result<Self> {
        let comma = tokenizer.ids(",")?;
        let mut layout = Layout {
            length: tokenizer.max_length() - 2,
            comma: comma.first().copied(),
            chunks: Vec::new(),
            open: Vec::new(),
            last_comma: None,
        };
        let mut n_tokens = 0;
        let mut unread_at = None;
        for part in &prompt.parts {
            let (text, weight, range) = match part {
                Part::Break(_) => {
                    layout.end_chunk();
                    continue;
                }
                Part::Text {
                    text,
                    weight,
                    range,
                } => (text, *weight, range),
            };
            if layout.chunks.len() >= MAX_CHUNKS {
                unread_at = Some(range.start);
                break;
            }
            for piece in split_at_names(text, names) {
                match piece {
                    Piece::Words(words) => {
                        let ids = tokenizer.ids(words)?;
                        n_tokens += ids.len();
                        for id in ids {
                            layout.push_word(Token::word(id, weight));
                        }
                    }
                    Piece::Embedding(embedding) => {
                        let rows = names[embedding].n_tokens;
                        n_tokens += rows;
                        layout.push_embedding(embedding, rows, weight);
                    }
                }
            }
        }
        layout.finish();
        if layout.chunks.len() > MAX_CHUNKS {
            layout.chunks.truncate(MAX_CHUNKS);
            // Within a part it is not told where.
            unread_at = unread_at.or(prompt.parts.last().map(|part| match part {
                Part::Text { range, .. } | Part::Break(range) => range.start,
            }));
        }
        let chunks = layout.chunks.into_iter();
        Ok(Self {
            chunks: chunks
                .map(|tokens| Chunk::new(tokenizer, &tokens))
                .collect(),
            n_tokens,
            unread_at,
        })
    }

    /// With empty chunks up to `n_chunks`, so that two prompts go through a model together.
    pub fn pad(&mut self, tokenizer: &Tokenizer, n_chunks: usize) {
        while self.chunks.len() < n_chunks {
            self.chunks.push(Chunk::new(tokenizer, &[]));
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Token {
    id: u32,
    weight: f32,
    insert: Option<(usize, usize)>,
}

impl Token {
    fn word(id: u32, weight: f32) -> Self {
        Self {
            id,
            weight,
            insert: None,
        }
    }
}

impl Chunk {
    fn new(tokenizer: &Tokenizer, tokens: &[Token]) -> Self {
        let mut ids = vec![tokenizer.bos_id()];
        ids.extend(tokens.iter().map(|token| token.id));
        ids.push(tokenizer.eos_id());
        ids.resize(tokenizer.max_length(), tokenizer.pad_id());
        let mut weights = vec![1.0];
        weights.extend(tokens.iter().map(|token| token.weight));
        weights.resize(ids.len(), 1.0);
        let insert = |(index, token): (usize, &Token)| {
            let (embedding, row) = token.insert?;
            Some(Insert {
                position: index + 1,
                embedding,
                row,
            })
        };
        Self {
            inserts: tokens.iter().enumerate().filter_map(insert).collect(),
            ids,
            weights,
        }
    }
}

/// Chunks on their way.
struct Layout {
    /// Tokens of a chunk, without begin and end.
    length: usize,
    comma: Option<u32>,
    chunks: Vec<Vec<Token>>,
    open: Vec<Token>,
    /// In the open chunk.
    last_comma: Option<usize>,
}

impl Layout {
    fn push_word(&mut self, token: Token) {
        if self.is_over() {
            return;
        }
        let n_open = self.open.len();
        if Some(token.id) == self.comma {
            self.last_comma = Some(n_open);
        } else if n_open == self.length
            && let Some(comma) = self.last_comma
            && n_open - comma <= COMMA_BACKTRACK
        {
            let moved = self.open.split_off(comma + 1);
            self.end_chunk();
            self.open = moved;
        }
        if self.open.len() == self.length {
            self.end_chunk();
        }
        self.open.push(token);
    }

    fn push_embedding(&mut self, embedding: usize, n_rows: usize, weight: f32) {
        if self.open.len() + n_rows > self.length {
            self.end_chunk();
        }
        // More than a chunk holds is cut: no embedding is so long.
        for row in 0..n_rows.min(self.length) {
            if self.is_over() {
                return;
            }
            self.open.push(Token {
                id: 0,
                weight,
                insert: Some((embedding, row)),
            });
        }
    }

    /// Whether a chunk more than is kept has begun, which shows that something is left.
    fn is_over(&self) -> bool {
        self.chunks.len() > MAX_CHUNKS
    }

    fn end_chunk(&mut self) {
        self.last_comma = None;
        if !self.is_over() {
            self.chunks.push(std::mem::take(&mut self.open));
        }
    }

    fn finish(&mut self) {
        if !self.open.is_empty() || self.chunks.is_empty() {
            self.end_chunk();
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Words(&'a str),
    Embedding(usize),
}

/// Whether a text names a learned embedding.
pub fn mentions(text: &str, name: &str) -> bool {
    let name = EmbeddingName {
        name: name.to_owned(),
        n_tokens: 1,
    };
    let pieces = split_at_names(readable(text), &[name]);
    pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Embedding(_)))
}

/// A text with the names of learned embeddings apart, whatever their case, with or without `embedding:` before them.
fn split_at_names<'a>(text: &'a str, names: &[EmbeddingName]) -> Vec<Piece<'a>> {
    const PREFIX: &str = "embedding:";
    // Bytes stay where they are.
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<(usize, usize, usize)> = Vec::new();
    let is_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    for (index, EmbeddingName { name, .. }) in names.iter().enumerate() {
        if name.is_empty() {
            continue;
        }
        for (start, matched) in lower.match_indices(&name.to_ascii_lowercase()) {
            let end = start + matched.len();
            let own_start = matched.starts_with(is_of_name);
            let own_end = matched.ends_with(is_of_name);
            if (own_start && lower[..start].ends_with(is_of_name))
                || (own_end && lower[end..].starts_with(is_of_name))
            {
                continue;
            }
            let prefix = lower[..start].ends_with(PREFIX);
            found.push((start - if prefix { PREFIX.len() } else { 0 }, end, index));
        }
    }
    // Of two that overlap the one that begins first, and the longer of those.
    found.sort_by_key(|(start, end, _)| (*start, usize::MAX - end));
    let mut pieces = Vec::new();
    let mut at = 0;
    for (start, end, index) in found {
        if start < at {
            continue;
        }
        if start > at {
            pieces.push(Piece::Words(&text[at..start]));
        }
        pieces.push(Piece::Embedding(index));
        at = end;
    }
    if at < text.len() {
        pieces.push(Piece::Words(&text[at..]));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_embeddings_are_told_from_words() {
        let name = |name: &str| EmbeddingName {
            name: name.to_owned(),
            n_tokens: 2,
        };
        let names = [
            name("ink"),
            name("<cat-toy>"),
            name("Bad Hands"),
            name("ink-2"),
        ];
        let words = Piece::Words;
        for (text, expected) in [
            (
                "an Ink boat",
                vec![words("an "), Piece::Embedding(0), words(" boat")],
            ),
            ("ink", vec![Piece::Embedding(0)]),
            ("inkwell, pink, ink_1", vec![words("inkwell, pink, ink_1")]),
            (
                "a<cat-toy>b",
                vec![words("a"), Piece::Embedding(1), words("b")],
            ),
            (
                "bad hands,ink-2",
                vec![Piece::Embedding(2), words(","), Piece::Embedding(3)],
            ),
            ("é embedding:ink", vec![words("é "), Piece::Embedding(0)]),
            ("", vec![]),
        ] {
            assert_eq!(split_at_names(text, &names), expected, "{text}");
        }
    }
}
