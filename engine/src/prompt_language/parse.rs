use std::ops::Range;

use super::readable;

/// What one round bracket multiplies with, and one square bracket divides by.
const BRACKET_WEIGHT: f64 = 1.1;
/// No weight is larger, so that many brackets do not make infinity.
const MAX_WEIGHT: f64 = 100.0;

/// A prompt as it is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prompt {
    pub parts: Vec<Part>,
    pub loras: Vec<LoraWord>,
}

/// A piece of a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text {
        /// Without escapes.
        text: String,
        weight: f32,
        /// Where it stands in the source, in bytes.
        range: Range<usize>,
    },
    /// `BREAK`: what follows begins a new chunk.
    Break(Range<usize>),
}

/// `<lora:name:0.8>` in a prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct LoraWord {
    pub name: String,
    pub weight: f32,
    /// Where it stands in the source, in bytes.
    pub range: Range<usize>,
}

/// Reads a prompt as the AUTOMATIC1111 web interface does.
///
/// `(word)` counts 1.1 times, `[word]` 1/1.1 times, `(word:1.3)` 1.3 times, and what is nested is multiplied; a bracket
/// that is never closed counts to the end. `\` takes a bracket's meaning away.
pub fn parse(text: &str) -> Prompt {
    let mut reader = Reader::default();
    reader.read(readable(text));
    reader.finish()
}

#[derive(Default)]
struct Reader {
    pieces: Vec<Piece>,
    loras: Vec<LoraWord>,
    /// The pieces before which brackets were opened that are not closed yet.
    round: Vec<usize>,
    square: Vec<usize>,
    /// What brackets do, each kind well nested in itself.
    round_spans: Vec<Span>,
    square_spans: Vec<Span>,
}

struct Piece {
    text: String,
    range: Range<usize>,
    is_break: bool,
}

/// Pieces that a pair of brackets is around.
struct Span {
    pieces: Range<usize>,
    factor: f64,
}

impl Reader {
    fn read(&mut self, text: &str) {
        let mut at = 0;
        while let Some(next) = text[at..].chars().next() {
            let rest = &text[at..];
            let width = next.len_utf8();
            let length = match next {
                '\\' if rest[1..].starts_with(['(', ')', '[', ']', '\\']) => {
                    self.push(&rest[1..2], at..at + 2);
                    2
                }
                '(' => {
                    self.round.push(self.pieces.len());
                    1
                }
                '[' => {
                    self.square.push(self.pieces.len());
                    1
                }
                ':' if !self.round.is_empty() && weight_to_bracket(rest).is_some() => {
                    let (factor, length) = weight_to_bracket(rest).unwrap_or((1.0, 1));
                    self.close_round(factor);
                    length
                }
                ')' if !self.round.is_empty() => {
                    self.close_round(BRACKET_WEIGHT);
                    1
                }
                ']' if !self.square.is_empty() => {
                    let start = self.square.pop().unwrap_or_default();
                    self.square_spans
                        .push(self.span(start, 1.0 / BRACKET_WEIGHT));
                    1
                }
                '<' if extra_network(rest).is_some() => {
                    let (lora, length) = extra_network(rest).unwrap_or((None, 1));
                    if let Some((name, weight)) = lora {
                        let range = at..at + length;
                        self.loras.push(LoraWord {
                            name,
                            weight,
                            range,
                        });
                    }
                    length
                }
                _ => {
                    let end = rest[width..].find(['\\', '(', '[', ':', ')', ']', '<']);
                    let length = end.map_or(rest.len(), |end| width + end);
                    self.push_words(&rest[..length], at);
                    length
                }
            };
            at += length;
        }
    }

    fn close_round(&mut self, factor: f64) {
        if let Some(start) = self.round.pop() {
            self.round_spans.push(self.span(start, factor));
        }
    }

    fn span(&self, start: usize, factor: f64) -> Span {
        Span {
            pieces: start..self.pieces.len(),
            factor,
        }
    }

    fn push(&mut self, text: &str, range: Range<usize>) {
        self.pieces.push(Piece {
            text: text.to_owned(),
            range,
            is_break: false,
        });
    }

    /// Text without brackets, in which `BREAK` may stand as a word.
    fn push_words(&mut self, text: &str, at: usize) {
        const BREAK: &str = "BREAK";
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut from = 0;
        for (start, _) in text.match_indices(BREAK) {
            let end = start + BREAK.len();
            if text[..start].ends_with(is_word) || text[end..].starts_with(is_word) {
                continue;
            }
            let before = text[from..start].trim_end();
            if !before.is_empty() {
                self.push(before, at + from..at + from + before.len());
            }
            self.pieces.push(Piece {
                text: String::new(),
                range: at + start..at + end,
                is_break: true,
            });
            let behind = &text[end..];
            from = end + behind.len() - behind.trim_start().len();
        }
        if from < text.len() {
            self.push(&text[from..], at + from..at + text.len());
        }
    }

