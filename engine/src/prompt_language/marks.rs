//! What weighs what in a prompt that is being written.

use std::ops::Range;

use super::{LoraWord, Part, parse, readable, wildcards::next_name};

/// A stretch of a prompt that is shown apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// In bytes.
    pub range: Range<usize>,
    pub kind: MarkKind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MarkKind {
    /// It counts so many times, which is not once.
    Weighted(f32),
    /// A bracket, a weight, an escape: it says something about words and is none.
    Syntax,
    /// `BREAK`.
    Break,
    /// `<lora:…>`
    Lora,
    /// `__name__`
    Wildcard,
}

/// The marks of a text, in order and apart from each other. What is between them counts once.
pub fn marks(text: &str) -> Vec<Mark> {
    let text = readable(text);
    let prompt = parse(text);
    let loras = prompt.loras.iter().map(|LoraWord { range, .. }| Mark {
        range: range.clone(),
        kind: MarkKind::Lora,
    });
    let mut taken: Vec<Mark> = loras.chain(wildcards(text)).collect();
    for part in prompt.parts {
        match part {
            Part::Break(range) => taken.push(Mark {
                range,
                kind: MarkKind::Break,
            }),
            Part::Text { weight, range, .. } => taken.push(Mark {
                range,
                kind: MarkKind::Weighted(weight),
            }),
        }
    }
    taken.sort_by_key(|mark| (mark.range.start, mark.range.end));
    apart(taken, text.len())
}

fn wildcards(text: &str) -> impl Iterator<Item = Mark> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, name, behind) = next_name(rest)?;
        let end = text.len() - behind.len();
        rest = behind;
        Some(Mark {
            range: end - name.len() - 4..end,
            kind: MarkKind::Wildcard,
        })
    })
}

/// What no mark covers is syntax; where words and something in them overlap, that something is cut out of the words.
fn apart(taken: Vec<Mark>, length: usize) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let (words, mut inner): (Vec<Mark>, Vec<Mark>) = taken
        .into_iter()
        .partition(|mark| matches!(mark.kind, MarkKind::Weighted(_)));
    // A name within the name of a LoRA is its.
    let mut end = 0;
    inner.retain(|mark| {
        let is_apart = mark.range.start >= end;
        if is_apart {
            end = mark.range.end;
        }
        is_apart
    });
    let mut inner = inner.into_iter().peekable();
    let mut at = 0;
    for word in words {
        let mut from = word.range.start.max(at);
        push(&mut marks, at..from, MarkKind::Syntax, &mut inner);
        while let Some(mark) = inner.next_if(|mark| mark.range.start < word.range.end) {
            push_words(&mut marks, from..mark.range.start, word.kind);
            from = mark.range.end.max(from);
            marks.push(mark);
        }
        push_words(&mut marks, from..word.range.end, word.kind);
        at = from.max(word.range.end);
    }
    push(&mut marks, at..length, MarkKind::Syntax, &mut inner);
    marks
}

/// A gap between words, with what lies in it apart.
fn push(
    marks: &mut Vec<Mark>,
    gap: Range<usize>,
    kind: MarkKind,
    inner: &mut std::iter::Peekable<std::vec::IntoIter<Mark>>,
) {
    let mut from = gap.start;
    while let Some(mark) = inner.next_if(|mark| mark.range.start < gap.end) {
        if mark.range.start > from {
            marks.push(Mark {
                range: from..mark.range.start,
                kind,
            });
        }
        from = mark.range.end.max(from);
        marks.push(mark);
    }
    if gap.end > from {
        marks.push(Mark {
            range: from..gap.end,
            kind,
        });
    }
}

fn push_words(marks: &mut Vec<Mark>, range: Range<usize>, kind: MarkKind) {
    let counts_once = kind == MarkKind::Weighted(1.0);
    if !range.is_empty() && !counts_once {
        marks.push(Mark { range, kind });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_say_what_weighs_what() {
        let text = "a (big:1.5) cat <lora:ink:1> BREAK __sea__ [é]";
        let actual = marks(text);
        let actual: Vec<(&str, MarkKind)> = actual
            .iter()
            .map(|mark| (&text[mark.range.clone()], mark.kind))
            .collect();
        let (syntax, weighted) = (MarkKind::Syntax, MarkKind::Weighted);
        assert_eq!(
            actual,
            [
                ("(", syntax),
                ("big", weighted(1.5)),
                (":1.5)", syntax),
                ("<lora:ink:1>", MarkKind::Lora),
                (" ", syntax),
                ("BREAK", MarkKind::Break),
                (" ", syntax),
                ("__sea__", MarkKind::Wildcard),
                ("[", syntax),
                ("é", weighted((1.0_f64 / 1.1) as f32)),
                ("]", syntax),
            ]
        );
    }

    #[test]
    fn marks_are_apart_and_in_order_whatever_is_written() {
        for text in [
            "((a __b__) <lora:c>",
            "__<lora:x>__",
            "(__a__:1.2)__b__",
            "<lora:__a__:1>",
            "🚤(é__ü__",
            &"(__a__".repeat(20_000),
        ] {
            let mut at = 0;
            for mark in marks(text) {
                assert!(
                    mark.range.start >= at && mark.range.end > mark.range.start,
                    "{mark:?}"
                );
                assert!(text.get(mark.range.clone()).is_some(), "{mark:?}");
                at = mark.range.end;
            }
        }
    }
}
