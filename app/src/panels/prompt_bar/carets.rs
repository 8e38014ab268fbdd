//! Where the caret stands in words that run from right to left.
//!
//! egui counts a caret's place in glyphs, one for each character in the order of typing. Of a word from right to left it
//! has the glyphs from left to right, and then some of no width for all characters but one: every caret after it is off.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use egui::Galley;
use egui::epaint::text::{Glyph, Row};

use crate::display_order::{has_right_to_left, is_in_word};

/// `galley` of `text` with a glyph for each character, in the order of typing, whose place is that of the caret before it.
/// What is painted stays as it is.
pub(super) fn mended(galley: Arc<Galley>, text: &str) -> Arc<Galley> {
    if !has_right_to_left(text) {
        return galley;
    }
    let mut galley = Arc::unwrap_or_clone(galley);
    let mut chars = text.chars().peekable();
    for placed in &mut galley.rows {
        mend_row(Arc::make_mut(&mut placed.row), &mut chars);
        if placed.ends_with_newline {
            chars.next();
        }
    }
    Arc::new(galley)
}

fn mend_row(row: &mut Row, chars: &mut Peekable<Chars<'_>>) {
    let glyphs = std::mem::take(&mut row.glyphs);
    let mut glyphs: VecDeque<Glyph> = glyphs
        .into_iter()
        .filter(|glyph| is_drawn(glyph) || !(is_in_word(glyph.chr) || glyph.chr == ' '))
        .collect();
    let mut left = None;
    while let Some(first) = glyphs.front().copied() {
        let run = run_of(&glyphs, chars.clone());
        if run.is_empty() {
            chars.next();
            glyphs.pop_front();
            row.glyphs.push(first);
            left = None;
            continue;
        }
        let n_chars = run.chars().count();
        chars.by_ref().take(n_chars).for_each(drop);
        // Two letters may be drawn as one.
        let n_drawn = glyphs.iter().take_while(|glyph| run.contains(glyph.chr));
        let n_drawn = n_drawn.take(n_chars).count();
        let drawn = glyphs.drain(..n_drawn).collect();
        let (run_left, run) = in_order_of_typing(drawn, &run, first);
        row.glyphs.extend(run);
        left = Some(run_left);
    }
    if let Some(left) = left {
        // Where the next letter will stand.
        row.size.x = left;
    }
}

fn is_drawn(glyph: &Glyph) -> bool {
    glyph.advance_width > 0.0 || !glyph.uv_rect.is_nothing()
}

/// What of the text runs from right to left here and was drawn in one go: words with all between them where one font has
/// both, else one word. Empty where the text runs from left to right.
fn run_of(glyphs: &VecDeque<Glyph>, chars: Peekable<Chars<'_>>) -> String {
    let is_letter = |c: &char| has_right_to_left(c.encode_utf8(&mut [0; 4]));
    let rest: Vec<char> = chars.collect();
    if !rest.first().is_some_and(is_letter) {
        return String::new();
    }
    let is_part = |c: &char| is_in_word(*c) || *c == ' ' || c.is_ascii_punctuation();
    let longest = rest.iter().take_while(|c| is_part(c)).count();
    let is_drawn_backwards = |n: &usize| {
        let drawn = glyphs.iter().take(*n).rev().map(|glyph| glyph.chr);
        is_in_word(rest[*n - 1]) && drawn.eq(rest[..*n].iter().copied())
    };
    let word = rest.iter().take_while(|c| is_in_word(**c)).count();
    let n = (word..=longest).rev().find(is_drawn_backwards);
    rest[..n.unwrap_or(word)].iter().collect()
}

/// One glyph for each character of a run, the first one at the right; and where the run ends, which is its left edge.
fn in_order_of_typing(drawn: Vec<Glyph>, run: &str, filler: Glyph) -> (f32, Vec<Glyph>) {
    let left = drawn.iter().map(|glyph| glyph.pos.x);
    let left = left.fold(filler.pos.x, f32::min);
    let mut glyphs = drawn;
    glyphs.reverse();
    for glyph in &mut glyphs {
        glyph.pos.x += glyph.advance_width;
    }
    let missing = run.chars().skip(glyphs.len());
    glyphs.extend(missing.map(|chr| {
        let mut glyph = filler;
        (glyph.chr, glyph.advance_width, glyph.pos.x) = (chr, 0.0, left);
        glyph
    }));
    (left, glyphs)
}

#[cfg(test)]
mod tests {
    use egui::{Color32, Context, RawInput};

    use super::*;
    use crate::theme;

    /// The caret's places before each character and at the end of a line.
    fn carets(text: &str) -> Vec<f32> {
        let ctx = Context::default();
        theme::install(&ctx);
        let mut carets = Vec::new();
        let mut output = ctx.run_ui(RawInput::default(), |ui| {
            let galley = ui.fonts_mut(|fonts| {
                fonts.layout_no_wrap(text.to_owned(), theme::prompt(), Color32::WHITE)
            });
            let galley = mended(galley, text);
            let row = &galley.rows[0].row;
            carets = row.glyphs.iter().map(|glyph| glyph.pos.x).collect();
            carets.push(row.size.x);
        });
        output.textures_delta.clear();
        carets
    }

    #[test]
    fn the_caret_goes_by_characters_in_any_direction() {
        for text in ["a red house", "a בית b", "בית אדום", "שָׁלוֹם"] {
            let carets = carets(text);
            assert_eq!(carets.len(), text.chars().count() + 1, "{text}");
        }
        let word = carets("בית");
        assert!(word.is_sorted_by(|a, b| a > b), "{word:?}");
        // After a word from right to left all else stands where it did.
        let mixed = carets("a בית b");
        assert!(mixed[6] > mixed[2] && mixed[7] > mixed[6], "{mixed:?}");
    }
}