    fn finish(mut self) -> Prompt {
        while let Some(start) = self.round.pop() {
            self.round_spans.push(self.span(start, BRACKET_WEIGHT));
        }
        while let Some(start) = self.square.pop() {
            self.square_spans
                .push(self.span(start, 1.0 / BRACKET_WEIGHT));
        }
        let n_pieces = self.pieces.len();
        let round = weights(self.round_spans, n_pieces);
        let square = weights(self.square_spans, n_pieces);
        let mut parts: Vec<Part> = Vec::new();
        for (index, piece) in self.pieces.into_iter().enumerate() {
            if piece.is_break {
                parts.push(Part::Break(piece.range));
                continue;
            }
            let weight = (round[index] * square[index]).clamp(-MAX_WEIGHT, MAX_WEIGHT) as f32;
            match parts.last_mut() {
                // As one text to the tokenizer.
                Some(Part::Text {
                    text,
                    weight: last,
                    range,
                }) if last.to_bits() == weight.to_bits() => {
                    *text += &piece.text;
                    range.end = piece.range.end;
                }
                _ => parts.push(Part::Text {
                    text: piece.text,
                    weight,
                    range: piece.range,
                }),
            }
        }
        Prompt {
            parts,
            loras: self.loras,
        }
    }
}

/// Of each piece, the product of the factors of the spans around it. The spans are well nested.
fn weights(mut spans: Vec<Span>, n_pieces: usize) -> Vec<f64> {
    // The outer one of two that begin together comes first.
    spans.sort_by(|a, b| {
        let starts = a.pieces.start.cmp(&b.pieces.start);
        starts.then(b.pieces.end.cmp(&a.pieces.end))
    });
    let mut spans = spans.into_iter().peekable();
    let mut open: Vec<(usize, f64)> = Vec::new();
    let mut weights = Vec::with_capacity(n_pieces);
    for piece in 0..n_pieces {
        while open.last().is_some_and(|(end, _)| *end <= piece) {
            open.pop();
        }
        while let Some(span) = spans.next_if(|span| span.pieces.start <= piece) {
            if span.pieces.end > piece {
                let outer = open.last().map_or(1.0, |(_, weight)| *weight);
                let weight = (outer * span.factor).clamp(-MAX_WEIGHT, MAX_WEIGHT);
                open.push((span.pieces.end, weight));
            }
        }
        weights.push(open.last().map_or(1.0, |(_, weight)| *weight));
    }
    weights
}

/// `:1.3)` at the beginning of a text: the number, and the bytes it takes.
fn weight_to_bracket(text: &str) -> Option<(f64, usize)> {
    let behind = text.strip_prefix(':')?.trim_start();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-');
    let length = behind.find(|c| !is_number(c))?;
    let number: f64 = behind[..length].parse().ok()?;
    let end = behind[length..].trim_start().strip_prefix(')')?;
    number
        .is_finite()
        .then_some((number, text.len() - end.len()))
}

