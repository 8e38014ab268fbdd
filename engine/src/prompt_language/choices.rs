//! `{a|b|c}`: one of them, chosen by the seed.

/// Beyond it braces mean themselves: a wildcard's file may be in it.
const MAX_BYTES: usize = 4 << 20;

/// Whether a text leaves anything to choose, so that its pictures may differ in their words.
pub fn has_choices(text: &str) -> bool {
    Braces::find(text).any()
}

/// The text with all its choices made.
///
/// The same seed chooses the same; `stream` tells texts of one picture apart. Choices may be nested. Braces without a
/// `|` or without an end mean themselves, and so do `\{`, `\|` and `\}`.
pub fn choose(text: &str, seed: u64, stream: u64) -> String {
    let braces = Braces::find(text);
    if !braces.any() {
        return unescaped(text);
    }
    let mut random = SplitMix(seed ^ stream.rotate_left(32));
    let mut chosen = String::new();
    // Where reading goes on, and where it ends.
    let mut open = vec![(0, text.len())];
    while let Some((at, end)) = open.pop() {
        let brace = braces.first_in(at, end);
        let Some(brace) = brace else {
            chosen += &text[at..end];
            continue;
        };
        chosen += &text[at..brace.start];
        open.push((brace.end + 1, end));
        let index = random.below(brace.bars.len() + 1);
        let bar = |index: usize| brace.bars.get(index).copied().unwrap_or(brace.end);
        let from = match index {
            0 => brace.start + 1,
            _ => bar(index - 1) + 1,
        };
        open.push((from, bar(index)));
    }
    unescaped(&chosen)
}

/// Pairs of braces with bars between them, in their order.
struct Braces(Vec<Pair>);

struct Pair {
    start: usize,
    /// Of its own, not of pairs inside.
    bars: Vec<usize>,
    end: usize,
}

impl Braces {
    fn find(text: &str) -> Self {
        let mut pairs: Vec<Pair> = Vec::new();
        let mut open: Vec<Pair> = Vec::new();
        let mut is_escaped = false;
        let bytes = if text.len() > MAX_BYTES {
            &[]
        } else {
            text.as_bytes()
        };
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'{' => open.push(Pair {
                    start: at,
                    bars: Vec::new(),
                    end: at,
                }),
                b'|' => {
                    if let Some(pair) = open.last_mut() {
                        pair.bars.push(at);
                    }
                }
                b'}' => {
                    if let Some(pair) = open.pop().filter(|pair| !pair.bars.is_empty()) {
                        pairs.push(Pair { end: at, ..pair });
                    }
                }
                _ => {}
            }
        }
        pairs.sort_by_key(|pair| pair.start);
        Self(pairs)
    }

    fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The first that lies between two places, which no pair crosses.
    fn first_in(&self, at: usize, end: usize) -> Option<&Pair> {
        let index = self.0.partition_point(|pair| pair.start < at);
        self.0.get(index).filter(|pair| pair.end < end)
    }
}

/// Without the `\` before braces and bars; before anything else it stays, for it may be a bracket's.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        plain += before;
        if !behind.starts_with(['{', '|', '}']) {
            plain.push('\\');
        }
        // What it stands before is no escape by itself.
        let next = behind.chars().next().map_or(0, char::len_utf8);
        plain += &behind[..next];
        rest = &behind[next..];
    }
    plain + rest
}

/// SplitMix64, Steele et al. 2014.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_choice_is_met_and_a_seed_keeps_to_its_own() {
        let text = "a {red|green|{dark|light} blue} {cat|dog}";
        let all: BTreeSet<String> = (0..200).map(|seed| choose(text, seed, 0)).collect();
        assert_eq!(all.len(), 8, "{all:?}");
        assert!(all.contains("a dark blue dog") && all.contains("a red cat"));
        for seed in [0, 1, u64::MAX] {
            assert_eq!(choose(text, seed, 0), choose(text, seed, 0));
        }
        let differ = (0..50).any(|seed| choose(text, seed, 0) != choose(text, seed, 1));
        assert!(differ, "a negative prompt has its own");
    }

    #[test]
    fn what_is_no_choice_means_itself() {
        for (text, expected) in [
            ("a {cat}", "a {cat}"),
            ("a {cat|dog", "a {cat|dog"),
            ("a cat|dog}", "a cat|dog}"),
            (r"\{a|b\}", "{a|b}"),
            (r"{a\|b|a\|b}", "a|b"),
            (r"\(a\) \\{", r"\(a\) \\{"),
            ("{{a}|{a}}", "{a}"),
            ("{|}x", "x"),
            ("é{ü|ü}ß", "éüß"),
            ("", ""),
        ] {
            assert_eq!(choose(text, 7, 0), expected, "{text}");
        }
        assert!(has_choices("{a|b}") && !has_choices(r"{a} \{a|b}"));
    }

    #[test]
    fn nested_braces_without_end_are_read_at_once() {
        let n = 100_000;
        for text in [
            "{".repeat(n),
            "{|".repeat(n),
            "{a|".repeat(n) + &"}".repeat(n),
            "{a|b}".repeat(n),
            "}".repeat(n),
            "x{a|b}".repeat(1 << 20),
        ] {
            assert!(choose(&text, 3, 0).len() <= text.len());
        }
    }
}