/// `<lora:name:0.8>` at the beginning of a text, and the bytes it takes; `None` inside for another kind of extra
/// network, which is passed over.
fn extra_network(text: &str) -> Option<(Option<(String, f32)>, usize)> {
    const KINDS: [(&str, bool); 4] = [
        ("lora", true),
        ("lyco", true),
        ("hypernet", false),
        ("hypernetwork", false),
    ];
    /// No file's name is longer.
    const MAX_INNER: usize = 512;
    let inner = text.strip_prefix('<')?;
    let inner = &inner[..inner.floor_char_boundary(MAX_INNER)];
    let (inner, _) = inner.split_once('>')?;
    let (kind, arguments) = inner.split_once(':')?;
    let (_, is_lora) = KINDS.into_iter().find(|(known, _)| *known == kind)?;
    let mut arguments = arguments.split(':');
    let name = arguments.next().unwrap_or_default().trim();
    if name.is_empty() {
        return None;
    }
    let weight = arguments
        .next()
        .and_then(|weight| weight.trim().parse().ok());
    let weight = weight
        .filter(|weight: &f32| weight.is_finite())
        .unwrap_or(1.0);
    Some((is_lora.then(|| (name.to_owned(), weight)), inner.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, f32)> {
        let parts = parse(text).parts.into_iter();
        parts
            .map(|part| match part {
                Part::Text { text, weight, .. } => (text, (weight * 1e4).round() / 1e4),
                Part::Break(_) => ("BREAK".to_owned(), -1.0),
            })
            .collect()
    }

    #[test]
    fn weights_are_those_of_the_web_interface() {
        for (text, expected) in [
            ("a cat", &[("a cat", 1.0)][..]),
            ("a (big) cat", &[("a ", 1.0), ("big", 1.1), (" cat", 1.0)]),
            ("((big))", &[("big", 1.21)]),
            ("(big:1.3)", &[("big", 1.3)]),
            ("(big : 1.3 )", &[("big ", 1.3)]),
            ("[big]", &[("big", 0.9091)]),
            ("[[big]]", &[("big", 0.8264)]),
            ("(a [b] c:2)", &[("a ", 2.0), ("b", 1.8182), (" c", 2.0)]),
            ("(((a:1.5) b))", &[("a", 1.815), (" b", 1.21)]),
            (r"\(a\) \[b\] \\", &[(r"(a) [b] \", 1.0)]),
            (r"(a \(b\):1.2)", &[("a (b)", 1.2)]),
            ("a) b] c", &[("a) b] c", 1.0)]),
            ("a (b", &[("a ", 1.0), ("b", 1.1)]),
            ("a: b", &[("a: b", 1.0)]),
            ("(a:b)", &[("a:b", 1.1)]),
            ("(a:-0.5)", &[("a", -0.5)]),
            ("(a:1.2.3)", &[("a:1.2.3", 1.1)]),
            ("(a [b) c]", &[("a ", 1.1), ("b", 1.0), (" c", 0.9091)]),
            ("(a:0) b", &[("a", 0.0), (" b", 1.0)]),
            ("()", &[]),
            ("", &[]),
            ("a BREAK b", &[("a", 1.0), ("BREAK", -1.0), ("b", 1.0)]),
            ("(a BREAK b)", &[("a", 1.1), ("BREAK", -1.0), ("b", 1.1)]),
            ("aBREAK BREAKs", &[("aBREAK BREAKs", 1.0)]),
            ("BREAKBREAK", &[("BREAKBREAK", 1.0)]),
            ("a <b> c", &[("a <b> c", 1.0)]),
        ] {
            let actual = parts(text);
            let actual: Vec<(&str, f32)> = actual.iter().map(|(t, w)| (t.as_str(), *w)).collect();
            assert_eq!(actual, expected, "{text}");
        }
    }

    #[test]
    fn loras_are_taken_out() {
        let prompt =
            parse("a <lora:ink:0.8>boat <lyco:old paper> <hypernet:x:1> <lora:ink:much> <lora::1>");
        let loras: Vec<(&str, f32)> = prompt
            .loras
            .iter()
            .map(|lora| (lora.name.as_str(), lora.weight))
            .collect();
        assert_eq!(loras, [("ink", 0.8), ("old paper", 1.0), ("ink", 1.0)]);
        assert_eq!(prompt.loras[0].range, 2..16);
        let [Part::Text { text, .. }] = &prompt.parts[..] else {
            panic!("{prompt:?}");
        };
        assert_eq!(text, "a boat    <lora::1>");
    }

    #[test]
    fn ranges_are_those_of_the_source() {
        let text = r"é (big\)) BREAK end";
        let ranges: Vec<&str> = parse(text)
            .parts
            .into_iter()
            .map(|part| match part {
                Part::Text { range, .. } | Part::Break(range) => &text[range],
            })
            .collect();
        assert_eq!(ranges, ["é ", r"big\)", "BREAK", "end"]);
    }

    #[test]
    fn whatever_is_written_is_read_at_once() {
        let many = 100_000;
        for text in [
            "(".repeat(many),
            ")".repeat(many),
            "[(".repeat(many),
            "a(".repeat(many) + &"b)".repeat(many),
            "<lora:".repeat(many),
            ":1)".repeat(many),
            "(:".repeat(many),
            "BREAK".repeat(many),
            " BREAK ".repeat(many),
            "\\".repeat(many),
            "x".repeat(10 << 20),
            "🚤(".repeat(many),
        ] {
            let prompt = parse(&text);
            let is_sound = |part: &Part| match part {
                Part::Text { weight, .. } => weight.abs() <= 100.0,
                Part::Break(_) => true,
            };
            assert!(prompt.parts.iter().all(is_sound));
            assert!(prompt.parts.len() <= super::super::MAX_BYTES);
        }
    }
}
